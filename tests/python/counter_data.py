"""Writes a feature file in which every value says which row it is.

Usage: counter_data.py FILE KEYS DAYS

Row (key k, day d) has value d * 1000000 + k and event time 2026-01-01 + d days; days count from 0.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def main(file, keys, days):
    pairs = [(day, key) for day in range(days) for key in range(keys)]
    table = pa.table(
        {
            "key": pa.array([key for _, key in pairs], pa.int64()),
            "event_timestamp": pa.array(
                [START + timedelta(days=day) for day, _ in pairs], pa.timestamp("us", tz="UTC")
            ),
            "counter": pa.array([day * 1_000_000 + key for day, key in pairs], pa.int64()),
        }
    )
    pq.write_table(table, file)
    print(json.dumps({"rows": table.num_rows}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

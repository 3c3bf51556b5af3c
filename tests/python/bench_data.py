"""Writes the files of the online benchmark: one row of random floats per key and view.

Usage: bench_data.py FOLDER VIEWS FEATURES KEYS
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def main(folder, views, features, keys):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(11)
    moment = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=1)
    times = pa.array([moment] * keys, pa.timestamp("us", tz="UTC"))
    for view in range(views):
        columns = {"key": pa.array(range(keys), pa.int64()), "event_timestamp": times}
        for feature in range(features):
            columns[f"v{view}_f{feature}"] = pa.array(rng.random(keys))
        pq.write_table(pa.table(columns), folder / f"view_{view}.parquet")
    print(json.dumps({"keys": keys}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))

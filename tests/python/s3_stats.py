"""Rows of drivers in S3, written by pyarrow or read by Feast.

usage: s3_stats.py write ENDPOINT s3://BUCKET/KEY HOURS
       s3_stats.py read ENDPOINT s3://BUCKET/KEY

`write` puts rows of three drivers for so many hours from 2026-01-01; `read` prints the columns as Feast infers them and
the rows as Feast's file system for the source reads them.
"""

import json
import sys
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
from feast.infra.offline_stores.file_source import FileSource
from feast.repo_config import RepoConfig

CONFIG = RepoConfig(project="stats", registry="registry.db", provider="local", entity_key_serialization_version=3)
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def write(endpoint, uri, hours):
    files, path = FileSource.create_filesystem_and_path(uri, endpoint, KEYS)
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    rows = [(driver, start + timedelta(hours=hour)) for hour in range(int(hours)) for driver in (1, 2, 3)]
    times = pa.array([time for _, time in rows], pa.timestamp("us", tz="UTC"))
    table = pa.table(
        {
            "driver_id": pa.array([driver for driver, _ in rows], pa.int64()),
            "event_timestamp": times,
            "created": times,
            "rate": pa.array([float(number) for number in range(len(rows))], pa.float64()),
        }
    )
    pq.write_table(table, path, filesystem=files, row_group_size=1000)
    return len(rows)


def read(endpoint, uri):
    source = FileSource(name="stats", path=uri, s3_endpoint_override=endpoint, timestamp_field="event_timestamp")
    columns = dict(source.get_table_column_names_and_types(CONFIG))
    files, path = FileSource.create_filesystem_and_path(uri, endpoint, KEYS)
    table = pq.ParquetFile(files.open_input_file(path)).read().to_pandas()
    return {"columns": columns, "rows": json.loads(table.to_json(orient="records", date_format="iso"))}


if __name__ == "__main__":
    action = {"write": write, "read": read}[sys.argv[1]]
    print(json.dumps(action(*sys.argv[2:])))

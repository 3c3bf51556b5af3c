"""Writes the input of tests/repositories/every_type: one row of ordinary values, one of edges, one of nulls.

Usage: every_type_data.py FOLDER
"""

import json
import sys
from datetime import datetime, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

UTC = timezone.utc
EVENT = datetime(2026, 3, 4, 5, 6, 7, 123000, UTC)
MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
EARLY = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
UUID = "12345678-1234-5678-1234-567812345678"

# name -> (Arrow type, ordinary value, value at an edge)
PRIMITIVES = {
    "int32": (pa.int32(), 7, -(2**31)),
    "int64": (pa.int64(), 2**53 + 1, -(2**63) + 1),
    "float32": (pa.float32(), 0.5, -0.0),
    "float64": (pa.float64(), 0.1, 1e300),
    "bool": (pa.bool_(), True, False),
    "string": (pa.string(), "größe", ""),
    "bytes": (pa.binary(), b"\x00\xff", b""),
    "unix_timestamp": (pa.timestamp("us", tz="UTC"), MOMENT, EARLY),
}
OTHERS = {
    "string_set": (pa.list_(pa.string()), ["a"], []),
    "int64_set": (pa.list_(pa.int64()), [1], []),
    "json": (pa.string(), '{"a": [1, null]}', "[]"),
    "map": (pa.struct([("k", pa.string())]), {"k": "v"}, {"k": ""}),
    "uuid": (pa.string(), UUID, UUID),
}


def main(folder):
    columns = {
        "item_id": pa.array([1, 2, 3], pa.int64()),
        "event_timestamp": pa.array([EVENT] * 3, pa.timestamp("us", tz="UTC")),
        "created": pa.array([EVENT] * 3, pa.timestamp("us", tz="UTC")),
    }
    for name, (kind, ordinary, edge) in PRIMITIVES.items():
        columns[name] = pa.array([ordinary, edge, None], kind)
        columns[f"{name}_list"] = pa.array([[ordinary, edge], [], None], pa.list_(kind))
    for name, (kind, ordinary, edge) in OTHERS.items():
        columns[name] = pa.array([ordinary, edge, None], kind)
    Path(folder).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), Path(folder) / "items.parquet")
    print(json.dumps({"columns": len(columns)}))


if __name__ == "__main__":
    main(sys.argv[1])

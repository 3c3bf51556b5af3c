"""Reads an Arrow IPC stream and prints its columns: type and values, times as microseconds."""

import json
import sys

import pyarrow as pa


def values(column):
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return column.to_pylist()


with pa.OSFile(sys.argv[1]) as file:
    table = pa.ipc.open_stream(file).read_all()
table.validate(full=True)
columns = {
    field.name: {"type": str(field.type), "values": values(table[field.name])} for field in table.schema
}
views = {
    field.name: field.metadata[b"feature_view"].decode()
    for field in table.schema
    if field.metadata and b"feature_view" in field.metadata
}
print(json.dumps({"columns": columns, "feature_view": views}))

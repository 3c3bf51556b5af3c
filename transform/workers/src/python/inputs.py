"""Arrow columns as what a function gets: lists of Python's values, or a DataFrame."""
import datetime
import decimal
import json
import uuid

import pyarrow as pa


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc)


# What a value is to a function of mode python, where Arrow does not say (Feast 0.67: feast_value_type_to_python_type).
READ = {
    "UNIX_TIMESTAMP": utc,
    "MAP": json.loads,
    "STRUCT": json.loads,
    "JSON": json.loads,
    "UUID": uuid.UUID,
    "TIME_UUID": uuid.UUID,
    "DECIMAL": decimal.Decimal,
}


def split(kind):
    """The type of the elements, and what holds them."""
    for suffix in ("_LIST", "_SET"):
        if kind.endswith(suffix):
            return kind[: -len(suffix)], suffix
    return kind, ""


def python_values(column, kind):
    element, holder = split(kind)
    if element == "UNIX_TIMESTAMP":
        column = column.cast(pa.list_(pa.int64()) if holder else pa.int64())
    values, read = column.to_pylist(), READ.get(element)
    if not holder:
        return [None if value is None else read(value) for value in values] if read else values
    make = set if holder == "_SET" else list
    read = read or (lambda value: value)
    return [None if items is None else make(read(item) for item in items) for items in values]


def wide(kind):
    """pandas sees the types of Feast's online path: 64 bits, and instants in microseconds."""
    if pa.types.is_list(kind):
        return pa.list_(wide(kind.value_type))
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    return {pa.int32(): pa.int64(), pa.float32(): pa.float64()}.get(kind, kind)


def frame_of(table):
    fields = [pa.field(field.name, wide(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields)).to_pandas(use_threads=False)

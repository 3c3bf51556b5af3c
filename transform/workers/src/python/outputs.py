"""What a function returned as feature columns, converted and refused as Feast 0.67 does (feast.type_map)."""
import datetime
import decimal
import json
import math
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa

from inputs import split


def is_array_like(value):
    return hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def number(value):
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def whole(value):
    return int(value.timestamp()) if isinstance(value, pd.Timestamp) else int(value)


def truth(value):
    if not isinstance(value, (bool, np.bool_, int, np.integer)):
        raise TypeError(f"{value!r} is no bool")
    return bool(value)


def seconds(value):
    if isinstance(value, datetime.datetime):
        if value.utcoffset() is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return int(value.timestamp())
    if isinstance(value, np.datetime64):
        return int(value.astype("datetime64[s]").astype(np.int64))
    return int(value)


def document(value):
    if isinstance(value, str):
        json.loads(value)
        return value
    return json.dumps(value)


def data(value):
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} instead of bytes")
    return value


NUMBERS = {float, np.float64, int, np.int_, decimal.Decimal}
# Per type: its name in Arrow, the conversion, and which types the first value may have (Feast 0.67: type_map).
TYPES = {
    "INT32": (pa.int32(), whole, None),
    "INT64": (pa.int64(), whole, None),
    "FLOAT": (pa.float32(), number, None),
    "DOUBLE": (pa.float64(), number, NUMBERS),
    "STRING": (pa.string(), str, None),
    "BYTES": (pa.binary(), data, {bytes}),
    "PDF_BYTES": (pa.binary(), data, {bytes}),
    "IMAGE_BYTES": (pa.binary(), data, {bytes}),
    "BOOL": (pa.bool_(), truth, {bool, np.bool_, int, np.int_}),
    "UUID": (pa.string(), str, {str, uuid.UUID}),
    "TIME_UUID": (pa.string(), str, {str, uuid.UUID}),
    "DECIMAL": (pa.string(), str, {decimal.Decimal, str}),
    "UNIX_TIMESTAMP": (pa.int64(), seconds, None),
    "MAP": (pa.string(), document, None),
    "STRUCT": (pa.string(), document, None),
    "JSON": (pa.string(), document, None),
}
FLOATS, INTS = {np.float32, np.float64, float}, {np.int64, np.int32, int}
# The types that items of a list may have; other lists take any.
ITEMS = {
    "FLOAT": FLOATS,
    "DOUBLE": FLOATS,
    "INT32": INTS,
    "INT64": INTS,
    "STRING": {np.str_, str},
    "BOOL": {np.bool_, bool},
    "BYTES": {np.bytes_, bytes},
}
# What stands for nothing inside a list, which protobuf cannot hold (Feast 0.67: _LIST_NONE_DEFAULTS).
EMPTY = {
    "STRING": "",
    "BYTES": b"",
    "INT32": 0,
    "INT64": 0,
    "FLOAT": 0.0,
    "DOUBLE": 0.0,
    "BOOL": False,
    "UUID": "",
    "TIME_UUID": "",
    "DECIMAL": "",
}


def array(values, kind, convert):
    """Arrow never cuts a number: what does not fit raises."""
    if convert is seconds:
        return pa.array(values, pa.int64())
    if kind == pa.float32():
        missing = np.array([value is None for value in values], bool)
        numbers = np.array([math.nan if value is None else value for value in values], np.float32)
        return pa.array(numbers, mask=missing)
    return pa.array(values, kind)


def scalars(values, kind):
    arrow, convert, allowed = TYPES[kind]
    plain = [None if value is None or is_array_like(value) else value for value in values]
    first = next((value for value in plain if value is not None), None)
    if first is not None and allowed is not None:
        zero = kind != "BOOL" and isinstance(first, (int, float, np.number, decimal.Decimal)) and first == 0
        expected = NUMBERS if zero else allowed
        if type(first) not in expected:
            raise TypeError(f"{first!r} is no {kind}")
    if kind in ("MAP", "STRUCT", "JSON"):
        return pa.array([None if value is None else convert(value) for value in values], arrow)
    converted = [None if value is None or pd.isnull(value) else convert(value) for value in plain]
    column = array(converted, arrow, convert)
    return column.cast(pa.timestamp("s", "UTC")) if kind == "UNIX_TIMESTAMP" else column


def lists(values, element, holder):
    arrow, convert, _ = TYPES[element]
    allowed, column, checked = ITEMS.get(element), [], False
    for value in values:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            column.append(None)
            continue
        items = value.tolist() if isinstance(value, np.ndarray) else list(value)
        if holder == "_SET":
            items = list(set(items))
        if element in EMPTY and (holder == "_LIST" or element == "STRING"):
            items = [EMPTY[element] if item is None else item for item in items]
        if items and not checked:
            checked = True
            wrong = next((item for item in items if allowed and type(item) not in allowed), None)
            if wrong is not None:
                raise TypeError(f"{wrong!r} in a list of {element}")
        column.append([convert(item) for item in items])
    made = pa.array(column, pa.list_(arrow))
    return made.cast(pa.list_(pa.timestamp("s", "UTC"))) if element == "UNIX_TIMESTAMP" else made


def feature(result, name, kind, rows):
    if name not in result:
        raise ValueError(f"feature {name} is missing")
    values = result[name]
    if not isinstance(values, (list, np.ndarray)):
        values = list(values) if isinstance(values, (pd.Series, tuple)) else [values]
    if len(values) != rows:
        raise ValueError(f"feature {name} has {len(values)} values for {rows} rows")
    element, holder = split(kind)
    try:
        return lists(values, element, holder) if holder else scalars(values, kind)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(f"feature {name}: {error}") from error

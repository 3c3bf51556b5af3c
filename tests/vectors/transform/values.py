"""Random values per Feast type, rich in the values that break things."""
import random
from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa

# Types of the columns that a function of mode pandas sees: those of Feast's online path.
ARROW = {
    "INT32": pa.int64(), "INT64": pa.int64(), "FLOAT": pa.float64(), "DOUBLE": pa.float64(),
    "BOOL": pa.bool_(), "STRING": pa.string(), "UNIX_TIMESTAMP": pa.timestamp("us", "UTC"),
    "STRING_LIST": pa.list_(pa.string()), "FLOAT_LIST": pa.list_(pa.float64()),
    "INT64_LIST": pa.list_(pa.int64()), "DOUBLE_LIST": pa.list_(pa.float64()),
}
WORDS = ["books", "fashion", "electronics", "mobile", "desktop", "tablet", "", " Books ", "ÄÖß", "b"]
# Texts by the column's name.
TEXTS = {
    "n": ["12", " -7 ", "1_000", "3.5", "1e3", "nan", "inf", "", "x", "+4", "0x10", "1__0", " .5"],
    "path": ["a/b/c", "x", "", "/", "a//b", "shop/Books/New", " lead/trail ", "ünï/cödé", "a,b;c", "k=v=w"],
    "mail": ["ann@example.com", "Bob.Li@mail.example.org", "no-at-sign", "", "@", "x@y@z", "ÄNN@EXAMPLE.DE", "a b@c"],
    "u": ["Straße", "İstanbul", "ǅ", "naïve café", "日本語", "😀 ok", "ΑΣ", "tab\tnew\nline", "\u00a0x\u00a0", "", "A1b2", "12", "½", "²", "_x", "HELLO world", "it's"],
    "when": ["2024-03-10T08:05:00Z", "2024-03-10T08:05:00+02:00", "2023-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2024-02-29T00:00:00Z", "2000-01-01T12:00:00.250Z"],
    "day": ["2024-03-10", "2024-02-29", "1999-12-31", "2023-02-29", "10.03.2024", "", "2024-3-1", "20240310", "2024-12-30"],
}
INSTANTS = ["1970-01-01T00:00:00", "1969-12-31T23:59:59", "1999-12-31T23:59:59", "2000-02-29T00:00:00", "2024-02-29T12:34:56",
            "2024-03-31T01:30:00", "2024-12-30T06:00:00", "2023-01-01T00:00:01", "2038-01-19T03:14:08"]


def f32(value):
    return float(np.float32(value))


def integer(kind, name, r):
    if name == "big":
        return r.choice([2**63 - 1, -(2**63), 2**62, 0, 1, -1, 2**53 + 1, 10**18])
    big = [2**53 + 1, -(2**53) - 1, 10**12] if kind == "INT64" else [2**31 - 1]
    return r.choice([0, 1, 2, 3, 5, 7, -1, -2, -7, 10, 100] + big)


def floating(r):
    edges = [0.0, -0.0, 1.0, 2.5, -2.5, 0.125, 2.675, 1e16, 1e-5, float("nan"), float("inf"), float("-inf"), 3.0, 10.5, -7.25, 1234.5678]
    return r.choice(edges) if r.random() < 0.7 else r.uniform(-100, 100)


def instant(r):
    if r.random() < 0.6:
        return datetime.fromisoformat(r.choice(INSTANTS)).replace(tzinfo=timezone.utc)
    return datetime(2020, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=r.randrange(6 * 365 * 86400))


def value_of(kind, name, r):
    if r.random() < 0.15:
        return None
    if kind in ("INT64", "INT32"):
        return integer(kind, name, r)
    if kind in ("DOUBLE", "FLOAT"):
        return f32(floating(r)) if kind == "FLOAT" else floating(r)
    if kind == "BOOL":
        return r.random() < 0.5
    if kind == "STRING":
        return r.choice(TEXTS.get(name, WORDS))
    if kind == "UNIX_TIMESTAMP":
        return instant(r)
    if kind == "STRING_LIST":
        return [r.choice(WORDS) for _ in range(r.randrange(4))]
    if kind == "FLOAT_LIST":
        return [f32(r.uniform(-5, 5)) for _ in range(r.randrange(3))]
    if kind == "DOUBLE_LIST":
        return [r.choice([0.0, -1.5, 2.25, 1e3, float("inf"), 0.1]) for _ in range(r.randrange(4))]
    if kind == "INT64_LIST":
        return [r.choice([0, 1, -3, 7, 10, 2**53 + 1]) for _ in range(r.randrange(4))]
    raise ValueError(kind)


def some_rows(inputs, seed, count):
    r = random.Random(seed)
    return [{name: value_of(kind, name, r) for name, kind in inputs.items()} for _ in range(count)]

"""Writes what Feast 0.67 makes of JSON values under each declared type: python casts.py OUT."""

import json
import sys

from feast.type_map import python_values_to_proto_values
from feast.value_type import ValueType

VALUES = [
    None, True, False, 0, 1, -7, 2**31, 2**53 + 1, 2**63 - 1, 0.0, 1.0, 1.5, -2.75, 1e16, 1e-7,
    "", "12", " 12 ", "1.5", "abc", "true", "AP8Q", '{"a": 1}', "[1, 2]",
    "2024-01-31T12:00:00Z", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    [], [1, 2], [1.5, 2.5], ["a", ""], [True, False], [[1, 2], [], [3]], [{"a": 1}, {}],
    {}, {"a": 1}, {"a": None, "b": [1, 2], "c": "x", "d": 1.5, "e": True, "f": {"g": [0.5]}},
]
SKIPPED = {"NULL", "UNKNOWN", "PDF_BYTES", "IMAGE_BYTES"}


def cast(value, value_type):
    try:
        message = python_values_to_proto_values([value], value_type)[0]
    except Exception as error:
        return {"error": type(error).__name__}
    return {"hex": message.SerializeToString(deterministic=True).hex()}


cases = [
    {"type": value_type.name, "json": value, **cast(value, value_type)}
    for value_type in ValueType
    if value_type.name not in SKIPPED
    for value in VALUES
]
untyped = [{"json": value, **cast(value, ValueType.UNKNOWN)} for value in VALUES]
with open(sys.argv[1], "w", encoding="utf-8") as out:
    out.write('{"feast": "0.67.0", "typed": [\n')
    out.write(",\n".join(json.dumps(case) for case in cases))
    out.write('\n], "untyped": [\n')
    out.write(",\n".join(json.dumps(case) for case in untyped))
    out.write("\n]}\n")

"""Records what real Python and pandas answer for the functions of functions.py into cases.json.

Run with any Python that has pandas: `python generate.py`. Every function is called row by row (a
one-row call cannot be spoilt by other rows); a row that raises is recorded as such.
"""
import inspect
import json
import math
import pathlib
import random
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa

import expressions
import functions

ROWS = 60
RANDOM = 300
ARROW = {
    "INT32": pa.int64(), "INT64": pa.int64(), "FLOAT": pa.float64(), "DOUBLE": pa.float64(),
    "BOOL": pa.bool_(), "STRING": pa.string(), "STRING_LIST": pa.list_(pa.string()), "FLOAT_LIST": pa.list_(pa.float64()),
}
WORDS = ["books", "fashion", "electronics", "mobile", "desktop", "tablet", "", " Books ", "ÄÖß", "b"]
NUMBERS = ["12", " -7 ", "1_000", "3.5", "1e3", "nan", "inf", "", "x", "+4", "0x10", "1__0", " .5"]


def f32(value):
    return float(np.float32(value))


def value_of(kind, name, r):
    if r.random() < 0.15:
        return None
    if kind in ("INT64", "INT32"):
        big = [2**53 + 1, -(2**53) - 1, 10**12] if kind == "INT64" else [2**31 - 1]
        return r.choice([0, 1, 2, 3, 5, 7, -1, -2, -7, 10, 100] + big)
    if kind in ("DOUBLE", "FLOAT"):
        edges = [0.0, -0.0, 1.0, 2.5, -2.5, 0.125, 2.675, 1e16, 1e-5, float("nan"), float("inf"), float("-inf"), 3.0, 10.5, -7.25, 1234.5678]
        value = r.choice(edges) if r.random() < 0.7 else r.uniform(-100, 100)
        return f32(value) if kind == "FLOAT" else value
    if kind == "BOOL":
        return r.random() < 0.5
    if kind == "STRING":
        return r.choice(NUMBERS if name == "n" else WORDS)
    if kind == "STRING_LIST":
        return [r.choice(WORDS + [None]) for _ in range(r.randrange(4))]
    if kind == "FLOAT_LIST":
        return [f32(r.uniform(-5, 5)) for _ in range(r.randrange(3))]
    raise ValueError(kind)


def stored(value, kind):
    """The value as Feast's conversion to a feature of this type leaves it."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, complex):
        raise TypeError("complex")
    if kind in ("INT64", "INT32"):
        value = int(value)
        if not -(2**63) <= value < 2**63:
            raise OverflowError("int64")
        return value
    if kind == "DOUBLE":
        return float(value)
    if kind == "BOOL":
        return bool(value)
    if kind == "STRING":
        return str(value)
    raise ValueError(kind)


def call(function, mode, singleton, inputs, row):
    if mode == "pandas":
        columns = {name: pa.array([value], ARROW[inputs[name]]) for name, value in row.items()}
        return {name: column.tolist() for name, column in function(pa.table(columns).to_pandas()).items()}
    if singleton:
        return {name: [value] for name, value in function(dict(row)).items()}
    return function({name: [value] for name, value in row.items()})


def some_rows(inputs, seed, count=ROWS):
    r = random.Random(seed)
    return [{name: value_of(kind, name, r) for name, kind in inputs.items()} for _ in range(count)]


def record(function, text, mode, singleton, inputs, outputs, rows):
    columns = {name: [] for name in outputs}
    raises = []
    for row in rows:
        try:
            with np.errstate(all="ignore"):
                result = call(function, mode, singleton, inputs, row)
            values = {name: stored(result[name][0], kind) for name, kind in outputs.items()}
            raises.append(None)
        except Exception as error:  # noqa: BLE001 - any exception is an answer
            values = dict.fromkeys(outputs)
            raises.append(type(error).__name__)
        for name, value in values.items():
            columns[name].append(value)
    return {
        "name": function.__name__,
        "mode": mode,
        "singleton": singleton,
        "text": text,
        "inputs": [{"name": n, "type": t, "values": [plain(row[n]) for row in rows]} for n, t in inputs.items()],
        "outputs": [{"name": n, "type": t, "values": [plain(v) for v in columns[n]]} for n, t in outputs.items()],
        "raises": raises,
    }


def plain(value):
    """Floats are written as texts: JSON has no infinities, and not every reader keeps all digits."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    return repr(value) if isinstance(value, float) else value


def written():
    """The functions of functions.py."""
    for function, mode, singleton, inputs, outputs in functions.CASES:
        lines = inspect.getsource(function).splitlines(keepends=True)
        first = next(i for i, line in enumerate(lines) if line.startswith("def "))
        rows = some_rows(inputs, function.__name__)
        yield record(function, "".join(lines[first:]), mode, singleton, inputs, outputs, rows)


def random_ones():
    """Random functions; what raises in every row teaches nothing. All have the inputs of the first."""
    rows = some_rows(expressions.COLUMNS, "rows", 40)
    first = True
    for name, text, outputs in expressions.functions(RANDOM):
        scope = {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            exec(text, scope)
        case = record(scope[name], text, "python", False, expressions.COLUMNS, outputs, rows)
        if any(error is None for error in case["raises"]):
            if not first:
                del case["inputs"]
            first = False
            yield case


def write(file, cases):
    text = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    path = pathlib.Path(__file__).parent / file
    path.write_text("[\n" + text + "\n]\n")
    rows = sum(len(case["raises"]) for case in cases)
    raised = sum(error is not None for case in cases for error in case["raises"])
    print(f"{file}: {len(cases)} functions, {raised} of {rows} rows raise")


def main():
    write("cases.json", list(written()))
    write("random.json", list(random_ones()))


if __name__ == "__main__":
    main()

"""Records what real Feast computes with the functions of functions/*.py.

Run with the Python of an environment that has Feast 0.67: `python generate.py [file ...]`. A function is rebuilt
from its text and called by Feast's own transformation classes, and its results pass Feast's own conversion to
feature values. It is called row by row (a one-row call cannot be spoilt by other rows; a row that raises is
recorded as such) and once with all rows that do not raise; `batch` says whether that gave the same.
"""
import importlib
import inspect
import json
import pathlib
import sys
import warnings
from datetime import datetime

import numpy as np
import pyarrow as pa
from feast.protos.feast.core.Transformation_pb2 import UserDefinedFunctionV2
from feast.transformation.pandas_transformation import PandasTransformation
from feast.transformation.python_transformation import PythonTransformation
from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values
from feast.value_type import ValueType

import cases
import expressions
from values import ARROW, some_rows

HERE = pathlib.Path(__file__).parent
ROWS = 60
RANDOM = 300


def transformation(name, text, mode):
    """The function as a client finds it in a registry that holds its text alone."""
    proto = UserDefinedFunctionV2(name=name, body=b"", body_text=text, mode=mode)
    return (PandasTransformation if mode == "pandas" else PythonTransformation).from_proto(proto)


def call(transform, mode, singleton, inputs, rows):
    """The output columns of some rows, as Feast takes them from the function."""
    if mode == "pandas":
        columns = {name: pa.array([row[name] for row in rows], ARROW[kind]) for name, kind in inputs.items()}
        table = transform.transform_arrow(pa.table(columns), [])
        return {name: table[name].to_numpy() for name in table.column_names}
    lists = {name: [row[name] for row in rows] for name in inputs}
    result = transform.transform_singleton(lists) if singleton else transform.transform(lists)
    return {name: column if isinstance(column, list) else [column] for name, column in result.items()}


def stored(column, kind):
    """The values as Feast's conversion to a feature of this type leaves them."""
    protos = python_values_to_proto_values(column, ValueType[kind])
    return [feast_value_type_to_python_type(proto) for proto in protos]


def compute(transform, mode, singleton, inputs, outputs, rows):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = call(transform, mode, singleton, inputs, rows)
        columns = {name: stored(result[name], kind) for name, kind in outputs.items()}
    for name, column in columns.items():
        if len(column) != len(rows):
            raise ValueError(f"{len(column)} values of {name} for {len(rows)} rows")
    return columns


def record(name, text, mode, singleton, inputs, outputs, rows):
    transform = transformation(name, text, mode)
    columns = {name: [] for name in outputs}
    raises = []
    for row in rows:
        try:
            values = compute(transform, mode, singleton, inputs, outputs, [row])
            raises.append(None)
        except Exception as error:  # noqa: BLE001 - any exception is an answer
            values = {name: [None] for name in outputs}
            raises.append(type(error).__name__)
        for output, column in values.items():
            columns[output].append(column[0])
    case = {
        "name": name,
        "mode": mode,
        "singleton": singleton,
        "text": text,
        "inputs": [{"name": n, "type": t, "values": [plain(row[n]) for row in rows]} for n, t in inputs.items()],
        "outputs": [{"name": n, "type": t, "values": [plain(v) for v in columns[n]]} for n, t in outputs.items()],
        "raises": raises,
    }
    if not singleton:
        case["batch"] = same_in_a_batch(transform, mode, inputs, outputs, rows, case)
    return case


def same_in_a_batch(transform, mode, inputs, outputs, rows, case):
    kept = [index for index, error in enumerate(case["raises"]) if error is None]
    if not kept:
        return True
    try:
        columns = compute(transform, mode, False, inputs, outputs, [rows[index] for index in kept])
    except Exception:  # noqa: BLE001 - any exception is an answer
        return False
    return all([plain(v) for v in columns[o["name"]]] == [o["values"][index] for index in kept] for o in case["outputs"])


def plain(value):
    """Floats are written as texts: JSON has no infinities, and not every reader keeps all digits."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return int(value.timestamp())
    return repr(value) if isinstance(value, float) else value


def written(module):
    """The functions of a file."""
    cases.CASES.clear()
    importlib.import_module(f"functions.{module}")
    for function, mode, singleton, inputs, outputs in cases.CASES:
        lines = inspect.getsource(function).splitlines(keepends=True)
        first = next(i for i, line in enumerate(lines) if line.startswith("def "))
        rows = some_rows(inputs, function.__name__, ROWS)
        yield record(function.__name__, "".join(lines[first:]), mode, singleton, inputs, outputs, rows)


def random_ones(functions):
    """Random functions; what raises in every row teaches nothing. All have the inputs of the first."""
    rows = some_rows(expressions.COLUMNS, "rows", 40)
    first = True
    for name, text, outputs in functions(RANDOM):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            case = record(name, text, "python", False, expressions.COLUMNS, outputs, rows)
        if any(error is None for error in case["raises"]):
            if not first:
                del case["inputs"]
            first = False
            yield case


def write(file, recorded):
    text = ",\n".join(json.dumps(case, ensure_ascii=False) for case in recorded)
    (HERE / file).write_text("[\n" + text + "\n]\n")
    rows = sum(len(case["raises"]) for case in recorded)
    raised = sum(error is not None for case in recorded for error in case["raises"])
    apart = [case["name"] for case in recorded if case.get("batch") is False]
    always = [case["name"] for case in recorded if all(error is not None for error in case["raises"])]
    print(f"{file}: {len(recorded)} functions, {raised} of {rows} rows raise; a batch differs: {apart}; always raise: {always}")


def main():
    sys.path.insert(0, str(HERE))
    modules = sorted(path.stem for path in (HERE / "functions").glob("*.py"))
    for module in sys.argv[1:] or modules + ["random", "random_try"]:
        if module == "random":
            write("random.json", list(random_ones(expressions.functions)))
        elif module == "random_try":
            write("random_try.json", list(random_ones(expressions.guarded)))
        else:
            write(f"recorded/{module}.json", list(written(module)))


if __name__ == "__main__":
    main()

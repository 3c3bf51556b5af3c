"""Rows per second of on-demand functions in Feast's own transformation classes, from Arrow table to Arrow table.

bench_transform.py CASES.json ROWS.arrow prints a list per function, with a figure per number of rows.
"""
import json
import sys
import time
import warnings

import pyarrow as pa
from feast.protos.feast.core.Transformation_pb2 import UserDefinedFunctionV2
from feast.transformation.pandas_transformation import PandasTransformation
from feast.transformation.python_transformation import PythonTransformation


def rate(transform, table, seconds):
    transform.transform_arrow(table, [])
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < seconds:
        transform.transform_arrow(table, [])
        calls += 1
    return calls * table.num_rows / (time.perf_counter() - start)


def main():
    warnings.simplefilter("ignore")
    pa.set_cpu_count(1)
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    with pa.OSFile(sys.argv[2]) as file:
        rows = pa.ipc.open_file(file).read_all()
    answer = []
    for case in cases["functions"]:
        proto = UserDefinedFunctionV2(name=case["name"], body=b"", body_text=case["text"], mode=case["mode"])
        kind = PandasTransformation if case["mode"] == "pandas" else PythonTransformation
        transform = kind.from_proto(proto)
        answer.append([rate(transform, rows.slice(0, count), cases["seconds"]) for count in cases["rows"]])
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

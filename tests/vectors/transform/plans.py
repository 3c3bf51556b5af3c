"""Records what real Feast computes with views of mode="substrait", and the plans that it stores for them.

Run with the Python of an environment that has Feast 0.67 (with pyarrow) and, for the plans, `ibis-framework` 9.5,
`ibis-substrait` 4.0 and `substrait` 0.23; newer ones of ibis cannot make plans. Every function is compiled by Feast's
`SubstraitTransformation.from_ibis`; the answers are those of its `transform_arrow`, row by row, after Feast's own
conversion to feature values.
"""
import json
import pathlib
import sys

import ibis
import pyarrow as pa
from feast import Field, RequestSource
from feast.transformation.substrait_transformation import SubstraitTransformation
from feast.types import Bool, Float64, Int64, String

import generate
from values import ARROW, some_rows

HERE = pathlib.Path(__file__).parent
ROWS = 60
TYPES = {"INT64": Int64, "DOUBLE": Float64, "STRING": String, "BOOL": Bool}
COLUMNS = {"a": "INT64", "b": "INT64", "f": "DOUBLE", "g": "DOUBLE", "s": "STRING", "path": "STRING", "t": "BOOL"}
CASES = []


def case(**outputs):
    def add(function):
        CASES.append((function, outputs))
        return function

    return add


@case(sum="INT64", difference="INT64", product="INT64", mixed="DOUBLE", plus="INT64")
def arithmetic(t):
    return t.mutate(sum=t.a + t.b, difference=t.a - t.b, product=t.a * t.b, mixed=t.a + t.f, plus=t.b + 100)


@case(ratio="DOUBLE", half="DOUBLE", shares="DOUBLE", whole="INT64")
def divisions(t):
    return t.mutate(ratio=t.f / t.g, half=t.f / 2, shares=t.f / 3.5, whole=t.a / t.b)


@case(r="DOUBLE", q="DOUBLE", whole="INT64")
def powers(t):
    return t.select(r=t.f ** 2, q=t.f ** t.g, whole=t.a ** 2)


@case(abs="DOUBLE", negative="INT64", minus="DOUBLE", sign="DOUBLE", step="INT64", rounded="DOUBLE")
def roundings(t):
    return t.mutate(abs=t.f.abs(), negative=-t.a, minus=-t.f, sign=t.f.sign(), step=t.a.abs(), rounded=t.f.round(2))


@case(root="DOUBLE", ln="DOUBLE", log10="DOUBLE", log2="DOUBLE", exp="DOUBLE")
def logarithms(t):
    return t.mutate(root=t.f.sqrt(), ln=t.f.ln(), log10=t.f.log10(), log2=t.f.log2(), exp=t.g.exp())


@case(sin="DOUBLE", cos="DOUBLE", tan="DOUBLE", angle="DOUBLE")
def angles(t):
    return t.mutate(sin=t.f.sin(), cos=t.f.cos(), tan=t.f.tan(), angle=t.f.atan2(t.g))


@case(eq="BOOL", ne="BOOL", lt="BOOL", le="BOOL", gt="BOOL", ge="BOOL", text="BOOL")
def comparisons(t):
    return t.mutate(eq=t.f == t.g, ne=t.f != t.g, lt=t.f < t.g, le=t.a <= t.b, gt=t.f > t.g, ge=t.a >= t.f, text=t.s < t.path)


@case(both="BOOL", either="BOOL", neither="BOOL", one="BOOL", missing="BOOL", there="BOOL", nan="BOOL")
def logic(t):
    return t.mutate(
        both=(t.a > 1) & t.t,
        either=(t.f > 1) | t.t,
        neither=~t.t,
        one=t.t ^ (t.a > 1),
        missing=t.f.isnull(),
        there=t.s.notnull(),
        nan=t.f.isnan(),
    )


@case(size="STRING", score="DOUBLE", flag="INT64")
def choices(t):
    size = ibis.case().when(t.a > 5, "large").when(t.a > 0, "small").else_("none").end()
    return t.mutate(size=size, score=ibis.ifelse(t.t, t.f, t.g), flag=ibis.ifelse(t.a > t.b, 1, 0))


@case(real="DOUBLE", whole="INT64", number="INT64", word="STRING")
def conversions(t):
    return t.mutate(
        real=t.a.cast("float64"), whole=(t.a.cast("float64") / 4).cast("int64"), number=t.t.cast("int64"), word=t.a.cast("string")
    )


@case(known="BOOL", few="BOOL", strange="BOOL", starts="BOOL", ends="BOOL", has="BOOL")
def texts(t):
    return t.mutate(
        known=t.s.isin(["books", "mobile"]),
        few=t.a.isin([1, 2, 3]),
        strange=t.a.notin([1, 2]),
        starts=t.s.startswith("b"),
        ends=t.path.endswith("e"),
        has=t.s.contains("o"),
    )


@case(score="DOUBLE", band="STRING")
def several_steps(t):
    t = t.mutate(base=t.f * 0.5 + t.g)
    t = t.mutate(score=ibis.ifelse(t.base > 10, t.base / 2, t.base))
    return t.mutate(band=ibis.ifelse(t.score > 1, "high", "low")).select("score", "band")


@case(one="INT64", word="STRING", real="DOUBLE", yes="BOOL", s="STRING", f="DOUBLE")
def constants(t):
    return t.select("s", "f", one=ibis.literal(1), word=ibis.literal("x"), real=ibis.literal(2.5), yes=ibis.literal(True))


def record(function, outputs):
    source = RequestSource(name="request", schema=[Field(name=n, dtype=TYPES[k]) for n, k in COLUMNS.items()])
    transform = SubstraitTransformation.from_ibis(function, [source])
    rows = some_rows(COLUMNS, function.__name__, ROWS)
    values, raises = {name: [] for name in outputs}, []
    for row in rows:
        try:
            table = pa.table({n: pa.array([row[n]], ARROW[k]) for n, k in COLUMNS.items()})
            answer = transform.transform_arrow(table, [])
            columns = {n: generate.stored(answer[n].to_numpy(), k)[0] for n, k in outputs.items()}
            raises.append(None)
        except Exception as error:  # noqa: BLE001 - any exception is an answer
            columns = {name: None for name in outputs}
            raises.append(type(error).__name__)
        for name, value in columns.items():
            values[name].append(value)
    return {
        "name": function.__name__,
        "mode": "substrait",
        "singleton": False,
        "text": "",
        "plan": transform.substrait_plan.hex(),
        "inputs": [{"name": n, "type": k, "values": [generate.plain(row[n]) for row in rows]} for n, k in COLUMNS.items()],
        "outputs": [{"name": n, "type": k, "values": [generate.plain(v) for v in values[n]]} for n, k in outputs.items()],
        "raises": raises,
    }


def main():
    recorded = []
    for function, outputs in CASES:
        try:
            recorded.append(record(function, outputs))
        except Exception as error:  # noqa: BLE001 - ibis-substrait does not know every operation
            print(f"{function.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        raised = [error for error in recorded[-1]["raises"] if error]
        print(f"{function.__name__}: {len(raised)} of {ROWS} rows raise {sorted(set(raised))}")
    text = ",\n".join(json.dumps(case, ensure_ascii=False) for case in recorded)
    (HERE / "plans.json").write_text("[\n" + text + "\n]\n")


if __name__ == "__main__":
    main()

"""mode="pandas": numbers, conditions, missing values."""
import numpy as np
import pandas as pd

from cases import case

AF = {"a": "INT64", "f": "DOUBLE"}
FG = {"f": "DOUBLE", "g": "DOUBLE"}


@case(FG, {"s": "DOUBLE", "c": "DOUBLE", "t": "DOUBLE", "angle": "DOUBLE"}, mode="pandas")
def cyclic_features(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["s"] = np.sin(2 * np.pi * inputs["f"] / 24)
    out["c"] = np.cos(2 * np.pi * inputs["f"] / 24)
    out["t"] = np.tanh(inputs["f"] / 10)
    out["angle"] = np.degrees(np.arctan2(inputs["f"], inputs["g"]))
    return out


@case({"lat": "DOUBLE", "lon": "DOUBLE", "lat2": "DOUBLE", "lon2": "DOUBLE"}, {"km": "DOUBLE"}, mode="pandas")
def distance_on_the_globe(inputs):
    lat1, lon1 = np.radians(inputs["lat"]), np.radians(inputs["lon"])
    lat2, lon2 = np.radians(inputs["lat2"]), np.radians(inputs["lon2"])
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return pd.DataFrame({"km": 6371.0 * 2 * np.arcsin(np.sqrt(h.clip(0, 1)))})


@case(AF, {"high": "DOUBLE", "low": "DOUBLE", "fmax": "DOUBLE", "whole": "INT64"}, mode="pandas")
def largest_and_smallest(inputs):
    df = pd.DataFrame()
    df["high"] = np.maximum(inputs["a"], inputs["f"])
    df["low"] = np.minimum(inputs["f"], 2)
    df["fmax"] = np.fmax(inputs["f"], inputs["a"])
    df["whole"] = np.maximum(inputs["a"], 0)
    return df


@case(AF, {"up": "DOUBLE", "down": "DOUBLE", "cut": "DOUBLE", "near": "DOUBLE", "two": "DOUBLE", "whole": "INT64"}, mode="pandas")
def roundings(inputs):
    df = inputs.copy()
    df["up"] = np.ceil(df["f"])
    df["down"] = np.floor(df.f)
    df["cut"] = np.trunc(df["f"])
    df["near"] = np.rint(df["f"])
    df["two"] = np.round(df["f"] * 1.005, 2)
    df["whole"] = np.floor(df["a"])
    return df[["up", "down", "cut", "near", "two", "whole"]]


@case(AF, {"sign": "DOUBLE", "whole": "INT64", "square": "DOUBLE", "power": "DOUBLE", "root": "DOUBLE", "exp": "DOUBLE"}, mode="pandas")
def signs_and_powers(inputs):
    out = pd.DataFrame()
    out["sign"] = np.sign(inputs["f"])
    out["whole"] = np.sign(inputs["a"])
    out["square"] = np.square(inputs["f"])
    out["power"] = np.power(inputs["f"], 3)
    out["root"] = np.cbrt(inputs["f"])
    out["exp"] = np.expm1(inputs["f"].clip(upper=5))
    return out


@case(AF, {"finite": "BOOL", "infinite": "BOOL", "nan": "BOOL", "zero": "DOUBLE"}, mode="pandas")
def infinities(inputs):
    df = pd.DataFrame()
    df["finite"] = np.isfinite(inputs["f"])
    df["infinite"] = np.isinf(inputs["f"])
    df["nan"] = np.isnan(inputs["a"])
    df["zero"] = np.nan_to_num(inputs["f"], nan=0.0, posinf=99.0, neginf=-99.0)
    return df


@case(FG, {"ratio": "DOUBLE", "safe": "DOUBLE", "cleaned": "DOUBLE", "plain": "DOUBLE"}, mode="pandas")
def divisions_by_zero(inputs):
    out = pd.DataFrame()
    out["ratio"] = np.where(inputs["g"] != 0, inputs["f"] / inputs["g"], 0.0)
    out["safe"] = (inputs["f"] / inputs["g"].replace(0, np.nan)).fillna(-1)
    out["cleaned"] = (inputs["f"] / inputs["g"]).replace([np.inf, -np.inf], np.nan)
    out["plain"] = np.divide(inputs["f"], inputs["g"], out=np.zeros_like(inputs["f"]), where=inputs["g"] != 0)
    return out


@case(AF, {"band": "STRING", "code": "INT64", "number": "DOUBLE"}, mode="pandas")
def bands_with_select(inputs):
    conditions = [inputs["f"] < 0, inputs["f"].between(0, 3), inputs["f"] > 1000]
    df = pd.DataFrame()
    df["band"] = np.select(conditions, ["negative", "small", "huge"], default="other")
    df["code"] = np.select([inputs["a"] > 5, inputs["a"] > 0], [2, 1])
    df["number"] = np.select([inputs["a"] > 5, inputs["f"] > 0], [inputs["a"], inputs["f"] * 2], default=np.nan)
    return df


@case({"f": "DOUBLE"}, {"segment": "STRING", "left": "STRING", "code": "DOUBLE", "weight": "DOUBLE"}, mode="pandas")
def bins_with_cut(inputs):
    out = pd.DataFrame()
    out["segment"] = pd.cut(inputs["f"], bins=[-np.inf, 0, 2.5, 100, np.inf], labels=["none", "low", "mid", "high"]).astype(str)
    out["left"] = pd.cut(inputs["f"], bins=[0, 1, 3, 20], labels=["a", "b", "c"], right=False).astype(str)
    out["code"] = pd.cut(inputs["f"], bins=[0, 1, 3, 20], labels=False, include_lowest=True)
    out["weight"] = pd.cut(inputs["f"], [0, 2.5, 1000], labels=[10, 20]).astype(float)
    return out


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING", "p": "BOOL"}, {"both": "DOUBLE", "m": "DOUBLE", "w": "DOUBLE", "t": "STRING", "u": "STRING"}, mode="pandas")
def where_and_mask(inputs):
    df = pd.DataFrame()
    df["both"] = inputs["f"].where(inputs["a"] > 0, -1.0)
    df["m"] = inputs["f"].mask(inputs["f"] < 0)
    df["w"] = inputs["a"].where(inputs["a"] != 7)
    df["t"] = inputs["s"].where(inputs["s"] != "", "empty")
    df["u"] = inputs["s"].mask(inputs["f"] > 1, "big").fillna("?")
    return df


@case({"f": "DOUBLE", "p": "BOOL"}, {"w": "DOUBLE"}, mode="pandas")
def where_with_a_missing_condition(inputs):
    return pd.DataFrame({"w": inputs["f"].where(inputs["p"], 0.5)})


@case({"f": "DOUBLE", "p": "BOOL"}, {"m": "DOUBLE"}, mode="pandas")
def mask_with_a_missing_condition(inputs):
    return pd.DataFrame({"m": inputs["f"].mask(inputs["p"], 0.5)})


@case({"f": "DOUBLE", "g": "DOUBLE", "s": "STRING", "t": "STRING"}, {"first": "DOUBLE", "text": "STRING", "filled": "DOUBLE"}, mode="pandas")
def first_that_is_there(inputs):
    out = pd.DataFrame()
    out["first"] = inputs["f"].combine_first(inputs["g"]).fillna(0)
    out["text"] = inputs["s"].fillna(inputs["t"]).fillna("none")
    out["filled"] = inputs["f"].fillna(inputs["g"])
    return out


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING"}, {"score": "DOUBLE", "level": "STRING", "flag": "INT64", "a": "INT64"}, mode="pandas")
def assignments_with_loc(inputs):
    df = inputs.copy()
    df.loc[df["a"].isna(), "a"] = 0
    df["score"] = 1.0
    df.loc[df["f"] > 2, "score"] = df["f"] * 2
    df.loc[(df["f"] < 0) & (df["a"] > 0), "score"] = -1
    df.loc[:, "level"] = "low"
    df.loc[df["s"].isin(["books", "fashion"]), "level"] = df["s"]
    df["flag"] = 0
    df.loc[df["f"].notna(), "flag"] = 1
    return df


@case(AF, {"kept": "DOUBLE", "sum": "DOUBLE"}, mode="pandas")
def filtered_columns_align(inputs):
    df = inputs.copy()
    df["kept"] = inputs["f"][inputs["f"] > 1]
    df["sum"] = inputs.loc[inputs["a"] > 0, "f"] + 1
    return df


@case({"p": "BOOL", "q": "BOOL", "f": "DOUBLE"}, {"both": "BOOL", "any": "BOOL", "not": "BOOL", "count": "INT64"}, mode="pandas")
def logic_of_conditions(inputs):
    high, low = inputs["f"] > 1, inputs["f"] < 10
    df = pd.DataFrame()
    df["both"] = np.logical_and(high, low)
    df["any"] = np.logical_or(high, inputs["p"].fillna(False).astype(bool))
    df["not"] = np.logical_not(high) ^ low
    df["count"] = high.astype(int) + low.astype(int) + (inputs["q"] == True).astype(int)
    return df


@case({"a": "INT64", "f": "DOUBLE", "g": "DOUBLE"}, {"total": "DOUBLE", "mean": "DOUBLE", "top": "DOUBLE", "low": "DOUBLE", "gaps": "INT64", "some": "BOOL"}, mode="pandas")
def sums_along_the_row(inputs):
    parts = inputs[["f", "g"]]
    out = pd.DataFrame()
    out["total"] = parts.sum(axis=1)
    out["mean"] = inputs[["a", "f", "g"]].mean(axis=1)
    out["top"] = parts.max(axis=1)
    out["low"] = parts.min(axis="columns")
    out["gaps"] = inputs.isna().sum(axis=1)
    out["some"] = inputs[["f", "g"]].isna().any(axis=1)
    return out


@case(FG, {"a": "DOUBLE", "s": "DOUBLE", "m": "DOUBLE", "d": "DOUBLE", "r": "DOUBLE", "gt": "BOOL", "ne": "BOOL"}, mode="pandas")
def operators_as_methods(inputs):
    f, g = inputs["f"], inputs["g"]
    out = pd.DataFrame()
    out["a"] = f.add(g, fill_value=0)
    out["s"] = f.sub(1)
    out["m"] = f.mul(g).pow(2)
    out["d"] = f.div(g)
    out["r"] = f.rsub(10)
    out["gt"] = f.gt(g)
    out["ne"] = f.ne(g)
    return out


@case({"a": "INT64", "f": "DOUBLE"}, {"double": "DOUBLE", "ratio": "DOUBLE", "kept": "INT64"}, mode="pandas")
def assign_rename_and_drop(inputs):
    df = inputs.assign(double=lambda d: d["f"] * 2, ratio=inputs["f"] / 4)
    df = df.rename(columns={"a": "kept"}).drop(columns=["f"])
    return df[["double", "ratio", "kept"]]


@case({"s": "STRING", "a": "INT64", "f": "DOUBLE"}, {"code": "DOUBLE", "swapped": "STRING", "zero": "DOUBLE", "one": "INT64"}, mode="pandas")
def replacements(inputs):
    out = pd.DataFrame(index=inputs.index)
    out["one"] = 1
    out["code"] = inputs["s"].map({"books": 1, "fashion": 2.5, "b": 3})
    out["swapped"] = inputs["s"].replace({"books": "Buch", "fashion": "Mode", "": "leer"})
    out["zero"] = inputs["f"].replace(0, 1).replace([2.5, -2.5], 7.0)
    return out


@case({"n": "STRING", "f": "DOUBLE", "a": "INT64"}, {"number": "DOUBLE", "plus": "DOUBLE"}, mode="pandas")
def numbers_from_texts(inputs):
    df = pd.DataFrame()
    df["number"] = pd.to_numeric(inputs["n"], errors="coerce")
    df["plus"] = pd.to_numeric(inputs["n"], errors="coerce").fillna(0) + inputs["a"]
    return df


@case({"n": "STRING"}, {"number": "DOUBLE"}, mode="pandas")
def numbers_from_texts_raise(inputs):
    return pd.DataFrame({"number": pd.to_numeric(inputs["n"])})


@case({"n": "STRING"}, {"number": "DOUBLE"}, mode="pandas")
def texts_as_floats_raise(inputs):
    return pd.DataFrame({"number": inputs["n"].astype(float) * 2})


@case({"a": "INT64", "f": "DOUBLE", "p": "BOOL"}, {"f32": "FLOAT", "i32": "INT32", "b": "BOOL", "s": "STRING", "t": "STRING", "q": "DOUBLE"}, mode="pandas")
def conversions(inputs):
    df = pd.DataFrame()
    df["f32"] = inputs["f"].astype("float32")
    df["i32"] = inputs["a"].fillna(0).astype("int32")
    df["b"] = inputs["f"].astype(bool)
    df["s"] = inputs["f"].astype(str)
    df["t"] = inputs["p"].astype("str")
    df["q"] = inputs["p"].astype("float64")
    return df


@case({"a": "INT64", "f": "DOUBLE"}, {"i": "INT64"}, mode="pandas")
def whole_numbers_that_may_be_missing(inputs):
    return pd.DataFrame({"i": inputs["f"].round().astype("Int64")})


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING"}, {"twice": "DOUBLE", "label": "STRING", "length": "INT64", "root": "DOUBLE"}, mode="pandas")
def functions_applied_to_columns(inputs):
    df = pd.DataFrame()
    df["twice"] = inputs["f"].apply(lambda x: x * 2 if x > 0 else 0.0)
    df["label"] = inputs["a"].apply(lambda x: "none" if pd.isna(x) else ("big" if x > 5 else "small"))
    df["length"] = inputs["s"].map(lambda s: len(s) if s else -1)
    df["root"] = inputs["f"].apply(np.sqrt)
    return df


@case({"a": "INT64"}, {"r": "DOUBLE", "missing": "BOOL", "text": "STRING"}, mode="pandas")
def missing_numbers_are_nan_in_apply(inputs):
    df = pd.DataFrame()
    df["r"] = inputs["a"].apply(lambda x: x + 1 if x == x else -1)
    df["missing"] = inputs["a"].apply(lambda x: x is None)
    df["text"] = inputs["a"].apply(lambda x: "even" if x % 2 == 0 else "odd")
    return df


@case({"a": "INT64"}, {"r": "INT64"}, mode="pandas")
def int_of_nan_raises_in_apply(inputs):
    return pd.DataFrame({"r": inputs["a"].apply(lambda x: int(x) + 1)})


@case({"f": "DOUBLE", "g": "DOUBLE"}, {"ratio": "DOUBLE", "rounded": "DOUBLE"}, mode="pandas")
def rows_of_numbers_are_numpys(inputs):
    out = pd.DataFrame()
    out["ratio"] = inputs.apply(lambda row: row["f"] / row["g"], axis=1)
    out["rounded"] = inputs.apply(lambda row: round(row["f"] * 2.675, 2), axis=1)
    return out


@case({"a": "INT64", "s": "STRING", "f": "DOUBLE"}, {"label": "STRING", "ratio": "DOUBLE"}, mode="pandas")
def rows_of_objects_are_pythons(inputs):
    def label(row):
        if row["s"] is None:
            return "unknown"
        if row["f"] > 2 and row.s != "":
            return row["s"].upper()
        return "other"

    df = pd.DataFrame()
    df["label"] = inputs.apply(label, axis=1)
    df["ratio"] = inputs.apply(lambda r: r["f"] / r["a"] if r["a"] > 0 else r.get("missing", -1.0), axis=1)
    return df


@case({"a": "INT64", "s": "STRING", "f": "DOUBLE"}, {"ratio": "DOUBLE"}, mode="pandas")
def division_by_zero_raises_in_rows_of_objects(inputs):
    return pd.DataFrame({"ratio": inputs.apply(lambda row: row["f"] / row["a"], axis=1)})


@case({"s": "STRING", "f": "DOUBLE"}, {"a": "DOUBLE", "b": "STRING"}, mode="pandas")
def several_columns_of_one_apply(inputs):
    def both(row):
        return pd.Series({"a": row["f"] * 3, "b": row["s"] if row["s"] else "-"})

    return inputs.apply(both, axis=1)


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING"}, {"r": "DOUBLE", "t": "STRING"}, mode="pandas")
def loops_over_columns(inputs):
    values = []
    for a, f in zip(inputs["a"], inputs["f"]):
        if a > 3:
            values.append(a * 1.5)
        else:
            values.append(f)
    df = pd.DataFrame({"r": values})
    df["t"] = [s if s is not None else "none" for s in inputs["s"]]
    return df


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING"}, {"r": "DOUBLE", "t": "STRING"}, mode="pandas")
def loops_over_rows(inputs):
    totals, labels = [], []
    for index, row in inputs.iterrows():
        totals.append(row["f"] + 1)
    for row in inputs.itertuples():
        labels.append("long" if row.s and len(row.s) > 4 else "short")
    return pd.DataFrame({"r": totals, "t": labels})


@case({"f": "DOUBLE", "s": "STRING"}, {"r": "DOUBLE"}, mode="pandas")
def vectorized_function(inputs):
    def price(f, s):
        if s == "books":
            return f * 0.93
        return f

    return pd.DataFrame({"r": np.vectorize(price, otypes=[float])(inputs["f"], inputs["s"])})


@case({"f": "DOUBLE", "g": "DOUBLE"}, {"share": "DOUBLE", "log": "DOUBLE", "logit": "DOUBLE", "z": "DOUBLE"}, mode="pandas")
def ratios_and_logs(inputs):
    df = pd.DataFrame()
    df["share"] = (inputs["f"] / (inputs["f"] + inputs["g"] + 0.01)).round(4)
    df["log"] = np.log10(inputs["f"].abs() + 1) + np.log2(inputs["g"].clip(lower=1))
    p = 1 / (1 + np.exp(-inputs["f"].clip(-20, 20)))
    df["logit"] = np.log(p / (1 - p))
    df["z"] = (inputs["f"] - inputs["g"]) / inputs["g"].clip(lower=1.0)
    return df


@case({"f": "DOUBLE", "a": "INT64"}, {"x": "DOUBLE", "y": "DOUBLE", "z": "INT64"}, mode="pandas")
def frames_as_a_whole(inputs):
    df = inputs.fillna({"f": 0.5, "a": 0})
    df["x"] = df.f.values * 2
    df["y"] = inputs[["f"]].fillna(0).clip(0, 10)["f"]
    df["z"] = df["a"].astype(int)
    for column in ["x", "y"]:
        df[column] = df[column] + 1
    return df


@case({"f": "DOUBLE", "a": "INT64", "s": "STRING"}, {"has": "BOOL", "n": "INT64", "d": "DOUBLE", "w": "DOUBLE"}, mode="pandas")
def columns_that_may_be_there(inputs):
    df = pd.DataFrame()
    df["d"] = inputs.get("f") if "f" in inputs.columns else 0.0
    df["has"] = "missing" in inputs
    df["n"] = len(inputs.columns)
    df["w"] = np.full(len(inputs), 2.5) + np.ones(len(df))
    return df


@case({"big": "INT64", "a": "INT64"}, {"sum": "INT64", "product": "INT64", "eq": "BOOL"}, mode="pandas")
def large_integers_wrap(inputs):
    big = inputs["big"].fillna(0).astype("int64")
    df = pd.DataFrame()
    df["sum"] = big + 1
    df["product"] = big * 3
    df["eq"] = big == big + 0
    return df


@case({"f": "DOUBLE"}, {"r": "DOUBLE"}, mode="pandas")
def mean_over_rows(inputs):
    return pd.DataFrame({"r": inputs["f"] / inputs["f"].mean()})


@case({"f": "DOUBLE"}, {"r": "DOUBLE"}, mode="pandas")
def shift_over_rows(inputs):
    return pd.DataFrame({"r": inputs["f"] - inputs["f"].shift(1)})


@case({"f": "DOUBLE"}, {"r": "DOUBLE"}, mode="pandas")
def rows_left_out(inputs):
    df = pd.DataFrame()
    df["r"] = inputs["f"][inputs["f"] > 1]
    return df


@case({"s": "STRING"}, {"r": "DOUBLE"}, mode="pandas")
def replace_text_by_numbers(inputs):
    return pd.DataFrame({"r": inputs["s"].replace({"books": 1.0, "fashion": 2.0}).fillna(0)})

"""Arithmetic, comparison, look-ups, loops and the first column operations."""
import numpy as np
import pandas as pd

from cases import case


# --- views of real repositories -----------------------------------------------------------------


@case({"basket_total": "DOUBLE", "item_count": "INT64", "cart_rate": "FLOAT"}, {"mean_item_price": "DOUBLE", "cart_pressure": "DOUBLE"})
def basket_features(inputs: dict) -> dict:
    out = {"mean_item_price": [], "cart_pressure": []}
    for total, n, rate in zip(
        inputs["basket_total"], inputs["item_count"], inputs["cart_rate"]
    ):
        out["mean_item_price"].append(total / n if n else 0.0)
        out["cart_pressure"].append((rate or 0.0) * float(n or 0))
    return out


@case({"rate": "DOUBLE", "bump": "DOUBLE"}, {"rate_plus": "DOUBLE"}, mode="pandas")
def bumped_pandas(inputs):
    df = pd.DataFrame()
    df["rate_plus"] = inputs["rate"] + inputs["bump"]
    return df


@case({"rate": "DOUBLE", "bump": "DOUBLE"}, {"rate_plus": "DOUBLE"})
def bumped_python(inputs):
    return {"rate_plus": [None if r is None else r + b for r, b in zip(inputs["rate"], inputs["bump"])]}


@case({"basket_value": "DOUBLE", "avg_cart_value": "DOUBLE"}, {"basket_ratio": "DOUBLE"}, mode="pandas")
def basket_view(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["basket_ratio"] = inputs["basket_value"] / inputs["avg_cart_value"]
    return out


@case({"clicks_7d": "INT64"}, {"clicks_x2": "INT64"})
def clicks_view(inputs: dict) -> dict:
    return {"clicks_x2": [None if c is None else c * 2 for c in inputs["clicks_7d"]]}


@case({"clicks_7d": "INT64"}, {"clicks_x3": "INT64"}, singleton=True)
def clicks_single(inputs: dict) -> dict:
    c = inputs["clicks_7d"]
    return {"clicks_x3": None if c is None else c * 3}


@case({"clicks_7d": "INT64"}, {"stored_flag": "INT64", "clicks_7d": "INT64"}, mode="pandas")
def stored_view(inputs: pd.DataFrame) -> pd.DataFrame:
    out = pd.DataFrame()
    out["stored_flag"] = (inputs["clicks_7d"] > 5).astype("int64")
    out["clicks_7d"] = inputs["clicks_7d"]
    return out


@case({"conv_rate": "FLOAT", "val_to_add": "INT64", "val_to_add_2": "INT64"}, {"conv_rate_plus_val1": "DOUBLE", "conv_rate_plus_val2": "DOUBLE"}, mode="pandas")
def transformed_conv_rate(inputs: pd.DataFrame) -> pd.DataFrame:
    df = pd.DataFrame()
    df["conv_rate_plus_val1"] = inputs["conv_rate"] + inputs["val_to_add"]
    df["conv_rate_plus_val2"] = inputs["conv_rate"] + inputs["val_to_add_2"]
    return df


INTERACTION = {"price": "DOUBLE", "avg_order_value": "DOUBLE", "preferred_category": "STRING", "category": "STRING", "device_type": "STRING"}


@case(INTERACTION, {"price_vs_avg_order": "DOUBLE", "category_match": "BOOL", "device_optimization": "DOUBLE"})
def interaction_loop(inputs: dict) -> dict:
    matrix = {
        ("mobile", "electronics"): 0.8,
        ("mobile", "fashion"): 0.9,
        ("desktop", "electronics"): 0.9,
        ("desktop", "fashion"): 0.7,
        ("tablet", "books"): 0.9,
    }
    out = {"price_vs_avg_order": [], "category_match": [], "device_optimization": []}
    for price, average, preferred, category, device in zip(
        inputs["price"],
        inputs["avg_order_value"],
        inputs["preferred_category"],
        inputs["category"],
        inputs["device_type"],
    ):
        ratio = price / average if price is not None and average else None
        out["price_vs_avg_order"].append(ratio)
        out["category_match"].append(preferred == category)
        out["device_optimization"].append(matrix.get((device, category), 0.5))
    return out


@case(INTERACTION, {"price_vs_avg_order": "DOUBLE"})
def interaction_ratio_raises(inputs):
    return {"price_vs_avg_order": [p / a for p, a in zip(inputs["price"], inputs["avg_order_value"])]}


@case(INTERACTION, {"device_optimization": "DOUBLE"})
def interaction_nested(inputs):
    matrix = {"mobile": {"electronics": 0.8, "fashion": 0.9}, "desktop": {"electronics": 0.9, "fashion": 0.7}, "tablet": {"books": 0.9}}
    return {"device_optimization": [matrix.get(d, {}).get(c, 0.5) for d, c in zip(inputs["device_type"], inputs["category"])]}


@case({**INTERACTION, "session_device": "STRING"}, {"price_vs_avg_order": "DOUBLE", "category_match": "DOUBLE", "device_optimization": "DOUBLE"})
def interaction_features(inputs: dict) -> dict:
    # Feast rebuilds the function from this text alone, so the matrix stands inside.
    matrix = {
        ("mobile", "electronics"): 0.8,
        ("mobile", "fashion"): 0.9,
        ("desktop", "electronics"): 0.9,
        ("desktop", "fashion"): 0.7,
        ("tablet", "books"): 0.9,
    }
    # Without a device of the session, the one mostly used.
    devices = [
        session if session else usual
        for session, usual in zip(inputs["session_device"], inputs["device_type"])
    ]
    return {
        "price_vs_avg_order": [
            price / average if price is not None and average else None
            for price, average in zip(inputs["price"], inputs["avg_order_value"])
        ],
        "category_match": [
            None if preferred is None or category is None else 1.0 if preferred == category else 0.0
            for preferred, category in zip(inputs["preferred_category"], inputs["category"])
        ],
        "device_optimization": [
            None if device is None or category is None else matrix.get((device, category), 0.5)
            for device, category in zip(devices, inputs["category"])
        ],
    }


# --- arithmetic ---------------------------------------------------------------------------------

AB_INT = {"a": "INT64", "b": "INT64"}
AB_FLOAT = {"a": "DOUBLE", "b": "DOUBLE"}


@case(AB_INT, {"r": "INT64"})
def int_add_multiply(inputs):
    return {"r": [a * 3 + b - 1 for a, b in zip(inputs["a"], inputs["b"])]}


@case(AB_INT, {"r": "DOUBLE"})
def int_true_division(inputs):
    return {"r": [a / b for a, b in zip(inputs["a"], inputs["b"])]}


@case(AB_INT, {"r": "INT64"})
def int_floor_division(inputs):
    return {"r": [a // b for a, b in zip(inputs["a"], inputs["b"])]}


@case(AB_INT, {"r": "INT64"})
def int_modulo(inputs):
    return {"r": [a % b for a, b in zip(inputs["a"], inputs["b"])]}


@case(AB_FLOAT, {"r": "DOUBLE"})
def float_floor_division(inputs):
    return {"r": [a // b for a, b in zip(inputs["a"], inputs["b"])]}


@case(AB_FLOAT, {"r": "DOUBLE"})
def float_modulo(inputs):
    return {"r": [a % b for a, b in zip(inputs["a"], inputs["b"])]}


@case(AB_FLOAT, {"r": "DOUBLE"})
def float_power(inputs):
    return {"r": [a**b for a, b in zip(inputs["a"], inputs["b"])]}


@case({"a": "INT32"}, {"square": "INT64", "inverse": "DOUBLE"})
def int_power(inputs):
    return {"square": [a**2 for a in inputs["a"]], "inverse": [a**-1 for a in inputs["a"]]}


@case({"a": "INT64", "f": "DOUBLE", "flag": "BOOL"}, {"r": "DOUBLE"})
def mixed_numbers(inputs):
    return {"r": [-(a + f) * flag + +flag for a, f, flag in zip(inputs["a"], inputs["f"], inputs["flag"])]}


@case({"a": "INT64", "b": "INT64"}, {"r": "BOOL"})
def error_inside_or_is_not_swallowed(inputs):
    return {"r": [(a / b or 1.0) > 0.5 for a, b in zip(inputs["a"], inputs["b"])]}


# --- comparison and truth -----------------------------------------------------------------------


@case({"a": "INT64", "f": "DOUBLE"}, {"lt": "BOOL"})
def int_less_than_float(inputs):
    return {"lt": [a < f for a, f in zip(inputs["a"], inputs["f"])]}


@case({"a": "INT64", "f": "DOUBLE"}, {"eq": "BOOL", "ne": "BOOL"})
def equality_with_none(inputs):
    return {"eq": [a == f for a, f in zip(inputs["a"], inputs["f"])], "ne": [a != f for a, f in zip(inputs["a"], inputs["f"])]}


@case({"f": "DOUBLE"}, {"r": "BOOL"})
def chained_comparison(inputs):
    return {"r": [f is not None and 0 <= f < 10.5 for f in inputs["f"]]}


@case({"f": "DOUBLE", "a": "INT64"}, {"r": "BOOL"})
def chained_comparison_raises(inputs):
    return {"r": [a < f <= 3 for f, a in zip(inputs["f"], inputs["a"])]}


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING", "flag": "BOOL"}, {"r": "INT64"})
def truthiness(inputs):
    return {
        "r": [
            (1 if a else 0) + (10 if f else 0) + (100 if s else 0) + (1000 if not flag else 0)
            for a, f, s, flag in zip(inputs["a"], inputs["f"], inputs["s"], inputs["flag"])
        ]
    }


@case({"s": "STRING", "t": "STRING"}, {"r": "STRING"})
def or_chain_of_texts(inputs):
    return {"r": [s or t or "unknown" for s, t in zip(inputs["s"], inputs["t"])]}


@case({"s": "STRING", "a": "INT64"}, {"r": "BOOL"})
def and_of_different_types_as_a_test(inputs):
    return {"r": [True if s and a and not (s == "books" or a > 3) else False for s, a in zip(inputs["s"], inputs["a"])]}


@case({"s": "STRING", "t": "STRING"}, {"r": "STRING"})
def and_gives_an_operand(inputs):
    return {"r": [s and t for s, t in zip(inputs["s"], inputs["t"])]}


@case({"s": "STRING", "t": "STRING"}, {"r": "BOOL"})
def texts_have_an_order(inputs):
    return {"r": [s < t for s, t in zip(inputs["s"], inputs["t"])]}


@case({"flag": "BOOL"}, {"r": "INT64"})
def identity_of_bools(inputs):
    return {"r": [1 if f is True else (2 if f is False else 3) for f in inputs["flag"]]}


# --- membership and look-ups --------------------------------------------------------------------


@case({"s": "STRING", "a": "INT64"}, {"r": "BOOL", "n": "BOOL"})
def membership(inputs):
    return {
        "r": [s in ("books", "fashion", None) for s in inputs["s"]],
        "n": [a not in {1, 2.0, 3} for a in inputs["a"]],
    }


@case({"s": "STRING", "a": "INT64"}, {"r": "INT64"})
def lookup_without_default(inputs):
    table = {"books": 1, "fashion": None, "electronics": 3}
    return {"r": [table[s] for s in inputs["s"]]}


@case({"s": "STRING", "a": "INT64"}, {"r": "DOUBLE"})
def lookup_with_a_default_of_the_row(inputs):
    table = {"books": 1.5, "fashion": 2.5}
    return {"r": [table.get(s, a) for s, a in zip(inputs["s"], inputs["a"])]}


@case({"s": "STRING", "f": "DOUBLE"}, {"r": "STRING"})
def lookup_by_number(inputs):
    names = {1: "one", 2.5: "two and a half", 0: "zero"}
    return {"r": [names.get(f) for f in inputs["f"]]}


@case({"s": "STRING", "t": "STRING"}, {"r": "DOUBLE"})
def nested_lookup_raises(inputs):
    table = {"books": {"mobile": 1.0, "desktop": 2.0}, "fashion": {"mobile": 3.0}}
    return {"r": [table[s].get(t, -1.0) for s, t in zip(inputs["s"], inputs["t"])]}


@case({"s": "STRING", "a": "INT64"}, {"r": "INT64"})
def lookup_of_computed_values(inputs):
    return {"r": [{"books": a + 1, "fashion": a * 2}.get(s, 0) for s, a in zip(inputs["s"], inputs["a"])]}


@case({"s": "STRING"}, {"r": "BOOL"})
def text_inside_text(inputs):
    return {"r": ["o" in s for s in inputs["s"]]}


# --- statements ---------------------------------------------------------------------------------


@case({"price": "DOUBLE", "stock": "INT32"}, {"band": "STRING", "score": "DOUBLE"})
def branches_in_a_loop(inputs):
    bands, scores = [], []
    out = {"band": bands, "score": scores}
    for price, stock in zip(inputs["price"], inputs["stock"]):
        bonus = 0.0
        if price is None:
            band = "unknown"
        elif price < 10:
            band = "low"
            bonus = 1.0
        elif price < 1000:
            band = "middle"
        else:
            band = "high"
        if stock:
            bonus += stock * 0.5
        bands.append(band)
        scores.append(bonus)
    return out


@case({"price": "DOUBLE", "stock": "INT32"}, {"score": "DOUBLE"})
def continue_in_a_loop(inputs):
    out = {"score": []}
    for price, stock in zip(inputs["price"], inputs["stock"]):
        if price is None or stock is None:
            out["score"].append(None)
            continue
        if price < 0:
            out["score"].append(-1.0)
            continue
        out["score"].append(price * stock)
    return out


@case({"price": "DOUBLE", "stock": "INT32"}, {"score": "DOUBLE"})
def helper_with_early_returns(inputs):
    limit = 100.0

    def score(price, stock, factor=2.0):
        """Price band."""
        if price is None:
            return None
        if stock is not None and stock > 3:
            if price > limit:
                return limit
            price = price * factor
        if price < 0:
            return 0.0
        return price

    return {"score": [score(p, stock=s) for p, s in zip(inputs["price"], inputs["stock"])]}


@case({"price": "DOUBLE", "stock": "INT32"}, {"a": "DOUBLE", "b": "STRING"}, singleton=True)
def singleton_with_branches(inputs):
    price = inputs["price"]
    stock = inputs.get("stock")
    if price is None:
        return {"a": -1.0, "b": "none"}
    result = {"a": price, "b": "some"}
    if stock:
        result["b"] = "stocked"
    return result


@case({"a": "INT64", "b": "INT64"}, {"r": "INT64"})
def rows_by_number(inputs):
    result = []
    for i in range(len(inputs["a"])):
        a = inputs["a"][i]
        b = inputs["b"][i]
        result.append(max(a, b) - min(a, b, 0))
    return {"r": result}


@case({"a": "INT64", "b": "INT64"}, {"r": "INT64", "constant": "STRING"})
def unrolled_loops_and_lambdas(inputs):
    weights = [1, 2, 3]
    scale = lambda x, k: x * k if x is not None else 0
    totals = []
    for a, b in zip(inputs["a"], inputs["b"]):
        total = 0
        for index, value in zip(range(2), (a, b)):
            total += scale(value, weights[index])
        totals.append(total + sum([w for w in weights if w > 1]))
    return {"r": totals, "constant": ["v1"] * len(inputs["a"])}


@case({"a": "INT64", "b": "INT64", "f": "DOUBLE"}, {"any": "BOOL", "all": "BOOL"})
def any_and_all(inputs):
    rows = list(zip(inputs["a"], inputs["b"], inputs["f"]))
    return {"any": [any([a, b, f]) for a, b, f in rows], "all": [all(x is not None for x in (a, b, f)) for a, b, f in rows]}


# --- conversions and texts ----------------------------------------------------------------------


@case({"f": "DOUBLE"}, {"r": "INT64"})
def int_of_float(inputs):
    return {"r": [int(f) for f in inputs["f"]]}


@case({"f": "DOUBLE"}, {"r": "INT64"})
def round_to_int(inputs):
    return {"r": [round(f) for f in inputs["f"]]}


@case({"f": "DOUBLE"}, {"r": "DOUBLE"})
def round_to_digits(inputs):
    return {"r": [round(f, 2) if f is not None else 0.0 for f in inputs["f"]]}


@case({"a": "INT64", "f": "DOUBLE"}, {"i": "INT64", "x": "DOUBLE"})
def absolute(inputs):
    return {"i": [abs(a) for a in inputs["a"]], "x": [abs(f) for f in inputs["f"]]}


@case({"n": "STRING"}, {"r": "DOUBLE"})
def float_of_text(inputs):
    return {"r": [float(n) for n in inputs["n"]]}


@case({"n": "STRING"}, {"r": "INT64"})
def int_of_text(inputs):
    return {"r": [int(n) for n in inputs["n"]]}


@case({"a": "INT64", "f": "DOUBLE", "flag": "BOOL", "s": "STRING"}, {"r": "STRING"})
def texts_of_values(inputs):
    return {"r": [f"{a}|{f}|{flag}|" + str(s) for a, f, flag, s in zip(inputs["a"], inputs["f"], inputs["flag"], inputs["s"])]}


@case({"f": "DOUBLE", "a": "INT64"}, {"r": "STRING"})
def formatted_decimals(inputs):
    return {"r": [f"{f:.2f}/{a:.1f}" for f, a in zip(inputs["f"], inputs["a"])]}


@case({"s": "STRING"}, {"lower": "STRING", "upper": "STRING", "length": "INT64"})
def text_methods(inputs):
    return {
        "lower": [s.strip().lower() for s in inputs["s"]],
        "upper": [s.upper() if s.startswith("b") else s.rstrip() for s in inputs["s"]],
        "length": [len(s) for s in inputs["s"]],
    }


@case({"s": "STRING", "a": "INT64"}, {"r": "STRING"})
def repeated_text(inputs):
    return {"r": [(s or "-") * (a % 3) for s, a in zip(inputs["s"], inputs["a"])]}


@case({"f": "DOUBLE"}, {"root": "DOUBLE"})
def math_module(inputs):
    import math

    return {"root": [math.sqrt(f) + math.floor(f) for f in inputs["f"]]}


@case({"f": "DOUBLE"}, {"r": "DOUBLE"})
def floats_handed_through(inputs):
    return {"r": [f for f in inputs["f"]]}


@case({"a": "INT64", "f": "DOUBLE"}, {"r": "DOUBLE"})
def numbers_of_either_type(inputs):
    return {"r": [(a if a is not None and a > 0 else f) for a, f in zip(inputs["a"], inputs["f"])]}


@case({"tags": "STRING_LIST", "s": "STRING"}, {"n": "INT64", "has": "BOOL", "first": "STRING"})
def list_features(inputs):
    return {
        "n": [len(t) if t else 0 for t in inputs["tags"]],
        "has": [s in (t) if t is not None else False for t, s in zip(inputs["tags"], inputs["s"])],
        "first": [t[0] if t else "none" for t in inputs["tags"]],
    }


@case({"scores": "FLOAT_LIST"}, {"last": "DOUBLE"})
def last_of_a_list(inputs):
    return {"last": [s[-1] * 2 for s in inputs["scores"]]}


# --- pandas -------------------------------------------------------------------------------------


@case({"a": "INT64", "b": "INT64"}, {"sum": "INT64", "quotient": "DOUBLE", "floor": "DOUBLE", "rest": "DOUBLE"}, mode="pandas")
def pandas_int_arithmetic(inputs):
    df = pd.DataFrame()
    df["sum"] = (inputs["a"] + inputs["b"] * 2).fillna(-1).astype("int64")
    df["quotient"] = inputs["a"] / inputs["b"]
    df["floor"] = inputs["a"] // inputs["b"]
    df["rest"] = inputs["a"] % inputs["b"]
    return df


@case({"a": "DOUBLE", "b": "DOUBLE"}, {"floor": "DOUBLE", "rest": "DOUBLE", "power": "DOUBLE", "negative": "DOUBLE"}, mode="pandas")
def pandas_float_arithmetic(inputs):
    df = pd.DataFrame()
    df["floor"] = inputs["a"] // inputs["b"]
    df["rest"] = inputs["a"] % inputs["b"]
    df["power"] = inputs["a"] ** 2
    df["negative"] = -inputs["a"].abs() - 1
    return df


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING"}, {"gt": "BOOL", "eq": "BOOL", "ne": "BOOL", "both": "BOOL"}, mode="pandas")
def pandas_comparisons(inputs):
    df = pd.DataFrame()
    df["gt"] = inputs["a"] > inputs["f"]
    df["eq"] = inputs["s"] == "books"
    df["ne"] = (inputs["s"] != "books") | (inputs["f"] != inputs["f"])
    df["both"] = (inputs["a"] >= 2) & ~(inputs["f"] < 3)
    return df


@case({"f": "DOUBLE", "s": "STRING", "flag": "BOOL"}, {"w": "DOUBLE", "label": "STRING", "flag_or": "BOOL", "d": "DOUBLE"}, mode="pandas")
def pandas_where_and_fill(inputs):
    out = inputs.copy()
    out["w"] = np.where(inputs["f"] > 1, inputs["f"] * 2, 0.5)
    out["label"] = np.where(inputs["s"].isna(), "none", inputs["s"])
    out["flag_or"] = (inputs["flag"] | (inputs["f"] > 0)).astype(bool)
    out["d"] = inputs["f"].fillna(0).clip(lower=-1, upper=5.5)
    return out[["w", "label", "flag_or", "d"]]


@case({"f": "DOUBLE"}, {"r": "INT64"}, mode="pandas")
def pandas_astype_int_raises(inputs):
    return pd.DataFrame({"r": inputs["f"].astype("int64")})


@case({"s": "STRING", "t": "STRING"}, {"upper": "STRING", "joined": "STRING", "known": "BOOL", "rank": "DOUBLE", "n": "DOUBLE"}, mode="pandas")
def pandas_texts(inputs):
    df = pd.DataFrame()
    df["upper"] = inputs["s"].str.strip().str.upper()
    df["joined"] = inputs["s"] + "-" + inputs["t"]
    df["known"] = inputs["s"].isin(["books", "fashion"])
    df["rank"] = inputs["s"].map({"books": 1.0, "fashion": 2.0})
    df["n"] = inputs["t"].str.len()
    return df


@case({"f": "DOUBLE", "a": "INT64"}, {"rounded": "DOUBLE", "log": "DOUBLE", "missing": "BOOL", "t": "INT64"}, mode="pandas")
def pandas_numbers(inputs):
    df = pd.DataFrame()
    df["rounded"] = inputs["f"].round(2)
    df["log"] = np.log1p(inputs["f"].abs())
    df["missing"] = inputs["f"].isna()
    df["t"] = inputs["a"].notna().astype(int)
    return df


@case({"flag": "BOOL"}, {"r": "BOOL"}, mode="pandas")
def pandas_not_of_missing_raises(inputs):
    df = pd.DataFrame()
    df["r"] = ~inputs["flag"]
    return df

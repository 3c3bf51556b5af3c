"""Exceptions caught per row, lists inside of a row, loops that end early."""
import pandas as pd

from cases import case

N = {"a": "INT64", "b": "INT64", "f": "DOUBLE", "g": "DOUBLE"}
TAGS = {"tags": "STRING_LIST", "s": "STRING"}
LISTS = {"xs": "INT64_LIST", "ys": "DOUBLE_LIST"}


@case(N, {"ratio": "DOUBLE", "whole": "INT64"})
def zero_division_is_caught(inputs):
    ratios, wholes = [], []
    for a, b in zip(inputs["a"], inputs["b"]):
        try:
            ratio = a / b
        except ZeroDivisionError:
            ratio = 0.0
        ratios.append(ratio)
        try:
            wholes.append(a // b)
        except (ZeroDivisionError, TypeError):
            wholes.append(-1)
    return {"ratio": ratios, "whole": wholes}


@case(N, {"r": "DOUBLE"}, singleton=True)
def any_exception_is_caught(inputs):
    try:
        return {"r": inputs["a"] / inputs["b"]}
    except Exception:
        return {"r": -1.0}


@case({"n": "STRING", "a": "INT64"}, {"number": "INT64", "float": "DOUBLE", "known": "BOOL"})
def numbers_are_parsed_or_not(inputs):
    def parse(text):
        try:
            return int(text)
        except (TypeError, ValueError):
            return None

    def parse_float(text, default=0.0):
        try:
            return float(text)
        except ValueError:
            return default
        except TypeError:
            return -1.0

    return {
        "number": [parse(n) for n in inputs["n"]],
        "float": [parse_float(n, 0.5) for n in inputs["n"]],
        "known": [parse(n) is not None for n in inputs["n"]],
    }


@case(N, {"r": "DOUBLE", "ok": "BOOL"})
def else_and_finally(inputs):
    out, oks = [], []
    for a, f in zip(inputs["a"], inputs["f"]):
        ok = False
        try:
            value = f / a
        except ZeroDivisionError:
            value = 0.0
        except TypeError:
            value = None
        else:
            ok = True
        finally:
            out.append(value)
        oks.append(ok)
    return {"r": out, "ok": oks}


@case({"s": "STRING", "a": "INT64"}, {"price": "DOUBLE", "rank": "INT64"})
def key_errors_are_caught(inputs):
    prices = {"books": 1.5, "fashion": 2.5}
    ranks = {1: 10, 2: 20}
    out, found = [], []
    for s, a in zip(inputs["s"], inputs["a"]):
        try:
            out.append(prices[s])
        except KeyError:
            out.append(0.0)
        try:
            found.append(ranks[a] + len(s))
        except (KeyError, TypeError):
            found.append(0)
    return {"price": out, "rank": found}


@case({"path": "STRING"}, {"second": "STRING", "last": "STRING"})
def index_errors_are_caught(inputs):
    def part(text, at):
        try:
            return text.split("/")[at]
        except IndexError:
            return ""
        except AttributeError:
            return "none"

    return {"second": [part(p, 1) for p in inputs["path"]], "last": [part(p, -1) for p in inputs["path"]]}


@case(N, {"r": "DOUBLE"})
def math_errors_are_caught(inputs):
    import math

    def log(x):
        try:
            return math.log(x)
        except (ValueError, TypeError):
            return 0.0

    return {"r": [log(f) for f in inputs["f"]]}


@case(TAGS, {"n": "INT64", "joined": "STRING", "upper": "STRING", "has": "BOOL", "first": "STRING"})
def lists_of_texts(inputs):
    return {
        "n": [len(t) if t else 0 for t in inputs["tags"]],
        "joined": [",".join(t) if t is not None else None for t in inputs["tags"]],
        "upper": ["|".join([x.upper() for x in t]) if t else "" for t in inputs["tags"]],
        "has": [s in t if t else False for t, s in zip(inputs["tags"], inputs["s"])],
        "first": [t[0] if t else None for t in inputs["tags"]],
    }


@case(TAGS, {"count": "INT64", "kept": "STRING_LIST", "any": "BOOL", "all": "BOOL", "lengths": "INT64_LIST"})
def comprehensions_inside_of_a_row(inputs):
    count, kept, some, every, lengths = [], [], [], [], []
    for tags, s in zip(inputs["tags"], inputs["s"]):
        tags = tags or []
        count.append(sum(1 for t in tags if t == s))
        kept.append([t.strip().lower() for t in tags if t and t != s])
        some.append(any(t.startswith("b") for t in tags))
        every.append(all(len(t) > 3 for t in tags))
        lengths.append([len(t) for t in tags])
    return {"count": count, "kept": kept, "any": some, "all": every, "lengths": lengths}


@case(LISTS, {"total": "INT64", "mean": "DOUBLE", "top": "DOUBLE", "low": "INT64", "positive": "INT64", "scaled": "DOUBLE_LIST"})
def numbers_inside_of_a_row(inputs):
    return {
        "total": [sum(x) if x is not None else None for x in inputs["xs"]],
        "mean": [sum(y) / len(y) if y else 0.0 for y in inputs["ys"]],
        "top": [max(y) if y else None for y in inputs["ys"]],
        "low": [min(x, default=0) if x is not None else -1 for x in inputs["xs"]],
        "positive": [len([v for v in x if v > 0]) if x else 0 for x in inputs["xs"]],
        "scaled": [[v * 2.0 + 1 for v in y] if y else [] for y in inputs["ys"]],
    }


@case(LISTS, {"sorted": "INT64_LIST", "best": "DOUBLE", "second": "INT64", "distinct": "INT64", "range": "DOUBLE"})
def sorted_lists(inputs):
    return {
        "sorted": [sorted(x) if x else x for x in inputs["xs"]],
        "best": [sorted(y, reverse=True)[0] if y else None for y in inputs["ys"]],
        "second": [sorted(x)[1] if x and len(x) > 1 else None for x in inputs["xs"]],
        "distinct": [len(set(x)) if x else 0 for x in inputs["xs"]],
        "range": [max(y) - min(y) if y else 0.0 for y in inputs["ys"]],
    }


@case({"path": "STRING"}, {"parts": "INT64", "long": "STRING", "title": "STRING", "words": "STRING_LIST"})
def words_of_a_text(inputs):
    return {
        "parts": [len([w for w in p.split("/") if w]) if p else 0 for p in inputs["path"]],
        "long": ["-".join(w for w in p.split() if len(w) > 1) if p else None for p in inputs["path"]],
        "title": [" ".join(w.capitalize() for w in p.split("/")) if p else "" for p in inputs["path"]],
        "words": [p.split("/") if p else [] for p in inputs["path"]],
    }


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING"}, {"kind": "STRING", "num": "BOOL", "text": "BOOL"})
def types_are_asked(inputs):
    def kind(x):
        if isinstance(x, str):
            return "text"
        if isinstance(x, (int, float)):
            return "number"
        return "none"

    return {
        "kind": [kind(a) for a in inputs["a"]],
        "num": [isinstance(f, float) for f in inputs["f"]],
        "text": [isinstance(s, str) and len(s) > 3 for s in inputs["s"]],
    }


@case(N, {"low": "INT64", "mid": "INT64", "high": "INT64", "order": "STRING"})
def sorting_values_of_the_row(inputs):
    low, mid, high, order = [], [], [], []
    for a, b, f in zip(inputs["a"], inputs["b"], inputs["f"]):
        three = sorted([a or 0, b or 0, 5])
        low.append(three[0])
        mid.append(three[1])
        high.append(three[-1])
        order.append("up" if (a or 0) < (b or 0) else "down")
    return {"low": low, "mid": mid, "high": high, "order": order}


@case({"s": "STRING", "f": "DOUBLE"}, {"tier": "STRING", "level": "INT64"})
def loops_that_end_early(inputs):
    def tier(amount):
        for limit, name in [(0, "none"), (10, "low"), (100, "mid")]:
            if amount <= limit:
                return name
        return "high"

    def level(text):
        found = -1
        for index, word in enumerate(["books", "fashion", "mobile"]):
            if text == word:
                found = index
                break
        return found

    return {"tier": [tier(f or 0.0) for f in inputs["f"]], "level": [level(s) for s in inputs["s"]]}


@case(TAGS, {"first": "STRING", "total": "INT64", "weight": "DOUBLE"})
def loops_over_the_list_of_a_row(inputs):
    weights = {"books": 1.5, "mobile": 2.0}
    firsts, totals, all_weights = [], [], []
    for tags in inputs["tags"]:
        total = 0
        weight = 0.0
        for t in tags or []:
            total += len(t)
            weight += weights.get(t, 0.1)
        totals.append(total)
        all_weights.append(weight)
        firsts.append(tags[0] if tags else "")
    return {"first": firsts, "total": totals, "weight": all_weights}


@case(TAGS, {"common": "STRING", "times": "INT64"})
def counted_words(inputs):
    from collections import Counter

    common, times = [], []
    for tags, s in zip(inputs["tags"], inputs["s"]):
        counts = Counter(tags or [])
        times.append(counts[s])
        common.append(counts.most_common(1)[0][0] if counts else None)
    return {"common": common, "times": times}


@case(N, {"r": "DOUBLE", "s": "DOUBLE"})
def swallowed_whole(inputs):
    out = {"r": [], "s": []}
    for a, b, f in zip(inputs["a"], inputs["b"], inputs["f"]):
        try:
            r = a / b
            s = f * r
        except Exception as e:
            r, s = 0.0, -1.0
        out["r"].append(r)
        out["s"].append(s)
    return out


@case(N, {"r": "DOUBLE"})
def raised_and_caught(inputs):
    def check(a):
        try:
            if a < 0:
                raise ValueError("negative")
            return a ** 0.5
        except ValueError:
            return 0.0
        except TypeError:
            return None

    return {"r": [check(a) for a in inputs["a"]]}


@case(N, {"r": "DOUBLE"})
def raised_for_good(inputs):
    def check(a):
        if a is None:
            raise ValueError("missing")
        return float(a)

    return {"r": [check(a) for a in inputs["a"]]}


@case(N, {"r": "INT64", "t": "STRING"})
def cases_are_matched(inputs):
    def name(a):
        match a:
            case 0:
                return "zero"
            case 1 | 2 | 3:
                return "few"
            case None:
                return "none"
            case _:
                return "many"

    return {"r": [(lambda v: (v or 0) + 1)(a) for a in inputs["a"]], "t": [name(a) for a in inputs["a"]]}


@case(N, {"r": "DOUBLE", "n": "INT64"})
def dicts_of_a_row(inputs):
    out, n = [], []
    for a, b in zip(inputs["a"], inputs["b"]):
        row = {"a": a or 0, "b": b or 0}
        row["c"] = row["a"] - row["b"]
        row.update({"d": 1.5})
        extra = row.pop("d")
        row.setdefault("e", 2)
        out.append(sum(row.values()) * extra)
        n.append(len(row))
    return {"r": out, "n": n}


@case(N, {"mean": "DOUBLE", "filled": "INT64", "best": "STRING", "most": "INT64"})
def aggregates_of_the_row(inputs):
    mean, filled, best, most = [], [], [], []
    for a, b, f in zip(inputs["a"], inputs["b"], inputs["f"]):
        values = [v for v in (a, b) if v is not None]
        filled.append(len(values))
        mean.append(sum(values) / len(values) if values else None)
        scores = {"x": a or 0, "y": b or 0, "z": 3}
        best.append(max(scores, key=scores.get))
        most.append(max(scores.values()))
    return {"mean": mean, "filled": filled, "best": best, "most": most}


@case({"path": "STRING", "s": "STRING"}, {"digits": "INT64", "vowels": "INT64", "same": "BOOL", "rev": "STRING", "pal": "BOOL"})
def letters_of_a_text(inputs):
    return {
        "digits": [sum(c.isdigit() for c in p) if p else 0 for p in inputs["path"]],
        "vowels": [len([c for c in p if c in "aeiou"]) if p else 0 for p in inputs["path"]],
        "same": [set(p or "") == set(s or "") for p, s in zip(inputs["path"], inputs["s"])],
        "rev": [p[::-1] if p else "" for p in inputs["path"]],
        "pal": [p == "".join(reversed(p)) if p else False for p in inputs["path"]],
    }


@case({"f": "DOUBLE", "g": "DOUBLE", "s": "STRING"}, {"km": "DOUBLE", "text": "STRING"})
def distance_on_the_globe(inputs):
    import math

    def haversine(lat1, lon1, lat2, lon2):
        radius = 6371.0
        p1, p2 = math.radians(lat1), math.radians(lat2)
        dphi = p2 - p1
        dl = math.radians(lon2 - lon1)
        h = math.sin(dphi / 2) ** 2 + math.cos(p1) * math.cos(p2) * math.sin(dl / 2) ** 2
        return 2 * radius * math.asin(min(1.0, math.sqrt(h)))

    out, texts = [], []
    for f, g in zip(inputs["f"], inputs["g"]):
        try:
            km = round(haversine(f, g, 52.5, 13.4), 3)
        except (TypeError, ValueError, OverflowError):
            km = -1.0
        out.append(km)
        texts.append(f"{km:.1f} km")
    return {"km": out, "text": texts}


@case(N, {"r": "DOUBLE", "how": "STRING"})
def one_try_inside_of_another(inputs):
    out, how = [], []
    for a, b, f in zip(inputs["a"], inputs["b"], inputs["f"]):
        way = "start"
        try:
            way = "outer"
            try:
                way = "inner"
                r = a / b
                way = "divided"
            except ZeroDivisionError:
                r = f * 2
                way = "zero"
            r = r + f
            way = way + "+f"
        except TypeError:
            r = -1.0
        out.append(r)
        how.append(way)
    return {"r": out, "how": how}


@case({"s": "STRING", "n": "STRING"}, {"first": "STRING", "value": "DOUBLE"})
def tries_until_one_works(inputs):
    def first(text):
        for prefix in ["b", "f", "m"]:
            try:
                if text.startswith(prefix):
                    break
            except AttributeError:
                return "none"
        else:
            return "other"
        return prefix + text

    def value(text):
        for read in (lambda x: float(int(x)), lambda x: float(x)):
            try:
                return read(text)
            except ValueError:
                continue
            except TypeError:
                break
        return -1.0

    return {"first": [first(s) for s in inputs["s"]], "value": [value(n) for n in inputs["n"]]}


@case(N, {"r": "DOUBLE", "t": "DOUBLE"})
def falls_through_after_a_handler(inputs):
    def rate(a, b):
        bonus = 1.0
        try:
            if a > 100:
                return 100.0
            share = a / b
        except TypeError:
            return None
        except ZeroDivisionError:
            share = 0.0
            bonus = 0.5
        if share > 1:
            return 1.0 * bonus
        return share + bonus

    def total(a, b):
        try:
            return a + b
        except TypeError as error:
            print(a, b)
            return 0.0

    return {
        "r": [rate(a, b) for a, b in zip(inputs["a"], inputs["b"])],
        "t": [total(f, g) for f, g in zip(inputs["f"], inputs["g"])],
    }


@case({"f": "DOUBLE", "s": "STRING"}, {"r": "DOUBLE", "label": "STRING"}, mode="pandas")
def tries_in_apply(inputs):
    def label(text):
        try:
            return text.upper()[0]
        except AttributeError:
            return "none"
        except IndexError:
            return "empty"

    def inverse(x):
        try:
            return 1 / x
        except ZeroDivisionError:
            return 0.0

    df = pd.DataFrame()
    df["r"] = inputs["f"].apply(inverse)
    df["label"] = inputs["s"].apply(label)
    return df

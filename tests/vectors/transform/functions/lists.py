"""Lists that a row holds: loops with what they hand on, comprehensions, sets, methods."""
import pandas as pd

from cases import case

TAGS = {"tags": "STRING_LIST", "s": "STRING"}
LISTS = {"xs": "INT64_LIST", "ys": "DOUBLE_LIST"}
BOTH = {"tags": "STRING_LIST", "xs": "INT64_LIST", "a": "INT64"}


@case(LISTS, {"dot": "DOUBLE", "norm": "DOUBLE", "cosine": "DOUBLE"})
def similarity_of_vectors(inputs):
    import math

    dots, norms, cosines = [], [], []
    for x, y in zip(inputs["xs"], inputs["ys"]):
        if not x or not y:
            dots.append(0.0)
            norms.append(0.0)
            cosines.append(0.0)
            continue
        dot = sum(p * q for p, q in zip(x, y))
        norm_x = math.sqrt(sum(float(p) ** 2 for p in x))
        norm_y = math.sqrt(sum(q ** 2 for q in y))
        dots.append(float(dot))
        norms.append(norm_x)
        cosines.append(dot / (norm_x * norm_y) if norm_x > 0 and norm_y > 0 else 0.0)
    return {"dot": dots, "norm": norms, "cosine": cosines}


@case({"tags": "STRING_LIST", "path": "STRING"}, {"jaccard": "DOUBLE", "shared": "INT64", "only": "STRING_LIST", "same": "BOOL", "known": "BOOL"})
def overlap_of_sets(inputs):
    jaccard, shared, only, same, known = [], [], [], [], []
    for tags, path in zip(inputs["tags"], inputs["path"]):
        a = set(tags or [])
        b = set((path or "").lower().split("/"))
        union = a | b
        jaccard.append(len(a & b) / len(union) if union else 0.0)
        shared.append(len(a.intersection(b)))
        only.append(sorted(a - b))
        same.append(a == b)
        known.append("books" in a and a.issubset({"books", "mobile", ""}))
    return {"jaccard": jaccard, "shared": shared, "only": only, "same": same, "known": known}


@case(LISTS, {"best": "INT64", "at": "INT64", "falls": "INT64", "spread": "DOUBLE"})
def values_handed_on(inputs):
    best, at, falls, spread = [], [], [], []
    for xs, ys in zip(inputs["xs"], inputs["ys"]):
        top, where, count = None, -1, 0
        last = 0
        for i, x in enumerate(xs or []):
            if top is None or x > top:
                top, where = x, i
            if i > 0 and x < last:
                count += 1
            last = x
        low = high = 0.0
        for y in ys or []:
            low = min(low, y)
            high = max(high, y)
        best.append(top)
        at.append(where)
        falls.append(count)
        spread.append(high - low)
    return {"best": best, "at": at, "falls": falls, "spread": spread}


@case(BOTH, {"first": "STRING", "passed": "INT64", "found": "BOOL", "total": "INT64"})
def loops_over_lists_that_end_early(inputs):
    def first(tags):
        for tag in tags:
            if len(tag) > 4:
                return tag.upper()
        return "none"

    def passed(xs, limit):
        total = 0
        for n, x in enumerate(xs, 1):
            if x < 0:
                continue
            total += x
            if total > limit:
                return n
        else:
            return -total
        return None

    out = {"first": [], "passed": [], "found": [], "total": []}
    for tags, xs, a in zip(inputs["tags"], inputs["xs"], inputs["a"]):
        out["first"].append(first(tags or []))
        out["passed"].append(passed(xs or [], 5))
        found = False
        for tag in tags or []:
            if tag == "books":
                found = True
                break
        out["found"].append(found)
        total = 0
        for x in xs or []:
            if x > 9:
                break
            total += x
        else:
            total = total + 100
        out["total"].append(total)
    return out


@case(BOTH, {"kept": "STRING_LIST", "pairs": "STRING_LIST", "twice": "INT64_LIST", "n": "INT64"})
def lists_that_are_filled(inputs):
    kept, pairs, twice, n = [], [], [], []
    for tags, xs, a in zip(inputs["tags"], inputs["xs"], inputs["a"]):
        own = []
        for tag in tags or []:
            tag = tag.strip().lower()
            if tag and tag not in own:
                own.append(tag)
        if a is not None and a > 0:
            own.append("positive")
        both = []
        for tag, x in zip(tags or [], xs or []):
            both.append(f"{tag}={x}")
        numbers = [0]
        numbers.extend(xs or [])
        numbers += [a or 0]
        kept.append(own)
        pairs.append(both)
        twice.append(numbers)
        n.append(len(own) + len(both) * 10 + len(numbers) * 100)
    return {"kept": kept, "pairs": pairs, "twice": twice, "n": n}


@case({"xs": "INT64_LIST", "tags": "STRING_LIST"}, {"at": "INT64", "up": "INT64_LIST", "last": "INT64", "by": "STRING_LIST", "longest": "STRING", "shortest": "INT64"})
def orders_and_positions(inputs):
    at, up, last, by, longest, shortest = [], [], [], [], [], []
    for xs, tags in zip(inputs["xs"], inputs["tags"]):
        xs, tags = xs or [], tags or []
        at.append(xs.index(7) if 7 in xs else -1)
        own = sorted(xs)
        own.reverse()
        own.append(xs.count(0))
        last.append(own.pop(0) if own else None)
        up.append(own)
        words = [tag for tag in tags if tag]
        words.sort(key=len, reverse=True)
        by.append(words)
        longest.append(max(tags, key=len) if tags else None)
        shortest.append(min((len(tag) for tag in tags), default=-1))
    return {"at": at, "up": up, "last": last, "by": by, "longest": longest, "shortest": shortest}


@case({"xs": "INT64_LIST", "ys": "DOUBLE_LIST", "a": "INT64"}, {"deltas": "INT64_LIST", "window": "DOUBLE", "weighted": "DOUBLE", "third": "INT64"})
def positions_of_lists(inputs):
    deltas, window, weighted, third = [], [], [], []
    for xs, ys, a in zip(inputs["xs"], inputs["ys"], inputs["a"]):
        xs, ys = xs or [], ys or []
        deltas.append([xs[i] - xs[i - 1] for i in range(1, len(xs))])
        tail = ys[-2:]
        window.append(sum(tail) / len(tail) if tail else None)
        total = 0.0
        for i in range(len(ys)):
            total += ys[i] * (0.5 ** i)
        weighted.append(round(total, 3))
        third.append([10, 20, 30][(a or 0) % 3])
    return {"deltas": deltas, "window": window, "weighted": weighted, "third": third}


@case({"path": "STRING", "tags": "STRING_LIST"}, {"letters": "INT64", "words": "STRING_LIST", "upper": "INT64", "initials": "STRING", "vowels": "DOUBLE"})
def letters_and_words(inputs):
    letters, words, upper, initials, vowels = [], [], [], [], []
    for path, tags in zip(inputs["path"], inputs["tags"]):
        path = path or ""
        count = 0
        for letter in path:
            if letter.isalpha():
                count += 1
        letters.append(count)
        words.append([word for tag in tags or [] for word in tag.split() if word])
        upper.append(sum(1 for c in path if c.isupper()))
        initials.append("".join(part[0] for part in path.split("/") if part))
        vowels.append(sum(c in "aeiou" for c in path) / len(path) if path else 0.0)
    return {"letters": letters, "words": words, "upper": upper, "initials": initials, "vowels": vowels}


@case(BOTH, {"all": "BOOL", "any": "BOOL", "none": "BOOL", "equal": "BOOL", "mixed": "BOOL"})
def truths_of_lists(inputs):
    every, some, none, equal, mixed = [], [], [], [], []
    for tags, xs, a in zip(inputs["tags"], inputs["xs"], inputs["a"]):
        tags, xs = tags or [], xs or []
        every.append(all(x >= 0 for x in xs))
        some.append(any(10 / x > 1 for x in xs if x != 0))
        none.append(not any(tags))
        equal.append(xs == [0] or tags == [])
        mixed.append(all([bool(tags), bool(xs)]) and any(x == a for x in xs))
    return {"all": every, "any": some, "none": none, "equal": equal, "mixed": mixed}


@case(TAGS, {"price": "DOUBLE", "n": "INT64"})
def raises_inside_of_a_loop(inputs):
    prices = {"books": 1.5, "mobile": 2.5, "": 0.25}
    out, n = [], []
    for tags in inputs["tags"]:
        total = 0.0
        for tag in tags:
            total += prices[tag]
        out.append(total)
        n.append(len([prices[tag] for tag in tags if tag != "b"]))
    return {"price": out, "n": n}


@case({"tags": "STRING_LIST", "xs": "INT64_LIST"}, {"price": "DOUBLE", "before": "INT64", "known": "INT64", "inverse": "DOUBLE", "parsed": "INT64"})
def tries_around_and_inside_of_loops(inputs):
    prices = {"books": 1.5, "mobile": 2.5, "": 0.25}

    def price(tags):
        try:
            return sum(prices[tag] for tag in tags)
        except KeyError:
            return -1.0
        except TypeError:
            return -2.0

    def before(tags):
        count = 0
        try:
            for tag in tags:
                prices[tag]
                count += 1
        except KeyError:
            return count
        except TypeError:
            return None
        return count + 100

    def known(tags):
        count = 0
        for tag in tags or []:
            try:
                count += 1 if prices[tag] > 1 else 0
            except KeyError:
                continue
        return count

    def inverse(xs):
        try:
            return max([1 / x for x in xs])
        except ZeroDivisionError:
            return 0.0
        except (ValueError, TypeError):
            return -1.0

    def parsed(tags):
        total = 0
        for tag in (tags or []) + ["7", "x"]:
            try:
                total += int(tag)
            except ValueError:
                total += 1
        return total

    return {
        "price": [price(t) for t in inputs["tags"]],
        "before": [before(t) for t in inputs["tags"]],
        "known": [known(t) for t in inputs["tags"]],
        "inverse": [inverse(x) for x in inputs["xs"]],
        "parsed": [parsed(t) for t in inputs["tags"]],
    }


@case({"xs": "INT64_LIST", "a": "INT64"}, {"r": "INT64", "kind": "STRING"})
def raised_inside_of_a_loop(inputs):
    def check(xs):
        total = 0
        for x in xs:
            if x < 0:
                raise ValueError("negative")
            total += x
        return total

    def kind(xs):
        try:
            return "large" if check(xs) > 9 else "small"
        except ValueError:
            return "negative"
        except TypeError:
            return "none"

    return {"r": [check(x) for x in inputs["xs"]], "kind": [kind(x) for x in inputs["xs"]]}


@case({"xs": "INT64_LIST", "ys": "DOUBLE_LIST", "tags": "STRING_LIST"}, {"above": "INT64", "deviation": "DOUBLE", "top": "STRING", "trend": "STRING"}, singleton=True)
def statistics_of_one_row(inputs):
    xs, ys, tags = inputs["xs"] or [], inputs["ys"] or [], inputs["tags"] or []
    mean = sum(ys) / len(ys) if ys else 0.0
    above = len([y for y in ys if y > mean])
    finite = [y for y in ys if y < 1e9]
    center = sum(finite) / len(finite) if finite else 0.0
    squares = [(y - center) ** 2 for y in finite]
    deviation = (sum(squares) / len(squares)) ** 0.5 if squares else 0.0
    if len(xs) < 2:
        trend = "flat"
    elif all(b >= a for a, b in zip(xs, xs[1:])):
        trend = "up"
    else:
        trend = "mixed"
    return {"above": above, "deviation": deviation, "top": "|".join(sorted(set(tags))[:2]), "trend": trend}


@case({"tags": "STRING_LIST", "xs": "INT64_LIST"}, {"flags": "INT64_LIST", "onehot": "INT64", "bits": "INT64", "table": "INT64"})
def encodings_of_categories(inputs):
    categories = ["books", "mobile", "fashion"]
    flags, onehot, bits, table = [], [], [], []
    for tags, xs in zip(inputs["tags"], inputs["xs"]):
        tags = tags or []
        own = [1 if c in tags else 0 for c in categories]
        flags.append(own)
        onehot.append(sum(own))
        code = 0
        for position, category in enumerate(categories):
            for tag in tags:
                if tag == category:
                    code += 2 ** position
        bits.append(code)
        sizes = {"small": 0, "large": 0}
        for x in xs or []:
            if x > 5:
                sizes["large"] += 1
            else:
                sizes["small"] += x
        table.append(sizes["large"] * 1000 + sizes["small"] % 1000)
    return {"flags": flags, "onehot": onehot, "bits": bits, "table": table}


@case({"f": "DOUBLE", "g": "DOUBLE", "a": "INT64"}, {"known": "DOUBLE_LIST", "mean": "DOUBLE", "gaps": "DOUBLE_LIST", "n": "INT64"})
def lists_of_values_of_the_row(inputs):
    known, mean, gaps, n = [], [], [], []
    for f, g, a in zip(inputs["f"], inputs["g"], inputs["a"]):
        values = [v for v in [f, g, 1.5] if v is not None and v > 0]
        known.append(values)
        mean.append(sum(values) / len(values))
        gaps.append([f, g])
        count = 0
        for v in values:
            count += 1 if v > 1 else 10
        n.append(count if a else -count)
    return {"known": known, "mean": mean, "gaps": gaps, "n": n}


@case({"s": "STRING", "path": "STRING"}, {"n": "INT64", "caps": "STRING"}, mode="pandas")
def words_in_apply(inputs):
    def caps(text):
        if not text:
            return ""
        return " ".join(word.capitalize() for word in text.split("/") if len(word) > 1)

    df = pd.DataFrame()
    df["n"] = inputs["s"].apply(lambda s: sum(1 for c in s if c in "aeiou") if s else 0)
    df["caps"] = inputs["path"].apply(caps)
    return df

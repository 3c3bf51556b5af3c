"""Texts in both modes: methods, slices, formats, patterns."""
import numpy as np
import pandas as pd

from cases import case

S = {"s": "STRING"}
U = {"u": "STRING"}


@case(U, {"lower": "STRING", "upper": "STRING", "title": "STRING", "cap": "STRING", "swap": "STRING"})
def cases_of_letters(inputs):
    return {
        "lower": [u.lower() if u is not None else None for u in inputs["u"]],
        "upper": [u.upper() if u is not None else None for u in inputs["u"]],
        "title": [u.title() if u is not None else None for u in inputs["u"]],
        "cap": [u.capitalize() if u is not None else None for u in inputs["u"]],
        "swap": [u.swapcase() if u is not None else None for u in inputs["u"]],
    }


@case(U, {"alpha": "BOOL", "digit": "BOOL", "alnum": "BOOL", "numeric": "BOOL", "space": "BOOL", "upper": "BOOL", "lower": "BOOL"})
def classes_of_letters(inputs):
    out = {"alpha": [], "digit": [], "alnum": [], "numeric": [], "space": [], "upper": [], "lower": []}
    for u in inputs["u"]:
        u = u or ""
        out["alpha"].append(u.isalpha())
        out["digit"].append(u.isdigit())
        out["alnum"].append(u.isalnum())
        out["numeric"].append(u.isnumeric() or u.isdecimal())
        out["space"].append(u.isspace())
        out["upper"].append(u.isupper())
        out["lower"].append(u.islower())
    return out


@case(U, {"first": "STRING", "last": "STRING", "mid": "STRING", "back": "STRING", "tail": "STRING"})
def slices_of_texts(inputs):
    return {
        "first": [u[:1] if u is not None else None for u in inputs["u"]],
        "last": [u[-2:] if u is not None else None for u in inputs["u"]],
        "mid": [u[1:-1] if u is not None else None for u in inputs["u"]],
        "back": [u[::-1] if u is not None else None for u in inputs["u"]],
        "tail": [u[3:100:2] if u is not None else None for u in inputs["u"]],
    }


@case(U, {"c": "STRING"})
def letter_outside_raises(inputs):
    return {"c": [u[2] for u in inputs["u"]]}


@case({"path": "STRING"}, {"root": "STRING", "leaf": "STRING", "depth": "INT64", "joined": "STRING", "words": "STRING"})
def splitting_and_joining(inputs):
    out = {"root": [], "leaf": [], "depth": [], "joined": [], "words": []}
    for path in inputs["path"]:
        parts = (path or "").split("/")
        out["root"].append(parts[0])
        out["leaf"].append(parts[-1].strip())
        out["depth"].append(len(parts))
        out["joined"].append("-".join(parts))
        out["words"].append("|".join((path or "").split()))
    return out


@case({"path": "STRING"}, {"part": "STRING"})
def a_part_that_is_not_there_raises(inputs):
    return {"part": [p.split("/", 1)[1] for p in inputs["path"]]}


@case({"mail": "STRING"}, {"domain": "STRING", "tld": "STRING", "company": "BOOL", "at": "INT64", "n": "INT64"}, singleton=True)
def mail_address(inputs):
    mail = inputs["mail"]
    if mail is None or "@" not in mail:
        return {"domain": "unknown", "tld": "", "company": False, "at": -1, "n": 0}
    domain = mail.rsplit("@", 1)[-1].lower()
    return {
        "domain": domain,
        "tld": domain.split(".")[-1],
        "company": not domain.endswith((".com", ".org")),
        "at": mail.find("@"),
        "n": mail.count("."),
    }


@case({"u": "STRING", "s": "STRING"}, {"a": "STRING", "b": "STRING", "c": "STRING", "d": "STRING", "e": "STRING"})
def replacing_and_stripping(inputs):
    return {
        "a": [u.replace("a", "") if u is not None else None for u in inputs["u"]],
        "b": [u.replace("l", "L", 1) if u is not None else None for u in inputs["u"]],
        "c": [s.strip("bs ") if s is not None else None for s in inputs["s"]],
        "d": [s.removeprefix("b").removesuffix("s") if s is not None else None for s in inputs["s"]],
        "e": [s.lstrip("bo").rstrip("s") if s is not None else None for s in inputs["s"]],
    }


@case({"u": "STRING", "a": "INT64"}, {"l": "STRING", "r": "STRING", "m": "STRING", "z": "STRING", "k": "STRING"})
def padding(inputs):
    return {
        "l": [u.ljust(6, ".") if u is not None else None for u in inputs["u"]],
        "r": [u.rjust(7) if u is not None else None for u in inputs["u"]],
        "m": [u.center(8, "*") if u is not None else None for u in inputs["u"]],
        "z": [str(a).zfill(4) if a is not None else None for a in inputs["a"]],
        "k": [u.zfill(5) if u is not None else None for u in inputs["u"]],
    }


@case({"a": "INT64", "f": "DOUBLE", "s": "STRING"}, {"x": "STRING", "y": "STRING", "z": "STRING"})
def formats_of_numbers(inputs):
    out = {"x": [], "y": [], "z": []}
    for a, f, s in zip(inputs["a"], inputs["f"], inputs["s"]):
        a = 0 if a is None else a
        f = 0.0 if f is None else f
        out["x"].append(f"{a:05d}|{a:,}|{a:+d}|{f:,.2f}|{f:8.1f}|{f:.1%}")
        out["y"].append("{}-{:.3f}-{name:>6}".format(a, f, name=s or "none"))
        out["z"].append("%s has %d at %.2f%%" % (s, a, f))
    return out


@case({"f": "DOUBLE", "a": "INT64", "s": "STRING"}, {"e": "STRING", "w": "STRING", "c": "STRING"})
def formats_with_exponents_and_widths(inputs):
    return {
        "e": [f"{f:.3e}" if f is not None else None for f in inputs["f"]],
        "w": [f"{a:>10}|{a:<6}|{a:^7}|{a:*^9}" if a is not None else None for a in inputs["a"]],
        "c": [f"{s:.3}|{s:>8}|{s!s:<5}|" if s is not None else None for s in inputs["s"]],
    }


@case({"s": "STRING", "t": "STRING", "a": "INT64"}, {"key": "STRING", "same": "BOOL", "in": "BOOL"})
def keys_of_texts(inputs):
    def key(*parts):
        return "_".join([part for part in parts])

    return {
        "key": ["_".join([str(s).lower(), str(t), str(a)]) for s, t, a in zip(inputs["s"], inputs["t"], inputs["a"])],
        "same": [(s or "").strip().lower() == (t or "").strip().lower() for s, t in zip(inputs["s"], inputs["t"])],
        "in": [s is not None and any(word in s.lower() for word in ("book", "tab")) for s in inputs["s"]],
    }


@case({"s": "STRING"}, {"r": "STRING"})
def method_of_none_raises(inputs):
    return {"r": [s.lower() for s in inputs["s"]]}


@case({"u": "STRING", "s": "STRING"}, {"lower": "STRING", "title": "STRING", "len": "DOUBLE", "has": "BOOL", "start": "BOOL", "first": "STRING"}, mode="pandas")
def columns_of_texts(inputs):
    df = pd.DataFrame()
    df["lower"] = inputs["u"].str.lower()
    df["title"] = inputs["u"].str.title()
    df["len"] = inputs["u"].str.len()
    df["has"] = inputs["s"].str.contains("o", na=False)
    df["start"] = inputs["s"].str.startswith(("b", "f"), na=False)
    df["first"] = inputs["u"].str[0]
    return df


@case({"s": "STRING"}, {"has": "BOOL", "digit": "BOOL", "at": "DOUBLE", "none": "STRING"}, mode="pandas")
def missing_texts_in_columns(inputs):
    df = pd.DataFrame()
    df["has"] = inputs["s"].str.contains("o")
    df["digit"] = inputs["s"].str.isdigit()
    df["at"] = inputs["s"].str.find("o")
    df["none"] = inputs["s"].str.upper().astype(str)
    return df


@case({"path": "STRING"}, {"root": "STRING", "second": "STRING", "cut": "STRING", "swapped": "STRING", "n": "DOUBLE", "parts": "DOUBLE"}, mode="pandas")
def parts_of_columns(inputs):
    df = pd.DataFrame()
    df["root"] = inputs["path"].str.split("/").str[0]
    df["second"] = inputs["path"].str.split("/").str.get(1).fillna("none")
    df["cut"] = inputs["path"].str.slice(1, 4)
    df["swapped"] = inputs["path"].str.replace("/", "->", regex=False)
    df["n"] = inputs["path"].str.count("/")
    df["parts"] = inputs["path"].str.split("/").str.len()
    return df


@case({"mail": "STRING", "u": "STRING"}, {"valid": "BOOL", "user": "STRING", "word": "BOOL", "digits": "STRING", "whole": "BOOL", "n": "DOUBLE"}, mode="pandas")
def patterns_on_columns(inputs):
    df = pd.DataFrame()
    df["valid"] = inputs["mail"].str.match(r"[^@\s]+@[^@\s]+\.[a-z]+$", na=False)
    df["user"] = inputs["mail"].str.extract(r"^([\w.]+)@", expand=False)
    df["word"] = inputs["u"].str.contains(r"\d|^[A-Z]+ ", regex=True, na=False)
    df["digits"] = inputs["u"].str.replace(r"[^\w]", "", regex=True)
    df["whole"] = inputs["u"].str.fullmatch(r"\w+").fillna(False).astype(bool)
    df["n"] = inputs["u"].str.count(r"[aeiou]")
    return df


@case({"s": "STRING", "t": "STRING"}, {"a": "STRING", "b": "STRING", "ci": "BOOL"}, mode="pandas")
def concatenated_columns(inputs):
    df = pd.DataFrame()
    df["a"] = inputs["s"].str.cat(inputs["t"], sep="/")
    df["b"] = inputs["s"].fillna("x") + "_" + inputs["t"].fillna("y").str.upper()
    df["ci"] = inputs["s"].str.contains("BOOKS", case=False, na=False)
    return df


@case({"u": "STRING", "a": "INT64"}, {"pad": "STRING", "zero": "STRING", "strip": "STRING", "space": "BOOL"}, mode="pandas")
def padded_columns(inputs):
    df = pd.DataFrame()
    df["pad"] = inputs["u"].str.ljust(5, "-")
    df["zero"] = inputs["u"].str.zfill(4)
    df["strip"] = inputs["u"].str.strip().str.rstrip("e")
    df["space"] = inputs["u"].str.isspace().fillna(False).astype(bool)
    return df


@case({"s": "STRING"}, {"a": "STRING", "b": "INT64"}, mode="pandas")
def functions_of_texts_as_arguments(inputs):
    df = pd.DataFrame()
    df["a"] = inputs["s"].fillna("").apply(str.upper)
    df["b"] = inputs["s"].fillna("").map(len)
    return df


@case({"u": "STRING"}, {"r": "BOOL"}, mode="pandas")
def look_around_in_a_pattern(inputs):
    return pd.DataFrame({"r": inputs["u"].str.contains(r"a(?=b)", na=False)})

"""Writes evaluation.json: what CPython makes of small programs.

Each program leaves its answer in `result`; the file holds repr(result), or the class of the exception.
Run with any Python from 3.11: python generate_evaluation.py
"""
import json
import pathlib

PROGRAMS = r'''
result = 1 + 2 * 3 - 4 // 3 % 2
result = -7 // 2, -7 % 2, 7 // -2, 7 % -2, -7 // -2, -7 % -2
result = 2 ** 10, 2 ** -1, 7 / 2, 1 << 5, 255 >> 3, 6 & 3, 6 | 3, 6 ^ 3, ~5
result = 1.5 + 2, 1e16, 1e15, 1e-5, 0.0001, 123456789.125, 1e300 * 1e10, -0.0, 3.0
result = 7.5 // 2, -7.5 // 2, 7.5 % 2, -7.5 % 2
result = True + 1, True and 0, False or "x", not [], None is None, [] is not None
result = 1 < 2 < 3, 1 < 2 > 3, 1 == 1.0, "a" < "b", [1, 2] < [1, 3], (1,) == (1,), 1 == "1"
result = 0x1F, 0b101, 0o17, 1_000, 10 ** 20
result = 1 if 2 > 3 else "no"
result = "a" + "b" * 3 + 2 * "c"
result = 'it\\'s', "quo\\"te", "tab\\t", "nul\\x00", "ü", "\\N{BULLET}", r"raw\\n", "a" "b"
result = b"ab\\xff" + b"c", b"ab"[0], b"abc"[1:]
result = [1, 2] + [3], [0] * 3, (1, 2) + (3,), (0,) * 2, [*range(3), *"ab"]
result = {"a": 1, **{"b": 2, "a": 3}}, {1: "x", 1.0: "y", True: "z"}, {}
result = sorted({3, 1, 2, 1}), len({1, 1.0, True}), set(), {1} | {2} == {1, 2}
result = {1, 2} & {2, 3}, {1, 2} - {2}, sorted({1, 2} ^ {2, 3}), {1} <= {1, 2}, {1} < {1}
result = "abc"[0], "abc"[-1], "abcdef"[1:4], "abcdef"[::-1], "abcdef"[::2], "abc"[5:], "abc"[-2:]
result = [1, 2, 3][1:], [1, 2, 3][::-1], (1, 2, 3)[:2], list(range(10)[2:8:3]), range(5)[-1]
result = list(range(3)), list(range(1, 7, 2)), list(range(5, 0, -2)), len(range(10)), range(3), range(0, 9, 3)
result = [x * y for x in range(3) for y in range(3) if x != y]
result = {k: v for k, v in zip("abc", range(3))}, {len(w) for w in ["a", "bb", "cc"]}
result = list(x for x in range(4) if x % 2), sum(x * x for x in range(4)), any(x > 2 for x in range(3))
result = [(i, c) for i, c in enumerate("ab", start=1)], list(zip([1, 2], "ab", [True, False]))
result = list(map(lambda x: x + 1, [1, 2])), list(filter(None, [0, 1, "", "a"])), list(reversed([1, 2]))
result = min(3, 1, 2), max([1, 5, 2]), min("b", "a"), max([], default=0), max(["a", "bbb"], key=len)
result = sorted([3, 1, 2], reverse=True), sorted(["b", "A"], key=str.lower), sorted([(1, "b"), (1, "a")])
result = abs(-3), round(2.5), round(3.5), round(2.675, 2), round(-1.5), divmod(7, 2), divmod(-7, 2), pow(2, 5)
result = int("42"), int(3.9), int(-3.9), int("ff", 16), float("1.5"), float(3), str(1.0), str(None), bool([]), int(True)
result = str([1, "a", None]), str({"a": (1,)}), str((1, 2)), repr("x"), ascii("ü"), str(True)
result = isinstance(1, int), isinstance(True, int), isinstance("a", (int, str)), isinstance([], dict), isinstance(None, type(None))
result = type(1) == int, type("a").__name__, callable(len), len("üab"), ord("a"), chr(98), hex(255), bin(5), oct(8)
result = "Hello World".lower(), "Hello".upper(), "hello world".title(), "hELLO".capitalize(), "aB".swapcase()
result = " a b ".strip(), "xxaxx".strip("x"), " a".lstrip(), "a ".rstrip(), "a.b.c".split("."), " a  b ".split(), "a,b,c".split(",", 1), "a.b.c".rsplit(".", 1)
result = ",".join(["a", "b"]), "".join(reversed("abc")), "a-b".replace("-", "_"), "aaa".replace("a", "b", 2), "abc".find("c"), "abc".find("z"), "banana".count("an"), "abcabc".rfind("b")
result = "abc".startswith("ab"), "abc".endswith(("x", "c")), "abc".removeprefix("a"), "abc".removesuffix("c"), "a=b=c".partition("="), "a=b=c".rpartition("="), "ab".partition("=")
result = "a".ljust(3) + "|", "a".rjust(3, "."), "a".center(4, "*"), "7".zfill(3), "-7".zfill(4), "a\\nb\\n".splitlines()
result = "abc".isalpha(), "12".isdigit(), "a1".isalnum(), " ".isspace(), "AB".isupper(), "ab".islower(), "a_b".isidentifier(), "1a".isidentifier()
result = "abc".encode(), b"abc".decode(), "a b c".split(None, 1), "abc".index("b"), "x" in "xyz", "q" not in "xyz"
result = "{} {}".format(1, "a"), "{0}{1}{0}".format("a", "b"), "{name:>5}|{n:03d}".format(name="x", n=7), "{{}}".format(), "{a[0]}{a[1]}".format(a=[1, 2]), "{!r}".format("x")
result = "%s-%d-%.2f" % ("a", 3, 1.5), "%s" % "x", "%(k)s" % {"k": "v"}, "%5d|%-5s|" % (3, "a"), "100%%" % (), "%x" % 255, "%r" % "a", "%05d" % 42
name, n, f = "x", 42, 3.14159; result = f"{name}-{n:05d}-{f:.2f}-{n:,}-{name!r}-{name:>4}|{name:<4}|{name:^5}|"
n, w = 3, 8; result = f"{n:{w}}|{n:>{w}}|{'a' * n}|{{literal}}|{n + 1}|{n=}|{n = }|"
result = f"{1234567:,}", f"{1234567.891:,.2f}", f"{0.1234:.1%}", f"{255:x}", f"{255:#x}", f"{5:b}", f"{1e6:g}", f"{1.0}", f"{1e10}", f"{12345.678:e}", f"{True}", f"{None}", f"{1:+d}", f"{-1:+d}", f"{3:_}", f"{1000000:_}"
result = f"{2.5:g}", f"{100000:g}", f"{1234567.0:g}", f"{0.00001:g}", f"{3.0:.3}", f"{1.5:10.3f}|", f"{'abc':.2}", f"{1.5!s:>6}"
a, b = 1, 2; a, b = b, a; (c, (d, e)) = 3, (4, 5); first, *rest = [1, 2, 3]; *init, last = "abc"; result = a, b, c, d, e, first, rest, init, last
x = [1, 2, 3]; x[0] = 9; x += [4]; y = x; y.append(5); del x[1]; result = x, y is x
d = {"a": 1}; d["b"] = 2; d.update(c=3); d.setdefault("e", 5); p = d.pop("a"); result = d, p, d.get("z"), d.get("z", 0), list(d), list(d.keys()), list(d.values()), list(d.items()), "b" in d
l = [3, 1, 2]; l.sort(); l.insert(0, 0); l.extend([7]); l.remove(7); q = l.pop(); r = l.index(1); l.reverse(); result = l, q, r, l.count(2), l.copy() == l
s = {1}; s.add(2); s.discard(9); s.update([3]); result = sorted(s), sorted(s.union([4])), sorted(s.difference({1})), s.issubset({1, 2, 3}), s.isdisjoint([9])
result = dict(a=1, b=2), dict([("a", 1)]), dict(zip("ab", (1, 2))), dict.fromkeys("ab", 0), list("ab"), tuple([1]), dict({"x": 1}, y=2)
t = 0\nfor i in range(10):\n    if i == 3: continue\n    if i == 6: break\n    t += i\nelse:\n    t = -1\nresult = t, i
i = 0\nwhile i < 5:\n    i += 2\nelse:\n    i *= 10\nresult = i
x = 5\nif x < 3:\n    r = "low"\nelif x < 6:\n    r = "mid"\nelse:\n    r = "high"\nresult = r
def f(a, b=2, *args, c, d=4, **kw):\n    return a, b, args, c, d, kw\nresult = f(1, c=3), f(1, 2, 3, 4, c=5, e=6), f(*[1], **{"c": 3})
def f(a, /, b, *, c=3): return a + b + c\nresult = f(1, 2), f(1, b=2, c=4)
def fact(n): return 1 if n < 2 else n * fact(n - 1)\nresult = fact(20)
def outer(x):\n    def inner(y):\n        nonlocal x\n        x += y\n        return x\n    return inner\ng = outer(1)\nresult = g(2), g(3)
total = 0\ndef add(n):\n    global total\n    total += n\nadd(2); add(3)\nresult = total
def f(l=[]):\n    l.append(1)\n    return len(l)\nresult = f(), f()
fs = [lambda x, k=k: x + k for k in range(3)]\nresult = [f(10) for f in fs]
def f():\n    """doc"""\nresult = f(), f.__name__, (lambda: 0).__name__
def f(x):\n    for i in range(10):\n        if i == x: return i\nresult = f(3), f(99)
def gen(n): return (i for i in range(n))\nresult = list(gen(3))
result = [y := 3, y + 1]
result = (lambda *a, **k: (a, k))(1, b=2)
try:\n    {}["a"]\nexcept KeyError as e:\n    result = "caught"
try:\n    int("x")\nexcept (TypeError, ValueError):\n    result = 1\nelse:\n    result = 2\nfinally:\n    done = True\nresult = result, done
try:\n    x = 1\nexcept Exception:\n    x = 2\nelse:\n    x = 3\nresult = x
try:\n    raise ValueError("bad")\nexcept Exception as e:\n    result = str(e), isinstance(e, ValueError)
class MyError(ValueError): pass\ntry:\n    raise MyError("x")\nexcept ValueError:\n    result = "v"
try:\n    from m import nothing_like_this\nexcept ImportError:\n    result = "missing"
def f():\n    try:\n        return 1\n    finally:\n        pass\nresult = f()
x = 1\ndel x\ntry:\n    x\nexcept NameError:\n    result = "gone"
assert True, "fine"\nresult = 1
x: int = 5\ny: "str"\nresult = x
class C:\n    A = 1\n    B = A + 1\n    def m(self): return self.A\nresult = C.A, C.B, C().m()
class P:\n    def __init__(self, x, y=2):\n        self.x = x\n        self.y = y\n    @property\n    def total(self): return self.x + self.y\n    @staticmethod\n    def s(): return "s"\n    @classmethod\n    def c(cls): return cls.__name__\np = P(1)\np.y += 5\nresult = p.x, p.y, p.total, P.s(), P.c(), isinstance(p, P), hasattr(p, "z"), getattr(p, "z", None)
class A:\n    k = 1\n    def f(self): return "A"\nclass B(A):\n    pass\nresult = B().f(), B.k, isinstance(B(), A), issubclass(B, A)
from enum import Enum\nclass Color(Enum):\n    RED = "r"\n    BLUE = "b"\nresult = Color.RED.value, Color.RED.name, Color("b").name, Color["RED"].value, [c.value for c in Color], Color.RED == Color.RED, Color.RED is Color.BLUE, str(Color.RED), len(Color)
from enum import IntEnum, StrEnum, auto\nclass N(IntEnum):\n    A = auto()\n    B = auto()\nclass S(StrEnum):\n    X = auto()\nresult = N.A + 1, N.B == 2, S.X == "x", f"{S.X}", sorted([N.B, N.A])[0].name
from enum import Enum\nclass T(str, Enum):\n    A = "a"\nresult = T.A == "a", T.A.upper(), T.A + "b", {"a": 1}[T.A]
from dataclasses import dataclass, field\n@dataclass\nclass D:\n    a: int\n    b: str = "x"\n    c: list = field(default_factory=list)\nd = D(1, b="y")\nresult = d.a, d.b, d.c
from datetime import timedelta\nresult = timedelta(days=1), timedelta(hours=25, minutes=1), str(timedelta(days=1, seconds=5)), timedelta(weeks=1).days, timedelta(hours=1).total_seconds(), timedelta(days=1) * 2, timedelta(days=1) / 2, timedelta(days=1) // timedelta(hours=5), timedelta(0), -timedelta(days=1), timedelta(milliseconds=1.5), timedelta(days=1) > timedelta(hours=23), bool(timedelta(0)), sum([timedelta(1), timedelta(2)], timedelta()), timedelta(days=0.5), str(timedelta(days=-1, seconds=1)), timedelta(days=2, hours=3) % timedelta(days=1)
from datetime import datetime, timedelta, timezone, date\nd = datetime(2024, 2, 28, 12, 30)\nresult = str(d), (d + timedelta(days=2)).isoformat(), d.year, d.strftime("%Y/%m/%d %H:%M"), (datetime(2024, 3, 1) - d).days, str(datetime(2024, 1, 1, tzinfo=timezone.utc)), d < datetime(2025, 1, 1), f"{d:%Y-%m-%d}", d.replace(hour=0, minute=0).isoformat(), datetime.strptime("2024-05-06", "%Y-%m-%d").isoformat(), datetime.fromisoformat("2024-01-02T03:04:05").minute, str(date(2024, 1, 31) + timedelta(days=1)), d.weekday(), d.date().isoformat(), datetime.fromisoformat("2024-01-02T03:04:05+02:00").isoformat()
from pathlib import Path\np = Path("a") / "b" / "c.tar.gz"\nresult = str(p), p.name, p.stem, p.suffix, str(p.parent), str(p.parent.parent), str(p.parents[1]), p.parts, str(Path("/x/") / "y"), str(Path("a/./b//c")), str(Path("a", "b")), p.as_posix(), str(p.with_suffix(".zip")), str(p.with_name("z")), str(p.joinpath("d", "e")), Path("a") == Path("a/"), str(Path("/a/b").relative_to("/a")), f"{p}", str("x" / Path("y")), str(Path("a") / "/b"), Path(".").name, str(Path("x").parent), Path("/").is_absolute(), str(Path())
import os\nresult = os.path.join("a", "b", "c"), os.path.join("a/", "b"), os.path.join("a", "/b"), os.path.dirname("a/b/c"), os.path.basename("a/b/c.x"), os.path.splitext("a/b.tar.gz"), os.path.dirname("a"), os.path.isabs("/a"), os.sep, os.path.splitext(".bashrc")
import math\nresult = math.pi, math.sqrt(16), math.floor(2.7), math.ceil(2.1), math.log10(1000.0), math.inf, math.floor(-2.5)
import json\nresult = json.dumps({"a": [1, 2.5, None, True], "ü": "x"}), json.loads('{"a": [1, 2.5, null, true]}'), json.dumps([]), json.dumps({"b": 1, "a": 2}, sort_keys=True), json.dumps({"a": [1, {}]}, indent=2)
import copy\na = {"x": [1]}\nb = copy.deepcopy(a)\nb["x"].append(2)\nresult = a, b
import functools, itertools\nresult = functools.reduce(lambda a, b: a * b, [1, 2, 3, 4]), list(itertools.chain([1], [2])), list(itertools.product("ab", [1, 2]))
from functools import lru_cache\n@lru_cache(maxsize=None)\ndef f(x): return x + 1\n@lru_cache\ndef g(x): return x\nresult = f(1), g(2)
from typing import Any, Dict, List, Optional, Union, TYPE_CHECKING, cast\nX = Dict[str, List[Optional[int]]]\nY = int | None\nif TYPE_CHECKING:\n    import nothing_at_all\nresult = cast(int, 5)
import logging, warnings\nlogger = logging.getLogger(__name__)\nlogger.info("x")\nwarnings.filterwarnings("ignore")\nprint("hello", 1, sep="-")\nresult = 1
import textwrap\nresult = textwrap.dedent("  a\\n    b\\n  c\\n")
from collections import OrderedDict\nresult = list(OrderedDict(a=1, b=2).items())
result = __name__ == "__main__", __name__.split(".")[0] != ""
it = iter([1, 2]); result = next(it), next(it), next(it, "end")
result = [i for i in range(3)][-1], [[j for j in range(i)] for i in range(3)]
x = 1\ny = [x for x in range(3)]\nresult = x, y
result = {**{"a": 1}}, [*[1], 2], (*(1,),), max(*[1, 2])
result = not True, not not 5
result = ... is Ellipsis
result = sum([1.5, 2]), sum([[1], [2]], []), all([]), any([])
a = b = []; a.append(1); result = b
result = "%s %s" % (1, [2]), "é".upper(), "ß".upper(), "a\\tb".split("\\t")
result = [1, 2, 3][True], {True: "t"}[1], {1: "a"}.get(1.0)
{}["missing"]
[1][5]
undefined_name
1 / 0
"a" + 1
int("x")
None.attribute
len(5)
(lambda x: x)()
[1, 2].nothing()
a, b = 1, 2, 3
assert 1 == 2
raise RuntimeError("stop")
{[]: 1}
def f(a): return a\nf(1, 2)
def f(a): return a\nf(b=1)
from enum import Enum\nclass E(Enum):\n    A = 1\nE(2)
range(1, 2, 0)
next(iter([]))
[].pop()
"abc".index("z")
import json\njson.loads("{")
5()
for x in 5: pass
1 < "a"
'''.strip().split("\n")


def evaluate(program):
    scope = {"__name__": "m"}
    try:
        exec(compile(program, "m.py", "exec"), scope)
    except Exception as error:
        return {"raises": [cls.__name__ for cls in type(error).__mro__ if issubclass(cls, Exception)][0]}
    return {"result": repr(scope["result"])}


cases = []
for line in PROGRAMS:
    # \\n separates statements, a doubled backslash stands for one.
    program = line.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
    cases.append({"program": program, **evaluate(program)})
path = pathlib.Path(__file__).with_name("evaluation.json")
path.write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")

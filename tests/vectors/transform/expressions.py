"""Random functions over a small grammar: combinations that nobody would think of writing down."""
import random

COLUMNS = {"a": "INT64", "b": "INT64", "f": "DOUBLE", "g": "DOUBLE", "s": "STRING", "t": "STRING", "p": "BOOL", "q": "BOOL"}
STORED = {"number": "DOUBLE", "text": "STRING", "truth": "BOOL"}


class Grammar:
    """Writes expressions of a wanted type; `depth` bounds their size."""

    def __init__(self, r):
        self.r = r

    def number(self, depth):
        r = self.r
        if depth == 0:
            return r.choice(["a", "b", "f", "g", "a", "f", "2", "0.5", "-3", "7"])
        n, t, b = (lambda: self.number(depth - 1)), (lambda: self.text(depth - 1)), (lambda: self.truth(depth - 1))
        return r.choice([
            lambda: f"({n()} {r.choice('+-*')} {n()})",
            lambda: f"({n()} {r.choice(['/', '//', '%'])} {n()})",
            lambda: f"({n()} if {b()} else {n()})",
            lambda: f"({n()} or {n()})",
            lambda: f"({n()} and {n()})",
            lambda: f"abs({n()})",
            lambda: f"{r.choice(['min', 'max'])}({n()}, {n()})",
            lambda: f"len({t()})",
            lambda: f"float({n()})",
            lambda: f"int({b()})",
            lambda: f"-{n()}",
            lambda: f"(0 if {n()} is None else {n()})",
            lambda: f"{{'books': 1.5, 'fashion': 2, '': None}}.get({t()}, {n()})",
            lambda: f"{{('books', True): 3, ('mobile', False): 4.5}}.get(({t()}, p), -1)",
            lambda: f"{{1: 10, 2: 20, 0: 30}}[{n()}]",
            lambda: f"sum([{n()}, {n()}])",
        ])()

    def text(self, depth):
        r = self.r
        if depth == 0:
            return r.choice(["s", "t", "s", "t", "'books'", "''"])
        n, t, b = (lambda: self.number(depth - 1)), (lambda: self.text(depth - 1)), (lambda: self.truth(depth - 1))
        return r.choice([
            lambda: f"({t()} + {t()})",
            lambda: f"({t()} if {b()} else {t()})",
            lambda: f"({t()} or {t()})",
            lambda: f"({t()} and {t()})",
            lambda: f"({t()}).{r.choice(['lower', 'upper', 'strip'])}()",
            lambda: f"str({r.choice('abfgpqst')})",
            lambda: f"(f'{{{r.choice('abfgpqst')}}}-{{s}}' + {t()})",
            lambda: f"{{'books': 'B', 'x': None}}.get({t()})",
            lambda: f"{{0: 'zero', 2.5: 'half', None: 'none'}}.get({n()}, {t()})",
        ])()

    def truth(self, depth):
        r = self.r
        if depth == 0:
            return r.choice(["p", "q", "True", "s == 'books'", "a is None", "f is not None"])
        n, t, b = (lambda: self.number(depth - 1)), (lambda: self.text(depth - 1)), (lambda: self.truth(depth - 1))
        return r.choice([
            lambda: f"({n()} {r.choice(['<', '<=', '>', '>=', '==', '!='])} {n()})",
            lambda: f"({n()} < {n()} <= {n()})",
            lambda: f"({t()} {r.choice(['<', '==', '!=', 'in'])} {t()})",
            lambda: f"({b()} and {b()})",
            lambda: f"({b()} or {b()})",
            lambda: f"(not {b()})",
            lambda: f"bool({r.choice([n, t])()})",
            lambda: f"({n()} is {r.choice(['', 'not '])}None)",
            lambda: f"({n()} {r.choice(['in', 'not in'])} (0, 2, 2.5, None))",
            lambda: f"({t()} {r.choice(['in', 'not in'])} ['books', 'mobile', ''])",
            lambda: f"({t()} == {n()})",
            lambda: f"({b()} if {b()} else {b()})",
            lambda: f"(({t()}, {n()}) == ('books', 2))",
        ])()


def functions(count, seed="larder"):
    """(name, text, outputs) of random functions that are valid Python and compute something."""
    r = random.Random(seed)
    grammar = Grammar(r)
    for index in range(count):
        kind = r.choice(list(STORED))
        expression = getattr(grammar, kind)(r.choice([1, 2, 2, 3]))
        names = ", ".join(COLUMNS)
        columns = ", ".join(f"inputs[{name!r}]" for name in COLUMNS)
        name = f"random_{index}"
        text = f"def {name}(inputs):\n    return {{'r': [{expression} for {names} in zip({columns})]}}\n"
        yield name, text, {"r": STORED[kind]}


CLASSES = ["ZeroDivisionError", "TypeError", "KeyError", "Exception", "ArithmeticError", "LookupError", "(TypeError, KeyError)", "(ZeroDivisionError, KeyError)"]


def guarded(count, seed="larder-try"):
    """Random functions with `try` around random expressions."""
    r = random.Random(seed)
    grammar = Grammar(r)
    names = ", ".join(COLUMNS)
    columns = ", ".join(f"inputs[{name!r}]" for name in COLUMNS)
    for index in range(count):
        kind = r.choice(list(STORED))
        write = getattr(grammar, kind)
        instead = {"number": ["0", "-1.5", "a", "None"], "text": ["''", "'none'", "s", "None"], "truth": ["False", "True", "p"]}[kind]
        first, second = write(r.choice([1, 2, 2])), write(r.choice([1, 2]))
        handlers = "".join(
            f"        except {caught}:\n            x = {r.choice(instead)}\n"
            for caught in r.sample(CLASSES, r.choice([1, 1, 2]))
        )
        middle = r.choice([f"            x = {second}\n", f"            if {grammar.truth(1)}:\n                x = {second}\n", ""])
        name = f"guarded_{index}"
        yield name, (
            f"def {name}(inputs):\n    r = []\n    for {names} in zip({columns}):\n        x = {r.choice(instead)}\n"
            f"        try:\n            x = {first}\n{middle}{handlers}        r.append(x)\n    return {{'r': r}}\n"
        ), {"r": STORED[kind]}

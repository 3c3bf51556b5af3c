"""Functions whose compiled form is compared, row by row, with what real Feast computes with them.

Each function carries `case(inputs, outputs, ...)`: its columns with Feast's type names. The text that the
compiler and Feast see is the function alone, as Feast stores it.
"""
CASES = []


def case(inputs, outputs, mode="python", singleton=False):
    def add(function):
        CASES.append((function, mode, singleton, inputs, outputs))
        return function

    return add

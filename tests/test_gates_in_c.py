"""gates.h is what the table says today."""

import pytest

from microgradnn.primitive import lookup
from tests.gates_in_c import HEADER, NotInCError, c_of, header, in_c, rule


def test_the_header_is_that_of_the_table():
    assert HEADER.read_text(encoding="utf-8") == header(), "run `python -m tests.gates_in_c`"


@pytest.mark.parametrize(("name", "source"), [("multiply", "{0} * {1} + 0.0"), ("sigmoid", "1 / (1 + exp(-{0}))")])
def test_another_rule_is_another_header(monkeypatch, name, source):
    monkeypatch.setattr(lookup(name), "source", source)
    assert HEADER.read_text(encoding="utf-8") != header()


def test_the_gates_that_people_use_most_are_there():
    there = {gate.name for gate, _ in in_c()}
    assert there >= {"add", "subtract", "multiply", "divide", "power", "negative", "abs", "exp", "log", "sqrt", "tanh"}
    assert there >= {"relu", "sigmoid", "softplus", "leaky_relu", "elu", "gelu", "silu", "sin", "cos"}


@pytest.mark.parametrize("name", ["hypot", "remainder", "atan", "sinc"])
def test_what_the_library_of_c_computes_otherwise_is_not(name):
    with pytest.raises(NotInCError):
        rule(lookup(name))


@pytest.mark.parametrize(
    ("python", "c"),
    [
        ("x0 ** 2", "FINITE(libm_pow(x0, 2.0))"),
        ("-(-x0)", "(-(-x0))"),
        ("x0 if x1 != x1 or x0 < 1 else inf", "((x1 != x1 || x0 < 1.0) ? x0 : INFINITY)"),
        ("abs(x0) / 3", "FINITE(fabs(x0) / 3.0)"),
    ],
)
def test_expressions_of_python_in_c(python, c):
    assert c_of(python) == c


@pytest.mark.parametrize("python", ["floor(x0)", "x0 if 0 < x0 < 1 else 0.0", "y + 1", "max(x0, x1)", "x0 // x1"])
def test_expressions_that_c_has_not(python):
    with pytest.raises(NotInCError):
        c_of(python)

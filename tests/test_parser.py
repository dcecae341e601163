"""Expressions as text: what they are worth on numbers and Values, and one clear line for whatever is none."""

from __future__ import annotations

import pytest

from microgradnn import Value
from microgradnn.parser import FUNCTIONS, INSTEAD, LONGEST, InputError, check_names, evaluate, parse
from microgradnn.primitive import gates

GATES = list(gates())  # before any test defines its own


def value_of(text, given):
    instructions = parse(text)
    check_names(instructions, given)
    return evaluate(instructions, given)


def test_every_function_of_the_table_can_be_called() -> None:
    for gate in GATES:
        for point in gate.samples:
            names = [f"x{place}" for place in range(len(point))]
            text = f"{gate.name}({', '.join(names)})"
            assert value_of(text, dict(zip(names, point, strict=True))) == gate(*point)


def test_python_agrees_on_every_operator_and_on_what_binds_closer():
    for text in ("-x**2 + y", "x**-y", "x**y**2", "x - y - 1", "x / y / 2", "-x * +y + 3", "(x + y) * (x - y)"):
        assert value_of(text, {"x": 3.0, "y": 0.5}) == eval(text, {"x": 3.0, "y": 0.5})


def test_values_are_recorded_with_one_gate_for_each_sign_and_function():
    x = Value(2.0)
    out = value_of("exp(x) * x", {"x": x})
    assert (out.primitive.name, [operand.primitive and operand.primitive.name for operand in out.operands]) == (
        "multiply", ["exp", None],
    )  # fmt: skip


def test_results_have_the_names_that_statements_give_them():
    x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    given = {"x": x, "y": y, "z": z}
    f = value_of("q = x + y ; f=q*z", given)
    assert (f.data, f.name, f.operands[0].name, x.name) == (-12.0, "f", "q", "x")
    assert list(given) == ["x", "y", "z"]
    assert value_of("sum = x + y\n; sin(sum*z);", given).name is None
    assert value_of("q = x + y; r = q + q; r*q*z", {"x": 1.0, "y": 2.0, "z": 3.0}) == 54.0


@pytest.mark.parametrize("name", INSTEAD)
def test_what_is_said_to_write_instead_of_a_name_is_an_expression(name):
    assert name not in FUNCTIONS
    instructions = parse(INSTEAD[name])
    names = {load for _, load, function, *_ in instructions if isinstance(load, str) and not function}
    check_names(instructions, names)


def test_e_is_a_name_like_others_where_it_has_a_value():
    assert value_of("e**x", {"e": 2.0, "x": 3.0}) == 8.0
    assert value_of("e = 2*x; e**2", {"x": 3.0}) == 36.0


WRONG = [
    # expression, values, what the line says
    ("siin(x)", "x=1", "column 1: there is no function siin: did you mean sin"),
    ("1 + max(x, 2)", "x=1", "column 5: there is no function max: write maximum(x, y)"),
    ("ln(x)", "x=1", "column 1: there is no function ln: write log(x)"),
    ("σ(x)", "x=1", "column 1: there is no function σ: write sigmoid(x)"),
    ("pow(x, 2)", "x=1", "column 1: there is no function pow: write x**y"),
    ("ReLU(x)", "x=1", "column 1: there is no function ReLU: did you mean relu"),
    ("x + y²", "x=1 y=1", "column 6: write **2 for ², as in x**2"),
    ("x⁻¹⁰", "x=1", "column 2: write **-10 for ⁻¹⁰, as in x**2"),
    ("1/(1+e**-x)", "x=1", "column 6: there is no value for e: for eˣ write exp(x)"),
    ("y + e**(x*e)", "", "column 5: there is no value for e: for eˣ write exp(x)"),
    ("x**e", "x=1", "column 4: there is no value for e: add e=NUMBER"),
    ("qq(x)", "x=1", "column 1: there is no function qq: known are add, "),
    ("x*(y+zz)", "x=1", "column 4: there is no value for y, zz: add y=NUMBER zz=NUMBER"),
    ("e*x", "x=1", "column 1: there is no value for e: add e=NUMBER"),
    ("x", "x=1 y=2", "y has a value, but the expression does not use it"),
    ("x + exp", "x=1", "column 5: exp is a function: write exp(...)"),
    ("x (2)", "x=1", "column 1: x is a variable, not a function"),
    ("(x+1)(2)", "x=1", "column 1: only a function can be called"),
    ("softmax(x, 1)", "x=1", "column 1: softmax gives several numbers"),
    ("1 + take(x, 0)", "x=1", "column 5: take reads a list: write select(index, x, y)"),
    ("2 * exp()", "", "column 5: "),
    ("exp(1, 2)", "", "column 1: "),
    ("maximum()", "", "column 1: maximum needs at least one number, got 0"),
    ("hypot(x)", "x=1", "column 1: hypot takes 2 operands, got 1"),
    # syntax
    ("", "", "the expression is empty"),
    ("  ", "", "the expression is empty"),
    ("(x+y", "x=1 y=2", "column 1: syntax error at '(x+y' ('(' was never closed)"),
    ("x) + 1", "x=1", "column 2: syntax error at ') + 1' (unmatched ')')"),
    ("  x +* y", "x=1 y=2", "column 6: syntax error at '* y'"),
    ("x +", "x=1", "column 4: syntax error: something is missing at the end"),
    ("2x", "x=1", "column 1: syntax error at '2x' (a product needs its *, as in 2*x)"),
    ("x × y", "x=1 y=2", "column 3: syntax error at '× y'"),
    ("é + é + /x", "é=1 x=2", "column 9: syntax error at '/x'"),
    ("x 2", "x=1", "column 3: syntax error at '2'"),
    ("x # y", "x=1", "column 3: the character '#'"),
    ("x \\ y", "x=1", "column 3: the character"),
    ("x +\0 1", "x=1", r"column 4: the character '\x00'"),
    ("x + \udcff", "x=1", r"column 5: the character '\udcff'"),
    # Python that is not an expression of the table
    ("x + y.real", "x=1 y=2", "column 5: attribute access"),
    ("().__class__.__bases__", "", "column 1: attribute access"),
    ("__import__('os').system('true')", "", "column 1: attribute access"),
    ("__import__('os')", "", "column 12: a string"),
    ("x + 'a'", "x=1", "column 5: a string"),
    ("b'a'", "", "column 1: a string"),
    ("f'{x}'", "x=1", "column 1: a string"),
    ("lambda: 1", "", "column 1: a lambda"),
    ("(lambda: 1)()", "", "column 1: a lambda"),
    ("exp(x=1)", "", "column 1: exp takes no keyword arguments"),
    ("maximum(*x)", "x=1", "column 9: a star"),
    ("x < 1", "x=1", "column 1: a comparison is not part of an expression: use where(c, a, b)"),
    ("1 if x else 2", "x=1", "column 1: a condition is not part of an expression: use where(c, a, b)"),
    ("x and x", "x=1", "column 1: and/or"),
    ("not x", "x=1", "column 1: the operator not"),
    ("x ^ 2", "x=1", "column 1: the operator ^ is not part of an expression: use + - * / % and ** for powers"),
    ("x // 2", "x=1", "column 1: the operator // is"),
    ("~x", "x=1", "column 1: the operator ~ is"),
    ("[x, 1]", "x=1", "column 1: a list"),
    ("x, 1", "x=1", "column 1: a tuple"),
    ("x[0]", "x=1", "column 1: an index"),
    ("{x: 1}", "x=1", "column 1: this (Dict)"),
    ("(y := 3)", "", "column 2: an assignment"),
    ("exp(x for x in x)", "x=1", "column 4: this (GeneratorExp)"),
    ("2 + 3j", "", "column 5: a complex number"),
    ("True", "", "column 1: True is not"),
    ("None", "", "column 1: None is not"),
    # statements
    ("f = x", "x=1", "column 1: f would be a second name of x: use one of them"),
    ("x; x", "x=1", "column 1: nothing uses this result: give it a name, as in q = x + y; q*z"),
    ("q = 2*x; q + 1; q", "x=1", "column 10: nothing uses this result"),
    ("q = 2*x; r = q; r*q", "x=1", "column 10: r would be a second name of q"),
    ("q = 3; q*x", "x=1", "column 1: q is a number: give it after the expression, q=NUMBER"),
    ("  q = -exp(2); q*x", "x=1", "column 3: q is a number"),
    ("q = 2*x; q = q*x", "x=1", "column 10: q is assigned twice: give each result a name of its own"),
    ("x = 2*x", "x=1", "column 1: x has a value already, x=NUMBER: assign to another name"),
    ("é = 2*x; q = 3*é; é + x", "x=1", "column 10: q is assigned, but nothing uses it"),
    ("f = q*x; q = 2*x", "x=1", "column 5: q is used before it is assigned"),
    ("q = q*x", "x=1", "column 5: q is used before it is assigned"),
    ("q = 2*x; q*zz", "x=1", "column 12: there is no value for zz: add zz=NUMBER"),
    ("q = 2*x; q + y", "x=1 y=2 z=3", "z has a value, but the expression does not use it"),
    ("q = 2*x; 1 / (q - 2)", "x=1", "column 12: divide(1.0, 0.0): "),
    ("é = 2*x; log(é)", "x=-1", "column 10: log(é=-2.0): "),
    ("q = 2*x; q(2)", "x=1", "column 10: there is no function q: known are"),
    ("q =", "", "column 4: syntax error: something is missing at the end"),
    ("q = ; f = x", "x=1", "column 5: syntax error at '; f = x'"),
    ("q = 2*x;; q", "x=1", "column 9: syntax error at '; q'"),
    (";x", "x=1", "column 1: syntax error at ';x'"),
    ("f(x) = x*2", "x=1", "column 1: syntax error at 'f(x) = x*2' (cannot assign to function call here)"),
    ("exp = 2 = x", "x=1", "column 7: syntax error at '2 = x'"),
    ("if = x", "x=1", "column 4: syntax error at '= x'"),
    ("q = r = 2*x", "x=1", "column 1: a result is assigned to one name, as in q = x + y"),
    ("q, r = x", "x=1", "column 1: a result is assigned to one name"),
    ("2*x; x.data = 2*x", "x=1", "column 1: nothing uses this result"),
    ("q = 2*x; x.data = q", "x=1", "column 10: a result is assigned to one name"),
    ("q = 2*x; q += 1", "x=1", "column 10: this (AugAssign) is not part of an expression"),
    ("q: float = 2*x", "x=1", "column 1: this (AnnAssign)"),
    ("q = 2*x; import os", "x=1", "column 10: this (Import)"),
    ("del x", "x=1", "column 1: this (Delete)"),
    ("if x: q = 2", "x=1", "column 1: this (If)"),
    ("return x", "x=1", "column 1: this (Return)"),
    ("q = __import__('os')", "", "column 16: a string"),
    ("q = [x, 1]; q", "x=1", "column 5: a list"),
    ("x = 1; " * 20_000, "", f"column {LONGEST + 1}: the expression has more than"),
    # no value at this point
    ("2 * log(x)", "x=0", "column 5: log(x=0.0): "),
    ("2 + 1/x", "x=0", "column 6: divide(1.0, x=0.0): "),
    ("(é)/(x)", "é=1 x=0", "column 4: divide(é=1.0, x=0.0): "),
    ("exp(x)", "x=1000", "column 1: exp(x=1000.0): "),
    ("(-8)**(1/3)", "", "column 5: power(-8.0, 0.3333333333333333): "),
    ("9**9**9**9", "", "column 5: power(9.0, 387420489.0): "),
    ("1 + x*x", "x=1e200", "column 6: multiply(x=1e+200, x=1e+200) overflows"),
    ("x - x", "x=inf", "column 3: subtract(x=inf, x=inf) is undefined"),
    ("1e999", "", "column 1: the number is too large"),
    ("x + " + "9" * 400, "x=1", "column 5: the number is too large"),
    ("9" * 5000, "", "column 1: syntax error"),
    ("0x" + "f" * 5000, "", "column 1: the number is too large"),
    # size
    ("(" * 60_000 + "1" + ")" * 60_000, "", f"column {LONGEST + 1}: the expression has more than"),
    ("(" * 40_000 + "1" + ")" * 40_000, "", "column 201: syntax error"),
    ("-" * 120_000 + "1", "", f"column {LONGEST + 1}: the expression has more than"),
    ("-" * 90_000 + "1", "", "column 1: the expression is nested or chained too deeply"),
    ("exp(" * 10_000 + "1" + ")" * 10_000, "", "column "),
    ("+".join("1" * 50_000), "", "column 1: the expression is nested or chained too deeply"),
    ("1**" * 30_000 + "1", "", "column 1: the expression is nested or chained too deeply"),
    ("x" + ".a" * 40_000, "x=1", ""),
]  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("expression", "values", "message"), WRONG, ids=range(len(WRONG)))
def test_what_is_no_expression_is_refused_with_its_column(expression, values, message):
    given = {name: Value(float(number), name) for name, number in (word.split("=", 1) for word in values.split())}
    with pytest.raises(InputError) as refusal:
        value_of(expression, given)
    assert str(refusal.value).startswith(message)

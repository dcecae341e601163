"""`gates.h`, the rules of the table in C: `python -m tests.gates_in_c` writes it, a test holds it to the table.

A rule is here where its value, and all gates that its partials use, have a `source` or a function of C's library. What
can raise in Python gives C a number that is not finite, and with it the whole gate goes back to Python.
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import microgradnn
from microgradnn.primitive import BUILT_IN, Primitive, gates

HEADER = Path(microgradnn.__file__).parent / "native" / "gates.h"
# The functions of math that are C's own, at least where they give a finite number; hypot is not.
_LIBRARY = {
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf", "erfc", "exp", "exp2",
    "expm1", "log", "log10", "log1p", "log2", "pow", "sin", "sinh", "sqrt", "tan", "tanh",
}  # fmt: skip
_SIGNS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.USub: "-", ast.UAdd: "+", ast.And: "&&", ast.Or: "||",
    ast.LtE: "<=", ast.GtE: ">=", ast.Lt: "<", ast.Gt: ">", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip

_SLOTS = {  # the names that C's Python has for the operators
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "pow": "power", "mod": "remainder",
}  # fmt: skip


class NotInCError(Exception):
    """A rule uses what C does not have in the same bits."""


def python_of(gate: Primitive, operands: list[str]) -> str:
    """The value of a gate as an expression of Python and math."""
    if gate.source is not None:
        return gate.source.format(*operands)
    name = getattr(gate.forward, "__name__", "")
    if getattr(math, name, None) is not gate.forward:
        raise NotInCError(gate.name)
    return f"{name}({', '.join(operands)})"


def c_of(expression: str | ast.AST) -> str:
    """An expression of Python in C: `FINITE(…)` watches what raises in Python.

    >>> c_of("exp(-x0) / 2 if x0 > 0 else x0")
    '(x0 > 0.0 ? FINITE(FINITE(libm_exp((-x0))) / 2.0) : x0)'
    """
    match expression:
        case str():
            return c_of(ast.parse(expression, mode="eval").body)
        case ast.Name("inf"):
            return "INFINITY"
        case ast.Name(name) if re.fullmatch(r"out|[xt]\d+", name):
            return name
        case ast.Constant(bool() as truth):
            return str(truth).lower()
        case ast.Constant(int() | float() as number):
            return repr(float(number))
        case ast.UnaryOp(sign, operand):
            return f"({_SIGNS[type(sign)]}{c_of(operand)})"
        case ast.BinOp(left, ast.Pow(), right):
            return f"FINITE(libm_pow({c_of(left)}, {c_of(right)}))"
        case ast.BinOp(left, ast.Div(), right):
            return f"FINITE({c_of(left)} / {c_of(right)})"
        case ast.BinOp(left, sign, right) if type(sign) in _SIGNS:
            return f"({c_of(left)} {_SIGNS[type(sign)]} {c_of(right)})"
        case ast.BoolOp(sign, [left, right]):
            return f"({c_of(left)} {_SIGNS[type(sign)]} {c_of(right)})"
        case ast.IfExp(test, body, otherwise):
            return f"({c_of(test)} ? {c_of(body)} : {c_of(otherwise)})"
        case ast.Compare(left, [sign], [right]) if type(sign) in _SIGNS:
            return f"{c_of(left)} {_SIGNS[type(sign)]} {c_of(right)}"
        case ast.Call(ast.Name("abs"), [x]):
            return f"fabs({c_of(x)})"
        case ast.Call(ast.Name(name), arguments) if name in _LIBRARY:
            return f"FINITE(libm_{name}({', '.join(map(c_of, arguments))}))"
    raise NotInCError(ast.unparse(expression))


def _partial(gate: Primitive, index: int) -> list[str]:
    """The statements that compute one partial; none where nothing is handed on.

    What is written once stands where it is used, so that of two branches the one taken is computed.
    """
    trace, side = gate.trace(), ("left", "right")[index]
    result = trace.results[index]
    if result is None or (result == 0.0 and isinstance(result, float)):
        return []
    text: list[str] = ["out", "x0", "x1"][: trace.count + 1]  # of each register
    nothing = ["False"] * len(text)  # whether it is the constant 0, of which products and choices are nothing
    vanishing = 0.0 in trace.zeros(result)

    def write(operand: int | float, of: list[str] = text) -> str:
        if isinstance(operand, int):
            return of[operand]
        return repr(operand) if of is text else str(vanishing and operand == 0.0)

    uses = Counter([result])
    for register, (used, read) in reversed(list(enumerate(trace.lines, len(text)))):
        for place, operand in enumerate(read):
            if isinstance(operand, int) and uses[register]:
                uses[operand] += (used.source or "").count(f"{{{place}}}") or 1
    code = []
    for register, (used, read) in enumerate(trace.lines, len(text)):
        expression = f"({python_of(used, [write(operand) for operand in read])})" if uses[register] else "0.0"
        zero = [write(operand, nothing) for operand in read]
        nothing.append(
            {
                "multiply": lambda zero=zero: f"({zero[0]} or {zero[1]})",
                "add": lambda zero=zero: f"({zero[0]} and {zero[1]})",
                "where": lambda zero=zero, read=read: f"({zero[1]} if {write(read[0])} > 0.0 else {zero[2]})",
                "negative": lambda zero=zero: zero[0],
                "positive": lambda zero=zero: zero[0],
            }.get(used.name, lambda: "False")()
            if "True" in "".join(zero)
            else "False"
        )
        if uses[register] > 1:
            code.append(f"const double t{register} = {c_of(expression)};")
            expression = f"t{register}"
        text.append(expression)
    zero_now = write(result, nothing)
    handed = "true" if zero_now == "False" else f"!{c_of(zero_now)}"
    code.append(f"HAND({side}, {side.upper()}, {c_of(write(result))}, {handed});")
    return [f"if (wanted & {side.upper()}) {{", *(f"    {line}" for line in code), "}"]


def rule(gate: Primitive) -> list[str]:
    r"""A gate of one or two operands as a function of C; NotInCError where that cannot give the same bits.

    >>> from microgradnn.primitive import lookup
    >>> print(*rule(lookup("exp")), sep="\n")
    static inline bool exp_rule(double x0, double x1, int wanted, Outcome *outcome)
    {
        bool fine = true;
        UNUSED(x1);
        const double out = outcome->out = FINITE(libm_exp(x0));
        if (wanted & LEFT) {
            HAND(left, LEFT, out, true);
        }
        return fine && isfinite(out);
    }
    """
    assert gate.arity in (1, 2)
    operands = ["x0", "x1"][: gate.arity]
    body = [f"const double out = outcome->out = {c_of(python_of(gate, operands).strip())};"]
    for index in range(gate.arity):
        body += _partial(gate, index)
    unused = [x for x in ("x0", "x1") if not any(x in line for line in body)]
    return [
        f"static inline bool {gate.name}_rule(double x0, double x1, int wanted, Outcome *outcome)",
        "{",
        "    bool fine = true;",
        *(f"    UNUSED({x});" for x in unused),
        *(["    UNUSED(wanted);"] if not any("wanted" in line for line in body) else []),
        *(f"    {line}" for line in body),
        "    return fine && isfinite(out);",
        "}",
    ]


def _entry(gate: Primitive) -> str:
    """A line of the list of gates: name, arity, constant operands whose 0 makes nothing, a neutral number."""
    trace = gate.trace()
    vanishing = [
        side for side, other, own in (("LEFT", 1, -1), ("RIGHT", 2, 0)) if other in trace.zeros(trace.results[own])
    ]
    neutral = "NO_NEUTRAL" if gate.neutral is None else str(gate.neutral)
    return f"{gate.name}, {gate.arity}, {' | '.join(vanishing) if gate.arity == 2 and vanishing else 0}, {neutral}"


def in_c() -> Iterator[tuple[Primitive, list[str]]]:
    """The gates that C can record, each with its rule."""
    for gate in gates():
        if gate.name in BUILT_IN and gate.arity in (1, 2):
            try:
                yield gate, rule(gate)
            except NotInCError:
                continue


def header() -> str:
    """The text of `gates.h`."""
    rules = list(in_c())
    lines = ["/* Written by `python -m tests.gates_in_c` from the table of primitives; not by hand. */", ""]
    called = set(re.findall(r"libm_(\w+)", "".join(line for _, code in rules for line in code)))
    lines += [*(f"LIBRARY{2 if name in ('atan2', 'pow') else 1}({name})" for name in sorted(called)), ""]
    for _, code in rules:
        lines += [*code, ""]
    lines += ["#define GATES(GATE) \\", *(f"    GATE({_entry(gate)}) \\" for gate, _ in rules), ""]
    operators = [f"{gate.name}, {_SLOTS[gate.operator]}" for gate, _ in rules if gate.operator and gate.arity == 2]
    lines += ["#define BINARY_OPERATORS(OPERATOR) \\", *(f"    OPERATOR({entry}) \\" for entry in operators), ""]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    HEADER.write_text(header(), encoding="utf-8")

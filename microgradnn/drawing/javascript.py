"""The gates as functions of JavaScript, written from the table: no rule of calculus stands in a script.

The value of a gate comes from its `array`, called with an `xp` that writes JavaScript; its local derivatives come from
the trace of its partials. `null` is what a choice did not take, as `NOTHING` is in Python. Functions of arrays that
JavaScript does not have are in numbers.js.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from microgradnn.primitive import Primitive, lookup, run_lines
from microgradnn.table import OPERATORS

WRITTEN = {  # what a function of arrays is in JavaScript; the others are functions of numbers.js or of Math
    "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "negative": "-{}",
    "positive": "{}", "equal": "{} === {}", "greater": "{} > {}", "less": "{} < {}", "where": "{} ? {} : {}",
}  # fmt: skip
OF_MATH = {
    "abs", "cbrt", "cos", "cosh", "exp", "expm1", "floor", "hypot", "log", "log10", "log1p", "log2", "sign", "sin",
    "sinh", "sqrt", "tan", "tanh",
} | {"arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "maximum", "minimum"}  # fmt: skip
OF_NUMBERS_JS = {"erf", "erfc", "exp2", "heaviside", "power", "remainder"}
# What becomes of null, see `Trace.zeros`; to every other gate it is the number 0.
OF_NOTHING = {
    "multiply": "{0} === null || {1} === null ? null : {0} * {1}",
    "add": "{0} === null && {1} === null ? null : {0} + {1}",
    "negative": "{0} === null ? null : -{0}", "positive": "{0}", "where": "{0} > 0 ? {1} : {2}",
}  # fmt: skip


class ScriptError(Exception):
    """Why a circuit cannot be computed in a page."""


class Operand:
    """What stands in the script for numbers, with the operators of Python."""


def _lines(*operands: Any) -> Lines:
    """Where the terms among `operands` are written."""
    terms = (x[0] if isinstance(x, Stack) else x for x in operands)
    return next(term.lines for term in terms if isinstance(term, Term))


for _gate, _operator in OPERATORS.items():  # each is the function of arrays that its gate names
    _of_arrays = str(lookup(_gate).array)
    setattr(Operand, f"__{_operator}__", lambda *xs, name=_of_arrays: getattr(_lines(*xs), name)(*xs))
    setattr(Operand, f"__r{_operator}__", lambda y, x, name=_of_arrays: getattr(_lines(x, y), name)(x, y))


class Term(Operand):
    """A number that a line of the script has named."""

    def __init__(self, lines: Lines, text: str) -> None:
        self.lines, self.text = lines, text

    def __bool__(self) -> bool:
        raise TypeError("what decides by a number, or asks for it, is known to Python alone")

    __float__ = __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class Stack(Operand, list[Any]):
    """The operands of a gate of any number of them; operators and functions go through them one by one."""

    def __getitem__(self, index: Any) -> Any:
        members = super().__getitem__(index)
        return Stack(members) if isinstance(index, slice) else members


class Lines:
    """The lines of a function of JavaScript, each of which names what it computes; equal ones are written once.

    In the hands of a form for arrays it is `xp`: `xp.exp(x)` writes a line and gives its term.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}  # of each expression

    def write(self, template: str, *operands: Any) -> Any:
        """The term for `template` with the operands in it; for each of its members where one of them is a stack."""
        stacks = [x for x in operands if isinstance(x, Stack)]
        if stacks:
            rows = zip(*(x if isinstance(x, Stack) else [x] * len(stacks[0]) for x in operands), strict=True)
            return Stack(self.write(template, *row) for row in rows)
        expression = template.format(*map(text_of, operands))
        return Term(self, self.names.setdefault(expression, f"t{len(self.names)}"))

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function in ("sum", "max", "min"):  # along a stack
            step = self.__getattr__({"sum": "add", "max": "maximum", "min": "minimum"}[function])
            return lambda stack: reduce(step, stack)
        if function == "indices":
            return lambda stack: Stack(map(float, range(len(stack))))
        if function in WRITTEN:
            return lambda *operands: self.write(WRITTEN[function], *operands)
        if function not in OF_MATH | OF_NUMBERS_JS:
            raise ScriptError(f"JavaScript has no function {function}")
        name = f"Math.{_of_math(function)}" if function in OF_MATH else function
        return lambda *operands: self.write(f"{name}({', '.join(['{}'] * len(operands))})", *operands)

    def leading_to(self, *terms: Any) -> list[str]:
        """The lines that these terms need."""
        needed, lines = {*map(text_of, terms)}, []
        for expression, name in reversed(self.names.items()):
            if name in needed:
                needed.update(re.findall(r"\bt\d+\b", expression))
                lines.append(f"const {name} = {expression};")
        return lines[::-1]


def _of_math(function: str) -> str:
    return {"maximum": "max", "minimum": "min"}.get(function, function.replace("arc", "a"))


def text_of(operand: Any) -> str:
    """A term by name, null, or a number as JavaScript writes it.

    >>> text_of(2.0), text_of(-1e-300), text_of(float("inf")), text_of(None)
    ('2.0', '(-1e-300)', 'Infinity', 'null')
    """
    if isinstance(operand, Term):
        return operand.text
    text = json.dumps(operand if operand is None else float(operand))
    return f"({text})" if text.startswith("-") else text


def name_of(gate: Primitive, count: int) -> str:
    """The name of the function for `gate` of `count` operands, which JavaScript may not use otherwise."""
    return f"{gate.name}_{count}"


def value_of(gate: Primitive, operands: Sequence[Any], lines: Lines) -> Any:
    """The term for the value of a gate, by its form for arrays, else by plain arithmetic, if that is what it is.

    ScriptError where it is more than arithmetic and has no form for arrays, or one that cannot be written down.
    """
    try:
        if gate.array is None:
            return gate.forward(*operands)
        if isinstance(gate.array, str):
            return getattr(lines, gate.array)(*operands)
        if gate.leading is not None:
            operands = [*operands[: gate.leading], Stack(operands[gate.leading :])]
        return gate.array(lines, *operands)
    except Exception as error:  # of the user's own function, which meets no numbers here
        reason = (
            "has no form for arrays: give it array=" if gate.array is None else f"is not written in JavaScript: {error}"
        )
        raise ScriptError(f"the gate {gate.name} {reason}") from None


def function(gate: Primitive, count: int) -> list[str]:
    """The entry of a gate of `count` operands in the table of the script: its value and its local derivatives."""
    lines = Lines()
    names = [f"x{index}" for index in range(count)]
    out = value_of(gate, [Term(lines, name) for name in names], lines)
    arguments = ", ".join(names)
    value = [f"value({arguments}) {{", *lines.leading_to(out), f"return {text_of(out)};", "},"]
    return [f"{name_of(gate, count)}: {{", *value, *_partials(gate, count, arguments), "},"]


def _partials(gate: Primitive, count: int, arguments: str) -> list[str]:
    lines, trace = Lines(), gate.trace(count)
    registers = [Term(lines, name) for name in ("out", *(f"x{index}" for index in range(count)))]
    vanishing = {registers[1 + index].text for index in may_vanish(gate, count)}

    def apply(inner: Primitive, operands: list[Any]) -> Any:
        gone = [x is None or (isinstance(x, Term) and x.text in vanishing) for x in operands]
        if inner.name in OF_NOTHING and any(gone[1:] if inner.name == "where" else gone):
            term = lines.write(OF_NOTHING[inner.name], *operands)
            vanishing.add(term.text)
            return term
        # null is the number 0 to whatever is no choice and no product
        return value_of(
            inner, [_as_number(lines, x) if lost else x for x, lost in zip(operands, gone, strict=True)], lines
        )

    results = [_nothing(x) for x in trace.results]
    terms = run_lines([(inner, tuple(map(_nothing, xs))) for inner, xs in trace.lines], results, registers, apply)
    return [
        f"partials(out, {arguments}) {{",
        *lines.leading_to(*terms),
        f"return [{', '.join(map(text_of, terms))}];",
        "},",
    ]


def _nothing(operand: Any) -> Any:
    """The constant 0 in a partial as null."""
    return None if isinstance(operand, float) and operand == 0.0 else operand


def _as_number(lines: Lines, operand: Any) -> Any:
    return 0.0 if operand is None else lines.write("+{}", operand)


def may_vanish(gate: Primitive, count: int) -> set[int]:
    """The operands, by index, whose constant 0 makes a local derivative nothing: `partials` takes null for them."""
    trace = gate.trace(count)
    return {int(x) - 1 for result in trace.results for x in trace.zeros(result) if isinstance(x, int)}

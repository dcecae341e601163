"""A formula as straight-line code with a point: evaluated on any kind of numbers, and written in Python.

It is what `strategies` draws. Nothing here knows how it was drawn, or calculus.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from microgradnn.primitive import BUILT_IN, Line, Primitive, run_lines
from microgradnn.value import Value

SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "mod": "%"}  # of the module operator
_UNARY_SIGNS = {"neg": "-", "pos": "+"}


@dataclass(frozen=True, repr=False)
class Expression:
    """A formula as straight-line code, and a point: line i applies a gate and writes register len(point) + i.

    The first registers are the variables, the last line is the result. Call it with numbers or Values; `run`
    gives the gates any other meaning. It is shown as a check of its gradient, to be pasted and run.

    `lines` are pairs of a gate and its operands, registers as int and constants as float; `point` gives the variables.

    >>> from microgradnn.primitive import lookup
    >>> square = Expression(((lookup("multiply"), (0, 0)), (lookup("sin"), (1,)), (lookup("add"), (2, 1))), (3.0,))
    >>> square
    check_grads(lambda x: sin((u1 := x * x)) + u1, (3.0,))
    >>> square(1.0), square(Value(1.0))
    (1.8414709848078965, Value(data=1.8414709848078965, grad=0.0))
    >>> square.run(["x"], lambda gate, operands: f"{gate.name}({', '.join(operands)})")
    'add(sin(multiply(x, x)), multiply(x, x))'
    """

    lines: tuple[Line, ...]
    point: tuple[float, ...]

    def __call__(self, *inputs: Any) -> Any:
        return self.run(inputs, _apply)

    def run(self, inputs: Sequence[Any], apply: Callable[[Primitive, list[Any]], Any]) -> Any:
        """The result for `inputs`, with `apply(primitive, operands)` as the meaning of each gate."""
        return run_lines(self.lines, [len(self.point) + len(self.lines) - 1], list(inputs), apply)[0]

    def __repr__(self) -> str:
        numbers = [repr(x) if math.isfinite(x) else f"float('{x}')" for x in self.point]
        point = f"({', '.join(numbers)}{',' * (len(numbers) == 1)})"
        return f"check_grads(lambda {', '.join(self._names())}: {self._text()}, {point})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # what hypothesis shows

    def _names(self) -> list[str]:
        size = len(self.point)
        return [f"x{i}" for i in range(size)] if size > 3 else list("xyz"[:size])

    def _text(self) -> str:
        """The formula in Python: what is used more than once gets its name where it is first read."""
        names, size = self._names(), len(self.point)
        used = [x for _, operands in self.lines for x in operands if isinstance(x, int)]
        shared: dict[int, str] = {}

        def text(register: int | float, inside: bool) -> str:
            """What is in a register, in brackets where it stands beside an operator."""
            if isinstance(register, float):
                return f"({register!r})" if inside and register < 0 else repr(register)
            if register < size or register in shared:
                return names[register] if register < size else shared[register]
            gate, operands = self.lines[register - size]
            if gate.operator in SIGNS:
                result, compound = f" {SIGNS[gate.operator]} ".join([text(x, True) for x in operands]), True
            elif gate.operator in _UNARY_SIGNS:
                result, compound = _UNARY_SIGNS[gate.operator] + text(operands[0], True), True
            else:
                result, compound = f"{_called(gate)}({', '.join([text(x, False) for x in operands])})", False
            if used.count(register) > 1:
                shared[register] = f"u{len(shared) + 1}"
                return f"({shared[register]} := {result})"
            return f"({result})" if compound and inside else result

        return text(size + len(self.lines) - 1, False)


def _called(gate: Primitive) -> str:
    """How a user writes the function of a gate: `gate("sum")`, as the name is another function of Python."""
    is_name = gate.name not in BUILT_IN or (gate.public and gate.name != "sum")
    return gate.name if is_name or gate.operator == "abs" else f'gate("{gate.name}")'


def _apply(gate: Primitive, operands: list[Any]) -> Any:
    """The gate as a user writes it: by operator or by function."""
    if not any(isinstance(operand, Value) for operand in operands):
        return gate(*operands)
    return getattr(operator, gate.operator)(*operands) if gate.operator in SIGNS else gate.quick(*operands)

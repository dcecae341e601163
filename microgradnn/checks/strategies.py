"""Hypothesis strategies: random expressions over the table of primitives, and points to evaluate them at.

They need hypothesis (`pip install hypothesis`), so they are imported on their own. What an expression is
worth, and where it has no value, is for the forward functions to say: nothing here knows a domain.

>>> from hypothesis import given
>>> from microgradnn import check_grads
>>> from microgradnn.primitive import lookup
>>> @given(expressions(variables=2, gates=[lookup("add"), lookup("tanh")]), points(2))
... def sums_and_tanh_have_the_right_gradient(expression, point):
...     check_grads(expression, tuple(point))
>>> sums_and_tanh_have_the_right_gradient()
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from microgradnn.primitive import Line, Primitive, gates as entries, run_lines
from microgradnn.table import LABELLED
from microgradnn.value import Value

_OPERATORS = {
    "add": ("+", operator.add),
    "subtract": ("-", operator.sub),
    "multiply": ("*", operator.mul),
    "divide": ("/", operator.truediv),
    "power": ("**", operator.pow),
}


@dataclass(frozen=True, repr=False)
class Expression:
    """A formula in `variables` numbers as straight-line code: line i applies a gate and writes register variables + i.

    The first registers are the variables, the last line is the result. Call it with numbers or Values; `run`
    gives the gates any other meaning.

    >>> from microgradnn.primitive import lookup
    >>> square = Expression(1, ((lookup("multiply"), (0, 0)), (lookup("add"), (1, 1)), (lookup("sin"), (2,))))
    >>> square
    u1 = x * x; sin(u1 + u1)
    >>> square(1.0), square(Value(1.0))
    (0.9092974268256817, Value(data=0.9092974268256817, grad=0.0))
    """

    variables: int
    lines: tuple[Line, ...]

    def __call__(self, *inputs: Any) -> Any:
        return self.run(inputs, _apply)

    def run(self, inputs: Sequence[Any], apply: Callable[[Primitive, list[Any]], Any]) -> Any:
        """Evaluate, with `apply(primitive, operands)` as the meaning of each gate: for other kinds of numbers."""
        return run_lines(self.lines, [self.variables + len(self.lines) - 1], list(inputs), apply)[0]

    def __repr__(self) -> str:
        texts = [f"x{i}" for i in range(self.variables)] if self.variables > 3 else list("xyz"[: self.variables])
        used = [place for _, places in self.lines for place in places if isinstance(place, int)]
        compound: set[int] = set()  # registers whose text needs brackets in front of an operator
        definitions: list[str] = []
        for register, (gate, places) in enumerate(self.lines, self.variables):
            operands = [texts[place] if isinstance(place, int) else repr(place) for place in places]
            if gate.name in _OPERATORS:
                bracketed = [place in compound if isinstance(place, int) else place < 0 for place in places]
                left, right = (f"({one})" if bracket else one for one, bracket in zip(operands, bracketed, strict=True))
                text = f"{left} {_OPERATORS[gate.name][0]} {right}"
                compound.add(register)
            else:
                text = f"{gate.name}({', '.join(operands)})"
            if used.count(register) > 1:
                compound.discard(register)
                texts.append(f"u{len(definitions) + 1}")
                definitions.append(f"{texts[-1]} = {text}; ")
            else:
                texts.append(text)
        return "".join(definitions) + texts[-1]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # what hypothesis shows


def _apply(gate: Primitive, operands: list[Any]) -> Any:
    """The gate as a user writes it: by operator or by function."""
    if not any(isinstance(operand, Value) for operand in operands):
        return gate(*operands)
    if gate.name in _OPERATORS:
        return _OPERATORS[gate.name][1](*operands)
    return gate.quick(*operands)


_HALF = 80  # operands are drawn as integers, few choices shrink well: registers below, constants from here on


@st.composite
def expressions(
    draw: st.DrawFn, variables: int = 2, max_gates: int = 8, gates: Sequence[Primitive] | None = None
) -> Expression:
    """Expressions in `variables` numbers of up to `max_gates` gates, which may use a result more than once.

    `gates` are the primitives to choose from: unless given, the whole table but those that want the number of an
    operand. At least one operand of a gate is no constant. Shrinks to few gates, those that come first in the table.
    See the preface for an example.
    """
    chosen = tuple(gates or [gate for gate in entries() if gate not in LABELLED])
    lines: list[Line] = []
    for gate, *drawn in draw(_gates_with_operands(chosen, max_gates)):
        registers = [*reversed(range(variables, variables + len(lines))), *range(variables)]
        operands = [registers[i % len(registers)] if i < _HALF else _constant(i - _HALF) for i in drawn]
        if not any(isinstance(operand, int) for operand in operands):
            operands[0] = registers[0]
        lines.append((gate, tuple(operands)))
    return Expression(variables, _without_unused(variables, lines))


@lru_cache(16)  # a strategy made anew for each expression would take most of the time
def _gates_with_operands(gates: tuple[Primitive, ...], max_gates: int) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Lists of gates, each with the integers that stand for its operands."""
    counted = [
        (gate, count)
        for gate in gates
        for count in ([gate.arity] if gate.arity else sorted({len(sample) for sample in gate.samples} or {1}))
    ]
    lines = [st.tuples(st.just(gate), *[st.integers(0, 2 * _HALF)] * count) for gate, count in counted]
    return st.lists(st.one_of(lines), min_size=1, max_size=max_gates)


def _constant(i: int) -> float:
    """The numbers of one decimal between −4 and 4, the small ones first."""
    return ((i + 1) // 2 if i % 2 == 0 else -((i + 1) // 2)) / 10


def _without_unused(variables: int, lines: list[Line]) -> tuple[Line, ...]:
    needed = {variables + len(lines) - 1}
    for register in range(variables + len(lines) - 1, variables - 1, -1):
        if register in needed:
            needed.update(place for place in lines[register - variables][1] if isinstance(place, int))
    kept = [*range(variables), *(register for register in sorted(needed) if register >= variables)]
    renamed = {register: new for new, register in enumerate(kept)}
    return tuple(
        (gate, tuple(renamed[place] if isinstance(place, int) else place for place in places))
        for gate, places in (lines[register - variables] for register in kept[variables:])
    )


def points(size: int, edges: bool = False) -> st.SearchStrategy[list[float]]:
    """Lists of `size` numbers of three decimals between −4 and 4; with `edges` any float, infinities and nan too."""
    numbers = st.integers(-4000, 4000).map(lambda thousandths: thousandths / 1000)
    if edges:
        numbers |= st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, 5e-324])
    return st.lists(numbers, min_size=size, max_size=size)

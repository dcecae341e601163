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

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "mod": "%"}  # of the module operator


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
        used = [x for _, operands in self.lines for x in operands if isinstance(x, int)]
        compound: set[int] = set()  # registers whose text needs brackets in front of an operator
        definitions: list[str] = []
        for register, (gate, operands) in enumerate(self.lines, self.variables):
            shown = [texts[x] if isinstance(x, int) else repr(x) for x in operands]
            text = f"{gate.name}({', '.join(shown)})"
            if gate.operator in _SIGNS:
                bracketed = (x in compound if isinstance(x, int) else x < 0 for x in operands)
                sides = (f"({side})" if bracket else side for side, bracket in zip(shown, bracketed, strict=True))
                text = f" {_SIGNS[gate.operator]} ".join(sides)
                compound.add(register)
            if used.count(register) > 1:
                compound.discard(register)
                definitions.append(f"u{len(definitions) + 1} = {text}; ")
                text = f"u{len(definitions)}"
            texts.append(text)
        return "".join(definitions) + texts[-1]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # what hypothesis shows


def _apply(gate: Primitive, operands: list[Any]) -> Any:
    """The gate as a user writes it: by operator or by function."""
    if not any(isinstance(operand, Value) for operand in operands):
        return gate(*operands)
    return getattr(operator, gate.operator)(*operands) if gate.operator in _SIGNS else gate.quick(*operands)


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
    kept = {*range(variables), variables + len(lines) - 1}
    for register, (_, operands) in reversed([*enumerate(lines, variables)]):
        if register in kept:
            kept.update(x for x in operands if isinstance(x, int))
    renamed = {register: index for index, register in enumerate(sorted(kept))}
    return tuple(
        (gate, tuple(renamed[x] if isinstance(x, int) else x for x in operands))
        for register, (gate, operands) in enumerate(lines, variables)
        if register in kept
    )


def points(size: int, edges: bool = False) -> st.SearchStrategy[list[float]]:
    """Lists of `size` numbers of three decimals between −4 and 4; with `edges` any float, infinities and nan too."""
    numbers = st.integers(-4000, 4000).map(lambda thousandths: thousandths / 1000)
    if edges:
        numbers |= st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, 5e-324])
    return st.lists(numbers, min_size=size, max_size=size)

"""What the rules of the table claim, in wide numbers and to any order: of one gate, and swept through a graph.

A number with a tangent moves along a direction. The partials of a gate, run on such numbers, are differentiated by the
rules with which they are written; nested in one another they give every order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microgradnn.checks.lifting import record
from microgradnn.checks.wide import Wide
from microgradnn.primitive import NOTHING, Primitive, lookup
from microgradnn.value import Value

_ADD, _MULTIPLY = lookup("add"), lookup("multiply")


class Moving:
    """A number and its derivative along a direction, both wide or both moving along further directions.

    The tangent of what stands still is `NOTHING`, so that an infinite slope beside it does no harm.
    """

    __slots__ = ("tangent", "value")

    def __init__(self, value: Any, tangent: Any) -> None:
        self.value, self.tangent = value, tangent

    def record_gate(self, gate: Primitive, operands: Sequence[Any]) -> Any:
        values = [x.value if isinstance(x, Moving) else x for x in operands]
        value = run(gate, values)
        if value is NOTHING:
            return value
        terms = [
            run(_MULTIPLY, [partial, x.tangent])
            for x, partial in zip(operands, partials(gate, value, values), strict=True)
            if isinstance(x, Moving) and x.tangent is not NOTHING and partial is not None and partial is not NOTHING
        ]
        return Moving(value, total(terms) if terms else NOTHING)


def run(gate: Primitive, operands: Sequence[Any]) -> Any:
    """The gate on numbers of any kind; its limit where it has no value."""
    moves = next((x for x in operands if isinstance(x, Moving)), None)
    if moves is not None:
        return moves.record_gate(gate, operands)
    return record(gate, operands, by_limit=True) if any(isinstance(x, Wide) for x in operands) else gate.limit(operands)


def total(terms: Sequence[Any]) -> Any:
    """The sum of numbers of any kind."""
    result = terms[0]
    for term in terms[1:]:
        result = run(_ADD, [result, term])
    return result


def partials(gate: Primitive, out: Any, operands: Sequence[Any]) -> list[Any]:
    """The partials as the table writes them; `NOTHING` or None where nothing is handed on, as behind a constant 0."""
    numbers = [NOTHING if type(x) is float and x == 0.0 else x for x in operands]  # a wide number calls itself a float
    return gate.trace(len(operands)).run(out, numbers, run, NOTHING)


def moving(x: Any, tangents: Sequence[float]) -> Any:
    """The number x that moves along several directions, with these speeds.

    >>> square = moving(Wide(3.0), [1.0, 1.0])
    >>> square = run(lookup("multiply"), [square, square])
    >>> derivative(square, 1), derivative(square, 2)
    (6.0, 2.0)
    """
    for n, speed in enumerate(tangents):
        x = Moving(x, moving(Wide(speed), [0.0] * n) if speed else NOTHING)
    return x


def derivative(x: Any, order: int) -> Any:
    """The derivative of a number along all the directions, as a wide number."""
    for _ in range(order):
        x = x.tangent if isinstance(x, Moving) else NOTHING
    while isinstance(x, Moving):
        x = x.value
    return Wide(x)


def forward(nodes: Sequence[Value], given: dict[Value, Any]) -> dict[Value, Any]:
    """The numbers of a graph, in topological order, from those `given` for some of its leaves."""
    numbers: dict[Value, Any] = {}
    for node in nodes:
        if node.primitive is None:
            numbers[node] = given[node] if node in given else Wide(node.data)
        else:
            numbers[node] = run(node.primitive, operands(node, numbers))
    return numbers


def operands(node: Value, numbers: dict[Value, Any]) -> list[Any]:
    """The operands of a gate as numbers."""
    return [numbers[x] if isinstance(x, Value) else constant(x) for x in node.operands]


def constant(x: float) -> Any:
    """A constant operand: 1 / 3 of it keeps its digits, 0 stays the float that hands nothing on."""
    return Wide(x) if x else x


def backward(nodes: Sequence[Value], root: Value, numbers: dict[Value, Any]) -> dict[Value, Any]:
    """The adjoints ∂root/∂node by the rules, for all nodes that anything is handed on to."""
    arrived: dict[Any, list[Any]] = {root: [1.0]}
    adjoints: dict[Value, Any] = {}
    for node in reversed(nodes):
        if node not in arrived:
            continue
        adjoint = adjoints[node] = total(arrived[node])
        if node.primitive is None:
            continue
        rule = partials(node.primitive, numbers[node], operands(node, numbers))
        for operand, handed, partial in zip(node.operands, node.handed, rule, strict=True):
            if handed is not None and partial is not None and partial is not NOTHING:
                arrived.setdefault(operand, []).append(run(_MULTIPLY, [partial, adjoint]))
    return adjoints

"""A graph and today's leaves: which gates are out of date, and the graph computed anew.

Whether a graph is out of date is found by recording it again; nodes carry no stamp.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import Any

from microgradnn.context import plainly_recording, watching
from microgradnn.formulas import shared_partials_of_dot, sum_of_products
from microgradnn.graph import topological_order
from microgradnn.primitive import ForwardError


def renew(root: Any) -> None:
    """Give all gates of a graph the values and partials of today's leaves; change none where a gate has no value."""
    order = topological_order(root)
    if any(map(is_incomplete, order)):
        raise ValueError(
            "forward() cannot compute this graph anew: it holds a derivative in which gates such as relu chose, "
            "and what they did not take is not in it. Take the derivative anew: grad(f)(x)"
        )
    renewed: dict[Any, Any] = {}  # each gate with the same gate recorded anew from today's leaves
    with plainly_recording():
        for node in order:
            if node.primitive is not None:
                renewed[node] = _again(node, [renewed.get(x, x) for x in node.operands])
    for gate, anew in renewed.items():
        gate._data, gate._grad = anew._data, None
    numbers = _Numbers()
    for gate, anew in renewed.items():
        if not gate.has_vectors():
            gate._left_partial, gate._right_partial = anew._left_partial, anew._right_partial
            continue
        weights, inputs, _ = gate._left
        by_weights, by_inputs, by_bias = shared_partials_of_dot(numbers[weights], numbers[inputs])
        gate._left_partial = (by_weights, by_inputs if gate._left_partial[1] is not None else None, by_bias)


def _again(node: Any, operands: Iterable[Any]) -> Any:
    """The gate of `node` recorded once more, of `operands`.

    Only a gate that was recorded by its limit, as in a derivative, keeps to that where it would raise: its value, which
    is not finite, tells.
    """
    try:
        return node.primitive.quick(*operands)
    except ForwardError:
        if math.isfinite(node._data):
            raise
        return node.record_gate(node.primitive, operands, by_limit=True)


def outdated(order: Iterable[Any]) -> list[Any]:
    """The gates of `order` whose value or partials are not what today's operands give."""
    gates = []
    shared = _Same()
    with plainly_recording(), watching(False):
        for node in order:
            if node._left is not None and node.primitive.repeatable and not (node.has_vectors() and shared.fit(node)):
                try:
                    fits = _same(_numbers(node), _numbers(_again(node, node.operands)))
                except ForwardError:
                    fits = False
                if not fits:
                    gates.append(node)
    return gates


class _Numbers(dict[Any, tuple[float, ...]]):
    """Today's numbers of vectors, each read once, as the gates of a layer share them."""

    def __missing__(self, vector: Any) -> tuple[float, ...]:
        self[vector] = tuple([x if x.__class__ is float else x._data for x in vector.members])
        return self[vector]


class _Same(dict[tuple[int, Any], bool]):
    """Whether shared partials, by `id`, are today's numbers of a vector, which is compared with them once."""

    def __init__(self) -> None:
        self.numbers = _Numbers()

    def fit(self, gate: Any) -> bool:
        """Whether value and partials of a gate of vectors are today's; False says only that a closer look is due."""
        (weights, inputs, bias), numbers = gate._left, self.numbers
        by_weights, by_inputs, _ = gate._left_partial
        out = sum_of_products(numbers[weights], numbers[inputs]) + (bias if bias.__class__ is float else bias._data)
        if not out == gate._data != 0.0:  # 0.0 may have another sign
            return False
        for partials, vector in ((by_weights, inputs), (by_inputs, weights)):
            if partials is None:  # all inputs are numbers
                continue
            fits = self.get(key := (id(partials), vector))
            if fits is None:
                fits = self[key] = _same(tuple(partials), numbers[vector])
            if not fits:
                return False
        return True


def _numbers(gate: Any) -> tuple[Any, ...]:
    if gate._left.__class__ is tuple:
        return gate._data, *gate.handed
    return gate._data, gate._left_partial, gate._right_partial


def _same(numbers: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Whether all are the same in words, where 0.0 is not −0.0, and nan is nan; words are slow, so last."""
    return (numbers == others and 0.0 not in numbers) or repr(numbers) == repr(others)


_incomplete: set[int] = set()  # derivatives, by `id` as long as they live


def mark_incomplete(derivative: Any) -> None:
    """Remember that a derivative's graph lacks the branches that gates did not take."""
    if id(derivative) not in _incomplete:
        _incomplete.add(id(derivative))
        weakref.finalize(derivative, _incomplete.discard, id(derivative)).atexit = False


def is_incomplete(node: Any) -> bool:
    """Whether a node is a derivative whose graph lacks the branches that gates did not take."""
    return id(node) in _incomplete


def chose(node: Any) -> bool:
    """Whether a gate took one operand and not another, by their numbers, or is a derivative through such a gate."""
    if node.primitive is None:
        return False
    if is_incomplete(node):
        return True
    operands = node.operands
    trace = node.primitive.trace(len(operands))
    return any(
        partial is None and operand.__class__ is not float and isinstance(result, int) and 0.0 in trace.zeros(result)
        for partial, result, operand in zip(node.handed, trace.results, operands, strict=True)
    )  # fmt: skip

"""Bounds of every value and gradient of a circuit while its leaves range over a box.

Intervals go forward through the recorded gates, and adjoints, as intervals too, back: the rules are those of
`intervals`. What does not depend on a range keeps its number. This module knows graphs, and no gate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from microgradnn.graph import topological_order
from microgradnn.intervals import Interval, enclose, hull, partials, total
from microgradnn.notation import few, names
from microgradnn.reading import number
from microgradnn.renewal import is_incomplete
from microgradnn.settings import count
from microgradnn.value import Value

Range = tuple[float, float]
Box = dict[Value, Interval]
MOST = 2_000_000  # gates over all parts of a box: half a minute


def bounds(f: Value, ranges: Mapping[Any, Any], *, slices: int = 1) -> dict[Value, tuple[Range, Range]]:
    """Between which numbers each value and each gradient ∂f/∂node lies while leaves range over `ranges`.

    The keys of `ranges` are names or Values of leaves, a range is (low, high), also infinite; other leaves keep their
    number. The result holds (value, gradient) of each node of f, both as (low, high), by interval arithmetic over the
    recorded gates: forward, then back with contribution = interval of the partial × interval of the adjoint. No number
    that the engine computes in the box lies outside, but the bounds are loose where a leaf is used more than once or
    adjoints meet. Cut into n `slices`, each of k ranges, they get tighter: they hold what comes out over all nᵏ parts
    of the box, which costs nᵏ times as much. Where gates have values in a part of the box only, they hold for that
    part; they do not hold for other graphs, which an `if` of Python would record elsewhere.

    A ReLU that is dead over the whole box, and a function that rises with x there:

    >>> w, x = Value(-2.0, "w"), Value(1.0, "x")
    >>> dead = (w * x - 1).relu()
    >>> bounds(dead, {"x": (0, 10), "w": (-3, -1)})[dead]
    ((0.0, 0.0), (1.0, 1.0))
    >>> bounds(dead, {"x": (0, 10), "w": (-3, -1)})[w]
    ((-3.0, -1.0), (0.0, 0.0))
    >>> f = x ** 3 + x
    >>> bounds(f, {"x": (-2, 2)})[x]
    ((-2.0, 2.0), (1.0, 13.0))

    The bounds of x² − x over 0 … 1 are loose, as if the two x were different, and slices tighten them:

    >>> f = x * x - x
    >>> bounds(f, {x: (0, 1)})[f][0], bounds(f, {x: (0, 1)}, slices=4)[f][0]
    ((-1.0, 1.0), (-0.5, 0.25))

    Raises TypeError for what is no Value and no pair of numbers, and for a gate of the user's own that says nothing of
    intervals; ValueError for other names, low > high, a gate without a value anywhere in the box and too many parts.
    """
    if not isinstance(f, Value):
        raise TypeError(f"bounds needs the Value at the end of a circuit, got {type(f).__name__} {f!r:.60}")
    order = topological_order(f)
    if any(map(is_incomplete, order)):
        raise ValueError("a derivative in which gates such as relu chose lacks what they did not take: no bounds of it")
    box = _read(order, f, ranges)
    ways = [_cut(node, x, count("slices", slices)) for node, x in box.items()]
    parts = math.prod(map(len, ways))
    if parts > 1 and parts * len(order) > MOST:
        raise ValueError(
            f"slices={slices} of {few(names(order, f)[id(node)] for node in box)} make {parts:,} parts of "
            f"{len(order):,} nodes each: give fewer slices, or fewer ranges"
        )
    numbers, moving = _constants(order, box)
    result = _swept(moving, order, numbers | box)
    if parts > 1:
        pieces = list(_over(product(*ways), box, moving, order, numbers))
        result = [
            tuple(hull(*parts).within(whole.low, whole.high) for whole, *parts in zip(*of_node, strict=True))
            for of_node in zip(result, *pieces, strict=True)
        ]
    return {node: (_ends(value), _ends(slope)) for node, (value, slope) in zip(order, result, strict=True)}


def _ends(x: Interval) -> Range:
    return x.low + 0.0, x.high + 0.0  # no −0.0


def _read(order: Sequence[Value], f: Value, ranges: Mapping[Any, Any]) -> Box:
    """The ranges as intervals, by leaf."""
    if not isinstance(ranges, Mapping):
        raise TypeError(f'ranges are given as {{"w": (low, high)}}, got {type(ranges).__name__} {ranges!r:.60}')
    name_of, box = names(order, f), {}
    by_name = {name_of[id(node)]: node for node in order}
    leaves = [name for name, node in by_name.items() if node.primitive is None]
    nodes = set(order)
    for key, ends in ranges.items():
        node = by_name.get(key) if isinstance(key, str) else key
        if not (isinstance(node, Value) and node in nodes):
            shown = repr(key) if isinstance(key, str) else f"{key!r:.60}"
            raise ValueError(f"ranges name leaves of the circuit, {few(leaves)}; {shown} is none")
        if node.primitive is not None:
            raise ValueError(f"{name_of[id(node)]} follows from its operands: ranges are those of {few(leaves)}")
        box[node] = _range(name_of[id(node)], ends)
    for node in order:
        if node.primitive is None and node not in box and node.data != node.data:
            raise ValueError(f"the leaf {name_of[id(node)]} is nan, which lies in no interval: give it a number")
    return box


def _range(name: str, ends: Any) -> Interval:
    try:
        low, high = map(number, ends)
    except (TypeError, ValueError):
        raise TypeError(f"the range of {name} is a pair of numbers, (low, high), got {ends!r:.60}") from None
    if not low <= high:
        raise ValueError(f"the range of {name} is (low, high) with low ≤ high, got {ends!r:.60}")
    return Interval(low, high)


def _cut(node: Value, x: Interval, slices: int) -> list[Interval]:
    if slices == 1 or x.is_point:
        return [x]
    if math.isinf(x.low) or math.isinf(x.high):
        raise ValueError(f"the range {x} of {node!r:.60} has no {slices} equal parts: give finite ends")
    cuts = [x.low * (1 - n / slices) + x.high * (n / slices) for n in range(1, slices)]
    ends = [x.low, *(min(max(cut, x.low), x.high) for cut in cuts), x.high]
    return [Interval(low, high) for low, high in zip(ends, ends[1:], strict=False)]


def _constants(order: Sequence[Value], box: Box) -> tuple[Box, list[Value]]:
    """What depends on no range, with its number; and the gates that do."""
    numbers: Box = {}
    moving = []
    for node in order:
        operands = node.operands
        if node.primitive is None:
            if node not in box:
                numbers[node] = Interval(node.data)
        elif any(isinstance(x, Value) and x not in numbers for x in operands):
            moving.append(node)
        else:
            data = node.primitive.limit([numbers[x].low if isinstance(x, Value) else x for x in operands])
            if data != data:
                raise ValueError(f"{node.primitive.describe(operands)} is nan, which lies in no interval")
            numbers[node] = Interval(data)
    return numbers, moving


def _over(
    parts: Iterator[tuple[Interval, ...]], box: Box, moving: list[Value], order: list[Value], numbers: Box
) -> Iterator[list[tuple[Interval, Interval]]]:
    """The bounds over each part of the box in which all gates have values."""
    for part in parts:
        try:
            yield _swept(moving, order, numbers | dict(zip(box, part, strict=True)))
        except ValueError:
            continue


def _swept(moving: Sequence[Value], order: Sequence[Value], values: Box) -> list[tuple[Interval, Interval]]:
    """Value and gradient of each node of `order`, given the intervals of all but the `moving` gates."""
    operands_of = {}
    for node in moving:
        operands = operands_of[node] = _intervals(node.operands, values)
        values[node] = enclose(node.primitive, operands)
    arriving: dict[Any, list[Interval]] = {order[-1]: [Interval(1.0)]}
    adjoints: Box = {}
    for node in reversed(order):
        terms = arriving.pop(node, None)
        adjoint = adjoints[node] = total(terms) if terms else Interval(0.0)
        if node.primitive is None or not terms:
            continue
        if node in operands_of:
            slopes: Sequence[Any] = partials(node.primitive, values[node], operands_of[node])
        else:
            numbers = [values[x].low if isinstance(x, Value) else x for x in node.operands]
            slopes = node.primitive.partials(values[node].low, numbers)
        for operand, slope in zip(node.operands, slopes, strict=True):
            if slope is not None and isinstance(operand, Value):
                arriving.setdefault(operand, []).append(slope * adjoint)
    return [(values[node], adjoints[node]) for node in order]


def _intervals(operands: Sequence[Any], values: Box) -> list[Interval]:
    return [values[x] if isinstance(x, Value) else Interval(x) for x in operands]

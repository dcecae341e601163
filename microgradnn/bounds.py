"""Bounds of every value and gradient of a circuit while its leaves range over a box.

Intervals go forward through the recorded gates, and adjoints, as intervals too, back: the rules are those of
`intervals`. What does not depend on a range keeps its number. This module knows graphs, and no gate.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from itertools import pairwise, product
from typing import Any

from microgradnn.graph import topological_order
from microgradnn.intervals import Interval, enclose, hull, partials, total
from microgradnn.notation import few, names
from microgradnn.primitive import Primitive
from microgradnn.reading import number
from microgradnn.renewal import is_incomplete
from microgradnn.settings import count
from microgradnn.value import Value

Range = tuple[float, float]
Box = dict[Value, Interval]
Intervals = list[tuple[Interval, Interval]]  # of value and gradient, by node
MOST = 2_000_000  # gates over all parts of a box: half a minute


def bounds(f: Value, ranges: Mapping[Any, Any], *, slices: int = 1) -> dict[Value, tuple[Range, Range]]:
    """Between which numbers each value and each gradient ∂f/∂node of `f` lies while leaves range over `ranges`.

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
    circuit = Circuit(order, list(box))
    result = circuit.bounds(box.values())
    if parts > 1:
        reached = reduce(_hulls, _over(circuit, product(*ways)))
        result = [
            (value.within(whole.low, whole.high), slope.within(steepest.low, steepest.high))
            for (value, slope), (whole, steepest) in zip(reached, result, strict=True)
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
        if node in box:
            raise ValueError(f"{name_of[id(node)]} has two ranges, by its name and by its Value: give one")
        box[node] = _range(name_of[id(node)], ends)
    for node in order:
        if node.primitive is None and node not in box and node.data != node.data:
            raise ValueError(f"the leaf {name_of[id(node)]} is nan, which lies in no interval: give it a number")
    return box


def _range(name: str, ends: Any) -> Interval:
    try:
        low, high = map(number, ends)
    except (TypeError, ValueError, OverflowError):
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
    return [Interval(low, high) for low, high in pairwise(ends)]


def _hulls(those: Intervals, these: Intervals) -> Intervals:
    return [(hull(x, y), hull(dx, dy)) for (x, dx), (y, dy) in zip(those, these, strict=True)]


def _over(circuit: Circuit, parts: Iterable[Iterable[Interval]]) -> Iterator[Intervals]:
    """The bounds over each part of a box in which all gates have values."""
    for part in parts:
        with suppress(ValueError):
            yield circuit.bounds(part)


class Circuit:
    """The gates of a graph, operands first, as numbers of registers: of nodes, then of constants.

    What depends on no range is computed once, and keeps its number.
    """

    def __init__(self, order: Sequence[Value], ranged: Sequence[Value]) -> None:
        register = {node: n for n, node in enumerate(order)}
        self.ranged = [register[node] for node in ranged]
        self.size = len(order)
        self.registers: list[Any] = [None] * len(order)  # None of what moves with the ranges
        self.gates: list[tuple[int, Primitive, list[int], list[Any] | None]] = []  # and partials of what does not move
        for n, node in enumerate(order):
            if node.primitive is None:
                self.registers[n] = None if n in self.ranged else Interval(node.data)
                continue
            operands = []
            for x in node.operands:
                if not isinstance(x, Value):
                    self.registers.append(Interval(x))
                operands.append(register[x] if isinstance(x, Value) else len(self.registers) - 1)
            slopes = None
            if all(self.registers[x] is not None for x in operands):
                numbers = [self.registers[x].low for x in operands]
                out = node.primitive.limit(numbers)
                if out != out:
                    raise ValueError(f"{node.primitive.describe(node.operands)} is nan, which lies in no interval")
                self.registers[n], slopes = Interval(out), node.primitive.partials(out, numbers)
            self.gates.append((n, node.primitive, operands, slopes))

    def bounds(self, ranges: Iterable[Interval]) -> Intervals:
        """The intervals of value and gradient of each node; ValueError where a gate has no value."""
        values = self.registers.copy()
        for n, x in zip(self.ranged, ranges, strict=True):
            values[n] = x
        steps = []
        for n, gate, operands, slopes in self.gates:
            xs = [values[x] for x in operands]
            if slopes is None:
                values[n] = enclose(gate, xs)
            steps.append((n, gate, xs, operands, slopes))
        arriving: list[list[Interval]] = [[] for _ in values]
        arriving[self.size - 1].append(Interval(1.0))
        for n, gate, xs, operands, slopes in reversed(steps):
            if terms := arriving[n]:
                adjoint = terms[0] if len(terms) == 1 else total(terms)
                for x, slope in zip(operands, partials(gate, values[n], xs) if slopes is None else slopes, strict=True):
                    if slope is not None and x < self.size:  # nothing goes to constants
                        arriving[x].append(adjoint * slope)
                arriving[n] = [adjoint]
        adjoints = (total(terms) if terms else Interval(0.0) for terms in arriving)
        return list(zip(values[: self.size], adjoints, strict=False))

"""Bounds over boxes: never violated, by any gate, at any edge; tight enough to prove something."""

import math
import random

import pytest
from hypothesis import Phase, given, settings, strategies as st

from microgradnn import Value, bounds
from microgradnn.checks.strategies import expressions
from microgradnn.graph import topological_order
from microgradnn.intervals import Interval, enclose, partials
from microgradnn.primitive import ForwardError, gates
from microgradnn.sweep import sweep

EDGES = [
    0.0, 1.0, -1.0, math.inf, -math.inf, 5e-324, -5e-324, 1e-300, -1e-300, 1e300, -1e300, 0.5, -0.5, 2.0, -2.0, 3.0,
    -3.0, 1e-9, -1e-9, math.pi / 2, math.pi, -math.pi / 2, 1.43, -0.75, -1.28, 30.0, -30.0, 710.0, -746.0, 1e16, 0.1,
]  # fmt: skip
shrunk = [Phase.generate, Phase.shrink]  # and not explained, which takes long


def ends(random, centre):
    """A range among all edges, around a sample of the gate, or hardly more than a point."""
    kind = random.randrange(4)
    if kind == 0:
        pair = random.choices(EDGES, k=2)
    elif kind == 1:
        pair = [centre + random.gauss(0, 1), centre + random.gauss(0, 1)]
    elif kind == 2:
        pair = [centre, centre + random.gauss(0, 1) * 10.0 ** random.randrange(-16, 3)]
    else:
        pair = [random.choice(EDGES), random.gauss(0, 3)]
    return min(pair), max(pair)


def inside(random, low, high):
    """A number of the range: an end, one beside it, an edge, or any."""
    kind = random.randrange(6)
    if kind < 2 or low == high:
        return (low, high)[kind % 2]
    if kind == 2:
        return random.choice([math.nextafter(low, high), math.nextafter(high, low)])
    if kind == 3:
        return random.choice([edge for edge in EDGES if low <= edge <= high] or [low])
    low, high = max(low, -1e308), min(high, 1e308)
    if kind == 4 and low < high and min(abs(low), abs(high)) < 1e-3 * max(abs(low), abs(high)):
        return max(low, min(high, math.copysign(10.0 ** random.uniform(-20, 20), random.choice([low, high]))))
    return min(max(low, low * (t := random.random()) + high * (1 - t)), high)


def evaluated(gate, point):
    try:
        out = gate.evaluate(point)
    except ForwardError:
        return math.nan, []
    return out, gate.partials(out, point)


def violations(gate, box, points):
    """The points of a box at which a value or a local derivative of the gate lies outside of its interval."""
    operands = [Interval(*ends) for ends in box]
    try:
        value = enclose(gate, operands)
        slopes = partials(gate, value, operands)
    except ValueError:
        return [("no value", point) for point in points if not math.isnan(evaluated(gate, point)[0])]
    wrong = []
    for point in points:
        out, at_point = evaluated(gate, point)
        if math.isnan(out):
            continue
        if not value.holds(out):
            wrong.append((gate, box, value, point, out))
        for slope, partial in zip(slopes, at_point, strict=True):
            if partial is not None and not math.isnan(partial) and not slope.holds(partial):
                wrong.append((gate, box, slope, point, partial))
    return wrong


def sampled(gate, boxes, points, seed=0):
    """What is wrong over random boxes around the samples of a gate, at random points in them."""
    chance = random.Random(f"{gate.name} {seed}")
    wrong = []
    for _ in range(boxes):
        sample = chance.choice(gate.samples)
        box = [ends(chance, x) for x in sample]
        if gate.name in ("select", "cross_entropy"):
            box[0] = sorted(chance.choices([0.0, 1.0, 2.0, -1.0, 0.5], k=2))
        if gate.name == "power" and chance.random() < 0.5:
            box[1] = (n := float(chance.choice([-3, -2, -1, 0, 1, 2, 3, 0.5, -0.5])), n)
        wrong += violations(gate, box, [[inside(chance, *pair) for pair in box] for _ in range(points)])
    return wrong


@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_no_gate_leaves_its_interval(gate):
    assert sampled(gate, boxes=40, points=20) == []


@pytest.mark.slow
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_no_gate_leaves_its_interval_in_many_boxes(gate):
    for seed in range(1, 11):
        assert sampled(gate, boxes=200, points=60, seed=seed) == []


# ---- circuits --------------------------------------------------------------------------------------------------------


def recorded(f, xs):
    """The root of the graph of f at a point, all of whose values are numbers; None where there is none."""
    leaves = [Value(x) for x in xs]
    try:
        root = f(*leaves)
    except ForwardError:
        return None, leaves
    order = topological_order(root) if isinstance(root, Value) else []
    return (None if not order or any(math.isnan(node.data) for node in order) else root), leaves


def escaped(f, seed, points, slices=1):
    """The nodes of f, at random points of a random box around its point, whose value or gradient is out of bounds."""
    chance = random.Random(seed)
    root, leaves = recorded(f, f.point)
    if root is None:
        return []
    box = []
    for x in f.point:
        low, high = ends(chance, x)
        box.append((min(low, x), max(high, x)))
    order, wrong = topological_order(root), []
    found = bounds(root, {x: pair for x, pair in zip(leaves, box, strict=True) if x in set(order)}, slices=slices)
    for _ in range(points):
        point = [inside(chance, *pair) for pair in box]
        there, _ = recorded(f, point)
        if there is None:
            continue
        others, adjoints = topological_order(there), dict(sweep(there))
        if [x.primitive for x in others] != [x.primitive for x in order]:  # 0 + x is no gate, unless x is 0
            continue
        for node, other in zip(order, others, strict=True):
            (low, high), (least, most) = found[node]
            if not low <= other.data <= high:
                wrong.append((box, point, node, (low, high), other.data))
            if not (math.isnan(adjoints[other]) or least <= adjoints[other] <= most):
                wrong.append((box, point, node, (least, most), adjoints[other]))
    return wrong


@given(expressions(variables=2, smooth=False), st.integers(0, 10**6))
@settings(max_examples=80, phases=shrunk)
def test_no_circuit_leaves_its_bounds(f, seed):
    assert escaped(f, seed, points=8) == []


@pytest.mark.slow
@given(expressions(variables=3, max_gates=15, smooth=False), st.integers(0, 10**6))
@settings(max_examples=4000, phases=shrunk)
def test_no_circuit_leaves_its_bounds_in_many_boxes(f, seed):
    assert escaped(f, seed, points=12) == []

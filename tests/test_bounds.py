"""Bounds over boxes: never violated, by any gate, at any edge; tight enough to prove something."""

import math
import random
import re
from fractions import Fraction

import pytest
from hypothesis import Phase, given, settings, strategies as st

import microgradnn as m
from microgradnn import Value, bounds, primitive
from microgradnn.checks.strategies import expressions
from microgradnn.graph import topological_order
from microgradnn.intervals import Interval, enclose, increasing, partials
from microgradnn.intervals.rounding import product_down, quotient_down
from microgradnn.notation import span
from microgradnn.primitive import ForwardError, gates, lookup
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
    except TypeError as refusal:
        return [refusal]
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


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_no_gate_leaves_its_interval(gate):
    assert sampled(gate, boxes=25, points=12) == []


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_no_gate_leaves_its_interval_in_many_boxes(gate):
    for seed in range(1, 6):
        assert sampled(gate, boxes=200, points=60, seed=seed) == []


SLIPS = [
    ("value", lambda x: x * x, lambda out, x: 2 * x, increasing()),
    ("rounding", lambda x: x / 3, lambda out, x: 1 / 3, lambda x: Interval(math.nextafter(x.low / 3, 1e9), x.high)),
    ("edge", lambda x: abs(x), lambda out, x: m.sign(x), lambda x: abs(x) + Interval(0.5, 1.0)),
    ("slope", lambda x: x + 0.1 * math.sin(20 * x), lambda out, x: 1 + 2 * m.cos(20 * x), increasing()),
]


@pytest.mark.parametrize(("name", "forward", "partial", "rule"), SLIPS, ids=[slip[0] for slip in SLIPS])
def test_a_wrong_rule_is_caught(name, forward, partial, rule):
    assert sampled(primitive(name, forward, partial, interval=rule, samples=[0.5, -2.0]), boxes=40, points=20)


def test_a_wrong_rule_of_slopes_is_caught():
    gate = primitive("half", lambda x: 0.5 * x, lambda out, x: 0.5, interval=lambda x: 0.5 * x,
                     interval_partials=lambda out, x: [Interval(0.0, 0.4)], samples=[1.0])  # fmt: skip
    assert sampled(gate, boxes=5, points=5)


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
    if slices > 1 and any(math.isinf(end) for pair in box for end in pair):
        return []
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
@settings(max_examples=3 * settings().max_examples, phases=shrunk)
def test_no_circuit_leaves_its_bounds(f, seed):
    assert escaped(f, seed, points=8) == []


@pytest.mark.one_engine
@pytest.mark.slow
@given(expressions(variables=3, max_gates=15, smooth=False), st.integers(0, 10**6))
@settings(max_examples=1500, phases=shrunk)
def test_no_circuit_leaves_its_bounds_in_many_boxes(f, seed):
    assert escaped(f, seed, points=12) == []


@given(expressions(variables=2, max_gates=5, smooth=False), st.integers(0, 10**6))
@settings(max_examples=20, phases=shrunk)
def test_no_circuit_leaves_its_sliced_bounds(f, seed):
    assert escaped(f, seed, points=8, slices=3) == []


@given(expressions(variables=2, max_gates=5, smooth=False), st.integers(0, 10**6), st.integers(2, 4))
@settings(max_examples=20, phases=shrunk)
def test_slices_never_widen(f, seed, slices):
    chance = random.Random(seed)
    root, leaves = recorded(f, f.point)
    if root is not None:
        nodes = set(topological_order(root))
        box = {x: (x.data - chance.random(), x.data + chance.random()) for x in leaves if x in nodes}
        whole, cut = bounds(root, box), bounds(root, box, slices=slices)
        for node in nodes:
            for outer, inner in zip(whole[node], cut[node], strict=True):
                assert outer[0] <= inner[0] <= inner[1] <= outer[1]


def test_no_network_leaves_its_bounds():
    model = m.nn.MLP(3, [4, 2, 1], m.tanh, rng=0)
    chance = random.Random(0)
    for _ in range(5):
        leaves = [Value(chance.gauss(0, 1)) for _ in range(3)]
        box = {x: ends(chance, x.data)[:2] for x in [*leaves, model.parameters()[0]]}
        box = {x: (max(min(low, x.data), -9.0), min(max(high, x.data), 9.0)) for x, (low, high) in box.items()}
        f = model(leaves)
        found = bounds(f, box)
        for _ in range(20):
            for x, pair in box.items():
                x.data = inside(chance, *pair)
            f.forward()
            for node, adjoint in sweep(f):
                (low, high), (least, most) = found[node]
                assert low <= node.data <= high
                assert least <= adjoint <= most


def neuron():
    """The neuron of the notes, gate by gate."""
    w0, x0, w1, x1, w2 = (
        Value(x, name) for name, x in zip(["w0", "x0", "w1", "x1", "w2"], [2, -1, -3, -2, -3], strict=True)
    )
    return 1 / (1 + m.exp(-(w0 * x0 + w1 * x1 + w2)))


def looseness(f, name, low, high, slices):
    """The worst width of bounds over the width of what is reached, of values and of gradients."""
    order = topological_order(f)
    leaf = next(x for x in order if x.name == name)
    found, reached = bounds(f, {name: (low, high)}, slices=slices), {node: ([], []) for node in order}
    for n in range(401):
        leaf.data = low + (high - low) * n / 400
        f.forward()
        for node, adjoint in sweep(f):
            reached[node][0].append(node.data)
            reached[node][1].append(adjoint)
    return [
        max(
            (found[x][k][1] - found[x][k][0]) / size for x in order if (size := max(reached[x][k]) - min(reached[x][k]))
        )
        for k in (0, 1)
    ]


def test_bounds_of_a_neuron_are_loose_and_slices_tighten_them():
    values, gradients = looseness(neuron(), "w0", -1, 5, slices=1)
    assert values < 1.000001
    assert 40 < gradients < 55
    assert looseness(neuron(), "w0", -1, 5, slices=64)[1] < 1.2


TIGHT = ["sigmoid", "tanh", "exp", "sin", "softplus", "softsign", "relu", "atan", "asin", "log1p", "sinc", "erf", "abs"]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", TIGHT)
def test_one_gate_is_tight(name):
    x = Value(0.5, "x")
    assert max(looseness(lookup(name)(x), "x", -0.9, 0.8, slices=1)) < 1.01


# ---- what they say ---------------------------------------------------------------------------------------------------


def of(f, low, high, at=0.5):
    """Bounds of f and of its derivative over a range."""
    x = Value(at, "x")
    root = f(x)
    found = bounds(root, {"x": (low, high)})
    return found[root][0], found[x][1]


SAID = [
    (m.relu, -1, 1, (0, 1), (0, 1)), (m.relu, -3, -1, (0, 0), (0, 0)), (m.relu, 1, 2, (1, 2), (1, 1)),
    (abs, -1, 2, (0, 2), (-1, 1)), (m.floor, -0.5, 1.5, (-1, 1), (0, 0)), (m.step, 0, 1, (1, 1), (0, 0)),
    (lambda x: x**3, -2, 1, (-8, 1), (0, 12)), (lambda x: x**2, -2, 1, (0, 4), (-4, 2)),
    (lambda x: x**-1, -1, 2, (-math.inf, math.inf), (-math.inf, -0.25)),
    (lambda x: x**-2, -1, 2, (0.25, math.inf), (-math.inf, math.inf)),
    (lambda x: x**-2, -2, 0, (0.25, math.inf), (-math.inf, math.inf)),
    (m.sqrt, -1, 4, (0, 2), (0.25, math.inf)), (m.tan, 1, 2, (-math.inf, math.inf), (1, math.inf)),
    (lambda x: 1 / x, 0, 2, (0.5, math.inf), (-math.inf, -0.25)), (lambda x: x - x, 0, 5, (0, 0), (0, 0)),
    (lambda x: x * x, -1, 3, (0, 9), (-2, 6)), (lambda x: m.maximum(x, 2.0), 0, 1, (2, 2), (0, 0)),
    (lambda x: m.maximum(x, 2.0), 1, 3, (2, 3), (0, 1)), (m.hardtanh, -3, 0.5, (-1, 0.5), (0, 1)),
    (lambda x: m.leaky_relu(x, 0.5), -2, 2, (-1, 2), (0.5, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "low", "high", "value", "slope"), SAID)
def test_exact_bounds(f, low, high, value, slope):
    assert of(f, low, high, at=max(low, min(high, 1.0)) or 1.0) == (value, slope)


def test_edges_of_domains_have_limits():
    assert of(m.log, 0, 1)[0] == (-math.inf, 0.0)
    assert of(m.atanh, -1, 1)[0] == (-math.inf, math.inf)
    assert of(m.acosh, 0, 2, at=1.5)[1][1] == math.inf
    assert of(m.exp, -math.inf, 0) == ((0.0, 1.0), (0.0, 1.0))
    assert of(m.exp, -800, -790)[0][1] > 0, "positive, though the float is 0"


def test_what_depends_on_no_range_keeps_its_number():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    constant = m.exp(x) / 3
    f = constant * y
    found = bounds(f, {"y": (1, 2)})
    assert found[constant][0] == (constant.data, constant.data)
    assert found[x][0] == (2.0, 2.0)


def test_keys_are_names_and_values_of_leaves_and_todays_numbers_count():
    x, y = Value(2.0, "x"), Value(3.0)
    f = x * y
    assert bounds(f, {"x": (0, 1), "v1": (1, 2)}) == bounds(f, {x: (0, 1), y: (1, 2)})
    y.data = 10.0
    assert bounds(f, {"x": (0, 1)})[f][0] == (0.0, 10.0)


def test_a_range_stands_for_a_leaf_without_a_number_and_a_point_is_not_cut():
    x, y = Value(math.nan, "x"), Value(2.0, "y")
    f = x * y
    assert bounds(f, {"x": (0, 1)})[f][0] == (0, 2)
    assert bounds(f, {"x": (1, 1), "y": (3, 3)}, slices=10**6)[f][0] == (3, 3)


def test_no_end_is_minus_zero():
    x = Value(2.0, "x")
    f = -(x * 1.0)
    assert "-0.0" not in repr(bounds(f, {"x": (-0.0, 0.0)})[f])


def test_parts_without_a_value_are_left_out():
    x = Value(1.0, "x")
    f = m.log(x) + m.sqrt(x)
    assert bounds(f, {x: (-4, 4)}, slices=4)[f][0] == bounds(f, {x: (0, 4)}, slices=2)[f][0]


X, Y = Value(2.0, "x"), Value(math.nan, "y")
REFUSED = [
    (ValueError, r"log\(\[-2.0, -1.0\]\) has no value: there is one from 0 to inf", m.log(X), {"x": (-2, -1)}, {}),
    (ValueError, r"divide\(.*\) divides by 0", 1 / X, {"x": (0, 0)}, {}),
    (ValueError, r"power\(.*fractional exponent has no real power", X**0.5, {"x": (-2, -1)}, {}),
    (ValueError, "ranges name leaves of the circuit, x; 'w' is none", X * 2, {"w": (0, 1)}, {}),
    (ValueError, "Value\\(data=5.0.* is none", X * 2, {Value(5.0): (0, 1)}, {}),
    (ValueError, "f follows from its operands: ranges are those of x", X * 2, {"f": (0, 1)}, {}),
    (ValueError, "range of x is .* low ≤ high, got \\(1, 0\\)", X * 2, {"x": (1, 0)}, {}),
    (ValueError, "low ≤ high", X * 2, {"x": (math.nan, 0)}, {}),
    (TypeError, "range of x is a pair of numbers, .*, got \\(0, 10000", X * 2, {"x": (0, 10**400)}, {}),
    (ValueError, "x has two ranges, by its name and by its Value: give one", X * 2, {"x": (0, 1), X: (0, 2)}, {}),
    (TypeError, "range of x is a pair of numbers, .*, got 3", X * 2, {"x": 3}, {}),
    (TypeError, "range of x is a pair of numbers", X * 2, {"x": (0, 1, 2)}, {}),
    (TypeError, "ranges are given as", X * 2, [("x", (0, 1))], {}),
    (TypeError, "bounds needs the Value", 2.0, {}, {}),
    (ValueError, "the leaf y is nan", X * Y, {"x": (0, 1)}, {}),
    (ValueError, "slices=1000 of x, z make 1,000,000 parts of 3 nodes", X * Value(1.0, "z"), {"x": (0, 1), "z": (0, 1)},
     {"slices": 1000}),
    (ValueError, "has no 2 equal parts: give finite ends", X * 2, {"x": (0, math.inf)}, {"slices": 2}),
    (ValueError, "slices must be a whole number ≥ 1", X * 2, {"x": (0, 1)}, {"slices": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "f", "ranges", "options"), REFUSED)
def test_refused(error, message, f, ranges, options):
    with pytest.raises(error, match=message):
        bounds(f, ranges, **options)


def test_a_derivative_without_the_branches_not_taken_is_refused():
    x = Value(-2.0, "x")
    with pytest.raises(ValueError, match="lacks what they did not take"):
        bounds(m.grad(lambda x: m.relu(x) * x)(x), {"x": (-1, 1)})


# ---- gates of one's own ----------------------------------------------------------------------------------------------


def test_an_own_gate_that_provably_rises_needs_no_rule():
    gate = primitive("cube_and_x", lambda x: x**3 + x, lambda out, x: 3 * (x * x) + 1, samples=[0.5, -2.0])
    (low, high), slope = of(gate, -1, 2)
    assert -2.001 < low <= -2 < 10 <= high < 10.001
    assert slope == (1, 13)
    falls = primitive("falls", lambda x, y: y - x, lambda out, x, y: -1.0, lambda out, x, y: 1.0, samples=[(1.0, 2.0)])
    x, y = Value(1.0, "x"), Value(2.0, "y")
    f = falls(x, y)
    assert bounds(f, {"x": (0, 1), "y": (2, 3)})[f][0] == pytest.approx((1, 3))


NOT_PROVEN = {
    "pole": (math.tan, lambda out, x: 1 + out * out),
    "jump": (lambda x: float(round(x)), lambda out, x: 0.0),
    "jump_up": (lambda x: x + 5 * (x > 0), lambda out, x: 1.0),
    "turn": (lambda x: x * x, lambda out, x: 2 * x),
}


@pytest.mark.parametrize("name", NOT_PROVEN)
def test_an_own_gate_of_which_nothing_is_proven_is_refused(name):
    with pytest.raises(TypeError, match=rf"the gate {name} .* over \[-2.0, 2.0\]: give it interval="):
        of(primitive(name, *NOT_PROVEN[name], samples=[0.5]), -2, 2)


def test_an_own_gate_with_a_rule():
    gate = primitive("square", lambda x: x * x, lambda out, x: 2 * x, interval=lambda x: x * x, samples=[0.5])
    assert of(gate, -2, 1) == ((0, 4), (-4, 2))
    falls = primitive("swapped", lambda x: -x, lambda out, x: -1.0, interval=increasing(), samples=[0.5])
    with pytest.raises(TypeError, match=r"swapped\(\[-2.0, 1.0\]\) falls: not what its interval= says"):
        of(falls, -2, 1)
    with pytest.raises(TypeError, match="interval must be"):
        primitive("word", abs, lambda out, x: x, interval="increasing")


def test_rules_are_written_with_the_operators_of_numbers():
    x = Interval(1.0, 3.0)
    shown = x**2, 2**x, x % 4, 7 % Interval(4.0)
    assert [(y.low, y.high) for y in shown] == [(1, 9), (2, 8), (1, 3), (3, 3)]


SLIPS_IN_RULES = {
    "pair": (lambda x: (x.low, x.high), r"interval= of pair gives \(-2.0, 1.0\) for \[-2.0, 1.0\]: it must give"),
    "nothing": (lambda x: None, "interval= of nothing gives None for"),
    "turned": (lambda x: Interval(-x.low, -x.high), r"interval= of turned gives \[2.0, -1.0\] for .* low ≤ high"),
    "no_number": (lambda x: math.nan, "interval= of no_number gives nan"),
    "of_floats": (lambda x: math.sin(x), r"a float is asked of the interval \[-2.0, 1.0\]: use .* \.low and \.high"),
    "decides": (lambda x: -x if x > 0 else x, r"interval \[-2.0, 1.0\] is no one number to decide by: use maximum"),
    "greatest": (lambda x: max(x, 0), "use maximum"),
}


@pytest.mark.parametrize("name", SLIPS_IN_RULES)
@pytest.mark.parametrize("slices", [1, 2])
def test_a_slip_in_a_rule_is_named(name, slices):
    rule, message = SLIPS_IN_RULES[name]
    x = Value(0.5, "x")
    with pytest.raises(TypeError, match=message):
        bounds(primitive(name, lambda x: -x, lambda out, x: -1.0, interval=rule)(x), {"x": (-2, 1)}, slices=slices)


def test_a_gate_that_falls_in_one_slice_is_not_left_out_of_it():
    """As a part of the box without a value would be."""
    wave = primitive("wave", lambda x: x + 2 * math.sin(x), lambda out, x: 1 + 2 * m.cos(x), interval=increasing())
    f = wave(Value(0.5, "x"))
    with pytest.raises(TypeError, match=r"wave.* falls: not what its interval= says"):
        bounds(f, {"x": (0, 6)}, slices=3)


def test_an_own_gate_without_a_value_at_one_end_has_no_bound_there():
    own_log = primitive("own_log", lambda x: math.log(x), lambda out, x: 1 / x, interval=increasing())
    assert of(own_log, -1, 1) == ((-math.inf, 0), (-math.inf, math.inf))
    assert of(own_log, 0, 1)[0] == (-math.inf, 0)
    own_asin = primitive("own_asin", math.asin, lambda out, x: 1 / m.sqrt(1 - x * x), interval=increasing())
    with pytest.raises(TypeError, match=r"own_asin\(\[-2.0, 2.0\]\) has no value at either end: .*\(domain="):
        of(own_asin, -2, 2)
    with pytest.raises(ValueError, match=r"own_asin\(\[2.0, 2.0\]\) has no value"):
        of(own_asin, 2, 2)


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_roundings_of_products_and_quotients_are_the_nearest_float_below(x, y):
    for bound, exact in [
        (product_down(x, y), lambda: Fraction(x) * Fraction(y)),
        (quotient_down(x, abs(y)), lambda: Fraction(x) / abs(Fraction(y))),
    ]:
        if x and y and math.isfinite(x) and math.isfinite(y) and math.isfinite(bound):
            assert Fraction(bound) <= exact()
            above = math.nextafter(bound, math.inf)
            assert math.isinf(above) or exact() < Fraction(above)


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_a_picture_shows_bounds_on_each_wire():
    f = neuron()
    drawing = m.draw(f, ranges={"w0": (-1, 5)}, slices=64)
    texts = [text.strip() for text in re.findall(r">([^<>]+)</text>", drawing.svg())]
    for low, high in [pair for both in bounds(f, {"w0": (-1, 5)}, slices=64).values() for pair in both]:
        assert span(low, high) in texts
    assert "−1 … 5" in texts
    assert "Circuit of f = 0.1192 … 0.9821" in drawing.svg()
    assert "w0 = -1.0 … 5.0, ∂f/∂w0 = -0.2745" in drawing.svg()


def test_a_picture_with_ranges_is_still_and_comes_in_every_form(tmp_path):
    drawing = m.draw(neuron(), ranges={"w0": (-1, 5)}, digits=2, direction="down")
    for ending in (".svg", ".dot", ".html"):
        drawing.save(tmp_path / f"f{ending}")
        text = (tmp_path / f"f{ending}").read_text(encoding="utf-8")
        assert "−1 … 5" in text
        assert "<button" not in re.sub("<script>.*?</script>", "", text, flags=re.DOTALL)
    assert set(drawing._repr_mimebundle_()) == {"text/plain", "text/html", "image/svg+xml"}
    with pytest.raises(ValueError, match="tex"):
        drawing.save(tmp_path / "f.tex")


def test_a_leaf_drawn_again_shows_its_range():
    x = Value(1.0, "x")
    f = ((((x + 1) * x) + x) * x + x) * x
    copies = re.findall(r"copy-of-.*?</g>", m.draw(f, ranges={"x": (0, 1)}).svg(), re.DOTALL)
    assert len(copies) > 2
    assert all(">0 … 1<" in copy for copy in copies)


def test_pictures_that_show_no_ranges_are_refused():
    x = Value(1.0, "x")
    many = m.sum(*(x * n for n in range(2, 200)))
    with pytest.raises(ValueError, match="folded show no ranges: draw every gate with level=0"):
        m.draw(many, ranges={"x": (0, 1)})
    with pytest.raises(ValueError, match="level=0"):
        m.draw(x * 2, 1, ranges={"x": (0, 1)})
    with pytest.raises(ValueError, match="got 2: draw each alone"):
        m.draw([x * 2, x * 3], ranges={"x": (0, 1)})
    with pytest.raises(ValueError, match="slices=4 cut ranges"):
        m.draw(x * 2, slices=4)
    f = x * 2
    x.data = 3.0
    with pytest.raises(ValueError, match="out of date"):
        m.draw(f, ranges={"x": (0, 1)})


@given(st.floats(allow_nan=False), st.floats(allow_nan=False), st.integers(1, 17))
def test_shown_bounds_are_rounded_outwards(x, y, count):
    low, high = min(x, y), max(x, y)
    shown = span(low, high, count).replace("−", "-").replace("∞", "inf").split(" … ")
    if low < high:
        assert float(shown[0]) <= low <= high <= float(shown[1])

"""Slopes on wide numbers: both sides, kinks, jumps and edges told apart, to any order and at any scale."""

import math

import pytest
from mpmath import mp

from microgradnn.checks import rules
from microgradnn.checks.slopes import Slope, same, slopes
from microgradnn.checks.wide import MP, Wide
from microgradnn.primitive import gates, lookup
from microgradnn.table import LABELLED, stop_gradient


def slope(f, x, order=1):
    [result] = slopes(lambda xs: [f(xs[0])], [x], [[1.0]] * order)
    return result


@pytest.mark.sampled(3)
@pytest.mark.parametrize("x", [2.0, -0.3, 1e-12, 1e12, 1e-300])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_slopes_of_a_power_are_exact_at_any_scale(x, order):
    factor = (5, 20, 60)[order - 1]
    result = slope(lambda x: x * x * x * x * x, x, order)
    assert result.kind == "smooth"
    assert float(result.right / (factor * MP.mpf(x) ** (5 - order))) == pytest.approx(1.0, rel=1e-20)


def test_a_small_slope_beside_a_large_number_is_seen():
    assert float(slope(lambda x: 1e12 + x * 1e-300, 1.0).right) == pytest.approx(1e-300)


@pytest.mark.parametrize(
    ("f", "kind", "left", "right"),
    [
        (abs, "kink", -1.0, 1.0),
        (lambda x: x if x > 0 else 2 * x, "kink", 2.0, 1.0),
        (lambda x: x * x * x, "smooth", 0.0, 0.0),
        (lambda x: abs(x) ** 1.5, "smooth", 0.0, 0.0),
        (lambda x: 1.0 if x >= 0 else 0.0, "jump", math.inf, 0.0),
        (lambda x: x**0.5, "edge", None, math.inf),
        (lambda x: abs(x) ** 0.5, "kink", -math.inf, math.inf),
        (lambda x: (x * x + 1e-300) ** 0.5, "smooth", -0.0, 0.0),  # a corner that is round from close by
    ],
)
def test_points_at_zero_are_told_apart(f, kind, left, right):
    result = slope(f, 0.0)
    sides = tuple(None if side is None else float(side) for side in (result.left, result.right))
    assert result.kind == kind
    assert sides == (pytest.approx(left, abs=1e-100), pytest.approx(right, abs=1e-100))


def test_mixed_derivatives_along_two_directions():
    [result] = slopes(lambda xs: [xs[0] ** 2 * xs[1] ** 3], [2.0, 3.0], [[1.0, 0.0], [0.0, 1.0]])
    assert float(result.right) == pytest.approx(2 * 2 * 3 * 9, rel=1e-20)


def test_claims_that_hold_save_the_second_step_and_false_ones_change_nothing():
    calls = []

    def f(xs):
        calls.append(xs)
        return [xs[0] * xs[0]]

    right = slopes(f, [3.0], [[1.0]], [MP.mpf(6)])
    few = len(calls)
    wrong = slopes(f, [3.0], [[1.0]], [MP.mpf("6.000000000001")])
    assert right[0].kind == wrong[0].kind == "smooth"
    assert same(right[0].right, wrong[0].right)
    assert few < len(calls) - few


def test_thirteen_digits_are_the_same_and_twelve_are_not():
    assert same(MP.mpf(1), MP.mpf(1) + MP.mpf("9e-14"))
    assert not same(MP.mpf(1), MP.mpf(1) + MP.mpf("2e-13"))
    assert same(MP.inf, MP.inf)
    assert not same(MP.inf, -MP.inf)
    assert not same(MP.nan, MP.nan)


def test_between_includes_both_ends():
    kink = Slope(MP.mpf(-1), MP.mpf(1), MP.zero)
    assert all(map(kink.between, (MP.mpf(-1), MP.zero, MP.mpf(1))))
    assert not kink.between(MP.mpf("1.001"))


# ---- what the rules claim ------------------------------------------------------------------------------------------


@pytest.mark.sampled(17)
@pytest.mark.parametrize(
    "gate", [gate for gate in gates() if gate not in (*LABELLED, stop_gradient)], ids=lambda gate: gate.name
)
def test_the_rules_differentiated_by_themselves_are_the_higher_slopes(gate):
    """Along the sum of all operands, to order three; where the forward has a slope there."""
    for sample in gate.samples:
        with MP.workdps(260):
            moving = rules.run(gate, [rules.moving(Wide(x), [1.0, 1.0, 1.0]) for x in sample])
            claimed = [rules.derivative(moving, order).number for order in (1, 2, 3)]
        for order, claim in enumerate(claimed, 1):
            [truth] = slopes(lambda xs, gate=gate: [gate(*xs)], list(sample), [[1.0] * len(sample)] * order)
            if truth.kind == "smooth" and MP.isfinite(truth.right):
                assert same(claim, truth.right, 1e-13), (sample, order)


def test_the_sweep_in_wide_numbers_is_that_of_mpmath():
    from microgradnn import Value, tanh
    from microgradnn.graph import topological_order

    x, y = Value(0.3), Value(-1.7)
    root = tanh(x * y) * x + y / x
    nodes = topological_order(root)
    numbers = rules.forward(nodes, {})
    adjoints = rules.backward(nodes, root, numbers)
    with mp.workdps(50):
        exact = mp.diff(lambda x: mp.tanh(x * y.data) * x + y.data / x, mp.mpf(x.data))
        assert abs(mp.mpf(str(adjoints[x].number)) / exact - 1) < mp.mpf("1e-14")


def test_what_is_not_taken_hands_nothing_on():
    from microgradnn import Value, sqrt, where
    from microgradnn.graph import topological_order

    x = Value(0.0)
    root = where(x, sqrt(x), x)
    nodes = topological_order(root)
    adjoints = rules.backward(nodes, root, rules.forward(nodes, {}))
    assert float(rules.derivative(adjoints[x], 0).number) == 1.0
    assert lookup("sqrt") not in [node.primitive for node in adjoints]


SHIFT = 4 * (2.5**-12 - 2.5**-6)


@pytest.mark.parametrize(
    ("f", "x", "left", "right"),
    [
        (lambda r: 0.5 * r * r if abs(r) <= 0.1 else 0.1 * abs(r) - 0.5 * 0.1 * 0.1, 0.1, 0.1, 0.1),
        (lambda r: 4 * (r**-12 - r**-6) - SHIFT if r < 2.5 else 0 * r, 2.5, 24 * (2.5**-7 - 2 * 2.5**-13), 0.0),
        (lambda x: math.sqrt(2.0) if x < 2 else x**0.5, 2.0, 0.0, 0.5 / math.sqrt(2.0)),
        (lambda x: 1.0 if x < 2 else 1.0 + 1e-12 * x, 2.0, math.inf, 1e-12),
        (lambda x: 1e-20 if x > 0 else 0.0, 0.0, 0.0, math.inf),
    ],
)
def test_what_rounding_did_to_a_constant_in_a_branch_is_no_jump(f, x, left, right):
    result = slope(f, x)
    assert (float(result.left), float(result.right)) == (pytest.approx(left), pytest.approx(right))
    assert (result.kind == "jump") == math.isinf(left + right)


def test_beside_an_infinite_slope_not_every_number_lies_between():
    beside = Slope(MP.mpf(3), MP.inf, MP.zero)
    assert [beside.between(x, 1e-9) for x in (-44.0, 2.9, 3.0 - 1e-10, 3.0, 1e9)] == [False, False, True, True, True]

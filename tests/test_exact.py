"""Derivatives of every gate, orders 1 to 3, by a judge that shares nothing with the rules: differences in mpmath.

A derivative is a difference quotient of the gate's twin in mpmath. It is believed where a finer step with more digits
gives the same. Where rounding the operands moves the exact derivative by more than 1e-12 of it, by that much we may be
off as well.
"""

import itertools
import math
import random

import mpmath
import pytest

import microgradnn as m
from microgradnn import grad, hessian
from microgradnn.primitive import ForwardError, gates, lookup
from microgradnn.table import LABELLED, stop_gradient

WAVES = ("sin", "cos", "tan", "sinc")
# Beyond 1e±100, what their third orders are made of, such as 1 / (x² + y²), may be no normal number.
SQUARES = ("hypot", "norm", "direction_cosine", "circle_inversion", "atan2", "share")
TIED = ("logsumexp", "cross_entropy")  # of three and more, 1 − 2p is a difference of exponentials
TOLERANCE, EPSILON, LEAST, MOST = 1e-12, 2.0**-53, 2.0**-1022, 1.7976931348623157e308
NOTHING = mpmath.mpf(10) ** -330
ACCURACY = [(30, 150), (40, 500), (35, 1400), (45, 1800)]  # digits of the step, and of the numbers
STENCILS = [{0: 1}, {-1: -0.5, 1: 0.5}, {-1: 1, 0: -2, 1: 1}, {-2: -0.5, -1: 1, 1: -1, 2: 0.5}]  # by order

# ---- the gates in mpmath ----------------------------------------------------------------------------------------


def exp(x):
    return mpmath.exp(x) if abs(x) < 1e6 else mpmath.mpf(0) if x < 0 else mpmath.exp(mpmath.mpf(10) ** 6)


def erfc(x):
    return mpmath.erfc(x) if abs(x) < 1e3 else mpmath.mpf(0 if x > 0 else 2)


def sigmoid(x):
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def softplus(x):
    return max(x, 0) + mpmath.log1p(exp(-abs(x)))


def tanh(x):
    return (2 * sigmoid(2 * abs(x)) - 1) * mpmath.sign(x) if abs(x) > 1 else mpmath.tanh(x)


def power(x, y):
    return mpmath.power(x, y) if x > 0 or y == mpmath.floor(y) else mpmath.nan


def log(x):
    return mpmath.log(x) if x > 0 else mpmath.nan


def logsumexp(*xs):
    return max(xs) + mpmath.log(mpmath.fsum(exp(x - max(xs)) for x in xs))


def cross_entropy(index, *xs):
    own = xs[int(index)]
    others = mpmath.fsum(exp(x - max(xs)) for n, x in enumerate(xs) if n != index)
    return max(xs) - own + mpmath.log(others + exp(own - max(xs))) if own < max(xs) else mpmath.log1p(others)


def dot(*xs):
    return mpmath.fdot(xs[: len(xs) // 2], xs[len(xs) // 2 : -1]) + xs[-1]


TWINS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "power": power,
    "remainder": lambda x, y: x - y * mpmath.floor(x / y),
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "abs": abs,
    "exp": exp,
    "exp2": lambda x: exp(x * mpmath.log(2)),
    "expm1": lambda x: mpmath.expm1(x) if abs(x) < 1 else exp(x) - 1,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "clipped_log": lambda x, lowest: mpmath.log(max(x, lowest)),
    "xlogy": lambda x, y: x * mpmath.log(y),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "hypot": lambda x, y: mpmath.sqrt(x * x + y * y),
    "sinc": lambda x: mpmath.sin(mpmath.pi * x) / (mpmath.pi * x),
    "sinh": lambda x: mpmath.sinh(x) if abs(x) < 1 else (exp(x) - exp(-x)) / 2,
    "cosh": lambda x: (exp(x) + exp(-x)) / 2,
    "tanh": tanh,
    "atanh": lambda x: (mpmath.log1p(x) - mpmath.log1p(-x)) / 2,
    "erf": lambda x: mpmath.erf(x) if abs(x) < 1e3 else mpmath.sign(x),
    "erfc": erfc,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "relu": lambda x: max(x, 0),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * (mpmath.expm1(x) if x > -1 else exp(x) - 1),
    "gelu": lambda x: x * erfc(-x / mpmath.sqrt(2)) / 2,
    "silu": lambda x: x * sigmoid(x),
    "hardtanh": lambda x: max(min(x, 1), -1),
    "step": lambda x: mpmath.mpf(x >= 0),
    "equal": lambda x, y: mpmath.mpf(x == y),
    "logistic_density": lambda x: sigmoid(x) * sigmoid(-x),
    "one_minus_square": lambda x: (1 - x) * (1 + x),
    "direction_cosine": lambda x, y: x / mpmath.sqrt(x * x + y * y),
    "circle_inversion": lambda x, y: x / (x * x + y * y),
    "power_slope": lambda x, y: y * power(x, y - 1),
    "power_log": lambda x, y: power(x, y) * log(x),
    "power_log_squared": lambda x, y: power(x, y) * log(x) ** 2,
    "power_mixed": lambda x, y: power(x, y - 1) * (1 + y * log(x)),
    "where": lambda c, a, b: a if c > 0 else b,
    "shift": lambda x, m: x - m,
    "share": lambda x, y: x / (x + y),
    "maximum": lambda *xs: max(xs),
    "minimum": lambda *xs: min(xs),
    "sum": lambda *xs: mpmath.fsum(xs),
    "norm": lambda *xs: mpmath.sqrt(mpmath.fsum(x * x for x in xs)),
    "dot": dot,
    "logsumexp": logsumexp,
    "select": lambda index, *xs: xs[int(index)],
    "cross_entropy": cross_entropy,
    "argmax": lambda *xs: mpmath.mpf(xs.index(max(xs))),
}


class Judge:
    """The exact derivatives of a gate at a point, with a `LABELLED` gate's index left alone."""

    def __init__(self, gate, point):
        self.twin = TWINS.get(gate.name) or getattr(mpmath, gate.name)
        self.point, self.values = point, {}

    def value(self, offsets, level):
        step, digits = ACCURACY[level]
        key = (offsets, level)
        if key not in self.values:
            with mpmath.workdps(digits):
                unit = mpmath.mpf(10) ** -step
                xs = [mpmath.mpf(x) * (1 + offset * unit) for x, offset in zip(self.point, offsets, strict=True)]
                self.values[key] = self.twin(*xs)
        return self.values[key]

    def quotient(self, places, level):
        """The difference quotient of an order for each operand, and what rounding may have done to it."""
        step, digits = ACCURACY[level]
        orders = [places.count(place) for place in range(len(self.point))]
        with mpmath.workdps(digits):
            total, largest = mpmath.mpf(0), mpmath.mpf(0)
            for corner in itertools.product(*[STENCILS[order].items() for order in orders]):
                value = self.value(tuple(offset for offset, _ in corner), level)
                total += math.prod(weight for _, weight in corner) * value
                largest = max(largest, abs(value))
            unit = mpmath.mpf(10) ** -step
            scale = math.prod((mpmath.mpf(x) * unit) ** order for x, order in zip(self.point, orders, strict=True))
            return total / scale, abs(largest / scale) * mpmath.mpf(10) ** (30 - digits)

    def derivative(self, places):
        """The derivative by the operands in `places`; nan where there is none, None where no two steps agree."""
        coarse, _ = self.quotient(places, 0)
        for level in range(1, len(ACCURACY)):
            fine, rounding = self.quotient(places, level)
            if mpmath.isnan(fine):
                return fine
            if max(abs(fine), rounding) < NOTHING:
                return mpmath.mpf(0)
            if abs(fine - coarse) <= 1e-17 * abs(fine) and rounding <= 1e-17 * abs(fine):
                return fine
            coarse = fine
        return None


def allowance(gate, point, places, exact):
    """What rounding of the operands does to the exact derivative."""
    moved = 0
    with mpmath.workdps(400):
        steps = [EPSILON / mpmath.mpf(3), -EPSILON / mpmath.mpf(7), EPSILON, -EPSILON]
        for place, step in itertools.product(range(gate in LABELLED, len(point)), steps):
            other = [mpmath.mpf(x) * (1 + step * (n == place)) for n, x in enumerate(point)]
            found = Judge(gate, other).derivative(places)
            moved = max(moved, mpmath.inf if found is None or mpmath.isnan(found) else abs(found - exact))
    return 8 * moved


def ours(gate, places):
    f = gate
    for place in places:
        f = grad(f, place)
    return f


def verdicts(gate, point, orders=(1, 2, 3)):
    """Of each derivative: the places, ours, the exact one, and the error as a fraction of what is allowed."""
    judge = Judge(gate, point)
    operands = range(1 if gate in LABELLED else 0, len(point))
    for order in orders:
        for ordered in itertools.combinations_with_replacement(operands, order):
            if len(set(ordered)) > 2:
                continue
            exact = judge.derivative(ordered)
            for places in {ordered, ordered[::-1]}:
                number = ours(gate, places)(*point)
                yield places, number, exact, excess(gate, point, places, number, exact)


def excess(gate, point, places, number, exact):
    """The error as a fraction of what is allowed; 0 where nothing is promised."""
    if gate.name in WAVES and abs(point[0]) > 1e10:
        return 0.0  # rounding the operand decides
    far = max((abs(math.log10(abs(x))) for x in point if x), default=0.0) > 100
    if exact is None:  # the judge finds no limit: an edge or a kink, or numbers too far apart
        return 0.0 if far or 1.0 in map(abs, point) else math.inf
    if mpmath.isnan(exact) or not (exact == 0 or LEAST <= abs(exact) <= MOST):
        return 0.0  # no derivative, or no normal number
    if not math.isfinite(number):
        return 0.0 if far and (exact == 0 or gate.name in SQUARES) else math.inf
    if far and gate.name in SQUARES and len(places) == 3:
        return 0.0
    error, bound = abs(mpmath.mpf(number) - exact), TOLERANCE * abs(exact)
    if gate.name in TIED and len(point) > 3 and len(places) == 3:
        bound += 1e-15
    if error > bound:
        bound += allowance(gate, point, places, exact)
    return 0.0 if error == 0 else float(error / bound) if bound else math.inf


# ---- points -----------------------------------------------------------------------------------------------------


def magnitude(draw, lowest, highest):
    return draw.choice([-1, 1]) * 10 ** draw.uniform(lowest, highest)


def points(gate, count):
    """Points where the gate has a value: far apart, of everyday size, near ±1, near each other."""
    draw = random.Random(gate.name)
    arity = gate.arity or (3 if gate.name == "dot" else len(gate.samples[-1]))
    made = 0
    while made < count:
        kind = made % 3
        if kind == 0:
            point = [magnitude(draw, -300, 300) for _ in range(arity)]
        elif kind == 1:
            point = [magnitude(draw, -3, 3) for _ in range(arity)]
        else:
            first = magnitude(draw, *((-300, 300) if arity > 1 else (0, 0)))
            near = [draw.choice([-1, 1]) * first * (1 + magnitude(draw, -16, 0)) for _ in range(arity)]
            point = [first, *near[1:]] if arity > 1 else near
        if gate in LABELLED:
            point[0] = float(draw.randrange(arity - 1))
        try:
            if not math.isfinite(gate.evaluate(point)) or 0.0 in point[gate in LABELLED :]:
                raise ValueError
            if gate.name in ("floor", "remainder") and abs(point[0] / (point[1:] or [1.0])[0]) > 2**50:
                raise ValueError  # rounding the operands decides
        except ForwardError:
            made += draw.random() < 0.01  # where few points will do
            continue
        made += 1
        yield tuple(point)


def assert_exact(gate, count):
    wrong = [
        f"{gate.name}{point} by {places}: {number!r}, not {mpmath.nstr(exact, 17) if exact is not None else exact}"
        for point in points(gate, count)
        for places, number, exact, error in verdicts(gate, point)
        if error > 1
    ]
    assert not wrong, f"{len(wrong)}, such as " + "; ".join(wrong[:4])


SLOPES = [gate for gate in gates() if gate is not stop_gradient]  # the rule of this one is no slope


@pytest.mark.sampled(19)
@pytest.mark.parametrize("gate", SLOPES, ids=str)
def test_orders_one_to_three_are_exact_at_a_few_points(gate):
    assert_exact(gate, 3)


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("gate", SLOPES, ids=str)
def test_orders_one_to_three_are_exact_at_100_points(gate):
    assert_exact(gate, 100)


# ---- the judge --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "point", "places", "right"),
    [
        ("exp", (2.0,), (0, 0, 0), lambda: mpmath.exp(2)),
        ("tanh", (1e-17,), (0, 0), lambda: -2 * mpmath.tanh(mpmath.mpf(1e-17)) / mpmath.cosh(mpmath.mpf(1e-17)) ** 2),
        ("hypot", (1e8, 1.0), (0, 0), lambda: 1 / mpmath.sqrt(mpmath.mpf(10) ** 16 + 1) ** 3),
        ("atan", (1e100,), (0, 0), lambda: -2e100 / (1 + mpmath.mpf(1e100) ** 2) ** 2),
        ("power", (3.0, 2.0), (0, 0, 1), lambda: 3 + 2 * mpmath.log(3)),
    ],
)
def test_the_judge_knows_closed_forms(name, point, places, right):
    exact = Judge(lookup(name), point).derivative(places)
    with mpmath.workdps(80):
        assert abs(exact - right()) <= 1e-16 * abs(exact)


@pytest.mark.parametrize(("name", "factor"), [("sin", 1 + 1e-11), ("hypot", 1 - 1e-11), ("softplus", 0.0)])
def test_the_judge_refuses_what_is_wrong(name, factor):
    gate, point = lookup(name), (0.5, 2.0)[: lookup(name).arity]
    number = ours(gate, (0, 0))(*point)
    exact = Judge(gate, point).derivative((0, 0))
    assert excess(gate, point, (0, 0), number, exact) <= 1
    assert excess(gate, point, (0, 0), number * factor, exact) > 1


# ---- corners ----------------------------------------------------------------------------------------------------

INF = math.inf


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("f", "x", "derivatives"),
    [
        (m.sqrt, 0.0, (INF, -INF, INF)), (m.cbrt, 0.0, (INF,)), (m.acosh, 1.0, (INF, -INF, INF)),
        (m.asin, 1.0, (INF, INF, INF)), (m.asin, -1.0, (INF, -INF, INF)),
        (m.acos, 1.0, (-INF, -INF, -INF)), (m.acos, -1.0, (-INF, INF, -INF)),
        (m.tanh, 800.0, (0.0, 0.0, 0.0)), (m.tanh, 0.0, (1.0, 0.0, -2.0)), (m.sigmoid, 0.0, (0.25, 0.0, -0.125)),
        (m.softplus, 0.0, (0.5, 0.25, 0.0)), (m.silu, 0.0, (0.5, 0.5, 0.0)), (m.asin, 0.0, (1.0, 0.0, 1.0)),
        (m.acos, 0.0, (-1.0, 0.0, -1.0)), (m.atanh, 0.0, (1.0, 0.0, 2.0)), (m.atan, 0.0, (1.0, 0.0, -2.0)),
        (m.asinh, 0.0, (1.0, 0.0, -1.0)), (m.atan, INF, (0.0,)), (m.tanh, INF, (0.0, 0.0, 0.0)),
        (lambda x: x**0.5, 0.0, (INF, -INF)), (lambda x: x**1.5, 0.0, (0.0, INF)),
        (lambda x: x**2, 0.0, (0.0, 2.0, 0.0)),
        (lambda x: x**3, 0.0, (0.0, 0.0, 6.0)), (lambda x: x**1, 0.0, (1.0, 0.0, 0.0)),
    ],
)  # fmt: skip
def test_limits_at_edges(f, x, derivatives):
    for order, derivative in enumerate(derivatives, 1):
        assert ours(f, (0,) * order)(x) == derivative


@pytest.mark.parametrize(
    ("name", "x"), [("log", 0.0), ("log2", 0.0), ("log10", 0.0), ("log1p", -1.0), ("atanh", 1.0), ("atanh", -1.0)]
)
def test_infinite_slopes_where_there_is_no_value(name, x):
    gate = lookup(name)
    assert gate.partials(gate.limit([x]), [x]) == [INF]


@pytest.mark.parametrize(
    ("f", "point", "rows"),
    [
        (lambda x, y: x**y, (0.0, 0.5), [[-INF, -INF], [-INF, 0.0]]),
        (lambda x, y: x**y, (0.0, 1.0), [[0.0, -INF], [-INF, 0.0]]),
        (lambda x, y: x**y, (0.0, 1.5), [[INF, 0.0], [0.0, 0.0]]),
        (lambda x, y: x**y, (0.0, 2.0), [[2.0, 0.0], [0.0, 0.0]]),
        (lambda x, y: x**y, (0.0, 0.0), [[0.0, 1.0], [1.0, 0.0]]),
        (m.hypot, (0.0, 2.0), [[0.5, 0.0], [0.0, 0.0]]),
        (m.atan2, (0.0, 2.0), [[0.0, -0.25], [-0.25, 0.0]]),
        (m.norm, (4.0, 0.0, 0.0), [[0.0, 0.0, 0.0], [0.0, 0.25, 0.0], [0.0, 0.0, 0.25]]),
        (m.norm, (0.0, 0.0), [[0.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_hessians_at_edges_are_right_both_ways_round(f, point, rows):
    assert [list(row) for row in hessian(f, range(len(point)))(*point)] == rows


def test_the_hessian_of_a_power_that_underflows_is_symmetric():
    for x, y in [(1e-200, 2.0), (1e-300, 1.5), (1e-160, 2.5)]:
        (_, mixed), (mixed_too, _) = hessian(lambda x, y: x**y, (0, 1))(x, y)
        assert mixed == mixed_too == pytest.approx(x ** (y - 1) * (1 + y * math.log(x)), rel=1e-13)


def test_third_derivatives_of_a_norm_with_an_operand_that_is_0():
    third = ours(lambda *xs: m.norm(*xs), (0, 1, 1))
    assert third(3.0, 0.0, 0.0) == third(0.0 + 3.0, 0.0, -0.0) == pytest.approx(-1 / 9, rel=1e-15)

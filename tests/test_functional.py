"""The functions of the package: numbers at the edges, full precision, and what they accept."""

import itertools
import math

import mpmath
import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, grad, hessian
from microgradnn.primitive import gates, lookup

INF, NAN = math.inf, math.nan


def same(x, y):
    return x == y or (math.isnan(x) and math.isnan(y))


# ---- numbers at the edges -------------------------------------------------------------------------------------

EDGES = {
    "x**y at (0,0)": (lambda x, y: x**y, (0, 0), 1, (0, 0)),
    "x**y at (0,1)": (lambda x, y: x**y, (0, 1), 0, (1, 0)),
    "x**y at (0,2)": (lambda x, y: x**y, (0, 2), 0, (0, 0)),
    "x**y at (3,0)": (lambda x, y: x**y, (3, 0), 1, (0, math.log(3))),
    "x**y at (-2,3)": (lambda x, y: x**y, (-2, 3), -8, (12, NAN)),
    "x**3 at -2": (lambda x: x**3, (-2,), -8, (12,)),
    "x**0 at 0": (lambda x: x**0, (0,), 1, (0,)),
    "x**0.0 at 0": (lambda x: x**0.0, (0,), 1, (0,)),
    "x**0.5 at 0": (lambda x: x**0.5, (0,), 0, (INF,)),
    "x**2 at inf": (lambda x: x**2, (INF,), INF, (INF,)),
    "0**x at 2": (lambda x: 0**x, (2,), 0, (0,)),
    "x**0 at nan": (lambda x: x**0, (NAN,), 1, (0,)),
    "1**x at nan": (lambda x: 1**x, (NAN,), 1, (0,)),
    "sqrt at 0": (m.sqrt, (0,), 0, (INF,)),
    "asin at 1": (m.asin, (1,), math.pi / 2, (INF,)),
    "acos at 1": (m.acos, (1,), 0, (-INF,)),
    "atan2 at (0,0)": (m.atan2, (0, 0), 0, (NAN, NAN)),
    "overflow of a product": (lambda x: 1e200 * x, (1e200,), INF, (1e200,)),
    "sigmoid at 1000": (m.sigmoid, (1000,), 1, (0,)),
    "sigmoid at -1000": (m.sigmoid, (-1000,), 0, (0,)),
    "sigmoid at inf": (m.sigmoid, (INF,), 1, (0,)),
    "sigmoid at -inf": (m.sigmoid, (-INF,), 0, (0,)),
    "tanh at 1000": (m.tanh, (1000,), 1, (0,)),
    "tanh at -inf": (m.tanh, (-INF,), -1, (0,)),
    "tanh at inf": (m.tanh, (INF,), 1, (0,)),
    "softplus at 1000": (m.softplus, (1000,), 1000, (1,)),
    "softplus at -1000": (m.softplus, (-1000,), 0, (0,)),
    "softplus at inf": (m.softplus, (INF,), INF, (1,)),
    "softplus at -inf": (m.softplus, (-INF,), 0, (0,)),
    "softsign at inf": (m.softsign, (INF,), 1, (0,)),
    "softsign at -inf": (m.softsign, (-INF,), -1, (0,)),
    "elu at -1000": (m.elu, (-1000,), -1, (0,)),
    "elu at -inf": (m.elu, (-INF,), -1, (0,)),
    "elu at 1000": (m.elu, (1000,), 1000, (1,)),
    "erf at inf": (m.erf, (INF,), 1, (0,)),
    "logsumexp at (1000,1000)": (m.logsumexp, (1000, 1000), 1000 + math.log(2), (0.5, 0.5)),
    "logsumexp at (-1000,-1000)": (m.logsumexp, (-1000, -1000), math.log(2) - 1000, (0.5, 0.5)),
    "logsumexp at (-inf,-inf)": (m.logsumexp, (-INF, -INF), -INF, (0.5, 0.5)),
    "logsumexp at (inf,0)": (m.logsumexp, (INF, 0), INF, (1, 0)),
    "logsumexp at (-inf,0)": (m.logsumexp, (-INF, 0), 0, (0, 1)),
    "relu at 0": (m.relu, (0,), 0, (0,)),
    "abs at 0": (m.abs, (0,), 0, (0,)),
    "leaky_relu at 0": (lambda x: m.leaky_relu(x, 0.1), (0,), 0, (0.1,)),
    "elu at 0": (lambda x: m.elu(x, 0.5), (0,), 0, (0.5,)),
    "hardtanh at 1": (m.hardtanh, (1,), 1, (1,)),
    "hardtanh at -1": (m.hardtanh, (-1,), -1, (1,)),
    "step at 0": (m.step, (0,), 1, (0,)),
    "sign at 0": (m.sign, (0,), 0, (0,)),
    "maximum at a tie": (m.maximum, (2, 2), 2, (0.5, 0.5)),
    "minimum at a tie of three": (m.minimum, (2, 2, 2), 2, (1 / 3, 1 / 3, 1 / 3)),
    "maximum(x, x)": (lambda x: m.maximum(x, x), (2,), 2, (1,)),
    "maximum at (nan,1)": (m.maximum, (NAN, 1), NAN, (NAN, NAN)),
    "minimum at (1,nan)": (m.minimum, (1, NAN), NAN, (NAN, NAN)),
    "x/y": (lambda x, y: x / y, (1, 3), 1 / 3, (1 / 3, -(1 / 3) / 3)),
    "hypot at (0,0)": (m.hypot, (0, 0), 0, (NAN, NAN)),
    "norm at (0,0)": (m.norm, (0, 0), 0, (0, 0)),
    "xlogy at (0,0)": (m.xlogy, (0, 0), 0, (0, NAN)),
    "xlogy at (0,-1)": (m.xlogy, (0, -1), 0, (0, 0)),
    "xlogy at (0,2)": (m.xlogy, (0, 2), 0, (math.log(2), 0)),
    "xlogy at (0,inf)": (m.xlogy, (0, INF), 0, (INF, 0)),
    "xlogy at (0,nan)": (m.xlogy, (0, NAN), NAN, (NAN, NAN)),
    "cbrt at 0": (m.cbrt, (0,), 0, (INF,)),
    "acosh at 1": (m.acosh, (1,), 0, (INF,)),
    "sinc at 0": (m.sinc, (0,), 1, (0,)),
    "gelu at -inf": (m.gelu, (-INF,), NAN, (NAN,)),
    "silu at -inf": (m.silu, (-INF,), NAN, (NAN,)),
    "floor at inf": (m.floor, (INF,), INF, (0,)),
    "remainder at (-5,3)": (m.remainder, (-5, 3), 1, (1, 2)),
    "where(0, a, b)": (m.where, (0, 1, 2), 2, (0, 0, 1)),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", EDGES)
def test_value_and_gradient_at_the_edge(name):
    f, point, value, gradient = EDGES[name]
    xs = [Value(x) for x in point]
    out = f(*xs)
    out.backward()
    assert same(out.data, value)
    assert all(same(x.grad, right) for x, right in zip(xs, gradient, strict=True)), [x.grad for x in xs]


def test_the_floor_of_a_zero_has_its_sign():
    assert [math.copysign(1.0, m.floor(zero)) for zero in (0.0, -0.0)] == [1.0, -1.0]


RAISING = {
    "x**-1 at 0": (lambda x: x**-1, 0, ZeroDivisionError),
    "1/x at 0": (lambda x: 1 / x, 0, ZeroDivisionError),
    "log at 0": (m.log, 0, ValueError),
    "log1p at -1": (m.log1p, -1, ValueError),
    "(-8)**(1/3)": (lambda x: x ** (1 / 3), -8, ValueError),
    "a number to a Value": (lambda x: (-8.0) ** x, 1 / 3, ValueError),
    "exp(1000)": (m.exp, 1000, OverflowError),
    "cosh(1000)": (m.cosh, 1000, OverflowError),
    "asin(2)": (m.asin, 2, ValueError),
    "sin(inf)": (m.sin, INF, ValueError),
}


@pytest.mark.parametrize("name", RAISING)
def test_forward_raises_as_python_does(name):
    f, x, error = RAISING[name]
    with pytest.raises(error):
        f(Value(x))


@pytest.mark.parametrize("name", ["exp", "cosh", "sqrt", "log", "asin", "sin", "log1p"])
@pytest.mark.parametrize("x", [1000.0, -1000.0, INF, 0.0])
def test_functions_of_numbers_give_and_raise_what_math_does(name, x):
    try:
        expected = getattr(math, name)(x)
    except (ValueError, OverflowError) as error:
        for operand in (x, Value(x)):
            with pytest.raises(type(error), match=rf"{name}\({x}\): "):
                getattr(m, name)(operand)
    else:
        assert getattr(m, name)(x) == getattr(m, name)(Value(x)).data == expected


def test_mixed_second_derivative_of_a_power_with_exponent_zero_is_right_both_ways_round():
    (_, mixed), (mixed_too, _) = hessian(lambda v: v[0] ** v[1])([3.0, 0.0])
    assert mixed == mixed_too == 1 / 3
    assert grad(lambda x: grad(lambda y: x**y)(0.0))(3.0) == 1 / 3
    assert grad(lambda y: grad(lambda x: x**y)(3.0))(0.0) == 1 / 3


def test_quotient_records_minus_out_over_y():
    x, y = Value(1.0), Value(49.0)
    assert (x / y).partials == (1 / 49, -(1 / 49) / 49)


PRECISE = [
    ("sigmoid", (x,), lambda x: 1 / (1 + mpmath.exp(-x))) for x in (40.0, -40.0, 0.3, -700.0, 36.7, 745.0)
] + [
    *[("tanh", (x,), mpmath.tanh) for x in (20.0, -20.0, 1e-9, 0.3, 300.0)],
    *[("softplus", (x,), lambda x: mpmath.log1p(mpmath.exp(x))) for x in (25.0, -25.0, 0.3, -700.0, 40.0)],
    *[("asin", (x,), mpmath.asin) for x in (1 - 2**-50, -1 + 2**-53, 0.3)],
    *[("acos", (x,), mpmath.acos) for x in (1 - 2**-50, -1 + 2**-53, 0.3)],
    *[("expm1", (x,), mpmath.expm1) for x in (-700.0, 1e-12, 0.3)],
    *[("log1p", (x,), mpmath.log1p) for x in (-1 + 2**-50, 1e-12, 1e300)],
    *[("atan2", point, mpmath.atan2) for point in ((1e200, 2e200), (1e-200, -3e-200), (-1e200, 1.0), (3e-200, 1.0))],
    *[("hypot", point, mpmath.hypot) for point in ((1e200, 2e200), (1e-200, -3e-200))],
    *[
        ("logsumexp", point, lambda *xs: mpmath.log(mpmath.fsum(map(mpmath.exp, xs))))
        for point in ((0.0, -700.0), (1000.0, 1000.0), (-800.0, -801.0, 5.0), (0.1, 0.2), (30.0, -5.0))
    ],
]  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("name", "point", "exact"), PRECISE, ids=[f"{name}{point}" for name, point, _ in PRECISE])
def test_full_precision_in_value_and_derivative(name, point, exact):
    """To 4 ulp; the mpmath figures are found with 800 digits, of which differences lose half."""
    gate = lookup(name)
    out = gate(*[Value(x) for x in point])
    with mpmath.workdps(800):
        numbers = [mpmath.mpf(x) for x in point]
        assert out.data == pytest.approx(float(exact(*numbers)), rel=9e-16, abs=0)
        for position, partial in enumerate(out.partials):
            order = tuple(int(place == position) for place in range(len(point)))
            step = mpmath.mpf(10) ** -500
            right = (
                mpmath.diff(exact, tuple(numbers), order, h=step)
                if len(point) > 1
                else mpmath.diff(exact, numbers[0], h=step)
            )
            assert partial == pytest.approx(float(right), rel=9e-16, abs=0)


def test_softmax_is_precise_far_below_the_maximum():
    small, large = m.softmax([-700.0, 0.0])
    assert (small, large) == (math.exp(-700.0), 1.0)
    assert grad(lambda v: m.softmax(v)[0])([-700.0, 0.0])[0] == pytest.approx(math.exp(-700.0), rel=1e-15)


# ---- arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sum", "mean", "logsumexp", "softmax", "maximum", "minimum"])
def test_one_sequence_or_separate_arguments(name):
    f = getattr(m, name)
    expected = f(1.0, 2.0, 4.0)
    for argument in ([1, 2, 4], (1.0, 2.0, 4.0), iter([1, 2, 4]), {1: 0, 2: 0, 4: 0}.keys()):
        assert f(argument) == expected
    assert f([Value(1.0), 2, Value(4.0)]) == expected


@pytest.mark.parametrize("name", ["sum", "mean", "logsumexp", "softmax", "maximum", "minimum"])
def test_empty_sequences_are_refused(name):
    for empty in ([[]], [], [iter([])]):
        with pytest.raises(ValueError, match=f"{name} needs at least"):
            getattr(m, name)(*empty)


@pytest.mark.parametrize("name", ["maximum", "minimum", "sum", "norm", "logsumexp"])
def test_what_takes_any_number_of_operands_takes_one(name):
    assert getattr(m, name)(1.5) == getattr(m, name)([1.5]) == 1.5


def test_dot_takes_sequences_or_separate_numbers():
    assert m.dot([1, 2], [3, 4]) == m.dot(1, 2, 3, 4) == m.dot(1, 2, 3, 4, 0) == 11.0
    assert m.dot([1, 2], [3, 4], 5) == m.dot(1, 2, 3, 4, 5) == 16.0
    assert m.dot(2, 3) == m.dot(2, 3, 0) == 6.0
    w, x, b = [Value(1.0), Value(2.0)], [Value(3.0), 4.0], Value(5.0)
    assert m.dot(w, x, b).operands == (*w, *x, b)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([], []), ValueError),
        (([1.0], [1.0, 2.0]), ValueError),
        (([1.0], 2.0), TypeError),
        (([1.0], [1.0], 1.0, 2.0), TypeError),
    ],
)
def test_dot_refuses_empty_unequal_and_mixed_arguments(arguments, error):
    with pytest.raises(error):
        m.dot(*arguments)


def test_numbers_in_number_out():
    for f, operands in itertools.chain(
        [(getattr(m, gate.name), gate.samples[0]) for gate in gates() if gate.example],
        [(m.atan2, (1, 2)), (m.where, (1, 2, 3)), (m.leaky_relu, (1,)), (m.elu, (1,)), (m.sum, ([1, 2],))],
    ):
        assert type(f(*operands)) is float


def test_comparison_is_no_gate_and_where_takes_no_gradient_to_the_choice():
    c, a, b = Value(-1.0), Value(2.0), Value(3.0)
    out = m.where(c, a, b)
    out.backward()
    assert (out.data, c.grad, a.grad, b.grad) == (3.0, 0.0, 0.0, 1.0)


def test_nan_is_not_hidden_by_activations():
    for f in (
        m.relu,
        m.leaky_relu,
        m.elu,
        m.hardtanh,
        m.sign,
        m.step,
        m.abs,
        m.sigmoid,
        m.tanh,
        m.softplus,
        m.softsign,
    ):
        assert math.isnan(f(NAN))
        assert math.isnan(f(Value(NAN)).data)


def test_a_dict_is_no_sequence_of_numbers():
    with pytest.raises(TypeError, match="dict"):
        m.sum({1.0: 2})


# ---- stop_gradient --------------------------------------------------------------------------------------------------


def test_no_gradient_flows_through_stop_gradient_and_its_number_stays():
    x = Value(3.0)
    y = x * m.stop_gradient(x)
    y.backward()
    assert (y.data, x.grad, m.stop_gradient(x).operands[0] is x) == (9.0, 3.0, True)
    x.data = 5.0
    assert (y.forward().data, y.partials) == (25.0, (5.0, 5.0))  # it follows its operand
    assert m.grad(lambda x: x * m.stop_gradient(x))(3.0) == 3.0
    assert m.grad(m.grad(lambda x: x * x * m.stop_gradient(x)))(3.0) == 6.0
    assert m.jvp(lambda x: x * m.stop_gradient(x), (3.0,), (1.0,)) == (9.0, 3.0)
    assert m.hessian(lambda x: m.stop_gradient(x) ** 2 * x)(3.0) == 0.0
    assert m.grad(lambda x: m.stop_gradient(m.sqrt(x)) + x)(0.0) == 1.0  # no 0 × ∞


def test_stop_gradient_takes_trees_and_leaves_numbers_alone():
    x = Value(3.0)
    tree = {"a": [x, 1.0, None], "b": (np.array([x, 2.0]), np.array([1, 2])), "c": 2}
    stopped = m.stop_gradient(tree)
    entries = [stopped["a"][0], stopped["b"][0][0]]
    assert [(entry.data, entry.operands[0] is x, entry.handed) for entry in entries] == [(3.0, True, (None,))] * 2
    assert (stopped["a"][1:], stopped["b"][0][1], stopped["b"][1].dtype, stopped["c"]) == ([1.0, None], 2.0, int, 2)
    assert m.stop_gradient(2) == 2
    gradient = m.grad(lambda p: (p["w"] * m.stop_gradient(p)["w"]).sum() * p["b"])(
        {"w": np.array([2.0, 3.0]), "b": 1.0}
    )
    assert (gradient["w"].tolist(), gradient["b"]) == ([2.0, 3.0], 13.0)


def test_stop_gradient_in_a_program_stops_its_gradients_and_those_of_transforms_inside():
    w = Value(2.0)

    def f(x):
        inner = m.grad(lambda y: y * m.stop_gradient(y) * w)(x)  # w times the number of y
        return m.stop_gradient(w * x) * w * x + inner

    program = m.compile(f, [w], example=(1.0,), wrt="both")
    value, (by_params, by_inputs) = program.value_and_grad([3.0])
    assert (value, *by_params, *by_inputs) == (36.0 + 6.0, 18.0 + 3.0, 12.0)


def test_a_check_names_the_gate_that_stops_a_gradient():
    with pytest.raises(AssertionError, match="the rule of stop_gradient"):
        m.check_grads(lambda x: x * m.stop_gradient(x), (3.0,))

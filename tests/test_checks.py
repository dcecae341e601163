"""The checkers accept what is right, catch what is wrong, and say where and by how much."""

import math
import re

import pytest

import microgradnn as m
from microgradnn import Value, check_grads, primitive
from microgradnn.checks import check_by_hand, numeric_grad

# ---- check_grads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: x**3, (2.0,)),
        (lambda x: 1 / x, (1e-9,)),
        (lambda x: 1 / x, (-3e12,)),
        (m.log, (1e-12,)),
        (m.sqrt, (1e-6,)),
        (m.relu, (1e-9,)),
        (m.abs, (-1e-10,)),
        (lambda x, y: x**y, (2.0, 0.0)),
        (lambda x: x * 1e-300, (1.0,)),
        (lambda x: x * 1e300, (1.0,)),
        (lambda v, w: [v[0] * v[1], [w * v[0]], 1.0], ([2, 3], 4)),
        (lambda v: v[0][0] * m.tanh(v[1]), ([[1.5], 0.5],)),
        (lambda x: 3.0, (1.0,)),
        (lambda: 3.0, ()),
        (lambda x: [], (1.0,)),
        (lambda x: x.tanh().exp(), (0.3,)),
    ],
)
def test_right_derivatives_pass_to_order_three(f, args):
    assert check_grads(f, args, order=3) is None


@pytest.mark.parametrize("error", [1.0, 0.5, 1e-3, 1e-5, -1.0, -2.0, 1e300, math.inf, math.nan])
@pytest.mark.parametrize("x", [3.0, -0.01, 1e-9, 1e6])
def test_a_wrong_partial_is_caught(error, x):
    wrong = primitive("wrong", lambda x: math.sin(x) + 2 * x, lambda out, x: (m.cos(x) + 2) * (1 + error))
    with pytest.raises(AssertionError, match="derivative of f by argument 0"):
        check_grads(wrong, (x,))


WRONG = [
    ("divide", lambda x, y: x / y, [lambda out, x, y: 1 / y, lambda out, x, y: out / y]),
    ("dot", lambda a, b: a * b, [lambda out, a, b: b, lambda out, a, b: b]),
    ("tanh", math.tanh, [lambda out, x: 1 - out]),
    ("relu", lambda x: max(x, 0.0), [lambda out, x: 1.0]),
    ("log", math.log1p, [lambda out, x: 1 / x]),
    ("forgets", lambda x, y: x + y * y, [lambda out, x, y: 1.0, None]),
    ("constant", lambda x: x * x, [lambda out, x: 1.8]),
]


@pytest.mark.parametrize(("name", "forward", "partials"), WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_rule_is_caught_inside_a_larger_expression(name, forward, partials):
    wrong = primitive(f"wrong_{name}", forward, *partials)
    operands = (-0.7, 1.3)[: len(partials)]
    with pytest.raises(AssertionError):
        check_grads(lambda v: m.tanh(wrong(*v[1:]) * v[0]) + m.exp(v[0]), ([0.4, *operands],))


def test_a_wrong_second_derivative_is_caught_at_order_two_only():
    """The partial is right, and its own derivative is not."""
    detached = primitive("detached", lambda x: x, None)
    frozen = primitive("frozen", lambda x: x**3, lambda out, x: 3 * detached(x) * x)
    check_grads(frozen, (2.0,))
    with pytest.raises(
        AssertionError, match=r"order 2, derivative of f by argument 0, argument 0 = 2\.0: 6\.0 by backprop"
    ):
        check_grads(frozen, (2.0,), order=2)


def test_a_constant_does_not_hide_a_wrong_rule():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: 2.001 * x)
    for constant in (0.0, 1e3, -1e5):
        with pytest.raises(AssertionError):
            check_grads(lambda x, c=constant: wrong(x) + c, (1.0,))


def test_the_message_names_the_worst_argument_both_numbers_error_and_tolerance():
    wrong = primitive("wrong", lambda x: 3 * x, lambda out, x: 2.0)
    bad = primitive("bad", lambda x: 3 * x, lambda out, x: 2.9)
    with pytest.raises(AssertionError) as caught:
        check_grads(lambda v, w: [w, bad(v[0]) + wrong(v[1])], ([1.0, 2.0], 5.0))
    assert str(caught.value) == (
        "derivative of f[1] by argument 0[1] = 2.0: 2.0 by backprop, 3.0 by differences, "
        "error 1 with a tolerance of 3e-06"
    )


@pytest.mark.parametrize(
    ("f", "x", "left", "right"), [(m.relu, 0.0, 0, 1), (m.hardtanh, 1.0, 1, 0), (m.leaky_relu, 0.0, 0.01, 1)]
)
def test_a_kink_is_named_with_both_slopes(f, x, left, right):
    with pytest.raises(AssertionError, match=f"the slope is {left} on the left and {right} on the right: a kink"):
        check_grads(f, (x,))


def test_the_mean_of_both_slopes_passes_at_a_kink():
    check_grads(m.abs, (0.0,))
    check_grads(lambda v: m.maximum(*v), ([2.0, 2.0],))


def test_a_wrong_rule_away_from_a_kink_is_not_called_one():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: 3 * x)
    with pytest.raises(AssertionError) as caught:
        check_grads(wrong, (1.0,))
    assert "kink" not in str(caught.value)


@pytest.mark.parametrize("f", [m.step, m.sign])
def test_a_jump_is_named(f):
    with pytest.raises(AssertionError, match="a kink or a jump"):
        check_grads(f, (0.0,))


@pytest.mark.parametrize(
    ("f", "x"),
    [(lambda x: x * math.nan, 1.0), (lambda x: x, math.nan), (lambda x: x, math.inf), (lambda x: x * 1e308, 2.0)],
)
def test_nan_and_infinity_never_pass(f, x):
    with pytest.raises((AssertionError, ValueError), match=r"nan by differences|no values on both sides"):
        check_grads(f, (x,))


@pytest.mark.parametrize(("f", "args"), [(m.sqrt, (0.0,)), (m.asin, (1.0,)), (lambda x, y: x**y, (-2.0, 3.0))])
def test_an_edge_of_the_domain_is_no_point_to_check(f, args):
    with pytest.raises(ValueError, match=r"no values on both sides of argument \d"):
        check_grads(f, args)


def test_what_f_raises_at_the_point_itself_is_passed_on():
    with pytest.raises(ZeroDivisionError, match="divide"):
        check_grads(lambda x: 1 / x, (0.0,))


def test_rtol_can_be_widened():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: 2.001 * x)
    check_grads(wrong, (1.0,), rtol=1e-2)
    with pytest.raises(AssertionError):
        check_grads(wrong, (1.0,), rtol=1e-4)


def test_unusable_arguments_are_refused_with_a_remedy():
    with pytest.raises(TypeError, match=r"write \(x,\) for one: got float 2\.0"):
        check_grads(m.exp, 2.0)
    with pytest.raises(TypeError, match="the tuple of the arguments"):
        numeric_grad(m.exp, [2.0])
    for order in (0, -1, 1.5):
        with pytest.raises(ValueError, match="order must be"):
            check_grads(m.exp, (2.0,), order)
    with pytest.raises(TypeError, match="expected a number"):
        check_grads(m.exp, ("2",))


def test_checking_leaves_gradients_alone():
    w = Value(2.0)
    check_grads(lambda x: x * w, (3.0,))
    assert not w.swept


# ---- numeric_grad -----------------------------------------------------------------------------------------------


def test_numeric_gradient_is_nested_like_the_arguments():
    gradient = numeric_grad(lambda x, v: x * v[0][0] + v[1] ** 2, (2.0, [[3.0], 4.0]))
    assert gradient == (pytest.approx(3.0), [[pytest.approx(2.0)], pytest.approx(8.0)])


def test_error_falls_as_the_square_of_the_step_and_one_sided_as_the_step():
    """With h ten times smaller: 100 and 10 times the accuracy (note 001)."""

    def error(h, one_sided):
        return abs(numeric_grad(m.exp, (1.0,), h, one_sided)[0] - math.e)

    assert error(1e-2, False) / error(1e-3, False) == pytest.approx(100, rel=1e-2)
    assert error(1e-2, True) / error(1e-3, True) == pytest.approx(10, rel=1e-2)


def test_numeric_gradient_knows_no_rules():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: x)
    assert numeric_grad(wrong, (3.0,)) == (pytest.approx(6.0),)


def test_numeric_gradient_needs_one_number_and_a_step():
    with pytest.raises(TypeError, match="returns one number, got 2"):
        numeric_grad(lambda x: [x, x], (1.0,))
    for h in (0.0, -1e-5, math.nan):
        with pytest.raises(ValueError, match="the step h must be above 0"):
            numeric_grad(m.exp, (1.0,), h)


# ---- by hand ----------------------------------------------------------------------------------------------------


def circuit():
    x, y = Value(2.0, "x"), Value(3.0, "y")
    return (x * y + x) * 5.0


def test_right_answers_pass():
    assert check_by_hand(circuit(), {"x": 20, "y": 10, "u1": 5.0, "f": 1, "u2": 5.001}) is None
    assert check_by_hand(circuit(), {}) is None


@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        ({"x": -20.0}, "∂f/∂x = -20.0 is wrong, it is 20.0: the sign is flipped"),
        ({"y": 2}, "∂f/∂y = 2 is wrong, it is 10.0: this is the local derivative of one gate"),
        ({"x": 15}, "∂f/∂x = 15 is wrong, it is 20.0: the node is used 2 times"),
        ({"x": 5}, "∂f/∂x = 5 is wrong, it is 20.0: the node is used 2 times"),
        ({"x": 1}, "∂f/∂x = 1 is wrong, it is 20.0: this is the local derivative"),
        ({"x": 19.9}, "∂f/∂x = 19.9 is wrong, it is 20.0$"),
        ({"x": math.nan}, "∂f/∂x = nan is wrong, it is 20.0$"),
    ],
)
def test_a_wrong_answer_is_named_with_its_likely_cause(answers, cause):
    with pytest.raises(AssertionError, match=f"^{cause}"):
        check_by_hand(circuit(), answers)


def test_every_wrong_answer_is_named_and_no_right_one():
    with pytest.raises(AssertionError) as caught:
        check_by_hand(circuit(), {"x": 1.5, "y": 10.0, "u1": 4.0})
    assert re.findall("∂f/∂(\\w+) =", str(caught.value)) == ["x", "u1"]


def test_fewer_digits_may_be_asked_for():
    check_by_hand(circuit(), {"x": 19.9}, rtol=1e-2)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(KeyError, match="no node of this circuit is called q, r: known are x, y, u1, u2, f"):
        check_by_hand(circuit(), {"q": 1.0, "x": 20.0, "r": 2.0})


def test_deep_circuits_can_be_checked_too():
    x = Value(1.0, "x")
    y = x
    for _ in range(20_000):
        y = y + 1.0
    check_by_hand(y, {"x": 1.0})


# ---- corners ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("f", "x"), [(lambda x: x**3, 0.0), (lambda x: x**5, 0.0), (lambda x: (x - 1) ** 4, 1.0)])
def test_a_flat_point_passes_and_a_wrong_rule_there_does_not(f, x):
    check_grads(f, (x,), order=2)
    wrong = primitive("wrong", lambda x: x**3, lambda out, x: 3 * x * x + 1e-6)
    with pytest.raises(AssertionError):
        check_grads(wrong, (0.0,))


def test_a_wrong_second_derivative_is_found_though_the_first_is_right_at_the_point():
    wrong = primitive("wrong", lambda x: x**3, lambda out, x: 3 * x * x + (x - 2.0))
    check_grads(wrong, (2.0,))
    with pytest.raises(AssertionError, match="by argument 1 = "):
        check_grads(lambda w, x: w + wrong(x), (1.0, 2.0), order=2)


def test_a_kink_one_round_step_away_is_no_objection():
    check_grads(m.relu, (2.0**-10,), order=2)


@pytest.mark.parametrize("rtol", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_passes_everything_is_refused(rtol):
    with pytest.raises(ValueError, match="rtol"):
        check_grads(lambda x: x * x, (3.0,), rtol=rtol)


@pytest.mark.parametrize("x", [1e-7, 1e-25, 1e-200])
def test_a_point_close_to_the_edge_of_the_domain_is_checked(x):
    check_grads(m.log, (x,))
    wrong = primitive("wrong", math.log, lambda out, x: 1.0001 / x)
    with pytest.raises(AssertionError):
        check_grads(wrong, (x,))

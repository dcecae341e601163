"""The checkers accept what is right, catch what is wrong, and say where and by how much."""

import math
import random
import re

import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, check_grads, primitive
from microgradnn.checks import numeric_grad, report_grads
from microgradnn.checks.findings import _kept
from microgradnn.checks.wide import MP
from microgradnn.primitive import scratch_table

# ---- check_grads ------------------------------------------------------------------------------------------------


@pytest.mark.sampled(3)
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


@pytest.mark.sampled(13)
@pytest.mark.parametrize("error", [1.0, 0.5, 1e-3, 1e-6, 1e-9, -1.0, -2.0, 1e300, math.inf, math.nan])
@pytest.mark.parametrize("x", [3.0, -0.01, 1e-9, 1e6])
def test_a_wrong_partial_is_caught_and_named(error, x):
    wrong = primitive("wrong", lambda x: math.sin(x) + 2 * x, lambda out, x: (m.cos(x) + 2) * (1 + error))
    [finding] = report_grads(wrong, (x,))
    assert (finding.verdict, finding.by, finding.gate) == ("wrong", "proof", f"wrong({x!r})")
    assert finding.numeric == pytest.approx(math.cos(x) + 2, rel=1e-15)
    with pytest.raises(AssertionError, match=re.escape(f"the rule of wrong({x!r}) is wrong: its partial 0 gives ")):
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
    with pytest.raises(AssertionError, match=r"argument 0, argument 0 = 2\.0 is 6\.0 by the rules and 12\.0 in truth"):
        check_grads(frozen, (2.0,), order=2)


def test_a_constant_does_not_hide_a_wrong_rule():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: 2.001 * x)
    for constant in (0.0, 1e3, -1e5):
        with pytest.raises(AssertionError):
            check_grads(lambda x, c=constant: wrong(x) + c, (1.0,))


def test_each_wrong_derivative_has_its_sentence_with_place_numbers_gate_and_line():
    wrong = primitive("wrong", lambda x: 3 * x, lambda out, x: 2.0)
    bad = primitive("bad", lambda x: 3 * x, lambda out, x: 2.9)
    with pytest.raises(AssertionError) as caught:
        check_grads(lambda v, w: [w, bad(v[0]) + wrong(v[1])], ([1.0, 2.0], 5.0))
    first, second = str(caught.value).splitlines()
    assert re.fullmatch(
        r"the derivative of f\[1\] by argument 0\[0\] = 1\.0 is 2\.9 by the rules and 3\.0 in truth: "
        r"the rule of bad\(1\.0\) is wrong: its partial 0 gives 2\.9, it is 3, "
        r"recorded at .*test_checks\.py, line \d+: check_grads.*",
        first,
    )
    assert "by argument 0[1] = 2.0 is 2.0 by the rules and 3.0 in truth: the rule of wrong(2.0)" in second


def test_only_the_gate_on_the_path_is_guilty():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: x)
    by_x, by_y = report_grads(lambda x, y: wrong(x) + m.tanh(y), (3.0, 1.0))
    assert (by_x.verdict, by_x.gate, by_y.verdict, by_y.gate) == ("wrong", "wrong(3.0)", "right", None)


def test_a_wrong_gate_without_influence_leaves_the_number_right_and_is_named():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: x)
    [finding] = report_grads(lambda x: 0.0 * wrong(x) + x, (3.0,))
    assert finding.verdict == "right"
    assert "though the rule of wrong(3.0)" in finding.message
    assert finding.message.endswith("it has no influence here")


@pytest.mark.parametrize(
    "f",
    [lambda x: x.data * x, lambda x: float(x.data) * m.exp(x), lambda x: x + Value(x.data) ** 2],
    ids=["data", "float", "Value"],
)
def test_a_path_that_is_lost_is_found_though_no_gate_is_wrong(f):
    [finding] = report_grads(f, (3.0,))
    assert (finding.verdict, finding.by, finding.gate) == ("wrong", "proof", None)
    assert "no gate is wrong, so a path is missing: f takes argument 0 as a plain number" in finding.message


def test_kinks_that_cancel_are_wrong_though_each_gate_may_choose():
    [finding] = report_grads(lambda x: m.relu(x) - m.relu(-x), (0.0,))
    assert (finding.verdict, finding.exact, finding.numeric) == ("wrong", 0.0, 1.0)
    assert "relu(0.0) is at a kink, recorded at " in finding.message


@pytest.mark.parametrize(
    ("f", "x", "left", "right"),
    [(m.relu, 0.0, 0, 1), (m.hardtanh, 1.0, 1, 0), (m.leaky_relu, 0.0, 0.01, 1), (m.abs, 0.0, "−1", 1)],
)
def test_a_kink_passes_and_is_named_with_both_slopes(f, x, left, right):
    [finding] = report_grads(f, (x,))
    assert finding.verdict == "kink"
    assert f"is at a kink: the slope is {left} on its left and {right} on its right, the rules say" in finding.message
    check_grads(f, (x,), order=2)


def test_a_rule_outside_of_the_slopes_of_a_kink_is_wrong():
    wrong = primitive("wrong", lambda x: max(x, 0.0), lambda out, x: m.where(x, 1.0, -0.5))
    [finding] = report_grads(wrong, (0.0,))
    assert (finding.verdict, finding.gate, finding.numeric) == ("wrong", "wrong(0.0)", 0.0)


def test_a_wrong_rule_away_from_a_kink_is_not_called_one():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: 3 * x)
    with pytest.raises(AssertionError) as caught:
        check_grads(wrong, (1.0,))
    assert "kink" not in str(caught.value)


@pytest.mark.parametrize("f", [m.step, m.sign])
def test_a_jump_is_named(f):
    [finding] = report_grads(f, (0.0,))
    assert finding.verdict in ("kink", "outside")
    assert "is at a jump: the slope is" in finding.message


@pytest.mark.parametrize(
    ("f", "x"),
    [(lambda x: x * math.nan, 1.0), (lambda x: x, math.nan), (lambda x: x, math.inf), (lambda x: x * math.inf, 2.0)],
)
def test_nan_and_infinity_never_pass(f, x):
    with pytest.raises(AssertionError):
        check_grads(f, (x,))


@pytest.mark.parametrize(
    ("f", "args", "side"),
    [(m.sqrt, (0.0,), "left"), (m.asin, (1.0,), "right"), (lambda x, y: x**y, (-2.0, 3.0), "left and its right")],
)
def test_an_edge_of_the_domain_is_no_point_to_check(f, args, side):
    assert "outside" in [finding.verdict for finding in report_grads(f, args)]
    with pytest.raises(AssertionError, match=f"does not exist: f has no value on its {side}"):
        check_grads(f, args)


def test_digits_that_cancel_leave_it_undecided_and_the_gate_is_named():
    [finding] = report_grads(lambda x: (1 - m.cos(x)) / x**2, (1e-7,))
    assert finding.verdict == "noisy"
    assert re.match(r"undecided: .* 0 digits are left, others are lost at subtract\(1\.0, 0\.99", finding.message)
    with pytest.raises(AssertionError, match="undecided"):
        check_grads(lambda x: (1 - m.cos(x)) / x**2, (1e-7,))


def test_what_f_raises_at_the_point_itself_is_passed_on():
    with pytest.raises(ZeroDivisionError, match="divide"):
        check_grads(lambda x: 1 / x, (0.0,))


def test_a_lost_path_among_many_arguments_is_found_though_it_keeps_its_value_under_scaling():
    """w[0] / w[1] has no slope along w itself: groups move along directions drawn by chance."""
    wrong = [
        finding.place
        for finding in report_grads(lambda w: sum(w, 0.0) + w[0].data / w[1].data, ([1.0 + n for n in range(70)],))
        if finding.verdict == "wrong"
    ]
    assert wrong == ["argument 0[0]", "argument 0[1]"]


def test_the_same_gate_with_other_constants_is_proven_anew():
    gated = primitive(
        "gated", lambda *xs: xs[0] * xs[1] + xs[-1], variadic=lambda out, *xs: [xs[1], 1.0, 1.0][: len(xs)]
    )
    [by_x] = report_grads(lambda x: gated(x, 3.0, 0.0) + gated(3.0, x, 0.0), (3.0,))
    assert (by_x.verdict, by_x.gate) == ("wrong", "gated(3.0, 3.0, 0.0)")


def test_second_derivatives_by_the_rules_are_those_of_the_hessian():
    spoilt = primitive("spoilt", lambda x, y: x * x * y, lambda out, x, y: 2 * x * y, lambda out, x, y: x)
    exact = [finding.exact for finding in report_grads(spoilt, (1.0, 1.0), 2)]
    assert exact[2:] == [2.0, 1.0, 2.0, 0.0]
    assert m.hessian(lambda v: spoilt(*v))([1.0, 1.0]) == [[2.0, 2.0], [1.0, 0.0]]


def test_a_report_lists_all_and_an_error_the_first_five():
    wrong = primitive("wrong", lambda x: x * x, lambda out, x: x)
    report = report_grads(lambda v: sum(map(wrong, v), 0.0), ([1.0 + n for n in range(9)],))
    assert (len(report), bool(report), report.guilty) == (9, False, [f"wrong({1.0 + n})" for n in range(9)])
    assert str(report).count("the rule of wrong") == 9
    with pytest.raises(AssertionError) as caught:
        report.raise_if_wrong()
    assert str(caught.value).count("the rule of wrong") == 5
    assert str(caught.value).endswith("and 4 more: report_grads lists them all")


def test_an_infinite_slope_that_is_right():
    [finding] = report_grads(m.cbrt, (0.0,))
    assert (finding.verdict, finding.exact, finding.numeric, finding.error) == ("right", math.inf, math.inf, 0.0)


def test_a_slope_that_drowns_beside_the_value_is_still_proven():
    right = primitive("right", lambda x: 1.0 + 1e-200 * x, lambda out, x: 1e-200)
    wrong = primitive("wrong", lambda x: 1.0 + 1e-200 * x, lambda out, x: 2e-200)
    assert [finding.verdict for gate in (right, wrong) for finding in report_grads(gate, (3.0,))] == ["right", "wrong"]


def test_an_error_of_twelve_digits_is_not_taken_for_the_rounding_of_constants():
    wrong = primitive("wrong", math.erf, lambda out, x: 2 / math.sqrt(math.pi) * (1 + 3e-12) * m.exp(-(x * x)))
    assert [finding.verdict for finding in report_grads(wrong, (0.3,))] == ["wrong"]


def test_constants_of_the_function_keep_their_digits_where_terms_cancel():
    def taylor(x):
        total = term = 1.0
        for n in range(1, 100):
            term = term * x / n
            total = total + term
        return total

    [finding] = report_grads(taylor, (-25.0,))
    assert (finding.verdict, finding.numeric) == ("noisy", pytest.approx(math.exp(-25.0), rel=1e-9))


def test_a_zero_is_kept_to_the_rounding_of_what_adds_up_to_it_and_no_further():
    zero = MP.zero
    assert _kept(1e-15, 1.0, zero, zero, 1e-6)
    assert not _kept(1e-12, 1.0, zero, zero, 1e-6)


def test_a_function_that_draws_is_refused_even_where_the_numbers_agree():
    with pytest.raises(ValueError, match=r"f draws by chance, from random or numpy\.random"):
        check_grads(lambda x: x * x if random.random() < 2 else x, (3.0,))

    def seeded(x):
        return x * random.Random(1).random()

    check_grads(seeded, (3.0,))


def test_rtol_is_for_forward_functions_that_approximate():
    fit = primitive("fit", lambda x: math.exp(x) * (1 + 1e-7 * math.sin(9 * x)), lambda out, x: m.exp(x))
    with pytest.raises(AssertionError, match=r"; off by [\d.]+e-07, give rtol= where a forward function approximates"):
        check_grads(fit, (1.0,))
    check_grads(fit, (1.0,), rtol=1e-5)


def test_a_function_that_draws_by_chance_or_keeps_state_is_refused():
    calls = []
    with pytest.raises(ValueError, match=r"f gave 2\.0, and 3\.0 when it was called again"):
        check_grads(lambda x: calls.append(x) or x * len(calls), (1.0,))
    with pytest.raises(ValueError, match="draws by chance"):
        check_grads(lambda x: x, (1.0,), of=lambda x: 1.0) or check_grads(
            lambda x: calls.append(x) or x * len(calls), (1.0,), of=lambda x: 1.0
        )


def test_a_function_that_does_not_run_on_wide_numbers_is_estimated_and_the_reason_said():
    import json

    stored = primitive("stored", lambda x: json.loads(json.dumps(x * x)), lambda out, x: 2 * x)
    report = report_grads(stored, (3.0,))
    assert [(finding.verdict, finding.by) for finding in report] == [("right", "differences")]
    assert "differences of floats were used" in report.note
    wrong = primitive("stored", lambda x: json.loads(json.dumps(x * x)), lambda out, x: 2.00001 * x)
    assert [finding.verdict for finding in report_grads(wrong, (3.0,))] == ["wrong"]


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
    with pytest.raises(AssertionError, match=r"by argument 1, argument 1 = 2\.0 is 13\.0"):
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


def test_trees_and_keyword_arguments_are_checked_and_a_wrong_rule_among_them_is_named():
    def f(p, x, *, rate, squash=m.tanh):
        return squash((p["w"] @ x).sum() + p["b"][0] * rate["by"])

    args = {"w": np.array([[0.5, -1.0]]), "b": (0.25, None)}, np.array([2.0, 1.0])
    kwargs = {"rate": {"by": 3.0}}
    report = report_grads(f, args, kwargs=kwargs)
    places = ["argument 0['w'][0][0]", "argument 0['w'][0][1]", "argument 0['b'][0]", "argument 1[0]", "argument 1[1]"]
    assert [(finding.place, finding.verdict, finding.by) for finding in report] == [
        (p, "right", "proof") for p in places
    ]
    check_grads(f, args, order=2, kwargs=kwargs)
    with scratch_table():
        wrong = primitive("wrong", math.tanh, lambda out, x: 1 - out)
        with pytest.raises(AssertionError, match=r"by argument 0\['w'\]\[0\]\[0\] = 0.5 is .*: the rule of wrong"):
            check_grads(f, args, kwargs=kwargs | {"squash": wrong})

    def by_hand(p, x, *, rate):
        slope = 1 - math.tanh(p["w"][0] @ x + p["b"][0] * rate["by"]) ** 2
        return {"b": [slope * rate["by"], None], "w": slope * x}, p["w"][0] * slope

    def of(*args, **kwargs):
        by_p, by_x = by_hand(*args, **kwargs)
        return by_p | {"w": [by_p["w"]]}, by_x

    def plain(p, x, *, rate):
        return math.tanh((p["w"] @ x).sum() + p["b"][0] * rate["by"])

    check_grads(plain, args, of=of, kwargs=kwargs)
    assert not report_grads(plain, args, of=lambda p, x, rate: of(p, x, rate={"by": 2.0}), kwargs=kwargs)
    with pytest.raises(ValueError, match="nested like them"):
        check_grads(plain, args, of=by_hand, kwargs=kwargs)
    by_p, by_x = numeric_grad(f, args, kwargs=kwargs)
    right = m.grad(f, (0, 1))(*args, **kwargs)
    assert (by_p["w"].shape, by_p["b"][1]) == ((1, 2), None)
    np.testing.assert_allclose(by_p["w"], right[0]["w"], rtol=1e-6)
    np.testing.assert_allclose(by_x, right[1], rtol=1e-6)


def test_a_function_with_keyword_arguments_keeps_its_name_in_messages():
    def nothing(x, *, c):
        pass

    with pytest.raises(TypeError, match=r"^nothing returned NoneType None"):
        check_grads(nothing, (1.0,), kwargs={"c": 2.0})
    with pytest.raises(TypeError, match="report_grads takes a function, got float"):
        report_grads(1.0, (1.0,), kwargs={"c": 2.0})

"""The table of primitives: every entry is right, complete and closed under differentiation."""

import itertools
import math
import pickle
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, check_grads, grad, hessian, primitive
from microgradnn.primitive import gates, lookup, number, scratch_table
from microgradnn.table import LABELLED, stop_gradient

POINTS = [pytest.param(gate, sample, id=f"{gate.name}{sample}") for gate in gates() for sample in gate.samples]
EXTREMES = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, 5e-324]
CORNERS = [
    ("power", (2.0, 0.0)), ("power", (1.0, 2.0)), ("power", (1e-3, 0.3)),
    ("logsumexp", (0.0, -700.0)), ("logsumexp", (0.5,)), ("logsumexp", (1.0, 1.0, 1.0)),
    ("maximum", (3.0,)), ("minimum", (-2.0, 5.0, 5.0)), ("dot", (0.0, 0.0, 0.0)), ("sum", (4.0,)),
    ("atan2", (0.0, 2.0)), ("atan2", (1.0, -1e-3)), ("hypot", (0.0, -2.0)), ("tan", (1.5,)), ("log", (1e-9,)),
    ("divide", (1.0, 1e-9)), ("where", (1e-9, 1.0, 2.0)),
    ("asin", (0.999,)), ("acos", (-0.999,)), ("sigmoid", (800.0,)), ("softplus", (-800.0,)),
]  # fmt: skip


@pytest.mark.sampled(29)
@pytest.mark.parametrize(("gate", "sample"), POINTS)
def test_partials_agree_with_differences_to_order_three(gate, sample):
    if gate is stop_gradient:  # whose rule is no slope, as a check says
        with pytest.raises(AssertionError, match="the rule of stop_gradient"):
            check_grads(gate, sample)
        return
    if gate in LABELLED:  # a choice by a whole number: nothing lies beside it
        gate, sample = partial(gate, sample[0]), sample[1:]
    check_grads(gate, sample, order=3)


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("name", "point"), CORNERS)
def test_partials_agree_with_differences_at_corners(name, point):
    check_grads(lookup(name), point, order=2)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_entry_is_complete(gate):
    assert gate.samples
    assert gate.__doc__ != f"The gate {gate.name}."


@pytest.mark.sampled(7)
@pytest.mark.parametrize(("gate", "sample"), POINTS)
def test_table_is_closed_under_differentiation(gate, sample):
    """Whatever a partial uses is in the table, and so are the partials of that, and so on."""
    known = set(gates())
    seen, waiting = set(), [(gate, len(sample))]
    while waiting:
        used, count = waiting.pop()
        assert used in known
        if (used, count) not in seen:
            seen.add((used, count))
            waiting += [(inner, len(places)) for inner, places in used.trace(count).lines]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("gate", "sample"), POINTS)
def test_values_in_every_position_with_constants_in_the_others(gate, sample):
    out = gate.evaluate(sample)
    partials = gate.partials(out, sample)
    for recorded in itertools.product([True, False], repeat=len(sample)):
        operands = [Value(x) if record else x for x, record in zip(sample, recorded, strict=True)]
        result = gate(*operands)
        if not any(recorded):
            assert result == out
            assert type(result) is float
            continue
        assert result.data == out
        assert result.primitive is gate
        assert all(a is b or a == b for a, b in zip(result.operands, operands, strict=True))
        assert [type(operand) for operand in result.operands] == [type(operand) for operand in operands]
        assert result.partials == tuple(p if record else None for p, record in zip(partials, recorded, strict=True))


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("gate", "sample"), POINTS)
def test_partials_follow_ieee_and_never_raise(gate, sample):
    for point in itertools.product(EXTREMES, repeat=2):
        operands = (point * len(sample))[: len(sample)]
        assert len(gate.partials(gate.limit(operands), operands)) == len(sample)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", [gate for gate in gates() if isinstance(gate.array, str)], ids=str)
def test_where_forward_raises_the_limit_is_what_numpy_gives(gate):
    """IEEE 754 as NumPy has it, signs included: 1 / −0.0 is −inf, (−0.0)⁻¹ too, (−1e200)³ and not (−1e200)²."""
    raised = 0
    for operands in itertools.product([*EXTREMES, 3.0, -3.0, -2.0, 0.5, -0.5, 1e200, -1e200], repeat=gate.arity):
        try:
            gate.evaluate(operands)
        except (ArithmeticError, ValueError):
            raised += 1
            with np.errstate(all="ignore"):
                expected = float(getattr(np, gate.array)(*operands))
            assert math.isnan(expected) or repr(gate.limit(operands)) == repr(expected), operands
            assert math.isnan(gate.limit(operands)) == math.isnan(expected), operands
    assert raised or gate.name not in {"divide", "power", "exp", "expm1", "log", "log1p", "sinh", "cosh", "asin"}


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "gate",
    [gate for gate in gates() if gate.name not in {"equal", "where", "argmax"} and gate not in LABELLED],
    ids=str,
)
def test_nan_goes_through_every_gate(gate):
    """The last sample of leaky_relu and elu uses its slope; `equal`, `where` and others choose by their first."""
    sample = gate.samples[-1]
    for position in range(len(sample)):
        operands = [*sample[:position], math.nan, *sample[position + 1 :]]
        assert math.isnan(gate.evaluate(operands))


@pytest.mark.parametrize("x", [True, 3, 2.5, Fraction(5, 2), np.float64(2), np.float32(2), np.int8(2), np.bool_(True)])
def test_one_real_number_is_accepted(x):
    assert number(x) == x
    assert type(number(x)) is float


REFUSED = [
    (1j, "two Values"), ("1", "float"), (b"1", "float"), (None, "forget to return"), ({}, "one number at a time"),
    ([1.0], "one number at a time"), ((1.0,), "one number at a time"), (np.array([1.0]), "one number at a time"),
    (np.array(1.0), r"\.item\(\)"), (iter([1.0]), "one number at a time"), (np.complex128(1), "two Values"),
]  # fmt: skip


@pytest.mark.parametrize(("x", "remedy"), REFUSED)
def test_anything_else_is_refused_with_a_remedy(x, remedy):
    with pytest.raises(TypeError, match=remedy):
        number(x)


def test_wrong_number_of_operands_is_refused():
    with pytest.raises(TypeError, match="atan2 takes 2 operands, got 1"):
        lookup("atan2")(1.0)


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(KeyError, match="known are add, subtract"):
        lookup("frobnicate")


# ---- gates of one's own -------------------------------------------------------------------------------------


def test_own_gate_has_derivatives_of_every_order_and_is_checked():
    cube = primitive("cube", lambda x: x**3, lambda out, x: 3 * x * x, samples=[2.0])
    check_grads(cube, (2.0,), order=4)
    assert grad(grad(grad(cube)))(2.0) == 6.0


def test_own_gate_of_any_number_of_operands():
    product = primitive("product", lambda *xs: math.prod(xs), variadic=lambda out, *xs: [out / x for x in xs])
    check_grads(lambda v: product(*v), ([1.5, -2.0, 3.0],), order=2)


@pytest.mark.parametrize(
    ("partial", "remedy"),
    [
        (lambda out, x: 1.0 if x > 0 else 0.0, "use step, sign, where"),
        (lambda out, x: x if x else 0.0, "use step, sign, where"),
        (lambda out, x: math.cos(x), r"microgradnn.sin, not math.sin"),
    ],
)
def test_partial_that_decides_or_asks_for_a_float_is_refused_with_a_remedy(partial, remedy):
    gate = primitive("gate", lambda x: x, partial)
    with pytest.raises(TypeError, match=remedy):
        gate(Value(1.0))


def test_wrong_count_of_partials_is_refused():
    gate = primitive("gate", lambda *xs: 0.0, variadic=lambda out, *xs: [1.0])
    with pytest.raises(TypeError, match="1 partials for 2 operands"):
        gate(Value(1.0), Value(2.0))


@pytest.mark.parametrize("name", ["add", "tanh", "logsumexp"])
def test_names_of_the_package_cannot_be_taken(name):
    with pytest.raises(ValueError, match="choose another name"):
        primitive(name, lambda x: x, lambda out, x: 1.0)


@pytest.mark.parametrize(
    ("error", "arguments", "options"),
    [
        (ValueError, ("two words", abs, abs), {}), (TypeError, ("gate", abs), {}), (TypeError, ("gate", abs, 3.0), {}),
        (TypeError, ("gate", 1.0, abs), {}), (TypeError, ("gate", abs, abs), {"variadic": abs}),
    ],
)  # fmt: skip
def test_unusable_entries_are_refused(error, arguments, options):
    with pytest.raises(error):
        primitive(*arguments, **options)


def test_gate_and_its_graph_can_be_pickled():
    cube = primitive("cube", lambda x: x**3, lambda out, x: 3 * x * x)
    x, y = pickle.loads(pickle.dumps((x := Value(2.0), cube(x))))
    y.backward()
    assert y.primitive is cube
    assert x.grad == 12.0
    assert pickle.loads(pickle.dumps(cube)) is cube


def test_pickle_of_an_unknown_gate_says_what_to_do():
    with scratch_table():
        pickled = pickle.dumps(primitive("cube", lambda x: x**3, lambda out, x: 3 * x * x))
    with pytest.raises(KeyError, match="define it first"):
        pickle.loads(pickled)


def test_redefined_gate_is_new_for_new_graphs_only():
    old = primitive("gate", lambda x: 2 * x, lambda out, x: 2.0)
    y = old(x := Value(1.0))
    new = primitive("gate", lambda x: 3 * x, lambda out, x: 3.0)
    y.backward()
    assert x.grad == 2.0
    assert y.primitive is old
    assert grad(new)(1.0) == 3.0
    assert lookup("gate") is new


def test_gates_may_refer_to_each_other():
    ping = primitive("ping", math.sin, lambda out, x: pong(x))
    pong = primitive("pong", math.cos, lambda out, x: -ping(x))
    assert grad(grad(ping))(0.5) == -math.sin(0.5)
    check_grads(ping, (0.5,), order=3)


def test_error_of_own_gate_names_gate_and_operands():
    gate = primitive("gate", lambda x: math.log(x), lambda out, x: 1 / x)
    with pytest.raises(ValueError, match=r"gate\(x=-1\.0\): math domain error|gate\(x=-1\.0\): expected"):
        gate(Value(-1.0, "x"))


# ---- fused gates against their unfused spelling ---------------------------------------------------------------

FUSED = [
    ("dot", lambda w0, w1, x0, x1, b: m.dot([w0, w1], [x0, x1], b), lambda w0, w1, x0, x1, b: w0 * x0 + w1 * x1 + b),
    ("sum", lambda *xs: m.sum(xs), lambda a, b, c, d, e: a + b + c + d + e),
    ("mean", lambda *xs: m.mean(xs), lambda *xs: m.sum(xs) / 5),
    ("logsumexp", lambda *xs: m.logsumexp(xs), lambda *xs: m.log(m.sum([m.exp(x) for x in xs]))),
    ("softmax", lambda *xs: m.softmax(xs)[1], lambda *xs: m.exp(xs[1]) / m.sum([m.exp(x) for x in xs])),
    ("sigmoid", lambda *xs: m.sigmoid(xs[0]), lambda *xs: 1 / (1 + m.exp(-xs[0]))),
    ("tanh", lambda *xs: m.tanh(xs[0]), lambda *xs: 2 * m.sigmoid(2 * xs[0]) - 1),
    ("softplus", lambda *xs: m.softplus(xs[0]), lambda *xs: m.log(1 + m.exp(xs[0]))),
    ("softsign", lambda *xs: m.softsign(xs[0]), lambda *xs: xs[0] / (1 + m.abs(xs[0]))),
    ("expm1", lambda *xs: m.expm1(xs[0]), lambda *xs: m.exp(xs[0]) - 1),
    ("log1p", lambda *xs: m.log1p(xs[1]), lambda *xs: m.log(1 + xs[1])),
    ("sqrt", lambda *xs: m.sqrt(xs[1]), lambda *xs: xs[1] ** 0.5),
    ("elu", lambda *xs: m.elu(xs[0], xs[1]), lambda *xs: m.where(xs[0], xs[0], xs[1] * (m.exp(xs[0]) - 1))),
    ("leaky_relu", lambda *xs: m.leaky_relu(xs[0], xs[1]), lambda *xs: m.relu(xs[0]) - xs[1] * m.relu(-xs[0])),
    ("hardtanh", lambda *xs: m.hardtanh(xs[0]), lambda *xs: m.maximum(m.minimum(xs[0], 1.0), -1.0)),
    ("relu", lambda *xs: m.relu(xs[0]), lambda *xs: m.maximum(xs[0], 0.0)),
    ("maximum", lambda a, b, *_: m.maximum(a, b), lambda a, b, *_: (a + b + m.abs(a - b)) / 2),
    ("minimum", lambda a, b, *_: m.minimum(a, b), lambda a, b, *_: (a + b - m.abs(a - b)) / 2),
    ("atan2", lambda *xs: m.atan2(xs[0], xs[1]), lambda *xs: m.atan(xs[0] / xs[1])),
    ("sinh", lambda *xs: m.sinh(xs[0]), lambda *xs: (m.exp(xs[0]) - m.exp(-xs[0])) / 2),
    ("cosh", lambda *xs: m.cosh(xs[0]), lambda *xs: (m.exp(xs[0]) + m.exp(-xs[0])) / 2),
    ("tan", lambda *xs: m.tan(xs[0]), lambda *xs: m.sin(xs[0]) / m.cos(xs[0])),
]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("name", "fused", "unfused"), FUSED, ids=[row[0] for row in FUSED])
@pytest.mark.parametrize("point", [(0.5, 1.25, -0.75, 2.0, -3.0), (-1.5, 0.5, 2.5, -1.0, 0.25)])
def test_fused_gate_agrees_with_its_unfused_spelling(name, fused, unfused, point):
    everything = range(5)
    assert fused(*point) == pytest.approx(unfused(*point), rel=1e-12, abs=1e-12)
    assert grad(fused, everything)(*point) == pytest.approx(grad(unfused, everything)(*point), rel=1e-12, abs=1e-12)
    second = [leaf for row in m.hessian(fused, everything)(*point) for leaf in row]
    assert second == pytest.approx([leaf for row in m.hessian(unfused, everything)(*point) for leaf in row], rel=1e-11)


@pytest.mark.parametrize("options", [{"latex": "x^{2}"}, {"text": "{1}"}, {"text": "{x}"}, {"symbol": ("a", "b", "c")}])
def test_templates_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError, match=r"template|symbols"):
        primitive("gate", lambda x: x, lambda out, x: 1.0, **options)


@pytest.mark.parametrize(
    ("partial", "words"), [(lambda out, x: None, "forget to return"), (lambda x: x, r"called with \(out, \*operands\)")]
)
def test_mistakes_in_a_partial_are_named(partial, words):
    gate = primitive("gate", lambda x: x, partial)
    with pytest.raises(TypeError, match=words):
        gate(Value(1.0))


# ---- nothing reaches what was not chosen ------------------------------------------------------------------------

CHOICES = [
    *[(gate, sample) for gate in gates() for sample in gate.samples],
    *[(lookup(name), sample) for name, sample in [
        ("multiply", (0.0, 3.0)), ("multiply", (3.0, 0.0)), ("power", (2.0, 0.0)), ("dot", (0.0, 1.0, 2.0, 0.0, 1.0)),
        ("leaky_relu", (-1.0, 0.0)), ("elu", (-1.0, 0.0)), ("relu", (0.0,)), ("maximum", (1.0, 1.0, 0.0)),
    ]],
]  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("gate", "sample"), CHOICES, ids=lambda value: getattr(value, "name", str(value)))
def test_an_infinite_slope_passes_only_through_operands_that_were_taken(gate, sample):
    """√z at z = 0 has an infinite slope: added to an operand, it shows whether the gate hands anything on to it."""
    for place in range(len(sample)):

        def h(z, place=place):
            return gate(*sample[:place], sample[place] + m.sqrt(z), *sample[place + 1 :])

        z = Value(0.0)
        out = h(z)
        if not isinstance(out, Value) or out.primitive is not gate:  # the operand is a constant to the gate
            continue
        handed = out.handed[place]
        out.backward()
        if handed is None:
            assert out.partials[place] in (0.0, None)
            assert (z.grad, grad(h)(0.0), grad(grad(h))(0.0), m.jvp(h, (0.0,), (1.0,))[1]) == (0.0, 0.0, 0.0, 0.0)
        else:
            assert not math.isfinite(z.grad)
            assert repr(grad(h)(0.0)) == repr(z.grad)


@pytest.mark.parametrize(
    ("f", "taken"),
    [
        (lambda x: m.where(x, m.sqrt(x), 0.0), False),
        (lambda x: m.where(1.0, 0.0, m.sqrt(x)), False),
        (lambda x: m.maximum(m.sqrt(x), 2.0), False),
        (lambda x: m.minimum(m.sqrt(x), -2.0), False),
        (lambda x: m.relu(m.sqrt(x) - 1.0), False),
        (lambda x: m.hardtanh(m.sqrt(x) - 3.0), False),
        (lambda x: lookup("select")(1.0, m.sqrt(x), 5.0), False),
        (lambda x: 0.0 * m.sqrt(x), False),
        (lambda x: m.sqrt(x) * 0, False),
        (lambda x: m.sqrt(x) ** 0, False),
        (lambda x: m.dot([0.0, 1.0], [m.sqrt(x), 2.0]), False),
        (lambda x: m.relu(m.where(x, m.exp(m.sqrt(x)), -1.0)), False),
        (lambda x: m.sqrt(x) * (x + 0.0), True),  # zeros that come out of the numbers
        (lambda x: m.sqrt(x) ** 2, True),
        (lambda x: m.abs(m.sqrt(x)), True),
    ],
)
def test_a_choice_makes_no_nan_and_a_zero_among_the_numbers_is_no_choice(f, taken):
    slope = grad(f)(0.0)
    assert math.isnan(slope) if taken else slope == 0.0
    if not taken:
        assert hessian(f)(0.0) == 0.0


def test_a_zero_that_comes_out_of_the_numbers_keeps_its_derivatives():
    assert grad(grad(lambda w: (3 * w - 6) ** 2))(2.0) == 18.0
    assert hessian(lambda v: v[0] * v[1])([0.0, 0.0]) == [[0.0, 1.0], [1.0, 0.0]]
    slopes = hessian(lambda v: lookup("leaky_relu")(v[0], v[1]))([0.0, 0.3])
    assert slopes == [[0.0, 1.0], [1.0, 0.0]]  # at 0 the branch slope · x is taken


def test_the_gradient_of_an_extreme_at_nan_is_nan():
    for name in ("maximum", "minimum"):
        x, y = Value(math.nan), Value(1.0)
        lookup(name)(x, y).backward()
        assert math.isnan(x.grad)
        assert math.isnan(y.grad)


def test_forms_for_arrays_of_any_number_of_operands_show_what_they_take():
    with pytest.raises(TypeError, match="own: array must be a function by def or lambda, got"):
        primitive("own", max, variadic=lambda out, *xs: [1.0] * len(xs), array=partial(max))


@pytest.mark.parametrize("variadic", [False, True])
def test_a_partial_that_is_a_sum_of_choices_is_nothing_where_none_was_taken(variadic):
    def slope(out, x):
        return m.where(x, 1.0, 0.0) + m.where(x - 1, 2.0, 0.0)

    def forward(x):
        return max(x, 0.0) + max(2 * (x - 1), 0.0)

    partials = {"variadic": lambda out, x: [slope(out, x)]} if variadic else {}
    bend = primitive("bend", forward, *([] if variadic else [slope]), **partials)
    x = Value(0.0)
    bend(-m.sqrt(x) - 1).backward()
    assert x.grad == 0.0
    assert (grad(bend)(0.5), grad(bend)(1.5)) == (1.0, 3.0)

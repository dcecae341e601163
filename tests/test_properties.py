"""Laws that hold for random expressions over the whole table, with sharing.

Where an expression has no value, forward says so by raising, and that is an outcome like any other.
"""

import builtins
import copy
import math
import operator
import pickle
from functools import partial

import mpmath
import numpy as np
import pytest
from hypothesis import Phase, assume, find, given, settings, strategies as st

from microgradnn import Value, check_grads, grad, hessian, jvp, steps
from microgradnn.checks import strategies
from microgradnn.checks.strategies import points
from microgradnn.primitive import ForwardError, gates, lookup, primitive, scratch_table
from microgradnn.sweep import sweep
from microgradnn.table import stop_gradient

EPSILON = 2.0**-52
quick = settings(max_examples=2 * settings().max_examples)
search = settings(max_examples=60, phases=[Phase.generate, Phase.shrink])
expressions = partial(strategies.expressions, smooth=False)  # laws hold at kinks and at edges too
two = points(2)


def real(x):
    if isinstance(x, mpmath.mpc):
        raise ValueError("not real")
    return x


OPERATORS = {gate.name: getattr(operator, gate.operator) for gate in gates() if gate.operator}


def second_opinion(gate):
    """The gate in mpmath: its function of that name, or what the entry says in mpmath's words."""
    if gate.exact is None:
        return getattr(mpmath, gate.name)
    return eval(f"lambda {', '.join(gate.parameters())}: {gate.exact}", {**vars(mpmath), **vars(builtins), "abs": abs})


SECOND_OPINION = {gate.name: second_opinion(gate) for gate in gates()}


def exactly(expression, point):
    return expression.run(
        [mpmath.mpf(x) for x in point],
        lambda gate, operands: real(SECOND_OPINION[gate.name](*[mpmath.mpf(operand) for operand in operands])),
    )


def exact_gradient(expression, point):
    """∂expression/∂x for each x with 30 digits, by differences with 90; no answer at a kink or beside the domain."""
    with mpmath.workdps(90):
        xs = [mpmath.mpf(x) for x in point]
        for i in range(len(xs)):

            def f(x, i=i):
                return exactly(expression, [*xs[:i], x, *xs[i + 1 :]])

            try:
                left, right = mpmath.diff(f, xs[i], direction=-1), mpmath.diff(f, xs[i], direction=1)
            except (ArithmeticError, ValueError):
                assume(False)
            assume(abs(left) < 1e30 and abs(left - right) <= mpmath.mpf(10) ** -30 * (1 + abs(left)))
            yield float(left)


def rounding(root):
    """What rounding at each gate of a graph can do to its root, to first order, at 4 ulp a gate."""
    return 4 * EPSILON * sum(abs(adjoint * node.data) for node, adjoint in sweep(root) if node.primitive is not None)


def with_gradient(expression, point):
    """The value and the gradient as recorded Values, so that their own rounding can be estimated."""
    xs = [Value(x) for x in point]
    try:
        value = expression(*xs)
    except ForwardError:
        assume(False)
    gradient = grad(expression, range(len(xs)))(*xs)
    return value, gradient


# ---- values -----------------------------------------------------------------------------------------------------


def plainly(gate, operands):
    """The gate by Python's own operators and `math`, where they have it."""
    function = OPERATORS.get(gate.name) or getattr(math, gate.name, gate.forward)
    if gate.name == "floor":  # which is a whole number to Python, without the sign of −0.0 and without infinity
        function = np.floor
    result = function(*operands)
    if isinstance(result, complex):
        raise ValueError("no real power")
    return float(result)


def outcome(compute):
    try:
        result = compute()
    except ForwardError as error:
        return type(error).__name__
    return repr(getattr(result, "data", result))


@quick
@given(expressions(), points(2, edges=True))
def test_forward_is_bit_identical_to_floats_and_raises_exactly_when_they_do(expression, point):
    expected = outcome(lambda: expression.run(point, plainly))
    assert outcome(lambda: expression(*point)) == expected
    assert outcome(lambda: expression(*map(Value, point))) == expected


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_values_and_partials_of_every_gate_against_mpmath(gate):
    for sample in gate.samples:
        out = gate.evaluate(sample)
        with mpmath.workdps(60):
            numbers = [mpmath.mpf(x) for x in sample]
            exact = SECOND_OPINION[gate.name]
            assert out == pytest.approx(float(exact(*numbers)), rel=1e-15, abs=1e-300)
            partials = gate.partials(out, sample) if gate is not stop_gradient else []  # whose rule is no slope
            for position, partial in enumerate(partials):
                order = tuple(int(place == position) for place in range(len(sample)))
                assert (partial or 0.0) == pytest.approx(
                    float(mpmath.diff(exact, tuple(numbers), order)), rel=1e-14, abs=1e-40
                )


# ---- derivatives ------------------------------------------------------------------------------------------------


@quick
@given(expressions(), two)
def test_derivatives_agree_with_mpmath(expression, point):
    _, gradient = with_gradient(expression, point)
    for found, exact in zip(gradient, exact_gradient(expression, point), strict=True):
        tolerance = rounding(found) + 1e-13 * abs(exact) + 1e-30
        assume(math.isfinite(tolerance))
        assert abs(found.data - exact) <= tolerance


@given(expressions(variables=1), points(1))
def test_derivatives_agree_with_central_differences(expression, point):
    """Where neither curvature nor cancellation spoils the differences, `check_grads` accepts every right rule."""
    value, gradient = with_gradient(expression, point)
    (exact,) = exact_gradient(expression, point)
    h = 2.0**-16
    try:
        above, below = exactly(expression, [point[0] + h]), exactly(expression, [point[0] - h])
    except (ArithmeticError, ValueError):
        assume(False)
    assume(math.isfinite(gradient[0].data))
    assume(abs((above - below) / (2 * h) - exact) + rounding(value) / h <= 1e-7 * abs(exact))
    check_grads(expression, tuple(point))


WRONG = {
    "a factor forgotten": lambda out, x: x,
    "a sign flipped": lambda out, x: -2 * x,
    "right for positive numbers only": lambda out, x: 2 * abs(x),
    "off by a ten-thousandth": lambda out, x: 2.0002 * x,
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize("mistake", WRONG)
@pytest.mark.parametrize("law", [test_derivatives_agree_with_mpmath, test_derivatives_agree_with_central_differences])
def test_each_law_catches_a_wrong_rule_and_shrinks_it_to_a_small_expression(law, mistake, monkeypatch):
    monkeypatch.setitem(SECOND_OPINION, "wrong", lambda x: x * x)

    def is_broken(case):
        try:
            law.hypothesis.inner_test(*case)
        except AssertionError:
            return True
        return False

    with scratch_table():
        gates = [lookup("add"), lookup("divide"), lookup("sin"), primitive("wrong", lambda x: x * x, WRONG[mistake])]
        smallest, _ = find(st.tuples(expressions(1, gates=gates), points(1)), is_broken, settings=search)
    assert "wrong(" in repr(smallest)
    assert len(smallest.lines) <= 2


# ---- laws -------------------------------------------------------------------------------------------------------


def swept(root, xs):
    """The gradient of `root`, found by a sweep from zero."""
    for x in xs:
        x.grad = None
    root.backward()
    return [x.grad for x in xs]


def recorded(expression, xs):
    try:
        return expression(*xs)
    except ForwardError:
        assume(False)


def same(x, y):
    return x == y or (math.isnan(x) and math.isnan(y))


def close(found, expected, root):
    """Whether two gradients of `root` agree to the rounding of the contributions that they are sums of."""
    size = sum(abs(adjoint * partial) for node, adjoint in sweep(root) for partial in node.partials if partial)
    assume(math.isfinite(size))
    return all(abs(a - b) <= 1e-13 * size for a, b in zip(found, expected, strict=True))


@pytest.mark.sampled(3)
@given(expressions(max_gates=4), expressions(max_gates=4), two)
@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum", "hypot", "sum", "logsumexp"])
def test_commuting(name, left, right, point):
    gate = next(gate for gate in gates() if gate.name == name)
    xs = [Value(x) for x in point]
    a, b = recorded(left, xs), recorded(right, xs)
    one, other = gate(a, b), gate(b, a)
    assert same(one.data, other.data)
    assert all(map(same, one.partials, reversed(other.partials)))
    assert close(swept(one, xs), swept(other, xs), one)


@quick
@given(expressions(), two)
def test_doubling(expression, point):
    """The gradient of f + f is twice that of f, to the last bit."""
    xs = [Value(x) for x in point]
    f = recorded(expression, xs)
    once = swept(f, xs)
    assert list(map(repr, swept(f + f, xs))) == [repr(2 * one) for one in once]
    assert list(map(repr, swept(f * 2, xs))) == [repr(2 * one) for one in once]
    f.backward()
    assert [repr(x.grad) for x in xs] == [repr(2 * one + one) for one in once]


@quick
@given(expressions(max_gates=4), expressions(1, max_gates=2), expressions(max_gates=2), two)
def test_detaching(outer, middle, inner, point):
    """With a value replaced by its number the result is the same, and only the paths around it are left."""
    xs = [Value(x) for x in point]
    u = recorded(middle, [recorded(inner, xs)])
    whole = recorded(outer, [xs[0], u])
    number, leaf = u.data, Value(u.data)
    detached, cut = outer(xs[0], number), outer(xs[0], leaf)
    assert repr(whole.data) == repr(getattr(detached, "data", detached)) == repr(cut.data)
    around, through = swept(cut, [xs[0], leaf])
    if isinstance(detached, Value):
        assert repr(swept(detached, xs[:1])[0]) == repr(around)
    inside = swept(u, xs)
    expected = [around + through * inside[0], through * inside[1]]
    assume(all(map(math.isfinite, inside)))
    assert close(swept(whole, xs), expected, whole)


@quick
@given(expressions(max_gates=4), expressions(max_gates=4), two, two)
def test_linearity(left, right, point, factors):
    xs = [Value(x) for x in point]
    a, b = recorded(left, xs), recorded(right, xs)
    root = factors[0] * a + factors[1] * b
    expected = [factors[0] * one + factors[1] * other for one, other in zip(swept(a, xs), swept(b, xs), strict=True)]
    assert close(swept(root, xs), expected, root)


@quick
@given(expressions(), two)
def test_all_sweeps_agree(expression, point):
    """`backward`, `grad` on numbers, recorded `grad` on Values and `jvp` find the same gradient."""
    xs = [Value(x) for x in point]
    root = recorded(expression, xs)
    once = swept(root, xs)
    assert all(map(same, grad(expression, (0, 1))(*point), once))
    assert close([g.data for g in grad(expression, (0, 1))(*xs)], once, root)
    assert close([jvp(expression, point, direction)[1] for direction in ([1.0, 0.0], [0.0, 1.0])], once, root)


@quick
@given(expressions(max_gates=5), two)
def test_hessians_are_symmetric(expression, point):
    xs = [Value(x) for x in point]
    recorded(expression, xs)
    (_, mixed), (mixed_too, _) = hessian(lambda v: expression(*v))(xs)
    tolerance = rounding(mixed) + rounding(mixed_too)
    assume(math.isfinite(tolerance))
    assert abs(mixed.data - mixed_too.data) <= tolerance


@quick
@given(expressions(max_gates=4), points(2, edges=True))
def test_derivatives_never_raise_where_forward_does_not(expression, point):
    """Only forward raises for a numeric reason: partials, sweeps and higher orders follow IEEE 754."""
    xs = [Value(x) for x in point]
    root = recorded(expression, xs)
    root.backward()
    assert len(hessian(lambda v: expression(*v))(point)) == len(steps(root)[:2]) == 2
    assert jvp(expression, point, [1.0, 1.0])[0] == root.data or math.isnan(root.data)


@quick
@given(expressions(), two)
def test_copies_have_the_same_gradient(expression, point):
    xs = [Value(x) for x in point]
    root = recorded(expression, xs)
    twin, *leaves = copy.deepcopy((root, *xs))
    other, *others = pickle.loads(pickle.dumps((root, *xs)))
    assert (
        list(map(repr, swept(root, xs)))
        == list(map(repr, swept(twin, leaves)))
        == list(map(repr, swept(other, others)))
    )

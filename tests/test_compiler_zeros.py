"""Signed zeros and constants: programs tell 0.0 from −0.0 and keep the order of constants where eager code does."""

import itertools
import math
import operator
from functools import reduce

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import microgradnn as mg
from microgradnn import Value
from microgradnn.compiler.sums import gather_sums
from microgradnn.compiler.tape import Tape
from microgradnn.compiler.zeros import NEVER_NEGATIVE, kept_in_order, told_apart
from microgradnn.primitive import gates, lookup, primitive, scratch_table
from tests.compile_cases import BACKENDS

backends = pytest.mark.parametrize("backend", BACKENDS)
SIGNS = [(0.0, 0.0), (0.0, -0.0), (-0.0, 0.0), (-0.0, -0.0)]


def sign(x):
    """π for 0.0, −π for −0.0."""
    return mg.atan2(x, -1.0)


def number(x):
    return getattr(x, "data", x)


# ---- zeros ------------------------------------------------------------------------------------------------------

ONE = [
    lambda a: -a, lambda a: 0.0 + a, lambda a: a + -0.0, lambda a: a - 0.0, lambda a: 0.0 - a, lambda a: a - -0.0,
    lambda a: -2.0 * a, lambda a: a * 1.0, lambda a: a / -3.0, lambda a: a**3, lambda a: a**1, lambda a: a * a,
    lambda a: mg.sum([a]), lambda a: sum([a]), lambda a: mg.logsumexp([a]), lambda a: mg.dot([a], [-1.0]), mg.relu,
    mg.leaky_relu, mg.elu, mg.hardtanh, mg.softsign, mg.sqrt, mg.sin, mg.tan, mg.tanh, mg.sinh, mg.asin, mg.atan,
    mg.erf, mg.expm1, mg.log1p, mg.abs, mg.sign,
]  # fmt: skip
MANY = [
    lambda a, b, c: a + b + c, lambda a, b, c: a - b, lambda a, b, c: a * b, lambda a, b, c: sum([a, b, c]),
    lambda a, b, c: a + (b + 0.0) + c, lambda a, b, c: mg.sum([a, b, c]), lambda a, b, c: mg.dot([a, b], [b, c]),
    lambda a, b, c: mg.dot([a], [-2.0], b), lambda a, b, c: a * b + b * c + c * a, lambda a, b, c: mg.where(a, b, c),
    lambda a, b, c: 2.0 * a + 3.0 * b + 4.0 * c + 5.0 * a, lambda a, b, c: a + a, lambda a, b, c: mg.sum([a, b]) + c,
]  # fmt: skip
LEAVES = [lambda x, y, w: x, lambda x, y, w: y, lambda x, y, w: w]  # inputs, a parameter


def _larger(inner):
    one = st.builds(lambda f, a: lambda *xs: f(a(*xs)), st.sampled_from(ONE), inner)
    many = st.builds(
        lambda f, a, b, c: lambda *xs: f(a(*xs), b(*xs), c(*xs)), st.sampled_from(MANY), inner, inner, inner
    )
    return one | many


ZEROS = st.recursive(st.sampled_from(LEAVES), _larger, max_leaves=6)


@backends
def test_zeros_have_the_signs_that_eager_code_gives_them(backend):
    """Of zeros alone, so that rounding is no matter: what looks at the sign of one sees that of eager code."""

    @settings(
        max_examples=settings().max_examples if backend != "jax" else 8, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(ZEROS, min_size=1, max_size=3))
    def law(expressions):
        w = Value(0.0)
        program = mg.compile(
            lambda x, y: [sign(expression(x, y, w)) for expression in expressions], w, example=(1.0, 1.0),
            reduce=None, backend=backend,
        )  # fmt: skip
        for w.data in (0.0, -0.0):
            program.pull()
            found = program.value(*np.array(SIGNS).T)
            expected = [
                [number(sign(expression(Value(x), Value(y), Value(w.data)))) for expression in expressions]
                for x, y in SIGNS
            ]
            assert found == pytest.approx(np.array(expected))

    law()


@pytest.mark.sampled(7)
@backends
@pytest.mark.parametrize("one", ONE)
def test_every_gate_keeps_the_sign_of_a_zero(one, backend):
    program = mg.compile(lambda x: sign(one(x)), example=(0.5,), reduce=None, backend=backend)
    assert program.value([0.0, -0.0]) == pytest.approx([number(sign(one(Value(x)))) for x in (0.0, -0.0)])


READERS = {
    "atan2": (lambda t: mg.atan2(t, -1.0), 1.0),
    "atan2 of two": (lambda t: mg.atan2(0.0, t), 1.0),
    "divide": (lambda t: mg.atan(1.0 / t), 1.0),
    "power": (lambda t: mg.atan(t**-3), 1.0),
    "the slope of log": (lambda t: mg.atan(mg.grad(mg.log)(t)), 1.0),
    "relu": (lambda t: mg.atan(1.0 / mg.relu(t)), 1.0),
}


@pytest.mark.sampled(3)
@backends
@pytest.mark.parametrize("name", READERS)
def test_whatever_looks_at_the_sign_of_a_zero_sees_it(name, backend):
    reader, _ = READERS[name]
    chains = [lambda x: 0.0 + (-x), lambda x: -x, lambda x: -x + -2.0 * x + -3.0 * x, lambda x: sum([-x, -x, -x])]
    signs = [[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, -1.0, 1.0]]  # at −0.0 and 0.0
    program = mg.compile(lambda x: [reader(f(x)) for f in chains], example=(1.0,), reduce=None, backend=backend)
    plus, minus = program.value([-0.0, 0.0])
    assert program.value([-0.0])[0] == pytest.approx(plus)  # XLA simplifies a single example otherwise
    assert program.value([0.0])[0] == pytest.approx(minus)
    wanted = mg.compile(lambda t: reader(t), example=(1.0,), reduce=None, backend="python")
    assert plus == pytest.approx(wanted.value(np.array(signs[0]) * 0.0))
    assert minus == pytest.approx(wanted.value(np.array(signs[1]) * 0.0))


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_gates_of_your_own_see_the_sign_of_a_zero(backend):
    with scratch_table():
        one = primitive("one", lambda x: math.copysign(1.0, x), lambda out, x: 0.0)
        two = primitive("two", lambda x, y: math.copysign(x, y), lambda out, x, y: 1.0, None)
        program = mg.compile(
            lambda x: [one(0.0 + (-x)), two(2.0, 0.0 + (-x)), one(-x)], example=(1.0,), reduce=None, backend=backend
        )
        assert program.value([0.0]).tolist() == [[1.0, 2.0, -1.0]]


def test_a_gate_of_your_own_of_any_number_of_operands_tells_zeros_apart():
    with scratch_table():
        gate = primitive("any", lambda *xs: math.copysign(1.0, xs[-1]), variadic=lambda out, *xs: [0.0] * len(xs))
        tape = Tape(2)
        tape.roots = [tape.write(gate, (0, 1))]
        assert list(told_apart(tape)) == [1, 1, 0]


def test_a_gate_of_your_own_that_knows_no_0_is_not_asked_for_it():
    with scratch_table():
        root = primitive("root", lambda x: {4.0: 2.0}[x], lambda out, x: 0.5 / out)
        assert mg.compile(lambda x: root(x + 0.0), example=(4.0,)).value([4.0]) == 2.0


@backends
def test_constants_0_and_minus_0_of_one_group_are_two(backend):
    f = lambda x: [sign(x * c) for c in (0.0, -0.0, 0.0)] + [sign(c - x) for c in (-0.0, 0.0)]  # noqa: E731
    found = mg.compile(f, example=(1.0,), reduce=None, backend=backend).value([1.0, 0.0])
    assert found == pytest.approx(np.array([f(1.0), f(0.0)]))


def test_which_zeros_are_told_apart():
    tape = Tape(4)
    write = lambda name, *places: tape.write(lookup(name), places)  # noqa: E731
    through = write("tanh", write("add", 0, 1))
    square = write("multiply", 2, 2)
    tape.roots = [write("divide", 3, through), write("divide", square, write("sum", 2, 3)), write("exp", 3)]
    told = told_apart(tape)
    assert [bool(one) for one in told[:4]] == [True, True, False, False]
    assert told[through]
    assert not told[square]


def test_gates_that_cannot_give_minus_0_do_not_and_gates_that_tell_zeros_apart_are_known():
    """By their numbers, at operands of both signs of zero."""
    for gate in gates():
        tape = Tape(len(gate.samples[0]))
        tape.roots = [tape.append(gate, tuple(range(tape.leaves)))]
        told = told_apart(tape)
        for sample in gate.samples:
            for place in range(len(sample)):
                at = [[*sample[:place], zero, *sample[place + 1 :]] for zero in (0.0, -0.0)]
                outs = [gate.limit(one) for one in at]
                slopes = [gate.partials(out, one) for out, one in zip(outs, at, strict=True)]
                numbers = [[out, *[slope or 0.0 for slope in listed]] for out, listed in zip(outs, slopes, strict=True)]
                alike = np.array_equal(*numbers, equal_nan=True)
                assert alike or told[place], (gate, at)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(NEVER_NEGATIVE))
def test_gates_that_are_said_to_give_no_minus_0_give_none(name):
    """At their samples and at all combinations of numbers at which others do."""
    gate, edges = lookup(name), [0.0, -0.0, 5e-324, -5e-324, 1.0, -1.0, 1e3, -1e3, math.inf, -math.inf]
    for point in [*gate.samples, *itertools.product(edges, repeat=gate.arity or 3)]:
        assert repr(gate.limit(point)) != "-0.0", point


def test_sums_whose_zeros_nobody_tells_apart_begin_with_nothing():
    tape = Tape(3)
    zero = tape.write(lookup("add"), (0.0, 0))
    tape.roots = [tape.write(lookup("exp"), (tape.write(lookup("add"), (zero, 1)),))]
    assert not any(kept_in_order(tape, told_apart(tape)))
    assert [gate.name for gate, _ in gather_sums(tape, 0, split_root=False).lines] == ["add", "exp"]


def test_a_sum_that_may_be_minus_0_is_left_as_it_is_and_others_are_gathered():
    def chain(*terms):
        tape = Tape(4)
        total = terms[0]
        for term in terms[1:]:
            total = tape.write(lookup("add"), (total, term))
        tape.roots = [tape.write(lookup("divide"), (1.0, total))]
        return [gate.name for gate, _ in gather_sums(tape, 0, split_root=False).lines]

    assert chain(0, 1, 2, 3) == ["add", "add", "add", "divide"]
    assert chain(0.0, 0, 1, 2, 3) == ["sum", "add", "divide"]
    assert chain(0, 1, 2, 1.0, 3) == ["sum", "add", "divide"]


# ---- constants --------------------------------------------------------------------------------------------------

LARGE = [1e308, -1e308, 2.0**52, -(2.0**52), 6755399441055744.0]


@backends
def test_large_constants_stay_in_their_order(backend):
    @settings(
        max_examples=settings().max_examples if backend != "jax" else 8, deadline=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(st.sampled_from(LARGE), min_size=2, max_size=4), st.booleans())
    def law(constants, gate):
        def f(x):
            total = x
            for constant in constants:
                total = total + constant
            return mg.sum([x, *constants]) if gate else total

        at = [-1e308, 1e308, 0.3, 2.5]
        found = mg.compile(f, example=(0.0,), reduce=None, backend=backend).value(at)
        # As one adds by hand: from Python 3.12 on eager sums carry the rounding along.
        assert found.tolist() == [reduce(operator.add, constants, x) for x in at]

    law()


@pytest.mark.sampled(7)
@backends
@pytest.mark.parametrize("first", [1e200, 1e-200, 4.0, 0.5, -3.0])
@pytest.mark.parametrize("second", [1e200, 1e-200, 2.0, 0.25, -8.0])
def test_products_of_constants_are_taken_in_their_order(first, second, backend):
    if backend == "jax" and (first, second) not in [(1e200, 1e200), (1e-200, 1e-200)]:
        return
    at = [1e-300, 1e300, 1.0, math.inf]
    program = mg.compile(lambda x: second * (first * x), example=(1.0,), wrt="inputs", reduce="sum", backend=backend)
    values = mg.compile(lambda x: second * (first * x), example=(1.0,), reduce=None, backend=backend).value(at)
    assert values == pytest.approx([second * (first * x) for x in at], rel=1e-12, abs=0)
    assert program.grad(at) == pytest.approx([second * first] * 4, rel=1e-12, abs=0)

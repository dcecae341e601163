"""The reverse sweep: gradients add up along every path, at the edges as IEEE 754 says, at any depth, in any thread."""

import copy
import math
import threading
import time

import pytest

import microgradnn as m
from microgradnn import Value, detect_anomaly, grad, hessian, steps
from tests.test_context import in_threads


def gradients(root, *leaves):
    """The gradients that one more sweep adds."""
    before = [leaf.grad for leaf in leaves]
    root.backward()
    return [leaf.grad - old for leaf, old in zip(leaves, before, strict=True)]


def deep(length):
    """A chain of `length` gates whose gradient by x is 1."""
    x = Value(0.5, "x")
    y = x
    for _ in range(length // 2):
        y = (y + 1.0) - 1.0
    return x, y


def test_backward_twice_doubles_leaves_and_never_mixes_stale_interior_gradients():
    """Micrograd gives 24 and then 72: its second sweep starts from what the first one left in the gates."""
    x = Value(2.0)
    q = x * x
    f = q * q * 0.75
    f.backward()
    assert (x.grad, q.grad) == (24.0, 6.0)
    f.backward()
    assert (x.grad, q.grad) == (48.0, 6.0)


def test_sweeps_from_two_roots_add_up_on_leaves_and_set_gates():
    x = Value(3.0)
    q = x * x
    (q * 2).backward()
    (q * 5).backward()
    assert (x.grad, q.grad) == (42.0, 5.0)


def test_backward_from_a_leaf_and_from_an_interior_node():
    x = Value(3.0)
    q = x * x
    f = q * 2
    q.backward()
    assert (f.grad, x.grad) == (0.0, 6.0)
    x.backward()
    assert x.grad == 7.0


def test_nodes_reached_only_through_operands_without_gradient_get_zero():
    c, x = Value(1.0), Value(2.0)
    m.where(m.exp(c), x, 0.0).backward()
    assert (c.grad, c.swept, x.grad) == (0.0, True, 1.0)


def test_a_deep_chain_goes_through_the_transforms_and_steps():
    def f(x):
        for _ in range(2_000):
            x = x * 1.0
        return x * x

    assert grad(f)(3.0) == 6.0
    assert m.jvp(f, (3.0,), (1.0,)) == (9.0, 6.0)
    assert hessian(f)(3.0) == 2.0
    assert m.hvp(f, 3.0, 2.0) == 4.0
    assert len(steps(f(Value(3.0)))) == 2 * 2_001 + 2


def test_a_wide_gate_and_deep_sharing():
    x = Value(1.0)
    assert gradients(m.sum([x] * 10_000), x) == [10_000.0]
    y = x
    for _ in range(60):
        y = y + y
    assert gradients(y, x) == [2.0**60]
    assert copy.deepcopy(y).data == 2.0**60


@pytest.mark.parametrize(
    ("f", "at", "derivatives"),
    [
        (m.sqrt, 0.0, (math.inf, -math.inf)), (lambda x: x**0.5, 0.0, (math.inf, -math.inf)),
        (lambda x: 1 / x, 1e-200, (-math.inf, math.inf)),
        (m.log, 5e-324, (math.inf, -math.inf)), (lambda x: x**1e300, 1.0, (1e300, math.inf)),
        (lambda x: m.exp(x * 1e300), 0.0, (1e300, math.inf)), (lambda x: x * 1e200 * 1e200, 1.0, (math.inf, 0.0)),
    ],
)  # fmt: skip
def test_derivatives_follow_ieee_and_never_raise(f, at, derivatives):
    x = Value(at)
    f(x).backward()
    assert x.grad == derivatives[0]
    assert grad(f)(at) == derivatives[0]
    assert grad(grad(f))(at) == derivatives[1]


def test_constants_in_derivatives_of_derivatives_follow_ieee_too():
    """(−2)ˣ at 3 is −8; its derivatives ask for ln(−2)."""
    x = Value(3.0)
    assert math.isnan(grad(lambda x: (-2.0) ** x)(x).data)
    assert math.isnan(grad(grad(lambda x: (-2.0) ** x))(3.0))


@pytest.fixture
def switch_inside_backward():
    """Let other threads run after every single instruction of `backward`."""

    def pause(frame, event, arg):
        if frame.f_code.co_name == "backward":
            frame.f_trace_opcodes = True
            if event == "opcode":
                time.sleep(1e-6)
            return pause

    threading.settrace(pause)
    yield
    threading.settrace(None)


@pytest.mark.usefixtures("switch_inside_backward")
def test_concurrent_sweeps_that_share_a_leaf_lose_nothing():
    x = Value(1.0)

    def work():
        for _ in range(10):
            (x * 2.0 + x).backward()

    in_threads(*[work] * 4)
    assert x.grad == 4 * 10 * 3.0


def test_sqrt_of_negative_zero_has_an_infinite_slope_upwards():
    x = Value(-0.0)
    m.sqrt(x).backward()
    assert x.grad == math.inf


def test_detect_anomaly_names_the_gate_where_a_gradient_becomes_nan():
    with detect_anomaly():
        x = Value(0.0, "x")
        root = m.sqrt(x * x)
        with pytest.raises(
            FloatingPointError, match=r"nan at multiply\(x=0.0, x=0.0\), recorded at .*test_sweep.py, .* = m"
        ):
            root.backward()
    assert not x.swept
    root.backward()  # unwatched it goes on
    assert math.isnan(x.grad)


def test_detect_anomaly_names_contributions_that_add_up_to_nan():
    with detect_anomaly():
        x = Value(0.0, "x")
        root = m.sqrt(x) - 2 * m.sqrt(x)
        with pytest.raises(FloatingPointError, match=r"sum of (-?inf from sqrt\(x=0.0\), recorded .*){2}"):
            root.backward()


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: grad(f)(0.0), lambda f: m.value_and_grad(f)(0.0), lambda f: m.jacobian(f)(0.0),
        lambda f: hessian(f)(0.0), lambda f: m.hvp(f, 0.0, 1.0), lambda f: m.jvp(f, (0.0,), (1.0,)),
        lambda f: grad(f)(Value(0.0)),
    ],
)  # fmt: skip
def test_detect_anomaly_watches_the_transforms(derivative):
    with (
        detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"nan at (multiply|sqrt)\(.*recorded at .*test_sweep"),
    ):
        derivative(lambda x: m.sqrt(x * x))


def test_backward_from_what_no_grad_computed_is_refused():
    """It remembers no operands, so nothing would be found; a leaf is its own derivative."""
    w = Value(3.0)
    with m.no_grad():
        loss = w * w
    with pytest.raises(ValueError, match=r"Value\(data=9.0, grad=0.0\) remembers no operands.*outside"):
        loss.backward()
    assert (w.grad, loss.grad) == (0.0, 0.0)
    w.backward()
    assert w.grad == 1.0


def test_partials_that_are_no_floats_are_handed_on_as_well():
    x, y, z = Value(1.0), Value(2.0), Value(3.0)
    out = m.sum([x, y, z])
    out._left_partial = (2, True, 0.5)
    out.backward()
    assert (x.grad, y.grad, z.grad) == (2.0, 1.0, 0.5)


def test_a_partial_of_a_number_is_an_error_and_no_crash():
    product = Value(1.0) * 2.0
    product._right_partial = 1.0
    with pytest.raises(AttributeError):
        product.backward()

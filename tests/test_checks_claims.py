"""Gradients that somebody else computes: of plain functions, by hand, by PyTorch, by JAX."""

import math

import numpy as np
import pytest

from microgradnn import check_grads, report_grads, tanh


def circuit(v, w):
    return math.sin(v[0] * w) + math.exp(v[1])


def by_hand(v, w):
    return [math.cos(v[0] * w) * w, math.exp(v[1])], math.cos(v[0] * w) * v[0]


def test_a_right_claim_is_proven_and_a_wrong_one_named():
    report = report_grads(circuit, ([0.3, -1.0], 2.0), of=by_hand)
    assert [(finding.verdict, finding.by) for finding in report] == [("right", "proof")] * 3
    first, *rest = report_grads(
        circuit, ([0.3, -1.0], 2.0), of=lambda v, w: ([math.cos(v[0] * w), math.exp(v[1])], 0.0)
    )
    assert (first.verdict, first.place, first.exact) == ("wrong", "argument 0[0]", math.cos(0.6))
    assert first.message == (
        f"the derivative by argument 0[0] = 0.3 was claimed to be {math.cos(0.6)!r}, it is {2 * math.cos(0.6)!r}"
    )
    assert [finding.verdict for finding in rest] == ["right", "wrong"]


@pytest.mark.parametrize("error", [1e-2, 1e-6, 1e-8])
def test_small_errors_are_seen(error):
    assert not report_grads(math.sin, (1.0,), of=lambda x: math.cos(x) * (1 + error))


def test_claims_may_be_flat_and_one_argument_needs_no_tuple():
    for claim in ([2.0, 4.0], (2.0, 4.0), ([2.0, 4.0],), np.array([2.0, 4.0])):
        check_grads(lambda v: sum(x * x for x in v), ([1.0, 2.0],), of=lambda v, claim=claim: claim)
    check_grads(circuit, ([0.3, -1.0], 2.0), of=lambda v, w: [*by_hand(v, w)[0], by_hand(v, w)[1]])


@pytest.mark.parametrize("claim", [1.0, [1.0], [1.0, 2.0, 3.0], [[1.0], [2.0]]])
def test_claims_of_another_shape_are_refused(claim):
    with pytest.raises(ValueError, match="of= must return a number for each number of the arguments"):
        check_grads(lambda v: v[0] * v[1], ([1.0, 2.0],), of=lambda v: claim)


def test_functions_of_arrays():
    def loss(w, x):
        return float(np.tanh(w @ x).sum()) if w.dtype == float else np.tanh(w @ x).sum()

    def gradient(w, x):
        slope = 1 - np.tanh(w @ x) ** 2
        return np.outer(slope, x), w.T @ slope

    w, x = np.array([[0.5, -1.0], [2.0, 0.3]]), np.array([0.7, -0.4])
    report = report_grads(loss, (w, x), of=gradient)
    assert report
    assert len(report) == 6
    assert not report_grads(loss, (w, x), of=lambda w, x: (gradient(w, x)[0].T, gradient(w, x)[1]))
    assert report_grads(loss, (w, x), of=gradient).findings[1].place == "argument 0[0][1]"


def test_functions_of_this_package_are_functions_of_floats_too():
    check_grads(lambda x: tanh(x), (0.5,), of=lambda x: 1 - math.tanh(x) ** 2)


def test_kinks_and_edges():
    [kink] = report_grads(abs, (0.0,), of=lambda x: 0.3)
    assert (kink.verdict, kink.message) == (
        "kink", "the derivative by argument 0 = 0.0 is at a kink: the slope is −1 on its left and 1 on its right, "
        "the claim is 0.3",
    )  # fmt: skip
    [edge] = report_grads(math.sqrt, (0.0,), of=lambda x: math.inf)
    assert edge.verdict == "outside"


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(TypeError, match="f returned 2: sum them or choose one"):
        check_grads(lambda x: [x, x], (1.0,), of=lambda x: 1.0)
    with pytest.raises(ValueError, match="of= claims a gradient, which is of order 1, got order=2"):
        check_grads(math.sin, (1.0,), 2, of=math.cos)
    with pytest.raises(TypeError, match="expected a number"):
        check_grads(math.sin, (1.0,), of=lambda x: "1.0")


def test_dicts_are_read_by_key():
    point = ({"a": 2.0, "b": 3.0},)
    check_grads(lambda d: d["a"] ** 2 * d["b"], point, of=lambda d: {"b": 4.0, "a": 12.0})
    report = report_grads(lambda d: d["a"] ** 2 * d["b"], point, of=lambda d: {"b": 12.0, "a": 4.0})
    assert [finding.verdict for finding in report] == ["wrong", "wrong"]


def test_a_kink_outside_of_its_slopes_names_both():
    [finding] = report_grads(abs, (0.0,), of=lambda x: 2.0)
    assert finding.message.endswith("was claimed to be 2.0, it is 1.0: at this kink it must lie between −1 and 1")
    check_grads(lambda x: max(0.1 * x, 0.2 * x), (0.0,), rtol=1e-3, of=lambda x: 0.2 * (1 + 1e-6))


def test_an_edge_a_few_ulps_away_is_none():
    for x in (0.99999999999999, 0.9999999999999999):
        check_grads(math.acos, (x,), of=lambda x: -1 / math.sqrt((1 - x) * (1 + x)))


def test_complex_claims_and_claims_that_are_no_function_are_refused():
    with pytest.raises(TypeError, match="expected real numbers"):
        check_grads(math.sin, (1.0,), of=lambda x: np.array(2 + 3j))
    with pytest.raises(TypeError, match="of= takes the function that computes the gradient, got int 5"):
        check_grads(math.sin, (1.0,), of=5)


@pytest.mark.parametrize(("kind", "error", "wrong"), [("float32", 1e-5, 1e-3), ("float16", 1e-3, 0.05)])
def test_claims_of_less_precision_are_allowed_for(kind, error, wrong):
    def claim(x, error):
        return np.array(math.cos(x) * (1 + error)).astype(kind)

    check_grads(math.sin, (1.0,), of=lambda x: claim(x, error))
    assert not report_grads(math.sin, (1.0,), of=lambda x: [claim(x, wrong)])
    assert not report_grads(math.sin, (1.0,), of=lambda x: float(claim(x, wrong / 100)))


def test_a_function_of_less_precision_is_told_to_have_more():
    def f(x):
        return np.tanh(np.float32(3 * x))

    def claim(x):
        return np.float32(3 / math.cosh(3 * x) ** 2)

    [finding] = report_grads(f, (0.7,), of=claim, rtol=1e-9)
    assert finding.verdict == "noisy"
    assert finding.message.endswith(", and f computes in less than double precision, let it compute in float64")
    check_grads(f, (0.7,), of=claim, rtol=1e-2)
    assert not report_grads(f, (0.7,), of=lambda x: 1.1 * claim(x), rtol=1e-2)


@pytest.mark.torch
def test_a_function_of_pytorch_right_and_wrong():
    import torch

    class Cube(torch.autograd.Function):
        factor = 3.0

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, upstream):
            (x,) = ctx.saved_tensors
            return upstream * Cube.factor * x**2

    def value(v):
        return Cube.apply(torch.tensor(v, dtype=torch.float64)).sum()

    def gradient(v):
        x = torch.tensor(v, dtype=torch.float64, requires_grad=True)
        Cube.apply(x).sum().backward()
        return x.grad

    report = report_grads(value, ([0.5, -2.0],), of=gradient)
    assert [(finding.verdict, finding.by) for finding in report] == [("right", "differences")] * 2
    assert "differences of floats were used" in report.note
    Cube.factor = 3.0001
    assert [finding.verdict for finding in report_grads(value, ([0.5, -2.0],), of=gradient)] == ["wrong", "wrong"]
    with pytest.raises(TypeError, match="argument 0 is a Tensor: give plain numbers, lists or NumPy arrays"):
        check_grads(value, (torch.tensor([1.0]),), of=gradient)


@pytest.mark.jax
def test_a_rule_of_jax_right_and_wrong():
    import jax

    def ruled(factor):
        @jax.custom_vjp
        def log1pexp(x):
            return jax.numpy.logaddexp(x, 0.0)

        log1pexp.defvjp(lambda x: (log1pexp(x), x), lambda x, upstream: (factor * upstream * jax.nn.sigmoid(x),))
        return log1pexp

    with jax.enable_x64(True):
        check_grads(ruled(1.0), (0.7,), of=jax.grad(ruled(1.0)))
        assert not report_grads(ruled(1.0001), (0.7,), of=jax.grad(ruled(1.0001)))

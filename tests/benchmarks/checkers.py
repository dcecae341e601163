"""Other checkers of derivatives, all asked the same: whether a claimed gradient belongs to a function.

Each gets a function of floats, its claimed gradient and its claimed second derivatives in its own form, and answers
yes, no, or None where it has no estimate. A checker has settings: its defaults come first.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from microgradnn import Value, no_grad
from microgradnn.trees import leaves, like
from tests.verdicts.case import Case, planted
from tests.verdicts.judge import NO_VALUE, claimed, claimed_second

Array = Any


class Claim(NamedTuple):
    """A function of an array, its gradient and second derivatives by its rules; nan where there is no value."""

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    second: Callable[[Array], Array]
    point: Array


def claim_of(f: Callable[..., Any], args: tuple[Any, ...]) -> Claim:
    """The function `f` of microgradnn as others take it."""
    count = len(leaves(args))

    def value(x: Array) -> float:
        with no_grad():
            result = f(*like(args, iter([Value(float(number)) for number in x])))
        return result.data if isinstance(result, Value) else float(result)

    def flat(function: Callable[[Array], Any], *shape: int) -> Callable[[Array], Array]:
        def of_array(x: Array) -> Array:
            try:
                return np.array(function(np.asarray(x)), dtype=float).reshape(shape)
            except NO_VALUE:
                return np.full(shape, math.nan)

        return of_array

    def rules(derivative: Callable[..., Any]) -> Callable[[Array], Any]:
        return lambda x: derivative(f, like(args, iter([float(number) for number in x])))

    return Claim(
        flat(value), flat(rules(claimed), count), flat(rules(claimed_second), count, count), np.array(leaves(args))
    )


Answers = list[bool | None]  # of each of the settings


class Checker(NamedTuple):
    """A checker with the names of its settings; `check(claim, order)` answers for each."""

    name: str
    settings: Sequence[str]
    check: Callable[[Claim, int], Answers]
    orders: tuple[int, ...] = (1,)

    @property
    def estimates(self) -> bool:
        """Whether one run serves all settings."""
        return self.settings is _ESTIMATES


# ---- estimates with an error -----------------------------------------------------------------------------------------

# How far claim and estimate may differ: so many times the error that the tool gives, and a part of the derivative.
TOLERANCES = [(1.0, 1e-12), (10.0, 1e-10), (10.0, 1e-8), (100.0, 1e-10), (1.0, 1e-8), (0.0, 1e-6), (0.0, 1e-8)]


def _by_estimates(estimate: Callable[[Claim], tuple[Array, Array]], claim: Claim, order: int) -> Answers:
    gradient = claim.gradient(claim.point)
    try:
        slopes, errors = (np.broadcast_to(np.ravel(found), gradient.shape) for found in estimate(claim))
    except Exception:  # what a tool says of a point where it has nothing to say differs
        return [None] * len(TOLERANCES)
    if not np.all(np.isfinite(slopes)):
        return [None] * len(TOLERANCES)
    size, gap = np.maximum(np.abs(slopes), np.abs(gradient)), np.abs(slopes - gradient)
    return [bool(np.all(gap <= times * np.nan_to_num(errors) + rtol * size)) for times, rtol in TOLERANCES]


def _numdifftools(claim: Claim) -> tuple[Array, Array]:
    import numdifftools

    found = numdifftools.Gradient(claim.value, full_output=True)(claim.point)
    return found.estimate, found.error_estimate


def _jacobi(claim: Claim) -> tuple[Array, Array]:
    import jacobi

    return jacobi.jacobi(claim.value, claim.point)


def _scipy(claim: Claim) -> tuple[Array, Array]:
    from scipy.differentiate import jacobian

    found = jacobian(lambda x: np.apply_along_axis(claim.value, 0, x), claim.point)
    return found.df, found.error


# ---- checkers of frameworks ------------------------------------------------------------------------------------------


def _answer(check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception:  # AssertionError, and whatever a framework raises of nan
        return False
    return True


TORCH = [(1e-6, 1e-5, 1e-3), *product([1e-6, 1e-5], [1e-7, 1e-9], [1e-6])]  # eps, atol, rtol


def _torch(claim: Claim, order: int) -> Answers:
    import torch

    tensor = partial(torch.tensor, dtype=torch.float64)

    class Gradient(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return tensor(claim.gradient(x.detach().numpy()))

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return upstream @ tensor(claim.second(ctx.saved_tensors[0].detach().numpy()))

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return tensor(claim.value(x.detach().numpy()))

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return upstream * Gradient.apply(ctx.saved_tensors[0])

    def check(eps: float, atol: float, rtol: float) -> None:
        x = tensor(claim.point).requires_grad_()
        torch.autograd.gradcheck(Function.apply, (x,), eps=eps, atol=atol, rtol=rtol)
        if order == 2:
            torch.autograd.gradgradcheck(Function.apply, (x,), eps=eps, atol=atol, rtol=rtol)

    return [_answer(partial(check, *setting)) for setting in TORCH]


JAX: list[tuple[float | None, ...]] = [(None, None, None), (1e-8, 1e-6, 1e-6)]


def _jax(claim: Claim, order: int) -> Answers:
    import jax
    from jax import numpy as jnp
    from jax.test_util import check_grads

    count = len(claim.point)

    def calling(function: Callable[[Array], Array], *shape: int) -> Callable[[Any], Any]:
        return lambda x: jax.pure_callback(function, jax.ShapeDtypeStruct(shape, jnp.float64), x)

    def with_rule(function: Callable[[Any], Any], rule: Callable[[Any], Any]) -> Callable[[Any], Any]:
        ruled = jax.custom_vjp(function)
        ruled.defvjp(lambda x: (ruled(x), x), lambda x, upstream: (upstream @ rule(x),))
        return ruled

    gradient = with_rule(calling(claim.gradient, count), calling(claim.second, count, count))
    ruled = jax.custom_vjp(calling(claim.value))
    ruled.defvjp(lambda x: (ruled(x), x), lambda x, upstream: (upstream * gradient(x),))
    with jax.enable_x64(True):
        x = jnp.asarray(claim.point, dtype=jnp.float64)
        return [
            _answer(lambda a=atol, r=rtol, e=eps: check_grads(ruled, (x,), order, ["rev"], a, r, e))
            for atol, rtol, eps in JAX
        ]


HIPS = [(1e-6, 1e-6, 1e-6), (1e-8, 1e-6, 1e-6), (1e-9, 1e-7, 1e-5), (1e-7, 1e-7, 1e-6)]  # TOL, RTOL, EPS


def _hips(claim: Claim, order: int) -> Answers:
    from autograd import numpy as anp, test_util
    from autograd.extend import defvjp, primitive

    value, gradient = primitive(claim.value), primitive(claim.gradient)
    defvjp(value, lambda out, x: lambda upstream: upstream * gradient(x))
    defvjp(gradient, lambda out, x: lambda upstream: anp.dot(upstream, claim.second(x)))
    defaults = test_util.TOL, test_util.RTOL, test_util.EPS
    answers: Answers = []
    for test_util.TOL, test_util.RTOL, test_util.EPS in HIPS:
        np.random.seed(0)
        answers.append(_answer(lambda: test_util.check_grads(value, modes=["rev"], order=order)(claim.point)))
    test_util.TOL, test_util.RTOL, test_util.EPS = defaults
    return answers


_ESTIMATES = [f"{times:g} × its error + {rtol:g}" for times, rtol in TOLERANCES]
_THREE = "{0:g}, {1:g}, {2:g}"
CHECKERS = [
    Checker("jacobi", _ESTIMATES, partial(_by_estimates, _jacobi)),
    Checker("numdifftools", _ESTIMATES, partial(_by_estimates, _numdifftools)),
    Checker("scipy.differentiate", _ESTIMATES, partial(_by_estimates, _scipy)),
    Checker("HIPS autograd", [_THREE.format(*setting) for setting in HIPS], _hips, (1, 2)),
    Checker("JAX", ["defaults", *[_THREE.format(*setting) for setting in JAX[1:]]], _jax, (1, 2)),
    Checker("PyTorch gradcheck", [_THREE.format(*setting) for setting in TORCH], _torch, (1, 2)),
]


def answers(checker: Checker, case: Case, order: int) -> Answers:
    """What a checker says of a case with each of its settings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), planted(case) as f:
        warnings.simplefilter("ignore")
        return checker.check(claim_of(f, case.args), order)

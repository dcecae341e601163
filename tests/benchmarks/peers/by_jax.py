"""JAX by hand, and our functions on JAX: `to_jax` in the step that the peer is in."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks import eager
from tests.benchmarks.problems import (
    ALPHA,
    DIGITS,
    DIMENSIONS,
    MOONS,
    RATE,
    Problem,
    Step,
    arrays,
    digits,
    mixture,
    moons,
    pairs,
    points,
    stepping,
    valley,
)


@contextmanager
def float64() -> Iterator[None]:
    """JAX in float64, here only: other code may want it otherwise."""
    import jax

    with jax.enable_x64(True):
        yield


def ours_in_jax(problem: Callable[[], Problem]) -> Step:
    """The function that `to_jax` gives, jitted in the step that the peer written in JAX is in."""
    given = problem()
    program = given.program("numpy")
    return jax_step(program.to_jax(), np.array(program.params), given)


def jax_step(function: Callable[..., Any], params: Any, given: Problem) -> Step:
    """`function` of (params, *batch), jitted with its gradient, and with the update where it is trained."""
    import jax

    params = jax.tree.map(jax.numpy.asarray, params)
    argnums = 0 if given.wrt == "params" else tuple(range(1, 1 + len(given.batch)))
    value_and_grad = jax.jit(jax.value_and_grad(function, argnums))
    if not given.trained:

        def evaluate(*batch: Any) -> tuple[float, Any]:
            value, gradients = value_and_grad(params, *batch)
            jax.block_until_ready(gradients)
            return float(value), gradients

        return stepping(evaluate, given.batch)

    @jax.jit
    def train(params: Any, *batch: Any) -> Any:
        value, gradients = jax.value_and_grad(function)(params, *batch)
        return jax.tree.map(lambda p, g: p - RATE * g, params, gradients), value

    start, batch = params, given.batch

    def run() -> None:
        nonlocal params
        params, value = train(params, *batch)
        float(value)

    return Step(run, lambda: value_and_grad(start, *batch))


def jax_v1(count: int = 100) -> Step:
    """The demo of micrograd."""
    import jax.numpy as jnp

    def loss(params: Any, X: Any, y: Any) -> Any:  # noqa: N803
        W1, b1, W2, b2, W3, b3 = params  # noqa: N806
        hidden = jnp.maximum(X @ W1.T + b1, 0)
        hidden = jnp.maximum(hidden @ W2.T + b2, 0)
        scores = (hidden @ W3.T + b3)[:, 0]
        return jnp.maximum(1 - y * scores, 0).mean() + ALPHA * sum((p * p).sum() for p in params)

    return jax_step(loss, arrays(MOONS), Problem(loss, (), moons(count), trained=True))


def jax_v2(count: int) -> Step:
    """Digits."""
    import jax
    import jax.numpy as jnp

    def loss(params: Any, X: Any, y: Any) -> Any:  # noqa: N803
        W1, b1, W2, b2 = params  # noqa: N806
        logits = jnp.tanh(X @ W1.T + b1) @ W2.T + b2
        own = jnp.take_along_axis(logits, y[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(logits, 1) - own).mean()

    return jax_step(loss, arrays(DIGITS), Problem(loss, (), digits(count), trained=True))


def jax_mixture(count: int) -> Step:
    """The mean log-likelihood."""
    import jax
    import jax.numpy as jnp

    def likelihood(params: Any, X: Any) -> Any:  # noqa: N803
        logits, means, spreads = params
        z = (X[:, None] - means) * jnp.exp(-spreads)
        terms = jax.nn.log_softmax(logits) - 0.5 * (z * z).sum(2) - spreads.sum(1)
        return jax.nn.logsumexp(terms, 1).mean() - DIMENSIONS / 2 * math.log(2 * math.pi)

    return jax_step(likelihood, mixture(), Problem(likelihood, (), points(count)))


def jax_rosenbrock(count: int) -> Step:
    """Slices of one vector."""

    def function(x: Any) -> Any:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    return jax_step(function, valley(count), Problem(function, (), (), whole=True))


def jax_readme(count: int) -> Step:
    """The same expression on arrays."""
    import jax.numpy as jnp

    def function(_: Any, a: Any, b: Any) -> Any:
        # jnp.maximum shares the gradient where operands tie; no point ties
        return eager.readme(jnp.exp, jnp.tanh, partial(jnp.maximum, 0.0), a, b).mean()

    return jax_step(function, (), Problem(function, (), pairs(count), wrt="inputs"))


MAKERS: dict[str, Callable[[int], Step]] = {
    "V1": jax_v1, "V2, 64": jax_v2, "V2, 1797": jax_v2,
    "GMM": jax_mixture, "Rosenbrock": jax_rosenbrock, "README graph": jax_readme,
}  # fmt: skip

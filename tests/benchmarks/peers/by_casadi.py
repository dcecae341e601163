"""CasADi: scalar graphs that its virtual machine runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from tests.benchmarks.problems import (
    ALPHA,
    CLUSTERS,
    DIMENSIONS,
    MOONS,
    RATE,
    Batch,
    Step,
    arrays,
    mixture,
    moons,
    points,
    stepping,
    valley,
)


def casadi_step(function: Callable[..., Any], start: Any, batch: Batch, trained: bool) -> Step:
    """A Function of SX with its gradient."""
    import casadi

    params = casadi.SX.sym("params", len(start))
    inputs = [casadi.SX.sym(f"x{place}", *np.shape(array)) for place, array in enumerate(batch)]
    value = function(params, *inputs)
    program = casadi.Function("program", [params, *inputs], [value, casadi.gradient(value, params)])
    vector = np.array(start)

    def step(*batch: Any) -> tuple[float, Any]:
        found, gradient = program(vector, *batch)
        slopes = gradient.full()[:, 0]
        if trained:
            vector[...] -= RATE * slopes
        return float(found), slopes

    return stepping(step, batch)


def casadi_v1(count: int = 100) -> Step:
    """The demo of micrograd, all its points in one graph."""
    import casadi

    start = np.concatenate([part.ravel() for part in arrays(MOONS)])

    def loss(params: Any, X: Any, y: Any) -> Any:  # noqa: N803
        place, hidden = 0, X.T
        for layer, (a, b) in enumerate(pairwise(MOONS)):
            W = casadi.reshape(params[place : place + a * b], a, b).T  # noqa: N806
            place += a * b
            hidden = W @ hidden + casadi.repmat(params[place : place + b], 1, count)
            place += b
            hidden = casadi.fmax(hidden, 0) if layer < len(MOONS) - 2 else hidden
        return casadi.sum1(casadi.fmax(1 - y * hidden.T, 0)) / count + ALPHA * casadi.sumsqr(params)

    return casadi_step(loss, start, moons(count), True)


def casadi_mixture(count: int) -> Step:
    """The mean log-likelihood, all points in one graph."""
    import casadi

    start = np.concatenate([part.ravel() for part in mixture()])

    def likelihood(params: Any, X: Any) -> Any:  # noqa: N803
        logits = params[:CLUSTERS]
        size = CLUSTERS * DIMENSIONS
        means = casadi.reshape(params[CLUSTERS : CLUSTERS + size], DIMENSIONS, CLUSTERS)
        spreads = casadi.reshape(params[CLUSTERS + size :], DIMENSIONS, CLUSTERS)
        norm = casadi.logsumexp(logits) + DIMENSIONS / 2 * math.log(2 * math.pi)
        total = 0
        for row in range(count):
            z = (casadi.repmat(X[row, :].T, 1, CLUSTERS) - means) * casadi.exp(-spreads)
            total += casadi.logsumexp(logits - norm - 0.5 * casadi.sum1(z * z).T - casadi.sum1(spreads).T)
        return total / count

    return casadi_step(likelihood, start, points(count), False)


def casadi_rosenbrock(count: int) -> Step:
    """Slices of one vector."""
    import casadi

    def function(x: Any) -> Any:
        return casadi.sum1(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    return casadi_step(function, valley(count), (), False)


MAKERS: dict[str, Callable[[int], Step]] = {"V1": casadi_v1, "GMM": casadi_mixture, "Rosenbrock": casadi_rosenbrock}

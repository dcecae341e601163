"""NumPy by hand, as a good course shows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.problems import (
    ALPHA,
    DIGITS,
    DIMENSIONS,
    MOONS,
    RATE,
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


def numpy_v1(count: int = 100) -> Step:
    """The demo of micrograd."""
    params = W1, b1, W2, b2, W3, b3 = arrays(MOONS)  # noqa: N806

    def step(X: Any, y: Any) -> tuple[float, Any]:  # noqa: N803
        h1 = np.maximum(X @ W1.T + b1, 0)
        h2 = np.maximum(h1 @ W2.T + b2, 0)
        scores = (h2 @ W3.T + b3)[:, 0]
        margins = np.maximum(1 - y * scores, 0)
        loss = margins.mean() + ALPHA * sum((p * p).sum() for p in params)
        dscores = (-y * (margins > 0) / len(y))[:, None]
        dh2 = (dscores @ W3) * (h2 > 0)
        dh1 = (dh2 @ W2) * (h1 > 0)
        gradients = [dh1.T @ X, dh1.sum(0), dh2.T @ h1, dh2.sum(0), dscores.T @ h2, dscores.sum(0)]
        gradients = [g + 2 * ALPHA * p for g, p in zip(gradients, params, strict=True)]
        for p, g in zip(params, gradients, strict=True):
            p -= RATE * g
        return float(loss), gradients

    return stepping(step, moons(count))


def numpy_v2(count: int) -> Step:
    """Digits."""
    params = W1, b1, W2, b2 = arrays(DIGITS)  # noqa: N806

    def step(X: Any, y: Any) -> tuple[float, Any]:  # noqa: N803
        rows = np.arange(len(y))
        hidden = np.tanh(X @ W1.T + b1)
        logits = hidden @ W2.T + b2
        logits = logits - logits.max(1, keepdims=True)
        exponentials = np.exp(logits)
        totals = exponentials.sum(1, keepdims=True)
        loss = (np.log(totals[:, 0]) - logits[rows, y]).mean()
        dlogits = exponentials / totals
        dlogits[rows, y] -= 1
        dlogits /= len(y)
        dhidden = (dlogits @ W2) * (1 - hidden**2)
        gradients = [dhidden.T @ X, dhidden.sum(0), dlogits.T @ hidden, dlogits.sum(0)]
        for p, g in zip(params, gradients, strict=True):
            p -= RATE * g
        return float(loss), gradients

    return stepping(step, digits(count))


def numpy_mixture(count: int) -> Step:
    """The mean log-likelihood; the gradient goes through each point's responsibilities."""
    logits, means, spreads = mixture()

    def step(X: Any) -> tuple[float, Any]:  # noqa: N803
        scales = np.exp(-spreads)
        weights = np.exp(logits - logits.max())
        weights /= weights.sum()
        z = (X[:, None] - means) * scales
        terms = np.log(weights) - 0.5 * (z * z).sum(2) - spreads.sum(1) - DIMENSIONS / 2 * math.log(2 * math.pi)
        top = terms.max(1, keepdims=True)
        shares = np.exp(terms - top)
        totals = shares.sum(1, keepdims=True)
        value = (top + np.log(totals)).mean()
        shares /= totals * len(X)
        dmeans = (shares[:, :, None] * z).sum(0) * scales
        dspreads = (shares[:, :, None] * (z * z - 1)).sum(0)
        return float(value), [shares.sum(0) - weights, dmeans, dspreads]

    return stepping(step, points(count))


def numpy_rosenbrock(count: int) -> Step:
    """Slices of one vector."""
    x = valley(count)

    def step() -> tuple[float, Any]:
        head, tail = x[:-1], x[1:]
        valley, slope = tail - head**2, 1 - head
        gradient = np.zeros_like(x)
        gradient[1:] = 200 * valley
        gradient[:-1] -= 400 * head * valley + 2 * slope
        return float((100 * valley**2 + slope**2).sum()), gradient

    return stepping(step)


def numpy_readme(count: int) -> Step:
    """The same gates, and the chain rule by hand."""

    def step(a: Any, b: Any) -> tuple[float, Any]:
        c = a + b
        d = a * b + b**3
        c = 2 * c + 1
        c = 2 * c + 1 - a
        d = 3 * d + np.maximum(b + a, 0)
        d = 4 * d + np.maximum(b - a, 0)
        e = c - d
        f = e**2
        de = 2 * e * (0.5 - 10 / f**2) / len(a)
        above, beside = 4.0 * (b + a > 0), 1.0 * (b - a > 0)
        da = de * (3 - 12 * b - above + beside)
        db = de * (4 - 12 * (a + 3 * b**2) - above - beside)
        return float((f / 2 + 10 / f).mean()), [da, db]

    return stepping(step, pairs(count))


MAKERS: dict[str, Callable[[int], Step]] = {
    "V1": numpy_v1, "V2, 64": numpy_v2, "V2, 1797": numpy_v2,
    "GMM": numpy_mixture, "Rosenbrock": numpy_rosenbrock, "README graph": numpy_readme,
}  # fmt: skip

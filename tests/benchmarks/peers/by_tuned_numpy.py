"""NumPy by hand, as fast as we could make it.

No allocation, no checks, whole arrays in place of broadcasting and of Python numbers (which NumPy converts at each
call), the method x.dot in place of np.dot (which looks for overrides). Examples lie innermost, so that sums over
few classes or clusters run along whole rows; a row of ones below the inputs of a layer makes its biases part of the
product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks import networks
from tests.benchmarks.problems import (
    ALPHA,
    CLUSTERS,
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


def tuned_v1(count: int = 100) -> Step:
    """The demo of micrograd; masks of both layers at once, through bool: np.sign is slower."""
    theta = np.concatenate([np.c_[rows, biases].ravel() for rows, biases in networks.weights(MOONS)])
    gradient, change = np.empty_like(theta), np.empty_like(theta)

    def layers(flat: Any) -> list[Any]:
        return [flat[:48].reshape(16, 3), flat[48:320].reshape(16, 17), flat[320:].reshape(1, 17)]

    (W1, W2, W3), (G1, G2, G3) = layers(theta), layers(gradient)  # noqa: N806
    inputs, hidden = np.ones((3, count)), np.ones((34, count))
    a1, a2 = hidden[:17], hidden[17:]  # with their rows of ones
    h1, h2, both, pixels = a1[:16], a2[:16], hidden[:33], inputs[:2]
    signs, masks = np.empty((33, count), bool), np.empty((33, count))
    mask1, mask2 = masks[:16], masks[17:]
    scores, dscores = np.empty((1, count)), np.empty((1, count))
    s, ds, margins = scores[0], dscores[0], np.empty(count)
    d1, d2 = np.empty((16, count)), np.empty((16, count))
    zeros, none, ones = np.zeros((33, count)), np.zeros(count), np.ones(count)
    some, share, minus_share = zeros[:16], ones / count, -ones / count
    rates, twice = np.full_like(theta, RATE), np.full_like(theta, 2 * ALPHA)
    a1_T, a2_T, inputs_T, W2_T, w3 = a1.T, a2.T, inputs.T, W2[:, :16].T, W3[:, :16].T  # noqa: N806
    add, subtract, multiply, maximum, greater, sign = np.add, np.subtract, np.multiply, np.maximum, np.greater, np.sign

    def step(X: Any, y: Any) -> tuple[float, Any]:  # noqa: N803
        pixels[...] = X.T
        W1.dot(inputs, h1)
        maximum(h1, some, out=h1)
        W2.dot(a1, h2)
        maximum(h2, some, out=h2)
        W3.dot(a2, scores)
        multiply(s, y, margins)
        subtract(ones, margins, margins)
        maximum(margins, none, out=margins)
        loss = margins.dot(share) + ALPHA * theta.dot(theta)
        sign(margins, ds)
        multiply(ds, y, ds)
        multiply(ds, minus_share, ds)
        dscores.dot(a2_T, G3)
        greater(both, zeros, signs)
        masks[...] = signs
        w3.dot(dscores, d2)
        multiply(d2, mask2, d2)
        d2.dot(a1_T, G2)
        W2_T.dot(d2, d1)
        multiply(d1, mask1, d1)
        d1.dot(inputs_T, G1)
        multiply(theta, twice, change)
        add(gradient, change, gradient)
        multiply(gradient, rates, change)
        subtract(theta, change, theta)
        return loss, parts

    parts = [part for G in (G1, G2, G3) for part in (G[:, :-1], G[:, -1])]
    return stepping(step, moons(count))


def tuned_v2(count: int) -> Step:
    """Digits; a small batch is copied beside a column of ones, a large one is read where it is and biases are added."""
    copied = count <= 256
    weights, G = np.empty(65 * 32 + 33 * 10), np.empty(65 * 32 + 33 * 10)  # noqa: N806
    change, rates = np.empty_like(G), np.full_like(G, RATE)

    def layers(flat: Any) -> list[Any]:
        first, second = flat[: 65 * 32], flat[65 * 32 :].reshape(10, 33)
        if copied:
            rows = first.reshape(32, 65)
            return [rows, rows[:, :64], rows[:, 64], second, second[:, :32], second[:, 32]]
        rows, biases = first[: 64 * 32].reshape(32, 64), first[64 * 32 :]
        return [rows, rows, biases, second, second[:, :32], second[:, 32]]

    (P1, W1, b1, P2, W2, b2), (G1, GW1, gb1, G2, GW2, gb2) = layers(weights), layers(G)  # noqa: N806
    for part, start in zip((W1, b1, W2, b2), arrays(DIGITS), strict=True):
        part[...] = start
    column, W2_T = b1.reshape(32, 1), W2.T  # noqa: N806
    beside = np.ones((count, 65))
    pixels, beside_T = beside[:, :64], beside.T  # noqa: N806
    below = np.ones((33, count))
    hidden, below_T = below[:32], below.T  # noqa: N806
    logits, dlogits = np.empty((10, count)), np.empty((10, count))
    dhidden, slopes = np.empty((32, count)), np.empty((32, count))
    top, totals, own, ones, share = (np.ones(count) for _ in range(5))
    share /= count
    tens, places, counts, columns = np.ones(10), np.empty(count, int), np.full(count, count), np.arange(count)
    flat_logits, flat_dlogits, one_share = logits.ravel(), dlogits.ravel(), 1 / count
    add, subtract, multiply, divide = np.add, np.subtract, np.multiply, np.divide
    tanh, exp, log, largest = np.tanh, np.exp, np.log, np.maximum.reduce

    def step(X: Any, y: Any) -> tuple[float, Any]:  # noqa: N803
        if copied:
            pixels[...] = X
            P1.dot(beside_T, hidden)
        else:
            P1.dot(X.T, hidden)
            add(hidden, column, hidden)
        tanh(hidden, hidden)
        P2.dot(below, logits)
        largest(logits, 0, None, top)
        subtract(logits, top, logits)
        exp(logits, dlogits)
        tens.dot(dlogits, totals)
        multiply(y, counts, places)
        add(places, columns, places)
        flat_logits.take(places, None, own, "clip")
        log(totals, top)
        subtract(top, own, top)
        loss = top.dot(share)
        divide(share, totals, totals)
        multiply(dlogits, totals, dlogits)
        flat_dlogits[places] -= one_share
        dlogits.dot(below_T, G2)
        W2_T.dot(dlogits, dhidden)
        multiply(hidden, hidden, slopes)
        multiply(dhidden, slopes, slopes)
        subtract(dhidden, slopes, dhidden)
        if copied:
            dhidden.dot(beside, G1)
        else:
            dhidden.dot(X, G1)
            dhidden.dot(ones, gb1)
        multiply(G, rates, change)
        subtract(weights, change, weights)
        return loss, parts

    parts = [GW1, gb1, GW2, gb2]
    return stepping(step, digits(count))


def tuned_mixture(count: int) -> Step:
    """Multiplies the squares out, so that densities and their gradients are products with (x², x, 1)."""
    logits, means, spreads = mixture()
    features = np.ones((2 * DIMENSIONS + 1, count))
    squares, linear = features[:DIMENSIONS], features[DIMENSIONS : 2 * DIMENSIONS]
    terms, shares = np.empty((CLUSTERS, count)), np.empty((CLUSTERS, count))
    top, totals, share, ones = np.empty(count), np.empty(count), np.full(count, 1 / count), np.ones(CLUSTERS)
    factors = np.empty((CLUSTERS, 2 * DIMENSIONS + 1))
    moments, features_T = np.empty_like(factors), features.T  # noqa: N806
    constant = DIMENSIONS / 2 * math.log(2 * math.pi)

    def step(X: Any) -> tuple[float, Any]:  # noqa: N803
        linear[...] = X.T
        np.multiply(linear, linear, squares)
        precisions = np.exp(-2 * spreads)
        scaled = means * precisions
        norm = math.log(np.exp(logits).sum())
        np.multiply(precisions, -0.5, factors[:, :DIMENSIONS])
        factors[:, DIMENSIONS:-1] = scaled
        factors[:, -1] = logits - norm - constant - spreads.sum(1) - 0.5 * (scaled * means).sum(1)
        factors.dot(features, terms)
        np.maximum.reduce(terms, 0, None, top)
        np.subtract(terms, top, terms)
        np.exp(terms, shares)
        ones.dot(shares, totals)
        value = top.dot(share)
        np.log(totals, top)
        value += top.dot(share)
        np.divide(share, totals, totals)
        np.multiply(shares, totals, shares)
        shares.dot(features_T, moments)
        second, first, mass = moments[:, :DIMENSIONS], moments[:, DIMENSIONS:-1], moments[:, -1:]
        dmeans = precisions * first - scaled * mass
        dspreads = precisions * (second - 2 * means * first) + (scaled * means - 1) * mass
        return value, [mass[:, 0] - np.exp(logits - norm), dmeans, dspreads]

    return stepping(step, points(count))


def tuned_rosenbrock(count: int) -> Step:
    """Two buffers, the gradient written once and added to once."""
    x = valley(count)
    head, tail, gradient = x[:-1], x[1:], np.zeros(count)
    behind, ahead = gradient[:-1], gradient[1:]
    valleys, slopes, change = np.empty(count - 1), np.empty(count - 1), np.empty(count - 1)
    ones, twohundred, minus_two = np.ones(count - 1), np.full(count - 1, 200.0), np.full(count - 1, -2.0)
    multiply, subtract, add = np.multiply, np.subtract, np.add

    def step() -> tuple[float, Any]:
        multiply(head, head, valleys)
        subtract(tail, valleys, valleys)
        subtract(ones, head, slopes)
        value = 100 * valleys.dot(valleys) + slopes.dot(slopes)
        gradient[0] = 0.0
        multiply(valleys, twohundred, ahead)
        multiply(head, ahead, change)  # before `behind`, which overlaps with `ahead`, is written
        add(change, slopes, change)
        multiply(change, minus_two, change)
        add(behind, change, behind)  # −2 (200 head · valley + slope)
        return value, gradient

    return stepping(step)


def tuned_readme(count: int) -> Step:
    """The expression simplified: e = 4 (a + b) + 3 − a − 12 (ab + b³) − 4 max(0, a + b) − max(0, b − a)."""
    above, beside, cube, e, f, t, da, db = (np.empty(count) for _ in range(8))
    flags, zeros, share = np.empty(count, bool), np.zeros(count), np.full(count, 1 / count)
    add, subtract, multiply, divide, maximum, greater = (
        np.add, np.subtract, np.multiply, np.divide, np.maximum, np.greater,
    )  # fmt: skip

    def step(a: Any, b: Any) -> tuple[float, Any]:
        add(a, b, above)
        subtract(b, a, beside)
        multiply(b, b, cube)
        add(cube, a, t)
        multiply(t, b, t)
        multiply(t, 12.0, t)
        multiply(above, 4.0, e)
        subtract(e, a, e)
        subtract(e, t, e)
        add(e, 3.0, e)
        maximum(above, zeros, out=t)
        multiply(t, 4.0, t)
        subtract(e, t, e)
        maximum(beside, zeros, out=t)
        subtract(e, t, e)
        multiply(e, e, f)
        value = f.dot(share) / 2
        divide(10.0, f, t)
        value += t.dot(share)
        divide(t, f, f)
        subtract(0.5, f, f)
        multiply(f, e, e)
        multiply(e, 2 / count, e)
        greater(above, zeros, flags)
        multiply(flags, 4.0, above)
        greater(beside, zeros, flags)
        beside[...] = flags
        multiply(b, -12.0, da)
        subtract(da, above, da)
        add(da, beside, da)
        add(da, 3.0, da)
        multiply(da, e, da)
        multiply(cube, 3.0, cube)
        add(cube, a, cube)
        multiply(cube, -12.0, db)
        subtract(db, above, db)
        subtract(db, beside, db)
        add(db, 4.0, db)
        multiply(db, e, db)
        return value, parts

    parts = [da, db]
    return stepping(step, pairs(count))


MAKERS: dict[str, Callable[[int], Step]] = {
    "V1": tuned_v1, "V2, 64": tuned_v2, "V2, 1797": tuned_v2,
    "GMM": tuned_mixture, "Rosenbrock": tuned_rosenbrock, "README graph": tuned_readme,
}  # fmt: skip

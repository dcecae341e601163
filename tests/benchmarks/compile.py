"""Compiled functions beside the same functions written by hand: in NumPy, JAX, PyTorch, CasADi, micrograd.

One thread, one core, float64 for everyone. A step starts from NumPy arrays, examples first, and ends with the loss as
a float; training steps update the parameters too. Values and gradients are compared before anything is timed. Steps
are timed in processor time, as in the other suites: with one thread XLA and PyTorch work in the thread that calls, and
wall time on a quiet core is the same. What prepares a step is timed by the wall, since compilers are other processes.
"""

from __future__ import annotations

import gc
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, pairwise
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import microgradnn as mg
from microgradnn import Value, nn
from tests.benchmarks import eager, networks
from tests.benchmarks.harness import clock, machine, medians

ALPHA, RATE = networks.ALPHA, networks.RATE
MOONS, DIGITS = networks.MOONS, networks.DIGITS
CLUSTERS, DIMENSIONS = 5, 2


class Step(NamedTuple):
    """What is timed, and the value and gradients that it leads to, in the order of our parameters."""

    run: Callable[[], Any]
    outcome: Callable[[], tuple[float, Any]]


Maker = Callable[[], Step | None]  # None: cannot run on this machine
Batch = tuple[Any, ...]


def stepping(step: Callable[..., tuple[float, Any]], batch: Batch = ()) -> Step:
    """A step that hands back its value and gradients."""
    found: Any = None

    def run() -> None:
        nonlocal found
        found = step(*batch)

    return Step(run, lambda: found)


def numbers(outcome: tuple[float, Any]) -> Any:
    """The value and all the gradients as one vector."""

    def flat(part: Any) -> list[Any]:
        if isinstance(part, (list, tuple)):
            return [one for inner in part for one in flat(inner)]
        return [np.ravel(np.asarray(part, float))]

    return np.concatenate(flat(outcome))


def arrays(sizes: Sequence[int]) -> list[Any]:
    """The weights and biases that all engines share."""
    return [np.array(part) for layer in networks.weights(sizes) for part in layer]


# ---- data -----------------------------------------------------------------------------------------------------------


def moons(count: int = 100) -> Batch:
    """Points and their labels −1.0 or 1.0."""
    X, y = networks.moons()  # noqa: N806
    return np.ascontiguousarray(X[:count]), y[:count].astype(float)


def digits(count: int) -> Batch:
    """Images of 64 pixels and their classes."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)  # noqa: N806
    return np.ascontiguousarray(X[:count] / 16), np.ascontiguousarray(y[:count])


def points(count: int) -> Batch:
    """Points in the plane for the mixture."""
    return (np.random.default_rng(0).normal(size=(count, DIMENSIONS)) * 2,)


def mixture() -> list[Any]:
    """Logits of the weights, means, logarithms of the standard deviations."""
    rng = np.random.default_rng(1)
    shapes = [(CLUSTERS,), (CLUSTERS, DIMENSIONS), (CLUSTERS, DIMENSIONS)]
    return [rng.normal(size=shape) * size for shape, size in zip(shapes, (0.5, 2.0, 0.3), strict=True)]


def valley(count: int) -> Any:
    """Where Rosenbrock's function is taken."""
    return np.random.default_rng(2).uniform(-1.5, 1.5, count)


def pairs(count: int) -> Batch:
    """Points a, b around the one of micrograd's README."""
    rng = np.random.default_rng(3)
    return rng.uniform(-5, -3, count), rng.uniform(1, 3, count)


# ---- ours -----------------------------------------------------------------------------------------------------------


class Problem(NamedTuple):
    """A function on Values as `compile` takes it."""

    function: Callable[..., Any]
    params: Any
    batch: Batch
    whole: bool = False  # no examples: one number from the parameters
    wrt: str = "params"
    trained: bool = False  # a step updates the parameters

    def program(self, backend: str) -> Any:
        example = () if self.whole else tuple(array[0] for array in self.batch)
        return mg.compile(self.function, self.params, example=example, wrt=self.wrt, backend=backend)


def our_v1(count: int = 100) -> Problem:
    """The module, the loss and the penalty as eager code calls them."""
    model = networks.loaded(MOONS, "relu")

    def loss(x: Any, y: Any) -> Any:
        return nn.hinge(model(x), y) + nn.l2(model, 2 * ALPHA, biases=True)

    return Problem(loss, model.parameters(), moons(count), trained=True)


def our_v2(count: int) -> Problem:
    """The module and the loss as eager code calls them."""
    model = networks.loaded(DIGITS, "tanh")
    return Problem(lambda x, y: nn.cross_entropy(model(x), y), model.parameters(), digits(count), trained=True)


def our_mixture(count: int) -> Problem:
    """The logarithm of the density at one point."""
    logits, means, spreads = ([[Value(v) for v in np.ravel(row)] for row in part] for part in mixture())
    heights = [logit for (logit,) in logits]

    def density(x: Any) -> Any:
        norm = mg.logsumexp(heights) + DIMENSIONS / 2 * math.log(2 * math.pi)
        terms = []
        for height, mean, spread in zip(heights, means, spreads, strict=True):
            squares = [((a - m) * mg.exp(-s)) ** 2 for a, m, s in zip(x, mean, spread, strict=True)]
            terms.append(height - norm - 0.5 * mg.sum(squares) - mg.sum(spread))
        return mg.logsumexp(terms)

    return Problem(density, [*heights, *chain(*means, *spreads)], points(count))


def rosenbrock(xs: Sequence[Any]) -> Any:
    """Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)², gate by gate."""
    return mg.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs)])


def our_rosenbrock(count: int) -> Problem:
    """A function of the parameters alone."""
    xs = [Value(x) for x in valley(count)]
    return Problem(lambda: rosenbrock(xs), xs, (), whole=True)


def our_readme(count: int) -> Problem:
    """The expression of micrograd's README, differentiated with respect to its inputs."""
    return Problem(partial(eager.readme, mg.exp, mg.tanh, mg.relu), (), pairs(count), wrt="inputs")


def ours(problem: Callable[[], Problem], backend: str) -> Step:
    """The program as shipped; training subtracts from its vector of parameters."""
    given = problem()
    program = given.program(backend)
    value_and_grad = program.value_and_grad

    def train(*batch: Any) -> tuple[float, Any]:
        value, gradients = value_and_grad(*batch)
        program.params -= RATE * gradients
        return value, gradients

    return stepping(train if given.trained else value_and_grad, given.batch)


def ours_in_jax(problem: Callable[[], Problem]) -> Step:
    """The function that `to_jax` gives, jitted in the step that the peer written in JAX is in."""
    given = problem()
    program = given.program("numpy")
    return jax_step(program.to_jax(), np.array(program.params), given)


# ---- JAX ------------------------------------------------------------------------------------------------------------


@contextmanager
def float64() -> Iterator[None]:
    """JAX in float64, here only: other code may want it otherwise."""
    import jax

    with jax.enable_x64(True):
        yield


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


# ---- PyTorch --------------------------------------------------------------------------------------------------------


def torch_step(function: Callable[..., Any], start: Sequence[Any], given: Problem, compiled: bool) -> Step | None:
    """`function` of (params, *batch) with backward(), and with torch.optim.SGD where it is trained."""
    import torch

    if compiled and not any(map(shutil.which, ("c++", "g++", "clang++"))):
        return None
    torch.set_num_threads(1)
    if compiled:
        torch._dynamo.reset()
        function = torch.compile(function, dynamic=False)
    params = [torch.tensor(part, requires_grad=True) for part in start]
    optimizer = torch.optim.SGD(params, lr=RATE) if given.trained else None

    def step(*batch: Any) -> tuple[float, Any]:
        tensors = [torch.from_numpy(array) for array in batch]
        if given.wrt == "inputs":
            tensors = [tensor.requires_grad_() for tensor in tensors]
        leaves = tensors if given.wrt == "inputs" else params
        for leaf in leaves:
            leaf.grad = None
        value = function(params, *tensors)
        value.backward()
        if optimizer:
            optimizer.step()
        return value.item(), [leaf.grad for leaf in leaves]

    return stepping(step, given.batch)


def torch_v1(compiled: bool, count: int = 100) -> Step | None:
    """The demo of micrograd."""
    import torch
    from torch.nn.functional import linear

    def loss(params: Any, X: Any, y: Any) -> Any:  # noqa: N803
        W1, b1, W2, b2, W3, b3 = params  # noqa: N806
        scores = linear(torch.relu(linear(torch.relu(linear(X, W1, b1)), W2, b2)), W3, b3)[:, 0]
        return torch.relu(1 - y * scores).mean() + ALPHA * sum((p * p).sum() for p in params)

    return torch_step(loss, arrays(MOONS), Problem(loss, (), moons(count), trained=True), compiled)


def torch_v2(compiled: bool, count: int) -> Step | None:
    """Digits."""
    import torch
    from torch.nn.functional import cross_entropy, linear

    def loss(params: Any, X: Any, y: Any) -> Any:  # noqa: N803
        W1, b1, W2, b2 = params  # noqa: N806
        return cross_entropy(linear(torch.tanh(linear(X, W1, b1)), W2, b2), y)

    return torch_step(loss, arrays(DIGITS), Problem(loss, (), digits(count), trained=True), compiled)


def torch_mixture(compiled: bool, count: int) -> Step | None:
    """The mean log-likelihood."""
    import torch

    def likelihood(params: Any, X: Any) -> Any:  # noqa: N803
        logits, means, spreads = params
        z = (X[:, None] - means) * torch.exp(-spreads)
        terms = torch.log_softmax(logits, 0) - 0.5 * (z * z).sum(2) - spreads.sum(1)
        return torch.logsumexp(terms, 1).mean() - DIMENSIONS / 2 * math.log(2 * math.pi)

    return torch_step(likelihood, mixture(), Problem(likelihood, (), points(count)), compiled)


def torch_rosenbrock(compiled: bool, count: int) -> Step | None:
    """Slices of one vector."""

    def function(params: Any) -> Any:
        (x,) = params
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    return torch_step(function, [valley(count)], Problem(function, (), (), whole=True), compiled)


def torch_readme(compiled: bool, count: int) -> Step | None:
    """The same expression on tensors."""
    import torch

    def function(_: Any, a: Any, b: Any) -> Any:
        return eager.readme(torch.exp, torch.tanh, torch.relu, a, b).mean()

    return torch_step(function, [], Problem(function, (), pairs(count), wrt="inputs"), compiled)


# ---- NumPy by hand: as a good course shows it ----------------------------------------------------------------------


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


# ---- NumPy by hand: as fast as we could make it ---------------------------------------------------------------------
# No allocation, no checks, whole arrays in place of broadcasting and of Python numbers (which NumPy converts at each
# call), the method x.dot in place of np.dot (which looks for overrides). Examples lie innermost, so that sums over
# few classes or clusters run along whole rows; a row of ones below the inputs of a layer makes its biases part of the
# product.


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


# ---- CasADi: scalar graphs that its virtual machine runs ------------------------------------------------------------


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


# ---- gate by gate: eager ours, and micrograd ------------------------------------------------------------------------


def from_networks(step: networks.Step) -> Step:
    """A step of the suite `networks`, which gives the loss and the gradients as one list."""
    return Step(step.run, lambda: (step.outcome()[0], step.outcome()[1:]))


def eager_v2(count: int) -> Step:
    """The module, the loss and the optimiser as shipped, without `compile`."""
    model = networks.loaded(DIGITS, "tanh")
    optimizer = mg.optim.SGD(model.parameters(), lr=RATE)

    def step(X: Any, y: Any) -> tuple[float, Any]:  # noqa: N803
        loss = nn.cross_entropy(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data, [parameter.grad for parameter in model.parameters()]

    return stepping(step, digits(count))


def leaf_class(engine: str) -> Any:
    """The Value of an engine."""
    if engine == "micrograd":
        from micrograd.engine import Value as Other

        return Other
    return Value


def eager_mixture(count: int) -> Step:
    """One graph for all points, as eager code records it."""
    problem = our_mixture(count)

    def step(X: Any) -> tuple[float, Any]:  # noqa: N803
        for parameter in problem.params:
            parameter.grad = 0.0
        value = mg.mean([problem.function(x) for x in X.tolist()])
        value.backward()
        return value.data, [parameter.grad for parameter in problem.params]

    return stepping(step, problem.batch)


def eager_rosenbrock(engine: str, count: int) -> Step:
    """Gate by gate."""
    leaf, start = leaf_class(engine), valley(count).tolist()

    def step() -> tuple[float, Any]:
        xs = list(map(leaf, start))
        # the same formula; micrograd has no gate for a sum of many
        value = sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs))
        value.backward()
        return value.data, [x.grad for x in xs]

    return stepping(step)


def eager_readme(engine: str, count: int) -> Step:
    """A graph for each point."""
    leaf = leaf_class(engine)

    def relu(x: Any) -> Any:
        return x.relu()

    def step(a: Any, b: Any) -> tuple[float, Any]:
        total, slopes = 0.0, []
        for one, other in zip(a.tolist(), b.tolist(), strict=True):
            first, second = leaf(one), leaf(other)
            value = eager.readme(None, None, relu, first, second)
            value.backward()
            total += value.data
            slopes.append((first.grad, second.grad))
        return total / len(a), list(np.array(slopes).T / len(a))

    return stepping(step, pairs(count))


# ---- the suite ------------------------------------------------------------------------------------------------------

OURS, IN_JAX, STRAIGHT = "**microgradnn, compiled**", "microgradnn, to_jax()", "microgradnn, straight-line Python"
ON_JAX, EAGER = "microgradnn, backend jax", "microgradnn, eager"
MICROGRAD, MICROGRAD_OFF = "micrograd, gc on", "micrograd, gc off"
TORCH, TORCH_COMPILED, JAX, CASADI = "PyTorch eager", "torch.compile", "JAX by hand", "CasADi SX"
COURSE, TUNED = "NumPy by hand, idiomatic", "NumPy by hand, tuned"
PEERS = [
    MICROGRAD, MICROGRAD_OFF, EAGER, STRAIGHT, CASADI, TORCH, TORCH_COMPILED, COURSE, TUNED, JAX, IN_JAX, ON_JAX, OURS,
]  # fmt: skip
WORKLOADS = ["V1", "V2, 64", "V2, 1797", "GMM", "Rosenbrock", "README graph"]
SIZES = dict(zip(WORKLOADS, [100, 64, 1797, 1000, 1000, 20_000], strict=True))
TORCH_MAKERS: dict[str, Callable[[bool, int], Step | None]] = {
    "V1": torch_v1, "V2, 64": torch_v2, "V2, 1797": torch_v2,
    "GMM": torch_mixture, "Rosenbrock": torch_rosenbrock, "README graph": torch_readme,
}  # fmt: skip
OTHERS: dict[str, dict[str, Callable[[int], Step]]] = {
    JAX: {
        "V1": jax_v1, "V2, 64": jax_v2, "V2, 1797": jax_v2,
        "GMM": jax_mixture, "Rosenbrock": jax_rosenbrock, "README graph": jax_readme,
    },
    COURSE: {
        "V1": numpy_v1, "V2, 64": numpy_v2, "V2, 1797": numpy_v2,
        "GMM": numpy_mixture, "Rosenbrock": numpy_rosenbrock, "README graph": numpy_readme,
    },
    TUNED: {
        "V1": tuned_v1, "V2, 64": tuned_v2, "V2, 1797": tuned_v2,
        "GMM": tuned_mixture, "Rosenbrock": tuned_rosenbrock, "README graph": tuned_readme,
    },
    CASADI: {"V1": casadi_v1, "GMM": casadi_mixture, "Rosenbrock": casadi_rosenbrock},
    EAGER: {
        "V2, 64": eager_v2, "GMM": eager_mixture, "Rosenbrock": partial(eager_rosenbrock, "microgradnn"),
        "README graph": partial(eager_readme, "microgradnn"),
    },
    MICROGRAD: {
        "Rosenbrock": partial(eager_rosenbrock, "micrograd"), "README graph": partial(eager_readme, "micrograd"),
    },
}  # fmt: skip
PROBLEMS: dict[str, Callable[[int], Problem]] = {
    "V1": our_v1, "V2, 64": our_v2, "V2, 1797": our_v2,
    "GMM": our_mixture, "Rosenbrock": our_rosenbrock, "README graph": our_readme,
}  # fmt: skip


def makers(workload: str, size: int) -> dict[str, Maker]:
    """Every engine that has this workload; micrograd's demo runs on all its 100 points or not at all."""
    found: dict[str, Maker] = {}
    for peer, workloads in OTHERS.items():
        if workload in workloads:
            found[peer] = partial(workloads[workload], size)
    found[TORCH] = partial(TORCH_MAKERS[workload], False, size)
    found[TORCH_COMPILED] = partial(TORCH_MAKERS[workload], True, size)
    if workload == "V1" and size == SIZES["V1"]:
        found[EAGER] = lambda: from_networks(networks.w2_microgradnn())
        found[MICROGRAD] = lambda: from_networks(networks.w2_micrograd())
    problem = partial(PROBLEMS[workload], size)
    found[OURS] = partial(ours, problem, "numpy")
    found[ON_JAX] = partial(ours, problem, "jax")
    if workload == "V1":
        found[STRAIGHT] = partial(ours, problem, "python")
    if workload != "README graph":  # to_jax gives the function of the parameters; this one has none
        found[IN_JAX] = partial(ours_in_jax, problem)
    return found


def prepared(workload: str, given: Mapping[str, Maker], tolerance: float = 1e-9) -> tuple[dict[str, Step], Figures]:
    """The steps that run here, each run once and compared with the first; and the seconds until then."""
    steps: dict[str, Step] = {}
    seconds: Figures = {}
    expected: Any = None
    for name, maker in given.items():
        start = perf_counter()
        step = maker()
        if step is None:
            continue
        step.run()
        seconds[workload, name] = perf_counter() - start
        found = numbers(step.outcome())
        expected = found if expected is None else expected
        assert found.shape == expected.shape, f"{workload}, {name}: {found.size} figures, not {expected.size}"
        error = np.max(np.abs(found - expected) / (np.abs(expected) + 1e-3 * np.max(np.abs(expected))))
        assert error <= tolerance, f"{workload}, {name}: off by {error:.1e}"
        steps[name] = step
    return steps, seconds


Figures = dict[tuple[str, str], float]
RUNS = 11
STEPS, SAMPLE = 200, 0.1  # steps in a row for one figure, fewer where they would take more seconds than this


def sample(run: Callable[[], Any], times: int, collector: bool) -> tuple[float]:
    """Seconds of processor time a step, of `times` steps in a row."""
    gc.collect()
    if not collector:
        gc.disable()
    start = clock()
    for _ in range(times):
        run()
    duration = clock() - start
    gc.enable()
    return (duration / times,)


def measure(
    sizes: Mapping[str, int] = SIZES, runs: int = RUNS, leave_out: Sequence[str] = ()
) -> tuple[Figures, Figures]:
    """Microseconds a step, and seconds until the first step is done, by workload and engine."""
    figures: Figures = {}
    preparing: Figures = {}
    for workload, size in sizes.items():
        given = {name: maker for name, maker in makers(workload, size).items() if name not in leave_out}
        steps, seconds = prepared(workload, given)
        preparing |= seconds
        tasks = {}
        for name, step in steps.items():
            pilot = min(sample(step.run, 1, True)[0] for _ in range(3))  # JAX compiles again for the second step
            times = max(1, min(STEPS, int(SAMPLE / pilot)))
            tasks[name] = partial(sample, step.run, times, True)
            if name == MICROGRAD:
                tasks[MICROGRAD_OFF] = partial(sample, step.run, times, False)
        figures |= {(workload, name): 1e6 * found for name, (found,) in medians(tasks, runs).items()}
    return figures, preparing


def digits3(figure: float) -> str:
    """Three significant digits, without an exponent."""
    if figure <= 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(figure)))
    return f"{round(figure, 2 - math.floor(math.log10(figure))):,.{places}f}"


def table(figures: Figures) -> list[str]:
    """The figures in Markdown: a row for an engine, a column for a workload."""
    present = {workload for workload, _ in figures}
    workloads = [workload for workload in WORKLOADS if workload in present]
    lines = [f"| | {' | '.join(workloads)} |", f"| --- | {' | '.join(['--:'] * len(workloads))} |"]
    for peer in PEERS:
        cells = [figures.get((workload, peer)) for workload in workloads]
        if any(cell is not None for cell in cells):
            lines.append(f"| {peer} | {' | '.join('–' if cell is None else digits3(cell) for cell in cells)} |")
    return lines


def targets(figures: Figures) -> list[str]:
    """Each target, what was measured, and whether it is met."""
    lines = []
    for workload, peer, goal in [
        ("V1", MICROGRAD_OFF, 4000), ("V1", TORCH, 15), ("V2, 64", TORCH, 6), ("V2, 1797", TORCH, 2.4),
    ]:  # fmt: skip
        ratio = figures[workload, peer] / figures[workload, OURS]
        verdict = "met" if ratio >= goal else "missed"
        lines.append(f"- {workload} at least {goal:,} × as fast as {peer}: {digits3(ratio)} ×, {verdict}")
    for workload in ("V1", "V2, 64", "V2, 1797"):
        ratio = figures[workload, OURS] / figures[workload, TUNED]
        verdict = "met" if ratio <= 1.1 else "missed"
        lines.append(f"- {workload} in at most 1.1 × the time of {TUNED}: {ratio:.2f} ×, {verdict}")
    for workload in WORKLOADS:
        if (workload, IN_JAX) in figures:
            ratio = figures[workload, IN_JAX] / figures[workload, JAX]
            verdict = "met" if ratio <= 1 else "met within 5 % of noise" if ratio <= 1.05 else "missed"
            lines.append(f"- {workload}, {IN_JAX} no slower than {JAX}: {ratio:.2f} × its time, {verdict}")
    return lines


# ---- rolling large graphs -------------------------------------------------------------------------------------------


class Roll(NamedTuple):
    """What `compile` took for a graph, recording included."""

    gates: int
    seconds: float
    bytes: int


def large(kind: str, size: int) -> tuple[Callable[..., Any], Any, Batch]:
    """An unfused MLP(size, [size, size, 1]) with its squared error, or Rosenbrock in `size` dimensions."""
    if kind == "Rosenbrock":
        xs = [Value(x) for x in valley(size)]
        return (lambda: rosenbrock(xs)), xs, ()
    model = nn.MLP(size, [size, size, 1], "tanh", rng=0, fused=False)
    return (lambda x, y: nn.mse(model(x), y)), model.parameters(), (np.linspace(-1, 1, size).tolist(), 0.5)


def gates_of(kind: str, size: int) -> int:
    """How many gates the graph of `large` has."""
    if kind == "Rosenbrock":
        return 7 * (size - 1) + 1  # two squares, two differences, ×100, the square 1 − x, a sum; one sum of all
    return 2 * size * (2 * size + 1) + 2 * size + 2  # products, sums, tanh; the last neuron; the squared error


ROLLS = {"MLP": [15, 50, 158, 500], "Rosenbrock": [144, 1430, 14_287, 142_858]}


def high_water() -> int:
    """The most bytes of memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss survives exec on Linux: a child would count what its parent held
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def roll_here(kind: str, size: int) -> None:
    """Compile one graph in this process and print what it took; memory counts the parameters, not the imports."""
    before = high_water()
    function, params, example = large(kind, size)
    start = perf_counter()
    mg.compile(function, params, example=example)
    print(json.dumps([gates_of(kind, size), perf_counter() - start, high_water() - before]))


def roll(kind: str, size: int) -> Roll:
    """`roll_here` in a fresh process."""
    code = f"from tests.benchmarks.compile import roll_here; roll_here({kind!r}, {size})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert found.returncode == 0, found.stderr
    return Roll(*json.loads(found.stdout))


def table_of_rolls(rolls: Mapping[tuple[str, int], Roll]) -> list[str]:
    """Time and memory in Markdown."""
    lines = ["| | gates | seconds | µs a gate | peak MB |", "| --- | --: | --: | --: | --: |"]
    for (kind, size), found in rolls.items():
        shape = f"MLP({size}, [{size}, {size}, 1])" if kind == "MLP" else f"{kind} in {size:,} dimensions"
        seconds, each = digits3(found.seconds), digits3(1e6 * found.seconds / found.gates)
        lines.append(f"| {shape} | {found.gates:,} | {seconds} | {each} | {found.bytes / 1e6:,.0f} |")
    return lines


def targets_of_rolls(rolls: Mapping[tuple[str, int], Roll]) -> list[str]:
    """The largest graph of each kind: at most 10 s and 2 GB."""
    lines = []
    for (kind, _), found in {key[0]: (key, found) for key, found in rolls.items()}.values():
        verdict = "met" if found.seconds <= 10 and found.bytes <= 2e9 else "missed"
        lines.append(
            f"- {kind} of {found.gates:,} gates in at most 10 s and 2 GB: {digits3(found.seconds)} s, "
            f"{found.bytes / 1e9:.2f} GB, {verdict}"
        )
    return lines


STEPS_TITLE = "Whole training steps, or values with gradients, in microseconds:"
PREPARING_TITLE = "Seconds until the first step is done, compilers included:"
ROLLS_TITLE = "Compiling large graphs, recording included:"


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    rolls = {(kind, size): roll(kind, size) for kind, sizes in ROLLS.items() for size in sizes}
    import casadi  # noqa: F401
    import jax  # noqa: F401
    import micrograd.nn  # noqa: F401
    import sklearn.datasets  # noqa: F401
    import torch  # noqa: F401

    gc.collect()
    gc.freeze()  # as in a process of its own: no engine pays for walking over the modules of the others
    with float64():
        figures, preparing = measure()
    how = (
        f"{machine('numpy', 'jax', 'torch', 'casadi', 'micrograd')}; one thread. Processor time, medians of {RUNS} "
        f"interleaved runs of up to {STEPS} steps in a row. All engines start from the same numbers; values and "
        "gradients were compared before timing: equal to 1e-9."
    )
    return [
        STEPS_TITLE, "", *table(figures), "", PREPARING_TITLE, "", *table(preparing), "",
        ROLLS_TITLE, "", *table_of_rolls(rolls), "", how, "", *targets(figures), *targets_of_rolls(rolls),
    ]  # fmt: skip

"""What `compile` times: a step, the data that every engine gets, and our functions as users write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np

import microgradnn as mg
from microgradnn import Value, nn, optim
from tests.benchmarks import eager, gpt, networks

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


# ---- our functions --------------------------------------------------------------------------------------------------


class Problem(NamedTuple):
    """A function on Values as `compile` takes it."""

    function: Callable[..., Any]
    params: Any
    batch: Batch
    whole: bool = False  # no examples: one number from the parameters
    wrt: str = "params"
    trained: bool = False  # a step updates the parameters
    optimizer: Callable[[Any], Any] | None = None  # by what of theirs; None: plain descent

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


def our_gpt(count: int) -> Problem:
    """Documents of up to 12 tokens, with Adam."""
    model = gpt.scalars(gpt.start())
    adam = partial(optim.Adam, **gpt.ADAM)
    return Problem(partial(gpt.loss, model), gpt.flat(model), gpt.batch(count), trained=True, optimizer=adam)


def ours(problem: Callable[[], Problem], backend: str) -> Step:
    """The program as shipped; training subtracts from its vector of parameters."""
    given = problem()
    program = given.program(backend)
    value_and_grad = program.value_and_grad

    if not given.trained:
        return stepping(value_and_grad, given.batch)

    def descend(params: Any, gradients: Any) -> None:
        params -= RATE * gradients

    move = given.optimizer(given.params).on_vector(given.params).step if given.optimizer else descend

    def train(*batch: Any) -> tuple[float, Any]:
        value, gradients = value_and_grad(*batch)
        move(program.params, gradients)
        return value, gradients

    return stepping(train, given.batch)


PROBLEMS: dict[str, Callable[[int], Problem]] = {
    "V1": our_v1, "V2, 64": our_v2, "V2, 1797": our_v2, "GMM": our_mixture, "Rosenbrock": our_rosenbrock,
    "README graph": our_readme, "GPT, 1": our_gpt, "GPT, 32": our_gpt,
}  # fmt: skip

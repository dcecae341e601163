"""Graphs recorded and swept at every step: eager ours, and micrograd."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import Value, nn
from tests.benchmarks import eager, networks
from tests.benchmarks.problems import DIGITS, RATE, Step, digits, our_mixture, pairs, stepping, valley


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


EAGER: dict[str, Callable[[int], Step]] = {
    "V2, 64": eager_v2, "GMM": eager_mixture, "Rosenbrock": partial(eager_rosenbrock, "microgradnn"),
    "README graph": partial(eager_readme, "microgradnn"),
    "GPT, 1": lambda count: from_networks(networks.gpt_microgradnn()),
}  # fmt: skip
MICROGRAD: dict[str, Callable[[int], Step]] = {
    "Rosenbrock": partial(eager_rosenbrock, "micrograd"), "README graph": partial(eager_readme, "micrograd"),
}  # fmt: skip

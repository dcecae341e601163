"""PyTorch on tensors, eager or by torch.compile."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks import eager, gpt, gpt_by_hand
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
    optimizer = (given.optimizer or partial(torch.optim.SGD, lr=RATE))(params) if given.trained else None

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


def torch_gpt(compiled: bool, count: int) -> Step | None:
    """Documents of 12 tokens, with the quickest of its three implementations of Adam."""
    import torch

    adam = partial(torch.optim.Adam, fused=True, **gpt.ADAM)
    given = Problem(gpt_by_hand.torch_loss, (), gpt.batch(count), trained=True, optimizer=adam)
    return torch_step(gpt_by_hand.torch_loss, list(map(np.array, gpt.start().values())), given, compiled)


MAKERS: dict[str, Callable[[bool, int], Step | None]] = {
    "V1": torch_v1, "V2, 64": torch_v2, "V2, 1797": torch_v2,
    "GMM": torch_mixture, "Rosenbrock": torch_rosenbrock, "README graph": torch_readme,
    "GPT, 1": torch_gpt, "GPT, 32": torch_gpt,
}  # fmt: skip

"""Modules that do something else in training than in evaluation: Dropout and BatchNorm.

Their effects are that Dropout draws masks and BatchNorm moves its running statistics. A program does both itself, batch
by batch: `effects_by` tells it what they would do, while it records them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from microgradnn.context import by_neuron, current
from microgradnn.functional import mean, sqrt
from microgradnn.nn import init as initialisers
from microgradnn.nn.examples import Batch
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import data_of
from microgradnn.reading import number
from microgradnn.settings import Limit, below_one, count, not_negative
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

Effect = Callable[..., Any]
_effects: ContextVar[Mapping[str, Effect] | None] = ContextVar("effects", default=None)


def _take(name: str, module: Any, effect: Effect, warning: str, *inputs: Any) -> Any:
    """What the effect gives, or the one of `effects_by` in its place; TypeError, with the warning, where compiled."""
    effects = _effects.get()
    if effects is not None:
        return effects[name](module, *inputs)
    if current().tracer is not None:
        raise TypeError(
            f"{module!r} in training {warning}: call eval() on the model, or train it with fit(..., compiled=True)"
        )
    return effect(*inputs)


@contextmanager
def effects_by(**effects: Effect) -> Iterator[None]:
    """Inside the block these functions, also given the module, stand for its effects `mask` and `statistics`."""
    token = _effects.set(effects)
    try:
        yield
    finally:
        _effects.reset(token)


class Dropout(Module):
    """In training each number is 0 with probability `p` and divided by 1 − p otherwise; in evaluation nothing happens.

    `rng`, a seed or a generator of NumPy, draws which. The expected output is the same in both. p drops, as in note 002
    and in PyTorch; note 001 writes the probability to keep. The notes scale in evaluation instead (weights × (1 − p)),
    which gives the same outputs.

    >>> dropout = Dropout(0.5, rng=0)
    >>> dropout([1.0, 1.0, 1.0, 1.0]), dropout.eval()([1.0, 1.0])
    ([2.0, 0.0, 0.0, 0.0], [1.0, 1.0])
    >>> Dropout(0.5, rng=0).mask(4).tolist()
    [2.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, p: float = 0.5, *, rng: Any = None) -> None:
        self.p = below_one("p", p)
        self.rng = initialisers.generator(rng)

    def mask(self, size: int) -> np.ndarray[Any, Any]:
        """What to multiply `size` numbers with: 0 or 1 / (1 − p)."""
        drawn: Any = self.rng.random(size)
        if isinstance(drawn, list):  # by Python's generator
            return [(x >= self.p) / (1 - self.p) for x in drawn]  # type: ignore[return-value]
        return (drawn >= self.p) / (1 - self.p)  # type: ignore[no-any-return]

    def forward_batch(self, batch: Batch) -> Batch:
        """Another mask for each example."""
        if not self.training or self.p == 0:
            return batch
        warning = "draws a mask for every batch, a compiled function would repeat one"
        mask = iter(
            _take("mask", self, lambda size: initialisers.in_lists(self.mask(size)), warning, sum(map(len, batch)))
        )
        return [by_neuron(len(x))(lambda number: number * next(mask), x) for x in batch]

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


_UNIT = Limit("a number in [0, 1]", number, lambda x: 0 <= x <= 1)


class BatchNorm(Module):
    """γ (x − E) / √(D + ε) + β over the batch, per feature (note 004; Ioffe and Szegedy 2015).

    `num_features` is how many numbers an example has, `eps` is ε. `weight` is γ, `bias` is β. In training E and D are
    the batch's mean and variance (divided by n) and the running statistics move towards them by `momentum` (the
    variance divided by n − 1), as in PyTorch; in evaluation the running statistics stand in. In training one example
    alone raises ValueError: it has no variance.

    >>> norm = BatchNorm(1)
    >>> [[round(y.data, 3)] for [y] in norm([[1.0], [3.0]])]
    [[-1.0], [1.0]]
    >>> norm.move([(2.0, 1.0)], n=2)
    >>> round(norm.running_mean[0], 3), norm.num_batches_tracked
    (0.38, 2)
    """

    buffers = ("running_mean", "running_var", "num_batches_tracked")
    _limits = {"running_var": Limit("≥ 0", lambda x: x, lambda x: bool(x.min() >= 0))}  # noqa: RUF012

    def __init__(self, num_features: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.nin = count("num_features", num_features)
        self.eps, self.momentum = not_negative("eps", eps), _UNIT("momentum", momentum, " of BatchNorm")
        self.weight = [Value(1.0) for _ in range(self.nin)]
        self.bias = [Value(0.0) for _ in range(self.nin)]
        self.running_mean, self.running_var = [0.0] * self.nin, [1.0] * self.nin
        self.num_batches_tracked = 0

    def forward_batch(self, batch: Batch) -> Batch:
        """Normalise each feature over the batch."""
        columns = [list(column) for column in zip(*batch, strict=True)]
        running = zip(self.running_mean, self.running_var, strict=True)
        statistics = self._of_batch(columns) if self.training else [*running]

        def normalised(column: list[Any], gamma: Value, beta: Value, statistics: tuple[Any, Any]) -> list[Any]:
            centre, variance = statistics
            scale = gamma / sqrt(variance + self.eps)
            return [(x - centre) * scale + beta for x in column]

        features = by_neuron(len(columns))(normalised, columns, self.weight, self.bias, statistics)
        return [list(row) for row in zip(*features, strict=True)]

    def _of_batch(self, columns: Batch) -> list[tuple[Any, Any]]:
        """Mean and variance of each feature."""
        n = len(columns[0])
        if n < 2:
            raise ValueError("BatchNorm in training needs two examples or more, got one: call eval() to use it")
        statistics = by_neuron(len(columns))(
            lambda column: (centre := mean(column), mean([(x - centre) ** 2 for x in column])), columns
        )
        warning = "moves its running statistics with every batch, a compiled function would not"
        _take("statistics", self, self.move, warning, statistics, n)
        return statistics

    def move(self, statistics: Sequence[tuple[Any, Any]], n: int) -> None:
        """Move the running ones towards `statistics`, mean and variance by feature, of a batch of `n` examples."""
        for feature, (centre, variance) in enumerate(data_of(statistics)):
            self.running_mean[feature] += self.momentum * (centre - self.running_mean[feature])
            self.running_var[feature] += self.momentum * (variance * (n / (n - 1)) - self.running_var[feature])
        self.num_batches_tracked += 1

    def __repr__(self) -> str:
        return f"BatchNorm({self.nin})"

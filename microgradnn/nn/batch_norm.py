"""Batch normalisation: every feature with mean 0 and variance 1 over the batch, then scaled and moved as learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from microgradnn.functional import mean, sqrt
from microgradnn.nn.effects import effect
from microgradnn.nn.examples import Batch
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import data_of
from microgradnn.reading import number
from microgradnn.settings import Limit, count, not_negative
from microgradnn.value import Value

_PART = Limit("a number in [0, 1]", number, lambda x: 0 <= x <= 1)


class BatchNorm(Module):
    """γ (x − E) / √(D + ε) + β over the batch, per feature (note 004; Ioffe and Szegedy 2015).

    `weight` is γ, `bias` is β. In training E and D are the batch's mean and variance (divided by n) and the running
    statistics move towards them by `momentum` (the variance divided by n − 1), as in PyTorch; in
    evaluation the running statistics stand in. In training one example alone raises ValueError: it has no variance.

    >>> norm = BatchNorm(1)
    >>> [[round(y.data, 3)] for [y] in norm([[1.0], [3.0]])]
    [[-1.0], [1.0]]
    """

    buffers = ("running_mean", "running_var", "num_batches_tracked")

    def __init__(self, num_features: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.nin = count("num_features", num_features)
        self.eps, self.momentum = not_negative("eps", eps), _PART("momentum", momentum, " of BatchNorm")
        self.weight = [Value(1.0) for _ in range(self.nin)]
        self.bias = [Value(0.0) for _ in range(self.nin)]
        self.running_mean, self.running_var = [0.0] * self.nin, [1.0] * self.nin
        self.num_batches_tracked = 0

    def forward_batch(self, batch: Batch) -> Batch:
        """Normalise each feature over the batch."""
        columns = [list(column) for column in zip(*batch, strict=True)]
        if self.training:
            statistics = self._of_batch(columns)
        else:
            statistics = list(zip(self.running_mean, self.running_var, strict=True))
        normalised = []
        for column, gamma, beta, (centre, variance) in zip(columns, self.weight, self.bias, statistics, strict=True):
            scale = gamma / sqrt(variance + self.eps)
            normalised.append([(x - centre) * scale + beta for x in column])
        return [list(row) for row in zip(*normalised, strict=True)]

    def _of_batch(self, columns: Batch) -> list[tuple[Any, Any]]:
        """Mean and variance of each feature."""
        n = len(columns[0])
        if n < 2:
            raise ValueError("BatchNorm in training needs two examples or more, got one: call eval() to use it")
        statistics = [(centre := mean(column), mean([(x - centre) ** 2 for x in column])) for column in columns]
        warning = "moves its running statistics with every batch, a compiled function would not"
        effect("statistics", self, self.move, warning, statistics, n)
        return statistics

    def move(self, statistics: Sequence[tuple[Any, Any]], n: int) -> None:
        """Move the running statistics towards mean and variance, for each feature, of a batch of n examples."""
        for feature, (centre, variance) in enumerate(data_of(statistics)):
            self.running_mean[feature] += self.momentum * (centre - self.running_mean[feature])
            self.running_var[feature] += self.momentum * (variance * (n / (n - 1)) - self.running_var[feature])
        self.num_batches_tracked += 1

    def __repr__(self) -> str:
        return f"BatchNorm({self.nin})"

"""Schedules: the factor on the learning rate, by epoch (0, 1, 2 …), for `fit(…, schedule=…)`.

In a loop of your own, before each epoch: `for group in optimizer.param_groups: group["lr"] = 0.1 * schedule(epoch)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from microgradnn.reading import number
from microgradnn.settings import Limit, count, not_negative, positive


class _Schedule:
    limits: ClassVar[dict[str, Limit[Any]]]  # what its settings may be

    def __post_init__(self) -> None:
        for name, limit in self.limits.items():
            object.__setattr__(self, name, limit(name, getattr(self, name)))


@dataclass(frozen=True)
class StepDecay(_Schedule):
    """Multiply the learning rate by `factor` after every `every` epochs: factor^⌊t / every⌋ (note 001).

    >>> [StepDecay(every=2)(epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    factor: float = 0.5
    limits = {"every": count, "factor": Limit("a number in (0, 1]", number, lambda x: 0 < x <= 1)}  # noqa: RUF012

    def __call__(self, epoch: float) -> float:
        return float(self.factor ** (not_negative("epoch", epoch) // self.every))


@dataclass(frozen=True)
class ExponentialDecay(_Schedule):
    """α(t) = α₀ e^(−kt) with the rate `k` per epoch (note 001).

    >>> [round(ExponentialDecay(0.1)(epoch), 4) for epoch in range(3)]
    [1.0, 0.9048, 0.8187]
    """

    k: float
    limits = {"k": not_negative}  # noqa: RUF012

    def __call__(self, epoch: float) -> float:
        return math.exp(-self.k * not_negative("epoch", epoch))


@dataclass(frozen=True)
class InverseTimeDecay(_Schedule):
    """α(t) = α₀τ / max(t, τ): constant for τ epochs, `tau`, then falling as 1/t (note 001).

    >>> [InverseTimeDecay(2)(epoch) for epoch in (0, 1, 2, 4, 8)]
    [1.0, 1.0, 1.0, 0.5, 0.25]
    """

    tau: float
    limits = {"tau": positive}  # noqa: RUF012

    def __call__(self, epoch: float) -> float:
        return float(self.tau / max(not_negative("epoch", epoch), self.tau))


@dataclass(frozen=True)
class Cosine(_Schedule):
    """½ (1 + cos(πt / T)): from 1 down to 0 at T = `epochs`, and 0 from there on (Loshchilov and Hutter 2017).

    >>> [round(Cosine(4)(epoch), 4) for epoch in range(6)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.0]
    """

    epochs: int
    limits = {"epochs": count}  # noqa: RUF012

    def __call__(self, epoch: float) -> float:
        return (1 + math.cos(math.pi * min(not_negative("epoch", epoch) / self.epochs, 1.0))) / 2

"""Dropout: in training every number is dropped with probability p."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microgradnn.nn import init as initialisers
from microgradnn.nn.effects import effect
from microgradnn.nn.examples import Batch
from microgradnn.nn.module import Module
from microgradnn.settings import below_one

if TYPE_CHECKING:
    import numpy as np


class Dropout(Module):
    """In training each number is 0 with probability p and divided by 1 − p otherwise; in evaluation nothing happens.

    The expected output is the same in both. p drops, as in note 002 and in PyTorch; note 001 writes the
    probability to keep. The notes scale in evaluation instead (weights × (1 − p)), which gives the same outputs.

    >>> dropout = Dropout(0.5, rng=0)
    >>> dropout([1.0, 1.0, 1.0, 1.0]), dropout.eval()([1.0, 1.0])
    ([2.0, 0.0, 0.0, 0.0], [1.0, 1.0])
    """

    def __init__(self, p: float = 0.5, *, rng: Any = None) -> None:
        self.p = below_one("p", p)
        self.rng = initialisers.generator(rng)

    def mask(self, size: int) -> np.ndarray[Any, Any]:
        """What to multiply `size` numbers with: 0 or 1 / (1 − p)."""
        mask: np.ndarray[Any, Any] = (self.rng.random(size) >= self.p) / (1 - self.p)
        return mask

    def forward_batch(self, batch: Batch) -> Batch:
        """Another mask for each example."""
        if not self.training or self.p == 0:
            return batch
        warning = "draws a mask for every batch, a compiled function would repeat one"
        mask = iter(effect("mask", self, lambda size: self.mask(size).tolist(), warning, sum(map(len, batch))))
        return [[number * next(mask) for number in x] for x in batch]

    def __repr__(self) -> str:
        return f"Dropout({self.p})"

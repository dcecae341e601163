"""Dropout: in training every number is dropped with probability p."""

from __future__ import annotations

from typing import Any

from microgradnn.nn import init as initialisers
from microgradnn.nn.module import Batch, Module
from microgradnn.settings import checked


class Dropout(Module):
    """In training each number is 0 with probability p and divided by 1 − p otherwise; in use nothing happens.

    The expected output is the same in both. p drops, as in note 002 and in PyTorch; note 001 writes the
    probability to keep. The notes scale in use instead (weights × (1 − p)), which gives the same outputs.

    >>> dropout = Dropout(0.5, rng=0)
    >>> dropout([1.0, 1.0, 1.0, 1.0]), dropout.eval()([1.0, 1.0])
    ([2.0, 0.0, 0.0, 0.0], [1.0, 1.0])
    """

    def __init__(self, p: float = 0.5, *, rng: Any = None) -> None:
        self.p = checked("p", p)
        self.rng = initialisers.generator(rng)

    def mask(self, size: int) -> list[float]:
        """What to multiply `size` numbers with: 0 or 1 / (1 − p)."""
        return [float(kept) / (1 - self.p) for kept in self.rng.random(size) >= self.p]

    def forward_batch(self, batch: Batch) -> Batch:
        """Another mask for each example."""
        if not self.training or self.p == 0:
            return batch
        return [[one * keep for one, keep in zip(x, self.mask(len(x)), strict=True)] for x in batch]

    def __repr__(self) -> str:
        return f"Dropout({self.p})"

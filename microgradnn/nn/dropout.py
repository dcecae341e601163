"""Dropout: in training every number is dropped with probability p."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from microgradnn.context import current
from microgradnn.nn import init as initialisers
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
        keep = iter(_source.get()(self, sum(map(len, batch))))
        return [[one * next(keep) for one in x] for x in batch]

    def __repr__(self) -> str:
        return f"Dropout({self.p})"


Source = Callable[[Dropout, int], Sequence[Any]]


def _drawn(dropout: Dropout, size: int) -> list[float]:
    if current().tape is not None:
        raise TypeError(
            f"{dropout!r} in training draws a mask for every batch, a compiled function would repeat one: call eval() "
            "on the model, or train it with fit(..., compiled=True)"
        )
    mask: list[float] = dropout.mask(size).tolist()
    return mask


_source: ContextVar[Source] = ContextVar("source", default=_drawn)


@contextmanager
def masks_from(source: Source) -> Iterator[None]:
    """Inside the block `source` gives the mask for so many numbers, those of a batch one after the other.

    >>> with masks_from(lambda dropout, size: [float(place) for place in range(size)]):
    ...     Dropout(0.5)([[1.0, 1.0], [1.0, 1.0]])
    [[0.0, 1.0], [2.0, 3.0]]
    """
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)

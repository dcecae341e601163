"""Tables of rows, and rows put in line."""

from __future__ import annotations

from typing import Any

from microgradnn.functional import take
from microgradnn.nn import init as initialisers
from microgradnn.nn.activations import Activation
from microgradnn.nn.examples import Batch, as_list
from microgradnn.nn.layers import weights
from microgradnn.nn.module import Module
from microgradnn.settings import count
from microgradnn.trees import leaves


class Embedding(Module):
    """A row of `dim` learned numbers for each of `num` things, words or letters, that are known by their numbers.

    `init` says how they start, N(0, 1) unless given, and `rng`, a seed or a generator of NumPy, draws them.

    An example is one index, which gives its row, or a list of indices, which gives a list of rows, as in PyTorch; so
    do the names and the start. `Flatten` puts the rows in line for a layer. ValueError for an index that is
    no whole number from 0 to num − 1.

    >>> embedding = Embedding(27, 4, rng=0)
    >>> row, rows, batch = embedding(3), embedding([3, 0]), embedding([[3, 0], [1, 2], [5, 5]])
    >>> len(row), len(rows), len(batch), embedding.state_dict()["weight"].shape
    (4, 2, 3, (27, 4))
    """

    def __init__(self, num: int, dim: int, *, init: Any = None, rng: Any = None) -> None:
        self.num, self.dim = count("num", num), count("dim", dim)
        draw = initialisers.normal(1.0) if init is None else init
        self.weight, _ = weights(self.dim, self.num, Activation(None), draw, rng)

    def __call__(self, x: Any) -> Any:
        """The row of one index, the rows of a list of them, or those of each example of a batch."""
        x = as_list(x)
        out = super().__call__(x)
        return out if isinstance(x, list) else out[0]

    def forward_batch(self, batch: Batch) -> list[Any]:
        """The rows for each example; examples share the gates of what they have in common."""
        rows: dict[float, list[Any]] = {}  # of the indices that are numbers

        def row(index: Any) -> list[Any]:
            if index.__class__ not in (int, float):
                return take(self.weight, index)  # type: ignore[no-any-return]  # a list, as the rows are
            if index not in rows:
                rows[index] = take(self.weight, index)
            return [*rows[index]]

        return [[row(index) for index in x] for x in batch]

    def __repr__(self) -> str:
        return f"Embedding({self.num}, {self.dim})"


class Flatten(Module):
    """All numbers of an example in one list, such as the rows that an Embedding gives.

    >>> Flatten()([[[1.0, 2.0], [3.0, 4.0]]])
    [[1.0, 2.0, 3.0, 4.0]]
    """

    def forward(self, x: list[Any]) -> list[Any]:
        """The numbers of `x` from left to right."""
        return leaves(x)

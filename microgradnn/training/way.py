"""What a way to compute batches is asked for; `graphs` and `programs` are the two there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from microgradnn.nn.module import Module

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Loss = Callable[[Any, Any], Any]
Penalty = Callable[[Module], Any]


class Data(NamedTuple):
    """Examples and their targets."""

    X: Array
    y: Array

    def rows(self, numbers: list[int]) -> Data:
        """Some of the examples."""
        return Data(self.X[numbers], self.y[numbers])


class Outcome(NamedTuple):
    """What came of a batch: its loss, the norm of the gradient by path of the module, the outputs as numbers."""

    loss: float
    norms: Mapping[str, float]
    outputs: list[Any]
    total: Any = None  # the loss as the root of a graph, where one was recorded


class Way(Protocol):
    """How a batch is computed. Meanwhile the parameters may stand elsewhere than in the Values: see push and pull."""

    def sweep(self, data: Data) -> Outcome:
        """Forward and backward, with the penalty; ArithmeticError as gates raise it, other numbers finite or not."""

    def update(self) -> bool:
        """Move the parameters by the optimizer; whether they are finite then."""

    def validate(self, data: Data) -> tuple[float, list[Any]]:
        """The loss without penalty and the outputs, of a model in evaluation."""

    def numbers(self) -> Any:
        """What updates change, parameters and the optimizer's memory, as `put_back` takes it."""

    def put_back(self, numbers: Any) -> None:
        """Undo updates."""

    def push(self, memory: bool = False) -> None:
        """Have the parameters in the Values, before someone looks; with `memory` the optimizer's, and gradients too."""

    def pull(self, memory: bool = False) -> None:
        """Take them from the Values, where someone may have changed them since they were pushed."""

    def renew(self) -> None:
        """Notice what else someone may have changed: model, loss and penalty may do something else than before."""

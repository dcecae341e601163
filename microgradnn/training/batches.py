"""What training does with one batch: forward, backward, update; and what the model gives in use.

Here every batch is recorded as a graph, swept and forgotten. A batch is finished, or leaves parameters and running
statistics as they were before it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.graph import topological_order
from microgradnn.modes import no_grad
from microgradnn.nn.module import Module, data_of
from microgradnn.optim import Optimizer
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Loss = Callable[[Any, Any], Any]
Penalty = Callable[[Module], Any]


class Data(NamedTuple):
    """Examples and their targets."""

    X: Array
    y: Array

    def rows(self, places: list[int]) -> Data:
        """Some of the examples."""
        return Data(self.X[places], self.y[places])


class Outcome(NamedTuple):
    """What came of a batch: its loss, the norm of the gradient by path of the module, the outputs as numbers."""

    loss: float
    norms: Mapping[str, float]
    outputs: list[Any]


class Batches:
    """Batches by recording and sweeping their graphs: parameters and gradients are in the Values."""

    def __init__(self, model: Module, loss: Loss, penalty: Penalty | None, optimizer: Optimizer) -> None:
        self.model, self.loss, self.penalty, self.optimizer = model, loss, penalty, optimizer
        named = ((path or type(module).__name__, module.own_parameters()) for path, module in model.modules())
        self.layers = {path: parameters for path, parameters in named if parameters}
        self.statistics = [(module, name) for _, module in model.modules() for name in module.buffers]

    def pull(self) -> None:
        """Take the parameters from the Values, before an epoch."""

    def push(self) -> None:
        """Give the parameters to the Values, after an epoch."""

    def close(self) -> None:
        """Give back everything else, too, however training ended."""

    def step(self, data: Data, place: str) -> Outcome:
        """Forward, backward, update; FloatingPointError where something is not finite."""
        with self.whole_or_not_at_all():
            total, outputs = self.forward(data, place)
            self.optimizer.zero_grad()
            for parameters in self.layers.values():  # also what the optimizer leaves alone
                for parameter in parameters:
                    parameter.grad = None
            total.backward()
            norms = {path: math.hypot(*(one.grad for one in layer)) for path, layer in self.layers.items()}
            check_norms(norms, place)
            self.optimizer.step()
            check_update(all(math.isfinite(parameter.data) for parameter in self.optimizer.state), place)
            return Outcome(total.data, norms, data_of(outputs))

    def forward(self, data: Data, place: str) -> tuple[Value, Any]:
        """The loss, penalty included, and the outputs."""
        try:
            outputs = self.model(data.X.tolist())
            total = self.loss(outputs, data.y.tolist())
            if self.penalty is not None:
                total = total + self.penalty(self.model)
        except ArithmeticError as error:
            raise FloatingPointError(f"training stopped in {place}: {error}") from error
        check_loss(total, self.model)
        if not math.isfinite(total.data):
            raise FloatingPointError(f"the loss is {total.data} in {place}: {_first_not_finite(total)}")
        return total, outputs

    def validate(self, data: Data) -> tuple[float, list[Any]]:
        """The loss without penalty and the outputs, in use."""
        with no_grad():
            outputs = self.model(data.X.tolist())
            return float(data_of(self.loss(outputs, data.y.tolist()))), data_of(outputs)

    @contextmanager
    def whole_or_not_at_all(self) -> Iterator[None]:
        """If a batch cannot be finished, parameters, running statistics and the optimizer's memory are as before it."""
        before = self.parameters()
        statistics = [(module, name, copy.copy(getattr(module, name))) for module, name in self.statistics]
        try:
            yield
        except BaseException:  # Ctrl-C, too
            self.restore(before)
            for module, name, statistic in statistics:
                setattr(module, name, statistic)
            raise

    def parameters(self) -> Any:
        """What `restore` needs to undo an update."""
        return [(parameter, parameter.data, memory.copy()) for parameter, memory in self.optimizer.state.items()]

    def restore(self, parameters: Any) -> None:
        """Undo an update."""
        for parameter, number, memory in parameters:
            parameter.data = number
            self.optimizer.state[parameter].update(memory)


def check_loss(total: Any, model: Module) -> None:
    """TypeError for a loss that nothing can be learned from."""
    if not isinstance(total, Value):
        raise TypeError(f"the loss must be one number that depends on the parameters of {model!r}, got {total!r:.60}")


def check_norms(norms: Mapping[str, float], place: str) -> None:
    """FloatingPointError for a gradient that is not finite."""
    for path, norm in norms.items():
        if not math.isfinite(norm):
            raise FloatingPointError(f"the gradient of {path} is not finite in {place}: a smaller lr may help")


def check_update(finite: bool, place: str) -> None:
    """FloatingPointError for an update that is not finite."""
    if not finite:
        raise FloatingPointError(f"the update in {place} is not finite: a smaller lr may help")


def _first_not_finite(total: Value) -> str:
    for node in topological_order(total):
        if not math.isfinite(node.data):
            if node.primitive is None:
                return f"the parameter {node!r} is not finite"
            owner = f" of module {node.path}" if node.path else ""
            operands = ", ".join(f"{getattr(x, 'data', x):.6g}" for x in node.operands[:6])
            more = ", …" if len(node.operands) > 6 else ""
            return f"the first gate that is not finite is {node.primitive.name}({operands}{more}) = {node.data}{owner}"
    return "no gate is"

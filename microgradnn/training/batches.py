"""What training does with one batch: forward, backward, update; and what the model gives in evaluation.

Here every batch is recorded as a graph, swept and forgotten. A batch is finished, or leaves everything that it changes
as it was before. Where numbers run away is found by `runaway`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.context import no_grad
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import check_buffer, data_of
from microgradnn.optim import Optimizer
from microgradnn.training.runaway import explained, first_gate, first_slope, watched
from microgradnn.training.state import generators_of, set_state, source_of, state_of
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


class Snapshot(NamedTuple):
    """All that batches change."""

    parameters: Any
    statistics: list[Any]
    generators: list[Any]


class Batches:
    """Batches by recording and sweeping their graphs: parameters and gradients are in the Values."""

    def __init__(self, model: Module, loss: Loss, penalty: Penalty | None, optimizer: Optimizer) -> None:
        self.model, self.loss, self.penalty, self.optimizer = model, loss, penalty, optimizer
        self.layers = layers_of(model)
        self.statistics = [(module, name) for module in model.modules() for name in module.buffers]
        self.generators = list({id(source_of(one)): one for one in generators_of(model).values()}.values())
        self.least_loss = math.inf  # of all batches

    def pull(self) -> None:
        """Take the parameters from the Values, if someone may have changed them there."""

    def push(self) -> None:
        """Give the parameters to the Values, before someone looks at them there."""

    def pull_all(self) -> None:
        """Take the optimizer's memory, too."""

    def push_all(self) -> None:
        """Give back the optimizer's memory and the last gradient, too."""

    def step(self, data: Data, place: str) -> Outcome:
        """Forward, backward, update; FloatingPointError where something is not finite."""
        with self.whole_or_not_at_all() as before:
            total, outputs, norms = self.swept(data, place, before)
            self.optimizer.step()
            self.check_update(all(math.isfinite(parameter.data) for parameter in self.optimizer.state), place)
            for module, name in self.statistics:
                check_buffer(f"{name} of {module!r}", getattr(module, name))  # its lists may have been changed in place
            self.least_loss = min(self.least_loss, total.data)
            return Outcome(total.data, norms, data_of(outputs))

    def swept(self, data: Data, place: str, before: Snapshot) -> tuple[Value, Any, dict[str, float]]:
        """The loss, penalty included, the outputs, the norms of the gradients; all of them are finite."""
        try:
            total, outputs = self.forward(data)
            check_loss(total, self.model)
            if math.isfinite(total.data):
                self.optimizer.zero_grad()
                for parameters in self.layers.values():  # also what the optimizer leaves alone
                    for parameter in parameters:
                        parameter.grad = None
                total.backward()
        except ArithmeticError as error:
            grown = self.growth(math.inf) if isinstance(error, OverflowError) else ""
            raise FloatingPointError(f"training stopped in {place}: {error}{grown}") from error
        if not math.isfinite(total.data):
            again = self.again(data, before)
            why, number = explained(total, again, first_gate)
            if math.isnan(number) and isinstance(again, str):
                why = again
            elif math.isinf(number) and total.data != -math.inf:
                why += self.growth(math.inf)
            raise FloatingPointError(f"the loss is {total.data} in {place}: {why}")
        norms = {path: math.hypot(*(one.grad for one in layer)) for path, layer in self.layers.items()}
        for path, norm in norms.items():
            if not math.isfinite(norm):
                why, diverged = explained(total, self.again(data, before), first_slope)
                grown = self.growth(total.data) if diverged else ""
                raise FloatingPointError(f"the gradient of {path} is not finite in {place}: {why}{grown}")
        return total, outputs, norms

    def forward(self, data: Data) -> tuple[Value, Any]:
        """The loss, penalty included, and the outputs."""
        outputs = self.model(data.X.tolist())
        total = self.loss(outputs, data.y.tolist())
        return (total if self.penalty is None else total + self.penalty(self.model)), outputs

    def validate(self, data: Data) -> tuple[float, list[Any]]:
        """The loss without penalty and the outputs, in evaluation."""
        with no_grad():
            outputs = self.model(data.X.tolist())
            return float(data_of(self.loss(outputs, data.y.tolist()))), data_of(outputs)

    # ---- undoing ----

    @contextmanager
    def whole_or_not_at_all(self) -> Iterator[Snapshot]:
        """If a batch cannot be finished, everything is as before it."""
        before = self.snapshot()
        try:
            yield before
        except BaseException:  # Ctrl-C, too
            self.restore(before)
            raise

    def snapshot(self) -> Snapshot:
        """All that batches change, as it is now."""
        statistics = [copy.deepcopy(getattr(module, name)) for module, name in self.statistics]
        return Snapshot(self.parameters(), statistics, [*map(state_of, self.generators)])

    def restore(self, snapshot: Snapshot) -> None:
        """Make everything what it was at the time of the snapshot."""
        self.restore_parameters(snapshot.parameters)
        for (module, name), statistic in zip(self.statistics, snapshot.statistics, strict=True):
            setattr(module, name, copy.deepcopy(statistic))
        for generator, state in zip(self.generators, snapshot.generators, strict=True):
            set_state(generator, state)

    def parameters(self) -> Any:
        """What `restore_parameters` needs."""
        return [(parameter, parameter.data, memory.copy()) for parameter, memory in self.optimizer.state.items()]

    def restore_parameters(self, parameters: Any) -> None:
        """Undo updates: parameters and the optimizer's memory."""
        for parameter, number, memory in parameters:
            parameter.data = number
            self.optimizer.state[parameter].update(memory)

    # ---- numbers that run away ----

    def growth(self, loss: float) -> str:
        """What to do about a loss that has grown; nothing for one that has not."""
        if self.least_loss < loss:
            return f"; the loss has grown from {self.least_loss:.4g} to {loss:.4g}: a smaller lr may help"
        return ""

    def again(self, data: Data, before: Snapshot) -> Value | str | None:
        """The batch recorded once more, with the same random numbers, and watched."""
        self.restore(before)
        return watched(lambda: self.forward(data)[0])

    def check_update(self, finite: bool, place: str) -> None:
        """FloatingPointError for an update that is not finite."""
        if not finite:
            undivided = any(group.get("eps") == 0 for group in self.optimizer.param_groups)
            remedy = "with eps = 0 it may divide by 0: give an eps > 0" if undivided else "a smaller lr may help"
            raise FloatingPointError(f"the update in {place} is not finite: {remedy}")


def layers_of(model: Module) -> dict[str, list[Value]]:
    """The parameters of each module that has some of its own, by path."""
    named = ((path or type(module).__name__, module.own_parameters()) for path, module in model.named_modules())
    return {path: parameters for path, parameters in named if parameters}


def check_loss(total: Any, model: Module) -> None:
    """TypeError for a loss that nothing can be learned from."""
    if not isinstance(total, Value):
        raise TypeError(f"the loss must be one number that depends on the parameters of {model!r}, got {total!r:.60}")

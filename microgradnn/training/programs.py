"""Batches by compiled programs: what is to be trained is recorded once, every batch is arrays from then on.

Where examples do not know of each other, the loss of one of them is recorded; else that of a whole batch, for each
number of examples that occurs. What a batch draws or leaves behind cannot be recorded: the masks of dropout come in as
inputs, the statistics of batch norm go out beside the loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from microgradnn.backprop import leaves, like
from microgradnn.compiler import compile
from microgradnn.compiler.program import Program, build
from microgradnn.context import no_grad
from microgradnn.nn.batch_norm import BatchNorm, statistics_to
from microgradnn.nn.dropout import Dropout, masks_from
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import data_of, held
from microgradnn.optim import Optimizer
from microgradnn.training.batches import Batches, Data, Loss, Outcome, Penalty, check_loss
from microgradnn.training.runaway import watched
from microgradnn.value import Value

Array = np.ndarray[Any, Any]


class Recorded(NamedTuple):
    """A program for batches, what it takes beside examples and targets, and what it gives beside the loss."""

    program: Program
    masks: list[tuple[Dropout, int]]  # with how many numbers of an example it is to multiply
    norms: list[tuple[BatchNorm, int]]  # with how many examples its statistics are of


class Programs(Batches):
    """Batches by compiled programs: the vector `params` is the truth from `pull` to `push`."""

    def __init__(
        self, model: Module, loss: Loss, penalty: Penalty | None, optimizer: Optimizer, data: Data,
        sizes: Iterable[int], observing: bool,
    ) -> None:  # fmt: skip
        """Record what is to be trained for batches of the given sizes; `observing` says whether outputs are wanted."""
        super().__init__(model, loss, penalty, optimizer)
        if type(optimizer).step is not Optimizer.step:
            name = type(optimizer).__name__
            raise TypeError(f"compiled training moves parameters by {name}.update, but {name} has a step of its own")
        self.observing = observing
        self.values = list(dict.fromkeys([*model.parameters(), *optimizer.state]))
        before = self._buffers()
        self.by_example = loss in LOSSES.values() and _one_by_one(model)
        if self.by_example:
            self.recorded = dict.fromkeys(sizes, self._record(data.X[0].tolist(), data.y[0].tolist()))
        if not self.by_example:
            self.recorded = {size: self._record(data.X[:size].tolist(), data.y[:size].tolist()) for size in sizes}
        for buffer, numbers in self._buffers().items():
            if numbers != before[buffer]:
                raise TypeError(
                    f"forward changes the buffer {buffer}, and compiled training runs arrays in place of forward: "
                    "train with compiled=False"
                )
        program = next(iter(self.recorded.values())).program
        self.reached = program.reached
        self.params, self.ahead = program.params.copy(), False  # ahead of the Values
        self.gradient: Array | None = None  # of the last batch
        self.steps = optimizer.on_vector(self.values, self.reached)
        place = {value: index for index, value in enumerate(self.values)}
        self.places = {path: np.array([place[one] for one in layer]) for path, layer in self.layers.items()}
        self.held = np.array([place[one] for one in optimizer.state])
        self.in_use: Program | None = None

    def _buffers(self) -> dict[str, str]:
        """Their numbers as text, by name; what is left of gates that were recorded is none."""
        found = ((f"{name} of {module!r}", getattr(module, name)) for module, name in self.statistics)
        return {name: "" if held(numbers) else repr(numbers) for name, numbers in found}

    def _record(self, x: list[Any], y: Any) -> Recorded:
        """The program for one example, or for one batch, like x and y."""
        masks: list[tuple[Dropout, int]] = []
        norms: list[tuple[BatchNorm, int]] = []

        def f(x: Any, y: Any, *given: Any) -> Any:
            remaining = zip(given, masks, strict=True)
            statistics: list[Any] = []

            def mask(dropout: Dropout, size: int) -> Any:
                if given:
                    numbers, (recorded, _) = next(remaining)
                    if recorded is not dropout:
                        raise TypeError(
                            f"{dropout!r} is made anew with every batch, and draws a mask for it: make it once, before"
                            " fit"
                        )
                    return numbers
                masks.append((dropout, size))
                return [1.0] * size

            def receive(norm: BatchNorm, found: list[tuple[Any, Any]], examples: int) -> None:
                norms.append((norm, examples))
                statistics.append([list(of_feature) for of_feature in found])

            norms.clear()  # of the call before
            if not given:
                masks.clear()
            with masks_from(mask), statistics_to(receive):
                outputs = self.model(x)
                total = self.loss(outputs, y)
                if self.penalty is not None:
                    of_outputs = len(masks), len(norms)
                    total = total + self.penalty(self.model)
                    if (len(masks), len(norms)) != of_outputs:  # once for a batch, not for each of its examples
                        self.by_example = False
            check_loss(total, self.model)
            return total, (outputs if self.observing else (), tuple(statistics))

        program = build(f, self.values, (x, y), observing=True)
        if masks:  # now it is known how many there are
            program = build(f, self.values, (x, y, *([1.0] * size for _, size in masks)), observing=True)
        if not program.reached.any():
            raise TypeError(f"the loss must be one number that depends on the parameters of {self.model!r}")
        return Recorded(program, masks, norms)

    # ---- parameters ----

    def pull(self) -> None:
        """Take the parameters from the Values, if someone may have changed them there."""
        if not self.ahead:
            self.params[:] = [value.data for value in self.values]

    def push(self) -> None:
        """Give the parameters to the Values, before someone looks at them there."""
        if self.ahead:
            for value, number in zip(self.values, self.params.tolist(), strict=True):
                value.data = number
        self.ahead = False

    def pull_all(self) -> None:
        """Take the optimizer's memory, too."""
        self.pull()
        self.steps = self.optimizer.on_vector(self.values, self.reached)

    def push_all(self) -> None:
        """Give back the optimizer's memory and the last gradient, too."""
        self.push()
        self.steps.push()
        if self.gradient is not None:
            for value, slope, reached in zip(self.values, self.gradient.tolist(), self.reached.tolist(), strict=True):
                value.grad = slope if reached else None

    def parameters(self) -> Any:
        """What `restore_parameters` needs."""
        return self.params.copy(), self.steps, self.steps.memory

    def restore_parameters(self, parameters: Any) -> None:
        """Undo updates: parameters and the optimizer's memory."""
        self.params[:], self.steps, memory = parameters
        self.steps.memory, self.ahead = memory, True

    # ---- computing ----

    def step(self, data: Data, place: str) -> Outcome:
        """Forward, backward, update; FloatingPointError where something is not finite."""
        program, masks, norms = self.recorded[len(data.X)]
        examples, batch = (len(data.X), data) if self.by_example else (1, Data(data.X[None], data.y[None]))
        with self.whole_or_not_at_all() as before:
            drawn = [dropout.mask(examples * size).reshape(examples, size) for dropout, size in masks]
            program.params = self.params
            try:
                total, self.gradient, (outputs, statistics) = program.step(*batch, *drawn)
            except ArithmeticError as error:
                raise FloatingPointError(f"training stopped in {place}: {error}") from error
            slopes = {path: math.hypot(*self.gradient[where].tolist()) for path, where in self.places.items()}
            if not all(map(math.isfinite, [total, *slopes.values()])):
                self.restore(before)
                self.push()
                self.swept(data, place, before)  # recorded as a graph the batch is explained
                why = watched(lambda: program.step(*batch, *drawn))
                told = f" ({why})" if isinstance(why, str) else ""
                raise FloatingPointError(
                    f"the loss or its gradient is not finite in {place}, only as it is compiled{told}: what is not "
                    "taken may have no infinite derivative, write sqrt(where(c, x, 1.0)) for where(c, sqrt(x), 0.0)"
                )
            self.ahead = True
            self.steps.step(self.params, self.gradient)
            self.check_update(bool(np.isfinite(self.params[self.held]).all()), place)
            for (norm, n), found in zip(norms, statistics, strict=True):
                norm.move(found[0].tolist(), n)
            self.least_loss = min(self.least_loss, total)
            listed = _listed(outputs)
            return Outcome(total, slopes, listed if self.by_example or not listed else listed[0])

    def validate(self, data: Data) -> tuple[float, list[Any]]:
        """The loss without penalty and the outputs, in evaluation."""
        if not _one_by_one(self.model):
            return super().validate(data)
        if self.in_use is None or self.statistics:  # running statistics are constants of the program
            self.in_use = compile(self.model, self.values, example=(data.X[0],), reduce=None)
        self.in_use.pull()
        outputs = _listed(self.in_use.value(data.X))
        numbers = outputs if self.loss in LOSSES.values() else like(outputs, map(Value, leaves(outputs)))
        try:
            with no_grad():
                found = float(data_of(self.loss(numbers, data.y.tolist())))
        except ArithmeticError:
            found = math.nan
        return (found, outputs) if math.isfinite(found) else super().validate(data)


def _one_by_one(model: Module) -> bool:
    """Whether an example has the same output whatever the others are, and draws the same masks."""
    for module in model.modules():
        own = [name for name in ("__call__", "run", "forward_batch", "forward") if not _ours(type(module), name)]
        drops = any(isinstance(one, Dropout) and one.training for one in module.modules())
        together = isinstance(module, BatchNorm) and module.training
        if together or (own and (own != ["forward"] or drops)):
            return False
    return True


def _ours(module: type, name: str) -> bool:
    return str(getattr(getattr(module, name), "__module__", "")).startswith("microgradnn.")


def _listed(observed: Any) -> list[Any]:
    """What was observed, as a list over the examples of numbers or nested lists."""
    if isinstance(observed, np.ndarray):
        return observed.tolist()  # type: ignore[no-any-return]
    return [list(of_example) for of_example in zip(*map(_listed, observed), strict=True)]

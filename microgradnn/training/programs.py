"""Batches by compiled programs: what is to be trained is recorded, every batch is arrays from then on.

Where examples do not know of each other, the loss of one of them is recorded; else that of a whole batch, for each
number of examples that occurs. What a batch draws or leaves behind cannot be recorded: the masks of dropout come in as
inputs, the statistics of batch norm go out beside the loss. What each method promises is said in `graphs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.build import build
from microgradnn.compiler.parameters import Parameters
from microgradnn.compiler.program import Program
from microgradnn.context import no_grad
from microgradnn.nn.effects import BatchNorm, Dropout, effects_by
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import held
from microgradnn.optim import Optimizer
from microgradnn.optim.clipping import clipped
from microgradnn.training.graphs import Data, Graphs, Outcome
from microgradnn.training.state import buffers_of, generators_of, plain, read_generators
from microgradnn.trees import leaves, like
from microgradnn.value import Value

Array = np.ndarray[Any, Any]


class Recorded(NamedTuple):
    """A program for batches, what it takes beside examples and targets, and what it gives beside the loss."""

    program: Program
    masks: list[tuple[Dropout, int]]  # with how many numbers of an example it is to multiply
    batch_norms: list[tuple[BatchNorm, int]]  # with how many examples its statistics are of


class _MasksToGive(Exception):  # noqa: N818  no error: it ends a first call
    """The function draws masks, which have to come in as inputs."""


class Programs:
    """Batches by compiled programs: `params`, the vector that all of them share, is the truth from `pull` to `push`."""

    def __init__(self, graphs: Graphs, data: Data, sizes: Iterable[int], with_outputs: bool) -> None:
        """Record what is to be trained for batches of the given sizes, where they are wanted with its outputs."""
        self.graphs, self.optimizer, self.with_outputs = graphs, graphs.optimizer, with_outputs
        self.data, self.sizes = data, list(sizes)
        if type(self.optimizer).step is not Optimizer.step:
            name = type(self.optimizer).__name__
            raise TypeError(f"compiled training moves parameters by {name}.update, but {name} has a step of its own")
        self.values = list(dict.fromkeys([*graphs.model.parameters(), *self.optimizer.state]))
        self.recorded: dict[int, Recorded] = {}
        self.evaluation: Program | None = None  # gives the outputs of a model in evaluation
        self.parameters = Parameters(self.values)
        self.params, self.ahead = self.parameters.vector, False  # ahead of the Values
        self.gradient: Array = np.empty(0)  # of the last batch
        index = {value: index for index, value in enumerate(self.values)}
        self.entries = {path: np.array([index[w] for w in own]) for path, own in graphs.own_parameters.items()}
        optimized = [index[parameter] for parameter in self.optimizer.state]
        self.optimized = slice(None) if optimized == [*range(len(self.values))] else np.array(optimized)
        self.record_anew()

    def record_anew(self) -> None:
        """Record what is to be trained as it is now; a program that would be what it was is kept."""
        self.evaluated = False  # whether `evaluation` is of what the model is now
        with self._unchanged():
            parted = self.data.weights is not None or self.graphs.loss in LOSSES.values()  # the loss of a batch
            self.by_example = parted and one_by_one(self.graphs.model)
            if self.by_example:
                recorded = dict.fromkeys(self.sizes, self._program_for(self.data.at(0), self.sizes[0]))
            if not self.by_example:  # or recording has shown that the penalty draws, too
                recorded = {size: self._program_for(self.data.at(slice(size)), size) for size in self.sizes}
        self.recorded = recorded
        self.reached = recorded[self.sizes[0]].program.reached
        self.steps = self.optimizer.on_vector(self.values, self.reached)

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """TypeError where recording inside the block moves what a module keeps: a program would not."""
        before = self._kept()
        yield
        if changed := [name for name, numbers in self._kept().items() if numbers != before.get(name)]:
            remedy = "compiled training runs arrays in place of forward: train with compiled=False"
            raise TypeError(f"forward changes {changed[0]}, and {remedy}")

    def _kept(self) -> dict[str, Any]:
        """The numbers of the buffers as text, and the states of the generators; of gates that were recorded nothing."""
        model = self.graphs.model
        named = {f"the buffer {name} of {module!r}": getattr(module, name) for module, name in buffers_of(model)}
        buffers = {name: "" if held(numbers) else repr(numbers) for name, numbers in named.items()}
        generators = plain(read_generators(generators_of(model)))
        return buffers | {f"the generator {name} of {model!r}": state for name, state in generators.items()}

    def _program_for(self, data: Data, size: int) -> Recorded:
        """The program for batches of this size, recorded of one example or of one such batch."""
        before = self.recorded[size].program if size in self.recorded else None
        example, alone = [member.tolist() for member in data if member is not None], self.by_example
        masks: list[tuple[Dropout, int]] = []
        batch_norms: list[tuple[BatchNorm, int]] = []
        model = self.graphs.model

        def f(x: Any, y: Any, *given: Any) -> Any:
            shares, given = (None, given) if data.weights is None else (given[0], given[1:])
            remaining = zip(given, masks, strict=True)
            statistics: list[Any] = []

            def mask(dropout: Dropout, size: int) -> Any:
                if given:
                    numbers, (expected, _) = next(remaining)
                    if expected is not dropout:
                        made_anew = f"{dropout!r} is made anew with every batch, and draws a mask for it"
                        raise TypeError(f"{made_anew}: make it once, before fit")
                    return numbers
                masks.append((dropout, size))
                return [1.0] * size

            def receive(norm: BatchNorm, of_batch: list[tuple[Any, Any]], examples: int) -> None:
                batch_norms.append((norm, examples))
                statistics.append([list(of_feature) for of_feature in of_batch])

            batch_norms.clear()  # of the call before
            if not given:
                masks.clear()
            with effects_by(mask=mask, statistics=receive):
                outputs = model(x)
                of_outputs = len(masks), len(batch_norms)
                batch = ([outputs], [y], None if shares is None else [shares]) if alone else (outputs, y, shares)
                root = self.graphs.total(*batch)
                if (len(masks), len(batch_norms)) != of_outputs:  # once for a batch, not for each of its examples
                    self.by_example = False
            if masks and not given:
                raise _MasksToGive(f"{masks[0][0]!r} draws a mask")
            return root, (outputs if self.with_outputs else (), tuple(statistics))

        try:
            program = build(f, self.parameters, example, has_aux=True, before=before)
        except _MasksToGive:  # now it is known how many there are
            masks_of_ones = ([1.0] * size for _, size in masks)
            program = build(f, self.parameters, (*example, *masks_of_ones), has_aux=True, before=before)
        return Recorded(program, masks, batch_norms)

    # ---- one batch ----

    def sweep(self, data: Data) -> Outcome:
        program, masks, batch_norms = self.recorded[len(data.X)]
        examples = len(data.X) if self.by_example else 1  # of the program
        batch = [data.X, data.y] + ([] if data.shares is None else [np.multiply(data.shares, examples)])
        batch = batch if self.by_example else [member[None] for member in batch]
        drawn = [np.reshape(dropout.mask(examples * size), (examples, size)) for dropout, size in masks]
        (loss, (outputs, statistics)), self.gradient = program.value_and_grad(*batch, *drawn)
        norms = {path: _norm(self.gradient[where]) for path, where in self.entries.items()}
        for (norm, n), of_batch in zip(batch_norms, statistics, strict=True):
            norm.move(of_batch[0].tolist(), n)
        outputs = _by_example(outputs)
        return Outcome(loss, norms, outputs if self.by_example or not outputs else outputs[0])

    def clip(self, max_norm: float) -> None:
        own = self.gradient[self.optimized]
        norm = _norm(own)
        if math.isfinite(norm):
            self.gradient[self.optimized] = clipped(own, norm, max_norm)
        else:
            self.push(gradients=True)
            self.graphs.clip(max_norm)  # which says what is wrong

    def update(self) -> bool:
        self.ahead = True
        self.steps.step(self.params, self.gradient)
        return bool(np.isfinite(self.params[self.optimized]).all())

    def validate(self, data: Data) -> tuple[float, list[Any]]:
        self.pull()  # a metric may have moved the Values
        if one_by_one(self.graphs.model):
            loss, outputs = self._validated(data)
            if math.isfinite(loss):
                return loss, outputs
        self.push()
        return self.graphs.validate(data)

    def _validated(self, data: Data) -> tuple[float, list[Any]]:
        """The loss and the outputs, by a program as far as it goes; a loss that is not finite is to be looked at."""
        graphs = self.graphs
        # What buffers hold, such as running statistics, is written into the program: it is out of date in each epoch.
        if self.evaluation is None or not self.evaluated or buffers_of(graphs.model):
            with self._unchanged():
                self.evaluation = build(
                    graphs.model, self.parameters, (data.X[0],), reduce=None, before=self.evaluation
                )  # fmt: skip
            self.evaluated = True
        numbers = outputs = _by_example(self.evaluation.value(data.X))
        if graphs.loss not in LOSSES.values():
            self.push()  # a loss of the user's own may look at the Values
            numbers = like(outputs, map(Value, leaves(outputs)))
        try:
            with no_grad():
                loss = graphs.figure_of(numbers, data)
        except ArithmeticError:
            loss = math.nan
        return loss, outputs

    # ---- parameters ----

    def snapshot(self) -> Callable[[], None]:
        before = self.params.copy(), self.steps, self.steps.memory  # a step puts a new memory in place of this one

        def put_back() -> None:
            self.params[:], self.steps, self.steps.memory = before
            self.ahead = True

        return put_back

    def push(self, gradients: bool = False, memory: bool = False) -> None:
        if self.ahead:
            self.parameters.push()
        self.ahead = False
        if memory:
            self.steps.push()
        if gradients:
            for value, slope, reached in zip(self.values, self.gradient.tolist(), self.reached.tolist(), strict=False):
                value._grad = slope if reached else None  # of the last batch, if there was one

    def pull(self, memory: bool = False) -> None:
        if not self.ahead:
            self.parameters.pull()
        if memory:
            self.steps = self.optimizer.on_vector(self.values, self.reached)


def one_by_one(model: Module) -> bool:
    """Whether an example has the same output whatever the others are, and draws the same masks."""
    for module in model.modules():
        methods = [getattr(type(module), name) for name in ("__call__", "run", "forward_batch", "forward")]
        own = [method for method in methods if not str(getattr(method, "__module__", "")).startswith("microgradnn.")]
        drops = any(isinstance(inner, Dropout) and inner.training for inner in module.modules())
        together = isinstance(module, BatchNorm) and module.training
        if together or (own and (own != methods[-1:] or drops)):
            return False
    return True


def _norm(vector: Array) -> float:
    """‖vector‖: many numbers by their squares, unless those leave the range of floats."""
    if len(vector) > 100:
        with np.errstate(all="ignore"):
            square = float(vector.dot(vector))
        if 1e-280 < square < math.inf:
            return math.sqrt(square)
    return math.hypot(*vector.tolist())


def _by_example(aux: Any) -> list[Any]:
    """What comes by example, as a list over the examples of numbers or nested lists."""
    if isinstance(aux, np.ndarray):
        return aux.tolist()  # type: ignore[no-any-return]
    return [list(of_example) for of_example in zip(*map(_by_example, aux), strict=True)]

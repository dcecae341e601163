"""Where a run of `fit` stands: a batch happens whole or not at all, and the end of each epoch is kept to go on from.

What is computed in a batch is in `graphs` and `programs`; the loop over epochs and batches is `fit` itself.
"""

from __future__ import annotations

import copy
import math
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from microgradnn.nn.module import Module, evaluating
from microgradnn.optim import Optimizer
from microgradnn.settings import not_negative
from microgradnn.training.arguments import Arguments, deferred, rates_of
from microgradnn.training.graphs import Data, Graphs, Outcome, explained, figure, watched
from microgradnn.training.history import History, Update
from microgradnn.training.state import SHUFFLE, Best, State, generators_of, plain, read_generators, write_generators
from microgradnn.value import Value

if TYPE_CHECKING:
    from microgradnn.training.programs import Programs


class Run:
    """Batches and epochs, beginning where the given state ended; by graphs until `compile` has made programs."""

    def __init__(self, given: Arguments, history: History) -> None:
        self.given, self.history, self.weights = given, history, given.weights
        self.graphs = Graphs(given.model, given.loss, given.penalty, given.optimizer)
        self.batches: Graphs | Programs = self.graphs
        self.generators: dict[str, Any]
        state = given.state
        self._look_up()
        if state is not None:
            self.weights.write(state.weights)
            given.optimizer.load_state_dict(state.optimizer)
            write_generators(self.generators, state.generators)
        self.best = Best() if state is None else state.best
        self.least_loss = math.inf  # of all batches
        self.factor = 1.0  # on the learning rates
        self.shown = False  # to `on_epoch`, which may have changed anything
        history.stopped = ""
        history.hold(self.state())
        self._keep()

    def compile(self) -> None:
        """Compute batches by programs from now on."""
        from microgradnn.training.programs import Programs  # which imports NumPy

        given = self.given
        sizes = given.batch_size, len(given.data.X) % given.batch_size  # the last batch has the rest
        with self.whole_or_not_at_all():
            self.batches = Programs(self.graphs, given.data, filter(None, sizes), with_outputs=bool(given.metrics))

    # ---- batches ----

    def step(self, data: Data, epoch: int, batch: int, batches: int) -> tuple[Update, list[Any]]:
        """Forward, backward, update, `on_batch`: what came of batch number so of so many, and its outputs.

        FloatingPointError where something is not finite; then, and whatever else is raised, nothing has changed.
        """
        given, where, by_batch = self.given, f"epoch {epoch}, batch {batch}", self.given.schedule_by == "batch"
        if given.schedule is not None and (by_batch or batch == 0):
            self.batches.push()  # it may look at the Values
            time = epoch + batch / batches if by_batch else epoch
            self.factor = figure(f"schedule({time})", given.schedule(time))
        with self.whole_or_not_at_all() as undo:
            with _scaled(given.optimizer, self.factor, where if by_batch else f"epoch {epoch}") as rate:
                outcome = self._swept(self.batches, data, where, undo)
                self._update(where)
            update = Update(epoch, batch, outcome.loss, rate, outcome.norms)
            if given.on_batch is not None:
                self._show(given.on_batch, update)
        self.least_loss = min(self.least_loss, outcome.loss)
        return update, outcome.outputs

    def _update(self, where: str) -> None:
        if self.given.clip < math.inf:
            try:
                self.batches.clip(self.given.clip)
            except ValueError as error:
                raise FloatingPointError(f"the gradient cannot be clipped in {where}: {error}") from error
        if not self.batches.update():
            undivided = any(group.get("eps") == 0 for group in self.given.optimizer.param_groups)
            remedy = "with eps = 0 it may divide by 0: give an eps > 0" if undivided else "a smaller lr may help"
            raise FloatingPointError(f"the update in {where} is not finite: {remedy}")

    def _show(self, on_batch: Callable[[Module, Update], Any], update: Update) -> None:
        """Let `on_batch` see the model in evaluation; the numbers that it sets count, and False ends training."""
        self.batches.push(gradients=True)
        self.given.model.eval()
        answer = on_batch(self.given.model, update)
        self.given.model.train()
        self.batches.pull()
        if _said_no("on_batch", answer):
            self.history.stopped = "on_batch"

    def _swept(self, batches: Graphs | Programs, data: Data, where: str, undo: Callable[[], None]) -> Outcome:
        try:
            outcome = batches.sweep(data)
        except ArithmeticError as error:
            grown = self._growth(math.inf) if isinstance(error, OverflowError) else ""
            raise FloatingPointError(f"training stopped in {where}: {error}{grown}") from error
        if all(map(math.isfinite, [outcome.loss, *outcome.norms.values()])):
            return outcome
        undo()  # also the generators: what follows is the same batch
        if batches is self.graphs:
            again = watched(lambda: self.graphs.forward(data)[0])
            raise FloatingPointError(explained(outcome, again, where, self._growth))
        batches.push()
        self._swept(self.graphs, data, where, undo)  # recorded as a graph, the batch is explained
        undo()
        why = watched(lambda: batches.sweep(data))
        told = f" ({why})" if isinstance(why, str) else ""
        raise FloatingPointError(
            f"the loss or its gradient is not finite in {where}, only as it is compiled{told}: what is not taken may "
            "have no infinite derivative, write sqrt(where(c, x, 1.0)) for where(c, sqrt(x), 0.0)"
        )

    def _growth(self, loss: float) -> str:
        """What to do about a loss that has grown; nothing for one that has not."""
        if self.least_loss < loss:
            return f"; the loss has grown from {self.least_loss:.4g} to {loss:.4g}: a smaller lr may help"
        return ""

    @contextmanager
    def whole_or_not_at_all(self) -> Iterator[Callable[[], None]]:
        """If the block cannot be finished, everything is as before it."""
        undo = self.snapshot()
        try:
            yield undo
        except BaseException:  # Ctrl-C, too
            undo()
            raise

    def snapshot(self) -> Callable[[], None]:
        """What makes everything that training changes again what it is now, as often as it is called."""
        batches, put_back = self.batches, self.batches.snapshot()
        generators, states, names = self.generators, read_generators(self.generators), self.weights.buffers
        buffers = [(module, name, copy.deepcopy(getattr(module, name))) for module, name in names]
        groups = [(group, group.copy()) for group in self.given.optimizer.param_groups]

        def restore() -> None:
            self.batches, self.generators, self.weights.buffers = batches, generators, names
            put_back()
            for module, name, numbers in buffers:
                setattr(module, name, copy.deepcopy(numbers))
            for group, settings in groups:
                group.update(settings)
            write_generators(generators, states)

        return restore

    # ---- epochs ----

    def over(self, interrupted: bool) -> bool:
        """Whether training has ended; `stopped` says why."""
        history, given, epochs = self.history, self.given, len(self.history.loss)
        early = epochs - 1 - self.best.epoch >= given.early_stopping
        history.stopped = history.stopped or ("early" if early else "interrupted" if interrupted else "")
        return bool(history.stopped) or epochs >= given.epochs

    def begin_epoch(self) -> list[Any]:
        """Train the model as the user left it; the rows of each batch."""
        if self.shown:
            self.given.model.train()
            with self.whole_or_not_at_all():
                self.batches.record_anew()
        self.batches.pull()
        return self.given.batches()

    def finish_epoch(self, figures: dict[str, Any]) -> None:
        """Note the figures, keep where training stands."""
        epoch = len(self.history.loss)
        if self.given.on_batch is not None:
            self.weights.check_kept(self.given.model, "on_batch")
        if epoch == 0:
            self.graphs.check_loss(Value(0.0), may_be_zero=False)  # so it may be in a batch, not in all
        self.history.append(figures)
        if figures.get("validation_loss", self.best.loss) < self.best.loss:
            self.batches.push()
            self.best = Best(figures["validation_loss"], epoch, self.weights.read())
        self._keep()

    def show(self) -> None:
        """Let `on_epoch` see the current weights, in evaluation; what it changes counts, and False ends training."""
        model, on_epoch = self.given.model, self.given.on_epoch
        if on_epoch is None:
            return
        looks_at = getattr(on_epoch, "looks_at", None)
        if looks_at is not None and not looks_at(self.history):
            return
        self.shown = self.shown or looks_at is None
        self.batches.push(gradients=True, memory=True)
        undo = self.snapshot()
        try:
            with evaluating(model), self.history.looked_at(self.state):
                answer = on_epoch(model, self.history)
        finally:
            if looks_at is not None:
                undo()  # of what a module in evaluation may draw or keep
            else:
                self.batches.pull(memory=True)
        if looks_at is None:
            self.weights.check_kept(model, "on_epoch")
            self._keep()
        if _said_no("on_epoch", answer):
            self.history.stopped = self.history.stopped or "on_epoch"

    def leave(self) -> None:
        """Give everything back: the state after the last complete epoch to the history, the weights to the model."""
        return_to_now, (epochs, return_to_end_of_epoch) = self.snapshot(), self.kept
        return_to_end_of_epoch()
        self.batches.push(gradients=True, memory=True)
        self.history.hold(self.state(epochs))
        return_to_now()
        self.batches.push(gradients=True, memory=True)
        if self.given.early_stopping < math.inf and self.best.weights is not None:
            self.weights.write(self.best.weights)

    def state(self, epochs: int | None = None) -> State:
        """What model, optimizer and generators hold now, after so many epochs, all unless given."""
        if epochs is None:
            self._look_up()  # in `on_epoch`, which may just have put them in
        return State(
            len(self.history.loss) if epochs is None else epochs, self.weights.read(), self.weights.in_optimizer,
            self.given.optimizer.state_dict(), plain(read_generators(self.generators)), self.best,
        )  # fmt: skip

    def _look_up(self) -> None:
        """See which generators and buffers there are: `on_epoch` may put in others."""
        self.generators = generators_of(self.given.model) | {SHUFFLE: self.given.rng}
        self.weights.find_buffers(self.given.model)

    def _keep(self) -> None:
        if not self.batches.ahead:  # else programs alone have run since, and nothing that might have put in others
            self._look_up()
        self.batches.pull()
        self.kept = len(self.history.loss), self.snapshot()


@contextmanager
def _scaled(optimizer: Optimizer, factor: float, where: str) -> Iterator[float]:
    """Inside the block the learning rates are times that factor, the first is given; afterwards as they were."""
    groups, rates = optimizer.param_groups, rates_of(optimizer, f" in {where}")
    try:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = not_negative("lr", rate * factor, f" in {where}")
        yield groups[0]["lr"]
    finally:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate


def _said_no(hook: str, answer: Any) -> bool:
    """Whether the answer of a hook is False, of any library; TypeError where its work is still to be done."""
    if isinstance(answer, (AsyncGenerator, Coroutine, Generator)):
        raise deferred(hook, answer)
    of_others = getattr(answer, "shape", None) == () and str(answer.dtype).endswith("bool")  # of NumPy, PyTorch, …
    return not answer if of_others else answer is False

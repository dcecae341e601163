"""Where training stands: the end of the last complete epoch, from which a history can go on, and the best epoch."""

from __future__ import annotations

import math
from typing import Any

from microgradnn.training.arguments import Arguments, check_works_at_once
from microgradnn.training.batches import Batches
from microgradnn.training.history import History
from microgradnn.training.state import SHUFFLE, Best, State, generators_of, read_generators, write_generators


class Standing:
    """What is known at the end of each epoch; it begins where the state that was given ended."""

    def __init__(self, given: Arguments, history: History, batches: Batches) -> None:
        self.given, self.history, self.batches, self.weights = given, history, batches, given.weights
        generators, state = generators_of(given.model), given.state
        if state is not None:
            self.weights.write(state.weights)
            given.optimizer.load_state_dict(state.optimizer)
            write_generators(generators, state.generators)
        self.generators = generators | {SHUFFLE: given.rng}
        self.best = Best() if state is None else state.best
        self.shown = False  # to `on_epoch`, which may have changed anything
        history.stopped = ""
        history.hold(self.state())
        self._keep()

    def over(self, interrupted: bool) -> bool:
        """Whether training has ended; `stopped` says why."""
        epochs = len(self.history.loss)
        if not self.history.stopped and epochs - 1 - self.best.epoch >= self.given.early_stopping:
            self.history.stopped = "early"
        elif not self.history.stopped and interrupted:
            self.history.stopped = "interrupted"
        return bool(self.history.stopped) or epochs >= self.given.epochs

    def finish(self, figures: dict[str, Any]) -> None:
        """An epoch is complete."""
        epoch = len(self.history.loss)
        self.history.append(figures)
        if figures.get("validation_loss", self.best.loss) < self.best.loss:
            self.best = Best(figures["validation_loss"], epoch, self.weights.read())
        self._keep()

    def show(self) -> None:
        """Let `on_epoch` see the current weights, in evaluation; what it changes counts, and False ends training."""
        if self.given.on_epoch is None:
            return
        self.shown = True
        self.given.model.eval()
        self.batches.way.push(memory=True)
        try:
            with self.history.looked_at(self.state):
                answer = self.given.on_epoch(self.given.model, self.history)
        finally:
            self.batches.way.pull(memory=True)
        self.weights.check_kept(self.given.model)
        self._keep()
        check_works_at_once("on_epoch", answer)
        is_bool = getattr(answer, "shape", None) == () and str(answer.dtype).endswith("bool")  # of NumPy and others
        if (is_bool or answer is False) and not answer:
            self.history.stopped = "on_epoch"

    def leave(self) -> None:
        """Give everything back: the state after the last complete epoch to the history, the weights to the model."""
        now, (epochs, end_of_epoch) = self.batches.snapshot(), self.kept
        self._return_to(end_of_epoch)
        self.history.hold(self.state(epochs))
        self._return_to(now)
        if self.given.early_stopping < math.inf and self.best.weights is not None:
            self.weights.write(self.best.weights)

    def state(self, epochs: int | None = None) -> State:
        """What model, optimizer and generators hold now, after so many epochs, all unless given."""
        return State(
            len(self.history.loss) if epochs is None else epochs, self.weights.read(), self.weights.held,
            self.given.optimizer.state_dict(), read_generators(self.generators), self.best,
        )  # fmt: skip

    def _keep(self) -> None:
        self.batches.way.pull()
        self.kept = len(self.history.loss), self.batches.snapshot()

    def _return_to(self, snapshot: Any) -> None:
        self.batches.restore(snapshot)
        self.batches.way.push(memory=True)

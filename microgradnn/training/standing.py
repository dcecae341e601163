"""Where training stands: the end of the last complete epoch, from which a history can go on, and the best epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microgradnn.nn.module import Module
from microgradnn.training.arguments import AT_ONCE, Arguments
from microgradnn.training.batches import Batches
from microgradnn.training.history import History
from microgradnn.training.state import SHUFFLE, Best, State, generators_of, read_generators, write_generators


class Standing:
    """What is known at the end of each epoch; it begins where the state that was given ended."""

    def __init__(self, model: Module, history: History, batches: Batches, given: Arguments) -> None:
        self.model, self.history = model, history
        self.weights, self.optimizer, self.shuffle = given.weights, given.optimizer, given.shuffle
        generators = generators_of(model)
        if given.state is not None:
            self.weights.write(given.state.weights)
            self.optimizer.load_state_dict(given.state.optimizer)
            write_generators(generators, given.state.generators)
        self.generators = generators | {SHUFFLE: self.shuffle}
        self.best = Best() if given.state is None else given.state.best
        history.stopped = ""
        history.hold(self.state())
        self.work_with(batches)

    def work_with(self, batches: Batches) -> None:
        """Have the batches made in another way from now on."""
        self.batches = batches
        self._keep()

    def over(self, epochs: int, patience: float, interrupted: bool) -> bool:
        """Whether training has ended; `stopped` says why."""
        whole = len(self.history.loss)
        if not self.history.stopped and whole - 1 - self.best.epoch >= patience:
            self.history.stopped = "early"
        elif not self.history.stopped and interrupted:
            self.history.stopped = "interrupted"
        return bool(self.history.stopped) or whole >= epochs

    def finish(self, figures: dict[str, Any]) -> None:
        """An epoch is complete."""
        epoch = len(self.history.loss)
        self.history.append(figures)
        if figures.get("validation_loss", self.best.loss) < self.best.loss:
            self.best = Best(figures["validation_loss"], epoch, self.weights.read())
        self._keep()

    def shown_to(self, on_epoch: Callable[[Module, History], Any]) -> bool:
        """Whether `on_epoch` says False; it sees the current weights, in evaluation, and what it changes counts."""
        self.model.eval()
        self.batches.push_all()
        try:
            with self.history.looked_at(self.state):
                answer = on_epoch(self.model, self.history)
        finally:
            self.batches.pull_all()
        self._keep()
        if hasattr(answer, "send") or hasattr(answer, "asend"):
            raise TypeError(f"on_epoch {AT_ONCE}, it returned {answer!r:.60}")
        is_bool = getattr(answer, "shape", None) == () and str(answer.dtype).endswith("bool")  # of NumPy and others
        return (is_bool or answer is False) and not answer

    def leave(self, best: bool) -> None:
        """Give everything back: the state after the last complete epoch to the history, the weights to the model."""
        now = self.batches.snapshot(), self.shuffle.bit_generator.state
        epochs, *then = self.kept
        self._return(*then)
        self.history.hold(self.state(epochs))
        self._return(*now)
        if best and self.best.weights is not None:
            self.weights.write(self.best.weights)

    def state(self, epochs: int | None = None) -> State:
        """What model, optimizer and generators hold now, after so many epochs, all unless given."""
        return State(
            len(self.history.loss) if epochs is None else epochs, self.weights.read(), self.weights.held,
            self.optimizer.state_dict(), read_generators(self.generators), self.best,
        )  # fmt: skip

    def _keep(self) -> None:
        self.batches.pull()
        self.kept = len(self.history.loss), self.batches.snapshot(), self.shuffle.bit_generator.state

    def _return(self, snapshot: Any, shuffled: Any) -> None:
        self.batches.restore(snapshot)
        self.shuffle.bit_generator.state = shuffled
        self.batches.push_all()

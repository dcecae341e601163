"""A batch happens whole or leaves everything as it was before; where numbers run away it says in which gate."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.context import recording
from microgradnn.training.graphs import Data, Graphs, Outcome, explained, watched
from microgradnn.training.state import generators_of, set_state, source_of, state_of

if TYPE_CHECKING:
    from microgradnn.training.programs import Programs


class Snapshot(NamedTuple):
    """All that training changes."""

    way: Graphs | Programs
    numbers: Any
    statistics: list[Any]
    generators: list[Any]


class Batches:
    """Batches, which begin by graphs and go on by programs once `compile` has made these; `shuffle` draws them."""

    def __init__(self, graphs: Graphs, shuffle: Any) -> None:
        self.graphs = graphs
        self.way: Graphs | Programs = graphs
        generators = *generators_of(graphs.model).values(), shuffle
        self.generators = list({id(source_of(generator)): generator for generator in generators}.values())
        self.least_loss = math.inf  # of all batches

    def compile(self, data: Data, sizes: Iterable[int], observing: bool) -> None:
        """Compute batches of these sizes by programs from now on; `observing` says whether outputs are wanted."""
        from microgradnn.training.programs import Programs  # which imports NumPy

        with self.whole_or_not_at_all():
            self.way = Programs(self.graphs, data, sizes, observing)

    def record(self) -> None:
        """Notice what `on_epoch` may have changed."""
        with self.whole_or_not_at_all():
            self.way.record()

    def step(self, data: Data, where: str) -> Outcome:
        """Forward, backward, update; FloatingPointError, and nothing has changed, where something is not finite."""
        with self.whole_or_not_at_all() as before, recording():  # whatever surrounds fit
            outcome = self._swept(self.way, data, where, before)
            if not self.way.update():
                undivided = any(group.get("eps") == 0 for group in self.graphs.optimizer.param_groups)
                remedy = "with eps = 0 it may divide by 0: give an eps > 0" if undivided else "a smaller lr may help"
                raise FloatingPointError(f"the update in {where} is not finite: {remedy}")
            self.least_loss = min(self.least_loss, outcome.loss)
            return outcome._replace(total=None)  # its graph has done its work

    def _swept(self, way: Graphs | Programs, data: Data, where: str, before: Snapshot) -> Outcome:
        try:
            outcome = way.sweep(data)
        except ArithmeticError as error:
            grown = self._growth(math.inf) if isinstance(error, OverflowError) else ""
            raise FloatingPointError(f"training stopped in {where}: {error}{grown}") from error
        if all(map(math.isfinite, [outcome.loss, *outcome.norms.values()])):
            return outcome
        self.restore(before)  # also the generators: what follows is the same batch
        if way is self.graphs:
            again = watched(lambda: self.graphs.forward(data)[0])
            raise FloatingPointError(explained(outcome, again, where, self._growth))
        way.push()
        self._swept(self.graphs, data, where, before)  # recorded as a graph, the batch is explained
        self.restore(before)
        why = watched(lambda: way.sweep(data))
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

    # ---- undoing ----

    @contextmanager
    def whole_or_not_at_all(self) -> Iterator[Snapshot]:
        """If the block cannot be finished, everything is as before it."""
        before = self.snapshot()
        try:
            yield before
        except BaseException:  # Ctrl-C, too
            self.restore(before)
            raise

    def snapshot(self) -> Snapshot:
        """Everything as it is now."""
        statistics = [copy.deepcopy(getattr(module, name)) for module, name in self.graphs.statistics]
        return Snapshot(self.way, self.way.numbers(), statistics, [*map(state_of, self.generators)])

    def restore(self, snapshot: Snapshot) -> None:
        """Make everything what it was at the time of the snapshot."""
        self.way = snapshot.way
        self.way.put_back(snapshot.numbers)
        for (module, name), statistic in zip(self.graphs.statistics, snapshot.statistics, strict=True):
            setattr(module, name, copy.deepcopy(statistic))
        for generator, state in zip(self.generators, snapshot.generators, strict=True):
            set_state(generator, state)

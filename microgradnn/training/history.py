"""What came of training, epoch by epoch, and what going on with it needs; to and from files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from microgradnn.files import check_writable, loading, write_whole
from microgradnn.optim.optimizer import check_alike
from microgradnn.training.state import Best, State

ENDING = ".json"
FORMAT = "microgradnn history 1"


class Update(NamedTuple):
    """What came of one batch, for `on_batch`: its numbers, counted from 0, its loss, and what the update was made of.

    - `epoch`, `batch`: which one it was
    - `loss`: its loss, penalty included
    - `learning_rate`: that of the first group of parameters
    - `gradient_norm`: ‖∂loss/∂parameters‖ by path of the module, from before it was clipped

    >>> Update(0, 2, 0.5, 0.01, {"0": 1.5}).loss
    0.5
    """

    epoch: int
    batch: int
    loss: float
    learning_rate: float
    gradient_norm: Mapping[str, float]


@dataclass
class History:
    """What happened in each epoch: one number in every list; and all that going on with training needs.

    - `loss`: the mean over the epoch, weighted as the examples are, penalty included
    - `validation_loss`: that of the model in evaluation after the epoch, without penalty
    - `metrics`: by name, of the outputs seen while training
    - `validation_metrics`: by name, of the model in evaluation after the epoch
    - `learning_rate`: that of its last batch, in the first group
    - `gradient_norm`: by path of the module, the mean over the batches of ‖∂loss/∂parameters‖, before clipping
    - `stopped`: why training ended before the last epoch: "early", "interrupted", "on_epoch", "on_batch", or "" if it
      did not

    `fit(…, history=history)` goes on from the end of the last complete epoch. `state` holds what it needs for that:
    the weights and running statistics, those of the smallest validation loss, the optimizer's state, and the states
    of the random generators of batches and modules.

    >>> from microgradnn import fit, nn, optim
    >>> def run(epochs, history=None):
    ...     model = nn.MLP(1, [3, 1], rng=0)
    ...     data, adam = ([[0.0], [1.0]], [1.0, 0.0]), optim.Adam(model.parameters())
    ...     return fit(model, "mse", *data, adam, epochs, rng=None if history else 0, progress=False, history=history)
    >>> run(5, history=run(3)) == run(5)
    True
    >>> history = run(2)
    >>> history.state.epochs, [(name, len(figures)) for name, figures in history.lists()][:2]
    (2, [('loss', 2), ('validation_loss', 0)])
    >>> history.loss.append(0.5)
    >>> history.check()
    Traceback (most recent call last):
    ValueError: the history has 3 losses, but learning_rate has 2 numbers
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    validation_metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: dict[str, list[float]] = field(default_factory=dict)
    stopped: str = ""
    _state: State | Callable[[], State] | None = field(default=None, init=False, repr=False, compare=False)

    reasons: ClassVar[tuple[str, ...]] = ("", "early", "interrupted", "on_epoch", "on_batch")  # what `stopped` may be

    @property
    def state(self) -> State | None:
        """What going on needs: None before training, in `on_epoch` what model and optimizer hold at that moment."""
        return self._state() if callable(self._state) else self._state

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_state": self.state}

    # ---- files ----

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a JSON file at `path`, from which `History.load` reads it to the bit, also in `on_epoch`.

        A file that was there before stays until the new one is complete. Raises ValueError for a name that does not
        end in `.json` and, while `fit` runs, outside `on_epoch`; OSError where the file cannot be written.

        >>> import os, tempfile
        >>> history = History(loss=[0.5, 0.25], learning_rate=[0.1, 0.1])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     history.save(os.path.join(folder, "run.json"))
        ...     History.load(os.path.join(folder, "run.json")).loss
        [0.5, 0.25]
        """
        check_writable(path, (ENDING,))
        self.check()
        figures = {name: getattr(self, name) for name in _LISTS + _BY_NAME}
        if (state := self.state) is not None:
            check_alike(state.optimizer, state.optimizer, "the optimizer's state")  # plain data are like themselves
        content = {"format": FORMAT, **figures, "stopped": self.stopped, "state": state and asdict(state)}
        write_whole(path, json.dumps(content, indent=1).encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what `save` wrote to `path`.

        Raises OSError where the file cannot be read; ValueError, with the path, for one that is damaged or of another
        kind. Nothing in a file can run.

        >>> History.load("nowhere.json")
        Traceback (most recent call last):
        FileNotFoundError: cannot load 'nowhere.json': No such file or directory
        """
        with loading(path):
            try:
                content = json.loads(Path(path).read_bytes())
            except (ValueError, RecursionError):
                raise ValueError(f"it is damaged, or no {ENDING} file") from None
            if not isinstance(content, dict) or content.get("format") != FORMAT:
                raise ValueError("it is not what History.save writes")
            try:
                figures: dict[str, Any] = {name: _figures(content[name]) for name in _LISTS}
                for name in _BY_NAME:
                    figures[name] = {key: _figures(numbers) for key, numbers in content[name].items()}
                history = cls(**figures, stopped=cls.reasons[cls.reasons.index(content["stopped"])])
                history._state = None if content["state"] is None else _state(content["state"])
                history.check()
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise ValueError(f"it is damaged: {error}") from None
        return history

    # ---- for `fit` ----

    def hold(self, state: State) -> None:
        """Have the `state` to go on from, and no figures of later epochs.

        >>> history = History([0.5, 0.25], learning_rate=[0.1, 0.1])
        >>> from types import SimpleNamespace
        >>> history.hold(SimpleNamespace(epochs=1))
        >>> history.loss
        [0.5]
        """
        for _, figures in self.lists():
            del figures[state.epochs :]
        self._state = state

    @contextmanager
    def looked_at(self, ask: Callable[[], State]) -> Iterator[None]:
        """Inside the block the state is what `ask` gives at that moment.

        >>> history = History()
        >>> with history.looked_at(lambda: "the state"):
        ...     history.state
        'the state'
        """
        before, self._state = self._state, ask
        try:
            yield
        finally:
            self._state = before

    def append(self, figures: Mapping[str, Any]) -> None:
        """Note the `figures` of one epoch, each a number or, by name, several.

        >>> history = History()
        >>> history.append({"loss": 0.5, "metrics": {"accuracy": 1.0}})
        >>> history.loss, history.metrics
        ([0.5], {'accuracy': [1.0]})
        """
        for name, figure in figures.items():
            if isinstance(figure, Mapping):
                for key, number in figure.items():
                    getattr(self, name).setdefault(key, []).append(number)
            else:
                getattr(self, name).append(figure)

    def lists(self) -> Iterator[tuple[str, list[float]]]:
        """Every list of figures, by name."""
        for name in _LISTS:
            yield name, getattr(self, name)
        for name in _BY_NAME:
            yield from ((f"{name}[{key!r}]", figures) for key, figures in getattr(self, name).items())

    def check(self) -> None:
        """Raise ValueError where the lists are not of equal length, or not those of the state."""
        epochs = len(self.loss)
        for name, figures in self.lists():
            if len(figures) != epochs and (figures or name != "validation_loss"):
                raise ValueError(f"the history has {epochs} losses, but {name} has {len(figures)} numbers")
        state = self.state
        if state is not None and state.epochs != epochs:
            raise ValueError(
                f"the history has {epochs} epochs, but its state is that after {state.epochs}: save it in "
                "on_epoch or when fit has ended, where the two are together"
            )
        if state is not None and not 0 <= state.best.epoch < max(epochs, 1):
            raise ValueError(f"the history has {epochs} epochs, but its best is epoch {state.best.epoch}")


_LISTS = ("loss", "validation_loss", "learning_rate")
_BY_NAME = ("metrics", "validation_metrics", "gradient_norm")


def _figures(numbers: Any) -> list[float]:
    if not isinstance(numbers, list) or any(type(number) not in (int, float) for number in numbers):
        raise ValueError(f"{numbers!r:.60} is no list of numbers")
    return [float(number) for number in numbers]


def _state(content: Any) -> State:
    state = State(**content | {"best": Best(**content["best"])})
    for data, kinds in [
        (state.epochs, int), (state.weights, dict), (state.held, list), (state.optimizer, dict),
        (state.generators, dict), (state.best.loss, float), (state.best.epoch, int), (state.best.weights, dict | None),
    ]:  # fmt: skip
        if not isinstance(data, kinds):
            raise ValueError(f"its state holds {data!r:.60}")
    return state

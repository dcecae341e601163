"""The training loop: mini-batches, forward, backward, update, and a history of how it went.

Data sets, scaling and splitting are scikit-learn's; what a loss, an optimiser or a penalty is stands elsewhere. What
the arguments may be is in `arguments`, what becomes of a batch in `batches`, by `graphs` or by `programs`, where
training stands in `standing`, what going on with a history needs in `state`.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from microgradnn.nn.examples import as_list
from microgradnn.nn.module import Module, evaluating
from microgradnn.optim import Optimizer
from microgradnn.reading import number
from microgradnn.training.arguments import Arguments, Metrics, read
from microgradnn.training.batches import Batches
from microgradnn.training.graphs import Graphs
from microgradnn.training.history import History
from microgradnn.training.standing import Standing
from microgradnn.training.way import Data, Outcome

__all__ = ["History", "accuracy", "fit"]


def accuracy(outputs: Any, targets: Any, threshold: float = 0.0) -> float:
    """The part of examples that are classified right: by the largest of several scores, or by the side of one score.

    One score above `threshold` means label 1, below it 0 or −1; for probabilities the threshold is ½. A list of one
    is read as its number. Raises ValueError for unequal lengths.

    >>> accuracy([[0.1, 2.0], [3.0, 1.0]], [1, 1]), accuracy([0.3, -2.0], [1, 0]), accuracy([[0.3], [-2.0]], [1, -1])
    (0.5, 1.0, 1.0)
    """

    def right(scores: Any, label: Any) -> bool:
        scores, label = (x[0] if isinstance(x, list) and len(x) == 1 else x for x in (scores, label))
        if isinstance(scores, list):
            target = label.index(max(label)) if isinstance(label, list) else label
            return bool(scores.index(max(scores)) == target)
        return bool((scores > threshold) == (label > 0))

    outputs, targets = as_list(outputs), as_list(targets)
    if len(outputs) != len(targets) or not targets:
        raise ValueError(f"accuracy needs a target for each output, got {len(outputs)} and {len(targets)}")
    return sum(map(right, map(as_list, outputs), map(as_list, targets))) / len(targets)


def fit(
    model: Module,
    loss: str | Callable[[Any, Any], Any],
    X: Any,  # noqa: N803  the matrix of examples, as everywhere
    y: Any,
    optimizer: str | Optimizer,
    epochs: int,
    batch_size: int | None = None,
    validation: tuple[Any, Any] | None = None,
    schedule: Callable[[int], float] | None = None,
    early_stopping: int | None = None,
    penalty: Callable[[Module], Any] | None = None,
    rng: Any = None,
    progress: bool = True,
    metrics: Metrics | None = None,
    compiled: bool = False,
    history: History | None = None,
    on_epoch: Callable[[Module, History], Any] | None = None,
) -> History:
    """Train `model` to make `loss` (a name, or a function of outputs and targets) small on the rows of X and y.

    Each epoch goes through the data once, in an order drawn by `rng`, in batches of `batch_size` (all at once unless
    given). `schedule` maps the epoch to a factor on the learning rates; `penalty` is a function of the model;
    `metrics` are functions of outputs and targets, by name. With `early_stopping=n`, training ends when the loss on
    `validation`, a pair (X, y), has not fallen for n epochs, and the best weights come back.

    With `compiled=True` the same numbers, to rounding, come many times as fast, from a program that `compile` makes:
    modules, loss and penalty are called a few times to record it, and again after each `on_epoch`, so that what it
    changes counts. They may not ask for the number of a Value.

    `on_epoch(model, history)` is called after every epoch, in evaluation mode: to look, to save or to change something,
    but for which parameters the model has, or to end training by returning False. If it has a method `close`, that is
    called however training ends.

    `epochs` is the total. With `history`, which `fit` or `History.load` gave, training goes on from the end of its last
    complete epoch, to the bit as if it had never stopped: weights, running statistics, optimizer (also its settings)
    and generators become what they were there, and the same history grows. Generators are those of NumPy and Python
    that modules hold in attributes, lists and dicts; what is drawn elsewhere, as by `random.random()`, is drawn anew.
    A history that was interrupted or that `on_epoch` stopped goes on; one that ended early goes on only with more
    patience. Where nothing is left to do, the model gets the weights that training ended with.

    Ctrl-C ends training after the batch under way and gives the history so far. Whatever is raised carries it as
    `error.history`, and the model has the best weights with `early_stopping`, else those before the bad batch.
    FloatingPointError names epoch, batch and gate where a number or a gradient is not finite. Bad arguments raise
    TypeError, ValueError or, where they overflow, FloatingPointError before anything is done. A bar shows the
    `progress` in a terminal and in Jupyter, and
    nowhere else. Source: notes 002 and 003.

    >>> from microgradnn import nn, optim
    >>> model = nn.MLP(1, [8, 1], activation="tanh", rng=0)
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> history = fit(model, "mse", X, y, optim.Adam(model.parameters(), lr=0.05), epochs=100, progress=False)
    >>> history.loss[0] > 0.3, history.loss[-1] < 0.001
    (True, True)
    """
    record = history if isinstance(history, History) else History()
    with _carried_by_errors(record), _closed(on_epoch):
        # 1. Read the arguments; what is wrong with them is said before anything is done.
        given = read(
            model, loss, X, y, optimizer, epochs, batch_size, validation, schedule, early_stopping, penalty, rng,
            progress, metrics, compiled, history, on_epoch,
        )  # fmt: skip
        # 2. Begin where the history ended: with its weights, optimizer and generators.
        batches = Batches(Graphs(model, given.loss, given.penalty, given.optimizer))
        standing = Standing(given, record, batches)
        with evaluating(model), _interruptible() as interrupt, _bar(record, given.epochs, progress) as bar:
            try:
                if compiled and len(record.loss) < given.epochs:
                    model.train()
                    batches.compile(given.data, _sizes(given), observing=bool(metrics))
                while not standing.over(interrupt.pressed):
                    # 3. Go through the data once; every batch goes forward, backward, and moves the parameters.
                    epoch, trained = len(record.loss), _Trained()
                    with _scaled(given, epoch) as rate:
                        model.train()
                        if standing.shown:
                            batches.renew()
                        batches.way.pull()
                        for number, rows in enumerate(_batches(given)):
                            if interrupt.pressed:
                                raise KeyboardInterrupt
                            data = given.data.rows(rows)
                            trained.add(data, batches.step(data, f"epoch {epoch}, batch {number}"))
                    # 4. Measure, in training by what the batches gave, in evaluation on the held-out data.
                    if any(x is not None for x in (metrics, schedule, given.validation, on_epoch)):
                        batches.way.push()  # they may look at the Values
                    figures = trained.figures(given.metrics) | {"learning_rate": rate}
                    if given.validation is not None:
                        figures |= _validated(given, batches, given.validation, epoch)
                    # 5. The epoch is complete: note it, keep the state to go on from, and show it.
                    standing.finish(figures)
                    bar.set_postfix(_shown(record), refresh=False)
                    bar.update()
                    standing.show()
            except KeyboardInterrupt:
                record.stopped = "interrupted"
            finally:
                # 6. Leave the best weights, or the last ones, and a history that can go on.
                interrupt.at_once = False
                standing.leave()
        if interrupt.pressed and not record.stopped:
            record.stopped = "interrupted"
    return record


# ---- one epoch ----------------------------------------------------------------------------------------------------


class _Trained:
    """What is gathered over the batches of an epoch."""

    def __init__(self) -> None:
        self.examples, self.loss = 0, 0.0
        self.outputs: list[Any] = []
        self.targets: list[Any] = []
        self.norms: list[Mapping[str, float]] = []

    def add(self, data: Data, outcome: Outcome) -> None:
        self.loss += outcome.loss * len(data.X)
        self.examples += len(data.X)
        self.outputs += outcome.outputs
        self.targets += data.y.tolist()
        self.norms.append(outcome.norms)

    def figures(self, metrics: Metrics) -> dict[str, Any]:
        norms = {path: sum(norms[path] for norms in self.norms) / len(self.norms) for path in self.norms[0]}
        measured = _measured(metrics, self.outputs, self.targets)
        return {"loss": self.loss / self.examples, "gradient_norm": norms, "metrics": measured}


def _measured(metrics: Metrics, outputs: list[Any], targets: list[Any]) -> dict[str, float]:
    return {name: number(metric(outputs, targets)) for name, metric in metrics.items()}


def _batches(given: Arguments) -> Iterator[list[int]]:
    """The numbers of the examples in each batch."""
    order: list[int] = given.shuffle.permutation(len(given.data.X)).tolist()
    for start in range(0, len(order), given.batch_size):
        yield order[start : start + given.batch_size]


def _sizes(given: Arguments) -> list[int]:
    """How many examples a batch may have: the last one has the rest."""
    return [size for size in (given.batch_size, len(given.data.X) % given.batch_size) if size]


def _validated(given: Arguments, batches: Batches, data: Data, epoch: int) -> dict[str, Any]:
    given.model.eval()
    try:
        loss, outputs = batches.way.validate(data)
    except ArithmeticError as error:
        raise FloatingPointError(f"validation stopped in epoch {epoch}: {error}") from error
    if not math.isfinite(loss):
        raise FloatingPointError(f"the validation loss is {loss} in epoch {epoch}")
    return {"validation_loss": loss, "validation_metrics": _measured(given.metrics, outputs, data.y.tolist())}


@contextmanager
def _scaled(given: Arguments, epoch: int) -> Iterator[float]:
    """Inside the block the learning rates are those of the epoch; afterwards they are what they were."""
    factor = 1.0 if given.schedule is None else number(given.schedule(epoch))
    groups, limit = given.optimizer.param_groups, given.optimizer.limits["lr"]
    rates = [group["lr"] for group in groups]
    try:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = limit("lr", rate * factor, f" in epoch {epoch}")
        yield groups[0]["lr"]
    finally:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate


# ---- what is seen of it, and how it ends --------------------------------------------------------------------------


def _bar(history: History, epochs: int, progress: bool) -> Any:
    """A bar on standard error, where somebody watches it."""
    from tqdm import tqdm

    hidden = not (progress and _watched(sys.stderr))
    return tqdm(total=epochs, initial=len(history.loss), desc="training", unit="epoch", disable=hidden)


def _watched(stream: Any) -> bool:
    """Whether what is written there is seen as it comes: in a terminal, or in Jupyter, whose stream is none."""
    if stream is None or getattr(stream, "closed", False):
        return False
    return type(stream).__module__.startswith("ipykernel.") or bool(getattr(stream, "isatty", bool)())


def _shown(history: History) -> dict[str, str]:
    figures = {"loss": history.loss, "validation loss": history.validation_loss}
    figures |= history.validation_metrics or history.metrics
    return {name: f"{found[-1]:.4g}" for name, found in figures.items() if found}


@contextmanager
def _closed(hook: Any) -> Iterator[None]:
    """Afterwards the hook is closed, if it can be."""
    try:
        yield
    finally:
        close = getattr(hook, "close", None)
        if callable(hook) and callable(close):
            close()


@contextmanager
def _carried_by_errors(history: History) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.history = history  # type: ignore[attr-defined]  # for whoever catches it
        raise


class _Interrupt:
    """Gather Ctrl-C, so that no update is left half done; the second one interrupts `at_once`."""

    pressed, at_once = False, True

    def __call__(self, number: int, frame: Any) -> None:
        if self.pressed and self.at_once:
            raise KeyboardInterrupt
        self.pressed = True


@contextmanager
def _interruptible() -> Iterator[_Interrupt]:
    """Have Ctrl-C gathered inside the block, unless someone else minds the signal."""
    interrupt = _Interrupt()
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupt
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

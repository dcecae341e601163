"""The training loop: mini-batches, forward, backward, update, and a history of how it went.

Here is the loop; its arguments are read in `arguments`. `run` has a batch happen whole or not at all, by `graphs` or by
`programs`, and knows where training stands; `history` is what comes of it, with the `state` that going on needs. Data
sets, scaling and splitting are scikit-learn's; losses, optimisers and penalties are in `nn` and `optim`.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from microgradnn.nn.examples import as_list
from microgradnn.nn.module import Module, evaluating
from microgradnn.optim import Optimizer
from microgradnn.settings import not_negative
from microgradnn.training.arguments import Arguments, Metrics, rates_of
from microgradnn.training.graphs import Data, Outcome, figure
from microgradnn.training.history import History
from microgradnn.training.run import Run

__all__ = ["History", "accuracy", "fit"]


def accuracy(outputs: Any, targets: Any, threshold: float = 0.0) -> float:
    """The part of examples that are classified right: by the largest of several scores, or by the side of one score.

    One score above `threshold` means label 1, below it 0 or −1; for probabilities the threshold is ½. A list of one
    is read as its number; what is nan is not right. Raises ValueError for unequal lengths.

    >>> accuracy([[0.1, 2.0], [3.0, 1.0]], [1, 1]), accuracy([0.3, -2.0], [1, 0]), accuracy([[0.3], [-2.0]], [1, -1])
    (0.5, 1.0, 1.0)
    """

    def right(scores: Any, label: Any) -> bool:
        scores, label = (x[0] if isinstance(x, list) and len(x) == 1 else x for x in (scores, label))
        if isinstance(scores, list):
            target = label.index(max(label)) if isinstance(label, list) else label
            largest = max(scores)
            return bool(scores.index(largest) == target) and all(score <= largest for score in scores)
        return bool(scores > threshold if label > 0 else scores <= threshold)

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
    modules, loss and penalty are called a few times to record it, and again after each `on_epoch`, which takes as
    long as at the start, so that what it changes counts; not after one that only looks. They may not ask for the
    number of a Value.

    `on_epoch(model, history)` is called after every epoch, in evaluation mode: to look, to save or to change something,
    but for which parameters the model has, or to end training by returning False. If it has a method `close`, that is
    called however training ends. With a method `looks_at(history)` it promises to change nothing that modules, loss and
    penalty use: it is called after the epochs for which that gives True, nothing is recorded anew, and what it moved of
    what training changes is put back. With `shows_progress`, True, there is no bar beside it. `microgradnn.watch` has
    all three.

    `epochs` is the total. With `history`, which `fit` or `History.load` gave, training goes on from the end of its last
    complete epoch, to the bit as if it had never stopped: weights, running statistics, optimizer (also its settings)
    and generators become what they were there, and the same history grows. Generators are those of NumPy and Python
    that modules hold in attributes, lists and dicts; what is drawn elsewhere, as by `random.random()`, is drawn anew.
    A history that was interrupted or that `on_epoch` stopped goes on; one that ended early goes on only with a larger
    `early_stopping`. Where nothing is left to do, the model gets the weights that training ended with.

    Ctrl-C ends training after the batch under way, a second one at once, and gives the history so far. Whatever is
    raised carries it as `error.history`, and the model has the best weights with `early_stopping`, else those before
    the bad batch. FloatingPointError names epoch, batch and gate where a number or a gradient is not finite. Bad
    arguments raise TypeError, ValueError or, where they overflow, FloatingPointError before anything is done. A bar
    shows the `progress` in a terminal and in Jupyter, and nowhere else. Source: notes 002 and 003.

    >>> from microgradnn import nn, optim
    >>> model = nn.MLP(1, [8, 1], activation="tanh", rng=0)
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> history = fit(model, "mse", X, y, optim.Adam(model.parameters(), lr=0.05), epochs=100, progress=False)
    >>> history.loss[0] > 0.3, history.loss[-1] < 0.001
    (True, True)
    """
    arguments = dict(locals())  # by name; stays the first line, where nothing but the arguments is local
    so_far = history if isinstance(history, History) else History()
    with _however_it_ends(so_far, on_epoch):
        # 1. Read the arguments; what is wrong with them is said before anything is done.
        given = Arguments(**arguments)
        # 2. Begin where the history ended: with its weights, optimizer and generators.
        run = Run(given, so_far)
        with evaluating(given.model), _Interrupt() as interrupt, _bar(so_far, given) as bar:
            try:
                if given.compiled and len(so_far.loss) < given.epochs:
                    run.compile()
                while not run.over(interrupt.pressed):
                    # 3. Go through the data once; every batch goes forward, backward, and moves the parameters.
                    epoch = len(so_far.loss)
                    outcomes: list[tuple[Any, Outcome]] = []  # of each batch, beside its targets
                    with _scaled(given, epoch) as rate:
                        run.begin_epoch()
                        order = given.rng.permutation(len(given.data.X))
                        for batch, start in enumerate(range(0, len(order), given.batch_size)):
                            if interrupt.pressed:
                                raise KeyboardInterrupt
                            rows = order[start : start + given.batch_size]
                            data = Data(given.data.X[rows], given.data.y[rows])
                            outcomes.append((data.y, run.step(data, f"epoch {epoch}, batch {batch}")))
                    # 4. Measure, in training by what the batches gave, in evaluation on the data for validation.
                    if given.metrics or given.schedule is not None:
                        run.batches.push()  # they may look at the Values
                    figures = _trained(given.metrics, outcomes) | {"learning_rate": rate}
                    if given.validation is not None:
                        figures |= _validated(run, given.validation, epoch)
                    # 5. The epoch is complete: note it, keep the state to go on from, and show it.
                    run.finish_epoch(figures)
                    bar.set_postfix(_shown(so_far), refresh=False)
                    bar.update()
                    run.show()
            except KeyboardInterrupt:
                so_far.stopped = "interrupted"
            finally:
                # 6. Leave the best weights, or the last ones, and a history that can go on.
                interrupt.at_once = False  # a second Ctrl-C cuts nothing short from here on
                run.leave()
        if interrupt.pressed and not so_far.stopped:
            so_far.stopped = "interrupted"
    return so_far


# ---- one epoch ----------------------------------------------------------------------------------------------------


def _trained(metrics: Metrics, outcomes: list[tuple[Any, Outcome]]) -> dict[str, Any]:
    """The figures of an epoch, from the targets and the outcome of each batch: means, and metrics of everything."""
    loss = sum(outcome.loss * len(y) for y, outcome in outcomes) / sum(len(y) for y, _ in outcomes)
    norms = {path: sum(of.norms[path] for _, of in outcomes) / len(outcomes) for path in outcomes[0][1].norms}
    outputs = [output for _, outcome in outcomes for output in outcome.outputs]
    targets = [target for y, _ in outcomes for target in y.tolist()]
    return {"loss": loss, "gradient_norm": norms, "metrics": _measured(metrics, outputs, targets)}


def _measured(metrics: Metrics, outputs: list[Any], targets: list[Any]) -> dict[str, float]:
    return {name: figure(f"metrics[{name!r}]", metric(outputs, targets)) for name, metric in metrics.items()}


def _validated(run: Run, data: Data, epoch: int) -> dict[str, Any]:
    run.given.model.eval()
    try:
        with run.whole_or_not_at_all():
            loss, outputs = run.batches.validate(data)
    except ArithmeticError as error:
        raise FloatingPointError(f"validation stopped in epoch {epoch}: {error}") from error
    if not math.isfinite(loss):
        raise FloatingPointError(f"the validation loss is {loss} in epoch {epoch}")
    return {"validation_loss": loss, "validation_metrics": _measured(run.given.metrics, outputs, data.y.tolist())}


@contextmanager
def _scaled(given: Arguments, epoch: int) -> Iterator[float]:
    """Inside the block the learning rates are those of the epoch; afterwards they are what they were."""
    factor = 1.0 if given.schedule is None else figure(f"schedule({epoch})", given.schedule(epoch))
    groups, rates = given.optimizer.param_groups, rates_of(given.optimizer, f" in epoch {epoch}")
    try:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = not_negative("lr", rate * factor, f" in epoch {epoch}")
        yield groups[0]["lr"]
    finally:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate


# ---- what is seen of it, and how it ends --------------------------------------------------------------------------


def _bar(history: History, given: Arguments) -> Any:
    """A bar on standard error, where it is seen as it comes: in a terminal, or in Jupyter, whose stream is none."""
    from tqdm import tqdm

    stream = sys.stderr
    jupyter = type(stream).__module__.startswith("ipykernel.")
    watched = not getattr(stream, "closed", stream is None) and (jupyter or getattr(stream, "isatty", bool)())
    hidden = not (given.progress and watched) or getattr(given.on_epoch, "shows_progress", False) is True
    return tqdm(total=given.epochs, initial=len(history.loss), desc="training", unit="epoch", disable=hidden)


def _shown(history: History) -> dict[str, str]:
    figures = {"loss": history.loss, "validation loss": history.validation_loss}
    figures |= history.validation_metrics or history.metrics
    return {name: f"{numbers[-1]:.4g}" for name, numbers in figures.items() if numbers}


@contextmanager
def _however_it_ends(history: History, on_epoch: Any) -> Iterator[None]:
    """Afterwards `on_epoch` is closed, if it can be, and what was raised carries the history."""
    try:
        try:
            yield
        finally:
            close = getattr(on_epoch, "close", None)
            if callable(on_epoch) and callable(close) and not isinstance(on_epoch, type):  # whose close needs an object
                close()
    except BaseException as error:
        error.history = history  # type: ignore[attr-defined]  # for whoever catches it
        raise


class _Interrupt:
    """Gathers Ctrl-C inside its block, unless someone else minds the signal, so that no update is left half done."""

    pressed, at_once = False, True  # the second one interrupts at once, while batches run

    def __call__(self, number: int, frame: Any) -> None:
        if self.pressed and self.at_once:
            raise KeyboardInterrupt
        self.pressed = True

    def __enter__(self) -> _Interrupt:
        main = threading.current_thread() is threading.main_thread()
        self.minds = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.minds:
            signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, *raised: object) -> None:
        if self.minds:
            signal.signal(signal.SIGINT, signal.default_int_handler)

"""The training loop: mini-batches, forward, backward, update, and a history of how it went.

Data sets, scaling and splitting are scikit-learn's; what a loss, an optimiser or a penalty is stands elsewhere.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.modes import no_grad
from microgradnn.nn.batch_norm import BatchNorm
from microgradnn.nn.init import generator
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.module import Module, as_list, evaluating
from microgradnn.optim import OPTIMIZERS, Optimizer
from microgradnn.reading import number, numbers_in
from microgradnn.settings import checked
from microgradnn.training.batches import Batches, Data, Loss, Outcome

if TYPE_CHECKING:
    import numpy as np

Metrics = Mapping[str, Callable[[list[Any], list[Any]], float]]


@dataclass
class History:
    """What happened in each epoch: one number in every list.

    `loss` is the mean over the epoch, penalty included; `metrics` are of the outputs seen while training;
    `validation_loss` (without penalty) and `validation_metrics` are of the model in use after the epoch.
    `gradient_norm` has, by path of the module, the mean over the batches of ‖∂loss/∂parameters‖. `stopped` says
    why training ended before the last epoch: "early", "interrupted", or "" if it did not.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    validation_metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: dict[str, list[float]] = field(default_factory=dict)
    stopped: str = ""


def accuracy(outputs: Any, targets: Any, threshold: float = 0.0) -> float:
    """The part of examples that are classified right: by the largest of several scores, or by the side of one score.

    One score above `threshold` means label 1, below it 0 or −1; for probabilities the threshold is ½. A list of one
    is read as its number. Raises ValueError for unequal lengths.

    >>> accuracy([[0.1, 2.0], [3.0, 1.0]], [1, 1]), accuracy([0.3, -2.0], [1, 0]), accuracy([[0.3], [-2.0]], [1, -1])
    (0.5, 1.0, 1.0)
    """

    def right(scores: Any, label: Any) -> bool:
        scores, label = (one[0] if isinstance(one, list) and len(one) == 1 else one for one in (scores, label))
        if isinstance(scores, list):
            wanted = label.index(max(label)) if isinstance(label, list) else label
            return bool(scores.index(max(scores)) == wanted)
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
) -> History:
    """Train `model` to make `loss` (a name, or a function of outputs and targets) small on the rows of X and y.

    Each epoch goes through the data once, in an order drawn by `rng`, in batches of `batch_size` (all at once unless
    given). `schedule` maps the epoch to a factor on the learning rates; `penalty` is a function of the model;
    `metrics` are functions of outputs and targets, by name. With `early_stopping=n`, training ends when the loss on
    `validation`, a pair (X, y), has not fallen for n epochs, and the best weights come back.

    With `compiled=True` the same numbers, to rounding, come many times as fast, from a program that `compile` makes:
    modules, loss and penalty are called once, and may not ask for the number of a Value.

    Ctrl-C ends training after the batch under way and gives the history so far. FloatingPointError, with the model
    as before that batch, names the epoch, the batch and the first gate that was not finite. Bad arguments raise
    TypeError or ValueError before anything is done. Source: notes 002 and 003.

    >>> from microgradnn import nn, optim
    >>> model = nn.MLP(1, [8, 1], activation="tanh", rng=0)
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> history = fit(model, "mse", X, y, optim.Adam(model.parameters(), lr=0.05), epochs=100, progress=False)
    >>> history.loss[0] > 0.3, history.loss[-1] < 0.001
    (True, True)
    """
    loss, optimizer = _loss(loss), _optimizer(optimizer, model)
    data = _data("X", X, "y", y, model, loss)
    held_out = None
    if validation is not None:
        held_out = _data("validation[0]", _pair(validation)[0], "validation[1]", validation[1], model, loss)
    epochs, size = checked("epochs", epochs), _batch_size(batch_size, model, len(data.X))
    patience = math.inf if early_stopping is None else checked("early_stopping", early_stopping)
    if early_stopping is not None and held_out is None:
        raise ValueError(f"early_stopping={early_stopping} needs validation=(X, y) to watch")
    if not (metrics is None or isinstance(metrics, Mapping)):
        raise TypeError(f"metrics must be functions by name, such as {{'accuracy': accuracy}}, got {metrics!r:.60}")
    named = {f"metrics[{name!r}]": metric for name, metric in (metrics or {}).items()}
    for name, function in {"schedule": schedule, "penalty": penalty, **named}.items():
        if not (callable(function) or (function is None and name not in named)):
            example = {"penalty": ", such as lambda model: nn.l2(model, 0.1)", "schedule": ", such as optim.Cosine(10)"}
            raise TypeError(f"{name} must be a function{example.get(name, '')}, got {function!r:.60}")
    shuffle, progress, compiled = generator(rng), checked("progress", progress), checked("compiled", compiled)

    from tqdm import tqdm

    history, whole = History(), 0  # epochs that are complete
    best = _Best(math.inf, 0, None)
    rates = [group["lr"] for group in optimizer.param_groups]
    bar = tqdm(total=epochs, desc="training", unit="epoch", disable=not progress or sys.stderr is None)
    with evaluating(model), _rates_kept(optimizer.param_groups), _interruptible() as interrupted, bar:
        batches = Batches(model, loss, penalty, optimizer)
        try:
            if compiled:
                from microgradnn.training.programs import Programs  # which imports NumPy

                sizes = [one for one in (size, len(data.X) % size) if one]
                batches = Programs(model.train(), loss, penalty, optimizer, data, sizes, observing=bool(metrics))
            for epoch in range(epochs):
                factor = 1.0 if schedule is None else number(schedule(epoch))
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = checked("lr", rate * factor, f" in epoch {epoch}")
                model.train()
                batches.pull()
                trained = _Trained()
                for batch, rows in enumerate(_batches(len(data.X), size, shuffle)):
                    if interrupted:
                        raise KeyboardInterrupt
                    part = data.rows(rows)
                    trained.add(part, batches.step(part, f"epoch {epoch}, batch {batch}"))
                batches.push()
                trained.note(history, metrics, optimizer.param_groups[0]["lr"])
                if held_out is not None:
                    model.eval()
                    _validate(history, batches, held_out, metrics, epoch)
                    if early_stopping and history.validation_loss[-1] < best.loss:
                        best = _Best(history.validation_loss[-1], epoch, model.state_dict())
                whole = epoch + 1
                bar.set_postfix(_shown(history), refresh=False)
                bar.update()
                if epoch - best.epoch >= patience:
                    history.stopped = "early"
                    break
                if interrupted:
                    history.stopped = "interrupted"
                    break
        except KeyboardInterrupt:
            history.stopped = "interrupted"
            for figures in _figures(history):
                del figures[whole:]
        finally:
            batches.close()
    if best.state is not None:
        model.load_state_dict(best.state)
    return history


# ---- one epoch ----------------------------------------------------------------------------------------------------


class _Best(NamedTuple):
    """The smallest validation loss, its epoch, and the weights it was found with."""

    loss: float
    epoch: int
    state: dict[str, np.ndarray[Any, Any]] | None


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

    def note(self, history: History, metrics: Metrics | None, rate: float) -> None:
        history.loss.append(self.loss / self.examples)
        history.learning_rate.append(rate)
        for path in self.norms[0]:
            norms = [of_batch[path] for of_batch in self.norms]
            history.gradient_norm.setdefault(path, []).append(sum(norms) / len(norms))
        for name, metric in (metrics or {}).items():
            history.metrics.setdefault(name, []).append(number(metric(self.outputs, self.targets)))


def _batches(count: int, size: int, shuffle: np.random.Generator) -> Iterator[list[int]]:
    order: list[int] = shuffle.permutation(count).tolist()
    for start in range(0, count, size):
        yield order[start : start + size]


def _validate(history: History, batches: Batches, data: Data, metrics: Metrics | None, epoch: int) -> None:
    try:
        found, outputs = batches.validate(data)
    except ArithmeticError as error:
        raise FloatingPointError(f"validation stopped in epoch {epoch}: {error}") from error
    if not math.isfinite(found):
        raise FloatingPointError(f"the validation loss is {found} in epoch {epoch}")
    history.validation_loss.append(found)
    targets = data.y.tolist()
    for name, metric in (metrics or {}).items():
        history.validation_metrics.setdefault(name, []).append(number(metric(outputs, targets)))


def _figures(history: History) -> Iterator[list[float]]:
    yield from (history.loss, history.validation_loss, history.learning_rate)
    for named in (history.metrics, history.validation_metrics, history.gradient_norm):
        yield from named.values()


def _shown(history: History) -> dict[str, str]:
    figures = {"loss": history.loss, "validation loss": history.validation_loss}
    figures |= history.validation_metrics or history.metrics
    return {name: f"{found[-1]:.4g}" for name, found in figures.items() if found}


# ---- leaving things in order ------------------------------------------------------------------------------------


@contextmanager
def _rates_kept(groups: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Afterwards learning rates are what they were."""
    rates = [group["lr"] for group in groups]
    try:
        yield
    finally:
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Gather Ctrl-C in the list, so that no update is left half done; the second one interrupts at once."""
    pressed: list[int] = []

    def note(number: int, frame: Any) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pressed  # someone else minds the signal
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# ---- checking the arguments -------------------------------------------------------------------------------------


def _loss(loss: Any) -> Loss:
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]
    if not callable(loss):
        known = ", ".join(LOSSES)
        raise ValueError(f"loss must be one of {known}, or a function of outputs and targets, got {loss!r:.60}")
    return loss  # type: ignore[no-any-return]  # the caller's own


def _optimizer(optimizer: Any, model: Module) -> Optimizer:
    if not isinstance(model, Module):
        raise TypeError(f"model must be a Module, such as nn.MLP(2, [16, 1]), got {type(model).__name__} {model!r:.60}")
    parameters = model.parameters()
    if not parameters:
        raise ValueError(f"{model!r} has no parameters to train")
    if isinstance(optimizer, str) and optimizer in OPTIMIZERS:
        return OPTIMIZERS[optimizer](parameters)
    if not isinstance(optimizer, Optimizer):
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"optimizer must be one of {known}, or optim.Adam(model.parameters()), got {optimizer!r:.60}")
    if not any(parameter in optimizer.state for parameter in parameters):  # by identity, as Values hash
        raise ValueError(f"the optimizer holds no parameter of {model!r}: build it with model.parameters()")
    return optimizer


def _data(X_name: str, X: Any, y_name: str, y: Any, model: Module, loss: Loss) -> Data:  # noqa: N803
    """Read examples and targets; ValueError or TypeError for what the model and the loss cannot take."""
    examples, targets = finite_array(X_name, X), finite_array(y_name, y)
    if examples.ndim == 1 and model.nin == 1:
        examples = examples.reshape(-1, 1)
    if examples.ndim != 2:
        raise ValueError(f"{X_name} must be a matrix with a row for each example, got the shape {examples.shape}")
    if model.nin is not None and examples.shape[1] != model.nin:
        raise ValueError(f"{X_name} must have {model.nin} columns for {model!r}, got {examples.shape[1]}")
    if targets.ndim not in (1, 2) or len(targets) != len(examples):
        raise ValueError(
            f"{y_name} must have a target for each of the {len(examples)} rows of {X_name}, got shape {targets.shape}"
        )
    try:
        with evaluating(model), no_grad():
            output = model(examples[0].tolist())
    except ValueError as error:
        raise ValueError(f"{X_name} does not fit {model!r}: {error}") from error
    except ArithmeticError as error:
        raise FloatingPointError(f"{model!r} has no finite output for the first row of {X_name}: {error}") from error
    if loss in (LOSSES["cross_entropy"], LOSSES["multiclass_hinge"]) and not isinstance(output, list):
        raise ValueError(f"this loss needs a score for each class, but {model!r} gives one number for an example")
    if loss in LOSSES.values():  # these say what is wrong with a target
        blank = [0.0] * len(output) if isinstance(output, list) else 0.0
        try:
            loss([blank] * len(targets), targets.tolist())
        except ValueError as error:
            raise ValueError(f"{y_name}: {error}") from None
        except ArithmeticError as error:
            raise FloatingPointError(f"{y_name} has targets too large for this loss: {error}") from None
    return Data(examples, targets)


def finite_array(name: str, data: Any) -> np.ndarray[Any, Any]:
    """The argument `name` as an array of finite numbers; TypeError or ValueError for anything else."""
    import numpy as np

    array = numbers_in(data, f"{name} must hold numbers in rows of equal length").astype(float)
    if array.size == 0:
        raise ValueError(f"{name} is empty: there must be at least one example, got the shape {array.shape}")
    if not np.isfinite(array).all():
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(f"{name} must be finite, got {array[place]} at {list(place)}")
    return array


def _pair(validation: Any) -> tuple[Any, Any]:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation must be a pair (X, y), got {validation!r:.60}")
    return validation[0], validation[1]


def _batch_size(batch_size: Any, model: Module, count: int) -> int:
    size: int = count if batch_size is None else checked("batch_size", batch_size)
    if size > count:
        raise ValueError(f"batch_size must be at most the number of examples, {count}, got {size}")
    lonely = size == 1 or count % size == 1
    if lonely and any(isinstance(module, BatchNorm) for _, module in model.modules()):
        raise ValueError(f"batch_size={size} leaves one of {count} examples alone, and BatchNorm needs two")
    return size

"""What `fit` may be given: each argument read, checked and, where it is wrong, refused by name before any work."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.context import no_grad
from microgradnn.nn.init import generator
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.modes import BatchNorm
from microgradnn.nn.module import Module, evaluating
from microgradnn.nn.parameters import is_parameter
from microgradnn.optim import OPTIMIZERS, Optimizer
from microgradnn.reading import numbers_in
from microgradnn.settings import count, flag
from microgradnn.training.graphs import layers_of
from microgradnn.training.history import History
from microgradnn.training.state import State, Weights, check_generators, few, generators_of
from microgradnn.training.way import Data, Loss, Penalty

if TYPE_CHECKING:
    import numpy as np

Metrics = Mapping[str, Callable[[list[Any], list[Any]], float]]


class Arguments(NamedTuple):
    """The arguments of `fit`, as they are worked with."""

    model: Module
    loss: Loss
    data: Data
    optimizer: Optimizer
    epochs: int
    batch_size: int
    validation: Data | None
    schedule: Callable[[int], float] | None
    patience: float
    penalty: Penalty | None
    shuffle: np.random.Generator
    metrics: Metrics
    weights: Weights
    state: State | None  # from which to go on
    on_epoch: Callable[[Module, History], Any] | None


def read(
    model: Any, loss: Any, X: Any, y: Any, optimizer: Any, epochs: Any, batch_size: Any, validation: Any,  # noqa: N803
    schedule: Any, early_stopping: Any, penalty: Any, rng: Any, progress: Any, metrics: Any, compiled: Any,
    history: Any, on_epoch: Any,
) -> Arguments:  # fmt: skip
    """The arguments of `fit`, checked; TypeError, ValueError or FloatingPointError for what it cannot work with."""
    loss, optimizer = _loss(loss), _optimizer(optimizer, model)
    data = _data("X", X, "y", y, model, loss)
    held_out = None
    if validation is not None:
        held_out = _data("validation[0]", _pair(validation)[0], "validation[1]", validation[1], model, loss)
    epochs, batch_size = count("epochs", epochs), _batch_size(batch_size, model, len(data.X))
    patience = math.inf if early_stopping is None else count("early_stopping", early_stopping)
    if early_stopping is not None and held_out is None:
        raise ValueError(f"early_stopping={early_stopping} needs validation=(X, y) to watch")
    metrics = {} if metrics is None else metrics
    _check_functions({"schedule": schedule, "penalty": penalty, "on_epoch": on_epoch}, metrics)
    flag("progress", progress)
    flag("compiled", compiled)
    weights = Weights(model, optimizer)
    if not (history is None or isinstance(history, History)):
        raise TypeError(f"history must be what fit or History.load gave, got {history!r:.60}")
    if history is None or (history.state is None and not history.loss):
        shuffle, state = generator(rng), None
    elif rng is not None:
        raise ValueError(f"fit goes on with the generator that the history ended with: leave rng out, got {rng!r:.60}")
    else:
        try:
            shuffle, state = _fitting(history, model, optimizer, weights, held_out, metrics)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the history does not fit: {error}") from None
    return Arguments(
        model, loss, data, optimizer, epochs, batch_size, held_out, schedule, patience, penalty, shuffle, metrics,
        weights, state, on_epoch,
    )  # fmt: skip


AT_ONCE = "must do its work when it is called, without yield and async"


def _check_functions(optional: Mapping[str, Any], metrics: Any) -> None:
    if not isinstance(metrics, Mapping):
        raise TypeError(f"metrics must be functions by name, such as {{'accuracy': accuracy}}, got {metrics!r:.60}")
    given = {name: function for name, function in optional.items() if function is not None}
    for name, function in {**given, **{f"metrics[{name!r}]": metric for name, metric in metrics.items()}}.items():
        if not callable(function):
            raise TypeError(f"{name} must be a function{_EXAMPLES.get(name, '')}, got {function!r:.60}")
        if any(map(_is_deferred, (function, type(function).__call__))):  # an object is called by its class
            raise TypeError(f"{name} {AT_ONCE}, got {function!r:.60}")


def _is_deferred(function: Any) -> bool:
    kinds = inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction
    return any(kind(function) for kind in kinds)


_EXAMPLES = {
    "penalty": ", such as lambda model: nn.l2(model, 0.1)",
    "schedule": ", such as optim.Cosine(10)",
    "on_epoch": " of model and history",
}


def _fitting(
    history: History, model: Module, optimizer: Optimizer, weights: Weights, validation: Data | None, metrics: Metrics
) -> tuple[np.random.Generator, State]:
    """The generator of the batches and the state to go on from; ValueError where it is that of another training."""
    state = history.state
    if state is None:
        raise ValueError(f"it has {len(history.loss)} epochs, but no state to go on from, as fit leaves it")
    history.check()
    weights.check(state.weights)
    if state.best.weights is not None:
        weights.check(state.best.weights)
    if history.loss:
        if bool(history.validation_loss) != (validation is not None):
            had = "a" if history.validation_loss else "no"
            raise ValueError(f"it has {had} validation loss, and validation is {'not ' * (validation is None)}given")
        for name, then, now in [
            ("metrics", history.metrics, metrics),
            ("validation_metrics", history.validation_metrics, metrics if validation is not None else {}),
            ("gradient_norm", history.gradient_norm, layers_of(model)),
        ]:
            if set(then) != set(now):
                raise ValueError(f"its {name} are {few(then)}, and now {few(now)}")
    if state.held != weights.held:
        raise ValueError(f"its optimizer held {few(state.held)}, in that order, and now {few(weights.held)}")
    optimizer.check_state_dict(state.optimizer)
    return check_generators(generators_of(model), state.generators), state


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
    left_out = [name for name, parameter in model.named_parameters() if parameter not in optimizer.state]
    if len(left_out) == len(parameters):
        raise ValueError(f"the optimizer holds no parameter of {model!r}: build it with model.parameters()")
    own = {*parameters}  # by identity, as Values hash
    if left_out and (others := [leaf for leaf in optimizer.state if is_parameter(leaf) and leaf not in own]):
        raise ValueError(
            f"the optimizer holds {len(others)} parameters that {model!r} does not have, and does not hold "
            f"{few(left_out)}: build it with model.parameters(), after the last change of the model"
        )
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
        except ArithmeticError:
            raise FloatingPointError(f"{y_name} has targets too large for this loss") from None
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


def _batch_size(batch_size: Any, model: Module, examples: int) -> int:
    size: int = examples if batch_size is None else count("batch_size", batch_size)
    if size > examples:
        raise ValueError(f"batch_size must be at most the number of examples, {examples}, got {size}")
    lonely = size == 1 or examples % size == 1
    if lonely and any(isinstance(module, BatchNorm) for module in model.modules()):
        raise ValueError(f"batch_size={size} leaves one of {examples} examples alone, and BatchNorm needs two")
    return size

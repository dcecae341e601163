"""What `fit` may be given: each argument read, checked and, where it is wrong, refused by name before any work."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from microgradnn.context import no_grad
from microgradnn.extras import install
from microgradnn.nn.aliases import Criterion
from microgradnn.nn.effects import BatchNorm
from microgradnn.nn.init import generator
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.module import Module, check_module, evaluating
from microgradnn.nn.parameters import is_parameter
from microgradnn.notation import few
from microgradnn.optim import OPTIMIZERS, Optimizer
from microgradnn.reading import finite_array, number
from microgradnn.settings import Limit, count, flag, not_negative
from microgradnn.training.graphs import Data, Loss, Penalty, own_parameters_of
from microgradnn.training.history import History, Update
from microgradnn.training.metrics import METRICS, Metrics, named_metrics
from microgradnn.training.state import State, Weights, check_names, generators_of, shuffle_among
from microgradnn.training.weighting import weights_of_examples, weights_of_rows

if TYPE_CHECKING:
    import numpy as np

_CLIP = Limit("a number > 0 (inf clips nothing)", number, lambda x: x > 0)


@dataclass
class Arguments:
    """The arguments of `fit`: they come in as they were given, and are worked with as the types say.

    Raises TypeError, ValueError or FloatingPointError for what `fit` cannot work with.
    """

    model: Module
    loss: Loss
    X: Any
    y: Any
    optimizer: Optimizer
    epochs: int
    batch_size: int
    validation: Data | None
    schedule: Callable[[Any], float] | None  # of the epoch, or of the time in epochs
    early_stopping: float  # ∞ unless given
    penalty: Penalty | None
    rng: np.random.Generator  # draws the batches
    progress: bool
    metrics: Metrics
    compiled: bool
    history: History | None
    on_epoch: Callable[[Module, History], Any] | None
    on_batch: Callable[[Module, Update], Any] | None = None
    clip: float = math.inf  # unless given
    schedule_by: str = "epoch"
    shuffle: bool = True
    sample_weight: Any = None
    class_weight: Any = None

    def __post_init__(self) -> None:
        try:
            import numpy  # noqa: F401  here, as what follows takes it for granted
        except ModuleNotFoundError as error:
            loop = "a loop of zero_grad(), backward() and step() does without"
            raise ImportError(f"fit needs NumPy: {install('numpy')}; {loop}") from error
        check_module(self.model)
        if not self.model.parameters():
            raise ValueError(f"{self.model!r} has no parameters to train: it needs a layer, or a Value in an attribute")
        given = self.loss
        if isinstance(given, Criterion) and not given.settings and type(given).__call__ is Criterion.__call__:
            self.loss = given.loss  # known by name, and so recorded by example
        self.loss = _known("loss", self.loss, LOSSES, "a function of outputs and targets", callable(self.loss))
        self.optimizer = _optimizer(self.optimizer, self.model)
        named = named_metrics(self.metrics, self.loss) if self.metrics is not None else {}
        self.metrics = self.metrics if named is None else named
        self._check_functions()
        tried = {"": self.loss} if self.loss in LOSSES.values() else {}  # these say what is wrong with a target
        tried |= {f"metrics: {name!r}, ": metric for name, metric in (named or {}).items()}
        data = self._data("X", self.X, "y", self.y, tried)
        self.data = data._replace(weights=weights_of_examples(self.sample_weight, self.class_weight, data.y))
        if self.validation is not None:
            sizes = (2, 3) if isinstance(self.validation, tuple) else (2,)  # a list of three is three rows
            if not isinstance(self.validation, (tuple, list)) or len(self.validation) not in sizes:
                raise TypeError(f"validation must be a pair (X, y), or (X, y, weights), got {self.validation!r:.60}")
            *pair, weights = (*self.validation, None)[:3]
            self.validation = self._data("validation[0]", pair[0], "validation[1]", pair[1], tried)
            if weights is not None:
                of_rows = weights_of_rows("validation[2]", weights, "validation[0]", len(self.validation.X))
                self.validation = self.validation._replace(weights=of_rows)
        if self.data.weights is not None or (self.validation is not None and self.validation.weights is not None):
            _check_of_one(self.loss)
        self.epochs, self.batch_size = count("epochs", self.epochs), self._batch_size()
        patience = self.early_stopping
        self.early_stopping = math.inf if patience is None else count("early_stopping", patience)
        if patience is not None and self.validation is None:
            raise ValueError(f"early_stopping={patience} needs validation=(X, y) to watch")
        self.clip = math.inf if self.clip is None else _CLIP("clip", self.clip)
        if not isinstance(self.schedule_by, str) or self.schedule_by not in ("epoch", "batch"):
            raise ValueError(f"schedule_by must be 'epoch' or 'batch', got {self.schedule_by!r:.60}")
        if self.schedule_by == "batch" and self.schedule is None:
            raise ValueError("schedule_by='batch' needs a schedule, such as optim.Cosine(10)")
        for name in ("progress", "compiled", "shuffle"):
            flag(name, getattr(self, name))
        self.weights = Weights(self.model, self.optimizer)
        self.state: State | None = None  # from which to go on
        history = self.history
        if not (history is None or isinstance(history, History)):
            raise TypeError(f"history must be what fit or History.load gave, got {history!r:.60}")
        if history is None or (history.state is None and not history.loss):
            self.rng = generator(self.rng)
        elif self.rng is not None:
            goes_on = "fit goes on with the generator that the history ended with"
            raise ValueError(f"{goes_on}: leave rng out, got {self.rng!r:.60}")
        else:
            try:
                self._go_on_from(history)
            except (TypeError, ValueError) as error:
                raise ValueError(f"the history does not fit: {error}") from None

    def batches(self) -> list[Any]:
        """The rows of each batch of an epoch, in an order that is drawn now."""
        import numpy as np

        examples = len(self.data.X)
        order = self.rng.permutation(examples) if self.shuffle else np.arange(examples)
        return [order[start : start + self.batch_size] for start in range(0, examples, self.batch_size)]

    def _data(self, X_name: str, X: Any, y_name: str, y: Any, tried: Mapping[str, Any]) -> Data:  # noqa: N803
        """Read examples and targets; ValueError or TypeError for what the model, the loss or a metric cannot take."""
        import numpy as np

        model, loss = self.model, self.loss
        data, output = read_data(model, X_name, X, y_name, y)
        of_classes = [LOSSES[name] for name in ("cross_entropy", "nll_loss", "multiclass_hinge")]
        if loss in of_classes and not isinstance(output, list):
            raise ValueError(f"this loss needs a score for each class, but {model!r} gives one number for an example")
        distinct = np.unique(data.y, axis=0)  # of classes there are few
        blank = [0.0] * len(output) if isinstance(output, list) else 0.0
        for owner, function in tried.items():
            try:
                try:
                    function([blank] * len(distinct), distinct.tolist())
                except (TypeError, ValueError):
                    function([blank] * len(data.y), data.y.tolist())  # names the first that is wrong, and the shapes
            except (TypeError, ValueError) as error:
                raise ValueError(f"{owner}{y_name}: {error}") from None
            except ArithmeticError:
                raise FloatingPointError(f"{y_name} has targets too large for this loss") from None
        return data

    def _batch_size(self) -> int:
        examples = len(self.data.X)
        size: int = examples if self.batch_size is None else count("batch_size", self.batch_size)
        if size > examples:
            raise ValueError(f"batch_size must be at most the number of examples, {examples}, got {size}")
        lonely = size == 1 or examples % size == 1
        if lonely and any(isinstance(module, BatchNorm) for module in self.model.modules()):
            alone = f"batch_size={size} leaves one of {examples} examples alone, and BatchNorm needs two"
            raise ValueError(f"{alone}: give another batch_size, or leave an example out")
        return size

    def _check_functions(self) -> None:
        metrics = self.metrics
        if not (isinstance(metrics, Mapping) and all(isinstance(name, str) for name in metrics)):
            names = f"names of {', '.join(METRICS)}"
            raise TypeError(
                f"metrics must be functions by name, such as {{'right': accuracy}}, or {names}, got {metrics!r:.60}"
            )
        hints = {
            "schedule": ", such as optim.Cosine(10)", "penalty": ", such as lambda model: nn.l2(model, 0.1)",
            "on_epoch": " of model and history", "on_batch": " of model and update",
        }  # fmt: skip
        functions = {name: getattr(self, name) for name in hints if getattr(self, name) is not None}
        for name, function in (functions | {f"metrics[{name!r}]": metric for name, metric in metrics.items()}).items():
            if not callable(function):
                raise TypeError(f"{name} must be a function{hints.get(name, '')}, got {function!r:.60}")
            kinds = inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction
            calls = function, type(function).__call__  # an object is called by its class
            if any(kind(call) for kind in kinds for call in calls):
                raise deferred(name, function)

    def _go_on_from(self, history: History) -> None:
        """Take generator and state from there; ValueError where it is the history of another training."""
        state = history.state
        if state is None:
            raise ValueError(f"it has {len(history.loss)} epochs, but no state to go on from, as fit leaves it")
        history.check()
        self.weights.check(state.weights)
        if state.best.weights is not None:
            self.weights.check(state.best.weights)
        if history.loss:
            validated = self.validation is not None
            check_names("", ["validation"] * bool(history.validation_loss), ["validation"] * validated)
            check_names("metric ", history.metrics, self.metrics)
            check_names("validation metric ", history.validation_metrics, self.metrics if validated else {})
            check_names("gradient norm of ", history.gradient_norm, own_parameters_of(self.model))
        for index, (was, is_now) in enumerate(zip_longest(state.held, self.weights.in_optimizer, fillvalue="none")):
            if was != is_now:
                raise ValueError(f"parameter {index} of its optimizer was {was}, and now it is {is_now}")
        self.optimizer.check_state_dict(state.optimizer)
        self.rng, self.state = shuffle_among(generators_of(self.model), state.generators), state


def read_data(model: Module, X_name: str, X: Any, y_name: str, y: Any) -> tuple[Data, Any]:  # noqa: N803
    """Examples and targets, and what `model` gives for the first; ValueError or TypeError for what it cannot take."""
    examples, targets = finite_array(X_name, X), finite_array(y_name, y)
    if examples.ndim == 1 and model.nin == 1:
        examples = examples.reshape(-1, 1)
    if examples.ndim != 2:
        raise ValueError(f"{X_name} must be a matrix with a row for each example, got the shape {examples.shape}")
    if model.nin is not None and examples.shape[1] != model.nin:
        raise ValueError(f"{X_name} must have {model.nin} columns for {model!r}, got {examples.shape[1]}")
    if targets.ndim not in (1, 2) or len(targets) != len(examples):
        rows = f"each of the {len(examples)} rows of {X_name}"
        raise ValueError(f"{y_name} must have a target for {rows}, got shape {targets.shape}")
    try:
        with evaluating(model), no_grad():
            output = model(examples[0].tolist())
    except ValueError as error:
        raise ValueError(f"{X_name} does not fit {model!r}: {error}") from error
    except ArithmeticError as error:
        first = f"the first row of {X_name}"
        raise FloatingPointError(f"{model!r} has no finite output for {first}: {error}") from error
    return Data(examples, targets), output


def _check_of_one(loss: Any) -> None:
    """ValueError for a mean that divides by the weights of labels, which cancel where it is of one example alone."""
    of_labels = [LOSSES[name] for name in ("cross_entropy", "nll_loss")]
    if (
        not isinstance(loss, Criterion)
        or loss.loss not in of_labels
        or loss.settings.get("reduction", "mean") != "mean"
    ):
        return
    if given := [name for name in ("weight", "ignore_index") if loss.settings.get(name) is not None]:
        raise ValueError(
            f"{type(loss).__name__}({given[0]}=…) divides by the weights of its labels, of one example by its own, and "
            "examples have weights here: take class_weight={label: weight} in its place, or reduction='sum'"
        )


def deferred(name: str, got: Any) -> TypeError:
    """What to raise for a function with yield or async, and for what such a function returned: no work is done."""
    return TypeError(f"{name} must do its work when it is called, without yield and async, got {got!r:.60}")


def rates_of(optimizer: Optimizer, where: str = "") -> list[float]:
    """The learning rate of each group, which `fit` scales and notes; TypeError or ValueError where it is none."""
    named = ((f" of param_groups[{index}]{where}", group) for index, group in enumerate(optimizer.param_groups))
    return [not_negative("lr", group.get("lr"), owner) for owner, group in named]


def _known(name: str, value: Any, known: Mapping[str, Any], other: str, is_other: bool) -> Any:
    """What is known by that name, or the value itself where it is the other thing that it may be."""
    if isinstance(value, str) and value in known:
        return known[value]
    if not is_other:
        raise ValueError(f"{name} must be one of {', '.join(known)}, or {other}, got {value!r:.60}")
    return value


def _optimizer(optimizer: Any, model: Module) -> Optimizer:
    parameters = model.parameters()
    other = "optim.Adam(model.parameters())"
    optimizer = _known("optimizer", optimizer, OPTIMIZERS, other, isinstance(optimizer, Optimizer))
    if not isinstance(optimizer, Optimizer):
        return optimizer(parameters)  # type: ignore[no-any-return]
    rates_of(optimizer)
    left_out = [name for name, parameter in model.named_parameters() if parameter not in optimizer.state]
    if len(left_out) == len(parameters):
        raise ValueError(f"the optimizer holds no parameter of {model!r}: build it with model.parameters()")
    others = {parameter for parameter in optimizer.state if is_parameter(parameter)} - {*parameters}
    if left_out and others:
        raise ValueError(
            f"the optimizer holds {len(others)} parameters that {model!r} does not have, and does not hold "
            f"{few(left_out)}: build it with model.parameters(), after the last change of the model"
        )
    return optimizer

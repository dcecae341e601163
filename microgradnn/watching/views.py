"""What is seen of training: loss, size of the gradients by layer, and what the model makes of examples.

Each view gives a chart of a history; those of a model ask it by a program where it can be compiled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from microgradnn.nn.module import Module
from microgradnn.notation import digits
from microgradnn.plots.outputs import Outputs, classes_of, lead, scores_of
from microgradnn.training import History
from microgradnn.training.graphs import Data
from microgradnn.watching.chart import COLOURS, FROM_FOOT_TO_TOP, Chart, Scale, across, up

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FINE, COARSE = 64, 20  # points along a side of the regions, by a program and by eager code
ALONG = 160  # points of a curve of predictions
LAYERS = 7  # as many as can be told apart, from the first to the last
ENDS = {"": "", "early": ", stopped early", "interrupted": ", interrupted", "on_epoch": ", stopped by on_epoch"}
EXAMPLES = 200  # so many are drawn, evenly chosen from more


# ---- of the history ---------------------------------------------------------------------------------------------


def loss_chart(history: History) -> Chart:
    """Training and validation loss over the epochs."""
    curves = {"training": history.loss}
    if history.validation_loss:
        curves["validation"] = history.validation_loss
    told = "; ".join(f"{name} {digits(y[0])} at first, {digits(y[-1])} now" for name, y in curves.items())
    chart = _over_epochs("loss", curves, len(history.loss))
    chart.x_name, told = f"epoch{ENDS[history.stopped]}", f"{told}{ENDS[history.stopped]}"
    return _entitled(chart, f"loss {digits(history.loss[-1])} after epoch {len(history.loss)}", told)


def gradient_chart(history: History) -> Chart:
    """The norm of the gradient by the parameters of each layer, over the epochs."""
    paths, count = list(history.gradient_norm), len(history.gradient_norm)
    few = paths if count <= LAYERS else [paths[round(i * (count - 1) / (LAYERS - 1))] for i in range(LAYERS)]
    norms = {path: history.gradient_norm[path] for path in few}
    now = "; ".join(f"layer {path}: {digits(numbers[-1], 3)}" for path, numbers in norms.items())
    chart = _over_epochs("‖∂loss/∂parameters‖", norms, len(history.loss), logarithmic=True)
    title = "gradient by layer" if few == paths else f"gradient by layer, {LAYERS} of {count}"
    return _entitled(chart, title, f"norms now: {now}")


def _over_epochs(
    name: str, curves: Mapping[str, Sequence[float]], epochs: int, logarithmic: bool | None = None
) -> Chart:
    """Curves over the epochs, which are counted from 1; what has a number 0 on a logarithmic scale has a gap there."""
    y = up([number for numbers in curves.values() for number in numbers], logarithmic)
    chart = Chart("", across(1, max(epochs, 2), whole=True), y, "epoch", name)
    for index, (path, numbers) in enumerate(curves.items()):
        chart.curve(range(1, epochs + 1), numbers, index, path if len(curves) > 1 else "")
    return chart


def _entitled(chart: Chart, title: str, told: str) -> Chart:
    chart.title, chart.alt = title, f"{title[0].upper()}{title[1:]}: {told}."
    if chart.y.logarithmic:
        chart.alt = f"{chart.alt[:-1]}, on a logarithmic scale."
    return chart


# ---- of the model -----------------------------------------------------------------------------------------------


class View:
    """What `model` makes of the examples."""

    in_space = False  # whether it is drawn where the examples lie

    def __init__(self, model: Module, X: Array) -> None:  # noqa: N803  the matrix of examples, as everywhere
        self.model, self.X, self.outputs = model, X, Outputs(model)

    def prepare(self) -> None:
        """Have the program of the model, if there is one."""
        self.ask(self.X[:1])

    def ask(self, points: Array) -> Array:
        """The outputs at points, nan where the model has none; training is not to end because of them."""
        import numpy as np

        try:
            return self.outputs(points)
        except (ArithmeticError, ValueError):
            if len(points) == 1:
                return np.full((1, 1), math.nan)
            rows = [self.ask(points[row : row + 1])[0] for row in range(len(points))]
            width = max(map(len, rows))
            return np.array([row if len(row) == width else [math.nan] * width for row in rows])

    def chart(self, history: History) -> Chart:
        raise NotImplementedError


class Regions(View):
    """The plane, as the model divides it among classes, and examples."""

    in_space = True

    def __init__(self, model: Module, X: Array, labels: Array, classes: list[Any], names: Sequence[str]) -> None:  # noqa: N803
        super().__init__(model, X)
        self.labels, self.classes, self.names = labels, classes, names
        low, high = X.min(0), X.max(0)
        room = [0.1 * (b - a) or 1.0 for a, b in zip(low, high, strict=True)]
        self.scales = (
            across(low[0] - room[0], high[0] + room[0]),
            Scale(low[1] - room[1], high[1] + room[1], *FROM_FOOT_TO_TOP),
        )

    def chart(self, history: History) -> Chart:
        import numpy as np

        side = FINE if self.outputs.compiles else COARSE
        lines = [np.linspace(scale.low, scale.high, side) for scale in self.scales]
        grid = np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)
        scores = scores_of(self.model, self.ask(np.concatenate([grid, self.X])))
        right = _right(scores[len(grid) :], self.classes, self.labels)
        chart = Chart(f"{right} of {len(self.X)} right", *self.scales, self.names[0], self.names[1])
        for index in range(len(self.classes)):
            chart.region(lead(scores[: len(grid)], index).reshape(side, side), index)
        points, labels = _some(self.X, self.labels)
        for index, label in enumerate(self.classes):
            chart.marks(points[labels == label, 0], points[labels == label, 1], index, digits(label))
        chart.alt = f"Decision regions of the model: {chart.title}."
        return chart


class Curve(View):
    """Predictions along the only input, and the targets."""

    in_space = True

    def __init__(self, model: Module, X: Array, targets: Array, names: Sequence[str]) -> None:  # noqa: N803
        super().__init__(model, X)
        self.targets, self.names = targets, names
        room = 0.05 * (X.max() - X.min()) or 1.0
        self.x = across(X.min() - room, X.max() + room)

    def chart(self, history: History) -> Chart:
        import numpy as np

        points = np.linspace(self.x.low, self.x.high, ALONG)[:, None]
        outputs = self.ask(np.concatenate([points, self.X]))
        error = _error(outputs[ALONG:], self.targets)
        chart = Chart(f"rms error {error}", self.x, up([*outputs.flat, *self.targets.flat], False), self.names[0])
        alone = self.targets.shape[1] == 1
        x, targets = _some(self.X[:, 0], self.targets)
        for index, column in enumerate(targets.T):
            chart.marks(x, column, index + alone, "target" if alone else "")
        for index, column in enumerate(outputs[:ALONG].T):
            chart.curve(points[:, 0], column, index, "prediction" if alone else f"output {index}")
        chart.alt = f"Predictions of the model as a curve beside {len(self.X)} targets: {chart.title}."
        return chart


class Comparison(View):
    """Predictions against targets: right where they lie on the diagonal."""

    def __init__(self, model: Module, X: Array, targets: Array) -> None:  # noqa: N803
        super().__init__(model, X)
        self.targets = targets
        self.x = up(targets, False)
        self.x.first, self.x.last = across(0, 1).first, across(0, 1).last

    def chart(self, history: History) -> Chart:
        outputs = self.ask(self.X)
        title = f"rms error {_error(outputs, self.targets)}"
        chart = Chart(title, self.x, up([*outputs.flat, self.x.low, self.x.high], False), "target", "prediction")
        chart.diagonal()
        targets, outputs = _some(self.targets, outputs)
        for index, (x, y) in enumerate(zip(targets.T, outputs.T, strict=True)):
            chart.marks(x, y, index, f"output {index}" if len(targets.T) > 1 else "")
        chart.alt = f"Predictions against targets of {len(self.X)} examples: {title}."
        return chart


class Accuracy(View):
    """Which part of the examples is classified right, at the epochs at which it was asked."""

    def __init__(self, model: Module, X: Array, labels: Array, classes: list[Any]) -> None:  # noqa: N803
        super().__init__(model, X)
        self.labels, self.classes = labels, classes
        self.right: dict[int, int] = {}

    def chart(self, history: History) -> Chart:
        epoch = len(history.loss)
        right = _right(scores_of(self.model, self.ask(self.X)), self.classes, self.labels)
        self.right = {e: r for e, r in self.right.items() if e < epoch} | {epoch: right}
        accuracies = [r / len(self.X) for r in self.right.values()]
        y = up([*accuracies, 1.0], False)
        chart = Chart(f"{right} of {len(self.X)} right", across(1, max(epoch, 2), whole=True), y, "epoch", "accuracy")
        chart.curve(list(self.right), accuracies, 0)
        chart.marks(list(self.right)[-EXAMPLES:], accuracies[-EXAMPLES:], 0)  # between them nothing was asked
        chart.alt = f"Accuracy over the epochs: {digits(accuracies[0])} at first, now {chart.title}."
        return chart


def metrics_chart(history: History) -> Chart:
    """The metrics that `fit` measures, over the epochs."""
    curves = history.metrics | {
        f"validation {name}"[:14]: numbers for name, numbers in history.validation_metrics.items()
    }
    chart = _over_epochs("", curves, len(history.loss), logarithmic=False)
    last = ", ".join(f"{name} {digits(numbers[-1])}" for name, numbers in curves.items())
    return _entitled(chart, "metrics" if len(curves) > 1 else last, f"now {last}")


def view_of(model: Module, data: Data, outputs: int, names: Sequence[str]) -> View | None:
    """What suits the examples: a plane, a curve, accuracy or predictions; None where targets are like no outputs."""
    X, targets = data.X, data.y.reshape(len(data.y), -1)  # noqa: N806
    labels, classes = _classes(model, targets, outputs)
    if X.shape[1] == 2 and classes and len(classes) <= len(COLOURS):
        return Regions(model, X, labels, classes, names)
    comparable = targets.shape[1] == outputs
    if X.shape[1] == 1 and comparable:
        return Curve(model, X, targets, names)
    if classes:
        return Accuracy(model, X, labels, classes)
    return Comparison(model, X, targets) if comparable else None


def _classes(model: Module, targets: Array, outputs: int) -> tuple[Any, list[Any]]:
    """The labels that the targets are, as numbers or one-hot, and the classes; none where they are no labels."""
    one_hot = (
        targets.shape[1] == outputs > 1 and ((targets == 0) | (targets == 1)).all() and (targets.sum(1) == 1).all()
    )
    labels = targets.argmax(1) if one_hot else targets[:, 0]
    if targets.shape[1] > 1 and not one_hot:
        return None, []
    try:
        return labels, classes_of(model, outputs, labels)
    except ValueError:
        return None, []


def _right(scores: Array, classes: list[Any], labels: Array) -> int:
    import numpy as np

    return int((np.array(classes)[scores.argmax(1)] == labels).sum())


def _error(outputs: Array, targets: Array) -> str:
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        return digits(float(np.sqrt(np.mean((outputs - targets) ** 2))), 3)


def _some(*arrays: Array) -> tuple[Array, ...]:
    """The same few rows of each."""
    import numpy as np

    rows = np.linspace(0, len(arrays[0]) - 1, min(EXAMPLES, len(arrays[0]))).astype(int)
    return tuple(array[rows] for array in arrays)

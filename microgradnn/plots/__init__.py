"""Matplotlib pictures of training: how it went, what was learned, and what goes on inside a network.

Every function draws on the Axes that it is given, or on a new one, and returns it; nothing is shown or saved, and the
model stays as it was. What is wrong with the arguments is said before anything is drawn. Matplotlib comes with the
extra [plot] and is imported when the first picture is drawn.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from microgradnn.backprop import grad
from microgradnn.context import no_grad
from microgradnn.nn.activations import ACTIVATIONS, Activation
from microgradnn.nn.layers import Layer, Sequential
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import data_of
from microgradnn.plots.axes import PALETTE, QUIET, labelled_axes, logarithmic, over_epochs, shown
from microgradnn.plots.outputs import Outputs, classes_of, lead, scores_of
from microgradnn.reading import finite_array
from microgradnn.training import History

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    Array = np.ndarray[Any, Any]

__all__ = [
    "PALETTE", "plot_activation_functions", "plot_activations", "plot_decision_boundary", "plot_gradient_flow",
    "plot_history",
]  # fmt: skip

MARKERS = "os^DvPX<>*"  # a second sign of the class, beside the colour
GRID = 100  # points along a side at which a model is asked for its scores; lines between them are interpolated
FINE_GRID = 200  # the same for an estimator, that has no scores but only classes


# ---- training ---------------------------------------------------------------------------------------------------


def plot_history(history: History, ax: Axes | None = None) -> Axes:
    """Training loss and, where there is one, validation loss (its lowest marked), against the epochs from 1 on.

    `history` is what `fit` returned; it is drawn on `ax`, or on new Axes. Raises TypeError for anything else,
    ValueError for one without epochs.

    >>> plot_history(History(loss=[0.5, 0.25, 0.2])).get_ylabel()
    'loss'
    """
    if not isinstance(history, History):
        raise TypeError(f"history must be what fit returned, got {shown(history)}")
    losses = _figures("history.loss", history.loss)
    validation = _figures("history.validation_loss", history.validation_loss)
    if not losses:
        raise ValueError("history.loss is empty: there is nothing to plot before the first epoch")
    ax = labelled_axes(ax, "Loss", "epoch", "loss")
    over_epochs(ax, losses, color=PALETTE[0], label="training")
    if validation:
        lowest = validation.index(min(validation))
        label = f"validation, lowest after epoch {lowest + 1}"
        over_epochs(ax, validation, color=PALETTE[1], marker="o", markevery=[lowest], label=label)
        ax.legend(frameon=False)
    return ax


def plot_gradient_flow(model_or_history: Module | History, ax: Axes | None = None) -> Axes:
    """How large the gradients of each layer are, on a logarithmic scale: whether they vanish or explode (note 003).

    Of a `model_or_history`: of a model, after `backward()`, the root mean square of ∂loss/∂weight, layer by layer,
    biases left out; a layer whose gradients are all 0 is marked at the foot. Of a history, ‖∂loss/∂parameters‖ of each
    layer over the epochs. It is drawn on `ax`, or on new Axes. Raises TypeError for anything else, ValueError where
    there are no gradients, or one is not finite.

    >>> from microgradnn import nn
    >>> model = nn.MLP(2, [3, 1], rng=0)
    >>> model([1.0, 2.0]).backward()
    >>> len(plot_gradient_flow(model).get_xticks())
    2
    """
    if isinstance(model_or_history, Module):
        return _flow_of_model(model_or_history, ax)
    return _flow_of_history(model_or_history, ax)


def _flow_of_model(model: Module, ax: Axes | None) -> Axes:
    sizes, of_model = {}, {*model.weights()}
    for path, module in model.named_modules():
        weights = [parameter for parameter in module.own_parameters() if parameter in of_model]
        if not any(weight.swept for weight in weights):
            continue
        size = math.hypot(*(weight.grad for weight in weights)) / math.sqrt(len(weights))
        if not math.isfinite(size):
            raise ValueError(f"the gradient of {path or repr(module)} is not finite: detect_anomaly() finds the gate")
        sizes[_named(path, module)] = size
    if not sizes:
        raise ValueError(f"{model!r} has no gradients yet: call backward() on its loss first, and zero_grad() after")
    ax = labelled_axes(ax, "Gradients by layer", "layer", "rms of ∂loss/∂weight")
    ax.plot([size or math.nan for size in sizes.values()], color=PALETTE[0], marker="o", label="gradients")
    dead = [index for index, size in enumerate(sizes.values()) if size == 0]
    if dead:
        foot = ax.get_xaxis_transform()
        ax.plot(dead, [0.03] * len(dead), "v", color=PALETTE[1], transform=foot, label="exactly 0")
        ax.legend(frameon=False)
    ax.set_xticks(range(len(sizes)), list(sizes))
    ax.margins(x=0.1)
    logarithmic(ax, list(sizes.values()))
    return ax


def _flow_of_history(history: History, ax: Axes | None) -> Axes:
    if not isinstance(history, History):
        raise TypeError(
            "plot_gradient_flow needs a Module after backward(), or the history that fit returned, "
            f"got {shown(history)}"
        )
    curves = {
        path: _figures(f"history.gradient_norm[{path!r}]", norms) for path, norms in history.gradient_norm.items()
    }
    if not any(curves.values()):
        raise ValueError("history.gradient_norm is empty: there is nothing to plot before the first epoch")
    ax = labelled_axes(ax, "Gradients by layer", "epoch", "‖∂loss/∂parameters‖, mean over the batches")
    from matplotlib import colormaps

    for depth, (path, norms) in enumerate(curves.items()):
        colour = colormaps["viridis"](0.75 * depth / max(1, len(curves) - 1))  # its yellow is too light on white
        over_epochs(ax, [norm or math.nan for norm in norms], color=colour, label=path)
    logarithmic(ax, [norm for norms in curves.values() for norm in norms])
    ax.legend(frameon=False, title="layer", ncols=1 + (len(curves) - 1) // 8)
    return ax


# ---- what was learned -------------------------------------------------------------------------------------------


def plot_decision_boundary(model: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:  # noqa: N803
    """The regions that `model` puts into each class, and the examples `X` (two columns) with their classes `y`.

    A model with one output decides by its sign, or at ½ where it ends in a sigmoid, y being 0 and 1 or −1 and 1; one
    with several outputs by the largest, y being the number of the class. It is asked in evaluation, as after `eval()`,
    compiled where `compile` takes it. A scikit-learn classifier is asked by `predict`. It is drawn on `ax`, or on
    new Axes. Raises TypeError or ValueError for what is no such model, X, or y.

    >>> from microgradnn import nn
    >>> ax = plot_decision_boundary(nn.MLP(2, [3, 1], rng=0), [[0.0, 1.0], [1.0, 0.0]], [-1, 1])
    >>> ax.get_legend_handles_labels()[1]
    ['-1', '1']
    """
    import numpy as np

    points, labels = _matrix("X", X), np.asarray(y)
    if points.shape[1] != 2:
        raise ValueError(f"X must have two columns to be drawn in a plane, got the shape {points.shape}: choose two")
    if labels.shape != points.shape[:1]:
        raise ValueError(f"y must be one label for each of the {len(points)} rows of X, its shape is {labels.shape}")
    low, high = points.min(0), points.max(0)
    room = np.where(high > low, 0.1 * (high - low), 1.0)
    side = GRID if isinstance(model, Module) else FINE_GRID
    across, up = np.linspace(low - room, high + room, side).T
    grid = np.stack(np.meshgrid(across, up), axis=-1)
    classes, scores = _asked(model, grid.reshape(-1, 2), labels)
    if len(classes) > len(PALETTE):
        raise ValueError(f"at most {len(PALETTE)} classes can be told apart, got {len(classes)}: is it a regression?")
    ax = labelled_axes(ax, "Decision regions", *map(str, getattr(X, "columns", ("x₁", "x₂"))))
    for index, (label, colour) in enumerate(zip(classes, PALETTE, strict=False)):
        ahead = lead(scores, index).reshape(side, side)
        if ahead.max() > 0:
            ax.contourf(across, up, ahead, levels=[0, ahead.max()], colors=[colour], alpha=0.25, zorder=0)
        if ahead.min() < 0 < ahead.max():
            ax.contour(across, up, ahead, levels=[0], colors="white", linewidths=1.5, zorder=1)
        members = points[labels == label]
        shape: Any = {"marker": MARKERS[index], "edgecolors": "white", "linewidths": 0.6, "zorder": 2}
        ax.scatter(members[:, 0], members[:, 1], c=colour, label=str(label), **shape)
    ax.set(xlim=across[[0, -1]], ylim=up[[0, -1]])
    ax.grid(False)
    ax.legend(title="class", framealpha=0.9, edgecolor="none")
    return ax


def _asked(model: Any, points: Array, labels: Array) -> tuple[list[Any], Array]:
    """The classes and, for every point, a score of each: the largest decides."""
    import numpy as np

    if not isinstance(model, Module):
        if not callable(getattr(model, "predict", None)) or isinstance(model, type):
            raise TypeError(
                "model must be a Module, such as nn.MLP(2, [16, 1]), or a fitted classifier with predict, "
                f"got {shown(model)}"
            )
        predicted = np.asarray(model.predict(points))
        if predicted.shape != points.shape[:1]:
            raise ValueError(
                f"model.predict must give one class a point, got the shape {predicted.shape}: is it fitted so?"
            )
        classes = np.unique(np.concatenate([labels, predicted])).tolist()
        classes += [None] * (len(classes) == 1)  # a single class gets a rival that nothing belongs to
        return classes, np.stack([predicted == label for label in classes], axis=1).astype(float)
    outputs = Outputs(model)(points)
    bad = ~np.isfinite(outputs).all(1)
    if bad.any():
        raise ValueError(f"{model!r} gives {outputs[bad][0].tolist()} at {points[bad][0].round(3).tolist()}")
    classes = classes_of(model, outputs.shape[1], labels)
    return classes, scores_of(model, outputs)


# ---- inside a network -------------------------------------------------------------------------------------------


def plot_activations(model: Sequential, X: Any, ax: Axes | None = None) -> Axes:  # noqa: N803
    """How the outputs of each layer of `model` are distributed over the batch `X`: histograms, mean ± deviation.

    Whether they keep their size from layer to layer, die at 0 or saturate (notes 001, 004). The model is in training or
    in evaluation, as it is found; a copy computes, so that no running statistics move. It is drawn on `ax`, or on new
    Axes. Raises TypeError for what is not a Sequential or MLP, ValueError for a batch that it cannot take.

    >>> from microgradnn import nn
    >>> len(plot_activations(nn.MLP(2, [3, 1], rng=0), [[0.0, 1.0], [1.0, 0.0]]).get_xticks())
    2
    """
    import numpy as np

    if not isinstance(model, Sequential) or not model.layers:
        raise TypeError(f"model must be nn.MLP or nn.Sequential with its layers in a row, got {shown(model)}")
    batch = _matrix("X", X).tolist()
    outputs_of: dict[str, Array] = {}
    with no_grad():
        for path, layer in zip(map(str, model.places()), copy.deepcopy(model).layers, strict=True):
            outputs = np.array(data_of(layer(batch))).reshape(len(batch), -1)
            batch = outputs.tolist()
            bad = outputs[~np.isfinite(outputs)]
            if bad.size:
                raise ValueError(f"the outputs of {path}, {layer!r}, are not finite: {bad[0]}")
            outputs_of[_named(path, layer)] = outputs
    ax = labelled_axes(ax, "Outputs by layer, mean ± standard deviation", "layer", "output")
    for depth, outputs in enumerate(outputs_of.values()):
        counts, edges = np.histogram(outputs, bins=min(30, 1 + math.isqrt(outputs.size)))
        width = np.repeat(0.42 * counts / counts.max(), 2)
        ax.fill_betweenx(np.repeat(edges, 2)[1:-1], depth - width, depth + width, color=PALETTE[4], alpha=0.7, lw=0)
        ax.errorbar(depth, outputs.mean(), outputs.std(), fmt="o", color="black", capsize=4, markersize=5)
    ax.set_xticks(range(len(outputs_of)), list(outputs_of))
    ax.grid(False, axis="x")
    return ax


def plot_activation_functions(names: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Activations (solid) and their derivatives (dashed, same colour) from −4 to 4 (notes 001, 003).

    `names` are those of `nn.activations.ACTIVATIONS`, all of them unless given; they are drawn on `ax`, or on new Axes.
    Raises ValueError for others.

    >>> plot_activation_functions(["relu", "tanh"]).get_legend_handles_labels()[1]
    ['relu', 'tanh', 'function', 'derivative']
    """
    import numpy as np

    if isinstance(names, str) or not (names is None or isinstance(names, Sequence)):
        raise TypeError(f"names must be a list of activations, such as ['relu', 'tanh'], got {names!r:.60}")
    chosen = list(ACTIVATIONS) if names is None else list(names)
    strange = [repr(name) for name in chosen if name not in ACTIVATIONS] if chosen else ["none"]
    if strange:
        raise ValueError(f"names must be among {', '.join(ACTIVATIONS)}, got {strange[0]:.60}")
    x = np.linspace(-4, 4, 401)
    ax = labelled_axes(ax, "Activations", "x", "σ(x) and σ′(x)")
    for index, name in enumerate(chosen):
        colour, function = PALETTE[index % len(PALETTE)], ACTIVATIONS[name]
        width = 1.5 + 0.25 * (len(chosen) - 1 - index)  # where curves coincide, those beneath show at the rims
        ax.plot(*_broken(x, function), color=colour, linewidth=width, label=name)
        ax.plot(*_broken(x, grad(function)), color=colour, linestyle=(0, (4, 2)), linewidth=1.2)
    ax.plot([], [], color=QUIET, label="function")
    ax.plot([], [], color=QUIET, linestyle=(0, (4, 2)), linewidth=1.2, label="derivative")
    ax.set(xlim=(-4, 4), ylim=(-1.6, 4))
    ax.legend(frameon=False, loc="upper left", ncols=2)
    return ax


def _broken(x: Array, function: Callable[[float], float]) -> tuple[Array, Array]:
    """The points of a curve, with a gap where it jumps."""
    import numpy as np

    y = np.array([function(point) for point in x.tolist()])
    jumps = np.flatnonzero(np.abs(np.diff(y)) > 0.5) + 1
    return np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)


# ---- reading and naming ---------------------------------------------------------------------------------------


def _named(path: str, module: Module) -> str:
    """A layer at its tick: where it is, and what it does or is."""
    if isinstance(module, Layer):
        module = module.activation
    return f"{path}\n{module.name if isinstance(module, Activation) else type(module).__name__}"


def _figures(name: str, figures: Any) -> list[float]:
    """Finite numbers, one an epoch; there may be none yet."""
    if not isinstance(figures, list):
        raise TypeError(f"{name} must be a list of numbers, one an epoch, got {figures!r:.60}")
    numbers: list[float] = finite_array(name, figures).tolist() if figures else []
    return numbers


def _matrix(name: str, data: Any) -> Array:
    array = finite_array(name, data)
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix with a row for each example, got the shape {array.shape}")
    return array

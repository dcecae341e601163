"""Matplotlib pictures of training: how it went, what was learned, and what goes on inside a network.

Every function draws on the Axes that it is given, or on a new one, and returns it; nothing is shown or saved, and the
model stays as it was. What is wrong with the arguments is said before anything is drawn. Matplotlib comes with the
extra [plot] and is imported when the first picture is drawn.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.backprop import grad, leaves
from microgradnn.extras import install
from microgradnn.modes import no_grad
from microgradnn.nn.activations import ACTIVATIONS, Activation, PReLU
from microgradnn.nn.batch_norm import BatchNorm
from microgradnn.nn.dropout import Dropout
from microgradnn.nn.layers import Layer
from microgradnn.nn.module import Module, evaluating
from microgradnn.nn.sequential import Sequential
from microgradnn.reading import numbers_in
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from microgradnn.training import History

    Array = np.ndarray[Any, Any]

# Told apart by the colour-blind too, and dark enough on white: after Okabe and Ito (2008), without their yellow.
PALETTE = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#882255", "#999933", "#332288",
)  # fmt: skip
POSITIVE, NEGATIVE = (PALETTE[0], "solid"), (PALETTE[1], (0, (3, 1.5)))  # colour and line style say the same
QUIET = "#777777"
MARKERS = "os^DvPX<>*"  # a second sign of the class, beside the colour
GRID = 100  # points along a side at which a model is asked for its scores; lines between them are interpolated
FINE_GRID = 200  # the same for an estimator, that has no scores but only classes
SHOWN = 10  # neurons of a layer


# ---- training ---------------------------------------------------------------------------------------------------


def plot_history(history: History, ax: Axes | None = None) -> Axes:
    """Training loss and, where there is one, validation loss (its lowest marked), against the epochs from 1 on.

    `history` is what `fit` returned. Raises TypeError for anything else, ValueError for one without epochs.
    """
    curves = {"training": _curve(history, "loss"), "validation": _curve(history, "validation_loss")}
    if not curves["training"]:
        raise ValueError("history.loss is empty: there is nothing to plot before the first epoch")
    ax = _axes(ax)
    for (name, losses), colour in zip(curves.items(), PALETTE, strict=False):
        if not losses:
            continue
        lowest = losses.index(min(losses))
        marker = _marker(losses) or ("o" if name == "validation" else None)
        label = f"{name}, lowest after epoch {lowest + 1}" if name == "validation" else name
        ax.plot(_epochs(losses), losses, color=colour, marker=marker, markevery=[lowest], label=label)
    _label(ax, "Loss", "epoch", "loss")
    _whole_numbers(ax)
    if curves["validation"]:
        ax.legend(frameon=False)
    return ax


def plot_gradient_flow(model_or_history: Module | History, ax: Axes | None = None) -> Axes:
    """How large the gradients of each layer are, on a logarithmic scale: whether they vanish or explode (note 003).

    Of a model, after `backward()`, the root mean square of ∂loss/∂weight, layer by layer, biases left out; a layer
    whose gradients are all 0 is marked at the foot. Of a history, ‖∂loss/∂parameters‖ of each layer over the epochs.
    Raises TypeError for anything else, ValueError where there are no gradients, or one is not finite.
    """
    if isinstance(model_or_history, Module):
        return _flow_of_model(model_or_history, ax)
    return _flow_of_history(model_or_history, ax)


def _flow_of_model(model: Module, ax: Axes | None) -> Axes:
    sizes = {}
    for path, module in model.named_modules():
        weights = [leaf for name, tensor in module.tensors() if name not in ("b", "bias") for leaf in leaves(tensor)]
        if not any(weight.swept for weight in weights):
            continue
        size = math.hypot(*(weight.grad for weight in weights)) / math.sqrt(len(weights))
        if not math.isfinite(size):
            raise ValueError(f"the gradient of {path or repr(module)} is not finite: detect_anomaly() finds the gate")
        sizes[_named(path, module)] = size
    if not sizes:
        raise ValueError(f"{model!r} has no gradients yet: call backward() on its loss first, and zero_grad() after")
    ax = _axes(ax)
    places = range(len(sizes))
    found = [size or math.nan for size in sizes.values()]  # 0 has no place on the scale
    ax.plot(places, found, color=PALETTE[0], marker="o", label="gradients")
    dead = [place for place, size in zip(places, sizes.values(), strict=True) if size == 0]
    if dead:
        foot = ax.get_xaxis_transform()
        ax.plot(dead, [0.03] * len(dead), "v", color=PALETTE[1], transform=foot, label="exactly 0")
        ax.legend(frameon=False)
    _label(ax, "Gradients by layer", "layer", "rms of ∂loss/∂weight")
    ax.set_xticks(places, list(sizes))
    ax.margins(x=0.1)
    _logarithmic(ax, found)
    return ax


def _flow_of_history(history: History, ax: Axes | None) -> Axes:
    norms = getattr(history, "gradient_norm", None)
    if not isinstance(norms, Mapping):
        raise TypeError(
            "plot_gradient_flow needs a Module after backward(), or the history that fit returned, "
            f"got {_shown(history)}"
        )
    curves = {path: _numbers(f"history.gradient_norm[{path!r}]", norms[path]) for path in norms}
    if not any(curves.values()):
        raise ValueError("history.gradient_norm is empty: there is nothing to plot before the first epoch")
    ax = _axes(ax)
    for place, (path, norm) in enumerate(curves.items()):
        colour = _from_dark_to_light(place, len(curves))
        found = [size or math.nan for size in norm]
        ax.plot(_epochs(norm), found, color=colour, marker=_marker(norm), label=path)
    _label(ax, "Gradients by layer", "epoch", "‖∂loss/∂parameters‖, mean over the batches")
    _whole_numbers(ax)
    _logarithmic(ax, [size for norm in curves.values() for size in norm])
    ax.legend(frameon=False, title="layer", ncols=1 + (len(curves) - 1) // 8)
    return ax


# ---- what was learned -------------------------------------------------------------------------------------------


def plot_decision_boundary(model: Any, X: Any, y: Any, ax: Axes | None = None) -> Axes:  # noqa: N803
    """The regions that `model` puts into each class, and the examples X (two columns) with their classes y.

    A model with one output decides by its sign, or at ½ where it ends in a sigmoid, y being 0 and 1 or −1 and 1; one
    with several outputs by the largest, y being the number of the class. It is asked in evaluation, as after `eval()`,
    without recording. A scikit-learn classifier is asked by `predict`. Raises TypeError or ValueError for what is
    no such model, X, or y.
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
    classes, scores = _scores(model, grid.reshape(-1, 2), labels)
    if len(classes) > len(PALETTE):
        raise ValueError(f"at most {len(PALETTE)} classes can be told apart, got {len(classes)}: is it a regression?")
    ax = _axes(ax)
    for place, (label, colour) in enumerate(zip(classes, PALETTE, strict=False)):
        lead = (scores[:, place] - np.delete(scores, place, axis=1).max(1)).reshape(side, side)
        if lead.max() > 0:
            ax.contourf(across, up, lead, levels=[0, lead.max()], colors=[colour], alpha=0.25, zorder=0)
        if lead.min() < 0 < lead.max():
            ax.contour(across, up, lead, levels=[0], colors="white", linewidths=1.5, zorder=1)
        mine = points[labels == label]
        shape: Any = {"marker": MARKERS[place], "edgecolors": "white", "linewidths": 0.6, "zorder": 2}
        ax.scatter(mine[:, 0], mine[:, 1], c=colour, label=str(label), **shape)
    _label(ax, "Decision regions", *map(str, getattr(X, "columns", ("x₁", "x₂"))))
    ax.set(xlim=across[[0, -1]], ylim=up[[0, -1]])
    ax.grid(False)
    ax.legend(title="class", framealpha=0.9, edgecolor="none")
    return ax


def _scores(model: Any, points: Array, labels: Array) -> tuple[list[Any], Array]:
    """The classes and, for every point, a score of each: the largest decides."""
    import numpy as np

    if not isinstance(model, Module):
        if not callable(getattr(model, "predict", None)) or isinstance(model, type):
            raise TypeError(
                "model must be a Module, such as nn.MLP(2, [16, 1]), or a fitted classifier with predict, "
                f"got {_shown(model)}"
            )
        found = np.asarray(model.predict(points))
        if found.shape != points.shape[:1]:
            raise ValueError(
                f"model.predict must give one class a point, got the shape {found.shape}: is it fitted so?"
            )
        classes = np.unique(np.concatenate([labels, found])).tolist()
        return _two(classes), np.stack([found == label for label in _two(classes)], axis=1).astype(float)
    with evaluating(model), no_grad():
        outputs = np.array([[_plain(one) for one in _listed(row)] for row in model(points.tolist())])
    if not np.isfinite(outputs).all():
        raise ValueError(f"{model!r} gives {outputs[~np.isfinite(outputs)][0]} at {_first_bad(points, outputs)}")
    known = set(np.unique(labels).tolist())
    if outputs.shape[1] == 1:
        classes = [-1, 1] if -1 in known else [0, 1]
        lead = outputs - _threshold(model)
        outputs = np.concatenate([-lead, lead], axis=1)
    else:
        classes = list(range(outputs.shape[1]))
    if not known <= set(classes):
        strange = next(label for label in known if label not in classes)
        wanted = "0 and 1, or −1 and 1" if len(classes) == 2 else f"0 to {len(classes) - 1}"
        raise ValueError(f"the labels y must be {wanted}, as many as {model!r} can tell apart, got {strange!r}")
    return classes, outputs


def _threshold(model: Module) -> float:
    """Where a single output changes sides: a probability at ½, a score at 0."""
    *_, (_, last) = model.named_modules()
    return 0.5 if isinstance(last, Activation) and last.name == "sigmoid" else 0.0


def _two(classes: list[Any]) -> list[Any]:
    """A single class gets a rival that nothing belongs to."""
    return classes if len(classes) > 1 else [*classes, None]


def _first_bad(points: Array, outputs: Array) -> list[float]:
    import numpy as np

    place: list[float] = points[~np.isfinite(outputs).all(1)][0].round(3).tolist()
    return place


# ---- inside a network -------------------------------------------------------------------------------------------


def plot_activations(model: Sequential, X: Any, ax: Axes | None = None) -> Axes:  # noqa: N803
    """How the outputs of each layer are distributed over the batch X, as histograms, with mean ± standard deviation.

    Whether they keep their size from layer to layer, die at 0 or saturate (notes 001, 004). The model is in training or
    in evaluation, as it is found; a copy computes, so that no running statistics move. Raises TypeError for what is not
    a Sequential or MLP, ValueError for a batch that it cannot take.
    """
    import numpy as np

    if not isinstance(model, Sequential) or not model.layers:
        raise TypeError(f"model must be nn.MLP or nn.Sequential with its layers in a row, got {_shown(model)}")
    batch = _matrix("X", X).tolist()
    found: dict[str, Array] = {}
    with no_grad():
        for path, layer in zip(map(str, model.places()), copy.deepcopy(model).layers, strict=True):
            batch = [_listed(y) for y in layer(batch)]
            outputs = np.array([[_plain(one) for one in y] for y in batch])
            if not np.isfinite(outputs).all():
                raise ValueError(
                    f"the outputs of {path}, {layer!r}, are not finite: {outputs[~np.isfinite(outputs)][0]}"
                )
            found[_named(path, layer)] = outputs
    ax = _axes(ax)
    for place, outputs in enumerate(found.values()):
        counts, edges = np.histogram(outputs, bins=min(30, 1 + math.isqrt(outputs.size)))
        width = np.repeat(0.42 * counts / counts.max(), 2)
        ax.fill_betweenx(np.repeat(edges, 2)[1:-1], place - width, place + width, color=PALETTE[4], alpha=0.7, lw=0)
        ax.errorbar(place, outputs.mean(), outputs.std(), fmt="o", color="black", capsize=4, markersize=5)
    _label(ax, "Outputs by layer, mean ± standard deviation", "layer", "output")
    ax.set_xticks(range(len(found)), list(found))
    ax.grid(False, axis="x")
    return ax


def plot_activation_functions(names: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Activations (solid) and their derivatives (dashed, same colour) from −4 to 4 (notes 001, 003).

    `names` are those of `nn.activations.ACTIVATIONS`, all of them unless given. Raises ValueError for others.
    """
    import numpy as np

    known = ", ".join(ACTIVATIONS)
    if isinstance(names, str) or not (names is None or isinstance(names, Sequence)):
        raise TypeError(f"names must be a list of activations, such as ['relu', 'tanh'], got {names!r:.60}")
    wanted = list(ACTIVATIONS) if names is None else list(names)
    if not wanted or any(name not in ACTIVATIONS for name in wanted):
        strange = next((repr(name) for name in wanted if name not in ACTIVATIONS), "none")
        raise ValueError(f"names must be among {known}, got {strange:.60}")
    x = np.linspace(-4, 4, 401)
    ax = _axes(ax)
    for place, name in enumerate(wanted):
        colour, function = PALETTE[place % len(PALETTE)], ACTIVATIONS[name]
        width = 1.5 + 0.25 * (len(wanted) - 1 - place)  # where curves coincide, those beneath show at the rims
        ax.plot(*_broken(x, function), color=colour, linewidth=width, label=name)
        ax.plot(*_broken(x, grad(function)), color=colour, linestyle=(0, (4, 2)), linewidth=1.2)
    ax.plot([], [], color=QUIET, label="function")
    ax.plot([], [], color=QUIET, linestyle=(0, (4, 2)), linewidth=1.2, label="derivative")
    _label(ax, "Activations", "x", "σ(x) and σ′(x)")
    ax.set(xlim=(-4, 4), ylim=(-1.6, 4))
    ax.legend(frameon=False, loc="upper left", ncols=2)
    return ax


def _broken(x: Array, function: Callable[[float], float]) -> tuple[Array, Array]:
    """The points of a curve, with a gap where it jumps."""
    import numpy as np

    y = np.array([function(one) for one in x.tolist()])
    jumps = np.flatnonzero(np.abs(np.diff(y)) > 0.5) + 1
    return np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)


_ON_NUMBERS = (Activation, BatchNorm, Dropout, PReLU)  # they keep the number of neurons, and are named in the heading
_GAP = 4.5  # between layers, where neurons lie 1 apart


class _Column(NamedTuple):
    """The neurons of one layer in the picture, or the inputs."""

    heading: str
    size: int
    layer: Layer | None  # None: the inputs

    @property
    def shown(self) -> int:
        return self.size if self.size <= SHOWN else SHOWN - 1

    def height(self, place: int) -> float:
        """Where a neuron lies, the column being centred."""
        return (min(self.size, SHOWN) - 1) / 2 - place


def plot_network(model: Module, ax: Axes | None = None) -> Axes:
    """The neurons of an MLP, layer by layer, and the weights between them.

    A line is as wide as its weight is large, beside the largest of the network; positive weights are blue and solid,
    negative ones orange and dashed; the ring of a neuron says the same of its bias. Of a layer with more than 10
    neurons the first 9 are drawn, and the number of the others; weights of 0 are not drawn. Raises TypeError for
    a model that is not made of nn.Layer and what acts on single numbers between them, ValueError for one without
    layers, or with weights that are not finite.
    """
    columns = _columns(model)
    right, top = (len(columns) - 1) * _GAP + 1.2, max(column.height(0) for column in columns) + 0.7
    ax = _axes(ax, figsize=(0.5 * right + 1.2, top + 1.7))
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    layers = [column.layer for column in columns if column.layer]
    largest_weight = max(abs(weight.data) for layer in layers for row in layer.weight for weight in row)
    largest_bias = max(abs(bias.data) for layer in layers for bias in layer.bias)
    lines: list[tuple[float, list[tuple[float, float]]]] = []
    for place, (before, column) in enumerate(pairwise(columns)):
        for end in range(column.shown):
            for start in range(before.shown):
                weight = column.layer.weight[end][start].data if column.layer else 0.0
                ends = [(place * _GAP, before.height(start)), ((place + 1) * _GAP, column.height(end))]
                lines.append((weight, ends))
    for sign, (colour, style), name in ((1, POSITIVE, "positive"), (-1, NEGATIVE, "negative")):
        mine = sorted((abs(weight), ends) for weight, ends in lines if sign * weight > 0)  # large ones on top
        widths = [0.3 + 2.7 * size / largest_weight for size, _ in mine]
        segments = [ends for _, ends in mine]
        ax.add_collection(LineCollection(segments, colors=colour, linestyles=style, linewidths=widths, zorder=1))
        ax.plot([], [], color=colour, linestyle=style, linewidth=2, label=f"{name} weight (ring: bias)")
    for place, column in enumerate(columns):
        for row in range(column.shown):
            colour, style, width = QUIET, "solid", 1.0
            if column.layer and (bias := column.layer.bias[row].data):
                colour, style = POSITIVE if bias > 0 else NEGATIVE
                width = 1 + 2.5 * abs(bias) / largest_bias
            ring = {"edgecolor": colour, "linestyle": style, "linewidth": width}
            ax.add_patch(Circle((place * _GAP, column.height(row)), 0.32, facecolor="white", zorder=2, **ring))
        if column.shown < column.size:
            more = f"… {column.size - column.shown} more"
            ax.text(place * _GAP, column.height(column.shown), more, ha="center", va="center", color=QUIET)
        ax.text(place * _GAP, top, column.heading, ha="center", va="bottom")
    ax.set(xlim=(-1.2, right), ylim=(-top, top + 1.2), aspect="equal")
    ax.set_axis_off()
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0))
    return ax


def _columns(model: Any) -> list[_Column]:
    """What is drawn, from the inputs on."""
    if not isinstance(model, (Sequential, Layer)):
        raise TypeError(f"model must be nn.MLP, or nn.Sequential of nn.Layer, got {_shown(model)}")
    columns: list[_Column] = []
    for module in model.layers if isinstance(model, Sequential) else [model]:
        if isinstance(module, Layer):
            if not columns:
                inputs = len(module.weight[0])
                columns.append(_Column(_counted(inputs, "input"), inputs, None))
            if module.nin != columns[-1].size:
                raise ValueError(f"{module!r} does not fit behind the {columns[-1].size} numbers that come before it")
            heading = _counted(module.nout, "neuron") + _then(module.activation)
            columns.append(_Column(heading, module.nout, module))
        elif columns and isinstance(module, _ON_NUMBERS):
            columns[-1] = columns[-1]._replace(heading=columns[-1].heading + _then(module))
        else:
            raise TypeError(f"plot_network draws layers of nn.Layer, got {module!r:.60} in {_shown(model)}")
    if not columns:
        raise ValueError(f"{model!r} has no layers to draw")
    for name, parameter in model.named_parameters():
        if not math.isfinite(parameter.data):
            raise ValueError(f"{name} is {parameter.data}: only finite weights can be drawn")
    return columns


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _then(module: Module) -> str:
    """What happens to the numbers of a layer, as a further line of its heading."""
    if isinstance(module, Activation):
        return "" if module.name == "linear" else f"\n{module.name}"
    return f"\n{type(module).__name__}"


# ---- what they share --------------------------------------------------------------------------------------------


def _axes(ax: Any, **figure: Any) -> Axes:
    """The Axes to draw on; a new one, in a figure of its own, unless given."""
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ImportError as error:
        raise ImportError(f"plots need matplotlib: {install('matplotlib')}") from error
    if ax is None:
        ax = plt.subplots(layout="constrained", **figure)[1]
    if not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be one matplotlib Axes, such as plt.subplots()[1], got {type(ax).__name__} {ax!r:.60}"
        )
    return ax


def _label(ax: Axes, title: str, x: str, y: str) -> None:
    ax.set(title=title, xlabel=x, ylabel=y)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)


def _whole_numbers(ax: Axes) -> None:
    """Epochs have no halves."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _logarithmic(ax: Axes, sizes: list[float]) -> None:
    ax.set_yscale("log", nonpositive="mask")
    if not any(size > 0 for size in sizes):
        ax.set_ylim(1e-3, 1)  # nothing to scale by


def _from_dark_to_light(place: int, count: int) -> Any:
    """A colour that says how deep a layer lies."""
    from matplotlib import colormaps

    return colormaps["viridis"](0.75 * place / max(1, count - 1))  # its yellow is too light on white


def _named(path: str, module: Module) -> str:
    """A layer at its tick: where it is, and what it does or is."""
    if isinstance(module, Layer):
        module = module.activation
    return f"{path}\n{module.name if isinstance(module, Activation) else type(module).__name__}"


def _marker(numbers: list[float]) -> str | None:
    """One epoch alone makes no line."""
    return "o" if len(numbers) == 1 else None


def _epochs(numbers: list[float]) -> range:
    return range(1, len(numbers) + 1)


def _curve(history: Any, name: str) -> list[float]:
    try:
        return _numbers(f"history.{name}", getattr(history, name))
    except AttributeError:
        raise TypeError(f"history must be what fit returned, got {_shown(history)}") from None


def _numbers(name: str, values: Any) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a list of numbers, one an epoch, got {values!r:.60}") from None
    if not all(map(math.isfinite, numbers)):
        strange = next(value for value in numbers if not math.isfinite(value))
        raise ValueError(f"{name} must hold finite numbers, got {strange}")
    return numbers


def _matrix(name: str, data: Any) -> Array:
    import numpy as np

    array = numbers_in(data, f"{name} must hold numbers in rows of equal length").astype(float)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must be a matrix with a row for each example, got the shape {array.shape}")
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name} must be finite, got {array[tuple(place)]} at {place}")
    return array


def _listed(output: Any) -> list[Any]:
    return output if isinstance(output, list) else [output]


def _plain(output: Any) -> float:
    return float(output.data if isinstance(output, Value) else output)


def _shown(thing: Any) -> str:
    return f"{type(thing).__name__} {thing!r:.60}"

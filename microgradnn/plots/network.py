"""A network as neurons and the weights between them, on Axes, in the colours of `draw(output, level=1)`."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.drawing.circuit import NEGATIVE as ORANGE, POSITIVE as BLUE
from microgradnn.nn.activations import Activation, PReLU
from microgradnn.nn.layers import Layer, Sequential
from microgradnn.nn.modes import BatchNorm, Dropout
from microgradnn.nn.module import Module
from microgradnn.plots.axes import QUIET, axes_for, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POSITIVE, NEGATIVE = (BLUE, "solid"), (ORANGE, (0, (3, 1.5)))  # colour and line say the same
SHOWN = 10  # neurons of a layer
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

    def height(self, row: int) -> float:
        """Where a neuron lies, the column being centred."""
        return (min(self.size, SHOWN) - 1) / 2 - row


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
    ax = axes_for(ax, figsize=(0.5 * right + 1.2, top + 1.7))
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle

    layers = [column.layer for column in columns if column.layer]
    largest_weight = max(abs(weight.data) for layer in layers for row in layer.weight for weight in row)
    largest_bias = max(abs(bias.data) for layer in layers for bias in layer.bias)
    lines: list[tuple[float, list[tuple[float, float]]]] = []
    for index, (before, column) in enumerate(pairwise(columns)):
        for end in range(column.shown):
            for start in range(before.shown):
                weight = column.layer.weight[end][start].data if column.layer else 0.0
                ends = [(index * _GAP, before.height(start)), ((index + 1) * _GAP, column.height(end))]
                lines.append((weight, ends))
    for sign, (colour, style), name in ((1, POSITIVE, "positive"), (-1, NEGATIVE, "negative")):
        of_sign = sorted((abs(weight), ends) for weight, ends in lines if sign * weight > 0)  # large ones on top
        widths = [0.3 + 2.7 * size / largest_weight for size, _ in of_sign]
        segments = [ends for _, ends in of_sign]
        ax.add_collection(LineCollection(segments, colors=colour, linestyles=style, linewidths=widths, zorder=1))
        ax.plot([], [], color=colour, linestyle=style, linewidth=2, label=f"{name} weight (ring: bias)")
    for index, column in enumerate(columns):
        for row in range(column.shown):
            colour, style, width = QUIET, "solid", 1.0
            if column.layer and (bias := column.layer.bias[row].data):
                colour, style = POSITIVE if bias > 0 else NEGATIVE
                width = 1 + 2.5 * abs(bias) / largest_bias
            ring = {"edgecolor": colour, "linestyle": style, "linewidth": width}
            ax.add_patch(Circle((index * _GAP, column.height(row)), 0.32, facecolor="white", zorder=2, **ring))
        if column.shown < column.size:
            more = f"… {column.size - column.shown} more"
            ax.text(index * _GAP, column.height(column.shown), more, ha="center", va="center", color=QUIET)
        ax.text(index * _GAP, top, column.heading, ha="center", va="bottom")
    ax.set(xlim=(-1.2, right), ylim=(-top, top + 1.2), aspect="equal")
    ax.set_axis_off()
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0))
    return ax


def _columns(model: Any) -> list[_Column]:
    """What is drawn, from the inputs on."""
    if not isinstance(model, (Sequential, Layer)):
        raise TypeError(f"model must be nn.MLP, or nn.Sequential of nn.Layer, got {shown(model)}")
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
            raise TypeError(f"plot_network draws layers of nn.Layer, got {module!r:.60} in {shown(model)}")
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

"""Narrow layers: what stands in a neuron and what its tooltip says, and how a wire shows its weight.

The width of a wire is the size of its weight and the opacity that of the gradient, both beside the largest of the
layer; colour and dashes show the sign. This module knows groups and links, not where they stand.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from html import escape

from microgradnn.drawing import figures
from microgradnn.drawing.circuit import printable
from microgradnn.drawing.figures import length
from microgradnn.drawing.folding import Column, Group, Link
from microgradnn.drawing.palette import FAINTEST, GRADIENT, NEGATIVE, POSITIVE, VALUE
from microgradnn.value import Value

TABLE = '<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{}">'


def label(group: Group, width: int, digits: Callable[[float], str]) -> str:
    """What stands in a neuron or an input: the value above the line, the gradient below it."""
    name, gradient = name_of(group), figures.gradient(group)
    before = f"<I>{escape(name)}</I>&#160;=&#160;" if name else ""
    below = "&#160;" if gradient is None else digits(gradient)
    return (
        f'<{TABLE.format(1)}<TR><TD WIDTH="{width}">{before}'
        f'<FONT COLOR="{VALUE}" POINT-SIZE="10">{digits(figures.value(group))}</FONT></TD></TR><HR/>'
        f'<TR><TD><FONT COLOR="{GRADIENT}" POINT-SIZE="10">{below}</FONT></TD></TR></TABLE>>'
    )


def tooltip(group: Group, index: int, f: str) -> str:
    """What is told of a neuron or an input."""
    gradient, examples = figures.gradient(group), len(group.values)
    mean, square = ("mean ", "rms ") if examples > 1 else ("", "")
    kind = "neuron" if group.column.kind == "layer" else "input"
    words = f"{printable(group.column.name)}, {kind} {index}: {mean}value {figures.value(group)!r}"
    words += "" if gradient is None else f", {square}∂{f} by it {gradient!r}"
    return words + (f", over {examples:,} examples" if examples > 1 else "")


def wires(links: Mapping[tuple[Group, Group], Link], f: str) -> Iterator[tuple[Group, Group, str, dict[str, str]]]:
    """The wires of these links: their ends, what is told of them, and their looks."""
    weights = {ends: link.weight for ends, link in links.items()}
    largest: dict[Column, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))  # |w| and |∂f/∂w|
    for (_, target), weight in weights.items():
        assert weight is not None
        size, slope = largest[target.column]
        largest[target.column] = max(size, length(weight.data)), max(slope, length(weight.grad))
    for (source, target), weight in weights.items():
        assert weight is not None
        count = len(links[source, target].weights)
        words = f"w = {weight.data!r}" + (f", ∂{f}/∂w = {weight.grad!r}" if weight.swept else "")
        yield (
            source,
            target,
            words + (f", the largest of {count}" if count > 1 else ""),
            _looks(weight, *largest[target.column]),
        )


def _looks(weight: Value, size: float, slope: float) -> dict[str, str]:
    opacity = FAINTEST + (1 - FAINTEST) * (math.sqrt(length(weight.grad) / slope) if slope else 0.5)
    colour, style = (NEGATIVE, "dashed") if weight.data < 0 else (POSITIVE, "solid")
    width = 0.6 + 2.2 * (length(weight.data) / size if size else 0.0)
    return {
        "color": f"{colour}{round(255 * opacity):02x}", "style": style, "arrowhead": "none", "penwidth": f"{width:.2f}",
    }  # fmt: skip


def name_of(group: Group) -> str:
    """The name of the one Value of a group."""
    name = getattr(group.values[0], "name", None) if len(group.values) == 1 else None
    return shortened(name, 12) if name else ""


def shortened(name: str, length: int = 40) -> str:
    """A name that fits into a box: of a long one the beginning and the end."""
    name = printable(name)
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length // 2) + 1 :]}"

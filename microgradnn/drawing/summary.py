"""A graph too big to read, folded: by neurons (level 1), by layers (level 2), and where no module was at work by boxes.

A box of gates of no module shows how often its body repeats, the range of its values and the size of their gradients.
What belongs together is found in `folding`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from textwrap import wrap

from microgradnn.drawing.bodies import BANDS
from microgradnn.drawing.circuit import FONT, Picture, new_digraph, printable
from microgradnn.drawing.folding import Column, Folding, Group, Link
from microgradnn.drawing.palette import FAINTEST, GRADIENT, NEGATIVE, POSITIVE, VALUE
from microgradnn.notation import digits
from microgradnn.value import Value

READABLE = 150  # more nodes than this fold by themselves
READABLE_EDGES = 600  # more edges than this between neurons, and layers are drawn instead
MOST_NEURONS = 16  # of one layer that are drawn one by one
MOST_NODES = 500  # of all layers together; of more, layers are drawn
BARS, BAR_HEIGHT = 14, 20
CAPTION = 64  # letters to a line, so that a caption is in sight on a phone


@dataclass(frozen=True)
class FoldedPicture(Picture):
    """The picture of a folded graph: by id, the groups that each element stands for."""

    folding: Folding
    parts: Mapping[str, Sequence[Group]]
    f: str  # the root


def summary(root: Value, level: int | None = None, direction: str = "right", count: int = 4) -> FoldedPicture:
    """Draw a folded graph: level 1 by neurons, level 2 by layers, None whichever can be read; down only by layers."""
    return _Summary(root, direction, count).picture(2 if direction == "down" else level)


class _Summary:
    """A picture in the making: columns of neurons, or a box for each layer."""

    def __init__(self, root: Value, direction: str, count: int) -> None:
        self.root, self.folding, self.digits = root, Folding(root), partial(digits, count=count)
        self.columns = self.folding.columns()
        self.digraph = new_digraph(direction)
        self.tooltips: dict[str, str] = {}
        self.parts: dict[str, Sequence[Group]] = {}
        self.f = _shortened(root.name or "f")
        self.number = {column: number for number, column in enumerate(self.columns)}
        weighted = {target for (_, target), link in self.folding.links.items() if link.weights}
        self.taken: dict[Column, set[Group]] = defaultdict(set)
        self.back: Counter[Column] = Counter()  # weights of edges that lead back, in recurrent nets
        for (source, target), link in self.folding.links.items():
            if source.column != target.column and (link.weights or target not in weighted):
                self.taken[target.column].add(source)
            if not self._forward(source.column, target.column):
                self.back[target.column] += len(link.weights)

    def picture(self, level: int | None) -> FoldedPicture:
        """By neurons where that is asked for, there are any and they are not too many; else by boxes."""
        if level is None:
            readable = len(self.folding.groups) <= READABLE and len(self.folding.links) <= READABLE_EDGES
            level = 1 if readable else 2
        layers = any(column.kind == "layer" for column in self.columns)
        nodes = sum(min(len(groups), MOST_NEURONS) for groups in self.columns.values())
        if level == 1 and layers and nodes <= MOST_NODES:
            return self.by_neurons()
        words = "draw(root, level=0) shows every gate"
        if not layers:
            return self.by_layers(f"{self._folded(False)}; {words}")
        if level == 1:
            return self.by_layers(f"{self._folded(False)}, as there are too many neurons; {words}")
        return self.by_layers(f"{self._folded(False)}; {words}, level=1 every neuron")

    def by_layers(self, *words: str) -> FoldedPicture:
        """One box per layer, with what its outputs and the gradients of its parameters are like."""
        if all(column.kind == "box" for column in self.columns):
            for band in range(BANDS + 1):  # the boxes of each band of depth stand below one another
                with self.digraph.subgraph() as rank:
                    rank.attr(rank="same")
                    for column, number in self.number.items():
                        if column.band == band:
                            rank.node(f"b{number}")
        self.digraph.attr(ranksep="0.5", nodesep="0.3")
        for column, groups in self.columns.items():
            self._box(column, groups)
        counts: Counter[tuple[Column, Column]] = Counter()
        for (source, target), link in self.folding.links.items():
            counts[source.column, target.column] += link.count
        for (start, end), count in counts.items():
            looks = {"penwidth": f"{min(4, 1 + math.log10(count)):.2f}"}
            # An edge between boxes of the same band has no say in where they stand.
            beside = start.kind == end.kind == "box" and start.band >= end.band
            looks |= {"constraint": "false"} if beside else {"label": f" {count:,} ", "fontsize": "9", "weight": "3"}
            self._arrow(f"b{self.number[start]}", f"b{self.number[end]}", _counted(count, "edge"), **looks)
        for (layer, user), count in self.folding.uses.items():
            ends = f"b{self.number[layer]}", f"b{self.number[user.column]}"
            identifier = "-".join((*ends, "w"))  # there may be an edge for the outputs as well
            self.tooltips[identifier] = _counted(count, "use") + " of parameters"
            self.digraph.edge(*ends, id=identifier, style="dotted", weight="0")
        if self.folding.uses:
            words += ("dotted: the parameters themselves are used",)
        return self._finished(*words)

    def by_neurons(self) -> FoldedPicture:
        """One node per neuron, one column per layer; the edges show the weights."""
        tallest = min(MOST_NEURONS, max(map(len, self.columns.values())))
        self.digraph.attr(ranksep=f"{0.7 + tallest / 30:.2f}", nodesep="0.07", outputorder="edgesfirst")
        identifiers: dict[Group, str] = {}
        for column, groups in self.columns.items():
            if column.kind == "box":
                identifiers[groups[0]] = self._box(column, groups)
            else:
                identifiers |= self._column(column, groups)
        weights = self._edges(identifiers)
        examples = max(len(group.values) for group in self.folding.groups if group.column.kind == "layer")
        over = f"; over {examples:,} examples: mean of the values, rms of the gradients" if examples > 1 else ""
        words = [
            f"{self._folded(True)}; draw(root, level=0) shows every gate, level=2 one box per layer",
            f"on each node the value stands above the line and the gradient below it{over}",
        ]
        if self.back:
            words.append("edges that lead back to the same or an earlier column are not drawn; ↺ counts their weights")
        legend = [
            f"weights: {_coloured('blue, solid', POSITIVE)}where w &gt; 0; {_coloured('orange, dashed', NEGATIVE)}"
            "where w &lt; 0;",
            f"width ∣w∣, opacity ∣∂{escape(self.f)}/∂w∣",
        ]
        return self._finished(*words, legend=legend if weights else [])

    def _finished(self, *words: str, legend: Sequence[str] = ()) -> FoldedPicture:
        lines = [escape(line) for text in words for line in wrap(text, CAPTION)]
        label = "".join(f'{line}<BR ALIGN="LEFT"/>' for line in (*lines, *legend))
        self.digraph.attr(label=f"<{label}>", labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
        title = f"Summary of a circuit with value {self.digits(self.root.data)}"
        return FoldedPicture(self.digraph, self.tooltips, title, ". ".join(words), self.folding, self.parts, self.f)

    def _folded(self, neurons: bool) -> str:
        """What became of the graph, as in `408 nodes folded into 2 inputs, 33 neurons and 5 boxes`."""
        counts = Counter(group.column.kind for group in self.folding.groups)
        if not neurons:
            counts["layer"] = sum(column.kind == "layer" for column in self.columns)
        nouns = {"inputs": "input", "layer": "neuron" if neurons else "layer", "box": "box"}
        *others, last = [_counted(counts[kind], noun) for kind, noun in nouns.items() if counts[kind]]
        parts = f"{', '.join(others)} and {last}" if others else last
        return f"{self.folding.nodes:,} nodes folded into {parts}"

    # ---- nodes ----

    def _box(self, column: Column, groups: list[Group]) -> str:
        """The box of a layer, of inputs, or of gates of no module; its identifier."""
        data, gradients, parameters = _data(groups), _gradients(groups), _parameters(groups)
        if column.kind == "layer":
            gradients = [abs(parameter.grad) for parameter in parameters if parameter.swept]
            words = [_shortened(column.name), " · ".join(self._sizes(column))]
            words.append(f"{_range('outputs', data, self.digits)}, rms {self.digits(_rms(data))}")
            lines = [f"{escape(words[1])}&#160;", _coloured(words[2], VALUE), _bars(data, VALUE)]
            if parameters:
                words.append(f"∣∂{self.f}/∂w∣" + (f" rms {self.digits(_rms(gradients))}" if gradients else ""))
                lines += [_coloured(words[3], GRADIENT), _bars(gradients, GRADIENT, low=0.0)]
        else:
            heading = printable(column.name) + (f" × {groups[0].repeats:,}" if groups[0].repeats > 1 else "")
            if column.kind == "inputs":
                heading = _counted(len(groups), "input")
            elif not column.name:
                heading = f"{len(data):,} {'leaf' if len(data) == 1 else 'leaves'}"
            words = [heading, _range("values", data, self.digits)]
            words += [f"gradient rms {self.digits(_rms(gradients))}"] if gradients else []
            if len(groups[0].gates) == 1:  # which has a sign
                words[:2] = [printable(column.name), f"value {self.digits(data[0])}"]
                words[2:] = [f"gradient {self.digits(x)}" for x in gradients]
            lines = list(map(_coloured, words[1:], (VALUE, GRADIENT)))
        identifier = f"b{self.number[column]}"
        self.parts[identifier] = groups
        rows = "".join(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in [f"<B>{escape(words[0])}</B>", *lines])
        self.digraph.node(identifier, f"<{_TABLE.format(spacing=3)}{rows}</TABLE>>", id=identifier)
        self.tooltips[identifier] = "; ".join(words)
        return identifier

    def _sizes(self, column: Column) -> list[str]:
        """How many numbers a layer takes and gives, and its parameters: `2→16` and `48 params`."""
        taken, given = len(self.taken[column]), len(self.columns[column])
        parameters = len(_parameters(self.columns[column]))
        sizes = [f"{taken:,}→{given:,}" if taken else _counted(given, "output")]
        return [*sizes, _counted(parameters, "param")] if parameters else sizes

    def _column(self, column: Column, groups: list[Group]) -> dict[Group, str]:
        """The heading of a layer and its neurons, each below the one before; their identifiers."""
        number, visible = self.number[column], groups[:MOST_NEURONS]
        heading = [_counted(len(groups), "input")]
        if column.kind == "layer":
            heading = [_shortened(column.name, 24), *self._sizes(column)]
        if self.back[column]:
            heading.append(f"↺ {_counted(self.back[column], 'weight')}")
        # No neuron is narrower than the heading above it, so that no edge can run through the heading.
        names = [9 + len(name) for name in map(_name, visible) if name]
        width = max(60, 8 * len(heading[0]), *(7 * length for length in [*map(len, heading), *names]))
        label = f"<B>{escape(heading[0])}</B>" + "".join(f"<BR/>{escape(line)}" for line in heading[1:])
        identifiers = {group: f"n{number}-{index}" for index, group in enumerate(visible)}
        self.parts |= {identifier: [group] for group, identifier in identifiers.items()}
        with self.digraph.subgraph() as rank:
            rank.attr(rank="same")
            above = f"h{number}"
            rank.node(above, f"<{label}>", id=above, margin="0,0.05", fontsize="11")
            for index, (group, identifier) in enumerate(identifiers.items()):
                label, self.tooltips[identifier] = self._neuron(group, group.index or index, width)
                rank.node(identifier, label, id=identifier, **{"class": "neuron"})
                rank.edge(above, identifier, style="invis")  # keeps the order
                above = identifier
            if len(visible) < len(groups):
                more = f"n{number}-more"
                rank.node(more, f"… {len(groups) - len(visible):,} more", id=more, margin="0.04,0.05")
                rank.edge(above, more, style="invis")
        return identifiers

    def _neuron(self, group: Group, index: int, width: int) -> tuple[str, str]:
        """The label and the tooltip of a neuron or an input."""
        name, value, gradients, several = (
            _name(group),
            _mean(_data([group])),
            _gradients([group]),
            len(group.values) > 1,
        )
        before = f"<I>{escape(name)}</I>&#160;=&#160;" if name else ""
        below, kind = "&#160;", "neuron" if group.column.kind == "layer" else "input"
        words = f"{printable(group.column.name)}, {kind} {index}: {'mean ' if several else ''}value {value!r}"
        if gradients:
            gradient = _rms(gradients) if several else gradients[0]
            below = self.digits(gradient)
            words += f", {'rms ' if several else ''}∂{self.f} by it {gradient!r}"
        label = (
            f'<{_TABLE.format(spacing=1)}<TR><TD WIDTH="{width}">{before}'
            f'<FONT COLOR="{VALUE}" POINT-SIZE="10">{self.digits(value)}</FONT></TD></TR><HR/>'
            f'<TR><TD><FONT COLOR="{GRADIENT}" POINT-SIZE="10">{below}</FONT></TD></TR></TABLE>>'
        )
        return label, words + (f", over {len(group.values):,} examples" if several else "")

    # ---- edges ----

    def _forward(self, start: Column, end: Column) -> bool:
        """Whether an edge runs from an earlier column to a later one; others, in recurrent nets, would cross all."""
        return self.number[start] < self.number[end]

    def _edges(self, identifiers: dict[Group, str]) -> bool:
        """Draw the edges between neurons, which show weights, and those of boxes; whether there are weights."""
        neurons: list[tuple[Group, Group, Link]] = []
        boxes: list[tuple[Group, Group, Link]] = []
        for (source, target), link in self.folding.links.items():
            if source in identifiers and target in identifiers and self._forward(source.column, target.column):
                kinds = source.column.kind, target.column.kind
                (boxes if "box" in kinds else neurons).append((source, target, link))
        largest: dict[Column, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))  # |w| and |∂f/∂w| of each layer
        for _, target, link in neurons:
            if link.weight is not None:
                width, slope = largest[target.column]
                width, slope = max(width, _finite(link.weight.data)), max(slope, _finite(link.weight.grad))
                largest[target.column] = width, slope
        for source, target, link in neurons:
            start, end, weight = identifiers[source], identifiers[target], link.weight
            looks, words = {"arrowhead": "none", "penwidth": "0.8"}, f"from {start} to {end}"
            if weight is not None:
                width, slope = largest[target.column]
                share = _finite(weight.data) / width if width else 0.0
                opacity = FAINTEST + (1 - FAINTEST) * (math.sqrt(_finite(weight.grad) / slope) if slope else 0.5)
                colour, style = (NEGATIVE, "dashed") if weight.data < 0 else (POSITIVE, "solid")
                looks |= {"color": f"{colour}{round(255 * opacity):02x}", "style": style}
                looks["penwidth"] = f"{0.6 + 2.2 * share:.2f}"
                words = f"w = {weight.data!r}" + (f", ∂{self.f}/∂w = {weight.grad!r}" if weight.swept else "")
                words += f", the largest of {len(link.weights)}" if len(link.weights) > 1 else ""
            self.tooltips[f"{start}-{end}"] = words
            self.digraph.edge(f"{start}:e", f"{end}:w", id=f"{start}-{end}", **looks)
        for source, target, link in boxes:
            self._arrow(identifiers[source], identifiers[target], _counted(link.count, "edge"), penwidth="0.7")
        straight = self._between_neighbours({(source.column, target.column) for source, target, _ in neurons + boxes})
        self.digraph.attr(splines="line" if straight else "true")
        return bool(largest)

    def _arrow(self, start: str, end: str, words: str, **looks: str) -> None:
        self.tooltips[f"{start}-{end}"] = words
        self.digraph.edge(start, end, id=f"{start}-{end}", **looks)

    def _between_neighbours(self, edges: set[tuple[Column, Column]]) -> bool:
        """Whether every edge leads from a column to the next, so that straight lines cross no node."""
        rank = dict.fromkeys(self.columns, 0)
        for start, end in sorted(edges, key=lambda ends: self.number[ends[0]]):
            rank[end] = max(rank[end], rank[start] + 1)
        for column in reversed(self.columns):  # as near to what follows as can be, which is where Graphviz puts it
            rank[column] = min((rank[end] - 1 for start, end in edges if start == column), default=rank[column])
        return all(rank[end] - rank[start] == 1 for start, end in edges)


# ---- boxes and words -------------------------------------------------------------------------------------------

_TABLE = '<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{spacing}">'
_PLAIN = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="0">'


def _bars(data: Sequence[float], colour: str, low: float | None = None) -> str:
    """How often numbers of each size occur, as bars from the lowest to the highest, in cells of a table."""
    finite = [x for x in data if math.isfinite(x)]
    low, high = min(finite, default=0.0) if low is None else low, max(finite, default=0.0)
    counts = [0] * BARS
    for x in finite:
        share = (x / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5  # halves do not overflow
        counts[min(BARS - 1, int(share * BARS))] += 1
    cells = ""
    for count in counts:  # a cell is as high as all others, and filled from below
        height = math.ceil(BAR_HEIGHT * count / max(1, *counts))
        filled = ((BAR_HEIGHT - height, ""), (height, f' BGCOLOR="{colour}"'))
        rows = [f'<TR><TD WIDTH="9" HEIGHT="{size}" FIXEDSIZE="TRUE"{look}></TD></TR>' for size, look in filled if size]
        cells += f"<TD>{_PLAIN.format(spacing=0)}{''.join(rows)}</TABLE></TD>"
    return f"{_PLAIN.format(spacing=1)}<TR>{cells}</TR></TABLE>"


def _coloured(text: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'


def _name(group: Group) -> str:
    """The name of the one Value of a group."""
    name = getattr(group.values[0], "name", None) if len(group.values) == 1 else None
    return _shortened(name, 12) if name else ""


def _shortened(name: str, length: int = 40) -> str:
    """A name that fits into a box: of a long one the beginning and the end."""
    name = printable(name)
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length // 2) + 1 :]}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('x') else 's'}"


def _range(noun: str, data: Sequence[float], digits: Callable[[float], str]) -> str:
    low, high = digits(min(data)), digits(max(data))
    return f"{noun} {low}" + (f" … {high}" if low != high else "")


def _parameters(groups: Iterable[Group]) -> dict[Value, None]:
    return dict.fromkeys(parameter for group in groups for parameter in group.parameters)


def _data(groups: Iterable[Group]) -> list[float]:
    return [x.data if isinstance(x, Value) else x for group in groups for x in group.values]


def _gradients(groups: Iterable[Group]) -> list[float]:
    return [x.grad for group in groups for x in group.values if isinstance(x, Value) and x.swept]


def _mean(data: Sequence[float]) -> float:
    return math.fsum(data) / len(data) if all(map(math.isfinite, data)) else sum(data) / len(data)


def _rms(data: Sequence[float]) -> float:
    return math.hypot(*data) / math.sqrt(len(data))


def _finite(x: float) -> float:
    """|x| as a length: what is not a finite number counts as the largest or as nothing."""
    return 0.0 if x != x else min(abs(x), 1e300)

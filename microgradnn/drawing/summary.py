"""A graph too big to read, folded: by neurons (level 1) or by layers (level 2), with boxes for gates of no module.

A layer of a few units is drawn neuron by neuron, with its weights on the wires; a wider one as its weight matrix, which
`matrices` knows. What belongs together is found in `folding`; a gate that is alone there looks like one in a circuit.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any

from microgradnn.drawing import figures, neurons
from microgradnn.drawing.circuit import FONT, PORTS, Picture, draw_gate, new_digraph, printable, wire
from microgradnn.drawing.figures import counted, rms, spread
from microgradnn.drawing.folding import Column, Folding, Group, Link
from microgradnn.drawing.matrices import MOST, Layer
from microgradnn.drawing.neurons import name_of, shortened
from microgradnn.drawing.palette import GRADIENT, NEGATIVE, POSITIVE, VALUE
from microgradnn.notation import digits, symbol
from microgradnn.value import Value

READABLE = 150  # more nodes than this fold by themselves
FEW = 8  # units or inputs of a layer that are drawn one by one; more are a matrix
DEEPEST = 16  # of more columns than this nobody can read neurons
MOST_NEURONS = 500  # drawn one by one in all layers together; of more, layers are drawn
CAPTION = 64  # letters to a line, so that a caption is in sight on a phone

Links = Mapping[tuple[Group, Group], Link]


@dataclass(frozen=True)
class FoldedPicture(Picture):
    """The picture of a folded graph: by id, the groups that each element stands for."""

    folding: Folding
    parts: Mapping[str, Sequence[Group]]
    f: str  # the root


def summary(
    root: Value, level: int | None = None, direction: str = "right", count: int = 4, order: list[Any] | None = None
) -> FoldedPicture:
    """Draw a folded graph: level 1 by neurons, level 2 by layers, None whichever can be read; down only by layers.

    `order` is that of `order_with_vectors`, where the graph was walked before.
    """
    return _Summary(Folding(root, order), root, direction, count).picture(2 if direction == "down" else level)


class _Summary:
    """A picture in the making; `entry` and `exit` say at which node the edges of a group arrive and begin."""

    def __init__(self, folding: Folding, root: Value, direction: str, count: int) -> None:
        self.folding, self.digits = folding, partial(digits, count=count)
        self.root, self.f = root, shortened(root.name or "f")
        self.digraph, self.ports = new_digraph(direction), PORTS[direction]
        self.tooltips: dict[str, str] = {}
        self.parts: dict[str, Sequence[Group]] = {}
        self.entry: dict[Group, str] = {}
        self.exit: dict[Group, str] = {}
        self.columns = self.folding.columns()
        self.number = {column: number for number, column in enumerate(self.columns)}
        self.place = in_order(self.columns, ((source.column, target.column) for source, target in self.folding.links))
        self.weights = {ends: link for ends, link in self.folding.links.items() if link.weights}
        weighted = {target for _, target in self.weights}
        taken: dict[Column, set[Group]] = defaultdict(set)
        self.back: Counter[Column] = Counter()  # weights of edges that lead back, in recurrent nets
        for (source, target), link in self.folding.links.items():
            if link.weights or (source.column != target.column and target not in weighted):
                taken[target.column].add(source)
            if not self._forward(source, target):
                self.back[target.column] += len(link.weights)
        ordered = [group for column in self.place for group in self.columns[column]]
        rank = {group: number for number, group in enumerate(ordered)}
        self.taken = {column: sorted(taken[column], key=rank.__getitem__) for column in self.columns}
        weighing = {target.column for target in weighted}  # layers with a matrix to show, and how many it would take
        self.matrices = {
            column: self.taken[column] if column in weighing else []
            for column, groups in self.columns.items()
            if column.kind != "box" and max(len(groups), len(self.taken[column]) * (column in weighing)) > FEW
        }

    def picture(self, level: int | None) -> FoldedPicture:
        """By neurons where that is asked for, there are any and they are not too many; else by boxes."""
        layers = [column for column in self.columns if column.kind == "layer"]
        if level is None:
            widest = max((max(len(self.columns[layer]), len(self.taken[layer])) for layer in layers), default=0)
            level = 1 if len(self.columns) <= DEEPEST and widest <= MOST else 2
        few = sum(len(groups) for groups in self.columns.values() if len(groups) <= FEW) <= MOST_NEURONS
        words = "draw(root, level=0) shows every gate"
        if layers and level == 1 and few:
            return self.by_neurons(f"{self._folded('neuron')}; {words}, level=2 one box per layer")
        if layers:
            words += "; there are too many neurons to draw each" if level == 1 else ", level=1 every neuron"
        return self.by_layers(f"{self._folded('layer')}; {words}")

    def by_layers(self, *words: str) -> FoldedPicture:
        """One box per layer, with what its outputs and the gradients of its parameters are like."""
        self.digraph.attr(ranksep="0.5", nodesep="0.3")
        for column, groups in self.columns.items():
            self._box(column, groups)
        self._arrows(self.folding.links)
        for (layer, user), count in self.folding.uses.items():
            ends = f"b{self.number[layer]}", self.entry[user]
            identifier = "-".join((*ends, "w"))  # there may be an edge for the outputs as well
            self.tooltips[identifier] = counted(count, "use") + " of parameters"
            self.digraph.edge(*ends, id=identifier, style="dotted", constraint="false")
        if self.folding.uses:
            words += ("dotted: the parameters themselves are used",)
        return self._finished(*words)

    def by_neurons(self, *words: str) -> FoldedPicture:
        """One node per neuron of a narrow layer, the matrix of a wide one; wires show the other weights."""
        tallest = max(min(FEW, len(groups)) for groups in self.columns.values())
        self.digraph.attr(ranksep=f"{0.4 + tallest / 16:.2f}", nodesep="0.07", outputorder="edgesfirst")
        for column, groups in self.columns.items():
            if column.kind == "box":
                self._box(column, groups)
            if column in self.matrices:
                self._matrix(column, groups)
            if column.kind != "box" and len(groups) <= FEW:
                self._neurons(column, groups, column in self.matrices)
        forward = {ends: link for ends, link in self.folding.links.items() if self._forward(*ends)}
        wires = {
            ends: link for ends, link in forward.items() if ends in self.weights and ends[1].column not in self.matrices
        }
        for source, target, told, looks in neurons.wires(wires, self.f):
            self._edge(f"{self.exit[source].split(':')[0]}:e", f"{self.entry[target]}:w", told, **looks)
        self._arrows({ends: link for ends, link in forward.items() if ends not in wires})
        self.digraph.attr(splines="line" if self._between_neighbours(forward) else "true")
        examples = max(len(group.values) for group in self.folding.groups if group.column.kind == "layer")
        if examples > 1:
            words += (f"over {examples:,} examples: mean of the values, rms of the gradients",)
        if any(self.back.values()):
            words += ("edges that lead back are not drawn; ↺ counts their weights",)
        above, below = f"{_coloured('blue', POSITIVE)}{{}}w &gt; 0", f"{_coloured('orange', NEGATIVE)}{{}}w &lt; 0"
        slope, legend = f"∂{escape(self.f)}/∂w", []
        if wires:
            legend.append(f"wires: {above.format('')}, {below.format('dashed ')}; width ∣w∣, opacity ∣{slope}∣")
        if any(self.matrices.values()):
            red = _coloured("red", GRADIENT)
            legend.append(f"squares: {above.format('filled ')}, {below.format('hollow ')}; area ∣w∣; {red}{slope}")
        return self._finished(*words, legend=legend)

    def _finished(self, *words: str, legend: Sequence[str] = ()) -> FoldedPicture:
        lines = [escape(line) for text in words for line in wrap(text, CAPTION)]
        label = "".join(f'{line}<BR ALIGN="LEFT"/>' for line in (*lines, *legend))
        self.digraph.attr(label=f"<{label}>", labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
        title = f"Summary of a circuit with value {self.digits(self.root.data)}"
        return FoldedPicture(self.digraph, self.tooltips, title, ". ".join(words), self.folding, self.parts, self.f)

    def _folded(self, noun: str) -> str:
        """What became of the graph, as in `408 nodes folded into 2 inputs, 33 neurons and 5 boxes`."""
        counts = Counter("gate" if _is_gate(group) else group.column.kind for group in self.folding.groups)
        if noun == "layer":
            counts["layer"] = sum(column.kind == "layer" for column in self.columns)
        nouns = {"inputs": "input", "layer": noun, "box": "box", "gate": "gate"}
        *others, last = [counted(counts[kind], noun) for kind, noun in nouns.items() if counts[kind]]
        parts = f"{', '.join(others)} and {last}" if others else last
        return f"{self.folding.nodes:,} nodes folded into {parts}"

    # ---- nodes ----

    def _put(self, node: str, label: str, kind: str, groups: Sequence[Group], words: str, **looks: str) -> None:
        """A node that stands for these groups, where their edges arrive and begin."""
        self.digraph.node(node, label, id=node, **looks, **{"class": kind})
        self.tooltips[node], self.parts[node] = words, groups
        self.entry |= dict.fromkeys(groups, node)
        self.exit |= dict.fromkeys(groups, node)

    def _box(self, column: Column, groups: list[Group]) -> None:
        """The box of a layer, of inputs, or of gates of no module; a gate or leaf alone as in a circuit."""
        data, gradients = figures.data(groups), figures.gradients(groups)
        if column.kind == "box" and len(groups[0].gates or data) == 1:
            self._alone(column, groups[0])
            return
        name, *sizes = self._heading(column)
        if column.kind == "layer":
            parameters = figures.parameters(groups)
            gradients = [abs(parameter.grad) for parameter in parameters if parameter.swept]
            words = [" · ".join(sizes), f"{spread('outputs', data, self.digits)}, rms {self.digits(rms(data))}"]
            lines = [escape(words[0]), _coloured(words[1], VALUE)]
            if parameters:
                words.append(f"∣∂{self.f}/∂w∣" + (f" rms {self.digits(rms(gradients))}" if gradients else ""))
                lines.append(_coloured(words[2], GRADIENT))
        else:
            words = [spread("values", data, self.digits)]
            if gradients:
                words.append(f"{spread('gradients', gradients, self.digits)}, rms {self.digits(rms(gradients))}")
            lines = list(map(_coloured, words, (VALUE, GRADIENT)))
        rows = "".join(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in [f"<B>{escape(name)}</B>", *lines])
        label = f"<{neurons.TABLE.format(3)}{rows}</TABLE>>"
        self._put(f"b{self.number[column]}", label, "box", groups, "; ".join([name, *words]))

    def _alone(self, column: Column, group: Group) -> None:
        """A gate or a leaf with its wire, where value and gradient have a sign."""
        [value], node = group.values, f"b{self.number[column]}"
        assert isinstance(value, Value)  # numbers are not drawn but in their gates
        gradient, name = figures.gradient(group), printable(value.name or "")
        words = f"value {value.data!r}" + ("" if gradient is None else f", gradient {gradient!r}")
        below = "" if gradient is None else self.digits(gradient)
        label = wire(shortened(name, 12), value.primitive is None, self.digits(value.data), below)
        self._put(node, label, "wire", [group], f"{name}: {words}" if name else words)
        self.exit[group] = f"{node}:{self.ports[1]}"
        if value.primitive is not None:
            gate = self.entry[group] = f"{node}-gate"
            draw_gate(self.digraph, symbol(value), gate, f"{node}:{self.ports[0]}", f"{node}-out")
            self.tooltips[gate] = printable(column.name)

    def _heading(self, column: Column) -> list[str]:
        """What a column is called, and of a layer how many numbers it takes and gives, and its parameters."""
        groups, back = self.columns[column], self.back[column]
        if column.kind == "inputs":
            return [counted(len(groups), "input")]
        if column.kind == "box":
            [group] = groups
            return [shortened(column.name) + figures.times(group) if column.name else figures.called(group)]
        taken, given, parameters = len(self.taken[column]), len(groups), len(figures.parameters(groups))
        heading = [shortened(column.name, 24), f"{taken:,}→{given:,}" if taken else counted(given, "output")]
        heading += [counted(parameters, "param")] * bool(parameters)
        return heading + [f"↺ {counted(back, 'weight')}"] * bool(back)

    def _neurons(self, column: Column, groups: list[Group], beside: bool) -> None:
        """The neurons of a layer, each below the one before, with a heading above them or `beside` their matrix."""
        number, heading = self.number[column], [] if beside else self._heading(column)
        # No neuron is narrower than the heading above it, so that no edge can run through the heading.
        names = [9 + len(name) for name in map(name_of, groups) if name]
        width = max([60, *(7 * count for count in [*map(len, heading), *names])])
        above = f"h{number}"
        if heading:
            label = "<BR/>".join([f"<B>{escape(heading[0])}</B>", *map(escape, heading[1:])])
            self.digraph.node(above, f"<{label}>", id=above, margin="0,0.05", fontsize="11")
        nodes = [above] * bool(heading)
        for index, group in enumerate(groups):
            node = f"n{number}-{index}"
            words = neurons.tooltip(group, group.index or index, self.f)
            self._put(node, neurons.label(group, width, self.digits), "neuron", [group], words)
            nodes.append(node)
            if beside:
                self.entry[group] = f"m{number}"
                looks = {"arrowhead": "none", "penwidth": "0.7", "weight": "9", "id": f"m{number}-{node}"}
                self.digraph.edge(f"m{number}:r{index}:e", f"{node}:w", **looks)
        with self.digraph.subgraph() as rank:
            rank.attr(rank="same")
            for upper, lower in pairwise(nodes):
                rank.edge(upper, lower, style="invis")  # keeps the order

    def _matrix(self, column: Column, groups: list[Group]) -> None:
        """A wide layer, with a node over each of its rows; of a narrow one that takes many only the weights."""
        number, bars = self.number[column], len(groups) > FEW
        node, (name, *sizes) = f"m{number}", self._heading(column)
        heading = [name, *([" · ".join(sizes)] if bars and sizes else sizes)]  # short lines where wires begin beside it
        layer = Layer(heading, groups, self.matrices[column], self.weights, bars, self.f, self.digits)
        for index, group in enumerate(groups[: MOST * bars]):
            label, position = layer.row(index)
            words = neurons.tooltip(group, group.index or index, self.f)
            self._put(f"n{number}-{index}", label, "neuron", [group], words, pos=position, within=node)
        words = "; ".join(line for half in layer.halves for line in half.lines)
        self._put(node, layer.label, "matrix", groups, words, paint=layer.paint)

    # ---- edges ----

    def _forward(self, source: Group, target: Group) -> bool:
        """Whether an edge runs from an earlier column to a later one; others, in recurrent nets, would cross all."""
        return self.place[source.column] < self.place[target.column]

    def _arrows(self, links: Links) -> None:
        """The other edges, those between the same two nodes as one, with their number."""
        counts: Counter[tuple[str, str]] = Counter()
        for (source, target), link in links.items():
            counts[self.exit[source], self.entry[target]] += link.count
        for (start, end), count in counts.items():
            looks = {"penwidth": f"{min(3, 1 + math.log10(count) / 2):.2f}", "weight": "3"}
            looks |= {"label": f" {count:,} ", "fontsize": "9"} if count > 1 else {}
            self._edge(start, end, counted(count, "edge"), **looks)

    def _edge(self, start: str, end: str, words: str, **looks: str) -> None:
        identifier = f"{start.split(':')[0]}-{end.split(':')[0]}"
        self.tooltips[identifier] = words
        self.digraph.edge(start, end, id=identifier, **looks)

    def _between_neighbours(self, links: Links) -> bool:
        """Whether every edge leads from a column to the next, so that straight lines cross no node."""
        edges = {(source.column, target.column) for source, target in links}
        rank = dict.fromkeys(self.columns, 0)
        for start, end in sorted(edges, key=lambda ends: self.place[ends[0]]):
            rank[end] = max(rank[end], rank[start] + 1)
        for column in reversed(self.place):  # as near to what follows as can be, which is where Graphviz puts it
            rank[column] = min((rank[end] - 1 for start, end in edges if start == column), default=rank[column])
        return all(rank[end] - rank[start] == 1 for start, end in edges)


def in_order(columns: Iterable[Column], edges: Iterable[tuple[Column, Column]]) -> dict[Column, int]:
    """The place of each column behind all that lead to it, as far as they do not lead to each other in a circle."""
    before: dict[Column, set[Column]] = {column: set() for column in columns}
    for source, target in edges:
        if source != target:
            before[target].add(source)
    place: dict[Column, int] = {}
    while before:
        free = (column for column, sources in before.items() if sources <= place.keys())
        column = next(free, None) or next(iter(before))
        place[column] = len(place)
        del before[column]
    return place


def _is_gate(group: Group) -> bool:
    """Whether a gate is alone in its box."""
    return group.column.kind == "box" and len(group.gates) == 1


def _coloured(text: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'

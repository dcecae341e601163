"""A graph too big to read, folded: by neurons (level 1), by layers (level 2), and by depth where no module was at work.

Gates of no module are cut into a few bands of depth; in each band every primitive is a box with the number of its
gates, the range of their values and the size of their gradients. What belongs together is found in `folding`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from microgradnn.drawing.circuit import FONT, GRADIENT, NEGATIVE, POSITIVE, VALUE, Picture, new_digraph, printable
from microgradnn.drawing.folding import BANDS, Column, Folding, Group, Link
from microgradnn.notation import digits
from microgradnn.value import Value

READABLE = 150  # more nodes than this fold by themselves
READABLE_EDGES = 600  # more edges than this between neurons, and layers are drawn instead
MOST_NEURONS = 16  # of one layer that are drawn one by one
MOST_NODES = 500  # of all layers together; of more, layers are drawn
BARS, BAR_HEIGHT = 14, 20
LONGEST_NAME = 40


def summary(root: Value, level: int | None = None) -> Picture:
    """Draw a folded graph: level 1 by neurons, level 2 by layers, None whichever can be read."""
    folding = Folding(root)
    if level is None:
        readable = len(folding.groups) <= READABLE and len(folding.links) <= READABLE_EDGES
        level = 1 if readable else 2
    return _Summary(root, folding).picture(level)


class _Summary:
    """A picture in the making: columns of neurons, or a box for each layer."""

    def __init__(self, root: Value, folding: Folding) -> None:
        self.root, self.folding, self.columns = root, folding, folding.columns()
        self.digraph = new_digraph()
        self.tooltips: dict[str, str] = {}
        self.f = _shortened(root.name or "f")
        self.number = {column: number for number, column in enumerate(self.columns)}
        weighted = {target for (_, target), link in folding.links.items() if link.weights}
        self.taken: dict[Column, dict[Group, None]] = {}
        self.back: Counter[Column] = Counter()  # weights of edges that lead back, in recurrent nets
        for (source, target), link in folding.links.items():
            if source.column != target.column and (link.weights or target not in weighted):
                self.taken.setdefault(target.column, {})[source] = None
            if not self._forward(source.column, target.column):
                self.back[target.column] += len(link.weights)

    def picture(self, level: int) -> Picture:
        """By neurons where that is wanted, there are any and they are not too many; else by boxes."""
        layers = any(column.kind == "layer" for column in self.columns)
        nodes = sum(min(len(groups), MOST_NEURONS) for groups in self.columns.values())
        if level == 1 and layers and nodes <= MOST_NODES:
            return self.by_neurons()
        words = "draw(root, level=0) shows every gate"
        if not layers:
            self._stack_bands()
            return self.by_layers(f"{self._folded(False)} by depth and primitive; {words}")
        if level == 1:
            return self.by_layers(f"{self._folded(False)}, as there are too many neurons; {words}")
        return self.by_layers(f"{self._folded(False)}; {words}, level=1 every neuron")

    def by_layers(self, *words: str) -> Picture:
        """One box per layer, with what its outputs and the gradients of its parameters are like."""
        self.digraph.attr(ranksep="0.5", nodesep="0.3")
        for column, groups in self.columns.items():
            (self._layer if column.kind == "layer" else self._box)(column, groups)
        counts: Counter[tuple[Column, Column]] = Counter()
        for (source, target), link in self.folding.links.items():
            counts[source.column, target.column] += link.count
        for (start, end), count in counts.items():
            looks = {"penwidth": f"{min(4, 1 + math.log10(count)):.2f}"}
            # Boxes of one band stand below one another, so an edge between them has no say.
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

    def _stack_bands(self) -> None:
        """The boxes of each band of depth, one below the other."""
        for band in range(BANDS + 1):
            with self.digraph.subgraph() as rank:
                rank.attr(rank="same")
                for column, number in self.number.items():
                    if column.band == band:
                        rank.node(f"b{number}")

    def by_neurons(self) -> Picture:
        """One node per neuron, one column per layer; the edges show the weights."""
        shown = {
            group: f"n{self.number[column]}-{place}"
            for column, groups in self.columns.items()
            if column.kind != "box"
            for place, group in enumerate(groups[:MOST_NEURONS])
        }
        links = [
            (source, target, link)
            for (source, target), link in self.folding.links.items()
            if source in shown and target in shown and self._forward(source.column, target.column)
        ]
        tallest = min(MOST_NEURONS, max(map(len, self.columns.values())))
        self.digraph.attr(ranksep=f"{0.7 + tallest / 30:.2f}", nodesep="0.07", outputorder="edgesfirst")
        for column, groups in self.columns.items():
            if column.kind == "box":
                self._box(column, groups)
            else:
                self._column(column, groups, shown)
        self._weights(links, shown)
        drawn = [(source.column, target.column) for source, target, _ in links] + self._others(shown)
        self.digraph.attr(splines="line" if self._between_neighbours(drawn) else "true")
        examples = max(len(group.values) for group in self.folding.groups if group.column.kind == "layer")
        over = f"; over {examples:,} examples: mean of the values, rms of the gradients" if examples > 1 else ""
        words = [
            f"{self._folded(True)}; draw(root, level=0) shows every gate, level=2 one box per layer",
            f"on each node the value stands above the line and the gradient below it{over}",
        ]
        if self.back:
            words.append("edges that lead back to the same or an earlier column are not drawn; ↺ counts their weights")
        legend = (
            f"weights: {_coloured('blue, solid', POSITIVE)}where w &gt; 0; {_coloured('orange, dashed', NEGATIVE)}"
            f"where w &lt; 0; width ∣w∣, opacity ∣∂{escape(self.f)}/∂w∣"
        )
        return self._finished(*words, legend=legend if any(link.weights for _, _, link in links) else "")

    def _finished(self, *words: str, legend: str = "") -> Picture:
        lines = [*map(escape, words), *filter(None, [legend])]
        label = "".join(f'{line}<BR ALIGN="LEFT"/>' for line in lines)
        self.digraph.attr(label=f"<{label}>", labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
        title = f"Summary of a circuit with value {digits(self.root.data)}"
        return Picture(self.digraph, self.tooltips, title, ". ".join(words))

    def _folded(self, neurons: bool) -> str:
        """What became of the graph, as in `408 nodes folded into 2 inputs, 33 neurons and 5 boxes`."""
        counts = Counter(group.column.kind for group in self.folding.groups)
        if not neurons:
            counts["layer"] = sum(column.kind == "layer" for column in self.columns)
        nouns = {"inputs": "input", "layer": "neuron" if neurons else "layer", "box": "box"}
        parts = [_counted(counts[kind], noun) for kind, noun in nouns.items() if counts[kind]]
        return (
            f"{self.folding.nodes:,} nodes folded into {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}"
        )

    # ---- nodes ----

    def _layer(self, column: Column, groups: list[Group]) -> None:
        """The box of a layer: sizes, outputs, and the gradients of its parameters."""
        outputs, parameters = _data(groups), _parameters(groups)
        gradients = [abs(one.grad) for one in parameters if one.swept]
        name, sizes = _shortened(column.name), " · ".join(self._sizes(column))
        value = f"{_range('outputs', outputs)}, rms {digits(_rms(outputs))}"
        gradient = f"∣∂{self.f}/∂w∣" + (f" rms {digits(_rms(gradients))}" if gradients else "")
        lines = [f"<B>{escape(name)}</B>", f"{escape(sizes)}&#160;", _coloured(value, VALUE), _bars(outputs, VALUE)]
        if parameters:
            lines += [_coloured(gradient, GRADIENT), _bars(gradients, GRADIENT, low=0.0)]
        self._draw_box(column, lines, "; ".join([name, sizes, value, *([gradient] if parameters else [])]))

    def _box(self, column: Column, groups: list[Group]) -> None:
        """The box of inputs, or of gates of no module."""
        data, gradients = _data(groups), _gradients(groups)
        if column.kind == "inputs":
            heading = _counted(len(groups), "input")
        elif column.name:
            heading = f"{printable(column.name)} × {len(data):,}"
        else:
            heading = f"{len(data):,} {'leaf' if len(data) == 1 else 'leaves'}"
        words, lines = [heading, _range("values", data)], [f"<B>{escape(heading)}</B>"]
        if gradients:
            words.append(f"gradient rms {digits(_rms(gradients))}")
        lines += [_coloured(text, colour) for text, colour in zip(words[1:], (VALUE, GRADIENT), strict=False)]
        self._draw_box(column, lines, "; ".join(words))

    def _draw_box(self, column: Column, lines: list[str], tooltip: str) -> None:
        """A box with these lines of HTML."""
        identifier = f"b{self.number[column]}"
        rows = "".join(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in lines)
        label = '<<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">' + rows
        self.tooltips[identifier] = tooltip
        self.digraph.node(identifier, f"{label}</TABLE>>", id=identifier)

    def _sizes(self, column: Column) -> list[str]:
        """How many numbers a layer takes and gives, and its parameters: `2→16` and `48 params`."""
        taken, given = len(self.taken.get(column, ())), len(self.columns[column])
        parameters = len(_parameters(self.columns[column]))
        sizes = [f"{taken:,}→{given:,}" if taken else _counted(given, "output")]
        return [*sizes, _counted(parameters, "param")] if parameters else sizes

    def _column(self, column: Column, groups: list[Group], shown: dict[Group, str]) -> None:
        """The heading of a layer and its neurons, one below the other."""
        number = self.number[column]
        heading = [_counted(len(groups), "input")]
        if column.kind == "layer":
            heading = [_shortened(column.name, 24), *self._sizes(column)]
        if self.back[column]:
            heading.append(f"↺ {_counted(self.back[column], 'weight')}")
        # No neuron is narrower than the heading above it, so that no edge can run through the heading.
        visible = [group for group in groups if group in shown]
        names = max((len(_name(group)) + 9 for group in visible if _name(group)), default=0)
        width = max(60, 8 * len(heading[0]), *(7 * len(line) for line in heading), 7 * names)
        label = f"<B>{escape(heading[0])}</B>" + "".join(f"<BR/>{escape(line)}" for line in heading[1:])
        with self.digraph.subgraph() as rank:
            rank.attr(rank="same")
            above = f"h{number}"
            rank.node(above, f"<{label}>", id=above, margin="0,0.05", fontsize="11")
            for place, group in enumerate(visible):
                identifier = shown[group]
                rank.node(identifier, self._neuron(group, width), id=identifier, **{"class": "neuron"})
                self.tooltips[identifier] = self._described(group, place)
                rank.edge(above, identifier, style="invis")  # keeps the order
                above = identifier
            if len(visible) < len(groups):
                identifier = f"n{number}-more"
                rank.node(identifier, f"… {len(groups) - len(visible):,} more", id=identifier, margin="0.04,0.05")
                rank.edge(above, identifier, style="invis")

    def _neuron(self, group: Group, width: int) -> str:
        value, gradient = _mean(_data([group])), self._gradient(group)
        name = _name(group)
        before = f"<I>{escape(name)}</I>&#160;=&#160;" if name else ""
        below = "&#160;" if gradient is None else digits(gradient)
        return (
            '<<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
            f'<TR><TD WIDTH="{width}">{before}<FONT COLOR="{VALUE}" POINT-SIZE="10">{digits(value)}</FONT></TD></TR>'
            "<HR/>"
            f'<TR><TD><FONT COLOR="{GRADIENT}" POINT-SIZE="10">{below}</FONT></TD></TR></TABLE>>'
        )

    def _described(self, group: Group, place: int) -> str:
        kind = "neuron" if group.column.kind == "layer" else "input"
        value, gradient = _mean(_data([group])), self._gradient(group)
        several = len(group.values) > 1
        text = f"{printable(group.column.name)}, {kind} {place}: {'mean ' if several else ''}value {value!r}"
        if gradient is not None:
            text += f", {'rms ' if several else ''}∂{self.f} by it {gradient!r}"
        return text + (f", over {len(group.values):,} examples" if several else "")

    def _gradient(self, group: Group) -> float | None:
        gradients = _gradients([group])
        return None if not gradients else gradients[0] if len(group.values) == 1 else _rms(gradients)

    # ---- edges ----

    def _forward(self, start: Column, end: Column) -> bool:
        """Whether an edge runs from an earlier column to a later one; others, in recurrent nets, would cross all."""
        return self.number[start] < self.number[end]

    def _between_neighbours(self, edges: list[tuple[Column, Column]]) -> bool:
        """Whether every edge leads from a column to the next, so that straight lines cross no node."""
        pairs = sorted(dict.fromkeys(edges), key=lambda pair: self.number[pair[0]])
        rank = dict.fromkeys(self.columns, 0)
        for start, end in pairs:
            rank[end] = max(rank[end], rank[start] + 1)
        followers: dict[Column, list[Column]] = {}
        for start, end in pairs:
            followers.setdefault(start, []).append(end)
        for start in reversed(followers):  # as near to what follows as can be, which is where Graphviz puts it
            rank[start] = min(rank[end] for end in followers[start]) - 1
        return all(rank[end] - rank[start] == 1 for start, end in pairs)

    def _weights(self, links: list[Edge], shown: dict[Group, str]) -> None:
        largest = _largest(links)
        for source, target, link in links:
            start, end = shown[source], shown[target]
            looks = {"id": f"{start}-{end}", "arrowhead": "none", "penwidth": "0.8"}
            words = f"from {start} to {end}"
            weight = link.weight
            if weight is not None:
                width, slope = largest[target.column]
                share = _finite(weight.data) / width if width else 0.0
                opacity = 0.25 + 0.75 * math.sqrt(_finite(weight.grad) / slope) if slope else 0.7
                colour, style = (NEGATIVE, "dashed") if weight.data < 0 else (POSITIVE, "solid")
                looks |= {"color": f"{colour}{round(255 * opacity):02x}", "style": style}
                looks["penwidth"] = f"{0.4 + 2.4 * share:.2f}"
                words = f"w = {weight.data!r}" + (f", ∂{self.f}/∂w = {weight.grad!r}" if weight.swept else "")
                words += f", the largest of {len(link.weights)}" if len(link.weights) > 1 else ""
            self.tooltips[looks["id"]] = words
            self.digraph.edge(f"{start}:e", f"{end}:w", **looks)

    def _others(self, shown: dict[Group, str]) -> list[tuple[Column, Column]]:
        """Draw the edges from and to gates of no module; return between which columns they run."""
        drawn = []
        for (source, target), link in self.folding.links.items():
            columns = source.column, target.column
            start, end = (
                f"b{self.number[group.column]}" if group.column.kind == "box" else shown.get(group)
                for group in (source, target)
            )
            if start and end and "box" in (source.column.kind, target.column.kind) and self._forward(*columns):
                self._arrow(start, end, _counted(link.count, "edge"), penwidth="0.7")
                drawn.append(columns)
        return drawn

    def _arrow(self, start: str, end: str, words: str, **looks: str) -> None:
        self.tooltips[f"{start}-{end}"] = words
        self.digraph.edge(start, end, id=f"{start}-{end}", **looks)


Edge = tuple[Group, Group, Link]


def _largest(links: Iterable[Edge]) -> dict[Column, tuple[float, float]]:
    """The largest |w| and |∂f/∂w| of each layer."""
    found: dict[Column, tuple[float, float]] = {}
    for _, target, link in links:
        if link.weight is not None:
            width, slope = found.get(target.column, (0.0, 0.0))
            found[target.column] = max(width, _finite(link.weight.data)), max(slope, _finite(link.weight.grad))
    return found


# ---- boxes and words -------------------------------------------------------------------------------------------


def _bars(data: Sequence[float], colour: str, low: float | None = None) -> str:
    """How often numbers of each size occur, as bars from the lowest to the highest, in cells of a table."""
    finite = [x for x in data if math.isfinite(x)]
    low, high = min(finite, default=0.0) if low is None else low, max(finite, default=0.0)
    counts = [0] * BARS
    for x in finite:
        share = (x / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.5  # halves do not overflow
        counts[min(BARS - 1, int(share * BARS))] += 1
    cells = "".join(
        _bar(math.ceil(BAR_HEIGHT * count / max(counts)), colour) if count else _bar(0, "") for count in counts
    )
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="0"><TR>{cells}</TR></TABLE>'


def _bar(height: int, colour: str) -> str:
    """A cell of the height of all bars, filled from below."""
    rows = ((BAR_HEIGHT - height, ""), (height, f' BGCOLOR="{colour}"'))
    cells = "".join(
        f'<TR><TD WIDTH="9" HEIGHT="{size}" FIXEDSIZE="TRUE"{look}></TD></TR>' for size, look in rows if size
    )
    return f'<TD><TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{cells}</TABLE></TD>'


def _coloured(text: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'


def _name(group: Group) -> str:
    """The name of the one Value of a group."""
    name = getattr(group.values[0], "name", None) if len(group.values) == 1 else None
    return _shortened(name, 12) if name else ""


def _shortened(name: str, length: int = LONGEST_NAME) -> str:
    """A name that fits into a box: of a long one the beginning and the end."""
    name = printable(name)
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length // 2) + 1 :]}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('x') else 's'}"


def _range(noun: str, data: Sequence[float]) -> str:
    low, high = digits(min(data)), digits(max(data))
    return f"{noun} {low}" + (f" … {high}" if low != high else "")


def _parameters(groups: Iterable[Group]) -> dict[Value, None]:
    return {one: None for group in groups for one in group.parameters}


def _data(groups: Iterable[Group]) -> list[float]:
    return [one.data if isinstance(one, Value) else one for group in groups for one in group.values]


def _gradients(groups: Iterable[Group]) -> list[float]:
    return [one.grad for group in groups for one in group.values if isinstance(one, Value) and one.swept]


def _mean(data: Sequence[float]) -> float:
    return math.fsum(data) / len(data) if all(map(math.isfinite, data)) else sum(data) / len(data)


def _rms(data: Sequence[float]) -> float:
    return math.hypot(*data) / math.sqrt(len(data))


def _finite(x: float) -> float:
    """|x| as a length: what is not a finite number counts as the largest or as nothing."""
    return 0.0 if x != x else min(abs(x), 1e300)

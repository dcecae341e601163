"""A graph too big to read, folded: by neurons (level 1), by layers (level 2), and by depth where no module was at work.

Gates of no module are cut into a few bands of depth; in each band every primitive is a box with the number of its
gates, the range of their values and the size of their gradients. What belongs together is found in `folding`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from microgradnn.drawing.circuit import FONT, GRADIENT, NEGATIVE, POSITIVE, VALUE, Picture, new_digraph, printable
from microgradnn.drawing.folding import BANDS, Column, Folding, Group, Link, fold
from microgradnn.notation import digits
from microgradnn.value import Value

if TYPE_CHECKING:
    import graphviz

READABLE = 150  # more nodes than this fold by themselves
READABLE_EDGES = 600  # more edges than this between neurons, and layers are drawn instead
MOST_NEURONS = 64  # of one layer that are drawn one by one
MOST_NODES = 1000  # of all layers together; of more, layers are drawn
MOST_EDGES, STRONGEST = 2500, 800  # of more edges than the first the second number are drawn
BARS, BAR_HEIGHT = 14, 20
LONGEST_NAME = 40

Line = tuple[str, str]  # a text and its colour


def summary(root: Value, level: int | None = None) -> Picture:
    """Draw a folded graph: level 1 by neurons, level 2 by layers, None whichever can be read."""
    folding = fold(root)
    columns = folding.columns()
    if all(column.kind == "box" for column in columns):
        return _by_depth(root, folding, columns)
    if level is None:
        readable = len(folding.groups) <= READABLE and len(folding.links) <= READABLE_EDGES
        level = 1 if readable else 2
    drawing = _Modules(root, folding, columns)
    if level == 1 and sum(min(len(groups), MOST_NEURONS) for groups in columns.values()) <= MOST_NODES:
        return drawing.by_neurons()
    return drawing.by_layers(too_many=level == 1)


# ---- without modules -------------------------------------------------------------------------------------------


def _by_depth(root: Value, folding: Folding, columns: dict[Column, list[Group]]) -> Picture:
    """Boxes for bands of depth and primitives, with the number of edges between them."""
    digraph = new_digraph()
    digraph.attr(ranksep="0.5", nodesep="0.25")
    identifiers = {column: f"b{number}" for number, column in enumerate(columns)}
    tooltips: dict[str, str] = {}
    for column, groups in columns.items():
        _draw_box(digraph, tooltips, identifiers[column], *_box(column, groups))
    for band in range(BANDS + 1):
        with digraph.subgraph() as rank:
            rank.attr(rank="same")
            for column, identifier in identifiers.items():
                if column.band == band:
                    rank.node(identifier)
    for (source, target), link in folding.links.items():
        start, end = identifiers[source.column], identifiers[target.column]
        looks = {"id": f"{start}-{end}", "penwidth": str(min(4, 1 + math.log10(link.count)))}
        tooltips[looks["id"]] = f"{link.count:,} edges"
        if source.column.band < target.column.band:
            looks |= {"label": f" {link.count:,} ", "fontsize": "9"}
        else:
            looks |= {"constraint": "false"}  # inside a band the boxes stand below one another
        digraph.edge(start, end, **looks)
    words = (
        f"{folding.nodes:,} nodes folded into {len(columns)} boxes by depth and primitive; "
        "draw(root, level=0) shows every gate"
    )
    return _finished(digraph, tooltips, root, words)


# ---- with modules ----------------------------------------------------------------------------------------------


class _Modules:
    """A picture of modules in the making: columns of neurons, or a box for each layer."""

    def __init__(self, root: Value, folding: Folding, columns: dict[Column, list[Group]]) -> None:
        self.root, self.folding, self.columns = root, folding, columns
        self.digraph = new_digraph()
        self.tooltips: dict[str, str] = {}
        self.f = _shortened(root.name or "f")
        self.number = {column: number for number, column in enumerate(columns)}
        self.examples = max(len(group.values) for group in folding.groups if group.column.kind == "layer")
        weighted = {target for (_, target), link in folding.links.items() if link.weights}
        self.taken: dict[Column, dict[Group, None]] = {}
        self.back: Counter[Column] = Counter()  # weights of edges that lead back, in recurrent nets
        for (source, target), link in folding.links.items():
            if source.column != target.column and (link.weights or target not in weighted):
                self.taken.setdefault(target.column, {})[source] = None
            if not self._forward(source.column, target.column):
                self.back[target.column] += len(link.weights)

    def by_layers(self, too_many: bool = False) -> Picture:
        """One box per layer, with what its outputs and the gradients of its parameters are like."""
        self.digraph.attr(ranksep="0.45", nodesep="0.3")
        for column, groups in self.columns.items():
            self._box(column, groups, self._figures(column, groups) if column.kind == "layer" else None)
        counts: Counter[tuple[Column, Column]] = Counter()
        for (source, target), link in self.folding.links.items():
            counts[source.column, target.column] += link.count
        for (start, end), count in counts.items():
            self._arrow(f"b{self.number[start]}", f"b{self.number[end]}", _counted(count, "edge"), weight="3")
        for (layer, user), count in self.folding.uses.items():
            ends = f"b{self.number[layer]}", f"b{self.number[user.column]}"
            identifier = "-".join((*ends, "w"))  # there may be an edge for the outputs as well
            self.tooltips[identifier] = _counted(count, "use") + " of parameters"
            self.digraph.edge(*ends, id=identifier, style="dotted", weight="0")
        words = [f"{self._folded(False)}; draw(root, level=0) shows every gate, level=1 every neuron"]
        if too_many:
            words = [f"{self._folded(False)}, as there are too many neurons; draw(root, level=0) shows every gate"]
        if self.folding.uses:
            words.append("dotted: the parameters themselves are used")
        return _finished(self.digraph, self.tooltips, self.root, *words)

    def by_neurons(self) -> Picture:
        """One node per neuron, one column per layer; the edges show the weights."""
        shown = {
            group: f"n{self.number[column]}-{place}"
            for column, groups in self.columns.items()
            if column.kind != "box"
            for place, group in enumerate(groups[:MOST_NEURONS])
        }
        possible = [
            (source, target, link)
            for (source, target), link in self.folding.links.items()
            if source in shown and target in shown and self._forward(source.column, target.column)
        ]
        largest = _largest(possible)
        links = _strongest(possible, largest) if len(possible) > MOST_EDGES else possible
        tallest = min(MOST_NEURONS, max(map(len, self.columns.values())))
        self.digraph.attr(ranksep=f"{0.7 + tallest / 30:.2f}", nodesep="0.07", outputorder="edgesfirst")
        for column, groups in self.columns.items():
            if column.kind == "box":
                self._box(column, groups)
            else:
                self._column(column, groups, shown)
        self._weights(links, shown, largest)
        others = self._others(shown)
        drawn = [(source.column, target.column) for source, target, _ in links] + others
        self.digraph.attr(splines="line" if self._between_neighbours(drawn) else "true")
        words = [
            f"{self._folded(True)}; draw(root, level=0) shows every gate, level=2 one box per layer",
            f"on each node the value stands above the line and the gradient below it{self._over()}",
        ]
        if any(link.weights for _, _, link in links):
            words.append(f"weights: {_BLUE} where w > 0; {_ORANGE} where w < 0; width ∣w∣, opacity ∣∂{self.f}/∂w∣")
        if self.back:
            words.append("edges that lead back to the same or an earlier column are not drawn; ↺ counts their weights")
        if len(links) < len(possible):
            words.append(f"the {len(links):,} strongest of {len(possible):,} edges between these nodes are drawn")
        return _finished(self.digraph, self.tooltips, self.root, *words)

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

    def _over(self) -> str:
        return (
            f"; over {self.examples:,} examples: mean of the values, rms of the gradients" if self.examples > 1 else ""
        )

    # ---- nodes ----

    def _box(self, column: Column, groups: list[Group], figures: Any = None) -> None:
        identifier = f"b{self.number[column]}"
        _draw_box(self.digraph, self.tooltips, identifier, *(figures or _box(column, groups)))

    def _figures(self, column: Column, groups: list[Group]) -> tuple[list[str], list[Line]]:
        """The heading and the lines of a layer."""
        outputs = _data(groups)
        lines: list[Line] = [(f"{_range('outputs', outputs)}, rms {digits(_rms(outputs))}", VALUE)]
        lines.append((_bars(outputs, VALUE), VALUE))
        parameters = {one: None for group in groups for one in group.parameters}
        gradients = [abs(one.grad) for one in parameters if one.swept]
        if parameters:
            rms = f" rms {digits(_rms(gradients))}" if gradients else ""
            lines.append((f"∣∂{self.f}/∂w∣{rms}", GRADIENT))
            lines.append((_bars(gradients, GRADIENT, low=0.0), GRADIENT))
        return [_shortened(column.name), " · ".join(self._sizes(column))], lines

    def _sizes(self, column: Column) -> list[str]:
        """How many numbers a layer takes and gives, and its parameters: `2→16` and `48 params`."""
        taken, given = len(self.taken.get(column, ())), len(self.columns[column])
        parameters = len({one for group in self.columns[column] for one in group.parameters})
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

    def _weights(self, links: list[Edge], shown: dict[Group, str], largest: dict[Column, tuple[float, float]]) -> None:
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


def _strongest(links: list[Edge], largest: dict[Column, tuple[float, float]]) -> list[Edge]:
    """The edges with the largest |w| as a share of their layer's largest, and the strongest one of every neuron."""

    def strength(place: int) -> float:
        _, target, link = links[place]
        if link.weight is None:
            return 1.0
        return _finite(link.weight.data) / (largest[target.column][0] or 1.0)

    order = sorted(range(len(links)), key=strength, reverse=True)
    best = {links[place][1]: place for place in reversed(order)}
    kept = sorted({*best.values(), *order[:STRONGEST]})
    return [links[place] for place in kept]


# ---- boxes and words -------------------------------------------------------------------------------------------


def _draw_box(
    digraph: graphviz.Digraph, tooltips: dict[str, str], identifier: str, heading: list[str], lines: list[Line]
) -> None:
    """A box: a heading in bold, lines in their colours; a line that is a table already stands as it is."""
    tooltips[identifier] = "; ".join([*heading, *(text for text, _ in lines if not text.startswith("<"))])
    rows = "".join(f'<TR><TD ALIGN="LEFT">{escape(text)}&#160;</TD></TR>' for text in heading[1:])
    for text, colour in lines:
        shown = text if text.startswith("<") else f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'
        rows += f'<TR><TD ALIGN="LEFT">{shown}</TD></TR>'
    label = (
        '<<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">'
        f'<TR><TD ALIGN="LEFT"><B>{escape(heading[0])}</B></TD></TR>{rows}</TABLE>>'
    )
    digraph.node(identifier, label, id=identifier)


def _box(column: Column, groups: list[Group]) -> tuple[list[str], list[Line]]:
    """The heading and the lines of inputs, or of gates of no module."""
    data, gradients = _data(groups), _gradients(groups)
    if column.kind == "inputs":
        heading = _counted(len(groups), "input")
    elif column.name:
        heading = f"{printable(column.name)} × {len(data):,}"
    else:
        heading = f"{len(data):,} {'leaf' if len(data) == 1 else 'leaves'}"
    lines = [(_range("values", data), VALUE)]
    if gradients:
        lines.append((f"gradient rms {digits(_rms(gradients))}", GRADIENT))
    return [heading], lines


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


def _finished(digraph: graphviz.Digraph, tooltips: dict[str, str], root: Value, *words: str) -> Picture:
    lines = [escape(line) for line in words]
    for name, colour in ((_BLUE, POSITIVE), (_ORANGE, NEGATIVE)):
        lines = [line.replace(f"{name} ", f'<FONT COLOR="{colour}">{name}</FONT>&#160;') for line in lines]
    label = "".join(f'{line}<BR ALIGN="LEFT"/>' for line in lines)
    digraph.attr(label=f"<{label}>", labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
    return Picture(digraph, tooltips, f"Summary of a circuit with value {digits(root.data)}", ". ".join(words))


_BLUE, _ORANGE = "blue, solid", "orange, dashed"


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

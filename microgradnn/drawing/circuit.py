"""A graph as DOT: gates are circles, their output wires small tables with the value above and the gradient below.

Nothing but HTML-like labels; Graphviz does the layout. A leaf that is used often or far away is drawn again beside its
use. This module knows nodes and their looks, not SVG.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from microgradnn.bounds import Range
from microgradnn.drawing.palette import FAINT, GRADIENT, VALUE
from microgradnn.graph import topological_order
from microgradnn.notation import digits, formula, names, short_names, span, symbol, written
from microgradnn.value import Value

if TYPE_CHECKING:
    import graphviz

FONT = "DejaVu Sans,Verdana,sans-serif"
DIRECTIONS = {"right": "LR", "down": "TB"}
PORTS = {"right": ("w", "e"), "down": ("n", "s")}  # where a wire begins and ends
DESCRIBED = 40  # nodes in the description, of which somebody listens to every word
OFTEN, FAR = 4, 4  # a leaf that more gates than OFTEN take stands beside each; else again beside one FAR gates on


@dataclass(frozen=True)
class Picture:
    """A drawing before layout: the DOT graph, the tooltip of each of its elements by id, and a description."""

    digraph: graphviz.Digraph
    tooltips: Mapping[str, str]
    title: str
    description: str


class Letter(str):
    """The letter of a number that is to be found: it stands in an empty box, in place of the number."""

    __slots__ = ()


def new_digraph(direction: str = "right") -> graphviz.Digraph:
    """An empty graph in the house style that runs from left to right, or down."""
    import graphviz

    return graphviz.Digraph(
        "circuit",
        graph_attr={
            "rankdir": DIRECTIONS[direction],
            "bgcolor": "transparent",
            "nodesep": "0.12",
            "ranksep": "0.22",
            "pad": "0.1",
        },
        node_attr={"fontname": FONT, "fontsize": "12", "shape": "none", "margin": "0", "width": "0", "height": "0"},
        edge_attr={"fontname": FONT, "arrowsize": "0.6"},
    )


def wire(name: str, leaf: bool, value: str, gradient: str, width: int = 44, colour: str = "black") -> str:
    """The label of a wire: value, rule, gradient; the name left of it (leaf) or before the value (gate)."""
    name = f"<I>{escape(name)}</I>" if name else ""
    first = f'<TD ROWSPAN="3">{name}&#160;</TD>' if leaf and name else ""
    if leaf or not name:
        shown = _number(value, VALUE)
    else:
        shown = _number(value, VALUE, f"{name}&#160;=&#160;") if value else name
    room = ' HEIGHT="30"' if isinstance(value, Letter) or isinstance(gradient, Letter) else ""  # the line in the middle
    below = f'<TR><TD ALIGN="LEFT"{room}>{_number(gradient, GRADIENT)}</TD></TR>'
    return (
        f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1" COLOR="{colour}">'
        f'<TR>{first}<TD ALIGN="LEFT" WIDTH="{width}"{room}>{shown}</TD></TR><HR/>{below}</TABLE>>'
    )


def _number(text: str, colour: str, before: str = "") -> str:
    """What fills a cell above or below the line: a number in its colour, or the box where it is to be written."""
    if not isinstance(text, Letter):
        return f'{before}<FONT COLOR="{colour}">{text or " "}</FONT>'
    letter = f'<FONT COLOR="{colour}" POINT-SIZE="10">{text}</FONT>'
    box = f'<TD BORDER="1" FIXEDSIZE="TRUE" WIDTH="80" HEIGHT="24" ALIGN="LEFT">{letter}</TD><TD></TD>'
    before = before and f"<TD>{before}</TD>"
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="2" CELLPADDING="1"><TR>{before}{box}</TR></TABLE>'


def outdated(roots: Sequence[Value], complaint: str, folded: bool, direction: str, count: int) -> Picture:
    """The picture of a graph that is out of date: the complaint above the gates, and no numbers but those of leaves."""
    if folded:
        digraph = new_digraph()
        digraph.node("w0", f"{len(topological_order(*roots)):,} nodes", id="w0")
        picture = Picture(digraph, {}, "Circuit", complaint)
    else:
        picture = circuit(roots, gradients={}, numbers=False, direction=direction, count=count)
    picture.digraph.attr(label=complaint, labelloc="t", fontname=FONT, fontsize="12", fontcolor=GRADIENT)
    return Picture(picture.digraph, picture.tooltips, picture.title + ", out of date", complaint)


def circuit(
    root: Value | Sequence[Value],
    gradients: Mapping[int, float] | None = None,
    changing: bool = False,
    numbers: bool = True,
    direction: str = "right",
    count: int = 4,
    letters: Mapping[tuple[int, str], Letter] | None = None,
    ranges: Mapping[Value, tuple[Range, Range]] | None = None,
) -> Picture:
    """Draw every gate; `gradients` (by `id`) stand in for `.grad`.

    Where the numbers are `changing`, the wires have room and tooltips say no numbers. Without `numbers` only leaves
    show theirs; they have `count` significant digits. Long names of parameters are whole in the tooltips. `letters`
    stand for numbers to be found, by the `id` of a node and "value" or "gradient"; then no tooltip tells a local
    derivative. So it is with `ranges`, bounds of value and gradient, which stand in place of the numbers.
    """
    roots = [root] if isinstance(root, Value) else list(root)
    order = topological_order(*roots)
    whole = names(order, *roots)
    name_of = {key: printable(name) for key, name in whole.items()}
    label_of = {key: printable(name) for key, name in short_names(whole).items()}
    number_of = {id(node): number for number, node in enumerate(order)}
    if gradients is None:
        gradients = {id(node): node.grad for node in order if node.swept}
    f = name_of[id(roots[0])]
    digraph = new_digraph(direction)
    begin, end = PORTS[direction]
    tooltips: dict[str, str] = {}
    sentences = []  # of the description
    again, letters = repeated(order), letters or {}

    def value_of(node: Value) -> str:
        return digits(node.data, count) if ranges is None else span(*ranges[node][0], count)

    for number, node in enumerate(order):
        name, gradient = name_of[id(node)], gradients.get(id(node))
        leaf = node.primitive is None
        value = letters.get((id(node), "value")) or (value_of(node) if numbers or leaf else "")
        below = letters.get((id(node), "gradient")) or ("" if gradient is None else digits(gradient, count))
        if ranges is not None:
            below = span(*ranges[node][1], count)
        room = (60 if leaf else 7 * len(name) + 80) if changing else 44
        label = wire(label_of[id(node)], leaf, value, below, room)
        digraph.node(f"w{number}", label, id=f"w{number}", **{"class": "wire"})
        of_f = len(roots) == 1 and (id(roots[0]) in gradients or ranges is not None)  # else of whichever were swept
        slope = f"∂{f}/∂{name} =" if of_f else "gradient"
        told = (name if value == "" or isinstance(value, Letter) else f"{name} = {node.data!r}") + (
            "" if gradient is None or isinstance(below, Letter) else f", {slope} {gradient!r}"
        )
        if ranges is not None:
            told = f"{name} = {_between(ranges[node][0])}, {slope} {_between(ranges[node][1])}"
        tooltips[f"w{number}"] = name if changing else told
        sentences.append(told)
        if node.primitive is None:
            continue
        text = symbol(node, count)
        draw_gate(digraph, text, f"g{number}", f"w{number}:{begin}", f"o{number}")
        tooltips[f"g{number}"] = f"{name} = {formula(node.primitive, written(node.operands, name_of))}"
        twice = len(node.operands) == 2 and node.operands[0] is node.operands[1]
        for index, (operand, partial) in enumerate(zip(node.operands, node.partials, strict=True)):
            if isinstance(operand, Value):
                edge, source = f"e{number}-{index}", f"w{number_of[id(operand)]}"
                apart = {}
                if twice:  # two edges, both to be seen
                    apart = {"headport": ("nw", "sw" if direction == "right" else "ne")[index], "minlen": "2"}
                if (id(operand), id(node)) in again:
                    leaf_again = f"{source}-{again[id(operand), id(node)]}"
                    if leaf_again not in tooltips:
                        label = wire(label_of[id(operand)], True, value_of(operand), "", 60 if changing else 44, FAINT)
                        digraph.node(leaf_again, label, id=leaf_again, **{"class": f"copy copy-of-{source}"})
                        tooltips[leaf_again] = f"the same {name_of[id(operand)]}"
                    source, apart["color"] = leaf_again, FAINT
                digraph.edge(f"{source}:{end}", f"g{number}", id=edge, **apart)
                if numbers and not (letters or changing or ranges is not None):
                    tooltips[edge] = f"∂{name}/∂{name_of[id(operand)]} = {partial!r}"
    description = _description(order, bool(again), sentences)
    fixed = numbers and not changing
    results = [name_of[id(root)] + (f" = {value_of(root)}" if fixed else "") for root in roots]
    return Picture(digraph, tooltips, f"Circuit of {', '.join(results)}", description)


def _between(bounds: Range) -> str:
    low, high = bounds
    return repr(low) if low == high else f"{low!r} … {high!r}"


def draw_gate(digraph: graphviz.Digraph, text: str, gate: str, wire: str, edge: str) -> None:
    """The gate with the symbol `text`, and the edge to its output wire; all three by identifier."""
    import graphviz

    digraph.node(gate, str(graphviz.escape(text)), id=gate, **_shape(text), **{"class": "gate"})
    digraph.edge(gate, wire, id=edge, arrowhead="none", weight="20", minlen="1")


def _shape(text: str) -> dict[str, str]:
    """A circle, all of one size, or a box for a long symbol."""
    if len(text) > 3:
        return {"shape": "box", "style": "rounded", "height": "0.42", "width": "0.42", "margin": "0.08,0"}
    return {"shape": "circle", "width": "0.42", "fixedsize": "true", "fontsize": "12" if len(text) < 3 else "10"}


def _description(order: Sequence[Value], again: bool, sentences: Sequence[str]) -> str:
    """What a picture shows, for those who do not see it; the last sentence holds the numbers."""
    gates = sum(node.primitive is not None for node in order)
    leaves = len(order) - gates
    description = (
        f"{gates} {'gate' if gates == 1 else 'gates'}, {leaves} {'leaf' if leaves == 1 else 'leaves'}; "
        "on each wire the value stands above the line and the gradient below it. "
    )
    if again:
        description += "Grey: a leaf drawn again where it is used, its gradient stands at its first place. "
    return description + "; ".join(sentences[:DESCRIBED])


def repeated(order: Sequence[Value]) -> dict[tuple[int, int], int]:
    """The leaves that are drawn again: by the `id` of leaf and gate the place of the leaf, 2, 3 …, beside the gate.

    >>> x = Value(1.0)
    >>> f = x * ((x + 1) ** 2 * 3 + 1).exp().log()
    >>> list(repeated(topological_order(f)).values())
    [2]
    """
    to_end: defaultdict[int, int] = defaultdict(int)  # gates from a node to the end, where Graphviz puts it near
    users: defaultdict[int, dict[int, None]] = defaultdict(dict)
    for node in reversed(order):
        for operand in node.operands:
            if isinstance(operand, Value):
                to_end[id(operand)] = max(to_end[id(operand)], to_end[id(node)] + 1)
                if operand.primitive is None:
                    users[id(operand)][id(node)] = None
    again: dict[tuple[int, int], int] = {}
    for leaf, gates in users.items():
        copies, begin = 0, 0
        for gate in sorted(gates, key=lambda gate: -to_end[gate]):
            if not copies or len(gates) > OFTEN or begin - to_end[gate] >= FAR:
                copies, begin = copies + 1, to_end[gate]
            if copies > 1:
                again[leaf, gate] = copies
    return again


def printable(name: str) -> str:
    """A name without the control characters that no picture can hold."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)

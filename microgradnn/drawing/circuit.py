"""A graph as DOT: gates are circles, their output wires small tables with the value above and the gradient below.

Nothing but HTML-like labels; Graphviz does the layout. This module knows nodes and their looks, not SVG.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from microgradnn.graph import topological_order
from microgradnn.notation import digits, formula, names, symbol, written
from microgradnn.value import Value

if TYPE_CHECKING:
    import graphviz

VALUE, GRADIENT = "#007a5a", "#b42318"  # green above the wire, red below it, on a light background
POSITIVE, NEGATIVE = "#0b6fb8", "#c75000"  # weights by sign; the line is dashed too where they are negative
FONT = "DejaVu Sans,Verdana,sans-serif"


@dataclass(frozen=True)
class Picture:
    """A drawing before layout: the DOT graph, the tooltip of each of its elements by id, and a description."""

    digraph: graphviz.Digraph
    tooltips: Mapping[str, str]
    title: str
    description: str


def new_digraph() -> graphviz.Digraph:
    """An empty graph that runs from left to right in the house style."""
    import graphviz

    return graphviz.Digraph(
        "circuit",
        graph_attr={"rankdir": "LR", "bgcolor": "transparent", "nodesep": "0.12", "ranksep": "0.22", "pad": "0.1"},
        node_attr={"fontname": FONT, "fontsize": "12", "shape": "none", "margin": "0", "width": "0", "height": "0"},
        edge_attr={"fontname": FONT, "arrowsize": "0.6"},
    )


def wire(name: str, leaf: bool, value: str, gradient: str, width: int = 44) -> str:
    """The label of a wire: value, rule, gradient; the name left of it (leaf) or before the value (gate)."""
    shown = f'<FONT COLOR="{VALUE}">{value or " "}</FONT>'
    below = f'<TR><TD ALIGN="LEFT"><FONT COLOR="{GRADIENT}">{gradient or " "}</FONT></TD></TR>'
    name = f"<I>{escape(name)}</I>" if name else ""
    first = f'<TD ROWSPAN="3">{name}&#160;</TD>' if leaf and name else ""
    if name and not leaf:
        shown = f"{name}&#160;=&#160;{shown}" if value else name
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f'<TR>{first}<TD ALIGN="LEFT" WIDTH="{width}">{shown}</TD></TR><HR/>{below}</TABLE>>'
    )


def blank(root: Value, complaint: str, folded: bool) -> Picture:
    """The picture of a graph that is out of date: the complaint above the gates, and no numbers but those of leaves."""
    if folded:
        digraph = new_digraph()
        digraph.node("w0", f"{len(topological_order(root)):,} nodes", id="w0")
        picture = Picture(digraph, {}, "Circuit", complaint)
    else:
        picture = circuit(root, gradients={}, numbers=False)
    picture.digraph.attr(label=complaint, labelloc="t", fontname=FONT, fontsize="12", fontcolor=GRADIENT)
    return Picture(picture.digraph, picture.tooltips, picture.title + ", out of date", complaint)


def circuit(
    root: Value, gradients: Mapping[int, float] | None = None, changing: bool = False, numbers: bool = True
) -> Picture:
    """Draw every gate. `gradients` (by `id`) stand in for `.grad`.

    Where the numbers are `changing`, u1, u2 … have names too, and the wires room. Without `numbers` only leaves show
    theirs.
    """
    import graphviz

    order = topological_order(root)
    name_of = {key: printable(name) for key, name in names(order, root).items()}
    number_of = {id(node): number for number, node in enumerate(order)}
    if gradients is None:
        gradients = {id(node): node.grad for node in order if node.swept}
    f = name_of[id(root)]
    digraph = new_digraph()
    tooltips = {}
    for number, node in enumerate(order):
        name, gradient = name_of[id(node)], gradients.get(id(node))
        leaf = node.primitive is None
        shown = name if node.name or changing or leaf or node is root else ""
        value = digits(node.data) if numbers or leaf else ""
        room = (60 if leaf else 7 * len(name) + 80) if changing else 44
        label = wire(shown, leaf, value, "" if gradient is None else digits(gradient), room)
        digraph.node(f"w{number}", label, id=f"w{number}", **{"class": "wire"})
        tooltips[f"w{number}"] = (f"{name} = {node.data!r}" if value else name) + (
            "" if gradient is None else f", ∂{f}/∂{name} = {gradient!r}"
        )
        if node.primitive is None:
            continue
        text = symbol(node)
        looks = {"shape": "circle", "width": "0.42", "margin": "0.03"}
        if len(text) > 3:
            looks = {"shape": "box", "style": "rounded", "height": "0.4", "width": "0.42", "margin": "0.08,0"}
        digraph.node(f"g{number}", str(graphviz.escape(text)), id=f"g{number}", **looks, **{"class": "gate"})
        tooltips[f"g{number}"] = f"{name} = {formula(node.primitive, written(node.operands, name_of))}"
        digraph.edge(f"g{number}", f"w{number}:w", id=f"o{number}", arrowhead="none", weight="20", minlen="1")
        twice = len(node.operands) == 2 and node.operands[0] is node.operands[1]
        for index, (operand, partial) in enumerate(zip(node.operands, node.partials, strict=True)):
            if isinstance(operand, Value):
                edge = f"e{number}-{index}"
                apart = {"headport": ("nw", "sw")[index], "minlen": "2"} if twice else {}  # two edges, both to be seen
                digraph.edge(f"w{number_of[id(operand)]}:e", f"g{number}", id=edge, **apart)
                if numbers:
                    tooltips[edge] = f"∂{name}/∂{name_of[id(operand)]} = {partial!r}"
    gates = sum(node.primitive is not None for node in order)
    leaves = len(order) - gates
    description = (
        f"{gates} {'gate' if gates == 1 else 'gates'}, {leaves} {'leaf' if leaves == 1 else 'leaves'}; "
        "on each wire the value stands above the line and the gradient below it. "
    ) + "; ".join(tooltips[f"w{number}"] for number in range(min(len(order), 40)))
    title = f"Circuit of {f}" + (f" = {digits(root.data)}" if numbers else "")
    return Picture(digraph, tooltips, title, description)


def printable(name: str) -> str:
    """A name without the control characters that no picture can hold."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)

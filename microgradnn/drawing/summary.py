"""A graph too big to read, folded: gates of one kind at about the same depth become one box.

The graph is cut into a few bands of depth; in each band every primitive is a box with the number of its gates,
the range of their values and the size of their gradients.
"""

from __future__ import annotations

import math
from collections import Counter

from microgradnn.drawing.circuit import FONT, GRADIENT, VALUE, Picture, new_digraph
from microgradnn.graph import topological_order
from microgradnn.notation import digits
from microgradnn.value import Value

READABLE = 150  # more nodes than this fold by themselves
BANDS = 6

Box = tuple[int, str]


def depths(order: list[Value]) -> dict[int, int]:
    """The depth of each node by `id`: 0 for a leaf, else one more than its deepest operand.

    >>> x = Value(1.0)
    >>> order = topological_order(x + x * 2)
    >>> [depths(order)[id(node)] for node in order]
    [0, 1, 2]
    """
    depth: dict[int, int] = {}
    for node in order:
        below = [depth[id(operand)] for operand in node.operands if isinstance(operand, Value)]
        depth[id(node)] = 1 + max(below) if below else 0
    return depth


def summary(root: Value) -> Picture:
    """Draw boxes for bands of depth and primitives, with the number of edges between them."""
    order = topological_order(root)
    depth = depths(order)
    deepest = depth[id(root)]
    box_of: dict[int, Box] = {}
    members: dict[Box, list[Value]] = {}
    edges: Counter[tuple[Box, Box]] = Counter()
    for node in order:
        level = depth[id(node)]
        band = min(BANDS, 1 + (level - 1) * BANDS // deepest) if level else 0
        box = (band, node.primitive.name if node.primitive else "")
        box_of[id(node)] = box
        members.setdefault(box, []).append(node)
        for operand in node.operands:
            if isinstance(operand, Value) and box_of[id(operand)] != box:
                edges[box_of[id(operand)], box] += 1
    digraph = new_digraph()
    digraph.attr(ranksep="0.5", nodesep="0.25")
    identifiers = {box: f"b{number}" for number, box in enumerate(members)}
    tooltips = {}
    for box, nodes in members.items():
        identifier = identifiers[box]
        heading, lines = _heading(nodes), _figures(nodes)
        tooltips[identifier] = "; ".join([heading, *(text for text, _ in lines)])
        rows = "".join(
            f'<TR><TD ALIGN="LEFT"><FONT COLOR="{colour}">{text}&#160;</FONT></TD></TR>' for text, colour in lines
        )
        label = (
            '<<TABLE BORDER="1" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3">'
            f'<TR><TD ALIGN="LEFT"><B>{heading}</B></TD></TR>{rows}</TABLE>>'
        )
        digraph.node(identifier, label, id=identifier)
    for band in range(BANDS + 1):
        with digraph.subgraph() as column:
            column.attr(rank="same")
            for box in members:
                if box[0] == band:
                    column.node(identifiers[box])
    for (source, target), count in edges.items():
        looks = {"id": f"{identifiers[source]}-{identifiers[target]}", "penwidth": str(min(4, 1 + math.log10(count)))}
        tooltips[looks["id"]] = f"{count:,} edges"
        if source[0] < target[0]:
            looks |= {"label": f" {count:,} ", "fontsize": "9"}
        else:
            looks |= {"constraint": "false"}  # inside a band the boxes stand below one another
        digraph.edge(identifiers[source], identifiers[target], **looks)
    words = (
        f"{len(order):,} nodes folded into {len(members)} boxes by depth and primitive; "
        "draw(root, level=0) shows every gate"
    )
    digraph.attr(label=words, labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
    return Picture(digraph, tooltips, f"Summary of a circuit with value {digits(root.data)}", words)


def _heading(nodes: list[Value]) -> str:
    primitive = nodes[0].primitive
    if primitive is None:
        return f"{len(nodes):,} {'leaf' if len(nodes) == 1 else 'leaves'}"
    return f"{primitive.name} × {len(nodes):,}"


def _figures(nodes: list[Value]) -> list[tuple[str, str]]:
    data = [node.data for node in nodes]
    low, high = digits(min(data)), digits(max(data))
    lines = [(f"values {low}" + (f" … {high}" if low != high else ""), VALUE)]
    gradients = [node.grad for node in nodes if node.swept]
    if gradients:
        rms = math.hypot(*gradients) / math.sqrt(len(gradients))
        lines.append((f"gradient rms {digits(rms)}", GRADIENT))
    return lines

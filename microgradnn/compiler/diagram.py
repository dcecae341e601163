"""What the compiler made of a function, as a picture: a box for every operation of the forward pass.

Arrows say how many numbers flow; below the rule of a product stand the products of the reverse sweep.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

from microgradnn.compiler.flow import Facts, counted, numbers, reads, rows_read, shortened, size_of
from microgradnn.compiler.ir import ArrayProgram, Op, Window
from microgradnn.drawing.circuit import FONT, Picture, new_digraph
from microgradnn.drawing.palette import GRADIENT as RED, VALUE as GREEN
from microgradnn.notation import digits, factor

_MOST = 80  # operations; more are not drawn one by one: they take long to lay out, and nobody reads them


def picture(facts: Facts, program: ArrayProgram) -> Picture:
    """The program of the gradient, or of the outputs, as boxes; what is done once for all examples is dashed."""
    flow, digraph, tooltips = facts.flow(program), new_digraph(), dict[str, str]()
    left_out = flow.forward[_MOST // 2 : -_MOST // 2] if len(flow.forward) > _MOST else []
    nodes = flow.name_of | dict.fromkeys((op.out for op in left_out), "more")

    def box(name: str, heading: str, size: str, tooltip: str, each: bool = True, below: Sequence[str] = ()) -> None:
        """A box with a line of HTML and one of sizes, and others below a rule."""
        lines = [heading, *[_coloured(size, GREEN)] * bool(size), *(_coloured(line, RED) for line in below)]
        rows = [f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in lines]
        rows[2:2] = ["<HR/>"] * bool(below)
        table = f'BORDER="1" STYLE="ROUNDED{",DASHED" * (not each)}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4"'
        digraph.node(name, f"<<TABLE {table}>{''.join(rows)}</TABLE>>", id=name, **_class(each))
        tooltips[name] = tooltip

    for var, shape in zip(flow.leaves, [()] * bool(facts.parameters) + facts.shapes, strict=True):
        heading = var.name if var.each else "parameters"
        size = " × ".join(["B", *(f"{length:,}" for length in shape)]) if var.each else f"{var.size:,}"
        box(var.name, f"<B>{heading}</B>", size, f"{heading}: {size}", var.each)
    for op in flow.forward:
        if nodes[op.out] != "more":
            path = shortened(op.path)
            heading = f"<B>{escape(_symbol(op))}</B>{'&#160;' * 2 * bool(path)}{escape(path)}"
            below = [f"{mark}  {size}" for mark, size in flow.products(op).items()]
            box(nodes[op.out], heading, size_of(op), flow.line(op) + f", of {path}" * bool(path), op.out.each, below)
    if left_out:
        more = f"… {counted(len(left_out), 'operation')} more"
        box("more", more, "", more)

    first = len(flow.results) if facts.reduce is None else 1
    ends = {"value" if facts.reduce else "outputs": flow.results[:first], "observed": flow.results[first:]}
    for name, outs in ends.items():
        size = "1" if name == "value" else numbers(len(outs), bool(facts.shapes))
        if len(outs) == 1 and not isinstance(outs[0], Window):
            size = f"constant {digits(outs[0])}"
        if outs:
            box(name, f"<B>{name}</B>", size, name)
    read = [(nodes[op.out], reads(op)) for op in flow.forward] + [(end, rows_read(outs)) for end, outs in ends.items()]
    arrows = Counter[tuple[str, str, bool]]()
    for end, rows in read:
        for var, own in rows.items():
            arrows[nodes[var], end, var.each] += len(own)
    for (start, end, each), count in arrows.items():
        if start != end:
            name = f"{start}-{end}"
            tooltips[name] = numbers(count, each)
            looks = _class(each) | {"style": "solid" if each else "dashed", "fontsize": "9"}
            width = f"{min(2.5, 0.7 + math.log10(count) / 2):.2f}"
            digraph.edge(start, end, id=name, label=f" {tooltips[name]} ", penwidth=width, **looks)

    words = [f"{counted(facts.gates, 'gate')} rolled into {counted(len(flow.forward), 'operation')}; dashed: once"]
    words[0] += "; others: for each of B examples" * bool(facts.shapes)
    if any(map(flow.products, flow.forward)):
        words.append("below the line of a product: the products of the reverse sweep, by weights and by inputs")
    lines = "".join(f'{escape(line)}<BR ALIGN="LEFT"/>' for line in words)
    digraph.attr(ranksep="0.5", nodesep="0.25", label=f"<{lines}>", labelloc="t", labeljust="l", fontsize="11")
    digraph.attr(fontname=FONT)
    return Picture(digraph, tooltips, f"Program of {counted(facts.gates, 'gate')}", ". ".join(words))


def _class(each: bool) -> dict[str, str]:
    """What the style sheet of the pictures knows as dashed."""
    return {} if each else {"class": "once"}


def _symbol(op: Op) -> str:
    """What is done, in a word: the symbol of a gate, with a constant operand in it."""
    if op.kind != "gate":
        return {"einsum": "W·x", "sum": "Σ", "count": "B"}.get(op.kind, op.kind)
    symbols: str | tuple[str, str, str] = op.detail[0].symbol
    if isinstance(symbols, str):
        return symbols
    constants = [(where, x) for where, x in enumerate(op.operands, 1) if isinstance(x, float)]
    return next((symbols[where].format(factor(x)) for where, x in constants), symbols[0])


def _coloured(text: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'

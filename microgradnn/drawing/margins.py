"""The margin as HTML: source and numbers in a table, the circuit below; a line and its gates light each other up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from html import escape

from microgradnn.drawing.circuit import circuit
from microgradnn.drawing.page import piece, resource, script
from microgradnn.drawing.palette import variables
from microgradnn.drawing.summary import READABLE
from microgradnn.drawing.vector import to_svg
from microgradnn.graph import topological_order
from microgradnn.margins import Line, Margin

TITLES = {  # of the columns, by their class
    "number": "line", "source": "source", "name": "name", "value": "value", "gradient": "∂f/∂·",
    "local": "local derivatives",
}  # fmt: skip


def margin_piece(margin: Margin) -> str:
    """A self-contained piece of HTML; the circuit is in it where it is not too large to be read."""
    order = topological_order(margin.root)
    lines = [line for lines in margin.functions for line in lines]
    if len(order) > READABLE:
        below, gates = f"<p>The circuit has {len(order):,} nodes: draw(…) shows it folded.</p>", {}
    else:
        picture = circuit([margin.root], {id(node): gradient for node, gradient in margin.gradients.items()})
        below = piece(picture, to_svg(picture))
        number_of = {id(node): number for number, node in enumerate(order)}
        gates = {line.number: [number_of[id(gate)] for gate in line.gates] for line in lines if line.gates}
    tables = "\n".join(_table(lines, gates) for lines in margin.functions)
    name = "margin-" + hashlib.sha256((tables + below).encode()).hexdigest()[:10]
    scripts = [resource(f"{part}.js") for part in ("picture", "wires", "margins")]
    return (
        f'<div class="microgradnn-margin {name}">\n<style>{_style(name, lines)}</style>\n{tables}\n{below}\n'
        f"{script(name, 'showMargin', scripts, [gates])}\n</div>"
    )


def _style(name: str, lines: Sequence[Line]) -> str:
    """Where there is less room than text, local derivatives move below, then the numbers below the source."""
    widths = [[*map(len, cells[1:5]), len("  ".join(cells[5:]))] for line in lines for cells in line.cells()]
    *numbers, local = map(max, zip(*widths, strict=True))
    tight = sum(numbers) + 12  # with the number of the line and the gaps
    text = variables() + resource("margins.css")
    return text.replace("NAME", name).replace("WIDE", f"{tight + min(local, 60)}ch").replace("TIGHT", f"{tight}ch")


def _table(lines: Sequence[Line], gates: Mapping[int, object]) -> str:
    """A function; the roles keep it a table for screen readers, as a grid lays it out."""
    head = "".join(f'<th role="columnheader" class="{kind}">{title}</th>' for kind, title in TITLES.items())
    rows = "\n".join(_row(line, cells, line.number in gates) for line in lines for cells in line.cells())
    focus = "" if gates else ' tabindex="0"'  # what may scroll can be reached by keys
    return (
        f'<table role="table" aria-label="{escape(lines[0].text)}"{focus}><tr role="row">{head}</tr>\n{rows}\n</table>'
    )


def _row(line: Line, cells: Sequence[str], lights: bool) -> str:
    first = cells[0] != ""
    kind = ("" if line.ran else " missed") + (" first" if first else "")
    focus = ' tabindex="0"' if line.rows and first and lights else ""
    texts = [*map(escape, cells[:5]), " ".join(f"<span>{escape(term)}</span>" for term in cells[5:])]
    shown = "".join(f'<td role="cell" class="{kind}">{text}</td>' for kind, text in zip(TITLES, texts, strict=True))
    return f'<tr role="row" class="line{kind}" data-line="{line.number}"{focus}>{shown}</tr>'

"""What the compiler made of a function, as a picture: a box for every operation of the forward pass.

Arrows say how many numbers flow; below the rule of a product stand the products of the reverse sweep.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

from microgradnn.compiler.flow import Facts, Flow, counted, numbers, reads, rows_read, shortened, size_of
from microgradnn.compiler.ir import ArrayProgram, Op, Operand, Var, Window
from microgradnn.drawing.circuit import FONT, Picture, new_digraph
from microgradnn.drawing.palette import GRADIENT as RED, VALUE as GREEN
from microgradnn.notation import digits, factor

_MOST = 80  # operations; more are not drawn one by one: they take long to lay out, and nobody reads them


def picture(facts: Facts, program: ArrayProgram) -> Picture:
    """The program of the gradient, or of the outputs, as boxes; what is done once for all examples is dashed."""
    return _Diagram(facts, program).picture()


class _Diagram:
    """A picture in the making."""

    def __init__(self, facts: Facts, program: ArrayProgram) -> None:
        self.facts, self.flow = facts, Flow(program, facts.by(program))
        self.digraph = new_digraph()
        self.tooltips: dict[str, str] = {}
        self.nodes = dict(self.flow.name_of)  # by variable
        ops = self.flow.forward
        self.left_out = ops[_MOST // 2 : -_MOST // 2] if len(ops) > _MOST else []
        self.nodes.update({op.out: "more" for op in self.left_out})

    def picture(self) -> Picture:
        facts, flow = self.facts, self.flow
        self.digraph.attr(ranksep="0.5", nodesep="0.25")
        for var, shape in zip(flow.leaves, [()] * bool(facts.parameters) + facts.shapes, strict=True):
            heading = var.name if var.each else "parameters"
            size = " × ".join(["B", *(f"{length:,}" for length in shape)]) if var.each else f"{var.size:,}"
            self._box(var.name, [f"<B>{heading}</B>", _coloured(size, GREEN)], f"{heading}: {size}", not var.each)
        for op in flow.forward:
            if op not in self.left_out:
                self._operation(op)
        if self.left_out:
            more = f"… {counted(len(self.left_out), 'operation')} more"
            self._box("more", [more], more)
        arrows = Counter[tuple[str, str, bool]]()
        for op in flow.forward:
            for var, rows in reads(op).items():
                arrows[self.nodes[var], self.nodes[op.out], var.each] += len(rows)
        if facts.reduce is None:
            self._end("value", "outputs", numbers(len(flow.results), bool(facts.shapes)), flow.results, arrows)
        else:
            [value, *observed] = flow.results
            size = "1" if isinstance(value, Window) else f"constant {digits(value)}"
            self._end("value", "value", size, [value], arrows)
            if observed:
                self._end("observed", "observed", numbers(len(observed), bool(facts.shapes)), observed, arrows)
        for (start, end, each), count in arrows.items():
            if start != end:
                self._arrow(start, end, count, each)
        words = self._words()
        lines = "".join(f'{escape(line)}<BR ALIGN="LEFT"/>' for line in words)
        self.digraph.attr(label=f"<{lines}>", labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
        return Picture(self.digraph, self.tooltips, f"Program of {counted(facts.gates, 'gate')}", ". ".join(words))

    def _words(self) -> list[str]:
        gates, operations = counted(self.facts.gates, "gate"), counted(len(self.flow.forward), "operation")
        words = [f"{gates} rolled into {operations}; dashed: once"]
        if self.facts.shapes:
            words[0] += "; others: for every example, of which there are B"
        if any(map(self.flow.products, self.flow.forward)):
            words.append("below the line of a product: the products of the reverse sweep, by weights and by inputs")
        return words

    def _box(self, name: str, lines: list[str], tooltip: str, dashed: bool = False, below: Sequence[str] = ()) -> None:
        """A box with these lines of HTML, and others below a rule."""
        rows = [f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in lines]
        if below:
            rows += ["<HR/>", *(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in below)]
        style = "ROUNDED,DASHED" if dashed else "ROUNDED"
        table = f'<TABLE BORDER="1" STYLE="{style}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
        self.digraph.node(name, f"<{table}{''.join(rows)}</TABLE>>", id=name, **_class(not dashed))
        self.tooltips[name] = tooltip

    def _operation(self, op: Op) -> None:
        size, path = size_of(op), "" if op.path is None else shortened(op.path)
        heading = f"<B>{escape(_symbol(op))}</B>" + (f"&#160;&#160;{escape(path)}" if path else "")
        below = [_coloured(f"{mark}  {product}", RED) for mark, product in self.flow.products(op).items()]
        tooltip = self.flow.line(op) + (f", of {path}" if path else "")
        self._box(self.nodes[op.out], [heading, _coloured(size, GREEN)], tooltip, not op.out.each, below)

    def _end(self, name: str, heading: str, size: str, results: Sequence[Operand], arrows: Counter[tuple[str, str, bool]]) -> None:
        """What is given back."""
        self._box(name, [f"<B>{heading}</B>", _coloured(size, GREEN)], self.facts.title if name == "value" else heading)
        for var, rows in rows_read(results).items():
            arrows[self.nodes[var], name, var.each] += len(rows)

    def _arrow(self, start: str, end: str, count: int, each: bool) -> None:
        name, words = f"{start}-{end}", numbers(count, each)
        self.tooltips[name] = words
        looks = _class(each) | {"style": "solid" if each else "dashed"}
        looks["penwidth"] = f"{min(2.5, 0.7 + math.log10(count) / 2):.2f}"
        self.digraph.edge(start, end, id=name, label=f" {words} ", fontsize="9", **looks)


def _class(each: bool) -> dict[str, str]:
    """What the style sheet of the pictures knows as dashed."""
    return {} if each else {"class": "once"}


def _symbol(op: Op) -> str:
    """What is done, in a word: the symbol of a gate, with a constant operand in it."""
    if op.kind != "gate":
        return {"einsum": "W·x", "sum": "Σ", "count": "B"}.get(op.kind, op.kind)
    symbols = op.detail[0].symbol
    if isinstance(symbols, str):
        return symbols
    for template, operand in zip(symbols[1:], op.operands, strict=True):
        if isinstance(operand, float):
            return template.format(factor(operand))
    return symbols[0]


def _coloured(text: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'

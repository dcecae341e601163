"""What the compiler made of a function, as a picture: a box for every step. B is the number of examples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

from microgradnn.compiler.flow import (
    Facts,
    Flow,
    Source,
    counted,
    groups,
    kind_of,
    numbers,
    products_backward,
    shortened,
    size_of,
)
from microgradnn.compiler.grouping import PARAMETERS
from microgradnn.compiler.instructions import Instructions
from microgradnn.compiler.layout import Gather, Layout, Map, MatrixProduct, Step, View
from microgradnn.drawing.circuit import FONT, Picture, new_digraph
from microgradnn.drawing.palette import GRADIENT as RED, VALUE as GREEN
from microgradnn.notation import digits, factor

_MOST_STEPS = 80  # more are not drawn one by one: they take long to lay out, and nobody reads them


def picture(facts: Facts, layout: Layout, instructions: Instructions) -> Picture:
    """The steps as boxes, from the parameters and arguments to the value; what runs once is dashed."""
    return _Diagram(facts, layout, instructions).picture()


class _Diagram:
    """A picture in the making."""

    def __init__(self, facts: Facts, layout: Layout, instructions: Instructions) -> None:
        self.facts, self.layout, self.flow = facts, layout, Flow(layout)
        self.digraph = new_digraph()
        self.tooltips: dict[str, str] = {}
        self.products = products_backward(layout, instructions)
        steps = list(self.flow.steps)
        half = _MOST_STEPS // 2
        self.left_out = set(steps[half:-half]) if len(steps) > _MOST_STEPS else set()

    def picture(self) -> Picture:
        self.digraph.attr(ranksep="0.5", nodesep="0.25")
        self._leaves()
        for varying, name in ((False, "once"), (True, "for every example")):
            shown = [number for number, step in self.flow.steps.items() if step.out.varying == varying]
            shown = [number for number in shown if number not in self.left_out]
            if shown:
                self._cluster(name, varying, shown)
        if self.left_out:
            more = f"… {counted(len(self.left_out), 'step')} more"
            self._box("more", [more], more)
        self._edges()
        self._value()
        words = self._words()
        lines = "".join(f'{escape(line)}<BR ALIGN="LEFT"/>' for line in words)
        self.digraph.attr(label=f"<{lines}>", labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
        return Picture(self.digraph, self.tooltips, f"Program of {self.facts.recorded}", ". ".join(words))

    def _words(self) -> list[str]:
        examples = "; B is the number of examples" if self.facts.shapes else ""
        words = [f"{self.facts.recorded} rolled into {groups(self.flow)}{examples}"]
        if self.products:
            words.append("below the line of a product: the products of the reverse sweep, by weights and by inputs")
        return words

    # ---- nodes ----

    def _box(self, name: str, lines: list[str], tooltip: str, dashed: bool = False, below: Sequence[str] = ()) -> None:
        """A box with these lines of HTML, and others below a rule."""
        rows = [f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in lines]
        if below:
            rows += ["<HR/>", *(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in below)]
        style = "ROUNDED,DASHED" if dashed else "ROUNDED"
        table = f'<TABLE BORDER="1" STYLE="{style}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
        self.digraph.node(name, f"<{table}{''.join(rows)}</TABLE>>", id=name, **_class(not dashed))
        self.tooltips[name] = tooltip

    def _leaves(self) -> None:
        """A box for the parameters, and one for each argument."""
        if self.facts.parameters:
            count = f"{self.facts.parameters:,}"
            self._box(PARAMETERS, ["<B>parameters</B>", _coloured(count, GREEN)], f"{count} parameters", dashed=True)
        for number, shape in enumerate(self.facts.shapes):
            size = " × ".join(["B", *(f"{length:,}" for length in shape)])
            self._box(f"x{number}", [f"<B>x{number}</B>", _coloured(size, GREEN)], f"argument {number}: {size}")

    def _cluster(self, name: str, varying: bool, numbers: list[int]) -> None:
        with self.digraph.subgraph(name=f"cluster_{'each' if varying else 'once'}") as cluster:
            # Edges from the parameters arrive between the two clusters, so their names stand outside.
            cluster.attr(label=name, labelloc="b" if varying else "t", labeljust="l", fontsize="10", fontname=FONT)
            style = "rounded" if varying else "rounded,dashed"
            cluster.attr(margin="12", penwidth="0.6", style=style, **_class(varying))
            outer, self.digraph = self.digraph, cluster
            for number in numbers:
                self._step(number, self.flow.steps[number])
            self.digraph = outer

    def _step(self, number: int, step: Step) -> None:
        heading = _symbol(step) if isinstance(step, Map) else kind_of(step)
        below: list[str] = []
        if isinstance(step, MatrixProduct):
            marks = zip(("∂W", "∂x"), self.products.get(number, ("", "")), strict=True)
            below = [_coloured(f"{mark}  {size}", RED) for mark, size in marks if size]
        path = "" if step.path is None else shortened(step.path)
        size = f"{size_of(step)} rows" if isinstance(step, Gather) and not step.out.varying else size_of(step)
        lines = [f"<B>{escape(heading)}</B>" + (f"&#160;&#160;{escape(path)}" if path else ""), _coloured(size, GREEN)]
        tooltip = f"step {number}: {kind_of(step)}, {size_of(step)}" + (f", of {path}" if path else "")
        self._box(f"s{number}", lines, tooltip, not step.out.varying, below)

    def _value(self) -> None:
        """The end: what is given back, and what it is made of; for training also what else is observed."""
        facts, roots = self.facts, self.layout.roots
        each = bool(facts.shapes)
        if facts.reduce is None:
            self._end("value", "outputs", numbers(len(roots), each), roots)
            return
        roots, observed = roots[:2], roots[2:]
        constant = sum(root for root in roots if not isinstance(root, View))
        alone = not any(isinstance(root, View) for root in roots)
        size = f"constant {digits(constant)}" if alone else f"1, with {digits(constant)} added" if constant else "1"
        self._end("value", f"{facts.reduce} over B" if each else "value", size, roots)
        if observed:
            self._end("observed", "observed", numbers(len(observed), each), observed)

    def _end(self, name: str, heading: str, size: str, roots: Sequence[float | View]) -> None:
        tooltip = self.facts.title if name == "value" else heading
        self._box(name, [f"<B>{heading}</B>", _coloured(size, GREEN)], tooltip)
        arrows: Counter[tuple[str, bool]] = Counter()
        for root in roots:
            if isinstance(root, View):
                for source, count in self.flow.of_operand(root).items():
                    arrows[self._node(source), root.varying] += count
        for (start, varying), count in arrows.items():
            self._arrow(start, name, count, varying)

    # ---- edges ----

    def _edges(self) -> None:
        arrows: Counter[tuple[str, str]] = Counter()
        varying: set[tuple[str, str]] = set()
        for number, step in self.flow.steps.items():
            for source, count in self.flow.of_step(step).items():
                edge = self._node(source), self._node(number)
                arrows[edge] += count
                if source != PARAMETERS and (isinstance(source, str) or self.flow.steps[source].out.varying):
                    varying.add(edge)
        for (start, end), count in arrows.items():
            if start != end:
                self._arrow(start, end, count, (start, end) in varying)

    def _node(self, source: Source) -> str:
        return source if isinstance(source, str) else "more" if source in self.left_out else f"s{source}"

    def _arrow(self, start: str, end: str, count: int, varying: bool) -> None:
        name, words = f"{start}-{end}", numbers(count, varying)
        self.tooltips[name] = words
        looks = _class(varying) | {"style": "solid" if varying else "dashed"}
        looks["penwidth"] = f"{min(2.5, 0.7 + math.log10(count) / 2):.2f}"
        self.digraph.edge(start, end, id=name, label=f" {words} ", fontsize="9", **looks)


def _class(varying: bool) -> dict[str, str]:
    """What the style sheet of the pictures knows as dashed."""
    return {} if varying else {"class": "once"}


def _symbol(step: Map) -> str:
    """The symbol of a gate, with a constant operand in it."""
    symbols = step.gate.symbol
    if isinstance(symbols, str):
        return symbols
    for template, operand in zip(symbols[1:], step.operands, strict=True):
        if isinstance(operand, float):
            return template.format(factor(operand))
    return symbols[0]


def _coloured(text: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'

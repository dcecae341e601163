"""A wide layer as numbers to look at: a square for each weight and its gradient, a bar for each output and its own.

A row is a neuron, a column what it takes. The area of a square is the size of its number beside the largest of the
matrix; it is filled where the number is above 0 and hollow where it is below. This module knows one layer and where
its rectangles lie; `layout` paints them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

from microgradnn.drawing import figures
from microgradnn.drawing.figures import length
from microgradnn.drawing.folding import Group, Link
from microgradnn.drawing.layout import STROKE
from microgradnn.drawing.palette import FAINT, GRADIENT, NEGATIVE, POSITIVE, VALUE

MOST = 128  # rows or columns of a matrix that are drawn; of more, the first
PITCH, WIDEST = 12, 576  # points from one square to the next, and of a whole matrix
GAP, BAR = 8, 48  # between a matrix and its bars, and the room of the bars
LINE, LETTER = 14, 6.4  # the height of a line of the heading and the width of a letter

TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{}</TABLE>'
CELL = '<TR><TD FIXEDSIZE="TRUE" WIDTH="{}" HEIGHT="{}"{}>{}</TD></TR>'


class Half(NamedTuple):
    """The upper or the lower half: its heading, a matrix and bars, and the colours of what is above and below 0."""

    lines: Sequence[str]
    matrix: Sequence[Sequence[float | None]]
    bars: Sequence[float | None]
    colours: tuple[str, str]
    colour: str  # of the bars


class Layer:
    """A column of groups as one node: weights from its `sources`, above their gradients; `bars` for its outputs.

    Without bars, each row has a port where the wire to its neuron begins.
    """

    def __init__(
        self, heading: Sequence[str], groups: Sequence[Group], sources: Sequence[Group],
        links: Mapping[tuple[Group, Group], Link], bars: bool, f: str, digits: Callable[[float], str],
    ) -> None:  # fmt: skip
        rows, columns = groups[:MOST], sources[:MOST]
        found = [[links.get((source, group)) for source in columns] for group in rows]
        weights = [[link.weight if link else None for link in row] for row in found]
        data = [[None if w is None else w.data for w in row] for row in weights]
        slopes = [[w.grad if w is not None and w.swept else None for w in row] for row in weights]
        values, gradients = (
            [number(group) for group in rows] if bars else [] for number in (figures.value, figures.gradient)
        )
        outputs = "outputs" if rows[0].column.kind == "layer" else "values"
        cut = [f"the first {MOST} of {count:,} {noun}" for count, noun in
               ((len(groups), "rows"), (len(sources), "columns")) if count > MOST]  # fmt: skip
        upper = [*heading, *cut, *_up_to("w", _flat(data), digits), *_up_to(outputs, values, digits)]
        lower = [*_up_to(f"∂{f}/∂w", _flat(slopes), digits), *_up_to(f"∂{f}/∂{outputs[:-1]}", gradients, digits)]
        self.halves = [Half(upper, data, values, (POSITIVE, NEGATIVE), VALUE)]
        if lower:
            self.halves.append(Half(lower, slopes, gradients, (GRADIENT, GRADIENT), GRADIENT))
        self.rows, self.bars = len(rows), bars
        self.pitch = min(PITCH, WIDEST // max(self.rows, len(columns)))  # cells of a table have whole sizes
        self.wide, self.high = self.pitch * len(columns), self.pitch * self.rows
        self.middle = self.wide + (GAP if columns else 0) + BAR // 2  # of the bars, where 0 is
        self.across = self.middle + BAR // 2 if bars else self.wide
        self.width = max(self.across, *(math.ceil(LETTER * len(line)) for half in self.halves for line in half.lines))
        self.tops: list[int] = []  # of the matrices, from the top of the node
        self.height = 0
        for half in self.halves:
            self.tops.append(self.height + LINE * len(half.lines))
            self.height = self.tops[-1] + self.high + GAP

    @property
    def label(self) -> str:
        """The headings, and empty cells where the rectangles are painted."""
        cells = []
        for place, half in enumerate(self.halves):
            lines = [escape(line) for line in half.lines]
            if place == 0:
                lines[0] = f"<B>{lines[0]}</B>"
            if half.bars:
                lines[-1] = f'<FONT COLOR="{half.colour}">{lines[-1]}</FONT>'
            if place == 1:
                lines = [f'<FONT COLOR="{GRADIENT}">{line}</FONT>' for line in lines]
            text = "".join(f'{line}<BR ALIGN="LEFT"/>' for line in lines)
            cells.append(CELL.format(self.width, LINE * len(lines), ' ALIGN="LEFT" BALIGN="LEFT"', text))
            ports = [""] if self.bars or place else [f' PORT="r{row}"' for row in range(self.rows)]
            cells += [CELL.format(self.width, self.high // len(ports), port, "") for port in ports]
            cells.append(CELL.format(self.width, GAP, "", ""))
        return f"<{TABLE.format(''.join(cells))}>"

    @property
    def paint(self) -> str:
        """The rectangles of the node, as `layout` takes them."""
        shapes: list[str] = []
        for top, half in zip(self.tops, self.halves, strict=True):
            if self.wide:
                shapes.append(f"{FAINT} hollow {self._rectangle(0, top, self.wide, self.high)}")
            for sign, kind, colour in zip((1, -1), ("filled", "hollow"), half.colours, strict=True):
                squares = " ".join(self._squares(half, top, sign))
                shapes += [f"{colour} {kind} {squares}"] * bool(squares)
            if half.bars:
                shapes.append(f"{half.colour} filled {' '.join(self._bars(half, top))}")
                shapes.append(f"{FAINT} filled {self._rectangle(self.middle - 0.4, top, 0.8, self.high)}")
        return ";".join(shapes).replace(" ", " \\\n")  # Graphviz reads no line of more than 16384 bytes

    def row(self, index: int) -> tuple[str, str]:
        """The invisible node over a row of both halves, which a reader can point at: its label and its position."""
        cells, bottom = "", self.tops[0]
        for top in self.tops:
            cells += CELL.format(self.across, top - bottom, "", "") if top > bottom else ""
            cells += CELL.format(self.across, self.pitch, ' BGCOLOR="transparent"', "")
            bottom = top + self.pitch
        middle = (self.tops[0] + bottom) / 2 + index * self.pitch
        return f"<{TABLE.format(cells)}>", f"{(self.across - self.width) / 2:.2f},{self.height / 2 - middle:.2f}"

    def _squares(self, half: Half, top: float, sign: int) -> Iterator[str]:
        """The squares of the numbers with that sign; the line of a hollow one lies within its area."""
        largest = max(map(length, _flat(half.matrix)), default=0.0)
        for i, row in enumerate(half.matrix):
            for j, number in enumerate(row):
                if number is not None and number * sign > 0:
                    side = (self.pitch - 1.5) * math.sqrt(length(number) / largest)
                    side = side if sign > 0 else max(side - STROKE, side / 4)
                    left, high = (j + 0.5) * self.pitch - side / 2, top + (i + 0.5) * self.pitch - side / 2
                    yield self._rectangle(left, high, side, side)

    def _bars(self, half: Half, top: float) -> Iterator[str]:
        largest = max(map(length, _flat([half.bars])), default=0.0) or 1.0
        for i, number in enumerate(half.bars):
            if number:
                wide = BAR / 2 * length(number) / largest
                left = self.middle - (wide if number < 0 else 0.0)
                yield self._rectangle(left, top + (i + 0.15) * self.pitch, wide, 0.7 * self.pitch)

    def _rectangle(self, left: float, top: float, width: float, height: float) -> str:
        """From the upper left corner of the node to where `layout` counts from."""
        return f"{left - self.width / 2:.2f},{self.height / 2 - top - height:.2f},{width:.2f},{height:.2f}"


def _flat(matrix: Iterable[Iterable[float | None]]) -> list[float]:
    return [number for row in matrix for number in row if number is not None]


def _up_to(noun: str, numbers: Sequence[float | None], digits: Callable[[float], str]) -> list[str]:
    """The line of a heading, where there are numbers."""
    sizes = [abs(number) for number in numbers if number is not None]
    return [f"{noun} up to {digits(max(sizes))}"] if sizes else []

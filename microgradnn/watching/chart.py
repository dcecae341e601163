"""A small chart as SVG, written by hand: scales with their ticks, lines, marks, regions. Nothing here knows a model.

A frame of matplotlib costs half a second, one of these a few milliseconds. Its colours are legible on light and on
dark paper alike, so that only ink and paper change with the theme; curves differ by dashes too, classes by the shape of
their marks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from microgradnn.drawing.palette import INK, PAPER
from microgradnn.notation import digits

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

WIDTH, HEIGHT = 320, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 44, 36  # the margins around the plot
MOST = 240  # points of a curve, one a pixel; of more the lowest and the highest of a stretch are drawn

# The colours of the plots, those that are too light or too dark replaced: 3:1 on white and on the dark paper.
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#c565a0", "#8a63d2", "#a0750a", "#7a7f87", "#c8385a", "#5f8a2c", "#4a86c5",
)  # fmt: skip
DASHES = ("", "6 3", "2 3", "8 3 2 3", "4 2 1 2", "1 2", "10 3", "5 5", "3 1", "8 2 2 2 2 2")
MARKS = (  # around their middle, in the order of MARKERS in the plots
    "m-3.2 0a3.2 3.2 0 1 0 6.4 0 3.2 3.2 0 1 0-6.4 0", "m-3-3h6v6h-6z", "m0-4l4 7h-8z", "m0-4.4l4 4.4-4 4.4-4-4.4z",
    "m0 4l4-7h-8z", "m-1.3-4h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7v-2.6h2.7z",
    "m0-1.8l2.2-2.2 1.8 1.8-2.2 2.2 2.2 2.2-1.8 1.8-2.2-2.2-2.2 2.2-1.8-1.8 2.2-2.2-2.2-2.2 1.8-1.8z",
    "m-4 0l7-4v8z", "m4 0l-7-4v8z", "m0-4.5l1.2 3h3l-2.4 2 1 3.2-2.8-1.9-2.8 1.9 1-3.2-2.4-2h3z",
)  # fmt: skip
NAME = "microgradnn-watch"
STYLE = f"""<style>
.{NAME} {{ --paper: {PAPER["light"]}; color: {INK["light"]}; background: var(--paper) }}
@media screen and (prefers-color-scheme: dark) {{ .{NAME} {{ --paper: {PAPER["dark"]}; color: {INK["dark"]} }} }}
.{NAME} text {{ fill: currentColor; font: 11px system-ui, sans-serif }}
.{NAME} .title {{ font-weight: 600; font-size: 12.5px }}
.{NAME} .paper {{ fill: var(--paper) }}
.{NAME} .mark {{ stroke: var(--paper); stroke-width: .8 }}
.{NAME} :is(.axis, .grid) {{ fill: none; stroke: currentColor; stroke-opacity: .5 }}
.{NAME} .grid {{ stroke-opacity: .12 }}
.{NAME} .curve {{ fill: none; stroke-width: 1.6; stroke-linejoin: round }}
.{NAME} .region {{ fill-opacity: .22; stroke-width: 1.2 }}
</style>"""


@dataclass
class Scale:
    """Where numbers from `low` to `high` lie on the pixels from `first` to `last`."""

    low: float
    high: float
    first: float
    last: float
    logarithmic: bool = False
    whole: bool = False  # whether only whole numbers have ticks

    def __call__(self, numbers: Any) -> Array:
        """Positions; nan for what has none, as 0 on a logarithmic scale."""
        import numpy as np

        numbers, low, high = np.asarray(numbers, dtype=float), self.low, self.high
        if self.logarithmic:
            numbers = np.log10(np.where(numbers > 0, numbers, np.nan))
            low, high = math.log10(low), math.log10(high)
        with np.errstate(invalid="ignore", over="ignore"):
            return self.first + (numbers - low) * ((self.last - self.first) / (high - low))

    def ticks(self) -> dict[float, str]:
        """About four numbers along the scale, and how they are written.

        >>> Scale(0.0, 1.0, 0, 100).ticks()
        {0.0: '0', 0.25: '0.25', 0.5: '0.5', 0.75: '0.75', 1.0: '1'}
        >>> Scale(0.002, 3.0, 0, 100, logarithmic=True).ticks()
        {0.01: '0.01', 0.1: '0.1', 1.0: '1'}
        """
        if self.logarithmic:
            lowest, highest = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            exponents = range(lowest, highest + 1, 1 + (highest - lowest) // 5)
            return {10.0**exponent: _power_of_ten(exponent) for exponent in exponents}
        room = (self.high - self.low) / 4
        magnitude = 10.0 ** math.floor(math.log10(room))
        step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= room * 0.99)
        step = max(1.0, math.ceil(step)) if self.whole else step
        count = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        return {index * step: digits(index * step) for index in count}


def _power_of_ten(exponent: int) -> str:
    if -3 <= exponent <= 3:
        return digits(10.0**exponent)
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def spanning(numbers: Any, first: float, last: float, logarithmic: bool | None = None, room: float = 0.06) -> Scale:
    """A scale on which all finite numbers have a place; logarithmic, unless it is said, where they span a decade."""
    import numpy as np

    numbers = np.asarray(numbers, dtype=float)
    numbers = numbers[np.isfinite(numbers) & (np.abs(numbers) < 1e300)]
    positive = numbers[numbers > 1e-300]
    if logarithmic is None:
        logarithmic = bool(len(positive) == len(numbers) > 0 and positive.max() >= 10 * positive.min())
    if logarithmic:
        low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 1.0)
        rim = max((high / low) ** room, 1.3)
        low, high = low / rim, high * rim
        if high < 10 * low:  # so that there is a power of ten to write
            low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
        return Scale(float(low), float(high), first, last, logarithmic=True)
    low, high = (numbers.min(), numbers.max()) if len(numbers) else (0.0, 1.0)
    rim = room * (high - low) or 0.5 * max(abs(high), 1.0)
    return Scale(float(low - rim), float(high + rim), first, last)


def across(low: float, high: float, whole: bool = False) -> Scale:
    """A scale along the foot of a chart."""
    return Scale(low, high, LEFT, WIDTH - RIGHT, whole=whole)


def up(numbers: Any, logarithmic: bool | None = None) -> Scale:
    """A scale along the left side of a chart for all the numbers."""
    return spanning(numbers, HEIGHT - BOTTOM, TOP, logarithmic)


@dataclass
class Chart:
    """One chart: what it shows in a line above it and, for those who do not see it, in sentences; its two scales."""

    title: str
    x: Scale
    y: Scale
    x_name: str
    y_name: str = ""
    alt: str = ""
    parts: list[str] = field(default_factory=list)
    _legend: list[str] = field(default_factory=list)
    _legend_end: float = LEFT

    # ---- what is drawn ----

    def curve(self, x: Any, y: Any, index: int, name: str = "") -> None:
        """A line through points in the order of x; broken where y has no place."""
        positions = _thinned(self.x(x), self.y(y))
        looks = f'stroke="{COLOURS[index % 10]}" stroke-dasharray="{DASHES[index % 10]}"'
        looks = looks.replace(' stroke-dasharray=""', "")
        if len(positions) == 1:
            self.marks(x, y, index)
        else:
            self.parts.append(f'<path class="curve" {looks} d="{_line(positions)}"/>')
        if name:
            self._name(name, lambda x, y: f'<path class="curve" {looks} d="M{x} {y}h16"/>', 20)

    def marks(self, x: Any, y: Any, index: int, name: str = "") -> None:
        """A mark at each point, of the shape and colour of `index`."""

        def mark(positions: str) -> str:
            return f'<path class="mark" fill="{COLOURS[index % 10]}" d="{positions}"/>'

        shape = MARKS[index % 10]
        seen = [f"M{a:.1f} {b:.1f}{shape}" for a, b in zip(self.x(x), self.y(y), strict=True) if a == a and b == b]
        if seen:
            self.parts.append(mark("".join(seen)))
        if name:
            self._name(name, lambda x, y: mark(f"M{x + 4} {y}{shape}"), 12)

    def region(self, ahead: Array, index: int) -> None:
        """Where a number is above 0, given at a grid of points over the whole plot, upwards in its rows."""
        height, width = ahead.shape
        across, along = (self.x.last - self.x.first) / (width - 1), (self.y.last - self.y.first) / (height - 1)
        d = "".join(
            "M" + "L".join(f"{self.x.first + c * across:.1f} {self.y.first + r * along:.1f}" for c, r in loop) + "z"
            for loop in outline(ahead)
        )
        if d:
            colour = COLOURS[index % 10]
            self.parts.append(f'<path class="region" fill="{colour}" stroke="{colour}" d="{d}"/>')

    def diagonal(self) -> None:
        """The line on which x and y are equal."""
        x, y = (f"{scale(numbers):.1f}" for scale, numbers in [(self.x, self.x.low), (self.y, self.x.low)])
        end = f"{self.x(self.x.high):.1f} {self.y(self.x.high):.1f}"
        self.parts.append(f'<path class="axis" d="M{x} {y}L{end}"/>')

    def _name(self, name: str, sample: Callable[[float, float], str], width: float) -> None:
        """Name a curve or a kind of mark below the title, while there is room."""
        name, at = name if len(name) <= 14 else f"{name[:13]}…", self._legend_end
        end = at + width + 6.2 * len(name) + 10
        if end > WIDTH:
            if self._legend[-1:] != [more := f'<text x="{at}" y="34">…</text>']:
                self._legend.append(more)
            return
        self._legend.append(f'{sample(at, 30)}<text x="{at + width}" y="34">{escape(name)}</text>')
        self._legend_end = end

    # ---- the whole ----

    def inside(self) -> str:
        """All that is in the chart, as SVG without the root."""
        grid, labels = [], []
        ticks = self.x.ticks()
        for label, x in zip(ticks.values(), self.x(list(ticks)), strict=True):
            grid.append(f"M{x:.1f} {TOP}V{HEIGHT - BOTTOM}")
            labels.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{label}</text>')
        ticks = self.y.ticks()
        for label, y in zip(ticks.values(), self.y(list(ticks)), strict=True):
            grid.append(f"M{LEFT} {y:.1f}H{WIDTH - RIGHT}")
            labels.append(f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        labels.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(self.x_name)}</text>')
        if self.y_name:
            at = (TOP + HEIGHT - BOTTOM) / 2
            turned = f'transform="rotate(-90 10 {at})" text-anchor="middle"'
            labels.append(f'<text x="10" y="{at}" {turned}>{escape(self.y_name)}</text>')
        return "".join([
            f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>', f'<path class="grid" d="{"".join(grid)}"/>',
            *self.parts, f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>', *labels,
            f'<text class="title" x="{LEFT}" y="16">{escape(self.title)}</text>', *self._legend,
        ])  # fmt: skip


def document(charts: Sequence[Chart]) -> str:
    """The charts side by side as a complete SVG."""
    width, alt = WIDTH * len(charts), " ".join(chart.alt for chart in charts)
    inside = "".join(
        f'<svg x="{WIDTH * index}" width="{WIDTH}" height="{HEIGHT}">{chart.inside()}</svg>'
        for index, chart in enumerate(charts)
    )
    root = f'<svg xmlns="http://www.w3.org/2000/svg" class="{NAME}" role="img" aria-label="{escape(alt)}"'
    return f'{root} width="{width}" height="{HEIGHT}" viewBox="0 0 {width} {HEIGHT}">{STYLE}{inside}</svg>'


# ---- geometry -----------------------------------------------------------------------------------------------------


def _thinned(x: Array, y: Array) -> Array:
    """Points of a curve, of many the lowest and the highest of each stretch, and the last."""
    import numpy as np

    if len(x) > MOST:
        stretches = np.array_split(np.arange(len(x)), MOST // 2)
        filled = np.where(np.isnan(y), np.inf, y), np.where(np.isnan(y), -np.inf, y)
        chosen = [(part[filled[0][part].argmin()], part[filled[1][part].argmax()]) for part in stretches]
        kept = np.unique([*np.ravel(chosen), len(x) - 1])
        x, y = x[kept], y[kept]
    return np.stack([x, y], axis=1)


def _line(positions: Array) -> str:
    pen, pieces = "M", []
    for x, y in positions.tolist():
        if math.isfinite(x) and math.isfinite(y):
            pieces.append(f"{pen}{x:.1f} {min(max(y, -1e4), 1e4):.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(pieces)


# What leads through a cell of the grid, by which of its corners are above 0 (1 top left, 2 top right, 4 bottom right,
# 8 bottom left): from which side to which, 0 top, 1 right, 2 bottom, 3 left. Corners across from each other are apart.
def _ways(above: int) -> list[tuple[int, int]]:
    corners = [bool(above >> corner & 1) for corner in range(4)]
    leaves = [side for side in range(4) if corners[side] and not corners[(side + 1) % 4]]
    enters = [side for side in range(4) if not corners[side] and corners[(side + 1) % 4]]
    return [(side, next(s for back in range(1, 4) if (s := (side - back) % 4) in enters)) for side in leaves]


WAYS = [_ways(above) for above in range(16)]


def outline(ahead: Array) -> list[list[tuple[float, float]]]:
    """Closed lines around where a number on a grid is above 0: points (column, row), between those of the grid.

    >>> import numpy as np
    >>> outline(np.array([[-1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, -1.0]]))
    [[(1.0, 0.5), (0.5, 1.0), (1.0, 1.5), (1.5, 1.0)]]
    """
    import numpy as np

    height, width = ahead.shape
    ahead = np.pad(np.nan_to_num(ahead, nan=-1.0, posinf=1e300, neginf=-1e300), 1, mode="edge")
    for rim in (ahead[0], ahead[-1], ahead[:, 0], ahead[:, -1]):
        rim[rim > 0] = -1.0  # outside of the grid nothing is above 0
    above = (ahead > 0).astype(int)
    kinds = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    numbers, ways = ahead.tolist(), {}
    for row, column in np.argwhere((kinds > 0) & (kinds < 15)).tolist():
        # A side of a cell has the corner from which it runs to the right (0) or down (1).
        sides = ((row, column, 0), (row, column + 1, 1), (row + 1, column, 0), (row, column, 1))
        for enters, leaves in WAYS[kinds[row, column]]:
            ways[sides[enters]] = sides[leaves]

    def crossing(row: int, column: int, down: int) -> tuple[float, float]:
        here, there = numbers[row][column], numbers[row + down][column + 1 - down]
        part = here / (here - there)
        x, y = column - 1 + (1 - down) * part, row - 1 + down * part
        return min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)

    loops = []
    while ways:
        side, loop = next(iter(ways)), []
        while side in ways:
            point = crossing(*side)
            if len(loop) > 1 and any(loop[-2][axis] == loop[-1][axis] == point[axis] for axis in (0, 1)):
                loop.pop()  # it lies between its neighbours
            loop.append(point)
            side = ways.pop(side)
        loops.append(loop)
    return loops

"""Points as paths of SVG: curves, thinned where they have many, and outlines of where a number on a grid is above 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST = 160  # points of a curve; of more the lowest and the highest of each stretch are drawn


def thinned(x: Array, y: Array) -> Array:
    """Points of a curve, of many the lowest and the highest of each stretch, and the last."""
    import numpy as np

    if len(x) > MOST:
        size = -(-2 * len(x) // MOST)
        stretches = np.full((-(-len(x) // size), size), np.nan)
        stretches.flat[: len(x)] = y
        extremes = [np.where(np.isnan(stretches), rest, stretches) for rest in (np.inf, -np.inf)]
        chosen = np.array([extremes[0].argmin(1), extremes[1].argmax(1)]) + size * np.arange(len(stretches))
        kept = np.unique([*chosen.flat, len(x) - 1])
        x, y = x[kept], y[kept]
    return np.stack([x, y], axis=1)


def line(positions: Array) -> str:
    """A path through points, with a gap where one is nan."""
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


WAYS = [(_ways(above) + [(-1, -1)] * 2)[:2] for above in range(16)]  # −1 for none


def outline(ahead: Array) -> list[Array]:
    """Closed lines around where a number on a grid is above 0: their corners (column, row), between those of the grid.

    >>> import numpy as np
    >>> [loop] = outline(np.array([[-1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, -1.0]]))
    >>> loop.tolist()
    [[0.5, 1.0], [1.0, 0.5], [1.5, 1.0], [1.0, 1.5]]
    """
    import numpy as np

    rows, columns = ahead.shape
    ahead = np.pad(np.nan_to_num(ahead, nan=-1.0, posinf=1e300, neginf=-1e300), 1, mode="edge")
    for rim in (ahead[0], ahead[-1], ahead[:, 0], ahead[:, -1]):
        rim[rim > 0] = -1.0  # outside of the grid nothing is above 0
    above = (ahead > 0).astype(int)
    kinds = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    # 1. Every side of a cell has a number: those that run to the right first, by where they begin, then those down.
    row, column = np.nonzero((kinds > 0) & (kinds < 15))
    width = columns + 2
    begin = row * width + column
    sides = np.stack([begin, begin + ahead.size + 1, begin + width, begin + ahead.size], axis=1)
    ways = np.array(WAYS)[kinds[row, column]]
    cell, which = np.nonzero(ways[:, :, 0] >= 0)
    enters, leaves = sides[cell, ways[cell, which, 0]], sides[cell, ways[cell, which, 1]]
    # 2. On a side that is crossed, 0 lies in proportion to the numbers at its ends.
    down, begin = np.divmod(enters, ahead.size)
    numbers = ahead.ravel()
    here, there = numbers[begin], numbers[begin + np.where(down, width, 1)]
    part = here / (here - there)
    x, y = begin % width - 1 + (1 - down) * part, begin // width - 1 + down * part
    corners = np.stack([x.clip(0, columns - 1), y.clip(0, rows - 1)], axis=1)
    # 3. Follow the sides until they close; corners between two others on a line along the grid are left out.
    following = dict(zip(enters.tolist(), leaves.tolist(), strict=True))
    place = dict(zip(enters.tolist(), corners, strict=True))
    loops = []
    while following:
        side, loop = next(iter(following)), []
        while side in following:
            loop.append(place[side])
            side = following.pop(side)
        points = np.array(loop)
        points = points[(points != np.roll(points, 1, axis=0)).any(axis=1)]
        straight = (np.roll(points, 1, axis=0) == points) & (points == np.roll(points, -1, axis=0))
        loops.append(points[~straight.any(axis=1)])
    return loops

"""Slopes of a plain function of floats, with an error estimate: for what cannot be run on wide numbers.

The function is evaluated on both sides of the point, at steps that shrink down to its rounding; the secants are
extrapolated to the step 0 (Richardson, Neville, Ridders). The error is what the last column of the extrapolation
changed, plus what the noise of the function does to it. The noise is seen where the steps are so small that nothing
else is left of the highest differences (after Moré and Wild, "Estimating computational noise", 2011).

Knows nothing of gates, rules and Values, and proves nothing: what lies below the noise it calls noisy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import NamedTuple

EPSILON = 2.0**-52  # the distance from 1.0 to the next float
TIGHT = 1e-4  # the largest error, relative to the slope, with which an estimate may decide
ORDER = 6  # columns of an extrapolation
NEAR = 12  # so many of the smallest steps tell whether the secants have a limit


class Slopes(NamedTuple):
    """What differences tell of one number of the result: slopes, the error of their estimate, and the kind of point.

    `left` and `right` are None where f has no values on that side and ±inf where the secants grow without end;
    `across` is the derivative, at a kink the mean of both sides, and None where there is none.
    """

    left: float | None
    right: float | None
    across: float | None
    error: float
    kind: str  # smooth, kink, jump, edge or noisy
    scale: float = 0.0  # the steepest secant within max(1, |x|): a slope far below its rounding is 0


def slopes(f: Callable[[float], list[float]], x: float) -> list[Slopes]:
    """The slopes at `x` of every number that `f` returns, by some 100 evaluations of `f`.

    Where `f` raises ValueError or ArithmeticError, or gives nan or an infinity, is outside its domain. Raises
    what `f` raises at `x` itself.

    >>> [s] = slopes(lambda t: [math.exp(t)], 1.0)
    >>> s.kind, abs(s.across - math.e) <= s.error < 1e-11
    ('smooth', True)
    >>> [s] = slopes(lambda t: [abs(t)], 0.0)
    >>> s.kind, s.left, s.right
    ('kink', -1.0, 1.0)
    """
    here = f(x)

    def values(t: float) -> list[float]:
        try:
            return f(t) if math.isfinite(t) else [math.nan] * len(here)
        except (ValueError, ArithmeticError):
            return [math.nan] * len(here)

    steps = [h for h in _steps(x) if x - h < x < x + h]
    below, above = [values(x - h) for h in steps], [values(x + h) for h in steps]
    found = []
    for row, middle in enumerate(here):
        sides = [_inside(x, middle, [x - h for h in steps], [v[row] for v in below])]
        sides.append(_inside(x, middle, [x + h for h in steps], [v[row] for v in above]))
        stairs = max(_stair(side, middle, lambda t, row=row: values(t)[row]) for side in sides)  # type: ignore[misc]
        found.append(_combined(x, middle, *sides, stairs))
    return found


def verdict(claimed: float, slopes: Slopes, rtol: float) -> tuple[str, float, float, float]:
    """The verdict on a claimed derivative, the number that differences give, its distance and their own error.

    right: within the own error plus `rtol`, relative. kink: the claim lies between the slopes of both sides.
    outside: no derivative is there. noisy: the estimate is too coarse to tell. wrong: none of these.

    >>> verdict(2.0, Slopes(2.0, 2.0, 2.0, 1e-12, "smooth"), 1e-9)
    ('right', 2.0, 0.0, 1e-12)
    """
    left, right, across, error, kind, scale = slopes
    if left is None or right is None:
        numeric = next((slope for slope in (left, right) if slope is not None), math.nan)
        return "outside", numeric, abs(claimed - numeric), error
    if kind == "jump" and left == right:
        return "outside", left, abs(claimed - left), error
    if kind in ("kink", "jump"):
        low, high = min(left, right), max(left, right)
        numeric = min(max(claimed, low), high)
        distance = 0.0 if claimed == numeric else abs(claimed - numeric)
        inside = distance <= error + rtol * abs(numeric)
        return "kink" if inside else "wrong", (left + right) / 2 if inside else numeric, distance, error
    assert across is not None
    if not math.isfinite(across) or not math.isfinite(claimed):
        return "right" if claimed == across else "wrong", across, abs(claimed - across), error
    distance = abs(claimed - across)
    tight = error <= TIGHT * max(abs(claimed), abs(across))
    if distance > error + rtol * abs(across):
        return "wrong" if tight else "noisy", across, distance, error
    zero = kind == "smooth" and (claimed == 0.0 or max(abs(claimed), error) <= 1e3 * EPSILON * scale)
    return "right" if tight or zero else "noisy", across, distance, error


def _steps(x: float) -> Iterator[float]:
    """Falling steps from 13 · max(1, |x|) to |x| 2⁻⁴⁶: no round numbers, where kinks and periods may be."""
    unit = math.ldexp(1.0, math.frexp(x)[1] - 1) if x else 1.0
    if unit < 1.0:  # from the scale 1 to that of x in at most 12 strides
        strides = min(12, -math.frexp(unit)[1] + 1)
        yield from (13.0 * unit ** (i / strides) for i in range(strides))
    ratio = 2.0 if x else 4.0  # at 0 there is no scale to begin from
    yield from (13.0 * unit / ratio**i for i in range(50))


class _Side(NamedTuple):
    """The points on one side of x, the widest first, from where on f has values all the way to x."""

    at: list[float]
    values: list[float]
    steps: list[float]
    secants: list[float]

    def last(self, count: int) -> _Side:
        return _Side(*(numbers[len(numbers) - count :] for numbers in self))


def _inside(x: float, middle: float, at: list[float], values: list[float]) -> _Side:
    reach = next((i for i, value in enumerate(reversed(values)) if not math.isfinite(value)), len(values))
    secants = [(value - middle) / (t - x) for t, value in zip(at, values, strict=True)]
    return _Side(at, values, [abs(t - x) for t in at], secants).last(reach if math.isfinite(middle) else 0)


def _combined(x: float, middle: float, left: _Side, right: _Side, stairs: float) -> Slopes:
    """Slopes across from the odd part of f, the gap between its sides from the even one."""
    steep = max((abs(s) for side in (left, right) for s, h in zip(side.secants, side.steps, strict=True)
                 if h <= max(1.0, abs(x))), default=0.0)  # fmt: skip
    ends = [_end(side, middle, stairs) for side in (left, right)]
    slopes = [slope for slope, _, _ in ends]
    if None in slopes:
        return Slopes(*slopes, None, min(error for _, error, _ in ends), "edge", steep)
    if any(map(math.isinf, slopes)):
        jump = any(jumps for _, _, jumps in ends)
        if not jump and slopes[0] == slopes[1]:
            return Slopes(*slopes, slopes[0], 0.0, "smooth", steep)
        return Slopes(*slopes, None, max(error for _, error, _ in ends), "jump" if jump else "kink", steep)
    reach = min(len(left.at), len(right.at))
    left, right = left.last(reach), right.last(reach)
    steps = [(b - a) / 2 for a, b in zip(left.at, right.at, strict=True)]
    floors = _floors(middle, left.values, right.values, stairs)
    odd = [(b - a) / 2 / h for a, b, h in zip(left.values, right.values, steps, strict=True)]
    across, error = _limit([h * h for h in steps], odd, [1 / h for h in steps], floors)
    even = [b - a for a, b in zip(left.secants, right.secants, strict=True)]
    gap, gap_error = _limit(steps, even, [4 / h for h in steps], floors)
    if abs(gap) > 2 * gap_error:
        return Slopes(across - gap / 2, across + gap / 2, across, error + gap_error / 2, "kink", steep)
    if abs(gap) > gap_error:
        error += abs(gap) / 2
    rounding = 1e3 * EPSILON * max(steep, abs(middle) / steps[0])
    smooth = error <= max(TIGHT * abs(across), rounding) and gap_error <= max(1e-3 * max(abs(across), steep), 10 * rounding)
    return Slopes(across, across, across, error, "smooth" if smooth else "noisy", steep)


def _end(side: _Side, middle: float, stairs: float) -> tuple[float | None, float, bool]:
    """The slope of one side, its error, and whether f jumps there; ±inf where the secants have no limit."""
    if len(side.at) < NEAR:
        return None, math.inf, False
    near = side.last(NEAR).secants
    changes = [b - a for a, b in pairwise(near)]
    ratio = side.steps[-2] / side.steps[-1]
    growing = all(a * b > 0.0 and 0.9 * abs(a) <= abs(b) <= 1.2 * ratio * abs(a) for a, b in pairwise(changes))
    if growing and abs(near[-1] - near[0]) > 0.1 * abs(near[-1]):
        return math.copysign(math.inf, changes[-1]), 0.0, abs(near[-1]) > ratio**0.98 * abs(near[-2])
    floors = _floors(middle, side.values, side.values, stairs)
    return *_limit(side.steps, side.secants, [2 / h for h in side.steps], floors), False


def _floors(middle: float, left: list[float], right: list[float], stairs: float) -> list[float]:
    """What rounding does at least to the values up to each step."""
    sizes = [max(abs(middle), abs(a), abs(b)) for a, b in zip(left, right, strict=True)]
    return [EPSILON * size + stairs for size in accumulate(reversed(sizes), max)][::-1]


def _limit(nodes: list[float], ordinates: list[float], gains: list[float], floors: list[float]) -> tuple[float, float]:
    """The limit at 0 of what has the `ordinates` at the falling `nodes`, and its error.

    `gains` say how much noise of f comes into an ordinate, `floors` how much noise there is at least.
    """
    columns = [(ordinates, gains)]
    for order in range(1, min(ORDER, len(nodes) - 1) + 1):  # Neville
        values, noises = columns[-1]
        pairs = [(nodes[j], nodes[j + order], j) for j in range(len(values) - 1)]
        columns.append((
            [values[j + 1] + (values[j + 1] - values[j]) * (b / (a - b)) for a, b, j in pairs],
            [(a * noises[j + 1] + b * noises[j]) / (a - b) for a, b, j in pairs],
        ))  # fmt: skip
    last, before = columns[-1], columns[-2]
    best, noise, low, high = (math.nan, math.inf), 0.0, -math.inf, math.inf
    for j in range(len(nodes) - 3, -1, -1):
        if j < len(last[0]):  # nothing but noise should be left of the highest differences at the smallest steps
            noise = max(noise, 2 * abs(last[0][j] - before[0][j + 1]) / (last[1][j] + before[1][j + 1]))
        for order in range(2, min(len(columns), len(nodes) - j)):
            (lower, _), (values, noises) = columns[order - 1], columns[order]
            truncation = max(abs(values[j] - lower[j]), abs(values[j] - lower[j + 1]))
            error = 2 * truncation + noises[j] * max(noise, floors[j])
            # A wider step is believed only if it agrees with all that is narrower.
            if error < best[1] and values[j] - error <= high and values[j] + error >= low:
                best = values[j], error
        if best[1] < math.inf:
            low, high = max(low, best[0] - best[1]), min(high, best[0] + best[1])
    return best


def _stair(side: _Side, middle: float, f: Callable[[float], float]) -> float:
    """The height of the stair on which x stands, where f takes a few values only, as rounded numbers do; else 0."""
    flat = next((i for i, value in enumerate(reversed(side.values)) if value != middle), 0)
    if not flat:
        return 0.0
    edge = len(side.at) - flat
    on, beyond = side.at[edge], side.at[edge - 1]
    for _ in range(12):
        half = (on + beyond) / 2
        on, beyond = (half, beyond) if f(half) == middle else (on, half)
    height, behind = f(beyond), f(beyond + 2 * (beyond - on))
    return abs(height - middle) if height == behind else 0.0

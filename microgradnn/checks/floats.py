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
ROUNDING = 16 * EPSILON  # a slope so small beside the secants that were extrapolated is 0
TIGHT = 1e-4  # the largest error, relative to the slope, with which an estimate may decide
ORDER = 6  # columns of an extrapolation
WIDEST = 13.283  # the first step, relative to the scale of x
SAFETY = 3  # how many times the noise that is seen
FEWEST = 8  # with fewer values next to x there is no slope
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
    scale: float = 0.0  # the steepest of the secants that were extrapolated: a slope below its rounding is 0


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
            numbers = f(t) if math.isfinite(t) else []
        except (ValueError, ArithmeticError):
            numbers = []
        # A root of a negative number may be complex without a word.
        return [math.nan if isinstance(v, complex) else v for v in numbers] or [math.nan] * len(here)

    steps = [h for h in _steps(x) if x - h < x < x + h]
    below, above = [values(x - h) for h in steps], [values(x + h) for h in steps]
    found = []
    for row, middle in enumerate(here):
        sides = [_inside(x, middle, [x - h for h in steps], [v[row] for v in below])]
        sides.append(_inside(x, middle, [x + h for h in steps], [v[row] for v in above]))
        found.append(_combined(x, middle, *sides, lambda t, row=row: values(t)[row]))  # type: ignore[misc]
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
    if max(abs(claimed), abs(across)) <= ROUNDING * scale:
        return "right", across, distance, error
    tight = error <= TIGHT * max(abs(claimed), abs(across))
    if distance > error + rtol * abs(across):
        return "wrong" if tight else "noisy", across, distance, error
    return "right" if tight or (claimed == 0.0 and kind == "smooth") else "noisy", across, distance, error


def _steps(x: float) -> Iterator[float]:
    """Falling steps from 13 · max(1, |x|) to |x| 2⁻⁴⁶.

    No round numbers: round ones may be periods, and the noise of a function does not show at them.
    """
    unit = math.ldexp(1.0, math.frexp(x)[1] - 1) if x else 1.0
    if unit < 1.0:  # from the scale 1 to that of x in at most 12 strides
        strides = min(12, -math.frexp(unit)[1] + 1)
        yield from (WIDEST * unit ** (i / strides) for i in range(strides))
    ratio = 1.91 if x else 3.83  # at 0 there is no scale to begin from
    yield from (WIDEST * unit / ratio**i for i in range(52))


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


def _combined(x: float, middle: float, left: _Side, right: _Side, f: Callable[[float], float]) -> Slopes:
    """Slopes across from the odd part of f, the gap between its sides from the even one."""
    ends = [_end(side, middle) for side in (left, right)]
    slopes = [end.value for end in ends]
    reach = min(len(left.at), len(right.at))
    if any(math.isnan(slope) for slope in slopes):
        error = min(end.error for end in ends)
        return Slopes(*(None if math.isnan(slope) else slope for slope in slopes), None, error, "edge")
    left, right = left.last(reach), right.last(reach)
    stairs = min(_stair(x, side, _plateau(side), 0.0, f) for side in (left, right))
    if any(map(math.isinf, slopes)) and not stairs:
        jump = any(end.jumps for end in ends)
        if not jump and slopes[0] == slopes[1]:
            return Slopes(*slopes, slopes[0], 0.0, "smooth")
        return Slopes(*slopes, None, max(end.error for end in ends), "jump" if jump else "kink")
    steps = [(b - a) / 2 for a, b in zip(left.at, right.at, strict=True)]
    odd = [(b - a) / 2 / h for a, b, h in zip(left.values, right.values, steps, strict=True)]
    across = _limit(steps, odd, 1.0, _floors(middle, left.values, right.values, stairs), even=True)
    if across.torn:
        stairs = max(stairs, *(_stair(x, side, across.torn, across.value, f) for side in (left, right)))
        across = _limit(steps, odd, 1.0, _floors(middle, left.values, right.values, stairs), even=True)
    apart = [b - a for a, b in zip(left.secants, right.secants, strict=True)]
    gap = _limit(steps, apart, 4.0, _floors(middle, left.values, right.values, stairs))
    i = across.index
    steep = max(abs(left.secants[i]), abs(right.secants[i]), abs(x * apart[i] / steps[i]))
    slope, error, width = across.value, across.error, gap.value
    if abs(width) > max(2 * gap.error, ROUNDING * steep):
        return Slopes(slope - width / 2, slope + width / 2, slope, error + gap.error / 2, "kink", steep)
    if abs(width) > gap.error:
        error += abs(width) / 2
    within = [
        abs(s) for side in (left, right) for s, h in zip(side.secants, steps, strict=True) if h <= max(1.0, abs(x))
    ]
    rounding = 1e3 * EPSILON * max(*within, abs(middle) / steps[0])
    smooth = error <= max(TIGHT * abs(slope), rounding) and gap.error <= max(1e-3 * abs(slope), 10 * rounding)
    return Slopes(slope, slope, slope, error, "smooth" if smooth else "noisy", steep)


class _Limit(NamedTuple):
    value: float
    error: float
    index: int = 0  # of the widest step that was used
    torn: int = 0  # of the step within which f agrees with itself, if wider steps agree on another limit
    jumps: bool = False  # the function itself, at x


def _end(side: _Side, middle: float) -> _Limit:
    """The slope of one side: nan where f has no values, ±inf where the secants have no limit."""
    if len(side.at) < FEWEST:
        return _Limit(math.nan, math.inf)
    near = side.secants[-NEAR:]
    changes = [b - a for a, b in pairwise(near)]
    ratio = side.steps[-2] / side.steps[-1]
    growing = all(a * b > 0.0 and 0.9 * abs(a) <= abs(b) <= 1.2 * ratio * abs(a) for a, b in pairwise(changes))
    if growing and abs(near[-1] - near[0]) > 0.1 * abs(near[-1]):
        return _Limit(math.copysign(math.inf, changes[-1]), 0.0, jumps=abs(near[-1]) > ratio**0.98 * abs(near[-2]))
    return _limit(side.steps, side.secants, 2.0, _floors(middle, side.values, side.values, 0.0))


def _floors(middle: float, left: list[float], right: list[float], stairs: float) -> list[float]:
    """What rounding does at least to the values up to each step."""
    sizes = [max(abs(middle), abs(a), abs(b)) for a, b in zip(left, right, strict=True)]
    return [EPSILON * size + stairs for size in accumulate(reversed(sizes), max)][::-1]


def _limit(
    steps: list[float], ordinates: list[float], gain: float, floors: list[float], even: bool = False
) -> tuple[float, float]:
    """The limit for step 0 of what has the `ordinates` at falling `steps`, perhaps an even function, and its error.

    Noise of f comes into an ordinate `gain` / step times, `floors` say how much there is at least.
    """
    columns = [(ordinates, [gain / step for step in steps])]
    for order in range(1, min(ORDER, len(steps) - 1) + 1):  # Neville
        values, noises = columns[-1]
        ratios = [wide / narrow for wide, narrow in zip(steps, steps[order:], strict=False)]
        weights = [1 / (ratio * ratio - 1 if even else ratio - 1) for ratio in ratios]
        columns.append((
            [narrow + w * (narrow - wide) for w, (wide, narrow) in zip(weights, pairwise(values), strict=True)],
            [narrow + w * (narrow + wide) for w, (wide, narrow) in zip(weights, pairwise(noises), strict=True)],
        ))  # fmt: skip
    # Nothing but noise should be left of the highest differences at the smallest steps.
    values, noises = columns[-1]
    changes = zip(pairwise(values), pairwise(noises), strict=True)
    rests = [SAFETY * abs(wide - narrow) / (a + b) for (wide, narrow), (a, b) in changes]
    best, low, high = _Limit(math.nan, math.inf), -math.inf, math.inf
    noise, leap, edge, torn = max(rests[-NEAR:], default=math.inf), 1.0, 0, 0
    for j in range(len(steps) - 3, -1, -1):
        if j < len(rests):
            if rests[j] > leap * max(noise, floors[j]):
                leap, edge = rests[j] / (max(noise, floors[j]) or rests[j]), j + 1
            noise = max(noise, rests[j])
        for order in range(2, min(len(columns), len(steps) - j)):
            (lower, _), (values, noises) = columns[order - 1], columns[order]
            beside = [lower[j], lower[j + 1], *values[j + 1 : j + 3]]
            error = 2 * max(abs(values[j] - value) for value in beside) + noises[j] * max(noise, floors[j])
            # A wider step is believed only if it agrees with all that is narrower.
            if values[j] - error > high or values[j] + error < low:
                torn = torn or (edge if error <= 1e-3 * abs(values[j]) else 0)
            elif error < best.error:
                best = _Limit(values[j], error, j)
        if best.error < math.inf:
            low, high = max(low, best.value - best.error), min(high, best.value + best.error)
    return best._replace(torn=torn)


def _plateau(side: _Side) -> int:
    """The index of the widest step at which f still has the value that it has next to x."""
    return next((i for i in range(len(side.at), 0, -1) if side.values[i - 1] != side.values[-1]), 0)


def _stair(x: float, side: _Side, index: int, slope: float, f: Callable[[float], float]) -> float:
    """The height of a jump within the ORDER steps around `index`, if f goes on with `slope` behind it, else 0.

    Rounded numbers are such stairs; so are differences of rounded numbers, divided by x.
    """
    start, first = side.at[-1], side.values[-1]

    def off(t: float, value: float) -> float:
        return value - first - slope * (t - start)

    heights = [abs(off(t, value)) for t, value in zip(side.at, side.values, strict=True)]
    candidates = range(max(index, 1), min(index + ORDER, len(heights)))
    if not index or not candidates:
        return 0.0
    index = max(candidates, key=lambda i: heights[i - 1] / (heights[i] + EPSILON * abs(side.values[i]) or 1.0))
    on, beyond, height = side.at[index], side.at[index - 1], heights[index - 1]
    for _ in range(12):
        half = (on + beyond) / 2
        on, beyond = (half, beyond) if abs(off(half, f(half))) < height / 2 else (on, half)
    top, further = off(beyond, f(beyond)), beyond + (beyond - x) / 4
    jump, behind = abs(top - off(on, f(on))), abs(off(further, f(further)) - top)
    return jump if jump > height / 4 and behind <= jump / 10 else 0.0

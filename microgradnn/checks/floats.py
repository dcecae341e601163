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

from microgradnn.checks.verdicts import Verdict

EPSILON = 2.0**-52  # the distance from 1.0 to the next float
ROUNDING = 16 * EPSILON  # a slope so small beside the secants that were extrapolated is 0
TIGHT = 1e-4  # the largest error, relative to the slope, with which an estimate may decide
ORDER = 6  # columns of an extrapolation
JUMP = 0.98  # the growth of secants from which on f jumps
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
        except Exception:  # whatever f refuses lies outside its domain
            numbers = []
        # A root of a negative number may be complex without a word.
        return [math.nan if isinstance(v, complex) else v for v in numbers] or [math.nan] * len(here)

    steps = [h for h in dict.fromkeys(_steps(x)) if x - h < x < x + h]
    below, above = [[(t, values(t)) for t in (x + sign * h for h in steps)] for sign in (-1, 1)]

    def slopes_of(row: int) -> Slopes:
        left, right = (_side(x, here[row], [(t, numbers[row]) for t, numbers in side]) for side in (below, above))
        return _slopes(x, here[row], left, right, lambda t: values(t)[row])

    return [slopes_of(row) for row in range(len(here))]


def verdict(claimed: float, slopes: Slopes, rtol: float) -> tuple[Verdict, float, float, float]:
    """The verdict on a claimed derivative, the number that differences give, its distance and their own error.

    right: within the own error plus `rtol`, relative. kink: the claim lies between the slopes of both sides.
    outside: no derivative is there. noisy: the estimate is too coarse to tell. wrong: none of these.

    >>> verdict(2.0, Slopes(2.0, 2.0, 2.0, 1e-12, "smooth"), 1e-9)
    ('right', 2.0, 0.0, 1e-12)
    """
    left, right, across, error, kind, scale = slopes
    if left is None or right is None or (kind == "jump" and left == right):
        numeric = left if left is not None else right if right is not None else math.nan
        return "outside", numeric, abs(claimed - numeric), error
    if across is None or kind == "kink":
        numeric = min(max(min(left, right), claimed), max(left, right))
        distance = 0.0 if claimed == numeric else abs(claimed - numeric)
        if distance <= error + rtol * abs(numeric):
            return "kink", numeric, distance, error
        return "wrong", numeric, distance, error
    distance = 0.0 if claimed == across else abs(claimed - across)
    if math.isnan(across):
        return "noisy", across, distance, error
    if math.isinf(across) or not math.isfinite(claimed):
        return "right" if claimed == across else "wrong", across, distance, error
    tight = error <= max(TIGHT, rtol) * max(abs(claimed), abs(across))
    negligible = abs(claimed) + abs(across) <= ROUNDING * scale
    zero = negligible or (claimed == 0.0 and kind == "smooth")
    if distance <= error + rtol * abs(across):
        return "right" if tight or zero else "noisy", across, distance, error
    return "right" if negligible else "wrong" if tight else "noisy", across, distance, error


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


class _Limit(NamedTuple):
    value: float
    error: float
    widest: int  # index of the widest step that was used
    torn: int = 0  # index of the step within which f agrees with itself, where wider ones agree on something else


def _side(x: float, middle: float, points: list[tuple[float, float]]) -> _Side:
    reach = next((i for i, (_, value) in enumerate(reversed(points)) if not math.isfinite(value)), len(points))
    at, values = [t for t, _ in points], [value for _, value in points]
    secants = [(value - middle) / (t - x) for t, value in points]
    return _Side(at, values, [abs(t - x) for t in at], secants).last(reach if math.isfinite(middle) else 0)


def _slopes(x: float, middle: float, left: _Side, right: _Side, f: Callable[[float], float]) -> Slopes:
    """Slopes across from the odd part of f, the gap between both sides from the even part."""
    sides = [left, right]
    if (
        {*left.values, middle} == {*right.values, middle} == {middle} and left.at and right.at
    ):  # a constant, as it seems
        return Slopes(0.0, 0.0, 0.0, EPSILON * max(abs(middle), 1.0), "smooth")
    growths = [_growth(side, middle) for side in sides]
    stairs = max(_stair(x, side, _plateau(side), 0.0, f) for side in sides)
    steep = any(growths) and 2 * stairs < max(abs(side.values[-1] - middle) for side in sides if side.values)
    if steep or min(len(left.at), len(right.at)) < FEWEST:
        ends = [_end(side, middle, growth) for side, growth in zip(sides, growths, strict=True)]
        (below, above), error = (slope for slope, _ in ends), min(error for _, error in ends)
        if below is None or above is None:
            return Slopes(below, above, None, error, "edge")
        if max(growths) < JUMP and below == above:
            return Slopes(below, above, below, 0.0, "smooth")
        return Slopes(below, above, None, max(error for _, error in ends), "kink" if max(growths) < JUMP else "jump")

    left, right = sides = [side.last(min(len(left.at), len(right.at))) for side in sides]
    steps = [(b - a) / 2 for a, b in zip(left.at, right.at, strict=True)]
    odd = [(b - a) / 2 / h for a, b, h in zip(left.values, right.values, steps, strict=True)]
    across = _limit(steps, odd, 1.0, _floors(middle, sides, stairs), even=True)
    if across.torn:
        stairs = max(stairs, min(_stair(x, side, across.torn, across.value, f) for side in sides))
        across = _limit(steps, odd, 1.0, _floors(middle, sides, stairs), even=True)
    apart = [b - a for a, b in zip(left.secants, right.secants, strict=True)]
    gap = _limit(steps, apart, 4.0, _floors(middle, sides, stairs))

    slope, width, i = across.value, abs(gap.value), across.widest
    bend = abs(x * apart[i] / steps[i])  # |x f″|: f may round x inside, which moves the slope by ε times this
    error = across.error + 4 * EPSILON * max(abs(slope), bend)
    scale = max(abs(left.secants[i]), abs(right.secants[i]), bend)
    if width > max(2 * gap.error, ROUNDING * scale):
        half = gap.value / 2
        return Slopes(slope - half, slope + half, slope, error + gap.error / 2, "kink", scale)
    unit = max(1.0, abs(x))
    wide = [abs(s) for side in sides for s, h in zip(side.secants, steps, strict=True) if 0.1 < h / unit < 1.0]
    flat = 1e3 * EPSILON * max([*wide, abs(middle) / steps[i], 1e-300])  # what rounding alone does to a slope
    hidden = gap.error > max(1e-3 * abs(slope), 10 * flat)  # there may be a kink below the noise
    if hidden or width > gap.error:
        error += max(width, gap.error) / 2
    smooth = not hidden and error <= max(TIGHT * abs(slope), flat)
    return Slopes(slope, slope, slope, error, "smooth" if smooth else "noisy", scale)


def _growth(side: _Side, middle: float) -> float:
    """The exponent with which the secants grow as the step shrinks, 1 at a jump of f; 0 where they have a limit."""
    least = 1e3 * math.ulp(middle)  # above what rounding does
    above = [(s, h) for s, h in zip(side.secants, side.steps, strict=True) if abs(s) * h > least][-NEAR:]
    if len(above) < FEWEST:
        return 0.0
    near = [s for s, _ in above]
    changes = [b - a for a, b in pairwise(near)]
    ratio = above[-2][1] / above[-1][1]
    growing = all(a * b > 0.0 and 0.9 * abs(a) <= abs(b) <= 1.2 * ratio * abs(a) for a, b in pairwise(changes))
    if not growing or near[-1] * near[-2] <= 0.0 or abs(near[-1] - near[0]) <= 0.1 * abs(near[-1]):
        return 0.0
    return math.log(near[-1] / near[-2]) / math.log(ratio)


def _end(side: _Side, middle: float, growth: float) -> tuple[float | None, float]:
    """The slope of one side and its error."""
    if len(side.at) < FEWEST:
        return None, math.inf
    if growth:
        return math.copysign(math.inf, side.secants[-1]), 0.0
    limit = _limit(side.steps, side.secants, 2.0, _floors(middle, [side], 0.0))
    return limit.value, limit.error


def _floors(middle: float, sides: list[_Side], stairs: float) -> list[float]:
    """What rounding does at least to the values up to each step."""
    sizes = [max(abs(middle), *map(abs, values)) for values in zip(*(side.values for side in sides), strict=True)]
    return [math.ulp(size) + stairs for size in accumulate(reversed(sizes), max)][::-1]


def _limit(
    steps: list[float], ordinates: list[float], gain: float, floors: list[float], even: bool = False
) -> _Limit:  # fmt: skip
    """The limit for step 0 of what has the `ordinates` at falling `steps`, perhaps an even function of the step.

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
    changes = zip(*map(pairwise, columns[-1]), strict=True)
    rests = [SAFETY * abs(wide - narrow) / (more + less) for (wide, narrow), (more, less) in changes]
    best, low, high = _Limit(math.nan, math.inf, 0), -math.inf, math.inf
    noise, leap, edge, torn = max(rests[-NEAR:], default=math.inf), 1.0, 0, 0
    for j in range(len(steps) - 3, -1, -1):
        if j < len(rests):
            if rests[j] > leap * max(noise, floors[j]):
                leap, edge = rests[j] / (max(noise, floors[j]) or rests[j]), j + 1
            noise = max(noise, rests[j])
        for order in range(2, min(len(columns), len(steps) - j)):
            (lower, _), (values, noises) = columns[order - 1], columns[order]
            beside = [lower[j], lower[j + 1], *values[j + 1 : j + 3]]
            error = 3 * max(abs(values[j] - value) for value in beside) + noises[j] * max(noise, floors[j])
            # A wider step is believed only if it agrees with all that is narrower.
            if values[j] - error > high or values[j] + error < low:
                torn = torn or (edge if error <= 1e-3 * abs(values[j]) else 0)
            elif error < best.error:
                best = _Limit(values[j], error, j)
        if best.error < math.inf:
            low, high = max(low, best.value - best.error), min(high, best.value + best.error)
    return best._replace(torn=torn)


def _plateau(side: _Side) -> int:
    """The index of the widest step at which f still has the value that it has next to x, 0 if there is no plateau."""
    index = next((i for i in range(len(side.at), 0, -1) if side.values[i - 1] != side.values[-1]), 0)
    return index if index < len(side.at) - 2 else 0


def _stair(x: float, side: _Side, index: int, slope: float, f: Callable[[float], float]) -> float:
    """The height of a jump within the ORDER steps around `index`, if f goes on with `slope` behind it, else 0.

    Rounded numbers are such stairs; so are differences of rounded numbers, divided by x.
    """
    if not index or len(set(side.values)) < 3:  # one step up and no other is no stair
        return 0.0
    start, first = side.at[-1], side.values[-1]

    def off(t: float, value: float) -> float:
        return value - first - slope * (t - start)

    heights = [abs(off(t, value)) for t, value in zip(side.at, side.values, strict=True)]
    candidates = range(index, min(index + ORDER, len(heights)))
    index = max(candidates, key=lambda i: heights[i - 1] / (heights[i] + EPSILON * abs(side.values[i]) or 1.0))
    on, beyond, height = side.at[index], side.at[index - 1], heights[index - 1]
    least = max(math.sqrt(heights[index]) * math.sqrt(height), height / 32)
    for _ in range(12):
        half = (on + beyond) / 2
        on, beyond = (half, beyond) if abs(off(half, f(half))) < least else (on, half)
    top, further = off(beyond, f(beyond)), beyond + ((beyond - x) / 4 if slope else 2 * (beyond - on))
    jump, behind = abs(top - off(on, f(on))), abs(off(further, f(further)) - top)
    return jump if jump > least / 2 and behind <= (jump / 10 if slope else 0.0) else 0.0

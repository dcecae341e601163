"""Rules for intervals, where they do not fit in a line of the table: functions of Intervals, see `Primitive`.

Each gives all values of its gate over its operands, of those where it has values; rules of partials give one interval
an operand. What a rule computes at an end it computes with intervals again, so that roundings on the way count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product

from microgradnn import formulas
from microgradnn.array_forms import LARGEST
from microgradnn.intervals.arithmetic import Interval, NoValueError, hull, interval, outward
from microgradnn.intervals.rounding import INFINITY, root_down, root_up
from microgradnn.primitive import lookup

PI = Interval(math.pi, math.nextafter(math.pi, 4.0))
ROOT_2 = Interval(root_down(2.0), root_up(2.0))
FULL_TURN, QUARTER_TURN = 2.0 * PI, 0.5 * PI

# ---- pieces ----------------------------------------------------------------------------------------------------------


def _pieces(x: Interval, cuts: Sequence[float], rules: Sequence[Callable[[Interval], Interval]]) -> Interval:
    """The hull of rules that each hold between two cuts."""
    edges = [-INFINITY, *cuts, INFINITY]
    return hull(*(
        rule(x.within(low, high))
        for low, high, rule in zip(edges, edges[1:], rules, strict=False)
        if x.low <= high and x.high >= low
    ))  # fmt: skip


def _rising(f: Callable[[Interval], Interval]) -> Callable[[Interval], Interval]:
    return lambda x: outward(f(Interval(x.low)).low, f(Interval(x.high)).high)


def _falling(f: Callable[[Interval], Interval]) -> Callable[[Interval], Interval]:
    return lambda x: outward(f(Interval(x.high)).low, f(Interval(x.low)).high)


def where(c: Interval, a: Interval, b: Interval) -> Interval:
    """All that may be chosen; of what is chosen by its own sign only the part of that sign."""
    if c.low > 0:
        return a
    if c.high <= 0:
        return b
    return hull(a.within(0.0) if a is c else a, b.within(high=0.0) if b is c else b)


def equal(x: Interval, y: Interval) -> Interval:
    apart = x.high < y.low or y.high < x.low
    return Interval(0.0, 0.0 if apart else 1.0) if apart or not (x.is_point and y.is_point) else Interval(1.0)


def shift(x: Interval, m: Interval) -> Interval:
    return x - m


def remainder(x: Interval, y: Interval) -> Interval:
    if y.low == y.high == 0:
        raise NoValueError("divides by 0")
    times = floor(x / y)
    if times.is_point and math.isfinite(times.low) and math.isfinite(y.low) and math.isfinite(y.high):
        rest = x - times * y
        return rest.within(min(0.0, y.low), max(0.0, y.high))
    return Interval(min(0.0, y.low), max(0.0, y.high))


def remainder_partials(out: Interval, x: Interval, y: Interval) -> list[Interval]:
    return [Interval(1.0), -floor(x / y)]


def floor(x: Interval) -> Interval:
    return Interval(formulas.floor(x.low), formulas.floor(x.high))


# ---- powers, logarithms, roots ---------------------------------------------------------------------------------------


def sqrt(x: Interval) -> Interval:
    x = x.within(0.0)
    return Interval(root_down(x.low), root_up(x.high))


def log_of(x: Interval) -> Interval:
    return interval(lookup("log")(x))


def clipped_log(x: Interval, lowest: Interval) -> Interval:
    x = x.within(0.0)
    return log_of(Interval(max(x.low, lowest.low), max(x.high, lowest.high)))


def xlogy(x: Interval, y: Interval) -> Interval:
    if x.low <= 0 <= x.high and y.high < 0:
        return Interval(0.0)
    return x * log_of(y)


def _power_at(x: float, y: float) -> Interval:
    """xʸ at one point of x ≥ 0, exact where it is one of the floats."""
    out = lookup("power").limit([x, y])
    if math.isfinite(out) and 0 < x < INFINITY and abs(y) <= 64 and y.is_integer() and Fraction(x) ** int(y) == out:
        return Interval(out)
    return outward(out, out) if out else Interval(0.0, 0.0 if x == 0 or INFINITY in (x, abs(y)) else 1e-323)


def power(x: Interval, y: Interval) -> Interval:
    """Of x ≥ 0 the extremes stand at the corners; x < 0 has values where y is whole, whose parity gives the sign."""
    parts = []
    if x.high >= 0:
        corners = [_power_at(*corner) for corner in product((max(x.low, 0.0), x.high), (y.low, y.high))]
        parts.append(hull(*corners))
    if x.low < 0:
        first, last = -formulas.floor(-y.low), formulas.floor(y.high)
        if first <= last:
            size = power(Interval(max(-x.high, 0.0), -x.low), Interval(first, last))
            if first != last:
                parts += [size, -size]
            else:
                parts.append(-size if first % 2 == 1 else size)
    if not parts:
        raise NoValueError("has no value: a negative base with a fractional exponent has no real power")
    return hull(*parts)


def power_slope(x: Interval, y: Interval) -> Interval:
    if x.low <= 0 <= x.high and y.low <= 0 <= y.high:
        return hull(Interval(0.0), y * power(x, y - 1.0))
    return y * power(x, y - 1.0)


def power_log(x: Interval, y: Interval) -> Interval:
    """xʸ ln x rises with y; by x it has its only extreme, −1 / (e y), at e^(−1/y)."""
    x = x.within(0.0)
    turn = [math.exp(-1 / end) if end and 1 / abs(end) < 700 else 0.0 for end in (y.low, y.high)]

    def at(base: float, exponent: float) -> Interval:
        if base == 0:
            return Interval(0.0 if exponent > 0 else -INFINITY)
        if base == INFINITY:
            return Interval(INFINITY if exponent >= 0 else 0.0)
        return _power_at(base, exponent) * log_of(Interval(base))

    low = min(at(end, y.low).low for end in (x.low, x.high))
    high = max(at(end, y.high).high for end in (x.low, x.high))
    if y.low > 0 and x.low <= turn[0] * (1 + 1e-9) and x.high >= turn[0] * (1 - 1e-9):
        low = outward(-1 / (math.e * y.low), 0.0).low
    if y.high < 0 and x.low <= turn[1] * (1 + 1e-9) and x.high >= turn[1] * (1 - 1e-9):
        high = outward(0.0, -1 / (math.e * y.high)).high
    if x.low == 0 and y.high >= 0:  # where it is 0 by definition
        low, high = min(low, 0.0), max(high, 0.0)
    return Interval(low, high)


def power_log_squared(x: Interval, y: Interval) -> Interval:
    logarithm = log_of(x)
    out = power(x.within(0.0), y) * (logarithm * logarithm)
    return hull(out, Interval(0.0)) if x.low <= 0 and y.high >= 0 else out


def power_mixed(x: Interval, y: Interval) -> Interval:
    x = x.within(0.0)
    out = power(x, y - 1.0) * (1.0 + y * log_of(x))
    if x.low == 0 and y.high > 1:
        out = hull(out, Interval(0.0))
    return hull(out, Interval(1.0)) if x.low == 0 and y.holds(0.0) else out


# ---- lengths and angles ----------------------------------------------------------------------------------------------


def direction_cosine(x: Interval, y: Interval) -> Interval:
    """X / √(x² + y²) rises with x, and goes to 0 with growing |y|."""
    y = abs(y)

    def upper(x: float) -> float:
        other = y.low if x >= 0 else y.high
        if x == 0 or other == 0:
            return float((x > 0) - (x < 0))
        if math.isinf(x):
            return 1.0 if x > 0 else 0.0 if other == INFINITY else -1.0
        size = math.hypot(x, other)
        return x / size if size < INFINITY else (0.5 * x) / math.hypot(0.5 * x, 0.5 * other)

    return outward(-upper(-x.low), upper(x.high)).within(-1.0, 1.0)


def circle_inversion(x: Interval, y: Interval) -> Interval:
    """X / (x² + y²): where x > 0 it falls with |y|, and rises with x up to x = |y|, where it turns."""
    y = abs(y)

    def at(x: float, y: float) -> float:
        size = math.hypot(x, y)
        if size == 0 or INFINITY in (abs(x), y):
            return 0.0
        if size < INFINITY:
            return x / size / size
        size = math.hypot(0.25 * x, 0.25 * y)
        return 0.25 * x / size / size * 0.25

    def upper(low: float, high: float) -> float:
        if high > 0:
            best = min(max(low, y.low, 0.0), high)
            return at(best, y.low) if best else INFINITY
        return max(at(low, y.high), at(high, y.high))

    return outward(-upper(-x.high, -x.low), upper(x.low, x.high))


def atan2(y: Interval, x: Interval) -> Interval:
    """The extremes stand at the corners, unless the half line where the angle jumps, or the origin, lies in between."""
    if y.low <= 0 <= y.high and x.low <= 0:
        return Interval(-PI.high, PI.high)
    angles = [math.atan2(*corner) for corner in product((y.low, y.high), (x.low, x.high))]
    return outward(min(angles), max(angles)).within(-PI.high, PI.high)


def _reaches(x: Interval, point: Interval | float, period: Interval) -> bool:
    """Whether `point` plus some whole number of periods may lie in x."""
    turns = (x - point) / period
    return formulas.floor(turns.low) != formulas.floor(turns.high) or turns.low.is_integer()


def _wave(x: Interval, function: Callable[[float], float], peak: Interval, valley: Interval) -> Interval:
    if x.is_point and math.isinf(x.low):
        raise NoValueError("has no value")
    if not x.high - x.low < 2 * math.pi:
        return Interval(-1.0, 1.0)
    ends = function(x.low), function(x.high)
    out = outward(min(ends), max(ends)).within(-1.0, 1.0)
    return Interval(
        -1.0 if _reaches(x, valley, FULL_TURN) else out.low, 1.0 if _reaches(x, peak, FULL_TURN) else out.high
    )


def sin(x: Interval) -> Interval:
    return _wave(x, math.sin, QUARTER_TURN, -QUARTER_TURN)


def cos(x: Interval) -> Interval:
    return _wave(x, math.cos, Interval(0.0), PI)


def tan(x: Interval) -> Interval:
    if x.is_point and math.isinf(x.low):
        raise NoValueError("has no value")
    if not x.high - x.low < math.pi or _reaches(x, QUARTER_TURN, PI):
        return Interval(-INFINITY, INFINITY)
    return outward(math.tan(x.low), math.tan(x.high))


SINC_VALLEY, SINC_LOWEST, SINC_STEEPEST = 1.4302966531242027, -0.21723362821122167, 1.3704  # of sinc and of |sinc′|


def sinc(x: Interval) -> Interval:
    def quotient(x: Interval) -> Interval:
        return sin(PI * x) / (PI * x) if x.high else Interval(1.0)

    if x.is_point and math.isinf(x.low):
        raise NoValueError("has no value")
    return _pieces(abs(x), [SINC_VALLEY], [_falling(quotient), quotient]).within(SINC_LOWEST, 1.0)


def sinc_partials(out: Interval, x: Interval) -> list[Interval]:
    if x.high < 0:
        return [-slope for slope in sinc_partials(out, -x)]
    steepest = min(SINC_STEEPEST, 3.3 * max(-x.low, x.high))  # |sinc′(x)| ≤ π² |x| / 3
    falls = x.low >= 0 and x.high <= 1.43
    bound = Interval(-steepest, 0.0 if falls else steepest)
    if x.low < 0.1:
        return [bound]
    slope = (cos(PI * x) - sinc(x)) / x
    return [slope.within(bound.low, bound.high)]


# ---- hyperbolic functions and activations ----------------------------------------------------------------------------


def one_minus_square(x: Interval) -> Interval:
    return _falling(lambda x: (1.0 - x) * (1.0 + x))(abs(x))


def leaky_relu(x: Interval, slope: Interval) -> Interval:
    return _pieces(x, [0.0], [lambda x: slope * x, lambda x: x])


def elu(x: Interval, alpha: Interval) -> Interval:
    return _pieces(x, [0.0], [lambda x: alpha * interval(lookup("expm1")(x)), lambda x: x])


def _with_valley(f: Callable[[Interval], Interval], at: float, lowest: float) -> Callable[[Interval], Interval]:
    """The rule of a function that falls to its lowest value and rises from there, and is 0 at −∞."""

    def rule(x: Interval) -> Interval:
        if x.high == -INFINITY:
            raise NoValueError("has no value")
        out = _pieces(Interval(max(x.low, -LARGEST), x.high), [at], [_falling(f), _rising(f)])
        return Interval(max(out.low, lowest), max(out.high, 0.0) if x.low == -INFINITY else out.high)

    return rule


gelu = _with_valley(
    lambda x: 0.5 * x * interval(lookup("erfc")(-x / ROOT_2)),
    -0.7517915246935645, -0.16997120747990373,
)  # fmt: skip
silu = _with_valley(lambda x: x * interval(lookup("sigmoid")(x)), -1.2784645427610738, -0.27846454276107385)


def share(x: Interval, y: Interval) -> Interval:
    """Where neither is negative, x / (x + y) rises with x and falls with y."""
    if x.low < 0 or y.low < 0:
        return x / (x + y)
    low, high = Interval(x.low) / (Interval(x.low) + y.high), Interval(1.0)
    if y.low or x.high < INFINITY:
        high = Interval(x.high) / (Interval(x.high) + y.low) if x.high + y.low else Interval(0.0)
    out = outward(low.low, high.high)
    return Interval(max(out.low, 0.0), min(out.high, 1.0))

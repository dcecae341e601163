"""Rules of the power xʸ and of what its partials are made of: functions of Intervals, see `Primitive`."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

from microgradnn import formulas
from microgradnn.intervals.arithmetic import Interval, NoValueError, hull, outward
from microgradnn.intervals.elementary import log_of
from microgradnn.intervals.rounding import INFINITY
from microgradnn.primitive import lookup


def _power_at(x: float, y: float) -> Interval:
    """xʸ at one point of x ≥ 0, exact where it is one of the floats."""
    x = abs(x)  # no −0.0
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
        if x.low == -INFINITY and not (y.is_point and first == last):  # where C gives ∞ or 0 for every y
            parts.append(hull(_power_at(INFINITY, y.low), _power_at(INFINITY, y.high)))
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
    turn = [lookup("exp").limit([-1 / end]) if end else 0.0 for end in (y.low, y.high)]

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

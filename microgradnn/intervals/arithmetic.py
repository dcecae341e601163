"""Intervals [low, high] and their arithmetic, rounded outwards so that no number of an operation lies outside.

`+ − × ÷` round by at most one float, and not at all where the result is exact. An infinite end says "no bound": nothing
ever gets there, and 0 × ∞ is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from microgradnn.array_forms import LARGEST
from microgradnn.intervals.rounding import INFINITY, product_down, quotient_down, sum_down, total_down
from microgradnn.primitive import Primitive, lookup

SLACK = 8  # floats: 4 for a function of C at the end of an interval, 4 for the same at a point inside


class NoValueError(ValueError):
    """What a rule raises where its gate has no value: `enclose` says which gate, and where."""


class Interval:
    """All numbers from `low` to `high`, in the hands of rules: operators, `abs` and the gates of microgradnn take it.

    The same object as both operands is the same number: `x * x` is a square and `x - x` is 0. Without `high` it is the
    one number `low`.

    >>> Interval(-1.0, 5.0) * 2.0, Interval(0.0, 1.0) + Interval(0.1), 1.0 / Interval(0.0, 4.0)
    ([-2.0, 10.0], [0.1, 1.1], [0.25, inf])
    >>> x = Interval(-1.0, 5.0)
    >>> x.is_point, x.holds(0.0), x.within(low=0.0)
    (False, True, [0.0, 5.0])
    """

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float | None = None) -> None:
        self.low, self.high = low, low if high is None else high

    def __repr__(self) -> str:
        return f"[{self.low!r}, {self.high!r}]"

    def record_gate(self, gate: Primitive, operands: Sequence[Any]) -> Interval:
        """The `gate` of `operands`, of intervals and numbers: so rules are written with the functions of microgradnn.

        >>> Interval(0.0, 1.0).record_gate(lookup("exp"), [Interval(0.0)])
        [1.0, 1.0]
        """
        from microgradnn.intervals.enclosures import enclose

        return enclose(gate, [interval(x) for x in operands])

    @property
    def is_point(self) -> bool:
        """Whether it holds one number alone."""
        return self.low == self.high

    def holds(self, x: float) -> bool:
        """Whether the number `x` lies in it."""
        return self.low <= x <= self.high

    def within(self, low: float = -INFINITY, high: float = INFINITY) -> Interval:
        """The part from `low` to `high`; ValueError where there is none."""
        if self.low >= low and self.high <= high:
            return self
        if self.low > high or self.high < low:
            raise NoValueError(f"has no value: there is one from {low:g} to {high:g}")
        return Interval(max(self.low, low), min(self.high, high))

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __abs__(self) -> Interval:
        if self.low >= 0:
            return self
        return -self if self.high <= 0 else Interval(0.0, max(-self.low, self.high))

    def __add__(self, other: Any) -> Interval:
        other = interval(other)
        return Interval(sum_down(self.low, other.low), -sum_down(-self.high, -other.high))

    def __sub__(self, other: Any) -> Interval:
        return Interval(0.0) if self is other else self + -interval(other)

    def __rsub__(self, other: Any) -> Interval:
        return interval(other) - self

    def __mul__(self, other: Any) -> Interval:
        if self is other:
            self = other = abs(self)  # of one sign
        other = interval(other)
        a, b, c, d = self.low, self.high, other.low, other.high
        if c >= 0:
            return Interval(product_down(a, c if a >= 0 else d), -product_down(-b, d if b >= 0 else c))
        if d <= 0:
            return Interval(product_down(b, c if b >= 0 else d), -product_down(-a, d if a >= 0 else c))
        if a >= 0:
            return Interval(product_down(b, c), -product_down(-b, d))
        if b <= 0:
            return Interval(product_down(a, d), -product_down(-a, c))
        return Interval(min(product_down(a, d), product_down(b, c)), -min(product_down(-a, c), product_down(-b, d)))

    def __truediv__(self, other: Any) -> Interval:
        divisor = interval(other)
        a, b, c, d = self.low, self.high, divisor.low, divisor.high
        if c == d == 0:
            raise NoValueError("divides by 0")
        if d <= 0:
            return -self / -divisor
        if a == b == 0:
            return Interval(0.0)
        if c < 0:  # and 0 lies inside
            return Interval(-INFINITY, INFINITY)
        return Interval(quotient_down(a, d if a >= 0 else c), -quotient_down(-b, c if b >= 0 else d))

    __radd__, __rmul__ = __add__, __mul__

    def __rtruediv__(self, other: Any) -> Interval:
        return interval(other) / self

    def __pow__(self, other: Any) -> Any:
        return lookup("power")(self, other)

    def __rpow__(self, other: Any) -> Any:
        return lookup("power")(other, self)

    def __mod__(self, other: Any) -> Any:
        return lookup("remainder")(self, other)

    def __rmod__(self, other: Any) -> Any:
        return lookup("remainder")(other, self)

    def __float__(self) -> float:
        raise TypeError(
            f"a float is asked of the interval {self}: use the functions of microgradnn (microgradnn.sin, not "
            "math.sin), or its ends .low and .high"
        )

    def __lt__(self, other: Any) -> bool:
        raise TypeError(
            f"the interval {self} is no one number to decide by: use maximum, minimum, where or step, or its ends "
            ".low and .high"
        )

    __le__ = __gt__ = __ge__ = __lt__


def interval(x: Any) -> Interval:
    """A number as an interval; an interval as it is."""
    return x if x.__class__ is Interval else Interval(float(x))


def hull(*parts: Interval) -> Interval:
    """The smallest interval that holds all `parts`.

    >>> hull(Interval(0.0, 1.0), Interval(3.0))
    [0.0, 3.0]
    """
    return Interval(min([x.low for x in parts]), max([x.high for x in parts]))


def outward(low: float, high: float, slack: int = SLACK) -> Interval:
    """From `low` to `high` with `slack` floats of room; 0, which functions give only where it is exact, stays 0."""
    low = LARGEST if low == INFINITY else low - slack * math.ulp(low) if low and math.isfinite(low) else low
    high = -LARGEST if high == -INFINITY else high + slack * math.ulp(high) if high and math.isfinite(high) else high
    return Interval(low, high)


def total(terms: Sequence[Interval]) -> Interval:
    """The sum of many `terms`, whatever the order in which the numbers are added.

    >>> total([Interval(1.0, 2.0)] * 3)
    [3.0, 6.0]
    """
    if len(terms) < 3:
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]
    return Interval(total_down([x.low for x in terms]), -total_down([-x.high for x in terms]))

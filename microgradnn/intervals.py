"""Intervals [low, high] and what gates make of them, rounded outwards so that no number of a gate lies outside.

`+ − × ÷ √` are rounded outwards by at most one float, and not at all where the result is exact. For the functions of C,
which promise no last digits, an end has SLACK floats of room. An infinite end says "no bound": nothing ever gets
there, and 0 × ∞ is 0. This module knows numbers and entries of the table, and nothing of graphs; the rules that do not
fit in a line of the table are in `interval_forms`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from microgradnn.array_forms import LARGEST
from microgradnn.primitive import Primitive

INFINITY = math.inf
SLACK = 8  # floats: 4 for the function of C at the end of an interval, 4 for the same at a point inside
_UNIT = 2.0**-53  # relative error of one rounding


class NoValue(ValueError):
    """What a rule raises where its gate has no value: `enclose` says which gate, and where."""


class Interval:
    """All numbers from `low` to `high`, in the hands of rules: `+ − × ÷`, `abs` and the gates of microgradnn take it.

    The same object as both operands is the same number: `x * x` is a square and `x - x` is 0.

    >>> Interval(-1.0, 5.0) * 2.0, Interval(0.0, 1.0) + Interval(0.1), 1.0 / Interval(0.0, 4.0)
    ([-2.0, 10.0], [0.1, 1.1], [0.25, inf])
    """

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float | None = None) -> None:
        self.low, self.high = low, low if high is None else high

    def __repr__(self) -> str:
        return f"[{self.low!r}, {self.high!r}]"

    def record_gate(self, gate: Primitive, operands: Sequence[Any]) -> Interval:
        """The gate on intervals: so that rules are written with the functions of microgradnn."""
        return enclose(gate, [interval(x) for x in operands])

    @property
    def is_point(self) -> bool:
        return self.low == self.high

    def holds(self, x: float) -> bool:
        """Whether a number lies in it."""
        return self.low <= x <= self.high

    def within(self, low: float = -INFINITY, high: float = INFINITY) -> Interval:
        """The part from `low` to `high`; ValueError where there is none."""
        if self.low >= low and self.high <= high:
            return self
        if self.low > high or self.high < low:
            raise NoValue(f"has no value: there is one from {low:g} to {high:g}")
        return Interval(max(self.low, low), min(self.high, high))

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __abs__(self) -> Interval:
        if self.low >= 0:
            return self
        return -self if self.high <= 0 else Interval(0.0, max(-self.low, self.high))

    def __add__(self, other: Any) -> Interval:
        other = interval(other)
        return Interval(_sum_down(self.low, other.low), -_sum_down(-self.high, -other.high))

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
            return Interval(_product_down(a, c if a >= 0 else d), -_product_down(-b, d if b >= 0 else c))
        if d <= 0:
            return Interval(_product_down(b, c if b >= 0 else d), -_product_down(-a, d if a >= 0 else c))
        if a >= 0:
            return Interval(_product_down(b, c), -_product_down(-b, d))
        if b <= 0:
            return Interval(_product_down(a, d), -_product_down(-a, c))
        return Interval(
            min(_product_down(a, d), _product_down(b, c)), -min(_product_down(-a, c), _product_down(-b, d))
        )

    def __truediv__(self, other: Any) -> Interval:
        other = interval(other)
        a, b, c, d = self.low, self.high, other.low, other.high
        if c == d == 0:
            raise NoValue("divides by 0")
        if d <= 0:
            return -self / -other
        if a == b == 0:
            return Interval(0.0)
        if c < 0:  # and 0 lies inside
            return Interval(-INFINITY, INFINITY)
        return Interval(_quotient_down(a, d if a >= 0 else c), -_quotient_down(-b, c if b >= 0 else d))

    __radd__, __rmul__ = __add__, __mul__

    def __rtruediv__(self, other: Any) -> Interval:
        return interval(other) / self


ANYTHING = Interval(-INFINITY, INFINITY)


def interval(x: Any) -> Interval:
    """A number as an interval; an interval as it is."""
    return x if x.__class__ is Interval else Interval(float(x))


def hull(*parts: Interval) -> Interval:
    """The smallest interval that holds all parts.

    >>> hull(Interval(0.0, 1.0), Interval(3.0))
    [0.0, 3.0]
    """
    return Interval(min([x.low for x in parts]), max([x.high for x in parts]))


# ---- rounding: an upper end is minus the lower end of what is negated ------------------------------------------------


def _sum_down(a: float, b: float) -> float:
    total = a + b
    if total - total != 0.0:  # no finite number
        return _no_overflow(total, a, b)
    taken = total - a
    error = (a - (total - taken)) + (b - taken)
    return total if error >= 0 else math.nextafter(total, -INFINITY)


def _product_down(a: float, b: float) -> float:
    if a == 0.0 or b == 0.0:
        return 0.0
    if a == 1.0 or b == 1.0:  # often, and sooner
        return b if a == 1.0 else a
    product = a * b
    if product - product != 0.0:
        return _no_overflow(product, a, b)
    return math.nextafter(product, -INFINITY) if _excess(a, b, product) < 0 else product


def _quotient_down(a: float, b: float) -> float:
    """The quotient of `a` and of a `b` ≥ 0, which is the limit from above where it is 0."""
    if b == 0.0 or math.isinf(a):
        return 0.0 if a == 0.0 or (a > 0 and b == INFINITY) else math.copysign(INFINITY, a)
    quotient = a / b
    if math.isinf(b) or math.isinf(quotient):
        return _no_overflow(quotient, a, b)
    return math.nextafter(quotient, -INFINITY) if _excess(quotient, b, a) > 0 else quotient


def _no_overflow(result: float, a: float, b: float) -> float:
    """What may be said of a lower end that came out infinite or nan: too large a number is at least the largest."""
    if result == INFINITY:
        return result if math.isinf(a) or math.isinf(b) else LARGEST
    return result if result == result else -INFINITY


def _excess(a: float, b: float, product: float) -> int:
    """A whole number with the sign of a · b − product, without rounding."""
    n, d = a.as_integer_ratio()
    m, e = b.as_integer_ratio()
    p, q = product.as_integer_ratio()
    return n * m * q - p * d * e


def root_down(x: float) -> float:
    """The square root, rounded down.

    >>> root_down(4.0), root_down(2.0) ** 2 < 2.0
    (2.0, True)
    """
    root = math.sqrt(x)
    return math.nextafter(root, 0.0) if math.isfinite(x) and _excess(root, root, x) > 0 else root


def root_up(x: float) -> float:
    """The square root, rounded up."""
    root = math.sqrt(x)
    return math.nextafter(root, INFINITY) if math.isfinite(x) and _excess(root, root, x) < 0 else root


def outward(low: float, high: float, slack: int = SLACK) -> Interval:
    """From `low` to `high` with `slack` floats of room; 0, which functions give only where it is exact, stays 0."""
    low = LARGEST if low == INFINITY else low - slack * math.ulp(low) if low and math.isfinite(low) else low
    high = -LARGEST if high == -INFINITY else high + slack * math.ulp(high) if high and math.isfinite(high) else high
    return Interval(low, high)


def total(terms: Sequence[Interval]) -> Interval:
    """The sum of many, whatever the order in which the numbers are added.

    >>> total([Interval(1.0, 2.0)] * 3)
    [3.0, 6.0]
    """
    if len(terms) < 3:
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]
    return Interval(_total_down([x.low for x in terms]), -_total_down([-x.high for x in terms]))


def _total_down(terms: list[float]) -> float:
    size = sum([abs(x) for x in terms])
    if not size < INFINITY:
        return -INFINITY if min(terms) < 0 else LARGEST if INFINITY in terms else math.fsum(terms[:1])
    result = math.fsum(terms)
    if size < 2.0**32 and all([(x * 2.0**20).is_integer() for x in terms]):
        return result  # exact in any order
    return math.nextafter(result - len(terms) * _UNIT * size, -INFINITY)


# ---- gates -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Monotone:
    """The rule of a gate that rises, or falls, in each operand: its ends are the values at the ends of the operands.

    Where the gate has values is its `domain`; `even` makes it a function of |x|; no value lies outside of `range`; the
    ends have `slack` floats of room, 0 where the gate does not round.
    """

    rises: bool = True
    domain: tuple[float, float] = (-INFINITY, INFINITY)
    range: tuple[float, float] = (-INFINITY, INFINITY)
    even: bool = False
    slack: int = SLACK

    def ends(self, gate: Primitive, operands: Sequence[Interval]) -> Interval:
        """The interval of the gate's values."""
        xs = [abs(x) for x in operands] if self.even else operands
        at_low, at_high = [x.low for x in xs], [x.high for x in xs]
        if not self.rises:
            at_low, at_high = at_high, at_low
        low, high = gate.limit(at_low), gate.limit(at_high)
        if not low <= high:
            raise NoValue("has no value, or does not rise or fall as its interval= says")
        if not self.slack:
            return Interval(low, high)
        out = outward(low, high, self.slack)
        if out.high == 0.0 == self.range[0]:  # a positive number, too small for a float
            out.high = self.slack * math.ulp(0.0)
        return Interval(max(out.low, self.range[0]), min(out.high, self.range[1]))


def increasing(**limits: Any) -> Monotone:
    """The rule of a gate that rises, see `Monotone`: `increasing(domain=(0, inf))`."""
    return Monotone(True, **limits)


def decreasing(**limits: Any) -> Monotone:
    """The rule of a gate that falls, see `Monotone`."""
    return Monotone(False, **limits)


def enclose(gate: Primitive, operands: Sequence[Interval]) -> Interval:
    """All values of a gate at numbers of these intervals, as far as it has values there.

    Raises ValueError where it has none, TypeError for a gate of the user's own that gives no interval= and of which no
    slope says that it rises or falls.

    >>> from microgradnn.table import log, tanh
    >>> enclose(tanh, [Interval(0.0, 800.0)]), enclose(log, [Interval(-2.0, 1.0)])
    ([0.0, 1.0], [-inf, 0.0])
    """
    rule = gate.interval
    try:
        if rule is None:
            return _derived(gate, operands)
        if isinstance(rule, Monotone):
            return rule.ends(gate, inside(gate, operands))
        return interval(rule(*operands))
    except NoValue as error:
        raise ValueError(f"{gate.name}({', '.join(map(repr, operands))}) {error}") from None


def inside(gate: Primitive, operands: Sequence[Interval]) -> Sequence[Interval]:
    """The part of the operands at which a gate may have values; ValueError where there is none."""
    return [x.within(*gate.interval.domain) for x in operands] if isinstance(gate.interval, Monotone) else operands


def partials(gate: Primitive, out: Interval, operands: Sequence[Interval]) -> list[Interval | None]:
    """All local derivatives of a gate at numbers of these intervals; None where the table has none."""
    operands = inside(gate, operands)
    if gate.interval_partials is not None:
        found: Sequence[Any] = gate.interval_partials(out, *operands)
    else:
        found = gate.trace(len(operands)).run(out, operands, _line)
    return [None if x is None else interval(x) for x in found]


def _line(gate: Primitive, operands: Sequence[Any]) -> Interval:
    """A line of a trace; where it has no value no derivative is finite, or it is one that was not taken."""
    try:
        return enclose(gate, [interval(x) for x in operands])
    except ValueError:
        return ANYTHING


def _derived(gate: Primitive, operands: Sequence[Interval]) -> Interval:
    """By the signs of its slopes: of a smooth gate that rises or falls in each operand."""
    at_low, at_high, change = [], [], Interval(0.0)
    for x, slope in zip(operands, partials(gate, ANYTHING, operands), strict=True):
        if x.is_point:
            at_low.append(x.low)
            at_high.append(x.low)
            continue
        if slope is None or slope.low * slope.high < 0 or slope.is_point and slope.low == 0:
            break  # changes its sign, or is 0 as that of a jump
        change = change + abs(slope) * (x - Interval(x.low)).high
        ends = (x.low, x.high) if slope.high > 0 else (x.high, x.low)
        at_low.append(ends[0])
        at_high.append(ends[1])
    else:
        out = outward(gate.limit(at_low), gate.limit(at_high))
        if out.low <= out.high and math.isfinite(change.high):
            jump = (out.high - out.low) / change.high if change.high else 0.0
            if change.low / change.high * (1 - 1e-9) <= jump <= 1 + 1e-9: #
                return out
    raise TypeError(
        f"the gate {gate.name} says nothing of intervals, and no slope proves that it rises or falls over "
        f"{', '.join(map(repr, operands))}: give it interval=, a function of intervals, see microgradnn.intervals"
    )

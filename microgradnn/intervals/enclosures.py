"""What gates make of intervals: all their values and all their local derivatives over a box.

The rules are in the table, the longer ones in `elementary`, `powers` and `several`. For the functions of C, which
promise no last digits, an end has SLACK floats of room.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from microgradnn.intervals.arithmetic import SLACK, Interval, NoValueError, interval, outward
from microgradnn.intervals.rounding import INFINITY
from microgradnn.primitive import Primitive
from microgradnn.reading import number


@dataclass(frozen=True)
class Monotone:
    """The rule of a gate that `rises`, or falls, in each operand: its ends are the values at the ends of the operands.

    - `rises`: whether it rises, else it falls
    - `domain`: where the gate has values
    - `range`: outside of it lies no value
    - `even`: whether it is a function of |x|
    - `slack`: how many floats of room the ends have, 0 where the gate does not round

    >>> from microgradnn.table import relu
    >>> Monotone(slack=0).ends(relu, [Interval(-1.0, 2.0)])
    [0.0, 2.0]
    """

    rises: bool = True
    domain: tuple[float, float] = (-INFINITY, INFINITY)
    range: tuple[float, float] = (-INFINITY, INFINITY)
    even: bool = False
    slack: int = SLACK

    def ends(self, gate: Primitive, operands: Sequence[Interval]) -> Interval:
        """The interval of the values of `gate` for these `operands`."""
        xs = [abs(x) for x in operands] if self.even else operands
        at_low, at_high = [x.low for x in xs], [x.high for x in xs]
        if not self.rises:
            at_low, at_high = at_high, at_low
        low, high = gate.limit(at_low), gate.limit(at_high)
        if low != low and high != high:
            if all(x.is_point for x in operands):
                raise NoValueError("has no value")
            raise TypeError(
                f"{_call(gate, operands)} has no value at either end: say where it has some, "
                f"interval={'increasing' if self.rises else 'decreasing'}(domain=(low, high))"
            )
        low, high = -INFINITY if low != low else low, INFINITY if high != high else high  # it may be a pole
        out = outward(low, high, self.slack) if self.slack else Interval(low, high)
        if out.low > out.high:
            raise TypeError(
                f"{_call(gate, operands)} {'falls' if self.rises else 'rises'}: not what its interval= says"
            )
        if not self.slack:
            return out
        out.low = low if _exact(at_low, low) else out.low
        out.high = high if _exact(at_high, high) else out.high
        if out.high == 0.0 == self.range[0]:  # a positive number, too small for a float
            out.high = self.slack * math.ulp(0.0)
        return Interval(max(out.low, self.range[0]), min(out.high, self.range[1]))


def _exact(at: Sequence[float], value: float) -> bool:
    """Whether a function of C does not round: e⁰ is 1, and σ(0) ½."""
    return value in (0.5, 1.0) and at == [0.0]


def increasing(**limits: Any) -> Monotone:
    """The rule of a gate that rises, for `interval=` of a primitive; `limits` are those of `Monotone`.

    >>> increasing(domain=(0.0, 1.0)).rises
    True
    """
    return Monotone(True, **limits)


def decreasing(**limits: Any) -> Monotone:
    """The rule of a gate that falls, for `interval=` of a primitive; `limits` are those of `Monotone`.

    >>> decreasing(domain=(0.0, 1.0)).rises
    False
    """
    return Monotone(False, **limits)


def enclose(gate: Primitive, operands: Sequence[Interval]) -> Interval:
    """All values of `gate` at numbers of the intervals `operands`, as far as it has values there.

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
        out = rule(*operands)
    except NoValueError as error:
        raise ValueError(f"{_call(gate, operands)} {error}") from None
    if out.__class__ is Interval and out.low <= out.high:
        return out
    return interval(_proper(gate, operands, out))


def _proper(gate: Primitive, operands: Sequence[Interval], out: Any) -> float:
    """A rule may give a number; TypeError for anything else that is no interval."""
    with suppress(TypeError):
        if (x := number(out)) == x:
            return x
    raise TypeError(
        f"interval= of {gate.name} gives {out!r:.60} for {', '.join(map(repr, operands))}: it must give an "
        "Interval(low, high) with low ≤ high, as + − × ÷ and the functions of microgradnn do"
    )


def _call(gate: Primitive, operands: Sequence[Interval]) -> str:
    return f"{gate.name}({', '.join(map(repr, operands))})"


def inside(gate: Primitive, operands: Sequence[Interval]) -> Sequence[Interval]:
    """The part of the operands at which a gate may have values; ValueError where there is none."""
    return [x.within(*gate.interval.domain) for x in operands] if isinstance(gate.interval, Monotone) else operands


def partials(gate: Primitive, out: Interval, operands: Sequence[Interval]) -> list[Interval | None]:
    """All local derivatives of `gate`, its value in `out`, over the intervals `operands`; None where it has none.

    >>> from microgradnn.table import multiply
    >>> partials(multiply, Interval(0.0, 6.0), [Interval(0.0, 2.0), Interval(1.0, 3.0)])
    [[1.0, 3.0], [0.0, 2.0]]
    """
    operands = inside(gate, operands)
    if gate.interval_partials is not None:
        slopes: Sequence[Any] = gate.interval_partials(out, *operands)
    else:
        slopes = gate.trace(len(operands)).run(out, operands, _line)
    return [None if x is None else interval(x) for x in slopes]


def _line(gate: Primitive, operands: Sequence[Any]) -> Interval:
    """A line of a trace; where it has no value no derivative is finite, or it is one that was not taken."""
    try:
        return enclose(gate, [interval(x) for x in operands])
    except ValueError:
        return Interval(-INFINITY, INFINITY)  # an object of its own: the same one would be the same number


def _derived(gate: Primitive, operands: Sequence[Interval]) -> Interval:
    """By the signs of its slopes: of a smooth gate that rises or falls in each operand."""
    at_low, at_high, change = [], [], Interval(0.0)
    for x, slope in zip(operands, partials(gate, Interval(-INFINITY, INFINITY), operands), strict=True):
        if x.is_point:
            at_low.append(x.low)
            at_high.append(x.low)
            continue
        if slope is None or slope.low * slope.high < 0 or (slope.is_point and slope.low == 0):
            break  # changes its sign, or is 0 as that of a jump
        change = change + abs(slope) * (x - Interval(x.low)).high
        ends = (x.low, x.high) if slope.high > 0 else (x.high, x.low)
        at_low.append(ends[0])
        at_high.append(ends[1])
    else:
        out = outward(gate.limit(at_low), gate.limit(at_high))
        if out.low <= out.high and math.isfinite(change.high):
            jump = (out.high - out.low) / change.high if change.high else 0.0
            if change.low / (change.high or 1.0) * (1 - 1e-9) <= jump <= 1 + 1e-9:  # no pole or jump in between
                return out
    raise TypeError(
        f"the gate {gate.name} says nothing of intervals, and no slope proves that it rises or falls over "
        f"{', '.join(map(repr, operands))}: give it interval=, increasing() or a function of intervals, see "
        "microgradnn.intervals"
    )

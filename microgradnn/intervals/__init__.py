"""Intervals, and the rules by which gates take them: for entries of the table, and gates of one's own.

A rule gives all values of its gate over a box: `increasing()` or `decreasing()`, or a function of Intervals. This room
knows numbers and entries, and nothing of graphs: `bounds` does.

>>> from microgradnn import bounds, primitive, Value
>>> bump = primitive("bump", lambda x: 1 / (1 + x * x), lambda out, x: -2 * x * out * out,
...                  interval=lambda x: 1 / (1 + x * x))
>>> x = Value(0.5, "x")
>>> f = bump(x)
>>> bounds(f, {"x": (-1, 1)})[f][0]
(0.5, 1.0)
"""

from microgradnn.intervals.arithmetic import ANYTHING, Interval, hull, total
from microgradnn.intervals.enclosures import Monotone, decreasing, enclose, increasing, partials
from microgradnn.intervals.rounding import INFINITY

__all__ = [
    "ANYTHING", "INFINITY", "Interval", "Monotone", "decreasing", "enclose", "hull", "increasing", "partials", "total",
]  # fmt: skip

"""Forms of gates for arrays, where they do not fit in a line of the table: functions of `xp`, see `Primitive`."""

from __future__ import annotations

import math
import sys
from typing import Any

LARGEST = sys.float_info.max


def sinc(xp: Any, x: Any) -> Any:
    angle = xp.where(xp.equal(x, 0.0), 1.0, math.pi * x)
    return xp.where(xp.equal(x, 0.0), 1.0, xp.sin(angle) / angle)


def norm(xp: Any, xs: Any) -> Any:
    largest = xp.max(xp.abs(xs))
    scale: Any = 1e300  # no division by the largest: XLA would square what it divides by
    for lower, factor in ((1e-250, 1e200), (1e-140, 1.0), (1e140, 1e-160)):
        scale = xp.where(xp.greater(largest, lower), factor, scale)
    return xp.sqrt(xp.sum(xs * scale * (xs * scale))) / scale


def norm_partials(xp: Any, out: Any, xs: Any) -> tuple[Any]:
    return (xs / xp.where(xp.equal(out, 0.0), 1.0, out),)


def logistic_density(xp: Any, x: Any) -> Any:
    e = xp.exp(-xp.abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def tanh_partials(xp: Any, out: Any, x: Any) -> tuple[Any]:
    """4 e⁻²ˣ / (1 + e⁻²ˣ)² for x ≥ 0, where 2 / (1 + e⁻²ˣ) is 1 + out: 1 − out² would cancel."""
    root = (1.0 + xp.abs(out)) / xp.exp(xp.abs(x))
    return (root * root,)


def power_log(xp: Any, x: Any, y: Any, squared: bool = False) -> Any:
    root = xp.power(xp.abs(x), 0.5 * y)  # of xʸ, which XLA would make 0 below the normal numbers
    log = xp.log(xp.where(xp.less(y, 0.0), x, _nonzero(xp, x)))
    return root * log * (root * log if squared else root)


def power_log_squared(xp: Any, x: Any, y: Any) -> Any:
    return power_log(xp, x, y, squared=True)


def power_slope(xp: Any, x: Any, y: Any) -> Any:
    return y * xp.power(xp.where(xp.equal(y, 0.0), _nonzero(xp, x), x), y - 1)


def power_mixed(xp: Any, x: Any, y: Any) -> Any:
    base = xp.where(xp.equal(y, 0.0), _nonzero(xp, x), x)
    return xp.power(xp.abs(base), y - 1) * (1 + y * xp.log(xp.where(xp.greater(y, 1.0), _nonzero(xp, x), base)))


def inversion(xp: Any, x: Any, y: Any) -> Any:
    largest = xp.maximum(xp.abs(x), xp.abs(y))  # of x / h / h XLA would make x / h²
    scale = xp.where(xp.greater(largest, 1e-150), xp.where(xp.greater(largest, 1e150), 1e-160, 1.0), 1e300)
    return x * scale / (x * scale * (x * scale) + y * scale * (y * scale)) * scale


def _nonzero(xp: Any, x: Any) -> Any:
    return xp.where(xp.equal(x, 0.0), 1.0, x)


def finite(xp: Any, x: Any) -> Any:
    return xp.maximum(xp.minimum(x, LARGEST), -LARGEST)


def _below(xp: Any, xs: Any) -> Any:
    """The difference x − max of a stack, and 0 where both are the same infinity."""
    xs = finite(xp, xs)
    return xs - xp.max(xs)


def _exponentials(xp: Any, xs: Any) -> tuple[Any, Any]:
    """exp(x − max) of a stack, and Σ exp(x − max) − 1, which keeps what is small against the 1."""
    below = _below(xp, xs)
    peaks = xp.sign(below) + 1.0
    return xp.exp(below), xp.sum(xp.exp(below) - peaks) + (xp.sum(peaks) - 1.0)


def logsumexp(xp: Any, xs: Any) -> Any:
    return xp.max(xs) + xp.log1p(_exponentials(xp, xs)[1])


def logsumexp_partials(xp: Any, out: Any, xs: Any) -> tuple[Any]:
    exponentials, excess = _exponentials(xp, xs)
    return (exponentials / (excess + 1.0),)


class _Choice:
    """What arrays need for cross_entropy: exponentials relative to the peak, of the chosen operand and of the others.

    Products with `chosen`, 0s and a 1, cost much less than `where`; what may be infinite is cut off in front of them.
    """

    def __init__(self, xp: Any, index: Any, xs: Any) -> None:
        below, xs = _below(xp, xs), finite(xp, xs)
        self.chosen = xp.where(xp.equal(index, xp.indices(xs)), 1.0, 0.0)
        own = xp.sum(self.chosen * xs)
        lower = own - xp.max(xs)
        kept = xp.greater(xp.minimum(own, lower), -LARGEST)
        self.below = lower / xp.where(kept, 1.0, 0.0)  # −∞ where own or the peak was cut off, nan where all are −∞
        exponential = self.chosen * xp.exp(below)
        self.others = xp.exp(below) - exponential
        self.sum_of_others = xp.sum(self.others)
        self.excess = self.sum_of_others + (xp.sum(exponential) - 1.0)  # Σ exp(x − max) − 1


def cross_entropy(xp: Any, index: Any, xs: Any) -> Any:
    choice = _Choice(xp, index, xs)
    return xp.log1p(choice.excess) - choice.below


def cross_entropy_partials(xp: Any, out: Any, index: Any, xs: Any) -> tuple[None, Any]:
    choice = _Choice(xp, index, xs)
    return None, (choice.others - choice.chosen * choice.sum_of_others) / (choice.excess + 1.0)

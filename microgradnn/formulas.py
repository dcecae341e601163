"""What does not fit in a line of the table: forward functions and partials.

Forward functions take floats. Partials take (out, *operands) and are written with gates, which they look up by name, as
the table does not yet exist here; those of any number of operands are also called with floats, when a gate is recorded.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from microgradnn.primitive import lookup

# ---- forward functions that math does not have -----------------------------------------------------------------------


def power(x: float, y: float) -> float:
    out = x**y
    if isinstance(out, complex):
        raise ValueError("a negative base with a fractional exponent has no real power")
    return float(out)


def power_limit(x: float, y: float) -> float:
    if x < 0 and y % 1 != 0:
        return math.nan
    return math.copysign(math.inf, x) if y % 2 == 1 else math.inf


def _power_times(x: float, y: float, factor: Callable[[float], float], vanishes: bool) -> float:
    """xʸ · factor(ln x) by IEEE 754; at x = 0 with 0 in place of ln 0 where the product `vanishes`."""
    if x < 0:
        return math.nan
    x = abs(x)  # no −0.0
    try:
        left = power(x, y)
    except ArithmeticError:
        left = power_limit(x, y)
    return left * factor(math.log(x) if x else 0.0 if vanishes else -math.inf)


def power_slope(x: float, y: float) -> float:
    return y * power(x if x or y else 1.0, y - 1)


def power_log(x: float, y: float) -> float:
    return _power_times(x, y, lambda log: log, not y < 0)


def power_log_squared(x: float, y: float) -> float:
    return _power_times(x, y, lambda log: log * log, not y < 0)


def power_mixed(x: float, y: float) -> float:
    return _power_times(x if x or y else 1.0, y - 1, lambda log: 1 + y * log, y > 1)


def circle_inversion(x: float, y: float) -> float:
    h = math.hypot(x, y)
    return x / h / h


def logistic_density(x: float) -> float:
    e = math.exp(-abs(x))
    return float(e / (1.0 + e) ** 2)


def sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def softsign(x: float) -> float:
    return x / (1.0 + abs(x)) if abs(x) != math.inf else math.copysign(1.0, x)


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x if x != x else 0.0


def extreme(choose: Callable[[Sequence[float]], float]) -> Callable[..., float]:
    return lambda *xs: math.nan if any(x != x for x in xs) else choose(xs)


def logsumexp(*xs: float) -> float:
    peak = max(range(len(xs)), key=xs.__getitem__)
    m = xs[peak]
    if any(x != x for x in xs):
        return math.nan
    if math.isinf(m):
        return m
    return m + math.log1p(sum(math.exp(x - m) for i, x in enumerate(xs) if i != peak))


def sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0


def xlogy(x: float, y: float) -> float:
    return 0.0 if x == 0 and y == y else x * math.log(y)


def floor(x: float) -> float:
    return float(math.floor(x)) if x and math.isfinite(x) else x


def norm(*xs: float) -> float:
    return math.nan if any(x != x for x in xs) else math.hypot(*xs)


def shift(x: float, m: float) -> float:
    return 0.0 if x == m else x - m


def cross_entropy(index: float, *xs: float) -> float:
    own, peak = select(index, *xs), extreme(max)(*xs)
    if peak == -math.inf:  # nothing is possible
        return math.nan
    others = sum([math.exp(shift(x, peak)) for n, x in enumerate(xs) if n != index])
    return shift(peak, own) + math.log1p(others + math.expm1(shift(own, peak)))


sum_of_products: Callable[[Sequence[float], Sequence[float]], float] = getattr(
    math, "sumprod", lambda w, x: sum(map(operator.mul, w, x))
)


def dot(*operands: float) -> float:
    half = len(operands) // 2
    return sum_of_products(operands[:half], operands[half:-1]) + operands[-1]


def select(index: float, *xs: float) -> float:
    if not (index % 1 == 0 and 0 <= index < len(xs)):
        last = len(xs) - 1
        raise ValueError(f"the index must be a whole number from 0 to {last}, got {index!r}: places count from 0")
    return xs[int(index)]


def handed_by_select(out: float, operands: Sequence[Any]) -> list[float | None]:
    """What the partials of select hand on, at once: a table that is read may have many places."""
    index, *xs = operands
    chosen = index if index.__class__ is float else index._data
    return [None, *(1.0 if n == chosen and x.__class__ is not float else None for n, x in enumerate(xs))]


def argmax(*xs: float) -> float:
    return float(max(range(len(xs)), key=lambda n: (xs[n] != xs[n], xs[n])))


def clipped_log(x: float, lowest: float) -> float:
    return math.log(x if x < 0 or x > lowest or x != x else lowest)


# ---- partials --------------------------------------------------------------------------------------------------------


def log_above(x: Any, y: Any, least: float) -> Any:
    """The factor ln x, with 0 for ln 0 where y is above `least`: the power in front of it is 0 there."""
    equal, where, log = lookup("equal"), lookup("where"), lookup("log")
    return log(x + equal(x, 0.0) * where(y - least, 1.0, 0.0))


def slope_of_power(x: Any, y: Any) -> Any:
    """∂(xʸ)/∂x; where y is 0 a product with y, of which a constant 0 makes nothing, and 1 instead of 0 in 0**-1."""
    where, equal, abs_, slope = lookup("where"), lookup("equal"), lookup("abs"), lookup("power_slope")
    return where(abs_(y), slope(x, y), y * (x + equal(x, 0.0)) ** (y - 1))


def slope_of_sinc(x: Any) -> Any:
    """(cos πx − sinc x) / x, and near 0, where that would cancel, its series: Σ (−1)ᵏ π²ᵏ 2k x²ᵏ⁻¹ / (2k + 1)!."""
    where, far = lookup("where"), x * x - 0.1
    beyond, near, series = where(far, x, 1.0), where(far, 0.0, x), 0.0
    for k in range(10, 0, -1):
        series = (-1) ** k * math.pi ** (2 * k) * 2 * k / math.factorial(2 * k + 1) + near * near * series
    return where(far, (lookup("cos")(math.pi * beyond) - lookup("sinc")(beyond)) / beyond, near * series)


def partials_of_cross_entropy(out: Any, index: Any, *xs: Any) -> list[Any]:
    """The softmax, but by the chosen operand minus what the others have: the 1 less there would cancel."""
    where, equal, minus = _quickest((index, *xs), "where", "equal", "negative")
    share, parts = _parts(xs)
    return [None] + [
        where(equal(index, float(n)), minus(share(others, own)), share(own, others))
        for n, (own, others) in enumerate(parts)
    ]


def partials_of_logsumexp(*xs: Any) -> list[Any]:
    """exp(xᵢ) / Σ exp(xⱼ), the partials of logsumexp."""
    share, parts = _parts(xs)
    return [share(own, others) for own, others in parts]


def _parts(xs: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
    """What is called with own and others for a share of Σ exp(x), and these two for each of `xs`.

    Of two the share is the sigmoid of their difference; of more, exponentials stand relative to the maximum: exact
    where exp(x - out) has lost digits.
    """
    if len(xs) == 2:
        sigmoid, shift = _quickest(xs, "sigmoid", "shift")
        return lambda own, others: sigmoid(shift(own, others)), [xs, xs[::-1]]
    share, maximum, exp, shift = _quickest(xs, "share", "maximum", "exp", "shift")
    peak = maximum(*xs)
    exponentials = [exp(shift(x, peak)) for x in xs]
    return share, list(zip(exponentials, _totals_of_others(exponentials, operator.add), strict=True))


def _totals_of_others(xs: list[Any], add: Callable[..., Any]) -> list[Any]:
    """For each of `xs` the total of the others, without a difference that could cancel: of pairs, then within them."""
    if len(xs) < 3:
        return [0.0] if len(xs) == 1 else xs[::-1]
    pairs = [xs[n : n + 2] for n in range(0, len(xs), 2)]
    of_pairs = [add(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    totals: list[Any] = []
    for pair, others in zip(pairs, _totals_of_others(of_pairs, add), strict=True):
        totals += [add(others, x) for x in pair[::-1]] if len(pair) == 2 else [others]
    return totals


def _quickest(operands: Sequence[Any], *gates: str) -> list[Callable[..., Any]]:
    """What does the same as the gates, sooner: to floats alone, or to Values."""
    if set(map(type, operands)) == {float}:
        return [lookup(gate).forward for gate in gates]
    return [lookup(gate).quick for gate in gates]


def partials_of_norm(out: Any, *xs: Any) -> list[Any]:
    """The cosine of the angle to each axis, of the operand and the norm of the others: xᵢ / out cancels in ∂/∂xᵢ.

    Where a pair of them is 0 its length has a kink, and xᵢ / out has none.
    """
    where, hypot, cosine = lookup("where"), lookup("hypot"), lookup("direction_cosine")
    pairs = [sum(map(abs, xs[n + 1 : n + 2]), abs(xs[n])) for n in range(0, len(xs), 2)]
    smooth = lookup("minimum")(*pairs) if len(xs) > 2 else out
    length = where(out, out, 1.0)
    totals = _totals_of_others(list(xs), lambda x, y: hypot(x, where(smooth, y, 1.0)))
    return [
        where(out, where(smooth, cosine(x, where(smooth, others, 1.0)), x / length), 0.0)
        for x, others in zip(xs, totals, strict=True)
    ]


def partials_of_ties(out: Any, *xs: Any) -> list[Any]:
    equal, where = lookup("equal"), lookup("where")
    ties = [equal(x, out) for x in xs]
    share = 1 / lookup("sum")(*ties)
    other = where(equal(out, out), 0.0, out)  # nan where one of them is nan
    return [where(tie, share, other) for tie in ties]


def shared_partials_of_dot(weights: Any, inputs: Any) -> tuple[Any, Any, float]:
    """The partials of Σ wᵢ xᵢ + b: xᵢ by wᵢ, wᵢ by xᵢ, and 1 by b."""
    return inputs, weights, 1.0


def partials_of_dot(out: Any, *operands: Any) -> list[Any]:
    half = len(operands) // 2
    by_weights, by_inputs, by_bias = shared_partials_of_dot(operands[:half], operands[half:-1])
    return [*by_weights, *by_inputs, by_bias]

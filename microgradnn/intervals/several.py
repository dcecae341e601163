"""Rules of gates of any number of operands: functions of Intervals, see `Primitive`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from microgradnn.intervals.arithmetic import Interval, NoValueError, hull, interval, outward, total
from microgradnn.intervals.elementary import direction_cosine
from microgradnn.primitive import lookup


def sum_(*xs: Interval) -> Interval:
    return total(xs)


def dot(*operands: Interval) -> Interval:
    half = len(operands) // 2
    products = [w * x for w, x in zip(operands[:half], operands[half:-1], strict=True)]
    return total([*products, operands[-1]])


def norm(*xs: Interval) -> Interval:
    sizes = [abs(x) for x in xs]
    if len(sizes) == 1:
        return sizes[0]
    low, high = math.hypot(*(x.low for x in sizes)), math.hypot(*(x.high for x in sizes))
    return outward(low, high)


def norm_partials(out: Interval, *xs: Interval) -> list[Interval]:
    """The cosines; they hold 0, which the partials are where all is 0, as soon as the operand may be 0."""
    return [direction_cosine(x, norm(*xs[:n], *xs[n + 1 :], Interval(0.0))) for n, x in enumerate(xs)]


def _tied(candidates: list[bool], xs: Sequence[Interval]) -> list[Interval]:
    """The partials of an extreme, given which operands may be it: an only one has 1."""
    if sum(candidates) == 1:
        return [Interval(float(candidate)) for candidate in candidates]
    equals = all(x.is_point for x, candidate in zip(xs, candidates, strict=True) if candidate)
    certain = Interval(1 / sum(candidates)) if equals else Interval(0.0, 1.0)
    return [certain if candidate else Interval(0.0) for candidate in candidates]


def maximum_partials(out: Interval, *xs: Interval) -> list[Interval]:
    reached = max(x.low for x in xs)
    return _tied([x.high >= reached for x in xs], xs)


def minimum_partials(out: Interval, *xs: Interval) -> list[Interval]:
    return maximum_partials(-out, *(-x for x in xs))


def argmax(*xs: Interval) -> Interval:
    reached = max(x.low for x in xs)
    first = [n for n, x in enumerate(xs) if x.high >= reached]
    return Interval(float(first[0]), float(first[-1]))


def _labels(index: Interval, xs: Sequence[Interval]) -> list[int]:
    labels = [label for label in range(len(xs)) if index.holds(label)]
    if not labels:
        raise NoValueError(f"has no value: the index must be a whole number from 0 to {len(xs) - 1}")
    return labels


def select(index: Interval, *xs: Interval) -> Interval:
    return hull(*(xs[label] for label in _labels(index, xs)))


def _log_of_exponentials(xs: Sequence[Interval]) -> Interval:
    """The logarithm of Σ eˣ, of intervals that are hardly more than points."""
    peak = max(range(len(xs)), key=lambda n: xs[n].high)
    if math.isinf(xs[peak].high) or len(xs) == 1:
        return xs[peak]
    rest = [_exp(x - xs[peak]) for n, x in enumerate(xs) if n != peak]
    return xs[peak] + interval(lookup("log1p")(total(rest)))


def _exp(x: Interval) -> Interval:
    return interval(lookup("exp")(x))


def _at_corners(f: Callable[[float, list[float]], Interval], own: int, xs: Sequence[Interval]) -> Interval:
    """The values of f of one operand and the others, which falls with the one and rises with the others."""
    others = [x for n, x in enumerate(xs) if n != own]
    return outward(f(xs[own].high, [x.low for x in others]).low, f(xs[own].low, [x.high for x in others]).high)


def logsumexp(*xs: Interval) -> Interval:
    lows, highs = [Interval(x.low) for x in xs], [Interval(x.high) for x in xs]
    return outward(_log_of_exponentials(lows).low, _log_of_exponentials(highs).high)


def _odds_against(own: int, xs: Sequence[Interval]) -> Interval:
    """Σ exp(xⱼ − xᵢ) over the others: the softmax of xᵢ is 1 / (1 + Σ)."""
    if len(xs) == 1:
        return Interval(0.0)
    return _at_corners(lambda x, others: total([_exp(Interval(other) - x) for other in others]), own, xs)


def _share(odds: Interval) -> Interval:
    share = 1.0 / (1.0 + odds)
    return Interval(max(outward(share.low, 1.0).low, 0.0), min(outward(0.0, share.high).high, 1.0))


def logsumexp_partials(out: Interval, *xs: Interval) -> list[Interval]:
    return [_share(_odds_against(n, xs)) for n in range(len(xs))]


def cross_entropy(index: Interval, *xs: Interval) -> Interval:
    """The logarithm of Σ exp(xⱼ − xᵢ), of the chosen xᵢ."""

    def of(x: float, others: list[float]) -> Interval:
        return _log_of_exponentials([Interval(0.0), *(Interval(other) - x for other in others)])

    return hull(*(_at_corners(of, label, xs) for label in _labels(index, xs)))


def cross_entropy_partials(out: Interval, index: Interval, *xs: Interval) -> list[Interval | None]:
    """The softmax; of the chosen operand 1 less, which is minus the share of the others."""
    labels = _labels(index, xs)
    slopes: list[Interval | None] = [None]
    for n in range(len(xs)):
        odds = _odds_against(n, xs)
        if n in labels:
            chosen = -_share(1.0 / odds) if odds.high else Interval(0.0)
            slopes.append(chosen if len(labels) == 1 else hull(chosen, _share(odds)))
        else:
            slopes.append(_share(odds))
    return slopes

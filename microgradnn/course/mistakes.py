"""The mistakes that any number and any function may come of: sign, reciprocal, factor, decimal point, rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Slip = tuple[Any, str]  # what a mistake leads to, and the hint


def fit(x: float, truth: float, digits: int | None) -> bool:
    """Whether `x` is the truth, or rounds to it in so many significant digits.

    >>> fit(0.2, 0.1966, 2), fit(0.19, 0.1966, 2), fit(0.2, 0.1966, None)
    (True, False, False)
    """
    if digits is None or not truth:
        return math.isclose(x, truth, rel_tol=1e-9, abs_tol=1e-12)
    unit = 10.0 ** (math.floor(math.log10(abs(truth))) + 1 - digits)
    return abs(x - truth) <= unit / 2 * (1 + 1e-9)


def hint_for(x: float, truth: float, digits: int | None, slips: Sequence[Slip], hint: str) -> str | None:
    """The hint for a number, None where it is right."""
    if fit(x, truth, digits):
        return None
    told = [sentence for slipped, sentence in slips if fit(x, float(now(slipped)), digits)]
    return told[0] if told else _general(x, truth, digits) or hint


def _general(x: float, truth: float, digits: int | None) -> str | None:
    """The mistakes that any number may come of."""
    if not math.isfinite(x) or not x or not truth:
        return None
    if fit(-x, truth, digits):
        return "the size is right, the sign is not."
    if fit(1 / x, truth, digits):
        return "that is one over it: what is divided by what?"
    if fit(x / 2, truth, digits) or fit(2 * x, truth, digits):
        return "you are off by a factor of 2."
    if any(fit(x * 10.0**power, truth, digits) for power in (-3, -2, -1, 1, 2, 3)):
        return "the digits are right, the decimal point is not."
    if abs(x - truth) <= 0.05 * abs(truth):
        asked = f"{digits} right digits are asked for" if digits else 'the exact number is asked for, perhaps as "1/3"'
        return f"that is close, but {asked}: round only at the end."
    return None


def everywhere(pairs: Sequence[tuple[float, float]]) -> str | None:
    """What is wrong with a function everywhere in the same way, from its results and the right ones."""

    def same(numbers: Sequence[float]) -> bool:
        return all(fit(x, numbers[0], None) for x in numbers)

    if all(fit(-x, true, None) for x, true in pairs):
        return "the sign is the wrong way round everywhere."
    if same([x - true for x, true in pairs]):
        return "it is off by the same amount everywhere."
    if all(x and true for x, true in pairs):
        if same([x / true for x, true in pairs]):
            return "it is off by the same factor everywhere."
        if all(fit(x * true, 1.0, None) for x, true in pairs):
            return "that is one over it everywhere."
    return None


def now(x: Any) -> Any:
    """A truth that is computed when it is needed, or as it stands."""
    return x() if callable(x) else x

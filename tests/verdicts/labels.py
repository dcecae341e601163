"""The labels that the judge gives a case: for those that a program makes, and to test those written by hand."""

from __future__ import annotations

import math
from typing import Any

from microgradnn.trees import leaves
from tests.verdicts.case import Case, healthy, planted, worst
from tests.verdicts.judge import (
    NO_VALUE,
    claimed,
    claimed_second,
    distance,
    largest,
    on_point,
    true_second_slopes,
    true_slopes,
    verdict,
)  # fmt: skip


def first_labels(case: Case) -> tuple[tuple[str, ...] | None, float]:
    """A label for each number, and the largest relative error of those that are wrong; None where one is unclear."""
    slopes = true_slopes(case.in_mpmath, case.args)
    size = largest(slopes) or _per_number(case)  # where all are 0
    return _judged(slopes, *_claims(case, claimed), size)


def second_label(case: Case) -> tuple[str | None, float]:
    """The gravest label of the case at orders 1 and 2, None where it is unclear; and the largest error at order 2."""
    first, size = first_labels(case)
    if first is None or set(first) != {"right"}:
        return first and worst(first), size
    slopes = [slope for row in true_second_slopes(case.in_mpmath, case.args) for slope in row]
    scale = max(largest(slopes), largest(true_slopes(case.in_mpmath, case.args))) or _per_number(case)
    labels, size = _judged(slopes, *_claims(case, claimed_second), scale)
    return labels and worst(labels), size


def _per_number(case: Case) -> float:
    """The size of the value beside that of the smallest number of the point."""
    try:
        value = abs(float(on_point(case.in_mpmath, case.args)(leaves(case.args))))
    except NO_VALUE:
        return 0.0
    return value / min((abs(x) for x in leaves(case.args) if x), default=1.0)


def sized(case: Case) -> Case:
    """The case with the relative error of its rules, as the judge finds it."""
    return case._replace(size=first_labels(case)[1] or second_label(case)[1])


def _claims(case: Case, claim: Any) -> tuple[list[float], list[float]]:
    """What the rules claim, as they are planted and as they should be."""
    with planted(case) as f:
        claims = _numbers(claim, f, case.args)
    if not case.plants:
        return claims, claims
    with healthy(case) as f:
        return claims, _numbers(claim, f, case.args)


def _numbers(claim: Any, f: Any, args: tuple[Any, ...]) -> list[float]:
    try:
        return leaves(claim(f, args))
    except NO_VALUE:
        return [math.nan] * len(leaves(args)) ** 2


def _judged(
    slopes: list[Any], claims: list[float], sound: list[float], scale: Any
) -> tuple[tuple[str, ...] | None, float]:
    labels, error = [], 0.0
    for slope, claim, right in zip(slopes, claims, sound, strict=False):
        labels.append(verdict(slope, claim, right, scale))
        if labels[-1] in ("wrong", "off") and slope.smooth:
            error = max(error, distance(claim, slope.right, 0))
    return (None if None in labels else tuple(map(str, labels))), error

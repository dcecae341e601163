"""The check of a gradient that somebody else computes: of any Python function of floats, lists or NumPy arrays.

There are no gates here and no rules: only numbers, held against the slopes of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from microgradnn.checks import floats
from microgradnn.checks.arguments import places_of, spread, without_tensors
from microgradnn.checks.proofs import judge
from microgradnn.checks.slopes import Slope
from microgradnn.checks.truth import Truth, estimated, proven, steady
from microgradnn.checks.verdicts import Judged, Report
from microgradnn.checks.wide import MP
from microgradnn.reading import number
from microgradnn.trees import like, matched
from microgradnn.value import Value

RTOL = 1e-9  # of claims in double precision
COARSE = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 0.1}
ROUNDINGS = 64  # so many roundings of the arguments may be in a claim


def report_claims(
    f: Callable[..., Any], args: tuple[Any, ...], point: Sequence[float], of: Callable[..., Any], rtol: float | None
) -> Report:
    """The report on the gradient `of(*args)` of a function, see `report_grads`."""
    coarse = False

    def value(numbers: Sequence[float]) -> list[float]:
        nonlocal coarse
        result = f(*like(args, iter(numbers)))
        results = spread(result)
        if isinstance(result, (list, tuple, dict)) or len(results) != 1:
            raise TypeError(f"of= claims the gradient of one number, f returned {len(results)}: sum them or choose one")
        coarse = coarse or _rtol(result) > RTOL
        return [x.data if isinstance(x, Value) else number(x) for x in results]

    steady(lambda: value(point))
    given = of(*like(args, iter(point)))
    claims = _claims(given, args)
    rtol = _rtol(given) if rtol is None else rtol
    truth = Truth(f, f, args, point)
    findings = []
    for n, (place, claim) in enumerate(zip(places_of(args), claims, strict=True)):
        if truth.lost:

            def moved(x: float, n: int = n) -> list[float]:
                return value([*point[:n], x, *point[n + 1 :]])

            judged = estimated(claim, floats.slopes(moved, point[n])[0], rtol)
        else:
            judged = _proven(truth, point, n, claim, rtol)
        what = f"the derivative by {place} = {point[n]!r}"
        claimed = f"{what} was claimed to be {claim!r}, it is {judged.numeric!r}"
        doubt = (
            "f computes in less than double precision, let it compute in float64"
            if coarse
            else "rounding may be to blame"
        )
        message = {
            "right": f"{what} is right",
            "wrong": f"{claimed}{judged.between() and ': '}{judged.between()}",
            "noisy": f"undecided: {claimed}, and {doubt}",
        }.get(judged.verdict) or judged.no_slope(what, "the claim is")
        findings.append(judged.finding(place, message))
    return Report(tuple(findings), f"differences of floats were used: {truth.lost}" * bool(truth.lost))


def _slope(truth: Truth, point: Sequence[float], n: int) -> Slope:
    return truth.slopes([[float(n == m) for m in range(len(point))]], point=point)[0]


def _proven(truth: Truth, point: Sequence[float], n: int, claim: float, rtol: float) -> Judged:
    slope = _slope(truth, point, n)
    _, true, verdict = judge(MP.mpf(claim), slope, lambda: MP.mpf(claim), rtol)
    if verdict == "wrong" and slope.kind == "smooth":
        if claim == float(true):
            verdict = "right"
        elif abs(claim - true) <= ROUNDINGS * _wobble(truth, point, n, true):
            verdict = "noisy"
    return proven(claim, true, verdict, slope)


def _wobble(truth: Truth, point: Sequence[float], n: int, true: Any) -> Any:
    """How far the derivative moves where each argument changes in its last bit: no claim in floats can be closer."""
    total = MP.zero
    for m, x in enumerate(point):
        moved = _slope(truth, [*point[:m], x * (1 + floats.EPSILON), *point[m + 1 :]], n)
        total += abs(moved.right - true) if moved.kind == "smooth" else 0
    return total


def _claims(given: Any, args: tuple[Any, ...]) -> list[float]:
    """The claimed numbers; ValueError where they are not nested like the arguments."""
    numbers = without_tensors(given)
    for pattern in (args, *args[: len(args) == 1], [0.0] * len(spread(args))):
        with suppress(ValueError):
            return [x.data if isinstance(x, Value) else number(x) for x in matched(numbers, pattern)]
    raise ValueError(
        "of= must return a number for each number of the arguments, nested like them: "
        f"got {given!r:.60} for {args!r:.60}"
    )


def _rtol(given: Any) -> float:
    """How far numbers of the coarsest precision among these may be off."""
    if isinstance(given, (list, tuple)):
        return max(map(_rtol, given), default=RTOL)
    if isinstance(given, dict):
        return _rtol(list(given.values()))
    return COARSE.get(str(getattr(given, "dtype", "")).rpartition(".")[2], RTOL)

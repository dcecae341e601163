"""The check of a gradient that somebody else computes: of any Python function of floats, lists or NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from microgradnn.checks import floats
from microgradnn.checks.arguments import places_of, rebuilt, shape_of, spread
from microgradnn.checks.slopes import Slope, same
from microgradnn.checks.truth import Truth
from microgradnn.checks.verdicts import Finding, Report, Verdict, distance, no_slope
from microgradnn.reading import number
from microgradnn.value import Value

RTOL, RTOL_SINGLE = 1e-9, 1e-4  # of claims in double and in single precision
ULP = 2.0**-52


def report_claims(
    f: Callable[..., Any], args: tuple[Any, ...], point: Sequence[float], of: Callable[..., Any], rtol: float | None
) -> Report:
    """The report on the gradient `of(*args)` of a function, see `report_grads`."""

    def value(numbers: Sequence[float]) -> float:
        result = f(*rebuilt(args, iter(numbers)))
        results = spread(result)
        if isinstance(result, (list, tuple, dict)) or len(results) != 1:
            raise TypeError(f"of= claims the gradient of one number, f returned {len(results)}: sum them or choose one")
        return results[0].data if isinstance(results[0], Value) else number(results[0])

    first, second = value(point), value(point)
    if first != second and (first == first or second == second):
        raise ValueError(
            f"f gave {first!r}, and {second!r} when it was called again: it draws by chance or keeps state, which leaves "
            "no derivative to check"
        )
    given = of(*rebuilt(args, iter(point)))
    claims = _claims(given, args)
    rtol = rtol if rtol is not None else RTOL_SINGLE if _single(given) else RTOL
    truth = Truth(f, f, args, point)
    findings = []
    for n, (place, claimed) in enumerate(zip(places_of(args), claims, strict=True)):
        what = f"the derivative by {place} = {point[n]!r}"
        if truth.lost:
            [estimate] = floats.slopes(lambda x, n=n: [value([*point[:n], x, *point[n + 1 :]])], point[n])
            verdict, numeric, error, own_error = floats.verdict(claimed, estimate, rtol)
            sides, kind = [estimate.left, estimate.right], estimate.kind
        else:
            slope = _slope(truth, point, n)
            verdict, numeric = _judged(claimed, slope, rtol, lambda true, n=n: _wobble(truth, point, n, true))
            error, own_error = distance(claimed, numeric), float(slope.noise)
            sides, kind = [None if side is None else float(side) for side in (slope.left, slope.right)], slope.kind
        message = {
            "right": f"{what} is right",
            "wrong": f"{what} was claimed to be {claimed!r}, it is {numeric!r}",
            "noisy": f"undecided: {what} was claimed to be {claimed!r}, it is {numeric!r}, but so few digits are left that "
            "rounding may be to blame",
        }.get(verdict) or no_slope(what, sides, kind, f"the claim is {claimed!r}")
        by = "differences" if truth.lost else "proof"
        findings.append(Finding(place, claimed, numeric, error, own_error, verdict, by, None, message))
    return Report(tuple(findings), f"{truth.lost}: differences of floats were used" if truth.lost else "")


def _slope(truth: Truth, point: Sequence[float], n: int) -> Slope:
    return truth.slopes([[float(n == m) for m in range(len(point))]], point)[0]


def _judged(claimed: float, slope: Slope, rtol: float, wobble: Callable[[Any], Any]) -> tuple[Verdict, float]:
    """The verdict on a claim, and what is true."""
    if slope.kind == "edge":
        return "outside", float("nan")
    if slope.kind != "smooth":
        if slope.between(claimed):
            return "kink", claimed
        return "wrong", float(min(slope.left, slope.right, key=lambda side: abs(side - claimed)))
    true = slope.right
    if same(claimed, true, slope.noise + rtol * abs(true)) or claimed == float(true):
        return "right", float(true)
    return "noisy" if abs(claimed - true) <= 64 * wobble(true) else "wrong", float(true)


def _wobble(truth: Truth, point: Sequence[float], n: int, true: Any) -> Any:
    """How far the derivative moves where the arguments change in their last bit: no claim in floats can be closer."""
    moved = [_slope(truth, [x * (1 + sign * ULP) for x in point], n) for sign in (-1, 1)]
    return max((abs(slope.right - true) for slope in moved if slope.kind == "smooth"), default=0)


def _claims(given: Any, args: tuple[Any, ...]) -> list[float]:
    """The claimed numbers; ValueError where they are not nested like the arguments."""
    claims, shape = spread(given), shape_of(given)
    if shape not in (shape_of(args), shape_of(list(range(len(spread(args)))))) and (
        len(args) > 1 or shape != shape_of(args[0])
    ):
        raise ValueError(
            f"of= must return a number for each number in the arguments, nested like them: got {given!r:.60} for {args!r:.60}"
        )
    return [claim.data if isinstance(claim, Value) else number(claim) for claim in claims]


def _single(given: Any) -> bool:
    """Whether some of the claims come in single precision or less."""
    if isinstance(given, (list, tuple)):
        return any(map(_single, given))
    if isinstance(given, dict):
        return any(map(_single, given.values()))
    return any(name in str(getattr(given, "dtype", "")) for name in ("float32", "float16", "bfloat16"))

"""The check of a function of Values: the derivatives that its rules give beside what is true of it as a whole.

Gate by gate a wrong rule is named. The whole finds what gates cannot: a path that is lost, kinks that cancel, digits
that cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from operator import mul
from random import Random
from typing import Any, Literal

from microgradnn.anomalies import at_line
from microgradnn.checks import floats
from microgradnn.checks.arguments import places_of
from microgradnn.checks.gates import FEW, judge, suspects
from microgradnn.checks.recorded import Directions, Recorded, on_floats
from microgradnn.checks.slopes import Slope, digits_for, same
from microgradnn.checks.truth import Truth
from microgradnn.checks.verdicts import Finding, Report, Verdict, distance, no_slope
from microgradnn.checks.wide import MP

RTOL = 1e-6  # how many digits of a derivative must be left
SMALLEST = 2.0**-1022  # below it floats have fewer digits


def report_recorded(
    f: Callable[..., Any], args: tuple[Any, ...], point: Sequence[float], order: int, rtol: float | None
) -> Report:
    """The report on a function that records its gates, see `report_grads`."""
    recorded, again = Recorded(f, args, point), Recorded(f, args, point)
    for first, second in zip(recorded.numbers, again.numbers, strict=True):
        if first != second and (first == first or second == second):
            raise ValueError(
                f"f gave {first!r}, and {second!r} when it was called again: it draws by chance or keeps state, which "
                "leaves no derivative to check; give it a generator with a fixed seed inside"
            )
    recorded.prove_gates(order, rtol)
    truth = Truth(f, on_floats(f), args, point)
    check = _Check(recorded, truth, f, args, rtol)
    findings = [finding for k in range(1, order + 1) for finding in check.findings(k)]
    reasons = [*recorded.lost, *[f"{truth.lost}: differences of floats were used"] * bool(truth.lost)]
    return Report(tuple(findings), "; ".join(dict.fromkeys(reasons)))


class _Check:
    """Findings on the derivatives of a recorded function, order by order."""

    def __init__(self, recorded: Recorded, truth: Truth, f: Any, args: tuple[Any, ...], rtol: float | None) -> None:
        self.recorded, self.truth, self.rtol = recorded, truth, rtol
        self.f, self.args = f, args
        self.places = places_of(args)

    def findings(self, order: int) -> Iterator[Finding]:
        for behind, names in self.directions(order - 1):
            yield from self.by_floats(behind, names) if self.truth.lost else self.by_proof(behind, names)

    def directions(self, count: int) -> Iterator[tuple[Directions, list[str]]]:
        """Directions along which the function is differentiated before the last time, with their names.

        Along every argument where that makes few derivatives, else along one direction drawn by chance.
        """
        size = len(self.places)
        if size ** (count + 1) <= FEW:
            for along in product(range(size), repeat=count):
                yield [[float(n == m) for m in range(size)] for n in along], [self.places[n] for n in along]
        else:
            chance = Random(size)
            speeds = [chance.uniform(0.5, 1.5) * (abs(x) or 1.0) for x in self.truth.point]
            yield [speeds] * count, [f"a direction drawn by chance{f' ({count} times)' * (count > 1)}"] * bool(count)

    def by_proof(self, behind: Directions, names: list[str]) -> Iterator[Finding]:
        """What the rules give beside the slopes of the function on wide numbers."""
        recorded, point = self.recorded, self.truth.point
        inputs = range(len(point))
        with MP.workdps(digits_for(len(behind) + 1, point)):
            claims = recorded.by_rules(behind)

            def agree(group: list[int]) -> bool:
                along = [(abs(x) or 1.0) if n in group else 0.0 for n, x in enumerate(point)]
                sums = [MP.fsum(speed * claim for speed, claim in zip(along, row, strict=True)) for row in claims]
                truths = self.truth.slopes([along, *behind])
                return all(
                    same(claim, t.left, t.noise) and same(claim, t.right, t.noise) for claim, t in zip(sums, truths)
                )

            singled = suspects(list(inputs), agree)
            truths = {n: self.truth.slopes([[float(n == m) for m in inputs], *behind]) for n in singled}
            for row, output in enumerate(recorded.outputs):
                exact = recorded.by_engine(output, behind)
                for n in inputs:
                    claimed = claims[row][n]
                    slope = truths[n][row] if n in singled else Slope(claimed, claimed, MP.zero)
                    again = lambda row=row, n=n: recorded.by_rules(behind)[row][n]  # noqa: E731
                    _, true, verdict = judge(claimed, slope, again, self.rtol)
                    numeric, kept = float(true), _close(exact[n], claimed, self.rtol or RTOL)
                    if verdict == "right" and not kept:
                        verdict = "noisy"
                    yield self.finding(
                        row, n, behind, names, exact[n], numeric, distance(exact[n], numeric), float(slope.noise), verdict,
                        "proof", [side and float(side) for side in (slope.left, slope.right)], slope.kind,
                    )  # fmt: skip

    def by_floats(self, behind: Directions, names: list[str]) -> Iterator[Finding]:
        """What the rules give beside differences of floats: of the function, or of its derivative along the others."""
        for n, x in enumerate(self.truth.point):

            def lower(moved: float, n: int = n) -> list[float]:
                recorded = Recorded(self.f, self.args, [*self.truth.point[:n], moved, *self.truth.point[n + 1 :]])
                if not behind:
                    return recorded.numbers
                *outer, along = behind
                return [sum(map(mul, recorded.by_engine(output, outer), along)) for output in recorded.outputs]

            for row, estimate in enumerate(floats.slopes(lower, x)):
                exact = self.recorded.by_engine(self.recorded.outputs[row], behind)[n]
                verdict, numeric, error, own_error = floats.verdict(exact, estimate, self.rtol or RTOL)
                sides = [estimate.left, estimate.right]
                yield self.finding(
                    row,
                    n,
                    behind,
                    names,
                    exact,
                    numeric,
                    error,
                    own_error,
                    verdict,
                    "differences",
                    sides,
                    estimate.kind,
                )

    def finding(
        self, row: int, n: int, behind: Directions, names: list[str], exact: float, numeric: float, error: float, own_error: float,
        verdict: Verdict, by: Literal["proof", "differences"], sides: list[float | None], kind: str,
    ) -> Finding:  # fmt: skip
        recorded, order = self.recorded, len(behind) + 1
        moved = [m for m, along in enumerate(zip(*behind, self.places)) if m == n or any(along[:-1])]
        place = ", ".join([*names, self.places[n]])
        if len(recorded.outputs) > 1:
            place = f"{recorded.places[row]} by {place}"
        what = f"the derivative {'of' if len(recorded.outputs) > 1 else 'by'} {place} = {self.truth.point[n]!r}"
        fault = recorded.guilty(moved, recorded.outputs[row], order) if verdict in ("right", "wrong") else None
        guilt = f"the rule of {at_line(fault[0])} is wrong: {fault[1]}" if fault else ""
        if verdict == "wrong":
            message = f"{what} is {exact!r} by the rules and {numeric!r} in truth: "
            message += guilt or self.innocent(moved, kind)
            if 0.0 < error < 1e-3 * abs(numeric):
                message += f"; off by {error / abs(numeric):.1g}: where a forward function approximates, give rtol="
        elif verdict == "right":
            message = f"{what} is right" + (f", though {guilt}: it has no influence here" if guilt else "")
        elif verdict == "noisy":
            message = self.undecided(what, exact, numeric, own_error, by)
        else:
            message = no_slope(what, sides, kind, f"the rules say {exact!r}")
        gate = fault[0] if fault and verdict == "wrong" else None
        named = gate.primitive.describe(gate.operands) if gate and gate.primitive else None
        return Finding(place, exact, numeric, error, own_error, verdict, by, named, message)

    def innocent(self, moved: list[int], kind: str) -> str:
        """Why a derivative is wrong though no gate is."""
        if kind == "kink":
            return "a kink, where it must lie between the slopes of both sides"
        kinks = [node for node, proof in self.recorded.kinks if any(self.recorded.leads(n, node, proof) for n in moved)]
        if kinks:
            return (
                f"each gate may choose its slope at a kink, as {at_line(kinks[0])} does, but together they miss f's own"
            )
        return (
            f"no gate is wrong, so a path is missing: f takes {' or '.join(self.places[n] for n in moved)} as a plain number somewhere, by .data, "
            "float() or a Value kept from an earlier call"
        )

    def undecided(self, what: str, exact: float, numeric: float, own_error: float, by: str) -> str:
        """The sentence on digits that are lost."""
        if by == "differences":
            return f"undecided: {what} is {exact!r} by the rules and {numeric!r} by differences, give or take {own_error:.2g}"
        return (
            f"undecided: {what} is {exact!r}, and {numeric!r} by the same rules with more digits: "
            f"{_digits_left(exact, numeric)} digits are left, the others are lost {self.recorded.lost_at()}"
        )


def _close(exact: float, claimed: Any, rtol: float) -> bool:
    """Whether a float has the digits that are asked for; too large or too small a number is no loss of them."""
    rounded = float(claimed)
    return exact == rounded or abs(exact - rounded) <= rtol * abs(rounded) + SMALLEST


def _digits_left(exact: float, numeric: float) -> int:
    error = distance(exact, numeric) / abs(numeric) if numeric else 1.0
    return max(0, min(15, -math.ceil(math.log10(error)))) if 0.0 < error < math.inf else 0

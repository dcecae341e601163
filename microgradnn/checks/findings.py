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
from typing import Any

from microgradnn.anomalies import at_line, called
from microgradnn.checks import floats
from microgradnn.checks.arguments import places_of
from microgradnn.checks.proofs import FEW, SMALLEST, judge, suspects
from microgradnn.checks.recorded import Recorded, on_floats
from microgradnn.checks.slopes import Directions, Slope, digits_for, same
from microgradnn.checks.truth import Truth, estimated, proven, steady
from microgradnn.checks.verdicts import Finding, Judged, Report, distance
from microgradnn.checks.wide import MP, Lost
from microgradnn.primitive import ForwardError
from microgradnn.value import Value

RTOL = 1e-6  # how many digits of a derivative must be left
ZERO = 1e-60  # of what adds up to it: far below what floats can tell, far above the rounding of wide numbers
ROUNDINGS = 64  # so many roundings may be in a sum that is 0


def report_recorded(
    f: Callable[..., Any], args: tuple[Any, ...], point: Sequence[float], order: int, rtol: float | None
) -> Report:
    """The report on a function that records its gates, see `report_grads`."""
    recorded = Recorded(f, args, point)
    steady(lambda: Recorded(f, args, point).numbers)
    recorded.prove_gates(order, rtol)
    truth = Truth(f, on_floats(f), args, point)
    check = _Check(recorded, truth, f, args, rtol)
    findings = [finding for k in range(1, order + 1) for finding in check.findings(k)]
    gates = [reason for reason in dict.fromkeys(recorded.lost) if not truth.lost or truth.lost not in reason]
    reasons = "; ".join([*gates, truth.lost] if truth.lost else gates)
    return Report(tuple(findings), f"differences of floats were used: {reasons}" if reasons else "")


class _Check:
    """Findings on the derivatives of a recorded function, order by order."""

    def __init__(self, recorded: Recorded, truth: Truth, f: Any, args: tuple[Any, ...], rtol: float | None) -> None:
        self.recorded, self.truth, self.rtol = recorded, truth, rtol
        self.left = RTOL if rtol is None else rtol  # the digits that must be left
        self.f, self.args = f, args
        self.places = places_of(args)

    def findings(self, order: int) -> Iterator[Finding]:
        for behind, names in self.directions(order - 1):
            try:
                proven = [] if self.truth.lost else list(self.by_proof(behind, names))
            except (Lost, *ForwardError) as reason:
                self.truth.lost, proven = str(reason), []
            yield from proven or self.by_floats(behind, names)

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
            chance = Random(len(point))

            def agree(group: list[int]) -> bool:
                speeds = [chance.uniform(-1.5, 1.5) * (abs(x) or 1.0) for x in point]
                along = [speed if n in group else 0.0 for n, speed in enumerate(speeds)]
                sums = [MP.fsum(speed * claim for speed, claim in zip(along, row, strict=True)) for row in claims]
                truths = self.truth.slopes([along, *behind], sums)
                return all(
                    truth.kind == "smooth" and same(claim, truth.right, truth.noise)
                    for claim, truth in zip(sums, truths, strict=True)
                )

            singled = suspects(list(inputs), agree)
            truths = {
                n: self.truth.slopes([[float(n == m) for m in inputs], *behind], [row[n] for row in claims])
                for n in singled
            }
            for row, output in enumerate(recorded.outputs):
                exact = recorded.by_engine(output, behind)
                for n in inputs:
                    claim = claims[row][n]
                    slope = truths[n][row] if n in singled else Slope(claim, claim, MP.zero)
                    again = lambda row=row, n=n: recorded.by_rules(behind)[row][n]  # noqa: E731
                    _, true, verdict = judge(claim, slope, again, self.rtol)
                    if verdict == "right" and not _kept(*exact[n], claim, true, self.left):
                        verdict = "noisy"
                    jumps = slope.kind in ("kink", "jump") and not MP.isfinite(slope.left + slope.right)
                    if behind and jumps and verdict != "right" and self.kinks(self.moved(n, behind)):
                        verdict = "kink"  # where the slope jumps it has none itself
                    yield self.finding(row, n, behind, names, proven(exact[n][0], true, verdict, slope))

    def by_floats(self, behind: Directions, names: list[str]) -> Iterator[Finding]:
        """What the rules give beside differences of floats: of the function, or of its derivative along the others."""
        exact = [self.recorded.by_engine(output, behind) for output in self.recorded.outputs]
        for n, x in enumerate(self.truth.point):

            def lower(moved: float, n: int = n) -> list[float]:
                recorded = Recorded(self.f, self.args, [*self.truth.point[:n], moved, *self.truth.point[n + 1 :]])
                if not behind:
                    return recorded.numbers
                *outer, along = behind
                gradients = [[number for number, _ in recorded.by_engine(output, outer)] for output in recorded.outputs]
                return [sum(map(mul, gradient, along)) for gradient in gradients]

            for row, slope in enumerate(floats.slopes(lower, x)):
                yield self.finding(row, n, behind, names, estimated(exact[row][n][0], slope, self.left))

    def moved(self, n: int, behind: Directions) -> list[int]:
        """The inputs by which is differentiated: n, and those in the directions before."""
        return [m for m in range(len(self.places)) if m == n or any(along[m] for along in behind)]

    def kinks(self, moved: list[int]) -> list[Value]:
        """The gates at a kink that lie on a path from these inputs."""
        leads = self.recorded.leads
        return [node for node, proof in self.recorded.kinks if any(leads(n, node, proof) for n in moved)]

    def finding(self, row: int, n: int, behind: Directions, names: list[str], judged: Judged) -> Finding:
        """The finding on output `row` by input n, in words."""
        recorded, moved = self.recorded, self.moved(n, behind)
        several = len(recorded.outputs) > 1
        place = f"{recorded.places[row]} by " * several + ", ".join([*names, self.places[n]])
        what = f"the derivative {'of' if several else 'by'} {place} = {self.truth.point[n]!r}"
        fault = recorded.guilty(moved, recorded.outputs[row], len(behind) + 1)
        guilt = f"the rule of {at_line(fault[0], f' is wrong: {fault[1]}')}" if fault else ""
        gate = fault[0] if fault else None
        if judged.verdict == "right":
            return judged.finding(
                place, f"{what} is right" + f", though {guilt}; it has no influence here" * bool(guilt)
            )
        if judged.verdict == "noisy":
            return judged.finding(place, self.undecided(what, judged))
        if judged.verdict != "wrong":
            return judged.finding(place, judged.no_slope(what, "the rules say"))
        if gate is None and recorded.kinks and not behind and (together := recorded.together(n)):
            gate, claim, true = together
            guilt = (
                f"the rule of {at_line(gate)} is wrong as its operands move here: it gives {claim:g}, it is {true:g}"
            )
        message = f"{what} is {judged.exact!r} by the rules and {judged.numeric!r} in truth: "
        message += guilt or judged.between() or self.innocent(moved)
        if 0.0 < judged.error < 1e-3 * abs(judged.numeric):
            message += (
                f"; off by {judged.error / abs(judged.numeric):.1g}, give rtol= where a forward function approximates"
            )
        return judged.finding(place, message, None if gate is None else called(gate))

    def innocent(self, moved: list[int]) -> str:
        """Why a derivative is wrong though no gate is."""
        if kinks := self.kinks(moved):
            return f"{at_line(kinks[0], ' is at a kink')}; each gate may choose its slope there, but not all of them"
        return (
            f"no gate is wrong, so a path is missing: f takes {' or '.join(self.places[n] for n in moved)} as a plain "
            "number somewhere, by .data, float() or a Value kept from an earlier call"
        )

    def undecided(self, what: str, judged: Judged) -> str:
        """The sentence on digits that are lost."""
        if judged.by == "differences":
            numbers = f"{judged.exact!r} by the rules and {judged.numeric!r} by differences"
            return f"undecided: {what} is {numbers}, give or take {judged.own_error:.2g}"
        return (
            f"undecided: {what} is {judged.exact!r}, and {judged.numeric!r} by the same rules with more digits: "
            f"{_digits_left(judged.exact, judged.numeric)} digits are left, others are lost {self.recorded.lost_at()}"
        )


def _kept(exact: float, size: float, claim: Any, true: Any, rtol: float) -> bool:
    """Whether a float has the digits that are asked for.

    Too large or too small a number is no loss of them, nor is a 0 that is off by the rounding of what adds up to it, or
    by that of constants in the rules.
    """
    is_zero = abs(true) <= max(ZERO * size, 2 * abs(claim - true))
    if is_zero and abs(exact) <= ROUNDINGS * floats.EPSILON * size:
        return True
    return any(
        exact == rounded or abs(exact - rounded) <= rtol * abs(rounded) + SMALLEST
        for rounded in (float(claim), float(true))
    )


def _digits_left(exact: float, numeric: float) -> int:
    error = distance(exact, numeric) / abs(numeric) if numeric else 1.0
    return max(0, min(15, -math.ceil(math.log10(error)))) if 0.0 < error < math.inf else 0

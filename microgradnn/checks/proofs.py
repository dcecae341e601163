"""The rule of one gate at a point: an identity of what its partials claim and the slopes of its forward function.

Nothing here knows of graphs. Where the forward function does not run on wide numbers, floats estimate the first order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from microgradnn.checks import floats, rules
from microgradnn.checks.lifting import forward_of, verify
from microgradnn.checks.slopes import Slope, digits_for, same, slopes
from microgradnn.checks.verdicts import Verdict
from microgradnn.checks.wide import MP, Lost, Wide
from microgradnn.notation import digits
from microgradnn.primitive import NOTHING, ForwardError, Primitive

SMALLEST = 2.0**-1022  # below it floats have fewer digits
ROUNDINGS = 8  # so many times the rounding that is seen may be that of constants
RTOL = 1e-9  # of rules that only floats can check
FEW = 64  # up to here numbers are moved one by one, beyond in groups along directions drawn by chance


@dataclass(frozen=True)
class Proof:
    """What the rule of a gate claims for one of its operands, beside what is true; `lost` says why by floats alone."""

    operand: int
    claimed: float
    truth: float
    verdict: Verdict
    order: int = 1
    lost: str = ""

    def __str__(self) -> str:
        times = {1: "", 2: ", differentiated once more,", 3: ", differentiated twice more,"}
        again = times.get(self.order, f", differentiated {self.order - 1} times more,")
        for count in (4, 7, 10, 17):
            claimed, truth = digits(self.claimed, count), digits(self.truth, count)
            if claimed != truth:
                break
        return f"its partial {self.operand}{again} gives {claimed}, it is {truth}"


def prove(
    gate: Primitive, point: Sequence[float], moved: Sequence[int], order: int = 1, rtol: float | None = None,
    few: int = FEW,
) -> list[Proof]:  # fmt: skip
    """The rule of a gate at a point, for each of the operands `moved`; the others are constants.

    From order 2 on, its partials are differentiated along a direction that is drawn by chance. Raises ForwardError
    where the gate has no value. `rtol` is for forward functions that are approximations; more than a `few` operands are
    moved in groups first.

    >>> from microgradnn.primitive import lookup
    >>> [str(proof.verdict) for proof in prove(lookup("divide"), [2.0, 3.0], [0, 1], order=2)]
    ['right', 'right']
    """
    detached = {n for n, result in enumerate(gate.trace(len(point)).results) if result is None}
    chance = Random(gate.name)
    speeds = [chance.uniform(0.5, 1.5) * (abs(x) or 1.0) if n in moved else 0.0 for n, x in enumerate(point)]
    if len(point) == 1:
        speeds = [1.0]
    behind = [[0.0 if n in detached else speed for n, speed in enumerate(speeds)]] * (order - 1)
    if behind and not any(behind[0]):
        return []

    def forward(numbers: Sequence[Any]) -> list[Any]:
        return [forward_of(gate)(*[x if n in moved else point[n] for n, x in enumerate(numbers)])]

    def rule() -> list[Any]:
        """The partials along the directions behind, as the rules have them; 0 where there is none."""
        numbers = [
            rules.moving(Wide(x), [along[n] for along in behind]) if n in moved else rules.constant(x)
            for n, x in enumerate(point)
        ]
        partials = rules.partials(gate, rules.run(gate, numbers), numbers)
        return [rules.derivative(0.0 if x is None or x is NOTHING else x, order - 1).number for x in partials]

    def judged(group: Sequence[int]) -> tuple[Any, Any, Verdict]:
        """Claim and truth along the operands of a group."""
        along = [(1.0 if len(group) == 1 else speeds[n]) if n in group else 0.0 for n in range(len(point))]

        def claim(partials: Sequence[Any]) -> Any:
            return MP.fsum(speed * partial for speed, partial in zip(along, partials, strict=True) if speed)

        [slope] = slopes(forward, point, [along, *behind], [claim(partials)])
        return judge(claim(partials), slope, lambda: claim(rule()), rtol)

    try:
        with MP.workdps(digits_for(order, point)):
            partials = rule()
            singled = suspects(list(moved), lambda group: judged(group)[2] == "right", few)
            proofs = []
            for n in moved:
                claimed, truth, verdict = judged([n]) if n in singled else (partials[n], partials[n], "right")
                if n not in detached or verdict in ("wrong", "kink"):
                    proofs.append(Proof(n, float(claimed), float(truth), verdict, order))
        wrong = any(proof.verdict == "wrong" for proof in proofs)
        lost = verify(gate.forward, forward_of(gate), tuple(point)) if wrong else None
    except Lost as reason:
        lost = str(reason)
    except ForwardError as error:
        try:
            gate.evaluate(point)
        except TypeError:  # of a number that came out complex
            raise ValueError(f"{gate.describe(point)} has no real value") from None
        lost = f"on wide numbers it raises {type(error).__name__}: {error}"
    if lost:
        return _by_floats(gate, point, moved, lost, RTOL if rtol is None else rtol) if order == 1 else []
    return proofs


def judge(claimed: Any, slope: Slope, again: Callable[[], Any], rtol: float | None = None) -> tuple[Any, Any, Verdict]:
    """What a rule claims, what is true, and the verdict; `again` claims it with the digits that are set then."""
    if slope.left is None or slope.right is None:
        return claimed, MP.nan, "outside"
    if slope.kind != "smooth":
        if slope.between(claimed, rtol or 0.0):
            return claimed, claimed, "kink"
        if slope.jumps:  # no slope on either side that it could be
            return claimed, MP.nan, "outside"
        return claimed, min(slope.left, slope.right, key=lambda side: abs(side - claimed)), "wrong"
    if max(abs(claimed), abs(slope.right)) < SMALLEST:  # no floats that have all their digits
        return claimed, slope.right, "right"
    noise = slope.noise + (rtol or 0.0) * abs(slope.right)
    agree = same(claimed, slope.right, noise) or same(
        claimed, slope.right, noise + ROUNDINGS * _rounding(again, claimed)
    )
    return claimed, slope.right, "right" if agree else "wrong"


def _rounding(again: Callable[[], Any], claimed: Any) -> Any:
    """What the constants in a rule, which are floats, may do to it: how much it changes with the digits of floats."""
    errors = [MP.zero]
    for bits in (47, 50, 53):
        with MP.workprec(bits):
            rounded = again()
        errors.append(abs(rounded - claimed) * MP.mpf(2) ** (bits - 53))
    return max(errors) if MP.isfinite(MP.fsum(errors)) else MP.zero


def suspects(members: list[int], agree: Callable[[list[int]], bool], few: int = FEW) -> set[int]:
    """Those to be looked at one by one: all where they are few, else what is left when groups that agree are gone."""
    if len(members) <= few:
        return set(members)
    if agree(members):
        return set()
    half = len(members) // 2
    return suspects(members[:half], agree, 1) | suspects(members[half:], agree, 1)


def _by_floats(gate: Primitive, point: Sequence[float], moved: Sequence[int], lost: str, rtol: float) -> list[Proof]:
    """The proof replaced by an estimate, as the forward function does not run on wide numbers."""
    partials = gate.partials(gate.evaluate(point), point)
    proofs = []
    for n in moved:

        def forward(x: float, n: int = n) -> list[float]:
            return [gate.evaluate([*point[:n], x, *point[n + 1 :]])]

        claimed = partials[n]
        verdict, truth, *_ = floats.verdict(claimed or 0.0, floats.slopes(forward, point[n])[0], rtol)
        if claimed is not None or verdict == "wrong":
            proofs.append(Proof(n, claimed or 0.0, truth, verdict, 1, lost))
    return proofs

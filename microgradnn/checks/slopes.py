"""Slopes left and right of a point, of a function on wide numbers: differences with steps too small to matter.

With 160 digits a step of 10⁻⁴⁰ leaves 120 digits of a difference, so that what comes out is a slope and no estimate of
one. Nothing here knows a rule of calculus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from microgradnn.checks.wide import MP, Wide
from microgradnn.primitive import ForwardError

Directions = Sequence[Sequence[float]]  # each has an entry per number of the point
Function = Callable[[list[Wide]], Sequence[Any]]  # of wide numbers; raises ForwardError outside its domain
SAME = MP.mpf("1e-13")  # numbers that agree to this, relative to the larger one, are the same
ROUNDED = MP.mpf(2) ** -48  # a gap so small beside the function is what rounding did to a constant in a branch, no jump
TINIEST = 1e-320  # below it no float tells anything
_STEPS = MP.mpf("1e-40"), MP.mpf("1e-50")  # relative to the number that is moved
_STEPS_AT_ZERO = MP.mpf("1e-340"), MP.mpf("1e-350")  # below the smallest float


def same(a: Any, b: Any, noise: Any = 0) -> bool:
    """Whether two wide numbers agree to 13 digits, or to `noise`; an infinity agrees with itself."""
    return bool(a == b or abs(a - b) <= SAME * max(abs(a), abs(b)) + noise) if MP.isfinite(a - b) else bool(a == b)


@dataclass(frozen=True)
class Slope:
    """The slopes of one number of the result on both sides; None where it has no value on that side.

    `noise` is what rounding may have done to them. At a jump one of them is infinite.
    """

    left: Any
    right: Any
    noise: Any
    jumps: bool = False

    def drowned(self, claim: Any) -> bool:
        """Whether rounding may be as large as the slopes, of a function that is large beside them."""
        if self.left == 0 and self.right == 0:
            return claim is None or claim != 0
        sizes = [abs(side) for side in (self.left, self.right) if side is not None]
        return bool(self.noise > TINIEST and self.noise > SAME * min(sizes, default=MP.inf))

    @property
    def kind(self) -> Literal["smooth", "kink", "jump", "edge"]:
        if self.left is None or self.right is None:
            return "edge"
        if self.jumps:
            return "jump"
        return "smooth" if same(self.left, self.right, self.noise) else "kink"

    def between(self, x: Any, rtol: float = 0.0) -> bool:
        """Whether x lies between the slopes of both sides, ends included, to `rtol` of the larger finite one."""
        low, high = sorted((self.left, self.right))
        noise = self.noise + rtol * max((abs(side) for side in (low, high) if MP.isfinite(side)), default=MP.zero)
        return bool(low <= x <= high) or same(x, low, noise) or same(x, high, noise)


def digits_for(order: int, point: Sequence[float]) -> int:
    """How many digits differences of this order need at this point.

    The finer step costs 50, and as many as the smallest number has zeros behind the point; 110 remain of a slope.
    """
    smallest = min((abs(x) for x in point if x and math.isfinite(x)), default=1.0)
    return 110 + order * (50 + max(0, -math.floor(math.log10(smallest))))


def slopes(
    f: Function, point: Sequence[float], directions: Directions, claims: Sequence[Any] | None = None
) -> list[Slope]:
    """The derivative of each number of `f` along all the directions in turn, from the left and from the right.

    One direction gives slopes, two the second derivative along both … A direction has an entry per number of the point.
    Where both sides are what somebody `claims` them to be, they are not computed a second time. Raises Lost where
    digits are lost on the way, ForwardError where f has no value at the point.

    >>> [slope] = slopes(lambda x: [x[0] * x[0]], [3.0], [[1.0]])
    >>> float(slope.left), float(slope.right), slope.kind
    (6.0, 6.0, 'smooth')
    >>> slopes(lambda x: [abs(x[0])], [0.0], [[1.0]])[0].kind
    'kink'
    """
    order, digits = len(directions), digits_for(len(directions), point)
    result = _slopes(f, point, directions, claims, _STEPS, digits)
    if any(slope.drowned(claim) for slope, claim in zip(result, claims or [None] * len(result), strict=True)):
        result = _slopes(f, point, directions, claims, _STEPS, digits + 330)  # a slope of 10⁻³²⁰ beside 1 keeps ten
    moved = [x for x, *along in zip(point, *directions, strict=True) if any(along)]
    if 0.0 in moved and any(slope.kind != "smooth" for slope in result):  # 10⁻⁴⁰ may be far from 0
        result = _slopes(f, point, directions, claims, _STEPS_AT_ZERO, digits + 310 * order)
    return result


def _slopes(
    f: Function, point: Any, directions: Any, claims: Sequence[Any] | None, steps: tuple[Any, Any], digits: int
) -> list[Slope]:
    order = len(directions)
    with MP.workdps(digits):
        here = [MP.mpf(x) for x in point]
        scales = [min((abs(x) or 1) / abs(d) for x, d in zip(here, along, strict=True) if d) for along in directions]
        values: dict[tuple[Any, ...], list[Any]] = {}

        def value(numbers: list[Any]) -> list[Any]:
            key = tuple(numbers)
            if key not in values:
                values[key] = [Wide(x).number for x in f([Wide(x) for x in numbers])]
            return values[key]

        nowhere = [(MP.nan, MP.zero)] * len(value(here))

        def quotients(step: Any, start: list[Any] = here) -> list[tuple[Any, Any]]:
            try:
                return _quotients(value, start, directions, [step * scale for scale in scales])
            except ForwardError:
                return nowhere

        def side(coarse: Any, fine: Any, near: list[tuple[Any, Any]]) -> list[tuple[Any, Any, bool]]:
            limits = [*map(_limit, quotients(coarse), near)]
            if order == 1 and any(jumps for *_, jumps in limits):
                [along], [scale] = directions, scales
                inside = quotients(fine, [x + coarse * scale * d if d else x for x, d in zip(here, along, strict=True)])
                for n, (x, (slope, _), inner) in enumerate(zip(value(here), near, inside, strict=True)):
                    if limits[n][2] and abs(fine * slope) * scale <= ROUNDED * (abs(x) + abs(inner[0]) * scale):
                        limits[n] = (*inner, False)
            return limits

        coarse, fine = steps
        left, right = quotients(-fine), quotients(fine)
        if claims is not None and all(
            same(x, c, noise) for side in (left, right) for (x, noise), c in zip(side, claims, strict=True)
        ):
            return [Slope(a, b, max(noise, other)) for (a, noise), (b, other) in zip(left, right, strict=True)]
        sides = zip(side(-coarse, -fine, left), side(coarse, fine, right), strict=True)
        return [
            Slope(a, b, max(noise, other), jumps or also_jumps) for (a, noise, jumps), (b, other, also_jumps) in sides
        ]


def _quotients(f: Callable[[list[Any]], list[Any]], here: list[Any], directions: Any, steps: list[Any]) -> list[Any]:
    """The difference along all directions of each number of `f`, by the steps, and its rounding."""
    terms = []
    for chosen in product((0, 1), repeat=len(directions)):
        moved = list(here)
        for along, step, taken in zip(directions, steps, chosen, strict=True):
            if taken:
                moved = [x + step * d if d else x for x, d in zip(moved, along, strict=True)]
        sign = (-1) ** (len(chosen) - sum(chosen))
        terms.append([sign * x for x in f(moved)])
    divisor, rounding = MP.fprod(steps), MP.mpf(10) ** (30 - MP.dps)  # numbers on the way may be as much larger
    return [
        (MP.fsum(column) / divisor, max(MP.one, *map(abs, column)) * rounding / abs(divisor))
        for column in zip(*terms, strict=True)
    ]


def _limit(coarse: tuple[Any, Any], fine: tuple[Any, Any]) -> tuple[Any, Any, bool]:
    """What two quotients of differences tend to, what rounding may have done to it, and whether it is a jump.

    Where the step is 10¹⁰ times smaller, a slope stays, one that vanishes with the step shrinks, an infinite one grows,
    and beside a jump it grows as much as the step has shrunk.
    """
    (before, _), (slope, noise) = coarse, fine
    if MP.isnan(slope) or MP.isnan(before):
        return None, MP.zero, False
    if abs(slope - before) <= MP.mpf("1e-16") * abs(slope) + noise or MP.isinf(slope):
        return slope, noise, False
    if abs(slope) < abs(before):
        return MP.zero, noise, False
    return MP.sign(slope) * MP.inf, noise, bool(abs(slope) > 1e9 * abs(before))

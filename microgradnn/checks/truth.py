"""What is true of a function at a point: its slopes on wide numbers, or why it does not run on those.

And derivatives judged by it. Where they come from, rules or somebody's claim, is not known here.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

from microgradnn.checks import floats
from microgradnn.checks.arguments import spread
from microgradnn.checks.lifting import lift, verify
from microgradnn.checks.slopes import Directions, Slope, slopes
from microgradnn.checks.verdicts import Judged, Verdict, distance
from microgradnn.checks.wide import MP, Lost
from microgradnn.trees import like


class Truth:
    """The slopes of `f` at `args`, along directions that have an entry per number of the arguments.

    `lost` says why the function does not run on wide numbers; it is empty where it does. `on_floats` is the same
    function from floats to floats, with which it is compared.
    """

    def __init__(
        self, f: Callable[..., Any], on_floats: Callable[..., Any], args: tuple[Any, ...], point: Sequence[float]
    ) -> None:
        self.args, self.point = args, list(point)
        self._values: dict[tuple[Any, ...], list[Any]] = {}  # each point is computed once
        try:
            self._lifted = lift(f)
            self.lost = verify(on_floats, self._lifted, args) or ""
        except Lost as reason:
            self.lost = str(reason)

    def wide(self, numbers: Sequence[Any]) -> list[Any]:
        """The numbers of the result, from wide numbers."""
        key = (MP.prec, *(x.number for x in numbers))
        if key not in self._values:
            self._values[key] = spread(self._lifted(*like(self.args, iter(numbers))))
        return self._values[key]

    def slopes(self, directions: Directions, claims: Sequence[Any] | None = None, point: Any = None) -> list[Slope]:
        """The derivative of each number of the result along all directions in turn, at the arguments or a `point`."""
        return slopes(self.wide, self.point if point is None else point, directions, claims)


def steady(run: Callable[[], Sequence[float]]) -> None:
    """Raise ValueError for a function that gives something else when it is called again, or draws by chance."""
    results, states = [], []
    for _ in range(3):
        results.append(list(run()))
        states.append(_generators())
    for result in results[1:]:
        if len(result) != len(results[0]):
            raise ValueError(
                f"f gave {len(results[0])} numbers, and {len(result)} when it was called again: it keeps state"
            )
        for first, other in zip(results[0], result, strict=True):
            if first != other and (first == first or other == other):
                raise ValueError(
                    f"f gave {first!r}, and {other!r} when it was called again: it draws by chance or keeps state, "
                    "which leaves no derivative to check; give it a generator with a fixed seed inside"
                )
    if states[0] != states[1]:
        raise ValueError(
            "f draws by chance, from random or numpy.random, which leaves no derivative to check: seed it inside f"
        )


def _generators() -> list[Any]:
    """The states of the generators that everybody shares."""
    states: list[Any] = [random.getstate()]
    if "numpy" in sys.modules:
        _, keys, *rest = sys.modules["numpy"].random.get_state()
        states += [keys.tobytes(), rest]
    return states


def proven(exact: float, numeric: Any, verdict: Verdict, slope: Slope) -> Judged:
    """A derivative judged by a slope on wide numbers."""
    left, right = (None if side is None else float(side) for side in (slope.left, slope.right))
    error = distance(exact, float(numeric))
    return Judged(exact, float(numeric), error, float(slope.noise), verdict, "proof", left, right, slope.kind)


def estimated(exact: float, slope: floats.Slopes, rtol: float) -> Judged:
    """A derivative judged by differences of floats."""
    verdict, numeric, error, own_error = floats.verdict(exact, slope, rtol)
    return Judged(exact, numeric, error, own_error, verdict, "differences", slope.left, slope.right, slope.kind)

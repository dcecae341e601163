"""What is true of a function at a point: its slopes on wide numbers, or why it does not run on those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from microgradnn.checks.arguments import rebuilt, spread
from microgradnn.checks.lifting import Unliftable, lift, verify
from microgradnn.checks.slopes import Slope, slopes
from microgradnn.checks.wide import MP, Lost


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
        except (Lost, Unliftable) as reason:
            self.lost = str(reason)

    def wide(self, numbers: Sequence[Any]) -> list[Any]:
        """The numbers of the result, from wide numbers."""
        key = (MP.prec, *(x.number for x in numbers))
        if key not in self._values:
            self._values[key] = spread(self._lifted(*rebuilt(self.args, iter(numbers))))
        return self._values[key]

    def slopes(self, directions: Sequence[Sequence[float]], point: Sequence[float] | None = None) -> list[Slope]:
        """The derivative of each number of the result along all the directions in turn, at `args` or another point."""
        return slopes(self.wide, self.point if point is None else point, directions)

"""The figures of a group of a folded graph: its numbers, over several examples their means, and the words for them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from microgradnn.drawing.circuit import printable
from microgradnn.drawing.folding import Group
from microgradnn.value import Value


def called(group: Group) -> str:
    """The heading of a box, with n where it is a body n times; of leaves their number, or the name of the only one."""
    if not group.column.name:
        own = getattr(group.values[0], "name", None) if len(group.values) == 1 else None
        return printable(own) if own else counted(len(group.values), "leaf")
    return printable(group.column.name) + times(group)


def times(group: Group) -> str:
    """What follows the heading of a body that repeats: `, 100 times`."""
    return f", {group.repeats:,} times" if group.repeats > 1 else ""


def data(groups: Iterable[Group]) -> list[float]:
    """All values, one for each example."""
    return [x for group in groups for x in group.data]


def gradients(groups: Iterable[Group]) -> list[float]:
    """All gradients that have arrived."""
    return [x for group in groups for x in group.gradients]


def parameters(groups: Iterable[Group]) -> list[Value]:
    """The parameters, each once."""
    return list(dict.fromkeys(parameter for group in groups for parameter in group.parameters))


def value(group: Group) -> float:
    """The value of a neuron, over several examples the mean."""
    return mean(group.data)


def gradient(group: Group) -> float | None:
    """The gradient of a neuron, over several examples the root of the mean square; None where none has arrived."""
    arrived = group.gradients
    return (rms(arrived) if len(group.values) > 1 else arrived[0]) if arrived else None


def mean(data: Sequence[float]) -> float:
    """The mean, also of numbers that are not finite."""
    return math.fsum(data) / len(data) if all(map(math.isfinite, data)) else sum(data) / len(data)


def rms(data: Sequence[float]) -> float:
    """The root of the mean square."""
    return math.hypot(*data) / math.sqrt(len(data))


def length(x: float) -> float:
    """|x| as a length: what is not a finite number counts as the largest or as nothing."""
    return 0.0 if x != x else min(abs(x), 1e300)


def spread(noun: str, data: Sequence[float], digits: Callable[[float], str]) -> str:
    """From the least to the largest, as in `values −1 … 0.5`."""
    low, high = digits(min(data)), digits(max(data))
    return f"{noun} {low}" + (f" … {high}" if low != high else "")


def counted(count: int, noun: str) -> str:
    """A number with its noun, as in `1 box` and `2 boxes`."""
    plural = {"leaf": "leaves", "box": "boxes"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"

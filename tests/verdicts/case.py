"""What a case is: a function at a point with the verdict on each of its derivatives, and gates planted in it.

A planted gate is a parameter in front of the numbers: `lambda gate, x: gate(x) * x`. `planted(case)` makes the gates
and gives the function of the numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from microgradnn.primitive import Primitive, lookup, primitive, scratch_table
from microgradnn.trees import leaves
from tests.verdicts.judge import TWINS, in_mpmath

Rule = Callable[..., Any]  # a partial of (out, *operands), or all partials of a gate of any number of operands


# What a derivative may be: one that is infinite on both sides is steep, a sound one far from the truth is off.
WORST = ("wrong", "outside", "jump", "steep", "off", "noisy", "kink", "right")


def worst(labels: Iterable[str]) -> str:
    """The gravest of some labels; right where there are none."""
    return min(labels, key=WORST.index, default="right")


class Plant(NamedTuple):
    """A gate with a wrong rule: what it computes, the wrong rules and the right ones.

    `of` names the gate of the table that it is made from; without it `forward` is written so that mpmath runs it too.
    """

    name: str
    forward: Callable[..., Any]
    wrong: tuple[Rule | None, ...] | Rule
    right: tuple[Rule | None, ...] | Rule
    of: str | None = None

    def gate(self, rules: Any) -> Primitive:
        """The gate with these rules, for the table as it is."""
        if callable(rules):
            return primitive(self.name, self.forward, variadic=rules)
        return primitive(self.name, self.forward, *rules)

    @property
    def twin(self) -> Callable[..., Any]:
        """The gate in mpmath."""
        return TWINS[self.of] if self.of else in_mpmath(self.forward)


class Case(NamedTuple):
    """A function `f` of the gates planted and then of `args`, and a verdict on the derivative by each number of `args`.

    `labels` are the words of `WORST`; one stands for all. `second` is the label of the whole case at order 2, the
    worst of `labels` unless given. `true` is the function in mpmath's words, where it is not `f` itself. `guilty` are
    names of which one must be named. `size` is the relative error of the worst derivative.
    """

    name: str
    kind: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    labels: tuple[str, ...] = ("right",)
    plants: tuple[Plant, ...] = ()
    guilty: tuple[str, ...] = ()
    true: Callable[..., Any] | None = None
    second: str = ""
    size: float = 0.0

    @property
    def expected(self) -> tuple[str, ...]:
        """A label for each number of `args`."""
        return self.labels * len(leaves(self.args)) if len(self.labels) == 1 else self.labels

    def label(self, order: int) -> str:
        """The label of the whole case, its orders up to this one."""
        return self.second if order > 1 and self.second else worst(self.expected)

    @property
    def in_mpmath(self) -> Callable[..., Any]:
        """The function of the numbers in mpmath's words."""
        if self.true is not None:
            return in_mpmath(self.true)
        return in_mpmath(self.f, *[plant.twin for plant in self.plants])


def _without_gates(f: Callable[..., Any], gates: Sequence[Primitive]) -> Callable[..., Any]:
    if not gates:
        return f

    def of_numbers(*args: Any) -> Any:
        return f(*gates, *args)

    of_numbers.__name__ = "f"
    return of_numbers


@contextmanager
def planted(case: Case) -> Iterator[Callable[..., Any]]:
    """The function of the numbers, with its wrong gates."""
    with scratch_table():
        yield _without_gates(case.f, [plant.gate(plant.wrong) for plant in case.plants])


@contextmanager
def healthy(case: Case) -> Iterator[Callable[..., Any]]:
    """The function of the numbers, with right rules in place of the wrong ones."""
    with scratch_table():
        gates = [lookup(plant.of) if plant.of else plant.gate(plant.right) for plant in case.plants]
        yield _without_gates(case.f, gates)

"""Mutants of every rule of the table, made by program and labelled by the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from microgradnn import Value, sin, where
from microgradnn.graph import topological_order
from microgradnn.primitive import BUILT_IN, Primitive, gates, lookup
from microgradnn.table import LABELLED
from microgradnn.trees import leaves, like
from tests.verdicts.case import Case, Plant, planted
from tests.verdicts.judge import true_slopes
from tests.verdicts.labels import first_labels, second_label

Change = Callable[[Any, Any, float], Any]  # of a partial, its operand, and the number there

# Gates that rules are written with: a rule is right at order 1, and wrong at order 2.
_BEHIND = {
    "lost at order 2": Plant("kept", lambda x: x, (None,), (lambda out, x: 1.0,)),
    "halved at order 2": Plant("half", lambda x: x, (lambda out, x: 0.5,), (lambda out, x: 1.0,)),
}
MUTATIONS: dict[str, Change | None] = {
    "factor 2": lambda rule, x, at: 2 * rule,
    "sign": lambda rule, x, at: -rule,
    "forgotten": None,
    "a term too much": lambda rule, x, at: rule + 0.1,
    "its operand instead": lambda rule, x, at: x,
    "wrong here": lambda rule, x, at: where(x - (at - 0.5), 2 * rule, rule),
    "wrong elsewhere": lambda rule, x, at: where(x - (at + 0.5), 2 * rule, rule),
    "lost at order 2": lambda rule, x, at: lookup("kept")(rule),
    "halved at order 2": lambda rule, x, at: lookup("half")(rule),
    **{f"off by 1e-{n}": lambda rule, x, at, n=n: rule * (1 + 10.0**-n) for n in range(2, 10)},
}  # fmt: skip


def mutant(gate: Primitive, place: int, change: Change | None, sample: Sequence[float]) -> Plant:
    """The gate with the partial by operand number `place` changed."""

    def rules(out: Any, *operands: Any) -> list[Any]:
        partials = gate.partials_of(out, operands)
        if partials[place] is not None:
            partials[place] = change and change(partials[place], operands[place], sample[place])
        return partials

    def rule(n: int) -> Any:
        if gate._partials[n] is None or (n == place and change is None):
            return None
        return lambda out, *operands: rules(out, *operands)[n]

    name = f"mutant_of_{gate.name}"
    if gate.arity is None:
        return Plant(name, gate.forward, rules, rules, gate.name)
    return Plant(name, gate.forward, tuple(map(rule, range(gate.arity))), (), gate.name)


def alone(gate: Any, *xs: Any) -> Any:
    return gate(*xs)


def inside(gate: Any, *xs: Any) -> Any:
    return sin(gate(*xs)) * 2 + xs[0]


def alone_after(_: Any, gate: Any, *xs: Any) -> Any:
    return gate(*xs)


def inside_after(_: Any, gate: Any, *xs: Any) -> Any:
    return sin(gate(*xs)) * 2 + xs[0]


def chosen(index: float, behind: bool) -> Any:
    """For gates whose first operand is the number of one of the others."""
    if behind:
        return lambda _, gate, *xs, index=index: gate(index, *xs)
    return lambda gate, *xs, index=index: gate(index, *xs)


def mutants(rotate: int | None = None, every: int = 1) -> Iterator[Case]:
    """Mutants that the judge is sure of: of every rule at its first sample, alone and inside an expression.

    All of them, or with `rotate` one for each rule: the mutations take turns, and begin with that one. With `every`,
    only each second rule, or third …
    """
    for count, (gate, place, sample) in islice(enumerate(_rules()), 0, None, every):
        names = list(MUTATIONS)
        if rotate is not None:
            names = [names[(count + rotate) % len(names)]]
        for n, name in enumerate(names):
            made = _case(gate, place, sample, name, (count + n) % 2 == 1)
            if made is not None:
                yield made


def _rules() -> Iterator[tuple[Primitive, int, tuple[float, ...]]]:
    """Every operand of every gate that takes a gradient, with a sample where the gradient is not 0 if there is one."""
    for gate in gates():
        for place in range(len(gate.samples[0])) if gate.name in BUILT_IN else ():
            slopes = [gate.partials(gate.evaluate(sample), sample)[place] for sample in gate.samples]
            if slopes[0] is not None:
                yield gate, place, max(zip(map(bool, slopes), gate.samples, strict=True), key=lambda pair: pair[0])[1]


def _case(gate: Primitive, place: int, sample: tuple[float, ...], name: str, within: bool) -> Case | None:
    plant, behind = mutant(gate, place, MUTATIONS[name], sample), name in _BEHIND
    if gate in LABELLED:
        f, args = chosen(sample[0], behind), sample[1:]
    else:
        f, args = [[alone, inside], [alone_after, inside_after]][behind][within], sample
    plants = (_BEHIND[name], plant) if behind else (plant,)
    return labelled(Case(f"{plant.name}, operand {place}, {name}", f"mutants: {name}", f, args, plants=plants))


def labelled(case: Case) -> Case | None:
    """The case with the labels of the judge; None where it is not sure of one."""
    labels, size = first_labels(case)
    second, second_size = second_label(case)
    if labels is None or second is None:
        return None
    wrong = "wrong" in (*labels, second) and not _ties(case)
    guilty = tuple(plant.name for plant in case.plants) if wrong else ()
    return case._replace(labels=labels, second=second, size=size or second_size, guilty=guilty)


def _ties(case: Case) -> bool:
    """Whether a planted gate stands at a kink, where its rule may be one of the slopes though the sum is wrong."""
    with planted(case) as f, suppress(ArithmeticError, ValueError):
        root = f(*like(case.args, map(Value, leaves(case.args))))
        for node in topological_order(root) if isinstance(root, Value) else ():
            for plant in case.plants:
                if node.primitive is not None and node.primitive.name == plant.name:
                    operands = tuple(getattr(operand, "data", operand) for operand in node.operands)
                    if not all(slope.smooth for slope in true_slopes(plant.twin, operands)):
                        return True
    return False

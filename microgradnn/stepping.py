"""Backprop step by step: the forward gates, the seed, and every edge of the backward sweep, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, Literal, overload

from microgradnn.graph import topological_order
from microgradnn.notation import digits, factor, formula, names, written
from microgradnn.renewal import outdated
from microgradnn.sweep import sweep
from microgradnn.value import Value


@dataclass(frozen=True)
class Step:
    """One step of backprop: a forward gate, the seed, or one edge of the backward sweep.

    On a backward step: contribution = partial × adjoint, and after = before + contribution is the gradient of
    `operand` so far. Elsewhere the fields that do not apply are None.
    """

    kind: Literal["forward", "seed", "backward"]
    gate: Value
    operand: Value | None
    adjoint: float | None
    partial: float | None
    contribution: float | None
    before: float | None
    after: float | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.sentence)  # what IPython and Jupyter show


def out_of_date(root: Value) -> str:
    """Why the numbers of a graph do not fit its leaves, and the remedy; "" where they do.

    >>> x = Value(3.0, "x")
    >>> f = x * 2
    >>> x.data = 5.0
    >>> out_of_date(f)
    'out of date: x was changed; f.forward() computes it anew'
    """
    order = topological_order(root)
    gates = outdated(order)
    if not gates:
        return ""
    name_of = names(order, root)
    operands = dict.fromkeys(operand for gate in gates for operand in gate.operands if isinstance(operand, Value))
    changed = [name_of[id(leaf)] for leaf in operands if leaf.primitive is None and id(leaf) not in _cleared(gates)]
    if not changed:
        what = f"a gate before {name_of[id(gates[0])]} was computed anew"
    else:
        what = " or ".join(changed if len(changed) < 4 else [*changed[:2], "another leaf"]) + " was changed"
    return f"out of date: {what}; {name_of[id(root)]}.forward() computes it anew"


def _cleared(gates: Iterable[Value]) -> set[int]:
    """The leaves, by `id`, whose numbers still stand in the partials of a gate, as factors do in those of a product."""
    cleared = set()
    for gate in gates:
        assert gate.primitive is not None
        operands = gate.operands
        for partial, register in zip(gate.handed, gate.primitive.trace(len(operands)).results, strict=True):
            if isinstance(register, int) and 0 < register <= len(operands):
                operand = operands[register - 1]
                if isinstance(operand, Value) and partial == operand.data:
                    cleared.add(id(operand))
    return cleared


class Steps(Sequence[Step]):
    """The steps of one root, read-only: the forward gates, the seed, the edges of the backward sweep.

    `names` gives the name of each node by `id`; numbers have so many significant `digits`. In Jupyter it shows
    as a stepper; `save("f.html")` writes it.

    >>> x = Value(3.0, "x")
    >>> y = x * x
    >>> journey = steps(y)
    >>> len(journey), journey[-1].contribution, journey[-1].after
    (4, 3.0, 6.0)
    >>> x.data = 4.0
    >>> journey.complaint()
    'out of date: x was changed; f.forward() computes it anew'
    """

    save: ClassVar[Callable[[Steps, str | PathLike[str]], None]]  # drawing attaches it

    def __init__(self, root: Value, weights: Iterable[Value] | None = None, digits: int = 4) -> None:
        self.root, self.digits = root, digits
        self.order = topological_order(root)
        self.weights = self._chosen(weights)
        self.names = names(self.order, root)
        if complaint := out_of_date(root):
            raise ValueError(complaint)
        self._steps = [*self._forward(), *self._backward()]

    def _chosen(self, weights: Iterable[Value] | None) -> set[Value]:
        """The leaves that learn in the page: those given, else the parameters of modules."""
        leaves = {node for node in self.order if node.primitive is None}
        if weights is None:
            return {leaf for leaf in leaves if leaf.path == ""}
        chosen = list(weights)
        for weight in chosen:
            if not isinstance(weight, Value) or weight not in leaves:
                raise ValueError(f"weights are leaves of the circuit, got {weight!r:.60}")
        return set(chosen)

    def _forward(self) -> Iterator[Step]:
        for gate in self.order:
            if gate.primitive is not None:
                letters = written(gate.operands, self.names, self.digits)
                numbers = [digits(getattr(operand, "data", operand), self.digits) for operand in gate.operands]
                sentence = f"{self.names[id(gate)]} = {formula(gate.primitive, letters)}"
                sentence += f" = {formula(gate.primitive, numbers)} = {digits(gate.data, self.digits)}"
                yield Step("forward", gate, None, None, None, None, None, None, sentence)

    def _backward(self) -> Iterator[Step]:
        f = self.names[id(self.root)]
        totals = {id(self.root): 1.0}
        yield Step("seed", self.root, None, None, None, None, 0.0, 1.0, f"∂{f}/∂{f} = 1")
        for gate, adjoint in sweep(self.root):
            if id(gate) not in totals:
                continue
            for operand, partial, handed in zip(gate.operands, gate.partials, gate.handed, strict=True):
                if partial is None or not isinstance(operand, Value):
                    continue
                before = totals.get(id(operand), 0.0)
                contribution = 0.0 if handed is None else partial * adjoint
                after = before + contribution
                out, name = self.names[id(gate)], self.names[id(operand)]
                sentence = (
                    f"∂{f}/∂{name} += ∂{f}/∂{out} · ∂{out}/∂{name} = "
                    f"{factor(adjoint, self.digits)} × {factor(partial, self.digits)} = "
                    f"{digits(contribution, self.digits)}"
                )
                if handed is None:
                    sentence += ", not taken"
                else:
                    if id(operand) in totals:
                        sentence += f", together {digits(after, self.digits)}"
                    totals[id(operand)] = after
                yield Step("backward", gate, operand, adjoint, partial, contribution, before, after, sentence)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)

    def complaint(self) -> str:
        """Why these steps no longer fit their circuit; "" where they do."""
        if said := out_of_date(self.root):
            return said
        if str(Steps(self.root, self.weights, self.digits)) == str(self):
            return ""
        return f"out of date: {self.names[id(self.root)]} was computed anew after these steps; steps(…) takes them anew"

    def __repr__(self) -> str:
        return f"<{len(self)} steps of {self.names[id(self.root)]}>"

    def __str__(self) -> str:
        return "\n".join(step.sentence for step in self)


def steps(root: Value, *, weights: Iterable[Value] | None = None) -> Steps:
    """Backprop from `root` step by step: each forward gate, the seed, then every edge of the backward sweep.

    In Jupyter and in the saved page every leaf can be changed, and the leaves among `weights`, those of modules unless
    given, learn by gradient descent. It starts from 0 and leaves every `.grad` alone (notes 000 and 002). An edge to an
    operand that a gate did not take is said to be "not taken": nothing is handed on along it. Raises ValueError where
    the graph is out of date, and for a weight that is no leaf of it.

    >>> x, y, z = Value(-2, "x"), Value(5, "y"), Value(-4, "z")
    >>> q = (x + y).named("q")
    >>> print(steps(q * z))
    q = x + y = (−2) + 5 = 3
    f = q × z = 3 × (−4) = −12
    ∂f/∂f = 1
    ∂f/∂q += ∂f/∂f · ∂f/∂q = 1 × (−4) = −4
    ∂f/∂z += ∂f/∂f · ∂f/∂z = 1 × 3 = 3
    ∂f/∂x += ∂f/∂q · ∂q/∂x = (−4) × 1 = −4
    ∂f/∂y += ∂f/∂q · ∂q/∂y = (−4) × 1 = −4
    """
    if not isinstance(root, Value):
        raise TypeError(f"steps needs the Value at the end of a circuit, got {type(root).__name__} {root!r:.60}")
    return Steps(root, weights)

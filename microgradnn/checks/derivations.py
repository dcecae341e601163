"""The arithmetic of a backward pass as people do it by hand: who uses a node, and what arrives along each use.

The same circuit with any numbers in it, the right ones or those that somebody got. What may go wrong is in `slips`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

from microgradnn.graph import topological_order
from microgradnn.notation import names
from microgradnn.sweep import sweep
from microgradnn.value import Value

SUMS = ("add", "sum")  # gates that add up


def kind(node: Value) -> str:
    """The name of its gate, "" for a leaf."""
    return "" if node.primitive is None else node.primitive.name


class Edge(NamedTuple):
    """One use of a node by a gate: contribution = partial × upstream."""

    gate: Value
    position: int  # of the operand
    partial: float
    upstream: float
    name: str  # of the gate

    @property
    def contribution(self) -> float:
        return self.partial * self.upstream

    def factor_beside(self) -> int | None:
        """The index of what the operand is multiplied by in a product or a weighted sum, else None."""
        last = len(self.gate.operands) - 1
        if kind(self.gate) == "multiply":
            return 1 - self.position
        return (self.position + last // 2) % last if kind(self.gate) == "dot" and self.position < last else None


class Circuit:
    """The nodes below a root, their names, and who uses them, in the order in which the sweep comes by."""

    def __init__(self, root: Value) -> None:
        self.root, self.order = root, topological_order(root)
        self.names = names(self.order, root)
        self.users: dict[int, list[tuple[Value, int]]] = {id(node): [] for node in self.order}
        for gate in reversed(self.order):
            for index, operand in enumerate(gate.operands):
                if isinstance(operand, Value):
                    self.users[id(operand)].append((gate, index))

    def named(self, name: str, endings: Sequence[str] = ("",)) -> tuple[Value, str]:
        """The node with this name, and which of the `endings` follows the name; KeyError tells the names there are.

        A name that several nodes were given is refused with a KeyError too: nobody knows which is meant.
        """
        for ending in sorted(endings, key=len):  # a name that ends so itself comes first
            if str(name).endswith(ending) and (stem := str(name).removesuffix(ending)) in self.by_name:
                if self.own_names[stem] > 1:
                    raise KeyError(
                        f"{self.own_names[stem]} nodes of this circuit are called {stem:.40}: give each its own name"
                    )
                return self.by_name[stem], ending
        stem = re.sub(r"\.grad$|^[d∂][^/]*/[d∂]", "", str(name))
        if stem in self.by_name:
            raise KeyError(f'no node of this circuit is called {name!s:.60}: for the gradient of {stem} say "{stem}"')
        known = [*self.by_name]
        lowered = {(stem + ending).lower(): stem + ending for stem in known for ending in endings}
        close = get_close_matches(str(name).lower(), lowered, 1)
        remedy = f", did you mean {lowered[close[0]]}? Known" if close else ": known"
        more = f" and {len(known) - 12:,} more" if len(known) > 12 else ""
        raise KeyError(f"no node of this circuit is called {name!s:.60}{remedy} are {', '.join(known[:12])}{more}")

    @cached_property
    def by_name(self) -> dict[str, Value]:
        return {self.names[id(node)]: node for node in self.order}

    @cached_property
    def own_names(self) -> Counter[str | None]:
        """How many nodes were given each name."""
        return Counter(node.name for node in self.order)

    def terms(self, gate: Value) -> list[Value | float]:
        """What a sum adds up, sums of sums taken apart; of another gate the gate itself."""
        terms: list[Value | float] = []
        waiting: list[Value | float] = [gate]
        while waiting:
            term = waiting.pop()
            if isinstance(term, Value) and kind(term) in SUMS:
                waiting += reversed(term.operands)
            else:
                terms.append(term)
        return terms

    @cached_property
    def sums(self) -> set[int]:
        """How many terms are added up at the root, and by gates that sum."""
        return {len(self.terms(self.root)), *(len(gate.operands) for gate in self.order if kind(gate) == "sum")}

    @cached_property
    def means(self) -> set[int]:
        """By what whole numbers the circuit divides to take a mean; a factor ½ is no mean."""
        return {count for count, gate in self.divisors if (gate, count) != ("multiply", 2)}

    @cached_property
    def divisors(self) -> set[tuple[int, str]]:
        """By what whole numbers the circuit divides, and by which gate."""
        counts = set()
        for gate in self.order:
            for x in gate.operands:
                if isinstance(x, float) and abs(x) > 1e-6 and kind(gate) in ("divide", "multiply"):
                    count = x if kind(gate) == "divide" else round(1 / x, 9)
                    if count > 1 and count == int(count):
                        counts.add((int(count), kind(gate)))
        return counts

    @cached_property
    def rows(self) -> list[tuple[Value, list[tuple[Value | float, ...]]]]:
        """The weighted sums, dot gates or written out, each with its pairs of factors in order."""
        rows = []
        for gate in self.order:
            pairs: list[tuple[Value | float, ...]] = []
            if kind(gate) == "dot":
                half = len(gate.operands) // 2
                pairs = list(zip(gate.operands[:half], gate.operands[half:-1], strict=True))
            elif kind(gate) in SUMS and {kind(user) for user, _ in self.users[id(gate)]}.isdisjoint(SUMS):
                pairs = [x.operands for x in self.terms(gate) if isinstance(x, Value) and kind(x) == "multiply"]
            if len(pairs) > 1:
                rows.append((gate, pairs))
        return rows

    def gradients(
        self, partials: Mapping[int, Sequence[float | None]], given: Mapping[int, float] | None = None
    ) -> dict[int, float]:
        """∂root/∂node by `id` with these local derivatives; `given` ones count in place of what comes from above."""
        found: dict[int, float] = {}
        for node in reversed(self.order):
            total = 1.0 if node is self.root else 0.0
            for gate, index in self.users[id(node)]:
                partial = partials[id(gate)][index]
                if partial is not None:
                    total += partial * found[id(gate)]
            found[id(node)] = total if given is None else given.get(id(node), total)
        return found


@dataclass(frozen=True)
class Numbers:
    """All numbers of a circuit by `id`, the right ones or a student's own: values, local derivatives, gradients."""

    circuit: Circuit
    values: Mapping[int, float]
    partials: Mapping[int, Sequence[float | None]]
    gradients: Mapping[int, float]

    def of(self, operand: Value | float) -> float:
        return self.values[id(operand)] if isinstance(operand, Value) else operand

    def at(self, node: Value, of_value: bool) -> float:
        return (self.values if of_value else self.gradients)[id(node)]

    def afresh(self, node: Value, of_value: bool) -> float:
        """What comes of the numbers around a node, its value or gradient, whatever stands at the node itself."""
        if not of_value:
            return self.derivation(node).total
        assert node.primitive is not None
        return node.primitive.limit([self.of(operand) for operand in node.operands])

    def derivation(self, node: Value) -> Derivation:
        edges = []
        for gate, index in self.circuit.users[id(node)]:
            partial, upstream = self.partials[id(gate)][index], self.gradients[id(gate)]
            if partial is not None or math.isfinite(upstream):  # what is not taken gets nothing, 0 × ∞ neither
                edges.append(Edge(gate, index, partial or 0.0, upstream, self.circuit.names[id(gate)]))
        return Derivation(self, node, edges, 1.0 if node is self.circuit.root else 0.0)


def right_numbers(circuit: Circuit) -> Numbers:
    """The numbers that the circuit has, and the gradients as backprop finds them."""
    return Numbers(
        circuit,
        {id(node): node.data for node in circuit.order},
        {id(node): node.handed for node in circuit.order},
        {id(node): adjoint for node, adjoint in sweep(circuit.root)},
    )


def handed(gate: Value, values: Mapping[int, float]) -> list[float | None]:
    """The local derivatives of a gate at other values."""
    assert gate.primitive is not None
    operands = [Value(values[id(x)]) if isinstance(x, Value) else x for x in gate.operands]
    return gate.primitive.handed(values[id(gate)], operands)


@dataclass(frozen=True)
class Derivation:
    """How one gradient comes about: the seed at the root, and what arrives along the edges."""

    numbers: Numbers
    node: Value
    edges: list[Edge]
    seed: float

    @property
    def circuit(self) -> Circuit:
        return self.numbers.circuit

    @property
    def name(self) -> str:
        return self.circuit.names[id(self.node)]

    @cached_property
    def total(self) -> float:
        return self.with_steps({})

    def with_steps(self, changed: Mapping[int, float]) -> float:
        """The total with other contributions of some of the edges, by their position."""
        return self.seed + sum(changed.get(i, edge.contribution) for i, edge in enumerate(self.edges))

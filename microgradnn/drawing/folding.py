"""Which gates of a big graph belong together: those of a neuron, by their path; those of no module, as `bodies` says.

What is recorded with one path is one group: a neuron, `MLP.0[3]`, or a module without neurons. Its values are what
leaves it, one for each example or step. What mixes the neurons of a layer, as softmax does, is a box behind them. This
module knows graphs, not pictures; it walks every gate a few times, whatever the size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

from microgradnn.context import module_and_neuron
from microgradnn.drawing.bodies import bodies, operands_of
from microgradnn.drawing.namesakes import WEIGHTED, is_parameter, namesakes, partners
from microgradnn.graph import Vector, order_with_vectors, without_vectors
from microgradnn.value import Value


class Column(NamedTuple):
    """Where a node of the picture stands: a layer by its path, its inputs, or a box of gates."""

    kind: str  # "layer", "inputs" or "box"
    name: str  # the path, or what the heading of a box says: "" for leaves
    band: int = 0  # tells modules of one path and boxes of one heading apart; of boxes up to BANDS one of depth


@dataclass(eq=False)
class Group:
    """A node of the picture: a neuron (its output for each example), an input, or a box of gates."""

    column: Column
    index: int | None = None  # of a neuron in its layer, of an input among the inputs
    values: list[Value | float] = field(default_factory=list)
    parameters: dict[Value, None] = field(default_factory=dict)  # an ordered set, as Values hash by identity
    gates: list[Value] = field(default_factory=list)  # all that are folded into it, operands first
    repeats: int = 1  # n of a box that is a body n times

    @cached_property
    def data(self) -> list[float]:
        """All values, one for each example."""
        return [x.data if isinstance(x, Value) else x for x in self.values]

    @cached_property
    def gradients(self) -> list[float]:
        """All gradients that have arrived."""
        return [x.grad for x in self.values if isinstance(x, Value) and x.swept]


@dataclass
class Link:
    """What leads from one group to another: how many operands, each weight once, and these weights."""

    count: int = 0
    weights: dict[Value, None] = field(default_factory=dict)

    @property
    def weight(self) -> Value | None:
        """The weight that stands for all of them, the largest; None where nothing is multiplied."""
        return max(self.weights, key=lambda weight: abs(weight.data), default=None)


class Folding:
    """The graph of `root` folded into groups, with the links between them, both in the order of their gates.

    >>> from microgradnn import nn
    >>> [y] = nn.Neuron(2, rng=0)([-1.0, -2.0])
    >>> [(group.column.kind, group.column.name) for group in Folding(y * y).groups]
    [('inputs', 'Neuron'), ('inputs', 'Neuron'), ('layer', 'Neuron'), ('box', 'multiply')]
    """

    def __init__(self, root: Value, order: list[Any] | None = None) -> None:  # with vectors, where it was walked before
        self.links: dict[tuple[Group, Group], Link] = {}
        self.uses: Counter[tuple[Column, Group]] = Counter()  # of parameters by gates of no module, as in a penalty
        self._group_of: dict[Value, Group] = {}
        self._leaving = {root}  # gates that other groups take
        self._inputs: dict[Column, dict[Any, Group]] = {}  # by their column, and what tells them apart there
        self._first_taker: dict[Group, Group | None] = {}  # of an input: the neuron whose numbers it holds
        self._met: dict[Group, dict[Value, int]] = {}  # the parameters beside which a group takes inputs, numbered
        # The examples of a batch differ in their numbers, not in their links: each tuple of sources is kept once, and
        # each is linked to a neuron once.
        self._sources: dict[Vector, tuple[Group | None, ...]] = {}
        self._same: dict[tuple[Group | None, ...], tuple[Group | None, ...]] = {}
        self._linked: set[tuple[Group, Vector, int]] = set()
        order = order or order_with_vectors(root)
        gates = [node for node in order if isinstance(node, Value) and node._left is not None]
        self._group(gates)
        for gate in gates:
            if gate._path is not None:
                self._link_module(gate, self._group_of[gate])
        users = dict.fromkeys(self._group_of.values())
        layer_of = {leaf: group.column for group in reversed(users) for leaf in group.parameters}
        for gate in gates:
            if gate._path is None:
                self._link_loose(gate, self._group_of[gate], layer_of)
        if root._left is None:
            self._leaf(root)
        self.groups = self._in_order(gates)
        self.nodes = len(without_vectors(order))

    def columns(self) -> dict[Column, list[Group]]:
        """The groups by column."""
        columns: dict[Column, list[Group]] = {}
        for group in self.groups:
            columns.setdefault(group.column, []).append(group)
        return columns

    def _group(self, gates: Sequence[Value]) -> None:
        places = {path: module_and_neuron(path) for path in dict.fromkeys(g._path for g in gates) if path is not None}
        layers = {module for module, index in places.values() if index is not None}
        groups: dict[tuple[str, int], Group] = {}
        for gate, number in namesakes(gates).items():
            path = gate._path
            assert path is not None
            group = groups.get((path, number))
            if group is None:
                module, index = places[path]
                kind = "box" if index is None and module in layers else "layer"
                group = groups[path, number] = Group(Column(kind, module, number), index)
            self._group_of[gate] = group
            group.gates.append(gate)
        for body in bodies([gate for gate in gates if gate._path is None]):
            group = Group(Column("box", body.name, body.band), None, [*body.results], {}, body.gates, body.repeats)
            self._group_of.update(dict.fromkeys(body.gates, group))

    # ---- what leads to a gate ----

    def _link_module(self, gate: Any, group: Group) -> None:
        """Link what a gate of a module takes to its group."""
        operands = operands_of(gate)
        met: Iterable[Value | None]
        if operands[0].__class__ is Vector:
            row, inputs, bias = operands
            sources = self._sources_of(inputs, group)
            if (group, row, id(sources)) in self._linked:
                return
            self._linked.add((group, row, id(sources)))
            for weight, source in zip(row.members, sources, strict=True):
                self._link(source, group, weight if is_parameter(weight) else None)
            operands, met = (*row.members, bias), repeat(None, len(row.members) + 1)
        else:
            met = partners(gate)
        for operand, parameter in zip(operands, met, strict=True):
            if operand.__class__ is float and parameter is None:  # a constant
                continue
            if is_parameter(operand):
                group.parameters[operand] = None
                continue
            weight = parameter if gate._primitive.name in WEIGHTED else None
            source = self._group_of.get(operand) if isinstance(operand, Value) else None
            if source is None:
                index = group.index
                if parameter is not None and (weight is not None or index is None):
                    numbers = self._met.setdefault(group, {})
                    index = numbers.setdefault(parameter, len(numbers))
                source = self._input(operand, group.column, operand if index is None else index, group)
            if source is not group:
                self._take(operand, source, group, weight)

    def _link_loose(self, gate: Any, group: Group, layer_of: dict[Value, Column]) -> None:
        """Link what a gate of no module takes to its group; parameters of layers are used."""
        for operand in operands_of(gate):
            for x in operand.members if operand.__class__ is Vector else (operand,):
                if x.__class__ is float or (source := self._group_of.get(x)) is group:
                    continue
                if x in layer_of:
                    self.uses[layer_of[x], group] += 1
                else:
                    self._take(x, source or self._leaf(x), group)

    def _take(self, operand: Any, source: Group, group: Group, weight: Value | None = None) -> None:
        if isinstance(operand, Value) and operand._left is not None:
            self._leaving.add(operand)
        self._link(source, group, weight)

    def _link(self, source: Group | None, group: Group, weight: Value | None = None) -> None:
        if source is None:  # of a parameter
            return
        link = self.links.get((source, group))
        if link is None:
            link = self.links[source, group] = Link()
        if weight is None:
            link.count += 1
        elif weight not in link.weights:
            link.count += 1
            link.weights[weight] = None

    def _sources_of(self, inputs: Vector, group: Group) -> tuple[Group | None, ...]:
        """The groups that hand on the members of a Vector, which all neurons of a layer share."""
        if inputs not in self._sources:
            sources: list[Group | None] = []
            for index, x in enumerate(inputs.members):
                if is_parameter(x):
                    group.parameters[x] = None
                    sources.append(None)
                    continue
                if isinstance(x, Value) and x._left is not None:
                    self._leaving.add(x)  # to itself, too, in a recurrent net
                known = self._group_of.get(x) if isinstance(x, Value) else None
                sources.append(known or self._input(x, group.column, index))
            self._sources[inputs] = self._same.setdefault(tuple(sources), tuple(sources))
        return self._sources[inputs]

    def _input(self, x: Value | float, layer: Column, key: Any, taker: Group | None = None) -> Group:
        """The input of a layer that a leaf or a number is; of numbers that all neurons meet, one is the taker."""
        inputs = self._inputs.setdefault(column := layer._replace(kind="inputs"), {})
        if key not in inputs:
            inputs[key] = Group(column, key if isinstance(key, int) else None)
            self._first_taker[inputs[key]] = taker
        if isinstance(x, Value):
            self._group_of[x] = inputs[key]
        if isinstance(x, Value) or self._first_taker[inputs[key]] is taker:
            inputs[key].values.append(x)
        return inputs[key]

    def _leaf(self, leaf: Value) -> Group:
        """The box of all leaves that no module takes."""
        column = Column("box", "")
        group = self._inputs.setdefault(column, {}).setdefault("", Group(column))
        self._group_of[leaf] = group
        group.values.append(leaf)
        return group

    # ---- the groups in order ----

    def _in_order(self, gates: Sequence[Value]) -> list[Group]:
        """The columns in the order in which something leaves them, with inputs before their layer, and their groups."""
        columns: dict[Column, dict[Group, None]] = {}
        for group in self._inputs.get(Column("box", ""), {}).values():
            columns[group.column] = {group: None}
        for gate in gates:
            group = self._group_of[gate]
            if gate not in self._leaving:
                continue
            if gate._path is not None:
                if group.column not in columns:
                    for source in self._inputs.get(group.column._replace(kind="inputs"), {}).values():
                        columns.setdefault(source.column, {})[source] = None
                group.values.append(gate)
            columns.setdefault(group.column, {})[group] = None
        return [
            group
            for groups in columns.values()
            for group in sorted(groups, key=lambda group: len(groups) if group.index is None else group.index)
        ]

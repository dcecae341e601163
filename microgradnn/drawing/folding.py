"""Which gates of a big graph belong together: those of a neuron, those of a layer, the rest by depth and primitive.

A layer is what was recorded with one path. A neuron of it is an output together with all gates that lead to nothing
else; where a layer ran on several examples or steps, outputs with the same weights are the same neuron. Gates that
lead to all neurons of their layer at once, as the sum in a softmax, belong to none. This module knows graphs, not
pictures; everything is one walk there and one back, whatever the size.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from microgradnn.graph import Vector, order_with_vectors
from microgradnn.value import Value

BANDS = 6
WEIGHTED = ("multiply", "dot")  # of these gates a parameter is a weight


class Column(NamedTuple):
    """Where a node of the picture stands: a layer by its path, its inputs, or a box of gates of no module."""

    kind: str  # "layer", "inputs" or "box"
    name: str  # the path, or the primitive of a box: "" for leaves
    band: int = 0


@dataclass(eq=False)
class Group:
    """A node of the picture: a neuron (its output for each example), an input, or a box of gates."""

    column: Column
    values: list[Value | float] = field(default_factory=list)
    parameters: dict[Value, None] = field(default_factory=dict)  # an ordered set, as Values hash by identity
    weighted: bool = False


@dataclass
class Link:
    """What leads from one group to another: how many operands, and the weights they were multiplied with."""

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

    def __init__(self, root: Value) -> None:
        self.links: dict[tuple[Group, Group], Link] = {}
        self.uses: Counter[tuple[Column, Group]] = Counter()  # of parameters by gates of no module, as in a penalty
        self._order = order_with_vectors(root)
        self._owner: dict[Value, Value] = {}
        self._use_of: dict[Value, tuple[str, Any]] = {}  # of a leaf: the layer that uses it first, and as which input
        self._groups: dict[tuple[Any, ...], Group] = {}  # by column, and what tells them apart there
        self._group_of: dict[Value, Group] = {}
        # The plain numbers that a neuron takes, by the parameter that they meet, and the weight if it is one.
        self._numbers: dict[Group, dict[tuple[Value, Value | None], list[float]]] = {}
        # The examples of a batch differ in their numbers, not in their links. Tuples of sources that are equal are
        # kept once, and each is linked to a neuron once: 128 examples through 64-100-10 fold in 0.15 s; without
        # `_same` in 0.53 s, without `_met` in 0.48 s.
        self._sources: dict[Vector, tuple[Group | None, ...]] = {}
        self._same: dict[tuple[Group | None, ...], tuple[Group | None, ...]] = {}
        self._met: set[tuple[Group, Vector, int]] = set()
        self._find_owners()
        self._group_gates()
        last = self._source(root)
        self._group_numbers()
        self.nodes = len({value for node in self._order for value in _members(node) if value.__class__ is Value})
        self.groups = self._without_inner_groups(last)

    def columns(self) -> dict[Column, list[Group]]:
        """The groups by column."""
        columns: dict[Column, list[Group]] = {}
        for group in self.groups:
            columns.setdefault(group.column, []).append(group)
        return columns

    # ---- back from the root: where each gate leads to ----

    def _find_owners(self) -> None:
        """The owner of a gate is the one gate of its layer that all paths from it pass last; often itself."""
        several = object()
        above: dict[Any, Any] = {}  # the owner of all that takes a node, or `several`
        path_of: dict[Vector, str] = {}
        partners: Sequence[Any]
        for node in reversed(self._order):  # so that the first use of a leaf is the last that is noted
            operands, target, weighted = _operands(node), above.get(node, several), False
            if node.__class__ is Vector:
                path, partners = path_of.get(node), range(len(operands))
            elif node._left is None or node._path is None:
                path, partners, target = None, operands, several
            else:
                path, partners, weighted = node._path, _partners(node), node._primitive.name in WEIGHTED
                if target is several or target._path != path:
                    target = node
                self._owner[node] = target
            for operand, partner in zip(operands, partners, strict=True):
                if operand.__class__ is float:
                    continue
                if path is not None and operand.__class__ is Vector:
                    path_of[operand] = path
                elif path is not None and operand._left is None:
                    self._use_of[operand] = path, operand if partner is None else partner
                if operand._left is not None:  # what meets a weight comes from outside, also within a layer
                    owner = several if weighted and partner is not None else target
                    above[operand] = owner if above.get(operand, owner) is owner else several

    # ---- forward: gates into groups ----

    def _group_gates(self) -> None:
        depth = _depths(self._order)
        gates = [node for node in self._order if _is_gate(node)]
        free = [depth[gate] for gate in gates if gate._path is None]
        first, bands = (min(free), max(free) - min(free) + 1) if free else (0, 1)
        cones: dict[Value, list[Value]] = {}
        for gate in gates:
            if gate._path is None:
                band = 1 + (depth[gate] - first) * BANDS // bands
                group = self._put(gate, Column("box", gate._primitive.name, band))
                for operand in chain.from_iterable(map(_members, _operands(gate))):
                    if operand.__class__ is Value:
                        source = self._source(operand)
                        if source is None:
                            self.uses[Column("layer", self._use_of[operand][0]), group] += 1
                        else:
                            self._link(source, group)
            else:
                owner = self._owner[gate]
                cones.setdefault(owner, []).append(gate)
                if owner is gate:
                    self._close(gate, cones.pop(gate))

    def _put(self, value: Value | float, column: Column, *key: Any) -> Group:
        """Put `value` into the group of `column` that `key` tells from the others there."""
        group = self._groups.setdefault((column, *key), Group(column))
        group.values.append(value)
        if isinstance(value, Value):
            self._group_of[value] = group
        return group

    def _source(self, operand: Value) -> Group | None:
        """The group that hands `operand` on; None for a parameter of a layer."""
        if operand in self._group_of:
            return self._group_of[operand]
        if operand not in self._use_of:
            return self._put(operand, Column("box", ""))
        if _is_parameter(operand):
            return None
        path, key = self._use_of[operand]
        return self._put(operand, Column("inputs", path), key)

    def _close(self, owner: Any, cone: list[Any]) -> None:
        """All gates that lead to `owner` are known: find its neuron, and what leads to that."""
        inside = set(cone)
        parameters: dict[Value, None] = {}
        weights: list[Value] = []
        links: list[tuple[Group | None, Value | None]] = []
        numbers: list[tuple[float, tuple[Value, Value | None]]] = []
        dots: list[tuple[Vector, tuple[Group | None, ...]]] = []
        for gate in cone:
            operands, partners = _operands(gate), _partners(gate)
            if operands[0].__class__ is Vector:
                row, inputs, bias = operands
                dots.append((row, self._sources_of(inputs, owner._path)))
                weights += row.members[:1] if _is_parameter(row.members[0]) else ()
                operands = (*row.members, bias) if row._left is not None else (bias,)  # weights that are computed
                partners = [None] * len(operands)
            for operand, parameter in zip(operands, partners, strict=True):
                weight = parameter if gate._primitive.name in WEIGHTED else None
                if weight is not None:
                    weights.append(weight)
                if _is_parameter(operand):
                    parameters[operand] = None
                elif operand.__class__ is not float and operand not in inside:
                    links.append((self._source(operand), weight))
                elif operand.__class__ is float and parameter is not None:
                    numbers.append((operand, (parameter, weight)))
        sources = {source for source, _ in links}.union(*(sources for _, sources in dots))
        # Outputs with the same weights are one neuron, whatever they take.
        key = frozenset(weights) or (owner._primitive.name, frozenset(parameters), frozenset(sources))
        group = self._put(owner, Column("layer", owner._path), key)
        group.parameters |= parameters
        group.weighted |= bool(weights)
        for x, meeting in numbers:
            self._numbers.setdefault(group, {}).setdefault(meeting, []).append(x)
        for source, weight in links:
            self._link(source, group, weight)
        for row, row_sources in dots:
            if (group, row, id(row_sources)) not in self._met:
                self._met.add((group, row, id(row_sources)))
                group.parameters |= dict.fromkeys(filter(_is_parameter, row.members))
                for weight, source in zip(row.members, row_sources, strict=True):
                    self._link(source, group, weight if _is_parameter(weight) else None)

    def _sources_of(self, inputs: Vector, path: str) -> tuple[Group | None, ...]:
        """The groups that hand on the members of a Vector, which all neurons of a layer share."""
        if inputs not in self._sources:
            column = Column("inputs", path)
            sources = tuple(
                self._source(x) if isinstance(x, Value) else self._put(x, column, index)
                for index, x in enumerate(inputs.members)
            )
            self._sources[inputs] = self._same.setdefault(sources, sources)
        return self._sources[inputs]

    def _group_numbers(self) -> None:
        """Inputs for the numbers that no Vector holds: what is the same in every example is the same input."""
        others, self._groups = self._groups, {}
        for group, numbers in self._numbers.items():
            column = Column("inputs", group.column.name)
            for index, ((_, weight), data) in enumerate(numbers.items()):
                source = self._groups.setdefault((column, index, tuple(data)), Group(column, [*data]))
                self._link(source, group, weight)
        self._groups |= others

    def _link(self, source: Group | None, target: Group, weight: Value | None = None) -> None:
        if source is None or (source is target and source.column.kind == "box"):
            return
        link = self.links.setdefault((source, target), Link())
        link.count += 1
        if weight is not None:
            link.weights[weight] = None

    # ---- groups within a layer that are no outputs of it ----

    def _without_inner_groups(self, last: Group | None) -> list[Group]:
        """Join what leads to one neuron only to that neuron, and drop what mixes all of them."""
        leaving: set[Group | None] = {last}
        users: defaultdict[Group, set[Group]] = defaultdict(set)
        for source, target in self.links:
            if source.column != target.column:
                leaving.add(source)
            elif source is not target:
                users[source].add(target)
        into: dict[Group | None, Group | None] = {}  # None: dropped
        for group in reversed(self._groups.values()):
            targets = {into.get(user, user) for user in users[group]} - {None, group}
            if group not in leaving and len(targets) == 1:
                [into[group]] = targets
            elif group not in leaving and targets and not group.weighted:
                into[group] = None

        def end(group: Group | None) -> Group | None:
            while group in into:
                group = into[group]
            return group

        links, self.links = self.links, {}
        for (source, target), link in links.items():
            start, stop = end(source), end(target)
            if start and stop and (start is not stop or source is target):
                joined = self.links.setdefault((start, stop), Link())
                joined.count += link.count
                joined.weights |= link.weights
        for group in self._groups.values():
            neuron = end(group)
            if neuron:
                neuron.parameters |= group.parameters
        return [group for group in self._groups.values() if group not in into]


def _operands(node: Any) -> Sequence[Any]:
    """The operands of a gate or the members of a Vector as they are stored: Values, floats and Vectors."""
    if node.__class__ is Vector:
        return node.members
    left, right = node._left, node._right
    if left.__class__ is tuple:
        return left
    return () if left is None else (left,) if right is None else (left, right)


def _members(node: Any) -> Sequence[Any]:
    return node.members if node.__class__ is Vector else (node,)


def _partners(gate: Any) -> Sequence[Any]:
    """Which parameter each operand of a gate meets, None for none: in w·x a weight meets x; of a Vector, the Vector."""
    operands = _operands(gate)
    if gate._primitive.name == "dot":
        row = operands[: len(operands) // 2]
        weights = [w if w.__class__ is Vector or _is_parameter(w) else None for w in row]
        return [*[None] * len(row), *weights, None]
    if len(operands) == 2:
        left, right = operands
        return right if _is_parameter(right) else None, left if _is_parameter(left) else None
    return [None] * len(operands)


def _depths(order: Iterable[Any]) -> dict[Any, int]:
    """The depth of each node: 0 for a leaf, else one more than its deepest operand; a Vector adds nothing."""
    depth: dict[Any, int] = {}
    for node in order:
        deepest = 0
        for operand in _operands(node):
            if operand.__class__ is not float:
                deepest = max(deepest, depth.get(operand, 0))
        depth[node] = deepest + _is_gate(node)
    return depth


def _is_gate(node: Any) -> bool:
    return node.__class__ is Value and node._left is not None


def _is_parameter(operand: Any) -> bool:
    """Whether a module has marked this leaf as its own."""
    return operand.__class__ is Value and operand._left is None and operand._path is not None

"""Which gates of a big graph belong together: those of a neuron, those of a layer, the rest by depth and primitive.

A layer is what was recorded with one path. A neuron of it is an output together with all gates that lead to nothing
else; where a layer ran on several examples or steps, outputs with the same weights are the same neuron. Gates that
lead to all neurons of their layer at once, as the sum in a softmax, belong to none. This module knows graphs, not
pictures; everything is one walk there and one back, whatever the size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from microgradnn.graph import Vector, order_with_vectors
from microgradnn.value import Value

BANDS = 6
# Where a leaf in a gate of a module is a parameter of it; anywhere else, and in a dot by its place, it is an input.
PARAMETER_PLACES = {"multiply": (0,), "add": (0, 1), "divide": (0,), "leaky_relu": (1,), "elu": (1,), "power": (1,)}


@dataclass(frozen=True)
class Column:
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
    leaves_layer: bool = False


@dataclass
class Link:
    """What leads from one group to another: how many operands, and the weights they were multiplied with."""

    count: int = 0
    weights: dict[Value, None] = field(default_factory=dict)

    @property
    def weight(self) -> Value | None:
        """The weight that stands for all of them, the largest; None where nothing is multiplied."""
        return max(self.weights, key=lambda weight: abs(weight.data), default=None)


@dataclass
class Folding:
    """A graph folded into groups, with the links between them, both in the order in which the gates were recorded."""

    nodes: int
    groups: list[Group]
    links: dict[tuple[Group, Group], Link]
    uses: Counter[tuple[Column, Group]]  # of the parameters of a layer by gates of no module, as in a penalty

    def columns(self) -> dict[Column, list[Group]]:
        """The groups by column."""
        found: dict[Column, list[Group]] = {}
        for group in self.groups:
            found.setdefault(group.column, []).append(group)
        return found


def raw_operands(node: Any) -> Sequence[Any]:
    """The operands of a gate or the members of a Vector as they are stored: Values, floats and Vectors."""
    left, right = node._left, node._right
    if left.__class__ is tuple:
        return left
    return () if left is None else (left,) if right is None else (left, right)


def depths(nodes: Iterable[Any]) -> dict[Any, int]:
    """The depth of each node: 0 for a leaf, else one more than its deepest operand; a Vector adds nothing.

    >>> x = Value(1.0)
    >>> order = order_with_vectors(x + x * 2)
    >>> [depths(order)[node] for node in order]
    [0, 1, 2]
    """
    depth: dict[Any, int] = {}
    for node in nodes:
        deepest = -1
        for operand in raw_operands(node):
            if operand.__class__ is not float and depth[operand] > deepest:
                deepest = depth[operand]
        depth[node] = max(deepest, 0) if node.__class__ is Vector else deepest + 1
    return depth


def fold(root: Value) -> Folding:
    """Fold the graph of `root` into neurons, inputs and boxes.

    >>> from microgradnn.modes import inside
    >>> from microgradnn.value import dots
    >>> with inside("net"):
    ...     [[y]] = dots([[Value(2.0), Value(-3.0)]], [[-1.0, -2.0]], [Value(-3.0)])
    >>> [(group.column.kind, group.column.name) for group in fold(y * y).groups]
    [('inputs', 'net'), ('inputs', 'net'), ('layer', 'net'), ('box', 'multiply')]
    """
    return _Folder(root).folding


class _Folder:
    """One run of `fold`."""

    def __init__(self, root: Value) -> None:
        self.root = root
        self.nodes = order_with_vectors(root)
        self.groups: dict[Any, Group] = {}
        self.links: dict[tuple[Group, Group], Link] = {}
        self.uses: Counter[tuple[Column, Group]] = Counter()
        self.parameter_of: dict[Value, Column] = {}
        self.input_of: dict[Value, tuple[Column, Any]] = {}
        self.owner: dict[Value, Value] = {}
        self._group_of: dict[Value, Group] = {}
        self._sources: dict[Vector, tuple[Group | None, ...]] = {}
        self._same: dict[tuple[Group | None, ...], tuple[Group | None, ...]] = {}
        self._told: set[Vector] = set()
        self._first: dict[Group, Any] = {}
        self._met: set[Any] = set()
        if any(node.__class__ is Value and node._path is not None for node in self.nodes):
            self._find_owners()
        self._group()
        groups = self._without_inner_groups()
        seen = {node for node in self.nodes if node.__class__ is Value}
        held = (x for node in self.nodes if node.__class__ is Vector for x in node.members if x.__class__ is Value)
        seen.update(held)
        self.folding = Folding(len(seen), groups, self.links, self.uses)

    # ---- back from the root: where each gate leads to ----

    def _find_owners(self) -> None:
        """The owner of a gate is the one gate of its layer that all paths from it pass last; often itself."""
        several = object()
        above: dict[Any, Any] = {}
        columns: dict[str, Column] = {}
        for node in reversed(self.nodes):
            operands = raw_operands(node)
            if node.__class__ is Vector:
                target = above.get(node, several)
            elif node._path is None or not operands:
                target = several
            else:
                target = above.get(node, several)
                if target is several or target._path != node._path:
                    target = node
                self.owner[node] = target
                column = columns.get(node._path)
                if column is None:
                    column = columns[node._path] = Column("layer", node._path)
                self._tell_leaves(node, operands, column, alone=target is node)
            taken = _taken(node, operands) if target is not several and node.__class__ is Value else ()
            for operand in operands:
                if operand.__class__ is not float and operand._left is not None:
                    known = above.get(operand)
                    above[operand] = target if known is None or known is target else several
            for operand in taken:
                if operand.__class__ is not float:
                    above[operand] = several

    def _tell_leaves(self, gate: Value, operands: Sequence[Any], column: Column, alone: bool) -> None:
        """Note which leaves of a gate are parameters of its layer and which are inputs; the first use decides."""
        assert gate._primitive is not None
        name = gate._primitive.name
        if len(operands) == 1 and operands[0]._left is not None:
            return
        if name == "dot":
            row, inputs, bias = _parts_of_dot(operands)
            if _is_leaf(bias):
                self.parameter_of[bias] = column
            if self._is_news(row):
                self.parameter_of.update((one, column) for one in _members(row) if _is_leaf(one))
            if self._is_news(inputs):
                self.input_of.update((one, (column, j)) for j, one in enumerate(_members(inputs)) if _is_leaf(one))
            return
        places = PARAMETER_PLACES.get(name, ())
        if alone and all(one.__class__ is float or one._left is None for one in operands):
            places = ()  # nothing but leaves and numbers, and nothing follows: dropout of an input, not a weight
        for place, one in enumerate(operands):
            if one.__class__ is Value and one._left is None:
                if place not in places or (place and operands[0] is one):
                    # What the same weight is multiplied with is the same input, for another example.
                    first = operands[0] if name == "multiply" and place else one
                    self.input_of[one] = column, first if first.__class__ is Value else one
                elif name != "multiply" or len(operands) < 2 or operands[1] is not one:
                    self.parameter_of[one] = column

    def _is_news(self, operands: Any) -> bool:
        """Whether these have not been met; a Vector is shared by many gates of one layer."""
        if operands.__class__ is Vector:
            if operands in self._told:
                return False
            self._told.add(operands)
        return True

    # ---- forward: gates into groups ----

    def _group(self) -> None:
        depth = depths(self.nodes)
        free = [depth[node] for node in self.nodes if node.__class__ is Value and node._left is not None
                and node._path is None]  # fmt: skip
        first, bands = (min(free), max(free) - min(free) + 1) if free else (0, 1)
        cones: dict[Value, list[tuple[Value, Sequence[Any]]]] = {}
        for node in self.nodes:
            if node.__class__ is Vector:
                continue
            operands = raw_operands(node)
            if not operands:
                if node is self.root:
                    self._source(node)
            elif node._path is None:
                band = 1 + (depth[node] - first) * BANDS // bands
                group = self._named(Column("box", node._primitive.name, band))
                group.values.append(node)
                self._group_of[node] = group
                for operand in operands:
                    members = operand.members if operand.__class__ is Vector else (operand,)
                    for one in members:
                        if one.__class__ is Value:
                            source = self._source(one)
                            if source is None:
                                self.uses[self.parameter_of[one], group] += 1
                            else:
                                self._link(source, group)
            else:
                owner = self.owner[node]
                cones.setdefault(owner, []).append((node, operands))
                if owner is node:
                    self._close(node, cones.pop(node))
        last = self._group_of.get(self.root)
        if last is not None:
            last.leaves_layer = True

    def _is_parameter(self, operand: Any) -> bool:
        return operand.__class__ is Value and operand in self.parameter_of and operand not in self.input_of

    def _named(self, column: Column, *key: Any) -> Group:
        found = self.groups.get((column, *key))
        if found is None:
            found = self.groups[(column, *key)] = Group(column)
        return found

    def _source(self, operand: Value) -> Group | None:
        """The group that hands `operand` on; None for a parameter of a layer."""
        if operand._left is not None:
            return self._group_of[operand]
        known = self._group_of.get(operand)
        if known is not None:
            return known
        if operand in self.input_of:
            column, place = self.input_of[operand]
            group = self._named(Column("inputs", column.name), place)
        elif operand in self.parameter_of:
            return None
        else:
            group = self._named(Column("box", ""))
        group.values.append(operand)
        self._group_of[operand] = group
        return group

    def _input(self, x: Any, column: Column, place: int, weight: Any = None) -> Group | None:
        """The group of one number that a neuron takes; a plain number is an input too.

        Where every neuron holds its own copy of that number, the one that meets `weight` first counts.
        """
        if x.__class__ is not float:
            return self._source(x)
        group = self._named(Column("inputs", column.name), place)
        if self._first.setdefault(group, weight) is weight:
            group.values.append(x)
        return group

    def _close(self, owner: Value, cone: list[tuple[Value, Sequence[Any]]]) -> None:
        """All gates that lead to `owner` are known: find its neuron, and what leads to that."""
        assert owner._path is not None
        column = Column("layer", owner._path)
        inside = {gate for gate, _ in cone}
        parameters: dict[Value, None] = {}
        weights: list[Value] = []  # one for each gate is enough to tell neurons apart
        dots: list[tuple[Any, Any, tuple[Group | None, ...]]] = []
        plain: list[tuple[Group | None, Value | None]] = []
        constants = 0
        for gate, operands in cone:
            assert gate._primitive is not None
            name = gate._primitive.name
            if name == "dot":
                row, inputs, bias = _parts_of_dot(operands)
                dots.append((row, bias, self._sources_of(row, inputs, column)))
                if _is_leaf(_members(row)[0]):
                    weights.append(_members(row)[0])
                for one in (*(() if weights else _members(row)), bias):
                    if one.__class__ is Value and one not in inside and one not in self.parameter_of:
                        plain.append((self._source(one), None))
                continue
            for place, one in enumerate(operands):
                if one.__class__ is not Value or one in inside:
                    continue
                if name == "multiply" and place == 1 and self._is_parameter(operands[0]):
                    continue  # met together with its weight
                if not self._is_parameter(one):
                    plain.append((self._source(one), None))
                    continue
                parameters[one] = None
                if name == "multiply" and place == 0:
                    other = operands[1]
                    weights.append(one)
                    if other.__class__ is float:
                        plain.append((self._input(other, column, constants, one), one))
                        constants += 1
                    else:
                        plain.append((self._source(other), one))
        key = self._key(owner, parameters, weights, plain, dots)
        group = self._named(column, key)
        group.values.append(owner)
        group.parameters.update(parameters)
        group.weighted = group.weighted or bool(weights)
        self._group_of[owner] = group
        for source, weight in plain:
            self._link(source, group, weight)
        for row, bias, sources in dots:
            met = (group, id(_members(row)[0]), id(sources))  # every tuple of sources exists once, and stays
            if met in self._met:
                continue
            self._met.add(met)
            for weight, source in zip(_members(row), sources, strict=True):
                parameter = weight if _is_leaf(weight) else None
                if parameter is not None:
                    group.parameters[parameter] = None
                self._link(source, group, parameter)
            if bias.__class__ is Value and bias in self.parameter_of:
                group.parameters[bias] = None

    def _key(self, owner: Value, parameters: Iterable[Value], weights: list[Value], plain: Any, dots: Any) -> Any:
        """What two outputs of a layer have in common when they are one neuron for two examples."""
        if weights:
            return tuple(sorted({id(weight) for weight in weights}))
        assert owner._primitive is not None
        sources = [source for source, _ in plain] + [source for _, _, found in dots for source in found]
        return owner._primitive.name, frozenset(parameters), frozenset(id(source) for source in sources)

    def _sources_of(self, row: Any, inputs: Any, column: Column) -> tuple[Group | None, ...]:
        if inputs.__class__ is not Vector:
            found = tuple(self._input(x, column, place, row[place]) for place, x in enumerate(inputs))
            return self._same.setdefault(found, found)
        known = self._sources.get(inputs)  # shared by all neurons of a layer
        if known is None:
            found = tuple(self._input(x, column, place) for place, x in enumerate(inputs.members))
            known = self._sources[inputs] = self._same.setdefault(found, found)
        return known

    def _link(self, source: Group | None, target: Group, weight: Value | None = None) -> None:
        if source is None or (source is target and source.column.kind == "box"):
            return
        link = self.links.get((source, target))
        if link is None:
            link = self.links[source, target] = Link()
        link.count += 1
        if weight is not None:
            link.weights[weight] = None
        if source.column != target.column:
            source.leaves_layer = True

    # ---- groups within a layer that are no outputs of it ----

    def _without_inner_groups(self) -> list[Group]:
        """Join what leads to one neuron only to that neuron, and drop what mixes all of them."""
        groups = list(self.groups.values())
        users: dict[Group, dict[Group, None]] = {}
        sources: dict[Group, set[Group]] = {}
        for source, target in self.links:
            if source.column == target.column and source is not target:
                users.setdefault(source, {})[target] = None
                sources.setdefault(target, set()).add(source)
        into: dict[Group, Group | None] = {}  # None: dropped
        for group in reversed(groups):
            if group.leaves_layer or group.column.kind != "layer":
                continue
            targets = {into.get(user, user) for user in users.get(group, ())} - {None, group}
            if len(targets) == 1:
                [into[group]] = targets
            elif not group.weighted and len(targets) > 1:
                into[group] = None
        if not into:
            return groups
        links, self.links = self.links, {}
        for (source, target), link in links.items():
            start, end = _last(into, source), _last(into, target)
            if start is not None and end is not None and (start is not end or source is target):
                joined = self.links.setdefault((start, end), Link())
                joined.count += link.count
                joined.weights.update(link.weights)
        for group in into:
            end = _last(into, group)
            if end is not None:
                end.parameters.update(group.parameters)
        return [group for group in groups if group not in into]


def _last(into: dict[Group, Group | None], group: Group) -> Group | None:
    found: Group | None = group
    while found in into:
        assert found is not None
        found = into[found]
    return found


def _parts_of_dot(operands: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Weights, inputs and bias, the first two as Vector or as sequence."""
    if operands[0].__class__ is Vector:
        return operands[0], operands[1], operands[2]
    half = len(operands) // 2
    return operands[:half], operands[half:-1], operands[-1]


def _taken(gate: Value, operands: Sequence[Any]) -> Sequence[Any]:
    """The operands that a weight is multiplied with: they come from outside the neuron, also within a layer."""
    assert gate._primitive is not None
    if gate._primitive.name == "dot":
        inputs = _parts_of_dot(operands)[1]
        return (inputs,) if inputs.__class__ is Vector else inputs
    if gate._primitive.name == "multiply" and _is_leaf(operands[0]):
        return operands[1:]
    return ()


def _is_leaf(operand: Any) -> bool:
    return operand.__class__ is Value and operand._left is None


def _members(operands: Any) -> Sequence[Any]:
    return operands.members if operands.__class__ is Vector else operands

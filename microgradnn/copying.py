"""Copies and pickles of graphs: flat, whatever the depth, and sharing what the originals share."""

from __future__ import annotations

import copy
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from microgradnn.graph import Vector, topological_order
from microgradnn.renewal import is_incomplete, mark_incomplete

_pickling = threading.local()


def deep_copy(root: Any, memo: dict[int, Any]) -> Any:
    """What `copy.deepcopy` makes of a Value; `memo` holds what was copied before, by `id`."""
    for node in topological_order(root, known=memo):
        if id(node) in memo:  # an attribute of another led to it
            continue
        gate = node._primitive and node._primitive.__deepcopy__(memo)
        memo[id(node)] = _restoring(node)(
            type(node), None, node._data, node._grad, node._name, node._path, gate,
            _copied(node._left, memo), _copied(node._right, memo), node._left_partial, node._right_partial,
        )  # fmt: skip
        if attributes := getattr(node, "__dict__", None):  # which the user gave it
            vars(memo[id(node)]).update(copy.deepcopy(attributes, memo))
    memo.setdefault(id(memo), []).append(root)  # keeps the originals, so that no id in memo is used anew
    return memo[id(root)]


def _copied(operand: Any, memo: dict[int, Any]) -> Any:
    if isinstance(operand, tuple):
        return tuple(_copied(inner, memo) for inner in operand)
    if operand is None or operand.__class__ is float:
        return operand
    if isinstance(operand, Vector) and id(operand) not in memo:
        memo[id(operand)] = Vector(_copied(operand.members, memo))
    return memo[id(operand)]


def reduced(root: Any) -> tuple[Any, ...]:
    """What `pickle` writes of a Value: its fields, and before them everything that it depends on."""
    groups: weakref.WeakSet[_Ancestors] = _pickling.__dict__.setdefault("groups", weakref.WeakSet())
    ancestors = None
    if root._primitive is not None and not any(id(root) in group.ids for group in groups):
        ancestors = _Ancestors(topological_order(root))
        groups.add(ancestors)
    return _restoring(root), (
        type(root), ancestors, root._data, root._grad, root._name, root._path, root._primitive,
        root._left, root._right, root._left_partial, root._right_partial,
    ), getattr(root, "__dict__", None) or None  # fmt: skip


def node_of(kind: type, ancestors: object, *fields: Any) -> Any:
    """A node of class `kind` with these fields; `ancestors` only has to be unpickled first."""
    node: Any = object.__new__(kind)
    (
        node._data, node._grad, node._name, node._path, node._primitive,
        node._left, node._right, node._left_partial, node._right_partial,
    ) = fields  # fmt: skip
    return node


def _restoring(node: Any) -> Callable[..., Any]:
    return incomplete_node_of if is_incomplete(node) else node_of


def incomplete_node_of(*fields: Any) -> Any:
    """A node that is marked as a derivative whose graph lacks branches."""
    node = node_of(*fields)
    mark_incomplete(node)
    return node


class _Ancestors:
    """Everything a pickled Value depends on, pickled before it, so that pickle never recurses along the graph.

    Until the last of its nodes is pickled, each of them pickles as its own fields alone.
    """

    def __init__(self, order: list[Any]) -> None:
        self.ids = {id(node) for node in order}
        self.nodes = order[:-1]

    def __reduce__(self) -> tuple[type, tuple[()], None, Iterator[Any]]:
        return list, (), None, iter([*self.nodes, _Finished(self.ids)])


class _Finished:
    """The end of the list of ancestors: another pickler that meets these nodes makes a list of its own."""

    def __init__(self, ids: set[int]) -> None:
        self.ids = ids

    def __reduce__(self) -> tuple[type, tuple[()]]:
        self.ids.clear()
        return int, ()

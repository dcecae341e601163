"""Walking a graph: from a root to everything that it was computed from, without recursion.

A node is anything with `_left` and `_right`: two operands, or all operands as a tuple in `_left`, or None and
None for a leaf. An operand that is a float is a constant, not a node.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from microgradnn.native import core


class Vector:
    """Operands that gates share, the inputs of a layer or the weights of a neuron: one node to whoever walks.

    One of leaves and constants alone is like a leaf. To the user of a graph there are no vectors, only their members.
    """

    __slots__ = ("__weakref__", "_left", "_right", "members")

    def __init__(self, members: Iterable[Any]) -> None:
        self.members = tuple(members)
        gates = [x for x in self.members if x.__class__ is not float and x._left is not None]
        self._left = self.members if gates else None
        self._right = None

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return Vector, (self.members,)


if core:
    core.Vector.__reduce__ = Vector.__reduce__
    Vector = core.Vector  # type: ignore[misc]  # the same in C


def in_order(node: Any, left: Any, right: Any) -> tuple[Any, ...]:
    """What a node holds of each operand, in order, given its `_left` and `_right`, or the partials there."""
    if not isinstance(node._left, tuple):
        return (left, right)[: (node._left is not None) + (node._right is not None)]
    return tuple(chain.from_iterable(map(_of_members, node._left, left)))


def _of_members(operand: Any, held: Any) -> Sequence[Any]:
    """What is held of each member of `operand`, which may be a vector: members, or partials, None for constants."""
    if not isinstance(operand, Vector):
        return (held,)
    if isinstance(held, Vector):
        return held.members
    partials: Sequence[float | None] = held or [None] * len(operand.members)
    return [None if x.__class__ is float else partial for x, partial in zip(operand.members, partials, strict=True)]


def topological_order(*roots: Any, known: Container[int] = ()) -> list[Any]:
    """List every node that the `roots` depend on, operands before the gates that use them.

    Each node stands once, left operands before right ones, so the order is the same in every run. Nodes
    whose `id` is in `known` are not entered.

    >>> from microgradnn import Value
    >>> x, y = Value(-2.0, "x"), Value(5.0, "y")
    >>> [node.name or node.primitive.name for node in topological_order((x + y) * x)]
    ['x', 'y', 'add', 'multiply']
    """
    return without_vectors(order_with_vectors(*roots, known=known), known)


def without_vectors(order: list[Any], known: Container[int] = ()) -> list[Any]:
    """What `order_with_vectors` lists, with the leaves that only vectors hold in place of these."""

    def members() -> Iterator[Any]:
        for node in order:
            if node.__class__ is not Vector:
                yield node
            elif node._left is None:
                yield from (x for x in node.members if x.__class__ is not float and id(x) not in known)

    if any(node.__class__ is Vector for node in order):
        return list(dict.fromkeys(members()))  # nodes hash by identity
    return order


def order_with_vectors(*roots: Any, known: Container[int] = ()) -> list[Any]:
    """The same order with each Vector in its place; leaves that only vectors hold are left out."""
    order: list[Any] = []
    seen: set[Any] = set()  # nodes hash by identity
    waiting: list[Any] = list(reversed(roots))
    push, pop, see, finish = waiting.append, waiting.pop, seen.add, order.append
    while waiting:
        node = pop()
        if node is None:  # the operands of the node below have all been listed
            finish(pop())
            continue
        while node not in seen and not (known and id(node) in known):  # down along the left operands
            see(node)
            left, right = node._left, node._right
            if left is None:
                finish(node)
                break
            push(node)
            push(None)
            if left.__class__ is tuple:
                waiting.extend([x for x in reversed(left) if x.__class__ is not float and x not in seen])
                break
            if left.__class__ is float:
                node = right
            else:
                if right is not None and right.__class__ is not float and right not in seen:
                    push(right)
                node = left
    return order

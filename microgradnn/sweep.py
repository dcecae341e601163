"""The reverse sweep: every node of a graph with its adjoint, ∂root/∂node, from the root to the leaves.

It knows the slots of a node and the vectors that gates share, and adds nothing to any `.grad`: `Value.backward` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import isfinite
from typing import Any

from microgradnn.anomalies import note_lines, refuse_nan
from microgradnn.context import Context, context, current, watching
from microgradnn.formulas import sum_of_products
from microgradnn.graph import Vector, order_with_vectors, topological_order
from microgradnn.primitive import NOTHING, Primitive


def sweep(root: Any, recorded: bool = False, seed: Any = 1.0) -> Iterable[tuple[Any, Any]]:
    """Every node with its adjoint ∂root/∂node, from the root to the leaves; the sweep is done when this returns.

    Each gate hands contribution = partial × adjoint to its operands. A gate comes after every gate that uses it,
    so its adjoint is complete when its turn comes; leaves come last. With `recorded`, partials and adjoints are
    themselves Values of one graph with the root, ready to be differentiated again. With `detect_anomaly` a nan that
    is born on the way raises FloatingPointError. The adjoint of the root is the `seed`.
    """
    here = context.get()
    if not (isinstance(here, Context) and here.detect_anomaly):
        return _swept(root, recorded, seed)
    with watching(False):
        swept = list(_swept(root, recorded, seed))
    refuse_nan(swept)
    if recorded:
        note_lines(adjoint for _, adjoint in swept if adjoint.__class__ is not float)
    return swept


def _swept(root: Any, recorded: bool, seed: Any) -> Iterable[tuple[Any, Any]]:
    """The sweep in numbered steps. Of a Vector, `adjoints` holds what its gates hand on, until all have."""
    order = topological_order if recorded else order_with_vectors
    nodes: list[Any] = []  # of gates, with their adjoints: flat lists, as pairs would keep the cyclic collector busy
    complete: list[Any] = []
    adjoints: dict[Any, Any] = {root: seed}  # not yet complete; nodes hash by identity
    get, take = adjoints.get, adjoints.pop
    for node in reversed(order(root)):
        # 1. Operands that gates share: their contributions in one go.
        if node.__class__ is Vector:
            _hand_on(node, take(node, None), adjoints)
            continue
        # 2. A leaf is listed even where nothing arrives.
        left = node._left
        if left is None:
            adjoints.setdefault(node, 0.0)
            continue
        # 3. A gate: all that use it have had their turn, so its adjoint is complete.
        adjoint = take(node, None)
        nodes.append(node)
        if adjoint is None:  # reached only through operands to which nothing is handed on
            complete.append(0.0)
            continue
        complete.append(adjoint)
        # 4. It hands partial × adjoint to each operand: first the common case, one or two, without a loop.
        if recorded:
            operands, partials = node.operands, recorded_partials(node)
        elif left.__class__ is not tuple:
            partial = node._left_partial
            if partial is not None:
                total = get(left)
                adjoints[left] = partial * adjoint if total is None else total + partial * adjoint
            partial = node._right_partial
            if partial is not None:
                right = node._right
                total = get(right)
                adjoints[right] = partial * adjoint if total is None else total + partial * adjoint
            continue
        elif left[0].__class__ is not Vector:
            operands, partials = left, node._left_partial
            if partials is None:  # the user's own operation says itself what it hands on
                for operand, contribution in node.hand_on(adjoint):
                    adjoints[operand] = adjoints.get(operand, 0.0) + contribution
                continue
        elif isfinite(adjoint):
            weights, inputs, bias = left
            by_weights, by_inputs, by_bias = node._left_partial
            adjoints.setdefault(weights, []).append((by_weights, adjoint))
            if by_inputs is not None:
                adjoints.setdefault(inputs, []).append((by_inputs, adjoint))
            total = get(bias)
            adjoints[bias] = by_bias * adjoint if total is None else total + by_bias * adjoint
            continue
        else:  # 0 × ∞ must not reach what was not taken: no products of whole vectors
            operands, partials = node.operands, node.handed
        for operand, partial in zip(operands, partials, strict=True):
            if partial is not None:
                total = get(operand)
                adjoints[operand] = partial * adjoint if total is None else total + partial * adjoint
    return chain(zip(nodes, complete, strict=True), adjoints.items())


def _hand_on(vector: Vector, contributions: list[tuple[Any, float]] | None, adjoints: dict[Any, Any]) -> None:
    """Hand to each member of a vector the sum of partial × adjoint over the gates that share it."""
    if contributions is None:  # no gate hands anything on to it
        for member in vector.members:
            if member.__class__ is not float and member._left is None:
                adjoints.setdefault(member, 0.0)
        return
    partials, above = zip(*contributions, strict=True)
    if len(above) == 1:  # quicker
        totals = [partial * above[0] for partial in partials[0]]
    else:
        totals = [sum_of_products(column, above) for column in zip(*partials, strict=True)]
    for member, total in zip(vector.members, totals, strict=True):
        if member.__class__ is not float:
            adjoints[member] = adjoints.get(member, 0.0) + total


def recorded_partials(node: Any) -> list[Any]:
    """The partials at a node as Values: computed by recorded gates, so that they have derivatives.

    None where nothing is handed on.
    """
    operands, tracer = node.operands, current().tracer

    def apply(primitive: Primitive, inputs: list[Any]) -> Any:
        recording = next((x for x in inputs if hasattr(x, "record_gate")), None)
        if recording is None:
            return primitive.limit(inputs)
        if tracer is not None and any(x is NOTHING for x in inputs):  # whether it is taken the program will know
            return tracer.record_choice(primitive, inputs, current())
        return recording.record_gate(primitive, inputs, by_limit=True)

    marked = [NOTHING if operand.__class__ is float and operand == 0.0 else operand for operand in operands]
    partials = node.primitive.trace(len(operands)).run(node, marked, apply, NOTHING)
    return [
        None if handed is None or partial is NOTHING else partial
        for partial, handed in zip(partials, node.handed, strict=True)
    ]

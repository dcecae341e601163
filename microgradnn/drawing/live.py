"""A circuit as the script of the page computes it: its nodes as data, and the functions of its gates.

Python and the page read the same table, so that every number and sentence is the same in both.
"""

from __future__ import annotations

from string import Formatter
from typing import Any

from microgradnn.drawing.javascript import ScriptError, function, may_vanish, name_of
from microgradnn.primitive import Primitive
from microgradnn.stepping import Steps
from microgradnn.value import Value

LIVE = 300  # nodes: above, a change would no longer follow the finger


def nodes_of(steps: Steps) -> list[dict[str, Any]]:
    """The nodes of a circuit, operands first, as circuit.js takes them.

    >>> from microgradnn import Value, steps
    >>> x = Value(3.0, "x")
    >>> nodes_of(steps(x * 2))[1]["operands"]
    [0, {'constant': 2.0}]
    """
    number_of = {id(node): number for number, node in enumerate(steps.order)}
    return [_node(node, steps.names[id(node)], number_of) for node in steps.order]


def _node(node: Value, name: str, number_of: dict[int, int]) -> dict[str, Any]:
    gate = node.primitive
    if gate is None:
        return {"name": name, "value": node.data}
    count = len(node.operands)
    operands = [number_of[id(x)] if isinstance(x, Value) else {"constant": x} for x in node.operands]
    vanishing = [index for index in may_vanish(gate, count) if operands[index] == {"constant": 0.0}]
    pieces = gate.text and [
        (before, None if index is None else int(index)) for before, index, _, _ in Formatter().parse(gate.text)
    ]
    untouched = [index for index, result in enumerate(gate.trace(count).results) if result is None]
    return {
        "name": name, "gate": name_of(gate, count), "primitive": gate.name, "operands": operands, "pieces": pieces,
        "untouched": untouched, "vanishing": vanishing,
    }  # fmt: skip


def gates_of(steps: Steps) -> str:
    """The gates of a circuit as functions of JavaScript; ScriptError for one without a form for arrays, or for many."""
    if len(steps.order) > LIVE:
        raise ScriptError(f"a circuit of more than {LIVE} nodes is not computed in the page")
    used: dict[tuple[Primitive, int], None] = {}
    for node in steps.order:
        if node.primitive is not None:
            if not node.primitive.repeatable:
                raise ScriptError(f"{node.primitive.name} is an operation of your own")
            used[node.primitive, len(node.operands)] = None
    entries = (line for gate, count in used for line in function(gate, count))
    return "\n".join(["const gates = {", *entries, "};"])

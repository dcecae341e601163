"""Where a nan was born: what `detect_anomaly` knows of gates, and how it names them.

Lines are kept for gates that are recorded while it is on. A nan that is born in a sweep is found afterwards, from
what the sweep left: at a gate that hands on nan though its own adjoint is none, or where contributions add up to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import finalize

from microgradnn.context import line_text, user_line
from microgradnn.graph import topological_order

Line = tuple[str, int, str]  # file, number, function
_lines: dict[int, Line] = {}  # by `id`, as long as the gate lives


def note_line(gate: Any, line: Line | None = None) -> None:
    """Remember the line that recorded this gate: the user's line at work, unless another is given."""
    _lines[id(gate)] = line or user_line()
    finalize(gate, _lines.pop, id(gate), None).atexit = False


def note_lines(roots: Iterable[Any]) -> None:
    """Remember the user's line at work for all gates before `roots` that have none, as those that a sweep recorded."""
    line = user_line()
    for node in topological_order(*roots):
        if node.primitive is not None and id(node) not in _lines:
            note_line(node, line)


def user_line_of(gate: Any) -> Line | None:
    """The user's line that recorded this gate, where it was noted."""
    return _lines.get(id(gate))


def called(gate: Any) -> str:
    """A gate as the call with its numbers.

    >>> from microgradnn import Value
    >>> called(Value(2.0, "x") * 3)
    'multiply(x=2.0, 3.0)'
    """
    return str(gate.primitive.describe(gate.operands))


def at_line(gate: Any, happened: str = "") -> str:
    """A gate as messages name it: the call with its numbers, its module, what happened, the line that recorded it.

    >>> from microgradnn import Value
    >>> at_line(Value(2.0, "x") * 3, " is finite")
    'multiply(x=2.0, 3.0) is finite'
    """
    module = f" of module {gate.path}" if gate.path else ""
    line = user_line_of(gate)
    recorded = f", recorded at {line_text(*line[:2])}" if line else ""
    return f"{called(gate)}{module}{happened}{recorded}"


def refuse_nan_value(gate: Any) -> None:
    """Remember the line of a gate just recorded; raise FloatingPointError where its value is nan."""
    note_line(gate)
    if gate.data != gate.data:
        raise FloatingPointError(at_line(gate, " is nan"))


def refuse_nan(swept: Iterable[tuple[Any, Any]]) -> None:
    """Raise FloatingPointError where a sweep, given as nodes and adjoints from the root on, made a nan."""
    arrived: dict[Any, list[tuple[float, Any]]] = {}
    for count, (node, recorded) in enumerate(swept):
        adjoint = getattr(recorded, "data", recorded)
        if adjoint != adjoint:
            parts = " and ".join(f"{part} from {at_line(gate)}" for part, gate in arrived.get(node, []))
            raise FloatingPointError(f"a gradient is nan, the sum of {parts or 'nothing'}")
        if node.primitive is None or (count and node not in arrived):  # a leaf, or what nothing was handed on to
            continue
        for operand, partial in zip(node.operands, node.handed, strict=True):
            if partial is None:
                continue
            contribution = partial * adjoint
            if contribution != contribution:
                raise FloatingPointError(
                    f"the gradient becomes nan at {at_line(node)}: it hands on {partial} × {adjoint}, "
                    "its local derivative × its gradient"
                )
            arrived.setdefault(operand, []).append((contribution, node))


def refuse_nan_tangent(gate: Any, recorded: Any) -> None:
    """Raise FloatingPointError where the derivative of a gate along a direction is nan."""
    tangent = getattr(recorded, "data", recorded)
    if tangent != tangent:
        raise FloatingPointError(f"the derivative along the direction becomes nan at {at_line(gate)}")

"""Where numbers run away: the first gate whose output, or whose part in the sweep, is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from microgradnn.graph import topological_order
from microgradnn.modes import detect_anomaly
from microgradnn.value import Value


def first_gate(total: Value) -> tuple[str, float]:
    """Name the first gate of a graph whose output is not finite, and give that output; 0 for a parameter.

    >>> w = Value(1e200)
    >>> first_gate(w * w - 1.0)
    ('the first gate that is not finite is multiply(1e+200, 1e+200) = inf', inf)
    """
    node = next(node for node in topological_order(total) if not math.isfinite(node.data))
    if node.primitive is None:
        return f"{_written(node)} is not finite", 0.0
    return f"the first gate that is not finite is {_written(node)} = {node.data}{_owner(node)}", node.data


def first_slope(total: Value) -> tuple[str, bool]:
    """Name the first gate that a sweep has left with a gradient that is not finite; and whether it only grew too large.

    >>> from microgradnn import sqrt
    >>> w = Value(0.0); y = sqrt(w); y.backward()
    >>> first_slope(y)
    ('sqrt(0) has the derivative inf', False)
    """
    for node in filter(lambda node: node.swept, reversed(topological_order(total))):
        if not math.isfinite(node.grad):
            return f"what arrives at {_written(node)} adds up to {node.grad}{_owner(node)}", True
        for partial in node.partials:
            if partial is not None and not math.isfinite(partial):
                return f"{_written(node)} has the derivative {partial}{_owner(node)}", False
            if partial is not None and not math.isfinite(partial * node.grad):
                return f"{_written(node)} hands on {partial:.6g} × {node.grad:.6g}{_owner(node)}", True
    return "its norm is too large", True


def by_detection(sweep: Callable[[], Any]) -> str:
    """What `detect_anomaly` says while `sweep` runs, or nothing."""
    try:
        with detect_anomaly():
            sweep()
    except FloatingPointError as error:
        return str(error)
    except Exception:  # something else than the first time: no explanation, and no reason to hide what is explained
        pass
    return ""


def _written(node: Value) -> str:
    if node.primitive is None:
        return f"the parameter {node!r}"
    operands = ", ".join(f"{getattr(x, 'data', x):.6g}" for x in node.operands[:6])
    more = ", …" if len(node.operands) > 6 else ""
    return f"{node.primitive.name}({operands}{more})"


def _owner(node: Value) -> str:
    return f" of module {node.path}" if node.path else ""

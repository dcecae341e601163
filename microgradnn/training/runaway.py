"""Where numbers run away in training: the first gate whose output, or whose part in the sweep, is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from microgradnn.anomalies import at_line
from microgradnn.context import detect_anomaly
from microgradnn.graph import topological_order
from microgradnn.sweep import sweep
from microgradnn.value import Value

Result = TypeVar("Result")


def first_gate(total: Value) -> tuple[str, float]:
    """Name the first gate of a graph whose output is not finite, and give that output; 0 for a parameter.

    >>> w = Value(1e200, "w")
    >>> first_gate(w * w - 1.0)
    ('the first gate that is not finite is multiply(w=1e+200, w=1e+200) = inf', inf)
    """
    node = next((node for node in topological_order(total) if not math.isfinite(node.data)), total)
    if node.primitive is None:
        return f"the parameter {node!r} is not finite", 0.0
    return f"the first gate that is not finite is {at_line(node, f' = {node.data}')}", node.data


def first_slope(total: Value) -> tuple[str, bool]:
    """Name the first gate at which the sweep is not finite; and whether a finite derivative, grown large, is the cause.

    >>> from microgradnn import sqrt
    >>> first_slope(sqrt(Value(0.0, "w")))
    ('sqrt(w=0.0) has the derivative inf', False)
    """
    for node, adjoint in sweep(total):
        if not math.isfinite(adjoint):
            name = at_line(node) if node.primitive is not None else repr(node)
            return f"what arrives at {name} adds up to {adjoint}", True
        for partial in node.handed:
            if partial is not None and not math.isfinite(partial):
                return at_line(node, f" has the derivative {partial}"), False
            if partial is not None and not math.isfinite(partial * adjoint):
                return at_line(node, f" hands on {partial} × {adjoint}"), True
    return "its norm is too large for a float", True


def watched(work: Callable[[], Result]) -> Result | str | None:
    """What `work` gives while `detect_anomaly` notes lines, or what that says of it; None where something else fails.

    What is explained has happened before; a second time nothing else may hide it.
    """
    try:
        with detect_anomaly():
            return work()
    except FloatingPointError as error:
        return str(error)
    except Exception:
        return None


def explained(total: Value, again: Any, explain: Callable[[Value], tuple[str, Any]]) -> tuple[str, Any]:
    """What `explain` says of `total`; with the line, where the graph that was recorded `again` has it."""
    text, kind = explain(total)
    if isinstance(again, Value) and explain(again)[0].startswith(text):
        text = explain(again)[0]
    return text, kind

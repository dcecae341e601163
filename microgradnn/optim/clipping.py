"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

from microgradnn.optim.optimizer import Number, leaves_in
from microgradnn.reading import number
from microgradnn.settings import Limit
from microgradnn.value import Value

_MAX_NORM = Limit("a number ≥ 0 (inf clips nothing)", number, lambda x: x >= 0)


def clip_grad_norm(params: Iterable[Value], max_norm: float) -> float:
    """Scale the gradients of `params` by min(1, `max_norm` / (norm + 1e-6)), as PyTorch does; give the norm before.

    Raises ValueError for a gradient that is nan or infinite, and for a norm beyond what a float holds: then no
    gradient is touched.

    >>> w, b = Value(0.0), Value(0.0)
    >>> w.grad, b.grad = 3.0, 4.0
    >>> clip_grad_norm([w, b], max_norm=1.0), round(w.grad, 5), round(b.grad, 5)
    (5.0, 0.6, 0.8)
    """
    max_norm, parameters = _MAX_NORM("max_norm", max_norm), leaves_in(params)
    for index, parameter in enumerate(parameters):
        if not math.isfinite(parameter.grad):
            named = f" {parameter.name!r}" if parameter.name else ""
            raise ValueError(
                f"params[{index}]{named} has the gradient {parameter.grad}, which no factor mends: detect_anomaly() "
                "names the gate where it comes from"
            )
    reached = [parameter for parameter in parameters if parameter.swept]
    norm = math.hypot(*(parameter.grad for parameter in reached))
    if norm == math.inf:
        raise ValueError("the norm of the gradients is beyond what a float holds: a smaller loss, or unit, will do")
    for parameter in reached:
        parameter.grad = clipped(parameter.grad, norm, max_norm)
    return norm


def clipped(gradient: Number, norm: float, max_norm: float) -> Number:
    """A gradient, or many, of that norm times min(1, max_norm / (norm + 1e-6))."""
    if norm + 1e-6 > max_norm:
        return gradient / (norm + 1e-6) * max_norm  # the quotient of both might underflow
    return gradient

"""Penalties: what is added to a loss to keep weights small."""

from __future__ import annotations

from typing import Any

from microgradnn import functional
from microgradnn.nn.module import Module, check_module
from microgradnn.settings import not_negative
from microgradnn.value import Value


def l1(model: Module, strength: float, biases: bool = False) -> Any:
    """λ Σ |w| over the weights of `model`, and over its biases with `biases` (notes 001, 002): drives weights to 0.

    `strength` is λ.

    >>> from microgradnn.nn import Neuron, init
    >>> l1(Neuron(2, init=init.constant(-0.5)), 0.1).data
    0.1
    """
    return not_negative("strength", strength) * functional.sum([functional.abs(w) for w in _penalised(model, biases)])


def l2(model: Module, strength: float, biases: bool = False) -> Any:
    """½ λ Σ w² over the weights of `model`, and over its biases with `biases` (note 002): shrinks them in proportion.

    `strength` is λ. Note 001 writes λ ‖W‖ with the norm itself; weight decay λ of an optimiser gives the same gradient
    as this.

    >>> from microgradnn.nn import Neuron, init
    >>> l2(Neuron(2, init=init.constant(2.0)), 0.1).data
    0.4
    """
    weights = _penalised(model, biases)
    return 0.5 * not_negative("strength", strength) * functional.dot(weights, weights)


def _penalised(model: Module, biases: bool) -> list[Value]:
    check_module(model)
    parameters = model.parameters() if biases else model.weights()
    if not parameters:
        raise ValueError(f"{model!r} has no weights to penalise")
    return parameters

"""Losses and penalties: what training makes small.

A loss takes the output of a model and its target, for one example or for a batch, and gives one number. The losses
are written with gates and decide nothing by a number, so they can be differentiated again and compiled. Labels
that are plain numbers are checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from microgradnn import functional
from microgradnn.nn.examples import as_list, examples
from microgradnn.nn.module import Module, check_module
from microgradnn.settings import not_negative
from microgradnn.table import argmax, clipped_log, cross_entropy as surprise, equal, select, shift
from microgradnn.trees import leaves
from microgradnn.value import Value

_LOWEST = math.exp(-100)  # PyTorch cuts logarithms of probabilities off at −100 too
Rule = tuple[Callable[[float], bool], str]  # what holds for a plain label, and what is said where it does not
_SIGN = lambda y: abs(y) == 1, "the labels of hinge are −1 and 1, got {}: take 2*y - 1"
_PROBABILITY = lambda y: 0 <= y <= 1, "the targets of binary_cross_entropy are from 0 to 1, got {}"


def mse(output: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean squared error, Σ (ŷ − y)² / n over all numbers (note 003); note 002 takes ½ Σ, half of the "sum".

    >>> mse([1.0, 3.0], [0.0, 1.0]), mse([1.0, 3.0], [0.0, 1.0], reduction="sum")
    (2.5, 5.0)
    """
    return _reduced([(y_hat - y) ** 2 for y_hat, y in _numbers(output, target)], reduction)


def binary_cross_entropy(output: Any, target: Any, from_logits: bool = False, reduction: str = "mean") -> Any:
    """−y ln ŷ − (1 − y) ln(1 − ŷ) for targets y in [0, 1] (note 003); ŷ = σ(output) with `from_logits`.

    From logits it is exact for any output; from probabilities logarithms are cut off at −100.

    >>> round(binary_cross_entropy(0.8, 1), 4), binary_cross_entropy(-1000.0, 1, from_logits=True)
    (0.2231, 1000.0)
    """
    losses = []
    for y_hat, y in _numbers(output, target, _PROBABILITY):
        if from_logits:
            losses.append(_weighed(y, functional.softplus(-y_hat)) + _weighed(1 - y, functional.softplus(y_hat)))
        else:
            try:
                losses.append(-(y * clipped_log(y_hat, _LOWEST) + (1 - y) * _log_of_complement(y_hat)))
            except ValueError:
                got = getattr(y_hat, "data", y_hat)
                raise ValueError(
                    f"output must be from 0 to 1, got {got!r}: binary_cross_entropy_with_logits takes others"
                ) from None
    return _reduced(losses, reduction)


def cross_entropy(output: Any, target: Any, reduction: str = "mean") -> Any:
    """−Σ yᵢ ln softmax(output)ᵢ, from logits (notes 002, 003); a target is the number of a class, or a distribution.

    It is exact for any logits, to every order. A class is masked by a logit of −∞: with a weight of 0 it costs nothing.

    >>> round(cross_entropy([1.0, 2.0, 3.0], 2), 4), cross_entropy([1000.0, -1000.0], 1)
    (0.4076, 2000.0)
    >>> cross_entropy([37.4, 0.0], 0), cross_entropy([0.0, -math.inf], [1.0, 0.0])
    (5.719872877313073e-17, 0.0)
    """
    pairs = _labelled(output, target)
    return _reduced([_expected(y, z) if isinstance(y, list) else surprise(y, *z) for z, y in pairs], reduction)


def _expected(distribution: list[Any], logits: list[Any]) -> Any:
    """Σ yᵢ (−ln pᵢ), each −ln pᵢ as that of the likeliest class plus how far logit i is below it: nothing cancels."""
    likeliest = argmax(*logits)
    peak = select(likeliest, *logits)
    below = [_weighed(y, shift(peak, logit)) for y, logit in zip(distribution, logits, strict=True)]
    return functional.sum(distribution) * surprise(likeliest, *logits) + _sum_but(likeliest, below)


def _sum_but(label: Any, losses: list[Any]) -> Any:
    """The sum of the losses of all classes but that of the label."""
    return functional.sum(
        [functional.where(equal(label, float(index)), 0.0, loss) for index, loss in enumerate(losses)]
    )


def _weighed(y: Any, loss: Any) -> Any:
    """Weigh a loss with y, where 0 · ∞ is 0: what never happens may be impossible."""
    if isinstance(y, float):
        return y * loss if y else 0.0
    return y * functional.where(equal(y, 0.0) * equal(loss, math.inf), 0.0, loss)


def _log_of_complement(y_hat: Any) -> Any:
    """ln(1 − ŷ), cut off; below ½, where 1 − ŷ loses digits, by another function."""
    low = functional.where(y_hat - 0.5, 0.5, y_hat)
    return functional.where(y_hat - 0.5, clipped_log(1 - y_hat, _LOWEST), functional.log1p(-low))


def hinge(output: Any, target: Any, reduction: str = "mean") -> Any:
    """max(0, 1 − y ŷ) for labels y of −1 and 1 (notes 000, 001).

    >>> hinge([0.5, 2.0], [1, -1])
    1.75
    """
    return _reduced([functional.relu(1 - y * y_hat) for y_hat, y in _numbers(output, target, _SIGN)], reduction)


def multiclass_hinge(output: Any, target: Any, reduction: str = "mean") -> Any:
    """Σ over j ≠ y of max(0, sⱼ − s_y + 1), for scores s and the number y of a class (note 001; Weston, Watkins 1999).

    >>> multiclass_hinge([3.0, 2.5, -1.0], 0)
    0.5
    """
    losses = []
    for scores, label in _labelled(output, target, distributions=False):
        own = select(label, *scores)
        losses.append(_sum_but(label, [functional.relu(shift(score, own) + 1) for score in scores]))
    return _reduced(losses, reduction)


LOSSES: dict[str, Callable[..., Any]] = {
    loss.__name__: loss for loss in (mse, binary_cross_entropy, cross_entropy, hinge, multiclass_hinge)
}
LOSSES["binary_cross_entropy_with_logits"] = partial(binary_cross_entropy, from_logits=True)


def l1(model: Module, strength: float, biases: bool = False) -> Any:
    """λ Σ |w| over the weights, and over biases if told to (notes 001, 002): drives weights to 0.

    >>> from microgradnn.nn import Neuron, init
    >>> l1(Neuron(2, init=init.constant(-0.5)), 0.1).data
    0.1
    """
    return not_negative("strength", strength) * functional.sum([functional.abs(w) for w in _penalised(model, biases)])


def l2(model: Module, strength: float, biases: bool = False) -> Any:
    """½ λ Σ w² over the weights, and over biases if told to (note 002): shrinks weights in proportion.

    Note 001 writes λ ‖W‖ with the norm itself; weight decay λ of an optimiser gives the same gradient as this.

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


# ---- reading outputs and targets --------------------------------------------------------------------------------


def _numbers(output: Any, target: Any, rule: Rule | None = None) -> Iterator[tuple[Any, Any]]:
    """Output and target number by number; (n, 1) is read like (n,)."""
    output, target = _nested_lists(output), _nested_lists(target)
    outputs, targets = leaves(output), leaves(target)
    if _shape(output) != _shape(target) or len(outputs) != len(targets) or not outputs:
        raise ValueError(f"a loss needs a target for each output, got shapes {_shape(output)} and {_shape(target)}")
    for y_hat, y in zip(outputs, targets, strict=True):
        if rule and isinstance(y, float) and not rule[0](y):
            raise ValueError(rule[1].format(y))
        yield y_hat, y


def _labelled(output: Any, target: Any, distributions: bool = True) -> Iterator[tuple[list[Any], Any]]:
    """The scores of each example with its label: the number of a class, or a list as long as the scores."""
    batch, single = examples(output)
    labels = [as_list(target)] if single else as_list(target)
    if not isinstance(labels, list) or len(labels) != len(batch):
        raise ValueError(f"a loss needs a label for each of {len(batch)} examples, got {target!r:.60}")
    for scores, label in zip(batch, map(as_list, labels), strict=True):
        if not isinstance(label, list):
            if isinstance(label, float) and not (label % 1 == 0 and 0 <= label < len(scores)):
                raise ValueError(
                    f"a label must be a whole number from 0 to {len(scores) - 1}, one of {len(scores)} classes, got "
                    f"{label!r}"
                )
        elif not distributions:
            raise ValueError(f"a label is the number of a class, got {label!r:.60}")
        elif len(label) != len(scores):
            raise ValueError(
                f"a label is the number of a class or a distribution over {len(scores)} classes, got a list of "
                f"{len(label)}: y.ravel() makes labels of a column"
            )
        elif all(isinstance(y, float | int) for y in label) and (min(label) < 0 or not abs(sum(label) - 1) < 1e-5):
            raise ValueError(f"the numbers of a distribution are ≥ 0 and add up to 1, got {label!r:.60}")
        yield scores, label


def _nested_lists(x: Any) -> Any:
    x = as_list(x)
    return [_nested_lists(branch) for branch in x] if isinstance(x, list) else x


def _shape(x: Any) -> tuple[int, ...]:
    """The shape without its ones."""
    if not isinstance(x, list) or not x:
        return ()
    return (len(x), *_shape(x[0])) if len(x) > 1 else _shape(x[0])


def _reduced(losses: list[Any], reduction: str) -> Any:
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', got {reduction!r:.60}")
    if len(losses) == 1:
        return losses[0]
    return functional.mean(losses) if reduction == "mean" else functional.sum(losses)

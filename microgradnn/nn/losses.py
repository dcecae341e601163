"""Losses: what training makes small.

A loss takes the output of a model and its target, for one example or for a batch, and gives one number, or with
`reduction="none"` one for each. The losses are written with gates and decide nothing by a number, so they can be
differentiated again and compiled. Labels that are plain numbers are checked. Weights and settings are PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from microgradnn import functional
from microgradnn.nn.examples import examples
from microgradnn.nn.targets import broadcast, over_labels, over_numbers
from microgradnn.reading import number
from microgradnn.settings import Limit, flag, positive
from microgradnn.table import argmax, clipped_log, cross_entropy as surprise, equal, select, shift

_LOWEST = math.exp(-100)  # PyTorch cuts logarithms of probabilities off at −100 too
_SIGN = lambda y: abs(y) == 1, "the labels of hinge are −1 and 1, got {}: take 2*y - 1"
_SHARE = (
    lambda y: 0 <= y <= 1,
    "the targets of kl_div are probabilities, got {}: log_target=True takes logarithms",
)
_SMOOTHING = Limit("a number in [0, 1]", number, lambda x: 0 <= x <= 1)
_PROBABILITY = lambda y: 0 <= y <= 1, "the targets of binary_cross_entropy are from 0 to 1, got {}"


def mse(output: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean squared error, Σ (ŷ − y)² / n over all numbers (note 003); note 002 takes ½ Σ, half of the "sum".

    `output` is what a model gives, for one example or for a batch, `target` what it should be; `reduction` is "mean",
    "sum" or "none", which gives a loss for each.

    >>> mse([1.0, 3.0], [0.0, 1.0]), mse([1.0, 3.0], [0.0, 1.0], reduction="sum")
    (2.5, 5.0)
    """
    return over_numbers(lambda y_hat, y: (y_hat - y) ** 2, output, target, reduction)


def l1_loss(output: Any, target: Any, reduction: str = "mean") -> Any:
    """The mean absolute error, Σ |ŷ − y| / n over all numbers; `nn.l1` is the penalty on weights.

    `output` is what a model gives, for one example or for a batch, `target` what it should be; `reduction` is "mean",
    "sum" or "none", which gives a loss for each.

    >>> l1_loss([1.0, 3.0], [0.0, 1.0]), l1_loss([1.0, 3.0], [0.0, 1.0], reduction="none")
    (1.5, [1.0, 2.0])
    """
    return over_numbers(lambda y_hat, y: functional.abs(y_hat - y), output, target, reduction)


def huber(output: Any, target: Any, reduction: str = "mean", *, delta: float = 1.0) -> Any:
    """½ r² for errors r = ŷ − y up to δ, δ (|r| − ½ δ) beyond: outliers pull with a slope of δ at most (Huber 1964).

    `output` is what a model gives, for one example or for a batch, `target` what it should be; `reduction` is "mean",
    "sum" or "none", which gives a loss for each; `delta` is δ.

    >>> huber([0.5, 3.0], [0.0, 0.0], reduction="none"), huber(3.0, 0.0, delta=2.0)
    ([0.125, 2.5], 4.0)
    """
    delta = positive("delta", delta)
    return over_numbers(lambda y_hat, y: _huber(y_hat - y, delta), output, target, reduction)


def smooth_l1_loss(output: Any, target: Any, reduction: str = "mean", *, beta: float = 1.0) -> Any:
    """Huber's loss with δ = β, divided by β: beyond β it is |r| − ½ β, with a slope of 1 whatever β is.

    `output` is what a model gives, for one example or for a batch, `target` what it should be; `reduction` is "mean",
    "sum" or "none", which gives a loss for each; `beta` is β.

    >>> smooth_l1_loss([0.5, 3.0], [0.0, 0.0], reduction="none"), smooth_l1_loss(3.0, 0.0, beta=2.0)
    ([0.125, 2.5], 2.0)
    """
    beta = positive("beta", beta)
    return over_numbers(lambda y_hat, y: _huber(y_hat - y, beta) / beta, output, target, reduction)


def _huber(error: Any, delta: float) -> Any:
    beyond = functional.abs(error) - delta
    near = functional.where(beyond, 0.0, error)  # its square is not infinite where it is not asked for
    return functional.where(beyond, delta * (beyond + delta / 2), near * near / 2)


def binary_cross_entropy(
    output: Any, target: Any, from_logits: bool = False, reduction: str = "mean", *, weight: Any = None,
    pos_weight: Any = None,
) -> Any:  # fmt: skip
    """−y ln ŷ − (1 − y) ln(1 − ŷ) for targets y in [0, 1] (note 003); ŷ = σ(output) with `from_logits`.

    - `output`: what a model gives, for one example or for a batch: probabilities, or logits
    - `target`: what it should be, nested alike
    - `from_logits`: whether the output is logits, for which the loss is exact whatever they are; logarithms of
      probabilities are cut off at −100
    - `reduction`: "mean", "sum" or "none", which gives a loss for each
    - `weight`: what each loss is multiplied by, shaped like the output or broadcast to it
    - `pos_weight`: what the part with y is multiplied by, shaped alike

    >>> round(binary_cross_entropy(0.8, 1), 4), binary_cross_entropy(-1000.0, 1, from_logits=True)
    (0.2231, 1000.0)
    >>> binary_cross_entropy([-9.0, 1000.0], [1, 0], True, pos_weight=3.0, reduction="none")
    [27.000370206569173, 1000.0]
    """
    flag("from_logits", from_logits)
    of_positives = None if pos_weight is None else iter(broadcast("pos_weight", pos_weight, output))

    def loss(y_hat: Any, y: Any) -> Any:
        happens = y if of_positives is None else next(of_positives) * y
        if from_logits:
            return _weighed(happens, functional.softplus(-y_hat)) + _weighed(1 - y, functional.softplus(y_hat))
        try:
            return -(happens * clipped_log(y_hat, _LOWEST) + (1 - y) * _log_of_complement(y_hat))
        except ValueError:
            got = getattr(y_hat, "data", y_hat)
            raise ValueError(
                f"output must be from 0 to 1, got {got!r}: binary_cross_entropy_with_logits takes others"
            ) from None

    return over_numbers(loss, output, target, reduction, _PROBABILITY, weight)


def kl_div(output: Any, target: Any, reduction: str = "mean", *, log_target: bool = False) -> Any:
    """Σ y (ln y − output) for logarithms of probabilities as output, as in PyTorch: from model to target, KL(y ‖ ŷ).

    `output` is what a model gives, for one example or for a batch, `target` the distributions y. With the `reduction`
    "mean" it is divided by how many numbers there are, with "batchmean" by how many distributions, which is the
    divergence; "sum" and "none" divide by nothing. With `log_target` the target holds logarithms, too. What never
    happens costs nothing, however impossible.

    >>> half = [math.log(0.5), math.log(0.5)]
    >>> kl_div(half, [1.0, 0.0], "sum"), kl_div([half, half], [[1.0, 0.0], [0.5, 0.5]], "batchmean")
    (0.6931471805599453, 0.34657359027997264)
    """

    def loss(x: Any, y: Any) -> Any:
        share = functional.exp(y) if log_target else y
        if isinstance(share, float) and not share:
            return functional.where(0.0, x, 0.0)  # a gate, as a loss depends on what the model gives
        if not log_target:
            return functional.xlogy(y, y) + _weighed(y, -x)
        return share * (functional.where(share, y, 0.0) - functional.where(share, x, 0.0))

    rule = None if log_target else _SHARE
    if reduction != "batchmean":
        return over_numbers(loss, output, target, reduction, rule)
    return over_numbers(loss, output, target, "sum", rule) / len(examples(output)[0])


def cross_entropy(
    output: Any, target: Any, reduction: str = "mean", *, weight: Any = None, label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Any:  # fmt: skip
    """−Σ yᵢ ln softmax(output)ᵢ, from logits (notes 002, 003); a target is the number of a class, or a distribution.

    - `output`: the logits of the classes, of one example or of a batch
    - `target`: the number of a class for each example, or a distribution over all
    - `reduction`: "mean", "sum" or "none", which gives a loss for each
    - `weight`: a number for each class, wᵢ yᵢ in place of yᵢ; the mean divides by the weights of the labels
    - `label_smoothing`: ε, which takes (1 − ε) yᵢ + ε / n for n classes (Szegedy et al. 2016)
    - `ignore_index`: examples with this label are left out: PyTorch does so with −100 unasked, here it is said

    It is exact for any logits, to every order. A class is masked by a logit of −∞: with a weight of 0 it costs nothing.

    >>> round(cross_entropy([1.0, 2.0, 3.0], 2), 4), cross_entropy([1000.0, -1000.0], 1)
    (0.4076, 2000.0)
    >>> cross_entropy([37.4, 0.0], 0), cross_entropy([0.0, -math.inf], [1.0, 0.0])
    (5.719872877313073e-17, 0.0)
    >>> cross_entropy([[0.0, 8.0], [3.0, 9.0], [5.0, 5.0]], [0, 0, -1], weight=[2.0, 1.0], ignore_index=-1)
    7.001405545755313
    """
    smoothing = _SMOOTHING("label_smoothing", label_smoothing)

    def loss(scores: list[Any], label: Any, weights: list[float] | None) -> Any:
        classes = len(scores)
        if isinstance(label, list):
            parts = [(1 - smoothing) * y + smoothing / classes for y in label] if smoothing else label
            return _expected([w * y for w, y in zip(weights, parts, strict=True)] if weights else parts, scores)
        own = surprise(label, *scores)
        if weights:
            own = _by_class(label, weights, own)
        if smoothing:
            own = (1 - smoothing) * own + _expected(
                [smoothing / classes * w for w in weights or [1.0] * classes], scores
            )
        return own

    return over_labels(loss, output, target, reduction, distributions=True, weight=weight, ignore_index=ignore_index)


def nll_loss(
    output: Any, target: Any, reduction: str = "mean", *, weight: Any = None, ignore_index: int | None = None
) -> Any:
    """Minus the output of the class of the label, from logarithms of probabilities: `cross_entropy` takes logits.

    - `output`: the logarithms, of one example or of a batch
    - `target`: the number of a class for each example
    - `reduction`: "mean", "sum" or "none", which gives a loss for each
    - `weight`: a number for each class, as in `cross_entropy`
    - `ignore_index`: examples with this label are left out

    >>> nll_loss([[math.log(0.5), math.log(0.5)], [math.log(0.25), math.log(0.75)]], [0, 0])
    1.0397207708399179
    """

    def loss(scores: list[Any], label: Any, weights: list[float] | None) -> Any:
        own = -select(label, *scores)
        return _by_class(label, weights, own) if weights else own

    return over_labels(loss, output, target, reduction, weight=weight, ignore_index=ignore_index)


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


def _by_class(label: Any, weights: list[float], loss: Any) -> Any:
    """A loss times the weight of its class; a gate for 0, too, as a loss depends on what the model gives."""
    weight = select(label, *weights)
    return functional.where(0.0, loss, 0.0) if weight.__class__ is float and not weight else _weighed(weight, loss)


def _log_of_complement(y_hat: Any) -> Any:
    """ln(1 − ŷ), cut off; below ½, where 1 − ŷ loses digits, by another function."""
    low = functional.where(y_hat - 0.5, 0.5, y_hat)
    return functional.where(y_hat - 0.5, clipped_log(1 - y_hat, _LOWEST), functional.log1p(-low))


def hinge(output: Any, target: Any, reduction: str = "mean") -> Any:
    """max(0, 1 − y ŷ) for labels y of −1 and 1 (notes 000, 001).

    `output` is what a model gives, for one example or for a batch, `target` what it should be; `reduction` is "mean",
    "sum" or "none", which gives a loss for each.

    >>> hinge([0.5, 2.0], [1, -1])
    1.75
    """
    return over_numbers(lambda y_hat, y: functional.relu(1 - y * y_hat), output, target, reduction, _SIGN)


def multiclass_hinge(output: Any, target: Any, reduction: str = "mean") -> Any:
    """Σ over j ≠ y of max(0, sⱼ − s_y + 1), for scores s and the number y of a class (note 001; Weston, Watkins 1999).

    `output` is what a model gives, for one example or for a batch, `target` the number of a class for each; `reduction`
    is "mean", "sum" or "none", which gives a loss for each.

    >>> multiclass_hinge([3.0, 2.5, -1.0], 0)
    0.5
    """

    def loss(scores: list[Any], label: Any, _: Any) -> Any:
        own = select(label, *scores)
        return _sum_but(label, [functional.relu(shift(score, own) + 1) for score in scores])

    return over_labels(loss, output, target, reduction)


def binary_cross_entropy_with_logits(
    output: Any, target: Any, reduction: str = "mean", *, weight: Any = None, pos_weight: Any = None
) -> Any:
    """`binary_cross_entropy` of logits: −y ln σ(output) − (1 − y) ln(1 − σ(output)), exact whatever they are.

    - `output`: the logits, of one example or of a batch
    - `target`: what the probabilities should be, nested alike
    - `reduction`: "mean", "sum" or "none", which gives a loss for each
    - `weight`: what each loss is multiplied by, shaped like the output or broadcast to it
    - `pos_weight`: what the part with y is multiplied by, shaped alike

    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [1, 1], "none")
    [0.0, 1000.0]
    """
    return binary_cross_entropy(output, target, True, reduction, weight=weight, pos_weight=pos_weight)


LOSSES: dict[str, Callable[..., Any]] = {
    loss.__name__: loss
    for loss in (
        mse, binary_cross_entropy, cross_entropy, hinge, multiclass_hinge, l1_loss, huber, smooth_l1_loss, kl_div,
        nll_loss, binary_cross_entropy_with_logits,
    )
}  # fmt: skip

"""Outputs beside their targets, as losses read them, weights, and what is made of the losses in the end.

A loss is written for one number, or for the scores and the label of one example. Here outputs and targets of any shape
are paired, plain labels are checked, and the losses are reduced: to a mean, to a sum, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from microgradnn import functional
from microgradnn.nn.examples import Batch, as_list, examples
from microgradnn.reading import number
from microgradnn.settings import Limit, whole
from microgradnn.table import argmax, equal, select
from microgradnn.trees import leaves, like

Rule = tuple[Callable[[float], bool], str]  # what holds for a plain label, and what is said where it does not
_LABEL = Limit("a whole number, the label to leave out", whole, lambda _: True)
_WEIGHTS = Limit(
    "a list of finite numbers ≥ 0, one for each class", lambda weights: [number(w) for w in as_list(weights)],
    lambda weights: all(0 <= w < math.inf for w in weights),
)  # fmt: skip


# ---- losses of numbers -------------------------------------------------------------------------------------------


def over_numbers(
    loss: Callable[[Any, Any], Any], output: Any, target: Any, reduction: str, rule: Rule | None = None,
    weight: Any = None,
) -> Any:  # fmt: skip
    """The loss of each number of the output, times its weight, reduced; (n, 1) is read like (n,)."""
    output, target = _nested_lists(output), _nested_lists(target)
    outputs, targets = leaves(output), leaves(target)
    if _shape(output) != _shape(target) or len(outputs) != len(targets) or not outputs:
        raise ValueError(f"a loss needs a target for each output, got shapes {_shape(output)} and {_shape(target)}")
    for y in targets if rule else ():
        if isinstance(y, float) and not rule[0](y):  # type: ignore[index]  # there is one
            raise ValueError(rule[1].format(y))  # type: ignore[index]
    losses = [*map(loss, outputs, targets)]
    if weight is not None:
        losses = [w * of_one for w, of_one in zip(broadcast("weight", weight, output), losses, strict=True)]
    return _reduced(losses, reduction, output)


def broadcast(name: str, weights: Any, output: Any) -> list[Any]:
    """A weight for each number of the output, from left to right: fewer are repeated as NumPy broadcasts them."""
    output, weights = _nested_lists(output), _nested_lists(weights)
    if bad := [w for w in leaves(weights) if isinstance(w, float) and not 0 <= w < math.inf]:
        raise ValueError(f"{name} must hold finite numbers ≥ 0, got {bad[0]}")
    if _shape(weights) == _shape(output):
        return leaves(weights)
    import numpy as np

    shape = np.shape(np.array(output, dtype=object))
    try:
        everywhere: list[Any] = np.broadcast_to(np.array(weights, dtype=object), shape).ravel().tolist()
    except ValueError:
        raise ValueError(
            f"{name} must have the shape of the output, {shape}, or one that is broadcast to it, got {weights!r:.60}"
        ) from None
    return everywhere


# ---- losses of scores and labels ---------------------------------------------------------------------------------


def over_labels(
    loss: Callable[[list[Any], Any, list[float] | None], Any], output: Any, target: Any, reduction: str, *,
    distributions: bool = False, weight: Any = None, ignore_index: int | None = None,
) -> Any:  # fmt: skip
    """The loss of each example, a function of scores, label and the weights of the classes, reduced.

    With weights a mean divides by those of the labels, as PyTorch's does; a distribution counts as 1. Examples that
    are ignored have neither a loss nor a weight.
    """
    batch, single = examples(output)
    weights = None if weight is None else _WEIGHTS("weight", weight)
    if weights is not None and len(weights) != len(batch[0]):
        raise ValueError(f"weight must have one number for each of {len(batch[0])} classes, got {len(weights)}")
    ignored = None if ignore_index is None else float(_LABEL("ignore_index", ignore_index))
    losses, shares = [], []
    for scores, label in _labelled(batch, [target] if single else target, distributions, ignored):
        named = not isinstance(label, list)
        left_out = equal(label, ignored) if named and ignored is not None else None
        if left_out is not None:
            of_class = [equal(label, float(place)) for place in range(len(scores))]
            label, known = argmax(*of_class), functional.sum(of_class) - left_out  # as compile takes it
        share = select(label, *weights) if named and weights else 1.0
        of_one = loss(scores, label, weights)
        if left_out is not None:
            nothing = functional.where(left_out, 0.0, math.nan)  # nan where it is no label at all
            of_one, share = (functional.where(known, x, nothing) for x in (of_one, share))
        losses.append(of_one)
        shares.append(share)
    return _reduced(losses, reduction, 0.0 if single else losses, shares if weights or ignored is not None else None)


def _labelled(batch: Batch, target: Any, distributions: bool, ignored: float | None) -> Iterator[tuple[list[Any], Any]]:
    """The scores of each example with its label: the number of a class, or a list as long as the scores."""
    labels = as_list(target)
    if not isinstance(labels, list) or len(labels) != len(batch):
        raise ValueError(f"a loss needs a label for each of {len(batch)} examples, got {target!r:.60}")
    for scores, label in zip(batch, map(as_list, labels), strict=True):
        if not isinstance(label, list):
            if isinstance(label, float) and label != ignored and not (label % 1 == 0 and 0 <= label < len(scores)):
                left_out = f"; cross_entropy leaves it out with ignore_index={label:.0f}" if label == -100 else ""
                raise ValueError(
                    f"a label must be a whole number from 0 to {len(scores) - 1}, one of {len(scores)} classes, got "
                    f"{label!r}{left_out}"
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


# ---- both --------------------------------------------------------------------------------------------------------


def _nested_lists(x: Any) -> Any:
    x = as_list(x)
    return [_nested_lists(branch) for branch in x] if isinstance(x, list) else x


def _shape(x: Any) -> tuple[int, ...]:
    """The shape without its ones."""
    if not isinstance(x, list) or not x:
        return ()
    return (len(x), *_shape(x[0])) if len(x) > 1 else _shape(x[0])


def _reduced(losses: list[Any], reduction: str, tree: Any, shares: list[Any] | None = None) -> Any:
    """The mean of the losses, by their shares if there are any, their sum, or all of them, nested as the tree is."""
    if reduction not in ("mean", "sum", "none"):
        remedy = (
            "" if isinstance(reduction, str) or not hasattr(reduction, "__len__") else ": weights go by name, weight="
        )
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r:.60}{remedy}")
    if reduction == "none":
        return like(tree, iter(losses))
    if reduction == "mean" and shares is not None:
        total = functional.sum(shares)
        if total.__class__ is float and not total:
            raise ValueError(
                "there is no mean: every label is left out, or has the weight 0; reduction='sum' gives 0, and larger "
                "batches have other labels"
            )
        return functional.sum(losses) / total
    if len(losses) == 1:
        return losses[0]
    return functional.mean(losses) if reduction == "mean" else functional.sum(losses)

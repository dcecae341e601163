"""Metrics: functions of outputs and targets, as numbers, that training measures beside the loss; some have names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from microgradnn.nn.aliases import Criterion
from microgradnn.nn.examples import as_list
from microgradnn.nn.losses import LOSSES, l1_loss, mse

Metric = Callable[[list[Any], list[Any]], float]
Metrics = Mapping[str, Metric]


def accuracy(outputs: Any, targets: Any, threshold: float = 0.0) -> float:
    """The part of examples that are classified right: by the largest of several scores, or by the side of one score.

    `outputs` are the scores of each example, `targets` the labels. One score above `threshold` means label 1, below it
    0 or −1; for probabilities the threshold is ½. A list of one is read as its number; what is nan is not right. Raises
    ValueError for unequal lengths.

    >>> accuracy([[0.1, 2.0], [3.0, 1.0]], [1, 1]), accuracy([0.3, -2.0], [1, 0]), accuracy([[0.3], [-2.0]], [1, -1])
    (0.5, 1.0, 1.0)
    """

    def right(scores: Any, label: Any) -> bool:
        scores, label = (x[0] if isinstance(x, list) and len(x) == 1 else x for x in (scores, label))
        if isinstance(scores, list):
            target = label.index(max(label)) if isinstance(label, list) else label
            largest = max(scores)
            return bool(scores.index(largest) == target) and all(score <= largest for score in scores)
        return bool(scores > threshold if label > 0 else scores <= threshold)

    outputs, targets = as_list(outputs), as_list(targets)
    if len(outputs) != len(targets) or not targets:
        raise ValueError(f"accuracy needs a target for each output, got {len(outputs)} and {len(targets)}")
    return sum(map(right, map(as_list, outputs), map(as_list, targets))) / len(targets)


METRICS: dict[str, Metric] = {"accuracy": accuracy, "mse": mse, "mae": l1_loss}


def named_metrics(names: Any, loss: Any) -> dict[str, Metric] | None:
    """The metrics of a name, or of a list of names; None for what is neither. ValueError for a name that is unknown.

    Where the loss takes probabilities, so does the accuracy.
    """
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        return None
    if unknown := [name for name in names if name not in METRICS]:
        functions = f"functions by name, such as {{{unknown[0]!r:.60}: function}}"
        raise ValueError(f"metrics must be among {', '.join(METRICS)}, or {functions}, got {unknown[0]!r:.60}")
    known, function = METRICS, loss.loss if isinstance(loss, Criterion) else loss
    if function is LOSSES["binary_cross_entropy"]:
        known = known | {"accuracy": partial(accuracy, threshold=0.5)}
    return {name: known[name] for name in names}

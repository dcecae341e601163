"""How much each example counts in the loss: weights of rows, and weights of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from microgradnn.notation import few
from microgradnn.reading import finite_array
from microgradnn.settings import not_negative

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def weights_of_rows(name: str, weights: Any, X_name: str, rows: int) -> Array:  # noqa: N803
    """One finite number ≥ 0 for each row, not all 0; TypeError or ValueError for anything else."""
    array = finite_array(name, weights)
    if array.shape != (rows,):
        raise ValueError(f"{name} must be one number for each of the {rows} rows of {X_name}, got shape {array.shape}")
    if (array < 0).any():
        row = int((array < 0).argmax())
        raise ValueError(f"{name} must be numbers ≥ 0, got {array[row]} at [{row}]")
    if not array.any():
        raise ValueError(f"{name} is 0 for every row of {X_name}: there is nothing to learn from")
    return array


def weights_by_class(weights: Any, y: Array) -> Array:
    """The weight of each row's label: as a dict has it, 1 where it has none, or "balanced"; else TypeError, ValueError.

    "balanced" is n / (k · count) for n rows of k labels, as in scikit-learn: then all labels count alike together.

    >>> import numpy as np
    >>> weights_by_class("balanced", np.array([0.0, 0.0, 0.0, 1.0])).tolist()
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 2.0]
    >>> weights_by_class({1: 4}, np.array([0.0, 0.0, 0.0, 1.0])).tolist()
    [1.0, 1.0, 1.0, 4.0]
    """
    import numpy as np

    if y.ndim == 2 and y.shape[1] != 1:
        raise ValueError(f"class_weight needs a label for each row of y, got shape {y.shape}: give sample_weight")
    labels, label_of, counts = np.unique(y.ravel(), return_inverse=True, return_counts=True)
    if isinstance(weights, Mapping):
        there = dict.fromkeys(labels.tolist(), 1.0)
        for label, weight in weights.items():
            if label not in there:
                known = few([f"{known:g}" for known in there])
                raise ValueError(f"class_weight has the label {label!r:.60}, which no row of y has: it has {known}")
            there[label] = not_negative(f"class_weight[{label!r}]", weight)
        by_label = np.array([*there.values()])
    elif isinstance(weights, str) and weights == "balanced":
        by_label = len(label_of) / (len(labels) * counts)
    else:
        known = "weights by label, such as {0: 1.0, 1: 5.0}, or 'balanced'"
        raise TypeError(f"class_weight must be {known}, got {weights!r:.60}")
    return weights_of_rows("class_weight", by_label[label_of], "X", len(y))


def weights_of_examples(sample_weight: Any, class_weight: Any, y: Array) -> Array | None:
    """The product of both, the largest 1, as nothing but proportions counts; None where neither is given."""
    import numpy as np

    given = [] if sample_weight is None else [weights_of_rows("sample_weight", sample_weight, "X", len(y))]
    given += [] if class_weight is None else [weights_by_class(class_weight, y)]
    if not given:
        return None
    together: Array = np.prod([weights / weights.max() for weights in given], axis=0)
    return weights_of_rows("sample_weight times class_weight", together, "X", len(y))

"""The functions a user calls, on plain numbers and on Values alike: numbers in, number out.

The public gates of the table, and here what is made of several gates or takes its operands otherwise. Values and
derivatives keep full precision at the edges, where textbook formulas cancel or overflow: σ'(40), tanh'(20),
logsumexp(0, −700), asin near 1, atan2 at 1e±200.
"""

from __future__ import annotations

from typing import Any

from microgradnn import operations, table, value as value  # which fills `operations`
from microgradnn.operations import *  # noqa: F403  the public gates, by their entries
from microgradnn.operations import abs as abs, sum as sum
from microgradnn.reading import gathered, is_sequence

__all__ = ["dot", "mean", "softmax"]
__all__ += operations.__all__


def mean(*xs: Any) -> Any:
    """Σ xᵢ / n, of one sequence or of separate numbers; ValueError when empty.

    >>> mean([1, 2, 6])
    3.0
    """
    numbers = gathered("mean", xs)
    return sum(numbers) / len(numbers)


def softmax(*xs: Any) -> list[Any]:
    """The list of exp(xᵢ) / Σ exp(xⱼ), of one sequence or of separate numbers; ValueError when empty (note 003).

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    numbers = gathered("softmax", xs)
    peak = table.maximum(*numbers)
    weights = [table.exp.quick(table.shift.quick(x, peak)) for x in numbers]
    total = table.sum_(*weights)
    return [weight / total for weight in weights]


def dot(w: Any, x: Any, b: Any = 0.0, *rest: Any) -> Any:
    """Σ wᵢ xᵢ + b as one gate, for sequences `w` and `x` of equal length; ValueError when empty or unequal.

    Separate numbers are read as all w, then all x, then b when their count is odd: `dot(w0, w1, x0, x1, b)`.

    >>> dot([2, -3], [-1, -2], -3)
    1.0
    """
    if not (is_sequence(w) or is_sequence(x)):
        # b=0.0 stands for "not given" only when nothing follows it: dot(w, x) and dot(w, x, 0) agree
        numbers = [w, x, b, *rest]
        if len(numbers) % 2 == 0:
            numbers.append(0.0)
        return table.dot(*numbers)
    if rest:
        raise TypeError("dot takes two sequences and a bias, or separate numbers")
    if not (is_sequence(w) and is_sequence(x)):
        raise TypeError("dot takes two sequences of numbers, got one sequence and one number")
    weights, inputs = list(w), list(x)
    if len(weights) != len(inputs) or not weights:
        raise ValueError(f"dot needs two sequences of the same length above 0, got {len(weights)} and {len(inputs)}")
    return table.dot(*weights, *inputs, b)

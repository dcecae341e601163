"""The functions, on plain numbers and on Values alike: mathematics, activations, choices, sums and means.

Numbers in, number out; with a Value among the operands the result is one that remembers its gate. Those of
one number are methods of Values too, `x.tanh()`.

>>> from microgradnn import Value, hypot, tanh
>>> tanh(0.0), hypot(Value(3.0), 4.0)
(0.0, Value(data=5.0, grad=0.0))

- exponentials and logarithms: `exp` `exp2` `expm1` `log` `log2` `log10` `log1p` `xlogy`
- powers and sizes: `sqrt` `cbrt` `hypot` `abs` `sign` `floor` `remainder`
- angles: `sin` `cos` `tan` `asin` `acos` `atan` `atan2` `sinc`
- hyperbolic: `sinh` `cosh` `tanh` `asinh` `acosh` `atanh`, and `erf`
- activations: `sigmoid` `relu` `leaky_relu` `elu` `gelu` `silu` `softplus` `softsign` `hardtanh` `step`
- choices: `where(c, a, b)`, which is a for c > 0, else b; `maximum` `minimum`; `take(table, i)`, one number of a table
- of several numbers, in a list or one by one: `sum` `mean` `norm` `logsumexp` `softmax`; `dot(w, x, b)`
- `stop_gradient(x)`: the same number, through which no gradient flows

`abs` and `sum` are not in `from microgradnn import *`, as Python has its own. `+ - * / % **` are gates as well. Values
and derivatives keep full precision at the edges, where textbook formulas cancel or overflow: σ'(40), tanh'(20),
logsumexp(0, −700), asin near 1, atan2 at 1e±200. At an edge the slope is the limit, so that of sqrt at 0 is inf.

Inside `with no_grad():`, or in a function that it decorates, nothing is recorded: Values without a graph, sooner.

The public gates stand in the table; here is what is made of several gates or takes its operands otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from microgradnn import operations, table, value as value  # which fills `operations`
from microgradnn.operations import *  # noqa: F403  the public gates, by their entries
from microgradnn.operations import abs as abs, sum as sum
from microgradnn.reading import gathered, is_sequence, read_array, remedy
from microgradnn.table import select
from microgradnn.trees import mapped

__all__ = ["dot", "mean", "softmax", "stop_gradient", "take"]
__all__ += operations.__all__


def mean(*xs: Any) -> Any:
    """The mean Σ xᵢ / n of `xs`, one sequence or separate numbers; ValueError when empty.

    >>> mean([1, 2, 6])
    3.0
    """
    numbers = gathered("mean", xs)
    return sum(numbers) / len(numbers)


def softmax(*xs: Any) -> list[Any]:
    """The list of exp(xᵢ) / Σ exp(xⱼ) for `xs`, one sequence or separate numbers; ValueError when empty (note 003).

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    numbers = gathered("softmax", xs)
    peak = table.maximum(*numbers)
    weights = [table.exp.quick(table.shift.quick(x, peak)) for x in numbers]
    total = table.sum_(*weights)
    return [weight / total for weight in weights]


def dot(w: Any, x: Any, b: Any = 0.0, *rest: Any) -> Any:
    """Σ wᵢ xᵢ + b as one gate, for sequences `w` and `x` of equal length and a bias `b`; ValueError for others.

    Separate numbers, with `rest` those after the third, are read as all w, then all x, then b when their count is odd:
    `dot(w0, w1, x0, x1, b)`.

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


def take(table: Any, index: Any) -> Any:
    """What stands at place `index` of `table`, a list of numbers or of lists (of lists) alike: a number or a list.

    Each number is a gate that selects it from its column, so the index may be a Value, and in a compiled function an
    input: then every batch is checked. The gradient goes to what was taken, none to the index. ValueError for an index
    that is no whole number from 0 to the last place, and for rows of different lengths.

    >>> from microgradnn import Value
    >>> table = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    >>> row = take(table, 1)
    >>> (row[0] * row[1]).backward()
    >>> [x.data for x in row], [[x.grad for x in row] for row in table]
    ([3.0, 4.0], [[0.0, 0.0], [4.0, 3.0]])
    >>> take([5.0, 7.0], Value(0.0)), take([5.0, 7.0], 1)
    (Value(data=5.0, grad=0.0), 7.0)
    """
    if is_sequence(index):
        advice = (
            "write [take(table, i) for i in indices]"
            if is_sequence(table)
            else "the index comes last, take(table, index)"
        )
        raise TypeError(f"take reads one place, got the index {index!r:.60}: {advice}")
    entries = _entries(table)
    nested = [not hasattr(entry, "record_gate") and is_sequence(entry) for entry in entries]  # the first is quick
    if not any(nested):
        return select(index, *entries)
    rows = [_entries(entry) if is_nested else [] for entry, is_nested in zip(entries, nested, strict=True)]
    if len({*map(len, rows)}) > 1:
        raise ValueError(f"a table holds numbers alone, or rows of one length: fill shorter ones up, got {table!r:.60}")
    return [take(column, index) for column in zip(*rows, strict=True)]


def _entries(table: Any) -> list[Any]:
    """What stands in a table, place by place: TypeError where it has no order, ValueError where it has no place."""
    if hasattr(table, "__array__") and getattr(table, "shape", ()) != ():
        table = read_array(table, "a table must hold numbers or Values").tolist()
    if not is_sequence(table) or isinstance(table, Set):
        advice = remedy(table) if isinstance(table, (Mapping, Set, str)) else "the index comes last, take(table, index)"
        raise TypeError(f"a table is a list of numbers or of lists, got {type(table).__name__} {table!r:.60}: {advice}")
    entries = list(table)
    if not entries:
        raise ValueError(f"a table has one place or more, got {table!r:.60}")
    return entries


def stop_gradient(x: Any) -> Any:
    """The same numbers, through which no gradient flows: `x` is a number or a Value, or a tree of them.

    A Value comes back as a gate that hands nothing on and follows its operand, in `forward` and in programs. Containers
    are new ones; numbers stay numbers.

    >>> from microgradnn import Value
    >>> x = Value(3.0)
    >>> (x * stop_gradient(x)).backward()
    >>> x.grad
    3.0
    """
    return mapped(lambda leaf: table.stop_gradient(leaf) if isinstance(leaf, value.Value) else leaf, x)

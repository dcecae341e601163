"""What a module is given: one example or a batch, in any container of numbers, read as lists."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from microgradnn.reading import number, read_array
from microgradnn.value import Value

Batch = list[list[Any]]


def examples(x: Any) -> tuple[Batch, bool]:
    """Read `x` as a batch, a list of lists; and whether it was one example: a number or a flat list.

    >>> examples(2.0), examples([1.0, 2.0]), examples([[1.0, 2.0], [3.0, 4.0]])
    (([[2.0]], True), ([[1.0, 2.0]], True), ([[1.0, 2.0], [3.0, 4.0]], False))
    """
    x = as_list(x)
    if not isinstance(x, list):
        return [[x]], True
    if not x:
        raise ValueError("an example needs at least one number, a batch at least one example: got an empty list")
    inner = [as_list(example) for example in x]
    nested = {isinstance(example, list) for example in inner}
    if len(nested) > 1:
        raise ValueError("a batch is a list of examples, each a list of numbers: got numbers and lists in one list")
    return (inner, False) if True in nested else ([inner], True)


def as_list(x: Any) -> Any:
    """An array, tuple or iterator as a list; a number as float, a Value as it is."""
    if isinstance(x, (list, float, Value)):
        return x
    if hasattr(x, "__array__"):  # NumPy, pandas, PyTorch
        x = read_array(x, "expected numbers").tolist()
    if hasattr(x, "__iter__") and not isinstance(x, (str, bytes, Mapping, Set)):
        return list(x)
    return x if hasattr(x, "record_gate") else number(x)

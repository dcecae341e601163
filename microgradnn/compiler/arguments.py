"""Arguments: reading the parameters, the example and the batches that a user gives, and arranging what goes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.layout import Array
from microgradnn.compiler.tape import Atom, Tape
from microgradnn.reading import numbers_in
from microgradnn.table import LABELLED
from microgradnn.value import Value


def arranged_like(result: Any, rows: Any, stack: Callable[..., Any] = np.stack) -> Any:
    """What f returns, for each example, from a matrix of one column per number."""
    columns = iter(range(rows.shape[-1]))

    def arranged(one: Any) -> Any:
        if not isinstance(one, (list, tuple)):
            return rows[..., next(columns)]
        inner = [arranged(part) for part in one]
        if isinstance(one, tuple):
            return tuple(inner)
        alike = inner and all(not isinstance(part, list | tuple) and part.shape == inner[0].shape for part in inner)
        return stack(inner, axis=rows.ndim - 1) if alike else inner

    return arranged(result)


def parameters_of(params: Any) -> tuple[list[Value], Any]:
    """The parameters from left to right, and their nesting with places in place of Values.

    Every container is read once. TypeError or ValueError for what cannot be a parameter or has no order.

    >>> parameters_of({"w": (Value(x) for x in (1.0, 2.0)), "b": Value(3.0)})[1]
    {'w': range(0, 2), 'b': 2}
    """
    places: dict[Value, int] = {}  # Values hash by identity

    def nested(tree: Any) -> Any:
        if isinstance(tree, Value):
            if tree.primitive is not None:
                raise ValueError(f"params must be leaves, got the output of a gate {tree.primitive.name}: {tree!r}")
            if tree in places:
                raise ValueError(
                    f"params holds {tree!r} twice, as number {places[tree]} and {len(places)}: list it once"
                )
            places[tree] = len(places)
            return places[tree]
        if isinstance(tree, Mapping):
            return {name: nested(one) for name, one in tree.items()}
        if isinstance(tree, (set, frozenset)):
            raise TypeError(f"params holds a {type(tree).__name__} of {len(tree)}, which has no order: give a list")
        listed = [nested(one) for one in _read(tree)]
        if hasattr(tree, "_make"):
            return tree._make(listed)
        if all(isinstance(one, int) for one in listed):
            return range(listed[0], listed[-1] + 1) if listed else range(0)
        return tuple(listed) if isinstance(tree, tuple) else listed

    tree = nested(params)
    return list(places), tree


def _read(tree: Any) -> list[Any]:
    """What a container of parameters holds."""
    if hasattr(tree, "parameters"):
        raise TypeError(f"params must be Values, got {tree!r:.60}: give its .parameters()")
    try:
        if not isinstance(tree, (str, bytes)):
            return list(tree)
    except TypeError:  # nothing to go through
        pass
    raise TypeError(f"params must be Values, such as model.parameters(), got {type(tree).__name__} {tree!r:.60}")


def is_sequence(argument: Any) -> bool:
    """Whether an argument holds several numbers and is no list: an array, a range, a column of a table."""
    return hasattr(argument, "__len__") and not isinstance(argument, list | tuple | str | bytes)


def shape_of_argument(place: int, argument: Any) -> tuple[int, ...]:
    """The shape of an argument of the example."""
    if isinstance(argument, Value):
        raise TypeError(f"argument {place} of the example is {argument!r}: give its number, inputs are recorded anew")
    array = array_of(place, argument, "of the example ")
    if array.size == 0:
        raise ValueError(f"argument {place} of the example is empty, its shape is {array.shape}")
    return tuple(array.shape)


def array_of(place: int, given: Any, of: str = "") -> Array:
    return numbers_in(given, f"argument {place} {of}must be numbers, in lists of equal length")


def examples_in(batch: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> int:
    """How many examples there are in the arrays of a batch; TypeError or ValueError for what does not fit."""
    if len(batch) != len(shapes):
        wanted = "no batch" if not shapes else f"{len(shapes)} arrays"
        raise TypeError(f"the program takes {wanted}, as many as the example had arguments, got {len(batch)}")
    count = 1 if not batch else -1
    for place, (array, shape) in enumerate(zip(batch, shapes, strict=True)):
        if array.shape[1:] != shape or array.ndim == 0:
            wanted = f"({', '.join(['examples', *map(str, shape)])}{',' * (not shape)})"
            raise ValueError(f"argument {place} must have the shape {wanted}, got {array.shape}")
        if count == -1:
            count = len(array)
            if count == 0:
                raise ValueError(f"argument {place} is empty: a batch has one example or more")
        elif len(array) != count:
            raise ValueError(f"argument {place} has {len(array)} examples, the arguments before have {count}")
    return count


def outputs_of(result: Any) -> list[Any]:
    if isinstance(result, (list, tuple)):
        return [place for one in result for place in outputs_of(one)]
    return [result]


def labels_of(tape: Tape, params: int, sizes: list[int]) -> list[tuple[int, int, int]]:
    """The inputs that choose among operands: argument, place in it, and how many there are to choose from."""
    starts = np.cumsum([params, *sizes])
    found: dict[tuple[int, int], int] = {}
    for gate, places in tape.lines:
        if gate not in LABELLED or _is_place(tape, places[0], len(places) - 1):
            continue
        index, *among = places
        if not (isinstance(index, int) and params <= index < tape.leaves):
            raise ValueError(
                f"a label chooses among {len(among)} numbers: in a function that compile records it must "
                "be an input, or one of their places as a constant"
            )
        argument = int(np.searchsorted(starts, index, side="right")) - 1
        key = argument, int(index - starts[argument])
        found[key] = min(found.get(key, len(among)), len(among))
    return [(*key, classes) for key, classes in found.items()]


def _is_place(tape: Tape, index: Atom, count: int) -> bool:
    """Whether `index` is one of `count` places whatever the input: a constant, or the place of the largest of them."""
    if isinstance(index, float):
        return index in range(count)
    gate, places = tape.lines[index - tape.leaves] if index >= tape.leaves else (None, ())
    return gate is not None and gate.name == "argmax" and len(places) <= count


def check_labels(place: int, labels: Array, classes: int) -> None:
    if labels.dtype == np.int64:
        if np.maximum.reduce(labels.view(np.uint64)) < classes:  # read without a sign, negative numbers are large
            return
        wrong = (labels < 0) | (labels >= classes)
    elif labels.dtype.kind == "f":
        wrong = ~((labels >= 0) & (labels < classes) & (labels == np.trunc(labels)))
        if not wrong.any():
            return
    elif labels.min() >= 0 and labels.max() < classes:
        return
    else:
        wrong = (labels < 0) | (labels >= classes)
    example = int(np.flatnonzero(wrong)[0])
    raise ValueError(
        f"argument {place} must be whole numbers from 0 to {classes - 1}, one of {classes} classes, got "
        f"{labels[example]!r} in example {example}"
    )

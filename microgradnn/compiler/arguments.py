"""Arguments: reading the parameters, the example and the batches that a user gives, and arranging what goes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from microgradnn.compiler.layout import Array
from microgradnn.compiler.tape import Place, Tape
from microgradnn.compiler.tracing import numbers
from microgradnn.primitives import LABELLED, number
from microgradnn.value import Value


def arranged_like(result: Any, rows: Array) -> Any:
    """What f returns, for each example, from a matrix of one column per number."""
    columns = iter(range(rows.shape[-1]))

    def arranged(one: Any) -> Any:
        if not isinstance(one, (list, tuple)):
            return rows[..., next(columns)]
        inner = [arranged(part) for part in one]
        if isinstance(one, tuple):
            return tuple(inner)
        alike = inner and all(not isinstance(part, list | tuple) and part.shape == inner[0].shape for part in inner)
        return np.stack(inner, axis=rows.ndim - 1) if alike else inner

    return arranged(result)


def leaves_of(params: Any) -> list[Value]:
    """The parameters from left to right; TypeError or ValueError for what cannot be one."""
    found: list[Value] = []
    seen: dict[Value, int] = {}  # Values hash by identity

    def walk(tree: Any) -> None:
        if isinstance(tree, Value):
            if tree.primitive is not None:
                raise ValueError(f"params must be leaves, got the output of a gate {tree.primitive.name}: {tree!r}")
            if seen.setdefault(tree, len(found)) != len(found):
                raise ValueError(f"params holds {tree!r} twice, as number {seen[tree]} and {len(found)}: list it once")
            found.append(tree)
        elif isinstance(tree, Mapping):
            for one in tree.values():
                walk(one)
        elif hasattr(tree, "__iter__") and not isinstance(tree, (str, bytes)):
            for one in tree:
                walk(one)
        else:
            raise TypeError(
                f"params must be Values, such as model.parameters(), got {type(tree).__name__} {tree!r:.60}"
            )

    walk(params)
    return found


def is_sequence(argument: Any) -> bool:
    """Whether an argument holds several numbers and is no list: an array, a range, a column of a table."""
    return hasattr(argument, "__len__") and not isinstance(argument, list | tuple | str | bytes)


def numbered(tree: Any, places: Any) -> Any:
    """The nesting of the parameters with their places; a list of Values alone as a range."""
    if isinstance(tree, Value):
        return next(places)
    if isinstance(tree, Mapping):
        return {name: numbered(one, places) for name, one in tree.items()}
    listed = [numbered(one, places) for one in tree]
    if all(isinstance(one, int) for one in listed):
        return range(listed[0], listed[-1] + 1) if listed else range(0)
    return tuple(listed) if isinstance(tree, tuple) else listed


def shape_of_argument(place: int, argument: Any) -> tuple[int, ...]:
    """The shape of an argument of the example."""
    if isinstance(argument, Value):
        raise TypeError(f"argument {place} of the example is {argument!r}: give its number, inputs are recorded anew")
    array = array_of(place, argument, "of the example ")
    if array.size == 0:
        raise ValueError(f"argument {place} of the example is empty, its shape is {array.shape}")
    return tuple(array.shape)


def array_of(place: int, given: Any, of: str = "") -> Array:
    try:
        array = np.asarray(given)
        if array.dtype.kind == "O":
            array = np.array([number(one) for one in numbers(given)]).reshape(array.shape)
        if array.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"argument {place} {of}must be numbers, in lists of equal length, got {given!r:.60}") from None
    return array


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


def _is_place(tape: Tape, index: Place, count: int) -> bool:
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

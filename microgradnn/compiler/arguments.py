"""Arguments: reading the example and the batches that a user gives, and arranging what goes back."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.ir import Array
from microgradnn.compiler.tape import Atom, Tape
from microgradnn.reading import numbers_in, read_array
from microgradnn.table import LABELLED, argmax, select
from microgradnn.value import Value


def arranged_like(result: Any, rows: Any, stack: Callable[..., Any] = np.stack) -> Any:
    """What f returns, for each example, from a matrix of one column per number."""
    columns = iter(range(rows.shape[-1]))

    def arranged(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {name: arranged(branch) for name, branch in tree.items()}
        if not isinstance(tree, (list, tuple)):
            return rows[..., next(columns)]
        inner = [arranged(branch) for branch in tree]
        if isinstance(tree, tuple):
            return like(tree, inner)
        alike = inner and all(not isinstance(x, list | tuple | dict) and x.shape == inner[0].shape for x in inner)
        return stack(inner, axis=rows.ndim - 1) if alike else inner

    return arranged(result)


def like(tree: Any, branches: list[Any]) -> Any:
    """Branches as a list, a tuple or a named tuple, as `tree` is one."""
    if hasattr(tree, "_make"):
        return tree._make(branches)
    return tuple(branches) if isinstance(tree, tuple) else branches


def read_example(example: Sequence[Any]) -> tuple[list[Any], list[tuple[int, ...]]]:
    """The arguments of the example and their shapes; what holds numbers and is no list comes as an array."""
    arguments, shapes = [], []
    for number, argument in enumerate(example):
        if isinstance(argument, Value):
            raise TypeError(
                f"argument {number} of the example is {argument!r}: give its number, inputs are recorded anew"
            )
        if hasattr(argument, "__len__") and not isinstance(argument, list | tuple | str | bytes):
            argument = read_array(argument, f"argument {number} of the example must be numbers")
        array = array_of(number, argument, "of the example ")
        if array.size == 0:
            raise ValueError(f"argument {number} of the example is empty, its shape is {array.shape}")
        arguments.append(argument)
        shapes.append(tuple(array.shape))
    return arguments, shapes


def array_of(number: int, given: Any, of: str = "") -> Array:
    """An argument, "of the example" or of a batch, as an array; TypeError or ValueError for what holds no numbers."""
    return numbers_in(given, f"argument {number} {of}must be numbers, in lists of equal length")


def examples_in(batch: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> int:
    """How many examples there are in the arrays of a batch; TypeError or ValueError for what does not fit."""
    if len(batch) != len(shapes):
        arrays = f"{len(shapes)} arrays" if shapes else "no batch"
        raise TypeError(f"the program takes {arrays}, as many as the example had arguments, got {len(batch)}")
    count = None
    for number, (array, shape) in enumerate(zip(batch, shapes, strict=True)):
        if array.shape[1:] != shape or array.ndim == 0:
            due = f"({', '.join(['examples', *map(str, shape)])}{',' * (not shape)})"
            raise ValueError(f"argument {number} must have the shape {due}, got {array.shape}")
        if len(array) == 0 and count is None:
            raise ValueError(f"argument {number} is empty: a batch has one example or more")
        if count not in (None, len(array)):
            raise ValueError(f"argument {number} has {len(array)} examples, the arguments before have {count}")
        count = len(array)
    return 1 if count is None else count


def along(by_inputs: Any, arrays: Sequence[Array]) -> list[Array]:
    """What v, a direction, has by the arguments of a call: an array for each, of its shape; ValueError for another."""
    parts = [by_inputs] if len(arrays) == 1 else by_inputs
    if not isinstance(parts, (tuple, list)) or len(parts) != len(arrays):
        raise ValueError(f"v must hold {len(arrays)} arrays, one for each argument, got {parts!r:.60}")
    shaped = [array_of(number, part, "of v ") for number, part in enumerate(parts)]
    for number, (part, array) in enumerate(zip(shaped, arrays, strict=True)):
        if part.shape != array.shape:
            raise ValueError(f"v must be shaped like argument {number}, {array.shape}, got {part.shape}")
    return shaped


def outputs_of(result: Any) -> list[Any]:
    """The numbers of what f returns, from left to right."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [output for branch in result for output in outputs_of(branch)]
    return [result]


def labels_of(tape: Tape, params: int, sizes: list[int]) -> list[tuple[int, list[int], int]]:
    """The inputs that choose among operands: argument, indices in it, and how many there are to choose from.

    Other labels are places whatever the inputs: a constant, an argmax, what is taken from a table of places.
    ValueError, with the line, where that is not so.
    """
    starts = np.cumsum([params, *sizes])
    labels: dict[tuple[int, int], int] = {}
    last: dict[int, float] = {}  # of the results that are places, the last that each may be

    def last_of(atom: Atom) -> float:
        if isinstance(atom, float):
            return atom if atom >= 0 and atom % 1 == 0 else math.inf
        return last.get(atom, math.inf)

    for line, (gate, operands) in enumerate(tape.lines):
        if gate is argmax:
            last[tape.leaves + line] = len(operands) - 1.0
        if gate not in LABELLED:
            continue
        label, *among = operands
        if gate is select:
            last[tape.leaves + line] = max(map(last_of, among), default=math.inf)
        if last_of(label) < len(among):
            continue
        if not (isinstance(label, int) and params <= label < tape.leaves):
            got = repr(label) if isinstance(label, float) else "a parameter"
            if isinstance(label, int) and label >= tape.leaves:
                got = f"the result of {tape.lines[label - tape.leaves][0].name}"
            raise ValueError(
                f"{tape.sources.text(line)}: a label chooses among {len(among)} numbers, got {got}: in a function that "
                f"compile records it must be an input, an argmax, or a whole number from 0 to {len(among) - 1}"
            )
        argument = int(np.searchsorted(starts, label, side="right")) - 1
        key = argument, int(label - starts[argument])
        labels[key] = min(labels.get(key, len(among)), len(among))
    together = defaultdict[tuple[int, int], list[int]](list)
    for (argument, index), count in labels.items():
        together[argument, count].append(index)
    return [(argument, indices, count) for (argument, count), indices in together.items()]


def check_labels(number: int, labels: Array, classes: int) -> None:
    """ValueError, with the example, where a label is not the number of one of the classes or places."""
    if labels.dtype == np.int64 and np.maximum.reduce(labels.view(np.uint64), None) < classes:
        return  # quicker: read without a sign, negative numbers are large
    right = (labels >= 0) & (labels < classes) & (labels == np.trunc(labels))
    if right.all():
        return
    wrong = tuple(np.argwhere(~right)[0])
    raise ValueError(
        f"argument {number} must be whole numbers from 0 to {classes - 1}, one of {classes} classes or places, got "
        f"{labels[wrong].item()!r} in example {wrong[0]}: the first is 0"
    )


def arranged(argument: Any, inputs: Iterator[Any]) -> Any:
    """`argument` with the next of `inputs` in place of each number: lists stay lists, arrays arrays of objects."""
    if isinstance(argument, (list, tuple)):
        return [arranged(part, inputs) for part in argument]
    if hasattr(argument, "__array__") and getattr(argument, "ndim", 1) > 0:
        array = np.empty(np.shape(argument), dtype=object)
        for index in np.ndindex(array.shape):
            array[index] = next(inputs)
        return array
    return next(inputs)

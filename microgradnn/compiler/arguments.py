"""Arguments: reading the parameters, the example and the batches that a user gives, and arranging what goes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.ir import Array
from microgradnn.compiler.tape import Atom, Tape
from microgradnn.reading import numbers_in, read_array
from microgradnn.table import LABELLED, argmax
from microgradnn.value import Value


def arranged_like(result: Any, rows: Any, stack: Callable[..., Any] = np.stack) -> Any:
    """What f returns, for each example, from a matrix of one column per number."""
    columns = iter(range(rows.shape[-1]))

    def arranged(tree: Any) -> Any:
        if not isinstance(tree, (list, tuple)):
            return rows[..., next(columns)]
        inner = [arranged(branch) for branch in tree]
        if isinstance(tree, tuple):
            return tuple(inner)
        alike = inner and all(not isinstance(x, list | tuple) and x.shape == inner[0].shape for x in inner)
        return stack(inner, axis=rows.ndim - 1) if alike else inner

    return arranged(result)


def parameters_of(params: Any) -> tuple[list[Value], Any]:
    """The parameters from left to right, and their nesting with numbers in place of Values.

    Every container is read once. TypeError or ValueError for what cannot be a parameter or has no order.

    >>> parameters_of({"w": (Value(x) for x in (1.0, 2.0)), "b": Value(3.0)})[1]
    {'w': range(0, 2), 'b': 2}
    """
    numbers: dict[Value, int] = {}  # Values hash by identity

    def nested(tree: Any) -> Any:
        if isinstance(tree, Value):
            if tree.primitive is not None:
                raise ValueError(f"params must be leaves, got the output of a gate {tree.primitive.name}: {tree!r}")
            if tree in numbers:
                first = numbers[tree]
                raise ValueError(f"params holds {tree!r} twice, as number {first} and {len(numbers)}: list it once")
            return numbers.setdefault(tree, len(numbers))
        if isinstance(tree, Mapping):
            return {name: nested(branch) for name, branch in tree.items()}
        if isinstance(tree, (set, frozenset)):
            raise TypeError(f"params holds a {type(tree).__name__} of {len(tree)}, which has no order: give a list")
        branches = [nested(branch) for branch in _read(tree)]
        if hasattr(tree, "_make"):
            return tree._make(branches)
        if all(isinstance(branch, int) for branch in branches):
            return range(branches[0], branches[-1] + 1) if branches else range(0)
        return tuple(branches) if isinstance(tree, tuple) else branches

    tree = nested(params)
    return list(numbers), tree


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


def outputs_of(result: Any) -> list[Any]:
    if isinstance(result, (list, tuple)):
        return [output for branch in result for output in outputs_of(branch)]
    return [result]


def labels_of(tape: Tape, params: int, sizes: list[int]) -> list[tuple[int, int, int]]:
    """The inputs that choose among operands: argument, index in it, and how many there are to choose from."""
    starts = np.cumsum([params, *sizes])
    labels: dict[tuple[int, int], int] = {}
    for gate, operands in tape.lines:
        if gate not in LABELLED or _chooses(tape, operands[0], len(operands) - 1):
            continue
        label, *among = operands
        if not (isinstance(label, int) and params <= label < tape.leaves):
            raise ValueError(
                f"a label chooses among {len(among)} numbers: in a function that compile records it must "
                "be an input, or one of their places as a constant"
            )
        argument = int(np.searchsorted(starts, label, side="right")) - 1
        key = argument, int(label - starts[argument])
        labels[key] = min(labels.get(key, len(among)), len(among))
    return [(*key, classes) for key, classes in labels.items()]


def _chooses(tape: Tape, label: Atom, count: int) -> bool:
    """Whether a label is one of `count` whatever the input: a constant, or the index of the largest of them."""
    if isinstance(label, float):
        return label in range(count)
    gate, operands = tape.lines[label - tape.leaves] if label >= tape.leaves else (None, ())
    return gate is argmax and len(operands) <= count


def check_labels(number: int, labels: Array, classes: int) -> None:
    if labels.dtype == np.int64 and np.maximum.reduce(labels.view(np.uint64)) < classes:
        return  # quicker: read without a sign, negative numbers are large
    right = (labels >= 0) & (labels < classes) & (labels == np.trunc(labels))
    if right.all():
        return
    example = int(np.argmin(right))
    raise ValueError(
        f"argument {number} must be whole numbers from 0 to {classes - 1}, one of {classes} classes, got "
        f"{labels[example]!r} in example {example}"
    )

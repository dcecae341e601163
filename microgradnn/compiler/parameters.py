"""Parameters: the Values that a program learns, how they were nested, and the vector of their numbers.

The vector is the truth while a program is at work; the Values get its numbers when somebody looks at them. Programs
that learn the same Values may share one object of this kind, and so one vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from microgradnn.compiler.arguments import like
from microgradnn.compiler.ir import Array
from microgradnn.context import current_tracer
from microgradnn.reading import numbers_in
from microgradnn.value import Value


class Parameters:
    """The Values in `leaves`, from left to right as they stand in what was given, and their numbers in `vector`.

    >>> w, b = Value(2.0), Value(1.0)
    >>> params = Parameters({"weights": [w], "bias": b})
    >>> params.vector -= 0.5
    >>> params.push(); w.data, params.nested(params.vector)
    (1.5, {'weights': array([1.5]), 'bias': 0.5})
    """

    def __init__(self, given: Any) -> None:
        self.leaves, self.tree = parameters_of(given)
        self.vector = np.zeros(len(self.leaves))
        self.pull()

    def pull(self) -> None:
        """Read the numbers of the Values into the vector."""
        refuse_while_tracing()
        self.vector[:] = [leaf._data for leaf in self.leaves]

    def push(self) -> None:
        """Write the vector to the Values, as assigning each number to `data` would, in a fraction of the time."""
        refuse_while_tracing()
        for leaf, number in zip(self.leaves, self.vector.tolist(), strict=True):
            leaf._data = number

    def assign(self, values: Any) -> None:
        """Put other numbers into the vector."""
        if values is self.vector:
            return
        array = numbers_in(values, f"params must be {len(self.vector)} numbers")
        if array.shape != self.vector.shape:
            raise ValueError(f"params must be {len(self.vector)} numbers, got {array.dtype} of shape {array.shape}")
        self.vector[:] = array

    def nested(self, vector: Array) -> Any:
        """Such a vector, or a row of numbers for each example, nested as the parameters are, with arrays for lists."""
        return _nested(self.tree, vector)

    def vector_of(self, tree: Any) -> Array:
        """What v, a direction, has by the parameters, nested as these; TypeError or ValueError for another nesting.

        >>> Parameters({"weights": [Value(2.0)], "bias": Value(1.0)}).vector_of({"weights": [5.0], "bias": 6.0})
        array([5., 6.])
        """
        vector = np.zeros(len(self.leaves))
        try:
            _fill(vector, self.tree, tree)
        except (TypeError, ValueError) as error:
            raise type(error)(f"v must be nested as the parameters are: {error}") from None
        return vector

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.vector = np.array(self.vector)  # what comes from a memory map cannot be written to


def refuse_while_tracing() -> None:
    """Numbers that go to and fro while a function is traced would be frozen in its program."""
    if (tracer := current_tracer()) is not None:
        raise tracer.refusal()


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
        if all(isinstance(branch, int) for branch in branches) and not hasattr(tree, "_make"):
            return range(branches[0], branches[-1] + 1) if branches else range(0)
        return like(tree, branches)

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


def _nested(tree: Any, vector: Array) -> Any:
    if isinstance(tree, range):
        return vector if len(tree) == vector.shape[-1] else vector[..., tree.start : tree.stop]
    if isinstance(tree, int):
        return float(vector[tree]) if vector.ndim == 1 else vector[..., tree]
    if isinstance(tree, dict):
        return {name: _nested(branch, vector) for name, branch in tree.items()}
    branches = [_nested(branch, vector) for branch in tree]
    if (
        isinstance(tree, list)
        and branches
        and all(isinstance(branch, np.ndarray) and branch.shape == branches[0].shape for branch in branches)
    ):
        return np.stack(branches, axis=vector.ndim - 1)
    return like(tree, branches)


def _fill(vector: Array, tree: Any, numbers: Any) -> None:
    """Write numbers, nested as `tree` is, to their places in the vector."""
    if isinstance(tree, dict):
        if not isinstance(numbers, Mapping) or numbers.keys() != tree.keys():
            raise ValueError(f"expected a dict of {', '.join(map(repr, tree))}, got {numbers!r:.60}")
        for name, branch in tree.items():
            _fill(vector, branch, numbers[name])
    elif isinstance(tree, (list, tuple)) and not hasattr(numbers, "keys"):
        if not hasattr(numbers, "__len__") or len(numbers) != len(tree):
            raise ValueError(f"expected {len(tree)} parts, one for each part of the parameters, got {numbers!r:.60}")
        for branch, part in zip(tree, numbers, strict=True):
            _fill(vector, branch, part)
    else:
        count = (len(tree),) if isinstance(tree, range) else ()
        array = numbers_in(numbers, f"expected {len(tree) if count else 'a number'}{' numbers' * bool(count)}")
        if array.shape != count:
            raise ValueError(
                f"expected {'numbers of shape' if count else 'a number, shape'} {count}, got {array.shape}"
            )
        vector[slice(tree.start, tree.stop) if count else tree] = array

"""Trees of numbers: nested arguments and results, taken apart and put together again.

Lists, tuples, named tuples, dicts and NumPy arrays hold branches, in the order in which they stand there; None is a
branch without numbers. What the numbers are is not asked: floats, Values, wide numbers.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """The numbers of a nested list, from left to right; whatever is no list or tuple counts as one.

    >>> leaves([1, [2, 3]]), leaves(4)
    ([1, 2, 3], [4])
    """
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def is_array(x: Any) -> bool:
    """Whether it is an array of NumPy, which need not be imported."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.ndarray)


def spread(tree: Any) -> list[Any]:
    """The numbers of a tree, from left to right.

    >>> spread([1, (2.0, None, {"b": 3, "a": 4})])
    [1, 2.0, 3, 4]
    """
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in spread(branch)]
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in spread(branch)]
    if is_array(tree):
        return tree.ravel().tolist()  # type: ignore[no-any-return]
    return [] if tree is None else [tree]


def walked(tree: Any, visit: Callable[[Any], Any]) -> Any:
    """Containers of their own like those of `tree`, with what `visit` gives in place of each number and each array.

    >>> walked({"a": [1, (2, None)]}, float)
    {'a': [1.0, (2.0, None)]}
    """
    if isinstance(tree, (list, tuple)):
        branches = [walked(branch, visit) for branch in tree]
        if hasattr(tree, "_make"):
            return tree._make(branches)
        return tuple(branches) if isinstance(tree, tuple) else branches
    if isinstance(tree, dict):
        fresh = copy.copy(tree)  # of its class, such as OrderedDict
        for key, branch in tree.items():
            fresh[key] = walked(branch, visit)
        return fresh
    return None if tree is None else visit(tree)


def copied(tree: Any) -> Any:
    """`tree` with lists, dicts and arrays of its own."""
    return walked(tree, lambda leaf: leaf.copy() if is_array(leaf) else leaf)


def like(tree: Any, values: Iterator[Any]) -> Any:
    """A tree of the shape of `tree` with the next of `values` in the place of each number.

    >>> like({"x": 1, "y": [2, (3, 4)]}, iter("abcd"))
    {'x': 'a', 'y': ['b', ('c', 'd')]}
    """
    return walked(
        tree, lambda leaf: array_of(islice(values, leaf.size), leaf.shape) if is_array(leaf) else next(values)
    )


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """`function` of everything in a tree, entries of arrays of objects included; arrays of numbers stay.

    >>> mapped(abs, [-1, {"a": -2.0}])
    [1, {'a': 2.0}]
    """

    def visit(leaf: Any) -> Any:
        if not is_array(leaf):
            return function(leaf)
        return array_of(map(function, leaf.ravel()), leaf.shape) if leaf.dtype == object else leaf.copy()

    return walked(tree, visit)


def array_of(values: Iterable[Any], shape: tuple[int, ...]) -> Any:
    """The array of this shape with these entries, of floats where all of them are, else of objects."""
    import numpy as np

    entries = [*values]
    array = np.empty(len(entries), float if all(type(entry) is float for entry in entries) else object)
    array[:] = entries
    return array.reshape(shape)


def matched(tree: Any, pattern: Any) -> list[Any]:
    """The numbers of `tree` in the order of those of `pattern`; ValueError unless both are nested alike.

    An array is alike to lists of its shape.

    >>> matched({"b": 2.0, "a": (3.0, 4.0)}, {"a": [0, 0], "b": 0})
    [3.0, 4.0, 2.0]
    """
    tree, pattern = (branch.tolist() if is_array(branch) else branch for branch in (tree, pattern))
    if isinstance(tree, (list, tuple)) and isinstance(pattern, (list, tuple)):
        pairs = list(zip(tree, pattern, strict=True))
    elif isinstance(tree, dict) and isinstance(pattern, dict) and tree.keys() == pattern.keys():
        pairs = [(tree[key], branch) for key, branch in pattern.items()]
    elif any(isinstance(branch, (list, tuple, dict)) for branch in (tree, pattern)):
        raise ValueError("nested otherwise")
    elif pattern is None and tree is not None:
        raise ValueError("a number where there is none")
    else:
        return [] if pattern is None else [tree]
    return [leaf for pair in pairs for leaf in matched(*pair)]

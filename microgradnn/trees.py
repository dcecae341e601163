"""Trees of numbers: nested arguments and results, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """The numbers of a nested list, from left to right.

    >>> leaves([1, [2, 3]]), leaves(4)
    ([1, 2, 3], [4])
    """
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def like(tree: Any, values: Iterator[Any]) -> Any:
    """A nested list of the shape of `tree` with the next of `values` in each place.

    >>> like([1, [2, 3]], iter("abc"))
    ['a', ['b', 'c']]
    """
    if isinstance(tree, (list, tuple)):
        return _nested_like(tree, [like(branch, values) for branch in tree])
    return next(values)


def _nested_like(tree: Any, branches: Iterable[Any]) -> Any:
    """The branches in a list, a tuple or a named tuple, as those of `tree` are."""
    if hasattr(tree, "_make"):
        return tree._make(branches)
    return tuple(branches) if isinstance(tree, tuple) else list(branches)


def copied(tree: Any) -> Any:
    """`tree` with lists, dicts and arrays of its own."""
    if isinstance(tree, (list, tuple)):
        return _nested_like(tree, map(copied, tree))
    if type(tree) is dict:
        return {key: copied(branch) for key, branch in tree.items()}
    return tree.copy() if type(tree).__module__ == "numpy" and hasattr(tree, "copy") else tree

"""Nested arguments as a flat list of numbers, and back: lists, tuples, dicts, NumPy arrays; tensors can be read.

What the numbers are is not asked: floats, Values, wide numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from microgradnn.reading import number
from microgradnn.value import Value


def spread(tree: Any) -> list[Any]:
    """The numbers of nested containers, from left to right; those of tensors and arrays as floats.

    >>> spread([1, (2.0, {"a": 3})])
    [1, 2.0, 3]
    """
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in spread(branch)]
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in spread(branch)]
    if hasattr(tree, "detach"):  # PyTorch's, of any precision and on any device
        tree = tree.detach().cpu().double().numpy()
    if hasattr(tree, "__array__") and hasattr(tree, "shape"):
        import numpy as np

        array = np.asarray(tree)
        if array.dtype.kind == "c":
            raise TypeError(f"expected real numbers, got {tree!r:.60}: take .real")
        return list(array.ravel()) if array.dtype == object else [float(x) for x in array.astype(float).ravel()]
    return [tree]


def rebuilt(tree: Any, leaves: Iterator[Any]) -> Any:
    """Containers like those of `tree`, with the next of `leaves` in each place.

    Arrays are of floats, or else of objects.

    >>> rebuilt({"a": [1, 2]}, iter("xy"))
    {'a': ['x', 'y']}
    """
    if isinstance(tree, dict):
        return {key: rebuilt(branch, leaves) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        branches = [rebuilt(branch, leaves) for branch in tree]
        return tree._make(branches) if hasattr(tree, "_make") else type(tree)(branches)
    if hasattr(tree, "__array__") and hasattr(tree, "shape"):
        import numpy as np

        members = [next(leaves) for _ in range(tree.size)]
        array = np.empty(tree.size, dtype=float if all(type(x) is float for x in members) else object)
        array[:] = members
        return array.reshape(tree.shape)
    return next(leaves)


def shape_of(tree: Any) -> Any:
    """How numbers are nested, whatever the containers: lists of lists, dicts by their keys.

    >>> shape_of([1.0, (2.0, 3.0)]) == shape_of((4, [5, 6]))
    True
    """
    if isinstance(tree, dict):
        return {key: shape_of(branch) for key, branch in tree.items()}
    if hasattr(tree, "tolist"):
        tree = tree.tolist()
    return [shape_of(branch) for branch in tree] if isinstance(tree, (list, tuple)) else None


def places_of(args: tuple[Any, ...]) -> list[str]:
    """Where each number stands: `argument 0[1]`, `argument 1["w"]`.

    >>> places_of(([1.0], {"w": 2.0}))
    ['argument 0[0]', "argument 1['w']"]
    """
    return [place for n, arg in enumerate(args) for place in places(arg, f"argument {n}")]


def places(tree: Any, place: str) -> list[str]:
    """Where each number of `tree` stands, which stands at `place`."""
    if isinstance(tree, dict):
        return [inner for key, branch in tree.items() for inner in places(branch, f"{place}[{key!r}]")]
    if hasattr(tree, "tolist"):
        tree = tree.tolist()
    if isinstance(tree, (list, tuple)):
        return [inner for n, branch in enumerate(tree) for inner in places(branch, f"{place}[{n}]")]
    return [place]


def point_of(args: Any) -> list[float]:
    """The numbers of a tuple of arguments; TypeError for anything else."""
    if not isinstance(args, tuple):
        raise TypeError(f"args is the tuple of the arguments, write (x,) for one: got {type(args).__name__} {args!r}")
    for n, arg in enumerate(args):
        if hasattr(arg, "detach") or "jax" in type(arg).__module__:
            raise TypeError(
                f"argument {n} is a {type(arg).__name__}: give plain numbers, lists or NumPy arrays, and make the "
                "tensor inside the function"
            )
    return [leaf.data if isinstance(leaf, Value) else number(leaf) for leaf in spread(args)]

"""Arguments and results of checked functions: trees as everywhere, in which results may hold tensors, too."""

from __future__ import annotations

from typing import Any

from microgradnn import trees
from microgradnn.reading import number
from microgradnn.value import Value


def without_tensors(tree: Any) -> Any:
    """`tree` with arrays of NumPy in place of those of other libraries; TypeError for complex numbers.

    >>> without_tensors([1, {"a": 2.0}])
    [1, {'a': 2.0}]
    """
    return trees.walked(tree, _array)


def _array(leaf: Any) -> Any:
    if hasattr(leaf, "detach"):  # PyTorch's, of any precision and on any device
        leaf = leaf.detach().cpu().double().numpy()
    if hasattr(leaf, "__array__") and hasattr(leaf, "shape"):
        import numpy as np

        array = np.asarray(leaf)
        if array.dtype.kind == "c":
            raise TypeError(f"expected real numbers, got {leaf!r:.60}: take .real")
        return array if array.dtype == object else array.astype(float)
    return leaf


def spread(tree: Any) -> list[Any]:
    """The numbers of a tree, from left to right; those of tensors and arrays as floats.

    >>> spread([1, (2.0, {"a": 3})])
    [1, 2.0, 3]
    """
    return trees.spread(without_tensors(tree))


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
    return [] if tree is None else [place]


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

"""The array program: operations on arrays in static single assignment, which every later pass reads and writes.

A variable is written by one operation, once, and its numbers lie in order, one behind the other. Operations read
windows of variables, evenly spaced, without copying. Memory, when a number is written, and the library that
computes are no matter here: `plan` decides about the first two, the backends about the third.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Gradient = tuple[Array, list[Array]]  # by the parameters, and by each argument with the examples first


class Place(NamedTuple):
    """Some numbers of a variable, evenly spaced: `offset + Σ index · stride` for every index below `shape`."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def rows(self) -> Array:
        """Which numbers they are, in the shape of the place.

        >>> Place(4, (2, 3), (3, 1)).rows().tolist()
        [[4, 5, 6], [7, 8, 9]]
        """
        rows = np.full(self.shape, self.offset)
        for axis, (size, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            rows += stride * np.arange(size).reshape([-1 if other == axis else 1 for other in range(len(self.shape))])
        return rows

    @property
    def size(self) -> int:
        """How many numbers are read."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether the numbers lie one behind the other."""
        packed = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if size != 1 and stride != packed:
                return False
            packed *= size
        return True

    @property
    def is_one_number(self) -> bool:
        """Whether it is one number, however often."""
        return all(size == 1 or stride == 0 for size, stride in zip(self.shape, self.strides, strict=True))


def contiguous(offset: int, shape: tuple[int, ...]) -> Place:
    """The place of numbers one behind the other, from `offset` on."""
    strides, packed = [], 1
    for size in reversed(shape):
        strides.append(packed)
        packed *= size
    return Place(offset, shape, tuple(reversed(strides)))


def even(rows: Array) -> Place | None:
    """The place of these numbers, if they are evenly spaced along each axis.

    >>> even(np.array([[4, 5, 6], [14, 15, 16]])), even(np.array([4, 5, 7]))
    (Place(offset=4, shape=(2, 3), strides=(10, 1)), None)
    """
    first = rows[(0,) * rows.ndim]
    strides = [
        int(rows[tuple(int(other == axis) for other in range(rows.ndim))] - first) if size > 1 else 0
        for axis, size in enumerate(rows.shape)
    ]
    place = Place(int(first), rows.shape, tuple(strides))
    return place if np.array_equal(place.rows(), rows) else None


def one_number(array: Array) -> bool:
    """Whether all numbers of an array are the same, which 0.0 and −0.0 are not.

    >>> one_number(np.array([2.0, 2.0])), one_number(np.array([0.0, -0.0]))
    (True, False)
    """
    bits = array.ravel().view(np.int64)
    return bool((bits == bits[0]).all())


@dataclass(eq=False, slots=True)
class Var:
    """A variable: an array of `shape`, with an axis of examples behind it where there is one number for `each`.

    `value` is there where it is a constant. A `truth` holds True and False, as comparisons give.
    """

    shape: tuple[int, ...]
    each: bool
    truth: bool = False
    value: Array | None = None
    name: str = ""
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = prod(self.shape)

    def __repr__(self) -> str:
        return f"{self.name or 'v'}({' × '.join([*map(str, self.shape), *['B'] * self.each])})"


class Window(NamedTuple):
    """What an operation reads of a variable."""

    var: Var
    place: Place

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape without the axis of examples."""
        return self.place.shape

    @property
    def each(self) -> bool:
        """Whether there is a number for each example."""
        return self.var.each

    @property
    def is_whole(self) -> bool:
        """Whether it is the variable, every number once and in order, in whatever shape."""
        return self.place.offset == 0 and self.place.size == self.var.size and self.place.is_contiguous


Operand = float | Window


def whole(var: Var) -> Window:
    """All of a variable."""
    return Window(var, contiguous(0, var.shape))


def shape_of(operand: Operand) -> tuple[int, ...]:
    """The shape of an operand without its examples; a number has none."""
    return operand.place.shape if isinstance(operand, Window) else ()


def is_nothing(operand: Any) -> bool:
    """Whether an operand is a constant 0: along it nothing is handed on, whatever it meets, as 0 × ∞ would be nan."""
    return operand.__class__ is float and operand == 0.0


def is_each(operand: Operand) -> bool:
    """Whether an operand has a number for each example."""
    return isinstance(operand, Window) and operand.var.each


@dataclass(eq=False, slots=True)
class Op:
    """One operation, `out = kind(*operands)`: `ops` has the kinds, and says what each keeps as its `detail`."""

    kind: str
    operands: tuple[Operand, ...]
    out: Var
    detail: Any
    path: str | None = None  # of the module that it belongs to
    source: Op | None = None  # the operation of the forward pass whose derivative it belongs to

    @property
    def read(self) -> Iterator[Var]:
        """The variables that it reads."""
        return (operand.var for operand in self.operands if isinstance(operand, Window))


@dataclass
class ArrayProgram:
    """Operations from `params` and `inputs` to `outs`; `order` says which of the user's parameters each number is."""

    params: Var
    inputs: list[Var]
    order: list[int]
    ops: list[Op]
    outs: list[Operand]

    def without_dead_code(self) -> ArrayProgram:
        """The same without operations that nothing depends on."""
        needed = {out.var for out in self.outs if isinstance(out, Window)}
        live = []
        for op in reversed(self.ops):
            if op.out in needed:
                needed.update(op.read)
                live.append(op)
        return ArrayProgram(self.params, self.inputs, self.order, live[::-1], self.outs)

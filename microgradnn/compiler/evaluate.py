"""Evaluate: what an array program means, operation by operation, over a library of arrays.

With NumPy it is the reference that tests hold the backends to. With JAX it is the backend itself: JAX traces it, and
XLA compiles what comes of it. Here every array has an axis of examples behind it, of size 1 where it is the same for
all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from microgradnn.compiler.ir import Array, ArrayProgram, Operand, Place, Var, Window
from microgradnn.compiler.ops import KINDS
from microgradnn.compiler.simplify import NUMBER
from microgradnn.primitive import Primitive, lookup

ONE_BY_ONE = {"sum": "add", "maximum": "maximum", "minimum": "minimum"}  # by that function of two


def evaluate(program: ArrayProgram, library: Any, params: Any, inputs: Sequence[Any]) -> list[Any]:
    """The results of a program for its parameters, in its order, and its inputs, the examples last.

    They come in the shape of the results, with the axis of examples, of size 1 where they are the same for all.
    """
    known: dict[Var, Any] = {program.params: params[:, None]}
    known.update(zip(program.inputs, inputs, strict=True))

    def read(operand: Operand) -> Any:
        if not isinstance(operand, Window):
            return operand
        var, place = operand
        flat = known[var] if var.value is None else library.constant(var.value.reshape(-1, 1))
        return library.window(flat, place)

    for op in program.ops:
        result = KINDS[op.kind].meaning(library, op.detail, *map(read, op.operands))
        known[op.out] = library.flat(result)
    return [read(out) for out in program.outs]


def over_arrays(gate: Primitive, xp: Any, operands: Sequence[Any], stacked: bool) -> Any:
    """The array form of a gate in the hands of `xp`; with `stacked` the last operand is a stack."""
    if isinstance(gate.array, str):
        if gate.array != gate.name and not hasattr(np, gate.array):  # JAX alone has erf; NumPy asks the gate
            raise ValueError(f"{gate.name}: NumPy has no function {gate.array!r}: write array= as a function of xp")
        return getattr(xp, gate.array)(*operands)
    if gate.arity is None and not stacked:
        return reduce(getattr(xp, ONE_BY_ONE.get(gate.name, gate.name)), operands)
    assert gate.array is not None
    return gate.array(xp, *operands)


class NumPyLibrary:
    """NumPy as a library to evaluate with: `xp` of the table's array functions, and what the operations need."""

    def __init__(self, examples: int) -> None:
        self.examples = examples

    einsum, sum = staticmethod(np.einsum), staticmethod(np.sum)

    def __getattr__(self, name: str) -> Any:
        """A function of NumPy, or a gate number by number, such as erf."""
        if name in ("max", "min"):
            return lambda xs: getattr(np, name)(xs, axis=0)
        return getattr(np, name, None) or number_by_number(lookup(name))

    def gate(self, gate: Primitive, stacked: bool, operands: Sequence[Any]) -> Any:
        """The result of a gate."""
        if gate.array is None:
            return number_by_number(gate)(*operands)
        return over_arrays(gate, _Functions(self), operands, stacked)

    def partial(self, gate: Primitive, index: int, stacked: bool, operands: Sequence[Any]) -> Any:
        """A partial of a gate as arrays compute it."""
        assert gate.array_partials is not None
        return gate.array_partials(_Functions(self), *operands)[index]

    def call(self, function: str | Primitive, *operands: Any) -> Any:
        """A function by its name."""
        if isinstance(function, Primitive):
            return number_by_number(function)(*operands)
        if function == NUMBER:
            return operands[0].astype(float)
        return getattr(self, function)(*operands)

    def count(self) -> Any:
        """The number of examples."""
        return np.array([float(self.examples)])

    def constant(self, numbers: Array) -> Any:
        """An array of constants."""
        return numbers

    def flat(self, array: Any) -> Any:
        """The numbers of a result in one line, the examples behind."""
        return np.asarray(array).reshape(-1, np.shape(array)[-1])

    def window(self, flat: Any, place: Place) -> Any:
        """The numbers at a place."""
        return flat[place.rows()]

    def take(self, flat: Any, rows: Array) -> Any:
        """Numbers from anywhere."""
        return flat[rows]

    def put(self, shape: tuple[int, ...], places: Sequence[Place | Array], operands: Sequence[Any]) -> Any:
        """Numbers put in their places and added up where these overlap; 0.0 elsewhere. What is alone stays −0.0."""
        wide = max(np.shape(x)[-1] if np.ndim(x) else 1 for x in operands)
        total, reached = np.full((prod(shape), wide), -0.0), np.zeros(prod(shape), bool)
        for x, place in zip(operands, places, strict=True):
            rows = place.rows() if isinstance(place, Place) else place
            np.add.at(total, rows, x)
            reached[rows] = True
        total[~reached] = 0.0
        return total.reshape(*shape, wide)


class _Functions:
    """The `xp` of the table's array functions."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        if name == "sum":  # along the stack
            return lambda xs: self._library.sum(xs, axis=0)
        return getattr(self._library, name)

    def indices(self, stack: Any) -> Any:
        """0, 1, 2 … along the stack."""
        return np.arange(float(len(stack))).reshape(-1, *[1] * (stack.ndim - 1))


def number_by_number(gate: Primitive) -> Any:
    """A primitive over arrays, one number after the other."""

    def apply(*operands: Any) -> Array:
        return np.asarray(np.frompyfunc(lambda *numbers: gate.limit(numbers), len(operands), 1)(*operands), dtype=float)

    return apply

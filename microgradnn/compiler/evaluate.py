"""Evaluate: what an array program means, operation by operation, over a library of arrays.

With the NumPy of `tests.array_programs` it is the reference that tests hold the backends to. With JAX it is the backend
itself: JAX traces it, and XLA compiles what comes of it. Here every array has an axis of examples behind it, of size 1
where it is the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from microgradnn.compiler.ir import Array, ArrayProgram, Operand, Var, Window
from microgradnn.compiler.ops import KINDS
from microgradnn.primitive import Primitive

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


def number_by_number(gate: Primitive) -> Any:
    """A primitive over arrays, one number after the other."""

    def apply(*operands: Any) -> Array:
        return np.asarray(np.frompyfunc(lambda *numbers: gate.limit(numbers), len(operands), 1)(*operands), dtype=float)

    return apply

"""Expand: gates become calls of functions of arrays, as the table writes them down.

NumPy and C know tanh and multiply, but not logsumexp. The array forms of the table are called with symbols, which write
what they meet; equal calls are written once, so a partial shares what its gate has computed. What matrix products
cannot read in place is copied here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.evaluate import number_by_number, over_arrays
from microgradnn.compiler.ir import ArrayProgram, Operand, Place, Var, Window, is_each, is_nothing, shape_of
from microgradnn.compiler.simplify import COMPARISONS, NUMBER, Writer, is_number, neutral_in
from microgradnn.primitive import Primitive, lookup
from microgradnn.table import OPERATORS

_MULTIPLY = lookup("multiply")


def expand(program: ArrayProgram) -> ArrayProgram:
    """The same program in calls."""
    writer = Calls()
    results: dict[Var, Operand] = {}

    def read(operand: Operand) -> Operand:
        if isinstance(operand, Window) and operand.var in results:
            return writer.read(results[operand.var], operand.place)
        return operand

    for op in program.ops:
        writer.path, writer.source = op.path, op.source
        operands = [read(operand) for operand in op.operands]
        if op.kind == "gate":
            gate, stacked = op.detail
            nothing = gate is _MULTIPLY and op.source is not None and any(map(is_nothing, operands))
            result = 0.0 if nothing else writer.gate(gate, operands, stacked)
        elif op.kind == "partial":
            gate, index, _ = op.detail
            result = writer.partial(gate, index, operands)
        elif op.kind == "einsum":
            first, second, out, each = op.detail
            shapes = map(shape_of, op.operands)
            x, y = (writer.as_matrix(writer.filled(*pair)) for pair in zip(operands, shapes, strict=True))
            result = writer.einsum(first, second, out, x, y, each)
            summed = any(map(is_each, op.operands)) and not op.out.each
            if summed and not (is_each(x) or is_each(y)):  # they have come to constants
                result = writer.counted(result)
        elif op.kind == "take":
            [operand] = operands
            result = writer.take(operand, op.detail) if isinstance(operand, Window) else operand
        elif op.kind == "put":
            shape, places = op.detail
            result = writer.put(operands, places, shape)
        elif op.kind == "sum":
            [operand] = operands
            if not is_nothing(operand):  # another constant is added up like any number
                operand = writer.broadcast(writer.filled(operand, ()), shape_of(op.operands[0]))
            result = writer.sum(operand, *op.detail)
        else:
            filled = [writer.filled(*pair) for pair in zip(operands, map(shape_of, op.operands), strict=True)]
            if op.kind == "scatter" and not any(map(is_each, filled)):  # they have come to constants
                count, examples = op.detail
                result = writer.write("scatter", filled, (count, False))
                result = writer.counted(result) if examples else result
            else:
                result = writer.write(op.kind, filled, op.detail)
        if op.source is None:  # a 0 that comes out of the numbers is no constant 0
            result = writer.filled(result, op.out.shape)
        results[op.out] = writer.reshaped(writer.broadcast(result, op.out.shape), op.out.shape)
    outs = [read(out) for out in program.outs]
    return ArrayProgram(program.params, program.inputs, program.order, writer.ops, outs).without_dead_code()


class Calls(Writer):
    """Writes calls; a gate becomes those that its array form makes."""

    def copied(self, operand: Window) -> Window:
        return self.write("call", [operand], "positive")

    def as_matrix(self, operand: Operand) -> Operand:
        """The operand, copied where its columns, all examples of a row side by side, are not evenly spaced."""
        if not isinstance(operand, Window) or len(operand.shape) != 2:
            return operand
        (_, columns), (rows_apart, apart) = operand.shape, operand.place.strides
        readable = columns == 1 or apart == 1 or (not operand.each and apart != 0)
        return operand if readable and (rows_apart or operand.shape[0] == 1) else self.copied(operand)

    def gate(self, gate: Primitive, operands: Sequence[Operand], stacked: bool = False) -> Operand:
        if gate.array is None:
            return self._written(gate, operands)
        return self.term(over_arrays(gate, Functions(self), [Symbol(self, operand) for operand in operands], stacked))

    def partial(self, gate: Primitive, index: int, operands: Sequence[Operand]) -> Operand:
        """∂out/∂operand of (out, *operands), in the cheaper form of the table."""
        assert gate.array_partials is not None
        return self.term(gate.array_partials(Functions(self), *[Symbol(self, operand) for operand in operands])[index])

    def term(self, result: Any) -> Operand:
        """What a symbol stands for; a number is a constant."""
        if isinstance(result, Symbol):
            return result.operand
        return self.constant(result) if isinstance(result, np.ndarray) else float(result)

    def call(self, function: str, operands: Sequence[Operand]) -> Operand:
        """The result of `function(*operands)`, a function of NumPy by its name, in its simplest form.

        >>> Calls().call("add", [2.0, 3.0])
        5.0
        """
        if function in ("sum", "max", "min"):
            [stack] = operands
            return self.sum(stack, (0,)) if function == "sum" else self.write("peak", [stack], function)
        if all(operand.__class__ is float for operand in operands):
            with np.errstate(all="ignore"):
                apply = getattr(np, function, None) or number_by_number(lookup(function))
                return float(apply(*operands))
        simpler = self._simplest(function, operands)
        return self._written(function, operands) if simpler is None else simpler

    def _written(self, function: str | Primitive, operands: Sequence[Operand]) -> Window:
        shape = np.broadcast_shapes(*map(shape_of, operands))
        return self.write("call", [self.broadcast(operand, shape) for operand in operands], function)

    def _simplest(self, function: str, operands: Sequence[Operand]) -> Operand | None:
        """What the call comes to without computing, or with less of it; else None."""
        if function == "where":
            c, a, b = operands
            if c.__class__ is float:
                return a if c else b
            if self.made_by(c, COMPARISONS) and is_number(a, 1.0) and is_number(b, 0.0):
                return self._written(NUMBER, [c])
        neutral = neutral_in(function, operands)
        if neutral is not None:
            return neutral
        if function == "multiply":
            for x, y in [operands, operands[::-1]]:
                if is_number(y, 0.0) and self.made_by(x, (NUMBER,)):
                    return y
                if is_number(x, -1.0):
                    return self.call("negative", [y])
                if x.__class__ is float and (factors := self.made_by(y, ("multiply",))):
                    for factor, rest in [factors, factors[::-1]]:
                        if factor.__class__ is float and _exactly(x, factor):
                            return self.call("multiply", [x * factor, self.reshaped(rest, shape_of(y))])
        if function == "negative" and (factors := self.made_by(operands[0], ("multiply",))):
            for factor, rest in [factors, factors[::-1]]:
                if factor.__class__ is float or (is_each(rest) and not is_each(factor)):  # the smaller is negated
                    shape = shape_of(operands[0])
                    return self.call(
                        "multiply", [self.call("negative", [self.reshaped(factor, shape)]), self.reshaped(rest, shape)]
                    )
        if function == "add":
            for x, y in [operands, operands[::-1]]:
                if (negated := self.made_by(y, ("negative",))) and isinstance(x, Window):
                    return self.call("subtract", [x, self.reshaped(negated[0], shape_of(y))])
        if (function == "divide" and is_number(operands[1], 1.0)) or (
            function == "subtract" and is_number(operands[1], 0.0)
        ):
            return operands[0]
        return None


def _exactly(x: float, y: float) -> bool:
    """Whether x · (y · z) is (x · y) · z to the bit: one of them is a power of 2, both are 1 or larger."""
    powers = 0.5 in (abs(math.frexp(x)[0]), abs(math.frexp(y)[0]))
    return powers and min(abs(x), abs(y)) >= 1.0 and math.isfinite(x * y)


class Symbol:
    """An operand in the hands of the table's array functions: operators write calls."""

    __array_ufunc__ = None

    def __init__(self, writer: Calls, operand: Operand) -> None:
        self.writer, self.operand = writer, operand


class Functions:
    """The `xp` of the table's array functions: every function of NumPy by its name."""

    def __init__(self, writer: Calls) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        writer = self._writer
        return lambda *operands: Symbol(writer, writer.call(name, [*map(writer.term, operands)]))

    def indices(self, stack: Symbol) -> Symbol:
        """0, 1, 2 … along the stack."""
        count, *inner = shape_of(stack.operand)
        numbers = self._writer.constant(np.arange(float(count)))
        spread = self._writer.read(numbers, Place(0, (count, *inner), (1, *[0] * len(inner))))
        return Symbol(self._writer, spread)


for _gate, _operator in OPERATORS.items():  # each is the function of arrays that its gate names
    _function = lookup(_gate).array
    setattr(Symbol, f"__{_operator}__", lambda *xs, f=_function: getattr(Functions(xs[0].writer), f)(*xs))
    setattr(Symbol, f"__r{_operator}__", lambda y, x, f=_function: getattr(Functions(y.writer), f)(x, y))

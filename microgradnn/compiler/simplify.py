"""Writing array programs in their simplest form: constants folded, equal operations once, 1 · x left out.

Given operands, a `Writer` gives the operand that holds the result, and writes an operation only where there is none
like it. The rules keep every number to the bit, and with them infinities and nan; only what is added up n times over is
multiplied by n. A sum with 0.0 stays, which makes 0.0 of −0.0, and a sum with −0.0 goes. What nobody reads goes at the
end, by `ArrayProgram.without_dead_code`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.ir import (
    Array,
    Op,
    Operand,
    Place,
    Var,
    Window,
    contiguous,
    even,
    is_each,
    is_nothing,
    one_number,
    shape_of,
    whole,
)
from microgradnn.compiler.ops import KINDS
from microgradnn.compiler.tape import simplified
from microgradnn.primitive import Primitive, lookup

_ADD, _MULTIPLY, _POSITIVE, _SELECT = map(lookup, ("add", "multiply", "positive", "select"))
COMPARISONS = ("greater", "less", "equal")
NUMBER = "number"  # a comparison as 0 or 1, never nan


class Writer:
    """Operations in the making. `path` and `source` are noted with them."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.path: str | None = None
        self.source: Op | None = None
        self.cheap = True  # partials may be written as arrays compute them, which cannot be differentiated again
        self._known: dict[Any, Window] = {}
        self._writers: dict[Var, Op] = {}  # which operation wrote a variable
        self._constants: dict[Any, Var] = {}

    # ---- anything ----

    def write(self, kind: str, operands: Sequence[Operand], detail: Any = None) -> Window:
        """The result of an operation, a new one unless there is one like it."""
        key = (kind, _key(detail), *map(_key, operands))
        known = self._known.get(key)
        if known is None:
            shape, each = KINDS[kind].shape(operands, detail)
            truth = kind == "call" and detail in COMPARISONS
            op = Op(kind, tuple(operands), Var(shape, each, truth), detail, self.path, self.source)
            self.ops.append(op)
            self._writers[op.out] = op
            known = self._known[key] = whole(op.out)
        return known

    def op_of(self, operand: Operand) -> Op | None:
        """The operation that wrote all of an operand, if there is one."""
        return self._writers.get(operand.var) if isinstance(operand, Window) and operand.is_whole else None

    def made_by(self, operand: Operand, functions: Sequence[str]) -> tuple[Operand, ...]:
        """The operands of the gate or call that made all of this, if it is one of these functions."""
        op = self.op_of(operand)
        if op is None or op.kind not in ("gate", "call"):
            return ()
        function = op.detail[0].name if op.kind == "gate" else op.detail
        return op.operands if function in functions else ()

    def constant(self, array: Array) -> Window:
        """An array of constants as an operand, the same for equal arrays."""
        key = array.shape, array.tobytes()
        var = self._constants.get(key)
        if var is None:
            var = self._constants[key] = Var(array.shape, False, value=np.array(array, dtype=float))
        return whole(var)

    def filled(self, operand: Operand, shape: tuple[int, ...]) -> Window:
        """The operand; a number as an array of constants."""
        return operand if isinstance(operand, Window) else self.constant(np.full(shape, operand))

    # ---- reading: what costs nothing, where nothing must be copied ----

    def read(self, operand: Operand, place: Place | Array) -> Operand:
        """The numbers at a place of an operand."""
        if not isinstance(operand, Window):
            return operand
        if not isinstance(place, Place):
            return self.take(operand, place)
        var, own = operand
        if own.is_one_number:
            return Window(var, Place(own.offset, place.shape, (0,) * len(place.shape)))
        if own.is_contiguous:
            return Window(var, place._replace(offset=own.offset + place.offset))
        return Window(self.copied(operand).var, place)

    def copied(self, operand: Window) -> Window:
        """The numbers of an operand in a variable of their own."""
        return self.write("gate", [operand], (_POSITIVE, False))

    def reshaped(self, operand: Operand, shape: tuple[int, ...]) -> Operand:
        """The same numbers in another shape."""
        if not isinstance(operand, Window) or operand.shape == shape:
            return operand
        return self.read(operand, contiguous(0, shape))

    def broadcast(self, operand: Operand, shape: tuple[int, ...]) -> Operand:
        """The operand repeated along axes that it lacks, or that have the size 1, as NumPy does."""
        if not isinstance(operand, Window) or operand.shape == shape:
            return operand
        var, (offset, own, strides) = operand
        lacking = len(shape) - len(own)
        strides = (0,) * lacking + tuple(0 if size == 1 else stride for size, stride in zip(own, strides, strict=True))
        return Window(var, Place(offset, shape, strides))

    def take(self, operand: Window, rows: Array) -> Window:
        """Numbers of an operand from anywhere."""
        if not operand.is_whole:
            own = operand.place.rows().ravel()
            rows = own[rows]
        place = even(rows)
        return Window(operand.var, place) if place else self.write("take", [whole(operand.var)], rows)

    def put(self, operands: Sequence[Operand], places: Sequence[Place | Array], shape: tuple[int, ...]) -> Operand:
        """Operands put in their places and added up where these overlap; 0 elsewhere."""
        if len(operands) == 1:
            [operand], [place] = operands, places
            if isinstance(place, Place) and place.size == math.prod(shape) and place.is_contiguous:
                return self.reshaped(self.broadcast(operand, place.shape), shape)
        spread = [
            self.broadcast(x if isinstance(p, Place) else self.filled(x, p.shape), p.shape)
            for x, p in zip(operands, places, strict=True)
        ]
        return self.write("put", spread, (shape, tuple(places)))

    def gather(self, index: Operand, stack: Window) -> Window:
        """The numbers of a stack that an index chooses along its first axis."""
        shape = shape_of(stack)[1:]
        return self.write("gather", [self.broadcast(self.filled(index, shape), shape), stack])

    def scatter(self, index: Operand, operand: Operand, count: int) -> Window:
        """A stack of so many, with the operand where the index says, and 0 elsewhere."""
        shape = shape_of(index)
        return self.write("scatter", [index, self.broadcast(self.filled(operand, shape), shape)], (count, False))

    # ---- sums and products ----

    def sum(self, operand: Operand, axes: Sequence[int], examples: bool = False) -> Operand:
        """The sum over axes, and over the examples; what is the same along an axis is multiplied by its size."""
        if is_nothing(operand):
            return operand
        factor = 1.0
        if isinstance(operand, Window):
            var, (offset, shape, strides) = operand
            same = [axis for axis in axes if strides[axis] == 0 or shape[axis] == 1]
            factor = float(math.prod(shape[axis] for axis in same))
            axes = [axis - sum(other < axis for other in same) for axis in axes if axis not in same]
            kept = [axis for axis in range(len(shape)) if axis not in same]
            operand = Window(var, Place(offset, tuple(shape[a] for a in kept), tuple(strides[a] for a in kept)))
        counted = examples and not is_each(operand)
        if isinstance(operand, Window) and (axes or (examples and not counted)):
            op = self.op_of(operand)
            if examples and not axes and op is not None and op.kind == "scatter":
                return self.reshaped(self.write("scatter", op.operands, (op.detail[0], True)), operand.shape)
            if examples and not counted and (negated := self.made_by(operand, ("negative",))):
                positive = self.reshaped(negated[0], operand.shape)
                return self.gate(lookup("negative"), [self.sum(positive, axes, True)])
            operand = self.write("sum", [operand], (tuple(axes), examples and not counted))
        if factor != 1.0:
            operand = self.gate(_MULTIPLY, [operand, factor])
        return self.counted(operand) if counted else operand

    def counted(self, operand: Operand) -> Operand:
        """The operand times the number of examples."""
        return self.gate(_MULTIPLY, [operand, self.write("count", [])])

    def einsum(self, first: str, second: str, out: str, x: Operand, y: Operand, each: bool) -> Operand:
        """The sum of products over the letters that `out` lacks, and over the examples unless it is for each."""
        if not each and is_each(x) != is_each(y):  # what is the same for all, such as an adjoint, meets the other's sum
            x, y = (self.sum(z, (), examples=True) if is_each(z) else z for z in (x, y))
        if first == "" and second == out:
            if isinstance(y, Window) and y.var.value is not None and one_number(y.var.value):  # see filled
                y = float(y.var.value.flat[0])
            return self.gate(_MULTIPLY, [x, y])
        assert isinstance(x, Window), "an array of one number: see filled"
        assert isinstance(y, Window), "an array of one number: see filled"
        return self.write("einsum", [x, y], (first, second, out, each and (is_each(x) or is_each(y))))

    # ---- gates ----

    def gate(self, gate: Primitive, operands: Sequence[Operand], stacked: bool = False) -> Operand:
        """The result of `gate(*operands)`; with `stacked` the last operand holds many, along its first axis."""
        if gate is _SELECT:
            index, stack = operands
            assert isinstance(stack, Window)
            return self.gather(index, stack)
        if not stacked:
            simpler: Any = simplified(gate, tuple(operands))
            if simpler.__class__ is not tuple:
                return simpler  # type: ignore[no-any-return]  # an operand
            gate, operands = simpler
            neutral = neutral_in(gate.name, operands)
            if neutral is not None:
                return neutral
            if gate is _ADD and operands[0] == operands[1]:
                return self.gate(_MULTIPLY, [2.0, operands[0]])
            shape = np.broadcast_shapes(*map(shape_of, operands))
            operands = [self.broadcast(operand, shape) for operand in operands]
        return self.write("gate", operands, (gate, stacked))

    def partials(
        self, gate: Primitive, out: Operand, operands: Sequence[Operand], stacked: bool
    ) -> list[Operand | None]:
        """∂out/∂operand for each operand, None where there is none."""
        cheaper = gate.array_partials is not None and (stacked or gate.arity is not None)
        if cheaper and self.cheap:
            written = gate.trace(len(operands)).results  # None where there is none
            return [
                None if partial is None else self.write("partial", [out, *operands], (gate, index, stacked))
                for index, partial in enumerate(written)
            ]

        def apply(inner: Primitive, xs: list[Any]) -> Operand:
            if inner is _MULTIPLY and any(map(is_nothing, xs)):
                return 0.0
            along = stacked and len(xs) == 1 and inner.arity is None and len(shape_of(xs[0])) > len(shape_of(out))
            return self.gate(inner, xs, along)

        if not (stacked and cheaper):  # what is written for one operand does for a stack of them
            return gate.trace(len(operands)).run(out, operands, apply)
        *leading, stack = operands
        assert isinstance(stack, Window)
        count, *inner = stack.shape
        size = math.prod(inner)
        items = [
            Window(
                stack.var, Place(stack.place.offset + k * stack.place.strides[0], tuple(inner), stack.place.strides[1:])
            )
            for k in range(count)
        ]
        slopes = gate.trace(len(leading) + count).run(out, [*leading, *items], apply)
        places = [contiguous(k * size, tuple(inner)) for k in range(count)]
        return [*slopes[: len(leading)], self.put(slopes[len(leading) :], places, stack.shape)]


def neutral_in(function: str, operands: Sequence[Operand]) -> Operand | None:
    """The operand that a product with 1 or a sum with −0.0 comes to; 0.0 would make 0.0 of −0.0."""
    for x, y in (operands, operands[::-1]) if function in ("multiply", "add") else ():
        if is_number(x, 1.0 if function == "multiply" else -0.0):
            return y
    return None


def is_number(operand: Any, number: float) -> bool:
    """Whether an operand is this constant; 0.0 and −0.0 are two."""
    return (
        operand.__class__ is float and operand == number and math.copysign(1.0, operand) == math.copysign(1.0, number)
    )


def _key(x: Any) -> Any:
    """By what operands and details are told apart."""
    if x.__class__ is float:
        return repr(x)
    if isinstance(x, np.ndarray):
        return x.shape, x.tobytes()
    if x.__class__ is tuple:
        return tuple(map(_key, x))
    return x

"""What array programs are held to: the rules of their form, and NumPy as the library that says what they mean."""

from math import prod

import numpy as np

from microgradnn.compiler.evaluate import number_by_number, over_arrays
from microgradnn.compiler.ir import Place, Window
from microgradnn.compiler.ops import KINDS
from microgradnn.compiler.simplify import NUMBER
from microgradnn.primitive import Primitive, lookup

GATES = (
    "gate",
    "partial",
    "einsum",
    "sum",
    "take",
    "put",
    "gather",
    "scatter",
    "count",
)  # before gates are written as calls
CALLS = ("call", "peak", "einsum", "sum", "take", "put", "gather", "scatter", "count")  # after it


def check(program, kinds=None):
    """Refuse a program that breaks the rules: AssertionError names the operation. With `kinds`, no others are allowed.

    Each variable is written once, before it is read; windows lie inside their variables; shapes and examples are those
    that the kind of operation gives.
    """
    written = {program.params, *program.inputs}
    for number, op in enumerate(program.ops):
        where = f"op {number}, {op.kind}: {op.out} of {op.operands}"
        assert kinds is None or op.kind in kinds, f"{where}: no such kind on this level"
        _check_read(op.operands, written, where)
        assert op.out not in written, f"{where} is written again"
        assert op.out.value is None, f"{where} is a constant"
        shape, each = KINDS[op.kind].shape(op.operands, op.detail)
        assert (shape, each) == (op.out.shape, op.out.each), f"{where}: expected {shape}, each={each}"
        written.add(op.out)
    _check_read(program.outs, written, "outs")


def _check_read(operands, written, where):
    for operand in operands:
        if not isinstance(operand, Window):
            assert operand.__class__ is float, f"{where}: {operand!r} is no operand"
            continue
        var, place = operand
        assert var in written or var.value is not None, f"{where}: {var} is read before it is written"
        ends = [place.offset, place.offset]
        for size, stride in zip(place.shape, place.strides, strict=True):
            ends[stride > 0] += (size - 1) * stride
        assert ends[0] >= 0, f"{where}: {place} leaves {var}"
        assert ends[1] < max(var.size, 1), f"{where}: {place} leaves {var}"


class NumPyLibrary:
    """NumPy as a library to evaluate with: `xp` of the table's array functions, and what the operations need."""

    def __init__(self, examples):
        self.examples = examples

    einsum, sum = staticmethod(np.einsum), staticmethod(np.sum)

    def __getattr__(self, name):
        """A function of NumPy, or a gate number by number, such as erf."""
        if name in ("max", "min"):
            return lambda xs: getattr(np, name)(xs, axis=0)
        return getattr(np, name, None) or number_by_number(lookup(name))

    def gate(self, gate, stacked, operands):
        """The result of a gate."""
        if gate.array is None:
            return number_by_number(gate)(*operands)
        return over_arrays(gate, _Functions(self), operands, stacked)

    def partial(self, gate, index, stacked, operands):
        """A partial of a gate as arrays compute it."""
        assert gate.array_partials is not None
        return gate.array_partials(_Functions(self), *operands)[index]

    def call(self, function, *operands):
        """A function by its name."""
        if isinstance(function, Primitive):
            return number_by_number(function)(*operands)
        if function == NUMBER:
            return operands[0].astype(float)
        return getattr(self, function)(*operands)

    def count(self):
        """The number of examples."""
        return np.array([float(self.examples)])

    def constant(self, numbers):
        """An array of constants."""
        return numbers

    def flat(self, array):
        """The numbers of a result in one line, the examples behind."""
        return np.asarray(array).reshape(-1, np.shape(array)[-1])

    def window(self, flat, place):
        """The numbers at a place."""
        return flat[place.rows()]

    def take(self, flat, rows):
        """Numbers from anywhere."""
        return flat[rows]

    def gather(self, index, stack):
        """Numbers of a stack by their index along its first axis."""
        shape = np.broadcast_shapes(index.shape, stack.shape[1:])
        index, stack = np.broadcast_to(index, shape), np.broadcast_to(stack, (len(stack), *shape))
        return np.array([stack[int(index[place]), *place] for place in np.ndindex(shape)]).reshape(shape)

    def scatter(self, count, examples, index, x):
        """Numbers to where the index says, added up over the examples or not."""
        index, x = np.broadcast_arrays(index, x)
        total = np.zeros((count, *index.shape))
        for place in np.ndindex(index.shape):
            total[int(index[place]), *place] = x[place]
        return total.sum(axis=-1, keepdims=True) if examples else total

    def put(self, shape, places, operands):
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

    def __init__(self, library):
        self._library = library

    def __getattr__(self, name):
        if name == "sum":  # along the stack
            return lambda xs: self._library.sum(xs, axis=0)
        return getattr(self._library, name)

    def indices(self, stack):
        """0, 1, 2 … along the stack."""
        return np.arange(float(len(stack))).reshape(-1, *[1] * (stack.ndim - 1))

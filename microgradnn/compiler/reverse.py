"""Reverse: from an array program to one that goes on with its derivatives, operation by operation.

contribution = partial × adjoint, from the last operation to the first; `ops` has the pullback of each kind. An adjoint
belongs to a variable; where there is none it is zero. Where it is the same for all examples it has no axis of these,
where it is the same throughout it may be one number: whoever reads it repeats it. What is written is again a program
of the same kinds, so that reverse of reverse is the same pass twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import prod

from microgradnn.compiler.ir import Array, Operand, Place, Var, Window, contiguous
from microgradnn.compiler.ops import KINDS
from microgradnn.compiler.simplify import Writer
from microgradnn.primitive import lookup

_ADD = lookup("add")


def derivatives(writer: Writer, root: Operand, by: Sequence[Var], by_example: bool = False) -> list[Operand]:
    """Write the derivatives of `root`, one number, by these variables: 0.0 where it does not depend on one.

    With `by_example` the root is one number for each example, and so are its derivatives by what is the same for all.
    """
    return Reverse(writer, by, by_example).run(root)


class Reverse:
    """The state of a sweep: what has been contributed to each adjoint."""

    def __init__(self, writer: Writer, by: Sequence[Var], by_example: bool) -> None:
        self.writer, self.by, self.by_example = writer, by, by_example
        self.wholes: dict[Var, Operand] = {}  # contributions to all of a variable, added up
        self.parts: dict[Var, list[tuple[Operand, Place | Array]]] = defaultdict(list)  # contributions to some numbers

    def run(self, root: Operand) -> list[Operand]:
        writer, ops = self.writer, list(self.writer.ops)
        active = set(self.by)
        for op in ops:
            if not active.isdisjoint(op.read):
                active.add(op.out)
        if isinstance(root, Window):
            self.contribute(root, root.place, 1.0, root.each)
        for op in reversed(ops):
            if op.out not in active or (op.out not in self.wholes and op.out not in self.parts):
                continue
            writer.path, writer.source = op.path, op.source or op
            pullback = KINDS[op.kind].pullback
            assert pullback is not None, f"{op.kind} is not differentiated again"
            wanted = [i for i, x in enumerate(op.operands) if isinstance(x, Window) and x.var in active]
            for index, term in pullback(self, op, self.adjoint(op.out), wanted):
                operand = op.operands[index]
                assert isinstance(operand, Window)
                read: Place | Array = operand.place
                if op.kind == "take":
                    read = op.detail.ravel()
                    term = writer.reshaped(writer.broadcast(term, op.out.shape), read.shape)
                each = op.out.each and op.kind != "einsum"  # a product has added up the examples itself
                self.contribute(operand, read, term, each)
        writer.path = writer.source = None
        return [self.adjoint(var) for var in self.by]

    def adjoint(self, var: Var) -> Operand:
        """∂root/∂var: what has been contributed so far, put together."""
        total = self.wholes.get(var)
        if parts := self.parts.pop(var, None):
            terms, places = map(list, zip(*parts, strict=True))
            if total is not None:
                terms.insert(0, self.writer.broadcast(total, var.shape))
                places.insert(0, contiguous(0, var.shape))
            total = self.wholes[var] = self.writer.put(terms, places, var.shape)
        return 0.0 if total is None else total

    def contribute(self, operand: Window, read: Place | Array, term: Operand, each: bool) -> None:
        """Add a term, one for `each` example or not, to the adjoint of what an operation read."""
        writer, var = self.writer, operand.var
        if var.value is not None:
            return
        if each and not var.each and not self.by_example:
            term = writer.sum(term, (), examples=True)
        if isinstance(read, Place):
            offset, shape, strides = read
            repeated = [axis for axis, stride in enumerate(strides) if stride == 0]
            if isinstance(term, Window):
                term = writer.sum(writer.broadcast(term, shape), repeated)
            else:
                term *= prod(shape[axis] for axis in repeated)
            kept = [axis for axis, stride in enumerate(strides) if stride]
            read = Place(offset, tuple(shape[axis] for axis in kept), tuple(strides[axis] for axis in kept))
            if read.size == var.size and read.is_contiguous:
                term = writer.reshaped(term, var.shape)
                self.wholes[var] = writer.gate(_ADD, [self.wholes[var], term]) if var in self.wholes else term
                return
        self.parts[var].append((term, read))

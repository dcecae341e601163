"""Arrays: groups of gates become operations on arrays, so that what is read together lies side by side.

Each group writes one variable, its numbers in the order of what it reads, so that most operands are windows. Where an
operand is not evenly spaced its numbers are taken one by one, and where it is of several variables they are put
together first. With `ones`, as NumPy likes it, the weights of a product lie as the matrix [W b] among the parameters
and its inputs get a row of ones below, so that the bias is one more weight.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from microgradnn.compiler.evaluate import ONE_BY_ONE
from microgradnn.compiler.grouping import Group, Product
from microgradnn.compiler.ir import (
    Array,
    ArrayProgram,
    Operand,
    Place,
    Var,
    Window,
    contiguous,
    even,
    one_number,
    whole,
)
from microgradnn.compiler.simplify import Writer
from microgradnn.compiler.tape import Atom
from microgradnn.primitive import Primitive, lookup

_ADD = lookup("add")
_FEW = 8  # so many operands are handed over one by one rather than put together


class Column(NamedTuple):
    """Some atoms: constants, or the addresses of numbers."""

    constant: bool
    numbers: Array


def arrays(
    groups: list[Group | Product], params: int, arguments: Sequence[int], roots: Sequence[Atom], ones: bool
) -> tuple[Writer, ArrayProgram]:
    """The operations of the groups up to the roots, and the writer with which to go on."""
    architect = _Architect(groups, params, arguments, ones)
    writer = architect.writer
    for group in groups:
        writer.path = group.path
        if isinstance(group, Product):
            architect.product(group)
        else:
            architect.map(group)
    writer.path = None
    outs = [architect.operand([architect.column([root])], ()) for root in roots]
    return writer, ArrayProgram(architect.params, architect.inputs, architect.order, writer.ops, outs)


class _Architect:
    """Where the number of every register is: all variables have addresses in one line, one behind the other."""

    def __init__(self, groups: list[Group | Product], params: int, arguments: Sequence[int], ones: bool) -> None:
        self.writer, self.ones = Writer(), ones
        self.vars: list[Var] = []
        self.firsts: list[int] = []  # the address of the first number of each
        self.known: dict[Var, int] = {}
        self.end = 0
        last = max((max(_members(group)) for group in groups), default=0)
        self.addresses = np.zeros(max(params + sum(arguments), last + 1), dtype=np.int64)
        self.params = Var((params,), False, name="p")
        self.order = self._order(groups, params) if ones else list(range(params))
        self.addresses[self.order] = np.arange(params)
        self.first_of(self.params)
        self.inputs = []
        for number, (first, end) in enumerate(pairwise(accumulate(arguments, initial=params))):
            self.inputs.append(Var((end - first,), True, name=f"x{number}"))
            self.addresses[first:end] = self.first_of(self.inputs[-1]) + np.arange(end - first)

    # ---- where things are ----

    def first_of(self, var: Var) -> int:
        """The address of the first number of a variable."""
        first = self.known.get(var)
        if first is None:
            first = self.known[var] = self.end
            self.vars.append(var)
            self.firsts.append(first)
            self.end += var.size
        return first

    def keep(self, members: Sequence[int], result: Operand) -> None:
        """Note where the numbers of registers are."""
        assert isinstance(result, Window)  # constants are folded on the tape
        if result.is_whole:
            first = self.first_of(result.var)
            self.addresses[members] = range(first, first + len(members))
        else:
            self.addresses[members] = self.first_of(result.var) + result.place.rows().ravel()

    def _order(self, groups: list[Group | Product], params: int) -> list[int]:
        """The weights of products first, each as the matrix [W b], then the other parameters in their order."""
        order: dict[Atom, None] = {}
        for group in groups:
            if isinstance(group, Product):
                rows = group.weights
                if group.biases is not None and all(x.__class__ is int and x < params for x in group.biases):
                    rows = [(*row, bias) for row, bias in zip(rows, group.biases, strict=True)]
                entries = [entry for row in rows for entry in row]
                matrix = len(rows) > 1 or len(group.inputs) > 1 or rows is not group.weights
                fresh = len(set(entries)) == len(entries) and order.keys().isdisjoint(entries)
                if matrix and fresh and all(x.__class__ is int and x < params for x in entries):
                    order |= dict.fromkeys(entries)
        order |= dict.fromkeys(range(params))
        return list(order)  # type: ignore[arg-type]  # parameters are registers

    # ---- operands ----

    def column(self, atoms: Sequence[Atom]) -> Column:
        """Atoms of one kind."""
        if atoms[0].__class__ is int:
            return Column(False, self.addresses[np.array(atoms)])
        return Column(True, np.array(atoms, dtype=float))

    def columns(self, atoms: Sequence[Atom]) -> list[Column]:
        """Atoms, one by one where there are both constants and others."""
        alike = len({atom.__class__ is int for atom in atoms}) == 1
        return [self.column(atoms)] if alike else [self.column([atom]) for atom in atoms]

    def owner(self, addresses: Array) -> int:
        """The number of the variable that has all these numbers, or −1."""
        number = bisect_right(self.firsts, int(addresses.flat[0])) - 1
        if addresses.size > 1:
            first = self.firsts[number]
            if int(addresses.min()) < first or int(addresses.max()) >= first + self.vars[number].size:
                return -1
        return number

    def operand(self, columns: Sequence[Column], shape: tuple[int, ...]) -> Operand:
        """The columns, one under the other, in a shape: a constant, a window, or what is put together."""
        if all(column.constant for column in columns):
            numbers = np.concatenate([column.numbers for column in columns])
            return float(numbers[0]) if one_number(numbers) else self.writer.constant(numbers.reshape(shape))
        if not any(column.constant for column in columns):
            addresses = np.concatenate([column.numbers for column in columns])
            number = self.owner(addresses)
            if number >= 0:
                return self.taken(number, addresses.reshape(shape))
        return self.writer.reshaped(self.together(columns), shape)

    def filled(self, atoms: Sequence[Atom], shape: tuple[int, ...]) -> Window:
        """Atoms as an array, even where it is one number throughout."""
        return self.writer.filled(self.operand(self.columns(atoms), shape), shape)

    def taken(self, number: int, addresses: Array) -> Window:
        """Numbers of one variable: in place where they are evenly spaced."""
        rows = addresses - self.firsts[number]
        if rows.size == 1:
            return Window(self.vars[number], Place(int(rows.flat[0]), rows.shape, (0,) * rows.ndim))
        return self.writer.take(whole(self.vars[number]), rows)

    def together(self, columns: Sequence[Column]) -> Operand:
        """Numbers of several variables, and constants, in a variable of their own."""
        numbers = np.concatenate([column.numbers for column in columns])
        owners = np.concatenate(
            [
                np.full(len(column.numbers), -1) if column.constant
                else np.searchsorted(self.firsts, column.numbers, "right") - 1
                for column in columns
            ]
        )  # fmt: skip
        order = np.argsort(owners, kind="stable")
        owned = np.split(order, np.flatnonzero(np.diff(owners[order])) + 1)
        operands, places = list[Operand](), list[Place | Array]()
        rows, first = np.zeros(len(numbers), dtype=np.int64), 0
        scattered = sum(even(targets) is None for targets in owned) > 1  # side by side, then taken at once
        for targets in owned:
            number, own = int(owners[targets[0]]), numbers[targets]
            place: Place | Array = even(targets) or targets
            if scattered:
                own, back = (own, np.arange(len(own))) if number < 0 else np.unique(own, return_inverse=True)
                place, rows[targets] = contiguous(first, own.shape), first + back
                first += len(own)
            if number < 0:
                operands.append(float(own[0]) if one_number(own) else self.writer.constant(own))
            else:
                operands.append(self.taken(number, own.astype(np.int64)))
            places.append(place)
        if scattered:
            joined = self.writer.filled(self.writer.put(operands, places, (first,)), (first,))
            return self.writer.take(joined, rows)
        return self.writer.put(operands, places, (len(numbers),))

    # ---- groups ----

    def map(self, group: Group) -> None:
        """A gate, number by number, or along the first axis of its last operand."""
        members, gate = group.members, group.gate
        columns = [self.column(column) for column in group.operands]
        keys = [column.numbers for column in columns[:3] if not column.constant]
        if keys and len(members) > 1:  # in the order of what the operands are, so that these can be read in place
            sorting = np.lexsort(keys[::-1])
            columns = [Column(constant, numbers[sorting]) for constant, numbers in columns]
            members = [members[index] for index in sorting.tolist()]
        shape = self.shape_for(columns, len(members))
        stacked = gate.arity is None and not self.one_by_one(gate, columns, shape)
        leading = gate.leading if stacked and gate.leading is not None else len(columns)
        operands = [self.operand([column], shape) for column in columns[:leading]]
        if stacked:
            stack = (len(columns) - leading, *shape)
            operands.append(self.writer.filled(self.operand(columns[leading:], stack), stack))
        self.keep(members, self.writer.broadcast(self.writer.gate(gate, operands, stacked), shape))

    def one_by_one(self, gate: Primitive, columns: list[Column], shape: tuple[int, ...]) -> bool:
        """Whether a gate of any number of operands is better applied to each of them than to a stack."""
        if gate.leading is None:
            return True
        if gate.name not in ONE_BY_ONE or len(columns) > _FEW:
            return False
        if any(column.constant for column in columns):
            return not all(column.constant for column in columns)
        rows = np.array([column.numbers.reshape(shape) for column in columns])
        return self.owner(rows) < 0 or even(rows) is None

    def shape_for(self, columns: list[Column], count: int) -> tuple[int, ...]:
        """The shape in which the fewest operands must be taken one by one."""
        if count == 1:
            return ()
        read = [column.numbers for column in columns if not column.constant]
        shapes = {(count,), *map(_folded, read)}
        return min(shapes, key=lambda shape: (sum(even(rows.reshape(shape)) is None for rows in read), shape[1:]))

    def product(self, group: Product) -> None:
        """A product of matrices; of two vectors where there is one row and one column for all examples."""
        # Sorted by their first entries, rows and columns are in the order of what they are made of.
        by_row = np.lexsort([self.keys(row[0] for row in group.weights)])
        by_column = np.lexsort([self.keys(column[0] for column in group.inputs)])
        M, L, N = len(by_row), len(group.inputs[0]), len(by_column)  # noqa: N806  as matrices are measured
        rows, inputs = [group.weights[i] for i in by_row], [group.inputs[j] for j in by_column]
        biases = None if group.biases is None else [group.biases[i] for i in by_row]
        members = [group.members[i][j] for i in by_row for j in by_column]
        if M == N == 1:  # a sum of products has no order of its own
            order = np.lexsort([self.keys(rows[0])])
            rows, inputs = [tuple(rows[0][k] for k in order)], [tuple(inputs[0][k] for k in order)]
        if M == N == 1 and not group.varying:
            x, y = (self.filled(vectors[0], (L,)) for vectors in (rows, inputs))
            result = self.writer.einsum("l", "l", "", x, y, each=False)
            if biases is not None:
                result = self.writer.gate(_ADD, [result, self.operand(self.columns(biases), ())])
            self.keep(members, result)
            return
        left = self.filled([x for row in rows for x in row], (M, L))
        right = self.filled([x for row in zip(*inputs, strict=True) for x in row], (L, N))
        added = None if biases is None else self.operand(self.columns(biases), (M,))
        widened = self.with_ones(left, added, right) if self.ones and added is not None else None
        if widened is not None:
            left, right = widened
        result = self.writer.einsum("ml", "ln", "mn", left, right, each=True)
        if added is not None and widened is None:
            column = self.writer.broadcast(self.writer.read(added, Place(0, (M, 1), (1, 0))), (M, N))
            result = self.writer.gate(_ADD, [result, column])
        self.keep(members, result)

    def with_ones(self, weights: Window, biases: Operand, inputs: Window) -> tuple[Window, Window] | None:
        """The matrix [W b], and the inputs over a row of ones, where the biases lie beside the weights."""
        if not isinstance(biases, Window) or weights.var is not biases.var:
            return None
        matrix = even(np.concatenate([weights.place.rows(), biases.place.rows()[:, None]], axis=1))
        L, N = inputs.shape  # noqa: N806
        in_place = not inputs.each or N == 1 or inputs.place.strides[1] == 1
        if matrix is None or (in_place and not inputs.is_whole):
            return None
        below = self.writer.put([inputs, 1.0], [contiguous(0, (L, N)), contiguous(L * N, (N,))], (L + 1, N))
        assert isinstance(below, Window)
        return Window(weights.var, matrix), below

    def keys(self, atoms: Iterable[Atom]) -> list[float]:
        """Something to sort by: addresses; constants stay in their order."""
        return [float(self.addresses[atom]) if atom.__class__ is int else 0.0 for atom in atoms]


def _members(group: Group | Product) -> Iterable[int]:
    return (member for row in group.members for member in row) if isinstance(group, Product) else group.members


def _folded(rows: Array) -> tuple[int, ...]:
    """The shape, of one axis or two, in which the addresses may be evenly spaced."""
    breaks = np.flatnonzero(np.diff(rows, 2))  # where the spacing changes, a new line of a matrix begins
    width = int(breaks[0]) + 2 if len(breaks) else len(rows)
    return (len(rows) // width, width) if len(rows) % width == 0 and width < len(rows) else (len(rows),)

"""Layout: every number gets an address, so that the operands of a step lie side by side.

A space is a buffer of rows: one row per parameter, per input of an argument, per uniform and per varying result. A row
that varies holds one number for each example, along the last axis; any other row is one number. An operand is read in
place where its addresses are evenly spaced along each axis; otherwise its rows are gathered first. Weights of a product
lie as the matrix [W b]; behind its inputs lies a row of ones, so that the bias is one more weight.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby, pairwise
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.grouping import CONSTANTS, PARAMETERS, UNIFORM, VARYING_RESULTS, Group, Product
from microgradnn.compiler.tape import Atom, distinct
from microgradnn.primitive import Primitive

Array = np.ndarray[Any, Any]

GRADIENT = "d_"  # the adjoints of the space "params" are the space "d_params"
_FEW = 8  # so many operands are added one after the other rather than gathered
ONE_BY_ONE = {"sum": "add", "maximum": "maximum", "minimum": "minimum"}  # by that function of two


class View(NamedTuple):
    """Rows of a space, evenly spaced: row `offset + Σ index · stride` for every index below `shape`."""

    space: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def rows(self) -> Array:
        """The addresses, as an array of the view's shape.

        >>> View("params", 4, (2, 3), (3, 1)).rows().tolist()
        [[4, 5, 6], [7, 8, 9]]
        """
        rows = np.full(self.shape, self.offset)
        for axis, (size, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            rows += stride * np.arange(size).reshape([-1 if other == axis else 1 for other in range(len(self.shape))])
        return rows

    @property
    def is_contiguous(self) -> bool:
        """Whether the rows lie one behind the other."""
        packed = contiguous(self.space, self.offset, self.shape).strides
        return all(
            size == 1 or stride == own for size, stride, own in zip(self.shape, self.strides, packed, strict=True)
        )

    def vector(self) -> View:
        """A matrix of one row or one column as a vector."""
        axis = int(np.argmax(self.shape))
        return View(self.space, self.offset, self.shape[axis : axis + 1], self.strides[axis : axis + 1])

    @property
    def varying(self) -> bool:
        """Whether each row holds a number for every example."""
        return self.space.removeprefix(GRADIENT) not in (PARAMETERS, UNIFORM)


Column = tuple[str, Array]  # a space and addresses in it, or CONSTANTS and the numbers
Operand = float | Array | View  # a constant for all, constants one by one, or rows


class Piece(NamedTuple):
    """Rows to copy: `source` (a space, or CONSTANTS) at `rows` (addresses, or the constants) to rows `targets`."""

    source: str
    rows: Array
    targets: Array


class Gather(NamedTuple):
    """Copy rows from anywhere to a block of their own."""

    pieces: list[Piece]
    out: View
    path: str | None = None


class Map(NamedTuple):
    """Apply a primitive to its operands, number by number.

    With `stacked`, the last operand has one more axis in front, along which the primitive goes.
    """

    gate: Primitive
    operands: list[Operand]
    stacked: bool
    out: View
    path: str | None


class MatrixProduct(NamedTuple):
    """weights (M, L) times inputs (L, N), plus biases (M). With `folded`, biases and a row of ones lie beside them."""

    weights: Operand
    biases: Operand | None
    inputs: Operand
    folded: bool
    out: View
    path: str | None

    @property
    def operands(self) -> list[Operand | None]:
        return [self.weights, self.biases, self.inputs]


Step = Gather | Map | MatrixProduct


def rows_read(step: Step) -> list[tuple[str, Array]]:
    """The spaces and addresses that a step reads; CONSTANTS with what it copies of them."""
    if isinstance(step, Gather):
        return [(piece.source, piece.rows) for piece in step.pieces]
    return [(operand.space, operand.rows()) for operand in step.operands if isinstance(operand, View)]


@dataclass
class Layout:
    """The steps over addresses, and what the spaces hold."""

    steps: list[Step] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)  # rows of each space, ones included
    ones: list[View] = field(default_factory=list)  # rows that hold the constant 1
    blocks: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # of each space: first row, count
    by_example: set[str] = field(default_factory=set)  # arguments that stay as they come, one example after the other
    order: list[int] = field(default_factory=list)  # which parameter each row of PARAMETERS holds
    roots: list[Atom | View] = field(default_factory=list)


def lay_out(
    groups: list[Group | Product], spaces: list[str], params: int, arguments: Sequence[int], roots: Sequence[Atom]
) -> Layout:
    """Give every register an address and every step its operands."""
    return _Architect(groups, spaces, params, arguments).run(roots)


class _Architect:
    def __init__(self, groups: list[Group | Product], spaces: list[str], params: int, arguments: Sequence[int]) -> None:
        self.groups, self.spaces, self.params = groups, spaces, params
        self.layout = Layout()
        self.addresses = np.zeros(len(spaces), dtype=np.int64)
        self.sizes = dict.fromkeys([PARAMETERS, UNIFORM, VARYING_RESULTS], 0)
        bounds = pairwise(accumulate(arguments, initial=params))
        self.inputs = {f"x{number}": tuple(range(*registers)) for number, registers in enumerate(bounds)}
        self.ones: dict[tuple[str, int, int], int] = {}  # by block (space, first row, count): rows of ones behind it
        self.ones_behind = self._ones_behind()
        self.gathered: dict[Any, int] = {}  # what the gathered blocks hold, and where they begin

    def run(self, roots: Sequence[Atom]) -> Layout:
        layout = self.layout
        self._lay_out_params()
        self._lay_out_inputs()
        for number, group in enumerate(self.groups):
            ones = self.ones_behind.get(number, 0)
            step = self._product(group, ones) if isinstance(group, Product) else self._map(group, ones)
            layout.steps.append(step)
        layout.sizes = self.sizes
        layout.roots = [
            View(self.spaces[root], int(self.addresses[root]), (), ()) if root.__class__ is int else root
            for root in roots
        ]
        return layout

    # ---- where things are put ----

    def _ones_behind(self) -> dict[Any, int]:
        """How many rows of ones to put behind each group or argument that is all the inputs of a product with bias."""
        owner: dict[Atom, Any] = {register: space for space, registers in self.inputs.items() for register in registers}
        for number, group in enumerate(self.groups):
            members = [m for row in group.members for m in row] if isinstance(group, Product) else group.members
            owner.update(dict.fromkeys(members, number))
        sizes = Counter(owner.values())
        ones: dict[Any, int] = {}
        for group in self.groups:
            if isinstance(group, Product) and group.biases is not None:
                whole, *others = {owner.get(x) if x.__class__ is int else None for x in group.inputs[0]}
                if not others and sizes[whole] == len(group.inputs) * len(group.inputs[0]):
                    ones[whole] = len(group.inputs)
        return ones

    def _block(self, space: str, count: int, ones: int = 0) -> int:
        """Room for `count` rows, and rows of ones behind them: the first row."""
        first = self.sizes[space]
        self.sizes[space] += count + ones
        self.layout.blocks.setdefault(space, []).append((first, count))
        if ones:
            self.layout.ones.append(View(space, first + count, (ones,), (1,)))
            self.ones[space, first, count] = ones
        return first

    def _lay_out_params(self) -> None:
        """The weights of products first, each as the matrix [W b], then the other parameters in their order."""
        order: dict[Atom, None] = {}
        for group in self.groups:
            if isinstance(group, Product):
                rows = group.weights
                if group.biases is not None and all(map(self._is_param, group.biases)):
                    rows = [(*row, bias) for row, bias in zip(rows, group.biases, strict=True)]
                entries = [entry for row in rows for entry in row]
                matrix = len(rows) > 1 or len(group.inputs) > 1 or rows is not group.weights
                fresh = len(set(entries)) == len(entries) and order.keys().isdisjoint(entries)
                if matrix and fresh and all(map(self._is_param, entries)):
                    order |= dict.fromkeys(entries)
        order |= dict.fromkeys(range(self.params))
        self.layout.order = list(order)  # type: ignore[arg-type]  # parameters are registers
        self.addresses[self.layout.order] = np.arange(self.params)
        self._block(PARAMETERS, self.params)

    def _is_param(self, atom: Atom) -> bool:
        return atom.__class__ is int and atom < self.params

    def _lay_out_inputs(self) -> None:
        """Each argument in a space of its own; what only products of all its numbers read stays as it comes."""
        spaces = {registers: space for space, registers in self.inputs.items()}
        partly, whole = set[str](), set[str]()
        for group in self.groups:
            columns = group.weights + group.inputs if isinstance(group, Product) else group.operands
            if isinstance(group, Product) and len(group.inputs) == 1 and distinct(group.inputs[0]) in spaces:
                whole.add(spaces[group.inputs[0]])  # type: ignore[index]  # registers
                columns = group.weights
            partly.update(self.spaces[x] for column in columns for x in column if x.__class__ is int)
        for space, registers in self.inputs.items():
            self.sizes[space] = 0
            self._block(space, len(registers), self.ones_behind.get(space, 0))
            self.addresses[registers[0] : registers[-1] + 1] = np.arange(len(registers))
        self.layout.by_example = whole - partly

    # ---- the operands of a step ----

    def _map(self, group: Group, ones: int) -> Map:
        members = group.members
        columns = [self._column(column) for column in group.operands]
        keys = [rows for space, rows in columns[:3] if space != CONSTANTS]
        if keys and len(members) > 1:  # in the order of the operands' addresses, so that these can be read in place
            sorting = np.lexsort(keys[::-1])
            columns = [(space, rows[sorting]) for space, rows in columns]
            members = [members[index] for index in sorting.tolist()]
        space = VARYING_RESULTS if group.varying else UNIFORM
        stacked = group.gate.arity is None and not _as_columns(group.gate, columns)
        leading = group.gate.leading if stacked and group.gate.leading is not None else len(columns)
        shape, operands = self._operands(space, columns[:leading], columns[leading:], len(members))
        first = self._block(space, len(members), ones)
        self.addresses[members] = np.arange(first, first + len(members))
        return Map(group.gate, operands, stacked, contiguous(space, first, shape), group.path)

    def _operands(
        self, space: str, columns: list[Column], stack: list[Column], count: int
    ) -> tuple[tuple[int, ...], list[Operand]]:
        """The operands of `count` gates and the shape to read them in, the one that needs the fewest gathers."""
        read = [rows for kept, rows in columns + stack if kept != CONSTANTS]
        shapes: set[tuple[int, ...]] = {(count,), *map(_folded, read)} if count > 1 else {()}
        shape = min(
            shapes, key=lambda tried: (sum(_evenly("", rows.reshape(tried)) is None for rows in read), tried[1:])
        )
        operands = [self._operand(space, [column], shape) for column in columns]
        if stack:
            operands.append(self._operand(space, stack, (len(stack), *shape)))
        return shape, operands

    def _operand(self, space: str, columns: list[Column], shape: tuple[int, ...]) -> Operand:
        """The columns, one under the other, in `shape`: a constant, a view, or a view of what was gathered."""
        kept = {column[0] for column in columns}
        rows = np.concatenate([column[1] for column in columns])
        if kept == {CONSTANTS}:
            return float(rows[0]) if one_number(rows) else rows.reshape(shape)
        if len(kept) == 1:
            view = _evenly(columns[0][0], rows.reshape(shape))
            if view is not None:
                return view
        return self._gather(space, columns, shape)

    def _gather(self, space: str, columns: list[Column], shape: tuple[int, ...], ones: int = 0) -> View:
        """Copies of the rows in `columns`, side by side in a block of `space`; what was gathered once serves again."""
        runs = groupby(columns, key=lambda column: column[0])
        key = (space, ones, *[(source, np.concatenate([rows for _, rows in run]).tobytes()) for source, run in runs])
        if key in self.gathered:
            return contiguous(space, self.gathered[key], shape)
        first = self.gathered[key] = self._block(space, sum(len(rows) for _, rows in columns), ones)
        copies: dict[str, list[tuple[Array, Array]]] = defaultdict(list)
        target = first
        for source, rows in columns:
            copies[source].append((rows, np.arange(target, target + len(rows))))
            target += len(rows)
        out = contiguous(space, first, shape)
        pieces = [Piece(source, *map(np.concatenate, zip(*parts, strict=True))) for source, parts in copies.items()]
        self.layout.steps.append(Gather(pieces, out))
        return out

    def _product(self, group: Product, ones: int) -> MatrixProduct:
        space = VARYING_RESULTS if group.varying else UNIFORM
        # Sorted by their first entries, rows and columns are in the order of what they are made of, so that they can
        # be read in place.
        by_row = np.lexsort([self._keys(row[0] for row in group.weights)])
        by_column = np.lexsort([self._keys(column[0] for column in group.inputs)])
        weights = [self._column(group.weights[i]) for i in by_row]
        entries = zip(*[group.inputs[j] for j in by_column], strict=True)
        inputs = [column for row in entries for column in self._columns(row)]
        biases = None if group.biases is None else [group.biases[i] for i in by_row]
        if len(weights) == len(by_column) == 1:  # a sum of products has no order of its own
            along = np.lexsort([weights[0][1]]) if weights[0][0] != CONSTANTS else slice(None)
            weights, inputs = (
                [(weights[0][0], weights[0][1][along])],
                [inputs[i] for i in np.arange(len(inputs))[along]],
            )
        M, L, N = len(weights), len(group.inputs[0]), len(by_column)  # noqa: N806  as matrices are measured

        left = self._operand(UNIFORM, weights, (M, L))
        left = np.full((M, L), left) if isinstance(left, float) else left
        added = None if biases is None else self._operand(UNIFORM, self._columns(biases), (M,))
        wide = self._with_biases(left, added)
        right, ones_below = self._inputs(space, inputs, (L, N), wide is not None)
        members = [group.members[i][j] for i in by_row for j in by_column]
        first = self._block(space, M * N, ones)
        self.addresses[members] = np.arange(first, first + M * N)
        out = contiguous(space, first, (M, N))
        if wide is not None and ones_below:
            return MatrixProduct(wide, None, right, True, out, group.path)
        return MatrixProduct(left, added, right, False, out, group.path)

    def _with_biases(self, weights: Operand, biases: Operand | None) -> View | None:
        """The matrix [W b], where the biases lie beside the weights."""
        if not (isinstance(weights, View) and isinstance(biases, View)) or weights.space != biases.space:
            return None
        return _evenly(weights.space, np.concatenate([weights.rows(), biases.rows()[:, None]], axis=1))

    def _inputs(self, space: str, columns: list[Column], shape: tuple[int, int], ones: bool) -> tuple[Operand, bool]:
        """The matrix of inputs, and whether a row of ones lies below, as `ones` asks for."""
        (L, N), wide = shape, (shape[0] + 1, shape[1])  # noqa: N806
        kept = {column[0] for column in columns}
        if kept == {CONSTANTS}:
            matrix = np.array([rows for _, rows in columns])
            return (np.concatenate([matrix, np.ones((1, N))]), True) if ones else (matrix, False)
        if len(kept) == 1:
            [source] = kept
            rows = np.array([rows for _, rows in columns])
            view = _evenly(source, rows)
            if view is not None and (N == 1 or view.strides[1] == 1 or source in (PARAMETERS, UNIFORM)):
                whole = np.array_equal(rows.ravel(), np.arange(view.offset, view.offset + L * N))
                if ones and whole and self.ones.get((source, view.offset, L * N)) == N:
                    return contiguous(source, view.offset, wide), True
                return view, False
        out = self._gather(space, columns, shape, N if ones else 0)
        return (out._replace(shape=wide), True) if ones else (out, False)

    def _keys(self, atoms: Iterable[Atom]) -> list[float]:
        """Something to sort by: addresses; constants stay in their order."""
        return [float(self.addresses[atom]) if atom.__class__ is int else 0.0 for atom in atoms]

    def _columns(self, atoms: Sequence[Atom]) -> list[Column]:
        """The atoms one by one where they are kept in different spaces."""
        together = len(set(map(self._kept, atoms))) == 1
        return [self._column(column) for column in ([atoms] if together else [[atom] for atom in atoms])]

    def _kept(self, atom: Atom) -> str:
        return self.spaces[atom] if atom.__class__ is int else CONSTANTS

    def _column(self, atoms: Sequence[Atom]) -> Column:
        kept, numbers = self._kept(atoms[0]), np.array(atoms)
        return kept, numbers if kept == CONSTANTS else self.addresses[numbers]


def one_number(array: Array) -> bool:
    """Whether all numbers of an array are the same, which 0.0 and −0.0 are not.

    >>> one_number(np.array([2.0, 2.0])), one_number(np.array([0.0, -0.0]))
    (True, False)
    """
    bits = array.ravel().view(np.int64)
    return bool((bits == bits[0]).all())


def _as_columns(gate: Primitive, columns: list[Column]) -> bool:
    """Whether a gate of any number of operands is better applied to one after the other than to a stack of them."""
    if gate.leading is None:
        return True
    if gate.name not in ONE_BY_ONE or len(columns) > _FEW:
        return False
    kept, rows = zip(*columns, strict=True)
    return len(set(kept)) > 1 or _evenly(kept[0], np.array(rows)) is None


def _evenly(space: str, rows: Array) -> View | None:
    """The view of these addresses, if they are evenly spaced along each axis.

    >>> _evenly("params", np.array([[4, 5, 6], [14, 15, 16]])), _evenly("params", np.array([4, 5, 7]))
    (View(space='params', offset=4, shape=(2, 3), strides=(10, 1)), None)
    """
    first = rows[(0,) * rows.ndim]
    strides = [
        int(rows[tuple(int(other == axis) for other in range(rows.ndim))] - first) if size > 1 else 0
        for axis, size in enumerate(rows.shape)
    ]
    view = View(space, int(first), rows.shape, tuple(strides))
    return view if np.array_equal(view.rows(), rows) else None


def _folded(rows: Array) -> tuple[int, ...]:
    """The shape, of one axis or two, in which the addresses may be evenly spaced."""
    breaks = np.flatnonzero(np.diff(rows, 2))  # where the spacing changes, a new line of a matrix begins
    width = int(breaks[0]) + 2 if len(breaks) else len(rows)
    return (len(rows) // width, width) if len(rows) % width == 0 and width < len(rows) else (len(rows),)


def contiguous(space: str, first: int, shape: tuple[int, ...]) -> View:
    """Rows one behind the other, from `first` on."""
    return View(space, first, shape, tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))))

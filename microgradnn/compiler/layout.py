"""Layout: every number gets an address, so that the operands of a step lie side by side.

A space is a buffer of rows: one row per parameter, per input of an argument, per uniform and per varying result. A row
that varies holds one number for each example, along the last axis; any other row is one number. An operand is read in
place where its addresses are evenly spaced along each axis; otherwise its rows are gathered first. Weights of a product
lie as the matrix [W b]; behind its inputs lies a row of ones, so that the bias is one more weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.grouping import CONSTANTS, PARAMETERS, UNIFORM, VARYING_RESULTS, Group, Product
from microgradnn.compiler.tape import Place
from microgradnn.primitive import Primitive

Array = np.ndarray[Any, Any]

GRADIENT = "d_"  # the adjoints of the space "params" are the space "d_params"
_FEW = 8  # so many operands are added one after the other rather than gathered


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
        found = np.full(self.shape, self.offset)
        for axis, (size, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            found += stride * np.arange(size).reshape([-1 if other == axis else 1 for other in range(len(self.shape))])
        return found

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


Step = Gather | Map | MatrixProduct


@dataclass
class Layout:
    """The steps over addresses, and what the spaces hold."""

    steps: list[Step] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)  # rows of each space, ones included
    ones: list[View] = field(default_factory=list)  # rows that hold the constant 1
    blocks: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # of each space: first row, count
    by_example: set[str] = field(default_factory=set)  # arguments that stay as they come, one example after the other
    order: list[int] = field(default_factory=list)  # which parameter each row of PARAMETERS holds
    roots: list[Place | View] = field(default_factory=list)


def lay_out(
    groups: list[Group | Product], spaces: list[str], params: int, arguments: Sequence[int], roots: Sequence[Place]
) -> Layout:
    """Give every register an address and every step its operands."""
    return _Architect(groups, spaces, params, arguments).run(roots)


class _Architect:
    def __init__(self, groups: list[Group | Product], spaces: list[str], params: int, arguments: Sequence[int]) -> None:
        self.groups, self.spaces, self.params, self.arguments = groups, spaces, params, arguments
        self.layout = Layout()
        self.addresses = np.zeros(len(spaces), dtype=np.int64)
        self.sizes = dict.fromkeys([PARAMETERS, UNIFORM, VARYING_RESULTS], 0)
        self.first: dict[str, int] = {}
        start = params
        for place, size in enumerate(arguments):
            self.first[f"x{place}"] = start
            start += size
        self.ones: dict[tuple[str, int, int], int] = {}  # by block (space, first row, count): rows of ones behind it
        self.wanted_ones = self._wanted_ones()
        self.gathered: dict[Any, int] = {}  # what the gathered blocks hold, and where they begin

    def run(self, roots: Sequence[Place]) -> Layout:
        layout = self.layout
        self._place_params()
        self._place_inputs()
        for number, group in enumerate(self.groups):
            ones = self.wanted_ones.get(number, 0)
            step = self._product(group, ones) if isinstance(group, Product) else self._map(group, ones)
            layout.steps.append(step)
        layout.sizes = self.sizes
        layout.roots = [self._root(root) for root in roots]
        return layout

    def _root(self, root: Place) -> Place | View:
        if root.__class__ is not int:
            return root
        return View(self.spaces[root], int(self.addresses[root]), (), ())

    # ---- where things are put ----

    def _wanted_ones(self) -> dict[Any, int]:
        """How many rows of ones to put behind each group or argument that is all the inputs of a product with bias."""
        owner: dict[int, Any] = {}
        size: dict[Any, int] = {}
        for place, group in enumerate(self.groups):
            members = [m for row in group.members for m in row] if isinstance(group, Product) else group.members
            owner.update(dict.fromkeys(members, place))
            size[place] = len(members)
        for space, first in self.first.items():
            count = self.arguments[int(space[1:])]
            owner.update(dict.fromkeys(range(first, first + count), space))
            size[space] = count
        wanted: dict[Any, int] = {}
        for group in self.groups:
            if isinstance(group, Product) and group.biases is not None:
                owners: set[Any] = {owner.get(place) if place.__class__ is int else None for place in group.inputs[0]}
                if len(owners) == 1 and None not in owners:
                    [whole] = owners
                    if size[whole] == len(group.inputs) * len(group.inputs[0]):
                        wanted[whole] = len(group.inputs)
        return wanted

    def _block(self, space: str, count: int, ones: int = 0) -> int:
        """Room for `count` rows, and rows of ones behind them: the first row."""
        first = self.sizes[space]
        self.sizes[space] += count + ones
        self.layout.blocks.setdefault(space, []).append((first, count))
        if ones:
            self.layout.ones.append(View(space, first + count, (ones,), (1,)))
            self.ones[space, first, count] = ones
        return first

    def _place_params(self) -> None:
        """The weights of products first, each as the matrix [W b], then the other parameters in their order."""
        order: list[int] = []
        placed: set[Place] = set()
        for group in self.groups:
            if isinstance(group, Product):
                biases = group.biases or []
                if not all(self._is_param(bias) for bias in biases):
                    biases = []
                rows = (
                    [(*row, bias) for row, bias in zip(group.weights, biases, strict=True)] if biases else group.weights
                )
                entries = [place for row in rows for place in row]
                unique = set(entries)
                matrix = len(rows) > 1 or len(group.inputs) > 1 or biases
                fresh = len(unique) == len(entries) and not unique & placed
                if matrix and fresh and all(map(self._is_param, entries)):
                    placed |= unique
                    order += entries  # type: ignore[arg-type]  # parameters are registers
        order += [param for param in range(self.params) if param not in placed]
        self.addresses[order] = np.arange(self.params)
        self.layout.order = order
        self._block(PARAMETERS, self.params)

    def _is_param(self, place: Place) -> bool:
        return place.__class__ is int and place < self.params

    def _place_inputs(self) -> None:
        """Each argument in a space of its own; what only products of all its numbers read stays as it comes."""
        partly: set[str] = set()
        whole: set[str] = set()
        for group in self.groups:
            if not isinstance(group, Product):
                partly.update(self.spaces[p] for column in group.operands for p in column if p.__class__ is int)
                continue
            for column in group.inputs:
                read = {self.spaces[place] for place in column if place.__class__ is int}
                space = next(iter(read)) if len(read) == 1 else ""
                first = self.first.get(space, 0)
                alone = len(group.inputs) == 1 and space in self.first
                if alone and list(column) == list(range(first, first + self.arguments[int(space[1:])])):
                    whole.add(space)
                else:
                    partly |= read
            partly.update(self.spaces[p] for row in group.weights for p in row if p.__class__ is int)
        for space, first in self.first.items():
            count = self.arguments[int(space[1:])]
            self.sizes[space] = 0
            self._block(space, count, self.wanted_ones.get(space, 0))
            self.addresses[first : first + count] = np.arange(count)
        self.layout.by_example = whole - partly

    # ---- the operands of a step ----

    def _map(self, group: Group, ones: int) -> Map:
        members = group.members
        columns = [self._column(column) for column in group.operands]
        keys = [rows for space, rows in columns[:3] if space != CONSTANTS]
        if keys and len(members) > 1:  # in the order of the operands' addresses, so that these can be read in place
            sorting = np.lexsort(keys[::-1])
            columns = [(space, rows[sorting]) for space, rows in columns]
            members = [members[place] for place in sorting.tolist()]
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
        listed = [rows for kept, rows in columns + stack if kept != CONSTANTS]
        shapes = {(count,), *map(_folded, listed)} if count > 1 else {()}
        shape: tuple[int, ...] = min(
            shapes, key=lambda one: (sum(_evenly(rows.reshape(one)) is None for rows in listed), one[1:])
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
            spaced = _evenly(rows.reshape(shape))
            if spaced is not None:
                return View(columns[0][0], spaced[0], shape, spaced[1])
        return self._gather(space, columns, shape)

    def _gather(self, space: str, columns: list[Column], shape: tuple[int, ...], ones: int = 0) -> View:
        """Copies of the rows in `columns`, side by side in a block of `space`; what was gathered once serves again."""
        runs = groupby(columns, key=lambda column: column[0])
        key = (space, ones, *[(source, np.concatenate([rows for _, rows in run]).tobytes()) for source, run in runs])
        if key in self.gathered:
            return contiguous(space, self.gathered[key], shape)
        first = self.gathered[key] = self._block(space, sum(len(rows) for _, rows in columns), ones)
        pieces: dict[str, tuple[list[Array], list[Array]]] = {}
        target = first
        for source, rows in columns:
            found = pieces.setdefault(source, ([], []))
            found[0].append(rows)
            found[1].append(np.arange(target, target + len(rows)))
            target += len(rows)
        out = contiguous(space, first, shape)
        joined = [Piece(source, np.concatenate(a), np.concatenate(b)) for source, (a, b) in pieces.items()]
        self.layout.steps.append(Gather(joined, out))
        return out

    def _product(self, group: Product, ones: int) -> MatrixProduct:
        space = VARYING_RESULTS if group.varying else UNIFORM
        # Sorted by their first entries, rows and columns are in the order of what they are made of, so that they can
        # be read in place.
        by_row = np.lexsort([self._keys(row[0] for row in group.weights)])
        by_column = np.lexsort([self._keys(column[0] for column in group.inputs)])
        weights = [self._column(group.weights[i]) for i in by_row]
        entries = zip(*[group.inputs[j] for j in by_column], strict=True)
        inputs = [column for places in entries for column in self._columns(places)]
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
        (M, L), first = weights.shape, weights.offset  # noqa: N806
        spaced = _evenly(np.concatenate([weights.rows(), biases.rows().reshape(M, 1)], axis=1))
        return spaced and View(weights.space, first, (M, L + 1), spaced[1])

    def _inputs(self, space: str, columns: list[Column], shape: tuple[int, int], ones: bool) -> tuple[Operand, bool]:
        """The matrix of inputs, and whether a row of ones lies below: one is wanted where `ones` says so."""
        (L, N), wide = shape, (shape[0] + 1, shape[1])  # noqa: N806
        kept = {column[0] for column in columns}
        if kept == {CONSTANTS}:
            matrix = np.array([rows for _, rows in columns])
            return (np.concatenate([matrix, np.ones((1, N))]), True) if ones else (matrix, False)
        if len(kept) == 1:
            [source] = kept
            rows = np.array([rows for _, rows in columns])
            spaced = _evenly(rows)
            if spaced is not None and (N == 1 or spaced[1][1] == 1 or source in (PARAMETERS, UNIFORM)):
                first, strides = spaced
                whole = np.array_equal(rows.ravel(), np.arange(first, first + L * N))
                if ones and whole and self.ones.get((source, first, L * N)) == N:
                    return contiguous(source, first, wide), True
                return View(source, first, shape, strides), False
        out = self._gather(space, columns, shape, N if ones else 0)
        return (out._replace(shape=wide), True) if ones else (out, False)

    def _keys(self, places: Iterable[Place]) -> list[float]:
        """Something to sort places by: addresses; constants stay in their order."""
        return [float(self.addresses[place]) if place.__class__ is int else 0.0 for place in places]

    def _columns(self, places: Sequence[Place]) -> list[Column]:
        """The places one by one, for those that are kept in different spaces."""
        kept = [self._kept(place) for place in places]
        if len(set(kept)) == 1:
            return [self._column(places)]
        return [self._column([place]) for place in places]

    def _kept(self, place: Place) -> str:
        return self.spaces[place] if place.__class__ is int else CONSTANTS

    def _column(self, places: Sequence[Place]) -> Column:
        if self._kept(places[0]) == CONSTANTS:
            return CONSTANTS, np.array(places)
        return self._kept(places[0]), self.addresses[np.array(places)]


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
    if gate.name not in ("sum", "maximum", "minimum") or len(columns) > _FEW:
        return False
    kept = {column[0] for column in columns}
    rows = np.array([column[1] for column in columns])
    return len(kept) > 1 or _evenly(rows) is None


def _evenly(rows: Array) -> tuple[int, tuple[int, ...]] | None:
    """First address and stride along each axis, if the addresses are evenly spaced.

    >>> _evenly(np.array([[4, 5, 6], [14, 15, 16]])), _evenly(np.array([4, 5, 7]))
    ((4, (10, 1)), None)
    """
    first = rows[(0,) * rows.ndim]
    strides = [
        int(rows[tuple(int(other == axis) for other in range(rows.ndim))] - first) if size > 1 else 0
        for axis, size in enumerate(rows.shape)
    ]
    view = View("", int(first), rows.shape, tuple(strides))
    return (int(first), tuple(strides)) if np.array_equal(view.rows(), rows) else None


def _folded(rows: Array) -> tuple[int, ...]:
    """The shape, of one axis or two, in which the addresses may be evenly spaced."""
    breaks = np.flatnonzero(np.diff(rows, 2))  # where the spacing changes, a new line of a matrix begins
    width = int(breaks[0]) + 2 if len(breaks) else len(rows)
    return (len(rows) // width, width) if len(rows) % width == 0 and width < len(rows) else (len(rows),)


def contiguous(space: str, first: int, shape: tuple[int, ...]) -> View:
    """Rows one behind the other, from `first` on."""
    return View(space, first, shape, tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))))

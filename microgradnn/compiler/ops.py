"""The kinds of operations of an array program, one row each: shape, meaning, pullback, and their line of NumPy.

A row knows arrays, not gates: what a gate computes, and its partials, stand in `microgradnn.table`. Arrays have the
axis of examples last; in `meaning` each operand has it, of size 1 where it is the same for all examples. A pullback
takes the adjoint of what the operation gives and yields, for the operands that are wanted, what it contributes to
theirs, one number for each number that was read; `reverse` adds them up. Not here yet, and easy to find when it comes:
`loop`, a body that is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnn.compiler.ir import Op, Operand, Place, Window, is_each, is_nothing, shape_of, whole
from microgradnn.primitive import lookup

if TYPE_CHECKING:
    from microgradnn.compiler.reverse import Reverse

_MULTIPLY = lookup("multiply")
Shape = tuple[tuple[int, ...], bool]


@dataclass(frozen=True)
class Kind:
    """A row of the table."""

    shape: Callable[[Sequence[Operand], Any], Shape]  # of the result, and whether there is one for each example
    meaning: Callable[..., Any]  # (library, detail, *operands): see `evaluate`
    pullback: Callable[[Reverse, Op, Operand, Sequence[int]], Iterable[tuple[int, Operand]]] | None = None
    numpy: Callable[..., list[str]] | None = None  # (NumPySource, op): its lines; None: `expand` leaves none


def _any_each(operands: Sequence[Operand]) -> bool:
    return any(map(is_each, operands))


# ---- gates: detail is (gate, stacked); with `stacked` the gate goes along the first axis of the last operand ---------


def _shape_of_gate(operands: Sequence[Operand], detail: Any) -> Shape:
    _, stacked = detail
    shapes = [*map(shape_of, operands)]
    if stacked:
        shapes[-1] = shapes[-1][1:]
    return np.broadcast_shapes(*shapes), _any_each(operands)


def _pull_gate(reverse: Reverse, op: Op, adjoint: Operand, wanted: Sequence[int]) -> Iterator[tuple[int, Operand]]:
    """Contribution = partial × adjoint."""
    writer, (gate, stacked) = reverse.writer, op.detail
    partials = writer.partials(gate, whole(op.out), op.operands, stacked)
    written = [partial for partial in partials if partial is not None]
    if len(written) == 2 == len(partials) and op.operands[0] == op.operands[1]:  # such as x · x
        total = writer.gate(lookup("add"), written)
        if not is_nothing(total):  # 1 − 1 is of the numbers: each is handed on, ∞ − ∞ is nan
            partials, wanted = [total, None], [0]
    for index in wanted:
        partial = partials[index]
        if partial is not None and not is_nothing(partial):
            yield index, writer.gate(_MULTIPLY, [partial, adjoint])


# ---- einsum: detail is (letters of the first, of the second, of the result, whether for each example) ----------------


def _shape_of_einsum(operands: Sequence[Operand], detail: Any) -> Shape:
    sizes = {
        letter: size
        for operand, letters in zip(operands, detail, strict=False)
        for letter, size in zip(letters, shape_of(operand), strict=True)
    }
    return tuple(sizes[letter] for letter in detail[2]), detail[3]


def _einsum(library: Any, detail: Any, x: Any, y: Any) -> Any:
    first, second, out, each = detail
    letters = [first, second]
    arrays = [x, y]
    for number, array in enumerate(arrays):
        if array.shape[-1] == 1:
            arrays[number] = array[..., 0]
        else:
            letters[number] += "e"
    kept = "e" * (each and "e" in "".join(letters))
    result = library.einsum(f"{letters[0]},{letters[1]}->{out}{kept}", *arrays)
    return result if kept else result[..., None]


def _pull_einsum(reverse: Reverse, op: Op, adjoint: Operand, wanted: Sequence[int]) -> Iterator[tuple[int, Operand]]:
    """∂Σ A·B: for each factor the adjoint times the other factor, summed over what that factor lacks."""
    *letters, out, _ = op.detail
    adjoint = reverse.writer.filled(adjoint, op.out.shape) if out else adjoint
    if letters[0] == letters[1] and op.operands[0] == op.operands[1]:  # squares
        adjoint, wanted = reverse.writer.gate(_MULTIPLY, [2.0, adjoint]), wanted[:1]
    for index in wanted:
        operand, other = op.operands[index], op.operands[1 - index]
        each = is_each(operand) or (reverse.by_example and (is_each(adjoint) or is_each(other)))
        yield index, reverse.writer.einsum(out, letters[1 - index], letters[index], adjoint, other, each)


# ---- sum: detail is (axes, whether over the examples too) ------------------------------------------------------------


def _shape_of_sum(operands: Sequence[Operand], detail: Any) -> Shape:
    axes, examples = detail
    [operand] = operands
    shape = tuple(size for axis, size in enumerate(shape_of(operand)) if axis not in axes)
    return shape, is_each(operand) and not examples


def _sum(library: Any, detail: Any, x: Any) -> Any:
    axes, examples = detail
    total = library.sum(x, axis=(*axes, x.ndim - 1) if examples else axes)
    return total[..., None] if examples else total


def _pull_sum(reverse: Reverse, op: Op, adjoint: Operand, wanted: Sequence[int]) -> Iterator[tuple[int, Operand]]:
    axes, _ = op.detail
    if isinstance(adjoint, Window):
        var, (offset, shape, strides) = adjoint
        for axis in sorted(axes):
            shape, strides = (*shape[:axis], 1, *shape[axis:]), (*strides[:axis], 0, *strides[axis:])
        adjoint = Window(var, Place(offset, shape, strides))
    yield 0, adjoint


# ---- take: detail is an array of which numbers of a variable; put: (shape, places of the operands in it) -------------


def _pull_put(reverse: Reverse, op: Op, adjoint: Operand, wanted: Sequence[int]) -> Iterator[tuple[int, Operand]]:
    """What was put somewhere gets the adjoint of there."""
    _, places = op.detail
    for index in wanted:
        yield index, reverse.writer.read(adjoint, places[index])


# ---- gather: by a number along the first axis of a stack; scatter: detail is (how many, whether over the examples) ---


def _shape_of_scatter(operands: Sequence[Operand], detail: Any) -> Shape:
    count, examples = detail
    return (count, *shape_of(operands[0])), _any_each(operands) and not examples


def _pull_gather(reverse: Reverse, op: Op, adjoint: Operand, wanted: Sequence[int]) -> Iterator[tuple[int, Operand]]:
    """What was chosen gets the adjoint, everything else 0; the index has no derivative."""
    if 1 in wanted:
        index, stack = op.operands
        yield 1, reverse.writer.scatter(index, adjoint, shape_of(stack)[0])


def _pull_scatter(reverse: Reverse, op: Op, adjoint: Operand, wanted: Sequence[int]) -> Iterator[tuple[int, Operand]]:
    index, x = op.operands
    _, examples = op.detail
    if 1 in wanted:
        term: Operand = reverse.writer.gather(index, reverse.writer.filled(adjoint, op.out.shape))
        summed = examples and is_each(term) and not is_each(x)
        yield 1, reverse.writer.sum(term, (), examples=True) if summed else term


# ---- the table -------------------------------------------------------------------------------------------------------

KINDS: dict[str, Kind] = {
    "gate": Kind(_shape_of_gate, lambda library, detail, *xs: library.gate(*detail, xs), _pull_gate),
    "partial": Kind(  # (gate, index, stacked) of (out, *operands), as arrays compute it
        lambda xs, detail: (shape_of(xs[detail[1] + 1 if detail[2] else 0]), _any_each(xs)),
        lambda library, detail, *xs: library.partial(*detail, xs),
    ),
    "einsum": Kind(_shape_of_einsum, _einsum, _pull_einsum, lambda e, op: e.einsum(op)),
    "sum": Kind(_shape_of_sum, _sum, _pull_sum, lambda e, op: e.sum(op)),
    "take": Kind(
        lambda xs, rows: (rows.shape, _any_each(xs)),
        lambda library, rows, x: library.take(library.flat(x), rows),
        lambda reverse, op, adjoint, wanted: [(0, adjoint)],
        lambda e, op: e.take(op),
    ),
    "put": Kind(
        lambda xs, detail: (detail[0], _any_each(xs)),
        lambda library, detail, *xs: library.put(*detail, xs),
        _pull_put,
        lambda e, op: [],  # each piece is written when it is known
    ),
    "gather": Kind(
        lambda xs, _: (shape_of(xs[1])[1:], _any_each(xs)),
        lambda library, _, index, stack: library.gather(index, stack),
        _pull_gather,
        lambda e, op: e.gather(op),
    ),
    "scatter": Kind(
        _shape_of_scatter,
        lambda library, detail, index, x: library.scatter(*detail, index, x),
        _pull_scatter,
        lambda e, op: e.scatter(op),
    ),
    "count": Kind(  # the number of examples
        lambda xs, detail: ((), False), lambda library, detail: library.count(), numpy=lambda e, op: []
    ),
    "call": Kind(  # a function of arrays, number by number, by its name
        lambda xs, detail: (np.broadcast_shapes(*map(shape_of, xs)), _any_each(xs)),
        lambda library, function, *xs: library.call(function, *xs),
        numpy=lambda e, op: e.call(op),
    ),
    "peak": Kind(  # "max" or "min" along the first axis
        lambda xs, detail: (shape_of(xs[0])[1:], _any_each(xs)),
        lambda library, function, x: library.call(function, x),
        numpy=lambda e, op: [f"{op.detail}imum.reduce({e.read(op, 0)}, 0, None, {e.out(op)})"],
    ),
}  # fmt: skip

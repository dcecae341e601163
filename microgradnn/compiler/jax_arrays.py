"""Arrays of JAX as operations read them and put them together, in operations that XLA joins with others.

Arrays are not written to in JAX. A window is a slice, and what is put somewhere is padded with zeros, so that no copy
of either need ever be made; only what is not evenly spaced is gathered. The examples are the last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from math import prod
from operator import add
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.ir import Array, Place

_FEW = 4  # so many overlapping pieces are padded and added up
_NOTHING = -0.0  # x + −0.0 is x, also where x is −0.0
Lines = list[tuple[int, int]]


def einsum(letters: str, x: Any, y: Any) -> Any:
    """The sum of products, as a product of two matrices where it can be: axes that go together are made one."""
    import jax.numpy as jnp

    terms = letters.replace("->", ",").split(",")
    sizes = {**dict(zip(terms[0], x.shape, strict=True)), **dict(zip(terms[1], y.shape, strict=True))}
    shape = [sizes[letter] for letter in terms[2]]
    terms = ["".join(letter for letter in term if sizes[letter] > 1) for term in terms]
    for pair in [*map("".join, pairwise(terms[0])), *map("".join, pairwise(terms[1]))]:
        if all(pair in term or not {*pair} & {*term} for term in terms):
            sizes[pair[1]] *= sizes[pair[0]]
            terms = [term.replace(pair, pair[1]) for term in terms]
    first, second, out = terms
    x, y = (z.reshape([sizes[letter] for letter in term]) for z, term in ((x, first), (y, second)))
    return jnp.einsum(f"{first},{second}->{out}", x, y).reshape(shape)


# ---- reading --------------------------------------------------------------------------------------------------------


def take(flat: Any, rows: Array) -> Any:
    """Numbers from anywhere."""
    import jax.numpy as jnp

    numbers = jnp.asarray(flat).at[rows.astype(np.int32)]
    return numbers.get(mode="promise_in_bounds", wrap_negative_indices=False)


def window(flat: Any, place: Place) -> Any:
    """The numbers at a place: slices and repetitions where it can be, else gathered."""
    from jax import lax

    wide, lines = flat.shape[1], _lines(place)
    if lines is None:
        return take(flat, place.rows())
    numbers = _slices(flat, place.offset, lines)
    axes = _moving(place)
    order = sorted(axes)
    numbers = numbers.reshape(*(place.shape[axis] for axis in axes), wide)
    if axes != order:
        numbers = numbers.transpose(*(axes.index(axis) for axis in order), len(axes))
    return lax.broadcast_in_dim(numbers, (*place.shape, wide), (*order, len(place.shape)))


def _moving(place: Place) -> list[int]:
    """The axes along which a place moves on, those of long strides first."""
    axes = [axis for axis, size in enumerate(place.shape) if size > 1 and place.strides[axis]]
    return sorted(axes, key=lambda axis: -place.strides[axis])


def _lines(place: Place) -> Lines | None:
    """Counts and strides of a place as lines, or lines of lines, that lie one behind the other; else None.

    >>> _lines(Place(0, (3, 2), (2, 1))), _lines(Place(0, (2, 3), (1, 4))), _lines(Place(0, (3, 2), (1, 1)))
    ([(6, 1)], [(3, 4), (2, 1)], None)
    """
    lines: Lines = []
    for axis in reversed(_moving(place)):
        count, stride = place.shape[axis], place.strides[axis]
        if lines and stride == lines[0][0] * lines[0][1]:
            lines[0] = (lines[0][0] * count, lines[0][1])
        elif stride < 0 or (lines and stride < _extent(lines)):
            return None
        else:
            lines.insert(0, (count, stride))
    return None if len(lines) > 2 else lines or [(1, 1)]


def _extent(lines: Lines) -> int:
    """From the first number to behind the last."""
    return 1 + sum((count - 1) * stride for count, stride in lines)


def _slices(flat: Any, first: int, lines: Lines) -> Any:
    """The numbers of lines that begin at `first`."""
    from jax import lax

    (count, stride), size = lines[0], len(flat)
    if len(lines) == 1:
        if (first, count, stride) == (0, size, 1):
            return flat
        return lax.slice_in_dim(flat, first, first + (count - 1) * stride + 1, stride)
    start = max(min(first, size - count * stride), 0)  # so that the last line, too, has room
    matrix = _padded(flat, -start, start + count * stride - size).reshape(count, stride, -1)
    within, step = first - start, lines[1][1]
    return lax.slice_in_dim(matrix, within, within + _extent(lines[1:]), step, axis=1)


def _padded(numbers: Any, before: int, after: int, between: int = 0, axis: int = 0) -> Any:
    """Zeros around and between numbers; fewer than none cut some off."""
    from jax import lax

    spaces = [(before, after, between) if axis == other else (0, 0, 0) for other in range(numbers.ndim)]
    return lax.pad(numbers, numbers.dtype.type(_NOTHING), spaces) if any(map(any, spaces)) else numbers


def gather(index: Any, stack: Any) -> Any:
    """Numbers of a stack by their index along its first axis; nan for no place, as JAX refuses nothing."""
    import jax.numpy as jnp

    known = (index >= 0) & (index < len(stack)) & (index % 1 == 0)
    rows = jnp.where(known, index, 0).astype(int)
    return jnp.where(known, jnp.take_along_axis(stack, rows[None], axis=0)[0], jnp.nan)


# ---- putting together -----------------------------------------------------------------------------------------------


def put(shape: tuple[int, ...], places: Sequence[Place | Array], operands: Sequence[Any]) -> Any:
    """Numbers put in their places and added up where these overlap; 0.0 elsewhere."""
    import jax.numpy as jnp

    pieces = []
    for x, place in zip(operands, places, strict=True):
        spread = (*place.shape, x.shape[-1] if np.ndim(x) else 1)
        pieces.append(_Piece(jnp.broadcast_to(x, spread), place))
    wide = max(piece.numbers.shape[-1] for piece in pieces)
    parts, reached = list[Any](), 0
    for first, end, members in _clusters(pieces):
        parts += [np.zeros((first - reached, 1)), _together(members, first, end)]
        reached = end
    parts.append(np.zeros((prod(shape) - reached, 1)))
    parts = [jnp.broadcast_to(part, (len(part), wide)) for part in parts if len(part)]
    total = parts[0] if len(parts) == 1 else jnp.concatenate(parts)
    return total.reshape(*shape, wide)


def scatter(count: int, examples: bool, index: Any, x: Any) -> Any:
    """A stack of so many, with numbers where the index says and 0.0 elsewhere, added up over the examples or not."""
    import jax.numpy as jnp

    index, x = jnp.broadcast_arrays(index, x)
    where = [index.astype(int), *np.ogrid[tuple(slice(size) for size in index.shape)]]
    if examples:
        return jnp.zeros((count, *index.shape[:-1])).at[tuple(where[:-1])].add(x)[..., None]
    return jnp.zeros((count, *index.shape)).at[tuple(where)].set(x)


class _Piece(NamedTuple):
    """Numbers, and which of a variable they are."""

    numbers: Any
    place: Place | Array

    @property
    def rows(self) -> Array:
        """Which they are, one by one."""
        return (self.place.rows() if isinstance(self.place, Place) else self.place).ravel()

    @property
    def lines(self) -> Lines | None:
        """The lines that they are, each number once; else None."""
        place = self.place
        once = isinstance(place, Place) and np.prod([place.shape[axis] for axis in _moving(place)]) == place.size
        return _lines(place) if isinstance(place, Place) and once else None

    def padded(self, first: int, end: int) -> Any:
        """All numbers from `first` to `end`, with nothing where these are not."""
        lines, place, numbers = self.lines, self.place, self.numbers
        assert isinstance(place, Place)
        assert lines is not None
        axes, wide = _moving(place), numbers.shape[-1]
        still = [axis for axis in range(len(place.shape)) if axis not in axes]
        numbers = numbers.transpose(*still, *axes, len(place.shape)).reshape(*(count for count, _ in lines), wide)
        (count, stride), *inner = lines
        if inner:
            [(_, step)] = inner
            numbers = _padded(numbers, 0, stride - _extent(inner), step - 1, axis=1).reshape(count * stride, wide)
            stride = 1
        before, extent = place.offset - first, (len(numbers) - 1) * stride + 1
        return _padded(numbers, before, end - first - before - extent, stride - 1)


def _clusters(pieces: Sequence[_Piece]) -> list[tuple[int, int, list[_Piece]]]:
    """The pieces that lie between one another, with the first number and the end of each such cluster."""
    clusters: list[tuple[int, int, list[_Piece]]] = []
    ends = [(int(rows.min()), int(rows.max()) + 1) for rows in (piece.rows for piece in pieces)]
    for number in sorted(range(len(pieces)), key=ends.__getitem__):
        first, end = ends[number]
        if clusters and first < clusters[-1][1]:
            start, reached, members = clusters.pop()
            clusters.append((start, max(reached, end), [*members, pieces[number]]))
        else:
            clusters.append((first, end, [pieces[number]]))
    return clusters


def _together(pieces: list[_Piece], first: int, end: int) -> Any:
    """The numbers from `first` to `end`: the sum of pieces, each with nothing beside it."""
    import jax.numpy as jnp

    rows = np.concatenate([piece.rows for piece in pieces]) - first
    counts = np.bincount(rows)
    if len(pieces) <= _FEW and all(piece.lines for piece in pieces):
        total = reduce(add, [piece.padded(first, end) for piece in pieces])
    else:
        wide = max(piece.numbers.shape[-1] for piece in pieces)
        flat = [jnp.broadcast_to(piece.numbers, (*piece.numbers.shape[:-1], wide)) for piece in pieces]
        joined = jnp.concatenate([numbers.reshape(-1, wide) for numbers in flat])
        if counts.max() == 1:  # each is read from where it comes
            source = np.full(end - first, len(rows))
            source[rows] = np.arange(len(rows))
            return take(jnp.concatenate([joined, np.zeros((1, wide))]), source)
        total = jnp.full((end - first, wide), _NOTHING).at[rows].add(joined)
    return total if counts.all() else jnp.where((counts == 0)[:, None], 0.0, total)

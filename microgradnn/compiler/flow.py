"""How an array program is told: names of its variables, its operations as formulas, and their sizes.

`report` writes these in tables and `diagram` in boxes. B is the number of examples in a batch; what has no B in its
size is done once for all of them. Both know array programs, and no program that runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from microgradnn.compiler.ir import Array, ArrayProgram, Op, Operand, Place, Var, Window, is_each, shape_of
from microgradnn.drawing.circuit import printable
from microgradnn.notation import digits, formula
from microgradnn.primitive import Primitive

_MOST_NAMED = 4  # of the operands of an operation


class Facts(NamedTuple):
    """What is known of a program apart from its operations."""

    gates: int  # recorded
    sums: int  # left when additions had become sums and dot products
    parameters: int
    shapes: list[tuple[int, ...]]  # of the arguments of one example
    reduce: str | None
    wrt: str
    backend: str
    straight_up_to: int  # so many examples run as straight-line Python

    @property
    def title(self) -> str:
        """What the program computes, in words."""
        by = {"params": counted(self.parameters, "parameter"), "inputs": "the inputs"}
        by["both"] = f"{by['params']} and the inputs"
        if self.reduce is None:
            return f"The outputs for {'each of B examples' if self.shapes else 'one call'}"
        over = f"The {self.reduce} over B examples" if self.shapes else "The value"
        return f"{over} and its gradient by {by[self.wrt]}"

    def by(self, program: ArrayProgram) -> list[Var]:
        """The variables of which the last results of a gradient's program are the derivatives."""
        if self.reduce is None:
            return []
        return [program.params] * (self.wrt != "inputs") + program.inputs * (self.wrt != "params")


class Flow:
    """The operations of a program forward, what belongs to each of them backward, and names for all variables.

    The last results of the program are derivatives `by` these variables. Names are p, x0 … for parameters and arguments,
    v1, v2 … forward, d1, d2 … backward in the order in which they are computed, and d_p for the derivative by p.
    """

    def __init__(self, program: ArrayProgram, by: Sequence[Var] = ()) -> None:
        self.program = program
        self.leaves = [program.params] * bool(program.params.size) + program.inputs
        self.forward: list[Op] = []
        self.backward: dict[Op | Var, list[Op]] = {}
        self.results = program.outs[: len(program.outs) - len(by)]
        self.derivatives = dict(zip(by, program.outs[len(self.results) :], strict=True))
        self.name_of = {var: var.name for var in (program.params, *program.inputs)}
        ends = {out.var: var for var, out in self.derivatives.items() if isinstance(out, Window) and out.is_whole}
        derived: set[Var] = set()
        for op in program.ops:
            if op.source is None and derived.isdisjoint(op.read):
                self.forward.append(op)
                self.name_of[op.out] = f"v{len(self.forward)}"
                continue
            derived.add(op.out)
            # What puts the parts of a derivative together, in the end, belongs to no operation.
            self.backward.setdefault(op.source or ends.get(op.out, by[0]), []).append(op)
            self.name_of[op.out] = f"d_{ends[op.out].name}" if op.out in ends else f"d{len(derived)}"

    @property
    def reverse(self) -> list[Op]:
        """The operations backward."""
        return [op for ops in self.backward.values() for op in ops]

    def line(self, op: Op) -> str:
        """An operation as an equation."""
        return f"{self.name_of[op.out]} = {text(op, self.name_of)}"

    def products(self, op: Op) -> dict[str, str]:
        """The sizes of the products of the reverse sweep that belong to a product, as `∂W` and `∂x`."""
        marks = {op.detail[0]: "∂W", op.detail[1]: "∂x"} if op.kind == "einsum" else {}
        found = [other for other in self.backward.get(op, ()) if other.kind == "einsum"]
        return {marks[other.detail[2]]: size_of(other) for other in found if other.detail[2] in marks}


def rows_read(operands: Iterable[Operand], taken: Array | None = None) -> dict[Var, Array]:
    """Which numbers of each variable are read, each once; of a take those that are `taken`."""
    rows: dict[Var, list[Array]] = {}
    for operand in operands:
        if isinstance(operand, Window) and operand.var.value is None:
            own = operand.place.rows() if taken is None else taken
            rows.setdefault(operand.var, []).append(own.ravel())
    return {var: np.unique(np.concatenate(own)) for var, own in rows.items()}


def reads(op: Op) -> dict[Var, Array]:
    """Which numbers of each variable an operation reads, each once."""
    return rows_read(op.operands, op.detail if op.kind == "take" else None)


# ---- formulas ----------------------------------------------------------------------------------------------------------


def spot(name: str, place: Place, size: int) -> str:
    """The numbers at a place of a variable of that size, without those that are repeated.

    >>> spot("p", Place(4, (2, 3), (3, 1)), 20), spot("p", Place(4, (2, 3), (6, 1)), 20)
    ('p[4:10]', 'p[4:13:6,1]')
    """
    axes = [(count, stride) for count, stride in zip(place.shape, place.strides, strict=True) if stride and count > 1]
    read = Place(place.offset, tuple(count for count, _ in axes), tuple(stride for _, stride in axes))
    if read.is_contiguous and read.size == size:
        return name
    if not axes:
        return f"{name}[{read.offset}]"
    first = read.offset + sum((count - 1) * stride for count, stride in axes if stride < 0)
    last = read.offset + sum((count - 1) * stride for count, stride in axes if stride > 0)
    apart = "" if read.is_contiguous else ":" + ",".join(str(stride).replace("-", "−") for stride in read.strides)
    return f"{name}[{first}:{last + 1}{apart}]"


def read(operand: Operand, name_of: dict[Var, str]) -> str:
    """What an operand reads, by name; constants as a number, or how many."""
    if not isinstance(operand, Window):
        return digits(operand)
    var, place = operand
    if var.value is None:
        return spot(name_of[var], place, var.size)
    if place.is_one_number:
        return digits(float(var.value.flat[place.offset]))
    return counted(place.size, "constant")


def text(op: Op, name_of: dict[Var, str]) -> str:
    """An operation as a formula, without its result."""
    words = [read(operand, name_of) for operand in op.operands]
    match op.kind:
        case "einsum":
            return Product(op).text(words)
        case "gate":
            return formula(op.detail[0], listed(words) if op.detail[0].text is None else words)
        case "partial":
            gate, index, _ = op.detail
            number = str(index + 1).translate(_SUBSCRIPTS) if len(words) > 2 else ""
            return f"∂{number}{gate.name}({', '.join(listed(words[1:]))})"
        case "sum":
            return f"Σ {words[0]}"
        case "count":
            return "B"
        case "put":
            places, packed = op.detail[1], 0
            for number, place in enumerate(places):
                if not (isinstance(place, Place) and place.is_contiguous and place.offset == packed):
                    spots = [spot("", place, 0) if isinstance(place, Place) else "[…]" for place in places]
                    words = [f"{word} at {spot}" for word, spot in zip(words, spots, strict=True)]
                    break
                packed += places[number].size
    function = op.detail if op.kind in ("call", "peak") else op.kind
    return f"{function.name if isinstance(function, Primitive) else function}({', '.join(listed(words))})"


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


# ---- sizes -------------------------------------------------------------------------------------------------------------


class Product:
    """A product of matrices, M × L · L × N; examples side by side count as rows or columns, others as products."""

    def __init__(self, op: Op) -> None:
        *letters, out, _ = op.detail
        sizes = dict(zip("".join(letters), (*shape_of(op.operands[0]), *shape_of(op.operands[1])), strict=True))
        left, right = ({*own, *"B" * is_each(x)} for own, x in zip(letters, op.operands, strict=True))
        kept = {*out, *"B" * op.out.each}
        self.swapped = out[:1] in letters[1] and out != ""
        if self.swapped:
            left, right = right, left
        self.flipped = [
            len(own) > 1 and own[0] not in first
            for own, first in zip(letters[:: -1 if self.swapped else 1], (kept, (left & right) - kept), strict=True)
        ]
        parts = left & right & kept, (left - right) & kept, (left & right) - kept, (right - left) & kept
        self.each = "B" in left | right
        self.multiplications = math.prod(sizes.values())
        self.many, self.rows, self.between, self.columns = (
            across(math.prod(sizes.get(letter, 1) for letter in part), "B" in part) for part in parts
        )

    @property
    def size(self) -> str:
        """`16 × 17 · 17 × B`."""
        one = f"{self.rows} × {self.between} · {self.between} × {self.columns}"
        return one if self.many == "1" else f"{self.many} × ({one})"

    def text(self, words: Sequence[str]) -> str:
        """`p[0:48] · v1`, with ᵀ where a factor lies the other way."""
        words = words[:: -1 if self.swapped else 1]
        words = [f"({word})" if " " in word else word for word in words]
        return " · ".join(word + "ᵀ" * flipped for word, flipped in zip(words, self.flipped, strict=True))


def size_of(op: Op) -> str:
    """How much an operation does: the sizes of a product or of a sum, or the numbers that are written."""
    written = numbers(op.out.size, op.out.each)
    if op.kind == "einsum":
        return Product(op).size
    if op.kind == "sum":
        [operand] = op.operands
        return f"{numbers(math.prod(shape_of(operand)), is_each(operand))} → {written}"
    return written


def across(count: int, each: bool) -> str:
    """So many, for each example where they are: `1`, `36`, `B`, `36B`."""
    return f"{'' if each and count == 1 else f'{count:,}'}{'B' * each}"


def numbers(count: int, each: bool) -> str:
    """So many numbers, each with all examples where it varies: `16 × B`, `16`."""
    return f"{count:,} × B" if each else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """A noun with a number: `1 gate`, `2 gates`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Sequence[str]) -> list[str]:
    """Words, of many the first few and the last."""
    few = len(words) <= _MOST_NAMED
    return list(words) if few else [*words[: _MOST_NAMED - 1], f"… {words[-1]}"]


def shortened(name: str, length: int = 28) -> str:
    """A name without its middle, where it is long."""
    name = printable(name)
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length // 2) + 1 :]}"

"""How an array program is told: which operations belong together, their formulas and sizes.

`report` writes these in tables and `diagram` in boxes. B is the number of examples; what has no B in its size is done
once for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from microgradnn.compiler.ir import Array, ArrayProgram, Op, Operand, Place, Var, Window, is_each, shape_of
from microgradnn.drawing.circuit import printable
from microgradnn.notation import digits, formula
from microgradnn.primitive import Primitive

_MOST_NAMED = 4
_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


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

    def flow(self, program: ArrayProgram) -> Flow:
        """The flow of the program that gives the gradient, or the outputs with `reduce=None`."""
        by = [program.params] * (self.wrt != "inputs") + program.inputs * (self.wrt != "params")
        return Flow(program, by if self.reduce else ())


class Flow:
    """The operations of a program forward, what belongs to each of them backward, and names for all variables.

    The last results of the program are derivatives `by` these variables. Names are p, x0 … of parameters and arguments,
    v1, v2 … forward, d1, d2 … backward in the order in which they are computed, and d_p for the derivative by p.
    """

    def __init__(self, program: ArrayProgram, by: Sequence[Var]) -> None:
        self.program = program
        self.leaves = [program.params] * bool(program.params.size) + program.inputs
        self.results = program.outs[: len(program.outs) - len(by)]
        self.derivatives = dict(zip(by, program.outs[len(self.results) :], strict=True))
        self.forward: list[Op] = []
        self.backward: dict[Op | Var, list[Op]] = {}
        self.name_of = {var: var.name for var in (program.params, *program.inputs)}
        ends = {out.var: var for var, out in self.derivatives.items() if isinstance(out, Window) and out.is_whole}
        derived: set[Var] = set()
        for op in program.ops:
            if op.source is None and derived.isdisjoint(op.read):
                self.forward.append(op)
                self.name_of[op.out] = f"v{len(self.forward)}"
            else:  # what puts the parts of a derivative together in the end has no source
                derived.add(op.out)
                self.backward.setdefault(op.source or ends.get(op.out, by[0]), []).append(op)
                self.name_of[op.out] = f"d_{ends[op.out].name}" if op.out in ends else f"d{len(derived)}"

    def line(self, op: Op) -> str:
        """An operation as an equation."""
        return f"{self.name_of[op.out]} = {text(op, self.name_of)}"

    def products(self, op: Op) -> dict[str, str]:
        """The sizes of the products backward that belong to a product, as `∂W` and `∂x`."""
        marks = {op.detail[0]: "∂W", op.detail[1]: "∂x"} if op.kind == "einsum" else {}
        found = [other for other in self.backward.get(op, ()) if other.kind == "einsum"]
        return {marks[other.detail[2]]: size_of(other) for other in found if other.detail[2] in marks}

    def without_part(self) -> int:
        """How many parameters the value, or the outputs, do not depend on; what is only observed does not count."""
        outs, params = self.results[:1] if self.derivatives else self.results, self.program.params
        ops = replace(self.program, outs=outs).without_dead_code().ops
        rows = [read[params] for read in (rows_read(outs), *map(reads, ops)) if params in read]
        return params.size - len(np.unique(np.concatenate(rows))) if rows else params.size


def reads(op: Op) -> dict[Var, Array]:
    """Which numbers of each variable an operation reads, each once."""
    return {var: np.unique(op.detail) for var in op.read} if op.kind == "take" else rows_read(op.operands)


def rows_read(operands: Iterable[Operand]) -> dict[Var, Array]:
    """Which numbers of each variable the operands are, each once."""
    rows: dict[Var, list[Array]] = {}
    for operand in operands:
        if isinstance(operand, Window) and operand.var.value is None:
            rows.setdefault(operand.var, []).append(operand.place.rows().ravel())
    return {var: np.unique(np.concatenate(own)) for var, own in rows.items()}


# ---- formulas ----


def spot(name: str, place: Place, size: int = 0) -> str:
    """The numbers at a place of a variable of that size, without those that are repeated.

    >>> spot("p", Place(4, (2, 3), (3, 1))), spot("p", Place(4, (2, 3), (6, 1))), spot("p", Place(0, (2, 3), (0, 1)), 3)
    ('p[4:10]', 'p[4:13:6,1]', 'p')
    """
    axes = [(count, stride) for count, stride in zip(place.shape, place.strides, strict=True) if stride and count > 1]
    own = Place(place.offset, tuple(count for count, _ in axes), tuple(stride for _, stride in axes))
    if own.is_contiguous and own.size == size:
        return name
    rows = own.rows()
    apart = "" if own.is_contiguous else ":" + ",".join(str(stride).replace("-", "−") for stride in own.strides)
    return f"{name}[{rows.min()}:{rows.max() + 1}{apart}]" if axes else f"{name}[{place.offset}]"


def read(operand: Operand, name_of: dict[Var, str]) -> str:
    """What an operand reads, by name; constants as a number, or how many."""
    if not isinstance(operand, Window):
        return digits(operand)
    var, place = operand
    if var.value is None:
        return spot(name_of[var], place, var.size)
    return digits(float(var.value.flat[place.offset])) if place.is_one_number else counted(place.size, "constant")


def text(op: Op, name_of: dict[Var, str]) -> str:
    """An operation as a formula, without its result."""
    words, function = [read(operand, name_of) for operand in op.operands], op.kind
    if op.kind == "einsum":
        return Product(op).formula(words)
    if op.kind in ("sum", "count"):
        return f"Σ {words[0]}" if words else "B"
    if op.kind == "gate" and op.detail[0].text is not None:
        return formula(op.detail[0], words)
    if op.kind == "gate":
        function = op.detail[0].name
    elif op.kind == "partial":
        gate, index, _ = op.detail
        function, words = f"∂{_SUBSCRIPTS[index + 1] if len(words) > 2 else ''}{gate.name}", words[1:]
    elif op.kind == "put":
        spots = [spot("", place) if isinstance(place, Place) else "[…]" for place in op.detail[1]]
        words = [f"{word} at {where}" for word, where in zip(words, spots, strict=True)]
    elif op.kind in ("call", "peak"):
        function = op.detail.name if isinstance(op.detail, Primitive) else op.detail
    return f"{function}({', '.join(listed(words))})"


class Product:
    """A product of matrices of `size` M × L · L × N, where examples side by side make rows or columns longer."""

    def __init__(self, op: Op) -> None:
        x, y = (own + "B" * is_each(operand) for own, operand in zip(op.detail, op.operands, strict=False))
        out, shapes = op.detail[2], [*map(shape_of, op.operands)]
        sizes = {"B": 1} | dict(zip(x, shapes[0], strict=False)) | dict(zip(y, shapes[1], strict=False))
        self.order = 1 if out[:1] in x else -1
        left, right = (x, y)[:: self.order]
        a, b, kept = {*left}, {*right}, {*out, *"B" * op.out.each}
        self.flipped = left[0] not in kept, right[0] in kept and len(right.strip("B")) > 1
        many, M, L, N = (  # noqa: N806  as matrices are measured
            across(math.prod(sizes[letter] for letter in part), "B" in part)
            for part in (a & b & kept, a - b, (a & b) - kept, b - a)
        )
        self.size = f"{M} × {L} · {L} × {N}" if many == "1" else f"{many} × ({M} × {L} · {L} × {N})"
        self.multiplications, self.each = math.prod(sizes.values()), "B" in a | b

    def formula(self, words: Sequence[str]) -> str:
        """`p[0:48] · v1`, with ᵀ where a factor lies the other way."""
        words = [f"({word})" if " " in word else word for word in words][:: self.order]
        return " · ".join(word + "ᵀ" * flipped for word, flipped in zip(words, self.flipped, strict=True))


# ---- sizes ----


def size_of(op: Op) -> str:
    """How much an operation does: the sizes of a product or of a sum, or the numbers that are written."""
    if op.kind == "einsum":
        return Product(op).size
    summed = [numbers(math.prod(shape_of(x)), is_each(x)) for x in op.operands if op.kind == "sum"]
    return " → ".join([*summed, numbers(op.out.size, op.out.each)])


def across(count: int, each: bool) -> str:
    """So many rows or columns, for each example where they are: `1`, `36`, `B`, `36B`."""
    return f"{'' if each and count == 1 else f'{count:,}'}{'B' * each}"


def numbers(count: int, each: bool) -> str:
    """So many numbers, for each example where they are: `16`, `16 × B`."""
    return f"{count:,} × B" if each else f"{count:,}"


def counted(count: int, noun: str) -> str:
    """A noun with a number: `1 gate`, `2 gates`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(words: Sequence[str]) -> list[str]:
    """Words, of many the first few and the last."""
    return [*words[: _MOST_NAMED - 1], f"… {words[-1]}"] if len(words) > _MOST_NAMED else list(words)


def shortened(name: str | None, length: int = 28) -> str:
    """A path, if there is one, without its middle where it is long."""
    name = printable(name or "")
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length // 2) + 1 :]}"

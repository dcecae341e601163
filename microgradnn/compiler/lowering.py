"""Lowering: steps over addresses become instructions, forward and backward.

The reverse sweep goes through the steps from the last to the first: contribution = partial × adjoint, and for a product
C = W·X + b: ∂W = ∂C·Xᵀ, ∂X = Wᵀ·∂C, ∂b = ∂C·1. The first to arrive at a row is assigned, later ones are added. What is
read repeatedly, by all examples or by several operands, gets the sum over the repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.grouping import PARAMETERS, UNIFORM
from microgradnn.compiler.instructions import (
    COUNT,
    INVERSE_COUNT,
    Instruction,
    Instructions,
    Temp,
    Term,
    Writer,
    is_varying,
    same_view,
    shape_of,
)
from microgradnn.compiler.layout import (
    GRADIENT,
    Array,
    Gather,
    Layout,
    Map,
    MatrixProduct,
    Piece,
    Step,
    View,
    contiguous,
    one_number,
    rows_read,
)


def lower(layout: Layout, gradients: Sequence[str], reduce: str | None, writer: Writer | None = None) -> Instructions:
    """The instructions for the value, and for its derivatives by the spaces named in `gradients`."""
    lowering = _Lowering(layout, writer or Writer())
    for step in layout.steps:
        lowering.forward(step)
    result = Instructions()
    result.value = [root if isinstance(root, View) else float(root) for root in layout.roots]
    result.forward = lowering.writer.instructions
    if gradients:
        lowering.writer.instructions = []
        lowering.sweep(gradients, reduce)
        result.backward = lowering.writer.instructions
        result.unwritten = {space: np.flatnonzero(~lowering.written[space]).tolist() for space in gradients}
    result.write_in_place()
    return result


class _Lowering:
    """The state of lowering: what has been written, and what is known of each adjoint.

    The adjoint of a block is in one of three states. Nothing has been contributed; or it is symbolic, one number for
    all rows or the adjoint of another block, in `standing_for`, and no instruction was needed; or its rows are in the
    space d_…, as `written` says. Whoever writes rows materialises the symbolic blocks around them first.
    """

    def __init__(self, layout: Layout, writer: Writer) -> None:
        self.layout = layout
        self.writer = writer
        self.sizes = {(space, first): size for space, blocks in layout.blocks.items() for first, size in blocks}
        self.firsts = {space: np.array([first for first, _ in blocks]) for space, blocks in layout.blocks.items()}
        self.active: dict[str, Array] = {}  # rows that depend on what is differentiated by
        self.written = {space: np.zeros(size, dtype=bool) for space, size in layout.sizes.items()}
        self.standing_for: dict[tuple[str, int], float | View] = {}

    # ---- forward ----

    def forward(self, step: Step) -> None:
        writer = self.writer
        writer.note = _note(step)
        match step:
            case Gather():
                for piece in step.pieces:
                    writer.instructions.append(Instruction("take", (piece,), step.out, writer.note))
            case Map():
                writer.store(writer.gate(step.gate, step.operands, step.stacked), step.out)
            case MatrixProduct():
                term = writer.write("products", [step.weights, step.inputs], shape=step.out.shape)
                if step.biases is not None:
                    term = writer.call("add", [term, _column(step.biases)])
                writer.store(term, step.out)

    # ---- backward ----

    def sweep(self, gradients: Sequence[str], reduce: str | None) -> None:
        layout, writer = self.layout, self.writer
        self.active = _active(layout, gradients)
        varying, uniform = layout.roots[:2]
        flowing = [step for step in reversed(layout.steps) if self.active[step.out.space][step.out.rows()].any()]
        writer.note = "seed"
        if isinstance(varying, View):
            self.contribute(varying, 1.0)
        for step in flowing:
            if step.out.varying:
                self.backward(step)
        # So far the seed was 1 for each example, which makes B times the mean. What is uniform is a term of the mean
        # itself: divide before its own 1 is added.
        if reduce == "mean" and PARAMETERS in gradients:
            self.scale(PARAMETERS)
            self.scale(UNIFORM)
        writer.note = "seed"
        if isinstance(uniform, View):
            self.contribute(uniform, 1.0 if reduce == "mean" else COUNT)
        for step in flowing:
            if not step.out.varying:
                self.backward(step)
        writer.note = "gradient"
        for space in gradients:
            self.finish(space)
            if reduce == "mean" and space != PARAMETERS:
                self.scale(space)

    def scale(self, space: str) -> None:
        """Divide what has been contributed by the number of examples."""
        self.finish(space)
        for view in _runs(space, np.flatnonzero(self.written[space])):
            self.writer.instructions.append(Instruction("multiply", (view, INVERSE_COUNT), view, "mean"))

    def finish(self, space: str) -> None:
        """Write down the adjoints that still stand for whole blocks."""
        for own, first in [key for key in self.standing_for if key[0] == space]:
            self.materialise(own, first)

    def target(self, operand: Any) -> View | None:
        """The operand, if it depends on what is differentiated by."""
        if isinstance(operand, View) and self.active[operand.space][operand.rows()].any():
            return operand
        return None

    def backward(self, step: Step) -> None:
        adjoint = self.adjoint(step.out)
        if adjoint is None:
            return
        self.writer.note = f"∂ {_note(step)}"

        match step:
            case Gather():
                for piece in step.pieces:
                    if piece.source in self.active and self.active[piece.source][piece.rows].any():
                        self.scatter(piece, adjoint, step.out)
            case Map():
                partials = self.writer.partials(step.gate, step.out, step.operands, step.stacked)
                if len(step.operands) == 2 and same_view(*step.operands) and None not in partials:  # such as x · x
                    total = self.writer.call("add", [partial for partial in partials if partial is not None])
                    if not _is_zero(total):  # 1 − 1 comes out of the numbers: each is handed on, and ∞ − ∞ is nan
                        partials = [total, None]
                for operand, partial in zip(step.operands, partials, strict=True):
                    target = self.target(operand)
                    if target is not None and partial is not None and not _is_zero(partial):  # 0 × ∞ is nan
                        contribution = self.writer.call("multiply", [partial, adjoint])
                        self.contribute(target, contribution, step.out.varying)
            case MatrixProduct():
                self.backward_product(step, adjoint)

    def backward_product(self, step: MatrixProduct, adjoint: Term) -> None:
        write, (M, N) = self.writer.write, step.out.shape  # noqa: N806  as matrices are measured
        weights, inputs = step.weights, step.inputs  # with biases and ones, where these are folded into the product
        L = shape_of(inputs)[0] - step.folded  # noqa: N806
        narrow, own = _first(weights, 1, L), _first(inputs, 0, L)
        if (M, N) == (1, 1) and not step.out.varying:  # a dot product of two vectors
            same = same_view(_line(weights), _line(own))
            scale = self.writer.call("multiply", [_line(adjoint), 2.0 if same else 1.0])
            for operand, other in [(weights, inputs), (own, narrow)][: 1 if same else 2]:
                if (target := self.target(operand)) is not None:
                    self.contribute(_line(target), self.writer.call("multiply", [_line(other), scale]), False)
        else:
            if isinstance(adjoint, float):
                adjoint = self.written_out(step.out)
            if (target := self.target(weights)) is not None:
                self.contribute(target, write("weights", [adjoint, inputs], target.shape), False)
            if (target := self.target(own)) is not None:
                self.contribute(target, write("inputs", [narrow, adjoint], target.shape), step.out.varying)
        if (target := self.target(step.biases)) is not None:
            self.contribute(_column(target), adjoint, step.out.varying, (M, N))

    def adjoint(self, out: View) -> Term | None:
        """∂value/∂out: None where nothing depends on it, a number where it is one for all rows."""
        known = self.standing_for.get((out.space, out.offset))
        if known is not None:
            return known if isinstance(known, float) else contiguous(known.space, known.offset, out.shape)
        rows = out.rows()
        if not self.written[out.space][rows].any():
            return None
        self.fill_unwritten(out.space, rows)
        return View(GRADIENT + out.space, *out[1:])

    def contribute(
        self, view: View, term: Term, varying: bool | None = None, shape: tuple[int, ...] | None = None
    ) -> None:
        """Add a contribution to the adjoint of the rows of `view`, summed over what they are repeated for."""
        writer = self.writer
        varying = view.varying if varying is None else varying
        if varying and not view.varying:
            term = self.summed_over_examples(term)
        for axis, (size, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
            wide = size if shape is None else shape[axis]
            if (size > 1 and stride == 0) or wide > size:
                term = _summed(writer, term, axis, wide, len(view.shape))
                view = view._replace(shape=(*view.shape[:axis], 1, *view.shape[axis + 1 :]))
        rows = view.rows()
        if len(np.unique(rows)) < rows.size:  # windows that overlap
            own = shape_of(term)
            for index in range(view.shape[0]):
                part = term
                if len(own) == len(view.shape):
                    part = writer.write("item", [term, index if own[0] > 1 else 0], own[1:])
                start = view.offset + index * view.strides[0]
                self.contribute(View(view.space, start, view.shape[1:], view.strides[1:]), part)
            return
        block = (view.space, view.offset)
        covers = self.sizes.get(block) == rows.size and view.is_contiguous
        written = self.written[view.space]
        if covers and not written[rows].any():
            known = self.standing_for.get(block)
            if isinstance(term, float) and (known is None or isinstance(known, float)):
                self.standing_for[block] = term + (known or 0.0)
                return
            if known is None and isinstance(term, View) and _alike(term, view):
                self.standing_for[block] = term
                return
        self.materialise_around(view.space, rows)
        gradient = View(GRADIENT + view.space, *view[1:])
        if not written[rows].any():
            writer.store(term, gradient)
        else:
            self.fill_unwritten(view.space, rows)
            negated = isinstance(term, Temp) and term.function == "negative"
            function, term = ("subtract", term.operands[0]) if negated else ("add", term)  # type: ignore[union-attr]
            writer.instructions.append(Instruction(function, (gradient, term), gradient, writer.note))
        written[rows] = True

    def summed_over_examples(self, term: Term) -> Term:
        writer = self.writer
        if not is_varying(term):
            return writer.call("multiply", [term, COUNT])
        if isinstance(term, Temp) and term.function == "negative":
            return writer.call("negative", [writer.write("sum examples", term.operands)])
        return writer.write("sum examples", [term])

    def materialise_around(self, space: str, rows: Array) -> None:
        """Write down the adjoints that stand for whole blocks, where some of these rows are in them."""
        firsts = self.firsts[space]
        for first in firsts[np.unique(firsts.searchsorted(rows, "right") - 1)].tolist():
            if (space, first) in self.standing_for:
                self.materialise(space, first)

    def materialise(self, space: str, first: int) -> None:
        adjoint, size = self.standing_for.pop((space, first)), self.sizes[space, first]
        if isinstance(adjoint, View):
            adjoint = contiguous(adjoint.space, adjoint.offset, (size,))
        self.writer.store(adjoint, contiguous(GRADIENT + space, first, (size,)))
        self.written[space][first : first + size] = True

    def fill_unwritten(self, space: str, rows: Array) -> None:
        missing = np.unique(rows[~self.written[space][rows]])
        for view in _runs(space, missing):
            self.writer.store(0.0, view)
        self.written[space][missing] = True

    def written_out(self, out: View) -> View:
        """The adjoint of a block in the rows that are its own."""
        if (out.space, out.offset) in self.standing_for:
            self.materialise(out.space, out.offset)
        return View(GRADIENT + out.space, *out[1:])

    def scatter(self, piece: Piece, adjoint: Term, out: View) -> None:
        """What was gathered sends its adjoint back to where it came from."""
        rows, targets = piece.rows, piece.targets
        space = piece.source
        self.materialise_around(space, rows)
        while len(rows):
            _, once = np.unique(rows, return_index=True)
            once.sort()
            part = Piece(space, rows[once], targets[once])
            fresh = not self.written[space][part.rows].any()
            if not fresh:
                self.fill_unwritten(space, part.rows)
            source: Term = adjoint if isinstance(adjoint, float) else self.written_out(out)
            narrow = out.varying and space in (PARAMETERS, UNIFORM)
            function = f"put{' sum' if narrow else ''}{'' if fresh else ' add'}"
            target = View(GRADIENT + space, 0, (1,), (0,))
            self.writer.instructions.append(Instruction(function, (part, source, out), target, self.writer.note))
            self.written[space][part.rows] = True
            left = np.ones(len(rows), dtype=bool)
            left[once] = False
            rows, targets = rows[left], targets[left]


def _alike(term: View, view: View) -> bool:
    """Whether the adjoint in `term` can stand for that of `view`: all rows, in order, of the same kind."""
    alike = term.varying == view.varying and term[2:] == view[2:]
    return alike and term.space.startswith(GRADIENT) and view.strides == contiguous("", 0, view.shape).strides


def _summed(writer: Writer, term: Term, axis: int, size: int, rank: int) -> Term:
    """The sum of a term over an axis of its `rank`, where it may be one number for all `size` of them."""
    shape = shape_of(term)
    axis -= rank - len(shape)  # a term may lack the axis of the stack
    if axis < 0 or shape[axis] == 1:
        return writer.call("multiply", [term, float(size)])
    return writer.write("sum axis", [term, axis], shape=(*shape[:axis], 1, *shape[axis + 1 :]))


def _is_zero(term: Any) -> bool:
    """Whether a term is the constant 0."""
    return isinstance(term, float) and term == 0.0


def _first(term: Any, axis: int, count: int) -> Any:
    """The first rows or columns of a matrix."""
    if isinstance(term, View):
        return term._replace(shape=(*term.shape[:axis], count, *term.shape[axis + 1 :]))
    return np.take(term, range(count), axis) if isinstance(term, np.ndarray) else term


def _column(term: Any) -> Any:
    """A vector as a column."""
    if isinstance(term, View):
        return term._replace(shape=(*term.shape, 1), strides=(*term.strides, 0))
    return term.reshape(-1, 1) if isinstance(term, np.ndarray) else term


def _line(term: Any) -> Any:
    """A matrix of one row or one column as a vector."""
    if isinstance(term, View):
        return term.vector()
    if isinstance(term, np.ndarray):
        return float(term.flat[0]) if one_number(term) else term.ravel()
    return term


def _runs(space: str, rows: Array) -> list[View]:
    """The adjoints of sorted rows, those that lie one behind the other together."""
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    return [contiguous(GRADIENT + space, int(run[0]), run.shape) for run in runs if len(run)]


def _active(layout: Layout, gradients: Sequence[str]) -> dict[str, Array]:
    """For every row of every space whether it depends on what is differentiated by."""
    active = {space: np.full(size, space in gradients) for space, size in layout.sizes.items()}
    for step in layout.steps:
        read = rows_read(step)
        active[step.out.space][step.out.rows()] = any(
            space in active and active[space][rows].any() for space, rows in read
        )
    return active


def _note(step: Step) -> str:
    path = f" of {step.path}" if step.path else ""
    match step:
        case Gather():
            return "rows side by side"
        case MatrixProduct():
            (M, N), L = step.out.shape, shape_of(step.inputs)[0] - step.folded  # noqa: N806
            bias = " + b" if step.folded or step.biases is not None else ""
            return f"W·x{bias}, {M} × {L} · {L} × {N}{path}"
        case _:
            return f"{int(np.prod(step.out.shape)):,} {step.gate.name}{path}"

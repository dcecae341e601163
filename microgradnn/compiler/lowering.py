"""Lowering: steps over addresses become instructions of an array library, forward and backward.

What a gate does to arrays, and its partials, come from the table of primitives; each is traced with symbols and
written down call by call. The reverse sweep goes through the steps from the last to the first: contribution =
partial × adjoint, the first one to arrive at a row is assigned, later ones are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.grouping import PARAMETERS, UNIFORM, VARYING_RESULTS
from microgradnn.compiler.layout import GRADIENT, Gather, Layout, Map, MatrixProduct, Piece, Step, View
from microgradnn.compiler.tape import simplified
from microgradnn.primitives import Primitive, lookup

Array = np.ndarray[Any, Any]

@dataclass(eq=False)
class Temp:
    """What an instruction gives: `shape` of one example, and an axis of examples behind it where it is `varying`."""

    shape: tuple[int, ...]
    varying: bool
    function: str = ""
    operands: tuple[Any, ...] = ()


NUMBER = "number"  # a comparison as 0 or 1, never nan
COUNT = Temp((), False, "count")  # the number of examples
INVERSE_COUNT = Temp((), False, "inverse count")

Term = float | Array | View | Temp


class Instruction(NamedTuple):
    """`out = function(*operands)`: a function of NumPy, or one of the few that are named in `lowering`.

    sum, max and min go along the first axis, "sum axis" along the one given, "sum examples" over the examples;
    "products", "weights" and "inputs" are the product of matrices and its two derivatives; "copy" and "add" write to a
    view; "take" and "put" move rows, "number" is a comparison as 0 and 1, "item" is one row of the first axis, "each" calls a primitive number by number.
    """

    function: str
    operands: tuple[Any, ...]
    out: View | Temp
    note: str = ""


@dataclass
class Instructions:
    """A lowered program: what computes the value, what continues to the gradient, and where both are found."""

    forward: list[Instruction] = field(default_factory=list)
    backward: list[Instruction] = field(default_factory=list)
    value: list[Term] = field(default_factory=list)  # per example and for all, or the outputs
    unwritten: dict[str, list[int]] = field(default_factory=dict)  # rows of each gradient that nothing contributes to


class _Symbol:
    """A term in the hands of the table's array functions: operators write instructions."""

    __array_ufunc__ = None

    def __init__(self, writer: _Writer, term: Term) -> None:
        self.writer, self.term = writer, term


class _Functions:
    """The `xp` of the table's array functions."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        return lambda *operands: _Symbol(self._writer, self._writer.call(name, [_term(operand) for operand in operands]))

    def places(self, stack: _Symbol) -> _Symbol:
        """0, 1, 2 … along the stack."""
        shape = _shape(stack.term)
        places = np.arange(float(shape[0])).reshape(-1, *[1] * (len(shape) - 1))
        return _Symbol(self._writer, self._writer.constants.setdefault(shape[0], places))


for _operator, _function in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide"}.items():
    setattr(_Symbol, f"__{_operator}__", lambda x, y, f=_function: getattr(_Functions(x.writer), f)(x, y))
    setattr(_Symbol, f"__r{_operator}__", lambda y, x, f=_function: getattr(_Functions(y.writer), f)(x, y))
_Symbol.__neg__ = lambda x: _Functions(x.writer).negative(x)  # type: ignore[attr-defined]


def _term(operand: Any) -> Term:
    return operand.term if isinstance(operand, _Symbol) else operand if isinstance(operand, np.ndarray) else float(operand)


def _shape(term: Term) -> tuple[int, ...]:
    return () if isinstance(term, float) else term.shape


def _varying(term: Term) -> bool:
    return isinstance(term, (View, Temp)) and term.varying


def _is(term: Term, number: float) -> bool:
    return isinstance(term, float) and term == number


class _Writer:
    """Writes instructions; one that has been written already, on numbers that have not changed, is not written again."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.note = ""
        self.constants: dict[int, Array] = {}  # 0, 1, 2 … by their count
        self._known: dict[Any, Term] = {}

    def call(self, function: str, operands: Sequence[Term]) -> Term:
        """The term `function(*operands)`, in its simplest form."""
        match function, *operands:
            case ("multiply", x, y) if _is(x, 1.0) or _is(y, 0.0) and getattr(x, "function", "") == NUMBER:
                return y
            case ("multiply", x, y) if _is(y, 1.0) or _is(x, 0.0) and getattr(y, "function", "") == NUMBER:
                return x
            case ("multiply", x, y) if _is(x, -1.0) or _is(y, -1.0):
                return self.call("negative", [y if _is(x, -1.0) else x])
            case ("divide", x, y) if _is(y, 1.0):
                return x
            case ("add", x, y) if _is(x, 0.0):
                return y
            case ("subtract", x, y) if _is(y, 0.0):
                return x
            case ("where", Temp() as c, a, b) if _is(a, 1.0) and _is(b, 0.0) and c.function in _COMPARISONS:
                return self.write(NUMBER, [c])
            case ("where", float() as c, a, b):
                return a if c else b
        if all(isinstance(operand, float) for operand in operands):
            with np.errstate(all="ignore"):
                return float(getattr(np, function)(*operands))
        return self.write(function, operands)

    def write(self, function: str, operands: Sequence[Any], shape: tuple[int, ...] | None = None) -> Term:
        key = (function, *[repr(x) if isinstance(x, float) else id(x) if isinstance(x, np.ndarray) else x for x in operands])
        lasting = not any(isinstance(x, View) and x.space.startswith(GRADIENT) for x in operands)
        if lasting and key in self._known:
            return self._known[key]
        varying = any(map(_varying, operands)) and function not in ("sum examples", "weights")
        if shape is None:
            shape = np.broadcast_shapes(*map(_shape, operands))
            shape = shape[1:] if function in _ALONG_THE_STACK else shape
        out = Temp(shape, varying, function, tuple(operands))
        self.instructions.append(Instruction(function, tuple(operands), out, self.note))
        if lasting:
            self._known[key] = out
        return out

    def store(self, term: Term, view: View) -> None:
        """Write a term to rows of a space; from then on these rows stand for it."""
        self.instructions.append(Instruction("copy", (term,), view, self.note))
        if not view.space.startswith(GRADIENT):
            for key, known in self._known.items():
                if known is term:
                    self._known[key] = view

    def gate(self, gate: Primitive, operands: Sequence[Term], stacked: bool) -> Term:
        """The term `gate(*operands)`; with `stacked` the last operand holds many, one under the other."""
        if not stacked and gate.array is not None:
            found: Any = simplified(gate, tuple(operands))
            if found.__class__ is not tuple:
                return found  # type: ignore[no-any-return]
            gate, operands = found
        if isinstance(gate.array, str):
            return self.call(gate.array, operands)
        if gate.array is None:
            return self.write("each", [gate, *operands], shape=np.broadcast_shapes(*map(_shape, operands)))
        if gate.arity is None and not stacked:
            if gate.name not in _PAIRWISE:
                raise NotImplementedError(f"{gate.name} of {len(operands)} operands, not stacked")
            total = operands[0]
            for operand in operands[1:]:
                total = self.call(_PAIRWISE[gate.name], [total, operand])
            return total
        return _term(gate.array(_Functions(self), *[_Symbol(self, operand) for operand in operands]))

    def partials(self, gate: Primitive, out: Term, operands: Sequence[Term], stacked: bool) -> list[Term | None]:
        """∂out/∂operand for each operand, None where there is none."""
        if gate.array_partials is not None and (stacked or gate.arity is not None):
            symbols = [_Symbol(self, operand) for operand in (out, *operands)]
            return [None if one is None else _term(one) for one in gate.array_partials(_Functions(self), *symbols)]
        rank = len(_shape(out))

        def apply(inner: Primitive, places: list[Any]) -> Term:
            deep = stacked and len(places) == 1 and inner.arity is None and len(_shape(places[0])) > rank
            return self.gate(inner, places, deep)

        return gate.trace(len(operands)).run(out, operands, apply)


_COMPARISONS = ("greater", "less", "equal")
_ALONG_THE_STACK = ("sum", "max", "min")
_PAIRWISE = {"sum": "add", "maximum": "maximum", "minimum": "minimum"}


def lower(layout: Layout, gradients: Sequence[str], reduce: str | None) -> Instructions:
    """The instructions for the value, and for its derivatives by the spaces named in `gradients`."""
    lowering = _Lowering(layout)
    for step in layout.steps:
        lowering.forward(step)
    result = Instructions()
    result.value = [lowering.root(root) for root in layout.roots]
    result.forward = lowering.writer.instructions
    if gradients:
        lowering.writer.instructions = []
        lowering.sweep(gradients, reduce)
        result.backward = lowering.writer.instructions
        result.unwritten = {space: np.flatnonzero(~lowering.written[space]).tolist() for space in gradients}
    written_in_place(result)
    return result


class _Lowering:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.writer = _Writer()
        self.written = {space: np.zeros(size, dtype=bool) for space, size in layout.sizes.items()}
        self.constants: dict[tuple[str, int], float] = {}  # adjoints that are one number for a whole block

    def root(self, root: Any) -> Term:
        return root if isinstance(root, View) else float(root)

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
                weights, inputs = step.weights, step.inputs
                term = writer.write("products", [weights, inputs], shape=step.out.shape)
                if step.biases is not None:
                    biases = _column(step.biases)
                    term = writer.call("add", [term, biases])
                writer.store(term, step.out)

    # ---- backward ----

    def sweep(self, gradients: Sequence[str], reduce: str | None) -> None:
        layout, writer = self.layout, self.writer
        active = _active(layout, gradients)
        varying, uniform = layout.roots[:2]
        writer.note = "seed"
        if isinstance(varying, View):
            self.contribute(varying, 1.0)
        flowing = [step for step in layout.steps if active[step.out.space][step.out.rows()].any()]
        for step in reversed([step for step in flowing if step.out.varying]):
            self.backward(step, active)
        if isinstance(uniform, View):
            writer.note = "seed"
            if reduce == "mean":
                self.scale([PARAMETERS, UNIFORM])
                self.contribute(uniform, 1.0)
            else:
                self.contribute(uniform, COUNT)
            for step in reversed([step for step in flowing if not step.out.varying]):
                self.backward(step, active)
        else:
            for step in reversed([step for step in flowing if not step.out.varying]):
                self.backward(step, active)
            if reduce == "mean" and PARAMETERS in gradients:
                self.scale([PARAMETERS])
        writer.note = "gradient"
        for space in gradients:
            self.finish(space)
            if reduce == "mean" and space != PARAMETERS and self.written[space].any():
                self.scale([space])

    def scale(self, spaces: Sequence[str]) -> None:
        """Divide what has been written by the number of examples."""
        for space in spaces:
            for first, size in self.layout.blocks.get(space, []):
                if (space, first) in self.constants:
                    self.materialise(space, first, size)
            for first, last in _runs(np.flatnonzero(self.written[space])):
                view = View(GRADIENT + space, first, (last - first,), (1,))
                self.writer.instructions.append(Instruction("multiply", (view, INVERSE_COUNT), view, "mean"))

    def finish(self, space: str) -> None:
        for first, size in self.layout.blocks.get(space, []):
            if (space, first) in self.constants:
                self.materialise(space, first, size)

    def backward(self, step: Step, active: dict[str, Array]) -> None:
        adjoint = self.adjoint(step.out)
        if adjoint is None:
            return
        self.writer.note = f"∂ {_note(step)}"

        def wanted(operand: Any) -> bool:
            return isinstance(operand, View) and bool(active[operand.space][operand.rows()].any())

        match step:
            case Gather():
                for piece in step.pieces:
                    if piece.source in active and active[piece.source][piece.rows].any():
                        self.scatter(piece, adjoint, step.out)
            case Map():
                partials = self.writer.partials(step.gate, step.out, step.operands, step.stacked)
                for operand, partial in zip(step.operands, partials, strict=True):
                    if partial is not None and wanted(operand) and not _is(partial, 0.0):
                        contribution = self.writer.call("multiply", [partial, adjoint])
                        self.contribute(operand, contribution, step.out.varying)
            case MatrixProduct():
                self.backward_product(step, adjoint, wanted)

    def backward_product(self, step: MatrixProduct, adjoint: Term, wanted: Any) -> None:
        write, (M, N) = self.writer.write, step.out.shape  # noqa: N806  as matrices are measured
        weights, inputs = step.weights, step.inputs
        own = inputs._replace(shape=(inputs.shape[0] - 1, N)) if step.folded and isinstance(inputs, View) else inputs
        length = _shape(own)[0]
        narrow = weights[:, :length] if isinstance(weights, np.ndarray) else weights._replace(shape=(M, length))
        if (M, N) == (1, 1) and not step.out.varying:  # a dot product of two vectors
            same = isinstance(weights, View) and isinstance(own, View) and _line(weights) == _line(own)
            scale = self.writer.call("multiply", [_line(adjoint), 2.0 if same else 1.0])
            for operand, other in [(weights, inputs), (own, narrow)][: 1 if same else 2]:
                if wanted(operand):
                    self.contribute(_line(operand), self.writer.call("multiply", [_line(other), scale]), False)
        else:
            if isinstance(adjoint, float):
                filled = View(GRADIENT + step.out.space, *step.out[1:])
                self.writer.store(adjoint, filled)
                adjoint = filled
            if wanted(weights):
                self.contribute(weights, write("weights", [adjoint, inputs], shape=_shape(weights)), False)
            if wanted(own):
                self.contribute(own, write("inputs", [narrow, adjoint], shape=own.shape), step.out.varying)
        if step.biases is not None and wanted(step.biases):
            self.contribute(_column(step.biases), adjoint, step.out.varying, (M, N))

    def adjoint(self, out: View) -> Term | None:
        """∂value/∂out: None where nothing depends on it, a number where it is one for all rows."""
        constant = self.constants.get((out.space, out.offset))
        if constant is not None:
            return constant
        rows = out.rows()
        if not self.written[out.space][rows].any():
            return None
        self.fill_unwritten(out.space, rows)
        return View(GRADIENT + out.space, *out[1:])

    def contribute(self, view: View, term: Term, varying: bool | None = None, shape: tuple[int, ...] | None = None) -> None:
        """Add a contribution to the adjoint of the rows of `view`, which may be less than the contribution is shaped as."""
        writer = self.writer
        varying = view.varying if varying is None else varying
        if varying and not view.varying:
            term = writer.write("sum examples", [term]) if _varying(term) else writer.call("multiply", [term, COUNT])
        for axis, (size, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
            wide = size if shape is None else shape[axis]
            if (size > 1 and stride == 0) or wide > size:
                term = _summed(writer, term, axis, wide, len(view.shape))
                view = view._replace(shape=(*view.shape[:axis], 1, *view.shape[axis + 1 :]))
        rows = view.rows()
        if len(np.unique(rows)) < rows.size:  # windows that overlap
            for place in range(view.shape[0]):
                inner = View(view.space, view.offset + place * view.strides[0], view.shape[1:], view.strides[1:])
                part = term
                if len(_shape(term)) == len(view.shape):
                    part = writer.write("item", [term, place if _shape(term)[0] > 1 else 0], shape=_shape(term)[1:])
                self.contribute(inner, part)
            return
        block = (view.space, view.offset)
        covers = (view.offset, rows.size) in self.layout.blocks[view.space] and np.array_equal(
            rows.ravel(), np.arange(view.offset, view.offset + rows.size)
        )
        written = self.written[view.space]
        if isinstance(term, float) and covers and not written[rows].any():
            self.constants[block] = self.constants.get(block, 0.0) + term
            return
        for first, size in self.layout.blocks[view.space]:
            if (view.space, first) in self.constants and first <= rows.min() and rows.max() < first + size:
                self.materialise(view.space, first, size)
        gradient = View(GRADIENT + view.space, *view[1:])
        if not written[rows].any():
            writer.store(term, gradient)
        else:
            self.fill_unwritten(view.space, rows)
            negated = isinstance(term, Temp) and term.function == "negative"
            function, term = ("subtract", term.operands[0]) if negated else ("add", term)  # type: ignore[union-attr]
            writer.instructions.append(Instruction(function, (gradient, term), gradient, writer.note))
        written[rows] = True

    def materialise(self, space: str, first: int, size: int) -> None:
        view = View(GRADIENT + space, first, (size,), (1,))
        self.writer.store(self.constants.pop((space, first)), view)
        self.written[space][first : first + size] = True

    def fill_unwritten(self, space: str, rows: Array) -> None:
        missing = np.unique(rows[~self.written[space][rows]])
        for first, last in _runs(missing):
            self.writer.store(0.0, View(GRADIENT + space, first, (last - first,), (1,)))
        self.written[space][missing] = True

    def scatter(self, piece: Piece, adjoint: Term, out: View) -> None:
        """What was gathered sends its adjoint back to where it came from."""
        rows, targets = piece.rows, piece.targets
        space = piece.source
        for first, size in self.layout.blocks[space]:
            if (space, first) in self.constants:
                self.materialise(space, first, size)
        while len(rows):
            _, once = np.unique(rows, return_index=True)
            once.sort()
            part = Piece(space, rows[once], targets[once])
            fresh = not self.written[space][part.rows].any()
            if not fresh:
                self.fill_unwritten(space, part.rows)
            source: Term = adjoint if isinstance(adjoint, float) else View(GRADIENT + out.space, *out[1:])
            narrow = out.varying and space in (PARAMETERS, UNIFORM)
            function = f"put{' sum' if narrow else ''}{'' if fresh else ' add'}"
            target = View(GRADIENT + space, 0, (1,), (0,))
            self.writer.instructions.append(Instruction(function, (part, source, out), target, self.writer.note))
            self.written[space][part.rows] = True
            left = np.ones(len(rows), dtype=bool)
            left[once] = False
            rows, targets = rows[left], targets[left]


def _summed(writer: _Writer, term: Term, axis: int, size: int, rank: int) -> Term:
    """The sum of a term over an axis of its `rank`, where it may be one number for all `size` of them."""
    shape = _shape(term)
    axis -= rank - len(shape)  # a term may lack the axis of the stack
    if axis < 0 or shape[axis] == 1:
        return writer.call("multiply", [term, float(size)])
    return writer.write("sum axis", [term, axis], shape=(*shape[:axis], 1, *shape[axis + 1 :]))


def _column(term: Any) -> Any:
    """A vector as a column."""
    if isinstance(term, View):
        return term._replace(shape=(*term.shape, 1), strides=(*term.strides, 0))
    return term.reshape(-1, 1) if isinstance(term, np.ndarray) else term


def _line(term: Any) -> Any:
    """A matrix of one row or one column as a vector."""
    if isinstance(term, View):
        axis = int(np.argmax(term.shape))
        return term._replace(shape=(term.shape[axis],), strides=(term.strides[axis],))
    return term.ravel() if isinstance(term, np.ndarray) else term


def _runs(rows: Array) -> list[tuple[int, int]]:
    """Sorted addresses as ranges, from first to before last."""
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) > 1) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(rows, breaks)]


def _active(layout: Layout, gradients: Sequence[str]) -> dict[str, Array]:
    """For every row of every space whether it depends on what is differentiated by."""
    active = {space: np.full(size, space in gradients) for space, size in layout.sizes.items()}
    for step in layout.steps:
        if isinstance(step, Gather):
            found = any(piece.source in active and active[piece.source][piece.rows].any() for piece in step.pieces)
        else:
            operands = step.operands if isinstance(step, Map) else [step.weights, step.biases, step.inputs]
            found = any(isinstance(x, View) and active[x.space][x.rows()].any() for x in operands)
        active[step.out.space][step.out.rows()] = found
    return active


def _note(step: Step) -> str:
    path = f" of {step.path}" if not isinstance(step, Gather) and step.path else ""
    match step:
        case Gather():
            return "rows side by side"
        case MatrixProduct():
            (M, N), L = step.out.shape, _shape(step.inputs)[0] - step.folded  # noqa: N806
            bias = " + b" if step.folded or step.biases is not None else ""
            return f"W·x{bias}, {M} × {L} · {L} × {N}{path}"
        case _:
            return f"{int(np.prod(step.out.shape)):,} {step.gate.name}{path}"


def written_in_place(program: Instructions) -> None:
    """Let an instruction write where its result is copied to, and drop what nobody reads."""
    listed = program.forward + program.backward
    uses: dict[Temp, int] = {}
    for instruction in listed:
        for operand in instruction.operands:
            if isinstance(operand, Temp):
                uses[operand] = uses.get(operand, 0) + 1
    targets = {
        one.operands[0]: one.out
        for one in listed
        if one.function == "copy" and isinstance(one.operands[0], Temp) and uses[one.operands[0]] == 1 and one.operands[0].operands
        and one.operands[0].shape == one.out.shape and one.operands[0].varying == one.out.varying and one.operands[0].function not in ("item", *_COMPARISONS)
    }

    def rewritten(instructions: list[Instruction]) -> list[Instruction]:
        found = []
        for one in instructions:
            if one.function == "copy" and isinstance(one.operands[0], Temp) and one.operands[0] in targets:
                continue
            if isinstance(one.out, Temp):
                if one.out in targets:
                    one = one._replace(out=targets[one.out])
            found.append(one)
        return found

    def live(instructions: list[Instruction], read: set[Any]) -> list[Instruction]:
        found = []
        for one in reversed(instructions):
            if isinstance(one.out, Temp) and one.out not in read:
                continue
            read.update(operand for operand in one.operands if isinstance(operand, Temp))
            found.append(one)
        return found[::-1]

    read: set[Any] = set()
    program.backward = live(rewritten(program.backward), read)
    program.forward = live(rewritten(program.forward), read)

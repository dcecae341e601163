"""JAX source: instructions as a pure function of (params, *batch).

Arrays are not written to in JAX, so every block of rows is a name of its own, and an adjoint that grows is a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count as numbered
from typing import Any

import numpy as np

from microgradnn.compiler.grouping import CONSTANTS, LETTERS, PARAMETERS, UNIFORM
from microgradnn.compiler.instructions import (
    COUNT,
    INVERSE_COUNT,
    Instruction,
    Instructions,
    Temp,
    is_varying,
    shape_of,
)
from microgradnn.compiler.layout import GRADIENT, Array, Layout, Piece, View
from microgradnn.compiler.zeros import LARGE
from microgradnn.primitive import Primitive


class JaxSource:
    """Writes the source of `run(params, *arguments)`; constant arrays and primitives are handed over by name."""

    def __init__(self, layout: Layout, program: Instructions, arguments: int, reduce: str | None) -> None:
        self.layout, self.program, self.reduce = layout, program, reduce
        self.arguments = [f"x{number}" for number in range(arguments)]
        self.order = np.array(layout.order, dtype=np.int64)  # the user's index of each row of parameters
        self.constants: dict[str, Any] = {}
        self.code: list[str] = []
        self.temps: dict[Temp, str] = {}
        self.blocks: dict[tuple[str, int], str] = {}  # by space and first row: the name of the block as it is now
        self.pieces: list[tuple[Array, str]] = []  # of the gradient by the parameters: the user's indices, and the name
        self.known_extents: dict[str, Array] = {}
        self.by_user: set[Temp] = set()  # one number per parameter, in the user's order
        self.fresh = numbered(1)

    def source(self, gradient: bool) -> str:
        """The function that gives the value, and with `gradient` the gradients as well."""
        names, program = self.arguments, self.program
        for name in names:
            self.code.append(f"{name} = {name}.reshape({name}.shape[0], -1).T")
            self.blocks[name, 0] = name
        self.code.append(f"count = {f'{names[0]}.shape[1]' if names else '1'}")
        for instruction in program.forward + (program.backward if gradient else []):
            self.write(instruction)
        columns = program.value[0 if self.reduce is None else 2 :]
        results = [] if self.reduce is None else [self.value()]
        results += [self.outputs(columns)] if columns else []
        if gradient:
            results.append(self.by_params())
            results += [self.by_input(name) for name in names if name in program.unwritten]
        self.code.append(f"return {', '.join(results)}")
        head = f"def run({', '.join(['params', *names])}):"
        return "\n".join([head, *(f"    {line}" for line in self.code), ""])

    # ---- what is returned ----

    def value(self) -> str:
        varying, uniform = self.program.value[:2]
        parts = []
        if isinstance(varying, View):
            parts.append(f"jnp.sum({self.read(varying)})" + " / count" * (self.reduce == "mean"))
        if isinstance(uniform, View) or uniform:
            times = " * count" * (self.reduce == "sum")
            parts.append(f"{self.operand(uniform, False)}{times}")
        return f"jnp.asarray({' + '.join(parts) or '0.0'}, float)"

    def outputs(self, outputs: Sequence[Any]) -> str:
        columns = [f"jnp.broadcast_to({self.operand(output, False)}, (count,))" for output in outputs]
        return f"jnp.stack([{', '.join(columns)}], axis=1)"

    def by_input(self, name: str) -> str:
        _, size = self.layout.blocks[name][0]
        block = self.blocks.get((GRADIENT + name, 0))
        return f"{block}.T" if block else f"jnp.zeros((count, {size}))"

    def by_params(self) -> str:
        """The pieces of the gradient by the parameters put together, in the user's order."""
        parts, reached = [], 0
        for indices, name in sorted(self.pieces, key=lambda piece: int(piece[0][0])):
            if indices[0] > reached:
                parts.append(f"jnp.zeros({indices[0] - reached})")
            parts.append(name)
            reached = int(indices[-1]) + 1
        if reached < len(self.order):
            parts.append(f"jnp.zeros({len(self.order) - reached})")
        if len(parts) != 1 or not self.pieces:
            parts = [self.named(f"jnp.concatenate([{', '.join(parts)}])" if parts else "jnp.zeros(0)")]
        self.pieces = [(np.arange(len(self.order)), parts[0])] if len(self.order) else []
        return parts[0]

    # ---- names ----

    def named(self, text: str, letter: str = "t") -> str:
        name = f"{letter}{next(self.fresh)}"
        self.code.append(f"{name} = {text}")
        return name

    def constant(self, value: Any, letter: str = "c") -> str:
        known = next((name for name, constant in self.constants.items() if constant is value), None)
        name = known or f"{letter}{len(self.constants)}"
        self.constants[name] = value
        return name

    # ---- reading ----

    def read(self, view: View) -> str:
        return self.rows(view.space, view.rows())

    def rows(self, space: str, rows: Array) -> str:
        """The rows at these addresses, an array of any shape, with the axis of examples behind where they vary."""
        repeated = [axis for axis, size in enumerate(rows.shape) if size > 1 and (np.diff(rows, axis=axis) == 0).all()]
        varying = _varies(space)
        if repeated:  # read once, then repeat
            narrow = rows
            for axis in repeated:
                narrow = np.take(narrow, [0], axis=axis)
            return f"jnp.broadcast_to({self.rows(space, narrow)}, {_tuple(rows.shape, varying)})"
        if space == PARAMETERS:
            return self.picked("params", len(self.order), self.order[rows], False)
        if space == GRADIENT + PARAMETERS:
            return self.picked(self.by_params(), len(self.order), self.order[rows], False)
        firsts, sizes = self.extents(space.removeprefix(GRADIENT))
        owners = np.searchsorted(firsts, rows, side="right") - 1
        read = np.unique(owners)
        starts = np.concatenate([[0], np.cumsum(sizes[read])])
        moved = rows + (starts[:-1] - firsts[read])[np.searchsorted(read, owners)]
        names = [self.block(space, int(firsts[number]), int(sizes[number])) for number in read]
        joined = names[0] if len(names) == 1 else f"jnp.concatenate([{', '.join(names)}])"
        return self.picked(joined, int(starts[-1]), moved, varying)

    def extents(self, space: str) -> tuple[Array, Array]:
        """First rows and counts of the blocks of a space, rows of ones among them."""
        if space not in self.known_extents:
            ones = [(view.offset, view.shape[0]) for view in self.layout.ones if view.space == space]
            self.known_extents[space] = np.array(sorted(self.layout.blocks[space] + ones)).T
        firsts, sizes = self.known_extents[space]
        return firsts, sizes

    def block(self, space: str, first: int, size: int) -> str:
        return self.blocks.get((space, first), f"jnp.ones({_tuple((size,), _varies(space))})")

    def picked(self, name: str, size: int, rows: Array, varying: bool) -> str:
        """Rows of the `size` of `name`: as a slice where that is possible."""
        if rows.ndim == 0:
            return f"{name}[{rows}]"
        reshaped = "" if rows.ndim == 1 else f".reshape{_tuple(rows.shape, varying)}"
        if step := _step(rows.ravel()):
            return _sliced(name, size, int(rows.flat[0]), int(rows.flat[-1]) + 1, step) + reshaped
        if rows.ndim == 2 and _step(rows.T.ravel()) == 1:
            inner = _sliced(name, size, int(rows[0, 0]), int(rows[-1, -1]) + 1, 1)
            return f"{inner}.reshape{_tuple(rows.shape[::-1], varying)}.swapaxes(0, 1)"
        return f"{name}[{self.constant(rows, 'rows_')}]"

    def operand(self, term: Any, varying: bool) -> str:
        """A term as an operand of an instruction over examples, or not."""
        if term is COUNT or term is INVERSE_COUNT:
            return "float(count)" if term is COUNT else "(1 / count)"
        if isinstance(term, float):
            text = repr(term) if np.isfinite(term) else f"float('{term}')"
            moderate = term == 0.0 or 1 / LARGE < abs(term) < LARGE
            return text if moderate else f"apart({text})"
        if isinstance(term, np.ndarray):
            return self.constant(term) + "[..., None]" * varying
        if isinstance(term, Primitive):
            return self.constant(term, "gate_")
        text = self.read(term) if isinstance(term, View) else self.temps[term]
        if isinstance(term, Temp) and term in self.by_user:
            text = f"{text}[{self.constant(self.order, 'rows_')}]"
        return text + "[..., None]" * (varying and not term.varying)

    def matrix(self, term: Any) -> str:
        """A term of two axes as a matrix, all examples of a row side by side."""
        if isinstance(term, View) and term.varying and term.shape[1] == 1:
            return self.rows(term.space, term.rows()[:, 0])
        text = self.operand(term, False)
        return f"{text}.reshape({term.shape[0]}, -1)" if isinstance(term, (View, Temp)) and term.varying else text

    # ---- writing ----

    def write(self, instruction: Instruction) -> None:
        function, operands, out, _ = instruction
        if function == "gate":
            gate, stacked, *operands = operands  # type: ignore[assignment]  # a list
            function = self.constant(gate, f"{gate.name}_") + ".along" * stacked
        if function == "take":
            self.take(operands[0], out)
        elif function.startswith("put"):
            self.put(function, *operands)
        elif self.all_params(operands, out):
            text = self.call(function, [self.in_order(x) for x in operands])
            if isinstance(out, Temp):
                self.temps[out] = self.named(text)
                self.by_user.add(out)
            else:
                self.pieces = [(np.arange(len(self.order)), self.named(text))]
        elif function in ("products", "weights", "inputs"):
            text = self.product(function, operands)
            if isinstance(out, Temp):
                self.temps[out] = self.named(f"({text}).reshape{_tuple(out.shape, out.varying)}")
            else:
                (M, N), varying = out.shape, out.varying  # noqa: N806  as matrices are measured
                self.assign(out, text, (M,) if varying and N == 1 else None)
        else:
            varying = out.varying or any(isinstance(x, (View, Temp)) and x.varying for x in operands)
            if function == "item":
                text = f"{self.operand(operands[0], False)}[{operands[1]}]"
            elif function == "sum axis":
                text = f"jnp.sum({self.operand(operands[0], False)}, axis={operands[1]}, keepdims=True)"
            else:
                text = self.call(function, [self.operand(x, varying) for x in operands])
            if isinstance(out, Temp):
                self.temps[out] = self.named(text)
            else:
                shape = out.shape
                if function == "copy":
                    term = operands[0]
                    shape = shape_of(term) if is_varying(term) == out.varying else (0,)  # which no view has
                self.assign(out, text, shape)

    def call(self, function: str, names: Sequence[str]) -> str:
        if function == "each" or function.removesuffix(".along") in self.constants:
            return _called(function, names)
        if function == "add" and names[0] == "0.0":
            names = names[::-1]
        if names[-1] == _PLUS_0.get(function):  # XLA would leave it out, and −0.0 as it is
            return _called("plus_zero", names[:1])
        if function == "divide":
            return _called("apart", [f"{names[0]} / {names[1]}"])
        if function in _OPERATORS:
            return f"{names[0]} {_OPERATORS[function]} {names[1]}"
        if function == "sqrt":
            return f"jnp.sqrt(apart({names[0]}))"
        match function:
            case "copy":
                return names[0]
            case "number":
                return f"{names[0]}.astype(float)"
            case "stop gradient":
                return _called("stop_gradient", names)
            case "sum examples":
                return f"jnp.sum({names[0]}, axis=-1)"
            case "sum" | "max" | "min":
                return f"jnp.{function}({names[0]}, axis=0)"
        text = _called(f"{'jnp' if hasattr(np, function) else 'special'}.{function}", names)
        return _called("apart", [text]) if function in ("exp", "power") else text

    def all_params(self, operands: Sequence[Any], out: View | Temp) -> bool:
        """Whether an instruction goes over all parameters alike, so that the user's order will do."""
        whole = [self.whole(x) or x in self.by_user for x in operands if isinstance(x, (View, Temp))]
        scalar = [isinstance(x, float) or x is COUNT or x is INVERSE_COUNT for x in operands]
        kept = out.shape == (len(self.order),) if isinstance(out, Temp) else self.whole(out)
        return kept and any(whole) and sum(whole) + sum(scalar) == len(operands)

    def whole(self, view: View | Temp) -> bool:
        return (
            isinstance(view, View)
            and view.space.removeprefix(GRADIENT) == PARAMETERS
            and view[1:] == (0, (len(self.order),), (1,))
        )

    def in_order(self, term: Any) -> str:
        if isinstance(term, View):
            return "params" if term.space == PARAMETERS else self.by_params()
        return self.temps[term] if isinstance(term, Temp) and term in self.by_user else self.operand(term, False)

    def product(self, function: str, operands: Sequence[Any]) -> str:
        """A product of matrices; a bias that lies beside its weights for NumPy is added on its own here."""
        first, second = operands
        inner = self.without_ones(second) if function != "inputs" and isinstance(second, View) else None
        if function == "inputs":
            return f"{self.matrix(first)}.T @ {self.matrix(second)}"
        if function == "weights":
            adjoint = self.named(self.matrix(first))
            if inner is None:
                return f"{adjoint} @ {self.matrix(second)}.T"
            return f"jnp.column_stack([{adjoint} @ {self.matrix(inner)}.T, jnp.sum({adjoint}, axis=1)])"
        if (
            all(isinstance(x, View) and self.whole(x.vector()) for x in operands) and first.shape[0] == 1
        ):  # their squares
            return "jnp.dot(params, params).reshape(1, 1)"
        if inner is None:
            return f"{self.matrix(first)} @ {self.matrix(second)}"
        rows = first.rows()
        weights, biases = self.rows(first.space, rows[:, :-1]), self.rows(first.space, rows[:, -1])
        return f"{weights} @ {self.matrix(inner)} + {biases}[:, None]"

    def without_ones(self, inputs: View) -> View | None:
        """The inputs without the row of ones below, if there is one."""
        last = int(inputs.rows()[-1, 0])
        if any(view.space == inputs.space and view.offset == last for view in self.layout.ones):
            return inputs._replace(shape=(inputs.shape[0] - 1, inputs.shape[1]))
        return None

    def assign(self, view: View, text: str, shape: tuple[int, ...] | None) -> None:
        """Let rows be what `text` computes, an array of `shape` (None: one to be reshaped)."""
        rows, varying = view.rows(), view.varying
        if shape is not None and shape != view.shape and not (len(shape) == 1 and rows.size == shape[0]):
            text = f"jnp.broadcast_to({text}, {_tuple(view.shape, varying)})"
            shape = view.shape
        vector = shape is not None and len(shape) == 1
        flat = text if vector else f"jnp.reshape({text}, {_tuple((rows.size,), varying)})"
        if view.space == GRADIENT + PARAMETERS:
            self.assign_params(self.order[rows], flat)
        else:
            self.set(view.space, rows.ravel(), flat)

    def set(self, space: str, rows: Array, flat: str) -> None:
        """Write rows of a space, block by block."""
        own = space.removeprefix(GRADIENT)
        letter = "d" * (own != space) + LETTERS.get(own, f"{own}_")
        firsts, sizes = self.extents(own)
        owners = np.searchsorted(firsts, rows, side="right") - 1
        for owner in np.unique(owners):
            first, size, inside = int(firsts[owner]), int(sizes[owner]), np.flatnonzero(owners == owner)
            local, name = rows[inside] - first, self.blocks.get((space, first), f"{letter}{first}")
            if len(inside) < len(rows):
                flat = flat if flat.isidentifier() else self.named(flat)
                part = f"{flat}[{self.index(inside)}]"
            else:
                part = flat
            if np.array_equal(local, np.arange(size)):
                self.code.append(f"{name} = {part}")
            else:
                before = name if (space, first) in self.blocks else f"jnp.zeros({_tuple((size,), _varies(own))})"
                self.code.append(f"{name} = {before}.at[{self.index(local)}].set({part})")
            self.blocks[space, first] = name

    def index(self, rows: Array) -> str:
        return f"{rows[0]}:{rows[-1] + 1}" if _step(rows) == 1 else self.constant(rows, "rows_")

    def assign_params(self, indices: Array, flat: str) -> None:
        """Keep a contribution to the gradient by the parameters as runs of the user's order."""
        flat = flat if flat.isidentifier() else self.named(flat, "g")
        pieces = [(indices.ravel(), flat)]
        if indices.ndim == 2 and _step(indices.ravel()) != 1:  # [W b]
            matrix = f"{flat}.reshape({indices.shape[0]}, {indices.shape[1]})"
            pieces = [
                (indices[:, :-1].ravel(), f"{matrix}[:, :-1].ravel()"),
                (indices[:, -1], f"{matrix}[:, -1]"),
            ]
        known = [piece for piece, _ in self.pieces]
        if all(_step(piece) == 1 for piece, _ in pieces) and not np.isin(indices, np.concatenate([[-1], *known])).any():
            self.pieces += pieces
            return
        order = np.argsort(indices.ravel(), kind="stable")
        whole, rows = self.by_params(), self.constant(indices.ravel()[order], "rows_")
        ordered = f"{flat}[{self.constant(order, 'rows_')}]" if (np.diff(order) != 1).any() else flat
        self.pieces = [(np.arange(len(self.order)), self.named(f"{whole}.at[{rows}].set({ordered})"))]

    def take(self, piece: Piece, out: View | Temp) -> None:
        """Rows copied to a block of their own."""
        text = self.constant(piece.rows) if piece.source == CONSTANTS else self.rows(piece.source, piece.rows)
        if out.varying and not (piece.source != CONSTANTS and _varies(piece.source)):
            text = f"jnp.broadcast_to({text}[:, None], {_tuple((len(piece.rows),), True)})"
        assert isinstance(out, View)
        self.set(out.space, piece.targets, text)

    def put(self, function: str, piece: Piece, adjoint: Any, block: View) -> None:
        """The adjoint of a gathered block back to where its rows came from."""
        varying = _varies(piece.source)
        text = repr(adjoint) if isinstance(adjoint, float) else self.rows(GRADIENT + block.space, piece.targets)
        if "sum" in function:
            text = f"{text} * count" if isinstance(adjoint, float) else f"jnp.sum({text}, axis=-1)"
        if "add" in function:
            text = f"{self.rows(GRADIENT + piece.source, piece.rows)} + {text}"
        if isinstance(adjoint, float):
            text = f"jnp.broadcast_to({text}, {_tuple((len(piece.rows),), varying)})"
        if piece.source == PARAMETERS:
            self.assign_params(self.order[piece.rows], text)
        else:
            self.set(GRADIENT + piece.source, piece.rows, text)


_OPERATORS = {"add": "+", "subtract": "-", "multiply": "*"}
_PLUS_0 = {"add": "0.0", "subtract": "-0.0"}


def _called(function: str, operands: Sequence[str]) -> str:
    return f"{function}({', '.join(operands)})"


def _varies(space: str) -> bool:
    return space.removeprefix(GRADIENT) not in (PARAMETERS, UNIFORM)


def _tuple(shape: tuple[int, ...], varying: bool) -> str:
    """A shape as source, with the axis of examples where it varies."""
    sizes = [*map(str, shape), *["count"] * varying]
    return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"


def _step(rows: Array) -> int:
    """The distance between neighbours if it is the same for all and positive, else 0."""
    steps = set(np.diff(rows).tolist()) or {1}
    return max(steps.pop(), 0) if len(steps) == 1 else 0


def _sliced(name: str, size: int, first: int, last: int, step: int) -> str:
    if (first, last, step) == (0, size, 1):
        return name
    return f"{name}[{first}:{last}{f':{step}' if step != 1 else ''}]"

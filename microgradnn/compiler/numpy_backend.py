"""The NumPy backend: runs the generated source on buffers that are made once for each number of examples and thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from microgradnn.compiler.grouping import PARAMETERS, UNIFORM
from microgradnn.compiler.instructions import Instructions
from microgradnn.compiler.layout import GRADIENT, Array, Layout, View
from microgradnn.compiler.numpy_source import NumPySource
from microgradnn.compiler.source import compiled
from microgradnn.primitive import Primitive

# ---- what the source calls ---------------------------------------------------------------------------------------


def shape(buffer: Array, offset: int, size: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Rows of a buffer, evenly spaced, with the examples behind."""
    steps = [stride * buffer.strides[0] for stride in strides]
    return as_strided(buffer[offset:], (*size, *buffer.shape[1:]), (*steps, *buffer.strides[1:]))


def wide(buffer: Array, offset: int, size: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """The same with an axis of one for the examples."""
    return shape(buffer, offset, size, strides)[..., None]


def matrix(buffer: Array, offset: int, size: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """The same as a matrix: the first axis, and all others."""
    rows = shape(buffer, offset, size, strides)
    if rows.ndim == 2:
        return rows
    if rows.shape[1] == 1:
        return rows[:, 0]
    return as_strided(rows, (rows.shape[0], rows[0].size), (rows.strides[0], rows.strides[-1]))


def flat(buffer: Array, offset: int, size: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """The numbers of rows that lie one behind the other as a vector."""
    return shape(buffer, offset, size, strides).reshape(-1)


_FORMS = {"shape": shape, "wide": wide, "matrix": matrix, "flat": flat}


def _each(gate: Any) -> Any:
    """A primitive number by number."""

    def apply(*operands: Any) -> Array:
        return np.asarray(np.frompyfunc(lambda *numbers: gate.limit(numbers), len(operands), 1)(*operands), dtype=float)

    return apply


class _Buffers:
    """The spaces for one number of examples, the functions over them, and where arguments go in and come out."""

    def __init__(
        self, run: Any, called: dict[str, Any], layout: Layout, shapes: Sequence[tuple[int, ...]], count: int
    ) -> None:
        self.spaces: dict[str, Array] = {}
        for space, size in layout.sizes.items():
            axes = (size,) if space in (PARAMETERS, UNIFORM) else (size, count)
            self.spaces[space] = np.zeros((count, size)).T if space in layout.by_example else np.zeros(axes)
            self.spaces[GRADIENT + space] = np.zeros(axes)
        for view in layout.ones:
            self.spaces[view.space][view.rows()] = 1.0
        counts = {"examples": count, "count": np.array(float(count)), "inverse_count": np.array(1 / count)}
        made = run({**called, **counts, **self.spaces})
        self.value, self.gradient = made["value"], made["gradient"]
        self.params, self.by_params = self.spaces[PARAMETERS], self.spaces[GRADIENT + PARAMETERS]
        self.inputs = [self._by_example(f"x{number}", shape) for number, shape in enumerate(shapes)]
        self.by_inputs = [self._by_example(f"{GRADIENT}x{number}", shape) for number, shape in enumerate(shapes)]

    def _by_example(self, space: str, size: tuple[int, ...]) -> Array:
        """The rows of an argument in the shape of the argument, examples first."""
        rows = self.spaces[space]
        strides = [rows.strides[0] * int(np.prod(size[axis + 1 :])) for axis in range(len(size))]
        return as_strided(rows, (rows.shape[1], *size), (rows.strides[1], *strides))


_KEPT = 4  # batch sizes whose buffers each thread keeps: of training, the last batch, validation


class NumPyBackend:
    """The program in NumPy: its source, and the buffers of each thread."""

    def __init__(
        self, layout: Layout, program: Instructions, shapes: Sequence[tuple[int, ...]], reduce: str | None
    ) -> None:
        source = NumPySource(layout, program, reduce)
        self.layout, self.shapes, self.outputs = layout, shapes, program.value[0 if reduce is None else 2 :]
        self.reduce = reduce
        self.source, self.constants = source.source(), source.constants
        self.wants_inputs = any(space != PARAMETERS for space in program.unwritten)
        self.order = np.array(layout.order, dtype=np.intp)
        self.rows = np.argsort(self.order)  # of the parameters as the user gave them
        self._prepare()

    def _prepare(self) -> None:
        called = {
            name: _each(value) if isinstance(value, Primitive) else value for name, value in self.constants.items()
        }
        self._run = compiled(self.source)
        self._called = {**vars(np), **called, **_FORMS}
        self._threads = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_run", "_called", "_threads")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def _filled(self, params: Array, arrays: Sequence[Array], count: int) -> _Buffers:
        """The buffers for so many examples, with parameters and arguments in them."""
        kept: dict[Any, _Buffers] = vars(self._threads)  # of this thread
        buffers = kept.get(count)
        if buffers is None:
            if len(kept) == _KEPT:
                del kept[next(iter(kept))]
            buffers = kept[count] = _Buffers(self._run, self._called, self.layout, self.shapes, count)
        params.take(self.order, 0, buffers.params, "clip")
        for own, array in zip(buffers.inputs, arrays, strict=True):
            own[...] = array
        return buffers

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> Any:
        """The value; without reduction a matrix with a row for each example and a column for each output."""
        with np.errstate(all="ignore"):
            buffers = self._filled(params, arrays, count)
            value = buffers.value()
        return value if self.reduce is not None else self.observed(count)

    def observed(self, count: int) -> Array:
        """The outputs of the last call in this thread: a row for each example, a column for each output."""
        kept: dict[Any, _Buffers] = vars(self._threads)
        spaces = kept[count].spaces
        outputs = np.empty((count, len(self.outputs)))
        for column, output in enumerate(self.outputs):
            outputs[:, column] = spaces[output.space][output.offset] if isinstance(output, View) else output
        return outputs

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, list[Array]]:
        """The value, its gradient by the parameters, and by each argument."""
        with np.errstate(all="ignore"):
            buffers = self._filled(params, arrays, count)
            value = buffers.value()
            buffers.gradient()
            by_inputs = [own.copy() for own in buffers.by_inputs] if self.wants_inputs else []
            return value, buffers.by_params.take(self.rows), by_inputs

"""The NumPy backend: runs the generated source on buffers that are made once for each number of examples and thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from microgradnn.compiler.evaluate import number_by_number
from microgradnn.compiler.expand import expand
from microgradnn.compiler.ir import Array, ArrayProgram, Gradient
from microgradnn.compiler.numpy_source import NumPySource
from microgradnn.compiler.plan import plan
from microgradnn.compiler.results import Asked, Rolled
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


_KEPT = 4  # batch sizes whose buffers each thread keeps: of training, the last batch, validation


class Compiled:
    """An array program in NumPy: its source, and the buffers of each thread, for each of the last few batch sizes."""

    def __init__(self, program: ArrayProgram, values: int) -> None:
        calls = expand(program)
        laid_out = plan(calls, values)
        written = NumPySource(calls, laid_out)
        self.source, self.constants = written.source(), written.constants
        self.sizes, self.as_given, self.for_each = laid_out.sizes, laid_out.as_given, laid_out.for_each
        self.inputs = [(var.each, var.size, *laid_out.rows[var]) for var in calls.inputs]
        self.order = np.array(calls.order, dtype=np.intp)
        self.rows = np.argsort(self.order)  # of the parameters as the user gave them
        self._prepare()

    def _prepare(self) -> None:
        called = {
            name: number_by_number(value) if isinstance(value, Primitive) else value
            for name, value in self.constants.items()
        }
        self._run = compiled(self.source)
        self._called = {**vars(np), **called, **_FORMS}
        self._threads = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_run", "_called", "_threads")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def run(self, params: Array, inputs: Sequence[Array], count: int, gradient: bool = True) -> list[Array]:
        """The results for parameters, as the user gives them, and inputs, examples first; with `gradient` all of them.

        They are views of buffers, the examples last: whoever keeps them copies them.
        """
        kept: dict[Any, Any] = vars(self._threads)
        made = kept.get(count)
        if made is None:
            if len(kept) == _KEPT:
                del kept[next(iter(kept))]
            made = kept[count] = self._buffers(count)
        params.take(self.order, 0, made["p"], "clip")
        for own, given in zip(made["inputs"], inputs, strict=True):
            own[...] = given if given.ndim == own.ndim else given.reshape(own.shape)
        made["value"]()
        if gradient:
            made["gradient"]()
        return made["results"]  # type: ignore[no-any-return]  # a list of arrays

    def results(self, count: int) -> list[Array]:
        """The results of the last call of this thread for so many examples."""
        kept: dict[Any, Any] = vars(self._threads)
        return kept[count]["results"]  # type: ignore[no-any-return]  # a list of arrays

    def _buffers(self, count: int) -> dict[str, Any]:
        """The buffers for so many examples, the functions over them, where inputs go in and results come out."""
        buffers = {}
        for name, size in self.sizes.items():
            shape = (size, count) if name in self.for_each else (size,)
            kind = bool if name[0] == "t" else float
            buffers[name] = np.zeros((count, size)).T if name in self.as_given else np.zeros(shape, kind)
        made = self._run({**self._called, **buffers, "examples": count, "count": np.array(float(count))})
        rows = [(made[buffer][first : first + size], each) for each, size, buffer, first in self.inputs]
        return made | {"inputs": [own.T if each else own for own, each in rows]}


class NumPyBackend:
    """The program in NumPy: a function for everything that can be asked for, made when it first is."""

    def __init__(self, rolled: Rolled, shapes: Sequence[tuple[int, ...]]) -> None:
        self.rolled, self.shapes = rolled, shapes
        asked: Asked = "value" if rolled.reduce is None else "gradient"
        self._main = Compiled(rolled.program(asked, ones=True), len(rolled.roots) - (rolled.reduce is not None))

    @cached_property
    def _grads(self) -> Compiled:
        return Compiled(self.rolled.program("grads", ones=True), 0)

    @cached_property
    def _hvp(self) -> Compiled:
        return Compiled(self.rolled.program("hvp", ones=True), 0)

    @property
    def source(self) -> str:
        """The source of the value and its gradient."""
        return self._main.source

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> Any:
        """The value; without reduction a matrix with a row for each example and a column for each output."""
        with np.errstate(all="ignore"):
            results = self._main.run(params, arrays, count, gradient=False)
        return float(results[0]) if self.rolled.reduce is not None else _columns(results, count)

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, list[Array]]:
        """The value, its gradient by the parameters, and by each argument."""
        with np.errstate(all="ignore"):
            results = self._main.run(params, arrays, count)
        return float(results[0]), *self._derivatives(self._main, results[len(self.rolled.roots) - 1 :], count)

    def observed(self, count: int) -> Array:
        """What f returned beside the value in the last call of this thread: a row for each example."""
        return _columns(self._main.results(count)[1 : len(self.rolled.roots) - 1], count)

    def grads(self, params: Array, arrays: Sequence[Array], count: int) -> Gradient:
        """The gradient of every example, by the parameters a row for each, and by each argument."""
        with np.errstate(all="ignore"):
            results = self._grads.run(params, arrays, count)
        return self._derivatives(self._grads, results, count, by_example=True)

    def hvp(self, params: Array, v: Gradient, arrays: Sequence[Array], count: int) -> Gradient:
        """The Hessian of the value times v; only that part of v is read which the gradient is taken by."""
        by_params, by_inputs = v
        directions = [by_params.take(self._hvp.order)] * (self.rolled.wrt != "inputs")
        directions += by_inputs if self.rolled.wrt != "params" else []
        with np.errstate(all="ignore"):
            results = self._hvp.run(params, [*arrays, *directions], count)
        return self._derivatives(self._hvp, results, count)

    def _derivatives(
        self, function: Compiled, results: Sequence[Array], count: int, by_example: bool = False
    ) -> Gradient:
        """By the parameters, in the user's order, and by each argument; what was not asked for is 0, or left out."""
        size, results = self.rolled.params, list(results)
        if self.rolled.wrt == "inputs":
            by_params = np.zeros((count, size) if by_example else size)
        else:
            first = results.pop(0)
            if by_example and first.ndim == 1:  # the same for all examples
                first = first[:, None]
            shape = (size, count) if by_example else (size,)
            by_params = (first if first.shape == shape else np.broadcast_to(first, shape)).take(function.rows, 0).T
        by_inputs = []
        for result, argument in zip(results, self.shapes, strict=False):
            spread = result[:, None] if result.ndim == 1 else result
            whole = np.broadcast_to(spread, (int(np.prod(argument)), count))
            by_inputs.append(np.array(whole.T).reshape(count, *argument))
        return by_params, by_inputs


def _columns(results: Sequence[Array], count: int) -> Array:
    """One number of each example from every result: a column each."""
    columns = np.empty((count, len(results)))
    for column, result in enumerate(results):
        columns[:, column] = result
    return columns

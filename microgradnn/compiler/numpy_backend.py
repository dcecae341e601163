"""The NumPy backend: runs the generated source on buffers that are made once for each number of examples and thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import Context
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
_QUIET = Context()  # entered in a tenth of the time that `np.errstate` takes
_QUIET.run(np.seterr, all="ignore")


class Compiled:
    """An array program in NumPy: its source, and the buffers of each thread, for each of the last few batch sizes."""

    def __init__(self, program: ArrayProgram, values: int) -> None:
        calls = expand(program)
        laid_out = plan(calls, values)
        written = NumPySource(calls, laid_out)
        self.source, self.constants = written.source(), written.constants
        self.sizes, self.as_given, self.for_each = laid_out.sizes, laid_out.as_given, laid_out.for_each
        self.inputs = [(var.size, *laid_out.rows[var]) for var in calls.inputs]
        order = np.array(calls.order, dtype=np.intp)
        self.order = None if np.array_equal(order, np.arange(len(order))) else order
        self.rows = None if self.order is None else np.argsort(order)  # of the parameters as the user gave them
        self._prepare()

    def _prepare(self) -> None:
        in_python = {
            name: number_by_number(value) for name, value in self.constants.items() if isinstance(value, Primitive)
        }
        self._run = compiled(self.source)
        self._called = {**vars(np), **self.constants, **in_python, **_FORMS}
        self._calls_python = bool(in_python)
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
            made = kept[count] = self._buffers(count, inputs)
        self.ordered(params, made["p"])
        for own, given in zip(made["inputs"], inputs, strict=True):
            own[...] = given
        self._quietly(made["value"])
        if gradient:
            self._quietly(made["gradient"])
        return made["results"]  # type: ignore[no-any-return]  # a list of arrays

    def ordered(self, params: Array, out: Array | None = None) -> Array:
        """Numbers as the user's parameters, in the order of the program's."""
        if self.order is not None:
            return params.take(self.order, 0, out, "clip")
        if out is not None:
            out[...] = params
        return params

    def _quietly(self, function: Callable[[], None]) -> None:
        """Call it without NumPy's warnings; gates in Python stay in the context of the caller."""
        if self._calls_python:
            with np.errstate(all="ignore"):
                function()
        else:
            _QUIET.copy().run(function)

    def _buffers(self, count: int, inputs: Sequence[Array]) -> dict[str, Any]:
        """The buffers for so many examples, the functions over them, where inputs go in and results come out."""
        buffers = {}
        for name, size in self.sizes.items():
            shape = (size, count) if name in self.for_each else (size,)
            kind = bool if name[0] == "t" else float
            buffers[name] = np.zeros((count, size)).T if name in self.as_given else np.zeros(shape, kind)
        made = self._run({**self._called, **buffers, "examples": count, "count": np.array([float(count)])})
        rows = [made[buffer][first : first + size].T for size, buffer, first in self.inputs]
        return made | {"inputs": [own.reshape(given.shape) for own, given in zip(rows, inputs, strict=True)]}


class Differentiated(Compiled):
    """A result with its derivatives, which are shaped like the parameters and like the arguments."""

    def __init__(self, rolled: Rolled, asked: Asked, shapes: Sequence[tuple[int, ...]]) -> None:
        values = len(rolled.roots) - (rolled.reduce is not None)
        self.values = values if asked in ("value", "gradient") else 0  # results before the derivatives
        super().__init__(rolled.program(asked, ones=True), self.values)
        self.shapes, self.by_example = shapes, asked == "grads"
        self.size, self.by_params = rolled.params, asked != "value" and rolled.wrt != "inputs"

    def _buffers(self, count: int, inputs: Sequence[Array]) -> dict[str, Any]:
        made = super()._buffers(count, inputs)
        found = [*[np.zeros(())] * (not self.by_params), *made["results"][self.values :]]  # 0: not asked for
        size = (self.size, count) if self.by_example else (self.size,)
        sizes = [size, *[(int(np.prod(shape)), count) for shape in self.shapes]]
        by_params, *by_inputs = [
            np.broadcast_to(one[:, None] if one.ndim == 1 and len(due) == 2 else one, due)
            for one, due in zip(found, sizes, strict=False)
        ]
        shaped = [one.T.reshape(count, *shape) for one, shape in zip(by_inputs, self.shapes, strict=False)]
        return made | {"derivatives": (by_params, shaped)}

    def derivatives(self, count: int) -> Gradient:
        """Those that the last call of this thread has found, copied: the parameters in the user's order."""
        kept: dict[Any, Any] = vars(self._threads)
        by_params, by_inputs = kept[count]["derivatives"]
        own = by_params.copy() if self.rows is None else by_params.take(self.rows, 0)
        return own.T, [one.copy() for one in by_inputs]


class NumPyBackend:
    """The program in NumPy: a function for everything that can be asked for, made when it first is."""

    def __init__(self, rolled: Rolled, shapes: Sequence[tuple[int, ...]]) -> None:
        self.rolled, self.shapes = rolled, shapes
        self._main = self._of("value" if rolled.reduce is None else "gradient")

    def _of(self, asked: Asked) -> Differentiated:
        return Differentiated(self.rolled, asked, self.shapes)

    @cached_property
    def _grads(self) -> Differentiated:
        return self._of("grads")

    @cached_property
    def _hvp(self) -> Differentiated:
        return self._of("hvp")

    @property
    def source(self) -> str:
        """The source of the value and its gradient."""
        return self._main.source

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> tuple[Any, Array]:
        """The value, and what f returned beside it, a row for each example; without reduction rows of outputs."""
        results = self._main.run(params, arrays, count, gradient=False)
        if self.rolled.reduce is None:
            return _columns(results, count), _columns([], count)
        return float(results[0]), _columns(results[1 : self._main.values], count)

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, Array, list[Array]]:
        """The same, and the gradient of the value."""
        results = self._main.run(params, arrays, count)
        return float(results[0]), _columns(results[1 : self._main.values], count), *self._main.derivatives(count)

    def grads(self, params: Array, arrays: Sequence[Array], count: int) -> Gradient:
        """The gradient of every example, by the parameters a row for each, and by each argument."""
        self._grads.run(params, arrays, count)
        return self._grads.derivatives(count)

    def hvp(self, params: Array, v: Gradient, arrays: Sequence[Array], count: int) -> Gradient:
        """The Hessian of the value times v; only that part of v is read which the gradient is taken by."""
        by_params, by_inputs = v
        directions = [self._hvp.ordered(by_params)] * (self.rolled.wrt != "inputs")
        directions += by_inputs if self.rolled.wrt != "params" else []
        self._hvp.run(params, [*arrays, *directions], count)
        return self._hvp.derivatives(count)


def _columns(results: Sequence[Array], count: int) -> Array:
    """One number of each example from every result: a column each."""
    columns = np.empty((count, len(results)))
    for column, result in enumerate(results):
        columns[:, column] = result
    return columns

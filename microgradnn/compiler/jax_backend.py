"""The JAX backend: array programs evaluated over arrays of JAX, and compiled by XLA, in double precision.

JAX runs `evaluate` once for each number of examples and records what it does: the array program is its source. The
backend's own gradients come of array programs; those of the pure function that `to_jax` gives are JAX's, through gates
that bring the table's partials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.arguments import arranged_like, examples_in
from microgradnn.compiler.evaluate import evaluate
from microgradnn.compiler.expand import expand
from microgradnn.compiler.ir import Array, ArrayProgram, Gradient
from microgradnn.compiler.jax_gates import DifferentiableLibrary
from microgradnn.compiler.jax_library import JaxLibrary
from microgradnn.compiler.results import Asked, Rolled
from microgradnn.extras import install


def require_jax() -> None:
    """ImportError with the remedy where JAX is missing."""
    try:
        import jax  # noqa: F401
    except ImportError as error:
        raise ImportError(f"programs in JAX need jax: {install('jax')}") from error


class JaxBackend:
    """The program in JAX, in double precision; the compiled functions are made when they are first called."""

    source: str | None = None  # the array program is all there is to read

    def __init__(self, rolled: Rolled, shapes: Sequence[tuple[int, ...]]) -> None:
        require_jax()  # refused here rather than at the first call
        self.rolled, self.shapes = rolled, shapes
        self._programs: dict[Asked, ArrayProgram] = {}
        self._compiled: dict[Asked, Any] = {}
        self.program("value" if rolled.reduce is None else "gradient")  # and a gate that JAX cannot call, too

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_programs": {}, "_compiled": {}}

    # ---- what is asked for ----

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> tuple[Any, Array]:
        """The value, and what f returned beside it, a row for each example; without reduction rows of outputs."""
        value, observed = map(np.array, self._call("value", params, arrays))
        return value if self.rolled.reduce is None else float(value[0]), observed

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, Array, list[Array]]:
        """The same, and the gradient of the value."""
        numbers, observed, *by_inputs = self._call("gradient", params, arrays)
        numbers = np.array(numbers)
        return float(numbers[-1]), np.array(observed), numbers[:-1], self._shaped(by_inputs, count)

    def grads(self, params: Array, arrays: Sequence[Array], count: int) -> Gradient:
        """The gradient of every example, by the parameters a row for each, and by each argument."""
        by_params, *by_inputs = self._call("grads", params, arrays)
        return np.array(by_params), self._shaped(by_inputs, count)

    def hvp(self, params: Array, v: Gradient, arrays: Sequence[Array], count: int) -> Gradient:
        """The Hessian of the value times v; only that part of v is read which the gradient is taken by."""
        by_params, by_inputs = v
        directions = [np.asarray(by_params, dtype=float)[None]] * (self.rolled.wrt != "inputs")
        directions += [np.asarray(one, dtype=float) for one in by_inputs if self.rolled.wrt != "params"]
        numbers, *others = self._call("hvp", params, [*arrays, *directions])
        return np.array(numbers), self._shaped(others, count)

    def _shaped(self, by_inputs: Sequence[Any], count: int) -> list[Array]:
        return [np.array(one).reshape(count, *shape) for one, shape in zip(by_inputs, self.shapes, strict=False)]

    # ---- how it is computed ----

    def program(self, asked: Asked) -> ArrayProgram:
        """The array program of a result, in calls of functions of arrays."""
        if asked not in self._programs:
            self._programs[asked] = expand(self.rolled.program(asked))
        return self._programs[asked]

    def _call(self, asked: Asked, params: Array, arrays: Sequence[Array]) -> Any:
        """What a program gives for its inputs, compiled when it is first called."""
        import jax

        if asked not in self._compiled:
            self._compiled[asked] = jax.jit(self._function(asked))
        with jax.enable_x64(True):
            return self._compiled[asked](params, *[np.asarray(array, dtype=float) for array in arrays])

    def _function(self, asked: Asked) -> Callable[..., list[Any]]:
        """A program as a function of JAX: its results with the examples first.

        Of "gradient" the gradient and the value in one array, and what is observed; of others the gradient.
        """
        import jax.numpy as jnp

        program, rolled = self.program(asked), self.rolled
        observed = len(rolled.roots) - 2

        def call(params: Any, *arrays: Any) -> list[Any]:
            count = len(arrays[0]) if self.shapes else 1
            outs = evaluate(program, JaxLibrary(count), params, [_examples_last(array) for array in arrays])
            if rolled.reduce is None:
                return [_matrix(outs, count), _matrix([], count)]
            first = outs[: 1 + observed] if asked in ("value", "gradient") else []
            others = _matrix(first[1:], count)
            if asked == "value":
                return [_spread(outs[0], (1,)), others]
            each = count if asked == "grads" else 1
            by_params, *by_inputs = ([0.0] if rolled.wrt == "inputs" else []) + outs[len(first) :]
            rows = _spread(by_params, (rolled.params, each)).T
            inputs = [_spread(one, (size, count)).T for one, size in zip(by_inputs, rolled.sizes, strict=False)]
            if asked == "gradient":
                return [jnp.append(rows, _spread(first[0], (1,))), others, *inputs]
            return [rows if asked == "grads" else rows[0], *inputs]

        return call


def _examples_last(array: Any) -> Any:
    return array.reshape(array.shape[0], -1).T


def _spread(out: Any, shape: tuple[int, ...]) -> Any:
    """A result, which may be one number for all, in its shape."""
    import jax.numpy as jnp

    return jnp.broadcast_to(jnp.asarray(out, float), shape)


def _matrix(outs: Sequence[Any], count: int) -> Any:
    """A row for each example, a column for each of these results."""
    import jax.numpy as jnp

    return jnp.stack([_spread(out, (count,)) for out in outs], axis=1) if outs else jnp.zeros((count, 0))


# ---- a program in the hands of JAX ----------------------------------------------------------------------------------


def pure_function(rolled: Rolled, result: Any, aux: Any, shapes: Sequence[tuple[int, ...]]) -> Callable[..., Any]:
    """The function that `Program.to_jax` gives."""
    require_jax()
    import jax
    import jax.numpy as jnp

    value = rolled.program("value")

    def program(params: Any, *batch: Any) -> Any:
        if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]  # a setting
            raise RuntimeError(
                "the program computes in double precision: call jax.config.update('jax_enable_x64', True) first, "
                "or work inside `with jax.enable_x64(True):`"
            )
        params = _real(params, "params")
        arrays = [_real(given, f"argument {number}") for number, given in enumerate(batch)]
        if params.shape != (rolled.params,):
            raise ValueError(f"params must be {rolled.params} numbers, got an array of shape {params.shape}")
        count = examples_in(arrays, shapes)
        outs = evaluate(value, DifferentiableLibrary(count), params, [_examples_last(array) for array in arrays])
        first = [] if rolled.reduce is None else [_spread(outs[0], (1,))[0]]
        if first and aux is None:
            return first[0]
        matrix = _matrix(outs[len(first) :], count)
        nested = arranged_like(aux if first else result, matrix if shapes else matrix[0], jnp.stack)
        return (first[0], nested) if first else nested

    return program


def _real(given: Any, name: str) -> Any:
    """An array in double precision."""
    import jax.numpy as jnp

    try:
        array = jnp.asarray(given)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of real numbers, got {type(given).__name__} {given!r:.60}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be real numbers, got {array.dtype}")
    return array.astype(float)

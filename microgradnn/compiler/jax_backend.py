"""The JAX backend: compiles the generated source with XLA, in double precision."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.instructions import Instructions
from microgradnn.compiler.jax_gates import apart, each
from microgradnn.compiler.jax_source import JaxSource
from microgradnn.compiler.layout import Array, Layout
from microgradnn.compiler.source import load
from microgradnn.extras import install


def require_jax() -> None:
    """ImportError with the remedy where JAX is missing."""
    try:
        import jax  # noqa: F401
    except ImportError as error:
        raise ImportError(f"programs in JAX need jax: {install('jax')}") from error


def functions() -> dict[str, Any]:
    """What generated source calls, by name."""
    import jax
    import jax.numpy as jnp
    from jax.scipy import special

    @jax.custom_jvp
    def plus_zero(x: Any) -> Any:
        """The sum x + 0.0, of which XLA leaves the 0.0 out: 0.0 for −0.0, and with the slope 1 all the same."""
        return jnp.where(x == 0.0, 0.0, x)

    plus_zero.defjvps(lambda slope, _, x: slope)
    return {
        "apart": apart, "each": each, "jnp": jnp, "plus_zero": plus_zero, "special": special,
        "stop_gradient": jax.lax.stop_gradient,
    }  # fmt: skip


class JaxBackend:
    """The program in JAX, in double precision; the compiled functions are made when they are first called."""

    def __init__(
        self, layout: Layout, program: Instructions, shapes: Sequence[tuple[int, ...]], reduce: str | None
    ) -> None:
        require_jax()  # refused here rather than at the first call
        self.shapes, self.reduce = shapes, reduce
        self.sources: dict[str, tuple[str, dict[str, Any]]] = {}  # of each function, with its constants
        for which in ["value"] if reduce is None else ["value", "gradient"]:
            source = JaxSource(layout, program, len(shapes), reduce)
            self.source = source.source(gradient=which == "gradient")
            self.sources[which] = self.source, source.constants
        self.by_inputs = [f"x{number}" in program.unwritten for number in range(len(shapes))]
        self.observes = reduce is not None and len(program.value) > 2
        self._compiled: dict[str, Any] = {}
        self._threads = threading.local()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_threads"} | {"_compiled": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._threads = threading.local()

    def _call(self, which: str, params: Array, arrays: Sequence[Array]) -> Any:
        """What a function of the source gives, compiled when it is first called."""
        import jax
        import jax.numpy as jnp

        if which not in self._compiled:
            source, constants = self.sources[which]
            run = load(source, "run", {**constants, **functions()})

            def call(params: Any, *batch: Any) -> Any:
                results = run(params, *[jnp.asarray(array, float) for array in batch])
                if which == "value":
                    return results
                value, *observed = results[: 1 + self.observes]
                gradient, *by_inputs = results[1 + self.observes :]
                return jnp.append(gradient, value), observed, by_inputs

            self._compiled[which] = jax.jit(call)
        with jax.enable_x64(True):
            return self._compiled[which](params, *[np.asarray(array, dtype=float) for array in arrays])

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> Any:
        """The value; without reduction a matrix with a row for each example and a column for each output."""
        value = self._call("value", params, arrays)
        if self.observes:
            value, self._threads.observed = value[0], np.array(value[1])
        return np.array(value) if self.reduce is None else float(value)

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, list[Array]]:
        """The value, its gradient by the parameters, and by each argument."""
        joined, observed, by_inputs = self._call("gradient", params, arrays)
        self._threads.observed = np.array(observed[0]) if observed else np.zeros((count, 0))
        numbers, written = np.array(joined), iter(by_inputs)
        shaped = [
            np.array(next(written)).reshape(count, *shape) if reached else np.zeros((count, *shape))
            for shape, reached in zip(self.shapes, self.by_inputs, strict=True)
        ]
        return float(numbers[-1]), numbers[:-1], shaped if any(self.by_inputs) else []

    def observed(self, count: int) -> Array:
        """What f returned beside the value in the last call of this thread: a row for each example."""
        return self._threads.observed if self.observes else np.zeros((count, 0))

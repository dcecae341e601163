"""The JAX backend: compiles the generated source with XLA, in double precision."""

from __future__ import annotations

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
        source = JaxSource(layout, program, len(shapes), reduce)
        self.value_source, self.value_constants = source.source(gradient=False), source.constants
        self.params = len(layout.order)
        self.by_inputs = [f"x{place}" in program.unwritten for place in range(len(shapes))]
        if reduce is not None:
            source = JaxSource(layout, program, len(shapes), reduce)
            self.gradient_source, self.gradient_constants = source.source(gradient=True), source.constants
        self.source = self.value_source if reduce is None else self.gradient_source
        self._compiled: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_compiled": {}}

    def _loaded(self, which: str) -> Any:
        """The function of the source, over JAX's arrays."""
        if which not in self._compiled:
            source = self.value_source if which == "value" else self.gradient_source
            constants = self.value_constants if which == "value" else self.gradient_constants
            self._compiled[which] = load(source, "run", {**constants, **functions()})
        return self._compiled[which]

    def _jitted(self, which: str) -> Any:
        key = f"jitted {which}"
        if key not in self._compiled:
            import jax
            import jax.numpy as jnp

            run = self._loaded(which)

            def joined(params: Any, *batch: Any) -> Any:
                value, gradient, *by_inputs = run(params, *[jnp.asarray(one, float) for one in batch])
                return jnp.append(gradient, value), by_inputs

            def plain(params: Any, *batch: Any) -> Any:
                return run(params, *[jnp.asarray(one, float) for one in batch])

            self._compiled[key] = jax.jit(joined if which == "gradient" else plain)
        return self._compiled[key]

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> Any:
        """The value; without reduction a matrix with a row for each example and a column for each output."""
        import jax

        with jax.enable_x64(True):
            found = self._jitted("value")(params, *_doubles(arrays))
        return np.array(found) if self.reduce is None else float(found)

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, list[Array]]:
        """The value, its gradient by the parameters, and by each argument."""
        import jax

        with jax.enable_x64(True):
            joined, by_inputs = self._jitted("gradient")(params, *_doubles(arrays))
        found = np.array(joined)
        inputs = iter(by_inputs)
        shaped = [
            np.array(next(inputs)).reshape(count, *shape) if wanted else np.zeros((count, *shape))
            for shape, wanted in zip(self.shapes, self.by_inputs, strict=True)
        ]
        return float(found[-1]), found[:-1], shaped if any(self.by_inputs) else []


def _doubles(arrays: Sequence[Array]) -> list[Array]:
    return [np.asarray(array, dtype=float) for array in arrays]

"""The JAX backend: compiles the generated source with XLA, in double precision, or hands it over as a pure function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.instructions import Instructions
from microgradnn.compiler.jax_source import JaxSource
from microgradnn.compiler.layout import Array, Layout
from microgradnn.compiler.source import load
from microgradnn.extras import install


class JaxBackend:
    """The program in JAX, in double precision; the compiled functions are made when they are first called."""

    def __init__(
        self, layout: Layout, program: Instructions, shapes: Sequence[tuple[int, ...]], reduce: str | None
    ) -> None:
        try:
            import jax  # noqa: F401  refused here rather than at the first call
        except ImportError as error:
            raise ImportError(f"programs in JAX need jax: {install('jax')}") from error

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
            import jax.numpy as jnp
            from jax.scipy import special

            source = self.value_source if which == "value" else self.gradient_source
            constants = self.value_constants if which == "value" else self.gradient_constants
            namespace = {**constants, "jnp": jnp, "special": special, "each": _each, "apart": _apart}
            self._compiled[which] = load(source, "run", namespace)
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

    def pure(self) -> Callable[..., Any]:
        """The function of (params, *batch) for JAX's own transformations; its derivative is the generated one."""
        import jax
        import jax.numpy as jnp

        run = self._loaded("value")

        def checked(params: Any, *batch: Any) -> tuple[Any, list[Any]]:
            if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]  # a setting
                raise RuntimeError(
                    "the program computes in double precision: call jax.config.update('jax_enable_x64', True) first, "
                    "or work inside `with jax.enable_x64(True):`"
                )
            return jnp.asarray(params, float), [jnp.asarray(one, float) for one in batch]

        if self.reduce is None:
            return lambda params, *batch: run(checked(params)[0], *checked(params, *batch)[1])
        both = self._loaded("gradient")

        @jax.custom_jvp
        def value(params: Any, *batch: Any) -> Any:
            return run(params, *batch)

        @value.defjvp
        def value_jvp(primals: Any, tangents: Any) -> Any:
            found, gradient, *by_inputs = both(*primals)
            change = jnp.dot(gradient, tangents[0])
            inputs = iter(by_inputs)
            for wanted, tangent in zip(self.by_inputs, tangents[1:], strict=True):
                if wanted:
                    change = change + jnp.sum(next(inputs).reshape(tangent.shape) * tangent)
            return found, change

        def program(params: Any, *batch: Any) -> Any:
            params, arrays = checked(params, *batch)
            return value(params, *arrays)

        return program


def _apart(number: float) -> Any:
    """A constant that XLA does not know, as it would add it to others, and multiply it with others, first."""
    import jax
    import jax.numpy as jnp

    return jax.lax.optimization_barrier(jnp.asarray(number, float))  # type: ignore[no-untyped-call]


def _doubles(arrays: Sequence[Array]) -> list[Array]:
    return [np.asarray(array, dtype=float) for array in arrays]


def _each(gate: Any, *operands: Any) -> Any:
    """A primitive number by number, by a call back into Python.

    The callback may run where double precision is not switched on, so numbers travel as pairs of 32 bits.
    """
    import jax
    import jax.numpy as jnp

    shape = jnp.broadcast_shapes(*map(jnp.shape, operands))
    bits = [
        jax.lax.bitcast_convert_type(jnp.broadcast_to(jnp.asarray(operand, float), shape), jnp.uint32)
        for operand in operands
    ]

    def back(*pairs: Any) -> Any:
        numbers = [np.asarray(pair).view(np.float64)[..., 0] for pair in pairs]
        found = np.frompyfunc(lambda *one: gate.limit(one), len(numbers), 1)(*numbers)
        return np.asarray(found, np.float64, order="C")[..., None].view(np.uint32)

    wanted = jax.ShapeDtypeStruct((*shape, 2), np.uint32)  # type: ignore[no-untyped-call]
    found = jax.pure_callback(back, wanted, *bits, vmap_method="broadcast_all")
    return jax.lax.bitcast_convert_type(found, jnp.float64)

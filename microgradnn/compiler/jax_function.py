"""A program as a pure function of (params, *batch) for JAX, which differentiates it by whatever it is called with.

The steps of the layout are written as for the JAX backend, forward only; a gate is called as a whole, and brings its
derivatives along (see `jax_gates`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.arguments import arranged_like, examples_in
from microgradnn.compiler.instructions import Term, Writer, shape_of
from microgradnn.compiler.jax_backend import functions, require_jax
from microgradnn.compiler.jax_gates import JaxGates
from microgradnn.compiler.jax_source import JaxSource
from microgradnn.compiler.layout import Layout
from microgradnn.compiler.lowering import lower
from microgradnn.compiler.source import load
from microgradnn.primitive import Primitive

_PLAIN = ("add", "subtract", "multiply", "negative", "positive", "sum")  # JAX differentiates them as the table does


class _WholeGates(Writer):
    """Writes a gate as one instruction."""

    def gate(self, gate: Primitive, operands: Sequence[Any], stacked: bool) -> Term:
        if gate.name == "multiply":
            zeros = [x for x in operands if isinstance(x, float) and x == 0.0]
            if zeros:  # which hand nothing on, where JAX would hand on 0 × ∞
                return self.write("stop gradient", [super().gate(gate, operands, stacked)])
        if gate.name in _PLAIN:
            return super().gate(gate, operands, stacked)
        shape = np.broadcast_shapes(*map(shape_of, operands))
        return self.write("gate", [gate, stacked, *operands], shape[1:] if stacked else shape)


def pure_function(
    layout: Layout, reduce: str | None, result: Any, aux: Any, shapes: Sequence[tuple[int, ...]]
) -> Callable[..., Any]:
    """The function that `Program.to_jax` gives."""
    require_jax()
    import jax
    import jax.numpy as jnp

    source = JaxSource(layout, lower(layout, [], reduce, _WholeGates()), len(shapes), reduce)
    text, gates = source.source(gradient=False), JaxGates()
    called = {name: gates[x] if isinstance(x, Primitive) else x for name, x in source.constants.items()}
    run = load(text, "run", {**called, **functions()})

    def program(params: Any, *batch: Any) -> Any:
        if not jax.config.jax_enable_x64:  # type: ignore[attr-defined]  # a setting
            raise RuntimeError(
                "the program computes in double precision: call jax.config.update('jax_enable_x64', True) first, "
                "or work inside `with jax.enable_x64(True):`"
            )
        params = _real(params, "params")
        arrays = [_real(given, f"argument {number}") for number, given in enumerate(batch)]
        if params.shape != (len(layout.order),):
            raise ValueError(f"params must be {len(layout.order)} numbers, got an array of shape {params.shape}")
        examples_in(arrays, shapes)
        value = run(params, *arrays)
        if aux is not None:
            value, rows = value if isinstance(value, tuple) else (value, jnp.zeros((1, 0)))
            return value, arranged_like(aux, rows if shapes else rows[0], jnp.stack)
        if reduce is not None:
            return value
        return arranged_like(result, value if shapes else value[0], jnp.stack)

    return program


def _real(given: Any, name: str) -> Any:
    """An array in double precision."""
    import jax.numpy as jnp

    array = jnp.asarray(given)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be real numbers, got {array.dtype}")
    return array.astype(float)

"""JAX as a library to `evaluate` with, and the numbers that are kept apart from what XLA would do with them.

XLA computes as if numbers were real: it takes constants together, and joins what overflows alone with what uses it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnn.compiler import jax_arrays
from microgradnn.compiler.ir import Array
from microgradnn.compiler.simplify import NUMBER
from microgradnn.compiler.zeros import LARGE
from microgradnn.primitive import Primitive


class JaxLibrary:
    """Arrays of JAX, the examples last."""

    einsum, take = staticmethod(jax_arrays.einsum), staticmethod(jax_arrays.take)
    window, put = staticmethod(jax_arrays.window), staticmethod(jax_arrays.put)
    gather, scatter = staticmethod(jax_arrays.gather), staticmethod(jax_arrays.scatter)

    def __init__(self, examples: int) -> None:
        self.examples = examples

    # ---- gates and functions ----

    def call(self, function: str | Primitive, *operands: Any) -> Any:
        """A function by its name, its numbers those of IEEE 754."""
        import jax.numpy as jnp
        from jax.scipy import special

        if isinstance(function, Primitive):
            return each(function, *operands)
        if function == NUMBER:
            return operands[0].astype(float)
        if function in ("sum", "max", "min"):  # along the stack
            return getattr(jnp, function)(*operands, axis=0)
        operands = tuple(x if np.ndim(x) or moderate(x) else apart(x) for x in operands)
        if function == "add" and not np.ndim(operands[0]):
            operands = operands[::-1]
        if function in _PLUS_ZERO and repr(operands[-1]) == _PLUS_ZERO[function]:
            return plus_zero(operands[0])
        if function == "sqrt":
            operands = tuple(map(apart, operands))
        result = getattr(jnp if hasattr(np, function) else special, function)(*operands)
        return apart(result) if function in ("divide", "exp", "power") else result

    def __getattr__(self, function: str) -> Any:
        """A function of JAX, for the table's array functions."""
        if function.startswith("__"):
            raise AttributeError(function)
        return lambda *operands: self.call(function, *operands)

    def sum(self, x: Any, axis: tuple[int, ...] = (0,)) -> Any:
        """The sum over axes; of a stack unless they are given."""
        import jax.numpy as jnp

        return jnp.sum(x, axis=axis) if axis else x

    def count(self) -> Any:
        """The number of examples."""
        return np.array([float(self.examples)])

    def constant(self, numbers: Array) -> Any:
        """An array of constants."""
        return numbers if all(map(moderate, numbers.ravel().tolist())) else apart(numbers)

    def flat(self, array: Any) -> Any:
        """The numbers of a result in one line, the examples behind."""
        wide = array.shape[-1]
        return array if array.ndim == 2 else array.reshape(-1, wide)


# ---- numbers that XLA is to leave as they are -----------------------------------------------------------------------

_PLUS_ZERO = {"add": "0.0", "subtract": "-0.0"}


def moderate(number: float) -> bool:
    """Whether a constant may be taken together with others."""
    return number == 0.0 or 1 / LARGE < abs(number) < LARGE


def apart(x: Any) -> Any:
    """Numbers of which XLA is not to know where they come from.

    It joins what does not overflow alone with what uses it: (a / b) / c becomes a / (b · c), exp(a) · exp(b) becomes
    exp(a + b), √(a · a) becomes |a|; constants are added to others, and multiplied with others, first.
    """
    import jax
    import jax.numpy as jnp

    return jax.lax.optimization_barrier(jnp.asarray(x, float))  # type: ignore[no-untyped-call]


def plus_zero(x: Any) -> Any:
    """The sum x + 0.0, of which XLA leaves the 0.0 out: 0.0 for −0.0, and with the slope 1 all the same."""
    import jax
    import jax.numpy as jnp

    total = jax.custom_jvp(lambda x: jnp.where(x == 0.0, 0.0, x))
    total.defjvps(lambda slope, _, x: slope)
    return total(x)


def each(gate: Any, *operands: Any) -> Any:
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
        values = np.frompyfunc(lambda *xs: gate.limit(xs), len(numbers), 1)(*numbers)
        return np.asarray(values, np.float64, order="C")[..., None].view(np.uint32)

    pairs = jax.ShapeDtypeStruct((*shape, 2), np.uint32)  # type: ignore[no-untyped-call]
    values = jax.pure_callback(back, pairs, *bits, vmap_method="broadcast_all")
    return jax.lax.bitcast_convert_type(values, jnp.float64)

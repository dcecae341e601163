"""Gates as functions of JAX: their values are the table's array forms, their derivatives the table's, in every order.

JAX's own functions have other conventions at kinks, such as ½ for the derivative of max(x, 0) at 0, and some of their
second derivatives are nan far out. So each gate brings its derivative along: the partials of the table, computed by
gates that bring theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from microgradnn.primitive import Primitive
from microgradnn.table import LABELLED


class JaxGates(dict[Primitive, "JaxGate"]):
    """The functions of JAX of all gates that are asked for."""

    def __missing__(self, gate: Primitive) -> JaxGate:
        return self.setdefault(gate, JaxGate(gate, self))


class JaxGate:
    """A gate over arrays: called with its operands, number by number; `along` goes through the first axis of the last.

    Operands that nothing is differentiated by get no derivative, so that an infinite one makes no nan of a zero.
    """

    def __init__(self, gate: Primitive, gates: JaxGates) -> None:
        self.gate, self.gates = gate, gates

    def __call__(self, *operands: Any) -> Any:
        return self._plain(*operands)

    def along(self, *operands: Any) -> Any:
        """The gate of all numbers along the first axis of the last operand, and of the operands before it."""
        return self._along(*operands)

    @cached_property
    def _plain(self) -> Callable[..., Any]:
        return self._differentiable(stacked=False)

    @cached_property
    def _along(self) -> Callable[..., Any]:
        return self._differentiable(stacked=True)

    def _differentiable(self, stacked: bool) -> Callable[..., Any]:
        import jax
        import jax.numpy as jnp
        from jax.custom_derivatives import SymbolicZero

        @jax.custom_jvp
        def function(*operands: Any) -> Any:
            return apart(self._checked(operands, self._value(operands, stacked)))

        @partial(function.defjvp, symbolic_zeros=True)
        def derivative(operands: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
            out = function(*operands)
            change = jnp.zeros_like(out)
            partials = self._partials(out, operands, stacked)
            for place, (slope, tangent) in enumerate(zip(partials, tangents, strict=True)):
                constant_0 = isinstance(slope, float) and slope == 0.0  # nothing is handed on
                if slope is not None and not constant_0 and not isinstance(tangent, SymbolicZero):
                    term = slope * tangent
                    change = change + (term.sum(axis=0) if stacked and place == len(operands) - 1 else term)
            return out, change

        return function

    def _value(self, operands: Sequence[Any], stacked: bool) -> Any:
        gate, xp = self.gate, _Functions()
        if gate.array is None:
            return each(gate, *operands)
        if isinstance(gate.array, str):
            return getattr(xp, gate.array)(*operands)
        if gate.arity is None and not stacked:  # a few operands, one after the other
            total, *others = operands
            for operand in others:
                total = getattr(xp, {"sum": "add"}.get(gate.name, gate.name))(total, operand)
            return total
        return gate.array(xp, *operands)

    def _partials(self, out: Any, operands: Sequence[Any], stacked: bool) -> Sequence[Any]:
        """The cheaper partials where the table has some; their derivatives are those of the others all the same."""
        import jax

        cheaper = self.gate.array_partials
        if cheaper is None or (self.gate.arity is None and not stacked):
            return self._written_partials(out, operands, stacked)

        @jax.custom_jvp
        def partials(out: Any, *operands: Any) -> Any:
            return tuple(
                None if one is None else self._checked(operands, one) for one in cheaper(_Functions(), out, *operands)
            )

        @partials.defjvp
        def derivative(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
            written = partial(self._written_partials, stacked=stacked)
            _, change = jax.jvp(lambda out, *xs: tuple(written(out, xs)), primals, tangents)
            return partials(*primals), change

        return partials(out, *operands)  # type: ignore[no-any-return]  # a tuple

    def _written_partials(self, out: Any, operands: Sequence[Any], stacked: bool) -> list[Any]:
        """The partials written in the table, by gates that bring their derivatives."""
        import jax.numpy as jnp

        gate, members = self.gate, stacked and self.gate.array_partials is not None

        def apply(inner: Primitive, places: list[Any]) -> Any:
            one_stack = stacked and not members and len(places) == 1 and inner.arity is None
            along = one_stack and np.ndim(places[0]) > np.ndim(out)
            return self.gates[inner].along(*places) if along else self.gates[inner](*places)

        if not members:  # what is written for one operand does for a stack of them
            return gate.trace(len(operands)).run(out, operands, apply)
        *leading, stack = operands
        found = gate.trace(len(leading) + len(stack)).run(out, [*leading, *stack], apply)
        of_stack = [jnp.broadcast_to(one, stack.shape[1:]) for one in found[len(leading) :]]
        return [*found[: len(leading)], jnp.stack(of_stack)]

    def _checked(self, operands: Sequence[Any], found: Any) -> Any:
        """Nan for a label that is no class, which other programs refuse: here there is nobody to raise it."""
        if self.gate not in LABELLED:
            return found
        index, classes = operands
        known = (index >= 0) & (index < len(classes)) & (index % 1 == 0)
        return _Functions().where(known, found, np.nan)


class _Functions:
    """The `xp` of the table's array functions."""

    def __getattr__(self, name: str) -> Any:
        import jax.numpy as jnp
        from jax.scipy import special

        if name == "sqrt":
            return lambda x: jnp.sqrt(apart(x))
        if name in ("sum", "max", "min"):  # along the stack
            return partial(getattr(jnp, name), axis=0)
        return getattr(jnp, name, None) or getattr(special, name)  # such as erf

    def places(self, stack: Any) -> Any:
        """0, 1, 2 … along the stack."""
        return np.arange(float(stack.shape[0])).reshape(-1, *[1] * (stack.ndim - 1))


def apart(x: Any) -> Any:
    """Numbers of which XLA is not to know where they come from.

    It joins what does not overflow alone with what uses it: (a / b) / c becomes a / (b · c), exp(a) · exp(b) becomes
    exp(a + b), √(a · a) becomes |a|; constants are added to others, and multiplied with others, first.
    """
    import jax
    import jax.numpy as jnp

    return jax.lax.optimization_barrier(jnp.asarray(x, float))  # type: ignore[no-untyped-call]


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
        found = np.frompyfunc(lambda *one: gate.limit(one), len(numbers), 1)(*numbers)
        return np.asarray(found, np.float64, order="C")[..., None].view(np.uint32)

    wanted = jax.ShapeDtypeStruct((*shape, 2), np.uint32)  # type: ignore[no-untyped-call]
    found = jax.pure_callback(back, wanted, *bits, vmap_method="broadcast_all")
    return jax.lax.bitcast_convert_type(found, jnp.float64)

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

from microgradnn.compiler.evaluate import over_arrays
from microgradnn.compiler.jax_library import JaxLibrary, apart, each
from microgradnn.primitive import Primitive
from microgradnn.table import LABELLED

_PLAIN = ("add", "subtract", "multiply", "negative", "positive", "sum")  # JAX differentiates them as the table does


class DifferentiableLibrary(JaxLibrary):
    """Arrays of JAX whose gates have the derivatives of the table."""

    def __init__(self, examples: int) -> None:
        super().__init__(examples)
        self.gates = JaxGates()

    def gate(self, gate: Primitive, stacked: bool, operands: Sequence[Any]) -> Any:
        """The result of a gate."""
        import jax

        if gate.name not in _PLAIN:
            return self.gates[gate].along(*operands) if stacked else self.gates[gate](*operands)
        result = over_arrays(gate, self, operands, stacked)
        nothing = gate.name == "multiply" and any(not np.ndim(x) and x == 0.0 for x in operands)
        return jax.lax.stop_gradient(result) if nothing else result  # JAX would hand on 0 × ∞


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

    @cached_property
    def _plain(self) -> Callable[..., Any]:
        return self._differentiable(stacked=False)

    @cached_property
    def along(self) -> Callable[..., Any]:
        """The gate of all numbers along the first axis of the last operand, and of the operands before it."""
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
            for index, (slope, tangent) in enumerate(zip(partials, tangents, strict=True)):
                constant_0 = isinstance(slope, float) and slope == 0.0  # nothing is handed on
                if slope is not None and not constant_0 and not isinstance(tangent, SymbolicZero):
                    term = slope * tangent
                    change = change + (term.sum(axis=0) if stacked and index == len(operands) - 1 else term)
            return out, change

        return function

    def _value(self, operands: Sequence[Any], stacked: bool) -> Any:
        if self.gate.array is None:
            return each(self.gate, *operands)
        return over_arrays(self.gate, _Functions(), operands, stacked)

    def _partials(self, out: Any, operands: Sequence[Any], stacked: bool) -> Sequence[Any]:
        """The cheaper partials where the table has some; their derivatives are those of the others all the same."""
        import jax

        cheaper = self.gate.array_partials
        if cheaper is None or (self.gate.arity is None and not stacked):
            return self._written_partials(out, operands, stacked)

        @jax.custom_jvp
        def partials(out: Any, *operands: Any) -> Any:
            written = cheaper(_Functions(), out, *operands)
            return tuple(None if slope is None else self._checked(operands, slope) for slope in written)

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

        def apply(inner: Primitive, xs: list[Any]) -> Any:
            stack_alone = stacked and not members and len(xs) == 1 and inner.arity is None
            along = stack_alone and np.ndim(xs[0]) > np.ndim(out)
            return self.gates[inner].along(*xs) if along else self.gates[inner](*xs)

        if not members:  # what is written for one operand does for a stack of them
            return gate.trace(len(operands)).run(out, operands, apply)
        *leading, stack = operands
        slopes = gate.trace(len(leading) + len(stack)).run(out, [*leading, *stack], apply)
        of_stack = [jnp.broadcast_to(slope, jnp.shape(out)) for slope in slopes[len(leading) :]]
        return [*slopes[: len(leading)], jnp.stack(of_stack)]

    def _checked(self, operands: Sequence[Any], numbers: Any) -> Any:
        """Nan for a label that is no class, which other programs refuse: here there is nobody to raise it."""
        if self.gate not in LABELLED:
            return numbers
        index, classes = operands
        known = (index >= 0) & (index < len(classes)) & (index % 1 == 0)
        return _Functions().where(known, numbers, np.nan)


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

    def indices(self, stack: Any) -> Any:
        """0, 1, 2 … along the stack."""
        return np.arange(float(len(stack))).reshape(-1, *[1] * (stack.ndim - 1))

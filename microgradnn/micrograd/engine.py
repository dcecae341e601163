"""`Value` with micrograd's names and habits, on the engine of this package; graphs of both kinds of Values mix."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from weakref import WeakSet

from microgradnn import value
from microgradnn.anomalies import refuse_nan_value
from microgradnn.context import current, no_grad
from microgradnn.graph import topological_order
from microgradnn.micrograd.operation import OwnOperation
from microgradnn.native import core
from microgradnn.value import give_operators

_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "negative": "-", "relu": "ReLU"}
# How micrograd derives an operator, and from which others.
_DERIVED: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "__neg__": (lambda self: self * -1, ("__mul__",)),
    "__radd__": (lambda self, other: self + other, ("__add__",)),
    "__sub__": (lambda self, other: self + -other, ("__add__", "__neg__")),
    "__rsub__": (lambda self, other: -self + other, ("__add__", "__neg__")),
    "__rmul__": (lambda self, other: self * other, ("__mul__",)),
    "__truediv__": (lambda self, other: self * other**-1, ("__mul__", "__pow__")),
    "__rtruediv__": (lambda self, other: self**-1 * other, ("__mul__", "__pow__")),
}
_leaves: WeakSet[Any] = WeakSet()  # those with a `_backward` of the user's


class Value(value.Value):
    """A number in a graph as micrograd's programs know it: `Value(data, _children=(), _op='', label='')`.

    With children it is an operation of the user's own, of these operands: its `_backward`, a function without arguments
    that adds to their `grad` what `self.grad` makes of it, is called by `backward()` when its turn comes. Assigned to
    another gate, it takes the place of that gate's rule. Attributes may be put on a Value, which is true as a bool
    whatever its number, and equal to nothing but itself. Everything else is as for `microgradnn.Value`.

    >>> import math
    >>> def exp(x):
    ...     out = Value(math.exp(x.data), (x,), "exp")
    ...     def _backward():
    ...         x.grad += out.data * out.grad
    ...     out._backward = _backward
    ...     return out
    >>> x = Value(0.0, label="x")
    >>> y = exp(x) * 3 + x
    >>> y.backward()
    >>> x.grad, y._op, [v._op for v in y._children], bool(x)
    (4.0, '+', ['*', ''], True)
    """

    no_grad: ClassVar[Callable[[], Any]] = staticmethod(no_grad)

    def __init_subclass__(cls, **settings: Any) -> None:
        """A subclass that adds, multiplies, negates or takes powers in its own way subtracts and divides by that."""
        super().__init_subclass__(**settings)
        engine = vars(Value)
        for name, (derived, others) in _DERIVED.items():
            changed = any(getattr(cls, other) is not engine[other] for other in others)
            if changed and getattr(cls, name) is engine[name]:
                setattr(cls, name, derived)

    def __init__(self, data: float, _children: Iterable[Any] = (), _op: str = "", label: str = "") -> None:
        super().__init__(data)
        self.label = label
        if _children != ():
            self._adopt(_children, _op)
        elif _op:
            self.__dict__["_op"] = _op

    def _adopt(self, children: Iterable[Any], op: str) -> None:
        """Become an operation of the user's own, of these operands; one that is not recorded is a leaf."""
        members = [*children] if isinstance(children, Iterable) else [None]
        if not all(isinstance(child, value.Value) for child in members):
            raise TypeError(
                f"_children are the Values that this one was computed from, got {children!r:.60}; a name is "
                "Value(data, label='x')"
            )
        gate, here = OwnOperation(op), current()
        if here.tracer is not None:
            gate.refuse()
        if not here.record:
            self._path = here.path or "no_grad"
        elif members:
            self._primitive, self._left, self._path = gate, tuple(members), here.path
            if here.detect_anomaly:
                refuse_nan_value(self)

    # ---- micrograd's names ----

    @property
    def label(self) -> str:
        """The name of the Value, "" where it has none.

        >>> Value(2.0, label="x").label, Value(2.0).label
        ('x', '')
        """
        return self._name or ""

    @label.setter
    def label(self, label: str) -> None:
        self.name = label or None

    @property
    def _op(self) -> str:
        """The operation that made it, as micrograd writes it: "+", "*", "**2", "ReLU", "tanh" …; "" for a leaf."""
        gate = self._primitive
        if gate is None:
            return str(self.__dict__.get("_op", ""))
        if not gate.repeatable:
            return gate.name
        if gate.name == "power":
            exponent = self.operands[1]
            return "**" if isinstance(exponent, value.Value) else f"**{exponent:g}"
        return _SYMBOLS.get(gate.name, gate.name)

    @_op.setter
    def _op(self, op: str) -> None:
        if self._is_own():
            self._primitive = OwnOperation(op)
        elif op != self._op:
            raise AttributeError(f"_op says what made {self!r}: give it with children, Value(data, (x,), {op!r})")

    @property
    def _children(self) -> tuple[value.Value, ...]:
        """The operands that are Values, in order."""
        return tuple(operand for operand in self.operands if isinstance(operand, value.Value))

    @property
    def _prev(self) -> set[value.Value]:
        """The operands that are Values."""
        return {*self._children}

    @_prev.setter
    def _prev(self, children: Iterable[Any]) -> None:
        if self._primitive is None:
            self._adopt(children, "")
        elif {*children} != self._prev:
            raise AttributeError(f"{self!r} was computed from its operands: make a new Value(data, children, op)")

    # ---- micrograd's backward ----

    @property
    def _backward(self) -> Callable[[], None]:
        """What adds this node's contributions to the `grad` of its operands: nothing for a leaf."""
        own: Callable[[], None] | None = self.__dict__.get("_backward")
        if own is not None:
            return own
        operands, partials = self.operands, self.handed

        def add_contributions() -> None:
            for operand, partial in zip(operands, partials, strict=True):
                if isinstance(operand, value.Value) and partial is not None:
                    operand.grad += partial * self.grad

        return add_contributions

    @_backward.setter
    def _backward(self, function: Callable[[], None]) -> None:
        if not callable(function):
            raise TypeError(f"_backward is a function without arguments, got {function!r:.60}: leave the brackets away")
        self.__dict__["_backward"] = function
        if self._primitive is None:
            _leaves.add(self)
        elif self._primitive.repeatable:
            self._primitive, self._left = OwnOperation(self._op), self._children
            self._right = self._left_partial = self._right_partial = None

    def _is_own(self) -> bool:
        """Whether it is an operation of the user's own."""
        return self._primitive is not None and not self._primitive.repeatable

    def backward(self, seed: float = 1.0) -> None:
        """Find `seed` · ∂self/∂v for every v that self depends on; add it to `grad` of leaves, set it on gates.

        A `_backward` that was assigned to a leaf is called when its gradient is complete.
        """
        super().backward(seed)
        if _leaves:
            for leaf in topological_order(self):
                if leaf._primitive is None and leaf in _leaves:
                    leaf._backward()

    def hand_on(self, adjoint: float) -> list[tuple[value.Value, float]]:
        """What an operation of the user's own hands to each operand: what its `_backward` makes of `adjoint`.

        >>> x = Value(3.0)
        >>> out = Value(9.0, (x,), "square")
        >>> def _backward():
        ...     x.grad += 2 * x.data * out.grad
        >>> out._backward = _backward
        >>> out.hand_on(2.0), out.handed, out.partials
        ([(Value(data=3.0, grad=0.0), 12.0)], (6.0,), (6.0,))
        """
        if "_backward" not in self.__dict__:
            return []
        operands = dict.fromkeys(self._children)
        with value.accumulating:
            before = [(node, node._grad) for node in (self, *operands)]
            self._grad = adjoint
            for operand in operands:
                operand._grad = 0.0
            try:
                self._backward()
                return [(operand, operand.grad) for operand in operands]
            finally:
                for node, gradient in before:
                    node._grad = gradient

    @property
    def handed(self) -> tuple[float | None, ...]:
        """The partials as a sweep uses them; of an operation of the user's own what `_backward` makes of a 1.

        Where that is not in proportion, as what clips gradients, it is what `_backward` makes of its `grad`, by this.

        >>> (Value(3.0) * 2).handed
        (2.0, None)
        """
        if not self._is_own():
            return super().handed
        partials: dict[Any, float] = dict(self.hand_on(1.0))
        if self._grad and math.isfinite(self._grad):
            for operand, contribution in self.hand_on(self._grad):
                if not math.isclose(contribution, partials[operand] * self._grad, rel_tol=1e-9):
                    partials[operand] = contribution / self._grad
        return tuple(partials.pop(operand, None) for operand in self.operands)  # what stands twice is told once

    @property
    def partials(self) -> tuple[float | None, ...]:
        """∂self/∂operand, one per operand.

        >>> (Value(3.0) * 2).partials
        (2.0, None)
        """
        return self.handed if self._is_own() else super().partials

    def __reduce__(self) -> tuple[Any, ...]:
        if self._is_own():
            self._primitive.refuse(*self.operands)  # type: ignore[union-attr]  # it has one
        return super().__reduce__()

    # ---- micrograd's habits ----

    def pow(self, exponent: Any) -> Any:
        """The same as `self ** exponent`.

        >>> Value(3.0).pow(2).data
        9.0
        """
        return self**exponent

    def __bool__(self) -> bool:
        """True, whatever the number, as in micrograd."""
        return True

    __eq__ = object.__eq__
    __hash__ = object.__hash__


if core:
    core.adopt(Value)
give_operators(Value)

"""An operation of the user's own, in micrograd's way: its value was computed in Python, its derivative is a closure."""

from __future__ import annotations

from typing import Any, NoReturn

from microgradnn.primitive import Primitive


class OwnOperation(Primitive):
    """The gate of `Value(data, children, op)`: a name, and nothing that could be computed again.

    It is drawn by its name. What needs its rule, such as `forward()`, higher orders, `compile` and checks, is refused
    with TypeError.

    >>> from microgradnn.micrograd import Value
    >>> x = Value(2.0, label="x")
    >>> Value(8.0, (x,), "cube").forward()
    Traceback (most recent call last):
    TypeError: cube(x=2.0) is an operation of your own, known by its value and its _backward alone: ...
    """

    repeatable = False

    def __init__(self, name: str) -> None:
        # not in the table, where a name stands for one rule
        self.name = self.__name__ = self.symbol = name or "own"
        self.arity = self.operator = self.neutral = self.text = self.latex = self.example = self.leading = None
        self.array = self.interval = self.interval_partials = None
        self.__doc__ = f"The operation {self.name} of the user's own."
        self.quick = self.refuse

    def refuse(self, *operands: Any, **_: Any) -> NoReturn:
        """TypeError, which names the operation and what to write."""
        call = self.describe(operands) if operands else self.name
        raise TypeError(
            f"{call} is an operation of your own, known by its value and its _backward alone: "
            "forward(), second derivatives, compile, checks and copies need its rule. Write it with the functions of "
            "microgradnn, or as a gate, microgradnn.primitive(name, forward, partial)"
        )

    __call__ = evaluate = limit = partials = handed = refuse

    def trace(self, count: int | None = None) -> NoReturn:
        """Refused: it has no rule."""
        self.refuse()

    def __deepcopy__(self, memo: object) -> NoReturn:
        """Refused: the closure would hand on to the operands of the original."""
        self.refuse()

    def __reduce__(self) -> NoReturn:
        """Refused, as a closure has no pickle."""
        self.refuse()

"""`Wide`: a number of 160 digits that passes for a float, so that a function of floats runs on it.

It knows Python's arithmetic and the methods of `Value`. What would lose its digits, `float(x)` and whatever in C asks
for a double, raises `Lost`. It does not know how functions get here: `lifting` exchanges what they call, and gives the
values of gates.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from microgradnn import operations, value as value  # which fills `operations`
from microgradnn.checks.arithmetic import (
    LARGEST,
    MP as MP,
    Lost as Lost,
    divided,
    floor_divided,
    notes,
    power,
    remainder,
    whole_of,
)  # fmt: skip
from microgradnn.primitive import BUILT_IN, NOTHING, gates


def read(x: Any) -> Any:
    """`x` as a number of MP, or None for what is no real number.

    >>> read(0.5), read("0.5")
    (mpf('0.5'), None)
    """
    if isinstance(x, Wide):
        return x.number
    if isinstance(x, (float, int)):
        return MP.mpf(x)
    if hasattr(x, "_mpf_"):  # of mpmath, in a context of its own; it says that it is a Real
        return MP.make_mpf(x._mpf_)
    if isinstance(x, Integral) or type(x).__name__ == "bool":  # of NumPy
        return MP.mpf(int(x))
    if isinstance(x, Rational):
        return MP.mpf(x.numerator) / x.denominator
    return MP.mpf(float(x)) if isinstance(x, Real) else None


def wide(x: Any, kind: type[Wide] | None = None) -> Wide:
    """The number `x` of MP as a wide one; Lost where it is too large to go on with, or the time is over."""
    _, man, exponent, bits = x._mpf_
    if exponent + bits > LARGEST and man:
        raise Lost("a number has more than 10⁷ digits in front of the point")
    if time.monotonic() > notes.deadline:
        raise Lost("with 160 digits it takes too long")
    out: Wide = object.__new__(kind or Wide)
    out.number = x
    return out


class Wide(operations.Methods):
    """The real number `x` with 160 digits: of a float, a whole number, a Fraction, a number of mpmath.

    It has what a float and a Value have; `.data` is the number itself, so that what `x.data` cuts off is seen.

    >>> x = Wide(0.1) + 1e-40
    >>> x > 0.1, isinstance(x, float), x.data is x
    (True, True, True)
    """

    __slots__ = ("number",)
    number: Any
    record_gate: Callable[..., Any]  # what a gate is on wide numbers: `lifting` fills it in

    grad = imag = 0.0
    path = primitive = _path = _primitive = None
    name = property(lambda self: None, lambda self, name: None)  # numbers have none, but functions give them
    operands = partials = ()

    def __init__(self, x: Any) -> None:
        self.number = read(x)
        if self.number is None:
            raise TypeError(f"expected a real number, got {type(x).__name__} {x!r:.60}")

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return float

    def __float__(self) -> float:
        raise Lost("float() or a function in C takes 16 digits of a number and drops the rest")

    __complex__ = hex = __float__

    def __reduce__(self) -> Any:
        raise Lost("a number would be pickled")

    def __copy__(self, _: Any = None) -> Wide:
        return self

    __deepcopy__ = item = conjugate = named = __copy__
    __pos__ = __copy__  # type: ignore[assignment]
    data = real = property(__copy__)

    def backward(self) -> None:
        raise Lost("backward() inside the function")

    def __hash__(self) -> int:
        return hash(("wide", self.number))  # salted: what the user's caches hold of floats is not of this number

    def __bool__(self) -> bool:
        return bool(self.number)

    def __neg__(self) -> Wide:  # type: ignore[override]  # Methods says what Value gives
        return wide(-self.number, type(self))

    def __abs__(self) -> Wide:  # type: ignore[override]
        return wide(abs(self.number), type(self))

    __int__ = __trunc__ = lambda self: int(whole_of(self.number, int))
    __floor__, __ceil__ = lambda self: int(whole_of(self.number)), lambda self: int(whole_of(self.number, MP.ceil))
    __divmod__, __rdivmod__ = lambda x, y: (x // y, x % y), lambda x, y: (y // x, y % x)

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return int(whole_of(self.number, MP.nint))
        scale = MP.mpf(10) ** digits
        return wide(MP.nint(self.number * scale) / scale, type(self)) if MP.isfinite(self.number) else self

    def rint(self) -> Wide:
        return wide(MP.nint(self.number), type(self))

    def is_integer(self) -> bool:
        return bool(MP.isint(self.number))

    def as_integer_ratio(self) -> tuple[int, int]:
        whole_of(self.number)
        sign, man, exponent, _ = self.number._mpf_
        exact = Fraction(-man if sign else man) * Fraction(2) ** exponent
        return exact.numerator, exact.denominator

    def __format__(self, spec: str) -> str:
        notes.written = True
        return format(float(self.number), spec)

    def __repr__(self) -> str:
        return self.__format__("")


class Element(Wide):
    """A wide number out of a NumPy array: where floats of Python raise, its operators give nan or an infinity."""

    __slots__ = ()


def _operator(function: Callable[[Any, Any], Any], swapped: bool = False) -> Callable[[Any, Any], Any]:
    def operate(self: Wide, other: Any) -> Any:
        if other is NOTHING and function is operator.mul:
            return NOTHING
        y = read(other)
        if y is None:
            return NotImplemented
        kind = Element if type(self) is Element or type(other) is Element else None
        pair = (y, self.number) if swapped else (self.number, y)
        try:
            return wide(function(*pair), kind)
        except (ValueError, ZeroDivisionError):
            if kind is None and type(other).__module__ != "numpy":
                raise
            if function is divided and pair[0]:
                return wide(pair[0] * MP.inf, Element)
            return wide(MP.inf if function is power and not pair[0] else MP.nan, Element)

    return operate


def _comparison(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(self: Wide, other: Any) -> Any:
        y = read(other)
        return NotImplemented if y is None else bool(function(self.number, y))

    return compare


for _name, _function in {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": divided, "mod": remainder,
    "floordiv": floor_divided, "pow": power,
}.items():  # fmt: skip
    setattr(Wide, f"__{_name}__", _operator(_function))
    setattr(Wide, f"__r{_name}__", _operator(_function, swapped=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Wide, f"__{_name}__", _comparison(getattr(operator, _name)))
for _gate in gates():
    if _gate.is_method and _gate.name in BUILT_IN:
        setattr(Wide, _gate.name, getattr(operations, _gate.name))

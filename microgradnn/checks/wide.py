"""`Wide`: a number of 160 digits that passes for a float, so that a function of floats runs on it.

It knows Python's arithmetic and the methods of `Value`. What would lose its digits, `float(x)` and whatever in C asks
for a double, raises `Lost`. It does not know how functions get here: `lifting` exchanges what they call, and fills in
`Wide.record_gate`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

import mpmath

from microgradnn import operations, value as value  # which fills `operations`
from microgradnn.primitive import NOTHING, gates

MP = mpmath.MPContext()  # a context of its own: the user's `mpmath.mp` stays as it is
MP.dps = 160
LARGEST = 2**25  # bits of the largest numbers, 10⁷ digits: beyond, towers of exp would run for minutes
_INF, _NAN = MP.inf, MP.nan


class Lost(BaseException):
    """Digits of a wide number were lost, or would be; not an Exception, so that `except Exception` lets it pass."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        notes.lost.append(reason)


class Notes:
    """What wide numbers have met: losses, also those that were swallowed, and whether one was written as text."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.written = False


notes = Notes()


def read(x: Any) -> Any:
    """`x` as a number of MP, or None for what is no real number.

    >>> read(0.5), read("0.5")
    (mpf('0.5'), None)
    """
    if isinstance(x, Wide):
        return x.number
    if isinstance(x, mpmath.ctx_mp_python._mpf):
        return MP.make_mpf(x._mpf_)  # of whichever context
    if isinstance(x, (float, int)):
        return MP.mpf(x)
    if isinstance(x, Integral) or type(x).__name__ == "bool":  # of NumPy
        return MP.mpf(int(x))
    if isinstance(x, Rational):
        return MP.mpf(x.numerator) / x.denominator
    return MP.mpf(float(x)) if isinstance(x, Real) else None


def wide(x: Any, kind: type[Wide] | None = None) -> Wide:
    """The number `x` of MP as a wide one; Lost where it is so large that the next step would not end."""
    _, man, exponent, bits = x._mpf_
    if exponent + bits > LARGEST and man:
        raise Lost("a number has more than 10⁷ digits in front of the point")
    out: Wide = object.__new__(kind or Wide)
    out.number = x
    return out


def _divided(x: Any, y: Any) -> Any:
    if not y:
        raise ZeroDivisionError("float division by zero")
    return x / y


def _floor_divided(x: Any, y: Any) -> Any:
    return _whole(_divided(x - _remainder(x, y), y), MP.nint) if MP.isfinite(x) and MP.isfinite(y) else MP.floor(x / y)


def _remainder(x: Any, y: Any) -> Any:
    if not y:
        raise ZeroDivisionError("float modulo")
    if MP.isinf(y) and MP.isfinite(x):
        return x if x * y >= 0 else y
    if not (MP.isfinite(x) and MP.isfinite(y)):
        return _NAN
    if x and MP.mag(x) - MP.mag(y) > 10**6:
        raise Lost("a remainder asks for more than a million bits")
    return x % y


def power(x: Any, y: Any) -> Any:
    """X to the y, of numbers of MP, as floats do it; ValueError where Python would give a complex number."""
    if not y or x == 1:
        return MP.one
    if MP.isnan(x) or MP.isnan(y):
        return _NAN
    if not x:
        if y < 0:
            raise ZeroDivisionError("0.0 cannot be raised to a negative power")
        return MP.zero
    if MP.isinf(y):
        return MP.one if abs(x) == 1 else _INF if (abs(x) > 1) == (y > 0) else MP.zero
    whole = MP.isint(y)
    if x < 0 and not whole and MP.isfinite(x):
        raise ValueError("a negative base with a fractional exponent has no real power")
    if MP.isinf(x):
        size = _INF if y > 0 else MP.zero
    else:
        if y * MP.log(abs(x)) > LARGEST:
            raise Lost("a power has more than 10⁷ digits in front of the point")
        size = MP.power(abs(x), int(y) if whole and abs(y) < 10**6 else y)
    return -size if x < 0 and whole and y % 2 == 1 else size


def _whole(x: Any, rounded: Callable[[Any], Any] = MP.floor) -> Any:
    if MP.isinf(x):
        raise OverflowError("cannot convert float infinity to integer")
    if MP.isnan(x):
        raise ValueError("cannot convert float NaN to integer")
    if x and MP.mag(x) > 10**6:
        raise Lost("a whole number has more than a million bits")
    return rounded(x)


class Wide(operations.Methods):
    """The real number `x` with 160 digits: of a float, a whole number, a Fraction, a number of mpmath.

    It has what a float and a Value have; `.data` is the number itself, so that what `x.data` cuts off is seen.

    >>> x = Wide(0.1) + 1e-40
    >>> x > 0.1, isinstance(x, float), x.data is x
    (True, True, True)
    """

    __slots__ = ("number",)
    number: Any
    record_gate: Callable[..., Any]  # `lifting` fills it in

    grad, name, path, primitive = 0.0, None, None, None
    _path = _primitive = None
    operands = partials = ()
    imag = 0.0

    def __init__(self, x: Any) -> None:
        self.number = x if isinstance(x, mpmath.ctx_mp_python._mpf) else read(x)
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

    def __copy__(self, memo: Any = None) -> Wide:
        return self

    __deepcopy__ = item = conjugate = named = __pos__ = __copy__
    data = real = property(__copy__)

    def backward(self) -> None:
        raise Lost("backward() inside the function")

    def __hash__(self) -> int:
        return hash(("wide", self.number))  # salted: what the user's caches hold of floats is not of this number

    def __bool__(self) -> bool:
        return bool(self.number)

    def __neg__(self) -> Wide:
        return wide(-self.number, type(self))

    def __abs__(self) -> Wide:
        return wide(abs(self.number), type(self))

    def __int__(self) -> int:
        return int(_whole(self.number, int))

    __trunc__ = __int__

    def __floor__(self) -> int:
        return int(_whole(self.number))

    def __ceil__(self) -> int:
        return int(_whole(self.number, MP.ceil))

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return int(_whole(self.number, MP.nint))
        scale = MP.mpf(10) ** digits
        return wide(MP.nint(self.number * scale) / scale, type(self)) if MP.isfinite(self.number) else self

    def rint(self) -> Wide:
        return wide(MP.nint(self.number), type(self))

    def is_integer(self) -> bool:
        return bool(MP.isint(self.number))

    def as_integer_ratio(self) -> tuple[int, int]:
        _whole(self.number)
        sign, man, exponent, _ = self.number._mpf_
        exact = Fraction(-man if sign else man) * Fraction(2) ** exponent
        return exact.numerator, exact.denominator

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __format__(self, spec: str) -> str:
        notes.written = True
        return format(_rounded(self), spec)

    def __repr__(self) -> str:
        return self.__format__("")


class Element(Wide):
    """A wide number out of a NumPy array: where floats of Python raise, its operators give nan or an infinity."""

    __slots__ = ()


def _rounded(x: Wide) -> float:
    return float(MP.mpf(x.number))


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
            if function is _divided and pair[0]:
                return wide(pair[0] * _INF, Element)
            return wide(_INF if function is power and not pair[0] else _NAN, Element)

    return operate


def _comparison(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(self: Wide, other: Any) -> Any:
        y = read(other)
        return NotImplemented if y is None else bool(function(self.number, y))

    return compare


for _name, _function in {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": _divided, "mod": _remainder,
    "floordiv": _floor_divided, "pow": power,
}.items():  # fmt: skip
    setattr(Wide, f"__{_name}__", _operator(_function))
    setattr(Wide, f"__r{_name}__", _operator(_function, swapped=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Wide, f"__{_name}__", _comparison(getattr(operator, _name)))
for _gate in gates():
    if _gate.is_method:
        setattr(Wide, _gate.name, getattr(operations, _gate.name))

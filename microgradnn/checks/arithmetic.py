"""Numbers of 160 digits with the arithmetic of Python's floats: what raises, the sign of a remainder, ∞ and nan.

Exponents have no bounds, so nothing overflows; but what would not end in reasonable time raises `Lost`. Numbers here
are those of mpmath; `wide` makes of them what passes for a float.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath

MP = mpmath.MPContext()  # a context of its own: the user's `mpmath.mp` stays as it is
MP.dps = 160
LARGEST = 2**25  # bits of the largest numbers, 10⁷ digits: beyond, towers of exp would run for minutes


class Lost(BaseException):
    """Digits of a wide number were lost, or would be; not an Exception, so that `except Exception` lets it pass."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        notes.lost.append(reason)


class Notes:
    """What wide numbers meet while a function runs: losses, also swallowed ones, whether one was written, the time."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.written = False
        self.deadline = math.inf


notes = Notes()


def divided(x: Any, y: Any) -> Any:
    """The quotient x / y."""
    if not y:
        raise ZeroDivisionError("float division by zero")
    return x / y


def floor_divided(x: Any, y: Any) -> Any:
    """The quotient x // y, a whole number."""
    rest = remainder(x, y)
    if MP.isnan(rest):
        return rest
    if MP.isinf(y):
        return MP.zero if rest == x else -MP.one
    return whole_of((x - rest) / y, MP.nint)


def remainder(x: Any, y: Any) -> Any:
    """The remainder x % y, with the sign of y."""
    if not y:
        raise ZeroDivisionError("float modulo")
    if MP.isinf(y) and MP.isfinite(x):
        return x if not x or (x > 0) == (y > 0) else y
    if not (MP.isfinite(x) and MP.isfinite(y)):
        return MP.nan
    if x and MP.mag(x) - MP.mag(y) > 10**6:
        raise Lost("a remainder asks for more than a million bits")
    return x % y


def power(x: Any, y: Any) -> Any:
    """Power x to the y, of numbers of MP, as floats do it; ValueError where Python would give a complex number."""
    exponent, size = y._mpf_[2:]
    if exponent >= 0 and exponent + size < 7 and x and MP.isfinite(x):  # a whole number below 64, soon done
        return x ** int(y)
    if not y or x == 1:
        return MP.one
    if MP.isnan(x) or MP.isnan(y):
        return MP.nan
    if not x:
        if y < 0 and not MP.isinf(y):
            raise ZeroDivisionError("0.0 cannot be raised to a negative power")
        return MP.zero if y > 0 else MP.inf
    if MP.isinf(y):
        return MP.one if abs(x) == 1 else MP.inf if (abs(x) > 1) == (y > 0) else MP.zero
    whole = MP.isint(y)
    if x < 0 and not whole and MP.isfinite(x):
        raise ValueError("a negative base with a fractional exponent has no real power")
    if MP.isinf(x):
        size = MP.inf if y > 0 else MP.zero
    else:
        if y * (MP.mag(x) - (y > 0)) > LARGEST:
            raise Lost("a power has more than 10⁷ digits in front of the point")
        size = MP.power(abs(x), int(y) if whole and abs(y) < 10**6 else y)
    return -size if x < 0 and whole and y % 2 == 1 else size


def whole_of(x: Any, rounded: Callable[[Any], Any] = MP.floor) -> Any:
    """`x` rounded to a whole number; raises for what is none."""
    if MP.isinf(x):
        raise OverflowError("cannot convert float infinity to integer")
    if MP.isnan(x):
        raise ValueError("cannot convert float NaN to integer")
    if x and MP.mag(x) > 10**6:
        raise Lost("a whole number has more than a million bits")
    return rounded(x)

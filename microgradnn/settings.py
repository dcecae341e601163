"""Limits of settings: what a setting may be, or what is said where it is something else.

A limit is called with the name and the value where the setting is declared. Here are the limits that several settings
share; a limit of one setting stands with it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from microgradnn.reading import number

Setting = TypeVar("Setting")


@dataclass(frozen=True)
class Limit(Generic[Setting]):
    """What a setting may be: in words, how it is read, and what holds for it then.

    >>> not_negative("lr", 1)
    1.0
    >>> not_negative("lr", -1, " of params[0]")
    Traceback (most recent call last):
    ValueError: lr of params[0] must be a finite number ≥ 0, got -1
    """

    wording: str
    read: Callable[[Any], Setting]
    holds: Callable[[Setting], bool]

    def __call__(self, name: str, value: Any, owner: str = "") -> Setting:
        """The value as it is read; TypeError or ValueError say what it may be and whose it is."""
        refusal: type[Exception] = ValueError
        try:
            if self.holds(setting := self.read(value)):
                return setting
        except TypeError:
            refusal = TypeError
        except (ValueError, OverflowError):  # too many numbers; a whole number too large for a float
            pass
        raise refusal(f"{name}{owner} must be {self.wording}, got {value!r:.60}") from None


def whole(x: Any) -> int:
    """Read a whole number; TypeError for what is none, as True."""
    if isinstance(x, bool):
        raise TypeError(f"{x} is no number")
    return int(operator.index(x))


finite = Limit("a finite number", number, math.isfinite)
not_negative = Limit("a finite number ≥ 0", number, lambda x: 0 <= x < math.inf)
positive = Limit("a finite number > 0", number, lambda x: 0 < x < math.inf)
below_one = Limit("a number in [0, 1)", number, lambda x: 0 <= x < 1)
count = Limit("a whole number ≥ 1", whole, lambda n: n >= 1)
flag = Limit("True or False", lambda value: value, lambda value: isinstance(value, bool))

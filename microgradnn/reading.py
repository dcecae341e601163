"""Reading numbers, one by one or in arrays of any library; what holds no numbers is refused with a remedy.

A Value is known here as what can record a gate; the arrays of NumPy, PyTorch and JAX by what they say of themselves.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def number(x: Any) -> float:
    """Return `x` as a float; refuse what is not one real number with a TypeError that says what to do.

    >>> number(True), number(3)
    (1.0, 3.0)
    """
    if _is_number(x):
        return float(x)
    if hasattr(x, "record_gate"):
        raise TypeError(f"expected a number, got {x!r}: {remedy(x)}")
    shape = getattr(x, "shape", None)
    several = any(hasattr(x, name) for name in ("__len__", "__array__", "__iter__"))
    if isinstance(x, (str, bytes, numbers.Complex)) or not (several or shape == ()):
        advice = remedy(x)
    elif shape == ():
        advice = f"use its {_plain(x)}.item() for the number in it"
    else:
        data = f"data{_plain(x)}.tolist()" if hasattr(x, "tolist") else "data"
        advice = f"take one number at a time, as in [tanh(v) for v in data] or [Value(v) for v in {data}]"
        if str(getattr(x, "dtype", "")) == "object":
            advice = "a function takes one number at a time, numpy.vectorize(f)(data) calls it for each"
        advice += f", or use its {_plain(x)}.item()" if shape == (1,) else ""
    raise TypeError(f"expected a number or a Value, got {type(x).__name__} {x!r:.60}: {advice}")


def numbers_in(data: Any, saying: str) -> np.ndarray[Any, Any]:
    """The numbers in `data`, nested lists or an array of any library, as a NumPy array.

    Raises TypeError for what are no real numbers, with what was `saying`, what was given and what to do.

    >>> numbers_in([[1, 2], [3, 4]], "X must hold numbers").shape
    (2, 2)
    >>> numbers_in(["1", "2"], "X must hold numbers")
    Traceback (most recent call last):
    TypeError: X must hold numbers, got ['1', '2']: convert it with float(...) first
    """
    import numpy as np

    array = read_array(data, saying)
    if array.dtype.kind == "O":
        with suppress(TypeError, OverflowError):
            array = np.vectorize(number, otypes=[float])(array)
    if array.dtype.kind not in "biuf":
        raise _refusal(data, saying)
    return array


def finite_array(name: str, data: Any) -> np.ndarray[Any, Any]:
    """The argument `name` as an array of finite numbers; TypeError or ValueError for anything else."""
    import numpy as np

    array = numbers_in(data, f"{name} must hold numbers in rows of equal length").astype(float)
    if array.size == 0:
        raise ValueError(f"{name} is empty: there must be at least one example, got the shape {array.shape}")
    if not np.isfinite(array).all():
        index = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(f"{name} must be finite, got {array[index]} at {list(index)}")
    return array


def read_array(data: Any, saying: str) -> np.ndarray[Any, Any]:
    """`data` as a NumPy array, of numbers or of objects such as Values; TypeError where NumPy cannot read it."""
    import numpy as np

    if np.ma.is_masked(data):
        raise TypeError(f"{saying}, got {data!r:.60}: masked entries are no numbers, use .compressed() or .filled(...)")
    try:
        return np.asarray(data)
    except (TypeError, ValueError, RuntimeError):  # the last: a tensor of PyTorch that requires a gradient
        raise _refusal(data, saying) from None


def _refusal(data: Any, saying: str) -> TypeError:
    advice = remedy(data)
    return TypeError(f"{saying}, got {data!r:.60}" + (f": {advice}" if advice else ""))


def remedy(x: Any) -> str:
    """What to do with `x`, or with the first thing in it that is no number; "" where there is nothing to say.

    >>> remedy([1.0, [2.0, None]])
    'did a function forget to return its result?'
    """
    if isinstance(x, (list, tuple)):
        return next(filter(None, map(remedy, x)), "")
    if _is_number(x):
        return ""
    if hasattr(x, "record_gate"):
        return "use its .data for the number in it"
    if isinstance(x, numbers.Complex):
        return "complex numbers are not supported, use two Values for the real and imaginary parts"
    if x is None:
        return "did a function forget to return its result?"
    if isinstance(x, Mapping):
        return "make a list of its values first, list(... .values())"
    if isinstance(x, Iterable) and not isinstance(x, (str, bytes)) and not hasattr(x, "__array__"):
        return "make a list of it first, list(...)"
    if hasattr(x, "__array__"):
        import numpy as np

        if _plain(x):
            return f"use its {_plain(x)}"
        array = np.asarray(x)
        if array.dtype.kind in "biuf" or (array.size and array.dtype.kind in "Oc"):
            return remedy(array.ravel().tolist())
    return "convert it with float(...) first"


def _plain(x: Any) -> str:
    """The calls that make of an array or a tensor one that NumPy reads, such as `.detach().float()`."""
    tensor = hasattr(x, "detach")  # of PyTorch
    calls = [
        (".detach()", tensor and x.requires_grad),
        (".to_dense()", tensor and x.is_sparse),
        (".cpu()", tensor and x.device.type != "cpu"),
        (".float()" if tensor else ".astype(float)", re.search("bfloat|float8", str(getattr(x, "dtype", "")))),
    ]
    return "".join(call for call, needed in calls if needed)


def _is_number(x: Any) -> bool:
    return isinstance(x, (float, int, numbers.Real)) or (
        type(x).__module__ == "numpy" and type(x).__name__ in {"bool", "bool_"}
    )


def is_sequence(x: Any) -> bool:
    """Whether `x` holds numbers one after the other; an array of no dimension can be iterated by its type alone."""
    return isinstance(x, Iterable) and not isinstance(x, (str, bytes, Mapping)) and getattr(x, "shape", None) != ()


def gathered(name: str, xs: tuple[Any, ...]) -> list[Any]:
    """The operands of a function of any number of them, given one by one or in one sequence; ValueError for none."""
    operands = list(xs[0] if len(xs) == 1 and is_sequence(xs[0]) else xs)
    if not operands:
        raise ValueError(f"{name} needs at least one number, got 0")
    return operands

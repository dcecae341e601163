"""NumPy on wide numbers: arrays of them are arrays of objects, and its functions have all floats widened.

NumPy computes with objects by their operators, so most of its functions stay as they are; here is what it does in C
alone. NumPy is imported where it is used already. What is made with fewer digits than float64 raises `Lost`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from microgradnn.checks.arithmetic import Lost
from microgradnn.checks.stand_ins import ALIASES, FUNCTIONS, Float, apply
from microgradnn.checks.wide import Element, read, wide


def widened(x: Any) -> Any:
    """`x` with its floats, and the elements of its arrays, as wide numbers."""
    if type(x).__name__ == "ndarray":
        if x.dtype.kind == "f" and x.dtype.itemsize != 8:
            raise Lost(f"{x.dtype} keeps fewer digits than float64")
        if x.dtype.kind in "fO":
            import numpy as np

            out = np.empty(x.shape, object)
            flat = out.ravel() if x.ndim == 0 else out.reshape(-1)
            flat[:] = [_element(number) for number in x.ravel().tolist()]
            return flat.reshape(x.shape)
        return x
    if isinstance(x, (list, tuple)):
        return x._make(map(widened, x)) if hasattr(x, "_make") else type(x)(map(widened, x))
    return _element(x) if type(x).__name__ == "float64" else x


def _element(x: Any) -> Any:
    number = None if isinstance(x, bool) else read(x)
    return x if number is None else wide(number, Element)


def array_function(f: Any) -> Any:
    """A function of NumPy or scipy for arrays of wide numbers."""
    import numpy as np

    name = ALIASES.get(f.__name__, f.__name__)
    if isinstance(f, np.ufunc) and (name not in FUNCTIONS or name == "remainder"):
        return f  # which uses the operators of objects; NumPy's remainder is %, that of math is another
    if name in ARRAYS:
        return functools.wraps(f)(lambda *args, **settings: widened(ARRAYS[name](np, *args, **settings)))
    if name in FUNCTIONS:
        elementwise = np.frompyfunc(lambda *xs: apply(name, xs, False), getattr(f, "nin", 1), 1)
        if name in ("isnan", "isinf", "isfinite", "signbit"):
            return functools.wraps(f)(lambda x, **settings: np.asarray(elementwise(x, **settings), bool)[()])
        return elementwise

    @functools.wraps(f)
    def function(*args: Any, **settings: Any) -> Any:
        args = tuple(
            float if arg is Float else widened(arg) if type(arg).__name__ == "ndarray" else arg for arg in args
        )
        if settings.get("dtype") is Float:
            settings["dtype"] = object
        return widened(f(*args, **settings))

    return function


def _solve(np: Any, a: Any, b: Any) -> Any:
    """X of a x = b by elimination with pivots."""
    rows = [list(row) for row in np.asarray(widened(np.asarray(a)), object)]
    b = np.asarray(b)
    right = [list(np.atleast_1d(row)) for row in b]
    _eliminate(rows, right)
    for i in reversed(range(len(rows))):
        for k in range(len(right[i])):
            known = sum((rows[i][j] * right[j][k] for j in range(i + 1, len(rows))), 0.0)
            right[i][k] = (right[i][k] - known) / rows[i][i]
    return np.array(right, object).reshape(b.shape)


def _eliminate(rows: list[list[Any]], right: list[list[Any]]) -> int:
    """Make `rows` upper triangular, in place; the sign of the permutation."""
    sign = 1
    for i in range(len(rows)):
        pivot = max(range(i, len(rows)), key=lambda n: abs(rows[n][i]))
        if rows[pivot][i] == 0:
            raise ValueError("singular matrix")
        if pivot != i:
            rows[i], rows[pivot], right[i], right[pivot], sign = rows[pivot], rows[i], right[pivot], right[i], -sign
        for n in range(i + 1, len(rows)):
            factor = rows[n][i] / rows[i][i]
            rows[n] = [x - factor * y for x, y in zip(rows[n], rows[i], strict=True)]
            right[n] = [x - factor * y for x, y in zip(right[n], right[i], strict=True)]
    return sign


def _determinant(np: Any, a: Any) -> Any:
    rows = [list(row) for row in widened(np.asarray(a, object))]
    try:
        sign = _eliminate(rows, [[] for _ in rows])
    except ValueError:
        return 0.0
    return math.prod((row[i] for i, row in enumerate(rows)), start=sign)


def _norm(np: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = widened(np.asarray(x, object))
    if ord in (None, 2, "fro") and (ord != 2 or x.ndim == 1 or axis is not None):
        return np.frompyfunc(lambda total: apply("sqrt", [total], False), 1, 1)((x * x).sum(axis, keepdims=keepdims))
    if ord in (1, np.inf) and (x.ndim == 1 or isinstance(axis, int)):
        return (abs(x).sum if ord == 1 else abs(x).max)(axis, keepdims=keepdims)
    raise Lost(f"norm with ord={ord!r} has no stand-in")


def _interpolated(np: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    xp, fp = list(xp), list(fp)

    def at(x: Any) -> Any:
        if x < xp[0] or x > xp[-1]:
            end = (fp[0] if left is None else left) if x < xp[0] else (fp[-1] if right is None else right)
            return _element(end)
        n = min(sum(1 for bound in xp if bound <= x), len(xp) - 1)
        return _element(fp[n - 1] + (fp[n] - fp[n - 1]) * ((x - xp[n - 1]) / (xp[n] - xp[n - 1])))

    return np.frompyfunc(at, 1, 1)(x)


def _cholesky(np: Any, a: Any) -> Any:
    a = widened(np.asarray(a, object))
    lower = widened(np.zeros(a.shape))
    for i in range(len(a)):
        for j in range(i + 1):
            rest = a[i, j] - lower[i, :j] @ lower[j, :j] if j else a[i, j]
            lower[i, j] = apply("sqrt", [rest], True) if i == j else rest / lower[j, j]
    return lower


def _log_sum(np: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    x = widened(np.asarray(x, object))
    highest = x.max(axis, keepdims=True)
    total = np.frompyfunc(lambda x: apply("exp", [x], False), 1, 1)(x - highest).sum(axis, keepdims=True)
    out = highest + np.frompyfunc(lambda x: apply("log", [x], False), 1, 1)(total)
    return out if keepdims else out.sum(axis)


ARRAYS: dict[str, Callable[..., Any]] = {
    "solve": _solve,
    "det": _determinant,
    "inv": lambda np, a: _solve(np, a, np.eye(len(a))),
    "slogdet": lambda np, a: (lambda d: (np.sign(d), apply("log", [abs(d)], False)))(_determinant(np, a)),
    "cholesky": _cholesky,
    "norm": _norm,
    "logsumexp": _log_sum,
    "interp": _interpolated,
    "isclose": lambda np, a, b, rtol=1e-5, atol=1e-8: abs(np.asarray(a) - b) <= atol + rtol * abs(np.asarray(b)),
    "allclose": lambda np, a, b, rtol=1e-5, atol=1e-8: bool(
        np.all(abs(np.asarray(a) - b) <= atol + rtol * abs(np.asarray(b)))),
    "finfo": lambda np, kind=float: np.finfo(float if kind is Float else kind),
}  # fmt: skip

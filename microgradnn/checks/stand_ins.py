"""What stands for functions and for the classes float, type and Value where numbers are wide.

One table of names, of functions on numbers of mpmath, serves math, NumPy (in `arrays`) and scipy.special: math raises
where there is no value, NumPy gives nan or an infinity. What is in no table stays as it is, and refuses by itself what
it cannot take. Nothing here knows how a function is rebuilt.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from microgradnn.checks.arithmetic import MP, Lost, notes, power
from microgradnn.checks.wide import Element, Wide, read, wide
from microgradnn.value import Value

mpf = MP.mpf


# ---- the one table: name → function on numbers of MP, for math, NumPy and scipy.special ------------------------------


def _copysign(x: Any, y: Any) -> Any:
    return abs(x) if y >= 0 else -abs(x)


def _fmod(x: Any, y: Any) -> Any:
    if MP.isinf(y) and MP.isfinite(x):
        return x
    return _copysign(abs(x) % abs(y), x) if y else MP.nan


def _sinc(x: Any) -> Any:
    return MP.sin(MP.pi * x) / (MP.pi * x) if x else MP.one


def _log_sum(x: Any, y: Any) -> Any:
    high, low = max(x, y), min(x, y)
    return high + MP.log1p(MP.exp(low - high)) if MP.isfinite(high) else high


FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(MP, name)
    for name in (
        "exp", "expm1", "log", "log10", "log1p", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh",
        "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "erfinv", "gamma", "rgamma", "beta", "digamma",
        "zeta", "binomial", "airyai", "lambertw", "ei", "fabs",
    )
} | {
    "cbrt": lambda x: MP.cbrt(x) if x >= 0 else -MP.cbrt(-x),
    "exp2": lambda x: MP.power(2, x), "exp10": lambda x: MP.power(10, x), "log2": lambda x: MP.log(x, 2), "pow": power,
    "hypot": lambda *xs: MP.sqrt(MP.fsum(x * x for x in xs)),
    "copysign": _copysign, "fmod": _fmod, "remainder": lambda x, y: x - y * MP.nint(x / y),
    "degrees": lambda x: x * 180 / MP.pi, "radians": lambda x: x * MP.pi / 180,
    "fma": lambda x, y, z: x * y + z, "ldexp": lambda x, n: MP.ldexp(x, int(n)),
    "lgamma": lambda x: MP.log(abs(MP.gamma(x))),
    "sign": lambda x: mpf(MP.sign(x)), "floor": MP.floor, "ceil": MP.ceil, "trunc": lambda x: mpf(int(x)),
    "rint": MP.nint, "heaviside": lambda x, y: y if x == 0 else mpf(int(x > 0)), "sinc": _sinc,
    "logaddexp": _log_sum, "logaddexp2": lambda x, y: _log_sum(x * MP.ln2, y * MP.ln2) / MP.ln2,
    "sigmoid": lambda x: 1 / (1 + MP.exp(-x)), "logit": lambda p: MP.log(p / (1 - p)),
    "log_expit": lambda x: -MP.log1p(MP.exp(-x)), "softplus": lambda x: MP.log1p(MP.exp(x)),
    "xlogy": lambda x, y: x * MP.log(y) if x else MP.zero, "xlog1py": lambda x, y: x * MP.log1p(y) if x else MP.zero,
    "entr": lambda x: -x * MP.log(x) if x > 0 else MP.zero if x == 0 else -MP.inf,
    "rel_entr": lambda x, y: x * MP.log(x / y) if x else MP.zero,
    "kl_div": lambda x, y: x * MP.log(x / y) - x + y if x else y,
    "ndtr": lambda x: MP.erfc(-x / MP.sqrt(2)) / 2, "log_ndtr": lambda x: MP.log(MP.erfc(-x / MP.sqrt(2)) / 2),
    "ndtri": lambda p: MP.sqrt(2) * MP.erfinv(2 * p - 1), "erfcx": lambda x: MP.exp(x * x) * MP.erfc(x),
    "j0": lambda x: MP.besselj(0, x), "j1": lambda x: MP.besselj(1, x), "jv": MP.besselj, "yv": MP.bessely,
    "iv": MP.besseli, "kv": MP.besselk, "i0": lambda x: MP.besseli(0, x), "i1": lambda x: MP.besseli(1, x),
    "ellipk": MP.ellipk, "ellipe": MP.ellipe, "betaln": lambda a, b: MP.log(MP.beta(a, b)),
    "gammainc": lambda a, x: MP.gammainc(a, 0, x, regularized=True),
    "gammaincc": lambda a, x: MP.gammainc(a, x, MP.inf, regularized=True),
    "betainc": lambda a, b, x: MP.betainc(a, b, 0, x, regularized=True),
    "isnan": MP.isnan, "isinf": MP.isinf, "isfinite": MP.isfinite, "signbit": lambda x: x < 0,
}  # fmt: skip
ALIASES = {f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")} | {
    "deg2rad": "radians", "rad2deg": "degrees", "gammaln": "lgamma", "expit": "sigmoid", "psi": "digamma",
    "binom": "binomial", "expi": "ei", "float_power": "pow", "power": "pow",
}  # fmt: skip
ANY_SIZE = {"log", "log2", "log10", "log1p", "sqrt", "cbrt", "fabs", "sign", "isnan", "isinf", "isfinite", "copysign"}


def apply(name: str, xs: Sequence[Any], strict: bool) -> Any:
    """The function `name` of the table; without a value ValueError where `strict`, as in math, else nan or ∞."""
    numbers = [read(x) for x in xs]
    if None in numbers:
        raise TypeError(f"{name} takes real numbers, got {xs[numbers.index(None)]!r:.60}")
    if name not in ANY_SIZE and any(x._mpf_[2] + x._mpf_[3] > 10**5 for x in numbers):
        raise Lost(f"{name} of a number with more than 30,000 digits in front of the point")
    try:
        out = FUNCTIONS[name](*numbers)
    except (ValueError, ZeroDivisionError, MP.NoConvergence):
        out = MP.inf if name == "pow" and not numbers[0] else MP.nan
    if isinstance(out, bool):
        return out
    if not isinstance(out, mpf):
        out = MP.nan if not hasattr(out, "imag") or out.imag else mpf(out.real)
    if strict and not MP.isfinite(out) and not any(MP.isnan(x) or (MP.isinf(x) and MP.isinf(out)) for x in numbers):
        raise ValueError("math domain error")
    return wide(out, None if strict else Element)


def _total(xs: Iterable[Any]) -> Any:
    return wide(MP.fsum(read(x) for x in xs))


def _root(x: Any) -> Any:
    return apply("sqrt", [x], True)


def _mean(data: Any, weights: Any = None) -> Any:
    data = list(data)
    if weights is not None:
        return _total(x * w for x, w in zip(data, weights, strict=True)) / _total(weights)
    return _total(data) / len(data)


def _variance(data: Any, mean: Any = None, lost: int = 0) -> Any:
    data = list(data)
    centre = _mean(data) if mean is None else mean
    return _total((x - centre) ** 2 for x in data) / (len(data) - lost)


def _modf(x: Any) -> tuple[Any, Any]:
    fraction = x - int(x)
    return fraction, x - fraction


def _frexp(x: Any) -> tuple[Any, int]:
    mantissa, exponent = MP.frexp(read(x))
    return wide(mantissa), int(exponent)


def _close(a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> bool:
    return bool(a == b or abs(a - b) <= max(rel_tol * max(abs(a), abs(b)), abs_tol))


SEVERAL: dict[str, Callable[..., Any]] = {  # functions of several numbers, or with several results
    "math.fsum": _total,
    "math.sumprod": lambda p, q: _total(a * b for a, b in zip(p, q, strict=True)),
    "math.dist": lambda p, q: _root(_total((a - b) ** 2 for a, b in zip(p, q, strict=True))),
    "math.modf": _modf, "math.frexp": _frexp, "math.isclose": _close,
    "statistics.mean": _mean, "statistics.fmean": _mean,
    "statistics.variance": lambda data, xbar=None: _variance(data, xbar, 1),
    "statistics.stdev": lambda data, xbar=None: _root(_variance(data, xbar, 1)),
    "statistics.pvariance": _variance, "statistics.pstdev": lambda data, mu=None: _root(_variance(data, mu)),
}  # fmt: skip


def math_function(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of math for wide numbers; of floats alone it stays what it was, as constants are floats."""

    @functools.wraps(f)
    def function(*xs: Any) -> Any:
        return apply(f.__name__, xs, True) if any(isinstance(x, Wide) for x in xs) else f(*xs)

    return function


# ---- what stands for float, type and Value ---------------------------------------------------------------------------


class _Kind(type):
    """The class of stand-ins: a wide number is an instance of them, and they equal what they stand for."""

    original: type

    def __instancecheck__(cls, x: Any) -> bool:
        return type(x) is Wide or type(x) is Element or type.__instancecheck__(cls.original, x)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.original)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is getattr(cls, "original", None)

    __hash__ = type.__hash__  # another than that of float, under which NumPy would look up its own


class _FloatKind(_Kind):
    def __getattr__(cls, name: str) -> Any:
        return getattr(float, name)

    def __call__(cls, x: Any = 0.0) -> Any:
        if isinstance(x, Wide):
            return x
        if isinstance(x, (str, bytes)) and notes.written:
            raise Lost("a number was written as text and read again")
        if type(x).__name__ == "ndarray":
            return cls(x.item())
        return Wide(x) if type(x) is int and abs(x) > 2**53 else float(x)


class Float(metaclass=_FloatKind):  # no subclass of float, of which NumPy would make doubles
    original = float


class _ConstantKind(_FloatKind):
    def __instancecheck__(cls, x: Any) -> bool:
        return type.__instancecheck__(float, x) and not isinstance(x, AnyValue)


class Constant(metaclass=_ConstantKind):
    """`float` in microgradnn's own code, where a wide number passes for a Value."""

    original = float


class _ValueKind(_Kind):
    def __call__(cls, x: Any, name: str | None = None) -> Any:
        return Wide(x)

    def __getattr__(cls, name: str) -> Any:
        return getattr(Wide, name)


class AnyValue(metaclass=_ValueKind):
    original = Value


class NumberKind(_Kind):
    def __call__(cls, x: Any = 0, of: Any = 1) -> Any:
        if isinstance(x, str):
            if notes.written:
                raise Lost("a number was written as text and read again")
            return Wide(cls.original(x)) if "/" in x else wide(mpf(x))
        return (x if isinstance(x, Wide) else Wide(x)) / of


class _TypeKind(type):
    def __call__(cls, *args: Any, **settings: Any) -> Any:
        if cls is Type and len(args) == 1:
            kind = type(args[0])
            return Float if kind in (Wide, Element, float) else kind
        return type.__call__(type if cls is Type else cls, *args, **settings)

    def __instancecheck__(cls, x: Any) -> bool:
        return type.__instancecheck__(type if cls is Type else cls, x)


class Type(type, metaclass=_TypeKind):
    pass

"""A function of floats rebuilt to run on wide numbers: `lift(f)`, or the reason why not.

The user's functions, classes and objects are copied, with what they call exchanged: math, NumPy and scipy.special by
one table of names, and whatever else takes a float refuses by itself, as `float(x)` of a wide number raises `Lost`. So
there is no list of what may be lifted. `verify` tells whether a lift keeps its digits; nothing here knows derivatives.
"""

from __future__ import annotations

import builtins
import collections
import copy
import functools
import importlib
import math
import random
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

from microgradnn.checks.wide import MP, Element, Lost, Wide, notes, power, read, wide
from microgradnn.primitive import NOTHING, ForwardError, Primitive
from microgradnn.value import Value

mpf = MP.mpf


class Unliftable(Lost):
    """A function that cannot be lifted, with the reason."""


# ---- the one table: name → function on numbers of MP, for math, NumPy and scipy.special -------------------------------


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
    "exp2": lambda x: MP.power(2, x), "log2": lambda x: MP.log(x, 2), "pow": power,
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
    "math.log": lambda x, base=math.e: apply("log", [x], True) / (1 if base is math.e else apply("log", [base], True)),
    "statistics.mean": _mean, "statistics.fmean": _mean,
    "statistics.variance": lambda data, xbar=None: _variance(data, xbar, 1),
    "statistics.stdev": lambda data, xbar=None: _root(_variance(data, xbar, 1)),
    "statistics.pvariance": _variance, "statistics.pstdev": lambda data, mu=None: _root(_variance(data, mu)),
}  # fmt: skip


# ---- what stands for float, type and Value ----------------------------------------------------------------------------


class _Kind(type):
    """The class of stand-ins: a wide number is an instance of them, and they equal what they stand for."""

    original: type

    def __instancecheck__(cls, x: Any) -> bool:
        return type(x) is Wide or type(x) is Element or type.__instancecheck__(cls.original, x)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls.original)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is getattr(cls, "original", None)

    def __hash__(cls) -> int:
        return hash(cls.original)


class _FloatKind(_Kind):
    def __call__(cls, x: Any = 0.0) -> Any:
        if isinstance(x, Wide):
            return x
        if isinstance(x, (str, bytes)) and notes.written:
            raise Lost("a number was written as text and read again")
        if type(x).__name__ == "ndarray":
            return cls(x.item())
        return Wide(x) if type(x) is int and abs(x) > 2**53 else float(x)


class _Float(float, metaclass=_FloatKind):
    original = float


class _ConstantKind(_FloatKind):
    def __instancecheck__(cls, x: Any) -> bool:
        return type.__instancecheck__(float, x) and not isinstance(x, _Value)


class _Constant(float, metaclass=_ConstantKind):
    """`float` in microgradnn's own code, where a wide number passes for a Value."""

    original = float


class _ValueKind(_Kind):
    def __call__(cls, x: Any, name: str | None = None) -> Any:
        return Wide(x)

    def __getattr__(cls, name: str) -> Any:
        return getattr(Wide, name)


class _Value(metaclass=_ValueKind):
    original = Value


class _NumberKind(_Kind):
    def __call__(cls, x: Any = 0, of: Any = 1) -> Any:
        if isinstance(x, str):
            if notes.written:
                raise Lost("a number was written as text and read again")
            return Wide(cls.original(x)) if "/" in x else wide(mpf(x))
        return (x if isinstance(x, Wide) else Wide(x)) / of


class _TypeKind(type):
    def __call__(cls, *args: Any, **settings: Any) -> Any:
        if cls is _Type and len(args) == 1:
            kind = type(args[0])
            return _Float if kind in (Wide, Element, float) else kind
        return type.__call__(type if cls is _Type else cls, *args, **settings)

    def __instancecheck__(cls, x: Any) -> bool:
        return type.__instancecheck__(type if cls is _Type else cls, x)


class _Type(type, metaclass=_TypeKind):
    pass


# ---- rebuilding -------------------------------------------------------------------------------------------------------

_FOREIGN = {*sys.stdlib_module_names, *sys.builtin_module_names} - {"statistics", "__main__", "this"} | {
    "numpy", "scipy", "mpmath", "torch", "jax", "jaxlib", "pandas", "sympy", "numba", "tensorflow", "sklearn", "autograd",
}  # fmt: skip
_EXCHANGED = {"math", "numpy", "scipy", "statistics", "decimal", "fractions"}  # modules whose functions have stand-ins
_PLAIN = {int, str, bytes, bool, float, complex, type(None), range, slice, type(...), types.CodeType, Primitive}
# Of a class; without __init_subclass__ hooks of the user do not run again.
_NOT_COPIED = {"__dict__", "__weakref__", "__slots__", "__abstractmethods__", "_abc_impl", "__init_subclass__"}
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)


def _package(module: Any) -> str:
    return str(module or "").partition(".")[0]


def _is_own(module: Any) -> bool:
    return _package(module) not in _FOREIGN


class _Module(types.ModuleType):
    """A module whose attributes are lifted when they are asked for."""

    def __init__(self, module: types.ModuleType, lifted: Callable[[Any], Any]) -> None:
        super().__init__(module.__name__)
        vars(self).update(_original=module, _lifted=lifted, __doc__=None)
        if hasattr(module, "__path__"):
            self.__path__ = module.__path__

    def __getattr__(self, name: str) -> Any:
        value = self._lifted(getattr(self._original, name))
        vars(self)[name] = value
        return value


class _Globals(dict[str, Any]):
    """The global names of a module, lifted when they are asked for; what is assigned stays here."""

    def __init__(self, names: dict[str, Any], lift: _Lift) -> None:
        super().__init__({name: names[name] for name in ("__name__", "__package__", "__spec__") if name in names})
        self["__builtins__"] = lift.own_builtins if _package(names.get("__name__")) == "microgradnn" else lift.builtins
        self.names, self.lift = names, lift

    def __missing__(self, name: str) -> Any:
        value = self[name] = self.lift(self.names[name])
        return value


class _Lift:
    """One rebuilding: what it has met, by identity, so that what is shared stays shared and cycles end."""

    def __init__(self) -> None:
        self.memo: dict[int, tuple[Any, Any]] = {}  # by id: the original, which so stays alive, and the copy
        self.builtins = {**vars(builtins), "float": _Float, "type": _Type, "__import__": self.imported}
        self.own_builtins = self.builtins | {"float": _Constant}
        for original, stand_in in ((float, _Float), (type, _Type), (Value, _Value), (Wide, _Float)):
            self.memo[id(original)] = original, stand_in
        self.memo[id(importlib.import_module)] = importlib.import_module, self.import_module
        for name, attribute in (("numpy", "float64"), ("decimal", "Decimal"), ("fractions", "Fraction")):
            if (original := getattr(sys.modules.get(name), attribute, None)) is not None:
                stand_in = _Float if name == "numpy" else _NumberKind(attribute, (), {"original": original})
                self.memo[id(original)] = original, stand_in

    def __call__(self, x: Any) -> Any:
        kind = type(x)
        if kind in _PLAIN:
            return x
        if id(x) in self.memo:
            return self.memo[id(x)][1]
        if kind in _HOW:
            return _HOW[kind](self, x)
        if isinstance(x, type):
            return self.kind(x)
        if isinstance(x, types.ModuleType):
            return self.module(x)
        if kind.__name__ == "ufunc" or kind.__name__ == "_ArrayFunctionDispatcher":
            return self.keep(x, array_function(x))
        if kind.__name__ == "ndarray":
            return self.keep(x, widened(x.copy()))
        if isinstance(x, Value):
            return self.keep(x, Wide(x._data))
        return self.instance(x)

    def keep(self, x: Any, lifted: Any) -> Any:
        self.memo[id(x)] = x, lifted
        return lifted

    # ---- code ----

    def imported(self, name: str, *args: Any, **settings: Any) -> Any:
        return self(builtins.__import__(name, *args, **settings))

    def import_module(self, name: str, package: str | None = None) -> Any:
        return self(importlib.import_module(name, package))

    def module(self, x: types.ModuleType) -> Any:
        package = _package(x.__name__)
        lifted = (package in _EXCHANGED or _is_own(package)) and not x.__name__.startswith("numpy.random")
        return self.keep(x, _Module(x, self) if lifted else x)

    def globals(self, names: dict[str, Any]) -> Any:
        return self.memo[id(names)][1] if id(names) in self.memo else self.keep(names, _Globals(names, self))

    def function(self, f: types.FunctionType) -> Any:
        module = f.__globals__.get("__name__")
        if name := SEVERAL.get(f"{f.__module__}.{f.__name__}"):
            return self.keep(f, name)
        if not (_is_own(module) or f.__closure__):
            wrapped = _package(module) in _EXCHANGED and _package(module) != "fractions"
            return self.keep(f, array_function(f) if wrapped else f)
        names = self.globals(f.__globals__)
        _look_up_in_classes(f.__code__, names)
        cells = [self.memo[id(cell)][1] if id(cell) in self.memo else None for cell in f.__closure__ or ()]
        new = [self.keep(cell, types.CellType()) if known is None else known for cell, known in
               zip(f.__closure__ or (), cells, strict=True)]  # fmt: skip
        lifted = self.keep(f, types.FunctionType(f.__code__, names, f.__name__, None, tuple(new)))
        for cell, known, fresh in zip(f.__closure__ or (), cells, new, strict=True):
            if known is None:
                try:
                    contents = cell.cell_contents
                except ValueError:  # empty: the name is not assigned yet
                    continue
                fresh.cell_contents = self(contents)
        lifted.__defaults__, lifted.__kwdefaults__ = self(f.__defaults__), self(f.__kwdefaults__)
        lifted.__qualname__, lifted.__doc__ = f.__qualname__, f.__doc__
        vars(lifted).update({name: self(value) for name, value in vars(f).items()})
        return lifted

    def builtin(self, f: Any) -> Any:
        owner = getattr(f, "__self__", None)
        if owner is not None and not isinstance(owner, (types.ModuleType, type)):
            return self.keep(f, getattr(self(owner), f.__name__))
        if f"{f.__module__}.{f.__name__}" in SEVERAL:
            return self.keep(f, SEVERAL[f"{f.__module__}.{f.__name__}"])
        if f.__module__ == "math" and f.__name__ in FUNCTIONS and f.__name__ not in ("floor", "ceil", "trunc"):
            return self.keep(f, math_function(f))
        return self.keep(f, array_function(f) if _package(f.__module__) == "numpy" else f)

    # ---- classes and objects ----

    def kind(self, x: type) -> Any:
        if not _is_own(x.__module__) or issubclass(x, (Enum, Primitive)):
            return self.keep(x, x)
        bases, meta = tuple(map(self, x.__bases__)), type(x)
        slots = {"__slots__": x.__dict__["__slots__"]} if "__slots__" in x.__dict__ else {}
        make = type.__new__ if _is_own(meta.__module__) else meta.__new__
        names = {"__module__": x.__module__, "__qualname__": x.__qualname__} | slots
        try:
            lifted = make(self(meta) if _is_own(meta.__module__) else meta, x.__name__, bases, names)
        except TypeError as error:
            raise Unliftable(f"the class {x.__name__} cannot be rebuilt: {error}") from None
        self.keep(x, lifted)
        for name, value in list(vars(x).items()):
            if name not in _NOT_COPIED and not isinstance(value, _SLOTS):
                type.__setattr__(lifted, name, self(value))
        if "__abstractmethods__" in vars(x):
            lifted.__abstractmethods__ = x.__abstractmethods__
        return lifted

    def instance(self, x: Any) -> Any:
        kind = type(x)
        if isinstance(x, (random.Random,)) or kind.__module__.startswith("numpy.random"):
            return self.keep(x, copy.deepcopy(x))
        if kind.__module__ == "numpy" and kind.__name__ == "vectorize":
            return self.keep(x, type(x)(self(x.pyfunc)))
        if isinstance(x, Iterator) and not _is_own(kind.__module__):
            raise Unliftable(f"it goes on with {kind.__name__} {x!r:.60}, which cannot be begun again")
        lifted_kind = self(kind)
        if lifted_kind is kind or not _is_own(kind.__module__) or isinstance(x, (type, BaseException, str, int, float)):
            return self.keep(x, x)
        base = next(base for base in kind.__mro__ if base.__module__ == "builtins" or base in _HOW)
        members = [*map(self, x)] if base is tuple else None
        lifted = self.keep(x, base.__new__(lifted_kind, members) if base is tuple else base.__new__(lifted_kind))
        if issubclass(base, dict):
            for key, value in dict.items(x):
                dict.__setitem__(lifted, self(key), self(value))
        elif issubclass(base, list):
            list.extend(lifted, map(self, list.__iter__(x)))
        elif issubclass(base, set):
            set.update(lifted, map(self, set.__iter__(x)))
        for owner in kind.__mro__:
            for name, slot in vars(owner).items():
                if isinstance(slot, types.MemberDescriptorType) and hasattr(x, name):
                    object.__setattr__(lifted, name, self(getattr(x, name)))
        if hasattr(x, "__dict__"):
            vars(lifted).update({name: self(value) for name, value in vars(x).items()})
        return lifted

    def container(self, x: Any) -> Any:
        lifted = copy.copy(x)
        if isinstance(lifted, list) and all(type(member) in _PLAIN for member in lifted):
            return self.keep(x, lifted)
        lifted.clear()
        self.keep(x, lifted)
        if isinstance(lifted, dict):
            if isinstance(lifted, collections.defaultdict):
                lifted.default_factory = self(x.default_factory)
            for key, value in x.items():
                lifted[self(key)] = self(value)
        else:
            (lifted.extend if hasattr(lifted, "extend") else lifted.update)(map(self, x))
        return lifted


def _made(make: Callable[[_Lift, Any], Any]) -> Callable[[_Lift, Any], Any]:
    return lambda lift, x: lift.keep(x, make(lift, x))


_HOW: dict[type, Callable[[_Lift, Any], Any]] = {
    types.FunctionType: _Lift.function,
    types.BuiltinFunctionType: _Lift.builtin,
    types.MethodType: _made(lambda lift, x: types.MethodType(lift(x.__func__), lift(x.__self__))),
    **dict.fromkeys((list, dict, set, collections.deque, collections.OrderedDict, collections.defaultdict,
                     collections.Counter), _Lift.container),
    tuple: _made(lambda lift, x: tuple(map(lift, x))),
    frozenset: _made(lambda lift, x: frozenset(map(lift, x))),
    types.SimpleNamespace: _made(lambda lift, x: types.SimpleNamespace(**lift(vars(x)))),
    types.MappingProxyType: _made(lambda lift, x: types.MappingProxyType(lift(dict(x)))),
    functools.partial: _made(lambda lift, x: functools.partial(lift(x.func), *lift(x.args), **lift(x.keywords))),
    functools.partialmethod: _made(
        lambda lift, x: functools.partialmethod(lift(x.func), *lift(x.args), **lift(x.keywords))),
    functools._lru_cache_wrapper: _made(
        lambda lift, x: functools.lru_cache(**x.cache_parameters())(lift(x.__wrapped__))),
    property: _made(lambda lift, x: property(lift(x.fget), lift(x.fset), lift(x.fdel))),
    staticmethod: _made(lambda lift, x: staticmethod(lift(x.__func__))),
    classmethod: _made(lambda lift, x: classmethod(lift(x.__func__))),
    type(...): lambda lift, x: x,
}  # fmt: skip


def _cached_property(lift: _Lift, x: Any) -> Any:
    lifted = functools.cached_property(lift(x.func))
    lifted.attrname = x.attrname
    return lift.keep(x, lifted)


_HOW[functools.cached_property] = _cached_property


def _look_up_in_classes(code: types.CodeType, names: _Globals, inside: bool = False) -> None:
    """Lift the names that bodies of classes read: there Python looks into the dict itself."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _look_up_in_classes(constant, names, not constant.co_flags & 2)  # CO_NEWLOCALS is a function's
    if inside:
        for name in code.co_names:
            if name in names.names and name not in names:
                names[name]


# ---- functions of math and NumPy -------------------------------------------------------------------------------------


def math_function(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of math for wide numbers; of floats alone it stays what it was, as constants are floats."""

    @functools.wraps(f)
    def function(*xs: Any) -> Any:
        return apply(f.__name__, xs, True) if any(isinstance(x, Wide) for x in xs) else f(*xs)

    return function


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
    if isinstance(f, np.ufunc) and name not in FUNCTIONS:
        return f
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
            float if arg is _Float else widened(arg) if type(arg).__name__ == "ndarray" else arg for arg in args
        )
        if settings.get("dtype") is _Float:
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


ARRAYS: dict[str, Callable[..., Any]] = {
    "solve": _solve,
    "det": _determinant,
    "inv": lambda np, a: _solve(np, a, np.eye(len(a))),
    "norm": _norm,
    "interp": _interpolated,
    "isclose": lambda np, a, b, rtol=1e-5, atol=1e-8: abs(np.asarray(a) - b) <= atol + rtol * abs(np.asarray(b)),
    "allclose": lambda np, a, b, rtol=1e-5, atol=1e-8: bool(
        np.all(abs(np.asarray(a) - b) <= atol + rtol * abs(np.asarray(b)))),
    "finfo": lambda np, kind=float: np.finfo(float if kind is _Float else kind),
}  # fmt: skip


# ---- lifting ----------------------------------------------------------------------------------------------------------


def lift(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` rebuilt to run on wide numbers, in the containers in which `f` takes and gives floats; f stays as it is.

    Raises Unliftable with the reason where that can be seen at once; the result raises Lost where digits get lost.

    >>> f = lift(lambda x: math.exp(x) - 1)
    >>> f(Wide(0.0) + 1e-40) > 0
    True
    """
    lifted = _Lift()(f)
    if lifted is f and not isinstance(f, Primitive):
        raise Unliftable(f"{getattr(f, '__name__', f)!s:.60} is not written in Python")
    return noticing(lifted)


def noticing(lifted: Callable[..., Any]) -> Callable[..., Any]:
    """`lifted`, which raises Lost also where what it called has swallowed one."""

    @functools.wraps(lifted, updated=())
    def function(*args: Any, **settings: Any) -> Any:
        notes.lost.clear()
        notes.written = False
        out = lifted(*args, **settings)
        if notes.lost:
            raise Lost(notes.lost[0])
        return out

    return function


# ---- is a lift to be believed? ----------------------------------------------------------------------------------------


def numbers_in(tree: Any) -> list[Any]:
    """The numbers in nested lists, tuples, dicts and arrays, in order; a Value as its number."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if type(tree).__name__ == "ndarray":
        tree = tree.ravel().tolist()
    if isinstance(tree, (list, tuple)):
        return [number for branch in tree for number in numbers_in(branch)]
    return [tree.data] if isinstance(tree, Value) else [] if tree is None or isinstance(tree, str) else [tree]


def like(tree: Any, numbers: Iterator[Any]) -> Any:
    """Nested lists, tuples, dicts and arrays of the shape of `tree` with the next of `numbers` in each place.

    >>> like({"a": [1.0, 2.0], "b": (3.0,)}, iter("xyz"))
    {'a': ['x', 'y'], 'b': ('z',)}
    """
    if isinstance(tree, dict):
        return {key: like(branch, numbers) for key, branch in tree.items()}
    if type(tree).__name__ == "ndarray":
        members = [next(numbers) for _ in range(tree.size)]
        if all(type(member) is float for member in members):
            return (
                type(tree)(tree.shape, buffer=bytearray(8 * tree.size)) if not members else _array(members, tree.shape)
            )
        return _array([_element(member) for member in members], tree.shape)
    if isinstance(tree, (list, tuple)):
        branches = [like(branch, numbers) for branch in tree]
        return tree._make(branches) if hasattr(tree, "_make") else type(tree)(branches)
    return tree if tree is None or isinstance(tree, (str, bool)) else next(numbers)


def _array(members: list[Any], shape: tuple[int, ...]) -> Any:
    import numpy as np

    return np.array(members).reshape(shape)


def verify(f: Callable[..., Any], lifted: Callable[..., Any], args: tuple[Any, ...]) -> str | None:
    """Why the lift of `f` is not to be believed at `args`, as a sentence; None where it is.

    It must agree with f, up to what its own run with 53 bits explains, at the point and where each argument is moved
    (above 16 numbers, where all are moved at random). And its slope over a step of 10⁻⁴⁰ must be that of two secants
    over 10⁻⁹: where digits get lost, it is 0 or too small. `f` takes numbers nested like `args` and gives numbers.

    >>> f = lambda x: x * x
    >>> verify(f, lift(f), (3.0,))
    >>> f = lambda x: float(f"{x:.17g}") ** 2
    >>> verify(f, lift(f), (3.0,))
    'a number was written as text and read again'
    """
    point = [float(x) for x in numbers_in(args)]
    sizes = [abs(x) or 1.0 for x in point]
    if len(point) <= 16:
        directions = [[size if i == n else 0.0 for i, size in enumerate(sizes)] for n in range(len(point))]
    else:
        rng = random.Random(0)
        directions = [[size * rng.uniform(-1.0, 1.0) for size in sizes] for _ in range(3)]

    def value(step: Any, direction: list[float]) -> list[Any]:
        moved = [Wide(x) + step * d if d else Wide(x) for x, d in zip(point, direction, strict=True)]
        out = [read(y) for y in numbers_in(lifted(*like(args, iter(moved))))]
        if None in out:
            raise Lost("it gives something else than numbers")
        return out

    try:
        for moved in [point] + [[x + 0.0123 * d for x, d in zip(point, direction)] for direction in directions]:
            if reason := _difference(f, lifted, args, moved, moved is point):
                return reason
        for direction in directions:
            if reason := _lost_slope(functools.partial(value, direction=direction)):
                return reason
    except Lost as loss:
        return str(loss)
    return None


def _difference(f: Any, lifted: Any, args: Any, numbers: list[float], is_point: bool) -> str | None:
    """Where the lift has another value than f has."""
    try:
        floats = numbers_in(f(*like(args, iter(numbers))))
    except Exception:
        if is_point:
            raise
        return None  # outside the domain
    runs = []
    for digits in (160, 15):
        MP.dps = digits
        try:
            runs.append([read(y) for y in numbers_in(lifted(*like(args, map(Wide, numbers))))])
        except Exception as error:
            return f"lifted, it raises {type(error).__name__}: {error!s:.200}"
        finally:
            MP.dps = 160
    if len(floats) != len(runs[0]):
        return f"lifted, it gives {len(runs[0])} numbers and not {len(floats)}"
    for y, exact, rounded in zip(floats, *runs, strict=True):
        if exact is None:
            return "lifted, it gives something else than numbers"
        if not math.isfinite(y):
            if MP.isfinite(exact) and abs(exact) < 1e300:
                return f"its value is {y} and, lifted, {MP.nstr(exact, 10)}"
        elif not abs(y - exact) <= 100 * abs(rounded - exact) + 1e-10 * abs(exact) + 1e-290:
            return f"its value is {y!r} and, lifted, {MP.nstr(exact, 17)}"
    return None


def _lost_slope(value: Callable[[Any], list[Any]]) -> str | None:
    """Where the slope over a tiny step is not that of secants."""

    def secants(step: Any) -> list[Any]:
        values = []
        for sign in (1, -1):
            try:
                values.append(value(sign * step))
            except Exception:
                values.append(value(0))
        return [(above - below) / step for above, below in zip(*values, strict=True)]

    for tiny, near, far in zip(*map(secants, (mpf("1e-40"), mpf("1e-9"), mpf("2e-9"))), strict=True):
        if not MP.isfinite(tiny):
            continue
        change = abs(far - near)
        if abs(tiny - near) > 4 * change + abs(near) * mpf("1e-13") and change < abs(near):
            return (
                f"its slope is {MP.nstr(tiny, 10)} over a step of 1e-40 and {MP.nstr(near, 10)} over 1e-9: digits get "
                "lost, or it is made of steps"
            )
    return None


_forwards: weakref.WeakKeyDictionary[Primitive, tuple[Any, Any]] = weakref.WeakKeyDictionary()


def forward_of(gate: Primitive) -> Callable[..., Any]:
    """The forward function of a gate, lifted.

    >>> from microgradnn.table import tanh
    >>> forward_of(tanh)(Wide(0.5))
    0.46211715726000973
    """
    return _lifted_of(gate)[0]  # type: ignore[no-any-return]


def _lifted_of(gate: Primitive) -> tuple[Any, Any]:
    if gate not in _forwards:
        rebuild = _Lift()
        _forwards[gate] = rebuild(gate.forward), rebuild(gate._limit)
    return _forwards[gate]


def _record_gate(self: Wide, gate: Primitive, operands: Sequence[Any], by_limit: bool = False) -> Any:
    forward, limit = _lifted_of(gate)
    xs = [x if isinstance(x, (Wide, float)) else x._data if isinstance(x, Value) else float(x) for x in operands]
    try:
        out = forward(*xs)
    except ForwardError as error:
        if not by_limit:
            raise gate.refusal(operands, error) from None
        out = math.nan if limit is None else limit(*xs)
    return out if out is NOTHING or isinstance(out, Wide) else Wide(out)


Wide.record_gate = _record_gate

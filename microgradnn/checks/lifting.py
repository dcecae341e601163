"""A function of floats rebuilt to run on wide numbers: `lift(f)`, or the reason why not.

The user's functions, classes and objects are copied, with what they call exchanged: math, NumPy and scipy.special for
their stand-ins, and whatever else takes a float refuses by itself, as `float(x)` of a wide number raises `Lost`. So
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
import time
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from microgradnn import functional
from microgradnn.checks.arguments import spread
from microgradnn.checks.arithmetic import MP, Lost, notes
from microgradnn.checks.arrays import array_function, widened
from microgradnn.checks.stand_ins import FUNCTIONS, SEVERAL, AnyValue, Constant, Float, NumberKind, Type, math_function
from microgradnn.checks.wide import Wide, read
from microgradnn.primitive import NOTHING, ForwardError, Primitive
from microgradnn.trees import like
from microgradnn.value import Value


class Unliftable(Lost):
    """A function that cannot be lifted, with the reason."""


# ---- rebuilding ------------------------------------------------------------------------------------------------------

_FOREIGN = sys.stdlib_module_names - {"statistics"} | {
    "numpy", "scipy", "mpmath", "torch", "jax", "jaxlib", "pandas", "sympy", "numba", "tensorflow", "sklearn",
    "autograd",
}  # fmt: skip
_EXCHANGED = {"math", "numpy", "scipy", "decimal", "fractions", "importlib"}  # modules with stand-ins in them
_SECONDS = 10.0  # that a call may take
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
        self.builtins = {**vars(builtins), "float": Float, "type": Type, "__import__": self.imported}
        self.own_builtins = self.builtins | {"float": Constant}
        self.keep(float, Float)
        self.keep(type, Type)
        self.keep(Value, AnyValue)
        self.keep(Wide, Float)
        self.keep(importlib.import_module, self.import_module)
        for name, attribute in (("numpy", "float64"), ("decimal", "Decimal"), ("fractions", "Fraction")):
            if (original := getattr(sys.modules.get(name), attribute, None)) is not None:
                self.keep(original, Float if name == "numpy" else NumberKind(attribute, (), {"original": original}))

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
        if stand_in := SEVERAL.get(f"{f.__module__}.{f.__name__}"):
            return self.keep(f, stand_in)
        if not (_is_own(module) or f.__closure__):
            return self.keep(f, array_function(f) if _package(module) in ("numpy", "scipy") else f)
        names = self.globals(f.__globals__)
        _look_up_in_classes(f.__code__, names)
        new = [cell for cell in f.__closure__ or () if id(cell) not in self.memo]
        for cell in new:
            self.keep(cell, types.CellType())
        cells = tuple(self.memo[id(cell)][1] for cell in f.__closure__ or ())
        lifted = self.keep(f, types.FunctionType(f.__code__, names, f.__name__, None, cells))
        for cell in new:
            with suppress(ValueError):  # empty: the name is not assigned yet
                self.memo[id(cell)][1].cell_contents = self(cell.cell_contents)
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
        given = {name: vars(x)[name] for name in ("__slots__", "__orig_bases__") if name in vars(x)}
        make = type.__new__ if _is_own(meta.__module__) else meta.__new__
        names = {"__module__": x.__module__, "__qualname__": x.__qualname__} | given
        try:
            lifted = make(self(meta) if _is_own(meta.__module__) else meta, x.__name__, bases, names)
        except TypeError as error:
            raise Unliftable(f"the class {x.__name__} cannot be rebuilt: {error}") from None
        self.keep(x, lifted)
        for name, value in list(vars(x).items()):
            if name not in _NOT_COPIED and not isinstance(value, _SLOTS):
                type.__setattr__(lifted, name, self(value))
        if "__abstractmethods__" in vars(x):
            type.__setattr__(lifted, "__abstractmethods__", vars(x)["__abstractmethods__"])
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
        base: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins" or base in _HOW)
        members: list[Any] = [[*map(self, x)]] if base is tuple else []
        lifted = self.keep(x, base.__new__(lifted_kind, *members))
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
            if float in x:
                lifted[float] = lifted[Float]  # for what looks up the class that a number says it has
        else:
            (lifted.extend if hasattr(lifted, "extend") else lifted.update)(map(self, x))
            if isinstance(lifted, set) and float in x:
                lifted.add(float)
        return lifted


def _made(make: Callable[[_Lift, Any], Any]) -> Callable[[_Lift, Any], Any]:
    return lambda lift, x: lift.keep(x, make(lift, x))


_HOW: dict[type, Callable[[_Lift, Any], Any]] = {
    # With a short way in C; where there is none the next line says what to do.
    type(functional.tanh): _made(lambda lift, x: lift(x.__wrapped__)),
    types.FunctionType: _Lift.function,
    types.BuiltinFunctionType: _Lift.builtin,
    types.MethodType: _made(lambda lift, x: types.MethodType(lift(x.__func__), lift(x.__self__))),
    weakref.WeakKeyDictionary: _made(lambda lift, x: weakref.WeakKeyDictionary()),  # a cache, as of singledispatch
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


# ---- lifting ---------------------------------------------------------------------------------------------------------


def lift(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` rebuilt to run on wide numbers, in the containers in which `f` takes and gives floats; f stays as it is.

    Raises Unliftable with the reason where that can be seen at once; the result raises Lost where digits get lost.

    >>> f = lift(lambda x: math.exp(x) - 1)
    >>> f(Wide(0.0) + 1e-40) > 0
    True
    """
    try:
        lifted = _Lift()(f)
    except Exception as error:  # of code that stands where a class or an instance is made
        raise Unliftable(f"rebuilt for wide numbers, it raises {type(error).__name__}: {error!s:.200}") from error
    asking = getattr(f, "__module__", None) in ("builtins", "_operator") or f in (math.floor, math.ceil, math.trunc)
    if lifted is f and not isinstance(f, Primitive) and not asking:  # they ask the number itself
        raise Unliftable(f"{getattr(f, '__name__', f)!s:.60} is not written in Python")
    return _noticing(lifted)


def _noticing(lifted: Callable[..., Any]) -> Callable[..., Any]:
    """`lifted`, which raises Lost also where what it called has swallowed one, or takes no wide number."""

    @functools.wraps(lifted, updated=())
    def function(*args: Any, **settings: Any) -> Any:
        known, written, deadline = len(notes.lost), notes.written, notes.deadline
        notes.written, notes.deadline = False, min(deadline, time.monotonic() + _SECONDS)
        try:
            out = lifted(*map(_arrays, args), **settings)
            if len(notes.lost) > known:
                raise Lost(notes.lost[known])
        except ForwardError:
            raise
        except Exception as error:  # of code that floats run through
            raise Lost(
                f"on wide numbers it raises {type(error).__name__}: {str(error).partition(chr(10))[0]:.80}"
            ) from error
        finally:
            notes.written, notes.deadline = written, deadline
            if deadline == math.inf:  # no other lifted function is at work
                notes.lost.clear()
        return out

    return function


def _arrays(x: Any) -> Any:
    """`x` with arrays of elements: what comes out of them is not a float of Python, but of NumPy."""
    return widened(x) if type(x).__name__ == "ndarray" else x


_forwards: weakref.WeakKeyDictionary[Primitive, tuple[Any, Any]] = weakref.WeakKeyDictionary()


def forward_of(gate: Primitive) -> Callable[..., Any]:
    """The forward function of a gate, lifted.

    >>> from microgradnn.table import tanh
    >>> forward_of(tanh)(Wide(0.5))
    0.46211715726000974
    """
    return _lifted_of(gate)[0]  # type: ignore[no-any-return]


def _lifted_of(gate: Primitive) -> tuple[Any, Any]:
    if gate not in _forwards:
        rebuild = _Lift()
        _forwards[gate] = _noticing(rebuild(gate.forward)), rebuild(gate._limit)
    return _forwards[gate]


def record(gate: Primitive, operands: Sequence[Any], by_limit: bool = False) -> Any:
    """The gate on wide numbers and floats; its limit, if told to, where it has no value."""
    forward, limit = _lifted_of(gate)
    xs = [x if isinstance(x, (Wide, float)) else x._data if isinstance(x, Value) else float(x) for x in operands]
    try:
        out = forward(*xs)
    except ForwardError as error:
        if not by_limit:
            raise gate.refusal(operands, error) from None
        out = math.nan if limit is None else limit(*xs)
    return out if out is NOTHING or isinstance(out, Wide) else Wide(out)


Wide.record_gate = lambda self, gate, operands, by_limit=False: record(gate, operands, by_limit)


# ---- is a lift to be believed? ---------------------------------------------------------------------------------------


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
    point = [float(x) for x in spread(args)]
    sizes = [abs(x) or 1.0 for x in point]
    if len(point) <= 16:
        directions = [[size if i == n else 0.0 for i, size in enumerate(sizes)] for n in range(len(point))]
    else:
        rng = random.Random(0)
        directions = [[size * rng.uniform(-1.0, 1.0) for size in sizes] for _ in range(3)]

    def value(function: Callable[..., Any], numbers: Iterable[Any]) -> list[Any]:
        result = function(*like(args, iter(numbers)))
        return [None] if result is None else [read(y) for y in spread(result)]

    def along(direction: list[float]) -> Callable[[Any], list[Any]]:
        ways = list(zip(point, direction, strict=True))
        return lambda step: value(lifted, [Wide(x) + step * d if d else Wide(x) for x, d in ways])

    runs, known = [], len(notes.lost)
    try:
        for direction in [[0.0] * len(point), *directions]:
            moved = [x + 0.0123 * d for x, d in zip(point, direction, strict=True)]
            try:
                floats = value(f, moved)
            except Exception:
                if not any(direction):
                    raise
                continue  # outside the domain
            if not (None in floats and any(direction)):  # it is where a power is complex
                runs.append((floats, *(_with_digits(n, value, lifted, map(Wide, moved)) for n in (160, 15))))
        if reason := _difference(runs):
            return reason
        for direction in directions:
            if reason := _lost_slope(along(direction)):
                return reason
    except Lost as loss:
        return str(loss)
    finally:
        del notes.lost[known:]
    return None


def _with_digits(digits: int, value: Callable[..., list[Any]], *given: Any) -> list[Any]:
    """What a lifted function gives where all results are rounded to so many digits."""
    MP.dps = digits
    try:
        return value(*given)
    except Exception as error:
        raise Lost(f"lifted, it raises {type(error).__name__}: {error!s:.200}") from None
    finally:
        MP.dps = 160


def _difference(runs: list[tuple[list[Any], ...]]) -> str | None:
    """Where the lift has another value than f; each run is that of f, the lift, and the lift with 53 bits."""
    for floats, exact, rounded in runs:
        if len(floats) != len(exact):
            return f"lifted, it gives {len(exact)} numbers and not {len(floats)}"
        if None in floats + exact + rounded:
            return "it gives something else than numbers"
    for n in range(len(runs[0][0])):
        noise = max((abs(rounded[n] - exact[n]) for _, exact, rounded in runs if MP.isfinite(exact[n])), default=0)
        for y, true in ((floats[n], exact[n]) for floats, exact, _ in runs):
            too_large = not MP.isfinite(y) and not abs(true) < MP.mpf("1e300")
            if not (too_large or abs(y - true) <= 100 * noise + abs(true) * MP.mpf("1e-14") + MP.mpf("1e-290")):
                return f"its value is {MP.nstr(y, 17)} and, lifted, {MP.nstr(true, 17)}"
    return None


def _lost_slope(value: Callable[[Any], list[Any]]) -> str | None:
    """Where the slope over tiny steps is not that over the smallest steps that floats can take."""

    def secants(step: str) -> list[Any]:
        ends = []
        for sign in (1, -1):
            try:
                ends.append((sign, value(sign * MP.mpf(step))))
            except ForwardError:  # outside the domain: the secant of one side
                ends.append((0, here))
        (right, above), (left, below) = ends
        return [(a - b) / ((right - left or 1) * MP.mpf(step)) for a, b in zip(above, below, strict=True)]

    here = value(0)
    tiny, small = secants("1e-40"), functools.cache(lambda: secants("1e-20"))
    asked = [n for n, slope in enumerate(tiny) if MP.isfinite(slope)]
    for step, doubled in (("1e-9", "2e-9"), ("1e-11", "2e-11"), ("1e-13", "2e-13")):
        if not asked:
            break
        near, far, unsettled = secants(step), secants(doubled), []
        for n in asked:
            error = 4 * abs(far[n] - near[n]) + abs(near[n]) * MP.mpf("1e-13")
            if abs(near[n]) < abs(here[n]) * MP.mpf("1e-90"):
                continue  # a slope that drowns even in 160 digits
            if error > abs(near[n]) / 1000 and (step != "1e-13" or abs(tiny[n]) > abs(near[n]) / 1000):
                unsettled.append(n)  # secants so long say nothing
            elif abs(tiny[n] - near[n]) > error and abs(small()[n] - tiny[n]) <= abs(tiny[n] - near[n]) / 1000:
                return (  # else the slope is infinite
                    f"its slope is {MP.nstr(tiny[n], 10)} over a step of 1e-40 and {MP.nstr(near[n], 10)} over {step}: "
                    "digits get lost, or it is made of steps"
                )
        asked = unsettled
    return None

"""The truth about the derivatives of a case, by differences of its function in the words of mpmath.

The function of a case runs again with its names exchanged: `tanh` is the twin of the gate, on numbers of 400 digits
(600 for order 2). What the rules of microgradnn claim comes from its floats. Nothing here knows how a checker works.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable, Sequence
from types import FunctionType, SimpleNamespace
from typing import Any, NamedTuple

import mpmath

from microgradnn import grad, hessian, no_grad
from microgradnn.primitive import Primitive, gates
from microgradnn.trees import leaves, like

CONTEXT = mpmath.mp.clone()
DIGITS = {1: 400, 2: 600}
NO_VALUE = (ArithmeticError, ValueError, TypeError)  # TypeError: a comparison of numbers that came out complex

# ---- functions in mpmath's words -------------------------------------------------------------------------------------


def twin(gate: Primitive) -> Callable[..., Any]:
    """The gate in mpmath: its function of that name, or what the entry says in mpmath's words."""
    if gate.exact is None:
        return getattr(CONTEXT, gate.name)  # type: ignore[no-any-return]
    names = {name: getattr(CONTEXT, name) for name in dir(CONTEXT) if not name.startswith("_")}
    words = {**names, **vars(builtins), "abs": abs, "sum": builtins.sum, "max": max, "min": min}
    return eval(f"lambda {', '.join(gate.parameters())}: {gate.exact}", words)  # type: ignore[no-any-return]


def _gathered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Of separate numbers or of one sequence of them."""
    return lambda *xs: function(*(xs[0] if len(xs) == 1 and isinstance(xs[0], (list, tuple)) else xs))


def _softmax(*xs: Any) -> list[Any]:
    exponentials = [CONTEXT.exp(x - max(xs)) for x in xs]
    return [e / sum(exponentials) for e in exponentials]


def _dot(w: Any, x: Any, b: Any = 0.0) -> Any:
    return sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b


def _tanh(x: Any) -> Any:
    return CONTEXT.tanh(x) if abs(x) < 1e3 else CONTEXT.sign(x)


TWINS = {gate.name: twin(gate) for gate in gates()}
TWINS |= {"leaky_relu": lambda x, slope=0.01: x if x > 0 else slope * x}
TWINS |= {"elu": lambda x, alpha=1.0: x if x > 0 else alpha * CONTEXT.expm1(x)}
TWINS |= {"xlogy": lambda x, y: x * CONTEXT.log(y) if x else 0 * x, "tanh": _tanh}
TWINS |= {"power": lambda x, y: x**y, "cbrt": lambda x: CONTEXT.sign(x) * CONTEXT.cbrt(abs(x))}
_MATH = SimpleNamespace(
    pi=math.pi, e=math.e, prod=math.prod, **{name: TWINS[name] for name in dir(math) if name in TWINS}
)
WORDS: dict[str, Any] = {
    **{name: function for name, function in TWINS.items() if name not in ("abs", "sum")},  # for those, Python's
    **{name: _gathered(TWINS[name]) for name in ("maximum", "minimum", "norm", "logsumexp")},
    "softmax": _gathered(_softmax), "dot": _dot, "mean": _gathered(lambda *xs: sum(xs) / len(xs)),
    "math": _MATH, "__builtins__": builtins,
}  # fmt: skip


def in_mpmath(f: Any, *planted: Callable[..., Any]) -> Callable[..., Any]:
    """The function `f` in mpmath's words; `planted` are the twins that stand for its first arguments."""
    if isinstance(f, Primitive) or not hasattr(f, "__code__") or f.__code__.co_filename.startswith("<microgradnn"):
        return TWINS[f.__name__]
    function = FunctionType(f.__code__, WORDS, f.__name__, f.__defaults__)
    function.__kwdefaults__ = f.__kwdefaults__
    return lambda *args: function(*planted, *args)


def on_point(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[Sequence[Any]], Any]:
    """`f` of the flat list of the numbers of `args`; raises one of NO_VALUE where it has no real, finite value."""

    def of_list(point: Sequence[Any]) -> Any:
        result = f(*like(args, iter(point)))
        if isinstance(result, CONTEXT.mpc) or not CONTEXT.isfinite(result):
            raise ValueError(f"{result} is no real number")
        return result

    return of_list


# ---- slopes ----------------------------------------------------------------------------------------------------------


class Sides(NamedTuple):
    """The slopes on the left and on the right; None where there is no value. `jumps` where one side does not join."""

    left: Any
    right: Any
    jumps: bool = False

    @property
    def smooth(self) -> bool:
        if self.left is None or self.right is None or self.jumps or CONTEXT.isinf(self.left - self.right):
            return False
        return bool(abs(self.left - self.right) <= CONTEXT.mpf("1e-18") * max(abs(self.left), abs(self.right)))


def sides(f: Callable[[Any], Any], x: Any, h: Any, finer: Any, rounding: float = 1e-300) -> Sides:
    """The slopes of `f` at x, told from how its differences change from the step h to a finer one.

    Differences below `rounding`, relative to the largest value, are none.
    """
    values = [_value(f, at) for at in (x, x - h, x - finer, x + h, x + finer)]
    here = values[0]
    if here is None:
        return Sides(None, None)
    size = max(abs(value) for value in values if value is not None)
    slopes, jumps = [], False
    for sign, coarse, fine in [(-1, *values[1:3]), (1, *values[3:])]:
        if coarse is None or fine is None:
            slopes.append(None)
            continue
        coarse, fine = coarse - here, fine - here
        if max(abs(coarse), abs(fine)) <= max(rounding * size, CONTEXT.mpf("1e-390")):
            coarse = fine = CONTEXT.zero
        jumps |= bool(fine and abs(fine) > abs(coarse) / 2 and abs(fine) > 1e-25 * size)
        coarse, fine = coarse / (sign * h), fine / (sign * finer)
        if abs(fine) < abs(coarse) / 2:
            slopes.append(CONTEXT.zero)
        else:
            slopes.append(fine if abs(fine) < 2 * abs(coarse) or not fine else CONTEXT.sign(fine) * CONTEXT.inf)
    return Sides(*slopes, jumps)


def _value(f: Callable[[Any], Any], x: Any) -> Any:
    try:
        return f(x)
    except NO_VALUE:
        return None


def _steps(x: Any, exponent: int) -> tuple[Any, Any]:
    """Two steps beside x, some digits below it."""
    size = abs(x) if x else CONTEXT.one
    return size * CONTEXT.mpf(10) ** -exponent, size * CONTEXT.mpf(10) ** -(exponent + 10)


def true_slopes(f: Callable[..., Any], args: tuple[Any, ...]) -> list[Sides]:
    """The slopes of `f`, a function in mpmath's words, by each number of `args`."""
    with CONTEXT.workdps(DIGITS[1]):
        of_list, point = on_point(f, args), [CONTEXT.mpf(x) for x in leaves(args)]

        def along(i: int) -> Callable[[Any], Any]:
            return lambda x: of_list([*point[:i], x, *point[i + 1 :]])

        return [sides(along(i), x, *_steps(x, 50)) for i, x in enumerate(point)]


def true_second_slopes(f: Callable[..., Any], args: tuple[Any, ...]) -> list[list[Sides]]:
    """The slopes, left and right, of each ∂f/∂xᵢ by each xⱼ."""
    with CONTEXT.workdps(DIGITS[2]):
        of_list, point = on_point(f, args), [CONTEXT.mpf(x) for x in leaves(args)]

        def moved(at: Sequence[Any], i: int, x: Any) -> list[Any]:
            return [*at[:i], x, *at[i + 1 :]]

        def slope(at: Sequence[Any], i: int) -> Any:
            step = _steps(point[i], 160)[0]
            return (of_list(moved(at, i, at[i] + step)) - of_list(moved(at, i, at[i] - step))) / (2 * step)

        return [
            [sides(lambda x, i=i, j=j: slope(moved(point, j, x), i), y, *_steps(y, 40), 1e-100)
             for j, y in enumerate(point)]
            for i in range(len(point))
        ]  # fmt: skip


# ---- what the rules claim --------------------------------------------------------------------------------------------


def claimed(f: Callable[..., Any], args: tuple[Any, ...]) -> list[float]:
    """The gradient by the rules of microgradnn, flat."""
    return _floats(grad, f, args)


def claimed_second(f: Callable[..., Any], args: tuple[Any, ...]) -> list[list[float]]:
    """The second derivatives by the rules of microgradnn."""
    flat, count = _floats(hessian, f, args), len(leaves(args))
    return [flat[n : n + count] for n in range(0, count * count, count)]


def _floats(derivative: Callable[..., Any], f: Callable[..., Any], args: tuple[Any, ...]) -> list[float]:
    of_list = derivative(lambda point: f(*like(args, iter(point))))
    with no_grad():  # plain numbers, also of a function that reaches other Values
        return leaves(of_list([float(x) for x in leaves(args)]))


def distance(claim: float, truth: Any, size: Any) -> float:
    """The error of a claim, relative to it or to the truth; none where it is rounding beside slopes of that size."""
    if not math.isfinite(claim):
        return 0.0 if claim == truth else math.inf
    if abs(claim - truth) <= max(sys.float_info.min, 1e-14 * size):
        return 0.0
    return float(abs(claim - truth) / max(abs(claim), abs(truth)))


def verdict(slope: Sides, claim: float, sound: float, size: Any = 0) -> str | None:
    """The verdict on a claim; `sound` is what the rules claim without what was planted. None where it is unclear.

    Right is what agrees to ten digits, as do all rules of the table where rounding is kind. A planted rule is wrong
    where it is further off than the sound one. Sound rules that are off by more than 10⁻⁴ are "off": the digits are
    lost, or choices at kinks do not go together.
    """
    if slope.left is None or slope.right is None:
        return "outside"
    if slope.jumps:
        return "jump"
    if not slope.smooth:
        low, high = sorted((slope.left, slope.right))
        if CONTEXT.isinf(low) or CONTEXT.isinf(high):
            return "steep"
        return "kink" if low - 1e-12 * abs(low) <= claim <= high + 1e-12 * abs(high) else "wrong"
    truth = (slope.left + slope.right) / 2
    if claim == sound:
        error = distance(claim, truth, size)
        return "right" if error <= 1e-10 else "off" if error > 1e-4 else None
    error, floor = distance(claim, truth, 0), distance(sound, truth, size)
    if floor > 1e-11:
        return None
    return "wrong" if error > max(1e-10, 30 * floor) else "right" if error <= 1e-12 else None


def largest(slopes: Sequence[Sides]) -> Any:
    """The size of the largest of the slopes that are finite."""
    return max((abs(slope.left) for slope in slopes if slope.smooth), default=CONTEXT.zero)

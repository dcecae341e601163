"""Derivatives compared with differences of the function.

Differences see only the values of a function and know nothing of the rules that they check.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

from microgradnn.backprop import jacobian, leaves, like
from microgradnn.context import no_grad
from microgradnn.primitive import ForwardError
from microgradnn.reading import number
from microgradnn.value import Value

EPSILON = 2.0**-52  # the distance from 1.0 to the next float
BESIDE = 0.00113  # where order 2 and above look again: close by, and no round number, which might be a kink


def numeric_grad(f: Callable[..., Any], args: tuple[Any, ...], h: float = 1e-5, one_sided: bool = False) -> Any:
    """The gradient of `f` at `args` by differences alone: (f(x+s) − f(x−s)) / 2s with s = h · max(1, |x|).

    `one_sided` takes (f(x+s) − f(x)) / s, whose error shrinks as h and not as h² (note 001). The result is a
    tuple nested like `args`. Raises TypeError when `f` does not return one number, and what `f` raises at a
    point beside `args`.

    >>> numeric_grad(lambda x, y: x * y, (2.0, 3.0), h=2**-10)
    (3.0, 2.0)
    >>> numeric_grad(lambda v: v[0] ** 2, ([1.0, 5.0],), h=2**-10, one_sided=True)
    ([2.0009765625, 0.0],)
    """
    point = _point(args)
    if not h > 0:
        raise ValueError(f"the step h must be above 0, got {h!r}")

    def value(index: int, at: float) -> float:
        result = _evaluated(f, like(args, iter(_moved(point, index, at))))
        if isinstance(result, (list, tuple)):
            raise TypeError(f"numeric_grad needs a function that returns one number, got {len(result)}")
        return _numbers(result)[0]

    def slope(index: int) -> float:
        x, step = point[index], h * max(1.0, abs(point[index]))
        above, below = x + step, x if one_sided else x - step
        return (value(index, above) - value(index, below)) / (above - below)

    return like(args, map(slope, range(len(point))))


def check_grads(f: Callable[..., Any], args: tuple[Any, ...], order: int = 1, *, rtol: float | None = None) -> None:
    """Compare the derivatives of `f` at `args`, of all orders up to `order`, with central differences.

    Order k is the exact derivative of order k against differences of the exact derivative of order k − 1, and
    order 1 against differences of `f` itself. Each argument is a number or a nested list of numbers, the
    result a number or a nested list. They must agree to `rtol` (10⁻⁶) relative to the largest of both and of the
    slope over the widest step, plus what rounding does to the difference of two numbers of the size of f: about
    8 ε |f| / h. From order 2 on, the lower orders are checked close by as well.

    Raises AssertionError that names the worst argument, both numbers, the error and the tolerance; where the
    slopes left and right of the point disagree it says so. (At a kink the derivative passes if it is the mean
    of the two, as that of abs at 0.) A nan or an infinity never passes, not even against another one: where f
    has no derivative there is none to check. ValueError where f has no values on both sides of `args`.

    >>> from microgradnn import tanh
    >>> check_grads(lambda w, x: tanh(w[0] * x + w[1]), ([0.5, -1.0], 2.0), order=2)
    >>> from microgradnn.primitive import primitive, scratch_table
    >>> with scratch_table():
    ...     wrong = primitive("wrong", lambda x: x * x, lambda out, x: x)
    ...     check_grads(wrong, (3.0,))
    Traceback (most recent call last):
    AssertionError: derivative of f by argument 0 = 3.0: 3.0 by backprop, 6.0 by differences, error 3 ...
    """
    point = _point(args)
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be 1, 2, 3 …, got {order!r}")
    rtol = 1e-6 if rtol is None else number(rtol)
    if not 0.0 <= rtol < math.inf:
        raise ValueError(f"rtol is a relative error such as 1e-6, got {rtol!r}")
    positions = [position for i, arg in enumerate(args) for position in _places(arg, f"argument {i}")]

    def f_of_list(x: Any) -> Any:
        return f(*like(args, iter(x)))

    f_of_list.__name__ = getattr(f, "__name__", type(f).__name__)  # for messages

    outputs = _places(_evaluated(f_of_list, (point,)), "f")
    exact, lower = f_of_list, _flat_values(f_of_list)
    for k in range(1, order + 1):
        derivative = jacobian(exact)
        by_backprop = _flat_derivatives(derivative)(point)
        findings = []
        for index, position in enumerate(positions):
            verdicts = _compare(by_backprop[index :: len(point)], lower, point, index, k, rtol, position)
            for verdict, (output, *by) in zip(verdicts, product(outputs, *[positions] * (k - 1)), strict=True):
                what = f"derivative of {output} by {', '.join([*by, position])} = {point[index]!r}"
                findings.append((verdict, what if k == 1 else f"order {k}, {what}"))
        if findings:
            worst, what = max(findings, key=lambda finding: finding[0].excess)
            if worst.excess > 1.0:
                raise AssertionError(f"{what}: {worst}")
        exact, lower = derivative, _flat_derivatives(derivative)
    if order > 1:  # those differences are of derivatives beside the point, which must be right as well
        for index, x in enumerate(point):
            for offset in (-BESIDE, BESIDE):
                beside = _moved(point, index, x + offset * max(1.0, abs(x)))
                with suppress(ValueError):  # outside the domain
                    check_grads(f, like(args, iter(beside)), order - 1, rtol=rtol)


# ---- differences --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Verdict:
    """One derivative by backprop, beside the slopes across the point, on its left and on its right."""

    exact: float
    across: float
    left: float
    right: float
    tolerance: float
    rounding: float  # of the slope, by the size of f
    allowance: float  # how much of that may count towards the tolerance
    widest: float  # the slope across with the first step
    kink: bool

    @property
    def error(self) -> float:
        return abs(self.exact - self.across)

    @property
    def excess(self) -> float:
        """The error in units of the tolerance: up to 1 passes; infinite where one of them is not a number."""
        if not math.isfinite(self.error):
            return math.inf
        return self.error / self.tolerance if self.tolerance else 0.0 if self.error == 0.0 else math.inf

    def settles(self, before: _Verdict) -> bool:
        """Whether the slope is that of the wider step before, so that the step is not to blame for an error."""
        size = max(abs(self.across), abs(before.across))
        return abs(self.across - before.across) <= 1e-6 * size + self.rounding

    def __str__(self) -> str:
        text = f"{self.exact!r} by backprop, {self.across!r} by differences, "
        text += f"error {self.error:.3g} with a tolerance of {self.tolerance:.3g}"
        if self.kink:
            text += f"; the slope is {self.left:.6g} on the left and {self.right:.6g} on the right: a kink or a jump"
        return text


def _compare(
    by_backprop: list[float], lower: Callable[[Any], list[float]], point: list[float], index: int, order: int,
    rtol: float, position: str,
) -> list[_Verdict]:  # fmt: skip
    """Verdicts on the derivatives of the numbers of `lower` by number `index` of the point.

    The step shrinks as long as it leaves the domain or finds another slope than the step before, as near a pole
    or a kink. The first step that agrees decides, and so does one that finds the same wrong slope again.
    """
    x = point[index]
    step = math.ldexp(1.0, order - 18 + max(0, math.frexp(x)[1]))  # noisier derivatives get wider steps
    verdicts: dict[int, _Verdict] = {}
    waiting = list(range(len(by_backprop)))
    for _ in range(20):
        at = x - step, x, x + step
        step /= 8
        if x in (at[0], at[2]):
            break
        try:
            values = [lower(_moved(point, index, beside)) for beside in at]
        except ForwardError:
            step = min(step, abs(x) / 1024) if x else step  # near the edge of a domain that begins at 0
            continue
        for row in list(waiting):
            before = verdicts.get(row)
            now = verdicts[row] = _verdict(by_backprop[row], at, [value[row] for value in values], rtol, before)
            if now.excess <= 1.0 or (before and now.settles(before)):
                waiting.remove(row)
        if not waiting:
            break
    if len(verdicts) < len(by_backprop):
        raise ValueError(f"f has no values on both sides of {position} = {x!r}: differences cannot check it there")
    return [verdicts[row] for row in range(len(by_backprop))]


def _verdict(
    exact: float, at: tuple[float, ...], values: list[float], rtol: float, before: _Verdict | None
) -> _Verdict:
    (low, x, high), (below, here, above) = at, values
    across, left, right = (above - below) / (high - low), (here - below) / (x - low), (above - here) / (high - x)
    widest = before.widest if before else abs(across)
    size = max(abs(exact), abs(across), widest)  # at a flat point the slopes vanish as fast as their errors
    rounding = 8 * EPSILON * max(abs(below), abs(above)) / (high - low)
    allowance = before.allowance if before else 8 * rounding  # not even the smallest steps pass by rounding alone
    tolerance = rtol * size + min(rounding, max(1e-3 * size, allowance))
    gap, kink = abs(right - left), False
    if before:  # where f is smooth, a smaller step closes the gap between both sides and keeps the slope across
        stays = gap > tolerance and 2 * gap > abs(before.right - before.left)
        kink = stays or abs(across) > 4 * abs(before.across)
    return _Verdict(exact, across, left, right, tolerance, rounding, allowance, widest, kink)


def _flat_values(f: Callable[[Any], Any]) -> Callable[[Any], list[float]]:
    return lambda x: _numbers(_evaluated(f, (x,)))


def _flat_derivatives(derivative: Callable[[Any], Any]) -> Callable[[Any], list[float]]:
    def numbers(x: Any) -> list[float]:
        with no_grad():  # plain numbers, whatever f reaches
            return leaves(derivative(x))

    return numbers


# ---- arguments ----------------------------------------------------------------------------------------------


def _point(args: Any) -> list[float]:
    if not isinstance(args, tuple):
        raise TypeError(f"args is the tuple of the arguments, write (x,) for one: got {type(args).__name__} {args!r}")
    return _numbers(args)


def _numbers(tree: Any) -> list[float]:
    return [leaf.data if isinstance(leaf, Value) else number(leaf) for leaf in leaves(tree)]


def _evaluated(f: Callable[..., Any], args: Any) -> Any:
    """The result of `f` on Values that record nothing."""
    with no_grad():
        return f(*like(args, map(Value, _numbers(args))))


def _moved(point: list[float], index: int, x: float) -> list[float]:
    return [*point[:index], x, *point[index + 1 :]]


def _places(tree: Any, position: str) -> list[str]:
    """Where each number of a nested list stands: `[0][1]`, after `position`."""
    if isinstance(tree, (list, tuple)):
        return [inner for i, branch in enumerate(tree) for inner in _places(branch, f"{position}[{i}]")]
    return [position]

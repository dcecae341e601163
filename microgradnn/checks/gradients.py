"""Derivatives of whole functions: `report_grads` says what it found, `check_grads` raises it.

What is true comes from the function itself, run on wide numbers, or from differences of floats where that cannot be
done; neither knows the rules that are checked.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from microgradnn.checks.arguments import point_of
from microgradnn.checks.verdicts import Report
from microgradnn.context import no_grad
from microgradnn.reading import number
from microgradnn.trees import like
from microgradnn.value import Value


def report_grads(
    f: Callable[..., Any], args: tuple[Any, ...], order: int = 1, *, rtol: float | None = None,
    of: Callable[..., Any] | None = None, kwargs: dict[str, Any] | None = None,
) -> Report:  # fmt: skip
    """Say of every derivative of `f` at `args`, of all orders up to `order`, whether it is right, and why.

    - `f`: the function to check; it gives one number
    - `args`: its arguments, in a tuple; they are trees, as those of `grad`
    - `order`: the derivatives of all orders from 1 up to this one are looked at
    - `rtol`: how far rules and numbers may differ, relative to their size
    - `of`: a function that gives the gradient of `f`, to be checked in place of backprop
    - `kwargs`: keyword arguments of `f`; nothing is differentiated by them

    The function is run once more on numbers of 160 digits, where a slope is as good as exact: a derivative by backprop
    must be that slope, the partials of every gate on the way must be the slopes of that gate. Where the function does
    not run on such numbers, floats are used and the report says why. Rules must agree to 13 digits, numbers to 6, or
    both to `rtol`.

    With `of`, the gradient of any Python function of floats, lists or NumPy arrays is checked, as computed by
    `of(*args)`: numbers nested like the arguments (one argument needs no tuple), also in tensors and arrays. A claim
    must agree to `rtol`, 1e-9; in single precision to 1e-4, in half to 1e-2, in bfloat16 to 0.1.

    Raises TypeError for arguments and results that are no numbers, ValueError for a function that gives another result
    when it is called again, and what `f` raises.

    >>> from microgradnn import primitive, scratch_table, tanh
    >>> print(report_grads(lambda w, x: tanh(w[0] * x + w[1]), ([0.5, -1.0], 2.0)))
    derivative by   exact   numeric   error   verdict   known by
    ─────────────   ─────   ───────   ─────   ───────   ────────
    argument 0[0]       2         2       0   right     proof
    argument 0[1]       1         1       0   right     proof
    argument 1        0.5       0.5       0   right     proof
    >>> with scratch_table():
    ...     wrong = primitive("wrong", lambda x: x * x, lambda out, x: x)
    ...     [finding] = report_grads(wrong, (3.0,))
    >>> finding.verdict, finding.exact, finding.numeric, finding.by, finding.gate
    ('wrong', 3.0, 6.0, 'proof', 'wrong(3.0)')
    >>> check_grads(lambda p, *, rate: p["w"] ** 2 * rate, ({"w": 3.0},), kwargs={"rate": 0.1})
    >>> import math
    >>> bool(report_grads(math.sin, (1.0,), of=math.cos)), bool(report_grads(math.sin, (1.0,), of=math.sin))
    (True, False)
    """
    if not callable(f):
        raise TypeError(f"report_grads takes a function, got {type(f).__name__} {f!r:.60}: write lambda x: …")
    point = point_of(args)
    f, of = (_with(function, kwargs) for function in (f, of))
    args = like(args, iter(point))  # numbers of Python, lists and arrays of its own
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        raise ValueError(f"order must be 1, 2, 3 …, got {order!r}")
    if rtol is not None and not 0.0 <= number(rtol) < math.inf:
        raise ValueError(f"rtol is a relative error such as 1e-6, got {rtol!r}")
    from microgradnn.checks.claims import report_claims  # mpmath is for those who check
    from microgradnn.checks.findings import report_recorded

    if not (of is None or callable(of)):
        raise TypeError(f"of= takes the function that computes the gradient, got {type(of).__name__} {of!r:.60}")
    if of is None:
        return report_recorded(f, args, point, order, rtol)
    if order != 1:
        raise ValueError(f"of= claims a gradient, which is of order 1, got order={order}")
    return report_claims(f, args, point, of, rtol)


def check_grads(
    f: Callable[..., Any], args: tuple[Any, ...], order: int = 1, *, rtol: float | None = None,
    of: Callable[..., Any] | None = None, kwargs: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Raise AssertionError unless every derivative of `f` at `args` is right; `report_grads` says how that is found.

    - `f`: the function to check; it gives one number
    - `args`: its arguments, in a tuple, each a number, a list, a dict or an array
    - `order`: the derivatives of all orders from 1 up to this one are checked
    - `rtol`: how far rules and numbers may differ, relative to their size, in place of 13 digits and 6
    - `of`: a function that gives the gradient of `f`, to be checked in place of backprop
    - `kwargs`: keyword arguments of `f`

    At a kink a derivative passes if it lies between the slopes of both sides. Where the function has no value on one
    side there is no derivative to check, which raises too, as does what rounding leaves undecided.

    >>> from microgradnn import primitive, scratch_table, tanh
    >>> check_grads(lambda w, x: tanh(w[0] * x + w[1]), ([0.5, -1.0], 2.0), order=2)
    >>> with scratch_table():
    ...     check_grads(primitive("wrong", lambda x: x * x, lambda out, x: x), (3.0,))
    Traceback (most recent call last):
    AssertionError: ...
    """
    __tracebackhide__ = True
    report_grads(f, args, order, rtol=rtol, of=of, kwargs=kwargs).raise_if_wrong()


def _with(f: Any, kwargs: dict[str, Any] | None) -> Any:
    """A function with these keyword arguments; what is no function as it is."""
    return functools.partial(f, **kwargs) if kwargs and callable(f) else f


def numeric_grad(
    f: Callable[..., Any], args: tuple[Any, ...], h: float = 1e-5, one_sided: bool = False,
    kwargs: dict[str, Any] | None = None,
) -> Any:  # fmt: skip
    """The gradient of `f` at `args` by differences alone: (f(x+s) − f(x−s)) / 2s with s = h · max(1, |x|).

    - `f`: the function; it gives one number
    - `args`: its arguments, in a tuple
    - `h`: the step, relative to x where |x| > 1
    - `one_sided`: take (f(x+s) − f(x)) / s, whose error shrinks as h and not as h² (note 001)
    - `kwargs`: keyword arguments of `f`

    The result is a tuple nested like `args`. Raises TypeError when `f` does not return one number, and what `f` raises
    at a point beside `args`.

    >>> numeric_grad(lambda x, y: x * y, (2.0, 3.0), h=2**-10)
    (3.0, 2.0)
    >>> numeric_grad(lambda v: v[0] ** 2, ([1.0, 5.0],), h=2**-10, one_sided=True)
    ([2.0009765625, 0.0],)
    """
    point = point_of(args)
    if not h > 0:
        raise ValueError(f"the step h must be above 0, got {h!r}")

    def value(index: int, at: float) -> float:
        with no_grad():
            result = _with(f, kwargs)(*like(args, map(Value, [*point[:index], at, *point[index + 1 :]])))
        if isinstance(result, (list, tuple)):
            raise TypeError(f"numeric_grad needs a function that returns one number, got {len(result)}")
        return result.data if isinstance(result, Value) else number(result)

    def slope(index: int) -> float:
        x, step = point[index], h * max(1.0, abs(point[index]))
        above, below = x + step, x if one_sided else x - step
        return (value(index, above) - value(index, below)) / (above - below)

    return like(args, map(slope, range(len(point))))

"""The functions a user calls, on plain numbers and on Values alike: numbers in, number out.

The one-operand functions come from the table as they are; here are the ones that take several operands,
a sequence, or a parameter with a default. Values and derivatives keep full precision at the edges, where textbook
formulas cancel or overflow: σ'(40), tanh'(20), logsumexp(0, −700), asin near 1, atan2 at 1e±200.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, overload

from microgradnn import primitives
from microgradnn.value import Value, functions


class Function(Protocol):
    """A function of one operand: a Value gives a Value, a number gives a float."""

    @overload
    def __call__(self, x: Value, /) -> Value: ...
    @overload
    def __call__(self, x: float, /) -> float: ...


exp: Function = functions["exp"]
expm1: Function = functions["expm1"]
log: Function = functions["log"]
log1p: Function = functions["log1p"]
sqrt: Function = functions["sqrt"]
sin: Function = functions["sin"]
cos: Function = functions["cos"]
tan: Function = functions["tan"]
asin: Function = functions["asin"]
acos: Function = functions["acos"]
atan: Function = functions["atan"]
sinh: Function = functions["sinh"]
cosh: Function = functions["cosh"]
tanh: Function = functions["tanh"]
erf: Function = functions["erf"]
sigmoid: Function = functions["sigmoid"]
relu: Function = functions["relu"]
softplus: Function = functions["softplus"]
softsign: Function = functions["softsign"]
hardtanh: Function = functions["hardtanh"]
abs: Function = functions["abs"]
sign: Function = functions["sign"]
step: Function = functions["step"]


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """Give x if x > 0, else slope · x; its derivative at 0 is the slope (note 000). A Value as slope is learned.

    >>> leaky_relu(3.0), leaky_relu(-2.0, 0.5)
    (3.0, -1.0)
    """
    return primitives.leaky_relu(x, slope)


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """Give x if x > 0, else alpha · (eˣ − 1) (note 000).

    >>> elu(3.0), round(elu(-1.0), 4)
    (3.0, -0.6321)
    """
    return primitives.elu(x, alpha)


def atan2(y: Any, x: Any) -> Any:
    """Angle of the point (x, y) in radians, between −π and π.

    >>> atan2(1.0, 0.0)
    1.5707963267948966
    """
    return primitives.atan2(y, x)


def where(c: Any, a: Any, b: Any) -> Any:
    """Give a if c > 0, else b; no gradient flows to c. Use it in place of an `if` on recorded numbers.

    >>> where(-1.0, 10.0, 20.0)
    20.0
    """
    return primitives.where(c, a, b)


def _is_sequence(x: Any) -> bool:
    """Whether `x` holds numbers one after the other; an array of no dimension can be iterated by its type alone."""
    return isinstance(x, Iterable) and not isinstance(x, (str, bytes, Mapping)) and getattr(x, "shape", None) != ()


def _gathered(name: str, xs: tuple[Any, ...], at_least: int = 1) -> list[Any]:
    if len(xs) == 1 and _is_sequence(xs[0]):
        xs = tuple(xs[0])
    if len(xs) < at_least:
        wanted = "one number" if at_least == 1 else "two numbers"
        raise ValueError(f"{name} needs at least {wanted}, got {len(xs)}")
    return list(xs)


def maximum(*xs: Any) -> Any:
    """Largest of two or more numbers; operands that tie share the gradient equally.

    >>> maximum(1.0, 3.0, 2.0)
    3.0
    """
    return primitives.maximum(*_gathered("maximum", xs, at_least=2))


def minimum(*xs: Any) -> Any:
    """Smallest of two or more numbers; operands that tie share the gradient equally.

    >>> minimum(1.0, 3.0, 2.0)
    1.0
    """
    return primitives.minimum(*_gathered("minimum", xs, at_least=2))


def sum(*xs: Any) -> Any:
    """Σ xᵢ as one gate, of one sequence or of separate arguments; ValueError when empty.

    >>> sum([1, 2, 3]), sum(1, 2, 3)
    (6.0, 6.0)
    """
    return primitives.sum_(*_gathered("sum", xs))


def mean(*xs: Any) -> Any:
    """Σ xᵢ / n, of one sequence or of separate arguments; ValueError when empty.

    >>> mean([1, 2, 6])
    3.0
    """
    numbers = _gathered("mean", xs)
    return sum(numbers) / len(numbers)


def logsumexp(*xs: Any) -> Any:
    """Give ln Σ exp(xᵢ) without overflow, of one sequence or of separate arguments; ValueError when empty.

    Operands that tie at an infinity share the gradient equally, also where all are −∞; so in softmax and cross_entropy.

    >>> logsumexp(1000.0, 1000.0)
    1000.6931471805599
    """
    return primitives.logsumexp(*_gathered("logsumexp", xs))


def softmax(*xs: Any) -> list[Any]:
    """The list of exp(xᵢ) / Σ exp(xⱼ), of one sequence or of separate arguments; ValueError when empty (note 003).

    >>> softmax([1000.0, 1000.0])
    [0.5, 0.5]
    """
    numbers = _gathered("softmax", xs)
    peak = primitives.maximum(*numbers)
    weights = [primitives.exp.quick(primitives.shift.quick(x, peak)) for x in numbers]
    total = primitives.sum_(*weights)
    return [weight / total for weight in weights]


def dot(w: Any, x: Any, b: Any = 0.0, *rest: Any) -> Any:
    """Σ wᵢ xᵢ + b as one gate, for sequences `w` and `x` of equal length; ValueError when empty or unequal.

    Separate numbers are read as all w, then all x, then b when their count is odd: `dot(w0, w1, x0, x1, b)`.

    >>> dot([2, -3], [-1, -2], -3)
    1.0
    """
    if not (_is_sequence(w) or _is_sequence(x)):
        # b=0.0 stands for "not given" only when nothing follows it: dot(w, x) and dot(w, x, 0) agree
        listed = [w, x, b, *rest]
        if len(listed) % 2 == 0:
            listed.append(0.0)
        return primitives.dot(*listed)
    if rest:
        raise TypeError("dot takes two sequences and a bias, or separate numbers")
    if not (_is_sequence(w) and _is_sequence(x)):
        raise TypeError("dot takes two sequences of numbers, got one sequence and one number")
    weights, inputs = list(w), list(x)
    if len(weights) != len(inputs) or not weights:
        raise ValueError(f"dot needs two sequences of the same length above 0, got {len(weights)} and {len(inputs)}")
    return primitives.dot(*weights, *inputs, b)


Value.leaky_relu = leaky_relu
Value.elu = elu

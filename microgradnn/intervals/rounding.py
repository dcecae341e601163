"""Arithmetic of floats rounded down, and not at all where the result is exact.

An upper end is minus the lower end of what is negated, so that one direction does.
"""

from __future__ import annotations

import math

from microgradnn.array_forms import LARGEST

INFINITY = math.inf
_UNIT = 2.0**-53  # relative error of one rounding
_HALVES = 2.0**27 + 1.0


def sum_down(a: float, b: float) -> float:
    total = a + b
    if total - total != 0.0:  # no finite number
        return _no_overflow(total, a, b)
    taken = total - a
    error = (a - (total - taken)) + (b - taken)
    return total if error >= 0 else math.nextafter(total, -INFINITY)


def product_down(a: float, b: float) -> float:
    if a == 0.0 or b == 0.0:
        return 0.0
    if a == 1.0 or b == 1.0:  # often, and sooner
        return b if a == 1.0 else a
    product = a * b
    if product - product != 0.0:
        return _no_overflow(product, a, b)
    return math.nextafter(product, -INFINITY) if _excess(a, b, product) < 0 else product


def quotient_down(a: float, b: float) -> float:
    """The quotient of `a` and of a `b` ≥ 0, which is the limit from above where it is 0."""
    if b == 0.0 or math.isinf(a):
        return 0.0 if a == 0.0 or (a > 0 and b == INFINITY) else math.copysign(INFINITY, a)
    quotient = a / b
    if math.isinf(b) or math.isinf(quotient):
        return _no_overflow(quotient, a, b)
    return math.nextafter(quotient, -INFINITY) if _excess(quotient, b, a) > 0 else quotient


def _no_overflow(result: float, a: float, b: float) -> float:
    """What may be said of a lower end that came out infinite or nan: too large a number is at least the largest."""
    if result == INFINITY:
        return result if math.isinf(a) or math.isinf(b) else LARGEST
    return result if result == result else -INFINITY


def _excess(a: float, b: float, product: float) -> float:
    """A number with the sign of a · b − product, without rounding."""
    nearest = a * b
    if nearest != product:
        return nearest - product
    if 1e-250 < abs(product) < 1e250 and abs(a) < 1e290 and abs(b) < 1e290:  # what rounding took, by Dekker: sooner
        c, d = a * _HALVES, b * _HALVES
        c, d = c - (c - a), d - (d - b)  # the upper halves of their digits
        return ((c * d - product) + c * (b - d) + (a - c) * d) + (a - c) * (b - d)
    n, d = a.as_integer_ratio()
    m, e = b.as_integer_ratio()
    p, q = product.as_integer_ratio()
    return n * m * q - p * d * e


def root_down(x: float) -> float:
    """The square root, rounded down.

    >>> root_down(4.0), root_down(2.0) ** 2 < 2.0
    (2.0, True)
    """
    root = math.sqrt(x)
    return math.nextafter(root, 0.0) if math.isfinite(x) and _excess(root, root, x) > 0 else root


def root_up(x: float) -> float:
    """The square root, rounded up."""
    root = math.sqrt(x)
    return math.nextafter(root, INFINITY) if math.isfinite(x) and _excess(root, root, x) < 0 else root


def total_down(terms: list[float]) -> float:
    size = sum([abs(x) for x in terms])
    if not size < INFINITY:
        return -INFINITY if min(terms) < 0 else LARGEST if INFINITY in terms else math.fsum(terms[:1])
    result = math.fsum(terms)
    if size < 2.0**32 and all((x * 2.0**20).is_integer() for x in terms):
        return result  # exact in any order
    return math.nextafter(result - len(terms) * _UNIT * size, -INFINITY)

"""Wrong rules planted by hand, each a slip that people make, and paths that are lost on the way."""

from __future__ import annotations

import math
from typing import Any

from microgradnn import Value, cos, exp, log, sigmoid, sin, sqrt, tanh, where
from microgradnn.primitive import lookup
from tests.verdicts.case import Case, Plant


def _plant(name: str, forward: Any, right: Any, wrong: Any) -> Plant:
    """A gate of one operand, or of those that have a rule in the tuples."""
    return Plant(name, forward, *[rules if isinstance(rules, tuple) else (rules,) for rules in (wrong, right)])


def _gathering(name: str, forward: Any, right: Any, wrong: Any) -> Plant:
    """A gate of any number of operands."""
    return Plant(name, forward, wrong, right)


def _equal(x: Any, y: float) -> Any:
    return lookup("equal")(x, y)


def alone(gate: Any, *xs: Any) -> Any:
    return gate(*xs)


SQUARE = _plant("square", lambda x: x * x, lambda out, x: 2 * x, lambda out, x: x)
COSINE = _plant("cosine", lambda x: math.cos(x), lambda out, x: -sin(x), lambda out, x: sin(x))
WAVE = _plant("wave", lambda x: math.sin(x) + 2 * x, lambda out, x: cos(x) + 2, lambda out, x: cos(x))
PARABOLA = _plant("parabola", lambda x, y: x + y * y, (lambda out, x, y: 1.0, lambda out, x, y: 2 * y),
                  (lambda out, x, y: 1.0, None))  # fmt: skip
QUOTIENT = _plant("quotient", lambda x, y: x / y, (lambda out, x, y: 1 / y, lambda out, x, y: -out / y),
                  (lambda out, x, y: -out / y, lambda out, x, y: 1 / y))  # fmt: skip
SIGN_LOST = _plant("ratio", lambda x, y: x / y, (lambda out, x, y: 1 / y, lambda out, x, y: -out / y),
                   (lambda out, x, y: 1 / y, lambda out, x, y: out / y))  # fmt: skip
LENGTH = _plant("length", lambda x, y: (x * x + y * y) ** 0.5, (lambda out, x, y: x / out, lambda out, x, y: y / out),
                (lambda out, x, y: y / out, lambda out, x, y: x / out))  # fmt: skip
RELU6 = _plant("relu6", lambda x: min(max(x, 0.0), 6.0), lambda out, x: where(x, where(6 - x, 1.0, 0.0), 0.0),
               lambda out, x: where(x, 1.0, 0.0))  # fmt: skip
HUBER = _plant("huber", lambda e: e * e / 2 if abs(e) <= 1 else abs(e) - 0.5,
               lambda out, e: where(abs(e) - 1, lookup("sign")(e), e), lambda out, e: e)  # fmt: skip
SQUASH = _plant("squash", lambda x: math.tanh(x), lambda out, x: 1 - out * out, lambda out, x: 1 - out)
SQUASH_INPUT = _plant("squash_", lambda x: math.tanh(x), lambda out, x: 1 - out * out, lambda out, x: 1 - x * x)
LOGISTIC = _plant("logistic", lambda x: 1 / (1 + math.exp(-x)), lambda out, x: out * (1 - out),
                  lambda out, x: x * (1 - x))  # fmt: skip
LOGARITHM = _plant("logarithm", lambda x: math.log1p(x), lambda out, x: 1 / (1 + x), lambda out, x: 1 / x)
TINY = _plant("tiny", lambda x: 1e-300 * x * x, lambda out, x: 2e-300 * x, lambda out, x: 1e-300 * x)
HUGE = _plant("huge", lambda x: 1e200 * x * x, lambda out, x: 2e200 * x, lambda out, x: 1e200 * x)
OFFSET = _plant("offset", lambda x: math.sin(x), lambda out, x: cos(x), lambda out, x: cos(x) + 1e-3)
NOT_A_NUMBER = _plant("nothing", lambda x: x * x, lambda out, x: 2 * x, lambda out, x: 2 * x + (x - x) / (x - x))
CONSTANT = _plant("fixed", lambda x: x * x, lambda out, x: 2 * x, lambda out, x: 1.8)
FAR = _plant("far", lambda x: math.exp(x), lambda out, x: out, lambda out, x: where(-5 - x, 0.0, out))
RAMP_ABOVE = _plant("ramp2", lambda x: max(x, 0.0), lambda out, x: where(x, 1.0, 0.0),
                    lambda out, x: where(x, 1.0, 0.0) + 2 * _equal(x, 0.0))  # fmt: skip
RAMP_HALF = _plant("ramp_half", lambda x: max(x, 0.0), lambda out, x: where(x, 1.0, 0.0),
                   lambda out, x: where(x, 1.0, 0.0) + 0.5 * _equal(x, 0.0))  # fmt: skip
SIZE_TILTED = _plant("size_tilted", lambda x: abs(x), lambda out, x: lookup("sign")(x),
                     lambda out, x: lookup("sign")(x) + 0.3 * _equal(x, 0.0))  # fmt: skip
SIZE_BELOW = _plant("size_below", lambda x: abs(x), lambda out, x: lookup("sign")(x),
                    lambda out, x: lookup("sign")(x) - 1.5 * _equal(x, 0.0))  # fmt: skip
SIZE_WRONG = _plant("size", lambda x: abs(x), lambda out, x: lookup("sign")(x), lambda out, x: 1.0)
FROZEN = _plant("frozen", lambda x: x * x, lambda out, x: 2 * x, None)
CUBE_FROZEN = _plant("cube", lambda x: x * x * x, lambda out, x: 3 * x * x, lambda out, x: 3 * lookup("frozen")(x))
CUBE_HALF = _plant("cube_", lambda x: x * x * x, lambda out, x: 3 * x * x, lambda out, x: 3 * lookup("square")(x))
PRODUCT = _gathering("product", lambda *xs: math.prod(xs), lambda out, *xs: [out / x for x in xs],
                     lambda out, *xs: [out / x for x in xs[:-1]] + [out])  # fmt: skip
AVERAGE = _gathering("average", lambda *xs: sum(xs) / len(xs), lambda out, *xs: [1 / len(xs)] * len(xs),
                     lambda out, *xs: [1.0] * len(xs))  # fmt: skip
LARGEST = _gathering("largest", lambda *xs: max(xs), lambda out, *xs: [_equal(x, out) for x in xs],
                     lambda out, *xs: [1.0] * len(xs))  # fmt: skip
SOFT = _gathering("soft", lambda *xs: math.log(sum(math.exp(x) for x in xs)),
                  lambda out, *xs: [exp(x - out) for x in xs], lambda out, *xs: [exp(x) for x in xs])  # fmt: skip
LOSS = _plant("loss", lambda p, y: (p - y) ** 2 / 2, (lambda out, p, y: p - y, lambda out, p, y: y - p),
              (lambda out, p, y: 2 * (p - y), lambda out, p, y: y - p))  # fmt: skip
ENTROPY = _plant("entropy", lambda p, y: -y * math.log(p) - (1 - y) * math.log(1 - p),
                 (lambda out, p, y: (p - y) / p / (1 - p), lambda out, p, y: log(1 - p) - log(p)),
                 (lambda out, p, y: p - y, lambda out, p, y: log(1 - p) - log(p)))  # fmt: skip
OFF_BY = [
    _plant(f"off{n}", lambda x: math.exp(x), lambda out, x: out, lambda out, x, n=n: out * (1 + 10.0**-n))
    for n in range(2, 10)
]  # fmt: skip


def net(act: Any, first: Any, second: Any, inputs: Any) -> Any:
    hidden = [act(row[0] * inputs[0] + row[1] * inputs[1] + row[2]) for row in first]
    return sigmoid(second[0] * hidden[0] + second[1] * hidden[1])


NET = ([[0.4, -0.3, 0.2], [-0.8, 0.5, 0.1]], [1.5, -0.7], [0.3, 0.9])
_KNOWN = {2.0: Value(4.0)}  # the square of 2, kept from a graph of before

# (the category, its function, args, labels by argument, gates planted)
_ROWS: list[tuple[Any, ...]] = [
    ("factor", alone, (3.0,), "wrong", SQUARE),
    ("factor", lambda g, x, y: g(x) * y + y, (3.0, 0.5), "wrong right", SQUARE),
    ("factor", lambda g, x: g(x) + 1e12, (3.0,), "wrong", SQUARE),
    ("factor", lambda g, x: exp(-g(x)), (0.7,), "wrong", SQUARE),
    ("factor", lambda g, x: g(g(x)), (1.3,), "wrong", SQUARE), ("factor", alone, (1.5,), "wrong", TINY),
    ("factor", alone, (1.5,), "wrong", HUGE), ("factor", alone, (0.7, 1.0), "wrong right", LOSS),
    ("factor", lambda g, v: g(*v), ([1.0, 2.0, 4.0],), "wrong", AVERAGE),
    ("sign", alone, (0.7,), "wrong", COSINE), ("sign", lambda g, x: tanh(g(x) * x), (2.0,), "wrong", COSINE),
    ("sign", alone, (3.0, 2.0), "right wrong", SIGN_LOST), ("sign", alone, (-2.0,), "wrong", SIZE_WRONG),
    ("sign", alone, (2.0,), "right", SIZE_WRONG), ("sign", lambda g, x: sqrt(2 + g(x)), (-1.0,), "wrong", COSINE),
    ("missing term", alone, (0.4,), "wrong", WAVE),
    ("missing term", lambda g, x, y: y * g(x), (0.4, 2.0), "wrong right", WAVE),
    ("missing term", alone, (0.4,), "wrong", LOGARITHM), ("missing term", alone, (0.3, 1.0), "wrong right", ENTROPY),
    ("missing term", alone, (0.9,), "wrong", SQUASH), ("missing term", net, NET, None, SQUASH),
    ("missing term", lambda g, v: g(*v), ([0.1, 0.2, 1.0],), "wrong", SOFT),
    ("missing term", alone, (2.5,), "wrong", CONSTANT),
    ("missing term", lambda g, v: g(*v), ([1.5, -2.0, 3.0],), "right right wrong", PRODUCT),
    ("missing term", lambda g, v: g(*v), ([1.0, 3.0, 2.0],), "wrong right wrong", LARGEST),
    ("forgotten operand", alone, (1.0, 2.0), "right wrong", PARABOLA),
    ("forgotten operand", lambda g, x: g(x, x), (2.0,), "wrong", PARABOLA),
    ("forgotten operand", lambda g, x, y: exp(g(x, sin(y))), (0.2, 0.9), "right wrong", PARABOLA),
    *[("relative", alone, (x,), "wrong", plant) for plant in OFF_BY for x in (0.5, -3.0)],
    *[("relative", lambda g, x, y: y * g(x), (1.5, 2.0), "wrong right", plant) for plant in OFF_BY],
    *[("relative", lambda g, x: g(x) + 1e6, (1.5,), "wrong", plant) for plant in OFF_BY[::2]],
    ("region", alone, (7.0,), "wrong", RELU6), ("region", alone, (3.0,), "right", RELU6),
    ("region", alone, (-3.0,), "right", RELU6),
    ("region", alone, (-2.0,), "wrong", HUBER), ("region", alone, (0.5,), "right", HUBER),
    ("region", alone, (-6.0,), "wrong", FAR),
    ("region", alone, (-4.0,), "right", FAR), ("region", lambda g, x: g(3 * x), (2.5,), "wrong", RELU6),
    ("second order", lambda f, g, x: g(x), (1.5,), "right/wrong", FROZEN, CUBE_FROZEN),
    ("second order", lambda f, g, x: g(x), (1.5,), "right/wrong", SQUARE, CUBE_HALF),
    ("second order", lambda f, g, x, y: g(x) * y, (1.5, 2.0), "right/wrong", FROZEN, CUBE_FROZEN),
    ("second order", lambda f, g, x: exp(-g(x)), (0.6,), "right/wrong", SQUARE, CUBE_HALF),
    ("swapped", alone, (3.0, 2.0), "wrong", QUOTIENT), ("swapped", alone, (3.0, 1.0), "wrong", LENGTH),
    ("swapped", alone, (2.0, 2.0), "right/wrong", LENGTH), ("swapped", alone, (1.5,), "wrong", SQUASH_INPUT),
    ("swapped", alone, (0.8,), "wrong", LOGISTIC), ("swapped", net, NET, None, LOGISTIC),
    ("absolute", alone, (0.3,), "wrong", OFFSET), ("absolute", lambda g, x: g(x) + 1e12, (0.3,), "wrong", OFFSET),
    ("absolute", lambda g, x: 1e4 * x + g(x), (0.3,), "wrong", OFFSET),
    ("absolute", lambda g, x, y: 1e12 * y + g(x), (0.3, 1.0), "wrong right", OFFSET),
    ("absolute", alone, (0.0,), "wrong", NOT_A_NUMBER), ("absolute", alone, (0.0,), "wrong", LOGARITHM),
    ("vanishing", lambda g, x: g(x) - g(x) + x, (3.0,), "right", SQUARE),
    ("vanishing", lambda g, x, y: (y - 2) * g(x) + x, (3.0, 2.0), "right/wrong", SQUARE),
    ("vanishing", lambda g, x: (x - 2) * (x - 2) * g(x), (2.0,), "right", WAVE),
    ("constants", lambda g, x, y: y + 0.0 * g(x), (3.0, 2.0), "right", SQUARE),
    ("kinks", alone, (0.0,), "wrong", RAMP_ABOVE), ("kinks", alone, (0.0,), "kink", RAMP_HALF),
    ("kinks", alone, (0.0,), "kink", SIZE_TILTED),
    ("kinks", alone, (0.0,), "wrong", SIZE_BELOW),
    ("kinks", lambda g, x, y: g(x) + y, (0.0, 1.0), "wrong right", RAMP_ABOVE),
    ("kinks", lambda g, x: g(x - 1) * 2, (1.0,), "kink", RAMP_HALF), ("kinks", alone, (0.0,), "kink", SIZE_WRONG),
]  # fmt: skip

# (function, args, labels by argument, the function as it is meant)
_DETACHED: list[tuple[Any, ...]] = [
    (lambda x: x.data * x, (3.0,), "wrong", lambda x: x * x),
    (lambda x: float(x.data) * x, (3.0,), "wrong", lambda x: x * x),
    (lambda x: Value(x.data) * x, (3.0,), "wrong", lambda x: x * x),
    (lambda x, y: x.data * y + x, (3.0, 2.0), "wrong right", lambda x, y: x * y + x),
    (lambda x: (_KNOWN[x.data] if x.data in _KNOWN else x * x) * x, (2.0,), "wrong", lambda x: x**3),
    (lambda x: math.exp(x.data) + x, (0.5,), "wrong", lambda x: exp(x) + x),
    (lambda x, y: y * sin(x.data), (0.5, 2.0), "wrong right", lambda x, y: y * sin(x)),
    (lambda v: v[0] * v[1].data, ([2.0, 3.0],), "right wrong", lambda v: v[0] * v[1]),
    (lambda x: x * x - 2 * x.data * x, (3.0,), "wrong", lambda x: x * x - 2 * x * x),
    (lambda x: tanh(x) / (1e-3 + abs(x.data)), (0.8,), "wrong", lambda x: tanh(x) / (1e-3 + abs(x))),
]  # fmt: skip


def _case(n: int, kind: str, f: Any, args: Any, labels: str | None, *plants: Plant, true: Any = None) -> Case:
    if labels is None:  # a network: what its planted activation does not reach is right
        labels = "wrong wrong wrong wrong wrong wrong right right wrong wrong"
    first, _, second = labels.partition("/")
    wrong = "wrong" in labels or kind == "vanishing"
    guilty = tuple(plant.name for plant in plants) if wrong else ()
    return Case(f"{kind} {n}", kind, f, args, tuple(first.split()), plants, guilty, true, second)


BY_HAND = [_case(n, *row) for n, row in enumerate(_ROWS)]
BY_HAND += [_case(n, "detached", f, args, labels, true=true) for n, (f, args, labels, true) in enumerate(_DETACHED)]

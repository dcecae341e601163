"""Fresh cases: random expressions at random points, about half of them with a mutant in them, labelled by the judge.

The seed is a date, `fresh(20261127, 400)`, so that what was found on that day can be had again.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import microgradnn
from microgradnn.primitive import lookup
from tests.verdicts.case import Case, planted
from tests.verdicts.mutants import MUTATIONS, labelled, mutant

ONE = [
    "exp", "log1p", "sqrt", "sin", "cos", "tan", "atan", "asinh", "sinh", "cosh", "tanh", "sigmoid", "softplus",
    "softsign", "relu", "gelu", "silu", "hardtanh", "erf", "expm1", "cbrt", "log", "exp2", "abs", "asin", "acosh",
    "sinc",
]  # fmt: skip
TWO = {"add": "({} + {})", "subtract": "({} - {})", "multiply": "({} * {})", "divide": "({} / {})"}
TWO |= {name: name + "({}, {})" for name in ("atan2", "hypot", "maximum", "minimum", "logsumexp", "norm", "xlogy")}
WORDS = {name: getattr(microgradnn, name, None) or lookup(name) for name in [*ONE, *TWO]} | {"abs": abs}
CHANGES = [name for name in MUTATIONS if "order 2" not in name]


def expression(draw: random.Random, names: str, gates: int) -> tuple[str, str]:
    """The text of a random expression of so many gates, and the name of one of them, in whose place {gate} stands."""
    planted, chosen = draw.randrange(gates), ""

    def of(count: int, number: int) -> str:
        nonlocal chosen
        if count == 0:
            return draw.choice(names) if draw.random() < 0.85 else repr(draw.choice([-2.0, 0.3, 0.5, 1.0, 3.0]))
        name = draw.choice([*ONE, *TWO] if draw.random() < 0.5 else list(TWO)[:4])
        left = draw.randrange(count) if name in TWO else count - 1
        operands = [of(left, number + 1)] + ([of(count - 1 - left, number + 1 + left)] if name in TWO else [])
        if number == planted:
            chosen = name
            return f"{{gate}}({', '.join(operands)})"
        return TWO.get(name, name + "({})").format(*operands)

    return of(gates, 0), chosen


def _number(draw: random.Random) -> float:
    kind = draw.random()
    if kind < 0.2:
        return draw.choice([0.0, 0.0, 1.0, -1.0, 2.0])
    if kind < 0.3:
        return draw.choice([-1, 1]) * round(10 ** draw.uniform(-9, 6), 12)
    return round(draw.uniform(-3, 3), 3)


def candidate(draw: random.Random) -> Case:
    """A random case without labels."""
    names = "xyz"[: draw.randint(1, 3)]
    pattern, name = expression(draw, names, draw.randint(1, 7))
    args = tuple(_number(draw) for _ in names)
    if draw.random() < 0.45:
        text = pattern.format(gate=name)
        return Case(text, "fresh, sound", eval(f"lambda {', '.join(names)}: {text}", WORDS), args)
    gate, change, text = lookup(name), draw.choice(CHANGES), pattern.format(gate="gate")
    borders = [draw.uniform(-2, 2) for _ in gate.samples[0]]
    plant = mutant(gate, draw.randrange(len(borders)), MUTATIONS[change], borders)
    f = eval(f"lambda gate, {', '.join(names)}: {text}", WORDS)
    return Case(f"{text} with {plant.name}, {change}", f"fresh, {change}", f, args, plants=(plant,))


def fresh(seed: int, count: int) -> Iterator[Case]:
    """So many cases with a value at their point, on whose labels the judge is sure."""
    draw = random.Random(seed)
    while count:
        case = candidate(draw)
        try:
            with planted(case) as f:
                value = f(*case.args)
        except (ArithmeticError, ValueError):
            continue
        if math.isfinite(value) and abs(value) < 1e100:
            made = labelled(case)
            if made is not None:
                count -= 1
                yield made

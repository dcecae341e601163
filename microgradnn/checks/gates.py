"""A gate proven over its domain, and which gate a user means: by its name, its function or itself.

Which points to try is known here, what a proof is in `proofs`; mpmath is imported by those who check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from inspect import getclosurevars
from random import Random
from types import CodeType, FunctionType
from typing import Any

from microgradnn import operations
from microgradnn.checks.expression import SIGNS
from microgradnn.context import is_ours
from microgradnn.primitive import BUILT_IN, ForwardError, Primitive, gates as entries, lookup

_SIZES = (1e-9, 1e-3, 0.1, 0.3, 0.7, 1.3, 2.0, 3.3, 5.0, 7.5, 11.0, 40.0, 300.0, 1e6)

Gate = Primitive | str | Callable[..., Any]


def gate_of(gate: Gate) -> Primitive:
    """The primitive itself, that of this name, or that which a function of microgradnn applies.

    Raises TypeError for what is no gate, KeyError for an unknown name.

    >>> gate_of("tanh")
    <primitive tanh>
    """
    if isinstance(gate, Primitive):
        return gate
    if not isinstance(gate, str):
        name = getattr(gate, "__name__", "")
        if not callable(gate) or getattr(operations, name, None) is not gate:
            raise TypeError(
                f"expected a gate, got {name or repr(gate):.60}: give the name of a gate, a primitive or a function of "
                "microgradnn that is one gate"
            )
        gate = name
    names = {entry.name for entry in entries()}
    if gate not in names:
        raise KeyError(f"no primitive is called {gate!r}: {_remedy(gate)}")
    return lookup(gate)


def _remedy(name: str) -> str:
    """The gate whose name, name in Python or sign is meant; gates that only rules use are no answer."""
    answers: dict[str, str] = {}
    for entry in entries():
        if entry.public or entry.operator or entry.name not in BUILT_IN:
            answers |= dict.fromkeys([entry.operator or entry.name, SIGNS.get(entry.operator or "", "")], entry.name)
            answers[entry.name] = entry.name
    close = get_close_matches(name, filter(None, answers), 1)
    return f"did you mean {answers[close[0]]!r}?" if close else "list(microgradnn.gates()) has them all"


def check_gate(gate: Gate) -> None:
    """Prove the rule of a gate: at its samples, near them, over its domain and on both sides of its constants.

    `gate` is a primitive, its name or a function of microgradnn. On numbers of 160 digits a partial must be the slope
    of the forward function to 13 digits, and at the samples and some other points what its own derivatives give the
    slopes of orders 2 and 3; at a kink it must lie between the slopes of both sides. A forward function that does not
    run on such numbers is checked by floats, order 1. Raises AssertionError that names the point, what the rule gives
    there and what is true; ValueError for a gate that has no value at any point tried, or draws by chance; TypeError
    for what is no gate and KeyError for an unknown name.

    >>> from microgradnn import primitive, scratch_table, where
    >>> with scratch_table():
    ...     check_gate(primitive("cube", lambda x: x**3, lambda out, x: 3 * x * x))
    ...     check_gate(primitive("relu6", lambda x: min(max(x, 0.0), 6.0), lambda out, x: where(x, 1.0, 0.0)))
    Traceback (most recent call last):
    AssertionError: the rule of relu6 is wrong at relu6(7.5): its partial 0 gives 1, it is 0
    """
    from microgradnn.checks.proofs import prove  # mpmath is for those who check

    __tracebackhide__ = True
    gate = gate_of(gate)
    _refuse_chance(gate)
    tried = 0
    for point, orders in _points(gate):
        for order in range(1, orders + 1):
            try:
                proofs = prove(gate, point, range(len(point)), order, few=1)
            except ForwardError:
                break
            tried += 1
            for proof in proofs:
                if proof.verdict == "wrong":
                    raise AssertionError(f"the rule of {gate.name} is wrong at {gate.describe(point)}: {proof}")
            if any(proof.verdict != "right" for proof in proofs):  # at a kink no slope has a slope
                break
    if not tried:
        raise ValueError(f"{gate.name} has no value at any point tried: give it samples=, points inside its domain")


def _refuse_chance(gate: Primitive) -> None:
    """Raise ValueError for a gate that gives something else at a sample when it is computed again."""
    for point in gate.samples[:1]:
        values = [gate.limit(point) for _ in range(3)]
        if values != values[:1] * 3 and values[0] == values[0]:
            raise ValueError(
                f"{gate.describe(point)} gave {values[0]!r}, then {values[1]!r}: it draws by chance or keeps state"
            )


def _points(gate: Primitive) -> Iterator[tuple[tuple[float, ...], int]]:
    """Points with the orders to prove there: samples, numbers of all sizes, both sides of constants in functions."""
    counts = [gate.arity] if gate.arity else sorted({len(sample) for sample in gate.samples} or {2})
    chance = Random(gate.name)
    numbers = [0.0, *(sign * size for size in _SIZES for sign in (1, -1))]
    for constant in sorted(_constants(gate)):
        numbers += [constant - 1e-3 * max(1.0, abs(constant)), constant + 1e-3 * max(1.0, abs(constant))]
    for sample in gate.samples:
        yield sample, 3
        yield tuple(x * chance.uniform(0.9, 1.1) for x in sample), 1
    for n, x in enumerate(numbers):
        point = [chance.choice(numbers) for _ in range(counts[n % len(counts)])]
        point[n // 2 % len(point)] = x
        yield tuple(point), 3 if n % 10 == 0 else 1


def _constants(gate: Primitive) -> set[float]:
    """The numbers in the functions of a gate, their closures, globals and helpers: regions may meet there."""
    constants: set[float] = set()
    functions = [f for f in gate.functions if isinstance(f, FunctionType)]
    for function in functions:
        names = getclosurevars(function)
        codes, values = [function.__code__], [*names.nonlocals.values(), *names.globals.values()]
        for code in codes:
            codes += [x for x in code.co_consts if isinstance(x, CodeType)]
            values += code.co_consts
        functions += [
            f for f in values if isinstance(f, FunctionType) and f not in functions and not is_ours(f.__code__)
        ]
        constants.update(float(x) for x in values if isinstance(x, (int, float)) and abs(x) < 1e9)
    return constants

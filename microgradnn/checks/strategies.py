"""Hypothesis strategies: random expressions, each with a point to evaluate it at, points, and operands of a gate.

They need hypothesis (`pip install hypothesis`), so they are imported on their own. What a gate is worth, where it has
no value and where its slope breaks is for its forward function to say: nothing here knows a domain or a rule.
A check that fails looks for the reason, longer than the 200 ms that hypothesis allows: hence `deadline=None`. What
fails is shown sooner with `phases=set(Phase) - {Phase.explain}`: to explain, hypothesis traces every line.

>>> from hypothesis import given, settings
>>> from microgradnn import check_grads
>>> @settings(deadline=None)
... @given(expressions(gates=["add", "tanh"], variables=2))
... def sums_and_tanh_have_the_right_gradient(f):
...     check_grads(f, f.point)
>>> sums_and_tanh_have_the_right_gradient()
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import product
from random import Random
from typing import Any

from hypothesis import assume, strategies as st

from microgradnn.checks import floats
from microgradnn.checks.expression import Expression
from microgradnn.checks.gates import Gate, gate_of
from microgradnn.checks.gradients import report_grads
from microgradnn.checks.lifting import forward_of
from microgradnn.checks.recorded import Recorded
from microgradnn.checks.slopes import slopes
from microgradnn.checks.wide import MP, Lost, Wide
from microgradnn.primitive import BUILT_IN, ForwardError, Line, Primitive, gates as entries
from microgradnn.table import LABELLED, stop_gradient

__all__ = ["expressions", "points", "values_inside"]
SIMPLE = (
    1.0, 0.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0, 1.5, 2.5, 0.25, 0.1, 0.01, 1e-5, 0.9, 1.1, 0.75, -1.0, -0.5,
    -2.0, -3.0, -4.0, -5.0, -7.0, -10.0, -20.0, -50.0, -1.5, -2.5, -0.25, -0.1, -0.01, -1e-5, -0.9, -1.1, -0.75, 0.0,
)  # fmt: skip  # hypothesis shrinks to the first


# ---- expressions -----------------------------------------------------------------------------------------------------

_REGISTERS = 80  # operands are drawn as integers, few choices shrink well: registers below, constants from here on


def expressions(
    variables: int = 2, max_gates: int = 8, gates: Iterable[Gate] | None = None, smooth: bool = True
) -> st.SearchStrategy[Expression]:
    """Expressions in `variables` numbers of up to `max_gates` gates, which may use a result more than once.

    Each is drawn with a point, `f.point`. With `smooth` every gate has a value there and beside it, no kink and no
    jump, and floats keep seven digits of the gradient; without it anything may come.
    `gates` are those to choose from, by name, as primitives or as functions of microgradnn: unless given, all gates of
    the package but `stop_gradient` and those that want the number of an operand. At least one operand of a gate is no
    constant. Shrinks to few gates, those that come first, at 1.0, 0.5 and 2.0.

    Raises TypeError for what is no gate or no list of them, KeyError for an unknown name, ValueError for a gate that
    wants the number of an operand, for no gates and for other counts than 1, 2 …

    >>> from hypothesis import find
    >>> f = find(expressions(gates=["add", "tanh"], max_gates=1), lambda f: f(0.0, 0.0) == 0.0)
    >>> f(0.0, 0.0), len(f.point)
    (0.0, 2)
    """
    for name, count in [("variables", variables), ("max_gates", max_gates)]:
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"an expression needs {name}=1 or more, got {count!r}: give a whole number")
    if gates is not None and (isinstance(gates, str) or not isinstance(gates, Iterable)):
        shown = repr(gates) if isinstance(gates, str) else getattr(gates, "__name__", repr(gates))
        raise TypeError(f"gates must be a list, got {shown:.60}: write gates=[{shown:.60}]")
    left_out = (*LABELLED, stop_gradient)  # whose rule is no slope
    built_in = [gate for gate in entries() if gate.name in BUILT_IN and gate not in left_out]
    chosen = tuple(dict.fromkeys(map(_allowed, built_in if gates is None else gates)))
    if not chosen:
        raise ValueError("expressions need a gate to choose, got gates=[]: leave it out for all of the package")
    return _expressions(variables, max_gates, chosen, smooth)


def _allowed(gate: Gate) -> Primitive:
    gate = gate_of(gate)
    if gate in LABELLED:
        raise ValueError(f"{gate.name} wants the number of one of its operands, which no expression computes")
    return gate


@st.composite
def _expressions(
    draw: st.DrawFn, variables: int, max_gates: int, gates: tuple[Primitive, ...], smooth: bool
) -> Expression:
    lines: list[Line] = []
    for gate, *choices in draw(_gates_with_operands(gates, max_gates)):
        registers = [*reversed(range(variables, variables + len(lines))), *range(variables)]
        lines.append((gate, _operands(choices, registers)))
    lines = _leading_to(variables + len(lines) - 1, lines, variables)
    point = draw(points(variables))
    if smooth:
        lines, point = _mended(lines, point, alone=draw(st.integers(0, 99)) == 0)
    expression = Expression(tuple(lines), point)
    assume(not smooth or (lines and _keeps_digits(expression)))
    return expression


@lru_cache(16)  # a strategy made anew for each expression would take most of the time
def _gates_with_operands(gates: tuple[Primitive, ...], max_gates: int) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Lists of gates, each with the integers that stand for its operands."""
    lines = [
        st.tuples(st.just(gate), *[st.integers(0, _REGISTERS + len(SIMPLE) - 1)] * count)
        for gate in gates
        for count in _counts(gate)
    ]
    return st.lists(st.one_of(lines), min_size=1, max_size=max_gates)


def _counts(gate: Primitive) -> list[int]:
    """How many operands a gate may have."""
    return [gate.arity] if gate.arity else sorted({len(sample) for sample in gate.samples} or {2})


def _operands(choices: Sequence[int], registers: Sequence[int]) -> tuple[int | float, ...]:
    """Constants and registers, in their order; each operand begins with the register after that of the last one."""
    registers = [*registers, *[registers[0]] * (len(registers) - 1)]  # half of all lines go on with the last one
    operands: list[int | float] = [
        registers[(choice + n) % len(registers)] if choice < _REGISTERS else SIMPLE[choice - _REGISTERS]
        for n, choice in enumerate(choices)
    ]
    if not _registers(operands):
        operands[0] = registers[0]
    return tuple(operands)


def _registers(operands: Iterable[int | float]) -> list[int]:
    """Those of the operands that are no constants: 1 is a register, 1.0 is a number, though Python has them equal."""
    return [x for x in operands if isinstance(x, int)]


def _leading_to(root: int, lines: list[Line], variables: int) -> list[Line]:
    """The lines that a register depends on; none for a variable."""
    kept = {*range(variables), root}
    for register, (_, operands) in reversed([*enumerate(lines, variables)]):
        if register in kept:
            kept.update(_registers(operands))
    renamed = {register: index for index, register in enumerate(sorted(kept))}
    return [
        (gate, tuple(renamed[x] if isinstance(x, int) else x for x in operands))
        for register, (gate, operands) in enumerate(lines, variables)
        if register in kept
    ]


# ---- where an expression is smooth -----------------------------------------------------------------------------------

Numbers = list[tuple[float, Wide]]  # of the registers, as floats and exactly


def _mended(lines: list[Line], point: Sequence[float], alone: bool) -> tuple[list[Line], tuple[float, ...]]:
    """The lines and the point, with other operands where a gate has no smooth value; a gate without any is left out.

    The last gate `alone`, near the numbers that it meets there, is what failures are first shrunk to.
    """
    numbers, size = [(x, Wide(x)) for x in point], len(point)
    free, renamed = {*range(size)}, [*range(size)]
    mended: list[Line] = []
    for gate, operands in lines:
        drawn = tuple(renamed[x] if isinstance(x, int) else x for x in operands)
        for operands, moved in _alternatives(drawn, numbers, free):
            value = _smooth_value(gate, operands, moved)
            if value is not None:
                renamed.append(len(numbers))
                numbers = [*moved, value]
                mended.append((gate, operands))
                free.difference_update(_registers(operands))
                break
        else:
            renamed.append(_registers(drawn)[0])
    root, point = renamed[-1], tuple(x for x, _ in numbers[:size])
    if alone and root >= size:
        gate, operands = mended[root - size]
        read = list(dict.fromkeys(_registers(operands)))
        at = [float(f"{numbers[x][0]:.3g}") for x in read][:size] + [*point[len(read) :]]
        itself = tuple(read.index(x) if isinstance(x, int) else x for x in operands)
        if len(read) <= size and _smooth_value(gate, itself, [(x, Wide(x)) for x in at]):
            return [(gate, itself)], tuple(at)
    return _leading_to(root, mended, size), point


def _alternatives(
    operands: tuple[int | float, ...], numbers: Numbers, free: set[int]
) -> Iterator[tuple[tuple[int | float, ...], Numbers]]:
    """Operands and numbers: as drawn; with another number for a variable not used yet; with other registers."""
    yield operands, numbers
    for variable in sorted(free.intersection(_registers(operands))):
        for x in SIMPLE[:8]:
            yield operands, [*numbers[:variable], (x, Wide(x)), *numbers[variable + 1 :]]
    for shift in range(1, min(6, len(numbers))):
        yield tuple((x + shift) % len(numbers) if isinstance(x, int) else x for x in operands), numbers


def _smooth_value(gate: Primitive, operands: Sequence[int | float], numbers: Numbers) -> tuple[float, Wide] | None:
    """The value of a gate as a float and as a wide number; None at and beside a kink, a jump or an edge."""
    point = [numbers[x] if isinstance(x, int) else (x, x) for x in operands]
    narrow, exact = [x for x, _ in point], [x for _, x in point]
    moved = [isinstance(x, int) for x in operands]
    chance = Random(gate.name)
    along = [chance.uniform(0.5, 1.5) * is_moved for is_moved in moved]
    try:
        value = gate.evaluate(narrow)
        if not _is_usual(value):
            return None
        forward = forward_of(gate)

        def wide(xs: Sequence[Wide]) -> list[Any]:
            return [forward(*[x if is_moved else c for x, c, is_moved in zip(xs, narrow, moved, strict=True)])]

        with MP.workdps(200):
            truth = Wide(wide(exact)[0])  # type: ignore[arg-type]
            [slope] = slopes(wide, [Wide(x).number for x in exact], [along])
            agree = math.isclose(value, float(truth.number), rel_tol=1e-9)
        return (value, truth) if agree and slope.kind == "smooth" and _is_usual(slope.right) else None
    except ForwardError:
        return None
    except Lost:  # the forward function does not run on wide numbers

        def at(n: int, x: float) -> list[float]:
            return [gate.evaluate([*narrow[:n], x, *narrow[n + 1 :]])]

        kinds = {floats.slopes(partial(at, n), narrow[n])[0].kind for n, is_moved in enumerate(moved) if is_moved}
        return (value, Wide(value)) if kinds == {"smooth"} else None


def _is_usual(size: Any) -> bool:
    return bool(size == 0 or 1e-12 < abs(size) < 1e12)  # beyond lie overflow and differences without digits


def _keeps_digits(expression: Expression) -> bool:
    """Whether floats have the digits of the gradient that the same rules give with more digits."""
    recorded = Recorded(expression, expression.point, expression.point)
    by_floats = [x for x, _ in recorded.by_engine(recorded.outputs[0], [])]
    try:
        with MP.workdps(60):
            exact = [float(x) for x in recorded.by_rules([])[0]]
    except Lost:
        return all(finding.verdict in ("right", "wrong") for finding in report_grads(expression, expression.point))
    return all(math.isclose(a, b, rel_tol=1e-7) or not math.isfinite(a) for a, b in zip(by_floats, exact, strict=True))


# ---- numbers ---------------------------------------------------------------------------------------------------------


def _number(steps: int, thousandths: int) -> float:
    """1 + some thousandths, from 8 on ten times as far, on a grid of `steps` in a unit, and not 0, a kink of many.

    Numbers below 1 stay there on all grids but that of whole numbers: so they shrink to 0.5.
    """
    number = 1 + thousandths / 1000
    size = abs(number) + 10 * max(0.0, abs(number) - 8)
    whole = math.ceil(size * steps)
    return math.copysign((min(whole, steps - 1) if size < 1 < steps else whole) / steps, number)


_NUMBERS = st.builds(_number, st.sampled_from([1, 2, 10, 1000]), st.integers(-13_000, 11_000))
_EDGES = st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, 5e-324])


def points(size: int, edges: bool = False) -> st.SearchStrategy[tuple[float, ...]]:
    """Points of `size` numbers, most of them between −8 and 8; with `edges` any float, infinities and nan too.

    Shrinks to 1.0, 0.5 and 2.0.

    >>> from hypothesis import find
    >>> find(points(2), lambda point: True)
    (1.0, 1.0)
    """
    return st.tuples(*[_NUMBERS | _EDGES if edges else _NUMBERS] * size)


def values_inside(gate: Gate) -> st.SearchStrategy[tuple[float, ...]]:
    """Operands inside the domain of `gate`, as its forward function has it: it has a value there and beside it.

    The gate is given as in `expressions`. Raises ValueError where no number that was tried is inside, and as there.

    >>> from hypothesis import given, settings
    >>> from microgradnn import acosh, check_grads
    >>> @settings(deadline=None)  # a check that fails takes longer than 200 ms
    ... @given(values_inside(acosh))
    ... def acosh_has_the_right_gradient(operands):
    ...     check_grads(acosh, operands)
    >>> acosh_has_the_right_gradient()
    """
    gate = _allowed(gate)
    simple: list[tuple[float, ...]] = []
    chance = Random(gate.name)
    for count in _counts(gate):
        simple += {*product(SIMPLE[:3], repeat=count), *(tuple(chance.choices(SIMPLE, k=count)) for _ in range(300))}
    simple = [*sorted(simple, key=lambda operands: [*map(SIMPLE.index, operands)]), *gate.samples]
    inside = [operands for operands in simple if _is_inside(gate, operands)]
    if not inside:
        raise ValueError(f"{gate.name} has no value at any operands tried: give it samples=, points inside its domain")
    drawn = st.one_of([st.tuples(*[_NUMBERS] * count) for count in _counts(gate)])
    return st.sampled_from(inside) | drawn.filter(lambda operands: _is_inside(gate, operands))


def _is_inside(gate: Primitive, operands: tuple[float, ...]) -> bool:
    steps = [(n, x, side * 1e-6 * (abs(x) or 1.0)) for n, x in enumerate(operands) for side in (-1, 1)]
    beside = [(*operands[:n], x + step, *operands[n + 1 :]) for n, x, step in steps]
    try:
        return all(math.isfinite(gate.evaluate(neighbour)) for neighbour in (operands, *beside))
    except ForwardError:
        return False

"""Zeros and constants: what a program may change where it adds in an order of its own, and what it keeps.

Sums of many terms are added in another order than Python's, and what is the same for all examples is added up first.
That changes results by rounding, and where terms come near 1e308 a sum on the way may overflow. What it keeps:

- 0.0 and −0.0 are told apart wherever that leads to other numbers: in what is divided by, an operand of atan2, the base
  of a power, the operand of a gate that tells them apart. A sum is −0.0 only if all its terms are, in whatever order
  they are added. So what Python adds to 0.0 is added to 0.0 there, and a sum that may be −0.0 is left as it is.
- Constants of 2⁵² and more, which are there to round or to overflow, stay where they are; smaller ones are added up.
  Products of constants are taken first only where that is the same to the bit.

Not kept are the sign of a zero that a function returns and of one in a gradient; over arrays maximum, minimum and
select may give either of two zeros.
"""

from __future__ import annotations

import math
from functools import lru_cache

from microgradnn.compiler.tape import Atom, Tape
from microgradnn.primitive import BUILT_IN, Primitive, lookup

_ADD, _SUM, _MULTIPLY = lookup("add"), lookup("sum"), lookup("multiply")
LARGE = 2.0**52  # doubles of that size have no digits behind the point

NEVER_NEGATIVE = {  # gates of which no zero is −0.0
    "exp", "cos", "cosh", "sigmoid", "softplus", "log", "clipped_log", "logsumexp", "abs", "hypot", "sign", "step",
    "equal", "relu", "sum", "dot",
}  # fmt: skip


def told_apart(tape: Tape) -> bytearray:
    """For every register 1 if 0.0 and −0.0 in it may lead to different numbers.

    >>> tape = Tape(2)
    >>> tape.roots = [tape.write(lookup("divide"), (0, tape.write(lookup("sin"), (1,))))]
    >>> list(told_apart(tape))
    [0, 1, 1, 0]
    """
    told = bytearray(tape.leaves + len(tape.lines))
    if not any(_operands_told_apart(gate, gate.arity or 1) for gate in {gate for gate, _ in tape.lines}):
        return told  # gates of any number tell the zeros of all operands apart, or of none
    needed = tape.needed()
    for register in range(len(told) - 1, tape.leaves - 1, -1):
        gate, operands = tape.lines[register - tape.leaves]
        if not needed[register]:
            continue
        every = told[register] and not _never_negative(gate, operands)
        apart = range(len(operands)) if every else _operands_told_apart(gate, len(operands))
        for operand in map(operands.__getitem__, apart):
            if isinstance(operand, int):
                told[operand] = 1
    return told


def kept_in_order(tape: Tape, told: bytearray) -> bytearray:
    """For every register 1 if it is a sum that must be added as it stands."""
    kept, never = bytearray(len(told)), bytearray(len(told))  # never −0.0
    anywhere = 1 in told
    if not anywhere and not any(abs(x) >= LARGE for _, xs in tape.lines for x in xs if x.__class__ is float):
        return kept
    for register, (gate, operands) in enumerate(tape.lines, tape.leaves):
        if anywhere:
            never[register] = _never_negative(gate, operands)
            if gate is _ADD and not never[register]:
                never[register] = any(operand.__class__ is int and never[operand] for operand in operands)
                kept[register] = told[register] and not never[register]
        if (gate is _ADD or gate is _SUM) and any(x.__class__ is float and abs(x) >= LARGE for x in operands):
            kept[register] = 1
    return kept


def _never_negative(gate: Primitive, operands: tuple[Atom, ...]) -> bool:
    """Whether a gate gives no −0.0, whatever its operands."""
    if gate is _ADD:
        return any(operand.__class__ is float and str(operand) != "-0.0" for operand in operands)
    square = gate is _MULTIPLY and operands[0] == operands[1] and operands[0].__class__ is operands[1].__class__
    return square or gate.name in NEVER_NEGATIVE


@lru_cache
def _operands_told_apart(gate: Primitive, count: int) -> tuple[int, ...]:
    """The operands of which −0.0 leads to another number than 0.0: found by trying both, beside samples, 0s and −1s."""
    if gate.arity is None or (gate.arity > 1 and gate.name not in BUILT_IN):
        return () if gate.name in BUILT_IN else tuple(range(count))
    points = [*gate.samples, (0.0,) * count, (-1.0,) * count]
    return tuple(index for index in range(count) if any(_tells_apart(gate, point, index) for point in points))


def _tells_apart(gate: Primitive, point: tuple[float, ...], index: int) -> bool:
    numbers = []
    for zero in (0.0, -0.0):
        operands = [*point[:index], zero, *point[index + 1 :]]
        try:
            out = gate.limit(operands)
            numbers.append([out, *gate.partials(out, operands)])
        except Exception:  # a gate of the user's own that knows nothing of 0
            return True
    return not all(map(_same, *numbers))


def _same(x: float | None, y: float | None) -> bool:
    return x == y or (x is not None and y is not None and math.isnan(x) and math.isnan(y))

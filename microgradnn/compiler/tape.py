"""The tape: a scalar function written down as straight-line code, simplified while it is written.

Line i applies a gate to atoms and writes register `leaves + i`. An atom is a register (an int) or a constant: a float,
or NOTHING, which is the constant 0 in a partial. The first registers are the leaves, parameters and then inputs. Equal
lines are written once, constants are folded, and x² is written as x · x, always to the bit. A product with 1 is left as
it is: a constant may be a datum that happens to be 1, and gates that do the same should look the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.ir import Array
from microgradnn.compiler.sources import Sources
from microgradnn.primitive import NOTHING, Line, Primitive, lookup

Atom = int | float

_ADD, _MULTIPLY, _DIVIDE = lookup("add"), lookup("multiply"), lookup("divide")
_CONSTANTS = {float, NOTHING.__class__}


def _power(x: Any, exponent: Any) -> Any:
    if exponent.__class__ is not float:  # a register may be equal to a constant without being one
        return None
    if exponent == 2.0:
        return _MULTIPLY, (x, x)
    if exponent == 1.0:
        return x
    return (_DIVIDE, (1.0, x)) if exponent == -1.0 else None


def _unknown(atom: Any) -> Any:
    return None if atom.__class__ is float else atom


# What a gate comes to where an operand is a constant or stands alone: another atom, another line, or None. An atom that
# is not a float is not known. A gate that chooses a constant stays a gate: its 0 comes out of the numbers, and is
# no constant 0, which would hand nothing on.
_RULES: dict[str, Callable[..., Any]] = {
    "positive": lambda x: x,
    "power": _power,
    "select": lambda index, *xs: (
        _unknown(xs[int(index)]) if index.__class__ is float and index in range(len(xs)) else None
    ),
    "where": lambda c, a, b: _unknown(a if c > 0 else b) if c.__class__ is float else None,
    **{name: lambda *xs: xs[0] if len(xs) == 1 else None for name in ("maximum", "minimum")},
    **{name: lambda *xs: (_ADD, (*xs, 0.0)) if len(xs) == 1 else None for name in ("sum", "logsumexp")},
}
RULED = frozenset(map(lookup, _RULES))


def simplified(gate: Primitive, operands: tuple[Any, ...]) -> tuple[Primitive, tuple[Any, ...]] | Any:
    """The line `gate(*operands)` in its simplest form: a line, or the atom that holds its value already.

    >>> simplified(lookup("power"), (3, 1.0)), simplified(lookup("add"), (2.0, 5.0))
    (3, 7.0)
    >>> simplified(lookup("power"), (3, 2.0))
    (<primitive multiply>, (3, 3))
    """
    if _CONSTANTS.issuperset(map(type, operands)):
        return gate.limit(operands)
    rule = _RULES.get(gate.name)
    simpler = None if rule is None else rule(*operands)
    return (gate, operands) if simpler is None else simpler


def distinct(operands: tuple[Atom, ...]) -> tuple[Any, ...]:
    """The operands as a key: 1.0 and the register 1 are equal to Python, and so are 0.0, −0.0 and NOTHING.

    >>> distinct((1, 2)), distinct((1.5, 2)), distinct((-0.0, 2)), distinct((NOTHING, 2))
    ((1, 2), ((1.5,), 2), ('-0.0', 2), ('nothing', 2))
    """
    for x in operands:
        if x.__class__ is not int:
            return tuple(
                [
                    x if x.__class__ is int else (x,) if x and x == x  # quicker than its digits
                    else "nothing" if x is NOTHING else repr(x)
                    for x in operands
                ]
            )  # fmt: skip
    return operands


class Tape:
    """The lines of a function of `leaves` numbers, and `roots`, the atoms of its results.

    >>> tape = Tape(2)
    >>> total = tape.write(lookup("add"), (0, 1))
    >>> tape.write(lookup("add"), (0, 1)) == total, tape.write(lookup("maximum"), (total,)) == total, len(tape.lines)
    (True, True, 1)
    """

    def __init__(self, leaves: int) -> None:
        self.leaves = leaves
        self.lines: list[Line] = []
        self.paths: list[str | None] = []  # of the module that each line belongs to
        self.sources = Sources()  # of the lines, where a tracer wrote them
        self.roots: list[Atom] = []
        self._written: dict[Any, int] = {}
        self._uses: Array | None = None  # of the lines so far

    def write(self, gate: Primitive, operands: tuple[Atom, ...], path: str | None = None) -> Atom:
        """The atom of `gate(*operands)`: a new line unless something simpler will do."""
        if gate in RULED or int not in map(type, operands):
            simpler: Any = simplified(gate, operands)
            if simpler.__class__ is not tuple:
                return simpler  # type: ignore[no-any-return]  # an atom
            gate, operands = simpler
        return self.append(gate, operands, path)

    def append(self, gate: Primitive, operands: tuple[Atom, ...], path: str | None = None) -> Atom:
        """The register of `gate(*operands)` as it stands: a new line unless there is one like it."""
        lines, line, key = self.lines, (gate, operands), distinct(operands)
        next_one = self.leaves + len(lines)
        register = self._written.setdefault(line if key is operands else (gate, key), next_one)
        if register == next_one:
            lines.append(line)
            self.paths.append(path)
        return register

    def needed(self, roots: Sequence[Atom] | None = None) -> bytearray:
        """For every register 1 if the roots, all of the tape's unless given, depend on it."""
        used = self.uses() > 0
        used[[root for root in (self.roots if roots is None else roots) if isinstance(root, int)]] = True
        if used[self.leaves :].all():  # then a root depends on each line, by way of those that use it
            return bytearray(used)
        needed = bytearray(len(used))
        for root in self.roots if roots is None else roots:
            if isinstance(root, int):
                needed[root] = 1
        for register in range(len(needed) - 1, self.leaves - 1, -1):
            if needed[register]:
                for operand in self.lines[register - self.leaves][1]:
                    if operand.__class__ is int:
                        needed[operand] = 1
        return needed

    def uses(self) -> Array:
        """How many operands of lines each register is.

        >>> tape = Tape(2)
        >>> register = tape.write(lookup("multiply"), (0, 0))
        >>> tape.uses().tolist()
        [2, 0, 0]
        """
        if self._uses is None or len(self._uses) != self.leaves + len(self.lines):
            registers = [x for _, operands in self.lines for x in operands if x.__class__ is int]
            self._uses = np.bincount(np.array(registers, np.int64), minlength=self.leaves + len(self.lines))
        return self._uses

    def dependent(self, first: int, last: int) -> bytearray:
        """For every register 1 if it depends on one of the leaves from `first` to before `last`.

        >>> tape = Tape(2)
        >>> tape.write(lookup("exp"), (0,)), tape.write(lookup("add"), (1, 2))
        (2, 3)
        >>> list(tape.dependent(1, 2))
        [0, 1, 0, 1]
        """
        dependent = bytearray(self.leaves + len(self.lines))
        if first == last:
            return dependent
        dependent[first:last] = b"\1" * (last - first)
        for register, (_, operands) in enumerate(self.lines, self.leaves):
            for operand in operands:
                if operand.__class__ is int and dependent[operand]:
                    dependent[register] = 1
                    break
        return dependent

    def same_as(self, other: Tape) -> bool:
        """Whether the lines are the same, and their constants to the bit.

        >>> tapes = [Tape(1), Tape(1)]
        >>> for tape, constant in zip(tapes, [0.0, -0.0]):
        ...     register = tape.write(lookup("multiply"), (0, constant))
        >>> tapes[0].same_as(tapes[0]), tapes[0].same_as(tapes[1])
        (True, False)
        """
        return (self.leaves, len(self.lines)) == (other.leaves, len(other.lines)) and all(
            gate is other_gate and distinct(operands) == distinct(others)
            for (gate, operands), (other_gate, others) in zip(self.lines, other.lines, strict=True)
        )

    def close(self) -> None:
        """Forget what is only needed while lines are written."""
        self._written.clear()
        self.sources.close()

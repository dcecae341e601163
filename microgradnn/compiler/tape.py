"""The tape: a scalar function written down as straight-line code, simplified while it is written.

Line i applies a gate to places and writes register `leaves + i`. A place is a register (an int) or a constant: a float,
or NOTHING, which is the constant 0 in a partial. The first registers are the leaves, parameters and then inputs. Equal
lines are written once, constants are folded, and x² is written as x · x, always to the bit. A product with 1 is left as
it is: a constant may be a datum that happens to be 1, and gates that do the same should look the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from microgradnn.compiler.sources import Sources
from microgradnn.primitive import NOTHING, Primitive, lookup

Place = int | float
Line = tuple[Primitive, tuple[Place, ...]]

_ADD, _MULTIPLY, _DIVIDE = lookup("add"), lookup("multiply"), lookup("divide")
_REGISTERS, _CONSTANTS = {int}, {float, NOTHING.__class__}


def _is(place: Any, constant: float) -> bool:
    return place.__class__ is float and place == constant  # a register may be equal to a constant without being one


def _unknown(place: Any) -> Any:
    return None if place.__class__ is float else place


# What a gate comes to where an operand is a constant or stands alone: another place, another line, or None. A place
# that is not a float is not known. A gate that chooses a constant stays a gate: its 0 comes out of the numbers, and is
# no constant 0, which would hand nothing on.
_RULES: dict[str, Callable[..., Any]] = {
    "positive": lambda x: x,
    "power": lambda x, y: next((line(x) for exponent, line in _POWERS.items() if _is(y, exponent)), None),
    "select": lambda index, *xs: (
        _unknown(xs[int(index)]) if index.__class__ is float and index in range(len(xs)) else None
    ),
    "where": lambda c, a, b: _unknown(a if c > 0 else b) if c.__class__ is float else None,
    **{name: lambda *xs: xs[0] if len(xs) == 1 else None for name in ("maximum", "minimum")},
    **{name: lambda *xs: (_ADD, (*xs, 0.0)) if len(xs) == 1 else None for name in ("sum", "logsumexp")},
}
_POWERS: dict[float, Callable[[Any], Any]] = {
    1.0: lambda x: x,
    2.0: lambda x: (_MULTIPLY, (x, x)),
    -1.0: lambda x: (_DIVIDE, (1.0, x)),
}


def simplified(gate: Primitive, places: tuple[Any, ...]) -> tuple[Primitive, tuple[Any, ...]] | Any:
    """The line `gate(*places)` in its simplest form: a line, or the place that holds its value already.

    >>> simplified(lookup("power"), (3, 1.0)), simplified(lookup("add"), (2.0, 5.0))
    (3, 7.0)
    >>> simplified(lookup("power"), (3, 2.0))
    (<primitive multiply>, (3, 3))
    """
    if _CONSTANTS.issuperset(map(type, places)):
        return gate.limit(places)
    rule = _RULES.get(gate.name)
    if rule is not None:
        found = rule(*places)
        if found is not None:
            return found
    return gate, places


def distinct(places: tuple[Place, ...]) -> tuple[Any, ...]:
    """The places as a key: 1.0 and the register 1 are equal to Python, and so are 0.0, −0.0 and NOTHING.

    >>> distinct((1, 2)), distinct((1.0, 2)), distinct((-0.0, 2)), distinct((NOTHING, 2))
    ((1, 2), ('1.0', 2), ('-0.0', 2), ('nothing', 2))
    """
    if _REGISTERS.issuperset(map(type, places)):
        return places
    return tuple(
        [place if place.__class__ is int else "nothing" if place is NOTHING else repr(place) for place in places]
    )


class Tape:
    """The lines of a function of `leaves` numbers, and `roots`, the places of its results.

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
        self.roots: list[Place] = []
        self._written: dict[Any, int] = {}

    def write(self, gate: Primitive, places: tuple[Place, ...], path: str | None = None) -> Place:
        """The place of `gate(*places)`: a new line unless something simpler will do."""
        if gate.name in _RULES or int not in map(type, places):
            found: Any = simplified(gate, places)
            if found.__class__ is not tuple:
                return found  # type: ignore[no-any-return]  # a place
            gate, places = found
        return self.append(gate, places, path)

    def append(self, gate: Primitive, places: tuple[Place, ...], path: str | None = None) -> Place:
        """The register of `gate(*places)` as it stands: a new line unless there is one like it."""
        key = (gate, distinct(places))
        register = self._written.get(key)
        if register is None:
            register = self._written[key] = self.leaves + len(self.lines)
            self.lines.append((gate, places))
            self.paths.append(path)
        return register

    def needed(self, roots: Sequence[Place] | None = None) -> bytearray:
        """For every register 1 if the roots, all of the tape's unless given, depend on it."""
        needed = bytearray(self.leaves + len(self.lines))
        for root in self.roots if roots is None else roots:
            if root.__class__ is int:
                needed[root] = 1
        for register in range(len(needed) - 1, self.leaves - 1, -1):
            if needed[register]:
                for place in self.lines[register - self.leaves][1]:
                    if place.__class__ is int:
                        needed[place] = 1
        return needed

    def dependent(self, first: int, last: int) -> bytearray:
        """For every register 1 if it depends on one of the leaves from `first` to before `last`.

        >>> tape = Tape(2)
        >>> tape.write(lookup("exp"), (0,)), tape.write(lookup("add"), (1, 2))
        (2, 3)
        >>> list(tape.dependent(1, 2))
        [0, 1, 0, 1]
        """
        found = bytearray(self.leaves + len(self.lines))
        found[first:last] = b"\1" * (last - first)
        for register, (_, places) in enumerate(self.lines, self.leaves):
            for place in places:
                if place.__class__ is int and found[place]:
                    found[register] = 1
                    break
        return found

    def same_as(self, other: Tape) -> bool:
        """Whether the lines are the same, and their constants to the bit.

        >>> tapes = [Tape(1), Tape(1)]
        >>> for tape, constant in zip(tapes, [0.0, -0.0]):
        ...     place = tape.write(lookup("multiply"), (0, constant))
        >>> tapes[0].same_as(tapes[0]), tapes[0].same_as(tapes[1])
        (True, False)
        """
        return (self.leaves, len(self.lines)) == (other.leaves, len(other.lines)) and all(
            gate is other_gate and distinct(places) == distinct(others)
            for (gate, places), (other_gate, others) in zip(self.lines, other.lines, strict=True)
        )

    def close(self) -> None:
        """Forget what is only needed while lines are written."""
        self._written.clear()
        self.sources.close()

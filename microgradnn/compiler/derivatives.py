"""Derivatives of a tape: reverse sweeps that write lines behind those they go back over.

What a sweep leaves is a tape again, so a sweep over that gives products with the Hessian.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from microgradnn.compiler.tape import Atom, Tape
from microgradnn.primitive import NOTHING, Primitive, lookup

_ADD, _MULTIPLY = lookup("add"), lookup("multiply")


def swept(tape: Tape, seeds: Iterable[tuple[Atom, Atom]], first: int, last: int) -> tuple[Tape, list[Atom]]:
    """The tape with a reverse sweep behind it, and Σ seed · ∂atom/∂leaf, over (atom, seed), by each of some leaves.

    These are the leaves from `first` to before `last`. contribution = partial × adjoint, from the atoms to the leaves;
    the partials come from the table. Their constant 0 is NOTHING on the tape: nothing is handed on along such an edge,
    which may be known only when the numbers are.
    """
    active = tape.dependent(first, last)
    longer = Tape(tape.leaves)
    for (gate, operands), path in zip(tape.lines, tape.paths, strict=True):
        longer.append(gate, operands, path)
    adjoints: dict[Atom, Atom] = {}

    def write(gate: Primitive, operands: Sequence[Atom]) -> Atom:
        if gate is _MULTIPLY:
            for x, y in (operands, operands[::-1]):
                if x.__class__ is not int and (x is NOTHING or x == 1.0):
                    return x if x is NOTHING else y
        return longer.write(gate, tuple(operands))

    def hand(contribution: Atom, x: Atom) -> None:
        adjoints[x] = write(_ADD, (adjoints[x], contribution)) if x in adjoints else contribution

    for atom, seed in seeds:
        if atom.__class__ is int:
            hand(seed, atom)
    for register in range(tape.leaves + len(tape.lines) - 1, tape.leaves - 1, -1):
        adjoint = adjoints.get(register)
        if adjoint is None or not active[register]:
            continue
        gate, operands = tape.lines[register - tape.leaves]
        marked = [NOTHING if x.__class__ is not int and x == 0.0 else x for x in operands]
        partials = gate.trace(len(operands)).run(register, marked, write, NOTHING)
        for x, partial in zip(operands, partials, strict=True):
            if isinstance(x, int) and active[x] and partial is not None and partial is not NOTHING:
                hand(write(_MULTIPLY, (partial, adjoint)), x)
    longer.close()
    return longer, [adjoints.get(leaf, 0.0) for leaf in range(first, last)]


def differentiated(tape: Tape, first: int, last: int) -> Tape:
    """The tape with the derivatives of its first root by the leaves from `first` to before `last` behind that root.

    >>> tape = Tape(2)
    >>> tape.roots = [tape.write(_MULTIPLY, (0, 1))]
    >>> differentiated(tape, 0, 2).roots
    [2, 1, 0]
    """
    longer, gradient = swept(tape, [(tape.roots[0], 1.0)], first, last)
    longer.roots = [tape.roots[0], *gradient, *tape.roots[1:]]
    return longer


def times_hessian(tape: Tape, first: int, last: int) -> Tape:
    """The Hessian of the first root by the leaves from `first` to before `last`, times a vector: as many leaves more.

    H v is the gradient of ∇f · v: a sweep over what a sweep has left.

    >>> tape = Tape(1)
    >>> tape.roots = [tape.write(lookup("exp"), (0,))]
    >>> twice = times_hessian(tape, 0, 1)
    >>> twice.lines, twice.roots
    ([(<primitive exp>, (0,)), (<primitive multiply>, (2, 1))], [3])
    """
    more = last - first
    wider = Tape(tape.leaves + more)
    places = [*range(tape.leaves), *range(wider.leaves, wider.leaves + len(tape.lines))]
    for gate, operands in tape.lines:
        wider.append(gate, tuple([places[x] if x.__class__ is int else x for x in operands]))
    root = tape.roots[0]
    once, gradient = swept(wider, [(places[root] if isinstance(root, int) else root, 1.0)], first, last)
    twice, product = swept(once, zip(gradient, range(tape.leaves, wider.leaves), strict=True), first, last)
    twice.roots = product
    return twice

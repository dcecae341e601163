"""Sums: chains of additions become sums of many terms, and sums of products become dot products.

A program of scalars adds two numbers at a time; an array program wants to see the whole sum. What does not depend on
the example is added up apart from what does, so penalties leave the batch by themselves and biases join their product.
What that may change is in `zeros`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from microgradnn.compiler.tape import Atom, Tape
from microgradnn.compiler.zeros import kept_in_order, told_apart
from microgradnn.primitive import Primitive, lookup

_ADD, _SUM, _MULTIPLY, _DOT = lookup("add"), lookup("sum"), lookup("multiply"), lookup("dot")

# What a factor is; in a dot product the one that comes first in this order is the weight.
PARAMETER, UNIFORM, CONSTANT, VARYING = range(4)

_FEWEST_WITH_CONSTANTS = 4
_NEGATIVE_OVER_ARRAYS = {_ADD, _SUM, _DOT, lookup("sign")}  # whose zeros may be −0.0 over arrays
Pair = tuple[Atom, Atom]
Parts = tuple[list[Atom], list[Atom]]  # atoms that add up to a sum: those that vary with the example, and the others


def gather_sums(tape: Tape, params: int, split_root: bool) -> Tape:
    """The same function with whole sums and dot products; its first `params` leaves are parameters.

    With `split_root` the first root becomes two that add up to it: what varies with the example, and what does not.

    >>> tape = Tape(4)  # w0, w1 and x0, x1
    >>> products = [tape.write(_MULTIPLY, (w, w + 2)) for w in (0, 1)]
    >>> tape.roots = [tape.write(_ADD, tuple(products))]
    >>> gather_sums(tape, 2, split_root=False).lines
    [(<primitive dot>, (0, 1, 2, 3, 0.0))]
    """
    return _Gathering(tape, params).run(split_root)


class _Gathering:
    """The old tape, the new one, and where the numbers of the one are on the other."""

    def __init__(self, tape: Tape, params: int) -> None:
        self.old, self.new = tape, Tape(tape.leaves)
        self.ranks = [PARAMETER] * params + [VARYING] * (tape.leaves - params)  # of the registers of the new tape
        self.atoms: list[Atom] = [*range(tape.leaves), *[0.0] * len(tape.lines)]  # on the new tape, of old registers
        self.path: str | None = None
        self.needed = tape.needed()
        self.told_apart = told_apart(tape)
        self.kept_in_order = kept_in_order(tape, self.told_apart)
        self.absorbed = self._absorbed()

    def run(self, split_root: bool) -> Tape:
        old, atoms, absorbed = self.old, self.atoms, self.absorbed
        root = old.roots[0] if split_root and isinstance(old.roots[0], int) else None
        split: Parts | None = None
        for register, (gate, operands) in enumerate(old.lines, old.leaves):
            if absorbed[register] or not self.needed[register]:
                continue
            self.path = old.paths[register - old.leaves]
            if (gate is _ADD or gate is _SUM) and not self.kept_in_order[register]:
                parts = self.parts(*self.terms(register))
                if register == root:
                    split = parts
                atoms[register] = self.total(parts)
            elif gate is _DOT:
                half = len(operands) // 2
                pairs = [(self.at(w), self.at(x)) for w, x in zip(operands[:half], operands[half:-1], strict=True)]
                atoms[register] = self.total(self.parts(pairs, [self.at(operands[-1])], fewest=1))
            else:
                atoms[register] = self.write(gate, map(self.at, operands))
            if self.told_apart[register] and gate in _NEGATIVE_OVER_ARRAYS and not self.kept_in_order[register]:
                atoms[register] = self.write(_ADD, (atoms[register], 0.0))
        roots = [self.at(root) for root in old.roots]
        if split_root:
            if split is None:
                split = (roots[:1], []) if self.rank(roots[0]) == VARYING else ([], roots[:1])
            roots = [*map(self.added, split), *roots[1:]]
        self.new.roots = roots
        return self.new

    def _absorbed(self) -> bytearray:
        """For every old register 1 if its only use is as a term of a sum, and it is a sum or a product itself."""
        old, kept, needed = self.old, self.kept_in_order, self.needed
        absorbed, in_sum, uses = bytearray(len(kept)), bytearray(len(kept)), [0] * len(kept)
        for root in old.roots:
            if isinstance(root, int):
                uses[root] += 1
        for register in range(len(kept) - 1, old.leaves - 1, -1):  # what uses it comes after it
            gate, operands = old.lines[register - old.leaves]
            is_sum = (gate is _ADD or gate is _SUM) and not kept[register]
            absorbed[register] = (is_sum or gate is _MULTIPLY) and uses[register] == 1 and in_sum[register]
            for operand in operands if needed[register] else ():
                if operand.__class__ is int:
                    uses[operand] += 1
                    in_sum[operand] = is_sum
        return absorbed

    def at(self, atom: Atom) -> Atom:
        """The new atom for an old one."""
        return self.atoms[atom] if atom.__class__ is int else atom

    def rank(self, atom: Atom) -> int:
        return self.ranks[atom] if atom.__class__ is int else CONSTANT

    def write(self, gate: Primitive, operands: Iterable[Atom]) -> Atom:
        atom = self.new.write(gate, tuple(operands), self.path)
        if isinstance(atom, int) and atom >= len(self.ranks):
            self.ranks.append(VARYING if VARYING in map(self.rank, self.new.lines[-1][1]) else UNIFORM)
        return atom

    def terms(self, register: int) -> tuple[list[Pair], list[Atom]]:
        """The products and the other terms of the sum in `register`, with all that it has absorbed."""
        old, pairs, terms = self.old, list[Pair](), list[Atom]()
        waiting: list[Atom] = [*reversed(old.lines[register - old.leaves][1])]
        while waiting:
            term = waiting.pop()
            if not isinstance(term, int) or not self.absorbed[term]:
                terms.append(self.at(term))
            else:
                gate, operands = old.lines[term - old.leaves]
                if gate is _MULTIPLY:
                    x, y = operands
                    pairs.append((self.at(x), self.at(y)))
                else:
                    waiting += reversed(operands)
        return pairs, terms

    def parts(self, pairs: list[Pair], terms: list[Atom], fewest: int = 2) -> Parts:
        """Write products and add them to the terms; `fewest` products of a kind make a dot product."""
        kinds = defaultdict[tuple[int, int], list[Pair]](list)
        for pair in pairs:
            first, second = sorted(pair, key=self.rank)
            kinds[self.rank(first), self.rank(second)].append((first, second))
        products, dots = list[Atom](), list[list[Pair]]()
        for kind, factors in kinds.items():
            # A few products with constants are cheaper one by one; two factors that vary are no product of matrices.
            few = _FEWEST_WITH_CONSTANTS if CONSTANT in kind and kind != (PARAMETER, CONSTANT) else 0
            if kind == (VARYING, VARYING) or len(factors) < max(few, fewest):
                products += [self.write(_MULTIPLY, pair) for pair in factors]
            else:
                dots.append(sorted(factors) if kind == (PARAMETER, PARAMETER) else factors)
        uniform, varying = list[Atom](), list[Atom]()
        for term in products + terms:
            if term.__class__ is int or term != 0.0:
                (varying if self.rank(term) == VARYING else uniform).append(term)
        for dot in dots:
            weights, inputs = zip(*dot, strict=True)
            bias: Atom = 0.0
            varies = self.rank(inputs[0]) == VARYING
            if len(dots) == 1 and varies and uniform and not varying:  # the bias of a neuron
                bias, uniform = self.added(uniform), []
            elif len(dots) == 1 and self.rank(weights[0]) == PARAMETER < self.rank(inputs[0]) < VARYING:
                parameters = [term for term in uniform if self.rank(term) == PARAMETER]
                if len(parameters) == 1:
                    [bias] = parameters
                    uniform = [term for term in uniform if self.rank(term) != PARAMETER]
            (varying if varies else uniform).append(self.write(_DOT, (*weights, *inputs, bias)))
        return varying, uniform

    def added(self, terms: list[Atom]) -> Atom:
        """The sum of the terms: 0 of none, an addition of two."""
        constant = sum(term for term in terms if term.__class__ is float)
        terms = [term for term in terms if term.__class__ is int] + [constant] * (constant != 0.0)
        if len(terms) < 3:
            return self.write(_ADD, terms) if len(terms) == 2 else terms[0] if terms else 0.0
        return self.write(_SUM, terms)

    def total(self, parts: Parts) -> Atom:
        varying, uniform = parts
        return self.added([*varying, *([self.added(uniform)] if uniform else [])])

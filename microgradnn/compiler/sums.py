"""Sums: chains of additions become sums of many terms, and sums of products become dot products.

A program of scalars adds two numbers at a time; an array program wants to see the whole sum. What does not depend on
the example is added up apart from what does, so penalties leave the batch by themselves and biases join their product.
What that may change is in `zeros`.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import compress

import numpy as np

from microgradnn.compiler.ir import Array
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
        self.own = (np.frombuffer(self.needed, bool) > np.frombuffer(self.absorbed, bool))[tape.leaves :]  # lines

    def run(self, split_root: bool) -> Tape:
        old, atoms = self.old, self.atoms
        root = old.roots[0] if split_root and isinstance(old.roots[0], int) else None
        split: Parts | None = None
        write = self.write
        own = compress(enumerate(old.lines, old.leaves), self.own.tolist())
        for register, (gate, operands) in own:
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
                atoms[register] = write(gate, tuple([atoms[x] if x.__class__ is int else x for x in operands]))
            apart = self.told_apart[register] and not self.kept_in_order[register]
            if apart and gate in _NEGATIVE_OVER_ARRAYS:
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
        old = self.old
        count, needed = len(self.needed), np.frombuffer(self.needed, bool)
        sums = np.zeros(count, bool)
        sums[old.leaves :] = [gate is _ADD or gate is _SUM for gate, _ in old.lines]
        sums &= np.frombuffer(self.kept_in_order, np.uint8) == 0
        products = np.zeros(count, bool)
        products[old.leaves :] = [gate is _MULTIPLY for gate, _ in old.lines]
        in_sum = self._uses(sums & needed)
        uses = old.uses() if needed[old.leaves :].all() else self._uses(needed)
        uses = uses + np.bincount([root for root in old.roots if isinstance(root, int)], minlength=count)
        return bytearray((sums | products) & (uses == 1) & (in_sum == 1))

    def _uses(self, chosen: Array) -> Array:
        """How many operands of the chosen lines each register is."""
        lines = compress(self.old.lines, chosen[self.old.leaves :].tolist())
        registers = [x for _, operands in lines for x in operands if x.__class__ is int]
        return np.bincount(np.array(registers, np.int64), minlength=len(chosen))

    def at(self, atom: Atom) -> Atom:
        """The new atom for an old one."""
        return self.atoms[atom] if atom.__class__ is int else atom

    def rank(self, atom: Atom) -> int:
        return self.ranks[atom] if atom.__class__ is int else CONSTANT

    def write(self, gate: Primitive, operands: tuple[Atom, ...]) -> Atom:
        atom, ranks = self.new.write(gate, operands, self.path), self.ranks
        if atom.__class__ is int and atom == len(ranks):
            rank = UNIFORM
            for x in self.new.lines[-1][1]:
                if x.__class__ is int and ranks[x] == VARYING:
                    rank = VARYING
                    break
            ranks.append(rank)
        return atom

    def terms(self, register: int) -> tuple[list[Pair], list[Atom]]:
        """The products and the other terms of the sum in `register`, with all that it has absorbed."""
        old, at, absorbed, pairs, terms = self.old, self.at, self.absorbed, list[Pair](), list[Atom]()
        waiting: list[Atom] = [*reversed(old.lines[register - old.leaves][1])]
        while waiting:
            term = waiting.pop()
            if term.__class__ is not int or not absorbed[term]:
                terms.append(at(term))
            else:
                gate, operands = old.lines[term - old.leaves]
                if gate is _MULTIPLY:
                    pairs.append((at(operands[0]), at(operands[1])))
                else:
                    waiting += reversed(operands)
        return pairs, terms

    def parts(self, pairs: list[Pair], terms: list[Atom], fewest: int = 2) -> Parts:
        """Write products and add them to the terms; `fewest` products of a kind make a dot product."""
        kinds = defaultdict[tuple[int, int], list[Pair]](list)
        for pair in pairs:
            first, second = map(self.rank, pair)
            if first <= second:
                kinds[first, second].append(pair)
            else:
                kinds[second, first].append((pair[1], pair[0]))
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
            return self.write(_ADD, (terms[0], terms[1])) if len(terms) == 2 else terms[0] if terms else 0.0
        return self.write(_SUM, tuple(terms))

    def total(self, parts: Parts) -> Atom:
        varying, uniform = parts
        return self.added([*varying, *([self.added(uniform)] if uniform else [])])

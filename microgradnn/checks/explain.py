"""One derivative explained: the sum over all paths from a root to a node, each a product of local derivatives.

Paths are counted and the largest of them found gate by gate, so that a graph with more paths than atoms is no trouble.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, NamedTuple

from microgradnn.backprop import out_of_date
from microgradnn.checks.derivations import Circuit
from microgradnn.notation import digits, factor, latex_name, latex_number
from microgradnn.sweep import sweep
from microgradnn.value import Value

SHOWN = 10  # paths
ENDS = 4  # factors of a long path that are written at each of its ends
READABLE = 12  # factors


class Factor(NamedTuple):
    """One gate on a path: the local derivative ∂gate/∂operand."""

    gate: str
    operand: str
    place: str  # " (2 of 3)" for a gate that takes the operand several times
    partial: float


@dataclass(frozen=True)
class Path:
    """A path from the root down to the node: its factors in this order; their product is what comes along it."""

    factors: tuple[Factor, ...]

    @property
    def contribution(self) -> float:
        return math.prod((factor.partial for factor in self.factors), start=1.0)


@dataclass(frozen=True)
class Explanation:
    """∂root/∂node as a sum over paths. Printed it shows the sum with numbers, in Jupyter as equations.

    `count` paths lead from the root to the node; `paths` are those that are written out, all of them if they are few,
    else those with the largest contributions; `rest` is what the others add up to. `not_taken` more paths hand nothing
    on: they pass a gate that chose another operand, such as a ReLU below 0. `total` is the gradient as backprop has it.
    """

    root: str
    node: str
    paths: tuple[Path, ...]
    count: int
    not_taken: int
    blocks: tuple[Factor, ...]  # where some of the paths not taken end
    total: float

    @property
    def rest(self) -> float:
        if len(self.paths) == self.count:
            return 0.0
        return self.total - sum(path.contribution for path in self.paths)

    def __str__(self) -> str:
        return "\n  ".join([self._headline(), *self._lines()])

    __repr__ = __str__

    def _headline(self) -> str:
        of = f"∂{self.root}/∂{self.node} = {digits(self.total)}"
        if self.count:
            return f"{of}, {_paths(self.count)} from {self.root} to {self.node}:"
        if self.not_taken:
            return f"{of}: no path from {self.root} to {self.node} is taken"
        return f"{of}: {self.root} does not depend on {self.node}, no path leads there"

    def _lines(self) -> Iterator[str]:
        for path in self.paths:
            steps = [f"∂{step.gate}/∂{step.operand}{step.place}" for step in path.factors]
            numbers = [factor(step.partial) for step in path.factors]
            sides = ["1"] if not steps else [_product(steps, " · "), _product(numbers, " × ")]
            yield " = ".join([*sides, digits(path.contribution)] if len(steps) > 1 else sides)
        if self.count > len(self.paths):
            yield f"the other {_count(self.count - len(self.paths))}, all smaller or as large: together {digits(self.rest)}"
        if self.count > 1:
            yield f"added up: {digits(self.total)}"
        if self.not_taken:
            where = " and ".join(f"∂{block.gate}/∂{block.operand}{block.place}" for block in self.blocks)
            yield f"not taken: {_paths(self.not_taken)}, as {self.blocks[0].gate} hands nothing on ({where})"

    def _repr_markdown_(self) -> str:
        """The sum as aligned equations; what is no formula, below them."""
        of = rf"\frac{{\partial {latex_name(self.root)}}}{{\partial {latex_name(self.node)}}}"
        rows = []
        for path in self.paths:
            steps = [
                rf"\frac{{\partial {latex_name(step.gate)}}}{{\partial {latex_name(step.operand)}}}"
                for step in path.factors
            ] or ["1"]
            numbers = [_bracketed(latex_number(step.partial)) for step in path.factors] or ["1"]
            steps, numbers = ([_product(side, r" \cdot ", r"\cdots")] for side in (steps, numbers))
            rows.append(f"{steps[0]} & = {numbers[0]} = {latex_number(path.contribution)}")
        if self.count > len(self.paths):
            rows.append(rf"\text{{the other paths}} & = {latex_number(self.rest)}")
        rows.append(f"{of} & = {latex_number(self.total)}")
        equations = " \\\\\n".join(rows)
        words = [self._headline(), *(line for line in self._lines() if line.startswith("not taken"))]
        return "\n\n".join([f"$$\\begin{{aligned}}\n{equations}\n\\end{{aligned}}$$", *words])


def explain(root: Value, wrt: Value | str) -> Explanation:
    """∂root/∂wrt as the sum over all paths from `root` to `wrt`, each the product of the local derivatives along it.

    `wrt` is a node or its name, as pictures and steps have it. Every path is counted; up to 10 are written out, of more
    the 10 with the largest contributions, and the others are summed up. A gate that takes an operand twice, as x * x
    does, makes two paths. Raises TypeError for what is no Value, KeyError for a name that the circuit does not have and
    ValueError for a graph that is out of date.

    >>> x = Value(3.0, "x")
    >>> u, v = (x + 1).named("u"), (2 * x).named("v")
    >>> explain(u * v, x)
    ∂f/∂x = 14, 2 paths from f to x:
      ∂f/∂u · ∂u/∂x = 6 × 1 = 6
      ∂f/∂v · ∂v/∂x = 4 × 2 = 8
      added up: 14
    """
    if not isinstance(root, Value):
        raise TypeError(f"explain needs the Value at the end of a circuit, got {type(root).__name__} {root!r:.60}")
    if not isinstance(wrt, (Value, str)):
        raise TypeError(f"wrt is a Value of the circuit or its name, got {type(wrt).__name__} {wrt!r:.60}")
    if complaint := out_of_date(root):
        raise ValueError(complaint)
    circuit = Circuit(root)
    node = circuit.named(wrt)[0] if isinstance(wrt, str) else wrt
    f = circuit.names[id(root)]
    if id(node) not in circuit.names:
        return Explanation(f, node.name or "this Value", (), 0, 0, (), 0.0)
    every, taken, best, blocks = _walked(circuit, node)
    total = next(adjoint for gate, adjoint in sweep(root) if gate is node)
    return Explanation(f, circuit.names[id(node)], best, taken, every - taken, blocks, total)


class _Way(NamedTuple):
    """A way up from the node: the gate that it has come to, by which operand, and the way to that operand."""

    size: float  # log₂ of the contribution so far; nan counts as infinite
    places: int  # how far it has come
    gate: Value | None
    index: int
    below: _Way | None


def _walked(circuit: Circuit, node: Value) -> tuple[int, int, tuple[Path, ...], tuple[Factor, ...]]:
    """How many paths lead to the node, how many are taken, the largest of those, and edges that are not taken.

    Upwards from the node: a gate has the ways of its operands, one for each time it takes them. What no gate needs any
    more is forgotten, as the counts themselves may have as many digits as the graph is deep.
    """
    every, taken = {id(node): 1}, {id(node): 1}
    ways: dict[int, list[_Way]] = {id(node): [_Way(0.0, 0, None, 0, None)]}
    blocks: list[Factor] = []
    waiting = {key: len(users) for key, users in circuit.users.items()}
    for gate in circuit.order:
        uses = [
            (index, operand, handed)
            for index, (operand, handed) in enumerate(zip(gate.operands, gate.handed, strict=True))
            if isinstance(operand, Value) and id(operand) in every
        ]
        if uses and gate is not node:
            every[id(gate)] = sum(every[id(operand)] for _, operand, _ in uses)
            taken[id(gate)] = sum(taken[id(operand)] for _, operand, handed in uses if handed is not None)
            candidates = (
                _Way(way.size + _size(handed), way.places + 1, gate, index, way)
                for index, operand, handed in uses
                if handed is not None
                for way in ways[id(operand)]
            )
            ways[id(gate)] = nlargest(SHOWN, candidates, key=lambda way: way.size)
            blocks += [_factor(circuit, gate, index) for index, _, handed in uses if handed is None and len(blocks) < 3]
        for _, operand, _ in uses:
            waiting[id(operand)] -= 1
            if not waiting[id(operand)]:
                del every[id(operand)], taken[id(operand)], ways[id(operand)]
    top = id(circuit.root)
    largest = [_unrolled(circuit, way) for way in ways[top]]
    if taken[top] <= SHOWN:  # all of them, from left to right as the circuit has them
        largest.sort(key=lambda pair: pair[0])
    return every[top], taken[top], tuple(path for _, path in largest), tuple(blocks)


def _size(partial: float) -> float:
    return math.inf if not math.isfinite(partial) else math.log2(abs(partial)) if partial else -math.inf


def _unrolled(circuit: Circuit, way: _Way | None) -> tuple[list[int], Path]:
    """The way down from the root, by the indices of the operands and as a path."""
    indices, factors = [], []
    while way is not None and way.gate is not None:
        indices.append(way.index)
        factors.append(_factor(circuit, way.gate, way.index))
        way = way.below
    return indices, Path(tuple(factors))


def _factor(circuit: Circuit, gate: Value, index: int) -> Factor:
    operand, partial = gate.operands[index], gate.handed[index]
    same = [i for i, other in enumerate(gate.operands) if other is operand]
    place = f" ({same.index(index) + 1} of {len(same)})" if len(same) > 1 else ""
    return Factor(circuit.names[id(gate)], circuit.names[id(operand)], place, 0.0 if partial is None else partial)


# ---- words ------------------------------------------------------------------------------------------------------------


def _paths(count: int) -> str:
    return f"{_count(count)} path{'s' * (count != 1)}"


def _count(count: int) -> str:
    """A number of paths, the largest by their powers of ten: Python writes no more than some thousand digits.

    >>> _count(1234), _count(2**100_000)
    ('1,234', 'about 10^30103')
    """
    return f"{count:,}" if count < 10**15 else f"about 10^{math.log10(count):.0f}"


def _product(terms: list[str], sign: str, gap: str = "…") -> str:
    """Factors side by side, of very many the first and the last."""
    if len(terms) > READABLE:
        terms = [*terms[:ENDS], f"{gap}", *terms[-ENDS:]]
    return sign.join(terms)


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number

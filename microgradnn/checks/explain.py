"""One derivative explained: the sum over all paths from a root to a node, each a product of local derivatives.

Paths are counted and the largest of them found gate by gate, so that a graph with more paths than atoms is no trouble.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest
from typing import NamedTuple

from microgradnn.checks.derivations import Circuit
from microgradnn.latex import latex_name, latex_number
from microgradnn.notation import digits, factor, few
from microgradnn.stepping import out_of_date
from microgradnn.sweep import sweep
from microgradnn.value import Value

FEW = 10  # paths that are all written out
LARGEST = 5  # paths that are written out of more
READABLE = 16  # factors; of a longer path only the ends are written
ENDS = 4  # factors at each end


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

    @cached_property
    def contribution(self) -> float:
        return math.prod((factor.partial for factor in self.factors), start=1.0)


@dataclass(frozen=True)
class Explanation:
    """∂root/∂node as a sum over paths: printed it shows the sum with numbers, in Jupyter as equations.

    `root` and `node` are the names of the two. `count` paths lead from the root to the node; `paths` are those that are
    written out, all of them if they are few, else those with the largest contributions; `rest` is what the others add
    up to. `not_taken` more paths hand nothing on: they pass a gate that chose another operand, such as a ReLU below 0;
    `blocks` names such gates. `total` is the gradient as backprop has it.

    >>> x = Value(3.0, "x")
    >>> explanation = explain((x + 1) * (x - 1), x)
    >>> explanation.count, [path.contribution for path in explanation.paths], explanation.total, explanation.rest
    (2, [2.0, 4.0], 6.0, 0.0)
    """

    root: str
    node: str
    paths: tuple[Path, ...]
    count: int
    not_taken: int
    blocks: tuple[str, ...]  # where some of the paths not taken end, in words
    total: float

    @property
    def rest(self) -> float:
        """The sum of the contributions of all paths that are not written out."""
        if len(self.paths) == self.count:
            return 0.0
        return self.total - sum(path.contribution for path in self.paths)

    def __str__(self) -> str:
        return "\n  ".join([self._headline(), *self._lines()])

    __repr__ = __str__

    def _headline(self) -> str:
        of = f"∂{self.root}/∂{self.node} = {digits(self.total)}"
        if self.root == self.node:
            return f"{of}: it is {self.root} itself"
        if self.count:
            return f"{of}, {_paths(self.count)} from {self.root} to {self.node}:"
        if self.not_taken:
            return f"{of}: no path from {self.root} to {self.node} is taken"
        return f"{of}: {self.root} does not depend on {self.node}, no path leads there"

    def _lines(self) -> Iterator[str]:
        for path in self.paths if self.root != self.node else ():
            steps = _written(path, lambda step: f"∂{step.gate}/∂{step.operand}{step.place}", " · ", "…")
            numbers = _written(path, lambda step: factor(step.partial), " × ", "…")
            yield f"{steps} = " + f"{numbers} = " * (len(path.factors) > 1) + digits(path.contribution)
        if self.count > len(self.paths):
            sum_of_rest = "" if math.isnan(self.rest) else f": together {digits(self.rest)}"
            yield f"the other {_count(self.count - len(self.paths))}, none of them larger{sum_of_rest}"
        if self.count > 1:
            yield f"added up: {digits(self.total)}"
        if self.not_taken:
            yield f"not taken: {_paths(self.not_taken)}, as {', '.join(self.blocks)}"

    def _repr_markdown_(self) -> str:
        """The sum as aligned equations, between the headline and what was not taken."""
        rows = []
        for path in self.paths if self.root != self.node else ():
            steps = _written(path, _latex_step, r" \cdot ", r"\cdots")
            numbers = _written(path, lambda step: _bracketed(latex_number(step.partial)), r" \cdot ", r"\cdots")
            product = f"{numbers} = " * (len(path.factors) > 1)
            rows.append(f"{steps} &= {product}{latex_number(path.contribution)}")
        if self.count > len(self.paths) and not math.isnan(self.rest):
            rows.append(rf"\text{{the other paths}} &= {latex_number(self.rest)}")
        if self.count > 1 or not rows:
            added_up = r"\text{added up: }" * (self.count > 1)
            rows.append(f"{added_up}{_slope(self.root, self.node)} &= {latex_number(self.total)}")
        equations = "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"
        below = [line for line in self._lines() if line.startswith("not taken")]
        return "\n\n".join([self._headline(), equations, *below])


def explain(root: Value, wrt: Value | str) -> Explanation:
    """∂root/∂wrt as the sum over all paths from `root` to `wrt`, each the product of the local derivatives along it.

    `wrt` is a node or its name, as pictures and steps have it. Every path is counted; up to 10 are written out, of more
    the 5 with the largest contributions, and the others are summed up. A gate that takes an operand twice, as x * x
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
    total = next(adjoint for gate, adjoint in sweep(root) if gate is node)
    return Explanation(f, circuit.names[id(node)], *_walked(circuit, node), total)


class _Way(NamedTuple):
    """A way up from the node: how it came to a gate, by which operand and partial, and the way to that operand."""

    size: float  # log₂ of the contribution so far
    gate: Value | None = None
    position: int = 0
    partial: float = 1.0
    below: _Way | None = None


def _walked(circuit: Circuit, node: Value) -> tuple[tuple[Path, ...], int, int, tuple[str, ...]]:
    """The paths to write out, how many there are, how many more are not taken, and where some of those end.

    Upwards from the node: a gate has the ways of its operands, one for each time it takes them. What no gate needs any
    more is forgotten, as the counts themselves may have as many digits as the graph is deep.
    """
    every, taken, ways = {id(node): 1}, {id(node): 1}, {id(node): [_Way(0.0)]}
    blocks: dict[str, list[str]] = {}  # by gate: operands
    uses_left = {key: len(users) for key, users in circuit.users.items()}
    for gate in circuit.order:
        uses = [
            (index, operand, partial)
            for index, (operand, partial) in enumerate(zip(gate.operands, gate.handed, strict=True))
            if isinstance(operand, Value) and id(operand) in every
        ]
        if not uses:
            continue
        candidates = [
            _Way(_size(way, partial), gate, index, partial, way)
            for index, operand, partial in uses
            if partial is not None
            for way in ways[id(operand)]
        ]
        every[id(gate)] = sum(every[id(operand)] for _, operand, _ in uses)
        taken[id(gate)] = sum(taken[id(operand)] for _, operand, partial in uses if partial is not None)
        ways[id(gate)] = nlargest(FEW, candidates, key=lambda way: way.size) if len(candidates) > FEW else candidates
        for _, operand, partial in uses:
            if partial is None and len(blocks) < 3:
                blocks.setdefault(circuit.names[id(gate)], []).append(circuit.names[id(operand)])
            uses_left[id(operand)] -= 1
            if not uses_left[id(operand)]:
                del every[id(operand)], taken[id(operand)], ways[id(operand)]
    top = id(circuit.root)
    if taken[top] <= FEW:
        chosen = sorted(ways[top], key=lambda way: [index for _, index, _ in _edges(way)])  # left operands first
    else:
        chosen = nlargest(LARGEST, ways[top], key=lambda way: way.size)
    paths = tuple(Path(tuple(_factor(circuit, *edge) for edge in _edges(way))) for way in chosen)
    words = tuple(f"{gate} hands nothing on to {few(dict.fromkeys(operands))}" for gate, operands in blocks.items())
    return paths, taken[top], every[top] - taken[top], words


def _size(way: _Way, partial: float) -> float:
    """The size of a way that goes on by one edge: 0 × ∞ and nan come first, as they decide the sum."""
    size = way.size + (math.log2(abs(partial)) if partial else -math.inf)
    return math.inf if math.isnan(size) else size


def _edges(way: _Way | None) -> Iterator[tuple[Value, int, float]]:
    """The way down from the root: gates, the indices of their operands, and the partials."""
    while way is not None and way.gate is not None:
        yield way.gate, way.position, way.partial
        way = way.below


def _factor(circuit: Circuit, gate: Value, index: int, partial: float) -> Factor:
    operands = gate.operands
    same = [i for i, other in enumerate(operands) if other is operands[index]] if len(operands) > 1 else [index]
    place = f" ({same.index(index) + 1} of {len(same)})" if len(same) > 1 else ""
    return Factor(circuit.names[id(gate)], circuit.names[id(operands[index])], place, partial)


# ---- words ----------------------------------------------------------------------------------------------------------


def _paths(count: int) -> str:
    return f"{_count(count)} path{'s' * (count != 1)}"


def _count(count: int) -> str:
    """A number of paths, the largest by their powers of ten: Python writes no more than some thousand digits.

    >>> _count(1234), _count(2**100_000)
    ('1,234', 'about 10^30103')
    """
    return f"{count:,}" if count < 10**18 else f"about 10^{math.log10(count):.0f}"


def _written(path: Path, write: Callable[[Factor], str], sign: str, gap: str) -> str:
    """The factors of a path side by side, of very many the first and the last."""
    if len(path.factors) > READABLE:
        return sign.join([*map(write, path.factors[:ENDS]), gap, *map(write, path.factors[-ENDS:])])
    return sign.join(map(write, path.factors))


def _slope(root: str, node: str) -> str:
    return rf"\frac{{\partial {latex_name(root)}}}{{\partial {latex_name(node)}}}"


def _latex_step(step: Factor) -> str:
    return _slope(step.gate, step.operand) + rf"\text{{{step.place}}}" * bool(step.place)


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number

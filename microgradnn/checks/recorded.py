"""A function of Values as it was recorded at a point: its gates proven, its derivatives as the rules have them.

By the engine, in floats, and once more in wide numbers. What is true of the function as a whole is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Any

from microgradnn.anomalies import at_line, note_line
from microgradnn.calls import differentiable
from microgradnn.checks import rules
from microgradnn.checks.arguments import places, spread
from microgradnn.checks.proofs import Proof, prove
from microgradnn.checks.slopes import Directions, same, slopes
from microgradnn.checks.wide import Wide
from microgradnn.context import no_grad, noting, recording
from microgradnn.graph import topological_order
from microgradnn.sweep import sweep
from microgradnn.table import sum_
from microgradnn.trees import like
from microgradnn.value import Value


class _Noted(list[Value]):
    """Gates as they are recorded, each with the user's line."""

    def append(self, gate: Value) -> None:
        note_line(gate)
        super().append(gate)


def on_floats(f: Callable[..., Any]) -> Callable[..., list[float]]:
    """A function of Values as one of floats, with its results in one list."""

    def function(*args: Any) -> list[float]:
        with no_grad():
            return [x.data if isinstance(x, Value) else x for x in spread(f(*like(args, map(Value, spread(args)))))]

    return function


class Recorded:
    """A function recorded once at a point, with the faults of its gates."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], point: Sequence[float]) -> None:
        self.inputs = [Value(x) for x in point]
        with noting(_Noted()):
            result = f(*like(args, iter(self.inputs)))
        self.outputs = [differentiable(f, output) for output in ([None] if result is None else spread(result))]
        self.places = places(result, "f")
        self.nodes = topological_order(*(output for output in self.outputs if isinstance(output, Value)))
        self.numbers = [output.data if isinstance(output, Value) else float(output) for output in self.outputs]
        self.faults: list[tuple[Value, Proof]] = []
        self.kinks: list[tuple[Value, Proof]] = []
        self.lost: list[str] = []
        self._ancestors: dict[Value, set[Value]] = {}  # each is looked up once for every finding

    def prove_gates(self, order: int, rtol: float | None) -> None:
        """Prove each gate at its operands; those that are wrong are kept, and why some cannot be proven."""
        proofs: dict[tuple[Any, ...], list[Proof]] = {}
        for node in self.nodes:
            if node.primitive is None:
                continue
            point = [x.data if isinstance(x, Value) else x for x in node.operands]
            moved = [n for n, x in enumerate(node.operands) if isinstance(x, Value)]
            key = node.primitive, repr(point), tuple(moved)  # repr tells 0.0 from −0.0
            if key not in proofs:
                proofs[key] = [
                    proof for k in range(1, order + 1) for proof in prove(node.primitive, point, moved, k, rtol)
                ]
                self.lost += [f"{node.primitive.name}: {p.lost}" for p in proofs[key] if p.lost]
            self.faults += [(node, proof) for proof in proofs[key] if proof.verdict == "wrong"]
            self.kinks += [(node, proof) for proof in proofs[key] if proof.verdict == "kink"]

    def leads(self, n: int, node: Value, proof: Proof) -> bool:
        """Whether what a proof is of lies on a path from input n."""
        return self.inputs[n] in self._before(node.operands[proof.operand])

    def guilty(self, moved: Sequence[int], output: Any, order: int) -> tuple[Value, Proof] | None:
        """The first gate with a wrong rule on a path from one of the inputs that are `moved` to an output."""
        faults = (fault for fault in self.faults if fault[0] in self._before(output) and fault[1].order <= order)
        return next((fault for fault in faults if any(self.leads(n, *fault) for n in moved)), None)

    def _before(self, node: Any) -> set[Value]:
        """The node and all on which it depends."""
        if not isinstance(node, Value):
            return set()
        if node not in self._ancestors:
            self._ancestors[node] = set(topological_order(node))
        return self._ancestors[node]

    def together(self, n: int) -> tuple[Value, float, float] | None:
        """A gate at a kink whose rule misses its slope the way that input n moves its operands; rule and slope."""
        given = {x: rules.moving(Wide(x.data), [float(x is self.inputs[n])]) for x in self.inputs}
        numbers = rules.forward(self.nodes, given)
        for node in dict.fromkeys(node for node, _ in self.kinks):
            gate, operands = node.primitive, rules.operands(node, numbers)
            assert gate is not None
            point, along = ([float(rules.derivative(x, k).number) for x in operands] for k in (0, 1))
            claim = rules.derivative(numbers[node], 1).number
            if any(along):
                [slope] = slopes(lambda xs, gate=gate: [gate(*xs)], point, [along], [claim])  # type: ignore[misc]
                if slope.kind == "smooth" and not same(claim, slope.right, slope.noise):
                    return node, float(claim), float(slope.right)
        return None

    def by_engine(self, output: Any, behind: Directions) -> list[tuple[float, float]]:
        """The derivatives by all inputs, each differentiated along the directions, as a user gets them.

        With each comes the size of what it was added up from: the sum over all paths of |contribution|.
        """
        if not behind:
            return list(zip(self._swept(output), self._sizes(output), strict=True))
        *outer, last = behind
        derivatives = []
        with recording():
            for derivative in self._swept(output, recorded=True):
                for along in outer:
                    adjoints = zip(self._swept(derivative, recorded=True), along, strict=True)
                    terms = [x * speed for x, speed in adjoints if isinstance(x, Value) and speed]
                    derivative = sum_(*terms) if terms else 0.0
                exact = math.fsum(map(mul, self._swept(derivative), last))
                derivatives.append((exact, math.fsum(map(mul, self._sizes(derivative), map(abs, last)))))
        return derivatives

    def _swept(self, output: Any, recorded: bool = False) -> list[Any]:
        """The adjoints of the inputs."""
        with recording():
            adjoints = dict(sweep(output, recorded)) if isinstance(output, Value) else {}
        return [adjoints.get(x, 0.0) for x in self.inputs]

    def _sizes(self, output: Any) -> list[float]:
        """The sweep that adds up sizes: Σ |contribution| over all paths, for every input."""
        sizes: dict[Any, float] = {output: 1.0} if isinstance(output, Value) else {}
        for node in reversed(topological_order(*sizes)):
            if node in sizes and node.primitive is not None:
                for operand, partial in zip(node.operands, node.handed, strict=True):
                    if partial is not None:
                        sizes[operand] = sizes.get(operand, 0.0) + abs(partial) * sizes[node]
        return [sizes.get(x, 0.0) for x in self.inputs]

    def by_rules(self, behind: Directions) -> list[list[Any]]:
        """The same in wide numbers, of every output."""
        given = {x: rules.moving(Wide(x.data), speeds) for x, *speeds in zip(self.inputs, *behind, strict=True)}
        numbers = rules.forward(self.nodes, given)
        swept = [
            rules.backward(self.nodes, output, numbers) if isinstance(output, Value) else {} for output in self.outputs
        ]
        return [[rules.derivative(adjoints.get(x, 0.0), len(behind)).number for x in self.inputs] for adjoints in swept]

    def lost_at(self) -> str:
        """The gate at which most digits of the values are lost, as messages name it."""
        numbers = rules.forward(self.nodes, {})
        errors = {node: _relative(node.data, Wide(numbers[node]).number) for node in self.nodes}
        before = {
            node: max([2.0**-53, *(errors[x] for x in node.operands if isinstance(x, Value))]) for node in self.nodes
        }
        gates = [node for node in self.nodes if node.primitive is not None]
        worst = max(gates, key=lambda node: errors[node] / before[node], default=None)
        if worst is None or errors[worst] < 1e-12:
            return "where contributions to the gradient cancel"
        return f"at {at_line(worst)}"


def _relative(x: float, true: Any) -> float:
    error = abs(true - x)
    return float(error / abs(true)) if true else float(error)

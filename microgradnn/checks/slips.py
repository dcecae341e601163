"""The slips that people make in a backward pass by hand: for each kind the number that comes of it, and a sentence.

A slip is known by its number alone. What an answer is, and which of the slips is told, is for `by_hand` to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from microgradnn.checks.derivations import Derivation, Edge, Numbers, kind
from microgradnn.notation import digits, written
from microgradnn.value import Value

RATES = (1.0, 0.5, 0.1, 0.05, 0.01, 0.001)  # learning rates with which weights may have been updated too early
FEW = 8  # paths that are looked at one by one
BY_HAND = 300  # nodes: a larger circuit nobody does by hand, and it is not swept again for each slip

# Local derivatives as they are taught, in terms of the output: where the input stands in its place, this comes of it.
BY_OUTPUT: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda out: out * (1 - out),
    "tanh": lambda out: 1 - out * out,
    "exp": lambda out: out,
    "sqrt": lambda out: 0.5 / out if out else math.inf,
}


def slips(at: Derivation) -> Iterator[tuple[str, float, str]]:
    """The kind, the number and the sentence of every slip that is possible in a derivation, weakest claim first."""
    words = {"name": at.name, "f": at.circuit.names[id(at.circuit.root)]}
    for slip in SLIPS:
        for number, filling in _totals(slip, at):
            if math.isfinite(number) and not math.isclose(number, at.total, rel_tol=1e-12):
                yield slip.kind, number, slip.sentence.format(**words, **filling)


def _totals(slip: Slip, at: Derivation) -> Iterator[tuple[float, dict[str, str]]]:
    """The totals that come of a slip: given as such, or with one step changed, on all edges or on one of several."""
    if slip.total is not None:
        yield from ((number, {"detail": detail}) for number, detail in slip.total(at))
        return
    assert slip.changed is not None
    changed = [list(slip.changed(edge, at.numbers)) for edge in at.edges]  # a row may hold variants of the slip
    for variant in range(max(map(len, changed), default=0)):
        steps = {
            i: row[variant]
            for i, (row, edge) in enumerate(zip(changed, at.edges, strict=True))
            if variant < len(row) and row[variant][0] != edge.contribution
        }
        alone = [[i] for i in steps] if 1 < len(steps) <= FEW else []
        for positions in [[*steps], *alone] if steps else ():
            name = at.edges[positions[0]].name
            where = " on every path" if len(positions) > 1 else f" on the path through {name}" * (len(changed) > 1)
            total = at.with_steps({i: steps[i][0] for i in positions})
            yield total, {"gate": name, "where": where, "detail": steps[positions[0]][1]}


# ---- one step of the chain rule gone wrong: partial × upstream becomes another number -------------------------------


def _swapped(edge: Edge, numbers: Numbers) -> Iterator[tuple[float, str]]:
    if edge.factor_beside() is not None:
        yield numbers.of(edge.gate.operands[edge.position]) * edge.upstream, digits(edge.partial)


def _at_output(edge: Edge, numbers: Numbers) -> Iterator[tuple[float, str]]:
    gate = edge.gate
    if len(gate.operands) == 1 and gate.primitive is not None:
        out = numbers.of(gate)
        [partial] = gate.primitive.partials(gate.primitive.limit([out]), [out])
        yield (edge.partial if partial is None else partial) * edge.upstream, gate.primitive.name


def _of_input(edge: Edge, numbers: Numbers) -> Iterator[tuple[float, str]]:
    gate = edge.gate
    if kind(gate) in BY_OUTPUT:
        yield BY_OUTPUT[kind(gate)](numbers.of(gate.operands[0])) * edge.upstream, kind(gate)


def _updated(edge: Edge, numbers: Numbers, rates: Sequence[float] = RATES) -> Iterator[tuple[float, str]]:
    """An inner gradient that came back through a weight after its update."""
    beside = edge.factor_beside()
    if beside is None:
        return
    inner, weight = edge.gate.operands[edge.position], edge.gate.operands[beside]
    if isinstance(inner, Value) and inner.primitive and isinstance(weight, Value) and not weight.primitive:
        for rate in rates:
            new = edge.partial - rate * numbers.gradients[id(weight)]
            yield new * edge.upstream, f"{numbers.circuit.names[id(weight)]}, with the rate {digits(rate)}"


def _updated_everywhere(at: Derivation) -> Iterator[tuple[float, str]]:
    for rate in RATES if len(at.circuit.order) <= BY_HAND else ():
        partials = {key: list(row) for key, row in at.numbers.partials.items()}
        for node in at.circuit.order:
            for edge in at.numbers.derivation(node).edges:
                for contribution, _ in _updated(edge._replace(upstream=1.0), at.numbers, [rate]):
                    partials[id(edge.gate)][edge.position] = contribution
        yield at.circuit.gradients(partials)[id(at.node)], digits(rate)


# ---- a sum gone wrong -----------------------------------------------------------------------------------------------


def _one_path(at: Derivation) -> Iterator[tuple[float, str]]:
    count = len(at.edges)
    if count > 1:
        for edge in at.edges[:FEW]:
            yield edge.contribution, f"{count} times, and this is what comes through {edge.name} alone"
        for edge in at.edges[:FEW]:
            yield at.total - edge.contribution, f"{count} times, and what comes through {edge.name} is missing"


def _overwritten(at: Derivation) -> Iterator[tuple[float, str]]:
    if len(at.edges) > 1:
        yield at.edges[-1].contribution, at.edges[-1].name


def _averaged(at: Derivation) -> Iterator[tuple[float, str]]:
    divisors = {count for count, _ in at.circuit.divisors}
    for count in sorted({len(at.edges), *at.circuit.sums} - {0, 1}):
        averaged = "as if the terms were averaged; they are added"
        once_more = f"once more; the circuit divides by {count} already"
        yield at.total / count, f"divided by {count}" + (f" {once_more}" if count in divisors else f", {averaged}")
    for count in sorted(at.circuit.means):
        yield at.total * count, f"multiplied by {count}, as if the terms were summed; they are averaged"


def _of_output(at: Derivation) -> Iterator[tuple[float, str]]:
    """The derivatives of the inner results that have a name, and of the gates just below the root."""
    circuit = at.circuit
    slopes = {id(at.node): 1.0}  # of each gate, by the node
    for gate in circuit.order if len(circuit.order) <= BY_HAND else ():
        partials = zip(gate.operands, at.numbers.partials[id(gate)], strict=True)
        terms = [slopes[id(x)] * partial for x, partial in partials if id(x) in slopes and partial is not None]
        if terms:
            slopes[id(gate)] = sum(terms)
            last = any(x is gate for x in circuit.root.operands)
            if gate is not circuit.root and (gate.name or last):
                yield slopes[id(gate)], circuit.names[id(gate)]


def _not_zeroed(at: Derivation) -> Iterator[tuple[float, str]]:
    if at.node.primitive is None and at.node.swept and at.node.grad:
        yield at.total + at.node.grad, digits(at.node.grad)
        yield at.node.grad, digits(at.node.grad)


def _transposed(at: Derivation) -> Iterator[tuple[float, str]]:
    """Of a layer with as many outputs as inputs: the weights of an output in place of those of an input."""
    numbers = at.numbers
    layer = [(out, pairs) for out, pairs in at.circuit.rows if any(at.node is x for pair in pairs for x in pair)]
    columns = {(n, side) for _, row in layer for n, pair in enumerate(row) for side in (0, 1) if pair[side] is at.node}
    if len(columns) == 1 and len(layer) > 1 and all(len(row) == len(layer) for _, row in layer):
        [(column, side)] = columns
        right = [row[column][1 - side] for _, row in layer]
        wrong = [pair[1 - side] for pair in layer[column][1]]
        number = sum(numbers.of(x) * numbers.gradients[id(out)] for x, (out, _) in zip(wrong, layer, strict=True))
        shown = [", ".join(written(weights, at.circuit.names)) for weights in (right, wrong)]
        yield number, f"goes out through {shown[0]}, not through {shown[1]}"


class Slip(NamedTuple):
    """A kind of slip: a sentence to fill in, and either the changed contribution of an edge or the changed total."""

    kind: str
    sentence: str
    changed: Callable[[Edge, Numbers], Iterable[tuple[float, str]]] | None = None
    total: Callable[[Derivation], Iterable[tuple[float, str]]] | None = None


# The weakest claim first: what says least of how the number came about.
SLIPS = (
    Slip("sign", "the sign is flipped", total=lambda at: [(-at.total, "")]),
    Slip("sign", "the sign is flipped{where}", lambda edge, _: [(-edge.contribution, "")]),
    Slip("factor", "this is {detail} the gradient, look for a forgotten 2 or ½",
         total=lambda at: [(2 * at.total, "twice"), (at.total / 2, "half")]),
    Slip("path", "{name} is used {detail}; add up all paths", total=_one_path),
    Slip("local", "the local derivative ∂{gate}/∂{name} = {detail} is forgotten{where}; multiply by it",
         lambda edge, _: [(edge.upstream, digits(edge.partial))]),
    Slip("upstream", "the upstream gradient ∂{f}/∂{gate} = {detail} is forgotten{where}; multiply by it",
         lambda edge, _: [(edge.partial, digits(edge.upstream))]),
    Slip("average", "this is the gradient {detail}", total=_averaged),
    Slip("output", "this is ∂{detail}/∂{name}, the derivative of {detail} and not of {f}", total=_of_output),
    Slip("swapped", "the factors are swapped{where}; ∂{gate}/∂{name} is the other factor, {detail}", _swapped),
    Slip("input", "the slope of {detail} is taken at the output of {gate}{where}; take it at the input", _at_output),
    Slip("input", "the input of {gate} stands where its output belongs{where}, in the slope of {detail}", _of_input),
    Slip("overwritten", "what came before was overwritten by what comes through {detail}; add it, += and not =",
         total=_overwritten),
    Slip("zeroed", "the gradient of an earlier sweep, {name}.grad = {detail}, was not set to zero before",
         total=_not_zeroed),
    Slip("transposed", "the weights are transposed; {name} {detail}", total=_transposed),
    Slip("updated", "the error went back through an updated weight{where} ({detail}); use the old one",
         _updated),
    Slip("updated", "the error went back through updated weights (with the rate {detail}); use the old ones",
         total=_updated_everywhere),
)  # fmt: skip


# ---- wrong values ---------------------------------------------------------------------------------------------------


class ValueSlip(NamedTuple):
    """A kind of slip on the way forward: a sentence, the gates that it happens at, and the changed values."""

    kind: str
    sentence: str
    gates: tuple[str, ...]  # () for all
    changed: Callable[[float, Sequence[float]], Iterable[tuple[float, int]]]  # with the index of the operand meant


VALUE_SLIPS = (
    ValueSlip("sign", "the sign is flipped", (), lambda out, xs: [(-out, 0)]),
    ValueSlip("omitted", "this is {operand} itself, the {gate} gate is left out", (),
              lambda out, xs: [(xs[0], 0)] if len(xs) == 1 else []),
    ValueSlip("term", "{operand} is left out of the sum", ("add", "sum", "dot"),
              lambda out, xs: [(out - xs[index], index) for index in range(len(xs) if len(xs) < 3 else 0)]
              + [(out - xs[-1], len(xs) - 1)]),
    ValueSlip("sum", "the operands are added, the gate is {gate}", ("multiply",), lambda out, xs: [(sum(xs), 0)]),
    ValueSlip("product", "the operands are multiplied, the gate is {gate}", ("add",),
              lambda out, xs: [(math.prod(xs), 0)]),
    ValueSlip("order", "the operands are in the wrong order", ("subtract",), lambda out, xs: [(xs[1] - xs[0], 0)]),
    ValueSlip("order", "the operands are in the wrong order", ("divide",),
              lambda out, xs: [(xs[1] / xs[0], 0)] if xs[0] else []),
)  # fmt: skip


def value_slips(gate: Value, numbers: Numbers) -> Iterator[tuple[str, float, str]]:
    """The kind, the number and the sentence of the slips in the value of a gate, given the values of its operands."""
    if gate.primitive is None:
        return
    xs = [numbers.of(operand) for operand in gate.operands]
    out = gate.primitive.limit(xs)
    for slip in VALUE_SLIPS:
        if not slip.gates or gate.primitive.name in slip.gates:
            for number, index in slip.changed(out, xs):
                operand = gate.operands[index]
                name = numbers.circuit.names[id(operand)] if isinstance(operand, Value) else digits(operand)
                yield slip.kind, number, slip.sentence.format(operand=name, gate=gate.primitive.name)

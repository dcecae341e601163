"""Gradients found by hand, compared with those of backprop."""

from __future__ import annotations

import math
from collections.abc import Mapping

from microgradnn.graph import topological_order
from microgradnn.notation import names
from microgradnn.sweep import sweep
from microgradnn.value import Value


def check_by_hand(root: Value, answers: Mapping[str, float], rtol: float = 1e-3) -> None:
    """Compare gradients found by hand with those of backprop: `answers` gives ∂root/∂node by the name of the node.

    Names are those of pictures and steps: unnamed gates are u1, u2 …, the root f. Answers must agree to `rtol`,
    three digits. Raises AssertionError that names each wrong one, the right number and, where it can tell, the
    likely cause; KeyError for a name that the circuit does not have.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> check_by_hand((x + y) * z, {"x": -4, "y": -4, "z": 3})
    >>> check_by_hand((x + y) * z, {"x": 1})
    Traceback (most recent call last):
    AssertionError: ∂f/∂x = 1 is wrong, it is -4.0: this is the local derivative of one gate, multiply by ...
    """
    order = topological_order(root)
    name_of = names(order, root)
    node_of = {name_of[id(node)]: node for node in order}
    unknown = [name for name in answers if name not in node_of]
    if unknown:
        raise KeyError(f"no node of this circuit is called {', '.join(unknown)}: known are {', '.join(node_of)}")
    right: dict[int, float] = {}
    edges: dict[int, list[tuple[float, float]]] = {id(node): [] for node in order}  # (partial, contribution)
    for gate, adjoint in sweep(root):
        right[id(gate)] = adjoint
        for operand, partial in zip(gate.operands, gate.handed, strict=True):
            if partial is not None:
                edges[id(operand)].append((partial, partial * adjoint))
    wrong = []
    for name, answer in answers.items():
        key = id(node_of[name])
        if not math.isclose(answer, right[key], rel_tol=rtol):
            cause = _cause(answer, right[key], edges[key], rtol)
            wrong.append(f"∂{name_of[id(root)]}/∂{name} = {answer!r} is wrong, it is {right[key]!r}{cause}")
    if wrong:
        raise AssertionError("\n".join(wrong))


def _cause(answer: float, right: float, edges: list[tuple[float, float]], rtol: float) -> str:
    """What the wrong answer looks like, given the edges (partial, contribution) that lead to its node."""
    if math.isclose(answer, -right, rel_tol=rtol):
        return ": the sign is flipped"
    parts = [part for _, contribution in edges for part in (contribution, right - contribution)]
    if len(edges) > 1 and any(math.isclose(answer, part, rel_tol=rtol) for part in parts):
        return f": the node is used {len(edges)} times, add up what comes along every path"
    if any(math.isclose(answer, partial, rel_tol=rtol) for partial, _ in edges):
        return ": this is the local derivative of one gate, multiply by the upstream gradient"
    return ""

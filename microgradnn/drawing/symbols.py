"""Local derivatives as symbols: the trace of a gate's partials once more, with formulas in place of numbers.

No rule of calculus stands here, only of school algebra: 1 · x is x, −(−x) is x, x · x is x². What a choice did not take
at the numbers of the circuit is left out. A gate without a name in textbooks is written as what it means, the column
`exact` of the table; what is the value of the gate itself is called by its name, except for quotients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from microgradnn.latex import CONSTANTS, latex_formula, latex_name, latex_number
from microgradnn.primitive import Primitive, lookup
from microgradnn.table import OPERATORS

DECISIONS = ("equal", "step")  # their numbers are taken, as with `where`
MEANT = {  # gates that stand in partials for the sake of floats, by what textbooks write
    "shift", "share", "one_minus_square", "direction_cosine", "circle_inversion", "power_slope", "power_log",
    "power_log_squared", "power_mixed", "hypot",
}  # fmt: skip
LONGEST = 100  # lines of a trace; of a longer one nothing could be read


class Formula:
    """A name, or a gate of formulas and numbers, with its number at hand; names have a rank, by which sums go."""

    def __init__(self, number: float, name: str = "", rank: int = 0):
        self.number, self.name, self.rank = number, name, rank
        self.gate: Primitive | None = None
        self.operands: tuple[Any, ...] = ()

    @classmethod
    def of(cls, gate: Primitive, operands: Sequence[Any]) -> Formula:
        """The gate of formulas and numbers, as it stands."""
        parts = [operand for operand in operands if isinstance(operand, Formula)]
        formula = cls(gate.limit([_number(operand) for operand in operands]), rank=min(part.rank for part in parts))
        formula.gate, formula.operands = gate, tuple(operands)
        return formula

    def record_gate(self, gate: Primitive, operands: Sequence[Any]) -> Any:
        return applied(gate, operands)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self.key() == other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def key(self) -> tuple[Any, ...]:
        return self.name, self.gate, self.operands

    def __str__(self) -> str:
        if self.gate is None:
            return self.name
        return latex_formula(self.gate, [written(operand) for operand in self.operands])


for _name, _operator in OPERATORS.items():
    _gate = lookup(_name)
    setattr(Formula, f"__{_operator}__", lambda *operands, gate=_gate: applied(gate, operands))
    setattr(Formula, f"__r{_operator}__", lambda y, x, gate=_gate: applied(gate, (x, y)))


def written(operand: Any) -> str:
    """A formula or a number in LaTeX, numbers that have a name by it."""
    if isinstance(operand, Formula):
        return str(operand)
    return CONSTANTS.get(operand) or latex_number(operand)


def _number(operand: Any) -> float:
    return operand.number if isinstance(operand, Formula) else operand


def applied(gate: Primitive, operands: Sequence[Any]) -> Any:
    """The gate applied to formulas and numbers, as school algebra would write it."""
    operands = [operand if isinstance(operand, Formula) else float(operand) for operand in operands]
    numbers = [_number(operand) for operand in operands]
    if gate.name == "where":
        return operands[1] if numbers[0] > 0 else operands[2]
    if gate.name in DECISIONS or not any(isinstance(operand, Formula) for operand in operands):
        return gate.limit(numbers)
    if gate.name in MEANT:
        return _meaning(gate, operands)
    if gate.name == "logistic_density":
        return _density(*operands)
    simpler = SIMPLER[gate.name](*operands) if gate.name in SIMPLER else None
    return Formula.of(gate, operands) if simpler is None else simpler


def _meaning(gate: Primitive, operands: Sequence[Any]) -> Any:
    """What stands in the table as `exact`, the function in the words of mpmath, of formulas."""
    assert gate.exact is not None
    words = {word: lookup(word) for word in ("sqrt", "log")}
    named = {"xs": operands} if gate.arity is None else dict(zip(gate.parameters(), operands, strict=True))
    return eval(gate.exact, {**words, **named})


def _density(x: Any) -> Any:
    """σ′(x) = σ(x) (1 − σ(x)), and of 2x it is (1 − tanh² x) / 4."""
    if _is(x, "multiply") and x.operands[0] == 2.0:
        tanh = lookup("tanh")(x.operands[1])
        return (1.0 - tanh * tanh) / 4.0
    return lookup("sigmoid")(x) * (1.0 - lookup("sigmoid")(x))


def _is(x: Any, gate: str) -> bool:
    return isinstance(x, Formula) and x.gate is not None and x.gate.name == gate


def _negative(x: Any) -> Any:
    """−x without the sign that stands in front of x already, or None where there is none."""
    if isinstance(x, float):
        return -x if x < 0 else None
    return x.operands[0] if _is(x, "negative") else None


def _sum(x: Any, y: Any) -> Any:
    if x == 0.0 or y == 0.0:
        return y if x == 0.0 else x
    if (less := _negative(y)) is not None:
        return x - less
    members = [*_members(x), *_members(y)]
    if all(isinstance(member, Formula) for member in members):
        return reduce(lambda total, member: Formula.of(lookup("add"), [total, member]), sorted(members, key=_rank))
    return None


def _members(x: Any) -> list[Any]:
    return [member for operand in x.operands for member in _members(operand)] if _is(x, "add") else [x]


def _rank(x: Formula) -> int:
    return x.rank


def _difference(x: Any, y: Any) -> Any:
    if x == 0.0 or y == 0.0:
        return -y if x == 0.0 else x
    if (more := _negative(y)) is not None:
        return x + more
    if _is(x, "subtract") and isinstance(y, float) and isinstance(x.operands[1], float):
        return x.operands[0] - (x.operands[1] + y)
    return None


def _product(x: Any, y: Any) -> Any:
    for one, other in ((x, y), (y, x)):
        if one == 1.0:
            return other
        if (positive := _negative(one)) is not None:
            return -(positive * other)
    if isinstance(y, float):
        return y * x
    if isinstance(x, float) and _is(y, "divide") and y.operands[1] == x:
        return y.operands[0]
    if _is(x, "divide") and x.operands[0] == 1.0:
        return y / x.operands[1]
    if x == y:
        return x.operands[0] if _is(x, "sqrt") else x**2.0
    if _is(x, "multiply") and x.operands[1] == y:
        return x.operands[0] * (y * y)
    return None


def _quotient(x: Any, y: Any) -> Any:
    if y == 1.0:
        return x
    if (positive := _negative(x)) is not None:
        return -(positive / y)
    if (positive := _negative(y)) is not None:
        return -(x / positive)
    if _is(x, "divide"):
        return x.operands[0] / (x.operands[1] * y)
    if isinstance(x, float) and x not in (0.0, 1.0) and (1 / x).is_integer():
        return 1.0 / (1 / x * y)
    return None


SIMPLER: dict[str, Callable[..., Any]] = {
    "positive": lambda x: x, "negative": _negative, "add": _sum, "subtract": _difference, "multiply": _product,
    "divide": _quotient, "power": lambda x, y: x if y == 1.0 else None,
}  # fmt: skip


def partials(gate: Any, name_of: dict[int, str]) -> list[Any]:
    """The local derivatives at a gate of a graph, each a `Formula`, a number, or None where it would be too long."""
    primitive, count = gate.primitive, len(gate.operands)
    if not primitive.repeatable or len((trace := primitive.trace(count)).lines) > LONGEST:
        return [None] * count
    operands = [
        operand if isinstance(operand, float) else Formula(operand.data, latex_name(name_of[id(operand)]), rank)
        for rank, operand in enumerate(gate.operands)
    ]
    out = Formula(gate.data, latex_name(name_of[id(gate)]), len(operands))
    wholes = [Formula.of(primitive, operands)]
    if primitive.name == "divide":
        out = wholes.pop()  # −x / y² is what textbooks write, and not −f / y
    if primitive.name in ("hypot", "norm"):
        wholes.append(_meaning(primitive, operands))
    # Shares of exponentials do not depend on what all of them are shifted by, for the sake of floats.
    unshifted = primitive.name in ("logsumexp", "cross_entropy")

    def apply(inner: Primitive, inputs: list[Any]) -> Any:
        return 0.0 if unshifted and inner.name == "maximum" else applied(inner, inputs)

    return [_called(partial, wholes, out) for partial in trace.run(out, operands, apply)]


def _called(formula: Any, wholes: Sequence[Formula], out: Formula) -> Any:
    """The formula with `out` in place of what is the whole gate."""
    if formula in wholes:
        return out
    if not isinstance(formula, Formula) or formula.gate is None:
        return formula
    return Formula.of(formula.gate, [_called(operand, wholes, out) for operand in formula.operands])


def product(slope: str, partial: Any) -> str:
    """The slope of the gate times its local derivative, as a term of the chain rule."""
    if isinstance(partial, float) and abs(partial) == 1.0:
        return slope if partial > 0 else f"-{slope}"
    return latex_formula(lookup("multiply"), [slope, written(partial)])

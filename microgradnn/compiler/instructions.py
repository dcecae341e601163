"""Instructions: what an array library is to do, call by call, and how the table's gates are written down as such calls.

What a gate does to arrays, and its partials, come from the table of primitives; they are traced with symbols. Equal
calls on numbers that have not changed are written once.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.layout import GRADIENT, ONE_BY_ONE, Array, View
from microgradnn.compiler.tape import simplified
from microgradnn.primitive import Primitive, lookup


@dataclass(eq=False)
class Temp:
    """What an instruction gives: `shape` of one example, and an axis of examples behind it where it is `varying`."""

    shape: tuple[int, ...]
    varying: bool
    function: str = ""
    operands: tuple[Any, ...] = ()


COUNT = Temp((), False, "count")  # the number of examples
INVERSE_COUNT = Temp((), False, "inverse count")
NUMBER = "number"  # a comparison as 0 or 1, never nan
COMPARISONS = ("greater", "less", "equal")

Term = float | Array | View | Temp


class Instruction(NamedTuple):
    """`out = function(*operands)`: a function of NumPy, or one of these.

    "sum", "max" and "min" go along the first axis, "sum axis" along the one given, "sum examples" over the examples;
    "products", "weights" and "inputs" are the product of matrices and its two derivatives; "copy" writes to a view;
    "take" gathers rows and "put" (sum, add) brings them back; "number" is a comparison as 0 and 1; "item" is one row
    of the first axis; "each" calls a primitive number by number; "gate" (a primitive, whether the last operand is a
    stack, and the operands) is for a target that has gates of its own, and so is "stop gradient".
    """

    function: str
    operands: tuple[Any, ...]
    out: View | Temp
    note: str = ""


@dataclass
class Instructions:
    """A lowered program: what computes the value, what continues to the gradient, and where both are."""

    forward: list[Instruction] = field(default_factory=list)
    backward: list[Instruction] = field(default_factory=list)
    value: list[Any] = field(default_factory=list)  # per example and for all, then what is observed; or the outputs
    unwritten: dict[str, list[int]] = field(default_factory=dict)  # rows of each gradient that nothing contributes to

    def write_in_place(self) -> None:
        """Let an instruction write where its result is copied to, and drop what nobody reads."""
        lines = self.forward + self.backward
        uses = Counter(operand for line in lines for operand in line.operands if isinstance(operand, Temp))
        targets: dict[Any, Any] = {
            line.operands[0]: line.out
            for line in lines
            if line.function == "copy" and _may_write_to(line.operands[0], line.out) and uses[line.operands[0]] == 1
        }
        read: set[Temp] = set()
        self.backward = _live(self.backward, targets, read)
        self.forward = _live(self.forward, targets, read)


def _may_write_to(term: Term, out: View | Temp) -> bool:
    if not isinstance(term, Temp) or not term.operands or term.function in ("item", *COMPARISONS):
        return False
    return term.shape == out.shape and term.varying == out.varying


def _live(lines: list[Instruction], targets: dict[Any, Any], read: set[Temp]) -> list[Instruction]:
    """The instructions whose results are read, here or later, written to their targets; `read` grows by theirs."""
    live = []
    for line in reversed(lines):
        if isinstance(line.out, Temp):
            line = line._replace(out=targets.get(line.out, line.out))
        elif line.function == "copy" and isinstance(line.operands[0], Temp) and line.operands[0] in targets:
            continue
        if not isinstance(line.out, Temp) or line.out in read:
            read.update(operand for operand in line.operands if isinstance(operand, Temp))
            live.append(line)
    return live[::-1]


# ---- terms ------------------------------------------------------------------------------------------------------


def shape_of(term: Any) -> tuple[int, ...]:
    """The shape of a term without its examples."""
    return () if isinstance(term, float) else tuple(term.shape)


def is_varying(term: Any) -> bool:
    """Whether a term has a number for every example."""
    return isinstance(term, (View, Temp)) and term.varying


def same_view(x: Any, y: Any) -> bool:
    """Whether two terms are the same rows."""
    return isinstance(x, View) and isinstance(y, View) and x == y


def is_number(term: Any, number: float) -> bool:
    """Whether a term is this constant; 0.0 and −0.0 are two."""
    return isinstance(term, float) and term == number and math.copysign(1.0, term) == math.copysign(1.0, number)


def _exactly(x: float, y: float) -> bool:
    """Whether x · (y · z) is (x · y) · z to the bit: one of them is a power of 2, both are 1 or larger."""
    powers = 0.5 in (abs(math.frexp(x)[0]), abs(math.frexp(y)[0]))
    return powers and min(abs(x), abs(y)) >= 1.0 and math.isfinite(x * y)


# ---- writing ----------------------------------------------------------------------------------------------------


class Symbol:
    """A term in the hands of the table's array functions: operators write instructions."""

    __array_ufunc__ = None

    def __init__(self, writer: Writer, term: Term) -> None:
        self.writer, self.term = writer, term

    def __neg__(self) -> Symbol:
        return Functions(self.writer).negative(self)  # type: ignore[no-any-return]  # by name, see there


_OPERATORS = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power"}


class Functions:
    """The `xp` of the table's array functions: every function of NumPy by its name."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        return lambda *operands: Symbol(self._writer, self._writer.call(name, [*map(term_of, operands)]))

    def indices(self, stack: Symbol) -> Symbol:
        """0, 1, 2 … along the stack."""
        shape = shape_of(stack.term)
        return Symbol(self._writer, indices(shape[0], len(shape)))


for _operator, _function in _OPERATORS.items():
    setattr(Symbol, f"__{_operator}__", lambda x, y, f=_function: getattr(Functions(x.writer), f)(x, y))
    setattr(Symbol, f"__r{_operator}__", lambda y, x, f=_function: getattr(Functions(y.writer), f)(x, y))


def term_of(operand: Any) -> Term:
    """What a symbol stands for; a number is a constant."""
    if isinstance(operand, Symbol):
        return operand.term
    return operand if isinstance(operand, np.ndarray) else float(operand)


@lru_cache
def indices(count: int, rank: int) -> Array:
    """0, 1, 2 … along the first axis of an array of `rank`: the same array each time."""
    return np.arange(float(count)).reshape(-1, *[1] * (rank - 1))


def over_arrays(gate: Primitive, xp: Any, operands: Sequence[Any], stacked: bool) -> Any:
    """The array form of a gate in the hands of `xp`; with `stacked` the last operand is a stack."""
    if isinstance(gate.array, str):
        if gate.array != gate.name and not hasattr(np, gate.array):  # JAX alone has erf; NumPy asks the gate
            raise ValueError(f"{gate.name}: NumPy has no function {gate.array!r}: write array= as a function of xp")
        return getattr(xp, gate.array)(*operands)
    if gate.arity is None and not stacked:
        return reduce(getattr(xp, ONE_BY_ONE.get(gate.name, gate.name)), operands)
    assert gate.array is not None
    return gate.array(xp, *operands)


class Writer:
    """Writes instructions, each once."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.note = ""
        self._known: dict[Any, Term] = {}
        self._keys: dict[Temp, list[Any]] = {}  # by which a term is known

    def call(self, function: str, operands: Sequence[Term]) -> Term:
        """The term `function(*operands)`, in its simplest form.

        >>> writer = Writer()
        >>> x = View("params", 0, (3,), (1,))
        >>> writer.call("multiply", [1.0, x]) is x, writer.call("add", [2.0, 3.0]), len(writer.instructions)
        (True, 5.0, 0)
        """
        if all(isinstance(operand, float) for operand in operands):
            constants: Any = operands
            with np.errstate(all="ignore"):
                if not hasattr(np, function):  # such as erf
                    return lookup(function).limit(constants)
                return float(getattr(np, function)(*constants))
        simpler = self._simplest(function, operands)
        return self.write(function, operands) if simpler is None else simpler

    def _simplest(self, function: str, operands: Sequence[Term]) -> Term | None:
        """What the call comes to without computing, or with less of it; else None."""
        if function == "where":
            c, a, b = operands
            if isinstance(c, float):
                return a if c else b
            if isinstance(c, Temp) and c.function in COMPARISONS and is_number(a, 1.0) and is_number(b, 0.0):
                return self.write(NUMBER, [c])
        if function == "multiply":
            for x, y in [operands, operands[::-1]]:
                if is_number(x, 1.0) or (is_number(y, 0.0) and isinstance(x, Temp) and x.function == NUMBER):
                    return y
                if is_number(x, -1.0):
                    return self.call("negative", [y])
                if isinstance(x, float) and isinstance(y, Temp) and y.function == "multiply":
                    for factor, rest in [y.operands, y.operands[::-1]]:
                        if isinstance(factor, float) and _exactly(x, factor):
                            return self.call("multiply", [x * factor, rest])
        if function == "add":
            x, y = operands
            if is_number(x, -0.0):  # 0.0 + −0.0 is 0.0
                return y
            if x is y or same_view(x, y):
                return self.call("multiply", [2.0, x])
        if (function == "divide" and is_number(operands[1], 1.0)) or (
            function == "subtract" and is_number(operands[1], 0.0)
        ):
            return operands[0]
        return None

    def write(self, function: str, operands: Sequence[Any], shape: tuple[int, ...] | None = None) -> Term:
        """The term `function(*operands)` as an instruction, a new one unless there is one like it."""
        key = (
            function,
            *[repr(x) if isinstance(x, float) else id(x) if isinstance(x, np.ndarray) else x for x in operands],
        )
        lasting = not any(isinstance(x, View) and x.space.startswith(GRADIENT) for x in operands)
        if lasting and key in self._known:
            return self._known[key]
        varying = any(map(is_varying, operands)) and function not in ("sum examples", "weights")
        if shape is None:
            shape = np.broadcast_shapes(*map(shape_of, operands))
            shape = shape[1:] if function in ("sum", "max", "min") else shape
        out = Temp(shape, varying, function, tuple(operands))
        self.instructions.append(Instruction(function, tuple(operands), out, self.note))
        if lasting:
            self._known[key] = out
            self._keys.setdefault(out, []).append(key)
        return out

    def store(self, term: Term, view: View) -> None:
        """Write a term to rows of a space; results are known by their rows from then on."""
        self.instructions.append(Instruction("copy", (term,), view, self.note))
        if not view.space.startswith(GRADIENT):
            for key in self._keys.pop(term, ()) if isinstance(term, Temp) else ():
                self._known[key] = view

    def gate(self, gate: Primitive, operands: Sequence[Any], stacked: bool) -> Term:
        """The term `gate(*operands)`; with `stacked` the last operand holds many, one under the other."""
        if gate.array is None:
            return self.write("each", [gate, *operands], np.broadcast_shapes(*map(shape_of, operands)))
        if not stacked:
            simpler: Any = simplified(gate, tuple(operands))
            if simpler.__class__ is not tuple:
                return simpler  # type: ignore[no-any-return]  # a term, as all operands are
            gate, operands = simpler
        return term_of(over_arrays(gate, Functions(self), [Symbol(self, operand) for operand in operands], stacked))

    def partials(self, gate: Primitive, out: View, operands: Sequence[Term], stacked: bool) -> list[Term | None]:
        """∂out/∂operand for each operand, None where there is none."""
        if gate.array_partials is not None and (stacked or gate.arity is not None):
            symbols = [Symbol(self, operand) for operand in (out, *operands)]
            return [None if x is None else term_of(x) for x in gate.array_partials(Functions(self), *symbols)]

        def apply(inner: Primitive, terms: list[Any]) -> Term:
            if inner.name == "multiply" and any(isinstance(term, float) and term == 0.0 for term in terms):
                return 0.0  # whatever the other is: nothing is handed on
            along = stacked and len(terms) == 1 and inner.arity is None and len(shape_of(terms[0])) > len(out.shape)
            return self.gate(inner, terms, along)

        return gate.trace(len(operands)).run(out, operands, apply)

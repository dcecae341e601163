"""The Python backend: the tape, and the reverse sweep over it, as straight-line Python over floats.

For one point at a time it is quicker than arrays, and so it is for a few points where the function is narrow and deep;
for many points it is a loop.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.ir import Array
from microgradnn.compiler.source import load
from microgradnn.compiler.tape import Atom, Tape
from microgradnn.compiler.zeros import told_apart
from microgradnn.primitive import NOTHING, ForwardError, Primitive, lookup, run_lines

_MANY = 500  # so many terms are added by a call: Python compiles an expression by recursion
_LINES = 25_000  # of one function: Python takes some 6 KB for each while it compiles
_ADD, _MULTIPLY = lookup("add"), lookup("multiply")


def differentiated(tape: Tape, first: int, last: int) -> Tape:
    """The tape with the derivatives of its first root by the leaves from `first` to before `last` behind that root.

    contribution = partial × adjoint, from the root to the leaves; the partials come from the table. Their constant 0 is
    NOTHING on the tape: nothing is handed on along such an edge, which may be known only when the numbers are.

    >>> tape = Tape(2)
    >>> tape.roots = [tape.write(_MULTIPLY, (0, 1))]
    >>> differentiated(tape, 0, 2).roots
    [2, 1, 0]
    """
    active = tape.dependent(first, last)
    longer = Tape(tape.leaves)
    for (gate, operands), path in zip(tape.lines, tape.paths, strict=True):
        longer.append(gate, operands, path)
    adjoints: dict[int, Atom] = {}
    if isinstance(tape.roots[0], int):
        adjoints[tape.roots[0]] = 1.0

    def write(gate: Primitive, operands: Sequence[Atom]) -> Atom:
        if gate is _MULTIPLY:
            for x, y in (operands, operands[::-1]):
                if x.__class__ is not int and (x is NOTHING or x == 1.0):
                    return x if x is NOTHING else y
        return longer.write(gate, tuple(operands))

    for register in range(tape.leaves + len(tape.lines) - 1, tape.leaves - 1, -1):
        adjoint = adjoints.get(register)
        if adjoint is None or not active[register]:
            continue
        gate, operands = tape.lines[register - tape.leaves]
        marked = [NOTHING if x.__class__ is not int and x == 0.0 else x for x in operands]
        partials = gate.trace(len(operands)).run(register, marked, write, NOTHING)
        for x, partial in zip(operands, partials, strict=True):
            if isinstance(x, int) and active[x] and partial is not None and partial is not NOTHING:
                contribution = write(_MULTIPLY, (partial, adjoint))
                adjoints[x] = write(_ADD, (adjoints[x], contribution)) if x in adjoints else contribution
    longer.close()
    longer.roots = [tape.roots[0], *[adjoints.get(leaf, 0.0) for leaf in range(first, last)], *tape.roots[1:]]
    return longer


class Part(NamedTuple):
    """Some lines of a tape as one function: the registers it takes, those it computes, and what it returns."""

    takes: Sequence[int]
    registers: Sequence[int]
    returns: Sequence[Atom]


def parts(tape: Tape) -> list[Part]:
    """The lines that the roots need, in functions that Python can compile without taking the whole memory."""
    needed = tape.needed()
    registers = [register for register in range(tape.leaves, len(needed)) if needed[register]]
    if len(registers) <= _LINES:
        return [Part(range(tape.leaves), registers, tape.roots)]
    backwards = []
    read = {root for root in tape.roots if root.__class__ is int}  # by what comes after
    for start in reversed(range(0, len(registers), _LINES)):
        own = registers[start : start + _LINES]
        takes = {x for register in own for x in tape.lines[register - tape.leaves][1] if x.__class__ is int}
        backwards.append(Part(sorted(takes.difference(own)), own, sorted(read.intersection(own))))
        read |= takes
    return backwards[::-1]


def python_source(tape: Tape, params: int, part: Part, told: bytearray) -> tuple[str, dict[str, Any]]:
    """The function `run` of the registers that a part takes, and what it calls; `told` says where zeros are told apart.

    >>> tape = Tape(2)
    >>> tape.roots = [tape.write(_MULTIPLY, (0, 1))]
    >>> print(python_source(tape, 1, *parts(tape), told_apart(tape))[0])
    def run(p0, x0):
        v2 = p0 * x0
        return [v2]
    <BLANKLINE>
    """

    def name(atom: Atom) -> str:
        if not isinstance(atom, int):
            return f"({atom!r})" if math.isfinite(atom) else f"float('{atom}')"
        if atom < tape.leaves:
            return f"p{atom}" if atom < params else f"x{atom - params}"
        return f"v{atom}"

    called: dict[str, Any] = {}
    code = [f"def run({', '.join(map(name, part.takes))}):"]
    for register in part.registers:
        gate, operands = tape.lines[register - tape.leaves]
        expression = _expression(gate, [name(operand) for operand in operands], bool(told[register]), called)
        code.append(f"    {name(register)} = {expression}")
    code += [f"    return [{', '.join(map(name, part.returns))}]", ""]
    return "\n".join(code), called


def _expression(gate: Primitive, operands: list[str], told_apart: bool, called: dict[str, Any]) -> str:
    if gate.source is not None:
        return gate.source.format(*operands)
    few = len(operands) < _MANY
    begin = ["0.0"] * told_apart  # a sum begins at 0.0, which makes 0.0 of −0.0
    if gate.name == "sum" and few:
        return " + ".join([*begin, *operands])
    if gate.name == "dot" and few:
        half = len(operands) // 2
        products = [f"{w} * {x}" for w, x in zip(operands[:half], operands[half:-1], strict=True)]
        return " + ".join([*begin, *products, *[operands[-1]] * (operands[-1] != "(0.0)")])
    name = next((name for name, known in called.items() if known is gate.forward), f"{gate.name}{len(called)}_forward")
    called[name] = gate.forward
    return f"{name}({', '.join(operands)})"


class PythonBackend:
    """The program in Python: one function for the value, one for the value and its gradient."""

    def __init__(
        self, tape: Tape, params: int, shapes: Sequence[tuple[int, ...]], reduce: str | None, wrt: str
    ) -> None:
        self.params, self.shapes, self.reduce, self.wrt = params, shapes, reduce, wrt
        self.tape = tape
        self.derivatives = None
        if reduce is not None:
            first, last = {"params": (0, params), "inputs": (params, tape.leaves), "both": (0, tape.leaves)}[wrt]
            self.derivatives = differentiated(tape, first, last)
        self._prepare()

    def _prepare(self) -> None:
        self._threads = threading.local()
        self.source, self._value = self._loaded(self.tape)
        if self.derivatives is not None:
            self.source, self._gradient = self._loaded(self.derivatives)

    def _loaded(self, tape: Tape) -> tuple[str, Callable[..., list[float]]]:
        """The source of a tape, and the function of its leaves that returns its roots."""
        pieces, told = parts(tape), told_apart(tape)
        written = [python_source(tape, self.params, part, told) for part in pieces]
        functions = [load(source, "run", {**vars(math), **called}) for source, called in written]
        source = "\n".join(source for source, _ in written)
        if len(functions) == 1:
            return source, functions[0]

        def run(*leaves: float) -> list[float]:
            numbers = [*leaves, *[0.0] * len(tape.lines)]
            for function, (takes, _, returns) in zip(functions, pieces, strict=True):
                for register, number in zip(returns, function(*[numbers[taken] for taken in takes]), strict=True):
                    numbers[register] = number  # type: ignore[index]  # a register
            return [numbers[root] if isinstance(root, int) else root for root in tape.roots]

        return source, run

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_value", "_gradient", "_threads")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def _run(self, run: Any, tape: Tape, params: Array, arrays: Sequence[Array], count: int) -> Array:
        """The roots for every example, a row each."""
        inputs = [array.reshape(count, -1).astype(float) for array in arrays]
        examples = np.concatenate(inputs, axis=1).tolist() if inputs else [[]] * count
        weights, rows = params.tolist(), []
        for example in examples:
            leaves = [*weights, *example]
            try:
                roots = run(*leaves)
                finite = math.isfinite(sum(roots))
            except ForwardError:
                finite = False
            if not finite:  # Python raises where arrays have inf and nan, and takes NOTHING for a number
                roots = run_lines(tape.lines, tape.roots, leaves, Primitive.limit)
            rows.append(roots)
        return np.array(rows, dtype=float)

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> Any:
        """The value; without reduction a matrix with a row for each example and a column for each output."""
        rows = self._run(self._value, self.tape, params, arrays, count)
        return rows if self.reduce is None else float(self._reduced(rows)[0])

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, list[Array]]:
        """The value, its gradient by the parameters, and by each argument."""
        assert self.derivatives is not None
        rows = self._run(self._gradient, self.derivatives, params, arrays, count)
        if len(self.tape.roots) > 1:
            self._threads.observed = rows[:, 1 - len(self.tape.roots) :]
        reduced = self._reduced(rows)
        by_params = reduced[1 : 1 + self.params] if self.wrt != "inputs" else np.zeros(self.params)
        by_inputs = []
        if self.wrt != "params":
            start = 1 + (self.params if self.wrt == "both" else 0)
            for shape in self.shapes:
                stop = start + math.prod(shape)
                by_inputs.append(rows[:, start:stop].reshape(count, *shape))
                start = stop
            if self.reduce == "mean" and count > 1:
                by_inputs = [part / count for part in by_inputs]
        return float(reduced[0]), by_params, by_inputs

    def observed(self, count: int) -> Array:
        """What the last gradient of this thread observed: a row for each example, a column for each number."""
        observed: Array = self._threads.observed if len(self.tape.roots) > 1 else np.zeros((count, 0))
        return observed

    def _reduced(self, rows: Array) -> Array:
        if len(rows) == 1:  # as for any other number, only quicker
            return np.asarray(rows[0])
        with np.errstate(all="ignore"):
            return np.asarray(rows.mean(axis=0) if self.reduce == "mean" else rows.sum(axis=0))

"""The Python backend: the tape, and the reverse sweep over it, as straight-line Python over floats.

For one point at a time it is quicker than arrays, and so it is for a few points where the function is narrow and deep;
for many points it is a loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from microgradnn.compiler.derivatives import differentiated, times_hessian
from microgradnn.compiler.ir import Array, Gradient
from microgradnn.compiler.source import load
from microgradnn.compiler.tape import Atom, Tape
from microgradnn.compiler.zeros import told_apart
from microgradnn.primitive import NOTHING, ForwardError, Primitive, run_lines

_MANY = 500  # so many terms are added by a call: Python compiles an expression by recursion
_LINES = 25_000  # of one function: Python takes some 6 KB for each while it compiles


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


def python_source(tape: Tape, leaves: Sequence[str], part: Part, told: bytearray) -> tuple[str, dict[str, Any]]:
    """The function `run` of the registers that a part takes, and what it calls; `told` says where zeros are told apart.

    >>> from microgradnn.primitive import lookup
    >>> tape = Tape(2)
    >>> tape.roots = [tape.write(lookup("multiply"), (0, 1))]
    >>> print(python_source(tape, ["p0", "x0"], *parts(tape), told_apart(tape))[0])
    def run(p0, x0):
        v2 = p0 * x0
        return [v2]
    <BLANKLINE>
    """

    def name(atom: Atom) -> str:
        if not isinstance(atom, int):
            return f"({atom!r})" if math.isfinite(atom) else f"float('{atom}')"
        return leaves[atom] if atom < tape.leaves else f"v{atom}"

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


class _Function:
    """A tape as a function of Python, and its source: `rows` calls it for every example.

    The leaves are parameters, then inputs, then, from leaf number `vector` on, the numbers of a vector.
    """

    def __init__(self, tape: Tape, params: int, vector: int) -> None:
        self.tape, self.vector = tape, vector
        leaves = [f"p{place}" for place in range(params)] + [f"x{place}" for place in range(vector - params)]
        leaves += [f"d{place}" for place in range(tape.leaves - vector)]
        pieces, told = parts(tape), told_apart(tape)
        written = [python_source(tape, leaves, part, told) for part in pieces]
        functions = [load(source, "run", {**vars(math), **called}) for source, called in written]
        self.source = "\n".join(source for source, _ in written)
        self.run = functions[0] if len(functions) == 1 else _one_after_the_other(tape, pieces, functions)

    def rows(self, params: Array, arrays: Sequence[Array], count: int) -> Array:
        """The roots for every example, a row each; the numbers of an example are side by side in `arrays`."""
        inputs = [array.reshape(count, -1).astype(float) for array in arrays]
        examples = np.concatenate(inputs, axis=1).tolist() if inputs else [[]] * count
        weights, rows, run = params.tolist(), [], self.run
        for example in examples:
            leaves = [*weights, *example]
            try:
                roots = run(*leaves)
                finite = math.isfinite(sum(roots))
            except ForwardError:
                finite = False
            if not finite:  # Python raises where arrays have inf and nan, and takes NOTHING for a number
                leaves[self.vector :] = [x or NOTHING for x in leaves[self.vector :]]  # along 0 nothing is handed on
                roots = run_lines(self.tape.lines, self.tape.roots, leaves, Primitive.limit)
            rows.append(roots)
        return np.array(rows, dtype=float)


def _one_after_the_other(
    tape: Tape, pieces: Sequence[Part], functions: Sequence[Callable[..., list[float]]]
) -> Callable[..., list[float]]:
    """The function of the leaves that the functions of the parts of a tape make together."""

    def run(*leaves: float) -> list[float]:
        numbers = [*leaves, *[0.0] * len(tape.lines)]
        for function, (takes, _, returns) in zip(functions, pieces, strict=True):
            for register, number in zip(returns, function(*[numbers[taken] for taken in takes]), strict=True):
                numbers[register] = number  # type: ignore[index]  # a register
        return [numbers[root] if isinstance(root, int) else root for root in tape.roots]

    return run


class PythonBackend:
    """The program in Python: a function for the value, one for its gradient, one for products with its Hessian.

    Each is written when it is first asked for.
    """

    def __init__(
        self, tape: Tape, params: int, shapes: Sequence[tuple[int, ...]], reduce: str | None, wrt: str
    ) -> None:
        self.params, self.shapes, self.reduce, self.wrt = params, shapes, reduce, wrt
        self.tape = tape
        self._wanted = {"params": (0, params), "inputs": (params, tape.leaves), "both": (0, tape.leaves)}[wrt]

    def __getstate__(self) -> dict[str, Any]:
        made = ("_value", "_gradient", "_product")
        return {name: value for name, value in vars(self).items() if name not in made}

    # ---- what runs ----

    @cached_property
    def _value(self) -> _Function:
        return _Function(self.tape, self.params, self.tape.leaves)

    @cached_property
    def _gradient(self) -> _Function:
        assert self.reduce is not None
        return _Function(differentiated(self.tape, *self._wanted), self.params, self.tape.leaves)

    @cached_property
    def _product(self) -> _Function:
        assert self.reduce is not None
        return _Function(times_hessian(self.tape, *self._wanted), self.params, self.tape.leaves)

    @property
    def source(self) -> str:
        """The source of the gradient, or of the value where there is none."""
        return (self._value if self.reduce is None else self._gradient).source

    def value(self, params: Array, arrays: Sequence[Array], count: int) -> tuple[Any, Array]:
        """The value, and what f returned beside it, a row for each example; without reduction rows of outputs."""
        rows = self._value.rows(params, arrays, count)
        return rows if self.reduce is None else float(self._reduced(rows[:, 0])), rows[:, 1:]

    def value_and_gradient(
        self, params: Array, arrays: Sequence[Array], count: int
    ) -> tuple[float, Array, Array, list[Array]]:
        """The same, and the gradient of the value."""
        rows = self._gradient.rows(params, arrays, count)
        observed = rows[:, rows.shape[1] - len(self.tape.roots) + 1 :]
        return float(self._reduced(rows[:, 0])), observed, *self._of_batch(rows[:, 1:])

    def grads(self, params: Array, arrays: Sequence[Array], count: int) -> Gradient:
        """The gradient of each example, not divided by their number; by the parameters a matrix, a row an example."""
        return self._by_example(self._gradient.rows(params, arrays, count)[:, 1:])

    def hvp(self, params: Array, v: Gradient, arrays: Sequence[Array], count: int) -> Gradient:
        """The Hessian of the value times v; only that part of v is read which the gradient is taken by."""
        by_params, by_inputs = v
        directions = [np.broadcast_to(by_params, (count, self.params))] if self.wrt != "inputs" else []
        if self.wrt != "params":
            directions += by_inputs
        return self._of_batch(self._product.rows(params, [*arrays, *directions], count))

    # ---- the examples together ----

    def _by_example(self, rows: Array) -> Gradient:
        """What a sweep found for each example, parted: by the parameters, and by each argument in its shape."""
        count, start = len(rows), self.params if self.wrt != "inputs" else 0
        by_params, by_inputs = rows[:, :start] if start else np.zeros((count, self.params)), []
        for shape in self.shapes if self.wrt != "params" else ():
            stop = start + math.prod(shape)
            by_inputs.append(rows[:, start:stop].reshape(count, *shape))
            start = stop
        return by_params, by_inputs

    def _of_batch(self, rows: Array) -> Gradient:
        """The derivatives of the value, which is the mean or sum over the examples."""
        by_params, by_inputs = self._by_example(rows)
        if self.reduce == "mean" and len(rows) > 1:
            by_inputs = [part / len(rows) for part in by_inputs]
        return self._reduced(by_params), by_inputs

    def _reduced(self, rows: Array) -> Array:
        if len(rows) == 1:  # as for any other number, only quicker
            return np.asarray(rows[0])
        with np.errstate(all="ignore"):
            return np.asarray(rows.mean(axis=0) if self.reduce == "mean" else rows.sum(axis=0))

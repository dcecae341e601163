"""NumPy source: instructions as Python that calls NumPy on views of buffers.

The source is run once for each number of examples: it makes the views and two functions over them, `value`, which runs
forward, and `gradient`, which goes on backward. Views are globals of these, which Python compiles in linear time, as it
does not the variables of a function around them. Little is allocated: what NumPy has no `out=` for, and gathered rows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import count as numbered
from typing import Any

import numpy as np

from microgradnn.compiler.grouping import CONSTANTS, LETTERS, PARAMETERS, UNIFORM
from microgradnn.compiler.instructions import COMPARISONS, COUNT, INVERSE_COUNT, Instruction, Instructions, Temp, Term
from microgradnn.compiler.layout import GRADIENT, Array, Layout, Piece, View
from microgradnn.primitive import lookup


class NumPySource:
    """Writes the source; constants that are arrays or primitives are handed over by name."""

    def __init__(self, layout: Layout, program: Instructions, reduce: str | None) -> None:
        self.layout, self.program, self.reduce = layout, program, reduce
        self.constants: dict[str, Any] = {}
        self.setup: list[str] = []
        self.names: dict[Any, str] = {}
        self.taken: Counter[str] = Counter()
        self.temps: dict[Temp, str] = {}
        self.free: dict[Any, list[str]] = defaultdict(list)
        self.fresh = numbered(1)
        self.last: dict[Temp, int] = {}  # the number of the instruction that reads it last

    def source(self) -> str:
        """The views, and the functions `value` and `gradient`."""
        program = self.program
        for number, instruction in enumerate(program.forward + program.backward):
            self.last.update((operand, number) for operand in instruction.operands if isinstance(operand, Temp))
        forward = self.lines(program.forward, 0)
        if self.reduce is not None:
            forward.append(f"return {self.value()}")
        backward = self.lines(program.backward, len(program.forward))
        code = [*self.setup, ""] if self.setup else []
        code += ["def value():", *(f"    {line}" for line in forward or ["pass"])]
        code += ["", "def gradient():", *(f"    {line}" for line in backward or ["pass"]), ""]
        return "\n".join(code)

    def value(self) -> str:
        """The value as an expression: the mean or sum of what varies, and what does not."""
        varying, uniform = self.program.value[:2]
        parts = []
        if isinstance(varying, View):
            ones = self.made("ones", "examples", "ones(examples)")
            parts.append(f"float({ones}.dot({self.view(varying, 'flat')}))" + " / examples" * (self.reduce == "mean"))
        times = " * examples" * (self.reduce == "sum")
        if isinstance(uniform, View):
            parts.append(f"{self.view(uniform, 'shape')}.item(){times}")
        elif uniform:
            parts.append(f"{float(uniform)!r}{times}" if np.isfinite(uniform) else f"float('{uniform}')")
        return " + ".join(parts) or "0.0"

    # ---- names of what is operated on ----

    def view(self, view: View, form: str) -> str:
        """The name of an array over the rows of a view, made once.

        `form` says how: "shape" with an axis of examples where it varies, "wide" with one of size 1 where it does not,
        "matrix" with all examples of a row side by side, "flat" as a vector.
        """
        key = (view, form)
        if key not in self.names:
            space = view.space.removeprefix(GRADIENT)
            letter = ("d" if view.space != space else "") + LETTERS.get(space, space)
            last = view.offset + sum((size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True))
            name = f"{letter}_{view.offset}_{last + 1}"
            self.taken[name] += 1
            if self.taken[name] > 1:
                name += "abcdefghijklmnopqrstuvwxyz"[(self.taken[name] - 2) % 26] * ((self.taken[name] - 2) // 26 + 1)
            self.names[key] = name
            self.setup.append(f"{name} = {form}({view.space}, {view.offset}, {view.shape}, {view.strides})")
        return self.names[key]

    def constant(self, value: Any, name: str = "c") -> str:
        key = id(value)
        if key not in self.names:
            self.names[key] = f"{name}{len(self.constants)}"
            self.constants[self.names[key]] = value
        return self.names[key]

    def operand(self, term: Term, varying: bool) -> str:
        """A term as an operand of an instruction over examples, or not."""
        if term is COUNT or term is INVERSE_COUNT:
            return "count" if term is COUNT else "inverse_count"
        if isinstance(term, float):
            return self.number(term)
        if isinstance(term, np.ndarray):
            name = self.constant(term)
            return self.made("wide", id(term), f"{name}[..., None]") if varying else name
        if isinstance(term, View):
            return self.view(term, "wide" if varying and not term.varying else "shape")
        name = self.temps[term]
        return f"{name}[..., None]" if varying and not term.varying else name

    def made(self, letter: str, key: Any, text: str) -> str:
        """The name of something that is made once, when the views are."""
        key = (letter, key)
        if key not in self.names:
            self.names[key] = f"{letter}{self.taken[letter]}"
            self.taken[letter] += 1
            self.setup.append(f"{self.names[key]} = {text}")
        return self.names[key]

    def number(self, number: float) -> str:
        """The name of an array of one number: NumPy takes it quicker than the number."""
        text = repr(number) if np.isfinite(number) else f"float('{number}')"
        return self.made("n", repr(number), f"array({text})")

    def result(self, out: View | Temp) -> str:
        """The name of the array to write to; a new one, or one that is not needed any more."""
        if isinstance(out, View):
            return self.view(out, "shape")
        kind = (out.shape, out.varying, out.function in COMPARISONS)
        if self.free[kind]:
            name = self.free[kind].pop()
        else:
            name = f"t{next(self.fresh)}"
            self.setup.append(f"{name} = empty({self.size(out)}{', bool' if kind[2] else ''})")
        self.temps[out] = name
        return name

    def release(self, instruction: Instruction, number: int) -> None:
        """Let the temporaries that are read here for the last time be written to again."""
        for operand in dict.fromkeys(operand for operand in instruction.operands if isinstance(operand, Temp)):
            if self.last[operand] == number and operand in self.temps and operand.function != "item":
                kind = (operand.shape, operand.varying, operand.function in COMPARISONS)
                self.free[kind].append(self.temps[operand])

    # ---- instructions ----

    def lines(self, instructions: list[Instruction], start: int) -> list[str]:
        code: list[str] = []
        noted = ""
        for number, instruction in enumerate(instructions, start):
            lines = self.line(instruction, number)
            if lines and instruction.note != noted:
                noted = instruction.note
                lines[0] += f"  # {noted}"
            code += lines
        return code

    def line(self, instruction: Instruction, number: int) -> list[str]:
        function, operands, out, _ = instruction
        if function in ("take", "put", "put add", "put sum", "put sum add"):
            return self.move(function, (*operands, out))
        if function == "item":
            assert isinstance(out, Temp)
            term, index = operands
            self.temps[out] = f"{self.operand(term, False)}[{index}]"
            return []
        varying = out.varying or any(isinstance(x, (View, Temp)) and x.varying for x in operands)
        if function in ("products", "weights", "inputs"):
            return self.product(function, operands, out)
        names = [
            self.operand(x, varying)
            for x in operands
            if not isinstance(x, (int, type(None))) and not hasattr(x, "forward")
        ]
        elementwise = function not in ("sum", "max", "min", "sum axis", "sum examples", "where", "each")
        if elementwise:
            self.release(instruction, number)
        result = self.result(out)
        if not elementwise:
            self.release(instruction, number)
        match function:
            case "copy":
                return [f"copyto({result}, {names[0]})"]
            case "sum" if self.plain(operands[0]):  # a product with ones is quicker than a reduction
                return [
                    f"{self.ones(operands[0].shape[0])}.dot({self.matrix(operands[0])}, {self.vector(result, out)})"
                ]
            case "sum" | "max" | "min":
                ufunc = {"sum": "add", "max": "maximum", "min": "minimum"}[function]
                return [f"{ufunc}.reduce({names[0]}, 0, None, {result})"]
            case "sum axis":
                return [f"add.reduce({names[0]}, {operands[1]}, None, {result}, True)"]
            case "sum examples":
                return [f"add.reduce({names[0]}, -1, None, {result})"]
            case "where":
                return [f"copyto({result}, where({', '.join(names)}))"]
            case "each":
                return [f"copyto({result}, {self.constant(operands[0], 'each_')}({', '.join(names)}))"]
            case "number":
                return [f"{result}[...] = {names[0]}"]
        if not hasattr(np, function):  # such as erf
            return [f"copyto({result}, {self.constant(lookup(function), 'each_')}({', '.join(names)}))"]
        if not isinstance(getattr(np, function), np.ufunc):  # which take no array to write to
            return [f"copyto({result}, {function}({', '.join(names)}))"]
        if function in ("maximum", "minimum") and any(isinstance(x, float) for x in operands):
            names = [
                self.filled(x, out) if isinstance(x, float) else name for x, name in zip(operands, names, strict=True)
            ]
        return [f"{function}({', '.join(names)}, {'out=' * (function in ('maximum', 'minimum'))}{result})"]

    def plain(self, term: Term) -> bool:
        """Whether the rows of a stack lie one behind the other."""
        if not isinstance(term, (View, Temp)) or (not term.varying and len(term.shape) < 2):
            return False
        return isinstance(term, Temp) or term.is_contiguous

    def ones(self, size: int) -> str:
        return self.made("ones", size, f"ones({size})")

    def vector(self, result: str, out: View | Temp) -> str:
        if isinstance(out, View):
            return self.view(out, "flat")
        return f"{result}.reshape(-1)" if len(out.shape) + out.varying > 1 else result

    def size(self, out: View | Temp) -> str:
        return f"({''.join(f'{size}, ' for size in out.shape)}{'examples' if out.varying else ''})"

    def filled(self, number: float, out: View | Temp) -> str:
        """An array of one number: NumPy compares with it twice as fast as with the number itself."""
        return self.made("all", (repr(number), self.size(out)), f"full({self.size(out)}, {self.number(number)})")

    def matrix(self, term: Term) -> str:
        if isinstance(term, View):
            return self.view(term, "matrix")
        if isinstance(term, Temp):
            return self.temps[term] + f".reshape({term.shape[0]}, -1)" * (len(term.shape) + term.varying != 2)
        return self.constant(term)

    def product(self, function: str, operands: Sequence[Any], out: View | Temp) -> list[str]:
        """A product of matrices, or one of its derivatives."""
        first, second = map(self.matrix, operands)
        if isinstance(out, Temp):
            self.result(out)
        target = self.matrix(out)
        if function == "weights":
            second = self.transposed(second)
        if function == "inputs":
            first = self.transposed(first)
        if isinstance(out, View) and not out.is_contiguous:
            return [f"copyto({target}, {first}.dot({second}))"]
        return [f"{first}.dot({second}, {target})"]

    def transposed(self, name: str) -> str:
        return self.made("T", name, f"{name}.T") if name.isidentifier() else f"{name}.T"

    def move(self, function: str, operands: Sequence[Any]) -> list[str]:
        """Rows copied to a block of their own, or the adjoint of such a block put back where the rows came from."""
        piece: Piece = operands[0]
        if function == "take":
            target, source = self.rows(operands[1].space, piece.targets), self.rows(piece.source, piece.rows)
            wide = operands[1].varying and piece.source in (PARAMETERS, UNIFORM, CONSTANTS)
            line = _assigned(target, source + "[:, None]" * wide)
            if piece.source == CONSTANTS:  # which nothing overwrites
                self.setup.append(line)
                return []
            return [line]
        source_term, out = operands[1], operands[2]
        if isinstance(source_term, float):
            source = repr(source_term) + (" * count" if "sum" in function else "")
        else:
            source = self.rows(GRADIENT + out.space, piece.targets)
            if "sum" in function:
                source = f"add.reduce({source}, -1)"
        target = self.rows(GRADIENT + piece.source, piece.rows)
        if "add" in function:
            return [f"{target} += {source}"] if "[" in target else [f"add({target}, {source}, {target})"]
        return [_assigned(target, source)]

    def rows(self, space: str, rows: Array) -> str:
        """Rows of a space: a view where they are evenly spaced, else picked one by one."""
        if space == CONSTANTS:
            return self.constant(rows)
        strides = set(np.diff(rows).tolist()) or {1}
        if len(strides) == 1:
            return self.view(View(space, int(rows[0]), (len(rows),), (strides.pop(),)), "shape")
        return f"{space}[{self.constant(rows, 'rows_')}]"


def _assigned(target: str, source: str) -> str:
    return f"{target}{'' if '[' in target else '[...]'} = {source}"

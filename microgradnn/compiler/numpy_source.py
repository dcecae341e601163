"""NumPy source: a plan as Python that calls NumPy on views of buffers.

The source is run once for each number of examples: it makes the views and two functions over them, `value`, which runs
forward, and `gradient`, which goes on backward. Views are globals of these, which Python compiles in linear time, as it
does not the variables of a function around them. Little is allocated: what NumPy has no `out=` for, and gathered rows.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from microgradnn.compiler.ir import ArrayProgram, Op, Operand, Place, Var, Window, contiguous, is_each, whole
from microgradnn.compiler.ops import KINDS
from microgradnn.compiler.plan import Event, Plan, rows_of
from microgradnn.compiler.simplify import NUMBER
from microgradnn.primitive import Primitive, lookup


class NumPySource:
    """Writes the source; constants that are arrays or primitives are handed over by name."""

    def __init__(self, program: ArrayProgram, plan: Plan) -> None:
        self.program, self.plan = program, plan
        self.constants: dict[str, Any] = {}
        self.setup: list[str] = []
        self.names: dict[Any, str] = {}
        self.taken: Counter[str] = Counter()

    def source(self) -> str:
        """The views, the functions `value` and `gradient`, and where the `results` are."""
        events, forward = self.plan.events, self.plan.forward
        once = [line for event in self.plan.once for line in self.event(event)]
        parts = [self.lines(events[:forward]), self.lines(events[forward:])]
        results = [self.operand(out, each=False) for out in self.program.outs]
        code = [*self.setup, *once, ""]
        for name, lines in zip(("value", "gradient"), parts, strict=True):
            code += [f"def {name}():", *(f"    {line}" for line in lines or ["pass"]), ""]
        code.append(f"results = [{', '.join(results)}]")
        return "\n".join([*code, ""])

    def lines(self, events: list[Event]) -> list[str]:
        code: list[str] = []
        noted: str | None = None
        for event in events:
            lines = self.event(event)
            if lines and event.op.path and event.op.path != noted:
                lines[0] += f"  # {event.op.path}"
            noted = event.op.path if lines else noted
            code += lines
        return code

    def event(self, event: Event) -> list[str]:
        op, what, piece = event
        if what == "write":
            written = KINDS[op.kind].numpy
            assert written is not None, f"{op.kind} is written as calls before"
            return written(self, op)
        if what == "zero":
            return [f"{self.out(op)}.fill(0.0)"]
        return self.piece(op, piece, what == "add")

    # ---- names ----

    def made(self, letter: str, key: Any, text: str) -> str:
        """The name of something that is made once, when the views are."""
        name = self.names.get((letter, key))
        if name is None:
            name = self.names[letter, key] = f"{letter}{self.taken[letter]}"
            self.taken[letter] += 1
            self.setup.append(f"{name} = {text}")
        return name

    def constant(self, value: Any, letter: str) -> str:
        """The name of something that is handed over."""
        key = letter, value if isinstance(value, Primitive) else (value.shape, value.dtype, value.tobytes())
        if key not in self.names:
            self.names[key] = f"{letter}{len(self.constants)}"
            self.constants[self.names[key]] = value
        return self.names[key]

    def number(self, number: float) -> str:
        """The name of an array of one number: NumPy takes it quicker than the number."""
        text = repr(number) if np.isfinite(number) else f"float('{number}')"
        return self.made("n", repr(number), f"array({text})")

    def view(self, window: Window, form: str = "shape") -> str:
        """The name of an array over a window.

        `form` says how: "shape" with an axis of examples where there is one for each, "wide" with one of size 1 where
        it is the same for all, "matrix" with all examples of a row side by side, "flat" as a vector.
        """
        var, (offset, shape, strides) = window
        if var.value is not None:
            buffer, first, letter = self.constant(var.value.ravel(), "c"), 0, "c_"
        else:
            buffer, first = self.plan.rows[var]
            letter = {"e": "v", "te": "b", "tu": "b"}.get(buffer, buffer)
        if form == "wide" and var.each:
            form = "shape"
        text = f"{form}({buffer}, {first + offset}, {shape}, {strides})"
        return self.made(letter + "_" * letter[-1].isdigit(), text, text)

    def read(self, op: Op, index: int) -> str:
        """An operand as an array; one number, however often, has no axes: NumPy takes that much quicker."""
        operand = op.operands[index]
        if op.kind == "call" and isinstance(operand, Window) and not operand.each and operand.place.is_one_number:
            return self.view(Window(operand.var, Place(operand.place.offset, (), ())))
        return self.operand(operand, op.out.each)

    def operand(self, operand: Operand, each: bool) -> str:
        """An operand of something that there is for each example, or not."""
        return self.view(operand, "wide" if each else "shape") if isinstance(operand, Window) else self.number(operand)

    def out(self, op: Op, form: str = "shape") -> str:
        """The array that an operation writes."""
        return self.view(whole(op.out), form)

    # ---- operations ----

    def call(self, op: Op) -> list[str]:
        """A function number by number."""
        function, out = op.detail, self.out(op)
        names = [self.read(op, index) for index in range(len(op.operands))]
        if function in ("positive", NUMBER):
            return [f"copyto({out}, {names[0]})"]
        if isinstance(function, Primitive) or not hasattr(np, function):  # such as erf
            gate = function if isinstance(function, Primitive) else lookup(function)
            return [f"copyto({out}, {self.constant(gate, 'each_')}({', '.join(names)}))"]
        if not isinstance(getattr(np, function), np.ufunc):  # which take no array to write to
            return [f"copyto({out}, {function}({', '.join(names)}))"]
        if function in ("maximum", "minimum"):  # NumPy compares with an array twice as fast as with a number
            size = f"({''.join(f'{size}, ' for size in op.out.shape)}{'examples' if op.out.each else ''})"
            names = [
                name if isinstance(x, Window) else self.made("all", (x, size), f"full({size}, {name})")
                for x, name in zip(op.operands, names, strict=True)
            ]
            return [f"{function}({', '.join(names)}, out={out})"]
        return [f"{function}({', '.join(names)}, {out})"]

    def sum(self, op: Op) -> list[str]:
        """A sum along axes; along the first of many rows a product with ones is quicker than a reduction."""
        (axes, examples), [operand] = op.detail, op.operands
        assert isinstance(operand, Window)
        inner = operand.shape[1:]
        if axes == (0,) and not examples and operand.place.is_contiguous and (inner or operand.each):
            count = operand.shape[0]
            ones = self.made("ones", count, f"ones({count})")
            return [f"{ones}.dot({self.view(operand, 'matrix')}, {self.out(op, 'flat')})"]
        if not axes and operand.shape == ():
            ones = self.made("ones", "examples", "ones(examples)")
            return [f"{ones}.dot({self.view(operand, 'flat')}, {self.out(op)})"]
        along = (*axes, *[len(operand.shape)] * examples)
        return [f"add.reduce({self.view(operand)}, {along[0] if len(along) == 1 else along}, None, {self.out(op)})"]

    def take(self, op: Op) -> list[str]:
        """Rows picked one by one."""
        [operand] = op.operands
        assert isinstance(operand, Window)
        rows = self.constant(op.detail.astype(np.intp), "rows_")
        flat = self.view(Window(operand.var, contiguous(0, (operand.var.size,))))
        return [f"{flat}.take({rows}, 0, {self.out(op)}, 'clip')"]

    def gather(self, op: Op) -> list[str]:
        """Numbers from where an index says among the numbers of a stack."""
        index, stack = op.operands
        assert isinstance(stack, Window)
        where = self.chosen(index, stack.place, stack.each, op.out.each)
        return [f"{self.line(stack.var)}.take({where}, 0, {self.out(op)}, 'clip')"]

    def scatter(self, op: Op) -> list[str]:
        """Numbers to where an index says; over the examples they are added up."""
        index, operand = op.operands
        summed, each = op.detail[1], any(map(is_each, op.operands))
        where = self.chosen(index, contiguous(0, op.out.shape), op.out.each, each)
        numbers, out = self.operand(operand, each), self.line(op.out)
        if not summed:
            return [f"{out}.fill(0.0)", f"{out}[{where}] = {numbers}"]
        spread = numbers if is_each(operand) else f"broadcast_to({numbers}, chosen.shape)"
        return [f"chosen = {where}", f"copyto({out}, bincount(chosen.ravel(), {spread}.ravel(), {op.out.size}))"]

    def chosen(self, index: Operand, place: Place, spread: bool, each: bool) -> str:
        """Where the numbers are that an index chooses along the first axis of a place, `spread` over the examples."""
        offset, shape, strides = place
        rows, step = self.constant(Place(offset, shape[1:], strides[1:]).rows(), "rows_"), f"{strides[0]}"
        if each:
            rows = (
                f"{rows}[..., None] * examples + arange(examples)" if spread else f"{rows}[..., None] + zeros(examples)"
            )
        if spread:
            step = self.made("step", step, f"{step} * examples")
        return f"({self.operand(index, each)} * {step} + {self.made('at', rows, rows)}).astype(int)"

    def line(self, var: Var) -> str:
        """All numbers of a variable one behind the other."""
        return self.view(whole(var), "flat")

    def einsum(self, op: Op) -> list[str]:
        """A product of matrices where it is one, with all examples of a row side by side."""
        first, second, out, each = op.detail
        x, y = op.operands
        assert isinstance(x, Window)
        assert isinstance(y, Window)
        if first == second and not out and not x.each and not y.each:
            return [f"{self.view(x)}.dot({self.view(y)}, {self.out(op)})"]
        columns = {letters[-1] for letters, for_each in ((first, x.each), (second, y.each), (out, each)) if for_each}
        shared = [letter for letter in first if letter in second and letter not in out]
        if len(columns) < 2 and len(shared) == 1 and {len(first), len(second), len(out)} == {2}:
            [along] = shared
            rows = [self.factor(x, first, along, out[0] in first), self.factor(y, second, along, out[0] in second)]
            if out[0] in second:
                rows.reverse()
            return [f"{rows[0]}.dot({rows[1]}, {self.out(op, 'matrix')})"]
        letters = [first + "z" * x.each, second + "z" * y.each, out + "z" * each]
        spec = f"'{letters[0]},{letters[1]}->{letters[2]}'"
        return [f"einsum({spec}, {self.view(x)}, {self.view(y)}, out={self.out(op)})"]

    def factor(self, window: Window, letters: str, along: str, left: bool) -> str:
        """A factor of a product of matrices, so that the letter that is summed over is inside."""
        name = self.view(window, "matrix")
        return name if (letters[1] == along) == left else self.made("T", name, f"{name}.T")

    def piece(self, op: Op, index: int, add: bool) -> list[str]:
        """One operand of a put to its place."""
        operand, place = op.operands[index], op.detail[1][index]
        if isinstance(place, Place):
            return self.to_place(op, operand, place, add)
        rows, source = rows_of(place), self.operand(operand, op.out.each)
        flat = self.view(Window(op.out, contiguous(0, (op.out.size,))))
        order = np.argsort(rows, kind="stable")
        distinct, starts = np.unique(rows[order], return_index=True)
        if len(distinct) < len(rows):  # add up what goes to the same row first
            source = f"add.reduceat({source}[{self.constant(order, 'rows_')}], {self.constant(starts, 'rows_')}, 0)"
            rows = distinct
        return [f"{flat}[{self.constant(rows.astype(np.intp), 'rows_')}] {'+' * add}= {source}"]

    def to_place(self, op: Op, operand: Operand, place: Place, add: bool) -> list[str]:
        """The same for a place that is evenly spaced; windows that overlap are added one after the other."""
        if len(np.unique(place.rows())) < place.size:
            axis = int(np.argmin(place.shape))
            lines = []
            for number in range(place.shape[axis]):
                inner = operand
                if isinstance(operand, Window):
                    inner = Window(operand.var, _item(operand.place, axis, number))
                lines += self.to_place(op, inner, _item(place, axis, number), add)
            return lines
        target, source = self.view(Window(op.out, place)), self.operand(operand, op.out.each)
        return [f"add({target}, {source}, {target})" if add else f"copyto({target}, {source})"]


def _item(place: Place, axis: int, number: int) -> Place:
    offset, shape, strides = place
    return Place(
        offset + number * strides[axis], shape[:axis] + shape[axis + 1 :], strides[:axis] + strides[axis + 1 :]
    )

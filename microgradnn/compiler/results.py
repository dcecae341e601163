"""Results: what a program can be asked for, each as one array program.

The value is 1/B Σ f(xᵢ), or the sum; its gradient is its reverse. A Hessian-vector product is the gradient of
⟨gradient, v⟩, so reverse of reverse; gradients by example are the reverse of f itself, with nothing added up over the
examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from microgradnn.compiler.arrays import arrays
from microgradnn.compiler.grouping import Group, Product
from microgradnn.compiler.ir import ArrayProgram, Operand, Var, Window, is_nothing, whole
from microgradnn.compiler.reverse import derivatives
from microgradnn.compiler.simplify import Writer
from microgradnn.compiler.tape import Atom
from microgradnn.primitive import lookup

_ADD, _MULTIPLY, _DIVIDE = lookup("add"), lookup("multiply"), lookup("divide")
Asked = Literal["value", "gradient", "grads", "hvp"]


@dataclass(frozen=True)
class Rolled:
    """The groups of a function, and what it is a function of: so many parameters, and arguments of these sizes."""

    groups: list[Group | Product]
    roots: list[Atom]
    params: int
    sizes: list[int]
    reduce: str | None
    wrt: str

    def program(self, asked: Asked, ones: bool = False) -> ArrayProgram:
        """The array program of a result.

        Of the "value": the value and what else is observed, or the outputs. Of the "gradient": these, and the
        derivatives by the parameters and by the inputs, as `wrt` says. Of "grads" and "hvp": these derivatives; "hvp"
        has the directions as further inputs, in the same order.
        """
        writer, program = arrays(self.groups, self.params, self.sizes, self.roots, ones)
        if self.reduce is None:
            return program.without_dead_code()
        by = [program.params] * (self.wrt != "inputs") + program.inputs * (self.wrt != "params")
        varying, uniform, *observed = program.outs
        if asked == "grads":
            outs = derivatives(writer, added(writer, varying, uniform), by, by_example=True)
        else:
            writer.cheap = asked != "hvp"
            outs = [self.reduced(writer, varying, uniform), *observed]
            if asked != "value":
                outs += derivatives(writer, outs[0], by)
            if asked == "hvp":
                directions = [Var(var.shape, var.each, name=f"v_{var.name}") for var in by]
                slope = along(writer, outs[len(outs) - len(by) :], by, directions)
                writer.cheap = True
                outs = derivatives(writer, slope, by)
                program.inputs = program.inputs + directions
        program.ops, program.outs = writer.ops, outs
        return program.without_dead_code()

    def reduced(self, writer: Writer, varying: Operand, uniform: Operand) -> Operand:
        """The mean or the sum over the examples of what varies, and what is the same for all."""
        if isinstance(varying, Window):
            varying = writer.sum(varying, (), examples=True)
            if self.reduce == "mean":
                varying = writer.gate(_DIVIDE, [varying, writer.write("count", [])])
        if self.reduce == "sum" and self.sizes:
            uniform = writer.counted(uniform)
        return added(writer, varying, uniform)


def added(writer: Writer, x: Operand, y: Operand) -> Operand:
    """The sum of two parts of a value, of which one may be missing."""
    if is_nothing(x):
        return y
    return x if is_nothing(y) else writer.gate(_ADD, [x, y])


def along(writer: Writer, gradients: list[Operand], by: Sequence[Var], directions: Sequence[Var]) -> Operand:
    """The derivative along directions, ⟨gradient, v⟩."""
    total: Operand = 0.0
    for gradient, var, direction in zip(gradients, by, directions, strict=True):
        product = writer.gate(_MULTIPLY, [writer.broadcast(gradient, var.shape), whole(direction)])
        total = added(writer, total, writer.sum(product, (0,), examples=var.each))
    return total

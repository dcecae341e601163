"""A circuit as text: aligned tables for a terminal, of the gates, of the backward steps, of the Hessian."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

from microgradnn.backprop import Steps
from microgradnn.notation import columns, digits, formula, written
from microgradnn.value import Value


def forward_table(trail: Steps) -> list[str]:
    """Every gate in forward order: name, formula, value, local derivatives."""
    gates = [gate for gate in trail.order if gate.primitive is not None]
    local = {
        id(gate): [
            f"∂{trail.names[id(gate)]}/∂{trail.names[id(operand)]} = {digits(partial)}"
            for operand, partial in zip(gate.operands, gate.partials, strict=True)
            if isinstance(operand, Value) and partial is not None
        ]
        for gate in gates
    }
    width = max((len(equation) for equations in local.values() for equation in equations), default=0)
    rows: list[Sequence[str]] = []
    for gate in gates:
        assert gate.primitive is not None
        equations = [equation.ljust(width) for equation in local[id(gate)]]
        rows += zip_longest(
            [trail.names[id(gate)]],
            wrap(formula(gate.primitive, written(gate.operands, trail.names)), 36),
            [digits(gate.data)],
            ["   ".join(equations[place : place + 2]) for place in range(0, len(equations), 2)],
            fillvalue="",
        )
    return columns(("gate", "formula", "value", "local derivatives"), rows, right=("value",))


def backward_lines(trail: Steps) -> list[str]:
    """The sentences of the backward steps, one below the other, aligned at their signs."""
    seed, *rest = (step.sentence for step in trail if step.kind != "forward")
    rows = [re.split(" [+]?= ", sentence) for sentence in rest]
    target, product, numbers = (max((len(row[place]) for row in rows), default=0) for place in range(3))
    left, right = seed.split(" = ")
    return [f"{left.ljust(target)}  = {right}"] + [
        f"{row[0].ljust(target)} += {row[1].ljust(product)}  =  {row[2].ljust(numbers)}  =  {row[3]}" for row in rows
    ]


def hessian_table(names: list[str], rows: list[list[float]]) -> list[str]:
    """The matrix with its rows and columns named, in blocks of eight columns."""
    lines: list[str] = []
    for place in range(0, len(names), 8):
        header = ["", *names[place : place + 8]]
        cells = [[name, *map(digits, row[place : place + 8])] for name, row in zip(names, rows, strict=True)]
        lines += ([""] if lines else []) + columns(header, cells, right=header[1:])
    return lines

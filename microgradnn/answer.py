"""What an expression comes to: its value, gates, backward steps, gradients, Hessian, as text and as data for JSON.

The text is aligned tables for a terminal. Nothing here knows of arguments of the command line, or of printing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from microgradnn.backprop import hessian
from microgradnn.checks import Finding, report_grads
from microgradnn.notation import columns, digits, formula, written
from microgradnn.parser import check_names, evaluate, parse
from microgradnn.stepping import Steps, steps
from microgradnn.value import Value

GREEN, RED, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[0m"  # of a terminal


class Answer:
    """An expression at the point `given`; with order 2 its Hessian, with `check` the verdicts on its derivatives.

    Raises InputError for what is no expression, or has no value there.

    >>> answer = Answer("x * y", {"x": 2.0, "y": 3.0})
    >>> answer.text().splitlines()[0], answer.document()["gradients"]
    ('f = x * y = 6', {'x': 3.0, 'y': 2.0})
    """

    def __init__(self, expression: str, given: Mapping[str, float], order: int = 1, check: bool = False) -> None:
        instructions = parse(expression)
        check_names(instructions, given)
        names, point = list(given), list(given.values())

        def f(*numbers: Any) -> Any:
            return evaluate(instructions, dict(zip(names, numbers, strict=True)))

        self.expression = expression
        *_, self.last = expression.rstrip("; \t\n").rpartition(";")  # the statement that gives the root
        if instructions[-1].assigned:
            self.last = self.last.partition("=")[2]
        self.inputs = dict(zip(names, map(Value, point, names), strict=True))
        out = f(*self.inputs.values())
        self.root: Value = out if isinstance(out, Value) else Value(out)  # a number where there are no variables
        self.root.backward()
        self.trail = steps(self.root)
        self.f = self.trail.names[id(self.root)]
        self.hessian = hessian(lambda x: f(*x))(point) if order == 2 else None
        self.report = report_grads(f, tuple(point), order) if check else None
        self.findings: Sequence[Finding] = self.report.findings if self.report is not None else ()

    @property
    def objection(self) -> str:
        """The sentences on derivatives that are not right, with the arguments by name."""
        findings = [str(finding) for finding in self.findings if finding.verdict != "right"]
        sentences = dict.fromkeys(
            re.sub(", recorded at .*", "", finding) for finding in findings
        )  # no line of a user's
        if self.report is not None and self.report.note:
            sentences[self.report.note] = None
        names = list(self.inputs)
        return re.sub(r"argument (\d+)", lambda match: names[int(match[1])], "; ".join(sentences))

    @property
    def agrees(self) -> bool:
        """Whether all derivatives are right, or at a kink between the slopes of both sides."""
        return all(finding.verdict in ("right", "kink") for finding in self.findings)

    def text(self, with_steps: bool = True, coloured: bool = False) -> str:
        """Tables for a terminal; `coloured` ones are green forward and red backward."""
        expression = " ".join(self.last.split())
        shown = expression if len(expression) <= 72 else f"{expression[:71]}…"
        name = f"{self.f} = " if self.f != expression else ""
        sections = [["", f"{name}{shown} = {digits(self.root.data)}"]]  # each behind its colour
        if self.root.primitive is not None:
            title = "Forward: every gate with its value and its local derivatives"
            sections.append([GREEN, title, *_forward_table(self.trail)])
        if with_steps:
            title = "Backward: upstream gradient × local derivative, added up"
            sections.append([RED, title, *_backward_lines(self.trail)])
        if self.inputs:
            sections.append([RED, "Gradients", *self._gradient_table()])
        if self.report is not None:
            sections[-1] += wrap(f"Check: {self.objection or 'every derivative is right.'}", 90)
        if self.hessian:
            title = f"Hessian: ∂²{self.f} by row and column"
            sections.append([RED, title, *_hessian_table(list(self.inputs), self.hessian)])
        return (
            "\n\n".join(
                "\n  ".join([title, *(f"{colour}{line}{PLAIN}" if coloured and line else line for line in lines)])
                for colour, title, *lines in sections
            )
            + "\n"
        )

    def _gradient_table(self) -> list[str]:
        header = ["input", "value", f"∂{self.f}/∂input"]
        rows = [[name, digits(leaf.data), digits(leaf.grad)] for name, leaf in self.inputs.items()]
        if self.report is not None:
            header += ["in truth", "difference", "verdict"]
            for row, finding in zip(rows, self.findings, strict=False):  # those of order 1 come first
                true = [_precisely(finding.numeric), _precisely(finding.error, 2)]
                row[2:] = [_precisely(finding.exact), *(["—", "—"] if finding.verdict == "outside" else true)]
                row.append(f"{finding.verdict}, by {finding.by}")
        return columns(header, rows, right=header[1:5])

    def document(self, with_steps: bool = True) -> dict[str, Any]:
        """Everything as data for JSON: infinities and nan as strings."""
        name_of = self.trail.names
        document: dict[str, Any] = {
            "expression": self.expression.strip(),
            "inputs": {name: leaf.data for name, leaf in self.inputs.items()},
            "value": self.root.data,
            "gates": [
                {
                    "name": name_of[id(gate)],
                    "primitive": gate.primitive.name,
                    "formula": formula(gate.primitive, written(gate.operands, name_of)),
                    "operands": [name_of.get(id(operand), operand) for operand in gate.operands],
                    "value": gate.data,
                    "partials": gate.partials,
                    "gradient": gate.grad,
                }
                for gate in self.trail.order
                if gate.primitive is not None
            ],
            "gradients": {name: leaf.grad for name, leaf in self.inputs.items()},
        }
        if with_steps:
            document["steps"] = [
                vars(step) | {"gate": name_of[id(step.gate)], "operand": name_of.get(id(step.operand))}
                for step in self.trail
            ]
        if self.hessian is not None:
            rows = zip(self.inputs, self.hessian, strict=True)
            document["hessian"] = {name: dict(zip(self.inputs, row, strict=True)) for name, row in rows}
        if self.report is not None:
            first: dict[str, Finding] = dict(zip(self.inputs, self.findings, strict=False))
            document["check"] = {
                "agrees": self.agrees,
                "objection": self.objection,
                "numeric": {name: finding.numeric for name, finding in first.items()},
                "verdicts": {name: finding.verdict for name, finding in first.items()},
            }
        strict: dict[str, Any] = _strict(document)
        return strict


def _precisely(x: float, precision: int = 10) -> str:
    return f"{x:.{precision}g}".replace("-", "−") if math.isfinite(x) else digits(x)


def _strict(data: Any) -> Any:
    """Data as JSON allows it: infinities and nan as strings."""
    if isinstance(data, dict):
        return {key: _strict(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_strict(member) for member in data]
    return repr(data) if isinstance(data, float) and not math.isfinite(data) else data


# ---- tables ---------------------------------------------------------------------------------------------------------


def _forward_table(trail: Steps) -> list[str]:
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
            ["   ".join(equations[start : start + 2]) for start in range(0, len(equations), 2)],
            fillvalue="",
        )
    return columns(("gate", "formula", "value", "local derivatives"), rows, right=("value",))


def _backward_lines(trail: Steps) -> list[str]:
    """The sentences of the backward steps, one below the other, aligned at their signs."""
    seed, *rest = (step.sentence for step in trail if step.kind != "forward")
    rows = [re.split(" [+]?= ", sentence) for sentence in rest]
    target, product, numbers = (max((len(row[column]) for row in rows), default=0) for column in range(3))
    left, right = seed.split(" = ")
    return [f"{left.ljust(target)}  = {right}"] + [
        f"{row[0].ljust(target)} += {row[1].ljust(product)}  =  {row[2].ljust(numbers)}  =  {row[3]}" for row in rows
    ]


def _hessian_table(names: list[str], rows: list[list[float]]) -> list[str]:
    """The matrix with its rows and columns named, in blocks of eight columns."""
    lines: list[str] = []
    for start in range(0, len(names), 8):
        header = ["", *names[start : start + 8]]
        cells = [[name, *map(digits, row[start : start + 8])] for name, row in zip(names, rows, strict=True)]
        lines += ([""] if lines else []) + columns(header, cells, right=header[1:])
    return lines

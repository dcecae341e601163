"""What a neuron or a box of a folded graph shows when it is opened: a table of its numbers, written by `digits`.

Over several examples values are means and gradients rms, as in the picture; a weight is one number. This module knows
groups and the links between them, not pictures: which element of a picture stands for which groups is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Any, NamedTuple

from microgradnn.drawing import figures
from microgradnn.drawing.circuit import printable
from microgradnn.drawing.figures import counted, mean, rms, spread
from microgradnn.drawing.folding import Folding, Group
from microgradnn.notation import digits, formula
from microgradnn.value import Value

ROWS = 16  # of a table: more would not be read, and 100 neurons with 784 inputs each would fill a page
WORDS, VALUE, WEIGHT, GRADIENT = "", "value", "weight", "gradient"  # what a column holds; numbers have bars


class Table(NamedTuple):
    """A heading, sentences below it, the columns with what they hold, and the rows."""

    title: str
    notes: list[str]
    head: list[tuple[str, str]]
    rows: list[list[str]]

    def packed(self) -> dict[str, Any]:
        """The table as opening.js takes it: no name holds a tab or the end of a line."""
        return {**self._asdict(), "rows": "\n".join(map("\t".join, self.rows))}

    def without_empty_columns(self) -> Table:
        """The same without gradients where there are none, as before the backward pass or of plain numbers."""
        filled = [any(cells) for cells in zip(*self.rows, strict=True)]
        return self._replace(head=[*compress(self.head, filled)], rows=[[*compress(row, filled)] for row in self.rows])


def tables(folding: Folding, parts: Mapping[str, Sequence[Group]], f: str, count: int = 4) -> dict[str, Table]:
    """The table of each part of a picture that opens: a neuron, or a box of a layer, of inputs or of loose gates.

    >>> from microgradnn import nn
    >>> neuron = nn.Neuron(2, rng=0)
    >>> neuron.w[0].data, neuron.w[1].data = 2.0, -3.0
    >>> [y] = neuron([-1.0, -2.0])
    >>> y.backward()
    >>> folding = Folding(y)
    >>> table = tables(folding, {"n1-0": folding.groups[-1:]}, "y")["n1-0"]
    >>> table.rows[0], table.notes
    (['input 0', '−1', '2', '−2', '−1'], ['Σ w·x + b = 4, relu(4) = 4; ∂y/∂output = 1'])
    """
    maker = _Tables(folding, f, count)
    made = {part: maker.table(groups) for part, groups in parts.items()}
    return {part: table.without_empty_columns() for part, table in made.items() if table}


class _Tables:
    """Tables in the making: every group has a name, and knows what leads to it."""

    def __init__(self, folding: Folding, f: str, count: int) -> None:
        self.f, self.digits, self.count = f, partial(digits, count=count), count
        self.name_of: dict[Group, str] = {}
        for groups in folding.columns().values():
            self.name_of |= {group: _named(group, place) for place, group in enumerate(groups)}
        self.forms: dict[tuple[Any, ...], str] = {}  # of gates, by what they are and take
        self.sources: dict[Group, list[tuple[Group, list[Value]]]] = {}
        for (source, target), link in folding.links.items():
            self.sources.setdefault(target, []).append((source, [*link.weights]))

    def table(self, groups: Sequence[Group]) -> Table | None:
        """The table of the groups that a part stands for; None for a single input, whose numbers are all in sight."""
        kind = groups[0].column.kind
        if kind == "layer" and len(groups) == 1:
            return self._neuron(groups[0])
        if kind == "layer":
            return self._layer(groups)
        if kind == "inputs":
            return self._inputs(groups) if len(groups) > 1 else None
        return self._gates(groups[0])

    def _neuron(self, group: Group) -> Table:
        several = len(group.values) > 1
        head = [("from", WORDS), ("x", VALUE), ("w", WEIGHT), ("w·x", VALUE)]
        head += [(f"∂{self.f}/∂w", GRADIENT), (f"∂{self.f}/∂x", GRADIENT)]
        lines: list[tuple[float, list[str]]] = []  # each with its w·x
        for source, weights in self.sources.get(group, []):
            x = figures.value(source)
            beginning, end = [self.name_of[source], self.digits(x)], self._gradient([source])
            for weight in weights:
                product = weight.data * x
                numbers = [self.digits(weight.data), self.digits(product), self._slope(weight)]
                lines.append((product, [*beginning, *numbers, end]))
            if not weights:
                lines.append((0.0, [*beginning, "", "", "", end]))
        taken = {weight for _, weights in self.sources.get(group, []) for weight in weights}
        biases = [parameter for parameter in group.parameters if parameter not in taken]
        total = sum(product for product, _ in lines) + sum(bias.data for bias in biases)
        shown = lines
        notes = [self._outcome(group, total if taken else None)]
        if len(lines) > ROWS:
            shown = sorted(lines, key=lambda line: -_size(line[0]))
            shown, others = shown[:ROWS], math.fsum(product for product, _ in shown[ROWS:])
            more = f"The {ROWS} of {len(lines):,} inputs with the largest |w·x|"
            notes.append(f"{more}; {len(lines) - ROWS:,} more add {self.digits(others)} to Σ.")
        if several:
            notes.append(
                f"Over {len(group.values):,} examples: x, w·x, Σ and output are means, ∂{self.f}/∂x is an rms."
            )
        rows = [row for _, row in shown]
        for number, bias in enumerate(biases):
            name = "b" if len(biases) == 1 else f"b {number}"
            rows.append([name, "", self.digits(bias.data), self.digits(bias.data), self._slope(bias), ""])
        return Table(self.name_of[group], notes, head, rows)

    def _outcome(self, group: Group, total: float | None) -> str:
        """What the activation makes of the sum, or the output where there is no sum of `total`, and its gradient."""
        output = self.digits(figures.value(group))
        average = "mean " if len(group.values) > 1 else ""
        outputs = [out for out in group.values if isinstance(out, Value)]  # all of one kind
        sums = [_sum_behind(out) for out in outputs]
        words = f"{average}output {output}"
        if total is not None and None not in sums:
            net = mean([before.data for before in sums if before is not None])
            if math.isclose(net, total, rel_tol=1e-9, abs_tol=1e-12):
                words = f"{average}Σ w·x + b = {self.digits(net)}"
                gate = outputs[0].primitive
                if gate and sums[0] is not outputs[0]:
                    operands = [self.digits(x.data if isinstance(x, Value) else x) for x in outputs[0].operands]
                    applied = f"mean {gate.name}" if average else formula(gate, operands)
                    words += f", {applied} = {output}"
        gradient = self._gradient([group])
        return words + (f"; {'rms ' if average else ''}∂{self.f}/∂output = {gradient}" if gradient else "")

    def _layer(self, groups: Sequence[Group]) -> Table:
        head = [("neuron", WORDS), ("output", VALUE), (f"∂{self.f}/∂output", GRADIENT)]
        head += [("parameters", WORDS), (f"rms ∂{self.f}/∂w", GRADIENT)]
        rows = []
        shown, notes = self._largest(groups, "neurons", f"|∂{self.f}/∂output|")
        for group in shown:
            slopes = [parameter.grad for parameter in group.parameters if parameter.swept]
            size = self.digits(rms(slopes)) if slopes else ""
            output = self.digits(figures.value(group))
            rows.append([self.name_of[group], output, self._gradient([group]), f"{len(group.parameters):,}", size])
        title = f"{printable(groups[0].column.name)}: {counted(len(groups), 'neuron')}"
        return Table(f"{title}, {counted(len(figures.parameters(groups)), 'parameter')}", notes, head, rows)

    def _inputs(self, groups: Sequence[Group]) -> Table:
        head = [("input", WORDS), ("value", VALUE), (f"∂{self.f}/∂x", GRADIENT)]
        shown, notes = self._largest(groups, "inputs", f"|∂{self.f}/∂x|")
        rows = [[self.name_of[group], self.digits(figures.value(group)), self._gradient([group])] for group in shown]
        return Table(f"{printable(groups[0].column.name)}: {len(groups):,} inputs", notes, head, rows)

    def _largest(self, groups: Sequence[Group], noun: str, by: str) -> tuple[Sequence[Group], list[str]]:
        """All groups, or those that matter most, and what is to be said about them."""
        notes = []
        if len(groups) > ROWS:
            notes.append(f"The {ROWS} of {len(groups):,} {noun} with the largest {by}; {len(groups) - ROWS:,} more.")
            groups = sorted(groups, key=lambda group: -_size(rms(group.gradients or [0.0])))[:ROWS]
        examples = max(len(group.values) for group in groups)
        if examples > 1:
            notes.append(f"Over {examples:,} examples: values are means, gradients rms.")
        return groups, notes

    def _gates(self, group: Group) -> Table:
        """Gates of one form together: how many, the first and the last in order, and the range of all."""
        forms: dict[str, list[Value | float]] = {}
        for value in group.gates or group.values:  # the values of a body are what each repeat of it gives
            forms.setdefault(self._form(value), []).append(value)
        head = [("gate", WORDS), ("n", WORDS), ("first", VALUE), ("last", VALUE), ("range", WORDS)]
        head += [(f"rms ∂{self.f}/∂u", GRADIENT)]
        rows = []
        for form, values in forms.items():
            alike = Group(group.column, values=values)
            data, gradients = alike.data, alike.gradients
            first, last, between = self.digits(data[0]), self.digits(data[-1]), spread("", data, self.digits).strip()
            size = self.digits(rms(gradients)) if gradients else ""
            rows.append([form, f"{len(data):,}", first, last, between, size])
        notes = []
        if len(rows) > ROWS:
            rows.sort(key=lambda row: -int(row[1].replace(",", "")))
            notes.append(f"The {ROWS} commonest of {len(rows):,} forms; {len(rows) - ROWS:,} more.")
        if any(isinstance(value, Value) and value.primitive for value in group.values):
            notes.append("u stands for a gate, v for a leaf, w for a parameter.")
        return Table(self.name_of[group], notes, head, rows[:ROWS])

    def _form(self, value: Value | float) -> str:
        """What a gate does, with letters for what has no name: `tanh(u)`, `u × y`, `u + 0.2`."""
        if not isinstance(value, Value):
            return "number"
        if value.primitive is None:
            return self._letter(value)
        operands = value.operands
        if len(operands) > 4:
            return f"{value.primitive.name} of {len(operands):,}"
        # Of the gates of a loop all look alike, and to write a formula is slow.
        key = value.primitive, *(None if isinstance(x, Value) and x.primitive else x for x in operands)
        if key not in self.forms:
            self.forms[key] = formula(value.primitive, [self._letter(operand) for operand in operands])
        return self.forms[key]

    def _letter(self, operand: Value | float) -> str:
        if not isinstance(operand, Value):
            return self.digits(operand)
        if operand.primitive is not None:
            return "u"
        return "w" if operand.path is not None else printable(operand.name or "v")[:24]

    def _gradient(self, groups: Iterable[Group]) -> str:
        """The gradient of a value, over several examples its rms; "" where there is none."""
        gradients = figures.gradients(groups)
        if not gradients:
            return ""
        return self.digits(gradients[0] if len(gradients) == 1 else rms(gradients))

    def _slope(self, parameter: Value) -> str:
        return self.digits(parameter.grad) if parameter.swept else ""


def _named(group: Group, place: int) -> str:
    """How a table names a group: `MLP.0[3]`, an input by its own name or its place, a box by its heading."""
    name = printable(group.column.name)
    if group.column.kind == "layer":
        return name if group.index is None else f"{name}[{group.index}]"
    if group.column.kind == "inputs":
        own = getattr(group.values[0], "name", None) if len(group.values) == 1 else None
        return printable(own) if own else f"input {place}"
    return figures.called(group)


def _sum_behind(out: Value) -> Value | None:
    """The sum that an output is, or that an activation of one gate makes it from; None where neither is so."""
    sums = ("dot", "add")
    if out.primitive is None or out.primitive.name in sums:
        return out if out.primitive else None
    before = out.operands[0]
    return before if isinstance(before, Value) and before.primitive and before.primitive.name in sums else None


def _size(x: float) -> float:
    return math.inf if x != x else abs(x)

"""The forward and the backward pass through a folded graph, layer by layer, and what is known after each step.

A layer gives its values at its step forward. Backward it gets the gradients of its weights, and the gradients of a
neuron are complete once all have been passed that take its output. Knows groups and links, neither pictures nor
the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from microgradnn.drawing import figures
from microgradnn.drawing.circuit import printable
from microgradnn.drawing.figures import counted, rms, spread
from microgradnn.drawing.folding import Column, Folding, Group
from microgradnn.drawing.summary import in_order
from microgradnn.notation import digits
from microgradnn.value import Value


class Passes:
    """The `steps` through the parts of a picture, and by part the steps after which values and gradients are known.

    A `unit` is what one step does: a layer, or a box where there are no layers.
    """

    def __init__(self, folding: Folding, parts: Mapping[str, Sequence[Group]], root: Value, f: str, count: int) -> None:
        self.f, self.digits, self.columns = f, partial(digits, count=count), folding.columns()
        self.unit = "layer" if any(column.kind == "layer" for column in self.columns) else "box"
        self.parts_of: dict[Column, list[str]] = {column: [] for column in self.columns}
        for part, groups in parts.items():
            self.parts_of[groups[0].column].append(part)
        self.takes: dict[Column, dict[Column, dict[Group, None]]] = {column: {} for column in self.columns}
        self.targets: dict[Group, set[Column]] = {}
        self.count: Counter[tuple[Column, Column]] = Counter()
        for (source, target), link in folding.links.items():
            self.targets.setdefault(source, set()).add(target.column)
            self.count[source.column, target.column] += link.count
            if source.column != target.column:
                self.takes[target.column].setdefault(source.column, {})[source] = None
        self.penalised: dict[Column, dict[Column, None]] = {}  # by a box, the layers whose parameters it takes
        for layer, user in folding.uses:
            self.penalised.setdefault(user.column, {})[layer] = None
        edges = [(source, column) for column in self.columns for source in self._before(column)]
        self.order = [column for column in in_order(self.columns, edges) if any(map(_computed, self.columns[column]))]
        self.steps = [self._forward(column) for column in self.order]
        self.swept = root.swept and bool(self.order)  # a leaf has nothing to be passed
        if self.swept:
            self.steps.append(self._seed(root))
            self.steps += [self._backward(column) for column in reversed(self.order)]
        self.known = {part: self._known(groups, root) for part, groups in parts.items()}

    def _before(self, column: Column) -> list[Column]:
        return [*self.takes[column], *self.penalised.get(column, ())]

    def _known(self, groups: Sequence[Group], root: Value) -> tuple[int, int]:
        """The steps after which the values and the gradients of a part are there."""
        column = groups[0].column
        value = self.order.index(column) if column in self.order else -1
        if not self.swept:
            return value, len(self.steps)
        own = len(self.steps) - 1 - value if value >= 0 else len(self.steps) - 1
        inner = len(groups) > 1 or (column.kind == "box" and len(groups[0].values) > 1)
        if inner and value >= 0:  # a box shows gradients of what is within it
            return value, own
        users = {target for group in groups for target in self.targets.get(group, ())} - {column}
        last = max((len(self.steps) - 1 - self.order.index(user) for user in users), default=len(self.order))
        return value, min(last, own)

    def _forward(self, column: Column) -> dict[str, Any]:
        groups = self.columns[column]
        taken = [self._taken(column, source) for source in self.takes[column]]
        if column in self.penalised:
            taken.append(f"the parameters of {_listed([printable(layer.name) for layer in self.penalised[column]])}")
        words = f"{self._name(column)} takes {_listed(taken)}" if taken else self._name(column)
        data = figures.data(groups)
        if column.kind == "layer":
            examples = max(len(group.values) for group in groups)
            words += f" and gives {len(groups):,}" + (f" for each of {examples:,} examples" if examples > 1 else "")
        noun = "outputs" if column.kind == "layer" else "values"
        numbers = spread(noun if len(data) > 1 else noun[:-1], data, self.digits)
        numbers += f", rms {self.digits(rms(data))}" if len(data) > 1 else ""
        return {"kind": "forward", "sentence": f"{words}: {numbers}", "parts": self.parts_of[column]}

    def _taken(self, column: Column, source: Column) -> str:
        """What a column takes from another: a layer for each example, a box altogether."""
        if column.kind == "layer" and source.kind == "box":
            return f"numbers from {self._name(source)}"
        count = len(self.takes[column][source]) if column.kind == "layer" else self.count[source, column]
        return f"{counted(count, 'number')} from {self._name(source)}"

    def _seed(self, root: Value) -> dict[str, Any]:
        last = next(c for c in self.order if any(x is root for group in self.columns[c] for x in group.values))
        words = f"{self.f} = {self.digits(root.data)}; now backward, from ∂{self.f}/∂{self.f} = 1"
        return {"kind": "seed", "sentence": words, "parts": self.parts_of[last]}

    def _backward(self, column: Column) -> dict[str, Any]:
        slopes = [parameter.grad for parameter in figures.parameters(self.columns[column]) if parameter.swept]
        words = f"∂{self.f}/∂w has rms {self.digits(rms(slopes))}; " if slopes else ""
        handed = [text for source in self.takes[column] if (text := self._handed(column, source))]
        if column in self.penalised:
            layers = _listed([printable(layer.name) for layer in self.penalised[column]])
            handed.append(f"gradients to the parameters of {layers}")
        words += f"hands on {_listed(handed)}" if handed else "its inputs are plain numbers, which get no gradients"
        return {
            "kind": "backward", "sentence": f"backward through {self._name(column)}: {words}",
            "parts": self.parts_of[column],
        }  # fmt: skip

    def _handed(self, column: Column, source: Column) -> str:
        """What a column hands on to another from which it takes; the last that does so completes it."""
        sources, place = self.takes[column][source], self.order.index(column)
        gradients = figures.gradients(sources)
        if not gradients:
            return ""
        users = {user for group in sources for user in self.targets[group]} - {source}
        if any(self.order.index(user) < place for user in users):
            return f"a part of the gradients to {self._name(source)}"
        if len(gradients) == 1:
            return f"the gradient {self.digits(gradients[0])} to {self._name(source)}"
        return f"gradients of rms {self.digits(rms(gradients))} to {self._name(source)}"

    def _name(self, column: Column) -> str:
        groups = self.columns[column]
        if column.kind == "inputs":
            return "the inputs"
        return printable(column.name) if column.kind == "layer" else figures.called(groups[0])


def _computed(group: Group) -> bool:
    return any(isinstance(value, Value) and value.primitive is not None for value in group.values)


def _listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))

"""What a layout and its instructions are about, as people count it: who writes what, sizes, products of the sweep.

B stands for the number of examples in a batch. What does not vary with the example is computed once for all of them.
This is what `report` says in words and `diagram` draws; it knows no program, only the plain data that is handed in.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from functools import cached_property
from typing import NamedTuple

import numpy as np

from microgradnn.compiler.grouping import CONSTANTS, UNIFORM, VARYING_RESULTS
from microgradnn.compiler.instructions import Instructions, shape_of
from microgradnn.compiler.layout import Array, Gather, Layout, Map, MatrixProduct, Operand, Step, View, rows_read
from microgradnn.drawing.circuit import printable

Source = str | int  # who writes a row: PARAMETERS, an argument as "x0", or a step by its number


class Facts(NamedTuple):
    """What a program is, apart from its steps."""

    gates: int
    parameters: int
    shapes: list[tuple[int, ...]]  # of the arguments of one example
    reduce: str | None
    wrt: str
    backend: str
    straight_up_to: int  # so many examples run as straight-line Python

    @property
    def recorded(self) -> str:
        """How much was recorded, in words."""
        return counted(self.gates, "gate")

    @property
    def title(self) -> str:
        """What the program computes, in words."""
        by = {"params": counted(self.parameters, "parameter"), "inputs": "the inputs"}
        by["both"] = f"{by['params']} and the inputs"
        if self.reduce is None:
            return f"The outputs for {'each of B examples' if self.shapes else 'one call'}"
        over = f"The {self.reduce} over B examples" if self.shapes else "The value"
        return f"{over} and its gradient by {by[self.wrt]}"


class Flow:
    """The steps of a layout, numbered from 1, and for every row who writes it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.steps = dict(enumerate(layout.steps, 1))
        self._writers = {space: np.zeros(layout.sizes[space], dtype=np.int64) for space in (UNIFORM, VARYING_RESULTS)}
        for number, step in self.steps.items():
            self._writers[step.out.space][step.out.rows()] = number
        for ones in layout.ones:
            if ones.space in self._writers:
                self._writers[ones.space][ones.rows()] = 0

    def sources(self, space: str, rows: Array) -> Counter[Source]:
        """Who writes these rows, and how many of them; rows of ones are nobody's."""
        distinct = np.unique(rows)
        if space == CONSTANTS:
            return Counter()
        if space not in self._writers:
            first, size = self.layout.blocks[space][0]
            return Counter({space: int(np.count_nonzero(distinct < first + size))})
        writers, counts = np.unique(self._writers[space][distinct], return_counts=True)
        return Counter({int(writer): int(n) for writer, n in zip(writers, counts, strict=True) if writer})

    def of_operand(self, operand: Operand | None) -> Counter[Source]:
        """Who writes the rows that an operand reads."""
        return self.sources(operand.space, operand.rows()) if isinstance(operand, View) else Counter()

    def of_step(self, step: Step) -> Counter[Source]:
        """Who writes the rows that a step reads, each counted once."""
        read = rows_read(step)
        writers: Counter[Source] = Counter()
        for space in dict.fromkeys(space for space, _ in read):
            writers += self.sources(space, np.concatenate([rows.ravel() for other, rows in read if other == space]))
        return writers

    @cached_property
    def levels(self) -> dict[Source, int]:
        """The longest way to each step from parameters and arguments; a gather is on the level of what it copies."""
        levels: dict[Source, int] = dict.fromkeys(self.layout.sizes, 0)
        for number, step in self.steps.items():
            below = max((levels[source] for source in self.of_step(step)), default=0)
            levels[number] = below + (not isinstance(step, Gather))
        return levels

    def counts(self) -> tuple[int, int, int]:
        """How many products of matrices, maps and gathers there are."""
        kinds = Counter(map(type, self.steps.values()))
        return kinds[MatrixProduct], kinds[Map], kinds[Gather]


class Sizes(NamedTuple):
    """The sizes of a product of matrices: M × L · L × N, the examples side by side in the columns where it varies."""

    M: int
    L: int
    N: int
    varying: bool

    def __str__(self) -> str:
        return f"{self.M:,} × {self.L:,} · {self.L:,} × {across(self.N, self.varying)}"


def sizes_of(step: MatrixProduct) -> Sizes:
    """The sizes of a product without its bias."""
    M, N = step.out.shape  # noqa: N806  as matrices are measured
    return Sizes(M, shape_of(step.inputs)[0] - step.folded, N, step.out.varying)


def products_backward(layout: Layout, instructions: Instructions) -> dict[int, tuple[str, str]]:
    """The products of matrices of the reverse sweep by the step that they belong to: the sizes of ∂W and of ∂x."""
    waiting = deque(line for line in instructions.backward if line.function in ("weights", "inputs"))
    sizes: dict[int, tuple[str, str]] = {}
    for number, step in reversed(list(enumerate(layout.steps, 1))):  # the sweep goes in that order
        if not isinstance(step, MatrixProduct):
            continue
        by_weights = by_inputs = ""
        (M, N), varying = step.out.shape, step.out.varying  # noqa: N806
        if waiting and waiting[0].function == "weights" and waiting[0].operands[1] is step.inputs:
            by_weights = f"{M:,} × {across(N, varying)} · {across(N, varying)} × {shape_of(step.inputs)[0]:,}"
            waiting.popleft()
        if waiting and waiting[0].function == "inputs" and _begins_like(waiting[0].operands[0], step.weights):
            by_inputs = str(Sizes(sizes_of(step).L, M, N, varying))
            waiting.popleft()
        if by_weights or by_inputs:
            sizes[number] = by_weights, by_inputs
    return sizes


def _begins_like(narrow: Operand, weights: Operand) -> bool:
    """Whether these are the weights, perhaps without the biases beside them."""
    if isinstance(narrow, View) and isinstance(weights, View):
        return (narrow.space, narrow.offset, narrow.strides) == (weights.space, weights.offset, weights.strides)
    return not isinstance(narrow, View) and not isinstance(weights, View)


def kind_of(step: Step) -> str:
    """What a step does, in a word."""
    match step:
        case Gather():
            return "gather"
        case Map():
            return step.gate.name
        case _:
            return "W·x + b" if step.folded or step.biases is not None else "W·x"


def size_of(step: Step) -> str:
    """How much it does: the sizes of a product, or the numbers that are written."""
    if isinstance(step, MatrixProduct):
        return str(sizes_of(step))
    return numbers(math.prod(step.out.shape), step.out.varying)


def across(count: int, varying: bool) -> str:
    """The columns of a matrix, with all examples side by side: `1`, `36`, `B`, `36B`."""
    return f"{'' if varying and count == 1 else f'{count:,}'}{'B' * varying}"


def numbers(rows: int, varying: bool) -> str:
    return f"{rows:,} × B" if varying else f"{rows:,}"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def groups(flow: Flow) -> str:
    """`10 groups: 4 matrix products, 6 maps`."""
    products, maps, _ = flow.counts()
    kinds = {"matrix product": products, "map": maps}
    words = ", ".join(counted(count, noun) for noun, count in kinds.items() if count)
    return counted(products + maps, "group") + (words and f": {words}")


def shortened(name: str, length: int = 28) -> str:
    name = printable(name)
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length // 2) + 1 :]}"

"""Modules of one path told apart, as two networks in one loss, whose first layers are both "MLP.0".

Gates of the path of one neuron are of one module where they take each other or meet the same parameters. Others, as
those of an activation, are of the module that leads to them. This module knows gates and their paths, not pictures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

from microgradnn.context import module_and_neuron
from microgradnn.drawing.bodies import operands_of
from microgradnn.graph import Vector
from microgradnn.value import Value

WEIGHTED = ("multiply", "dot")  # of these gates a parameter is a weight


def namesakes(gates: Sequence[Value]) -> dict[Value, int]:
    """Of each gate of a module: which of the modules with its path made it, 0 for the first.

    >>> from microgradnn import nn
    >>> [x], [y] = nn.Layer(1, 1, "linear", rng=0)([3.0]), nn.Layer(1, 1, "linear", rng=1)([3.0])
    >>> list(namesakes([x, y]).values())
    [0, 1]
    """
    joined: list[int] = []  # of each piece the piece that it was joined to, itself where to none
    piece_of: dict[Any, int] = {}  # of gates, and of parameters by path
    source_of: list[list[Value]] = []  # of a piece: a gate of another module that leads to it, if there is one
    of_neurons: set[int] = set()

    def end(piece: int) -> int:
        while joined[piece] != piece:
            joined[piece] = piece = joined[joined[piece]]
        return piece

    def new() -> int:
        joined.append(len(joined))
        source_of.append([])
        return joined[-1]

    for gate in gates:
        path: str | None = gate._path
        primitive: Any = gate._primitive
        if path is None:
            continue
        pieces: list[int] = []
        source: list[Value] = []  # as a Value with the number 0 is false
        weights: Iterable[Value | None] = partners(gate) if primitive.name in WEIGHTED else repeat(None)
        for operand, weight in zip(operands_of(gate), weights, strict=False):
            first = operand.members[0] if operand.__class__ is Vector else operand  # stands for its whole row
            if first.__class__ is float:
                continue
            if first._left is None:
                if first._path is not None:
                    if (path, first) not in piece_of:
                        piece_of[path, first] = new()
                        if module_and_neuron(path)[1] is not None:
                            of_neurons.add(piece_of[path, first])
                    pieces.append(end(piece_of[path, first]))
            elif first._path == path and weight is None:
                pieces.append(end(piece_of[first]))
            elif first._path is not None:  # what meets a weight comes from outside, also where the path is the same
                source = [first]
        piece = piece_of[gate] = pieces[0] if pieces else new()
        for other in pieces[1:]:
            if other != piece:
                joined[other] = piece
                source = source or source_of[other]
        source_of[piece] = source_of[piece] or source
    of_neurons = set(map(end, of_neurons))
    count: Counter[str] = Counter()
    number_of: dict[int, int] = {}
    numbers: dict[Value, int] = {}
    for gate in gates:
        path = gate._path
        if path is None:
            continue
        piece = end(piece_of[gate])
        if piece not in number_of:
            if piece in of_neurons:
                number_of[piece] = count[path]
                count[path] += 1
            else:
                number_of[piece] = next((numbers[source] for source in source_of[piece] if source in numbers), 0)
        numbers[gate] = number_of[piece]
    return numbers


def partners(gate: Any) -> Sequence[Any]:
    """Which parameter each operand of a gate meets, None for none: in w·x the weight meets x."""
    operands = operands_of(gate)
    if gate._primitive.name == "dot":
        row = [w.members[0] if w.__class__ is Vector else w for w in operands[: len(operands) // 2]]
        return [*[None] * len(row), *(w if is_parameter(w) else None for w in row), None]
    if len(operands) == 2:
        left, right = operands
        return right if is_parameter(right) else None, left if is_parameter(left) else None
    return [None] * len(operands)


def is_parameter(operand: Any) -> bool:
    """Whether a module has marked this leaf as its own."""
    return isinstance(operand, Value) and operand._left is None and operand._path is not None

"""Grouping: gates that do the same at the same time become one step over arrays.

Two gates are of a group when they are of one level (the longest way from a leaf), one primitive and take operands of
the same kinds. Dot products are sorted differently: those of all weights {w} with all inputs {x} are one product of
matrices. That one rule finds dense layers, convolutions, recurrent layers and a batch that was unrolled in Python.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from microgradnn.compiler.tape import Atom, Tape, distinct
from microgradnn.context import module_and_neuron
from microgradnn.primitive import Primitive, lookup

_DOT = lookup("dot")

# Where the number of an atom is kept: among constants, parameters, results that are the same for every example and
# results that vary with it; inputs are kept by argument, as "x0", "x1" …
CONSTANTS, PARAMETERS, UNIFORM, VARYING_RESULTS = "constants", "params", "uniform", "varying"
_CONSTANT = 0, CONSTANTS  # the level and the place of a constant


@dataclass
class Group:
    """Gates of one primitive: `operands[j][k]` is operand j of the gate that writes register `members[k]`."""

    gate: Primitive
    members: list[int]
    operands: list[tuple[Atom, ...]]
    path: str | None


@dataclass
class Product:
    """A product of matrices: row i of `weights` times column j of `inputs`, plus `biases[i]`, is `members[i][j]`."""

    weights: list[tuple[Atom, ...]]
    biases: list[Atom] | None
    inputs: list[tuple[Atom, ...]]
    members: list[list[int]]
    varying: bool
    path: str | None


def spaces(tape: Tape, params: int, arguments: list[int]) -> list[str]:
    """For every register where it is kept; `arguments` has the count of numbers of each argument."""
    inputs = [f"x{number}" for number, size in enumerate(arguments) for _ in range(size)]
    varying = tape.dependent(params, tape.leaves)[tape.leaves :]
    return [PARAMETERS] * params + inputs + [VARYING_RESULTS if flag else UNIFORM for flag in varying]


def group(tape: Tape, spaces: list[str]) -> list[Group | Product]:
    """The steps of the tape, what is uniform first, each after those that it needs.

    >>> tape = Tape(3)
    >>> tape.roots = [tape.write(lookup("tanh"), (leaf,)) for leaf in range(3)]
    >>> [step] = group(tape, spaces(tape, 0, [3]))
    >>> step.members, step.operands
    ([3, 4, 5], [(0, 1, 2)])
    """
    places: list[Any] = [(0, space) for space in spaces]  # of every register its level, and where it is kept
    groups: dict[Any, list[int]] = defaultdict(list)
    dots: dict[Any, dict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
    alike: dict[Any, tuple[Any, list[int]]] = {}  # by gate and places: the place of the results, and the group
    needed = tape.needed()
    for register, (gate, operands) in enumerate(tape.lines, tape.leaves):
        if not needed[register]:
            continue
        key: tuple[Any, ...] = gate, *[places[x] if x.__class__ is int else _CONSTANT for x in operands]
        found = alike.get(key)
        if found is None or gate is _DOT:
            level, varying = 1 + max(key[1:])[0], spaces[register] is VARYING_RESULTS
            place = level, spaces[register]
            if gate is _DOT:
                half = len(operands) // 2
                without_bias = repr(operands[-1]) == "0.0"
                kind = varying, level, half, operands[-1].__class__, without_bias
                dots[kind][distinct(operands[half:-1])].append(register)
                places[register] = place
                continue
            found = alike[key] = place, groups[varying, level, gate, tuple([space for _, space in key[1:]])]
        places[register] = found[0]
        found[1].append(register)
    steps: list[tuple[bool, int, Group | Product]] = []
    for (varying, level, gate, _), members in groups.items():
        columns = list(zip(*[tape.lines[member - tape.leaves][1] for member in members], strict=True))
        steps.append((varying, level, Group(gate, members, columns, _module(tape, members[0]))))
    for (varying, level, half, _, _), by_inputs in dots.items():
        steps += [(varying, level, product) for product in _products(tape, half, by_inputs, varying)]
    steps.sort(key=lambda step: step[:2])
    return [step for _, _, step in steps]


# Measured: a group takes NumPy about 4 µs, forward and backward, in which Python computes with some 40 operands. That
# leaves a margin, and what takes arrays less than half a millisecond is not worth a second program.
_FEWEST_GROUPS = 100
_OPERANDS_PER_GROUP = 30


def straight_up_to(tape: Tape, groups: int) -> int:
    """Up to how many examples straight-line Python is quicker than arrays: 0 unless there are many narrow groups.

    >>> tape = Tape(1)
    >>> for register in range(100):
    ...     atom = tape.write(lookup("tanh"), (register,))
    >>> straight_up_to(tape, 100), straight_up_to(tape, 2)
    (30, 0)
    """
    count = sum(len(operands) for _, operands in tape.lines)
    return groups * _OPERANDS_PER_GROUP // count if groups >= _FEWEST_GROUPS else 0


def _products(tape: Tape, half: int, by_inputs: dict[Any, list[int]], varying: bool) -> list[Product]:
    """The dot products of one level: inputs that meet the same weights are columns of one matrix."""
    matrices: dict[tuple[Any, ...], list[tuple[tuple[Atom, ...], list[int]]]] = defaultdict(list)
    numbers: dict[Any, int] = {}  # of the rows of weights, each with its bias
    by_number: list[tuple[Atom, ...]] = []
    for members in by_inputs.values():
        rows = {}
        for member in members:
            operands = tape.lines[member - tape.leaves][1]
            row = (*operands[:half], operands[-1])
            number = numbers.setdefault(distinct(row), len(numbers))
            if number == len(by_number):
                by_number.append(row)
            rows[number] = member
        inputs = tape.lines[members[0] - tape.leaves][1][half:-1]
        matrices[tuple(sorted(rows))].append((inputs, [rows[number] for number in sorted(rows)]))
    products = []
    for rows_of, columns in matrices.items():
        weights = [by_number[row] for row in rows_of]
        biases = [row[-1] for row in weights]
        without = all(bias.__class__ is float and bias == 0.0 for bias in biases)
        members_by_row = [list(row) for row in zip(*[members for _, members in columns], strict=True)]
        weights, all_inputs = [row[:-1] for row in weights], [inputs for inputs, _ in columns]
        path = _module(tape, members_by_row[0][0])
        products.append(Product(weights, None if without else biases, all_inputs, members_by_row, varying, path))
    return products


def _module(tape: Tape, register: int) -> str | None:
    """The path of the module that wrote a register, whichever of its neurons it was."""
    path = tape.paths[register - tape.leaves]
    return None if path is None else module_and_neuron(path)[0]

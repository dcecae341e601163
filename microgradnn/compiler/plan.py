"""Plan: where the numbers of an array program lie in memory, and in which order they are written.

A buffer holds what is the same for all examples, another what there is for each; variables get rows of these, and hand
them on when they have been read for the last time. What is put somewhere is written there at once, where that is
possible, and otherwise as soon as it is known: the first to arrive at a row is assigned, later ones are added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from microgradnn.compiler.ir import Array, ArrayProgram, Op, Operand, Place, Var, Window


class Event(NamedTuple):
    """Something to do: an operation as a whole, or operand `piece` of a put; `zero` fills all of a put first."""

    op: Op
    what: Literal["write", "set", "add", "zero"] = "write"
    piece: int = 0


class Rows(NamedTuple):
    """Rows of a buffer, one behind the other, from the first on."""

    buffer: str
    first: int


@dataclass
class Plan:
    """The events, of which the first `forward` lead to the value, and where everything lies."""

    events: list[Event] = field(default_factory=list)
    forward: int = 0
    rows: dict[Var, Rows] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)  # of the buffers
    once: list[Event] = field(default_factory=list)  # constants that are written when the buffers are made
    for_each: set[str] = field(default_factory=set)  # buffers that have a number for each example
    as_given: set[str] = field(default_factory=set)  # inputs that lie as they come, one example after the other


def plan(program: ArrayProgram, values: int) -> Plan:
    """A plan of a program in calls, whose first `values` results are computed first, alone if nobody wants the rest."""
    planner = _Planner(program, values)
    planner.schedule()
    planner.allocate()
    return planner.plan


class _Planner:
    def __init__(self, program: ArrayProgram, values: int) -> None:
        self.program, self.plan = program, Plan()
        self.outs = dict.fromkeys(out.var for out in program.outs if isinstance(out, Window))
        self.numbers = {op.out: number for number, op in enumerate(program.ops)}
        first = [self.numbers.get(out.var, -1) for out in program.outs[:values] if isinstance(out, Window)]
        self.backward = 1 + max(first, default=-1)  # the number of the first operation that is not for the value
        self.readers: dict[Var, list[Op]] = defaultdict(list)
        for op in program.ops:
            for var in op.read:
                self.readers[var].append(op)
        self.lasting = set[Var]()  # what is known when the buffers are made, beside constants
        self.homes: dict[Var, tuple[Var, int]] = {}  # the put in whose rows a variable is written, and from which on

    # ---- what is done when ----

    def schedule(self) -> None:
        """Write down the events, the pieces of puts when what they hold is known."""
        before: dict[int, list[Event]] = defaultdict(list)
        after: dict[int, list[Event]] = defaultdict(list)
        for op in self.program.ops:
            if op.kind == "count" or (op.kind == "call" and all(map(self.is_lasting, op.read))):
                self.lasting.add(op.out)
                self.plan.once += [Event(op)] * (op.kind != "count")
        for number, op in enumerate(self.program.ops):
            if op.kind == "put":
                self.pieces(op, number, before, after)
        for number, op in enumerate(self.program.ops):
            if number == self.backward:
                self.plan.forward = len(self.plan.events)
            self.plan.events += before[number]
            if op.kind != "put" and op.out not in self.lasting:
                self.plan.events.append(Event(op))
            self.plan.events += after[number]
        if self.backward >= len(self.program.ops):
            self.plan.forward = len(self.plan.events)

    def is_lasting(self, var: Var) -> bool:
        """Whether a variable is the same in every call."""
        return var.value is not None or var in self.lasting

    def pieces(self, op: Op, number: int, before: dict[int, list[Event]], after: dict[int, list[Event]]) -> None:
        """Schedule the pieces of a put."""
        _, places = op.detail
        begin = self.backward if number >= self.backward else 0
        times = [max(self.numbers.get(x.var, number), begin) if isinstance(x, Window) else number for x in op.operands]
        written, missing = np.zeros(op.out.size, dtype=bool), False
        added = np.zeros(op.out.size, dtype=bool)
        pieces = list[Event]()
        for index in sorted(range(len(times)), key=times.__getitem__):
            rows = rows_of(places[index])
            distinct = len(np.unique(rows)) == rows.size
            fresh = distinct and not written[rows].any()
            if not fresh:
                missing = missing or not (distinct and written[rows].all())
                added[rows] = True
            written[rows] = True
            pieces.append(Event(op, "set" if fresh else "add", index))
        lasting = [not isinstance(x, Window) or self.is_lasting(x.var) for x in op.operands]
        constant = [event for event in pieces if event.what == "set" and lasting[event.piece]]
        once = [event for event in constant if not added[rows_of(places[event.piece])].any()]
        if not written.all() and not missing:
            once.append(Event(op, "zero"))
        if once and not missing:
            self.plan.once += sorted(once, key=lambda event: event.what != "zero")
            pieces = [event for event in pieces if event not in once]
        if missing:
            before[min(times)].append(Event(op, "zero"))
        for event in pieces:
            if not (event.what == "set" and self.at_home(op, event.piece, added, missing)):
                after[times[event.piece]].append(event)

    def at_home(self, op: Op, piece: int, added: Array, wiped: bool) -> bool:
        """Let an operand of a put be written in its place from the start, where nobody sees that."""
        operand, place = op.operands[piece], op.detail[1][piece]
        if not (isinstance(operand, Window) and operand.is_whole and isinstance(place, Place) and place.is_contiguous):
            return False
        var = operand.var
        computed = var in self.numbers and self.program.ops[self.numbers[var]].kind != "put" and var not in self.lasting
        alone = self.readers[var] == [op] and var not in self.outs
        untouched = not added[place.offset : place.offset + place.size].any()
        given = var in self.program.inputs and not wiped  # inputs come before all is 0
        if not (computed or given) or not (alone or untouched):
            return False  # what is written when the buffers are made, in part or in whole, must stay
        if var in self.homes or var.each != op.out.each:
            return False
        if self.numbers.get(var, 0) < self.backward <= self.numbers[op.out]:
            return False  # what the forward pass writes is kept apart
        self.homes[var] = op.out, place.offset
        return True

    # ---- where ----

    def top(self, var: Var) -> tuple[Var, int]:
        """The variable in whose rows another lies in the end, and from which row on."""
        first = 0
        while var in self.homes:
            var, offset = self.homes[var]
            first += offset
        return var, first

    def allocate(self) -> None:
        """Give every variable its rows; those that were read for the last time are given again.

        The letter of a buffer says what it holds: "e" a number for each example, "u" one for all, "te" and "tu" truths.
        """
        plan, program = self.plan, self.program
        kept: dict[Var, Rows] = {}  # of what holds others
        last: dict[Var, int] = {}
        for number, event in enumerate(plan.events):
            for var in (event.op.out, *_read(event)):
                last[self.top(var)[0]] = number
        never_given_again = {self.top(var)[0] for var in (*self.outs, *(event.op.out for event in plan.once))}
        kept |= {op.out: Rows("count", 0) for op in program.ops if op.kind == "count"}
        kept[program.params] = Rows("p", 0)
        plan.sizes["p"] = program.params.size
        for var in program.inputs:
            holder, _ = self.top(var)
            if holder not in kept:
                kept[holder] = Rows(var.name, 0)
                plan.sizes[var.name] = holder.size
                plan.for_each |= {var.name} if var.each else set()
                if var.each and self.read_as_columns(var, holder):
                    plan.as_given.add(var.name)
        never_given_again |= kept.keys()
        free: dict[tuple[str, int], list[Rows]] = defaultdict(list)

        def allocated(holder: Var) -> None:
            if holder not in kept and holder.value is None:
                buffer = "t" * holder.truth + ("e" if holder.each else "u")
                plan.for_each |= {buffer} if holder.each else set()
                waiting = free[buffer, holder.size]
                if waiting:
                    kept[holder] = waiting.pop()
                else:
                    kept[holder] = Rows(buffer, plan.sizes.get(buffer, 0))
                    plan.sizes[buffer] = kept[holder].first + holder.size

        def release(holders: Iterable[Var], number: int) -> None:
            for holder in dict.fromkeys(holders):  # in an order that is the same in every process
                if last.get(holder) == number and holder not in never_given_again and holder in kept:
                    last[holder] = -1
                    free[kept[holder].buffer, holder.size].append(kept[holder])

        for event in plan.once:
            allocated(self.top(event.op.out)[0])
        for number, event in enumerate(plan.events):
            if event.what == "write" and event.op.kind == "call":  # which may write over what it reads
                read = [x.var for x in event.op.operands if isinstance(x, Window) and x.is_whole]
                release([var for var in read if var.size == event.op.out.size and var not in self.homes], number)
            allocated(self.top(event.op.out)[0])
            release([self.top(var)[0] for var in (event.op.out, *_read(event))], number)
        for out in self.outs:  # such as puts of constants alone
            allocated(self.top(out)[0])
        for var in (program.params, *program.inputs, *(op.out for op in program.ops)):
            holder, first = self.top(var)
            plan.rows[var] = Rows(kept[holder].buffer, kept[holder].first + first)

    def read_as_columns(self, var: Var, holder: Var) -> bool:
        """Whether an input is only read as columns of matrices, one for each example."""
        readers = [op for own in {var, holder} for op in self.readers[own] if op.out is not holder]
        windows = [x for op in readers for x in op.operands if isinstance(x, Window) and x.var in (var, holder)]
        alone = all(self.top(other)[0] is not holder for other in self.homes if other is not var)
        return (
            alone
            and self.outs.keys().isdisjoint((var, holder))
            and {op.kind for op in readers} == {"einsum"}
            and all(x.place.is_contiguous and len(x.shape) == 2 and x.shape[1] == 1 for x in windows)
        )


def _read(event: Event) -> list[Var]:
    """The variables that an event reads."""
    if event.what == "zero":
        return []
    operands: tuple[Operand, ...] = event.op.operands
    if event.what != "write":
        operands = operands[event.piece : event.piece + 1]
    return [x.var for x in operands if isinstance(x, Window) and x.var.value is None]


def rows_of(place: Place | Array) -> Array:
    """The rows of a place, in a line."""
    return (place.rows() if isinstance(place, Place) else place).ravel()

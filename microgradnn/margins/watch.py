"""One run of a function, watched: what its lines bind, the gates that they make, their local derivatives.

It knows frames and gates; what stands on the lines is known to `source`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from microgradnn.context import noting
from microgradnn.margins.lookup import parts
from microgradnn.margins.source import Function, Source
from microgradnn.value import Value

LARGE = 2**1000  # an int above is no number to be written
MANY = 100  # of a longer list a few numbers are kept
_GOES_ON = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass
class Binding:
    """A name that a run of a line bound: its numbers as they were then, and which of them were Values.

    A list has a `size`. `local` has the derivatives of a Value that was made on the line, by those that were there
    before; those without a name are counted in `unnamed`. None where it was not made there.
    """

    line: int
    name: str
    numbers: list[float]
    values: list[Value]
    size: int | None
    local: dict[str, float] | None = None
    unnamed: int = 0


def numbers_in(thing: Any) -> list[Any] | None:
    """The numbers and Values in nested lists, tuples and dicts; None where anything else is in them.

    >>> numbers_in([1, {"a": 2.0}]), numbers_in([]), numbers_in("1"), numbers_in([True])
    ([1, 2.0], [], None, None)
    """
    inner = [x for _, x in parts("", thing)]
    return inner if all(isinstance(x, Value) or _is_number(x) for x in inner) else None


def sampled(numbers: Sequence[Any]) -> list[Any]:
    """Twelve of many numbers, the first and the last among them."""
    return [numbers[(len(numbers) - 1) * n // 11] for n in range(12)]


def _is_number(x: Any) -> bool:
    return isinstance(x, float) or (isinstance(x, int) and not isinstance(x, bool) and abs(x) < LARGE)


@dataclass
class _Run:
    """A statement at work: where it begins, the Values of which it speaks, the gates that it made.

    Of the list of all gates those from `since` on are its own; None while it is suspended.
    """

    function: Function
    start: int
    names: dict[Value, str]
    since: int | None
    gates: list[Value] = field(default_factory=list)

    def collect(self, made: list[Value]) -> list[Value]:
        """The gates of this run so far; those that are made from now on are not its own."""
        if self.since is not None:
            self.gates += made[self.since :]
        self.since = None
        return self.gates


class Watch:
    """A trace function; `bindings`, `ran`, `gates_on` and `functions` are what it noted."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.made: list[Value] = []
        self.bindings: list[Binding] = []
        self.ran: set[int] = set()  # the lines on which statements begin
        self.gates_on: dict[int, dict[Value, None]] = {}  # made while a line ran, also by functions that it called
        self.functions: dict[Function, None] = {}  # in the order of their first call
        self._running: dict[FrameType, _Run] = {}
        self._returning: dict[FrameType, _Run] = {}  # left for the end of a `with`, or for a `finally`
        self._suspended: set[FrameType] = set()

    def run(self, call: Callable[[], Any]) -> Any:
        """What `call` returns; a trace function that was there, as a debugger's, is there again afterwards."""
        before = sys.gettrace()
        with noting(self.made):
            sys.settrace(self)
            try:
                return call()
            finally:
                sys.settrace(before)

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        """What happens in a frame, as `sys.settrace` tells it."""
        function = self.source.function(frame.f_code)
        if function is None:
            return None
        if event == "call":
            self._call(frame, function)
        elif event == "line":
            self._line(frame, function)
        elif event == "exception":
            self._exception(frame, function, arg[0])
        elif event == "return":
            self._return(frame, function, arg)
        return self

    def _call(self, frame: FrameType, function: Function) -> None:
        if frame in self._suspended:  # a generator that goes on
            if run := self._running.get(frame):
                run.since = len(self.made)
            return
        self.functions.setdefault(function)
        for name, argument in function.arguments(frame):
            self._note(function.first, name, argument)

    def _line(self, frame: FrameType, function: Function) -> None:
        start, run = function.start_of(frame.f_lineno), self._running.get(frame)
        if run is not None:
            if run.start == start and not function.repeats(start):  # another line of the same statement
                return
            if left := function.returns(run.start):
                self._returning[frame] = run
            bound = [] if function.is_over(run.start, start) else function.bound(run.start, frame)
            self._finish(frame, bound, ends=not left)
        self.ran.add(start)
        self._running[frame] = _Run(function, start, function.operands(start, frame), len(self.made))

    def _exception(self, frame: FrameType, function: Function, kind: type[BaseException]) -> None:
        """What was at work binds nothing; but this is how `await` and `yield from` hear of a result."""
        run = self._running.get(frame)
        if run is not None and not (issubclass(kind, StopIteration) and function.yields(run.start)):
            del self._running[frame]

    def _return(self, frame: FrameType, function: Function, result: Any) -> None:
        goes_on, run = bool(frame.f_code.co_flags & _GOES_ON), self._running.get(frame)
        if goes_on:
            self._suspended.add(frame)
        if run is None:
            return
        if goes_on and function.yields(run.start) and not function.returns(run.start):
            run.collect(self.made)
            self._note_with_derivatives(run, "yield", result)
            return
        left = self._returning.pop(frame, None)
        bound = [] if function.is_over(run.start, None) else function.bound(run.start, frame)
        if result is None:
            self._finish(frame, bound)
        elif left is None or function.returns(run.start):
            self._finish(frame, [*bound, ("return", result)])
        else:
            self._finish(frame, bound)
            self._note_with_derivatives(left, "return", result)

    def _finish(self, frame: FrameType, bound: Sequence[tuple[str, Any]], ends: bool = True) -> None:
        """The statement at work in this frame is done; where it bound nothing, its `ends` are noted."""
        run = self._running.pop(frame)
        gates = run.collect(self.made)
        self.gates_on.setdefault(run.start, {}).update(dict.fromkeys(gates))
        if ends and not bound and not run.function.yields(run.start):
            bound = [(run.function.words(run.start), end) for end in _ends(gates)]
        for name, thing in bound:
            self._note_with_derivatives(run, name, thing)

    def _note_with_derivatives(self, run: _Run, name: str, thing: Any) -> None:
        binding = self._note(run.start, name, thing)
        if binding is None or not isinstance(thing, Value) or thing not in set(run.gates):
            return
        derivatives = local_derivatives(thing, run.gates)
        binding.local = {}
        for value, known in [*run.names.items(), *((x, x.name) for x in derivatives if x not in run.names)]:
            if known and value in derivatives:
                binding.local.setdefault(known, derivatives[value])
        binding.unnamed = len(derivatives) - len(binding.local)

    def _note(self, line: int, name: str, thing: Any) -> Binding | None:
        numbers = numbers_in(thing)
        if not numbers:
            return None
        size = len(numbers) if isinstance(thing, (list, tuple, dict)) else None
        if len(numbers) > MANY:
            numbers = sampled(numbers)
        values = [x for x in numbers if isinstance(x, Value)]
        binding = Binding(line, name, [x.data if isinstance(x, Value) else x for x in numbers], values, size)
        self.bindings.append(binding)
        return binding


def _ends(gates: Sequence[Value]) -> Iterable[Value]:
    """The gates that no other one takes: what a line that binds nothing is about, as `parts.append(x * y)`."""
    taken = {operand for gate in gates for operand in gate.operands if isinstance(operand, Value)}
    return [gate for gate in gates if gate not in taken]


def local_derivatives(value: Value, gates: Sequence[Value]) -> dict[Value, float]:
    """The derivatives of `value` by what was there before `gates`, which are in the order in which they were made.

    >>> x = Value(3.0, "x")
    >>> u = x * x
    >>> f = u + x
    >>> local_derivatives(f, [f])[x], local_derivatives(f, [u, f])[x], local_derivatives(g := (-u).relu(), [g])
    (1.0, 7.0, {Value(data=-9.0, grad=0.0): 0.0})
    """
    adjoints, reached = {value: 1.0}, {value}
    for gate in reversed(gates):
        if gate not in reached:
            continue
        adjoint = adjoints.pop(gate, None)
        for operand, partial in zip(gate.operands, gate.handed, strict=True):
            if isinstance(operand, Value):
                reached.add(operand)
                if partial is not None and adjoint is not None:
                    adjoints[operand] = adjoints.get(operand, 0.0) + partial * adjoint
    return {x: adjoints.get(x, 0.0) for x in reached.difference(gates)}  # 0 where nothing is handed on

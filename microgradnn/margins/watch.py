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
from microgradnn.margins.source import Function, Source
from microgradnn.value import Value

_GOES_ON = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass
class Binding:
    """A name that a run of a line bound, and its numbers: Values, ints and floats, of a list `size` of them.

    `local` has the derivatives of a Value that was made on the line, by those that were there before; those without a
    name are counted in `unnamed`.
    """

    line: int
    name: str
    numbers: list[Any]
    size: int | None
    local: dict[str, float] = field(default_factory=dict)
    unnamed: int = 0


def numbers_in(thing: Any) -> list[Any] | None:
    """The numbers and Values in nested lists, tuples and dicts; None where anything else is in them.

    >>> numbers_in([1, {"a": 2.0}]), numbers_in([]), numbers_in("1"), numbers_in([True])
    ([1, 2.0], [], None, None)
    """
    if isinstance(thing, (list, tuple, dict)):
        inner = [numbers_in(x) for x in (thing.values() if isinstance(thing, dict) else thing)]
        return None if None in inner else [x for numbers in inner for x in numbers or ()]
    return [thing] if isinstance(thing, (Value, int, float)) and not isinstance(thing, bool) else None


@dataclass
class _Run:
    """A statement at work: where it begins, the Values of which it speaks, how many gates there were before it."""

    function: Function
    start: int
    names: dict[Value, str]
    made: int


class Watch:
    """A trace function; `bindings`, `ran`, `gates_of` and `functions` are what it noted."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.made: list[Value] = []
        self.bindings: list[Binding] = []
        self.ran: set[int] = set()  # the lines on which statements begin
        self.gates_of: dict[int, dict[Value, None]] = {}  # made while a line ran, also by functions that it called
        self.functions: dict[Function, None] = {}  # in the order of their first call
        self._running: dict[FrameType, _Run] = {}
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
        if event == "call" and frame not in self._suspended:
            self.functions.setdefault(function)
            for name, argument in function.arguments(frame):
                self._note(function.first, name, argument)
        elif event == "line":
            self._line(frame, function)
        elif event == "exception":
            self._running.pop(frame, None)  # what was at work bound nothing
        elif event == "return":
            self._return(frame, function, arg)
        return self

    def _line(self, frame: FrameType, function: Function) -> None:
        start, run = function.start_of(frame.f_lineno), self._running.get(frame)
        if run is not None:
            if run.start == start and not function.repeats(start):  # another line of the same statement
                return
            self._finish(frame, [] if function.leaves(run.start, start) else function.bound(run.start, frame))
        self.ran.add(start)
        self._running[frame] = _Run(function, start, function.mentioned(start, frame), len(self.made))

    def _return(self, frame: FrameType, function: Function, result: Any) -> None:
        run = self._running.get(frame)
        if frame.f_code.co_flags & _GOES_ON:
            self._suspended.add(frame)
        if run is None:
            return
        if result is not None:
            self._finish(frame, [("yield" if function.yields(run.start) else "return", result)])
        else:
            self._finish(frame, [] if function.leaves(run.start, None) else function.bound(run.start, frame))

    def _finish(self, frame: FrameType, bound: Sequence[tuple[str, Any]]) -> None:
        """The statement at work in this frame is done."""
        run = self._running.pop(frame)
        gates = self.made[run.made :]
        self.gates_of.setdefault(run.start, {}).update(dict.fromkeys(gates))
        own = set(gates)
        for name, thing in bound or [(run.function.words(run.start), end) for end in _ends(gates)]:
            binding = self._note(run.start, name, thing)
            if binding is not None and isinstance(thing, Value) and thing in own:
                derivatives = local_derivatives(thing, gates)
                names = run.names | {x: x.name for x in derivatives if x.name and x not in run.names}
                binding.local = {name: derivatives[x] for x, name in names.items() if x in derivatives}
                binding.unnamed = len(derivatives) - len(binding.local)

    def _note(self, line: int, name: str, thing: Any) -> Binding | None:
        numbers = numbers_in(thing)
        if not numbers:
            return None
        binding = Binding(line, name, numbers, len(numbers) if isinstance(thing, (list, tuple, dict)) else None)
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
    >>> local_derivatives(f, [f])[x], local_derivatives(f, [u, f])[x]
    (1.0, 7.0)
    """
    adjoints = {value: 1.0}
    for gate in reversed(gates):
        adjoint = adjoints.pop(gate, None)
        if adjoint is None:
            continue
        for operand, partial in zip(gate.operands, gate.handed, strict=True):
            if partial is not None and isinstance(operand, Value):
                adjoints[operand] = adjoints.get(operand, 0.0) + partial * adjoint
    return adjoints

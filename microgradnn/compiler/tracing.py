"""Tracing: a Python function of numbers becomes a tape, by calling it once on Values that hold no number.

The function must take the same way for every example, so whatever asks for a number while it is traced is refused.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from microgradnn.compiler.tape import Place, Tape
from microgradnn.modes import Mode, called_by_user, source_line, traced_on
from microgradnn.primitives import NOTHING, Primitive
from microgradnn.reading import number
from microgradnn.value import Value


class Traced(Value):
    """A Value without a number: the place on the tape where its number will be."""

    __slots__ = ("place",)
    place: Place

    def __hash__(self) -> int:
        if called_by_user():  # a set or a dict of numbers would not find it
            self._read()
        return object.__hash__(self)

    __eq__ = Value.__eq__

    @property
    def handed(self) -> tuple[float | None, ...]:
        """Nan for each operand that is no constant: what is handed on is known when there are numbers."""
        return tuple(None if operand.__class__ is float else math.nan for operand in self.operands)

    def __repr__(self) -> str:
        return f"Traced({self._primitive.name if self._primitive else 'input'})"


def _traced(place: Place, gate: Primitive | None, operands: tuple[Any, ...]) -> Traced:
    node = Traced.__new__(Traced)
    node.place = place
    node._data = math.nan
    node._primitive = gate
    node._grad = node._name = node._path = None
    node._left = node._right = node._left_partial = node._right_partial = None
    if len(operands) > 2:  # the operands are kept, so that derivatives can be taken inside the function
        node._left = operands
    elif operands:
        node._left, node._right = operands if len(operands) == 2 else (operands[0], None)
    return node


class Tracer:
    """Writes the gates that a function makes on a tape whose first leaves are `params`, then the inputs."""

    def __init__(self, params: Sequence[Value], inputs: int) -> None:
        self.tape = Tape(len(params) + inputs)
        self.inputs = [_traced(len(params) + place, None, ()) for place in range(inputs)]
        self.constants: set[Value] = set()  # made inside the function
        self.refused: TypeError | None = None
        self._params = {param: place for place, param in enumerate(params)}

    def place(self, operand: Any) -> Place:
        """Where the number of a Value stands; a number, and a Value made of one inside the function, is a constant."""
        if operand.__class__ is Traced:
            return operand.place
        if operand.__class__ is float:
            return operand
        place = self._params.get(operand)
        if place is not None:
            return place
        if operand in self.constants:
            return operand._data  # type: ignore[no-any-return]  # a float
        kind = "a Value" if operand._primitive is None else f"the result of a gate, {operand._primitive.name},"
        named = f" {operand._name!r}" if operand._name else ""
        raise ValueError(
            f"{source_line()} uses {kind}{named} of {operand._data!r} from outside the function: list it in params if "
            "it is to be learned, compute it inside, or use its .data for a constant"
        )

    def record(self, gate: Primitive, operands: tuple[Any, ...], mode: Mode) -> Traced:
        """Write a gate; what a Value calls while the tracer's mode is on."""
        if not mode.record:
            raise TypeError(
                f"{source_line()}: no_grad() has no meaning in a function that compile records: leave it out"
            )
        place = self.place
        places = [x.place if x.__class__ is Traced else place(x) for x in operands]
        found = self.tape.write(gate, tuple(places), mode.path)
        return _traced(found, gate, operands)

    def record_choice(self, gate: Primitive, operands: Sequence[Any], mode: Mode) -> Traced:
        """Write a gate of a partial among whose operands is NOTHING, which the tape keeps apart from the number 0."""
        node = self.record(gate, tuple([0.0 if x is NOTHING else x for x in operands]), mode)
        places = tuple([x if x is NOTHING else self.place(x) for x in operands])
        node.place = self.tape.write(gate, places, mode.path)
        return node

    def refusal(self) -> TypeError:
        """The error for code that asks for a number; `trace` raises it even where the function goes on without."""
        self.refused = TypeError(
            f"{source_line()} asks for the number of a Value while compile records the function: the program would be "
            "right for this example alone. Choose with where(c, a, b), maximum, minimum, relu, sign or step in place "
            "of if, max() and comparisons; compute with the functions of microgradnn in place of math, int() and .data"
        )
        return self.refused


@contextmanager
def collector_paused() -> Iterator[None]:
    """Python's cyclic collector walks all nodes again and again while they are made; nothing here is cyclic."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def trace(f: Callable[..., Any], params: Sequence[Value], example: Sequence[Any]) -> tuple[Tape, Any]:
    """The tape of `f`, called on arguments like those of `example`, and what it returns with places for numbers.

    >>> w = Value(2.0)
    >>> tape, place = trace(lambda x: w * x + 1, [w], [5.0])
    >>> tape.lines, place
    ([(<primitive multiply>, (0, 1)), (<primitive add>, (2, 1.0))], 3)
    """
    tracer = Tracer(params, sum(len(numbers(argument)) for argument in example))
    inputs = iter(tracer.inputs)
    with collector_paused(), traced_on(tracer):
        result = f(*[arranged(argument, inputs) for argument in example])
        if tracer.refused is not None:
            raise tracer.refused
        return tracer.tape, _places(result, tracer)


def numbers(argument: Any) -> list[Any]:
    """The numbers of an argument, which is a number, a nested list or an array."""
    if hasattr(argument, "__array__") and getattr(argument, "ndim", 1) > 0:
        argument = argument.tolist() if hasattr(argument, "tolist") else list(argument)
    if isinstance(argument, (list, tuple)):
        return [number for one in argument for number in numbers(one)]
    return [argument]


def arranged(argument: Any, inputs: Iterator[Any]) -> Any:
    """`argument` with the next of `inputs` in place of each number: lists stay lists, arrays arrays of objects."""
    if isinstance(argument, (list, tuple)):
        return [arranged(one, inputs) for one in argument]
    if hasattr(argument, "__array__") and getattr(argument, "ndim", 1) > 0:
        import numpy as np

        found = np.empty(np.shape(argument), dtype=object)
        for place in np.ndindex(found.shape):
            found[place] = next(inputs)
        return found
    return next(inputs)


def _places(result: Any, tracer: Tracer) -> Any:
    """What a function returned, with places for its numbers; TypeError for anything else."""
    if hasattr(result, "__array__") and not isinstance(result, Value):
        result = result.tolist()
    if isinstance(result, (list, tuple)):
        found = [_places(one, tracer) for one in result]
        return tuple(found) if isinstance(result, tuple) else found
    if isinstance(result, Value):
        return tracer.place(result)
    try:
        return number(result)
    except TypeError:
        raise TypeError(
            f"a function to compile returns a number or a list of numbers, got {type(result).__name__} {result!r:.60}"
        ) from None

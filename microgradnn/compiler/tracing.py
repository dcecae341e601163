"""Tracing: a Python function of numbers becomes a tape, by calling it on Values that hold no number.

The function must take the same way for every example, so whatever asks for a number while it is traced is refused. It
must take the same way whenever it is called, so it is called twice, and refused where the second call gives another
tape: a random number, a counter or a clock would be frozen in the program. Two calls may agree by chance where a random
number decides, so it is refused as well where the second call drew from Python's or NumPy's global generator.
"""

from __future__ import annotations

import math
import pickle
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from microgradnn.compiler.arguments import arranged, like
from microgradnn.compiler.refusals import asked_for_a_number, defined_at, parted, raised_at
from microgradnn.compiler.sources import OURS
from microgradnn.compiler.tape import RULED, Atom, Tape, distinct
from microgradnn.context import Context, called_by_user, context, source_line, traced_by
from microgradnn.native import core
from microgradnn.primitive import NOTHING, Line, Primitive, lookup
from microgradnn.reading import number, remedy
from microgradnn.table import OPERATORS
from microgradnn.value import Value


class Traced(Value):
    """A Value without a number: the atom of the tape that stands for its number."""

    __slots__ = ("atom", "tracer")
    atom: Atom
    tracer: Tracer

    @property
    def _data(self) -> NoReturn:  # type: ignore[override]  # there is none
        raise AttributeError(
            f"{self!r} holds no number: compile recorded it in place of one, and here it is used outside of that "
            "function or in another thread. Keep the .data of a Value that is computed outside of compile, or let the "
            "function return it"
        )

    def __hash__(self) -> int:
        if called_by_user():  # a set or a dict of numbers would not find it
            self._read()
        return object.__hash__(self)

    __eq__ = Value.__eq__

    def backward(self, seed: float = 1.0) -> None:
        self._read()  # refused: there are no numbers to sweep with, in C neither

    @property
    def handed(self) -> tuple[float | None, ...]:
        """Nan, which is not known yet, for each operand that is no constant: here are no numbers."""
        return tuple(None if operand.__class__ is float else math.nan for operand in self.operands)

    def __repr__(self) -> str:
        return f"Traced({self._primitive.name if self._primitive else 'input'})"


def _traced(tracer: Tracer, atom: Atom, gate: Primitive | None, operands: Sequence[Any]) -> Traced:
    node = Traced.__new__(Traced)
    node.tracer = tracer
    node.atom = atom
    node._primitive = gate
    node._grad = node._name = node._path = None
    node._left = node._right = node._left_partial = node._right_partial = None
    if len(operands) > 2:  # the operands are kept, so that derivatives can be taken inside the function
        node._left = tuple(operands)
    elif operands:
        node._left, node._right = operands if len(operands) == 2 else (operands[0], None)
    return node


def _operator(gate: Primitive, swapped: bool) -> Callable[[Traced, Any], Any]:
    """The operator of a gate of two operands, with a short way to the tape."""

    def operator(x: Traced, y: Any) -> Any:
        if y.__class__ is int:
            y = float(y)
        operands, here = (y, x) if swapped else (x, y), context.get()
        if here.__class__ is Context and here.tracer is not None and (y.__class__ is float or isinstance(y, Value)):
            return here.tracer.record(gate, operands, here)
        return gate(*operands)

    return operator


for _name, _method in OPERATORS.items():
    if core or lookup(_name).arity == 1:
        continue
    setattr(Traced, f"__{_method}__", _operator(lookup(_name), swapped=False))
    setattr(Traced, f"__r{_method}__", _operator(lookup(_name), swapped=True))


class Tracer:
    """Writes the gates of one call of a function on a tape whose first leaves are `params`, then the inputs.

    `met` are its gates as they were called, in that order, and `atoms` those that hold their results. After the
    `first` call these must be the same: then both calls compute the same function.
    """

    def __init__(self, tape: Tape, params: Sequence[Value], first: Tracer | None = None) -> None:
        self.tape, self.first = tape, first
        self.constants: set[Value] = set()  # made inside the function
        self.met, self.atoms = list[Line](), list[Atom]()
        self.refused: TypeError | None = None
        self._params = {param: register for register, param in enumerate(params)}

    def call(self, f: Callable[..., Any], example: Sequence[Any]) -> Any:
        """What f returns for arguments like those of `example`, with atoms for numbers."""
        inputs = iter([_traced(self, leaf, None, ()) for leaf in range(len(self._params), self.tape.leaves)])
        with traced_by(self):
            try:
                if core:
                    core.trace_with(self._pen())
                result = f(*[arranged(argument, inputs) for argument in example])
            except Exception as error:
                if self.refused is None or error is self.refused:
                    raise
                raise self.refused from None  # which a library caught, to raise its own
            finally:
                if core:
                    core.trace_with(None)
            if self.refused is not None:
                raise self.refused
            return _atoms(result, self)

    def call_again(self, f: Callable[..., Any], example: Sequence[Any], result: Any) -> None:
        """Call f once more; TypeError unless it does what it did before, when it returned `result`."""
        assert self.first is not None
        before = _global_generators()
        try:
            again = self.call(f, example)
        except Exception as error:
            if error is self.refused:
                raise
            raise parted(raised_at(error, f), f"raises {type(error).__name__}: {error}") from error
        for missing in self.first.atoms[len(self.atoms) :]:
            raise parted(self._written_at(missing, f), f"ends before {self._described(missing)} is computed")
        if repr(again) != repr(result):  # which tells −0.0 from 0.0, and finds nan equal to nan
            raise parted(defined_at(f), "returns other numbers, or numbers nested otherwise")
        if _global_generators() != before:
            raise parted(defined_at(f), "draws random numbers, though both happened to compute the same")

    def atom(self, operand: Any) -> Atom:
        """The register of a Value; a number, and a Value made of one inside the function, is a constant."""
        if operand.__class__ is Traced:
            if operand.tracer is self:
                return operand.atom
            raise self.refuse(
                TypeError(
                    f"{source_line()}: uses {operand!r}, which an earlier call left behind: a program keeps nothing "
                    "from call to call. Compute it in the function, or give its number as an argument"
                )
            )
        if operand.__class__ is float or operand is NOTHING:
            return operand
        if operand in self._params:
            return self._params[operand]
        if operand in self.constants:
            return operand._data  # type: ignore[no-any-return]  # a float
        kind = "a Value" if operand._primitive is None else f"the result of a gate, {operand._primitive.name},"
        named = f" {operand._name!r}" if operand._name else ""
        raise ValueError(
            f"{source_line()} uses {kind}{named} of {operand._data!r} from outside the function: list it in params if "
            "it is to be learned, compute it inside, or use its .data for a constant"
        )

    def record(self, gate: Primitive, operands: Sequence[Any], here: Context) -> Traced:
        """Write a gate; what a Value calls while the tracer is at work."""
        if not here.record:
            raise TypeError(
                f"{source_line()}: no_grad() has no meaning in a function that compile records: leave it out"
            )
        tape, params, atom, lines = self.tape, self._params, self.atom, len(self.tape.lines)
        atoms = [  # as `atom` says, without a call where there is no need of one
            x if x.__class__ is float or x is NOTHING else x.atom if x.__class__ is Traced and x.tracer is self
            else params[x] if x in params else atom(x)
            for x in operands
        ]  # fmt: skip
        out = tape.write(gate, tuple(atoms), here.path)
        if self.first is None:
            self.met.append((gate, tuple(atoms)))
            if len(tape.lines) > lines:
                tape.sources.note(sys._getframe(2))
        else:
            before, place = self.first.atoms, len(self.atoms)
            expected = before[place] if place < len(before) else None
            if out is not expected and repr(out) != repr(expected):
                first = "had ended" if expected is None else f"computed {self._described(expected)}"
                what = f"computes {self._line(gate, atoms)} where the first {first}"
                raise self.refuse(parted(source_line(), what))
        self.atoms.append(out)
        return _traced(self, out, gate, operands)

    def _pen(self) -> tuple[Any, ...]:
        """What C needs to write down what is plain as `record` does."""
        tape, sources, first = self.tape, self.tape.sources, self.first
        return (
            self, Traced, self._params, tape.leaves, tape.write, tape.lines, tape.paths, tape._written, self.met,
            self.atoms, first and first.met, first and first.atoms, sources.note, sources._known, sources._numbers,
            OURS, RULED, distinct,
        )  # fmt: skip

    def refuse(self, error: TypeError) -> TypeError:
        """The error to raise: the first one. `call` raises it even where the function goes on without."""
        self.refused = self.refused or error
        return self.refused

    def record_choice(self, gate: Primitive, operands: Sequence[Any], here: Context) -> Traced:
        """Write a gate of a derivative inside f that reads NOTHING, a constant 0 along which nothing is handed on.

        The tape keeps it apart from a 0 that comes out of numbers; the node holds it as 0.0.
        """
        return _traced(
            self, self.record(gate, operands, here).atom, gate, [0.0 if x is NOTHING else x for x in operands]
        )

    def refusal(self) -> TypeError:
        """The error for code that asks for a number."""
        return self.refuse(asked_for_a_number())

    # ---- messages ----

    def _described(self, atom: Atom) -> str:
        """An atom in words: a constant, a leaf, or a gate of its operands."""
        if isinstance(atom, int) and atom >= self.tape.leaves:
            return self._line(*self.tape.lines[atom - self.tape.leaves])
        return self._named(atom)

    def _line(self, gate: Primitive, atoms: Sequence[Atom]) -> str:
        more = ["…"] if len(atoms) > 6 else []
        return f"{gate.name}({', '.join([*map(self._named, atoms[:6]), *more])})"

    def _named(self, atom: Atom) -> str:
        if not isinstance(atom, int):
            return repr(atom)
        if atom >= self.tape.leaves:
            return f"{self.tape.lines[atom - self.tape.leaves][0].name}(…)"
        if atom >= len(self._params):
            return f"inputs[{atom - len(self._params)}]"
        return next(param._name or f"params[{own}]" for param, own in self._params.items() if own == atom)

    def _written_at(self, atom: Atom, f: Callable[..., Any]) -> str:
        written = isinstance(atom, int) and atom >= self.tape.leaves
        return self.tape.sources.text(int(atom) - self.tape.leaves) if written else defined_at(f)


def _global_generators() -> tuple[object, bytes]:
    """The states of the generators that random.random() and np.random.random() draw from."""
    return random.getstate(), pickle.dumps(np.random.get_state(legacy=False))


def trace(
    f: Callable[..., Any], params: Sequence[Value], example: Sequence[Any], before: Tape | None = None
) -> tuple[Tape, Any]:
    """The tape of `f`, called on arguments like those of `example`, and what it returns with atoms for numbers.

    One call is enough where it gives the tape that two others gave `before`.

    >>> w = Value(2.0)
    >>> tape, atom = trace(lambda x: w * x + 1, [w], [5.0])
    >>> tape.lines, atom
    ([(<primitive multiply>, (0, 1)), (<primitive add>, (2, 1.0))], 3)
    """
    tape = Tape(len(params) + sum(map(np.size, example)))
    first = Tracer(tape, params)
    result = first.call(f, example)
    if before is None or not tape.same_as(before):
        Tracer(tape, params, first).call_again(f, example, result)
    tape.close()
    return tape, result


def _atoms(result: Any, tracer: Tracer) -> Any:
    """What a function returned, with atoms for its numbers; TypeError for anything else."""
    if hasattr(result, "__array__") and not isinstance(result, Value):
        result = result.tolist()
    if isinstance(result, dict):
        return {name: _atoms(part, tracer) for name, part in result.items()}
    if isinstance(result, (list, tuple)):
        atoms = [_atoms(part, tracer) for part in result]
        return like(result, atoms)
    if isinstance(result, Value):
        return tracer.atom(result)
    advice = remedy(result)
    if isinstance(result, (bool, np.bool_)):
        advice = "it has no derivative, where(x - 2, a, b) chooses a for x > 2, step(x) counts"
    if advice:
        raise TypeError(
            f"a function to compile returns a number, or numbers in lists and dicts, got {type(result).__name__} "
            f"{result!r:.60}: {advice}"
        )
    return number(result)

"""How gates are recorded in the current context: at all, with an eye on nan, and inside which module.

It is the value of one context variable, so threads and tasks do not disturb each other.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import sys
import types
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple, TypeVar, cast

from microgradnn.native import core

F = TypeVar("F", bound=Callable[..., Any])


class Context(NamedTuple):
    """How gates are recorded in the current context; `path` is that of the module at work.

    Where there is a `tracer`, it gets the gates instead, without numbers: the compiler is tracing a function. A list
    `made` gets every gate that is recorded, in order.
    """

    record: bool = True
    detect_anomaly: bool = False
    path: str | None = None
    tracer: Any = None
    made: list[Any] | None = None


# Where nothing but the path is asked for, the variable holds the path alone: quicker to tell from a Context.
context: ContextVar[Context | str | None] = ContextVar("context", default=None)


def current() -> Context:
    """How gates are recorded here and now."""
    here = context.get()
    return here if isinstance(here, Context) else Context(path=here)


def current_tracer() -> Any:
    """What traces a function here and now, or None."""
    here = context.get()
    return here.tracer if here.__class__ is Context else None


class Switch:
    """A change of the context: inside a `with` block, or all through a function that it decorates.

    The body of a decorated generator or coroutine runs in the changed context; while it is suspended, the context is
    that of whoever goes on. A switch can be entered again, also inside itself and in several threads: which ones are
    on is known to the context alone.

    >>> from microgradnn import Value, no_grad
    >>> unrecorded = no_grad()
    >>> with unrecorded:
    ...     (Value(2.0) * 3).operands
    ()
    >>> unrecorded(lambda x: x * 3)(Value(2.0)).operands
    ()
    """

    __slots__ = ("_changes",)

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def __enter__(self) -> None:
        before = context.get()
        _on.set((_on.get(), self, before))
        context.set(_changed(before, self._changes))

    def __exit__(self, *_: object) -> None:
        later, on = [], _on.get()
        while on is not None and on[1] is not self:  # of a generator that ended out of turn
            later.append(on[1])
            on = on[0]
        if on is None:
            return
        _on.set(on[0])
        context.set(on[2])
        for switch in reversed(later):
            switch.__enter__()

    def __call__(self, function: F) -> F:
        """`function` in the changed context, of the same kind: plain, generator, async, or async generator."""
        if not callable(function) or isinstance(function, (type, staticmethod)):
            raise TypeError(
                f"no_grad() and its like decorate a function, got {type(function).__name__} {function!r:.60}: decorate "
                "methods one by one, below @staticmethod"
            )
        inner: Any = function
        decorated: Any
        bodies = (function, type(function).__call__)  # an object is called by its class
        if any(map(inspect.isgeneratorfunction, bodies)):

            def decorated(*args: Any, **kwargs: Any) -> Any:
                return (yield from self._drive(inner(*args, **kwargs)))

        elif any(map(inspect.iscoroutinefunction, bodies)):

            async def decorated(*args: Any, **kwargs: Any) -> Any:
                return await self._drive(inner(*args, **kwargs))

        elif any(map(inspect.isasyncgenfunction, bodies)):

            async def decorated(*args: Any, **kwargs: Any) -> Any:
                body = inner(*args, **kwargs)
                step = body.asend(None)
                while True:
                    try:
                        item = await self._drive(step)
                    except StopAsyncIteration:
                        return
                    try:
                        step = body.asend((yield item))
                    except GeneratorExit:
                        await self._drive(body.aclose())
                        raise
                    except BaseException as error:
                        step = body.athrow(error)

        else:

            def decorated(*args: Any, **kwargs: Any) -> Any:
                with self:
                    result = inner(*args, **kwargs)
                if inspect.isgenerator(result) or inspect.iscoroutine(result):  # of a function in another's clothes
                    return self._drive(result)
                return result

        return cast(F, functools.wraps(function)(decorated))

    @types.coroutine
    def _drive(self, body: Any) -> Generator[Any, Any, Any]:
        """What `body`, a generator or an awaitable, yields and returns; it runs in the changed context, in steps."""
        resume, sent = body.send, None
        while True:
            try:
                with self:
                    item = resume(sent)
            except StopIteration as end:
                return end.value
            finally:
                sent = None  # an exception that is kept here would keep this frame
            try:
                resume, sent = body.send, (yield item)
            except GeneratorExit:
                with self:
                    body.close()
                raise
            except BaseException as error:
                resume, sent = body.throw, error


# The switches that are on: those before it, the last one, and what the context was before it.
_on: ContextVar[tuple[Any, Switch, Context | str | None] | None] = ContextVar("on", default=None)


def _changed(here: Context | str | None, changes: dict[str, Any]) -> Context | str | None:
    """The context with some changes, which overrule what was before."""
    if here.__class__ is not Context:
        if changes.keys() == {"path"}:
            return changes["path"]  # type: ignore[no-any-return]
        here = Context(path=here)  # type: ignore[arg-type]  # it is a path
    changed = here._replace(**changes)
    return changed.path if changed == Context(path=changed.path) else changed


def no_grad() -> Switch:
    """Compute without recording: gates return Values that remember no operands, in a block or a decorated function.

    >>> from microgradnn import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y, y.operands
    (Value(data=9.0, grad=0.0), ())
    >>> @no_grad()
    ... def squares(count):
    ...     for n in range(count):
    ...         yield n * x * x
    >>> [square.operands for square in squares(2)]
    [(), ()]
    """
    return Switch(record=False)


def recording() -> Switch:
    """Record inside the block, also where a surrounding `no_grad()` says otherwise."""
    return Switch(record=True)


def detect_anomaly() -> Switch:
    """Raise FloatingPointError at the first nan, of a value or of a gradient: it names gate, operands and source line.

    >>> from microgradnn import Value
    >>> with detect_anomaly():
    ...     Value(float("inf"), "a") * Value(0.0, "b")
    Traceback (most recent call last):
    FloatingPointError: multiply(a=inf, b=0.0) is nan, recorded at ...
    >>> with detect_anomaly():
    ...     x = Value(0.0, "x")
    ...     (x * x).sqrt().backward()
    Traceback (most recent call last):
    FloatingPointError: the gradient becomes nan at multiply(x=0.0, x=0.0), recorded at ...
    """
    return Switch(detect_anomaly=True)


def plainly_recording() -> Switch:
    """Record gates, outside any module; `detect_anomaly` stays as it is."""
    return Switch(record=True, path=None)


def watching(on: bool) -> Switch:
    """Inside the block `detect_anomaly` is on or off."""
    return Switch(detect_anomaly=on)


def noting(made: list[Any]) -> Switch:
    """Record gates, and append each of them to `made`."""
    return Switch(record=True, made=made)


def traced_by(tracer: Any) -> Switch:
    """Hand gates to the tracer, whatever the surrounding context wants of gates."""
    return Switch(record=True, detect_anomaly=False, path=None, tracer=tracer)


def inside(name: str) -> Switch:
    """Record gates as those of the module `name`, itself inside the module at work.

    >>> from microgradnn import Value
    >>> x = Value(3.0)
    >>> with inside("net"), inside("0"):
    ...     y = x * x
    >>> y.path
    'net.0'
    """
    outer = current().path
    return Switch(path=name if outer is None else f"{outer}.{name}")


# ---- neurons: the last part of a path may be a number -------------------------------------------------------------


def of_neurons(count: int) -> Sequence[Context | str | None]:
    """The context of each of `count` neurons of the module at work; as it is where none is or nothing is recorded.

    >>> with inside("MLP"), inside("0"):
    ...     of_neurons(2)
    ('MLP.0[0]', 'MLP.0[1]')
    """
    here = context.get()
    if not isinstance(here, Context):
        return (None,) * count if here is None else _paths(here, count)
    if here.path is None or not here.record:
        return (here,) * count
    return [here._replace(path=path) for path in _paths(here.path, count)]


@functools.lru_cache
def _paths(module: str, count: int) -> tuple[str, ...]:
    """The paths of neurons, made once, as many gates hold them."""
    return tuple(f"{module}[{number}]" for number in range(count))


def plain_map(function: Callable[..., Any], *numbers: Sequence[Any]) -> list[Any]:
    """`map` as a list."""
    return [*map(function, *numbers)]


def by_neuron(count: int) -> Callable[..., list[Any]]:
    """A `map` for the module at work: what is made of each of `count` numbers are gates of its own neuron.

    >>> from microgradnn import Value
    >>> with inside("net"):
    ...     [y.path for y in by_neuron(2)(Value.relu, [Value(1.0), Value(2.0)])]
    ['net[0]', 'net[1]']
    """
    here, neurons = context.get(), of_neurons(count)

    def each(function: Callable[..., Any], *numbers: Sequence[Any]) -> list[Any]:
        results: list[Any] = []
        if here.__class__ is str and getattr(function, "__module__", "") == "microgradnn.operations":
            results += map(function, *numbers)
            if core:
                core.set_paths(results, neurons)
                return results
            for gate, path in zip(results, neurons, strict=True):  # of one gate each: 300 ns less than below
                if getattr(gate, "_primitive", None) is not None:  # not of plain or wide numbers
                    gate._path = path
            return results
        try:
            for neuron, operands in zip(neurons, zip(*numbers, strict=True), strict=True):
                context.set(neuron)
                results.append(function(*operands))
        finally:
            context.set(here)
        return results

    return plain_map if neurons[0] is here else each


def module_and_neuron(path: str) -> tuple[str, int | None]:
    """A path taken apart: the module, and the number of the neuron, None where it is a path of the module.

    >>> module_and_neuron("MLP.0[3]"), module_and_neuron("MLP.0")
    (('MLP.0', 3), ('MLP.0', None))
    """
    if path[-1:] == "]":
        module, _, number = path[:-1].rpartition("[")
        if module and number.isdecimal():
            return module, int(number)
    return path, None


_OURS = (str(Path(__file__).parent) + os.sep, "<microgradnn")


def is_ours(code: CodeType) -> bool:
    """Whether code is that of this package."""
    return code.co_filename.startswith(_OURS)


def called_by_user() -> bool:
    """Whether the function that asks was called from outside this package."""
    return not is_ours(sys._getframe(2).f_code)


def line_text(filename: str, line: int) -> str:
    """A line of code as messages name it: `file, line n: text`; the file of a notebook's cell is made up by Jupyter."""
    text = linecache.getline(filename, line).strip()
    name = "a cell" if "ipykernel_" in filename else filename
    cut = text if len(text) <= 80 else f"{text[:79]}…"
    return f"{name}, line {line}" + (f": {cut}" if text else "")


def user_line() -> tuple[str, int, str]:
    """The line at work in the first function outside this package on the stack: file, number, function."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_ours(frame.f_code):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


def source_line() -> str:
    """The first source line outside this package on the stack: `file, line n: text`."""
    filename, line, _ = user_line()
    return line_text(filename, line)

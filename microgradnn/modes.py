"""How gates are recorded in the current context: at all, with an eye on nan, and inside which module.

A mode belongs to a context variable, so threads and tasks do not disturb each other.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple


class Mode(NamedTuple):
    """How gates are recorded in the current context; `path` is that of the module at work.

    Where a `tape` is given, gates are written there instead, without numbers: the compiler is tracing a function.
    """

    record: bool = True
    detect_anomaly: bool = False
    path: str | None = None
    tape: Any = None


# Where nothing but the path is asked for, the variable holds the path alone: quicker to tell from a Mode.
mode: ContextVar[Mode | str | None] = ContextVar("mode", default=None)


def current_mode() -> Mode:
    """The mode of the current context."""
    wanted = mode.get()
    return wanted if isinstance(wanted, Mode) else Mode(path=wanted)


@contextmanager
def _switched(**changes: Any) -> Iterator[None]:
    wanted = current_mode()._replace(**changes)
    token = mode.set(wanted.path if wanted == Mode(path=wanted.path) else wanted)
    try:
        yield
    finally:
        mode.reset(token)


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: inside the block gates return Values that remember no operands.

    >>> from microgradnn import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y, y.operands
    (Value(data=9.0, grad=0.0), ())
    """
    with _switched(record=False):
        yield


@contextmanager
def recording() -> Iterator[None]:
    """Record inside the block, also where a surrounding `no_grad()` says otherwise."""
    with _switched(record=True):
        yield


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise FloatingPointError at the first gate whose output is nan: it names gate, operands and source line.

    It watches the forward values; what a sweep makes of infinite partials it does not see.

    >>> from microgradnn import Value
    >>> with detect_anomaly():
    ...     Value(float("inf"), "a") * Value(0.0, "b")
    Traceback (most recent call last):
    FloatingPointError: multiply(a=inf, b=0.0) is nan, recorded at ...
    """
    with _switched(detect_anomaly=True):
        yield


def traced_on(tape: Any) -> AbstractContextManager[None]:
    """Write gates on `tape`, whatever the surrounding context wants of gates."""
    return _switched(record=True, detect_anomaly=False, path=None, tape=tape)


def inside(name: str) -> AbstractContextManager[None]:
    """Record gates as those of the module `name`, itself inside the module at work.

    >>> from microgradnn import Value
    >>> x = Value(3.0)
    >>> with inside("net"), inside("0"):
    ...     y = x * x
    >>> y.path
    'net.0'
    """
    outer = current_mode().path
    return _switched(path=name if outer is None else f"{outer}.{name}")


_OURS = (str(Path(__file__).parent) + os.sep, "<microgradnn")


def is_ours(frame: FrameType) -> bool:
    """Whether a call is of a function of this package."""
    return frame.f_code.co_filename.startswith(_OURS)


def called_by_user() -> bool:
    """Whether the function that asks was called from outside this package."""
    return not is_ours(sys._getframe(2))


def line_text(filename: str, line: int) -> str:
    """A line of code as messages name it: `file, line n: text`."""
    text = linecache.getline(filename, line).strip()
    return f"{filename}, line {line}" + (f": {text}" if text else "")


def source_line() -> str:
    """The first source line outside this package on the stack: `file, line n: text`."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_ours(frame):
        frame = frame.f_back
    return line_text(frame.f_code.co_filename, frame.f_lineno)

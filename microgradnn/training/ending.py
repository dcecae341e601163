"""How training ends, whatever happens: hooks are closed, errors carry the history, Ctrl-C waits for its moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from microgradnn.training.history import History


@contextmanager
def however_it_ends(history: History, on_epoch: Any) -> Iterator[None]:
    """Afterwards `on_epoch` is closed, if it can be, and what was raised carries the history."""
    try:
        try:
            yield
        finally:
            close = getattr(on_epoch, "close", None)
            if callable(on_epoch) and callable(close) and not isinstance(on_epoch, type):  # whose close needs an object
                close()
    except BaseException as error:
        error.history = history  # type: ignore[attr-defined]  # for whoever catches it
        raise


class Interrupt:
    """Gathers Ctrl-C inside its block, unless someone else minds the signal, so that no update is left half done."""

    pressed, at_once = False, True  # the second one interrupts at once, while batches run

    def __call__(self, number: int, frame: Any) -> None:
        if self.pressed and self.at_once:
            raise KeyboardInterrupt
        self.pressed = True

    def __enter__(self) -> Interrupt:
        main = threading.current_thread() is threading.main_thread()
        self.minds = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self.minds:
            signal.signal(signal.SIGINT, self)
        return self

    def __exit__(self, *raised: object) -> None:
        if self.minds:
            signal.signal(signal.SIGINT, signal.default_int_handler)

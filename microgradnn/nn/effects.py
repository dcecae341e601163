"""What modules do in training besides computing: Dropout draws masks, BatchNorm moves its running statistics.

A program does both itself, batch by batch, and learns what to do while the modules are recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from microgradnn.context import current

Effect = Callable[..., Any]
_replaced: ContextVar[Mapping[str, Effect] | None] = ContextVar("replaced", default=None)


def effect(name: str, module: Any, usual: Effect, warning: str, *given: Any) -> Any:
    """What `usual(*given)` gives, or what replaces it; TypeError with the warning in a compiled function."""
    replaced = _replaced.get()
    if replaced is not None:
        return replaced[name](module, *given)
    if current().tape is not None:
        raise TypeError(
            f"{module!r} in training {warning}: call eval() on the model, or train it with fit(..., compiled=True)"
        )
    return usual(*given)


@contextmanager
def effects_by(**replaced: Effect) -> Iterator[None]:
    """Inside the block these functions, also given the module, stand for its effects `mask` and `statistics`.

    >>> from microgradnn.nn import BatchNorm, Dropout
    >>> with effects_by(mask=lambda dropout, size: [3.0] * size, statistics=lambda *given: print(*given)):
    ...     dropped, normalised = Dropout(0.5)([1.0, 2.0]), BatchNorm(1)([[1.0], [3.0]])
    BatchNorm(1) [(2.0, 1.0)] 2
    >>> dropped
    [3.0, 6.0]
    """
    token = _replaced.set(replaced)
    try:
        yield
    finally:
        _replaced.reset(token)

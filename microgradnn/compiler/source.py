"""Generated source: made into a function, and registered so that tracebacks and debuggers show its lines."""

from __future__ import annotations

import linecache
import weakref
from collections.abc import Callable
from itertools import count
from typing import Any

_numbers = count(1)


def load(source: str, name: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    r"""The function `name` that `source` defines, with `namespace` for what it calls.

    >>> load("def twice(x):\n    return 2 * x\n", "twice", {})(4)
    8
    """
    filename = f"<microgradnn program {next(_numbers)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102  written by the compiler alone
    function: Callable[..., Any] = namespace[name]
    weakref.finalize(function, linecache.cache.pop, filename, None)
    return function

"""Generated source: made into a function whose lines tracebacks and debuggers can show.

The source lives and dies with the function: `linecache` asks for it by way of the function's globals, as for a module
that is loaded from an archive, and only when a line is to be shown. Nothing is ever taken out of `linecache`, whose
users do not expect that.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from itertools import count
from types import SimpleNamespace
from typing import Any

_numbers = count(1)


def compiled(source: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A function that runs `source` in a namespace, as often as it is called, and returns the namespace."""
    filename = f"<microgradnn> program {next(_numbers)}"  # linecache asks nobody about a name that ends in >
    loader: Any = SimpleNamespace(get_source=lambda _: source)
    module = {"__name__": filename, "__loader__": loader, "__spec__": ModuleSpec(filename, loader)}
    code = compile(source, filename, "exec")

    def run(namespace: dict[str, Any]) -> dict[str, Any]:
        namespace |= module
        exec(code, namespace)  # noqa: S102  written by the compiler alone
        return namespace

    return run


def load(source: str, name: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    r"""The function `name` that `source` defines, with `namespace` for what it calls.

    >>> load("def twice(x):\n    return 2 * x\n", "twice", {})(4)
    8
    """
    function: Callable[..., Any] = compiled(source)(namespace)[name]
    return function

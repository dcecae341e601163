"""Which engine runs: the one in C, where it was built, or the one in Python, which it equals to the last bit.

The variable MICROGRADNN_ENGINE of the environment, native or python, chooses when the package is imported. Under python
debuggers and tracebacks lead into source that can be read. `build` compiles this folder when the package is installed.
"""

from __future__ import annotations

import copyreg
import os
from functools import update_wrapper
from importlib import import_module
from operator import attrgetter
from types import MemberDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any


def _load(asked: str) -> ModuleType | None:
    """The engine in C; None for the one in Python."""
    if asked not in ("", "native", "python"):
        raise ImportError(f"MICROGRADNN_ENGINE must be native or python, or unset, got {asked!r:.60}")
    if asked == "python":
        return None
    try:
        module = import_module("microgradnn.native._core")
        if not module.is_home():
            raise ModuleNotFoundError("it is at work in another interpreter of this process")
        return module
    except ImportError as error:
        if not asked and isinstance(error, ModuleNotFoundError):
            return None
        raise ImportError(
            f"{'MICROGRADNN_ENGINE is native, but ' * bool(asked)}the engine in C cannot be loaded ({error}):"
            " MICROGRADNN_ENGINE=native pip install . builds it where there are a C compiler, Python's headers (Debian:"
            " python3-dev) and CPython with the GIL, and MICROGRADNN_ENGINE=python runs the engine in Python"
        ) from error


core: Any = _load(os.environ.get("MICROGRADNN_ENGINE", ""))
engine = "native" if core else "python"
if core:
    copyreg.pickle(core.Quick, attrgetter("__qualname__"))  # by its name, as functions are


def adopted(kind: Any) -> Any:
    """The type of nodes in C with all that the class `kind` has, and a short way in C where there is one."""
    if not core:
        return kind
    for name, attribute in vars(kind).items():
        if not isinstance(attribute, MemberDescriptorType) and name not in ("__dict__", "__weakref__"):
            setattr(core.Value, name, quick(name, attribute) if callable(attribute) else attribute)
    core.Value.__name__ = kind.__name__  # without the module, in messages
    return core.Value


def quick(name: str, function: Any) -> Any:
    """A function with the short way in C that goes by this name; the function itself where there is none."""
    found = core.quick(name, function) if core else function
    return function if found is function else update_wrapper(found, function, updated=())


def operator_in_c(name: str) -> Any:
    """The operator of this name, which the type of nodes in C brings along; None where there is none."""
    operator = vars(core.Value).get(name) if core else None
    return operator if isinstance(operator, WrapperDescriptorType) else None


def hold(change: int) -> None:
    """Tell the engine in C that gradients are being added up in Python, 1, or no more, −1."""
    if core:
        core.hold(change)

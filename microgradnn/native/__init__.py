"""Which engine runs: the one in C where it was built, else the one in Python, which says what both do.

The environment variable MICROGRADNN_ENGINE chooses: `python`, whose every line can be read and stepped through in a
debugger, or `native`. It is read once, when the package is imported.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from types import MemberDescriptorType, WrapperDescriptorType
from typing import Any

core: Any = None
if os.environ.get("MICROGRADNN_ENGINE") != "python":
    with suppress(ImportError):
        core = import_module("microgradnn.native._core")
engine = "native" if core else "python"


def adopted(kind: Any) -> Any:
    """The type of nodes in C with all that the class `kind` has, and a short way in C where there is one."""
    if not core:
        return kind
    for name, attribute in vars(kind).items():
        if not isinstance(attribute, MemberDescriptorType) and name not in ("__dict__", "__weakref__"):
            setattr(core.Node, name, quick(name, attribute) if callable(attribute) else attribute)
    core.Node.__name__ = kind.__name__  # in messages
    return core.Node


def quick(name: str, function: Any) -> Any:
    """A function with the short way in C that goes by this name; the function itself where there is none."""
    return core.quick(name, function) if core else function


def operator_in_c(name: str) -> Any:
    """The operator of this name, which the type of nodes in C brings along; None where there is none."""
    operator = vars(core.Node).get(name) if core else None
    return operator if isinstance(operator, WrapperDescriptorType) else None


def hold(change: int) -> None:
    """Tell the engine in C that gradients are being added up in Python, 1, or no more, −1."""
    if core:
        core.hold(change)

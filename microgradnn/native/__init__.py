"""The two engines: the one in C, where it was built, and the one in Python, which it equals to the last bit.

Graphs of scalars are recorded and swept in C where `pip install .` found a C compiler and Python's headers (Debian:
python3-dev). `microgradnn --version` says which engine runs, and so does `microgradnn.engine`:

>>> import microgradnn
>>> microgradnn.engine in ("native", "python")
True

The variable MICROGRADNN_ENGINE of the environment chooses, when the package is imported and when it is built: "native",
or "python". To step into an operator or into the sweep with a debugger, set it to python: that engine is the source of
the other one, which is written from the same table of gates, and its tracebacks lead into source that can be read, from
`microgradnn.value` on. Values, gradients, exceptions and messages are the same, and pickles of one are read by the
other.

How fast is it?
---------------

On one core, in interleaved runs, after all gradients had been compared:

- Recording and sweeping a graph of 1,000 gates is 44 × as fast as in micrograd and 97 × as fast as with PyTorch's
  scalars; with 100,000 gates 64 × and 69 ×. It takes 76 + 32 nanoseconds a gate and 106 bytes. With the cyclic
  collector off, of which micrograd's graphs need much, it is 26 × and 14 × as fast as micrograd.
- The engine in C is 18 × as fast as that in Python with 1,000 gates, 11 × with 100,000.
- A step of micrograd's demo, with the networks of `microgradnn.nn`, is 324 × as fast as there, as a neuron is one gate
  here, and 28 × with the collector off.
- An epoch of digits is not as fast: it takes 869.63 ms where PyTorch's tensors take 40.36. Arrays are what `compile` is
  for. Compiled, a step of the demo takes 69.2 µs, where PyTorch takes 783, and NumPy tuned by hand 30.6.

All tables, with the machines and the targets that were missed, are in tests/benchmarks/README.md;
`python -m tests.benchmarks eager` measures anew.

What differs
------------

With the engine in C, `gc` does not know Values, and `inspect` finds no source of an operator; that of a function is its
`__wrapped__`. A graph that refers to itself by way of a gate, such as `p.out = p * 2` on a subclass of Value, is never
freed: take the attribute away when it is done with. Graphs of `microgradnn.micrograd` are collected.

`build` compiles this folder when the package is installed. The engine needs CPython with the GIL; elsewhere the one in
Python runs.
"""

from __future__ import annotations

import copyreg
import os
from functools import update_wrapper
from importlib import import_module
from operator import attrgetter
from types import MemberDescriptorType, ModuleType, WrapperDescriptorType
from typing import Any, TypeVar

_Kind = TypeVar("_Kind", bound=type)


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


def adopted(kind: _Kind) -> _Kind:
    """The type of nodes in C with all that the class `kind` has, and a short way in C where there is one."""
    if not core:
        return kind
    for name, attribute in vars(kind).items():
        if not isinstance(attribute, MemberDescriptorType) and name not in ("__dict__", "__weakref__"):
            setattr(core.Value, name, quick(name, attribute) if callable(attribute) else attribute)
    core.Value.__name__ = kind.__name__  # without the module, in messages
    return core.Value  # type: ignore[no-any-return]


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

"""Parameters and buffers among the attributes of a module: which they are, where they are looked for, what is refused.

A parameter is a leaf that carries the path "" once a module has claimed it. Nothing here knows what a module does.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from numbers import Real
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from microgradnn.backprop import leaves
from microgradnn.reading import numbers_in
from microgradnn.value import Value

PLAIN = {bool, int, float, str, type(None)}  # what needs no looking into
_CLOSED = (type, FunctionType, BuiltinFunctionType, ModuleType)  # hold all that their code knows of
_CONTAINERS = {"builtins", "collections", "functools", "types"}  # whose classes are opened however nested
_MIXED = "parameters and modules in one list: give each of them a list of its own"
_ITERATORS = {"builtins", "itertools"}  # a file is none of these

Known = Callable[[], set[Any]]  # the modules that are found inside a module


def is_parameter(leaf: Any) -> bool:
    """Whether a module has claimed this Value."""
    return isinstance(leaf, Value) and leaf.primitive is None and leaf.path == ""


def are_numbers(value: Any) -> bool:
    """Whether it is a number, or a nested list or an array of numbers alone.

    >>> are_numbers(0.5), are_numbers([[1, 2.0], [3.0]]), are_numbers([]), are_numbers([0.5, Value(1.0)])
    (True, True, False, False)
    """
    numbers = leaves(value.tolist() if hasattr(value, "tolist") else value)
    return bool(numbers) and all(isinstance(x, Real) for x in numbers)


def is_tensor(value: Any) -> bool:
    """Whether a list (of lists) begins with a parameter: then parameters are all it may hold."""
    while value.__class__ is list and value:
        value = value[0]
    return is_parameter(value)


def claim(name: str, value: Any, known: Known) -> list[Value]:
    """Take the leaves in an attribute as parameters; TypeError, and nothing is taken, for what would not learn."""
    found = leaves(value)
    for leaf in found:
        if isinstance(leaf, Value):
            _refuse_gate(name, leaf)
        elif leaf.__class__ not in PLAIN:
            _refuse_hidden(name, leaf, known)
    parameters = [leaf for leaf in found if isinstance(leaf, Value)]
    if parameters and any(map(_is_module, found)):
        raise TypeError(f"{name}: {_MIXED}")
    for leaf in parameters:
        leaf._path = ""  # which also tells pictures parameters from inputs
    return parameters


def claimed(name: str, value: Any, known: Known) -> list[Value]:
    """The parameters in an attribute of a module that has run: no others come into it, and no gate.

    What a module computed may be there, as `forward` appends it. TypeError for other Values, which might be meant to
    learn.
    """
    found = []
    for leaf in leaves(value):
        if is_parameter(leaf):
            found.append(leaf)
        elif _is_from_outside(leaf):
            _refuse_gate(name, leaf)
            raise TypeError(
                f"{name}: {leaf!r} has come into a list since the module ran. If it is a parameter, assign the list "
                f"anew, {name} = [*{name}, Value(x)]; if forward keeps an input, let it assign an attribute"
            )
        elif found and _is_module(leaf):
            raise TypeError(f"{name}: {_MIXED}")
        elif leaf.__class__ not in PLAIN and not isinstance(leaf, Value):
            _refuse_hidden(name, leaf, known, _is_from_outside, "; if forward keeps an input, let it assign it")
    return found


def _is_from_outside(leaf: Any) -> bool:
    """Whether it is neither a parameter nor computed by a module; `compile` leaves other classes behind."""
    return leaf.__class__ is Value and not is_parameter(leaf) and (leaf.path or "no_grad") == "no_grad"


def _refuse_gate(name: str, leaf: Value) -> None:
    if leaf.primitive is not None or leaf.path:
        made = f"a gate {leaf.primitive.name}" if leaf.primitive else "a gate, without recording"
        raise TypeError(
            f"{name}: {leaf!r} is the result of {made}, and no parameter: it would not learn. Not "
            f"{name} = [Value(x) * 0.01], but {name} = [Value(x * 0.01)]; to move one, p.data -= 0.1 * p.grad;"
            " keep a number as .data. What forward computes may be kept as it is, where the module is called: model(x),"
            " not model.forward(x)"
        )


def _refuse_hidden(
    name: str, value: Any, known: Known, lost: Callable[[Any], bool] = lambda leaf: not is_parameter(leaf),
    more: str = "",
) -> None:  # fmt: skip
    """TypeError for iterators, and for Values and modules in what is no list, unless they are found elsewhere."""
    if _is_module(value):
        return
    for one in held(value):
        if lost(one) if isinstance(one, Value) else not _is_module(one) or one not in known():
            own = type(value).__module__ not in _CONTAINERS | _ITERATORS
            more = (", or let the class be a Module" if own else "") + more
            raise TypeError(
                f"{name}: parameters and modules are looked for in attributes, lists and, modules, in dicts, not in "
                f"a {type(value).__name__}: write {name} = [...]{more}"
            )


def held(value: Any) -> list[Any]:
    """The Values and modules in anything, and the iterators, which nobody can look into without using them up.

    Containers of the standard library are opened however nested, and so is an object, but none that it holds.

    >>> held({"a": [1.0, {Value(2.0)}]})
    [Value(data=2.0, grad=0.0)]
    """
    found: list[Any] = []
    waiting: list[tuple[Any, bool]] = [(value, True)]
    seen = set()
    while waiting:
        one, outermost = waiting.pop()
        if one.__class__ in PLAIN or isinstance(one, _CLOSED) or id(one) in seen:
            continue
        seen.add(id(one))
        origin = type(one).__module__
        if isinstance(one, Value) or _is_module(one) or (hasattr(type(one), "__next__") and origin in _ITERATORS):
            found.append(one)
        elif origin in _CONTAINERS or outermost:
            inner = gc.get_referents(one)
            if str(getattr(one, "dtype", "")) == "object":
                inner = leaves(one.tolist())
            waiting += [(member, outermost and origin in _CONTAINERS) for member in inner]
    return found


def _is_module(leaf: Any) -> bool:
    return hasattr(type(leaf), "own_parameters")  # PyTorch's modules have none


# ---- buffers ------------------------------------------------------------------------------------------------------


def check_buffer(name: str, value: Any, where: str = "") -> None:
    """TypeError where a buffer holds anything but numbers."""
    if value.__class__ not in (int, float):
        numbers_in(value, f"{name} is a buffer, and holds a number or lists of numbers{where}")


def like_buffer(old: Any, numbers: Any) -> Any:
    """A number or nested lists as the kind of data that the buffer held: an array for an array."""
    if type(old).__module__ == "numpy":
        import numpy as np

        return np.asarray(numbers, old.dtype)[()]
    return type(old)(numbers)


# ---- nested lists -------------------------------------------------------------------------------------------------


def placed(tensor: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """What a nested list holds, each with its place: `[3][1]`.

    >>> list(placed([1.0, [2.0, 3.0]]))
    [('[0]', 1.0), ('[1][0]', 2.0), ('[1][1]', 3.0)]
    """
    if isinstance(tensor, (list, tuple)):
        for number, one in enumerate(tensor):
            yield from placed(one, f"{place}[{number}]")
    else:
        yield place, tensor


def data_of(tensor: Any) -> Any:
    """The numbers in a nested list of Values.

    >>> data_of([Value(1.0), [Value(2.0), 3.0]])
    [1.0, [2.0, 3.0]]
    """
    if isinstance(tensor, (list, tuple)):
        return [data_of(one) for one in tensor]
    return tensor.data if isinstance(tensor, Value) else tensor

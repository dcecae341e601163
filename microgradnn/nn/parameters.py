"""Parameters among the attributes of a module: which Values they are, where they are looked for, what is refused.

A parameter is a leaf that carries the path "" once a module has claimed it. Nothing here knows what a module does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Set, ValuesView
from dataclasses import fields, is_dataclass
from types import GeneratorType
from typing import Any

from microgradnn.backprop import leaves
from microgradnn.value import Value

PLAIN = {bool, int, float, str, type(None)}  # what needs no looking into


def is_parameter(leaf: Any) -> bool:
    """Whether a module has claimed this Value."""
    return isinstance(leaf, Value) and leaf.primitive is None and leaf.path == ""


def claim(name: str, value: Any) -> list[Value]:
    """Take the leaves in an attribute as parameters; TypeError, and nothing is taken, for what would not learn."""
    found = leaves(value)
    for leaf in found:
        if leaf.__class__ not in PLAIN:
            _refuse_unlearnable(name, leaf)
    parameters = [leaf for leaf in found if isinstance(leaf, Value)]
    if parameters and any(map(_is_module, found)):
        raise TypeError(f"{name}: parameters and modules in one list: give each of them a list of its own")
    for leaf in parameters:
        leaf._path = ""  # which also tells pictures parameters from inputs
    return parameters


def claimed(name: str, value: Any) -> list[Value]:
    """The parameters in an attribute of a module that has run: no others come into its lists, and no gate.

    What a module computed may be there, as `forward` appends it. TypeError for other Values, which might be meant to
    learn.
    """
    found = []
    for leaf in leaves(value):
        if is_parameter(leaf):
            found.append(leaf)
        elif leaf.__class__ is Value and (leaf.path or "no_grad") == "no_grad":  # compile leaves other classes there
            _refuse_unlearnable(name, leaf)
            raise TypeError(
                f"{name}: {leaf!r} has come into a list since the module ran. If it is a parameter, assign the list "
                f"anew, {name} = [*{name}, Value(x)]; if forward keeps an input, let it assign an attribute"
            )
    return found


def _refuse_unlearnable(name: str, value: Any) -> None:
    """TypeError for Values and modules where no parameters are looked for, and for the results of gates."""
    if isinstance(value, Value):
        if value.primitive is not None or value.path:
            made = f"a gate {value.primitive.name}" if value.primitive else "a gate, without recording"
            raise TypeError(
                f"{name}: {value!r} is the result of {made}, and no parameter: it would not learn. Not "
                f"{name} = [Value(x) * 0.01], but {name} = [Value(x * 0.01)]; keep a number as .data. What forward "
                "computes may be kept as it is, where the module is called: model(x), not model.forward(x)"
            )
        return
    if _is_module(value):
        return
    inner = [leaf for leaf in _members(value) if leaf.__class__ not in PLAIN]
    if isinstance(value, (GeneratorType, map, zip, filter)) or any(
        isinstance(leaf, Value) or (_is_module(leaf) and not isinstance(value, dict)) for leaf in inner
    ):
        raise TypeError(
            f"{name}: parameters and modules are looked for in attributes, lists and, modules, in dicts, not in "
            f"a {type(value).__name__}: write {name} = [...]"
        )
    for leaf in inner if not is_dataclass(value) else ():  # these may point to each other
        _refuse_unlearnable(name, leaf)


def _members(value: Any) -> list[Any]:
    """What is in a container that is no list."""
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (Set, deque, ValuesView)):
        inner = value
    elif str(getattr(value, "dtype", "")) == "object":
        inner = value.ravel() if hasattr(value, "ravel") else value
    elif is_dataclass(value):
        inner = [getattr(value, field.name, None) for field in fields(value)]
    return leaves([*inner])


def _is_module(leaf: Any) -> bool:
    return hasattr(leaf, "named_parameters")


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

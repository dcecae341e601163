"""Parameters, modules and buffers among the attributes of a module: where they are looked for, what is refused.

A parameter is a leaf that carries the path "" once a module has claimed it. Nothing here knows what a module does.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from numbers import Real
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from microgradnn.context import source_line
from microgradnn.reading import numbers_in
from microgradnn.trees import leaves
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

PLAIN = {bool, int, float, str, type(None)}  # what needs no looking into
_CLOSED = (type, FunctionType, BuiltinFunctionType, ModuleType)  # hold all that their code knows of
_CONTAINERS = {"builtins", "collections", "functools", "types"}  # whose classes are opened however nested
_ITERATORS = {"builtins", "itertools"}  # a file is none of these


def is_parameter(leaf: Any) -> bool:
    """Whether a module has claimed this Value."""
    return isinstance(leaf, Value) and leaf._path == "" and leaf._primitive is None


def _are_numbers(value: Any) -> bool:
    """Whether it is a number, or a nested list or an array of numbers alone."""
    numbers = leaves(value.tolist() if hasattr(value, "tolist") else value)
    return bool(numbers) and all(isinstance(x, Real) for x in numbers)


def members_in(name: str, value: Any, fits: Callable[[type], bool], naming: str = "{}.{}") -> Iterator[tuple[str, Any]]:
    """What is of a kind that `fits`: the value itself, or members of lists, tuples and dicts, however nested."""
    if fits(type(value)):
        yield name, value
    elif isinstance(value, (dict, list, tuple)):
        kinds = {*map(type, value.values() if isinstance(value, dict) else value)}  # few, where numbers may be many
        if opened := {kind for kind in kinds if fits(kind) or issubclass(kind, (dict, list, tuple))}:
            for key, member in value.items() if isinstance(value, dict) else enumerate(value):
                if type(member) in opened:
                    yield from members_in(naming.format(name, key), member, fits, naming)


def is_tensor(value: Any) -> bool:
    """Whether a list (of lists) begins with a parameter: then parameters are all it may hold."""
    while value.__class__ is list and value:
        value = value[0]
    return is_parameter(value)


def check_assigned(owner: Any, name: str, value: Any, given: Any) -> None:
    """TypeError where a module must not have `value` in this attribute; it claims the parameters there.

    Where the module runs, its inputs are `given`: it may keep what it takes and computes, and nothing made just now.
    """
    running = given is not None
    if name in owner.buffers:
        check_buffer(f"self.{name}", value, f" ({source_line()})")
        return
    replaces = name not in owner._kept and any(map(is_parameter, leaves(vars(owner).get(name))))
    if replaces and (running or _are_numbers(value)):
        raise TypeError(
            f"self.{name} holds parameters of {type(owner).__name__}, which would be lost: write numbers to the .data "
            f"of each, as load_state_dict({{{name!r}: …}}, strict=False) does, and give what is computed while a "
            "module runs a name of its own; to let parameters rest, leave them out of the optimizer; where no module "
            f"runs, Values may replace them, and self.{name} = None takes them away"
        )
    if value.__class__ in PLAIN:
        return
    if running:
        _check_made(owner, name, value, given)
    else:
        claim(owner, name, value)


def claim(owner: Any, name: str, value: Any, ran: bool = False) -> bool:
    """Take the leaves of an attribute as parameters; whether there are any. TypeError, and none is taken, for others.

    Where the module `ran` since the attribute was assigned, a list may hold what modules computed, as `forward` appends
    it, but no new leaf: whether it is to learn cannot be known.
    """
    members = leaves(value)
    others = [leaf for leaf in members if leaf.__class__ not in PLAIN and not is_parameter(leaf)]
    new = []
    for leaf in others:
        if not isinstance(leaf, Value):
            _check_hidden(owner, name, value, leaf, ran)
        elif leaf.primitive is None and not leaf.path and not ran:
            new.append(leaf)
        elif _is_lost(leaf, ran):
            raise _refusal(f"self.{name}", leaf)
    learns = bool(new) or any(map(is_parameter, members))
    if learns and any(map(is_module, map(type, others))):
        raise TypeError(f"self.{name}: parameters and modules in one list: give each of them a list of its own")
    for leaf in new:
        leaf._path = ""  # which also tells pictures parameters from inputs
    return learns


def _is_lost(leaf: Value, ran: bool) -> bool:
    """Whether it is no parameter nor, where the module `ran`, a result of modules; in `compile` they lack a number."""
    computed = ran and (not hasattr(leaf, "_data") or leaf.path not in (None, "", "no_grad"))
    return not computed and not is_parameter(leaf)


def _refusal(name: str, leaf: Value) -> TypeError:
    if leaf.primitive is None and not leaf.path:
        return TypeError(
            f"{name}: {leaf!r} has come into a list since the module ran. If it is a parameter, assign the list "
            f"anew, {name} = [*{name}, Value(x)]; if forward keeps an input, let it assign an attribute"
        )
    made = f"a gate {leaf.primitive.name}" if leaf.primitive else "a gate, without recording"
    return TypeError(
        f"{name}: {leaf!r} is the result of {made}, and no parameter: it would not learn. Not {name} = [Value(x) * "
        f"0.01], but {name} = [Value(x * 0.01)]; to move one, p.data -= 0.1 * p.grad; keep a number as .data. What "
        "forward computes may be kept as it is, where the module is called: model(x), not model.forward(x)"
    )


def _check_hidden(owner: Any, name: str, value: Any, leaf: Any, ran: bool) -> None:
    """TypeError for iterators, and for Values and modules that a leaf of `value` hides and that are found nowhere."""
    hidden = [] if is_module(type(leaf)) else held(leaf)
    known = {*owner.modules(), *(module for _, module in members_in(name, value, is_module))} if hidden else ()
    for member in hidden:
        if _is_lost(member, ran) if isinstance(member, Value) else member not in known:
            own = ", or let the class be a Module" if type(leaf).__module__ not in _CONTAINERS | _ITERATORS else ""
            kept = "; if forward keeps an input, let it assign it" if ran else ""
            raise TypeError(
                f"self.{name}: parameters and modules are looked for in attributes and lists there (modules also in "
                f"dicts), these are in a {type(leaf).__name__}: write self.{name} = [...]{own}{kept}"
            )


def _check_made(owner: Any, name: str, value: Any, given: Any) -> None:
    """TypeError where a running module would keep a module or a parameter made just now."""
    if not {module for _, module in members_in(name, value, is_module)} <= {*owner.modules()}:
        raise TypeError(
            f"a module that is made while one runs would not learn: make it in __init__, not in {source_line()}"
        )
    new = {leaf for leaf in held(value) if hasattr(leaf, "_data") and leaf.primitive is None and leaf.path is None}
    if new and not new <= {leaf for leaf in leaves(given) if isinstance(leaf, Value)}:
        raise TypeError(
            f"self.{name} of {type(owner).__name__}: a Value that is made while a module runs would not learn: make "
            f"parameters in __init__, not in {source_line()}; a constant needs no Value, and for the gradient of an "
            "input give the module Values"
        )


def held(value: Any) -> list[Any]:
    """The Values and modules in anything, and the iterators, which nobody can look into without using them up.

    Containers of the standard library are opened however nested, and so is an object, but none that it holds.
    """
    members: list[Any] = []
    waiting: list[tuple[Any, bool]] = [(value, True)]
    seen = set()
    while waiting:
        member, outermost = waiting.pop()
        if member.__class__ in PLAIN or isinstance(member, _CLOSED) or id(member) in seen:
            continue
        seen.add(id(member))
        origin = type(member).__module__
        iterator = hasattr(type(member), "__next__") and origin in _ITERATORS
        if isinstance(member, Value) or is_module(type(member)) or iterator:
            members.append(member)
        elif origin in _CONTAINERS or outermost:
            of_objects = str(getattr(member, "dtype", "")) == "object"
            inner = leaves(member.tolist()) if of_objects else gc.get_referents(member)
            waiting += [(x, outermost and origin in _CONTAINERS) for x in inner]
    return members


def is_module(kind: type) -> bool:
    """Whether it is a class of modules."""
    return hasattr(kind, "own_parameters")  # PyTorch's modules have none


# ---- the state: buffers, and nested lists of parameters --------------------------------------------------------


def check_buffer(name: str, value: Any, where: str = "") -> None:
    """TypeError where a buffer holds anything but numbers."""
    numbers = value if value.__class__ is list else [value]
    if not {*map(type, numbers)} <= {int, float}:  # what is nested, or no number, NumPy reads
        numbers_in(value, f"{name} is a buffer, and holds a number or lists of numbers{where}")


def like_buffer(old: Any, numbers: Any) -> Any:
    """A number or nested lists as the kind of data that the buffer held: an array for an array."""
    import numpy as np

    return np.asarray(numbers, old.dtype)[()] if hasattr(old, "dtype") else type(old)(numbers)


def indexed(tensor: Any, index: str = "") -> Iterator[tuple[str, Any]]:
    """What a nested list holds, each with its index: `[3][1]`."""
    if isinstance(tensor, (list, tuple)):
        for number, branch in enumerate(tensor):
            yield from indexed(branch, f"{index}[{number}]")
    else:
        yield index, tensor


def places(tensors: Iterable[tuple[str, Any]]) -> dict[Value, str]:
    """Every parameter in these tensors with its first place: `0.weight[3][1]`."""
    names: dict[Value, str] = {}  # Values hash by identity
    for key, tensor in tensors:
        for index, leaf in indexed(tensor):
            if is_parameter(leaf):
                names.setdefault(leaf, key + index)
    return names


def array_of(name: str, data: Any) -> np.ndarray[Any, Any]:
    """The numbers in `data` as an array of its own; ValueError for anything else."""
    try:
        return numbers_in(data, f"{name} must be an array of numbers, in rows of equal length").copy()
    except TypeError as error:
        raise ValueError(str(error)) from None


def array_like(owner: Any, attribute: str, tensor: Any, data: Any, name: str) -> np.ndarray[Any, Any]:
    """The numbers in `data` as an array of the shape of `tensor`; ValueError for what it cannot hold, or not finite."""
    import numpy as np

    array, own = array_of(name, data).astype(float), array_of(name, data_of(tensor))
    if array.shape != own.shape:
        raise ValueError(f"{name} must have the shape {own.shape}, got {array.shape}")
    whole = own.dtype.kind in "biu" and not isinstance(tensor, list)  # lists of whole numbers take others, too
    if not (fits := np.isfinite(array) & ~(whole & (array != np.round(array)))).all():
        raise ValueError(f"{name} must hold {'whole' if whole else 'finite'} numbers, got {array[~fits][0]}")
    if limit := owner._limits.get(attribute):
        limit(name, array)
    return array


def write(owner: Any, name: str, value: Any, array: np.ndarray[Any, Any]) -> None:
    """Give a buffer, or the parameters in an attribute, the numbers of an array."""
    if name in owner.buffers:
        setattr(owner, name, like_buffer(value, array.tolist()))
        return
    for leaf, x in zip(leaves(value), array.ravel().tolist(), strict=True):
        if is_parameter(leaf):  # constants among the parameters stay
            leaf.data = x


def data_of(tensor: Any) -> Any:
    """The numbers in a nested list of Values."""
    if isinstance(tensor, (list, tuple)):
        return [data_of(branch) for branch in tensor]
    return tensor.data if isinstance(tensor, Value) else tensor

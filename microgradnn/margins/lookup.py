"""What expressions stand for in a frame at work, without a call: no property is asked, `a[next(i)]` is left alone."""

from __future__ import annotations

import ast
import inspect
import operator
import types
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

from microgradnn.value import Value

_OF_INTS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}  # fmt: skip


def reached(expressions: Mapping[str, ast.expr], frame: FrameType) -> Iterator[tuple[str, Any]]:
    """What expressions stand for in a frame, those that can be had without a call."""
    names = ChainMap(frame.f_locals, frame.f_globals)
    for text, expression in expressions.items():
        try:
            yield text, _thing(expression, names)
        except (LookupError, AttributeError, TypeError, ZeroDivisionError):
            continue  # such as a walrus behind an `and` that was not reached


def _thing(node: ast.expr | None, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return names[name]
        case ast.Attribute(value=inner, attr=name):
            outer = _thing(inner, names)
            thing = inspect.getattr_static(outer, name)
            return thing.__get__(outer) if isinstance(thing, types.MemberDescriptorType) else thing  # of __slots__
        case ast.Subscript(value=inner, slice=index):
            container = _thing(inner, names)
            if isinstance(container, dict):
                return dict(container)[_thing(index, names)]  # a defaultdict would make what is missing
            if isinstance(container, (list, tuple)):
                return container[_thing(index, names)]
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=elements):
            return tuple(_thing(element, names) for element in elements)
        case ast.Slice(lower=lower, upper=upper, step=step):
            return slice(*(part and _thing(part, names) for part in (lower, upper, step)))
        case ast.UnaryOp(op=ast.USub(), operand=operand) if isinstance(x := _thing(operand, names), int):
            return -x
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OF_INTS:
            x, y = _thing(left, names), _thing(right, names)
            if isinstance(x, int) and isinstance(y, int):
                return _OF_INTS[type(op)](x, y)
    raise LookupError(node)


def parts(name: str, thing: Any, around: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """What is in nested lists, tuples and dicts, each with its name; a list that holds itself is left out there.

    >>> list(parts("w", [1.0, {"a": 2.0}]))
    [('w[0]', 1.0), ("w[1]['a']", 2.0)]
    """
    if not isinstance(thing, (list, tuple, dict)):
        yield name, thing
    elif id(thing) not in around:
        for key, inner in thing.items() if isinstance(thing, dict) else enumerate(thing):
            yield from parts(f"{name}[{key!r}]", inner, (*around, id(thing)))


def values_in(name: str, thing: Any) -> Iterator[tuple[str, Value]]:
    """The Values in nested lists, or in the attributes of an object, each with its name."""
    things = [(name, thing)]
    if hasattr(thing, "__dict__") and not isinstance(thing, (type, types.ModuleType, Value)):
        things = [(f"{name}.{attribute}", inner) for attribute, inner in vars(thing).items()]
    for outer, whole in things:
        for inner, value in parts(outer, whole):
            if isinstance(value, Value):
                yield inner, value

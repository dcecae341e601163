"""The source of the recording operators, written from the table of primitives.

For a gate of one or two operands this module writes a Python function that computes the output, inlines the
partials from their trace and fills in a new node. It knows the table and the slots of a node, nothing else.
"""

from __future__ import annotations

import linecache
import math
from collections.abc import Callable
from typing import Any

from microgradnn.primitives import NOTHING, ForwardError, Primitive

Code = list[str]


def _expression(gate: Primitive, operands: list[str]) -> str:
    if gate.source is not None:
        return gate.source.format(*operands)
    return f"{gate.name}_forward({', '.join(operands)})"


def partial_code(gate: Primitive, index: int) -> tuple[Code, str]:
    """The statements that compute ∂out/∂operand from `out`, `x0`, `x1`, and the name of their result.

    >>> from microgradnn.primitives import lookup
    >>> partial_code(lookup("divide"), 1)
    (['t4 = -out', 't5 = t4 / x1'], 't5')
    """
    trace = gate.trace()

    def name(place: int | float) -> str:
        if not isinstance(place, int):
            return "NOTHING" if place == 0.0 and vanishing else repr(place)
        return "out" if place == 0 else f"x{place - 1}" if place <= trace.count else f"t{place}"

    result = trace.results[index]
    assert result is not None
    vanishing = 0.0 in trace.zeros(result)
    needed, code = {result}, []
    for offset, (instruction, places) in reversed(list(enumerate(trace.instructions, trace.count + 1))):
        if offset in needed:
            needed.update(place for place in places if isinstance(place, int))
            code.append(f"t{offset} = {_expression(instruction, [name(place) for place in places])}")
    return code[::-1], name(result)


def _partial(gate: Primitive, index: int, slot: str, values: str) -> Code:
    partial = gate.trace().results[index]
    if partial is None or (partial == 0.0 and isinstance(partial, float)):
        return [f"node.{slot} = None"]
    statements, result = partial_code(gate, index)
    if not statements:
        return [f"node.{slot} = {result}"]
    if 0.0 in gate.trace().zeros(partial):
        result = f"None if {result} is NOTHING else {result}"
    return [
        "try:",
        *(f"    {statement}" for statement in statements),
        f"    node.{slot} = {result}",
        "except ForwardError:",
        f"    node.{slot} = gate.handed(out, ({values},))[{index}]",
    ]


def _not_taken(gate: Primitive, value: int, other: str) -> Code:
    """Where the other operand as the constant 0 makes the partial nothing, the gate itself finds out."""
    trace = gate.trace()
    if 2 - value not in trace.zeros(trace.results[value]):
        return []
    return [f"if {other}.__class__ is float and {other} == 0.0:", "    return gate(x, y)"]


def _forward(gate: Primitive, operands: list[str], named: str) -> Code:
    return [
        "try:",
        f"    out = {_expression(gate, operands)}",
        "except ForwardError:",
        f"    return gate({named})",  # which raises what forward raises
        "node = new(Value)",
        "node._data = out",
        "node._primitive = gate",
        "node._grad = node._name = None",
        "node._path = path",
    ]


def unary_code(gate: Primitive) -> Code:
    """The statements of `gate(x)`."""
    return [
        "path = mode()",
        "if x.__class__ is not Value or (path is not None and path.__class__ is Mode):",
        "    return gate(x)",
        "x0 = x._data",
        *_forward(gate, ["x0"], "x"),
        "node._left = x",
        "node._right = node._right_partial = None",
        *_partial(gate, 0, "_left_partial", "x"),
        "return node",
    ]


def binary_code(gate: Primitive, value: int) -> Code:
    """The statements of `gate(x, y)` where operand number `value` is a Value, the other one may be a number."""
    parameters = ["x", "y"]
    own, other = parameters[value], parameters[1 - value]
    slots = ["_left_partial", "_right_partial"]
    return [
        "path = mode()",
        f"if {own}.__class__ is not Value or (path is not None and path.__class__ is Mode):",
        "    return gate(x, y)",
        f"x{value} = {own}._data",
        f"if {other}.__class__ is Value:",
        f"    x{1 - value} = {other}._data",
        f"elif {other}.__class__ is float:",
        f"    x{1 - value} = {other}",
        f"elif {other}.__class__ is int:",
        f"    x{1 - value} = {other} = float({other})",
        "else:",
        "    return gate(x, y)",
        *_not_taken(gate, value, other),
        *_forward(gate, ["x0", "x1"], "x, y"),
        "node._left = x",
        "node._right = y",
        *_partial(gate, value, slots[value], "x, y"),
        f"if {other}.__class__ is float:",
        f"    node.{slots[1 - value]} = None",
        "else:",
        *(f"    {line}" for line in _partial(gate, 1 - value, slots[1 - value], "x, y")),
        "return node",
    ]


def compile_function(
    name: str, parameters: str, code: Code, gate: Primitive, namespace: dict[str, Any]
) -> Callable[..., Any]:
    """Compile the function `name(parameters)`; its source can be read in tracebacks and by `inspect`.

    `namespace` provides Value, new, mode and Mode.
    """
    source = "\n".join([f"def {name}({parameters}):", *(f"    {line}" for line in code), ""])
    forwards = {f"{used.name}_forward": used.forward for used, _ in gate.trace().instructions}
    module = {
        **vars(math), **namespace, **forwards, f"{gate.name}_forward": gate.forward,
        "gate": gate, "ForwardError": ForwardError, "NOTHING": NOTHING, "__name__": "microgradnn.value",
    }  # fmt: skip
    filename = f"<microgradnn {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), module)  # noqa: S102  the source comes from the table alone
    function: Callable[..., Any] = module[name]
    function.__doc__ = gate.__doc__
    return function

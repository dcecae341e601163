"""The functions that record gates, written from their entries in the table.

For a gate of one or two operands the function computes the output, inlines the partials from their trace and fills in a
new node; others hand over to the gate. This module knows entries, the context and the slots of a node.
"""

from __future__ import annotations

import linecache
import math
import re
from collections.abc import Callable
from typing import Any

from microgradnn.context import Context, context
from microgradnn.primitive import NOTHING, ForwardError, Primitive
from microgradnn.reading import gathered
from microgradnn.wording import documented

Code = list[str]
_SWITCHED = "(here is not None and here.__class__ is Context)"  # the first half is there for speed


def _expression(gate: Primitive, operands: list[str]) -> str:
    if gate.source is not None:
        return gate.source.format(*operands)
    return f"{gate.name}_forward({', '.join(operands)})"


def partial_code(gate: Primitive, index: int) -> tuple[Code, str]:
    """The statements that compute ∂out/∂operand from `out`, `x0`, `x1`, and the name of their result.

    >>> from microgradnn.primitive import lookup
    >>> partial_code(lookup("divide"), 1)
    (['t4 = -out', 't5 = t4 / x1'], 't5')
    """
    trace = gate.trace()

    def name(register: int | float) -> str:
        if not isinstance(register, int):
            return "NOTHING" if register == 0.0 and vanishing else repr(register)
        return "out" if register == 0 else f"x{register - 1}" if register <= trace.count else f"t{register}"

    result = trace.results[index]
    assert result is not None
    vanishing = 0.0 in trace.zeros(result)
    needed, code = {result}, []
    for register, (used, operands) in reversed(list(enumerate(trace.lines, trace.count + 1))):
        if register in needed:
            needed.update(operand for operand in operands if isinstance(operand, int))
            code.append(f"t{register} = {_expression(used, [name(operand) for operand in operands])}")
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


def _forward(gate: Primitive, operands: list[str], call: str) -> Code:
    return [
        "try:",
        f"    out = {_expression(gate, operands)}",
        "except ForwardError:",
        f"    return {call}",  # which raises what forward raises
        "node = new(Value)",
        "node._data = out",
        "node._primitive = gate",
        "node._grad = node._name = None",
        "node._path = here",
    ]


def unary_code(gate: Primitive, x: str) -> Code:
    """The statements of `gate(x)`."""
    return [
        "here = context()",
        f"if {x}.__class__ is not Value or {_SWITCHED}:",
        f"    return gate({x})",
        f"x0 = {x}._data",
        *_forward(gate, ["x0"], f"gate({x})"),
        f"node._left = {x}",
        "node._right = node._right_partial = None",
        *_partial(gate, 0, "_left_partial", x),
        "return node",
    ]


def binary_code(gate: Primitive, parameters: list[str], value: int) -> Code:
    """The statements of `gate(x, y)` where operand number `value` is a Value, the other one may be a number."""
    own, other = parameters[value], parameters[1 - value]
    operands, slots = ", ".join(parameters), ["_left_partial", "_right_partial"]
    trace = gate.trace()
    neutral = gate.neutral is not None and value == 1  # 0 + v is v, but 0 + −0.0 is 0.0
    lines = [
        "here = context()",
        f"if {own}.__class__ is not Value or {_SWITCHED}:",
        f"    return gate({operands})",
        f"x{value} = {own}._data",
        f"if {other}.__class__ is Value:",
        f"    x{1 - value} = {other}._data",
        f"elif {other}.__class__ is float:",
        f"    x{1 - value} = {other}",
        f"elif {other}.__class__ is int:",
        *([f"    if {other} == {gate.neutral} and x1 != 0.0:", f"        return {own}"] if neutral else []),
        f"    x{1 - value} = {other} = float({other})",
        "else:",
        f"    return gate({operands})",
    ]
    if 2 - value in trace.zeros(trace.results[value]):  # the other as the constant 0 makes the partial nothing
        lines += [f"if {other}.__class__ is float and {other} == 0.0:", f"    return gate({operands})"]
    return [
        *lines,
        *_forward(gate, ["x0", "x1"], f"gate({operands})"),
        f"node._left = {parameters[0]}",
        f"node._right = {parameters[1]}",
        *_partial(gate, value, slots[value], operands),
        f"if {other}.__class__ is float:",
        f"    node.{slots[1 - value]} = None",
        "else:",
        *(f"    {line}" for line in _partial(gate, 1 - value, slots[1 - value], operands)),
        "return node",
    ]


def recorder(gate: Primitive, kind: type, reflected: bool = False, in_place: bool = False) -> Callable[..., Any]:
    """The function that records a gate as a node of class `kind`, with the names and defaults of its entry.

    Its source can be read in tracebacks and by `inspect`. `reflected` swaps the operands, as Python's operators do when
    the right one is a Value; `in_place` is for `x += y`, which `kind` may refuse where it is not recorded.
    A gate of any number of operands takes them one by one or in one sequence.
    """
    parameters = gate.parameters()
    names, operands = [*parameters], ", ".join(parameters)
    if gate.arity == 1:
        code = unary_code(gate, *names)
    elif gate.arity == 2:
        code = binary_code(gate, names, 1 if reflected else 0)
    else:
        code = [f"return gate({operands})" if gate.arity else f"return gate(*gathered(gate.name, ({operands},)))"]
    signature = ", ".join(
        reversed(names) if reflected else
        [name if default is None else f"{name}={default!r}" for name, default in parameters.items()]
    )  # fmt: skip
    if in_place:
        code = [line.replace("return gate(", "return Value.record_in_place(gate, ") for line in code]
    name = f"{'r' * reflected}{gate.name}{'_in_place' * in_place}"
    source = "\n".join([f"def {name}({signature}):", *(f"    {line}" for line in code), ""])
    forwards = {f"{used.name}_forward": used.forward for used, _ in gate.trace(gate.arity or 1).lines}
    module = {
        **vars(math), **forwards, f"{gate.name}_forward": gate.forward, "Value": kind, "new": kind.__new__,
        "gate": gate, "context": context.get, "Context": Context, "ForwardError": ForwardError, "NOTHING": NOTHING,
        "gathered": gathered, "__name__": "microgradnn.operations",
    }  # fmt: skip
    if taken := [x for x in names if x in {*module, "out", "node", "here"} or re.fullmatch(r"[xt]\d+", x)]:
        raise ValueError(f"{gate.name}: an operand cannot be called {taken[0]!r}, a name that the written code uses")
    filename = f"<microgradnn {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), module)  # noqa: S102  the source comes from the table alone
    function: Callable[..., Any] = module[name]
    function.__doc__ = documented(gate)
    return function

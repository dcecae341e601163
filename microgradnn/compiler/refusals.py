"""What the tracer says of code that it cannot follow: the line, what is asked there, and the remedy for that cause.

What asks for a number is found on the stack: the method of Value that was called, the user's frame below it, and in
that frame, by the positions that Python keeps for tracebacks, the expression at work.
"""

from __future__ import annotations

import ast
import linecache
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable
from itertools import islice
from types import FrameType

from microgradnn.context import is_ours, line_text
from microgradnn.primitive import gates

_LIBRARIES = (*(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "purelib", "platlib")), "<frozen ")
_METRICS = re.compile("accuracy|precision|recall|confusion")

_RETURNED = "return the Value, and a program with reduce=None gives it for each example"
_COMPARISON = (
    "Choose with where(c, a, b), which is a for c > 0 and else b, with c = x - y for x > y; step(c) is 1 for c ≥ 0 and "
    "else 0; maximum, minimum and relu choose, too"
)
_EQUALITY = "Choose with where(0.5 - abs(x - y), a, b), which is a for equal whole numbers x and y and else b"
_ROUNDS = (
    "How often a loop runs is recorded: let it run as often as it may at most, and choose in it with where(c, a, b); "
    "what is the same for all examples comes from outside, as a plain number"
)
_INDEX = "Write take(table, index): it reads a list, nested or not, by the number of a Value"
_PLAIN = "Leave it out: a Value is computed with as it is"
_DERIVATIVE = (
    "Leave it out: value_and_grad gives gradients where the program is called, grad(f)(x) takes one inside the function"
)
_METRIC = (
    "Leave it out, a metric counts and has no gradient: fit takes it as metrics={'name': f}, or call it on what a "
    "program with reduce=None gives for each example"
)
_PLACE = "Leave it out, the place of the largest has no gradient: take it of what a program with reduce=None gives"

# By the functions of ours that ask: methods of Value, of programs, and a metric.
_BY_METHOD = {
    "data": f"{_PLAIN}; to look at its number, {_RETURNED}",
    **dict.fromkeys(("grad", "partials", "backward", "forward"), _DERIVATIVE),
    "__format__": f"Leave it out: to print the number, {_RETURNED}",
    "__hash__": "It finds plain numbers alone: read a list with take(table, index), or choose with where(c, a, b)",
    "_arguments": "Call the function that this program was compiled from",
    **dict.fromkeys(("params", "pull", "push"), "Compute with the Values themselves: a program learns outside"),
    "accuracy": _METRIC,
}
# By the function that the user calls, from whatever module.
_BY_CALL = {
    **{
        name: f"Write microgradnn.{gate.name} in its place"
        for gate in gates()
        if gate.public
        for name in (gate.name, gate.array)  # math.sin, numpy.arctan
        if isinstance(name, str)
    },
    **dict.fromkeys(("max", "amax", "nlargest"), "Write microgradnn.maximum in its place"),
    **dict.fromkeys(("min", "amin", "nsmallest"), "Write microgradnn.minimum in its place"),
    **dict.fromkeys(("sorted", "sort", "median"), "Sort pair by pair, with minimum(a, b) and maximum(a, b)"),
    **dict.fromkeys(("range", "repeat", "islice"), _ROUNDS),
    **dict.fromkeys(("float", "float64", "complex"), _PLAIN),
    **dict.fromkeys(("array", "asarray"), "Give the array dtype=object: then it holds the Values themselves"),
    **dict.fromkeys(("isnan", "isfinite", "isinf"), "Leave it out: detect_anomaly() finds the first nan in a program"),
    **dict.fromkeys(("index", "count", "remove"), _EQUALITY),
    **dict.fromkeys(("argmax", "argmin", "argsort"), _PLACE),
    **dict.fromkeys(("int", "trunc"), "As an index a Value needs none, take(table, index); floor(x) rounds down"),
    "round": "Write floor(x + 0.5) in its place",
    "ceil": "Write -floor(-x) in its place",
    "clip": "Write minimum(maximum(x, lowest), largest) in its place",
    "pow": "Write x ** y in its place",
    "fsum": "Write microgradnn.sum in its place",
}


def asked_for_a_number() -> TypeError:
    """The error for code that asks for the number of a Value: called by what it asks."""
    frame = sys._getframe(1)
    ours: list[str] = []
    while is_ours(frame.f_code) and frame.f_back is not None:
        ours.append(frame.f_code.co_name)
        frame = frame.f_back
    frame = _of_the_user(frame)
    text = _expression(frame)
    node = _parsed(text)
    what = f"`{' '.join(text.split()):.60}`" if node is not None else "this"
    return TypeError(
        f"{line_text(frame.f_code.co_filename, frame.f_lineno)}: {what} asks for the number of a Value while compile "
        f"records the function: the program would be right for this example alone. {_remedy(ours, frame, node)}"
    )


def _of_the_user(frame: FrameType) -> FrameType:
    """The frame of the user's that called into a library, where there is one."""
    caller: FrameType | None = frame
    while caller is not None and caller.f_code.co_filename.startswith(_LIBRARIES):
        caller = caller.f_back
    return frame if caller is None or is_ours(caller.f_code) else caller


def _expression(frame: FrameType) -> str:
    """The text of the expression at work in a frame, "" where there is no source."""
    line, last, start, end = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    if line is None or last is None or start is None or end is None:
        return ""
    lines = [linecache.getline(frame.f_code.co_filename, number).encode() for number in range(line, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace")


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(f"({text}\n)", mode="eval").body if text else None
    except (SyntaxError, ValueError):
        return None


def _remedy(ours: list[str], frame: FrameType, node: ast.expr | None) -> str:
    """What to write instead, by the functions of ours that were called, the innermost first, and by the expression."""
    for name in ours:
        if name in _BY_METHOD:
            return _BY_METHOD[name]
    called = ast.unparse(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
    around = re.sub(r"(\.<locals>\.<(\w+comp|genexpr)>)+$", "", frame.f_code.co_qualname).rpartition(".")[2]
    if _METRICS.search(called) or _METRICS.search(around):
        return _METRIC
    if called in _BY_CALL:
        return _BY_CALL[called]
    if isinstance(node, ast.Subscript):
        written = f"take({ast.unparse(node.value)}, {ast.unparse(node.slice)})"
        fits = len(written) <= 60 and not isinstance(node.slice, (ast.Slice, ast.Tuple))
        return _INDEX.replace("take(table, index)", written) if fits else _INDEX
    if isinstance(node, ast.Compare):
        return _EQUALITY if isinstance(node.ops[0], (ast.Eq, ast.NotEq, ast.In, ast.NotIn)) else _comparison(frame)
    if isinstance(node, ast.BinOp) and "__float__" in ours:  # "%.3f" % x
        return _BY_METHOD["__format__"]
    if {"__array_ufunc__", "__float__", "__int__"}.intersection(ours):
        return "Compute with the functions of microgradnn, which take Values"
    return _comparison(frame)


def _comparison(frame: FrameType) -> str:
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return _ROUNDS if line.lstrip().startswith("while ") else _COMPARISON


# ---- two calls that do not do the same --------------------------------------------------------------------------


def parted(where: str, what: str) -> TypeError:
    """The error for a function that does not do the same when it is called again."""
    return TypeError(
        f"{where}: compile calls the function twice, and the second call {what}. A program would repeat for ever what "
        "one call happened to meet: random numbers, counters, clocks, iterators that move on. Give what changes as an "
        "argument of the function, a mini-batch too; fit(..., compiled=True) draws batches and the masks of dropout"
    )


def raised_at(error: Exception, f: Callable[..., object]) -> str:
    """The user's line that raised an error, or that of f."""
    where = defined_at(f)
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not is_ours(frame.f_code):
            where = line_text(frame.f_code.co_filename, line)
    return where


def defined_at(f: Callable[..., object]) -> str:
    """The line of a function."""
    code = getattr(f, "__code__", None)
    return line_text(code.co_filename, code.co_firstlineno) if code else repr(f)

"""A file of source as its author wrote it: functions, their statements, what each of them binds and speaks of.

It is read as a syntax tree; what its expressions stand for in a frame at work is found by `lookup`.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FrameType, MethodType
from typing import Any

from microgradnn.context import is_ours
from microgradnn.margins.lookup import reached, values_in
from microgradnn.value import Value

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BLOCKS = (ast.For, ast.AsyncFor, ast.With, ast.AsyncWith)  # Python comes back to their first line at the end
_NO_CODE = (ast.Global, ast.Nonlocal)


class Source:
    """The file that holds a function: `function(code)` is the one that a code object comes from."""

    def __init__(self, f: Callable[..., Any]) -> None:
        """Read the file of `f`; ValueError where there is none, it was changed since, or it is one of this package."""
        self.code = _code_of(f)
        if is_ours(self.code):
            name = getattr(f, "__name__", type(f).__name__)
            raise ValueError(
                f"{name} is written in microgradnn: margin shows a function of yours, as def f(x): return {name}(x)"
            )
        linecache.checkcache(self.code.co_filename)
        self.lines = linecache.getlines(self.code.co_filename)
        name = self.code.co_name
        if not self.lines:
            raise ValueError(
                f"margin shows the source of {name}, and there is none in {self.code.co_filename!r}: "
                "define it in a file or in a cell of a notebook"
            )
        self._nodes: dict[tuple[str, int], list[Any]] = {}
        try:
            tree = ast.parse("".join(self.lines))
        except SyntaxError:
            tree = ast.Module([], [])
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                self._nodes.setdefault((node.name, first), []).append(node)
            elif isinstance(node, ast.Lambda):
                self._nodes.setdefault(("<lambda>", node.lineno), []).append(node)
        self._functions: dict[CodeType, Function | None] = {}
        if self.function(self.code) is None:
            raise ValueError(f"{self.code.co_filename} was changed since {name} was loaded: load it again")

    def function(self, code: CodeType) -> Function | None:
        """The function of this file with that code; None for code from elsewhere, and for what has no name."""
        try:
            return self._functions[code]
        except KeyError:
            return self._functions.setdefault(code, self._function_of(code))

    def _function_of(self, code: CodeType) -> Function | None:
        if code.co_filename != self.code.co_filename or (code.co_name == "<lambda>" and code is not self.code):
            return None
        nodes = self._nodes.get((code.co_name, code.co_firstlineno), [])
        arguments = code.co_varnames[: code.co_argcount]
        for node in nodes:
            if tuple(x.arg for x in (*node.args.posonlyargs, *node.args.args)) == arguments and _holds(node, code):
                return Function(node, self.lines)
        return None


def _holds(node: Any, code: CodeType) -> bool:
    """Whether code can come from a node: of two lambdas on a line each has its columns."""
    begin, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    positions = [(line, column) for line, _, column, last in code.co_positions() if line and last]
    return not isinstance(node, ast.Lambda) or all(begin <= position <= end for position in positions)


def _code_of(f: Any) -> CodeType:
    """The code that runs when `f` is called: of a function, a method, a partial, a module or another object."""
    function = inspect.unwrap(f)
    while isinstance(function, (MethodType, partial)):
        function = inspect.unwrap(function.func if isinstance(function, partial) else function.__func__)
    if not hasattr(function, "__code__"):
        kind = type(function)
        function = inspect.unwrap(getattr(kind, "forward", None) or kind.__call__)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        raise TypeError(f"margin shows a function that is written in Python, got {type(f).__name__} {f!r:.60}")
    return code


class Function:
    """One function: the lines from `first` to `last`, and the statement that begins on each."""

    def __init__(self, node: Any, lines: list[str]) -> None:
        self.node = node
        self.first: int = node.lineno
        self.last: int = node.end_lineno
        self.lines = lines
        self.statements: dict[int, list[ast.stmt]] = {}
        self._starts: dict[int, int] = {}
        self._silent: set[int] = set()  # lines in the body of a class, which is no part of the function's run
        for statement in ast.walk(node):  # outer statements come before inner ones
            if isinstance(statement, ast.stmt) and statement is not node:
                self.statements.setdefault(statement.lineno, []).append(statement)
                for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
                    self._starts[line] = statement.lineno
                if isinstance(statement, ast.ClassDef):
                    self._silent |= {inner.lineno for inner in statement.body}
        self._targets: dict[int, dict[str, ast.expr]] = {}
        self._operands: dict[int, dict[str, tuple[ast.expr, bool]]] = {}

    def start_of(self, line: int) -> int:
        """The line on which the innermost statement begins that holds `line`."""
        return self._starts.get(line, self.first)

    def whole(self, line: int) -> int:
        """The line on which the statement begins that goes on here; of one with a body each line stands for itself."""
        start = self.start_of(line)
        return line if any(hasattr(node, "body") for node in self._all(start)) else start

    def can_run(self, line: int) -> bool:
        """Whether a line belongs to statements that do something when they are reached: no docstring, no blank."""
        start = self.start_of(line)
        return start not in self._silent and any(map(_has_code, self._all(start)))

    def repeats(self, start: int) -> bool:
        """Whether a loop stands whole on one line."""
        return any(isinstance(node, _LOOPS) and node.body[0].lineno == start for node in self._all(start))

    def is_over(self, start: int, following: int | None) -> bool:
        """Whether the loop or block that begins at `start` is over when the line `following` comes next."""
        # From Python 3.14 on a `while` on one line is a line once more when its condition ends it.
        whole = ast.While if sys.version_info >= (3, 14) and self.repeats(start) else ()
        blocks = [node for node in self._all(start) if isinstance(node, (_BLOCKS, whole))]
        return bool(blocks) and not any(
            following is not None and node.body[0].lineno <= following <= (node.body[-1].end_lineno or 0)
            for node in blocks
        )

    def yields(self, start: int) -> bool:
        """Whether the function may wait in the statement and go on later."""
        return any(isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await)) for node in self._headers(start))

    def text(self, number: int) -> str:
        """A line without the indent of the function, nor what stands around a lambda."""
        line, node = self.lines[number - 1].rstrip("\n"), self.node
        if not isinstance(node, ast.Lambda):
            return (line[node.col_offset :] if not line[: node.col_offset].strip() else line).rstrip().expandtabs()
        begin, end = (
            node.col_offset if number == self.first else 0,
            node.end_col_offset if number == self.last else None,
        )
        return line.encode()[begin:end].decode().rstrip()  # columns count bytes

    def returns(self, start: int) -> bool:
        """Whether a function can end with the statement."""
        return isinstance(self.node, ast.Lambda) or any(isinstance(node, ast.Return) for node in self._all(start))

    def words(self, start: int) -> str:
        """A statement that binds nothing, in a few letters."""
        text = self.lines[start - 1].strip()
        return f"({text[:12]}…)" if len(text) > 14 else f"({text})"

    def arguments(self, frame: FrameType) -> list[tuple[str, Any]]:
        """The arguments of a call by name."""
        info = inspect.getargvalues(frame)
        names = [name for name in (*info.args, info.varargs, info.keywords) if name in info.locals]
        return [(str(name), info.locals[name]) for name in names]

    def bound(self, start: int, frame: FrameType) -> list[tuple[str, Any]]:
        """What the statements on a line have bound, as it is written there, in the order of the source."""
        if start not in self._targets:
            targets = [target for statement in self._all(start) for target in _targets(statement)]
            self._targets[start] = {ast.unparse(target): target for target in targets}
        return list(reached(self._targets[start], frame))

    def operands(self, start: int, frame: FrameType) -> dict[Value, str]:
        """The Values of which the statements on a line speak, with the names that they have there."""
        if start not in self._operands:
            chains = [chain for node in self._headers(start) for chain in _chains(node)]
            chains.sort(key=lambda chain: (chain[0].lineno, chain[0].col_offset))
            self._operands[start] = {ast.unparse(node): (node, called) for node, called in reversed(chains)}
        operands = dict(reversed(self._operands[start].items()))
        named: dict[Value, str] = {}
        direct: dict[Value, str] = {}
        for name, thing in reached({name: node for name, (node, _) in operands.items()}, frame):
            if isinstance(thing, Value):
                direct[thing] = f"({direct[thing].strip('()')}={name})" if thing in direct else name
                named.setdefault(thing, name)
            elif not (operands[name][1] and isinstance(thing, list)):  # parts.append(x) does not take all of parts
                for inner, value in values_in(name, thing):
                    named.setdefault(value, inner)
        return named | direct

    def _all(self, start: int) -> list[ast.stmt]:
        return self.statements.get(start, [])

    def _headers(self, start: int) -> Iterator[ast.AST]:
        """The nodes of the statements on a line, without those of statements inside on other lines."""
        if isinstance(self.node, ast.Lambda):
            return ast.walk(self.node.body)
        return (node for statement in self._all(start) for node in _header(statement))


def _has_code(statement: ast.stmt) -> bool:
    docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    annotation = isinstance(statement, ast.AnnAssign) and statement.value is None
    return not (docstring or annotation or isinstance(statement, _NO_CODE))


def _header(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement but not those of the statements in it."""
    nodes: list[ast.AST] = [statement]
    while nodes:
        node = nodes.pop(0)
        yield node
        nodes += (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))


def _targets(statement: ast.stmt) -> Iterator[ast.expr]:
    """What a statement binds: names, `d["k"]`, `self.x`, the variables of a loop, of `with`, of a walrus."""
    bound: list[ast.expr | None] = []
    match statement:
        case ast.Assign(targets=targets):
            bound += targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            bound.append(target)
        case ast.For(target=target) | ast.AsyncFor(target=target):
            bound.append(target)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            bound += [item.optional_vars for item in items]
    bound += [node.target for node in _header(statement) if isinstance(node, ast.NamedExpr)]
    while bound:
        match bound.pop(0):
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                bound[:0] = elements
            case ast.Starred(value=inner):
                bound.insert(0, inner)
            case ast.expr() as whole:
                yield whole


def _chains(node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """A node where it is a name with all its attributes and indices, as `self.w[i]`; and whether a method is called.

    Only the whole chain speaks of an operand: not `w` in `w[i]`.
    """
    for child in ast.iter_child_nodes(node):
        called = isinstance(node, ast.Call) and child is node.func
        inner = child.value if called and isinstance(child, ast.Attribute) else child
        part = isinstance(node, (ast.Attribute, ast.Subscript)) and child is node.value
        if isinstance(inner, (ast.Name, ast.Attribute, ast.Subscript)) and not part:
            read = isinstance(inner.ctx, ast.Load) or isinstance(node, ast.AugAssign)
            yield from [(inner, called)] if read else []

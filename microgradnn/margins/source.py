"""A file of source as its author wrote it: functions, their statements, what each of them binds and speaks of.

It is read as a syntax tree. Names are looked up in a frame at work, but nothing is called there: a target such as
`a[next(i)]` is left alone.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import types
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FrameType
from typing import Any

from microgradnn.value import Value

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_BLOCKS = (ast.For, ast.AsyncFor, ast.With, ast.AsyncWith)  # Python comes back to their first line at the end
_WORK = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
_NO_CODE = (ast.Global, ast.Nonlocal)


class Source:
    """The file that holds a function: `function(code)` is the one that a code object comes from."""

    def __init__(self, f: Callable[..., Any]) -> None:
        """Read the file of `f`; ValueError where there is none, or where it was changed since."""
        self.code = _code_of(f)
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
            return self._functions.setdefault(code, self._found_function(code))

    def _found_function(self, code: CodeType) -> Function | None:
        if code.co_filename != self.code.co_filename or (code.co_name == "<lambda>" and code is not self.code):
            return None
        nodes = self._nodes.get((code.co_name, code.co_firstlineno), [])
        arguments = code.co_varnames[: code.co_argcount]
        fitting = [
            node for node in nodes if tuple(x.arg for x in (*node.args.posonlyargs, *node.args.args)) == arguments
        ]
        return Function(fitting[0], self.lines) if fitting else None


def _code_of(f: Any) -> CodeType:
    """The code that runs when `f` is called: of a function, a method, a partial, a module or another object."""
    function = inspect.unwrap(f)
    while isinstance(function, (types.MethodType, partial)):
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
        for statement in ast.walk(node):  # outer statements come before inner ones
            if isinstance(statement, ast.stmt) and statement is not node:
                self.statements.setdefault(statement.lineno, []).append(statement)
                for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
                    self._starts[line] = statement.lineno
        self._targets: dict[int, list[tuple[str, CodeType]]] = {}
        self._names: dict[int, list[str]] = {}

    def start_of(self, line: int) -> int:
        """The line on which the innermost statement begins that holds `line`."""
        return self._starts.get(line, self.first)

    def can_run(self, line: int) -> bool:
        """Whether a line belongs to statements that do something when they are reached: no docstring, no blank."""
        return any(
            not isinstance(statement, _NO_CODE)
            and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
            for statement in self.statements.get(self.start_of(line), [])
        )

    def repeats(self, start: int) -> bool:
        """Whether a loop stands whole on one line."""
        return any(isinstance(node, _LOOPS) and node.body[0].lineno == start for node in self.statements.get(start, []))

    def leaves(self, start: int, following: int | None) -> bool:
        """Whether the loop or block that begins at `start` is over when the line `following` comes next."""
        blocks = [node for node in self.statements.get(start, []) if isinstance(node, _BLOCKS)]
        return bool(blocks) and not any(
            following is not None and node.body[0].lineno <= following <= (node.body[-1].end_lineno or 0)
            for node in blocks
        )

    def yields(self, start: int) -> bool:
        """Whether the statement hands out a value and goes on later."""
        return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in self._headers(start))

    def text(self, number: int) -> str:
        """A line without the indent of the function, nor what stands around a lambda."""
        line, node = self.lines[number - 1].rstrip("\n"), self.node
        if not isinstance(node, ast.Lambda):
            return line[node.col_offset :].rstrip() if not line[: node.col_offset].strip() else line.rstrip()
        begin, end = (
            node.col_offset if number == self.first else 0,
            node.end_col_offset if number == self.last else None,
        )
        return line.encode()[begin:end].decode().rstrip()  # columns count bytes

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
            texts = dict.fromkeys(text for statement in self.statements.get(start, []) for text in _targets(statement))
            self._targets[start] = [(text, compile(text, "<target>", "eval")) for text in texts]
        things = []
        for text, code in self._targets[start]:
            try:
                things.append((text, eval(code, frame.f_globals, frame.f_locals)))  # calls nothing
            except Exception:  # such as a walrus behind an `and` that was not reached
                continue
        return things

    def mentioned(self, start: int, frame: FrameType) -> dict[Value, str]:
        """The Values of which the statements on a line speak, with the names that they have there."""
        if start not in self._names:
            nodes = [node for node in self._headers(start) if isinstance(node, ast.Name)]
            nodes.sort(key=lambda node: (node.lineno, node.col_offset))
            self._names[start] = [*dict.fromkeys(node.id for node in nodes)]
        variables = frame.f_locals
        things = [(x, variables[x] if x in variables else frame.f_globals.get(x)) for x in self._names[start]]
        named = {value: name for outer, thing in things for name, value in _inside(outer, thing)}
        return named | {thing: name for name, thing in things if isinstance(thing, Value)}

    def _headers(self, start: int) -> Iterator[ast.AST]:
        """The nodes of the statements on a line, without those of statements inside on other lines."""
        if isinstance(self.node, ast.Lambda):
            return ast.walk(self.node.body)
        return (node for statement in self.statements.get(start, []) for node in _header(statement))


def _header(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement but not those of the statements in it."""
    nodes: list[ast.AST] = [statement]
    while nodes:
        node = nodes.pop(0)
        yield node
        nodes += (child for child in ast.iter_child_nodes(node) if not isinstance(child, (ast.stmt, ast.Lambda)))


def _targets(statement: ast.stmt) -> Iterator[str]:
    """What a statement binds: names, `d["k"]`, `self.x`, the variables of a loop, of `with`, of a walrus."""
    bound: list[ast.AST | None] = []
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
            case ast.AST() as whole if not any(isinstance(node, _WORK) for node in ast.walk(whole)):
                yield ast.unparse(whole)


def _inside(name: str, thing: Any, deep: bool = False) -> Iterator[tuple[str, Value]]:
    """A Value, or those in lists, tuples, dicts and in the attributes of an object, each with its name."""
    if isinstance(thing, Value):
        yield name, thing
    elif isinstance(thing, (list, tuple)):
        for index, inner in enumerate(thing):
            yield from _inside(f"{name}[{index}]", inner, True)
    elif isinstance(thing, dict):
        for key, inner in thing.items():
            yield from _inside(f"{name}[{key!r}]", inner, True)
    elif not deep and hasattr(thing, "__dict__") and not isinstance(thing, (type, types.ModuleType)):
        for key, inner in vars(thing).items():
            yield from _inside(f"{name}.{key}", inner, True)

"""Expressions as text: read by `ast` against a whitelist, turned into a flat list of instructions, run on numbers.

Inner results may have names: q = x + y; f = q*z. The numbers may be Values. Nothing is ever evaluated as Python and
nothing recurses. What is wrong with a text is an `InputError` that names the column, counted from 1, where there is
one. Nothing here knows of a command line.
"""

from __future__ import annotations

import ast
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from microgradnn import functional, table
from microgradnn.hints import HINTS
from microgradnn.primitive import gates, lookup
from microgradnn.value import Value

FIXED = {gate.name for gate in gates() if gate.arity and [*gate.parameters().values()][-1] is None}  # no defaults
OF_LISTS = {
    "softmax": "softmax gives several numbers: write exp(x - logsumexp(x, y)) for one of them",
    "take": "take reads a list: write select(index, x, y) to read numbers",
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{gate.name: gate for gate in gates()},
    **{name: getattr(functional, name) for name in functional.__all__ if name not in {*FIXED, *OF_LISTS}},
}
INSTEAD = {  # of functions that others know by these names
    "ln": "log(x)", "lg": "log10(x)", "max": "maximum(x, y)", "min": "minimum(x, y)", "sgn": "sign(x)",
    "σ": "sigmoid(x)",
    **{name: HINTS["microgradnn"][name] for name in (
        "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "ceil", "clamp", "clip",
        "fabs", "fmod", "logsigmoid", "mish", "pow", "reciprocal", "rsqrt", "square", "swish",
    )},
}  # fmt: skip
LONGEST = 100_000  # characters of an expression; ast refuses by itself what is nested too deeply

ALLOWED = "it may hold numbers, names, + - * / % ** and function calls"
CHOOSE = "use where(c, a, b), which is a if c > 0, else b"
_OF_PYTHON: dict[str, tuple[type, bytes]] = {
    "add": (ast.Add, b"+"), "sub": (ast.Sub, b"-"), "mul": (ast.Mult, b"*"), "truediv": (ast.Div, b"/"),
    "mod": (ast.Mod, b"%"), "pow": (ast.Pow, b"**"), "pos": (ast.UAdd, b"+"), "neg": (ast.USub, b"-"),
}  # fmt: skip
SIGNS = {
    _OF_PYTHON[special][0]: (_OF_PYTHON[special][1], name)
    for name, special in table.OPERATORS.items() if special in _OF_PYTHON
}  # fmt: skip
UNKNOWN: dict[type, str] = {
    ast.FloorDiv: "//", ast.MatMult: "@", ast.BitXor: "^", ast.BitAnd: "&", ast.BitOr: "|",
    ast.LShift: "<<", ast.RShift: ">>", ast.Invert: "~", ast.Not: "not",
}  # fmt: skip
REFUSED: dict[type, tuple[str, str]] = {
    ast.BoolOp:    ("and/or", CHOOSE),
    ast.Compare:   ("a comparison", CHOOSE),
    ast.IfExp:     ("a condition", CHOOSE),
    ast.JoinedStr: ("a string", ALLOWED),
    ast.Lambda:    ("a lambda", ALLOWED),
    ast.List:      ("a list", "give its numbers as separate arguments"),
    ast.NamedExpr: ("an assignment", "name a result in front, as in q = x + y; q*z"),
    ast.Starred:   ("a star", "give the numbers as separate arguments"),
    ast.Subscript: ("an index", "give every number a name of its own, as x0, x1"),
    ast.Tuple:     ("a tuple", "give its numbers as separate arguments"),
}  # fmt: skip


class InputError(ValueError):
    """What is wrong with the input, in one line."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message if column is None else f"column {column}: {message}")


class Instruction(NamedTuple):
    """Push `load` (a number, or a variable by name), or apply the function `name` to the last `operands` results.

    Or give the last result the name `assigned`.
    """

    column: int
    load: float | str = 0.0
    name: str = ""
    operands: int = 0
    assigned: str = ""


def parse(text: str) -> list[Instruction]:
    """The expression as instructions in postfix order; InputError names the column of what is not allowed.

    >>> [instruction.name or instruction.load for instruction in parse("(x + 1) * y")]
    ['x', 1.0, 'add', 'y', 'multiply']
    >>> [instruction.assigned for instruction in parse("q = x + y; q * z")]
    ['', '', '', 'q', '', '', '']
    """
    if len(text) > LONGEST:
        raise InputError(f"the expression has more than {LONGEST:,} characters", LONGEST + 1)
    source, start = _stripped(text)
    statements = _syntax_tree(source, start)
    encoded = source.encode()  # ast counts bytes
    columns = [start + column for column, character in enumerate(source, 1) for _ in character.encode()]
    instructions: list[Instruction] = []
    waiting: list[Any] = statements[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Instruction):  # its operands have been listed
            instructions.append(node)
            continue
        column = columns[getattr(node, "col_offset", 0)]
        if isinstance(node, ast.Assign):
            waiting += [Instruction(column, assigned=_target(node, column)), node.value]
            continue
        if isinstance(node, ast.Expr):
            if node is not statements[-1]:
                raise InputError("nothing uses this result: give it a name, as in q = x + y; q*z", column)
            waiting.append(node.value)
            continue
        if isinstance(node, ast.Constant):
            instructions.append(Instruction(column, _constant(node.value, column)))
            continue
        if isinstance(node, ast.Name):
            instructions.append(Instruction(column, node.id))
            continue
        name, operands = _application(node, column)
        if isinstance(node, ast.BinOp):  # the sign comes after the left operand and the brackets that close there
            column = columns[encoded.index(SIGNS[type(node.op)][0], node.left.end_col_offset)]
        waiting.append(Instruction(column, name=name, operands=len(operands)))
        waiting.extend(reversed(operands))
    return instructions


def _stripped(text: str) -> tuple[str, int]:
    """The text in one line without the space around it, and where it starts."""
    source = re.sub(r"\s", " ", text).rstrip()
    start = len(source) - len(source.lstrip())
    # A comment would swallow the rest of an expression that came in several lines.
    strange = re.search(r"[#\\\x00-\x1f\x7f\ud800-\udfff]", source)
    if strange:
        raise InputError(f"the character {strange[0]!a} is not part of an expression", strange.start() + 1)
    if raised := re.search("[⁰¹²³⁴-⁹⁻]+", source):
        power = unicodedata.normalize("NFKC", raised[0]).replace("−", "-")
        raise InputError(f"write **{power} for {raised[0]}, as in x**2", raised.start() + 1)
    if not source:
        raise InputError("the expression is empty")
    return source[start:], start


def _syntax_tree(source: str, start: int) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python thinks of the style of numbers
            return ast.parse(source).body
    except SyntaxError as error:
        column = len(source) + 1 if source[-1] in "+-*/,=" else min(error.offset or 1, len(source) + 1)
        near = source[column - 1 :] if len(source) - column < 30 else f"{source[column - 1 : column + 28]}…"
        reason = str(error.msg).removeprefix("invalid syntax").partition(" Maybe you meant")[0].strip(". ")
        if "Exceeds the limit" in reason:
            reason = "the number has too many digits"
        elif "invalid decimal literal" in reason:
            reason = "a product needs its *, as in 2*x"
        what = f"syntax error at {near!r}" if near else "syntax error: something is missing at the end"
        raise InputError(what + (f" ({reason})" if reason else ""), start + column) from None
    except (RecursionError, MemoryError):
        raise InputError("the expression is nested or chained too deeply", start + 1) from None


def _target(node: ast.Assign, column: int) -> str:
    """The name to which a result is assigned."""
    target, *others = node.targets
    if others or not isinstance(target, ast.Name):
        raise InputError("a result is assigned to one name, as in q = x + y", column)
    return target.id


def _constant(value: object, column: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        kind = {str: "a string", bytes: "a string", complex: "a complex number"}.get(type(value), repr(value))
        raise InputError(f"{kind} is not part of an expression: {ALLOWED}", column)
    try:
        constant = float(value)
    except OverflowError:
        constant = math.inf
    if math.isinf(constant):
        raise InputError("the number is too large", column)
    return constant


def _application(node: ast.AST, column: int) -> tuple[str, list[ast.expr]]:
    """The name of the function that `node` applies, and its operands."""
    if isinstance(node, (ast.BinOp, ast.UnaryOp)):
        if type(node.op) not in SIGNS:
            sign = UNKNOWN[type(node.op)]
            raise InputError(
                f"the operator {sign} is not part of an expression: use + - * / % and ** for powers", column
            )
        return SIGNS[type(node.op)][1], [node.operand] if isinstance(node, ast.UnaryOp) else [node.left, node.right]
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and not node.keywords:
            return node.func.id, node.args
        if isinstance(node.func, ast.Name):
            raise InputError(f"{node.func.id} takes no keyword arguments: give them in order", column)
        if not isinstance(node.func, (ast.Attribute, ast.Lambda)):
            raise InputError("only a function can be called: write * for a product", column)
        node = node.func
    what, remedy = REFUSED.get(type(node), (f"this ({type(node).__name__})", ALLOWED))
    if isinstance(node, ast.Attribute):
        what = f"attribute access, .{node.attr},"
    raise InputError(f"{what} is not part of an expression: {remedy}", column)


def check_names(instructions: list[Instruction], given: Collection[str]) -> None:
    """Refuse unknown functions, variables without a value among those `given`, and values that nothing uses."""
    missing: dict[str, int] = {}
    assigned, known = _check_assigned(instructions, given), {*given}
    for column, load, name, _, target in instructions:
        if target:
            known.add(target)
        elif not name:
            if isinstance(load, str) and load not in known:
                missing.setdefault(load, column)
        elif name in OF_LISTS:
            raise InputError(OF_LISTS[name], column)
        elif name not in FUNCTIONS and name in given:
            raise InputError(f"{name} is a variable, not a function: write * for a product", column)
        elif name not in FUNCTIONS:
            raise InputError(f"there is no function {name}: {_known_like(name)}", column)
    if "e" in missing and "e" not in assigned and (base := power_of_e(instructions)):
        raise InputError("there is no value for e: for eˣ write exp(x)", base)
    for variable, column in missing.items():
        if variable in assigned:
            raise InputError(f"{variable} is used before it is assigned", column)
        if variable in FUNCTIONS:
            raise InputError(f"{variable} is a function: write {variable}(...)", column)
        add = " ".join(f"{variable}=NUMBER" for variable in missing)
        raise InputError(f"there is no value for {', '.join(missing)}: add {add}", column)
    used = {instruction.load for instruction in instructions} | {instructions[-1].assigned}
    for variable, column in assigned.items():
        if variable not in used:
            raise InputError(f"{variable} is assigned, but nothing uses it", column)
    for variable in given:
        if variable not in used:
            raise InputError(f"{variable} has a value, but the expression does not use it")


def power_of_e(instructions: list[Instruction]) -> int | None:
    """The column of the name e where it is the base of a power, or None."""
    stack: list[Instruction] = []
    for instruction in instructions:
        if instruction.assigned:
            continue
        operands = stack[len(stack) - instruction.operands :]
        del stack[len(stack) - instruction.operands :]
        if instruction.name == "power" and operands and operands[0].load == "e":
            return operands[0].column
        stack.append(instruction)
    return None


def _check_assigned(instructions: list[Instruction], given: Collection[str]) -> dict[str, int]:
    """The names that are assigned, with their columns; refuse those in use, and what makes no gate to be named."""
    assigned: dict[str, int] = {}
    start = 0
    for end, (column, _, _, _, target) in enumerate(instructions):
        if not target:
            continue
        if target in given:
            raise InputError(f"{target} has a value already, {target}=NUMBER: assign to another name", column)
        if target in assigned:
            raise InputError(f"{target} is assigned twice: give each result a name of its own", column)
        variables = [load for _, load, _, _, _ in instructions[start:end] if isinstance(load, str)]
        if not variables:
            raise InputError(f"{target} is a number: give it after the expression, {target}=NUMBER", column)
        if end - start == 1:
            raise InputError(f"{target} would be a second name of {variables[0]}: use one of them", column)
        assigned[target] = column
        start = end + 1
    return assigned


def _known_like(name: str) -> str:
    from difflib import get_close_matches  # needed only here

    if name in INSTEAD:
        return f"write {INSTEAD[name]}"
    close = get_close_matches(name.lower(), FUNCTIONS)
    return f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(FUNCTIONS)}"


def evaluate(instructions: list[Instruction], variables: dict[str, Any]) -> Any:
    """Run the instructions on numbers or Values; InputError where the expression is undefined or overflows.

    >>> evaluate(parse("x ** 2 / 4"), {"x": 6.0})
    9.0
    """
    stack: list[Any] = []
    known = dict(variables)
    for column, load, name, count, target in instructions:
        if target:
            known[target] = out = stack[-1]
            if isinstance(out, Value):  # a gate, as no statement is a bare name
                out.name = target
            continue
        if not name:
            stack.append(known[load] if isinstance(load, str) else load)
            continue
        operands = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        try:
            out = FUNCTIONS[name](*operands)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise InputError(str(error), column) from None
        data, *inputs = (float(getattr(value, "data", value)) for value in (out, *operands))
        if math.isnan(data) and not any(map(math.isnan, inputs)):
            raise InputError(f"{_described(name, operands)} is undefined", column)
        if math.isinf(data) and all(map(math.isfinite, inputs)):
            raise InputError(f"{_described(name, operands)} overflows", column)
        stack.append(out)
    return stack.pop()


def _described(name: str, operands: list[Any]) -> str:
    return "mean" if name == "mean" else lookup(name).describe(operands)  # the mean is two gates

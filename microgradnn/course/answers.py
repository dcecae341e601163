"""Answers as students write them: numbers in every form, several numbers, a letter, a function.

What would be right is not known here. What cannot be read is an `AnswerError`, whose sentence says what is asked for.
"""

from __future__ import annotations

import inspect
import math
import numbers
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from microgradnn.notation import digits
from microgradnn.parser import FUNCTIONS, InputError, evaluate, parse
from microgradnn.value import Value

_WRITTEN = str.maketrans({
    "−": "-", "–": "-", "—": "-", "·": "*", "×": "*", "÷": "/", "^": "**", "½": "(1/2)", "⅓": "(1/3)", "¼": "(1/4)",
    "²": "**2", "³": "**3", "π": "pi", "σ": "sigmoid", "\N{NO-BREAK SPACE}": " ",
})  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e}
_FACTOR = re.compile(r"(?<![\w.])(\d*\.?\d+)\s*(?=[^\W\d_]|\()(?!e[-+]?\d)")  # 2x, 2 sigmoid(x)
_NEGATIVE = re.compile(r"\b(?:minus|negative) +(?=[\d.])")
# One number among words, before which and after which no other number or operator stands: "it is -4 units".
_IN_WORDS = re.compile(r"(?:[^\W\d_]+,? )*(-? ?\d*[.,]?\d+(?:/\d+)?(?: ?%)?)[.!]?(?:,? [^\W\d_]{2}[^\d*^/+=]*)?")
_NAMED = re.compile(r"\W*?([^\W\d]\w*(?:/[d∂]\w+)?|[d∂]\w+/[d∂]\w+)[\"']?\s*[=:]\s*(.+)")


class AnswerError(ValueError):
    """An answer of another kind than the question asks for."""


def is_open(answer: Any) -> bool:
    """Whether there is no answer yet: None, ... or an empty text, alone or in all places of a sequence.

    >>> is_open(None), is_open((None, ...)), is_open(0)
    (True, True, False)
    """
    if isinstance(answer, str):
        return answer.strip(" .…") == ""
    if isinstance(answer, (list, tuple)):
        return all(map(is_open, answer))
    return answer is None or answer is Ellipsis


def number_from(answer: Any) -> float:
    """The number that was meant by a number of any kind, a Value, an array of one, or a text.

    >>> [number_from(answer) for answer in (-4, Value(0.5), "−4", "1/4", "0,2", "x = 3", "exp(0)", "25 %")]
    [-4.0, 0.5, -4.0, 0.25, 0.2, 3.0, 1.0, 0.25]
    """
    while getattr(answer, "shape", None) not in (None, ()) or isinstance(answer, (list, tuple)):
        if len(answer) != 1:
            comma = "; decimals have a point, as in 0.5" if isinstance(answer, tuple) and len(answer) == 2 else ""
            raise AnswerError(f"a single number is asked for, you gave {len(answer)}{comma}.")
        answer = answer[0]
    if isinstance(answer, str):
        answer = _number_in(answer)
    if isinstance(answer, Value):
        answer = answer.data
    if getattr(answer, "shape", None) == () and hasattr(answer, "item"):  # a scalar of NumPy or of PyTorch
        answer = answer.item()
    if isinstance(answer, (numbers.Real, Decimal)) and not isinstance(answer, bool) and answer == answer:
        return float(answer)
    what = "a function: call it" if callable(answer) else f"{type(answer).__name__} {answer!r:.40}"
    raise AnswerError(f'a number is asked for, such as -4, 0.25 or "1/3"; you gave {what}.')


def numbers_from(answer: Any, names: Sequence[str]) -> list[float]:
    """One number for each of the `names`, from a sequence in their order, a dict or a text.

    >>> numbers_from("(1, 2.5)", ["a", "b"]), numbers_from({"df/db": 2, "df/da": "1/2"}, ["a", "b"])
    ([1.0, 2.5], [0.5, 2.0])
    """
    asked = f"{len(names)} numbers are asked for, ({', '.join(names)})"
    if isinstance(answer, str):
        text = answer.strip().strip("()[]{}")
        signs = (r";", r",\s", r",", r"\sand\s", r"(?<=\d)\s*[x×]\s*(?=\d)|\sby\s", r"\s+")  # 3 × 4 is a shape
        ways = [parts for sign in signs if len(parts := re.split(sign, text)) > 1] or [[text]]
        answer = next((parts for parts in ways if len(parts) == len(names)), ways[0])
        named = [(match[1], match[2]) for part in answer if (match := _NAMED.fullmatch(part))]
        if len(named) == len(names) and {_short(key) for key, _ in named} == {_short(name) for name in names}:
            answer = dict(named)
    if isinstance(answer, Mapping):
        by_name = {_short(str(getattr(key, "name", key)).strip()): x for key, x in answer.items()}
        if missing := [name for name in names if _short(name) not in by_name]:
            raise AnswerError(f"{asked}; {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.")
        answer = [by_name[_short(name)] for name in names]
    if isinstance(answer, (set, frozenset)):
        raise AnswerError(f"{asked}, in this order; a set has none: write round brackets.")
    if not isinstance(answer, Iterable) or getattr(answer, "shape", None) == ():
        raise AnswerError(f"{asked}; you gave one.")
    given = list(answer)
    if len(given) != len(names):
        raise AnswerError(f"{asked}; you gave {len(given)}.")
    if still := [name for name, x in zip(names, given, strict=True) if is_open(x)]:
        raise AnswerError(f"{asked}; {' and '.join(still)} {'is' if len(still) == 1 else 'are'} still open.")
    return [number_from(x) for x in given]


def letter_from(answer: Any, letters: Collection[str], words: Mapping[str, str]) -> str:
    """The letter of the option that was chosen, or that of one of the `words`.

    >>> [letter_from(answer, "abc", {"falls": "b"}) for answer in ("B", "(b)", "b) it falls", "It falls.", ["b"])]
    ['b', 'b', 'b', 'b', 'b']
    """
    if isinstance(answer, (list, tuple)) and len(answer) == 1:
        answer = answer[0]
    if isinstance(answer, (str, numbers.Real)):
        text = str(answer).lower().strip(" \"'.()[]")
        chosen = [token for token in re.findall(r"\ba\b(?! \w\w)|\b(?!a\b)\w+", text) if token in letters]  # no article
        chosen += [letter for word, letter in words.items() if re.search(rf"\b{re.escape(word)}\b", text)]
        if len(set(chosen)) == 1:
            return str(chosen[0])
    raise AnswerError(f"the answer is one of {', '.join(sorted(letters))}, in quotes; you gave {answer!r:.40}.")


def function_from(answer: Any, names: Sequence[str]) -> Callable[..., Any]:
    """The function of arguments of these `names`: as it is, or an expression in them as text.

    >>> function_from("2*x + y", ["x", "y"])(3.0, 1.0)
    7.0
    """
    arguments = ", ".join(names)
    if isinstance(answer, str):
        if re.search(r"@|\.T\b", answer):
            raise AnswerError(f"matrices are not read from a text: write lambda {arguments}: … without quotes.")
        expression = re.sub(r"^\s*lambda[^:]*:", "", answer)

        def evaluated(*point: Any) -> Any:
            try:
                return _evaluated(expression, dict(zip(names, point, strict=True)))
            except InputError as error:
                remedy = f"a function will do, too: lambda {arguments}: …"
                raise AnswerError(f'"{answer:.40}" cannot be read: {error}; {remedy}') from None

        return evaluated
    if not callable(answer) or isinstance(answer, Value):
        raise AnswerError(f"a function is asked for, such as lambda {arguments}: {names[0]}; you gave {answer!r:.40}.")
    f: Callable[..., Any] = answer
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # some builtins have none
        return f
    try:
        signature.bind(*names)
    except TypeError:
        raise AnswerError(f"it is to be a function of {arguments}; yours takes {signature}.") from None
    if sorted(signature.parameters) == sorted(names):  # in whatever order
        return lambda *point: f(**dict(zip(names, point, strict=True)))
    return f


def flat(result: Any) -> tuple[tuple[int, ...], list[float]]:
    """The shape of a number, a Value, an array or nested lists, and the numbers in it.

    >>> flat(Value(3.0)), flat([[1, 2], [3, 4]])
    (((), [3.0]), ((2, 2), [1.0, 2.0, 3.0, 4.0]))
    """
    if result is None:
        raise AnswerError("the function returns None: did it forget its return?")
    if hasattr(result, "tolist"):
        result = result.tolist()
    if not isinstance(result, (list, tuple)):
        return (), [number_from(result)]
    rows = [flat(row) for row in result]
    return (len(rows), *(rows[0][0] if rows else ())), [x for _, row in rows for x in row]


def shown(x: float, other: float | None = None) -> str:
    """A number as hints write it: four digits, or twelve where four are those of another one."""
    return digits(x, 4 if other is None or digits(x, 4) != digits(other, 4) else 12)


def _short(name: str) -> str:
    """`x` of a part that is called `df/dx` or `dx`."""
    return re.sub(r".*/[d∂]|^[d∂](?=.)", "", name)


def _number_in(text: str) -> float:
    """The number that an expression comes to, or the only one among words: `it is -4 units`, `about 1/3`."""
    try:
        return float(_evaluated(text, {}))
    except InputError:
        if words := _IN_WORDS.fullmatch(_NEGATIVE.sub("-", text.translate(_WRITTEN)).strip()):
            return float(_evaluated(words[1], {}))
    remedy = 'write it alone, such as -4, 0.25 or "1/3", and what has a name without quotes'
    raise AnswerError(f'"{text:.40}" cannot be read as a number: {remedy}.')


def _evaluated(text: str, variables: Mapping[str, Any]) -> Any:
    """What the text comes to, read as an expression; never evaluated as Python. InputError where it is none."""
    source = re.split("[=≈~:]", text.translate(_WRITTEN))[-1].strip(" \"'$[]")
    share = source.endswith("%")
    source = re.sub(r"(?<=\d),(?=\d)", ".", source.rstrip("% ")) if "(" not in source else source
    source = _FACTOR.sub(r"\1*", _NEGATIVE.sub("-", re.sub(r"\bln\b", "log", source)))
    known = {**_CONSTANTS, **variables}
    instructions = parse(source)
    for step in instructions:
        if step.name and step.name not in FUNCTIONS:
            raise InputError(f"there is no function {step.name}")
        if isinstance(step.load, str) and not step.name and not step.assigned and step.load not in known:
            raise InputError(f"there is no {step.load} in it, only {', '.join(variables) or 'numbers'}")
    result = evaluate(instructions, known)
    return result / 100 if share else result

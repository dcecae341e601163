"""What the page asks Python for: a circuit to explore, the verdict on its derivatives, files to keep.

A request and its answer are JSON. What is wrong with a request is a sentence, if possible with numbers that would fit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from microgradnn.__main__ import read_values
from microgradnn.answer import Answer
from microgradnn.drawing import draw
from microgradnn.drawing.live import LIVE
from microgradnn.drawing.page import document, heading, steps_piece
from microgradnn.parser import FUNCTIONS, InputError, parse, power_of_e
from microgradnn.stepping import Steps, steps

LONGEST = 1000  # characters: the stack of Python in a browser is short
KEYBOARD = str.maketrans("−×·÷", "-**/")  # what the page itself writes, and some keyboards


def answer(request: str) -> str:
    """The answer to a request: its `kind` is draw, check, svg or html, its circuit `expression` and `numbers`.

    >>> json.loads(answer('{"kind": "check", "expression": "x*y", "numbers": "x=2 y=3"}'))
    {'verdict': 'every derivative is right', 'kind': 'right'}
    >>> json.loads(answer('{"kind": "check", "expression": "x*y", "numbers": "x=2"}'))
    {'message': 'column 3: there is no value for y: add y=NUMBER', 'of': 'numbers', 'fitting': 'x=2 y=1'}
    """
    asked = json.loads(request)
    kind, expression, numbers = asked["kind"], asked["expression"].translate(KEYBOARD), asked["numbers"]
    words = re.sub(r"\s*=\s*", "=", numbers.translate(KEYBOARD)).replace(",", " ").split()
    try:
        if len(expression) > LONGEST:
            raise InputError(f"the expression has {len(expression)} characters, and this page reads {LONGEST} at most")
        answered = ANSWERS[kind](Answer(expression, dict(read_values(words)), check=kind == "check"), asked)
    except InputError as error:
        sentence = str(error).removesuffix(", and the expression first, in quotes")  # what a command line needs
        sentence = re.sub("known are .*", "those that are known stand below", sentence)
        answered = {"message": sentence, **fault(expression, words)}
    except Exception as error:  # the page goes on
        answered = {"message": f"{type(error).__name__}: {error}", "of": "expression"}
    return json.dumps(answered, ensure_ascii=False)


def fault(expression: str, words: list[str]) -> dict[str, str]:
    """Which field is wrong; where numbers do not fit an expression, also those that would: all it uses, new ones 1."""
    try:
        given = dict(read_values(words))
    except InputError:
        return {"of": "numbers"}
    try:
        instructions = parse(expression[: LONGEST + 1])
    except InputError:
        return {"of": "expression"}
    assigned = {instruction.assigned for instruction in instructions}
    loads = [load for _, load, name, _, target in instructions if isinstance(load, str) and not name and not target]
    used = [name for name in dict.fromkeys(loads) if name not in assigned and name not in FUNCTIONS]
    if set(used) == set(given) or ("e" in {*used} - {*given} and power_of_e(instructions)):
        return {"of": "expression"}
    texts = dict(zip(given, (word.partition("=")[2] for word in words), strict=True))
    return {"of": "numbers", "fitting": " ".join(f"{name}={texts.get(name, 1)}" for name in used)}


# ---- the kinds of answers -------------------------------------------------------------------------------------------


def explorable(answer: Answer, asked: Mapping[str, Any]) -> Steps:
    """The steps of the circuit: those asked for learn, or else those that are named like weights and biases."""
    if len(answer.trail.order) > LIVE:
        count = len(answer.trail.order)
        raise InputError(f"the circuit has {count} nodes, and this page draws {LIVE} at most: the package folds it")
    wanted = asked.get("learning")
    if wanted is None:
        wanted = [name for name in answer.inputs if name[0] in "wb"]
    return steps(answer.root, weights=[leaf for name, leaf in answer.inputs.items() if name in wanted])


def drawn(answer: Answer, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The stepper as HTML, and which of the inputs learn in it."""
    walk = explorable(answer, asked)
    learning = [name for name, leaf in answer.inputs.items() if leaf in walk.weights]
    return {"html": steps_piece(walk), "names": list(answer.inputs), "learning": learning}


def checked(answer: Answer, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict that the command line gives with --check, in one sentence."""
    others = [finding for finding in answer.findings if finding.verdict != "right"]
    kind = "wrong" if any(finding.verdict == "wrong" for finding in others) else "right" if answer.agrees else "open"
    answer.findings = others[:1]
    more = f" (and {len(others) - 1} more like it)" if len(others) > 1 else ""
    return {"verdict": f"{answer.objection or 'every derivative is right'}{more}", "kind": kind}


def picture(answer: Answer, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The circuit as SVG."""
    return {"file": draw(answer.root, level=0).svg()}


def page(answer: Answer, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The stepper as a page of its own."""
    walk = explorable(answer, asked)
    return {"file": document(heading(walk), steps_piece(walk))}


ANSWERS = {"draw": drawn, "check": checked, "svg": picture, "html": page}

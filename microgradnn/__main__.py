"""The command line: `microgradnn "(x+y)*z" x=-2 y=5 z=-4` prints a circuit and its backward steps.

Here are the arguments and the look of the answer; reading and running the expression is in `expression`.
Whatever is wrong with the input becomes one line on standard error and exit status 2; no input at all, a short usage.
"""

from __future__ import annotations

import json
import keyword
import math
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

from microgradnn import __version__
from microgradnn.backprop import hessian, steps
from microgradnn.checks import check_grads, numeric_grad
from microgradnn.demonstrations import DEMONSTRATIONS, train
from microgradnn.drawing import check_path, draw
from microgradnn.expression import FUNCTIONS, LONGEST, InputError, check_names, evaluate, parse
from microgradnn.notation import columns, digits, formula, written
from microgradnn.tables import backward_lines, forward_table, hessian_table
from microgradnn.value import Value

HELP = f"""\
usage: microgradnn EXPRESSION [NAME=NUMBER ...] [options]
       microgradnn train digits|moons [--epochs N] [--seed N] [--save FILE]
                         [--plot FILE] [--compiled]

Print the circuit of an expression: every gate with its value and its local
derivatives, the backward steps, and the gradient of every input.

  EXPRESSION       numbers, names, + - * / **, brackets and functions;
                   "-" reads it from standard input
  NAME=NUMBER      the value of a variable, for example x=-2

options:
  --save FILE      also save it as .svg, .png, .pdf, .dot, .tex (equations) or
                   .html (a page to step through); may be repeated
  --order 1|2      2 adds the second derivatives, the Hessian
  --check          numeric gradients beside the exact ones; the exit status is
                   1 unless they agree
  --no-steps       leave out the backward steps
  --json           print one JSON document; inf and nan are strings in it
  --version        print the version
  --help           print this page

functions:
{chr(10).join(wrap(", ".join(FUNCTIONS), 76, initial_indent="  ", subsequent_indent="  "))}

train:
  digits, moons    watch a network learn real handwritten digits, or two half
                   circles of points; needs scikit-learn
  --epochs N       how often to go through the data
  --seed N         another start and another order of the data; 0 unless given
  --save FILE      keep the weights as .safetensors, which PyTorch reads too
  --plot FILE      draw the training as .png, .svg or .pdf; needs matplotlib
  --compiled       compile the network first: the same numbers in less time

examples:
  microgradnn "(x+y)*z" x=-2 y=5 z=-4
  microgradnn "sigmoid(w*x+b)" w=2 x=-1 b=3 --check --save neuron.svg
  microgradnn train digits --compiled --plot digits.png
"""
USAGE = """\
usage: microgradnn EXPRESSION [NAME=NUMBER ...] [options]
       microgradnn train digits|moons [options]

Shows how an expression is computed and differentiated, gate by gate, or how a
network learns. For example:

  microgradnn "(x+y)*z" x=-2 y=5 z=-4
  microgradnn train digits --compiled

microgradnn --help lists the options and the functions.
"""
FLAGS = ("--check", "--no-steps", "--json", "--version", "--help")
VALUED = ("--save", "--order")
ASCII = str.maketrans({"∂": "d", "×": "*", "·": "*", "−": "-", "─": "-", "∞": "inf", "…": "...", "—": "-"})


# ---- the arguments ----------------------------------------------------------------------------------------------


class Request(NamedTuple):
    """What the arguments ask for."""

    expression: str
    given: dict[str, float]
    flags: set[str]
    order: int
    paths: list[str]


def read_arguments(argv: Sequence[str]) -> Request:
    """Sort options from words; the first word is the expression, also when it begins with a minus sign."""
    if list(argv) == ["-h"]:  # beside other words, -h is an expression
        argv = ["--help"]
    flags: set[str] = set()
    words: list[str] = []
    options: list[tuple[str, str]] = []
    rest = iter(argv)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if argument == "--":
            words.extend(rest)
        elif argument in FLAGS:
            flags.add(argument)
        elif name in VALUED:
            options.append((name, value if equals else next(rest, "")))
        else:
            words.append(argument)
    orders = [value for name, value in options if name == "--order"] or ["1"]
    if not set(orders) <= {"1", "2"}:
        raise InputError(f"--order is 1 or 2, got {orders[-1]!r}")
    paths = [value for name, value in options if name == "--save"]
    if flags & {"--help", "--version"}:
        return Request("", {}, flags, 1, [])
    for word in words:
        option = re.fullmatch(r"--([a-z]+)[a-z-]*(=.*)?", word)
        if option and not any(other.startswith(f"{option[1]}=") for other in words):
            raise InputError(f"unknown option {word}; known: {', '.join(VALUED + FLAGS)}")
    if not words:
        raise InputError('give an expression, for example "(x+y)*z" x=-2 y=5 z=-4; --help tells more')
    for path in paths:
        try:
            check_path(path)
        except (OSError, ValueError) as error:
            raise InputError(str(error)) from None
    expression = words[0] if words[0] != "-" else _standard_input()
    return Request(expression, dict(_values(words[1:])), flags, int(orders[-1]), paths)


def read_training(argv: Sequence[str]) -> dict[str, Any]:
    """The arguments behind the word train, as those of `demonstrations.train`."""
    options: dict[str, Any] = {"epochs": None, "seed": 0, "save": None, "plot": None, "compiled": False}
    names = []
    rest = iter(argv)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if not name.startswith("-"):
            names.append(argument)
            continue
        if not name.startswith("--") or name[2:] not in options:
            raise InputError(f"unknown option {name} of train; known: {', '.join(f'--{option}' for option in options)}")
        if name == "--compiled":
            if equals:
                raise InputError(f"{argument} must be --compiled alone")
            options["compiled"] = True
            continue
        value = value if equals else next(rest, "")
        if name in ("--epochs", "--seed"):
            least = 1 if name == "--epochs" else 0
            if not re.fullmatch("[0-9]+", value) or not least <= int(value) < 2**32:
                raise InputError(f"{name} must be a whole number ≥ {least} and below 2³², got {value or 'none'}")
            options[name[2:]] = int(value)
        else:
            options[name[2:]] = value
    if len(names) != 1:
        raise InputError(f"train takes one of {', '.join(DEMONSTRATIONS)}, got {' '.join(names) or 'none'}")
    return {"name": names[0], **options}


def _standard_input() -> str:
    try:
        return sys.stdin.read(LONGEST + 2) if sys.stdin else ""
    except UnicodeDecodeError:
        raise InputError("standard input is not text") from None


def _values(words: list[str]) -> Iterator[tuple[str, float]]:
    seen = set()
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        name = unicodedata.normalize("NFKC", name)  # as ast does
        if not equals or not name.isidentifier():
            raise InputError(f"{word!r:.60} is not a value: write NAME=NUMBER, and the expression first, in quotes")
        if keyword.iskeyword(name):
            raise InputError(f"{name} is a word of Python: choose another name, for example {name}_")
        if name in seen:
            raise InputError(f"{name} is given twice")
        seen.add(name)
        try:
            value = float(text)
        except ValueError:
            raise InputError(f"{name}={text:.40}: {text!r:.40} is not a number") from None
        if math.isinf(value) and "inf" not in text.lower():
            raise InputError(f"{name}={text:.40}: the number is too large")
        yield name, value


# ---- the answer -----------------------------------------------------------------------------------------------------


class Answer:
    """What was found for a request; `text` and `document` are two ways to say it."""

    def __init__(self, request: Request) -> None:
        program = parse(request.expression)
        check_names(program, request.given)
        names, point = list(request.given), list(request.given.values())

        def f(*numbers: Any) -> Any:
            return evaluate(program, dict(zip(names, numbers, strict=True)))

        self.request = request
        self.inputs = dict(zip(names, map(Value, point, names), strict=True))
        out = f(*self.inputs.values())
        self.root: Value = out if isinstance(out, Value) else Value(out)  # a number where there are no variables
        self.root.backward()
        self.trail = steps(self.root)
        self.f = self.trail.names[id(self.root)]
        self.hessian = hessian(lambda x: f(*x))(point) if request.order == 2 else None
        self.numeric: list[float | None] | None = None
        self.objection = ""
        if "--check" in request.flags:
            self.numeric, self.objection = _checked(f, names, point, request.order)

    def text(self) -> str:
        """Tables for a terminal."""
        expression = " ".join(self.request.expression.split())
        shown = expression if len(expression) <= 72 else f"{expression[:71]}…"
        name = f"{self.f} = " if self.f != expression else ""
        sections = [[f"{name}{shown} = {digits(self.root.data)}"]]
        if self.root.primitive is not None:
            sections.append(
                ["Forward: every gate with its value and its local derivatives", *forward_table(self.trail)]
            )
        if "--no-steps" not in self.request.flags:
            sections.append(["Backward: upstream gradient × local derivative, added up", *backward_lines(self.trail)])
        if self.inputs:
            sections.append(["Gradients", *self._gradient_table()])
        if self.numeric is not None:
            sections[-1] += wrap(f"Check: {self.objection or 'exact and numeric derivatives agree.'}", 90)
        if self.hessian:
            title = f"Hessian: ∂²{self.f} by row and column"
            sections.append([title, *hessian_table(list(self.inputs), self.hessian)])
        if self.request.paths:
            sections.append([f"Saved {', '.join(self.request.paths)}"])
        return "\n\n".join("\n  ".join(section) for section in sections) + "\n"

    def _gradient_table(self) -> list[str]:
        header = ["input", "value", f"∂{self.f}/∂input"]
        rows = [[name, digits(leaf.data), digits(leaf.grad)] for name, leaf in self.inputs.items()]
        if self.numeric is not None:
            header += ["numeric", "difference"]
            for row, leaf, numeric in zip(rows, self.inputs.values(), self.numeric, strict=True):
                row[2] = _precisely(leaf.grad)
                row += ["—", "—"] if numeric is None else [_precisely(numeric), _precisely(abs(leaf.grad - numeric), 2)]
        return columns(header, rows, right=header[1:])

    def document(self) -> dict[str, Any]:
        """Everything as data for JSON."""
        name_of = self.trail.names
        document: dict[str, Any] = {
            "expression": self.request.expression.strip(),
            "inputs": {name: leaf.data for name, leaf in self.inputs.items()},
            "value": self.root.data,
            "gates": [
                {
                    "name": name_of[id(gate)],
                    "primitive": gate.primitive.name,
                    "formula": formula(gate.primitive, written(gate.operands, name_of)),
                    "operands": [name_of.get(id(operand), operand) for operand in gate.operands],
                    "value": gate.data,
                    "partials": gate.partials,
                    "gradient": gate.grad,
                }
                for gate in self.trail.order
                if gate.primitive is not None
            ],
            "gradients": {name: leaf.grad for name, leaf in self.inputs.items()},
        }
        if "--no-steps" not in self.request.flags:
            document["steps"] = [
                vars(step) | {"gate": name_of[id(step.gate)], "operand": name_of.get(id(step.operand))}
                for step in self.trail
            ]
        if self.hessian is not None:
            rows = zip(self.inputs, self.hessian, strict=True)
            document["hessian"] = {name: dict(zip(self.inputs, row, strict=True)) for name, row in rows}
        if self.numeric is not None:
            numeric = dict(zip(self.inputs, self.numeric, strict=True))
            document["check"] = {"agrees": not self.objection, "objection": self.objection, "numeric": numeric}
        return document


def _checked(f: Callable[..., Any], names: list[str], point: list[float], order: int) -> tuple[list[float | None], str]:
    """The gradient by differences, None where `f` is undefined beside the point, and what the checker objects to."""
    numeric: list[float | None] = []
    for place, x in enumerate(point):
        try:
            numeric += numeric_grad(lambda moved, at=place: f(*point[:at], moved, *point[at + 1 :]), (x,))
        except ValueError:
            numeric.append(None)
    try:
        check_grads(f, tuple(point), order)
    except (AssertionError, ValueError) as error:
        return numeric, re.sub(r"argument (\d+)", lambda place: names[int(place[1])], str(error))
    return numeric, ""


def _precisely(x: float, places: int = 10) -> str:
    return f"{x:.{places}g}".replace("-", "−") if math.isfinite(x) else digits(x)


def _strict(data: Any) -> Any:
    """Data as JSON allows it: infinities and nan as strings."""
    if isinstance(data, dict):
        return {key: _strict(one) for key, one in data.items()}
    if isinstance(data, (list, tuple)):
        return [_strict(one) for one in data]
    return repr(data) if isinstance(data, float) and not math.isfinite(data) else data


# ---- the command ----------------------------------------------------------------------------------------------------


def run(argv: Sequence[str]) -> tuple[int, str]:
    """The exit status and what to print."""
    request = read_arguments(argv)
    if "--help" in request.flags:
        return 0, HELP
    if "--version" in request.flags:
        return 0, f"microgradnn {__version__}\n"
    answer = Answer(request)
    for path in request.paths:
        try:
            draw(answer.root).save(path)
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(str(error)) from None
    status = 1 if answer.objection else 0
    if "--json" in request.flags:
        document = _strict(answer.document())
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        return status, (text if _fits(text) else json.dumps(document, indent=2)) + "\n"
    return status, answer.text()


def run_training(argv: Sequence[str]) -> int:
    """Train a demonstration, printing as it goes; the exit status."""
    if set(argv) & {"--help", "-h"}:
        _print(HELP)
        return 0
    lines = train(**read_training(argv))
    while True:
        try:
            line = next(lines, None)
        except (ImportError, OSError, ValueError) as error:
            raise InputError(str(error)) from None
        if line is None:
            return 0
        try:
            _print(line + "\n")
        except BrokenPipeError:  # nobody reads any more; what was asked for is done all the same
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fits(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, AttributeError):  # no stdout at all
        return False
    return True


def _print(text: str) -> None:
    if sys.stdout is None:
        return
    if not _fits(text):
        encoding = sys.stdout.encoding or "ascii"
        text = text.translate(ASCII).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(text)
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Answer the arguments `argv` (those of the process if None); the result is the exit status."""
    try:
        argv = sys.argv[1:] if argv is None else argv
        if not argv:
            print(USAGE, end="", file=sys.stderr)
            return 2
        if argv and argv[0] == "train" and not any("=" in word and not word.startswith("--") for word in argv):
            return run_training(argv[1:])
        status, text = run(argv)
        _print(text)
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough; what is still buffered must not fail at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _refuse(f"cannot write the answer: {error.strerror}")
    except InputError as error:
        return _refuse(str(error))


def _refuse(message: str) -> int:
    line = "".join(character if character.isprintable() else " " for character in message)
    print(f"microgradnn: {line if len(line) <= 400 else line[:399] + '…'}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())

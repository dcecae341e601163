"""The shell: `microgradnn "(x+y)*z" x=-2 y=5 z=-4` prints a circuit and its backward steps.

The expression comes first, in quotes, then a number for each name. It is made of numbers, names, `+ - * / % **`,
brackets and functions, which `microgradnn --help` lists. It is read against a whitelist, and nothing is ever evaluated
as Python. With `--check` every derivative gets a verdict, beside what is true::

    $ microgradnn "sigmoid(w*x+b)" w=2 x=-1 b=3 --no-steps --check
    f = sigmoid(w*x+b) = 0.7311

    Forward: every gate with its value and its local derivatives
      gate   formula        value   local derivatives
      ────   ───────────   ──────   ─────────────────────────────────
      u1     w × x             −2   ∂u1/∂w = −1       ∂u1/∂x = 2
      u2     u1 + b             1   ∂u2/∂u1 = 1       ∂u2/∂b = 1
      f      sigmoid(u2)   0.7311   ∂f/∂u2 = 0.1966

    Gradients
      input   value       ∂f/∂input        in truth   difference   verdict
      ─────   ─────   ─────────────   ─────────────   ──────────   ───────────────
      w           2   −0.1966119332   −0.1966119332      2.8e−17   right, by proof
      x          −1    0.3932238665    0.3932238665      5.6e−17   right, by proof
      b           3    0.1966119332    0.1966119332      2.8e−17   right, by proof
      Check: every derivative is right.

Other options:

- `--save f.svg`: also save the picture; or .png, .pdf, .dot, .tex (equations), .html (a page to step through and to
  explore). It may be repeated. `--open` shows that page in a browser.
- `--order 2`: the second derivatives too, as the Hessian.
- `--no-steps` leaves the backward steps out; `--json` prints one document for programs, in which inf and nan are
  strings.
- `-` in place of the expression reads it from standard input.

Results get names by `=`, and parts are set off by `;`. Pictures, tables and steps then speak of them::

    $ microgradnn "q = x + y; f = q*z" x=-2 y=5 z=-4 --no-steps
    f = q*z = −12

    Forward: every gate with its value and its local derivatives
      gate   formula   value   local derivatives
      ────   ───────   ─────   ───────────────────────
      q      x + y         3   ∂q/∂x = 1    ∂q/∂y = 1
      f      q × z       −12   ∂f/∂q = −4   ∂f/∂z = 3

    Gradients
      input   value   ∂f/∂input
      ─────   ─────   ─────────
      x          −2          −4
      y           5          −4
      z          −4           3

The exit status is 0, with `--check` 1 unless all derivatives are right, and 2 for what cannot be read or done, which a
line on standard error says. On a terminal forward is green and backward red, unless NO_COLOR is set.

Watch a network learn
---------------------

`microgradnn train digits` learns to read handwriting; in `microgradnn train moons` 33 neurons tell two half circles
apart. They need scikit-learn, and matplotlib for `--plot` (extras [sklearn,plot])::

    $ microgradnn train digits --save digits.safetensors --plot digits.png
    1,797 handwritten digits of 8 × 8 pixels: 1,437 to learn from, 360 held out
    MLP(64, [32, 10]) with tanh: 42 neurons, 2,410 parameters

    epoch      loss   held-out loss   accuracy
    ─────   ───────   ─────────────   ────────
        1     1.113          0.4683     90.8 %
        3    0.1708          0.1917     95.3 %
        5    0.1059          0.1756     95.3 %
        7   0.07375          0.1192     97.8 %
        9    0.0559          0.1267     96.7 %
       11   0.04692          0.1111     97.2 %
       13   0.04073          0.1097     97.5 %
       15   0.03872          0.1102     97.2 %

    accuracy on the held-out data: 97.2 % (350 of 360) after 15 epochs
    saved the weights in digits.safetensors
    saved the picture in digits.png

`--epochs` and `--seed` choose another run; `--compiled` gives the same numbers in less time. How PyTorch reads the
file is told in `microgradnn.nn`.

Here are the arguments and the printing; what is printed is in `answer`, what `train` shows in `demonstrations`.
"""

from __future__ import annotations

import json
import keyword
import math
import os
import re
import sys
import tempfile
import unicodedata
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import Any

from microgradnn import __version__, engine
from microgradnn.answer import Answer
from microgradnn.demonstrations import DEMONSTRATIONS, train
from microgradnn.drawing import ENDINGS, draw
from microgradnn.files import check_writable
from microgradnn.parser import FUNCTIONS, LONGEST, InputError
from microgradnn.value import Value

HELP = f"""\
usage: microgradnn EXPRESSION [NAME=NUMBER ...] [options]
       microgradnn train digits|moons [--epochs N] [--seed N] [--save FILE]
                         [--plot FILE] [--compiled]

Print the circuit of an expression: every gate with its value and its local
derivatives, the backward steps, and the gradient of every input.

  EXPRESSION       numbers, names, + - * / % **, brackets, functions;
                   "q = x + y; f = q*z" gives results names;
                   "-" reads it from standard input
  NAME=NUMBER      the value of a variable, for example x=-2

options:
  --save FILE      also save it as .svg, .png, .pdf, .dot, .tex (equations) or
                   .html (a page to step through); may be repeated
  --order 1|2      2 adds the second derivatives, the Hessian
  --check          verdicts on all derivatives, beside what is true; the exit
                   status is 1 unless they are right
  --no-steps       leave out the backward steps
  --open           show the page to step through and to explore in a browser
  --json           print one JSON document; inf and nan are strings in it
  --version        print the version, and which engine runs: native or python
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
  microgradnn "q = x + y; f = q*z" x=-2 y=5 z=-4 --save circuit.html
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
ASCII = str.maketrans({"∂": "d", "×": "*", "·": "*", "−": "-", "─": "-", "∞": "inf", "…": "...", "—": "-"})


# ---- the arguments ----------------------------------------------------------------------------------------------


def _order(text: str) -> int:
    if text not in ("1", "2"):
        raise InputError(f"is 1 or 2, got {text!r}")
    return int(text)


def _whole_number(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]+", text) or not least <= int(text) < 2**32:
            raise InputError(f"must be a whole number ≥ {least} and below 2³², got {text or 'none'}")
        return int(text)

    return read


Reader = Callable[[str], Any] | None  # of what stands behind an option; None for one that stands alone
OPTIONS: dict[str, Reader] = {
    "--save": str, "--order": _order, "--check": None, "--no-steps": None, "--open": None, "--json": None,
    "--version": None, "--help": None,
}  # fmt: skip
OPTIONS_OF_TRAIN: dict[str, Reader] = {
    "--epochs": _whole_number(1), "--seed": _whole_number(0), "--save": str, "--plot": str, "--compiled": None,
    "--help": None,
}  # fmt: skip


def read_arguments(argv: Sequence[str], known: Mapping[str, Reader], of: str = "") -> tuple[list[str], dict[str, Any]]:
    """Sort the arguments into words and options, each option with a list of what was given to it.

    What begins with a minus sign and is no option may be an expression: --x is x, where x has a value.

    >>> read_arguments(["-x", "x=1", "--order=2", "--json"], OPTIONS)
    (['-x', 'x=1'], {'--order': [2], '--json': [True]})
    """
    words: list[str] = []
    options: dict[str, Any] = {}
    rest = iter(argv)
    for argument in rest:
        name, equals, text = argument.partition("=")
        if argument == "--":
            words.extend(rest)
        elif name not in known:
            words.append(argument)
        elif reader := known[name]:
            try:
                options.setdefault(name, []).append(reader(text if equals else next(rest, "")))
            except InputError as error:
                raise InputError(f"{name} {error}") from None
        elif equals:
            raise InputError(f"{argument} must be {name} alone")
        else:
            options[name] = [True]
    for word in words:
        option = re.fullmatch(r"(--([a-z]+)[a-z-]*)(=.*)?", word)
        if option and "--help" not in options and not any(other.startswith(f"{option[2]}=") for other in words):
            raise InputError(f"unknown option {option[1]}{of}; known: {', '.join(known)}")
    return words, options


def _standard_input() -> str:
    try:
        return sys.stdin.read(LONGEST + 2) if sys.stdin else ""
    except UnicodeDecodeError:
        raise InputError("standard input is not text") from None


def read_values(words: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Read arguments NAME=NUMBER.

    >>> dict(read_values(["x=-2", "y=5e-1"]))
    {'x': -2.0, 'y': 0.5}
    """
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


# ---- the commands ---------------------------------------------------------------------------------------------------


def _evaluate(argv: Sequence[str]) -> int:
    """Print what an expression comes to; the exit status."""
    words, options = read_arguments(argv, OPTIONS)
    if options.keys() & {"--help", "--version"}:
        _print(HELP if "--help" in options else f"microgradnn {__version__}, engine {engine}\n")
        return 0
    if not words:
        raise InputError('give an expression, for example "(x+y)*z" x=-2 y=5 z=-4; --help tells more')
    paths = options.get("--save", [])
    with _refusing():
        for path in paths:
            check_writable(path, ENDINGS)
    expression = words[0] if words[0] != "-" else _standard_input()
    answer = Answer(expression, dict(read_values(words[1:])), options.get("--order", [1])[-1], "--check" in options)
    with _refusing():
        for path in paths:
            draw(answer.root).save(path)
    with_steps = "--no-steps" not in options
    if "--json" in options:
        document = answer.document(with_steps)
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        _print((text if _fits(text) else json.dumps(document, indent=2)) + "\n")
    else:
        coloured = sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        _print(answer.text(with_steps, coloured) + (f"\nSaved {', '.join(paths)}\n" if paths else ""))
    if "--open" in options:
        _show(answer.root)
    return 0 if answer.agrees else 1


def _show(root: Value) -> None:
    """Show the page of a circuit in a browser; InputError, with the path of the page, where there is none."""
    path = Path(tempfile.mkdtemp(prefix="microgradnn-")) / "circuit.html"
    with _refusing():
        draw(root).save(path)
    if not webbrowser.open(path.as_uri()):
        raise InputError(f"there is no browser to open {path} with")


def _train(argv: Sequence[str]) -> int:
    """Train a demonstration, printing as it goes; the exit status."""
    words, options = read_arguments(
        ["--help" if word == "-h" else word for word in argv], OPTIONS_OF_TRAIN, " of train"
    )
    if "--help" in options:
        _print(HELP)
        return 0
    if len(words) != 1:
        raise InputError(f"train takes one of {', '.join(DEMONSTRATIONS)}, got {' '.join(words) or 'none'}")
    lines = train(words[0], **{name.removeprefix("--"): given[-1] for name, given in options.items()})
    while True:
        with _refusing():
            line = next(lines, None)
        if line is None:
            return 0
        try:
            _print(line + "\n")
        except BrokenPipeError:  # what was asked for is done all the same
            _discard_output()


@contextmanager
def _refusing() -> Iterator[None]:
    """What the package refuses or cannot do inside the block is wrong with the input."""
    try:
        yield
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise InputError(str(error)) from None


def _discard_output() -> None:
    """Nobody reads any more; what is still buffered must not fail at exit."""
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
        if argv[0] == "train" and not any("=" in word and not word.startswith("--") for word in argv):
            return _train(argv[1:])
        return _evaluate(["--help"] if list(argv) == ["-h"] else argv)  # beside other words, -h is an expression
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _discard_output()
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

"""The guides of the package: prefaces of modules, and the blocks of code in them that are no doctests."""

import ast
import re
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parent.parent


def guide(path):
    """The preface of a module, by its path."""
    return ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8")))


def blocks(text):
    r"""The literal blocks of a preface: what is indented behind a line that ends in two colons.

    >>> blocks("So::\n\n    a = 1\n\n    b = 2\n\nand::\n\n    $ c\n    d")
    ['a = 1\n\nb = 2\n', '$ c\nd\n']
    """
    found = re.findall(r"::\n\n((?:    .*\n+)+)", text + "\n")
    return [dedent(block).rstrip("\n") + "\n" for block in found]


def commands(text):
    r"""The commands of a text, each with what stands below it.

    >>> commands("So::\n\n    $ microgradnn x x=1\n    f = x = 1\n    $ microgradnn train moons\n")
    [('microgradnn x x=1', 'f = x = 1\n'), ('microgradnn train moons', '')]
    """
    return [pair for block in blocks(text) for pair in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]

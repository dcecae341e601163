"""The rooms of the package, from the order that tests hold: each with the first sentence of its module."""

import ast
import re
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent


def _order() -> list[str]:
    tree = ast.parse((ROOT / "tests/test_layers.py").read_text(encoding="utf-8"))
    [order] = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "ORDER"]
    return ast.literal_eval(order)


ORDER = _order()


def path_of(room: str) -> str:
    """The file in which a room begins."""
    folder = f"microgradnn/{room}/__init__.py"
    return folder if (ROOT / folder).is_file() else f"microgradnn/{room}.py"


def first_sentence(docstring: str) -> str:
    """A docstring up to the end of its first sentence.

    >>> first_sentence("What a `Value` is, e.g. 2.5. And more.")
    'What a `Value` is, e.g. 2.5.'
    """
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.?!]) (?=[A-Z`])", paragraph)[0]


class Rooms(SphinxDirective):
    """A list of all rooms, with links to their sources."""

    def run(self):
        """One entry a room."""
        from docstrings import Around
        from sources import page_of

        entries = []
        for room in ORDER:
            path = path_of(room)
            sentence = first_sentence(ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or "")
            uri = self.env.app.builder.get_relative_uri(self.env.docname, page_of(path))
            link = nodes.reference("", "", nodes.literal(room, room), internal=True, refuri=uri)
            text, _ = self.parse_inline(Around("module").prose(sentence))
            explanation = nodes.definition("", nodes.paragraph("", "", *text))
            entries.append(nodes.definition_list_item("", nodes.term("", "", link), explanation))
        return [nodes.definition_list("", *entries, classes=["rooms"])]


def setup(app):
    """Add the directive."""
    app.add_directive("rooms", Rooms)

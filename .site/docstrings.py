"""Docstrings are plain English: what reST would take for markup is text, and names in backticks are linked.

What is kept of reST is what reads well in plain text too: paragraphs, lists, headings with a line below, examples, and
blocks that are set in by spaces, after `::` or without.
"""

import re

from docutils import nodes
from reference import parameters
from rooms import ORDER
from sources import page_of
from sphinx import addnodes
from sphinx.util.nodes import make_refnode

NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*(\(\))?")
_CODE = re.compile(r"``.+?``|`[^`]+`", re.DOTALL)
_RULE = re.compile(r"([=\-~*^])\1{2,}")
_LIST = re.compile(r"( *)([-•] |\d+\. )")


def escaped(text: str) -> str:
    r"""Text in which nothing is markup.

    >>> escaped("a * b, **kwargs, v_ and |x|")
    'a \\* b, \\*\\*kwargs, v\\_ and \\|x\\|'
    """
    return re.sub(r"[\\*|`]|_\b|(?<=\w)_(?!\w)", lambda match: "\\" + match[0], text)


def code(span: str, own: frozenset[str] = frozenset()) -> str:
    """What stands in backticks: a name that may lead to its entry, or code; a parameter of the function is its `own`.

    >>> code("`grad`"), code("`x < y`"), code("``[1]``"), code("`x`", frozenset({"x"}))
    (':name:`grad`', '``x < y``', '``[1]``', '``x``')
    """
    inner = " ".join(span.strip("`").split())
    if span.startswith("``") or inner in own or not NAME.fullmatch(inner):
        return f"``{inner}``"
    return f":name:`{inner}`"


def prose(text: str, own: frozenset[str] = frozenset()) -> str:
    """A paragraph as reST: its code marked, all else escaped. A span of code does not end beside a letter there."""
    parts, position = [], 0
    for match in _CODE.finditer(text):
        before, after = text[position : match.start()], text[match.end() : match.end() + 1]
        parts += [escaped(before), "\\ " if before and before[-1:].isalnum() else "", code(match[0], own)]
        parts += ["\\ " if after.isalnum() else ""]
        position = match.end()
    return "".join([*parts, escaped(text[position:])])


def indent(line: str) -> int:
    """How far a line is set in."""
    return len(line) - len(line.lstrip())


def blocks(lines):
    """The paragraphs of a text: lists of lines without empty ones."""
    block = []
    for line in [*lines, ""]:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []


def as_rest(lines: list[str], own: frozenset[str] = frozenset()) -> list[str]:
    r"""A docstring, without its common indent, as reST.

    >>> print("\n".join(as_rest(["2 * `x`:", "", "    s = x * y", "", "and *so* on."])))
    2 \* :name:`x`:
    <BLANKLINE>
    ::
    <BLANKLINE>
        s = x * y
    <BLANKLINE>
    and \*so\* on.
    <BLANKLINE>
    """
    result, base, literal = [], 0, False
    for block in blocks(lines):
        first = indent(block[0])
        if literal and first > base:
            result += [*block, ""]
            continue
        literal = False
        start = next((i for i, line in enumerate(block) if line.lstrip().startswith(">>> ")), len(block))
        text, example = block[:start], block[start:]
        if text and first > base and not _LIST.match(text[0]):
            result += ["::", "", *block, ""]
            literal = True
            continue
        if text:
            heading = len(text) == 2 and _RULE.fullmatch(text[1].strip())
            result += [text[0], text[1], ""] if heading else [*prose("\n".join(text), own).split("\n"), ""]
            literal = text[-1].endswith("::")
            base = first + (len(_LIST.match(text[-1])[2]) if _LIST.match(text[-1]) else 0)
        if example:
            result += [*example, ""]
    return result


def _plain(app, what, name, thing, options, lines):
    lines[:] = as_rest(list(lines), parameters(thing))


def _name(role, rawtext, text, line, inliner, options=None, content=()):
    """A name that may have an entry: it is looked for when all entries are known."""
    context = inliner.document.settings.env.ref_context
    literal = nodes.literal(text, text, classes=["name"])
    where = {"module": context.get("py:module"), "within": context.get("py:class")}
    return [addnodes.pending_xref("", literal, reftype="name", reftarget=text.removesuffix("()"), **where)], []


def entry(name: str, module: str | None, within: str | None, objects) -> str | None:
    """The full name of the one entry that `name` can mean; None where there is none, or more than one."""
    module = module or "microgradnn"
    near = [f"{module}.{within}.{name}", f"{module}.{name}", f"microgradnn.{name}", name]
    for full in near if within else near[1:]:
        if full in objects:
            return full
    if "." not in name and not name[0].isupper():  # too many things are called `data` or `step`
        return None
    found = {full for full in objects if full.endswith(f".{name}")}
    found = {full for full in found if not objects[full].aliased}
    return found.pop() if len(found) == 1 else None


def _resolve(app, env, node, contents):
    if node["reftype"] != "name":
        return None
    name, objects = node["reftarget"], env.domains["py"].objects
    full = entry(name, node.get("module"), node.get("within"), objects)
    if full is not None:
        place = objects[full]
        return make_refnode(app.builder, node["refdoc"], place.docname, place.node_id, contents, full)
    room = name.removeprefix("microgradnn.").partition(".")[0]
    if room in ORDER and not room.startswith("__"):
        path = source_of(env.srcdir, name.removeprefix("microgradnn."))
        if path:
            uri = app.builder.get_relative_uri(node["refdoc"], page_of(path))
            return nodes.reference("", "", contents, internal=True, refuri=uri)
    return contents


def source_of(root, dotted: str) -> str | None:
    """The file of a module of the package."""
    for path in (f"microgradnn/{dotted.replace('.', '/')}.py", f"microgradnn/{dotted.replace('.', '/')}/__init__.py"):
        if (root / path).is_file():
            return path
    return None


def setup(app):
    """Read docstrings as plain text, and link the names in them."""
    app.add_role("name", _name)
    app.connect("autodoc-process-docstring", _plain)
    app.connect("missing-reference", _resolve)

"""Docstrings are plain English: what reST would take for markup is text, and names in backticks are linked.

What is kept of reST is what reads well in plain text too: paragraphs, lists, headings with a line below, examples, and
blocks that are set in by spaces, after `::` or without.
"""

import builtins
import inspect
import re

from docutils import nodes
from reference import parameters, returned
from sources import page_of
from sphinx import addnodes
from sphinx.util.inspect import stringify_signature
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


class Around:
    """Where a docstring stands: parameters are no entries; names may be members of the class that a function gives."""

    def __init__(self, what: str = "", thing: object = None) -> None:
        self.role = "room" if what == "module" else "name"
        self.parameters = parameters(thing)
        self.returned = returned(thing) if what in ("function", "method") else None

    def code(self, span: str) -> str:
        """What stands in backticks: a name that may lead to its entry, or code.

        >>> here = Around("function", lambda x: x)
        >>> here.code("`grad`"), here.code("`x < y`"), here.code("``[1]``"), here.code("`x`")
        (':name:`grad`', '``x < y``', '``[1]``', '``x``')
        """
        inner = " ".join(span.strip("`").split())
        name = inner.removesuffix("()")
        if span.startswith("``") or name in self.parameters or not NAME.fullmatch(inner):
            return f"``{inner}``"
        if self.returned is not None and hasattr(self.returned, name):
            return f":name:`{inner} <{self.returned.__module__}.{self.returned.__qualname__}.{name}>`"
        return f":{self.role}:`{inner}`"

    def prose(self, text: str) -> str:
        """A paragraph as reST: its code marked, all else escaped. Code that touches a letter needs a break there."""
        parts, position = [], 0
        for match in _CODE.finditer(text):
            before, after = text[position : match.start()], text[match.end() : match.end() + 1]
            parts += [escaped(before), "\\ " if before[-1:].isalnum() else "", self.code(match[0])]
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


def as_rest(lines: list[str], around: Around) -> list[str]:
    r"""A docstring, without its common indent, as reST.

    >>> print("\n".join(as_rest(["2 * `x`:", "", "    s = x * y", "", "and *so* on."], Around())))
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
            result += [text[0], text[1], ""] if heading else [*around.prose("\n".join(text)).split("\n"), ""]
            literal = text[-1].endswith("::")
            base = first + (len(_LIST.match(text[-1])[2]) if _LIST.match(text[-1]) else 0)
        if example:
            result += [*example, ""]
    return result


def _plain(app, what, name, thing, options, lines):
    of_its_type = what == "data" and lines and lines[0] in (inspect.getdoc(type(thing)) or "")
    lines[:] = [] if of_its_type else as_rest(list(lines), Around(what, thing))


def _signature(app, what, name, thing, options, signature, returns):
    """What a class is called with, as Python says: some have a `__new__` that takes anything."""
    if what == "class" and signature is not None and signature.startswith("(*args"):
        return stringify_signature(inspect.signature(thing), unqualified_typehints=True), returns
    return None


def _name(role, rawtext, text, line, inliner, options=None, content=()):
    """A name that may have an entry, or also a module: it is looked for when all entries are known."""
    context = inliner.document.settings.env.ref_context
    shown, _, target = text.rstrip(">").partition(" <")
    literal = nodes.literal(shown, shown, classes=["name"])
    where = {"module": context.get("py:module"), "within": context.get("py:class")}
    return [addnodes.pending_xref("", literal, reftype=role, reftarget=target or shown.removesuffix("()"), **where)], []


def entry(name: str, module: str | None, within: str | None, objects) -> str | None:
    """The full name of the one entry that `name` can mean; None where there is none, or more than one."""
    module = module or "microgradnn"
    if hasattr(builtins, name) and name != "compile":  # Python's own is meant; ours is `microgradnn.sum`
        return None
    near = [f"{module}.{within}.{name}", f"{module}.{name}", f"microgradnn.{name}", name]
    for full in near if within else near[1:]:
        if full in objects:
            return full
    if "." not in name and not name[0].isupper():  # too many things are called `data` or `step`
        return None
    found = {full for full in objects if full.endswith(f".{name}")}
    found = {full for full in found if not objects[full].aliased}
    return found.pop() if len(found) == 1 else None


def source_of(root, name: str, module: str) -> str | None:
    """The file of a module, by its name in full, in the package or beside the `module` in which it is spoken of."""
    for package in ("", "microgradnn.", f"{module}.", f"{module.rpartition('.')[0]}."):
        path = (package + name).replace(".", "/")
        for file in (f"{path}.py", f"{path}/__init__.py"):
            if file.startswith("microgradnn/") and (root / file).is_file():
                return file
    return None


def _resolve(app, env, node, contents):
    if node["reftype"] not in ("name", "room"):
        return None
    name, objects = node["reftarget"], env.domains["py"].objects
    full = entry(name, node.get("module"), node.get("within"), objects)
    if full is not None:
        place = objects[full]
        return make_refnode(app.builder, node["refdoc"], place.docname, place.node_id, contents, full)
    path = source_of(env.srcdir, name, node.get("module") or "")
    if path and (node["reftype"] == "room" or "." in name):
        uri = app.builder.get_relative_uri(node["refdoc"], page_of(path))
        return nodes.reference("", "", contents, internal=True, refuri=uri)
    return contents


def setup(app):
    """Read docstrings as plain text, and link the names in them."""
    app.add_role("name", _name)
    app.add_role("room", _name)
    app.connect("autodoc-process-docstring", _plain)
    app.connect("autodoc-process-signature", _signature)
    app.connect("missing-reference", _resolve)

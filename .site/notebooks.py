"""What notebooks need on a page: anchors as Jupyter writes them, formulas without a script, pictures with a text."""

import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from docutils import nodes
from latex2mathml.converter import convert


def slug(heading: str) -> str:
    """The anchor of a heading on the site.

    >>> slug("2. How much is due to $w_1$?")
    '2-how-much-is-due-to-w1'
    """
    return re.sub(r"[^\w -]", "", re.sub(r"[*`$_]", "", heading)).strip().lower().replace(" ", "-")


def _anchors(app, docname, source):
    """Links to sections of notebooks are written with Jupyter's anchors, which are headings with hyphens for spaces."""
    source[0] = re.sub(r"(\.ipynb#)([^)\s]+)\)", lambda link: f"{link[1]}{slug(unquote(link[2]))})", source[0])


def _inline(translator, node):
    formula = convert(node.astext())
    if isinstance(node.parent.parent, nodes.entry):  # a table's cell is to have a text, too
        formula = f'<span role="img" aria-label="{escape(node.astext())}">{formula}</span>'
    translator.body.append(formula)
    raise nodes.SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="formula" tabindex="0">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def _texts(app, doctree):
    """A picture that a cell gave is told in words: a circuit in its own, a plot as what the section is about."""
    for image in doctree.findall(nodes.image):
        if "alt" in image:
            continue
        file = Path(app.srcdir, image["uri"])
        drawing = file.read_text(encoding="utf-8") if file.suffix == ".svg" else ""
        words = [unescape(match) for match in re.findall(r"<(?:title|desc)[^>]*>([^<]+)<", drawing)[:2]]
        section = image
        while section.parent and not isinstance(section, nodes.section):
            section = section.parent
        heading = section.next_node(nodes.title).astext()
        image["alt"] = ": ".join(words) or f"Drawn by the cell above, in the section “{heading}”"


def setup(app):
    """Connect the steps."""
    app.connect("doctree-read", _texts)
    app.connect("source-read", _anchors)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))

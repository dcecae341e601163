"""What notebooks need on a page: anchors as Jupyter writes them, formulas without a script, pictures with a text."""

import re
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
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="formula" tabindex="0">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app):
    """Connect the steps."""
    app.connect("source-read", _anchors)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))

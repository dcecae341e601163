"""What notebooks need on a page: anchors as Jupyter writes them, formulas without a script, pictures with a text."""

import re
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes


def slug(heading: str) -> str:
    """The anchor of a heading on the site.

    >>> slug("2. How much is due to $w_1$?")
    '2-how-much-is-due-to-w1'
    """
    return re.sub(r"[^\w -]", "", re.sub(r"[*`$_]", "", heading)).strip().lower().replace(" ", "-")


def _anchors(app, docname, source):
    """Links to sections of notebooks are written with Jupyter's anchors, which are headings with hyphens for spaces."""
    source[0] = re.sub(r"(\.ipynb#)([^)\s]+)\)", lambda link: f"{link[1]}{slug(unquote(link[2]))})", source[0])


def _as_record(app, doctree):
    """A notebook's page says above its first section that it is one to read, and gives the notebook to answer in."""
    file = Path(app.env.doc2path(app.env.docname))
    if file.suffix != ".ipynb":
        return
    uri = app.builder.get_relative_uri(app.env.docname, "course") + "#how-to-begin"
    words = nodes.paragraph("", "Its questions were left open. To answer them, ")
    words += addnodes.download_reference("", "download the notebook", reftarget=f"/notebooks/{file.name}")
    words += nodes.Text(" and run it as ")
    words += nodes.reference("", "the course says", internal=True, refuri=uri)
    words += nodes.Text(".")
    box = nodes.admonition("", nodes.title("", "A page to read."), words)
    doctree.next_node(nodes.title).parent.insert(1, box)


_NAMED = re.compile(r"(?<!<msu[bp]>)(<mi>(?:ln|exp|cos|tanh)</mi>)(?=<m(?:i|n|style|sub|sup|over)\b)")  # as in ln x


def formula_of(latex: str, display: str = "inline") -> str:
    r"""A formula in MathML, of LaTeX as notebooks have it: the converter knows no `aligned`, and no space after a line.

    >>> formula_of(r"\begin{aligned} a &= b \\[4pt] c &= d \end{aligned}").count("<mtr>")
    2
    >>> formula_of("a & b")
    Traceback (most recent call last):
    ValueError: this formula cannot be shown: a & b
    """
    known = re.sub(r"(\\(?:begin|end))\{aligned\}", r"\1{align*}", latex)
    formula = convert(re.sub(r"(\\\\)\[[^]]*\]", r"\1", known), display=display)
    if re.search(r'<mi>(&(amp;)?|\\.*?)</mi>|"newline"', formula):  # what the converter does not know is copied
        raise ValueError(f"this formula cannot be shown: {latex}")
    return _NAMED.sub(r'\1<mspace width="0.17em"/>', formula)


def _inline(translator, node):
    formula = formula_of(node.astext())
    if isinstance(node.parent.parent, nodes.entry):  # a table's cell is to have a text, too
        formula = f'<span role="img" aria-label="{escape(node.astext())}">{formula}</span>'
    translator.body.append(formula)
    raise nodes.SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="formula" tabindex="0">{formula_of(node.astext(), "block")}</div>')
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
    app.connect("doctree-read", _as_record, priority=400)  # before downloads are collected
    app.connect("source-read", _anchors)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))

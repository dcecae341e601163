"""What the theme's pages lack for those who use no mouse or no screen: names, headings, and a way to scroll by keys."""

import re
from pathlib import Path

# What is written, and what is to be written in its place.
_BETTER = [
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    (r'<aside class="toc-drawer( no-toc)?">', r'<aside class="toc-drawer\1" aria-label="On this page">'),
    ('<pre>', '<pre tabindex="0">'),
    ('<div class="table-wrapper([^>]*)>', r'<div class="table-wrapper\1 tabindex="0">'),
    (r'<th class="head([^"]*)"><p></p></th>', r'<td class="head\1"></td>'),
    (r'<dl>\n(<dd><em class="sig-param">.*?)</dl>', lambda found: _as_lines(found[1])),
    ('<div id="search-results">', '<h1>Search</h1>\n<div id="search-results">'),
]  # fmt: skip


def _as_lines(parameters: str) -> str:
    """Parameters, each on a line of its own: no list of definitions."""
    lines = re.sub(r"<dd>(.*?)</dd>", r'<span class="parameter">\1</span>', parameters)
    return f'<span class="parameters">\n{lines}</span>'


def cleared(page: str) -> str:
    """A page without the barriers that are known.

    >>> cleared("<pre>a</pre>")
    '<pre tabindex="0">a</pre>'
    """
    for pattern, better in _BETTER:
        page = re.sub(pattern, better, page, flags=re.DOTALL)
    return page


def _clear(app, exception):
    if exception is None:
        for path in Path(app.outdir).rglob("*.html"):
            path.write_text(cleared(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app):
    """Go through the pages of the theme when they are written, before others are added."""
    app.connect("build-finished", _clear, priority=400)

"""Which file of the repository is which page, and in which order the pages stand."""

import re
from pathlib import Path, PurePosixPath

from sphinx.project import Project

# Files of the repository that are pages; what is in .site has the address of its name.
PAGES = {
    "README.md": "index",
    "notebooks/README.md": "course",
    "tests/benchmarks/README.md": "benchmarks",
    "microgradnn/PROMISES.md": "promises",
    "microgradnn/CHANGELOG.md": "changelog",
}
PATTERNS = [*PAGES, "notebooks/*.ipynb", ".site/*.rst", ".site/reference/*.rst"]

CONTENTS = {
    "Begin": ["play", "course"],
    "Guides": ["look", "shell", "trust", "run", "coming-from", "own-gates"],
    "Reference": ["reference"],
    "Behind it": ["inside", "benchmarks", "promises", "changelog", "licences"],
}

# Modules whose preface is a guide, and where: a link to one leads there, not to its source.
PREFACES = {
    "microgradnn/drawing/__init__.py": "look",
    "microgradnn/__main__.py": "shell",
    "microgradnn/checks/__init__.py": "trust",
    "microgradnn/nn/__init__.py": "run#networks",
    "microgradnn/optim/__init__.py": "run#optimisers",
    "microgradnn/training/__init__.py": "run#training",
    "microgradnn/compiler/__init__.py": "run#programs-over-arrays",
    "microgradnn/native/__init__.py": "run#the-two-engines",
    "microgradnn/micrograd/__init__.py": "coming-from#micrograd",
    "microgradnn/hints.py": "coming-from#pytorch-jax-scikit-learn",
    "microgradnn/primitive.py": "own-gates",
    "microgradnn/table.py": "own-gates#the-table",
    "microgradnn/value.py": "inside",
    "microgradnn/compiler/build.py": "inside#the-compiler",
}


def address(path: str) -> str | None:
    """The page that a file is: its address without the ending.

    >>> address("README.md"), address("notebooks/01_circuits.ipynb"), address(".site/look.rst"), address("LICENSE")
    ('index', 'course/01_circuits', 'look', None)
    """
    if path in PAGES:
        return PAGES[path]
    file = PurePosixPath(path)
    if file.suffix == ".ipynb":
        return f"course/{file.stem}"
    if file.suffix == ".rst":
        return str(file.relative_to(".site").with_suffix(""))
    return None


class Repository(Project):
    """The repository as a source of pages that have addresses of their own."""

    def path2doc(self, filename):
        """The page of a file, or None."""
        path = Path(filename)
        if path.is_absolute():
            if not path.is_relative_to(self.srcdir):
                return None
            path = path.relative_to(self.srcdir)
        return address(path.as_posix())


def _adopt(app):
    app.project.__class__ = Repository


_PLAY = """
```{raw} html
<p><a class="button" href="play/index.html">Play with it here</a> in this browser, with nothing installed.</p>
```
"""


def with_play(text: str) -> str:
    r"""The front page with the way to Play: below its first picture, and where it speaks of it.

    >>> print(with_play("![a](a.png)\n\nSome have a page to play on.").replace(_PLAY, "(the button)"))
    ![a](a.png)
    (the button)
    <BLANKLINE>
    Some have [a page to play on](.site/play.rst).
    """
    text, pictures = re.subn(r"^!\[.*\)$", lambda picture: f"{picture[0]}\n{_PLAY}", text, count=1, flags=re.MULTILINE)
    text, places = re.subn("a page to play on", "[a page to play on](.site/play.rst)", text)
    if not (pictures and places):
        raise ValueError("the front page has no picture, or does not speak of a page to play on")
    return text


def _with_contents(app, docname, source):
    """The front page ends in the list of all pages, which the theme shows at its side."""
    if docname == app.config.root_doc:
        source[0] = with_play(source[0])
        for caption, pages in CONTENTS.items():
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", *pages, "```", ""])
    if docname == "course":
        notebooks = sorted(path.stem for path in Path(app.srcdir, "notebooks").glob("*.ipynb"))
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", *(f"course/{name}" for name in notebooks), "```", ""])


def setup(app):
    """Give every file its page, and every page its place."""
    app.connect("builder-inited", _adopt)
    app.connect("source-read", _with_contents)

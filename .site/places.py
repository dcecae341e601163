"""Which file of the repository is which page, and in which order the pages stand."""

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


def _with_contents(app, docname, source):
    """The front page ends in the list of all pages, which the theme shows at its side."""
    if docname == app.config.root_doc:
        for caption, pages in CONTENTS.items():
            source[0] += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", *pages, "```", ""])
    if docname == "course":
        notebooks = sorted(path.stem for path in Path(app.srcdir, "notebooks").glob("*.ipynb"))
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", *(f"course/{name}" for name in notebooks), "```", ""])


def setup(app):
    """Give every file its page, and every page its place."""
    app.connect("builder-inited", _adopt)
    app.connect("source-read", _with_contents)

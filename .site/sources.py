"""Source files as pages of their own: where a link to a file leads that is no page, and the link of every entry."""

import importlib
import inspect
import re
from html import escape
from pathlib import Path
from string import Template

from docutils import nodes
from places import PREFACES
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

ENDINGS = {".py", ".pyi", ".js", ".css", ".c", ".h"}
_linked: set[str] = set()  # files outside the package to which a page leads


def page_of(path: str) -> str:
    """The page that shows a file."""
    return f"source/{path}"


class SourceLinks(SphinxTransform):
    """A link to a file of the repository that is no page leads to its preface as a guide, or to its text."""

    default_priority = 5

    def apply(self):
        """Replace what would be downloads."""
        for node in list(self.document.findall(addnodes.download_reference)):
            _, absolute = self.env.relfn2path(node["reftarget"], self.env.docname)
            path = Path(absolute).relative_to(self.env.srcdir).as_posix()
            page, mark, anchor = PREFACES.get(path, page_of(path)).partition("#")
            if path not in PREFACES:
                _linked.add(path)
            uri = self.env.app.builder.get_relative_uri(self.env.docname, page) + mark + anchor
            link = nodes.reference("", "", *node.children, internal=True, refuri=uri)
            node.replace_self(link)


def _link_folders(app, docname, source):
    """A link to a package is one to its first module."""
    here = Path(app.env.doc2path(docname)).parent

    def with_module(match):
        target = here / match[2]
        return f"{match[1]}{match[2].rstrip('/')}/__init__.py)" if (target / "__init__.py").is_file() else match[0]

    source[0] = re.sub(r"(\]\()([\w./-]+)\)", with_module, source[0])


def line_of(thing) -> tuple[str, int] | None:
    """The file and the line where a function, a class or a gate begins; None for what has no source."""
    import microgradnn

    package = Path(microgradnn.__file__).parent
    thing = inspect.unwrap(thing.fget if isinstance(thing, property) else thing)
    try:
        file, line = inspect.getsourcefile(thing), inspect.getsourcelines(thing)[1]
    except (OSError, TypeError):
        file, line = None, 0
    if file is None or not Path(file).is_relative_to(package):  # written from the table
        table = (package / "table.py").read_text(encoding="utf-8").splitlines()
        name = re.escape(getattr(thing, "__name__", "?"))
        begins = re.compile(rf'\w+: Primitive = Primitive\("{name}"')
        lines = [number for number, text in enumerate(table, 1) if begins.match(text)]
        return ("microgradnn/table.py", lines[0]) if lines else None
    return str(Path("microgradnn", Path(file).relative_to(package)).as_posix()), line


def _link_entries(app, doctree):
    """Every entry of the reference ends in a link to its source."""
    for signature in doctree.findall(addnodes.desc_signature):
        if "fullname" not in signature or not signature.get("module"):
            continue
        thing = importlib.import_module(signature["module"])
        for name in signature["fullname"].split("."):
            thing = inspect.getattr_static(thing, name) if inspect.isclass(thing) else getattr(thing, name)
        place = line_of(thing) if callable(thing) or isinstance(thing, property) else None
        if place:
            uri = app.builder.get_relative_uri(app.env.docname, page_of(place[0])) + f"#L-{place[1]}"
            link = nodes.reference("", "source", internal=True, refuri=uri, classes=["source-link"])
            signature += [nodes.Text(" "), link]


_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$path – $title</title>
<link rel="icon" href="$root/_static/logo.svg">
<link rel="stylesheet" href="$root/_static/pygments.css">
<link rel="stylesheet" href="$root/_static/styles/furo.css">
<link rel="stylesheet" href="$root/_static/site.css">
</head>
<body class="source-page">
<script>document.body.dataset.theme = localStorage.getItem("theme") || "auto";</script>
<header><a href="$root/index.html">$title</a> <a href="$root/inside.html">How it works inside</a></header>
<main>
<h1>$path</h1>
$code</main>
</body>
</html>
""")


def _write_pages(app, exception):
    """Pages that show the text of the package and of all files that were linked to; without the theme's, quickly."""
    if exception is not None:
        return
    root = Path(app.srcdir)
    files = {path.relative_to(root).as_posix() for path in (root / "microgradnn").rglob("*") if path.suffix in ENDINGS}
    formatter = HtmlFormatter(linenos="inline", lineanchors="L")
    for path in sorted(files | _linked):
        text = (root / path).read_text(encoding="utf-8")
        try:
            lexer = get_lexer_for_filename(path)
        except ClassNotFound:
            lexer = TextLexer()
        code = highlight(text, lexer, formatter).replace("<pre>", '<pre tabindex="0">', 1)
        file = Path(app.outdir, f"{page_of(path)}.html")
        file.parent.mkdir(parents=True, exist_ok=True)
        up = "/".join([".."] * (len(file.relative_to(app.outdir).parts) - 1))
        page = _PAGE.substitute(path=escape(path), root=up, title=escape(app.config.html_title), code=code)
        file.write_text(page, encoding="utf-8")


def setup(app):
    """Link to sources, and make their pages."""
    app.add_transform(SourceLinks)
    app.connect("source-read", _link_folders)
    app.connect("doctree-read", _link_entries)
    app.connect("build-finished", _write_pages)

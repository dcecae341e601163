"""Which names are public, and the directives that list them: nothing in the reference is listed by hand."""

import importlib
import inspect
from importlib.metadata import distribution

from docutils import nodes
from sphinx.domains.python import PythonDomain
from sphinx.util.docutils import SphinxDirective

# Modules whose names are public; what several of them have belongs to the first.
MODULES = [
    "microgradnn", "microgradnn.nn", "microgradnn.nn.init", "microgradnn.nn.functional", "microgradnn.optim",
    "microgradnn.plots", "microgradnn.checks", "microgradnn.checks.strategies", "microgradnn.sklearn",
    "microgradnn.micrograd", "microgradnn.drawing", "microgradnn.training",
]  # fmt: skip


def names_of(module: str) -> list[str]:
    """The public names of a module, without modules: those that it lists, or else those that it defines."""
    home = importlib.import_module(module)
    listed = list(getattr(home, "__all__", ()))
    if not listed:
        listed = [name for name, thing in vars(home).items() if getattr(thing, "__module__", None) == module]
    elif module == "microgradnn":  # some stay out of the star import
        listed += [name for name in vars(home) if name not in listed and callable(getattr(home, name))] + ["engine"]
    return [name for name in listed if not name.startswith("_") and not inspect.ismodule(getattr(home, name))]


def public() -> dict[str, str]:
    """Every public name in full, and the name that it is explained under: itself, or an earlier name of the same."""
    known, found = {}, {}
    for module in MODULES:
        for name in names_of(module):
            thing = getattr(importlib.import_module(module), name)
            full = f"{module}.{name}"
            found[full] = known.setdefault(id(thing), full) if callable(thing) else full
    return found


def room_of(full: str) -> str:
    """The room in which a public name is defined."""
    module, _, name = full.rpartition(".")
    return getattr(getattr(importlib.import_module(module), name), "__module__", module)


def parameters(thing) -> frozenset[str]:
    """The names of a function's parameters, or of those that make an object of a class."""
    try:
        return frozenset(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return frozenset()


def returned(thing) -> type | None:
    """The class of the package that a function gives, where its annotation is just that."""
    thing = inspect.unwrap(thing)
    name = getattr(thing, "__annotations__", {}).get("return")
    kind = getattr(thing, "__globals__", {}).get(name) if isinstance(name, str) else None
    return kind if inspect.isclass(kind) and kind.__module__.startswith("microgradnn") else None


class Public(SphinxDirective):
    """Entries of all public names of a module, or of `microgradnn` as far as they come from some rooms."""

    required_arguments = 1
    optional_arguments = 100

    def run(self):
        """Write the directives of autodoc and read them."""
        module, *rooms = self.arguments
        lines, elsewhere = [f".. currentmodule:: {module}", ""], []
        for full, first in public().items():
            home, _, name = full.rpartition(".")
            room = room_of(full).removeprefix("microgradnn.").partition(".")[0]
            if home != module or (rooms and room not in rooms):
                continue
            thing = getattr(importlib.import_module(home), name)
            kind = "class" if inspect.isclass(thing) else "function" if callable(thing) else "data"
            if full == first:
                lines += [f".. auto{kind}:: {home}::{name}", ""]  # `microgradnn.bounds` is a module, too
            elif first.endswith(f".{name}"):
                elsewhere.append(f":name:`{first}`")
            else:
                lines += [f".. py:{kind}:: {name}", "", f"   The same as :name:`{first}`.", ""]
        if elsewhere:
            lines += [f"In ``{module}`` there are also {', '.join(elsewhere)}."]
        return self.parse_text_to_nodes("\n".join(lines))


class Hints(SphinxDirective):
    """What to write in place of names that others have, by the owner of the name."""

    def run(self):
        """A list for each owner; names that are answered alike stand together."""
        from microgradnn.hints import HINTS

        found = []
        for owner, hints in HINTS.items():
            alike = {}
            for name, hint in hints.items():
                alike.setdefault(hint, []).append(name)
            items = []
            for hint, names in alike.items():
                shown = [part for name in names for part in (nodes.literal(name, name), nodes.Text(" "))]
                explained = nodes.definition("", nodes.paragraph(hint, hint))
                items.append(nodes.definition_list_item("", nodes.term("", "", *shown), explained))
            title = nodes.paragraph("", "", nodes.strong(owner, owner))
            found += [title, nodes.definition_list("", *items, classes=["hints"])]
        return found


class Licences(SphinxDirective):
    """The texts of the licences of some distributions, as these bring them."""

    required_arguments = 1
    optional_arguments = 100

    def run(self):
        """A section for each."""
        found = []
        for name in self.arguments:
            files = [file for file in distribution(name).files if file.parent.name == "licenses"]
            text = "\n".join(file.locate().read_text(encoding="utf-8") for file in files)
            parts = nodes.title(name, name), nodes.literal_block(text, text, language="none")
            found.append(nodes.section("", *parts, ids=[f"licence-{name}"]))
        return found


class Names(nodes.General, nodes.Element):
    """Where the names of all pages of the reference are to stand."""


class AllNames(SphinxDirective):
    """The pages of the reference, each with its names."""

    def run(self):
        """A place that is filled when all pages have been read."""
        return [Names()]


def _link(app, docname, target, anchor, *children):
    uri = app.builder.get_relative_uri(docname, target) + (f"#{anchor}" if anchor else "")
    return nodes.reference("", "", *children, internal=True, refuri=uri)


def _fill(app, doctree, docname):
    for place in list(doctree.findall(Names)):
        entries = app.env.domains["py"].objects
        items = []
        for page in app.env.toctree_includes[docname]:
            term = nodes.term("", "", _link(app, docname, page, "", nodes.Text(app.env.titles[page].astext())))
            names = nodes.paragraph()
            for full, entry in entries.items():
                if entry.docname == page and entry.objtype in ("class", "data", "function") and not entry.aliased:
                    name = full.rpartition(".")[2]
                    names += [_link(app, docname, page, entry.node_id, nodes.literal(name, name)), nodes.Text(" ")]
            items.append(nodes.definition_list_item("", term, nodes.definition("", names)))
        place.replace_self(nodes.definition_list("", *items, classes=["all-names"]))


class Domain(PythonDomain):
    """Python's names, of which the search shows those first that are imported from `microgradnn` itself."""

    def get_objects(self):
        """All names, each with its rank."""
        for full, shown, kind, page, anchor, rank in super().get_objects():
            yield full, shown, kind, page, anchor, 0 if rank == 1 and full.count(".") == 1 else rank


def setup(app):
    """Add the directives."""
    app.add_domain(Domain, override=True)
    app.add_directive("public", Public)
    app.add_directive("all-names", AllNames)
    app.add_directive("hints", Hints)
    app.add_directive("licences", Licences)
    app.add_node(Names)
    app.connect("doctree-resolved", _fill)

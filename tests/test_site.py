"""The site as it is built: every link, every entry, and every page in a browser, light and dark, wide and narrow."""

import doctest
import functools
import importlib
import re
import shutil
import subprocess
import sys
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.site

ROOT = Path(__file__).resolve().parent.parent
PARTS = [path.stem for path in sorted((ROOT / ".site").glob("*.py")) if path.stem != "conf"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site that was built without a warning; Play, which is built apart, is there by its page only."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-b", "html", "-c", ".site"]
    built = subprocess.run([*command, ".", str(folder)], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert built.returncode == 0, built.stderr
    shutil.copytree(ROOT / ".site/play", folder / "play")
    return folder


@pytest.fixture
def part(monkeypatch):
    """A function that imports a module which is beside conf.py."""
    monkeypatch.syspath_prepend(str(ROOT / ".site"))
    return importlib.import_module


# ---- what stands in the files ----


@dataclass
class Page(HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    text: str
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)  # what a browser asks for by itself
    pictures: list[str | None] = field(default_factory=list)  # their texts

    def __post_init__(self):
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        """Note down one element."""
        found = dict(attrs)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and found.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(found["href"])
        if "src" in found:
            self.loaded.append(found["src"])
        if tag == "img":
            self.pictures.append(found.get("alt"))


@functools.cache
def read(folder):
    """All pages of a site by their paths, without those of Play, which have tests of their own."""
    pages = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.html"))}
    return {name: Page(path.read_text("utf-8")) for name, path in pages.items() if not name.startswith("play/")}


def faults_of_links(folder):
    """What is wrong with what pages refer to: a file or an anchor that is not there, or another host that is asked."""
    pages = read(folder)
    for name, page in pages.items():
        for link in page.links + page.loaded:
            parts = urlsplit(link)
            if parts.scheme == "data":
                continue
            if parts.scheme or parts.netloc:
                if link in page.loaded:
                    yield name, link, "is asked of another host"
                elif parts.scheme != "https" or not re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc):
                    yield name, link, "is no address of the web"
                continue
            file = ((folder / name).parent / unquote(parts.path) if parts.path else folder / name).resolve()
            if not file.is_file() or not file.is_relative_to(folder):
                yield name, link, "is not there"
                continue
            target = pages.get(file.relative_to(folder).as_posix())
            if parts.fragment and target and unquote(parts.fragment) not in target.anchors:
                yield name, link, "has no such anchor"


def faults_of_pictures(folder):
    """Pictures that say nothing, or the name of a file, to those who do not see them."""
    for name, page in read(folder).items():
        for text in page.pictures:
            if not (text or "").strip() or re.search(r"\.(png|svg)$", text):
                yield name, text


def entries(folder):
    """All names that have an entry, from the index that comes with a site."""
    _, _, _, _, packed = (folder / "objects.inv").read_bytes().split(b"\n", 4)
    return {line.split()[0] for line in zlib.decompress(packed).decode().splitlines() if " py:" in line}


def test_every_link_leads_somewhere_and_nothing_is_asked_of_others(site):
    assert list(faults_of_links(site)) == []


def test_every_picture_has_a_text(site):
    assert list(faults_of_pictures(site)) == []
    assert sum(len(page.pictures) for page in read(site).values()) > 100


@pytest.mark.parametrize(
    ("piece", "fault"),
    [
        ('<a href="b.html">', "is not there"),
        ('<a href="../../a.html">', "is not there"),
        ('<a href="#b">', "has no such anchor"),
        ('<a href="a.html#b">', "has no such anchor"),
        ('<a href="http://example.org/">', "is no address of the web"),
        ('<a href="https://example/">', "is no address of the web"),
        ('<a href="//example.org/">', "is no address of the web"),
        ('<img src="b.png" alt="b">', "is not there"),
        ('<img src="https://example.org/b.png" alt="b">', "is asked of another host"),
        ('<link rel="stylesheet" href="https://example.org/b.css">', "is asked of another host"),
        ('<script src="//example.org/b.js"></script>', "is asked of another host"),
        ('<a href="#a"><a href="a.html#%61"><a href="https://example.org/"><img src="data:," alt="a">', None),
    ],
)
def test_a_wrong_link_is_found(tmp_path, piece, fault):
    (tmp_path / "a.html").write_text(f'<h1 id="a">a</h1>{piece}', "utf-8")
    assert [found for _, _, found in faults_of_links(tmp_path)] == ([fault] if fault else [])


@pytest.mark.parametrize("text", ["", 'alt=" "', 'alt="a/b.png"'])
def test_a_picture_without_a_text_is_found(tmp_path, text):
    (tmp_path / "a.html").write_text(f'<img src="data:," {text}>', "utf-8")
    assert len(list(faults_of_pictures(tmp_path))) == 1


def test_every_public_name_has_an_entry(site, part):
    public, found = part("reference").public(), entries(site)
    assert [name for name, explained in public.items() if explained not in found] == []
    assert {"microgradnn.abs", "microgradnn.compile", "microgradnn.sum", "microgradnn.engine"} <= set(public)
    assert {"microgradnn.Value.backward", "microgradnn.Value.tanh", "microgradnn.compiler.program.Program.hvp"} <= found
    assert "microgradnn.no_such_name" not in found
    assert not {"microgradnn.Value.record_gate", "microgradnn.Value.arccos", "microgradnn.Value.rint"} & found


def test_every_page_can_be_reached_from_the_first(site):
    pages = read(site)
    reached, waiting = set(), ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        for link in pages[name].links:
            file = (site / name).parent / unquote(urlsplit(link).path or name)
            if file.is_file():
                waiting.append(file.resolve().relative_to(site).as_posix())
    outside = {name for name in pages if name.startswith("source/")} | {"search.html"}
    assert set(pages) - reached - outside == set()


def test_formulas_of_several_lines_are_tables(site, part):
    pages = {name: page.text for name, page in read(site).items() if name.startswith("course/")}
    assert [name for name, text in pages.items() if re.search(r"<mi>(&|\\\w*)</mi>|<mn>4</mn><mi>p</mi>", text)] == []
    assert pages["course/01_circuits.html"].count("<mtr>") == 6
    for latex in (r"a &= b", r"\begin{gathered} a \\ b \end{gathered}", r"\nosuch a"):
        with pytest.raises(ValueError, match="this formula cannot be shown"):
            part("notebooks").formula_of(latex)


def test_links_to_a_preface_lead_to_its_guide(site, part):
    places = part("places")
    guides = [
        ROOT / f".site/{page}.rst" for page in ("look", "shell", "trust", "run", "coming-from", "own-gates", "inside")
    ]
    found = {}
    for guide in guides:
        for module in re.findall(r"automodule:: ([\w.]+)", guide.read_text("utf-8")):
            path = module.replace(".", "/")
            found[f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"] = guide.stem
    assert {path: page.partition("#")[0] for path, page in places.PREFACES.items()} == found
    links = set(read(site)["index.html"].links)
    assert not links & {f"source/{path}.html" for path in found}
    assert {"look.html", "trust.html", "run.html#the-two-engines", "own-gates.html", "inside.html"} <= links
    for page in places.PREFACES.values():  # anchors, also of what no page links to
        name, _, anchor = page.partition("#")
        assert not anchor or anchor in read(site)[f"{name}.html"].anchors, page


def test_the_first_page_leads_to_play(site, part):
    page = read(site)["index.html"]
    assert {"play/index.html", "play.html"} <= set(page.links)
    assert page.text.index('href="play/index.html"') < page.text.index("<h2>")
    with pytest.raises(ValueError, match="does not speak of a page to play on"):
        part("places").with_play("![a](a.png)")


def test_a_notebook_can_be_taken_home(site):
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name in names:
        page = read(site)[f"course/{name}.html"]
        (link,) = {link for link in page.links if link.endswith(f"/{name}.ipynb")}
        assert (site / "course" / link).read_bytes() == (ROOT / f"notebooks/{name}.ipynb").read_bytes()
        assert "../course.html#how-to-begin" in page.links
        assert page.text.index("A page to read.") < page.text.index("<h2>")


@pytest.mark.parametrize("name", PARTS)
def test_examples_of_the_parts_run(part, name):
    assert doctest.testmod(part(name)).failed == 0


# ---- docstrings ----


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a * b ** c_ |d| `x y`z", r"a \* b \*\* c\_ \|d\| ``x y``\ z"),
        ("Of:\n>>> 2 * 3\n6\n\nAnd *so* on.", "Of:\n\n>>> 2 * 3\n6\n\nAnd \\*so\\* on.\n"),
        ("Code::\n\n    a * b\n\n    c\n\n`d`", "Code::\n\n    a * b\n\n    c\n\n:name:`d`\n"),
        ("Head *1*\n--------\n\nText.", "Head *1*\n--------\n\nText.\n"),
        ("- one `a b`\n  more\n- two\n", "- one ``a b``\n  more\n- two\n"),
        ("A:\n\n    b = c * d\n\nE", "A:\n\n::\n\n    b = c * d\n\nE\n"),
    ],
)
def test_docstrings_are_plain_text(part, text, rest):
    docstrings = part("docstrings")
    assert "\n".join(docstrings.as_rest(text.split("\n"), docstrings.Around())).strip() == rest.strip()


def test_a_name_leads_to_one_entry_or_none(part):
    entry = part("docstrings").entry
    place = type("Place", (), {"aliased": False})()
    names = ["microgradnn.Value", "microgradnn.Value.grad", "microgradnn.grad", "microgradnn.sum", "microgradnn.nn.MLP"]
    known = dict.fromkeys([*names, "microgradnn.micrograd.MLP", "microgradnn.optim.Adam"], place)
    assert entry("grad", "microgradnn", "Value", known) == "microgradnn.Value.grad"
    assert entry("grad", "microgradnn", None, known) == "microgradnn.grad"
    assert entry("Adam", "microgradnn", None, known) == "microgradnn.optim.Adam"
    assert entry("MLP", "microgradnn.nn", None, known) == "microgradnn.nn.MLP"
    assert entry("MLP", "microgradnn", None, known) is None  # one of two
    assert entry("sum", "microgradnn", None, known) is None  # Python's own
    assert entry("nothing", "microgradnn", None, known) is None


# ---- in a browser ----


@pytest.fixture(scope="module")
def served(site):
    """The address of the site on a server of this machine."""
    with serving(site) as address:
        yield address


@contextmanager
def serving(folder):
    """A server of the files in a folder, that writes no log."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def axe():
    """The source of axe-core."""
    command = ["node", "-p", "require.resolve('axe-core')"]
    where = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return Path(where.stdout.strip()).read_text("utf-8")


_AXE = "rules => axe.run(document, rules ? {runOnly: rules} : {}).then(results => results.violations)"
_PICTURES_FOLLOW = """dark => [...document.querySelectorAll(".microgradnn-stepper")]
    .every(each => each.classList.contains("dark") === dark)"""
_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def faults_of_a_page(browser, address, axe):
    """What is wrong with a page as it is shown: errors, requests to others, barriers; or too wide for a phone."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    own = ("data:", "blob:", "about:", "/".join(address.split("/")[:3]) + "/")
    page.on("request", lambda request: None if request.url.startswith(own) else faults.append(f"asks {request.url}"))
    page.goto(address)
    page.evaluate(axe)
    for scheme, rules in (("light", None), ("dark", ["color-contrast"])):  # the other rules know no colours
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(_PICTURES_FOLLOW, arg=scheme == "dark")
        for found in page.evaluate(_AXE, rules):
            faults += [f"{scheme}: {found['id']}: {node['html'][:200]}" for node in found["nodes"]]
    page.set_viewport_size({"width": 390, "height": 800})
    if page.evaluate(_TOO_WIDE):
        faults.append("too wide for a phone")
    page.close()
    return faults


def shown_pages(site):
    """The pages to look at: all, and of those of sources, which are made alike, one for each language."""
    names = [name for name in read(site) if not name.startswith("source/")]
    return [*names, *(f"source/microgradnn/{file}.html" for file in ("files.py", "drawing/wires.js", "native/node.h"))]


@pytest.mark.browser
@pytest.mark.node
def test_nothing_bars_anybody_from_a_page(site, served, chromium, axe):
    found = {name: faults_of_a_page(chromium, f"{served}/{name}", axe) for name in shown_pages(site)}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.browser
@pytest.mark.node
@pytest.mark.parametrize(
    ("piece", "fault"),
    [
        ("<script>console.error('oh')</script>", "oh"),
        ("<script>throw new Error('oh')</script>", "oh"),
        ("<img src='https://example.invalid/a.png' alt='a'>", "asks https://example.invalid/a.png"),
        ("<style>p { color: #aaa; background: #bbb }</style>", "light: color-contrast"),
        (
            "<style>@media (prefers-color-scheme: dark) { p { color: #222; background: #333 } }</style>",
            "dark: color-contrast",
        ),
        ("<button></button>", "light: button-name"),
        ("<style>p { width: 500px }</style>", "too wide for a phone"),
        ("", None),
    ],
)
def test_what_is_wrong_with_a_page_is_found(tmp_path, chromium, axe, piece, fault):
    head = '<!doctype html><html lang="en"><title>a</title><link rel="icon" href="data:,">'
    page = f"{head}<main><h1>Heading</h1><p>Some words.</p>{piece}</main></html>"
    (tmp_path / "a.html").write_text(page, "utf-8")
    with serving(tmp_path) as address:
        faults = faults_of_a_page(chromium, f"{address}/a.html", axe)
    assert any(fault in each for each in faults) if fault else faults == []


@pytest.mark.browser
def test_the_search_finds(served, chromium):
    page = chromium.new_page()
    page.goto(f"{served}/index.html")
    page.locator(".sidebar-search").fill("hessian")
    page.locator(".sidebar-search").press("Enter")
    first = page.locator("ul.search li a").first
    first.wait_for()
    assert first.inner_text() == "microgradnn.hessian"
    first.click()
    page.wait_for_url("**/reference/derivatives.html*")
    expected = {"sigmoid": "microgradnn.sigmoid", **dict.fromkeys(("finite differences", "tolerance", "kink"), "Trust")}
    for words, title in expected.items():
        page.goto(f"{served}/search.html?q={words}")
        first.wait_for()
        page.get_by_text("Search finished").wait_for()
        assert first.inner_text() == title
    page.goto(f"{served}/search.html?q=nosuchwordanywhere")
    page.get_by_text("did not match any documents").wait_for()
    page.close()


@pytest.mark.browser
def test_formulas_are_aligned_and_a_picture_that_is_cut_off_has_a_shadow(served, chromium):
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{served}/course/01_circuits.html")
    ends = "[...document.querySelectorAll('mtr')].slice(2).map(row => row.children[1].firstElementChild)"
    assert len(set(page.evaluate(f"{ends}.map(each => Math.round(each.getBoundingClientRect().left))"))) == 1
    picture = page.locator(".picture.larger").first
    assert picture.evaluate("each => each.scrollWidth > each.clientWidth")
    assert picture.evaluate("each => getComputedStyle(each).backgroundAttachment") == "local, scroll"
    page.close()


@pytest.mark.browser
def test_light_and_dark_follow_the_system(served, chromium):
    page = chromium.new_page(color_scheme="light")
    page.goto(f"{served}/index.html")
    brightness = (
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"
    )
    assert page.evaluate(brightness) > 700
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(brightness) < 100
    page.close()

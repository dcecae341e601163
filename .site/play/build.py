"""Build the page Play: `python .site/play/build.py OUT NPM_FOLDER`, where npm has put pyodide and @viz-js/viz.

Into OUT go the files of this folder, Python and Graphviz as WebAssembly, and one archive of the packages that Python
imports, as they are installed here. The first circuit is drawn while building, so that the page opens with it.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from html import escape
from importlib.metadata import distribution
from pathlib import Path

import play

import microgradnn
from microgradnn.parser import FUNCTIONS

HERE, PACKAGE = Path(__file__).parent, Path(microgradnn.__file__).parent
FROM_NPM = {
    "pyodide": ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"],
    "@viz-js/viz/dist": ["viz.js"],
}
FETCHED = ["pyodide/pyodide.asm.wasm", "pyodide/python_stdlib.zip", "pyodide/pyodide-lock.json", "packages.zip"]
PURE = ["graphviz", "mpmath"]  # what Python needs there besides microgradnn
STATIC = ["index.html", "play.css", "play.js", "worker.js"]


def build(out: Path, npm: Path) -> None:
    """Write the page into the folder `out`; `npm` is a folder in which npm has installed."""
    (out / "pyodide").mkdir(parents=True, exist_ok=True)
    for package, names in FROM_NPM.items():
        for name in names:
            shutil.copy(npm / "node_modules" / package / name, out / ("pyodide" if package == "pyodide" else ""))
    with zipfile.ZipFile(out / "packages.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, name in packed():
            archive.write(path, name)
    for name in STATIC:
        shutil.copy(HERE / name, out)
    page = out / "index.html"
    page.write_text(filled(page.read_text(encoding="utf-8"), out), encoding="utf-8")


def packed() -> Iterator[tuple[Path, str]]:
    """The files of the archive, and their names in it."""
    yield HERE / "play.py", "play.py"
    for path in sorted(PACKAGE.rglob("*")):
        name = str(path.relative_to(PACKAGE.parent))
        if path.suffix in (".py", ".js", ".css") and name != "microgradnn/native/build.py":
            yield path, name
    for package in PURE:
        for file in distribution(package).files or ():
            if file.parts[0] != ".." and "__pycache__" not in file.parts and "tests" not in file.parts:
                yield Path(str(file.locate())), str(file)


def filled(page: str, out: Path) -> str:
    """The page with its first circuit and with what it says of itself."""
    expression, numbers = re.findall("<textarea.*?>(.*?)</textarea>", page, re.DOTALL)
    first = json.loads(play.answer(json.dumps({"kind": "draw", "expression": expression, "numbers": numbers})))
    size = sum(len(gzip.compress(path.read_bytes())) for path in out.rglob("*") if path.is_file())
    python = json.loads((out / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))["info"]["python"]
    functions = ", ".join(name for name in FUNCTIONS if hasattr(microgradnn, name))  # without those of rules alone
    facts = {
        "circuit": first.pop("html"), "first": escape(json.dumps(first)), "megabytes": f"{size / 1e6:.1f}",
        "bytes": sum((out / name).stat().st_size for name in FETCHED), "functions": functions,
        "version": microgradnn.__version__, "python": python,
    }  # fmt: skip
    return re.sub(r"\{\{(\w+)\}\}", lambda place: str(facts[place[1]]), page)


if __name__ == "__main__":
    build(*map(Path, sys.argv[1:]))

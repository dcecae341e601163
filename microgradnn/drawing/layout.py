"""Layout by Graphviz: the `dot` program where there is one, else the library inside the pygraphviz wheel.

Python in WebAssembly, as in a browser, has neither; there the page brings viz.js, which is Graphviz too.

Graphviz has no node with thousands of squares in it. So a node says in its attribute `paint` which rectangles are
painted where it stands, and another says `within` which node it lies; `painted` lays out without them and adds them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from microgradnn.drawing.circuit import FONT

STROKE = 0.8  # points, the line around a hollow rectangle

_library = threading.Lock()  # the library keeps global state


def render(source: str, format: str) -> bytes:
    """The DOT `source` as svg, png or pdf; warnings of the libraries do not reach the user.

    Raises RuntimeError with the library's words when the layout fails, and when png or pdf are asked for on a
    machine without any font.
    """
    if format != "svg" and b"/FontFile" not in _render('digraph { a [label="0"] }', "pdf"):
        raise RuntimeError(
            f"this machine has no font to write {format} with: save the picture as svg, or install a font package "
            "such as fonts-dejavu-core"
        )
    return _render(painted(source), format)


_WITHIN = re.compile(r'^(\t.*) pos="(\S+),(\S+)" within=(\w+)\]\n', re.MULTILINE)
_PAINT = re.compile(r'^\t(m\d+)\t\[.*?\bpaint="([^"]*)",\s+pos="([^,]+),([^"]+)"', re.MULTILINE | re.DOTALL)


def painted(source: str) -> str:
    """DOT that looks the same everywhere: where nodes m0, m1 … `paint`, with all positions and what is painted there.

    `paint` holds shapes, `colour filled x,y,width,height …` or `colour hollow …`, divided by semicolons; x and y are
    those of the lower left corner from the middle of the node, and so is the `pos` of a node within it.
    """
    if ' paint="' not in source:
        return source
    laid = _render(_WITHIN.sub("", source), "dot").decode()
    middle: dict[str, tuple[float, float]] = {}
    operations: list[str] = []  # in the language of xdot
    for node, shapes, x, y in _PAINT.findall(laid.replace("\\\n", "")):
        middle[node] = float(x), float(y)
        for shape in filter(None, shapes.split(";")):
            operations += _shape(shape.split(), *middle[node])
    within = ""
    for start, dx, dy, node in _WITHIN.findall(source):
        x, y = middle[node]
        within += f'{start} pos="{x + float(dx):.2f},{y + float(dy):.2f}"]\n'
    laid = re.sub(r'\bpaint="[^"]*",\s+', "", laid[: laid.rindex("}")])
    background = "\\\n".join(operations)  # Graphviz reads no line of more than 16384 bytes in a string
    return f'{laid}\tgraph [layout=nop2 _background="{background}"]\n{within}}}\n'


def _shape(words: Sequence[str], x: float, y: float) -> Iterator[str]:
    """What draws one shape of a node whose middle is at x, y: colours and line, then each rectangle."""
    colour, kind, *rectangles = words
    pen, polygon = ("transparent", "P") if kind == "filled" else (colour, "p")
    for letter, text in (("S", f"setlinewidth({STROKE})"), ("c", pen), ("C", colour)):
        yield f"{letter} {len(text)} -{text} "
    for rectangle in rectangles:
        left, low, width, height = map(float, rectangle.split(","))
        left, low = left + x, low + y
        corners = (left, low), (left + width, low), (left + width, low + height), (left, low + height)
        yield f"{polygon} 4 " + "".join(f"{x:.2f} {y:.2f} " for x, y in corners)


def _render(source: str, format: str) -> bytes:
    program = shutil.which("dot")
    if program is not None:
        done = subprocess.run([program, f"-T{format}"], input=source.encode(), capture_output=True)
        if done.returncode == 0:
            return done.stdout
        raise RuntimeError(f"dot failed to draw the picture: {done.stderr.decode(errors='replace').strip()}")
    if sys.platform == "emscripten":
        return _in_the_browser(source, format)
    try:
        import pygraphviz
    except ImportError as error:  # its wheels count on GLib and X11, which small containers leave out
        raise RuntimeError(
            f"pygraphviz cannot load Graphviz ({error}): install the program dot (Debian: apt install graphviz)"
        ) from None
    with _library, _quiet() as file:
        try:
            with pygraphviz.AGraph(string=source) as graph:
                picture: bytes = graph.draw(format=format, prog="dot")
                return picture
        except (OSError, ValueError) as error:
            file.seek(0)
            words = f"{error} {file.read().decode(errors='replace')}"
            raise RuntimeError(f"Graphviz failed to draw the picture: {words.strip()}") from None


def _in_the_browser(source: str, format: str) -> bytes:
    if format not in ("svg", "dot"):
        raise RuntimeError("Graphviz in the browser writes neither png nor pdf: save the picture as svg")
    try:
        import viz_js
    except ImportError:
        raise RuntimeError(
            "a picture needs Graphviz: give Python the instance of @viz-js/viz, of npm, in JavaScript by "
            'pyodide.registerJsModule("viz_js", await instance())'
        ) from None
    known = FONT.partition(",")[0]  # of a list of fonts it takes the widths of another one
    try:
        picture: str = viz_js.renderString(source.replace(FONT, known), format=format)
    except Exception as error:  # of JavaScript
        raise RuntimeError(f"Graphviz failed to draw the picture: {error}") from None
    return picture.replace(f'"{known}"', f'"{FONT}"').encode()


@contextmanager
def _quiet() -> Iterator[IO[bytes]]:
    """What C libraries write to the standard error stream goes into a file."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield file
        finally:
            os.dup2(kept, 2)
            os.close(kept)

"""Layout by Graphviz: the `dot` program where there is one, else the library inside the pygraphviz wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

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
    return _render(source, format)


def _render(source: str, format: str) -> bytes:
    program = shutil.which("dot")
    if program is not None:
        done = subprocess.run([program, f"-T{format}"], input=source.encode(), capture_output=True)
        if done.returncode == 0:
            return done.stdout
        raise RuntimeError(f"dot failed to draw the picture: {done.stderr.decode(errors='replace').strip()}")
    import pygraphviz

    with _library, _quiet() as file:
        try:
            with pygraphviz.AGraph(string=source) as graph:
                picture: bytes = graph.draw(format=format, prog="dot")
                return picture
        except (OSError, ValueError) as error:
            file.seek(0)
            words = f"{error} {file.read().decode(errors='replace')}"
            raise RuntimeError(f"Graphviz failed to draw the picture: {words.strip()}") from None


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

"""Print the scripts of the page as the one function that they are, for a linter: `python -m tests.scripts`."""

from importlib.resources import files

from microgradnn.drawing.javascript import function
from microgradnn.primitive import gates

NAMES = (
    "picture", "zooming", "wires", "numbers", "circuit", "turning", "stepper", "leaves", "chart", "descent",
    "explorable", "margins", "worksheet", "opening", "layers",
)  # fmt: skip


def page() -> str:
    """The scripts in the order of the page, around the gates of the table."""
    folder = files("microgradnn.drawing")
    every = [
        line for gate in gates() for count in {len(sample) for sample in gate.samples} for line in function(gate, count)
    ]
    texts = [folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in NAMES]
    calls = [
        "precision = 6;", "explore(null, null, [], []);", "walkRecorded(null, null, [], '');", "showMargin(null, {});",
        "fillIn(null, null, []);", "walkLayers(null, {}, [], {});",
    ]  # fmt: skip
    return "\n".join(['(function () {\n"use strict";\nconst gates = {', *every, "};", *texts, *calls, "})();"])


if __name__ == "__main__":
    print(page())

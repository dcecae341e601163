"""The piece of HTML that Jupyter shows and that a saved page holds: a still picture, made live by a script.

The picture is an `<img>`, so it stays where scripts are blocked; the script turns it into SVG that follows the theme of
the page and, for steps, adds buttons, slider, arrow keys and the sentence of each step. Where all gates are at hand in
JavaScript every leaf can be changed, and the page computes the circuit anew.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from microgradnn.backprop import Step, Steps
from microgradnn.drawing.circuit import Picture, circuit
from microgradnn.drawing.live import gates_of, nodes_of
from microgradnn.drawing.vector import prefix, to_svg
from microgradnn.notation import digits, factor
from microgradnn.value import Value

LIVE = 300  # nodes: above, a change would no longer follow the finger


def _resource(name: str) -> str:
    """A file beside this one, without its comments and indents."""
    text = files("microgradnn.drawing").joinpath(name).read_text(encoding="utf-8")
    return re.sub(r"^ *(//.*\n)?", "", text, flags=re.MULTILINE)


def piece(
    picture: Picture, svg: str, act: str = "livePicture", scripts: Sequence[str] = (), data: Sequence[Any] = (),
    style: str = "stepper",
) -> str:  # fmt: skip
    """A self-contained piece of HTML: `picture` laid out as `svg`, made live by the function `act` of the `scripts`."""
    name = f"{prefix(picture)}-{act}"
    image = base64.b64encode(svg.encode()).decode()
    element = f"document.querySelector('.{name}:not([data-ready])')"
    call = f"{act}({', '.join([element, *map(_json, data)])});"
    style = _resource("picture.css") + (_resource(f"{style}.css") if scripts else "")
    script = "".join([_resource("picture.js"), *scripts, call]).replace("</", "<\\/")
    return (
        f'<div class="microgradnn-stepper {name}" role="group" aria-label="{escape(picture.title)}" '
        'data-lm-suppress-shortcuts="true">\n'
        f"<style>{style}</style>\n"
        f'<div class="picture"><img alt="{escape(picture.title + ": " + picture.description)}" '
        f'src="data:image/svg+xml;base64,{image}"></div>\n'
        f'<script>(function () {{\n"use strict";\n{script}\n}})();</script>\n</div>'
    )


def steps_picture(steps: Steps, direction: str = "right") -> Picture:
    """The picture after the last of the `steps`."""
    reached = ((step.gate if step.operand is None else step.operand, step.after) for step in steps)
    gradients = {id(node): after for node, after in reached if after is not None}
    return circuit(steps.root, gradients, changing=True, direction=direction)


def steps_piece(steps: Steps, direction: str = "right", svg: str | None = None) -> str:
    """The stepper of `steps`: explorable where the page can compute the circuit, else with the steps as they are.

    `svg` is the picture where it has been laid out already.
    """
    picture = steps_picture(steps, direction)
    svg = svg or to_svg(picture)
    try:
        if len(steps.order) > LIVE:
            raise AttributeError(f"a circuit of more than {LIVE} nodes is not computed in the page")
        gates = gates_of(steps)
    except AttributeError as error:
        return piece(
            picture,
            svg,
            "walkRecorded",
            [_resource("wires.js"), _resource("stepper.js")],
            [recorded_steps(steps), str(error)],
        )
    weights = [number for number, node in enumerate(steps.order) if node in steps.weights]
    names = ["numbers", "circuit", "wires", "stepper", "leaves", "chart", "explorable", *["descent"] * bool(weights)]
    scripts = [gates, "\n", *(_resource(f"{name}.js") for name in names)]
    return piece(picture, svg, "explore", scripts, [nodes_of(steps), weights])


def worksheet_piece(picture: Picture, svg: str, blanks: Sequence[Mapping[str, str]]) -> str:
    """A circuit with `blanks`, as worksheet.js takes them, that are filled in and checked in the page."""
    scripts = [_resource(f"{name}.js") for name in ("numbers", "wires", "worksheet")]
    return piece(picture, svg, "fillIn", scripts, [blanks], "worksheet")


def _json(data: Any) -> str:
    """Data as a script reads it; names may hold what ends a script in HTML."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def recorded_steps(steps: Steps) -> list[dict[str, Any]]:
    """The steps as the script shows them: words, and the ids of the parts at work."""
    number_of = {id(node): number for number, node in enumerate(steps.order)}
    swept = {  # of each gate, the operands to which it hands a gradient, in the order of the steps
        id(gate): iter([index for index, partial in enumerate(gate.partials) if partial is not None])
        for gate in steps.order
    }
    return [_described(step, number_of, swept[id(step.gate)]) for step in steps]


def _described(step: Step, number_of: dict[int, int], indices: Iterator[int]) -> dict[str, Any]:
    gate = number_of[id(step.gate)]
    parts = [f"g{gate}", f"o{gate}", f"w{gate}"]
    described = {"kind": step.kind, "gate": gate, "sentence": step.sentence, "parts": parts}
    if step.kind == "forward":
        parts += [f"e{gate}-{index}" for index, x in enumerate(step.gate.operands) if isinstance(x, Value)]
        return described | {"value": digits(step.gate.data)}
    assert step.after is not None
    if step.kind == "seed":
        return described | {"after": digits(step.after)}
    assert step.partial is not None
    operand, index = number_of[id(step.operand)], next(indices)
    parts[1:] = [f"e{gate}-{index}", f"w{operand}"]
    return described | {"operand": operand, "index": index, "factor": factor(step.partial), "after": digits(step.after)}


def document(title: str, content: str) -> str:
    """A whole HTML page around a piece; it reads no other file and works offline."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        "<style>:root { color-scheme: light dark; background: Canvas } "
        "body { margin: 2rem; font-family: system-ui, sans-serif }\n"
        "@media print { :root { color-scheme: light } }</style>\n"
        f"</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n{content}\n</main>\n"
        "<script>document.querySelector('.microgradnn-stepper').focus();</script>\n</body>\n</html>\n"
    )

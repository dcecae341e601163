"""The piece of HTML that Jupyter shows and that a saved page holds: a still picture, made live by a script.

The picture is an `<img>`, so it stays where scripts are blocked; the script turns it into SVG that follows the theme of
the page and, for steps, adds buttons, slider, arrow keys and the sentence of each step. Where all gates are at hand in
JavaScript every leaf can be changed, and the page computes the circuit anew. Of a circuit that runs to the right it
knows too where all would stand downwards, and turns it where the page is narrow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from microgradnn.drawing.circuit import Picture, circuit
from microgradnn.drawing.javascript import ScriptError
from microgradnn.drawing.live import LIVE, gates_of, nodes_of
from microgradnn.drawing.opened import Table
from microgradnn.drawing.palette import variables
from microgradnn.drawing.passes import Passes
from microgradnn.drawing.vector import PLACES, places, prefix, to_svg, width
from microgradnn.notation import digits, expression, factor
from microgradnn.stepping import Step, Steps
from microgradnn.value import Value

_IN_A_LINK = str.maketrans({"%": "%25", "#": "%23", "\n": "%0A", "'": "%27", "&": "&amp;"})


def resource(name: str) -> str:
    """A file beside this one, without its comments and indents."""
    text = files("microgradnn.drawing").joinpath(name).read_text(encoding="utf-8")
    return re.sub(r"^ *(//.*\n)?", "", text, flags=re.MULTILINE)


def script(name: str, act: str, scripts: Sequence[str], data: Sequence[Any] = ()) -> str:
    """The scripts of a piece, and the call of their function `act` on the first one called `name` that is not live."""
    element = f"document.querySelector('.{name}:not([data-ready])')"
    text = "".join([*scripts, f"{act}({', '.join([element, *map(_json, data)])});"]).replace("</", "<\\/")
    return f'<script>(function () {{\n"use strict";\n{text}\n}})();</script>'


def piece(
    picture: Picture, svg: str, act: str = "livePicture", scripts: Sequence[str] = (), data: Sequence[Any] = (),
    sheets: Sequence[str] = ("stepper",),
) -> str:  # fmt: skip
    """A self-contained piece of HTML: `picture` laid out as `svg`, made live by the function `act` of the `scripts`.

    Where there are scripts, `sheets` names their style sheets.
    """
    name = f"{prefix(picture)}-{act}"
    style = variables() + resource("picture.css") + "".join(resource(f"{sheet}.css") for sheet in sheets if scripts)
    still = act in ("livePicture", "walkRecorded")  # elsewhere something in the picture, or beside it, has the focus
    scrolled = ' tabindex="0"' if still else ""
    return (
        f'<div class="microgradnn-stepper {name}" role="group" aria-label="{escape(picture.title)}" '
        'data-lm-suppress-shortcuts="true">\n'
        f"<style>{style}</style>\n"
        f'<div class="picture"{scrolled}><img alt="{escape(picture.title + ": " + picture.description)}" '
        f"src='data:image/svg+xml;charset=utf-8,{svg.translate(_IN_A_LINK)}'></div>\n"
        f"{script(name, act, [resource('picture.js'), resource('zooming.js'), *scripts], data)}\n</div>"
    )


def still(steps: Steps, direction: str = "right") -> tuple[Picture, str]:
    """The picture after the last of the `steps`, and its layout."""
    reached = ((step.gate if step.operand is None else step.operand, step.after) for step in steps)
    gradients = {id(node): after for node, after in reached if after is not None}
    picture = circuit(steps.root, gradients, changing=True, direction=direction, count=steps.digits)
    return picture, to_svg(picture)


def downwards(steps: Steps, svg: str) -> dict[str, Any] | None:
    """The other layout of a picture `svg` that runs to the right; None where it would not be narrower."""
    if len(steps.order) > LIVE:
        return None
    return narrower(svg, still(steps, "down")[1])


def narrower(svg: str, down: str) -> dict[str, Any] | None:
    """Where everything in a picture stands `down`wards, as turning.js takes it; None where that is not narrower."""
    return {"names": PLACES, "values": places(down)} if width(down) < width(svg) else None


def heading(steps: Steps) -> str:
    """What a page with these steps is about: the formula where it is short, else the name."""
    text = expression(steps.order, steps.names)
    return text if len(text) <= 60 else f"Steps of {steps.names[id(steps.root)]}"


def steps_piece(steps: Steps, direction: str = "right", shown: tuple[Picture, str] | None = None) -> str:
    """The stepper of `steps`: explorable where the page can compute the circuit, else with the steps as they are.

    To the right it turns downwards where it has little room. `shown` is the still picture where it is at hand.
    """
    picture, svg = shown or still(steps, direction)
    down = downwards(steps, svg) if direction == "right" else None
    try:
        gates = gates_of(steps)
    except ScriptError as error:
        scripts = [resource(f"{name}.js") for name in ("wires", "turning", "stepper")]
        return piece(picture, svg, "walkRecorded", scripts, [down, recorded_steps(steps), str(error)])
    weights = [number for number, node in enumerate(steps.order) if node in steps.weights]
    names = ["numbers", "circuit", "wires", "turning", "stepper", "leaves", "chart", "explorable"]
    scripts = [gates, "\n", *(resource(f"{name}.js") for name in names + ["descent"] * bool(weights))]
    precision = f"precision = {steps.digits};\n"
    return piece(picture, svg, "explore", [*scripts, precision], [down, nodes_of(steps), weights])


def worksheet_piece(picture: Picture, svg: str, down: str, blanks: Sequence[Mapping[str, Any]]) -> str:
    """A circuit with `blanks`, as worksheet.js takes them, to be filled in; `down` is its other layout."""
    scripts = [resource(f"{name}.js") for name in ("numbers", "wires", "turning", "worksheet")]
    return piece(picture, svg, "fillIn", scripts, [narrower(svg, down), blanks], ["worksheet"])


def folded_piece(picture: Picture, svg: str, passes: Passes, tables: Mapping[str, Table]) -> str:
    """A folded graph that is stepped through layer by layer and whose neurons and boxes open as `tables`."""
    if not passes.steps:  # a leaf
        return piece(picture, svg)
    scripts = [resource(f"{name}.js") for name in ("wires", "stepper", "opening", "layers")]
    packed = {part: table.packed() for part, table in tables.items()}
    data = [passes.known, passes.steps, packed, passes.unit]
    return piece(picture, svg, "walkLayers", scripts, data, ["stepper", "layers"])


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
    return [_described(step, number_of, swept[id(step.gate)], steps.digits) for step in steps]


def _described(step: Step, number_of: dict[int, int], indices: Iterator[int], count: int) -> dict[str, Any]:
    gate = number_of[id(step.gate)]
    parts = [f"g{gate}", f"o{gate}", f"w{gate}"]
    described = {"kind": step.kind, "gate": gate, "sentence": step.sentence, "parts": parts}
    if step.kind == "forward":
        parts += [f"e{gate}-{index}" for index, x in enumerate(step.gate.operands) if isinstance(x, Value)]
        return described | {"value": digits(step.gate.data, count)}
    assert step.after is not None
    if step.kind == "seed":
        return described | {"after": digits(step.after, count)}
    assert step.partial is not None
    operand, index = number_of[id(step.operand)], next(indices)
    parts[1:] = [f"e{gate}-{index}", f"w{operand}"]
    shown = {"factor": factor(step.partial, count), "after": digits(step.after, count)}
    return described | {"operand": operand, "index": index} | shown


def document(title: str, content: str) -> str:
    """A whole HTML page around a piece; it reads no other file and works offline."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        "<style>:root { color-scheme: light dark; background: Canvas }\n"
        "body { margin: min(2rem, 4vw); font-family: system-ui, sans-serif }\n"
        "h1 { font-size: clamp(1.2rem, 5vw, 2rem) }\n"
        "@media print { :root { color-scheme: light } }</style>\n"
        f"</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n{content}\n</main>\n"
        "<script>document.querySelector('.microgradnn-stepper')?.focus({ preventScroll: true });</script>\n"
        "</body>\n</html>\n"
    )

"""The piece of HTML that Jupyter shows and that a saved page holds: a still picture, made live by a short script.

The picture is an `<img>`, so it stays where scripts are blocked; the script turns it into SVG that follows the
theme of the page and, for steps, adds buttons, slider, arrow keys and the sentence of each step.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Any

from microgradnn.backprop import Step, Steps
from microgradnn.drawing.circuit import Picture, circuit
from microgradnn.drawing.vector import prefix, to_svg
from microgradnn.notation import digits
from microgradnn.value import Value


def _resource(name: str) -> str:
    return files("microgradnn.drawing").joinpath(name).read_text(encoding="utf-8")


def piece(picture: Picture, svg: str, steps: list[dict[str, Any]] | None = None) -> str:
    """A self-contained piece of HTML: `picture` laid out as `svg` and, with `steps`, the means to walk through them."""
    name = prefix(picture) + ("-steps" if steps else "")
    image = base64.b64encode(svg.encode()).decode()
    script, data = _resource("stepper.js").rstrip(), json.dumps(steps, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<div class="microgradnn-stepper {name}" role="group" aria-label="{escape(picture.title)}" '
        'data-lm-suppress-shortcuts="true">\n'
        f"<style>{_resource('stepper.css')}</style>\n"
        f'<div class="picture"><img alt="{escape(picture.title + ": " + picture.description)}" '
        f'src="data:image/svg+xml;base64,{image}"></div>\n'
        f"<script>{script}(document.querySelector('.{name}:not([data-ready])'), {data});</script>\n"
        "</div>"
    )


def steps_piece(steps: Steps) -> str:
    """The stepper of `steps`: the picture holds the gradients at the end, the script shows them as they come."""
    reached = ((step.gate if step.operand is None else step.operand, step.after) for step in steps)
    gradients = {id(node): after for node, after in reached if after is not None}
    number_of = {id(node): number for number, node in enumerate(steps.order)}
    swept = {  # of each gate, the operands to which it hands a gradient, in the order of the steps
        id(gate): iter([index for index, partial in enumerate(gate.partials) if partial is not None])
        for gate in steps.order
    }
    picture = circuit(steps.root, gradients, all_names=True)
    return piece(picture, to_svg(picture), [_described(step, number_of, swept[id(step.gate)]) for step in steps])


def _described(step: Step, number_of: dict[int, int], indices: Iterator[int]) -> dict[str, Any]:
    """What the script needs of a step: words, and the ids of the parts to highlight."""
    gate = number_of[id(step.gate)]
    parts = [f"g{gate}", f"o{gate}", f"w{gate}"]
    described = {"kind": step.kind, "gate": gate, "sentence": step.sentence, "parts": parts}
    if step.kind == "forward":
        parts += [f"e{gate}-{index}" for index, x in enumerate(step.gate.operands) if isinstance(x, Value)]
        return described | {"value": digits(step.gate.data)}
    assert step.after is not None
    if step.kind == "seed":
        return described | {"after": digits(step.after)}
    operand = number_of[id(step.operand)]
    parts[1:] = [f"e{gate}-{next(indices)}", f"w{operand}"]
    return described | {"operand": operand, "after": digits(step.after)}


def document(title: str, content: str) -> str:
    """A whole HTML page around a piece; it reads no other file and works offline."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        "<style>:root { color-scheme: light dark } body { margin: 2rem; font-family: system-ui, sans-serif }</style>\n"
        f"</head>\n<body>\n<h1>{escape(title)}</h1>\n{content}\n"
        "<script>document.querySelector('.microgradnn-stepper').focus();</script>\n</body>\n</html>\n"
    )

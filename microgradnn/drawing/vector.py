"""The SVG that Graphviz laid out, made ready to be read: colours for light and dark, tooltips, title, ids."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from microgradnn.drawing.circuit import FONT, Picture
from microgradnn.drawing.layout import render
from microgradnn.drawing.palette import BLACK, DARK, INK, LIGHT, PAPER

_SVG = "http://www.w3.org/2000/svg"


def _rules(colours: dict[str, str]) -> str:
    """A text or a bar has its colour inside, the line of a weight has it on the line."""
    return "\n".join(
        f".microgradnn .{role} {{ fill: {colour} }}\n"
        f".microgradnn path.{role} {{ fill: none; stroke: {colour} }}\n"
        f".microgradnn path.filled.{role} {{ fill: {colour}; stroke: none }}"
        for role, colour in colours.items()
    )


# The background goes with the colours, so that a picture is legible wherever it is embedded.
_STYLE = f"""
.microgradnn {{ color-scheme: light dark; color: {INK["light"]}; background: {PAPER["light"]} }}
.microgradnn text {{ fill: currentColor }}
.microgradnn :is(path, .wire polygon) {{ stroke-linecap: square; stroke-linejoin: round }}
{_rules(LIGHT)}
.microgradnn path:is(.positive, .negative) {{ stroke-linecap: butt }}
.microgradnn .once path {{ stroke-linecap: butt }}
.microgradnn path.negative:not(.hollow) {{ stroke-dasharray: 6 4 }}
.microgradnn path.hollow {{ stroke-linejoin: miter }}
.microgradnn .neuron polygon {{ pointer-events: all }}
@media (prefers-color-scheme: dark) {{
.microgradnn {{ color: {INK["dark"]}; background: {PAPER["dark"]} }}
{_rules(DARK)}
}}
"""


def prefix(picture: Picture) -> str:
    """What all ids of this picture begin with, the same in every run."""
    return "circuit-" + hashlib.sha256(picture.digraph.source.encode()).hexdigest()[:10]


def to_svg(picture: Picture) -> str:
    """Lay the picture out and return a complete SVG document."""
    svg = ET.fromstring(render(picture.digraph.source, "svg"))
    roles = {colour: role for role, colour in LIGHT.items()}
    _join_rectangles(svg, picture.digraph.source)
    for element in svg.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")  # one namespace, said once
        if element.get("font-family") == FONT:
            del element.attrib["font-family"]  # said once too
        for painted in ("fill", "stroke"):
            colour = element.get(painted, "").lower()
            if colour in BLACK:
                element.set(painted, "currentColor")
            elif colour == "transparent" and painted == "stroke":  # as older programs write it
                element.set(painted, "none")
            elif colour in roles:
                del element.attrib[painted]
                element.set("class", f"{element.get('class', '')} {roles[colour]}".lstrip())
    start = prefix(picture)
    svg.attrib |= {"xmlns": _SVG, "font-family": FONT, "class": "microgradnn", "role": "img"}
    svg.set("aria-labelledby", f"{start}-title {start}-desc")
    for group in svg.iter("g"):
        name = group.get("id", "")
        group.set("id", f"{start}-{name}")
        title = group.find("title")
        if title is not None and name in picture.tooltips:
            title.text = picture.tooltips[name]
        elif title is not None:
            group.remove(title)
    parts = {"title": picture.title, "desc": picture.description, "style": _STYLE}
    for index, (tag, text) in enumerate(parts.items()):
        element = ET.Element(tag)
        element.text = text
        if tag != "style":
            element.set("id", f"{start}-{tag}")
        svg.insert(index, element)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _join_rectangles(svg: ET.Element, source: str) -> None:
    """What a node paints, thousands of rectangles, moves into it, as one path for each run of the same looks."""
    graph = next(svg.iter(f"{{{_SVG}}}g"))
    rectangles = []
    for polygon in graph.findall(f"{{{_SVG}}}polygon"):
        graph.remove(polygon)
        looks = dict(polygon.attrib)
        (left, low), _, (right, high), *_ = (map(float, corner.split(",")) for corner in looks.pop("points").split())
        rectangles.append((looks, (left, low, right - left, high - low)))
    count = {node: shapes.count(",") // 3 for node, shapes in _PAINT.findall(source)}
    for group in graph.findall(f"{{{_SVG}}}g"):
        own, rectangles = (
            rectangles[: count.get(group.get("id", ""), 0)],
            rectangles[count.get(group.get("id", ""), 0) :],
        )
        for place, (looks, run) in enumerate(groupby(own, itemgetter(0)), start=1):  # below: right after the title
            kind = "hollow" if looks["fill"] == "none" else "filled"
            path = _outlines(rectangle for _, rectangle in run)
            group.insert(place, ET.Element(f"{{{_SVG}}}path", looks | {"class": kind, "d": path}))


def _outlines(rectangles: Iterable[tuple[float, float, float, float]]) -> str:
    """Rectangles as one path, each counted from where the one before begins, which is half as long to write."""
    text, x, y = "", 0.0, 0.0
    for left, low, width, height in rectangles:
        dx, dy = round(left - x, 1), round(low - y, 1)
        text += f"m{dx:g} {dy:g}h{width:.3g}v{height:.3g}h{-width:.3g}z"
        x, y = x + dx, y + dy
    return text


_PAINT = re.compile(r'\bid=(m\d+) paint="([^"]*)"')
PLACES = ("width", "height", "viewBox", "transform", "x", "y", "cx", "cy", "points", "d")


def places(svg: str) -> list[str]:
    """Where all elements of a picture stand and how large it is: what PLACES name, in the order of the document.

    Two layouts of one circuit differ in these alone.
    """
    return [element.attrib[name] for element in ET.fromstring(svg).iter() for name in PLACES if name in element.attrib]


def width(svg: str) -> float:
    """The width of a picture in points."""
    return float(ET.fromstring(svg).get("width", "").removesuffix("pt"))

"""Look: pictures of circuits, on the screen, on paper, and in a page that answers when you touch it.

Every number is a `Value` that remembers the gate which made it. So a result can draw where it comes from:

>>> from microgradnn import Value, draw, exp, steps
>>> w0, x0, w1, x1, w2 = map(Value, [2, -1, -3, -2, -3], ["w0", "x0", "w1", "x1", "w2"])
>>> f = 1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2)))
>>> f.backward()
>>> draw(f).save("neuron.svg")  # doctest: +SKIP

A gate is a circle with its symbol, its result a wire: above the line, in green, the value; below it, in red, the
gradient ∂f/∂wire, which is blank before `backward`. The ending of the name decides what is saved: .svg, .png or .pdf a
picture, .html a page to step through, .tex equations, .dot the graph in the language of Graphviz, which nobody has to
install. In Jupyter a Value shows its picture by itself.

`draw([f, g])` draws several results together, `direction="down"` goes from top to bottom, `digits=3` writes so many
significant digits. `(x + y).named("q")` names a result where it is computed, for pictures, steps and messages.

Step and explore
----------------

`steps(f)` walks through backprop: the gates forward, then one sentence for each edge of the backward sweep.

>>> print(steps(f)[11])
∂f/∂u5 += ∂f/∂u6 · ∂u6/∂u5 = (−0.5344) × 0.3679 = −0.1966
>>> steps(f).save("neuron.html")  # doctest: +SKIP

The page (in Jupyter, `steps(f)` alone) is the circuit itself. It works offline, with no kernel and no server. Arrow
keys step through the sweep, both ways. Drag a leaf, nudge it by keys or type over it: all values, local derivatives and
gradients follow, a sentence compares the change with what the gradient foretold, and a chart shows the tangent.
`steps(loss, weights=[w0, w1, w2])` has a button that goes downhill. Up to 300 nodes can be explored, where all gates
have forms for arrays; larger circuits are stepped through.

Ranges
------

`bounds` tells between which numbers each value and each gradient lies while leaves range over intervals. The bounds
may be loose, but no number in the ranges lies outside: here is a ReLU proven dead. `draw(f, ranges=…)` writes them on
the wires.

>>> from microgradnn import bounds
>>> w, x = Value(-2.0, "w"), Value(1.0, "x")
>>> dead = (w * x - 1).relu()
>>> bounds(dead, {"x": (0, 10), "w": (-3, -1)})[w]  # of the value, of the gradient
((-3.0, -1.0), (0.0, 0.0))
>>> draw(dead, ranges={"x": (0, 10), "w": (-3, -1)}).save("dead.svg")  # doctest: +SKIP

Your own source
---------------

`margin` runs a function and writes beside each line of it what the line computed; the lines of a loop show small bars.
It needs the source in a file or a cell.

>>> from microgradnn import margin
>>> def neuron(w, x, b):
...     s = w * x + b
...     return s.tanh()
>>> margin(neuron, 2.0, -1.0, 3.0)
line   source                   name    value    ∂f/∂·   local
────   ────────────────────   ──────   ──────   ──────   ───────────────────────
   1   def neuron(w, x, b):        w        2    −0.42
                                   x       −1   0.8399
                                   b        3     0.42
   2       s = w * x + b           s        1     0.42   ∂/∂w −1  ∂/∂x 2  ∂/∂b 1
   3       return s.tanh()    return   0.7616        1   ∂/∂s 0.42
>>> margin(neuron, 2.0, -1.0, 3.0).save("neuron.html")  # doctest: +SKIP

Large circuits
--------------

A circuit of more than 150 nodes folds by itself. `level=2` draws one box for each layer of a network, `level=1` its
neurons, wide layers as matrices of weights, and `level=0` every gate. Gates outside of networks fold by what repeats.
In the page a box opens by click or Enter, and Escape closes it.

>>> from microgradnn import nn
>>> loss = nn.mse(nn.MLP(3, [16, 16, 1], rng=0)([1.0, -2.0, 0.5]), 1.0)
>>> loss.backward()
>>> draw(loss).save("network.html"); draw(loss, level=2).save("layers.svg")  # doctest: +SKIP

Equations
---------

`to_latex(f)` writes the values and every step backward in LaTeX; in Jupyter they show as equations. They use two
colours, which `draw(f).save("f.tex")` defines. `pause=True` uncovers them line by line on slides.

For a class
-----------

A worksheet is the circuit with blanks, as a page that checks digit by digit, or for paper. A `seed` gives each student
other numbers; the key is yours.

>>> from microgradnn import worksheet
>>> z = (w * x + 3).named("z")
>>> sheet = worksheet(z.sigmoid(), blanks=["value of z", "w"], seed=1)
>>> sheet.save("worksheet.html"); sheet.save("worksheet.pdf")  # doctest: +SKIP
>>> print(sheet.key)
A  value of z = −2
B  gradient of w = 0.525

While a network learns, `fit(…, on_epoch=watch(model, X, y))` shows its loss, its regions and its gradients: see
`microgradnn.training`. Pictures of trainings for papers are in `microgradnn.plots`.

This package knows DOT, layout, SVG, the stepper and summaries. Graphviz is imported when the first picture is drawn.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgradnn import renewal
from microgradnn.bounds import bounds
from microgradnn.drawing.circuit import DIRECTIONS, Picture, circuit, outdated
from microgradnn.drawing.latex import latex_document, to_latex
from microgradnn.drawing.layout import painted, render
from microgradnn.drawing.live import LIVE
from microgradnn.drawing.margins import margin_piece
from microgradnn.drawing.opened import tables
from microgradnn.drawing.page import document, folded_piece, heading, piece, steps_piece, still
from microgradnn.drawing.passes import Passes
from microgradnn.drawing.summary import READABLE, summary
from microgradnn.drawing.vector import to_svg
from microgradnn.files import check_writable, write_whole
from microgradnn.graph import order_with_vectors, topological_order, without_vectors
from microgradnn.margins import Margin
from microgradnn.settings import Limit, whole
from microgradnn.stepping import Steps, out_of_date
from microgradnn.value import Value

if TYPE_CHECKING:
    import graphviz

DIGITS = Limit("a whole number from 1 to 17", whole, lambda n: 1 <= n <= 17)
ENDINGS = (".svg", ".png", ".pdf", ".dot", ".tex", ".html")

__all__ = ["Drawing", "draw", "to_latex"]


class Drawing:
    """A picture: `.svg()`, `.save(path)`, `.digraph` for those who tweak; Jupyter shows it.

    `draw` makes it, of a `picture` with its layout and a `text` for where no picture can be shown.

    >>> import os, tempfile
    >>> x = Value(3.0, "x")
    >>> drawing = draw(x * x)
    >>> drawing.digraph.attr(bgcolor="white")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     drawing.save(os.path.join(folder, "square.svg"))
    ...     os.listdir(folder)
    ['square.svg']
    """

    endings: tuple[str, ...] = (".svg", ".png", ".pdf", ".dot", ".html")

    def __init__(self, picture: Picture, text: str) -> None:
        self._picture, self._text = picture, text

    @property
    def digraph(self) -> graphviz.Digraph:
        """The graph as `graphviz.Digraph`; what is changed on it shows in svg, png, pdf and dot."""
        return self._picture.digraph

    def svg(self) -> str:
        """The picture as an SVG document.

        >>> x = Value(3.0, "x")
        >>> draw(x * x).svg().startswith("<svg")
        True
        """
        return to_svg(self._picture)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture to `path`, whose ending decides: .svg, .png, .pdf, .dot, .html, of a circuit also .tex.

        The page of a circuit is the stepper, that of a folded one and of a program holds the picture; .tex holds the
        equations. Raises ValueError for another ending, OSError where the file cannot be written, RuntimeError where
        the layout fails or no font is there for png and pdf. A file that was there before stays until all is done.
        """
        check_writable(path, self.endings)
        write_whole(path, self._content(Path(path).suffix.lower()))

    def _content(self, ending: str) -> bytes:
        match ending:
            case ".svg":
                return self.svg().encode()
            case ".dot":
                return painted(self.digraph.source).encode()
            case ".html":
                return document(self._picture.title, self._piece(self.svg())).encode()
            case _:  # for print: black on white, and for png twice the resolution of a screen
                paper = self.digraph.copy()
                paper.attr(bgcolor="white", **({"dpi": "192"} if ending == ".png" else {}))
                return render(paper.source, ending[1:])

    def _piece(self, svg: str) -> str:
        return piece(self._picture, svg)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        def bundle() -> dict[str, str]:
            svg = to_svg(self._picture)
            return {"text/plain": repr(self), "text/html": self._piece(svg), "image/svg+xml": svg}

        return _quietly(bundle, repr(self))

    def __repr__(self) -> str:
        return self._text  # what Jupyter shows where it cannot show pictures


class CircuitDrawing(Drawing):
    """The picture of a circuit, gate by gate or folded."""

    endings: tuple[str, ...] = ENDINGS

    def __init__(self, roots: Sequence[Value], level: int | None, direction: str, count: int) -> None:
        self.roots, self.direction, self.count = roots, direction, count
        walked = order_with_vectors(*roots)
        order = without_vectors(walked)
        nodes = len(order)
        self.folded = bool(level) or (level is None and nodes > READABLE)
        if self.folded and len(roots) > 1:
            raise ValueError(
                f"{len(roots)} roots of {nodes:,} nodes are not folded into one picture: "
                "draw each alone, or every gate with level=0"
            )
        if level == 1 and direction == "down":
            raise ValueError('neurons (level=1) run to the right; direction="down" goes with level 0 and 2')
        self._complaint = next(filter(None, map(out_of_date, roots)), "") if renewal.outdated(order) else ""
        if self._complaint:
            picture = outdated(roots, self._complaint, self.folded, direction, count)
        elif self.folded:
            picture = summary(roots[0], level, direction, count, walked)
            parts = picture.folding, picture.parts
            self._passes = Passes(*parts, roots[0], picture.f, count)
            self._tables = tables(*parts, picture.f, count)
        else:
            picture = circuit(roots, direction=direction, count=count)
        if len(roots) > 1:  # equations are of one root
            self.endings = Drawing.endings
        super().__init__(picture, repr(roots if len(roots) > 1 else roots[0]))

    def svg(self) -> str:
        """The picture as an SVG document; ValueError where the graph was out of date when it was drawn."""
        if self._complaint:
            raise ValueError(self._complaint)
        return super().svg()

    def _piece(self, svg: str) -> str:
        if not self.folded or self._complaint:
            return super()._piece(svg)
        return folded_piece(self._picture, svg, self._passes, self._tables)

    def _content(self, ending: str) -> bytes:
        if self._complaint:
            raise ValueError(self._complaint)
        if ending == ".tex":
            return latex_document(self.roots[0]).encode()
        if ending == ".html" and not self.folded and len(self.roots) == 1:
            walk = Steps(self.roots[0], digits=self.count)
            return document(heading(walk), steps_piece(walk, self.direction)).encode()
        return super()._content(ending)


def draw(
    root: Value | Sequence[Value],
    level: int | None = None,
    *,
    direction: str = "right",
    digits: int = 4,
    ranges: Mapping[Any, Any] | None = None,
    slices: int = 1,
) -> Drawing:
    """Draw the circuit that ends in `root`, or in several: on each wire the value above, the gradient below the line.

    The last line of a cell shows it in Jupyter; elsewhere `draw(root).save("f.svg")` writes it, also as png, pdf, html
    …

    - `root`: the Value to draw, or several of them
    - `level`: 0 shows every gate, 1 neurons with their weights, in layers of more than 8 as matrices, 2 one box per
      layer; gates of no module fold into boxes by what repeats. By default more than 150 nodes fold, to neurons where
      that can be read, else to layers
    - `direction`: the circuit runs to the "right" or "down"; to the right, the stepper turns downwards where a page is
      narrow
    - `digits`: how many significant digits numbers have
    - `ranges`: as {"w": (-1, 5)}, makes each wire show `low … high` in place of a number: the `bounds` of value and
      gradient while leaves range over them, rounded outwards. Such a picture shows every gate of one root, and does not
      move
    - `slices`: into how many parts `ranges` are cut, which tightens what is shown

    A leaf that is used often or far away is drawn again there, in grey; its gradient stands at its first place.

    Raises TypeError for what is not a Value and for digits that are no whole number, ValueError for another level,
    direction or number of digits, and where several roots would have to fold; with `ranges` also what `bounds` raises,
    and ValueError for several roots, for a graph that would fold and one that is out of date. Where a leaf was assigned
    to and the graph is out of date, Jupyter shows a picture that says so, without numbers; `svg` and `save` raise
    ValueError.

    >>> x, y = Value(-2.0, "x"), Value(5.0, "y")
    >>> draw(x + y, direction="down", digits=3)
    Value(data=3.0, grad=0.0)
    >>> draw([x + y, x * y])
    [Value(data=3.0, grad=0.0), Value(data=-10.0, grad=0.0)]
    """
    roots: list[Any] = list(root) if isinstance(root, list | tuple) else [root]
    for end in roots:
        if not isinstance(end, Value):
            raise TypeError(f"draw needs the Value at the end of a circuit, got {type(end).__name__} {end!r:.60}")
    if not roots:
        raise ValueError("draw needs the Value at the end of a circuit, or several, got an empty list")
    if level not in (None, 0, 1, 2):
        raise ValueError(f"level is 0 (every gate), 1 (neurons), 2 (layers) or None (by size), got {level!r:.60}")
    if direction not in DIRECTIONS:
        raise ValueError(f'direction is "right" or "down", got {direction!r:.60}')
    roots, digits = list(dict.fromkeys(roots)), DIGITS("digits", digits)
    if ranges is not None:
        return Drawing(_with_ranges(roots, level, direction, digits, ranges, slices), repr(root))
    if slices != 1:
        raise ValueError(f"slices={slices!r:.60} cut ranges: give ranges= too")
    return CircuitDrawing(roots, level, direction, digits)


def _with_ranges(
    roots: Sequence[Value], level: int | None, direction: str, count: int, ranges: Mapping[Any, Any], slices: int
) -> Picture:
    """The picture of a circuit with bounds in place of numbers."""
    if len(roots) > 1:
        raise ValueError(f"ranges are drawn with one root, got {len(roots)}: draw each alone")
    nodes = len(topological_order(*roots))
    if level or (level is None and nodes > READABLE):
        raise ValueError(f"{nodes:,} nodes folded show no ranges: draw every gate with level=0, or call bounds")
    if complaint := out_of_date(roots[0]):
        raise ValueError(complaint)
    return circuit(roots, direction=direction, count=count, ranges=bounds(roots[0], ranges, slices=slices))


# ---- Jupyter: a repr never raises, it falls back to text ------------------------------------------------------


def _quietly(bundle: Callable[[], dict[str, str]], fallback: str) -> dict[str, str]:
    try:
        return bundle()
    except Exception as error:  # no picture is a smaller loss than no output
        return {"text/plain": f"{fallback}\n(no picture: {error})"}


def _value_mimebundle(self: Value, **_: Any) -> dict[str, str]:
    return _quietly(lambda: draw(self)._repr_mimebundle_(), repr(self))


def _steps_mimebundle(self: Steps, **_: Any) -> dict[str, str]:
    if len(self.order) > LIVE or out_of_date(self.root):  # too much to look at one by one, or no longer so
        return _quietly(lambda: draw(self.root)._repr_mimebundle_() | {"text/plain": repr(self)}, repr(self))
    if complaint := self.complaint():
        return {"text/plain": complaint}

    def bundle() -> dict[str, str]:
        shown = still(self)  # which is also what an export to PDF takes
        return {"text/plain": str(self), "text/html": steps_piece(self, shown=shown), "image/svg+xml": shown[1]}

    return _quietly(bundle, str(self))


def _margin_mimebundle(self: Margin, **_: Any) -> dict[str, str]:
    return _quietly(lambda: {"text/plain": repr(self), "text/html": margin_piece(self)}, repr(self))


def _save_steps(self: Steps, path: str | os.PathLike[str]) -> None:
    """Write the stepper to `path` as a page that works offline: `steps(root).save("f.html")`.

    >>> import os, tempfile
    >>> from microgradnn import steps
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     steps(Value(2.0, "x") * 3).save(os.path.join(folder, "f.html"))
    ...     os.listdir(folder)
    ['f.html']
    """
    check_writable(path, (".html",))
    if complaint := self.complaint():
        raise ValueError(complaint)
    write_whole(path, document(heading(self), steps_piece(self)).encode())


def _save_margin(self: Margin, path: str | os.PathLike[str]) -> None:
    """Write source, numbers and circuit to `path` as a page that works offline: `margin(f, 2.0).save("f.html")`.

    >>> import os, tempfile
    >>> from microgradnn import margin
    >>> def f(x):
    ...     return x * x
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     margin(f, 2.0).save(os.path.join(folder, "f.html"))
    ...     os.listdir(folder)
    ['f.html']
    """
    check_writable(path, (".html",))
    write_whole(path, document(f"Gradients of {self.name}", margin_piece(self)).encode())


Value._repr_mimebundle_ = _value_mimebundle  # type: ignore[attr-defined]  # drawing attaches itself to what it draws
Steps._repr_mimebundle_ = _steps_mimebundle  # type: ignore[attr-defined]
Steps.save = _save_steps
Margin._repr_mimebundle_ = _margin_mimebundle  # type: ignore[attr-defined]
Margin.save = _save_margin

"""Gradients in the margin: a user's own source, and beside every line its values, gradients and local derivatives.

`margin` runs the function once, watched; a sweep from the result gives the gradients. Here the text; `drawing` shows
the same as HTML.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar

from microgradnn.margins.lookup import parts
from microgradnn.margins.source import Function, Source
from microgradnn.margins.watch import Binding, Watch, sampled
from microgradnn.notation import columns, digits
from microgradnn.sweep import sweep
from microgradnn.value import Value

BARS = "▁▂▃▄▅▆▇█"
SHOWN = 6  # local derivatives beside a line; of more it is said how many there are

__all__ = ["Line", "Margin", "Row", "margin"]


@dataclass
class Row:
    """A name that a line binds, over all runs: its values, its gradients, and by each operand the local derivatives.

    - `name`: what is bound
    - `runs`: how often
    - `sizes`: the lengths of the lists it was bound to, or None for a number
    - `values`, `gradients`: a number for each run
    - `local`: by the name of an operand, the local derivatives of the runs that took it
    - `unnamed`: how many operands have no name

    >>> row = Row("y", runs=2, values=[3.0, 4.0], gradients=[1.0, 1.0], local={"x": [2.0, 2.0]})
    >>> row.label(), row.derivatives()
    ('y ×2', ['∂/∂x 2'])
    """

    name: str
    runs: int = 0
    sizes: set[int | None] = field(default_factory=set)  # of lists
    values: list[float] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    local: dict[str, list[float]] = field(default_factory=dict)
    unnamed: int = 0

    def label(self) -> str:
        """The name, the length of a list, how often the line ran."""
        size = next(iter(self.sizes)) if len(self.sizes) == 1 else None
        return self.name + (f"[{size}]" if size else "") + (f" ×{self.runs}" if self.runs > 1 else "")

    def derivatives(self) -> list[str]:
        """The local derivatives, the first few of many."""
        texts = [
            f"∂/∂{name} {trend(numbers)}" + (f" ({len(numbers)} of {self.runs})" if len(numbers) < self.runs else "")
            for name, numbers in self.local.items()
        ]
        count = len(texts) + self.unnamed
        return [*texts[:SHOWN], *[f"… {count} in all"] * (count > len(texts[:SHOWN]))]


@dataclass
class Line:
    """A line of source: what its runs bound and the gates they made; `ran` is False where it could have and did not.

    - `number`: its place in the function
    - `text`: the line itself
    - `ran`: whether it ran, or could not have
    - `rows`: one for each name that is bound
    - `gates`: what the line recorded

    >>> [*Line(2, "y = x", True, [Row("y", 1, values=[3.0], gradients=[1.0])], []).cells()]
    [['2', 'y = x', 'y', '3', '1']]
    """

    number: int
    text: str
    ran: bool
    rows: list[Row]
    gates: list[Value]

    def cells(self) -> Iterator[list[str]]:
        """What stands in each row: number, source, name, values, gradients, and all local derivatives."""
        number, text = str(self.number), self.text
        for row in self.rows or [Row("" if self.ran else "not run")]:
            yield [number, text, row.label(), trend(row.values), trend(row.gradients), *row.derivatives()]
            number = text = ""


class Margin:
    """What `margin` found; it shows as text at a prompt and as HTML in Jupyter, `save("m.html")` writes a page.

    `functions` holds the lines of each function that ran, `root` is the result of the first, called `name`; `gradients`
    has ∂root/∂node of all that the result depends on.

    >>> def square(x):
    ...     return x * x
    >>> found = margin(square, 3.0)
    >>> found.name, found.root.data, len(found.functions[0])
    ('square', 9.0, 2)
    """

    save: ClassVar[Callable[[Margin, str | PathLike[str]], None]]  # drawing attaches it

    def __init__(self, name: str, root: Value, gradients: dict[Value, float], functions: list[list[Line]]) -> None:
        self.name, self.root, self.gradients, self.functions = name, root, gradients, functions

    def __repr__(self) -> str:
        numbers = ("value", "∂f/∂·")
        tables = [
            columns(
                ("line", "source", "name", *numbers, "local"),
                [(*cells[:5], "  ".join(cells[5:])) for line in lines for cells in line.cells()],
                ("line", "name", *numbers),
            )
            for lines in self.functions
        ]
        return "\n\n".join(map("\n".join, tables))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def trend(numbers: Sequence[float]) -> str:
    """Numbers in little room: one that stays is written once, two both, more as the first, bars between, the last.

    >>> trend([2.0, 2.0]), trend([1, 2]), trend([0.0, 1.0, 4.0, 9.0])
    ('2', '1, 2', '0 ▁▁▄█ 9')
    """
    if not numbers:
        return ""
    first, last = (digits(x, 17 if isinstance(x, int) else 4) for x in (numbers[0], numbers[-1]))
    if len(numbers) == 1 or all(x == numbers[0] for x in numbers):
        return first
    if len(numbers) == 2:
        return f"{first}, {last}"
    return f"{first} {bars(numbers)} {last}"


def bars(numbers: Sequence[float]) -> str:
    """Numbers as bars from the lowest to the highest, twelve of more; ? is what is not finite.

    >>> bars([0.0, 4.0, float("inf"), 2.0])
    '▁█?▅'
    """
    few = numbers if len(numbers) <= 12 else sampled(numbers)
    finite = [x / 8 for x in few if abs(x) < float("inf")]  # in eighths, as the range of the whole may overflow
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    heights = (int((x / 8 - low) / (high - low or 1.0) * 8) if abs(x) < float("inf") else None for x in few)
    return "".join("?" if height is None else BARS[min(height, 7)] for height in heights)


def margin(f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Margin:
    """The source of `f`, and beside every line of it the value, ∂f/∂value and local derivatives of what it binds.

    It calls `f(*args, **kwargs)` once and follows the functions of the same file that `f` calls. A float, also a
    default, becomes a Value that carries the name of its argument, so do all numbers of a list that holds a float;
    other ints stay ints, as they count and index, and arrays stay as they are. A line that runs many times shows the
    first and the last number and bars between; one that does not run is said to. The local derivatives of a line are
    those by what was there before it, "(2 of 5)" where only so many runs took it.

    Raises ValueError where no source is to be had, as of what `exec` made, and TypeError for a result that is no Value.

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
    """
    source = Source(f)
    name, copies = source.code.co_name, dict[int, Any]()
    try:
        bound = inspect.signature(f).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    bound.apply_defaults()
    for parameter, argument in bound.arguments.items():
        bound.arguments[parameter] = _differentiable(parameter, argument, copies)
    watch = Watch(source)
    root = watch.run(lambda: f(*bound.args, **bound.kwargs))
    if not isinstance(root, Value):
        hint = "did it forget to return its result?" if root is None else "it must return one number"
        if isinstance(root, int | float):
            hint = "it depends on no Value; ints stay ints, so write 2.0 for 2 where a derivative is asked for"
        if inspect.iscoroutine(root):
            root.close()
            hint = "give margin a plain function, such as one that calls asyncio.run"
        raise TypeError(f"{name} returned {type(root).__name__} {root!r:.60}: {hint}")
    gradients = dict(sweep(root))
    rows = _rows(watch.bindings, gradients)
    gates = {line: [gate for gate in made if gate in gradients] for line, made in watch.gates_on.items()}
    functions = [_lines(function, watch.ran, rows, gates) for function in _outermost([*watch.functions])]
    return Margin(name, root, gradients, functions)


def _differentiable(name: str, thing: Any, copies: dict[int, Any]) -> Any:
    """An argument with Values for its floats, and for all numbers of a list that holds a float; a dict has several."""
    if isinstance(thing, dict):
        if id(thing) not in copies:
            copies[id(thing)] = copied = copy(thing)
            for key, inner in thing.items():
                copied[key] = _differentiable(f"{name}[{key!r}]", inner, copies)
        return copies[id(thing)]
    if any(isinstance(x, Real) and not isinstance(x, Integral) for _, x in parts(name, thing)):
        return _named_alike(name, thing, copies)
    return thing


def _named_alike(name: str, thing: Any, copies: dict[int, Any]) -> Any:
    if isinstance(thing, Real) and not isinstance(thing, bool):
        return Value(float(thing), name)
    if isinstance(thing, dict):
        return _differentiable(name, thing, copies)
    if not isinstance(thing, (list, tuple)):
        return thing
    if id(thing) not in copies:
        inner = (_named_alike(f"{name}[{index}]", x, copies) for index, x in enumerate(thing))
        if isinstance(thing, list):
            copies[id(thing)] = copied = copy(thing)
            copied[:] = inner
        else:
            copies[id(thing)] = thing._make(inner) if hasattr(thing, "_make") else tuple(inner)
    return copies[id(thing)]


def _rows(bindings: Sequence[Binding], gradients: dict[Value, float]) -> dict[int, list[Row]]:
    """The rows of each line: what was bound there, run after run, under one name."""
    rows: dict[tuple[int, str], Row] = {}
    for binding in bindings:
        row = rows.setdefault((binding.line, binding.name), Row(binding.name))
        row.runs += 1
        row.sizes.add(binding.size)
        row.values += binding.numbers
        row.gradients += [gradients.get(x, 0.0) for x in binding.values]
        row.unnamed = max(row.unnamed, binding.unnamed)
        for name, derivative in (binding.local or {}).items():
            row.local.setdefault(name, []).append(derivative)
    by_line: dict[int, list[Row]] = {}
    for (line, _), row in rows.items():
        by_line.setdefault(line, []).append(row)
    return by_line


def _outermost(functions: Sequence[Function]) -> list[Function]:
    """Those that are not written inside another one that ran."""

    def inside(function: Function, other: Function) -> bool:
        return function is not other and other.first <= function.first and function.last <= other.last

    return [function for function in functions if not any(inside(function, other) for other in functions)]


def _lines(function: Function, ran: set[int], rows: dict[int, list[Row]], gates: dict[int, list[Value]]) -> list[Line]:
    lines = []
    for number in range(function.first, function.last + 1):
        missed = function.can_run(number) and function.start_of(number) not in ran
        lines.append(
            Line(number, function.text(number), not missed, rows.get(number, []), gates.get(function.whole(number), []))
        )
    return lines

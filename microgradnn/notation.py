"""How numbers, names and gates of a graph are written: in tables, sentences and pictures.

Numbers get four significant digits, or as many as are asked for, and a true minus sign, by `wording`, which knows how a
gate alone is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from itertools import count
from typing import Any

from microgradnn.value import Value
from microgradnn.wording import bracketed, digits as digits, formula as formula

_SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def span(low: float, high: float, count: int = 4) -> str:
    """What lies between two bounds, which are rounded outwards; a number where they are the same.

    >>> span(-1.0, 5.0), span(0.123456, 0.123478), span(-0.5, float("inf"), 2), span(0.123456, 0.123456)
    ('−1 … 5', '0.1234 … 0.1235', '−0.5 … ∞', '0.1235')
    """
    if low == high:
        return digits(low, count)
    ends = (Context(prec=count, rounding=way) for way in (ROUND_FLOOR, ROUND_CEILING))
    return " … ".join(
        digits(float(context.create_decimal(repr(x))), count) for context, x in zip(ends, (low, high), strict=True)
    )


def factor(x: float, count: int = 4) -> str:
    """`x` as a factor of a product: negative numbers in brackets."""
    return bracketed(digits(x, count))


def names(order: Iterable[Value], *roots: Value) -> dict[int, str]:
    """A name for each node of `order`, by `id`: its own, else v1, v2 … for leaves, u1, u2 … for gates, f for the root.

    Of several roots those without a name are f1, f2 … Names in use are skipped; where several nodes carry one name, the
    later ones get a number.

    >>> from microgradnn.graph import topological_order
    >>> f = (Value(2.0, "x") + Value(3.0)) * 4
    >>> list(names(topological_order(f), f).values())
    ['x', 'v1', 'u1', 'f']
    """
    order, ends = list(order), {id(root) for root in roots}
    own = {node.name for node in order if node.name}
    name_of: dict[int, str] = {}
    used: set[str] = set()
    counters: dict[str, count[int]] = {}

    def numbered(stem: str, first: int) -> str:
        numbers = counters.setdefault(stem, count(first))
        return next(name for number in numbers if (name := f"{stem}{number}") not in own)

    for node in order:
        name = node.name
        if name and name in used:
            name = numbered(f"{name}_", 2)
        elif id(node) in ends and len(ends) > 1:
            name = name or numbered("f", 1)
        elif not name:
            free = id(node) in ends and "f" not in own
            name = "f" if free else numbered("v" if node.primitive is None else "u", 1)
        used.add(name)
        name_of[id(node)] = name
    return name_of


class Place(str):
    """The name that a module gave a parameter: its place in the state, `0.weight[3][1]`."""

    __slots__ = ()


def short_names(name_of: dict[int, str]) -> dict[int, str]:
    """The names of a picture with those of parameters shortened, as far as all of them stay different.

    >>> list(short_names({1: "x", 2: Place("0.weight[3][1]"), 3: Place("0.bias[12]")}).values())
    ['x', 'w₃₁', 'b₁₂']
    >>> list(short_names({1: Place("0.bias[0]"), 2: Place("2.bias[0]")}).values())
    ['0.b₀', '2.b₀']
    """
    for whole in (False, True):
        short = {key: _short(name, whole) if isinstance(name, Place) else name for key, name in name_of.items()}
        if len({*short.values()}) == len({*name_of.values()}):
            return short
    return name_of


def _short(path: str, whole: bool) -> str:
    """A place without the module, unless `whole`: w for weight, b for bias, and small indices."""
    name, *indices = path.replace("]", "").split("[")
    module, dot, tensor = name.rpartition(".")
    below = ("" if all(len(index) == 1 for index in indices) else ",").join(indices).translate(_SUBSCRIPTS)
    return (module + dot) * whole + {"weight": "w", "bias": "b"}.get(tensor, tensor) + below


def symbol(gate: Value, count: int = 4) -> str:
    """What is drawn in the gate: its symbol, with a constant operand in it as the notes draw it, of `count` digits.

    >>> x = Value(2.0)
    >>> [symbol(gate) for gate in (x * 3, x + 1, x - (-1), 1 / x, x**2, x**0.5, -x)]
    ['×3', '+1', '+1', '1/x', 'x²', 'x^0.5', '×−1']
    """
    primitive = gate.primitive
    assert primitive is not None
    constants = [(index, operand) for index, operand in enumerate(gate.operands) if isinstance(operand, float)]
    symbols = primitive.symbol
    if isinstance(symbols, tuple):
        if not constants:
            return symbols[0]
        index, constant = constants[0]
        template, number = symbols[1 + index], digits(constant, count)
        if template == "−{}" and number[0] == "−":  # to subtract −1 is to add 1
            template, number = "+{}", number[1:]
        # a sign does not follow a sign, nor stand below an exponent
        text = template.format(bracketed(number) if template[0] in "+−" or template.endswith("^x") else number)
        return re.sub(r"\^([−\d]+)$", lambda power: power[1].translate(_SUPERSCRIPTS), text)
    if not constants or len(gate.operands) > 3:
        return symbols
    shown = (digits(operand, count) if isinstance(operand, float) else "x" for operand in gate.operands)
    return f"{symbols}({', '.join(shown)})"


def expression(order: Sequence[Value], name_of: dict[int, str]) -> str:
    """What the last node of `order` is, down to leaves and gates with a name, and then what those are.

    >>> from microgradnn import Value
    >>> x = Value(2.0, "x")
    >>> q = (x + 1).named("q")
    >>> expression([x, q, square := q * q], {id(x): "x", id(q): "q", id(square): "f"})
    'f = q × q, q = x + 1'
    """
    texts, equations = dict(name_of), []
    for node in order:
        if node.primitive is not None:
            text = formula(node.primitive, written(node.operands, texts))
            if node.name or node is order[-1]:
                equations.append(f"{name_of[id(node)]} = {text}")
            elif len(text) < 200:  # shared operands are written wherever they are used
                texts[id(node)] = text
    return ", ".join(reversed(equations)) or name_of[id(order[-1])]


def written(operands: Iterable[Any], name_of: dict[int, str], count: int = 4) -> list[str]:
    """Operands by name, constants as numbers."""
    return [name_of[id(operand)] if isinstance(operand, Value) else digits(operand, count) for operand in operands]


def few(names: Iterable[Any]) -> str:
    """Some names, and how many more there are."""
    names = [f"{name!s:.200}" for name in names]
    return (", ".join(names[:3]) or "none") + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def columns(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> list[str]:
    """A table with a rule below its header; the columns in `right` are aligned to the right."""
    lines = [header, *rows]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    lines.insert(1, ["─" * width for width in widths])
    return [
        "   ".join(
            cell.rjust(width) if title in right else cell.ljust(width)
            for title, cell, width in zip(header, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]

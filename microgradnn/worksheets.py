"""Worksheets: a circuit with blanks in place of some of its numbers, for a class to fill in, on paper or in the page.

Here numbers are varied and chosen; how a blank is drawn is known to `drawing`, how an answer is checked to its
worksheet.js.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from microgradnn.drawing import Drawing
from microgradnn.drawing.circuit import FONT, Letter, circuit, printable
from microgradnn.drawing.page import worksheet_piece
from microgradnn.drawing.summary import READABLE
from microgradnn.drawing.vector import to_svg
from microgradnn.graph import topological_order
from microgradnn.notation import digits, few, names, short_names
from microgradnn.primitive import ForwardError
from microgradnn.settings import Limit, whole
from microgradnn.stepping import out_of_date
from microgradnn.sweep import sweep
from microgradnn.value import Value

SMALL, LARGE = 1e-3, 1e4  # between them the varied numbers of a worksheet lie, or are 0
TRIES = 100  # for each way of varying the leaves
HOW_MANY = Limit("a whole number ≥ 1 or a list of names", whole, lambda n: n >= 1)
SEED = Limit("a whole number ≥ 0 or None", whole, lambda n: n >= 0)


@dataclass(frozen=True, eq=False)
class Blank:
    """A number that can be asked for: the value of a gate, or the gradient of any node."""

    node: Value
    role: str  # "value" or "gradient"
    name: str  # of the node, as the picture has it

    def __str__(self) -> str:
        return f"{self.role} of {self.name}"


class Key(dict[str, str]):
    """The answers: by the letter of each blank the number as pictures write it. Printed, a line for each blank."""

    def __init__(self, lines: Sequence[tuple[str, Blank, str]]) -> None:
        super().__init__((letter, answer) for letter, _, answer in lines)
        self._text = "\n".join(f"{letter}  {blank} = {answer}" for letter, blank, answer in lines)

    def __repr__(self) -> str:
        return self._text


class Worksheet(Drawing):
    """A circuit with blanks: `save("w.html" | "w.svg" | "w.pdf" | "w.png")`, and the answers in `key`.

    No answer stands in a picture. The page, which Jupyter shows too, checks them; they are in its source.

    >>> x = Value(3.0, "x")
    >>> sheet = worksheet(x * x, blanks=["x"])
    >>> sheet, sheet.key["A"]
    (<worksheet of f: 1 blank>, '6')
    """

    def __init__(self, root: Value, blanks: Sequence[Blank], seed: int | None) -> None:
        order, numbers = topological_order(root), _numbers(root)
        lines = [(_letter(n), blank, digits(numbers[id(blank.node), blank.role])) for n, blank in enumerate(blanks)]
        self.key = Key(lines)
        letters = {(id(blank.node), blank.role): Letter(letter) for letter, blank, _ in lines}
        gradients = {id(node): numbers[id(node), "gradient"] for node in order}
        pictures = [circuit(root, gradients, direction=way, letters=letters) for way in ("right", "down")]
        number_of = {id(node): number for number, node in enumerate(order)}
        self._blanks = [
            {"letter": letter, "what": str(blank), "role": blank.role, "wire": f"w{number_of[id(blank.node)]}",
             "answers": _answers(blank, order, numbers)}
            for letter, blank, _ in lines
        ]  # fmt: skip
        f, variant = printable(names(order, root)[id(root)]), "" if seed is None else f", seed {seed}"
        caption = "four significant digits" + variant  # by the seed sheets of paper can be told apart
        for picture in pictures:
            picture.digraph.attr(label=caption, labeljust="l", fontname=FONT, fontsize="10")
        to_find = "; ".join(f"{letter}, the {blank}" for letter, blank, _ in lines)
        description = f"{pictures[0].description}. To find: {to_find}"
        title = f"Worksheet: circuit of {f}{variant}"
        picture, self._down = (replace(picture, title=title, description=description) for picture in pictures)
        super().__init__(picture, f"<worksheet of {f}{variant}: {len(lines)} blank{'s' * (len(lines) > 1)}>")

    def _piece(self, svg: str) -> str:
        return worksheet_piece(self._picture, svg, to_svg(self._down), self._blanks)


def worksheet(root: Value, blanks: int | Sequence[str] = 3, seed: int | None = None) -> Worksheet:
    """The circuit of `root` with blanks for a class to fill in, in place of some values of gates and gradients.

    `blanks` is how many, chosen at random, or a list of names: "q" asks for the value and the gradient of q, of a leaf
    for the gradient alone; "value of q" and "gradient of q" for one of them. The values of leaves are given, and the
    gradient of the root, 1, is a blank only by name. A `seed` chooses other blanks and gives the leaves other numbers
    that are pleasant to compute with: whole ones, or halves for what is not whole. The same seed gives the same
    worksheet everywhere. Gradients start from 0, as in `steps`. `root` stays as it is. A picture does not show what a
    network was called with as plain numbers: call it with Values, so that its gates can be computed by hand.

    Raises TypeError for what is not a Value, a number or names, ValueError for more blanks than there are, names that
    are not there or not unique, a graph that is out of date or of more than 150 nodes, and where no numbers fit.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> sheet = worksheet((x + y).named("q") * z, blanks=["q", "x"])
    >>> sheet.save("circuit.pdf")  # doctest: +SKIP
    >>> print(sheet.key)
    A  value of q = 3
    B  gradient of q = −4
    C  gradient of x = −4
    """
    if not isinstance(root, Value):
        raise TypeError(f"worksheet needs the Value at the end of a circuit, got {type(root).__name__} {root!r:.60}")
    how_many = 0 if isinstance(blanks, list | tuple) else HOW_MANY("blanks", blanks)
    seed = None if seed is None else SEED("seed", seed)
    nodes = len(topological_order(root))
    if nodes > READABLE:
        raise ValueError(f"a worksheet has room for {READABLE} nodes, this circuit has {nodes:,}: take a part of it")
    if complaint := out_of_date(root):
        raise ValueError(complaint)
    root, random = deepcopy(root), Random(seed or 0).random  # which alone is the same in every version of Python
    chosen = _by_name(root, blanks) if isinstance(blanks, list | tuple) else _at_random(root, how_many, random)
    if seed is not None:
        _vary(root, random)
    return Worksheet(root, chosen, seed)


# ---- which numbers are asked for ----------------------------------------------------------------------------------


def _findable(root: Value) -> list[Blank]:
    """All numbers that can be asked for, in the order of computing them: values forward, then gradients backward."""
    order = topological_order(root)
    name_of = {key: printable(name) for key, name in short_names(names(order, root)).items()}
    values = [Blank(node, "value", name_of[id(node)]) for node in order if node.primitive is not None]
    return values + [Blank(node, "gradient", name_of[id(node)]) for node in reversed(order)]


def _numbers(root: Value) -> dict[tuple[int, str], float]:
    """Every number of the circuit, by the `id` of its node and "value" or "gradient"; gradients from 0."""
    swept = list(sweep(root))
    return {(id(node), "value"): node.data for node, _ in swept} | {
        (id(node), "gradient"): adjoint for node, adjoint in swept
    }


def _answers(blank: Blank, order: Sequence[Value], numbers: dict[tuple[int, str], float]) -> list[str]:
    """How a number may be written: as in the picture, rounded up from halfway, and as it comes of the numbers there.

    Those have four digits: 1/1.05 is 0.9524, also where 1.05 stands for 1.0498.
    """
    exact = numbers[id(blank.node), blank.role]
    answers = [exact, _rounded(exact)]
    with suppress(*ForwardError):
        answers.append(_from_picture(blank, order, numbers))
    return list(dict.fromkeys(map(digits, answers)))


def _from_picture(blank: Blank, order: Sequence[Value], numbers: dict[tuple[int, str], float]) -> float:
    """A number computed from the others as they are drawn."""

    def again(gate: Value) -> Value:
        operands = [_rounded(x.data if isinstance(x, Value) else x) for x in gate.operands]
        assert gate.primitive is not None
        return gate.primitive(*map(Value, operands))  # type: ignore[no-any-return]

    if blank.role == "value":
        return again(blank.node).data
    total = 1.0 if blank.node is order[-1] else 0.0
    for gate in order:
        if any(operand is blank.node for operand in gate.operands):
            upstream = _rounded(numbers[id(gate), "gradient"])
            for operand, partial in zip(gate.operands, again(gate).handed, strict=True):
                total += partial * upstream if operand is blank.node and partial is not None else 0.0
    return total


def _rounded(x: float) -> float:
    """Four digits of a number as they are taught: halfway goes up."""
    if not math.isfinite(x) or x == 0:
        return x
    number = Decimal(repr(x))
    return float(number.quantize(Decimal(1).scaleb(number.adjusted() - 3), ROUND_HALF_UP))


def _at_random(root: Value, how_many: int, random: Callable[[], float]) -> list[Blank]:
    """Any of the finite numbers but the gradient of the root, each as likely."""
    numbers = _numbers(root)
    findable = [
        blank
        for blank in _findable(root)
        if math.isfinite(numbers[id(blank.node), blank.role]) and (blank.node is not root or blank.role == "value")
    ]
    if how_many > len(findable):
        raise ValueError(
            f"blanks={how_many} are more than this circuit has numbers to find, {len(findable)}: "
            + ("ask for fewer" if findable else "it needs a gate, as x * 2 is")
        )
    drawn = sorted(range(len(findable)), key=lambda _: random())[:how_many]
    return [findable[index] for index in sorted(drawn)]


def _by_name(root: Value, asked: Sequence[str]) -> list[Blank]:
    """The numbers that are asked for by the name of a node, or as "value of q"."""
    if not asked:
        raise ValueError("blanks is an empty list: name what is to be found, or say how many numbers")
    order, numbers, findable = topological_order(root), _numbers(root), _findable(root)
    name_of, given = names(order, root), Counter(node.name for node in order)
    chosen: dict[Blank, None] = {}
    for name in asked:
        if not isinstance(name, str):
            raise TypeError(f"blanks lists names, got {type(name).__name__} {name!r:.60}")
        if given[name.removeprefix("value of ").removeprefix("gradient of ")] > 1:
            raise ValueError(f"{name!r:.60} is ambiguous, several nodes carry this name: give each its own")
        meant = [
            blank
            for blank in findable
            if name in (blank.name, str(blank), name_of[id(blank.node)], f"{blank.role} of {name_of[id(blank.node)]}")
        ]
        if not meant:
            there = few(dict.fromkeys(f"{blank.name!r}" for blank in findable))
            raise ValueError(
                f"blanks has {name!r:.60}, no number to find (values of leaves are given): there are {there}, also as "
                '"value of …" and "gradient of …"'
            )
        for blank in meant:
            if not math.isfinite(number := numbers[id(blank.node), blank.role]):
                raise ValueError(f"the {blank} is {digits(number)}, no number to write digit by digit: leave it out")
        chosen |= dict.fromkeys(meant)
    return [blank for blank in findable if blank in chosen]


def _letter(number: int) -> str:
    """The letter of a blank: after Z comes AA.

    >>> [_letter(number) for number in (0, 25, 26, 52)]
    ['A', 'Z', 'AA', 'BA']
    """
    return (_letter(number // 26 - 1) if number > 25 else "") + chr(ord("A") + number % 26)


# ---- other numbers for the leaves ---------------------------------------------------------------------------------


def _vary(root: Value, random: Callable[[], float]) -> None:
    """Give the leaves other numbers, so that all numbers of the circuit can be written by hand, no more of them 0."""
    leaves = [node for node in topological_order(root) if node.primitive is None]
    first, zeros = [leaf.data for leaf in leaves], list(_numbers(root).values()).count(0.0)
    for other in (_any_sign, _same_sign, _near):
        for _ in range(TRIES):
            for leaf, x in zip(leaves, first, strict=True):
                leaf.data = other(x, random)
            with suppress(*ForwardError):
                numbers = _numbers(root.forward()).values()
                if all(x == 0 or SMALL <= abs(x) < LARGE for x in numbers) and list(numbers).count(0.0) <= zeros:
                    return
    raise ValueError(
        f"no other numbers between {SMALL} and {LARGE:,.0f} were found for this circuit: leave the seed out, "
        "and its numbers stay as they are"
    )


def _any_sign(x: float, random: Callable[[], float]) -> float:
    """A whole number up to 6, or for what is not whole a half up to 3."""
    size = (1 + math.floor(6 * random())) / (1 if x.is_integer() else 2)
    return size if random() < 0.5 else -size


def _same_sign(x: float, random: Callable[[], float]) -> float:
    return math.copysign(_any_sign(x, random), x)


def _near(x: float, random: Callable[[], float]) -> float:
    """Between half of the number and one and a half of it, in two digits."""
    return float(f"{x * (5 + math.floor(11 * random())) / 10:.2g}")

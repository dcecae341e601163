r"""How numbers, names and gates are written in LaTeX, in words that MathJax has as well.

Brackets stand where precedence asks for them, which is read from the text: its signs, sums and products outside of
brackets. The templates of the gates are in the table; those of any number of operands are here, as a series.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from enum import IntEnum
from string import Formatter

from microgradnn.notation import digits
from microgradnn.primitive import Primitive

_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"  # other capitals are those of the Latin alphabet
)
_GREEK = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _NAMES.split(), strict=True))
_LETTERS = str.maketrans(
    {letter: f"\\{letter}" for letter in "#$%&_{}"}
    | {"\\": r"\backslash ", "^": r"\hat{}", "~": r"\sim ", " ": r"\ ", "\n": r"\ "}
)
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")

FEW = 3  # members of a series, or terms of a sum, that are all written
# Gates of any number of operands: what becomes of a member, and what stands around their sum, or their list.
SERIES = {
    "sum": ("{0}", "{0}"), "dot": (r"{0} \cdot {1}", "{0}"), "norm": ("{0}^{{2}}", r"\sqrt{{{0}}}"),
    "logsumexp": ("e^{{{0}}}", r"\log({0})"), "cross_entropy": ("e^{{{0}}}", r"-\log \frac{{{1}}}{{{0}}}"),
    "maximum": ("", r"\max({0})"), "minimum": ("", r"\min({0})"), "argmax": ("", r"\operatorname{{argmax}}({0})"),
}  # fmt: skip
CONSTANTS = {
    math.pi: r"\pi", math.log(2): r"\log(2)", math.log(10): r"\log(10)", math.sqrt(2): r"\sqrt{2}",
    math.sqrt(2 * math.pi): r"\sqrt{2 \cdot \pi}", 2 / math.sqrt(math.pi): r"\frac{2}{\sqrt{\pi}}",
}  # fmt: skip


class _Binding(IntEnum):
    """How strongly the parts of a text hold together, outside of its brackets."""

    SIGN, SUM, PRODUCT, POWER, ATOM = range(5)


def _binding(text: str) -> _Binding:
    outside = re.sub(r"\\left\|.*?\\right\||\\[{}]", "", text)
    while outside != (outside := re.sub(r"\([^(){}]*\)|\{[^(){}]*\}|\[[^][]*\]|\\lfloor.*\\rfloor", "", outside)):
        pass
    if outside.startswith(("-", "+")):
        return _Binding.SIGN
    if re.search(r" ([-+]|\\bmod) ", outside):
        return _Binding.SUM
    if " " in outside:
        return _Binding.PRODUCT
    return _Binding.POWER if "^" in outside or outside.startswith(r"\frac") else _Binding.ATOM


def _needed(before: str, after: str) -> _Binding:
    """How strongly an operand must hold together between these parts of a template."""
    before = before.removesuffix(r"\lfloor ")
    enclosed = not before or before[-1] in "([{|,=" or before.endswith((", ", "= "))
    if enclosed and (not after or after[0] in ")]}|," or after.startswith((r" \rfloor", " ="))):
        return _Binding.SIGN
    if r"\bmod" in (before[-6:].strip(), after[:6].strip()):
        return _Binding.POWER
    if after.startswith(r" \cdot"):
        return _Binding.PRODUCT
    if after.startswith((" +", " -")) and (enclosed or before.endswith("+ ")):
        return _Binding.SUM
    if before.endswith("+ ") and (not after or after[0] in "}) "):
        return _Binding.SUM
    if (before.endswith("-") or before.endswith((" ", "- ")) or enclosed) and (not after or after[0] in "}) "):
        return _Binding.PRODUCT
    return _Binding.ATOM


def bracketed(operand: str, needed: _Binding = _Binding.PRODUCT) -> str:
    r"""An operand in brackets if it does not hold together as strongly as its place in a formula asks for.

    >>> bracketed("-2"), bracketed("x + y"), bracketed(r"x \cdot y")
    ('(-2)', '(x + y)', 'x \\cdot y')
    """
    power_of_ten = needed > _Binding.SUM and re.match(r"[\d.]+ \\cdot 10\^", operand)
    return f"({operand})" if _binding(operand) < needed or power_of_ten else operand


def _filled(template: str, operands: Sequence[str]) -> str:
    parts = [(before, index) for before, index, _, _ in Formatter().parse(template)]
    text = ""
    for number, (before, index) in enumerate(parts):
        text += before
        if index is not None:
            after = parts[number + 1][0] if number + 1 < len(parts) else ""
            operand = operands[int(index)]
            needed = _needed(text, after)
            if needed is _Binding.SUM and re.match(r"[-+]\D", operand) and text.rpartition(" ")[0][-1:] not in "+-":
                needed = _Binding.SIGN  # a formula may begin with a sign
            text += bracketed(operand, needed)
    return text


def _tall(text: str) -> str:
    """The text with brackets that grow around fractions and sums."""
    opened: list[int] = []
    pieces = list(re.sub(r"\\left\(|\\right\)", lambda match: match[0][-1], text))
    for index, letter in enumerate(pieces):
        if letter == "(":
            opened.append(index)
        elif letter == ")" and opened:
            start = opened.pop()
            if re.search(r"\\frac|\\sum", "".join(pieces[start:index])):
                pieces[start], pieces[index] = r"\left(", r"\right)"
    return "".join(pieces)


def latex_formula(primitive: Primitive, operands: Sequence[str]) -> str:
    r"""The gate applied to operands in LaTeX.

    >>> from microgradnn.primitive import lookup
    >>> print(latex_formula(lookup("divide"), ["-1", "x_{0}"]), latex_formula(lookup("power"), ["-1", "-2"]))
    \frac{-1}{x_{0}} (-1)^{-2}
    >>> print(latex_formula(lookup("dot"), ["w", "v", "x", "y", "b"]))
    w \cdot x + v \cdot y + b
    >>> print(latex_formula(lookup("norm"), ["x_{1}", "x_{2}", "x_{3}", "x_{4}"]))
    \sqrt{\sum_{i} x_{i}^{2}}
    """
    if primitive.latex is not None:
        return _tall(_filled(primitive.latex, operands))
    if primitive.name in SERIES:
        return _tall(_series(primitive.name, list(operands)))
    name = primitive.name.replace("_", r"\_")
    return _tall(rf"\operatorname{{{name}}}({', '.join(operands)})")


def _series(name: str, operands: list[str]) -> str:
    member, around = SERIES[name]
    if not member:
        return around.format(", ".join(elided(operands)))
    last, chosen = [], ""
    if name == "dot":
        half = len(operands) // 2
        columns, last = [operands[:half], operands[half:-1]], [bracketed(operands[-1])]
    elif name == "cross_entropy":
        index, *operands = operands
        columns = [operands]
        chosen = operands[int(index)] if index.isdecimal() else f"x_{{{index}}}"
        chosen = _filled(member, [chosen])
    else:
        columns = [operands]
    stems = [_common_stem(column) for column in columns]
    if len(columns[0]) > FEW and all(stems):
        member = _filled(member, [f"{stem}_{{i}}" for stem in stems])
        terms = [r"\sum_{i} " + member.replace(r" \cdot", "")]
    else:
        terms = elided([_filled(member, row) for row in zip(*columns, strict=True)])
        if len(terms) + len(last) > 1:
            terms = [bracketed(term) for term in terms]
    return around.format(" + ".join([*terms, *last]), chosen)


def _common_stem(names: Sequence[str]) -> str:
    """The letter of names that differ in their index alone, "" where they are no such names."""
    stems = {re.sub(r"_\{[\w,]*\d\}$", "", name) for name in names}
    return stems.pop() if len(stems) == 1 and len({*names}) == len(names) > 1 else ""


def elided(terms: Sequence[str], most: int = FEW) -> list[str]:
    """The terms, of more than `most` the first two and the last."""
    return list(terms) if len(terms) <= most else [*terms[:2], r"\cdots", terms[-1]]


def latex_name(name: str) -> str:
    r"""A name in LaTeX: Greek letters, words upright; digits at its end and what follows _ or is in brackets below.

    The number of a module stands above, in brackets.

    >>> print(*map(latex_name, ("x", "w0", "w_01", "theta0", "net_h1", "out", "0.weight[3][1]")))
    x w_{0} w_{01} \theta_{0} \mathrm{net}_{h1} \mathrm{out} \mathrm{weight}^{(0)}_{3,1}
    """
    name = name.translate(_SUBSCRIPTS)
    module, name = re.fullmatch(r"(?:([\d.]*\d)\.(?=[^.\d]))?(.*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
    stem, _, index = name.partition("_")
    if re.fullmatch(r"[^\[\]]+(\[\d+\])+", name):
        stem, _, index = name.replace("][", ",").strip("]").partition("[")
    elif not (stem and index):
        stem = re.sub(r"[\d,]+$", "", name) or name
        index = name[len(stem) :]
    above = f"^{{({module})}}" if module else ""
    words = re.findall(r"([^_\d,]*)([\d,]*)", re.sub("_+", ",", index.strip("_")))
    below = "".join(_word(word) + number for word, number in words)
    return _word(stem) + above + (f"_{{{below}}}" if below else "")


def _word(word: str) -> str:
    """A letter, Greek or not, as it is; a word upright; text where it has letters that formulas do not have."""
    if word in _GREEK.values() or word in _GREEK:
        return "\\" + _GREEK.get(word, word)
    written = word.translate(_LETTERS)
    if not word.isascii():
        return rf"\text{{{written}}}"
    return written if len(word) <= 1 or word.isdecimal() else rf"\mathrm{{{written}}}"


def latex_number(x: float) -> str:
    r"""`x` with four significant digits in LaTeX.

    >>> print(latex_number(-1.5e-12), latex_number(1e20), latex_number(float("inf")))
    -1.5 \cdot 10^{-12} 10^{20} \infty
    """
    if math.isinf(x):
        return r"\infty" if x > 0 else r"-\infty"
    if math.isnan(x):
        return r"\mathrm{nan}"
    mantissa, e, exponent = digits(x).replace("−", "-").partition("e")
    sign, times = ("-" * (mantissa[0] == "-"), "") if mantissa in ("1", "-1") else (mantissa, r" \cdot ")
    return f"{sign}{times}10^{{{exponent}}}" if e else mantissa

"""A circuit in LaTeX: the gates forward, then the chain rule backward in symbols and numbers, aligned lines of each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from microgradnn.drawing import palette
from microgradnn.drawing.symbols import partials, product
from microgradnn.latex import elided, latex_formula, latex_name, latex_number
from microgradnn.notation import short_names
from microgradnn.primitive import lookup
from microgradnn.stepping import Steps, steps
from microgradnn.value import Value

COLOURS = {"value": palette.VALUE, "gradient": palette.GRADIENT}
READABLE = 45  # signs of a local derivative in symbols; of a longer one the number stands alone
LINE = 75  # signs in a line; a longer one is broken before an equals sign, and sums in it are shortened
MOST = 4  # terms of a sum that are all written


class Equations(str):
    """Text in LaTeX, a string like any other, that Jupyter shows as the equations themselves, in colour.

    >>> Equations("x = 1").upper()
    'X = 1'
    """

    __slots__ = ()

    def _repr_latex_(self) -> str:
        shown = re.sub(r"\\uncover<\d+->", "", self)  # a page has no slides
        for name, colour in COLOURS.items():  # MathJax takes colours as style sheets do
            shown = shown.replace(rf"\color{{{name}}}", rf"\color{{{colour}}}")
        return shown


def to_latex(root: Value, *, pause: bool = False) -> Equations:
    r"""The forward values and the gradients of a circuit as an `align*` environment of amsmath, shown so by Jupyter.

    Gradients start from 0, as in `steps`; a node that is used several times gets one line with the sum over its
    uses. The colours `value` and `gradient` are those of xcolor that `draw(root).save("f.tex")` defines, with `pause`
    the slides of beamer show one line after the other; nine lines fill a frame, more want `\begin{frame}[shrink]`.
    Raises TypeError for what is not a Value.

    >>> x, y = Value(3.0, "x"), Value(-2.0, "y")
    >>> print(to_latex(x * y))
    \begin{align*}
    f &= x \cdot y = 3 \cdot (-2) = {\color{value}{-6}} \\
    \frac{\partial f}{\partial f} &= {\color{gradient}{1}} \\
    \frac{\partial f}{\partial x} &= \frac{\partial f}{\partial f} \cdot y = 1 \cdot (-2) = {\color{gradient}{-2}} \\
    \frac{\partial f}{\partial y} &= \frac{\partial f}{\partial f} \cdot x = 1 \cdot 3 = {\color{gradient}{3}}
    \end{align*}
    """
    walked = steps(root)
    name_of = short_names(walked.names)
    equations = [*_forward(walked, name_of), *_backward(walked, name_of)]
    if pause:
        equations = [_uncovered(equation, number) for number, equation in enumerate(equations, 1)]
    lines = " \\\\\n".join(equations)
    return Equations(f"\\begin{{align*}}\n{lines}\n\\end{{align*}}")


def _forward(walked: Steps, name_of: dict[int, str]) -> Iterator[str]:
    for node in walked.order:
        if node.primitive is not None:
            numbers = [latex_number(getattr(operand, "data", operand)) for operand in node.operands]
            letters = [
                latex_name(name_of[id(operand)]) if isinstance(operand, Value) else number
                for operand, number in zip(node.operands, numbers, strict=True)
            ]
            forms = [latex_formula(node.primitive, operands) for operands in (letters, numbers)]
            yield _equation(latex_name(name_of[id(node)]), forms, node.data, "value")


def _backward(walked: Steps, name_of: dict[int, str]) -> Iterator[str]:
    f = latex_name(name_of[id(walked.root)])

    def slope(node: Value) -> str:
        return rf"\frac{{\partial {f}}}{{\partial {latex_name(name_of[id(node)])}}}"

    sums: dict[Value, tuple[list[str], list[str], float | None]] = {}  # terms in symbols, in numbers, their sum
    local: dict[Value, Iterator[str]] = {}
    for step in walked:
        gate, operand = step.gate, step.operand
        if operand is None or step.adjoint is None or step.partial is None:
            continue
        if gate not in local:
            local[gate] = _terms(gate, slope(gate), name_of)
        symbols, numbers, _ = sums.pop(operand, ([], [], None))  # its line stands where its last term arrives
        symbols.append(next(local[gate]))
        numbers.append(latex_formula(lookup("multiply"), [latex_number(step.adjoint), latex_number(step.partial)]))
        sums[operand] = symbols, numbers, step.after
    yield _equation(slope(walked.root), [], 1.0, "gradient")
    for node, (symbols, numbers, after) in sums.items():
        assert after is not None
        forms = [" + ".join(elided(terms, MOST)).replace("+ -", "- ") for terms in (symbols, numbers)]
        yield _equation(slope(node), forms, after, "gradient")


def _terms(gate: Value, slope: str, name_of: dict[int, str]) -> Iterator[str]:
    """For each operand with a gradient the slope of the gate times its local derivative, a long one as a number."""
    symbolic = partials(gate, name_of)
    for operand, formula, partial in zip(gate.operands, symbolic, gate.partials, strict=True):
        if partial is not None and isinstance(operand, Value):
            readable = formula is not None and _width(product("", formula)) <= READABLE
            yield product(slope, formula if readable else partial)


def _width(text: str) -> int:
    """About how many signs wide a formula is; those below a fraction bar count for half."""
    text = re.sub(r"\\color\{\w+\}|\\(left|right|operatorname|mathrm|frac|text)", "", text)
    return len(re.sub(r"\\[a-zA-Z]+", "x", text).translate(dict.fromkeys(map(ord, "{}^_\\"))))


def _equation(name: str, forms: list[str], result: float, colour: str) -> str:
    number = latex_number(result)
    forms = [*(form for form in forms if form != number), rf"{{\color{{{colour}}}{{{number}}}}}"]
    broken = sum(map(_width, (name, *forms))) > LINE
    return f"{name} &= " + (" \\\\\n&= " if broken else " = ").join(forms)


def _uncovered(equation: str, slide: int) -> str:
    r"""The equation from a slide on: each side of its lines for itself, as \pause stops at the sign between them."""
    return re.sub(
        r"^(.*?) ?&= (.*?)(?= \\\\$|$)",
        lambda sides: rf"\uncover<{slide}->{{{sides[1]}}} &\uncover<{slide}->{{{{}}= {sides[2]}}}",
        equation,
        flags=re.MULTILINE,
    )


def latex_document(root: Value) -> str:
    """A LaTeX file that compiles by itself and holds `to_latex(root)`."""
    colours = "".join(f"\\definecolor{{{name}}}{{RGB}}{{{_rgb(colour)}}}\n" for name, colour in COLOURS.items())
    return (
        "\\documentclass{article}\n\\usepackage[a4paper,margin=2cm]{geometry}\n\\usepackage{amsmath,color}\n"
        f"{colours}\\allowdisplaybreaks\n\\begin{{document}}\n{to_latex(root)}\n\\end{{document}}\n"
    )


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5))

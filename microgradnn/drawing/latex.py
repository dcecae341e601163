"""A circuit in LaTeX: the gates forward, then the chain rule backward, one aligned line each."""

from __future__ import annotations

from collections.abc import Iterator

from microgradnn.backprop import Steps, steps
from microgradnn.notation import latex_formula, latex_name, latex_number
from microgradnn.primitive import lookup
from microgradnn.value import Value


class Equations(str):
    """Text in LaTeX, a string like any other, that Jupyter shows as the equations themselves."""

    __slots__ = ()

    def _repr_latex_(self) -> str:
        return str(self)


def to_latex(root: Value) -> Equations:
    r"""The forward values and the gradients of a circuit as an `align*` environment of amsmath, shown so by Jupyter.

    Gradients start from 0, as in `steps`; a node that is used several times gets one line with the sum over its
    uses. Raises TypeError for what is not a Value.

    >>> x, y = Value(3.0, "x"), Value(-2.0, "y")
    >>> print(to_latex(x * y))
    \begin{align*}
    f &= x \cdot y = 3 \cdot (-2) = -6 \\
    \frac{\partial f}{\partial f} &= 1 \\
    \frac{\partial f}{\partial x} &= 1 \cdot (-2) = -2 \\
    \frac{\partial f}{\partial y} &= 1 \cdot 3 = 3
    \end{align*}
    """
    walked = steps(root)
    lines = " \\\\\n".join([*_forward(walked), *_backward(walked)])
    return Equations(f"\\begin{{align*}}\n{lines}\n\\end{{align*}}")


def _forward(walked: Steps) -> Iterator[str]:
    for node in walked.order:
        if node.primitive is not None:
            numbers = [latex_number(getattr(operand, "data", operand)) for operand in node.operands]
            letters = [
                latex_name(walked.names[id(operand)]) if isinstance(operand, Value) else number
                for operand, number in zip(node.operands, numbers, strict=True)
            ]
            yield (
                f"{latex_name(walked.names[id(node)])} &= {latex_formula(node.primitive, letters)} = "
                f"{latex_formula(node.primitive, numbers)} = {latex_number(node.data)}"
            )


def _backward(walked: Steps) -> Iterator[str]:
    f = latex_name(walked.names[id(walked.root)])
    sums: dict[Value, tuple[list[str], float | None]] = {}  # the terms of each gradient, and what they come to
    for step in walked:
        if step.operand is not None and step.adjoint is not None and step.partial is not None:
            terms, _ = sums.pop(step.operand, ([], None))  # so that its line stands where its last term arrives
            terms.append(latex_formula(lookup("multiply"), [latex_number(step.adjoint), latex_number(step.partial)]))
            sums[step.operand] = terms, step.after
    yield rf"\frac{{\partial {f}}}{{\partial {f}}} &= 1"
    for node, (terms, after) in sums.items():
        assert after is not None
        x = latex_name(walked.names[id(node)])
        yield rf"\frac{{\partial {f}}}{{\partial {x}}} &= {' + '.join(terms)} = {latex_number(after)}"


def latex_document(root: Value) -> str:
    """A LaTeX file that compiles by itself and holds `to_latex(root)`."""
    return (
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\allowdisplaybreaks\n\\begin{document}\n"
        f"{to_latex(root)}\n\\end{{document}}\n"
    )

"""How a gate is written as text: applied to operands, its partials, where it has values, its docstring.

All of it comes from the entry in the table: its template, its partials by their trace, its domain, doc and example.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from string import Formatter

from microgradnn.intervals import Monotone
from microgradnn.primitive import ForwardError, Primitive

_LONGEST = 50  # characters of a derivative in a docstring; a longer one is told by `doc`


def digits(x: float, count: int = 4) -> str:
    """`x` with `count` significant digits and a true minus sign.

    >>> digits(-0.53444), digits(12.0), digits(1e-12), digits(-0.0), digits(0.53444, 2)
    ('−0.5344', '12', '1e−12', '0', '0.53')
    """
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    text = f"{x:.{count}g}" if x else "0"
    mantissa, e, exponent = text.partition("e")
    return (mantissa + (e and f"e{int(exponent)}")).replace("-", "−")


def bracketed(operand: str) -> str:
    """An operand beside an operator, in brackets if it begins with a sign or has operators outside of brackets.

    >>> bracketed("−x"), bracketed("x + y"), bracketed("tanh(x + y)")
    ('(−x)', '(x + y)', 'tanh(x + y)')
    """
    outside = operand
    while outside != (outside := re.sub(r"\([^()]*\)|\[[^][]*\]|⌊[^⌊⌋]*⌋", "", outside)):
        pass
    return f"({operand})" if operand[0] in "−-" or " " in outside else operand


def formula(primitive: Primitive, operands: list[str]) -> str:
    """The gate applied to operands that are written already; in brackets where they stand beside an operator.

    >>> from microgradnn.primitive import lookup
    >>> [formula(lookup(name), ["−1", "w"][: lookup(name).arity]) for name in ("multiply", "tanh", "abs")]
    ['(−1) × w', 'tanh(−1)', '|−1|']
    """
    if primitive.text is None:
        return f"{primitive.name}({', '.join(operands)})"
    text = ""
    for before, index, _, _ in Formatter().parse(primitive.text):
        text += before
        if index is not None:
            operand = operands[int(index)]
            text += operand if text.endswith(("(", "[", "{", "|", "⌊")) else bracketed(operand)
    return text


def derivatives(gate: Primitive) -> Iterator[str]:
    """The partials of a gate of some operands, each as an equation; not those that are too long to read.

    >>> from microgradnn.primitive import lookup
    >>> list(derivatives(lookup("divide"))), list(derivatives(lookup("log2")))
    (['∂out/∂x = 1 / y', '∂out/∂y = (−out) / y'], ['∂out/∂x = (1 / x) / 0.6931…'])
    """
    names = [*gate.parameters()]
    trace = gate.trace()
    texts = ["out", *names]

    def written(register: int | float) -> str:
        if isinstance(register, int):
            return texts[register]
        text = digits(register)
        return text if float(text.replace("−", "-")) == register else f"{text}…"

    for used, operands in trace.lines:
        if used.name == "add" and 0.0 in operands:  # which only makes 0.0 of −0.0
            texts.append(written(operands[0]))
        elif any(len(written(operand)) > _LONGEST for operand in operands):
            texts.append("…" * (_LONGEST + 1))
        else:
            texts.append(formula(used, [written(operand) for operand in operands]))
    for name, result in zip(names, trace.results, strict=True):
        if result is not None and len(text := written(result)) <= _LONGEST:
            yield f"∂out/∂{name} = {text}"


def domain(gate: Primitive) -> str:
    """Where a gate of one operand has values, as a sentence; empty where its entry sets no limit.

    >>> from microgradnn.primitive import lookup
    >>> domain(lookup("asin")), domain(lookup("log")), domain(lookup("tanh"))
    ('Defined for −1 ≤ x ≤ 1; ValueError elsewhere.', 'Defined for x > 0; ValueError elsewhere.', '')
    >>> domain(lookup("exp"))
    'OverflowError where the value is too large for a float.'
    """
    if not isinstance(gate.interval, Monotone):
        return ""
    low, high = gate.interval.domain
    (name,) = gate.parameters()
    if low == -math.inf:
        too_large = not _has_value(gate, sys.float_info.max)
        return "OverflowError where the value is too large for a float." if too_large else ""
    closed = _has_value(gate, low)
    if high == math.inf:
        return f"Defined for {name} {'≥' if closed else '>'} {digits(low)}; ValueError elsewhere."
    sign = "≤" if closed else "<"
    return f"Defined for {digits(low)} {sign} {name} {sign} {digits(high)}; ValueError elsewhere."


def _has_value(gate: Primitive, x: float) -> bool:
    with suppress(*ForwardError):
        gate.forward(x)
        return True
    return False


@cache
def documented(gate: Primitive) -> str:
    """The docstring of a gate: what it computes, its derivatives, where it has values, and an example that runs.

    >>> from microgradnn.primitive import lookup
    >>> print(documented(lookup("divide")))
    Quotient of two numbers, x / y.
    <BLANKLINE>
    Local derivatives: ∂out/∂x = 1 / y, ∂out/∂y = (−out) / y.
    """
    if not gate.public and gate.operator is None:
        return str(gate.__doc__)  # which nobody calls
    if gate.arity is None:
        facts = ["`xs` is one sequence, or separate numbers; ValueError when there is none."]
    else:
        slopes = [*derivatives(gate)]
        facts = [f"Local derivative{'s' * (len(slopes) > 1)}: {', '.join(slopes)}."] if slopes else []
        facts += [limits] if (limits := domain(gate)) else []
    parts = [str(gate.__doc__), "\n".join(facts)]
    if gate.example is not None:
        parts.append(">>> {}\n{}\n".format(*gate.example.split(" → ")))
    return "\n\n".join(filter(None, parts))

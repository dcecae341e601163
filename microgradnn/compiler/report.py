"""What the compiler made of a function, in words and tables: what `explain` says. B is the number of examples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import NamedTuple

from microgradnn.compiler.flow import (
    Facts,
    Flow,
    Source,
    counted,
    groups,
    kind_of,
    products_backward,
    shortened,
    size_of,
    sizes_of,
)
from microgradnn.compiler.grouping import CONSTANTS, PARAMETERS, UNIFORM, VARYING_RESULTS
from microgradnn.compiler.instructions import Instructions
from microgradnn.compiler.layout import Gather, Layout, MatrixProduct, Operand, View
from microgradnn.notation import columns, digits

EXAMPLES = 64  # for which the bytes of the buffers are given
WIDTH = 120
_MOST_NAMED = 3  # of the sources of an operand, and of the operands of a gate


class Arrays(NamedTuple):
    """What runs over arrays."""

    layout: Layout
    instructions: Instructions
    source: str


def explain(facts: Facts, lines: str | None, arrays: Arrays | None) -> str:
    """What each pass of the compiler left, the steps, the buffers, the reverse sweep and the source, as text.

    `lines` is the source of straight-line Python, `arrays` what runs over arrays, None where there is none.
    """
    parts = [[f"{facts.title}, with {_by(facts)}"], _passes(facts, lines, arrays)]
    sources = [] if lines is None else [lines]
    if arrays is not None:
        parts += [*_steps(Flow(arrays.layout)), *_buffers(facts, arrays.layout), *_reverse(facts, arrays)]
        sources += [arrays.source]
    few = f"for up to {counted(facts.straight_up_to, 'example')}"
    which = ["The source"] if len(sources) == 1 else [f"The source {few}", "The source for more"]
    parts += [[words, "", source.rstrip()] for words, source in zip(which, sources, strict=True)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _by(facts: Facts) -> str:
    """By what it is computed."""
    name = {"numpy": "NumPy", "python": "Python", "jax": "JAX"}[facts.backend]
    if not facts.straight_up_to:
        return name
    if not facts.shapes:
        return "straight-line Python"
    return f"straight-line Python for up to {counted(facts.straight_up_to, 'example')}, {name} for more"


def _passes(facts: Facts, lines: str | None, arrays: Arrays | None) -> list[str]:
    """What each pass made of what the one before left."""
    size = sum(math.prod(shape) for shape in facts.shapes)
    example = f"for one example of {counted(size, 'number')}" if facts.shapes else "in one graph"
    rows = [("tracing", f"{facts.recorded} {example}; constants folded, equal gates written once")]
    if lines is not None:
        what = "the value and its gradient" if facts.reduce else "the outputs"
        assignments = sum(" = " in line for line in lines.splitlines())
        rows += [("source", f"{counted(assignments, 'line')} of straight-line Python over floats for {what}")]
        why = "no groups, matrix products or buffers: one example is computed after the other"
        if facts.straight_up_to:
            why = "narrow and deep: arrays would take longer for one example" + " or a few" * bool(facts.shapes)
        rows += [("", why)]
    if arrays is None:
        return columns(("pass", "what it left"), rows)
    flow = Flow(arrays.layout)
    computed = [step for step in flow.steps.values() if not isinstance(step, Gather)]
    copied = [math.prod(step.out.shape) for step in flow.steps.values() if isinstance(step, Gather)]
    summed = sum(math.prod(step.out.shape) for step in computed)
    runs = Counter(step.out.varying for step in computed)
    rows += [
        ("sums", f"{counted(summed, 'line')}: additions gathered into sums and dot products"),
        ("grouping", f"{groups(flow)}; {_often(runs)}"),
    ]
    work = Counter[bool]()
    for step in computed:
        if isinstance(step, MatrixProduct):
            M, L, N, varying = sizes_of(step)  # noqa: N806  as matrices are measured
            work[varying] += M * L * N
    if work:
        rows += [("", f"{counted(work.total(), 'multiplication')} in the products; {_often(work)}")]
    gathers = f"{counted(len(copied), 'gather')} of {counted(sum(copied), 'row')}; all else is read in place"
    rows += [
        ("layout", gathers if copied else "all operands are read in place"),
        ("lowering", f"{counted(len(arrays.instructions.forward), 'instruction')} forward, "
                     f"{len(arrays.instructions.backward):,} backward"),
    ]  # fmt: skip
    return columns(("pass", "what it left"), rows)


def _often(counts: Counter[bool]) -> str:
    """How many of something are done once and how many for every example: `2 once, 8 for every example`."""
    words = {False: "once", True: "for every example"}
    if len(+counts) < 2:
        return "all " + words[bool(counts[True])]
    return ", ".join(f"{counts[varying]:,} {word}" for varying, word in words.items())


def _steps(flow: Flow) -> list[list[str]]:
    """The table of the steps, and how to read it."""
    if not flow.steps:
        return [["Nothing is computed: the value is a constant, a parameter or an input."]]
    levels = flow.levels
    gathered = {number for number, step in flow.steps.items() if isinstance(step, Gather)}
    rows = []
    for number, step in flow.steps.items():
        if isinstance(step, Gather):
            pieces: dict[Source, None] = {}
            for piece in step.pieces:
                pieces.update(dict.fromkeys(flow.sources(piece.source, piece.rows) or [CONSTANTS]))
            in_place, copied = "", _named(pieces)
        else:
            operands = [operand for operand in step.operands if operand is not None]
            copies = [bool(flow.of_operand(operand).keys() & gathered) for operand in operands]
            in_place = _read(flow, [operand for operand, copy in zip(operands, copies, strict=True) if not copy])
            copied = _read(flow, [operand for operand, copy in zip(operands, copies, strict=True) if copy])
        path = "" if step.path is None else shortened(step.path)
        runs = "each" if step.out.varying else "once"
        rows.append((f"#{number}", str(levels[number]), kind_of(step), size_of(step), runs, in_place, copied, path))
    header = ("step", "level", "what", "size", "runs", "in place", "gathered", "module")
    words = "The steps, in order. Steps of one level need nothing of each other."
    if any(step.out.varying for step in flow.steps.values()):
        words += " The B examples of a row lie side by side."
    return [[words, "", *_table(header, rows, right=("step", "level"))]]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> list[str]:
    """A table without the columns in which nothing stands."""
    kept = [column for column in range(len(header)) if any(row[column] for row in rows)]
    return columns([header[column] for column in kept], [[row[column] for column in kept] for row in rows], right)


def _read(flow: Flow, operands: Sequence[Operand]) -> str:
    """What the operands read, one after the other; those of a sum of many not all."""
    words = []
    for operand in operands:
        if isinstance(operand, float):
            words.append(digits(operand))
        elif isinstance(operand, View):
            words.append(_named(flow.of_operand(operand)))
        else:
            words.append(counted(operand.size, "constant"))
    if len(words) > _MOST_NAMED:
        words = [*words[: _MOST_NAMED - 1], f"… {words[-1]}"]
    return ", ".join(words)


def _named(sources: Iterable[Source]) -> str:
    """Sources by name; of many the first and the last."""
    words = [f"#{source}" if isinstance(source, int) else source for source in sources]
    return "+".join(words) if len(words) <= _MOST_NAMED else f"{words[0]}+…+{words[-1]}"


def _buffers(facts: Facts, layout: Layout) -> list[list[str]]:
    """How many rows there are of each kind, and what they take."""
    if facts.backend == "jax":
        return [["Buffers: none are kept, every block of rows is an array of its own, and XLA decides where it lies."]]
    ones = Counter[str]()
    for view in layout.ones:
        ones[view.space] += math.prod(view.shape)
    count = EXAMPLES if facts.shapes else 1
    holds = {
        PARAMETERS: "parameters",
        UNIFORM: "results that no example has a part in",
        VARYING_RESULTS: "results for B examples",
    }
    rows, total = [], 0
    for space, size in layout.sizes.items():
        varying = space not in (PARAMETERS, UNIFORM)
        taken = 2 * 8 * size * (count if varying else 1)
        total += taken
        order = ", example after example" if space in layout.by_example else ""
        what = holds.get(space, f"argument {space[1:]} for B examples{order}")
        if size:
            rows.append((space, what, f"{size:,}", f"{ones[space]:,}" if ones[space] else "", f"{taken:,}"))
    rows.append(("total", "", "", "", f"{total:,}"))
    header = ("buffer", "what it holds", "rows", "of ones", f"bytes for B = {count}" if facts.shapes else "bytes")
    words = "The buffers, each with one of its size for the gradient; temporary arrays come on top."
    return [[words, "", *_table(header, rows, right=header[2:])]]


def _reverse(facts: Facts, arrays: Arrays) -> list[list[str]]:
    """What the reverse sweep consists of."""
    if facts.reduce is None:
        return [["No reverse sweep: a program with reduce=None has no gradient."]]
    instructions = arrays.instructions
    names = {"weights": "∂W", "inputs": "∂x", "number": "comparison as 0 or 1"}
    names |= dict.fromkeys(("put", "put add", "put sum", "put sum add"), "scatter")
    counts = Counter(names.get(line.function, line.function) for line in instructions.backward)
    sentence = f"The reverse sweep: {counted(len(instructions.backward), 'instruction')}"
    if counts:
        sentence += f": {', '.join(f'{count:,} {name}' for name, count in counts.most_common())}"
    words = wrap(f"{sentence}.", WIDTH)
    apart = len(instructions.unwritten.get(PARAMETERS, ()))
    if apart:
        words += [f"Of the parameters {apart:,} {'has' if apart == 1 else 'have'} no part in the value."]
    products = [(f"#{number}", *sizes) for number, sizes in products_backward(arrays.layout, instructions).items()]
    return [words] + [_table(("step", "∂W", "∂x"), products, right=("step",))] * bool(products)

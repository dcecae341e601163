"""What the compiler made of a function, in words: what `explain` says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap

from microgradnn.compiler.flow import Facts, Flow, Product, counted, listed, numbers, read, shortened, size_of
from microgradnn.compiler.ir import ArrayProgram, Op, Var
from microgradnn.notation import columns

WIDTH = 120
_WIDTHS = 38, 30, 20  # of formulas, sizes and modules; what is longer goes on in the next line
_BRIEF = 4  # products that are listed in brief
_HOW_TO_READ = (
    "The array program: v1, v2 … forward; beside them d1, d2 … backward, from the last line up. p are the parameters, "
    "x0 … the arguments. What has no B is done once for all examples. a[4:16] is read in place, and so is a[4:16:6,1], "
    "numbers 6 apart along one axis and 1 along the next; take copies numbers, put brings them together."
)


def explain(
    facts: Facts, program: ArrayProgram | None, lines: str | None, source: str | None, brief: bool = False
) -> str:
    """What each pass of the compiler left, the array program and the source, as text; in brief the products instead.

    `program` gives the gradient, or the outputs with `reduce=None`; `lines` is the source of straight-line Python and
    `source` the one over arrays. Each is None where there is none.
    """
    flow = None if program is None else facts.flow(program)
    parts = [[_title(facts)], _passes(facts, flow, lines)]
    if flow is not None:
        parts += [_products(flow)] if brief else [[*wrap(_HOW_TO_READ, WIDTH), "", *_lines(flow)]]
    sources = [] if brief else [code for code in (lines, source) if code is not None]
    few = f"The source for up to {counted(facts.straight_up_to, 'example')}"
    which = [few, "The source for more"] if len(sources) > 1 else ["The source"]
    parts += [[words, "", code.rstrip()] for words, code in zip(which, sources, strict=False)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _lines(flow: Flow) -> list[str]:
    """The array program, each operation backward beside the one that it belongs to."""
    rows: list[tuple[tuple[str, str, str], Op | Var]]
    rows = [((var.name, numbers(var.size, var.each), ""), var) for var in flow.leaves]
    rows += [((flow.line(op), size_of(op), shortened(op.path, _WIDTHS[-1])), op) for op in flow.forward]
    cells = zip(*(cells for cells, _ in rows), strict=True)
    left = sum(min(max(map(len, column)), wide) + 3 for column, wide in zip(cells, _WIDTHS, strict=False))
    lines: list[tuple[str, ...]] = []
    for cells_of, source in rows:
        beside = [
            flow.line(op) + ("" if op.kind in ("gate", "partial", "call") else f", {size_of(op)}")
            for op in flow.backward.get(source, ())
        ]
        if isinstance(source, Var) and source in flow.derivatives:
            words = read(flow.derivatives[source], flow.name_of)
            beside += [f"d_{source.name} = {words}"] * (words != f"d_{source.name}")
        parts = [_wrapped(cell, wide) for cell, wide in zip(cells_of, _WIDTHS, strict=True)]
        parts += [[part for words in beside for part in _wrapped(words, WIDTH - left)]]
        lines += zip_longest(*parts, fillvalue="")
    results = [*(read(out, flow.name_of) for out in flow.results), *(f"d_{var.name}" for var in flow.derivatives)]
    table = _table(("forward", "size", "module", "backward"), lines) if lines else []
    return [*table, "", f"Results: {', '.join(listed(results))}"]


def _wrapped(words: str, width: int) -> list[str]:
    return [words] if len(words) <= width else wrap(words, width, subsequent_indent="  ")  # which takes its time


def _title(facts: Facts) -> str:
    """What is computed, and by what."""
    by = {"params": counted(facts.parameters, "parameter"), "inputs": "the inputs"}
    by["both"] = f"{by['params']} and the inputs"
    what = f"The {facts.reduce} over B examples" if facts.shapes else "The value"
    what += f" and its gradient by {by[facts.wrt]}"
    if facts.reduce is None:
        what = f"The outputs for {'each of B examples' if facts.shapes else 'one call'}"
    name = {"numpy": "NumPy", "python": "Python", "jax": "JAX"}.get(facts.backend, facts.backend)
    if facts.straight_up_to:
        few = f" for up to {counted(facts.straight_up_to, 'example')}, {name} for more"
        name = "straight-line Python" + few * bool(facts.shapes)
    return f"{what}, with {name}"


def _passes(facts: Facts, flow: Flow | None, lines: str | None) -> list[str]:
    """What each pass made of what the one before left."""
    size = sum(math.prod(shape) for shape in facts.shapes)
    example = f"for one example of {counted(size, 'number')}" if facts.shapes else "in one graph"
    rows = [("tracing", f"{counted(facts.gates, 'gate')} {example}; constants folded, equal gates written once")]
    if lines is not None:
        why = "one example after the other"
        if facts.straight_up_to:
            why = "narrow and deep: arrays would take longer for one example" + " or a few" * bool(facts.shapes)
        assignments = sum(" = " in line for line in lines.splitlines())
        rows += [("source", f"{counted(assignments, 'line')} of straight-line Python over floats; {why}")]
    if flow is not None:
        reverse = [op for ops in flow.backward.values() for op in ops]
        rows += [("sums", f"{counted(facts.sums, 'line')}: additions gathered into sums and dot products")]
        rows += zip(("arrays", "", ""), _work(flow.forward), strict=False)
        rows += zip(("reverse", "", ""), _work(reverse) if facts.reduce else [], strict=False)
        apart, what = flow.without_part(), "the value" if facts.reduce else "the outputs"
        rows += [("", f"{counted(apart, 'parameter')} {'has' if apart == 1 else 'have'} no part in {what}")] * bool(
            apart
        )
    return columns(("", ""), rows)[2:]


def _work(ops: Sequence[Op]) -> list[str]:
    """How many operations of each kind there are, and how many multiplications in their products."""
    names = {"einsum": "matrix product", "call": "function"}
    counts, work = Counter(names.get(op.kind, op.kind) for op in ops), Counter[bool]()
    for op in ops:
        if op.kind == "einsum":
            work[Product(op).each] += Product(op).multiplications
    kinds = ", ".join(counted(count, noun) for noun, count in counts.items())
    told = f"{counted(len(ops), 'operation')}: {kinds}; {_often(Counter(op.out.each for op in ops))}" if ops else "none"
    return wrap(told, WIDTH - 10) + [
        f"{counted(work.total(), 'multiplication')} in the products; {_often(work)}"
    ] * bool(work)


def _often(counts: Counter[bool]) -> str:
    """How many of something are done once and how many for every example: `2 once, 8 for every example`."""
    words = {False: "once", True: "for every example"}
    if len(+counts) < 2:
        return "all " + words[bool(counts[True])]
    return ", ".join(f"{counts[each]:,} {word}" for each, word in words.items())


def _products(flow: Flow) -> list[str]:
    """The products of matrices, each with those of its derivatives."""
    products = [(op, flow.products(op)) for op in flow.forward if op.kind == "einsum"]
    rows = [(size_of(op), sizes.get("∂W", ""), sizes.get("∂x", ""), shortened(op.path)) for op, sizes in products]
    if len(rows) > _BRIEF:
        rows = [*rows[: _BRIEF - 2], (f"… {len(rows) - _BRIEF + 1:,} more", "", "", ""), rows[-1]]
    return _table(("product", "∂W", "∂x", "module"), rows) if rows else []


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table without the columns in which nothing stands."""
    kept = [column for column in range(len(header)) if any(row[column] for row in rows)]
    return columns([header[column] for column in kept], [[row[column] for column in kept] for row in rows])

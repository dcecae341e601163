"""What the compiler made of a function, in words: what `explain` says."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from textwrap import wrap

import numpy as np

from microgradnn.compiler.flow import (
    Facts,
    Flow,
    Product,
    counted,
    listed,
    numbers,
    read,
    reads,
    rows_read,
    shortened,
    size_of,
)
from microgradnn.compiler.ir import ArrayProgram, Op, Var, Window
from microgradnn.notation import columns

WIDTH = 120
_WIDTHS = 38, 30, 20  # of formulas, sizes and modules; what is longer goes on in the next line
_BRIEF = 4  # products that are listed in brief


def explain(
    facts: Facts, program: ArrayProgram | None, lines: str | None, source: str | None, brief: bool = False
) -> str:
    """What each pass of the compiler left, the array program and the source, as text; in brief the products instead.

    `program` gives the gradient, or the outputs with `reduce=None`; `lines` is the source of straight-line Python and
    `source` the one over arrays. Each is None where there is none.
    """
    flow = None if program is None else Flow(program, facts.by(program))
    parts = [[f"{facts.title}, with {_by(facts)}"], _passes(facts, flow, lines)]
    if flow is not None:
        parts += [_products(flow)] if brief else [[*wrap(_HOW_TO_READ, WIDTH), "", *_lines(flow)]]
    sources = [] if brief else [code for code in (lines, source) if code is not None]
    few = f"for up to {counted(facts.straight_up_to, 'example')}"
    which = [f"The source {few}", "The source for more"] if len(sources) > 1 else ["The source"]
    parts += [[words, "", code.rstrip()] for words, code in zip(which, sources, strict=False)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


_HOW_TO_READ = (
    "The array program: v1, v2 … forward, d1, d2 … backward, from the last line up, beside what they are derivatives of. "
    "p are the parameters, x0 … the arguments. What has no B is done once for all examples. a[4:16] is read in place, "
    "a[4:16:6,1] too: numbers 6 apart along one axis and 1 along the next; take copies, put puts together."
)


def _by(facts: Facts) -> str:
    """By what it is computed."""
    name = {"numpy": "NumPy", "python": "Python", "jax": "JAX"}.get(facts.backend, facts.backend)
    if not facts.straight_up_to:
        return name
    if not facts.shapes:
        return "straight-line Python"
    return f"straight-line Python for up to {counted(facts.straight_up_to, 'example')}, {name} for more"


def _passes(facts: Facts, flow: Flow | None, lines: str | None) -> list[str]:
    """What each pass made of what the one before left."""
    size = sum(math.prod(shape) for shape in facts.shapes)
    example = f"for one example of {counted(size, 'number')}" if facts.shapes else "in one graph"
    rows = [("tracing", f"{counted(facts.gates, 'gate')} {example}; constants folded, equal gates written once")]
    if lines is not None:
        what = "the value and its gradient" if facts.reduce else "the outputs"
        assignments = sum(" = " in line for line in lines.splitlines())
        rows += [("source", f"{counted(assignments, 'line')} of straight-line Python over floats for {what}")]
        why = "no arrays: one example is computed after the other"
        if facts.straight_up_to:
            why = "narrow and deep: arrays would take longer for one example" + " or a few" * bool(facts.shapes)
        rows += [("", why)]
    if flow is not None:
        rows += [("sums", f"{counted(facts.sums, 'line')}: additions gathered into sums and dot products")]
        often = _often(Counter(op.out.each for op in flow.forward))
        rows += [("arrays", f"{_kinds(flow.forward)}; {often}" * bool(flow.forward) or "nothing is computed")]
        rows += _work(flow.forward)
        if facts.reduce is not None:
            rows += [("reverse", _kinds(flow.reverse)), *_work(flow.reverse)]
        if apart := _without_part(flow):
            has = "has" if apart == 1 else "have"
            of = "the outputs" if facts.reduce is None else "the value"
            rows += [("", f"{counted(apart, 'parameter')} {has} no part in {of}")]
    return columns(("", ""), rows)[2:]


def _kinds(ops: Sequence[Op]) -> str:
    """`11 operations: 4 matrix products, 6 gates, 1 put`."""
    counts = Counter({"einsum": "matrix product", "call": "function"}.get(op.kind, op.kind) for op in ops)
    words = ", ".join(counted(count, noun) for noun, count in counts.items())
    return counted(len(ops), "operation") + (words and f": {words}")


def _work(ops: Iterable[Op]) -> list[tuple[str, str]]:
    """A row about the multiplications in the products of matrices, if there are any."""
    work = Counter[bool]()
    for op in ops:
        if op.kind == "einsum":
            product = Product(op)
            work[product.each] += product.multiplications
    words = f"{counted(work.total(), 'multiplication')} in the products; {_often(work)}"
    return [("", words)] if work else []


def _often(counts: Counter[bool]) -> str:
    """How many of something are done once and how many for every example: `2 once, 8 for every example`."""
    words = {False: "once", True: "for every example"}
    if len(+counts) < 2:
        return "all " + words[bool(counts[True])]
    return ", ".join(f"{counts[each]:,} {word}" for each, word in words.items())


def _without_part(flow: Flow) -> int:
    """How many parameters the value, or the outputs, do not depend on."""
    params = flow.program.params
    outs = flow.results[:1] if flow.derivatives else flow.results  # what is only observed does not count
    ops = replace(flow.program, outs=outs).without_dead_code().ops
    rows = [read[params] for read in (rows_read(outs), *map(reads, ops)) if params in read]
    return params.size - (len(np.unique(np.concatenate(rows))) if rows else 0)


def _products(flow: Flow) -> list[str]:
    """The products of matrices, each with those of its derivatives."""
    products = [(op, flow.products(op)) for op in flow.forward if op.kind == "einsum"]
    rows = [(size_of(op), sizes.get("∂W", ""), sizes.get("∂x", ""), _module(op)) for op, sizes in products]
    if len(rows) > _BRIEF:
        rows = [*rows[: _BRIEF - 2], (f"… {len(rows) - _BRIEF + 1:,} more", "", "", ""), rows[-1]]
    return _table(("product", "∂W", "∂x", "module"), rows) if rows else []


def _module(op: Op) -> str:
    return "" if op.path is None else shortened(op.path, _WIDTHS[-1])


def show(program: ArrayProgram, by: Sequence[Var] = ()) -> str:
    """An array program as text, each operation backward beside the one that it belongs to.

    The last results of the program are derivatives `by` these variables.
    """
    return "\n".join(_lines(Flow(program, by)))


def _lines(flow: Flow) -> list[str]:
    rows: list[tuple[list[str], list[str]]] = []
    for var in flow.leaves:
        rows.append(([flow.name_of[var], numbers(var.size, var.each), ""], _beside(flow, var)))
        derivative = f"d_{var.name}"
        if var in flow.derivatives and derivative != (words := read(flow.derivatives[var], flow.name_of)):
            rows[-1][1].append(f"{derivative} = {words}")
    rows += [([flow.line(op), size_of(op), _module(op)], _beside(flow, op)) for op in flow.forward]
    left = sum(max((min(len(cells[k]), wide) for cells, _ in rows), default=0) + 3 for k, wide in enumerate(_WIDTHS))
    split = [
        line
        for cells, beside in rows
        for line in zip_longest(
            *(wrap(cell, wide, subsequent_indent="  ") for cell, wide in zip(cells, _WIDTHS, strict=True)),
            [part for words in beside for part in wrap(words, WIDTH - left, subsequent_indent="  ")],
            fillvalue="",
        )
    ]
    results = [*(read(out, flow.name_of) for out in flow.results), *(f"d_{var.name}" for var in flow.derivatives)]
    return [*_table(("forward", "size", "module", "backward"), split), "", f"Results: {', '.join(listed(results))}"]


def _beside(flow: Flow, source: Op | Var) -> list[str]:
    """The operations backward that belong to something, with their sizes where these are not those of the line."""
    ops = flow.backward.get(source, ())
    return [flow.line(op) + ("" if op.kind in ("gate", "partial", "call") else f", {size_of(op)}") for op in ops]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table without the columns in which nothing stands."""
    kept = [column for column in range(len(header)) if any(row[column] for row in rows)]
    return columns([header[column] for column in kept], [[row[column] for column in kept] for row in rows])

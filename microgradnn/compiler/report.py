"""What the compiler made of a function, for people: `explain` in words and tables, `picture` as a drawing.

B stands for the number of examples in a batch. What does not vary with the example is computed once for all of them.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from functools import cached_property
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from microgradnn.compiler.grouping import CONSTANTS, PARAMETERS, UNIFORM, VARYING_RESULTS
from microgradnn.compiler.layout import Gather, Layout, Map, MatrixProduct, Operand, Step, View
from microgradnn.drawing import Drawing
from microgradnn.drawing.circuit import FONT, GRADIENT as RED, VALUE as GREEN, Picture, new_digraph, printable
from microgradnn.notation import columns, digits, factor

if TYPE_CHECKING:
    from microgradnn.compiler.program import Program

Array = np.ndarray[Any, Any]
Source = str | int  # who writes a row: PARAMETERS, an argument as "x0", or a step by its number

EXAMPLES = 64  # for which the bytes of the buffers are given
WIDTH = 120
_MOST_STEPS = 80  # more are not drawn one by one: they take long to lay out, and nobody reads them
_MOST_NAMED = 3  # of the sources of an operand, and of the operands of a gate


class _Flow:
    """The steps of a layout, numbered from 1, and for every row who writes it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.steps = dict(enumerate(layout.steps, 1))
        self._writers = {space: np.zeros(layout.sizes[space], dtype=np.int64) for space in (UNIFORM, VARYING_RESULTS)}
        for number, step in self.steps.items():
            self._writers[step.out.space][step.out.rows()] = number
        for ones in layout.ones:
            if ones.space in self._writers:
                self._writers[ones.space][ones.rows()] = 0

    def sources(self, space: str, rows: Array) -> Counter[Source]:
        """Who writes these rows, and how many of them; rows of ones are nobody's."""
        found = np.unique(rows)
        if space == CONSTANTS:
            return Counter()
        if space not in self._writers:
            first, size = self.layout.blocks[space][0]
            return Counter({space: int(np.count_nonzero(found < first + size))})
        writers, counts = np.unique(self._writers[space][found], return_counts=True)
        return Counter({int(one): int(n) for one, n in zip(writers, counts, strict=True) if one})

    def of_operand(self, operand: Operand | None) -> Counter[Source]:
        """Who writes the rows that an operand reads."""
        return self.sources(operand.space, operand.rows()) if isinstance(operand, View) else Counter()

    def of_step(self, step: Step) -> Counter[Source]:
        """Who writes the rows that a step reads, each counted once."""
        if isinstance(step, Gather):
            read = [(piece.source, piece.rows) for piece in step.pieces]
        else:
            read = [(one.space, one.rows()) for one in _operands(step) if isinstance(one, View)]
        found: Counter[Source] = Counter()
        for space in dict.fromkeys(space for space, _ in read):
            found += self.sources(space, np.concatenate([rows.ravel() for other, rows in read if other == space]))
        return found

    @cached_property
    def levels(self) -> dict[Source, int]:
        """The longest way to each step from parameters and arguments; a gather is on the level of what it copies."""
        found: dict[Source, int] = dict.fromkeys(self.layout.sizes, 0)
        for number, step in self.steps.items():
            found[number] = max((found[one] for one in self.of_step(step)), default=0) + (not isinstance(step, Gather))
        return found

    def counts(self) -> tuple[int, int, int]:
        """How many products of matrices, maps and gathers there are."""
        kinds = Counter(map(type, self.steps.values()))
        return kinds[MatrixProduct], kinds[Map], kinds[Gather]


class _Sizes(NamedTuple):
    """The sizes of a product of matrices: M × L · L × N, the examples side by side in the columns where it varies."""

    M: int
    L: int
    N: int
    varying: bool

    def __str__(self) -> str:
        return f"{self.M:,} × {self.L:,} · {self.L:,} × {_across(self.N, self.varying)}"


def _sizes(step: MatrixProduct) -> _Sizes:
    """The sizes of a product without its bias."""
    M, N = step.out.shape  # noqa: N806  as matrices are measured
    assert not isinstance(step.inputs, float)
    return _Sizes(M, step.inputs.shape[0] - step.folded, N, step.out.varying)


def _backward(program: Program) -> dict[int, tuple[str, str]]:
    """The products of matrices of the reverse sweep by the step that they belong to: the sizes of ∂W and of ∂x."""
    waiting = deque(one for one in program.instructions.backward if one.function in ("weights", "inputs"))
    found: dict[int, tuple[str, str]] = {}
    for number, step in reversed(list(enumerate(program.layout.steps, 1))):  # the sweep goes in that order
        if not isinstance(step, MatrixProduct):
            continue
        by_weights = by_inputs = ""
        (M, N), varying = step.out.shape, step.out.varying  # noqa: N806
        if waiting and waiting[0].function == "weights" and waiting[0].operands[1] is step.inputs:
            by_weights = f"{M:,} × {_across(N, varying)} · {_across(N, varying)} × {_length(step.inputs):,}"
            waiting.popleft()
        if waiting and waiting[0].function == "inputs" and _begins_like(waiting[0].operands[0], step.weights):
            by_inputs = str(_Sizes(_length(step.inputs) - step.folded, M, N, varying))
            waiting.popleft()
        if by_weights or by_inputs:
            found[number] = by_weights, by_inputs
    return found


def _length(inputs: Operand) -> int:
    assert not isinstance(inputs, float)
    return int(inputs.shape[0])


def _begins_like(narrow: Operand, weights: Operand) -> bool:
    """Whether these are the weights, perhaps without the biases beside them."""
    if isinstance(narrow, View) and isinstance(weights, View):
        return (narrow.space, narrow.offset, narrow.strides) == (weights.space, weights.offset, weights.strides)
    return not isinstance(narrow, View) and not isinstance(weights, View)


def _operands(step: Map | MatrixProduct) -> Sequence[Operand | None]:
    return step.operands if isinstance(step, Map) else [step.weights, step.biases, step.inputs]


def _kind(step: Step) -> str:
    """What a step does, in a word."""
    match step:
        case Gather():
            return "gather"
        case Map():
            return step.gate.name
        case _:
            return "W·x + b" if step.folded or step.biases is not None else "W·x"


def _size(step: Step) -> str:
    """How much it does: the sizes of a product, or the numbers that are written."""
    if isinstance(step, MatrixProduct):
        return str(_sizes(step))
    return _numbers(math.prod(step.out.shape), step.out.varying)


def _across(count: int, varying: bool) -> str:
    """The columns of a matrix, with all examples side by side: `1`, `36`, `B`, `36B`."""
    return f"{'' if varying and count == 1 else f'{count:,}'}{'B' * varying}"


def _numbers(rows: int, varying: bool) -> str:
    return f"{rows:,} × B" if varying else f"{rows:,}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _groups(flow: _Flow) -> str:
    """`10 groups: 4 matrix products, 6 maps`."""
    products, maps, _ = flow.counts()
    kinds = {"matrix product": products, "map": maps}
    words = ", ".join(_counted(count, noun) for noun, count in kinds.items() if count)
    return _counted(products + maps, "group") + (words and f": {words}")


def _recorded(program: Program) -> str:
    return _counted(len(program._tape.lines), "gate")


def _title(program: Program) -> str:
    """What the program computes."""
    by = {"params": _counted(len(program.params), "parameter"), "inputs": "the inputs"}
    by["both"] = f"{by['params']} and the inputs"
    if program.reduce is None:
        return f"The outputs for {'each of B examples' if program._shapes else 'one call'}"
    over = f"The {program.reduce} over B examples" if program._shapes else "The value"
    return f"{over} and its gradient by {by[program.wrt]}"


# ---- in words -----------------------------------------------------------------------------------------------------


def explain(program: Program) -> str:
    """What each pass of the compiler left, the steps, the buffers, the reverse sweep and the source, as text.

    >>> from microgradnn import Value, compile
    >>> w = Value(2.0)
    >>> for line in explain(compile(lambda x, y: (w * x - y) ** 2, [w], example=(0.0, 0.0))).splitlines()[:6]:
    ...     print(line)
    The mean over B examples and its gradient by 1 parameter, with NumPy
    <BLANKLINE>
    pass       what it left
    ────────   ────────────────────────────────────────────────────────────────────────────────
    tracing    3 gates for one example of 2 numbers; constants folded, equal gates written once
    sums       3 lines: additions gathered into sums and dot products
    """
    parts = [[f"{_title(program)}, with {_by(program)}"], _passes(program)]
    sources = [program._straight_lines.source] if _in_lines(program) else []
    if _over_arrays(program):
        parts += [*_steps(_Flow(program.layout)), *_buffers(program), *_reverse(program)]
        sources += [program._arrays.source]
    few = f"for up to {_counted(program.straight_up_to, 'example')}"
    which = ["The source"] if len(sources) == 1 else [f"The source {few}", "The source for more"]
    parts += [[words, "", source.rstrip()] for words, source in zip(which, sources, strict=True)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _in_lines(program: Program) -> bool:
    """Whether straight-line Python runs, for some batches or for all."""
    return program.backend == "python" or program.straight_up_to > 0


def _over_arrays(program: Program) -> bool:
    """Whether arrays run, for some batches or for all: without examples there is but one size."""
    return program.backend != "python" and (bool(program._shapes) or not program.straight_up_to)


def _by(program: Program) -> str:
    """By what it is computed."""
    name = {"numpy": "NumPy", "python": "Python", "jax": "JAX"}[program.backend]
    if not program.straight_up_to:
        return name
    if not program._shapes:
        return "straight-line Python"
    return f"straight-line Python for up to {_counted(program.straight_up_to, 'example')}, {name} for more"


def _passes(program: Program) -> list[str]:
    """What each pass made of what the one before left."""
    size = sum(math.prod(shape) for shape in program._shapes)
    example = f"for one example of {_counted(size, 'number')}" if program._shapes else "in one graph"
    rows = [("tracing", f"{_recorded(program)} {example}; constants folded, equal gates written once")]
    if _in_lines(program):
        what = "the value and its gradient" if program.reduce else "the outputs"
        lines = sum(" = " in line for line in program._straight_lines.source.splitlines())
        rows += [("source", f"{_counted(lines, 'line')} of straight-line Python over floats for {what}")]
        if program.straight_up_to:
            rows += [
                ("", "narrow and deep: arrays would take longer for one example" + " or a few" * bool(program._shapes))
            ]
        else:
            rows += [("", "no groups, matrix products or buffers: one example is computed after the other")]
    if not _over_arrays(program):
        return columns(("pass", "what it left"), rows)
    flow = _Flow(program.layout)
    computed = [step for step in flow.steps.values() if not isinstance(step, Gather)]
    copied = [math.prod(step.out.shape) for step in flow.steps.values() if isinstance(step, Gather)]
    lines = sum(math.prod(step.out.shape) for step in computed)
    runs = Counter(step.out.varying for step in computed)
    rows += [
        ("sums", f"{_counted(lines, 'line')}: additions gathered into sums and dot products"),
        ("grouping", f"{_groups(flow)}; {_often(runs)}"),
    ]
    work = Counter[bool]()
    for step in computed:
        if isinstance(step, MatrixProduct):
            M, L, N, varying = _sizes(step)  # noqa: N806  as matrices are measured
            work[varying] += M * L * N
    if work:
        rows += [("", f"{_counted(work.total(), 'multiplication')} in the products; {_often(work)}")]
    gathers = f"{_counted(len(copied), 'gather')} of {_counted(sum(copied), 'row')}; all else is read in place"
    rows += [
        ("layout", gathers if copied else "all operands are read in place"),
        ("lowering", f"{_counted(len(program.instructions.forward), 'instruction')} forward, "
                     f"{len(program.instructions.backward):,} backward"),
    ]  # fmt: skip
    return columns(("pass", "what it left"), rows)


def _often(counts: Counter[bool]) -> str:
    """How many of something are done once and how many for every example: `2 once, 8 for every example`."""
    words = {False: "once", True: "for every example"}
    if len(+counts) < 2:
        return "all " + words[bool(counts[True])]
    return ", ".join(f"{counts[varying]:,} {word}" for varying, word in words.items())


def _steps(flow: _Flow) -> list[list[str]]:
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
            place, copied = "", _listed(pieces)
        else:
            operands = [one for one in _operands(step) if one is not None]
            copies = [bool(flow.of_operand(one).keys() & gathered) for one in operands]
            place = _read(flow, [one for one, copy in zip(operands, copies, strict=True) if not copy])
            copied = _read(flow, [one for one, copy in zip(operands, copies, strict=True) if copy])
        path = "" if isinstance(step, Gather) or step.path is None else _shortened(step.path)
        runs = "each" if step.out.varying else "once"
        rows.append((f"#{number}", str(levels[number]), _kind(step), _size(step), runs, place, copied, path))
    header = ("step", "level", "what", "size", "runs", "in place", "gathered", "module")
    words = "The steps, in order. Steps of one level need nothing of each other."
    if any(step.out.varying for step in flow.steps.values()):
        words += " The B examples of a row lie side by side."
    return [[words, "", *_table(header, rows, right=("step", "level"))]]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str]) -> list[str]:
    """A table without the columns in which nothing stands."""
    kept = [place for place in range(len(header)) if any(row[place] for row in rows)]
    return columns([header[place] for place in kept], [[row[place] for place in kept] for row in rows], right)


def _read(flow: _Flow, operands: Sequence[Operand]) -> str:
    """What the operands read, one after the other; those of a sum of many not all."""
    words = []
    for operand in operands:
        if isinstance(operand, float):
            words.append(digits(operand))
        elif isinstance(operand, View):
            words.append(_listed(flow.of_operand(operand)))
        else:
            words.append(_counted(operand.size, "constant"))
    if len(words) > _MOST_NAMED:
        words = [*words[: _MOST_NAMED - 1], f"… {words[-1]}"]
    return ", ".join(words)


def _listed(sources: Iterable[Source]) -> str:
    """Sources by name; of many the first and the last."""
    words = [f"#{one}" if isinstance(one, int) else one for one in sources]
    return "+".join(words) if len(words) <= _MOST_NAMED else f"{words[0]}+…+{words[-1]}"


def _buffers(program: Program) -> list[list[str]]:
    """How many rows there are of each kind, and what they take."""
    layout = program.layout
    if program.backend == "jax":
        return [["Buffers: none are kept, every block of rows is an array of its own, and XLA decides where it lies."]]
    ones = Counter[str]()
    for view in layout.ones:
        ones[view.space] += math.prod(view.shape)
    count = EXAMPLES if program._shapes else 1
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
    header = ("buffer", "what it holds", "rows", "of ones", f"bytes for B = {count}" if program._shapes else "bytes")
    words = "The buffers, each with one of its size for the gradient; temporary arrays come on top."
    return [[words, "", *_table(header, rows, right=header[2:])]]


def _reverse(program: Program) -> list[list[str]]:
    """What the reverse sweep consists of."""
    if program.reduce is None:
        return [["No reverse sweep: a program with reduce=None has no gradient."]]
    instructions = program.instructions
    names = {"weights": "∂W", "inputs": "∂x", "number": "comparison as 0 or 1"}
    names |= dict.fromkeys(("put", "put add", "put sum", "put sum add"), "scatter")
    counts = Counter(names.get(one.function, one.function) for one in instructions.backward)
    sentence = f"The reverse sweep: {_counted(len(instructions.backward), 'instruction')}"
    if counts:
        sentence += f": {', '.join(f'{count:,} {name}' for name, count in counts.most_common())}"
    words = wrap(f"{sentence}.", WIDTH)
    apart = len(instructions.unwritten.get(PARAMETERS, ()))
    if apart:
        words += [f"Of the parameters {apart:,} {'has' if apart == 1 else 'have'} no part in the value."]
    products = [(f"#{number}", *sizes) for number, sizes in _backward(program).items()]
    return [words] + [_table(("step", "∂W", "∂x"), products, right=("step",))] * bool(products)


def _shortened(name: str, length: int = 28) -> str:
    name = printable(name)
    return name if len(name) <= length else f"{name[: length // 2]}…{name[-(length // 2) + 1 :]}"


# ---- as a drawing -------------------------------------------------------------------------------------------------


def picture(program: Program) -> Drawing:
    """The steps as boxes, from the parameters and arguments to the value; what runs once is dashed."""
    return Drawing(_Diagram(program).picture(), repr(program))


class _Diagram:
    """A picture in the making."""

    def __init__(self, program: Program) -> None:
        self.program, self.flow = program, _Flow(program.layout)
        self.digraph = new_digraph()
        self.tooltips: dict[str, str] = {}
        self.products = _backward(program)
        steps = list(self.flow.steps)
        half = _MOST_STEPS // 2
        self.left_out = set(steps[half:-half]) if len(steps) > _MOST_STEPS else set()

    def picture(self) -> Picture:
        self.digraph.attr(ranksep="0.5", nodesep="0.25")
        self._leaves()
        for varying, name in ((False, "once"), (True, "for every example")):
            shown = [number for number, step in self.flow.steps.items() if step.out.varying == varying]
            shown = [number for number in shown if number not in self.left_out]
            if shown:
                self._cluster(name, varying, shown)
        if self.left_out:
            more = f"… {_counted(len(self.left_out), 'step')} more"
            self._box("more", [more], more)
        self._edges()
        self._value()
        words = self._words()
        lines = "".join(f'{escape(line)}<BR ALIGN="LEFT"/>' for line in words)
        self.digraph.attr(label=f"<{lines}>", labelloc="t", labeljust="l", fontsize="11", fontname=FONT)
        return Picture(self.digraph, self.tooltips, f"Program of {_recorded(self.program)}", ". ".join(words))

    def _words(self) -> list[str]:
        examples = "; B is the number of examples" if self.program._shapes else ""
        words = [f"{_recorded(self.program)} rolled into {_groups(self.flow)}{examples}"]
        if self.products:
            words.append("below the line of a product: the products of the reverse sweep, by weights and by inputs")
        return words

    # ---- nodes ----

    def _box(self, name: str, lines: list[str], tooltip: str, dashed: bool = False, below: Sequence[str] = ()) -> None:
        """A box with these lines of HTML, and others below a rule."""
        rows = [f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in lines]
        if below:
            rows += ["<HR/>", *(f'<TR><TD ALIGN="LEFT">{line}</TD></TR>' for line in below)]
        style = "ROUNDED,DASHED" if dashed else "ROUNDED"
        table = f'<TABLE BORDER="1" STYLE="{style}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
        self.digraph.node(name, f"<{table}{''.join(rows)}</TABLE>>", id=name, **_class(not dashed))
        self.tooltips[name] = tooltip

    def _leaves(self) -> None:
        """A box for the parameters, and one for each argument."""
        if len(self.program.params):
            count = f"{len(self.program.params):,}"
            self._box(PARAMETERS, ["<B>parameters</B>", _coloured(count, GREEN)], f"{count} parameters", dashed=True)
        for place, shape in enumerate(self.program._shapes):
            size = " × ".join(["B", *(f"{one:,}" for one in shape)])
            self._box(f"x{place}", [f"<B>x{place}</B>", _coloured(size, GREEN)], f"argument {place}: {size}")

    def _cluster(self, name: str, varying: bool, numbers: list[int]) -> None:
        with self.digraph.subgraph(name=f"cluster_{'each' if varying else 'once'}") as cluster:
            # Edges from the parameters arrive between the two clusters, so their names stand outside.
            cluster.attr(label=name, labelloc="b" if varying else "t", labeljust="l", fontsize="10", fontname=FONT)
            style = "rounded" if varying else "rounded,dashed"
            cluster.attr(margin="12", penwidth="0.6", style=style, **_class(varying))
            outer, self.digraph = self.digraph, cluster
            for number in numbers:
                self._step(number, self.flow.steps[number])
            self.digraph = outer

    def _step(self, number: int, step: Step) -> None:
        heading = _symbol(step) if isinstance(step, Map) else _kind(step)
        below: list[str] = []
        if isinstance(step, MatrixProduct):
            marks = zip(("∂W", "∂x"), self.products.get(number, ("", "")), strict=True)
            below = [_coloured(f"{mark}  {size}", RED) for mark, size in marks if size]
        path = "" if isinstance(step, Gather) or step.path is None else _shortened(step.path)
        size = f"{_size(step)} rows" if isinstance(step, Gather) and not step.out.varying else _size(step)
        lines = [f"<B>{escape(heading)}</B>" + (f"&#160;&#160;{escape(path)}" if path else ""), _coloured(size, GREEN)]
        tooltip = f"step {number}: {_kind(step)}, {_size(step)}" + (f", of {path}" if path else "")
        self._box(f"s{number}", lines, tooltip, not step.out.varying, below)

    def _value(self) -> None:
        """The end: what is given back, and what it is made of; for training also what else is observed."""
        program, roots = self.program, self.program.layout.roots
        each = bool(program._shapes)
        if program.reduce is None:
            self._end("value", "outputs", _numbers(len(roots), each), roots)
            return
        roots, observed = roots[:2], roots[2:]
        constant = sum(root for root in roots if not isinstance(root, View))
        alone = not any(isinstance(root, View) for root in roots)
        size = f"constant {digits(constant)}" if alone else f"1, with {digits(constant)} added" if constant else "1"
        self._end("value", f"{program.reduce} over B" if each else "value", size, roots)
        if observed:
            self._end("observed", "observed", _numbers(len(observed), each), observed)

    def _end(self, name: str, heading: str, size: str, roots: Sequence[float | View]) -> None:
        tooltip = _title(self.program) if name == "value" else heading
        self._box(name, [f"<B>{heading}</B>", _coloured(size, GREEN)], tooltip)
        found: Counter[tuple[str, bool]] = Counter()
        for root in roots:
            if isinstance(root, View):
                for source, count in self.flow.of_operand(root).items():
                    found[self._node(source), root.varying] += count
        for (start, varying), count in found.items():
            self._arrow(start, name, count, varying)

    # ---- edges ----

    def _edges(self) -> None:
        found: Counter[tuple[str, str]] = Counter()
        varying: set[tuple[str, str]] = set()
        for number, step in self.flow.steps.items():
            for source, count in self.flow.of_step(step).items():
                edge = self._node(source), self._node(number)
                found[edge] += count
                if source != PARAMETERS and (isinstance(source, str) or self.flow.steps[source].out.varying):
                    varying.add(edge)
        for (start, end), count in found.items():
            if start != end:
                self._arrow(start, end, count, (start, end) in varying)

    def _node(self, source: Source) -> str:
        return source if isinstance(source, str) else "more" if source in self.left_out else f"s{source}"

    def _arrow(self, start: str, end: str, count: int, varying: bool) -> None:
        name, words = f"{start}-{end}", _numbers(count, varying)
        self.tooltips[name] = words
        looks = _class(varying) | {"style": "solid" if varying else "dashed"}
        looks["penwidth"] = f"{min(2.5, 0.7 + math.log10(count) / 2):.2f}"
        self.digraph.edge(start, end, id=name, label=f" {words} ", fontsize="9", **looks)


def _class(varying: bool) -> dict[str, str]:
    """What the style sheet of the pictures knows as dashed."""
    return {} if varying else {"class": "once"}


def _symbol(step: Map) -> str:
    """The symbol of a gate, with a constant operand in it."""
    symbols = step.gate.symbol
    if isinstance(symbols, str):
        return symbols
    for template, operand in zip(symbols[1:], step.operands, strict=True):
        if isinstance(operand, float):
            return template.format(factor(operand))
    return symbols[0]


def _coloured(text: str, colour: str) -> str:
    return f'<FONT COLOR="{colour}">{escape(text)}&#160;</FONT>'

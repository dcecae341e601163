"""How often checkers of derivatives are wrong, on the labelled cases of `tests.verdicts`, and what a check costs.

A case that is right and called wrong is a false alarm, one that is wrong and passes a miss. At kinks and edges, and
where floats have lost the digits, there is nothing to call wrong. Microgradnn says five words, the others yes or no;
each of them is counted with its defaults and with those of its settings that make the fewest mistakes here.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from microgradnn import dot, tanh
from microgradnn.checks import check_gate, report_grads
from microgradnn.primitive import gates
from tests.benchmarks.checkers import CHECKERS, Checker, answers
from tests.benchmarks.harness import clock, machine
from tests.verdicts.case import Case
from tests.verdicts.fresh import fresh
from tests.verdicts.functions import rosenbrock
from tests.verdicts.labels import sized
from tests.verdicts.mutants import mutants
from tests.verdicts.planted import BY_HAND
from tests.verdicts.score import Fault, counted, our_faults
from tests.verdicts.sound import SOUND

OURS = "microgradnn"
SECOND = 3  # at order 2 every third case is checked
FRESH = 40


class Row(NamedTuple):
    """What a checker did wrong on cases: how many of each fault, and the seconds it took."""

    false_alarms: int
    misses: int
    gross: int  # of the misses, those of 10⁻³ and more
    called_wrong: int
    undecided: int
    seconds: float

    @property
    def mistakes(self) -> int:
        return self.false_alarms + self.misses + self.called_wrong + self.undecided


def _row(count: Counter[str], seconds: float) -> Row:
    wrong = count["called wrong"] + count["not named"] + count["innocent named"]
    undecided = count["undecided"] + count["crash"]
    return Row(count["false alarm"], count["miss"], count["gross miss"], wrong, undecided, seconds)


def ours(cases: Iterable[Case], order: int) -> Row:
    """The row of `report_grads`; what it does not name counts as called wrong."""
    start = clock()
    found = [fault for case in cases for fault in our_faults(case, order)]
    return _row(counted(found), clock() - start)


def fault(case: Case, order: int, answer: bool | None) -> Fault | None:
    """The fault of a yes, a no or of no answer."""
    label = case.label(order)
    if answer is None:
        kind = "undecided"
    elif label == "wrong":
        kind = "miss" if answer else ""
    else:
        kind = "" if answer else "false alarm" if label == "right" else "called wrong"
    return Fault(kind, case, "") if kind else None


def theirs(checker: Checker, cases: Sequence[Case], order: int) -> dict[str, Row]:
    """The rows of another checker: its defaults, and the best of its settings where that is another one."""
    answers(checker, cases[0], order)  # once, before it counts
    start = clock()
    all_answers = [answers(checker, case, order) for case in cases]
    seconds = (clock() - start) / (1 if checker.estimates else len(checker.settings))
    rows = []
    for given in zip(*all_answers, strict=True):
        found = [fault(case, order, answer) for case, answer in zip(cases, given, strict=True)]
        rows.append(_row(counted(filter(None, found)), seconds))
    best = min(range(len(rows)), key=lambda n: rows[n].mistakes)
    return {f"{checker.name}, defaults": rows[0], f"{checker.name}, best of {len(rows)} settings": rows[best]}


# ---- costs -----------------------------------------------------------------------------------------------------------

NETWORK = "a network of 105 parameters in at most 1 s"
FIFTY = "order 2 with 50 arguments in at most 5 s"
GATE = "check_gate in at most 50 ms, the slowest of the table"
LIMITS = {NETWORK: 1.0, FIFTY: 5.0, GATE: 0.05}


def network(first: Any, second: Any, last: Any) -> Any:
    """A 2-8-8-1 network of tanh at a point."""
    values = [0.5, -1.2]
    for weights in (first, second):
        values = [tanh(dot(row[:-1], values, row[-1])) for row in weights]
    return dot(last[:-1], values, last[-1])


def costs() -> dict[str, float]:
    """The seconds of each of LIMITS."""
    draw = random.Random(0)
    rows = [[[draw.uniform(-1, 1) for _ in range(columns)] for _ in range(8)] for columns in (3, 9)]
    args = (*rows, [draw.uniform(-1, 1) for _ in range(9)])
    point = [draw.uniform(-1, 1) for _ in range(50)]
    return {
        NETWORK: _seconds(lambda: report_grads(network, args)),
        FIFTY: _seconds(lambda: report_grads(rosenbrock, (point,), 2)),
        GATE: max(_seconds(lambda gate=gate: check_gate(gate)) for gate in gates()),
    }


def _seconds(check: Callable[[], object]) -> float:
    start = clock()
    check()
    return clock() - start


# ---- the suite -------------------------------------------------------------------------------------------------------

Figures = dict[int, dict[str, Row]]  # of each order, by the name of the checker

TITLE = {
    1: "Order 1, mistakes on labelled cases:",
    2: "Orders 1 and 2, on every third of them:",
    0: "Order 1, on fresh cases of the day:",
}
HEAD = "| false alarms | misses | of them ≥ 1e-3 | kinks, edges, noise called wrong | undecided | seconds |"


def measure(cases: Sequence[Case], new: Sequence[Case], checkers: Sequence[Checker] = CHECKERS) -> Figures:
    """The rows of each table; 0 stands for the fresh cases."""
    figures: Figures = {}
    for table_of, order, some in [(1, 1, cases), (2, 2, cases[::SECOND]), (0, 1, new)]:
        figures[table_of] = {OURS: ours(some, order)}
        for checker in checkers:
            if order in checker.orders:
                figures[table_of] |= theirs(checker, some, order)
    return figures


def table(rows: dict[str, Row]) -> list[str]:
    """The figures of one table in Markdown."""
    lines = [f"| {HEAD}", f"| --- |{' --: |' * len(Row._fields)}"]
    for name, row in rows.items():
        lines.append(f"| {name} | {' | '.join(map(str, row[:-1]))} | {row.seconds:.1f} |")
    return lines


def targets(figures: Figures, seconds: dict[str, float]) -> list[str]:
    """Each target, what was measured, and whether it is met."""
    lines = []
    for name, orders in [("orders 1 and 2", (1, 2)), ("fresh cases", (0,))]:
        rows = [figures[order][OURS] for order in orders]
        allowed = 1 if name == "fresh cases" else 0
        for column, most in [("false_alarms", 0), ("misses", 0), ("called_wrong", 0), ("undecided", allowed)]:
            count = sum(getattr(row, column) for row in rows)
            lines.append(f"- {name}, {column.replace('_', ' ')}: {count}, {_met(count <= most)}")
    others = [(row, rows[OURS]) for rows in figures.values() for name, row in rows.items() if name != OURS]
    worse = sum(our > other for row, mine in others for our, other in zip(mine[:5], row[:5], strict=True))
    lines.append(f"- figures in which another checker makes fewer mistakes: {worse}, {_met(worse == 0)}")
    for name, limit in LIMITS.items():
        lines.append(f"- {name}: {seconds[name]:.3f} s, {_met(seconds[name] <= limit)}")
    return lines


def _met(met: bool) -> str:
    return "met" if met else "missed"


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    seed = int(f"{datetime.date.today():%Y%m%d}")
    cases, new = [*SOUND, *map(sized, BY_HAND), *mutants(rotate=0)], list(fresh(seed, FRESH))
    figures, seconds = measure(cases, new), costs()
    counts = Counter(case.label(1) for case in cases)
    others = len(cases) - counts["right"] - counts["wrong"]
    how = (
        f"{machine('torch', 'jax', 'autograd', 'numdifftools', 'jacobi', 'scipy')}. {len(cases)} cases: "
        f"{counts['right']} right, {counts['wrong']} with a planted rule, {others} at kinks, jumps and edges or where "
        f"floats have lost the digits; {len(new)} fresh ones of the seed {seed}. Every checker gets the function and "
        "the claimed gradient in its own form. Settings are those of the tool, or for an estimate with an error how "
        "far the claim may differ; the best are those with the fewest mistakes here. Processor time of one setting."
    )
    tables = [line for order, title in TITLE.items() for line in (title, "", *table(figures[order]), "")]
    return [*tables, how, "", *targets(figures, seconds)]

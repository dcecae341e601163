"""What a checker's answer on a case is worth: false alarms, misses, what was called wrong without being it.

Works on words alone, so that reports of microgradnn and the yes or no of other checkers are counted by the same rule.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from microgradnn import Value, no_grad
from microgradnn.checks import report_grads
from microgradnn.trees import leaves, like
from tests.verdicts.case import Case, planted, worst

# The verdicts that a label allows. Where the rules claim the infinite slope of a steep point, it may be called right.
ALLOWED: dict[str, tuple[str, ...]] = {
    "right": ("right",), "wrong": ("wrong",), "kink": ("kink",), "outside": ("outside",), "noisy": ("noisy",),
    "jump": ("kink", "outside"), "steep": ("kink", "outside", "right"), "off": ("noisy", "wrong"),
}  # fmt: skip
FAULTS = ("false alarm", "miss", "called wrong", "not named", "innocent named", "undecided", "crash")


class Fault(NamedTuple):
    """What a checker did wrong on a case, and how large the error was that it should have judged."""

    kind: str
    case: Case
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.case.name} at {self.case.args}, {self.words}"


def fault(label: str, verdict: str) -> str | None:
    """The name of the fault in calling what has this label so; None where it is none."""
    if verdict in ALLOWED[label]:
        return None
    if label == "wrong":
        return "undecided" if verdict == "noisy" else "miss"
    if label == "right":
        return {"wrong": "false alarm", "noisy": "undecided"}.get(verdict, "false alarm")
    return "called wrong" if verdict == "wrong" else "not named"


def faults(case: Case, order: int, verdicts: Sequence[str], named: Sequence[str]) -> list[Fault]:
    """The faults of the verdicts on each number of the case, or from order 2 on of all findings on the case as a whole.

    `named` are the words about guilty gates: where gates are guilty they must be among them, and no innocent ones.
    """
    label = case.label(order)
    if order == 1:
        pairs = list(zip(case.expected, verdicts, strict=True))
    else:
        verdict = worst(verdicts)
        allowed = [word for word in verdicts if word in ALLOWED[label]]
        pairs = [(label, allowed[0] if allowed and verdict != "wrong" and label != "right" else verdict)]
    kinds = {kind for kind in (fault(*pair) for pair in pairs) if kind}
    true = [words for words in named if any(name in words for name in case.guilty)]
    if case.guilty and (label == "wrong" or case.kind == "vanishing") and not true:
        kinds.add("not named")
    if len(true) < len(named) and (case.guilty or case.kind == "detached"):
        kinds.add("innocent named")
    words = f"order {order}: {', '.join(verdicts)} and not {', '.join(case.expected)}, guilty: {named}"
    return [Fault(kind, case, words) for kind in FAULTS if kind in kinds]


def our_faults(case: Case, order: int) -> list[Fault]:
    """The faults of `report_grads` on a case."""
    with planted(case) as f:
        try:
            findings = list(report_grads(f, case.args, order))
        except Exception as error:
            if not _has_value(f, case.args):  # and that was said
                return faults(case, order, ["outside"] * len(case.expected), [])
            return [Fault("crash", case, f"order {order}: {type(error).__name__}: {error}")]
        verdicts = by_number(findings, case.args) if order == 1 else [finding.verdict for finding in findings]
        named = [finding.gate for finding in findings if finding.gate]
        if case.kind == "vanishing" and not named:  # right, though a gate is wrong: the sentence says so
            named = [" ".join(finding.message for finding in findings)]
        return faults(case, order, verdicts, named)


def _has_value(f: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    try:
        with no_grad():
            f(*like(args, map(Value, leaves(args))))
    except (ArithmeticError, ValueError):
        return False
    return True


def by_number(findings: Iterable[Any], args: tuple[Any, ...]) -> list[str]:
    """The gravest verdict on each number of `args`, by the places of the findings."""
    verdicts: dict[str, list[str]] = {
        place: [] for n, arg in enumerate(args) for place in _places(arg, f"argument {n}")
    }
    assert len(verdicts) == len(leaves(args))
    for finding in findings:
        verdicts[re.search(r"argument \d+(\[\d+\])*", finding.place).group()].append(finding.verdict)  # type: ignore[union-attr]
    assert all(verdicts.values()), f"no finding for some of {', '.join(verdicts)}"
    return [worst(words) for words in verdicts.values()]


def _places(tree: Any, place: str) -> list[str]:
    if isinstance(tree, (list, tuple)):
        return [inner for n, branch in enumerate(tree) for inner in _places(branch, f"{place}[{n}]")]
    return [place]


def counted(found: Iterable[Fault]) -> Counter[str]:
    """How many cases show each kind of fault, and how many of the misses are of 10⁻³ and more."""
    count: Counter[str] = Counter()
    for one in found:
        count[one.kind] += 1
        if one.kind == "miss" and one.case.size >= 1e-3:
            count["gross miss"] += 1
    return count

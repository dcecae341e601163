"""What a check says: one finding for each derivative, and the report of them all.

How a derivative was judged is known elsewhere; here are its words and its table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from microgradnn.notation import columns, digits

Verdict = Literal["right", "wrong", "kink", "outside", "noisy"]
By = Literal["proof", "differences"]


def distance(a: float, b: float) -> float:
    """|a − b|, and 0 between an infinity and itself."""
    return 0.0 if a == b else abs(a - b)


@dataclass(frozen=True)
class Finding:
    """One derivative: `exact` by the rules, or as it was claimed, beside `numeric`, what it is.

    - `place`: the argument that it is by
    - `exact`: what the rules of the gates give, or what was claimed
    - `numeric`: what it is; at a kink the number between the slopes of both sides that is nearest to `exact`
    - `error`: the distance of the two
    - `own_error`: what `numeric` itself may be off by
    - `verdict`: right; wrong; kink, where the slopes of both sides differ and the rule lies between them; outside,
      where the function has no value on one side; noisy, where rounding leaves too few digits to tell
    - `by`: proof, on numbers of 160 digits, or differences of floats
    - `gate`: the guilty one
    - `message`: all of it in a sentence

    >>> from microgradnn import report_grads
    >>> [finding] = report_grads(lambda x: x * x, (3.0,))
    >>> finding.place, finding.exact, finding.verdict, finding.by, finding.gate
    ('argument 0', 6.0, 'right', 'proof', None)
    """

    place: str
    exact: float
    numeric: float
    error: float
    own_error: float
    verdict: Verdict
    by: By
    gate: str | None
    message: str

    def __str__(self) -> str:
        return self.message


class Judged(NamedTuple):
    """A derivative with its verdict and the slopes of both sides (None: no value there), before there are words."""

    exact: float
    numeric: float
    error: float
    own_error: float
    verdict: Verdict
    by: By
    left: float | None
    right: float | None
    kind: str

    def no_slope(self, what: str, said: str) -> str:
        """The sentence on a derivative at a kink or a jump, or at an edge of the domain."""
        missing = [name for name, side in (("left", self.left), ("right", self.right)) if side is None]
        if missing or self.left is None or self.right is None:
            return f"{what} does not exist: f has no value on its {' and its '.join(missing)}"
        slopes = f"{digits(self.left)} on its left and {digits(self.right)} on its right"
        return f"{what} is at a {self.kind}: the slope is {slopes}, {said} {self.exact!r}"

    def between(self) -> str:
        """Between what a derivative must lie at a kink, for the end of a sentence; nothing elsewhere."""
        if self.kind not in ("kink", "jump") or self.left is None or self.right is None:
            return ""
        return f"at this {self.kind} it must lie between {digits(self.left)} and {digits(self.right)}"

    def finding(self, place: str, message: str, gate: str | None = None) -> Finding:
        return Finding(place, *self[:6], gate, message)


@dataclass(frozen=True)
class Report:
    """The `findings` of a check, in the order of the arguments; true if none is wrong, printed as a table.

    `note` says why a function could not be run on wide numbers.

    >>> from microgradnn import primitive, report_grads, scratch_table
    >>> with scratch_table():
    ...     report = report_grads(primitive("wrong", lambda x: x * x, lambda out, x: x), (3.0,))
    >>> bool(report), len(report), report.guilty
    (False, 1, ['wrong(3.0)'])
    >>> report.raise_if_wrong()
    Traceback (most recent call last):
    AssertionError: ...
    """

    findings: tuple[Finding, ...]
    note: str = ""

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        return all(finding.verdict != "wrong" for finding in self.findings)

    @property
    def guilty(self) -> list[str]:
        """The gates whose rules are wrong, each once."""
        return list(dict.fromkeys(finding.gate for finding in self.findings if finding.gate is not None))

    def raise_if_wrong(self) -> None:
        """Raise AssertionError for what is wrong, outside or undecided: one sentence for each."""
        __tracebackhide__ = True
        sentences = [finding.message for finding in self.findings if finding.verdict not in ("right", "kink")]
        if len(sentences) > 5:
            sentences[5:] = [f"and {len(sentences) - 5} more: report_grads lists them all"]
        if sentences:
            raise AssertionError("\n".join([*sentences, *[self.note] * bool(self.note)]))

    def __str__(self) -> str:
        rows = [
            (finding.place, f"{finding.exact:.10g}", f"{finding.numeric:.10g}", f"{finding.error:.2g}",
             finding.verdict, finding.by)
            for finding in self.findings
        ]  # fmt: skip
        header = ("derivative by", "exact", "numeric", "error", "verdict", "known by")
        lines = columns(header, rows, right=header[1:4])
        lines += dict.fromkeys(finding.message for finding in self.findings if finding.verdict != "right")
        return "\n".join([*lines, *[self.note] * bool(self.note)])

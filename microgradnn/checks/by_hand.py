"""Answers worked out by hand compared with backprop, to the digits given, and the slip named where one can tell.

Two backward passes are compared with: the right one, and the student's own, which goes on with the numbers that were
answered. So what follows from an earlier slip is told from a slip of its own. The slips are in `slips`.
"""

from __future__ import annotations

import math
import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from microgradnn.checks.derivations import Circuit, Numbers, handed, right_numbers
from microgradnn.checks.slips import slips, value_slips
from microgradnn.notation import digits
from microgradnn.reading import number
from microgradnn.settings import Limit, whole
from microgradnn.stepping import out_of_date
from microgradnn.value import Value

TELLING = 3  # digits from which a cause is named: with fewer, numbers that come of no slip fit one too often
PLACES = Limit("a whole number ≥ 0, of decimals, or None", whole, lambda n: n >= 0)
_DECIMAL = re.compile(r"[+-]?(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?")


@dataclass(frozen=True)
class Answer:
    """One answer: what it says of which node, and how near a number must be to be the one that was meant."""

    node: Value
    what: str  # "∂f/∂x", or "x.data"
    of_value: bool
    text: str
    number: float
    slack: float  # half a unit of the last digit given
    relative: float
    significant: int  # digits

    def fits(self, x: float) -> bool:
        """Whether `x` is what was answered, to the digits given."""
        if not (math.isfinite(x) and math.isfinite(self.number)):
            return x == self.number or (math.isnan(x) and math.isnan(self.number))
        return math.isclose(self.number, x, rel_tol=self.relative, abs_tol=self.slack * (1 + 1e-9))

    def comes_of(self, x: float) -> bool:
        """Whether it is `x`, worked out from numbers that were rounded: up to two units off in the last digit."""
        return self.fits(x) or (self.significant >= TELLING and abs(self.number - x) <= 4 * self.slack)

    def tells(self, *numbers: float) -> bool:
        """Whether a cause can be told: it has digits enough, or as many as these numbers have in all."""
        unit = (2 * self.slack if self.number else 0.0) or 1.0
        return self.significant >= TELLING or all(
            math.isfinite(x) and abs(math.remainder(x, unit)) <= 1e-9 * abs(x) for x in numbers
        )

    def wrong(self, right: float) -> str:
        return f"{self.what} = {self.text} is wrong, it is {self.right(right)}"

    def right(self, number: float) -> str:
        """The right number, with a digit more than the answer has."""
        return digits(number, min(max(4, self.significant + 1), 12))


def check_by_hand(root: Value, answers: Mapping[str, float | str], places: int | None = None) -> None:
    """Compare `answers` found by hand with backprop: the key "x" is for ∂root/∂x, "x.data" for the value of x.

    Names are those of pictures and steps: unnamed gates are u1, u2 …, the `root` f. An answer must be right in all the
    digits it gives: as a string, "0.08" is right for 0.082167 and "0.08219" is not; with `places` numbers are given to
    so many decimals; fractions such as "-2/3" are exact. A plain number without `places` does not tell how many digits
    it has (20 or 20.0?), so it must be right in three: to 0.001 of itself, or rounded to three digits or more.

    Raises AssertionError with a line for each wrong answer, values first and then in the order of the backward pass:
    the right number and, from three digits on or where a number has no more, all slips that would give it. What only
    follows from an earlier answer is said to follow; a line too for each text that cannot be read, "" and None are not
    answered. KeyError for a name that the circuit does not have or several nodes do, TypeError for an answer that is
    neither number nor text, and ValueError for a graph that is out of date.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> f = (x + y).named("q") * z
    >>> check_by_hand(f, {"q.data": 3, "z": 3, "q": -4, "x": "-4.0"})
    >>> check_by_hand(f, {"q": 3, "x": 3})
    Traceback (most recent call last):
    AssertionError: ∂f/∂q = 3 is wrong, it is −4: the factors are swapped; ∂f/∂q is the other factor, −4.
    ∂f/∂x = 3 follows from ∂f/∂q = 3; with that right it is −4.
    Begin with ∂f/∂q: 1 of 2 answers is wrong, and 1 follows from it.
    """
    __tracebackhide__ = True
    if not isinstance(root, Value):
        raise TypeError(
            f"check_by_hand needs the Value at the end of a circuit, got {type(root).__name__} {root!r:.60}"
        )
    if not isinstance(answers, Mapping):
        raise TypeError(f'answers is a dict such as {{"x": "0.08"}}, got {type(answers).__name__} {answers!r:.60}')
    if complaint := out_of_date(root):
        raise ValueError(complaint)
    circuit = Circuit(root)
    given, unread = _in_order(circuit, answers, None if places is None else PLACES("places", places))
    right = right_numbers(circuit)
    if complaints := _complaints(given, right) + unread:
        raise AssertionError("\n".join(complaints))


# ---- reading answers ------------------------------------------------------------------------------------------------


def _in_order(circuit: Circuit, answers: Mapping[str, Any], places: int | None) -> tuple[list[Answer], list[str]]:
    """The answers as they are found by hand, values forward and gradients backward, and a line for each unread one."""
    f = circuit.names[id(circuit.root)]
    position = {id(node): index for index, node in enumerate(circuit.order)}
    read, unread = [], []
    for name, answer in answers.items():
        if not isinstance(name, str):
            raise TypeError(f'answers go by the names of nodes, such as "x": got {type(name).__name__} {name!r:.60}')
        node, ending = circuit.named(name, (".data", ""))
        what = name if ending else f"∂{f}/∂{name}"
        if answer is None or (isinstance(answer, str) and not answer.strip()):
            unread.append(f"{what} is not answered.")
            continue
        try:
            read.append(Answer(node, what, bool(ending), *_read(answer, places)))
        except TypeError as error:
            raise TypeError(f"the answer for {what}: {error}") from None
        except (ValueError, OverflowError) as error:
            shown = f"{what} = {answer:.60}" if isinstance(answer, str) else what
            reason = error if isinstance(error, ValueError) else "floats go from about 1e-308 to 1e308"
            unread.append(f"{shown} cannot be read: {reason}.")
    read.sort(key=lambda a: position[id(a.node)] if a.of_value else 2 * len(position) - position[id(a.node)])
    return read, unread


def _read(answer: Any, places: int | None) -> tuple[str, float, float, float, int]:
    """An answer as text and as a number, its slack, absolute and relative, and its significant digits."""
    if not isinstance(answer, str):
        x = number(answer)
        if places is None or not math.isfinite(x):
            text, (_, _, slack, _, significant) = digits(x, 6), _read(repr(x), None)
            return text, x, slack if significant >= TELLING or x == 0 else 0.0, 1e-3, min(max(TELLING, significant), 6)
        return _read(f"{x:#.{places}f}", None)
    text = re.sub(r"^([+-])\s+", r"\1", re.sub("[−–—]", "-", answer.strip()))
    shown = text.replace("-", "−")
    if text.lower().lstrip("+-") in ("inf", "nan", "∞"):
        return shown, float(text.replace("∞", "inf")), 0.0, 0.0, TELLING
    if match := _DECIMAL.fullmatch(text):
        unit = int(match[3] or 0) - len(match[2])
        x, significant = _float(text), len((match[1] + match[2]).lstrip("0"))
        slack = 0.5 * 10.0 ** min(unit, 308) if x or "." in text else 1e-12  # a mere 0 is meant exactly
        return shown.rstrip("."), x, slack, 1e-12, significant
    numerator, slash, denominator = map(str.strip, text.partition("/"))
    if slash and _DECIMAL.fullmatch(numerator) and _DECIMAL.fullmatch(denominator) and _float(denominator):
        quotient = _float(numerator) / _float(denominator)
        if math.isinf(quotient) or bool(_float(numerator)) != bool(quotient):
            raise OverflowError
        return shown, quotient, 1e-12, 1e-9, 9
    if _DECIMAL.fullmatch(text.replace(",", ".", 1)):
        raise ValueError(f'write a point, "{text.replace(",", ".")}"')
    raise ValueError('write it as "0.08", "-2e-3" or "1/3"')


def _float(text: str) -> float:
    """A decimal number; OverflowError for one that is no float, as no answer is so large or so near to 0."""
    x = float(text)
    if math.isinf(x) or (not x and re.search("[1-9]", re.split("[eE]", text)[0])):
        raise OverflowError
    return x


# ---- the student's own numbers --------------------------------------------------------------------------------------


Key = tuple[int, bool]  # the `id` of a node, and whether its value is meant, or its gradient


def _own(given: list[Answer], right: Numbers) -> tuple[Numbers, dict[Key, list[Answer]]]:
    """All numbers as they follow from the answers, and which answers each of them follows from."""
    circuit = right.circuit
    answered = {(id(answer.node), answer.of_value): answer for answer in given}
    values, partials = dict(right.values), dict(right.partials)
    sources: dict[Key, list[Answer]] = {}

    def gathered(keys: Iterable[Key]) -> list[Answer]:
        """The answers that differ from the right number among these, or that these follow from."""
        answers = chain.from_iterable([answered[key]] if key in answered else sources.get(key, []) for key in keys)
        return list(
            {
                id(answer): answer for answer in answers if answer.number != right.at(answer.node, answer.of_value)
            }.values()
        )

    for node in circuit.order:
        key = (id(node), True)
        if below := gathered((id(x), True) for x in node.operands if isinstance(x, Value)):
            assert node.primitive is not None
            sources[key] = below
            xs = [values[id(x)] if isinstance(x, Value) else x for x in node.operands]
            values[id(node)] = node.primitive.limit(xs)
        if key in answered:
            values[id(node)] = answered[key].number
        if node.primitive is not None and (below or key in answered):
            partials[id(node)] = handed(node, values)
    for node in reversed(circuit.order):
        keys: list[Key] = []
        for gate, index in circuit.users[id(node)]:
            keys.append((id(gate), False))
            for x in (gate, *gate.operands):
                if isinstance(x, Value) and values[id(x)] != right.values[id(x)]:
                    corrected = handed(gate, ChainMap({id(x): right.values[id(x)]}, values))
                    if corrected[index] != partials[id(gate)][index]:
                        keys.append((id(x), True))
        if above := gathered(keys):
            sources[id(node), False] = above
    gradients = circuit.gradients(partials, {key: a.number for (key, value), a in answered.items() if not value})
    return Numbers(circuit, values, partials, gradients), sources


# ---- what is wrong, and why -----------------------------------------------------------------------------------------


def _complaints(given: list[Answer], right: Numbers) -> list[str]:
    """A line for each answer that is wrong or follows from a wrong one, and which to begin with."""
    if all(answer.fits(right.at(answer.node, answer.of_value)) for answer in given):
        return []
    own, sources = _own(given, right)
    lines: list[str] = []
    wrong: list[Answer] = []
    following = 0
    for answer in given:
        exact, causes = right.at(answer.node, answer.of_value), sources.get((id(answer.node), answer.of_value), [])
        slipped = [cause for cause in causes if not cause.fits(right.at(cause.node, cause.of_value))]
        if answer.fits(exact):
            continue
        if not (causes and answer.comes_of(own.afresh(answer.node, answer.of_value))):
            wrong.append(answer)
            lines.append(answer.wrong(exact) + _cause(answer, right, own if causes else None))
        elif slipped:
            following += 1
            first = [cause for cause in slipped if any(cause is slip for slip in wrong)] or slipped
            that = "that" if len(first) == 1 else "those"
            lines.append(f"{_follows(answer, 'follows from', first)}; with {that} right it is {answer.right(exact)}.")
        else:
            rounded = _follows(answer, "comes of the rounded", causes)
            lines.append(f"{rounded}, it is {answer.right(exact)}: keep more digits on the way.")
    if len(lines) > 1 and wrong:
        verb, them = ("is", "it") if len(wrong) == 1 else ("are", "them")
        count = f"{len(wrong)} of {len(given)} answers {verb} wrong"
        count += f", and {following} follow{'s' * (following == 1)} from {them}" if following else ""
        lines.append(f"Begin with {wrong[0].what}: {count}.")
    return lines


def _follows(answer: Answer, how: str, causes: list[Answer]) -> str:
    return f"{answer.what} = {answer.text} {how} " + " and ".join(
        f"{cause.what} = {cause.text}" for cause in causes[:3]
    )


def _cause(answer: Answer, right: Numbers, own: Numbers | None) -> str:
    """The slips that would give the answer, as the end of a sentence."""
    exact = right.at(answer.node, answer.of_value)
    if hint := _of_digits(answer, exact):
        return hint
    if answer.of_value and answer.node.primitive is None:
        return ": it is given."
    fitting: dict[str, str] = {}  # by kind: a sentence
    told: dict[str, str] = {}  # those of them that the digits suffice for
    for numbers in filter(None, (right, own)):
        made = value_slips(answer.node, numbers) if answer.of_value else slips(numbers.derivation(answer.node))
        for kind, slipped, sentence in made:
            if answer.fits(slipped):
                sentence += ", with your earlier numbers" if numbers is own else ""
                fitting.setdefault(kind, sentence)
                if answer.tells(exact, slipped):
                    told.setdefault(kind, sentence)
    if not fitting:
        return "."
    if not told:
        kinds = "1 slip fits" if len(fitting) == 1 else f"{len(fitting)} kinds of slips fit"
        return f". To so few digits {kinds}, which may be chance; {TELLING} digits would tell."
    if len(told) == 1:
        return f": {next(iter(told.values()))}."
    return f". {len(told)} slips would give it: " + ". Or: ".join(told.values()) + "."


def _of_digits(answer: Answer, exact: float) -> str:
    """Where only the digits are at fault: the last one, or how many there are."""
    if answer.relative == 1e-3:  # a plain number, perhaps rounded
        decimals = len(answer.text.partition(".")[2])
        if decimals and "e" not in answer.text and float(f"{exact:.{decimals}f}") == answer.number:
            return f'. To the digits shown it is right: write "{answer.number!r}", or say places={decimals}.'
    elif answer.significant >= TELLING and abs(answer.number - exact) <= 10 * answer.slack:
        decimals = max(0, -round(math.log10(2 * answer.slack)))
        return f": only the last digit is off, rounded it is {exact:.{decimals}f}.".replace("-", "−")
    return ""

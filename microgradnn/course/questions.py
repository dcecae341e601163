"""The kinds of questions, and the hints that every question of a kind can give.

A question knows what is right, why, and the mistakes that lead elsewhere, each with its hint. First come the mistakes
that the question names, then those of its kind (sign, reciprocal, decimal point, rounding, order), last its `hint`.
How answers are written is the matter of `answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from microgradnn.course.answers import (
    AnswerError,
    flat,
    function_from,
    is_open,
    letter_from,
    number_from,
    numbers_from,
    shown as written,
)
from microgradnn.course.mistakes import Slip, everywhere, fit, hint_for, now
from microgradnn.graph import topological_order
from microgradnn.parser import evaluate, parse
from microgradnn.value import Value

OPEN = "Open: put your answer in the place of None and run the cell again."
ARITHMETIC = frozenset({"add", "subtract", "multiply", "divide", "negative"})
Result = tuple[tuple[int, ...], list[float], list[float]]  # of a function at a point: shape, numbers, derivatives


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, judged: `why` is said of a right answer, `hint` of a wrong one that no mistake explains."""

    why: str
    hint: str

    def verdict(self, answer: Any, **given: Any) -> str:
        """`Open: …`, `Right! …` or `Not yet: …`; what the answer raises is part of the verdict."""
        if is_open(answer):
            return OPEN
        try:
            complaint = self.complaint(answer, **given)
        except AnswerError as reason:
            complaint = str(reason)
        except Exception as problem:  # of the student's function, whatever it does
            complaint = f"it raised {type(problem).__name__}: {problem}. {self.hint}"
        return f"Not yet: {complaint}" if complaint else f"Right! {self.why}"

    def complaint(self, answer: Any, **given: Any) -> str | None:
        """The hint for a wrong answer, None for a right one."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Number(Question):
    """One number, exact or to so many significant `digits` or more.

    >>> half = Number(truth=0.5, why="", hint="Think.", slips=[(0.25, "That is its square.")])
    >>> half.complaint("1/2"), half.complaint(0.25), half.complaint(-0.5), half.complaint(7)
    (None, 'That is its square.', 'the size is right, the sign is not.', 'Think.')
    """

    truth: float | Callable[[], float]
    digits: int | None = None
    slips: Sequence[Slip] = ()

    def complaint(self, answer: Any, **_: Any) -> str | None:
        return hint_for(number_from(answer), now(self.truth), self.digits, self.slips, self.hint)


@dataclass(frozen=True, kw_only=True)
class Numbers(Question):
    """Several numbers by name; `slips` are of all of them together, `slips_of` of one by its name.

    >>> pair = Numbers(names=["a", "b"], truth=(1, -2), why="", hint="Think.", slips_of={"b": [(3, "That is a + 2.")]})
    >>> pair.complaint({"b": -2, "a": 1.0}), pair.complaint((1, 3)), pair.complaint([-2, 1])
    (None, 'a is right; b = 3 is not: That is a + 2.', 'the numbers are right, their order is not: (a, b).')
    """

    names: Sequence[str]
    truth: Sequence[float] | Callable[[], Sequence[float]]
    digits: int | None = None
    slips: Sequence[Slip] = ()
    slips_of: Mapping[str, Sequence[Slip]] = field(default_factory=dict)

    def complaint(self, answer: Any, **_: Any) -> str | None:
        xs, truth = numbers_from(answer, self.names), [*map(float, now(self.truth))]
        fits = [fit(x, true, self.digits) for x, true in zip(xs, truth, strict=True)]
        if all(fits):
            return None
        for slipped, hint in self.slips:
            if all(fit(x, slip, self.digits) for x, slip in zip(xs, now(slipped), strict=True)):
                return hint
        order = ", ".join(self.names)
        if all(fit(x, true, self.digits) for x, true in zip(sorted(xs), sorted(truth), strict=True)):
            return f"the numbers are right, their order is not: ({order})."
        if all(fit(-x, true, self.digits) for x, true in zip(xs, truth, strict=True)):
            return "the sizes are right, every sign is the wrong way round."
        right = [name for name, fitting in zip(self.names, fits, strict=True) if fitting]
        first = fits.index(False)
        name, x = self.names[first], xs[first]
        hint = hint_for(x, truth[first], self.digits, self.slips_of.get(name, ()), self.hint) or self.hint
        praise = f"{' and '.join(right)} {'is' if len(right) == 1 else 'are'} right; " if right else ""
        return f"{praise}{name} = {written(x, truth[first])} is not: {hint}"


@dataclass(frozen=True, kw_only=True)
class Choice(Question):
    """One of several letters; `wrong` has the hint for each of the other letters, `words` what may stand for a letter.

    >>> either = Choice(right="a", wrong={"b": "Look again."}, words={"up": "a", "down": "b"}, why="", hint="")
    >>> either.complaint("A"), either.complaint("up"), either.complaint("b")
    (None, None, 'Look again.')
    """

    right: str | Callable[[], str]
    wrong: Mapping[str, str]
    words: Mapping[str, str] = field(default_factory=dict)

    def complaint(self, answer: Any, **_: Any) -> str | None:
        right = now(self.right)
        letter = letter_from(answer, {right, *self.wrong}, self.words)
        return None if letter == right else self.wrong[letter]


@dataclass(frozen=True, kw_only=True)
class Formula(Question):
    """A function, in Python or as an expression, compared with the truth at several points.

    With `gates` it is called with Values: the circuit may have only these gates and arithmetic, and its derivatives
    must be right too. `slips` are functions that a mistake leads to.

    >>> square = Formula(names=["x"], truth=lambda x: x * x, points=[(0.0,), (3.0,)], why="", hint="Think.")
    >>> square.complaint("x**2"), square.complaint(lambda x: 2 * x), square.complaint("x*x + 1")
    (None, 'it is right at x = 0, but not at x = 3. Think.', 'it is off by the same amount everywhere. Think.')
    """

    names: Sequence[str]
    truth: Callable[..., Any]
    points: Sequence[tuple[Any, ...]] | Callable[[], Sequence[tuple[Any, ...]]]
    slips: Sequence[tuple[Callable[..., Any], str]] = ()
    gates: Sequence[str] = ()

    def complaint(self, answer: Any, **_: Any) -> str | None:
        f, points = function_from(answer, self.names), now(self.points)
        mine, true = [self._at(f, point) for point in points], [self._at(self.truth, point) for point in points]
        if self.gates and (objection := self._objection(f, points[0])):
            return objection
        fits = [_fit_all(one, other) for one, other in zip(mine, true, strict=True)]
        if all(fits):
            return None
        for slip, hint in self.slips:
            if all(_fit_all(one, self._at(slip, point)) for one, point in zip(mine, points, strict=True)):
                return hint
        shapes = [(one[0], other[0]) for one, other in zip(mine, true, strict=True) if one[0] != other[0]]
        if shapes:
            return f"its result has the shape {shapes[0][0]}, {shapes[0][1]} is asked for. {self.hint}"
        if all(_fit_all((*one[:2], []), (*other[:2], [])) for one, other in zip(mine, true, strict=True)):
            return f"its values are right, its slope is not at {self._named(points[fits.index(False)])}. {self.hint}"
        pairs = [pair for one, other in zip(mine, true, strict=True) for pair in zip(one[1], other[1], strict=True)]
        if told := everywhere(pairs):
            return f"{told} {self.hint}"
        if any(fits) and all(isinstance(x, (int, float)) for point in points for x in point):
            good, bad = self._named(points[fits.index(True)]), self._named(points[fits.index(False)])
            return f"it is right at {good}, but not at {bad}. {self.hint}"
        return self.hint

    def _named(self, point: tuple[Any, ...]) -> str:
        return ", ".join(f"{name} = {written(x)}" for name, x in zip(self.names, point, strict=True))

    def _at(self, f: Callable[..., Any], point: tuple[Any, ...]) -> Result:
        """The shape and the numbers of the result at a point, and the derivatives where they count."""
        if not self.gates:
            return *flat(f(*point)), []
        inputs = [Value(float(x)) for x in point]
        out = f(*inputs)
        shape, results = flat(out)
        if isinstance(out, Value):
            out.backward()
        return shape, results, [x.grad or 0.0 for x in inputs]

    def _objection(self, f: Callable[..., Any], point: tuple[Any, ...]) -> str | None:
        """What is wrong with the gates of the circuit, if anything."""
        out = f(*map(Value, point))
        made = (
            {node.primitive.name for node in topological_order(out) if node.primitive}
            if isinstance(out, Value)
            else set()
        )
        asked = " and ".join(self.gates)
        if others := sorted(made - ARITHMETIC - {*self.gates}):
            return f"it is to be made of {asked} and arithmetic; yours has the gate {others[0]}."
        if not made & {*self.gates}:
            return f"it is to be made of {asked} and arithmetic; yours has no such gate. {self.hint}"
        return None


@dataclass(frozen=True, kw_only=True)
class Condition(Question):
    """Anything with a property: `judge` returns None for a right answer and a hint for a wrong one.

    `read` turns what was written into what is judged. What only the notebook has comes along by name:
    `check("08.3", answer_3, probabilities=probabilities)`.

    >>> even = Condition(read=number_from, judge=lambda x: None if x % 2 == 0 else "It is odd.", why="", hint="")
    >>> even.complaint("4"), even.complaint(3)
    (None, 'It is odd.')
    """

    judge: Callable[..., str | None]
    read: Callable[[Any], Any] = lambda answer: answer

    def complaint(self, answer: Any, **given: Any) -> str | None:
        return self.judge(self.read(answer), **given)


def graph(answer: Any) -> Value:
    """Read a circuit, for a `Condition`: the Value at its end."""
    if not isinstance(answer, Value) or answer.primitive is None:
        what = "one without gates" if isinstance(answer, Value) else f"{answer!r:.40}"
        raise AnswerError(f"the Value at the end of a circuit is asked for; you gave {what}.")
    return answer


def derivatives(expression: str, **point: float) -> dict[str, float]:
    """The derivatives of an expression by each of its inputs, by the engine: truths that cannot be mistaken.

    >>> derivatives("(x + y) * z", x=-2, y=5, z=-4)
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """
    inputs = {name: Value(float(number), name) for name, number in point.items()}
    evaluate(parse(expression), dict(inputs)).backward()
    return {name: value.grad or 0.0 for name, value in inputs.items()}


def _fit_all(one: Result, other: Result) -> bool:
    return one[0] == other[0] and all(
        fit(x, true, None) for x, true in zip(one[1] + one[2], other[1] + other[2], strict=True)
    )

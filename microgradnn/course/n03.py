"""The questions of notebook 3, checking derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from microgradnn.course.answers import function_from
from microgradnn.course.questions import Choice, Condition, Formula, Question
from microgradnn.functional import sigmoid


def swish_slope(x: float) -> float:
    """The derivative of x σ(x)."""
    return sigmoid(x) + x * sigmoid(x) * sigmoid(-x)


def _fourth_order(difference: Callable[..., Any]) -> str | None:
    """Whether the error of a difference falls as h⁴, seen on exp at 0.3."""
    wide, narrow = (abs(float(difference(math.exp, 0.3, h)) - math.exp(0.3)) for h in (0.2, 0.1))
    if narrow < 1e-12:
        return "for exp it is exact at any h, so it cannot look at what f does to both sides of x."
    if narrow < 1e-4 and 14 < wide / narrow < 18:  # 2⁴ = 16
        return None
    if narrow > 0.1:
        return "it does not come near the derivative: the two weights must add up to 1."
    if wide / narrow < 3:
        return "half of h brings only half of the error: it looks to one side only."
    if wide / narrow < 6:
        return (
            "half of h brings a quarter of the error, as before: the h² has not cancelled. C(2h) has four times of it."
        )
    return "it is not of order 4: half of h should bring a sixteenth of the error."


QUESTIONS: dict[str, Question] = {
    "03.1": Formula(
        names=["x"],
        truth=swish_slope,
        points=[(-3.0,), (0.0,), (0.5,), (8.0,)],
        why="x is used twice, as a factor and in the sigmoid: two terms.",
        hint="x is used twice: find what comes over each path, then add.",
        slips=[
            (sigmoid, "that is what comes over the factor x. What comes through the sigmoid is missing."),
            (lambda x: x * sigmoid(x) * sigmoid(-x), "that is what comes through the sigmoid. "
                                                     "What comes over the factor x is missing."),
            (lambda x: sigmoid(x) * sigmoid(-x), "that is the derivative of the sigmoid alone: the factor x is in it."),
            (lambda x: sigmoid(x) + x * sigmoid(x), "two terms, good; but in the second stands the sigmoid's value "
                                                    "where its derivative belongs."),
            (lambda x: sigmoid(x) + sigmoid(x) * sigmoid(-x), "two terms, good; but in the second the other factor, x, "
                                                              "is missing."),
            (lambda x: x * sigmoid(x), "that is swish itself, not its derivative."),
        ],
    ),
    "03.2": Choice(
        right="c",
        wrong=dict.fromkeys("abd", "at 0.7 that one agrees with centred differences to ten digits. Try the others."),
        why="in a quotient the second term is divided by the square, x².",
        hint="Compare each derivative with centred differences.",
    ),
    "03.3": Condition(
        read=lambda answer: function_from(answer, ["f", "x", "h"]),
        judge=_fourth_order,
        why="in (4 C(h) − C(2h)) / 3 the terms with h² cancel.",
        hint="Solve a·1 + b·4 = 0 for the errors, with a + b = 1 for the derivative.",
    ),
}  # fmt: skip

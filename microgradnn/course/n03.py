"""The questions of notebook 3, checking derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from microgradnn.checks import report_grads
from microgradnn.course.answers import flat, function_from
from microgradnn.course.questions import Choice, Condition, Formula, Number, Question
from microgradnn.functional import sigmoid, sqrt


def swish_slope(x: float) -> float:
    """The derivative of x σ(x)."""
    return sigmoid(x) + x * sigmoid(x) * sigmoid(-x)


def _fourth_order(difference: Callable[..., Any]) -> str | None:
    """Whether the error of a difference falls as h⁴, seen on exp at 0.3."""
    wide, narrow = (abs(flat(difference(math.exp, 0.3, h))[1][0] - math.exp(0.3)) for h in (0.2, 0.1))
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
    "03.predict-digits": Number(
        truth=2,
        why="h² is a hundred times smaller when h is ten times smaller.",
        hint="The error is h². What becomes of it when h is ten times smaller?",
        slips=[
            (1, "that is the one-sided difference, whose error goes with h. Here it goes with h²."),
            (100, "the error is a hundred times smaller. How many digits is that?"),
            (10, "h is ten times smaller. How many times smaller is h², and how many digits is that?"),
        ],
    ),
    "03.predict-h": Choice(
        right="b",
        wrong={
            "a": "the error h² is still 1e-4 there, and rounding only some 1e-14: a smaller h gains much.",
            "c": "rounding is ε / h, some 1e-6 there, and h² only 1e-20: rounding has long taken over.",
            "d": "with h as small as the rounding itself, no digit is left.",
        },
        words={"1e-2": "a", "1e-5": "b", "1e-05": "b", "1e-10": "c", "1e-15": "d"},
        why="there h² and ε / h are both about 1e-10 or 1e-11; to either side one of them is larger.",
        hint="Compare h² with ε / h, where ε is about 1e-16.",
    ),
    "03.predict-close": Choice(
        right="a",
        wrong={"b": "0.01 of 200,000 is the eighth digit. How much is 1e-7 of 2e-7?"},
        why="it is off by half of the slope, the other one by a twenty-millionth.",
        hint="How large is each error against the slope?",
    ),
    "03.predict-kink": Number(
        truth=0.5,
        why="(h − 0) / 2h is one half, for any h: the mean of the slopes 0 and 1.",
        hint="Put relu(h) = h and relu(−h) = 0 into the formula.",
        slips=[
            (0, "that is the slope on the left. Put relu(h) = h and relu(−h) = 0 into the formula."),
            (1, "that is the slope on the right, or you divided by h. The formula divides by 2h."),
        ],
    ),
    "03.predict-verdict": Choice(
        right=lambda: report_grads(sqrt, (0.0,)).findings[0].verdict,
        wrong={
            "right": "what would the slope be on the left of 0?",
            "wrong": "there is no slope there that the rule could miss.",
            "kink": "for a kink there must be a slope on either side. Is there a root on the left of 0?",
            "noisy": "no digits are lost. Is there a root on the left of 0?",
        },
        why="on the left of 0 there is no root, so there is no derivative at 0.",
        hint="Is there a root on the left of 0?",
    ),
    "03.predict-softsign": Number(
        truth=-0.5,
        why="left of 0 the printed sign makes it negative, and a curve that rises has no negative slope.",
        hint="Put each z into the printed rule, and look at the sign.",
        slips=[
            (0.5, "for z > 0 the bars around z change nothing, and the sign is +1."),
            (3, "for z > 0 the bars around z change nothing, and the sign is +1."),
            (-4, "that is what the printed rule gives. At which z?"),
        ],
    ),
    "03.predict-bill": Number(
        truth=500,
        why="once to the right and once to the left for each of the 250 weights.",
        hint="How often for one weight, and how many weights are there?",
        slips=[
            (250, "once for each weight would be too few: it looks to both sides."),
            (251, "so it is with one-sided differences. The centred ones look to both sides of each weight."),
            (2, "that is for one weight."),
            (501, "the value in the middle is not needed."),
        ],
    ),
    "03.predict-range": Choice(
        right="b",
        wrong={
            "a": "w0 is multiplied by x0 = −1: what does a rise of w0 do to the sum?",
            "c": "the sigmoid always rises with its sum. Can w0 push the sum both ways?",
        },
        words={"rises": "a", "falls": "b", "both": "c"},
        why="w0 is multiplied by −1, and the sigmoid always rises with its sum.",
        hint="What does a rise of w0 do to the sum, and what then to f?",
    ),
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

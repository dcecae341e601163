"""The questions of notebook 4, activations."""

from __future__ import annotations

import math

from microgradnn.course.answers import number_from
from microgradnn.course.questions import Choice, Condition, Formula, Number, Numbers, Question
from microgradnn.functional import hardtanh


def _steps_of_the_surest_mistake(count: float) -> str | None:
    """About the 95 that it takes by the squared error at a rate of 1."""
    if count <= 14:
        return "it has further to go than from z = 1, and it starts where the sigmoid is flat."
    if count < 60:
        return "more. At z = 5 the slope is 0.00665, at z = 1 it is 0.197: how much shorter are the first steps?"
    return None if count <= 150 else "fewer. The steps grow as soon as z comes out of the flat part."


def _largest_dead_bias(bias: float) -> str | None:
    """On the square the sum is at most 3 + 2 + bias."""
    if bias > -5:
        largest = "at (1, −1)" if bias > 0 else "at one of the corners"
        return f"with this bias an input switches it on, {largest}. At which corner is the sum largest?"
    return None if bias == -5 else "that one is dead, but a larger bias would still do."


QUESTIONS: dict[str, Question] = {
    "04.steepest": Numbers(
        names=["z", "slope"],
        truth=[0, 0.25],
        digits=2,
        why="at 0 its output is ½, and σ (1 − σ) is never larger than there.",
        hint="The slope is σ (1 − σ), for an output σ between 0 and 1.",
        slips=[((0, 1), "the place is right; one to one would be tanh. Here the slope is σ (1 − σ).")],
        slips_of={"slope": [(0.5, "that is its value at 0; the slope is σ (1 − σ).")]},
    ),
    "04.softplus": Numbers(
        names=["z", "difference"],
        truth=lambda: [0, math.log(2)],
        digits=2,
        why="at the corner: softplus is ln (1 + 1) there, and ReLU is 0.",
        hint="ReLU has a corner and softplus rounds it off. Put the place of the corner into ln (1 + e^z).",
        slips_of={"difference": [(1, "e⁰ is 1, and the logarithm of 1 + 1 is asked for.")]},
    ),
    "04.tanh-at-5": Choice(
        right="c",
        wrong={
            "a": "the slope of tanh is 1 − tanh² z. How much does tanh 5 lack to 1?",
            "b": "both are nearly flat, but one levels off twice as fast: tanh z = 2σ(2z) − 1.",
        },
        words={"flatter": "c"},
        why="tanh z = 2σ(2z) − 1: its place at 5 is the sigmoid's place at 10.",
        hint="The slope of tanh is 1 − tanh² z.",
    ),
    "04.surest-mistake": Condition(
        read=number_from,
        judge=_steps_of_the_surest_mistake,
        why="it takes 95: nearly all of them are spent on leaving the flat part.",
        hint="Compare the slopes at 1 and at 5.",
    ),
    "04.signs": Number(
        truth=0,
        why="each gradient is the same upstream gradient times an input, and all inputs are positive.",
        hint="Each of the six is the upstream gradient × an input. Which of the two can be negative?",
        slips=[(5, "the first is negative. What do the six have in common?")],
    ),
    "04.sign-from-above": Numbers(
        names=["at 2", "at −2"],
        truth=[-1, 0],
        why="the gate multiplies by its slope, 1 or 0, whatever comes from above.",
        hint="What it hands on is the upstream gradient × the slope of ReLU there.",
        slips=[
            ((0, 0), "at 2 the slope is 1, and a negative gradient passes as well as a positive one."),
            ((0, 1), "you went by the sign of the gradient. It is z that decides about the slope."),
            ((1, 0), "these are the slopes; multiply each by what comes from above."),
        ],
    ),
    "04.slope-of-k": Numbers(
        names=["at −2", "at 2"],
        truth=[-2, 0],
        why="on the left a = kz, whose derivative by k is z; on the right there is no k in it.",
        hint="Write down the formula that holds there. Where is k in it?",
        slips=[
            ((-2, 2), "at 2 the other formula holds, a = z."),
            ((0.25, 1), "these are the slopes by z; by k is asked for."),
        ],
    ),
    "04.ten-in-a-row": Number(
        truth=0.25**10,
        digits=1,
        why="0.25 to the power of 10, a millionth.",
        hint="Each of the ten multiplies by its steepest slope.",
        slips=[(2.5, "factors multiply, they do not add up."), (0.025, "that would be one factor, a tenth of it."),
               (0.25, "that is one of them; there are ten."), (0.25**9, "that is for nine of them."),
               (4.0**10, "it arrives smaller: the factor is below 1.")],
    ),
    "04.thin-network": Numbers(
        names=["∂f/∂x1", "∂f/∂x2"],
        truth=[-1.289, -0.817],
        digits=2,
        why="for this example the network is that one matrix, and the slopes of W x are the entries of W.",
        hint="What is left for this example is f = W x with the matrix that was printed. What is its slope by x1?",
        slips=[((0.785, 3.556), "that is the matrix of the first example; the second has a thinner net of its own.")],
    ),
    "04.1": Number(
        truth=(2 * 0.25) ** 6,
        digits=2,
        why="each layer gives 2 · ¼ = ½ at best, six times over.",
        hint="What is the steepest slope of the sigmoid? Times 2, six times over.",
        slips=[(0.25**6, "the weights are missing: each multiplies by 2."), (2.0**6, "the slopes are missing."),
               (0.5**5, "that is for five layers."), (3, "factors multiply, they do not add up.")],
    ),
    "04.2": Condition(
        read=number_from,
        judge=_largest_dead_bias,
        why="the sum is largest at the corner (1, −1), 3 + 2 + b, and not above 0 from b = −5 on.",
        hint="At which corner is the sum largest, and how large is it there?",
    ),
    "04.3": Formula(
        names=["z"],
        truth=hardtanh,
        points=[(-3.0,), (-1.5,), (-0.5,), (0.0,), (0.5,), (1.5,), (3.0,)],
        gates=["relu"],
        why="one ReLU begins the climb at −1, the other ends it at 1.",
        hint="One ReLU starts the climb at −1. Where must the other end it?",
        slips=[
            (lambda z: (z + 1).relu() - (z - 1).relu(), "the shape is right, but it stands between 0 and 2."),
            (lambda z: (z + 1).relu() - 1, "the climb begins well; now something must end it at 1."),
            (lambda z: z.relu() - (-z).relu(), "that is z itself: one goes up on the right, the other on the left."),
        ],
    ),
}  # fmt: skip

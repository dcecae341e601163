"""The questions of notebook 5, from one neuron to many."""

from __future__ import annotations

from typing import Any

from microgradnn.course.answers import number_from, numbers_from
from microgradnn.course.questions import Choice, Condition, Formula, Number, Numbers, Question
from microgradnn.functional import maximum

POINTS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def _first_but_not_second(answer: list[float]) -> str | None:
    """Whether a neuron says yes to (1, 0) alone."""
    w1, w2, b = answer
    wrong = [point for point in POINTS if (w1 * point[0] + w2 * point[1] + b > 0) != (point == (1, 0))]
    if not wrong:
        return None
    wanted = "yes" if wrong[0] == (1, 0) else "no"
    return f"at {wrong[0]} the sum is {w1 * wrong[0][0] + w2 * wrong[0][1] + b:g}, and {wanted} is wanted there."


def _quarter_of_the_error(error: float) -> str | None:
    """About the 0.0685 that 16 bends leave of the 0.2317 of 8."""
    if error >= 0.1:
        return "less. The pieces are half as long; how much less does a curve bend away from a piece half as long?"
    return None if error >= 0.04 else "not so little. Half the length, and the error goes with its square."


def _three_numbers(answer: Any) -> list[float]:
    return numbers_from(answer, ["w1", "w2", "b"])


QUESTIONS: dict[str, Question] = {
    "05.step": Number(
        truth=0,
        why="to the left and to the right of 0.8 the step is level.",
        hint="How much does the step change if z changes from 0.8 to 0.81?",
        slips=[
            (1, "that is its value there. How much does it change?"),
            (0.8, "that is z. How much does the step change?"),
        ],
    ),
    "05.pull": Choice(
        right="a",
        wrong={
            "b": "an example beyond the margin has max(0, 1 − yz) = 0. What is its derivative there?",
            "c": "one of the two losses is exactly 0 for an example that is right by a wide margin.",
            "d": "one of the two losses is never 0, however sure the neuron is.",
        },
        words={"logistic": "a", "svm": "b", "both": "c", "neither": "d"},
        why="ln (1 + e^(−yz)) still falls at every z, while the hinge is level beyond the margin.",
        hint="Which of the two losses is ever exactly 0?",
    ),
    "05.forgetting": Number(
        truth=0.99**100,
        digits=2,
        why="a factor of 0.99, a hundred times over; that is nearly 1/e.",
        hint="Each step multiplies the weight by 1 − ηλ.",
        slips=[
            (0, "it would be gone if each step took the same amount away. It takes the same share."),
            (0.99, "that is after one step."),
            (0.9**100, "the factor is 1 − ηλ, and ηλ = 0.01."),
        ],
    ),
    "05.xor": Number(
        truth=3,
        why="three are easy, and the fourth is then on the wrong side.",
        hint="Try: one straight line, as many points on their right side as you can.",
        slips=[(4, "then a straight line would separate the two diagonals of a square. Try to draw it."),
               (2, "one more is possible: cut off a single corner.")],
    ),
    "05.xor-net": Numbers(
        names=["z at (1, 1)", "z at (0, 1)"],
        truth=[-0.5, 0.5],
        why="at (1, 1) h₁ = 2 and h₂ = 1, which is taken off twice.",
        hint="First the two h, then z.",
        slips=[((1.5, 0.5), "h₂ is taken off twice."), ((0, 1), "the bias of the output, −½, is missing.")],
    ),
    "05.size": Numbers(
        names=["neurons", "parameters"],
        truth=[9, 41],
        why="12 + 16 + 4 weights and 9 biases.",
        hint="Inputs are no neurons. A layer of m neurons on n inputs has m · n weights and m biases.",
        slips_of={
            "neurons": [(12, "the three inputs are no neurons.")],
            "parameters": [(32, "the biases are missing.")],
        },
    ),
    "05.head": Choice(
        right="a",
        wrong={
            "b": "that is with the squared error, as in notebook 2. What does the slope of the logarithm do to it?",
            "c": "that is nearly the slope by the answer. The score comes earlier, with the sigmoid between.",
        },
        why="the slope of the sigmoid, a (1 − a), cancels against that of the logarithm.",
        hint="Multiply the slope of the loss at the answer by a (1 − a).",
    ),
    "05.bends": Condition(
        read=number_from,
        judge=_quarter_of_the_error,
        why="about a quarter, 0.07: the pieces are half as long, and the error goes with the square of their length.",
        hint="The pieces are half as long.",
    ),
    "05.folds": Number(
        truth=32,
        why="each fold doubles them: 2⁵.",
        hint="Fold a sheet of paper twice and unfold it. How many pieces do you see?",
        slips=[(10, "each layer folds all that is there already: they do not add up, they multiply."),
               (6, "each layer folds all that is there already."), (16, "that is for four folds."),
               (11, "that is for ten neurons side by side.")],
    ),
    "05.hunger": Choice(
        right="a",
        wrong={"b": "the moons are curved, true. But can 8 noisy points show a curve?"},
        words={"neuron": "a", "network": "b"},
        why="eight noisy points show a direction, hardly a curve.",
        hint="What can 8 points show?",
    ),
    "05.1": Condition(
        read=_three_numbers,
        judge=_first_but_not_second,
        why="the weights go for x₁ and against x₂, and the bias keeps (0, 0) out.",
        hint="Which sign must each weight have? The bias alone answers the point (0, 0).",
    ),
    "05.2": Numbers(
        names=["neurons", "parameters"],
        truth=[42, 2410],
        why="64 · 32 + 32 · 10 weights and 42 biases.",
        hint="Pixels are no neurons. Each neuron has a weight for every input, and a bias.",
        slips_of={
            "neurons": [(106, "the 64 pixels are no neurons.")],
            "parameters": [(2368, "the biases are missing.")],
        },
    ),
    "05.3": Formula(
        names=["x"],
        truth=lambda x: maximum(0, 1 - abs(x - 1)),
        points=[(-1.0,), (0.25,), (0.5,), (1.5,), (1.75,), (3.0,), (9.0,)],
        gates=["relu"],
        why="the slope changes by +1, −2 and +1, one relu for each change.",
        hint="At 0, 1, 2 the slope changes by +1, −2, +1: one relu for each change.",
        slips=[
            (lambda x: x.relu() - (x - 1).relu(), "that is the ramp: it stays up. The slope must become −1 after 1."),
            (lambda x: x.relu() - 2 * (x - 1).relu(), "it falls for ever. The slope must become 0 again at 2."),
        ],
    ),
}  # fmt: skip

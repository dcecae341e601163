"""The questions of notebook 8, digits."""

from __future__ import annotations

import math
from typing import Any

from microgradnn import nn
from microgradnn.course.answers import numbers_from
from microgradnn.course.questions import Choice, Condition, Number, Numbers, Question
from microgradnn.functional import softmax
from microgradnn.value import Value


def _pencil() -> list[float]:
    """ŷ − y for the scores 0, ln 2, ln 5 where the class in the middle is right."""
    z = [Value(0.0), Value(math.log(2)), Value(math.log(5))]
    nn.cross_entropy(z, 1).backward()
    return [score.grad for score in z]


def _scores(z: list[float]) -> str | None:
    """Whether softmax turns z into 0.7, 0.2 and 0.1, and z adds up to 0."""
    p = softmax(z)
    if any(abs(mine - asked) >= 2.5e-3 for mine, asked in zip(p, (0.7, 0.2, 0.1), strict=True)):  # of two places
        if all(abs(mine - asked) < 1e-3 for mine, asked in zip(z, (0.7, 0.2, 0.1), strict=True)):
            return "these are the probabilities; which scores have them as their softmax?"
        given = ", ".join(f"{mine:.3g}" for mine in p)
        return f"softmax makes of them {given}. What undoes the power of e?"
    return None if abs(sum(z)) < 1e-2 else "the probabilities are right. Shift all three scores by the same number."


def _sure_enough(rule: Any, probabilities: Any, truth: Any) -> str | None:
    """Whether a rule accepts three quarters of the digits, and at least 99 % of these are read right."""
    if not callable(rule):
        return "a function of the ten probabilities is asked for, as in lambda probabilities: max(probabilities) > 0.5."
    sure = [bool(rule(of_one.tolist())) for of_one in probabilities]
    accepted = [
        of_one.argmax() == digit for of_one, digit, said in zip(probabilities, truth, sure, strict=True) if said
    ]
    share = len(accepted) / len(sure)
    if share < 0.75:
        return f"it accepts {share:.1%} of the digits and leaves too many to the human."
    right = sum(accepted) / len(accepted)
    return None if right >= 0.99 else f"of those that it accepts {right:.1%} are read right: it is too trusting."


_P2 = math.exp(0.5) / (math.exp(1) + math.exp(2) + math.exp(0.5))  # of the scores 1, 2, ½

QUESTIONS: dict[str, Question] = {
    "08.predict-right-score": Number(
        truth=_P2 - 1,
        digits=2,
        why="the probability 0.14 minus 1: this score must rise.",
        hint="Which two terms come together? One is ŷ, its probability; the other is there as it is right.",
        slips=[
            (_P2, "that is the second term. The class is right: what does the first one bring?"),
            (-1, "that is the first term. What does the second one bring?"),
            (1.9644, "that is the loss itself."),
        ],
    ),
    "08.predict-shift": Choice(
        right="b",
        wrong={
            "a": "they add up to 1 before and after, so not all of them can shrink.",
            "c": "each power is divided by the same e¹⁰, and so is their sum.",
        },
        words={"same": "b", "stay": "b", "shrink": "a", "largest": "c", "gains": "c"},
        why="each power is divided by e¹⁰, and so is their sum.",
        hint="What happens to each power, and what to their sum?",
    ),
    "08.predict-parameters": Number(
        truth=64 * 32 + 32 + 32 * 10 + 10,
        why="65 numbers for each of 32 neurons, 33 for each of 10.",
        hint="How many inputs has a hidden neuron, and how many an output? And each has a bias.",
        slips=[
            (64 * 32 + 32 * 10, "these are the weights. Each neuron has a bias as well."),
            (64 * 32 + 32, "that is the first layer; there are two."),
            (64 * 32, "these are the weights of the first layer; there are two, and biases."),
            (42, "that is the number of neurons. How many weights has each?"),
        ],
    ),
    "08.predict-no-idea": Number(
        truth=math.log(10),
        digits=3,
        why="−ln ⅒ = ln 10.",
        hint="The right class was given the probability ⅒. The loss is minus its logarithm.",
        slips=[
            (0.1, "that is the probability. The loss is minus its logarithm."),
            (1, "that would be the logarithm to the base 10; the loss has the natural one."),
            (math.log2(10), "that would be the logarithm to the base 2; the loss has the natural one."),
            (0.9, "that is what was missing; the loss is minus the logarithm of the probability."),
            (10 * math.log(10), "only the right class counts, not all ten."),
        ],
    ),
    "08.predict-white-pixel": Number(
        truth=0,
        why="a multiplying gate hands on the gradient times the other factor, and that is 0.",
        hint="What does a multiplying gate give one factor? The gradient times the other one.",
        slips=[(1, "the gradient is handed on times the other factor, which is the pixel.")],
    ),
    "08.predict-against": Choice(
        right="b",
        wrong={
            "a": "it excites the neuron, yes; but what does the neuron's negative weight make of that?",
            "c": "the pixel acts through the neuron: it excites it, and the neuron moves the score.",
        },
        words={"lower": "b", "lowers": "b", "raise": "a", "nothing": "c"},
        why="the ink excites the neuron, and the excited neuron lowers the score: slopes along a path multiply.",
        hint="Follow the path: what does ink do to the neuron, and what does the neuron do to the score?",
    ),
    "08.predict-pixel": Number(
        truth=-0.08,
        why="slope times change: the lead shrinks by 0.08.",
        hint="As in notebook 1: slope times change.",
        slips=[(-8, "divided by the change; it is multiplied."), (-0.7, "the two are multiplied, not added."),
               (-0.9, "the two are multiplied, not added.")],
    ),
    "08.1": Numbers(
        names=["dC/dz0", "dC/dz1", "dC/dz2"],
        truth=_pencil,
        digits=3,
        why="the probabilities ⅛, ¼, ⅝, and 1 less where the class is right.",
        hint="The powers are 1, 2 and 5. Divide by their sum, then subtract y.",
        slips=[((1 / 8, 1 / 4, 5 / 8), "these are the probabilities. Subtract y, which is 1 for the right class.")],
    ),
    "08.2": Condition(
        read=lambda answer: numbers_from(answer, ["z0", "z1", "z2"]),
        judge=_scores,
        why="logarithms undo the powers, and a shift of all three changes nothing.",
        hint="Logarithms undo the powers; then shift all three by the same number.",
    ),
    "08.3": Condition(
        judge=_sure_enough,
        why="where the network erred it was mostly unsure, so a high threshold lets few mistakes through.",
        hint="How sure was the network when it erred, in section 7?",
    ),
}  # fmt: skip

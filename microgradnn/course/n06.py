"""The questions of notebook 6, starting well."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from microgradnn.course.answers import function_from, number_from
from microgradnn.course.questions import Choice, Condition, Formula, Number, Numbers, Question


def _nearly_nothing(size: float) -> str | None:
    """About 0.055⁷, which is 1.5e-9."""
    if size <= 0:
        return "they are small, but not gone."
    if math.isclose(size, 0.01**7, rel_tol=0.2):
        return "each neuron adds up 30 terms: a layer multiplies by √30 · 0.01."
    if math.isclose(size, 0.3**7, rel_tol=0.2):
        return "sizes are standard deviations: √30 · 0.01, not 30 · 0.01."
    if size > 1e-7:
        return "smaller. One layer multiplies by √30 · 0.01 = 0.055, and there are seven."
    return None if size >= 1e-11 else "not so small. One layer multiplies by √30 · 0.01 = 0.055, and there are seven."


def _as_seen_in_training(standardised: Callable[..., Any]) -> str | None:
    """Whether test data are standardised with the mean and the deviation of the training data, by features."""
    import numpy as np

    rng = np.random.default_rng(3)
    training, test = rng.normal(2.0, [1.0, 5.0, 0.1], (30, 3)), rng.normal(4.0, 3.0, (5, 3))
    expected = (test - training.mean(0)) / training.std(0)
    out = np.asarray(standardised(training, test), dtype=float)
    if out.shape != test.shape:
        return f"the result has the shape {out.shape}, that of the test data is {test.shape}."
    if np.allclose(out, expected):
        single = np.asarray(standardised(training, test[:1]), dtype=float)
        return None if np.allclose(single, expected[:1]) else "a test row must come out the same alone or among others."
    if not np.allclose(standardised(training, test[:2]), out[:2]):
        return "a test row must come out the same alone or among others: leave out what the others are like."
    if np.allclose(out, test - training.mean(0)):
        return "the mean is gone; now the deviation."
    if np.allclose(out, (test - training.mean()) / training.std()):
        return "each feature has a mean and a deviation of its own: mean(0), std(0)."
    if np.allclose(out, (test - training.mean(0)) / training.std(0, ddof=1)):
        return "nearly: divide by n, not by n − 1, as note and StandardScaler do."
    if np.allclose(out, (test - training.mean(0)) / training.var(0)):
        return "that is divided by the variance; the standard deviation is its root."
    return "subtract the means of the training data, then divide by its standard deviations."


def _small_rate(rate: float) -> str | None:
    """The best of the seven for the wines as they are is 1e-6."""
    if math.isclose(rate, 1e-6, rel_tol=0.01):
        return None
    if not any(math.isclose(rate, 10.0**-k, rel_tol=0.01) for k in range(7)):
        return "one of the seven is asked for, from 1e-6 to 1."
    return "smaller: a weight whose inputs are near 1000 gets gradients of that size."


def _two(answer: Any) -> Callable[..., Any]:
    return function_from(answer, ["training", "test"])


def _points() -> Sequence[tuple[Any, ...]]:
    return [(50, 0.0), (10, 0.1), (200, 0.5), (7, 1.0)]


QUESTIONS: dict[str, Question] = {
    "06.same": Number(
        truth=1,
        why="equal neurons get equal gradients and take equal steps, for ever.",
        hint="Compare what the four compute, what comes back to them, and the step that each takes.",
        slips=[(n, "what should make them differ? They start alike, and so do their gradients.") for n in (2, 3, 4)],
    ),
    "06.variance": Number(
        truth=0.1,
        why="it is the root of the variance 0.01.",
        hint="What is the second number in 𝒩(μ, σ²)?",
        slips=[
            (0.01, "that is the second number of 𝒩, which is the variance, σ²."),
            (0.0001, "the other way: the root."),
        ],
    ),
    "06.fading": Condition(
        read=number_from,
        judge=_nearly_nothing,
        why="0.055 to the power of 7 is 1.5e-9.",
        hint="One layer multiplies by √30 · 0.01, and there are seven.",
    ),
    "06.relu": Choice(
        right="c",
        wrong={
            "a": "ReLU makes the numbers smaller; the weights must make up for it.",
            "b": "that keeps the size without a bend. What does ReLU do to the mean square?",
            "d": "half of the numbers are set to 0, so half of the mean square is left, not a quarter.",
        },
        why="half of the mean square is lost in the bend, so the weights must double it.",
        hint="Which part of the mean square is left when half of the numbers are set to 0?",
    ),
    "06.hundred": Choice(
        right="c",
        wrong=dict.fromkeys("ab", "the sums grow, and so do their mean and deviation over the batch. What is ẑ then?"),
        why="mean and deviation grow a hundredfold as well, and ẑ stays what it was.",
        hint="What happens to ẑ = (z − E) / √(D + ε) if all z grow a hundredfold?",
    ),
    "06.rate": Condition(
        read=number_from,
        judge=_small_rate,
        why="the weight of the largest feature overshoots with anything more.",
        hint="The largest feature decides.",
    ),
    "06.1": Numbers(
        names=["standard deviation", "a"],
        truth=lambda: [math.sqrt(2 / 50), math.sqrt(6 / 50)],
        digits=2,
        why="the variance is 2 / (20 + 30), and an even distribution has a² / 3.",
        hint="2 / (20 + 30) is a variance. And an even distribution has the variance a² / 3.",
        slips=[((0.04, 0.12), "these are the squares: a variance is no standard deviation.")],
        slips_of={
            "standard deviation": [(0.04, "that is the variance."), (math.sqrt(2 / 20), "n_out counts, too."),
                                   (math.sqrt(2 / 30), "n_in counts, too.")],
            "a": [(0.2, "that would be its standard deviation. An even distribution has the variance a² / 3."),
                  (0.12, "that is a²; a is asked for.")],
        },
    ),
    "06.2": Formula(
        names=["fan_in", "k"],
        truth=lambda fan_in, k: math.sqrt(2 / ((1 + k**2) * fan_in)),
        points=_points,
        why="of the mean square (1 + k²) / 2 is left, and the weights make up for it.",
        hint="Of the mean square one half stays, the other is multiplied by k².",
        slips=[
            (lambda fan_in, k: math.sqrt(2 / fan_in), "that is right for k = 0 only. What does the leak let through?"),
            (lambda fan_in, k: 2 / ((1 + k**2) * fan_in), "that is the variance; its root is asked for."),
            (lambda fan_in, k: math.sqrt(2 / ((1 + k) * fan_in)), "numbers are multiplied by k, squares by k²."),
        ],
    ),
    "06.3": Condition(
        read=_two,
        judge=_as_seen_in_training,
        why="both numbers come from the training data, feature by feature.",
        hint="A test row must come out the same alone or among others.",
    ),
}  # fmt: skip

"""The questions of notebook 1, circuits."""

from __future__ import annotations

from microgradnn.course.answers import numbers_from
from microgradnn.course.questions import Condition, Formula, Numbers, Question, derivatives
from microgradnn.functional import sigmoid

_PENCIL = derivatives("(a + b) * maximum(b, c)", a=1, b=2, c=0)


def _all_six(numbers: list[float]) -> str | None:
    """Whether the derivatives of (x + y) z are 6, at these x, y, z."""
    x, y, z = numbers
    gradient = derivatives("(x + y) * z", x=x, y=y, z=z)
    if gradient["x"] == gradient["z"] == 6:
        return None
    if gradient["x"] == 6:
        return f"∂f/∂x and ∂f/∂y are 6, ∂f/∂z is {gradient['z']:g}: the multiplying gate hands z the sum x + y."
    if gradient["z"] == 6:
        return f"∂f/∂z is 6, ∂f/∂x and ∂f/∂y are {gradient['x']:g}: what does the multiplying gate hand to the sum?"
    return f"the derivatives are {gradient['x']:g}, {gradient['y']:g} and {gradient['z']:g}: each must be 6."


QUESTIONS: dict[str, Question] = {
    "01.1": Numbers(
        names=["df/da", "df/db", "df/dc"],
        truth=[*_PENCIL.values()],
        why="b is used twice: 2 comes through the sum and 3 through the max, and max gives c nothing.",
        hint="Write the gradient under each wire, from the right to the left.",
        slips_of={
            "df/da": [(3, "That is what the max receives: a multiplying gate hands each operand the other factor.")],
            "df/db": [
                (2, "That came through the sum. b is used a second time, in the max: add what comes through there."),
                (3, "That came through the max. b is used a second time, in the sum: add what comes through there."),
                (6, "The two paths of b are added, not multiplied."),
            ],
            "df/dc": [(3, "max hands everything to the larger operand. Is that c?")],
        },
    ),
    "01.2": Condition(
        read=lambda answer: numbers_from(answer, ["x", "y", "z"]),
        judge=_all_six,
        why="z = 6 runs through the adding gate to x and y, and x + y = 6 is swapped over to z.",
        hint="What runs through the adding gate, and what does the multiplying gate swap?",
    ),
    "01.3": Formula(
        names=["x"],
        truth=lambda x: x.tanh(),
        points=[(-2.0,), (0.0,), (0.7,)],
        gates=["sigmoid"],
        why="2 σ(2x) − 1 is tanh x: twice as high, twice as steep inside, and moved down by 1.",
        hint="Try A · sigmoid(B · x) + C: which A and C fit the range, which B the slope at 0?",
        slips=[
            (lambda x: 2 * sigmoid(x) - 1, "the range is right, but it is not steep enough at 0: stretch x as well."),
            (lambda x: sigmoid(2 * x), "the steepness inside is right. Now stretch the range (0, 1) to (-1, 1)."),
            (lambda x: 2 * sigmoid(2 * x), "it runs from 0 to 2: move it down."),
        ],
    ),
}  # fmt: skip

"""The questions of notebook 1, circuits."""

from __future__ import annotations

from microgradnn.course.answers import numbers_from
from microgradnn.course.mistakes import Slip
from microgradnn.course.questions import Choice, Condition, Formula, Number, Numbers, Question, derivatives
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


_MOVE = derivatives("(x + y) * z", x=-2, y=5, z=-4)
_SIGMOID = derivatives("sigmoid(s)", s=1)["s"]


def _five_times(gate: str, why: str, hint: str, slips: list[Slip]) -> Numbers:
    """What reaches a = 3 and b = -1 through a gate with the upstream gradient 5."""
    truth = [*derivatives(f"5 * {gate}", a=3, b=-1).values()]
    return Numbers(names=["∂f/∂a", "∂f/∂b"], truth=truth, why=why, hint=hint, slips=slips)


QUESTIONS: dict[str, Question] = {
    "01.predict-chain": Number(
        truth=_MOVE["x"],
        why="speeds multiply: once as fast as −4 times as fast.",
        hint="Let x move by 0.1. How far does q move then, and how far f?",
        slips=[
            (-3, "the speeds are multiplied, not added."),
            (1, "that is how fast q moves, the local derivative. How fast does f move when q does?"),
            (3, "that is ∂f/∂z, or the value of q. How fast does f move when q does?"),
            (8, "the value of x plays no part: the local derivative is multiplied by the speed of f against q."),
        ],
    ),
    "01.predict-push": Choice(
        right=lambda: "a" if _MOVE["x"] > 0 else "b",
        wrong={"a": "∂f/∂x is negative: what does f do when x goes up?"},
        words={"up": "a", "upwards": "a", "down": "b", "downwards": "b"},
        why="∂f/∂x is negative, so f rises when x goes down.",
        hint="Look at the sign of ∂f/∂x.",
    ),
    "01.predict-weight": Number(
        truth=derivatives("sigmoid(w0*x0 + w1*x1 + w2)", w0=2, x0=-1, w1=-3, x1=-2, w2=-3)["w0"],
        digits=2,
        why="the other factor, x0 = −1, turns the sign of the 0.20.",
        hint="When w0 moves by 1, the product w0 × x0 moves by x0 = −1. Multiply that by the 0.20 that comes to it.",
        slips=[
            (0.3932, "that is what x0 gets. Each operand gets the gradient times the value of the other one."),
            (0.4, "that is what x0 gets. Each operand gets the gradient times the value of the other one."),
            (-1, "that is the local derivative alone: multiply it by the upstream gradient."),
            (-2, "that is the value of w0 × x0, not a derivative."),
        ],
    ),
    "01.predict-sigmoid": Number(
        truth=_SIGMOID,
        digits=2,
        why="it needs the output only: (1 − 0.73) · 0.73. It is the 0.20 that came to s in section 5, in one step.",
        hint="Put the output 0.73 into (1 − f) f.",
        slips=[
            (0.73, "that is the value of the gate, not its derivative."),
            (0.27, "that is 1 − f. There is a second factor."),
            (0.53, "that is f². The factors are f and 1 − f."),
            (0.25, "so steep it is only in the middle, where the output is one half."),
            (0, "the input is 1, where the curve still rises. Put the output into (1 − f) f."),
        ],
    ),
    "01.predict-add": _five_times(
        "(a + b)",
        why="a sum moves as fast as each of its operands, so both get the whole 5.",
        hint="If a moves by 0.1, how far does a + b move, and how far five times of it?",
        slips=[
            ((2.5, 2.5), "nothing is divided between them: each moves the sum as if the other stood still."),
            ((1, 1), "those are the local derivatives: multiply them by the upstream gradient."),
            ((15, -5), "the values play no part: the local derivatives of a sum are 1."),
            ((-5, 15), "the values play no part: the local derivatives of a sum are 1."),
        ],
    ),
    "01.predict-max": _five_times(
        "maximum(a, b)",
        why="only the larger one moves the output; a little up or down of the smaller one changes nothing.",
        hint="How far does the larger of 3 and −1 move if a moves by 0.1, and how far if b does?",
        slips=[
            ((0, 5), "it is the larger one that moves the output. Which is it?"),
            ((1, 0), "those are the local derivatives: multiply them by the upstream gradient."),
            ((5, 5), "that would be a sum. Does b move the larger of 3 and b?"),
            ((15, -5), "the values play no part: which of the two moves the output, and how fast?"),
            ((15, 0), "the value plays no part: while a is the larger one, the output moves as fast as a."),
            ((3, 0), "the value plays no part: while a is the larger one, the output moves as fast as a."),
        ],
    ),
    "01.predict-times": _five_times(
        "(a * b)",
        why="each gets the 5 times the value of the other.",
        hint="If a moves by 0.1, how far does a × b move when b is -1?",
        slips=[
            ((15, -5), "each gets the upstream gradient times the value of the other one, not of its own."),
            ((-1, 3), "those are the local derivatives: multiply them by the upstream gradient."),
            ((5, 5), "that would be a sum. How far does a × b move when a does, and b is -1?"),
        ],
    ),
    "01.predict-paths": Number(
        truth=derivatives("(x + 1) * (2 * x)", x=3)["x"],
        why="6 comes through u and 8 through v, and what comes over several paths is added.",
        hint="The gate u × v gives u the value of v, and v the value of u. What reaches x from each?",
        slips=[
            (6, "that is what comes through u. What comes through v is missing."),
            (8, "that is what comes through v. What comes through u is missing."),
            (48, "what comes over several paths is added, not multiplied."),
            (10, "v = 2x moves twice as fast as x: what comes to v counts double for x."),
            (16, "the multiplying gate swaps: u receives the value of v, and v the value of u."),
            (24, "that is the value of f, not its derivative."),
        ],
    ),
    "01.predict-twice": Number(
        truth=12,
        why="the second sweep adds its 6 to the first.",
        hint="Is the old number replaced, or added to?",
        slips=[
            (6, "so it would be if the old number were replaced. On inputs gradients add up."),
            (36, "the sweeps are added, not multiplied."),
            (0, "nothing is blanked unless you blank it."),
            (18, "the first sweep brought 6, the second one brings no more than that."),
        ],
    ),
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
            (lambda x: 2 * sigmoid(x) - 1, "the range is right, but it is not steep enough at 0: its slope there is ½. "
                                        "Put a factor before x as well."),
            (lambda x: sigmoid(2 * x), "the steepness inside is right. Now stretch the range (0, 1) to (-1, 1)."),
            (lambda x: 4 * sigmoid(x) - 2, "the slope at 0 is right, the range is not: it runs from −2 to 2."),
            (lambda x: 2 * sigmoid(2 * x), "it runs from 0 to 2: move it down."),
        ],
    ),
}  # fmt: skip

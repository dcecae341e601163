"""The questions of notebook 10, a GPT of scalars."""

from __future__ import annotations

import math

from microgradnn.course.answers import numbers_from
from microgradnn.course.questions import Choice, Condition, Formula, Number, Numbers, Question
from microgradnn.functional import dot, softmax
from microgradnn.value import Value

TOKENS = 19  # letters of the made-up language, and END


def _pencil() -> list[float]:
    """What a head gives for the scores 0, ln 2, ln 5 and the values 8, 4, 0, and its derivatives by the scores."""
    scores = [Value(0.0), Value(math.log(2)), Value(math.log(5))]
    out = dot(softmax(scores), [8.0, 4.0, 0.0])
    out.backward()
    return [out.data, *(score.grad for score in scores)]


def _looks(query: list[float]) -> str | None:
    """Whether a query gives nine tenths to the second of the keys (1, 0), (0, 1), (1, 1)."""
    scores = [dot(query, key) / math.sqrt(2) for key in ((1, 0), (0, 1), (1, 1))]
    shares = softmax(scores)
    if shares[1] >= 0.9:
        return None
    given = ", ".join(f"{share:.2f}" for share in shares)
    if shares[1] < max(shares) - 1e-9:
        return f"the shares are {given}. Which product is to be the largest, and what does q1 do to it?"
    if shares[1] - shares[2] < 1e-9:
        return f"the shares are {given}. The third key has a 1 there as well: what sets it apart from the second?"
    return f"the shares are {given}: the right way, but not far enough."


QUESTIONS: dict[str, Question] = {
    "10.predict-no-idea": Number(
        truth=6 * math.log(TOKENS),
        digits=3,
        why="ln 19 for each of five letters and the END.",
        hint="−ln of one in nineteen, for each token that is to be guessed.",
        slips=[
            (5 * math.log(TOKENS), "after the letters, END is to be guessed as well."),
            (7 * math.log(TOKENS), "the first END is given; nobody has to guess it."),
            (math.log(TOKENS), "that is one token."),
            (6 * math.log(TOKENS - 1), "END is a token, too: there are nineteen."),
            (6 * math.log2(TOKENS), "that would be the logarithm to the base 2; the loss has the natural one."),
            (6 * math.log10(TOKENS), "that would be the logarithm to the base 10; the loss has the natural one."),
            (TOKENS**-6, "that is the probability. The loss is minus its logarithm."),
        ],
    ),
    "10.predict-order": Choice(
        right="b",
        wrong={"a": "look at the formula: each value is weighed by the share of its own key, and then all are added."},
        words={"yes": "a", "no": "b"},
        why="shares go with their keys, and a sum has no order.",
        hint="What does the order of its terms do to a sum?",
    ),
    "10.predict-rows": Number(
        truth=len({*"sasar"}) + 1,
        why="those of s, a, r, and END, with which the name begins.",
        hint="A row gets a gradient where it is read. Which tokens are read?",
        slips=[
            (6, "so many tokens are read, but s and a are read twice. A row is a row."),
            (3, "these are the letters. What is read before the first of them?"),
            (5, "s and a come twice, and END is read before them."),
            (TOKENS, "that is all of them. Through what could a row that is not read act on the loss?"),
        ],
    ),
    "10.predict-slope": Number(
        truth=0.5 * (3 - 1),
        why="its share times how far its value is above the mean.",
        hint="A score that grows takes its share from the others. Is the value more than what they have on average?",
        slips=[
            (1.5, "so much would come if the share grew by itself. But what it gains, the others lose."),
            (0.5, "that is the derivative by the value."),
            (2, "that is how far the value is above the mean. How large is its share?"),
            (0.25, "that is p (1 − p), the slope of the share by its own score. But the other shares move as well."),
            (0.75, "that is p (1 − p) v. But the other shares move as well, and have values, too."),
        ],
    ),
    "10.1": Numbers(
        names=["out", "dout/ds1", "dout/ds2", "dout/ds3"],
        truth=_pencil,
        digits=3,
        why="each share times how far its value is above the mean; together they are 0.",
        hint="The powers are 1, 2 and 5. Divide by their sum: these are the shares.",
        slips_of={
            "out": [(4, "That is the mean if all shares were alike.")],
            "dout/ds1": [(1, "That is share times value. From the value the mean is to be subtracted."),
                         (1 / 8, "That is the share, the derivative by the value.")],
            "dout/ds2": [(1, "That is share times value. From the value the mean is to be subtracted.")],
            "dout/ds3": [(0, "It has nothing to give, and yet a share, which it takes from the others.")],
        },
    ),
    "10.2": Condition(
        read=lambda answer: numbers_from(answer, ["q1", "q2"]),
        judge=_looks,
        why="what sets the second key apart from the third is that it has no 1 in front.",
        hint="The scores are q1, q2 and q1 + q2, divided by √2.",
    ),
    "10.3": Formula(
        names=["scores", "temperature"],
        truth=lambda scores, temperature: softmax([score / temperature for score in scores]),
        points=[([0.0, 1.0, 2.0], 1.0), ([0.0, 1.0, 2.0], 0.5), ([3.0, -1.0], 2.0)],
        slips=[
            (lambda scores, temperature: softmax([score * temperature for score in scores]),
             "that makes it bolder where it is cold. Which way round?"),
            (lambda scores, temperature: [p / temperature for p in softmax(scores)],
             "these no longer add up to 1. What is to be divided before softmax?"),
            (lambda scores, temperature: [score / temperature for score in scores],
             "these are scores. What makes probabilities of them?"),
        ],
        why="cold, the likeliest takes it all; hot, all become alike.",
        hint="Divide each score by the temperature, and then?",
    ),
}  # fmt: skip

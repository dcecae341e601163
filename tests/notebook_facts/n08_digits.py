"""What notebook 08_digits shows, and answers to its questions."""

from importlib.util import find_spec
from typing import Any

import numpy as np

FIGURES = [  # what it prints, white space aside
    "1437 to learn from, 360 held out",
    "1.0 2.718 0.2312 2.0 7.389 0.6285 0.5 1.649 0.1402",
    "C = -ln 0.1402 = 1.9644",
    "z0 +0.231224 +0.231224 z1 +0.628532 +0.628532 z2 -0.859756 -0.859756",
    "OverflowError: exp(1000.0)",
    "logsumexp 1000.0 softmax [1.0, 0.0]",
    "loss 2000.0 gradients [1.0, -1.0]",
    "section 2 again: differs by less than 1e-12: True",
    "together 42 2,410",
    "mean loss above ln 10: True",
    "at least 95 % of digits never seen before: True",
    "pixels without ink: [0, 32, 39]",
    "their weights are as they were drawn: True",
    "ink moved: 2.0 of 18.4",
    "less than a third of it: True",
    "for 2,410 parameters the same scores again: True",
]
if find_spec("torch"):
    FIGURES.append("3,600 scores of PyTorch, difference below 1e-12: True")

PICTURED = []  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "08.predict-right-score": (
        ["-0.86", "0.14 - 1", "'−0.86'", "-0.8598"],
        {
            "0.14": "what does the first one bring",
            "-1": "the second one",
            "0.86": "the sign is not",
            "1.9644": "the loss itself",
        },
    ),
    "08.predict-shift": (
        ["'b'", "'B'", "'same'", "'they stay as they are'"],
        {"'a'": "add up to 1", "'c'": "so is their sum"},
    ),
    "08.predict-parameters": (
        ["2410", "65 * 32 + 33 * 10", "'65 · 32 + 33 · 10'"],
        {
            "2368": "a bias as well",
            "2080": "there are two",
            "2048": "and biases",
            "42": "number of neurons",
            "64": "has a bias",
        },
    ),
    "08.predict-no-idea": (
        ["2.30", "math.log(10)", "'log(10)'", "2.3026"],
        {
            "0.1": "that is the probability",
            "1": "base 10",
            "-2.3": "the sign is not",
            "0.9": "minus the logarithm",
            "3.32": "base 2",
        },
    ),
    "08.predict-white-pixel": (
        ["0", "0.0", "'0'"],
        {"1": "times the other factor", "0.5": "multiplying gate"},
    ),
    "08.predict-against": (
        ["'b'", "'lower'"],
        {"'a'": "negative weight", "'c'": "acts through the neuron"},
    ),
    "08.predict-pixel": (
        ["-0.08", "-0.8 * 0.1", "'−0.08'"],
        {"0.08": "the sign is not", "-8": "is multiplied", "-0.7": "not added", "-0.8": "decimal point"},
    ),
    "08.1": (
        ["(1 / 8, -3 / 4, 5 / 8)", "[0.125, -0.75, 0.625]", "'1/8, -3/4, 5/8'"],
        {
            "(1 / 8, 1 / 4, 5 / 8)": "these are the probabilities",
            "(-1 / 8, 3 / 4, -5 / 8)": "the wrong way round",
            "(5 / 8, -3 / 4, 1 / 8)": "their order is not",
            "(0.125, -0.75)": "you gave 2",
        },
    ),
    "08.2": (
        [
            "[1.0662, -0.1865, -0.8797]",
            "[1.07, -0.19, -0.88]",
            "[math.log(p) - math.log(0.7 * 0.2 * 0.1) / 3 for p in (0.7, 0.2, 0.1)]",
        ],
        {
            "[0.7, 0.2, 0.1]": "these are the probabilities",
            "[math.log(0.7), math.log(0.2), math.log(0.1)]": "Shift all three",
            "[1, 0, -1]": "softmax makes of them",
            "[1, -0.2, -0.9]": "softmax makes of them",
            "(1, 2)": "you gave 2",
        },
    ),
    "08.3": (
        [
            "lambda probabilities: max(probabilities) > 0.9",
            "lambda probabilities: sorted(probabilities)[-1] - sorted(probabilities)[-2] > 0.8",
        ],
        {
            "lambda probabilities: max(probabilities) > 0.5": "too trusting",
            "lambda probabilities: max(probabilities) > 0.9999": "leaves too many",
            "lambda probabilities: True": "too trusting",
            "lambda probabilities: False": "leaves too many",
            "0.9": "a function of the ten probabilities",
        },
    ),
}


def _stand_ins() -> dict[str, Any]:
    """Answers of a network to 100 digits: 90 surely right, 10 in doubt, of which 4 are wrong."""
    truth = np.arange(100) % 10
    probabilities = np.full((100, 10), 0.001)
    probabilities[np.arange(100), truth] = 0.991
    doubtful = np.arange(90, 100)
    probabilities[doubtful, truth[90:]], probabilities[doubtful, truth[90:] - 1] = 0.392, 0.6
    probabilities[doubtful[4:], truth[94:]], probabilities[doubtful[4:], truth[94:] - 1] = 0.6, 0.392
    return {"probabilities": probabilities, "truth": truth}


GIVEN = {"08.3": _stand_ins}  # what the notebook has, for a trial without it

"""What notebook 08_digits shows, and answers to its exercises."""

from importlib.util import find_spec

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
    "less than a third of it: True",
    "for 2,410 parameters the same scores again: True",
]
if find_spec("torch"):
    FIGURES.append("3,600 scores of PyTorch, difference below 1e-12: True")

PICTURED = ["64 inputs", "MLP.0", "MLP.2", "2,048 edges", "320 edges"]  # what its pictures show

ANSWERS = [  # for each exercise right answers, then wrong ones, as a student would type them
    (
        ["(1 / 8, -3 / 4, 5 / 8)", "[0.125, -0.75, 0.625]"],
        ["(1 / 8, 1 / 4, 5 / 8)", "(-1 / 8, 3 / 4, -5 / 8)", "(0.125, -0.75)", "0.5", "'z'"],
    ),
    (
        ["[1.0662, -0.1865, -0.8797]", "[math.log(p) - math.log(0.7 * 0.2 * 0.1) / 3 for p in (0.7, 0.2, 0.1)]"],
        ["[0.7, 0.2, 0.1]", "[math.log(0.7), math.log(0.2), math.log(0.1)]", "[1, 0, -1]", "(1, 2)", "'z'"],
    ),
    (
        [
            "lambda probabilities: max(probabilities) > 0.9",
            "lambda probabilities: sorted(probabilities)[-1] - sorted(probabilities)[-2] > 0.8",
        ],
        [
            "lambda probabilities: max(probabilities) > 0.5",
            "lambda probabilities: max(probabilities) > 0.999",
            "lambda probabilities: True",
            "lambda probabilities: False",
            "0.9",
        ],
    ),
]

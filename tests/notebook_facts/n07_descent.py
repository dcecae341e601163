"""What notebook 07_descent shows, and answers to its questions."""

FIGURES = [  # what it prints, white space aside
    "η = 0.01 factor +0.98 after 12 steps w = -1.5694",
    "η = 0.95 factor -0.90 after 12 steps w = -0.5649",
    "η = 1.02 factor -1.04 after 12 steps w = -3.2021",
    "first step / η: Adam 1.00 as note 001 prints it 3.16",
    "1e-04 1.0000 0.7071 1e-05 1.0000 0.0995 1e-06 0.9999 0.0100",
    "loss of each epoch, our loop: 2.009850 1.350876 fit: 2.009850 1.350876",
    "differ by less than 1e-9: True",
    "1 400",
    "910 parameters, 1820 forwards for one gradient by differences",
    "backward agrees: True",
    "(early), back to the weights of epoch",
    "L1 first step from 1.0: -0.0500",
    "L1 first step from 0.3: -0.0500",
    "L2 first step from 1.0: -0.0500",
    "L2 first step from 0.3: -0.0150",
    "L1 weights below 0.02 in size: 9 of 12",
    "256 thinned neurons, on average -0.5800",
    "one neuron, weights × (1 - p): -0.5800",
    "training error bad: not overfitting",
    "training good, test bad: overfitting",
    "both good: use it",
]

PICTURED = ["×", "MLP.0", "MLP.4", "10→10 · 110 params"]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "07.predict-factor": (
        ["-0.9", "'−0.9'", "1 - 2 * 0.95", "-9 / 10"],
        {
            "0.05": "is 2w, not w",
            "0.9": "the sign is not",
            "1.9": "What is left",
            "2.9": "against the gradient",
            "-1.9": "is left of w after",
        },
    ),
    "07.predict-ravine": (
        ["0.04", "2 / 50", "'1/25'", "'4 %'"],
        {"2": "flat direction", "0.02": "arrives in one step", "25": "one over it", "2 / 51": "do not add up"},
    ),
    "07.predict-saddle": (
        ["'a'", "'SGD'", "'A'"],
        {"'b'": "gathers speed", "'Adam'": "divides by the size", "3": "one of a, b, c"},
    ),
    "07.predict-adam": (
        ["3.2", "math.sqrt(10)", "3.16", "'10 ** 0.5'"],
        {
            "1": "with the correction",
            "100": "under a root",
            "0.1": "divided by √V",
            "0.9": "old means",
            "0.32": "one over it",
            "0.001 ** 0.5": "M is divided by it",
        },
    ),
    "07.predict-batch": (
        ["'a'", "'1'"],
        {"'b'": "takes more", "'c'": "how many steps"},
    ),
    "07.predict-forwards": (
        ["1820", "2 * 910", "'2 · 910'"],
        {"910": "both sides", "911": "one-sided", "2": "a single parameter", "3640": "factor of 2"},
    ),
    "07.predict-pull": (
        ["(-0.05, -0.015)", "[-1 / 20, -3 / 200]", "'-0.05, -0.015'"],
        {
            "(0.05, 0.015)": "the wrong way round",
            "(-0.015, -0.05)": "their order is not",
            "(-0.05, -0.05)": "a share of w",
            "(-0.015, -0.015)": "the same from every weight",
            "(0.25, 0.285)": "new weights",
            "(-0.5, -0.15)": "learning rate is missing",
            "-0.05": "you gave one",
        },
    ),
    "07.predict-thinned": (
        ["-0.58", "-1.16 / 2", "'−0,58'"],
        {
            "-1.16": "missing in half",
            "0.58": "the sign is not",
            "0": "is not 0 either",
            "-1.16 / 256": "the mean is asked for",
        },
    ),
    "07.predict-recipe": (
        ["'c'", "'activation'"],
        {"'a'": "dropout cures overfitting", "'L2'": "L2 cures overfitting"},
    ),
    "07.1": (
        ["0.25", "2 / 8", "'1/4'"],
        {"0.125": "arrives in one step", "0.5": "second derivative, 8", "1": "limit of w²", "0.3": "a step multiply w"},
    ),
    "07.2": (
        ["10", "10.0", "1 / (1 - 0.9)"],
        {
            "1.9": "second step",
            "9": "no longer changes",
            "0.9": "adds 1 each time",
            "1": "first step",
            "100": "decimal point",
        },
    ),
    "07.3": (
        [
            "lambda epoch: (epoch + 1) / 5 if epoch < 5 else 5 / epoch",
            "lambda epoch: min((epoch + 1) / 5, optim.InverseTimeDecay(5)(epoch))",
        ],
        {
            "optim.InverseTimeDecay(5)": "let it climb before",
            "lambda epoch: (epoch + 1) / 5": "must end at 1",
            "lambda epoch: min((epoch + 1) / 5, 1)": "fall from epoch 5",
            "lambda epoch: min(epoch / 5, 1)": "counted from 0",
            "optim.Cosine(5)": "Two pieces",
            "0.2": "a function is asked for",
        },
    ),
}

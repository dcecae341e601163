"""What notebook 07_descent shows, and answers to its exercises."""

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

PICTURED = []  # what its pictures show

ANSWERS = [  # for each exercise right answers, then wrong ones, as a student would type them
    (["0.25", "2 / 8", "1 / 4"], ["0.125", "0.5", "1", "0", "'0.25'", "0.3"]),
    (["10", "10.0", "1 / (1 - 0.9)"], ["1.9", "9", "0.9", "1", "'ten'", "100"]),
    (
        [
            "lambda epoch: (epoch + 1) / 5 if epoch < 5 else 5 / epoch",
            "lambda epoch: min((epoch + 1) / 5, optim.InverseTimeDecay(5)(epoch))",
        ],
        [
            "optim.InverseTimeDecay(5)",
            "lambda epoch: (epoch + 1) / 5",
            "lambda epoch: min(epoch / 5, 1)",
            "optim.Cosine(5)",
            "0.2",
        ],
    ),
]

"""What notebook 05_one_neuron_to_many shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "step(0.8) = 1, and its derivative is 0",
    "logistic 60 of 60 examples pull",
    "w after 100 steps without a lesson: 0.3660 (1 - ηλ)^100 = 0.3660",
    "4913 neurons tried, the best gets 3 of 4 right",
    "trained: loss 0.6931, answers [0.5, 0.5, 0.5, 0.5]",
    "W2 W1 has the shape (1, 2)",
    "XOR with two linear layers: loss 0.6931",
    "0 0 0 0 -0.5 0, wanted 0",
    "0 1 1 0 0.5 1, wanted 1",
    "1 0 1 0 0.5 1, wanted 1",
    "1 1 2 1 -0.5 0, wanted 0",
    "below 0.012: True",
    "together 6 26",
    "together 9 41",
    "sigmoid answer 0.7685 minus t -0.2315 dL/dz -0.2315",
    "softmax answer 0.6217 0.1255 0.2528 minus t -0.3783 0.1255 0.2528 dL/dz -0.3783 0.1255 0.2528",
    "class 0 leads the others by 1.6 0.9",
    "cross_entropy loss 0.4753 dL/dz -0.3783 0.1255 0.2528",
    "multiclass_hinge loss 0.1000 dL/dz -1.0000 0.0000 1.0000",
    "8 0.2317 16 0.0685 32 0.0175 64 0.0044",
    "31 parameters in 5 layers of 2: 32 straight pieces",
    "31 parameters in 1 layer of 10: at most 11 straight pieces",
    "177 8 + 8 + 8",
]

PICTURED = ["w·x+b", "ReLU", "x1", "w22", "−0.5"]  # what its pictures show

ANSWERS = [  # for each exercise right answers, then wrong ones, as a student would type them
    (["(1, -1, -0.5)", "[2.0, -3.0, -1.0]"], ["(1, -1, 0.5)", "(1, 1, -1.5)", "(-1, 1, -0.5)", "(1, -1)", "0", "'x1'"]),
    (["(42, 2410)", "[42, 64 * 32 + 32 + 32 * 10 + 10]"], ["(106, 2410)", "(42, 2368)", "(2410, 42)", "2410", "(42,)"]),
    (
        ["lambda x: relu(x) - 2 * relu(x - 1) + relu(x - 2)", "lambda x: relu(1 - relu(x - 1) - relu(1 - x))"],
        ["lambda x: relu(x) - relu(x - 1)", "lambda x: relu(x) - 2 * relu(x - 1)", "lambda x: x", "1", "lambda: 0"],
    ),
]

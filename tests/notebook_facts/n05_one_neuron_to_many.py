"""What notebook 05_one_neuron_to_many shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
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
    "sigmoid answer [0.7685] minus target [-0.2315] dL/dz [-0.2315]",
    "softmax answer [0.6217 0.1255 0.2528] minus target [-0.3783 0.1255 0.2528] dL/dz [-0.3783 0.1255 0.2528]",
    "class 0 leads the others by 1.6 0.9",
    "cross_entropy loss 0.4753 dL/dz -0.3783 0.1255 0.2528",
    "multiclass_hinge loss 0.1000 dL/dz -1.0000 0.0000 1.0000",
    "8 0.2317 16 0.0685 32 0.0175 64 0.0044",
    "31 parameters in 5 layers of 2: 32 straight pieces",
    "31 parameters in 1 layer of 10: at most 11 straight pieces",
    "177 8 + 8 + 8",
    "one neuron 8 examples: 80% 32 examples: 86% 128 examples: 86% 512 examples: 86%",
    "8 hidden neurons 8 examples: 71% 32 examples: 90%",
]

PICTURED = ["w·x+b", "ReLU", "x1", "w22", "−0.5", "−1.5", "58 of 60 right"]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "05.step": (["0", "0.0"], {"1": "that is its value", "0.8": "that is z", "'infinity'": "cannot be read"}),
    "05.pull": (
        ["'a'", "'the logistic one'"],
        {"'b'": "beyond the margin", "'both'": "exactly 0", "'d'": "is never 0", "60": "the answer is one of"},
    ),
    "05.forgetting": (
        ["0.366", "0.99**100", "'37 %'"],
        {"0": "the same share", "0.99": "after one step", "0.9**100": "ηλ = 0.01", "0.5": "multiplies the weight"},
    ),
    "05.xor": (["3", "'3'"], {"4": "two diagonals", "2": "one more", "0": "one straight line"}),
    "05.xor-net": (
        ["(-0.5, 0.5)", "'-1/2, 1/2'"],
        {"(1.5, 0.5)": "taken off twice", "(0, 1)": "bias of the output", "(0.5, -0.5)": "their order"},
    ),
    "05.size": (
        ["(9, 41)", "{'parameters': 41, 'neurons': 9}"],
        {
            "(12, 41)": "inputs are no neurons",
            "(9, 32)": "biases are missing",
            "(41, 9)": "their order",
            "9": "2 numbers",
        },
    ),
    "05.head": (
        ["'a'", "'A'"],
        {"'b'": "the squared error", "'c'": "The score comes earlier", "1": "the answer is one of"},
    ),
    "05.bends": (
        ["0.07", "0.0685", "0.23 / 4"],
        {"0.23": "half as long", "0.115": "half as long", "0.01": "its square"},
    ),
    "05.folds": (["32", "2**5"], {"10": "they multiply", "6": "folds all", "16": "four folds", "64": "factor of 2"}),
    "05.hunger": (
        ["'a'", "'the neuron'"],
        {"'b'": "8 noisy points", "'network'": "8 noisy points", "8": "the answer is one of"},
    ),
    "05.1": (
        ["(1, -1, -0.5)", "[2.0, -3.0, -1.0]", "{'w1': 1, 'w2': -1, 'b': -0.5}"],
        {
            "(1, -1, 0.5)": "at (0, 0) the sum is 0.5",
            "(1, 1, -1.5)": "at (1, 0) the sum is -0.5",
            "(-1, 1, -0.5)": "at (0, 1) the sum is 0.5",
            "(1, -1)": "3 numbers",
            "0": "3 numbers",
            "'x1'": "3 numbers",
        },
    ),
    "05.2": (
        ["(42, 2410)", "[42, 64 * 32 + 32 + 32 * 10 + 10]"],
        {
            "(106, 2410)": "64 pixels",
            "(42, 2368)": "biases are missing",
            "(2410, 42)": "their order",
            "2410": "2 numbers",
        },
    ),
    "05.3": (
        ["lambda x: relu(x) - 2 * relu(x - 1) + relu(x - 2)", "lambda x: relu(1 - relu(x - 1) - relu(1 - x))"],
        {
            "lambda x: relu(x) - relu(x - 1)": "it stays up",
            "lambda x: relu(x) - 2 * relu(x - 1)": "falls for ever",
            "lambda x: x": "no such gate",
            "1": "a function",
            "lambda: 0": "a function",
        },
    ),
}

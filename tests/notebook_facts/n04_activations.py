"""What notebook 04_activations shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "sigmoid 0.00669 0.26894 0.50000 0.73106 0.99331",
    "sigmoid 0.00665 0.19661 0.25000 0.19661 0.00665",
    "tanh 0.00018 0.41997 1.00000 0.41997 0.00018",
    "hard tanh 0.00000 1.00000 1.00000 1.00000 0.00000",
    "soft sign 0.02778 0.25000 1.00000 0.25000 0.02778",
    "ReLU 0.00000 0.00000 0.00000 1.00000 1.00000",
    "printed: sigmoid'(0) = -0.5 softsign'(-0.5) = -4 right:",
    "sigmoid'(0) = 0.25 softsign'(-0.5) = 0.4444",
    "hardtanh' at -1, -0.5, 0.5, 1: 1.0 1.0 1.0 1.0",
    "tanh z and 2σ(2z) − 1: difference below 1e-12: True",
    "crowd and softplus differ by 0.0106 at most",
    "sigmoid(5) = 0.99331 sigmoid'(5) = 0.00665 tanh'(5) = 0.00018",
    "softplus and ReLU differ by 0.6931 at most, at z = 0",
    "z = 1, squared error 14 steps, cross-entropy 6 steps",
    "z = 5, squared error 95 steps, cross-entropy 10 steps",
    "inputs from 0 to 1: one-signed 40 of 40 steps",
    "inputs from −1 to 1: one-signed 22 of 40 steps",
    "after one step z = -4.98 -4.50 -5.05 -5.77 -5.12 gradients 0.00 0.00 0.00",
    "z = 2, upstream gradient -1: handed on -1",
    "z = -2, upstream gradient 1: handed on 0",
    "∂L/∂u1 += ∂L/∂u2 · ∂u2/∂u1 = (−1) × 149.4 = −149.4",
    "∂L/∂z += ∂L/∂a · ∂a/∂z = 149.4 × 0.006648 = 0.9933",
    "ReLU loss 0.693, accuracy 0.50 8 of 8 relu units are dead",
    "leaky ReLU loss 0.044, accuracy 1.00",
    "slope before 0.250 slope after -0.500",
    "Maxout of 0z, z: 0.0 0.0 0.5 3.0 ReLU: 0.0 0.0 0.5 3.0",
    "Maxout of 0.1z, z: -0.2 -0.05 0.5 3.0 leaky ReLU: -0.2 -0.05 0.5 3.0",
    "parameters of a layer 3 → 4: 16 with Maxout of 2, 3 pieces: 32 48",
    "10 sigmoids: 9.5e-07 as many factors of 1.5: 57.7",
    "sigmoid from layer 10 to 1: 6e-03 → 2e-08, on average × 0.25 a layer",
    "ReLU, weights too large from layer 10 to 1: 2e-01 → 3e+01, on average × 1.79 a layer",
    "x = [-1.0, 0.5]: 3 and 2 of 5 are on, matrix [[-1.289, -0.817]]",
]

PICTURED = ["0.8808", "0.105", "0.01321", "−6.47 … −3.631"]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "04.steepest": (
        ["(0, 0.25)", "[0.0, '1/4']"],
        {"(0, 1)": "would be tanh", "(0, 0.5)": "its value at 0", "0.25": "2 numbers"},
    ),
    "04.softplus": (
        ["(0, 0.693)", "(0, math.log(2))"],
        {"(0, 1)": "logarithm of 1 + 1", "(1, 0.31)": "has a corner", "(0, 0)": "rounds it off"},
    ),
    "04.tanh-at-5": (
        ["'c'", "'flatter'"],
        {"'a'": "tanh² z", "'b'": "twice as fast", "0.00018": "the answer is one of"},
    ),
    "04.surest-mistake": (
        ["95", "100", "'about 90'.split()[1]"],
        {"14": "further to go", "30": "the first steps", "1000": "fewer."},
    ),
    "04.signs": (["0", "'0'"], {"5": "in common", "3": "upstream gradient × an input", "'none'": "cannot be read"}),
    "04.sign-from-above": (
        ["(-1, 0)", "(-1.0, 0.0)"],
        {"(0, 0)": "as well as a positive", "(0, 1)": "It is z that decides", "(1, 0)": "multiply each"},
    ),
    "04.slope-of-k": (
        ["(-2, 0)", "'-2, 0'"],
        {"(-2, 2)": "the other formula", "(0.25, 1)": "slopes by z", "(2, 0)": "every sign"},
    ),
    "04.ten-in-a-row": (["0.25**10", "9.5e-7"], {"2.5": "do not add up", "0.25": "there are ten", "4**10": "below 1"}),
    "04.thin-network": (
        ["(-1.289, -0.817)", "[-1.3, -0.82]"],
        {"(0.785, 3.556)": "the first example", "(0, 0)": "f = W x", "(-0.817, -1.289)": "their order"},
    ),
    "04.1": (
        ["1 / 64", "0.0156", "0.5**6"],
        {
            "0.25**6": "weights are missing",
            "1 / 32": "five layers",
            "64": "slopes are missing",
            "(1, 64)": "single number",
        },
    ),
    "04.2": (
        ["-5", "-5.0", "-(3 + 2)", "'-5'"],
        {
            "-1": "switches it on",
            "5": "switches it on",
            "0": "which corner",
            "-6": "a larger bias",
            "-4.9": "switches it on",
        },
    ),
    "04.3": (
        ["lambda z: relu(z + 1) - relu(z - 1) - 1", "lambda z: 1 - relu(2 - relu(z + 1))"],
        {
            "lambda z: relu(z) - relu(-z)": "that is z itself",
            "lambda z: relu(z + 1) - relu(z - 1)": "between 0 and 2",
            "lambda z: relu(z + 1) - 1": "must end it",
            "lambda z: tanh(z)": "the gate tanh",
            "1": "a function",
            "lambda: 1": "a function",
        },
    ),
}

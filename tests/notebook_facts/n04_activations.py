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
    "z = 5, squared error 95 steps",
    "z = 5, cross-entropy 10 steps",
    "inputs from 0 to 1: one-signed 40 of 40 steps",
    "inputs from −1 to 1: one-signed 22 of 40 steps",
    "after one step z = -4.98 -4.50 -5.05 -5.77 -5.12 gradients 0.00 0.00 0.00",
    "z = 2, upstream gradient -1: handed on -1",
    "z = -2, upstream gradient 1: handed on 0",
    "ReLU alive 0 of 8, loss 0.693, accuracy 0.50",
    "leaky ReLU alive 6 of 8",
    "slope before 0.250 slope after -0.500",
    "Maxout of 0z, z: 0.0 0.0 0.5 3.0 ReLU: 0.0 0.0 0.5 3.0",
    "Maxout of 0.1z, z: -0.2 -0.05 0.5 3.0 leaky ReLU: -0.2 -0.05 0.5 3.0",
    "parameters of a layer 3 → 4: 16 with Maxout of 2, 3 pieces: 32 48",
    "10 sigmoids: 9.5e-07 as many factors of 1.5: 57.7",
    "sigmoid from layer 10 to 1: 5e-03 → 2e-08, on average × 0.25 a layer",
]

PICTURED = []  # its pictures are plots

ANSWERS = [  # for each exercise right answers, then wrong ones, as a student would type them
    (["1 / 64", "0.0156", "0.5**6"], ["0.25**6", "1 / 32", "0.000244", "64", "'0.5'", "(1, 64)"]),
    (["-5", "-5.0", "-(3 + 2)"], ["-1", "5", "0", "-6", "-4.9", "'-5'"]),
    (
        ["lambda z: relu(z + 1) - relu(z - 1) - 1", "lambda z: 1 - relu(2 - relu(z + 1))"],
        [
            "lambda z: relu(z) - relu(-z)",
            "lambda z: relu(z + 1) - relu(z - 1)",
            "lambda z: relu(z + 1) - 1",
            "lambda z: tanh(z)",
            "1",
            "lambda: 1",
        ],
    ),
]

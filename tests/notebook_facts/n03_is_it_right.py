"""What notebook 03_is_it_right shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "h = 0.001 one-sided 12.006001 centred 12.000001",
    "slope one-sided: 1.00 centred: 2.00",
    "engine 0.0 differences 0.5",
    "the slope is 0 on its left and 1 on its right",
    "engine 1.0 differences 0.6 relu at 2e-06: the derivative by argument 0 = 2e-06 is right",
    "(1 - f) f 0.0 differences 0.0 sigmoid gate 4.248354255291589e-18",
    "x**y at (0, 0): literally ZeroDivisionError engine (0.0, 0.0)",
    "x**y at (0, 1): literally ValueError engine (1.0, 0.0)",
    "softsign_as_printed at 3.0: the derivative by argument 0 = 3.0 is right",
    "every_neuron_is_right( w=0.0, x=0.0, b=-0.5, )",
    "by argument 2 = -0.5 is -4.0 by the rules and 0.44444",
    "100 neurons, no counterexample",
    "∂f/∂v = 6 is wrong",
    "∂f/∂x = 8 is wrong",
    "250 500",
]

PICTURED = []  # what its pictures show

ANSWERS = [  # for each exercise right answers, then wrong ones, as a student would type them
    (
        ["lambda x: sigmoid(x) + x * sigmoid(x) * sigmoid(-x)", "grad(lambda x: x * sigmoid(x))"],
        ["lambda x: sigmoid(x)", "lambda x: sigmoid(x) + x * sigmoid(x)", "0.5", "lambda: 1"],
    ),
    (["'c'"], ["'a'", "'b'", "'d'", "'e'", "3", "['c']"]),
    (
        [
            "lambda f, x, h: (4 * centred(f, x, h) - centred(f, x, 2 * h)) / 3",
            "lambda f, x, h: (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)",
        ],
        [
            "centred",
            "one_sided",
            "lambda f, x, h: (centred(f, x, h) + centred(f, x, 2 * h)) / 2",
            "lambda f, x, h: f(x)",
            "4",
        ],
    ),
]

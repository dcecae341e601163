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

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "03.1": (
        [
            "lambda x: sigmoid(x) + x * sigmoid(x) * sigmoid(-x)",
            "lambda x: sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x))",
            "grad(lambda x: x * sigmoid(x))",
            "'σ(x) + x*σ(x)*σ(−x)'",
        ],
        {
            "lambda x: sigmoid(x)": "comes through the sigmoid is missing",
            "lambda x: x * sigmoid(x) * sigmoid(-x)": "comes over the factor x is missing",
            "lambda x: sigmoid(x) + x * sigmoid(x)": "where its derivative belongs",
            "lambda x: sigmoid(x) + sigmoid(x) * sigmoid(-x)": "the other factor",
            "lambda x: x * sigmoid(x)": "not its derivative",
            "0.5": "a function is asked for",
            "lambda: 1": "a function of x",
        },
    ),
    "03.2": (
        ["'c'", "'C'", "'(c)'", "['c']"],
        {"'a'": "agrees with", "'b'": "agrees with", "'d'": "agrees with", "'e'": "a, b, c, d", "3": "a, b, c, d"},
    ),
    "03.3": (
        [
            "lambda f, x, h: (4 * (f(x + h) - f(x - h)) / (2 * h) - (f(x + 2 * h) - f(x - 2 * h)) / (4 * h)) / 3",
            "lambda f, x, h: (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)",
        ],
        {
            "lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h)": "the h² has not cancelled",
            "lambda f, x, h: (f(x + h) - f(x)) / h": "one side only",
            "lambda f, x, h: 4 * (f(x + h) - f(x - h)) / (2 * h)": "must add up to 1",
            "lambda f, x, h: f(x)": "what f does to both sides",
            "4": "a function is asked for",
        },
    ),
}

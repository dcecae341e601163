"""What notebook 03_is_it_right shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "h = 0.001 one-sided 12.006001 centred 12.000001",
    "slope one-sided: 1.00 centred: 2.00",
    "argument 0[0][0] 0.1117805816 0.1117805816 2.8e-17 right proof",
    "relu at 0, kink: the derivative by argument 0 = 0.0 is at a kink: the slope is 0 on its left and 1 on its right",
    "sqrt at 0, outside: the derivative by argument 0 = 0.0 does not exist: f has no value on its left",
    "relu at 2e-06, right: the derivative by argument 0 = 2e-06 is right differences 0.6",
    "(1 - f) f 0.0 differences 0.0 sigmoid gate 4.248354255291589e-18",
    "almost_half at 1e-09, noisy: undecided:",
    "x**y at (0, 0): literally ZeroDivisionError engine (0.0, 0.0)",
    "x**y at (0, 1): literally ValueError engine (1.0, 0.0)",
    "softsign_as_printed at 3, right: the derivative by argument 0 = 3.0 is right",
    "every_neuron_is_right( w=0.0, x=0.0, b=-0.5, )",
    "by argument 2 = -0.5 is -4.0 by the rules and 0.44444",
    "100 neurons, no counterexample",
    "∂f/∂v = 6 is wrong",
    "∂f/∂x = 8 is wrong",
    "250 500",
    "1 slices: df/dw0 lies between -7.1256 and -0.0003 16 slices: df/dw0 lies between -0.3623 and -0.0174",
    "its output lies between (0.0, 0.0), df/dw between (0.0, 0.0)",
]

PICTURED = ["−1 … 5"]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "03.predict-digits": (
        ["2", "'2'", "2.0"],
        {"1": "that is the one-sided difference", "100": "How many digits", "10": "How many times smaller is h²"},
    ),
    "03.predict-h": (
        ["'b'", "'B)'"],
        {
            "'a'": "a smaller h gains",
            "'c'": "rounding has long taken over",
            "'d'": "no digit is left",
            "1e-5": "one of a, b",
        },
    ),
    "03.predict-close": (["'a'", "'(a)'", "'rule a'"], {"'b'": "the eighth digit"}),
    "03.predict-kink": (
        ["0.5", "'1/2'", "'½'", "Fraction(1, 2)"],
        {"0": "the slope on the left", "1": "the slope on the right", "-0.5": "the sign is not"},
    ),
    "03.predict-verdict": (
        ["'outside'", "'Outside'", "'it is outside'"],
        {
            "'kink'": "a slope on either side",
            "'right'": "on the left of 0",
            "'wrong'": "could miss",
            "'noisy'": "no digits are lost",
        },
    ),
    "03.predict-softsign": (
        ["-0.5", "'−0,5'", "'z = -1/2'"],
        {"0.5": "the bars around z change nothing", "3": "the bars around z change nothing", "-4": "At which z"},
    ),
    "03.predict-bill": (
        ["500", "2 * 250", "'500'"],
        {
            "250": "it looks to both sides",
            "251": "one-sided differences",
            "2": "that is for one weight",
            "1000": "factor of 2",
        },
    ),
    "03.predict-range": (
        ["'b'", "'falls'", "'b: it falls all the way'"],
        {"'a'": "a rise of w0", "'c'": "push the sum both ways"},
    ),
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

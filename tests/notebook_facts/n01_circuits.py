"""What notebook 01_circuits shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "q = 3, f = -12",
    "df/df = 1 df/dq = -4 df/dz = 3 df/dx = -4 df/dy = -4",
    "before: f = -12 after: f = -11.5924",
    "s = 1.00 m = -1.00 e = 0.37 d = 1.37 f = 0.73",
    "df/dw0 = -0.20 df/dw1 = -0.39 df/dw2 = 0.20 df/dx0 = 0.39 df/dx1 = -0.59",
    "df/ds = 0.20 df/dm = -0.20 df/de = -0.53 df/dd = -0.53",
    "(1 - f) f = 0.1966 local derivative = 0.1966",
    "df/dx1: eight gates -0.5898, five gates -0.5898",
    "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 3 = 3, together 6",
    "∂f/∂u · ∂u/∂x = 6 × 1 = 6 ∂f/∂v · ∂v/∂x = 4 × 2 = 8 added up: 14",
    "df/dx = 6.0 df/dx = 12.0 blanked first: 6.0",
]

PICTURED = [
    "−12",
    "−4",
    "0.7311",
    "−0.5344",
    "−0.1966",
    "−0.3932",
    "−0.5898",
    "×−1",
    "exp",
    "1/x",
    "σ",
    "max",
    "w·x+b",
]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "01.predict-chain": (
        ["-4", "'−4'", "Value(-4)", "-4.0"],
        {
            "4": "the sign is not",
            "-3": "multiplied, not added",
            "1": "How fast does f move when q does",
            "8": "the value of x plays no part",
            "-0.25": "one over it",
        },
    ),
    "01.predict-push": (
        ["'b'", "'down'", "'B'", "'b down'"],
        {"'a'": "what does f do when x goes up", "-4": "one of a, b"},
    ),
    "01.predict-weight": (
        ["-0.2", "'-0.20'", "-0.197", "'−0,2'"],
        {
            "0.2": "the sign is not",
            "0.39": "that is what x0 gets",
            "0.4": "what x0 gets",
            "-0.4": "factor of 2",
            "-1": "derivative alone",
            "0": "moves by x0 = −1",
            "(0, -2)": "decimals have a point",
        },
    ),
    "01.predict-sigmoid": (
        ["0.2", "'0.20'", "0.1966", "0.27 * 0.73", "'(1 - 0.73) * 0.73'"],
        {
            "0.73": "the value of the gate",
            "0.27": "a second factor",
            "0.19": "round only at the end",
            "20": "decimal point",
        },
    ),
    "01.predict-add": (
        ["(5, 5)", "[5.0, 5.0]", "'5, 5'", "'5 and 5'", "'a: 5, b: 5'", "{'a': 5, 'b': 5}"],
        {
            "(2.5, 2.5)": "nothing is divided",
            "(1, 1)": "the upstream gradient",
            "(15, -5)": "play no part",
            "5": "you gave one",
        },
    ),
    "01.predict-max": (
        ["(5, 0)", "'(5, 0)'"],
        {
            "(0, 5)": "Which is it",
            "(1, 0)": "the upstream gradient",
            "(5, 5)": "that would be a sum",
            "(15, 0)": "plays no part",
            "(15, -5)": "play no part",
        },
    ),
    "01.predict-times": (
        ["(-5, 15)", "(5 * -1, 5 * 3)", "'−5; 15'"],
        {
            "(15, -5)": "not of its own",
            "(-1, 3)": "the upstream gradient",
            "(5, -15)": "every sign",
            "(-5, 5)": "∂f/∂a is right",
        },
    ),
    "01.predict-paths": (
        ["14", "14.0", "'6 + 8'"],
        {
            "6": "through v is missing",
            "8": "through u is missing",
            "48": "added, not multiplied",
            "10": "counts double",
            "-14": "the sign",
        },
    ),
    "01.predict-twice": (
        ["12", "12.0", "'12'"],
        {"6": "gradients add up", "36": "not multiplied", "0": "unless you blank it"},
    ),
    "01.1": (
        ["(2, 5, 0)", "[2.0, 5.0, 0.0]", "'2, 5, 0'", "{'a': 2, 'b': 5, 'c': 0}", "np.array([2, 5, 0])"],
        {
            "(2, 2, 0)": "b is used a second time, in the max",
            "(2, 3, 0)": "b is used a second time, in the sum",
            "(2, 6, 0)": "added, not multiplied",
            "(2, 5, 3)": "Is that c?",
            "(3, 5, 0)": "the other factor",
            "(5, 2, 0)": "their order is not",
            "(2, 5)": "3 numbers are asked for",
            "5": "you gave one",
        },
    ),
    "01.2": (
        ["(1, 5, 6)", "(-2, 8, 6)", "'0.5, 5.5, 6'"],
        {
            "(6, 6, 6)": "∂f/∂z is 12",
            "(1, 5, 5)": "∂f/∂x and ∂f/∂y are 5",
            "(3, 4, 5)": "each must be 6",
            "(1, 2)": "3 numbers are asked for",
            "'x'": "3 numbers are asked for",
        },
    ),
    "01.3": (
        ["lambda x: 2 * sigmoid(2 * x) - 1", "lambda x: 1 - 2 * sigmoid(-2 * x)", "'2*sigmoid(2*x) - 1'"],
        {
            "lambda x: 2 * sigmoid(x) - 1": "not steep enough",
            "lambda x: x.tanh()": "yours has the gate tanh",
            "lambda x: sigmoid(2 * x)": "stretch the range",
            "lambda x: 4 * sigmoid(x) - 2": "from −2 to 2",
            "lambda x: 2 * sigmoid(2 * x)": "move it down",
            "lambda x: 1 - 2 * sigmoid(2 * x)": "the sign is the wrong way round",
            "2": "a function is asked for",
            "lambda: 1": "a function of x",
        },
    ),
}

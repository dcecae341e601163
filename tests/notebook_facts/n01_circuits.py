"""What notebook 01_circuits shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "q = 3, f = -12",
    "df/df = 1 df/dq = -4 df/dz = 3 df/dx = -4 df/dy = -4",
    "∂f/∂x += ∂f/∂q · ∂q/∂x = (−4) × 1 = −4",
    "before: f = -12 after: f = -11.5924",
    "s 1.00 0.20 m -1.00 -0.20 e 0.37 -0.53 d 1.37 -0.53 f 0.73 1.00",
    "df/dw0 = -0.20 df/dw1 = -0.39 df/dw2 = 0.20 df/dx0 = 0.39 df/dx1 = -0.59",
    "(1 - f) f = 0.1966 local derivative = 0.1966",
    "df/dx1: eight gates -0.5898, five gates -0.5898",
    "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 3 = 3, together 6",
    "∂f/∂x += ∂f/∂u · ∂u/∂x = 6 × 1 = 6, together 14",
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
]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
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
            "lambda x: 2 * sigmoid(2 * x)": "move it down",
            "lambda x: 1 - 2 * sigmoid(2 * x)": "the sign is the wrong way round",
            "2": "a function is asked for",
            "lambda: 1": "a function of x",
        },
    ),
}

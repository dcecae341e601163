"""What notebook 09_from_scalars_to_arrays shows, and answers to its questions."""

from importlib.util import find_spec

FIGURES = [  # what it prints, white space aside
    "gate by gate: [9.0, 2.0] in matrices: [9.0, 2.0]",
    "tracing 38 gates for one example of 3 numbers",
    "3 operations: 2 matrix products, 1 gate; all for every example 20 multiplications in the products",
    "v1 = p[0:12] · x0 4 × 3 · 3 × B v2 = maximum(0, v1) 4 × B v3 = p[12:20] · v2 2 × 4 · 4 × B",
    "[[9.0, 2.0], [3.0, -2.0], [8.0, -6.0]]",
    "v2 = p[0:16] · v1 4 × 4 · 4 × B MLP.0 v3 = relu(v2) 4 × B MLP.0 v4 = put(v3 at [0:4], 1 at [4]) 5 × B MLP.2",
    "38 lines 23 = multiply(0, 20) 24 = multiply(1, 21) 25 = add(23, 24)",
    "10 lines 23 = dot(0, 1, 2, 20, 21, 22, 0.0) 24 = dot(3, 4, 5, 20, 21, 22, 0.0)",
    "product of the matrix with the rows (0, 1, 2) (3, 4, 5) (6, 7, 8) (9, 10, 11) and the column (20, 21, 22)",
    "takes p from 0 on, as (4, 3) takes x0 from 0 on, as (3, 1) v2 of shape (4,) for every example takes 0.0",
    *("d14 = d13 · x0ᵀ, 4 × B · B × 3", "d4 = d3 · v2ᵀ, 2 × B · B × 4 d5 = p[12:20]ᵀ · d3, 4 × 2 · 2 × B"),
    "20 derivatives, program and circuit, difference below 1e-12: True",
    "v1 = put(x0 at [0:3], 1 at [3]) 4 × B Layer v2 = p · v1 4 × 4 · 4 × B Layer v3 = sigmoid(v2) 4 × B Layer",
    "20 activations, formula and program, difference below 1e-12: True",
    "dW, formula and program, difference below 1e-12: True",
    "db, formula and program, difference below 1e-12: True",
    "array program, NumPy loss",
    "asks for the number of a Value while compile records the function",
    "(1.0, array([1. , 0.1, 0.1]))",
    "v1 = gather(x0, p) 2 × B d8 = scatter(x0, d5), 24",
    "hours that the pair of 3 and 7 moves: [3, 7]",
    "loss 0.22 after round the middle: [0, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1] distance from it: [2.45, 2.45,",
    "2,410 weights after 90 steps, difference below 1e-12: True",
    "at least 95 % of digits never seen before: True",
    "(1437, 2410), their mean is the gradient, difference below 1e-12: True",
    "apart by less than 1e-8: True",
]
if find_spec("torch"):
    FIGURES.append("PyTorch loss")
if find_spec("jax"):
    FIGURES += ["8 devices, 1 all-reduce", "eight devices and one, difference below 1e-12: True"]

PICTURED = [  # a size ends in a space that does not break
    *("parameters", "78 gates rolled into 13 operations; dashed: once; others: for each of B examples"),
    *(f"{size}\N{NO-BREAK SPACE}" for size in ("4 × 3 · 3 × B", "2 × 4 · 4 × B", "32 × 65 · 65 × B")),
]

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "09.predict-products": (
        ["2", "'2'", "2.0"],
        {"3": "is no product", "20": "single numbers", "1": "there is the maximum", "6": "the neurons"},
    ),
    "09.predict-size": (
        ["(4, 5)", "'4, 5'", "[4, 5]"],
        {
            "(5, 4)": "their order",
            "(3, 5)": "size of the inputs",
            "(4, 3)": "W₁ itself",
            "(4, 1)": "a single example",
            "(2, 5)": "second product",
        },
    ),
    "09.predict-backward": (
        ["3", "3.0"],
        {"4": "nobody asks", "2": "the two dW"},
    ),
    "09.predict-penalty": (
        ["1", "'1'"],
        {"64": "eager code", "0": "at least once"},
    ),
    "09.predict-speed": (
        ["'c'", "'C'", "'several hundred'"],
        {"'a'": "beside the arithmetic", "'b'": "beside the arithmetic"},
    ),
    "09.predict-if": (
        ["-3", "'−3'"],
        {"-0.3": "never heard of the other way", "3": "the sign is not", "0": "no 0 in it"},
    ),
    "09.1": (
        ["(4, 7)", "[4, 7]", "'4, 7'"],
        {
            "(4, 8)": "derivative by the pixels",
            "(4, 4)": "ones for the weights",
            "(3, 5)": "how many layers",
            "11": "you gave one",
        },
    ),
    "09.2": (
        [
            "lambda r: where(1 - abs(r), r**2 / 2, abs(r) - 0.5)",
            "lambda r: where(abs(r) - 1, abs(r) - 1 / 2, r * r / 2)",
        ],
        {
            "lambda r: r**2 / 2": "at r = -3",
            "lambda r: abs(r) - 0.5": "at r = -0.25",
            "lambda r: r**2 / 2 if abs(r) <= 1 else abs(r) - 0.5": "cannot be compiled",
            "lambda r: where(r, r**2 / 2, abs(r) - 0.5)": "Huber's loss is",
            "lambda r: where(abs(r) <= 1, r**2 / 2, abs(r) - 0.5)": "its c is a number",
            "'where(1 - abs(r), r**2 / 2, abs(r) - 0.5)'": "without the quotes",
            "0.5": "a function is asked for",
        },
    ),
    "09.3": (
        [
            "lambda w, x: [w[0] * x[i] + w[1] * x[i + 1] + w[2] * x[i + 2] for i in range(6)]",
            "lambda w, x: [sum(w[j] * x[i + j] for j in range(3)) for i in range(6)]",
        ],
        {
            "lambda w, x: [w[0] * x[0] + w[1] * x[1] + w[2] * x[2]]": "it gives 1 number,",
            "lambda w, x: [w[0] * x[i] + w[1] * x[i + 1] + w[2] * x[i + 2] for i in range(5)]": "six are asked for",
            "lambda w, x: [w[0] * x[i] for i in range(6)]": "Let the same three weights",
            "lambda w, x: w[0]": "six are asked for",
            "(1, 3)": "a function is asked for",
        },
    ),
}

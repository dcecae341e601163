"""What notebook 09_from_scalars_to_arrays shows, and answers to its exercises."""

from importlib.util import find_spec

FIGURES = [  # what it prints, white space aside
    "gate by gate: [9.0, 2.0] in matrices: [9.0, 2.0]",
    "tracing 38 gates for one example of 3 numbers",
    "3 groups: 2 matrix products, 1 map",
    "#1 1 W·x 4 × 3 · 3 × B each params, x0 #2 2 maximum 4 × B each 0, #1 #3 3 W·x 2 × 4 · 4 × B each params, #2",
    "[[9.0, 2.0], [3.0, -2.0], [8.0, -6.0]]",
    "#1 1 W·x + b 4 × 3 · 3 × B each params, x0 MLP.0 #2 2 relu 4 × B each #1 MLP.0 #3 3 W·x + b 2 × 4 · 4 × B",
    "38 lines 23 = multiply(0, 20) 24 = multiply(1, 21) 25 = add(23, 24)",
    "10 lines 23 = dot(0, 1, 2, 20, 21, 22, 0.0) 24 = dot(3, 4, 5, 20, 21, 22, 0.0)",
    "product of the matrix with the rows (0, 1, 2) (3, 4, 5) (6, 7, 8) (9, 10, 11) and the column (20, 21, 22)",
    "takes params from 0 on, as (4, 3) takes x0 from 0 on, as (3, 1)",
    "#3 2 × B · B × 4 4 × 2 · 2 × B #1 4 × B · B × 3",
    "20 derivatives, program and circuit, difference below 1e-12: True",
    "W·x + b 4 × 3 · 3 × B",
    "20 activations, formula and program, difference below 1e-12: True",
    "dW, formula and program, difference below 1e-12: True",
    "db, formula and program, difference below 1e-12: True",
    "array program, NumPy loss",
    "asks for the number of a Value while compile records the function",
    "(1.0, array([1. , 0.1, 0.1]))",
    "2,410 weights after 90 steps, difference below 1e-12: True",
    "at least 95 % of digits never seen before: True",
]
if find_spec("torch"):
    FIGURES.append("PyTorch loss")
if find_spec("jax"):
    FIGURES += ["8 devices, 1 all-reduce", "eight devices and one, difference below 1e-12: True"]

PICTURED = [  # a size ends in a space that does not break
    *("parameters", "for every example", "once"),
    *(f"{size}\N{NO-BREAK SPACE}" for size in ("4 × 3 · 3 × B", "2 × 4 · 4 × B", "32 × 64 · 64 × B")),
]

ANSWERS = [  # for each exercise right answers, then wrong ones, as a student would type them
    (
        ["(4, 7)", "[4, 7]"],
        ["(4, 8)", "(4, 4)", "(3, 5)", "11", "'z'"],
    ),
    (
        [
            "lambda r: where(1 - abs(r), r**2 / 2, abs(r) - 0.5)",
            "lambda r: where(abs(r) - 1, abs(r) - 1 / 2, r * r / 2)",
        ],
        [
            "lambda r: r**2 / 2",
            "lambda r: abs(r) - 0.5",
            "lambda r: r**2 / 2 if abs(r) <= 1 else abs(r) - 0.5",
            "lambda r: where(r, r**2 / 2, abs(r) - 0.5)",
            "0.5",
        ],
    ),
    (
        [
            "lambda w, x: [w[0] * x[i] + w[1] * x[i + 1] + w[2] * x[i + 2] for i in range(6)]",
            "lambda w, x: [sum(w[j] * x[i + j] for j in range(3)) for i in range(6)]",
        ],
        [
            "lambda w, x: [w[0] * x[0] + w[1] * x[1] + w[2] * x[2]]",
            "lambda w, x: [w[0] * x[i] + w[1] * x[i + 1] + w[2] * x[i + 2] for i in range(5)]",
            "lambda w, x: [w[0] * x[i] for i in range(6)]",
            "lambda w, x: w[0]",
            "(1, 3)",
        ],
    ),
]

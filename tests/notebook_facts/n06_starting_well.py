"""What notebook 06_starting_well shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "all 0.5 loss 0.383, accuracy 0.800",
    "(0.260, -0.754) (0.260, -0.754) (0.260, -0.754) (0.260, -0.754)",
    "all 0 loss 0.693, accuracy 0.500",
    "(0.000, 0.000) (0.000, 0.000) (0.000, 0.000) (0.000, 0.000)",
    "random loss 0.122, accuracy 0.975",
    "std 0.01 7.0e-02 1.8e-09 2.4e-10 8.3e-03 0%",
    "variance 0.01 4.5e-01 1.1e-02 2.1e-03 8.3e-02 0%",
    "std 1 9.3e-01 9.2e-01 2.3e+01 8.3e-01 61%",
    "Xavier 6.2e-01 2.4e-01 1.1e-01 2.1e-01 0%",
    "variance 0.00497, wanted 0.00500",
    "variance 0.00501, wanted 0.00500",
    "√(6 / (n_in + n_out)) = 0.1225 biases: {0.0}",
    "relu, Xavier a layer multiplies outputs by 0.74, gradients by 0.67",
    "relu, He a layer multiplies outputs by 1.05, gradients by 0.95",
    "std 0.01 loss 0.694 → 0.693",
    "handed on, in the network -0.0181 -0.7534 0.5927 -0.8510",
    "handed on, alone on a table -0.0181 -0.7534 0.5927 -0.8510",
    "out: means [0. 0. 0.] standard deviations [1. 1. 1.]",
    "in and out differ by less than 1e-12: True",
    "std 0.1, without loss 0.695 → 0.692",
    "in training: BatchNorm in training needs two examples or more",
    "standardised covariance [1. 0.94 0.94 1. ]",
    "whitened covariance [1. 0. 0. 1.]",
    "StandardScaler, below 1e-12: True",
    "PCA(whiten=True), below 1e-12: True",
    "correlations of Uᵀ X' [0. 0. 0.]",
    "as it is best lr 1e-06",
    "standardised best lr 1: loss 1.099 → 0.056",
    "fan-in 100: lr 0.010 for 2525 parameters fan-in 25: lr 0.020 for 104 parameters fan-in 4: lr 0.050 for 5",
]

PICTURED = ["MLP.0", "MLP.10", "∂f/∂w up to 42.2"]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "06.same": (
        ["1", "'1'"],
        {"4": "make them differ", "3": "make them differ", "2": "make them differ", "'one'": "cannot be read"},
    ),
    "06.variance": (
        ["0.1", "'1/10'", "0.01**0.5"],
        {"0.01": "which is the variance", "0.0001": "the root", "1": "decimal point"},
    ),
    "06.fading": (
        ["1.5e-9", "(30**0.5 * 0.01)**7", "1e-9"],
        {
            "0.01**7": "adds up 30 terms",
            "0.3**7": "standard deviations",
            "0.1": "there are seven",
            "0": "not gone",
            "1e-20": "not so small",
        },
    ),
    "06.relu": (
        ["'c'", "'C'"],
        {"'a'": "make up for it", "'b'": "without a bend", "'d'": "not a quarter", "2": "the answer is one of"},
    ),
    "06.hundred": (["'c'"], {"'a'": "What is ẑ then", "'b'": "What is ẑ then", "100": "the answer is one of"}),
    "06.rate": (
        ["1e-6", "0.000001", "'10**-6'"],
        {"1": "gets gradients", "1e-5": "gets gradients", "1e-7": "one of the seven", "'small'": "cannot be read"},
    ),
    "06.1": (
        ["(0.2, 0.35)", "(0.20, 0.346)", "[np.sqrt(2 / 50), np.sqrt(6 / 50)]", "'0.2, 0.35'"],
        {
            "(0.04, 0.12)": "these are the squares",
            "(0.2, 0.2)": "would be its standard deviation",
            "(0.35, 0.2)": "their order",
            "(np.sqrt(2 / 20), 0.35)": "n_out counts",
            "0.2": "2 numbers",
        },
    ),
    "06.2": (
        [
            "lambda fan_in, k: np.sqrt(2 / ((1 + k**2) * fan_in))",
            "lambda fan_in, k: (2 / fan_in / (1 + k * k)) ** 0.5",
            "'sqrt(2 / (fan_in * (1 + k**2)))'",
        ],
        {
            "lambda fan_in, k: np.sqrt(2 / fan_in)": "right for k = 0 only",
            "lambda fan_in, k: 2 / ((1 + k**2) * fan_in)": "its root is asked for",
            "lambda fan_in, k: np.sqrt(2 / ((1 + k) * fan_in))": "squares by k²",
            "lambda fan_in, k: np.sqrt(1 / fan_in) * (1 + k)": "multiplied by k²",
            "lambda fan_in: np.sqrt(2 / fan_in)": "a function of fan_in, k",
            "0.1": "a function",
        },
    ),
    "06.3": (
        ["lambda training, test: (test - training.mean(0)) / training.std(0)"],
        {
            "lambda training, test: (test - test.mean(0)) / training.std(0)": "alone or among others",
            "lambda training, test: (test - test.mean(0)) / test.std(0)": "alone or among others",
            "lambda training, test: test - training.mean(0)": "now the deviation",
            "lambda training, test: (test - training.mean()) / training.std()": "of its own",
            "lambda training, test: (test - training.mean(0)) / training.var(0)": "its root",
            "lambda training, test: training": "has the shape",
            "1": "a function",
        },
    ),
}

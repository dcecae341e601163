"""What notebook 10_a_gpt_of_scalars shows, and answers to its questions."""

from importlib.util import find_spec

FIGURES = [  # what it prints, white space aside
    "brivipir pafur fudurol revinel buvomur magus",
    "19 tokens read [18, 1, 13, 6, 17, 6, 12, 6, 13] next [1, 13, 6, 17, 6, 12, 6, 13, 18]",
    "a name costs 22.0 without any idea, and 11.8 at best",
    "3,856 parameters",
    "as they stand: [ 0.6741 -0.4222 -0.0219 -0.0187] backwards: [ 0.6741 -0.4222 -0.0219 -0.0187]",
    "loss 16.42, 2,687 gates rows that have a gradient: ['a', 'r', 's', 'END']",
    "brivipir 25.75, by token 2.86 pafur 18.65, by token 3.11",
    "tracing 5,474 gates for one example of 33 numbers",
    "arrays 112 operations: 1 gather, 91 gates, 9 matrix products",
    "reverse 200 operations: 153 gates, 2 partials, 18 matrix products",
    "losses, difference below 1e-12: True weights, difference below 1e-12: True",
    "4,000 steps in",
    "less than 0.2 above the best possible: True",
    "at least nine in ten obey them: True",
    *("tim a 0.0", "tom a 0.", "in harmony more than 0.95: True tom", "in harmony more than 0.95: True"),
    "looks at them most; more than half: True",
    "the head of section 3, difference below 1e-12: True",
    "the formulas and the circuit agree to 12 decimals",
    "the whole head: slopes and second derivatives right, by numbers",
    "Values, collector on 1",
    "compiled, collector on 32",
]
if find_spec("torch"):
    FIGURES += [
        "loss, difference below 1e-12: True 3,856 derivatives, difference below 1e-12: True",
        "PyTorch, collector on 32",
    ]

PICTURED = ["s_END", "p_i", "v_m", "out"]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "10.predict-no-idea": (
        ["17.67", "6 * math.log(19)", "'6 · ln(19)'", "17.7"],
        {
            "14.72": "END is to be guessed",
            "20.61": "the first END is given",
            "2.94": "that is one token",
            "17.34": "there are nineteen",
            "25.49": "base 2",
            "7.673": "base 10",
            "19**-6": "the probability",
            "-17.67": "the sign is not",
        },
    ),
    "10.predict-order": (
        ["'b'", "'B'", "'no'"],
        {"'a'": "share of its own key", "'yes'": "share of its own key"},
    ),
    "10.predict-rows": (
        ["4", "4.0", "'4'"],
        {
            "6": "are read twice",
            "3": "before the first",
            "5": "come twice",
            "19": "that is all of them",
            "1": "Which tokens are read",
        },
    ),
    "10.predict-slope": (
        ["1", "0.5 * (3 - 1)", "'½ · (3 − 1)'"],
        {
            "1.5": "the others lose",
            "0.5": "by the value",
            "2": "How large is its share",
            "0.25": "the slope of the share",
            "0.75": "have values, too",
            "-1": "the sign is not",
        },
    ),
    "10.1": (
        ["(2, 3/4, 1/2, -5/4)", "[2, 0.75, 0.5, -1.25]", "'2, 3/4, 1/2, −5/4'"],
        {
            "(2, 1, 1, 0)": "That is share times value",
            "(2, 1/8, 1/4, 5/8)": "the derivative by the value",
            "(2, 0.75, 1, -1.25)": "the mean is to be subtracted",
            "(2, 0.75, 0.5, 0)": "which it takes from the others",
            "(4, 0.75, 0.5, -1.25)": "if all shares were alike",
            "(3, 0.75, 0.5, -1.25)": "Divide by their sum",
            "(0.75, 0.5, -1.25)": "you gave 3",
        },
    ),
    "10.2": (
        ["(-5, 5)", "[-4, 4]", "'−10, 10'", "(-20, 3.5)"],
        {
            "(0, 10)": "what sets it apart",
            "(10, 0)": "Which product is to be the largest",
            "(5, 5)": "Which product is to be the largest",
            "(-1, 1)": "not far enough",
            "(0, 0)": "what sets it apart",
            "5": "you gave one",
        },
    ),
    "10.3": (
        [
            "lambda scores, temperature: softmax([score / temperature for score in scores])",
            "lambda z, T: [math.exp(s / T) / sum(math.exp(other / T) for other in z) for s in z]",
            "lambda z, T: softmax((np.array(z) / T).tolist())",
        ],
        {
            "lambda scores, temperature: softmax([score * temperature for score in scores])": "Which way round",
            "lambda scores, temperature: softmax(scores)": "Divide each score",
            "lambda scores, temperature: [p / temperature for p in softmax(scores)]": "add up to 1",
            "lambda scores, temperature: [score / temperature for score in scores]": "these are scores",
            "lambda scores, temperature: max(scores)": "has the shape",
            "0.5": "a function is asked for",
        },
    ),
}

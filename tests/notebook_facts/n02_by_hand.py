"""What notebook 02_by_hand shows, and answers to its exercises."""

FIGURES = [  # what it prints, white space aside
    "net_h1 = 0.3775 out_h1 = 0.593269992 out_h2 = 0.596884378",
    "net_o1 = 1.105905967 out_o1 = 0.751365070 out_o2 = 0.772928465",
    "E_o1 = 0.274811083 E_o2 = 0.023560026 E = 0.298371109",
    "dE/dout_o1 0.741365070 0.741365070",
    "dout_o1/dnet_o1 0.186815602 0.186815602",
    "delta_o1 0.138498562 0.138498562",
    "dE/dw5 0.082167041 0.082167041",
    "dE_o1/dout_h1 0.055399425 0.055399425",
    "dE_o2/dout_h1 -0.019049118 -0.019049118",
    "dE/dout_h1 0.036350306 0.036350306",
    "dout_h1/dnet_h1 0.241300709 0.241300709",
    "dE/dw1 0.000438568 0.000438568",
    "w1 = 0.149780716 w2 = 0.199561432 w3 = 0.249751144 w4 = 0.299502287",
    "w5 = 0.358916480 w6 = 0.408666186 w7 = 0.511301270 w8 = 0.561370121",
    "all at once 0.291027774 3.510188e-05 0.015913620 0.984064274",
    "outputs first 0.291027924 3.508479e-05 0.015912196 0.984065734",
    "w1 = 0.149817639",
    "wanted a bias of 0.0, got 0.844",
    "y_hat - y = -0.287971370757 dL/dz2 = -0.287971370757",
    "theta0 (3, 4) differs by",
    "b0 (1, 4) differs by",
    "theta1 (4, 1) differs by",
    "b1 (1, 1) differs by",
    "(1, 4) times (4, 4) gives (1, 4)",
    "z1 differs by less than 1e-12: True",
    "last row differs by less than 1e-12: True",
    "other rows differs by less than 1e-12: True",
    "e^z / (1 + e^z) differs by less than 1e-12: True",
    "dW (5, 10) differs by",
    "dX (10, 3) differs by",
]

PICTURED = [
    "0.5933",
    "0.5969",
    "0.7514",
    "0.7729",
    "0.2748",
    "0.02356",
    "0.2984",
    "0.08217",
    "0.1385",
]  # what its pictures show

ANSWERS = {  # for each question right answers, and wrong ones with a piece of the hint that each gets
    "02.predict-error": (
        ["0.741", "'0.7414'", "0.7513650695523157 - 0.01", "'0,741'"],
        {
            "-0.741": "does the error rise or fall",
            "0.275": "that is the error itself",
            "1.48": "do not forget the ½",
            "0.751": "the target is missing",
        },
    ),
    "02.predict-larger": (
        ["'b'", "'w6'", "'B'"],
        {"'a'": "own value plays no part", "'c'": "what comes in beside it", "0.6": "one of a, b, c"},
    ),
    "02.predict-two": (["'b'", "'weaken'", "'they weaken each other'"], {"'a'": "too high and the other too low"}),
    "02.predict-block": (
        ["-0.012", "-1 * 0.2413 * 0.05", "'−0.0121'", "-0.012065"],
        {
            "-0.24": "gradient at the weighted sum",
            "-0.05": "the slope of the sigmoid is missing",
            "0.012": "the upstream gradient is missing",
            "0.00044": "that is with the upstream gradient of our net",
            "-0.036": "that is the gradient of i1",
            "-0.12": "the decimal point is not",
        },
    ),
    "02.predict-step": (
        ["0.149781", "'0.149780716'", "0.15 - 0.5 * 0.000438568"],
        {
            "0.150219": "go against the gradient",
            "0.149561": "the rate",
            "-0.000219284": "that is the step",
            "0.1498": "round only at the end",
        },
    ),
    "02.predict-order": (
        ["'a'", "'the old ones'", "'A'"],
        {
            "'b'": "belongs to one point",
            "'the new ones'": "one point",
        },
    ),
    "02.predict-cancel": (
        ["-0.2", "'−0,2'", "'-1/5'"],
        {
            "0.2": "the sign is not",
            "-1.25": "slope of the sigmoid is still missing",
            "0.16": "the upstream gradient",
            "-1": "ŷ alone",
            "0.8": "the slope of −ln ŷ",
        },
    ),
    "02.predict-shape": (
        ["(3, 4)", "'3, 4'", "'3 × 4'", "'3x4'", "'3 by 4'", "[3, 4]", "np.zeros((3, 4)).shape"],
        {
            "(4, 3)": "the other way round",
            "(1, 4)": "for each weight",
            "12": "you gave one",
            "(3, 3)": "meet and vanish",
        },
    ),
    "02.1": (
        ["0.0187", "'0.01868'", "Value(0.018686)"],
        {
            "0.00877": "first hidden neuron",
            "0.00995": "second hidden neuron",
            "0.1004": "∂E/∂b2",
            "0.0777": "their sigmoids have slopes",
            "0.0185": "that is close",
            "-0.0187": "the sign",
            "0.187": "decimal point",
            "0": "find the delta of each",
            "'b1'": "without quotes",
        },
    ),
    "02.2": (
        ["lambda y_hat, y: (y_hat - y) * y_hat * (1 - y_hat)", "'(y_hat - y) * y_hat * (1 - y_hat)'"],
        {
            "lambda y_hat, y: y_hat - y": "that is with the cross-entropy",
            "lambda y_hat, y: (y - y_hat) * y_hat * (1 - y_hat)": "the sign is the wrong way round",
            "lambda y_hat, y: y_hat * (1 - y_hat)": "the upstream gradient is missing",
            "lambda y_hat, y: 2 * (y_hat - y) * y_hat * (1 - y_hat)": "the same factor",
            "0.5": "a function is asked for",
            "lambda y: y": "a function of y_hat, y",
        },
    ),
    "02.3": (
        ["lambda A, B, C, D_grad: A.T @ D_grad @ C.T", "lambda A, B, C, dD: (C @ dD.T @ A).T"],
        {
            "lambda A, B, C, D_grad: A @ D_grad @ C": "it raised ValueError",
            "lambda A, B, C, D_grad: D_grad @ C.T": "One more step",
            "lambda A, B, C, D_grad: (A.T @ D_grad @ C.T).T": "(4, 3), (3, 4) is asked for",
            "lambda A, B, C, D_grad: -A.T @ D_grad @ C.T": "the sign",
            "lambda A, B, C, D_grad: 0 * B": "Call A B = M",
            "1": "a function is asked for",
            "'A.T @ D_grad @ C.T'": "without quotes",
        },
    ),
}

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
    "-0.037089415388 -0.037089415388",
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

ANSWERS = [  # for each exercise right answers, then wrong ones, as a student would type them
    (
        ["0.0187", "(delta_o1 * w5 + delta_o2 * w7) * h1 * (1 - h1) + (delta_o1 * w6 + delta_o2 * w8) * h2 * (1 - h2)"],
        ["0.00877", "delta_o1 + delta_o2", "0.0185", "-0.0187", "0", "'b1'"],
    ),
    (
        ["lambda y_hat, y: (y_hat - y) * y_hat * (1 - y_hat)"],
        ["lambda y_hat, y: y_hat - y", "lambda y_hat, y: (y - y_hat) * y_hat * (1 - y_hat)", "0.5", "lambda y: y"],
    ),
    (
        ["lambda A, B, C, D_grad: A.T @ D_grad @ C.T"],
        ["lambda A, B, C, D_grad: A @ D_grad @ C", "lambda A, B, C, D_grad: 0 * B", "1"],
    ),
]

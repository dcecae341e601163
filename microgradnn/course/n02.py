"""The questions of notebook 2, backpropagation by hand."""

from __future__ import annotations

from functools import cache
from typing import Any

from microgradnn.course.questions import Formula, Number, Question
from microgradnn.functional import sigmoid
from microgradnn.value import Value

START = {"w1": 0.15, "w2": 0.20, "w3": 0.25, "w4": 0.30, "w5": 0.40, "w6": 0.45, "w7": 0.50, "w8": 0.55}  # note 002
BIASES = {"b1": 0.35, "b2": 0.60}


@cache
def net() -> dict[str, Value]:
    """The 2-2-2 net of note 002 after a backward pass, its Values by name."""
    v = {name: Value(number, name) for name, number in {**START, **BIASES}.items()}
    v["net_h1"] = v["w1"] * 0.05 + v["w2"] * 0.10 + v["b1"]
    v["net_h2"] = v["w3"] * 0.05 + v["w4"] * 0.10 + v["b1"]
    v["h1"], v["h2"] = sigmoid(v["net_h1"]), sigmoid(v["net_h2"])
    v["net_o1"] = v["w5"] * v["h1"] + v["w6"] * v["h2"] + v["b2"]
    v["net_o2"] = v["w7"] * v["h1"] + v["w8"] * v["h2"] + v["b2"]
    v["o1"], v["o2"] = sigmoid(v["net_o1"]), sigmoid(v["net_o2"])
    v["E"] = (v["o1"] - 0.01) ** 2 / 2 + (v["o2"] - 0.99) ** 2 / 2
    v["E"].backward()
    return v


def _gradient(*names: str) -> float:
    """The sum of the gradients at some Values of the net."""
    return sum(net()[name].grad or 0.0 for name in names)


def _three_matrices() -> list[tuple[Any, ...]]:
    import numpy as np

    rng = np.random.default_rng(0)
    return [tuple(rng.normal(size=shape) for shape in ((2, 3), (3, 4), (4, 5), (2, 5)))]


QUESTIONS: dict[str, Question] = {
    "02.1": Number(
        truth=lambda: _gradient("b1"),
        digits=3,
        why="it is the sum of the deltas of the two hidden neurons, which both use b1.",
        hint="b1 is used by both hidden neurons: find the delta of each, then add.",
        slips=[
            (lambda: _gradient("net_h1"), "that is what comes through the first hidden neuron. Who else uses b1?"),
            (lambda: _gradient("net_h2"), "that is what comes through the second hidden neuron. Who else uses b1?"),
            (lambda: _gradient("net_o1", "net_o2"), "that is ∂E/∂b2: go one layer further to the left."),
            (lambda: _gradient("h1", "h2"), "you have stopped at the outputs of the hidden neurons: "
                                            "their sigmoids have slopes, h (1 − h)."),
        ],
    ),
    "02.2": Formula(
        names=["y_hat", "y"],
        truth=lambda y_hat, y: (y_hat - y) * y_hat * (1 - y_hat),
        points=[(0.05, 0), (0.55, 1), (0.8, 0), (0.3, 1)],
        why="nothing cancels now, so a neuron that is wrong and saturated, ŷ near 0 or 1, hardly learns.",
        hint="It is ∂L/∂ŷ times the slope of the sigmoid, written with its output.",
        slips=[
            (lambda y_hat, y: y_hat - y, "that is with the cross-entropy. Here nothing cancels: "
                                         "the sigmoid's own derivative stays in the product."),
            (lambda y_hat, y: y_hat * (1 - y_hat), "that is the local derivative; the upstream gradient is missing."),
            (lambda y_hat, y: (y_hat - y) ** 2 / 2, "that is the loss itself, not its derivative."),
        ],
    ),
    "02.3": Formula(
        names=["A", "B", "C", "D_grad"],
        truth=lambda A, B, C, D_grad: A.T @ D_grad @ C.T,  # noqa: N803  matrices
        points=_three_matrices,
        why="each factor comes to the other side transposed; the shapes leave no other way.",
        hint="Call A B = M: what is dM in D = M C, and then dB in M = A B?",
        slips=[
            (lambda A, B, C, D_grad: D_grad @ C.T, "that is dM for M = A B. One more step: from M to B."),  # noqa: N803
            (lambda A, B, C, D_grad: B, "that is B itself; its gradient is asked for."),  # noqa: N803
        ],
    ),
}  # fmt: skip

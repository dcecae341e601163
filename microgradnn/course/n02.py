"""The questions of notebook 2, backpropagation by hand."""

from __future__ import annotations

from functools import cache
from typing import Any

from microgradnn.course.questions import Choice, Formula, Number, Numbers, Question
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
    "02.predict-error": Number(
        truth=lambda: _gradient("o1"),
        digits=3,
        why="of ½ (out − 0.01)² remains out − 0.01: the 2 of the square cancels the ½.",
        hint="The derivative of ½ u² is u.",
        slips=[
            (lambda: (net()["o1"].data - 0.01) ** 2 / 2, "that is the error itself, not its derivative."),
            (lambda: 2 * (net()["o1"].data - 0.01), "do not forget the ½: the square brings a factor 2."),
            (lambda: net()["o1"].data, "the target is missing: it is the distance to 0.01 that counts."),
            (lambda: 0.01 - net()["o1"].data, "out_o1 is too high: if it rises, does the error rise or fall?"),
        ],
    ),
    "02.predict-larger": Choice(
        right=lambda: "b" if _gradient("w6") > _gradient("w5") else "a",
        wrong={
            "a": "the weight's own value plays no part: what is it multiplied by?",
            "c": "they share the gradient at net_o1, but each multiplies it by what comes in beside it.",
        },
        words={"w5": "a", "w6": "b", "same": "c"},
        why="∂E/∂w is the gradient at net_o1 times what comes in, and h2 sends a little more than h1.",
        hint="What is each weight multiplied by?",
    ),
    "02.predict-two": Choice(
        right="b",
        wrong={"a": "one output is too high and the other too low: what does each say to a rise?"},
        words={"strengthen": "a", "weaken": "b"},
        why="out_o1 is too high and asks for less, out_o2 is too low and asks for more: +0.055 and −0.019.",
        hint="What does each output say to a rise?",
    ),
    "02.predict-block": Number(
        truth=lambda: -float(net()["h1"].partials[0] or 0.0) * 0.05,
        digits=2,
        why="upstream × slope × input: (−1) · 0.2413 · 0.05. Of the other net the block need know no more than the −1.",
        hint="Three factors: the upstream gradient, the slope of the sigmoid, and what comes in beside w1.",
        slips=[
            (-0.2413, "that is the gradient at the weighted sum. What is w1 multiplied by there?"),
            (-0.05, "the slope of the sigmoid is missing."),
            (0.0121, "the upstream gradient is missing."),
            (lambda: _gradient("w1"), "that is with the upstream gradient of our net. Here it is −1."),
            (-0.2413 * 0.15, "that is the gradient of i1. For w1 the other factor counts."),
        ],
    ),
    "02.predict-step": Number(
        truth=lambda: 0.15 - 0.5 * _gradient("w1"),
        digits=6,
        why="half of the gradient, downhill.",
        hint="w − η ∂E/∂w with η = 0.5.",
        slips=[
            (lambda: 0.15 + 0.5 * _gradient("w1"), "that way E rises: go against the gradient."),
            (lambda: 0.15 - _gradient("w1"), "the rate η = 0.5 is missing."),
            (lambda: -0.5 * _gradient("w1"), "that is the step. Where does it lead from 0.15?"),
        ],
    ),
    "02.predict-order": Choice(
        right="a",
        wrong={"b": "a gradient belongs to one point: the error was made with the old weights."},
        words={"old": "a", "new": "b"},
        why="the error was made with the old weights, and the gradient is that of the point where it was made.",
        hint="With which weights was the error made?",
    ),
    "02.predict-cancel": Number(
        truth=0.8 - 1,
        why="(−1 / 0.8) · 0.8 · (1 − 0.8) = 0.8 − 1, that is ŷ − y, nothing more.",
        hint="The loss is −ln ŷ, with the slope −1/ŷ; the sigmoid has the slope ŷ (1 − ŷ). Multiply.",
        slips=[
            (-1.25, "that is ∂L/∂ŷ, the slope of the loss: the slope of the sigmoid is still missing."),
            (0.16, "that is the slope of the sigmoid alone: the upstream gradient ∂L/∂ŷ is missing."),
            (-1, "you multiplied by ŷ alone: the slope of the sigmoid is ŷ (1 − ŷ)."),
            (0.8, "that is ŷ. What is the slope of −ln ŷ, and that of the sigmoid?"),
        ],
    ),
    "02.predict-shape": Numbers(
        names=["rows", "columns"],
        truth=(3, 4),
        why="a gradient has the shape of what it belongs to, and θ₀ is 3 × 4.",
        hint="It has one number for each weight in θ₀.",
        slips=[
            ((4, 3), "that is the other way round: the rows of θ₀ are the inputs."),
            ((1, 4), "that is the shape of Δz₁, and of Δb₀. There is a gradient for each weight."),
            ((3, 3), "a₀ᵀ is 3 × 1 and Δz₁ is 1 × 4: the ones meet and vanish."),
        ],
    ),
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

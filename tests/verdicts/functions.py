"""Functions that take more than a line, as people write them: of networks, of physics, of loops and branches."""

from __future__ import annotations

from typing import Any

from microgradnn import cos, dot, erf, exp, expm1, hypot, log, relu, sigmoid, sin, softmax, sqrt, tanh


def layer(weights: Any, inputs: Any) -> Any:
    return sum([tanh(dot(row[:-1], inputs, row[-1])) for row in weights])


def network(first: Any, second: Any, inputs: Any) -> Any:
    hidden = [tanh(sum(w * x for w, x in zip(row, inputs)) + row[-1]) for row in first]  # noqa: B905
    return sum(w * h for w, h in zip(second, hidden))  # noqa: B905


def relu_network(first: Any, second: Any, inputs: Any) -> Any:
    hidden = [relu(row[0] * inputs[0] + row[1] * inputs[1] + row[2]) for row in first]
    return sigmoid(second[0] * hidden[0] + second[1] * hidden[1])


def cross_entropy_of_digits(logits: Any) -> Any:
    return -log(softmax(logits)[1])


def pendulum(angle: Any, speed: Any) -> Any:
    for _ in range(5):
        angle, speed = angle + 0.1 * speed, speed - 0.1 * 9.81 * sin(angle)
    return angle


def newton_root(x: Any) -> Any:
    root = 0.5 * (1 + x)
    for _ in range(4):
        root = 0.5 * (root + x / root)
    return root


def horner(coefficients: Any, x: Any) -> Any:
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def rosenbrock(v: Any) -> Any:
    return sum(100 * (v[n + 1] - v[n] ** 2) ** 2 + (1 - v[n]) ** 2 for n in range(len(v) - 1))


def lennard_jones(r: Any, depth: Any, size: Any) -> Any:
    return 4 * depth * ((size / r) ** 12 - (size / r) ** 6)


def taylor_of_exp(x: Any) -> Any:
    total = term = 1.0
    for n in range(1, 100):
        term = term * x / n
        total = total + term
    return total


def variance(xs: Any) -> Any:
    return sum(x * x for x in xs) / len(xs) - (sum(xs) / len(xs)) ** 2


def larger_root(a: Any, b: Any, c: Any) -> Any:
    return (-b + sqrt(b * b - 4 * a * c)) / (2 * a)


def black_scholes(spot: Any, strike: Any, rate: Any, volatility: Any) -> Any:
    d = (log(spot / strike) + rate + volatility**2 / 2) / volatility
    return spot * (1 + erf(d / 2**0.5)) / 2 - strike * exp(-rate) * (1 + erf((d - volatility) / 2**0.5)) / 2


def planck(x: Any) -> Any:
    return x**3 / expm1(x)


def arm(a: Any, b: Any, upper: Any, lower: Any) -> Any:
    return hypot(upper * cos(a) + lower * cos(a + b), upper * sin(a) + lower * sin(a + b))


def tower(x: Any) -> Any:
    for _ in range(30):
        x = sin(x) + 0.5 * x
    return x


def product(xs: Any) -> Any:
    total = 1.0
    for x in xs:
        total = total * x
    return total


def by_branch(x: Any) -> Any:
    if x > 1:
        return x**2
    return 2 * x - 1 + (x - 1) ** 2

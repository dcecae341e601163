"""Scalars in micrograd's style, as light as plain Python makes them: slots, and slopes in place of closures.

A gate keeps its operands and the slope along each, so that no function is made for it and no cycle of references. What
the GPT of `gpt` needs is here, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


class Value:
    """A number, the operands that it was computed from, and its slope along each of them."""

    __slots__ = ("data", "grad", "operands", "slopes")

    def __init__(self, data: float, operands: tuple[Value, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data, self.grad = data, 0.0
        self.operands, self.slopes = operands, slopes

    def __add__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, exponent: float) -> Value:
        return Value(self.data**exponent, (self,), (exponent * self.data ** (exponent - 1),))

    def __neg__(self) -> Value:
        return self * -1

    def __sub__(self, other: Value | float) -> Value:
        return self + -other

    def __truediv__(self, other: Value | float) -> Value:
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> Value:
        """The exponential."""
        raised = math.exp(self.data)
        return Value(raised, (self,), (raised,))

    def log(self) -> Value:
        """The natural logarithm."""
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> Value:
        """max(x, 0)."""
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def backward(self) -> None:
        """Add to the gradient of everything that led here."""
        order: list[Value] = []
        seen = set()

        def visit(value: Value) -> None:
            if value not in seen:
                seen.add(value)
                for operand in value.operands:
                    visit(operand)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for operand, slope in zip(value.operands, value.slopes, strict=True):
                operand.grad += slope * value.grad


# ---- the functions of `gpt.Functions` -------------------------------------------------------------------------------


def take(table: Sequence[Sequence[Value]], index: int) -> Sequence[Value]:
    """A row."""
    return table[index]


def relu(x: Value) -> Value:
    """max(x, 0)."""
    return x.relu()


def softmax(scores: Sequence[Value]) -> list[Value]:
    """The share of each exponential in their sum, of scores less the largest."""
    most = max(score.data for score in scores)
    raised = [(score - most).exp() for score in scores]
    total = sum(raised)
    return [number / total for number in raised]


def cross_entropy(scores: Sequence[Value], target: int) -> Value:
    """−ln softmax(z) at the target."""
    return -softmax(scores)[target].log()


class Adam:
    """Adam (Kingma and Ba 2015) in a loop over the parameters."""

    def __init__(self, parameters: Iterable[Value], lr: float, betas: tuple[float, float], eps: float) -> None:
        self.parameters, self.rate, self.betas, self.eps = list(parameters), lr, betas, eps
        self.means, self.squares, self.steps = [0.0] * len(self.parameters), [0.0] * len(self.parameters), 0

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = 0.0

    def step(self) -> None:
        """Move against the mean gradient."""
        self.steps += 1
        first, second = self.betas
        for index, parameter in enumerate(self.parameters):
            self.means[index] = first * self.means[index] + (1 - first) * parameter.grad
            self.squares[index] = second * self.squares[index] + (1 - second) * parameter.grad**2
            mean, square = self.means[index] / (1 - first**self.steps), self.squares[index] / (1 - second**self.steps)
            parameter.data -= self.rate * mean / (math.sqrt(square) + self.eps)

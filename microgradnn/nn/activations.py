"""What a neuron does with its sum: the activations by name, as modules, and the one that learns its slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microgradnn import functional
from microgradnn.context import by_neuron
from microgradnn.nn.module import Module
from microgradnn.value import Value


def linear(x: Any) -> Any:
    """The number itself."""
    return x


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (
        linear, functional.relu, functional.leaky_relu, functional.elu, functional.softplus, functional.tanh,
        functional.sigmoid, functional.softsign, functional.hardtanh, functional.step,
    )
}  # fmt: skip
# What keeps the variance from layer to layer (notes 001, 004): these let half of their inputs through.
INITIALISERS = dict.fromkeys(ACTIVATIONS, "xavier_uniform")
INITIALISERS |= dict.fromkeys(("relu", "leaky_relu", "elu", "softplus"), "he_uniform")


class Activation(Module):
    """An activation as a module: it is applied to every number; "softmax" to all numbers of an example together.

    `name` is one of linear, relu, leaky_relu, elu, softplus, tanh, sigmoid, softsign, hardtanh, step, softmax; None
    is linear; a function of one number will do as well. Raises ValueError for another name.

    >>> Activation("relu")([-1.0, 2.0]), Activation("softmax")([0.0, 0.0])
    ([0.0, 2.0], [0.5, 0.5])
    """

    def __init__(self, name: str | Callable[[Any], Any] | None) -> None:
        self.name: str = "linear" if name is None else name if isinstance(name, str) else getattr(name, "__name__", "f")
        self.function: Callable[[Any], Any] | None = None  # the caller's own; those of the table go by name, for pickle
        if isinstance(name, Module):
            raise TypeError(f"an activation is a name or a function: put {name!r} behind its layer, in a Sequential")
        if callable(name):
            self.function = None if ACTIVATIONS.get(self.name) is name else name
        elif self.name not in (*ACTIVATIONS, "softmax"):
            known = ", ".join([*ACTIVATIONS, "softmax"])
            raise ValueError(f"activation must be one of {known}, or a function, got {name!r:.60}")

    def forward(self, x: list[Any], each: Callable[..., list[Any]] | None = None) -> list[Any]:
        """The activation of every number of `x`, as `each` maps it, or the softmax of all."""
        function = self.function or ACTIVATIONS.get(self.name)
        if function is None:
            return functional.softmax(x)
        return [*x] if function is linear else (each or by_neuron(len(x)))(function, x)

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"


class PReLU(Module):
    """x if x > 0, else w · x, with one slope w for the whole layer that is learned (note 004; He et al. 2015).

    w starts at `slope`.

    >>> PReLU()([2.0, -2.0])
    [Value(data=2.0, grad=0.0), Value(data=-0.5, grad=0.0)]
    """

    def __init__(self, slope: float = 0.25) -> None:
        self.weight = [Value(slope)]

    def forward(self, x: list[Any]) -> list[Any]:
        """The activation of every number of `x`."""
        return by_neuron(len(x))(lambda number: functional.leaky_relu(number, self.weight[0]), x)

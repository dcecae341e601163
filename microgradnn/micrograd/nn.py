"""Neurons, layers and MLPs with micrograd's habits, on the modules of this package.

Weights come from Python's `random`, evenly from −1 to 1, so `random.seed(1337)` makes a run repeatable; biases start at
0; a neuron, and a layer of one, give a bare Value. A neuron's sum is one dot gate.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from microgradnn.context import by_neuron, plain_map
from microgradnn.micrograd.engine import Value
from microgradnn.nn.examples import Batch
from microgradnn.nn.layers import Sequential
from microgradnn.nn.module import Module as Module
from microgradnn.settings import count, flag
from microgradnn.vectors import dots

_bare: Any = Sequential.__call__  # gives a bare Value in place of a list of one


def _outputs(neurons: Sequence[Neuron], batch: Batch, numbered: bool) -> Batch:
    """The outputs of neurons side by side, for each example."""
    sums = dots([neuron.w for neuron in neurons], batch, [neuron.b for neuron in neurons], numbered)
    bends = [neuron.nonlin for neuron in neurons]
    if not any(bends):
        return sums
    each = by_neuron(len(neurons)) if numbered else plain_map
    if all(bends):
        return [each(Value.relu, of_example) for of_example in sums]
    return [each(lambda total, bends: total.relu() if bends else total, of_example, bends) for of_example in sums]


class Neuron(Module):
    """relu(Σ wᵢ xᵢ + b) of `nin` numbers, or the sum alone with `nonlin=False`; the output is a bare Value.

    >>> random.seed(1337)
    >>> neuron = Neuron(2)
    >>> y = neuron([1.0, -2.0])
    >>> y.backward()
    >>> y._op, len(neuron.parameters())
    ('ReLU', 3)
    >>> neuron.count_neurons()
    1
    """

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.nin, self.nonlin = count("nin", nin), flag("nonlin", nonlin)
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)

    __call__ = _bare

    def forward_batch(self, batch: Batch) -> Batch:
        """The output for each example, as a list of one."""
        return _outputs([self], batch, numbered=False)

    def parameters(self) -> list[Any]:
        """Its weights and its bias."""
        return [*self.w, self.b]

    def count_neurons(self) -> int:
        """One."""
        return 1

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({self.nin})"


class Layer(Module):
    """`nout` neurons that take the same `nin` numbers, in `neurons`; the output of one alone is a bare Value.

    `settings` are those of a Neuron.

    >>> layer = Layer(3, 2)
    >>> layer, Layer(3, 1, nonlin=False), len(layer.parameters())
    (Layer of [ReLUNeuron(3), ReLUNeuron(3)], Layer of [LinearNeuron(3)], 8)
    """

    def __init__(self, nin: int, nout: int, **settings: Any) -> None:
        self.neurons = [Neuron(nin, **settings) for _ in range(count("nout", nout))]
        self.nin = nin

    __call__ = _bare

    def forward_batch(self, batch: Batch) -> Batch:
        """The outputs of all neurons for each example; those with a `__call__` of the user's are called."""
        if any(type(neuron).__call__ is not _bare for neuron in self.neurons):
            return [[neuron(x) for neuron in self.neurons] for x in batch]
        return _outputs(self.neurons, batch, numbered=True)

    def parameters(self) -> list[Any]:
        """Those of its neurons, as each gives them."""
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Sequential):
    """Layers of `nouts` neurons for `nin` numbers, in `layers`, with ReLU in all but the last.

    >>> model = MLP(2, [16, 16, 1])
    >>> len(model.parameters()), model([0.5, -1.0])._op
    (337, 'dot')
    """

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        super().__init__(*(Layer(*sizes[i : i + 2], nonlin=i != last) for i in range(len(nouts))))

    def forward(self, x: Any) -> list[Any]:
        """One example `x` through all layers, by calling them."""
        for layer in self.layers:
            x = layer(x)
        return x if isinstance(x, list) else [x]

    def forward_batch(self, batch: Batch) -> Batch:
        """Each example of `batch` through all layers, as layers may have a `__call__` of the user's."""
        return [self.forward(x) for x in batch]

    def parameters(self) -> list[Any]:
        """Those of its layers, as each gives them."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"

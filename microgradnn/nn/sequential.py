"""Modules in a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from microgradnn.nn.examples import Batch, examples
from microgradnn.nn.module import Module


class Sequential(Module):
    """Modules in a row, each taking the output of the one before; the output is a bare Value where it is single.

    The parameters are named by place, as in PyTorch: `0.weight`, `0.bias`, `2.weight` …

    >>> from microgradnn.nn import Activation, Layer
    >>> model = Sequential(Layer(2, 3, activation="linear"), Activation("tanh"), Layer(3, 1, activation="linear"))
    >>> [name for name in model.state_dict()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    layers: Sequence[Module] = ()

    def __init__(self, *modules: Module) -> None:
        for index, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(f"Sequential takes modules, argument {index} is {module!r:.60}")
        self.layers = list(modules)
        self.nin = modules[0].nin if modules else None

    def places(self) -> range:
        """The names of the layers: their places, as PyTorch counts them."""
        return range(len(self.layers))

    def _inside(self) -> Iterator[tuple[str, Module]]:
        """The layers, by place, and what else a subclass holds."""
        yield from zip(map(str, self.places()), self.layers, strict=True)
        yield from ((name, module) for name, module in super()._inside() if not name.startswith("layers."))

    def __call__(self, x: Any) -> Any:
        """The output for one example or for a batch; a bare Value in place of a list of one."""
        batch, single = examples(x)
        out = [y[0] if isinstance(y, list) and len(y) == 1 else y for y in self.run(batch)]
        return out[0] if single else out

    def forward_batch(self, batch: Batch) -> list[Any]:
        """The batch through all layers, one layer after the other."""
        for layer in self.layers:
            batch = [y if isinstance(y, list) else [y] for y in layer.run(batch)]
        return batch

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"

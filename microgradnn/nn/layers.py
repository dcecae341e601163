"""Neurons, layers of them, modules in a row, and networks of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NoReturn, Self, overload

from microgradnn.context import by_neuron, plain_map
from microgradnn.functional import maximum
from microgradnn.nn import init as initialisers
from microgradnn.nn.activations import INITIALISERS, Activation
from microgradnn.nn.examples import Batch, as_list, examples
from microgradnn.nn.module import Module
from microgradnn.settings import Limit, count, flag
from microgradnn.value import Value
from microgradnn.vectors import dots

_SIZES = Limit("a list of whole numbers ≥ 1, such as [16, 1]", lambda nouts: list(as_list(nouts)), bool)
Name = str | Callable[[Any], Any] | None
Weights = tuple[list[list[Value]], list[Value]]  # a row for each neuron, and the biases


class _Weighted(Module):
    """What a neuron and a layer share: σ(W x + b), each row of weights in one gate, or gate by gate."""

    nout = 1
    _numbered = True  # whether the number of a neuron stands in the path of its gates

    def _draw(self, nin: int, activation: Name, nonlin: bool | None, init: Any, rng: Any, fused: bool) -> Weights:
        """Take over the settings, and draw the parameters."""
        self.nin, self.fused = count("nin", nin), flag("fused", fused)
        self.activation = Activation("linear" if nonlin is not None and not flag("nonlin", nonlin) else activation)
        return weights(self.nin, self.nout, self.activation, init, rng)

    def _outputs(self, rows: list[list[Value]], batch: Batch, biases: list[Value]) -> Batch:
        each = by_neuron(len(rows)) if self._numbered else plain_map
        if self.fused:
            sums = dots(rows, batch, biases, self._numbered)
        else:
            sums = [each(partial(_gate_by_gate, x), rows, biases) for x in batch]
        return [self.activation.forward(x, each) for x in sums]

    def count_neurons(self) -> int:
        """How many there are."""
        return self.nout


class Neuron(_Weighted):
    """σ(Σ wᵢ xᵢ + b): one dot gate and the activation σ (note 000); `w` and `b` are its parameters.

    - `nin`: how many numbers it takes
    - `activation`: a name such as "relu", "tanh" or "linear", or a function of one number
    - `init`: an initialiser of `nn.init` or its name, which draws the weights; unless given, He's for ReLU and its kin,
      else Xavier's
    - `rng`: a seed, or a generator of NumPy; the same gives the same weights
    - `fused`: a sum is one dot gate; if not, it is recorded gate by gate
    - `nonlin`: micrograd's; False is read as `activation="linear"`

    >>> neuron = Neuron(2, activation="sigmoid")
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -3.0, -3.0
    >>> [out] = neuron([-1.0, -2.0])
    >>> round(out.data, 4)
    0.7311
    """

    _numbered = False

    def __init__(
        self, nin: int, activation: Name = "relu", *, init: Any = None, rng: Any = None, fused: bool = True,
        nonlin: bool | None = None,
    ) -> None:  # fmt: skip
        [self.w], [self.b] = self._draw(nin, activation, nonlin, init, rng, fused)

    def forward_batch(self, batch: Batch) -> Batch:
        """The output for each example, as a list of one."""
        return self._outputs([self.w], batch, [self.b])

    def __repr__(self) -> str:
        return f"Neuron({self.nin}, activation={self.activation.name!r})"


class Layer(_Weighted):
    """`nout` neurons that take the same `nin` numbers: σ(W x + b) (note 001); the output is a list.

    - `nin`: how many numbers it takes
    - `nout`: how many neurons it has
    - `activation`: a name such as "relu", "tanh" or "linear", or a function of one number
    - `init`: an initialiser of `nn.init` or its name, which draws the weights; unless given, He's for ReLU and its kin,
      else Xavier's
    - `rng`: a seed, or a generator of NumPy; the same gives the same weights
    - `fused`: a sum is one dot gate; if not, it is recorded gate by gate
    - `nonlin`: micrograd's; False is read as `activation="linear"`

    `weight` has a row for each neuron, drawn by `init`, and `bias` a 0.

    >>> layer = Layer(3, 4, rng=0)
    >>> len(layer([1.0, 2.0, 3.0])), layer.state_dict()["weight"].shape
    (4, (4, 3))
    >>> layer.neurons[0], layer.count_neurons()
    (Neuron(3, activation='relu'), 4)
    """

    def __init__(
        self, nin: int, nout: int, activation: Name = "relu", *, init: Any = None, rng: Any = None,
        fused: bool = True, nonlin: bool | None = None,
    ) -> None:  # fmt: skip
        self.nout = count("nout", nout)
        self.weight, self.bias = self._draw(nin, activation, nonlin, init, rng, fused)

    @property
    def neurons(self) -> list[Neuron]:
        """The neurons one by one; they share their parameters with the layer."""
        neurons = [Neuron.__new__(Neuron) for _ in self.weight]
        for neuron, w, b in zip(neurons, self.weight, self._biases(), strict=True):
            vars(neuron).update(nin=self.nin, activation=self.activation, fused=self.fused, w=w, b=b)
        return neurons

    def forward_batch(self, batch: Batch) -> Batch:
        """The outputs of all neurons for each example."""
        return self._outputs(self.weight, batch, self._biases())

    def _biases(self) -> list[Any]:
        """The biases, or zeros where they were taken away, `self.bias = None`."""
        return self.bias or [0.0] * self.nout

    def __repr__(self) -> str:
        return f"Layer({self.nin}, {self.nout}, activation={self.activation.name!r})"


class Maxout(Module):
    """`nout` neurons that each take the largest of `pieces` sums: max over k of w_k·x + b_k (notes 000, 002).

    - `nin`: how many numbers it takes
    - `nout`: how many neurons it has
    - `pieces`: how many sums each neuron chooses from
    - `init`: an initialiser of `nn.init` or its name, which draws the weights, He's unless given
    - `rng`: a seed, or a generator of NumPy; the same gives the same weights

    With two pieces, one of them 0, it is ReLU. The parameters are those of a layer, times `pieces`.

    >>> maxout = Maxout(3, 4, pieces=2, rng=0)
    >>> len(maxout([1.0, 2.0, 3.0])), maxout.summary().neurons, maxout.summary().parameters
    (4, 4, 32)
    """

    def __init__(self, nin: int, nout: int, pieces: int, *, init: Any = None, rng: Any = None) -> None:
        self.nin, self.nout, self.pieces = count("nin", nin), count("nout", nout), count("pieces", pieces)
        generator = initialisers.generator(rng)
        drawn = [weights(self.nin, self.nout, Activation("relu"), init, generator) for _ in range(self.pieces)]
        self.weight, self.bias = [rows for rows, _ in drawn], [biases for _, biases in drawn]

    def forward_batch(self, batch: Batch) -> Batch:
        """The largest piece of every neuron for each example."""
        pieces = [dots(weight, batch, bias, numbered=True) for weight, bias in zip(self.weight, self.bias, strict=True)]
        if self.pieces == 1:
            return pieces[0]
        each = by_neuron(len(self.weight[0]))
        return [each(maximum, *of_example) for of_example in zip(*pieces, strict=True)]

    def count_neurons(self) -> int:
        """How many there are; the pieces are not counted."""
        return self.nout

    def __repr__(self) -> str:
        return f"Maxout({self.nin}, {self.nout}, pieces={self.pieces})"


class Sequential(Module):
    """`modules` in a row, each taking the output of the one before; the output is a bare Value where it is single.

    The parameters are named by place, as in PyTorch: `0.weight`, `0.bias`, `2.weight` …

    >>> from microgradnn.nn import Activation, Layer
    >>> model = Sequential(Layer(2, 3, activation="linear"), Activation("tanh"), Layer(3, 1, activation="linear"))
    >>> [name for name in model.state_dict()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> model.places(), model[0], len(model)
    (range(0, 3), Layer(2, 3, activation='linear'), 3)
    """

    layers: Sequence[Module] = ()
    _places: Sequence[int] = ()  # those that the layers of a slice have in the row that it is of

    def __init__(self, *modules: Module) -> None:
        self.layers = _modules(modules)
        self.nin = modules[0].nin if modules else None

    def places(self) -> Sequence[int]:
        """The names of the layers: their places, as PyTorch counts them; a slice keeps those of the row."""
        return self._places if len(self._places) == len(self.layers) else range(len(self.layers))

    def _inside(self) -> Iterator[tuple[str, Module]]:
        """The layers, by place, and what else a subclass holds."""
        yield from zip(map(str, self.places()), _modules(self.layers), strict=True)
        yield from ((name, module) for name, module in super()._inside() if not name.startswith("layers."))

    def __call__(self, x: Any) -> Any:
        """The output for one example or for a batch; a bare Value in place of a list of one."""
        batch, single = examples(x)
        out = [y[0] if isinstance(y, list) and len(y) == 1 else y for y in self.run(batch)]
        return out[0] if single else out

    @overload
    def __getitem__(self, index: int) -> Module: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Module:
        """The module at a place, counted from 0 or, below 0, from the end; those of a slice in a row of their own."""
        if not isinstance(index, slice):
            return self.layers[index]
        row = Sequential.__new__(Sequential)  # also while a module runs, where none may be made
        vars(row).update(layers=_modules(self.layers[index]), nin=None, _places=self.places()[index])
        row.nin = row.layers[0].nin if row.layers else None
        return row

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def append(self, module: Module) -> Self:
        """Put `module` behind the others, and give back the row.

        >>> model = Sequential(Layer(2, 3)).append(Layer(3, 1))
        >>> len(model), model[-1], model[:1]
        (2, Layer(3, 1, activation='relu'), Sequential(Layer(2, 3, activation='relu')))
        """
        self.layers = _modules([*self.layers, module])
        self.nin = self.layers[0].nin
        return self

    def forward_batch(self, batch: Batch) -> list[Any]:
        """The batch through all layers, one layer after the other."""
        if self.layers is Sequential.layers:
            raise TypeError(f"{type(self).__name__} has no layers: call super().__init__(...) in its __init__")
        for layer in self.layers:
            batch = [y if isinstance(y, list) else [y] for y in _outputs(layer, batch)]
        return batch

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"


def _outputs(layer: Module, batch: Batch) -> list[Any]:
    """The outputs of a batch; those of a `__call__` of the user's own come example by example."""
    if type(layer).__call__.__module__.startswith("microgradnn."):
        return layer.run(batch)
    return [layer(x) for x in batch]


def _modules(layers: Iterable[Any]) -> list[Module]:
    """The layers as a list; TypeError for one that is no module."""
    for index, layer in enumerate(layers):
        if not isinstance(layer, Module):
            unpacked = ": write nn.Sequential(*modules)" * isinstance(layer, (list, tuple))
            raise TypeError(f"Sequential takes modules, layer {index} is {layer!r:.60}{unpacked}")
    return [*layers]


class MLP(Sequential):
    """A multi-layer perceptron: layers of `nouts` neurons, all activated but the last, which is linear.

    - `nin`: how many numbers an example has
    - `nouts`: how many neurons the layers have, such as [16, 16, 1]
    - `activation`: a name such as "relu", "tanh" or "linear", or a function of one number
    - `init`: an initialiser of `nn.init` or its name, which draws the weights; unless given, He's for ReLU and its kin,
      else Xavier's
    - `rng`: a seed, or a generator of NumPy; the same gives the same weights
    - `fused`: a sum is one dot gate; if not, it is recorded gate by gate

    The parameters are named as in PyTorch's Sequential of Linear and activation modules.

    >>> model = MLP(2, [16, 16, 1], rng=0)
    >>> model([0.5, -1.0]).primitive, len(model.parameters())
    (<primitive dot>, 337)
    >>> model.places()
    range(0, 6, 2)
    """

    nouts: Sequence[int] = ()

    def __init__(
        self, nin: int, nouts: Sequence[int], activation: Name = "relu", *, init: Any = None, rng: Any = None,
        fused: bool = True,
    ) -> None:  # fmt: skip
        sizes = [count("nin", nin), *(count(f"nouts[{index}]", n) for index, n in enumerate(_SIZES("nouts", nouts)))]
        generator, name = initialisers.generator(rng), Activation(activation).name  # refused here, used or not
        activations = [*[activation] * (len(sizes) - 2), "linear"]
        layers = zip(pairwise(sizes), activations, strict=True)
        super().__init__(*(Layer(*nin_nout, f, init=init, rng=generator, fused=fused) for nin_nout, f in layers))
        self.nin, self.nouts, self.activation = sizes[0], sizes[1:], name

    def places(self) -> range:
        """Every second place: in a PyTorch Sequential the activations stand between the layers."""
        return range(0, 2 * len(self.layers), 2)

    def append(self, module: Module) -> NoReturn:
        """TypeError, whatever the `module`: a perceptron ends with its last layer."""
        raise TypeError(f"{self!r} has the layers of its sizes: write nn.Sequential(*model, {module!r:.60})")

    def __repr__(self) -> str:
        return f"MLP({self.nin}, {self.nouts})"


def _gate_by_gate(x: list[Any], row: list[Value], b: Value) -> Any:
    return sum((w * y for w, y in zip(row, x, strict=True)), b)


def weights(nin: int, nout: int, activation: Activation, init: Any, rng: Any) -> Weights:
    """The parameters of a layer: a row of weights for every neuron, and biases of 0."""
    draw = initialisers.initialiser(INITIALISERS.get(activation.name, "xavier_uniform") if init is None else init)
    drawn = draw(initialisers.generator(rng), nin, nout)
    if isinstance(drawn, list) and all(isinstance(row, list) for row in drawn):
        got: Any = (len(drawn), *{len(row) for row in drawn})
    else:
        got = getattr(drawn, "shape", type(drawn).__name__)
    if got != (nout, nin):
        raise ValueError(f"init must give an array of {nout} rows of {nin} weights, got {got}")
    return [[Value(w) for w in row] for row in initialisers.in_lists(drawn)], [Value(0.0) for _ in range(nout)]

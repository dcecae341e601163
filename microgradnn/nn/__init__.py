"""Networks: neurons, layers and models made of gates, losses, penalties, and how weights start.

A neuron is one `dot` gate and an activation. So a whole network is a circuit like any other: it can be drawn, stepped
through and checked.

>>> from microgradnn import nn
>>> model = nn.MLP(2, [4, 1], activation="tanh", rng=0)  # the same rng, the same network
>>> one, batch = model([0.5, -1.0]), model([[0.5, -1.0], [1.0, 1.0]])
>>> one.data == batch[0].data
True
>>> model.summary().neurons, model.summary().parameters
(5, 17)

`model.summary()` shows the layers, `model.parameters()` lists the Values that learn, and `named_parameters` gives their
names, "0.weight[3][1]", which pictures and messages have too.

Losses
------

A loss is made of gates as well. It takes one example or a batch, whose mean it gives, and raises ValueError for labels
that do not fit. A penalty is a function of the model; it leaves out the biases.

>>> loss = nn.hinge(model([0.0, 1.0]), 1) + nn.l2(model, 0.01)
>>> loss.backward()
>>> from microgradnn import draw
>>> draw(loss, level=2).save("layers.svg")  # one box a layer  # doctest: +SKIP

- for numbers: `mse`, `l1_loss`, `huber`, `smooth_l1_loss`;
- for classes: `cross_entropy` (of logits, and a class by its number), `binary_cross_entropy`, `nll_loss`, `hinge`,
  `multiclass_hinge`, `kl_div`;
- penalties: `l1`, `l2`.

They are exact for logits of ±1000. `reduction="sum"` adds up, `"none"` gives every example.

What there is to build with
---------------------------

`Neuron`, `Layer`, `MLP`, `Sequential`, `Maxout`, `Embedding`, `Flatten`, `Activation`, `PReLU`, `Dropout` (whose p is
the part that it drops) and `BatchNorm`. Dropout and BatchNorm act in training and rest after `model.eval()`. Weights
start by `he_uniform` for relu and its kind, else by `xavier_uniform`, or as `init=` of a layer says: `nn.init` has
`constant`, `normal`, `uniform`, `xavier_uniform`, `xavier_normal`, `he_uniform` and `he_normal`.

A module of your own says in `forward` what becomes of one example. Values, and modules, that are assigned to it are
found, also in lists and dicts.

>>> class Residual(nn.Module):
...     def __init__(self, size, rng):
...         self.inner = nn.Layer(size, size, activation="tanh", rng=rng)
...     def forward(self, x):
...         return [a + b for a, b in zip(x, self.inner(x))]
>>> model = nn.Sequential(Residual(2, rng=0), nn.Linear(2, 1, rng=1))
>>> len(model.parameters())
9

Training is in `microgradnn.training`, optimisers in `microgradnn.optim`.

Saving, and PyTorch
-------------------

`model.save("digits.safetensors")` keeps the weights and running statistics, and `model.load` takes them over; a file
that does not fit changes nothing. PyTorch's names of layers (`nn.Linear`, `nn.ReLU`, `nn.CrossEntropyLoss` …) are here
too, and its layout of weights. So PyTorch reads the file as it is, and the other way round; outputs agree to 1e-12::

    import torch
    from safetensors.torch import load_file

    layers = torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 10)
    model = torch.nn.Sequential(*layers).double()
    model.load_state_dict(load_file("digits.safetensors"))

(`microgradnn train digits --save digits.safetensors` makes that file.)
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from microgradnn.hints import answering as _answering
from microgradnn.nn import aliases as aliases, functional as functional, init as init
from microgradnn.nn.activations import Activation, PReLU
from microgradnn.nn.aliases import *  # noqa: F403  PyTorch's names
from microgradnn.nn.effects import BatchNorm, Dropout
from microgradnn.nn.embedding import Embedding, Flatten
from microgradnn.nn.layers import MLP, Layer, Maxout, Neuron, Sequential
from microgradnn.nn.losses import (
    binary_cross_entropy,
    cross_entropy,
    hinge,
    huber,
    kl_div,
    l1_loss,
    mse,
    multiclass_hinge,
    nll_loss,
    smooth_l1_loss,
)
from microgradnn.nn.module import Module
from microgradnn.nn.penalties import l1, l2

__all__ = [
    "MLP", "Activation", "BatchNorm", "Dropout", "Embedding", "Flatten", "Layer", "Maxout", "Module", "Neuron", "PReLU",
    "Sequential", "binary_cross_entropy", "cross_entropy", "functional", "hinge", "huber", "init", "kl_div", "l1",
    "l1_loss", "l2", "mse", "multiclass_hinge", "nll_loss", "smooth_l1_loss",
]  # fmt: skip
__all__ += aliases.__all__
if not _TYPE_CHECKING:  # to type checkers a missing name is missing
    __getattr__ = _answering(__name__, __all__)

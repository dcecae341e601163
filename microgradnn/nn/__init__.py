"""Neural networks: modules made of gates, their initialisers, losses and penalties.

>>> from microgradnn import nn
>>> model = nn.MLP(3, [4, 4, 1], activation="tanh", rng=0)
>>> model.summary().neurons, model.summary().parameters
(9, 41)
>>> loss = nn.mse(model([1.0, -2.0, 0.5]), 1.0)
>>> loss.backward()
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

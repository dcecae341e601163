"""Optimisers, learning-rate schedules and gradient clipping: how gradients become better parameters.

An optimiser holds a list of Values, and `step` moves each down its gradient. It need not be a network that learns:

>>> from microgradnn import Value, optim
>>> x, y = Value(0.0), Value(0.0)
>>> optimizer = optim.SGD([x, y], lr=0.1)
>>> for _ in range(100):
...     optimizer.zero_grad()
...     ((x - 3) ** 2 + (y + 1) ** 2).backward()
...     optimizer.step()
>>> round(x.data, 4), round(y.data, 4)
(3.0, -1.0)

`SGD` (with momentum), `AdaGrad`, `RMSProp`, `Adam` and `AdamW` compute what PyTorch's do, to 1e-12 over a hundred
steps; PyTorch's spellings are here too. Groups of parameters with settings of their own are given as dicts:
`optim.Adam([{"params": model.weights(), "weight_decay": 0.1}, {"params": biases}], lr=0.01)`.

A schedule maps the epoch to a factor on the learning rates, for `fit(…, schedule=…)`: `StepDecay`, `ExponentialDecay`,
`InverseTimeDecay`, `Cosine`, or a function of your own. `clip_grad_norm` makes gradients smaller that are too large.

>>> optim.StepDecay(every=10, factor=0.5)(25)
0.25

Nothing here knows of networks or losses.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from microgradnn.hints import answering as _answering
from microgradnn.optim.clipping import clip_grad_norm
from microgradnn.optim.optimizer import Optimizer, VectorSteps
from microgradnn.optim.rules import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, RMSProp
from microgradnn.optim.schedules import Cosine, ExponentialDecay, InverseTimeDecay, StepDecay

# PyTorch's names.
Adagrad, RMSprop, clip_grad_norm_ = AdaGrad, RMSProp, clip_grad_norm

__all__ = [
    "OPTIMIZERS", "SGD", "AdaGrad", "Adagrad", "Adam", "AdamW", "Cosine", "ExponentialDecay", "InverseTimeDecay",
    "Optimizer", "RMSProp", "RMSprop", "StepDecay", "VectorSteps", "clip_grad_norm", "clip_grad_norm_",
]  # fmt: skip
if not _TYPE_CHECKING:  # to type checkers a missing name is missing
    __getattr__ = _answering(__name__, __all__)

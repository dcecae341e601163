"""Optimisers, learning-rate schedules and gradient clipping: how gradients become better parameters.

Nothing here knows of networks or losses.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from microgradnn.hints import answering as _answering
from microgradnn.optim.optimizer import Optimizer, VectorSteps, clip_grad_norm
from microgradnn.optim.rules import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, RMSProp
from microgradnn.optim.schedules import Cosine, ExponentialDecay, InverseTimeDecay, StepDecay

__all__ = [
    "OPTIMIZERS", "SGD", "AdaGrad", "Adam", "AdamW", "Cosine", "ExponentialDecay", "InverseTimeDecay", "Optimizer",
    "RMSProp", "StepDecay", "VectorSteps", "clip_grad_norm",
]  # fmt: skip
if not _TYPE_CHECKING:  # to type checkers a missing name is missing
    __getattr__ = _answering(__name__, __all__)

"""Optimisers, learning-rate schedules and gradient clipping: how gradients become better parameters.

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

"""Settings of PyTorch's optimisers that no rule here has, with what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from typing import Any

_SPEED = "it is for the speed on a GPU and changes no step: leave it out"
ABSENT = {
    "amsgrad": "no rule here has it; optim.Adam(params, betas=(0.9, 0.9999)) is the nearest",
    "capturable": _SPEED,
    "centered": "no rule here has it; without it the divisor is the root mean square of the gradients",
    "dampening": "leave it out and take lr * (1 - dampening), the same path but for the memory of the first step",
    "decoupled_weight_decay": "optim.AdamW decays the weights themselves",
    "differentiable": "leave it out, optimizer.update is the rule that moves a parameter",
    "foreach": _SPEED,
    "fused": _SPEED,
    "initial_accumulator_value": "assign optimizer.state[w]['square_sum'] for each parameter w",
    "lr_decay": "group['lr'] = lr / (1 + n * lr_decay) after n steps, for each group of param_groups, does the same",
    "maximize": "make the loss negative, (-loss).backward()",
    "momentum": "optim.SGD has it; optim.Adam(params, lr, betas=(momentum, alpha)) is the nearest that has both",
    "nesterov": "optim.SGD(params, lr, momentum, nesterov=True) has it",
}


def check_known(rule: Any, settings: Iterable[str]) -> None:
    """TypeError for a setting that stands in the table, where the class of the rule does not take it."""
    known = signature(rule.__init__).parameters
    takes_others = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    for name in settings:
        if name in ABSENT and name not in known and not takes_others:
            raise TypeError(f"{rule.__name__} has no setting {name}: {ABSENT[name]}")

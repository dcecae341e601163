"""The rules: how a gradient, and what is remembered of those before, move a parameter.

Rules and, but for SGD's lr, defaults are PyTorch's. A rule works on floats and on NumPy vectors alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from microgradnn.optim.optimizer import Number, Optimizer, Params, never_negative
from microgradnn.reading import number
from microgradnn.settings import Limit, below_one, flag, not_negative


class SGD(Optimizer):
    """Stochastic gradient descent, w ← w − α g, with momentum if asked for.

    - `params`: the Values that learn, such as `model.parameters()`, or groups of them: dicts with "params" and settings
      of their own
    - `lr`: the learning rate α
    - `momentum`: μ, how much of the step before goes into this one
    - `nesterov`: whether the momentum is Nesterov's
    - `weight_decay`: λ, which adds λw to the gradient of each weight w

    >>> from microgradnn import Value
    >>> w = Value(3.0); (w * w).backward()
    >>> SGD([w], lr=0.25).step(); w.data
    1.5
    """

    memory = ("velocity",)
    limits = Optimizer.limits | {"momentum": not_negative, "nesterov": flag}

    def __init__(
        self, params: Params, lr: float = 0.01, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)

    def _settings(self, settings: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        settings = super()._settings(settings, owner)
        if settings["nesterov"] and not settings["momentum"]:
            raise ValueError(f"nesterov=True{owner} needs a momentum > 0, got momentum={settings['momentum']!r}")
        return settings

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """−α g; with momentum μ: v ← μv + g, then −α v, or −α (g + μv) by Nesterov (Sutskever et al. 2013).

        Note 001 keeps the learning rate inside, v ← μv − αg: the same path as long as α stays the same.
        """
        rate: float = settings["lr"]
        momentum: float = settings["momentum"]
        if momentum:
            velocity = state["velocity"] = momentum * state["velocity"] + gradient
            gradient = gradient + momentum * velocity if settings["nesterov"] else velocity
        return -rate * gradient


class AdaGrad(Optimizer):
    """Gradient descent that slows each parameter down by all the gradients it has seen.

    - `params`: the Values that learn, such as `model.parameters()`, or groups of them: dicts with "params" and settings
      of their own
    - `lr`: the learning rate α
    - `eps`: ε, which keeps the divisor from 0
    - `weight_decay`: λ, which adds λw to the gradient of each weight w

    >>> from microgradnn import Value
    >>> w = Value(3.0); (w * w).backward()
    >>> AdaGrad([w], lr=0.5).step(); round(w.data, 6)
    2.5
    """

    memory = ("square_sum",)
    limits = Optimizer.limits | {"eps": not_negative, "square_sum": never_negative}

    def __init__(self, params: Params, lr: float = 0.01, *, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr=lr, eps=eps, weight_decay=weight_decay)

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """Σ ← Σ + g², then −α g / (√Σ + ε) (Duchi et al. 2011; note 001 has ε under the root, √(Σ + 1e-8))."""
        state["square_sum"] = state["square_sum"] + gradient * gradient
        return _step(settings["lr"], gradient, _sqrt(state["square_sum"]), settings["eps"])


class RMSProp(Optimizer):
    """AdaGrad that forgets: each parameter is slowed down by the gradients of late.

    - `params`: the Values that learn, such as `model.parameters()`, or groups of them: dicts with "params" and settings
      of their own
    - `lr`: the learning rate α
    - `alpha`: ρ, how much of the mean square before goes into this one
    - `eps`: ε, which keeps the divisor from 0
    - `weight_decay`: λ, which adds λw to the gradient of each weight w

    >>> from microgradnn import Value
    >>> w = Value(3.0); (w * w).backward()
    >>> RMSProp([w], lr=0.05).step(); round(w.data, 6)
    2.5
    """

    memory = ("mean_square",)
    limits = Optimizer.limits | {"alpha": below_one, "eps": not_negative, "mean_square": never_negative}

    def __init__(
        self, params: Params, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """E ← ρE + (1 − ρ)g², then −α g / (√E + ε) (note 001; Hinton 2012); the setting `alpha` is ρ, `lr` is α."""
        decay = settings["alpha"]
        state["mean_square"] = decay * state["mean_square"] + (1 - decay) * gradient * gradient
        return _step(settings["lr"], gradient, _sqrt(state["mean_square"]), settings["eps"])


class Adam(Optimizer):
    """Momentum and RMSProp together, both corrected for having started at 0.

    - `params`: the Values that learn, such as `model.parameters()`, or groups of them: dicts with "params" and settings
      of their own
    - `lr`: the learning rate α
    - `betas`: β₁ and β₂, how much of the mean and of the mean square before goes into these
    - `eps`: ε, which keeps the divisor from 0
    - `weight_decay`: λ, which adds λw to the gradient of each weight w

    >>> from microgradnn import Value
    >>> w = Value(3.0); (w * w).backward()
    >>> Adam([w], lr=0.5).step(); round(w.data, 6)
    2.5
    """

    memory = ("step", "mean", "mean_square")
    limits = Optimizer.limits | {
        "betas": Limit(
            "two numbers in [0, 1)", lambda betas: tuple(map(number, betas)),
            lambda betas: len(betas) == 2 and all(0 <= beta < 1 for beta in betas),
        ),
        "eps": not_negative, "mean_square": never_negative,
    }  # fmt: skip

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """M ← β₁M + (1 − β₁)g, V ← β₂V + (1 − β₂)g², then −α M̂ / (√V̂ + ε), M̂ = M/(1 − β₁ᵗ), V̂ = V/(1 − β₂ᵗ).

        Kingma and Ba 2015. Note 001 leaves the correction out: its first step is 3.16 α, this one's is α.
        """
        beta1, beta2 = settings["betas"]
        step = state["step"] = state["step"] + 1
        state["mean"] = beta1 * state["mean"] + (1 - beta1) * gradient
        state["mean_square"] = beta2 * state["mean_square"] + (1 - beta2) * gradient * gradient
        root = _sqrt(state["mean_square"]) / math.sqrt(1 - beta2**step)
        return _step(settings["lr"] / (1 - beta1**step), state["mean"], root, settings["eps"])


class AdamW(Adam):
    """Adam whose weight decay acts on the weight itself and never enters the means.

    - `params`: the Values that learn, such as `model.parameters()`, or groups of them: dicts with "params" and settings
      of their own
    - `lr`: the learning rate α
    - `betas`: β₁ and β₂, how much of the mean and of the mean square before goes into these
    - `eps`: ε, which keeps the divisor from 0
    - `weight_decay`: λ, w ← (1 − αλ) w beside the step

    >>> from microgradnn import Value
    >>> w = Value(3.0); w.grad = 0.0
    >>> AdamW([w], lr=0.5, weight_decay=0.5).step(); w.data
    2.25
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay)

    def decayed(self, weight: Number, gradient: Number, settings: Mapping[str, Any]) -> tuple[Number, Number]:
        """Weight decay λ beside the gradient: w ← (1 − αλ) w (Loshchilov and Hutter 2019)."""
        return weight * (1 - settings["lr"] * settings["weight_decay"]), gradient


_RULES: list[Callable[..., Optimizer]] = [SGD, AdaGrad, RMSProp, Adam, AdamW]
OPTIMIZERS = {rule.__name__.lower(): rule for rule in _RULES}


def _step(rate: float, gradient: Number, root: Number, eps: float) -> Number:
    """−α g / (√E + ε); with ε = 0 a gradient of 0 gives nan, also on floats, as IEEE 754, NumPy and PyTorch have it."""
    change, divisor = -rate * gradient, root + eps
    try:
        return change / divisor
    except ZeroDivisionError:
        return change * math.inf


def _sqrt(x: Number) -> Number:
    if isinstance(x, float):
        return math.sqrt(x)
    import numpy as np  # here, as only a vector comes this far

    return np.sqrt(x)

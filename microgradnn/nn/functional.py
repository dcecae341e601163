"""PyTorch's names for functions of what layers give, lists and lists of lists: `from microgradnn.nn import functional`.

Activations take a number, an example or a batch, and give back the same; the losses are those of `nn`. For single
numbers the functions of the package, `microgradnn.relu`, are what these are made of.

>>> relu([-1.0, 2.0]), softmax([[0.0, 0.0], [1000.0, 0.0]], dim=-1)
([0.0, 2.0], [[0.5, 0.5], [1.0, 0.0]])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from microgradnn.hints import answering
from microgradnn.nn import aliases, losses
from microgradnn.nn.activations import Activation
from microgradnn.nn.examples import as_list

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "elu", "gelu", "hardtanh",
    "huber_loss", "kl_div", "l1_loss", "leaky_relu", "log_softmax", "mse_loss", "nll_loss", "relu", "sigmoid", "silu",
    "smooth_l1_loss", "softmax", "softplus", "softsign", "tanh",
]  # fmt: skip


def _of_lists(kind: Callable[..., Activation]) -> Callable[..., Any]:
    """The activation as a function of a number, or of a nested list, and of its settings."""

    def activation(x: Any, *settings: Any, **named: Any) -> Any:
        return over(as_list(x), kind(*settings, **named))

    def over(x: Any, module: Any, outer: int = 0) -> Any:
        if not isinstance(x, list):
            return module.forward([x])[0]
        if not x:
            raise ValueError(f"{module!r} needs at least one number, got an empty list")
        inner = [as_list(y) for y in x]
        if isinstance(inner[0], list):
            return [over(y, module, outer + 1) for y in inner]
        if outer > 1 and module.settings.get("dim") == 1:
            raise ValueError(f"dim=1 is not the last of the {outer + 1} dimensions: write dim=-1 for the last one")
        return module.forward(inner)

    activation.__doc__ = f"`nn.{kind.__name__}` of a number, or of a list or lists of them."
    return activation


relu, leaky_relu, elu = _of_lists(aliases.ReLU), _of_lists(aliases.LeakyReLU), _of_lists(aliases.ELU)
tanh, sigmoid, softsign = _of_lists(aliases.Tanh), _of_lists(aliases.Sigmoid), _of_lists(aliases.Softsign)
softplus, gelu, silu = _of_lists(aliases.Softplus), _of_lists(aliases.GELU), _of_lists(aliases.SiLU)
softmax, log_softmax = _of_lists(aliases.Softmax), _of_lists(aliases.LogSoftmax)
hardtanh = _of_lists(aliases.Hardtanh)
mse_loss, l1_loss, huber_loss, smooth_l1_loss = losses.mse, losses.l1_loss, losses.huber, losses.smooth_l1_loss
cross_entropy, nll_loss, kl_div = losses.cross_entropy, losses.nll_loss, losses.kl_div
binary_cross_entropy = losses.binary_cross_entropy
binary_cross_entropy_with_logits = losses.LOSSES["binary_cross_entropy_with_logits"]

if not TYPE_CHECKING:  # to type checkers a missing name is missing
    __getattr__ = answering(__name__, __all__)

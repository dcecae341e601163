"""PyTorch's names for functions of what layers give, lists and lists of lists: `from microgradnn.nn import functional`.

Activations take a number, an example or a batch, and give back the same; the losses are those of `nn`. For single
numbers the functions of the package, `microgradnn.relu`, are what these are made of.

>>> relu([-1.0, 2.0]), softmax([[0.0, 0.0], [1000.0, 0.0]], dim=-1)
([0.0, 2.0], [[0.5, 0.5], [1.0, 0.0]])
"""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import Parameter, Signature, cleandoc, signature
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


def _of_lists(name: str, kind: type[Activation]) -> Callable[..., Any]:
    """The activation as a function of a number, or of a nested list, and of its settings; its docstring is that of it.

    >>> print(_of_lists("elu", aliases.ELU).__doc__.splitlines()[2])
    `x` is a number, or a list or lists of them. `inplace` changes nothing, as Values are never written over.
    """

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

    activation.__name__ = activation.__qualname__ = name
    taken, settings = Parameter("x", Parameter.POSITIONAL_OR_KEYWORD), signature(kind).parameters.values()
    activation.__signature__ = Signature([taken, *settings])  # type: ignore[attr-defined]  # which `help` shows
    first, *rest = cleandoc(str(kind.__doc__)).split("\n\n")
    text = "\n\n".join([first, " ".join(["`x` is a number, or a list or lists of them.", *rest[:-1]]), rest[-1]])
    example = re.sub(r">>> \w+\((.*?)\)\((.*)\)", lambda found: f">>> {name}({found[2]}, {found[1]})", text)
    activation.__doc__ = example.replace(", )", ")")
    return activation


relu = _of_lists("relu", aliases.ReLU)
leaky_relu = _of_lists("leaky_relu", aliases.LeakyReLU)
elu = _of_lists("elu", aliases.ELU)
tanh = _of_lists("tanh", aliases.Tanh)
sigmoid = _of_lists("sigmoid", aliases.Sigmoid)
softsign = _of_lists("softsign", aliases.Softsign)
softplus = _of_lists("softplus", aliases.Softplus)
gelu = _of_lists("gelu", aliases.GELU)
silu = _of_lists("silu", aliases.SiLU)
hardtanh = _of_lists("hardtanh", aliases.Hardtanh)
softmax = _of_lists("softmax", aliases.Softmax)
log_softmax = _of_lists("log_softmax", aliases.LogSoftmax)
mse_loss, l1_loss, huber_loss, smooth_l1_loss = losses.mse, losses.l1_loss, losses.huber, losses.smooth_l1_loss
cross_entropy, nll_loss, kl_div = losses.cross_entropy, losses.nll_loss, losses.kl_div
binary_cross_entropy = losses.binary_cross_entropy
binary_cross_entropy_with_logits = losses.binary_cross_entropy_with_logits

if not TYPE_CHECKING:  # to type checkers a missing name is missing
    __getattr__ = answering(__name__, __all__)

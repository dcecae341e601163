"""PyTorch's names for modules and losses that are here under another name, or with another start.

Each is one of ours with PyTorch's settings and defaults, in a few lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from inspect import Signature, signature
from typing import Any, ClassVar, NoReturn

from microgradnn import functional
from microgradnn.nn import init as initialisers, losses
from microgradnn.nn.activations import Activation
from microgradnn.nn.effects import BatchNorm
from microgradnn.nn.layers import Layer, Sequential
from microgradnn.nn.module import Module
from microgradnn.settings import Limit, count, finite, flag, positive, whole

__all__ = [
    "ELU", "GELU", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "CrossEntropyLoss", "Hardtanh", "HuberLoss",
    "Identity", "KLDivLoss", "L1Loss", "LeakyReLU", "Linear", "LogSoftmax", "MSELoss", "ModuleList", "NLLLoss", "ReLU",
    "SiLU", "Sigmoid", "SmoothL1Loss", "Softmax", "Softplus", "Softsign", "Tanh",
]  # fmt: skip

BatchNorm1d = BatchNorm
_LAST = Limit("-1 or 1, the numbers of an example", whole, lambda dim: dim in (-1, 1))


class Linear(Layer):
    """A layer without an activation, W x + b; weights and biases start evenly between ±1/√nin, as PyTorch's do.

    - `in_features`: how many numbers it takes
    - `out_features`: how many it gives
    - `bias`: whether it has biases
    - `init`: an initialiser of `nn.init`, or its name, by which weights start; biases are 0 then, as those of a `Layer`
    - `rng`: a seed, or a generator of NumPy, which draws them

    >>> model = Sequential(Linear(2, 3, rng=0), Tanh(), Linear(3, 1, bias=False, rng=1))
    >>> model, list(model.state_dict())
    (Sequential(Linear(2, 3), Tanh(), Linear(3, 1, bias=False)), ['0.weight', '0.bias', '2.weight'])
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, init: Any = None, rng: Any = None
    ) -> None:
        limit, generator = 1 / math.sqrt(count("in_features", in_features)), initialisers.generator(rng)
        start = initialisers.uniform(limit) if init is None else init
        super().__init__(in_features, count("out_features", out_features), None, init=start, rng=generator)
        self.in_features, self.out_features = in_features, out_features
        if not flag("bias", bias):
            self.bias = None  # type: ignore[assignment]  # as PyTorch has it
        elif init is None:
            drawn = initialisers.in_lists(generator.uniform(-limit, limit, out_features))
            for b, number in zip(self.bias, drawn, strict=True):
                b.data = number

    def __repr__(self) -> str:
        return f"Linear({self.in_features}, {self.out_features}{', bias=False' * (self.bias is None)})"


class ModuleList(Sequential):
    """`modules` that a forward of yours calls one by one; in an attribute a plain list does the same.

    >>> layers = ModuleList([Linear(2, 3), Linear(3, 1)])
    >>> len(layers), [layer.nout for layer in layers]
    (2, [3, 1])
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__(*modules)

    def __call__(self, x: Any) -> NoReturn:
        """TypeError: it is nothing but a list."""
        raise TypeError("a ModuleList is called module by module: nn.Sequential(*modules) calls one after the other")


# ---- activations -------------------------------------------------------------------------------------------------


class _Named(Activation):
    """An activation under PyTorch's name, `inplace` or not: Values are never written over."""

    gate: ClassVar[Any]  # a name, or a function

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(self.gate)
        self.settings: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={number}' for name, number in self.settings.items())})"


class ReLU(_Named):
    """max(0, x) of every number.

    `inplace` changes nothing, as Values are never written over.

    >>> ReLU()([-1.0, 2.0])
    [0.0, 2.0]
    """

    gate = "relu"


class Tanh(_Named):
    """tanh x of every number.

    `inplace` changes nothing, as Values are never written over.

    >>> Tanh()([0.0, 20.0])
    [0.0, 1.0]
    """

    gate = "tanh"


class Sigmoid(_Named):
    """1 / (1 + e⁻ˣ) of every number.

    `inplace` changes nothing, as Values are never written over.

    >>> Sigmoid()([0.0, 40.0])
    [0.5, 1.0]
    """

    gate = "sigmoid"


class Softsign(_Named):
    """x / (1 + |x|) of every number.

    `inplace` changes nothing, as Values are never written over.

    >>> Softsign()([-1.0, 3.0])
    [-0.5, 0.75]
    """

    gate = "softsign"


class Hardtanh(_Named):
    """Every number, held between −1 and 1.

    `inplace` changes nothing, as Values are never written over.

    >>> Hardtanh()([-3.0, 0.5])
    [-1.0, 0.5]
    """

    gate = "hardtanh"


class Identity(_Named):
    """Every number itself, whatever the settings, `_` and `__`.

    >>> Identity(54, unused=True)([-1.0, 2.0])
    [-1.0, 2.0]
    """

    gate = "linear"

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()


class LeakyReLU(_Named):
    """x if x > 0, else `negative_slope` · x, of every number.

    `inplace` changes nothing, as Values are never written over.

    >>> LeakyReLU(0.2)([3.0, -3.0])
    [3.0, -0.6000000000000001]
    """

    gate = "leaky_relu"

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.settings = {"negative_slope": finite("negative_slope", negative_slope)}
        self.function = partial(functional.leaky_relu, slope=self.settings["negative_slope"])


class ELU(_Named):
    """x if x > 0, else `alpha` · (eˣ − 1), of every number.

    `inplace` changes nothing, as Values are never written over.

    >>> ELU(0.5)([3.0, -800.0])
    [3.0, -0.5]
    """

    gate = "elu"

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.settings = {"alpha": finite("alpha", alpha)}
        self.function = partial(functional.elu, alpha=self.settings["alpha"])


class Softplus(_Named):
    """ln(1 + e^(βx)) / β of every number, with β = `beta`.

    PyTorch's is x itself from a threshold on, to 2e-9, this one never is.

    >>> Softplus(beta=2.0)([0.0, 800.0])
    [0.34657359027997264, 800.0]
    """

    gate = "softplus"

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.settings = {"beta": positive("beta", beta)}
        self.function = partial(_softplus, beta=self.settings["beta"])


def _softplus(x: Any, beta: float) -> Any:
    return functional.softplus(x) if beta == 1 else functional.softplus(beta * x) / beta


class GELU(_Named):
    """x Φ(x) of every number, Φ that of the normal distribution.

    `inplace` changes nothing, as Values are never written over.

    >>> GELU()([0.0, 10.0])
    [0.0, 10.0]
    """

    gate = staticmethod(functional.gelu)


class SiLU(_Named):
    """x / (1 + e⁻ˣ) of every number.

    `inplace` changes nothing, as Values are never written over.

    >>> SiLU()([0.0, 40.0])
    [0.0, 40.0]
    """

    gate = staticmethod(functional.silu)


class Softmax(_Named):
    """exp(xᵢ) / Σ exp(xⱼ) over the numbers of an example: `dim` is that dimension, the last, −1, in a batch 1.

    >>> Softmax(dim=-1)([0.0, 0.0])
    [0.5, 0.5]
    """

    gate = "softmax"

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.settings = {} if dim is None else {"dim": _LAST("dim", dim)}


class LogSoftmax(Softmax):
    """xᵢ − ln Σ exp(xⱼ), the logarithms that `nll_loss` takes; `cross_entropy` takes x itself, and is exact.

    `dim` is the dimension of the numbers of an example: the last, −1, in a batch 1.

    >>> LogSoftmax(dim=-1)([0.0, 0.0])
    [-0.6931471805599453, -0.6931471805599453]
    """

    def forward(self, x: list[Any], each: Callable[..., list[Any]] | None = None) -> list[Any]:
        """The logarithm of the softmax of all."""
        total = functional.logsumexp(x)
        return [number - total for number in x]


# ---- losses ------------------------------------------------------------------------------------------------------


class Criterion:
    """A loss of ours with its settings, to be called with an output and a target; a weight may be given by place."""

    loss: ClassVar[Callable[..., Any]]
    __signature__: ClassVar[Signature]  # the settings of the loss, for editors and `help`

    def __init_subclass__(cls) -> None:
        settings = [*signature(cls.loss).parameters.values()][2:]
        known = [setting.replace(kind=setting.KEYWORD_ONLY) for setting in settings if setting.name != "from_logits"]
        cls.__signature__ = Signature(known)

    def __init__(self, weight: Any = None, /, *others: Any, **settings: Any) -> None:
        self.settings = settings if weight is None else {"weight": weight, **settings}
        known = self.__signature__.parameters
        if others or (weight is not None and "weight" not in known):
            given = ", ".join(map(repr, (weight, *others)))
            raise TypeError(f"{type(self).__name__} takes settings by name, {', '.join(known)}: got {given}")
        if unknown := [name for name in self.settings if name not in known]:
            raise TypeError(f"{type(self).__name__} has no setting {unknown[0]}: known are {', '.join(known)}")

    def __call__(self, output: Any, target: Any) -> Any:
        return self.loss(output, target, **self.settings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"


class MSELoss(Criterion):
    """`mse` as an object: (ŷ − y)², with the `reduction` "mean", "sum" or "none".

    >>> criterion = MSELoss(reduction="sum")
    >>> criterion, criterion([1.0, 2.0], [0.0, 0.0])
    (MSELoss(reduction='sum'), 5.0)
    """

    loss = staticmethod(losses.mse)


class L1Loss(Criterion):
    """`l1_loss` as an object: |ŷ − y|, with the `reduction` "mean", "sum" or "none".

    >>> L1Loss()([1.0, 3.0], [0.0, 1.0])
    1.5
    """

    loss = staticmethod(losses.l1_loss)


class HuberLoss(Criterion):
    """`huber` as an object, with the `reduction` "mean", "sum" or "none", and `delta`.

    >>> HuberLoss(delta=2.0)([3.0], [0.0])
    4.0
    """

    loss = staticmethod(losses.huber)


class SmoothL1Loss(Criterion):
    """`smooth_l1_loss` as an object, with the `reduction` "mean", "sum" or "none", and `beta`.

    >>> SmoothL1Loss(beta=2.0)([3.0], [0.0])
    2.0
    """

    loss = staticmethod(losses.smooth_l1_loss)


class BCELoss(Criterion):
    """`binary_cross_entropy` of probabilities as an object.

    `reduction`, `weight` and `pos_weight` are its settings.

    >>> BCELoss()([0.5], [1.0])
    0.6931471805599453
    """

    loss = staticmethod(losses.binary_cross_entropy)


class BCEWithLogitsLoss(Criterion):
    """`binary_cross_entropy_with_logits` as an object.

    `reduction`, `weight` and `pos_weight` are its settings.

    >>> BCEWithLogitsLoss(pos_weight=3.0)([-1000.0], [1.0])
    3000.0
    """

    loss = staticmethod(losses.binary_cross_entropy_with_logits)


class KLDivLoss(Criterion):
    """`kl_div` as an object, of logarithms of probabilities.

    `reduction` and `log_target` are its settings.

    >>> KLDivLoss(reduction="sum")([math.log(0.5), math.log(0.5)], [1.0, 0.0])
    0.6931471805599453
    """

    loss = staticmethod(losses.kl_div)


class CrossEntropyLoss(Criterion):
    """`cross_entropy` as an object, of logits.

    `reduction`, `weight`, `label_smoothing` and `ignore_index` are its settings.

    >>> CrossEntropyLoss()([[1000.0, -1000.0]], [1])
    2000.0
    """

    loss = staticmethod(losses.cross_entropy)


class NLLLoss(Criterion):
    """`nll_loss` as an object, of logarithms of probabilities.

    `reduction`, `weight` and `ignore_index` are its settings.

    >>> NLLLoss()([[math.log(0.5), math.log(0.5)]], [0])
    0.6931471805599453
    """

    loss = staticmethod(losses.nll_loss)

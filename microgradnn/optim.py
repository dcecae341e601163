"""Optimisers, learning-rate schedules and gradient clipping: how gradients become better parameters.

Each optimiser is one rule, its method `update`: what to add to one parameter, from its gradient and from what the
rule remembers of that parameter. A rule is written once, in operations that floats and NumPy vectors share, so that
it also moves a whole vector of parameters. Rules, groups and, but for SGD's lr, defaults are PyTorch's. Nothing here
knows of networks or losses.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from microgradnn.settings import checked
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]

Params = Iterable[Value] | Iterable[Mapping[str, Any]]  # Values, or groups of them with settings of their own
Number = TypeVar("Number", float, "Vector")  # what a rule moves: one parameter, or many at once


def _listed(params: Any, name: str = "params") -> list[Any]:
    if not isinstance(params, Iterable) or isinstance(params, (Mapping, set, frozenset, str)):
        wanted = "a list of Values, such as model.parameters(), or of groups {'params': [...], 'lr': ...}"
        raise TypeError(f"{name} must be {wanted}, got {type(params).__name__} {params!r:.60}")
    entries = list(params)
    if not entries:
        raise ValueError(f"{name} is empty: there must be at least one Value to learn")
    return entries


def _leaves(entries: Iterable[Any], name: str = "params", seen: dict[int, str] | None = None) -> list[Value]:
    leaves, seen = _listed(entries, name), {} if seen is None else seen
    for place, leaf in enumerate(leaves):
        here = f"{name}[{place}]"
        if not isinstance(leaf, Value):
            raise TypeError(f"{here} must be a Value, got {type(leaf).__name__} {leaf!r:.60}")
        if leaf.primitive is not None:
            raise ValueError(f"{here} must be a leaf, got the output of a gate {leaf.primitive.name}: {leaf!r}")
        if seen.setdefault(id(leaf), here) != here:
            raise ValueError(f"{here} is the same Value as {seen[id(leaf)]}, {leaf!r}: list each one once")
    return leaves


def _agree(found: Any, wanted: Any, path: str) -> None:
    """ValueError at the first place where `found` is not built like `wanted`; only numbers may be others."""
    inner: Iterable[Any] = ()
    if isinstance(wanted, dict):
        inner, wording = wanted, f"a dict with {', '.join(wanted)}"
        alike = isinstance(found, Mapping) and found.keys() == wanted.keys()
    elif isinstance(wanted, list):
        inner, wording = range(len(wanted)), f"a list of {len(wanted)}"
        alike = isinstance(found, (list, tuple)) and len(found) == len(wanted)
    elif isinstance(wanted, str):
        wording, alike = repr(wanted), found == wanted
    else:
        wording = "a number that a float holds"
        alike = isinstance(found, float) or (isinstance(found, int) and abs(found) <= 2**53)
    if not alike:
        size = f" of {len(found)}" if isinstance(found, (list, tuple)) else ""
        raise ValueError(f"{path} must be {wording}, got {type(found).__name__}{size} {found!r:.60}")
    for place in inner:
        _agree(found[place], wanted[place], f"{path}[{place!r}]")


def _quotient(x: Number, y: Number) -> Number:
    try:
        return x / y
    except ZeroDivisionError:  # a float's; as IEEE 754, NumPy and PyTorch: with eps = 0 a gradient of 0 gives nan
        return x * math.inf


def _sqrt(x: Number) -> Number:
    if isinstance(x, float):
        return math.sqrt(x)
    import numpy as np  # here, as only a vector comes this far

    return np.sqrt(x)


class Optimizer(ABC):
    """What the rules share: parameters in groups, weight decay, and a memory of one record per parameter.

    `params` is a list of Values, or of groups: dicts with "params" and settings of their own, which gives
    parameters different learning rates. Note 001 scales them by 1/√fan_in:

    >>> layers = {1: [Value(0.0)], 4: [Value(0.0) for _ in range(4)]}
    >>> optimizer = SGD([{"params": ws, "lr": 0.1 / fan_in**0.5} for fan_in, ws in layers.items()], lr=0.1)
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.1, 0.05]

    Settings are read from `param_groups` at every step, so a schedule may assign `group["lr"]`. A parameter that no
    sweep has reached is left alone. Bad settings raise TypeError or ValueError before anything is done.
    """

    memory: ClassVar[tuple[str, ...]] = ()  # what the rule remembers of each parameter; everything starts at 0

    def __init__(self, params: Params, **defaults: Any) -> None:
        defaults = self._settings(defaults)
        groups, seen = _listed(params), dict[int, str]()
        grouped = any(isinstance(group, Mapping) for group in groups)
        self.param_groups: list[dict[str, Any]] = []
        for place, group in enumerate(groups if grouped else [{"params": groups}]):
            name = f"params[{place}]"
            if not (isinstance(group, Mapping) and "params" in group):
                raise TypeError(f"{name} must be a dict with 'params', as groups are, got {group!r:.60}")
            if unknown := [key for key in group if key not in {"params", *defaults}]:
                raise ValueError(f"{name} has the unknown setting {unknown[0]!r}: known are {', '.join(defaults)}")
            leaves = _leaves(group["params"], f"{name}['params']" if grouped else "params", seen)
            settings = {setting: group.get(setting, default) for setting, default in defaults.items()}
            self.param_groups.append({"params": leaves, **self._settings(settings, f" of {name}")})
        self.state = {w: dict.fromkeys(self.memory, 0.0) for group in self.param_groups for w in group["params"]}

    def _settings(self, settings: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        return {name: checked(name, value, owner) for name, value in settings.items() if name != "params"}

    @abstractmethod
    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """What to add to one parameter; `state` is what the rule remembers of it, and changes.

        The gradients of several parameters may come as a vector: memory and answer are then vectors, too, but for the
        memory "step", which is one number. A rule assigns to `state` and leaves the arrays in it as they are.
        """

    def decayed(self, weight: Number, gradient: Number, settings: Mapping[str, Any]) -> tuple[Number, Number]:
        """Weight decay λ as the gradient of ½λw²: g ← g + λw, in plain descent (1 − αλ)w − αg (note 002)."""
        return weight, gradient + settings["weight_decay"] * weight

    def step(self) -> None:
        """Move every parameter that has a gradient by the rule."""
        update, state = self.update, self.state
        for group in self.param_groups:
            decays = group["weight_decay"]
            for parameter in group["params"]:
                if parameter.swept:
                    weight, gradient = parameter.data, parameter.grad
                    if decays:
                        weight, gradient = self.decayed(weight, gradient, group)
                    parameter.data = weight + update(gradient, state[parameter], group)

    def on_vector(self, parameters: Iterable[Value], reached: Iterable[bool] | None = None) -> VectorSteps:
        """The same steps for parameters whose numbers stand in one NumPy vector, in the order of `parameters`.

        Entries that this optimiser does not hold are left alone, and so are those where `reached` is False. See
        `VectorSteps`; TypeError or ValueError as for `params`, and where `reached` is of another length.
        """
        return VectorSteps(self, parameters, reached)

    def zero_grad(self) -> None:
        """Make every gradient blank again, so that the next sweep starts anew."""
        for parameter in self.state:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Settings and memory as plain data for JSON; parameters are numbered in the order they were given in.

        >>> SGD([Value(1.0)], lr=0.5).state_dict()["state"]
        {'velocity': [0.0]}
        """
        place = {parameter: index for index, parameter in enumerate(self.state)}
        groups = [
            {name: list(value) if isinstance(value, tuple) else value for name, value in group.items()}
            | {"params": [place[parameter] for parameter in group["params"]]}
            for group in self.param_groups
        ]
        memory = {name: [record[name] for record in self.state.values()] for name in self.memory}
        return {"optimizer": type(self).__name__, "state": memory, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave, so that the next step is the same to the bit.

        ValueError, and nothing changes, where `check_state_dict` raises it.
        """
        self.check_state_dict(state)
        for group, settings in zip(self.param_groups, state["param_groups"], strict=True):
            group.update(self._settings(settings))
        for place, record in enumerate(self.state.values()):
            record.update((name, float(state["state"][name][place])) for name in self.memory)

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """ValueError for the state of another optimiser or of other groups, or one that is out of range."""
        _agree(state, self.state_dict(), "state")
        for name in {"step", "square_sum", "mean_square"} & {*self.memory}:
            if min(state["state"][name]) < 0:
                raise ValueError(f"state['state'][{name!r}] must be ≥ 0, got {min(state['state'][name])!r}")
        for settings in state["param_groups"]:
            self._settings(settings, " of the state")


class _Part(NamedTuple):
    """Entries of a vector that move alike: they are of one group and have made as many steps."""

    where: slice | np.ndarray[Any, np.dtype[np.intp]]
    records: list[dict[str, float]]
    group: dict[str, Any]  # the optimiser's own, which a schedule changes


class VectorSteps:
    """The steps of an optimiser on a vector: to the bit those that its `step` makes number by number.

    >>> import numpy as np
    >>> w, b = Value(3.0), Value(1.0)
    >>> optimizer = SGD([w, b], lr=0.5, momentum=0.5)
    >>> on_vector, params = optimizer.on_vector([w, b]), np.array([3.0, 1.0])
    >>> on_vector.step(params, np.array([1.0, 2.0])); params
    array([2.5, 0. ])
    >>> on_vector.push(); optimizer.state_dict()["state"]
    {'velocity': [1.0, 2.0]}

    Settings are read from `param_groups` at every step. What the rule remembers is taken from the optimiser at the
    start and stands in `memory` until `push` gives it back. A step puts another list there and changes none, so the
    list from before a step, with a copy of the vector, undoes it:

    >>> params_before, memory_before = params.copy(), on_vector.memory
    >>> on_vector.step(params, np.array([1.0, 2.0]))
    >>> params[:], on_vector.memory = params_before, memory_before
    """

    def __init__(self, optimizer: Optimizer, parameters: Iterable[Value], reached: Iterable[bool] | None) -> None:
        import numpy as np

        leaves = _leaves(parameters, "parameters")
        wanted = [True] * len(leaves) if reached is None else list(reached)
        if len(wanted) != len(leaves):
            raise ValueError(f"reached must be {len(leaves)} flags, one for each parameter, got {len(wanted)}")
        group_of = {w: place for place, group in enumerate(optimizer.param_groups) for w in group["params"]}
        alike: dict[tuple[int, float], list[int]] = {}
        for place, w in enumerate(leaves):
            if wanted[place] and w in group_of:
                alike.setdefault((group_of[w], optimizer.state[w].get("step", 0.0)), []).append(place)

        self.memory: list[dict[str, Any]] = []  # for each part what `update` calls `state`
        self._optimizer, self._shape, self._parts = optimizer, (len(leaves),), list[_Part]()
        for (group, step), places in alike.items():
            records = [optimizer.state[leaves[place]] for place in places]
            first, end = places[0], places[-1] + 1
            where = slice(first, end) if end - first == len(places) else np.array(places)  # a slice is faster
            self._parts.append(_Part(where, records, optimizer.param_groups[group]))
            state = {name: np.array([record[name] for record in records]) for name in optimizer.memory}
            self.memory.append({name: step if name == "step" else numbers for name, numbers in state.items()})

    def step(self, params: Vector, gradient: Vector) -> None:
        """Move `params` in place. First everything is computed, then the numbers and the memory are put in place.

        ValueError where the two are not float64 vectors as long as `parameters`.
        """
        import numpy as np

        if not (params.shape == gradient.shape == self._shape and params.dtype.char == gradient.dtype.char == "d"):
            found = " and ".join(f"{vector.dtype} of shape {vector.shape}" for vector in (params, gradient))
            raise ValueError(f"params and gradient must be float64 of shape {self._shape}, got {found}")
        memory, moved = [state.copy() for state in self.memory], []
        with np.errstate(all="ignore"):  # nan and inf come without a warning, as they do for floats
            for (where, _, group), state in zip(self._parts, memory, strict=True):
                weights, slopes = params[where], gradient[where]
                if group["weight_decay"]:
                    weights, slopes = self._optimizer.decayed(weights, slopes, group)
                moved.append((where, weights + self._optimizer.update(slopes, state, group)))
        for where, weights in moved:
            params[where] = weights
        self.memory = memory

    def push(self) -> None:
        """Give the memory back to the optimiser: its `state_dict` and its own steps go on from here."""
        import numpy as np

        for (_, records, _), state in zip(self._parts, self.memory, strict=True):
            for name, numbers in state.items():
                for record, number in zip(records, np.broadcast_to(numbers, len(records)).tolist(), strict=True):
                    record[name] = number


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    >>> w = Value(3.0); (w * w).backward()
    >>> SGD([w], lr=0.25).step(); w.data
    1.5
    """

    memory = ("velocity",)

    def __init__(
        self, params: Params, lr: float = 0.01, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)

    def _settings(self, settings: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        found = super()._settings(settings, owner)
        if found["nesterov"] and not found["momentum"]:
            raise ValueError(f"nesterov=True{owner} needs a momentum > 0, got momentum={found['momentum']!r}")
        return found

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """−α g; with momentum μ: v ← μv + g, then −α v, or −α (g + μv) by Nesterov (Sutskever et al. 2013).

        Note 001 keeps the learning rate inside, v ← μv − αg: the same path as long as α stays the same.
        """
        rate, momentum = settings["lr"], settings["momentum"]
        if momentum:
            velocity = state["velocity"] = momentum * state["velocity"] + gradient
            gradient = gradient + momentum * velocity if settings["nesterov"] else velocity
        change: Number = -rate * gradient
        return change


class AdaGrad(Optimizer):
    """Gradient descent that slows each parameter down by all the gradients it has seen.

    >>> w = Value(3.0); (w * w).backward()
    >>> AdaGrad([w], lr=0.5).step(); round(w.data, 6)
    2.5
    """

    memory = ("square_sum",)

    def __init__(self, params: Params, lr: float = 0.01, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr=lr, eps=eps, weight_decay=weight_decay)

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """Σ ← Σ + g², then −α g / (√Σ + ε) (Duchi et al. 2011; note 001 has ε under the root, √(Σ + 1e-8))."""
        total = state["square_sum"] = state["square_sum"] + gradient * gradient
        change: Number = _quotient(-settings["lr"] * gradient, _sqrt(total) + settings["eps"])
        return change


class RMSProp(Optimizer):
    """AdaGrad that forgets: each parameter is slowed down by the gradients of late.

    >>> w = Value(3.0); (w * w).backward()
    >>> RMSProp([w], lr=0.05).step(); round(w.data, 6)
    2.5
    """

    memory = ("mean_square",)

    def __init__(
        self, params: Params, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """E ← ρE + (1 − ρ)g², then −α g / (√E + ε) (note 001; Hinton 2012); the setting `alpha` is ρ, `lr` is α."""
        decay = settings["alpha"]
        mean = state["mean_square"] = decay * state["mean_square"] + (1 - decay) * gradient * gradient
        change: Number = _quotient(-settings["lr"] * gradient, _sqrt(mean) + settings["eps"])
        return change


class Adam(Optimizer):
    """Momentum and RMSProp together, both corrected for having started at 0.

    >>> w = Value(3.0); (w * w).backward()
    >>> Adam([w], lr=0.5).step(); round(w.data, 6)
    2.5
    """

    memory = ("step", "mean", "mean_square")

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
        mean = state["mean"] = beta1 * state["mean"] + (1 - beta1) * gradient
        square = state["mean_square"] = beta2 * state["mean_square"] + (1 - beta2) * gradient * gradient
        root = _sqrt(square) / math.sqrt(1 - beta2**step)
        change: Number = _quotient(-settings["lr"] / (1 - beta1**step) * mean, root + settings["eps"])
        return change


class AdamW(Adam):
    """Adam whose weight decay acts on the weight itself and never enters the means.

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


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": SGD,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
}


# ---- schedules: the factor on the learning rate, by epoch (0, 1, 2 …) ------------------------------------------


class _Schedule:
    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # every schedule is a dataclass
            object.__setattr__(self, field.name, checked(field.name, getattr(self, field.name)))


@dataclass(frozen=True)
class StepDecay(_Schedule):
    """Multiply the learning rate by `factor` after every `every` epochs: factor^⌊t / every⌋ (note 001).

    >>> [StepDecay(every=2)(epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    factor: float = 0.5

    def __call__(self, epoch: float) -> float:
        return float(self.factor ** (checked("epoch", epoch) // self.every))


@dataclass(frozen=True)
class ExponentialDecay(_Schedule):
    """α(t) = α₀ e^(−kt) (note 001).

    >>> [round(ExponentialDecay(0.1)(epoch), 4) for epoch in range(3)]
    [1.0, 0.9048, 0.8187]
    """

    k: float

    def __call__(self, epoch: float) -> float:
        return math.exp(-self.k * checked("epoch", epoch))


@dataclass(frozen=True)
class InverseTimeDecay(_Schedule):
    """α(t) = α₀τ / max(t, τ): constant for τ epochs, then falling as 1/t (note 001).

    >>> [InverseTimeDecay(2)(epoch) for epoch in (0, 1, 2, 4, 8)]
    [1.0, 1.0, 1.0, 0.5, 0.25]
    """

    tau: float

    def __call__(self, epoch: float) -> float:
        return float(self.tau / max(checked("epoch", epoch), self.tau))


@dataclass(frozen=True)
class Cosine(_Schedule):
    """½ (1 + cos(πt / T)): from 1 down to 0 at T = `epochs`, and 0 from there on (Loshchilov and Hutter 2017).

    >>> [round(Cosine(4)(epoch), 4) for epoch in range(6)]
    [1.0, 0.8536, 0.5, 0.1464, 0.0, 0.0]
    """

    epochs: int

    def __call__(self, epoch: float) -> float:
        return (1 + math.cos(math.pi * min(checked("epoch", epoch) / self.epochs, 1.0))) / 2


def clip_grad_norm(params: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), as PyTorch does; give their norm from before.

    Raises ValueError for a gradient that is nan or infinite, and for a norm beyond what a float holds: then no
    gradient is touched.

    >>> w, b = Value(0.0), Value(0.0)
    >>> w.grad, b.grad = 3.0, 4.0
    >>> clip_grad_norm([w, b], max_norm=1.0), round(w.grad, 5), round(b.grad, 5)
    (5.0, 0.6, 0.8)
    """
    max_norm, parameters = checked("max_norm", max_norm), _leaves(params)
    for place, parameter in enumerate(parameters):
        if not math.isfinite(parameter.grad):
            named = f" {parameter.name!r}" if parameter.name else ""
            raise ValueError(
                f"params[{place}]{named} has the gradient {parameter.grad}, which no factor mends: detect_anomaly() "
                "names the gate where it comes from"
            )
    reached = [parameter for parameter in parameters if parameter.swept]
    norm = math.hypot(*(parameter.grad for parameter in reached))
    if norm == math.inf:
        raise ValueError("the norm of the gradients is beyond what a float holds: a smaller loss, or unit, will do")
    if norm + 1e-6 > max_norm:
        for parameter in reached:
            parameter.grad = parameter.grad / (norm + 1e-6) * max_norm  # the quotient of both might underflow
    return norm

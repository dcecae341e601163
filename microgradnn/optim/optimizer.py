"""What optimisers share: parameters in groups, settings, memory, steps on Values or on a vector.

An optimiser is one rule, its method `update`: what to add to one parameter, from its gradient and from what the rule
remembers of that parameter. A rule is written once, in operations that floats and NumPy vectors share, so that it
also moves a whole vector of parameters. Nothing here knows which rules there are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from microgradnn.optim.absent import check_known
from microgradnn.settings import Limit, not_negative
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]

Params = Iterable[Value] | Iterable[Mapping[str, Any]]  # Values, or groups of them with settings of their own
Number = TypeVar("Number", float, "Vector")  # what a rule moves: one parameter, or many at once
never_negative = Limit("≥ 0", float, lambda x: not x < 0)  # of memory, where a step may have left nan
_VALUES = "a list of Values, such as model.parameters()"


def _not_empty(params: Any, name: str, wording: str) -> list[Any]:
    unordered = isinstance(params, (Mapping, set, frozenset, str)) or hasattr(params, "parameters")  # a model
    if unordered or not isinstance(params, Iterable):
        raise TypeError(f"{name} must be {wording}, got {type(params).__name__} {params!r:.60}")
    entries = list(params)
    if not entries:
        raise ValueError(f"{name} is empty: there must be at least one Value to learn")
    return entries


def leaves_in(params: Iterable[Any], name: str = "params", seen: dict[int, str] | None = None) -> list[Value]:
    """The Values in a list; TypeError or ValueError for what is no leaf, or has been `seen` before."""
    leaves, seen = _not_empty(params, name, _VALUES), {} if seen is None else seen
    for index, leaf in enumerate(leaves):
        here = f"{name}[{index}]"
        if not isinstance(leaf, Value):
            raise TypeError(f"{here} must be a Value, got {type(leaf).__name__} {leaf!r:.60}")
        if leaf.primitive is not None:
            raise ValueError(f"{here} must be a leaf, got the output of a gate {leaf.primitive.name}: {leaf!r}")
        if seen.setdefault(id(leaf), here) != here:
            raise ValueError(f"{here} is the same Value as {seen[id(leaf)]}, {leaf!r}: list each one once")
    return leaves


def check_alike(state: Any, own: Any, path: str) -> None:
    """ValueError at the first place where `state` is not built like `own`; only numbers may be others."""
    if isinstance(own, dict):
        inner, wording = [*own], f"a dict with {', '.join(map(str, own))}"
        alike = isinstance(state, Mapping) and state.keys() == own.keys()
    elif isinstance(own, (list, tuple)):
        inner, wording = [*range(len(own))], f"a list of {len(own)}"
        alike = isinstance(state, (list, tuple)) and len(state) == len(own)
    elif own is None or isinstance(own, str):
        inner, wording, alike = [], repr(own), state == own
    else:
        inner, wording = [], "a number that a float holds"
        alike = isinstance(state, float) or (isinstance(state, int) and abs(state) <= 2**53)
    if not alike:
        size = f" of {len(state)}" if isinstance(state, (list, tuple)) else ""
        raise ValueError(f"{path} must be {wording}, got {type(state).__name__}{size} {state!r:.60}")
    for key in inner:
        check_alike(state[key], own[key], f"{path}[{key!r}]")


class Optimizer(ABC):
    """What the rules share: parameters in groups, weight decay, and a memory of one record per parameter.

    A rule of your own is a subclass with `update`; its `__init__` hands its settings on, as `defaults`. `params` is a
    list of Values, or of groups: dicts with "params" and settings of their own, which gives parameters different
    learning rates. Note 001 scales them by 1/√fan_in:

    >>> from microgradnn.optim import SGD
    >>> layers = {1: [Value(0.0)], 4: [Value(0.0) for _ in range(4)]}
    >>> optimizer = SGD([{"params": ws, "lr": 0.1 / fan_in**0.5} for fan_in, ws in layers.items()], lr=0.1)
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.1, 0.05]
    >>> optimizer.load_state_dict(optimizer.state_dict())
    >>> optimizer.step()
    >>> optimizer.zero_grad()
    >>> on_vector = optimizer.on_vector([w for ws in layers.values() for w in ws])

    Settings are read from `param_groups` at every step, so a schedule may assign `group["lr"]`. A parameter that no
    sweep has reached is left alone. Bad settings raise TypeError or ValueError before anything is done.
    """

    memory: ClassVar[tuple[str, ...]] = ()  # what the rule remembers of each parameter; everything starts at 0
    limits: ClassVar[dict[str, Limit[Any]]] = {  # what settings and memory may be; what is not here may be anything
        "lr": not_negative, "weight_decay": not_negative, "step": never_negative,
    }  # fmt: skip

    def __new__(cls, *args: Any, **settings: Any) -> Self:
        """Refuse settings that PyTorch has and this rule has not."""
        check_known(cls, settings)
        return super().__new__(cls)

    def __init__(self, params: Params, **defaults: Any) -> None:
        self.defaults, self.param_groups = self._settings(defaults), list[dict[str, Any]]()
        self.state: dict[Value, dict[str, float]] = {}
        groups = _not_empty(params, "params", _VALUES + ", or of groups {'params': [...], 'lr': ...}")
        grouped = any(isinstance(group, Mapping) for group in groups)
        for index, group in enumerate(groups if grouped else [{"params": groups}]):
            self._add(group, f"params[{index}]", f"params[{index}]['params']" if grouped else "params")

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Take in more parameters as a `group`, with settings of its own or the defaults; errors as for `params`.

        >>> from microgradnn.optim import SGD
        >>> optimizer = SGD([Value(1.0)], lr=0.1)
        >>> optimizer.add_param_group({"params": [Value(2.0)], "lr": 0.01}); len(optimizer.param_groups)
        2
        """
        self._add(group, "group", "group['params']")

    def _add(self, group: Any, name: str, of_params: str) -> None:
        if not (isinstance(group, Mapping) and "params" in group):
            raise TypeError(f"{name} must be a dict with 'params', as groups are, got {group!r:.60}")
        if unknown := [key for key in group if key not in {"params", *self.defaults}]:
            raise ValueError(f"{name} has the unknown setting {unknown[0]!r}: known are {', '.join(self.defaults)}")
        seen = {
            id(leaf): f"params[{number}]['params'][{index}]"
            for number, earlier in enumerate(self.param_groups) for index, leaf in enumerate(earlier["params"])
        }  # fmt: skip
        leaves = leaves_in(group["params"], of_params, seen)
        settings = {setting: group.get(setting, default) for setting, default in self.defaults.items()}
        self.param_groups.append({"params": leaves, **self._settings(settings, f" of {name}")})
        self.state |= {leaf: dict.fromkeys(self.memory, 0.0) for leaf in leaves}

    def _settings(self, settings: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        return {
            name: self.limits[name](name, value, owner) if name in self.limits else value
            for name, value in settings.items()
            if name != "params"
        }

    @abstractmethod
    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """What to add to one parameter of this `gradient`; `state` is what the rule remembers of it, and changes.

        `settings` are those of its group. As a step does it, of SGD:

        >>> from microgradnn.optim import SGD
        >>> optimizer = SGD([Value(1.0)], lr=0.5)
        >>> optimizer.update(2.0, {"velocity": 0.0}, optimizer.param_groups[0])
        -1.0

        The gradients of several parameters may come as a vector: memory and answer are then vectors, too, but for the
        memory "step", which is one number. A rule assigns to `state` and leaves the arrays in it as they are.
        """

    def decayed(self, weight: Number, gradient: Number, settings: Mapping[str, Any]) -> tuple[Number, Number]:
        """Weight decay λ as the gradient of ½λw²: g ← g + λw, in plain descent (1 − αλ)w − αg (note 002).

        What becomes of `weight` and `gradient` by the weight decay of `settings`, before `update`.

        >>> from microgradnn.optim import SGD
        >>> SGD([Value(1.0)]).decayed(1.0, 2.0, {"weight_decay": 0.5})
        (1.0, 2.5)
        """
        return weight, gradient + settings["weight_decay"] * weight

    def step(self) -> None:
        """Move every parameter that has a gradient by the rule."""
        update, state = self.update, self.state
        for group in self.param_groups:
            decays = group.get("weight_decay")
            for parameter in group["params"]:
                if parameter.swept:
                    weight, gradient = parameter.data, parameter.grad
                    if decays:
                        weight, gradient = self.decayed(weight, gradient, group)
                    parameter.data = weight + update(gradient, state[parameter], group)

    def on_vector(self, parameters: Iterable[Value], reached: Iterable[bool] | None = None) -> VectorSteps:
        """The same steps for parameters whose numbers stand in one NumPy vector, in the order of `parameters`.

        Entries that this optimiser does not hold are left alone, and so are those where `reached` is False. See
        `VectorSteps` for an example; TypeError or ValueError as for `params`, and where `reached` is of another length.
        """
        return VectorSteps(self, parameters, reached)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Make every gradient blank, so that the next sweep starts anew; 0 if not `set_to_none`: momentum moves on."""
        for parameter in self.state:
            parameter.grad = None if set_to_none else 0.0

    def state_dict(self) -> dict[str, Any]:
        """Settings and memory as plain data for JSON; parameters are numbered in the order they were given in.

        >>> from microgradnn.optim import SGD
        >>> SGD([Value(1.0)], lr=0.5).state_dict()["state"]
        {'velocity': [0.0]}
        """
        index = {parameter: index for index, parameter in enumerate(self.state)}
        groups = [
            {name: list(value) if isinstance(value, tuple) else value for name, value in group.items()}
            | {"params": [index[parameter] for parameter in group["params"]]}
            for group in self.param_groups
        ]
        memory = {name: [record[name] for record in self.state.values()] for name in self.memory}
        return {"optimizer": type(self).__name__, "state": memory, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the `state` that `state_dict` gave, so that the next step is the same to the bit.

        ValueError, and nothing changes, where `check_state_dict` raises it.
        """
        self.check_state_dict(state)
        for group, settings in zip(self.param_groups, state["param_groups"], strict=True):
            group.update(self._settings(settings))
        for index, record in enumerate(self.state.values()):
            record.update((name, float(state["state"][name][index])) for name in self.memory)

    def check_state_dict(self, state: Mapping[str, Any]) -> None:
        """ValueError for a `state` of another optimiser or of other groups, or one that is out of range.

        >>> from microgradnn.optim import SGD
        >>> SGD([Value(1.0)]).check_state_dict(SGD([Value(1.0)], lr=0.5).state_dict())
        """
        check_alike(state, self.state_dict(), "state")
        for name in self.memory:
            for remembered in state["state"][name] if name in self.limits else ():
                self.limits[name](f"state['state'][{name!r}]", remembered)
        for settings in state["param_groups"]:
            self._settings(settings, " of the state")

    def __repr__(self) -> str:
        groups = []
        for group in self.param_groups:
            settings = ", ".join(f"{name}={value!r}" for name, value in group.items() if name != "params")
            count = len(group["params"])
            groups.append(f"{type(self).__name__}({settings}; {count:,} parameter{'s' * (count != 1)})")
        return "\n".join(groups)


class VectorSteps:
    """The steps of an `optimizer` on a vector: to the bit those that its `step` makes number by number.

    `parameters` are the Values whose numbers stand in the vector, `reached` says which of them move.

    >>> import numpy as np
    >>> from microgradnn.optim import SGD
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

        leaves = leaves_in(parameters, "parameters")
        moves = [True] * len(leaves) if reached is None else list(reached)
        if len(moves) != len(leaves):
            raise ValueError(f"reached must be {len(leaves)} flags, one for each parameter, got {len(moves)}")
        group_of = {w: index for index, group in enumerate(optimizer.param_groups) for w in group["params"]}
        alike: dict[tuple[int, float], list[int]] = {}
        for index, w in enumerate(leaves):
            if moves[index] and w in group_of:
                alike.setdefault((group_of[w], optimizer.state[w].get("step", 0.0)), []).append(index)

        self.memory: list[dict[str, Any]] = []  # for each part what `update` calls `state`
        self._optimizer, self._shape = optimizer, (len(leaves),)
        # Entries that move alike: where they are, their records, and their group, which a schedule changes.
        self._parts: list[tuple[Any, list[dict[str, float]], dict[str, Any]]] = []
        for (group, step), indices in alike.items():
            records = [optimizer.state[leaves[index]] for index in indices]
            first, end = indices[0], indices[-1] + 1
            where = slice(first, end) if end - first == len(indices) else np.array(indices)  # a slice is faster
            self._parts.append((where, records, optimizer.param_groups[group]))
            state = {name: np.array([record[name] for record in records]) for name in optimizer.memory}
            self.memory.append({name: step if name == "step" else numbers for name, numbers in state.items()})

    def step(self, params: Vector, gradient: Vector) -> None:
        """Move `params` in place by `gradient`: everything is computed, then numbers and memory are put in place.

        ValueError where the two are not float64 vectors as long as `parameters`.
        """
        import numpy as np

        if not (params.shape == gradient.shape == self._shape and params.dtype.char == gradient.dtype.char == "d"):
            got = " and ".join(f"{vector.dtype} of shape {vector.shape}" for vector in (params, gradient))
            raise ValueError(f"params and gradient must be float64 of shape {self._shape}, got {got}")
        memory, moved = [state.copy() for state in self.memory], []
        with np.errstate(all="ignore"):  # nan and inf come without a warning, as they do for floats
            for (where, _, group), state in zip(self._parts, memory, strict=True):
                weights, slopes = params[where], gradient[where]
                if group.get("weight_decay"):
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
                for record, x in zip(records, np.broadcast_to(numbers, len(records)).tolist(), strict=True):
                    record[name] = x

"""What going on with training needs, as plain data: the numbers that training changes, the optimizer, the generators.

Plain data are numbers, strings, lists and dicts, so that JSON keeps them to the bit. What does not fit is refused by
name before anything changes.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microgradnn.nn.module import Module
from microgradnn.nn.parameters import PLAIN, like_buffer, members_in
from microgradnn.notation import few
from microgradnn.optim import Optimizer

if TYPE_CHECKING:
    import numpy as np

SHUFFLE = "rng of fit"  # the generator that draws the batches, by no path of a module


@dataclass(frozen=True)
class Best:
    """The smallest validation loss, its epoch, and the weights at its end."""

    loss: float = math.inf
    epoch: int = 0
    weights: dict[str, Any] | None = None


@dataclass(frozen=True)
class State:
    """What training has come to after so many `epochs`."""

    epochs: int
    weights: dict[str, Any]
    held: list[str]  # the names of the optimizer's parameters, in its order; files have it by this name
    optimizer: dict[str, Any]
    generators: dict[str, Any]
    best: Best


class Weights:
    """Every number that training changes, by name: the parameters of model and optimizer, and the buffers."""

    def __init__(self, model: Module, optimizer: Optimizer) -> None:
        self.own = dict(model.named_parameters())
        names = {parameter: name for name, parameter in self.own.items()}  # Values hash by identity
        self.in_optimizer = [names.get(w, f"parameter {i} of the optimizer") for i, w in enumerate(optimizer.state)]
        self.parameters = self.own | dict(zip(self.in_optimizer, optimizer.state, strict=True))
        self.buffers: dict[tuple[Module, str], str] = {}
        self.find_buffers(model)

    def find_buffers(self, model: Module) -> None:
        """See which buffers the model has now; those that were known keep their names, as parameters do."""
        self.buffers = {buffer: self.buffers.get(buffer, path) for buffer, path in buffers_of(model).items()}

    def check_kept(self, model: Module, hook: str) -> None:
        """TypeError where that hook changed which parameters the model has: the optimizer moves those of before."""
        now = dict(model.named_parameters())
        kept = {*self.own.values()} & {*now.values()}
        lost, new = ([name for name, w in named.items() if w not in kept] for named in (self.own, now))
        if lost:
            raise TypeError(f"{hook} took {few(lost)} from the model: assign the number alone, {lost[0]}.data = 5.0")
        if new:
            raise TypeError(f"{hook} gave the model {few(new)}, which nothing would train: make them before fit")

    def read(self) -> dict[str, Any]:
        """The numbers by name."""
        weights: dict[str, Any] = {name: parameter.data for name, parameter in self.parameters.items()}
        return weights | {name: plain(getattr(module, buffer)) for (module, buffer), name in self.buffers.items()}

    def write(self, weights: Mapping[str, Any]) -> None:
        """Take over what `read` gave."""
        for name, parameter in self.parameters.items():
            parameter.data = weights[name]
        for (module, buffer), name in self.buffers.items():
            if name in weights:  # else `on_epoch` has added it since
                setattr(module, buffer, like_buffer(getattr(module, buffer), weights[name]))

    def check(self, weights: Mapping[str, Any]) -> None:
        """Raise ValueError where `write` could not take the numbers over."""
        own = self.read()
        check_names("", weights, own)
        for name, numbers in own.items():
            if not _alike(weights[name], numbers):
                raise ValueError(f"{name} must be like {numbers!r:.60}, and finite, got {weights[name]!r:.60}")


def _alike(data: Any, numbers: Any) -> bool:
    if isinstance(numbers, list):
        return isinstance(data, list) and len(data) == len(numbers) and all(map(_alike, data, numbers))
    return type(data) in (int, float) and math.isfinite(data)


def check_names(kind: str, then: Collection[str], now: Collection[str]) -> None:
    """ValueError where the history has other names of this kind than there are now: those that only one of them has."""
    for names, others, missing in [(then, now, "now there is no"), (now, then, "the history has no")]:
        if unknown := [name for name in names if name not in others]:
            raise ValueError(f"{missing} {kind}{few(unknown)}")


def buffers_of(model: Module) -> dict[tuple[Module, str], str]:
    """The path of each buffer, by module and attribute."""
    modules = model.named_modules()
    return {(module, name): f"{path}.{name}" if path else name for path, module in modules for name in module.buffers}


# ---- generators -------------------------------------------------------------------------------------------------


def generators_of(model: Module) -> dict[str, Any]:
    """The random generators of NumPy and Python in attributes of modules, also in lists and dicts there, by path."""
    return {
        name: generator
        for path, module in model.named_modules()
        for attribute, value in vars(module).items()
        if value.__class__ not in PLAIN
        for name, generator in members_in(f"{path}.{attribute}" if path else attribute, value, _draws, "{}[{!r}]")
    }


def _draws(kind: type) -> bool:
    import numpy as np

    kinds = (np.random.Generator, np.random.RandomState, random.Random)
    return issubclass(kind, kinds) and not issubclass(kind, random.SystemRandom)  # it has no state


def read_generators(generators: Mapping[str, Any]) -> dict[str, Any]:
    """The state of each generator by name, to be made `plain`; the name of another one in place of what both share."""
    first: dict[int, str] = {}
    states = {}
    for name, generator in generators.items():
        owner = first.setdefault(id(getattr(generator, "bit_generator", generator)), name)
        states[name] = _state_of(generator) if owner == name else owner
    return states


def _state_of(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return {"bit_generator": "random.Random", "state": generator.getstate()}
    if hasattr(generator, "get_state"):
        return {"bit_generator": "RandomState", "state": generator.get_state(legacy=False)}
    return generator.bit_generator.state


def write_generators(generators: Mapping[str, Any], states: Mapping[str, Any]) -> None:
    """Set the generators to what `read_generators` gave, plain or not; ValueError names what has another state."""
    for name, generator in generators.items():
        if not isinstance(states[name], str):
            try:
                _set_state(generator, states[name])
            except (TypeError, ValueError, LookupError, ArithmeticError) as error:  # as the kinds have it
                raise ValueError(f"{name} has no state of a generator: {error}") from None


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        version, numbers, next_gauss = state["state"]
        generator.setstate((version, tuple(numbers), next_gauss))
    elif hasattr(generator, "set_state"):
        generator.set_state(state["state"])
    else:
        generator.bit_generator.state = state


def shuffle_among(generators: Mapping[str, Any], states: Mapping[str, Any]) -> np.random.Generator:
    """The generator of the batches as it was: its own, or one of the model's, where `fit` was given that.

    ValueError where the other states are not those of these generators.
    """
    import numpy as np

    own = read_generators(generators)
    check_names("generator ", [name for name in states if name != SHUFFLE], own)
    for name, state in own.items():
        kind_then, kind_now = _kind(states[name]), _kind(state)
        if kind_then != kind_now:
            raise ValueError(f"the generator {name} was {kind_then}, that of the model is {kind_now}")
    state = states.get(SHUFFLE)
    shuffle = generators.get(state) if isinstance(state, str) else None
    if shuffle is None:
        kind = _kind(state)
        if kind not in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
            raise ValueError(f"{SHUFFLE} has no state of a generator: it is {kind!r:.60}")
        shuffle = np.random.Generator(getattr(np.random, kind)(0))
        write_generators({SHUFFLE: shuffle}, states)
    write_generators(copy.deepcopy(dict(generators)), states)  # says where one cannot be set
    return shuffle


def _kind(state: Any) -> Any:
    """The kind of a generator or, where it is one that stands under two names, the other name."""
    return state.get("bit_generator") if isinstance(state, Mapping) else state


def plain(data: Any) -> Any:
    """Nested data with lists in place of arrays, and in place of tuples."""
    if isinstance(data, Mapping):
        return {name: plain(member) for name, member in data.items()}
    if hasattr(data, "tolist"):
        return data.tolist()
    return [plain(member) for member in data] if isinstance(data, Iterable) and not isinstance(data, str) else data

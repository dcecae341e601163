"""What going on with training needs, as plain data: the numbers that training changes, the optimizer, the generators.

Plain data are numbers, strings, lists and dicts, so that JSON keeps them to the bit. What does not fit is refused by
name before anything changes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from microgradnn.nn.module import Module
from microgradnn.nn.parameters import like_buffer
from microgradnn.optim import Optimizer
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

SHUFFLE = "rng of fit"  # the generator that draws the batches, by no path of a module


@dataclass(frozen=True)
class Best:
    """The smallest validation loss, its epoch, and the weights it was found with."""

    loss: float = math.inf
    epoch: int = 0
    weights: dict[str, Any] | None = None


@dataclass(frozen=True)
class State:
    """Where training stands after so many `epochs`."""

    epochs: int
    weights: dict[str, Any]
    held: list[str]  # the names of the optimizer's parameters, in its order
    optimizer: dict[str, Any]
    generators: dict[str, Any]
    best: Best


class Weights:
    """Every number that training changes, by name: the parameters of model and optimizer, the running statistics."""

    def __init__(self, model: Module, optimizer: Optimizer) -> None:
        self.own = dict(model.named_parameters())
        self.parameters: dict[str, Value] = self.own.copy()
        known = set(self.parameters.values())  # Values hash by identity
        for place, parameter in enumerate(optimizer.state):
            if parameter not in known:
                self.parameters[f"parameter {place} of the optimizer"] = parameter
        names = {parameter: name for name, parameter in self.parameters.items()}
        self.held = [names[parameter] for parameter in optimizer.state]
        self.statistics: dict[str, tuple[Module, str]] = {}
        for path, module in model.named_modules():
            for name in module.buffers:
                self.statistics[f"{path}.{name}" if path else name] = module, name

    def check_kept(self, model: Module) -> None:
        """TypeError where `on_epoch` changed which parameters the model has: the optimizer moves those of before."""
        now = dict(model.named_parameters())
        lost = [name for name, parameter in self.own.items() if parameter not in {*now.values()}]
        new = [name for name, parameter in now.items() if parameter not in {*self.own.values()}]
        if lost:
            raise TypeError(
                f"on_epoch took {few(lost)} from the model, and the optimizer moves the Value that was there: assign "
                f"the number to it, {lost[0]}.data = 5.0"
            )
        if new:
            raise TypeError(
                f"on_epoch gave the model {few(new)}, which nothing would train: make parameters before fit"
            )

    def read(self) -> dict[str, Any]:
        """The numbers by name."""
        weights: dict[str, Any] = {name: parameter.data for name, parameter in self.parameters.items()}
        return weights | {name: plain(getattr(*place)) for name, place in self.statistics.items()}

    def write(self, weights: Mapping[str, Any]) -> None:
        """Take over what `read` gave."""
        for name, parameter in self.parameters.items():
            parameter.data = weights[name]
        for name, (module, buffer) in self.statistics.items():
            setattr(module, buffer, like_buffer(getattr(module, buffer), weights[name]))

    def check(self, weights: Mapping[str, Any]) -> None:
        """Raise ValueError where `write` could not take the numbers over."""
        own = self.read()
        for there, here, missing in [(weights, own, "the model has no"), (own, weights, "the history has no")]:
            if unknown := [name for name in there if name not in here]:
                raise ValueError(f"{missing} {few(unknown)}")
        for name, wanted in own.items():
            if not _alike(weights[name], wanted):
                raise ValueError(f"{name} must be like {wanted!r:.60}, and finite, got {weights[name]!r:.60}")


def _alike(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_alike, found, wanted))
    return type(found) in (int, float) and math.isfinite(found)


def few(names: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    names = list(names)
    return (", ".join(names[:3]) or "none") + (f" and {len(names) - 3} more" if len(names) > 3 else "")


# ---- generators -------------------------------------------------------------------------------------------------


def generators_of(model: Module) -> dict[str, Any]:
    """The random generators of NumPy and Python in attributes of modules, also in lists and dicts there, by path."""
    return {
        name: generator
        for path, module in model.named_modules()
        for attribute, value in vars(module).items()
        for name, generator in _generators_in(f"{path}.{attribute}" if path else attribute, value)
    }


def _generators_in(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np

    if isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
        if not isinstance(value, random.SystemRandom):  # it has no state
            yield name, value
    elif isinstance(value, (list, tuple, dict)):
        for place, one in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(one, (Value, float)):  # a list of numbers, which may be long
                return
            yield from _generators_in(f"{name}[{place!r}]", one)


def source_of(generator: Any) -> Any:
    """What draws the numbers: two generators that share it are one."""
    return getattr(generator, "bit_generator", generator)


def state_of(generator: Any) -> Any:
    """The state of a generator, which `set_state` takes; for JSON it has to be made `plain`."""
    import numpy as np

    if isinstance(generator, random.Random):
        return {"bit_generator": "random.Random", "state": generator.getstate()}
    if isinstance(generator, np.random.RandomState):
        return {"bit_generator": "RandomState", "state": generator.get_state(legacy=False)}
    return generator.bit_generator.state


def set_state(generator: Any, state: Any) -> None:
    """Set a generator to what `state_of` gave, plain or not; ValueError, TypeError or LookupError for another state."""
    import numpy as np

    if isinstance(generator, random.Random):
        version, numbers, next_gauss = state["state"]
        generator.setstate((version, tuple(numbers), next_gauss))
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state["state"])
    else:
        generator.bit_generator.state = state


def read_generators(generators: Mapping[str, Any]) -> dict[str, Any]:
    """The state of each generator by name; the name of another one in place of the state that both share."""
    first: dict[int, str] = {}
    found: dict[str, Any] = {}
    for name, generator in generators.items():
        shared_with = first.setdefault(id(source_of(generator)), name)
        found[name] = plain(state_of(generator)) if shared_with == name else shared_with
    return found


def write_generators(generators: Mapping[str, Any], states: Mapping[str, Any]) -> None:
    """Set the generators to what `read_generators` gave."""
    for name, generator in generators.items():
        if not isinstance(states[name], str):
            set_state(generator, states[name])


def check_generators(generators: Mapping[str, Any], states: Mapping[str, Any]) -> np.random.Generator:
    """The generator of the batches as it was; ValueError where the states are not those of these generators."""
    own = read_generators(generators)
    names = [name for name in states if name != SHUFFLE]
    if sorted(names) != sorted(own):
        raise ValueError(f"its generators are {few(names)}, those of the model {few(own)}")
    for name, state in own.items():
        kinds = [found if isinstance(found, str) else _kind(found) for found in (states[name], state)]
        if kinds[0] != kinds[1]:
            raise ValueError(f"the generator {name} was {kinds[0]}, that of the model is {kinds[1]}")
        if not isinstance(state, str):
            _generator(name, states[name])
    shuffle = states.get(SHUFFLE)
    if isinstance(shuffle, str) and shuffle in generators:
        return generators[shuffle]  # type: ignore[no-any-return]  # one that fit was given
    return _generator(SHUFFLE, shuffle)  # type: ignore[no-any-return]  # as fit makes one


def _kind(state: Any) -> Any:
    return state.get("bit_generator") if isinstance(state, Mapping) else None


def _generator(name: str, state: Any) -> Any:
    import numpy as np

    kind = _kind(state)
    generator: Any
    try:
        if kind in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
            generator = np.random.Generator(getattr(np.random, kind)(0))
        elif kind in ("random.Random", "RandomState") and name != SHUFFLE:
            generator = random.Random(0) if kind == "random.Random" else np.random.RandomState(0)
        else:
            raise ValueError(f"it is {kind!r:.60}")
        set_state(generator, state)
    except (TypeError, ValueError, LookupError, ArithmeticError) as error:  # as the kinds have it
        raise ValueError(f"{name} has no state of a generator: {error}") from None
    return generator


def plain(data: Any) -> Any:
    """Nested data with lists in place of arrays, and in place of tuples."""
    if isinstance(data, Mapping):
        return {name: plain(one) for name, one in data.items()}
    if hasattr(data, "tolist"):
        return data.tolist()
    return [plain(one) for one in data] if isinstance(data, Iterable) and not isinstance(data, str) else data

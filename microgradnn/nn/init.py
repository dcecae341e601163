"""How the weights of a layer are drawn at the start; biases start at 0.

An initialiser is a function of a random generator, fan_in and fan_out (how many numbers a neuron takes, how many
neurons the layer has) that gives an array, or nested lists, of fan_out rows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from microgradnn.hints import answering
from microgradnn.settings import finite, not_negative

if TYPE_CHECKING:
    import numpy as np

Initialiser = Callable[["np.random.Generator", int, int], "np.ndarray[Any, Any]"]


def constant(value: float = 0.0) -> Initialiser:
    """Every weight the same `value`, which keeps all neurons of a layer the same for ever (note 004).

    >>> generator(0), constant(0.5)(generator(0), 2, 1).tolist()
    (Generator(PCG64)..., [[0.5, 0.5]])
    """
    value = finite("value", value)
    return lambda rng, fan_in, fan_out: rng.uniform(value, value, (fan_out, fan_in))


def normal(std: float = 0.01) -> Initialiser:
    """N(0, std²); `std` is the standard deviation, where note 004 writes the variance.

    >>> normal(std=0.1)(generator(0), 2, 3).shape
    (3, 2)
    """
    std = not_negative("std", std)
    return lambda rng, fan_in, fan_out: rng.normal(0.0, std, (fan_out, fan_in))


def uniform(limit: float = 1.0) -> Initialiser:
    """Evenly between −`limit` and `limit`.

    >>> bool(abs(uniform(0.1)(generator(0), 2, 3)).max() < 0.1)
    True
    """
    limit = not_negative("limit", limit)
    return lambda rng, fan_in, fan_out: rng.uniform(-limit, limit, (fan_out, fan_in))


def xavier_uniform() -> Initialiser:
    """Evenly between ±√(6 / (fan_in + fan_out)): the variance stays that of the inputs (note 001; Glorot 2010).

    >>> bool(abs(xavier_uniform()(generator(0), 2, 4)).max() < 1.0)
    True
    """
    return lambda rng, fan_in, fan_out: uniform(math.sqrt(6 / (fan_in + fan_out)))(rng, fan_in, fan_out)


def xavier_normal() -> Initialiser:
    """N(0, 2 / (fan_in + fan_out)), written as a variance (note 004; Glorot and Bengio 2010).

    >>> xavier_normal()(generator(0), 2, 3).shape
    (3, 2)
    """
    return lambda rng, fan_in, fan_out: normal(math.sqrt(2 / (fan_in + fan_out)))(rng, fan_in, fan_out)


def he_uniform() -> Initialiser:
    """Evenly between ±√(6 / fan_in): as Xavier's, for activations that let half of their inputs through (He 2015).

    >>> bool(abs(he_uniform()(generator(0), 6, 4)).max() < 1.0)
    True
    """
    return lambda rng, fan_in, fan_out: uniform(math.sqrt(6 / fan_in))(rng, fan_in, fan_out)


def he_normal() -> Initialiser:
    """N(0, 2 / fan_in), written as a variance (He et al. 2015).

    >>> he_normal()(generator(0), 2, 3).shape
    (3, 2)
    """
    return lambda rng, fan_in, fan_out: normal(math.sqrt(2 / fan_in))(rng, fan_in, fan_out)


__all__ = ["constant", "he_normal", "he_uniform", "normal", "uniform", "xavier_normal", "xavier_uniform"]
INITIALISERS: dict[str, Callable[[], Initialiser]] = {
    draw.__name__: draw for draw in (constant, normal, uniform, xavier_uniform, xavier_normal, he_uniform, he_normal)
}


def initialiser(init: Any) -> Initialiser:
    """Read the argument `init`: a name, or what a function of this module gave, or that function itself.

    >>> initialiser("constant")(generator(0), 2, 1).tolist()
    [[0.0, 0.0]]
    """
    if isinstance(init, str):
        init = INITIALISERS.get(init, init)
    if any(init is function for function in INITIALISERS.values()):
        return init()  # type: ignore[no-any-return]
    if not callable(init):
        raise ValueError(f"init must be one of {', '.join(INITIALISERS)}, or nn.init.normal(std=0.1), got {init!r:.60}")
    return init  # type: ignore[no-any-return]  # the caller's own


class PythonGenerator(random.Random):
    """Python's own generator with those methods of NumPy's that start weights and drop out; arrays are nested lists.

    >>> weights = PythonGenerator(0).uniform(-1.0, 1.0, (2, 3))
    >>> len(weights), len(weights[0]), PythonGenerator(0).normal() == PythonGenerator(0).normal()
    (2, 3, True)
    """

    def random(self, size: int | tuple[int, ...] = ()) -> Any:
        """Evenly in [0, 1)."""
        return _drawn(super().random, size)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: int | tuple[int, ...] = ()) -> Any:
        """Evenly from `low` to `high`."""
        return _drawn(lambda: low + (high - low) * self.random(), size)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: int | tuple[int, ...] = ()) -> Any:
        """N(`loc`, `scale`²)."""
        return _drawn(lambda: self.gauss(loc, scale), size)


def _drawn(draw: Callable[[], float], size: int | tuple[int, ...]) -> Any:
    """One number, or nested lists of this size."""
    if not (shape := (size,) if isinstance(size, int) else size):
        return draw()
    return [_drawn(draw, shape[1:]) for _ in range(shape[0])]


def in_lists(drawn: Any) -> Any:
    """What a generator drew, in nested lists.

    >>> in_lists(generator(0).uniform(0.5, 0.5, (2, 1)))
    [[0.5], [0.5]]
    """
    return drawn if isinstance(drawn, list) else drawn.tolist()


def generator(rng: Any) -> np.random.Generator:
    """Read the argument `rng`: a numpy.random.Generator, a whole number as seed, or None for another one every time.

    Where NumPy is not installed, as in a browser, it is a `PythonGenerator`, which draws other numbers of a seed.

    >>> generator(3).random() == generator(3).random()
    True
    """
    if isinstance(rng, PythonGenerator):
        return rng  # type: ignore[return-value]  # which does for what modules draw
    try:
        import numpy as np
    except ModuleNotFoundError:  # a NumPy that is installed and broken is not passed over
        if rng is None or (isinstance(rng, int) and rng >= 0):
            return PythonGenerator(rng)  # type: ignore[return-value]
        wording = "rng must be a whole number ≥ 0 or None, where NumPy is not installed"
        raise TypeError(f"{wording}, got {rng!r:.60}") from None
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise TypeError(f"rng must be a numpy.random.Generator, a whole number ≥ 0 or None, got {rng!r:.60}") from None


if not TYPE_CHECKING:  # to type checkers a missing name is missing
    __getattr__ = answering(__name__, INITIALISERS)

"""What each parameter of the estimators may be, as a table, and what `sample_weight` may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_array

from microgradnn.nn.activations import ACTIVATIONS as ACTIVATIONS_OF_NN
from microgradnn.nn.init import initialiser
from microgradnn.reading import number
from microgradnn.settings import Limit, below_one, count, not_negative, positive, whole

# scikit-learn's names for activations that are called otherwise in nn, and all names of nn
ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"} | {name: name for name in ACTIVATIONS_OF_NN}
STOCHASTIC = ("adam", "sgd", "adamw", "adagrad", "rmsprop")


def _one_of(*names: str) -> Limit[str]:
    return Limit(f"one of {', '.join(names)}", lambda name: name, lambda name: isinstance(name, str) and name in names)


def _or(text: str, limit: Limit[Any]) -> Limit[Any]:
    """What may also be one certain text."""
    return Limit(
        f"{limit.wording} or {text!r}",
        lambda value: value if isinstance(value, str) else limit.read(value),
        lambda value: value == text if isinstance(value, str) else limit.holds(value),
    )


def _sizes(given: Any) -> tuple[int, ...]:
    """The sizes of the hidden layers; one whole number is one layer."""
    sizes = given if isinstance(given, (tuple, list)) else np.atleast_1d(given).tolist()
    return tuple(count("hidden_layer_sizes", size, f"[{index}]") for index, size in enumerate(sizes))


_FLAG = Limit("True or False", lambda value: value, lambda value: isinstance(value, (bool, np.bool_)))
_FRACTION = Limit("a number in (0, 1)", number, lambda x: 0 < x < 1)
_PART = Limit("a number from 0 to 1", number, lambda x: 0 <= x <= 1)
_EPOCHS = Limit("a whole number ≥ 1 or inf", lambda n: n if n == math.inf else whole(n), lambda n: n >= 1)

LIMITS: dict[str, Limit[Any]] = {
    "loss": _one_of("squared_error", "poisson"),
    "activation": _one_of(*ACTIVATIONS),
    "solver": _one_of("lbfgs", *STOCHASTIC),
    "alpha": not_negative,
    "batch_size": _or("auto", count),
    "learning_rate": _one_of("constant", "invscaling", "adaptive"),
    "learning_rate_init": positive,
    "power_t": not_negative,
    "max_iter": count,
    "shuffle": _FLAG,
    "tol": not_negative,
    "warm_start": _FLAG,
    "momentum": _PART,
    "nesterovs_momentum": _FLAG,
    "early_stopping": _FLAG,
    "validation_fraction": _FRACTION,
    "beta_1": below_one,
    "beta_2": below_one,
    "epsilon": positive,
    "n_iter_no_change": _EPOCHS,
    "max_fun": count,
}


def check(settings: Mapping[str, Any]) -> tuple[int, ...]:
    """Raise TypeError or ValueError for the first setting that is not what it may be; give the hidden sizes."""
    for name, limit in LIMITS.items():
        if name in settings:
            limit(name, settings[name])
    if settings["init"] is not None:
        initialiser(settings["init"])
    return _sizes(settings["hidden_layer_sizes"])


def weights_of(X: Any, sample_weight: Any) -> np.ndarray[Any, Any] | None:  # noqa: N803
    """A weight for each row; ValueError for weights that are not, or that leave nothing to train on."""
    if sample_weight is None:
        return None
    weights = check_array(sample_weight, ensure_2d=False, dtype=float, input_name="sample_weight")
    if weights.ndim != 1:
        raise ValueError(f"sample_weight must be one number for each row of X, got shape {weights.shape}")
    check_consistent_length(X, weights)
    if not (weights.min() >= 0 and weights.sum() > 0):
        raise ValueError("sample_weight must hold no negative weights and not only zeros")
    return np.asarray(weights)

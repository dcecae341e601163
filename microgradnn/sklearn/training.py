"""Training as scikit-learn has it: the start, the loss with its penalty, and the solvers.

With the same `random_state` everything is drawn in the same order as there: the start, the rows for validation, the
order of the rows in every epoch. What is learned is then the same but for rounding. Sources: scikit-learn's user guide,
"Neural network models (supervised)", and the documentation of the parameters.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from microgradnn.optim import AdaGrad, Adam, AdamW, Optimizer, RMSProp
from microgradnn.optim.optimizer import Number
from microgradnn.sklearn.network import Array, Network, dense
from microgradnn.value import Value

# ---- the start ------------------------------------------------------------------------------------------------------


def start(network: Network, settings: Any, random: np.random.RandomState) -> Array:
    """The vector of weights to begin with: scikit-learn's, or that of an initialiser of nn, with biases of 0.

    Unless `init` is given, all numbers of a layer, biases as well, are even between ±√(6 / (fan_in + fan_out)), with 2
    for 6 before the logistic function (Glorot and Bengio 2010).
    """
    if settings.init is not None:
        return network.drawn(settings.init, random.randint(2**31))
    vector = np.zeros(network.size)
    coefs, intercepts = network.parts(vector)
    for weights, biases in zip(coefs, intercepts, strict=True):
        limit = math.sqrt((2 if network.activation == "sigmoid" else 6) / sum(weights.shape))
        weights[:] = random.uniform(-limit, limit, weights.shape)
        biases[:] = random.uniform(-limit, limit, biases.shape)
    return vector


# ---- what is to become small ----------------------------------------------------------------------------------------


class Objective:
    """The mean loss of rows of the data, each with its weight, with the penalty, and the gradient of both.

    With n the sum of the weights of these rows, the penalty is alpha/2 Σw² / n, over all w that are no biases.
    """

    def __init__(self, network: Network, X: Any, y: Array, sample_weight: Array | None, alpha: float) -> None:  # noqa: N803
        self.network, self.X, self.y, self.alpha = network, X, y, alpha
        self.sample_weight = np.ones(len(y)) if sample_weight is None else sample_weight
        self.outputs = network.sizes[-1] if network.loss == "squared_error" else 1

    def __call__(self, vector: Array, rows: Any = slice(None)) -> tuple[float, Array]:
        """As scikit-learn does, report squares as their mean over the outputs, but descend on their sum."""
        sample_weight = self.sample_weight[rows]
        n = float(sample_weight.sum()) or 1.0  # rows that do not count may fill a batch
        loss, gradient = self.network.loss_and_gradient(vector, dense(self.X[rows]), self.y[rows], sample_weight / n)
        weights = vector[: self.network.weights]
        gradient[: len(weights)] += self.alpha / n * weights
        return loss / self.outputs + 0.5 * self.alpha * float(weights @ weights) / n, gradient


# ---- solvers --------------------------------------------------------------------------------------------------------


class HeavyBall(Optimizer):
    """scikit-learn's SGD, whose velocity keeps the rates that it came by: v ← μv − αg, a step of v, or of μv − αg."""

    memory = ("velocity",)

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """By Nesterov the step looks ahead of the velocity (note 001)."""
        rate: float = settings["lr"]
        momentum: float = settings["momentum"]
        velocity = state["velocity"] = momentum * state["velocity"] - rate * gradient
        return momentum * velocity - rate * gradient if settings["nesterov"] else velocity


class EarlyAdam(Adam):
    """scikit-learn's Adam, as at the end of section 2 of Kingma and Ba: ε is beside √V, not beside √V̂."""

    def update(self, gradient: Number, state: dict[str, Number], settings: Mapping[str, Any]) -> Number:
        """√V̂ + ε' with ε' = ε / √(1 − β₂ᵗ) is (√V + ε) / √(1 − β₂ᵗ)."""
        eps = settings["eps"] / math.sqrt(1 - settings["betas"][1] ** (state["step"] + 1))
        return super().update(gradient, state, {**settings, "eps": eps})


class Steps:
    """The steps of one solver over a vector of weights, and the learning rate, which a schedule lowers."""

    def __init__(self, settings: Any, network: Network) -> None:
        rate, betas = settings.learning_rate_init, (settings.beta_1, settings.beta_2)
        nesterov = bool(settings.nesterovs_momentum)
        of = [Value(0.0)]  # stands for all weights: their numbers are in a vector, of which a rule knows nothing
        rules: dict[str, Callable[[], Optimizer]] = {
            "sgd": lambda: HeavyBall(of, lr=rate, momentum=settings.momentum, nesterov=nesterov),
            "adam": lambda: EarlyAdam(of, lr=rate, betas=betas, eps=settings.epsilon),
            "adamw": lambda: AdamW(of, lr=rate, betas=betas, eps=settings.epsilon, weight_decay=settings.alpha),
            "adagrad": lambda: AdaGrad(of, lr=rate),
            "rmsprop": lambda: RMSProp(of, lr=rate),
        }
        self.rule = rules[settings.solver]()
        self.memory: dict[str, Any] = {
            name: 0.0 if name == "step" else np.zeros(network.size) for name in self.rule.memory
        }
        self.schedule = settings.learning_rate if settings.solver == "sgd" else "constant"
        self.rate, self.first_rate, self.power = rate, rate, settings.power_t
        self.weights = network.weights

    def move(self, vector: Array, gradient: Array) -> None:
        """One step, in place."""
        settings = {**self.rule.param_groups[0], "lr": self.rate}
        if settings.get("weight_decay"):  # of AdamW; biases are left out
            own = slice(self.weights)
            vector[own], _ = self.rule.decayed(vector[own], gradient[own], settings)
        vector += self.rule.update(gradient, self.memory, settings)

    def finish_epoch(self, seen: int) -> None:
        """With "invscaling" the rate becomes learning_rate_init / (t + 1)^power_t after t rows."""
        if self.schedule == "invscaling":
            self.rate = self.first_rate / (seen + 1) ** self.power

    def slow_down(self) -> bool:
        """With "adaptive" a fifth of the rate, until that is tiny; False where training has to stop."""
        if self.schedule != "adaptive" or self.rate <= 1e-6:
            return False
        self.rate /= 5.0
        return True

    def copy(self) -> Steps:
        """Steps that go on from here and leave these as they are; a step puts new arrays in place of the old."""
        other = copy(self)
        other.memory = self.memory.copy()
        return other


def descend(net: Any, objective: Objective, vector: Array, random: np.random.RandomState, once: bool) -> Array:
    """Epochs of batches by the steps of `net._steps`, as long as the loss, or the score in validation, gets better.

    The estimator `net` gets scikit-learn's attributes of training; its weights will be those that are given back.
    """
    objective, score = _split(net, objective, random) if net.early_stopping else (objective, None)
    n = len(objective.y)
    size = min(200, n) if net.batch_size == "auto" else net.batch_size
    if size > n:
        warnings.warn(f"batch_size is {size}, and there are {n} rows: they are one batch", stacklevel=5)
    rows, best = np.arange(n), vector.copy()
    net.n_iter_ = 0
    try:
        while not once or net.n_iter_ == 0:
            if net.shuffle:
                rows = rows[random.permutation(n)]
            losses = 0.0
            for first in range(0, n, size):
                batch = rows[first : first + size]
                loss, gradient = objective(vector, batch)
                net._steps.move(vector, gradient)
                losses += loss * len(batch)
            net.n_iter_ += 1
            net.t_ += n
            net.loss_ = losses / n
            net.loss_curve_.append(net.loss_)
            check_finite(vector, f"in epoch {net.n_iter_}")
            _say(net, f"epoch {net.n_iter_}: loss {net.loss_:.8f}")
            if score is None:
                better = net.loss_ <= net.best_loss_ - net.tol
                net.best_loss_ = min(net.best_loss_, net.loss_)
            else:
                latest = score(vector)
                net.validation_scores_.append(latest)
                _say(net, f"score in validation {latest:.6f}")
                better = latest >= net.best_validation_score_ + net.tol
                if latest > net.best_validation_score_:
                    net.best_validation_score_, best = latest, vector.copy()
            net._epochs_no_better = 0 if better else net._epochs_no_better + 1
            net._steps.finish_epoch(net.t_)
            if net._epochs_no_better > net.n_iter_no_change:
                _say(net, f"no better by tol={net.tol} in {net.n_iter_no_change} epochs")
                if not net._steps.slow_down():
                    break
                net._epochs_no_better = 0
                _say(net, f"the learning rate is {net._steps.rate:.6g} from here on")
            if net.n_iter_ == net.max_iter and not once:
                _warn_of_the_end(f"{net.solver} did not converge within max_iter={net.max_iter} epochs")
                break
    except KeyboardInterrupt:
        warnings.warn(f"training was interrupted after {net.n_iter_} epochs", stacklevel=5)
    return vector if score is None else best


def _split(net: Any, objective: Objective, random: np.random.RandomState) -> tuple[Objective, Callable[[Array], float]]:
    """The objective of the rows that are left for training, and the score of a vector of weights on the others.

    Two classes are split as they are in y; several, and several targets, are split as they come.
    """
    network, y = objective.network, objective.y
    X, X_validation, y, y_validation, weight, weight_validation = train_test_split(  # noqa: N806
        objective.X, y, objective.sample_weight, random_state=random, test_size=net.validation_fraction,
        stratify=y if network.loss == "logistic" and y.ndim == 1 else None,
    )  # fmt: skip

    def score(vector: Array) -> float:
        outputs = network.outputs(vector, X_validation)
        return float(net._validation_score(outputs, y_validation, weight_validation))

    return Objective(network, X, y, weight, objective.alpha), score


def minimise(net: Any, objective: Objective, vector: Array) -> Array:
    """All rows at once by L-BFGS, which SciPy has; `max_iter` bounds its steps and `max_fun` its calls."""

    def watch(intermediate_result: Any) -> None:
        _say(net, f"loss {intermediate_result.fun:.8f}")

    options = {"maxiter": net.max_iter, "maxfun": net.max_fun, "gtol": net.tol}
    found = minimize(objective, vector, method="L-BFGS-B", jac=True, options=options, callback=watch)
    check_finite(found.x, f"after {found.nit} iterations")
    if not found.success:
        _warn_of_the_end(
            f"lbfgs did not converge within {found.nit} iterations and {found.nfev} calls, {found.message}: see "
            f"max_iter={net.max_iter} and max_fun={net.max_fun}, or scale X"
        )
    net.n_iter_, net.loss_ = min(found.nit, net.max_iter), float(found.fun)
    return np.asarray(found.x)


def check_finite(vector: Array, when: str) -> None:
    """ValueError where training has run away."""
    if not np.isfinite(vector).all():
        raise ValueError(f"the weights are not finite {when}: scale X, or lower learning_rate_init")


def _warn_of_the_end(message: str) -> None:
    warnings.warn(message, ConvergenceWarning, stacklevel=6)


def _say(net: Any, line: str) -> None:
    if net.verbose:
        print(line)

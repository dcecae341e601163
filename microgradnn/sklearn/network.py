"""Networks and their losses as programs over arrays, one for each shape of network, kept from fit to fit.

A program does not know the weights: they come as a vector, first all weights, layer by layer and for each input those
of all neurons, then all biases. So a grid search over twenty values of `alpha` records one network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit, log_expit, log_softmax, softmax

from microgradnn.compiler import compile
from microgradnn.compiler.program import Program
from microgradnn.context import recording
from microgradnn.functional import exp, log, sum as total, where
from microgradnn.nn.layers import MLP
from microgradnn.nn.losses import binary_cross_entropy, cross_entropy, mse
from microgradnn.sklearn.settings import ACTIVATIONS

Array = np.ndarray[Any, Any]


# ---- losses, of the outputs before the last activation --------------------------------------------------------------


def _half_squares(outputs: Any, targets: Any) -> Any:
    return 0.5 * mse(outputs, targets, reduction="sum")


def _half_poisson_deviance(outputs: Any, targets: Any) -> Any:
    """Σ ŷ − y + y ln(y / ŷ) with ŷ = exp(output); 0 ln 0 is 0."""
    pairs = [(outputs, targets)] if not isinstance(outputs, list) else zip(outputs, targets, strict=True)
    return total([exp(z) - y * z + where(y, y * log(where(y, y, 1.0)) - y, 0.0) for z, y in pairs])


def _logistic_loss(outputs: Any, labels: Any) -> Any:
    return binary_cross_entropy(outputs, labels, from_logits=True, reduction="sum")


class Loss(NamedTuple):
    """A loss of one example, and what is done to the outputs to get what is predicted, and its logarithm."""

    function: Callable[[Any, Any], Any]
    activation: str  # scikit-learn's name of it
    activate: Callable[[Array], Array]
    log: Callable[[Array], Array] | None = None


LOSSES = {
    "squared_error": Loss(_half_squares, "identity", np.asarray),
    "poisson": Loss(_half_poisson_deviance, "exp", np.exp),
    "logistic": Loss(_logistic_loss, "logistic", expit, log_expit),
    "softmax": Loss(cross_entropy, "softmax", lambda z: softmax(z, axis=1), lambda z: log_softmax(z, axis=1)),
}


# ---- the network ----------------------------------------------------------------------------------------------------


class Network:
    """An MLP of these sizes, from the inputs to the outputs, with a loss: what it computes for a vector of weights."""

    def __init__(self, sizes: tuple[int, ...], activation: str, loss: str) -> None:
        self.sizes, self.activation, self.loss = sizes, ACTIVATIONS[activation], loss
        self.shapes = list(pairwise(sizes))
        self.weights = sum(nin * nout for nin, nout in self.shapes)  # how many there are; all others are biases
        self.size = self.weights + sum(sizes[1:])
        self._mlp = self._new("constant", 0)
        function = LOSSES[loss].function
        of_labels = loss == "softmax" or sizes[-1] == 1
        example = [0.0] * sizes[0], 0.0 if of_labels else [0.0] * sizes[-1], 1.0

        def weighted(x: Any, y: Any, weight: Any) -> Any:
            return weight * function(self._mlp(x), y)

        with recording():
            self._program = compile(weighted, _in_order(self._mlp), example=example, reduce="sum")
        self._lock = Lock()  # the vector of a program is one for all threads

    @cached_property
    def _outputs(self) -> Program:
        with recording():
            return compile(self._mlp, self._program, example=([0.0] * self.sizes[0],), reduce=None)

    def loss_and_gradient(self, vector: Array, X: Array, y: Array, weights: Array) -> tuple[float, Array]:  # noqa: N803
        """The sum of the losses of the rows of X, each with its weight, and its gradient by the vector."""
        with self._lock:
            self._program.params = vector
            return self._program.value_and_grad(X, y, weights)

    def outputs(self, vector: Array, X: Any) -> Array:  # noqa: N803
        """The outputs for each row of X, before the last activation; a thousand rows at a time."""
        outputs = np.empty((X.shape[0], self.sizes[-1]))
        for first in range(0, len(outputs), 1000):
            rows = slice(first, first + 1000)
            with self._lock:
                self._outputs.params = vector
                outputs[rows] = np.reshape(self._outputs.value(dense(X[rows])), (-1, self.sizes[-1]))
        return outputs

    # ---- the vector of weights ----

    def parts(self, vector: Array) -> tuple[list[Array], list[Array]]:
        """The matrices of weights, a row for each input, and the biases: views of the vector."""
        sizes = [nin * nout for nin, nout in self.shapes] + [nout for _, nout in self.shapes]
        flat = np.split(vector, np.cumsum(sizes[:-1]))
        layers = len(self.shapes)
        return [part.reshape(shape) for part, shape in zip(flat, self.shapes, strict=False)], flat[layers:]

    def drawn(self, init: Any, seed: int) -> Array:
        """The vector of weights that nn.MLP begins with, given an initialiser."""
        return np.array([parameter.data for parameter in _in_order(self._new(init, seed))])

    def model(self, vector: Array) -> MLP:
        """The network with Values, which have the numbers of the vector."""
        model = self._new("constant", 0)
        for parameter, weight in zip(_in_order(model), vector.tolist(), strict=True):
            parameter.data = weight
        return model

    def _new(self, init: Any, seed: int) -> MLP:
        return MLP(self.sizes[0], self.sizes[1:], self.activation, init=init, rng=seed)


def dense(X: Any) -> Array:  # noqa: N803
    """Rows of a sparse matrix as an array, as programs take them."""
    return np.asarray(X.toarray() if issparse(X) else X)


def vector_of(coefs: Sequence[Array], intercepts: Sequence[Array]) -> Array:
    """The matrices and biases as one vector."""
    return np.concatenate([np.ravel(part) for part in (*coefs, *intercepts)], dtype=float)


def _in_order(model: MLP) -> list[Any]:
    """The parameters in the order of the vector."""
    layers: Any = model.layers
    weights = [w for layer in layers for of_input in zip(*layer.weight, strict=True) for w in of_input]
    return [*weights, *(b for layer in layers for b in layer.bias)]


network = lru_cache(maxsize=8)(Network)  # recording takes longer than many a fit

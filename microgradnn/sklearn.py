"""The networks as scikit-learn estimators, for pipelines, grid search and cross-validation.

They need scikit-learn, so they are imported on their own: `from microgradnn.sklearn import MLPClassifier`.

>>> from sklearn.datasets import make_moons
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> X, y = make_moons(100, noise=0.1, random_state=0)
>>> model = make_pipeline(StandardScaler(), MLPClassifier(random_state=0)).fit(X, y)
>>> model.score(X, y) > 0.95
True
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Self

import numpy as np

from microgradnn.extras import install

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.extmath import softmax
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(f"the estimators need scikit-learn: {install('scikit-learn')}") from error

from microgradnn.compiler import compile
from microgradnn.compiler.program import Program
from microgradnn.nn.layers import MLP
from microgradnn.optim import OPTIMIZERS
from microgradnn.settings import count
from microgradnn.training import History, fit

Array = np.ndarray[Any, Any]
_SETTINGS = """

    `hidden_layer_sizes`, `activation` and `init` say what the network is, as for nn.MLP; `optimizer` (sgd, adagrad,
    rmsprop, adam, adamw), `lr`, `weight_decay` (of the optimiser; biases are left out), `batch_size` and `epochs` how
    it is trained; a `random_state` makes it repeatable. Bad settings raise ValueError or TypeError in `fit`, which
    leaves `model_`, the nn.MLP, and `history_` behind.
    """


class _Network(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """What the two estimators share: the network, its training, its outputs."""

    model_: MLP
    _program: Program  # gives its outputs
    history_: History
    n_iter_: int

    def __init__(
        self, hidden_layer_sizes: Sequence[int] = (16,), activation: str = "relu", *, init: Any = None,
        optimizer: str = "adam", lr: float = 0.01, weight_decay: float = 1e-4, batch_size: int = 32, epochs: int = 100,
        random_state: Any = None,
    ) -> None:  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803  as in scikit-learn
        """Train on the rows of X and their labels or targets y; where that raises, everything is as before."""
        fitted = copy(self)
        fitted._fit(X, y)
        self.__dict__ = fitted.__dict__
        return self

    def _train(self, loss: str, X: Array, y: Array, outputs: int) -> None:  # noqa: N803
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        sizes = np.atleast_1d(self.hidden_layer_sizes).tolist()  # one whole number is one layer
        hidden = [count("nout", size, " in hidden_layer_sizes") for size in sizes]
        model = MLP(X.shape[1], [*hidden, outputs], self.activation, init=self.init, rng=rng)
        if not isinstance(self.optimizer, str) or self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r:.60}")
        weights = dict.fromkeys(model.weights())  # Values hash by identity
        biases = [parameter for parameter in model.parameters() if parameter not in weights]
        groups: list[dict[str, Any]] = [{"params": [*weights]}, {"params": biases, "weight_decay": 0.0}]
        optimizer = OPTIMIZERS[self.optimizer](groups, lr=self.lr, weight_decay=self.weight_decay)
        self.history_ = fit(
            model, loss, X, y, optimizer, self.epochs, batch_size=min(count("batch_size", self.batch_size), len(X)),
            rng=rng, progress=False, compiled=True,
        )  # fmt: skip
        self.model_ = model.eval()
        self._program = compile(model, model.parameters(), example=(X[0],), reduce=None)
        self.n_iter_ = len(self.history_.loss)

    def _outputs(self, X: Any) -> Array:  # noqa: N803
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=float)  # noqa: N806
        self._program.pull()  # the Values of the model may have changed
        return np.asarray(self._program.value(X)).reshape(len(X), -1)


class MLPClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    __doc__ = "A multi-layer perceptron with softmax and cross-entropy; takes labels of any kind." + _SETTINGS

    classes_: Array

    def _fit(self, X: Any, y: Any) -> None:  # noqa: N803
        X, y = validate_data(self, X, y, dtype=float, multi_output=True)  # noqa: N806
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs two classes or more, y has one class: {self.classes_[0]!r}")
        self._train("cross_entropy", X, labels, len(self.classes_))

    def decision_function(self, X: Any) -> Array:  # noqa: N803
        """The logits of each class; for two classes the second's above the first's."""
        logits = self._outputs(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """The softmax of the logits: a probability for each class."""
        return np.asarray(softmax(self._outputs(X)))

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The likeliest class of each row."""
        likeliest = self._outputs(X).argmax(axis=1)  # first: it says where nothing is fitted
        return np.asarray(self.classes_[likeliest])


class MLPRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    __doc__ = "A multi-layer perceptron with the mean squared error, for one target or several." + _SETTINGS

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _fit(self, X: Any, y: Any) -> None:  # noqa: N803
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=float)  # noqa: N806
        self._single = y.ndim == 1
        self._train("mse", X, y, 1 if self._single else y.shape[1])

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The output for each row."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._single else outputs

"""The estimators: their parameters, what they read and what they predict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from microgradnn.nn.layers import MLP
from microgradnn.sklearn.network import LOSSES, Array, Network, dense, network, vector_of
from microgradnn.sklearn.settings import STOCHASTIC, check, weights_of
from microgradnn.sklearn.training import Objective, Steps, descend, minimise, start

_SETTINGS = """
    - `hidden_layer_sizes`: how many neurons the hidden layers have, such as (100,)
    - `activation`: "relu", "tanh", "logistic" or "identity"; also leaky_relu, elu, softplus, softsign, hardtanh, step,
      as in nn
    - `init`: an initialiser of nn.init or its name, with biases that start at 0; unless given, scikit-learn's start
    - `solver`: "adam", "sgd" or "lbfgs"; also adamw, whose weight decay is `alpha` (biases are left out), adagrad and
      rmsprop, as in optim, with `learning_rate_init`
    - `alpha`: the strength of the penalty on squared weights
    - `batch_size`: how many rows one update takes; "auto" is 200, or all if there are fewer
    - `learning_rate`: of sgd, "constant", "invscaling" or "adaptive"
    - `learning_rate_init`: the learning rate to begin with
    - `power_t`: the exponent of "invscaling"
    - `max_iter`: how often training goes through the rows at most
    - `shuffle`: whether each epoch takes the rows in an order of its own
    - `random_state`: a seed; the same one gives the same run as in scikit-learn
    - `tol`: by how much loss or score must improve
    - `verbose`: whether the losses are printed
    - `warm_start`: whether `fit` goes on from where the last one ended
    - `momentum`, `nesterovs_momentum`: of sgd
    - `early_stopping`: whether training ends when the score on rows set aside no longer improves
    - `validation_fraction`: the part of the rows that is set aside for that
    - `beta_1`, `beta_2`, `epsilon`: of adam and adamw
    - `n_iter_no_change`: after how many epochs without an improvement training ends
    - `max_fun`: how often lbfgs may compute the loss

    Parameters and attributes are scikit-learn's, with their names, defaults and meanings, but for those that are said
    to be there also. `model_` is the network as an nn.MLP, to draw, to check or to save. Everything is computed in
    double precision; rows of a sparse X become arrays a batch at a time. Bad settings raise ValueError or TypeError in
    `fit`; whatever it raises, everything is as before.
"""


def _by_steps(net: Any) -> bool:
    """Whether the solver goes through the rows batch by batch."""
    return net.solver in STOCHASTIC


class _Network(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """What the two estimators share: fitting, and the network."""

    coefs_: list[Array]
    intercepts_: list[Array]
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    _key: tuple[tuple[int, ...], str, str]  # what the network is: sizes, activation, loss

    def _keep(self, settings: Mapping[str, Any]) -> None:
        """Keep what `__init__` was given."""
        self.__dict__.update((name, value) for name, value in settings.items() if name not in ("self", "__class__"))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ---- fitting ----

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803  as in scikit-learn
        """Train on the rows of `X` and their labels or targets `y`, anew, or with `warm_start` from where it stands.

        `sample_weight` has a number ≥ 0 for each row.

        >>> MLPClassifier((2,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], ["no", "yes"]).classes_.tolist()
        ['no', 'yes']
        """
        return self._whole_or_not_at_all(X, y, sample_weight, goes_on=self.warm_start)

    def _whole_or_not_at_all(self, *given: Any, **how: Any) -> Self:
        fitted = copy(self)
        fitted._fit(*given, **how)
        self.__dict__ = fitted.__dict__
        return self

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, goes_on: bool, once: bool = False, classes: Any = None  # noqa: N803
    ) -> None:  # fmt: skip
        hidden = check(self.get_params())
        if once and self.early_stopping:
            raise ValueError("partial_fit sets no rows aside for early_stopping=True: give early_stopping=False")
        anew = not (goes_on and hasattr(self, "coefs_"))
        X, y, outputs = self._read(X, y, anew, once, classes)  # noqa: N806
        sample_weight = weights_of(X, sample_weight)
        sizes = X.shape[1], *hidden, outputs
        if not anew and sizes != (before := self._key[0]):
            raise ValueError(f"training goes on with layers of {before}, and now they are {sizes}: fit anew")
        self._key = sizes, self.activation, self._loss()
        random = check_random_state(self.random_state)
        if anew:
            vector = start(self._network, self, random)
            self.n_layers_, self.n_outputs_, self.t_ = len(sizes), outputs, 0
            self.out_activation_ = LOSSES[self._loss()].activation
        else:
            vector = vector_of(self.coefs_, self.intercepts_)
        steps = self.__dict__.pop("_steps", None)
        self._note_training({} if anew else {**self.__dict__})
        # The penalty is part of the loss, but for adamw, which decays weights by steps of its own.
        alpha = 0.0 if self.solver == "adamw" else self.alpha
        X = dense(X) if self.solver == "lbfgs" else X  # noqa: N806  once, not in every call
        objective = Objective(self._network, X, y, sample_weight, alpha)
        with np.errstate(all="ignore"):  # weights that are not finite are refused
            if self.solver == "lbfgs":
                vector = minimise(self, objective, vector)
            else:
                self._steps = steps.copy() if once and steps else Steps(self, self._network)
                vector = descend(self, objective, vector, random, once)
        self.coefs_, self.intercepts_ = self._network.parts(vector)

    def _note_training(self, before: Mapping[str, Any]) -> None:
        """Begin the attributes that tell of training by steps, or go on with copies of those from before."""
        for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_", "_epochs_no_better"):
            self.__dict__.pop(name, None)
        if self.solver == "lbfgs":
            return
        loss, score = before.get("best_loss_"), before.get("best_validation_score_")
        self.loss_curve_ = [*before.get("loss_curve_", ())]
        self._epochs_no_better = before.get("_epochs_no_better", 0)
        self.best_loss_ = self.validation_scores_ = self.best_validation_score_ = None
        if self.early_stopping:
            self.validation_scores_ = [*(before.get("validation_scores_") or ())]
            self.best_validation_score_ = -math.inf if score is None else score
        else:
            self.best_loss_ = math.inf if loss is None else loss

    # ---- the network ----

    @property
    def _network(self) -> Network:
        return network(*self._key)

    @property
    def model_(self) -> MLP:
        """The network as an nn.MLP with Values, made anew each time: what is done to it changes nothing here.

        >>> MLPClassifier((2,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], ["no", "yes"]).model_
        MLP(1, [2, 1])
        """
        check_is_fitted(self)
        return self._network.model(vector_of(self.coefs_, self.intercepts_))

    def _outputs(self, X: Any) -> Array:  # noqa: N803
        """The outputs before the last activation."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False, dtype=float)  # noqa: N806
        return self._network.outputs(vector_of(self.coefs_, self.intercepts_), X)


class MLPClassifier(ClassifierMixin, _Network):  # type: ignore[misc]
    __doc__ = f"""A multi-layer perceptron for classes of any kind, or for several labels, y a matrix of 0 and 1.
{_SETTINGS}
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["same", "other", "other", "same"]
    >>> model = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> model.predict(X).tolist(), model.predict_proba(X).round(2)[0].tolist(), bool(model.decision_function(X)[0] > 3)
    (['same', 'other', 'other', 'same'], [0.0, 1.0], True)
    >>> model.predict_log_proba(X).shape, model.model_
    ((4, 2), MLP(2, [8, 1]))
    """

    classes_: Array

    def __init__(
        self, hidden_layer_sizes: Any = (100,), activation: str = "relu", *, init: Any = None, solver: str = "adam",
        alpha: float = 1e-4, batch_size: Any = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 1e-3, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
        random_state: Any = None, tol: float = 1e-4, verbose: bool = False, warm_start: bool = False,
        momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: float = 10, max_fun: int = 15000,
    ) -> None:  # fmt: skip
        self._keep(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @available_if(_by_steps)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:  # noqa: N803
        """Go once through the rows of `X` and their labels `y`; the first call needs all `classes` that there will be.

        `sample_weight` has a number ≥ 0 for each row.

        >>> model = MLPClassifier((2,), random_state=0)
        >>> model.partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1]).n_iter_
        1
        """
        return self._whole_or_not_at_all(X, y, sample_weight, goes_on=True, once=True, classes=classes)

    def _read(self, X: Any, y: Any, anew: bool, once: bool, classes: Any) -> tuple[Any, Array, int]:  # noqa: N803
        """X, the number of each label among the classes, or the matrix of labels, and how many outputs there are."""
        X, y = validate_data(  # noqa: N806
            self, X, y, accept_sparse="csr", multi_output=True, dtype=float, reset=anew
        )  # fmt: skip
        check_classification_targets(y)
        self._several = type_of_target(y) == "multilabel-indicator"
        y = dense(y) if self._several else column_or_1d(y, warn=True)
        known = np.arange(y.shape[1]) if self._several else np.unique(y)
        if once and anew and classes is None:
            raise ValueError("the first call of partial_fit needs classes=, all classes that y will ever hold")
        if classes is not None and not self._several:
            classes = np.unique(classes)
            if not np.isin(known, classes).all():
                raise ValueError(f"y holds classes that are not among classes={classes}: {known}")
            known = classes
        if anew:
            self.classes_ = known
        elif not np.array_equal(known, self.classes_) and (classes is not None or not once):
            raise ValueError(f"training goes on with the classes {self.classes_}, got {known}")
        elif not np.isin(known, self.classes_).all():
            raise ValueError(f"y holds classes that are not among {self.classes_}: {known}")
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs two classes or more, y has one class: {self.classes_[0]}")
        if self._several:
            return X, y.astype(float), y.shape[1]
        labels = np.searchsorted(self.classes_, y)
        return X, labels, 1 if len(self.classes_) == 2 else len(self.classes_)

    def _loss(self) -> str:
        return "logistic" if self._several or len(self.classes_) == 2 else "softmax"

    def _labels(self, outputs: Array) -> Array:
        """The numbers of the classes, or the matrix of labels."""
        if self._loss() == "softmax":
            return np.asarray(outputs.argmax(axis=1))
        return ((outputs if self._several else outputs[:, 0]) > 0).astype(int)

    def _validation_score(self, outputs: Array, y: Array, sample_weight: Array) -> float:
        return float(accuracy_score(y, self._labels(outputs), sample_weight=sample_weight))

    def decision_function(self, X: Any) -> Array:  # noqa: N803
        """The outputs for `X` before the last activation: a logit for each class or label, of two the second's."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """A probability for each class, or for each of several labels, by row of `X`."""
        return self._probabilities(X, "activate")

    def predict_log_proba(self, X: Any) -> Array:  # noqa: N803
        """The logarithms of the probabilities for `X`, from the logits: finite also where a probability is 0."""
        return self._probabilities(X, "log")

    def _probabilities(self, X: Any, how: str) -> Array:  # noqa: N803
        outputs = self._outputs(X)
        activate = getattr(LOSSES[self._key[2]], how)
        return np.asarray(activate(np.hstack([-outputs, outputs]) if outputs.shape[1] == 1 else outputs))

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The likeliest class of each row of `X`, or its labels, as 0 and 1."""
        labels = self._labels(self._outputs(X))
        return labels if self._several else np.asarray(self.classes_[labels])


class MLPRegressor(RegressorMixin, _Network):  # type: ignore[misc]
    __doc__ = f"""A multi-layer perceptron for one target or several.

    - `loss`: "squared_error" or "poisson"{_SETTINGS}
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]
    >>> model = MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> model.predict(X).round(1).tolist(), model.model_
    ([0.0, 1.0, 4.0], MLP(1, [8, 1]))
    """

    def __init__(
        self, loss: str = "squared_error", hidden_layer_sizes: Any = (100,), activation: str = "relu", *,
        init: Any = None, solver: str = "adam", alpha: float = 1e-4, batch_size: Any = "auto",
        learning_rate: str = "constant", learning_rate_init: float = 1e-3, power_t: float = 0.5, max_iter: int = 200,
        shuffle: bool = True, random_state: Any = None, tol: float = 1e-4, verbose: bool = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        n_iter_no_change: float = 10, max_fun: int = 15000,
    ) -> None:  # fmt: skip
        self._keep(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @available_if(_by_steps)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Go once through the rows of `X` and their targets `y`; `sample_weight` has a number ≥ 0 for each.

        >>> MLPRegressor(hidden_layer_sizes=(2,), random_state=0).partial_fit([[0.0], [1.0]], [0.0, 1.0]).n_iter_
        1
        """
        return self._whole_or_not_at_all(X, y, sample_weight, goes_on=True, once=True)

    def _read(self, X: Any, y: Any, anew: bool, once: bool, classes: Any) -> tuple[Any, Array, int]:  # noqa: N803
        """X, the targets, a column as a vector, and how many there are."""
        X, y = validate_data(  # noqa: N806
            self, X, y, accept_sparse="csr", multi_output=True, y_numeric=True, dtype=float, reset=anew
        )  # fmt: skip
        y = dense(y).astype(float)
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError(f"loss='poisson' is for y ≥ 0, got {y.min()}")
        return (X, y, y.shape[1]) if y.ndim == 2 and y.shape[1] > 1 else (X, column_or_1d(y, warn=True), 1)

    def _loss(self) -> str:
        return str(self.loss)

    def _predictions(self, outputs: Array) -> Array:
        predictions = LOSSES[self._key[2]].activate(outputs)
        return predictions[:, 0] if predictions.shape[1] == 1 else predictions

    def _validation_score(self, outputs: Array, y: Array, sample_weight: Array) -> float:
        predictions = self._predictions(outputs)
        return (
            float(r2_score(y, predictions, sample_weight=sample_weight)) if np.isfinite(predictions).all() else math.nan
        )

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The prediction for each row of `X`, or for each row and target."""
        return self._predictions(self._outputs(X))

"""The networks as scikit-learn estimators, for pipelines, grid search and cross-validation.

They take the parameters of scikit-learn's own MLPClassifier and MLPRegressor, and the same `random_state` gives the
same run. They need scikit-learn, so they are imported on their own: `from microgradnn.sklearn import MLPClassifier`.

>>> from sklearn.datasets import make_moons
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> X, y = make_moons(100, noise=0.1, random_state=0)
>>> network = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0)
>>> model = make_pipeline(StandardScaler(), network).fit(X, y)
>>> model.score(X, y) > 0.95
True

The network of Values is in `model_`, to be drawn, stepped through and checked, and PyTorch reads what it saves:

>>> model[-1].model_.summary().parameters
33

`partial_fit`, `warm_start`, sample weights, early stopping, multilabel targets and the solvers lbfgs, sgd, adam and
adamw are there; `loss_curve_` and the other attributes are scikit-learn's.

`estimators` is what users call; `settings` reads their parameters, `network` has the programs that compute losses and
outputs, and `training` moves the weights.
"""

from __future__ import annotations

from microgradnn.extras import install

try:
    import sklearn  # noqa: F401  the modules below need it
except ImportError as error:
    raise ImportError(f"the estimators need scikit-learn: {install('scikit-learn')}") from error

from microgradnn.sklearn.estimators import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]

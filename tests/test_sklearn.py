"""The estimators pass scikit-learn's own suite and work where its estimators work."""

from __future__ import annotations

import doctest
import os
import pickle
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest

from microgradnn.extras import install

pytestmark = pytest.mark.sklearn


def estimators() -> Any:
    from microgradnn import sklearn

    return sklearn


@cache
def moons() -> Any:
    from sklearn.datasets import make_moons

    return make_moons(120, noise=0.1, random_state=0)


@pytest.mark.slow
def test_scikit_learns_own_suite_passes_without_skips() -> None:
    """In a process of its own: the array API must be switched on before SciPy is imported."""
    suite = (
        "from sklearn.utils.estimator_checks import parametrize_with_checks\n"
        "from microgradnn.sklearn import MLPClassifier, MLPRegressor\n"
        "@parametrize_with_checks([MLPClassifier(), MLPRegressor()])\n"
        "def test(estimator, check): check(estimator)\n"
    )
    program = (
        "import pathlib, pytest, sys, tempfile\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        f"    pathlib.Path(folder, 'test_suite.py').write_text({suite!r})\n"
        "    sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', folder]))\n"
    )
    environment = os.environ | {"SCIPY_ARRAY_API": "1"}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", env=environment)
    assert run.returncode == 0, run.stdout[-3000:]
    summary = run.stdout.splitlines()[-1]
    assert "passed" in summary
    assert "skipped" not in summary


def test_the_example_of_the_module_runs() -> None:
    assert doctest.testmod(estimators()).failed == 0


def test_grid_search_in_a_pipeline_and_cross_validation() -> None:
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = moons()  # noqa: N806
    network = estimators().MLPClassifier(epochs=40, lr=0.03, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network)
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.8
    search = GridSearchCV(pipeline, {"mlpclassifier__activation": ["linear", "relu"]}, cv=3).fit(X, y)
    assert search.best_params_ == {"mlpclassifier__activation": "relu"}


@pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [False, True], [3, 7]], ids=str)
def test_two_classes_of_any_kind(labels: list[Any]) -> None:
    X, y = moons()  # noqa: N806
    model = estimators().MLPClassifier(lr=0.03, epochs=60, random_state=0).fit(X, np.array(labels)[y])
    assert model.classes_.tolist() == labels
    assert set(model.predict(X).tolist()) == set(labels)
    assert model.score(X, np.array(labels)[y]) > 0.9
    probabilities = model.predict_proba(X)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(X)))
    assert ((model.decision_function(X) > 0) == (probabilities[:, 1] > 0.5)).all()


def test_the_network_inside_gives_the_same_outputs() -> None:
    X, y = moons()  # noqa: N806
    model = estimators().MLPClassifier((4,), epochs=3, random_state=1).fit(X, y)
    logits = [[score.data for score in scores] for scores in model.model_(X[:5])]
    assert model.decision_function(X[:5]) == pytest.approx([b - a for a, b in logits])
    assert len(model.history_.loss) == model.n_iter_ == 3
    again = estimators().MLPClassifier((4,), epochs=3, random_state=1).fit(X, y)
    assert (again.decision_function(X) == model.decision_function(X)).all()
    for estimator in (model, pickle.loads(pickle.dumps(model))):
        for parameter in estimator.model_.parameters():
            parameter.data = 0.0
        assert (estimator.decision_function(X) == 0.0).all()


def test_one_target_or_several() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (80, 2))  # noqa: N806
    both = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] + X[:, 1]])
    one = estimators().MLPRegressor(activation="tanh", random_state=0).fit(X, both[:, 0])
    assert one.predict(X).shape == (80,)
    assert one.score(X, both[:, 0]) > 0.9
    two = estimators().MLPRegressor(activation="tanh", random_state=0).fit(X, both)
    assert two.predict(X).shape == (80, 2)
    assert two.score(X, both) > 0.9


def test_weight_decay_shrinks_weights_and_leaves_biases_out() -> None:
    X, y = moons()  # noqa: N806

    def sizes(weight_decay: float) -> tuple[float, float]:
        model = estimators().MLPClassifier(epochs=30, weight_decay=weight_decay, random_state=0).fit(X, y)
        state = model.model_.state_dict()
        return float(np.abs(state["0.weight"]).sum()), float(np.abs(state["2.bias"]).sum())

    (free, _), (decayed, bias) = sizes(0.0), sizes(0.5)
    assert decayed < free / 4
    assert bias > 0.0


REFUSED = [
    ({"activation": "rleu"}, "activation must be one of .*relu.* got 'rleu'"),
    ({"optimizer": "adm"}, "optimizer must be one of .*adam.* got 'adm'"),
    ({"hidden_layer_sizes": (0,)}, "nout in hidden_layer_sizes must be a whole number ≥ 1, got 0"),
    ({"epochs": 0}, "epochs must be a whole number ≥ 1, got 0"),
    ({"batch_size": 0}, "batch_size must be a whole number ≥ 1, got 0"),
    ({"lr": -1.0}, "lr must be a finite number ≥ 0, got -1.0"),
    ({"weight_decay": float("nan")}, "weight_decay.* must be a finite number ≥ 0, got nan"),
    ({"init": "zero"}, "init must be one of .*constant.* got 'zero'"),
]


def test_one_hidden_layer_may_be_one_number() -> None:
    X, y = moons()  # noqa: N806
    assert estimators().MLPClassifier(5, epochs=1).fit(X, y).model_.nouts == [5, 2]


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=str)
def test_bad_settings_are_refused_when_fitting(settings: dict[str, Any], message: str) -> None:
    X, y = moons()  # noqa: N806
    with pytest.raises(ValueError, match=message):
        estimators().MLPClassifier(**settings).fit(X, y)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_what_is_not_fitted_says_so(name: str) -> None:
    from sklearn.exceptions import NotFittedError

    model = getattr(estimators(), name)()
    methods = [model.predict, lambda data: model.score(data, [0, 1])]
    methods += [getattr(model, method) for method in ("decision_function", "predict_proba") if hasattr(model, method)]
    for method in methods:
        with pytest.raises(NotFittedError, match="not fitted yet"):
            method([[0.0], [1.0]])


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_a_refit_that_is_refused_leaves_the_fitted_model_as_it_was(name: str) -> None:
    """Its classes, the number of its targets and of its features."""
    X, y = moons()  # noqa: N806
    model = getattr(estimators(), name)(epochs=3, random_state=0).fit(X, y)
    before = model.predict(X)
    other = np.array(["a", "b"])[y] if name == "MLPClassifier" else np.column_stack([y, y])
    with pytest.raises(ValueError, match="lr must be"):
        model.set_params(lr=-1.0).fit(X[:, :1], other)
    assert model.predict(X).tolist() == before.tolist()


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="two classes or more, y has one class"):
        estimators().MLPClassifier().fit([[0.0], [1.0]], [1, 1])


def test_without_scikit_learn_the_message_says_what_to_install() -> None:
    program = "import sys; sys.modules['sklearn'] = None; import microgradnn.sklearn"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert run.stderr.splitlines()[-1] == (f"ImportError: the estimators need scikit-learn: {install('scikit-learn')}")

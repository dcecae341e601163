"""The estimators pass scikit-learn's own suite, train as its own networks do, and work where they work."""

from __future__ import annotations

import doctest
import importlib
import math
import os
import pickle
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from microgradnn.extras import install

pytestmark = pytest.mark.sklearn


def estimators() -> Any:
    from microgradnn import sklearn

    return sklearn


@cache
def moons() -> Any:
    from sklearn.datasets import make_moons

    return make_moons(120, noise=0.1, random_state=0)


@pytest.mark.one_engine
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


MODULES = ["", ".estimators", ".network", ".settings", ".training"]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_modules_run(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"microgradnn.sklearn{module}")).failed == 0


# ---- the same run as scikit-learn's ----------------------------------------------------------------------------------

SOLVERS = ["adam", "sgd", "lbfgs"]
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
SETTINGS: list[dict[str, Any]] = [
    {"alpha": 0.5, "batch_size": 17},
    {"alpha": 0.0, "shuffle": False, "batch_size": 30},
    {"hidden_layer_sizes": (5, 4)},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": 3, "weighted": True, "batch_size": 20},
    {"early_stopping": True, "n_iter_no_change": 3},
    {"early_stopping": True, "validation_fraction": 0.3, "weighted": True},
    {"tol": 0.05, "n_iter_no_change": 1, "max_iter": 60},
]
OF_SGD: list[dict[str, Any]] = [
    {"learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.3},
    {"learning_rate": "adaptive", "learning_rate_init": 0.1, "n_iter_no_change": 1, "tol": 0.02, "max_iter": 50},
    {"momentum": 0.0},
    {"momentum": 0.7, "nesterovs_momentum": False, "learning_rate_init": 0.05},
]
OF_ADAM: list[dict[str, Any]] = [{"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "learning_rate_init": 0.02}]
KINDS = ["two classes", "three classes", "labels", "one target", "targets", "counts"]


@cache
def data(kind: str) -> Any:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 4))  # noqa: N806
    y = {
        "two classes": np.where(X[:, 0] * X[:, 1] > 0, "yes", "no"),
        "three classes": np.digitize(X[:, 0] + X[:, 1] ** 2, [0, 1]),
        "labels": np.column_stack([X[:, 0] > 0, X[:, 1] * X[:, 2] > 0, X[:, 3] > 0.5]).astype(int),
        "one target": np.sin(X[:, 0]) + X[:, 1],
        "targets": np.column_stack([X[:, 0] * X[:, 1], X[:, 2]]),
        "counts": rng.poisson(np.exp(0.5 * X[:, :2])).astype(float),
    }[kind]
    return X, y, rng.uniform(size=90)


def pair(kind: str, **settings: Any) -> tuple[Any, Any]:
    """An estimator of scikit-learn and one of ours, with the same settings."""
    import sklearn.neural_network

    name = "MLPRegressor" if kind in ("one target", "targets", "counts") else "MLPClassifier"
    if kind == "counts":
        settings |= {"loss": "poisson"}
    return getattr(sklearn.neural_network, name)(**settings), getattr(estimators(), name)(**settings)


def apart(theirs: Any, ours: Any, X: Any) -> float:  # noqa: N803
    """The largest difference of all that was learned and of what was noted on the way; inf where counts differ."""
    counts = ["n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"]
    if any(getattr(theirs, name) != getattr(ours, name) for name in counts):
        return math.inf
    pairs = [*zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True)]
    pairs.append((theirs.loss_, ours.loss_))
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
        curve, own = getattr(theirs, name, None), getattr(ours, name, None)
        if (curve is None) != (own is None):
            return math.inf
        pairs += [(curve, own)] * (curve is not None)
    if hasattr(theirs, "classes_"):
        assert theirs.classes_.tolist() == ours.classes_.tolist()
        assert theirs.predict(X).dtype == ours.predict(X).dtype
        if theirs.predict(X).tolist() != ours.predict(X).tolist():
            return math.inf
        names = ["predict_proba"]
        likely = theirs.predict_proba(X) > 1e-6  # scikit-learn takes the logarithm of what is rounded
        pairs += [(theirs.predict_log_proba(X)[likely], ours.predict_log_proba(X)[likely])]
    else:
        names = ["predict"]
    pairs += [(getattr(theirs, name)(X), getattr(ours, name)(X)) for name in names]
    if any(np.shape(one) != np.shape(other) for one, other in pairs):
        return math.inf
    return max(float(np.abs(np.subtract(one, other)).max(initial=0.0)) for one, other in pairs)


def fitted_apart(kind: str, weighted: bool = False, spoiled: Any = None, **settings: Any) -> float:
    X, y, weights = data(kind)  # noqa: N806
    theirs, ours = pair(kind, **({"hidden_layer_sizes": (6,), "max_iter": 15, "random_state": 3} | settings))
    for estimator in (theirs, ours.set_params(**(spoiled or {}))):
        estimator.fit(X, y, sample_weight=weights if weighted else None)
    return apart(theirs, ours, X)


quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_training_is_scikit_learns(kind: str, activation: str, solver: str) -> None:
    assert fitted_apart(kind, solver=solver, activation=activation) < 1e-8


@quiet
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("solver", "settings"),
    [(solver, settings) for solver in SOLVERS for settings in SETTINGS]
    + [("sgd", settings) for settings in OF_SGD]
    + [("adam", settings) for settings in OF_ADAM],
    ids=str,
)
def test_training_is_scikit_learns_with_other_settings(kind: str, solver: str, settings: dict[str, Any]) -> None:
    assert fitted_apart(kind, solver=solver, activation="tanh", **settings) < 1e-8


SPOILED = [
    ("adam", {"alpha": 1.01e-4}), ("adam", {"epsilon": 1.1e-8}), ("adam", {"beta_1": 0.899}),
    ("adam", {"beta_2": 0.9991}), ("adam", {"learning_rate_init": 1.001e-3}), ("adam", {"batch_size": 89}),
    ("adam", {"random_state": 4}), ("adam", {"shuffle": False, "batch_size": 20}), ("adam", {"max_iter": 14}),
    ("adam", {"activation": "logistic"}), ("adam", {"solver": "adamw"}), ("adam", {"init": "he_uniform"}),
    ("adam", {"early_stopping": True}), ("adam", {"tol": 0.5, "n_iter_no_change": 1}), ("sgd", {"momentum": 0.901}),
    ("sgd", {"nesterovs_momentum": False}), ("sgd", {"learning_rate": "invscaling"}), ("lbfgs", {"alpha": 1.01e-4}),
    ("lbfgs", {"max_fun": 5}),
]  # fmt: skip


@quiet
@pytest.mark.parametrize(("solver", "spoiled"), SPOILED, ids=str)
def test_the_comparison_notices_every_setting(solver: str, spoiled: dict[str, Any]) -> None:
    assert fitted_apart("three classes", solver=solver, spoiled=spoiled) > 1e-8


@quiet
@settings(max_examples=25, deadline=None, database=None)
@given(
    st.sampled_from(["two classes", "one target"]),
    st.lists(
        st.one_of(
            st.sampled_from(["fit", "partial_fit", "weighted"]),
            st.fixed_dictionaries({"max_iter": st.integers(1, 4)}),
            st.fixed_dictionaries({"tol": st.sampled_from([0.0, 0.05]), "n_iter_no_change": st.integers(1, 3)}),
            st.fixed_dictionaries({"warm_start": st.booleans()}),
            st.fixed_dictionaries({"alpha": st.sampled_from([0.0, 0.3])}),
        ),
        min_size=1, max_size=6,
    ),
    st.sampled_from([{"solver": "adam"}, {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05}]),
)  # fmt: skip
def test_any_course_of_fits_goes_as_scikit_learns(kind: str, course: list[Any], given: dict[str, Any]) -> None:
    X, y, weights = data(kind)  # noqa: N806
    both = pair(kind, hidden_layer_sizes=(3,), random_state=1, warm_start=True, max_iter=3, batch_size=40, **given)
    for step in course:
        for estimator in both:
            classes = {"classes": np.unique(y)} if kind == "two classes" else {}
            if isinstance(step, dict):
                estimator.set_params(**step)
            elif step == "partial_fit":
                estimator.partial_fit(X[:50], y[:50], **classes)
            else:
                estimator.fit(X, y, sample_weight=weights if step == "weighted" else None)
        if hasattr(both[0], "coefs_"):
            assert apart(*both, X) < 1e-9


@quiet
def test_a_random_state_that_goes_on_is_drawn_from_in_the_same_order() -> None:
    X, y, _ = data("three classes")  # noqa: N806
    theirs, ours = pair("three classes", hidden_layer_sizes=(3,), max_iter=3, early_stopping=True)
    for estimator in (theirs, ours):
        estimator.set_params(random_state=np.random.RandomState(5)).fit(X, y).fit(X, y)
    assert apart(theirs, ours, X) < 1e-12
    assert theirs.random_state.randint(10**9) == ours.random_state.randint(10**9)


@pytest.mark.parametrize("settings", [{"solver": "adam"}, {"solver": "lbfgs"}], ids=str)
def test_an_end_before_convergence_is_warned_of(settings: dict[str, Any]) -> None:
    from sklearn.exceptions import ConvergenceWarning

    X, y = moons()  # noqa: N806
    with pytest.warns(ConvergenceWarning, match="did not converge within .*max_iter=2|within 2 .*max_iter=2") as caught:
        estimators().MLPClassifier(max_iter=2, **settings).fit(X, y)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimators().MLPClassifier(max_iter=900, tol=0.01, random_state=0, **settings).fit(X, y)


# ---- programs in the style of scikit-learn's examples ----------------------------------------------------------------


def regularised(library: Any) -> list[float]:
    """Strengths of the penalty on three small problems, by lbfgs."""
    from sklearn.datasets import make_circles, make_moons
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scores = []
    for X, y in (make_moons(90, noise=0.3, random_state=0), make_circles(90, noise=0.2, factor=0.5, random_state=1)):  # noqa: N806
        for alpha in (0.1, 1.0, 10.0):
            network = library.MLPClassifier((10, 10), solver="lbfgs", alpha=alpha, random_state=1, max_iter=100)
            scores.append(make_pipeline(StandardScaler(), network).fit(X[:60], y[:60]).score(X[60:], y[60:]))
    return scores


def ways_down(library: Any) -> list[float]:
    """Learning rates and momenta on the irises."""
    from sklearn.datasets import load_iris
    from sklearn.preprocessing import MinMaxScaler

    X, y = load_iris(return_X_y=True)  # noqa: N806
    X = MinMaxScaler().fit_transform(X)  # noqa: N806
    ways: list[dict[str, Any]] = [
        {"solver": "sgd", "learning_rate": "constant", "momentum": 0.0, "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate": "invscaling", "momentum": 0.9, "learning_rate_init": 0.2},
        {"solver": "adam", "learning_rate_init": 0.01},
    ]
    networks = [library.MLPClassifier(random_state=0, max_iter=60, **way).fit(X, y) for way in ways]
    return [network.score(X, y) for network in networks] + [network.loss_ for network in networks]


def digits(library: Any) -> list[float]:
    """Digits by descent in a few epochs; the filters of the first layer are looked at."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    X, y = load_digits(return_X_y=True)  # noqa: N806
    train, test, labels, known = train_test_split(X / 16, y, random_state=0, test_size=0.5)
    network = library.MLPClassifier((40,), max_iter=8, solver="sgd", random_state=1, learning_rate_init=0.2)
    network.fit(train, labels)
    filters = network.coefs_[0].T.reshape(40, 8, 8)
    return [network.score(test, known), float(filters.min()), float(filters.max())]


def dependence(library: Any) -> list[float]:
    """How a regression depends on each feature, with early stopping."""
    from sklearn.datasets import make_friedman1
    from sklearn.inspection import partial_dependence
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    X, y = make_friedman1(400, random_state=0)  # noqa: N806
    network = library.MLPRegressor(
        hidden_layer_sizes=(30, 15), learning_rate_init=0.01, early_stopping=True, random_state=0
    )
    model = make_pipeline(QuantileTransformer(n_quantiles=100), network).fit(X, (y - y.mean()) / y.std())
    curve = partial_dependence(model, X[:50], [0], grid_resolution=5)["average"][0]
    return [model.score(X, (y - y.mean()) / y.std()), *curve.tolist()]


@quiet
@pytest.mark.parametrize("program", [regularised, ways_down, digits, dependence])
def test_programs_written_for_scikit_learn_run_and_learn_the_same(program: Any) -> None:
    import sklearn.neural_network

    assert program(estimators()) == pytest.approx(program(sklearn.neural_network), abs=1e-6)


@quiet
def test_grid_search_in_a_pipeline_and_cross_validation_record_each_network_once() -> None:
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from microgradnn.sklearn.network import network

    X, y = moons()  # noqa: N806
    pipeline = make_pipeline(StandardScaler(), estimators().MLPClassifier((7,), solver="lbfgs", random_state=0))
    network.cache_clear()
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.8
    grid = {"mlpclassifier__activation": ["identity", "relu"], "mlpclassifier__alpha": [1e-3, 1e-1]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_params_["mlpclassifier__activation"] == "relu"
    assert network.cache_info().misses == 2


# ---- what scikit-learn's lack ----------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", ["adamw", "adagrad", "rmsprop"])
def test_further_solvers_are_those_of_optim(solver: str) -> None:
    from microgradnn import nn, optim

    X, y, _ = data("three classes")  # noqa: N806
    X, y, alpha = X[:12], y[:12], 0.1  # noqa: N806
    network = estimators().MLPClassifier(
        (3,), "tanh", init="xavier_normal", solver=solver, alpha=alpha, learning_rate_init=0.1, max_iter=4,
        random_state=0, shuffle=False,
    ).fit(X, y)  # fmt: skip
    model = nn.MLP(4, [3, 3], "tanh", init="xavier_normal", rng=np.random.RandomState(0).randint(2**31))
    weights = model.weights()
    of_weights = {id(weight) for weight in weights}
    biases = [parameter for parameter in model.parameters() if id(parameter) not in of_weights]
    decay = {"weight_decay": alpha if solver == "adamw" else 0.0}
    groups: list[dict[str, Any]] = [{"params": weights, **decay}, {"params": biases, "weight_decay": 0.0}]
    optimizer = optim.OPTIMIZERS[solver](groups, lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        loss = nn.losses.cross_entropy(model(X.tolist()), y.tolist())
        if solver != "adamw":
            loss = loss + nn.l2(model, alpha / len(X))
        loss.backward()
        optimizer.step()
    assert network.loss_ == pytest.approx(loss.data, abs=1e-12)
    assert network.coefs_[0] == pytest.approx(model.state_dict()["0.weight"].T, abs=1e-12)
    assert network.intercepts_[1] == pytest.approx(model.state_dict()["2.bias"], abs=1e-12)


def test_the_network_inside_gives_the_same_outputs(tmp_path: Any) -> None:
    X, y = moons()  # noqa: N806
    model = estimators().MLPClassifier((4,), "elu", solver="lbfgs", random_state=1).fit(X, y)
    network = model.model_
    assert [network(x).data for x in X[:5].tolist()] == pytest.approx(model.decision_function(X[:5]))
    network.save(tmp_path / "network.safetensors")
    for parameter in network.parameters():
        parameter.data = 0.0
    assert (model.decision_function(X) != 0.0).all()  # it was a copy
    network.load(tmp_path / "network.safetensors")
    assert network(X[0].tolist()).data == pytest.approx(model.decision_function(X[:1])[0])
    for weights in model.coefs_:
        weights *= 0.0
    assert set(model.decision_function(X).tolist()) == {model.intercepts_[1][0]}  # coefs_ are what predicts


@pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [False, True], [3, 7]], ids=str)
def test_two_classes_of_any_kind(labels: list[Any]) -> None:
    X, y = moons()  # noqa: N806
    model = estimators().MLPClassifier(solver="lbfgs", random_state=0).fit(X, np.array(labels)[y])
    assert model.classes_.tolist() == labels
    assert set(model.predict(X).tolist()) == set(labels)
    assert model.score(X, np.array(labels)[y]) > 0.9
    probabilities = model.predict_proba(X)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(X)))
    assert ((model.decision_function(X) > 0) == (probabilities[:, 1] > 0.5)).all()


def test_logarithms_of_probabilities_are_finite_where_these_are_0() -> None:
    for kind in ("two classes", "three classes", "labels"):
        X, y, _ = data(kind)  # noqa: N806
        model = estimators().MLPClassifier((3,), solver="lbfgs", max_iter=300, random_state=0).fit(X, y)
        assert (model.predict_proba(1e5 * X) == 0).any()
        assert np.isfinite(model.predict_log_proba(1e5 * X)).all()


# ---- data in other forms ---------------------------------------------------------------------------------------------


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_sparse_rows_single_precision_and_lists_are_read(solver: str) -> None:
    from scipy.sparse import coo_array, csc_matrix, csr_matrix

    X, y, _ = data("three classes")  # noqa: N806
    X = np.where(np.abs(X) > 0.7, X, 0.0).astype(np.float32)  # noqa: N806
    settings = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, "solver": solver, "early_stopping": True}
    plain = estimators().MLPClassifier(**settings).fit(X.astype(float), y)
    for form in (csr_matrix, csc_matrix, coo_array, np.asfortranarray, lambda X: X.tolist()):  # noqa: N803
        other = estimators().MLPClassifier(**settings).fit(form(X), y)
        assert other.predict_proba(form(X)) == pytest.approx(plain.predict_proba(X), abs=1e-12)


@quiet
def test_many_rows_are_predicted_as_few() -> None:
    X, y = moons()  # noqa: N806
    model = estimators().MLPClassifier((3,), max_iter=2, random_state=0).fit(X, y)
    many = np.tile(X, (20, 1))
    assert len(many) > 2000
    assert model.decision_function(many) == pytest.approx(np.tile(model.decision_function(X), 20))


@quiet
def test_one_target_or_several() -> None:
    for kind, shape in (("one target", (90,)), ("targets", (90, 2)), ("counts", (90, 2))):
        X, y, _ = data(kind)  # noqa: N806
        _, model = pair(kind, solver="lbfgs", random_state=0)
        assert model.fit(X, y).predict(X).shape == shape
        assert kind == "counts" or model.score(X, y) > 0.9


@quiet
@pytest.mark.parametrize("solver", ["adam", "sgd", "adamw", "adagrad", "rmsprop"])
def test_a_pickled_estimator_predicts_and_goes_on(solver: str) -> None:
    from sklearn.base import clone

    X, y = moons()  # noqa: N806
    model = estimators().MLPClassifier((3,), solver=solver, max_iter=3, random_state=0).fit(X, y)
    other = pickle.loads(pickle.dumps(model))
    assert (other.predict_proba(X) == model.predict_proba(X)).all()
    assert other.partial_fit(X, y).loss_curve_ == model.partial_fit(X, y).loss_curve_
    assert not hasattr(clone(model), "coefs_")
    assert clone(model).get_params() == model.get_params()


@quiet
def test_networks_of_one_shape_are_trained_in_several_threads_at_once() -> None:
    X, y = moons()  # noqa: N806

    def curve(seed: int) -> list[float]:
        return list(estimators().MLPClassifier((5,), max_iter=30, random_state=seed).fit(X, y).loss_curve_)

    alone = [curve(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(curve, range(4))] == alone


# ---- what is refused, what is interrupted ----------------------------------------------------------------------------

REFUSED = [
    ({"activation": "rleu"}, "activation must be one of .*relu.* got 'rleu'"),
    ({"activation": abs}, "activation must be one of .*relu.* got <built-in"),
    ({"solver": "adm"}, "solver must be one of .*adam.* got 'adm'"),
    ({"solver": None}, "solver must be one of .*adam.* got None"),
    ({"hidden_layer_sizes": (3, 0)}, r"hidden_layer_sizes\[1\] must be a whole number ≥ 1, got 0"),
    ({"max_iter": 0}, "max_iter must be a whole number ≥ 1, got 0"),
    ({"max_fun": 0}, "max_fun must be a whole number ≥ 1, got 0"),
    ({"batch_size": 0}, "batch_size must be a whole number ≥ 1 or 'auto', got 0"),
    ({"batch_size": "all"}, "batch_size must be a whole number ≥ 1 or 'auto', got 'all'"),
    ({"learning_rate": 0.1}, "learning_rate must be one of constant, invscaling, adaptive, got 0.1"),
    ({"learning_rate_init": 0.0}, "learning_rate_init must be a finite number > 0, got 0.0"),
    ({"power_t": -1}, "power_t must be a finite number ≥ 0, got -1"),
    ({"alpha": float("nan")}, "alpha must be a finite number ≥ 0, got nan"),
    ({"tol": -1.0}, "tol must be a finite number ≥ 0, got -1.0"),
    ({"momentum": 1.1}, "momentum must be a number from 0 to 1, got 1.1"),
    ({"beta_1": 1.0}, r"beta_1 must be a number in \[0, 1\), got 1.0"),
    ({"beta_2": -0.1}, r"beta_2 must be a number in \[0, 1\), got -0.1"),
    ({"epsilon": 0}, "epsilon must be a finite number > 0, got 0"),
    ({"shuffle": "no"}, "shuffle must be True or False, got 'no'"),
    ({"warm_start": None}, "warm_start must be True or False, got None"),
    ({"early_stopping": 1}, "early_stopping must be True or False, got 1"),
    ({"nesterovs_momentum": 1}, "nesterovs_momentum must be True or False, got 1"),
    ({"validation_fraction": 1.0}, r"validation_fraction must be a number in \(0, 1\), got 1.0"),
    ({"n_iter_no_change": 0}, "n_iter_no_change must be a whole number ≥ 1 or inf, got 0"),
    ({"random_state": "zero"}, "'zero' cannot be used to seed"),
    ({"init": "zero"}, "init must be one of .*constant.* got 'zero'"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED, ids=str)
def test_bad_settings_are_refused_when_fitting(settings: dict[str, Any], message: str) -> None:
    X, y = moons()  # noqa: N806
    with pytest.raises(ValueError, match=message):
        estimators().MLPClassifier(**settings).fit(X, y)


def test_every_setting_has_a_limit_or_is_read_elsewhere() -> None:
    from microgradnn.sklearn.settings import LIMITS

    settings = estimators().MLPRegressor().get_params()
    assert settings.keys() - LIMITS.keys() == {"hidden_layer_sizes", "init", "random_state", "verbose"}
    import sklearn.neural_network

    for name in ("MLPClassifier", "MLPRegressor"):
        known = getattr(sklearn.neural_network, name)().get_params()
        own = getattr(estimators(), name)().get_params()
        assert own == known | {"init": None}


REFUSED_DATA: list[tuple[str, Any, str]] = [
    ("MLPClassifier", lambda net: net.fit([[0.0], [1.0]], [1, 1]), "two classes or more, y has one class: 1"),
    ("MLPClassifier", lambda net: net.fit([[0.0], [1.0]], [0, 1], sample_weight=[1, -1]), "no negative weights"),
    ("MLPClassifier", lambda net: net.fit([[0.0], [1.0]], [0, 1], sample_weight=[0, 0]), "not only zeros"),
    ("MLPClassifier", lambda net: net.partial_fit([[0.0], [1.0]], [0, 1]), "the first call .* needs classes="),
    ("MLPClassifier", lambda net: net.partial_fit([[0.0]], [2], classes=[0, 1]), "not among classes="),
    ("MLPClassifier", lambda net: partly(net).partial_fit([[0.0]], [2]), "classes that are not among"),
    ("MLPClassifier", lambda net: partly(net).partial_fit([[0.0]], [1], classes=[1, 2]), "goes on with the classes"),
    ("MLPClassifier", lambda net: partly(net).set_params(warm_start=True).fit([[0.0]], [1]), "goes on with the cl"),
    (
        "MLPClassifier", lambda net: partly(net).set_params(hidden_layer_sizes=5).partial_fit([[0.0]], [1]),
        r"goes on with layers of \(1, 100, 1\), and now they are \(1, 5, 1\)",
    ),
    (
        "MLPClassifier", lambda net: net.set_params(early_stopping=True).partial_fit([[0.0]], [0], classes=[0, 1]),
        "partial_fit sets no rows aside",
    ),
    ("MLPRegressor", lambda net: net.set_params(loss="poisson").fit([[0.0], [1.0]], [1, -1]), "is for y ≥ 0, got -1"),
    ("MLPRegressor", lambda net: net.set_params(loss="l1").fit([[0.0]], [1]), "loss must be one of squared_error"),
    (
        "MLPRegressor", lambda net: net.set_params(solver="sgd", learning_rate_init=1e300).fit([[1.0], [2.0]], [1, 2]),
        "the weights are not finite in epoch .: scale X, or lower learning_rate_init",
    ),
]  # fmt: skip


def partly(network: Any) -> Any:
    return network.partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1])


@quiet
@pytest.mark.parametrize(("name", "call", "message"), REFUSED_DATA, ids=[message for *_, message in REFUSED_DATA])
def test_what_cannot_be_trained_on_is_refused(name: str, call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(getattr(estimators(), name)())


@quiet
def test_a_step_that_is_refused_leaves_everything_as_it_was() -> None:
    X, y = moons()  # noqa: N806
    settings = {"solver": "sgd", "max_iter": 3, "batch_size": 30, "random_state": 0, "warm_start": True}
    model = estimators().MLPClassifier((3,), **settings).fit(X, y)
    before, curve = pickle.dumps(model.coefs_), [*model.loss_curve_]
    for call in (
        lambda: model.fit(8e307 * X, y),
        lambda: model.partial_fit(8e307 * X, y),
        lambda: model.fit(X[:, :1], np.array(["a", "b"])[y]),
    ):
        with pytest.raises(ValueError, match=r"not finite|features"):
            call()
        assert (pickle.dumps(model.coefs_), model.loss_curve_) == (before, curve)
    again = estimators().MLPClassifier((3,), **settings).fit(X, y)
    assert model.partial_fit(X, y).loss_curve_ == again.partial_fit(X, y).loss_curve_


def test_ctrl_c_ends_training_with_what_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    from microgradnn.sklearn.network import Network

    X, y = moons()  # noqa: N806
    calls, loss_and_gradient = [0], Network.loss_and_gradient

    def interrupted(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == 6:
            raise KeyboardInterrupt
        return loss_and_gradient(*arguments)

    monkeypatch.setattr(Network, "loss_and_gradient", interrupted)
    with pytest.warns(UserWarning, match="training was interrupted after 2 epochs"):
        model = estimators().MLPClassifier((3,), batch_size=60, random_state=0).fit(X, y)
    assert len(model.loss_curve_) == model.n_iter_ == 2
    assert model.predict(X).shape == y.shape


@quiet
def test_batches_larger_than_the_data_are_warned_of() -> None:
    X, y = moons()  # noqa: N806
    with pytest.warns(UserWarning, match="batch_size is 500, and there are 120 rows"):
        large = estimators().MLPClassifier((3,), batch_size=500, max_iter=2, random_state=0).fit(X, y)
    assert large.loss_curve_ == estimators().MLPClassifier((3,), max_iter=2, random_state=0).fit(X, y).loss_curve_


@quiet
def test_verbose_training_says_how_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    X, y = moons()  # noqa: N806
    settings = {"verbose": True, "random_state": 0, "tol": 1.0, "n_iter_no_change": 1}
    adaptive = {"learning_rate_init": 1e-5, "solver": "sgd", "learning_rate": "adaptive", "early_stopping": True}
    model = estimators().MLPClassifier(**settings, **adaptive).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        f"epoch 1: loss {model.loss_curve_[0]:.8f}",
        f"score in validation {model.validation_scores_[0]:.6f}",
    ]
    assert "the learning rate is 2e-06 from here on" in lines
    assert lines[-1] == "no better by tol=1.0 in 1 epochs"
    estimators().MLPClassifier((3,), solver="lbfgs", max_iter=3, verbose=True).fit(X, y)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_only_solvers_that_go_by_batches_have_partial_fit() -> None:
    for name in ("MLPClassifier", "MLPRegressor"):
        assert hasattr(getattr(estimators(), name)(solver="sgd"), "partial_fit")
        assert not hasattr(getattr(estimators(), name)(solver="lbfgs"), "partial_fit")


@quiet
def test_another_solver_takes_over_in_a_warm_start() -> None:
    X, y = moons()  # noqa: N806
    model = estimators().MLPClassifier((5,), solver="adam", max_iter=5, warm_start=True, random_state=0).fit(X, y)
    loss = model.loss_
    model.set_params(solver="lbfgs").fit(X, y)
    assert model.loss_ < loss
    assert not hasattr(model, "loss_curve_")
    model.set_params(solver="adam", early_stopping=True).fit(X, y)
    assert model.loss_curve_[0] < loss
    assert len(model.validation_scores_) == 5
    model.set_params(early_stopping=False).partial_fit(X, y)
    assert (len(model.loss_curve_), model.validation_scores_) == (6, None)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_what_is_not_fitted_says_so(name: str) -> None:
    from sklearn.exceptions import NotFittedError

    model = getattr(estimators(), name)()
    assert not hasattr(model, "model_")
    methods = [model.predict, lambda data: model.score(data, [0, 1])]
    probabilities = ("decision_function", "predict_proba", "predict_log_proba")
    methods += [getattr(model, method) for method in probabilities if hasattr(model, method)]
    for method in methods:
        with pytest.raises(NotFittedError, match="not fitted yet"):
            method([[0.0], [1.0]])


def test_without_scikit_learn_the_message_says_what_to_install() -> None:
    program = "import sys; sys.modules['sklearn'] = None; import microgradnn.sklearn"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert run.stderr.splitlines()[-1] == (f"ImportError: the estimators need scikit-learn: {install('scikit-learn')}")

"""Initialisers: means, variances and limits; seeds and names; and what they do to a deep network (notes 001, 004)."""

import math

import numpy as np
import pytest

from microgradnn import Value, nn, no_grad, optim
from microgradnn.nn import init
from microgradnn.nn.activations import INITIALISERS as BY_ACTIVATION

FANS = [(300, 200), (50, 400), (400, 50)]  # fan_in, fan_out


def drawn(initialiser, fan_in=300, fan_out=200, seed=0, source=np.random.default_rng):
    return np.array(initialiser(source(seed), fan_in, fan_out))


# initialiser, its variance by fan_in and fan_out, its limit (None: normal)
TABLE = {
    "normal": (init.normal(), lambda i, o: 0.01**2, None),
    "normal(0.1)": (init.normal(0.1), lambda i, o: 0.01, None),  # the N(0, 0.01) of note 004, which is a variance
    "uniform": (init.uniform(), lambda i, o: 1 / 3, lambda i, o: 1.0),
    "uniform(0.2)": (init.uniform(0.2), lambda i, o: 0.04 / 3, lambda i, o: 0.2),
    "xavier_uniform": (init.xavier_uniform(), lambda i, o: 2 / (i + o), lambda i, o: math.sqrt(6 / (i + o))),
    "xavier_normal": (init.xavier_normal(), lambda i, o: 2 / (i + o), None),
    "he_uniform": (init.he_uniform(), lambda i, o: 2 / i, lambda i, o: math.sqrt(6 / i)),
    "he_normal": (init.he_normal(), lambda i, o: 2 / i, None),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("source", [np.random.default_rng, init.PythonGenerator])
@pytest.mark.parametrize("fans", FANS)
@pytest.mark.parametrize(("initialiser", "variance", "limit"), TABLE.values(), ids=TABLE)
def test_mean_variance_limit_and_shape(initialiser, variance, limit, fans, source):
    """Over 20,000 to 60,000 weights, four standard errors wide."""
    weights, expected = drawn(initialiser, *fans, source=source), variance(*fans)
    assert weights.shape == fans[::-1]
    assert abs(weights.mean()) < 4 * math.sqrt(expected / weights.size)
    kurtosis = 3.0 if limit is None else 9 / 5  # a uniform variance is known better than a normal one
    assert weights.var() == pytest.approx(expected, rel=4 * math.sqrt((kurtosis - 1) / weights.size))
    if limit is None:
        assert np.abs(weights).max() > 3.5 * math.sqrt(expected)
    else:
        assert 0.999 * limit(*fans) < np.abs(weights).max() <= limit(*fans)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal", "he_uniform", "he_normal"])
def test_the_spread_is_that_of_torch(name):
    import torch

    theirs = torch.empty(200, 300, dtype=torch.float64)
    kind = {"nonlinearity": "relu"} if name.startswith("he") else {}
    getattr(torch.nn.init, name.replace("he_", "kaiming_") + "_")(
        theirs, **kind, generator=torch.Generator().manual_seed(0)
    )
    ours = drawn(getattr(init, name)())
    assert ours.std() == pytest.approx(theirs.std().item(), rel=0.02)
    assert (np.abs(ours).max() == pytest.approx(theirs.abs().max().item(), rel=0.001)) == name.endswith("uniform")


def test_constant_is_constant():
    assert (drawn(init.constant(0.3)) == 0.3).all()
    assert (drawn(init.constant()) == 0.0).all()
    assert (drawn(init.constant(-2)) == -2.0).all()


@pytest.mark.parametrize("name", init.INITIALISERS)
def test_an_initialiser_goes_by_name_by_function_and_by_what_it_gives(name):
    function = init.INITIALISERS[name]
    networks = [nn.MLP(3, [4, 2], init=kind, rng=7).state_dict() for kind in (name, function, function())]
    for state in networks:
        assert all(np.array_equal(state[key], networks[0][key]) for key in state)
    assert np.array_equal(networks[0]["0.weight"], drawn(function(), 3, 4, seed=7))


@pytest.mark.parametrize("name", init.INITIALISERS)
def test_the_same_seed_gives_the_same_weights(name):
    function = init.INITIALISERS[name]()
    assert np.array_equal(drawn(function, seed=1), drawn(function, seed=1))
    assert np.array_equal(drawn(function, seed=1), drawn(function, seed=2)) == (name == "constant")


def test_the_default_is_by_activation():
    """He's for ReLU and its kin, Xavier's for the others; biases are 0."""
    for activation, initialiser in BY_ACTIVATION.items():
        layer = nn.Layer(5, 4, activation, rng=3)
        assert np.array_equal(layer.state_dict()["weight"], drawn(init.INITIALISERS[initialiser](), 5, 4, seed=3))
        assert initialiser == (
            "he_uniform" if activation in ("relu", "leaky_relu", "elu", "softplus") else "xavier_uniform"
        )
        assert (layer.state_dict()["bias"] == 0).all()
    mlp = nn.MLP(50, [40, 30], "relu", rng=3)  # the last layer is linear
    limits = [math.sqrt(6 / 50), math.sqrt(6 / (40 + 30))]
    for layer, limit in zip(mlp.layers, limits, strict=True):
        assert 0.98 * limit < np.abs(layer.state_dict()["weight"]).max() <= limit


def test_an_initialiser_of_ones_own():
    def identity(rng, fan_in, fan_out):
        return np.eye(fan_out, fan_in)

    for own in (identity, lambda *arguments: identity(*arguments).tolist()):  # an array or nested lists
        assert [y.data for y in nn.Layer(3, 3, "linear", init=own)([1.0, -2.0, 5.0])] == [1.0, -2.0, 5.0]


REFUSED = {
    "std negative": (lambda: init.normal(-0.1), ValueError, "std must be a finite number ≥ 0, got -0.1"),
    "std nan": (lambda: init.normal(math.nan), ValueError, "std must be a finite number ≥ 0, got nan"),
    "std text": (lambda: init.normal("0.1"), TypeError, "std must be a finite number ≥ 0, got '0.1'"),
    "limit negative": (lambda: init.uniform(-1), ValueError, "limit must be a finite number ≥ 0, got -1"),
    "limit inf": (lambda: init.uniform(math.inf), ValueError, "limit must be a finite number ≥ 0, got inf"),
    "value inf": (lambda: init.constant(math.inf), ValueError, "value must be a finite number, got inf"),
    "value a Value": (lambda: init.constant(Value(1.0)), TypeError, "value must be a finite number, got Value"),
    "a name unknown": (lambda: init.initialiser("glorot"), ValueError, "one of constant, normal, .*, got 'glorot'"),
    "a list": (lambda: init.initialiser([0.1]), ValueError, r"init must be one of constant, .*, got \[0.1\]"),
    "rng": (lambda: init.generator("seed"), TypeError, "rng must be a numpy.random.Generator, .*, got 'seed'"),
    "a shape": (
        lambda: nn.Layer(2, 3, init=lambda rng, i, o: np.zeros((i, o))), ValueError,
        r"init must give an array of 3 rows of 2 weights, got \(2, 3\)",
    ),
    "lists of a shape": (
        lambda: nn.Layer(2, 3, init=lambda rng, i, o: [[0.0] * o] * i), ValueError,
        r"init must give an array of 3 rows of 2 weights, got \(2, 3\)",
    ),
    "a ragged list": (
        lambda: nn.Layer(2, 3, init=lambda rng, i, o: [[0.0], [0.0, 0.0], [0.0, 0.0]]), ValueError,
        r"init must give an array of 3 rows of 2 weights, got \(3, 1, 2\)",
    ),
    "a flat list": (
        lambda: nn.Layer(2, 3, init=lambda rng, i, o: [0.0] * 6), ValueError,
        "init must give an array of 3 rows of 2 weights, got list",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- what they do to a deep network ------------------------------------------------------------------------------


def spread_by_layer(initialiser, activation, depth=8, width=64):
    """The standard deviation of the outputs of every layer, for standard normal inputs."""
    generator = np.random.default_rng(0)
    x, found = generator.normal(size=(20, width)).tolist(), []
    with no_grad():
        for _ in range(depth):
            x = nn.Layer(width, width, activation, init=initialiser, rng=generator)(x)
            found.append(float(np.std([[y.data for y in row] for row in x])))
    return found


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal"])
def test_xavier_keeps_the_variance_through_linear_layers(name):
    """Var z = n_in Var x Var w, which is Var x for n_in = n_out (note 004)."""
    assert spread_by_layer(name, "linear") == pytest.approx([1.0] * 8, rel=0.25)


def test_xavier_keeps_tanh_layers_alive_and_he_relu_layers():
    for name, activation in (("xavier_normal", "tanh"), ("he_normal", "relu")):
        found = spread_by_layer(name, activation)
        assert found[-1] > 0.25
        assert max(found) < 1.2


@pytest.mark.slow
def test_small_weights_vanish_layer_by_layer():
    """With a standard deviation of 0.01 each layer of 64 multiplies by 0.01 √64 = 0.08 (note 004)."""
    for activation in ("linear", "tanh"):
        found = np.array(spread_by_layer(init.normal(0.01), activation))
        assert found[0] == pytest.approx(0.08, rel=0.1)
        assert found[1:] / found[:-1] == pytest.approx([0.08] * 7, rel=0.25)
        assert found[-1] < 1e-7


@pytest.mark.slow
def test_large_weights_explode_or_saturate():
    """Linear layers multiply by √64 = 8; tanh has its outputs at ±1, where it has no slope (note 004)."""
    assert spread_by_layer(init.normal(1.0), "linear")[-1] == pytest.approx(8.0**8, rel=0.9)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(20, 64)).tolist()
    layer = nn.Layer(64, 64, "tanh", init=init.normal(1.0), rng=0)
    with no_grad():
        out = np.abs([[y.data for y in row] for row in layer(x)])
    assert np.median(1 - out**2) < 1e-4
    assert (out > 0.99).mean() > 0.7


def test_equal_weights_stay_equal_in_training():
    """Every neuron of a layer sees and does the same, for ever: it is one neuron (note 004)."""
    model = nn.MLP(2, [3, 1], "tanh", init=init.constant(0.4))
    other = nn.MLP(2, [3, 1], "tanh", rng=0)
    for network in (model, other):
        optimizer = optim.Adam(network.parameters(), lr=0.05)
        for _ in range(20):
            optimizer.zero_grad()
            nn.mse(network([[0.5, -1.0], [1.0, 2.0], [-1.0, 0.3]]), [1.0, -1.0, 0.5]).backward()
            optimizer.step()
    rows = model.state_dict()["0.weight"]
    assert not np.allclose(rows, 0.4, atol=0.05)  # it did learn
    assert np.ptp(rows, axis=0).max() < 1e-12
    assert np.ptp(model.state_dict()["2.weight"]) < 1e-12
    assert np.ptp(other.state_dict()["0.weight"], axis=0).min() > 0.1

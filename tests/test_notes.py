"""The lecture notes, figure by figure: what networks, losses and training show of them. Each test names its note."""

import math
import random
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import microgradnn as m
from microgradnn import Value, grad, nn, no_grad, optim
from microgradnn.graph import topological_order

XOR = ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])


def data(x):
    return [data(one) for one in x] if isinstance(x, list) else x.data


def train(model, loss, x, y, *, epochs, optimizer, penalty=None):
    """Full-batch training, compiled, which gives the same in a fraction of the time; the loss before the last step."""
    options = {"penalty": penalty, "compiled": True, "progress": False}
    return m.fit(model, loss, x, y, optimizer, epochs, batch_size=len(x), **options).loss[-1]


def accuracy(model, x, y):
    """The part of examples whose score has the sign of the label, which is above 0 or not."""
    with no_grad():
        return float(np.mean([(score.data > 0) == (label > 0) for score, label in zip(model(x), y, strict=True)]))


def weights_of(model):
    return np.concatenate([array.ravel() for name, array in model.state_dict().items() if name.endswith("weight")])


# ---- note 000: neural networks and backpropagation ---------------------------------------------------------------


def test_note_000_inputs_moved_along_the_gradient_raise_the_output():
    """(x + y) z goes from −12 to −11.5924 when every input moves by 0.01 of its gradient."""
    inputs = [Value(-2.0), Value(5.0), Value(-4.0)]
    f = (inputs[0] + inputs[1]) * inputs[2]
    f.backward()
    x, y, z = (one.data + 0.01 * one.grad for one in inputs)
    assert f.data == -12.0
    assert (x + y) * z == pytest.approx(-11.5924, abs=1e-12)


@pytest.mark.parametrize("fused", [True, False])
def test_note_000_sigmoid_neuron(fused):
    """W = [2, −3, −3], x = [−1, −2]: f = 0.7311, dw = [−0.20, −0.39, 0.20], dx = [0.39, −0.59]."""
    neuron = nn.Neuron(2, activation="sigmoid", fused=fused)
    neuron.load_state_dict({"w": [2.0, -3.0], "b": -3.0})
    x = [Value(-1.0), Value(-2.0)]
    [f] = neuron(x)
    f.backward()
    assert f.operands[0].data == 1.0
    assert round(f.data, 4) == 0.7311
    assert [round(one.grad, 2) for one in (*neuron.w, neuron.b)] == [-0.20, -0.39, 0.20]
    assert [round(one.grad, 2) for one in x] == [0.39, -0.59]
    assert f.partials == (pytest.approx((1 - f.data) * f.data, rel=1e-12),)


def test_note_000_gradient_of_a_matrix_product():
    """D = W X with W 5 × 10 and X 10 × 3: dW = dD Xᵀ and dX = Wᵀ dD."""
    rng = np.random.default_rng(0)
    x, upstream = rng.normal(size=(10, 3)), rng.normal(size=(5, 3))
    layer = nn.Layer(10, 5, "linear", rng=0)
    columns = [[Value(one) for one in column] for column in x.T]
    out = layer(columns)
    m.sum([out[j][i] * upstream[i, j] for i in range(5) for j in range(3)]).backward()
    weight = layer.state_dict()["weight"]
    assert np.allclose(np.array(data(out)).T, weight @ x, rtol=1e-12)
    assert np.allclose([[one.grad for one in row] for row in layer.weight], upstream @ x.T, rtol=1e-12)
    assert np.allclose([[one.grad for one in column] for column in columns], (weight.T @ upstream).T, rtol=1e-12)


@pytest.mark.parametrize(("nouts", "neurons", "parameters"), [([4, 2], 6, 26), ([4, 4, 1], 9, 41)])
def test_note_000_counting(nouts, neurons, parameters):
    """3-4-2 has 6 neurons and 26 parameters, 3-4-4-1 has 9 and 41: the inputs do not count."""
    summary = nn.MLP(3, nouts).summary()
    assert (summary.neurons, summary.parameters) == (neurons, parameters)


def test_note_000_two_layer_network():
    """F = W₂ max(0, W₁ x)."""
    model = nn.MLP(3, [4, 2], rng=0)
    state = model.state_dict()
    for x in np.random.default_rng(1).normal(size=(10, 3)):
        expected = state["2.weight"] @ np.maximum(0, state["0.weight"] @ x)
        assert data(model(x)) == pytest.approx(expected.tolist(), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    "loss",
    [lambda y, t: nn.binary_cross_entropy(y, [(one + 1) / 2 for one in t], from_logits=True), nn.hinge],
    ids=["logistic", "SVM"],
)
def test_note_000_single_neuron_is_a_linear_classifier(loss):
    """With the logistic or the SVM loss a neuron separates two clouds of points."""
    rng = np.random.default_rng(0)
    y = np.repeat([-1, 1], 15)
    x = rng.normal(0, 0.5, (30, 2)) + y[:, None] * [1.0, 1.5]
    model = nn.Sequential(nn.Neuron(2, activation="linear", rng=0))
    train(model, loss, x, y, epochs=40, optimizer=optim.SGD(model.parameters(), lr=0.5))
    assert accuracy(model, x, y) == 1.0


def test_note_000_l2_is_gradual_forgetting():
    """Where nothing teaches a weight, each step multiplies it by 1 − ηλ."""
    model = nn.Layer(2, 2, rng=0)
    before, optimizer = weights_of(model), optim.SGD(model.parameters(), lr=0.5)
    for _ in range(10):
        optimizer.zero_grad()
        nn.l2(model, 0.1).backward()
        optimizer.step()
    assert np.allclose(weights_of(model), before * (1 - 0.5 * 0.1) ** 10, rtol=1e-12)


def test_note_000_linear_stays_linear():
    """Without an activation W₂ W₁ x is one matrix: two layers can do what one can."""
    deep, single = nn.MLP(3, [5, 4, 2], "linear", rng=0), nn.Layer(3, 2, "linear")
    first, second, third = (deep.state_dict()[f"{place}.weight"] for place in (0, 2, 4))
    single.load_state_dict({"weight": third @ second @ first, "bias": [0.0, 0.0]})
    for x in np.random.default_rng(0).normal(size=(10, 3)):
        assert data(deep(x)) == pytest.approx(data(single(x)), rel=1e-12)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_note_000_no_neuron_separates_xor(numbers):
    """The scores of (0, 0) and (1, 1) sum to those of (0, 1) and (1, 0): they cannot have opposite signs."""
    neuron = nn.Neuron(2, activation="linear")
    neuron.load_state_dict({"w": numbers[:2], "b": numbers[2]})
    scores = [score.data for [score] in neuron(XOR[0])]
    assert scores[0] + scores[3] == pytest.approx(scores[1] + scores[2], abs=1e-9)
    assert not (max(scores[0], scores[3]) < -1e-9 and min(scores[1], scores[2]) > 1e-9)


def test_note_000_a_hidden_layer_learns_xor_and_a_neuron_does_not():
    """Trained alike, one gets all four right and the other stays at a loss of ln 2."""
    found = []
    for nouts in ([1], [4, 1]):
        model = nn.MLP(2, nouts, "tanh", rng=0)
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        loss = train(model, lambda y, t: nn.binary_cross_entropy(y, t, True), *XOR, epochs=100, optimizer=optimizer)
        found.append((loss, accuracy(model, *XOR)))
    assert found[0][0] >= math.log(2) - 1e-6
    assert found[0][1] <= 0.75
    assert found[1][0] < 0.05
    assert found[1][1] == 1.0


def test_note_000_maxout_is_relu_or_leaky_relu():
    """max(0, z) and max(kz, z), at the price of twice the parameters (also note 002)."""
    for k, activation in ((0.0, m.relu), (0.01, m.leaky_relu)):
        maxout = nn.Maxout(1, 1, pieces=2)
        maxout.load_state_dict({"weight": [[[k]], [[1.0]]], "bias": [[0.0], [0.0]]})
        for z in (-3.0, -0.5, 0.5, 3.0):
            assert maxout(z)[0].data == activation(z)
        assert len(maxout.parameters()) == 2 * len(nn.Layer(1, 1).parameters())


def rings(count, seed=0):
    """Points on three rings around each other; the middle one is of another class than the two others."""
    rng = np.random.default_rng(seed)
    ring, angle = np.arange(count) % 3, rng.uniform(0, 2 * np.pi, count)
    radius = (0.5 + ring + rng.normal(0, 0.08, count))[:, None]
    return radius * np.c_[np.cos(angle), np.sin(angle)], np.where(ring == 1, 1, -1)


def test_note_000_capacity_grows_with_the_neurons():
    """One hidden layer of 3, 6, 20 neurons on points in the plane: more neurons, more points right."""
    x, y = rings(45)
    found = []
    for hidden in (3, 6, 20):
        model = nn.MLP(2, [hidden, 1], "tanh", rng=1)
        train(model, nn.hinge, x, y, epochs=80, optimizer=optim.Adam(model.parameters(), lr=0.1))
        found.append(accuracy(model, x, y))
    assert found == sorted(found)
    assert found[0] < 0.9 < found[2]


def test_note_000_stronger_l2_gives_smaller_weights():
    """20 neurons with λ = 0.001, 0.01, 0.1: the norm of the weights falls each time."""
    x, y = rings(24)
    norms = []
    for strength in (0.0, 0.001, 0.01, 0.1):
        model = nn.MLP(2, [20, 1], "tanh", rng=0)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        train(model, nn.hinge, x, y, epochs=50, optimizer=optimizer, penalty=lambda net, s=strength: nn.l2(net, s))
        norms.append(np.linalg.norm(weights_of(model)))
    assert norms == sorted(norms, reverse=True)
    assert norms[-1] < 0.5 * norms[0]


def test_note_000_a_curve_is_approximated_better_by_more_neurons():
    """One hidden layer fitted to a curve in one dimension: the largest error falls as neurons are added."""
    x = np.linspace(-1, 1, 25)[:, None]
    y = np.sin(4 * x[:, 0]) + x[:, 0] ** 2
    errors = []
    for hidden in (1, 3, 10):
        model = nn.MLP(1, [hidden, 1], "tanh", init=nn.init.normal(1.0), rng=0)
        for bias, place in zip(model.layers[0].bias, np.linspace(-1, 1, hidden), strict=True):
            bias.data = place
        train(model, nn.mse, x, y, epochs=300, optimizer=optim.Adam(model.parameters(), lr=0.05))
        with no_grad():
            errors.append(np.abs(np.array(data(model(x))) - y).max())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1 < errors[0]


def test_note_000_saturated_sigmoid_lets_no_gradient_through():
    """Far from 0 the local gradient of σ is almost 0, so what comes from above is almost lost."""
    slopes = []
    for bias in (0.0, 5.0, 20.0):
        neuron = nn.Neuron(1, activation="sigmoid", init=nn.init.constant(1.0))
        neuron.b.data = bias
        neuron(0.0)[0].backward()
        slopes.append(neuron.b.grad)
    assert slopes[0] == 0.25
    assert slopes[1] < 0.01
    assert 0 < slopes[2] < 1e-8


def test_note_000_a_dead_relu_never_learns_and_a_leaky_one_does():
    """Z < 0 for every input: the gradient is 0 for good."""
    x, y = [[0.5], [1.0], [-1.0]], [1.0, 2.0, 0.5]
    for activation, dead in (("relu", True), ("leaky_relu", False)):
        model = nn.Sequential(nn.Neuron(1, activation=activation, init=nn.init.constant(1.0)))
        model.layers[0].b.data = -10.0
        before = data(model.parameters())
        train(model, nn.mse, x, y, epochs=10, optimizer=optim.SGD(model.parameters(), lr=0.1))
        assert (data(model.parameters()) == before) is dead


# ---- note 001: tips and tricks -----------------------------------------------------------------------------------


def test_note_001_sigmoid_unit_and_layer():
    """A = 1 / (1 + exp(−(wᵀx + b))), and z = Wx + b, a = σ(z) for a layer."""
    layer = nn.Layer(3, 4, "sigmoid", rng=0)
    weight, bias, x = layer.state_dict()["weight"], np.linspace(-1, 1, 4), np.array([0.5, -1.0, 2.0])
    layer.load_state_dict({"weight": weight, "bias": bias})
    assert data(layer(x)) == pytest.approx((1 / (1 + np.exp(-(weight @ x + bias)))).tolist(), rel=1e-12)


def test_note_001_bias_is_a_weight_on_a_constant_1():
    """[wᵀ b] [x 1]ᵀ: the same output and the same gradients."""
    plain, extended = nn.Neuron(2, activation="sigmoid", rng=0), nn.Neuron(3, activation="sigmoid")
    plain.b.data = 0.7
    extended.load_state_dict({"w": [*data(plain.w), 0.7], "b": 0.0})
    [one], [other] = plain([0.5, -1.0]), extended([0.5, -1.0, 1.0])
    one.backward()
    other.backward()
    assert one.data == pytest.approx(other.data, rel=1e-14)
    assert [w.grad for w in (*plain.w, plain.b)] == pytest.approx([w.grad for w in extended.w], rel=1e-14)


# name, function, derivative
ACTIVATIONS_OF_NOTE_001 = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)), lambda z: 1 - np.tanh(z) ** 2),
    "hardtanh": (lambda z: np.clip(z, -1, 1), lambda z: float(abs(z) <= 1)),
    "softsign": (lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "leaky_relu": (lambda z: max(z, 0.01 * z), lambda z: 1.0 if z > 0 else 0.01),
}


@pytest.mark.parametrize("name", ACTIVATIONS_OF_NOTE_001)
def test_note_001_activations_and_their_derivatives(name):
    """Without the misprints: the denominator of σ' is squared, softsign' has no sign, hardtanh' is 1 on [−1, 1]."""
    function, derivative = ACTIVATIONS_OF_NOTE_001[name]
    for z in (-3.0, -1.0, -0.4, 0.0, 0.4, 1.0, 3.0):
        x = Value(z)
        [out] = nn.Activation(name)(x)
        out.backward()
        assert out.data == pytest.approx(function(z), rel=1e-14)
        assert x.grad == pytest.approx(derivative(z), rel=1e-13)


def test_note_001_the_misprinted_derivatives_are_not_right():
    """−exp(−z)/(1 + exp(−z)) is no σ'; sgn(z)/(1 + z)² is no softsign', where z is below 0."""
    assert grad(m.sigmoid)(1.0) != pytest.approx(-math.exp(-1) / (1 + math.exp(-1)), rel=0.1)
    assert grad(m.softsign)(-0.5) != pytest.approx(-1 / (1 - 0.5) ** 2, rel=0.1)


@given(st.floats(-50, 50))
def test_note_001_tanh_is_a_sigmoid_stretched(z):
    """Tanh z = 2σ(2z) − 1 and σ(z) = eᶻ / (1 + eᶻ)."""
    assert m.tanh(z) == pytest.approx(2 * m.sigmoid(2 * z) - 1, abs=1e-15)
    assert m.sigmoid(z) == pytest.approx(math.exp(z) / (1 + math.exp(z)), rel=1e-13)


def test_note_001_max_margin_loss():
    """max(0, 1 + s_c − s): what is classified with a margin of 1 costs nothing."""
    assert nn.multiclass_hinge([2.0, 2.5], 0) == 1 + 2.5 - 2.0
    assert nn.multiclass_hinge([2.0, 0.5], 0) == 0.0
    assert nn.hinge([0.5, 3.0], [1, 1], "sum") == 0.5


def test_note_001_gradient_check_of_a_network():
    """The error of the centred difference falls as h², that of the one-sided one as h."""
    model = nn.MLP(2, [4, 1], "tanh", rng=0)
    weight = model.layers[0].weight[1][0]

    def cost(moved=0.0):
        start, weight.data = weight.data, weight.data + moved
        try:
            return nn.mse(model([[0.5, -1.0], [1.0, 2.0]]), [1.0, -1.0])
        finally:
            weight.data = start

    cost().backward()
    centred, one_sided = [], []
    for h in (1e-2, 1e-3):
        centred.append(abs((cost(h).data - cost(-h).data) / (2 * h) - weight.grad))
        one_sided.append(abs((cost(h).data - cost().data) / h - weight.grad))
    assert centred[0] / centred[1] == pytest.approx(100, rel=0.05)
    assert one_sided[0] / one_sided[1] == pytest.approx(10, rel=0.05)
    h = 1e-5
    assert (cost(h).data - cost(-h).data) / (2 * h) == pytest.approx(weight.grad, rel=1e-6)


@pytest.mark.parametrize("sizes", [(3, 5), (40, 60)])
def test_note_001_xavier_uniform_and_zero_biases(sizes):
    """Evenly between ±√(6 / (fan_in + fan_out)); biases are 0."""
    layer = nn.Layer(*sizes, "tanh", init=nn.init.xavier_uniform, rng=0)
    limit, largest = math.sqrt(6 / sum(sizes)), np.abs(weights_of(layer)).max()
    assert 0.8 * limit < largest <= limit
    assert set(data(layer.bias)) == {0.0}


def test_note_001_learning_rates_fall():
    """Step decay, α₀e^(−kt), α₀τ / max(t, τ)."""
    for t in (0, 3, 10, 50):
        assert 0.1 * optim.StepDecay(10, 0.5)(t) == pytest.approx(0.1 * 0.5 ** (t // 10))
        assert 0.1 * optim.ExponentialDecay(0.2)(t) == pytest.approx(0.1 * math.exp(-0.2 * t))
        assert 0.1 * optim.InverseTimeDecay(10)(t) == pytest.approx(0.1 * 10 / max(t, 10))


@pytest.mark.parametrize("gradient", [3.0, -0.02])
def test_note_001_first_steps_of_the_optimisers(gradient):
    """Adam takes one learning rate; the note's, without bias correction, (1 − β₁)/√(1 − β₂) = 3.16 of them.

    Momentum starts as plain descent, RMSProp with 1/√(1 − decay) learning rates, AdaGrad with one.
    """
    sign, rate = math.copysign(1.0, gradient), 0.1
    for rule, step in [
        (lambda w: optim.SGD([w], lr=rate, momentum=0.9), rate * gradient),
        (lambda w: optim.RMSProp([w], lr=rate, alpha=0.99), rate * sign / math.sqrt(1 - 0.99)),
        (lambda w: optim.Adam([w], lr=rate), rate * sign),
        (lambda w: optim.AdaGrad([w], lr=rate), rate * gradient / math.sqrt(gradient**2 + 1e-8)),
    ]:
        weight = Value(0.0)
        optimizer = rule(weight)
        (weight * gradient).backward()
        optimizer.step()
        assert weight.data == pytest.approx(-step, rel=1e-4)
    mean, mean_square = (1 - 0.9) * gradient, (1 - 0.999) * gradient**2
    assert abs(mean) / math.sqrt(mean_square) == pytest.approx(3.16, abs=0.005)


def test_note_001_dropout_has_the_same_expected_output_in_training_and_in_use():
    """Averaged over many masks a network with dropout before a linear layer gives what it gives in use."""
    model = nn.Sequential(nn.Dropout(0.3, rng=0), nn.Neuron(4, activation="linear", rng=1))
    x = [0.5, -1.0, 2.0, 1.5]
    with no_grad():
        often = data(model([x] * 4000))
        assert np.mean(often) == pytest.approx(model.eval()(x).data, abs=4 * np.std(often) / math.sqrt(4000))
    assert np.std(often) > 0.1


def test_note_001_l2_and_l1_are_added_to_the_cost():
    """J + λ·penalty; the gradient of ours is λw, of L1 λ·sign w."""
    model = nn.Neuron(2, activation="linear", init=nn.init.constant(-0.5))
    cost = nn.mse(model([1.0, 2.0]), [1.0])
    assert (cost + nn.l2(model, 0.1)).data == cost.data + 0.5 * 0.1 * (0.25 + 0.25)
    assert (cost + nn.l1(model, 0.1)).data == cost.data + 0.1 * (0.5 + 0.5)


# ---- note 002: a 2-2-2 network by hand, and a recipe -------------------------------------------------------------

INPUTS, TARGETS, RATE = [0.05, 0.10], [0.01, 0.99], 0.5


def two_two_two():
    """The network of the note, its weights and biases as given there."""
    model = nn.Sequential(nn.Layer(2, 2, "sigmoid"), nn.Layer(2, 2, "sigmoid"))
    model.load_state_dict({
        "0.weight": [[0.15, 0.20], [0.25, 0.30]], "0.bias": [0.35, 0.35],
        "1.weight": [[0.40, 0.45], [0.50, 0.55]], "1.bias": [0.60, 0.60],
    })  # fmt: skip
    return model


def weights_alone(model):
    """The weights of a layer or of all layers: the biases are held fixed."""
    return [one for layer in getattr(model, "layers", [model]) for row in layer.weight for one in row]


def error(outputs, targets=TARGETS):
    """½ Σ (target − out)²."""
    return 0.5 * nn.mse(outputs, targets, reduction="sum")


def printed(*figures):
    """The numbers as the note prints them: each right to its last place."""
    places = [len(figure.partition(".")[2]) for figure in figures]
    return [pytest.approx(float(figure), abs=0.6 * 10.0**-n) for figure, n in zip(figures, places, strict=True)]


def test_note_002_forward():
    """Net and out of every neuron, and the two errors."""
    hidden, output = two_two_two().layers
    h = hidden(INPUTS)
    o = output(h)
    assert [one.operands[0].data for one in (h[0], o[0])] == printed("0.3775", "1.105905967")
    assert data(h) == printed("0.593269992", "0.596884378")
    assert data(o) == printed("0.75136507", "0.772928465")  # once misprinted as 0.75136079
    assert [error(o[0], 0.01).data, error(o[1], 0.99).data] == printed("0.274811083", "0.023560026")
    assert error(o).data == pytest.approx(0.298371109, abs=5e-10)


def test_note_002_chain_number_by_number():
    """What the note multiplies, at the gates and on the wires of the graph."""
    hidden, output = two_two_two().layers
    h = hidden(INPUTS)
    o = output(h)
    error(o).backward()
    assert [o[0].grad, o[0].partials[0], o[0].operands[0].grad] == printed("0.74136507", "0.186815602", "0.138498562")
    assert [h[0].grad, h[0].partials[0]] == printed("0.036350306", "0.241300709")
    assert [hidden.weight[0][0].grad, output.weight[0][0].grad] == printed("0.000438568", "0.082167041")
    parts = []
    for place in (0, 1):
        h = hidden(INPUTS)
        error(output(h)[place], TARGETS[place]).backward()
        parts.append(h[0].grad)
    assert parts == printed("0.055399425", "-0.019049118")
    # ∂C/∂z = σ'(z) [w₃ ∂C/∂z' + w₄ ∂C/∂z''], the backward pass in one line
    h = hidden(INPUTS)
    o = output(h)
    error(o).backward()
    above = output.weight[0][0].data * o[0].operands[0].grad + output.weight[1][0].data * o[1].operands[0].grad
    assert h[0].operands[0].grad == pytest.approx(h[0].partials[0] * above, rel=1e-12)


def test_note_002_first_update():
    """w₅ … w₈ and w₁ … w₄ after one step of descent with η = 0.5."""
    model = two_two_two()
    error(model(INPUTS)).backward()
    optim.SGD(weights_alone(model), lr=RATE).step()
    hidden, output = (layer.state_dict()["weight"].ravel().tolist() for layer in model.layers)
    assert output == printed("0.35891648", "0.408666186", "0.511301270", "0.561370121")
    assert hidden == printed("0.149780716", "0.19956143", "0.24975114", "0.29950229")


def descend(model, x, y):
    """One step down the gradient: all weights move at once."""
    model.zero_grad()
    error(model(x), y).backward()
    for weight in weights_alone(model):
        weight.data -= RATE * weight.grad


def output_first(model, x, y):
    """One step of another rule: the hidden error goes back through the output weights that have just moved."""
    hidden, output = model.layers
    model.zero_grad()
    h = hidden(x)
    o = output(h)
    error(o, y).backward()
    deltas = [one.operands[0].grad for one in o]
    for weight in weights_alone(output):
        weight.data -= RATE * weight.grad
    hidden.zero_grad()
    moved = [m.dot(data(row), h) for row in output.weight]
    m.dot(deltas, moved).backward()
    for weight in weights_alone(hidden):
        weight.data -= RATE * weight.grad


ORDERS = {
    "descent": (descend, 0.291027774, 3.510188e-05, [0.015913620, 0.984064274]),
    "output first, as printed": (output_first, 0.291027924, 0.000035085, [0.015912196, 0.984065734]),
}


def in_matrices(weights, examples, output_first, biases=(0.35, 0.60)):
    """Both rules in the matrices of the note: the weights after a step for each example, and the last outputs."""
    first, second = (np.array(one) for one in weights)
    for x, t in examples:
        h = 1 / (1 + np.exp(-(first @ x + biases[0])))
        o = 1 / (1 + np.exp(-(second @ h + biases[1])))
        delta = (o - t) * o * (1 - o)
        moved = second - RATE * np.outer(delta, h)
        first = first - RATE * np.outer(((moved if output_first else second).T @ delta) * h * (1 - h), x)
        second = moved
    return (first, second), 1 / (1 + np.exp(-(second @ (1 / (1 + np.exp(-(first @ x + biases[0])))) + biases[1])))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("step", "first", "last", "outputs"), ORDERS.values(), ids=ORDERS)
def test_note_002_training_in_both_orders(step, first, last, outputs):
    """Descent gives 0.291027774 and 3.510188e-05 after 1 and 10,000 steps; the printed figures are of another rule.

    By gates for the first 300 steps, where they are those of the matrices, and by these to the end.
    """
    model = two_two_two()
    start = [layer.state_dict()["weight"] for layer in model.layers]
    step(model, INPUTS, TARGETS)
    assert error(model(INPUTS)).data == pytest.approx(first, abs=6e-10)
    for _ in range(299):
        step(model, INPUTS, TARGETS)
    example = (np.array(INPUTS), np.array(TARGETS))
    weights, out = in_matrices(start, [example] * 300, step is output_first)
    assert data(model(INPUTS)) == pytest.approx(out.tolist(), rel=1e-12)
    for layer, bias, expected in zip(model.layers, (0.35, 0.60), weights, strict=True):
        assert np.allclose(layer.state_dict()["weight"], expected, rtol=1e-12)
        assert data(layer.bias) == [bias, bias]
    _, out = in_matrices(weights, [example] * 9_700, step is output_first)
    assert error(out.tolist()) == pytest.approx(last, abs=6e-10)
    assert out.tolist() == pytest.approx(outputs, abs=6e-10)


def test_note_002_the_misprinted_target_is_another_problem():
    """The code has 0.09 for 0.99: its error is not the one that the text prints."""
    assert error(two_two_two()(INPUTS), [0.01, 0.09]).data != pytest.approx(0.298371109, abs=0.1)


def descent_by_program(model):
    """`descend` for one model, compiled, which takes a tenth of the time."""
    weights, biases = weights_alone(model), [one for layer in model.layers for one in layer.bias]
    program = m.compile(lambda x, y: error(model(x), y), weights + biases, example=(XOR[0][0], XOR[1][0]))

    def step(x, y):
        program.params[: len(weights)] -= RATE * program.grad([x], [y])[: len(weights)]
        program.push()

    return step


def xor_model(seed):
    """The network on XOR as in the note's code, one bias a layer, random and fixed; and random examples without end."""
    chance = random.Random(seed)
    model = nn.Sequential(nn.Layer(2, 5, "sigmoid"), nn.Layer(5, 1, "sigmoid"))
    for layer in model.layers:
        bias = chance.random()
        for one in layer.bias:
            one.data = bias
    for weight in weights_alone(model):
        weight.data = chance.random()
    examples = list(zip(*XOR, strict=True))
    return model, iter(lambda: chance.choice(examples), None)


@pytest.mark.slow
def test_note_002_xor_with_five_hidden_neurons():
    """Learned: a total error below 0.012 after 10,000 steps."""
    model, examples = xor_model(2)
    step = descent_by_program(model)
    for example in islice(examples, 10_000):
        step(*example)
    with no_grad():
        assert error(model(XOR[0]), XOR[1]).data < 0.012


def xor_error(seed, rule):
    """The total error on XOR after 10,000 steps: by gates for 50, which are those of the matrices, and by these."""
    model, examples = xor_model(seed)
    start = [layer.state_dict()["weight"] for layer in model.layers]
    biases = [layer.bias[0].data for layer in model.layers]
    first = list(islice(examples, 50))
    for example in first:
        rule(model, *example)
    weights, _ = in_matrices(start, first, rule is output_first, biases)
    for layer, expected in zip(model.layers, weights, strict=True):
        assert np.allclose(layer.state_dict()["weight"], expected, rtol=1e-12)
    weights, _ = in_matrices(weights, islice(examples, 9_950), rule is output_first, biases)
    for layer, rows in zip(model.layers, weights, strict=True):
        layer.load_state_dict({"weight": rows}, strict=False)
    with no_grad():
        return error(model(XOR[0]), XOR[1]).data


@pytest.mark.one_engine
@pytest.mark.slow
def test_note_002_xor_with_five_hidden_neurons_from_40_starts():
    """By the rule of the printed figures every start ends below 0.012; down the gradient some take longer."""
    assert [seed for seed in range(40) if xor_error(seed, output_first) >= 0.012] == []
    assert [xor_error(seed, descend) < 0.012 for seed in (0, 1)] == [True, False]


def test_note_002_loss_cost_and_total_loss():
    """The loss of one sample, the cost as the mean, the total loss as the sum."""
    outputs, targets = [[1.0, 2.0], [0.5, -1.0], [0.0, 3.0]], [0, 1, 1]
    losses = [nn.cross_entropy(output, target) for output, target in zip(outputs, targets, strict=True)]
    assert nn.cross_entropy(outputs, targets) == pytest.approx(np.mean(losses), rel=1e-14)
    assert nn.cross_entropy(outputs, targets, reduction="sum") == pytest.approx(np.sum(losses), rel=1e-14)


def test_note_002_relu_is_a_stack_of_sigmoids():
    """Σ σ(x − i + ½) over i ≥ 1 stays within 0.011 of softplus, and far from 0 of ReLU."""
    stack = nn.Layer(1, 60, "sigmoid", init=nn.init.constant(1.0))
    stack.load_state_dict({"weight": np.ones((60, 1)), "bias": 0.5 - np.arange(1, 61)})
    with no_grad():
        for x in np.linspace(-5, 20, 251):
            total = sum(data(stack(x)))
            assert abs(total - m.softplus(x)) < 0.011
            assert abs(x) < 5 or abs(total - m.relu(x)) < 0.011


def gradient_sizes(activation, depth=6, width=8):
    """The norm of the gradient of each layer's weights, from the first to the last hidden one."""
    model = nn.MLP(width, [width] * depth + [1], activation, rng=0)
    x = np.random.default_rng(0).normal(size=(10, width))
    nn.mse(model(x), [1.0] * 10).backward()
    return [math.hypot(*(w.grad for row in layer.weight for w in row)) for layer in model.layers[:-1]]


def test_note_002_gradients_vanish_through_sigmoids_and_not_through_relus():
    """The first of six sigmoid layers has less than a thousandth of the gradient of the last; with ReLU it keeps up."""
    sigmoid, relu = gradient_sizes("sigmoid"), gradient_sizes("relu")
    assert sigmoid == sorted(sigmoid)
    assert sigmoid[0] < 1e-3 * sigmoid[-1]
    assert relu[0] > 0.1 * relu[-1]


def test_note_002_a_relu_network_is_a_thinner_linear_network():
    """Around one input it is the matrix product of what its active neurons leave."""
    model = nn.MLP(3, [5, 4, 1], rng=0)
    x = [Value(0.5), Value(-1.0), Value(2.0)]
    out = model(x)
    out.backward()
    first, second, third = (model.state_dict()[f"{place}.weight"] for place in (0, 2, 4))
    one = first @ [0.5, -1.0, 2.0]
    active = np.diag((one > 0).astype(float))
    other = second @ active @ one
    product = third @ np.diag((other > 0).astype(float)) @ second @ active @ first
    assert [v.grad for v in x] == pytest.approx(product[0].tolist(), rel=1e-12, abs=1e-15)
    assert out.data == pytest.approx((product @ [0.5, -1.0, 2.0]).item(), rel=1e-12, abs=1e-15)


def regression(penalty, epochs=300, rate=0.02):
    """Ten weights of which two are needed, learned with a penalty; plain descent."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(25, 10))
    y = 3 * x[:, 0] - 2 * x[:, 3] + rng.normal(0, 0.1, 25)
    model = nn.Sequential(nn.Neuron(10, activation="linear", rng=0))
    train(model, nn.mse, x, y, epochs=epochs, optimizer=optim.SGD(model.parameters(), lr=rate), penalty=penalty)
    return np.abs(data(model.layers[0].w))


def test_note_002_l1_gives_sparse_weights_and_l2_does_not():
    """L1 leaves the two weights that are needed and the others within a step of 0; L2 leaves them all."""
    sparse, shrunk = regression(lambda net: nn.l1(net, 0.3)), regression(lambda net: nn.l2(net, 0.3))
    needed = np.isin(np.arange(10), [0, 3])
    assert (sparse[needed] > 1).all()
    assert (sparse[~needed] <= 2 * 0.02 * 0.3).all()
    assert (shrunk[~needed] > 2 * 0.02 * 0.3).sum() >= 5


def test_note_002_l1_steps_by_a_constant_and_l2_in_proportion():
    """W − ηλ·sign w, and (1 − ηλ) w; the biases stay."""
    for penalty, expected in [(nn.l1, [4.0 - 0.05, -0.1 + 0.05]), (nn.l2, [4.0 * 0.95, -0.1 * 0.95])]:
        neuron = nn.Neuron(2)
        neuron.load_state_dict({"w": [4.0, -0.1], "b": 7.0})
        penalty(neuron, 0.1).backward()
        optim.SGD(neuron.parameters(), lr=0.5).step()
        assert data(neuron.w) == pytest.approx(expected, rel=1e-12)
        assert neuron.b.data == 7.0


def test_note_002_dropout_in_use_is_weights_times_1_minus_p():
    """The note scales the weights in use; ours divides in training, which is the same network."""
    x, p = [0.5, -1.0, 2.0], 0.4
    layer = nn.Layer(3, 2, "linear", rng=0)
    mask = nn.Dropout(p, rng=3).mask(3)
    ours = data(layer([one * keep for one, keep in zip(x, mask, strict=True)]))
    scaled = nn.Layer(3, 2, "linear")
    scaled.load_state_dict({"weight": layer.state_dict()["weight"] / (1 - p), "bias": [0.0, 0.0]})
    assert data(scaled([one * bool(keep) for one, keep in zip(x, mask, strict=True)])) == pytest.approx(ours, rel=1e-12)
    in_use = nn.Sequential(nn.Dropout(p), layer).eval()(x)
    assert data(in_use) == pytest.approx([(1 - p) * one.data for one in scaled(x)], rel=1e-12)


def test_note_002_auto_encoder_gives_back_its_input():
    """Four patterns through two hidden neurons: the output is the input."""
    patterns = np.eye(4)
    model = nn.MLP(4, [2, 4], "tanh", rng=1)
    train(model, nn.cross_entropy, patterns, patterns, epochs=150, optimizer=optim.Adam(model.parameters(), lr=0.1))
    with no_grad():
        assert np.allclose([m.softmax(data(out)) for out in model(patterns)], patterns, atol=0.1)


# ---- note 003: from one neuron to deep networks ------------------------------------------------------------------


def test_note_003_perceptron_and_logistic_regression():
    """The perceptron takes the sign of its sum; a sigmoid above ½ is the same decision."""
    perceptron, logistic = nn.Neuron(2, activation="step", rng=0), nn.Neuron(2, activation="sigmoid", rng=0)
    for x in np.random.default_rng(0).normal(size=(20, 2)):
        assert perceptron(x)[0].data == float(logistic(x)[0].data > 0.5)


def test_note_003_losses():
    """−y ln ŷ − (1 − y) ln(1 − ŷ); −Σ yⱼ ln softmax(z)ⱼ; Σ (ŷ − y)² / n."""
    assert nn.binary_cross_entropy(0.8, 1) == pytest.approx(-math.log(0.8), rel=1e-14)
    assert nn.binary_cross_entropy(0.8, 0) == pytest.approx(-math.log(0.2), rel=1e-14)
    z, y = [1.0, 2.0, 0.5], [0, 1, 0]
    expected = -sum(one * math.log(p) for one, p in zip(y, m.softmax(z), strict=True))
    assert nn.cross_entropy(z, y) == nn.cross_entropy(z, 1) == pytest.approx(expected, rel=1e-14)
    assert nn.mse([1.0, 3.0, 0.0], [0.0, 1.0, 1.0]) == (1 + 4 + 1) / 3


@pytest.mark.parametrize("logit", [1000.0, -1000.0])
def test_note_003_losses_are_stable_for_large_logits(logit):
    """Where exp would overflow: the loss is the distance or 0."""
    assert nn.binary_cross_entropy(logit, 1, from_logits=True) == max(0.0, -logit)
    assert nn.cross_entropy([logit, 0.0], 0) == max(0.0, -logit)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from([0, 1]))
def test_note_003_gradient_by_hand_of_a_3_4_1_network(seed, y):
    """∂L/∂W₂ = (ŷ − y) h₁, for sigmoids and the binary cross-entropy."""
    hidden, output = nn.Layer(3, 4, "sigmoid", rng=seed), nn.Layer(4, 1, "sigmoid", rng=seed + 1)
    h1 = hidden(np.random.default_rng(seed).normal(size=3))
    [y_hat] = output(h1)
    nn.binary_cross_entropy(y_hat, y).backward()
    expected = [(y_hat.data - y) * one.data for one in h1]
    assert [w.grad for w in output.weight[0]] == pytest.approx(expected, rel=1e-10, abs=1e-15)


def test_note_003_training_loop():
    """Start, batches, forward, backward, update, until converged."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (32, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = nn.MLP(2, [8, 1], "tanh", rng=0)
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    for _ in range(50):
        for rows in rng.permutation(32).reshape(4, 8):
            optimizer.zero_grad()
            nn.binary_cross_entropy(model(x[rows]), y[rows], from_logits=True).backward()
            optimizer.step()
    assert accuracy(model, x, y) >= 0.95


def test_note_003_blocks_can_be_swapped():
    """Any block that takes and gives as many numbers fits in the middle, and gradients flow through it."""
    for block in (nn.Layer(3, 3, "relu", rng=0), nn.Maxout(3, 3, 2, rng=0), nn.PReLU(), nn.BatchNorm(3)):
        model = nn.Sequential(nn.Layer(2, 3, "linear", rng=1), block, nn.Layer(3, 1, "linear", rng=2))
        nn.mse(model([[0.5, -1.0], [1.0, 2.0]]), [1.0, 0.0]).backward()
        assert all(one.swept for one in model.parameters())


@pytest.mark.parametrize(
    ("name", "function", "derivative"),
    [
        ("step", lambda x: float(x >= 0), lambda x: 0.0),
        ("sigmoid", lambda x: 1 / (1 + math.exp(-x)), lambda x: m.sigmoid(x) * (1 - m.sigmoid(x))),
        ("tanh", lambda x: 2 / (1 + math.exp(-2 * x)) - 1, lambda x: 1 - math.tanh(x) ** 2),
        ("relu", lambda x: x if x >= 0 else 0.0, lambda x: float(x >= 0)),
    ],
)
def test_note_003_table_of_activations(name, function, derivative):
    """The functions and derivatives of its figure 15, away from 0."""
    for z in (-2.0, -0.3, 0.3, 2.0):
        assert nn.Activation(name)(z) == pytest.approx([function(z)], rel=1e-12)
        assert grad(lambda x: nn.Activation(name)(x)[0])(z) == pytest.approx(derivative(z), rel=1e-12)


# ---- note 004: networks in matrices ------------------------------------------------------------------------------


def test_note_004_forward_and_backward_in_matrices():
    """3-4-1 in NumPy, with rows for examples and θ of shape (n_in, n_out): a, Δz, Δθ, Δb equal to the engine's."""
    rng = np.random.default_rng(0)
    theta = [rng.normal(size=(3, 4)), rng.normal(size=(4, 1))]
    b = [rng.normal(size=(1, 4)), rng.normal(size=(1, 1))]
    model = nn.Sequential(nn.Layer(3, 4, "sigmoid"), nn.Layer(4, 1, "sigmoid"))
    model.load_state_dict({
        "0.weight": theta[0].T, "0.bias": b[0][0], "1.weight": theta[1].T, "1.bias": b[1][0],
    })  # fmt: skip

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    for y in (0, 1):
        a0 = rng.normal(size=(1, 3))
        a1 = sigmoid(a0 @ theta[0] + b[0])
        a2 = sigmoid(a1 @ theta[1] + b[1])
        dz2 = a2 - y
        dz1 = dz2 @ theta[1].T * a1 * (1 - a1)
        expected = {"0.weight": a0.T @ dz1, "0.bias": dz1, "1.weight": a1.T @ dz2, "1.bias": dz2}

        model.zero_grad()
        out = model(a0[0])
        nn.binary_cross_entropy(out, y).backward()
        assert out.data == pytest.approx(a2.item(), rel=1e-12)
        assert out.operands[0].grad == pytest.approx(dz2.item(), rel=1e-10)
        for name, layer in model.named_children():
            found = np.array([[one.grad for one in row] for row in layer.weight]).T
            assert np.allclose(found, expected[f"{name}.weight"], rtol=1e-10, atol=1e-15)
            assert np.allclose([one.grad for one in layer.bias], expected[f"{name}.bias"], rtol=1e-10, atol=1e-15)


def test_note_004_gradients_vanish_or_explode_as_a_product_over_layers():
    """Through a chain of neurons wᵢ the derivative is Π wᵢ σ'(zᵢ); linear ones give wⁿ."""
    for weight, depth in ((0.5, 20), (2.0, 20)):
        chain = nn.MLP(1, [1] * depth, "linear", init=nn.init.constant(weight))
        x = Value(1.0)
        chain(x).backward()
        assert x.grad == weight**depth
    chain, x = nn.MLP(1, [1] * 11, "sigmoid", init=nn.init.constant(1.0)), Value(0.3)
    out = chain(x)
    out.backward()
    slopes = [
        node.partials[0] for node in topological_order(out) if node.primitive and node.primitive.name == "sigmoid"
    ]
    assert len(slopes) == 10
    assert x.grad == pytest.approx(math.prod(slopes), rel=1e-12)
    assert x.grad <= 0.25**10


def test_note_004_saturation_at_5():
    """σ(5) = 0.99331, σ'(5) = 0.00665, and tanh'(5) = 0.00018 is worse."""
    assert round(m.sigmoid(5.0), 5) == 0.99331
    assert round(grad(m.sigmoid)(5.0), 5) == 0.00665
    assert round(grad(m.tanh)(5.0), 5) == 0.00018


def test_note_004_positive_inputs_give_gradients_of_one_sign():
    """Behind a sigmoid all weights of a neuron move up or all down, behind tanh they differ (also note 000)."""
    mixed = 0
    for activation in ("sigmoid", "tanh"):
        for seed in range(10):
            hidden, neuron = nn.Layer(3, 6, activation, rng=seed), nn.Neuron(6, activation="sigmoid", rng=seed + 100)
            x = np.random.default_rng(seed).normal(size=3)
            nn.mse(neuron(hidden(x)), [float(seed % 2)]).backward()
            signs = {math.copysign(1.0, w.grad) for w in neuron.w}
            if activation == "sigmoid":
                assert len(signs) == 1
            mixed += len(signs) == 2
    assert mixed >= 8


def test_note_004_prelu_learns_its_slope():
    """max(αx, x): α has a gradient, and descent finds the slope of the data."""
    model = nn.Sequential(nn.PReLU())
    x = [[-2.0], [-1.0], [1.0], [3.0]]
    train(model, nn.mse, x, [-0.8, -0.4, 1.0, 3.0], epochs=50, optimizer=optim.SGD(model.parameters(), lr=0.2))
    assert model.layers[0].weight[0].data == pytest.approx(0.4, abs=1e-6)
    assert data(model([[-2.0], [3.0]])) == pytest.approx([-0.8, 3.0], abs=1e-5)


def test_note_004_constant_weights_make_one_neuron_of_a_layer():
    """All neurons of a layer start equal, get equal gradients and stay equal."""
    model = nn.MLP(2, [4, 1], "sigmoid", init=nn.init.constant(0.5))
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    train(model, nn.mse, [[0.5, -1.0], [1.0, 2.0]], [1.0, 0.0], epochs=20, optimizer=optimizer)
    rows = model.state_dict()["0.weight"]
    assert (rows == rows[0]).all()
    assert not np.allclose(rows[0], 0.5)


def test_note_004_xavier_has_the_variance_2_over_n_in_plus_n_out():
    """Between 1/n_in, which keeps the outputs alike, and 1/n_out, which keeps the gradients alike."""
    for name in ("xavier_uniform", "xavier_normal"):
        layer = nn.Layer(120, 80, "tanh", init=name, rng=0)
        assert weights_of(layer).var() == pytest.approx(2 / (120 + 80), rel=0.05)
        assert 1 / 120 < 2 / (120 + 80) < 1 / 80


def test_note_004_small_weights_vanish_and_large_ones_saturate():
    """N(0, 0.01) is a variance, so a deviation of 0.1; ten layers of tanh lose the signal, or their slope."""
    slopes, sizes = {}, {}
    for std in (0.1, 0.2, 2.0):
        x, generator = np.random.default_rng(0).normal(size=(10, 25)).tolist(), np.random.default_rng(1)
        with no_grad():
            for _ in range(10):
                x = nn.Layer(25, 25, "tanh", init=nn.init.normal(std), rng=generator)(x)
        sizes[std] = np.std(data(x))
        slopes[std] = np.median(1 - np.array(data(x)) ** 2)
    assert sizes[0.1] < 0.01 < 0.1 < sizes[0.2]
    assert slopes[2.0] < 0.01 < 0.5 < slopes[0.2]


def test_note_004_batch_norm_standardises_and_undoes_it():
    """(z − E)/√D has mean 0 and variance 1; with γ = √(D + ε) and β = E the input comes back."""
    z = np.random.default_rng(0).normal(3, 5, (12, 2))
    norm = nn.BatchNorm(2)
    out = np.array(data(norm(z)))
    assert np.allclose(out.mean(0), 0, atol=1e-12)
    assert np.allclose(out.var(0), 1, atol=1e-5)
    scale = np.sqrt(z.var(0) + norm.eps)
    norm.load_state_dict({"weight": scale, "bias": z.mean(0)}, strict=False)
    assert np.allclose(data(norm(z)), z, rtol=1e-12)


def test_note_004_output_heads_follow_the_task():
    """Identity for a number, sigmoid for yes or no, softmax for classes: what each loss takes in."""
    model = nn.MLP(2, [3, 3], "tanh", rng=0)
    logits = model([0.5, -1.0])
    assert sum(m.softmax(logits)).data == pytest.approx(1.0)
    assert nn.cross_entropy(logits, 1).data == pytest.approx(-math.log(m.softmax(data(logits))[1]), rel=1e-12)
    one = logits[0]
    assert nn.binary_cross_entropy(one, 1, from_logits=True).data == pytest.approx(
        nn.binary_cross_entropy(m.sigmoid(one), 1).data, rel=1e-12
    )

"""`diagnose`: every illness planted and found by its figure, nothing said of what is healthy, nothing touched."""

import copy
import math
import random
from functools import partial

import numpy as np
import pytest

from microgradnn import Value, log, maximum, no_grad, optim, relu, sigmoid, tanh
from microgradnn.checks.diagnosis import EXAMPLES, diagnose
from microgradnn.checks.symptoms import MOST, Symptom
from microgradnn.nn import (
    MLP,
    Activation,
    BatchNorm,
    Dropout,
    Layer,
    Maxout,
    Module,
    Neuron,
    PReLU,
    Sequential,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    init,
    l2,
    mse,
)  # fmt: skip

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
QUANTITY = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
SIGN = np.where(X[:, 0] > X[:, 3], 1.0, -1.0)
CLASS = np.digitize(X[:, 1], [-0.5, 0.5])
ANGLE = np.linspace(-2, 2, 30).reshape(-1, 1)


class Residual(Module):
    """A user's own: neurons in a list, a skip, an activation in `forward`, a scale of its own for the inputs."""

    def __init__(self, size, rng=0):
        generator = np.random.default_rng(rng)
        self.neurons = [Neuron(size, "linear", rng=generator) for _ in range(size)]
        self.out = Layer(size, 1, "linear", rng=generator)

    def forward(self, x):
        x = [number / 100 for number in x]
        hidden = [relu(neuron(x)[0]) + number for neuron, number in zip(self.neurons, x, strict=True)]
        return self.out(hidden)[0]


class Recurrent(Module):
    """One unit of two numbers, used along a sequence of inputs, gate by gate."""

    def __init__(self):
        self.w, self.u, self.b, self.v = Value(0.6), [Value(0.3), Value(-0.5)], [Value(0.0), Value(0.1)], Value(0.9)

    def forward(self, x):
        state = [0.0, 0.0]
        for number in x:
            state = [tanh(self.w * number + u * h + b) for u, h, b in zip(self.u, reversed(state), self.b, strict=True)]
        return state[0] - self.v * state[1]


def normed():
    generator = np.random.default_rng(3)
    return Sequential(
        BatchNorm(4), Layer(4, 12, "linear", rng=generator), BatchNorm(12), Activation("relu"), Dropout(0.5, rng=1),
        Layer(12, 3, "linear", rng=generator),
    )  # fmt: skip


HEALTHY = {
    "a line": lambda: (Neuron(4, "linear", rng=0), lambda out, y: mse([o for [o] in out], y), X, QUANTITY, "sgd"),
    "relu, regression": lambda: (MLP(4, [16, 16, 1], rng=0), "mse", X, QUANTITY, "adam"),
    "tanh, one input": lambda: (MLP(1, [8, 1], "tanh", rng=0), "mse", ANGLE, np.sin(ANGLE), "adam"),
    "four layers of sigmoids": lambda: (
        MLP(4, [10, 10, 10, 10, 3], "sigmoid", rng=0), "cross_entropy", X, CLASS, "rmsprop",
    ),
    "ten layers of relu": lambda: (MLP(4, [16] * 9 + [1], rng=4), "hinge", X, SIGN, "sgd"),
    "BatchNorm on unscaled inputs, Dropout": lambda: (normed(), "cross_entropy", 1000 * X + 500, CLASS, "adam"),
    "Maxout, normal weights": lambda: (
        Sequential(Maxout(4, 6, 3, init="he_normal", rng=0), Layer(6, 3, "linear", init=init.normal(0.1), rng=1)),
        "multiclass_hinge", X, CLASS, "adagrad",
    ),
    "probabilities": lambda: (
        Sequential(MLP(4, [8, 1], "elu", rng=0), Activation("sigmoid")), "binary_cross_entropy", X, SIGN > 0, "adamw",
    ),
    "PReLU, gate by gate, one-hot": lambda: (
        Sequential(Layer(4, 8, "linear", rng=0, fused=False), PReLU(), Layer(8, 3, "linear", rng=1, fused=False)),
        partial(cross_entropy, reduction="sum"), X / 10, np.eye(3)[CLASS], "adam",
    ),
    "a user's own, with a penalty": lambda: (
        (model := Residual(4)), lambda out, y: mse(out, y) + l2(model, 0.01), 100 * X, QUANTITY, "sgd",
    ),
    "recurrent, logits": lambda: (
        Recurrent(), lambda out, y: binary_cross_entropy(out, y, from_logits=True), X, SIGN > 0, "adam",
    ),
    "a last layer of zeros": lambda: (
        Sequential(Layer(4, 8, "softplus", rng=0), Layer(8, 3, "linear", init="constant")), "cross_entropy", X, CLASS,
        None,
    ),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_of_healthy_networks(name):
    assert [str(symptom) for symptom in diagnose(*HEALTHY[name]())] == []


def ill(model, loss="mse", inputs=X, targets=QUANTITY, optimizer=None):
    return diagnose(model, loss, inputs, targets, optimizer)


def only(symptoms):
    [symptom] = symptoms
    return symptom


def of(symptoms, illness):
    return only(symptom for symptom in symptoms if symptom.illness == illness)


def with_data(leaves, data, model):
    for leaf in leaves(model):
        leaf.data = data
    return model


# ---- units --------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(4)
@pytest.mark.parametrize("activation", ["relu", "elu", "softplus", lambda x: maximum(x, 0.0)])
def test_a_unit_that_its_bias_holds_dead_is_named(activation):
    model = with_data(lambda model: [model.layers[1].bias[3]], -60.0, MLP(4, [8, 8, 1], activation, rng=0))
    symptom = only(ill(model))
    assert (symptom.illness, symptom.where, symptom.figure, symptom.threshold) == ("dead units", "2", 1.0, 0.95)
    assert f"1 of 8 {'maximum' if callable(activation) else activation} units is dead, 2.weight[3]," in str(symptom)


def test_units_that_are_dead_by_chance_are_ill_only_where_they_are_most_of_a_layer():
    def model(dead):
        mlp = MLP(4, [8, 1], rng=0)
        for row in mlp.layers[0].weight[:dead]:
            for weight in row:
                weight.data = -abs(weight.data)
        return mlp

    assert ill(model(4), inputs=abs(X)) == []
    symptom = only(ill(model(5), inputs=abs(X)))
    assert (symptom.figure, symptom.threshold) == (5 / 8, MOST)
    assert "5 of 8 relu units are dead, 0.weight[0], 0.weight[1], 0.weight[2] and 2 more," in str(symptom)


def test_dead_units_of_a_module_of_the_users_own_and_behind_batch_norm():
    model = with_data(lambda model: [model.neurons[3].b], -9.0, Residual(4))
    assert "1 of 4 relu units is dead, neurons.3.w," in str(only(ill(model, inputs=100 * X)))
    assert only(ill(model, inputs=100 * X)).where == "Residual"
    model = with_data(lambda model: [model.layers[2].bias[5]], -9.0, normed())
    symptom = only(ill(model, "cross_entropy", X, CLASS))
    assert symptom.where == "3"
    assert "2.bias[5]" in str(symptom)


@pytest.mark.parametrize(("activation", "bias"), [("tanh", -30.0), ("sigmoid", 30.0), ("hardtanh", 9.0)])
def test_a_saturated_unit_is_named(activation, bias):
    model = with_data(lambda model: [model.layers[0].bias[1]], bias, MLP(4, [6, 1], activation, rng=0))
    symptom = only(ill(model))
    assert (symptom.illness, symptom.where, symptom.figure) == ("saturated units", "0", 1.0)
    assert "0.weight[1]" in str(symptom)


def test_a_layer_saturates_by_large_weights():
    symptom = only(ill(MLP(4, [8, 1], "tanh", init=init.normal(10.0), rng=0)))
    assert symptom.illness == "saturated units"
    assert symptom.figure > 0.8


def test_an_output_may_be_sure_of_itself_and_a_dead_one_may_not():
    def model(activation, bias):
        return Sequential(with_data(lambda model: [model.bias[0]], bias, Layer(4, 1, activation, rng=0)))

    assert ill(model("sigmoid", 30.0), "binary_cross_entropy", X, SIGN > 0) == []
    assert of(ill(model("relu", -30.0)), "dead units").where == "0"


def test_the_remedy_for_dead_units_is_for_their_cause():
    def remedy(model, inputs=X):
        return of(ill(model, inputs=inputs), "dead units").remedy

    for shift in (50.0, 5e4):
        assert remedy(MLP(4, [6, 1], init=init.constant(-1.0)), X + shift) == "scale the inputs first"
    zeros = with_data(lambda model: model.parameters(), 0.0, MLP(4, [8, 1], rng=0))
    assert remedy(zeros) == "draw their weights anew or take leaky_relu"
    for bias, said in ((0.01, ""), (-0.01, "set their biases to 0, ")):
        drawn = with_data(lambda model: model.layers[0].bias, bias, MLP(4, [8, 1], init=init.constant(-1.0)))
        assert remedy(drawn, abs(X)) == f"{said}draw their weights anew or take leaky_relu"
    held = with_data(lambda model: model.layers[0].bias, -50.0, MLP(4, [8, 1], rng=0))
    assert remedy(held).startswith("set their biases to 0, and take")
    assert "in 100 % of 40 examples: 100 % of the units, the limit is 50 %;" in str(of(ill(held), "dead units"))


def test_what_follows_from_a_dead_layer_is_not_said():
    model = with_data(lambda model: model.layers[1].bias, -100.0, MLP(4, [8, 8, 1], rng=0))
    assert only(ill(model, "hinge", targets=SIGN)).illness == "dead units"


@pytest.mark.parametrize(("activation", "advised"), [("relu", False), ("sigmoid", True), ("step", True)])
def test_relu_is_no_remedy_where_it_is_relu(activation, advised):
    model = MLP(4, [8, 8, 8, 1], activation, rng=0)
    for weight in model.layers[1].parameters():
        weight.data *= 1e-6
    for layer in model.layers[2:]:
        for weight in layer.parameters():
            weight.data *= 1e-3
    assert ("relu" in of(ill(model), "vanishing gradients").remedy) == advised


# ---- parameters and gradients -------------------------------------------------------------------------------------


def test_parameters_that_the_loss_does_not_reach():
    class Forgetful(Residual):
        def __init__(self):
            super().__init__(4)
            self.forgotten, self.scale = Layer(3, 2, rng=0), Value(2.0)

    symptoms = ill(Forgetful(), inputs=100 * X)
    assert [(symptom.where, symptom.figure) for symptom in symptoms] == [("Forgetful", 1), ("forgotten", 8)]
    assert "0 of 8 parameters and should on all, it misses forgotten.weight[0][0]," in str(symptoms[1])

    class Detached(Residual):
        def forward(self, x):
            return self.out([neuron(x)[0].data for neuron in self.neurons])[0]

    assert {symptom.where for symptom in ill(Detached(4))} == {f"neurons.{index}" for index in range(4)}


def test_gradients_that_vanish_and_explode_name_the_module():
    symptom = only(ill(MLP(4, [8] * 8 + [1], "sigmoid", rng=0)))
    assert (symptom.illness, symptom.where, symptom.threshold) == ("vanishing gradients", "0", 1e-3)
    assert symptom.figure < 1e-5
    symptom = only(ill(MLP(4, [16] * 6 + [1], init=init.normal(3.0), rng=0), "hinge", targets=SIGN))
    assert (symptom.illness, symptom.where, symptom.threshold) == ("exploding gradients", "0", 1e3)
    assert symptom.figure > 1e4


def test_no_gradient_at_all_behind_a_step():
    symptom = of(ill(Sequential(Layer(4, 3, "step", rng=0), Layer(3, 1, "linear", rng=0))), "vanishing gradients")
    assert (symptom.where, symptom.figure) == ("0", 0.0)


def test_where_the_loss_is_0_there_is_nothing_to_learn():
    assert ill(Sequential(with_data(lambda model: model.w, 1e3, Neuron(4, "linear"))), hinge, abs(X), np.ones(40)) == []


def test_dropout_drops_nothing():
    def figures(p):
        model = Sequential(Layer(4, 8, "tanh", rng=0), Dropout(p, rng=0), Layer(8, 1, "linear", rng=1))
        return [symptom.figure for symptom in ill(model, optimizer=optim.SGD(model.parameters(), lr=1e3))]

    assert figures(0.9) == pytest.approx(figures(0.0))


def test_numbers_that_run_away_are_named_where_they_do():
    symptom = only(ill(MLP(4, [8] * 6 + [1], init=init.normal(1e60), rng=0)))
    assert symptom.illness == "exploding numbers"
    assert "in the dot gate of MLP.10" in str(symptom)
    assert "power(" in str(only(ill(MLP(4, [8, 1], init=init.normal(1e100), rng=0))))
    root = Sequential(with_data(lambda model: model.parameters(), 0.0, Layer(4, 1, lambda x: (x * x).sqrt(), rng=0)))
    assert "0.weight[0][0]" in str(only(ill(root)))


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_parameter_that_is_not_finite_is_to_be_set_anew(number):
    model = with_data(lambda model: [model.layers[0].weight[0][0]], number, MLP(4, [8, 1], "linear", rng=0))
    assert str(only(ill(model))).endswith("; set 0.weight[0][0] anew")


def test_parameters_that_the_optimizer_does_not_hold():
    model = MLP(4, [8, 1], "tanh", rng=0)
    symptom = only(ill(model, optimizer=optim.SGD(model.layers[0].parameters(), lr=0.1)))
    assert (symptom.illness, symptom.where, symptom.figure) == ("untrained parameters", "2.weight, 2.bias", 9)
    assert "holds 40 of 49 parameters and leaves 9 as they are" in str(symptom)


def test_symmetric_starts():
    symptom = only(ill(MLP(4, [5, 1], "tanh", init=init.constant(0.3))))
    assert (symptom.illness, symptom.figure) == ("symmetric start", 5)
    assert symptom.where == "0.weight[0], 0.weight[1], 0.weight[2] and 2 more"
    twins = MLP(4, [5, 3], "tanh", rng=0)
    for layer in (twins.layers[0].weight[1:3], list(zip(*twins.layers[1].weight, strict=True))[1:3]):
        for first, second in zip(*layer, strict=True):
            second.data = first.data
    assert only(ill(twins, "cross_entropy", targets=CLASS)).where == "0.weight[1], 0.weight[2]"
    neurons = Residual(4)
    for neuron in neurons.neurons:
        for weight in neuron.w:
            weight.data = 0.5
    for weight in neurons.out.weight[0]:
        weight.data = 0.5
    assert "neurons.0.w, neurons.1.w" in of(ill(neurons, inputs=100 * X), "symmetric start").where
    assert of(ill(MLP(4, [5, 1], init="constant")), "symmetric start").figure == 5  # zeros


# ---- data and loss ------------------------------------------------------------------------------------------------


def test_inputs_out_of_scale():
    large, small = ill(MLP(4, [8, 1], "tanh", init=init.normal(1e-3), rng=0), inputs=X * [1, 900, 1, 1e-6])
    assert (large.illness, large.where, large.threshold) == ("unscaled inputs", "X[:, 1]", 10.0)
    assert large.figure == pytest.approx(900 * np.sqrt((X[:, 1] ** 2).mean()))
    assert (small.illness, small.where, small.threshold) == ("unscaled inputs", "X[:, 3]", 1e-3)


def test_of_several_columns_out_of_scale_the_figure_is_that_of_the_worst():
    def unscaled(scales):
        return str(of(ill(MLP(4, [8, 1], rng=0), inputs=X * scales), "unscaled inputs"))

    assert "X[:, 2], X[:, 3]: the root mean square is up to " in unscaled([1, 1, 90, 70])
    assert "X[:, 2], X[:, 3]: the root mean square is down to " in unscaled([1, 1, 1e-5, 1e-6])
    assert " to " not in unscaled([1, 90, 1, 1])


@pytest.mark.sampled(3)
@pytest.mark.parametrize("constant", [0.0, 1.0, 500.0])
def test_a_constant_column_is_named_and_has_no_scale(constant):
    inputs = np.c_[X[:, :1], np.full(40, constant), X[:, 2:]]
    symptom = of(ill(MLP(4, [8, 1], rng=0), inputs=inputs), "constant inputs")
    assert (symptom.where, symptom.figure, symptom.threshold) == ("X[:, 1]", 1, 0)
    assert "unscaled inputs" not in [symptom.illness for symptom in ill(MLP(4, [8, 1], rng=0), inputs=inputs)]
    sparse = np.tile(inputs, (10, 1))  # what differs only in an example that is not looked at is not constant
    sparse[1, 1] = constant + 1
    symptoms = ill(MLP(4, [8, 1], rng=0), inputs=sparse, targets=np.tile(QUANTITY, 10))
    assert "constant inputs" not in [symptom.illness for symptom in symptoms]


def test_of_inputs_that_are_all_constant_nothing_else_is_said():
    norm = Sequential(Layer(4, 8, "linear", rng=0), BatchNorm(8), Activation("relu"), Layer(8, 1, "linear", rng=1))
    for model in (norm, MLP(4, [8, 1], rng=0)):
        for inputs in (X * 0, X * 0 + 1):
            assert only(ill(model, inputs=inputs, optimizer="sgd")).illness == "constant inputs"


LABELS = {
    "from 1": (3, "cross_entropy", CLASS + 1, "y", "3.0; take y - 1"),
    "from -1": (3, cross_entropy, CLASS - 1, "y", "take y + 1"),
    "too many": (2, "cross_entropy", CLASS, "y", "give the model 3 outputs"),
    "floats": (3, "cross_entropy", QUANTITY, "y", "quantities are for mse"),
    "a column": (3, "cross_entropy", CLASS.reshape(-1, 1), "y", "y.ravel()"),
    "one-hot": (3, "multiclass_hinge", np.eye(3)[CLASS], "y", "take y.argmax(1)"),
    "too long": (3, "cross_entropy", np.eye(4)[CLASS], "y", "a list of 4"),
    "signs": (1, "binary_cross_entropy_with_logits", SIGN, "y", "got -1.0; take (y + 1) / 2"),
    "percent": (1, lambda out, y: binary_cross_entropy(out, y, from_logits=True), 40.5 + X[:, 0], "y", "from 0 to 1"),
    "0 and 1": (1, hinge, SIGN > 0, "y", "got 0.0; take 2*y - 1"),
    "logits": (1, "binary_cross_entropy", SIGN > 0, "outputs", "binary_cross_entropy_with_logits takes others"),
    "unscaled": (1, "mse", 1e5 * QUANTITY, "y", "take (y - y.mean()) / y.std()"),
    "unscaled for one's own": (1, lambda out, y: mse(out, y), 1e-5 * QUANTITY, "y", "the limit is 0.001"),
    "several": (1, "mse", np.c_[QUANTITY, QUANTITY], "y", "give the model 2 outputs"),
    "one of three": (3, "hinge", SIGN, "y", "(40, 3) and (40,); give the model 1 output"),
    "all": (1, "hinge", QUANTITY, "y", "40 of 40 do not fit the loss, the labels of hinge are −1 and 1, got "),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", LABELS)
def test_labels_that_do_not_fit_the_loss(name):
    outputs, loss, targets, where, said = LABELS[name]
    symptom = only(ill(MLP(4, [8, outputs], "tanh", rng=0), loss, targets=targets))
    assert (symptom.illness, symptom.where) == ("labels", where)
    assert said in str(symptom)


def test_labels_are_counted():
    symptom = only(ill(MLP(4, [8, 3], rng=0), "cross_entropy", targets=CLASS + 1))
    assert (symptom.figure, symptom.threshold) == ((CLASS == 2).sum(), 0)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("outputs", "activation", "loss", "targets"),
    [
        (1, "sigmoid", "binary_cross_entropy_with_logits", SIGN > 0),
        (1, "sigmoid", lambda out, y: binary_cross_entropy(out, y, from_logits=True), SIGN > 0),
        (3, "softmax", "cross_entropy", CLASS),
        (3, "softmax", cross_entropy, np.eye(3)[CLASS]),
    ],
)
def test_probabilities_where_a_loss_takes_logits(outputs, activation, loss, targets):
    model = Sequential(MLP(4, [8, outputs], "tanh", rng=0), Activation(activation))
    symptom = only(ill(model, loss, targets=targets))
    assert (symptom.illness, symptom.where, symptom.threshold) == ("labels", "outputs", 1.0)
    assert str(symptom).endswith(f"leave out the last {activation}")


# ---- steps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lr", "limit", "remedy"), [(1e3, 1.0, "smaller"), (1e-8, 1e-6, "larger")])
def test_steps_are_those_of_the_optimizer_as_it_is(lr, limit, remedy):
    model = MLP(4, [8, 1], "tanh", rng=0)
    optimizer = optim.SGD(model.parameters(), lr=lr)
    symptoms = ill(model, optimizer=optimizer)
    assert [symptom.where for symptom in symptoms] == ["0.weight", "2.weight"]
    nn_loss = mse(model(X.tolist()), QUANTITY.tolist())
    nn_loss.backward()
    weights = [weight for row in model.layers[0].weight for weight in row]
    ratio = lr * math.hypot(*(w.grad for w in weights)) / math.hypot(*(w.data for w in weights))
    assert symptoms[0].figure == pytest.approx(ratio)
    assert symptoms[0].threshold == limit
    assert str(symptoms[0]).endswith(f"take a {remedy} lr")


@pytest.mark.slow
def test_what_is_added_is_no_weight_whatever_it_is_called():
    class Shifted(Module):
        def __init__(self):
            self.inner, self.shift = MLP(4, [4] * 8 + [1], "sigmoid", rng=0), Value(1e-6)
            self.skip = Value(0.0)

        def forward(self, x):
            return self.inner.run([x])[0][0] + self.skip * x[0] + self.shift

    model = Shifted()
    for model.shift.data in (1e-6, 0.0):
        symptoms = ill(model, optimizer=optim.SGD(model.parameters(), lr=1.0))
        assert (symptoms[0].illness, symptoms[0].where) == ("vanishing gradients", "inner.0")
        assert [symptom.where for symptom in symptoms[1:]] == ["inner.0.weight"]


# ---- what stays as it is, and what is refused ---------------------------------------------------------------------


class Busy(Module):
    """Draws from everywhere, counts its calls, and raises at the call that it is told to."""

    buffers = ("calls", "seen")

    def __init__(self, raising=0):
        self.inner, self.dropout, self.norm = Layer(4, 3, rng=0), Dropout(0.5, rng=1), BatchNorm(3)
        self.out, self.rng, self.own = Layer(3, 1, "linear", rng=2), np.random.default_rng(3), random.Random(4)
        self.calls, self.seen, self.raising = 0, [0.0], raising

    def forward_batch(self, batch):
        self.calls += 1
        self.seen[0] += self.rng.random() + self.own.random() + random.random() + np.random.rand()
        if self.calls == self.raising:
            raise RuntimeError("in the middle")
        return [y[0] for y in self.out.run(self.norm.run(self.dropout.run(self.inner.run(batch))))]


def state_of(model, optimizer):
    return repr(
        (
            {name: (leaf.data, leaf.grad, leaf.swept) for name, leaf in model.named_parameters()},
            {name: array.tolist() for name, array in model.state_dict().items()},
            [module.training for module in model.modules()],
            optimizer.state_dict(), model.rng.bit_generator.state, model.dropout.rng.bit_generator.state,
            model.own.getstate(), random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist(),
            np.random.get_state(legacy=False)["state"]["pos"],
        )
    )  # fmt: skip


@pytest.mark.parametrize("raising", [0, 1, 2])
def test_nothing_is_touched_also_where_something_raises_in_the_middle(raising):
    model = Busy()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    loss = mse(model(X.tolist()), QUANTITY.tolist())
    loss.backward()
    optimizer.step()
    model.inner.eval()
    model.calls, model.raising = 0, raising
    before = state_of(model, optimizer)
    if raising:
        with pytest.raises(RuntimeError, match="in the middle"):
            ill(model, optimizer=optimizer)
    else:
        ill(model, optimizer=optimizer)
    assert state_of(model, optimizer) == before


def test_a_step_that_raises_touches_nothing():
    class Broken(optim.SGD):
        def step(self):
            super().step()
            raise RuntimeError("after the step")

    model = Busy()
    optimizer = Broken(model.parameters(), lr=0.01)
    before = state_of(model, optimizer)
    with pytest.raises(RuntimeError, match="after the step"):
        ill(model, optimizer=optimizer)
    assert state_of(model, optimizer) == before


@pytest.mark.slow
def test_the_answer_is_the_same_each_time_also_without_recording_and_inside_another_model():
    model = with_data(lambda model: [model.layers[2].bias[5]], -9.0, normed())
    once = ill(model, "cross_entropy", targets=CLASS)
    with no_grad():
        assert ill(model, "cross_entropy", targets=CLASS) == once
    Sequential(Sequential(model))(X.tolist())  # which calls it by another name
    assert ill(model, "cross_entropy", targets=CLASS) == once != []


def test_of_many_examples_some_are_looked_at():
    seen = []
    many = RNG.normal(size=(1000, 4))
    model = Sequential(Layer(4, 1, "linear", rng=0))
    assert diagnose(model, lambda out, y: seen.append(y) or mse(out, y), many, many[:, 0]) == []
    [targets] = seen
    assert len(targets) == EXAMPLES
    assert targets[:3] == many[[0, 3, 7], 0].tolist()


def test_a_symptom_is_frozen_and_one_sentence():
    symptom = Symptom("labels", "y", 1.0, 0.0, "3 of 4 do not fit", "take y - 1")
    assert str(symptom) == "y: 3 of 4 do not fit; take y - 1"
    with pytest.raises(AttributeError):
        symptom.figure = 2.0


MODEL = MLP(4, [3, 1], rng=0)
OTHER = optim.SGD(MLP(4, [3, 1], rng=0).parameters())


class Locked(optim.SGD):
    """An optimizer that cannot be copied."""

    def __deepcopy__(self, memo):
        raise TypeError("it is locked")


BAD = {
    "model must be a Module": lambda: diagnose(sigmoid, "mse", X, QUANTITY),
    "y must have a target for each of the 40 rows of X": lambda: ill(MODEL, targets=QUANTITY[:5]),
    "X is empty": lambda: ill(MODEL, inputs=[], targets=[]),
    "X must have 4 columns": lambda: ill(MODEL, inputs=X[:, :2]),
    "loss must be one of mse,": lambda: ill(MODEL, "mean"),
    "needs a score for each class": lambda: ill(MODEL, "cross_entropy", targets=CLASS),
    "the optimizer holds no parameter of MLP": lambda: ill(MODEL, optimizer=OTHER),
    "optimizer must be one of": lambda: ill(MODEL, optimizer="fast"),
    "the loss must be one number that depends on": lambda: ill(MODEL, lambda out, y: None),
    "two lists, as in fit, and raised unsupported": lambda: ill(MODEL, lambda out, y: (out - y) ** 2),
    "got 3.0": lambda: ill(MODEL, lambda out, y: 3.0),
    "leaves one of 1 examples alone, and BatchNorm needs two": lambda: ill(normed(), "cross_entropy", X[:1], CLASS[:1]),
    "cannot be copied: it is locked": lambda: ill(MODEL, optimizer=Locked(MODEL.parameters())),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("said", BAD)
def test_bad_input_is_refused_in_one_sentence(said):
    before = copy.deepcopy(MODEL.state_dict())
    with pytest.raises((TypeError, ValueError)) as raised:
        BAD[said]()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert {name: array.tolist() for name, array in MODEL.state_dict().items()} == {
        name: array.tolist() for name, array in before.items()
    }


def test_an_error_of_the_users_forward_stays_what_it_is():
    class Raising(Module):
        def __init__(self):
            self.w = Value(1.0)

        def forward(self, x):
            if self.training:
                raise ValueError("mine")
            return self.w * x[0]

    with pytest.raises(ValueError, match="mine"):
        ill(Raising())


def test_an_error_of_the_users_loss_is_no_word_on_labels():
    with pytest.raises(ValueError, match=r"^log\(-"):
        ill(MLP(4, [3, 1], rng=0), lambda out, y: log(mse(out, y) * -1.0))
    with pytest.raises(TypeError, match=r"^mine$"):
        ill(MODEL, lambda out, y: (_ for _ in ()).throw(TypeError("mine")))

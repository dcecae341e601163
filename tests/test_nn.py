"""Modules: shapes, parameters, state, and every layer against PyTorch or a formula; what is refused, in one table."""

import copy
import math
import pickle
import random
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import microgradnn as m
from microgradnn import Value, nn, no_grad
from microgradnn.graph import topological_order
from microgradnn.nn.activations import ACTIVATIONS

NAMES = [*ACTIVATIONS, "softmax"]
SMOOTH_OR_NOT = [name for name in ACTIVATIONS if name != "step"]


def data(x):
    """Values as numbers, in lists as they were."""
    return [data(one) for one in x] if isinstance(x, list) else x.data


def parameters_by_name(model):
    return {name: parameter.data for name, parameter in model.named_parameters()}


def gradients(model):
    return [parameter.grad for parameter in model.parameters()]


def matrix(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def some_loss(outputs):
    """A number that treats every output in another way."""
    flat = [one for row in outputs for one in (row if isinstance(row, list) else [row])]
    return m.sum([m.sin(one) * (place + 1) for place, one in enumerate(flat)])


class Residual(nn.Module):
    """A user's module: a layer inside an attribute, one in a list, a Value of its own."""

    def __init__(self, size, rng=0):
        self.inner = nn.Layer(size, size, "tanh", rng=rng)
        self.blocks = [nn.Layer(size, size, "linear", rng=rng), nn.PReLU()]
        self.scale = Value(0.5)
        self.label, self.sizes = "some text", [size, 2.0]  # no parameters

    def forward(self, x):
        for block in self.blocks:
            x = [a + self.scale * b for a, b in zip(x, block(self.inner(x)), strict=True)]
        return x


# ---- shapes: one example or a batch -----------------------------------------------------------------------------

MODULES = {
    "Neuron": (lambda: nn.Neuron(3, rng=0), 1),
    "Layer": (lambda: nn.Layer(3, 2, rng=0), 2),
    "Layer to one": (lambda: nn.Layer(3, 1, rng=0), 1),
    "Maxout": (lambda: nn.Maxout(3, 2, pieces=2, rng=0), 2),
    "Maxout of one": (lambda: nn.Maxout(3, 1, pieces=1, rng=0), 1),
    "Activation": (lambda: nn.Activation("tanh"), 3),
    "softmax": (lambda: nn.Activation("softmax"), 3),
    "PReLU": (lambda: nn.PReLU(), 3),
    "Dropout": (lambda: nn.Dropout(0.5, rng=0).eval(), 3),
    "BatchNorm": (lambda: nn.BatchNorm(3).eval(), 3),
    "MLP": (lambda: nn.MLP(3, [4, 2], rng=0), 2),
    "MLP to one": (lambda: nn.MLP(3, [4, 1], rng=0), None),
    "Sequential": (lambda: nn.Sequential(nn.Layer(3, 2, rng=0), nn.PReLU()), 2),
    "Sequential to one": (lambda: nn.Sequential(nn.Layer(3, 1, rng=0)), None),
    "nested": (lambda: nn.Sequential(nn.Sequential(nn.Layer(3, 1, rng=0)), nn.Layer(1, 2, rng=0)), 2),
    "nested to one": (lambda: nn.Sequential(nn.MLP(3, [1], rng=0), nn.MLP(1, [2, 1], rng=0)), None),
    "user's": (lambda: Residual(3), 3),
}


def has_shape(out, size):
    """A list of `size` numbers; a bare one for None."""
    if size is None:
        return not isinstance(out, list)
    return isinstance(out, list) and len(out) == size and not any(isinstance(one, list) for one in out)


@pytest.mark.parametrize(("make", "size"), MODULES.values(), ids=MODULES)
def test_one_example_gives_one_output_and_a_batch_gives_a_list_of_them(make, size):
    """However the numbers come; only MLP and Sequential give a bare Value where the output is single."""
    example, batch = [0.5, -1.0, 2.0], [[0.5, -1.0, 2.0], [1.0, 1.0, -1.0]]
    out = make()(example)
    assert has_shape(out, size)
    many = make()(batch)
    assert len(many) == 2
    assert all(has_shape(one, size) for one in many)
    for other in (tuple(example), np.array(example), iter(example), [Value(one) for one in example]):
        assert make()(other) == out
    for other in (tuple(map(tuple, batch)), np.array(batch), [np.array(x) for x in batch], map(iter, batch)):
        assert make()(other) == many
    assert make()([example]) == [out]
    if not isinstance(make(), nn.BatchNorm):
        assert many[0] == out


@pytest.mark.parametrize("x", [2, 2.0, True, np.float32(2.0), np.array(2.0), Value(2.0), [2.0], np.array([2])])
def test_a_number_is_an_example_of_one(x):
    number = x[0] if isinstance(x, (list, np.ndarray)) and np.ndim(x) else x
    expected = float(number.data if isinstance(number, Value) else number)
    [out] = nn.Layer(1, 1, "linear", init=nn.init.constant(3.0))(x)
    assert out.data == 3.0 * expected
    assert nn.MLP(1, [1], init=nn.init.constant(3.0))(x).data == 3.0 * expected


def test_integers_booleans_and_scalars_of_numpy_become_floats():
    layer = nn.Layer(3, 1, "linear", init="constant", rng=0)
    for x in ([1, True, np.float32(0.5)], np.array([1, 1, 0]), [[1, False, np.int8(3)]]):
        out = layer(x)
        inputs = (out[0][0] if isinstance(out[0], list) else out[0]).operands[3:6]
        assert all(type(one) is float for one in inputs)


def test_gradients_reach_the_inputs():
    x = [Value(0.5), Value(-1.0)]
    nn.MLP(2, [4, 1], "tanh", rng=0)(x).backward()
    assert all(one.swept and one.grad != 0 for one in x)


@pytest.mark.parametrize("name", NAMES)
def test_activations_by_name_are_the_functions(name):
    x = [-2.0, -0.5, 0.0, 0.5, 3.0]
    expected = m.softmax(x) if name == "softmax" else x if name == "linear" else [getattr(m, name)(one) for one in x]
    assert nn.Activation(name)(x) == expected
    assert nn.Activation(name).name == name


def test_an_activation_may_be_a_function_or_none():
    assert nn.Activation(None)([-1.0, 2.0]) == [-1.0, 2.0]
    assert nn.Activation(lambda x: x * x)([-1.0, 2.0]) == [1.0, 4.0]
    assert nn.Layer(2, 3, m.tanh, rng=0)([1.0, 2.0]) == nn.Layer(2, 3, "tanh", rng=0)([1.0, 2.0])
    assert nn.Layer(2, 3, None, rng=0)([1.0, 2.0]) == nn.Layer(2, 3, "linear", rng=0)([1.0, 2.0])


# ---- fused or gate by gate ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", SMOOTH_OR_NOT)
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4), count=st.integers(1, 3))
def test_fused_is_gate_by_gate(activation, seed, sizes, count):
    """One dot gate for a neuron, or its products and sums: values and gradients agree to 1e-12."""
    nin, *nouts = sizes
    x = matrix(seed, count, nin)
    found = []
    for fused in (True, False):
        model = nn.MLP(nin, nouts, activation, rng=seed, fused=fused)
        inputs = [[Value(one) for one in row] for row in x]
        outputs = model(inputs)
        some_loss(outputs).backward()
        found.append((data(outputs), gradients(model) + [one.grad for row in inputs for one in row]))
    assert np.allclose(found[0][0], found[1][0], rtol=1e-12, atol=1e-12)
    assert np.allclose(found[0][1], found[1][1], rtol=1e-12, atol=1e-12)


def gates(root):
    return {node.primitive.name for node in topological_order(root) if node.primitive}


def test_fused_records_dot_gates_and_gate_by_gate_does_not():
    for make in (nn.Neuron, lambda nin, **kind: nn.Layer(nin, 1, **kind)):
        assert gates(make(3, activation="linear", rng=0, fused=True)([1.0, 2.0, 3.0])[0]) == {"dot"}
        assert gates(make(3, activation="linear", rng=0, fused=False)([1.0, 2.0, 3.0])[0]) == {"multiply", "add"}


def test_a_layer_is_its_neurons():
    layer = nn.Layer(3, 4, "tanh", rng=0)
    x = [0.5, -1.0, 2.0]
    assert layer(x) == [neuron(x)[0] for neuron in layer.neurons]
    assert all(
        neuron.w is row and neuron.b is b
        for neuron, row, b in zip(layer.neurons, layer.weight, layer.bias, strict=True)
    )


# ---- counting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "neurons", "parameters"),
    [
        (nn.MLP(3, [4, 2]), 6, 26),  # note 000, its first network
        (nn.MLP(3, [4, 4, 1]), 9, 41),  # and its second
        (nn.Neuron(3), 1, 4),
        (nn.Layer(3, 4), 4, 16),
        (nn.Maxout(3, 4, pieces=2), 4, 32),  # the parameters of a layer, times the pieces (notes 000, 002)
        (nn.Maxout(3, 4, pieces=5), 4, 80),
        (nn.PReLU(), 0, 1),
        (nn.BatchNorm(3), 0, 6),
        (nn.Dropout(0.5), 0, 0),
        (nn.Sequential(nn.MLP(3, [4, 2]), nn.BatchNorm(2), nn.Layer(2, 1)), 7, 26 + 4 + 3),
        (Residual(3), 6, 12 + 12 + 1 + 1),
    ],
    ids=repr,
)
def test_neurons_and_parameters_are_counted(model, neurons, parameters):
    summary = model.summary()
    assert (summary.neurons, summary.parameters) == (neurons, parameters)
    assert len(model.parameters()) == parameters
    assert sum(row[2] for row in summary.rows) == neurons
    assert repr(summary).splitlines()[-1].split() == ["together", str(neurons), str(parameters)]


# ---- parameters and state ---------------------------------------------------------------------------------------


def test_parameters_are_leaves_named_by_their_place():
    model = nn.MLP(2, [3, 1], rng=0)
    named = dict(model.named_parameters())
    assert list(map(id, named.values())) == list(map(id, model.parameters()))
    assert named["0.weight[2][1]"] is model.layers[0].weight[2][1]
    assert named["2.bias[0]"] is model.layers[1].bias[0]
    assert all(parameter.primitive is None for parameter in model.parameters())


def test_a_users_module_is_found_through_its_attributes_and_lists():
    model = Residual(2)
    assert [path for path, _ in model.named_modules()] == [
        "", "inner", "inner.activation", "blocks.0", "blocks.0.activation", "blocks.1",
    ]  # fmt: skip
    assert list(model.state_dict()) == [
        "scale", "inner.weight", "inner.bias", "blocks.0.weight", "blocks.0.bias", "blocks.1.weight",
    ]  # fmt: skip
    model([1.0, 2.0])[0].backward()
    assert all(parameter.swept for parameter in model.parameters())


def test_shared_modules_and_shared_values_count_once():
    class Tied(nn.Module):
        def __init__(self):
            self.first = nn.Layer(2, 2, rng=0)
            self.second = self.first
            self.third = nn.Layer(2, 2, rng=0)
            self.third.weight[0] = self.first.weight[1]
            self.again = [self.first]

    tied = Tied()
    assert len(tied.parameters()) == 6 + 2 + 2
    assert [id(one) for _, one in tied.named_parameters()] == [id(one) for one in tied.parameters()]
    layer = nn.Layer(2, 2, rng=0)
    assert len(nn.Sequential(layer, layer).parameters()) == 6
    shared = nn.Sequential(layer, layer)
    some_loss([shared([1.0, -2.0])]).backward()
    alone = nn.Layer(2, 2, rng=0)
    some_loss([alone(alone([1.0, -2.0]))]).backward()
    assert gradients(shared) == gradients(alone)


def test_a_users_module_in_a_row_may_give_a_bare_value():
    class Total(nn.Module):
        def forward(self, x):
            return m.sum(x)

    model = nn.Sequential(Total(), nn.Layer(1, 2, "linear", init=nn.init.constant(3.0)), Total())
    assert Total()([1.0, 2.0]) == 3.0
    assert model([1.0, 2.0]).data == 18.0
    assert data(model([[1.0, 2.0], [0.0, -1.0]])) == [18.0, -6.0]


class Attentive(nn.Module):
    """What people write in `forward`: inputs, outputs and losses kept to be looked at afterwards."""

    def __init__(self):
        self.layer = nn.Layer(2, 1, rng=0)
        self.slope = Value(1.0)

    def forward(self, x):
        self.last, self.hidden = x, self.layer(x)
        self.table = {"x": x, "hidden": self.hidden}
        with no_grad():
            self.size = self.hidden[0] * self.slope
        return [self.hidden[0] * self.slope]


def test_nothing_that_is_kept_while_a_module_runs_is_a_parameter():
    model, x = Attentive(), [Value(1.0), Value(2.0)]
    names = [name for name, _ in model.named_parameters()]
    for _ in range(2):
        out = model(x)
        assert model.last is not None
        assert [name for name, _ in model.named_parameters()] == names
        assert len(model.parameters()) == 4
        assert out[0].data == model.size.data
    copied = pickle.loads(pickle.dumps(model))
    assert len(copied.parameters()) == len(copy.deepcopy(model).parameters()) == 4
    model.last = Value(3.0)  # assigned from outside it is one
    assert len(model.parameters()) == 5


UNLEARNABLE = {
    "a gate": lambda: Value(1.0) * 0.01,
    "gates in a list": lambda: [[Value(1.0)], [Value(2.0), Value(2.0) * 0.01]],
    "a gate in a tuple": lambda: (Value(1.0) * 0.01,),
    "an output": lambda: nn.Layer(2, 1, rng=0)([1.0, 2.0]),
    "a loss without recording": lambda: no_grad()(lambda: Value(1.0) * 2)(),
    "an output without recording": lambda: no_grad()(nn.Layer(2, 1, rng=0))([1.0, 2.0]),
}
OUT_OF_SIGHT = {
    "dict": lambda: {"a": Value(1.0)},
    "dict of lists": lambda: {"a": [Value(1.0)]},
    "list of dicts": lambda: [{"a": Value(1.0)}],
    "array": lambda: np.array([Value(1.0)]),
    "set": lambda: {Value(1.0), Value(2.0)},
    "frozenset": lambda: frozenset([Value(1.0)]),
    "set of modules": lambda: {nn.Layer(2, 1)},
    "deque": lambda: deque([Value(1.0)]),
    "deque of modules": lambda: deque([nn.Layer(2, 1)]),
    "dict_values": lambda: {"a": Value(1.0)}.values(),
    "dataclass": lambda: Weights(Value(1.0)),
    "set in a list in a dict": lambda: {"a": [{Value(1.0)}]},
    "set of modules in a dict": lambda: {"a": {nn.Dropout()}},
    "generator": lambda: (Value(x) for x in (1.0, 2.0)),
    "map": lambda: map(Value, [1.0, 2.0]),
}


@dataclass(frozen=True)
class Weights:
    slope: Value


@dataclass
class Settings:
    size: int = 3
    parent: object = None


@pytest.mark.parametrize("kind", UNLEARNABLE)
def test_results_of_gates_are_refused_with_the_wrong_line_and_the_right_one(kind):
    module = nn.Module()
    with pytest.raises(TypeError, match=r"^self\.w: .* is the result of a gate.*Not .*, but self\.w = \[Value"):
        module.w = UNLEARNABLE[kind]()
    assert not hasattr(module, "w")


def test_a_list_that_grows_is_read_anew_and_refused_with_a_gate_in_it():
    module = nn.Module()
    module.w = []
    module.w.append(Value(1.0))
    assert len(module.parameters()) == len(module.state_dict()["w"]) == 1
    module.w.append(Value(1.0) * 0.01)
    for reading in (module.parameters, module.state_dict, module.zero_grad):
        with pytest.raises(TypeError, match=r"self\.w: .* result of a gate multiply"):
            reading()


@pytest.mark.parametrize("fill", [lambda d: d.update(a=Value(1.0)), lambda d: d.update(a=[{Value(1.0)}])])
def test_what_grows_out_of_sight_is_refused_when_it_is_read_or_run(fill):
    module = nn.Sequential(nn.Dropout(0.5))
    module.more = {}
    fill(module.more)
    for reading in (module.parameters, module.state_dict, module.summary, lambda: module([1.0])):
        with pytest.raises(TypeError, match=r"self\.more: parameters and modules are looked for in"):
            reading()


def test_modules_in_a_dict_are_inside():
    module = nn.Module()
    module.parts = {"first": nn.Layer(2, 1, rng=0), "rest": [nn.Dropout(), nn.PReLU()]}
    assert [name for name, _ in module.named_children()] == ["parts.first", "parts.rest.0", "parts.rest.1"]
    assert len(module.parameters()) == 4


def test_settings_of_any_kind_may_be_kept():
    settings, module = Settings(), nn.Module()
    settings.parent = settings
    module.settings = [
        settings,
        {"classes": {"cat", "dog"}, "names": np.array(["a", None])},
        deque([1.0, 2.0]),
        range(3),
    ]
    assert module.parameters() == []


def test_parameters_and_modules_do_not_share_a_list():
    module = nn.Module()
    for mixed in ([Value(1.0), nn.Dropout()], [[0.5, nn.Dropout()], Value(1.0)]):
        with pytest.raises(TypeError, match="give each of them a list of its own"):
            module.parts = mixed
    assert not hasattr(module, "parts")


class Collecting(nn.Module):
    """A module that appends what it sees, and what it computes, to lists."""

    def __init__(self, inputs=False):
        self.layer, self.w, self.outputs, self.seen, self.inputs = nn.Layer(2, 1, rng=0), [Value(1.0)], [], [], inputs

    def forward(self, x):
        out = self.layer(x)[0] * self.w[0]
        self.outputs.append(out)
        if self.inputs:
            self.seen.append(x)
        return out


@pytest.mark.parametrize("compiled", [False, True])
def test_what_forward_appends_of_its_computations_is_no_parameter(compiled):
    model = Collecting()
    names = [name for name, _ in model.named_parameters()]
    with no_grad():
        model([1.0, 2.0])
    m.fit(model, "mse", [[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], "sgd", 2, progress=False, compiled=compiled)
    assert model.outputs
    assert [name for name, _ in model.named_parameters()] == names
    assert list(model.state_dict()) == ["w", "layer.weight", "layer.bias"]


def test_what_comes_into_a_list_after_the_module_ran_is_refused_until_the_list_is_assigned():
    """Whether it is to learn cannot be known: an input that forward kept, or a parameter more."""
    model = Collecting(inputs=True)
    model([1.0, 2.0])
    assert len(model.parameters()) == 4
    model([Value(1.0), 2.0])
    with pytest.raises(TypeError, match=r"self\.seen: .* has come into a list since .*\*self\.seen, Value"):
        model.parameters()
    model.seen = []
    model.w.append(Value(2.0))
    with pytest.raises(TypeError, match=r"self\.w: .* has come into a list since the module ran"):
        model.zero_grad()
    model.w = [*model.w]
    assert len(model.parameters()) == 5
    model.w.append(Value(2.0) * 0.01)
    with pytest.raises(TypeError, match=r"self\.w: .* is the result of a gate multiply"):
        model.parameters()


def test_parameters_are_not_lost_while_a_module_runs():
    class Decaying(nn.Module):
        def __init__(self):
            self.w, self.h = [Value(1.0)], 0.0

        def forward(self, x):
            self.h = self.w[0] * x[0] + self.h
            if x[0] > 1.0:
                self.w = [self.w[0] * 0.9]
            return self.h

    model = Decaying()
    assert model([1.0]).data == 1.0
    assert model([0.5]).data == 1.5
    with pytest.raises(TypeError, match=r"self\.w holds parameters of Decaying, which would be lost"):
        model([2.0])
    assert [leaf.data for leaf in model.parameters()] == [1.0]
    assert model.h.data == 3.5


def test_a_module_that_runs_may_point_to_one_that_it_has():
    class Switching(nn.Module):
        def __init__(self):
            self.heads = [nn.Layer(2, 1, rng=seed) for seed in range(2)]

        def forward(self, x):
            self.current, self.used = self.heads[x[0] > 0], [*self.heads[:1]]
            return [neuron(x)[0] for neuron in self.current.neurons]

    model = Switching()
    names = [name for name, _ in model.named_parameters()]
    assert data(model([[1.0, 2.0], [-1.0, 2.0]])) == [
        data(head([x, 2.0])) for head, x in zip(model.heads[::-1], (1.0, -1.0), strict=True)
    ]
    assert [name for name, _ in model.named_parameters()] == names


def test_forward_by_itself_keeps_nothing_and_says_why():
    with pytest.raises(TypeError, match=r"self\.hidden: .*call.*model\(x\), not model\.forward\(x\)"):
        Attentive().forward([1.0, 2.0])


def test_a_module_that_is_made_while_one_runs_is_refused():
    class Late(nn.Module):
        def forward(self, x):
            self.layer = nn.Layer(2, 1)
            return self.layer(x)

    with pytest.raises(TypeError, match="make it in __init__"):
        Late()([1.0, 2.0])


def test_modules_and_children_yield_modules_and_the_named_ones_pairs():
    model = nn.Sequential(nn.Activation("tanh"), nn.Sequential(nn.Dropout(0.5)))
    assert [*model.children()] == [*model.layers]
    assert [name for name, _ in model.named_children()] == ["0", "1"]
    assert [*model.modules()] == [model, model.layers[0], model.layers[1], model.layers[1].layers[0]]
    assert [(name, module) for name, module in model.named_modules()] == list(
        zip(["", "0", "1", "1.0"], model.modules(), strict=True)
    )
    shared = nn.Sequential(model.layers[0], nn.Dropout(0.5), model.layers[0])  # each once, by its first name
    assert [*shared.named_children()] == [("0", shared.layers[0]), ("1", shared.layers[1])]
    assert [name for name, _ in Residual(2).named_children()] == ["inner", "blocks.0", "blocks.1"]


def test_zero_grad_makes_every_gradient_blank():
    model = Residual(2)
    model([1.0, 2.0])[0].backward()
    model.zero_grad()
    assert not any(parameter.swept for parameter in model.parameters())
    assert gradients(model) == [0.0] * len(model.parameters())


def test_train_and_eval_reach_every_module():
    model = nn.Sequential(nn.Sequential(nn.Dropout(0.5)), Residual(2), nn.BatchNorm(2))
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model
    assert all(module.training for module in model.modules())


def trained_norm():
    norm = nn.BatchNorm(2)
    norm([[1.0, 2.0], [3.0, 5.0]])
    return norm


STATEFUL = {
    "MLP": lambda: nn.MLP(3, [4, 2], rng=0),
    "Neuron": lambda: nn.Neuron(3, rng=0),
    "Maxout": lambda: nn.Maxout(3, 2, pieces=3, rng=0),
    "PReLU": lambda: nn.PReLU(0.7),
    "BatchNorm": trained_norm,
    "user's": lambda: Residual(3),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Layer(2, 2, rng=0), trained_norm()), nn.MLP(2, [1], rng=0)),
}


def alike(state, other):
    return list(state) == list(other) and all(np.array_equal(state[key], other[key]) for key in state)


@pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL)
def test_a_state_goes_there_and_back_to_the_bit(make):
    model, state = make(), make().state_dict()
    for parameter in model.parameters():
        parameter.data += 1.0
    assert not alike(model.state_dict(), state)
    held = model.parameters()
    model.load_state_dict(state)
    assert alike(model.state_dict(), state)
    assert list(map(id, held)) == list(map(id, model.parameters()))  # optimisers hold these
    model.load_state_dict({key: array.tolist() for key, array in state.items()})
    assert alike(model.state_dict(), state)


def test_a_state_is_a_snapshot():
    model = nn.Layer(2, 2, rng=0)
    state = model.state_dict()
    before = {key: array.copy() for key, array in state.items()}
    model.weight[0][0].data = 100.0
    assert alike(state, before)
    state["bias"][:] = 100.0
    assert data(model.bias) == [0.0, 0.0]


def with_change(**changes):
    """The state of an MLP(3, [4, 2]), changed; None takes a name away."""
    state = nn.MLP(3, [4, 2], rng=1).state_dict()
    for key, value in changes.items():
        key = key.replace("_", ".")
        if value is None:
            del state[key]
        else:
            state[key] = value
    return state


UNFIT = {
    "a name missing": (with_change(**{"2_bias": None}), "missing 2.bias, unknown nothing"),
    "a name too many": (with_change(extra=[1.0]), "missing nothing, unknown extra"),
    "nothing": ({}, "missing 0.weight, 0.bias, 2.weight, 2.bias"),
    "numbers as names": ({0: [1.0]}, "unknown 0"),
    "transposed": (
        with_change(**{"0_weight": np.ones((3, 4))}),
        r"0.weight must have the shape \(4, 3\), got \(3, 4\)",
    ),
    "too short": (with_change(**{"2_bias": [1.0]}), r"2.bias must have the shape \(2,\), got \(1,\)"),
    "a number for a list": (with_change(**{"2_bias": 1.0}), r"2.bias must have the shape \(2,\), got \(\)"),
    "nan": (with_change(**{"2_bias": [1.0, math.nan]}), "2.bias must hold finite numbers, got nan"),
    "inf": (with_change(**{"2_weight": np.full((2, 4), -np.inf)}), "2.weight must hold finite numbers, got -inf"),
    "text": (with_change(**{"2_bias": ["a", "b"]}), r"2.bias must be an array of numbers, got \['a', 'b'\]"),
    "None inside": (with_change(**{"2_bias": [None, object()]}), "2.bias must be an array of numbers"),
    "ragged": (with_change(**{"2_weight": [[1.0], [1.0, 2.0]]}), "2.weight must be an array of numbers"),
}


@pytest.mark.parametrize(("state", "message"), UNFIT.values(), ids=UNFIT)
def test_a_state_that_does_not_fit_changes_nothing(state, message):
    model = nn.MLP(3, [4, 2], rng=0)
    before = parameters_by_name(model)
    with pytest.raises(ValueError, match=message):
        model.load_state_dict(state)
    assert parameters_by_name(model) == before


@pytest.mark.parametrize("state", [None, [1.0], "weights.npz", 3])
def test_a_state_is_a_dict(state):
    with pytest.raises(TypeError, match="state must be a dict of arrays by name, got"):
        nn.Layer(1, 1).load_state_dict(state)


def test_without_strict_the_names_in_common_are_taken():
    model = nn.MLP(3, [4, 2], rng=0)
    model.load_state_dict({"2.bias": [1.0, 2.0], "foreign": 3.0}, strict=False)
    assert data(model.layers[1].bias) == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"2\.bias must have the shape"):
        model.load_state_dict({"2.bias": [1.0]}, strict=False)


def test_constants_among_parameters_stay():
    class Masked(nn.Module):
        def __init__(self):
            self.w = [Value(1.0), 0.0, Value(3.0)]

    model = Masked()
    model.load_state_dict({"w": [5.0, 6.0, 7.0]})
    assert [model.w[0].data, model.w[1], model.w[2].data] == [5.0, 0.0, 7.0]


@pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL)
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))], ids=["deepcopy", "pickle"]
)
def test_copies_and_pickles_are_networks_of_their_own(make, copied):
    model = make().eval()
    other = copied(model)
    assert alike(other.state_dict(), model.state_dict())
    assert not {*map(id, other.parameters())} & {*map(id, model.parameters())}
    assert [module.training for module in other.modules()] == [module.training for module in model.modules()]
    assert repr(other) == repr(model)


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_goes_through_pickle(name):
    layer = nn.Layer(2, 3, name, rng=0)
    assert pickle.loads(pickle.dumps(layer))([1.0, -2.0]) == layer([1.0, -2.0])
    if name not in ("linear", "softmax"):
        assert pickle.loads(pickle.dumps(nn.Activation(getattr(m, name))))([1.0, -2.0]) == nn.Activation(name)(
            [1.0, -2.0]
        )


def test_a_model_and_its_output_stay_together_in_a_copy():
    model = nn.MLP(2, [3, 1], "tanh", rng=0)
    out = model([0.5, -1.0])
    for copied in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        other, y = copied((model, out))
        y.backward()
        assert all(parameter.swept for parameter in other.parameters())
    assert not any(parameter.swept for parameter in model.parameters())


# ---- seeds -------------------------------------------------------------------------------------------------------

SEEDED = {
    "Neuron": lambda rng: nn.Neuron(3, rng=rng),
    "Layer": lambda rng: nn.Layer(3, 2, rng=rng),
    "Maxout": lambda rng: nn.Maxout(3, 2, pieces=2, rng=rng),
    "MLP": lambda rng: nn.MLP(3, [4, 2], rng=rng),
}


@pytest.mark.parametrize("make", SEEDED.values(), ids=SEEDED)
def test_the_same_seed_gives_the_same_network(make):
    def weights(rng):
        return [parameter.data for parameter in make(rng).parameters()]

    assert weights(3) == weights(3) == weights(np.random.default_rng(3)) == weights(np.int64(3))
    assert weights(3) != weights(4)
    assert weights(None) != weights(None)
    generator = np.random.default_rng(3)
    assert weights(generator) != weights(generator)  # it goes on


def test_layers_and_pieces_differ_and_biases_start_at_zero():
    model = nn.MLP(3, [3, 3], rng=0)
    assert data(model.layers[0].weight) != data(model.layers[1].weight)
    assert {b.data for layer in model.layers for b in layer.bias} == {0.0}
    maxout = nn.Maxout(3, 3, pieces=2, rng=0)
    assert data(maxout.weight[0]) != data(maxout.weight[1])


# ---- against PyTorch ---------------------------------------------------------------------------------------------


def torch_activation(name):
    import torch

    modules = {
        "linear": torch.nn.Identity, "relu": torch.nn.ReLU, "leaky_relu": torch.nn.LeakyReLU, "elu": torch.nn.ELU,
        "softplus": torch.nn.Softplus, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid,
        "softsign": torch.nn.Softsign, "hardtanh": torch.nn.Hardtanh,
    }  # fmt: skip
    return modules[name]()


def torch_mlp(nin, nouts, activation, state):
    """A Sequential of Linear and activation modules with these weights."""
    import torch

    sizes, modules = [nin, *nouts], []
    for a, b in zip(sizes, nouts, strict=False):
        modules += [torch.nn.Linear(a, b), torch_activation(activation)]
    net = torch.nn.Sequential(*modules[:-1]).double()
    net.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    return net


@pytest.mark.torch
@pytest.mark.parametrize("activation", SMOOTH_OR_NOT)
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4))
def test_an_mlp_is_that_of_torch(activation, seed, sizes):
    """Outputs and all gradients, those of the inputs too, to 1e-12; the names and shapes of the states are equal."""
    import torch

    nin, *nouts = sizes
    model = nn.MLP(nin, nouts, activation, init=nn.init.normal(0.8), rng=seed)
    for parameter in model.parameters():
        parameter.data += 0.1
    net = torch_mlp(nin, nouts, activation, model.state_dict())
    x = matrix(seed, 4, nin)
    inputs = [[Value(one) for one in row] for row in x]
    outputs = model(inputs)
    some_loss(outputs).backward()
    tensor = torch.tensor(x, requires_grad=True)
    theirs = net(tensor)
    (torch.sin(theirs).ravel() * torch.arange(1.0, theirs.numel() + 1)).sum().backward()
    close = {"rtol": 1e-12, "atol": 1e-12}
    assert np.allclose(np.ravel(data(outputs)), theirs.detach().numpy().ravel(), **close)
    expected = np.concatenate([one.grad.numpy().ravel() for one in net.parameters()])
    assert np.allclose(gradients(model), expected, **close)
    assert np.allclose([[one.grad for one in row] for row in inputs], tensor.grad.numpy(), **close)


@pytest.mark.torch
def test_states_travel_to_torch_and_back():
    import torch

    model, other = nn.MLP(3, [4, 2], rng=0), nn.MLP(3, [4, 2], rng=1)
    net = torch_mlp(3, [4, 2], "relu", model.state_dict())
    assert list(net.state_dict()) == list(model.state_dict())
    other.load_state_dict(net.state_dict())
    assert alike(other.state_dict(), model.state_dict())
    norm, theirs = trained_norm(), torch.nn.BatchNorm1d(2).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in norm.state_dict().items()})
    back = nn.BatchNorm(2)
    back.load_state_dict(theirs.state_dict())
    assert alike(back.state_dict(), norm.state_dict())
    assert type(back.num_batches_tracked) is int


@pytest.mark.torch
@pytest.mark.parametrize("slope", [0.25, 0.0, -0.5, 1.5])
def test_prelu_is_that_of_torch(slope):
    import torch

    x = [-2.0, -0.5, 0.0, 0.5, 3.0]
    prelu, inputs = nn.PReLU(slope), [Value(one) for one in x]
    out = prelu(inputs)
    some_loss([out]).backward()
    theirs, tensor = torch.nn.PReLU(init=slope).double(), torch.tensor(x, dtype=torch.float64, requires_grad=True)
    found = theirs(tensor)
    (torch.sin(found) * torch.arange(1.0, 6)).sum().backward()
    assert data(out) == pytest.approx(found.tolist(), rel=1e-12)
    assert prelu.weight[0].grad == pytest.approx(theirs.weight.grad.item(), rel=1e-12)
    assert [one.grad for one in inputs] == pytest.approx(tensor.grad.tolist(), rel=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("kind", [{}, {"eps": 0.1, "momentum": 0.3}, {"momentum": 0.0}, {"momentum": 1.0}])
def test_batch_norm_is_that_of_torch(kind):
    """Outputs, all gradients and running statistics over several batches, then in use: to 1e-12."""
    import torch

    ours, theirs = nn.BatchNorm(3, **kind), torch.nn.BatchNorm1d(3, **kind).double()
    for name, value in (("weight", [0.5, -1.0, 2.0]), ("bias", [0.1, 0.2, -0.3])):
        for one, number in zip(getattr(ours, name), value, strict=True):
            one.data = number
        getattr(theirs, name).data = torch.tensor(value, dtype=torch.float64)
    close = {"rtol": 1e-12, "atol": 1e-12}
    for seed, size in enumerate([4, 2, 7, 5]):
        if seed == 3:
            ours.eval()
            theirs.eval()
        x = matrix(seed, size, 3) * [1.0, 10.0, 0.1] + [0.0, 5.0, -3.0]
        inputs = [[Value(one) for one in row] for row in x]
        ours.zero_grad()
        theirs.zero_grad()
        out = ours(inputs)
        some_loss(out).backward()
        tensor = torch.tensor(x, requires_grad=True)
        found = theirs(tensor)
        (torch.sin(found).ravel() * torch.arange(1.0, found.numel() + 1)).sum().backward()
        assert np.allclose(data(out), found.detach().numpy(), **close)
        assert np.allclose([[one.grad for one in row] for row in inputs], tensor.grad.numpy(), rtol=1e-11, atol=1e-11)
        assert np.allclose(gradients(ours), np.concatenate([theirs.weight.grad, theirs.bias.grad]), **close)
        for name, tensor in theirs.state_dict().items():
            assert np.allclose(ours.state_dict()[name], tensor.numpy(), **close)


# ---- batch norm, dropout, maxout ---------------------------------------------------------------------------------


def test_batch_norm_gives_mean_zero_and_variance_one():
    x = matrix(0, 20, 3) * 7 + 3
    out = np.array(data(nn.BatchNorm(3, eps=0.0)(x)))
    assert np.allclose(out.mean(0), 0, atol=1e-12)
    assert np.allclose(out.var(0), 1, rtol=1e-12)


def test_batch_norm_undoes_itself():
    """With γ = √(D + ε) and β = E it gives back what went in (note 004)."""
    x = matrix(1, 9, 2) * [3.0, 0.2] + [1.0, -4.0]
    norm = nn.BatchNorm(2)
    for place, column in enumerate(x.T):
        norm.weight[place].data = math.sqrt(column.var() + norm.eps)
        norm.bias[place].data = column.mean()
    assert np.allclose(data(norm(x)), x, rtol=1e-12)


def test_batch_norm_in_training_refuses_one_example_and_in_use_takes_it():
    norm = nn.BatchNorm(2)
    for x in ([1.0, 2.0], [[1.0, 2.0]]):
        before = norm.state_dict()
        with pytest.raises(ValueError, match=r"needs two examples or more, got one: call eval\(\)"):
            norm(x)
        with pytest.raises(ValueError, match="two examples"):
            nn.Sequential(nn.Layer(2, 2, rng=0), norm)(x)
        assert alike(norm.state_dict(), before)
    norm.eval()
    assert data(norm([1.0, 2.0])) == pytest.approx([1.0, 2.0], rel=1e-5)


def test_batch_norm_in_use_changes_no_statistics_and_treats_examples_alone():
    norm = trained_norm().eval()
    before, batch = norm.state_dict(), [[1.0, 2.0], [0.0, 7.0]]
    assert norm(batch) == [norm(x) for x in batch]
    assert alike(norm.state_dict(), before)


@pytest.mark.parametrize("momentum", [0.1, 0.75, 1.0])
def test_running_statistics_move_towards_mean_and_unbiased_variance(momentum):
    """By (1 − μ) r + μ s with each batch, the variance divided by n − 1 as PyTorch has it."""
    norm, centre, variance = nn.BatchNorm(2, momentum=momentum), np.zeros(2), np.ones(2)
    for seed, size in enumerate([2, 5, 3]):
        batch = matrix(seed, size, 2) * [3.0, 0.2] + [1.0, -4.0]
        norm(batch)
        centre = (1 - momentum) * centre + momentum * batch.mean(0)
        variance = (1 - momentum) * variance + momentum * batch.var(0, ddof=1)
        assert np.allclose(norm.running_mean, centre, rtol=1e-12)
        assert np.allclose(norm.running_var, variance, rtol=1e-12)
    assert norm.num_batches_tracked == 3


def test_batch_norm_keeps_numbers_not_graphs():
    norm = nn.BatchNorm(1)
    norm([[Value(1.0)], [Value(2.0)]])
    assert all(type(one) is float for one in norm.running_mean + norm.running_var)
    with no_grad():
        norm([[1.0], [2.0]])
    assert norm.num_batches_tracked == 2


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_expected_output(p):
    """In training 0 with probability p, else divided by 1 − p: the mean stays (notes 001, 002)."""
    dropout = nn.Dropout(p, rng=0)
    out = np.array(dropout([[1.0] * 200] * 100))
    assert set(np.round(out.ravel(), 12)) == {0.0, round(1 / (1 - p), 12)}
    deviation = math.sqrt(p * (1 - p) / out.size)
    assert abs((out == 0).mean() - p) < 4 * deviation
    assert abs(out.mean() - 1) < 4 * deviation / (1 - p)
    assert not np.array_equal(out[0], out[1])  # another mask for each example


def test_dropout_hands_gradients_to_what_it_kept():
    x = [Value(1.0) for _ in range(50)]
    out = nn.Dropout(0.5, rng=0)(x)
    m.sum(out).backward()
    assert {one.grad for one in x} == {0.0, 2.0}
    assert [one.grad for one in x] == data(out)


@pytest.mark.parametrize(
    "make", [lambda: nn.Dropout(0.9, rng=0).eval(), lambda: nn.Dropout(0.0, rng=0)], ids=["eval", "p=0"]
)
def test_dropout_that_drops_nothing_is_the_identity(make):
    x = [Value(1.0), 2.0]
    out = make()(x)
    assert out[0] is x[0]
    assert out[1] == 2.0


def test_the_masks_of_a_batch_are_those_of_its_examples_one_after_the_other():
    together, alone = nn.Dropout(0.5, rng=3), nn.Dropout(0.5, rng=3)
    batch = [[1.0] * 5, [2.0] * 5, [3.0] * 2]
    assert together(batch) == [alone(x) for x in batch]
    assert nn.Dropout(0.5, rng=3).mask(12).tolist() == nn.Dropout(0.5, rng=3)([1.0] * 12)


IN_TRAINING = {
    "Dropout": (lambda: nn.Dropout(0.5, rng=0), r"Dropout\(0.5\) in training draws a mask for every batch"),
    "BatchNorm": (lambda: nn.BatchNorm(2), r"BatchNorm\(2\) in training moves its running statistics"),
}


@pytest.mark.parametrize(("make", "message"), IN_TRAINING.values(), ids=IN_TRAINING)
def test_what_differs_from_batch_to_batch_is_not_compiled_unawares(make, message):
    """Nothing is drawn or moved by the refusal; in use it compiles."""
    (module, other), batch = (nn.Sequential(nn.Layer(2, 2, rng=0), make()) for _ in "12"), [[1.0, 2.0], [0.5, -1.0]]

    def f():
        return m.sum([one**2 for out in module(batch) for one in out])

    remedy = r".*: call eval\(\) on the model, or train it with fit\(..., compiled=True\)"
    with pytest.raises(TypeError, match=message + remedy):
        m.compile(f, module.parameters(), example=())
    assert data(module(batch)) == data(other(batch))
    assert alike(module.state_dict(), other.state_dict())
    module.eval()
    assert m.compile(f, module.parameters(), example=()).value() == pytest.approx(f().data)


def test_dropout_by_seed():
    x = [1.0] * 40
    assert nn.Dropout(0.5, rng=3)(x) == nn.Dropout(0.5, rng=3)(x) != nn.Dropout(0.5, rng=4)(x)
    dropout = nn.Dropout(0.5, rng=3)
    assert dropout(x) != dropout(x)


@pytest.mark.parametrize(
    ("slope", "activation"), [(0.0, m.relu), (0.01, m.leaky_relu), (0.3, lambda z: m.leaky_relu(z, 0.3))]
)
def test_maxout_of_two_pieces_is_relu_or_leaky_relu(slope, activation):
    """max(0, z) and max(kz, z), value and gradient (notes 000, 002)."""
    maxout, layer = nn.Maxout(3, 4, pieces=2), nn.Layer(3, 4, activation, rng=0)
    weight, bias = matrix(2, 4, 3), matrix(3, 4)
    maxout.load_state_dict({"weight": [slope * weight, weight], "bias": [slope * bias, bias]})
    layer.load_state_dict({"weight": weight, "bias": bias})
    for x in matrix(4, 10, 3):
        inputs, others = [Value(one) for one in x], [Value(one) for one in x]
        found, expected = maxout(inputs), layer(others)
        some_loss([found]).backward()
        some_loss([expected]).backward()
        assert data(found) == pytest.approx(data(expected), rel=1e-12, abs=1e-12)
        assert [one.grad for one in inputs] == pytest.approx([one.grad for one in others], rel=1e-12, abs=1e-12)


def test_maxout_is_the_largest_of_its_layers():
    maxout = nn.Maxout(3, 2, pieces=3, rng=0)
    x = matrix(5, 6, 3)
    state = maxout.state_dict()
    expected = (x @ state["weight"].transpose(0, 2, 1) + state["bias"][:, None]).max(0)
    assert np.allclose(data(maxout(x)), expected, rtol=1e-12)
    assert state["weight"].shape == (3, 2, 3)


# ---- paths, modes ------------------------------------------------------------------------------------------------


def paths(root):
    return {node.path for node in topological_order(root) if node.primitive}


def test_gates_carry_the_path_of_their_module():
    """The name of the outermost class, then the places as the state names them."""
    assert paths(nn.MLP(2, [3, 1], rng=0)([1.0, 2.0])) == {"MLP.0", "MLP.2"}
    assert paths(nn.Layer(2, 1, rng=0)([1.0, 2.0])[0]) == {"Layer"}
    nested = nn.Sequential(nn.Sequential(nn.Layer(2, 2, rng=0)), nn.BatchNorm(2).eval(), nn.Layer(2, 1, rng=0))
    assert paths(nested([1.0, 2.0])) == {"Sequential.0.0", "Sequential.1", "Sequential.2"}
    assert paths(Residual(2)([1.0, 2.0])[0]) == {
        "Residual", "Residual.inner", "Residual.blocks.0", "Residual.blocks.1",
    }  # fmt: skip


def test_the_path_ends_with_the_module_also_when_it_fails():
    with pytest.raises(TypeError):
        nn.MLP(2, [1])([1.0, "a"])
    assert (Value(1.0) * 2).path is None


@pytest.mark.parametrize(("make", "size"), MODULES.values(), ids=MODULES)
def test_without_recording_the_outputs_are_the_same_numbers(make, size):
    batch = [[0.5, -1.0, 2.0], [1.0, 1.0, -1.0]]
    with no_grad():
        out = make()(batch)
    assert out == make()(batch)
    flat = [one for row in out for one in (row if isinstance(row, list) else [row])]
    assert not any(isinstance(one, Value) and one.operands for one in flat)


# ---- the demonstration of micrograd ------------------------------------------------------------------------------


def two_moons(count, seed):
    """Two half circles that reach into each other, with labels −1 and 1."""
    rng = np.random.default_rng(seed)
    angle = np.pi * np.linspace(0, 1, count // 2)
    upper = np.c_[np.cos(angle), np.sin(angle)]
    points = np.concatenate([upper, [1.0, 0.5] - upper]) + rng.normal(0, 0.1, (count, 2))
    return points, np.repeat([-1, 1], count // 2)


def test_a_program_for_micrograd_learns_two_moons():
    """Its demonstration in its own idiom: lists of Values, hinge loss by hand, descent by hand."""
    points, labels = two_moons(100, seed=1)
    model = nn.MLP(2, [16, 16, 1], rng=1)
    assert len(model.parameters()) == 337
    shuffled = random.Random(1)
    for step in range(40):
        rows = shuffled.sample(range(100), 25)
        inputs = [list(map(Value, points[row])) for row in rows]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(labels[rows], scores, strict=True)]
        penalty = 1e-4 * sum(p * p for p in model.parameters())
        total = sum(losses) * (1.0 / len(losses)) + penalty
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * step / 40) * p.grad
    with no_grad():
        right = [(model(point).data > 0) == (label > 0) for point, label in zip(points, labels, strict=True)]
    assert np.mean(right) >= 0.95


def test_the_parts_of_micrograd_by_its_names():
    neuron = nn.Neuron(2, nonlin=False)
    assert neuron.activation.name == "linear"
    layer = nn.Layer(2, 3, nonlin=True, rng=0)
    assert [len(neuron.w) for neuron in layer.neurons] == [2, 2, 2]
    layer.neurons[0].w[1].data = 7.0
    layer.neurons[0].b.data = 1.0
    assert (layer.weight[0][1].data, layer.bias[0].data) == (7.0, 1.0)
    assert len(layer.parameters()) == 9
    assert nn.Layer(2, 1, "tanh", nonlin=False).activation.name == "linear"
    assert nn.Layer(2, 1, "tanh", nonlin=True).activation.name == "tanh"


# ---- what is refused ---------------------------------------------------------------------------------------------

WHOLE = "must be a whole number ≥ 1, got"
SIZES = {
    "nin": lambda size: nn.Layer(size, 2),
    "nout": lambda size: nn.Layer(2, size),
    "nouts": lambda size: nn.MLP(2, [3, size]),
    "pieces": lambda size: nn.Maxout(2, 2, size),
    "num_features": nn.BatchNorm,
}
BAD_SIZES = [(0, ValueError), (-3, ValueError), (1.5, TypeError), (2.0, TypeError), ("2", TypeError), (None, TypeError)]


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize(("size", "error"), BAD_SIZES, ids=repr)
def test_sizes_are_whole_numbers_from_1(name, size, error):
    with pytest.raises(error, match=rf"{name}.* {WHOLE} {size!r}"):
        SIZES[name](size)


KNOWN = "linear, relu, leaky_relu, elu, softplus, tanh, sigmoid, softsign, hardtanh, step, softmax"
INITIALISERS = "constant, normal, uniform, xavier_uniform, xavier_normal, he_uniform, he_normal"
REFUSED = {
    "nin of Neuron": (lambda: nn.Neuron(0), ValueError, f"nin {WHOLE} 0"),
    "nin of MLP": (lambda: nn.MLP(-1, [1]), ValueError, f"nin {WHOLE} -1"),
    "nin of Maxout": (lambda: nn.Maxout("3", 1, 1), TypeError, f"nin {WHOLE} '3'"),
    "which of nouts": (lambda: nn.MLP(2, [4, 0, 1]), ValueError, rf"nouts\[1\] {WHOLE} 0"),
    "nouts a number": (lambda: nn.MLP(2, 4), TypeError, r"nouts must be a list .* as \[16, 1\], got 4"),
    "nouts text": (lambda: nn.MLP(2, "16"), TypeError, "nouts must be a list of layer sizes, .* got '16'"),
    "nouts empty": (lambda: nn.MLP(2, []), ValueError, "nouts must be a list of layer sizes, .* got an empty one"),
    "activation unknown": (lambda: nn.MLP(2, [1], "gelu"), ValueError, f"activation must be one of {KNOWN}, .* 'gelu'"),
    "activation a number": (lambda: nn.Layer(2, 1, 3), ValueError, f"activation must be one of {KNOWN}, .* got 3"),
    "activation a module": (lambda: nn.Layer(2, 1, nn.PReLU()), TypeError, r"put PReLU\(\) behind its layer"),
    "init unknown": (lambda: nn.Layer(2, 1, init="zeros"), ValueError, f"init must be .* {INITIALISERS}, .* 'zeros'"),
    "init a number": (lambda: nn.MLP(2, [1], init=0.1), ValueError, f"init must be one of {INITIALISERS}, .* got 0.1"),
    "init transposed": (
        lambda: nn.Layer(2, 3, init=lambda rng, nin, nout: rng.normal(size=(nin, nout))), ValueError,
        r"init must give an array of 3 rows of 2 weights, got \(2, 3\)",
    ),
    "init a list": (
        lambda: nn.Layer(2, 3, init=lambda rng, nin, nout: [[0.0] * nin] * nout), ValueError,
        "init must give an array of 3 rows of 2 weights, got list",
    ),
    "rng text": (lambda: nn.Layer(2, 1, rng="x"), TypeError, "rng must be a numpy.random.Generator, .* got 'x'"),
    "rng negative": (lambda: nn.Dropout(0.5, rng=-1), TypeError, "rng must be .* a whole number ≥ 0 or None, got -1"),
    "rng a fraction": (lambda: nn.MLP(2, [1], rng=1.5), TypeError, "rng must be .* got 1.5"),
    "fused a number": (lambda: nn.Layer(2, 1, fused=1), ValueError, "fused must be True or False, got 1"),
    "nonlin text": (lambda: nn.Neuron(2, nonlin="no"), ValueError, "nonlin must be True or False, got 'no'"),
    "p of 1": (lambda: nn.Dropout(1.0), ValueError, r"p must be a number in \[0, 1\), got 1.0"),
    "p negative": (lambda: nn.Dropout(-0.1), ValueError, r"p must be a number in \[0, 1\), got -0.1"),
    "p nan": (lambda: nn.Dropout(math.nan), ValueError, r"p must be a number in \[0, 1\), got nan"),
    "p text": (lambda: nn.Dropout("half"), TypeError, r"p must be a number in \[0, 1\), got 'half'"),
    "eps negative": (lambda: nn.BatchNorm(2, eps=-1.0), ValueError, "eps must be a finite number ≥ 0, got -1.0"),
    "momentum inf": (lambda: nn.BatchNorm(2, momentum=math.inf), ValueError, "momentum must be .* got inf"),
    "slope text": (lambda: nn.PReLU("a"), TypeError, "expected a number or a Value, got str 'a'"),
    "a function in a row": (lambda: nn.Sequential(nn.PReLU(), m.relu), TypeError, "takes modules, argument 1 is"),
    "a list in a row": (lambda: nn.Sequential([nn.PReLU()]), TypeError, r"argument 0 is \[PReLU\(\)\]"),
    "too few numbers": (lambda: nn.Layer(3, 2)([1.0, 2.0]), ValueError, r"Layer\(3, 2.*\) takes 3 numbers .*, got 2"),
    "too many numbers": (lambda: nn.MLP(3, [2])([1.0] * 4), ValueError, r"MLP\(3, \[2\]\) takes 3 numbers .*, got 4"),
    "a number for three": (lambda: nn.Neuron(3)(1.0), ValueError, "takes 3 numbers for one example, got 1"),
    "in one of a batch": (lambda: nn.Maxout(2, 1, 2)([[1.0, 2.0], [1.0]]), ValueError, "takes 2 numbers .*, got 1"),
    "inside a row": (
        lambda: nn.Sequential(nn.Layer(2, 3), nn.Layer(2, 1))([1.0, 2.0]), ValueError, r"Layer\(2, 1.* takes 2 .* 3",
    ),
    "for batch norm": (lambda: nn.BatchNorm(2)([[1.0], [2.0]]), ValueError, r"BatchNorm\(2\) takes 2 numbers"),
    "no numbers": (lambda: nn.MLP(2, [1])([]), ValueError, "at least one number, .* at least one example: got an"),
    "an empty array": (lambda: nn.Activation("relu")(np.zeros((0, 2))), ValueError, "got an empty list"),
    "numbers and lists": (lambda: nn.MLP(2, [1])([[1.0, 2.0], 3.0]), ValueError, "got numbers and lists in one list"),
    "text": (lambda: nn.MLP(2, [1])("ab"), TypeError, "expected a number or a Value, got str 'ab'"),
    "text inside": (lambda: nn.MLP(2, [1])(["a", "b"]), TypeError, "expected a number or a Value, got str 'a'"),
    "text in a batch": (lambda: nn.MLP(2, [1])([[1.0, "b"]]), TypeError, "expected a number or a Value, got str 'b'"),
    "None": (lambda: nn.MLP(2, [1])(None), TypeError, "expected a number or a Value, got NoneType None"),
    "a dict": (lambda: nn.MLP(2, [1])({1: 2.0}), TypeError, "expected a number or a Value, got dict"),
    "complex": (lambda: nn.MLP(2, [1])([1j, 2.0]), TypeError, "complex numbers are not supported"),
    "three deep": (lambda: nn.MLP(2, [1])([[[1.0, 2.0], [3.0, 4.0]]]), TypeError, "expected a number .*, got list"),
    "no forward": (lambda: nn.Module()(1.0), NotImplementedError, "Module must define forward"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_numpy_counts_with_is_a_size():
    assert repr(nn.MLP(np.int64(2), np.array([3, 1]))) == "MLP(2, [3, 1])"
    assert repr(nn.Maxout(np.int8(2), 3, np.uint8(2))) == "Maxout(2, 3, pieces=2)"


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Neuron(2), "Neuron(2, activation='relu')"),
        (nn.Layer(2, 3, "tanh"), "Layer(2, 3, activation='tanh')"),
        (nn.PReLU(), "PReLU()"),
        (nn.Dropout(0.3), "Dropout(0.3)"),
        (nn.Sequential(nn.Activation("relu"), nn.BatchNorm(2)), "Sequential(Activation('relu'), BatchNorm(2))"),
    ],
    ids=str,
)
def test_a_module_shows_how_it_was_made(module, text):
    assert repr(module) == text


# ---- modules as people write them -------------------------------------------------------------------------------


class Habits(nn.Module):
    """Layers appended to a list, one of them used twice, and activations kept for later."""

    def __init__(self):
        self.blocks = []
        for seed in range(2):
            self.blocks.append(nn.Layer(2, 2, activation="tanh", rng=seed))
        self.first = self.blocks[0]

    def forward(self, x):
        self.seen = x
        for block in self.blocks:
            x = self.kept = block(x)
        return x


def test_what_a_module_keeps_of_its_computations_is_no_parameter():
    model = Habits()
    names = [name for name, _ in model.named_parameters()]
    penalty = nn.l2(model, 1.0).data
    with no_grad():
        model([0.5, -1.0])
    model([0.5, -1.0])
    assert [name for name, _ in model.named_parameters()] == names
    assert list(model.state_dict()) == ["blocks.0.weight", "blocks.0.bias", "blocks.1.weight", "blocks.1.bias"]
    assert nn.l2(model, 1.0).data == penalty


def test_gates_carry_the_name_under_which_the_module_was_called():
    model = Habits()
    paths = {gate.path for gate in topological_order(*model([0.5, -1.0])) if gate.primitive}
    assert len(paths) == 2
    assert "Habits.blocks.1" in paths
    assert {leaf.path for leaf in model.parameters()} == {""}


@pytest.mark.parametrize("kind", OUT_OF_SIGHT)
def test_parameters_where_they_would_not_be_found_are_refused(kind):
    with pytest.raises(TypeError, match="odd: parameters and modules are looked for in attributes, lists and"):
        nn.Module().odd = OUT_OF_SIGHT[kind]()


def test_a_constant_among_the_parameters_stays_and_is_not_counted():
    model = nn.Module()
    model.w = [Value(1.0), 0.5]
    assert model.summary().parameters == len(model.parameters()) == 1
    assert nn.l1(model, 2.0).data == 2.0
    model.load_state_dict({"w": [3.0, 9.0]})
    assert [model.w[0].data, model.w[1]] == [3.0, 0.5]


def test_forward_takes_one_example_in_every_module():
    for module in (nn.Layer(2, 3), nn.Neuron(2), nn.Maxout(2, 3, pieces=2), nn.Dropout(0.0), nn.MLP(2, [3, 1])):
        assert isinstance(module.forward([1.0, 2.0]), list)


def test_tables_are_read_by_their_numbers():
    class Frame:
        """Iterates over its columns, as a table of pandas does."""

        def __iter__(self):
            return iter(["a", "b"])

        def __array__(self, dtype=None, copy=None):
            return np.array([[1.0, 2.0], [3.0, 4.0]])

    layer = nn.Layer(2, 1, rng=0)
    assert [y.data for [y] in layer(Frame())] == [y.data for [y] in layer([[1.0, 2.0], [3.0, 4.0]])]
    with pytest.raises(TypeError, match="expected a number or a Value, got set"):
        layer({1.0, 2.0})


def test_a_momentum_above_1_is_refused_by_batch_norm():
    with pytest.raises(ValueError, match=r"momentum of BatchNorm must be a number in \[0, 1\], got 2"):
        nn.BatchNorm(1, momentum=2)

"""Modules: shapes, parameters, state, and every layer against PyTorch or a formula; what is refused, in one table."""

import copy
import itertools
import math
import operator
import pickle
import sys
from collections import ChainMap, UserDict, UserList, deque
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import microgradnn as m
from microgradnn import Value, nn, no_grad
from microgradnn.graph import topological_order
from microgradnn.nn.activations import ACTIVATIONS
from microgradnn.nn.parameters import data_of

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


@pytest.mark.sampled(3)
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


@pytest.mark.sampled(3)
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
    "list_iterator": lambda: iter([Value(1.0)]),
    "list_reverseiterator": lambda: reversed([Value(1.0)]),
    "chain": lambda: itertools.chain([Value(1.0)], [Value(2.0)]),
    "iterator in a list": lambda: [iter([Value(1.0)])],
    "UserList": lambda: UserList([Value(1.0)]),
    "UserDict": lambda: UserDict(a=Value(1.0)),
    "ChainMap": lambda: ChainMap({"a": Value(1.0)}),
    "mappingproxy": lambda: MappingProxyType({"a": [Value(1.0)]}),
    "SimpleNamespace": lambda: SimpleNamespace(w=Value(1.0)),
    "SimpleNamespace of modules": lambda: SimpleNamespace(parts=[nn.Dropout()]),
    "Holder": lambda: Holder(Value(1.0)),
    "Slotted": lambda: Slotted([Value(1.0)]),
    "keys": lambda: {Value(1.0): "a"},
    "partial": lambda: partial(print, Value(1.0)),
    "a method of another module": lambda: nn.PReLU().forward,
}


class Holder:
    def __init__(self, held):
        self.held = held


class Slotted:
    __slots__ = ("held",)

    def __init__(self, held):
        self.held = held


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


def test_a_step_by_hand_that_would_lose_the_parameter_is_told_the_right_one():
    module = nn.PReLU()
    with pytest.raises(TypeError, match=r"to move one, p\.data -= 0\.1 \* p\.grad"):
        module.weight = [w - 0.1 * w for w in module.weight]


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


def filled():
    """A module that has run, and what it has to grow."""
    module = nn.Sequential(nn.Layer(2, 1, rng=0))
    module.names, module.some, module.row, module.rows = {}, set(), deque(), []
    module([1.0, 2.0])
    return module


@pytest.mark.parametrize(
    "fill",
    [
        lambda module: module.names.update(a=Value(1.0)),
        lambda module: module.names.update({Value(1.0): 1.0}),
        lambda module: module.names.update(a=Value(1.0) * 2.0),
        lambda module: module.some.add(Value(1.0)),
        lambda module: module.some.add(nn.Dropout()),
        lambda module: module.row.append([Value(1.0)]),
        lambda module: module.rows.append({"a": Value(1.0)}),
        lambda module: module.rows.append({Value(1.0)}),
        lambda module: module.rows.append(map(Value, [1.0])),
    ],
)
def test_what_comes_out_of_sight_after_the_module_ran_is_refused_too(fill):
    module = filled()
    assert len(module.parameters()) == 3
    fill(module)
    for reading in (module.parameters, module.state_dict, module.zero_grad):
        with pytest.raises(TypeError, match=r"self\.\w+: parameters and modules are looked for in .*keeps an input"):
            reading()


def test_computations_may_be_kept_in_any_container_and_parameters_found_elsewhere():
    module = filled()
    out = module([1.0, 2.0])
    module.names["out"], module.optimizer = [out], m.optim.Adam(module.parameters())
    module.row.append(out)
    module.own, module.method = SimpleNamespace(model=module, layer=module.layers[0]), module.forward
    assert len(module.parameters()) == 3


@pytest.mark.parametrize(
    "numbers", [0.0, 1, np.float32(2), np.zeros((2, 2)), [[1.0, 2.0], [3.0, 4.0]], [0.5], False], ids=repr
)
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_numbers_in_the_place_of_parameters_are_refused(name, numbers):
    layer = nn.Layer(2, 2, rng=0)
    before = layer.parameters()
    with pytest.raises(TypeError, match=rf"self.{name} holds parameters of Layer, which would be lost.*strict=False"):
        setattr(layer, name, numbers)
    assert layer.parameters() == before


def test_parameters_may_be_taken_away_or_be_others():
    layer = nn.Layer(2, 2, rng=0)
    layer.bias = None
    layer.weight = [[Value(1.0), 0.0], [0.0, Value(1.0)]]
    assert len(layer.parameters()) == 2
    layer.load_state_dict({"weight": [[5.0, 0.0], [0.0, 6.0]]}, strict=False)
    assert [p.data for p in layer.parameters()] == [5.0, 6.0]
    layer.weight = []
    layer.weight = 3.0  # in place of no parameters


def test_values_and_modules_in_the_body_of_a_class_are_refused():
    for held in (Value(1.0), [Value(1.0)], nn.Dropout(), {"a": nn.Dropout()}):
        with pytest.raises(TypeError, match=r"Net\.w: .*not in its class: assign self\.w in __init__"):
            type("Net", (nn.Module,), {"w": held})
    assert type("Net", (nn.Module,), {"w": nn.Layer, "sizes": [1, 2]})().w is nn.Layer


def test_a_buffer_holds_numbers():
    class Averaging(nn.Module):
        buffers = ("running",)

    module = Averaging()
    for wrong in (Value(1.0), Value(1.0) * 2.0, [[0.0, Value(1.0)]], np.array([Value(1.0)])):
        with pytest.raises(TypeError, match=r"self\.running is a buffer.*test_nn.py, line \d+: .*use its \.data"):
            module.running = wrong
    for wrong in (None, {"a": 1.0}, "1"):
        with pytest.raises(TypeError, match=r"self\.running is a buffer, and holds a number or lists of numbers"):
            module.running = wrong
    for held in (2, 0.5, [[1.0, 2.0]], np.ones((2, 1)), np.float32(0.5)):
        module.running = held
        module.load_state_dict(module.state_dict())
        assert type(module.running) is type(held)
        assert np.array_equal(module.running, held)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"0.num_batches_tracked": 2.7}, "0.num_batches_tracked must hold whole numbers, got 2.7"),
        ({"0.num_batches_tracked": math.inf}, "0.num_batches_tracked must hold whole numbers, got inf"),
        ({"0.running_mean": [1.0, 2.0], "0.running_var": [1.0, -1.0]}, r"0.running_var must be ≥ 0, got array"),
    ],
)
def test_a_buffer_takes_no_numbers_that_it_cannot_use(state, message):
    model = nn.Sequential(nn.BatchNorm(2))
    with pytest.raises(ValueError, match=message):
        model.load_state_dict(state, strict=False)
    assert model.layers[0].running_mean == [0.0, 0.0]
    model.load_state_dict({"0.num_batches_tracked": 2.0, "0.running_var": [0.0, 1.0]}, strict=False)
    assert (model.layers[0].num_batches_tracked, model.layers[0].running_var) == (2, [0.0, 1.0])


def test_a_list_of_whole_numbers_as_a_buffer_takes_others():
    module = type("Counting", (nn.Module,), {"buffers": ("seen",)})()
    module.seen = [0, 0]
    module.load_state_dict({"seen": [0.5, 1.0]})
    assert module.seen == [0.5, 1.0]


def test_a_state_that_does_not_fit_is_told_by_a_few_whole_names():
    with pytest.raises(ValueError, match=r"missing 0.weight, 0.bias, 2.weight and 7 more, unknown 1$"):
        nn.MLP(1, [1] * 5).load_state_dict({1: 0.0})


@pytest.mark.parametrize("kind", [nn.MLP, nn.Sequential])
def test_a_network_that_was_never_begun_says_so(kind):
    class Net(kind):
        def __init__(self):
            self.head = nn.Layer(1, 1)

    net = Net()
    assert "(" in repr(net)
    with pytest.raises(TypeError, match=r"Net has no layers: call super\(\).__init__\(...\) in its __init__"):
        net([1.0])
    assert nn.Sequential()([1.0]) == 1.0


def test_what_is_no_module_among_layers_is_refused():
    model = nn.MLP(1, [1])
    model.layers.append("a")
    for ask in (lambda: model([1.0]), model.state_dict, lambda: nn.Sequential(nn.PReLU(), "a")):
        with pytest.raises(TypeError, match="Sequential takes modules, layer 1 is 'a'"):
            ask()


@pytest.mark.parametrize(
    ("nouts", "error", "message"),
    [
        ([3, 1.5], TypeError, r"nouts\[1\] must be a whole number ≥ 1, got 1.5"),
        ([0], ValueError, r"nouts\[0\] must be"),
        (3, TypeError, "nouts must be a list"), ([], ValueError, "nouts must be a list"),
        ({3: 1}, TypeError, "nouts must be a list"), (b"ab", TypeError, "nouts must be a list"),
        ({3, 1}, TypeError, "nouts must be a list"), ("31", TypeError, "nouts must be a list"),
    ],
)  # fmt: skip
def test_sizes_of_layers_are_a_list_of_whole_numbers(nouts, error, message):
    with pytest.raises(error, match=message):
        nn.MLP(2, nouts)
    for fine in ((3, 1), iter([3, 1]), np.array([3, 1])):
        assert nn.MLP(2, fine).nouts == [3, 1]


def test_modules_in_a_dict_are_inside():
    module = nn.Module()
    module.parts = {"first": nn.Layer(2, 1, rng=0), "rest": [nn.Dropout(), nn.PReLU()]}
    assert [name for name, _ in module.named_children()] == ["parts.first", "parts.rest.0", "parts.rest.1"]
    assert len(module.parameters()) == 4


@pytest.mark.parametrize(
    "around",
    [
        lambda layer: [0.5, layer], lambda layer: (0.5, layer), lambda layer: [[math.inf, layer]],
        lambda layer: {"a": (layer, 0.5, nn.PReLU())}, lambda layer: [("skip", 0.5, [np.float64(0.5), {"b": layer}])],
        lambda layer: [0.5] * 1000 + [layer],
    ],
)  # fmt: skip
def test_modules_behind_numbers_are_inside(around):
    module, layer = nn.Module(), nn.Layer(2, 2, rng=0)
    module.block = around(layer)
    assert layer in [*module.children()]
    assert {*layer.parameters()} <= {*module.parameters()}
    assert len(module.state_dict()) == len([*module.children()]) + 1
    module.eval()
    assert not layer.training


def test_modules_behind_what_was_computed_are_inside():
    module, layer = nn.Module(), nn.Layer(1, 1, rng=0)
    module.forward = lambda x: setattr(module, "last", [(layer(x)[0], layer)]) or module.last[0][0]
    module.layer = layer
    module([1.0])
    assert [name for name, _ in module._inside()] == ["layer", "last.0.1"]


@pytest.mark.parametrize(
    "parts", [lambda: {1: nn.Layer(1, 1), "1": nn.Layer(1, 1)}, lambda: {"a.b": nn.PReLU(), "a": {"b": nn.PReLU()}}]
)
def test_a_name_that_comes_twice_in_the_state_is_refused(parts, tmp_path):
    model = nn.Module()
    model.parts = parts()
    for ask in (model.state_dict, lambda: model.save(tmp_path / "w.safetensors"), lambda: [*model.named_parameters()]):
        with pytest.raises(
            ValueError,
            match=r"two tensors in the state of Module\(\) are called parts\.(1|a\.b)\.weight: give one another name",
        ):
            ask()
    model.parts = dict.fromkeys((1, "1"), nn.PReLU())  # one module, held twice
    assert [*model.state_dict()] == ["parts.1.weight"]


@pytest.mark.parametrize("constant", [None, "a", [1.0, 2.0]])
def test_what_an_array_does_not_hold_is_no_state(constant, tmp_path):
    model = nn.Module()
    model.row = [Value(1.0), constant]
    for ask in (
        model.state_dict,
        lambda: model.save(tmp_path / "w.safetensors"),
        lambda: model.load_state_dict({"row": [1, 2]}),
    ):
        with pytest.raises(ValueError, match="row must be an array of numbers, in rows of equal length, got"):
            ask()


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


def test_what_is_computed_without_recording_and_outside_of_modules_is_refused_in_a_list_that_grew():
    module = filled()
    with no_grad():
        module.rows.append(Value(1.0) * 2.0)
    with pytest.raises(TypeError, match=r"self\.rows: .* is the result of a gate, without recording"):
        module.parameters()


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


class Late(nn.Module):
    """A module that makes something when it runs for the first time."""

    def __init__(self, make):
        self.make, self.late = make, None

    def forward(self, x):
        if self.late is None:
            self.late = self.make(x)
        return x


@pytest.mark.parametrize("make", [lambda x: nn.Layer(2, 1), lambda x: nn.PReLU(), lambda x: nn.Dropout()])
def test_a_module_that_is_made_while_one_runs_is_refused(make):
    with pytest.raises(TypeError, match=r"make .*in __init__, not in .*test_nn.py, line \d+: .*"):
        Late(make)([1.0, 2.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda x: Value(0.5),
        lambda x: [Value(0.5) for _ in x],
        lambda x: {"a": [Value(0.5)]},
        lambda x: [x[0], Value(0.5)],
        lambda x: SimpleNamespace(w=Value(0.5)),
    ],
)
def test_a_parameter_that_is_made_while_a_module_runs_is_refused(make):
    module = nn.Sequential(Late(make))
    with pytest.raises(
        TypeError, match=r"self\.late of Late: a Value that is made .*__init__, not in .*test_nn.py, line"
    ):
        module([Value(1.0), Value(2.0)])
    assert module.layers[0].late is None


def test_inputs_are_kept_by_modules_inside_each_other():
    """Also what an outer module made of its own and handed on."""

    class Outer(nn.Module):
        def __init__(self):
            self.inner = Late(lambda x: [*x])

        def forward(self, x):
            return self.inner([Value(one) for one in x])

    for module in (Outer(), nn.Sequential(Late(lambda x: {"x": x}))):
        module([1.0, 2.0])
    model = nn.Sequential(Late(lambda x: (x, x[0] * 2.0)))
    model([Value(1.0), 2.0])
    assert model.parameters() == []


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
    assert len(paths) == 4  # of two layers of two neurons
    assert "Habits.blocks.1[0]" in paths
    assert {leaf.path for leaf in model.parameters()} == {""}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("kind", OUT_OF_SIGHT)
def test_parameters_where_they_would_not_be_found_are_refused(kind):
    with pytest.raises(TypeError, match="odd: parameters and modules are looked for in attributes and lists there"):
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


@pytest.mark.parametrize(
    ("base", "settings"),
    [
        (nn.Linear, (2, 1)), (nn.Sequential, (nn.Linear(2, 1, rng=1),)), (nn.MLP, (2, [1])), (nn.Neuron, (2,)),
        (nn.Dropout, (0.0,)), (nn.Maxout, (2, 1, 2)),
    ],
)  # fmt: skip
def test_a_forward_of_a_subclass_is_called(base, settings):
    """Also where the module that it is made of works on whole batches: `super().forward` is that of one example."""

    class Shifted(base):
        def forward(self, x):
            return [y + 5.0 for y in super().forward(x)]

    class Again(Shifted):
        pass

    shifted, plain, batch = Again(*settings), base(*settings), [[1.0, 2.0], [3.0, -1.0]]
    plain.load_state_dict(shifted.state_dict())
    expected = [[y + 5.0 for y in out] for out in plain.run(batch)]
    for model in (shifted, nn.Sequential(shifted)):
        assert data_of(model.run(batch)) == data_of(expected)


@pytest.mark.parametrize("base", [nn.Layer, nn.Linear, nn.Module])
def test_a_call_of_the_users_own_is_called_in_a_row(base):
    """As those are called that are written for micrograd."""

    class Own(base):
        def __call__(self, x):
            return [sum(x), 7.0]

    model = nn.Sequential(Own(*[2] * (2 if base is not nn.Module else 0)))
    assert model([1.0, 2.0]) == [3.0, 7.0]
    assert model([[1.0, 2.0], [3.0, 4.0]]) == [[3.0, 7.0], [7.0, 7.0]]


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


def test_a_module_that_comes_into_a_list_of_parameters_is_refused_also_after_a_run():
    class Mixed(nn.Module):
        def __init__(self):
            self.w = [Value(1.0)]

        def forward(self, x):
            return [self.w[0] * x[0]]

    module = Mixed()
    module([1.0])
    module.w.append(nn.Layer(1, 1))
    with pytest.raises(TypeError, match="parameters and modules in one list"):
        module.parameters()


def test_a_module_that_is_held_twice_has_its_first_name():
    layer = nn.Layer(1, 1, rng=0)
    out = nn.Sequential(layer, layer)([Value(1.0)])
    assert out.path == "Sequential.0[0]"


@pytest.mark.parametrize("recorded", [True, False])
def test_a_call_does_not_walk_the_weights(recorded):
    """But for the computing it makes as many function calls for a layer of 16 weights as for one of 1,600."""

    class Idle(nn.Layer):
        def forward_batch(self, batch):
            return batch

    def calls(size):
        layer, events, ours = Idle(size, size, rng=0), [], str(Path(nn.__file__).parent.parent)
        with nullcontext() if recorded else no_grad():
            layer([0.0] * size)
            sys.setprofile(lambda frame, event, arg: frame.f_code.co_filename.startswith(ours) and events.append(event))
            layer.run([[0.0] * size])
            sys.setprofile(None)
        return len(events)

    assert 0 < calls(4) == calls(40)


# ---- names of parameters ------------------------------------------------------------------------------------------


def given_names(model):
    return [parameter.name for parameter in model.parameters()]


def test_parameters_are_named_after_their_places_when_the_module_first_runs():
    model = nn.MLP(2, [3, 1])
    assert given_names(model) == [None] * 13
    model([1.0, 2.0])
    assert parameters_by_name(model) == {parameter.name: parameter for parameter in model.parameters()}
    assert repr(model.parameters()[1]).endswith(", name='0.weight[0][1]')")


def test_a_name_of_the_users_stays():
    model = nn.MLP(2, [1])
    model.layers[0].weight[0][0].name = "mine"
    model([1.0, 2.0])
    assert given_names(model) == ["mine", "0.weight[0][1]", "0.bias[0]"]
    model.parameters()[1].name, model.parameters()[2].name = None, "bias"
    model([1.0, 2.0])
    assert given_names(model) == ["mine", None, "bias"]
    nn.Sequential(model)([1.0, 2.0])
    assert given_names(model) == ["mine", "0.0.weight[0][1]", "bias"]  # what has no name is given one


def test_the_module_outermost_gives_the_names_and_a_parameter_held_twice_has_its_first_one():
    layer = nn.Layer(2, 2)
    layer([1.0, 2.0])
    assert given_names(layer)[:2] == ["weight[0][0]", "weight[0][1]"]
    model = nn.Sequential(layer, layer)
    model([1.0, 2.0])
    assert given_names(model) == [name for name, _ in model.named_parameters()]
    layer.neurons[0]([1.0, 2.0])  # a neuron calls them w and b
    assert given_names(layer)[0] == "0.weight[0][0]"


def test_names_are_in_copies_pickles_and_graphs_that_outlive_the_model_and_not_in_the_state():
    model = nn.MLP(2, [2, 1], rng=0)
    out = model([1.0, 2.0])
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert given_names(copied) == given_names(model)
        nn.Sequential(copied)([1.0, 2.0])
        assert given_names(copied)[0] == "0.0.weight[0][0]"
    fresh = nn.MLP(2, [2, 1], rng=1)
    fresh.load_state_dict(model.state_dict())
    assert given_names(fresh) == [None] * 9
    del model
    assert "0.weight[1][1]" in m.steps(out).names.values()


def test_a_module_that_is_compiled_first_names_its_parameters_as_well():
    model = nn.MLP(2, [2, 1], rng=0)
    program = m.compile(model, model.parameters(), example=([1.0, 2.0],))
    assert program.value([[1.0, 2.0]]) == pytest.approx(nn.MLP(2, [2, 1], rng=0)([1.0, 2.0]).data)
    assert given_names(model) == [name for name, _ in model.named_parameters()]


def test_a_slice_of_a_row_may_be_taken_while_a_module_runs():
    class Upto(nn.Module):
        def __init__(self):
            self.blocks = nn.ModuleList([nn.Linear(2, 2, rng=0), nn.Tanh(), nn.Linear(2, 1, rng=1)])

        def forward(self, x):
            for block in self.blocks[:2]:
                x = block(x)
            return self.blocks[2:](x)

    model = Upto()
    by_hand = nn.Sequential(*model.blocks)
    assert [model([1.0, 2.0]).data, len(model.parameters())] == [by_hand([1.0, 2.0]).data, 9]
    assert len(model.blocks[3:]) == 0


@pytest.mark.parametrize("given", [(0.3,), ("sum", 0.3), (None, 0.3)])
def test_losses_as_objects_take_settings_by_name(given):
    with pytest.raises(TypeError, match=r"HuberLoss takes settings by name, reduction, delta: got "):
        nn.HuberLoss(*given)


@pytest.mark.parametrize("move", [operator.isub, operator.iadd, operator.imul, operator.itruediv])
def test_a_parameter_is_not_moved_by_what_makes_another_value(move):
    weight = nn.Neuron(1, rng=0).w[0]
    with no_grad():
        with pytest.raises(TypeError, match=r"leaves the parameter .* p\.data -= 0\.1 \* p\.grad"):
            move(weight, 0.5)
        assert move(Value(2.0), 0.5).path == move(weight * 1, 0.5).path == "no_grad"
    assert move(weight, 0.5).operands == (weight, 0.5)

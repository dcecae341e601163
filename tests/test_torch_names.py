"""PyTorch's names: each against PyTorch over a hundred steps, defaults, rows of modules, looks, what is refused."""

import copy
import inspect
import math
import pickle

import numpy as np
import pytest

import microgradnn as m
import microgradnn.nn.functional as F  # noqa: N812  as PyTorch's users call it
from microgradnn import Value, fit, nn, optim
from microgradnn.nn.losses import LOSSES

X = np.random.default_rng(0).normal(size=(6, 2))
NUMBERS = np.random.default_rng(1).normal(size=(6, 3))
SHARES = np.random.default_rng(2).dirichlet(np.ones(3), 6)
LABELS = [0, 2, 1, 1, 0, 2]

# The name, settings, and how close; PyTorch's softplus is x from 20 on, where it is 2e-9 above.
ACTIVATIONS = [
    ("ReLU", {}), ("ReLU", {"inplace": True}), ("Tanh", {}), ("Sigmoid", {}), ("Softsign", {}), ("Hardtanh", {}),
    ("Identity", {}), ("LeakyReLU", {}), ("LeakyReLU", {"negative_slope": 0.3}), ("ELU", {}), ("ELU", {"alpha": 0.5}),
    ("Softplus", {}), ("Softplus", {"beta": 3.0}), ("GELU", {}), ("SiLU", {}), ("Softmax", {"dim": -1}),
    ("Softmax", {"dim": 1}), ("LogSoftmax", {"dim": 1}),
]  # fmt: skip
# The name, settings, targets, and what stands between the layers and the loss.
CRITERIA = [
    ("MSELoss", {}, NUMBERS, []), ("MSELoss", {"reduction": "sum"}, NUMBERS, []), ("L1Loss", {}, NUMBERS, []),
    ("HuberLoss", {}, NUMBERS, []), ("HuberLoss", {"delta": 0.3}, NUMBERS, []), ("SmoothL1Loss", {}, NUMBERS, []),
    ("SmoothL1Loss", {"beta": 0.3}, NUMBERS, []), ("BCELoss", {}, SHARES, ["Sigmoid"]),
    ("BCEWithLogitsLoss", {}, SHARES, []), ("BCEWithLogitsLoss", {"pos_weight": [1.0, 2.0, 3.0]}, SHARES, []),
    ("KLDivLoss", {}, SHARES, ["LogSoftmax"]), ("KLDivLoss", {"reduction": "batchmean"}, SHARES, ["LogSoftmax"]),
    ("NLLLoss", {}, LABELS, ["LogSoftmax"]), ("NLLLoss", {"weight": [1.0, 2.0, 3.0]}, LABELS, ["LogSoftmax"]),
    ("CrossEntropyLoss", {}, LABELS, []), ("CrossEntropyLoss", {}, SHARES, []),
    ("CrossEntropyLoss", {"weight": [1.0, 2.0, 3.0], "label_smoothing": 0.2, "ignore_index": 1}, LABELS, []),
]  # fmt: skip
RULES = {  # settings that are the same in both
    "SGD": {"lr": 0.1, "momentum": 0.9}, "Adagrad": {"lr": 0.1}, "RMSprop": {"lr": 0.01}, "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01},
}  # fmt: skip


def named(cases):
    """The cases with ids such as `LeakyReLU negative_slope`."""
    return [pytest.param(*case, id=" ".join([case[0], *case[1]])) for case in cases]


def both(torch, *parts):
    """The same network in PyTorch and here, from rows of a name and its settings, or of two sizes, with its weights."""
    theirs, ours = (
        of.Sequential(*(getattr(of, name)(*sizes, **settings) for name, sizes, settings in parts))
        for of in (torch.nn, nn)
    )
    theirs.double()
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    return theirs, ours


def check_training(torch, parts, criteria, targets, rules, compiled=False, steps=100):
    """Losses of so many steps and the parameters at their end are PyTorch's to 1e-12."""
    torch.manual_seed(0)
    theirs, ours = both(torch, *parts)
    optimizer, found, expected = rules[0](theirs.parameters()), [], []
    inputs, labels = torch.tensor(X), torch.tensor(targets)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criteria[0](theirs(inputs), labels)
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    optimizer = rules[1](ours.parameters())
    if compiled:
        kinds = {"epochs": steps, "progress": False, "compiled": True}
        found = fit(ours, criteria[1], X, np.array(targets), optimizer, **kinds).loss
    for _ in range(0 if compiled else steps):
        optimizer.zero_grad()
        loss = criteria[1](ours(X), targets)
        loss.backward()
        optimizer.step()
        found.append(loss.data)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    for name, array in theirs.state_dict().items():
        assert ours.state_dict()[name] == pytest.approx(array.numpy(), rel=1e-12, abs=1e-12)


def descent(of):
    return lambda parameters: of.SGD(parameters, 0.1, 0.9)


IN, OUT = ("Linear", (2, 4), {}), ("Linear", (4, 3), {})


@pytest.mark.torch
@pytest.mark.parametrize(("name", "settings"), named(ACTIVATIONS))
def test_networks_with_every_activation_train_as_in_torch(name, settings):
    import torch

    parts = [IN, (name, (), settings), ("Linear", (4, 3), {"bias": False})]
    check_training(torch, parts, (torch.nn.MSELoss(), nn.MSELoss()), NUMBERS, (descent(torch.optim), descent(optim)))


def criteria(torch, name, settings):
    tensors = {key: torch.tensor(x) if isinstance(x, list) else x for key, x in settings.items()}
    return getattr(torch.nn, name)(**tensors).double(), getattr(nn, name)(**settings)


def before_loss(names):
    return [(name, (), {"dim": 1} if name == "LogSoftmax" else {}) for name in names]


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.torch
@pytest.mark.parametrize(("name", "settings", "targets", "last"), named(CRITERIA))
def test_every_loss_trains_as_in_torch(name, settings, targets, last):
    import torch

    parts = [IN, ("Tanh", (), {}), OUT, *before_loss(last)]
    slow = [lambda parameters, of=of: of.SGD(parameters, 0.01) for of in (torch.optim, optim)]
    check_training(torch, parts, criteria(torch, name, settings), targets, slow)


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.torch
@pytest.mark.parametrize(
    "case", [case for case in CRITERIA if case[0] in ("HuberLoss", "KLDivLoss", "CrossEntropyLoss")], ids=str
)
def test_losses_train_as_in_torch_compiled(case):
    """A program of the whole batch: what reduces otherwise than to a mean of the examples does so there, too."""
    import torch

    name, settings, targets, last = case
    parts = [IN, ("LeakyReLU", (), {"negative_slope": 0.2}), OUT, *before_loss(last)]
    slow = [lambda parameters, of=of: of.SGD(parameters, 0.01) for of in (torch.optim, optim)]
    check_training(torch, parts, criteria(torch, name, settings), targets, slow, compiled=True)


@pytest.mark.torch
@pytest.mark.parametrize(("name", "settings"), RULES.items())
@pytest.mark.parametrize("compiled", [False, True])
def test_every_rule_trains_as_in_torch(name, settings, compiled):
    import torch

    rules = [lambda parameters, of=of: getattr(of, name)(parameters, **settings) for of in (torch.optim, optim)]
    parts = [IN, ("Tanh", (), {}), OUT]
    losses = torch.nn.CrossEntropyLoss(), nn.CrossEntropyLoss()
    check_training(torch, parts, losses, LABELS, rules, compiled)


@pytest.mark.torch
def test_a_difference_is_found():
    import torch

    losses = torch.nn.HuberLoss(delta=0.5), nn.HuberLoss(delta=0.5001)
    with pytest.raises(AssertionError):
        check_training(torch, [IN, OUT], losses, NUMBERS, (descent(torch.optim), descent(optim)), steps=3)


@pytest.mark.torch
def test_clipped_training_with_batch_norm_is_that_of_torch():
    import torch

    torch.manual_seed(0)
    theirs, ours = both(torch, IN, ("BatchNorm1d", (4,), {}), ("ReLU", (), {}), OUT)
    rules = descent(torch.optim)(theirs.parameters()), descent(optim)(ours.parameters())
    for _ in range(20):
        for of, model, rule, x, y in (
            (torch.nn, theirs, rules[0], torch.tensor(X), torch.tensor(NUMBERS)), (nn, ours, rules[1], X, NUMBERS),
        ):  # fmt: skip
            rule.zero_grad(set_to_none=True)
            of.MSELoss()(model(x), y).backward()
            clip = torch.nn.utils.clip_grad_norm_ if of is torch.nn else optim.clip_grad_norm_
            clip(model.parameters(), 0.5)
            rule.step()
    for name, array in theirs.state_dict().items():
        assert ours.state_dict()[name] == pytest.approx(array.numpy(), rel=1e-11)


# ---- defaults and names ------------------------------------------------------------------------------------------

# An empty row is () here; the rate of descent has always been 0.01; PyTorch leaves out −100 unasked.
ANOTHER = {("ModuleList", "modules"), ("SGD", "lr")}


@pytest.mark.torch
def test_defaults_are_those_of_torch():
    import torch

    compared = 0
    for names, ours, theirs in (
        ([*nn.__all__], nn, torch.nn), ([*optim.__all__], optim, torch.optim), (F.__all__, F, torch.nn.functional),
    ):  # fmt: skip
        for name in names:
            own, other = getattr(ours, name), getattr(theirs, name, None)
            if other is None or inspect.ismodule(own) or inspect.isbuiltin(other) or name == "Module":
                continue
            defaults = inspect.signature(getattr(own, "loss", own)).parameters
            for setting, parameter in inspect.signature(other).parameters.items():
                if setting in defaults and (name, setting) not in ANOTHER and setting != "ignore_index":
                    compared += 1
                    assert defaults[setting].default == parameter.default, (name, setting)
    assert compared > 60


@pytest.mark.torch
@pytest.mark.parametrize(("name", "settings"), [*ACTIVATIONS, ("ReLU", {})])
def test_functions_of_lists_are_those_of_torch(name, settings):
    """On a number, an example, a batch, and deeper."""
    import torch

    function = {"LeakyReLU": "leaky_relu", "LogSoftmax": "log_softmax"}.get(name, name.lower())
    if name == "Identity":
        return
    cube = np.random.default_rng(3).normal(size=(2, 3, 4))
    for x in (cube, cube[0], cube[0, 0], cube[0, 0, 0]):
        last = {"dim": -1} if "dim" in settings else settings
        if "dim" in settings and np.ndim(x) == 0:
            continue
        expected = getattr(torch.nn.functional, function)(torch.tensor(x), **last).numpy()
        found = getattr(F, function)(x.tolist(), **last)
        assert np.shape(found) == np.shape(x)
        assert found == pytest.approx(expected, rel=1e-14) if np.ndim(x) < 1 else np.allclose(found, expected, 1e-13, 0)


def test_functions_of_losses_are_our_losses():
    assert (F.mse_loss, F.huber_loss, F.cross_entropy, F.nll_loss) == (nn.mse, nn.huber, nn.cross_entropy, nn.nll_loss)
    assert F.binary_cross_entropy_with_logits([2.0], [1]) == nn.binary_cross_entropy([2.0], [1], from_logits=True)
    assert F.binary_cross_entropy_with_logits is LOSSES["binary_cross_entropy_with_logits"]  # which fit knows
    assert all(callable(getattr(F, name)) for name in F.__all__)


@pytest.mark.parametrize("loss", ["huber", "l1_loss", "smooth_l1_loss", "kl_div", "nll_loss"])
def test_fit_knows_the_losses_by_name(loss):
    """Eager and compiled alike, and as an object."""
    histories = []
    last = [nn.LogSoftmax()] if loss in ("kl_div", "nll_loss") else []
    targets = np.array(LABELS) if loss == "nll_loss" else SHARES
    criterion = next(kind for kind in vars(nn.aliases).values() if getattr(kind, "loss", None) is LOSSES[loss])
    for given, compiled in [(loss, False), (loss, True), (criterion(), False)]:
        model = nn.Sequential(nn.Linear(2, 3, rng=0), *last)
        rule = optim.SGD(model.parameters(), 0.1)
        history = fit(
            model, given, X, targets, rule, epochs=3, batch_size=4, rng=0, progress=False, compiled=compiled
        )  # fmt: skip
        histories.append(history.loss)
    assert histories[1] == pytest.approx(histories[0], rel=1e-13)
    assert histories[2] == histories[0]


@pytest.mark.parametrize("compiled", [False, True])
def test_fit_calls_a_criterion_of_the_users_own(compiled):
    class Doubled(nn.MSELoss):
        def __call__(self, output, target):
            return 2 * super().__call__(output, target)

    losses = [
        fit(nn.Linear(2, 3, rng=0), loss, X, NUMBERS, "sgd", 1, progress=False, compiled=compiled).loss[0]
        for loss in (Doubled(), nn.MSELoss())
    ]
    assert losses[0] == pytest.approx(2 * losses[1])


# ---- layers ------------------------------------------------------------------------------------------------------


def test_a_linear_starts_evenly_between_plus_and_minus_one_over_the_root_of_its_inputs():
    numbers = np.concatenate([array.ravel() for array in nn.Linear(25, 400, rng=0).state_dict().values()])
    assert 0.199 < numbers.max() <= 0.2
    assert -0.2 <= numbers.min() < -0.199
    assert numbers.mean() == pytest.approx(0, abs=4 * 0.2 / math.sqrt(3 * numbers.size))
    assert numbers.std() == pytest.approx(0.2 / math.sqrt(3), rel=0.02)
    biases = nn.Linear(25, 400, rng=0).state_dict()["bias"]
    assert 0.19 < abs(biases).max() <= 0.2
    assert biases.std() == pytest.approx(0.2 / math.sqrt(3), rel=0.1)


def test_a_linear_starts_as_told():
    first, second, other = nn.Linear(2, 3, rng=0), nn.Linear(2, 3, rng=0), nn.Linear(2, 3, rng=1)
    assert all((first.state_dict()[name] == second.state_dict()[name]).all() for name in ("weight", "bias"))
    assert (first.state_dict()["weight"] != other.state_dict()["weight"]).all()
    told = nn.Linear(2, 3, init="he_normal", rng=0).state_dict()
    assert (told["weight"] == nn.Layer(2, 3, None, init="he_normal", rng=0).state_dict()["weight"]).all()
    assert not told["bias"].any()


def test_a_linear_without_biases():
    """It has no bias, in the state as in PyTorch; a layer whose biases are taken away has none either."""
    linear = nn.Linear(3, 2, bias=False, rng=0)
    assert linear.bias is None
    assert list(linear.state_dict()) == ["weight"]
    assert len(linear.parameters()) == len(linear.weights()) == 6
    x = [1.0, -2.0, 3.0]
    expected = linear.state_dict()["weight"] @ x
    assert [y.data for y in linear(x)] == pytest.approx(expected.tolist(), rel=1e-14)
    assert [neuron(x)[0].data for neuron in linear.neurons] == pytest.approx(expected.tolist(), rel=1e-14)
    layer = nn.Layer(3, 2, "linear", rng=0)
    layer.bias = None
    layer.load_state_dict(linear.state_dict())
    assert [y.data for y in layer(x)] == [y.data for y in linear(x)]
    program = m.compile(lambda x: m.sum(linear(x)), linear.parameters(), example=(x,))
    value, gradient = program.value_and_grad([x])
    assert value == pytest.approx(expected.sum(), rel=1e-14)
    assert gradient.tolist() == x * 2


class Net(nn.Module):
    """As PyTorch's users write it."""

    def __init__(self, size):
        self.layers = nn.ModuleList([nn.Linear(2, size, rng=0), nn.Linear(size, size, bias=False, rng=1)])
        self.out = nn.Linear(size, 1, rng=2)

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.out(x)


def test_a_module_as_it_is_written_for_torch_trains():
    assert list(Net(3).state_dict()) == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.1.weight",
        "out.weight",
        "out.bias",
    ]
    assert [name for name, _ in Net(3).named_modules() if "." in name] == [
        "layers.0", "layers.0.activation", "layers.1", "layers.1.activation", "out.activation",
    ]  # fmt: skip
    y, losses = np.tanh(X[:, :1]), []
    for compiled in (False, True):
        net = Net(4)
        rule = optim.Adam(net.parameters(), 0.05)
        losses.append(fit(net, nn.MSELoss(), X, y, rule, epochs=30, progress=False, compiled=compiled, rng=0).loss)
    assert losses[0][-1] < 0.1 * losses[0][0]
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)


# ---- rows of modules ---------------------------------------------------------------------------------------------


def test_rows_of_modules_are_read_as_lists_are():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(model) == 3
    assert [*model] == [model[0], model[1], model[2]] == model.layers
    assert model[-1] is model.layers[2]
    head = model[:2]
    assert type(head) is nn.Sequential
    assert [*head] == model.layers[:2]
    assert (head.nin, list(head.state_dict())) == (2, ["0.weight", "0.bias"])
    with pytest.raises(IndexError):
        model[3]
    perceptron = nn.MLP(2, [4, 4, 1], rng=0)
    assert len(perceptron) == 3
    assert perceptron[1:](perceptron[:1]([1.0, 2.0])).data == perceptron([1.0, 2.0]).data


def test_a_slice_keeps_the_names_of_its_layers():
    """As in PyTorch, and so that the parameters are called by their places in the whole row, whoever runs first."""
    model = nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 1))
    assert list(model[1:].state_dict()) == list(model[2:].state_dict()) == ["2.weight", "2.bias"]
    model[2:]([1.0])
    assert model[-1].bias[0].name == "2.bias[0]"
    model([1.0])
    assert [leaf.name for leaf in model.parameters()] == [name for name, _ in model.named_parameters()]
    assert [name for name, _ in nn.MLP(1, [2, 1])[1:].named_parameters()][-1] == "2.bias[0]"
    assert list(model[2:].append(nn.Linear(1, 1)).state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_a_row_grows():
    model = nn.Sequential()
    assert not len(model)
    assert model.append(nn.Linear(2, 3, rng=0)).append(nn.Tanh()) is model
    assert model.nin == 2
    model([1.0, 2.0])
    model.append(nn.Linear(3, 1, rng=0))
    assert isinstance(model([1.0, 2.0]), Value)
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.torch
def test_apply_goes_through_the_modules_as_in_torch():
    import torch

    orders = []
    for of in (torch.nn, nn):
        seen = []
        inner = of.Sequential(of.Linear(2, 3), of.Tanh())
        model = of.Sequential(inner, of.Linear(3, 1))
        assert model.apply(lambda module, seen=seen: seen.append(type(module).__name__)) is model
        orders.append([name for name in seen if name != "Activation"])  # that of a Linear here
    assert orders[0] == orders[1]


def test_weights_are_started_by_apply():
    def start(module):
        if isinstance(module, nn.Linear):
            for weight in module.weights():
                weight.data = 0.5

    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False)).apply(start)
    assert {weight.data for weight in model.weights()} == {0.5}


def test_zero_grad_of_a_model():
    model = nn.Linear(1, 1)
    model([2.0])[0].backward()
    model.zero_grad(set_to_none=False)
    assert [(w.swept, w.grad) for w in model.parameters()] == [(True, 0.0)] * 2
    model.zero_grad()
    assert not any(w.swept for w in model.parameters())


# ---- looks, copies -----------------------------------------------------------------------------------------------


def test_looks():
    row = nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True), nn.LeakyReLU(), nn.Softmax(dim=1), nn.Identity(54))
    assert repr(row) == "Sequential(Linear(2, 3), ReLU(), LeakyReLU(negative_slope=0.01), Softmax(dim=1), Identity())"
    assert repr(nn.ModuleList([nn.Linear(1, 2, bias=False)])) == "ModuleList(Linear(1, 2, bias=False))"
    assert repr(nn.CrossEntropyLoss(label_smoothing=0.1)) == "CrossEntropyLoss(label_smoothing=0.1)"
    assert repr(nn.BCEWithLogitsLoss([1.0], reduction="sum")) == "BCEWithLogitsLoss(weight=[1.0], reduction='sum')"
    assert (nn.Linear(2, 3).in_features, nn.Linear(in_features=2, out_features=3).out_features) == (2, 3)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_and_pickles(copied):
    for name, settings in ACTIVATIONS:
        module = getattr(nn, name)(**settings)
        again = copied(module)
        assert (repr(again), type(again)) == (repr(module), type(module))
        assert again([1.0, -2.0]) == module([1.0, -2.0])
    for name, settings, targets, _ in CRITERIA:
        criterion = getattr(nn, name)(**settings)
        assert copied(criterion)(SHARES, targets) == criterion(SHARES, targets)
    net = Net(3)
    assert copied(net)([1.0, 2.0])[0].data == net([1.0, 2.0])[0].data


def test_settings_of_an_activation_reach_second_derivatives():
    for module in (nn.ELU(0.5), nn.Softplus(2.0), nn.LogSoftmax()):
        m.check_grads(lambda v, module=module: m.sum([y * y for y in module(v)]), ([0.3, -0.7],), order=2)


# ---- what is refused ---------------------------------------------------------------------------------------------

REFUSED = {
    "a number for bias": (lambda: nn.Linear(2, 3, 1), ValueError, "bias must be True or False, got 1"),
    "no inputs": (lambda: nn.Linear(0, 3), ValueError, "in_features must be a whole number ≥ 1, got 0"),
    "half an output": (lambda: nn.Linear(1, 0.5), TypeError, "out_features must be a whole number ≥ 1, got 0.5"),
    "a slope of text": (lambda: nn.LeakyReLU("a"), TypeError, "negative_slope must be a finite number, got 'a'"),
    "a slope of relu": (lambda: nn.ReLU(negative_slope=0.1), TypeError, "unexpected keyword argument"),
    "β of 0": (lambda: nn.Softplus(beta=0), ValueError, "beta must be a finite number > 0, got 0"),
    "the examples": (lambda: nn.Softmax(dim=0), ValueError, "dim must be -1 or 1, the numbers of an example, got 0"),
    "no numbers": (lambda: F.relu([]), ValueError, r"ReLU\(\) needs at least one number, got an empty list"),
    "the middle": (
        lambda: F.softmax([[[0.0, 1.0]]], dim=1), ValueError, "dim=1 is not the last of the 3 dimensions: write dim=-1",
    ),
    "weights of mse": (lambda: nn.MSELoss([1.0]), TypeError, "MSELoss takes settings by name, reduction: got"),
    "an old setting": (
        lambda: nn.CrossEntropyLoss(size_average=True), TypeError,
        "no setting size_average: known are reduction, weight, label_smoothing, ignore_index",
    ),
    "logits told twice": (lambda: nn.BCELoss(from_logits=True), TypeError, "has no setting from_logits: .* pos_weight"),
    "weights in the place of a flag": (
        lambda: nn.binary_cross_entropy([0.5], [1], [2.0]), ValueError, "from_logits must be True or False, got",
    ),
    "a list that is called": (lambda: nn.ModuleList([nn.ReLU()])([1.0]), TypeError, r"nn.Sequential\(\*modules\)"),
    "one module for a list": (lambda: nn.ModuleList(nn.ReLU()), TypeError, "must be an iterable"),
    "a list in a row": (
        lambda: nn.Sequential([nn.ReLU()]), TypeError, r"layer 0 is \[ReLU\(\)\]: write nn.Sequential\(\*modules\)",
    ),
    "a number in a row": (lambda: nn.Sequential().append(3), TypeError, "Sequential takes modules, layer 0 is 3"),
    "behind the last layer": (
        lambda: nn.MLP(2, [3, 1]).append(nn.Sigmoid()), TypeError,
        r"MLP\(2, \[3, 1\]\) has the layers of its sizes: write nn.Sequential\(\*model, Sigmoid\(\)\)",
    ),
    "a module for a name": (lambda: nn.Layer(1, 1, nn.ReLU()), TypeError, r"put ReLU\(\) behind its layer"),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()

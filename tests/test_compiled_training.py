"""`fit(..., compiled=True)` is `fit`: the same history, weights, statistics and messages, by programs."""

import math
import os
import random
import re
import signal
from dataclasses import asdict
from functools import partial

import numpy as np
import pytest

from microgradnn import Value, fit, functional, grad, hessian, hvp, jacobian, jvp, nn, optim, value_and_grad
from microgradnn.compiler.parameters import Parameters
from microgradnn.compiler.program import Program
from microgradnn.nn.losses import LOSSES
from microgradnn.training.graphs import Data, Graphs
from microgradnn.training.programs import Programs

quiet = partial(fit, progress=False)
RNG = np.random.default_rng(7)
X = RNG.uniform(-1, 1, (7, 2))
Y = [0.0, 1.0, 1.0, 0.0, 0.5, -0.75, 1.5]
SIGNS = [1, -1, 1, 1, -1, -1, 1]
LABELS = [0, 1, 1, 0, 1, 1, 0]
CLASSES = [0, 1, 2, 0, 1, 2, 0]
ROWS = RNG.uniform(0, 1, (7, 3))
PARTS = ROWS / ROWS.sum(1, keepdims=True)


def mlp(*nouts, activation="tanh", **settings):
    return nn.MLP(2, nouts or (4, 1), activation=activation, rng=0, **settings)


def row(*modules):
    """Modules between two layers."""
    return nn.Sequential(nn.Layer(2, 4, "tanh", rng=0), *modules, nn.Layer(4, 1, "linear", rng=1))


class Residual(nn.Module):
    """One example after the other."""

    def __init__(self, *inside):
        self.first, self.last = nn.Layer(2, 2, "tanh", rng=0), nn.Layer(2, 1, "linear", rng=1)
        self.inside = list(inside)

    def forward(self, x):
        y = self.first(x)
        for module in self.inside:
            y = module(y)
        return self.last([a + b for a, b in zip(x, y, strict=True)])[0]


class Centred(nn.Module):
    """All examples together: the mean of the batch is taken away."""

    def forward_batch(self, batch):
        means = [functional.mean(list(column)) for column in zip(*batch, strict=True)]
        return [[one - mean for one, mean in zip(x, means, strict=True)] for x in batch]


class Tied(nn.Module):
    """One layer there, the same weights back."""

    def __init__(self):
        self.there, self.back = nn.Layer(2, 2, "tanh", rng=0), nn.Layer(2, 2, "linear", rng=1)
        self.back.weight = [list(column) for column in zip(*self.there.weight, strict=True)]

    def forward(self, x):
        return self.back(self.there(x))


def shared_dropout(seed):
    rng = np.random.default_rng(seed)
    return row(nn.Dropout(0.3, rng=rng), nn.Layer(4, 4, "tanh", rng=2), nn.Dropout(0.6, rng=rng))


def spread(outputs, targets):
    """A loss of one's own, which looks at the batch as a whole."""
    return nn.mse(outputs, targets) + 0.1 * functional.sqrt(functional.sum([out * out for out in outputs]) + 1.0)


MODELS = {  # model, loss, targets
    "an MLP": (mlp, "mse", Y),
    "the function of a loss": (mlp, nn.mse, Y),
    "a column of targets": (mlp, "mse", [[y] for y in Y]),
    "classes": (lambda: mlp(4, 3), "cross_entropy", CLASSES),
    "distributions": (lambda: mlp(4, 3, activation="relu"), "cross_entropy", PARTS),
    "scores": (lambda: mlp(4, 3, activation="softplus"), "multiclass_hinge", CLASSES),
    "signs": (lambda: mlp(activation="elu"), "hinge", SIGNS),
    "logits": (mlp, "binary_cross_entropy_with_logits", LABELS),
    "probabilities": (lambda: nn.Sequential(*mlp().layers, nn.Activation("sigmoid")), "binary_cross_entropy", LABELS),
    "rows of targets": (lambda: mlp(4, 3), "mse", ROWS),
    "weights that layers share": (Tied, "mse", X),
    "gate by gate": (lambda: mlp(fused=False), "mse", Y),
    "maxout and PReLU": (lambda: row(nn.PReLU(), nn.Maxout(4, 4, 2, rng=3)), "mse", Y),
    "softmax": (lambda: row(nn.Activation("softmax")), "mse", Y),
    "a function as activation": (lambda: mlp(activation=lambda x: x * functional.sigmoid(x)), "mse", Y),
    "dropout": (lambda: row(nn.Dropout(0.4, rng=5)), "mse", Y),
    "dropout that drops nothing": (lambda: row(nn.Dropout(0.0, rng=5)), "mse", Y),
    "dropouts that share a generator": (lambda: shared_dropout(3), "mse", Y),
    "one dropout twice": (lambda: row(one := nn.Dropout(0.4, rng=5), nn.Layer(4, 4, rng=2), one), "mse", Y),
    "a module of one's own": (Residual, "mse", Y),
    "dropout in a module of one's own": (lambda: Residual(one := nn.Dropout(0.4, rng=5), one), "mse", Y),
    "batch norm": (lambda: row(nn.BatchNorm(4)), "mse", Y),
    "two batch norms": (lambda: row(nn.BatchNorm(4), nn.Layer(4, 3, rng=2), nn.BatchNorm(3), nn.Layer(3, 4, rng=3)),
                        "hinge", SIGNS),
    "batch norm and dropout": (lambda: row(nn.BatchNorm(4), nn.Dropout(0.4, rng=5)), "mse", Y),
    "batch norm in a module of one's own": (lambda: nn.Sequential(nn.BatchNorm(2), Residual()), "mse", Y),
    "examples that know of each other": (lambda: row(Centred()), "mse", Y),
    "a loss of one's own": (mlp, spread, Y),
    "a loss of one's own, dropout, batch norm": (lambda: row(nn.Dropout(0.4, rng=5), nn.BatchNorm(4)), spread, Y),
}  # fmt: skip


def groups(model):
    first = model.layers[0].parameters()
    others = [w for layer in model.layers[1:] for w in layer.parameters()]
    return optim.SGD([{"params": first, "lr": 0.3}, {"params": others, "weight_decay": 0.1}], lr=0.1)


OPTIMIZERS = {
    "plain": lambda model: optim.SGD(model.parameters(), lr=0.1),
    "momentum": lambda model: optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adagrad": lambda model: optim.AdaGrad(model.parameters(), lr=0.1, weight_decay=0.01),
    "rmsprop": lambda model: optim.RMSProp(model.parameters(), lr=0.02),
    "adam": lambda model: optim.Adam(model.parameters(), lr=0.05, weight_decay=0.01),
    "adamw": lambda model: optim.AdamW(model.parameters(), lr=0.05),
    "groups": groups,
    "the last layer alone": lambda model: optim.SGD(model.layers[-1].parameters(), lr=0.1, weight_decay=0.1),
}


def found(outputs, targets):
    """A metric that depends on every output and its place."""
    return sum((1 + place) * math.cos(sum(np.ravel(out)) - sum(np.ravel(y)))
               for place, (out, y) in enumerate(zip(outputs, targets, strict=True)))  # fmt: skip


OPTIONS = {
    "in batches": {"batch_size": 3},
    "all at once": {},
    "one by one": {"batch_size": 1},
    "with validation": {"batch_size": 2, "validation": True, "metrics": {"found": found}},
    "with metrics": {"batch_size": 5, "metrics": {"found": found}},
    "with a schedule": {"batch_size": 3, "schedule": optim.Cosine(4)},
    "with early stopping": {"batch_size": 4, "validation": True, "early_stopping": 1, "schedule": lambda n: 3.0},
    "with weights made small": {"batch_size": 3, "penalty": lambda model: nn.l2(model, 0.1)},
    "with weights made few": {"batch_size": 3, "penalty": lambda model: nn.l1(model, 0.1, biases=True)},
}


def run(make, loss, targets, optimizer, epochs=4, compiled=False, **options):
    """All that a training leaves behind, as numbers."""
    model, rng = make(), np.random.default_rng(1)
    optimizer = optimizer(model)
    if options.get("validation"):
        options["validation"] = (X[1:4] * 0.9, targets[1:4])
    history = quiet(model, loss, X, targets, optimizer, epochs, rng=rng, compiled=compiled, **options)
    return {
        "history": asdict(history),  # with the state to go on from
        "state": {name: array.tolist() for name, array in model.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "gradients": [parameter.grad if parameter.swept else None for parameter in model.parameters()],
        "training": [module.training for module in model.modules()],
        "drawn": [rng.random()] + [one.rng.random() for one in model.modules() if isinstance(one, nn.Dropout)],
    }


def assert_alike(ours, theirs, path="", least=1e-10):
    """Nested alike, and every number within 1e-10 of the other, relative or absolute."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), path
        for name in theirs:
            assert_alike(ours[name], theirs[name], f"{path}.{name}", least)
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), path
        for place, one in enumerate(theirs):
            assert_alike(ours[place], one, f"{path}[{place}]", least)
    elif type(theirs) is float:
        assert type(ours) is float, path
        assert ours == pytest.approx(theirs, rel=least, abs=least), path
    else:
        assert ours == theirs, path


def together(make):
    return any(isinstance(module, nn.BatchNorm) for module in make().modules())


# ---- the same numbers -------------------------------------------------------------------------------------------


@pytest.mark.sampled(9)
@pytest.mark.parametrize("options", ["in batches", "with validation"])
@pytest.mark.parametrize("name", MODELS)
def test_every_model_learns_as_it_does_by_graphs(name, options):
    make, loss, targets = MODELS[name]
    options = OPTIONS[options] | ({"batch_size": 4} if together(make) else {})
    by_graphs = run(make, loss, targets, OPTIMIZERS["momentum"], **options)
    assert_alike(run(make, loss, targets, OPTIMIZERS["momentum"], compiled=True, **options), by_graphs)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", ["classes", "dropout", "batch norm", "a loss of one's own"])
def test_every_option_means_the_same(name, options):
    make, loss, targets = MODELS[name]
    options = OPTIONS[options] | ({"batch_size": 4} if together(make) else {})
    by_graphs = run(make, loss, targets, OPTIMIZERS["plain"], **options)
    assert_alike(run(make, loss, targets, OPTIMIZERS["plain"], compiled=True, **options), by_graphs)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["an MLP", "batch norm and dropout"])
def test_every_optimizer_takes_the_same_steps(name, optimizer):
    make, loss, targets = MODELS[name]
    by_graphs = run(make, loss, targets, OPTIMIZERS[optimizer], batch_size=5)
    assert_alike(run(make, loss, targets, OPTIMIZERS[optimizer], compiled=True, batch_size=5), by_graphs)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_by_name_is_that_of_its_examples(name):
    """The loss of one example is recorded; the mean over a batch is what the loss says of the batch."""
    of_classes = dict.fromkeys(("multiclass_hinge", "cross_entropy", "nll_loss"), CLASSES)
    targets = {"hinge": SIGNS, "kl_div": PARTS, **of_classes}.get(name, LABELS)
    nout = 3 if targets is CLASSES or targets is PARTS else 1
    make = partial(lambda nout: nn.Sequential(nn.Layer(2, nout, "sigmoid", rng=0)), nout)
    by_graphs = run(make, name, targets, OPTIMIZERS["adam"], **OPTIONS["with validation"])
    assert_alike(run(make, name, targets, OPTIMIZERS["adam"], compiled=True, **OPTIONS["with validation"]), by_graphs)


def test_the_checker_finds_a_number_that_is_another():
    by_graphs = run(mlp, "mse", Y, OPTIMIZERS["plain"])
    other = run(mlp, "mse", Y, lambda model: optim.SGD(model.parameters(), lr=0.1 + 1e-8), compiled=True)
    with pytest.raises(AssertionError, match=r"history\.loss\[1\]"):
        assert_alike(other, by_graphs)


def test_by_graphs_and_by_programs_in_turn():
    """Parameters, running statistics, generators and what the optimizer remembers go from one to the other."""

    def turns(*ways):
        model, rng = MODELS["batch norm and dropout"][0](), np.random.default_rng(2)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        losses = [quiet(model, "mse", X, Y, optimizer, 2, 4, rng=rng, compiled=way).loss for way in ways]
        return losses, {name: array.tolist() for name, array in model.state_dict().items()}, optimizer.state_dict()

    by_graphs = turns(False, False, False)
    for ways in [(True, False, True), (False, True, False), (True, True, True)]:
        assert_alike(list(turns(*ways)), list(by_graphs))


def test_a_parameter_that_only_the_loss_and_the_optimizer_know():
    def learned(compiled):
        model, scale = mlp(), Value(1.5)
        optimizer = optim.SGD([scale, *model.parameters()], lr=0.05)
        quiet(model, lambda out, y: nn.mse([scale * one for one in out], y), X, Y, optimizer, 3, 3, rng=0,
              compiled=compiled)  # fmt: skip
        return [scale.data, scale.grad, *(one.data for one in model.parameters())]

    assert_alike(learned(True), learned(False))
    assert learned(True)[0] != 1.5


def test_a_parameter_that_nothing_depends_on_stays_where_it_is():
    def spare():
        model = mlp()
        model.spare = [Value(3.0)]
        return model

    after = run(spare, "mse", Y, OPTIMIZERS["momentum"], compiled=True)
    assert_alike(after, run(spare, "mse", Y, OPTIMIZERS["momentum"]))
    assert after["state"]["spare"] == [3.0]


def test_weight_decay_goes_on_behind_a_step():
    """Its derivative is 0, yet the sweep arrives."""
    make = partial(mlp, activation="step")
    by_graphs = run(make, "mse", Y, OPTIMIZERS["momentum"])
    assert_alike(run(make, "mse", Y, OPTIMIZERS["momentum"], compiled=True), by_graphs)


def test_what_a_function_of_ones_own_does_to_the_parameters_between_epochs_counts():
    def clipped(compiled):
        model = mlp()

        def metric(outputs, targets):
            for parameter in model.parameters():
                parameter.data = max(-0.5, min(0.5, parameter.data))
            return 0.0

        history = quiet(model, "mse", X, Y, "adam", 3, 3, (X, Y), metrics={"clip": metric}, rng=0, compiled=compiled)
        return [history.loss, history.validation_loss, [parameter.data for parameter in model.parameters()]]

    assert_alike(clipped(True), clipped(False))


def outputs_of(model):
    return lambda x, y: model([x, y])


PENALTIES = {  # on derivatives of the model by its inputs
    "grad": lambda model: grad(outputs_of(model))(0.5, -1.0) ** 2,
    "value_and_grad": lambda model: functional.sum([one**2 for one in value_and_grad(outputs_of(model), 1)(0.5, 2.0)]),
    "jacobian": lambda model: functional.sum([one**2 for one in jacobian(lambda x: [model(x)])([0.5, 2.0])[0]]),
    "hessian": lambda model: hessian(model)([0.5, 2.0])[0][1] ** 2,
    "hvp": lambda model: functional.sum([one**2 for one in hvp(model, [0.5, 2.0], [1.0, 3.0])]),
    "jvp": lambda model: jvp(outputs_of(model), (0.5, 2.0), (1.0, 3.0))[1] ** 2,
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_on_the_gradient_of_the_model_is_learned(name):
    """The derivative depends on the parameters, so the penalty has a gradient by them, by graphs and by programs."""
    options = {"penalty": lambda model: 3.0 * PENALTIES[name](model), "batch_size": 3}
    make = partial(mlp, 3, 1)
    by_graphs = run(make, "mse", Y, OPTIMIZERS["adam"], **options)
    assert_alike(run(make, "mse", Y, OPTIMIZERS["adam"], compiled=True, **options), by_graphs)
    assert by_graphs["state"] != run(make, "mse", Y, OPTIMIZERS["adam"], batch_size=3)["state"]


OF_THE_MODEL = {
    "one example": lambda model: grad(outputs_of(model))(0.5, -1.0) ** 2,
    "a batch": lambda model: grad(lambda x: functional.sum(model([[x, 1.0], [0.25, -1.0]])))(0.5) ** 2,
    "a module that it has": lambda model: (
        functional.sum(model.layers[1]([[0.5, 1.0, -1.0, 2.0], [row[0] for row in model.layers[0].weight]])[1]) ** 2
    ),
}


@pytest.mark.sampled(13)
@pytest.mark.parametrize("penalty", OF_THE_MODEL)
@pytest.mark.parametrize("name", ["dropout", "batch norm", "batch norm and dropout", "dropouts that share a generator"])
def test_a_penalty_may_draw_masks_and_move_statistics(name, penalty):
    """Once for every batch, behind those of the loss."""
    if "norm" in name and penalty == "one example":
        return
    make, loss, targets = MODELS[name]
    options = {"penalty": OF_THE_MODEL[penalty], "batch_size": 4, "validation": True}
    by_graphs = run(make, loss, targets, OPTIMIZERS["momentum"], **options)
    assert_alike(run(make, loss, targets, OPTIMIZERS["momentum"], compiled=True, **options), by_graphs)


# ---- how often what is recorded ---------------------------------------------------------------------------------


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "alone"),
    [
        ("an MLP", True), ("the function of a loss", True), ("maxout and PReLU", True), ("gate by gate", True),
        ("dropouts that share a generator", True), ("a module of one's own", True), ("batch norm", False),
        ("dropout in a module of one's own", False), ("examples that know of each other", False),
        ("a loss of one's own", False),
    ],
)  # fmt: skip
def test_one_example_is_recorded_where_examples_do_not_know_of_each_other(name, alone):
    make, loss, targets = MODELS[name]
    model, data = make(), Data(X, np.array(targets))
    graphs = Graphs(model, LOSSES.get(loss, loss), None, optim.SGD(model.parameters()))
    programs = Programs(graphs, data, [5, 2], False)
    assert programs.by_example == alone
    assert (programs.recorded[5] is programs.recorded[2]) == alone


def test_a_loss_of_ones_own_is_called_while_it_is_recorded_only():
    """Twice for each size of batch, however many batches there are."""

    def calls(epochs):
        seen = []

        def loss(outputs, targets):
            seen.append(len(outputs))
            return nn.mse(outputs, targets)

        quiet(mlp(), loss, X, Y, "sgd", epochs, 3, compiled=True)
        return seen

    assert calls(20) == calls(1)
    assert calls(1) == [3, 3, 1, 1]


class Looking:
    """Sees the parameters after some of the epochs, and promises to change nothing."""

    def __init__(self, *epochs):
        self.epochs, self.seen = epochs, []

    def looks_at(self, history):
        return len(history.loss) in self.epochs

    def __call__(self, model, history):
        self.seen.append([(parameter.data, parameter.grad) for parameter in model.parameters()])


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("settings", "writes"),  # after 9 epochs
    [
        ({}, 0),
        ({"metrics": {"m": found}}, 9),
        ({"on_epoch": lambda *_: None}, 9),
        ({"on_epoch": Looking(3, 9)}, 2),
        ({"schedule": lambda epoch: 1.0}, 9),
        ({"validation": True}, 6),  # as often as it is the best so far, which is kept as numbers by name
        ({"validation": True, "schedule": lambda epoch: 0.0}, 9),
        ({"validation": True, "lr": 0.0}, 1),
        ({"validation": True, "lr": 0.0, "loss": spread}, 9),  # a loss of one's own may look
        ({"validation": True, "lr": 0.0, "make": lambda: row(Centred())}, 9),  # the model computes with Values
    ],
)
def test_the_values_get_the_parameters_when_somebody_looks_and_in_the_end(settings, writes, monkeypatch):
    push, pushed = Parameters.push, []
    monkeypatch.setattr(Parameters, "push", lambda params: (pushed.append(1), push(params)))

    def pushes(epochs, lr=0.1, loss="mse", make=mlp, **options):
        pushed.clear()
        optimizer = lambda model: optim.SGD(model.parameters(), lr)  # noqa: E731
        options |= {"epochs": epochs, "batch_size": 3}
        after = run(make, loss, Y, optimizer, compiled=True, **options)
        assert_alike(after, run(make, loss, Y, optimizer, **options))
        return len(pushed)

    in_the_end = 2  # the state to go on from, and the weights
    assert pushes(9, **settings) - in_the_end in (writes - 1, writes)  # what was seen last need not be written again


def test_who_looks_sees_the_parameters_of_that_moment():
    def seen(compiled):
        hook, metric, schedule = Looking(2, 3, 5), [], []
        model = mlp()
        numbers = lambda *_: [parameter.data for parameter in model.parameters()]  # noqa: E731
        quiet(model, "mse", X, Y, "adam", 5, 3, (X, Y), rng=0, compiled=compiled, on_epoch=hook,
              schedule=lambda epoch: (schedule.append(numbers()), 1.0)[1],
              metrics={"m": lambda *_: (metric.append(numbers()), 0.0)[1]})  # fmt: skip
        return [[list(map(list, one)) for one in hook.seen], metric, schedule, numbers()]

    assert_alike(seen(True), seen(False))


@pytest.mark.sampled(4)
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("make", [mlp, lambda: row(Centred())], ids=["by a program", "by graphs"])
def test_validation_is_by_the_parameters_of_now(make, own):
    """Also where the loss reads them, and where the model is evaluated gate by gate."""

    def losses(compiled):
        model = make()
        loss = (lambda outputs, targets: nn.mse(outputs, targets) + nn.l2(model, 0.3)) if own else "mse"
        return quiet(model, loss, X, Y, "sgd", 4, 3, (X, Y), rng=0, compiled=compiled).validation_loss

    assert_alike(losses(True), losses(False))


class Stop(Exception):  # noqa: N818
    """Ends training from inside."""


def in_epoch(number, work):
    """What does `work` when it is called for the given time."""
    calls = []

    def called(*_):
        calls.append(1)
        return work() if len(calls) == number else 0.0

    return called


def raises():
    raise Stop


def presses():
    os.kill(os.getpid(), signal.SIGINT)
    return 0.0


class LookingAndRaising(Looking):
    def __call__(self, model, history):
        for parameter in model.parameters():
            parameter.data = 99.0  # what it moves is put back
        raise Stop


ENDINGS = {
    "a metric raises": lambda: {"metrics": {"m": in_epoch(3, raises)}},
    "a metric is interrupted": lambda: {"metrics": {"m": in_epoch(3, presses)}},
    "the schedule raises": lambda: {"schedule": in_epoch(3, raises)},
    "the schedule is interrupted": lambda: {"schedule": in_epoch(3, presses)},
    "a hook raises": lambda: {"on_epoch": in_epoch(3, raises)},
    "a hook ends it": lambda: {"on_epoch": in_epoch(3, lambda: False)},
    "a hook that only looks raises": lambda: {"on_epoch": LookingAndRaising(2)},
    "early": lambda: {"validation": (X, Y), "early_stopping": 1, "schedule": lambda epoch: 1.0 if epoch < 3 else 60.0},
    "early, where nothing else looks": lambda: {"validation": (X, [-y for y in Y]), "early_stopping": 2},
    "early, and a hook looks": lambda: {"validation": (X, Y), "early_stopping": 1, "on_epoch": Looking(2),
                                        "schedule": lambda epoch: 1.0 if epoch < 3 else 60.0},
    "the validation is not finite": lambda: {"validation": ([[1e200, 1e200]], [1e200])},
    "a step is not finite": lambda: {"schedule": lambda epoch: 1.0 if epoch < 3 else 1e308},
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("ending", ENDINGS)
def test_however_training_ends_the_values_and_the_history_have_the_parameters(ending):
    def left(compiled):
        model = mlp()
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            history = quiet(model, "mse", X, Y, optimizer, 20, 3, rng=0, compiled=compiled, **ENDINGS[ending]())
        except (Stop, FloatingPointError) as error:
            history = error.history
        finally:
            signal.signal(signal.SIGINT, before)
        assert len(history.loss) < 20
        return [asdict(history), [parameter.data for parameter in model.parameters()], optimizer.state_dict()]

    assert_alike(left(True), left(False))


class Scaled(nn.Module):
    """Numbers times a plain attribute."""

    def __init__(self):
        self.factor = 2.0

    def forward(self, x):
        return [self.factor * one for one in x]


CHANGES = {  # what on_epoch does with the model and with a strength that penalty and loss look up
    "a strength": lambda model, strength: strength.update(penalty=strength["penalty"] * 3),
    "a strength from 0": lambda model, strength: strength.update(more=strength["more"] + 0.1),
    "a factor of the loss": lambda model, strength: strength.update(loss=strength["loss"] * 0.5),
    "an attribute of a module": lambda model, strength: setattr(model.layers[1], "factor", 0.25),
    "a module more": lambda model, strength: model.layers.insert(1, nn.Activation("tanh")),
    "a module less": lambda model, strength: setattr(
        model, "layers", [one for one in model.layers if not isinstance(one, Scaled)]
    ),
    "dropout that drops nothing": lambda model, strength: setattr(model.layers[-2], "p", 0.0),
    "dropout more": lambda model, strength: model.layers.insert(1, nn.Dropout(0.5, rng=len(model.layers))),
    "nothing": lambda model, strength: None,
}


@pytest.mark.sampled(9)
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("name", CHANGES)
def test_what_on_epoch_changes_counts_from_the_next_batch_on(name, own):
    def trained(compiled):
        strength = {"penalty": 0.01, "more": 0.0, "loss": 1.0}
        return run(
            lambda: row(Scaled(), nn.Dropout(0.5, rng=1)),
            (lambda outputs, targets: strength["loss"] * nn.mse(outputs, targets)) if own else "mse", Y,
            OPTIMIZERS["momentum"], batch_size=3, compiled=compiled, validation=True, epochs=3,
            penalty=lambda model: nn.l2(model, strength["penalty"]) + strength["more"] * nn.l1(model, 1.0),
            on_epoch=lambda model, history: CHANGES[name](model, strength),
        )  # fmt: skip

    assert_alike(trained(True), trained(False))


@pytest.mark.parametrize(
    ("change", "more"), [(lambda model: None, 0), (lambda model: setattr(model.layers[1], "factor", 5.0), 2)]
)
def test_a_program_is_made_anew_only_where_it_is_another(change, more, monkeypatch):
    """One for training, one for validation."""
    made = []
    init = Program.__init__
    monkeypatch.setattr(Program, "__init__", lambda self, *args: (made.append(1), init(self, *args))[1])
    run(lambda: row(Scaled()), "mse", Y, OPTIMIZERS["momentum"], batch_size=3, compiled=True, validation=True, epochs=5,
        on_epoch=lambda model, history: change(model))  # fmt: skip
    assert len(made) == 2 + more


@pytest.mark.parametrize("compiled", [False, True])
def test_norms_may_be_as_large_as_floats_are(compiled):
    """Together they would be infinite, each of them is not."""
    model = nn.Sequential(*(nn.Layer(1, 1, "linear", init=nn.init.constant(1.0)) for _ in range(2)))
    history = quiet(model, lambda out, y: 1e308 * out[0], [[0.5]], [0.0], optim.SGD(model.parameters(), lr=0.0), 1,
                    compiled=compiled)  # fmt: skip
    assert all(1e308 < norm < math.inf for [norm] in history.gradient_norm.values())


# ---- what is refused ----------------------------------------------------------------------------------------------


def asks(outputs, targets):
    return outputs[0] if outputs[0] > 0 else -outputs[0]


outside = Value(2.0, "outside")


class Own(optim.SGD):
    def step(self):
        super().step()


class Moving(nn.Module):
    buffers = ("count",)

    def __init__(self, in_place=False):
        self.count, self.in_place = [0.0], in_place

    def forward(self, x):
        if self.training and self.in_place:
            self.count[0] = x[0]
        elif self.training:
            self.count = [self.count[0] + 1.0]
        return x


class Drawing(nn.Module):
    """Draws a number that seldom decides: two calls happen to agree."""

    def __init__(self, rng, in_training=True):
        self.rngs, self.in_training = {"noise": [rng]}, in_training

    def forward(self, x):
        if self.training == self.in_training and self.rngs["noise"][0].random() > 1.0:
            return [2 * one for one in x]
        return x


NOTHING = "the loss must be one number that depends on the parameters of Sequential"
REFUSED = {
    "a number that is asked for": (
        {"loss": asks}, TypeError, r"return outputs\[0\] if outputs\[0\] > 0.*where\(c, a, b\)",
    ),
    "a Value from elsewhere": (
        {"loss": lambda out, y: out[0] * outside}, ValueError, "uses a Value 'outside' of 2.0 from outside",
    ),
    "a loss that forgets the model": ({"loss": lambda out, y: 3.0}, TypeError, NOTHING + ".*, got 3.0"),
    "a loss of the targets alone": ({"loss": lambda out, y: nn.mse(y, y[::-1])}, TypeError, NOTHING),
    "several losses": ({"loss": lambda out, y: out}, TypeError, NOTHING),
    "a number in the penalty": (
        {"penalty": lambda model: abs(model.parameters()[0].data)}, TypeError, "asks for the number of a Value",
    ),
    "a penalty that draws": (
        {"penalty": lambda model: nn.Dropout()([model.weights()[0]])[0]}, TypeError, r"Dropout\(0.5\) is made anew",
    ),
    "a buffer that forward moves": (
        {"more": [Moving()]}, TypeError, r"forward changes the buffer count of Moving\(\), .*compiled=False",
    ),
    "a buffer that is left a gate": (
        {"more": [Moving(in_place=True)]}, TypeError, "forward changes the buffer count of Moving",
    ),
    "a generator of NumPy that forward draws from": (
        {"more": [Drawing(np.random.default_rng(1))]}, TypeError,
        r"forward changes the generator 3.rngs\['noise'\]\[0\] of Sequential.*, .*compiled=False",
    ),
    "a generator of Python that forward draws from": (
        {"more": [Drawing(random.Random(1))]}, TypeError, "forward changes the generator 3.rngs",
    ),
    "an optimizer with a step of its own": (
        {"optimizer": Own}, TypeError, "moves parameters by Own.update, but Own has a step of its own",
    ),
    "a word": ({"compiled": "yes"}, ValueError, "compiled must be True or False, got 'yes'"),
}  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("changes", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_compiled_is_refused_before_any_work(changes, error, message):
    settings = {"loss": "mse", "compiled": True, **changes}
    model = row(nn.BatchNorm(4), nn.Dropout(0.5, rng=3), *settings.pop("more", [])).eval()
    rng, before = np.random.default_rng(0), model.state_dict()
    optimizer = settings.pop("optimizer", optim.SGD)(model.parameters(), lr=0.1)
    with pytest.raises(error, match=message):
        quiet(model, X=X, y=Y, optimizer=optimizer, epochs=2, rng=rng, **settings)
    assert all((array == before[name]).all() for name, array in model.state_dict().items())
    assert not any(module.training for module in model.modules())
    assert not any(parameter.swept for parameter in model.parameters())
    assert rng.random() == np.random.default_rng(0).random()
    assert model.layers[2].rng.random() == np.random.default_rng(3).random()


def test_a_generator_that_is_drawn_from_in_evaluation_is_refused():
    rng = np.random.default_rng(1)
    model = row(Drawing(rng, in_training=False))
    with pytest.raises(TypeError, match=r"forward changes the generator 1.rngs.*compiled=False") as told:
        quiet(model, "mse", X, Y, "sgd", 2, validation=(X, Y), compiled=True)
    assert told.value.history.loss == []
    ahead = np.random.default_rng(1)
    ahead.random(2)  # it was read with the arguments, for X and for validation
    assert rng.random() == ahead.random()


# ---- numbers that run away ----------------------------------------------------------------------------------------


def huge(weight):
    return nn.Sequential(
        nn.BatchNorm(2), nn.Dropout(0.5, rng=3), nn.Layer(2, 1, "linear", init=nn.init.constant(weight)),
        nn.Layer(1, 1, "linear", init=nn.init.constant(weight)),
    )  # fmt: skip


def without_norm(weight):
    return nn.Sequential(*huge(weight).layers[1:])


def poisoned():
    model = without_norm(1.0)
    model.layers[1].bias[0].data = math.nan
    return model


AWAY = {  # model, loss, lr, message
    "a gate of the model": (lambda: huge(1e200), "mse", 0.1, r"dot\(.*\) of module Sequential.3\[\d\] = -?inf"),
    "a gate of one example": (lambda: without_norm(1e200), "mse", 0.1, r" of module Sequential.2\[\d\] = -?inf"),
    "the loss": (lambda: without_norm(1e80), "mse", 0.1, r"training stopped in epoch 0, batch 0: power\(.*e\+160, 2"),
    "a parameter": (poisoned, "mse", 0.1, r"the parameter Value\(data=nan"),
    "the gradient": (
        lambda: without_norm(0.0), lambda out, y: functional.sqrt(out[0] * out[0]) + nn.mse(out, y), 0.1,
        r"the gradient of 1 is not finite in epoch 0, batch 0: .*sqrt\(.*0.*\)(?!.*lr)",
    ),
    "the update": (lambda: huge(1e5), "mse", 1e308, "the update in epoch 0, batch 0 is not finite: a smaller lr"),
    "in a later batch": (lambda: huge(1.0), "mse", 1e80, r"in epoch \d, batch [01]"),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("make", "loss", "rate", "message"), AWAY.values(), ids=AWAY)
def test_what_runs_away_is_told_in_the_same_words_and_the_model_is_as_before_that_batch(make, loss, rate, message):
    def told(compiled):
        model = make()
        optimizer = optim.SGD(model.parameters(), lr=rate, momentum=0.5)
        with pytest.raises(FloatingPointError) as caught:
            quiet(model, loss, X, Y, optimizer, 9, 4, rng=0, schedule=lambda epoch: 1.0, compiled=compiled)
        assert optimizer.param_groups[0]["lr"] == rate
        drawn = [one.rng.random() for one in model.modules() if isinstance(one, nn.Dropout)]
        state = {name: array.tolist() for name, array in model.state_dict().items()}
        return str(caught.value), state, optimizer.state_dict(), drawn

    (ours, *left), (theirs, *expected) = told(True), told(False)
    assert re.search(message, ours)
    assert re.sub(r"[\d.]+(e[+-]\d+)?", "#", ours) == re.sub(r"[\d.]+(e[+-]\d+)?", "#", theirs)
    assert_alike(str(left), str(expected)) if make is poisoned else assert_alike(left, expected)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("mse", r"validation stopped in epoch 0: power\(1e\+200, 2"),
        (lambda out, y: out[0] * (y[0] + 1e300), "the validation loss is inf in epoch 0"),
    ],
)
def test_validation_that_overflows_names_the_epoch(loss, message):
    model = nn.MLP(1, [1], init=nn.init.constant(1.0))
    with pytest.raises(FloatingPointError, match=message):
        quiet(model, loss, [[1.0]], [0.0], optim.SGD(model.parameters(), 0.0), 2, validation=([[1e200]], [0.0]),
              compiled=True)  # fmt: skip
    assert model.training


def test_a_gradient_that_only_arrays_make_nan_is_told_with_the_remedy():
    """In a branch that is not taken, and there with an infinite derivative; the remedy is one."""

    def trained(loss, compiled):
        model = nn.MLP(1, [1], init=nn.init.constant(0.0))
        return quiet(model, loss, [[1.0], [2.0]], [0.0, 0.0], optim.SGD(model.parameters()), 1, rng=0,
                     compiled=compiled)  # fmt: skip

    def infinite(out, y):
        return functional.where(out[0], functional.sqrt(out[0]), 0.0) + out[1]

    def chosen(out, y):
        return functional.where(out[0], functional.sqrt(functional.where(out[0], out[0], 1.0)), 0.0) + out[1]

    with pytest.raises(
        FloatingPointError, match=r"in epoch 0, batch 0, only as it is compiled.*sqrt\(where\(c, x, 1.0\)\)"
    ):
        trained(infinite, True)
    assert trained(chosen, True) == trained(chosen, False) == trained(infinite, False)


# ---- Ctrl-C ---------------------------------------------------------------------------------------------------------


class Pressing(optim.Adam):
    """Presses Ctrl-C in the middle of the given updates."""

    presses: tuple[int, ...] = ()
    updates = 0

    def update(self, gradient, state, settings):
        self.updates += 1
        found = super().update(gradient, state, settings)
        for _ in range(self.presses.count(self.updates)):
            os.kill(os.getpid(), signal.SIGINT)
        return found


@pytest.mark.parametrize(("presses", "updates"), [((1,), 1), ((4,), 4), ((6,), 6), ((1, 1), 0), ((6, 6), 5)])
def test_ctrl_c_once_finishes_the_batch_and_twice_takes_it_back(presses, updates):
    """Four batches an epoch; an optimizer with one group makes one update for each."""

    def interrupted(presses):
        model = mlp()
        optimizer = Pressing(model.parameters())
        optimizer.presses = presses
        history = quiet(model, "mse", X, Y, optimizer, 3, 2, metrics={"n": lambda *_: 1.0}, rng=0, compiled=True)
        return model, optimizer, history

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        model, optimizer, history = interrupted(presses)
    finally:
        signal.signal(signal.SIGINT, before)
    assert history.stopped == "interrupted"
    lists = [history.loss, history.learning_rate, *history.gradient_norm.values(), *history.metrics.values()]
    assert {len(figures) for figures in lists} == {updates // 4}
    by_hand, order = mlp(), np.random.default_rng(0)
    adam = optim.Adam(by_hand.parameters())
    rows = [part for _ in range(3) for part in np.split(order.permutation(len(X)), [2, 4, 6])]
    for part in rows[:updates]:
        adam.zero_grad()
        nn.mse(by_hand(X[part]), [Y[row] for row in part]).backward()
        adam.step()
    assert_alike([one.data for one in model.parameters()], [one.data for one in by_hand.parameters()])
    assert_alike(optimizer.state_dict()["state"], adam.state_dict()["state"])


def test_an_interrupt_while_it_is_recorded_ends_training():
    def loss(outputs, targets):
        raise KeyboardInterrupt

    model = mlp()
    history = quiet(model, loss, X, Y, "sgd", 3, compiled=True)
    assert (history.stopped, history.loss) == ("interrupted", [])

"""The training loop: what an epoch does to the bit, what the history says of it, how it ends, and what is refused."""

import copy
import functools
import io
import math
import os
import re
import signal
import sys
import threading
from contextlib import nullcontext, suppress
from functools import partial

import numpy as np
import pytest

from microgradnn import History, Value, accuracy, fit, functional, nn, no_grad, optim
from microgradnn.nn.losses import LOSSES
from microgradnn.optim import OPTIMIZERS
from microgradnn.training.run import Run

INF, NAN = math.inf, math.nan
X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, -1.0], [-1.0, 0.25], [2.0, 0.5]]
Y = [0.0, 1.0, 1.0, 0.0, 0.5, -0.75, 1.5]
CLASSES = [0, 1, 2, 0, 1, 2, 0]
quiet = partial(fit, progress=False)


def mlp(*nouts, nin=2, activation="tanh"):
    return nn.MLP(nin, nouts or (3, 1), activation=activation, rng=0)


def numbers(model):
    """The whole state as plain numbers: parameters and running statistics."""
    return {name: array.tolist() for name, array in model.state_dict().items()}


def norm(leaves):
    return math.sqrt(sum(leaf.grad**2 for leaf in leaves))


class Watched(nn.Module):
    """A layer that notes each batch it sees: how many examples, in training or not, recorded or not."""

    def __init__(self, nin=1):
        self.inner = nn.Layer(nin, 1, activation="linear", rng=0)
        self.seen = []

    def forward_batch(self, batch):
        out = self.inner.run(batch)
        self.seen.append((batch, self.training, bool(out[0][0].operands)))
        return out


# ---- one step, one epoch --------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 1, 2, 3, 7])
def test_fit_is_the_loop_written_by_hand_to_the_bit(batch_size):
    """Note 003: forward, backward, update, batch by batch, in an order that rng draws."""
    model, by_hand = mlp(), mlp()
    history = quiet(model, "mse", X, Y, optim.SGD(model.parameters(), lr=0.1), 3, batch_size, rng=5)
    optimizer, rng, losses = optim.SGD(by_hand.parameters(), lr=0.1), np.random.default_rng(5), []
    for _ in range(3):
        order, parts = rng.permutation(len(X)).tolist(), []
        for start in range(0, len(X), batch_size or len(X)):
            rows = order[start : start + (batch_size or len(X))]
            optimizer.zero_grad()
            loss = nn.mse(by_hand([X[row] for row in rows]), [Y[row] for row in rows])
            loss.backward()
            optimizer.step()
            parts.append(loss.data * len(rows))
        losses.append(sum(parts) / len(X))
    assert numbers(model) == numbers(by_hand)
    assert history.loss == losses
    assert numbers(model) != numbers(mlp())


@pytest.mark.parametrize(("batch_size", "sizes"), [(None, [7]), (7, [7]), (3, [3, 3, 1]), (1, [1] * 7)])
def test_the_batches_of_an_epoch_part_the_data(batch_size, sizes):
    model, data = Watched(), [[float(place)] for place in range(7)]
    quiet(model, lambda out, y: nn.mse(out, y), data, Y, "sgd", 2, batch_size, rng=0)
    batches = [batch for batch, training, _ in model.seen if training]
    assert [len(batch) for batch in batches] == sizes * 2
    first, second = (
        [row for batch in half for row in batch] for half in (batches[: len(sizes)], batches[len(sizes) :])
    )
    assert sorted(first) == sorted(second) == data
    assert first != data
    assert first != second


def test_inputs_and_targets_stay_together():
    pairs = []

    def loss(outputs, targets):
        pairs.extend(zip([out.data for out in outputs], targets, strict=True))
        return nn.mse(outputs, targets)

    model = nn.MLP(1, [1], init=nn.init.constant(1.0))
    quiet(model, loss, [[1.0], [2.0], [3.0]], [10.0, 20.0, 30.0], optim.SGD(model.parameters(), lr=0.0), 4, 2, rng=1)
    assert len(pairs) == 12
    assert all(target == 10 * out for out, target in pairs)


def test_the_same_seed_gives_the_same_run_and_another_another():
    def run(rng):
        model = mlp()
        return quiet(model, "mse", X, Y, "adam", 3, 2, rng=rng), numbers(model)

    assert run(3) == run(3) == run(np.random.default_rng(3))
    assert run(3) != run(4)


def test_a_generator_goes_on_where_it_was():
    rng, twice, once = np.random.default_rng(0), mlp(), mlp()
    for _ in range(2):
        quiet(twice, "mse", X, Y, "sgd", 2, 3, rng=rng)
    quiet(once, "mse", X, Y, "sgd", 4, 3, rng=0)
    assert numbers(twice) == numbers(once)


@pytest.mark.parametrize("convert", [np.array, tuple, lambda rows: np.array(rows, dtype=np.float32)])
def test_arrays_and_tuples_are_lists(convert):
    ours, theirs = mlp(), mlp()
    data = [[0.5, 1.0], [2.0, -0.25]]
    quiet(ours, "mse", data, [1.0, 0.0], "sgd", 2, rng=0)
    quiet(theirs, "mse", convert(data), convert([1.0, 0.0]), "sgd", 2, rng=0)
    assert numbers(ours) == numbers(theirs)


def test_one_feature_may_come_without_brackets():
    ours, theirs = mlp(nin=1), mlp(nin=1)
    quiet(ours, "mse", [1.0, 2.0, 3.0], [1.0, 0.0, 1.0], "sgd", 2, rng=0)
    quiet(theirs, "mse", [[1.0], [2.0], [3.0]], [1.0, 0.0, 1.0], "sgd", 2, rng=0)
    assert numbers(ours) == numbers(theirs)


# ---- the history ----------------------------------------------------------------------------------------------


def test_every_list_of_the_history_has_one_number_an_epoch():
    model = mlp(4, 3)
    history = quiet(model, "cross_entropy", X, CLASSES, "adam", 5, 3, (X, CLASSES), metrics={"right": accuracy}, rng=0)
    lists = [history.loss, history.validation_loss, history.learning_rate, history.metrics["right"],
             history.validation_metrics["right"], *history.gradient_norm.values()]  # fmt: skip
    assert [len(figures) for figures in lists] == [5] * 7
    assert all(type(figure) is float for figures in lists for figure in figures)
    assert list(history.gradient_norm) == ["0", "2"]
    assert history.stopped == ""


def test_without_validation_and_metrics_their_lists_are_empty():
    history = quiet(mlp(), "mse", X, Y, "sgd", 2)
    assert (history.validation_loss, history.metrics, history.validation_metrics) == ([], {}, {})
    assert History() == History([], [], {}, {}, [], {}, "")


def test_gradient_norms_are_those_of_a_sweep_by_hand():
    model, by_hand = mlp(), mlp()
    history = quiet(model, "mse", X, Y, "sgd", 1)
    nn.mse(by_hand(X), Y).backward()
    for path, layer in by_hand.named_children():
        assert history.gradient_norm[path] == [pytest.approx(norm(layer.parameters()), rel=1e-12)]


def test_gradient_norms_are_the_mean_over_the_batches():
    model = mlp()
    history = quiet(model, "mse", X, Y, optim.SGD(model.parameters(), lr=0.0), 1, 2, rng=1)
    order, norms = np.random.default_rng(1).permutation(len(X)).tolist(), []
    for start in range(0, len(X), 2):
        rows = order[start : start + 2]
        model.zero_grad()
        nn.mse(model([X[row] for row in rows]), [Y[row] for row in rows]).backward()
        norms.append(norm(model.layers[0].parameters()))
    assert history.gradient_norm["0"] == [pytest.approx(np.mean(norms), rel=1e-12)]


def test_layers_that_are_not_trained_stay_and_their_gradients_do_not_pile_up():
    model = mlp()
    first, before = model.layers[0], numbers(model)
    last = optim.SGD(model.layers[1].parameters(), lr=0.0)
    history = quiet(model, "mse", X, Y, last, 4)
    assert history.gradient_norm["0"] == pytest.approx([norm(first.parameters())] * 4)
    assert numbers(model) == before


def test_the_optimizer_may_hold_a_parameter_of_the_loss_too():
    """Its gradient starts anew in every batch as well."""
    model, scale = mlp(), Value(1.0)
    optimizer = optim.SGD([*model.parameters(), scale], lr=0.0)
    quiet(model, lambda outputs, targets: nn.mse(outputs, targets) * scale, X, Y, optimizer, 3)
    assert scale.grad == pytest.approx(nn.mse(model(X), Y).data)


def test_the_loss_of_an_epoch_is_the_mean_over_its_examples_penalty_included():
    model = mlp()
    plain = nn.mse(model(X), Y).data
    still = optim.SGD(model.parameters(), lr=0.0)
    assert quiet(model, "mse", X, Y, still, 1, 3).loss == [pytest.approx(plain)]
    history = quiet(model, "mse", X, Y, still, 1, 3, (X, Y), penalty=lambda model: nn.l2(model, 0.5))
    assert history.loss == [pytest.approx(plain + nn.l2(model, 0.5).data)]
    assert history.validation_loss == [pytest.approx(plain)]


def test_a_penalty_is_weight_decay():
    """½ λ Σ w² in the loss and λ in the optimiser give the same descent, biases and all."""
    penalised, decayed = mlp(), mlp()
    quiet(penalised, "mse", X, Y, optim.SGD(penalised.parameters(), 0.1), 4, 3, rng=0,
          penalty=lambda model: nn.l2(model, 0.3, biases=True))  # fmt: skip
    quiet(decayed, "mse", X, Y, optim.SGD(decayed.parameters(), 0.1, weight_decay=0.3), 4, 3, rng=0)
    for name, array in penalised.state_dict().items():
        assert array == pytest.approx(decayed.state_dict()[name], rel=1e-12)


def test_metrics_see_the_outputs_and_targets_of_the_whole_epoch():
    seen, model, places = [], mlp(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]

    def metric(outputs, targets):
        seen.append((outputs, targets))
        return len(outputs)

    still = optim.SGD(model.parameters(), lr=0.0)
    history = quiet(model, "mse", X, places, still, 1, 2, (X[:3], [0, 1, 2]), metrics={"count": metric}, rng=0)
    expected = [out.data for out in model(X)]
    (outputs, targets), held_out = seen
    assert sorted(targets) == places
    assert outputs == [expected[int(place)] for place in targets]
    assert held_out == (expected[:3], [0.0, 1.0, 2.0])
    assert (history.metrics, history.validation_metrics) == ({"count": [7.0]}, {"count": [3.0]})


@pytest.mark.parametrize(
    ("outputs", "targets", "part"),
    [
        ([[0.1, 2.0], [3.0, 1.0]], [1, 1], 0.5),
        ([[0.1, 2.0, 1.0]], [1.0], 1.0),
        ([[0.1, 2.0], [3.0, 1.0]], [[0.0, 1.0], [0.9, 0.1]], 1.0),
        ([0.3, -2.0, 0.0, 1.0], [1, 0, 1, 0], 0.5),
        ([0.3, -2.0], [1, -1], 1.0),
        ([0.3, -2.0], [[1.0], [1.0]], 0.5),
        ([Value(0.3), Value(-2.0)], [0, 0], 0.5),
        ([[Value(0.3), Value(-2.0)]], [0], 1.0),
        (np.array([[0.1, 2.0], [3.0, 1.0]]), np.array([1, 0]), 1.0),
        (np.array([0.1, -2.0]), np.array([0.0, 0.0]), 0.5),
        ([math.nan, math.nan, Value(math.nan)], [0, 1, -1], 0.0),
        ([[math.nan, 1.0], [1.0, math.nan], [1.0, Value(math.nan)]], [0, 0, 1], 0.0),
    ],
)
def test_accuracy_is_by_the_largest_score_or_the_sign_of_one(outputs, targets, part):
    assert accuracy(outputs, targets) == part


@pytest.mark.parametrize(("outputs", "targets"), [([], []), ([1.0], []), ([1.0, 2.0], [1])])
def test_accuracy_needs_a_target_for_each_output(outputs, targets):
    with pytest.raises(ValueError, match="accuracy needs a target for each output"):
        accuracy(outputs, targets)


# ---- learning rates, losses and optimisers --------------------------------------------------------------------


def test_a_schedule_scales_the_learning_rate_of_every_epoch_and_it_comes_back():
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.4)
    history = quiet(model, "mse", X, Y, optimizer, 5, schedule=optim.StepDecay(every=2))
    assert history.learning_rate == [0.4, 0.4, 0.2, 0.2, 0.1]
    assert optimizer.param_groups[0]["lr"] == 0.4


def test_groups_keep_their_proportions_under_a_schedule():
    model, by_hand = mlp(), mlp()

    def groups(model):
        first, last = (layer.parameters() for layer in model.layers)
        return optim.SGD([{"params": first, "lr": 0.3}, {"params": last}], lr=0.1)

    optimizer, other = groups(model), groups(by_hand)
    history = quiet(model, "mse", X, Y, optimizer, 3, schedule=lambda epoch: 1 / (1 + epoch), rng=0)
    rng = np.random.default_rng(0)
    for epoch in range(3):
        order = rng.permutation(len(X)).tolist()
        for group, rate in zip(other.param_groups, (0.3, 0.1), strict=True):
            group["lr"] = rate * (1 / (1 + epoch))
        by_hand.zero_grad()
        nn.mse(by_hand([X[row] for row in order]), [Y[row] for row in order]).backward()
        other.step()
    assert numbers(model) == numbers(by_hand)
    assert [group["lr"] for group in optimizer.param_groups] == [0.3, 0.1]
    assert history.learning_rate == [0.3, 0.3 * 0.5, 0.3 * (1 / 3)]


@pytest.mark.parametrize("factor", [-1.0, NAN, INF])
def test_a_factor_that_makes_no_learning_rate_is_refused_and_the_rate_comes_back(factor):
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="lr in epoch 1 must be a finite number ≥ 0, got "):
        quiet(model, "mse", X, Y, optimizer, 3, schedule=lambda epoch: factor if epoch else 1.0)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert model.training


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_by_name_has_its_own_defaults(name):
    named, built = mlp(), mlp()
    quiet(named, "mse", X, Y, name, 2, rng=0)
    quiet(built, "mse", X, Y, OPTIMIZERS[name](built.parameters()), 2, rng=0)
    assert numbers(named) == numbers(built) != numbers(mlp())


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_by_name_is_its_function(name):
    of_classes = name in ("cross_entropy", "nll_loss", "multiclass_hinge")
    labels = CLASSES if of_classes else [1, -1] * 3 + [1] if name == "hinge" else [0, 1] * 3 + [0]
    nout = 3 if of_classes else 1
    named, function = (nn.Sequential(nn.Layer(2, nout, "sigmoid", rng=0)) for _ in range(2))
    histories = [
        quiet(model, loss, X, labels, optim.SGD(model.parameters(), 0.05), 2, 3, (X, labels), rng=0)
        for model, loss in [(named, name), (function, LOSSES[name])]
    ]
    assert histories[0] == histories[1]
    assert numbers(named) == numbers(function)


def test_a_loss_may_be_written_with_the_methods_of_values():
    """Also where nothing is recorded, in validation."""

    def svm(outputs, targets):
        return sum((1 - y * out).relu() for out, y in zip(outputs, targets, strict=True)) * (1 / len(targets))

    model, other = mlp(), mlp()
    labels = [1, -1] * 3 + [1]
    ours = quiet(model, svm, X, labels, optim.SGD(model.parameters(), 0.1), 3, 3, (X, labels), rng=0)
    theirs = quiet(other, "hinge", X, labels, optim.SGD(other.parameters(), 0.1), 3, 3, (X, labels), rng=0)
    assert ours.loss == pytest.approx(theirs.loss)
    assert ours.validation_loss == pytest.approx(theirs.validation_loss)


def test_targets_may_be_rows():
    """An auto-encoder (note 002): the output is the input."""
    model = nn.MLP(2, [2], rng=0)
    history = quiet(model, "mse", X, X, optim.Adam(model.parameters(), lr=0.05), 60, 3, rng=0)
    assert history.loss[-1] < 0.01 < history.loss[0]


def test_a_module_of_ones_own_learns():
    class Line(nn.Module):
        def __init__(self):
            self.slope, self.offset = Value(0.0), Value(0.0)

        def forward(self, x):
            return self.slope * x[0] + self.offset

    model, data = Line(), [[-1.0], [0.0], [1.0], [2.0]]
    history = quiet(model, "mse", data, [-1.0, 1.0, 3.0, 5.0], optim.SGD(model.parameters(), lr=0.1), 200)
    assert (model.slope.data, model.offset.data) == pytest.approx((2.0, 1.0), abs=1e-6)
    assert list(history.gradient_norm) == ["Line"]


# ---- validation and early stopping ----------------------------------------------------------------------------


def test_validation_is_in_use_and_records_nothing():
    model = Watched()
    quiet(model, "mse", [[1.0], [2.0]], [1.0, 0.0], "sgd", 2, validation=([[3.0]] * 3, [0.0] * 3))
    assert [(len(batch), *how) for batch, *how in model.seen if len(batch) > 1] == [
        (2, True, True), (3, False, False), (2, True, True), (3, False, False),
    ]  # fmt: skip


def test_validation_of_dropout_and_batch_norm_uses_the_statistics_and_leaves_them():
    def run(validation):
        drop = nn.Dropout(0.5, rng=0)
        model = nn.Sequential(nn.Layer(2, 4, rng=1), nn.BatchNorm(4), drop, nn.Layer(4, 1, "linear", rng=2))
        history = quiet(model, "mse", X, Y, optim.SGD(model.parameters(), 0.1), 2, 4, validation, rng=0)
        return model, history, drop.rng.random()

    (model, history, drawn), (other, _, also_drawn) = run((X[:1], Y[:1])), run(None)
    assert numbers(model) == numbers(other)
    assert drawn == also_drawn
    assert model.state_dict()["1.num_batches_tracked"] == 4
    assert history.validation_loss[-1] == nn.mse(model.eval()(X[:1]), Y[:1]).data


@pytest.mark.parametrize("training", [True, False])
def test_modes_are_left_as_they_were_found(training):
    model = nn.Sequential(nn.Layer(2, 3, rng=0), nn.Dropout(0.5, rng=0), nn.Layer(3, 1, rng=0)).train(training)
    model.layers[1].training = not training
    quiet(model, "mse", X, Y, "sgd", 1, validation=(X, Y))
    assert [module.training for module in (model, *model.layers)] == [training, training, not training, training]


def weight_after(losses, patience):
    """Train one weight that falls by 1 an epoch from 0, with the given validation losses."""
    model = nn.MLP(1, [1], init=nn.init.constant(0.0))
    given = iter(losses)

    def loss(outputs, targets):
        if outputs[0].operands:
            return outputs[0]  # its slope is 1
        return next(given)

    optimizer = optim.SGD([{"params": model.layers[0].weight[0], "lr": 1.0}])
    data = [[1.0]], [0.0]
    history = quiet(model, loss, *data, optimizer, len(losses), validation=data, early_stopping=patience)
    return model.layers[0].weight[0][0].data, history


@pytest.mark.parametrize(
    ("losses", "patience", "best", "epochs", "stopped"),
    [
        ([5.0, 4.0, 3.0, 2.0], 1, 4, 4, ""),
        ([5.0, 4.0, 6.0, 1.0], 1, 2, 3, "early"),
        ([5.0, 4.0, 6.0, 1.0], 2, 4, 4, ""),
        ([5.0, 6.0, 5.5, 5.2, 1.0], 3, 1, 4, "early"),
        ([5.0, 5.0, 5.0, 5.0], 2, 1, 3, "early"),
        ([3.0, 2.0, 4.0], 1, 2, 3, "early"),
        ([3.0, 2.0, 4.0], 9, 2, 3, ""),
    ],
)
def test_early_stopping_waits_and_the_best_weights_come_back(losses, patience, best, epochs, stopped):
    weight, history = weight_after(losses, patience)
    assert weight == -best
    assert (len(history.validation_loss), history.stopped) == (epochs, stopped)


def test_early_stopping_brings_the_running_statistics_back_too():
    seen = []
    model = nn.Sequential(nn.BatchNorm(2), nn.Layer(2, 1, "linear", rng=0))

    def loss(outputs, targets):
        if outputs[0].operands:
            return nn.mse(outputs, targets)
        seen.append(numbers(model))
        return abs(len(seen) - 2.0)

    history = quiet(model, loss, X, Y, "adam", 9, 4, (X, Y), early_stopping=3, rng=0)
    assert history.stopped == "early"
    assert len(seen) == 5
    assert numbers(model) == seen[1]


# ---- Ctrl-C ---------------------------------------------------------------------------------------------------


def press():
    os.kill(os.getpid(), signal.SIGINT)


def states_of(model, epochs, batch_size, optimizer=optim.Adam):
    """The states after 0, 1, 2 … updates of a run that nobody disturbs."""
    found = [numbers(model)]

    def loss(outputs, targets):
        if found[-1] != numbers(model):
            found.append(numbers(model))
        return nn.mse(outputs, targets)

    quiet(model, loss, X, Y, optimizer(model.parameters()), epochs, batch_size, rng=0)
    return [*found, numbers(model)]


@pytest.fixture
def handler():
    """Python's own way with Ctrl-C before and after."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    found = signal.signal(signal.SIGINT, before)
    assert found is signal.default_int_handler


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5, 8])
@pytest.mark.usefixtures("handler")
def test_ctrl_c_ends_training_after_the_batch_under_way(call):
    """Four batches an epoch: the key is pressed in the given one, and that one is finished."""
    model, calls = mlp(), []

    def loss(outputs, targets):
        calls.append(1)
        if len(calls) == call:
            press()
        return nn.mse(outputs, targets)

    history = quiet(model, loss, X, Y, optim.Adam(model.parameters()), 5, 2, metrics={"n": lambda *_: 1.0}, rng=0)
    assert numbers(model) == states_of(mlp(), 5, 2)[call]
    assert history.stopped == "interrupted"
    lists = [history.loss, history.learning_rate, *history.gradient_norm.values(), *history.metrics.values()]
    assert {len(figures) for figures in lists} == {call // 4}


@pytest.mark.usefixtures("handler")
def test_a_second_ctrl_c_ends_training_at_once_and_leaves_no_update_half_done():
    """Pressed twice in the middle of an update, or in a forward that has moved the running statistics."""

    class Slow(optim.SGD):
        def update(self, *of_parameter):
            if pressed:
                pressed.append(1)
                press()
            return super().update(*of_parameter)

    model, pressed = mlp(), []
    history = quiet(model, "mse", X, Y, optimizer := Slow(model.parameters(), lr=0.1), 1, rng=0)
    before, pressed = numbers(model), [1]
    history = quiet(model, "mse", X, Y, optimizer, 5, rng=0)
    assert (history.stopped, history.loss, len(pressed)) == ("interrupted", [], 3)
    assert numbers(model) == before

    def loss(outputs, targets):
        press()
        press()
        return nn.mse(outputs, targets)

    model = nn.Sequential(nn.BatchNorm(2), nn.Layer(2, 1, "linear", rng=0))
    before = numbers(model)
    assert quiet(model, loss, X, Y, "sgd", 5).stopped == "interrupted"
    assert numbers(model) == before


@pytest.mark.usefixtures("handler")
def test_ctrl_c_from_outside_at_any_moment():
    model = mlp(8, 1)
    states = []

    timer = threading.Timer(0.1, press)

    def loss(outputs, targets):
        if not states:
            timer.start()
        states.append(numbers(model))
        return nn.mse(outputs, targets)

    try:
        history = quiet(model, loss, X, Y, "adam", 1_000_000, 2, rng=0)
    finally:
        timer.cancel()
    assert history.stopped == "interrupted"
    assert numbers(model) not in states  # the batch under way was finished
    assert numbers(model) == states_of_many(len(states))
    assert {len(history.loss), len(history.learning_rate)} == {len(states) // 4}


def states_of_many(updates):
    model = mlp(8, 1)
    optimizer, rng = optim.Adam(model.parameters()), np.random.default_rng(0)
    while True:
        order = rng.permutation(len(X)).tolist()
        for start in range(0, len(X), 2):
            if not updates:
                return numbers(model)
            rows, updates = order[start : start + 2], updates - 1
            optimizer.zero_grad()
            nn.mse(model([X[row] for row in rows]), [Y[row] for row in rows]).backward()
            optimizer.step()


def interrupt(*_):
    raise KeyboardInterrupt


def in_third_call(function):
    calls = []

    def wrapped(*arguments):
        calls.append(1)
        return interrupt() if len(calls) == 3 else function(*arguments)

    return wrapped


@pytest.mark.parametrize(
    ("settings", "epochs"),
    [
        ({"loss": in_third_call(nn.mse)}, 1),  # training, validation, training
        ({"loss": in_third_call(nn.mse), "validation": None}, 2),
        ({"metrics": {"one": lambda *_: 1.0, "two": in_third_call(lambda *_: 1.0)}}, 1),
        ({"schedule": in_third_call(lambda epoch: 1.0)}, 2),
        ({"penalty": in_third_call(lambda model: nn.l2(model, 0.1))}, 2),
        ({"on_epoch": in_third_call(lambda *_: None)}, 3),
    ],
)
def test_an_interrupt_raised_by_a_function_of_ones_own_ends_training_too(settings, epochs):
    model = nn.Sequential(nn.Layer(2, 3, rng=0), nn.Dropout(0.0), nn.Layer(3, 1, "linear", rng=1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = quiet(model, **{"loss": "mse", "X": X, "y": Y, "optimizer": optimizer, "epochs": 5, "validation": (X, Y),
                              **settings})  # fmt: skip
    assert history.stopped == "interrupted"
    lists = [history.loss, history.learning_rate, *history.gradient_norm.values(), *history.metrics.values()]
    if settings.get("validation", True):
        lists += [history.validation_loss, *history.validation_metrics.values()]
    assert {len(figures) for figures in lists} == {epochs}
    assert all(module.training for module in model.modules())
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.usefixtures("handler")
def test_an_interrupt_with_early_stopping_brings_the_best_weights_back():
    model, states = mlp(), []

    def loss(outputs, targets):
        if outputs[0].operands:
            if len(states) == 3:
                press()
            return nn.mse(outputs, targets)
        states.append(numbers(model))
        return [3.0, 1.0, 2.0, 2.5][len(states) - 1]

    history = quiet(model, loss, X, Y, "adam", 9, validation=(X, Y), early_stopping=5)
    assert (history.stopped, len(states)) == ("interrupted", 4)
    assert numbers(model) == states[1]


def test_an_interrupt_between_two_epochs_leaves_figures_and_state_of_the_same_one(monkeypatch):
    """Of the second epoch the figures are noted when it comes, and the state is not."""
    monkeypatch.setattr(Run, "snapshot", in_call(5, Run.snapshot, KeyboardInterrupt))
    history = quiet(mlp(), "mse", X, Y, "sgd", 3, metrics={"n": lambda *_: 1.0}, rng=0)
    assert history.stopped == "interrupted"
    assert {len(figures) for _, figures in history.lists()} == {0, 1}  # 0 of validation
    assert history.state.epochs == 1


@pytest.mark.parametrize("presses", [1, 2, 3])
@pytest.mark.usefixtures("handler")
def test_ctrl_c_while_things_are_left_in_order_is_told_and_cuts_nothing_short(presses):
    model, finished = mlp(), []

    class Pressing(optim.Adam):
        def state_dict(self):
            for _ in range(presses * len(finished)):
                press()
            return super().state_dict()

    optimizer = Pressing(model.parameters())
    history = quiet(model, "mse", X, Y, optimizer, 2, rng=0, on_epoch=lambda model, history: (
        finished.append(1) if len(history.loss) == 2 else None))  # fmt: skip
    assert (history.stopped, history.state.epochs) == ("interrupted", 2)
    assert numbers(model) == states_of(mlp(), 2, None)[-1]


def test_a_handler_of_someone_else_stays_in_charge():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append("pressed"))
    try:
        mine = signal.getsignal(signal.SIGINT)

        def loss(outputs, targets):
            assert signal.getsignal(signal.SIGINT) is mine
            press()
            return nn.mse(outputs, targets)

        assert quiet(mlp(), loss, X, Y, "sgd", 2).stopped == ""
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["pressed"] * 2


def test_it_trains_in_any_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(quiet(mlp(), "mse", X, Y, "adam", 3, 2, rng=0)))
    thread.start()
    thread.join()
    assert found == [quiet(mlp(), "mse", X, Y, "adam", 3, 2, rng=0)]


# ---- numbers that run away ------------------------------------------------------------------------------------


def with_norm():
    """A network whose running statistics could be spoilt."""
    return nn.Sequential(nn.BatchNorm(2), nn.Layer(2, 1, "linear", rng=0))


def in_second_epoch(spoilt):
    """A loss that goes wrong in the second batch of the second epoch, of two an epoch."""
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        return spoilt(outputs, targets) if len(calls) == 4 else nn.mse(outputs, targets)

    return loss


RUN_AWAY = {
    "overflow": (lambda out, y: functional.exp(out[0] * 0.0 + 1000.0), r"exp\(1000.0\)"),
    "power": (lambda out, y: (out[0] * 0.0 + 1e200) ** 2, r"power\(1e\+200, 2"),
    "division by zero": (lambda out, y: 1 / (out[0] * 0.0), r"\(.*0.0\): .*zero"),
    "inf": (lambda out, y: (out[0] * 0.0 + 1e300) * 1e300, r"the loss is inf .* multiply\(1e\+300, 1e\+300\) = inf"),
    "nan": (lambda out, y: out[0] * NAN, r"the loss is nan .* multiply\(.*, nan\) = nan"),
    "minus inf": (lambda out, y: out[0] * 0.0 - INF, r"the loss is -inf .* (subtract|add)\(.*inf\) = -inf"),
    "the first of many": (lambda out, y: nn.mse([out[0] * NAN, *out[1:]], y), r"first .* is multiply\(.*, nan\) = nan"),
    "the gradient": (
        lambda out, y: functional.sqrt(out[0] - out[0]) + nn.mse(out, y),
        r"the gradient of 0 is not finite .*sqrt\(0.0\) has the derivative inf$",
    ),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("spoilt", "message"), RUN_AWAY.values(), ids=RUN_AWAY)
def test_a_loss_that_is_not_finite_names_epoch_batch_and_gate_and_the_model_is_as_before(spoilt, message):
    model, states = with_norm(), []

    class Noting(optim.SGD):
        def step(self):
            super().step()
            states.append(numbers(model))

    optimizer = Noting(model.parameters(), lr=0.1)
    with pytest.raises(FloatingPointError, match="epoch 1, batch 1") as caught:
        quiet(model, in_second_epoch(spoilt), X, Y, optimizer, 5, 4, rng=0, schedule=optim.StepDecay(1))
    assert re.search(message, str(caught.value))
    assert len(states) == 3
    assert numbers(model) == states[-1]
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("rate", [1e150, 1e200, 1e308])
def test_a_huge_learning_rate_never_leaves_a_model_that_is_not_finite(rate):
    model, data = nn.MLP(2, [3, 1], rng=0), [[100.0, -50.0], [3.0, 1e3]]
    with pytest.raises(FloatingPointError, match=r"in epoch \d, batch 0"):
        quiet(model, "mse", data, [1e3, -1e3], optim.SGD(model.parameters(), lr=rate), 9)
    assert all(math.isfinite(parameter.data) for parameter in model.parameters())


def test_an_update_that_is_not_finite_is_taken_back_also_the_last_one():
    model = nn.MLP(2, [1], rng=0)
    before = numbers(model)
    with pytest.raises(FloatingPointError, match="the update in epoch 0, batch 0 is not finite: a smaller lr may help"):
        quiet(model, "mse", [[1e3, 1e3]], [1e6], optim.SGD(model.parameters(), lr=1e308), 1)
    assert numbers(model) == before


BORN_BACKWARD = {  # the loss is finite, its gradient is not; what is said of it
    "inf × 0": (lambda out, y: functional.sqrt(out[0] * out[0]), r"sqrt\(.*\)"),
    "inf": (lambda out, y: functional.sqrt(out[0]), r"sqrt\(.*\)"),
    "nan": (lambda out, y: functional.atan2(out[0], out[0]), r"atan2\(.*\)"),
    "of many": (lambda out, y: nn.mse(out, y) + functional.sqrt(out[1] ** 2), r"sqrt\(.*\)"),
    "a penalty": (None, r"sqrt\(.*\)"),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("loss", "gate"), BORN_BACKWARD.values(), ids=BORN_BACKWARD)
def test_a_gradient_that_is_not_finite_names_the_gate_and_no_remedy_that_is_none(loss, gate, compiled):
    """No learning rate helps where a derivative is infinite, also where the loss has grown by chance."""
    model = nn.MLP(2, [1], init=nn.init.constant(0.0))
    settings = {} if loss else {"penalty": lambda model: functional.sqrt(sum(w * w for w in model.weights()))}
    with pytest.raises(FloatingPointError, match=r"the gradient of 0 is not finite in epoch 0, batch 0: ") as caught:
        quiet(model, loss or "mse", X, Y, "sgd", 1, compiled=compiled, **settings)
    assert re.search(gate, str(caught.value))
    assert "lr" not in str(caught.value)
    assert all(parameter.data == 0 for parameter in model.parameters())


@pytest.mark.parametrize("compiled", [False, True])
def test_a_nan_is_told_with_the_line_that_made_it(compiled):
    def loss(outputs, targets):
        return nn.mse(outputs, targets) + outputs[0] * NAN

    with pytest.raises(
        FloatingPointError, match=r"the loss is nan in epoch 0, batch 0: multiply\(.*nan\).*outputs\[0\] \* N"
    ):
        quiet(mlp(), loss, X, Y, "sgd", 1, compiled=compiled)


class Kinked(nn.Module):
    """|2y − dropout(y)| by a root, which has no derivative where y is kept."""

    def __init__(self, seed):
        self.layer, self.dropout = nn.Layer(2, 1, "linear", init=nn.init.constant(0.5)), nn.Dropout(0.5, rng=seed)

    def forward(self, x):
        y = self.layer(x)
        rest = 2 * y[0] - self.dropout(y)[0]
        return functional.sqrt(rest * rest)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_batch_is_recorded_again_with_the_same_random_numbers(compiled):
    """The first mask that keeps y is that of the third batch, and the next one would drop it."""
    draws = np.random.default_rng(2).random(4)
    assert (draws >= 0.5).tolist() == [False, False, True, False]
    model = Kinked(2)
    with pytest.raises(
        FloatingPointError, match=r"in epoch 0, batch 2: sqrt\(0.0\) of module Kinked has .* inf, rec.*sqr"
    ):
        quiet(model, "mse", np.array(X) + 3.0, Y, optim.SGD(model.parameters(), lr=0.001), 1, 1, compiled=compiled)
    assert model.dropout.rng.random() == draws[2]  # as before that batch


@pytest.mark.parametrize("compiled", [False, True])
def test_a_loss_that_has_grown_is_told_with_the_remedy(compiled):
    model = nn.MLP(2, [1], rng=0)
    with pytest.raises(FloatingPointError, match=r"; the loss has grown from \d.* to .*: a smaller lr may help$"):
        quiet(model, "mse", X, Y, optim.SGD(model.parameters(), lr=1e4), 500, 3, rng=0, compiled=compiled)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rng", range(4))
def test_a_gradient_that_grew_too_large_blames_the_learning_rate_where_the_loss_grew(rng, compiled):
    """The second example has the large numbers: as the first one of the epoch it has grown from nothing."""
    grown = np.random.default_rng(rng).permutation(2).tolist() == [0, 1]
    model = nn.MLP(2, [1], init=nn.init.constant(0.0))
    with pytest.raises(FloatingPointError, match=r"multiply\(.*, 1e\+200\) hands on 1e\+200 × 1e\+200, rec") as caught:
        quiet(model, lambda out, y: out[0] * y[0] * y[0] + y[0], X[1:3], [1.0, 1e200],
              optim.SGD(model.parameters(), lr=0.0), 1, 1, rng=rng, compiled=compiled)  # fmt: skip
    remedy = "; the loss has grown from 1 to 1e+200: a smaller lr may help"
    assert str(caught.value).endswith(remedy) == ("smaller lr" in str(caught.value)) == grown


def test_without_an_eps_no_learning_rate_is_blamed():
    model = nn.MLP(2, [1], rng=0)
    with pytest.raises(FloatingPointError, match=r"the update .* with eps = 0 it may divide by 0: give an eps > 0$"):
        quiet(model, "mse", [[0.0, 1.0]], [1.0], optim.Adam(model.parameters(), eps=0.0), 1)


def test_a_parameter_that_is_not_finite_is_named():
    model = nn.MLP(2, [1], rng=0)
    model.layers[0].bias[0].data = NAN
    with pytest.raises(FloatingPointError, match=r"nan in epoch 0, batch 0: the parameter Value\(data=nan"):
        quiet(model, "mse", X, Y, "sgd", 1)


def test_the_module_of_the_gate_is_named():
    model = nn.Sequential(nn.Layer(1, 1, "linear", init=nn.init.constant(1e200)), nn.Layer(1, 1, "linear", rng=0))
    model.layers[1].weight[0][0].data = 1e200
    with pytest.raises(FloatingPointError, match=r"dot\(.*\) of module Sequential.1\[\d\] = inf"):
        quiet(model, "mse", [[1.0]], [0.0], "sgd", 1)


def test_validation_that_overflows_names_the_epoch():
    model = nn.MLP(1, [1], init=nn.init.constant(1.0))
    with pytest.raises(FloatingPointError, match=r"validation stopped in epoch 0: power\(.*e\+199, 2"):
        quiet(model, "mse", [[1.0]], [0.0], "sgd", 2, validation=([[1e200]], [0.0]))
    assert model.training


CONSTANT = {  # losses and penalties from which nothing can be learned
    "a number as loss": {"loss": lambda outputs, targets: 3.0},
    "a number as loss beside a penalty": {"loss": lambda *_: 3.0, "penalty": lambda model: nn.l2(model, 0.1)},
    "a Value as loss": {"loss": lambda outputs, targets: Value(3.0)},
    "a gate of constants as loss": {"loss": lambda outputs, targets: Value(3.0) * 2.0},
    "a Value of 0 as loss": {"loss": lambda outputs, targets: Value(0.0)},
    "a Value of 0 as loss beside a penalty": {
        "loss": lambda *_: Value(0.0),
        "penalty": lambda model: nn.l2(model, 0.1),
    },
    "a loss without recording": {"loss": no_grad()(nn.mse)},
    "the loss of a model that the optimizer does not hold": {"loss": lambda *_: mlp()([1.0, 2.0])},
    "a number as penalty": {"penalty": lambda model: 0.5},
    "a Value as penalty": {"penalty": lambda model: Value(0.5)},
    "a gate of constants as penalty": {"penalty": lambda model: Value(0.5) * 2.0},
    "a penalty without recording": {"penalty": no_grad()(lambda model: nn.l2(model, 0.1))},
    "a penalty on numbers": {"penalty": lambda model: 100 * sum(p.data**2 for p in model.parameters())},
    "a penalty that forgets to return": {"penalty": lambda model: None},
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", CONSTANT)
def test_a_loss_or_a_penalty_that_forgets_the_parameters_is_refused(name, compiled):
    model = with_norm()
    before = numbers(model)
    told = "the loss must be one number that depends on the parameters" if "loss" in name else (
        "a penalty must be one number that depends on parameters"
    )  # fmt: skip
    told += " of .*, got .*without .data"
    if compiled and "of 0" not in name:  # which also says where
        told += "|no_grad|asks for the number of a Value|outside the function"
    with pytest.raises((TypeError, ValueError) if compiled else TypeError, match=told):
        quiet(model, X=X, y=Y, optimizer="sgd", epochs=1, compiled=compiled, **{"loss": "mse", **CONSTANT[name]})
    if "of 0" not in name:  # which may be so in a batch, and is told after an epoch
        assert numbers(model) == before


def test_a_loss_of_0_that_depends_on_the_outputs_is_one_to_train_on():
    """The margins of hinge are kept: there is nothing to learn, and nothing wrong."""
    model = nn.MLP(1, [1], init=nn.init.constant(2.0))
    assert quiet(model, "hinge", [[1.0], [2.0]], [1, 1], "sgd", 2).loss == [0.0, 0.0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "penalty",
    [lambda model: 0, lambda model: np.float32(0), lambda model: Value(0.0), lambda model: nn.l2(model, 0.0),
     lambda model: 0.0 * sum(abs(w) for w in model.weights())],
)  # fmt: skip
def test_a_penalty_of_nothing_changes_nothing(penalty, compiled):
    model, same = mlp(), mlp()
    history = quiet(model, "mse", X, Y, "sgd", 2, 3, penalty=penalty, rng=0, compiled=compiled)
    assert history == quiet(same, "mse", X, Y, "sgd", 2, 3, rng=0, compiled=compiled)
    assert numbers(model) == numbers(same)


@pytest.mark.parametrize("data", [[[0.5], [2.0]], [[2.0], [0.5]]])
def test_a_batch_may_have_nothing_to_learn_from(data):
    """As by max() in Python, where the margin is kept."""

    def loss(outputs, targets):
        return max(Value(0.0), 1.0 - outputs[0] * targets[0])

    model = nn.MLP(1, [1], init=nn.init.constant(1.0))
    history = quiet(model, loss, data, [1.0, 1.0], "sgd", 1, 1, rng=1)
    assert history.loss[0] > 0.0
    assert model.layers[0].weight[0][0].data > 1.0


@pytest.mark.parametrize("compiled", [False, True])
def test_a_loss_and_a_penalty_may_be_parameters_themselves(compiled):
    model = nn.Layer(1, 1, "linear", init=nn.init.constant(1.0))
    options = {"penalty": lambda model: model.bias[0], "compiled": compiled, "optimizer": optim.SGD(model.parameters())}
    quiet(model, lambda outputs, targets: model.weight[0][0], [[1.0]], [1.0], epochs=1, **options)
    assert model.weight[0][0].data < 1.0
    assert model.bias[0].data < 0.0


@pytest.mark.parametrize("compiled", [False, True])
def test_fit_records_whatever_surrounds_it(compiled):
    """Also under no_grad(), which validation, metrics and on_epoch see as it is."""

    def run(surroundings):
        model, seen = mlp(), []
        with surroundings:
            history = quiet(model, "mse", X, Y, "adam", 2, 3, (X, Y), rng=0, compiled=compiled,
                            on_epoch=lambda model, _: seen.append(bool(model(X[0]).operands)))  # fmt: skip
        return history, numbers(model), seen

    history, weights, seen = run(no_grad())
    assert (history, weights) == run(nullcontext())[:2]
    assert weights != numbers(mlp())
    assert seen == [False, False]


class Counting(nn.Module):
    """A module with a buffer that `change` moves in training."""

    buffers = ("kept",)

    def __init__(self, kept, change):
        self.w, self.kept, self.change = [Value(0.5), Value(-0.25)], kept, change

    def forward(self, x):
        out = self.w[0] * x[0] + self.w[1] * x[1]
        if self.training:
            self.change(self, out)
        return out


def keep(model, out):
    model.kept = 0.9 * model.kept + out


def keep_in_place(model, out):
    model.kept[0][0] = out


@pytest.mark.parametrize(("kept", "change"), [(0.0, keep), ([[0.0]], keep_in_place)], ids=["assigned", "in place"])
def test_a_gate_in_a_buffer_is_refused_in_the_first_batch(kept, change):
    model = Counting(kept, change)
    before = copy.deepcopy(kept)
    with pytest.raises(TypeError, match=r"kept.* is a buffer, and holds a number or lists.*: use its \.data") as told:
        quiet(model, "mse", X, Y, "sgd", 3)
    assert (told.value.history.loss, model.kept, [w.data for w in model.w]) == ([], before, [0.5, -0.25])


@pytest.mark.parametrize("kept", [[[0.0, 5.0], [0.0, 5.0]], np.zeros((2, 2))], ids=["lists", "an array"])
def test_nested_buffers_come_back_whole(kept):
    """An epoch that ends with an error leaves nothing behind; the best epoch brings its own back."""

    def count(model, out):
        model.kept[0][0] += 1

    model = Counting(copy.deepcopy(kept), count)
    with pytest.raises(MineError) as told:
        quiet(model, "mse", X, Y, "sgd", 9, 2, penalty=in_call(6, lambda model: 0.0), rng=0)
    history = told.value.history
    assert (len(history.loss), history.state.weights["kept"][0][0]) == (1, len(X))
    assert model.kept[0][0] == len(X) + 2  # one batch more, and the bad one is taken back
    model = Counting(copy.deepcopy(kept), count)
    losses = iter([1.0, 1.0, 1.0, 2.0])  # in training and in validation, twice
    history = quiet(model, lambda out, y: functional.sum(out) * 0.0 + next(losses), X, Y, "sgd", 9,
                    validation=(X, Y), early_stopping=1)  # fmt: skip
    assert (history.stopped, model.kept[0][0], type(model.kept)) == ("early", len(X), type(kept))


# ---- what is seen of every epoch --------------------------------------------------------------------------------


class Hook:
    """Notes what it is shown; closed in the end."""

    def __init__(self, answer=lambda history: None):
        self.seen, self.answer, self.closed = [], answer, 0

    def __call__(self, model, history):
        assert not self.closed
        modes = {module.training for module in model.modules()}
        self.seen.append((len(history.loss), modes, numbers(model), nn.mse(model(HELD_OUT[0]), HELD_OUT[1]).data))
        return self.answer(history)

    def close(self):
        self.closed += 1

    def __len__(self):  # it is false, as an empty collection is
        return 0


HELD_OUT = [[0.5, 0.25], [-1.0, 2.0]], [0.5, -0.5]


def yielding(*_):
    yield


async def waiting(*_):
    yield


class Waiting:
    async def __call__(self, *_):
        """It is to be waited for."""


@pytest.mark.parametrize("compiled", [False, True])
def test_on_epoch_sees_the_model_in_evaluation_after_validation(compiled):
    hook, model = Hook(), nn.Sequential(nn.Layer(2, 3, rng=0), nn.Dropout(0.5, rng=0), nn.Layer(3, 1, rng=1))
    history = quiet(model, "mse", X, Y, "adam", 3, 3, HELD_OUT, rng=0, compiled=compiled, on_epoch=hook)
    assert [seen[:2] for seen in hook.seen] == [(1, {False}), (2, {False}), (3, {False})]
    assert history.validation_loss == pytest.approx([loss for *_, loss in hook.seen], rel=1e-12)
    assert hook.seen[-1][2] == numbers(model)
    assert hook.seen[0][2] != hook.seen[1][2]
    assert (hook.closed, history.stopped, model.training) == (1, "", True)


@pytest.mark.parametrize("compiled", [False, True])
def test_on_epoch_sees_the_optimizer_and_the_gradients_too(compiled):
    model, seen = mlp(), []
    optimizer = optim.Adam(model.parameters())

    def look(model, history):
        seen.append((optimizer.state_dict(), [parameter.grad for parameter in model.parameters()]))

    quiet(model, "mse", X, Y, optimizer, 2, schedule=optim.Cosine(2), compiled=compiled, on_epoch=look)
    assert [state["state"]["step"] for state, _ in seen] == [[1.0] * 13, [2.0] * 13]
    assert [state["param_groups"][0]["lr"] for state, _ in seen] == [0.001, 0.001]
    assert seen[-1] == (optimizer.state_dict(), [parameter.grad for parameter in model.parameters()])
    assert seen[0][1] != seen[1][1]


def test_a_learning_rate_that_on_epoch_sets_is_that_of_the_next_epochs():
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.4)

    def halve(model, history):
        optimizer.param_groups[0]["lr"] /= 2

    history = quiet(model, "mse", X, Y, optimizer, 3, schedule=lambda epoch: 1.0 - epoch / 4, on_epoch=halve)
    assert history.learning_rate == [0.4, 0.2 * 0.75, 0.1 * 0.5]
    assert optimizer.param_groups[0]["lr"] == 0.05


@pytest.mark.parametrize("compiled", [False, True])
def test_what_on_epoch_puts_in_is_in_training_too(compiled):
    dropout, model = nn.Dropout(0.5, rng=0).eval(), mlp()
    state = dropout.rng.bit_generator.state
    quiet(model, "mse", X, Y, "sgd", 2, compiled=compiled, on_epoch=lambda *_: model.layers.insert(1, dropout))
    assert dropout.rng.bit_generator.state != state


@pytest.mark.parametrize("answer", [False, np.False_, np.array(False)])
def test_false_of_any_kind_ends_training(answer):
    history = quiet(mlp(), "mse", X, Y, "sgd", 3, on_epoch=lambda *_: answer)
    assert (len(history.loss), history.stopped) == (1, "on_epoch")


@pytest.mark.parametrize("answer", [None, 0, "", np.array(0.0), np.True_, np.array([False]), True])
def test_only_false_ends_training(answer):
    assert len(quiet(mlp(), "mse", X, Y, "sgd", 3, on_epoch=lambda *_: answer).loss) == 3
    hook = Hook(lambda history: len(history.loss) != 2)
    history = quiet(mlp(), "mse", X, Y, "sgd", 3, on_epoch=hook)
    assert (len(history.loss), history.stopped, hook.closed) == (2, "on_epoch", 1)


@pytest.mark.parametrize("deferred", [yielding, functools.wraps(print)(lambda *a: yielding(*a)), lambda *_: waiting()])
def test_what_does_its_work_later_is_no_on_epoch(deferred):
    """Nothing in it would ever run."""
    with pytest.raises(TypeError, match="on_epoch must do its work when it is called, without yield and async") as told:
        quiet(mlp(), "mse", X, Y, "sgd", 3, on_epoch=deferred)
    assert len(told.value.history.loss) == (deferred is not yielding)


def test_false_in_the_last_epoch_is_told():
    assert (
        quiet(mlp(), "mse", X, Y, "sgd", 2, on_epoch=lambda model, history: len(history.loss) < 2).stopped == "on_epoch"
    )


def replaced(model):
    model.layers[0].bias = [Value(5.0) for _ in range(3)]


def pruned(model):
    model.layers[2].bias = None


def grown(model):
    model.layers.insert(2, nn.Layer(3, 3, rng=0))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced, r"on_epoch took 0.bias\[0\], .* from the model.*, 0.bias\[0\].data = 5.0"),
        (pruned, r"on_epoch took 4.bias\[0\] from the model"),
        (grown, r"on_epoch gave the model 4.weight\[0\]\[0\], .* and 9 more, which nothing would train"),
    ],
)
def test_a_model_keeps_its_parameters_while_fit_runs(change, message, compiled):
    model = mlp(3, 3, 1)
    with pytest.raises(TypeError, match=message) as told:
        quiet(model, "mse", X, Y, "sgd", 3, compiled=compiled, on_epoch=lambda model, _: change(model))
    assert len(told.value.history.loss) == 1


@pytest.mark.parametrize("compiled", [False, True])
def test_an_optimizer_from_before_a_parameter_was_replaced_is_refused(compiled):
    model = mlp()
    optimizer = optim.SGD(model.parameters())
    model.layers[0].bias = [Value(0.0) for _ in range(3)]
    with pytest.raises(ValueError, match=r"holds 3 parameters that .* does not have, and does not hold 0.bias\[0\]"):
        quiet(model, "mse", X, Y, optimizer, 1, compiled=compiled)


def test_an_optimizer_may_hold_some_parameters_and_those_of_a_loss():
    model, slope = mlp(), Value(1.0)
    other = optim.SGD([*model.layers[0].parameters(), slope])
    quiet(model, lambda out, y: slope * nn.mse(out, y), X, Y, other, 1)
    whole = optim.SGD([*model.parameters(), *mlp().parameters()])
    quiet(model, "mse", X, Y, whole, 1)
    assert slope.data < 1.0


def test_what_on_epoch_stops_has_the_best_weights_with_early_stopping():
    given = iter([3.0, 1.0, 2.0])
    model, hook = mlp(), Hook(lambda history: len(history.loss) < 3)

    def loss(outputs, targets):
        return nn.mse(outputs, targets) if not evaluating() else next(given)

    def evaluating():
        return not model.training and len(hook.seen) < 3

    history = quiet(model, loss, X, Y, "adam", 9, validation=(X, Y), early_stopping=5, on_epoch=hook)
    assert (history.stopped, history.validation_loss) == ("on_epoch", [3.0, 1.0, 2.0])
    assert numbers(model) == hook.seen[1][2]


# ---- nothing is lost when something raises ------------------------------------------------------------------------


class MineError(Exception):
    """Of a user."""


def in_call(call, function=lambda *_: 1.0, error=MineError):
    """A function that raises when it is called for the `call`-th time."""
    calls = []

    def wrapped(*arguments):
        calls.append(1)
        if len(calls) == call:
            raise error
        return function(*arguments)

    return wrapped


RAISING = {  # settings that raise in the third epoch, and what they raise; a metric is called twice an epoch
    "a metric": (lambda: {"metrics": {"one": in_call(5)}}, MineError),
    "the second metric": (lambda: {"metrics": {"n": lambda *_: 1.0, "two": in_call(5)}}, MineError),
    "a metric of validation": (lambda: {"metrics": {"one": in_call(6)}}, MineError),
    "a schedule": (lambda: {"schedule": in_call(3)}, MineError),
    "a schedule of nonsense": (lambda: {"schedule": lambda epoch: NAN if epoch == 2 else 1.0}, ValueError),
    "on_epoch": (lambda: {"on_epoch": in_call(4)}, MineError),  # the third epoch is complete then
    "SystemExit": (lambda: {"schedule": lambda epoch: sys.exit() if epoch == 2 else 1.0}, SystemExit),
}


@pytest.mark.sampled(9)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("patience", [None, 9])
@pytest.mark.parametrize("name", RAISING)
def test_what_anything_raises_carries_the_history_and_leaves_good_weights(name, patience, compiled):
    """After the error everything is as after a run that ended there."""
    make, error = RAISING[name]
    epochs = 4 if name == "on_epoch" else 3 if "metric" in name else 2
    whole = epochs - ("metric" in name)  # complete epochs; the batches of one more are done when a metric raises
    rows = np.array(X)

    def run(epochs, settings):
        model = nn.Sequential(nn.BatchNorm(2), *mlp().layers)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        settings = {"metrics": {name: lambda *_: 1.0 for name in settings.get("metrics", {})}, **settings}
        arguments = model, "mse", rows[:6], Y[:6], optimizer, epochs, 3, HELD_OUT
        return (
            model,
            optimizer,
            partial(quiet, *arguments, early_stopping=patience, rng=0, compiled=compiled, **settings),
        )

    settings = make()
    model, optimizer, training = run(9, settings)
    with pytest.raises(error) as caught:
        training()
    names = settings.get("metrics", {})
    other, other_optimizer, training = run(epochs, {"metrics": {name: lambda *_: 1.0 for name in names}})
    expected, history = training(), caught.value.history
    if epochs > whole:
        for _, figures in expected.lists():
            del figures[whole:]
    assert history == expected
    assert history.state.epochs == whole == len(history.loss)
    if not (patience and epochs > whole):
        assert numbers(model) == numbers(other)
    assert optimizer.state_dict() == other_optimizer.state_dict()
    assert model.training
    if patience:
        assert numbers(model)["1.bias"] == [history.state.best.weights[f"1.bias[{place}]"] for place in range(3)]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_batch_that_runs_away_with_early_stopping_leaves_the_best_weights(compiled):
    model = mlp()
    with pytest.raises(FloatingPointError) as caught:
        quiet(model, "mse", X, Y, optim.SGD(model.parameters(), lr=0.1), 9, 3, (X, Y), early_stopping=9, rng=0,
              schedule=lambda epoch: 1e200 if epoch == 3 else 1.0, compiled=compiled)  # fmt: skip
    history = caught.value.history
    best = history.validation_loss.index(min(history.validation_loss))
    assert nn.mse(model(X), Y).data == pytest.approx(history.validation_loss[best], rel=1e-12)
    assert len(history.loss) == 3


@pytest.mark.parametrize("compiled", [False, True])
def test_an_error_in_the_first_epoch_has_a_history_of_none(compiled):
    model = mlp()
    with pytest.raises(MineError) as caught:
        quiet(model, "mse", X, Y, "sgd", 3, penalty=in_call(1), compiled=compiled)
    assert caught.value.history == History()
    assert numbers(model) == numbers(mlp())


def test_bad_arguments_carry_the_history_that_was_given():
    history = quiet(mlp(), "mse", X, Y, "sgd", 1)
    with pytest.raises(ValueError, match="batch_size") as caught:
        quiet(mlp(), "mse", X, Y, "sgd", 3, 99, history=history)
    assert caught.value.history is history


@pytest.mark.parametrize(
    "settings",
    [{"metrics": {"one": in_call(2)}}, {"batch_size": 99}, {"epochs": 1}, {"validation": HELD_OUT, "early_stopping": 1,
     "schedule": lambda epoch: 5.0}, {"penalty": in_third_call(lambda model: nn.l2(model, 0.1))}],
    ids=["a metric raises", "bad arguments", "the end", "early", "interrupted"],
)  # fmt: skip
def test_on_epoch_is_closed_however_training_ends(settings):
    hook = Hook()
    with suppress(MineError, ValueError):
        quiet(mlp(), "mse", X, Y, "sgd", **{"epochs": 30, "rng": 0, **settings}, on_epoch=hook)
    assert hook.closed == 1


def test_closing_that_raises_loses_nothing_either():
    hook = Hook()
    hook.close = in_call(1)
    model = mlp()
    with pytest.raises(MineError) as caught:
        quiet(model, "mse", X, Y, "sgd", 2, on_epoch=hook)
    assert len(caught.value.history.loss) == 2
    assert hook.seen[-1][2] == numbers(model)


# ---- progress -------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream on which somebody watches, or nobody."""

    def __init__(self, terminal):
        super().__init__()
        self.isatty = lambda: terminal


class Jupyter(Terminal):
    """As the stream of a kernel, which is no terminal."""

    __module__ = "ipykernel.iostream"


@pytest.mark.parametrize("stream", [Terminal(True), Jupyter(False)], ids=["a terminal", "Jupyter"])
def test_progress_is_shown_beside_the_output_where_somebody_watches(stream, monkeypatch, capfd):
    monkeypatch.setattr("sys.stderr", stream)
    history = fit(mlp(), "mse", X, Y, "sgd", 3, validation=(X, Y), metrics={"n": lambda *_: 0.25})
    shown = stream.getvalue()
    assert all(word in shown for word in ("training", "3/3", "loss=", "validation loss=", "n=0.25"))
    fit(mlp(), "mse", X, Y, "sgd", 8, validation=(X, Y), metrics={"n": lambda *_: 0.25}, history=history)
    assert "3/8" in stream.getvalue()
    assert "8/8" in stream.getvalue()
    length = len(stream.getvalue())
    quiet(mlp(), "mse", X, Y, "sgd", 3)
    assert len(stream.getvalue()) == length
    assert capfd.readouterr() == ("", "")


class Log:
    """A stream that knows nothing but to write."""

    written = ""

    def write(self, text):
        self.written += text


def test_pipes_and_logs_get_no_bar(capfd, monkeypatch):
    fit(mlp(), "mse", X, Y, "sgd", 3)
    assert capfd.readouterr() == ("", "")
    streams = [Terminal(False), Log(), Terminal(True)]
    streams[-1].close()
    for stream in streams:
        monkeypatch.setattr("sys.stderr", stream)
        fit(mlp(), "mse", X, Y, "sgd", 3)
    assert (streams[0].getvalue(), streams[1].written) == ("", "")


# ---- what is refused ------------------------------------------------------------------------------------------


def norms():
    return nn.Sequential(nn.Layer(2, 3, rng=0), nn.BatchNorm(3), nn.Layer(3, 1, "linear", rng=1))


def with_one(bad, place):
    rows = [list(row) for row in X]
    rows[place[0]][place[1]] = bad
    return rows


class Rateless(optim.Optimizer):
    limits = {}  # noqa: RUF012

    def update(self, gradient, state, settings):
        return -gradient


ONES = [[1.0, 2.0]] * 3
REFUSED = {
    "a number for the model": ({"model": 3}, TypeError, "model must be a Module, .* got int 3"),
    "a class for the model": ({"model": nn.MLP}, TypeError, "model must be a Module"),
    "no parameters": ({"model": nn.Dropout(0.5)}, ValueError, r"Dropout\(0.5\) has no parameters to train"),
    "an unknown loss": (
        {"loss": "mae"}, ValueError, "loss must be one of mse, .*cross_entropy, .*hinge.*'mae'",
    ),
    "no loss": ({"loss": None}, ValueError, "loss must be one of .* or a function .* got None"),
    "a column too few": ({"X": [[1.0]] * 7}, ValueError, r"X must have 2 columns for MLP\(2, \[3, 1\]\), got 1"),
    "a column too many": ({"X": [[1.0] * 3] * 7}, ValueError, "X must have 2 columns .* got 3"),
    "a column too few for a row of modules": (
        {"model": norms(), "X": [[1.0]] * 7}, ValueError, r"X must have 2 columns for Seq.*Layer.*, got 1",
    ),
    "nan in X": ({"X": with_one(NAN, (3, 1))}, ValueError, r"X must be finite, got nan at \[3, 1\]"),
    "inf in X": ({"X": with_one(-INF, (0, 0))}, ValueError, r"X must be finite, got -inf at \[0, 0\]"),
    "a number too large": ({"X": with_one(10**400, (0, 0))}, TypeError, "X must hold numbers"),
    "None in X": ({"X": with_one(None, (2, 0))}, TypeError, "X must hold numbers in rows of equal length"),
    "words": ({"X": with_one("red", (2, 0))}, TypeError, "X must hold numbers in rows of equal length"),
    "numbers as words": ({"X": [["1.0", "2.0"]] * 7}, TypeError, r"X must hold numbers .* got \[\['1.0'"),
    "complex numbers": ({"X": np.ones((7, 2)) * 1j}, TypeError, "X must hold numbers"),
    "rows of two lengths": ({"X": [[1.0], [1.0, 2.0]]}, TypeError, "X must hold numbers in rows of equal length"),
    "a cube": ({"X": np.zeros((7, 2, 2))}, ValueError, r"X must be a matrix .* got the shape \(7, 2, 2\)"),
    "one row": ({"X": [1.0, 2.0], "y": [1.0, 2.0]}, ValueError, r"X must be a matrix .* got the shape \(2,\)"),
    "a number": ({"X": 3.0}, ValueError, "X must be a matrix"),
    "no examples": ({"X": [], "y": []}, ValueError, r"X is empty: .* got the shape \(0,\)"),
    "no columns": ({"X": [[], []], "y": [1, 2]}, ValueError, r"X is empty: .* got the shape \(2, 0\)"),
    "no targets": ({"y": []}, ValueError, "y is empty"),
    "targets too few": (
        {"y": Y[:6]}, ValueError, r"y must have a target for each of the 7 rows of X, got shape \(6,\)",
    ),
    "targets too many": ({"y": Y * 2}, ValueError, r"y must have a target for each of the 7 rows .* \(14,\)"),
    "a target": ({"y": 1.0}, ValueError, r"y must have a target for each of the 7 rows of X, got shape \(\)"),
    "targets in a cube": ({"y": np.zeros((7, 1, 1))}, ValueError, "y must have a target"),
    "targets in rows too wide": (
        {"y": [[1.0, 2.0]] * 7}, ValueError, r"y: a loss needs .*, got shapes \(7,\) and \(7, 2\)",
    ),
    "nan in y": ({"y": [*Y[:5], NAN, 1.0]}, ValueError, r"y must be finite, got nan at \[5\]"),
    "inf in y": ({"y": [INF, *Y[1:]]}, ValueError, r"y must be finite, got inf at \[0\]"),
    "words for y": ({"y": ["cat"] * 7}, TypeError, "y must hold numbers"),
    "a class too many": (
        {"model": mlp(3), "loss": "cross_entropy", "y": [0, 1, 2, 3, 0, 0, 0]}, ValueError,
        "y: a label must be a whole number from 0 to 2, one of 3 classes, got 3.0",
    ),
    "a negative class": (
        {"model": mlp(3), "loss": "multiclass_hinge", "y": [-1] * 7}, ValueError, "y: a label must be .* got -1.0",
    ),
    "half a class": ({"model": mlp(3), "loss": "cross_entropy", "y": [0.5] * 7}, ValueError, "y: a label .* got 0.5"),
    "no distribution": (
        {"model": mlp(2), "loss": "cross_entropy", "y": [[0.5, 1.5]] * 7}, ValueError, "y: the numbers .* got .0.5",
    ),
    "labels of 0 and 1 for hinge": (
        {"loss": "hinge", "y": [0, 1] * 3 + [0]}, ValueError, "y: the labels of hinge are −1 and 1",
    ),
    "labels of ±1 for cross-entropy": (
        {"loss": "binary_cross_entropy", "y": [1, -1] * 3 + [1]}, ValueError, "y: the targets of binary_c.* got -1.0",
    ),
    "an unknown optimizer": (
        {"optimizer": "adamax"}, ValueError, "optimizer must be one of sgd, adagrad, rmsprop, adam, adamw,.*'adamax'",
    ),
    "a class for the optimizer": ({"optimizer": optim.Adam}, ValueError, "optimizer must be one of"),
    "the optimizer of another model": (
        {"optimizer": optim.SGD(mlp().parameters())}, ValueError, r"the optimizer holds no parameter of MLP\(2,",
    ),
    "no epochs": ({"epochs": 0}, ValueError, "epochs must be a whole number ≥ 1, got 0"),
    "negative epochs": ({"epochs": -3}, ValueError, "epochs must be a whole number ≥ 1, got -3"),
    "half an epoch": ({"epochs": 1.5}, TypeError, "epochs must be a whole number ≥ 1, got 1.5"),
    "batches of none": ({"batch_size": 0}, ValueError, "batch_size must be a whole number ≥ 1, got 0"),
    "negative batches": ({"batch_size": -2}, ValueError, "batch_size must be a whole number ≥ 1, got -2"),
    "fractional batches": ({"batch_size": 2.0}, TypeError, "batch_size must be a whole number ≥ 1, got 2.0"),
    "batches too large": ({"batch_size": 8}, ValueError, "batch_size must be at most the number of examples, 7, got 8"),
    "one left over": (
        {"model": norms(), "batch_size": 3}, ValueError, "batch_size=3 leaves one of 7 .* BatchNorm needs two",
    ),
    "batches of one": ({"model": norms(), "batch_size": 1}, ValueError, "batch_size=1 leaves one of 7 examples alone"),
    "one example": (
        {"model": norms(), "X": X[:1], "y": Y[:1]}, ValueError, "batch_size=1 leaves one of 1 examples alone",
    ),
    "validation of X alone": (
        {"validation": ONES}, TypeError, r"validation must be a pair \(X, y\), or .*, got \[\[1.0",
    ),
    "a word for validation": ({"validation": "20%"}, TypeError, "validation must be a pair"),
    "a part for validation": ({"validation": 0.2}, TypeError, "validation must be a pair .* got 0.2"),
    "columns of validation": ({"validation": ([[1.0]], [1.0])}, ValueError, r"validation\[0\] must have 2 columns"),
    "nan in validation": (
        {"validation": (ONES, [1, NAN, 0])}, ValueError, r"validation\[1\] must be finite, got nan at \[1\]",
    ),
    "validation targets": (
        {"validation": (ONES, [1.0])}, ValueError, r"validation\[1\] must have a target for each of the 3 rows",
    ),
    "no validation examples": ({"validation": ([], [])}, ValueError, r"validation\[0\] is empty"),
    "a class of validation": (
        {"model": mlp(3), "loss": "cross_entropy", "y": CLASSES, "validation": (ONES, [0, 1, 9])}, ValueError,
        r"validation\[1\]: a label must be .* got 9.0",
    ),
    "nothing to watch": ({"early_stopping": 3}, ValueError, r"early_stopping=3 needs validation=\(X, y\)"),
    "no patience": (
        {"early_stopping": 0, "validation": (X, Y)}, ValueError, "early_stopping must be a whole number ≥ 1, got 0",
    ),
    "half a patience": ({"early_stopping": 0.5, "validation": (X, Y)}, TypeError, "early_stopping must be .* got 0.5"),
    "a number for the schedule": ({"schedule": 0.9}, TypeError, "schedule must be a function, such as .*, got 0.9"),
    "a number for the penalty": ({"penalty": 1e-4}, TypeError, "penalty must be a function, such as .*, got 0.0001"),
    "a word for a metric": (
        {"metrics": {"right": "accuracy"}}, TypeError, r"metrics\['right'\] must be a function, got 'accuracy'",
    ),
    "None for a metric": ({"metrics": {"right": None}}, TypeError, r"metrics\['right'\] must be a function, got None"),
    "a metric without a name": (
        {"metrics": accuracy}, TypeError, "metrics must be functions by name, .* got <function accuracy",
    ),
    "a list of metrics": ({"metrics": [accuracy]}, TypeError, "metrics must be functions by name"),
    "a number for the name of a metric": (
        {"metrics": {0: accuracy}}, TypeError, r"metrics must be functions by name, .* got \{0: <function accuracy",
    ),
    "an optimizer without learning rate": (
        (lambda model: {"model": model, "optimizer": Rateless(model.parameters(), weight_decay=0.0)})(mlp()), TypeError,
        r"lr of param_groups\[0\] must be a finite number ≥ 0, got None",
    ),
    "a word for on_epoch": ({"on_epoch": "plot"}, TypeError, "on_epoch must be a function of model and history"),
    "a generator function for on_epoch": ({"on_epoch": yielding}, TypeError, "on_epoch must do its work .*yield"),
    "an async function for a schedule": ({"schedule": waiting}, TypeError, "schedule must do its work .*async, got"),
    "an object for a penalty": ({"penalty": Waiting()}, TypeError, "penalty must do its work when it is called"),
    "a generator for X": ({"X": (row for row in X)}, TypeError, r"X must hold .*: make a list of it .*list\("),
    "a word for the history": ({"history": "run.json"}, TypeError, "history must be what fit or History.load gave"),
    "a word for rng": ({"rng": "seed"}, TypeError, "rng must be a numpy.random.Generator.* got 'seed'"),
    "a number for progress": ({"progress": 1}, ValueError, "progress must be True or False, got 1"),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("changes", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_refused_before_any_work(changes, error, message):
    rng = np.random.default_rng(0)
    settings = {"model": mlp(), "loss": "mse", "X": X, "y": Y, "optimizer": "sgd", "epochs": 2, "rng": rng, **changes}
    model = settings["model"] if isinstance(settings["model"], nn.Module) else nn.Dropout()
    before, modes = numbers(model), [module.training for module in model.modules()]
    with pytest.raises(error, match=message):
        quiet(**settings)
    assert numbers(model) == before
    assert [module.training for module in model.modules()] == modes
    assert not any(parameter.swept for parameter in model.parameters())
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_one_left_over_is_fine_without_batch_norm_and_in_validation():
    quiet(mlp(), "mse", X, Y, "sgd", 1, 3)
    quiet(norms(), "mse", X[:6], Y[:6], "sgd", 1, 3, (X[:1], Y[:1]))


# ---- real digits ----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.sklearn
def test_digits_are_read_with_95_percent():
    """Note 002: pixels, a softmax over ten classes, the cross-entropy; 8 × 8 greys stand in for its 256 pixels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    ours, held_out, y, held_out_y = train_test_split(
        pixels / 16, labels, test_size=0.2, stratify=labels, random_state=1
    )
    model = nn.MLP(64, [32, 10], rng=1)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = quiet(model, "cross_entropy", ours, y, optimizer, 8, 32, (held_out, held_out_y), optim.Cosine(8),
                    metrics={"accuracy": accuracy}, rng=1)  # fmt: skip
    assert history.validation_metrics["accuracy"][-1] >= 0.95
    assert history.metrics["accuracy"][-1] >= 0.97


# ---- what people met --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross_entropy", "nll_loss", "multiclass_hinge"])
def test_classes_need_a_score_each(loss):
    """The outputs of a batch would be read as the scores of one example."""
    with pytest.raises(ValueError, match=r"needs a score for each class, but MLP\(2, \[1\]\) gives one number"):
        fit(mlp(1), loss, X, [0, 1, 0, 1, 1, 0, 0], "sgd", 1, progress=False)


@pytest.mark.parametrize(
    ("outputs", "targets", "threshold", "right"),
    [
        ([[0.3], [-2.0]], [1, 0], 0.0, 1.0),
        ([[0.0, 1.0, 9.0], [0.0, 8.0, 0.0]], [[2], [1]], 0.0, 1.0),
        ([0.9, 0.3, 0.6], [1, 0, 0], 0.5, 2 / 3),
        (np.array([[0.1, 0.9]]), np.array([[0, 1]]), 0.0, 1.0),
    ],
)
def test_accuracy_reads_columns_distributions_and_probabilities(outputs, targets, threshold, right):
    assert accuracy(outputs, targets, threshold) == pytest.approx(right)


def interrupting(at):
    """A loss that presses Ctrl-C when it is called for the `at`-th time."""
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGINT)
        return nn.mse(outputs, targets)

    return loss


@pytest.mark.usefixtures("handler")
def test_ctrl_c_in_the_last_batch_is_told():
    model = mlp(1)
    history = fit(model, interrupting(2), X, Y, "sgd", 2, progress=False)
    assert (history.stopped, len(history.loss)) == ("interrupted", 2)


@pytest.mark.usefixtures("handler")
def test_ctrl_c_before_the_first_validation_keeps_what_was_learned():
    model, before = mlp(1), mlp(1)
    loss = interrupting(1)
    history = fit(model, loss, X, Y, "sgd", 5, batch_size=3, validation=(X, Y), early_stopping=2, progress=False)
    assert history.stopped == "interrupted"
    assert [p.data for p in model.parameters()] != [p.data for p in before.parameters()]


def test_a_validation_loss_that_is_not_finite_stops():
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        return nn.mse(outputs, targets) * (math.nan if len(calls) == 2 else 1.0)

    with pytest.raises(FloatingPointError, match="the validation loss is nan in epoch 0"):
        fit(mlp(1), loss, X, Y, "sgd", 3, validation=(X, Y), early_stopping=1, progress=False)


def listed(outputs, targets):
    return nn.mse(outputs, targets) if outputs[0].operands else [1.0, 2.0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": lambda epoch: None}, r"schedule\(0\) must give one number, got None: did a function forget"),
        ({"metrics": {"m": lambda *_: None}}, r"metrics\['m'\] must give one number, got None: did a function forget"),
        ({"metrics": {"m": lambda *_: Value(1.0)}}, r"metrics\['m'\] must .* got Value.*use its .data"),
        ({"loss": listed, "validation": (X, Y)}, r"the loss in validation must give one number, got \[1.0, 2.0\]$"),
    ],
    ids=["schedule", "metric", "a Value of a metric", "a list of a loss"],
)
def test_what_gives_no_number_is_named(changes, message, compiled):
    model = mlp(1)
    optimizer = optim.SGD(model.parameters())
    optimizer.param_groups[0] = RATES
    RATES.update(optim.SGD(model.parameters()).param_groups[0])
    with pytest.raises(TypeError, match=message):
        quiet(
            model, **{"loss": "mse", "X": X, "y": Y, "optimizer": optimizer, "epochs": 2, **changes}, compiled=compiled
        )


RATES = {}  # the settings of a group, that on_epoch changes


def test_a_class_in_place_of_on_epoch_hides_no_error():
    """Its method `close` needs an object."""
    with pytest.raises(ValueError, match="batch_size must be"):
        quiet(mlp(), "mse", X, Y, "sgd", 3, 99, on_epoch=Hook)


def test_without_standard_error_there_is_no_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert len(fit(mlp(1), "mse", X, Y, "sgd", 2).loss) == 2


@pytest.mark.parametrize("compiled", [False, True])
def test_a_loss_as_an_object_is_the_one_by_name(compiled):
    def history(loss):
        model = nn.MLP(2, [3, 1], rng=0)
        return quiet(model, loss, X, [1, 0] * 3 + [1], "adam", 3, 4, rng=0, compiled=compiled)

    assert history(nn.BCEWithLogitsLoss()) == history("binary_cross_entropy_with_logits")
    assert history(nn.HuberLoss()) == history("huber")
    assert history(nn.HuberLoss(delta=0.1)) != history("huber")

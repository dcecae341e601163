"""What `fit` does batch by batch: hooks, clipping, schedules, order, weights, compiled or not; metrics by name."""

import math
from dataclasses import asdict
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from microgradnn import History, Value, accuracy, fit, functional, nn, optim
from microgradnn.training import Update
from microgradnn.training.metrics import METRICS

quiet = partial(fit, progress=False)
both = pytest.mark.parametrize("compiled", [False, True])
RNG = np.random.default_rng(3)
X = RNG.uniform(-1, 1, (7, 2))
Y = [0.0, 1.0, 1.0, 0.0, 0.5, -0.75, 1.5]
CLASSES = [0, 1, 2, 0, 1, 1, 0]
LABELS = [0, 1, 1, 0, 1, 1, 0]
WEIGHTS = [1.0, 0.25, 3.0, 0.0, 2.0, 1.0, 0.5]
HELD_OUT = X[1:4] * 0.9, Y[1:4]


def mlp(*nouts, **settings):
    return nn.MLP(2, nouts or (4, 1), activation="tanh", rng=0, **settings)


def normed():
    layers = mlp().layers
    return nn.Sequential(layers[0], nn.BatchNorm(4), nn.Dropout(0.4, rng=5), *layers[1:])


def dropped():
    layers = mlp().layers
    return nn.Sequential(layers[0], nn.Dropout(0.4, rng=5), *layers[1:])


def robust(outputs, targets):
    """A loss of one's own, a mean over examples."""
    losses = [functional.log1p((output - y) ** 2) for output, y in zip(outputs, targets, strict=True)]
    return functional.sum(losses) / len(losses)


def spread(outputs, targets):
    """A loss of one's own, which is no mean over examples."""
    return nn.mse(outputs, targets) + 0.1 * functional.sqrt(functional.sum([out * out for out in outputs]) + 1.0)


def adam(model):
    return optim.Adam(model.parameters(), lr=0.05)


def momentum(model):
    return optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def left(history, model, optimizer):
    """All that a training leaves behind, as numbers."""
    drawn = [module.rng.random() for module in model.modules() if isinstance(module, nn.Dropout)]
    state = {name: array.tolist() for name, array in model.state_dict().items()}
    return {"history": asdict(history) | {"state": asdict(history.state)}, "state": state,
            "optimizer": optimizer.state_dict(), "drawn": drawn,
            "gradients": [leaf.grad for leaf in model.parameters()]}  # fmt: skip


def run(make=mlp, loss="mse", x=X, y=Y, epochs=3, optimizer=momentum, **options):
    model = make()
    moved = optimizer(model)
    options = {"batch_size": 3, "rng": None if options.get("history") else 1, **options}
    return left(quiet(model, loss, x, y, moved, epochs, **options), model, moved)


def assert_alike(ours, theirs, path="", least=1e-9):
    """Nested alike, and every number within `least` of the other."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), path
        for name in theirs:
            assert_alike(ours[name], theirs[name], f"{path}.{name}", least)
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs), path
        for place, one in enumerate(theirs):
            assert_alike(ours[place], one, f"{path}[{place}]", least)
    elif type(theirs) is float:
        assert ours == pytest.approx(theirs, rel=least, abs=least), path
    else:
        assert ours == theirs, path


def learned(result):
    """What does not depend on how the examples were laid out."""
    return {name: result[name] for name in ("state", "optimizer")} | {"loss": result["history"]["loss"]}


# ---- compiled or not, in one part or two ------------------------------------------------------------------------


SETTINGS = {
    "clipped": {"clip": 0.3},
    "clipped, the last layer alone": {
        "clip": 0.1, "optimizer": lambda model: optim.Adam(model.layers[-1].parameters(), lr=0.05)
    },
    "clipped, a penalty": {"clip": 0.3, "penalty": lambda model: nn.l2(model, 0.5)},
    "a schedule by batch": {"schedule": optim.Cosine(5), "schedule_by": "batch"},
    "in order": {"shuffle": False},
    "metrics by name": {"metrics": ["mse", "mae"], "validation": HELD_OUT},
    "weights": {"sample_weight": WEIGHTS},
    "weights, all at once": {"sample_weight": WEIGHTS, "batch_size": None},
    "weights, one by one": {"sample_weight": WEIGHTS, "batch_size": 1},
    "weights and a penalty": {"sample_weight": WEIGHTS, "penalty": lambda model: nn.l2(model, 0.5)},
    "weights of validation": {"sample_weight": WEIGHTS, "validation": (*HELD_OUT, [1, 0, 3]), "early_stopping": 2},
    "weights, a loss of one's own": {"sample_weight": WEIGHTS, "loss": robust, "validation": (*HELD_OUT, [1, 0, 3])},
    "weights, a loss of all": {"sample_weight": WEIGHTS, "loss": spread},
    "weights, batch norm, dropout": {"sample_weight": WEIGHTS, "make": normed, "batch_size": 4},
    "weights, dropout": {"sample_weight": WEIGHTS, "make": dropped},
    "weights, a penalty that draws": {"sample_weight": WEIGHTS, "make": dropped,
                                      "penalty": lambda model: 0.1 * model([0.5, -0.5]) ** 2},
    "weights of classes": {"class_weight": {0: 5.0, 1: 0.5}, "loss": "cross_entropy", "y": CLASSES,
                           "make": lambda: mlp(4, 3), "metrics": "accuracy"},
    "balanced classes": {"class_weight": "balanced", "loss": "binary_cross_entropy_with_logits", "y": LABELS,
                         "sample_weight": WEIGHTS},
    "several targets": {"sample_weight": WEIGHTS, "make": lambda: mlp(4, 2), "y": X},
    "all": {"clip": 0.2, "schedule": optim.Cosine(5), "schedule_by": "batch", "shuffle": False, "metrics": "mse",
            "sample_weight": WEIGHTS, "validation": (*HELD_OUT, [1, 2, 3]), "on_batch": lambda model, update: None},
}  # fmt: skip


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", SETTINGS)
def test_compiled_it_is_the_same(name):
    ours = run(compiled=True, **SETTINGS[name])
    theirs = run(**SETTINGS[name])
    assert_alike(ours, theirs)
    assert theirs["state"] != run(**{**SETTINGS[name], "epochs": 2})["state"]


def test_the_checker_finds_a_number_that_is_another():
    with pytest.raises(AssertionError, match="loss"):
        assert_alike(run(compiled=True, clip=0.3), run(clip=0.3000001))


@pytest.mark.sampled(13)
@both
@pytest.mark.parametrize("name", SETTINGS)
def test_two_calls_are_one_to_the_bit(name, compiled, tmp_path):
    options = {"loss": "mse", "y": Y, "batch_size": 3, "make": mlp, "optimizer": momentum, **SETTINGS[name]}
    model = options.pop("make")()
    optimizer = options.pop("optimizer")(model)
    first = quiet(model, X=X, optimizer=optimizer, epochs=2, rng=1, compiled=compiled, **options)
    first.save(tmp_path / "run.json")
    ours = run(history=History.load(tmp_path / "run.json"), **SETTINGS[name], compiled=compiled)
    assert ours == run(**SETTINGS[name], compiled=compiled)


@both
def test_going_on_with_other_settings_is_safe(compiled):
    """They are not in the history: what is done from there on is by those of now."""
    model = mlp()
    optimizer = momentum(model)
    go_on = partial(quiet, model, "mse", X, Y, optimizer, batch_size=3, compiled=compiled)
    history = go_on(epochs=2, rng=1, clip=0.1, sample_weight=WEIGHTS, shuffle=False)
    quiet_end = go_on(epochs=4, history=history, schedule=optim.Cosine(9), schedule_by="batch")
    assert quiet_end is history
    assert len(history.loss) == len(history.learning_rate) == 4


# ---- weights ----------------------------------------------------------------------------------------------------


@pytest.mark.sampled(3)
@both
@pytest.mark.parametrize(
    ("weight", "make", "loss", "y"),
    [(1.0, mlp, "mse", Y), (1e308, lambda: mlp(4, 3), "cross_entropy", CLASSES), (1e-300, normed, robust, Y)],
)
def test_equal_weights_change_nothing(weight, make, loss, y, compiled):
    settings = {"make": make, "loss": loss, "y": y, "batch_size": 4, "compiled": compiled}
    assert_alike(run(sample_weight=[weight] * 7, **settings), run(**settings))


@pytest.mark.sampled(2)
@both
@settings(max_examples=5, deadline=None)
@given(counts=st.lists(st.integers(0, 3), min_size=7, max_size=7).filter(lambda counts: sum(counts) > 1))
def test_whole_weights_are_repeated_rows(compiled, counts):
    """In a batch of all; the mean over the examples is one over the repeated ones."""
    weighted = run(batch_size=None, sample_weight=counts, compiled=compiled, epochs=2)
    rows = np.repeat(np.arange(7), counts)
    repeated = run(x=X[rows], y=np.array(Y)[rows], batch_size=None, compiled=compiled, epochs=2)
    assert_alike(learned(weighted), learned(repeated))


@pytest.mark.sampled(2)
@both
def test_weights_of_classes_are_those_of_their_rows(compiled):
    table = {0: 2.0, 1: 0.5, 2: 1.0}
    settings = {"make": lambda: mlp(4, 3), "loss": "cross_entropy", "y": CLASSES, "compiled": compiled}
    by_row = [table[label] for label in CLASSES]
    assert run(class_weight={0: 2, 1: 0.5}, **settings) == run(sample_weight=by_row, **settings)
    balanced = [7 / (3 * CLASSES.count(label)) for label in CLASSES]
    assert_alike(run(class_weight="balanced", **settings), run(sample_weight=balanced, **settings))
    both = [a * b for a, b in zip(by_row, WEIGHTS, strict=True)]
    assert_alike(run(class_weight=table, sample_weight=WEIGHTS, **settings), run(sample_weight=both, **settings))


def test_labels_may_be_signs_columns_and_numpy_keys():
    signs = [1 if label else -1 for label in LABELS]
    by_sign = run(loss="hinge", y=signs, class_weight={np.int64(-1): 3.0, 1.0: 1.0})
    assert by_sign == run(loss="hinge", y=[[sign] for sign in signs], class_weight={-1: 3})
    assert by_sign != run(loss="hinge", y=signs)


@both
def test_the_loss_of_a_batch_is_the_weighted_mean_of_its_examples_and_the_penalty_is_whole(compiled):
    model, seen = mlp(), []
    still = optim.SGD(model.parameters(), lr=0.0)
    history = quiet(model, robust, X, Y, still, 1, 3, (*HELD_OUT, [1.0, 0.0, 3.0]), compiled=compiled, shuffle=False,
                    sample_weight=WEIGHTS, penalty=lambda model: nn.l2(model, 0.5),
                    on_batch=lambda model, update: seen.append(update.loss))  # fmt: skip
    losses = [robust([output], [y]).data for output, y in zip(model(X), Y, strict=True)]
    penalty = nn.l2(model, 0.5).data
    parts = [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert seen == pytest.approx([np.average(losses[part], weights=WEIGHTS[part]) + penalty for part in parts])
    assert history.loss == [pytest.approx(np.average(losses, weights=WEIGHTS) + penalty)]
    held_out = [robust([output], [y]).data for output, y in zip(model(HELD_OUT[0]), HELD_OUT[1], strict=True)]
    assert history.validation_loss == [pytest.approx((held_out[0] + 3 * held_out[2]) / 4)]


@both
def test_batch_norm_sees_the_whole_batch_whatever_its_weights(compiled):
    """A row without weight counts in the statistics, and not in the loss."""

    def statistics(rows, **settings):
        model = nn.Sequential(nn.BatchNorm(2), mlp())
        quiet(model, "mse", X[rows], np.array(Y)[rows], "sgd", 1, compiled=compiled, **settings)
        return model.layers[0].running_mean

    all_rows, but_one = list(range(7)), [0, 1, 2, 4, 5, 6]
    assert statistics(all_rows, sample_weight=WEIGHTS) == pytest.approx(statistics(all_rows))
    assert statistics(all_rows, sample_weight=WEIGHTS) != pytest.approx(statistics(but_one))


@both
def test_a_batch_without_weight_has_a_loss_of_0(compiled):
    """It teaches nothing, but for the penalty and what the optimizer remembers."""
    seen, weights = [], [1.0, 2.0, 0.5, 0.0, 0.0, 0.0, 1.0]
    look = lambda model, update: seen.append((update.loss, model.state_dict()["0.bias"].tolist()))  # noqa: E731
    model = mlp()
    history = quiet(model, "mse", X, Y, optim.SGD(model.parameters(), lr=0.1), 1, 3, sample_weight=weights,
                    shuffle=False, compiled=compiled, on_batch=look)  # fmt: skip
    assert seen[1] == (0.0, seen[0][1])
    assert history.loss == [pytest.approx((seen[0][0] * 3.5 + seen[2][0] * 1.0) / 4.5)]
    assert seen[2][1] != seen[1][1]


def test_a_loss_of_the_users_own_gets_one_example_at_a_time_where_they_have_weights():
    seen = []

    def loss(outputs, targets):
        seen.append((len(outputs), len(targets)))
        return nn.mse(outputs, targets)

    quiet(mlp(), loss, X, Y, "sgd", 1, 3, sample_weight=WEIGHTS)
    assert seen == [(1, 1)] * 7


def test_one_example_is_recorded_for_a_loss_of_ones_own_with_weights():
    calls = []

    def loss(outputs, targets):
        calls.append(len(outputs))
        return robust(outputs, targets)

    quiet(mlp(), loss, X, Y, "sgd", 3, 3, sample_weight=WEIGHTS, compiled=True)
    assert calls == [1, 1]


# ---- clipping ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", ["all", "the last layer"])
def test_clipping_is_that_of_the_optimizers_to_the_bit(held):
    """Of the gradients of what the optimizer holds, as in a loop by hand; the norms in the history are from before."""

    def make():
        model = mlp()
        parameters = model.parameters() if held == "all" else model.layers[-1].parameters()
        return model, optim.Adam(parameters, lr=0.1)

    model, optimizer = make()
    history = quiet(model, "mse", X, Y, optimizer, 3, 3, shuffle=False, clip=0.2)
    by_hand, other = make()
    norms = []
    for _ in range(3):
        for start in (0, 3, 6):
            by_hand.zero_grad()
            nn.mse(by_hand(X[start : start + 3]), Y[start : start + 3]).backward()
            norms.append(math.hypot(*(leaf.grad for leaf in by_hand.layers[0].parameters())))
            optim.clip_grad_norm([*other.state], 0.2)
            other.step()
    assert [leaf.data for leaf in model.parameters()] == [leaf.data for leaf in by_hand.parameters()]
    assert [leaf.grad for leaf in model.parameters()] == [leaf.grad for leaf in by_hand.parameters()]
    assert history.gradient_norm["0"] == [sum(norms[at : at + 3]) / 3 for at in (0, 3, 6)]


@both
def test_clipping_at_infinity_changes_nothing(compiled):
    assert run(clip=math.inf, compiled=compiled) == run(compiled=compiled)
    assert run(clip=1e9, compiled=compiled) == run(compiled=compiled)
    assert run(clip=0.1, compiled=compiled)["state"] != run(compiled=compiled)["state"]


@pytest.mark.sampled(3)
@both
@pytest.mark.parametrize("scale", [1.0, 1e200])
def test_the_step_is_as_long_as_the_clip(scale, compiled):
    """Also where gradients are as large as floats are."""
    model, seen = mlp(50, 1), []
    before = np.array([leaf.data for leaf in model.parameters()])
    history = quiet(model, lambda outputs, targets: nn.mse(outputs, targets) * scale, X, Y,
          optim.SGD(model.parameters(), lr=0.5), 1, clip=0.25, compiled=compiled,
          on_batch=lambda model, _: seen.append(math.hypot(*(leaf.grad for leaf in model.parameters()))))  # fmt: skip
    moved = np.array([leaf.data for leaf in model.parameters()]) - before
    assert math.hypot(*moved) == pytest.approx(0.125, rel=1e-4)
    assert seen == [pytest.approx(0.25, rel=1e-4)]
    assert math.isfinite(history.gradient_norm["0"][0])


@both
def test_a_norm_that_no_factor_mends_names_the_batch_and_leaves_the_model(compiled):
    model, scale = mlp(), Value(1.0, "scale")
    optimizer = optim.SGD([*model.parameters(), scale], lr=0.1)
    loss = lambda outputs, targets: nn.mse(outputs, targets) + functional.sqrt(scale - 1.0)  # noqa: E731
    before = [leaf.data for leaf in model.parameters()]
    with pytest.raises(FloatingPointError, match=r"cannot be clipped in epoch 0, batch 0: .*'scale' has the grad"):
        quiet(model, loss, X, Y, optimizer, 2, 3, clip=1.0, compiled=compiled)
    assert [leaf.data for leaf in model.parameters()] == before


# ---- schedules by batch -----------------------------------------------------------------------------------------


@both
def test_a_schedule_by_batch_is_asked_at_every_batch_with_the_time_in_epochs(compiled):
    asked, rates = [], []

    def schedule(time):
        asked.append(time)
        return 1 / (1 + time)

    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.3)
    history = quiet(model, "mse", X, Y, optimizer, 2, 3, schedule=schedule, schedule_by="batch", compiled=compiled,
                    on_batch=lambda model, update: rates.append(update.learning_rate))  # fmt: skip
    assert asked == [0.0, 1 / 3, 2 / 3, 1.0, 1 + 1 / 3, 1 + 2 / 3]
    assert rates == [0.3 * (1 / (1 + time)) for time in asked]
    assert history.learning_rate == rates[2::3]
    assert optimizer.param_groups[0]["lr"] == 0.3


@both
def test_a_schedule_by_batch_sees_the_parameters_of_that_moment(compiled):
    model, seen = mlp(), []
    quiet(model, "mse", X, Y, "sgd", 2, 3, schedule=lambda _: seen.append(model.layers[0].bias[0].data) or 1.0,
          schedule_by="batch", compiled=compiled)  # fmt: skip
    assert len({*seen, model.layers[0].bias[0].data}) == 7


def test_by_epoch_a_schedule_is_asked_once_an_epoch_with_a_whole_number():
    asked = []
    quiet(mlp(), "mse", X, Y, "sgd", 2, 3, schedule=lambda epoch: asked.append(epoch) or 1.0)
    assert asked == [0, 1]
    assert all(type(epoch) is int for epoch in asked)


@both
def test_a_constant_schedule_by_batch_changes_nothing(compiled):
    constant = run(schedule=lambda time: 1.0, schedule_by="batch", compiled=compiled)
    assert constant == run(compiled=compiled)


@both
def test_a_factor_of_nonsense_names_the_batch(compiled):
    model = mlp()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="lr in epoch 1, batch 2 must be a finite number ≥ 0, got nan") as caught:
        quiet(model, "mse", X, Y, optimizer, 3, 3, schedule=lambda time: math.nan if time > 1.5 else 1.0,
              schedule_by="batch", compiled=compiled)  # fmt: skip
    assert len(caught.value.history.loss) == 1
    assert optimizer.param_groups[0]["lr"] == 0.1
    with pytest.raises(TypeError, match=r"schedule\(0.0\) must give one number, got None"):
        quiet(model, "mse", X, Y, optimizer, 3, 3, schedule=lambda time: None, schedule_by="batch", compiled=compiled)


# ---- the order --------------------------------------------------------------------------------------------------


def test_without_shuffling_it_is_the_loop_over_the_rows_to_the_bit():
    model, by_hand = mlp(), mlp()
    rng = np.random.default_rng(5)
    history = quiet(model, "mse", X, Y, momentum(model), 3, 3, shuffle=False, rng=rng)
    optimizer, losses = momentum(by_hand), []
    for _ in range(3):
        total = 0.0
        for start in (0, 3, 6):
            optimizer.zero_grad()
            loss = nn.mse(by_hand(X[start : start + 3]), Y[start : start + 3])
            loss.backward()
            optimizer.step()
            total += loss.data * len(Y[start : start + 3])
        losses.append(total / 7)
    assert [leaf.data for leaf in model.parameters()] == [leaf.data for leaf in by_hand.parameters()]
    assert history.loss == losses
    assert rng.bit_generator.state == np.random.default_rng(5).bit_generator.state


# ---- on_batch ---------------------------------------------------------------------------------------------------


@both
def test_on_batch_sees_every_update(compiled):
    seen = []

    def look(model, update):
        assert isinstance(update, Update)
        assert not any(module.training for module in model.modules())
        seen.append((update, model.state_dict()["0.bias"].tolist(), [leaf.grad for leaf in model.parameters()]))

    model = normed()
    optimizer = momentum(model)
    history = quiet(model, "mse", X[:6], Y[:6], optimizer, 2, 2, on_batch=look, compiled=compiled, rng=0)
    updates = [update for update, _, _ in seen]
    assert [(update.epoch, update.batch) for update in updates] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert history.loss == [pytest.approx(sum(update.loss for update in updates[at : at + 3]) / 3) for at in (0, 3)]
    assert {update.learning_rate for update in updates} == {0.05}
    norms = [update.gradient_norm["0"] for update in updates]
    assert history.gradient_norm["0"] == [pytest.approx(sum(norms[at : at + 3]) / 3) for at in (0, 3)]
    of_first = len(model.layers[0].parameters())
    assert norms == pytest.approx([math.hypot(*gradients[:of_first]) for _, _, gradients in seen])
    assert seen[-1][1] == model.state_dict()["0.bias"].tolist()
    assert all(one[1] != other[1] for one, other in pairwise(seen))
    assert model.training


@both
def test_one_that_only_looks_changes_nothing(compiled):
    def look(model, update):
        model(X)

    assert run(normed, batch_size=4, on_batch=look, compiled=compiled) == run(normed, batch_size=4, compiled=compiled)


@both
def test_numbers_that_it_sets_count_from_the_next_batch_on(compiled):
    """As here weights that stay in a box, and a learning rate that falls."""

    def boxed(compiled):
        model = mlp()
        optimizer = optim.Adam(model.parameters(), lr=0.5)

        def box(model, update):
            for leaf in model.parameters():
                leaf.data = max(-0.4, min(leaf.data, 0.4))
            optimizer.param_groups[0]["lr"] *= 0.9

        history = quiet(model, "mse", X, Y, optimizer, 3, 3, rng=1, compiled=compiled, on_batch=box)
        return left(history, model, optimizer)

    result = boxed(compiled)
    assert_alike(result, boxed(False))
    assert max(abs(weight) for weight in np.ravel(result["state"]["0.weight"])) <= 0.4
    assert result["optimizer"]["param_groups"][0]["lr"] == pytest.approx(0.5 * 0.9**9)
    assert result["history"]["learning_rate"] == pytest.approx([0.5 * 0.9**n for n in (2, 5, 8)])


@pytest.mark.sampled(3)
@both
@pytest.mark.parametrize("answer", [False, np.False_, np.array(False)])
def test_false_ends_training_after_that_batch(answer, compiled):
    """The model has what that batch made of it; the history has the complete epochs, and goes on from them."""

    def stop(model, update):
        seen.append(model.state_dict()["0.bias"].tolist())
        return answer if (update.epoch, update.batch) == (1, 1) else None

    seen, model = [], mlp()
    optimizer = momentum(model)
    history = quiet(model, "mse", X, Y, optimizer, 3, 3, rng=1, on_batch=stop, compiled=compiled)
    assert (len(history.loss), history.stopped, len(seen)) == (1, "on_batch", 5)
    assert model.state_dict()["0.bias"].tolist() == seen[-1]
    quiet(model, "mse", X, Y, optimizer, 3, 3, history=history, compiled=compiled)
    assert left(history, model, optimizer) == run(compiled=compiled)


@both
def test_false_in_the_last_batch_of_an_epoch_completes_it(compiled):
    told = []
    settings = {"compiled": compiled, "on_epoch": lambda model, history: told.append(len(history.loss))}
    for epoch in (0, 1):
        history = quiet(mlp(), "mse", X, Y, "sgd", 2, 3, on_batch=lambda _, update: (update.epoch, update.batch) != (
            epoch, 2), **settings)  # noqa: B023  # fmt: skip
        assert (len(history.loss), history.stopped) == (epoch + 1, "on_batch")
    assert told == [1, 1, 2]
    settings["on_epoch"] = lambda model, history: False  # both of them: the first to say so is told
    assert quiet(mlp(), "mse", X, Y, "sgd", 2, on_batch=lambda *_: False, **settings).stopped == "on_batch"


@pytest.mark.parametrize("answer", [None, 0, "", np.array(0.0), True])
def test_only_false_ends_training(answer):
    assert quiet(mlp(), "mse", X, Y, "sgd", 2, 3, on_batch=lambda *_: answer).stopped == ""


def test_what_it_stopped_is_kept_in_files(tmp_path):
    history = quiet(mlp(), "mse", X, Y, "sgd", 2, 3, on_batch=lambda *_: False)
    history.save(tmp_path / "run.json")
    assert History.load(tmp_path / "run.json").stopped == "on_batch"


class MineError(Exception):
    """Of a user."""


@pytest.mark.sampled(3)
@both
@pytest.mark.parametrize("error", [MineError, KeyboardInterrupt, SystemExit])
def test_what_it_raises_takes_the_batch_back(error, compiled):
    """The weights are those from before that batch; nothing is lost."""
    seen = []

    def look(model, update):
        seen.append([leaf.data for leaf in model.parameters()])
        if (update.epoch, update.batch) == (1, 1):
            model.layers[0].bias[0].data = 99.0
            raise error

    model = normed()
    optimizer = momentum(model)
    training = partial(quiet, model, "mse", X[:6], Y[:6], optimizer, 4, 2, rng=1, compiled=compiled, on_batch=look)
    if error is KeyboardInterrupt:
        history = training()
        assert history.stopped == "interrupted"
    else:
        with pytest.raises(error) as caught:
            training()
        history = caught.value.history
    assert [leaf.data for leaf in model.parameters()] == seen[3]
    assert model.layers[1].num_batches_tracked == 4
    assert (len(history.loss), model.training) == (1, True)
    quiet(model, "mse", X[:6], Y[:6], optimizer, 3, 2, history=history, compiled=compiled)
    assert left(history, model, optimizer) == run(normed, x=X[:6], y=Y[:6], batch_size=2, epochs=3, compiled=compiled)


@both
def test_what_it_raises_with_early_stopping_leaves_the_best_weights(compiled):
    kept = {}

    def stop(model, update):
        if (update.epoch, update.batch) == (2, 1):
            raise MineError

    def keep(model, history):
        kept[history.validation_loss[-1]] = [leaf.data for leaf in model.parameters()]

    model = mlp()
    with pytest.raises(MineError):
        quiet(model, "mse", X, Y, momentum(model), 4, 3, HELD_OUT, early_stopping=3, compiled=compiled, on_batch=stop,
              on_epoch=keep, rng=0)  # fmt: skip
    assert [leaf.data for leaf in model.parameters()] == kept[min(kept)]


@both
def test_a_model_keeps_its_parameters(compiled):
    def replace(model, update):
        if update.batch == 1:
            model.layers[0].bias = [Value(5.0) for _ in range(4)]

    with pytest.raises(TypeError, match=r"on_batch took 0.bias\[0\], .* from the model.*, 0.bias\[0\].data = 5.0"):
        quiet(mlp(), "mse", X, Y, "sgd", 2, 3, compiled=compiled, on_batch=replace)


async def waiting(*_):
    """It is to be waited for."""


def yielding(*_):
    yield


@both
def test_what_does_its_work_later_is_no_on_batch(compiled):
    for later in (waiting, yielding, lambda *_: yielding()):
        with pytest.raises(TypeError, match="on_batch must do its work when it is called, without yield and async"):
            quiet(mlp(), "mse", X, Y, "sgd", 3, on_batch=later, compiled=compiled)


@pytest.mark.parametrize(("settings", "writes"), [({}, 2), ({"on_batch": lambda *_: None}, 2 + 6)])
def test_the_values_get_the_parameters_only_where_somebody_looks(settings, writes, monkeypatch):
    from microgradnn.compiler.parameters import Parameters

    calls, push = [], Parameters.push
    monkeypatch.setattr(Parameters, "push", lambda self: calls.append(1) or push(self))
    quiet(mlp(), "mse", X, Y, "sgd", 2, 3, compiled=True, **settings)
    assert len(calls) == writes


# ---- metrics by name --------------------------------------------------------------------------------------------


@both
def test_metrics_by_name_are_their_functions(compiled):
    functions = {"accuracy": accuracy, "mse": nn.mse, "mae": nn.l1_loss}
    assert list(METRICS) == list(functions)
    named = run(y=LABELS, metrics=[*functions], validation=(X[:2], LABELS[:2]), compiled=compiled)
    assert named == run(y=LABELS, metrics=functions, validation=(X[:2], LABELS[:2]), compiled=compiled)
    alone = run(y=LABELS, metrics="mae", compiled=compiled)["history"]["metrics"]
    assert alone == {"mae": named["history"]["metrics"]["mae"]}


def test_the_accuracy_of_probabilities_is_by_one_half():
    """Where the loss says that the outputs are probabilities; all of them are above 0."""
    model = nn.Sequential(mlp(), nn.Activation("sigmoid"))
    model.layers[0].layers[-1].bias[0].data = -9.0  # so that all of them are below ½: right are the zeros
    still = optim.SGD(model.parameters(), lr=0.0)
    criteria = nn.BCELoss(), nn.BCELoss(reduction="sum"), nn.BCELoss(weight=2.0)
    for loss in ("binary_cross_entropy", nn.binary_cross_entropy, *criteria):
        assert quiet(model, loss, X, LABELS, still, 1, metrics="accuracy").metrics["accuracy"] == [3 / 7]
    assert quiet(model, "mse", X, LABELS, still, 1, metrics="accuracy").metrics["accuracy"] == [4 / 7]


# ---- what is refused --------------------------------------------------------------------------------------------


REFUSED = {
    "a word for on_batch": ({"on_batch": "plot"}, TypeError, "on_batch must be a function of model and update, got"),
    "a clip of 0": ({"clip": 0.0}, ValueError, r"clip must be a number > 0 \(inf clips nothing\), got 0.0"),
    "a negative clip": ({"clip": -1}, ValueError, "clip must be a number > 0 .* got -1"),
    "nan for clip": ({"clip": math.nan}, ValueError, "clip must be a number > 0"),
    "a word for clip": ({"clip": "norm"}, TypeError, "clip must be a number > 0 .* got 'norm'"),
    "a schedule by step": (
        {"schedule": optim.Cosine(3), "schedule_by": "step"}, ValueError,
        "schedule_by must be 'epoch' or 'batch', got 'step'",
    ),
    "nothing to schedule": ({"schedule_by": "batch"}, ValueError, "schedule_by='batch' needs a schedule, such as opt"),
    "a number for shuffle": ({"shuffle": 0}, ValueError, "shuffle must be True or False, got 0"),
    "an unknown metric": (
        {"metrics": "acc"}, ValueError, "metrics must be among accuracy, mse, mae, or functions by name, .*got 'acc'",
    ),
    "an unknown metric among others": ({"metrics": ["mse", "f1"]}, ValueError, "metrics must be among .* got 'f1'"),
    "names and functions": ({"metrics": ["mse", len]}, TypeError, "metrics must be functions by name, .*or names"),
    "a metric that the targets do not fit": (
        {"model": mlp(4, 3), "loss": "cross_entropy", "y": CLASSES, "metrics": ["accuracy", "mse"]}, ValueError,
        r"metrics: 'mse', y: a loss needs a target for each output, got shapes \(7, 3\) and \(7,\)",
    ),
    "an error that the targets do not fit": (
        {"model": mlp(4, 3), "loss": "cross_entropy", "y": CLASSES, "metrics": "mae"}, ValueError,
        r"metrics: 'mae', y: a loss needs a target for each output, got shapes \(7, 3\) and \(7,\)",
    ),
    "weights too few": (
        {"sample_weight": [1.0] * 6}, ValueError,
        r"sample_weight must be one number for each of the 7 rows of X, got shape \(6,\)",
    ),
    "weights in a column": ({"sample_weight": [[1.0]] * 7}, ValueError, r"sample_weight must be .* got shape \(7, 1\)"),
    "weights of labels and of examples": (
        {"model": mlp(4, 3), "loss": nn.CrossEntropyLoss(weight=[1.0, 2.0, 3.0]), "y": CLASSES,
         "sample_weight": [1.0] * 7}, ValueError,
        r"CrossEntropyLoss\(weight=…\) divides by the weights of its labels, .*: take class_weight=.*reduction='sum'",
    ),
    "labels left out of one example": (
        {"model": mlp(4, 3), "loss": nn.NLLLoss(ignore_index=0), "y": CLASSES, "validation": (X, CLASSES, [1.0] * 7)},
        ValueError, r"NLLLoss\(ignore_index=…\) divides by the weights of its labels",
    ),
    "one weight": ({"sample_weight": 2.0}, ValueError, r"sample_weight must be one number for each .* shape \(\)"),
    "a negative weight": (
        {"sample_weight": [1.0] * 5 + [-2.0, 1.0]}, ValueError, r"sample_weight must be numbers ≥ 0, got -2.0 at \[5\]",
    ),
    "nan for a weight": ({"sample_weight": [math.nan] * 7}, ValueError, r"sample_weight must be finite, got nan at"),
    "words for weights": ({"sample_weight": "balanced"}, TypeError, "sample_weight must hold numbers"),
    "no weight at all": ({"sample_weight": [0] * 7}, ValueError, "sample_weight is 0 for every row of X: there is"),
    "classes in a word": (
        {"class_weight": "auto", "y": CLASSES}, TypeError,
        r"class_weight must be weights by label, such as \{0: 1.0, 1: 5.0\}, or 'balanced', got 'auto'",
    ),
    "classes in a list": ({"class_weight": [1.0, 2.0]}, TypeError, "class_weight must be weights by label"),
    "a class that is not there": (
        {"class_weight": {3: 1.0}, "y": CLASSES}, ValueError,
        "class_weight has the label 3, which no row of y has: it has 0, 1, 2",
    ),
    "a class as a word": ({"class_weight": {"1": 1.0}, "y": CLASSES}, ValueError, "class_weight has the label '1'"),
    "a negative weight of a class": (
        {"class_weight": {1: -1.0}, "y": CLASSES}, ValueError,
        r"class_weight\[1\] must be a finite number ≥ 0, got -1.0",
    ),
    "no weight for a class": ({"class_weight": {1: None}, "y": CLASSES}, TypeError, r"class_weight\[1\] must be a fin"),
    "no weight for all classes": (
        {"class_weight": {0: 0, 1: 0, 2: 0}, "y": CLASSES}, ValueError, "class_weight is 0 for every row of X",
    ),
    "weights that cancel": (
        {"class_weight": {0: 0, 2: 0}, "y": CLASSES, "sample_weight": [1, 0, 1, 1, 0, 0, 1]}, ValueError,
        "sample_weight times class_weight is 0 for every row of X",
    ),
    "classes of rows of targets": (
        {"model": mlp(4, 2), "y": X, "class_weight": "balanced"}, ValueError,
        r"class_weight needs a label for each row of y, got shape \(7, 2\): give sample_weight",
    ),
    "weights of validation too few": (
        {"validation": (*HELD_OUT, [1.0])}, ValueError,
        r"validation\[2\] must be one number for each of the 3 rows of validation\[0\], got shape \(1,\)",
    ),
    "no weight in validation": (
        {"validation": (*HELD_OUT, [0.0] * 3)}, ValueError, r"validation\[2\] is 0 for every row of validation\[0\]",
    ),
    "too much for validation": (
        {"validation": (*HELD_OUT, None, None)}, TypeError, r"validation must be a pair \(X, y\), or \(X, y, weights\)",
    ),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("changes", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_refused_before_any_work(changes, error, message):
    rng = np.random.default_rng(0)
    settings = {"model": mlp(), "loss": "mse", "X": X, "y": Y, "optimizer": "sgd", "epochs": 2, "rng": rng, **changes}
    before = [leaf.data for leaf in settings["model"].parameters()]
    with pytest.raises(error, match=message):
        quiet(**settings)
    assert [leaf.data for leaf in settings["model"].parameters()] == before
    assert not any(leaf.swept for leaf in settings["model"].parameters())
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


# ---- a second opinion -------------------------------------------------------------------------------------------


@pytest.mark.torch
@both
def test_clipping_and_weights_are_those_of_pytorch(compiled):
    """To 1e-10 after 100 updates of Adam: its clip_grad_norm_, and the weighted mean of its losses of examples."""
    import torch

    model = mlp(5, 3)
    network = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)).double()
    network.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    inputs, labels, weights = torch.tensor(X), torch.tensor(CLASSES), torch.tensor(WEIGHTS, dtype=torch.double)
    theirs, losses = torch.optim.Adam(network.parameters(), lr=0.05), []
    for _ in range(34):
        for rows in (slice(0, 3), slice(3, 6), slice(6, 7)):
            theirs.zero_grad()
            of_rows = torch.nn.functional.cross_entropy(network(inputs[rows]), labels[rows], reduction="none")
            loss = (weights[rows] * of_rows).sum() / weights[rows].sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 0.25)
            theirs.step()
            losses.append(loss.item())
    ours = []
    quiet(model, "cross_entropy", X, CLASSES, adam(model), 34, 3, shuffle=False, clip=0.25, sample_weight=WEIGHTS,
          compiled=compiled, on_batch=lambda _, update: ours.append(update.loss))  # fmt: skip
    assert ours == pytest.approx(losses, rel=1e-10, abs=1e-12)
    for name, tensor in network.state_dict().items():
        assert model.state_dict()[name] == pytest.approx(tensor.numpy(), rel=1e-10, abs=1e-12)

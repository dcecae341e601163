"""Going on with training: in two calls to the bit what it is in one, by way of files and processes; what is refused."""

import copy
import json
import math
import pickle
import random
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from microgradnn import History, Value, fit, nn, optim

quiet = partial(fit, progress=False)
NAN, INF = math.nan, math.inf
DATA = np.random.default_rng(7)
X = DATA.uniform(-1, 1, (6, 2))
Y = [0.0, 1.0, 1.0, 0.0, 0.5, -0.75]
HELD_OUT = X[1:4] * 0.9, Y[1:4]


def plain():
    return nn.MLP(2, [3, 1], activation="tanh", rng=0)


def seeded():
    return np.random.default_rng(5)


def rich(generator=seeded):
    """Everything that has a state; two dropouts share a generator, the third has its own."""
    shared, own = generator(), np.random.Generator(np.random.MT19937(3))
    return nn.Sequential(
        nn.Layer(2, 3, "tanh", rng=0), nn.BatchNorm(3), nn.Dropout(0.3, rng=shared), nn.Dropout(0.2, rng=own),
        nn.Dropout(0.2, rng=shared), nn.Layer(3, 1, "linear", rng=1),
    )  # fmt: skip


def groups(model):
    first = model.layers[0].parameters()
    others = [parameter for layer in model.layers[1:] for parameter in layer.parameters()]
    return optim.AdamW([{"params": first, "lr": 0.05}, {"params": others, "weight_decay": 0.1}], lr=0.02)


def spread(outputs, targets):
    return sum(abs(out - y) for out, y in zip(outputs, targets, strict=True)) / len(targets)


OPTIMIZERS = {
    "momentum": lambda model: optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda model: optim.Adam(model.parameters(), lr=0.05),
    "groups": groups,
    "the last layer alone": lambda model: optim.RMSProp(model.layers[-1].parameters(), lr=0.05),
}
OPTIONS = {
    "all at once": {},
    "everything": {
        "batch_size": 3, "validation": HELD_OUT, "schedule": optim.Cosine(7), "early_stopping": 9,
        "metrics": {"spread": spread}, "penalty": lambda model: nn.l2(model, 0.01),
    },
}  # fmt: skip


def left(history, model, optimizer):
    """All that a training leaves behind."""
    drawn = [module.rng.random() for module in model.modules() if isinstance(module, nn.Dropout)]
    state = {name: array.tolist() for name, array in model.state_dict().items()}
    return asdict(history), state, optimizer.state_dict(), drawn


def run(epochs, history=None, make=rich, optimizer="adam", seed=1, **options):
    """A model and an optimizer made anew, as in another process, and trained."""
    model = make()
    optimizer = OPTIMIZERS[optimizer](model)
    given = {"rng": seed} if history is None else {"history": history}
    options = {"batch_size": 3, **options}
    return quiet(model, "mse", X, Y, optimizer, epochs, **given, **options), model, optimizer


def through_file(history, folder):
    history.save(folder / "run.json")
    return History.load(folder / "run.json")


# ---- the same to the bit ------------------------------------------------------------------------------------------


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("optimizer", "options", "compiled"),
    [*((name, "everything", False) for name in OPTIMIZERS), ("adam", "all at once", False),
     ("momentum", "all at once", True), ("adam", "everything", True), ("groups", "everything", True)],
)  # fmt: skip
def test_two_calls_are_one_to_the_bit(optimizer, options, compiled, tmp_path):
    options = OPTIONS[options] | {"optimizer": optimizer, "compiled": compiled}
    first = run(2, **options)[0]
    assert left(*run(4, through_file(first, tmp_path), **options)) == left(*run(4, **options))


@pytest.mark.slow
def test_another_process_goes_on(tmp_path):
    """The first part is trained there, the second here."""
    script = f"from pathlib import Path; from tests.test_history import part; part(Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[1])
    for compiled in (False, True):
        options = OPTIONS["everything"] | {"compiled": compiled}
        history = History.load(tmp_path / f"{compiled}.json")
        assert left(*run(3, history, **options)) == left(*run(3, **options))


def part(folder):
    for compiled in (False, True):
        run(2, compiled=compiled, **OPTIONS["everything"])[0].save(folder / f"{compiled}.json")


def test_the_same_history_grows_in_the_same_process():
    """And many short calls are one, with the same model and optimizer or with new ones."""
    history, model, optimizer = run(1)
    loss = history.loss
    for epochs in (2, 3, 3, 4):
        assert quiet(model, "mse", X, Y, optimizer, epochs, 3, history=history) is history
    assert history.loss is loss
    assert left(history, model, optimizer) == left(*run(4))


def test_the_generator_of_the_batches_may_be_that_of_a_module(tmp_path):
    def shared(epochs, history=None):
        rng = np.random.default_rng(3)
        model = rich(lambda: rng)
        optimizer = OPTIMIZERS["adam"](model)
        given = {"rng": rng} if history is None else {"history": history}
        return quiet(model, "mse", X, Y, optimizer, epochs, 3, **given), model, optimizer

    history = shared(2)[0]
    states = history.state.generators
    assert (states["4.rng"], states["rng of fit"]) == ("2.rng", "2.rng")
    assert left(*shared(4, through_file(history, tmp_path))) == left(*shared(4))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_every_generator_of_numpy_comes_back(kind, tmp_path):
    def make(seed):
        return np.random.Generator(getattr(np.random, kind)(seed))

    model = partial(rich, partial(make, 1))
    history = run(2, make=model, seed=make(2))[0]
    assert left(*run(3, through_file(history, tmp_path), make=model)) == left(*run(3, make=model, seed=make(2)))


class Noisy(nn.Module):
    """A module of one's own with a generator of its own, rows of unequal length, and running statistics."""

    buffers = ("seen", "moments")

    def __init__(self):
        self.noise = np.random.default_rng(4)
        self.rows = [[Value(0.1), Value(0.2)], [Value(0.3)]]
        self.seen, self.moments = 0, [0.0, 0.0]

    def forward(self, x):
        if self.training:
            self.seen += 1
            self.moments = [self.moments[0] + x[0], self.moments[1] + x[0] ** 2]
        (a, b), (c,) = self.rows
        return a * x[0] + b * x[1] + c * (1.0 + self.noise.normal() * self.training)


GENERATORS = {
    "random.Random": lambda: random.Random(0),
    "RandomState": lambda: np.random.RandomState(0),
    "in a list": lambda: [[np.random.default_rng(0)], random.Random(0)],
    "behind numbers": lambda: [0.1, Value(0.2), np.random.default_rng(0)],
    "in a dict": lambda: {"a": (np.random.RandomState(0),), "b": np.random.default_rng(1), 3: {}},
}


class Drawing(nn.Module):
    """A module that draws from all generators that it has."""

    def __init__(self, generators):
        self.w, self.generators = [Value(0.1), Value(-0.2)], generators

    def forward(self, x):
        noise = sum(self.training * one.gauss(0.0, 1.0) if hasattr(one, "gauss") else self.training * one.normal()
                    for one in drawn_from(self.generators))  # fmt: skip
        return self.w[0] * x[0] + self.w[1] * x[1] + self.w[0] * noise


def drawn_from(generators):
    if isinstance(generators, dict):
        generators = [*generators.values()]
    if isinstance(generators, (list, tuple)):
        return [one for inner in generators for one in drawn_from(inner) if not isinstance(inner, (float, Value))]
    return [generators]


@pytest.mark.parametrize("kind", GENERATORS)
def test_generators_of_every_kind_come_back_from_lists_and_dicts(kind, tmp_path):
    """Also where an error ends an epoch, and in the middle of the pair that a Gaussian draws."""

    def drawing(epochs, history=None, **options):
        model = Drawing(GENERATORS[kind]())
        given = {"rng": 1} if history is None else {"history": history}
        history = quiet(model, "mse", X, Y, optim.SGD(model.parameters(), lr=0.01), epochs, 3, **given, **options)
        return history, [w.data for w in model.w], [one.random() if hasattr(one, "random") else one.rand()
                                                    for one in drawn_from(model.generators)]  # fmt: skip

    with pytest.raises(StopError) as told:
        drawing(9, penalty=raising(StopError(), 4))
    for first in (drawing(1)[0], told.value.history):
        assert drawing(3, through_file(first, tmp_path)) == drawing(3)


def test_a_generator_of_another_kind_is_refused():
    def made(generator):
        return nn.Sequential(Drawing(generator))

    history = quiet(made(random.Random(0)), "mse", X, Y, "sgd", 1)
    for other, message in [
        (np.random.RandomState(0), "the generator 0.generators was random.Random, that of the model is RandomState"),
        ([random.Random(0)], r"now there is no generator 0.generators$"),
    ]:
        with pytest.raises(ValueError, match=message):
            quiet(made(other), "mse", X, Y, "sgd", 2, history=history)
    history.state.generators["0.generators"]["state"] = [3, [1, 2], None]
    with pytest.raises(ValueError, match=r"0\.generators has no state of a generator"):
        quiet(made(random.Random(0)), "mse", X, Y, "sgd", 2, history=history)


def test_what_modules_of_ones_own_hold_comes_back(tmp_path):
    def noisy(epochs, history=None):
        model = Noisy()
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        given = {"rng": 1} if history is None else {"history": history}
        found = quiet(model, "mse", X, Y, optimizer, epochs, 3, **given)
        return found, [w.data for w in model.parameters()], model.seen, model.moments, model.noise.random()

    assert noisy(4, through_file(noisy(2)[0], tmp_path)) == noisy(4)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_parameter_that_only_the_optimizer_knows_comes_back(compiled, tmp_path):
    """Also the best one."""

    def scaled(epochs, history=None):
        model, scale = plain(), Value(1.5)
        optimizer = optim.Adam([scale, *model.parameters()], lr=0.05)
        given = {"rng": 1} if history is None else {"history": history}
        history = quiet(model, lambda out, y: nn.mse([scale * one for one in out], y), X, Y, optimizer, epochs, 3,
                        HELD_OUT, compiled=compiled, early_stopping=99, **given)  # fmt: skip
        assert scale.data == history.state.best.weights["parameter 0 of the optimizer"] != 1.5
        return history, model, optimizer

    assert left(*scaled(4, through_file(scaled(2)[0], tmp_path))) == left(*scaled(4))


# ---- how the first part may have ended ----------------------------------------------------------------------------


class StopError(Exception):
    """What a user's function raises."""


def raising(error, call):
    """A penalty of nothing that raises when it is called for the `call`-th time, in that batch."""
    calls = []

    def penalty(model):
        calls.append(1)
        if len(calls) == call:
            raise error
        return 0.0

    return penalty


@pytest.mark.sampled(10)
@pytest.mark.parametrize("call", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("error", [KeyboardInterrupt, StopError])
def test_what_ended_in_the_middle_of_an_epoch_goes_on_from_its_start(error, call, tmp_path):
    """Two batches an epoch; the generators go back to where the last complete epoch left them."""
    model = rich()
    optimizer = OPTIMIZERS["adam"](model)
    arguments = model, "mse", X, Y, optimizer, 9, 3
    if error is StopError:
        with pytest.raises(StopError) as caught:
            quiet(*arguments, penalty=raising(error, call), rng=1)
        history = caught.value.history
    else:
        history = quiet(*arguments, penalty=raising(error, call), rng=1)
    assert history.stopped == ("" if error is StopError else "interrupted")
    assert len(history.loss) == history.state.epochs == (call - 1) // 2
    again = copy.deepcopy(history)
    assert left(*run(4, through_file(history, tmp_path))) == left(*run(4))
    history = quiet(*arguments[:5], 4, 3, history=again)  # with the model that was left in the middle
    assert left(history, model, optimizer) == left(*run(4))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("compiled", [False, True])
def test_an_error_in_a_metric_goes_on_too(compiled, tmp_path):
    calls = []

    def metric(outputs, targets):
        calls.append(1)
        if len(calls) == 6:  # after the training of the third epoch it is called for the fifth time
            raise StopError
        return spread(outputs, targets)

    options = OPTIONS["everything"] | {"compiled": compiled}
    with pytest.raises(StopError) as caught:
        run(5, **options | {"metrics": {"spread": metric}})
    history = caught.value.history
    assert {len(figures) for _, figures in history.lists()} == {2}
    assert left(*run(5, through_file(history, tmp_path), **options)) == left(*run(5, **options))


def test_what_on_epoch_stopped_goes_on():
    history = run(5, on_epoch=lambda model, history: len(history.loss) < 2)[0]
    assert (history.stopped, len(history.loss)) == ("on_epoch", 2)
    assert left(*run(5, history)) == left(*run(5))


def weights_of(losses, epochs, patience, history=None):
    """One weight that falls by 1 an epoch from 0, with the given validation losses."""
    model = nn.MLP(1, [1], init=nn.init.constant(0.0))
    given = iter(losses[0 if history is None else len(history.loss) :])
    optimizer = optim.SGD([{"params": model.layers[0].weight[0], "lr": 1.0}])

    def loss(outputs, targets):
        return outputs[0] if outputs[0].operands else next(given)

    data = [[1.0]], [0.0]
    history = quiet(model, loss, *data, optimizer, epochs, validation=data, early_stopping=patience, history=history)
    return -model.layers[0].weight[0][0].data, len(history.loss), history.stopped, history


LOSSES = [5.0, 4.0, 6.0, 7.0, 8.0, 1.0, 2.0]


def test_patience_goes_on():
    """The best is of the first part, and the epochs without a better one are counted through."""
    for first in (1, 2, 3, 4):
        history = weights_of(LOSSES, first, 3)[-1]
        assert weights_of(LOSSES, 7, 3, history)[:3] == weights_of(LOSSES, 7, 3)[:3] == (2.0, 5, "early")


def test_what_ended_early_goes_on_with_more_patience_only():
    history = weights_of(LOSSES, 7, 2)[-1]
    assert (len(history.loss), history.stopped) == (4, "early")
    assert weights_of(LOSSES, 7, 2, history)[:3] == (2.0, 4, "early")
    assert weights_of(LOSSES, 5, 4, history)[:3] == (2.0, 5, "")
    assert weights_of(LOSSES, 7, 4, history)[:3] == (6.0, 7, "")


def test_without_patience_the_last_weights_go_on():
    history = weights_of(LOSSES, 7, 2)[-1]
    assert weights_of(LOSSES, 7, None, history)[:3] == (7.0, 7, "")


def test_where_nothing_is_left_to_do_the_model_gets_what_training_ended_with():
    history, trained, optimizer = run(3)
    before, model = asdict(history), rich()

    def never(*arguments):
        raise AssertionError

    fresh = optim.Adam(model.parameters())
    for epochs in (3, 1):
        assert quiet(model, "mse", X, Y, fresh, epochs, 3, history=history, on_epoch=never, penalty=never) is history
        assert asdict(history) == before
    assert left(history, model, fresh) == left(history, trained, optimizer)
    history = weights_of(LOSSES, 4, 9)[-1]
    assert weights_of(LOSSES, 4, 9, history)[0] == 2.0  # the best of them
    assert weights_of(LOSSES, 4, None, history)[0] == 4.0


def test_a_history_of_nothing_is_a_beginning():
    history = History()
    model = rich()
    optimizer = OPTIMIZERS["adam"](model)
    assert quiet(model, "mse", X, Y, optimizer, 2, 3, history=history, rng=1) is history
    assert left(history, model, optimizer) == left(*run(2))


# ---- saving in on_epoch -------------------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("compiled", [False, True])
def test_what_on_epoch_changes_counts_and_is_saved(compiled, tmp_path):
    """Weights, settings and memory of the optimizer; saved, or copied, without what cannot be pickled of `fit`."""

    def trained(epochs, history=None, save=None):
        model = rich()
        optimizer = optim.Adam(model.parameters(), lr=0.05)

        def change(model, history):
            for parameter in model.parameters():
                parameter.data = max(-0.3, min(0.3, parameter.data))
            optimizer.param_groups[0]["lr"] *= 0.9
            if len(history.loss) == 3:
                optimizer.load_state_dict(optim.Adam(model.parameters(), lr=0.07).state_dict())
            if save is not None:
                save(history)

        given = {"rng": 1} if history is None else {"history": history}
        history = quiet(model, "mse", X, Y, optimizer, epochs, 3, HELD_OUT, on_epoch=change, compiled=compiled,
                        penalty=lambda model: nn.l2(model, 0.01), **given)  # fmt: skip
        return left(history, model, optimizer)

    ways = {"file": [], "copy": [], "pickle": []}

    def save(history):
        ways["file"].append(through_file(history, tmp_path))
        ways["copy"].append(copy.deepcopy(history))
        ways["pickle"].append(pickle.loads(pickle.dumps(history)))

    whole = trained(5, save=save)
    assert whole[0]["learning_rate"] == pytest.approx([0.05, 0.05 * 0.9, 0.05 * 0.9**2, 0.07, 0.07 * 0.9])
    for way, histories in ways.items():
        for history in histories[1:4]:
            assert trained(5, history) == whole, way


def test_a_setting_that_is_no_plain_data_is_refused_by_name_when_it_is_saved(tmp_path):
    class Warm(optim.SGD):
        def __init__(self, params):
            optim.Optimizer.__init__(self, params, lr=0.1, momentum=0.0, nesterov=False, warm=math.sqrt)

    model = nn.MLP(1, [1], rng=0)
    history = fit(model, "mse", [[1.0]], [1.0], Warm(model.parameters()), 1, progress=False)
    with pytest.raises(ValueError, match=r"the optimizer's state\['param_groups'\]\[0\]\['warm'\] must be .*sqrt"):
        history.save(tmp_path / "run.json")
    assert not [*tmp_path.iterdir()]


class Counting(nn.Module):
    """Counts in a buffer how often it ran in training."""

    buffers = ("seen",)

    def __init__(self):
        self.seen = 0

    def forward(self, x):
        self.seen += self.training
        return x


def another_generator(model):
    model.layers[2].rng = np.random.default_rng(77)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("change", "compiled"),
    [(another_generator, False), (another_generator, True),
     (lambda model: model.layers.append(nn.Dropout(0.3, rng=77)), False),
     (lambda model: model.layers.append(nn.Dropout(0.3, rng=77)), True),
     (lambda model: model.layers.append(Counting()), False)],
    ids=["rng", "rng compiled", "dropout", "dropout compiled", "a buffer"],
)  # fmt: skip
def test_generators_and_buffers_that_on_epoch_puts_in_are_kept_too(change, compiled, tmp_path):
    """In the state, also as on_epoch saves it, and where an error takes a batch and an epoch back."""

    def changed():
        model = rich()
        change(model)
        return model

    def left_by(history, model, optimizer):
        *others, drawn = left(history, model, optimizer)
        return [*others, drawn, [one.seen for one in model.modules() if isinstance(one, Counting)]]

    def trained(epochs, history=None, make=changed, **options):
        model = make()
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        given = {"rng": 1} if history is None else {"history": history}
        history = quiet(model, "mse", X, Y, optimizer, epochs, 3, compiled=compiled, **given, **options)
        return left_by(history, model, optimizer)

    saved = []

    def put_in(model, history):
        if len(history.loss) == 1:
            change(model)

    def save_too(model, history):
        put_in(model, history)
        saved.append(through_file(history, tmp_path))

    whole = trained(3, make=rich, on_epoch=put_in)
    assert trained(3, make=rich, on_epoch=save_too) == whole
    assert trained(3, saved[0]) == trained(3, saved[1]) == trained(3, saved[2]) == whole
    calls = []

    def metric(outputs, targets):
        calls.append(1)
        if len(calls) == 3:
            raise StopError
        return 0.0

    with pytest.raises(StopError) as told:
        trained(4, make=rich, on_epoch=put_in, metrics={"m": metric})
    history = told.value.history
    assert history.state.epochs == 2
    expected = trained(2, make=rich, on_epoch=put_in, metrics={"m": lambda *_: 0.0})[0]["_state"]
    assert asdict(history)["_state"] == expected


def test_parameters_and_buffers_keep_their_names_where_on_epoch_moves_their_modules():
    history = run(2, on_epoch=lambda model, history: model.layers.insert(0, nn.Activation("linear")))[0]
    assert {*history.state.weights} == {*run(1)[0].state.weights}


def test_the_best_weights_come_back_from_before_a_buffer_was_there():
    model, losses = plain(), iter([1.0, 2.0, 3.0])

    def put_in(model, history):
        if len(history.loss) == 1:
            model.layers.append(Counting())

    history = quiet(model, lambda out, y: nn.mse(out, y) if model.training else next(losses), X, Y, "sgd", 9,
                    validation=HELD_OUT, early_stopping=2, on_epoch=put_in)  # fmt: skip
    assert history.stopped == "early"
    assert [w.data for w in model.parameters()] == [*history.state.best.weights.values()]


@pytest.mark.parametrize("compiled", [False, True])
def test_what_on_epoch_changed_before_it_raised_is_not_in_the_state(compiled):
    """Neither weights nor settings nor generators."""
    model = rich()
    optimizer = optim.Adam(model.parameters(), lr=0.05)

    def change(model, history):
        if len(history.loss) == 2:
            another_generator(model)
            assert history.state is not None  # which looks at what there is
            optimizer.param_groups[0]["lr"] = 9.0
            model.layers[0].bias[0].data = 9.0
            raise StopError

    with pytest.raises(StopError) as told:
        quiet(model, "mse", X, Y, optimizer, 4, 3, rng=1, on_epoch=change, compiled=compiled)
    history, again = told.value.history, rich()
    assert (history.state.optimizer["param_groups"][0]["lr"], history.state.weights["0.bias[0]"] == 9.0) == (
        0.05,
        False,
    )
    assert optimizer.param_groups[0]["lr"] == 9.0
    fresh = optim.Adam(again.parameters(), lr=0.05)
    assert left(quiet(again, "mse", X, Y, fresh, 4, 3, history=history, compiled=compiled), again, fresh) == left(
        *run(4, compiled=compiled)
    )


def test_in_the_middle_of_an_epoch_nothing_is_saved(tmp_path):
    """The figures and the state would be of different epochs."""
    history, said = History(), []

    def metric(outputs, targets):
        if len(history.loss) == 2:
            with pytest.raises(ValueError, match=r"has 2 epochs, but its state is that after 0: .*on_epoch"):
                history.save(tmp_path / "run.json")
            said.append(1)
        return 0.0

    run(3, history=history, metrics={"m": metric})
    assert said == [1]
    assert list(tmp_path.iterdir()) == []
    history.save(tmp_path / "run.json")


# ---- files --------------------------------------------------------------------------------------------------------


def test_a_history_comes_back_from_a_file_to_the_bit(tmp_path):
    history = run(3, **OPTIONS["everything"])[0]
    found = through_file(history, tmp_path)
    assert found == history
    assert found.state == history.state
    assert (found.stopped, found.metrics["spread"]) == ("", history.metrics["spread"])
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    odd = History([1 / 3, 5e-324], [], {"a 'b'": [NAN, -INF]}, {}, [0.1, -0.0], {}, "early")
    assert repr(through_file(odd, tmp_path)) == repr(odd)


@pytest.mark.parametrize("name", ["run", "run.safetensors", "run.json.txt"])
def test_the_name_of_a_file_ends_in_json(name, tmp_path):
    with pytest.raises(ValueError, match=rf"cannot save '.*{name}': the name must end in .json"):
        History().save(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        History().save(tmp_path / "nowhere" / "run.json")


def test_a_state_that_cannot_be_written_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "run.json"
    History([1.0], [], {}, {}, [0.1]).save(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        History([object()], [], {}, {}, [0.1]).save(path)
    assert path.read_bytes() == before


def edited(change):
    def edit(content):
        found = json.loads(content)
        change(found)
        return json.dumps(found).encode()

    return edit


DAMAGED = {
    "nothing": lambda content: b"",
    "half of it": lambda content: content[: len(content) // 2],
    "no text": lambda content: b"\xff\x00" + content,
    "a list": lambda content: b"[1, 2]",
    "weights": lambda content: b'{"0.weight": [1.0]}',
    "too deep": lambda content: b"[" * 10**5,
    "a version to come": lambda content: content.replace(b"history 1", b"history 2"),
    "no losses": edited(lambda found: found.pop("loss")),
    "a word for a loss": edited(lambda found: found["loss"].append("low")),
    "a loss too many": edited(lambda found: found["loss"].append(1.0)),
    "a norm too few": edited(lambda found: found["gradient_norm"]["0"].pop()),
    "metrics in a list": edited(lambda found: found.update(metrics=[])),
    "a reason that is none": edited(lambda found: found.update(stopped="tired")),
    "a state of words": edited(lambda found: found.update(state="fine")),
    "a state of nothing": edited(lambda found: found.update(state={})),
    "no weights": edited(lambda found: found["state"].pop("weights")),
    "weights in a list": edited(lambda found: found["state"].update(weights=[1.0])),
    "more than a state": edited(lambda found: found["state"].update(more=1)),
    "a best of words": edited(lambda found: found["state"].update(best={"loss": "low", "epoch": 0, "weights": None})),
    "a best to come": edited(lambda found: found["state"].update(best={"loss": 1.0, "epoch": 9, "weights": None})),
    "epochs of another": edited(lambda found: found["state"].update(epochs=2)),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_with_its_name(damage, tmp_path):
    path = tmp_path / "run.json"
    run(1)[0].save(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"cannot load '.*run.json': it is "):
        History.load(path)


# ---- what is refused ----------------------------------------------------------------------------------------------


def unshared():
    model = rich()
    model.layers[4].rng = np.random.default_rng(5)
    return model


def reversed_adam(model):
    return optim.Adam(model.parameters()[::-1], lr=0.05)


def swapped_adam(model):
    *others, weight, bias = model.parameters()
    return optim.Adam([*others, bias, weight], lr=0.05)


MISFITS = {  # what is other than it was, and how it is told
    "a new generator": ({"rng": 0}, "fit goes on with the generator that the history ended with: leave rng out, got 0"),
    "another model": (
        {"make": plain}, r"does not fit: now there is no 1.weight\[0\], 1.weight\[1\], 1.weight\[2\] and \d+ more",
    ),
    "a larger model": (
        {"make": lambda: nn.Sequential(*rich().layers, nn.Layer(1, 1, rng=0))},
        r"does not fit: the history has no 6.weight\[0\]\[0\], 6.bias\[0\]$",
    ),
    "another optimizer": ({"optimizer": "momentum"}, "does not fit: state.'optimizer'. must be 'SGD', got str 'Adam'"),
    "other groups": (
        {"optimizer": lambda model: optim.Adam([{"params": [w]} for w in model.parameters()])},
        r"does not fit: state\['param_groups'\] must be a list of \d+, got list of 1",
    ),
    "parameters in another order": (
        {"optimizer": reversed_adam}, r"parameter 0 of its optimizer was 0.weight\[0\]\[0\], and now it is 5.bias\[0\]",
    ),
    "the last two swapped": ({"optimizer": swapped_adam}, r"was 5.weight\[0\]\[2\], and now it is 5.bias\[0\]$"),
    "fewer parameters": (
        {"optimizer": "the last layer alone"}, r"parameter 0 of .* was 0.w.*, and now it is 5.weight\[0\]\[0\]$",
    ),
    "a parameter less": (
        {"optimizer": lambda model: optim.Adam(model.parameters()[:-1])}, r"was 5.bias\[0\], and now it is none$",
    ),
    "no validation": (
        {"validation": None, "early_stopping": None}, "does not fit: now there is no validation$",
    ),
    "no metrics": ({"metrics": None}, "does not fit: now there is no metric spread$"),
    "another metric": (
        {"metrics": {"spread": spread, "more": spread}}, "does not fit: the history has no metric more$",
    ),
    "another kind of generator": (
        {"make": partial(rich, lambda: np.random.Generator(np.random.SFC64(1)))},
        "does not fit: the generator 2.rng was PCG64, that of the model is SFC64",
    ),
    "generators that were shared": (
        {"make": unshared}, "does not fit: the generator 4.rng was 2.rng, that of the model is PCG64",
    ),
    "no history": ({"history": [1.0]}, r"history must be what fit or History.load gave, got \[1.0\]"),
    "figures without a state": (
        {"history": History([1.0], [1.0], {}, {}, [0.1])}, "does not fit: it has 1 epochs, but no state to go on from",
    ),
}  # fmt: skip
SPOILT = {  # what somebody wrote into the file
    "a weight that is not finite": (
        lambda state: state["weights"].update({"0.weight[0][0]": NAN}),
        r"0.weight\[0\]\[0\] must be like .* got nan",
    ),
    "a word for a weight": (lambda state: state["weights"].update({"0.bias[1]": "1"}), r"0.bias\[1\] must be .* '1'"),
    "statistics of another size": (
        lambda state: state["weights"].update({"1.running_mean": [1.0]}),
        r"1.running_mean must be like .*got \[1.0\]",
    ),
    "a best weight that is not finite": (
        lambda state: state["best"]["weights"].update({"0.bias[0]": INF}),
        r"0.bias\[0\] must be .* got inf",
    ),
    "a memory that cannot be": (
        lambda state: state["optimizer"]["state"]["mean_square"].__setitem__(0, -1.0),
        "mean_square'. must be ≥ 0",
    ),
    "a learning rate that cannot be": (
        lambda state: state["optimizer"]["param_groups"][0].update(lr=-1.0),
        "lr of the state must be",
    ),
    "a generator of nothing": (lambda state: state["generators"].update({"rng of fit": {}}), "rng of fit has no state"),
    "a generator that could run": (
        lambda state: state["generators"]["rng of fit"].update(bit_generator="test"),
        "rng of fit has no .*'test'",
    ),
    "half a state of a generator": (
        lambda state: state["generators"]["2.rng"].update(state={"state": "a", "inc": 1}),
        "2.rng has no state",
    ),
    "a generator too many": (
        lambda state: state["generators"].update({"9.rng": "2.rng"}),
        "now there is no generator 9.rng",
    ),
}


def refused(message, history, make=rich, optimizer="adam", **options):
    """Nothing has changed when it is refused: not the model, not the optimizer, not the history."""
    model = make()
    optimizer = (OPTIMIZERS.get(optimizer) if isinstance(optimizer, str) else optimizer)(model)
    before, figures = left(History(), copy.deepcopy(model), optimizer), copy.deepcopy(history)
    with pytest.raises((TypeError, ValueError), match=message):
        quiet(model, "mse", X, Y, optimizer, 5, history=history, **options)
    assert left(History(), model, optimizer) == before
    assert history == figures


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("changes", "message"), MISFITS.values(), ids=MISFITS)
def test_a_history_that_does_not_fit_is_refused_by_name(changes, message):
    refused(message, **{"history": run(2, **OPTIONS["everything"])[0], **OPTIONS["everything"], **changes})


def test_validation_that_is_new_is_refused():
    refused("does not fit: the history has no validation$", run(2)[0], batch_size=3, validation=HELD_OUT)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("change", "message"), SPOILT.values(), ids=SPOILT)
def test_a_state_that_was_spoilt_is_refused(change, message, tmp_path):
    path = tmp_path / "run.json"
    run(2, **OPTIONS["everything"])[0].save(path)
    content = json.loads(path.read_text())
    change(content["state"])
    path.write_text(json.dumps(content))
    refused(f"the history does not fit: .*{message}", History.load(path), **OPTIONS["everything"])

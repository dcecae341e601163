"""What `watch` shows is what training and model say, it costs at most a quarter of the time, and changes nothing."""

import re
import sys
import types
import xml.etree.ElementTree as ET
from base64 import b64decode
from itertools import pairwise

import numpy as np
import pytest

from microgradnn import fit, nn, optim, watch, watching
from microgradnn.compiler.program import Program
from microgradnn.drawing.palette import PAPER
from microgradnn.nn.parameters import data_of
from microgradnn.plots.outputs import Outputs
from microgradnn.training import History
from microgradnn.watching.chart import COLOURS, DASHES, MARKS, Chart, Scale, across, up
from microgradnn.watching.paths import MOST, outline, thinned

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 2))
Y = (X[:, 0] > X[:, 1] ** 2).astype(int)


@pytest.fixture
def frames(monkeypatch):
    """What Jupyter would show: the first of an output, then each that takes its place."""
    shown = []
    handle = types.SimpleNamespace(update=lambda content, raw: shown.append(content))
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=True)
    ipython.outputs = 0

    def first(content, raw, display_id):
        assert raw
        assert display_id is True
        ipython.outputs += 1
        shown.append(content)
        return handle

    display.display = first
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only where a test says so."""
    now = types.SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(watching, "perf_counter", lambda: now.seconds)
    return now


def mlp(*nouts, nin=2, **settings):
    return nn.MLP(nin, nouts or [4, 1], **{"activation": "tanh", "rng": 0} | settings)


def trained(model, loss="binary_cross_entropy_with_logits", X=X, y=Y, epochs=3, **settings):  # noqa: N803
    return fit(model, loss, X, y, optim.Adam(model.parameters(), lr=0.05), epochs, rng=1, progress=False, **settings)


def rich():
    """What draws and keeps numbers in training."""
    return nn.Sequential(
        nn.Layer(2, 4, rng=0), nn.BatchNorm(4), nn.Dropout(0.3, rng=0), nn.Layer(4, 1, activation="linear", rng=1)
    )


class Restless(nn.Module):
    """Draws in evaluation, too, so that asking it moves its generator."""

    def __init__(self):
        self.layer, self.rng = nn.Layer(2, 1, "linear", rng=0), np.random.default_rng(0)

    def forward(self, x):
        noise = float(self.rng.normal())
        return [score + noise for score in self.layer(x)]


class Choosing(nn.Module):
    """Asks for the number of a Value, so that it cannot be compiled."""

    def __init__(self):
        self.layer = nn.Layer(2, 1, "linear", rng=0)

    def forward(self, x):
        (score,) = self.layer(x)
        return [score if score.data > 0 else 2 * score]


# ---- the same training ------------------------------------------------------------------------------------------


@pytest.mark.sampled(4)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("make", [mlp, rich, Restless])
def test_training_comes_out_the_same_to_the_bit(make, compiled, frames):
    def run(watched):
        model = make()
        history = trained(model, batch_size=8, on_epoch=watch(model, X, Y) if watched else None, compiled=compiled)
        return history, history.state, [module.training for module in model.modules()]

    if make is Restless and compiled:
        with pytest.raises(TypeError, match="calls the function twice"):
            run(True)
        return
    assert run(True) == run(False)
    assert frames


def test_a_compiled_training_is_not_recorded_anew(frames, monkeypatch):
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        return nn.mse(outputs, targets)

    def count(epochs, watched):
        calls.clear()
        model = mlp()
        trained(model, loss, epochs=epochs, compiled=True, on_epoch=watch(model, X, Y) if watched else None)
        return len(calls)

    assert count(9, True) == count(9, False) == count(2, True)


def test_a_hook_that_only_looks_is_called_when_it_wants_to_and_changes_nothing():
    class Hook:
        def __init__(self):
            self.seen = []

        def looks_at(self, history):
            return len(history.loss) % 2 == 0

        def __call__(self, model, history):
            self.seen.append((len(history.loss), model.parameters()[0].data, model.training))
            for parameter in model.parameters():
                parameter.data = 0.0

    seen = []
    trained(mlp(), epochs=5, on_epoch=lambda model, history: seen.append(model.parameters()[0].data))
    for compiled in (False, True):
        hook = Hook()
        assert trained(mlp(), epochs=5, compiled=compiled, on_epoch=hook) == trained(mlp(), epochs=5, compiled=compiled)
        assert [(epoch, training) for epoch, _, training in hook.seen] == [(2, False), (4, False)]
        assert np.allclose([weight for _, weight, _ in hook.seen], seen[1:4:2], rtol=1e-12)


# ---- when it shows something ------------------------------------------------------------------------------------


def test_one_output_has_the_first_state_and_the_last(frames):
    model = mlp()
    trained(model, epochs=3, on_epoch=watch(model, X, Y))
    assert sys.modules["IPython"].outputs == 1
    assert [frame["text/plain"][:8] for frame in frames] == ["epoch 1:", "epoch 3:"]


@pytest.mark.parametrize("end", ["early", "interrupted", "on_epoch", "error"])
def test_the_last_state_is_shown_however_training_ends(end, frames, monkeypatch):
    model, batches = mlp(), []

    def loss(outputs, targets):
        batches.append(1)
        if len(batches) == 6 and end == "interrupted":
            raise KeyboardInterrupt
        if len(batches) == 6 and end == "error":
            raise RuntimeError("mine")
        return nn.hinge(outputs, (2 * np.array(targets) - 1).tolist())

    hook = watch(model, X, Y)
    settings = {"on_epoch": hook, "epochs": 9}
    if end == "early":
        settings |= {"validation": (X, 1 - Y), "early_stopping": 2}
    if end == "on_epoch":

        class Stopping:
            looks_at, close = hook.looks_at, hook.close

            def __call__(self, model, history):
                hook(model, history)
                return False

        settings["on_epoch"] = Stopping()
    try:
        history = trained(model, loss, **settings)
    except RuntimeError as error:
        history = error.history
    assert history.loss
    told = {"early": "stopped early", "interrupted": "interrupted", "on_epoch": "stopped by on_epoch"}.get(
        end, "gradient"
    )
    stopped = "" if end == "error" else f", {told}"
    assert frames[-1]["text/plain"].startswith(f"epoch {len(history.loss)}{stopped}: loss ")
    assert told in frames[-1]["text/plain"]
    assert f">epoch{stopped}</text>" in frames[-1]["image/svg+xml"]
    right = sum((score > 0) == bool(label) for (score,), label in zip(Outputs(model)(X), Y, strict=True))
    assert f"{right} of 30 right" in frames[-1]["image/svg+xml"]  # of the weights that are left


@pytest.mark.parametrize(("epoch", "prepare", "frame"), [(0.5, 0.2, 0.05), (0.01, 0.3, 0.004), (0.05, 2.0, 0.4)])
def test_at_most_a_quarter_of_the_time_goes_into_watching(epoch, prepare, frame, frames, clock, monkeypatch):
    """The last frame counted in, where training takes long enough for the first and the last."""
    hook, spent = watch(model := mlp(), X, Y), []

    def takes(seconds):
        clock.seconds += seconds
        spent.append(seconds)

    monkeypatch.setattr(type(hook.view), "prepare", lambda view: takes(prepare))
    monkeypatch.setattr(watching.Watch, "charts", lambda hook, history: takes(frame) or [])
    history = History()
    for _ in range(int(4 * (prepare + 2 * frame) / epoch) + 400):
        clock.seconds += epoch
        history.append({"loss": 1.0})
        if hook.looks_at(history):
            hook(model, history)
    hook.close()
    assert sum(spent) <= clock.seconds / 4
    most = (clock.seconds / 4 - prepare) / frame
    assert len(frames) >= 0.7 * min(most, clock.seconds / max(epoch + frame, 0.1 + epoch))
    assert frames[-1]["text/plain"].startswith(f"epoch {len(history.loss)}:")


def test_a_hook_can_be_used_again(frames):
    hook = watch(model := mlp(), X, Y)
    history = trained(model, epochs=2, on_epoch=hook)
    fit(model, "binary_cross_entropy_with_logits", X, Y, optim.Adam(model.parameters(), lr=0.05), 4,
        history=history, on_epoch=hook, progress=False)  # fmt: skip
    assert [frame["text/plain"][:7] for frame in frames] == ["epoch 1", "epoch 2", "epoch 3", "epoch 4"]
    assert sys.modules["IPython"].outputs == 2


def test_without_an_epoch_there_is_nothing_to_show(frames):
    hook = watch(model := mlp(), X, Y)
    with pytest.raises(ValueError, match="loss must be"):
        trained(model, "no loss", on_epoch=hook)
    assert frames == []


def test_a_terminal_has_one_line_that_is_written_anew(monkeypatch, capsys, clock):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(watching, "PAUSE", 0.0)
    model = mlp()
    trained(model, epochs=4, on_epoch=watch(model, X, Y), validation=(X, Y))
    *states, end = capsys.readouterr().err.split("\r")[1:]
    assert [state[:8] for state in [*states, end]] == ["epoch 1:", "epoch 2:", "epoch 3:", "epoch 4:", "epoch 4:"]
    assert end.endswith("\n")
    assert all(len(state.rstrip("\n")) < 60 and "\n" not in state for state in states)


def test_a_line_leaves_out_whole_figures_and_never_how_training_ended():
    history = History(loss=[0.9, 0.3, 0.1], gradient_norm={"0": [1.0], "2": [0.5]}, stopped="early")
    whole = "epoch 3, stopped early: loss 0.9 █▂▁ 0.1, gradient of layer 0 1, gradient of layer 2 0.5"
    assert watching.line(history) == watching.line(history, len(whole)) == whole
    assert watching.line(history, len(whole) - 1) == whole[: whole.rindex(",")]
    assert watching.line(history, 40) == "epoch 3, stopped early: loss 0.9 █▂▁ 0.1"
    assert watching.line(history, 12) == whole[:12]


def test_a_shorter_line_covers_the_longer_one_before(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    hook = watch(mlp(), X, Y)
    hook._show(History(loss=[0.123456]))
    hook._show(History(loss=[1.0]))
    longer, shorter = capsys.readouterr().err.split("\r")[1:]
    assert len(shorter) == len(longer) > len(shorter.rstrip())


@pytest.mark.filterwarnings("error")
def test_without_standard_error_training_goes_on(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    model = mlp()
    assert len(trained(model, epochs=2, on_epoch=watch(model, X, Y)).loss) == 2


def test_between_two_frames_there_is_a_pause(clock):
    hook = watch(model := mlp(), X, Y)
    seen = []
    for epoch in range(1, 31):
        clock.seconds += 0.03
        if hook.looks_at(history := History(loss=[1.0] * epoch)):
            hook(model, history)
            seen.append(clock.seconds)
    assert len(seen) > 3
    assert all(later - before >= 0.1 - 1e-9 for before, later in pairwise(seen))


def test_where_there_is_no_terminal_one_line_is_written_at_the_end(capsys):
    model = mlp()
    trained(model, epochs=4, on_epoch=watch(model, X, Y))
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:8]) == ("", 1, "epoch 4:")


@pytest.mark.notebooks
def test_a_kernel_updates_one_output_in_place_and_ctrl_c_leaves_the_last_state():
    import nbformat
    from nbclient import NotebookClient

    source = """
        import os, signal
        from microgradnn import fit, nn, watch
        model, X, y = nn.MLP(2, [4, 1], rng=0), [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1, -1, 1]
        batches = []
        def loss(outputs, targets):
            batches.append(1)
            if len(batches) == 30:
                os.kill(os.getpid(), signal.SIGINT)
            return nn.hinge(outputs, targets)
        fit(model, loss, X, y, "sgd", 99, on_epoch=watch(model, X, y)).stopped"""
    cell = nbformat.v4.new_code_cell("\n".join(line[8:] for line in source.splitlines()))
    notebook = NotebookClient(nbformat.v4.new_notebook(cells=[cell]), kernel_name="python3").execute()
    shown, result = notebook.cells[0].outputs  # no bar, and no second picture
    assert result.data["text/plain"] == "'interrupted'"
    assert shown.output_type == "display_data"
    assert re.fullmatch(r"epoch 30, interrupted: loss .*", shown.data["text/plain"])
    assert shown.data["text/html"].count("<img ") == 3


# ---- what it shows ----------------------------------------------------------------------------------------------


def svgs(frame):
    """The images of a frame, parsed, with what they say to those who do not see them."""
    images = re.findall(r'<img [^>]*alt="([^"]*)" src="data:image/svg\+xml;base64,([^"]*)">', frame["text/html"])
    return [(alt, ET.fromstring(b64decode(data))) for alt, data in images]


def curves(svg):
    """The points of each curve that is drawn, samples of a legend left out."""
    paths = [path.get("d") for path in svg.iter("{http://www.w3.org/2000/svg}path") if path.get("class") == "curve"]
    return [np.array(re.findall(r"[ML](\S+?) ([^ML]+)", d), float) for d in paths if "h" not in d]


def within(loops, points):
    """Whether a ray to the right from each point crosses the loops an odd number of times."""
    crossings = np.zeros(len(points), int)
    for loop in loops:
        for (x0, y0), (x1, y1) in zip(loop, np.roll(loop, -1, axis=0), strict=True):
            spans = (y0 > points[:, 1]) != (y1 > points[:, 1])
            slope = (x1 - x0) / (y1 - y0) if y1 != y0 else 0.0
            crossings += spans & (points[:, 0] < x0 + slope * (points[:, 1] - y0))
    return crossings % 2 == 1


def test_each_epoch_has_its_place_on_the_curve_of_the_loss(frames):
    model = mlp()
    history = trained(model, epochs=12, validation=(X, Y), on_epoch=watch(model, X, Y))
    (alt, svg), _, (_, gradients) = svgs(frames[-1])
    both = history.loss + history.validation_loss
    x, y = across(1, 12), up(both)
    for curve, numbers in zip(curves(svg), [history.loss, history.validation_loss], strict=True):
        assert np.allclose(curve, np.stack([x(range(1, 13)), y(numbers)], axis=1), atol=0.051)
    assert f"{history.loss[-1]:.4g}" in alt
    assert [len(curve) for curve in curves(gradients)] == [12, 12]


def test_the_regions_are_what_the_model_says(frames):
    model = mlp(8, 3)
    y = RNG.integers(0, 3, 30)
    hook = watch(model, X, y)
    trained(model, "cross_entropy", y=y, epochs=20, on_epoch=hook)
    alt, svg = svgs(frames[-1])[1]
    points = RNG.uniform(X.min(0), X.max(0), (400, 2))
    answers = Outputs(model)(points)
    low, high = X.min(0), X.max(0)
    room = 0.1 * (high - low)
    x, y_scale = across(low[0] - room[0], high[0] + room[0]), Scale(low[1] - room[1], high[1] + room[1], 214, 44)
    places = np.stack([x(points[:, 0]), y_scale(points[:, 1])], axis=1)
    drawn = np.full(400, -1)
    for region in svg.iter("{http://www.w3.org/2000/svg}path"):
        if region.get("class") == "region":
            loops = [re.findall(r"([\d.]+) ([\d.]+)", loop) for loop in region.get("d").split("z")[:-1]]
            inside = within([np.array(loop, float) for loop in loops], places)
            drawn[inside] = COLOURS.index(region.get("fill"))
    assert (drawn == answers.argmax(1)).mean() > 0.98  # beside the lines between them
    right = int((Outputs(model)(X).argmax(1) == y).sum())
    assert f"{right} of 30 right" in alt


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("model", "X", "y", "loss", "told"),
    [
        (mlp(8, 1, nin=1), X[:, 0], np.sin(X[:, 0]), "mse", "Predictions of the model as a curve beside 30 targets"),
        (mlp(8, 2, nin=1), X[:, :1], X, "mse", "Predictions of the model as a curve"),
        (mlp(8, 1, nin=3), RNG.normal(size=(30, 3)), Y, "mse", "Accuracy over the epochs"),
        (mlp(8, 1, nin=3), RNG.normal(size=(30, 3)), X[:, 0], "mse", "Predictions against targets of 30 examples"),
        (mlp(8, 2), X, np.eye(2)[Y], "mse", "Decision regions of the model"),
        (mlp(8, 2), X, X, "mse", "Predictions against targets of 30 examples"),
        (mlp(8, 1), X, Y[:, None], "mse", "Decision regions of the model"),
        (mlp(8, 1), X, X[:, 0], "mse", "Predictions against targets of 30 examples"),
    ],
)  # fmt: skip
def test_what_is_shown_suits_the_examples(model, X, y, loss, told, frames):  # noqa: N803
    trained(model, loss, X, y, on_epoch=watch(model, X, y))
    assert svgs(frames[-1])[1][0].startswith(told)


def test_metrics_of_fit_stand_in_place_of_the_accuracy(frames):
    model, many = mlp(nin=3), RNG.normal(size=(30, 3))
    history = trained(
        model, X=many, metrics={"m<1>": lambda outputs, targets: len(outputs)}, on_epoch=watch(model, many, Y)
    )
    alt, svg = svgs(frames[-1])[1]
    assert alt == "M&lt;1&gt; 30: now m&lt;1&gt; 30."
    assert np.allclose(curves(svg)[0][:, 1], up(history.metrics["m<1>"], False)(30.0), atol=0.051)


@pytest.mark.slow
def test_a_model_that_cannot_be_compiled_or_fails_between_the_examples_is_shown_all_the_same(frames):
    for make in (Choosing, Restless):
        model = make()
        trained(model, on_epoch=watch(model, X, Y))
        assert "of 30 right" in svgs(frames[-1])[1][0]

    class Root(nn.Module):
        """Has no value for what is not above 0, where no example lies."""

        def __init__(self):
            self.layer = nn.Layer(1, 1, "linear", rng=0)

        def forward(self, x):
            if x[0] <= 0:
                raise ValueError(f"no root of {x[0]}")
            return self.layer([x[0] ** 0.5])

    model, x = Root(), [[0.01], [1.0], [4.0]]
    trained(model, "mse", x, [0.0, 1.0, 2.0], on_epoch=watch(model, x, [0.0, 1.0, 2.0]))
    alt, svg = svgs(frames[-1])[1]
    assert "rms error" in alt
    assert 100 < len(curves(svg)[0]) < 160


def test_outputs_are_those_of_eager_code_and_modes_stay():
    for model, y in [(mlp(8, 3), np.ones((30, 3))), (rich(), Y), (Choosing(), Y)]:
        trained(model, "mse", y=y)
        points, outputs = RNG.normal(size=(2100, 2)), Outputs(model)
        model.train()
        answers = outputs(points)
        assert all(module.training for module in model.modules())
        assert outputs.compiles == (not isinstance(model, Choosing))
        model.eval()
        eager = np.array(data_of(model(points[::300].tolist()))).reshape(7, -1)
        assert np.allclose(answers[::300], eager, rtol=1e-12, atol=1e-14)
        model.parameters()[0].data += 1.0
        assert not np.allclose(outputs(points), answers)  # of what the model is now


def test_running_statistics_that_changed_count():
    model = nn.Sequential(nn.Layer(2, 3, "tanh", rng=0), nn.BatchNorm(3), nn.Layer(3, 1, "tanh", rng=1))
    outputs, points = Outputs(model), np.array([[1.0, 2.0], [3.0, -1.0]])
    before = outputs(points)
    model.train()
    model([[1.0, 5.0], [2.0, -3.0], [0.0, 1.0]])
    model.eval()
    assert not np.allclose(outputs(points), before)
    assert np.allclose(outputs(points)[:, 0], [model(point.tolist()).data for point in points])


def test_the_program_of_a_model_is_made_once(monkeypatch):
    made = []
    init = Program.__init__
    monkeypatch.setattr(Program, "__init__", lambda self, *args: (made.append(1), init(self, *args))[1])
    outputs = Outputs(mlp())
    for _ in range(3):
        outputs(X)
    assert len(made) == 1


# ---- how it is drawn --------------------------------------------------------------------------------------------


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("paper", PAPER.values())
def test_colours_are_seen_on_light_and_on_dark_paper_and_differ_by_more_than_colour(paper):
    for colour in COLOURS:
        low, high = sorted([luminance(colour), luminance(paper)])
        assert (high + 0.05) / (low + 0.05) >= 3
    assert len(set(COLOURS)) == len(set(DASHES)) == len(set(MARKS)) == 10


def test_a_frame_is_sound_and_says_itself(frames):
    model = mlp()
    trained(model, on_epoch=watch(model, X, Y))
    whole = ET.fromstring(frames[-1]["image/svg+xml"])
    alts = [alt for alt, _ in svgs(frames[-1])]
    assert whole.get("role") == "img"
    assert whole.get("aria-label") == " ".join(alts)
    assert all(len(alt) > 20 for alt in alts)
    assert sum(map(len, frames[-1].values())) < 60_000


@pytest.mark.parametrize("numbers", [[], [0.0], [5.0], [-3.0, 7.0], [0.01, 3.0], [1e-9, 1e9], [np.nan, np.inf, 2.0]])
def test_scales_have_ticks_within_and_a_place_for_each_number(numbers):
    scale = up(numbers)
    assert 2 <= len(scale.ticks()) <= 7
    assert ((scale(list(scale.ticks())) >= 43.9) & (scale(list(scale.ticks())) <= 214.1)).all()
    finite = [x for x in numbers if np.isfinite(x)]
    assert ((scale(finite) >= 44) & (scale(finite) <= 214)).all()


def test_losses_are_on_a_logarithmic_scale_where_they_span_a_decade():
    assert up([1.0, 0.05]).logarithmic
    assert not up([1.0, 0.5]).logarithmic
    assert not up([1.0, 0.0]).logarithmic


def test_a_long_curve_keeps_its_peaks_and_its_end():
    y = np.sin(np.arange(10_001.0))
    y[5000], y[7000], y[1] = 9.0, -9.0, np.nan
    kept = thinned(np.arange(10_001.0), y)
    assert len(kept) <= MOST + 2
    assert {(5000.0, 9.0), (7000.0, -9.0), (10_000.0, y[-1])} <= set(map(tuple, kept.tolist()))
    assert (np.diff(kept[:, 0]) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_outlines_hold_the_points_of_the_grid_that_are_above_0(seed):
    ahead = np.random.default_rng(seed).normal(size=(9, 12))
    ahead[0, 0], ahead[5, 5] = np.inf, np.nan
    rows, columns = np.mgrid[1:8, 1:11]
    points = np.stack([columns.ravel(), rows.ravel()], axis=1)
    inside = within(outline(ahead), points)
    assert (inside == (ahead[1:8, 1:11] > 0).ravel()).all()


def test_a_chart_has_gaps_where_a_number_has_no_place():
    chart = Chart("", across(1, 4), up([1.0, 0.1], True), "epoch")
    chart.curve([1, 2, 3, 4], [1.0, 0.0, 0.5, 0.1], 0)
    assert re.findall("[ML]", ET.fromstring(chart.parts[0]).get("d")) == ["M", "M", "L"]


# ---- refusals, before training ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: watch(3, X, Y), TypeError, "model must be a Module.*got int 3"),
        (lambda: watch(mlp(), X, Y[:-1]), ValueError, "y must have a target for each of the 30 rows of X"),
        (lambda: watch(mlp(), X[:, :1], Y), ValueError, "X must have 2 columns for MLP"),
        (lambda: watch(mlp(), X[:0], Y[:0]), ValueError, "X is empty"),
        (lambda: watch(mlp(), "abc", Y), TypeError, "X must hold numbers"),
        (lambda: watch(mlp(), X, [None] * 30), TypeError, "y must hold numbers"),
        (lambda: watch(mlp(), X * np.nan, Y), ValueError, "X must be finite"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_another_model_is_refused(frames):
    with pytest.raises(ValueError, match=r"watch was made for MLP.*give both the same model"):
        trained(mlp(), on_epoch=watch(mlp(), X, Y))

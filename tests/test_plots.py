"""Pictures of training hold the numbers they are about, and leave model, gradients and figures as they were."""

import doctest
import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from microgradnn import Value, grad, nn, plots
from microgradnn.extras import install
from microgradnn.nn.activations import ACTIVATIONS
from microgradnn.training import History

pytestmark = pytest.mark.plot

NAN = float("nan")
X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, 0] > X[:, 1] ** 2).astype(int)


@pytest.fixture(autouse=True)
def plt(monkeypatch):
    """A backend without a screen; nobody calls show; all figures are closed afterwards."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: pytest.fail("show was called"))
    yield plt
    plt.close("all")


def history(**changes):
    parts = {
        "loss": [0.9, 0.5, 0.3], "validation_loss": [1.0, 0.4, 0.6], "metrics": {}, "validation_metrics": {},
        "learning_rate": [0.1] * 3, "gradient_norm": {"0": [1.0, 0.1, 0.0], "2": [0.5, 0.2, 0.1]},
    }  # fmt: skip
    return History(**parts | changes)


def mlp(*nouts, **settings):
    return nn.MLP(2, nouts or [4, 3, 1], **{"activation": "tanh", "rng": 0} | settings)


def rich():
    """What computes otherwise in training than in use, and changes when it is asked in training."""
    return nn.Sequential(
        nn.Layer(2, 4, rng=0), nn.BatchNorm(4), nn.Dropout(0.5, rng=0), nn.Layer(4, 1, activation="linear", rng=1)
    )


def swept(model):
    nn.mse(model(X.tolist()), Y.tolist()).backward()
    return model


def texts(artists):
    return [artist.get_text() for artist in artists]


def legend(ax):
    return texts(ax.get_legend().get_texts())


def data(line):
    return np.array(line.get_xdata(), float).tolist(), np.array(line.get_ydata(), float).tolist()


# ---- what all of them promise -----------------------------------------------------------------------------------

EACH = [
    pytest.param(lambda model, ax: plots.plot_history(history(), ax), id="history"),
    pytest.param(lambda model, ax: plots.plot_gradient_flow(model, ax), id="gradients of a model"),
    pytest.param(lambda model, ax: plots.plot_gradient_flow(history(), ax), id="gradients of a history"),
    pytest.param(lambda model, ax: plots.plot_decision_boundary(model, X, Y, ax), id="decision boundary"),
    pytest.param(lambda model, ax: plots.plot_activations(model, X, ax), id="activations"),
    pytest.param(lambda model, ax: plots.plot_activation_functions(["relu", "tanh"], ax), id="functions"),
]


@pytest.mark.parametrize("plot", EACH)
def test_the_axes_given_are_drawn_on_and_come_back(plot, plt):
    _, (left, right) = plt.subplots(1, 2)
    assert plot(swept(mlp()), right) is right
    assert right.has_data()
    assert not left.has_data()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("plot", EACH)
def test_without_axes_there_is_one_new_figure_of_labelled_axes(plot, plt):
    ax = plot(swept(mlp()), None)
    assert plt.get_fignums() == [ax.figure.number]
    ax.figure.canvas.draw()  # whatever is wrong with an artist shows here
    assert "" not in (ax.get_title(), ax.get_xlabel(), ax.get_ylabel())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("plot", EACH)
@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was(plot, training):
    model = swept(rich())
    model.layers[1].train(training)
    model.layers[2].train(not training)

    def all_of_it():
        state = {name: array.tolist() for name, array in model.state_dict().items()}
        gradients = [(parameter.grad, parameter.swept) for parameter in model.parameters()]
        return (
            state,
            gradients,
            [module.training for module in model.modules()],
            model.layers[2].rng.bit_generator.state,
        )

    before = all_of_it()
    plot(model, None).figure.canvas.draw()
    assert all_of_it() == before


@pytest.mark.parametrize("plot", EACH)
def test_what_is_no_single_axes_is_refused(plot, plt):
    axes = plt.subplots(1, 2)[1]
    with pytest.raises(TypeError, match=r"ax must be one matplotlib Axes, such as plt.subplots\(\)\[1\], got ndarray"):
        plot(swept(mlp()), axes)


@pytest.mark.parametrize("plot", EACH)
def test_without_matplotlib_the_command_is_named(plot, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=f"plots need matplotlib: {install('matplotlib')}$"):
        plot(swept(mlp()), None)


def test_colours_are_different_and_dark_enough_on_white():
    from matplotlib.colors import to_rgb

    assert len(set(plots.PALETTE)) == len(plots.PALETTE) == len(plots.MARKERS)
    assert all(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)) < 0.75 for colour in plots.PALETTE)


# ---- training ---------------------------------------------------------------------------------------------------


def test_history_shows_both_losses_over_the_epochs():
    ax = plots.plot_history(history())
    training, validation = ax.lines
    assert data(training) == ([1, 2, 3], [0.9, 0.5, 0.3])
    assert data(validation) == ([1, 2, 3], [1.0, 0.4, 0.6])
    assert validation.get_marker() == "o"
    assert validation.get_markevery() == [1]
    assert legend(ax) == ["training", "validation, lowest after epoch 2"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")


def test_history_without_validation_needs_no_legend_and_one_epoch_is_a_dot():
    ax = plots.plot_history(history(loss=[0.5], validation_loss=[]))
    assert [data(line) for line in ax.lines] == [([1], [0.5])]
    assert ax.lines[0].get_marker() == "o"
    assert ax.get_legend() is None


def test_gradients_of_a_model_are_root_mean_squares_of_its_weights():
    model = swept(mlp())
    ax = plots.plot_gradient_flow(model)
    wanted = [np.sqrt(np.mean([w.grad**2 for row in layer.weight for w in row])) for layer in model.layers]
    assert np.allclose(data(ax.lines[0])[1], wanted, rtol=1e-12)
    assert texts(ax.get_xticklabels()) == ["0\ntanh", "2\ntanh", "4\nlinear"]
    assert ax.get_yscale() == "log"


def test_a_layer_without_gradient_is_marked():
    model = mlp(activation="relu")
    for bias in model.layers[1].bias:
        bias.data = -100.0
    ax = plots.plot_gradient_flow(swept(model))
    assert data(ax.lines[1])[0] == [0, 1, 2]  # the last layer takes zeros
    assert legend(ax) == ["gradients", "exactly 0"]


def test_gradients_of_a_history_are_lines_over_the_epochs():
    ax = plots.plot_gradient_flow(history())
    assert np.array_equal(ax.lines[0].get_ydata(), [1.0, 0.1, NAN], equal_nan=True)  # 0 has no place on the scale
    assert data(ax.lines[1]) == ([1, 2, 3], [0.5, 0.2, 0.1])
    assert legend(ax) == ["0", "2"]
    assert ax.get_yscale() == "log"


# ---- what was learned -------------------------------------------------------------------------------------------


def drawn_classes(ax, classes, points):
    """The class of the filled region that each point lies in; −9 where there is none."""
    from matplotlib.colors import same_color
    from matplotlib.path import Path

    found = np.full(len(points), -9)
    for region in ax.collections:
        colour = region.get_facecolor()
        if hasattr(region, "levels") and region.filled:
            place = next(p for p, c in enumerate(plots.PALETTE) if same_color(c, colour[0][:3]))
            rims = [Path(rim).contains_points(points) for rim in region.get_paths()[0].to_polygons()]
            found[np.sum(rims, axis=0) % 2 == 1] = classes[place]  # a hole has a rim of its own
    return found


class Circle:
    """As a classifier of scikit-learn, with labels that are strings."""

    def predict(self, points):
        return np.where((np.asarray(points) ** 2).sum(1) < 1, "in", "out")


def linear(*rows, activation="linear"):
    layer = nn.Layer(2, len(rows), activation=activation, rng=0)
    layer.load_state_dict({"weight": [row[:2] for row in rows], "bias": [row[2] for row in rows]})
    return nn.Sequential(layer)


BOUNDARIES = [  # model, y, classes, class of points
    pytest.param(linear((1, -1, 0.2)), Y, [0, 1], lambda p: np.where(p[:, 0] - p[:, 1] + 0.2 > 0, 1, 0), id="0, 1"),
    pytest.param(
        linear((1, -1, 0.2)), 2 * Y - 1, [-1, 1], lambda p: np.where(p[:, 0] - p[:, 1] + 0.2 > 0, 1, -1), id="−1, 1"
    ),
    pytest.param(
        linear((1, -1, 0.2), activation="sigmoid"), Y == 1, [0, 1],
        lambda p: np.where(p[:, 0] - p[:, 1] + 0.2 > 0, 1, 0), id="probability"),
    pytest.param(
        linear((1, 0, 0), (0, 1, 0), (-1, -1, 0.3)), Y, [0, 1, 2],
        lambda p: np.argmax([p[:, 0], p[:, 1], 0.3 - p.sum(1)], axis=0), id="three"),
    pytest.param(linear((1, 0, 99)), Y, [0, 1], lambda p: np.ones(len(p)), id="all the same"),
]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("model", "y", "classes", "wanted"), BOUNDARIES)
def test_regions_are_what_the_model_says(model, y, classes, wanted):
    ax = plots.plot_decision_boundary(model, X, y)
    points = np.random.default_rng(1).uniform(X.min(0), X.max(0), (400, 2))
    found = drawn_classes(ax, classes, points)
    assert (found == wanted(points)).mean() > 0.99  # beside the lines between regions
    assert legend(ax) == [str(label) for label in classes]
    shown = [c.get_offsets() for c in ax.collections if not hasattr(c, "levels")]
    assert [len(places) for places in shown] == [int((np.asarray(y) == label).sum()) for label in classes]


def test_regions_of_an_estimator():
    ax = plots.plot_decision_boundary(Circle(), X, Circle().predict(X))
    points = np.random.default_rng(1).uniform(-1.5, 1.5, (400, 2))
    found = drawn_classes(ax, [0, 1], points)
    assert (found == (Circle().predict(points) == "out")).mean() > 0.98
    assert legend(ax) == ["in", "out"]


# ---- inside a network -------------------------------------------------------------------------------------------


def test_activations_are_those_of_each_layer_in_the_mode_it_is_in():
    model = mlp()
    ax = plots.plot_activations(model, X)
    outputs, batch = [], X.tolist()
    for layer in model.children():
        batch = [[one.data for one in row] for row in layer(batch)]
        outputs.append(np.array(batch))
    dots = [container.lines[0].get_ydata()[0] for container in ax.containers]
    assert np.allclose(dots, [y.mean() for y in outputs])
    extents = [body.get_paths()[0].get_extents() for body in ax.collections[::2]]
    assert np.allclose([(box.y0, box.y1) for box in extents], [(y.min(), y.max()) for y in outputs])
    assert texts(ax.get_xticklabels()) == ["0\ntanh", "2\ntanh", "4\nlinear"]
    norm = nn.Sequential(nn.BatchNorm(2))
    [in_training] = plots.plot_activations(norm, X + 5).containers
    [in_use] = plots.plot_activations(norm.eval(), X + 5).containers
    assert abs(in_training.lines[0].get_ydata()[0]) < 1e-9
    assert in_use.lines[0].get_ydata()[0] > 4


def test_functions_are_solid_and_their_derivatives_dashed_in_the_same_colour():
    ax = plots.plot_activation_functions()
    assert legend(ax) == [*ACTIVATIONS, "function", "derivative"]
    assert len({line.get_color() for line in ax.lines[: 2 * len(ACTIVATIONS)]}) == len(ACTIVATIONS)
    for place, function in enumerate(ACTIVATIONS.values()):
        solid, dashed = ax.lines[2 * place : 2 * place + 2]
        assert solid.get_color() == dashed.get_color()
        assert solid.get_linestyle() == "-"
        assert dashed.get_linestyle() == "--"
        for line, wanted in ((solid, function), (dashed, grad(function))):
            drawn = [(x, y) for x, y in zip(*data(line), strict=True) if not np.isnan(x)]
            assert len(drawn) == 401
            assert all(y == wanted(x) for x, y in drawn)


def test_curves_have_a_gap_where_they_jump():
    ax = plots.plot_activation_functions(["relu", "step"])
    gaps = [int(np.isnan(line.get_ydata()).sum()) for line in ax.lines[:4]]
    assert gaps == [0, 1, 1, 0]


# ---- refusals, before anything is drawn -------------------------------------------------------------------------

BAD_WEIGHT = mlp()
BAD_WEIGHT.layers[0].weight[0][0].data = NAN
BAD_GRADIENT = mlp()
BAD_GRADIENT.layers[0].weight[0][0].grad = NAN
REFUSALS = [
    (lambda: plots.plot_history(mlp()), TypeError, "history must be what fit returned, got MLP"),
    (lambda: plots.plot_history({"loss": [1.0]}), TypeError, "history must be what fit returned, got dict"),
    (lambda: plots.plot_history(history(loss=["a"])), TypeError, "history.loss must hold numbers"),
    (lambda: plots.plot_history(history(loss=3)), TypeError, "history.loss must be a list of numbers"),
    (lambda: plots.plot_history(history(loss=[])), ValueError, "history.loss is empty"),
    (lambda: plots.plot_history(history(validation_loss=[NAN])), ValueError, "validation_loss must be finite.*nan"),
    (lambda: plots.plot_gradient_flow(mlp()), ValueError, r"no gradients yet: call backward\(\)"),
    (lambda: plots.plot_gradient_flow(BAD_GRADIENT), ValueError, "the gradient of 0 is not finite"),
    (lambda: plots.plot_gradient_flow(Value(1.0)), TypeError, "needs a Module after backward"),
    (lambda: plots.plot_gradient_flow(history(gradient_norm={})), ValueError, "gradient_norm is empty"),
    (lambda: plots.plot_gradient_flow(history(gradient_norm={"0": [NAN]})), ValueError, r"\['0'\] must be finite"),
    (lambda: plots.plot_decision_boundary(3, X, Y), TypeError, "model must be a Module.*or a fitted classifier"),
    (lambda: plots.plot_decision_boundary(Circle, X, Y), TypeError, "model must be a Module.*got type"),
    (lambda: plots.plot_decision_boundary(mlp(), X[:, :1], Y), ValueError, r"two columns .* \(30, 1\): choose two"),
    (lambda: plots.plot_decision_boundary(mlp(), X[0], Y), ValueError, r"X must be a matrix .* \(2,\)"),
    (lambda: plots.plot_decision_boundary(mlp(), X[:0], Y[:0]), ValueError, r"X is empty.* \(0, 2\)"),
    (lambda: plots.plot_decision_boundary(mlp(), [[1, NAN]], [1]), ValueError, r"X must be finite, got nan at \[0, 1"),
    (lambda: plots.plot_decision_boundary(mlp(), [["a", "b"]], [1]), TypeError, "X must hold numbers"),
    (lambda: plots.plot_decision_boundary(mlp(), X, Y[:-1]), ValueError, "one label for each of the 30 rows"),
    (lambda: plots.plot_decision_boundary(mlp(), X, Y * 3), ValueError, "must be 0 and 1, or −1 and 1.*got 3"),
    (lambda: plots.plot_decision_boundary(mlp(4, 3), X, Y - 1), ValueError, "must be 0 to 2.*got -1"),
    (lambda: plots.plot_decision_boundary(nn.MLP(3, [1]), X, Y), ValueError, "takes 3 numbers"),
    (lambda: plots.plot_decision_boundary(SimpleNamespace(predict=lambda p: p[:, 0]), X, Y), ValueError, "regression"),
    (lambda: plots.plot_decision_boundary(SimpleNamespace(predict=lambda p: p), X, Y), ValueError, "one class a point"),
    (lambda: plots.plot_decision_boundary(BAD_WEIGHT, X, Y), ValueError, r"gives \[nan\] at"),
    (lambda: plots.plot_activations(nn.Layer(2, 2), X), TypeError, "model must be nn.MLP or nn.Sequential"),
    (lambda: plots.plot_activations(nn.Sequential(), X), TypeError, "with its layers in a row"),
    (lambda: plots.plot_activations(mlp(), X[0]), ValueError, "X must be a matrix"),
    (lambda: plots.plot_activations(mlp(), [[1.0, 2.0, 3.0]]), ValueError, "takes 2 numbers"),
    (lambda: plots.plot_activations(BAD_WEIGHT, X), ValueError, "the outputs of 0, .* are not finite: nan"),
    (lambda: plots.plot_activation_functions("relu"), TypeError, r"names must be a list .* \['relu', 'tanh'\]"),
    (lambda: plots.plot_activation_functions(3), TypeError, "names must be a list"),
    (lambda: plots.plot_activation_functions([]), ValueError, "names must be among linear, relu, .*, got none"),
    (lambda: plots.plot_activation_functions(["relu", "swish"]), ValueError, "got 'swish'"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), REFUSALS)
def test_refusals_come_before_anything_is_drawn(call, error, message, plt):
    with pytest.raises(error, match=message):
        call()
    assert plt.get_fignums() == []


def test_a_constant_among_the_weights_has_no_gradient_to_show():
    model = nn.Neuron(2, rng=0)
    model.w[1] = 0.5
    (model([1.0, 2.0])[0] * 2.0).backward()
    assert plots.plot_gradient_flow(model).get_lines()[0].get_ydata() == [abs(model.w[0].grad)]


@pytest.mark.parametrize("module", ["", ".axes", ".outputs"])
def test_the_examples_of_the_modules_run(module):
    assert doctest.testmod(importlib.import_module(f"microgradnn.plots{module}")).failed == 0

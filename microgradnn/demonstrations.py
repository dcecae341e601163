"""The networks that `microgradnn train` shows learning: their data, their shape, and how they are trained.

The data are scikit-learn's, so that has to be installed; a plot needs matplotlib as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.extras import install
from microgradnn.files import check_writable
from microgradnn.nn.layers import MLP
from microgradnn.nn.module import Module
from microgradnn.nn.penalties import l2
from microgradnn.notation import columns, digits
from microgradnn.optim import Adam, Cosine
from microgradnn.plots import plot_decision_boundary, plot_history
from microgradnn.settings import count
from microgradnn.training import History, accuracy, fit

if TYPE_CHECKING:
    import numpy as np


class Demonstration(NamedTuple):
    """A data set and the network that learns it."""

    what: str
    load: Callable[[int], tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]  # by seed
    sizes: list[int]  # inputs, then the layers
    activation: str
    loss: str
    batch_size: int | None
    epochs: int
    lr: float
    penalty: Callable[[Module], Any] | None


def _digits(seed: int) -> Any:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images / 16, labels


def _moons(seed: int) -> Any:
    from sklearn.datasets import make_moons

    points, labels = make_moons(250, noise=0.1, random_state=seed)
    return points, 2 * labels - 1


DEMONSTRATIONS = {
    "digits": Demonstration(
        "handwritten digits of 8 × 8 pixels", _digits, [64, 32, 10], "tanh", "cross_entropy", batch_size=32,
        epochs=15, lr=0.01, penalty=None,
    ),
    "moons": Demonstration(
        "points of two interleaved half circles", _moons, [2, 16, 16, 1], "relu", "hinge", batch_size=None,
        epochs=100, lr=0.05, penalty=lambda model: l2(model, 1e-3),
    ),
}  # fmt: skip


def check(name: str, save: str | None, plot: str | None) -> None:
    """Raise ValueError, OSError or ImportError for what cannot be done, before any work."""
    if name not in DEMONSTRATIONS:
        raise ValueError(f"train knows {' and '.join(DEMONSTRATIONS)}, got {name!r:.60}")
    for module, package, needed in [("sklearn", "scikit-learn", True), ("matplotlib", "matplotlib", plot is not None)]:
        if needed and find_spec(module) is None:
            raise ImportError(f"train needs {package}: {install(package)}")
    for path, endings in [(save, (".safetensors",)), (plot, (".png", ".svg", ".pdf"))]:
        if path is not None:
            check_writable(path, endings)


def train(
    name: str, *, epochs: int | None = None, seed: int = 0, save: str | None = None, plot: str | None = None,
    compiled: bool = False,
) -> Iterator[str]:  # fmt: skip
    """Train a network and say line by line what came of it; in a terminal a bar on standard error shows the progress.

    The held-out fifth of the data decides the accuracy. `save` gets the weights, `plot` a picture of the training.
    """
    check(name, save, plot)
    shown = DEMONSTRATIONS[name]
    epochs = shown.epochs if epochs is None else count("epochs", epochs)

    from sklearn.model_selection import train_test_split

    X, y = shown.load(seed)  # noqa: N806
    X, validation_X, y, validation_y = train_test_split(X, y, test_size=0.2, random_state=seed, stratify=y)  # noqa: N806
    model = MLP(shown.sizes[0], shown.sizes[1:], shown.activation, rng=seed)
    summary, how = model.summary(), ", compiled" if compiled else ""
    yield f"{len(X) + len(validation_X):,} {shown.what}: {len(X):,} to learn from, {len(validation_X):,} held out"
    yield f"{model!r} with {shown.activation}: {summary.neurons} neurons, {summary.parameters:,} parameters{how}"
    yield ""
    history = fit(
        model, shown.loss, X, y, Adam(model.parameters(), lr=shown.lr), epochs, batch_size=shown.batch_size,
        validation=(validation_X, validation_y), schedule=Cosine(epochs), penalty=shown.penalty,
        metrics={"accuracy": accuracy}, rng=seed, compiled=compiled,
    )  # fmt: skip
    if not history.loss:
        yield "interrupted in the first epoch: nothing to show"
        return
    accuracies = history.validation_metrics["accuracy"]
    percent = [f"{100 * part:.1f} %" for part in accuracies]
    last, heads = len(percent) - 1, ["epoch", "loss", "held-out loss", "accuracy"]
    some = sorted({round(part * last / 7) for part in range(8)})  # eight epochs, the first and the last among them
    rows = [[str(n + 1), digits(history.loss[n]), digits(history.validation_loss[n]), percent[n]] for n in some]
    yield from columns(heads, rows, right=heads)
    yield ""
    yield (
        f"accuracy on the held-out data: {percent[-1]} ({round(accuracies[-1] * len(validation_y))} of "
        f"{len(validation_y)}) after {last + 1} epoch{'s' * (last > 0)}{', interrupted' if history.stopped else ''}"
    )
    if save is not None:
        model.save(save)
        yield f"saved the weights in {save}"
    if plot is not None:
        _plot(plot, history, model, X, y)
        yield f"saved the picture in {plot}"


def _plot(path: str, history: History, model: Module, X: Any, y: Any) -> None:  # noqa: N803
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    flat = X.shape[1] == 2  # so that there is a boundary to show
    figure = Figure(figsize=(9, 4) if flat else (5.5, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, *right = figure.subplots(1, 1 + flat, squeeze=False)[0]
    plot_history(history, ax=left)
    for axes in right:
        plot_decision_boundary(model, X, y, ax=axes)
    figure.savefig(path, dpi=150)

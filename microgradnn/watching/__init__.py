"""`watch`: training as it is seen while it runs, for at most a quarter of the time.

Here is when something is shown, and where: one output in Jupyter, one line in a terminal. What is shown is in `views`,
how it is drawn in `chart`.
"""

from __future__ import annotations

import math
import shutil
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from time import perf_counter
from typing import Any

from microgradnn.margins import trend
from microgradnn.nn.module import Module, check_module
from microgradnn.notation import digits
from microgradnn.training import History
from microgradnn.training.arguments import read_data
from microgradnn.training.state import generators_of, read_generators, write_generators
from microgradnn.watching.chart import HEIGHT, WIDTH, Chart, document
from microgradnn.watching.views import ENDS, gradient_chart, loss_chart, metrics_chart, view_of

PART = 1 / 4  # of the time may go into watching
PAUSE = 0.1  # seconds between two frames: nobody sees more, and Jupyter passes on no more than a megabyte a second


def watch(model: Module, X: Any, y: Any) -> Watch:  # noqa: N803  the matrix of examples, as everywhere
    """What shows training while it runs, for `fit(model, …, on_epoch=watch(model, X, y))`.

    In Jupyter one output shows the loss, the size of the gradient by layer, and what `model` makes of the examples `X`
    and their targets `y`: with two columns and classes the regions of the plane, with one column the curve of
    predictions, else the metrics that `fit` measures, the accuracy, or predictions against targets. In a terminal one
    line on standard error is written anew; elsewhere it is written once, at the end.

    The first and the last epoch are always shown, however training ends, with `early_stopping` the best weights; the
    others as often as at most a quarter of the time allows. Training comes out the same as without. X and y need
    not be those that `fit` gets. Raises TypeError and ValueError for what the model cannot take, and FloatingPointError
    where it has no finite output.

    >>> from microgradnn import fit, nn
    >>> model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [-1, 1, 1, -1]
    >>> history = fit(model, "hinge", X, y, "adam", 50, on_epoch=watch(model, X, y))
    >>> len(history.loss)
    50
    """
    check_module(model)
    with _generators_kept(model):
        data, output = read_data(model, "X", X, "y", y)
    columns = data.X.shape[1]
    names = [str(name) for name in getattr(X, "columns", ["x"] if columns == 1 else ["x₁", "x₂"])]
    return Watch(model, data, len(output) if isinstance(output, list) else 1, names)


class Watch:
    """The hook that `watch` makes: `fit` calls it after the epochs for which there is time, and closes it at the end.

    >>> from microgradnn import History, nn
    >>> model = nn.MLP(2, [1], rng=0)
    >>> hook = watch(model, [[0.0, 1.0]], [1.0])
    >>> hook.looks_at(History(loss=[0.5]))
    True
    >>> len(hook.charts(History(loss=[0.5])))
    3
    >>> hook.close()
    """

    shows_progress = True  # so that `fit` shows no bar

    def __init__(self, model: Module, *shown: Any) -> None:
        self.model, self._shown = model, shown
        self._begin()

    def _begin(self) -> None:
        """Forget the training that has ended."""
        self.view = view_of(self.model, *self._shown)
        self.history: History | None = None
        self.handle: Any = None  # of the output in Jupyter
        self.width = 0  # of what stands in the line of a terminal
        self.trained = self.spent = self.cost = 0.0  # seconds outside of here, in here, and for the frame before
        self.left = 0.0  # when training went on
        self.shown: float | None = None  # when the frame before was complete
        self.due = False

    def looks_at(self, history: History) -> bool:
        """Whether there is time to show the last epoch of `history`; that of the training is shown in any case."""
        now = perf_counter()
        self.trained += 0.0 if self.history is None else now - self.left
        self.history, self.left = history, now
        watching = self.spent + 2 * self.cost
        enough = watching <= PART * (self.trained + watching)
        self.due = self.shown is None or (enough and now - self.shown >= PAUSE)
        return self.due

    def __call__(self, model: Module, history: History) -> None:
        if model is not self.model:
            raise ValueError(f"watch was made for {self.model!r}, and fit trains {model!r}: give both the same model")
        if not (self.due or self.looks_at(history)):  # a function of the user's calls this one
            return
        if self.shown is None and self.view is not None:
            if history.metrics and not self.view.in_space:
                self.view = None  # as the metrics tell more
            elif _in_jupyter():
                self.view.prepare()
        begin = perf_counter()
        self._show(history)
        self.due, self.shown = False, perf_counter()
        self.cost, self.spent = self.shown - begin, self.spent + self.shown - self.left
        self.left = self.shown

    def close(self) -> None:
        """Show the state in which training has ended."""
        history = self.history
        try:
            if history is not None and history.loss:
                with _generators_kept(self.model):
                    self._show(history, last=True)
        finally:
            self._begin()

    # ---- where it is shown ----

    def _show(self, history: History, last: bool = False) -> None:
        if _in_jupyter():
            from IPython.display import display

            content = bundle(self.charts(history), line(history))
            if self.handle is None:
                self.handle = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
            else:
                self.handle.update(content, raw=True)
            return
        stream = sys.stderr
        if stream is None or stream.closed:
            return
        if not stream.isatty():
            if last:
                print(line(history), file=stream)
            return
        text = line(history, shutil.get_terminal_size().columns - 1)
        print(f"\r{text:<{self.width}}", end="\n" if last else "", file=stream, flush=True)
        self.width = len(text)

    def charts(self, history: History) -> list[Chart]:
        """The charts of the model as it is now, and of the `history` so far."""
        charts = [loss_chart(history), gradient_chart(history)]
        if self.view is not None:
            charts.insert(1, self.view.chart(history))
        elif history.metrics:
            charts.insert(1, metrics_chart(history))
        return charts


@contextmanager
def _generators_kept(model: Module) -> Iterator[None]:
    """Afterwards the generators of the model are as they were, so that a look draws nothing away from training."""
    generators = generators_of(model)
    states = read_generators(generators)
    try:
        yield
    finally:
        write_generators(generators, states)


def _in_jupyter() -> bool:
    """Whether what is displayed comes to a notebook."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython() if ipython is not None else None, "kernel")


def line(history: History, width: float = math.inf) -> str:
    """Where training stands, in one line; what comes last is left out where it would not fit.

    >>> line(History(loss=[0.9, 0.3, 0.1], gradient_norm={"0": [1.0, 0.5, 0.25]}, stopped="interrupted"))
    'epoch 3, interrupted: loss 0.9 █▂▁ 0.1, gradient of layer 0 0.25'
    """
    figures = {"validation loss": history.validation_loss}
    figures |= history.metrics | {f"validation {name}": numbers for name, numbers in history.validation_metrics.items()}
    figures |= {f"gradient of layer {path}": norms for path, norms in history.gradient_norm.items()}
    text = f"epoch {len(history.loss)}{ENDS[history.stopped]}: loss {trend(history.loss)}"
    for part in [f", {name} {digits(numbers[-1])}" for name, numbers in figures.items() if numbers]:
        if len(text + part) > width:
            break
        text += part
    return text if len(text) <= width else text[: int(width)]


def bundle(charts: list[Chart], text: str) -> dict[str, str]:
    """The charts as an output of Jupyter: images, that stay in an export and in a notebook that is not trusted."""
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    images = []
    for chart in charts:
        svg = document([chart])
        data = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
        images.append(f'<img {size} decoding="sync" alt="{escape(chart.alt)}" src="{data}">')
    return {"text/plain": text, "text/html": f"<div>{''.join(images)}</div>", "image/svg+xml": document(charts)}

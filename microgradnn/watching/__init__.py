"""`watch`: training as it is seen while it runs, for at most a quarter of the time.

Here is when something is shown, and where: one output in Jupyter, one line in a terminal. What is shown is in `views`,
how it is drawn in `chart`.
"""

from __future__ import annotations

import shutil
import sys
from base64 import b64encode
from html import escape
from time import perf_counter
from typing import Any

from microgradnn.margins import trend
from microgradnn.nn.module import Module, check_module
from microgradnn.notation import digits
from microgradnn.training import History
from microgradnn.training.arguments import read_data
from microgradnn.watching.chart import HEIGHT, WIDTH, Chart, document
from microgradnn.watching.views import gradient_chart, loss_chart, metrics_chart, view_of

PART = 1 / 4  # of the time may go into watching
PAUSE = 0.1  # seconds between two frames: nobody sees more, and Jupyter passes on no more than a megabyte a second
ENDS = {"": "", "early": ", stopped early", "interrupted": ", interrupted", "on_epoch": ", stopped by on_epoch"}


def watch(model: Module, X: Any, y: Any) -> Watch:  # noqa: N803  the matrix of examples, as everywhere
    """What shows training while it runs, for `fit(model, …, on_epoch=watch(model, X, y))`.

    In Jupyter one output shows the loss, the size of the gradient by layer, and what the model makes of the examples X
    and their targets y: with two columns and classes the regions of the plane, with one column the curve of predictions,
    else the metrics that `fit` measures, the accuracy, or predictions against targets. In a terminal one line is
    written anew; elsewhere there is one line at the end. It all goes to where the bar of `fit` would.

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
    data, output = read_data(model, "X", X, "y", y)
    columns = data.X.shape[1]
    names = [str(name) for name in getattr(X, "columns", ["x"] if columns == 1 else ["x₁", "x₂"])]
    return Watch(model, data, len(output) if isinstance(output, list) else 1, names)


class Watch:
    """The hook that `watch` makes."""

    only_looks = True  # so that `fit` records nothing anew
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
        self.trained = self.spent = self.cost = 0.0  # seconds outside of here, in here, and for a frame
        self.left = self.shown = 0.0  # when the last call ended, and when something was shown

    def __call__(self, model: Module, history: History) -> None:
        start = perf_counter()
        if model is not self.model:
            raise ValueError(f"watch was made for {self.model!r}, and fit trains {model!r}: give both the same model")
        first = self.history is None
        self.history = history
        if first and self.view is not None:
            if history.metrics and not self.view.in_space:
                self.view = None  # as the metrics tell more
            elif _in_jupyter():
                self.view.prepare()
        self.trained += 0.0 if first else start - self.left
        # This frame and the last one, which is always shown, together with all before them, of the time until now.
        enough = self.spent + 2 * self.cost <= PART * (self.trained + self.spent + 2 * self.cost)
        begin = perf_counter()
        if first or (enough and begin - self.shown >= PAUSE):
            self._show(history)
            self.shown = perf_counter()
            self.cost = self.shown - begin
        self.left = perf_counter()
        self.spent += self.left - start

    def close(self) -> None:
        """Show the state in which training has ended."""
        history = self.history
        try:
            if history is not None and history.loss:
                self._show(history, last=True)
        finally:
            self._begin()

    # ---- where it is shown ----

    def _show(self, history: History, last: bool = False) -> None:
        if _in_jupyter():
            from IPython.display import display

            content = bundle(self.charts(history), line(history))
            if self.handle is None:
                self.handle = display(content, raw=True, display_id=True)
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
        text = line(history)[: shutil.get_terminal_size().columns - 1]
        print(f"\r{text:<{self.width}}", end="\n" if last else "", file=stream, flush=True)
        self.width = len(text)

    def charts(self, history: History) -> list[Chart]:
        """The charts of the model as it is now."""
        charts = [loss_chart(history), gradient_chart(history)]
        if self.view is not None:
            charts.insert(1, self.view.chart(history))
        elif history.metrics:
            charts.insert(1, metrics_chart(history))
        return charts


def _in_jupyter() -> bool:
    """Whether what is displayed comes to a notebook."""
    ipython = sys.modules.get("IPython")
    return hasattr(ipython.get_ipython() if ipython is not None else None, "kernel")


def line(history: History) -> str:
    """Where training stands, in one line.

    >>> line(History(loss=[0.9, 0.3, 0.1], gradient_norm={"0": [1.0, 0.5, 0.25]}, stopped="interrupted"))
    'epoch 3: loss 0.9 █▃▁ 0.1, gradient of layer 0 0.25, interrupted'
    """
    figures = {"validation loss": history.validation_loss}
    figures |= history.metrics | {f"validation {name}": numbers for name, numbers in history.validation_metrics.items()}
    figures |= {f"gradient of layer {path}": norms for path, norms in history.gradient_norm.items()}
    parts = [f"loss {trend(history.loss)}", *(f"{name} {digits(y[-1])}" for name, y in figures.items() if y)]
    return f"epoch {len(history.loss)}: {', '.join(parts)}{ENDS[history.stopped]}"


def bundle(charts: list[Chart], text: str) -> dict[str, str]:
    """The charts as an output of Jupyter: images, that stay in an export and in a notebook that is not trusted."""
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    images = []
    for chart in charts:
        svg = document([chart])
        data = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
        images.append(f'<img {size} decoding="sync" alt="{escape(chart.alt)}" src="{data}">')
    return {"text/plain": text, "text/html": f"<div>{''.join(images)}</div>", "image/svg+xml": document(charts)}

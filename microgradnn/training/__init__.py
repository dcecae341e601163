"""Training: `fit` goes through the data in batches, forward, backward, update, and gives a history of how it went.

>>> from microgradnn import fit, nn, optim
>>> model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
>>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1]  # exclusive or
>>> adam = optim.Adam(model.parameters(), lr=0.1)
>>> history = fit(model, "hinge", X, y, adam, epochs=60, progress=False)
>>> [model(x).data > 0 for x in X], history.loss[-1] < 0.01
([False, True, True, False], True)

The loss is a name or a function of outputs and targets, the optimizer one of `microgradnn.optim` or its name. Data are
lists or arrays; to split and scale them is left to scikit-learn.

- `batch_size=32, rng=0`: batches in an order drawn by chance. The same seed gives the same run.
- `validation=(X, y)`, `early_stopping=n`: stop when the loss there has not fallen for n epochs; the best weights come
  back.
- `metrics="accuracy"`, `penalty=lambda model: nn.l2(model, 0.01)`, `schedule=`, `clip=`, `class_weight="balanced"`,
  `sample_weight=`.
- `on_epoch=watch(model, X, y)` shows loss, regions and gradients while it learns; any function of (model, history) may
  look, save or stop. `on_batch=` is called after every update.
- `compiled=True` gives the same numbers, to rounding, many times as fast: see `microgradnn.compiler`.

A bad argument is refused before anything is done. Ctrl-C ends training after the batch under way and keeps what was
learned. Where a loss or a gradient is not finite, FloatingPointError names epoch, batch and gate. If it does not learn,
ask `diagnose(model, loss, X, y)`.

Going on later
--------------

Weights are kept by `model.save`, all else by the history. A run in two parts is the same run, to the bit:

>>> import os, tempfile
>>> from microgradnn import History
>>> def trained(epochs, **settings):
...     model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
...     settings |= {"batch_size": 2, "progress": False}
...     return fit(model, "hinge", X, y, "adam", epochs, **settings)
>>> with tempfile.TemporaryDirectory() as folder:
...     trained(5, rng=0).save(os.path.join(folder, "run.json"))
...     half = History.load(os.path.join(folder, "run.json"))
>>> trained(10, history=half).loss == trained(10, rng=0).loss
True

A loop of your own
------------------

`fit` does nothing that you could not write:

>>> optimizer = optim.SGD(model.parameters(), lr=0.1)
>>> for _ in range(3):
...     optimizer.zero_grad()
...     nn.hinge(model(X), y).backward()
...     optimizer.step()

Such a loop also runs where NumPy is not installed, as in a browser; `fit` needs it.

Pictures of what came of it (extra [plot]) draw on the Axes given, or on new ones::

    from microgradnn import plots

    plots.plot_history(history).figure.savefig("history.png")
    plots.plot_decision_boundary(model, X, y).figure.savefig("regions.png")

and so do `plot_gradient_flow`, `plot_activations` and `plot_activation_functions`.

Inside
------

Here is the loop; its arguments are read in `arguments`, with `metrics` and `weighting`. `run` has a batch happen whole
or not at all, by `graphs` or by `programs`, and knows where training stands; `history` is what comes of it, with the
`state` that going on needs; `progress` and `ending` are what is seen of it and how it ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from microgradnn.nn.module import Module, evaluating
from microgradnn.optim import Optimizer
from microgradnn.training.arguments import Arguments
from microgradnn.training.ending import Interrupt, however_it_ends
from microgradnn.training.graphs import Data, figure
from microgradnn.training.history import History, Update
from microgradnn.training.metrics import Metrics, accuracy
from microgradnn.training.progress import bar, last_figures
from microgradnn.training.run import Run

__all__ = ["History", "Update", "accuracy", "fit"]


Done = tuple[Data, Update, list[Any]]  # a batch, what came of it, and its outputs


def fit(
    model: Module,
    loss: str | Callable[[Any, Any], Any],
    X: Any,  # noqa: N803  the matrix of examples, as everywhere
    y: Any,
    optimizer: str | Optimizer,
    epochs: int,
    batch_size: int | None = None,
    validation: tuple[Any, Any] | tuple[Any, Any, Any] | None = None,
    schedule: Callable[[Any], float] | None = None,
    early_stopping: int | None = None,
    penalty: Callable[[Module], Any] | None = None,
    rng: Any = None,
    progress: bool = True,
    metrics: Metrics | Sequence[str] | str | None = None,
    compiled: bool = False,
    history: History | None = None,
    on_epoch: Callable[[Module, History], Any] | None = None,
    *,
    on_batch: Callable[[Module, Update], Any] | None = None,
    clip: float | None = None,
    schedule_by: str = "epoch",
    shuffle: bool = True,
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | str | None = None,
) -> History:
    """Train `model` to make `loss` small on the examples `X` with the targets `y`, and return the history of it.

    The first six arguments say what to do; the others have defaults that are right to begin with.

    - `model`: the network, whose parameters are moved
    - `loss`: a name such as "mse" or "cross_entropy", or a function of outputs and targets
    - `X`: the examples, a row each
    - `y`: their targets
    - `optimizer`: a name such as "adam", or an `optim.Optimizer` of the model's parameters
    - `epochs`: how often training goes through the data, in all
    - `batch_size`: how many examples one update takes; all of them unless given
    - `validation`: (X, y) or (X, y, weights), on which the loss and the metrics are measured after each epoch
    - `schedule`: a function that maps the epoch to a factor on the learning rates, such as `optim.Cosine`
    - `early_stopping`: training ends when the loss on `validation` has not fallen for so many epochs, and the best
      weights come back
    - `penalty`: a function of the model that is added to the loss, as lambda model: nn.l2(model, 1e-4)
    - `rng`: a seed or a generator of NumPy, which draws the order of the examples
    - `progress`: whether a bar shows how far training is, in a terminal and in Jupyter, and nowhere else
    - `metrics`: functions of outputs and targets, by name, or names among accuracy, mse and mae
    - `compiled`: train by a program of arrays, which is many times as fast
    - `history`: what `fit` or `History.load` gave: training goes on where that ended
    - `on_epoch`: a function f(model, history), called after every epoch
    - `on_batch`: a function f(model, update), called after every update
    - `clip`: the largest norm of the gradients that the optimizer gets, by the rule of `optim.clip_grad_norm`
    - `schedule_by`: "epoch", or "batch" to ask `schedule` before every batch, number b of n in epoch e, for e + b / n
    - `shuffle`: whether each epoch takes the examples in an order of its own, rather than in that of the rows
    - `sample_weight`: a number ≥ 0 for each row
    - `class_weight`: a number for each label, 1 for those not named, or "balanced", n / (k · count) for n rows of k
      labels, as in scikit-learn

    >>> from microgradnn import nn, optim
    >>> model = nn.MLP(1, [8, 1], activation="tanh", rng=0)
    >>> X, y = [[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0]
    >>> history = fit(model, "mse", X, y, optim.Adam(model.parameters(), lr=0.05), epochs=100, progress=False)
    >>> history.loss[0] > 0.3, history.loss[-1] < 0.001
    (True, True)

    Errors: bad arguments raise TypeError, ValueError or, where they overflow, FloatingPointError before anything is
    done. FloatingPointError names epoch, batch and gate where a number or a gradient is not finite. Ctrl-C ends
    training after the batch under way, a second one at once, and gives the history so far. Whatever is raised carries
    it as `error.history`, and the model has the best weights with `early_stopping`, else those before the bad batch.

    Weights: `sample_weight` and `class_weight` are multiplied. The loss of a batch is then Σ wᵢ lossᵢ / Σ wᵢ, where
    lossᵢ is what `loss` gives for a batch of example i alone; it is 0 if all wᵢ are. Penalty, metrics and the
    statistics of BatchNorm know no weights.

    Compiled: with `compiled=True` the same numbers come, to rounding, from a program that `compile` makes: modules,
    loss and penalty are called a few times to record it, and again after each `on_epoch`, which takes as long as at the
    start, so that what it changes counts; not after one that only looks. They may not ask for the number of a Value.

    After every epoch `on_epoch(model, history)` is called, in evaluation mode: to look, to save or to change something,
    but for which parameters the model has, or to end training by returning False. If it has a method `close`, that is
    called however training ends. With a method `looks_at(history)` it promises to change nothing that modules, loss and
    penalty use: it is called after the epochs for which that gives True, nothing is recorded anew, and what it moved of
    what training changes is put back. With `shows_progress`, True, there is no bar beside it. `microgradnn.watch` has
    all three.

    After every update `on_batch(model, update)` is called, in evaluation mode, with its epoch, batch, loss,
    learning_rate and gradient_norm: to look, also at the gradients, to set numbers of parameters or settings of the
    optimizer, or to end training by returning False, as Ctrl-C does. What modules, loss and penalty do is for
    `on_epoch` to change; compiled, the optimizer's memory is where it is after the epoch only. It belongs to the batch:
    what it raises takes that back.

    Going on: with `history` training goes on from the end of its last complete epoch, to the bit as if it had never
    stopped, up to `epochs` in all: weights, running statistics, optimizer (also its settings) and generators become
    what they were there, and the same history grows; all else is as it is given now. Generators are those of NumPy and
    Python that modules hold in attributes, lists and dicts; what is drawn elsewhere, as by `random.random()`, is drawn
    anew. A history that was interrupted or that a hook stopped goes on; one that ended early goes on only with a larger
    `early_stopping`. Where nothing is left to do, the model gets the weights that training ended with.

    Source: notes 002 and 003.

    A look at each update, which ends training after the first batch of epoch 1:

    >>> def look(model, update):
    ...     print(f"epoch {update.epoch}, batch {update.batch}: {update.loss:.3f}")
    ...     return update.epoch < 1
    >>> model = nn.MLP(1, [8, 1], activation="tanh", rng=2)
    >>> fit(model, "mse", X, y, "sgd", 9, 2, rng=1, class_weight={0: 2}, clip=1.0, on_batch=look).stopped
    epoch 0, batch 0: 0.692
    epoch 0, batch 1: 0.316
    epoch 1, batch 0: 1.164
    'on_batch'
    """
    arguments = dict(locals())  # by name; stays the first line, where nothing but the arguments is local
    so_far = history if isinstance(history, History) else History()
    with however_it_ends(so_far, on_epoch):
        # 1. Read the arguments; what is wrong with them is said before anything is done.
        given = Arguments(**arguments)
        # 2. Begin where the history ended: with its weights, optimizer and generators.
        run = Run(given, so_far)
        with evaluating(given.model), Interrupt() as interrupt, bar(so_far, given) as shown:
            try:
                given.model.train()
                if given.compiled and len(so_far.loss) < given.epochs:
                    run.compile()
                while not run.over(interrupt.pressed):
                    # 3. Go through the data once; every batch goes forward, backward, and moves the parameters.
                    epoch, batches = len(so_far.loss), run.begin_epoch()
                    done: list[Done] = []
                    for batch, rows in enumerate(batches):
                        if interrupt.pressed or so_far.stopped:
                            raise KeyboardInterrupt
                        data = given.data.at(rows)
                        done.append((data, *run.step(data, epoch, batch, len(batches))))
                    # 4. Measure, in training by what the batches gave, in evaluation on the data for validation.
                    if given.metrics:
                        run.batches.push()  # they may look at the Values
                    figures = _trained(given.metrics, done)
                    if given.validation is not None:
                        figures |= _validated(run, given.validation, epoch)
                    # 5. The epoch is complete: note it, keep the state to go on from, and show it.
                    run.finish_epoch(figures)
                    shown.set_postfix(last_figures(so_far), refresh=False)
                    shown.update()
                    run.show()
            except KeyboardInterrupt:
                so_far.stopped = so_far.stopped or "interrupted"  # or by on_batch
            finally:
                # 6. Leave the best weights, or the last ones, and a history that can go on.
                interrupt.at_once = False  # a second Ctrl-C cuts nothing short from here on
                run.leave()
        if interrupt.pressed and not so_far.stopped:
            so_far.stopped = "interrupted"
    return so_far


# ---- one epoch ----------------------------------------------------------------------------------------------------


def _trained(metrics: Metrics, done: list[Done]) -> dict[str, Any]:
    """The figures of an epoch, from each batch: means, and metrics of everything."""
    weights = [data.weight for data, _, _ in done]
    loss = sum(update.loss * weight for (_, update, _), weight in zip(done, weights, strict=True)) / sum(weights)
    updates = [update for _, update, _ in done]
    norms = {path: sum(of.gradient_norm[path] for of in updates) / len(done) for path in updates[0].gradient_norm}
    outputs = [output for *_, outputs in done for output in outputs]
    targets = [target for data, _, _ in done for target in data.y.tolist()]
    figures = {"loss": loss, "gradient_norm": norms, "learning_rate": updates[-1].learning_rate}
    return figures | {"metrics": _measured(metrics, outputs, targets)}


def _measured(metrics: Metrics, outputs: list[Any], targets: list[Any]) -> dict[str, float]:
    return {name: figure(f"metrics[{name!r}]", metric(outputs, targets)) for name, metric in metrics.items()}


def _validated(run: Run, data: Data, epoch: int) -> dict[str, Any]:
    with evaluating(run.given.model):
        try:
            with run.whole_or_not_at_all():
                loss, outputs = run.batches.validate(data)
        except ArithmeticError as error:
            raise FloatingPointError(f"validation stopped in epoch {epoch}: {error}") from error
        if not math.isfinite(loss):
            raise FloatingPointError(f"the validation loss is {loss} in epoch {epoch}")
        return {"validation_loss": loss, "validation_metrics": _measured(run.given.metrics, outputs, data.y.tolist())}

"""What ails a network, before or while it is trained: `diagnose` reads what `fit` reads, and changes nothing.

One batch is recorded and swept; what its figures say is in `symptoms`. What needs no batch, or ends it, is said here.
"""

from __future__ import annotations

import copy
import math
import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from microgradnn.checks.symptoms import MOST, Batch, Symptom
from microgradnn.context import plainly_recording
from microgradnn.graph import topological_order
from microgradnn.nn.effects import effects_by
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.module import Module, check_module, evaluating
from microgradnn.nn.parameters import data_of
from microgradnn.notation import few
from microgradnn.optim import Optimizer
from microgradnn.training.arguments import Arguments
from microgradnn.training.graphs import Data, Graphs
from microgradnn.training.state import buffers_of, generators_of, read_generators, write_generators
from microgradnn.trees import leaves

EXAMPLES = 256  # of more, so many are looked at, evenly spaced


def diagnose(
    model: Module,
    loss: str | Callable[[Any, Any], Any],
    X: Any,  # noqa: N803  the matrix of examples, as everywhere
    y: Any,
    optimizer: str | Optimizer | None = None,
) -> list[Symptom]:
    """What keeps `model` from learning (X, y) with `loss`, each with figure, threshold and remedy; [] if healthy.

    Looked for are dead and saturated units, parameters that the loss does not reach, gradients that vanish or explode
    between modules, units that start alike, inputs that never change, inputs and targets out of scale, targets that do
    not fit the loss and, given an `optimizer`, parameters that it does not hold, and steps far from 1e-3 of the
    weights. Of more than 256 examples 256 are looked at, evenly spaced; modules run
    as in training, but dropout drops nothing.

    - `model`: the network
    - `loss`: a name, or a function of outputs and targets, as for `fit`
    - `X`: the examples, a row each
    - `y`: their targets
    - `optimizer`: what will train it, a name or an `optim.Optimizer`; without one its step is not looked at

    Gradients, weights, buffers, modes, optimizer, and the generators of the model, of `random` and of NumPy stay as
    they are. Raises TypeError and ValueError as `fit` does for arguments that it cannot work with.

    >>> from microgradnn import nn
    >>> model = nn.MLP(2, [4, 1], rng=0)
    >>> X, y = [[-1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]], [1.0, 1.0, -1.0, -1.0]
    >>> diagnose(model, "hinge", X, y, "adam")
    []
    >>> model.layers[0].bias[2].data = -50.0
    >>> print(*diagnose(model, "hinge", X, y))
    0: 1 of 4 relu units is dead, 0.weight[2], ...
    """
    check_module(model)
    with _untouched(model):
        outputs = None
        broken = [name for name, leaf in model.named_parameters() if not math.isfinite(leaf.data)]
        try:
            given = _read(model, loss, X, y, "sgd" if optimizer is None else optimizer)
            examples, targets, _ = given.data
            rows = [index * len(examples) // EXAMPLES for index in range(EXAMPLES)]
            data = Data(examples[rows], targets[rows]) if len(examples) > EXAMPLES else given.data
            model.train()
            outputs = model(data.X.tolist())
            loss_of_batch = _of_batch(given.loss)
            root = Graphs(model, loss_of_batch, None, given.optimizer).total(outputs, data.y.tolist())
        except ArithmeticError as error:
            return [_not_finite(str(error), broken)]
        except ValueError as error:
            frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
            of_ours = any(frame.f_globals.get("__name__") == LOSSES["mse"].__module__ for frame in frames)
            if outputs is None or not of_ours:  # what the loss or the model of a user raises is no word on labels
                raise
            return [_misfit(str(error), given.loss, data_of(outputs), data.y.tolist())]
        if not math.isfinite(root.data):
            node = next(node for node in topological_order(root) if not math.isfinite(node.data))
            what = f"parameter {node.name}" if node.primitive is None else f"{node.primitive.name} gate of {node.path}"
            return [_not_finite(f"the first is {node.data} in the {what}", broken, root.data)]
        batch = Batch(model, data, outputs, root)
        runaway = next((leaf for leaf in model.parameters() if not math.isfinite(batch.adjoints.get(leaf, 0.0))), None)
        if runaway is not None:
            name = batch.names[runaway]
            return [_not_finite(f"the gradient of the parameter {name}", broken, batch.adjoints[runaway])]
        constant = _constant(given.data.X)
        symptoms = [*constant, *batch.inputs(), *batch.targets(given.loss), *batch.unreached()]
        symptoms += _not_held(model, given.optimizer)
        if constant and constant[0].figure == given.data.X.shape[1]:
            return symptoms  # without inputs nothing can be said of units and gradients
        units = [*batch.units()]
        symptoms += units
        if root.data != 0:  # else there is nothing to learn
            # That nothing arrives before a layer whose units are all dead follows from them.
            dead = any((ill.illness, ill.figure, ill.threshold) == ("dead units", 1.0, MOST) for ill in units)
            symptoms += [ill for ill in batch.gradients() if not (dead and ill.illness == "vanishing gradients")]
            symptoms += batch.alike()
            symptoms += [] if optimizer is None else batch.steps(given.optimizer)
        return symptoms


def _read(model: Module, loss: Any, *data_and_optimizer: Any) -> Arguments:
    """The arguments as `fit` reads them; but targets that do not fit the loss are a symptom, and no error."""
    settings: Any = (*data_and_optimizer, 1, *[None] * 6, False, None, False, None, None)
    try:
        return Arguments(model, loss, *settings)
    except ValueError as error:
        if not str(error).startswith("y: "):
            raise
        return Arguments(model, partial(LOSSES.get(loss, loss)), *settings)  # `fit` asks only its own about targets


def _of_batch(loss: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The loss, which says that it gets lists where it fails at them."""

    def of_batch(outputs: Any, targets: Any) -> Any:
        try:
            return loss(outputs, targets)
        except (TypeError, AttributeError) as error:
            if "'list'" not in str(error):
                raise
            gets = "the loss gets the outputs and the targets of the whole batch as two lists, as in fit"
            raise TypeError(f"{gets}, and raised {error}: go over their pairs, or take nn.mse") from error

    return of_batch


# ---- what is seen without a batch, or ends it ---------------------------------------------------------------------


def _not_finite(why: str, broken: list[str], number: float = math.inf) -> Symptom:
    """Numbers have run away, and `why`, or parameters are `broken` before: nothing else can be seen."""
    remedy = f"set {few(broken)} anew" if broken else "scale inputs and targets, and start with smaller weights"
    return Symptom("exploding numbers", "loss", number, math.inf, f"a number is not finite, {why}", remedy)


def _misfit(error: str, loss: Callable[[Any, Any], Any], outputs: list[Any], targets: list[Any]) -> Symptom:
    """What the loss said of outputs or targets, and of how many."""

    def refuses(output: Any, target: Any) -> bool:
        try:
            loss([output], [target])
        except ValueError:
            return True
        return False

    count = sum(map(refuses, outputs, targets)) or len(targets)  # each alone may fit
    said, _, remedy = error.partition(": ")
    values = {*leaves(targets)}
    classes = len(outputs[0]) if isinstance(outputs[0], list) else 2
    columns = len(targets[0]) if isinstance(targets[0], list) else 1
    if "got shapes" in said:
        remedy = f"give the model {columns} output{'s' * (columns > 1)}, as many as y has numbers for an example"
    elif not remedy and isinstance(targets[0], list):
        remedy = "take y.argmax(1)"
    elif not remedy and values <= {-1.0, 1.0}:
        remedy = "take (y + 1) / 2"
    elif not remedy and all(value % 1 == 0 for value in values):
        remedy = f"number the classes from 0 and give the model {len(values)} outputs"
        if (lowest := min(values)) and max(values) - lowest < classes:
            remedy = f"take y {'-' if lowest > 0 else '+'} {abs(lowest):g}"
    where = "outputs" if said.startswith("output") else "y"
    seen = f"{count} of {len(targets)} do not fit the loss, {said}"
    return Symptom("labels", where, count, 0, seen, remedy or "quantities are for mse, this loss takes labels")


def _constant(X: Any) -> list[Symptom]:  # noqa: N803  the matrix of examples, as everywhere
    """Columns that are the same in all examples, also in those that are not looked at."""
    names = [f"X[:, {index}]" for index, column in enumerate(X.T) if len(X) > 1 and (column == column[0]).all()]
    seen = f"{len(names)} of {len(X.T)} columns {'is' if len(names) == 1 else 'are'} the same in all {len(X)} examples"
    remedy = "leave out what tells no examples apart"
    return [Symptom("constant inputs", few(names), len(names), 0, seen, remedy)] if names else []


def _not_held(model: Module, optimizer: Optimizer) -> list[Symptom]:
    """Parameters that the optimizer does not hold, by tensor."""
    names = [name for name, leaf in model.named_parameters() if leaf not in optimizer.state]
    total = len(model.parameters())
    seen = f"the optimizer holds {total - len(names)} of {total} parameters and leaves {len(names)} as they are"
    remedy = "build it with model.parameters(), unless they are to stay so"
    tensors = few(dict.fromkeys(name.partition("[")[0] for name in names))
    return [Symptom("untrained parameters", tensors, len(names), 0, seen, remedy)] if names else []


@contextmanager
def _untouched(model: Module) -> Iterator[None]:
    """Afterwards modes, buffers and generators are what they were; the effects of our own modules do not happen."""
    import numpy as np

    buffers = [(module, name, copy.deepcopy(getattr(module, name))) for module, name in buffers_of(model)]
    generators = generators_of(model) | {"numpy.random": np.random}
    states, of_python = read_generators(generators), random.getstate()
    effects = effects_by(mask=lambda module, size: [1.0] * size, statistics=lambda module, statistics, n: None)
    try:
        with evaluating(model), plainly_recording(), effects:
            yield
    finally:
        for module, name, numbers in buffers:
            setattr(module, name, numbers)
        write_generators(generators, states)
        random.setstate(of_python)

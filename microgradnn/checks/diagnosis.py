"""What ails a network, before or while it is trained: `diagnose` reads what `fit` reads, and changes nothing.

One batch is recorded and swept; what its figures say is in `symptoms`.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from microgradnn.checks.symptoms import Batch, Symptom, misfit, not_finite
from microgradnn.context import plainly_recording
from microgradnn.graph import topological_order
from microgradnn.nn.effects import effects_by
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.module import Module, check_module, evaluating
from microgradnn.nn.parameters import data_of
from microgradnn.optim import Optimizer
from microgradnn.training.arguments import Arguments
from microgradnn.training.graphs import Data, Graphs
from microgradnn.training.state import buffers_of, generators_of, read_generators, write_generators

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
    between modules, units that start alike, inputs and targets out of scale, targets that do not fit the loss and,
    given an `optimizer`, steps far from 1e-3 of the weights. The arguments are those of `fit`. Of more than 256
    examples 256 are looked at, evenly spaced; modules run as in training, but dropout drops nothing.

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
        try:
            given = _read(model, loss, X, y, "sgd" if optimizer is None else optimizer)
            examples, targets = given.data
            rows = [index * len(examples) // EXAMPLES for index in range(EXAMPLES)]
            data = Data(examples[rows], targets[rows]) if len(examples) > EXAMPLES else given.data
            model.train()
            outputs = model(data.X.tolist())
            root = Graphs(model, given.loss, None, given.optimizer).total(outputs, data.y.tolist())
        except ArithmeticError as error:
            return [not_finite(str(error))]
        except ValueError as error:
            if outputs is None:
                raise
            return [misfit(str(error), given.loss, data_of(outputs), data.y.tolist())]
        if not math.isfinite(root.data):
            node = next(node for node in topological_order(root) if not math.isfinite(node.data))
            what = f"parameter {node.name}" if node.primitive is None else f"{node.primitive.name} gate of {node.path}"
            return [not_finite(f"the first is {node.data} in the {what}", root.data)]
        batch = Batch(model, data, outputs, root)
        runaway = next((leaf for leaf in model.parameters() if not math.isfinite(batch.adjoints.get(leaf, 0.0))), None)
        if runaway is not None:
            return [not_finite(f"the gradient of the parameter {batch.names[runaway]}", batch.adjoints[runaway])]
        symptoms = [*batch.inputs(), *batch.targets(given.loss), *batch.unreached(), *batch.units()]
        if root.data != 0:  # else there is nothing to learn
            symptoms += [*batch.gradients(), *batch.alike()]
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

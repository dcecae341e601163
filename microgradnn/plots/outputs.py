"""What a model gives for many points, by a program where it can be compiled, and which class that is.

Nothing here draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microgradnn.context import no_grad
from microgradnn.nn.activations import Activation
from microgradnn.nn.module import Module, evaluating
from microgradnn.nn.parameters import data_of

if TYPE_CHECKING:
    import numpy as np

    from microgradnn.compiler.program import Program

    Array = np.ndarray[Any, Any]

TOGETHER = 2000  # points at a time, as a program keeps every gate of each of them


class Outputs:
    """The outputs of `model` in evaluation, a row for each point; by numbers as eager code gives them, to rounding.

    >>> import numpy as np
    >>> from microgradnn import nn
    >>> model = nn.MLP(2, [8, 3], rng=0)
    >>> outputs = Outputs(model)(np.ones((5, 2)))
    >>> outputs.shape, bool(np.allclose(outputs[0], [score.data for score in model([1.0, 1.0])]))
    ((5, 3), True)
    """

    def __init__(self, model: Module) -> None:
        self.model, self.compiles = model, True
        self._program: Program | None = None

    def __call__(self, points: Array) -> Array:
        """ArithmeticError or ValueError as the model raises it; what a program gives may be nan or infinite."""
        import numpy as np

        with evaluating(self.model):
            if self.compiles and (program := self._recorded(points[0])) is not None:
                parts = [program.value(points[start : start + TOGETHER]) for start in range(0, len(points), TOGETHER)]
                return np.concatenate(parts).reshape(len(points), -1)
            with no_grad():
                return np.array(data_of(self.model(points.tolist())), dtype=float).reshape(len(points), -1)

    def _recorded(self, point: Array) -> Program | None:
        """The program of the model as it is now; None for a model that has none, as `compile` refuses it."""
        from microgradnn.compiler.build import build
        from microgradnn.training.programs import one_by_one
        from microgradnn.training.state import buffers_of

        model = self.model
        if self._program is None or buffers_of(model):  # their numbers are written into the program
            self.compiles = False  # unless what follows goes well
            if not one_by_one(model):
                return None
            try:
                self._program = build(model, model.parameters(), (point,), reduce=None, before=self._program)
            except (ArithmeticError, TypeError, ValueError):
                return None
            self.compiles = True
        self._program.pull()
        return self._program


def classes_of(model: Module, count: int, labels: Array) -> list[Any]:
    """The classes that `count` outputs tell apart; ValueError where `labels` has others."""
    known = set(labels.tolist())
    classes = ([-1, 1] if -1 in known else [0, 1]) if count == 1 else list(range(count))
    if not known <= set(classes):
        strange = next(label for label in known if label not in classes)
        allowed = "0 and 1, or −1 and 1" if len(classes) == 2 else f"0 to {len(classes) - 1}"
        raise ValueError(f"the labels y must be {allowed}, as many as {model!r} can tell apart, got {strange!r}")
    return classes


def scores_of(model: Module, outputs: Array) -> Array:
    """A score of each class for each row of outputs, of which the largest decides.

    One output decides by its sign, or at ½ where the model ends in a sigmoid.
    """
    import numpy as np

    if outputs.shape[1] > 1:
        return outputs
    *_, (_, last) = model.named_modules()
    probability = isinstance(last, Activation) and last.name == "sigmoid"
    lead = outputs - (0.5 if probability else 0.0)
    return np.concatenate([-lead, lead], axis=1)


def lead(scores: Array, index: int) -> Array:
    """By how much the score of a class is above the largest of the others, for each row."""
    import numpy as np

    return np.asarray(scores[:, index] - np.delete(scores, index, axis=1).max(1))

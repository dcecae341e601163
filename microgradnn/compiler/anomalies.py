"""Where a nan in a program was born, for `detect_anomaly`: gate by gate, as eager code would meet it.

The values of all gates are looked at before the program runs. Where its gradient is nan after that, one example is
recorded as a graph, with the lines and modules that the tape knows, and swept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from microgradnn.anomalies import at_line, note_line, refuse_nan
from microgradnn.compiler.ir import Array, Gradient
from microgradnn.compiler.tape import Tape
from microgradnn.context import plainly_recording, watching
from microgradnn.primitive import Primitive, run_lines
from microgradnn.sweep import sweep
from microgradnn.value import Value, record


class Watch:
    """What a program is called with: refuses nan with FloatingPointError that names where it was born."""

    def __init__(self, tape: Tape, leaves: Sequence[Value], params: Array, arrays: Sequence[Array]) -> None:
        self.tape, self.leaves, self.params, self.arrays = tape, leaves, params, arrays
        self.count = len(arrays[0]) if arrays else 1

    def values(self) -> None:
        """Refuse the first gate of the first example that gives nan."""
        for example in range(self.count):
            numbers = [*self.params.tolist(), *self.inputs(example)]
            run_lines(self.tape.lines, (), numbers, Primitive.limit)
            for register in range(self.tape.leaves, len(numbers)):
                if numbers[register] != numbers[register]:
                    node = self.graph(example)[register]
                    raise FloatingPointError(at_line(node, f" is nan in example {example}"))

    def results(self, engine: Any, value: float, gradients: Sequence[Array] = ()) -> None:
        """Refuse a value or a gradient that is nan, though no gate gives nan."""
        if value == value and not any(np.isnan(gradient).any() for gradient in gradients):
            return
        alone = []
        for example in range(self.count):
            arrays = [array[example : example + 1] for array in self.arrays]
            if not gradients:
                alone.append([np.array(engine.value(self.params, arrays, 1)[0])])
                continue
            value, _, by_params, by_inputs = engine.value_and_gradient(self.params, arrays, 1)
            alone.append([np.array(value), by_params])
            if any(np.isnan(gradient).any() for gradient in (by_params, *by_inputs)):
                self.refuse_gradient(example)
        self.refuse_sum(alone)

    def product(self, engine: Any, direction: Gradient, product: Gradient) -> None:
        """Refuse a Hessian-vector product that is nan."""
        if not _has_nan(product):
            return
        if _has_nan(direction):
            raise FloatingPointError("the Hessian times v is nan, because v is")
        value, _, by_params, by_inputs = engine.value_and_gradient(self.params, self.arrays, self.count)
        self.results(engine, value, (by_params, *by_inputs))
        along, along_inputs = direction
        for example in range(self.count):
            arrays, inputs = (
                [array[example : example + 1] for array in given] for given in (self.arrays, along_inputs)
            )
            alone = engine.hvp(self.params, (along, inputs), arrays, 1)
            if _has_nan(alone):
                names = [repr(leaf) for leaf, x in zip(self.leaves, alone[0], strict=True) if x != x]
                raise FloatingPointError(
                    f"the Hessian times v is nan at {[*names, 'an input'][0]} in example {example}, "
                    "though the gradient is not: a second derivative is infinite or nan there"
                )
        raise FloatingPointError("the Hessian times v is nan, the sum over examples in none of which it is")

    def refuse_gradient(self, example: int) -> NoReturn:
        """Name the gate at which the sweep of an example becomes nan."""
        [root, *_] = self.tape.roots
        assert isinstance(root, int)  # a constant has no gradient
        with watching(False):
            swept = list(sweep(self.graph(example)[root]))
        try:
            refuse_nan(swept)
        except FloatingPointError as error:
            raise FloatingPointError(f"{error}, in example {example}") from None
        for node, adjoint in swept:  # arrays hand on the zeros of what was not taken, too
            for partial in node.partials:
                if partial is not None and partial * adjoint != partial * adjoint:
                    raise FloatingPointError(
                        f"the gradient becomes nan at {at_line(node)}: arrays hand on {partial} × {adjoint}, though it "
                        f"is not taken in example {example}. Choose the operand first, as in sqrt(where(c, x, 1.0)) "
                        "for where(c, sqrt(x), 0.0)"
                    )
        raise FloatingPointError(f"the gradient is nan in example {example}, by arrays alone: gate by gate it is not")

    def refuse_sum(self, alone: list[list[Array]]) -> NoReturn:
        """Name what adds up to nan over the examples, though it is nan in none: the value, or a derivative."""
        values, *gradients = map(np.array, zip(*alone, strict=True))
        columns = [("the value", values.tolist())]
        for gradient in gradients:
            names = [f"the gradient of {leaf!r}" for leaf in self.leaves]
            columns += zip(names, gradient.T.tolist(), strict=True)
        for name, numbers in columns:
            with_sign = {x: example for example, x in reversed(list(enumerate(numbers))) if abs(x) == np.inf}
            if len(with_sign) == 2:
                parts = " and ".join(f"{x} in example {example}" for x, example in sorted(with_sign.items()))
                raise FloatingPointError(f"{name} is nan, the sum of {parts}")
        raise FloatingPointError("the result is nan, though no gate gives nan and no infinities cancel")

    def inputs(self, example: int) -> list[float]:
        """The inputs of an example as floats."""
        return [float(x) for array in self.arrays for x in array[example].ravel().tolist()]

    def graph(self, example: int) -> list[Any]:
        """The tape of an example as a graph: the node of every register, with its module and its line."""
        named = [Value(x, leaf.name) for x, leaf in zip(self.params.tolist(), self.leaves, strict=True)]
        nodes: list[Any] = [*named, *map(Value, self.inputs(example))]
        with plainly_recording(), watching(False):
            for line, (gate, operands) in enumerate(self.tape.lines):
                node = record(gate, [nodes[x] if isinstance(x, int) else x for x in operands], by_limit=True)
                node._path = self.tape.paths[line]
                note_line(node, (*self.tape.sources.place(line), ""))
                nodes.append(node)
        return nodes


def _has_nan(derivatives: Gradient) -> bool:
    by_params, by_inputs = derivatives
    return any(np.isnan(numbers).any() for numbers in (by_params, *by_inputs))

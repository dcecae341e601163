"""Layers of dot gates, which share their operands: one vector of inputs for an example, one of weights for a row."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any
from weakref import WeakValueDictionary

from microgradnn.context import Context, by_neuron, context, of_neurons, plain_map
from microgradnn.formulas import shared_partials_of_dot, sum_of_products
from microgradnn.graph import Vector
from microgradnn.native import core
from microgradnn.primitive import lookup
from microgradnn.reading import number
from microgradnn.value import Value, unrecorded


def dots(
    rows: Sequence[Sequence[Any]], batch: Sequence[Sequence[Any]], biases: Sequence[Any], numbered: bool = False
) -> list[list[Any]]:
    """Record Σⱼ wᵢⱼ xⱼ + bᵢ for every example x and every row i: a layer of dot gates, which share their operands.

    Rows that are `numbered` are neurons of the module at work, and their numbers stand in the paths of their gates.

    >>> [[out]] = dots([[Value(2.0), Value(-3.0)]], [[-1.0, -2.0]], [Value(-3.0)])
    >>> out.data, out.partials
    (1.0, (-1.0, -2.0, None, None, 1.0))
    """
    here, gate = context.get(), lookup("dot")
    paths = None if isinstance(here, Context) else of_neurons(len(rows)) if numbered else (here,) * len(rows)
    recorded: list[list[Any]] | None = (
        core.dots(tuple(rows), tuple(batch), tuple(biases), paths, gate) if core and paths else None
    )
    if recorded is not None:
        return recorded
    try:
        weights = [(tuple([w._data for w in row]), bias._data) for row, bias in zip(rows, biases, strict=True)]
    except AttributeError:  # a number, or something else that records
        here = Context()  # so that gates are recorded singly
    each = by_neuron(len(rows)) if numbered else plain_map
    kind = getattr(biases[0], "_recorded_as", Value) if len(biases) else Value

    def singly(x: Sequence[Any]) -> list[Any]:
        def record(row: Sequence[Any], bias: Any) -> Any:
            return gate(*row, *x, bias)

        return each(record, rows, biases)

    if isinstance(here, Context) and not (here.record or here.detect_anomaly):
        return [
            [unrecorded(sum_of_products(w, data) + b, here.path, kind) for w, b in weights]
            for data in ([y._data if isinstance(y, Value) else number(y) for y in x] for x in batch)
        ]
    if isinstance(here, Context) or paths is None:
        return [singly(x) for x in batch]
    vectors = list(map(_vector, rows))
    computed = any(vector._left is not None for vector in vectors)  # weights with something behind them
    outputs = []
    for x in batch:
        inputs = Vector([y if isinstance(y, Value) else number(y) for y in x])
        if computed and any(y.__class__ is float and y == 0.0 for y in inputs.members):
            # A weight beside the constant 0 gets nothing.
            outputs.append(singly(x))
            continue
        data = tuple([y if y.__class__ is float else y._data for y in inputs.members])
        constant = set(map(type, inputs.members)) == {float}
        layer = []
        for row, bias, (w, b), path in zip(vectors, biases, weights, paths, strict=True):
            by_row, by_inputs, by_bias = shared_partials_of_dot(w, data)
            node = kind.__new__(kind)
            node._data = sum_of_products(w, data) + b
            node._primitive = gate
            node._grad = node._name = node._right = node._right_partial = None
            node._path = path
            node._left = (row, inputs, bias)
            node._left_partial = (by_row, None if constant else by_inputs, by_bias)
            layer.append(node)
        outputs.append(layer)
    return outputs


_in_use: WeakValueDictionary[int, Vector] = WeakValueDictionary()  # by the `id` of the first member


def _vector(row: Sequence[Any]) -> Vector:
    """The vector of a row of weights: one as long as a gate uses it, so that calls for single examples share it too."""
    vector = _in_use.get(id(row[0]))
    if vector is None or len(vector.members) != len(row) or not all(map(is_, vector.members, row)):
        vector = _in_use[id(row[0])] = Vector(row)
    return vector


if core:
    _vector = core.vector_of

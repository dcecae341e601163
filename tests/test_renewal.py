"""A graph computed anew from its leaves is what recording it again gives, or nothing has changed."""

import math

import pytest

import microgradnn as m
from microgradnn import Value, grad
from microgradnn.graph import topological_order
from microgradnn.vectors import dots
from tests.test_sweep import gradients


def every_kind(x, y, w):
    layer = dots([[w, y], [y, w]], [[x, 1.0], [y, x]], [Value(0.5), w])
    hidden = [m.tanh(one) for row in layer for one in row]
    return m.logsumexp(hidden) * m.maximum(x, y, 2.0) / (1 + w * w) - m.relu(x - 3) ** 2 + m.where(x, 0.0, y)


def test_forward_gives_what_recording_anew_gives_to_the_bit():
    leaves = [Value(v, n) for v, n in ((0.7, "x"), (-1.3, "y"), (0.4, "w"))]
    root = every_kind(*leaves)
    root.backward()
    kept = [leaf.grad for leaf in leaves]
    for leaf, data in zip(leaves, (-2.5, 4.0, 0.1), strict=True):
        leaf.data = data
    assert root.forward() is root
    anew = every_kind(*leaves)
    pairs = list(zip(topological_order(root), topological_order(anew), strict=True))
    assert all((a.data, a.handed, a.partials) == (b.data, b.handed, b.partials) for a, b in pairs)
    assert all(not node.swept for node in topological_order(root) if node.primitive is not None)
    assert [leaf.grad for leaf in leaves] == kept
    for leaf in leaves:
        leaf.grad = None
    assert gradients(root, *leaves) == gradients(anew, *leaves)


def test_forward_is_all_or_nothing_and_names_the_gate():
    x, y = Value(4.0, "x"), Value(2.0, "y")
    q = x * y
    f = m.sqrt(q) + m.log(x)
    f.backward()
    before = [(node.data, node.partials, node.grad) for node in topological_order(f)[2:]]
    x.data = -4.0
    with pytest.raises(ValueError, match=r"sqrt\(-8\.0\)"):
        f.forward()
    assert [(node.data, node.partials, node.grad) for node in topological_order(f)[2:]] == before


def test_forward_of_a_deep_graph_of_a_leaf_and_of_a_decision():
    x = Value(1.0)
    assert x.forward() is x
    deep = x
    for _ in range(20_000):
        deep = deep + 1.0
    x.data = 2.0
    assert deep.forward().data == 20_002.0
    y = x * 3 if x > 1 else x * 5
    x.data = 0.0
    assert y.forward().partials == (3.0, None)  # Python decided once


def test_forward_keeps_derivatives_that_exist_only_as_limits():
    x = Value(0.0)
    slope = grad(lambda x: m.sqrt(x))(x)
    assert slope.forward().data == math.inf
    x.data = 4.0
    assert slope.forward().data == 0.25

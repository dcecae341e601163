"""Walking a graph: operands first, each node once, the same order every time, however deep."""

from microgradnn import Value, maximum
from microgradnn.graph import order_with_vectors, topological_order
from microgradnn.vectors import dots


def chain(length):
    value = Value(1.0, "x")
    for _ in range(length):
        value = value + 1.0
    return value


def test_operands_come_before_the_gates_that_use_them_and_left_before_right():
    x, y = Value(1.0), Value(2.0)
    a = y * x
    b = x + a
    assert all(one is other for one, other in zip(topological_order(b), [x, y, a, b], strict=True))


def test_each_node_stands_once_also_when_used_twice():
    x = Value(3.0)
    square = x * x
    assert len(topological_order(square * square)) == 3


def test_several_roots_share_one_order():
    x = Value(1.0)
    a, b = x + 1, x * 2
    assert all(one is other for one, other in zip(topological_order(b, a), [x, b, a], strict=True))


def test_constants_are_no_nodes_and_gates_of_many_operands_are_walked():
    x, y = Value(1.0), Value(2.0)
    assert [node.data for node in topological_order(maximum(y, 5.0, x))] == [2.0, 1.0, 5.0]


def test_known_nodes_are_not_entered():
    x = Value(1.0)
    inner = x + 1
    outer = inner * 2
    assert topological_order(outer, known={id(inner)})[0] is outer


def test_nested_sharing_is_walked_once_per_node_not_once_per_path():
    value = Value(1.0)
    for _ in range(200):
        value = value + value
    assert len(topological_order(value)) == 201


def test_leaves_that_only_vectors_hold_are_left_out_where_vectors_stand_for_them():
    """A layer of a thousand inputs is two nodes to whoever walks, not a thousand."""
    [[out]] = dots([[Value(1.0), Value(2.0)]], [[Value(3.0), 4.0]], [bias := Value(5.0)])
    weights, inputs, last, root = order_with_vectors(out)
    assert [len(vector.members) for vector in (weights, inputs)] == [2, 2]
    assert (last is bias, root is out) == (True, True)
    assert len(topological_order(out)) == 5


def test_depth_costs_no_recursion():
    assert len(topological_order(chain(50_000))) == 50_001

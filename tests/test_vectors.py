"""A layer of dot gates shares its operands in vectors; nobody but the graph may notice: the same as gate by gate."""

import copy
import gc
import io
import itertools
import math
import pickle
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import microgradnn as m
from microgradnn import Value, detect_anomaly, dot, grad, hessian, hvp, nn, no_grad, steps
from microgradnn.context import recording
from microgradnn.graph import Vector, order_with_vectors, topological_order
from microgradnn.vectors import dots


def gate_by_gate(rows, batch, biases):
    """What `dots` stands for: one dot gate after the other, each with operands of its own."""
    return [[dot(row, x, bias) for row, bias in zip(rows, biases, strict=True)] for x in batch]


def recipe(draw):
    """A random layered network, as data: leaves, the batch, and for each layer which leaves are its weights."""
    number = st.floats(-2, 2, allow_nan=False)
    leaves = draw(st.lists(number, min_size=3, max_size=8))
    place = st.integers(0, len(leaves) - 1)
    width = draw(st.integers(1, 3))
    entry = st.one_of(number, place.map(lambda index: f"leaf {index}"))  # inputs: floats, Values, or mixed
    batch = draw(st.lists(st.lists(entry, min_size=width, max_size=width), min_size=1, max_size=3))
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        height = draw(st.integers(1, 3))
        row = st.lists(place, min_size=width, max_size=width)  # a leaf may come twice in a row, and in many layers
        layers.append((draw(st.lists(row, min_size=height, max_size=height)), [draw(place) for _ in range(height)]))
        width = height
    return leaves, batch, layers, draw(st.booleans())


networks = st.composite(recipe)()


def build(network, layer=dots):
    """The leaves, the outputs of all layers and one number that depends on everything, some of it twice."""
    numbers, batch, layers, penalised = network
    leaves = [Value(number, f"leaf {place}") for place, number in enumerate(numbers)]
    named = {leaf.name: leaf for leaf in leaves}
    x = [[named.get(one, one) for one in example] for example in batch]
    kept = []
    for rows, biases in layers:
        x = layer([[leaves[place] for place in row] for row in rows], x, [leaves[place] for place in biases])
        x = [[m.tanh(one) if place % 2 else one for place, one in enumerate(example)] for example in x]
        kept += [one for example in x for one in example]
    root = m.sum([one * (place + 1) for place, one in enumerate(kept)])
    if penalised:  # the leaves are reached directly too
        root = root + 0.1 * m.sum([leaf * leaf for leaf in leaves])
    return leaves, kept, root


def close(found, expected):
    return found == pytest.approx(expected, rel=1e-12, abs=1e-12)


# ---- the same as gate by gate -----------------------------------------------------------------------------------


@given(networks)
def test_values_and_gradients_are_those_of_gate_by_gate(network):
    (leaves, kept, root), (others, other_kept, other) = build(network), build(network, gate_by_gate)
    root.backward()
    other.backward()
    assert close(root.data, other.data)
    assert close([one.data for one in kept], [one.data for one in other_kept])
    assert close([leaf.grad for leaf in leaves], [leaf.grad for leaf in others])
    assert close([one.grad for one in kept], [one.grad for one in other_kept])
    assert [leaf.swept for leaf in leaves] == [leaf.swept for leaf in others]


def test_the_comparison_would_notice_a_wrong_gradient():
    """A layer that loses a bias, or hands an input on as a number, fails the law above."""

    def without_bias(rows, batch, biases):
        return gate_by_gate(rows, batch, [bias.data for bias in biases])

    network = ([0.5, -1.0, 2.0], [[1.0, "leaf 0"]], [([[1, 2]], [0])], False)
    (leaves, _, root), (others, _, other) = build(network), build(network, without_bias)
    root.backward()
    other.backward()
    assert root.data == other.data
    assert leaves[0].grad != others[0].grad


@given(networks)
def test_operands_and_partials_are_flat_and_aligned(network):
    """Weights, inputs, bias; the partial by a weight is the input and the other way round; None at floats."""
    _, _, root = build(network)
    for node in topological_order(root):
        assert len(node.operands) == len(node.partials)
        if node.primitive is None or node.primitive.name != "dot":
            continue
        data = [one.data if isinstance(one, Value) else one for one in node.operands]
        half = len(data) // 2
        full = data[half:-1] + data[:half] + [1.0]
        assert all(isinstance(one, (Value, float)) for one in node.operands)
        for operand, partial, expected in zip(node.operands, node.partials, full, strict=True):
            assert partial == (expected if isinstance(operand, Value) else None)


@given(networks)
def test_the_order_is_that_of_gate_by_gate(network):
    """Each node once, operands before the gates that use them, no vector among them, left before right."""
    _, _, root = build(network)
    order = topological_order(root)
    seen = set()
    for node in order:
        assert type(node) is Value
        assert node not in seen
        assert all(operand in seen for operand in node.operands if isinstance(operand, Value))
        seen.add(node)
    _, _, other = build(network, gate_by_gate)

    def written(node):
        return node.name or node.primitive.name

    assert list(map(written, order)) == list(map(written, topological_order(other)))


def test_there_are_vectors_and_they_are_shared():
    """Weights once for a batch, inputs once for a layer: what the laws above would not need."""
    rows, biases = [[Value(1.0), Value(2.0)] for _ in range(3)], [Value(0.0) for _ in range(3)]
    out = dots(rows, [[1.0, 2.0], [3.0, 4.0]], biases)
    root = m.sum([one for layer in out for one in layer])
    assert sum(type(node) is Vector for node in order_with_vectors(root)) == 3 + 2


@given(networks)
def test_a_second_sweep_gives_exactly_twice(network):
    leaves, kept, root = build(network)
    root.backward()
    once, gates = [leaf.grad for leaf in leaves], [one.grad for one in kept]
    root.backward()
    assert [leaf.grad for leaf in leaves] == [2 * one for one in once]
    assert [one.grad for one in kept] == gates


@given(networks)
def test_the_same_program_gives_the_same_bits(network):
    found = []
    for _ in range(2):
        leaves, _, root = build(network)
        root.backward()
        found.append([root.data] + [leaf.grad for leaf in leaves])
    assert found[0] == found[1]


def test_leaves_come_in_the_order_of_their_use_whatever_their_addresses():
    rows = [[Value(1.0, "a"), Value(2.0, "b")], [Value(3.0, "c"), Value(4.0, "d")]]
    [[left, right]] = dots(rows, [[Value(5.0, "x"), 6.0]], [Value(7.0, "p"), Value(8.0, "q")])
    order = [node.name for node in topological_order(right - left) if node.name]
    assert order == ["c", "d", "x", "q", "a", "b", "p"]


# ---- one vector used several times, leaves reached both ways ------------------------------------------------------


def test_one_vector_used_by_two_layers_and_twice_by_one():
    w, b, x = [[Value(2.0), Value(-1.0)]], [Value(0.5)], [Value(1.5), Value(3.0)]
    [[first], [second]] = dots(w, [x, x], b)
    [[third]] = dots(w, [[first, second]], b)
    (third * first).backward()
    # with s = 2x₀ − x₁ + ½ = 0.5: third = s·2 − s + ½ = 1.0, and first·third has these derivatives by hand
    assert (first.data, third.data) == (0.5, 1.0)
    assert x[0].grad == 2.0 * (1.0 + 0.5 * (2.0 - 1.0))
    assert b[0].grad == 1.0 + 0.5 * (1.0 + 1.0)
    assert w[0][0].grad == 1.5 + 0.5 * (0.5 + 1.5)


def test_a_weight_twice_in_one_row_and_as_its_own_input():
    w = Value(3.0)
    [[out]] = dots([[w, w]], [[w, 2.0]], [w])  # w² + 2w + w
    out.backward()
    assert (out.data, w.grad) == (18.0, 2 * 3.0 + 2.0 + 1.0)


def test_a_leaf_reached_through_vectors_and_directly():
    w = [[Value(2.0), Value(-1.0)]]
    [[out]] = dots(w, [[1.0, 4.0]], [Value(0.0)])
    (out + 0.5 * 0.1 * m.sum([v * v for v in w[0]])).backward()
    assert [v.grad for v in w[0]] == pytest.approx([1.0 + 0.2, 4.0 - 0.1])


def test_gradients_of_a_batch_are_sums_over_its_examples():
    rng = np.random.default_rng(0)
    weights, biases, x = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(5, 4))
    w, b = [[Value(v) for v in row] for row in weights], [Value(v) for v in biases]
    inputs = [[Value(v) for v in row] for row in x]
    out = dots(w, inputs, b)
    upstream = rng.normal(size=(5, 3))
    m.sum(
        [y * u for row, us in zip(out, upstream.tolist(), strict=True) for y, u in zip(row, us, strict=True)]
    ).backward()
    assert np.allclose([[y.data for y in row] for row in out], x @ weights.T + biases, rtol=1e-12)
    assert np.allclose([[v.grad for v in row] for row in w], upstream.T @ x, rtol=1e-12)
    assert np.allclose([v.grad for v in b], upstream.sum(0), rtol=1e-12)
    assert np.allclose([[v.grad for v in row] for row in inputs], upstream @ weights, rtol=1e-12)


def test_an_interior_root_sweeps_what_is_below_it_alone():
    leaves, kept, _ = build(([0.5, -1.0, 2.0], [[1.0], [2.0]], [([[0]], [1]), ([[2]], [2])], False))
    kept[0].backward()
    assert [leaf.grad for leaf in leaves] == [1.0, 1.0, 0.0]
    assert not leaves[2].swept


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_numbers_that_are_not_finite_pass_as_gate_by_gate(bad):
    network = ([bad, 0.0, 2.0], [[0.0, "leaf 0"], [1.0, 2.0]], [([[1, 2], [0, 1]], [1, 2])], False)
    (leaves, kept, root), (others, other_kept, other) = build(network), build(network, gate_by_gate)
    root.backward()
    other.backward()
    assert [v.data for v in kept] == pytest.approx([v.data for v in other_kept], nan_ok=True)
    assert [v.grad for v in leaves] == pytest.approx([v.grad for v in others], nan_ok=True)


# ---- derivatives of functions, steps ------------------------------------------------------------------------------


def through(layer):
    """A function of seven numbers: two layers of one network, with two examples and shared weights."""

    def f(v):
        rows, biases = [[v[0], v[1]], [v[2], v[3]]], [v[4], v[5]]
        hidden = layer(rows, [[v[6], 0.5], [-1.0, v[6]]], biases)
        out = layer(rows[:1], [[m.tanh(one) for one in x] for x in hidden], biases[:1])
        return m.sum([y * y for [y] in out])

    return f


POINT = [0.5, -1.2, 0.3, 0.8, -0.1, 0.4, 1.5]
DIRECTION = [1.0, -0.5, 0.25, 2.0, 0.0, -1.0, 0.5]


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: grad(f)(POINT),
        lambda f: [one for row in hessian(f)(POINT) for one in row],
        lambda f: hvp(f, POINT, DIRECTION),
        lambda f: grad(lambda v: m.dot(grad(f)(v), DIRECTION))(POINT),
    ],
    ids=["grad", "hessian", "hvp", "grad of grad"],
)
def test_derivatives_of_any_order_are_those_of_gate_by_gate(transform):
    assert np.allclose(transform(through(dots)), transform(through(gate_by_gate)), rtol=1e-12, atol=1e-12)


def test_derivatives_agree_with_differences():
    m.check_grads(through(dots), (POINT,), order=2)


def test_a_sweep_of_recorded_partials_leaves_gradients_alone():
    leaves = [Value(number) for number in POINT]
    assert np.allclose([one.data for one in grad(through(dots))(leaves)], grad(through(dots))(POINT), rtol=1e-12)
    assert not any(leaf.swept for leaf in leaves)


@given(networks)
def test_the_steps_are_those_of_gate_by_gate(network):
    """Edge by edge: the same sentence."""
    (_, _, root), (_, _, other) = build(network), build(network, gate_by_gate)
    found, expected = steps(root), steps(other)
    assert [step.kind for step in found] == [step.kind for step in expected]
    assert [str(step) for step in found] == [str(step) for step in expected]


# ---- copies, pickles, memory --------------------------------------------------------------------------------------


def pickled(protocol):
    return lambda one: pickle.loads(pickle.dumps(one, protocol))


def with_two_dumps(one):
    """One pickler, two dumps: the second refers to what the first has written."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file)
    pickler.dump(one[0])
    pickler.dump(one[1])
    file.seek(0)
    unpickler = pickle.Unpickler(file)
    return unpickler.load(), unpickler.load()


COPIES = {"deepcopy": copy.deepcopy, "pickle": pickled(None), "pickle 0": pickled(0), "two dumps": with_two_dumps}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("first", ["leaves", "root"])
@settings(max_examples=8)
@given(network=networks)
def test_copies_keep_sharing_values_and_gradients(copied, first, network):
    """Copied together with its leaves, in either order, a graph sweeps into the copies of these leaves."""
    leaves, _, root = build(network)
    root.backward()
    pair = copied((leaves, root) if first == "leaves" else (root, leaves))
    others, other = pair if first == "leaves" else pair[::-1]
    assert [one.grad for one in others] == [one.grad for one in leaves]
    assert len(topological_order(other)) == len(topological_order(root))
    assert len(order_with_vectors(other)) == len(order_with_vectors(root))
    before = [leaf.grad for leaf in leaves]
    other.backward()
    assert other.data == root.data
    assert [one.grad for one in others] == [2 * one for one in before]
    assert [leaf.grad for leaf in leaves] == before


def test_a_deep_stack_of_layers_is_copied_pickled_and_freed():
    """Nothing recurses, in whatever way the layers hang together."""
    w, b = [[Value(0.5), Value(0.5)], [Value(-0.5), Value(1.5)]], [Value(0.0), Value(0.0)]
    x = [[1.0, 1.0]]
    for _ in range(3000):
        x = dots(w, x, b)
    root = x[0][0] + x[0][1]
    root.backward()
    for other in (copy.deepcopy(root), pickle.loads(pickle.dumps(root))):
        assert len(topological_order(other)) == len(topological_order(root)) == 6 + 2 * 3000 + 1
    end = weakref.ref(x[0][0])
    del root, other, x
    assert end() is None


def test_no_reference_cycles():
    while gc.collect():  # what other tests left may take several rounds
        pass
    gc.disable()
    try:
        leaves, kept, root = build(([0.5, -1.0, 2.0], [[1.0, "leaf 0"]], [([[1, 2], [0, 1]], [0, 2])], True))
        root.backward()
        copy.deepcopy(root)
        ends = [weakref.ref(node) for node in topological_order(root)]
        del leaves, kept, root
        assert [end() for end in ends] == [None] * len(ends)
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---- modes ----------------------------------------------------------------------------------------------------------


def layer_of_two():
    return [[Value(2.0, "w"), Value(-1.0)], [Value(0.5), Value(4.0)]], [Value(0.25), Value(1.0)]


@pytest.mark.parametrize("x", [[3.0, 1.0], [Value(3.0), Value(1.0)], [Value(3.0), 1], [True, np.float32(2)]])
def test_without_recording_there_are_values_and_no_operands(x):
    rows, biases = layer_of_two()
    recorded = dots(rows, [x], biases)
    with no_grad():
        [out] = dots(rows, [x], biases)
        with recording():
            [again] = dots(rows, [x], biases)
    assert [one.data for one in out] == [one.data for one in recorded[0]] == [one.data for one in again]
    assert [one.operands for one in out] == [(), ()]
    assert [len(one.operands) for one in again] == [5, 5]


def test_an_anomaly_is_found_and_named():
    rows, biases = layer_of_two()
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"dot\(w=2.0, .*inf.* is nan, recorded at .*test_v"):
        dots(rows, [[math.inf, math.inf]], biases)
    with detect_anomaly(), no_grad(), pytest.raises(FloatingPointError, match="is nan"):
        dots(rows, [[math.inf, math.inf]], biases)
    with detect_anomaly():
        assert [one.data for one in dots(rows, [[3.0, 1.0]], biases)[0]] == [5.25, 6.5]
    assert math.isnan(dots(rows, [[math.inf, math.inf]], biases)[0][0].data)


@pytest.mark.parametrize("number", [2, 2.0, True, np.float64(2.0)])
def test_weights_and_biases_may_be_plain_numbers(number):
    x, w = Value(3.0), Value(0.5)
    for rows, bias in [([[number, w]], Value(1.0)), ([[number, 0.5]], 1.0), ([[w, w]], number)]:
        x.grad = None
        [[out]] = dots(rows, [[x, 4.0]], [bias])
        expected = dot(rows[0], [x, 4.0], bias)
        assert out.data == expected.data
        out.backward()
        assert x.grad == (rows[0][0].data if isinstance(rows[0][0], Value) else float(number))


def test_without_any_value_there_are_plain_floats():
    assert dots([[1.0, 2.0]], [[3.0, 4.0]], [0.5]) == [[11.5]]


@pytest.mark.parametrize("bad", ["3", None, 1j, [1.0]])
def test_inputs_that_are_no_numbers_are_refused(bad):
    rows, biases = layer_of_two()
    for context in (no_grad(), recording(), detect_anomaly()):
        with context, pytest.raises(TypeError, match="expected a number"):
            dots(rows, [[1.0, bad]], biases)


def test_gates_carry_the_path_of_the_module_at_work():
    rows, biases = layer_of_two()
    assert dots(rows, [[1.0, 2.0]], biases)[0][0].path is None
    assert nn.MLP(2, [2], rng=0)([1.0, 2.0])[0].path == "MLP.0[0]"


# ---- threads --------------------------------------------------------------------------------------------------------


def test_threads_that_sweep_graphs_with_common_leaves_lose_nothing():
    rows, biases = [[Value(1.0), Value(2.0)]], [Value(0.0)]
    inputs = [float(number) for number in range(1, 9)]
    barrier = threading.Barrier(len(inputs))

    def sweep_often(number):
        barrier.wait()
        for _ in range(100):
            [[out], [other]] = dots(rows, [[number, 1.0], [1.0, number]], biases)
            (out + other).backward()

    threads = [threading.Thread(target=sweep_often, args=(number,)) for number in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = 100 * sum(number + 1 for number in inputs)
    assert [w.grad for w in rows[0]] == [expected, expected]
    assert biases[0].grad == 100 * 2 * len(inputs)


def test_threads_that_sweep_one_graph_lose_nothing():
    leaves, _, root = build(([0.5, -1.0, 2.0], [[1.0, "leaf 0"]], [([[1, 2], [0, 1]], [0, 2])], True))
    root.backward()
    once = [leaf.grad for leaf in leaves]
    threads = [threading.Thread(target=lambda: [root.backward() for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    totals = itertools.accumulate(itertools.repeat(once, 401), lambda a, b: [p + q for p, q in zip(a, b, strict=True)])
    assert [leaf.grad for leaf in leaves] == list(totals)[-1]


@pytest.mark.parametrize("gate", [lambda w, x, b: dots([w], [x], [b])[0][0], dot], ids=["vector", "flat"])
def test_a_leaf_reached_only_without_gradient_has_gradient_0(gate):
    w, chosen = Value(1.0), Value(2.0)
    m.where(gate([w], [2.0], Value(0.0)), chosen, 0.0).backward()
    assert w.swept
    assert (w.grad, chosen.grad) == (0.0, 1.0)


def test_an_infinite_adjoint_is_not_handed_on_beside_a_constant_0():
    """√ at 0 has an infinite slope, and 0 × ∞ would be nan; the other weight, beside a number, gets its infinity."""
    w, bias = [Value(2.0), Value(-1.0)], Value(1.0)
    [[out]] = dots([w], [[0.0, 1.0]], [bias])
    m.sqrt(out).backward()
    assert [x.grad for x in (*w, bias)] == [0.0, math.inf, math.inf]


def test_calls_for_single_examples_share_the_vectors_of_the_weights():
    """As micrograd's demo calls its model: one vector a row as long as a gate uses it, and the gradients of a batch."""
    model, batch = nn.Layer(2, 3, "tanh", rng=0), [[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]]
    together = m.sum([out for outs in model(batch) for out in outs])
    together.backward()
    expected = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    del together
    one_by_one = m.sum([out for x in batch for out in model(x)])
    shared = [node for node in order_with_vectors(one_by_one) if isinstance(node, Vector)]
    assert len([vector for vector in shared if vector.members in map(tuple, model.weight)]) == 3
    one_by_one.backward()
    assert [parameter.grad for parameter in model.parameters()] == pytest.approx(expected, rel=1e-12)
    gone = [weakref.ref(vector) for vector in shared]
    del shared, one_by_one
    gc.collect()
    assert [vector() for vector in gone] == [None] * len(gone)


def test_a_row_of_weights_that_has_changed_is_another_vector():
    first, second, third = Value(1.0), Value(2.0), Value(3.0)
    row = [first, second]
    [[before]] = dots([row], [[10.0, 100.0]], [Value(0.0)])
    row[1] = third
    [[after]] = dots([row], [[10.0, 100.0]], [Value(0.0)])
    row.append(second)
    [[longer]] = dots([row], [[10.0, 100.0, 1000.0]], [Value(0.0)])
    assert [out.operands[0] is first for out in (before, after, longer)] == [True] * 3
    assert [out.operands[1] for out in (before, after, longer)] == [second, third, third]
    assert [out.data for out in (before, after, longer)] == [210.0, 310.0, 2310.0]


def test_inputs_of_a_class_derived_from_value_are_read_under_no_grad_too():
    class Mine(Value):
        pass

    with no_grad():
        [[out]] = dots([[Value(2.0)]], [[Mine(3.0)]], [Value(1.0)])
    assert out.data == 7.0


def test_inputs_may_be_what_can_be_read_but_once():
    [[out]] = dots([[Value(1.0), Value(2.0)]], [(x for x in (True, 3.0))], [Value(1.0)])
    assert out.data == 8.0


def test_a_row_of_no_weights_is_refused():
    with pytest.raises(IndexError, match="index out of range"):
        dots([[]], [[]], [Value(1.0)])


def test_lists_that_inputs_change_while_they_are_read_are_no_danger():
    biases, rows = [Value(1.0), Value(2.0)], [[Value(1.0)], [Value(2.0)]]

    def inputs():
        biases.clear()
        yield 1.0

    with pytest.raises(ValueError, match="shorter"):
        dots(rows, [inputs()], biases)


def test_a_computed_weight_beside_the_constant_0_gets_nothing_whatever_lies_behind_it():
    x, bias = Value(0.0), Value(1.0)
    [[out]] = dots([[x.sqrt(), Value(2.0)]], [[0.0, 3.0]], [bias])
    out.backward()
    assert (out.data, x.grad, bias.grad) == (7.0, 0.0, 1.0)  # 0 × ∞ would be nan


def test_an_infinite_adjoint_hands_nothing_to_the_weight_of_a_constant_0():
    w0, w1, bias = Value(5.0), Value(0.0), Value(0.0)
    [[out]] = dots([[w0, w1]], [[0.0, 3.0]], [bias])
    out.sqrt().backward()
    assert (w0.grad, w1.grad, bias.grad) == (0.0, math.inf, math.inf)

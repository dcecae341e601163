"""What belongs together in a big graph: neurons by their path, loose gates by line or as a body that repeats."""

import math
from collections import Counter

import pytest
from hypothesis import given, strategies as st

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.context import inside
from microgradnn.drawing import vector
from microgradnn.drawing.bodies import BANDS, MOST_ALONE, MOST_BODIES
from microgradnn.drawing.folding import Folding
from microgradnn.graph import topological_order
from tests.test_drawing import printed_elsewhere
from tests.test_summary import GRAPHS, POINTS, parameter, recurrent, zoo


def columns(root):
    """What a graph folds into: {(kind, name): (how many, how many values each, parameters of all)}."""
    return {
        (column.kind, column.name): (
            len(groups),
            {len(group.values) for group in groups},
            len({parameter for group in groups for parameter in group.parameters}),
        )
        for column, groups in Folding(root).columns().items()
    }


def boxes(root):
    """The boxes of gates: (heading, n, how many gates)."""
    groups = [group for group in Folding(root).groups if group.column.kind == "box" and group.gates]
    return [(group.column.name, group.repeats, len(group.gates)) for group in groups]


# ---- loose gates that repeat -----------------------------------------------------------------------------------


def loop(rounds=200):
    x = a = Value(1.5, "a")
    b = Value(-0.7, "b")
    for _ in range(rounds):
        x = (x * a + b).tanh() * b - x * a
    return x


def by_hand(steps=100):
    """A recurrent net of one unit."""
    w, u, b, h = Value(0.5, "w"), Value(0.3, "u"), Value(0.1, "b"), Value(0.0, "h0")
    for step in range(steps):
        h = mg.tanh(w * h + u * Value(step / 100, f"x{step}") + b)
    return h


def taylor():
    x, power, total = Value(1.3, "x"), 1.0, 1.0
    for n in range(1, 60):
        power = power * x / n
        total = total + power
    return total


def horner():
    x, total = Value(0.3, "x"), 0.0
    for k in range(80):
        total = total * x + (k + 1.5)
    return total


def newton():
    a, x = Value(2.0, "a"), Value(1.0, "x")
    for _ in range(40):
        x = x - (x * x - a) / (2 * x)
    return x


def pairwise():
    terms = [(Value(number / 10) - 0.3) ** 2 for number in range(500)]
    while len(terms) > 1:
        terms = [mg.sum(terms[n : n + 2]) if n + 1 < len(terms) else terms[n] for n in range(0, len(terms), 2)]
    return terms[0]


def attention():
    """A transformer in small: layers with loose gates between them."""
    query, key, value = (nn.Layer(4, 4, "linear", rng=seed) for seed in range(3))
    query._name, key._name, value._name = "query", "key", "value"
    xs = [[Value(math.sin(3 * t + d)) for d in range(4)] for t in range(6)]
    for _ in range(2):
        qs, ks, vs, after = query(xs), key(xs), value(xs), []
        for t, x in enumerate(xs):
            weights = mg.softmax([mg.dot(qs[t], ks[s]) / 2 for s in range(t + 1)])
            mixed = [mg.sum([w * v[d] for w, v in zip(weights, vs[: t + 1], strict=True)]) for d in range(4)]
            after.append([a + b for a, b in zip(x, mixed, strict=True)])
        xs = after
    return mg.sum([y**2 for x in xs for y in x])


LOOPS = {
    "loop": (loop, "tanh(h·a + b)·b − h·a", 200, 1200),
    "recurrent": (by_hand, "tanh((w·h + u·x) + b)", 100, 500),
    "Taylor": (taylor, "h + ((h·x) / c)", 59, 177),
    "Horner": (horner, "h·x + c", 80, 160),
    "Newton": (newton, "h − ((h·h − a) / (2·h))", 40, 200),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_one_body_with_the_number_of_its_rounds(name):
    """Its first round may take leaves or constants where the others take gates, and then records less."""
    make, heading, rounds, gates = LOOPS[name]
    assert boxes(make()) == [(heading, rounds, gates)]


def test_of_a_body_the_values_are_those_of_its_last_gate_in_every_round():
    states, h, w = [], Value(0.5, "h"), Value(0.7, "w")
    for _ in range(20):
        h = mg.tanh(w * h)
        states.append(h)
    [body] = [group for group in Folding(h).groups if group.gates]
    assert len(body.values) == len(states)
    assert all(map(lambda x, y: x is y, body.values, states))


@pytest.mark.parametrize(("make", "most"), [(pairwise, 4), (attention, 12), (lambda: GRAPHS["no modules"](), 2)])
def test_what_repeats_otherwise_becomes_a_handful_of_boxes(make, most):
    assert len(boxes(make())) <= most


@pytest.mark.parametrize("rounds", [3, 4, 5, 9, 10, 11, 50])
def test_short_loops_fold_as_long_ones_do(rounds):
    assert boxes(loop(rounds))[-1][1] in (rounds - 1, rounds)
    assert len(boxes(loop(rounds))) <= 6


def test_what_does_not_repeat_stays_gate_by_gate():
    x = Value(2.0, "x")
    assert boxes(mg.exp(x) * 2 + mg.log(x)) == [("exp", 1, 1), ("multiply", 1, 1), ("log", 1, 1), ("add", 1, 1)]


def test_what_is_recorded_inside_detect_anomaly_folds_by_function_and_line():
    with mg.detect_anomaly():
        f = by_hand(30)
    place = f"by_hand, line {by_hand.__code__.co_firstlineno + 4}: h = mg.tanh(w * h + u * Value(step / 1…"
    assert boxes(f) == [(place, 30, 150)]
    assert boxes(f * 2)[-1] == ("multiply", 1, 1), "one gate without a line, and the structure decides"


OPERATIONS = [lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: mg.tanh(a), lambda a, b: b * 0.5]


@st.composite
def tangles(draw):
    """Graphs without any order, of up to some hundred gates."""
    nodes = [Value(0.1 * number) for number in range(4)]
    for _ in range(draw(st.integers(1, 30))):
        seed = draw(st.integers(0, 10**6))
        for step in range(10):
            seed = seed * 1103515245 + 12345 + step
            take = [nodes[-1 - (seed >> shift) % min(len(nodes), 12)] for shift in (3, 9)]
            nodes.append(OPERATIONS[(seed >> 15) % len(OPERATIONS)](*take))
    return mg.sum(nodes[-12:])


# ---- laws ------------------------------------------------------------------------------------------------------


def check_laws(root):
    """Every gate is in one group, every edge between groups is counted, and nothing is lost."""
    folding = Folding(root)
    gates = [node for node in topological_order(root) if node.primitive is not None]
    folded = [gate for group in folding.groups for gate in group.gates]
    assert {*map(id, folded)} == {*map(id, gates)}
    assert len(folded) == len(gates)
    assert {group for ends in folding.links for group in ends} <= {*folding.groups}
    assert {group for _, group in folding.uses} <= {*folding.groups}
    assert len({*folding.groups}) == len(folding.groups)
    assert any(value is root for group in folding.groups for value in group.values), "the root"
    assert all(group.values for group in folding.groups)
    owner = {id(gate): group for group in folding.groups for gate in group.gates}
    pairs = {
        (owner[id(operand)], owner[id(gate)])
        for gate in gates for operand in gate.operands
        if isinstance(operand, Value) and operand.primitive is not None and owner[id(operand)] is not owner[id(gate)]
    }  # fmt: skip
    linked = {(start, end) for start, end in folding.links if start.gates and start is not end}
    assert linked == pairs
    for (start, end), link in folding.links.items():
        assert link.count >= max(1, len(link.weights))
        assert not link.weights or {*link.weights} <= {*end.parameters}
        weights = sorted((weight.data for weight in link.weights), key=abs)
        assert link.weight is None if not weights else abs(link.weight.data) == abs(weights[-1])
        assert start is not end or start.column.kind == "layer"
    for group in folding.groups:
        assert [id(x) for x in group.gates] == [id(x) for x in gates if owner[id(x)] is group], "operands first"
        assert (group.repeats == 1) or group.column.kind == "box"
    return folding


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", GRAPHS)
def test_laws_of_networks(name):
    check_laws(GRAPHS[name]())


@pytest.mark.parametrize("make", [*(make for make, *_ in LOOPS.values()), pairwise, attention])
def test_laws_of_loops(make):
    check_laws(make())


@given(tangles())
def test_laws_of_tangles_and_how_many_boxes_there_are_at_most(root):
    folding = check_laws(root)
    assert len(folding.groups) <= 1 + MOST_BODIES + max(MOST_ALONE, BANDS * (len(OPERATIONS) + 1))


@given(
    nin=st.integers(1, 4), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4), fused=st.booleans(),
    leaves=st.booleans(), examples=st.integers(1, 4), together=st.booleans(),
    activation=st.sampled_from(["tanh", "relu", "linear", "sigmoid"]),
)  # fmt: skip
def test_of_any_network_the_neurons_are_those_of_its_layers(nin, sizes, fused, leaves, examples, together, activation):
    """However it was recorded; each takes all that the layer before it gives, by its own weights."""
    model = nn.MLP(nin, sizes, activation, rng=0, fused=fused)
    batch = [[0.3 + number + n / 7 for n in range(nin)] for number in range(examples)]
    batch = [[Value(x) for x in point] for point in batch] if leaves else batch
    out = model(batch) if together else [model(point) for point in batch]
    folding = check_laws(mg.sum([mg.sum(y) if isinstance(y, list) else y for y in out]))
    layers = {column: groups for column, groups in folding.columns().items() if column.kind != "box"}
    names = [f"MLP.{place}" for place in model.places()]
    assert [column.name for column in layers] == [names[0], *names]
    before, *rest = layers.values()
    assert [group.index for group in before] == [*range(nin)]
    for x, group in enumerate(before):
        assert [getattr(value, "data", value) for value in group.values] == [getattr(p[x], "data", p[x]) for p in batch]
    for layer, groups in zip(model.layers, rest, strict=True):
        assert [group.index for group in groups] == [*range(layer.nout)]
        assert {len(group.values) for group in groups} == {examples}
        for group, row, bias in zip(groups, layer.weight, layer.bias, strict=True):
            assert {*group.parameters} == {*row, bias}
            assert {gate.path for gate in group.gates} == {f"{group.column.name}[{group.index}]"}
            for source, weight in zip(before, row, strict=True):
                link = folding.links[source, group]
                assert (link.count, [*link.weights]) == (1, [weight])
        before = groups


def order():
    """The groups and links of some graphs as text."""
    graphs = zoo(), recurrent(), loop(), attention()
    folded = [Folding(f) for f in graphs]
    return "".join(
        f"{[(g.column, g.index, len(g.gates)) for g in folding.groups]} {[x.count for x in folding.links.values()]}"
        for folding in folded
    )


@pytest.mark.slow
def test_the_same_order_in_every_process():
    assert printed_elsewhere("from tests.test_folding import order; print(order())") == order() + "\n"


# ---- modules ---------------------------------------------------------------------------------------------------


def test_modules_of_every_kind_have_their_neurons():
    """A module of the user's own without neurons is one group; what mixes the neurons of a layer is a box behind it."""
    found = columns(zoo())
    layers = {name: facts for (kind, name), facts in found.items() if kind == "layer"}
    assert {name.removeprefix("Sequential."): (count, params) for name, (count, _, params) in layers.items()} == {
        "0": (8, 24), "1": (8, 16), "2": (8, 0), "3": (8, 0), "4": (4, 108), "5": (4, 1), "6.block.0": (4, 20),
        "6.block.1": (4, 20), "6": (1, 0), "7": (3, 15),
    }  # fmt: skip
    assert {name for name, (_, values, _) in layers.items() if values == {10}} == {*layers} - {"Sequential.6"}
    assert found["layer", "Sequential.6"] == (1, {40}, 0)
    assert found["box", "Sequential.7"] == (1, {30}, 0), "softmax"
    assert columns(mg.sum(nn.Maxout(2, 3, 2, rng=0)([1.0, 2.0])))["layer", "Maxout"] == (3, {1}, 18)
    assert columns(nn.Neuron(2, "tanh", rng=0)([1.0, 2.0])[0])["layer", "Neuron"] == (1, {1}, 3)


def test_steps_of_a_recurrent_net_are_examples_of_its_neurons():
    found = columns(recurrent())
    assert found["layer", "low.0"] == (4, {6}, 28)
    assert found["layer", "high"] == (4, {6}, 20)
    layer, state = nn.Layer(3, 1, "tanh", rng=0), [0.0]
    for x in range(5):
        state = layer([x, 1.0, *state])
    assert columns(state[0])["layer", "Layer"] == (1, {5}, 4), "also where it feeds itself alone"


def test_neurons_stand_by_their_numbers_whichever_is_reached_first():
    outs = nn.Layer(2, 12, "tanh", rng=0)([1.0, 2.0])
    groups = Folding(mg.sum([outs[11], outs[2], outs[7]])).columns().values()
    assert [[group.index for group in column] for column in groups] == [[0, 1], [2, 7, 11], [None]]


def test_sums_of_different_lengths_repeat_too():
    sums = [mg.sum([mg.exp(Value(float(n)))] * n + [Value(1.0)]) for n in range(1, 9)]
    assert ("sum", 1, 1) not in boxes(mg.maximum(sums))


def test_a_layer_that_is_used_twice_is_drawn_once():
    layer = nn.Layer(2, 2, "tanh", rng=0)
    assert columns(mg.sum(layer(layer([1.0, 2.0]))))["layer", "Layer"] == (2, {2}, 6)


class Elementwise(nn.Module):
    """A module with parameters of its own, one of each for every number, and no layer inside."""

    def __init__(self, formula, size=4):
        self.formula = formula
        self.p = [Value(1.5 + place) for place in range(size)]

    def forward(self, x):
        return [self.formula(number, p) for number, p in zip(x, self.p, strict=True)]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "formula",
    [
        lambda x, p: p * x, lambda x, p: x * p, lambda x, p: (x - p) ** 2, lambda x, p: x / p, lambda x, p: p / x,
        lambda x, p: mg.tanh(x + p), lambda x, p: mg.maximum(x, p), lambda x, p: mg.atan2(p, x),
    ],
)  # fmt: skip
@pytest.mark.parametrize("leaves", [True, False])
@pytest.mark.parametrize("examples", [1, 10])
def test_parameters_are_told_from_inputs_wherever_they_stand(formula, leaves, examples):
    batch = [[number + place / 7 + 0.1 for place in range(4)] for number in range(examples)]
    batch = [[Value(x) for x in point] if leaves else point for point in batch]
    found = columns(nn.mse(Elementwise(formula)(batch), [[0.0] * 4] * examples))
    assert found["inputs", "Elementwise"] == (4, {examples}, 0)
    assert found["layer", "Elementwise"] == (1, {4 * examples}, 4)


def test_a_parameter_inside_another_gate_is_no_input():
    found = columns(mg.sum(Elementwise(lambda x, p: x * mg.exp(p))([Value(place / 7) for place in range(4)])))
    assert found["inputs", "Elementwise"] == (4, {1}, 0)
    assert found["layer", "Elementwise"] == (1, {4}, 4)


def test_a_parameter_that_no_module_uses_is_a_leaf_of_the_picture():
    model = nn.Layer(2, 1, "linear", rng=0)
    layers = {column for column, _ in columns(nn.mse(model(POINTS), [0.0] * 10) * Elementwise(None).p[0])}
    assert layers == {"layer", "inputs", "box"}


def test_a_penalty_uses_parameters_and_is_not_a_part_of_the_layers():
    model = nn.MLP(2, [3, 1], rng=0)
    folded = check_laws(nn.mse(model(POINTS), [0.0] * 10) + nn.l2(model, 0.1))
    uses = Counter()
    for (layer, box), count in folded.uses.items():
        uses[layer.name, box.column.name] += count
    assert uses == {("MLP.0", "dot"): 12, ("MLP.2", "dot"): 6}, "the weight is operand twice in w·w"


def test_the_weight_of_a_link_is_the_largest_by_size():
    """By size and not by sign, though several weights lead from one group to another."""
    for weights in ([-5.0, 3.0], [3.0, -5.0], [5.0, -3.0], [-3.0, 5.0], [-1.0, -2.0, 1.5]):
        with inside("net"):
            y = sum(parameter(w) * x for x in [Value(2.0)] for w in weights)
        [link] = Folding(y).links.values()
        assert (link.weight.data, link.count) == (max(weights, key=abs), len(weights))


def columns_of(root):
    return [(column.kind, column.name, len(groups)) for column, groups in Folding(root).columns().items()]


@pytest.mark.parametrize("fused", [True, False])
def test_two_networks_of_one_name_stay_two(fused):
    def network(seed):
        layers = nn.Layer(2, 3, "linear", rng=seed, fused=fused), nn.Activation("relu"), nn.BatchNorm(3), nn.Layer(3, 1)
        return nn.Sequential(*layers)

    examples = [[1.0, 2.0], [3.0, -1.0]]
    one, other = network(0), network(1)
    loss = sum((a - b) ** 2 for a, b in zip(one(examples), other(examples), strict=True))
    layers = [(kind, *rest) for kind, *rest in columns_of(loss) if kind == "layer"]
    assert layers == 2 * [("layer", f"Sequential.{place}", n) for place, n in enumerate([3, 3, 3, 1])]
    assert all(len(group.values) == 2 for group in Folding(loss).groups if group.column.kind == "layer")
    again = sum((a - b) ** 2 for a, b in zip(one(examples), one(examples), strict=True))
    assert sum(kind == "layer" for kind, *_ in columns_of(again)) == 4  # the same network twice is one


@pytest.mark.parametrize("fused", [True, False])
def test_layers_of_one_name_in_a_row_stay_two(fused):
    first, second = nn.Layer(2, 3, rng=0, fused=fused), nn.Layer(3, 3, rng=1, fused=fused)
    out = second(first([1.0, 2.0]))[0]
    assert [n for kind, _, n in columns_of(out) if kind == "layer"] == [3, 1]


def test_an_own_module_is_of_the_network_that_leads_to_it():
    def network(seed):
        return nn.Sequential(nn.Layer(2, 4, "linear", rng=seed), Elementwise(lambda x, p: x * p), nn.Layer(4, 1))

    one, other = network(0), network(1)
    for weight in other.parameters():
        weight.data = 0.0  # a source whose number is 0 is a source all the same
    layers = [rest for kind, *rest in columns_of(one([1.0, 2.0]) - other([1.0, 2.0])) if kind == "layer"]
    assert layers == 2 * [["Sequential.0", 4], ["Sequential.1", 1], ["Sequential.2", 1]]


def test_a_line_that_is_not_drawn_has_one_name_whatever_program_lays_out(monkeypatch):
    """Graphviz 2 writes stroke="transparent" where later ones write none; the page tells rows of a matrix by it."""
    render, pictures = vector.render, []
    model = nn.MLP(12, [12, 1], rng=0)
    for old, new in ((b"transparent", b"none"), (b"none", b"transparent")):
        names = [b'stroke="' + name + b'"' for name in (old, new)]
        monkeypatch.setattr(vector, "render", lambda *given, names=names: render(*given).replace(*names))
        pictures.append(mg.draw(model([0.1] * 12), level=1).svg())
    assert 'stroke="none"' in pictures[0]
    assert pictures[0] == pictures[1]

"""The tables of neurons and boxes of a folded graph, and the steps by layer: words and numbers, no browser."""

import math

import pytest

import microgradnn as mg
from microgradnn import Value, draw, nn
from microgradnn.drawing.folding import Folding
from microgradnn.drawing.opened import ROWS, tables
from microgradnn.drawing.passes import Passes
from microgradnn.drawing.summary import summary
from microgradnn.notation import digits
from tests.test_summary import GRAPHS, POINTS, Skip, network, recurrent


def opened(root, level=1, count=4):
    picture = summary(root, level, count=count)
    return tables(picture.folding, picture.parts, picture.f, count)


def passes(root, level=1):
    picture = summary(root, level)
    return Passes(picture.folding, picture.parts, root, picture.f, 4)


def one_example(sizes=(8, 8, 1), activation="relu"):
    """A network on named inputs, and its model."""
    model = nn.MLP(2, list(sizes), activation, rng=0)
    f = nn.mse([model([Value(0.5, "x"), Value(-1.0, "y")])], [0.25])
    f.backward()
    return f, model


def test_a_neuron_shows_what_it_takes_its_weights_and_their_gradients():
    f, model = one_example()
    [layer, *_] = model.layers
    table = opened(f)["n1-5"]
    w, b, [x, y] = layer.weight[5], layer.bias[5], [0.5, -1.0]
    assert [name for name, _ in table.head] == ["from", "x", "w", "w·x", "∂f/∂w", "∂f/∂x"]
    assert table.title == "MLP.0[5]"
    for row, name, given, weight in zip(table.rows, "xy", (x, y), w, strict=False):
        products = [given, weight.data, weight.data * given, weight.grad]
        assert row[:5] == [name, *map(digits, products)]
    assert table.rows[2] == ["b", "", digits(b.data), digits(b.data), digits(b.grad), ""]
    total = w[0].data * x + w[1].data * y + b.data
    assert table.notes[0].startswith(
        f"Σ w·x + b = {digits(total)}, relu({digits(total)}) = {digits(max(0, total))}; ∂f"
    )


def test_a_linear_neuron_is_its_sum_and_its_inputs_have_gradients():
    f, _ = one_example((4, 1))
    table = opened(f)["n2-0"]
    folding = Folding(f)
    hidden = [group for group in folding.groups if group.column.name == "MLP.0" and group.column.kind == "layer"]
    assert [row[0] for row in table.rows] == ["MLP.0[0]", "MLP.0[1]", "MLP.0[2]", "MLP.0[3]", "b"]
    assert [row[5] for row in table.rows[:-1]] == [digits(group.values[0].grad) for group in hidden]
    [prediction] = [group for group in folding.groups if group.column.name == "MLP.2"]
    assert table.notes == [
        f"Σ w·x + b = {digits(prediction.values[0].data)}; ∂f/∂output = {digits(prediction.values[0].grad)}"
    ]


def test_over_several_examples_values_are_means_and_gradients_rms():
    f = network()
    table = opened(f)["n2-3"]
    groups = [group for group in Folding(f).groups if group.column.name == "MLP.0" and group.column.kind == "layer"]
    for row, group in zip(table.rows, groups, strict=False):
        data, gradients = [x.data for x in group.values], [x.grad for x in group.values]
        assert row[1] == digits(math.fsum(data) / 10)
        assert row[5] == digits(math.hypot(*gradients) / math.sqrt(10))
    assert "Over 10 examples" in table.notes[-1]
    assert table.notes[0].startswith("mean Σ w·x + b = ")
    assert ", mean tanh = " in table.notes[0]


def test_of_many_inputs_the_largest_products_are_shown_and_the_rest_is_counted():
    f = network([[0.1 * number for number in range(64)]], (5, 3))
    table = opened(f)["n1-0"]
    products = [abs(float(row[3].replace("−", "-"))) for row in table.rows[:-1]]
    assert len(products) == ROWS
    assert products == sorted(products, reverse=True)
    assert f"The {ROWS} of 64 inputs with the largest |w·x|; {64 - ROWS} more add " in table.notes[1]
    net = float(table.notes[0].split(" = ")[1].split(",")[0].replace("−", "-"))
    others = float(table.notes[1].split(" add ")[1].split()[0].replace("−", "-"))
    shown = sum(float(row[3].replace("−", "-")) for row in table.rows)  # b too
    assert shown + others == pytest.approx(net, abs=1e-3)


def test_products_are_large_by_size_whatever_their_sign():
    layer = nn.Layer(ROWS + 4, 1, "linear", rng=0)
    for number, weight in enumerate(layer.weight[0]):
        weight.data = (-1.0) ** number * (number + 1)
    [row_of] = [table for name, table in opened(layer([1.0] * (ROWS + 4))[0]).items() if name.startswith("n1")]
    assert [row[3] for row in row_of.rows[:2]] == [digits(-20.0), "19"]
    assert len(row_of.rows) == ROWS + 1  # and b
    assert min(abs(float(row[3].replace("−", "-"))) for row in row_of.rows[:-1]) == 5


def test_a_layer_shows_its_neurons_and_a_box_its_gates_by_form():
    f, model = one_example()
    boxes = opened(f, 2)
    layer = boxes["b1"]
    assert layer.title == "MLP.0: 8 neurons, 24 parameters"
    for row, weights, bias in zip(layer.rows, model.layers[0].weight, model.layers[0].bias, strict=True):
        gradients = [x.grad for x in (*weights, bias)]
        assert row[3:] == ["3", digits(math.hypot(*gradients) / math.sqrt(3))]
    x, y = Value(0.5, "x"), Value(1.5, "y")
    for _ in range(60):
        x = mg.tanh(x * y) + 0.2
    x.backward()
    rows = [row for table in opened(x, None).values() for row in table.rows]
    forms = {row[0] for row in rows}
    assert {"u × y", "tanh(u)", "u + 0.2"} <= forms
    assert sum(int(row[1]) for row in rows if row[0] == "tanh(u)") == 60


def test_before_the_backward_pass_there_are_no_columns_of_gradients():
    model = nn.MLP(2, [9, 1], rng=0)
    f = nn.mse(model(POINTS), [0.5] * 10)
    assert [name for name, _ in opened(f)["n1-0"].head] == ["from", "x", "w", "w·x"]
    walked = passes(f)
    assert {step["kind"] for step in walked.steps} == {"forward"}


@pytest.mark.sampled(13)
@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("name", GRAPHS)
def test_every_table_has_a_cell_for_each_column_and_every_number_becomes_known(name, level):
    root = GRAPHS[name]()
    root.backward()
    for table in opened(root, level).values():
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.head)}
        assert not any(symbol in cell for row in table.rows for cell in row for symbol in "\t\n")
    walked = passes(root, level)
    count = len(walked.steps)
    assert all(value < count and gradient < count for value, gradient in walked.known.values()) or not count
    columns = {groups[0].column for groups in summary(root, level).parts.values()}
    told = [step for step in walked.steps if step["kind"] == "forward"]
    assert len(told) == len(columns) - sum(
        all(not isinstance(x, Value) or x.primitive is None for group in groups for x in group.values)
        for groups in Folding(root).columns().values()
    )


def test_the_passes_go_layer_by_layer_forward_and_back():
    f, _ = one_example()
    said = [step["sentence"] for step in passes(f).steps]
    assert said[0].startswith("MLP.0 takes 2 numbers from the inputs and gives 8: outputs 0 … ")
    assert said[1].startswith("MLP.2 takes 8 numbers from MLP.0 and gives 8: outputs 0 … ")
    seed = said.index(f"f = {digits(f.data)}; now backward, from ∂f/∂f = 1")
    assert [text.split(":")[0] for text in said[-3:]] == [f"backward through MLP.{place}" for place in (4, 2, 0)]
    groups = [group for group in Folding(f).groups if group.column.name == "MLP.0" and group.column.kind == "layer"]
    rms = digits(math.hypot(*(group.values[0].grad for group in groups)) / math.sqrt(8))
    assert said[-2].endswith(f"; hands on gradients of rms {rms} to MLP.0")
    assert 2 < seed < len(said) - 3


def test_parameters_without_a_gradient_do_not_count_as_zeros():
    f, model = one_example()
    model.layers[0].weight[0][0]._grad = None  # as on a leaf that no sweep has reached
    said = [step["sentence"] for step in passes(f).steps]
    slopes = [parameter.grad for parameter in model.layers[0].parameters() if parameter.swept]
    assert len(slopes) == len(model.layers[0].parameters()) - 1
    assert f"∂f/∂w has rms {digits(math.hypot(*slopes) / math.sqrt(len(slopes)))}; " in said[-1]


def test_gradients_are_complete_once_all_have_been_passed_that_take_a_number():
    f = nn.mse(Skip()(POINTS), [0.5] * 10)
    f.backward()
    walked = passes(f)
    said = [step["sentence"] for step in walked.steps]
    third, second = (
        next(i for i, text in enumerate(said) if f"through Skip.{name}" in text) for name in ("third", "second")
    )
    assert "a part of the gradients to Skip.first" in said[third]
    assert "to Skip.first" in said[second]
    assert "a part" not in said[second]
    assert walked.known["n1-0"][1] == second
    assert walked.known["n2-0"][1] == third


def test_a_loop_of_layers_is_passed_once():
    f = recurrent()
    f.backward()
    kinds = [step["sentence"].split()[0] for step in passes(f).steps]
    assert kinds.count("low.0") == 1
    assert kinds.count("high") == 1


@pytest.mark.slow
def test_the_page_of_digits_is_small(tmp_path):
    for level in (None, 1):
        draw(network([[0.01 * number for number in range(64)]], (32, 10)), level=level).save(tmp_path / "f.html")
        assert (tmp_path / "f.html").stat().st_size <= 250_000

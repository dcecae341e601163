"""Big graphs fold into neurons and layers: what belongs together is found, said, and drawn without overlap."""

import json
import math
import re
import xml.etree.ElementTree as ET

import pytest

import microgradnn as mg
from microgradnn import Value, draw, nn
from microgradnn.context import inside
from microgradnn.drawing import figures, folding, layout
from microgradnn.drawing.matrices import BAR, PITCH
from microgradnn.vectors import dots
from tests.test_drawing import printed_elsewhere

SVG = "{http://www.w3.org/2000/svg}"
POINTS = [[number / 10 - 0.5, (number * number % 7) / 7] for number in range(10)]


def network(batch=POINTS, sizes=(16, 16, 1), **choices):
    """The loss of a small network on a batch, swept."""
    model = nn.MLP(len(batch[0]), list(sizes), "tanh", rng=0, **choices)
    loss = nn.mse(model(batch), [[0.5] * sizes[-1] for _ in batch])
    loss.backward()
    return loss


def recurrent():
    """Two layers, one inside another module, that take turns for six steps."""
    low, high, state = nn.Sequential(nn.Layer(6, 4, "tanh", rng=0)), nn.Layer(4, 4, "tanh", rng=0), [0.0] * 4
    low._name, high._name = "low", "high"
    for point in POINTS[:6]:
        state = high(low([*point, *state]))
    return nn.mse(state, [1.0] * 4)


def self_penalising():
    """A gate of no module that takes an output of a layer and a weight of it."""
    w = parameter(2.0)
    with inside("net"):
        [[y]] = dots([[w]], [[3.0]], [parameter(1.0)])
    return y * w


class Skip(nn.Module):
    """A layer that takes what the one before it took as well."""

    def __init__(self):
        self.first, self.second = nn.Layer(2, 5, "tanh", rng=0), nn.Layer(5, 5, "tanh", rng=1)
        self.third = nn.Layer(10, 1, rng=2)

    def forward(self, x):
        hidden = self.first(x)
        return self.third([*hidden, *self.second(hidden)])


class Residual(nn.Module):
    def __init__(self, size):
        self.block = nn.Sequential(nn.Layer(size, size, "relu", rng=1), nn.Layer(size, size, "linear", rng=2))

    def forward(self, x):
        return [a + b for a, b in zip(x, self.block(x), strict=True)]


def zoo():
    """Every kind of module in a row."""
    model = nn.Sequential(
        nn.Layer(2, 8, "linear", rng=0), nn.BatchNorm(8), nn.Activation("relu"), nn.Dropout(0.5, rng=0),
        nn.Maxout(8, 4, 3, rng=0), nn.PReLU(), Residual(4), nn.Layer(4, 3, "softmax", rng=0),
    )  # fmt: skip
    return nn.cross_entropy(model(POINTS), [0] * 10) + nn.l2(model, 0.1)


def interleaved():
    """Gates of one path before and behind those of another, and a module that is applied to what it gave."""
    x = Value(2.0, "x")
    with inside("a"):
        y = mg.tanh(x * 3)
    with inside("b"):
        z = mg.exp(y)
    with inside("a"):
        return mg.tanh(z * y)


def there_and_back():
    """A module that is applied to what another path made of a neuron behind it: the root is of its first neuron."""
    w, v, x = parameter(2.0), parameter(3.0), Value(0.5)
    with inside("net"):
        y = v * (w * x)
    z = mg.exp(y)
    with inside("net"):
        return w * z


GRAPHS = {
    "network": network,
    "one example": lambda: network([[Value(1.0, "x"), Value(-2.0, "y")]]),
    "unfused": lambda: network(POINTS[:3], fused=False),
    "recurrent": recurrent,
    "skip": lambda: nn.mse(Skip()(POINTS), [0.5] * 10),
    "zoo": zoo,
    "interleaved": interleaved,
    "there and back": there_and_back,
    "self-penalising": self_penalising,
    "leaf": lambda: Value(1.0, "x"),
    "no modules": lambda: mg.exp(Value(1.0)) * 2,
    "wide": lambda: network([[0.1 * number for number in range(108)]], (70, 3)),
    "deep": lambda: network(sizes=[3] * 12),
}


def parameter(data, name=None):
    """A leaf marked as a module marks what is assigned to it."""
    leaf = Value(data, name)
    leaf._path = ""
    return leaf


def texts(drawing):
    return [(text.text or "").replace("\xa0", " ").strip() for text in ET.fromstring(drawing.svg()).iter(f"{SVG}text")]


def test_edges_carry_the_weights():
    rows = [[parameter(2.0), parameter(-3.0)]]
    with inside("net"):
        [[y]] = dots(rows, [[Value(-1.0), Value(-2.0)]], [parameter(-3.0)])
    links = folding.Folding(y).links.values()
    assert [list(link.weights) for link in links] == [[rows[0][0]], [rows[0][1]]]
    digraph = draw(y, level=1).digraph.source
    assert "style=solid" in digraph
    assert "style=dashed" in digraph


@pytest.mark.sampled(3)
@pytest.mark.parametrize("weights", [(-5.0, 3.0), (3.0, -5.0), (5.0, -3.0), (-3.0, 5.0)])
@pytest.mark.parametrize("inner", [lambda product: product, lambda product: mg.tanh(product) * parameter(0.1)])
def test_of_several_weights_on_one_edge_the_largest_by_size_is_drawn(weights, inner):
    """Within one neuron, and where a neuron that leads to one other alone is joined to that."""
    first, second = map(parameter, weights)
    with inside("net"):
        y = inner(first * (x := Value(2.0))) + second * x
    largest = max(weights, key=abs)
    assert [(link.weight.data, link.count) for link in folding.Folding(y).links.values()] == [(largest, 2)]
    drawing = draw(y, level=1)
    assert drawing._picture.tooltips["n0-0-n1-0"] == f"w = {largest!r}, the largest of 2"
    assert lines_of_weights(drawing)["n0-0", "n1-0"][2:] == (("negative", True) if largest < 0 else ("positive", False))


def test_an_input_that_comes_in_later_is_drawn_beside_the_layer_that_takes_it():
    """So that its edges are straight: they cross no other."""
    with inside("first"):
        h = parameter(2.0) * Value(1.0)
    with inside("second"):
        y = parameter(3.0) * h + parameter(4.0) * Value(2.0)
    assert "splines=line" in draw(y, level=1).digraph.source
    assert "splines=true" in draw(GRAPHS["skip"](), level=1).digraph.source


# ---- what is said ----------------------------------------------------------------------------------------------


def test_neurons_with_value_and_gradient_and_how_to_unfold():
    x, y = Value(-1.0, "x"), Value(-2.0, "y")
    with inside("net"), inside("0"):
        [[out]] = dots([[parameter(2.0), parameter(-3.0)]], [[x, y]], [parameter(-3.0)])
        out = mg.sigmoid(out)
    shown = texts(draw(out, level=1))
    assert "9 nodes" not in " ".join(shown)
    assert any("7 nodes folded into 2 inputs and 1 neuron" in text and "level=0" in text for text in shown)
    assert {"net.0", "2→1", "3 params", "x", "−1", "0.7311"} <= {text.split(" =")[0] for text in shown}
    assert "0.3932" not in shown, "blank before backward"
    out.backward()
    assert {"0.3932", "−0.5898", "1"} <= set(texts(draw(out, level=1)))


def test_layers_with_outputs_and_gradients():
    shown = texts(draw(network(), level=2))
    assert {"MLP.0", "MLP.2", "MLP.4", "2→16 · 48 params", "16→16 · 272 params", "2 inputs"} <= set(shown)
    assert re.search("folded into 2 inputs, 3 layers, 1 box and 2 gates.*level=1", " ".join(shown))
    assert sum(text.startswith("∣∂f/∂w∣ rms ") for text in shown) == 3
    unswept = nn.MLP(2, [16, 16, 1], rng=0)(POINTS[0])
    assert texts(draw(unswept, level=2)).count("∣∂f/∂w∣") == 3


def test_layers_count_what_reaches_them_through_weights_or_where_they_have_none_whatever_does():
    with inside("first"):
        z = mg.tanh(parameter(2.0) * Value(1.0) + parameter(2.0) * Value(1.0))
    with inside("weighted"):
        y = parameter(3.0) * Value(1.0) + z
    with inside("plain"):
        x = mg.tanh(y + z)
    shown = texts(draw(x, level=2))
    assert {"weighted", "1→1 · 1 param", "plain", "2→1", "first", "2→1 · 2 params"} <= set(shown)


def test_edges_of_layers_and_boxes_are_counted_and_grow_with_their_number():
    shown = {}
    for count in (5, 100):
        source = draw(mg.sum([mg.exp(Value(1.0 + place)) for place in range(count)]), level=2).digraph.source
        label, width = re.search(r'b1 -> "b2-gate" \[label=" (\d+) ".*penwidth=([\d.]+)', source).groups()
        assert int(label) == count
        shown[count] = float(width)
    assert shown == {5: 1.35, 100: 2.0}


def test_weights_that_lead_back_are_counted():
    """Of the 24 weights of `low` 16 take what `high` gave in the step before; two may take the same number."""
    assert "↺ 16 weights" in texts(draw(recurrent(), level=1))
    w, v, y = parameter(2.0), parameter(3.0), Value(0.5)
    for _ in range(3):
        with inside("low"):
            y = mg.tanh(w * y) + v * y
        with inside("high"):
            y = mg.tanh(y)
    assert "↺ 2 weights" in texts(draw(y, level=1))


def test_of_a_long_name_the_beginning_and_the_end_are_shown():
    with inside("beginning" + "x" * 100 + "end"):
        y = parameter(1.0) * Value(2.0)
    for level in (1, 2):
        assert any(re.fullmatch("beginning.*….*xend", text) and len(text) <= 40 for text in texts(draw(y, level=level)))


def test_numbers_of_a_batch_are_means_and_root_mean_squares():
    x, w = [Value(1.0), Value(3.0)], parameter(2.0)
    with inside("net"):
        outs = dots([[w]], [[one] for one in x], [parameter(0.0)])
    loss = outs[0][0] * 3 + outs[1][0] * 4
    loss.backward()
    drawing = draw(loss, level=1)
    assert {"4", "3.536"} <= set(texts(drawing))  # (2 + 6) / 2 and √((3² + 4²) / 2)
    told = f"net, neuron 0: mean value 4.0, rms ∂f by it {5 / math.sqrt(2)!r}, over 2 examples"
    assert told in drawing._picture.tooltips.values()
    assert "over 2 examples: mean of the values, rms of the gradients" in drawing._picture.description


def test_which_level_is_drawn_by_itself():
    assert "neurons" in draw(network())._picture.description
    assert "neurons" in draw(network(sizes=(40, 40)))._picture.description, "two matrices are readable"
    assert "neurons" not in draw(network(sizes=(200, 1)))._picture.description, "a matrix that nobody can read"
    assert "neurons" not in draw(network(sizes=[3] * 20))._picture.description, "too many columns"
    assert not draw(network([[1.0, 2.0]], (2, 1))).folded


@pytest.mark.slow
def test_what_is_too_wide_or_too_much_is_said():
    shown = texts(draw(network([[0.1] * 130], (150, 3)), level=1))
    assert {"the first 128 of 150 rows", "the first 128 of 130 columns", "the first 128 of 130 rows"} <= set(shown)
    assert "too many neurons" in draw(network([[0.1, 0.2]], [8] * 63), level=1)._picture.description


def test_without_modules_both_levels_are_the_same():
    f = mg.exp(Value(1.0)) * 2
    assert draw(f, level=1).svg() == draw(f, level=2).svg()
    assert "3 nodes folded into 1 box and 2 gates; draw(root, level=0)" in draw(f, level=2)._picture.description


@pytest.mark.parametrize("level", [3, -1, 1.5, "1", "layers", [1]])
def test_other_levels_are_refused(level):
    with pytest.raises(ValueError, match=r"level is 0 .*1 .*2 .*None"):
        draw(network(), level=level)


def lines_of_weights(drawing):
    """How the edges between neurons are drawn: {(start, end): (width, opacity, class, dashed)}."""
    found = {}
    for group in ET.fromstring(drawing.svg()).iter(f"{SVG}g"):
        path = group.find(f"{SVG}path")
        if group.get("class") == "edge" and path is not None and path.get("class"):
            numbers = [float(path.get(name, "1")) for name in ("stroke-width", "stroke-opacity")]
            start, end = re.fullmatch(r"circuit-\w+?-(n\d+-\d+)-(n\d+-\d+)", group.get("id")).groups()
            found[start, end] = (*numbers, path.get("class"), path.get("stroke-dasharray") is not None)
    return found


def test_the_width_of_an_edge_is_the_size_of_its_weight_and_the_opacity_that_of_its_gradient():
    """Beside the largest of the same layer: width by ∣w∣, opacity by √∣∂f/∂w∣; colour and dashes by the sign."""
    w, x = [0.5, -2.0, 1.0, -0.25], [4.0, 1.0, -16.0, 0.0]  # the slope of w·x by each w is x
    with inside("net"):
        [[y]] = dots([[parameter(one) for one in w]], [[Value(one) for one in x]], [parameter(0.0)])
    y.backward()
    lines = lines_of_weights(draw(y, level=1))
    for place, (weight, slope) in enumerate(zip(w, x, strict=True)):
        width, opacity, sign, dashed = lines[f"n0-{place}", "n1-0"]
        assert width == pytest.approx(0.6 + 2.2 * abs(weight) / 2.0, abs=0.01)
        assert opacity == pytest.approx(0.7 + 0.3 * abs(slope / 16.0) ** 0.5, abs=0.01)
        assert (sign, dashed) == (("negative", True) if weight < 0 else ("positive", False))


# ---- weight matrices -------------------------------------------------------------------------------------------


def rectangles(drawing, kind):
    """The rectangles painted in a picture with the class `kind`: left, top, width and height, in their order."""
    outlines = []
    for path in ET.fromstring(drawing.svg()).iter(f"{SVG}path"):
        x = y = 0.0
        for outline in re.findall(r"m(\S+) (\S+?)h(\S+?)v(\S+?)h\S+?z", path.get("d") * (path.get("class") == kind)):
            dx, dy, width, up = map(float, outline)
            x, y = x + dx, y + dy
            outlines.append((x, y + up, width, -up))
    return outlines


def frames(drawing, rows, columns):
    """The frames of the matrices of that size, the upper before the lower."""
    found = [
        frame for frame in rectangles(drawing, "hollow") if frame[2:] == pytest.approx((columns * PITCH, rows * PITCH))
    ]
    return sorted(found, key=lambda frame: frame[1])


def cells(drawing, frame, above, below):
    """The squares in a frame by row and column: (side, whether filled); the line around a hollow one is part of it."""
    left, top, width, height = frame
    columns, rows = round(width / PITCH), round(height / PITCH)
    found = {}
    for kind, filled in ((above, True), (below, False)):
        for x, y, side, tall in rectangles(drawing, kind):
            row, column = (y + tall / 2 - top) / PITCH - 0.5, (x + side / 2 - left) / PITCH - 0.5
            if -0.4 < row < rows - 0.6 and -0.4 < column < columns - 0.6:
                assert (row, column, tall) == pytest.approx((round(row), round(column), side), abs=0.02)
                found[round(row), round(column)] = side if filled else side + layout.STROKE, filled
    return found


def one_layer():
    """A layer with random numbers, behind another, and its outputs."""
    layer = nn.Layer(11, 9, "relu", rng=3)
    return layer, nn.Sequential(nn.Layer(2, 11, "tanh", rng=4), layer)([0.5, -0.7])


def test_a_square_has_the_place_the_area_and_the_fill_of_its_weight_or_gradient():
    layer, y = one_layer()
    f = mg.sum([mg.exp(out * (-1) ** number) for number, out in enumerate(y)])
    f.backward()
    drawing = draw(f, level=1)
    upper, lower = frames(drawing, 9, 11)
    weights, slopes = ([[getattr(w, name) for w in row] for row in layer.weight] for name in ("data", "grad"))
    for frame, numbers, above, below in (
        (upper, weights, "filled positive", "hollow negative"),
        (lower, slopes, "filled gradient", "hollow gradient"),
    ):
        squares, largest = cells(drawing, frame, above, below), max(abs(x) for row in numbers for x in row)
        assert set(squares) == {(i, j) for i, row in enumerate(numbers) for j, x in enumerate(row) if x}
        assert {filled for _, filled in squares.values()} == {True, False}
        for (i, j), (side, filled) in squares.items():
            assert filled == (numbers[i][j] > 0)
            if side > 3:  # the line is too thick for the smallest
                assert side**2 / (PITCH - 1.5) ** 2 == pytest.approx(abs(numbers[i][j]) / largest, abs=0.02)


def test_dead_units_are_empty_rows():
    _, y = one_layer()
    f = mg.sum(y) * 1.0
    f.backward()
    dead = {number for number, out in enumerate(y) if out.data == 0}
    assert 0 < len(dead) < len(y)
    drawing = draw(f, level=1)
    _, lower = frames(drawing, 9, 11)
    assert {row for row, _ in cells(drawing, lower, "filled gradient", "hollow gradient")} == set(range(9)) - dead


@pytest.mark.slow
@pytest.mark.parametrize("examples", [1, 2])
def test_bars_are_as_long_as_outputs_and_gradients_and_lie_beside_their_rows(examples):
    layer = nn.Layer(2, 9, "tanh", rng=1)
    batch = [[1.0, -2.0], [0.5, 3.0]][:examples]
    f = mg.sum([mg.sum([out**2 for out in layer(x)]) for x in batch])
    f.backward()
    drawing = draw(f, level=1)
    folded = [g for g in drawing._picture.folding.groups if g.column.kind == "layer"]
    tops = [top for _, top, _, _ in frames(drawing, 9, 2)]
    for kind, top, number in (("value", tops[0], figures.value), ("gradient", tops[1], figures.gradient)):
        axis = next(left for left, _, width, height in rectangles(drawing, "filled") if width < 1 < height) + 0.4
        lengths = {}
        for left, y, width, height in rectangles(drawing, f"filled {kind}"):
            if height == pytest.approx(0.7 * PITCH, abs=0.02):
                lengths[round((y + height / 2 - top) / PITCH - 0.5)] = width if left > axis - 0.1 else -width
        numbers = [number(group) for group in folded]
        largest = max(map(abs, numbers))
        assert [lengths[row] / (BAR / 2) for row in range(9)] == pytest.approx([x / largest for x in numbers], abs=0.01)


def test_every_row_of_a_matrix_is_an_element_with_its_numbers_and_stands_over_its_squares():
    drawing = draw(network(), level=1)
    found = {}
    for group in ET.fromstring(drawing.svg()).iter(f"{SVG}g"):
        name = re.fullmatch(r"circuit-\w+?-(n1-\d+)", group.get("id", ""))
        if name:
            assert group.get("class") == "node neuron"
            assert group.find(f"{SVG}title").text == drawing._picture.tooltips[name[1]]
            found[name[1]] = [
                min(float(corner.split(",")[1]) for corner in polygon.get("points").split())
                for polygon in group.iter(f"{SVG}polygon")
            ]
    tops = [top for _, top, _, _ in frames(drawing, 16, 2)]
    for row in range(16):
        assert found[f"n1-{row}"] == pytest.approx([top + row * PITCH for top in tops], abs=0.02)
        assert drawing._picture.parts[f"n1-{row}"][0].column.name == "MLP.0"


def test_headings_of_a_matrix():
    model = nn.MLP(2, [16, 1], rng=0)
    f = model([0.5, -1.0])
    f.backward()
    shown, weights = texts(draw(f, level=1)), [w for row in model.layers[0].weight for w in row]
    largest, steepest = max(abs(w.data) for w in weights), max(abs(w.grad) for w in weights)
    assert {"MLP.0", "2→16 · 48 params", f"w up to {largest:.4g}", f"∂f/∂w up to {steepest:.4g}"} <= set(shown)


def test_a_narrow_layer_that_takes_many_has_a_matrix_and_neurons_beside_its_rows():
    drawing = draw(network([[0.1 * number for number in range(12)]], (4, 1)), level=1)
    nodes, edges = laid_out(drawing)
    ends = {(nodes[edge["tail"]]["name"], nodes[edge["head"]]["name"]) for edge in edges}
    assert {("m0", "m1"), *((("m1", f"n1-{row}")) for row in range(4)), ("n1-0", "n2-0")} <= ends


@pytest.mark.slow
def test_a_matrix_is_painted_alike_in_svg_dot_png_and_pdf(tmp_path):
    drawing = draw(network(), level=1)
    for ending in ("dot", "png", "pdf"):
        drawing.save(tmp_path / f"f.{ending}")
    dot = (tmp_path / "f.dot").read_text(encoding="utf-8")
    assert "layout=nop2" in dot
    laid = ET.fromstring(layout._render(dot, "svg"))
    polygons = laid.find(f"{SVG}g").findall(f"{SVG}polygon")
    painted = [
        path.get("d") for path in ET.fromstring(drawing.svg()).iterfind(f".//{SVG}g[@class='node matrix']/{SVG}path")
    ]
    assert len(polygons) == "".join(painted).count("m") > 600
    assert (tmp_path / "f.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_matrices_of_digits_are_one_path_for_each_sign():
    model = nn.MLP(64, [32, 10], rng=0)
    f = nn.cross_entropy(model([[number % 7 / 7 for number in range(64)]]), [3])
    f.backward()
    svg = draw(f, level=1).svg()
    assert len(svg) < 300_000
    assert svg.count("<path") < 60


# ---- gates of no module ----------------------------------------------------------------------------------------


def test_a_gate_or_leaf_alone_looks_like_one_in_a_circuit():
    x = Value(2.0, "x")
    f = (x * -3.0).exp()
    f.backward()
    shown = texts(draw(f, level=2))
    assert {"×−3", "x", "2", "−6"} <= set(shown)
    assert not any("× 1" in text or "rms" in text for text in shown)
    alone = draw(f, level=2).digraph.source
    assert alone.count("class=gate") == 2
    assert alone.count("class=wire") == 3


def test_level_2_with_a_penalty_runs_from_left_to_right():
    """The hinge loss and the squares of all parameters; dotted edges have no say in where something stands."""
    model = nn.MLP(2, [16, 16, 1], rng=0)
    f = mg.relu(1 - model([0.5, -1.0]) * -1) + nn.l2(model, 0.01)
    f.backward()
    nodes, edges = laid_out(draw(f, level=2))
    middle = {number: float(node["pos"].split(",")[0]) for number, node in nodes.items()}
    solid = [edge for edge in edges if edge.get("style") != "dotted"]
    assert len(edges) - len(solid) == 3
    assert len(solid) > 10
    assert all(middle[edge["tail"]] < middle[edge["head"]] for edge in solid)


# ---- the picture -----------------------------------------------------------------------------------------------


def laid_out(drawing):
    """What Graphviz makes of a drawing: the nodes by number, and its edges, each with a position."""
    laid = json.loads(layout.render(drawing.digraph.source, "json"))
    rows = re.findall(r'^\t"(n\d+-\d+)" .* within=', drawing.digraph.source, re.MULTILINE)  # over a matrix
    nodes = {node["_gvid"]: node for node in laid["objects"] if "pos" in node and node["name"] not in rows}
    return nodes, [edge for edge in laid.get("edges", ()) if edge.get("style") != "invis"]


def boxes(nodes):
    """The rectangles of the nodes: (name, left, bottom, right, top)."""
    for node in nodes.values():
        x, y = map(float, node["pos"].split(","))
        width, height = 36 * float(node["width"]), 36 * float(node["height"])
        yield node["name"], x - width, y - height, x + width, y + height


def on_the_way(edge):
    """Points on the Bézier curves of an edge."""
    corners = [tuple(map(float, corner.split(",")[-2:])) for corner in edge["pos"].split() if corner[0] not in "se"]
    for place in range(0, len(corners) - 3, 3):
        for t in (number / 10 for number in range(11)):
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            xs, ys = zip(*corners[place : place + 4], strict=True)
            yield sum(map(float.__mul__, weights, xs)), sum(map(float.__mul__, weights, ys))


def crossing(nodes, edges):
    """The edges that run through a node which is not one of their ends, with that node."""
    rectangles = list(boxes(nodes))
    return [
        (edge["pos"], name)
        for edge in edges
        for x, y in on_the_way(edge)
        for name, left, bottom, right, top in rectangles
        if left + 1 < x < right - 1 and bottom + 1 < y < top - 1
        and name not in (nodes[edge["tail"]]["name"], nodes[edge["head"]]["name"])
    ]  # fmt: skip


def overlapping(rectangles):
    """The pairs of rectangles that share more than an edge."""
    rectangles = list(rectangles)
    return [
        (one[0], other[0])
        for place, one in enumerate(rectangles)
        for other in rectangles[:place]
        if min(one[3], other[3]) - max(one[1], other[1]) > 0.5 and min(one[4], other[4]) - max(one[2], other[2]) > 0.5
    ]


def test_an_edge_through_a_node_would_be_found():
    nodes = {n: {"name": name, "pos": f"{100 * n},0", "width": "1", "height": "1"} for n, name in enumerate("abc")}
    straight, around = ({"pos": f"0,0 60,{y} 140,{y} 200,0", "tail": 0, "head": 2} for y in (0, 90))
    assert {name for _, name in crossing(nodes, [straight, around])} == {"b"}
    assert crossing(nodes, [around]) == []


def test_an_overlap_would_be_found():
    assert overlapping([("a", 0, 0, 2, 2), ("b", 1, 1, 3, 3), ("c", 3, 3, 4, 4)]) == [("b", "a")]


@pytest.mark.sampled(13)
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("level", [1, 2])
def test_any_graph_is_drawn_without_overlaps(name, level):
    drawing = draw(GRAPHS[name](), level=level)
    root = ET.fromstring(drawing.svg())
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    nodes, edges = laid_out(drawing)
    assert overlapping(boxes(nodes)) == []
    assert crossing(nodes, edges) == []
    if level == 1:
        middle = {number: float(node["pos"].split(",")[0]) for number, node in nodes.items()}
        assert all(middle[edge["tail"]] < middle[edge["head"]] for edge in edges), "what leads back is not drawn"


def test_neurons_stand_in_their_order_below_the_name_of_their_layer():
    heights = {name: bottom for name, _, bottom, _, _ in boxes(laid_out(draw(network(sizes=(8, 8, 1)), level=1))[0])}
    for column in {name.split("-")[0] for name in heights if name[0] == "n"}:
        inner = [
            heights[f"h{column[1:]}"],
            *(height for name, height in heights.items() if name.startswith(f"{column}-")),
        ]
        assert inner == sorted(inner, reverse=True)


def test_neurons_are_numbered_in_their_order():
    told = draw(network(), level=1)._picture.tooltips
    assert all(told[f"n1-{place}"].startswith(f"MLP.0, neuron {place}: mean value ") for place in range(16))


def test_colours_of_weights_follow_the_theme_and_line_styles_carry_the_sign():
    svg = draw(network(sizes=(8, 8)), level=1).svg()
    paths = [path for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("class")]
    assert {path.get("class") for path in paths} == {"positive", "negative"}
    assert all((path.get("class") == "negative") == bool(path.get("stroke-dasharray")) for path in paths)
    assert {path.get("stroke") for path in paths} == {None}
    assert "path.negative" in svg
    light, dark = svg.split("@media (prefers-color-scheme: dark)")
    for style, positive, negative in ((light, "#0b6fb8", "#b84a00"), (dark, "#58b4f5", "#ffa24c")):
        rules = re.findall(r"path\.(positive|negative) \{ fill: none; stroke: (#\w+) \}", style)
        assert rules == [("positive", positive), ("negative", negative)]
    words = {text.text.strip("\xa0"): text.get("class") for text in ET.fromstring(svg).iter(f"{SVG}text") if text.text}
    assert (words["blue"], words["orange"]) == ("positive", "negative")


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", ["<b>", 'say "a" & b', "a\\nb", "\x00", "\ud800", "x" * 300, "θ.₁", "-->", "%"])
@pytest.mark.parametrize("level", [1, 2])
def test_any_name_of_a_module_can_be_drawn(name, level):
    with inside(name):
        [[y]] = dots([[parameter(1.0, name)]], [[Value(2.0, name)]], [parameter(0.0)])
    y.name = name
    y.backward()
    ET.fromstring(draw(y, level=level).svg())


@pytest.mark.sampled(5)
@pytest.mark.parametrize("number", [0.0, 1e308, -1e308, 1e-320, float("inf"), float("nan")])
@pytest.mark.parametrize("level", [1, 2])
def test_any_number_in_a_network_can_be_drawn(number, level):
    with inside("net"):
        [[y], [z]] = dots([[parameter(number), parameter(2.0)]], [[Value(number), 1.0], [1.0, 1.0]], [parameter(0.0)])
    f = y + z
    f.backward()
    ET.fromstring(draw(f, level=level).svg())


def sources():
    """What Graphviz is given for some graphs, at both levels."""
    graphs = zoo(), recurrent(), network(POINTS[:2], fused=False)
    return "".join(draw(f, level=level).digraph.source for f in graphs for level in (1, 2))


@pytest.mark.slow
def test_the_same_picture_in_every_process():
    assert printed_elsewhere("from tests.test_summary import sources; print(sources())") == sources() + "\n"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("path", ["", None])
def test_with_and_without_a_dot_program(path, monkeypatch):
    if path is not None:
        monkeypatch.setenv("PATH", path)
    for level in (1, 2):
        assert draw(network(), level=level).svg().startswith("<svg")


def test_jupyter_shows_the_folded_network():
    bundle = network()._repr_mimebundle_()
    assert "folded into 2 inputs, 33 neurons" in bundle["image/svg+xml"]


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("fused", [True, False])
def test_a_network_of_a_million_gates_is_drawn(fused):
    model = nn.MLP(2, [16, 16, 1], "tanh", rng=0, fused=fused)
    out = model([[number / 20000, 1.0] for number in range(15000 if fused else 1700)])
    assert "folded into 2 inputs, 33 neurons" in draw(nn.mse(out, [0.0] * len(out))).svg()

"""Of every derivative the paths are counted, the largest are shown, and together they are what backprop finds."""

import math

import pytest
from hypothesis import given, settings

import microgradnn as m
from microgradnn import Value, nn
from microgradnn.checks.explain import explain
from microgradnn.checks.strategies import expressions, points
from microgradnn.primitive import ForwardError
from microgradnn.sweep import sweep


def diamond():
    x = Value(3.0, "x")
    u, v = (x + 1).named("u"), (2 * x).named("v")
    return u * v, x


def test_the_sum_over_paths_reads_like_the_chain_rule():
    f, x = diamond()
    assert str(explain(f, x)) == (
        "∂f/∂x = 14, 2 paths from f to x:\n  ∂f/∂u · ∂u/∂x = 6 × 1 = 6\n  ∂f/∂v · ∂v/∂x = 4 × 2 = 8\n  added up: 14"
    )
    assert repr(explain(f, "x")) == str(explain(f, x))
    assert str(explain(f, "u")) == "∂f/∂u = 6, 1 path from f to u:\n  ∂f/∂u = 6"
    assert str(explain(f, f)) == "∂f/∂f = 1: it is f itself"


def test_jupyter_shows_aligned_equations():
    f, x = diamond()
    markdown = explain(f, x)._repr_markdown_()
    assert markdown.startswith("∂f/∂x = 14, 2 paths from f to x:\n\n$$\\begin{aligned}\n")
    assert r"\frac{\partial f}{\partial u} \cdot \frac{\partial u}{\partial x} &= 6 \cdot 1 = 6 \\" in markdown
    assert markdown.endswith("\\frac{\\partial f}{\\partial x} &= 14\n\\end{aligned}$$")
    negative = explain(-x * 2, x)._repr_markdown_()
    assert r"2 \cdot (-1) = -2" in negative


def test_a_gate_that_takes_an_operand_twice_makes_two_paths():
    x = Value(3.0, "x")
    assert [path.contribution for path in explain(x * x, x).paths] == [3.0, 3.0]
    assert "∂f/∂x (1 of 2) = 3\n  ∂f/∂x (2 of 2) = 3\n" in str(explain(x * x, x))
    assert "∂f/∂x (2 of 2) = −1\n" in str(explain(x - x, x))
    slope = r"\frac{\partial f}{\partial x}"
    for f, second, total in ((x * x, 3, 6), (x - x, -1, 0)):
        markdown = explain(f, x)._repr_markdown_()
        assert rf"{slope}\text{{ (2 of 2)}} &= {second} \\" in markdown
        assert rf"\text{{added up: }}{slope} &= {total}" in markdown
    assert explain(2 * x, x)._repr_markdown_().count("&=") == 1
    assert explain(x, x)._repr_markdown_().count("&=") == 1


def test_a_name_of_two_nodes_is_refused():
    x, y = Value(3.0, "x"), Value(4.0, "x")
    with pytest.raises(KeyError, match="2 nodes of this circuit are called x"):
        explain(x * y, "x")
    assert explain(x * y, y).total == 3.0


def test_what_is_not_taken_is_said():
    x = Value(2.0, "x")
    off = explain(m.relu(-x), x)
    assert (off.count, off.not_taken, off.total) == (0, 1, 0.0)
    assert str(off) == ("∂f/∂x = 0: no path from f to x is taken\n  not taken: 1 path, as f hands nothing on to u1")
    some = explain(m.where(x, 3 * x, m.sqrt(x)), x)
    assert (some.count, some.not_taken, some.total) == (1, 2, 3.0)
    assert "not taken: 2 paths, as f hands nothing on to x, u2" in str(some)
    assert "not taken" in some._repr_markdown_()


def test_a_node_on_which_the_root_does_not_depend_has_no_path():
    f, x = diamond()
    for wrt, name in [(Value(1.0, "q"), "q"), (Value(1.0), "this Value")]:
        assert str(explain(f, wrt)) == f"∂f/∂{name} = 0: f does not depend on {name}, no path leads there"
    assert explain(x, f).count == 0


def test_infinite_steps_are_shown_as_such():
    z = Value(0.0, "z")
    assert "3 × ∞ = ∞" in str(explain(3 * m.sqrt(z), z))
    both = explain(m.sqrt(z) * z, z)
    assert math.isnan(both.total)
    assert "0 × ∞ = nan" in str(both)


def test_of_many_paths_the_largest_are_shown_and_the_rest_is_summed():
    x = Value(1.0, "x")
    total = 0.0
    for n in range(1, 41):
        total = total + (x * (-1) ** n) * n
    explained = explain(total, x)
    assert explained.count == 40
    assert [path.contribution for path in explained.paths] == [40.0, -39.0, 38.0, -37.0, 36.0]
    assert explained.rest == 20.0 - 38.0
    assert "the other 35, none of them larger: together −18\n  added up: 20" in str(explained)
    assert r"\text{the other paths} &= -18" in explained._repr_markdown_()


def test_a_path_through_zero_and_infinity_is_among_the_largest():
    x, z = Value(1.0, "x"), Value(0.0, "z")
    parts = [x * n for n in range(1, 30)] + [m.sqrt(z * x) * 0.5]
    assert any(math.isnan(path.contribution) for path in explain(m.sum(parts), x).paths)


@pytest.mark.parametrize("doubled", [1, 10, 60, 1000])
def test_paths_are_counted_exactly(doubled):
    x = y = Value(1.0, "x")
    for _ in range(doubled):
        y = (y + y) * 0.5
    explained = explain(y, x)
    assert explained.count == 2**doubled
    assert explained.total == 1.0
    expected = {1: "2 paths", 10: "1,024 paths", 60: "about 10^18 paths", 1000: "about 10^301 paths"}
    assert expected[doubled] in str(explained)


def test_a_deep_circuit_needs_no_recursion():
    x = y = Value(1.0, "x")
    for _ in range(5_000):
        y = (y + 1.0) * 1.0
    explained = explain(y, x)
    assert (explained.count, len(explained.paths[0].factors), explained.total) == (1, 10_000, 1.0)
    assert len(str(explained)) < 500


def test_layers_that_share_vectors_have_the_paths_of_their_neurons():
    model = nn.MLP(3, [4, 5, 1], "tanh", rng=0)
    x = [Value(0.1, "a"), Value(-0.2, "b"), 0.3]
    out = model(x)
    explained = explain(out, "a")
    assert explained.count == 4 * 5
    assert sum(path.contribution for path in explained.paths) + explained.rest == pytest.approx(explained.total)


@settings(max_examples=2 * settings().max_examples)
@given(expressions(variables=2, max_gates=6), points(2))
def test_the_products_add_up_to_the_gradient(expression, point):
    x, y = Value(point[0], "x"), Value(point[1], "y")
    try:
        root = expression(x, y)
    except ForwardError:
        return
    if not isinstance(root, Value):
        return
    for node, adjoint in sweep(root):
        explained = explain(root, node)
        assert explained.total == adjoint or math.isnan(adjoint)
        terms = [path.contribution for path in explained.paths]
        if explained.count == len(terms) and all(map(math.isfinite, [*terms, adjoint])):
            assert math.fsum(terms) == pytest.approx(adjoint, rel=1e-9, abs=1e-9 * sum(map(abs, terms)))


def test_bad_input_is_refused_with_a_remedy():
    f, x = diamond()
    with pytest.raises(TypeError, match="needs the Value at the end of a circuit, got float"):
        explain(3.0, x)
    with pytest.raises(TypeError, match="wrt is a Value of the circuit or its name, got int 3"):
        explain(f, 3)
    with pytest.raises(KeyError, match="no node of this circuit is called X, did you mean x"):
        explain(f, "X")
    x.data = 4.0
    with pytest.raises(ValueError, match="out of date"):
        explain(f, x)

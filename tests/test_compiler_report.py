"""What a program tells of itself is true: sizes and counts in the text, a box for every operation in the picture."""

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

import microgradnn as mg
from microgradnn import Value, compile, nn
from microgradnn.compiler import report
from microgradnn.compiler.flow import Product
from microgradnn.compiler.ir import Op, Var, whole
from tests.compile_cases import CASES

SVG = "{http://www.w3.org/2000/svg}"


def hinge(**options):
    model = nn.MLP(2, [16, 16, 1], rng=1)
    penalised = lambda x, y: nn.hinge(model(x), y) + nn.l2(model, 1e-4)  # noqa: E731
    return compile(penalised, model.parameters(), example=([0.1, 0.2], 1.0), **options)


def rosenbrock(n):
    x = [Value(0.5) for _ in range(n)]
    return compile(lambda: mg.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)]), x, example=())


def chain(n):
    """Operations that cannot be grouped: each needs the one before."""
    w = Value(0.5)

    def f(x):
        for _ in range(n):
            x = mg.tanh(w * x)
        return x

    return compile(f, w, example=(0.3,))


def compiled(name, **options):
    case = CASES[name]()
    return compile(case.f, case.params, example=case.examples[0], **options)


def table(text, first):
    """The rows of the table whose header begins with `first`, as dicts of cells."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"{first}   "))
    spans = [match.span() for match in re.finditer("─+", lines[start + 1])]
    header = [lines[start][a:b].strip() for a, b in spans]
    rows = []
    for line in lines[start + 2 :]:
        if not line:
            break
        rows.append(dict(zip(header, [line[a:b].strip() for a, b in spans], strict=True)))
    return rows


def beside(program):
    """What the table has backward, by the line forward that it stands beside."""
    found, line = {}, ""
    for row in table(program.explain(), "forward"):
        line = row["forward"] or line
        found.setdefault(line, [])
        if row["backward"]:
            found[line].append(row["backward"])
    return found


# ---- in words ---------------------------------------------------------------------------------------------------


def test_each_product_stands_with_its_size_its_module_and_its_derivatives():
    rows = {row["forward"]: (row["size"], row["module"]) for row in table(hinge().explain(), "forward")}
    assert rows["p"] == ("337", "")
    assert rows["x0"] == ("2 × B", "")
    assert rows["v5 = p[0:48] · v4"] == ("16 × 3 · 3 × B", "MLP.0")
    assert rows["v6 = relu(v5)"] == ("16 × B", "MLP.0")
    assert rows["v11 = p[320:337] · v10"] == ("1 × 17 · 17 × B", "MLP.4")
    assert rows["v15 = Σ v14"][0] == "1 × B → 1"
    lines = beside(hinge())
    assert lines["v8 = p[48:320] · v7"] == [
        "d10 = d9 · v7ᵀ, 16 × B · B × 17", "d11 = p[48:320]ᵀ · d9, 17 × 16 · 16 × B",
    ]  # fmt: skip
    assert lines["v5 = p[0:48] · v4"] == ["d14 = d13 · v4ᵀ, 16 × B · B × 3"]
    assert lines["v9 = relu(v8)"] == ["d8 = where(v8, 1, 0)", "d9 = d8 × d7[0:16]"]
    assert lines["p"][0].startswith("d_p = put(d6 at [320:337], d10 at [48:320]")


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", CASES)
def test_each_line_backward_stands_beside_its_source_and_nothing_is_left_out(name):
    program = compiled(name, wrt="both" if CASES[name]().examples[0] else "params")
    flow = program._facts().flow(program.array_program)
    told = "\n".join(report._lines(flow))
    for op in program.array_program.ops:
        assert len(re.findall(rf"(?<![\w\[]){flow.name_of[op.out]} = ", told)) == 1, flow.line(op)
        if op.source is not None:
            assert op in flow.backward[op.source]
            assert op.source in flow.forward
    numbers = [int(name[1:]) for name in flow.name_of.values() if re.fullmatch(r"d\d+", name)]
    assert numbers == sorted(numbers)


def test_windows_of_a_convolution_are_taken_for_one_product():
    rows = table(compiled("convolution").explain(), "forward")
    lines = [(row["forward"], row["size"]) for row in rows if row["forward"].startswith("v")]
    assert lines[:4] == [
        ("v1 = take(x0)", "24 × B"), ("v2 = p[0:8] · v1", "2 × 4 · 4 × 6B"), ("v3 = relu(v2)", "12 × B"),
        ("v4 = p[8:20] · v3ᵀ" if "ᵀ" in lines[3][0] else "v4 = p[8:20] · v3", "1 × 12 · 12 × B"),
    ]  # fmt: skip


def test_windows_and_places_are_told_as_they_lie():
    lines = beside(compiled("softmax_attention"))
    assert "v2 = v1 × x0[0:6:1,2]" in lines
    assert "v10 = v9 × x0[0:5:2]" in lines
    assert lines["p"] == []
    assert lines["v1 = p · x1"] == ["d_p = d24 · x1ᵀ, 2 × B · B × 2"]


def test_products_of_each_example_are_so_many_products():
    w, d, x = Var((2, 3), True, name="w"), Var((2, 1), True, name="d"), Var((3, 1), True, name="x")
    size = lambda *details, out: Product(Op("einsum", (whole(d), whole(x)), out, details)).size  # noqa: E731
    assert size("mn", "ln", "ml", True, out=w) == "B × (2 × 1 · 1 × 3)"
    assert size("mn", "ln", "ml", False, out=Var((2, 3), False)) == "2 × B · B × 3"


def test_the_counts_are_those_of_the_program():
    text = rosenbrock(1000).explain()
    assert "6,994 gates in one graph" in text
    assert "3,999 lines" in text
    assert "7 operations: 5 gates, 2 matrix products; all once" in text
    assert "1,998 multiplications in the products; all once" in text
    assert "8 operations: 7 gates, 1 put; all once" in text
    assert "B" not in re.split("The array program", text)[0].replace("NumPy", ""), "there are no examples"
    text = hinge().explain()
    assert "71 gates for one example of 3 numbers" in text
    assert "7 once, 11 for every example" in text
    assert f"{304 + 16 * 3 + 16 * 17 + 17} multiplications in the products; 304 once, 337 for every example" in text
    assert f"{16 * 3 + 2 * 16 * 17 + 2 * 17} multiplications in the products; all for every example" in text


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_the_source_stands_at_the_end_as_it_is(backend):
    text = hinge(backend=backend).explain()
    ast.parse(text[text.index("\ndef ") :])
    assert ("The array program" in text) == (backend == "numpy")
    assert ("straight-line Python" in text) == (backend == "python")


def test_both_sources_are_told_apart():
    program = chain(3)
    facts = program._facts()._replace(straight_up_to=30)
    text = report.explain(facts, program.array_program, "def value():\n    v1 = 1\n", "def value(): ...\n")
    assert "The mean over B examples and its gradient by 1 parameter, with straight-line Python for up to 30" in text
    assert "1 line of straight-line Python over floats; narrow and deep" in text
    assert text.endswith("The source for more\n\ndef value(): ...\n")
    assert "The source for up to 30 examples\n\ndef value():\n    v1 = 1\n\n" in text


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", CASES)
def test_every_program_can_be_told_of_within_the_width_of_a_page(name):
    for options in ({}, {"backend": "python"}, *[{"wrt": "both"}] * bool(CASES[name]().examples[0])):
        program = compiled(name, **options)
        text = program.explain()
        before = text[: text.index("The source\n")]
        assert max(map(len, before.splitlines())) <= report.WIDTH, before
        assert not re.search(r"(?<![.\d\[:,])\d{4}(?![:\]])", before), "thousands are separated"
        brief = program.explain(brief=True)
        assert len(brief.splitlines()) <= 16
        assert "The source" not in brief
        assert brief.splitlines()[:3] == text.splitlines()[:3]


def test_brief_lists_the_products_and_leaves_out_the_middle():
    assert [(row["∂W"], row["∂x"], row["module"]) for row in table(hinge().explain(brief=True), "product")][1:] == [
        ("16 × B · B × 3", "", "MLP.0"),
        ("16 × B · B × 17", "17 × 16 · 16 × B", "MLP.2"),
        ("1 × B · B × 17", "17 × 1 · 1 × B", "MLP.4"),
    ]
    model = nn.MLP(2, [3] * 6, rng=1)
    text = compile(lambda x: mg.sum(model(x)), model.parameters(), example=([0.1, 0.2],)).explain(brief=True)
    rows = [row["product"] for row in table(text, "product")]
    assert rows == ["3 × 3 · 3 × B", "3 × 4 · 4 × B", "… 3 more", "3 × 4 · 4 × B"]


def test_parameters_without_a_part_are_counted():
    assert "2 parameters have no part in the value" in compiled("unused_parameters_and_inputs").explain()
    assert "no part" not in hinge().explain()


def test_outputs_without_a_gradient():
    model = nn.MLP(2, [3, 2], rng=1)
    program = compile(lambda x: model(x), model.parameters(), example=([0.1, 0.2],), reduce=None)
    text = program.explain()
    assert text.startswith("The outputs for each of B examples, with NumPy\n")
    assert "reverse" not in text
    assert "backward" not in [*table(text, "forward")[0]]
    assert "2 × B" in ET.tostring(drawn(program), encoding="unicode")


def test_derivatives_that_are_no_variable_of_their_own():
    w = Value(2.0)
    lines = beside(compile(lambda x, y: w * x, w, example=(0.5, 0.5), wrt="both", reduce="sum"))
    assert lines["x0"] == ["d_x0 = p"]
    assert lines["x1"] == ["d_x1 = 0"]


# ---- as a drawing -----------------------------------------------------------------------------------------------


def drawn(program):
    return ET.fromstring(program.draw().svg())


def ids(root, kind):
    """The groups of a kind by their ids, without what all ids of a picture begin with."""
    groups = [group for group in root.iter(f"{SVG}g") if kind in group.get("class", "").split()]
    return {group.get("id").split("-", 2)[2]: group for group in groups}


def nodes(root):
    """The text of every node by its id."""
    found = ids(root, "node").items()
    return {name: " ".join(" ".join(text.text for text in group.iter(f"{SVG}text")).split()) for name, group in found}


@pytest.mark.sampled(9)
@pytest.mark.parametrize("name", CASES)
def test_every_operation_is_in_the_picture(name):
    program = compiled(name)
    flow, root = program._facts().flow(program.array_program), drawn(program)
    found, ends = nodes(root), ids(root, "edge")
    steps = [flow.name_of[op.out] for op in flow.forward]
    assert sorted(found) == sorted([*(var.name for var in flow.leaves), *steps, "value"])
    for op, step in zip(flow.forward, steps, strict=True):
        assert any(edge.startswith(f"{step}-") for edge in ends), f"{step} leads somewhere"
        sources = {var for var in op.read if var.value is None}
        assert all(f"{flow.name_of[var]}-{step}" in ends for var in sources), f"{step} has its sources"
    assert any(edge.endswith("-value") for edge in ends) == (not isinstance(flow.results[0], float))


def test_boxes_and_edges_say_what_they_are():
    root = drawn(hinge())
    found = nodes(root)
    assert found["p"] == "parameters 337"
    assert found["x0"] == "x0 B × 2"
    assert found["value"] == "value 1"
    assert found["v8"] == "W·x MLP.2 16 × 17 · 17 × B ∂W 16 × B · B × 17 ∂x 17 × 16 · 16 × B"
    assert any("ReLU" in text and "16 × B" in text for text in found.values())
    assert any(text.startswith("1−x") for text in found.values())
    titles = {title.text for title in root.iter(f"{SVG}title")}
    assert {"272", "16 × B", "parameters: 337", "v8 = p[48:320] · v7, of MLP.2"} <= titles


def test_what_is_done_once_is_dashed():
    program = hinge()
    flow, root = program._facts().flow(program.array_program), drawn(program)
    once = {flow.name_of[op.out] for op in flow.forward if not op.out.each}
    assert once
    assert set(ids(root, "node")) & set(ids(root, "once")) == once | {"p"}
    arrows = ids(root, "edge")
    dashed = {name for name, arrow in arrows.items() if any(path.get("stroke-dasharray") for path in arrow.iter())}
    assert dashed == set(arrows) & set(ids(root, "once"))
    assert "v2-v3" in dashed
    assert "v5-v6" not in dashed
    assert "dashed: once; others: for each of B examples" in "".join(root.itertext())


@pytest.mark.one_engine
@pytest.mark.slow
def test_a_long_program_is_drawn_without_its_middle():
    root = drawn(chain(200))
    found = nodes(root)
    assert "323 operations more" in found["more"]
    assert len(found) == 80 + 4
    assert {"v40-more", "more-v364", "p-more"} <= set(ids(root, "edge"))


def test_constants_alone_have_a_picture():
    assert nodes(drawn(compiled("a_plain_number")))["value"] == "value constant 3.5"
    assert "arrays    none" in compiled("a_plain_number").explain()


def test_what_is_observed_has_a_box_of_its_own_and_is_no_part_of_the_value():
    w = [Value(2.0), Value(3.0)]
    program = compile(lambda x: w[0] * x, w, example=(0.5,))
    outs, params = program.array_program.outs, program.array_program.params
    outs[1:1] = [whole(program.array_program.ops[0].out), whole(params)]
    root = drawn(program)
    assert nodes(root)["observed"] == "observed 2 × B"
    assert {"v1-observed", "p-observed"} <= set(ids(root, "edge"))
    assert "1 parameter has no part in the value" in program.explain()


@pytest.mark.slow
def test_pictures_are_saved_shown_and_refused_as_those_of_circuits_are(tmp_path):
    drawing = hinge().draw()
    starts = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph", "html": b"<!DOCTYPE html>"}
    for ending, start in starts.items():
        drawing.save(tmp_path / f"program.{ending}")
        assert (tmp_path / f"program.{ending}").read_bytes().lstrip().startswith(start)
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot, \.html$"):
        drawing.save(tmp_path / "program.tex")
    bundle = drawing._repr_mimebundle_()
    assert bundle["text/plain"] == repr(drawing)
    assert bundle["image/svg+xml"].startswith("<svg")
    assert drawing.digraph.source.startswith("digraph")
    assert isinstance(drawing, type(mg.draw(Value(1.0))).__base__)


def test_symbols_that_are_markup_are_drawn_as_they_are():
    bigger = mg.primitive("bigger", lambda x: x, lambda out, x: 1.0, symbol="<b>&", samples=[1.0])
    program = compile(lambda x: bigger(x), example=(0.1,))
    assert nodes(drawn(program))["v1"] == "<b>& 1 × B"


@pytest.mark.slow
def test_nothing_heavy_is_imported_before_something_is_asked_for():
    program = "import sys, microgradnn; rooms = 'microgradnn.compiler.report', 'microgradnn.compiler.diagram'\n"
    program += "assert not any(room in sys.modules for room in rooms)\n"
    program += f"import {', '.join(['microgradnn.compiler.report', 'microgradnn.compiler.diagram'])}\n"
    program += "assert 'graphviz' not in sys.modules and 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)

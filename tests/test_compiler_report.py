"""What a program tells of itself is true: sizes, counts and bytes in the text, a box for every step in the picture."""

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, compile, nn
from microgradnn.compiler import report
from microgradnn.compiler.layout import MatrixProduct, View
from microgradnn.compiler.program import Program
from tests.compile_cases import BACKENDS, CASES

explain, picture = Program.explain, Program.draw
SVG = "{http://www.w3.org/2000/svg}"


def hinge(backend="numpy"):
    model = nn.MLP(2, [16, 16, 1], rng=1)
    penalised = lambda x, y: nn.hinge(model(x), y) + nn.l2(model, 1e-4)  # noqa: E731
    return compile(penalised, model.parameters(), example=([0.1, 0.2], 1.0), backend=backend)


def rosenbrock(n):
    x = [Value(0.5) for _ in range(n)]
    return compile(lambda: mg.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)]), x, example=())


def chain(n):
    """Steps that cannot be grouped: each needs the one before."""
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
    start = next(place for place, line in enumerate(lines) if line.lstrip().startswith(f"{first}   "))
    spans = [match.span() for match in re.finditer("─+", lines[start + 1])]
    header = [lines[start][a:b].strip() for a, b in spans]
    rows = []
    for line in lines[start + 2 :]:
        if not line:
            break
        rows.append(dict(zip(header, [line[a:b].strip() for a, b in spans], strict=True)))
    return rows


# ---- in words ---------------------------------------------------------------------------------------------------


def test_the_text_gives_the_sizes_of_the_products_and_where_they_run():
    rows = table(explain(hinge()), "step")
    products = [(row["what"], row["size"], row["runs"], row.get("module")) for row in rows if "W·x" in row["what"]]
    assert products[-3:] == [
        ("W·x + b", "16 × 2 · 2 × B", "each", "MLP.0"),
        ("W·x + b", "16 × 16 · 16 × B", "each", "MLP.2"),
        ("W·x + b", "1 × 16 · 16 × B", "each", "MLP.4"),
    ]
    _, reverse = explain(hinge()).split("The reverse sweep")
    assert [(row["∂W"], row["∂x"]) for row in table(reverse, "step")] == [
        ("1 × B · B × 17", "16 × 1 · 1 × B"),
        ("16 × B · B × 17", "16 × 16 · 16 × B"),
        ("16 × B · B × 3", ""),
    ]


def test_windows_of_a_convolution_are_gathered_for_one_product():
    rows = table(explain(compiled("convolution")), "step")
    assert [(row["what"], row["size"]) for row in rows[:3]] == [
        ("gather", "24 × B"), ("W·x", "2 × 4 · 4 × 6B"), ("relu", "12 × B"),
    ]  # fmt: skip
    assert (rows[0]["gathered"], rows[1]["gathered"], rows[1]["in place"]) == ("x0", "#1", "params")
    assert "12" in rows[2]["size"]
    assert rows[2]["in place"] == "#2"


def test_steps_of_a_level_do_not_read_each_other():
    for name in ("recurrent", "mixture", "softmax_attention", "dense_relu_hinge"):
        rows = table(explain(compiled(name)), "step")
        levels = {row["step"]: int(row["level"]) for row in rows}
        for row in rows:
            read = re.findall(r"#\d+", row["in place"] + " " + row.get("gathered", ""))
            below = row["what"] != "gather"
            assert all(levels[source] <= levels[row["step"]] - below for source in read), (name, row)


def test_the_counts_are_those_of_the_program():
    program = rosenbrock(1000)
    text = explain(program)
    assert "6,994 gates in one graph" in text
    assert "3,999 lines" in text
    assert "7 groups: 2 matrix products, 5 maps; all once" in text
    instructions = program.instructions
    assert f"{len(instructions.forward)} instructions forward, {len(instructions.backward)} backward" in text
    products = [step for step in program.layout.steps if isinstance(step, MatrixProduct)]
    assert f"{sum(np.prod(step.out.shape) * step.inputs.shape[0] for step in products):,} multiplications" in text
    assert "B" not in re.split("The source", text)[0].replace("NumPy", ""), "there are no examples"


def test_the_bytes_are_those_of_the_buffers():
    program = hinge()
    program.value(np.zeros((64, 2)), np.ones(64))
    spaces = vars(program._arrays._threads)[64].spaces
    rows = table(explain(program), "buffer")
    assert rows[-1]["buffer"] == "total"
    for row in rows[:-1]:
        own = spaces[row["buffer"]].nbytes + spaces[f"d_{row['buffer']}"].nbytes
        assert row["bytes for B = 64"] == f"{own:,}", row
    assert rows[-1]["bytes for B = 64"] == f"{sum(one.nbytes for one in spaces.values()):,}"


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_source_stands_at_the_end_as_it_is(backend):
    program = hinge(backend)
    text = explain(program)
    assert text.endswith(program._engine(1).source.rstrip() + "\n")
    ast.parse(text[text.index("\ndef ") :])
    assert ("no groups" in text) == (backend == "python")
    assert ("bytes for B" in text) == (backend == "numpy")


@pytest.mark.parametrize("name", CASES)
def test_every_program_can_be_told_of_within_the_width_of_a_page(name):
    for options in ({}, {"backend": "python"}, *[{"wrt": "both"}] * bool(CASES[name]().examples[0])):
        program = compiled(name, **options)
        text = explain(program)
        before = text[: text.index("The source\n")]
        assert max(map(len, before.splitlines())) <= report.WIDTH, before
        assert not re.search(r"(?<![.\d])\d{4}", before), "thousands are separated"
        assert text.count("#") >= len(program.layout.steps) or options == {"backend": "python"}


def test_parameters_without_a_part_are_counted():
    assert "2 have no part in the value" in explain(compiled("unused_parameters_and_inputs"))
    assert "no part" not in explain(hinge())


def test_outputs_without_a_gradient():
    model = nn.MLP(2, [3, 2], rng=1)
    program = compile(lambda x: model(x), model.parameters(), example=([0.1, 0.2],), reduce=None)
    text = explain(program)
    assert text.startswith("The outputs for each of B examples")
    assert "No reverse sweep" in text
    assert "2 × B" in ET.tostring(drawn(program), encoding="unicode")


# ---- as a drawing -----------------------------------------------------------------------------------------------


def drawn(program):
    return ET.fromstring(picture(program).svg())


def nodes(root):
    """The text of every node by its id, without what all ids of a picture begin with."""
    return {
        group.get("id").split("-", 2)[2]: " ".join(text.text.strip() for text in group.iter(f"{SVG}text"))
        for group in root.iter(f"{SVG}g")
        if group.get("class", "").split()[:1] == ["node"]
    }


def edges(root):
    groups = [group for group in root.iter(f"{SVG}g") if "edge" in group.get("class", "").split()]
    return {group.get("id").split("-", 2)[2] for group in groups}


@pytest.mark.parametrize("name", CASES)
def test_every_step_is_in_the_picture(name):
    program = compiled(name)
    root = drawn(program)
    found, ends = nodes(root), edges(root)
    steps = [f"s{number}" for number in range(1, len(program.layout.steps) + 1)]
    leaves = ["params"] * bool(len(program.params)) + [f"x{place}" for place in range(len(program._shapes))]
    assert sorted(found) == sorted([*steps, *leaves, "value"])
    for number, step in enumerate(program.layout.steps, 1):
        assert any(edge.startswith(f"s{number}-") for edge in ends), f"step {number} leads somewhere: {step}"
        assert any(edge.endswith(f"-s{number}") for edge in ends), f"step {number} has a source"
    roots = any(isinstance(root, View) for root in program.layout.roots)
    assert any(edge.endswith("-value") for edge in ends) == roots


def test_boxes_and_edges_say_what_they_are():
    root = drawn(hinge())
    found = nodes(root)
    assert found["params"] == "parameters 337"
    assert found["x0"] == "x0 B × 2"
    assert found["value"] == "mean over B 1"
    words = [text for text in found.values() if "MLP.2" in text]
    assert any("W·x + b" in text and "16 × 16 · 16 × B" in text and "∂x" in text for text in words)
    assert any("ReLU" in text and "16 × B" in text for text in words)
    assert any(text.startswith("1−x") for text in found.values())
    titles = {title.text for title in root.iter(f"{SVG}title")}
    assert {"272", "16 × B", "337 parameters"} <= titles


def test_what_runs_once_is_dashed_and_stands_apart():
    program = hinge()
    root = drawn(program)
    dashed = {
        group.get("id").split("-", 2)[2] for group in root.iter(f"{SVG}g") if "once" in group.get("class", "").split()
    }
    once = {f"s{number}" for number, step in enumerate(program.layout.steps, 1) if not step.out.varying}
    assert once
    assert {name for name in dashed if re.fullmatch(r"s\d+", name)} == once
    text = "".join(root.itertext())
    assert "once" in text
    assert "for every example" in text


def test_a_long_program_is_drawn_without_its_middle():
    program = chain(200)
    assert len(program.layout.steps) == 400
    root = drawn(program)
    found = nodes(root)
    assert "320 steps more" in found["more"]
    assert len(found) == 80 + 4
    assert {"s40-more", "more-s361", "params-more"} <= edges(root)


def test_constants_alone_have_a_picture():
    assert nodes(drawn(compiled("a_plain_number")))["value"] == "mean over B constant 3.5"
    assert "Nothing is computed" in explain(compiled("a_plain_number"))


def test_pictures_are_saved_shown_and_refused_as_those_of_circuits_are(tmp_path):
    drawing = picture(hinge())
    starts = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph", "html": b"<!DOCTYPE html>"}
    for ending, start in starts.items():
        drawing.save(tmp_path / f"program.{ending}")
        assert (tmp_path / f"program.{ending}").read_bytes().lstrip().startswith(start)
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot, \.html$"):
        drawing.save(tmp_path / "program.tex")
    bundle = drawing._repr_mimebundle_()
    assert bundle["text/plain"] == repr(drawing) == repr(hinge())
    assert bundle["image/svg+xml"].startswith("<svg")
    assert drawing.digraph.source.startswith("digraph")
    assert isinstance(drawing, type(mg.draw(Value(1.0))).__base__)


def test_symbols_that_are_markup_are_drawn_as_they_are():
    bigger = mg.primitive("bigger", lambda x: x, lambda out, x: 1.0, symbol="<b>&", samples=[1.0])
    program = compile(lambda x: bigger(x), example=(0.1,))
    assert nodes(drawn(program))["s1"] == "<b>& 1 × B"


def test_nothing_heavy_is_imported_before_something_is_asked_for():
    program = "import sys, microgradnn; rooms = 'microgradnn.compiler.report', 'microgradnn.compiler.diagram'\n"
    program += "assert not any(room in sys.modules for room in rooms)\n"
    program += f"import {', '.join(['microgradnn.compiler.report', 'microgradnn.compiler.diagram'])}\n"
    program += "assert 'graphviz' not in sys.modules and 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)

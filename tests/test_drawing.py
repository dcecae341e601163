"""Pictures are read back: the SVG is parsed and the numbers must stand where a reader looks for them."""

import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from html import unescape
from importlib.resources import files
from urllib.parse import unquote

import pytest

import microgradnn as mg
from microgradnn import Value, draw, steps, to_latex
from microgradnn.drawing import layout, palette
from microgradnn.drawing.page import recorded_steps
from microgradnn.notation import digits
from microgradnn.primitive import gates

SVG = "{http://www.w3.org/2000/svg}"


def xyz():
    x, y, z = Value(-2, "x"), Value(5, "y"), Value(-4, "z")
    q = x + y
    q.name = "q"
    return q * z


def neuron(packed=False):
    w0, w1, w2, x0, x1 = (Value(v, n) for v, n in [(2, "w0"), (-3, "w1"), (-3, "w2"), (-1, "x0"), (-2, "x1")])
    z = w0 * x0 + w1 * x1 + w2
    return mg.sigmoid(z) if packed else 1 / (1 + mg.exp(-z))


def parsed(svg):
    """The wires and gates of a picture: {name: (value, gradient)}, [symbols], and the root element."""
    root = ET.fromstring(svg)
    wires, symbols = {}, []
    for group in root.iter(f"{SVG}g"):
        kinds = group.get("class", "").split()
        texts = {
            role: [t.text for t in group.iter(f"{SVG}text") if t.get("class") == role] for role in ("value", "gradient")
        }
        if "wire" in kinds:
            name = group.find(f"{SVG}title").text.split(" = ")[0]
            heights = {
                role: [float(t.get("y")) for t in group.iter(f"{SVG}text") if t.get("class") == role] for role in texts
            }
            assert max(heights["value"]) < min(heights["gradient"]), "the value stands above the gradient"
            wires[name] = ("".join(texts["value"]).strip(), "".join(texts["gradient"]).strip())
        if "gate" in kinds:
            symbols.append("".join(t.text for t in group.iter(f"{SVG}text")))
    return wires, symbols, root


def still_picture(html):
    """The SVG in the image of a piece."""
    return unquote(unescape(re.search("src='data:image/svg\\+xml;charset=utf-8,([^']*)'", html)[1]))


def printed_elsewhere(code):
    """What `code` prints in a process with other hashes."""
    environment = {**os.environ, "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, check=True, encoding="utf-8").stdout


def fake_dot(folder, body):
    """A `dot` program on PATH that runs `body` (Python) and notes that it was called."""
    program = folder / "dot"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(folder / 'called')!r}, 'a').write(sys.argv[1])\n{body}\n"
    )
    program.chmod(0o755)


REAL = (
    "import pygraphviz\nsource = sys.stdin.buffer.read().decode()\n"
    "sys.stdout.buffer.write(pygraphviz.AGraph(string=source).draw(format=sys.argv[1][2:], prog='dot'))"
)


@pytest.fixture(params=["library", "program"])
def engine(request, tmp_path, monkeypatch):
    """Both ways to Graphviz: no `dot` on PATH, and a `dot` program."""
    monkeypatch.setenv("PATH", str(tmp_path))
    if request.param == "program":
        fake_dot(tmp_path, REAL)
    yield request.param
    assert (tmp_path / "called").exists() == (request.param == "program")


def test_circuit_of_note_000(engine):
    f = xyz()
    f.backward()
    wires, symbols, _ = parsed(draw(f).svg())
    assert wires == {"x": ("−2", "−4"), "y": ("5", "−4"), "z": ("−4", "3"), "q": ("3", "−4"), "f": ("−12", "1")}
    assert sorted(symbols) == ["+", "×"]


def test_sigmoid_neuron_of_note_000(engine):
    f = neuron()
    f.backward()
    wires, symbols, _ = parsed(draw(f).svg())
    assert Counter(symbols) == Counter(["×", "×", "+", "+", "×−1", "exp", "+1", "1/x"])
    assert wires == {
        "w0": ("2", "−0.1966"), "x0": ("−1", "0.3932"), "w1": ("−3", "−0.3932"), "x1": ("−2", "−0.5898"),
        "w2": ("−3", "0.1966"), "u1": ("−2", "0.1966"), "u2": ("6", "0.1966"), "u3": ("4", "0.1966"),
        "u4": ("1", "0.1966"), "u5": ("−1", "−0.1966"), "u6": ("0.3679", "−0.5344"), "u7": ("1.368", "−0.5344"),
        "f": ("0.7311", "1"),
    }  # fmt: skip
    packed = neuron(packed=True)
    packed.backward()
    inner, symbols, _ = parsed(draw(packed).svg())
    assert "σ" in symbols
    assert all(inner[name] == wires[name] for name in ("w0", "w1", "w2", "x0", "x1", "f"))


def test_a_gradient_of_another_sweep_is_not_said_to_be_that_of_the_root():
    a = Value(2.0, "a")
    (a * 3).backward()
    g = a * 5
    assert "<title>a = 2.0, gradient 3.0</title>" in draw(g).svg()
    a.grad = None
    g.backward()
    assert "<title>a = 2.0, ∂f/∂a = 5.0</title>" in draw(g).svg()


def test_gradients_are_blank_until_a_sweep_arrives():
    f = xyz()
    assert {gradient for _, gradient in parsed(draw(f).svg())[0].values()} == {""}
    f.backward()
    f.operands[1].grad = None
    wires = parsed(draw(f).svg())[0]
    assert wires["z"] == ("−4", "")
    assert wires["q"] == ("3", "−4")


def test_every_primitive_is_drawn():
    """Some samples to a picture, under a maximum: each has its symbol, and a wire for each operand and its result."""
    samples = [(gate, sample) for gate in gates() for sample in gate.samples]
    for start in range(0, len(samples), 10):
        outs, names = [], set()
        for row, (gate, sample) in enumerate(samples[start : start + 10]):
            operands = [Value(number, f"x{row}_{place}") for place, number in enumerate(sample)]
            outs.append(gate(*operands))
            outs[-1].name = f"y{row}"
            names |= {outs[-1].name, *(operand.name for operand in operands)}
        wires, symbols, _ = parsed(draw(mg.maximum(*outs)).svg())
        assert len(symbols) == len(outs) + 1
        assert set(wires) == {*names, "f"}


def test_a_value_used_twice_has_two_edges_that_end_apart():
    x = Value(3.0, "x")
    ends = [
        (float(numbers[-2]), float(numbers[-1]))
        for group in ET.fromstring(draw(x * x).svg()).iter(f"{SVG}g")
        if group.get("id").partition("-e1-")[1]
        for numbers in [re.findall(r"[-\d.]+", group.find(f"{SVG}path").get("d"))]
    ]
    assert len(ends) == 2
    assert math.dist(*ends) > 10


def test_constants_stand_in_the_symbol_and_are_no_nodes():
    x = Value(2.0, "x")
    wires, symbols, _ = parsed(draw(1 / (x**2 * 3 - 1)).svg())
    assert sorted(symbols) == sorted(["x²", "×3", "−1", "1/x"])
    assert "1" not in wires


def test_title_description_ids_and_tooltips():
    f = xyz()
    f.backward()
    _, _, root = parsed(draw(f).svg())
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    labelled = root.get("aria-labelledby").split()
    texts = {element.get("id"): element.text for element in root.iter()}
    assert texts[labelled[0]] == "Circuit of f = −12"
    assert "2 gates, 3 leaves" in texts[labelled[1]]
    assert all(f"{name}, ∂f/∂" in texts[labelled[1]] for name in ("x = -2.0", "y = 5.0", "z = -4.0", "q = 3.0"))
    tooltips = {element.text for element in root.iter(f"{SVG}title")}
    assert {"z = -4.0, ∂f/∂z = 3.0", "f = q × z", "∂f/∂q = -4.0"} <= tooltips
    assert not any("->" in tooltip or tooltip == "circuit" for tooltip in tooltips), "what Graphviz calls its parts"


def test_pictures_on_one_page_share_no_ids():
    """Of other circuits, and of the same one with other numbers."""
    pictures = [draw(xyz()), draw(neuron()), draw(xyz() * 2), draw(chain(200)), draw(chain(201))]
    x = Value(1.0, "x")
    pictures += [draw(x * 2), draw(Value(2.0, "x") * 2)]
    ids = [{e.get("id") for e in ET.fromstring(one.svg()).iter() if e.get("id")} for one in pictures]
    assert all(ids)
    assert len(set().union(*ids)) == sum(map(len, ids))


def test_colours_for_light_and_dark_and_wires_in_the_colour_of_the_text():
    svg = draw(xyz()).svg()
    assert all(colour in svg for colour in ("#007a5a", "#b42318", "#56d4a0", "#ff8a7a", "prefers-color-scheme: dark"))
    root = ET.fromstring(svg)
    light, dark = root.find(f"{SVG}style").text.split("@media (prefers-color-scheme: dark)")
    for style, value, gradient in ((light, "#007a5a", "#b42318"), (dark, "#56d4a0", "#ff8a7a")):
        rules = re.findall(r"\.(value|gradient) \{ fill: (#\w+) \}", style)
        assert rules == [("value", value), ("gradient", gradient)]
    assert {e.get("stroke") for e in root.iter() if e.get("stroke")} == {"currentColor"}
    assert "black" not in {e.get("fill") for e in root.iter()}


def contrast(front, back, opacity=1.0):
    """By WCAG 2: the ratio of the luminances, of a colour that the background shines through."""

    def luminance(parts):
        linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(weight * x for weight, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05

    front, back = ([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in (front, back))
    mixed = [opacity * x + (1 - opacity) * y for x, y in zip(front, back, strict=True)]
    ratio = luminance(mixed) / luminance(back)
    return max(ratio, 1 / ratio)


@pytest.mark.parametrize(("theme", "colours"), [("light", palette.LIGHT), ("dark", palette.DARK)])
def test_letters_and_lines_stand_out_from_the_background(theme, colours):
    back, ink = palette.PAPER[theme], palette.INK[theme]
    assert min(contrast(colour, back) for colour in (*colours.values(), ink, palette.ACCENT[theme])) >= 4.5
    assert min(contrast(colours[role], back, palette.FAINTEST) for role in ("positive", "negative")) >= 3.0
    assert contrast(ink, back, int(palette.FAINT[-2:], 16) / 255) >= 3.0


def test_colours_are_those_of_the_palette():
    folder = files("microgradnn.drawing")
    for file in folder.iterdir():
        if file.suffix in (".py", ".js", ".css") and file.name != "palette.py":
            assert not re.findall(
                r"(?<!&)#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b(?!;)", file.read_text("utf-8")
            ), file.name


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "name",
    [
        "\x00",
        "\ud800",
        "<b>",
        'say "a" & b',
        "θ₁",
        "a\\nb",
        "]]>",
        "-->",
        "</script><b>",
        "x" * 300,
        "line\nbreak",
        "'",
    ],
)
def test_any_name_can_be_drawn(name):
    x = Value(1.0, name)
    svg = draw(x * 2).svg()
    ET.fromstring(svg)
    assert "</script" not in mg.drawing.steps_piece(steps(x * 2)).split("<script>")[1].rsplit("</script>", 1)[0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("number", [0.0, -0.0, 1e-300, -1e300, float("inf"), float("-inf"), float("nan"), 123456.0])
def test_any_number_can_be_drawn(number):
    x = Value(number, "x")
    f = x + 1
    f.backward()
    assert parsed(draw(f).svg())[0]["f"][1] == "1"
    assert "-" not in parsed(draw(f).svg())[0]["x"][0]


def test_the_same_picture_in_every_process():
    code = "from tests.test_drawing import neuron; from microgradnn import draw; print(draw(neuron()).digraph.source)"
    assert printed_elsewhere(code) == draw(neuron()).digraph.source + "\n"


# ---- files -------------------------------------------------------------------------------------------------


def test_files_of_every_kind(engine, tmp_path):
    f = neuron()
    f.backward()
    for ending, begin in [
        ("svg", b"<svg"),
        ("dot", b"digraph"),
        ("tex", b"\\documentclass"),
        ("html", b"<!DOCTYPE html>"),
    ]:
        path = tmp_path / f"f.{ending}"
        draw(f).save(path)
        assert path.read_bytes().startswith(begin)
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http://www.w3.org/", ""), "the page reads nothing from elsewhere"
    assert {path.name for path in tmp_path.iterdir()} <= {"f.svg", "f.dot", "f.tex", "f.html", "dot", "called"}


@pytest.mark.slow
def test_png_and_pdf_where_fonts_are_and_are_not(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_dot(tmp_path, "print({'-Tpdf': '%PDF /FontFile', '-Tpng': 'png!'}[sys.argv[1]])")
    draw(xyz()).save(tmp_path / "f.png")
    draw(xyz()).save(tmp_path / "f.pdf")
    assert (tmp_path / "f.png").read_bytes() == b"png!\n"
    fake_dot(tmp_path, "print('/FontFile', sys.argv[1], sys.stdin.read())")
    draw(xyz()).save(tmp_path / "f.pdf")
    assert "bgcolor=white" in (paper := (tmp_path / "f.pdf").read_text())
    assert "dpi" not in paper
    draw(xyz()).save(tmp_path / "g.png")
    assert "bgcolor=white" in (paper := (tmp_path / "g.png").read_text())
    assert "dpi=192" in paper
    fake_dot(tmp_path, "print('%PDF without')")
    with pytest.raises(RuntimeError, match=r"no font to write png.*svg.*fonts-dejavu"):
        draw(xyz()).save(tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes() == b"png!\n", "the file that was there stays"


@pytest.mark.slow
def test_a_machine_without_any_font_is_told_so(tmp_path):
    (tmp_path / "fonts.conf").write_text("<fontconfig></fontconfig>")
    code = "import sys; from microgradnn import *\nfor path in sys.argv[1:]: draw(Value(1.0, 'x') * 2).save(path)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f.svg"), str(tmp_path / "f.png")], capture_output=True, text=True,
        env={**os.environ, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf"), "PATH": ""},
    )  # fmt: skip
    assert done.returncode != 0
    assert "no font to write png" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"fonts.conf", "f.svg"}


@pytest.mark.slow
def test_nothing_is_written_to_the_terminal(tmp_path):
    code = "import sys; from microgradnn import *; draw(Value(1.0, 'x') * 2).save(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f.svg")],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": ""},
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_failing_dot_program_is_quoted_and_reprs_fall_back_to_text(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_dot(tmp_path, "sys.exit('out of ink')")
    with pytest.raises(RuntimeError, match="out of ink"):
        draw(xyz()).svg()
    assert xyz()._repr_mimebundle_() == {
        "text/plain": "Value(data=-12.0, grad=0.0)\n(no picture: dot failed to draw the picture: out of ink)"
    }
    assert "text/html" not in steps(xyz())._repr_mimebundle_()
    assert "text/html" not in draw(xyz())._repr_mimebundle_()


def test_where_the_library_cannot_be_loaded_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "pygraphviz.py").write_text("raise ImportError('libgobject-2.0.so.0: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)
    with pytest.raises(RuntimeError, match=r"\(libgobject-2\.0.*\): install the program dot \(Debian: apt"):
        draw(xyz()).svg()


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("f.gif", ValueError, "must end in .svg"),
        ("f", ValueError, "must end in .svg"),
        ("nowhere/f.svg", FileNotFoundError, "nowhere does not exist"),
        ("folder.svg", IsADirectoryError, "is a directory"),
    ],
)
def test_paths_that_cannot_be_written(path, error, words, tmp_path):
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(error, match=words):
        draw(xyz()).save(tmp_path / path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.svg"]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f.svg"
    path.write_text("old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        draw(xyz()).save(path)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("f.svg", "old")]


def test_what_is_no_value_is_refused():
    for function in (draw, steps, to_latex):
        with pytest.raises(TypeError, match="the end of a circuit"):
            function(3.0)
    with pytest.raises(ValueError, match="level is 0"):
        draw(xyz(), level=7)


def test_a_tweaked_digraph_shows(tmp_path):
    drawing = draw(xyz())
    drawing.digraph.attr(label="mine")
    assert ">mine<" in drawing.svg()


# ---- big graphs --------------------------------------------------------------------------------------------


def chain(gates):
    x = Value(1.0, "x")
    for number in range(gates):
        x = x * 1.0 if number % 2 else x + 0.0
    return x


def test_a_big_graph_folds_and_says_so():
    small, big = chain(100), chain(1000)
    assert not draw(small).folded
    assert draw(small, level=1).folded
    assert not draw(big, level=0).folded
    big.backward()
    svg = draw(big).svg()
    texts = [text.text.strip() for text in ET.fromstring(svg).iter(f"{SVG}text")]
    assert re.search("1,001 nodes folded into 2 boxes.*level=0", " ".join(texts))
    assert "(h + 0)·1, 500 times" in texts
    assert "gradients 1, rms 1" in texts


def test_no_box_leads_to_itself():
    x = Value(1.0)
    for _ in range(200):
        x = x + 1.0
    edges = [re.findall(r"b\d+", line)[:2] for line in draw(x).digraph.body if "->" in line]
    assert len(edges) == 1
    assert all(start != end for start, end in edges)


def test_jupyter_shows_equations_a_step_as_its_sentence_and_steps_as_a_picture_that_pdf_can_hold():
    equations, walked = to_latex(xyz()), steps(xyz())
    assert isinstance(equations, str)
    assert equations._repr_latex_().startswith(r"\begin{align*}")
    shown = walked._repr_mimebundle_()
    assert sorted(shown) == ["image/svg+xml", "text/html", "text/plain"]
    texts = [element.text for element in ET.fromstring(shown["image/svg+xml"]).iter(f"{SVG}text")]
    assert texts.count("−4") == 4  # z, and the gradients of q, x and y
    assert still_picture(shown["text/html"]) == shown["image/svg+xml"]


@pytest.mark.notebooks
def test_ipython_shows_equations_and_the_sentences_of_steps():
    from IPython.core.formatters import DisplayFormatter

    show = DisplayFormatter().format
    walked = steps(xyz())
    assert show(to_latex(xyz()))[0]["text/latex"].startswith(r"\begin{align*}")
    assert show(walked[0])[0] == {"text/plain": "q = x + y = (−2) + 5 = 3"}
    assert show(walked[2:4])[0] == {"text/plain": "[∂f/∂f = 1, ∂f/∂q += ∂f/∂f · ∂f/∂q = 1 × (−4) = −4]"}


def test_a_folded_drawing_in_jupyter_and_on_a_page(tmp_path):
    big = chain(1000)
    assert "folded" in big._repr_mimebundle_()["image/svg+xml"]
    assert steps(big)._repr_mimebundle_()["text/plain"] == "<2001 steps of f>"
    draw(big).save(tmp_path / "big.html")
    assert "Summary of a circuit" in (tmp_path / "big.html").read_text(encoding="utf-8")


@pytest.mark.one_engine
@pytest.mark.slow
def test_a_chain_of_a_million_gates_is_drawn_as_a_summary():
    assert "1,000,001 nodes folded" in draw(chain(1_000_000)).svg()


# ---- names --------------------------------------------------------------------------------------------------


def test_unnamed_gates_have_the_names_in_a_drawing_by_which_the_steps_speak_of_them():
    f = xyz() * 2
    for svg in (draw(f).svg(), still_picture(mg.drawing.steps_piece(steps(f)))):
        shown = [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]
        assert [shown.count(name) for name in steps(f).names.values()] == [1, 1, 1, 1, 1, 1]
    assert "u1" in steps(f).names.values()


def test_names_of_parameters_are_short_in_a_picture_as_far_as_they_differ_and_whole_in_its_tooltips():
    for module, shown, whole in (
        (mg.nn.Neuron(2), {"w₀", "w₁", "b"}, ["w[0]", "w[1]", "b"]),
        (mg.nn.Sequential(mg.nn.Layer(2, 1)), {"w₀₀", "w₀₁", "b₀"}, ["0.weight[0][0]", "0.weight[0][1]", "0.bias[0]"]),
        (mg.nn.MLP(1, [1, 1]), {"0.w₀₀", "0.b₀", "2.w₀₀", "2.b₀"}, ["0.weight[0][0]", "2.weight[0][0]"]),
    ):
        f = module([1.0, 2.0][: module.nin])
        f = f[0] if isinstance(f, list) else f
        root = ET.fromstring(draw(f).svg())
        assert shown <= {text.text for text in root.iter(f"{SVG}text")}
        titles = [title.text for title in root.iter(f"{SVG}title")]
        assert all(any(title.startswith(f"{name} = ") for title in titles) for name in whole)
        assert set(whole) <= set(steps(f).names.values())
    x = mg.nn.Neuron(1)
    taken = x([1.0])[0] + Value(1.0, "w₀")
    assert "w[0]" in [text.text for text in ET.fromstring(draw(taken).svg()).iter(f"{SVG}text")]


def test_the_library_is_not_asked_where_a_dot_program_is(engine):
    assert layout.render("digraph { a }", "svg").count(b"<svg") == 1


# ---- the stepper: what its script is given; the script itself is clicked through in a browser ---------------------


def shared():
    """A gate with two edges from one value, one with constants between its edges, and one with three edges."""
    x, y = Value(0.5, "x"), Value(-2.0, "y")
    return mg.maximum(x * x, 1.0, y, -3.0, x) * mg.dot([x, 2.0], [y, x], 1.0)


@pytest.mark.parametrize("circuit", [xyz, neuron, shared])
def test_each_step_highlights_its_gate_and_its_edges_in_the_picture(circuit):
    """Forward the gate with all edges into it, backward the one edge that the contribution goes along."""
    walked = steps(circuit())
    html = mg.drawing.steps_piece(walked)
    told = recorded_steps(walked)
    picture = ET.fromstring(still_picture(html))
    ids = {element.get("id").split("-", 2)[2] for element in picture.iter() if element.get("id")}
    nodes, along = {id(node): number for number, node in enumerate(walked.order)}, []
    assert [one["sentence"] for one in told] == [step.sentence for step in walked]
    for step, one in zip(walked, told, strict=True):
        gate, into = nodes[id(step.gate)], enumerate(step.gate.operands)
        assert (one["kind"], one["gate"]) == (step.kind, gate)
        assert ids.issuperset(one["parts"])
        if step.kind == "forward":
            edges = [f"e{gate}-{place}" for place, operand in into if isinstance(operand, Value)]
            assert one["parts"] == [f"g{gate}", f"o{gate}", f"w{gate}", *edges]
            assert one["value"] == digits(step.gate.data)
        elif step.kind == "seed":
            assert (one["parts"], one["after"]) == ([f"g{gate}", f"o{gate}", f"w{gate}"], "1")
        else:
            place = next(place for place, operand in into if operand is step.operand and (gate, place) not in along)
            along.append((gate, place))
            assert one["parts"] == [f"g{gate}", f"e{gate}-{place}", f"w{nodes[id(step.operand)]}"]
            assert (one["operand"], one["after"]) == (nodes[id(step.operand)], digits(step.after))


def test_the_stepper_and_the_drawing_of_one_circuit_find_each_their_own_place_on_a_page():
    f = xyz()
    f.backward()
    pieces = [one._repr_mimebundle_()["text/html"] for one in (draw(f), steps(f))]
    first, second = (re.search(r"querySelector\('\.([\w-]+):not", piece)[1] for piece in pieces)
    assert first != second
    assert [re.search('<div class="microgradnn-stepper ([^"]*)"', piece)[1] for piece in pieces] == [first, second]


@pytest.mark.parametrize(("path", "error"), [("f.svg", ValueError), ("nowhere/f.html", FileNotFoundError)])
def test_steps_are_saved_as_a_page_only(path, error, tmp_path):
    with pytest.raises(error, match=path):
        steps(xyz()).save(tmp_path / path)


# ---- a graph that is out of date --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 2])
def test_a_picture_that_is_out_of_date_says_so_and_shows_no_number_that_does_not_fit(level, tmp_path):
    f = xyz()
    f.backward()
    leaf = f.operands[1]
    leaf.data = 8.0
    complaint = "out of date: z was changed; f.forward() computes it anew"
    drawing = draw(f, level=level)
    svg = drawing._repr_mimebundle_()["image/svg+xml"]
    assert complaint in svg
    assert not {">−12<", ">3<", ">−4<"} & {f">{text}<" for text in ET.fromstring(svg).itertext()}
    for refused in (drawing.svg, lambda: drawing.save(tmp_path / "f.svg"), lambda: drawing.save(tmp_path / "f.html"),
                    lambda: to_latex(f), lambda: steps(f).save(tmp_path / "f.html")):  # fmt: skip
        with pytest.raises(ValueError, match=r"^out of date: z was changed; f\.forward\(\) computes it anew$"):
            refused()
    assert not list(tmp_path.iterdir())
    f.forward()
    assert complaint not in draw(f, level=level).svg()


def test_the_picture_of_a_value_in_jupyter_that_is_out_of_date_keeps_the_leaves():
    f = xyz()
    f.operands[1].data = 8.0
    svg = ET.fromstring(f._repr_mimebundle_()["image/svg+xml"])
    assert {"−2", "5", "8", "q"} <= set(svg.itertext())


# ---- layouts ----------------------------------------------------------------------------------------------------


def polynomial(uses):
    x = Value(0.5, "x")
    p = x
    for _ in range(uses - 1):
        p = p * x
    return p


def ids_of(drawing):
    root = ET.fromstring(drawing.svg())
    return {e.get("id").split("-", 2)[2]: e for e in root.iter(f"{SVG}g")}, root


def test_a_leaf_used_often_is_drawn_again_beside_each_use():
    f = polynomial(31)
    f.backward()
    groups, root = ids_of(draw(f))
    assert float(root.get("height").removesuffix("pt")) < 900
    copies = {name: group for name, group in groups.items() if "copy-of-w0" in group.get("class", "").split()}
    assert sorted(copies) == sorted(f"w0-{place}" for place in range(2, 31))
    for group in copies.values():
        assert group.find(f"{SVG}title").text == "the same x"
        assert [text.text for text in group.iter(f"{SVG}text") if text.get("class") == "value"] == ["0.5"]
        assert not any(text.text.strip() for text in group.iter(f"{SVG}text") if text.get("class") == "gradient")
    wires, symbols, _ = parsed(draw(f).svg())
    assert wires["x"] == ("0.5", digits(f.operands[1].grad))
    assert symbols == ["×"] * 30
    assert {f"e{gate}-{index}" for gate in range(1, 31) for index in (0, 1)} <= set(groups)


@pytest.mark.parametrize(("between", "again"), [(0, 0), (2, 0), (3, 1), (9, 1)])
def test_a_leaf_used_far_away_is_drawn_again_there(between, again):
    x = Value(0.5, "x")
    u = x * 2
    for _ in range(between):
        u = mg.tanh(u)
    groups, _ = ids_of(draw(u * x))
    assert sum("copy" in group.get("class", "").split() for group in groups.values()) == again


def test_both_edges_of_a_square_leave_from_one_place():
    x = Value(0.5, "x")
    f = mg.sum([x * x * number for number in range(2, 8)])
    sources = re.findall(r'"?(w0[-\d]*)"?:e -> (g\d+) \[', draw(f).digraph.source)
    assert len(sources) == 12
    assert len(set(sources)) == 6
    assert len({place for place, _ in sources}) == 6


def test_several_roots_in_one_picture(tmp_path):
    x, y = Value(2.0, "x"), Value(3.0, "y")
    q = x * y
    f, g = q + x, (q - y)
    g.name = "g"
    drawing = draw([f, g, f])
    assert repr(drawing) == f"[{f!r}, {g!r}]"
    wires, symbols, root = parsed(drawing.svg())
    assert set(wires) == {"x", "y", "u1", "f1", "g"}
    assert (wires["f1"], wires["g"]) == (("8", ""), ("3", ""))
    assert sorted(symbols) == ["+", "×", "−"]
    assert root.find(f"{SVG}title").text == "Circuit of f1 = 8, g = 3"
    g.backward()
    assert "x = 2.0, gradient 3.0" in draw((f, g)).svg()
    drawing.save(tmp_path / "f.html")
    assert "Circuit of f1 = 8, g = 3" in (tmp_path / "f.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"must end in \.svg"):
        drawing.save(tmp_path / "f.tex")
    x.data = 1.0
    with pytest.raises(ValueError, match="out of date: x was changed"):
        draw([g, f]).svg()


def test_several_roots_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="empty list"):
        draw([])
    with pytest.raises(TypeError, match="the end of a circuit, got float"):
        draw([xyz(), 3.0])
    with pytest.raises(ValueError, match=r"2 roots of 202 nodes are not folded.*level=0"):
        draw([chain(100), chain(100)])
    with pytest.raises(ValueError, match="not folded"):
        draw([xyz(), xyz()], level=2)


@pytest.mark.parametrize(("folded", "level"), [(False, None), (True, 2)])
def test_downwards(folded, level):
    f = neuron()
    f.backward()
    wide, tall = (ids_of(draw(f, level=level, direction=direction))[1] for direction in ("right", "down"))
    size = [[float(root.get(side).removesuffix("pt")) for side in ("width", "height")] for root in (wide, tall)]
    assert size[1][1] > size[0][1]
    assert size[1][0] < size[0][0]
    if not folded:
        assert parsed(ET.tostring(tall, encoding="unicode"))[0] == parsed(ET.tostring(wide, encoding="unicode"))[0]


def test_digits():
    f = neuron()
    f.backward()
    wires = parsed(draw(f, digits=2).svg())[0]
    assert (wires["f"], wires["u6"]) == (("0.73", "1"), ("0.37", "−0.53"))
    assert parsed(draw(Value(1.0) * 0.123456, digits=3).svg())[1] == ["×0.123"]
    assert "0.7310586" in "".join(ET.fromstring(draw(f, digits=7, level=2).svg()).itertext())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"direction": "up"}, '"right" or "down", got \'up\''),
        ({"direction": "down", "level": 1}, "neurons"),
        ({"digits": 0}, "from 1 to 17, got 0"),
        ({"digits": 18}, "from 1 to 17"),
        ({"digits": 3.0}, "from 1 to 17"),
        ({"digits": True}, "from 1 to 17"),
    ],
)
def test_other_layouts_are_refused(arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        draw(xyz(), **arguments)


def test_circles_are_of_one_size():
    f = neuron()
    circles = list(ET.fromstring(draw(f).svg()).iter(f"{SVG}ellipse"))
    assert len(circles) == 8
    assert len({(circle.get("rx"), circle.get("ry")) for circle in circles}) == 1

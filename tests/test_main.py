"""The command line: the figures of the notes, every option, and one clear line for whatever is wrong."""

from __future__ import annotations

import io
import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from microgradnn import __version__, engine
from microgradnn.__main__ import main
from microgradnn.drawing import ENDINGS
from microgradnn.parser import FUNCTIONS
from microgradnn.primitive import primitive, scratch_table

CIRCUIT = ["(x+y)*z", "x=-2", "y=5", "z=-4"]
WEIGHTS = ["w0=2", "w1=-3", "w2=-3", "x0=-1", "x1=-2"]
NEURON = ["1/(1+exp(-(w0*x0+w1*x1+w2)))", *WEIGHTS]
PACKED = ["sigmoid(w0*x0+w1*x1+w2)", *WEIGHTS]


def shell(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a shell does."""
    return subprocess.run(
        [sys.executable, "-m", "microgradnn", *arguments],
        input=text, capture_output=True, encoding="utf-8", timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip


@pytest.fixture
def refused(capsys):
    """Run `main` on arguments that it must refuse; give its one line without the name of the command."""

    def refused(*arguments: str) -> str:
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("microgradnn: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err.removeprefix("microgradnn: ").rstrip("\n")

    return refused


@pytest.fixture
def answer(capsys):
    """Run `main` on good arguments and give what it prints; `--json` comes back as data."""

    def answer(*arguments: str, status: int = 0):
        assert main(arguments) == status
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(out, parse_constant=pytest.fail) if "--json" in arguments else out

    return answer


# ---- the two circuits of note 000 ---------------------------------------------------------------------------


def test_first_command_of_the_readme() -> None:
    done = shell(*CIRCUIT)
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
f = (x+y)*z = −12

Forward: every gate with its value and its local derivatives
  gate   formula   value   local derivatives
  ────   ───────   ─────   ─────────────────────────
  u1     x + y         3   ∂u1/∂x = 1    ∂u1/∂y = 1
  f      u1 × z      −12   ∂f/∂u1 = −4   ∂f/∂z = 3

Backward: upstream gradient × local derivative, added up
  ∂f/∂f   = 1
  ∂f/∂u1 += ∂f/∂f · ∂f/∂u1   =  1 × (−4)  =  −4
  ∂f/∂z  += ∂f/∂f · ∂f/∂z    =  1 × 3     =  3
  ∂f/∂x  += ∂f/∂u1 · ∂u1/∂x  =  (−4) × 1  =  −4
  ∂f/∂y  += ∂f/∂u1 · ∂u1/∂y  =  (−4) × 1  =  −4

Gradients
  input   value   ∂f/∂input
  ─────   ─────   ─────────
  x          −2          −4
  y           5          −4
  z          −4           3
"""
    )


def test_neuron_as_text(answer) -> None:
    assert (
        answer(*NEURON)
        == """\
f = 1/(1+exp(-(w0*x0+w1*x1+w2))) = 0.7311

Forward: every gate with its value and its local derivatives
  gate   formula    value   local derivatives
  ────   ───────   ──────   ───────────────────────────────────
  u1     w0 × x0       −2   ∂u1/∂w0 = −1       ∂u1/∂x0 = 2
  u2     w1 × x1        6   ∂u2/∂w1 = −2       ∂u2/∂x1 = −3
  u3     u1 + u2        4   ∂u3/∂u1 = 1        ∂u3/∂u2 = 1
  u4     u3 + w2        1   ∂u4/∂u3 = 1        ∂u4/∂w2 = 1
  u5     −u4           −1   ∂u5/∂u4 = −1
  u6     exp(u5)   0.3679   ∂u6/∂u5 = 0.3679
  u7     1 + u6     1.368   ∂u7/∂u6 = 1
  f      1 / u7    0.7311   ∂f/∂u7 = −0.5344

Backward: upstream gradient × local derivative, added up
  ∂f/∂f   = 1
  ∂f/∂u7 += ∂f/∂f · ∂f/∂u7    =  1 × (−0.5344)       =  −0.5344
  ∂f/∂u6 += ∂f/∂u7 · ∂u7/∂u6  =  (−0.5344) × 1       =  −0.5344
  ∂f/∂u5 += ∂f/∂u6 · ∂u6/∂u5  =  (−0.5344) × 0.3679  =  −0.1966
  ∂f/∂u4 += ∂f/∂u5 · ∂u5/∂u4  =  (−0.1966) × (−1)    =  0.1966
  ∂f/∂u3 += ∂f/∂u4 · ∂u4/∂u3  =  0.1966 × 1          =  0.1966
  ∂f/∂w2 += ∂f/∂u4 · ∂u4/∂w2  =  0.1966 × 1          =  0.1966
  ∂f/∂u1 += ∂f/∂u3 · ∂u3/∂u1  =  0.1966 × 1          =  0.1966
  ∂f/∂u2 += ∂f/∂u3 · ∂u3/∂u2  =  0.1966 × 1          =  0.1966
  ∂f/∂w1 += ∂f/∂u2 · ∂u2/∂w1  =  0.1966 × (−2)       =  −0.3932
  ∂f/∂x1 += ∂f/∂u2 · ∂u2/∂x1  =  0.1966 × (−3)       =  −0.5898
  ∂f/∂w0 += ∂f/∂u1 · ∂u1/∂w0  =  0.1966 × (−1)       =  −0.1966
  ∂f/∂x0 += ∂f/∂u1 · ∂u1/∂x0  =  0.1966 × 2          =  0.3932

Gradients
  input   value   ∂f/∂input
  ─────   ─────   ─────────
  w0          2     −0.1966
  w1         −3     −0.3932
  w2         −3      0.1966
  x0         −1      0.3932
  x1         −2     −0.5898
"""
    )


def test_neuron_as_json(answer) -> None:
    document = answer(*NEURON, "--json")
    assert document["inputs"] == {"w0": 2, "w1": -3, "w2": -3, "x0": -1, "x1": -2}
    gates = document["gates"][3:]
    assert [gate["primitive"] for gate in gates] == ["add", "negative", "exp", "add", "divide"]
    assert [round(gate["value"], 2) for gate in gates] == [1, -1, 0.37, 1.37, 0.73]
    assert [round(gate["gradient"], 2) for gate in reversed(gates)] == [1, -0.53, -0.53, -0.20, 0.20]
    gradients = {name: round(gradient, 2) for name, gradient in document["gradients"].items()}
    assert gradients == {"w0": -0.20, "w1": -0.39, "w2": 0.20, "x0": 0.39, "x1": -0.59}
    assert round(document["value"], 4) == 0.7311
    assert gates[0]["operands"] == ["u3", "w2"]
    assert gates[-1] | {"value": 0, "partials": 0} == {
        "name": "f", "primitive": "divide", "formula": "1 / u7", "operands": [1.0, "u7"],
        "value": 0, "partials": 0, "gradient": 1.0,
    }  # fmt: skip


def test_packed_neuron_has_one_gate_and_the_same_gradients(answer) -> None:
    expanded, packed = answer(*NEURON, "--json"), answer(*PACKED, "--json")
    *_, last = packed["gates"]
    assert (last["primitive"], len(packed["gates"])) == ("sigmoid", len(expanded["gates"]) - 3)
    f = packed["value"]
    assert last["partials"] == pytest.approx([(1 - f) * f], rel=1e-14)
    assert packed["gradients"] == pytest.approx(expanded["gradients"], rel=1e-12)
    assert "f      sigmoid(u4)   0.7311   ∂f/∂u4 = 0.1966" in answer(*PACKED)


# ---- options -----------------------------------------------------------------------------------------------


def test_steps_can_be_left_out(answer) -> None:
    assert "Backward" not in answer(*CIRCUIT, "--no-steps")
    assert "steps" not in answer(*CIRCUIT, "--no-steps", "--json")


def test_steps_as_json(answer) -> None:
    steps = answer(*CIRCUIT, "--json")["steps"]
    assert [step["kind"] for step in steps] == ["forward"] * 2 + ["seed"] + ["backward"] * 4
    assert steps[-1] == {
        "kind": "backward", "gate": "u1", "operand": "y", "adjoint": -4, "partial": 1, "contribution": -4,
        "before": 0, "after": -4, "sentence": "∂f/∂y += ∂f/∂u1 · ∂u1/∂y = (−4) × 1 = −4",
    }  # fmt: skip


def test_hessian(answer) -> None:
    assert answer(*CIRCUIT, "--order", "2").endswith("""
Hessian: ∂²f by row and column
      x   y   z
  ─   ─   ─   ─
  x   0   0   1
  y   0   0   1
  z   1   1   0
""")
    assert answer("x**2*y", "x=2", "y=3", "--order=2", "--json")["hessian"] == {
        "x": {"x": 6.0, "y": 4.0}, "y": {"x": 4.0, "y": 0.0},
    }  # fmt: skip


def test_wide_hessian_comes_in_blocks(answer) -> None:
    names = [f"a{i}" for i in range(10)]
    lines = answer("*".join(names), *(f"{name}=2" for name in names), "--order", "2", "--no-steps").splitlines()
    assert max(map(len, lines)) <= 100
    rows = [line.split() for line in lines if line.startswith("  a0 ")]
    assert rows[-2:] == [["a0", "0", *["256"] * 7], ["a0", "256", "256"]]


def test_check_proves(answer) -> None:
    out = answer(*NEURON, "--check", "--order", "2")
    assert "in truth   difference   verdict" in out
    rows = [line.replace("−", "-").split()[1:] for line in out.splitlines() if line.startswith("  w0  ")]
    _, exact, numeric, difference = map(float, rows[0][:4])
    assert abs(exact - numeric) < 1e-15 > difference
    assert rows[0][4:] == ["right,", "by", "proof"]
    assert "Check: every derivative is right." in out
    check = answer(*NEURON, "--check", "--json")["check"]
    assert check["agrees"] is True
    assert set(check["verdicts"].values()) == {"right"}
    assert check["numeric"] == pytest.approx(answer(*NEURON, "--json")["gradients"], rel=1e-15)


def test_the_number_shown_is_the_number_judged(answer) -> None:
    out = answer("sin(x)", "x=1e6", "--check")
    assert "0.9367521275   0.9367521275            0   right, by proof" in out


def test_check_catches_a_wrong_rule(answer, monkeypatch) -> None:
    with scratch_table():
        wrong = primitive("wrong", math.sin, lambda out, x: out)
        monkeypatch.setitem(FUNCTIONS, "sin", wrong)
        text = " ".join(answer("sin(x)", "x=1", "--check", status=1).split())
        assert "Check: the derivative by x = 1.0 is 0.84" in text
        assert "the rule of wrong(" in text
        assert answer("sin(x)", "x=1", "--check", "--json", status=1)["check"]["agrees"] is False


def test_check_at_a_kink_and_at_an_edge(answer) -> None:
    assert "x = 0.0 is at a kink: the slope is 0 on its left and 1" in answer("relu(x)", "x=0", "--check")
    document = answer("sqrt(x) + y", "x=0", "y=1", "--check", "--json", status=1)
    assert document["gradients"]["x"] == "inf"
    assert document["check"]["verdicts"] == {"x": "outside", "y": "right"}
    assert document["check"]["numeric"]["y"] == pytest.approx(1.0)


def test_json_is_strict(answer) -> None:
    document = answer("x*y", "x=inf", "y=-2", "--json", "--order", "2")
    assert (document["value"], document["gradients"]) == ("-inf", {"x": -2.0, "y": "inf"})
    assert answer("relu(x)", "x=nan", "--json")["value"] == "nan"


PAPER = (".png", ".pdf")  # these need a font, which a bare machine lacks


@pytest.mark.parametrize(
    "ending", [pytest.param(ending, marks=[pytest.mark.browser] * (ending in PAPER)) for ending in ENDINGS]
)
def test_save(answer, tmp_path, ending) -> None:
    path = tmp_path / f"f{ending}"
    assert answer(*CIRCUIT, "--save", str(path)).endswith(f"Saved {path}\n")
    start = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".dot": b"digraph", ".tex": b"", ".html": b"<!"}
    assert path.read_bytes()[:200].lstrip().lower().startswith(start[ending].lower())
    assert os.listdir(tmp_path) == [path.name]


def test_save_repeatedly_with_options_before_the_expression(answer, tmp_path) -> None:
    files = [tmp_path / name for name in ("a.svg", "b.html", "c.TEX")]
    answer("--json", *(f"--save={file}" for file in files), "--no-steps", *CIRCUIT)
    assert all(file.stat().st_size > 100 for file in files)
    assert "−12" in files[0].read_text(encoding="utf-8")


def examples(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("  microgradnn ")]


def test_help_and_version(answer) -> None:
    page = answer("--help")
    assert page == answer("-h")
    assert len(examples(page)) == 4
    assert max(map(len, page.splitlines())) <= 79
    assert page.isascii()
    assert answer("--version") == f"microgradnn {__version__}, engine {engine}\n"


def test_examples_of_the_help_run(answer, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for example in examples(answer("--help")):
        if " train " not in example:  # what it does is in test_demonstrations
            answer(*shlex.split(example)[1:])
    assert Path("neuron.svg").exists()


# ---- expressions ---------------------------------------------------------------------------------------------


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["-x+3", "x=1"], 2.0),
        (["-(x)", "x=-2"], 2.0),
        (["--x", "x=2"], 2.0),
        (["--x-y", "x=2", "y=1"], 1.0),
        (["-h", "h=3"], -3.0),
        (["--", "-x", "x=1"], -1.0),
        (["-x**2", "x=3"], -9.0),
        (["x**-2", "x=2"], 0.25),
        (["2**-x", "x=1"], 0.5),
        (["x", "x=1e-3"], 0.001),
        (["+x*1_0", "x= 2 "], 20.0),
        (["3*x0 - .5", "x0=2"], 5.5),
        (["θ*2", "θ=1.5"], 3.0),
        (["ﬁ+1", "fi=1"], 2.0),  # a ligature: names are compared as Python compares them
        (["lambda_*2", "lambda_=1"], 2.0),
        (["f*u1", "f=2", "u1=3"], 6.0),
        (["exp(exp)", "exp=0"], 1.0),
        (["1 + 2", "--order", "2", "--check"], 3.0),
        (["mean(x, 2, 6)", "x=1"], 3.0),
        (["dot(w0, w1, x0, x1, 1)", "w0=2", "w1=-3", "x0=-1", "x1=-2"], 5.0),
        (["dot(a, b)", "a=2", "b=3"], 6.0),
        (["leaky_relu(x) + leaky_relu(x, 0.5)", "x=-1"], -0.51),
        (["where(x, 1, 2) + maximum(x, 0, 3)", "x=-1"], 5.0),
        (["abs(x) + sum(x, x, 1) + hypot(3, 4) + atan2(0, 1)", "x=-1"], 5.0),
    ],
)
def test_values(answer, arguments, value) -> None:
    assert answer("--json", *arguments)["value"] == pytest.approx(value, rel=1e-15)
    assert answer(*arguments)


def test_statements_name_the_results_in_text_json_and_pictures(answer, tmp_path) -> None:
    statements = ("q = x + y;\n E = q*z", "x=-2", "y=5", "z=-4")
    text = answer(*statements, "--save", str(tmp_path / "E.svg"), "--order", "2", "--check")
    assert text.startswith("E = q*z = −12\n")
    assert "∂E/∂x += ∂E/∂q · ∂q/∂x  =  (−4) × 1  =  −4" in text
    assert "Check: every derivative is right." in text
    assert {"q", "E"} <= set(re.findall(r">(\w+)</text>", (tmp_path / "E.svg").read_text(encoding="utf-8")))
    document = answer(*statements, "--json")
    assert document["expression"] == "q = x + y;\n E = q*z"
    assert [gate["name"] for gate in document["gates"]] == ["q", "E"]
    assert answer("q = x + y; q*z;", *statements[1:]).startswith("f = q*z = −12\n")


@pytest.mark.slow
def test_standard_input() -> None:
    done = shell("-", "x=-2", "y=5", "z=-4", "--no-steps", text="\n(x+y)\n\t* z\n")
    assert done.stdout.startswith("f = (x+y) * z = −12\n")


def test_deep_and_wide_expressions(answer) -> None:
    assert answer("+".join(["x"] * 500), "x=1", "--json")["gradients"] == {"x": 500.0}
    assert answer("-" * 1000 + "x", "x=1", "--json", "--no-steps")["value"] == 1.0
    assert answer(f"sum({','.join(['x'] * 3_000)})", "x=1", "--json", "--no-steps")["value"] == 3_000.0


# ---- what is refused --------------------------------------------------------------------------------------------

WRONG = [
    # expression, values, what the line says
    ("siin(x)", "x=1", "column 1: there is no function siin: did you mean sin"),
    # values
    ("x", "x=abc", "x=abc: 'abc' is not a number"),
    ("x", "x=", "x=: '' is not a number"),
    ("x", "x=1=2", "x=1=2: '1=2' is not a number"),
    ("x", "x=1e999", "x=1e999: the number is too large"),
    ("x", "x=0x10", "x=0x10: "),
    ("x", "x", "'x' is not a value: write NAME=NUMBER"),
    ("x", "=1", "'=1' is not a value"),
    ("x", "2x=1", "'2x=1' is not a value"),
    ("x", "lambda=1", "lambda is a word of Python: choose another name"),
    ("x", "x=1 x=2", "x is given twice"),
    ("x=1", "x*2", "'x*2' is not a value: write NAME=NUMBER, and the expression first"),
    # options
    ("x", "x=1 --order 3", "--order is 1 or 2, got '3'"),
    ("x", "x=1 --order", "--order is 1 or 2, got ''"),
    ("x", "x=1 --check=yes", "--check=yes must be --check alone"),
    ("x", "x=1 --verbose", "unknown option --verbose; known: --save, --order, "),
    ("--verbose", "x x=1", "unknown option --verbose"),
    ("x", "x=1 --save", "cannot save '': the name must end in .svg, "),
    ("x", "x=1 --save f.bmp", "cannot save 'f.bmp': the name must end in .svg, "),
    ("x", "x=1 --save nowhere/f.svg", "cannot write nowhere/f.svg: the directory nowhere does not exist"),
]  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("expression", "values", "line"), WRONG, ids=range(len(WRONG)))
def test_refused_in_one_line(refused, expression, values, line) -> None:
    assert refused(expression, *values.split()).startswith(line)


def test_nothing_to_do(refused) -> None:
    assert refused("--json") == 'give an expression, for example "(x+y)*z" x=-2 y=5 z=-4; --help tells more'


def test_the_command_alone_shows_a_short_usage_with_an_example_that_runs(capsys, answer) -> None:
    assert main([]) == 2
    out, page = capsys.readouterr()
    assert out == ""
    assert page.startswith("usage: microgradnn EXPRESSION [NAME=NUMBER ...] [options]\n")
    assert "microgradnn --help" in page
    assert len(page.splitlines()) < 15
    assert max(map(len, page.splitlines())) <= 79
    assert page.isascii()
    assert answer(*shlex.split(examples(page)[0])[1:]).endswith("z          −4           3\n")
    done = shell()
    assert (done.returncode, done.stderr) == (2, page)


def test_long_lines_are_cut(refused) -> None:
    assert len(refused("x", "x=" + "a" * 90_000)) < 420
    assert len(refused("dot(" + "1e300*1e300," * 50 + "1)")) < 420


def test_unwritable_places_are_refused_before_anything_is_written(refused, tmp_path) -> None:
    (tmp_path / "d.svg").mkdir()
    (tmp_path / "file").touch()
    first = f"--save={tmp_path / 'first.svg'}"
    assert refused(*CIRCUIT, first, f"--save={tmp_path / 'd.svg'}").endswith("it is a directory")
    assert "does not exist" in refused(*CIRCUIT, first, f"--save={tmp_path / 'file' / 'f.svg'}")
    assert "must end in" in refused(*CIRCUIT, first, f"--save={tmp_path / 'f'}")
    assert sorted(os.listdir(tmp_path)) == ["d.svg", "file"]


def test_no_file_for_a_wrong_expression(refused, tmp_path) -> None:
    refused("1/x", "x=0", "--save", str(tmp_path / "f.svg"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", [OSError, RuntimeError, ValueError])
def test_a_drawing_that_fails(refused, monkeypatch, tmp_path, kind) -> None:
    def fail(self, path) -> None:
        raise kind("no fonts here,\nnot one")

    monkeypatch.setattr("microgradnn.drawing.Drawing.save", fail)
    assert refused(*CIRCUIT, "--save", str(tmp_path / "f.png")) == "no fonts here, not one"


# ---- a process among others ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_errors_in_the_shell() -> None:
    done = shell("log(x)", "x=0")
    assert (done.returncode, done.stdout) == (2, "")
    words = "math domain error" if sys.version_info < (3, 14) else "expected a positive input, got 0.0"
    assert done.stderr == f"microgradnn: column 1: log(x=0.0): {words}\n"


@pytest.mark.parametrize("text", [b"", b"x\xff", b"x\0", b"1+" * 100_000], ids=["none", "no UTF-8", "NUL", "long"])
def test_bad_standard_input(text, refused, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text), encoding="utf-8"))
    refused("-")


@pytest.mark.slow
def test_closed_pipe() -> None:
    arguments = [sys.executable, "-m", "microgradnn", "+".join(["x"] * 1000), "x=1"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_interrupt(monkeypatch, capsys) -> None:
    def interrupt(size: int) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin.read", interrupt)
    assert main(["-"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16"])
def test_terminals_of_other_encodings(encoding, monkeypatch) -> None:
    outputs = []
    for more in ([], ["--json"]):
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
            assert main(["exp(θ)*x", "θ=1", "x=-2", *more]) == 0
            sys.stdout.flush()
            outputs.append(sys.stdout.buffer.getvalue().decode(encoding))
    assert "f      u1 * x" in outputs[0] or "f      u1 × x" in outputs[0]
    assert json.loads(outputs[1])["inputs"] == {"θ": 1.0, "x": -2.0}


@pytest.mark.slow
def test_plain_locale() -> None:
    done = shell(*CIRCUIT, LC_ALL="C", LANG="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "df/dx  += df/du1 * du1/dx  =  (-4) * 1  =  -4" in done.stdout


def test_the_installed_command() -> None:
    command = Path(sys.executable).with_name("microgradnn")
    done = subprocess.run([command, "--version"], capture_output=True, encoding="utf-8", timeout=60)
    assert done.stdout == f"microgradnn {__version__}, engine {engine}\n"


# ---- colours and the page ----------------------------------------------------------------------------------------


def test_on_a_terminal_forward_is_green_and_backward_red(capsys, monkeypatch):
    assert main(CIRCUIT) == 0
    plain = capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main(CIRCUIT) == 0
    coloured = capsys.readouterr().out
    assert re.sub("\x1b\\[[0-9]*m", "", coloured) == plain
    green, red = (re.findall(f"\x1b\\[{code}m(.*?)\x1b\\[0m", coloured) for code in (32, 31))
    assert [line.split()[0] for line in green] == ["gate", "────", "u1", "f"]
    assert red[0].startswith("∂f/∂f")
    assert red[-1].startswith("z ")
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(CIRCUIT) == 0
    assert capsys.readouterr().out == plain


def test_open_shows_the_page_or_says_where_it_is(capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or len(opened) == 1)
    assert main([*CIRCUIT, "--open"]) == 0
    page = Path(unquote(urlsplit(opened[0]).path))
    assert "microgradnn-stepper" in page.read_text(encoding="utf-8")
    capsys.readouterr()
    assert main([*CIRCUIT, "--open"]) == 2
    assert re.search(r"there is no browser to open .*circuit\.html with", capsys.readouterr().err)
    for address in opened:
        shutil.rmtree(Path(unquote(urlsplit(address).path)).parent)

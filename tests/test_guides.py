"""The guides, which are prefaces of modules, are true: what their doctests do not run is run here.

Doctests leave out what writes files and what needs more than the extra [test].
"""

import doctest
import re
import shlex
from pathlib import Path

import pytest

import microgradnn
from microgradnn import draw, functional, nn
from microgradnn.__main__ import main
from tests.guides import ROOT, blocks, commands, guide
from tests.test_drawing import neuron, parsed, xyz

SAVING = ["drawing/__init__", "nn/__init__", "compiler/__init__"]
COMMANDS = [(command, said) for command, said in commands(guide("microgradnn/__main__.py")) if " train " not in command]
DIGITS = next(pair for pair in commands(guide("microgradnn/__main__.py")) if " train " in pair[0])


def block(path, word):
    """The literal block of a guide in which a word stands."""
    (found,) = (block for block in blocks(guide(path)) if word in block)
    return found


def ran(code, scope=None):
    """The names that a block of code leaves behind."""
    scope = {} if scope is None else scope
    exec(code, scope)  # noqa: S102  our own guides
    return scope


@pytest.mark.parametrize("name", SAVING)
def test_what_a_guide_saves_is_saved(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = guide(f"microgradnn/{name}.py")
    example = doctest.DocTestParser().get_doctest(text.replace("  # doctest: +SKIP", ""), {}, name, name, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(example)
    assert runner.summarize(verbose=False).failed == 0
    named = set(re.findall(r"save\(\"([^\"]+)\"\)", "\n".join(re.findall(r"^>>> .*", text, re.MULTILINE))))
    assert {path.name for path in tmp_path.iterdir()} == named


def test_every_other_doctest_that_saves_is_among_those():
    skipping = {
        path.relative_to(ROOT / "microgradnn").with_suffix("").as_posix()
        for path in (ROOT / "microgradnn").rglob("*.py")
        if "+SKIP" in (guide(path) or "")
    }
    assert skipping == set(SAVING)


@pytest.mark.parametrize(("command", "said"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_the_commands_of_the_shell_print_what_stands_below_them(command, said, capsys):
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out == said


def test_there_are_commands():
    assert len(COMMANDS) == 2


@pytest.mark.slow
@pytest.mark.plot
@pytest.mark.sklearn
@pytest.mark.torch
def test_the_network_of_the_shell_learns_digits_and_pytorch_reads_the_weights(tmp_path, monkeypatch, capsys):
    """The last digits of a training may differ from machine to machine; the rest may not."""
    import torch

    from microgradnn import no_grad

    monkeypatch.chdir(tmp_path)
    command, said = DIGITS
    assert main(shlex.split(command)[1:]) == 0
    found, said = capsys.readouterr().out.splitlines(), said.splitlines()
    assert len(found) == len(said)
    blanked = [[re.sub(r"[\d.]+", "#", line) for line in lines] for lines in (found, said)]
    assert blanked[0] == blanked[1]
    assert found[:5] == said[:5]
    theirs = ran(block("microgradnn/nn/__init__.py", "load_file"))["model"]
    ours = nn.MLP(64, [32, 10], activation="tanh")
    ours.load("digits.safetensors")
    pixels = [[(place * row) % 17 / 16 for place in range(64)] for row in range(5)]
    with no_grad():
        outputs = [[logit.data for logit in logits] for logits in ours(pixels)]
    asked = theirs(torch.tensor(pixels, dtype=torch.float64)).tolist()
    assert asked == [pytest.approx(logits, abs=1e-12) for logits in outputs]
    assert Path("digits.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.torch
def test_a_backward_rule_of_pytorch_is_checked_as_the_guide_says():
    code = block("microgradnn/checks/__init__.py", "torch.autograd.Function")
    ran(code)
    with pytest.raises(AssertionError, match="was claimed to be 8"):
        ran(code.replace("return 3 * ", "return 2 * "))


@pytest.mark.plot
def test_trainings_are_drawn_as_the_guide_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_examples(guide("microgradnn/training/__init__.py"))
    scope = ran("".join(example.source for example in examples))
    ran(block("microgradnn/training/__init__.py", "plots"), scope)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.png", "regions.png"]


def test_the_guide_to_the_functions_names_them_all():
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`\n]+`", guide("microgradnn/functional.py")))))
    assert set(functional.__all__) <= named


def numbers_in(text):
    return set(re.findall(r"\d[\d,.]*\d|\d", text))


@pytest.mark.parametrize("path", ["microgradnn/native/__init__.py", "microgradnn/micrograd/__init__.py"])
def test_figures_of_speed_are_those_of_the_tables(path):
    tables = numbers_in((ROOT / "tests" / "benchmarks" / "README.md").read_text(encoding="utf-8"))
    said = numbers_in(" ".join(re.findall(r"^- [^\n]* is [^\n]* as fast.*(?:\n  .*)*", guide(path), re.MULTILINE)))
    assert said
    assert said <= tables


def test_promises_are_held_by_tests_that_exist():
    text = (ROOT / "microgradnn" / "PROMISES.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [a-z ]+ \| .+ \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) == 21
    assert [path for path in rows if not re.fullmatch(r"tests/test_\w+\.py", path) or not (ROOT / path).exists()] == []


# ---- pictures in the notebooks' folder, which the README and the site show ------------------------------------------


@pytest.mark.parametrize(("name", "circuit"), [("circuit", xyz), ("neuron", neuron)])
def test_pictures_of_circuits_show_the_figures_of_today(name, circuit):
    f = circuit()
    f.backward()
    committed = (ROOT / "notebooks" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert parsed(committed)[:2] == parsed(draw(f).svg())[:2]


def test_the_picture_of_a_program_is_that_of_today():
    model = nn.MLP(2, [16, 16, 1], rng=0)
    program = microgradnn.compile(
        lambda x, label: nn.hinge(model(x), label) + nn.l2(model, 1e-3), model.parameters(), example=([0.0, 0.0], 1)
    )
    committed = (ROOT / "notebooks" / "pictures" / "program.svg").read_text(encoding="utf-8")
    texts = [sorted(re.findall(r"<text[^>]*>([^<]+)<", svg)) for svg in (committed, program.draw().svg())]
    assert texts[0] == texts[1]
    assert any("16 × 17 · 17 × B" in text for text in texts[0])

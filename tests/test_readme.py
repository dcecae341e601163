"""The README is true: its Python runs, its commands print what stands below them, its pictures show these figures."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

import microgradnn
from microgradnn import draw, nn
from microgradnn.__main__ import main
from tests.test_drawing import neuron, parsed, xyz
from tests.test_layers import ORDER

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(
    r"^\$ (?:pip install \. && )?(microgradnn (?!train ).*)\n((?:(?!```).*\n)*)", README, re.MULTILINE
)


def test_its_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = "\n".join(re.findall(r"^```pycon\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    example = doctest.DocTestParser().get_doctest(blocks, {}, "README.md", "README.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(example)
    assert runner.summarize(verbose=False).attempted > 10
    assert runner.summarize(verbose=False).failed == 0


def test_it_opens_with_a_sentence_three_lines_and_the_circuit_to_explore():
    code, picture = r"```pycon\n(>>> [^\n]+\n){3}\n```", r"!\[[^\n]+\]\(notebooks/pictures/explorable\.png\)"
    opening = rf"# microgradnn\n\n[^\n]+\n\n{code}\n\n{picture}\n"
    assert re.match(opening, README)


def test_it_lists_every_public_function():
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`\n]+`", README))))
    assert set(microgradnn.functional.__all__) <= named


@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_its_commands_print_what_it_says(command, output, capsys):
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out == output


def trained_as_it_says(tmp_path, monkeypatch, capsys):
    """What `microgradnn train` printed, and what the README says; the files are in `tmp_path`."""
    command, said = re.search(r"^\$ microgradnn (train .*)\n((?:(?!```).*\n)*)", README, re.MULTILINE).groups()
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)) == 0
    return capsys.readouterr().out.splitlines(), said.splitlines()


@pytest.mark.slow
@pytest.mark.plot
@pytest.mark.sklearn
@pytest.mark.torch
def test_its_network_learns_digits_and_pytorch_reads_the_weights(tmp_path, monkeypatch, capsys):
    """The last digits of a training may differ from machine to machine; the rest may not."""
    import torch

    from microgradnn import no_grad

    found, said = trained_as_it_says(tmp_path, monkeypatch, capsys)
    assert len(found) == len(said)
    blanked = [[re.sub(r"[\d.]+", "#", line) for line in lines] for lines in (found, said)]
    assert blanked[0] == blanked[1]
    assert found[:5] == said[:5]
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (code,) = (block for block in blocks if "load_file" in block)
    scope = {}
    exec(code, scope)  # noqa: S102  our own README
    ours = nn.MLP(64, [32, 10], activation="tanh")
    ours.load("digits.safetensors")
    pixels = [[(place * row) % 17 / 16 for place in range(64)] for row in range(5)]
    with no_grad():
        outputs = [[logit.data for logit in logits] for logits in ours(pixels)]
    theirs = scope["model"](torch.tensor(pixels, dtype=torch.float64))
    assert theirs.tolist() == [pytest.approx(logits, abs=1e-12) for logits in outputs]
    assert Path("digits.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("name", "circuit"), [("circuit", xyz), ("neuron", neuron)])
def test_its_pictures_show_the_figures_of_today(name, circuit):
    f = circuit()
    f.backward()
    committed = (ROOT / "notebooks" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert parsed(committed)[:2] == parsed(draw(f).svg())[:2]


def test_its_picture_of_a_program_is_that_of_today():
    model = nn.MLP(2, [16, 16, 1], rng=0)
    program = microgradnn.compile(
        lambda x, label: nn.hinge(model(x), label) + nn.l2(model, 1e-3), model.parameters(), example=([0.0, 0.0], 1)
    )
    committed = (ROOT / "notebooks" / "pictures" / "program.svg").read_text(encoding="utf-8")
    texts = [sorted(re.findall(r"<text[^>]*>([^<]+)<", svg)) for svg in (committed, program.draw().svg())]
    assert texts[0] == texts[1]
    assert any("16 × 17 · 17 × B" in text for text in texts[0])


def numbers_in(text):
    return set(re.findall(r"\d[\d,.]*\d|\d", text))


def test_its_figures_of_speed_are_those_of_the_tables():
    speed = re.search(r"^## Speed\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)[1]
    said = numbers_in(re.sub(r"some \d+", "", speed))
    assert len(said) > 15
    assert said <= numbers_in((ROOT / "tests" / "benchmarks" / "README.md").read_text(encoding="utf-8"))


def test_its_rooms_stand_in_the_order_in_which_they_may_import():
    table = re.search(r"^\| room \|.*?(?=\n\n)", README, re.MULTILINE | re.DOTALL)[0]
    assert re.findall(r"\]\(microgradnn/(\w+)", table) == [room for room in ORDER if room != "__init__"]


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 15
    assert [link for link in links if not (ROOT / link).exists()] == []

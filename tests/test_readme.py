"""The README is true: its Python runs, its commands print what stands below them, its pictures show these figures."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from microgradnn import draw
from microgradnn.__main__ import main
from tests.test_drawing import neuron, parsed, xyz

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (?:pip install \. && )?(microgradnn .*)\n((?:(?!```).*\n)*)", README, re.MULTILINE)


def test_its_python_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = "\n".join(re.findall(r"^```pycon\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    example = doctest.DocTestParser().get_doctest(blocks, {}, "README.md", "README.md", 0)
    runner = doctest.DocTestRunner()
    runner.run(example)
    assert runner.summarize(verbose=False).attempted > 10
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_its_commands_print_what_it_says(command, output, capsys):
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out == output


@pytest.mark.parametrize(("name", "circuit"), [("circuit", xyz), ("neuron", neuron)])
def test_its_pictures_show_the_figures_of_today(name, circuit):
    f = circuit()
    f.backward()
    committed = (ROOT / "notebooks" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    assert parsed(committed)[:2] == parsed(draw(f).svg())[:2]


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 15
    assert [link for link in links if not (ROOT / link).exists()] == []

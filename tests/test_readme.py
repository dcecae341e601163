"""The README is true: its Python runs, its commands print what stands below them, its links lead somewhere."""

import doctest
import re
import shlex
from pathlib import Path

import pytest

from microgradnn.__main__ import main

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


def test_it_is_short_and_opens_with_three_sentences_three_lines_and_the_circuit_to_explore():
    words, code = r"([^\n]+\n)+", r"```pycon\n(>>> [^\n]+\n){3}\n```"
    picture = r"!\[[^\n]+\]\(notebooks/pictures/explorable\.png\)"
    opening = re.match(rf"# microgradnn\n\n({words})\n{code}\n\n{picture}\n", README)
    assert len(re.findall(r"\.\s", opening[1])) == 3
    assert len(README.encode()) <= 9000


@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_its_commands_print_what_it_says(command, output, capsys):
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out == output


def test_its_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []

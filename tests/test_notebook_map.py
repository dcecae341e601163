"""The map in notebooks/README.md is complete, and each of its links leads to a section that exists."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
LINK = re.compile(r"\[([^\]]+)\]\(([^)#\s]+)(?:#([^)\s]+))?\)")

# What each lecture note describes, counted: its topics, and one row for its misprints where it has some.
ROWS = {"000": 15, "001": 16, "002": 17, "003": 11, "004": 8}


def tables(text):
    """By the number of the note: the rows of its table, each a pair of cells."""
    found = {}
    for section in text.split("\n## Note ")[1:]:
        rows = re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE)
        assert rows[0] == ("the note", "the notebooks")
        found[section[:3]] = rows[1:]
    return found


def headings(name):
    """The headings of a notebook, as written; a `#` in a code block is none."""
    cells = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#{1,6} +(.*?) *$", prose, re.MULTILINE)


def anchor(heading):
    """The anchor of a heading as JupyterLab makes it: its text without the marks of emphasis and math, in hyphens."""
    return re.sub(r"[*`$_]", "", heading).replace(" ", "-")


def fault(label, target, place):
    """What is wrong with a link of the map, if anything: to a section of a notebook, or to a name in a module."""
    if target.startswith("../"):
        source = (FOLDER / target).read_text(encoding="utf-8") if (FOLDER / target).is_file() else ""
        defined = re.search(rf"^(def|class) {label.strip('`')}\b", source, re.MULTILINE)
        return None if defined and not place else "no such name there"
    if target not in NOTEBOOKS:
        return "no such notebook"
    number, _, heading = label.partition(" § ")
    if number != target[:2]:
        return "the label names another notebook"
    found = headings(target)
    if [anchor(one) for one in found].count(unquote(place or "")) != 1:
        return "no such section, or several"
    if heading not in found or anchor(heading) != unquote(place):
        return "the label is not the heading of that section"
    return None


def test_every_row_of_every_note_is_on_the_map():
    found = tables(README)
    assert {note: len(rows) for note, rows in found.items()} == ROWS
    for rows in found.values():
        assert len({what for what, _ in rows}) == len(rows)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("note", ROWS)
def test_every_row_links_to_sections_that_exist(note):
    for what, where in tables(README)[note]:
        assert all(LINK.fullmatch(link) for link in where.split(" <br> ")), what
        links = LINK.findall(where)
        assert any(target in NOTEBOOKS for _, target, _ in links), what
        assert len(set(links)) == len(links), what
        assert [(label, why) for label, *to in links if (why := fault(label, *to))] == [], what


def test_the_first_paragraph_names_every_notebook():
    opening = README.split("\n\n")[1]
    assert sorted(target for _, target, _ in LINK.findall(opening)) == NOTEBOOKS


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_table_of_the_order_says_what_each_notebook_says_that_it_needs(name):
    [needs] = re.findall(rf"^\| {name[:2]} .+? \| (.+?) \|", README.split("## If you are reading")[0], re.MULTILINE)
    opening = "".join(json.loads((FOLDER / name).read_text(encoding="utf-8"))["cells"][0]["source"])
    [said] = re.findall(r"^You need [^.]+", opening, re.MULTILINE)
    named = re.findall(r"notebooks? (\d(?:,? and \d)*)", said)
    assert [f"{int(n):02}" for n in re.findall(r"\d", " ".join(named))] == re.findall(r"\d\d", needs)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("[02 § 7. How does it look in matrices?](02_by_hand.ipynb#7.-How-does-it-look-in-matrices?)", None),
        ("[03 § 8. Can it check *my* homework?](03_is_it_right.ipynb#8.-Can-it-check-my-homework?)", None),
        ("[02 § 3. How much is due to w₁?](02_by_hand.ipynb#3.-How-much-is-due-to-w₁?)", None),
        ("[`mse`](../microgradnn/nn/losses.py)", None),
        ("[`no_loss`](../microgradnn/nn/losses.py)", "no such name there"),
        ("[`mse`](../microgradnn/nn/gains.py)", "no such name there"),
        ("[99 § 1. Why?](99_why.ipynb#1.-Why?)", "no such notebook"),
        ("[02 § Exercises](01_circuits.ipynb#Exercises)", "the label names another notebook"),
        ("[01 § Exercises](01_circuits.ipynb#exercises)", "no such section, or several"),
        ("[01 § Exercises](01_circuits.ipynb)", "no such section, or several"),
        ("[01 § Exercise](01_circuits.ipynb#Exercises)", "the label is not the heading of that section"),
    ],
)
def test_a_wrong_link_is_found_out(link, why):
    assert fault(*LINK.fullmatch(link).groups()) == why

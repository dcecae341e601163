"""The notebooks run afresh, show the figures of the notes, and their exercises tell right from wrong.

Each notebook is executed once, with trial answers put in behind every question. To renew the committed outputs:
`jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/*.ipynb`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from microgradnn.course import QUESTIONS

pytestmark = pytest.mark.notebooks

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))

FACTS = {name: import_module(f"tests.notebook_facts.n{name}") for name in NAMES}


def committed(name: str) -> Any:
    import nbformat

    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def tagged(notebook: Any, tag: str) -> list[Any]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def printed(cells: list[Any]) -> str:
    """What the cells printed, with single spaces."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return " ".join("".join(output.text for output in outputs if output.output_type == "stream").split())


QUESTION = re.compile(r'^check\("(\d\d\.[\w-]+)", (\w+)[,)]', re.MULTILINE)
PRELUDE = """import fractions, math, numpy, microgradnn
NAMES = {name: getattr(microgradnn, name) for name in microgradnn.__all__}
NAMES |= {"math": math, "np": numpy, "Fraction": fractions.Fraction}
"""  # what a trial answer may be written with, besides what the notebook has


def question(cell: Any) -> tuple[str, str]:
    """The key of the question that a cell checks, and the name of the answer."""
    [(key, answer)] = QUESTION.findall(cell.source)
    return key, answer


@cache
def executed(name: str) -> Any:
    """The notebook, run afresh with all trial answers; a trial's check cell carries them in its metadata."""
    import nbclient
    from nbformat.v4 import new_code_cell

    notebook = committed(name)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if not {"check", "guess"} & {*cell.metadata.get("tags", [])}:
            continue
        key, variable = question(cell)
        right, wrong = FACTS[name].ANSWERS[key]
        for answer in [*right, *wrong]:
            trial = {"question": key, "answer": answer, "right": answer in right}
            given = f"{variable} = eval({answer!r}, {{**NAMES, **globals()}})\n"
            checked = re.sub(rf"^{variable} = None.*\n", "", cell.source, flags=re.MULTILINE)
            cells.append(new_code_cell(PRELUDE + given + checked, metadata={"trial": trial}))
    notebook.cells = cells
    return nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


@pytest.mark.parametrize("name", NAMES)
def test_running_afresh_gives_the_figures_of_the_notes(name: str) -> None:
    text = printed([cell for cell in executed(name).cells if "trial" not in cell.metadata])
    assert [figure for figure in FACTS[name].FIGURES if figure not in text] == []
    assert "below 1e-12: False" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_outputs_show_the_same_figures_and_pictures(name: str) -> None:
    notebook = committed(name)
    text = printed(notebook.cells)
    assert [figure for figure in FACTS[name].FIGURES if figure not in text] == []

    def kinds(cells: list[Any]) -> list[list[list[str]]]:
        return [
            [sorted(output.get("data", {})) for output in cell.outputs if output.output_type != "stream"]
            for cell in cells
            if cell.cell_type == "code" and "trial" not in cell.metadata
        ]

    assert kinds(notebook.cells) == kinds(executed(name).cells)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    drawn = " ".join(output.data.get("image/svg+xml", "") for output in outputs)
    assert [figure for figure in FACTS[name].PICTURED if f">{figure}<" not in drawn] == []
    assert drawn or any("image/png" in output.data for output in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_outputs_are_complete_small_and_free_of_the_machine_that_made_them(name: str) -> None:
    notebook = committed(name)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)
    for output in outputs:
        output.get("data", {}).pop("image/png", None)  # base64 may spell anything
    text = json.dumps(outputs, ensure_ascii=False)
    assert str(ROOT) not in text
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|usr|opt|var|Users|private)/|\b[A-Z]:\\\\", text)
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < 500_000
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not any("execution" in cell.metadata for cell in code)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_ends_in_three_unanswered_exercises(name: str) -> None:
    notebook = committed(name)
    headings = re.findall(r"^#+ .*", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.M)
    assert [heading.split(":")[0] for heading in headings[-4:]] == [
        "## Exercises",
        *(f"### Exercise {i}" for i in "123"),
    ]
    assert [cell.source.split("  #")[0] for cell in tagged(notebook, "answer")] == [f"answer_{i} = None" for i in "123"]
    checks = tagged(notebook, "check")
    assert [question(cell) for cell in checks] == [(f"{name[:2]}.{i}", f"answer_{i}") for i in "123"]
    assert checks[-1] is notebook.cells[-1]
    assert all(printed([check]).startswith("Open: ") for check in checks)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_asks_where_an_idea_appears_and_all_its_questions_are_open(name: str) -> None:
    """A prediction and its check stand in one cell, before the cell that shows the answer."""
    notebook = committed(name)
    guesses = tagged(notebook, "guess")
    assert len(guesses) >= 3
    assert all(re.match(r"guess = None  # .+\ncheck\(", cell.source) for cell in guesses)
    assert all(printed([cell]).startswith("Open: ") for cell in guesses)
    asked = [question(cell)[0] for cell in notebook.cells if {"guess", "check"} & {*cell.metadata.get("tags", [])}]
    assert len(asked) == len(set(asked))
    assert set(asked) == set(FACTS[name].ANSWERS) == {key for key in QUESTIONS if key[:2] == name[:2]}


@pytest.mark.parametrize("name", NAMES)
def test_each_question_accepts_right_answers_and_rejects_wrong_ones(name: str) -> None:
    checks = [cell for cell in executed(name).cells if isinstance(cell.metadata.get("trial"), dict)]
    trials = [cell.metadata.trial for cell in checks]
    for key in FACTS[name].ANSWERS:
        assert {trial.right for trial in trials if trial.question == key} == {True, False}
    for check, trial in zip(checks, trials, strict=True):
        answered = printed([check])
        assert answered.startswith("Right!" if trial.right else "Not yet: "), (trial, answered)

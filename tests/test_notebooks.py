"""The notebooks run afresh, show the figures of the notes, and their exercises tell right from wrong.

Each notebook is executed once, with trial answers put in behind every check cell. To renew the committed outputs:
`jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/*.ipynb`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.notebooks

ROOT = Path(__file__).resolve().parent.parent
NAMES = ["01_circuits", "02_by_hand", "03_is_it_right"]

# What each notebook prints, white space aside: the figures of the lecture notes.
FIGURES = {
    "01_circuits": [
        "q = 3, f = -12",
        "df/df = 1 df/dq = -4 df/dz = 3 df/dx = -4 df/dy = -4",
        "∂f/∂x += ∂f/∂q · ∂q/∂x = (−4) × 1 = −4",
        "before: f = -12 after: f = -11.5924",
        "s 1.00 0.20 m -1.00 -0.20 e 0.37 -0.53 d 1.37 -0.53 f 0.73 1.00",
        "df/dw0 = -0.20 df/dw1 = -0.39 df/dw2 = 0.20 df/dx0 = 0.39 df/dx1 = -0.59",
        "(1 - f) f = 0.1966 local derivative = 0.1966",
        "df/dx1: eight gates -0.5898, five gates -0.5898",
        "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 3 = 3, together 6",
        "∂f/∂x += ∂f/∂u · ∂u/∂x = 6 × 1 = 6, together 14",
        "df/dx = 6.0 df/dx = 12.0 blanked first: 6.0",
    ],
    "02_by_hand": [
        "net_h1 = 0.3775 out_h1 = 0.593269992 out_h2 = 0.596884378",
        "net_o1 = 1.105905967 out_o1 = 0.751365070 out_o2 = 0.772928465",
        "E_o1 = 0.274811083 E_o2 = 0.023560026 E = 0.298371109",
        "dE/dout_o1 0.741365070 0.741365070",
        "dout_o1/dnet_o1 0.186815602 0.186815602",
        "delta_o1 0.138498562 0.138498562",
        "dE/dw5 0.082167041 0.082167041",
        "dE_o1/dout_h1 0.055399425 0.055399425",
        "dE_o2/dout_h1 -0.019049118 -0.019049118",
        "dE/dout_h1 0.036350306 0.036350306",
        "dout_h1/dnet_h1 0.241300709 0.241300709",
        "dE/dw1 0.000438568 0.000438568",
        "w1 = 0.149780716 w2 = 0.199561432 w3 = 0.249751144 w4 = 0.299502287",
        "w5 = 0.358916480 w6 = 0.408666186 w7 = 0.511301270 w8 = 0.561370121",
        "all at once 0.291027774 3.510188e-05 0.015913620 0.984064274",
        "outputs first 0.291027924 3.508479e-05 0.015912196 0.984065734",
        "w1 = 0.149817639",
        "-0.037089415388 -0.037089415388",
        *(f"{name} differs by" for name in ("theta0 (3, 4)", "b0 (1, 4)", "theta1 (4, 1)", "b1 (1, 1)")),
        *(f"{name} differs by" for name in ("dW (5, 10)", "dX (10, 3)")),
    ],
    "03_is_it_right": [
        "h = 0.001 one-sided 12.006001 centred 12.000001",
        "slope one-sided: 1.00 centred: 2.00",
        "engine 0.0 differences 0.5",
        "the slope is 0 on the left and 1 on the right",
        "engine 1.0 differences 0.6 relu at 2e-06: nothing to report",
        "(1 - f) f 0.0 differences 0.0 sigmoid gate 4.248354255291589e-18",
        "x**y at (0, 0): literally ZeroDivisionError engine (0.0, 0.0)",
        "x**y at (0, 1): literally ValueError engine (1.0, 0.0)",
        "softsign_as_printed at 3.0: nothing to report",
        "every_neuron_is_right( w=0.0, x=0.0, b=-0.5, )",
        "-0.5: -4.0 by backprop, 0.44444",
        "100 neurons, no counterexample",
        "∂f/∂v = 6 is wrong",
        "∂f/∂x = 8 is wrong",
        "250 500",
    ],
}

# What its pictures show.
PICTURED = {
    "01_circuits": ["−12", "−4", "0.7311", "−0.5344", "−0.1966", "−0.3932", "−0.5898", "×−1", "exp", "1/x", "σ", "max"],
    "02_by_hand": ["0.5933", "0.5969", "0.7514", "0.7729", "0.2748", "0.02356", "0.2984", "0.08217", "0.1385"],
    "03_is_it_right": [],
}

# For each exercise right answers, then wrong ones, as a student would type them.
ANSWERS: dict[str, list[tuple[list[str], list[str]]]] = {
    "01_circuits": [
        (["(2, 5, 0)", "[2.0, 5.0, 0.0]"], ["(2, 2, 0)", "(2, 3, 0)", "(2, 5)", "5", "'2, 5, 0'"]),
        (["(1, 5, 6)", "(-2, 8, 6)"], ["(6, 6, 6)", "(1, 5, 5)", "(3, 4, 6)", "(1, 2)", "'x'"]),
        (
            ["lambda x: 2 * sigmoid(2 * x) - 1", "lambda x: 1 - 2 * sigmoid(-2 * x)"],
            ["lambda x: 2 * sigmoid(x) - 1", "lambda x: x.tanh()", "lambda x: sigmoid(2 * x)", "2", "lambda: 1"],
        ),
    ],
    "02_by_hand": [
        (
            [
                "0.0187",
                "(delta_o1 * w5 + delta_o2 * w7) * h1 * (1 - h1) + (delta_o1 * w6 + delta_o2 * w8) * h2 * (1 - h2)",
            ],
            ["0.00877", "delta_o1 + delta_o2", "0.0185", "-0.0187", "0", "'b1'"],
        ),
        (
            ["lambda y_hat, y: (y_hat - y) * y_hat * (1 - y_hat)"],
            ["lambda y_hat, y: y_hat - y", "lambda y_hat, y: (y - y_hat) * y_hat * (1 - y_hat)", "0.5", "lambda y: y"],
        ),
        (
            ["lambda A, B, C, D_grad: A.T @ D_grad @ C.T"],
            ["lambda A, B, C, D_grad: A @ D_grad @ C", "lambda A, B, C, D_grad: 0 * B", "1"],
        ),
    ],
    "03_is_it_right": [
        (
            ["lambda x: sigmoid(x) + x * sigmoid(x) * sigmoid(-x)", "grad(lambda x: x * sigmoid(x))"],
            ["lambda x: sigmoid(x)", "lambda x: sigmoid(x) + x * sigmoid(x)", "0.5", "lambda: 1"],
        ),
        (["'c'"], ["'a'", "'b'", "'d'", "'e'", "3", "['c']"]),
        (
            ["lambda f, x, h: (4 * centred(f, x, h) - centred(f, x, 2 * h)) / 3",
             "lambda f, x, h: (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)"],
            ["centred", "one_sided", "lambda f, x, h: (centred(f, x, h) + centred(f, x, 2 * h)) / 2",
             "lambda f, x, h: f(x)", "4"],
        ),
    ],
}  # fmt: skip


def committed(name: str) -> Any:
    import nbformat

    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def tagged(notebook: Any, tag: str) -> list[Any]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def printed(cells: list[Any]) -> str:
    """What the cells printed, with single spaces."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return " ".join("".join(output.text for output in outputs if output.output_type == "stream").split())


@cache
def executed(name: str) -> Any:
    """The notebook, run afresh with all trial answers; a trial's check cell carries them in its metadata."""
    import nbclient
    from nbformat.v4 import new_code_cell

    notebook = committed(name)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell not in tagged(notebook, "check"):
            continue
        number = re.search(r"verdict\(answer_(\d)", cell.source)[1]  # type: ignore[index]  # each check has one
        right, wrong = ANSWERS[name][int(number) - 1]
        for answer in [*right, *wrong]:
            trial = {"exercise": number, "answer": answer, "right": answer in right}
            cells.append(new_code_cell(f"answer_{number} = {answer}", metadata={"trial": True}))
            cells.append(new_code_cell(cell.source, metadata={"trial": trial}))
    notebook.cells = cells
    return nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


@pytest.mark.parametrize("name", NAMES)
def test_running_afresh_gives_the_figures_of_the_notes(name: str) -> None:
    text = printed([cell for cell in executed(name).cells if "trial" not in cell.metadata])
    assert [figure for figure in FIGURES[name] if figure not in text] == []
    assert "below 1e-12: False" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_outputs_show_the_same_figures_and_pictures(name: str) -> None:
    notebook = committed(name)
    text = printed(notebook.cells)
    assert [figure for figure in FIGURES[name] if figure not in text] == []

    def kinds(cells: list[Any]) -> list[list[list[str]]]:
        return [
            [sorted(output.get("data", {})) for output in cell.outputs if output.output_type != "stream"]
            for cell in cells
            if cell.cell_type == "code" and "trial" not in cell.metadata
        ]

    assert kinds(notebook.cells) == kinds(executed(name).cells)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    drawn = " ".join(output.data.get("image/svg+xml", "") for output in outputs)
    assert [figure for figure in PICTURED[name] if f">{figure}<" not in drawn] == []
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
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < 400_000
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
    assert len(checks) == 3
    assert checks[-1] is notebook.cells[-1]
    assert all(printed([check]).startswith("Open: ") for check in checks)


@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_accepts_right_answers_and_rejects_wrong_ones(name: str) -> None:
    checks = [cell for cell in executed(name).cells if isinstance(cell.metadata.get("trial"), dict)]
    trials = [cell.metadata.trial for cell in checks]
    for exercise in "123":
        assert {trial.right for trial in trials if trial.exercise == exercise} == {True, False}
    for check, trial in zip(checks, trials, strict=True):
        answered = printed([check])
        assert answered.startswith("Right!" if trial.right else "Not yet"), (trial, answered)

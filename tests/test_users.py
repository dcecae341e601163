"""Programs as users of other packages write them: each prints here what it printed there.

`users/<package>/<name>.py` was written and run for that package before anybody looked at this one; `<name>.out` is what
it printed then. In the programs for micrograd and scikit-learn nothing but the imports was changed since; in those for
PyTorch and JAX lists stand in place of tensors, and what has no sense here, such as shapes, is left out of both; in one
`.out` of these the last number is ours (state_dict_early_stop, where two of PyTorch's optimisers share their memory).
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

USERS = Path(__file__).parent / "users"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
NEEDS = {"sklearn": pytest.mark.sklearn}


def program(path):
    """One program as a case, marked by what it needs."""
    text = path.read_text(encoding="utf-8")
    marks = [mark for package, mark in NEEDS.items() if package in text]
    return pytest.param(path, id=f"{path.parent.name}-{path.stem}", marks=marks)


PROGRAMS = [*map(program, sorted(USERS.glob("*/*.py")))]


def alike(printed, expected, tolerance=2e-6):
    """Whether two texts have the same words, and numbers that are the same to the digits that are printed."""
    if NUMBER.sub("#", printed) != NUMBER.sub("#", expected):
        return False
    numbers = zip(NUMBER.findall(printed), NUMBER.findall(expected), strict=True)
    return all(abs(float(x) - float(y)) <= tolerance * max(1.0, abs(float(y))) for x, y in numbers)


@pytest.mark.slow
@pytest.mark.parametrize("path", PROGRAMS)
def test_a_program_prints_what_it_printed_there(path):
    run = subprocess.run([sys.executable, path.name], capture_output=True, text=True, cwd=path.parent, timeout=300)
    assert run.returncode == 0, run.stderr
    assert alike(run.stdout, path.with_suffix(".out").read_text(encoding="utf-8"))


def test_there_are_programs_for_each_package():
    assert {path.parent.name for path in USERS.glob("*/*.py")} == {"jax", "micrograd", "sklearn", "torch"}


@pytest.mark.parametrize("printed", ["loss 0.250001 at 3", "loss 0.25 at 4", "loss: 0.25 at 3", "loss 0.25 at 3 again"])
def test_what_differs_is_noticed(printed):
    assert alike("loss 0.25 at 3", "loss 0.25 at 3")
    assert alike(printed, "loss 0.25 at 3") == (printed == "loss 0.250001 at 3")

"""MICROGRADNN_ENGINE chooses the engine when the package is imported: every choice is made in a process of its own."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.one_engine
BUILT = "native" if find_spec("microgradnn.native._core") else "python"
SAY = "import microgradnn, microgradnn.native; print(microgradnn.engine, microgradnn.native.core is None)"
MISSING = "import sys; sys.modules['microgradnn.native._core'] = None"
BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path, target=None):
        if name == "microgradnn.native._core":
            raise ImportError("undefined symbol: tanh")
sys.meta_path.insert(0, Broken())
"""


def run(asked, *program):
    """What a process prints in which `asked` is MICROGRADNN_ENGINE; None is unset."""
    environment = {name: value for name, value in os.environ.items() if name != "MICROGRADNN_ENGINE"}
    environment |= {} if asked is None else {"MICROGRADNN_ENGINE": asked}
    command = [sys.executable, "-c", "\n".join(program)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, timeout=60)


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("asked", "before", "engine"),
    [
        ("python", "", "python"), (None, "", BUILT), ("", "", BUILT),
        ("python", MISSING, "python"), (None, MISSING, "python"), ("python", BROKEN, "python"),
    ],
)  # fmt: skip
def test_the_engine_is_the_one_asked_for_or_else_the_native_one_where_it_is_built(asked, before, engine):
    assert run(asked, before, SAY).stdout == f"{engine} {engine == 'python'}\n"


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("asked", "before", "said"),
    [
        ("native", MISSING, "ImportError: MICROGRADNN_ENGINE is native, but the engine in C cannot be loaded (imp"),
        ("native", BROKEN, "MICROGRADNN_ENGINE is native, but the engine in C cannot be loaded (undefined sym"),
        (None, BROKEN, "ImportError: the engine in C cannot be loaded (undefined symbol: tanh)"),
        ("C", "", "ImportError: MICROGRADNN_ENGINE must be native or python, or unset, got 'C'"),
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_an_import_error(asked, before, said):
    done = run(asked, before, SAY)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    if "loaded" in said:
        assert "where there are a C compiler, Python's headers (Debian: python3-dev) and CPython" in done.stderr
        assert "MICROGRADNN_ENGINE=python runs" in done.stderr


@pytest.mark.slow
def test_the_command_says_which_engine_runs():
    done = run("python", "from microgradnn.__main__ import main; main(['--version'])")
    assert done.stdout.endswith(", engine python\n")

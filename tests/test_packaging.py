"""What an installation gets: the engine in C where it can be built, and otherwise the same package without it."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
ENGINE = "import microgradnn; print(microgradnn.engine)"
PURE = "microgradnn is built without its engine in C, as pure Python: "
WITHOUT_THE_GIL = 'import sysconfig\nsysconfig.get_config_vars()["Py_GIL_DISABLED"] = 1\n'


def run(*command, of=None, **variables):
    """What a command prints in an environment without MICROGRADNN_ENGINE, PYTHONPATH and CC of its own."""
    kept = {name: text for name, text in os.environ.items() if name not in ("MICROGRADNN_ENGINE", "PYTHONPATH", "CC")}
    done = subprocess.run(
        command, cwd=of, env=kept | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    if done.returncode:
        raise RuntimeError(done.stdout)
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an environment that has what a build needs, so that no build has to fetch it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    run(python, "-m", "pip", "install", "hatchling", "setuptools", "editables")
    return python


@pytest.fixture
def sources(tmp_path):
    """A copy of the repository, as a build may write beside the sources."""
    folder = tmp_path / "sources"
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    shutil.copytree(ROOT / "microgradnn", folder / "microgradnn", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    return folder


def pip(python, *arguments, **variables):
    return run(python, "-m", "pip", *arguments, "-v", "--no-deps", "--no-build-isolation", **variables)


def wheel(python, source, into, **variables):
    """Build a wheel of `source`; what was printed, the tag of the wheel, and its files."""
    printed = pip(python, "wheel", source, "-w", into, **variables)
    (path,) = into.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(into)
        names = archive.namelist()
    return printed, path.stem.split("-", 2)[2], names


def extensions(names):
    return [Path(name).name.partition(".")[0] for name in names if name.endswith((".so", ".pyd"))]


def test_a_wheel_has_the_engine_in_c_and_the_tag_of_its_interpreter(python, sources, tmp_path):
    printed, tag, names = wheel(python, sources, tmp_path / "wheel")
    assert re.match("cp{0}{1}-cp{0}{1}-(?!any)".format(*sys.version_info), tag)
    assert extensions(names) == ["_core"]
    assert not [name for name in names if name.endswith((".c", ".h", "native/build.py"))]
    assert {f"microgradnn/{name}" for name in ("native/__init__.py", "PROMISES.md", "CHANGELOG.md")} <= {*names}
    assert PURE not in printed
    assert run(python, "-P", "-c", ENGINE, PYTHONPATH=str(tmp_path / "wheel")) == "native\n"
    assert [path.name for path in sources.rglob("*") if extensions([path.name])] == []


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"CC": "/nowhere"}, "command '/nowhere' failed"), ({"CC": "false"}, "failed with exit code 1"),
        ({"MICROGRADNN_ENGINE": "python"}, "MICROGRADNN_ENGINE=python"),
        ({"PYTHONPATH": WITHOUT_THE_GIL}, "it needs CPython with the GIL"),
    ],
    ids=["no compiler", "a compiler that fails", "asked for", "no GIL"],
)  # fmt: skip
def test_a_wheel_without_it_is_pure_and_a_line_says_why(python, sources, tmp_path, variables, reason):
    if program := variables.get("PYTHONPATH"):
        (tmp_path / "sitecustomize.py").write_text(program)
        variables = {"PYTHONPATH": str(tmp_path)}
    printed, tag, names = wheel(python, sources, tmp_path / "wheel", **variables)
    assert tag == "py3-none-any"
    assert extensions(names) == []
    assert [reason in line for line in printed.splitlines() if PURE in line] == [True]
    assert run(python, "-P", "-c", ENGINE, PYTHONPATH=str(tmp_path / "wheel")) == "python\n"


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"MICROGRADNN_ENGINE": "native", "CC": "/nowhere"}, "command '/nowhere' failed"),
        ({"MICROGRADNN_ENGINE": "C"}, "MICROGRADNN_ENGINE must be native or python, or unset, got 'C'"),
    ],
)
def test_what_is_asked_for_and_cannot_be_built_is_an_error(python, sources, tmp_path, variables, reason):
    with pytest.raises(RuntimeError, match=re.escape(reason)):
        wheel(python, sources, tmp_path / "wheel", **variables)


def test_an_editable_install_builds_in_place_and_what_it_cannot_build_anew_is_gone(python, sources):
    before = set(sources.rglob("*"))
    pip(python, "install", "-e", sources)
    assert extensions(path.name for path in set(sources.rglob("*")) - before) == ["_core"]
    assert run(python, "-P", "-c", ENGINE) == "native\n"
    assert PURE in pip(python, "install", "-e", sources, CC="/nowhere")
    assert run(python, "-P", "-c", ENGINE) == "python\n"


def test_an_archive_of_the_sources_builds_and_holds_nothing_that_was_built(python, sources, tmp_path):
    (sources / "microgradnn" / "native" / "_core.abi3.so").write_bytes(b"")
    run(python, "-m", "hatchling", "build", "-t", "sdist", of=sources)
    (path,) = sources.glob("dist/*.tar.gz")
    with tarfile.open(path) as archive:
        names = archive.getnames()
    assert extensions(names) == []
    assert {"core.c", "build.py"} <= {Path(name).name for name in names if "/microgradnn/native/" in name}
    _, _, names = wheel(python, path, tmp_path / "wheel")
    assert extensions(names) == ["_core"]

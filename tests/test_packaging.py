"""What an installation gets: the engine in C where it can be built, and otherwise the same package without it.

What is marked `release` asks an index for packages: every Python from 3.11 on that is found installs the archive of the
sources and a pure wheel, and uses them; type checkers see the types; the oldest dependencies that are allowed do.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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


def copied(folder):
    """A copy of the repository, as a build may write beside the sources."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.so", "*.pyd")
    for name in ("microgradnn", "tests", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def sources(tmp_path):
    return copied(tmp_path / "sources")


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


def archive(python, sources):
    """Build the archive of the sources."""
    run(python, "-m", "hatchling", "build", "-t", "sdist", of=sources)
    (path,) = sources.glob("dist/*.tar.gz")
    return path


def test_an_archive_of_the_sources_builds_and_holds_all_but_what_was_built(python, sources, tmp_path):
    there = {str(path.relative_to(sources)) for path in sources.rglob("*") if path.is_file()}
    (sources / "microgradnn" / "native" / "_core.abi3.so").write_bytes(b"")
    path = archive(python, sources)
    with tarfile.open(path) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert names == there | {"PKG-INFO"}
    _, _, names = wheel(python, path, tmp_path / "wheel")
    assert extensions(names) == ["_core"]


def test_two_builds_in_two_places_are_the_same_bytes(python, tmp_path):
    archives, wheels = [], []
    for place in ("one", "another"):
        path = archive(python, copied(tmp_path / place))
        archives.append(path.read_bytes())
        wheel(python, path, path.parent)
        wheels.append(next(path.parent.glob("*.whl")).read_bytes())
    assert archives[0] == archives[1]
    assert wheels[0] == wheels[1]


def unnamed(requirements, notices):
    """The packages of which no line of a table of licences begins with the name."""
    firsts = [line.split("|")[1] for line in notices.splitlines() if line.startswith("|")]
    named = {name.strip() for first in firsts for name in first.split(",")}
    return [name for name in (re.match(r"[\w-]+", text)[0] for text in requirements) if name not in named]


def test_the_licence_of_all_that_is_installed_with_it_is_named():
    notices = (ROOT / "microgradnn" / "NOTICES.md").read_text(encoding="utf-8")
    extras = [text for name, extra in PROJECT["optional-dependencies"].items() if name != "site" for text in extra]
    asked = [text for text in PROJECT["dependencies"] + extras if not text.startswith("microgradnn[")]
    assert unnamed(asked, notices) == []
    assert unnamed(["numpy>=2", "nowhere>=1"], notices) == ["nowhere"]


# ---- what is given to the world -------------------------------------------------------------------------------------

release = pytest.mark.release
USED = "installed and used: microgradnn "
# What leans on NumPy, hypothesis, safetensors, Graphviz, tqdm, mpmath, matplotlib and scikit-learn, and takes seconds.
LEANING = ["trees", "init", "optim", "saving", "drawing", "demonstrations", "checks_strategies", "plots"]
LEANING = [f"tests/test_{name}.py" for name in LEANING] + ["tests/test_sklearn.py::test_training_is_scikit_learns"]


def pythons():
    """The Python that runs, and of the other versions that pyproject.toml names what pyenv or the PATH has."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for classifier in PROJECT["classifiers"]:
        if found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", classifier):
            paths = sorted(pyenv.glob(f"versions/{found[1]}.*/bin/python")) or [shutil.which(f"python{found[1]}")]
            if path := sys.executable if found[1] == "{}.{}".format(*sys.version_info) else paths[-1]:
                yield pytest.param(path, id=found[1])


PYTHONS = list(pythons())


@pytest.fixture(scope="module")
def dist(python, tmp_path_factory):
    """A folder with the archive of the sources and a pure wheel."""
    path = archive(python, copied(tmp_path_factory.mktemp("release") / "sources"))
    wheel(python, path, path.parent, MICROGRADNN_ENGINE="python")
    return path.parent


@release
def test_what_is_given_to_an_index_is_in_order(dist):
    printed = run(sys.executable, "-m", "twine", "check", "--strict", *dist.glob("*.tar.gz"), *dist.glob("*.whl"))
    assert printed.count("PASSED") == 2


def uv(*arguments, of=None, **variables):
    return run(sys.executable, "-m", "uv", "--quiet", *arguments, of=of, **variables)


def environment(folder, python):
    """An empty environment; its Python."""
    uv("venv", "--python", python, folder)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


@release
@pytest.mark.parametrize("of", PYTHONS)
def test_every_python_installs_and_uses_it(of, dist, tmp_path):
    python = environment(tmp_path / "environment", of)
    shutil.copy(ROOT / "tests" / "installed.py", tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    headers = run(python, "-c", "import sysconfig; print(sysconfig.get_path('include'))").strip()
    if Path(headers, "Python.h").is_file():
        uv("pip", "install", "--python", python, *dist.glob("*.tar.gz"), MICROGRADNN_ENGINE="native")
        assert USED in run(python, tmp_path / "installed.py", "native", of=empty)
    uv("pip", "install", "--python", python, "--reinstall-package", "microgradnn", *dist.glob("*-none-any.whl"))
    assert USED in run(python, tmp_path / "installed.py", "python", of=empty)
    with pytest.raises(RuntimeError, match="AssertionError"):
        run(python, tmp_path / "installed.py", "native", of=empty)


@release
def test_types_are_seen_by_mypy_and_pyright_in_the_project_of_a_user(dist, tmp_path):
    python = environment(tmp_path / "environment", sys.executable)
    uv("pip", "install", "--python", python, "mypy", *dist.glob("*-none-any.whl"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyrightconfig.json").write_text('{"reportUnnecessaryTypeIgnoreComment": "error"}')
    pyright = Path(os.environ["NODE_PATH"], ".bin", "pyright")
    checkers = [python, "-m", "mypy", "--strict", "use.py"], [pyright, "--pythonpath", python]
    use = (ROOT / "tests" / "typed_use.py").read_text(encoding="utf-8")
    (project / "use.py").write_text(use, encoding="utf-8")
    for checker in checkers:
        run(*checker, of=project)
    for wrong in ("whole: int = Value(2.0).data", "Value(2.0)  # type: ignore[arg-type]"):
        (project / "use.py").write_text(f"{use}{wrong}\n", encoding="utf-8")
        for checker in checkers:
            with pytest.raises(RuntimeError, match=rf"use\.py:{use.count(chr(10)) + 1}"):
                run(*checker, of=project)


@release
def test_the_oldest_releases_that_it_allows_do(tmp_path):
    python = environment(tmp_path / "environment", *PYTHONS[0].values)
    extras = [f"--extra={name}" for name in ("test", "plot", "sklearn")]
    uv("pip", "install", "--python", python, "--resolution", "lowest-direct", "-r", ROOT / "pyproject.toml", *extras)
    # Warnings are errors in what -k leaves out, and matplotlib 3.9 calls packages newer than it by old names.
    run(
        python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not stays_as_it_was",
        "-m", "not (browser or node or notebooks or torch or slow)", *LEANING, of=ROOT, MICROGRADNN_ENGINE="python",
    )  # fmt: skip

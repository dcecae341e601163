"""Commands that install what is missing work wherever the package itself came from."""

import importlib.metadata
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from microgradnn import Value, compile as compiled
from microgradnn.extras import install

ROOT = Path(__file__).parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


@pytest.mark.parametrize("extra", ["plot", "sklearn", "jax"])
def test_the_command_asks_for_what_the_extra_asks_for(extra):
    (requirement,) = EXTRAS[extra]
    package = re.match(r"[\w-]+", requirement)[0]
    assert shlex.split(install(package)) == ["pip", "install", requirement]


def test_a_package_with_a_longer_name_is_another_one(monkeypatch):
    wanted = ["scikit-learn-extra>=9", "jaxlib>=9; extra == 'jax'", "jax", "scikit-learn[all] >=1.6 ; extra == 'x'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: wanted)
    assert install("scikit-learn") == 'pip install "scikit-learn[all] >=1.6"'
    assert install("jax") == 'pip install "jax"'


def test_it_does_without_the_package_being_installed(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    assert install("scikit-learn") == "pip install scikit-learn"


def test_in_a_browser_micropip_installs(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["numpy>=2.0; sys_platform != 'emscripten'"])
    assert install("numpy") == 'await micropip.install("numpy>=2.0")'
    assert install("scikit-learn") == 'await micropip.install("scikit-learn")'


def test_without_jax_a_program_in_jax_says_what_to_install(monkeypatch):
    w = Value(2.0)
    program = compiled(lambda x: w * x, w, example=(0.0,))
    monkeypatch.setitem(sys.modules, "jax", None)
    for refused in (program.to_jax, lambda: compiled(lambda x: w * x, w, example=(0.0,), backend="jax")):
        with pytest.raises(ImportError, match=f"^programs in JAX need jax: {re.escape(install('jax'))}$"):
            refused()


def test_no_message_names_the_package_itself_which_an_index_may_not_have():
    sources = list((ROOT / "microgradnn").rglob("*.py"))
    assert len(sources) > 50
    assert [path.name for path in sources if re.search(r"pip install \W*microgradnn", path.read_text("utf-8"))] == []

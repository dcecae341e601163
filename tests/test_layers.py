"""Each module imports only from those above it, and importing the package stays light."""

import ast
import builtins
import subprocess
import sys
from pathlib import Path

import pytest

import microgradnn

PACKAGE = Path(microgradnn.__file__).parent
ORDER = [
    "native", "extras", "files", "hints", "reading", "trees", "primitive", "array_forms", "formulas", "intervals",
    "table", "wording", "graph", "context", "anomalies", "recorders", "sweep", "renewal", "copying", "operations",
    "value", "vectors", "settings", "notation", "latex", "functional", "calls", "backprop", "stepping", "bounds",
    "margins", "drawing", "worksheets", "compiler", "nn", "micrograd", "optim", "training", "checks", "saving", "plots",
    "watching", "sklearn", "demonstrations", "parser", "answer", "course", "__init__", "__main__",
]  # fmt: skip
HEAVY = ["numpy", "graphviz", "pygraphviz", "matplotlib", "jax", "torch", "hypothesis", "IPython"]
HEAVY += ["sklearn", "tqdm", "safetensors", "mpmath"]


def imported(source):
    """The rooms that some source imports, inside functions too; a public name of the package stands for all."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports within the package are written in full"
            whole = node.module == "microgradnn"
            modules = [f"microgradnn.{alias.name}" for alias in node.names] if whole else [node.module]
        else:
            continue
        for package, *rooms in (module.split(".") for module in modules):
            if package == "microgradnn":
                yield rooms[0] if rooms and rooms[0] in ORDER else "__init__"


def breaches(source, room):
    """The rooms that `room` imports and that are not above it; its own modules it may import."""
    return [name for name in imported(source) if ORDER.index(name) > ORDER.index(room)]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_import_only_from_above(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    assert room in ORDER, f"give {room} its place in ORDER"
    assert breaches(path.read_text(encoding="utf-8"), room) == []


@pytest.mark.parametrize(
    "source",
    [
        "from microgradnn.backprop import grad", "import microgradnn.backprop", "from microgradnn import backprop",
        "def f():\n    from microgradnn.backprop import grad", "from microgradnn import Value",
        "if True:\n    import microgradnn.nn.layers as layers", "import microgradnn",
    ],
)  # fmt: skip
def test_an_import_from_below_is_found(source):
    assert breaches(source, "functional")


def said_first(room):
    """The first line of the preface of a room; the list of rooms on the site is made of these."""
    path = PACKAGE / room / "__init__.py" if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def test_every_room_says_first_what_lives_there():
    lines = [said_first(room) for room in ORDER]
    assert [line for line in lines if len(line) < 60 or not line.endswith(".")] == []
    assert len({*lines}) == len(lines)


def test_import_leaves_heavy_libraries_alone():
    program = f"import sys, microgradnn; print([name for name in {HEAVY} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_star_import_shadows_no_builtin_and_every_public_name_exists():
    assert not set(microgradnn.__all__) & set(dir(builtins))
    assert all(hasattr(microgradnn, name) for name in microgradnn.__all__)
    assert microgradnn.__all__ == sorted(microgradnn.__all__, key=str)


def test_functions_of_the_specification_are_attributes_of_the_package():
    promised = """exp log log1p expm1 sqrt sin cos tan asin acos atan atan2 sinh cosh tanh sigmoid relu leaky_relu elu
        softplus softsign hardtanh erf abs sign step where maximum minimum dot sum mean logsumexp softmax
        grad value_and_grad jacobian hessian hvp jvp primitive steps check_grads Value no_grad
        detect_anomaly draw to_latex worksheet"""
    assert [name for name in promised.split() if not callable(getattr(microgradnn, name, None))] == []

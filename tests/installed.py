"""What users do first, by the Python of an environment that has the package: `python installed.py native`, or python.

It is run in an empty folder, so that nothing of the repository is imported, and raises where something is amiss.
"""

import importlib.metadata
import importlib.resources
import pickle
import subprocess
import sys
import sysconfig
from pathlib import Path

import microgradnn as mg
from microgradnn import Value, nn, optim


def printed(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def find(engine):
    """It is what was installed, with the engine that was asked for and all files that belong to it."""
    installed = Path(mg.__file__).parent
    assert str(installed.parent) in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")), installed
    assert mg.engine == engine, mg.engine
    assert mg.__version__ == importlib.metadata.version("microgradnn")
    files = importlib.resources.files(mg)
    assert mg.__version__ in files.joinpath("CHANGELOG.md").read_text(encoding="utf-8")
    assert files.joinpath("py.typed").is_file()
    assert not files.joinpath("native", "build.py").is_file()


def call(engine):
    """The command line, by both of its names; what it says of itself."""
    script = Path(sysconfig.get_path("scripts"), "microgradnn")
    for command in ([script], [sys.executable, "-m", "microgradnn"]):
        version = printed(*command, "--version").strip()
        assert version == f"microgradnn {mg.__version__}, engine {engine}", version
    assert "f = (x+y)*z = −12" in printed(script, "(x+y)*z", "x=-2", "y=5", "z=-4", "--save", "f.svg")
    assert "</svg>" in Path("f.svg").read_text(encoding="utf-8")
    return version


def use():
    """Look, trust and run."""
    w, x = Value(2.0, "w"), Value(-1.0, "x")
    f = (w * x + 3).sigmoid()
    f.backward()
    assert (round(w.grad, 4), round(x.grad, 4)) == (-0.1966, 0.3932)
    mg.check_grads(lambda w, x: (w * x + 3).sigmoid(), (2.0, -1.0), order=2)
    mg.draw(f).save("circuit.svg")
    mg.steps(f).save("f.html")
    assert pickle.loads(pickle.dumps(f)).data == f.data

    model = nn.MLP(2, [4, 1], rng=0)
    data = [[0.0, 1.0], [1.0, 0.0]], [1.0, -1.0]
    for compiled in (False, True):
        history = mg.fit(model, "mse", *data, optim.Adam(model.parameters()), 3, progress=False, compiled=compiled)
        assert history.loss[-1] < history.loss[0]
    model.save("model.safetensors")
    nn.MLP(2, [4, 1], rng=1).load("model.safetensors")


if __name__ == "__main__":
    find(*sys.argv[1:])
    use()
    print("installed and used:", call(*sys.argv[1:]), "on Python", sysconfig.get_python_version())

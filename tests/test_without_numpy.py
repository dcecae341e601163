"""Small networks where NumPy is not installed, as in a browser: programs that run in a Python that cannot import it.

They come to what they come to beside NumPy, where the generator is Python's own; test_play runs them in WebAssembly.
"""

import json
import re
import subprocess
import sys

import pytest

from microgradnn import fit, nn
from microgradnn.nn.init import PythonGenerator

START = """
import microgradnn
from microgradnn import *
from microgradnn import fit, nn, optim
rng = nn.init.PythonGenerator(3)
X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [-1, 1, 1, -1]  # exclusive or
def learn(model, loss, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        total = loss(model(X))
        total.backward()
        optimizer.step()
    return total
def rounded(numbers):
    return [round(x.data if isinstance(x, Value) else x, 9) for x in numbers]
"""
NETWORKS = {  # each leaves a text
    "exclusive or, of a seed": """
model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
adam = optim.Adam(model.parameters(), lr=0.1)
loss = learn(model, lambda out: nn.hinge(out, y) + nn.l2(model, 1e-4), adam, 100)
result = repr(([model(x).data > 0 for x in X], loss.data < 0.02))""",
    "exclusive or, by its numbers": """
model = nn.Sequential(nn.Linear(2, 4, rng=rng), nn.Tanh(), nn.Dropout(0.25, rng=rng), nn.Linear(4, 1, rng=rng))
sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
learn(model, lambda out: nn.mse(out, y), sgd, 20)
result = repr((rounded(model.parameters()), rounded(model.eval()(X))))""",
    "one example": "result = repr(rounded([nn.MLP(2, [4, 1], rng=rng)([0.5, -1.0]), *nn.Neuron(2, rng=rng)([1, 2])]))",
    "losses": """
out = [[Value(0.5), Value(-1.5)], [Value(2.0), Value(0.25)]]
shares = [[sigmoid(x) for x in row] for row in out]
losses = [
    nn.mse(out, X[:2]), nn.l1_loss(out, X[:2]), nn.huber(out, X[:2]), nn.hinge(out, [[1, -1], [-1, 1]]),
    nn.cross_entropy(out, [1, 0], weight=[1.0, 2.0]), nn.multiclass_hinge(out, [1, 0]),
    nn.binary_cross_entropy(shares, [[0, 1], [1, 0.5]], weight=[[1.0, 2.0], [3.0, 4.0]]),
    nn.binary_cross_entropy(out, [[0, 1], [1, 0.5]], from_logits=True), nn.kl_div(out, [[0.5, 0.5], [1.0, 0.0]]),
]
sum(losses).backward()
result = repr((rounded(losses), [rounded([x.grad for x in row]) for row in out]))""",
    "every initialiser": """
models = [nn.MLP(2, [3, 1], init=name, rng=rng) for name in nn.init.INITIALISERS]
result = repr([rounded(model.parameters()) for model in models])""",
    "other modules": """
model = nn.Sequential(nn.BatchNorm(2), nn.Maxout(2, 3, 2, rng=rng), nn.ReLU(), nn.PReLU())
learn(model, lambda out: nn.cross_entropy(out, [0, 1, 1, 2]), optim.AdamW(model.parameters(), lr=0.1), 5)
rows = nn.Embedding(3, 2, rng=rng)([2, 0])
result = repr((rounded(model.parameters()), rounded(model[0].running_mean), rounded(rows[0] + rows[1])))""",
    "seeds": """
same, other = nn.init.generator(5).normal(), nn.init.generator(None).random()
result = repr((nn.init.generator(5).normal() == same, nn.init.generator(None).random() == other))""",
}
REFUSED = {
    "fit": ("fit(nn.MLP(2, [1]), 'hinge', X, y, 'adam', 3)", "fit needs NumPy: pip install"),
    "compile": ("microgradnn.compile(lambda x: x * x, example=(1.0,))", "programs need NumPy: pip install"),
    "a negative seed": ("nn.Layer(2, 1, rng=-1)", "rng must be a whole number ≥ 0 or None, where NumPy is not"),
    "a seed in words": ("nn.Layer(2, 1, rng='a')", "rng must be a whole number ≥ 0 or None, .*, got 'a'"),
}
ALONE = """
import json, sys
sys.modules["numpy"] = None  # importing it raises ModuleNotFoundError
came_to = {}
for name, program in json.load(sys.stdin).items():
    names = {"__name__": "program"}
    try:
        exec(program, names)
        came_to[name] = names["result"]
    except Exception as error:
        came_to[name] = f"{type(error).__name__}: {error}"
print(json.dumps(came_to))
"""


def run(programs):
    """What each comes to without NumPy."""
    command, given = [sys.executable, "-c", ALONE], {name: START + program for name, program in programs.items()}
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, encoding="utf-8", check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def without():
    return run(NETWORKS | {f"refused {name}": program for name, (program, _) in REFUSED.items()})


def beside(program):
    """What it comes to in this Python."""
    names = {"__name__": "program"}
    exec(START + program, names)  # noqa: S102  a program of this file
    return names["result"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_to_the_same_without_numpy(without, name):
    assert without[name] == beside(NETWORKS[name])


def test_exclusive_or_is_learned(without):
    assert without["exclusive or, of a seed"] == "([False, True, True, False], True)"


def test_numpy_is_not_there_and_another_number_would_be_seen():
    came_to = run({"numpy": "import numpy", "number": "result = repr(rng.random())"})
    assert came_to["numpy"].startswith("ModuleNotFoundError")
    assert came_to["number"] != beside("result = repr(nn.init.PythonGenerator(4).random())")


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_numpy_says_so_with_the_remedy(without, name):
    kind = "TypeError" if "seed" in name else "ImportError"
    assert re.match(f"{kind}: {REFUSED[name][1]}", without[f"refused {name}"])


def test_what_began_without_numpy_trains_on_with_it():
    """By programs as by graphs, and a history keeps the state of the generator."""

    def losses(epochs, **settings):
        rng = PythonGenerator(0)
        model = nn.Sequential(nn.Linear(2, 4, rng=rng), nn.Dropout(0.5, rng=rng), nn.Linear(4, 1, rng=rng))
        return fit(model, "hinge", [[0, 1], [1, 1]], [1, -1], "adam", epochs, shuffle=False, **settings)

    whole = losses(6)
    assert losses(6, history=losses(3)).loss == whole.loss
    assert losses(6, compiled=True).loss == pytest.approx(whole.loss, rel=1e-12)
    assert len({*whole.loss}) == 6

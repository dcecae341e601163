"""Training networks of scalars: micrograd's demo, and one image of a digit; gate by gate in the peers, `nn` here.

Every engine starts from the same weights, and its loss and gradients are compared before anything is timed. An epoch
of digits stands beside PyTorch with tensors, for honesty: arrays are what scalars do not try to be.
"""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

from microgradnn import fit, nn, optim
from tests.benchmarks.harness import machine, medians, whole

Weights = list[tuple[list[list[float]], list[float]]]  # of each layer: rows and biases


class Step(NamedTuple):
    """A step of training: what to run and time, and the loss and gradients that it leads to."""

    run: Callable[[], Any]
    outcome: Callable[[], list[float]]


def weights(sizes: Sequence[int], seed: int = 0) -> Weights:
    """Rows drawn between ±1/√fan_in, and biases."""
    draw = random.Random(seed).uniform
    return [
        ([[draw(-1, 1) / math.sqrt(a) for _ in range(a)] for _ in range(b)], [draw(-0.1, 0.1) for _ in range(b)])
        for a, b in pairwise(sizes)
    ]


def loaded(sizes: Sequence[int], activation: str) -> nn.MLP:
    """Our network with the weights that all engines share."""
    model = nn.MLP(sizes[0], sizes[1:], activation)
    state = {}
    for place, (rows, biases) in enumerate(weights(sizes)):
        state |= {f"{2 * place}.weight": rows, f"{2 * place}.bias": biases}
    model.load_state_dict(state)
    return model


def scalars(leaf: Callable[[float], Any], sizes: Sequence[int]) -> list[Any]:
    """The same weights as leaves of another engine."""
    return [([list(map(leaf, row)) for row in rows], list(map(leaf, biases))) for rows, biases in weights(sizes)]


def gate_by_gate(layers: list[Any], activation: Callable[[Any], Any], x: Sequence[Any]) -> list[Any]:
    """A multi-layer perceptron of multiplications and additions, as micrograd's Neuron writes it."""
    for place, (rows, biases) in enumerate(layers):
        x = [sum((w * one for w, one in zip(row, x, strict=True)), b) for row, b in zip(rows, biases, strict=True)]
        if place < len(layers) - 1:
            x = [activation(one) for one in x]
    return list(x)


def listed(layers: list[Any]) -> list[Any]:
    """All leaves, in the order of `Module.parameters`."""
    return [leaf for rows, biases in layers for leaf in [*(w for row in rows for w in row), *biases]]


# ---- W2: a step of micrograd's demo: MLP(2, [16, 16, 1]), 100 moons, hinge loss and L2, SGD ------------------------

MOONS = [2, 16, 16, 1]
ALPHA, RATE = 1e-4, 1e-9  # the rate is tiny, so that every run steps from the same place


def moons() -> tuple[Any, Any]:
    """100 points and their labels, −1 or 1, as NumPy arrays: what the demo hands to micrograd."""
    from sklearn.datasets import make_moons

    X, y = make_moons(100, noise=0.1, random_state=0)  # noqa: N806
    return X, 2 * y - 1


def w2_microgradnn() -> Step:
    """The module, the loss, the penalty and the optimiser as shipped."""
    X, y = moons()  # noqa: N806
    model = loaded(MOONS, "relu")
    optimizer = optim.SGD(model.parameters(), lr=RATE)
    total: Any = None

    def run() -> None:
        nonlocal total
        total = nn.hinge(model(X), y) + nn.l2(model, 2 * ALPHA, biases=True)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    return Step(run, lambda: [total.data, *(parameter.grad for parameter in model.parameters())])


def w2_micrograd() -> Step:
    """The step of its demo notebook."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    return w2_demo(Value, MLP)


def w2_imports() -> Step:
    """The same step of the notebook, of which only the imports were changed."""
    from microgradnn.micrograd.engine import Value
    from microgradnn.micrograd.nn import MLP

    return w2_demo(Value, MLP)


def w2_demo(leaf: Callable[[float], Any], mlp: Callable[..., Any]) -> Step:
    """The step of micrograd's demo notebook, point by point."""
    X, y = moons()  # noqa: N806
    model = mlp(MOONS[0], MOONS[1:])
    for layer, (rows, biases) in zip(model.layers, weights(MOONS), strict=True):
        for neuron, row, bias in zip(layer.neurons, rows, biases, strict=True):
            neuron.w, neuron.b = list(map(leaf, row)), leaf(bias)
    parameters = listed([([n.w for n in layer.neurons], [n.b for n in layer.neurons]) for layer in model.layers])
    total: Any = None

    def run() -> None:
        nonlocal total
        scores = [model(list(map(leaf, x))) for x in X]
        losses = [(1 + -label * score).relu() for label, score in zip(y, scores, strict=True)]
        total = sum(losses) * (1.0 / len(losses)) + ALPHA * sum(p * p for p in parameters)
        model.zero_grad()
        total.backward()
        for parameter in parameters:
            parameter.data -= RATE * parameter.grad

    return Step(run, lambda: [total.data, *(parameter.grad for parameter in parameters)])


# ---- W3: one image, MLP(64, [32, 10]) with tanh, softmax and cross-entropy, forward and backward ---------------------

DIGITS = [64, 32, 10]
LABEL = 3


def image() -> list[float]:
    """A digit of 64 pixels."""
    from sklearn.datasets import load_digits

    return (load_digits().data[LABEL] / 16).tolist()  # type: ignore[no-any-return]


def w3_microgradnn() -> Step:
    """The module and the loss as shipped."""
    model, pixels = loaded(DIGITS, "tanh"), image()
    total: Any = None

    def run() -> None:
        nonlocal total
        total = nn.cross_entropy(model(pixels), LABEL)
        total.backward()

    return Step(run, lambda: [total.data, *(parameter.grad for parameter in model.parameters())])


def w3_of_gates(leaf: Any, exp: Any, log: Any, tanh: Any, number: Any) -> Step:
    """The same of another engine's multiplications, additions and functions."""
    layers, pixels = scalars(leaf, DIGITS), image()
    parameters = listed(layers)
    total: Any = None

    def run() -> None:
        nonlocal total
        exponentials = [exp(logit) for logit in gate_by_gate(layers, tanh, pixels)]
        total = -log(exponentials[LABEL] / sum(exponentials[1:], exponentials[0]))
        total.backward()

    return Step(run, lambda: [number(total), *(float(parameter.grad) for parameter in parameters)])


def w3_micrograd() -> Step:
    """micrograd, with exp, log and tanh, which the released version lacks, written the way its own gates are."""
    from micrograd.engine import Value

    def gate(name: str, function: Callable[[float], float], slope: Callable[[float, float], float]) -> Any:
        def record(x: Any) -> Any:
            out = Value(function(x.data), (x,), name)

            def _backward() -> None:
                x.grad += slope(x.data, out.data) * out.grad

            out._backward = _backward
            return out

        return record

    exp = gate("exp", math.exp, lambda x, out: out)
    log = gate("log", math.log, lambda x, out: 1 / x)
    tanh = gate("tanh", math.tanh, lambda x, out: 1 - out**2)
    return w3_of_gates(Value, exp, log, tanh, lambda total: total.data)


def w3_torch() -> Step:
    """PyTorch with 0-dimensional tensors in float64, one thread."""
    import torch

    torch.set_num_threads(1)
    leaf = partial(torch.tensor, dtype=torch.float64, requires_grad=True)
    return w3_of_gates(leaf, torch.exp, torch.log, torch.tanh, lambda total: total.item())


# ---- an epoch of digits, batches of 32 ------------------------------------------------------------------------------


def epoch_microgradnn(count: int) -> Callable[[], Any]:
    """`fit` for one epoch of the first `count` images."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)  # noqa: N806
    model = loaded(DIGITS, "tanh")
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    return lambda: fit(model, "cross_entropy", X[:count] / 16, y[:count], optimizer, 1, batch_size=32, progress=False)


def epoch_torch(count: int) -> Callable[[], Any]:
    """The same loop on tensors, eager, float64, one thread."""
    import torch
    from sklearn.datasets import load_digits

    torch.set_num_threads(1)
    data, target = load_digits(return_X_y=True)
    X, y = torch.tensor(data[:count] / 16), torch.tensor(target[:count])  # noqa: N806
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 10)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def run() -> None:
        for rows in torch.randperm(count).split(32):
            loss = torch.nn.functional.cross_entropy(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


# ---- the suite -----------------------------------------------------------------------------------------------------

Makers = dict[str, Callable[[], Step]]
WORKLOADS: dict[str, Makers] = {
    "W2": {"microgradnn": w2_microgradnn, "micrograd": w2_micrograd},
    "W2 by imports": {"microgradnn": w2_imports, "micrograd": w2_micrograd},
    "W3": {"microgradnn": w3_microgradnn, "micrograd": w3_micrograd, "PyTorch scalars": w3_torch},
}
Figures = dict[tuple[str, str, str], float]


def check_equal(steps: dict[str, Step]) -> None:
    """Run each step once; AssertionError where a loss or a gradient differs from ours."""
    ours: list[float] = []
    for name, step in steps.items():
        step.run()
        found = step.outcome()
        ours = ours or found
        assert len(found) == len(ours), f"{name}: {len(found)} figures, not {len(ours)}"
        for place, (one, other) in enumerate(zip(found, ours, strict=True)):
            assert math.isclose(one, other, rel_tol=1e-7, abs_tol=1e-9), f"{name}: {one}, not {other}, at {place}"


RUNS = 5
STEPS = {"W2": 5, "W2 by imports": 5, "W3": 20}  # in a row: what is garbage after one step is there in the next


def measure(runs: int, steps_in_a_row: dict[str, int], images: int = 1437) -> Figures:
    """Milliseconds by workload, engine and state of the collector."""
    figures: Figures = {}
    for workload, makers in WORKLOADS.items():
        times = steps_in_a_row[workload]
        steps = {name: maker() for name, maker in makers.items()}
        check_equal(steps)
        tasks = {
            (workload, name, collector): partial(whole, step.run, lambda _: None, times, collector == "on")
            for collector in ("on", "off")
            for name, step in steps.items()
        }
        figures |= {key: 1e3 * seconds / times for key, (seconds,) in medians(tasks, runs).items()}
    epochs = {"microgradnn": epoch_microgradnn(images), "PyTorch tensors": epoch_torch(images)}
    for name, run in epochs.items():
        run()  # the first one warms up
        task = partial(whole, run, lambda _: None, 1, True)
        figures["epoch", name, "on"] = 1e3 * medians({name: task}, runs)[name][0]
    return figures


def table(figures: Figures) -> list[str]:
    """The figures in Markdown; in brackets how many times as long as ours."""
    names = ["microgradnn", "micrograd", "PyTorch scalars", "PyTorch tensors"]
    rows = [
        ("W2, a step of micrograd's demo", "W2", "on"), ("W2, a step of micrograd's demo", "W2", "off"),
        ("the same, only its imports changed", "W2 by imports", "on"),
        ("the same, only its imports changed", "W2 by imports", "off"),
        ("W3, one digit forward and backward", "W3", "on"), ("W3, one digit forward and backward", "W3", "off"),
        ("an epoch of digits, batches of 32", "epoch", "on"),
    ]  # fmt: skip
    lines = [f"| | {' | '.join(names)} |", f"| --- | {' | '.join(['--:'] * len(names))} |"]
    for title, workload, collector in rows:
        ours = figures[workload, names[0], collector]
        cells = [f"{ours:,.2f}"]
        for name in names[1:]:
            found = figures.get((workload, name, collector))
            cells.append("–" if found is None else f"{found:,.2f} ({found / ours:.2g} ×)")
        lines.append(f"| {title}, gc {collector}, ms | {' | '.join(cells)} |")
    return lines


def targets(figures: Figures) -> list[str]:
    """Each target, what was measured, and whether it is met."""
    lines = []
    for workload, peer, collector, goal in [
        ("W2", "micrograd", "on", 50), ("W2", "micrograd", "off", 12), ("W2 by imports", "micrograd", "on", 16),
        ("W3", "micrograd", "on", 16), ("W3", "PyTorch scalars", "on", 25),
    ]:  # fmt: skip
        ratio = figures[workload, peer, collector] / figures[workload, "microgradnn", collector]
        verdict = "met" if ratio >= goal else "missed"
        lines.append(f"- {workload} at least {goal} × as fast as {peer}, gc {collector}: {ratio:.1f} ×, {verdict}")
    return lines


TITLE = "Whole training steps with `nn` as it is (a neuron is one gate here, a chain of gates there):"


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    for makers in WORKLOADS.values():
        for maker in makers.values():
            maker()  # imports
    gc.collect()
    gc.freeze()  # as in a process of its own: no engine pays for walking over the modules of the others
    figures = measure(RUNS, STEPS)
    how = (
        f"{machine('micrograd', 'torch', 'scikit-learn')}. Processor time, medians of {RUNS} interleaved runs: of "
        f"{STEPS['W2']} steps in a row for W2, of {STEPS['W3']} for W3, of an epoch. All engines start from the same "
        "weights; losses and gradients were compared before timing: equal to 1e-7."
    )
    return [TITLE, "", *table(figures), "", how, "", *targets(figures)]

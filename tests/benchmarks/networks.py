"""Training networks of scalars: micrograd's demo, one image of a digit, a GPT; gate by gate in the peers, `nn` here.

Every engine starts from the same weights in a process of its own, and its loss and gradients are compared before
anything is timed. An epoch of digits stands beside PyTorch with tensors, for honesty: arrays are what scalars do not
try to be.
"""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

from microgradnn import Value, fit, nn, optim
from tests.benchmarks import gpt, harness
from tests.benchmarks.harness import COLLECTOR, NATIVE, OURS, PYTHON, Ask, Figures, Goal
from tests.benchmarks.peers import with_slots

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


# ---- a step of micrograd's demo: MLP(2, [16, 16, 1]), 100 moons, hinge loss and L2, SGD ----------------------------

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


def w2_imports() -> Step:
    """The step of micrograd's demo notebook, of which only the imports were changed, to our own Value and MLP."""
    model = loaded(MOONS, "relu")
    return w2_demo(Value, model, model.parameters())


def w2_door() -> Step:
    """The same with imports of `microgradnn.micrograd`."""
    from microgradnn.micrograd.engine import Value
    from microgradnn.micrograd.nn import MLP

    return w2_of_neurons(Value, MLP)


def w2_micrograd() -> Step:
    """The step as it is."""
    from micrograd.engine import Value
    from micrograd.nn import MLP

    return w2_of_neurons(Value, MLP)


def w2_of_neurons(leaf: Callable[[float], Any], mlp: Callable[..., Any]) -> Step:
    """The step of a network of micrograd's neurons."""
    model = mlp(MOONS[0], MOONS[1:])
    for layer, (rows, biases) in zip(model.layers, weights(MOONS), strict=True):
        for neuron, row, bias in zip(layer.neurons, rows, biases, strict=True):
            neuron.w, neuron.b = list(map(leaf, row)), leaf(bias)
    layers = [([n.w for n in layer.neurons], [n.b for n in layer.neurons]) for layer in model.layers]
    return w2_demo(leaf, model, listed(layers))


def w2_demo(leaf: Callable[[float], Any], model: Any, parameters: Sequence[Any]) -> Step:
    """Point by point; the parameters are in the order of `Module.parameters`."""
    X, y = moons()  # noqa: N806
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


# ---- a digit: one image, MLP(64, [32, 10]) with tanh, softmax and cross-entropy, forward and backward ----------------

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


# ---- a step of `gpt`: one document of 12 tokens, Adam ----------------------------------------------------------------


def gpt_step(leaf: Callable[[float], Any], adam: Callable[..., Any], functions: gpt.Functions) -> Step:
    """The same step of any engine."""
    model = gpt.scalars(gpt.start(), leaf)
    parameters, document = gpt.flat(model), gpt.encoded(gpt.NAMES[0])
    optimizer = adam(parameters, **gpt.ADAM)
    total: Any = None

    def run() -> None:
        nonlocal total
        total = gpt.loss(model, *document, by=functions)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()

    return Step(run, lambda: [total.data, *(parameter.grad for parameter in parameters)])


def gpt_microgradnn() -> Step:
    """Our functions and optimiser as shipped."""
    return gpt_step(Value, optim.Adam, gpt.OURS)


def gpt_with_slots() -> Step:
    """The Value and the functions of `with_slots`."""
    by = with_slots
    return gpt_step(by.Value, by.Adam, gpt.Functions(by.take, by.relu, by.softmax, by.cross_entropy))


# ---- an epoch of digits, batches of 32 ------------------------------------------------------------------------------


IMAGES = 1437


def epoch_microgradnn() -> Step:
    """`fit` for one epoch of the first images, in an order of its own: nothing to compare."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)  # noqa: N806
    model = loaded(DIGITS, "tanh")
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    given = (model, "cross_entropy", X[:IMAGES] / 16, y[:IMAGES], optimizer, 1)
    return Step(partial(fit, *given, batch_size=32, progress=False), list)


def epoch_torch() -> Step:
    """The same loop on tensors, eager, float64, one thread."""
    import torch
    from sklearn.datasets import load_digits

    torch.set_num_threads(1)
    data, target = load_digits(return_X_y=True)
    X, y = torch.tensor(data[:IMAGES] / 16), torch.tensor(target[:IMAGES])  # noqa: N806
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.Tanh(), torch.nn.Linear(32, 10)).double()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def run() -> None:
        for rows in torch.randperm(IMAGES).split(32):
            loss = torch.nn.functional.cross_entropy(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return Step(run, list)


# ---- in the process of an engine -----------------------------------------------------------------------------------

MICROGRAD, SLOTS, TORCH, TENSORS = "micrograd", "micrograd's style with slots", "PyTorch scalars", "PyTorch tensors"
WORKLOADS: dict[str, dict[str, Callable[[], Step]]] = {
    "demo": {**dict.fromkeys(OURS, w2_microgradnn), MICROGRAD: w2_micrograd},
    "demo by imports": {**dict.fromkeys(OURS, w2_imports), MICROGRAD: w2_micrograd},
    "demo by microgradnn.micrograd": {**dict.fromkeys(OURS, w2_door), MICROGRAD: w2_micrograd},
    "digit": {**dict.fromkeys(OURS, w3_microgradnn), MICROGRAD: w3_micrograd, TORCH: w3_torch},
    "GPT": {**dict.fromkeys(OURS, gpt_microgradnn), SLOTS: gpt_with_slots},
    "epoch": {**dict.fromkeys(OURS, epoch_microgradnn), TENSORS: epoch_torch},
}


@cache
def started(name: str, workload: str) -> Step:
    """The step in that engine; the collector does not walk over what it has imported."""
    maker = WORKLOADS[workload][name]
    maker()
    gc.collect()
    gc.freeze()
    return maker()


def outcome(name: str, workload: str) -> list[float]:
    """The loss and the gradients after one step more."""
    step = started(name, workload)
    step.run()
    return step.outcome()


def timed(name: str, workload: str, repeat: int, collector: bool) -> tuple[float]:
    """Seconds for so many steps in a row."""
    return harness.whole(started(name, workload).run, lambda _: None, repeat, collector)


# ---- the suite -----------------------------------------------------------------------------------------------------

ENGINES = [*OURS, MICROGRAD, SLOTS, TORCH, TENSORS]


RUNS = 5
STEPS = {  # in a row: what is garbage after one step is there in the next
    "demo": 5, "demo by imports": 5, "demo by microgradnn.micrograd": 5, "digit": 20, "GPT": 3, "epoch": 1,
}  # fmt: skip


def measure(engines: Mapping[str, Ask], runs: int, steps_in_a_row: dict[str, int]) -> Figures:
    """Seconds a step by engine, workload and state of the collector."""
    figures: Figures = {}
    for workload, repeat in steps_in_a_row.items():
        asked = {name: ask for name, ask in engines.items() if name in WORKLOADS[workload]}
        figures |= harness.compared(asked, workload, outcome, timed, repeat, runs, 1e-7)
    return figures


ROWS = {
    "demo": "a step of micrograd's demo",
    "demo by imports": "the same, only its imports changed",
    "demo by microgradnn.micrograd": "the same, its imports changed to `microgradnn.micrograd`",
    "digit": "one digit forward and backward",
    "GPT": "a step of a GPT of scalars",
    "epoch": "an epoch of digits, batches of 32",
}


def table(names: Sequence[str], figures: Figures) -> list[str]:
    """The figures in Markdown; in brackets how many times as long as the first engine takes."""
    lines = [
        harness.line(f"{title}, gc {on}", names, workload, on, figures, "ms")
        for workload, title in ROWS.items()
        for on in COLLECTOR
    ]
    return [*harness.head(names), *lines]


GOALS: list[Goal] = [
    (NATIVE, "demo by imports", "on", MICROGRAD, 100), (NATIVE, "demo by imports", "off", MICROGRAD, 18),
    (NATIVE, "demo", "on", MICROGRAD, 250), (NATIVE, "demo", "off", MICROGRAD, 50),
    (NATIVE, "digit", "on", MICROGRAD, 200), (NATIVE, "digit", "on", TORCH, 200), (NATIVE, "GPT", "on", SLOTS, 8),
    (PYTHON, "demo", "on", MICROGRAD, 50), (PYTHON, "demo", "off", MICROGRAD, 12),
    (PYTHON, "demo by microgradnn.micrograd", "on", MICROGRAD, 16),
    (PYTHON, "digit", "on", MICROGRAD, 16), (PYTHON, "digit", "on", TORCH, 25),
]  # fmt: skip


def targets(figures: Figures) -> list[str]:
    """Each target of the engines that were measured, the figure, and whether it is met."""
    return harness.reached(GOALS, figures, str)


TITLE = "Whole training steps with `nn` as it is (a neuron is one gate here, a chain of gates there):"


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    names = harness.built(ENGINES)
    with harness.processes(names) as engines:
        figures = measure(engines, RUNS, STEPS)
    machine = harness.machine("micrograd", "torch", "scikit-learn")
    how = (
        f"{machine}. Each engine in a process of its own, on the same core; processor time, medians of {RUNS} "
        f"interleaved runs: of {STEPS['demo']} steps in a row for the demo, of {STEPS['digit']} for a digit, of "
        f"{STEPS['GPT']} for the GPT, of an epoch. All engines start from the same weights; losses and gradients were "
        "compared before timing: equal to 1e-7."
    )
    return [TITLE, "", *table(names, figures), "", how, "", *targets(figures)]

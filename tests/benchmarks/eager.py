"""Recording and sweeping scalar graphs, beside micrograd, PyTorch scalars and HIPS autograd in one run.

Every engine computes the identical expression in a process of its own, and its gradients are compared before anything
is timed.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import microgradnn
from tests.benchmarks import harness
from tests.benchmarks.harness import COLLECTOR, NATIVE, OURS, PYTHON, Ask, Backward, Figures, Goal, Record


class Engine(NamedTuple):
    """What the suite asks of an engine: numbers to leaves, three functions, a sweep, gradients."""

    record: Callable[[Graph, Sequence[float]], Any]
    backward: Callable[[Any], Any]
    gradients: Callable[[Any], list[float]]  # of what `record` gave, after `backward`


# ---- the graphs -------------------------------------------------------------------------------------------------

Graph = Callable[..., Any]  # of the functions exp, tanh, relu and of two leaves


def w1(gates: int) -> Graph:
    """Ten mixed gates, repeated: each block feeds the next one, the leaves enter every block."""

    def graph(exp: Any, tanh: Any, relu: Any, a: Any, b: Any) -> Any:
        x = a
        for _ in range(gates // 10):
            t = tanh(x * a + b)
            u = relu((t * b + 1.5) ** 2)
            x = exp(u * -0.3) + t
        return x

    return graph


def tiny(exp: Any, tanh: Any, relu: Any, a: Any, b: Any) -> Any:
    """The tiny graph of the BurTorch paper (arXiv 2503.13795)."""
    c = a + b
    d = a * b + b**3
    e = c - d
    return e**2 / 2.0


def readme(exp: Any, tanh: Any, relu: Any, a: Any, b: Any) -> Any:
    """The expression of micrograd's README, the small graph of the same paper; gradients 138.8338 and 645.5773."""
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + relu(b + a))
    d = d + (3 * d + relu(b - a))
    f = (c - d) ** 2
    return f / 2.0 + 10.0 / f


# ---- the engines ------------------------------------------------------------------------------------------------


def _with_leaves(
    leaf: Callable[[float], Any], exp: Any, tanh: Any, relu: Any
) -> Callable[[Graph, Sequence[float]], Any]:
    def record(graph: Graph, point: Sequence[float]) -> Any:
        a, b = map(leaf, point)
        return graph(exp, tanh, relu, a, b), (a, b)

    return record


def microgradnn_engine() -> Engine:
    """Our own."""
    from microgradnn import Value

    return Engine(
        _with_leaves(Value, microgradnn.exp, microgradnn.tanh, microgradnn.relu),
        lambda recorded: recorded[0].backward(),
        lambda recorded: [leaf.grad for leaf in recorded[1]],
    )


def micrograd_engine() -> Engine:
    """micrograd, with exp and tanh, which the released version lacks, written the way its own gates are."""
    from micrograd.engine import Value

    def exp(x: Any) -> Any:
        out = Value(math.exp(x.data), (x,), "exp")

        def _backward() -> None:
            x.grad += out.data * out.grad

        out._backward = _backward
        return out

    def tanh(x: Any) -> Any:
        out = Value(math.tanh(x.data), (x,), "tanh")

        def _backward() -> None:
            x.grad += (1 - out.data**2) * out.grad

        out._backward = _backward
        return out

    return Engine(
        _with_leaves(Value, exp, tanh, Value.relu),
        lambda recorded: recorded[0].backward(),
        lambda recorded: [leaf.grad for leaf in recorded[1]],
    )


def torch_engine() -> Engine:
    """PyTorch with 0-dimensional tensors in float64, one thread."""
    import torch

    torch.set_num_threads(1)
    leaf = partial(torch.tensor, dtype=torch.float64, requires_grad=True)
    return Engine(
        _with_leaves(leaf, torch.exp, torch.tanh, torch.relu),
        lambda recorded: recorded[0].backward(),
        lambda recorded: [leaf.grad.item() for leaf in recorded[1]],
    )


def autograd_engine() -> Engine:
    """HIPS autograd on an array of the two leaves; recording is the call of make_vjp."""
    import autograd.numpy as np
    from autograd import make_vjp

    class Recorded:
        gradient: Any

        def __init__(self, graph: Graph, point: Sequence[float]) -> None:
            relu = partial(np.maximum, 0.0)
            self.vjp, _ = make_vjp(lambda leaves: graph(np.exp, np.tanh, relu, *leaves))(np.array(point))

        def backward(self) -> None:
            self.gradient = self.vjp(1.0)

    return Engine(Recorded, Recorded.backward, lambda recorded: recorded.gradient.tolist())


ENGINES: dict[str, Callable[[], Engine]] = {
    **dict.fromkeys(OURS, microgradnn_engine),
    "micrograd": micrograd_engine, "PyTorch scalars": torch_engine, "HIPS autograd": autograd_engine,
}  # fmt: skip
START = (0.7, -0.4)
SMALL = {"tiny": (tiny, (-41.0, 2.0)), "README": (readme, (-4.0, 2.0))}


# ---- in the process of an engine ----------------------------------------------------------------------------------


@cache
def started(name: str) -> Engine:
    """The engine; the collector does not walk over what it has imported."""
    engine = ENGINES[name]()
    gc.collect()
    gc.freeze()
    return engine


def work(name: str, row: int | str) -> tuple[Record, Backward]:
    """Recording and sweeping in that engine so many mixed gates, or a small graph."""
    engine = started(name)
    graph, point = (w1(row), START) if isinstance(row, int) else SMALL[row]
    return partial(engine.record, graph, point), engine.backward


def gradients(name: str, row: int | str) -> list[float]:
    """The gradients of the leaves."""
    record, backward = work(name, row)
    recorded = record()
    backward(recorded)
    return started(name).gradients(recorded)


def timed(name: str, row: int | str, repeat: int, collector: bool) -> tuple[float, ...]:
    """Seconds for `repeat` graphs: recording and sweeping, by gates; of a small graph with freeing it."""
    if isinstance(row, str):
        return harness.whole(*work(name, row), repeat, collector)
    return tuple(seconds / row for seconds in harness.phases(*work(name, row), repeat, collector))


def held(name: str, gates: int) -> tuple[int, int]:
    """Bytes of mixed gates after recording and after sweeping."""
    return harness.memory(*work(name, gates))


# ---- the suite --------------------------------------------------------------------------------------------------


SIZES = {1_000: (10, 11), 100_000: (1, 5)}  # mixed gates: graphs in a run, runs
REPEAT, SMALL_RUNS = {"tiny": 1_000, "README": 300}, 11  # small graphs in a run


def measure(engines: Mapping[str, Ask], sizes: dict[int, tuple[int, int]], small_runs: int) -> Figures:
    """What the table shows: seconds a mixed gate, seconds for a small graph, and bytes a gate of the largest."""
    figures: Figures = {}
    for gates, (repeat, runs) in sizes.items():
        figures |= harness.compared(engines, gates, gradients, timed, repeat, runs, 1e-9)
    for name, repeat in REPEAT.items():
        figures |= harness.compared(engines, name, gradients, timed, repeat, small_runs, 1e-9, ["on"])
    largest = max(sizes)
    for name, ask in engines.items():
        figures[name, "bytes"] = tuple(size / largest for size in ask(held, name, largest))
    return figures


def table(names: Sequence[str], figures: Figures) -> list[str]:
    """The figures in Markdown; in brackets how many times as long as the first engine takes."""
    sizes = dict.fromkeys(key[1] for key in figures if isinstance(key[1], int))
    lines = [
        harness.line(f"{gates:,} mixed gates, gc {on}", names, gates, on, figures, "ns a gate")
        for gates in sizes
        for on in COLLECTOR
    ]
    lines += [harness.line(f"{name} graph", names, name, "on", figures, "µs") for name in SMALL]
    # PyTorch keeps its graph where Python does not count
    held = ("–" if "PyTorch" in name else "{:.0f}, {:.0f}".format(*figures[name, "bytes"]) for name in names)
    return [
        *harness.head(names),
        *lines,
        f"| mixed gates, bytes a gate after forward, after backward | {' | '.join(held)} |",
    ]


GOALS: list[Goal] = [
    (NATIVE, 1_000, "on", "micrograd", 60), (NATIVE, 1_000, "off", "micrograd", 25),
    (NATIVE, 100_000, "on", "micrograd", 80), (NATIVE, 100_000, "off", "micrograd", 10),
    (NATIVE, 1_000, "on", "PyTorch scalars", 100), (NATIVE, 100_000, "on", "PyTorch scalars", 80),
    (NATIVE, "tiny", "on", "micrograd", 20), (NATIVE, "README", "on", "micrograd", 20),
    (NATIVE, "tiny", "on", "PyTorch scalars", 50), (NATIVE, "README", "on", "PyTorch scalars", 50),
    (PYTHON, 1_000, "on", "micrograd", 2), (PYTHON, 100_000, "on", "micrograd", 8),
    (PYTHON, 1_000, "on", "PyTorch scalars", 8), (PYTHON, 100_000, "on", "PyTorch scalars", 8),
]  # fmt: skip
BYTES = {NATIVE: 110, PYTHON: 210}  # a gate


def targets(figures: Figures) -> list[str]:
    """Each target of the engines that were measured, the figure, and whether it is met."""
    lines = harness.reached(
        GOALS, figures, lambda row: f"{row:,} mixed gates" if isinstance(row, int) else f"the {row} graph"
    )
    for engine, most in BYTES.items():
        if (engine, "bytes") in figures:
            size = figures[engine, "bytes"][1]
            lines.append(f"- {engine}, at most {most} bytes a gate: {size:.0f}, {'met' if size <= most else 'missed'}")
    return lines


TITLE = "Recording and sweeping graphs of scalars:"


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    names = harness.built(ENGINES)
    with harness.processes(names) as engines:
        first = engines[names[0]](gradients, names[0], "README")
        assert [round(gradient, 4) for gradient in first] == [138.8338, 645.5773]
        figures = measure(engines, SIZES, SMALL_RUNS)
    runs = ", ".join(f"{runs} runs of {gates:,} gates" for gates, (_, runs) in SIZES.items())
    how = (
        f"{harness.machine('micrograd', 'torch', 'autograd')}. Recording + backward, processor time; small graphs "
        "recorded, swept and freed in one figure, gc on. Each engine in a process of its own, on the same core; "
        f"medians of interleaved runs: {runs}, {SMALL_RUNS} of the small graphs. "
        "Before timing, the gradients of all engines were compared: equal to 1e-9."
    )
    return [TITLE, "", *table(names, figures), "", how, "", *targets(figures)]

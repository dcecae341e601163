"""Recording and sweeping scalar graphs, beside micrograd, PyTorch scalars and HIPS autograd in one run.

Every engine computes the identical expression, and its gradients are compared before anything is timed.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import microgradnn
from tests.benchmarks.harness import Task, machine, medians, memory, phases, whole


class Engine(NamedTuple):
    """What the suite asks of an engine: numbers to leaves, three functions, a sweep, gradients."""

    name: str
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
        "microgradnn",
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
        "micrograd",
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
        "PyTorch scalars",
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

    return Engine("HIPS autograd", Recorded, Recorded.backward, lambda recorded: recorded.gradient.tolist())


ENGINES = (microgradnn_engine, micrograd_engine, torch_engine, autograd_engine)


def check_equal(engines: Sequence[Engine], graph: Graph, point: Sequence[float]) -> list[float]:
    """The gradients that all engines agree on; AssertionError where one differs."""
    found = []
    for engine in engines:
        recorded = engine.record(graph, point)
        engine.backward(recorded)
        found.append(engine.gradients(recorded))
    for engine, gradients in zip(engines, found, strict=True):
        for gradient, first in zip(gradients, found[0], strict=True):
            assert math.isclose(gradient, first, rel_tol=1e-9), f"{engine.name}: {gradients}, not {found[0]}"
    return found[0]


# ---- the suite --------------------------------------------------------------------------------------------------

Figures = dict[tuple[Any, ...], tuple[float, ...]]
START = (0.7, -0.4)
SIZES = {1_000: (10, 11), 100_000: (1, 5)}  # gates of W1: graphs in a run, runs
SMALL = {"tiny": (tiny, (-41.0, 2.0), 1_000), "README": (readme, (-4.0, 2.0), 300)}  # graph, point, graphs in a run
SMALL_RUNS = 11
COLLECTOR = {"on": True, "off": False}


def measure(engines: Sequence[Engine], sizes: dict[int, tuple[int, int]], small_runs: int) -> Figures:
    """What the table shows, by engine and row.

    (engine, gates, collector) gives nanoseconds a gate, forward and backward; (engine, graph) microseconds for
    a small graph; (engine, "bytes") bytes a gate after forward and after backward.
    """
    figures: Figures = {}
    for gates, (repeat, runs) in sizes.items():
        graph = w1(gates)
        check_equal(engines, graph, START)
        tasks: dict[tuple[Any, ...], Task] = {
            (engine.name, gates, collector): partial(
                phases, partial(engine.record, graph, START), engine.backward, repeat, on
            )
            for collector, on in COLLECTOR.items()
            for engine in engines
        }
        for key, seconds in medians(tasks, runs).items():
            figures[key] = tuple(1e9 * second / (repeat * gates) for second in seconds)
    for name, (graph, point, repeat) in SMALL.items():
        check_equal(engines, graph, point)
        tasks = {
            (engine.name, name): partial(whole, partial(engine.record, graph, point), engine.backward, repeat, True)
            for engine in engines
        }
        for key, (duration,) in medians(tasks, small_runs).items():
            figures[key] = (1e6 * duration / repeat,)
    largest = max(sizes)
    for engine in engines:
        held = memory(partial(engine.record, w1(largest), START), engine.backward)
        figures[engine.name, "bytes"] = tuple(size / largest for size in held)
    return figures


def table(names: Sequence[str], figures: Figures) -> list[str]:
    """The figures in Markdown; in brackets how many times as long as the first engine takes."""

    def row(title: str, *key: Any, places: int = 0) -> str:
        cells = []
        for name in names:
            parts = figures[name, *key]
            text = " + ".join(f"{part:,.{places}f}" for part in parts)
            cells.append(text if name == names[0] else f"{text} ({sum(parts) / sum(figures[names[0], *key]):.1f} ×)")
        return f"| {' | '.join([title, *cells])} |"

    lines = [f"| | {' | '.join(names)} |", f"| --- | {' | '.join(['--:'] * len(names))} |"]
    for _, gates, collector in (key for key in figures if key[0] == names[0] and len(key) == 3):
        lines.append(row(f"W1, {gates:,} gates, gc {collector}, ns a gate", gates, collector))
    lines += [row(f"{name} graph, µs", name, places=1) for name in SMALL]
    # PyTorch keeps its graph where Python does not count
    held = ("–" if "PyTorch" in name else "{:.0f}, {:.0f}".format(*figures[name, "bytes"]) for name in names)
    return [*lines, f"| W1, bytes a gate after forward, after backward | {' | '.join(held)} |"]


def targets(figures: Figures) -> list[str]:
    """Each target, what was measured, and whether it is met; with the collector on."""

    def times(peer: str, gates: int) -> float:
        return sum(figures[peer, gates, "on"]) / sum(figures["microgradnn", gates, "on"])

    lines = []
    for peer, gates, goal in [
        ("micrograd", 1_000, 2),
        ("micrograd", 100_000, 8),
        ("PyTorch scalars", 1_000, 8),
        ("PyTorch scalars", 100_000, 8),
    ]:
        ratio = times(peer, gates)
        verdict = "met" if ratio >= goal else "missed"
        lines.append(f"- W1 with {gates:,} gates at least {goal} × as fast as {peer}: {ratio:.1f} ×, {verdict}")
    held = figures["microgradnn", "bytes"][1]
    return [*lines, f"- at most 210 bytes a gate: {held:.0f}, {'met' if held <= 210 else 'missed'}"]


TITLE = "Recording and sweeping graphs of scalars:"


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    engines = [engine() for engine in ENGINES]
    gc.collect()
    gc.freeze()  # as in a process of its own: no engine pays for walking over the modules of the others
    gradients = check_equal(engines, readme, (-4.0, 2.0))
    assert [round(gradient, 4) for gradient in gradients] == [138.8338, 645.5773]
    figures = measure(engines, SIZES, SMALL_RUNS)
    runs = ", ".join(f"{runs} runs of {gates:,} gates" for gates, (_, runs) in SIZES.items())
    how = (
        f"{machine('micrograd', 'torch', 'autograd')}. Recording + backward, processor time; small graphs in one "
        f"figure, gc on. Medians of interleaved runs: {runs}, {SMALL_RUNS} of the small graphs. "
        "Before timing, the gradients of all engines were compared: equal to 1e-9."
    )
    names = [engine.name for engine in engines]
    return [TITLE, "", *table(names, figures), "", how, "", *targets(figures)]

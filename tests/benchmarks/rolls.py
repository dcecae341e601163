"""How long `compile` takes for large graphs, recording included, and how much memory."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import microgradnn as mg
from microgradnn import Value, nn
from tests.benchmarks.harness import digits3, elsewhere
from tests.benchmarks.problems import Batch, rosenbrock, valley


class Roll(NamedTuple):
    """What `compile` took for a graph, recording included."""

    gates: int
    seconds: float  # inf: more than LIMIT
    bytes: int


def large(kind: str, size: int) -> tuple[Callable[..., Any], Any, Batch]:
    """An unfused MLP(size, [size, size, 1]) with its squared error, Rosenbrock in `size` dimensions, a chain."""
    if kind == "chain":
        a, b = Value(0.9), Value(0.1)

        def chain(h: Any) -> Any:
            for _ in range(size):
                h = mg.tanh(h * a + b)
            return h

        return chain, [a, b], (0.5,)
    if kind == "Rosenbrock":
        xs = [Value(x) for x in valley(size)]
        return (lambda: rosenbrock(xs)), xs, ()
    model = nn.MLP(size, [size, size, 1], "tanh", rng=0, fused=False)
    return (lambda x, y: nn.mse(model(x), y)), model.parameters(), (np.linspace(-1, 1, size).tolist(), 0.5)


def gates_of(kind: str, size: int) -> int:
    """How many gates the graph of `large` has."""
    if kind == "chain":
        return 3 * size
    if kind == "Rosenbrock":
        return 7 * (size - 1) + 1  # two squares, two differences, ×100, the square 1 − x, a sum; one sum of all
    return 2 * size * (2 * size + 1) + 2 * size + 2  # products, sums, tanh; the last neuron; the squared error


ROLLS = {"MLP": [15, 50, 158, 500], "Rosenbrock": [144, 1430, 14_287, 142_858], "chain": [3_333, 33_333]}
LIMIT = 60  # seconds
SECONDS = {"MLP": 4, "Rosenbrock": 4, "chain": 15}  # the targets for the largest of each


def high_water() -> int:
    """The most bytes of memory that this process has held."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss survives exec on Linux: a child would count what its parent held
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmHWM" in line) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def roll_here(kind: str, size: int) -> None:
    """Compile one graph in this process and print what it took; memory counts the parameters, not the imports."""
    before = high_water()
    function, params, example = large(kind, size)
    start = perf_counter()
    mg.compile(function, params, example=example)
    print(json.dumps([gates_of(kind, size), perf_counter() - start, high_water() - before]))


def roll(kind: str, size: int) -> Roll:
    """`roll_here` in a fresh process."""
    found = elsewhere(f"from tests.benchmarks.rolls import roll_here; roll_here({kind!r}, {size})", LIMIT)
    return Roll(gates_of(kind, size), math.inf, 0) if found is None else Roll(*found)


def table(rolls: Mapping[tuple[str, int], Roll]) -> list[str]:
    """Time and memory in Markdown."""
    lines = ["| | gates | seconds | µs a gate | peak MB |", "| --- | --: | --: | --: | --: |"]
    for (kind, size), found in rolls.items():
        shape = {
            "MLP": f"MLP({size}, [{size}, {size}, 1])",
            "Rosenbrock": f"Rosenbrock in {size:,} dimensions",
            "chain": f"chain of {size:,} tanh(ha + b)",
        }[kind]
        cells = [f"> {LIMIT}", "–", "–"]
        if found.seconds < math.inf:
            each = digits3(1e6 * found.seconds / found.gates)
            cells = [digits3(found.seconds), each, f"{found.bytes / 1e6:,.0f}"]
        lines.append(f"| {shape} | {found.gates:,} | {' | '.join(cells)} |")
    return lines


def targets(rolls: Mapping[tuple[str, int], Roll]) -> list[str]:
    """The largest graph of each kind: its seconds, and 1 GB."""
    lines = []
    for (kind, _), found in {key[0]: (key, found) for key, found in rolls.items()}.values():
        verdict = "met" if found.seconds <= SECONDS[kind] and found.bytes <= 1e9 else "missed"
        took = f"{LIMIT} s were too few"
        if found.seconds < math.inf:
            took = f"{digits3(found.seconds)} s, {found.bytes / 1e9:.2f} GB"
        lines.append(f"- {kind} of {found.gates:,} gates in at most {SECONDS[kind]} s and 1 GB: {took}, {verdict}")
    return lines


TITLE = "Compiling large graphs, recording included:"

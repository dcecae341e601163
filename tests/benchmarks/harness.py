"""Timing that can be compared: interleaved runs, medians, one core, the collector on or off by choice.

Clocks count the processor time of this process, so that other work on the machine disturbs less. What a graph
costs to free is left out by `phases` and included by `whole`.
"""

from __future__ import annotations

import gc
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import process_time as clock
from typing import Any, TypeVar

Record = Callable[[], Any]  # builds a graph
Backward = Callable[[Any], object]  # sweeps what Record has built
Task = Callable[[], tuple[float, ...]]  # one run: its figures
Ask = Callable[..., Any]  # a function and its arguments: what it gives in the process of an engine
Figures = dict[tuple[Any, ...], tuple[float, ...]]  # engine, row, state of the collector: parts of the seconds
Goal = tuple[str, Any, str, str, int]  # engine, row, state of the collector, peer: so many times as fast
Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")

COLLECTOR = {"on": True, "off": False}
UNITS = {"ns a gate": (1e9, 0), "µs": (1e6, 1), "ms": (1e3, 2)}  # of a second, places


def phases(record: Record, backward: Backward, repeat: int, collector: bool) -> tuple[float, float]:
    """Seconds for `repeat` graphs: recording them, and sweeping them."""
    forward_time = backward_time = 0.0
    _set_collector(collector)
    for _ in range(repeat):
        start = clock()
        graph = record()
        between = clock()
        backward(graph)
        backward_time += clock() - between
        forward_time += between - start
        del graph
    _set_collector(True)
    return forward_time, backward_time


def whole(record: Record, backward: Backward, repeat: int, collector: bool) -> tuple[float]:
    """Seconds for `repeat` small graphs, recorded, swept and freed."""
    _set_collector(collector)
    start = clock()
    for _ in range(repeat):
        backward(record())
    duration = clock() - start
    _set_collector(True)
    return (duration,)


def _set_collector(on: bool) -> None:
    gc.collect()
    if on:
        gc.enable()
    else:
        gc.disable()


def medians(tasks: Mapping[Key, Task], runs: int) -> dict[Key, tuple[float, ...]]:
    """Run every task once, then every task again …, in turns forward and backward; the median of each figure."""
    found: dict[Key, list[tuple[float, ...]]] = {key: [] for key in tasks}
    for run in range(runs):
        for key, task in list(tasks.items())[:: -1 if run % 2 else 1]:
            found[key].append(task())
    return {key: tuple(map(statistics.median, zip(*figures, strict=True))) for key, figures in found.items()}


def memory(record: Record, backward: Backward) -> tuple[int, int]:
    """Bytes that Python holds for a graph after recording it, and after sweeping it."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        graph = record()
        gc.collect()
        recorded = tracemalloc.get_traced_memory()[0] - before
        backward(graph)
        gc.collect()
        return recorded, tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def on_one_core(work: Callable[..., T], *arguments: Any) -> T:
    """What `work` gives, pinned to one core, in a thread whose stack is deep enough for engines that recurse."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    limit, size = sys.getrecursionlimit(), threading.stack_size(1 << 29)
    sys.setrecursionlimit(10_000_000)
    try:
        with ThreadPoolExecutor(1) as deep:
            return deep.submit(work, *arguments).result()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


NATIVE, PYTHON = "microgradnn", "its Python engine"  # in the tables
OURS = {NATIVE: "native", PYTHON: "python"}  # as MICROGRADNN_ENGINE calls them


def running() -> str:
    """The engine that the package runs in this process."""
    from microgradnn.native import engine

    return engine


def built(names: Iterable[str]) -> list[str]:
    """The engines of these names that there are: the native one is left out where this process has none."""
    return [name for name in names if name != NATIVE or running() == "native"]


@contextmanager
def processes(names: Iterable[str]) -> Iterator[dict[str, Ask]]:
    """A process for each engine, which waits while another one is asked, on the same core.

    The package chooses its engine when it is imported, so that two of them need two processes; and so no engine pays
    for what another one has imported or left in memory.
    """
    with ExitStack() as stack:
        found = {}
        for name in names:
            process = ProcessPoolExecutor(1, get_context("spawn"))
            found[name] = partial(_ask, stack.enter_context(process))
            if name in OURS:
                found[name](choose, OURS[name])
        yield found


def _ask(process: ProcessPoolExecutor, work: Callable[..., T], *arguments: Any) -> T:
    return process.submit(on_one_core, work, *arguments).result()


def choose(engine: str) -> None:
    """Import the package with this engine."""
    os.environ["MICROGRADNN_ENGINE"] = engine
    assert running() == engine, f"asked for the engine {engine}, {running()} runs"


def one_thread() -> None:
    """Tell the libraries under NumPy, JAX and PyTorch to use one thread; they read it when they are imported."""
    assert "numpy" not in sys.modules, "NumPy has counted its threads already"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()


def elsewhere(code: str, limit: float) -> Any:
    """What `code` prints, read as JSON, in a fresh process; None where that takes more than `limit` seconds."""
    try:
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def check_equal(found: Mapping[str, Sequence[float]], relative: float) -> None:
    """AssertionError where a figure of an engine differs from that of the first."""
    first = next(iter(found.values()))
    for name, figures in found.items():
        assert len(figures) == len(first), f"{name}: {len(figures)} figures, not {len(first)}"
        for place, (one, other) in enumerate(zip(figures, first, strict=True)):
            equal = math.isclose(one, other, rel_tol=relative, abs_tol=relative / 100)
            assert equal, f"{name}: {one}, not {other}, at {place}"


def compared(
    engines: Mapping[str, Ask], row: Hashable, outcome: Ask, timed: Ask, repeat: int, runs: int, relative: float,
    collectors: Iterable[str] = COLLECTOR,
) -> Figures:  # fmt: skip
    """Seconds a graph or a step in each engine, of which all outcomes were found equal first."""
    check_equal({name: ask(outcome, name, row) for name, ask in engines.items()}, relative)
    tasks = {
        (name, row, collector): partial(ask, timed, name, row, repeat, COLLECTOR[collector])
        for collector in collectors
        for name, ask in engines.items()
    }
    return {key: tuple(second / repeat for second in seconds) for key, seconds in medians(tasks, runs).items()}


def head(names: Sequence[str]) -> list[str]:
    """The first lines of a table in Markdown."""
    return [f"| | {' | '.join(names)} |", f"| --- | {' | '.join(['--:'] * len(names))} |"]


def line(title: str, names: Sequence[str], row: Hashable, collector: str, figures: Figures, unit: str) -> str:
    """A row of figures; in brackets how many times as long as the first engine takes."""
    scale, places = UNITS[unit]
    first, cells = figures[names[0], row, collector], []
    for name in names:
        parts = figures.get((name, row, collector), ())
        text = " + ".join(f"{scale * part:,.{places}f}" for part in parts) or "–"
        cells.append(f"{text} ({times(sum(parts) / sum(first))} ×)" if parts and name != names[0] else text)
    return f"| {title}, {unit} | {' | '.join(cells)} |"


def times(ratio: float) -> str:
    """Two digits, or all before the point."""
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.1f}" if ratio >= 0.95 else f"{ratio:.2g}"


def reached(goals: Iterable[Goal], figures: Figures, title: Callable[[Any], str]) -> list[str]:
    """Each goal of the engines that were measured, the figure, and whether it is met."""
    lines = []
    for engine, row, collector, peer, goal in goals:
        if (engine, row, collector) in figures:
            ratio = sum(figures[peer, row, collector]) / sum(figures[engine, row, collector])
            what = f"{engine}, {title(row)} at least {goal} × as fast as {peer}, gc {collector}"
            lines.append(f"- {what}: {ratio:.1f} ×, {'met' if ratio >= goal else 'missed'}")
    return lines


def digits3(figure: float) -> str:
    """Three significant digits, without an exponent."""
    if figure <= 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(figure)))
    return f"{round(figure, 2 - math.floor(math.log10(figure))):,.{places}f}"


PAGE = Path(__file__).with_name("README.md")


def publish(suite: str, lines: Sequence[str], page: Path = PAGE) -> None:
    """Print what a suite has measured, and put it in place of the section of that name on the page."""
    text = "\n".join(lines)
    print(text)
    found = page.read_text(encoding="utf-8")
    section = re.compile(rf"^## {re.escape(suite)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    assert len(section.findall(found)) == 1, f"{page} has no section {suite}"
    page.write_text(section.sub(lambda _: f"## {suite}\n\n{text}\n\n", found).rstrip() + "\n", encoding="utf-8")


def machine(*packages: str) -> str:
    """The processor, Python and the versions of `packages`, in words."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [line.partition(":")[2] for line in information.read_text().splitlines() if "model name" in line]
        processor = models[0].strip() if models else processor
    pinned = "one pinned core" if hasattr(os, "sched_setaffinity") else "not pinned"
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{processor}, {pinned}, {platform.system()}, {python}, {versions}"

"""Compiled functions beside the same functions written by hand: in NumPy, JAX, PyTorch, CasADi, micrograd.

One thread, one core, float64 for everyone. A step starts from NumPy arrays, examples first, and ends with the loss as
a float; training steps update the parameters too. Values and gradients are compared before anything is timed. Steps
are timed in processor time, as in the other suites: with one thread XLA and PyTorch work in the thread that calls, and
wall time on a quiet core is the same. What prepares a step is timed by the wall, since compilers are other processes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from tests.benchmarks import networks, pendulum, rolls
from tests.benchmarks.harness import clock, digits3, machine, medians
from tests.benchmarks.peers import by_casadi, by_jax, by_numpy, by_torch, by_tuned_numpy, gate_by_gate
from tests.benchmarks.problems import PROBLEMS, Maker, Step, numbers, ours

OURS, IN_JAX, STRAIGHT = "**microgradnn, compiled**", "microgradnn, to_jax()", "microgradnn, straight-line Python"
ON_JAX, EAGER = "microgradnn, backend jax", "microgradnn, eager"
MICROGRAD, MICROGRAD_OFF = "micrograd, gc on", "micrograd, gc off"
TORCH, TORCH_COMPILED, JAX, CASADI = "PyTorch eager", "torch.compile", "JAX by hand", "CasADi SX"
COURSE, TUNED = "NumPy by hand, idiomatic", "NumPy by hand, tuned"
PEERS = [
    MICROGRAD, MICROGRAD_OFF, EAGER, STRAIGHT, CASADI, TORCH, TORCH_COMPILED, COURSE, TUNED, JAX, IN_JAX, ON_JAX, OURS,
]  # fmt: skip
WORKLOADS = ["V1", "V2, 64", "V2, 1797", "GMM", "Rosenbrock", "README graph", "GPT, 1", "GPT, 32"]
SIZES = dict(zip(WORKLOADS, [100, 64, 1797, 1000, 1000, 20_000, 1, 32], strict=True))
OTHERS: dict[str, Mapping[str, Callable[[int], Step]]] = {
    JAX: by_jax.MAKERS, COURSE: by_numpy.MAKERS, TUNED: by_tuned_numpy.MAKERS, CASADI: by_casadi.MAKERS,
    EAGER: gate_by_gate.EAGER, MICROGRAD: gate_by_gate.MICROGRAD,
}  # fmt: skip


def makers(workload: str, size: int) -> dict[str, Maker]:
    """Every engine that has this workload; micrograd's demo runs on all its 100 points or not at all."""
    found: dict[str, Maker] = {}
    for peer, workloads in OTHERS.items():
        if workload in workloads:
            found[peer] = partial(workloads[workload], size)
    found[TORCH] = partial(by_torch.MAKERS[workload], False, size)
    if workload == "V1" and size == SIZES["V1"]:
        found[EAGER] = lambda: gate_by_gate.from_networks(networks.w2_microgradnn())
        found[MICROGRAD] = lambda: gate_by_gate.from_networks(networks.w2_micrograd())
    problem = partial(PROBLEMS[workload], size)
    found[OURS] = partial(ours, problem, "numpy")
    if workload.startswith("GPT"):
        return found  # XLA takes half a minute
    found[TORCH_COMPILED] = partial(by_torch.MAKERS[workload], True, size)
    found[ON_JAX] = partial(ours, problem, "jax")
    if workload == "V1":
        found[STRAIGHT] = partial(ours, problem, "python")
    if workload != "README graph":  # to_jax gives the function of the parameters; this one has none
        found[IN_JAX] = partial(by_jax.ours_in_jax, problem)
    return found


def prepared(workload: str, given: Mapping[str, Maker], tolerance: float = 1e-9) -> tuple[dict[str, Step], Figures]:
    """The steps that run here, each run once and compared with the first; and the seconds until then."""
    steps: dict[str, Step] = {}
    seconds: Figures = {}
    expected: Any = None
    for name, maker in given.items():
        start = perf_counter()
        step = maker()
        if step is None:
            continue
        step.run()
        seconds[workload, name] = perf_counter() - start
        found = numbers(step.outcome())
        expected = found if expected is None else expected
        assert found.shape == expected.shape, f"{workload}, {name}: {found.size} figures, not {expected.size}"
        error = np.max(np.abs(found - expected) / (np.abs(expected) + 1e-3 * np.max(np.abs(expected))))
        assert error <= tolerance, f"{workload}, {name}: off by {error:.1e}"
        steps[name] = step
    return steps, seconds


Figures = dict[tuple[str, str], float]
RUNS = 11
STEPS, SAMPLE = 200, 0.1  # steps in a row for one figure, fewer where they would take more seconds than this


def sample(run: Callable[[], Any], times: int, collector: bool) -> tuple[float]:
    """Seconds of processor time a step, of `times` steps in a row."""
    gc.collect()
    if not collector:
        gc.disable()
    start = clock()
    for _ in range(times):
        run()
    duration = clock() - start
    gc.enable()
    return (duration / times,)


def measure(
    sizes: Mapping[str, int] = SIZES, runs: int = RUNS, leave_out: Sequence[str] = ()
) -> tuple[Figures, Figures]:
    """Microseconds a step, and seconds until the first step is done, by workload and engine."""
    figures: Figures = {}
    preparing: Figures = {}
    for workload, size in sizes.items():
        given = {name: maker for name, maker in makers(workload, size).items() if name not in leave_out}
        steps, seconds = prepared(workload, given)
        preparing |= seconds
        tasks = {}
        for name, step in steps.items():
            pilot = min(sample(step.run, 1, True)[0] for _ in range(3))  # JAX compiles again for the second step
            times = max(1, min(STEPS, int(SAMPLE / pilot)))
            tasks[name] = partial(sample, step.run, times, True)
            if name == MICROGRAD:
                tasks[MICROGRAD_OFF] = partial(sample, step.run, times, False)
        figures |= {(workload, name): 1e6 * found for name, (found,) in medians(tasks, runs).items()}
    return figures, preparing


def table(figures: Figures) -> list[str]:
    """The figures in Markdown: a row for an engine, a column for a workload."""
    present = {workload for workload, _ in figures}
    workloads = [workload for workload in WORKLOADS if workload in present]
    lines = [f"| | {' | '.join(workloads)} |", f"| --- | {' | '.join(['--:'] * len(workloads))} |"]
    for peer in PEERS:
        cells = [figures.get((workload, peer)) for workload in workloads]
        if any(cell is not None for cell in cells):
            lines.append(f"| {peer} | {' | '.join('–' if cell is None else digits3(cell) for cell in cells)} |")
    return lines


def targets(figures: Figures) -> list[str]:
    """Each target, what was measured, and whether it is met."""
    lines = []
    for workload, peer, goal in [
        ("V1", MICROGRAD_OFF, 4000), ("GPT, 1", TORCH, 3), ("GPT, 32", TORCH, 1),
    ]:  # fmt: skip
        ratio = figures[workload, peer] / figures[workload, OURS]
        verdict = "met" if ratio >= goal else "missed"
        lines.append(f"- {workload} at least {goal:,} × as fast as {peer}: {digits3(ratio)} ×, {verdict}")
    for workload, goal in [("V1", 1.1), ("V2, 64", 1.2), ("V2, 1797", 1.1)]:
        ratio = figures[workload, OURS] / figures[workload, TUNED]
        verdict = "met" if ratio <= goal else "missed"
        lines.append(f"- {workload} in at most {goal} × the time of {TUNED}: {ratio:.2f} ×, {verdict}")
    for workload in WORKLOADS:
        if (workload, IN_JAX) in figures:
            ratio = figures[workload, IN_JAX] / figures[workload, JAX]
            verdict = "met" if ratio <= 1 else "met within 5 % of noise" if ratio <= 1.05 else "missed"
            lines.append(f"- {workload}, {IN_JAX} no slower than {JAX}: {ratio:.2f} × its time, {verdict}")
    return lines


STEPS_TITLE = "Whole training steps, or values with gradients, in microseconds:"
PREPARING_TITLE = "Seconds until the first step is done, compilers included:"


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    large = {(kind, size): rolls.roll(kind, size) for kind, sizes in rolls.ROLLS.items() for size in sizes}
    deep = {(by, count): pendulum.deep(by, count) for by in pendulum.BACKENDS for count in pendulum.EXAMPLES}
    import casadi  # noqa: F401
    import jax  # noqa: F401
    import micrograd.nn  # noqa: F401
    import sklearn.datasets  # noqa: F401
    import torch  # noqa: F401

    gc.collect()
    gc.freeze()  # as in a process of its own: no engine pays for walking over the modules of the others
    with by_jax.float64():
        figures, preparing = measure()
    how = (
        f"{machine('numpy', 'jax', 'torch', 'casadi', 'micrograd')}; one thread. Processor time, medians of {RUNS} "
        f"interleaved runs of up to {STEPS} steps in a row; of the pendulum the least of {pendulum.RUNS}. All engines "
        "start from the same numbers; values and gradients were compared before timing: equal to 1e-9. The GPT has "
        "4,192 parameters, reads documents of 12 tokens, and moves by Adam."
    )
    return [
        STEPS_TITLE, "", *table(figures), "", PREPARING_TITLE, "", *table(preparing), "",
        rolls.TITLE, "", *rolls.table(large), "", pendulum.TITLE, "", *pendulum.table(deep), "", how, "",
        *targets(figures), *rolls.targets(large), *pendulum.targets(deep),
    ]  # fmt: skip

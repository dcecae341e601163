"""A narrow and deep program: a damped pendulum by 200 steps of Runge and Kutta, compiled for each backend.

Each runs in a process of its own, with a limit: compilers that unroll have no end here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import microgradnn as mg
from microgradnn import Value
from tests.benchmarks.harness import clock, digits3, elsewhere

BACKENDS, EXAMPLES = ["numpy", "python", "jax", "auto"], [1, 64]
STEPS, TIME, START = 200, 4.0, (1.2, -0.3)  # steps; seconds of the pendulum; its angle and speed
LIMIT = 60  # seconds
CALLS, RUNS = 10, 11  # calls in a row for one figure, figures


class Deep(NamedTuple):
    """Seconds until the program is there, and microseconds for a value with its gradient."""

    compiling: float  # inf, of both: more than LIMIT; nan: there is no such backend
    calling: float


def swing(pull: Any, drag: Any, angle: Any, speed: Any, steps: int = STEPS) -> Any:
    """The angle after TIME under angle″ = −pull sin(angle) − drag angle′, by the classical rule of fourth order."""
    h, back = TIME / steps, -pull

    def slope(angle: Any, speed: Any) -> tuple[Any, Any]:
        return speed, back * mg.sin(angle) - drag * speed

    for _ in range(steps):
        a1, s1 = slope(angle, speed)
        a2, s2 = slope(angle + h / 2 * a1, speed + h / 2 * s1)
        a3, s3 = slope(angle + h / 2 * a2, speed + h / 2 * s2)
        a4, s4 = slope(angle + h * a3, speed + h * s3)
        angle = angle + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
        speed = speed + h / 6 * (s1 + 2 * s2 + 2 * s3 + s4)
    return angle


def problem(steps: int = STEPS) -> tuple[Callable[..., Any], list[Value]]:
    """The function that is compiled, of a start of the pendulum, and its parameters."""
    params = [Value(4.0), Value(0.2)]
    return (lambda angle, speed: swing(*params, angle, speed, steps)), params


def known(backend: str) -> bool:
    """Whether `compile` has this backend."""
    try:
        mg.compile(mg.sin, example=(1.0,), backend=backend)
    except ValueError:
        return False
    return True


def swing_here(backend: str, examples: int, steps: int = STEPS) -> None:
    """Compile and call in this process, and print what that took."""
    function, params = problem(steps)
    start = perf_counter()
    program = mg.compile(function, params, example=START, backend=backend)
    batch = [np.linspace(0.9, 1.1, examples) * number for number in START]
    program.value_and_grad(*batch)
    compiling, calling = perf_counter() - start, math.inf
    for _ in range(RUNS):
        start = clock()
        for _ in range(CALLS):
            program.value_and_grad(*batch)
        calling = min(calling, clock() - start)
    print(json.dumps([compiling, 1e6 * calling / CALLS]))


def deep(backend: str, examples: int, steps: int = STEPS) -> Deep:
    """`swing_here` in a fresh process, where there is such a backend."""
    if not known(backend):
        return Deep(math.nan, math.nan)
    code = f"from tests.benchmarks.pendulum import swing_here; swing_here({backend!r}, {examples}, {steps})"
    return Deep(*(elsewhere(code, LIMIT) or (math.inf, math.inf)))


def cells(found: Deep) -> list[str]:
    """The two figures in words."""
    if math.isfinite(found.compiling):
        return [digits3(found.compiling), digits3(found.calling)]
    return [f"> {LIMIT}" if math.isinf(found.compiling) else "–", "–"]


def table(figures: Mapping[tuple[str, int], Deep]) -> list[str]:
    """A row for each backend in Markdown."""
    heads = [head for examples in EXAMPLES for head in (f"{examples}: s", f"{examples}: µs a call")]
    lines = [f"| | {' | '.join(heads)} |", f"| --- |{' --: |' * len(heads)}"]
    for backend in BACKENDS:
        row = [cell for examples in EXAMPLES for cell in cells(figures[backend, examples])]
        lines.append(f"| backend {backend} | {' | '.join(row)} |")
    return lines


def targets(figures: Mapping[tuple[str, int], Deep]) -> list[str]:
    """By a choice of its own: at most 0.6 ms a call, 1.5 s to compile."""
    found = figures["auto", 1]
    verdict = "met" if found.compiling <= 1.5 and found.calling <= 600 else "missed"
    seconds, microseconds = cells(found)
    return [
        f"- the pendulum by backend auto in at most 1.5 s, then in 600 µs: {seconds} s, {microseconds} µs, {verdict}"
    ]


TITLE = (
    f"A damped pendulum by {STEPS} steps of Runge and Kutta, 8,388 gates of which most wait for the one before: "
    "seconds until the first call is done, and a value with its gradient, for 1 example and for 64:"
)

"""What the exact tanh′ costs in a compiled training step, beside 1 − out², which cancels where tanh saturates.

The step is V2 of `compile`. A rule is a function of (xp, out, x), as the table has it, the same for every engine.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import microgradnn as mg
from microgradnn.table import tanh
from tests.benchmarks import compile as compiled
from tests.benchmarks.harness import digits3, machine, medians
from tests.benchmarks.peers import by_jax, by_torch
from tests.benchmarks.problems import DIGITS, Problem, Step, arrays, digits, our_v2, ours

Rule = Callable[[Any, Any, Any], tuple[Any]]
RULES: dict[str, Rule] = {"1 − out²": lambda xp, out, x: (1 - out * out,), "exact": tanh.array_partials}


@contextmanager
def tanh_by(rule: Rule) -> Iterator[None]:
    """The package's tanh with the partials of `rule` in what is compiled or traced meanwhile."""
    shipped = tanh.array_partials
    tanh.array_partials = rule
    try:
        yield
    finally:
        tanh.array_partials = shipped


def slope(rule: Rule, x: float) -> float:
    """tanh′(x) in a compiled function."""
    with tanh_by(rule):
        return float(mg.compile(mg.tanh, example=(x,), wrt="inputs").value_and_grad([x])[1][0])


def jax_with(count: int, rule: Rule) -> Step:
    """JAX by hand, the rule in a custom_jvp."""
    import jax
    import jax.numpy as jnp

    ruled = jax.custom_jvp(jnp.tanh)
    ruled.defjvps(lambda tangent, out, x: tangent * rule(jnp, out, x)[0])

    def loss(params: Any, X: Any, y: Any) -> Any:  # noqa: N803
        W1, b1, W2, b2 = params  # noqa: N806
        logits = ruled(X @ W1.T + b1) @ W2.T + b2
        return (jax.nn.logsumexp(logits, 1) - jnp.take_along_axis(logits, y[:, None], 1)[:, 0]).mean()

    return by_jax.jax_step(loss, arrays(DIGITS), Problem(loss, (), digits(count), trained=True))


def torch_with(count: int, rule: Rule) -> Step | None:
    """PyTorch by hand, the rule in an autograd.Function."""
    import torch
    from torch.nn.functional import cross_entropy, linear

    class Tanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(out := torch.tanh(x), x)
            return out

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return gradient * rule(torch, *ctx.saved_tensors)[0]

    def loss(params: Any, X: Any, y: Any) -> Any:  # noqa: N803
        W1, b1, W2, b2 = params  # noqa: N806
        return cross_entropy(linear(Tanh.apply(linear(X, W1, b1)), W2, b2), y)

    return by_torch.torch_step(loss, arrays(DIGITS), Problem(loss, (), digits(count), trained=True), False)


ENGINES: dict[str, Callable[[int, Rule], Step | None]] = {
    "ours on NumPy": lambda count, _: ours(partial(our_v2, count), "numpy"),
    "ours by to_jax": lambda count, _: by_jax.ours_in_jax(partial(our_v2, count)),
    "JAX by hand": jax_with,
    "PyTorch by hand": torch_with,
}
STEPS, RUNS = {64: 20, 1797: 4}, 101  # steps in a row for one figure, by the size of the batch; figures
TITLE = "A compiled training step on digits by two rules for tanh′, in microseconds:"
Figures = dict[tuple[int, str, str], float]


def measure(steps_in_a_row: Mapping[int, int], runs: int) -> Figures:
    """Microseconds a step, by size of the batch, engine and rule."""
    figures: Figures = {}
    for count, times in steps_in_a_row.items():
        tasks = {}
        for by, rule in RULES.items():
            makers = {name: partial(maker, count, rule) for name, maker in ENGINES.items()}
            with tanh_by(rule):
                for name, step in compiled.prepared(f"V2, {count}, {by}", makers)[0].items():
                    step.run()  # JAX traces again for the second step
                    tasks[count, name, by] = partial(compiled.sample, step.run, times, True)
        figures |= {key: 1e6 * seconds for key, (seconds,) in medians(tasks, runs).items()}
    return figures


def table(figures: Figures) -> list[str]:
    """The figures in Markdown: a row for a batch and an engine."""
    lines = ["| | 1 − out² | exact | exact / 1 − out² |", "| --- | --: | --: | --: |"]
    for count in STEPS:
        for name in ENGINES:
            loose, exact = (figures[count, name, by] for by in RULES)
            cells = [f"batches of {count}, {name}", digits3(loose), digits3(exact), f"{exact / loose:.2f} ×"]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    with by_jax.float64():
        measure({64: 1}, 1)  # imports
        gc.collect()
        gc.freeze()  # as in a process of its own: no engine pays for walking over the modules of the others
        figures = measure(STEPS, RUNS)
    how = (
        f"{machine('numpy', 'jax', 'torch')}; one thread. Processor time, medians of {RUNS} interleaved runs of "
        f"{STEPS[64]} steps in a row, of {STEPS[1797]} with batches of 1797. By hand a rule is a custom_jvp in JAX, in "
        "PyTorch an autograd.Function, slower than its own tanh. Gradients were compared for each rule: equal to 1e-9."
    )
    why = ", ".join(f"{slope(rule, 20.0):.2g} by the rule {by}" for by, rule in RULES.items())
    return [TITLE, "", *table(figures), "", how, "", f"The compiled tanh′(20) is {why}."]

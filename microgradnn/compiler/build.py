"""Build: what `compile` is given, checked and recorded, becomes a program; which passes there are.

Read the passes in the order in which they run. `tracing` calls the function, twice, and writes its gates on a `tape`,
with their `sources`; `refusals` says what it cannot follow. `sums` gathers additions into sums and dot products, as
`zeros` allows; `grouping` puts gates that do the same at the same time into groups and products of matrices; `arrays`
makes operations on arrays of them. From here on there is an array program (`ir`), whose kinds of operations stand in
one table (`ops`). It is written in its simplest form (`simplify`), `reverse` goes on with derivatives, and `results`
says what can be asked for. `evaluate` is its meaning: the reference, and with the library of JAX (`jax_library`, of
`jax_arrays`, and `jax_gates`, which bring their derivatives) a backend, `jax_backend`. For NumPy `expand` writes gates
as calls, `plan` finds their memory, `numpy_source` writes them down and `numpy_backend` runs them. `python_backend`
goes straight from the tape, and its `derivatives`, to Python over floats. `arguments` and `parameters` read what the
user gives, `program` is what the user holds, `anomalies` finds where a nan was born; `report` explains a program and
`diagram` draws it, from what `flow` says.

Ten words that the code keeps to:

- register: where a number of the tape is, first the leaves (parameters, then inputs), then the result of each line;
- atom: what a gate on the tape takes, a register or a constant;
- group: gates that become one operation; product: dot products that become one product of matrices;
- operation: one line of an array program; it writes one variable, which nothing else writes;
- place: some numbers of a variable, evenly spaced; window: a variable read at a place;
- each: there is a number for each example; otherwise one number is the same for all;
- adjoint: the derivative of the root, which f returns, by a variable; contribution: what one operation adds to it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from microgradnn.compiler.arguments import outputs_of, read_example
from microgradnn.compiler.parameters import Parameters
from microgradnn.compiler.program import Program
from microgradnn.compiler.tracing import trace

_CHOICES = {
    "reduce": ("mean", "sum", None),
    "wrt": ("params", "inputs", "both"),
    "backend": ("auto", "numpy", "python", "jax"),
    "has_aux": (False, True),
}


def build(
    f: Callable[..., Any], params: Any, example: Any, reduce: str | None = "mean", wrt: str = "params",
    backend: str = "auto", has_aux: bool = False, before: Program | None = None,
) -> Program:  # fmt: skip
    """What `compile` does; `params` may be `Parameters`, too, as those that other programs have.

    `before` is the program of an earlier call with the same settings: it is given again where f is still what it was.
    """
    for name, value in {"reduce": reduce, "wrt": wrt, "backend": backend, "has_aux": has_aux}.items():
        if not isinstance(value, str | bool | None) or value not in _CHOICES[name]:
            known = ", ".join(map(repr, _CHOICES[name]))
            raise ValueError(f"{name} must be one of {known}, got {value!r:.60}")
    if has_aux and reduce is None:
        raise ValueError(
            "has_aux=True is for reduce='mean' or 'sum': reduce=None gives everything that f returns anyway"
        )
    if not callable(f):
        raise TypeError(f"compile needs a function, got {type(f).__name__} {f!r:.60}")
    if not isinstance(example, (tuple, list)):
        raise TypeError(
            f"example must be the tuple of the arguments of one example, such as (x, y), got {example!r:.60}"
        )
    if isinstance(params, Program):
        params = params._parameters
    parameters = params if isinstance(params, Parameters) else Parameters(params)
    example, shapes = read_example(example)
    with _collector_paused():
        tape, result = trace(f, parameters.leaves, example, None if before is None else before._tape)
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            got = "one number" if isinstance(result, (int, float)) else f"a {type(result).__name__} of {len(result)}"
            raise TypeError(f"with has_aux=True f must return a pair (value, aux), it returned {got}")
        result, aux = result if has_aux else (result, None)
        tape.roots = outputs_of(result)
        if reduce is not None and not isinstance(result, (int, float)):
            raise TypeError(
                f"f returns a {type(result).__name__} of {len(tape.roots)} numbers: a program with a gradient has one, "
                "reduce=None gives them all, and has_aux=True takes a pair of one and all others"
            )
        if not tape.roots:
            raise TypeError(f"f must return a number or numbers, it returned an empty {type(result).__name__}")
        tape.roots += outputs_of(aux) if has_aux else []
        if before is not None and before.computes(tape, result, aux, shapes):
            return before
        return Program(tape, result, aux, parameters, shapes, reduce, wrt, backend)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Python's cyclic collector walks all nodes again and again while they are made; nothing here is cyclic."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

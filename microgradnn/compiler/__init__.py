"""The compiler: a scalar function, recorded for one example, becomes a program over arrays.

Read the passes in the order in which they run, each one function over plain data: `tracing` calls the function and
writes its gates on a `tape`; `sums` gathers additions into sums and dot products; `grouping` puts gates that do the
same at the same time into groups and products of matrices; `layout` gives every number an address; `lowering` writes
down as `instructions`, forward and backward, what an array library is to do; `numpy_source` and `jax_source` make
source of them, which `numpy_backend` and `jax_backend` run; `python_backend` goes straight from the tape to Python over
floats. `arguments` reads what the user gives, `program` is what the user holds, `report` explains and draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from microgradnn.compiler.program import Program

__all__ = ["compile"]


def compile(
    f: Callable[..., Any],
    params: Any = (),
    *,
    example: Sequence[Any],
    reduce: Literal["mean", "sum"] | None = "mean",
    wrt: Literal["params", "inputs", "both"] = "params",
    backend: Literal["numpy", "python", "jax"] = "numpy",
) -> Program:
    """Turn the scalar function `f` into a program over batches: its mean or sum over examples, and the gradient.

    `f` is called twice, on arguments like those of `example`, a tuple of numbers, nested lists or arrays without the
    axis of examples. The Values in `params` (one, a list, nested lists or dicts) are what it learns, other numbers are
    constants. The value is 1/B Σ f(xᵢ) over the B examples of a batch, with `reduce="sum"` without the 1/B; with
    `reduce=None` the program gives what `f` returns for each example. `example=()` is for a function that goes through
    a data set of its own. Gradients are by the parameters, nested as they were given, by the inputs, shaped like the
    batch, or both.

    Raises TypeError, with the line, where `f` asks for the number of a Value, as the program could not follow its
    choice, and where the second call does not do the same, as with random numbers, counters and clocks.
    ValueError for a Value from elsewhere that is not in `params`, and for other bad arguments.

    >>> from microgradnn import Value, compile
    >>> w, b = Value(2.0), Value(1.0)
    >>> program = compile(lambda x, y: (w * x + b - y) ** 2, [w, b], example=(0.0, 0.0))
    >>> value, gradient = program.value_and_grad([1.0, 2.0, 3.0], [3.0, 5.0, 9.0])
    >>> round(value, 4), gradient.round(4).tolist()
    (1.3333, [-4.0, -1.3333])
    >>> compile(lambda x: [w * x, b], [w, b], example=(0.0,), reduce=None).value([1.0, 2.0]).tolist()
    [[2.0, 1.0], [4.0, 1.0]]
    """
    from microgradnn.compiler.program import build

    return build(f, params, example, reduce, wrt, backend)

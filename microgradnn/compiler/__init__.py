"""The compiler: a scalar function, recorded for one example, becomes a program over arrays.

Read the passes in the order in which they run; `build` goes through them. `tracing` calls the function, twice, and
writes its gates on a `tape`, with their `sources`; `refusals` says what it cannot follow. `sums` gathers additions
into sums and dot products, as `zeros` allows; `grouping` puts gates that do the same at the same time into groups and
products of matrices; `arrays` makes operations on arrays of them. From here on there is an array program (`ir`), whose
kinds of operations stand in one table (`ops`). It is written in its simplest form (`simplify`), `reverse` goes on with
derivatives, and `results` says what can be asked for. `evaluate` is its meaning: the reference, and with the library of
JAX (`jax_library`, of `jax_arrays`, and `jax_gates`, which bring their derivatives) a backend, `jax_backend`. For NumPy
`expand` writes gates as calls, `plan` finds their memory, `numpy_source` writes them down and `numpy_backend` runs
them. `python_backend` goes straight from the tape, and its `derivatives`, to Python over floats. `arguments` and
`parameters` read what the user gives, `program` is what the user holds, `anomalies` finds where a nan was born;
`report` explains a program and `diagram` draws it, from what `flow` says.

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
    backend: Literal["auto", "numpy", "python", "jax"] = "auto",
    has_aux: bool = False,
) -> Program:
    """Turn the scalar function `f` into a program over batches: its mean or sum over examples, and the gradient.

    `f` is called twice, on arguments like those of `example`, a tuple of numbers, nested lists or arrays without the
    axis of examples. The Values in `params` (one, a list, nested lists or dicts) are what it learns, other numbers are
    constants. The value is 1/B Σ f(xᵢ) over the B examples of a batch, with `reduce="sum"` without the 1/B; with
    `reduce=None` the program gives what `f` returns for each example. `example=()` is for a function that goes through
    a data set of its own. Gradients are by the parameters, nested as they were given, by the inputs, shaped like the
    batch, or both.

    With `has_aux=True` f returns a pair (value, aux), where aux is any nesting of numbers: they come by example, as
    arrays in that nesting, whatever `reduce` says, and nothing is derived by them. As in JAX, `value` gives
    (value, aux), `grad` (gradient, aux) and `value_and_grad` ((value, aux), gradient).

    `params` may also be another program, to compute with its parameters: both then share one vector `params`, so that
    one `pull` or `push` does for both; pickled or copied together they go on sharing it.

    The program computes with NumPy, with JAX, or as straight-line Python over floats. "auto" is NumPy, and
    straight-line Python for a few examples at a time where `f` is narrow and deep, such as an integrator of many steps;
    the program's repr says for how many. Arrays compute both sides of a choice: at 0 the gradient of where(x, sqrt(x),
    0.) is nan over arrays, since the infinite slope of what was not taken meets the factor 0. Choose the operand first:
    where(x, sqrt(where(x, x, 1.)), 0.). relu, maximum and where of finite slopes are right as they are, straight-line
    Python hands nothing on to what was not taken, as eager code, and `detect_anomaly` names the gate.

    NumPy and JAX add up sums in an order of their own, what is the same for all examples first: results may differ from
    those of eager code by rounding, and where terms come near 1e308 a sum may overflow on the way, as (x + w) + w does
    at x = −1e308, w = 1e308. Constants of 2⁵² and more stay where they are. JAX takes numbers below 2.2e-308 for 0.

    Raises TypeError, with the line, where `f` asks for the number of a Value, as the program could not follow its
    choice, and where the second call does not do the same, as with random numbers, counters and clocks, or draws from
    the global generators of Python or NumPy at all. What two calls cannot show is not seen: a choice by a generator of
    your own, a clock or a file that came out the same twice is kept for ever.
    ValueError for a Value from elsewhere that is not in `params`, for `has_aux` where nothing is reduced, and for other
    bad arguments.

    >>> from microgradnn import Value, compile
    >>> w, b = Value(2.0), Value(1.0)
    >>> program = compile(lambda x, y: (w * x + b - y) ** 2, [w, b], example=(0.0, 0.0))
    >>> value, gradient = program.value_and_grad([1.0, 2.0, 3.0], [3.0, 5.0, 9.0])
    >>> round(value, 4), gradient.round(4).tolist()
    (1.3333, [-4.0, -1.3333])
    >>> compile(lambda x: [w * x, b], [w, b], example=(0.0,), reduce=None).value([1.0, 2.0]).tolist()
    [[2.0, 1.0], [4.0, 1.0]]

    The loss of a line with its predictions beside it, and a program of the predictions alone over the same vector:

    >>> def loss(x, y):
    ...     prediction = w * x + b
    ...     return (prediction - y) ** 2, {"prediction": prediction}
    >>> program = compile(loss, [w, b], example=(0.0, 0.0), has_aux=True)
    >>> (value, aux), gradient = program.value_and_grad([1.0, 2.0, 3.0], [3.0, 5.0, 9.0])
    >>> round(value, 4), aux["prediction"].tolist()
    (1.3333, [3.0, 5.0, 7.0])
    >>> predict = compile(lambda x: w * x + b, program, example=(0.0,), reduce=None)
    >>> program.params -= 0.25 * gradient
    >>> predict.value([1.0, 2.0]).round(4).tolist()
    [4.3333, 7.3333]
    """
    from microgradnn.compiler.build import build

    return build(f, params, example, reduce, wrt, backend, has_aux)

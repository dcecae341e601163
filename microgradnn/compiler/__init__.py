"""Run: `compile` makes an array program of a scalar function, for the speed of arrays and for many devices.

`compile` calls a function twice, on Values without numbers, and rolls up the graph that it records: gates that do the
same become one call of NumPy, dot products become products of matrices, the examples an axis. Gradients stay as they
are, to 1e-12. The function is that of one example, as it runs without `compile`:

>>> import microgradnn as mg, numpy as np
>>> from microgradnn import nn
>>> model = nn.MLP(2, [16, 16, 1], rng=0)
>>> def loss(x, label):
...     return nn.hinge(model(x), label) + nn.l2(model, 1e-3)
>>> X = np.random.default_rng(0).normal(size=(100, 2))
>>> y = np.where(X[:, 0] * X[:, 1] > 0, 1, -1)
>>> program = mg.compile(loss, model.parameters(), example=(X[0], y[0]))
>>> for step in range(300):
...     value, gradient = program.value_and_grad(X, y)  # the mean over all examples
...     program.params -= 0.1 * gradient
>>> program.push()  # back into the Values
>>> value < 0.1, float(model(X[0]).data * y[0]) > 0
(True, True)

`program.params` is one vector; `pull()` reads the Values into it, `push()` writes them. `fit(…, compiled=True)` does
all of this by itself.

What came out
-------------

`explain()` shows the passes, backward beside forward, and the source that runs; `draw()` the same in boxes.

>>> program.draw().save("program.svg")  # doctest: +SKIP
>>> print(program.explain())
The mean over B examples and its gradient by 337 parameters, with NumPy
...
forward                              size                module   backward
...
v4 = put(x0 at [0:2], 1 at [2])      3 × B               MLP.0
v5 = p[0:48] · v4                    16 × 3 · 3 × B      MLP.0    d14 = d13 · v4ᵀ, 16 × B · B × 3
...

What can be asked for
---------------------

- `value`, `grad`, `value_and_grad`: of the mean over the examples, or their sum (`reduce="sum"`);
- `grads(X, y)`: the gradient of every example; `hvp(v, X, y)`: the Hessian times v, without the matrix;
- `reduce=None`: what the function returns, by example, as for predictions; `wrt="inputs"`: gradients by the batch;
- `has_aux=True`: the function returns more beside its loss; `compile(g, program, …)`: g shares the parameters.

Labels, indices, masks and weights are inputs like others; `example=()` is for a loss over a data set of its own.
Backends are "numpy", "jax" (extra [jax]) and "python", straight lines over floats, which "auto", the default, takes for
a few examples of a narrow, deep function. Overflow gives inf and nan silently, as arrays do, unless `detect_anomaly()`
asks; numbers are floats of 64 bits.

What is refused
---------------

A choice by the number of a Value would hold for one example only. It is refused with line, expression and remedy; so is
what differs between the two calls, such as a random number.

>>> mg.compile(lambda x: x if x > 0 else 0.1 * x, example=(1.0,))
Traceback (most recent call last):
TypeError: ... asks for the number of a Value while compile records the function: ...

When one machine is not enough
------------------------------

`program.to_jax()` is a pure function of the vector of parameters and a batch, in 64 bits, that JAX differentiates and
spreads over devices and hosts. This is `train.py`, the same for one device and many (extras [jax,sklearn])::

    # Learn digits with every device: python train.py [HOST:PORT PROCESSES NUMBER]
    import sys

    import jax
    import numpy as np
    from jax.sharding import NamedSharding, PartitionSpec as P
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    import microgradnn as mg
    from microgradnn import nn

    jax.config.update("jax_enable_x64", True)
    if len(sys.argv) > 1:  # this is one of several processes
        jax.distributed.initialize(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    devices = jax.make_mesh((jax.device_count(),), ("data",))

    X, y = load_digits(return_X_y=True)
    X, test_X, y, test_y = train_test_split(X / 16, y, test_size=0.2, random_state=0)
    model = nn.MLP(64, [32, 10], activation="tanh", rng=0)  # the same start everywhere


    def loss(x, label):
        return nn.cross_entropy(model(x), label)


    program = mg.compile(loss, model.parameters(), example=(X[0], y[0]))
    loss_of = program.to_jax()


    @jax.jit
    @jax.shard_map(mesh=devices, in_specs=(P(), P("data"), P("data")), out_specs=P())
    def value_and_grad(params, X, y):
        # What one device does with its part of the batch, then the mean over all devices.
        params = jax.lax.pcast(params, "data", to="varying")  # this part's loss, not the sum
        return jax.lax.pmean(jax.value_and_grad(loss_of)(params, X, y), "data")


    def part(array):  # of a batch, for this process
        return jax.make_array_from_process_local_data(NamedSharding(devices, P("data")), array)


    params, rng = program.params, np.random.default_rng(0)
    for epoch in range(1, 21):
        losses = []
        whole = rng.permutation(len(X))[: len(X) // 64 * 64]  # whole batches only
        for batch in whole.reshape(-1, 64):
            mine = batch[jax.process_index() :: jax.process_count()]
            parts = part(X[mine]), part(y[mine])
            loss, gradient = value_and_grad(params, *parts)
            params = params - 0.5 * gradient
            losses.append(float(loss))  # waits: on CPUs, steps in a queue can lock
        if epoch % 5 == 0 and jax.process_index() == 0:
            print(f"epoch {epoch}: loss {np.mean(losses):.4f}")

    program.params[:] = params
    program.push()
    if jax.process_index() == 0:
        model.save("digits.safetensors")
        accuracy = mg.accuracy(model(test_X), test_y)
        print(f"devices: {jax.device_count()}, accuracy: {accuracy:.1%}")

On one device, then with a processor that poses as eight::

    $ python train.py
    epoch 5: loss 0.1949
    epoch 10: loss 0.1096
    epoch 15: loss 0.0747
    epoch 20: loss 0.0558
    devices: 1, accuracy: 97.2%
    $ XLA_FLAGS=--xla_force_host_platform_device_count=8 python train.py
    epoch 5: loss 0.1949
    epoch 10: loss 0.1096
    epoch 15: loss 0.0747
    epoch 20: loss 0.0558
    devices: 8, accuracy: 97.2%

As two processes, each of which takes its half of every batch. They may be on two hosts: the first argument is where
process 0 can be reached, then come how many there are and which one this is. Process 0 prints and saves (lines of
the library below JAX are left out here)::

    $ python train.py 127.0.0.1:12345 2 1 & python train.py 127.0.0.1:12345 2 0
    epoch 5: loss 0.1949
    epoch 10: loss 0.1096
    epoch 15: loss 0.0747
    epoch 20: loss 0.0558
    devices: 2, accuracy: 97.2%

The number of devices must divide the 64 of a batch; in each epoch 29 other examples fill none and are left out. How
`compile` works, pass by pass, is in `microgradnn.compiler.build`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from microgradnn.extras import install

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

    - `f`: the function of one example, written with Values; it is called twice, to record it
    - `params`: the Values that it learns, one, a list, nested lists or dicts; other numbers are constants. Or another
      program, to compute with its parameters: both then share one vector `params`, so that one `pull` or `push` does
      for both; pickled or copied together they go on sharing it
    - `example`: arguments like those that `f` takes, a tuple of numbers, nested lists or arrays without the axis of
      examples; () is for a function that goes through a data set of its own
    - `reduce`: "mean" makes the value 1/B Σ f(xᵢ) over the B examples of a batch, "sum" leaves out the 1/B, and with
      None the program gives what `f` returns for each example
    - `wrt`: gradients are by the "params", nested as they were given, by the "inputs", shaped like the batch, or "both"
    - `backend`: "numpy", "jax", or "python", straight-line Python over floats. "auto" is NumPy, and straight-line
      Python for a few examples at a time where `f` is narrow and deep, such as an integrator of many steps; the
      program's repr says for how many
    - `has_aux`: `f` returns a pair (value, aux), where aux is any nesting of numbers: they come by example, as arrays
      in that nesting, whatever `reduce` says, and nothing is derived by them. As in JAX, `value` gives (value, aux),
      `grad` (gradient, aux) and `value_and_grad` ((value, aux), gradient)

    Arrays compute both sides of a choice: at 0 the gradient of where(x, sqrt(x),
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
    try:
        from microgradnn.compiler.build import build
    except ModuleNotFoundError as error:
        raise ImportError(f"programs need NumPy: {install('numpy')}") from error
    return build(f, params, example, reduce, wrt, backend, has_aux)

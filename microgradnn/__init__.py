"""A scalar autograd engine to look at, to trust and to run: every number remembers the gate that made it.

>>> from microgradnn import Value
>>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
>>> f = (x + y) * z
>>> f.backward()
>>> x.grad, y.grad, z.grad
(-4.0, -4.0, 3.0)

Where to read on: each of these is a guide of five minutes, `help("microgradnn.drawing")` and so on.

- look: `microgradnn.drawing`; from the shell: `microgradnn.__main__`
- trust: `microgradnn.checks`
- run: `microgradnn.nn`, `microgradnn.optim`, `microgradnn.training`; at the speed of arrays: `microgradnn.compiler`
- coming from micrograd: `microgradnn.micrograd`; from PyTorch, JAX or scikit-learn: `microgradnn.hints`
- the functions: `microgradnn.functional`; derivatives of functions: `microgradnn.backprop`
- how it works inside: `microgradnn.value`; in C, and how fast: `microgradnn.native`
- a gate of your own: the first lines of primitive.py, as `help("microgradnn.primitive")` is about the class

Promises and edges, and what is new, are in PROMISES.md and CHANGELOG.md beside this file. Where a docstring cites a
note, as "note 002", it means one of five lecture notes; notebooks/README.md in the repository says what is in each.
"""

from microgradnn import nn as nn, operations, optim as optim, plots as plots, saving as saving
from microgradnn.backprop import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from microgradnn.bounds import bounds as bounds
from microgradnn.checks import check_by_hand, check_gate, check_grads, diagnose, explain, report_grads
from microgradnn.compiler import compile as compile
from microgradnn.context import detect_anomaly, no_grad
from microgradnn.drawing import draw, to_latex
from microgradnn.functional import *  # noqa: F403  the public gates, softmax, mean, dot, take
from microgradnn.functional import abs as abs, dot, mean, softmax, stop_gradient, sum as sum, take
from microgradnn.hints import answering as _answering
from microgradnn.margins import margin
from microgradnn.native import engine as engine
from microgradnn.primitive import gates, lookup as gate, primitive, scratch_table
from microgradnn.stepping import steps
from microgradnn.training import History, accuracy, fit
from microgradnn.value import Value
from microgradnn.watching import watch
from microgradnn.worksheets import worksheet

__version__ = "1.0.0"

# abs, compile and sum stay out of the star import, which shadows no builtin: call microgradnn.sum.
__all__ = [
    "History", "Value", "accuracy", "bounds", "check_by_hand", "check_gate", "check_grads", "detect_anomaly",
    "diagnose", "dot", "draw", "explain", "fit", "gate", "gates", "grad", "hessian", "hvp", "jacobian", "jvp",
    "margin", "mean", "nn", "no_grad", "optim", "plots", "primitive", "report_grads", "scratch_table", "softmax",
    "steps", "stop_gradient", "take", "to_latex", "value_and_grad", "vjp", "watch", "worksheet",
]  # fmt: skip
__all__ += operations.__all__
__all__.remove("abs")
__all__.remove("sum")
__all__.sort()
__getattr__ = _answering(__name__, __all__)

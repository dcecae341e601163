"""A scalar autograd engine to look at, to trust and to run.

>>> from microgradnn import Value
>>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
>>> f = (x + y) * z
>>> f.backward()
>>> x.grad, y.grad, z.grad
(-4.0, -4.0, 3.0)
"""

from microgradnn import nn as nn, optim as optim, plots as plots, saving as saving
from microgradnn.backprop import grad, hessian, hvp, jacobian, jvp, steps, value_and_grad
from microgradnn.checks import check_grads
from microgradnn.compiler import compile as compile
from microgradnn.drawing import draw, to_latex
from microgradnn.functional import (
    abs as abs,
    acos,
    asin,
    atan,
    atan2,
    cos,
    cosh,
    dot,
    elu,
    erf,
    exp,
    expm1,
    hardtanh,
    leaky_relu,
    log,
    log1p,
    logsumexp,
    maximum,
    mean,
    minimum,
    relu,
    sigmoid,
    sign,
    sin,
    sinh,
    softmax,
    softplus,
    softsign,
    sqrt,
    step,
    sum as sum,
    tan,
    tanh,
    where,
)  # fmt: skip
from microgradnn.modes import detect_anomaly, no_grad
from microgradnn.primitives import primitive
from microgradnn.training import History, accuracy, fit
from microgradnn.value import Value

__version__ = "0.4.0"

# abs, compile and sum stay out of the star import, which shadows no builtin: call microgradnn.sum.
__all__ = [
    "History", "Value", "accuracy", "acos", "asin", "atan", "atan2", "check_grads", "cos", "cosh", "detect_anomaly",
    "dot", "draw", "elu", "erf", "exp", "expm1", "fit", "grad", "hardtanh", "hessian", "hvp", "jacobian", "jvp",
    "leaky_relu", "log", "log1p", "logsumexp", "maximum", "mean", "minimum", "nn", "no_grad", "optim", "plots",
    "primitive", "relu", "sigmoid", "sign", "sin", "sinh", "softmax", "softplus", "softsign", "sqrt", "step", "steps",
    "tan", "tanh", "to_latex", "value_and_grad", "where",
]  # fmt: skip

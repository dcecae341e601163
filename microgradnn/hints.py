"""Coming from PyTorch, JAX or scikit-learn: what is called as there, and what to write in place of a missing name.

From PyTorch
------------

The names of PyTorch's layers, losses and optimisers stand for what is here, and compute the same to 1e-12:

>>> from microgradnn import nn, optim
>>> model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.Linear(3, 2, rng=1))
>>> criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
>>> optimizer = optim.Adam(model.parameters(), lr=0.01)
>>> optimizer.zero_grad()
>>> loss = criterion(model([[1.0, 2.0], [3.0, -1.0]]), [0, 1])
>>> loss.backward()
>>> optimizer.step(); optimizer
Adam(lr=0.01, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0; 17 parameters)

There are no tensors: a `Value` is one number, a vector a list of them (which `+` makes longer), and so `loss.item()` is
`loss.data`, `torch.no_grad()` is `no_grad()`. `nn.functional` has the functions of lists. Weights go both ways as
safetensors, see `microgradnn.nn`. A `torch.autograd.Function` is a `primitive`, and `check_grads(f, args, of=…)` checks
one of PyTorch's.

From JAX
--------

`grad`, `value_and_grad`, `jacobian`, `hessian`, `jvp`, `vjp` and `hvp` take functions and give functions or numbers, of
any order. Arguments are numbers, lists, dicts and arrays of them, with `argnums`, `has_aux` and keyword arguments; in
place of an array the function gets one of Values.

>>> import numpy as np
>>> from microgradnn import value_and_grad
>>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
>>> loss = lambda p: ((x @ p["w"] + p["b"]) ** 2).sum()
>>> value_and_grad(loss)({"w": np.array([1.0, -1.0]), "b": 0.5})
(0.5, {'w': array([-4., -6.]), 'b': -2.0})

`jax.jit` and `jax.vmap` are `compile`, which makes a program over batches, for JAX too: see `microgradnn.compiler`.
An `if` on a Value is refused there, as in `jit`: write `where(c, a, b)`.

From scikit-learn
-----------------

`from microgradnn.sklearn import MLPClassifier, MLPRegressor` has scikit-learn's settings and, with its `random_state`,
its runs. The network of Values is in `model_`. See `microgradnn.sklearn`.

Names that are missing
----------------------

They are answered by what to write, or by the nearest name:

>>> import microgradnn
>>> microgradnn.tensor
Traceback (most recent call last):
AttributeError: microgradnn has no tensor: Value(2.0) is one number, [Value(x) for x in data] a vector

This module holds one table of such names for all owners: the package, `nn`, `nn.init`, `nn.functional`, `optim`, Values
and modules. Where the thing itself is here under another name, it stands in a table of aliases and not in this one.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable
from typing import Any

_VECTOR = "a vector is a list of Values, and compile(f, …) makes an array program of f"
_ONE = "a Value is one number; lists of Values have lengths"
_FLOATS = "leave it out: numbers are floats of 64 bits on the CPU; compile(f, …, backend='jax') goes elsewhere"
_OWN_RULE = "primitive(name, forward, partial) is a gate with a rule of your own"
_UNRECORDED = "with no_grad(): computes without recording"
_BY_SCHEDULE = "in fit(…, schedule=…), or by hand group['lr'] = lr * schedule(epoch) in optimizer.param_groups"
_OF_WINDOWS = "a forward of your own takes the windows of a list one by one"
_START = "the start is written, w.data = 0.1, or said where a layer is made, as by nn.Linear(2, 3"
_DRAW = "draw(root) of microgradnn draws a graph"

# By owner: names, and what to write instead.
_ROWS: dict[str, dict[str, str]] = {
    "micrograd": {"draw_dot trace": _DRAW},
    "microgradnn": {
        "draw_dot trace": _DRAW,
        "Neuron Layer MLP Module": "networks are in microgradnn.nn, with micrograd's habits in microgradnn.micrograd",
        "tensor Tensor Variable Parameter": "Value(2.0) is one number, [Value(x) for x in data] a vector",
        "zeros ones full eye arange linspace array randn rand from_numpy": _VECTOR,
        "cat concatenate": "lists are joined by +",
        "stack": "[a, b, c] is a list of lists",
        "matmul mm bmm einsum": "dot(w, x) is one row times a vector, [dot(w, x) for w in rows] a matrix times it",
        "manual_seed": "what draws takes rng: nn.MLP(2, [16, 1], rng=0), fit(…, rng=0)",
        "multinomial": "numpy.random.default_rng(0).choice(len(p), p=p), of numbers p",
        "argmax": "max(range(len(xs)), key=lambda i: xs[i]) is the place of the largest",
        "max min": "maximum(xs), minimum(xs)",
        "log_softmax": "nn.functional.log_softmax(xs)",
        "inference_mode set_grad_enabled": _UNRECORDED,
        "enable_grad": "gates are recorded wherever there is no no_grad() around them",
        "autograd func": "grad, jacobian and vjp are in microgradnn itself; " + _OWN_RULE,
        "Function custom_vjp custom_jvp": _OWN_RULE,
        "gradcheck": "check_grads(f, args) checks derivatives, check_gate(gate) the rule of a gate",
        "save load": "model.save('net.safetensors') keeps the weights, model.load('net.safetensors') reads them",
        "device cuda float64 float32 float16 set_default_dtype": _FLOATS,
        "utils": "optim.clip_grad_norm clips; fit(…, batch_size=32) makes batches",
        "pow power": "x**y",
        "square": "x**2",
        "rsqrt": "x**-0.5",
        "reciprocal": "1 / x",
        "clamp clip": "maximum(low, minimum(high, x))",
        "prod": "math.prod(xs)",
        "allclose isclose": "numpy.allclose and math.isclose, of numbers",
        "SGD Adam AdamW RMSprop Adagrad": "from microgradnn import optim; optim.Adam(model.parameters(), lr=0.01)",
        "Linear Sequential CrossEntropyLoss": "from microgradnn import nn; nn.Linear(2, 3)",
        "swish": "silu(x)",
        "logsigmoid": "-softplus(-x)",
        "mish": "x * tanh(softplus(x))",
        "cross_entropy mse_loss": "nn.cross_entropy, nn.mse",
        "DataLoader": "fit(…, batch_size=32) makes batches",
        "gradient": "grad(f)(x), or root.backward() and x.grad",
        "absolute fabs": "abs(x)",
        "arctan2": "atan2(y, x)",
        **{f"arc{name}": f"a{name}(x)" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
        "mod": "x % y, or remainder(x, y)",
        "fmod": "sign(x) * (abs(x) % abs(y))",
        "ceil": "-floor(-x)",
        "degrees": "x * (180 / math.pi)",
        "radians": "x * (math.pi / 180)",
        "jit": "compile(f, …, example=(x,)) makes an array program of f",
        "vmap": "a program of compile(f, …) takes a batch; with reduce=None it gives a value for each example",
        "pmap": "compile(f, …, backend='jax') runs on several devices",
        "jacfwd jacrev": "jacobian(f)",
        "elementwise_grad": "[grad(f)(x) for x in xs]",
        "linearize": "jvp(f, (x,), (v,)) gives the derivative along v",
        "make_jaxpr": "compile(f, …).explain() shows the program, draw(f(x)) the graph",
        "checkpoint": "a graph keeps a float for each edge: nothing is gained by computing it again",
        "numpy jnp np": "its operators and functions such as numpy.exp work on object arrays of Values",
        "random": "NumPy draws, or Python's random",
        "tree tree_map tree_util": "transforms take nested lists, tuples, dicts and arrays as they are",
        "lax": "where(c, a, b), take(table, index), stop_gradient(x), and Python's own loops",
        "MLPClassifier MLPRegressor": "from microgradnn.sklearn import MLPClassifier, MLPRegressor",
        "train_test_split StandardScaler": "scikit-learn has it: sklearn.model_selection, sklearn.preprocessing",
    },
    "nn": {
        "Value": "Value is in microgradnn itself",
        "Parameter ParameterList": "a Value, or a list of them, in an attribute is a parameter: self.w = Value(0.5)",
        "ModuleDict": "a plain dict of modules in an attribute: self.parts = {'a': nn.Linear(2, 3)}",
        "utils": "optim.clip_grad_norm(model.parameters(), 1.0) clips gradients",
        "Conv1d Conv2d MaxPool1d MaxPool2d AvgPool1d AvgPool2d AdaptiveAvgPool2d": _OF_WINDOWS,
        "RNN LSTM GRU": "a loop in a forward of your own, with nn.Linear(nin + size, size) for each gate",
        "LayerNorm RMSNorm": "a forward of your own, of mean(x) or dot(x, x) / len(x): notebook 10 writes one out",
        "MultiheadAttention Transformer TransformerEncoderLayer": "notebook 10 writes it out, of softmax and dot",
        "BatchNorm2d": "nn.BatchNorm1d(n) normalises each number of an example over the batch",
        "Dropout2d": "nn.Dropout(p) drops numbers one by one",
        "Unflatten": "[x[i : i + n] for i in range(0, len(x), n)] in a forward of your own",
        "Bilinear GLU": "a forward of your own, of nn.Linear, dot and sigmoid",
        "EmbeddingBag": "nn.Embedding(num, dim) gives the rows, mean or sum of each column one of them",
        "ReLU6": "nn.Activation(lambda x: minimum(maximum(x, 0.0), 6.0))",
        "LogSigmoid": "nn.Activation(lambda x: -softplus(-x))",
        "Mish": "nn.Activation(lambda x: x * tanh(softplus(x)))",
        "Hardsigmoid": "nn.Activation(lambda x: minimum(maximum(x / 6 + 0.5, 0.0), 1.0))",
        "MultiMarginLoss": "nn.multiclass_hinge(scores, label) / classes",
        "SoftMarginLoss": "mean([softplus(-y * out) for out, y in zip(outputs, targets)])",
        "HingeEmbeddingLoss": "mean([where(y, x, relu(1 - x)) for x, y in zip(distances, targets)])",
        "CosineSimilarity": "dot(a, b) / (norm(a) * norm(b))",
        "PoissonNLLLoss": "mean([exp(out) - y * out for out, y in zip(outputs, targets)])",
        "mse_loss huber_loss": "nn.mse, nn.huber, or by these names in nn.functional",
        "relu tanh sigmoid softmax": "nn.functional has it for lists, microgradnn for single numbers",
    },
    "nn.init": {
        "zeros_ ones_ constant_": _START + ", init=nn.init.constant(0.1))",
        "normal_ trunc_normal_": _START + ", init=nn.init.normal(0.02))",
        "uniform_": _START + ", init=nn.init.uniform(0.1))",
        "xavier_uniform_": _START + ", init='xavier_uniform')",
        "xavier_normal_": _START + ", init='xavier_normal')",
        "kaiming_uniform_ kaiming_uniform": _START + ", init='he_uniform')",
        "kaiming_normal_ kaiming_normal": _START + ", init='he_normal')",
        "orthogonal_ eye_": _START + ", init=f) with f(rng, fan_in, fan_out) an array",
    },
    "nn.functional": {
        "dropout": "self.drop = nn.Dropout(p) in __init__, self.drop(x) in forward, so that eval() turns it off",
        "one_hot": "[float(i == label) for i in range(classes)]; cross_entropy takes the label itself",
        "linear": "[dot(row, x, b) for row, b in zip(weight, bias)]",
        "embedding": "take(weight, index), or nn.Embedding(num, dim)",
        "normalize": "[y / norm(x) for y in x]",
        "cosine_similarity": "dot(a, b) / (norm(a) * norm(b))",
        "pad": "x + [0.0] * n",
        "conv1d conv2d max_pool2d avg_pool2d": _OF_WINDOWS,
        "logsigmoid": "-softplus(-x)",
        "layer_norm rms_norm": "it is made of mean(x) or dot(x, x) / len(x): notebook 10 writes one out",
    },
    "optim": {
        "lr_scheduler": "StepDecay, ExponentialDecay, Cosine: " + _BY_SCHEDULE,
        "StepLR": "StepDecay(every=step_size, factor=gamma): " + _BY_SCHEDULE,
        "ExponentialLR": "StepDecay(every=1, factor=gamma): " + _BY_SCHEDULE,
        "CosineAnnealingLR": "Cosine(epochs=T_max): " + _BY_SCHEDULE,
        "LambdaLR MultiStepLR LinearLR OneCycleLR": "any function of the epoch: " + _BY_SCHEDULE,
        "ReduceLROnPlateau": "on_epoch=f(model, history) of fit may assign group['lr'] in optimizer.param_groups",
        "LBFGS": "MLPClassifier(solver='lbfgs'), or scipy.optimize.minimize on a program's value_and_grad",
        "NAdam RAdam Adamax Adadelta Rprop SparseAdam": "Adam(params) and RMSProp(params) are the nearest",
        "clip_grad_value_": "p.grad = max(-c, min(c, p.grad)) for each parameter p",
    },
    "Value": {
        "label": "its name is v.name; Value(2.0, 'x') gives it one, and so does v.named('x')",
        "_prev _children": "v.operands are what it was computed from",
        "_op grad_fn": "v.primitive is the gate that made it",
        "_backward": "v.partials are its local derivatives; microgradnn.micrograd's Value has a _backward",
        "pow square": "v**2",
        "rsqrt": "v**-0.5",
        "reciprocal": "1 / v",
        "no_grad": "with microgradnn.no_grad():",
        "item numpy tolist value val": "v.data is its number",
        "long": "int(v.data)",
        "gradient": "v.grad is its gradient, after root.backward()",
        "detach": "stop_gradient(v) is its number, through which no gradient goes",
        "clone": "+v is a gate with the same number, copy.deepcopy(v) a copy of its graph",
        "requires_grad requires_grad_ retain_grad": "all Values get gradients; leave what rests out of the optimizer",
        "is_leaf": "v.primitive is None for a leaf",
        "zero_grad": "v.grad = None makes its gradient blank, model.zero_grad() those of a model",
        "register_hook": "steps(root) shows every contribution of a sweep",
        "shape size dim ndim numel reshape view T unsqueeze squeeze flatten permute": _ONE,
        "mean sum max min norm argmax": "a Value is one number: mean, sum, maximum, norm of microgradnn take lists",
        "matmul mm dot": "microgradnn.dot(w, x) takes two lists",
        "softmax log_softmax": "microgradnn.softmax takes a list",
        "add_ sub_ mul_ copy_ zero_ fill_": "a leaf takes another number by v.data = 2.0",
        "cpu cuda to double float half dtype device": _FLOATS,
        "clamp clip": "maximum(low, minimum(high, v))",
    },
    "Module": {
        "fit": "microgradnn.fit(model, 'mse', X, y, 'adam', epochs=100)",
        "predict": "model(x) gives the output",
        "to cuda cpu double float half": _FLOATS,
        "requires_grad_": "give the optimizer what is to learn: optim.SGD(model[-1].parameters(), 0.1)",
        "add_module register_module register_parameter": "an attribute does it: self.layer = nn.Linear(2, 3)",
        "register_buffer named_buffers": "buffers = ('mean',) in the class, self.mean = 0.0 in __init__",
        "register_forward_hook register_full_backward_hook": "a forward of your own may keep it: self.seen = x",
        "get_submodule": "dict(model.named_modules())[path]",
        "get_parameter": "dict(model.named_parameters())['0.weight[3][1]']",
        "extend insert": "nn.Sequential(*model[:place], module, *model[place:])",
        "compile": "microgradnn.compile(f, model.parameters(), example=…), or fit(…, compiled=True)",
        "share_memory": "leave it out",
    },
}
HINTS = {owner: {name: hint for names, hint in rows.items() for name in names.split()} for owner, rows in _ROWS.items()}


def remedy(owner: str, name: str, known: Iterable[str], called: str = "") -> str:
    """What to write in place of a missing name: what the table says, or the nearest name that is known.

    The owner may be `called` otherwise, as a module is by its class.

    >>> remedy("nn", "Sequental", ["Sequential", "Layer"])
    'nn has no Sequental: did you mean Sequential?'
    """
    from difflib import get_close_matches

    called = called or owner
    missing = f"{called} has no {name}"
    if hint := HINTS[owner].get(name):
        return f"{missing}: {hint}"
    names = {known_name.lower(): known_name for known_name in known if not known_name.startswith("_")}
    near = get_close_matches(name.lower(), names, n=1)
    return f"{missing}: did you mean {names[near[0]]}?" if near else f"{missing}: dir({called}) lists what it has"


def answering(module: str, known: Iterable[str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module, for names that it has not; an import of such a name is answered alike."""
    owner = module.partition(".")[2] or module

    def missing(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
        asking = sys._getframe(1)
        imported = asking.f_code.co_code[asking.f_lasti] == dis.opmap["IMPORT_FROM"]  # which hides an AttributeError
        kind = ImportError if imported else AttributeError
        raise kind(remedy(owner, name, known), name=name)  # with its name and no object Python adds no guess of its own

    return missing


class Missing:
    """A name that Values of another package have: reading or assigning it says what to write here.

    It stands on the class, as a `__getattr__` there would make every attribute of every Value slower.
    """

    def __init__(self, owner: str, name: str) -> None:
        self.name, self.message = name, remedy(owner, name, ())
        self.__doc__ = self.message  # for `help`, which lists the name among those that are there

    def __get__(self, value: Any, kind: type | None = None) -> Any:
        attributes = getattr(value, "__dict__", {})
        if self.name in attributes:
            return attributes[self.name]
        raise AttributeError(self.message, name=self.name)

    def __set__(self, value: Any, attribute: Any) -> None:
        if not hasattr(value, "__dict__"):
            raise AttributeError(self.message, name=self.name)
        value.__dict__[self.name] = attribute

    def __delete__(self, value: Any) -> None:
        self.__get__(value)  # AttributeError where there is none
        del value.__dict__[self.name]

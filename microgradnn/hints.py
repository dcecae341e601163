"""What to write here in place of a name that PyTorch, micrograd, JAX or scikit-learn have, and this package has not.

One table for all owners: the package, `nn`, `optim`, Values and modules. Any other missing name is answered by the
nearest one. Where the thing itself is here under another name, it stands in a table of aliases and not in this one.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable
from typing import Any

_VECTOR = "a vector is a list of Values, and compile(f, …) makes an array program of f"
_FLOATS = "numbers are floats of 64 bits on the CPU; compile(f, …, backend='jax') runs on other devices"
_OWN_RULE = "primitive(name, forward, partial) is a gate with a rule of your own"

# By owner: names, and what to write instead.
_ROWS: dict[str, dict[str, str]] = {
    "microgradnn": {
        "engine draw_dot trace": "draw(root) draws a graph; micrograd's names are in microgradnn.micrograd",
        "Neuron Layer MLP Module": "networks are in microgradnn.nn, with micrograd's habits in microgradnn.micrograd",
        "tensor Tensor Variable Parameter": "Value(2.0) is one number, [Value(x) for x in data] a vector",
        "zeros ones full randn rand arange linspace eye stack cat array": _VECTOR,
        "matmul mm bmm einsum": "dot(w, x) is one row times a vector, [dot(w, x) for w in rows] a matrix times it",
        "manual_seed": "what draws takes rng: nn.MLP(2, [16, 1], rng=0), fit(…, rng=0)",
        "argmax": "max(range(len(xs)), key=lambda i: xs[i].data) is the place of the largest",
        "inference_mode set_grad_enabled": "with no_grad(): computes without recording",
        "enable_grad": "gates are recorded wherever there is no no_grad() around them",
        "autograd": "grad, jacobian and vjp are in microgradnn itself; " + _OWN_RULE,
        "Function custom_vjp custom_jvp": _OWN_RULE,
        "gradcheck": "check_grads(f, args) checks derivatives, check_gate(gate) the rule of a gate",
        "save load": "model.save('net.safetensors') keeps the weights, model.load('net.safetensors') reads them",
        "device cuda float64 float32 float16": _FLOATS,
        "utils": "optim.clip_grad_norm clips; fit(…, batch_size=32) makes batches",
        "pow power": "x**y",
        **{f"arc{name}": f"a{name}(x)" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
        "arctan2": "atan2(y, x)",
        "absolute fabs": "abs(x)",
        "mod fmod": "x % y, or remainder(x, y)",
        "ceil": "-floor(-x)",
        "degrees": "x * (180 / math.pi)",
        "radians": "x * (math.pi / 180)",
        "square": "x**2",
        "rsqrt": "x**-0.5",
        "reciprocal": "1 / x",
        "clamp clip": "maximum(low, minimum(high, x))",
        "prod": "math.prod(xs)",
        "jit": "compile(f, …, example=(x,)) makes an array program of f",
        "vmap": "a program of compile(f, …) takes a batch; with reduce=None it gives a value for each example",
        "pmap": "compile(f, …, backend='jax') runs on several devices",
        "jacfwd jacrev": "jacobian(f)",
        "elementwise_grad": "[grad(f)(x) for x in xs]",
        "linearize": "jvp(f, (x,), (v,)) gives the derivative along v",
        "make_jaxpr": "compile(f, …).explain() shows the program, draw(f(x)) the graph",
        "checkpoint": "a graph keeps a float for each edge: nothing is gained by computing it again",
        "numpy": "its operators work on object arrays of Values; functions such as exp take Values one by one",
        "random": "NumPy draws, or Python's random",
        "tree_map tree_util": "transforms take nested lists, tuples, dicts and arrays as they are",
        "lax": "where(c, a, b), take(table, index), and Python's own loops",
        "MLPClassifier MLPRegressor": "from microgradnn.sklearn import MLPClassifier, MLPRegressor",
        "train_test_split StandardScaler": "scikit-learn has it: sklearn.model_selection, sklearn.preprocessing",
    },
    "nn": {
        "Value": "Value is in microgradnn itself",
        "Parameter": "a Value in an attribute of a module is a parameter: self.w = Value(0.5)",
        "utils": "optim.clip_grad_norm(model.parameters(), 1.0) clips gradients",
    },
    "optim": {},
    "Value": {
        "label": "its name is v.name; Value(2.0, 'x') gives it one, and so does v.named('x')",
        "_prev _children": "v.operands are what it was computed from",
        "_op grad_fn": "v.primitive is the gate that made it",
        "_backward": "v.partials are its local derivatives; microgradnn.micrograd's Value has a _backward",
        "pow square": "v**2",
        "no_grad": "with microgradnn.no_grad():",
        "item numpy tolist value val": "v.data is its number",
        "gradient": "v.grad is its gradient, after root.backward()",
        "detach": "stop_gradient(v) is its number, through which no gradient goes",
        "clone": "+v is a gate with the same number, copy.deepcopy(v) a copy of its graph",
        "requires_grad requires_grad_ retain_grad": "all Values get gradients; leave what rests out of the optimizer",
        "is_leaf": "v.primitive is None for a leaf",
        "zero_grad": "v.grad = None makes its gradient blank, model.zero_grad() those of a model",
        "register_hook": "steps(root) shows every contribution of a sweep",
        "shape size dim ndim reshape view T unsqueeze squeeze flatten permute": f"a Value is one number; {_VECTOR}",
        "mean sum max min": "a Value is one number: mean, sum, maximum and minimum of microgradnn take lists",
        "matmul mm dot": "microgradnn.dot(w, x) takes two lists",
        "softmax": "microgradnn.softmax takes a list",
        "add_ sub_ mul_ copy_ zero_ fill_": "a leaf takes another number by v.data = 2.0",
        "cpu cuda to double float dtype device": _FLOATS,
        "clamp clip": "maximum(low, minimum(high, v))",
    },
    "Module": {
        "fit": "microgradnn.fit(model, 'mse', X, y, 'adam', epochs=100)",
        "predict": "model(x) gives the output",
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
    owner = module.rpartition(".")[2]

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

    def __get__(self, value: Any, kind: type | None = None) -> Any:
        attributes = getattr(value, "__dict__", {})
        if self.name in attributes:
            return attributes[self.name]
        raise AttributeError(self.message, name=self.name)

    def __set__(self, value: Any, attribute: Any) -> None:
        if not hasattr(value, "__dict__"):
            raise AttributeError(self.message, name=self.name)
        value.__dict__[self.name] = attribute

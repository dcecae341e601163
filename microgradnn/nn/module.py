"""`Module`: what a part of a network knows of its parameters, its state and its inside.

A module works on a batch, a list of examples, each of them a list of numbers. Calling it takes one example or
a batch, and gives back the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Self

from microgradnn.context import current, inside
from microgradnn.hints import remedy
from microgradnn.nn import parameters
from microgradnn.nn.examples import Batch, examples
from microgradnn.nn.summary import Summary
from microgradnn.notation import Place, few
from microgradnn.settings import Limit
from microgradnn.trees import leaves
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

_BIASES = ("b", "bias")
_running: ContextVar[tuple[Batch, ...]] = ContextVar("running", default=())  # what the modules at work were given


class Module:
    """A part of a network: parameters of its own and modules inside it, found among its attributes.

    A leaf Value in an attribute, also in a list (of lists) there, is a parameter; a Module in an attribute, also in a
    list or dict there, is inside. A subclass says in `forward` what becomes of one example.

    The parameters are those from before the module ran. While one runs, attributes may keep what it takes and computes,
    to be looked at later: that is no parameter. Otherwise TypeError refuses what would not learn, when it is assigned
    or, where a list or another container has grown, when the parameters are read: the results of gates, Values and
    modules in any other container or object, Values in a dict or an array, Values and modules that are made while a
    module runs, or in the body of a class. What a closure or an object inside an object holds is not seen.

    When the module first runs, parameters that have no name are named after their places: `0.weight[3][1]`.

    `buffers` names attributes that belong to the state but are not trained: numbers and lists of numbers.

    >>> from microgradnn.nn import Layer
    >>> class Residual(Module):
    ...     def __init__(self, size):
    ...         self.inner = Layer(size, size, rng=0)
    ...     def forward(self, x):
    ...         return [a + b for a, b in zip(x, self.inner(x))]
    >>> model = Residual(3)
    >>> len(model([1.0, 2.0, 3.0])), len(model.parameters()), len(model.weights())
    (3, 12, 9)
    >>> [name for name, _ in model.named_modules()], [*model.children()], [name for name, _ in model.named_children()]
    (['', 'inner', 'inner.activation'], [Layer(3, 3, activation='relu')], ['inner'])
    >>> [name for name, _ in model.inner.tensors()], [name for name, _ in model.named_parameters()][-1]
    (['weight', 'bias'], 'inner.bias[2]')
    >>> len(model.own_parameters()), len(model.inner.own_parameters()), model.inner.count_neurons()
    (0, 12, 3)
    >>> model.eval().training, model.train().training
    (False, True)
    >>> model.zero_grad(); model.parameters()[0].swept
    False
    """

    training: bool = True
    nin: int | None = None  # how many numbers an example has, where the module knows
    buffers: ClassVar[tuple[str, ...]] = ()  # attributes that belong to the state but are not trained
    _name: str | None = None  # in the module that holds it
    _kept: frozenset[str] = frozenset()  # attributes assigned while a module ran: what is in them is no parameter
    _has_run: bool = False
    _limits: ClassVar[dict[str, Limit[Any]]] = {}  # what the arrays of buffers may be
    save: ClassVar[Callable[..., None]]  # `saving` attaches it, and load
    load: ClassVar[Callable[..., None]]

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if name := next((name for name, value in vars(cls).items() if parameters.held(value)), None):
            raise TypeError(
                f"{cls.__name__}.{name}: parameters and modules are looked for in a module, not in its class: assign "
                f"self.{name} in __init__"
            )

    def __setattr__(self, name: str, value: Any) -> None:
        running = current().path is not None
        parameters.check_assigned(self, name, value, _running.get() if running else None)
        object.__setattr__(self, name, value)
        if running != (name in self._kept):
            object.__setattr__(self, "_kept", self._kept ^ {name})

    def __getattr__(self, name: str) -> Any:
        if hasattr(type(self), name):  # a property, in which something else is missing: it says what
            return object.__getattribute__(self, name)
        kind = type(self).__name__
        answer = f"{kind} has no {name}" if name[:2] == "__" else remedy("Module", name, dir(self), kind)
        raise AttributeError(answer, name=name)

    # ---- computing ----

    def __call__(self, x: Any) -> Any:
        """The output for one example (a list of numbers, or one number) or for a batch (a list of examples)."""
        batch, single = examples(x)
        out = self.run(batch)
        return out[0] if single else out

    def run(self, batch: Batch) -> list[Any]:
        """The outputs of a `batch`, recorded as gates of this module: what calling it does once it has a list of lists.

        >>> from microgradnn.nn import Activation
        >>> Activation("relu").run([[-1.0], [2.0]])
        [[0.0], [2.0]]
        """
        for x in batch:
            if self.nin is not None and len(x) != self.nin:
                raise ValueError(
                    f"{self!r} takes {self.nin} numbers for one example, got {len(x)}; a batch is a list of lists"
                )
        if not self._has_run:
            self.own_parameters()  # refused before anything is computed
            if not _running.get():
                self._name_parameters()
            object.__setattr__(self, "_has_run", True)
        for name, child in self.named_children():
            object.__setattr__(child, "_name", name)
        token = _running.set((*_running.get(), batch))
        try:
            with inside(self._name or type(self).__name__):
                return self._outputs_of(batch)
        finally:
            _running.reset(token)

    def _outputs_of(self, batch: Batch) -> list[Any]:
        """What `forward_batch` gives, or `forward` where a subclass has put that in its place."""
        kind = next(kind for kind in type(self).__mro__ if "forward" in vars(kind) or "forward_batch" in vars(kind))
        return self.forward_batch(batch) if "forward_batch" in vars(kind) else [self.forward(x) for x in batch]

    def _name_parameters(self) -> None:
        """Name the parameters after their places, for pictures, steps and messages; names of the user's stay.

        A module around this one gives longer names, which take the place of these.
        """
        tensors = (
            (f"{path}.{name}" if path else name, tensor)
            for path, module in self.named_modules()
            for name, tensor in module.tensors()
        )
        for leaf, path in parameters.places(tensors).items():
            if leaf.name is None or (isinstance(leaf.name, Place) and len(leaf.name) < len(path)):
                leaf.name = Place(path)

    def forward(self, x: list[Any]) -> Any:
        """The output for one example `x`, for subclasses to say; NotImplementedError where they do not.

        >>> from microgradnn.nn import Activation
        >>> Activation("relu").forward([-1.0, 2.0])
        [0.0, 2.0]
        """
        if type(self).forward_batch is Module.forward_batch:
            raise NotImplementedError(f"{type(self).__name__} must define forward(self, x) for one example")
        return self.forward_batch([x])[0]

    def forward_batch(self, batch: Batch) -> list[Any]:
        """The outputs of a `batch`, for subclasses that look at the examples together; else one by one.

        >>> from microgradnn.nn import Activation
        >>> Activation("relu").forward_batch([[-1.0], [2.0]])
        [[0.0], [2.0]]
        """
        return [self.forward(x) for x in batch]

    # ---- parameters and state ----

    def tensors(self) -> Iterator[tuple[str, Any]]:
        """The parameters of this module alone by name: Values and lists (of lists) of Values."""
        for name, value in vars(self).items():
            looked_into = name not in self._kept and value.__class__ not in parameters.PLAIN
            if looked_into and parameters.claim(self, name, value, self._has_run):  # again, as a list may have grown
                yield name, value

    def own_parameters(self) -> list[Value]:
        """The parameters of this module alone."""
        return [*filter(parameters.is_parameter, leaves([tensor for _, tensor in self.tensors()]))]

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules right inside this one, each once with its name."""
        names: dict[Module, str] = {}
        for name, module in self._inside():
            names.setdefault(module, name)
        return ((name, module) for module, name in names.items())

    def _inside(self) -> Iterator[tuple[str, Module]]:
        for name, value in vars(self).items():
            if value.__class__ not in parameters.PLAIN and not parameters.is_tensor(value):
                yield from parameters.members_in(name, value, parameters.is_module)

    def children(self) -> Iterator[Module]:
        """The modules right inside this one."""
        return (module for _, module in self.named_children())

    def modules(self) -> Iterator[Module]:
        """The module itself and all modules inside it, each once.

        >>> from microgradnn.nn import Layer, MLP
        >>> [layer.nout for layer in MLP(3, [4, 2]).modules() if isinstance(layer, Layer)]
        [4, 2]
        """
        return (module for _, module in self.named_modules())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """The module itself, as "", and all modules inside it, each once with its path."""
        seen = set()
        waiting: list[tuple[str, Module]] = [("", self)]
        while waiting:
            path, module = waiting.pop()
            if module not in seen:
                seen.add(module)
                yield path, module
                inner = [(f"{path}.{name}" if path else name, child) for name, child in module.named_children()]
                waiting += reversed(inner)

    def apply(self, f: Callable[[Module], Any]) -> Self:
        """Call `f` of every module inside, of the innermost first, and of this one; give it back.

        >>> from microgradnn.nn import Dropout, Sequential
        >>> model = Sequential(Dropout()).apply(print)
        Dropout(0.5)
        Sequential(Dropout(0.5))
        """
        for module in self.children():
            module.apply(f)
        f(self)
        return self

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Every parameter once, with its place in the state: `0.weight[3][1]`."""
        places = parameters.places((key, tensor) for key, _, _, tensor in self._state())
        return ((path, leaf) for leaf, path in places.items())

    def parameters(self) -> list[Value]:
        """Every parameter once: what an optimiser takes."""
        return list(dict.fromkeys(leaf for module in self.modules() for leaf in module.own_parameters()))

    def weights(self) -> list[Value]:
        """Every parameter once but the biases: what is in a tensor called b or bias."""
        tensors = [tensor for module in self.modules() for name, tensor in module.tensors() if name not in _BIASES]
        return list(dict.fromkeys(filter(parameters.is_parameter, leaves(tensors))))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Make every gradient blank again, so that the next sweep starts anew; 0 if not `set_to_none`."""
        for parameter in self.parameters():
            parameter.grad = None if set_to_none else 0.0

    def train(self, mode: bool = True) -> Self:
        """Behave as in training: dropout drops, batch norm looks at the batch; with `mode` False as in evaluation."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Behave as in evaluation: the same as `train(False)`."""
        return self.train(False)

    def _state(self) -> Iterator[tuple[str, Module, str, Any]]:
        """What belongs to the state: its key, the module that has it, the attribute and what is there."""
        seen = set()
        for path, module in self.named_modules():
            for name, value in [*module.tensors(), *((name, getattr(module, name)) for name in module.buffers)]:
                if (key := f"{path}.{name}" if path else name) in seen:
                    raise ValueError(f"two tensors in the state of {self!r} are called {key}: give one another name")
                seen.add(key)
                yield key, module, name, value

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """The state as NumPy arrays, named and laid out as PyTorch's: a layer's `weight` is (nout, nin).

        >>> from microgradnn.nn import MLP
        >>> {name: array.shape for name, array in MLP(3, [4, 2]).state_dict().items()}
        {'0.weight': (4, 3), '0.bias': (4,), '2.weight': (2, 4), '2.bias': (2,)}
        """
        return {key: parameters.array_of(key, parameters.data_of(value)) for key, _, _, value in self._state()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Take over a `state` that `state_dict` gave here or in PyTorch: arrays, tensors or nested lists by name.

        Raises ValueError, and nothing changes, for another shape, a number that is not finite or, unless
        `strict=False`, a name too many or missing.

        >>> from microgradnn.nn import MLP
        >>> model, other = MLP(2, [1], rng=0), MLP(2, [1], rng=1)
        >>> other.load_state_dict(model.state_dict())
        >>> other([1.0, 2.0]).data == model([1.0, 2.0]).data
        True
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict of arrays by name, got {type(state).__name__} {state!r:.60}")
        own = {key: (module, name, value) for key, module, name, value in self._state()}
        missing, unknown = [key for key in own if key not in state], [key for key in state if key not in own]
        if strict and (missing or unknown):
            raise ValueError(f"the state does not fit {self!r}: missing {few(missing)}, unknown {few(unknown)}")
        arrays = {key: parameters.array_like(*own[key], state[key], key) for key in own if key in state}
        for key, array in arrays.items():
            parameters.write(*own[key], array)

    # ---- looking ----

    def count_neurons(self) -> int:
        """How many neurons this module itself has, those inside it not counted."""
        return 0

    def summary(self) -> Summary:
        """Count neurons and parameters as note 000 does: the inputs are no neurons, biases are parameters.

        >>> from microgradnn.nn import MLP
        >>> print(MLP(3, [4, 2]).summary())
        path   module                             neurons   parameters
        ────   ────────────────────────────────   ───────   ──────────
        0      Layer(3, 4, activation='relu')           4           16
        2      Layer(4, 2, activation='linear')         2           10
               together                                 6           26
        """
        named = self.named_modules()
        rows = [(path, repr(part), part.count_neurons(), len(part.own_parameters())) for path, part in named]
        return Summary([row for row in rows if row[2] or row[3]], sum(row[2] for row in rows), len(self.parameters()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def check_module(model: Any) -> None:
    """TypeError for what is no Module."""
    if not isinstance(model, Module):
        raise TypeError(f"model must be a Module, such as nn.MLP(2, [16, 1]), got {type(model).__name__} {model!r:.60}")


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Inside the block as after `eval()`; afterwards every module is in training or not as it was."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training

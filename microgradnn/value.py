"""`Value`: a number that remembers the gate that made it; how it works inside. Read this first.

Every operation on Values makes a new one, a node of a graph. A node keeps its gate, its operands, and the partials: the
local derivatives ∂out/∂operand at today's numbers. Nothing points back from an operand to the gates that use it, so a
graph is freed when its last name goes.

Backprop goes through the nodes in reverse order, so that every node comes after all nodes that use it. Its adjoint,
∂root/∂node, is then complete, and it hands partial × adjoint to each operand, where such contributions add up.

Here is the engine in miniature, and below it the real one gives the same numbers:

>>> import math
>>> class Number:
...     def __init__(self, data, operands=(), partials=()):
...         self.data, self.operands, self.partials, self.grad = data, operands, partials, 0.0
...
...     def __add__(self, other):
...         return Number(self.data + other.data, (self, other), (1.0, 1.0))
...
...     def __mul__(self, other):
...         return Number(self.data * other.data, (self, other), (other.data, self.data))
...
...     def tanh(self):
...         out = math.tanh(self.data)
...         return Number(out, (self,), (1 - out * out,))
...
...     def backward(self):
...         adjoints = {self: 1.0}  # ∂root/∂node; nodes hash by identity
...         for node in reversed(topological_order(self)):  # a node comes after every node that uses it
...             adjoint = adjoints.get(node, 0.0)
...             for operand, partial in zip(node.operands, node.partials):
...                 adjoints[operand] = adjoints.get(operand, 0.0) + partial * adjoint
...             node.grad = adjoint if node.operands else node.grad + adjoint
>>> def topological_order(root):  # operands before the gates that use them, without recursion
...     order, seen, waiting = [], set(), [(root, False)]
...     while waiting:
...         node, listed = waiting.pop()
...         if listed:
...             order.append(node)
...         elif node not in seen:
...             seen.add(node)
...             waiting.append((node, True))
...             waiting.extend((operand, False) for operand in reversed(node.operands))
...     return order
>>> def gradients(kind):
...     w, x, b = kind(0.5), kind(-3.0), kind(2.0)
...     y = (w * x + b).tanh() * w
...     y.backward()
...     return y.data, w.grad, x.grad, b.grad
>>> [f"{number:.6f}" for number in gradients(Number)]
['0.231059', '-0.717554', '0.196612', '0.393224']
>>> all(math.isclose(*pair) for pair in zip(gradients(Number), gradients(Value)))
True

What the real one adds
----------------------

- Gates are data. Each stands once in `table`, with its value, its partials and its looks. `recorders` writes the
  functions that record gates from there, so an operator is a few lines of straight code, which debuggers and
  tracebacks show. `operations` and `functional` hold what users call.
- A partial is written with gates. So the same line is a number in a plain sweep, a Value in a derivative that will be
  differentiated again (`backprop`), and a line of a program in `compiler`.
- The sweep, with all that it promises, is in `sweep`. It starts from fresh adjoints each time; `backward` then adds
  them to the `.grad` of leaves and sets that of gates.
- Only forward raises for a numeric reason. Where it has no value Python's own exception names the gate; partials follow
  IEEE 754, so that of sqrt at 0 is inf. A gate that chose, such as `where`, hands nothing to what it did not take.
- Nothing recurses (`graph` walks), so depth has no limit; `copying` and pickles are flat as well.
- `vectors` lets the gates of a layer share their operands, as one list of inputs for all neurons.
- A leaf that was assigned to makes a graph out of date; `forward` computes it anew (`renewal`).
- How gates are recorded here and now (`no_grad`, `detect_anomaly`, inside which module) is one context variable
  (`context`), so that threads do not disturb each other.
- `native` does the same in C for what is plain, and goes back to this engine for the rest.

A module imports only from those above it in one list, in tests/test_layers.py, which is the order to read them in.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn, Self

from microgradnn import operations
from microgradnn.anomalies import refuse_nan_value
from microgradnn.context import Context, called_by_user, context, current, current_tracer, source_line
from microgradnn.copying import deep_copy, node_of, reduced
from microgradnn.graph import Vector, in_order
from microgradnn.hints import HINTS, Missing
from microgradnn.native import adopted, core, hold, operator_in_c, quick
from microgradnn.primitive import NOTHING, ForwardError, Primitive, gates, lookup
from microgradnn.reading import number
from microgradnn.recorders import recorder
from microgradnn.renewal import renew
from microgradnn.sweep import sweep
from microgradnn.table import OPERATORS
from microgradnn.trees import is_array

_context = context.get


@adopted
class Value(operations.Methods):
    """A number in a graph: `data` is its value, `grad` the derivative that `backward` found for it.

    - Make a leaf: `x = Value(2.0, "x")`. `data` is one real number; `name` is shown in pictures and messages.
    - Compute: `+ - * / % ** abs()`, methods as `x.tanh()` and functions as `microgradnn.tanh(x)` record one gate each,
      which is a Value too. Operands may be plain numbers.
    - Differentiate: `f.backward()`, then read `x.grad`. `x.grad = None` makes it blank again.
    - Compute anew: `x.data = 3.0`, then `f.forward()`.
    - Name what is in between: `q = (x + y).named("q")`.
    - Look: `f.operands`, `f.partials`, `f.primitive`; `microgradnn.draw(f)` is a picture, `microgradnn.steps(f)` the
      backward pass step by step, both also in Jupyter.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> q = (x + y).named("q")
    >>> f = q * z
    >>> f.backward()
    >>> f.data, x.grad, y.grad, z.grad
    (-12.0, -4.0, -4.0, 3.0)
    >>> f
    Value(data=-12.0, grad=1.0)
    >>> f.operands, f.partials, f.primitive
    ((Value(data=3.0, grad=-4.0, name='q'), Value(data=-4.0, grad=3.0, name='z')), (-4.0, 3.0), <primitive multiply>)
    >>> x.name, x.swept, Value(1.0).swept, x.operands
    ('x', True, False, ())

    An operand that is neither a Value nor one real number, such as a string or a complex number, raises TypeError, and
    so does what would lose the gradient: float(v), math.sin(v), numpy.exp(v). Between an array of NumPy and a Value an
    operator works entry by entry. Formatting a Value formats its number. Comparisons compare by value while `hash` goes
    by identity, so `in` and `.index` on a list of Values mislead: compare with `is`. 0 + v, with which Python's `sum`
    begins, is v itself where it is recorded and v is not 0.
    """

    __slots__ = (
        "__weakref__", "_data", "_grad", "_left", "_left_partial", "_name", "_path", "_primitive", "_right",
        "_right_partial",
    )  # fmt: skip

    _data: float
    _grad: float | None  # None until a sweep arrives
    _name: str | None
    _path: str | None
    _primitive: Primitive | None
    _left: Any  # first operand, or None; or a tuple: more than two operands, or two Vectors and a bias
    _right: Any  # second operand or None
    _left_partial: Any  # None where the operand is a number; a tuple where _left is
    _right_partial: float | None
    _recorded_as: type[Value]  # the class of the gates that take a Value of this class

    def __init__(self, data: float, name: str | None = None) -> None:
        if data.__class__ is not float:
            if isinstance(data, Value):
                raise TypeError(f"{data!r} is already a Value: use it as it is, or Value(v.data) for a new leaf")
            data = number(data)
        self._data = data
        self._name = None
        if name is not None:
            self.name = name
        self._grad = self._path = self._primitive = None
        self._left = self._right = self._left_partial = self._right_partial = None
        here = _context()
        if here.__class__ is Context and here.tracer is not None:
            here.tracer.constants.add(self)

    # ---- what a node knows ----

    @property
    def data(self) -> float:
        """The value, a float. It can be assigned on a leaf; graphs that exist keep their partials until `forward()`."""
        return self._data if _context().__class__ is not Context else self._read()

    @data.setter
    def data(self, value: float) -> None:
        if self._primitive is not None:
            raise AttributeError(
                f"the data of a {self._primitive.name} gate follows from its operands: "
                "assign to a leaf and compute it anew"
            )
        if _context().__class__ is Context:
            self._read()  # refused while a function is traced
        self._data = value if value.__class__ is float else number(value)

    def _read(self) -> float:
        """The number, for decisions and messages; refused while a function is traced, which must not depend on it."""
        if (tracer := current_tracer()) is not None:
            raise tracer.refusal()
        return self._data

    @property
    def grad(self) -> float:
        """∂root/∂self, added up on leaves over the sweeps; 0.0 before any. Assign None to make it blank again."""
        if _context().__class__ is Context:
            self._read()  # refused while a function is traced
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, value: float | None) -> None:
        self._grad = None if value is None else number(value)

    @property
    def swept(self) -> bool:
        """Whether a backward sweep has reached this Value since it was made or its gradient was set to None."""
        return self._grad is not None

    @property
    def name(self) -> str | None:
        """The name shown in pictures, tables and messages."""
        return self._name

    @name.setter
    def name(self, name: str | None) -> None:
        if not (name is None or isinstance(name, str)):
            raise TypeError(f"a name is a string, got {type(name).__name__} {name!r}")
        self._name = name

    def named(self, name: str | None) -> Self:
        """Give this Value the `name` and return it, so that inner results are named where they are computed.

        >>> x, y = Value(-2.0, "x"), Value(5.0, "y")
        >>> (x + y).named("q")
        Value(data=3.0, grad=0.0, name='q')
        """
        self.name = name
        return self

    @property
    def path(self) -> str | None:
        """The path of the module that made this gate, such as "MLP.2"; "" for a parameter of a module; else None.

        What belongs to one neuron has its number, from 0 on: "MLP.2[3]". What was computed inside `no_grad()`, but in
        no module, has the path "no_grad".

        >>> from microgradnn import nn
        >>> nn.MLP(2, [1], rng=0)([1.0, 2.0]).path
        'MLP.0[0]'
        """
        return self._path

    @property
    def primitive(self) -> Primitive | None:
        """The gate that made this Value, or None for a leaf."""
        return self._primitive

    @property
    def operands(self) -> tuple[Value | float, ...]:
        """The operands in order, Values and plain floats; `()` for a leaf."""
        return in_order(self, self._left, self._right)

    @property
    def partials(self) -> tuple[float | None, ...]:
        """∂self/∂operand at the forward values, one per operand; None where the operand takes no gradient.

        They follow IEEE 754 and never raise: the one of √x at 0 is inf, the one of x**y by y at (0, 1) is 0.
        """
        self._read()  # refused while a function is traced
        if self._primitive is None:
            return ()
        operands = self.operands
        results = self._primitive.trace(len(operands)).results
        return tuple(
            0.0 if partial is None and result is not None and isinstance(operand, Value) else partial
            for operand, partial, result in zip(operands, self.handed, results, strict=True)
        )

    @property
    def handed(self) -> tuple[float | None, ...]:
        """The partials as a sweep uses them: None also where nothing is handed on, to an operand that was not taken.

        A gate that chooses hands nothing to the others, a product with the constant 0 nothing to the other factor.

        >>> x = Value(-2.0)
        >>> x.relu().partials, x.relu().handed
        ((0.0,), (None,))
        """
        partials = in_order(self, self._left_partial, self._right_partial)
        if not self.has_vectors():
            return partials
        operands = self.operands
        half = len(operands) // 2
        factors = (*operands[half:-1], *operands[:half], 1.0)
        return tuple(
            None if factor.__class__ is float and factor == 0.0 else partial
            for partial, factor in zip(partials, factors, strict=True)
        )

    def has_vectors(self) -> bool:
        """Whether the operands are vectors, shared with other gates, and a bias, as in a layer.

        >>> Value(2.0).has_vectors()
        False
        """
        return self._left.__class__ is tuple and self._left[0].__class__ is Vector

    def __repr__(self) -> str:
        if current().tracer is not None and not called_by_user():
            return "Value(…)"  # in a message about something else
        name = f", name={self._name!r}" if self._name else ""
        return f"Value(data={self.data!r}, grad={self.grad!r}{name})"

    # ---- recording and sweeping ----

    def record_gate(self, gate: Primitive, operands: Sequence[Any], by_limit: bool = False) -> Value:
        """Record `gate(*operands)`: what a primitive calls when it meets a Value.

        With `by_limit` an operand at which the gate has no value gives the limit by IEEE 754, or nan.

        >>> from microgradnn import gate
        >>> gate("log")(Value(1.0)), Value(0.0).record_gate(gate("log"), [Value(0.0)], by_limit=True).data
        (Value(data=0.0, grad=0.0), -inf)
        """
        return record(gate, operands, by_limit)

    def __dir__(self) -> list[str]:
        """The names a Value has, without those that are only answered with what to write instead."""
        return [name for name in object.__dir__(self) if name not in HINTS["Value"] or hasattr(self, name)]

    @staticmethod
    def record_in_place(gate: Primitive, left: Value, right: Any) -> Any:
        """`left += right` and its like, by `gate`: another Value; TypeError where a parameter was to be moved.

        >>> x = y = Value(2.0)
        >>> x += 1.0
        >>> x.data, y.data
        (3.0, 2.0)
        """
        if left._path == "" and not current().record:
            raise TypeError(
                f"this makes another Value and leaves the parameter {left!r} as it is: to move it, assign its number, "
                "p.data -= 0.1 * p.grad"
            )
        return gate(left, right)

    def backward(self, seed: float = 1.0) -> None:
        """Find `seed` · ∂self/∂v for every v that self depends on; add it to `grad` of leaves, set it on gates.

        ValueError for what was computed inside `no_grad()`, which remembers no operands.

        >>> x = Value(3.0)
        >>> y = x * x
        >>> y.backward(); y.backward()
        >>> x.grad
        12.0
        """
        self._read()  # refused while a function is traced: there are no numbers to sweep with
        if self._primitive is None and self._path:
            raise ValueError(
                f"{self!r} remembers no operands, as it was computed inside no_grad(): call backward() on what was "
                "computed outside"
            )
        swept = sweep(self, seed=number(seed))
        with accumulating:
            for node, adjoint in swept:
                if node._primitive is None:
                    node._grad = (node._grad or 0.0) + adjoint
                else:
                    node._grad = adjoint

    def forward(self) -> Value:
        """Compute the graph anew from its leaves, in place, and return self: what recording it again would give.

        Values and partials of all gates are those of today's leaves, gradients of gates are blank, those of leaves
        stay. A decision that Python made while the graph was recorded, an `if` or the length of a loop, stays as it
        was. Where a gate has no value, what it raises is raised and nothing has changed. On a leaf it does nothing.
        Another root that shares gates with this one is out of date until its own `forward()`. ValueError for a graph
        that holds a derivative in which gates chose: what they did not take is not in it, so take it anew.

        >>> x = Value(3.0)
        >>> y = x * x
        >>> x.data = 5.0
        >>> y.forward().data, y.partials
        (25.0, (5.0, 5.0))
        """
        self._read()  # refused while a function is traced
        renew(self)
        return self

    # ---- comparing by value ----

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        """Whether the numbers are equal; `is` compares the Values themselves."""
        return self._read() == (other._read() if isinstance(other, Value) else other)

    def __lt__(self, other: Any) -> bool:
        return self._read() < (other._read() if isinstance(other, Value) else other)

    def __le__(self, other: Any) -> bool:
        return self._read() <= (other._read() if isinstance(other, Value) else other)

    def __gt__(self, other: Any) -> bool:
        return self._read() > (other._read() if isinstance(other, Value) else other)

    def __ge__(self, other: Any) -> bool:
        return self._read() >= (other._read() if isinstance(other, Value) else other)

    def __bool__(self) -> bool:
        """Whether the number is not 0."""
        return self._read() != 0.0

    # ---- what would lose the gradient is refused; formatting loses nothing ----

    def __float__(self) -> float:
        """Refused with a TypeError, as the gradient would be lost: `v.data` is the float.

        >>> float(Value(2.0))
        Traceback (most recent call last):
        TypeError: a Value is not a float, its gradient would be lost: ...
        """
        self._read()
        raise TypeError(
            "a Value is not a float, its gradient would be lost: use the functions of microgradnn (microgradnn.sin, "
            "not math.sin; microgradnn.mean, not statistics.mean), or .data for the bare number"
        )

    as_integer_ratio = conjugate = rint = __float__  # by which `statistics`, Fraction and NumPy read numbers

    def __int__(self, *_: object) -> int:
        """Refused with a TypeError, as the gradient would be lost: use `v.data`, as in round(v.data)."""
        self._read()
        raise TypeError(
            "a Value is not a whole number, rounding would lose its gradient: use .data, as in round(v.data), or "
            "take(table, v) to read a table by it"
        )

    __index__ = __trunc__ = __round__ = __floor__ = __ceil__ = __int__

    def __xor__(self, _: object) -> NoReturn:
        """Refused with a TypeError: in Python ^ is no power, which is x**2."""
        self._read()
        raise TypeError("^ is no power in Python: write x**2")

    __rxor__ = __xor__

    def __array_ufunc__(self, function: Any, method: str, *operands: Any, **options: Any) -> Any:
        """Python's operators of NumPy's numbers and arrays with a Value are the Value's; its functions are refused."""
        reflected = _REFLECTED.get(function.__name__)
        if reflected and method == "__call__":
            if any(map(is_array, operands)) and all(out.dtype == object for out in options.get("out", ())):
                return _by_entry(function, operands, **options)
            if not options and hasattr(operands[0], "dtype"):
                return getattr(self, reflected)(operands[0])
        self._read()
        raise TypeError(
            f"numpy.{function.__name__} would lose the gradient of a Value: use {_counterpart(function)}, or .data for "
            "the bare number"
        )

    def __format__(self, spec: str) -> str:
        """The number as the `spec` says, as in f"{v:.3f}"; without one the Value as it is shown."""
        return format(self._read(), spec) if spec else repr(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return deep_copy(self, memo)  # type: ignore[no-any-return]  # of the class of self

    def __reduce__(self) -> tuple[Any, ...]:
        return reduced(self)


# NumPy's name of each operator, and the method to call where the Value stands on the right.
_REFLECTED = {str(lookup(name).array): f"__r{method}__" for name, method in OPERATORS.items()} | {
    "less": "__gt__", "less_equal": "__ge__", "greater": "__lt__", "greater_equal": "__le__",
    "equal": "__eq__", "not_equal": "__ne__",
}  # fmt: skip


def _by_entry(function: Any, operands: Sequence[Any], **options: Any) -> Any:
    """NumPy's function of an operator, called for each entry of arrays; a Value is an array of no dimension to it."""
    array = sys.modules["numpy"].array  # which is there, as its arrays are
    return function(*[array(x, object) if isinstance(x, Value) else x for x in operands], **options)


def _counterpart(function: Any) -> str:
    """What to write in place of NumPy's `function`."""
    numpy = sys.modules["numpy"]  # which is there, as it has called
    for gate in gates():
        name = gate.array if isinstance(gate.array, str) else gate.name
        if getattr(numpy, name, None) is function:
            if gate.public:
                return f"microgradnn.{gate.name}"
            if gate.operator is not None:
                return str(gate.source).format("x", "y")
    return "the functions of microgradnn"


class _Accumulating:
    """Held while Python reads gradients of leaves and writes them back, or blanks them for an operation of the user's.

    The engine in C is never interrupted: it only has to know whether somebody is at it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()
        hold(1)

    def __exit__(self, *_: object) -> None:
        hold(-1)
        self._lock.release()


accumulating = _Accumulating()


def record(gate: Primitive, operands: Sequence[Any], by_limit: bool = False) -> Value:
    """Record `gate(*operands)`; operands that are numbers stay numbers.

    `by_limit` takes the IEEE 754 value where the forward function raises: derivatives of derivatives never raise. An
    operator of an array gives an array of what it gives for each entry.
    """
    here, first = current(), operands[0]
    try:
        operands = tuple([operand if isinstance(operand, Value) else number(operand) for operand in operands])
    except TypeError:
        if gate.operator is None or not any(map(is_array, operands)):
            raise
        return _by_entry(getattr(sys.modules["numpy"], str(gate.array)), operands)  # type: ignore[no-any-return]
    if here.tracer is not None:
        return here.tracer.record(gate, operands, here)  # type: ignore[no-any-return]
    data = [operand._data if isinstance(operand, Value) else operand for operand in operands]
    try:
        out = gate.limit(data) if by_limit else number(gate.forward(*data))
    except ForwardError as error:
        raise gate.refusal(operands, error) from None
    kind = Value
    for operand in operands:
        if operand.__class__ not in (float, Value) and operand._recorded_as is not Value:
            kind = operand._recorded_as
            break
    if not here.record:
        if here.detect_anomaly and out != out:
            raise FloatingPointError(f"{gate.describe(operands)} is nan, computed at {source_line()}")
        return unrecorded(out, here.path, kind)
    partials = tuple(gate.handed(out, operands))
    if gate.neutral is not None and first.__class__ is int and first == gate.neutral and data[1] != 0.0:
        return operands[1]  # type: ignore[no-any-return]  # as the quick recorder does; 0 + −0.0 is 0.0
    rest = (None,) * (2 - len(operands))
    fields = (operands, None, partials, None) if len(operands) > 2 else (*operands, *rest, *partials, *rest)
    node: Value = node_of(kind, None, out, None, None, here.path, gate, *fields)
    if here.made is not None:
        here.made.append(node)
    if here.detect_anomaly:
        refuse_nan_value(node)
    return node


def unrecorded(out: float, path: str | None, kind: type[Value]) -> Value:
    """What a gate gives under `no_grad`: a leaf; its path, of a module or "no_grad", tells it from other leaves."""
    node = kind(out)
    node._path = path or "no_grad"
    return node


# ---- the operators and functions, from the table ------------------------------------------------------------------


def give_operators(kind: type[Value]) -> None:
    """Put the operators and methods of the table on a class of Values: its gates are Values of this class."""
    kind._recorded_as = kind
    for gate in gates():
        if not (gate.public or gate.arity in (1, 2)):
            continue
        function = quick(gate.name, recorder(gate, kind))
        if gate.operator is not None:
            methods = {f"__{gate.operator}__": function}
            if gate.arity == 2:
                methods[f"__r{gate.operator}__"] = recorder(gate, kind, reflected=True)
                methods[f"__i{gate.operator}__"] = quick(gate.name, recorder(gate, kind, in_place=True))
            for name, method in methods.items():
                setattr(kind, name, operator_in_c(name) or method)
        if gate.is_method:
            setattr(kind, gate.name, function)
            if isinstance(gate.array, str) and gate.array.isidentifier():
                setattr(kind, gate.array, function)  # by which NumPy asks each entry of an array of objects
        if kind is Value:
            if gate.arity in (1, 2):
                gate.quick = function
            if gate.public:
                setattr(operations, gate.name, function)
                vars(operations)["__all__"].append(gate.name)


if core:
    core.set_up(context, NOTHING, partial(type.__call__, Value), lookup)
give_operators(Value)
for _name in HINTS["Value"]:
    setattr(Value, _name, Missing("Value", _name))

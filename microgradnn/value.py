"""`Value`: a number that remembers the gate that made it, and the one reverse sweep over what it remembers.

A node keeps its primitive, its operands and the partials at the forward values, nothing that points back.
Which gates exist and what their derivatives are is in `primitives`; how a graph is walked is in `graph`.
"""

from __future__ import annotations

import math
import operator
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import Any, ClassVar

from microgradnn.anomalies import at_line, note_line, note_lines, refuse_nan
from microgradnn.graph import Vector, order_with_vectors, topological_order
from microgradnn.modes import Mode, called_by_user, current_mode, mode, plainly_recording, source_line, watching
from microgradnn.primitives import (
    NOTHING,
    OPERATORS,
    SIGNS,
    ForwardError,
    Primitive,
    dot_partials,
    lookup,
    number,
    sum_of_products,
    table,
)
from microgradnn.recording import binary_code, compile_function, unary_code

_mode = mode.get


class Value:
    """A number in a graph: `data` is its value, `grad` the derivative that `backward` found for it.

    Arithmetic on a Value records a gate. `Value(data, name=None)` is a leaf; `data` is one real number, as is the other
    operand of an operator: a string, an array or a complex number raises TypeError. Formatting a Value formats its
    number; what would lose the gradient, such as float(v), math.sin(v) or numpy.exp(v), raises TypeError. Comparisons
    compare by value while `hash` goes by identity, so `in` and `.index` on a list of Values mislead: compare with `is`.

    >>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    >>> f = (x + y) * z
    >>> f.backward()
    >>> f.data, x.grad, y.grad, z.grad
    (-12.0, -4.0, -4.0, 3.0)
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
    _left: Any  # first operand; or the tuple of operands of a gate with more than two; or None
    _right: Any  # second operand or None
    _left_partial: Any  # None where the operand is a number; a tuple where _left is
    _right_partial: float | None

    # Generated from the table at the end of this module; listed here for readers and type checkers.
    __add__: ClassVar[Callable[[Value, Any], Value]]
    __radd__: ClassVar[Callable[[Value, Any], Value]]
    __sub__: ClassVar[Callable[[Value, Any], Value]]
    __rsub__: ClassVar[Callable[[Value, Any], Value]]
    __mul__: ClassVar[Callable[[Value, Any], Value]]
    __rmul__: ClassVar[Callable[[Value, Any], Value]]
    __truediv__: ClassVar[Callable[[Value, Any], Value]]
    __rtruediv__: ClassVar[Callable[[Value, Any], Value]]
    __pow__: ClassVar[Callable[[Value, Any], Value]]
    __rpow__: ClassVar[Callable[[Value, Any], Value]]
    __neg__: ClassVar[Callable[[Value], Value]]
    __pos__: ClassVar[Callable[[Value], Value]]
    __abs__: ClassVar[Callable[[Value], Value]]
    exp: ClassVar[Callable[[Value], Value]]
    expm1: ClassVar[Callable[[Value], Value]]
    log: ClassVar[Callable[[Value], Value]]
    log1p: ClassVar[Callable[[Value], Value]]
    sqrt: ClassVar[Callable[[Value], Value]]
    sin: ClassVar[Callable[[Value], Value]]
    cos: ClassVar[Callable[[Value], Value]]
    tan: ClassVar[Callable[[Value], Value]]
    asin: ClassVar[Callable[[Value], Value]]
    acos: ClassVar[Callable[[Value], Value]]
    atan: ClassVar[Callable[[Value], Value]]
    sinh: ClassVar[Callable[[Value], Value]]
    cosh: ClassVar[Callable[[Value], Value]]
    tanh: ClassVar[Callable[[Value], Value]]
    erf: ClassVar[Callable[[Value], Value]]
    sigmoid: ClassVar[Callable[[Value], Value]]
    relu: ClassVar[Callable[[Value], Value]]
    leaky_relu: ClassVar[Callable[..., Value]]
    elu: ClassVar[Callable[..., Value]]
    softplus: ClassVar[Callable[[Value], Value]]
    softsign: ClassVar[Callable[[Value], Value]]
    hardtanh: ClassVar[Callable[[Value], Value]]
    abs: ClassVar[Callable[[Value], Value]]
    sign: ClassVar[Callable[[Value], Value]]
    step: ClassVar[Callable[[Value], Value]]

    def __init__(self, data: float, name: str | None = None) -> None:
        if isinstance(data, Value):
            raise TypeError(f"{data!r} is already a Value: use it as it is, or Value(v.data) for a new leaf")
        self._data = number(data)
        self.name = name
        self._grad = self._path = self._primitive = None
        self._left = self._right = self._left_partial = self._right_partial = None
        wanted = mode.get()
        if wanted.__class__ is Mode and wanted.tape is not None:
            wanted.tape.constants.add(self)

    # ---- what a node knows ----

    @property
    def data(self) -> float:
        """The value. It can be assigned on a leaf; graphs that exist keep their partials."""
        return self._data if _mode().__class__ is not Mode else self._read()

    @data.setter
    def data(self, value: float) -> None:
        if self._primitive is not None:
            raise AttributeError(
                f"the data of a {self._primitive.name} gate follows from its operands: "
                "assign to a leaf and compute it anew"
            )
        self._read()  # refused while a function is traced
        self._data = number(value)

    def _read(self) -> float:
        """The number, for decisions and messages; refused while a function is traced, which must not depend on it."""
        wanted = mode.get()
        if wanted.__class__ is Mode and wanted.tape is not None:
            raise wanted.tape.refusal()
        return self._data

    @property
    def grad(self) -> float:
        """∂root/∂self, added up on leaves over the sweeps; 0.0 before any. Assign None to make it blank again."""
        if _mode().__class__ is Mode:
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

    @property
    def path(self) -> str | None:
        """The path of the module that made this gate, such as "MLP.2"; "" for a parameter of a module; else None.

        What was computed inside `no_grad()`, but in no module, has the path "no_grad".
        """
        return self._path

    @property
    def primitive(self) -> Primitive | None:
        """The gate that made this Value, or None for a leaf."""
        return self._primitive

    @property
    def operands(self) -> tuple[Value | float, ...]:
        """The operands in order, Values and plain floats; `()` for a leaf."""
        return self._in_order(self._left, self._right)

    @property
    def partials(self) -> tuple[float | None, ...]:
        """∂self/∂operand at the forward values, one per operand; None where the operand takes no gradient.

        They follow IEEE 754 and never raise: the one of √x at 0 is inf, the one of x**y by y at (0, 1) is 0.
        """
        self._read()  # refused while a function is traced
        if self._primitive is None:
            return ()
        operands = self.operands
        return tuple(
            0.0 if partial is None and place is not None and isinstance(operand, Value) else partial
            for operand, partial, place in zip(
                operands, self.handed, self._primitive.trace(len(operands)).results, strict=True
            )
        )

    @property
    def handed(self) -> tuple[float | None, ...]:
        """The partials as a sweep uses them: None also where nothing is handed on, to an operand that was not taken.

        A gate that chooses hands nothing to the others, a product with the constant 0 nothing to the other factor.

        >>> x = Value(-2.0)
        >>> x.relu().partials, x.relu().handed
        ((0.0,), (None,))
        """
        partials = self._in_order(self._left_partial, self._right_partial)
        if not self._has_vectors():
            return partials
        operands = self.operands
        half = len(operands) // 2
        factors = (*operands[half:-1], *operands[:half], 1.0)
        return tuple(
            None if factor.__class__ is float and factor == 0.0 else partial
            for partial, factor in zip(partials, factors, strict=True)
        )

    def _has_vectors(self) -> bool:
        return self._left.__class__ is tuple and self._left[0].__class__ is Vector

    def _in_order(self, left: Any, right: Any) -> tuple[Any, ...]:
        if self._primitive is None:
            return ()
        if not isinstance(self._left, tuple):
            return (left,) if self._right is None else (left, right)
        return tuple(chain.from_iterable(map(_members, self._left, left)))

    def __repr__(self) -> str:
        if current_mode().tape is not None and not called_by_user():
            return "Value(…)"  # in a message about something else
        return f"Value(data={self.data!r}, grad={self.grad!r})"

    # ---- recording and sweeping ----

    def record_gate(self, gate: Primitive, operands: Sequence[Any]) -> Value:
        """Record `gate(*operands)`: what a primitive calls when it meets a Value."""
        return record(gate, operands)

    def backward(self) -> None:
        """Find ∂self/∂v for every v that self depends on; add it to `grad` of leaves, set it on gates.

        >>> x = Value(3.0)
        >>> y = x * x
        >>> y.backward(); y.backward()
        >>> x.grad
        12.0
        """
        self._read()  # refused while a function is traced: there are no numbers to sweep with
        found = sweep(self)
        with _accumulation:
            for node, adjoint in found:
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
        order = topological_order(self)
        if any(id(node) in _with_choices for node in order):
            raise ValueError(
                "forward() cannot compute this graph anew: it holds a derivative in which gates such as relu chose, "
                "and what they did not take is not in it. Take the derivative anew: grad(f)(x)"
            )
        renewed = recorded_anew(order)
        for gate, anew in renewed.items():
            gate._data, gate._grad = anew._data, None
        numbers: dict[Any, list[float]] = {}  # of each vector, which its gates share
        for gate, anew in renewed.items():
            if gate._has_vectors():
                row, inputs, _ = gate._left
                for vector in (row, inputs):
                    if vector not in numbers:
                        numbers[vector] = [x if x.__class__ is float else x._data for x in vector.members]
                constant = gate._left_partial[1] is None
                gate._left_partial = dot_partials(numbers[row], numbers[inputs])
                if constant:
                    gate._left_partial = (gate._left_partial[0], None, gate._left_partial[2])
            else:
                gate._left_partial, gate._right_partial = anew._left_partial, anew._right_partial
        return self

    # ---- comparing by value ----

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
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
        return self._read() != 0.0

    # ---- what would lose the gradient is refused; formatting loses nothing ----

    def __float__(self) -> float:
        self._read()
        raise TypeError(
            "a Value is not a float, its gradient would be lost: use the functions of microgradnn (microgradnn.sin, "
            "not math.sin; microgradnn.mean, not statistics.mean), or .data for the bare number"
        )

    as_integer_ratio = __float__  # by which `statistics` and Fraction read numbers

    def __int__(self, *_: object) -> int:
        self._read()
        raise TypeError(
            "a Value is not a whole number, rounding would lose its gradient: use .data, as in round(v.data)"
        )

    __index__ = __trunc__ = __round__ = __floor__ = __ceil__ = __int__

    def __array_ufunc__(self, function: Any, method: str, *operands: Any, **options: Any) -> Any:
        """Python's operators between NumPy's numbers and a Value are the Value's; NumPy's functions are refused."""
        reflected = _REFLECTED.get(function.__name__)
        if reflected and method == "__call__" and not options and hasattr(operands[0], "dtype"):
            return getattr(Value, reflected)(self, operands[0])
        self._read()
        raise TypeError(
            f"numpy.{function.__name__} would lose the gradient of a Value: use {_counterpart(function)}, or .data for "
            "the bare number"
        )

    def __format__(self, wanted: str) -> str:
        return format(self._read(), wanted) if wanted else repr(self)

    # ---- copying and pickling: flat, whatever the depth ----

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        for node in topological_order(self, known=memo):
            memo[id(node)] = _restore(
                None, node._data, node._grad, node._name, node._path, node._primitive,
                _copied(node._left, memo), _copied(node._right, memo), node._left_partial, node._right_partial,
            )  # fmt: skip
        memo.setdefault(id(memo), []).append(self)  # keeps the originals, so that no id in memo is used anew
        return memo[id(self)]  # type: ignore[no-any-return]  # a memo maps ids to anything

    def __reduce__(self) -> tuple[Callable[..., Value], tuple[Any, ...]]:
        listed: weakref.WeakSet[_Ancestors] = _pickling.__dict__.setdefault("listed", weakref.WeakSet())
        ancestors = None
        if self._primitive is not None and not any(id(self) in group.ids for group in listed):
            ancestors = _Ancestors(topological_order(self))
            listed.add(ancestors)
        return _restore, (
            ancestors, self._data, self._grad, self._name, self._path, self._primitive,
            self._left, self._right, self._left_partial, self._right_partial,
        )  # fmt: skip


# The operators of Python that NumPy hands on, by its names of them, with `self` on the right.
_REFLECTED = {str(lookup(name).array): f"__r{method}__" for name, method in OPERATORS.items()} | {
    "less": "__gt__", "less_equal": "__ge__", "greater": "__lt__", "greater_equal": "__le__",
    "equal": "__eq__", "not_equal": "__ne__",
}  # fmt: skip


def _counterpart(function: Any) -> str:
    """What to write in place of NumPy's `function`."""
    numpy = sys.modules["numpy"]  # which is there, as it has called
    for gate in table():
        name = gate.array if isinstance(gate.array, str) else gate.name
        if getattr(numpy, name, None) is function:
            if gate.name in OPERATORS or gate.name in SIGNS:
                return str(gate.source).format("x", "y")
            if hasattr(sys.modules["microgradnn"], gate.name):
                return f"microgradnn.{gate.name}"
    return "the functions of microgradnn"


def _members(operand: Any, own: Any) -> Sequence[Any]:
    """What `own` holds of each member of `operand`: a member or its partial."""
    if not isinstance(operand, Vector):
        return (own,)
    if isinstance(own, Vector):
        return own.members
    partials: Sequence[float | None] = own or [None] * len(operand.members)
    return [None if x.__class__ is float else partial for x, partial in zip(operand.members, partials, strict=True)]


def _restore(ancestors: object, *fields: Any) -> Value:
    node = Value.__new__(Value)
    (
        node._data, node._grad, node._name, node._path, node._primitive,
        node._left, node._right, node._left_partial, node._right_partial,
    ) = fields  # fmt: skip
    return node


def _copied(operand: Any, memo: dict[int, Any]) -> Any:
    if isinstance(operand, tuple):
        return tuple(_copied(one, memo) for one in operand)
    if isinstance(operand, Vector) and id(operand) not in memo:
        memo[id(operand)] = Vector(_copied(operand.members, memo))
    if isinstance(operand, Vector):
        return memo[id(operand)]
    return memo[id(operand)] if isinstance(operand, Value) else operand


class _Ancestors:
    """Everything a pickled Value depends on, pickled before it, so that pickle never recurses along the graph.

    Until the last of its nodes is pickled, each of them pickles as its own fields alone.
    """

    def __init__(self, order: list[Value]) -> None:
        self.ids = {id(node) for node in order}
        self.nodes = order[:-1]

    def __reduce__(self) -> tuple[type, tuple[()], None, Iterator[Any]]:
        return list, (), None, iter([*self.nodes, _Finished(self.ids)])


class _Finished:
    """The end of the list of ancestors: another pickler that meets these nodes makes a list of its own."""

    def __init__(self, ids: set[int]) -> None:
        self.ids = ids

    def __reduce__(self) -> tuple[type, tuple[()]]:
        self.ids.clear()
        return int, ()


_pickling = threading.local()
_accumulation = threading.Lock()


def record(gate: Primitive, operands: Sequence[Any], by_limit: bool = False) -> Value:
    """Record `gate(*operands)`; operands that are numbers stay numbers.

    `by_limit` takes the IEEE 754 value where the forward function raises: derivatives of derivatives never raise.
    """
    operands = tuple([operand if isinstance(operand, Value) else number(operand) for operand in operands])
    switched = _mode()
    if switched.__class__ is Mode and switched.tape is not None:
        return switched.tape.record(gate, operands, switched)  # type: ignore[no-any-return]
    wanted = current_mode()
    data = [operand._data if isinstance(operand, Value) else operand for operand in operands]
    try:
        out = gate.limit(data) if by_limit else number(gate.forward(*data))
    except ForwardError as error:
        raise gate.refusal(operands, error) from None
    if not wanted.record:
        if wanted.detect_anomaly and out != out:
            raise FloatingPointError(f"{gate.describe(operands)} is nan, computed at {source_line()}")
        return _bare(out, wanted.path)
    partials = tuple(gate.handed(out, operands))
    if len(operands) > 2:
        node = _restore(None, out, None, None, wanted.path, gate, operands, None, partials, None)
    else:
        left, right, left_partial, right_partial = (
            (*operands, *partials) if len(operands) == 2 else (*operands, None, *partials, None)
        )
        node = _restore(None, out, None, None, wanted.path, gate, left, right, left_partial, right_partial)
    if wanted.detect_anomaly:
        note_line(node)
        if out != out:
            raise FloatingPointError(at_line(node, " is nan"))
    return node


def _bare(out: float, path: str | None) -> Value:
    """What a gate gives under `no_grad`: a leaf; its path, that of a module or this word, tells it from a parameter."""
    node = Value(out)
    node._path = path or "no_grad"
    return node


def dots(rows: Sequence[Sequence[Any]], batch: Sequence[Sequence[Any]], biases: Sequence[Any]) -> list[list[Any]]:
    """Record Σⱼ wᵢⱼ xⱼ + bᵢ for every example x and every row i: a layer of dot gates, which share their operands.

    >>> [[out]] = dots([[Value(2.0), Value(-3.0)]], [[-1.0, -2.0]], [Value(-3.0)])
    >>> out.data, out.partials
    (1.0, (-1.0, -2.0, None, None, 1.0))
    """
    path, gate = mode.get(), lookup("dot")
    try:
        weights = [([w._data for w in row], bias._data) for row, bias in zip(rows, biases, strict=True)]
    except AttributeError:  # a number, or something else that records
        path = Mode()
    if isinstance(path, Mode) and not (path.record or path.detect_anomaly):
        return [
            [_bare(sum_of_products(w, data) + b, path.path) for w, b in weights]
            for data in ([one._data if one.__class__ is Value else number(one) for one in x] for x in batch)
        ]
    if isinstance(path, Mode):
        return [[gate(*row, *x, bias) for row, bias in zip(rows, biases, strict=True)] for x in batch]
    vectors = [Vector(row) for row in rows]
    computed = any(vector._left is not None for vector in vectors)  # weights with something behind them
    found = []
    for x in batch:
        inputs = Vector([one if isinstance(one, Value) else number(one) for one in x])
        if computed and any(one.__class__ is float and one == 0.0 for one in inputs.members):
            found.append([gate(*row, *x, bias) for row, bias in zip(rows, biases, strict=True)])  # hands them nothing
            continue
        data = [one if one.__class__ is float else one._data for one in inputs.members]
        constant = set(map(type, inputs.members)) == {float}
        layer = []
        for row, bias, (w, b) in zip(vectors, biases, weights, strict=True):
            by_row, by_inputs, by_bias = dot_partials(w, data)
            node = Value.__new__(Value)
            node._data = sum_of_products(w, data) + b
            node._primitive = gate
            node._grad = node._name = node._right = node._right_partial = None
            node._path = path
            node._left = (row, inputs, bias)
            node._left_partial = (by_row, None if constant else by_inputs, by_bias)
            layer.append(node)
        found.append(layer)
    return found


def _again(node: Value, operands: Sequence[Any]) -> Value:
    """The gate of `node` recorded once more, of `operands`.

    Only a gate that was recorded by its limit, as in a derivative, keeps to that where it would raise.
    """
    gate = node._primitive
    assert gate is not None
    try:
        return _RECORDERS.get(gate, gate)(*operands)
    except ForwardError:
        if isfinite(node._data):
            raise
        return record(gate, operands, by_limit=True)


def recorded_anew(order: Iterable[Value]) -> dict[Value, Value]:
    """Each gate of `order`, a graph from its leaves on, with the same gate recorded anew from today's leaves."""
    renewed: dict[Value, Value] = {}
    with plainly_recording():
        for node in order:
            if node._primitive is not None:
                operands = [renewed.get(x, x) if isinstance(x, Value) else x for x in node.operands]
                renewed[node] = _again(node, operands)
    return renewed


def outdated(order: Iterable[Value]) -> list[Value]:
    """The gates of `order` whose value or partials are not what today's operands give."""
    found = []
    with plainly_recording(), watching(False):
        for node in order:
            if node._primitive is not None:
                try:
                    anew = _again(node, node.operands)
                    fits = _same(node._data, anew._data) and all(map(_same, node.handed, anew.handed))
                except ForwardError:
                    fits = False
                if not fits:
                    found.append(node)
    return found


def _same(x: float | None, y: float | None) -> bool:
    if x is None or y is None:
        return x is y
    return (x == y and math.copysign(1.0, x) == math.copysign(1.0, y)) or (x != x and y != y)


def sweep(root: Value, recorded: bool = False) -> Iterable[tuple[Value, Any]]:
    """Every node with its adjoint ∂root/∂node, from the root to the leaves; the sweep is done when this returns.

    Each gate hands contribution = partial × adjoint to its operands. A gate comes after every gate that uses it,
    so its adjoint is complete when its turn comes; leaves come last. With `recorded`, partials and adjoints are
    themselves Values of one graph with the root, ready to be differentiated again. With `detect_anomaly` a nan that
    is born on the way raises FloatingPointError.
    """
    if not current_mode().detect_anomaly:
        return _swept(root, recorded)
    with watching(False):
        swept = list(_swept(root, recorded))
    refuse_nan(swept)
    if recorded:
        note_lines(adjoint for _, adjoint in swept if isinstance(adjoint, Value))
    return swept


def _swept(root: Value, recorded: bool) -> Iterable[tuple[Value, Any]]:
    order = topological_order if recorded else order_with_vectors
    gates: list[Value] = []  # with their adjoints: two flat lists, as pairs would keep the cyclic collector busy
    found: list[Any] = []
    adjoints: dict[Any, Any] = {root: 1.0}  # not yet complete; nodes hash by identity. A vector's is a list
    get, take = adjoints.get, adjoints.pop
    for node in reversed(order(root)):
        operands = node._left
        if node.__class__ is Vector:
            users = take(node, None)
            if users is None:  # no gate hands anything on to it
                for operand in node.members:
                    if operand.__class__ is not float and operand._left is None:
                        adjoints.setdefault(operand, 0.0)
                continue
            rows, above = zip(*users, strict=True)
            if len(above) == 1:
                contributions = [partial * above[0] for partial in rows[0]]
            else:
                contributions = [sum_of_products(column, above) for column in zip(*rows, strict=True)]
            for operand, contribution in zip(node.members, contributions, strict=True):
                if operand.__class__ is not float:
                    adjoints[operand] = get(operand, 0.0) + contribution
            continue
        if operands is None:
            adjoints.setdefault(node, 0.0)
            continue
        adjoint = take(node, None)
        gates.append(node)
        if adjoint is None:  # reached only through operands to which nothing is handed on
            found.append(0.0)
            continue
        found.append(adjoint)
        partials = node._left_partial
        if recorded:
            operands, partials = node.operands, recorded_partials(node)
        elif partials.__class__ is not tuple:  # one or two operands, the common case, without a loop
            if partials is not None:
                total = get(operands)
                adjoints[operands] = partials * adjoint if total is None else total + partials * adjoint
            partial = node._right_partial
            if partial is not None:
                operand = node._right
                total = get(operand)
                adjoints[operand] = partial * adjoint if total is None else total + partial * adjoint
            continue
        elif not isfinite(adjoint):  # 0 × ∞ must not reach what was not taken: no products of whole vectors
            operands, partials = node.operands, node.handed
        for operand, partial in zip(operands, partials, strict=True):
            if partial is not None:
                total = get(operand)
                if partial.__class__ is list:  # a vector waits for all gates that share it
                    if total is None:
                        adjoints[operand] = [(partial, adjoint)]
                    else:
                        total.append((partial, adjoint))
                elif total is None:
                    adjoints[operand] = partial * adjoint
                else:
                    adjoints[operand] = total + partial * adjoint
    return chain(zip(gates, found, strict=True), adjoints.items())


_with_choices: set[int] = set()  # derivatives, by `id` as long as they live


def note_choices(derivative: Value) -> None:
    """Remember that what gates did not take is missing from the graph of a derivative."""
    if id(derivative) not in _with_choices:
        _with_choices.add(id(derivative))
        weakref.finalize(derivative, _with_choices.discard, id(derivative)).atexit = False


def chose(gate: Value) -> bool:
    """Whether a gate took one operand and not another, by their numbers, or is a derivative through such a gate."""
    primitive = gate._primitive
    if primitive is None or id(gate) in _with_choices:
        return primitive is not None
    operands = gate.operands
    trace = primitive.trace(len(operands))
    return any(
        partial is None and result is not None and isinstance(operand, Value) and 0.0 in trace.zeros(result)
        and not (isinstance(result, float) and result == 0.0)
        for partial, result, operand in zip(gate.handed, trace.results, operands, strict=True)
    )  # fmt: skip


def recorded_partials(gate: Value) -> list[Any]:
    """The partials of `gate` as Values: computed from its operands by recorded gates, so that they have derivatives.

    None where nothing is handed on.
    """
    assert gate._primitive is not None
    operands = gate.operands
    switched = current_mode()

    def apply(primitive: Primitive, places: list[Any]) -> Any:
        if any(isinstance(place, Value) for place in places):
            if switched.tape is not None and any(place is NOTHING for place in places):  # taken or not: when it runs
                return switched.tape.record_choice(primitive, places, switched)
            return record(primitive, places, by_limit=True)
        return primitive.limit(places)

    marked = [NOTHING if operand.__class__ is float and operand == 0.0 else operand for operand in operands]
    partials = gate._primitive.trace(len(operands)).run(gate, marked, apply, NOTHING)
    return [
        None if handed is None or partial is NOTHING else partial
        for partial, handed in zip(partials, gate.handed, strict=True)
    ]


# ---- the operators, generated from the table ----------------------------------------------------------------

_NAMESPACE: dict[str, Any] = {"Value": Value, "new": Value.__new__, "mode": mode.get, "Mode": Mode}
functions: dict[str, Callable[..., Any]] = {}  # the one-operand functions, on numbers and Values alike

for _gate in table():
    if _gate.arity == 1:
        functions[_gate.name] = compile_function(_gate.name, "x", unary_code(_gate), _gate, _NAMESPACE)
        functions[_gate.name].__module__ = "microgradnn.functional"  # where users, and pickle, find it
        _gate.quick = functions[_gate.name]
    elif _gate.arity == 2 and _gate.name not in OPERATORS:
        _gate.quick = compile_function(_gate.name, "x, y", binary_code(_gate, 0), _gate, _NAMESPACE)
for _name, _function in functions.items():
    setattr(Value, SIGNS.get(_name, _name), _function)
Value.__abs__ = functions["abs"]
for _name, _method in OPERATORS.items():
    _gate = lookup(_name)
    setattr(Value, f"__{_method}__", compile_function(_name, "x, y", binary_code(_gate, 0), _gate, _NAMESPACE))
    setattr(Value, f"__r{_method}__", compile_function(f"r{_name}", "y, x", binary_code(_gate, 1), _gate, _NAMESPACE))
_RECORDERS: dict[Primitive, Callable[..., Value]] = {  # the quick ways to record a gate again
    **{lookup(name): function for name, function in functions.items()},
    **{lookup(name): getattr(operator, method) for name, method in OPERATORS.items()},
}

"""The sweep as something to call: derivatives of Python functions.

The transforms (`grad`, `hessian` …) record a function on fresh Values and leave every `.grad` alone. They give plain
numbers, unless the result depends on a Value that the transform did not make: an argument, a parameter that the
function uses, the argument of a transform around this one. Then they give Values, nested alike, that depend on it and
can be differentiated again; `no_grad()` gives plain numbers all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import reduce
from operator import add, index
from typing import Any

from microgradnn.anomalies import refuse_nan_tangent
from microgradnn.context import current, recording
from microgradnn.functional import dot
from microgradnn.graph import topological_order
from microgradnn.reading import number
from microgradnn.renewal import chose, mark_incomplete
from microgradnn.sweep import recorded_partials, sweep
from microgradnn.table import positive, where
from microgradnn.trees import copied, leaves, like
from microgradnn.value import Value

# The leaves of the transforms inside the one at work.
_made: ContextVar[set[Value] | None] = ContextVar("made", default=None)


# ---- arguments ---------------------------------------------------------------------------------------------------


def _positions(argnums: int | Sequence[int], args: tuple[Any, ...]) -> list[int]:
    positions: Any = argnums if isinstance(argnums, Sequence) else [argnums]
    try:
        numbers = [index(position) for position in positions]
    except TypeError:
        raise TypeError(f"argnums is an int or a tuple of ints, got {argnums!r}") from None
    for position in numbers:
        if not -len(args) <= position < len(args):
            raise ValueError(f"argnums={argnums!r}, but the function was called with {len(args)} argument(s)")
    chosen = [position % len(args) for position in numbers]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"argnums={argnums!r} names an argument twice")
    return chosen


def _function(transform: str, f: Any) -> None:
    """Refuse what is no function, such as the result of one."""
    if isinstance(f, (Value, list, tuple)):
        call = {"hvp": "hvp(lambda x: …, x, v)", "jvp": "jvp(lambda x: …, (x,), (v,))"}
        raise TypeError(
            f"{transform} takes a function, got {f!r:.60}: write {call.get(transform, f'{transform}(lambda x: …)(x)')}"
            + ", or call y.backward() and read x.grad" * (transform == "grad")
        )
    if not callable(f):
        raise TypeError(f"{transform} takes a function, got {type(f).__name__} {f!r:.60}")


def _fresh(leaf: Any) -> Value:
    """A node of its own for one argument: a leaf for a number, a gate on top of a Value that others may use too."""
    return positive(leaf) if isinstance(leaf, Value) else Value(leaf)


def differentiable(f: Callable[..., Any], output: Any) -> Any:
    """One number of the result of `f`; TypeError for what has no derivative."""
    if isinstance(output, Value):
        return output
    name, kind = getattr(f, "__name__", type(f).__name__), type(output).__name__
    remedies = {
        "bool": "where(x - 2, a, b) chooses a for x > 2, step(x) counts",
        "NoneType": "did a function forget to return its result?",
        "str": "it must return numbers",
    }
    if remedy := remedies.get(kind.rstrip("_")):
        raise TypeError(f"{name} returned {kind} {output!r:.60}, which has no derivative: {remedy}")
    try:
        return number(output)
    except TypeError:
        raise TypeError(f"{name} returned {kind} {output!r:.60}: it must return numbers, Values or lists") from None


@dataclass(frozen=True)
class _Call:
    """A function called once on fresh Values: what it gave and which inputs to differentiate by."""

    result: Any
    inputs: list[Any]  # the chosen arguments, nested as given, of fresh Values
    recorded: bool  # whether the derivatives are Values
    foreign: Value | None  # one on which the result depends and that was not made here

    def derivatives(self, output: Any) -> Iterator[Any]:
        """∂output/∂input for every number in `inputs`; 0 where the output does not depend on it."""
        adjoints: dict[int, Any] = {}
        choices = False
        if isinstance(output, Value):
            with recording():
                swept = list(sweep(output, self.recorded))
            adjoints = {id(node): adjoint for node, adjoint in swept}
            choices = self.foreign is not None and any(chose(node) for node, _ in swept)
        for leaf in leaves(self.inputs):
            derivative = self.shown(adjoints.get(id(leaf), 0.0))
            if choices and isinstance(derivative, Value):
                mark_incomplete(derivative)
            yield derivative

    def shown(self, x: Any) -> Any:
        """A number of the result, or a derivative, as the caller should see it."""
        if not self.recorded:
            return x.data if isinstance(x, Value) else x
        if isinstance(x, Value) or self.foreign is None:
            return x if isinstance(x, Value) else Value(x)
        return where(self.foreign, x, x)  # the number x, and for transforms around this one not of their making


def _call(f: Callable[..., Any], args: tuple[Any, ...], positions: list[int], directions: Sequence[Any] = ()) -> _Call:
    here, around = current(), _made.get()
    passed = [copied(arg) for arg in args]  # what f does to its lists is its own affair
    made: set[Value] = set()
    token = _made.set(made)
    try:
        with recording():
            inputs = [like(args[position], map(_fresh, leaves(args[position]))) for position in positions]
            for position, fresh in zip(positions, inputs, strict=True):
                passed[position] = copied(fresh)
            result = copied(f(*passed))
    finally:
        _made.reset(token)
    made.update(leaves(inputs))
    if around is not None:
        around |= made
    outputs = [differentiable(f, output) for output in leaves(result)]
    reached = topological_order(*(output for output in outputs if isinstance(output, Value)))
    foreign = [node for node in reached if node.primitive is None and node not in made]
    foreign += [direction for direction in directions if isinstance(direction, Value)]
    recorded = here.record and (bool(foreign) or here.tracer is not None)
    return _Call(like(result, iter(outputs)), inputs, recorded, foreign[0] if foreign else None)


# ---- derivatives of functions -------------------------------------------------------------------------------


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns f(x, …) and its gradient by the arguments `argnums`.

    The gradient mirrors the argument: a number or a nested list; a tuple of them for several `argnums`. Raises
    TypeError when `f` does not return one number, ValueError for an `argnums` that does not exist.

    >>> value_and_grad(lambda x, y: x * y)(2.0, 3.0)
    (6.0, 3.0)
    """
    _function("value_and_grad", f)

    def value_and_gradient(*args: Any) -> tuple[Any, Any]:
        call = _call(f, args, _positions(argnums, args))
        if isinstance(call.result, (list, tuple)):
            raise TypeError(f"grad needs a function that returns one number, got {len(call.result)}: use jacobian")
        derivatives = call.derivatives(call.result)
        gradients = [like(tree, derivatives) for tree in call.inputs]
        return call.shown(call.result), tuple(gradients) if isinstance(argnums, Sequence) else gradients[0]

    return value_and_gradient


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the gradient ∂f/∂x, nested like the argument; it can be differentiated again.

    Plain numbers, unless `f` reaches Values that are not its arguments, as the parameters of a model: then Values.
    Raises TypeError for what is no function, and for a result without a derivative, such as True.

    >>> grad(lambda x: x**3)(2.0), grad(grad(grad(lambda x: x**3)))(2.0)
    (12.0, 6.0)
    >>> grad(lambda v: v[0] * v[1])([2.0, 3.0])
    [3.0, 2.0]
    """
    _function("grad", f)
    both = value_and_grad(f, argnums)
    return lambda *args: both(*args)[1]


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns all ∂f_i/∂x_j: nested like the result of `f`, each number replaced by its gradient.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    _function("jacobian", f)

    def rows(*args: Any) -> Any:
        call = _call(f, args, _positions(argnums, args))

        def gradients() -> Iterator[Any]:
            for output in leaves(call.result):
                derivatives = call.derivatives(output)
                row = [like(tree, derivatives) for tree in call.inputs]
                yield tuple(row) if isinstance(argnums, Sequence) else row[0]

        return like(call.result, gradients())

    return rows


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns all ∂²f/∂x_i∂x_j, the Jacobian of the gradient; nested as JAX nests it.

    Mixed derivatives agree both ways round, also those of x**y at y = 0, x > 0.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    """
    _function("hessian", f)
    return jacobian(grad(f, argnums), argnums)


def _matching(name: str, tree: Any, of: str, other: Any) -> list[Any]:
    if not _same_shape(tree, other):
        raise ValueError(f"{name} must be nested like {of}: got {tree!r:.60} for {other!r:.60}")
    return leaves(tree)


def _same_shape(a: Any, b: Any) -> bool:
    nested = isinstance(a, (list, tuple)), isinstance(b, (list, tuple))
    if nested == (True, True):
        return len(a) == len(b) and all(map(_same_shape, a, b))
    return nested == (False, False)


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """The Hessian of `f` at `x` times `v`, without the Hessian; nested like `x`, ValueError if `v` is not.

    >>> hvp(lambda v: v[0] ** 2 * v[1], [2.0, 3.0], [1.0, 0.0])
    [6.0, 4.0]
    """
    _function("hvp", f)
    _matching("v", v, "x", x)
    gradient = grad(f)
    return grad(lambda x, v: dot(leaves(gradient(x)), leaves(v)))(x, v) if leaves(x) else copied(x)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """f(*primals) and its directional derivative along `tangents`, found in one walk forward.

    `primals` and `tangents` are sequences of arguments, nested alike; ValueError if they are not.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    if not (isinstance(primals, Sequence) and isinstance(tangents, Sequence)):
        raise TypeError("primals and tangents are tuples of arguments: write (x,) for one")
    _function("jvp", f)
    given = _matching("tangents", list(tangents), "primals", list(primals))
    directions = [direction if isinstance(direction, Value) else number(direction) for direction in given]
    call = _call(f, tuple(primals), list(range(len(primals))), directions)
    watched = current().detect_anomaly
    moving = {  # along the constant 0 nothing moves
        id(leaf): direction
        for leaf, direction in zip(leaves(call.inputs), directions, strict=True)
        if isinstance(direction, Value) or direction != 0.0
    }
    choices = False
    outputs = leaves(call.result)
    with recording():
        for node in topological_order(*(output for output in outputs if isinstance(output, Value))):
            if id(node) in moving or node.primitive is None:
                continue
            partials = recorded_partials(node) if call.recorded else node.handed
            choices = choices or (call.foreign is not None and chose(node))
            terms = [
                partial * moving[id(operand)]
                for operand, partial in zip(node.operands, partials, strict=True)
                if partial is not None and id(operand) in moving
            ]
            if terms:
                moving[id(node)] = reduce(add, terms)
                if watched:
                    refuse_nan_tangent(node, moving[id(node)])
    along = [call.shown(moving.get(id(output), 0.0)) for output in outputs]
    for derivative in along:
        if choices and isinstance(derivative, Value):
            mark_incomplete(derivative)
    return like(call.result, map(call.shown, outputs)), like(call.result, iter(along))

"""The sweep as something to call: derivatives of Python functions.

The transforms (`grad`, `hessian` …) record a function on fresh Values and leave every `.grad` alone. They give plain
numbers, unless the result depends on a Value that the transform did not make: an argument, a parameter that the
function uses, the argument of a transform around this one. Then they give Values, nested alike, that depend on it and
can be differentiated again; `no_grad()` gives plain numbers all the same.

Arguments and results are trees: numbers, and lists, tuples, dicts and NumPy arrays of them. In place of an array the
function gets one of objects, its numbers as Values; derivatives come in arrays of floats, of objects where they are
Values. Keyword arguments are handed on and not differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, islice
from operator import add, index
from typing import Any

from microgradnn.anomalies import refuse_nan_tangent
from microgradnn.context import current, recording
from microgradnn.functional import dot
from microgradnn.graph import topological_order
from microgradnn.reading import is_sequence, number
from microgradnn.renewal import chose, mark_incomplete
from microgradnn.sweep import recorded_partials, sweep
from microgradnn.table import positive, where
from microgradnn.trees import array_of, copied, is_array, like, matched, spread, walked
from microgradnn.value import Value

# The leaves of the transforms inside the one at work.
_made: ContextVar[set[Value] | None] = ContextVar("made", default=None)


# ---- arguments ---------------------------------------------------------------------------------------------------


def _positions(argnums: int | Sequence[int], args: tuple[Any, ...], keywords: dict[str, Any]) -> list[int]:
    positions: Any = argnums if isinstance(argnums, Sequence) else [argnums]
    try:
        numbers = [index(position) for position in positions]
    except TypeError:
        raise TypeError(f"argnums is an int or a tuple of ints, got {argnums!r}") from None
    for position in numbers:
        if not -len(args) <= position < len(args):
            by_name = f", and {', '.join(keywords)} by name: what is given by name is not differentiated"
            raise ValueError(
                f"argnums={argnums!r}, but the function was called with {len(args)} argument(s)"
                + by_name * bool(keywords)
            )
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
    if isinstance(leaf, Value):
        return positive(leaf)  # type: ignore[no-any-return]
    if is_sequence(leaf) or isinstance(leaf, Mapping):
        kind = "dict" if isinstance(leaf, Mapping) else "list"
        remedy = f"{kind}(...) of it"
        if hasattr(leaf, "__array__"):
            remedy = f"its {'.detach()' * hasattr(leaf, 'detach')}.tolist(), or numpy.asarray of it"
        raise TypeError(
            f"an argument is a number, or numbers in lists, dicts and NumPy arrays, got {type(leaf).__name__} "
            f"{leaf!r:.60}: give {remedy}"
        )
    return Value(leaf)


def differentiable(f: Callable[..., Any], output: Any) -> Any:
    """One number of the result of `f`; TypeError for what has no derivative."""
    if isinstance(output, Value):
        return output
    f = getattr(f, "func", f)  # that of functools.partial
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
        raise TypeError(
            f"{name} returned {kind} {output!r:.60}: it must return numbers, Values, or lists, dicts or arrays of them"
        ) from None


@dataclass(frozen=True)
class _Call:
    """A function called once on fresh Values: what it gave and which inputs to differentiate by."""

    result: Any
    aux: Any  # what it returned beside the result
    inputs: list[Any]  # the chosen arguments, nested as given, of fresh Values
    leaves: list[Value]  # these
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
        for leaf in self.leaves:
            derivative = self.shown(adjoints.get(id(leaf), 0.0))
            if choices and isinstance(derivative, Value):
                mark_incomplete(derivative)
            yield derivative

    def gradients(self, output: Any) -> tuple[Any, ...]:
        """The derivatives, nested as the chosen arguments are."""
        return tuple(like(self.inputs, self.derivatives(output)))

    def shown(self, x: Any) -> Any:
        """A number of the result, or a derivative, as the caller should see it."""
        if not self.recorded:
            return x.data if isinstance(x, Value) else x
        if isinstance(x, Value) or self.foreign is None:
            return x if isinstance(x, Value) else Value(x)
        return where(self.foreign, x, x)  # the number x, and for transforms around this one not of their making

    def shown_result(self) -> Any:
        return like(self.result, map(self.shown, spread(self.result)))


def _call(
    f: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any], positions: Sequence[int],
    directions: Sequence[Any] = (), has_aux: bool = False,
) -> _Call:  # fmt: skip
    here, around = current(), _made.get()
    passed = [copied(arg) for arg in args]  # what f does to its lists is its own affair
    made: set[Value] = set()
    token = _made.set(made)
    try:
        with recording():
            fresh = [[*map(_fresh, spread(args[position]))] for position in positions]
            inputs = [like(args[position], iter(own)) for position, own in zip(positions, fresh, strict=True)]
            for position, tree in zip(positions, inputs, strict=True):
                passed[position] = copied(tree)
            result, aux = copied(f(*passed, **copied(keywords))), None
    finally:
        _made.reset(token)
    if has_aux:
        if not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError(f"with has_aux=True a function returns (result, anything else), got {result!r:.60}")
        result, aux = result
    flat = [leaf for own in fresh for leaf in own]
    made.update(flat)
    if around is not None:
        around |= made
    outputs = [differentiable(f, output) for output in ([None] if result is None else spread(result))]
    foreign = [*_foreign(outputs, made), *(direction for direction in directions if isinstance(direction, Value))]
    recorded = here.record and (bool(foreign) or here.tracer is not None)
    if not (here.record and (_foreign(spread(aux), made) or here.tracer is not None)):
        aux = _plain(aux)
    return _Call(like(result, iter(outputs)), aux, inputs, flat, recorded, foreign[0] if foreign else None)


def _foreign(outputs: Sequence[Any], made: set[Value]) -> list[Value]:
    """The leaves on which outputs depend and that were not made by the transform."""
    reached = topological_order(*(output for output in outputs if isinstance(output, Value)))
    return [node for node in reached if node.primitive is None and node not in made]


def _plain(tree: Any) -> Any:
    """A tree of anything, with the numbers of its Values in their places."""

    def plain(leaf: Any) -> Any:
        if is_array(leaf):
            return array_of(map(plain, leaf.ravel()), leaf.shape) if leaf.dtype == object else leaf
        return leaf.data if isinstance(leaf, Value) else leaf

    return walked(tree, plain)


# ---- derivatives of functions -------------------------------------------------------------------------------


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that returns f(x, …) and its gradient by the arguments `argnums`.

    The gradient mirrors the argument: a number, or a list, dict or array of numbers; a tuple of them for several
    `argnums`. With `has_aux`, `f` returns (number, anything else), and the value is such a pair, with plain numbers in
    place of Values. Raises TypeError when `f` does not return one number, ValueError for an `argnums` that does not
    exist.

    >>> value_and_grad(lambda x, y: x * y)(2.0, 3.0)
    (6.0, 3.0)
    >>> value_and_grad(lambda p, *, rate: p["a"] * p["b"] * rate)({"a": 2.0, "b": 3.0}, rate=10.0)
    (60.0, {'a': 30.0, 'b': 20.0})
    >>> value_and_grad(lambda x: (x * x, {"half": x / 2}), has_aux=True)(3.0)
    ((9.0, {'half': 1.5}), 6.0)
    """
    _function("value_and_grad", f)

    def value_and_gradient(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        call = _call(f, args, keywords, _positions(argnums, args, keywords), has_aux=has_aux)
        output = _one_number(call.result)
        gradients = call.gradients(output)
        value = call.shown(output)
        return (value, call.aux) if has_aux else value, gradients if isinstance(argnums, Sequence) else gradients[0]

    return value_and_gradient


def _one_number(result: Any) -> Any:
    """The result where it is one number, also in an array without dimensions; TypeError for several."""
    if is_array(result):
        if result.shape == ():
            return result.item()
        got, remedy = f"an array of shape {result.shape}", "use jacobian, or add them up"
    elif isinstance(result, dict):
        got, remedy = f"a dict of {', '.join(map(repr, result)) or 'nothing'}", "use jacobian"
    elif isinstance(result, (list, tuple)):
        pair = isinstance(result, tuple) and len(result) == 2
        got, remedy = f"{len(result)}", "use jacobian" + ", or has_aux=True for (number, anything else)" * pair
    else:
        return result
    raise TypeError(f"grad needs a function that returns one number, got {got}: {remedy}")


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient ∂f/∂x, nested like the argument; it can be differentiated again.

    Plain numbers, unless `f` reaches Values that are not its arguments, as the parameters of a model: then Values. In
    place of an array `f` gets one of Values, on which NumPy's operators work, and the gradient is an array. With
    `has_aux`, `f` returns (number, anything else), and the function (gradient, anything else). Raises TypeError for
    what is no function, and for a result without a derivative, such as True.

    >>> grad(lambda x: x**3)(2.0), grad(grad(grad(lambda x: x**3)))(2.0)
    (12.0, 6.0)
    >>> grad(lambda v: v[0] * v[1])([2.0, 3.0])
    [3.0, 2.0]
    >>> import numpy as np
    >>> grad(lambda x: (x @ x) / 2)(np.array([2.0, 3.0])).tolist()
    [2.0, 3.0]
    """
    _function("grad", f)
    both = value_and_grad(f, argnums, has_aux)

    def gradient(*args: Any, **keywords: Any) -> Any:
        value, gradients = both(*args, **keywords)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns all ∂f_i/∂x_j: nested like the result of `f`, each number replaced by its gradient.

    Of an array by an array it is one array, whose shape is that of the result followed by that of the argument.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    >>> import numpy as np
    >>> jacobian(lambda x: np.outer(x, x))(np.array([2.0, 3.0])).shape
    (2, 2, 2)
    """
    _function("jacobian", f)

    def rows(*args: Any, **keywords: Any) -> Any:
        call = _call(f, args, keywords, _positions(argnums, args, keywords))

        def row(output: Any) -> Any:
            gradients = _by_array(call, output) if is_array(output) else call.gradients(output)
            return gradients if isinstance(argnums, Sequence) else gradients[0]

        return walked(call.result, row)

    return rows


def _by_array(call: _Call, outputs: Any) -> tuple[Any, ...]:
    """The derivatives of an array of outputs, in an array for each number and each array among the inputs."""
    rows = [[*call.derivatives(output)] for output in outputs.ravel()]
    columns = iter([[row[n] for row in rows] for n in range(len(call.leaves))])

    def block(leaf: Any) -> Any:
        size, shape = (leaf.size, leaf.shape) if is_array(leaf) else (1, ())
        return array_of(chain(*zip(*islice(columns, size), strict=True)), outputs.shape + shape)

    return tuple(walked(call.inputs, block))


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns all ∂²f/∂x_i∂x_j, the Jacobian of the gradient; nested as JAX nests it.

    Mixed derivatives agree both ways round, also those of x**y at y = 0, x > 0.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    >>> hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0})
    {'a': {'a': 6.0, 'b': 4.0}, 'b': {'a': 4.0, 'b': 0.0}}
    """
    _function("hessian", f)
    return jacobian(grad(f, argnums), argnums)


def _matching(name: str, tree: Any, of: str, other: Any) -> list[Any]:
    """The numbers of `tree` in the order of those of `other`; ValueError unless they are nested alike."""
    try:
        return matched(tree, other)
    except ValueError:
        raise ValueError(f"{name} must be nested like {of}: got {tree!r:.60} for {other!r:.60}") from None


def hvp(f: Callable[..., Any], x: Any, v: Any, **keywords: Any) -> Any:
    """The Hessian of `f` at `x` times `v`, without the Hessian; nested like `x`, ValueError if `v` is not.

    Keyword arguments are those of `f`.

    >>> hvp(lambda v: v[0] ** 2 * v[1], [2.0, 3.0], [1.0, 0.0])
    [6.0, 4.0]
    """
    _function("hvp", f)
    v = _matching("v", v, "x", x)
    gradient = grad(f)
    along = grad(lambda x, v, **keywords: dot(spread(gradient(x, **keywords)), v))
    return along(x, v, **keywords) if v else copied(x)


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """f(*primals), and a function of a cotangent u, nested like it, that returns Σ uᵢ ∂fᵢ/∂x by every argument.

    That is a tuple, of one gradient for each of `primals`. The function is called once, also where many cotangents
    follow. Raises ValueError for a cotangent that is nested otherwise.

    >>> value, pull = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> value, pull([1.0, 0.0]), pull([0.0, 1.0])
    ([6.0, 5.0], (3.0, 2.0), (1.0, 1.0))
    """
    _function("vjp", f)
    call = _call(f, primals, {}, range(len(primals)))
    value = call.shown_result()

    def pull(cotangent: Any) -> tuple[Any, ...]:
        given = _matching("the cotangent", cotangent, "the result", value)
        weights = [weight if isinstance(weight, Value) else number(weight) for weight in given]
        here, foreign = current(), [call.foreign, *(weight for weight in weights if isinstance(weight, Value))]
        first = next((node for node in foreign if node is not None), None)
        recorded = here.record and (first is not None or here.tracer is not None)
        with recording():
            root = dot(weights, spread(call.result)) if weights else 0.0
        return replace(call, recorded=recorded, foreign=first).gradients(root)

    return value, pull


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], **keywords: Any) -> tuple[Any, Any]:
    """f(*primals) and its directional derivative along `tangents`, found in one walk forward.

    `primals` and `tangents` are sequences of arguments, nested alike; ValueError if they are not. Keyword arguments are
    those of `f`.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    if not (isinstance(primals, Sequence) and isinstance(tangents, Sequence)):
        raise TypeError("primals and tangents are tuples of arguments: write (x,) for one")
    _function("jvp", f)
    given = _matching("tangents", list(tangents), "primals", list(primals))
    directions = [direction if isinstance(direction, Value) else number(direction) for direction in given]
    call = _call(f, tuple(primals), keywords, range(len(primals)), directions)
    watched = current().detect_anomaly
    moving = {  # along the constant 0 nothing moves
        id(leaf): direction
        for leaf, direction in zip(call.leaves, directions, strict=True)
        if isinstance(direction, Value) or direction != 0.0
    }
    choices = False
    outputs = spread(call.result)
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
    return call.shown_result(), like(call.result, iter(along))

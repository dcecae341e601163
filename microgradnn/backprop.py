"""Derivatives of Python functions, of any order: `grad`, `jacobian`, `hessian` and their like.

>>> from microgradnn import grad, hessian, jvp, vjp
>>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
(12.0, 12.0)
>>> rows = hessian(lambda v: v[0] ** v[1])([3.0, 0.0])
>>> rows[0][1], rows[1][0]
(0.3333333333333333, 0.3333333333333333)
>>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))  # the value, and its slope along (1, 0)
(6.0, 3.0)

`value_and_grad` gives both, `jacobian` is for several results, `hvp` the Hessian times a vector, `vjp` the value and a
function that pulls cotangents back; `stop_gradient` and `has_aux=True` are as in JAX.

The transforms record a function on fresh Values and leave every `.grad` alone. They give plain
numbers, unless the result depends on a Value that the transform did not make: an argument, a parameter that the
function uses, the argument of a transform around this one. Then they give Values, nested alike, that depend on it and
can be differentiated again; `no_grad()` gives plain numbers all the same.

Arguments and results are trees: numbers, and lists, tuples, dicts and NumPy arrays of them. In place of an array the
function gets one of objects, its numbers as Values; derivatives come in arrays of floats, of objects where they are
Values. Keyword arguments are handed on and not differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from itertools import chain, islice
from operator import add, index
from typing import Any

from microgradnn.anomalies import refuse_nan_tangent
from microgradnn.calls import Call, called, gives_values
from microgradnn.context import current, recording
from microgradnn.functional import dot
from microgradnn.graph import topological_order
from microgradnn.reading import number
from microgradnn.renewal import chose, mark_incomplete
from microgradnn.sweep import recorded_partials
from microgradnn.trees import array_of, copied, is_array, like, matched, spread, walked
from microgradnn.value import Value

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
        call = {"hvp": "hvp(lambda x: …, x, v)", "jvp": "jvp(lambda x: …, (x,), (v,))", "vjp": "vjp(lambda x: …, x)"}
        raise TypeError(
            f"{transform} takes a function, got {f!r:.60}: write {call.get(transform, f'{transform}(lambda x: …)(x)')}"
            + ", or call y.backward() and read x.grad" * (transform == "grad")
        )
    if not callable(f):
        raise TypeError(f"{transform} takes a function, got {type(f).__name__} {f!r:.60}")


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
        call = called(f, args, keywords, _positions(argnums, args, keywords), has_aux=has_aux)
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
    place of an array `f` gets one of Values, on which NumPy's operators work, and the gradient is an array. `argnums`
    is the place of the argument x, or several places, which give a tuple. With `has_aux`, `f` returns (number, anything
    else), and the function (gradient, anything else). Raises TypeError for what is no function, and for a result
    without a derivative, such as True.

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


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns all ∂f_i/∂x_j: nested like the result of `f`, each number replaced by its gradient.

    Of an array by an array it is one array, whose shape is that of the result followed by that of the argument.
    `argnums` is the place of the argument, or several places. With `has_aux`, `f` returns (result, anything else), and
    the function (Jacobian, anything else).

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    >>> import numpy as np
    >>> jacobian(lambda x: np.outer(x, x))(np.array([2.0, 3.0])).shape
    (2, 2, 2)
    """
    _function("jacobian", f)

    def rows(*args: Any, **keywords: Any) -> Any:
        call = called(f, args, keywords, _positions(argnums, args, keywords), has_aux=has_aux)

        def row(output: Any) -> Any:
            gradients = _by_array(call, output) if is_array(output) else call.gradients(output)
            return gradients if isinstance(argnums, Sequence) else gradients[0]

        nested = walked(call.result, row)
        return (nested, call.aux) if has_aux else nested

    return rows


def _by_array(call: Call, outputs: Any) -> tuple[Any, ...]:
    """The derivatives of an array of outputs, in an array for each number and each array among the inputs."""
    rows = [[*call.derivatives(output)] for output in outputs.ravel()]
    columns = iter([[row[n] for row in rows] for n in range(len(call.leaves))])

    def block(leaf: Any) -> Any:
        size, shape = (leaf.size, leaf.shape) if is_array(leaf) else (1, ())
        return array_of(chain(*zip(*islice(columns, size), strict=True)), outputs.shape + shape)

    return tuple(walked(call.inputs, block))


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns all ∂²f/∂x_i∂x_j, the Jacobian of the gradient; nested as JAX nests it.

    Mixed derivatives agree both ways round, also those of x**y at y = 0, x > 0. `argnums` is the place of the argument,
    or several places. With `has_aux`, `f` returns (number, anything else), and the function (Hessian, anything else).

    >>> hessian(lambda v: v[0] ** 2 * v[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    >>> hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0})
    {'a': {'a': 6.0, 'b': 4.0}, 'b': {'a': 4.0, 'b': 0.0}}
    """
    _function("hessian", f)
    return jacobian(grad(f, argnums, has_aux), argnums, has_aux)


def _matching(name: str, tree: Any, of: str, other: Any) -> list[Any]:
    """The numbers of `tree` in the order of those of `other`; ValueError unless they are nested alike."""
    try:
        return matched(tree, other)
    except ValueError:
        raise ValueError(f"{name} must be nested like {of}: got {tree!r:.60} for {other!r:.60}") from None


def hvp(f: Callable[..., Any], x: Any, v: Any, **keywords: Any) -> Any:
    """The Hessian of `f` at `x` times `v`, without the Hessian; nested like `x`, ValueError if `v` is not.

    The `keywords` are keyword arguments of `f`.

    >>> hvp(lambda v: v[0] ** 2 * v[1], [2.0, 3.0], [1.0, 0.0])
    [6.0, 4.0]
    """
    _function("hvp", f)
    v = _matching("v", v, "x", x)
    gradient = grad(f)
    return grad(lambda x: dot(spread(gradient(x, **keywords)), v))(x) if v else copied(x)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """f(*primals), and a function of a cotangent u, nested like it, that returns Σ uᵢ ∂fᵢ/∂x by every argument.

    That is a tuple, of one gradient for each of `primals`. The function is called once, also where many cotangents
    follow. With `has_aux`, `f` returns (result, aux), and aux comes third. Raises ValueError for a cotangent that is
    nested otherwise.

    >>> value, pull = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> value, pull([1.0, 0.0]), pull([0.0, 1.0])
    ([6.0, 5.0], (3.0, 2.0), (1.0, 1.0))
    """
    _function("vjp", f)
    call = called(f, primals, {}, range(len(primals)), has_aux=has_aux)
    value = call.shown_result()

    def pull(cotangent: Any) -> tuple[Any, ...]:
        given = _matching("the cotangent", cotangent, "the result", value)
        weights = [weight if isinstance(weight, Value) else number(weight) for weight in given]
        foreign = [node for node in (call.foreign, *weights) if isinstance(node, Value)]
        with recording():
            root = dot(weights, spread(call.result)) if weights else 0.0
        return replace(call, recorded=gives_values(foreign), foreign=next(iter(foreign), None)).gradients(root)

    return (value, pull, call.aux) if has_aux else (value, pull)


def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False, **keywords: Any
) -> tuple[Any, ...]:
    """f(*primals) and its directional derivative along `tangents`, found in one walk forward.

    - `f`: the function; it gives a number, or numbers nested in any way
    - `primals`: the arguments at which it is called, in a sequence
    - `tangents`: the direction, nested like `primals`; ValueError if it is not
    - `has_aux`: `f` returns (result, aux), and aux comes third
    - `keywords`: keyword arguments of `f`

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    if not (isinstance(primals, Sequence) and isinstance(tangents, Sequence)):
        raise TypeError("primals and tangents are tuples of arguments: write (x,) for one")
    _function("jvp", f)
    given = _matching("tangents", list(tangents), "primals", list(primals))
    directions = [direction if isinstance(direction, Value) else number(direction) for direction in given]
    call = called(f, tuple(primals), keywords, range(len(primals)), directions, has_aux)
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
    both = call.shown_result(), like(call.result, iter(along))
    return (*both, call.aux) if has_aux else both

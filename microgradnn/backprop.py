"""The sweep as something to call and to look at: derivatives of Python functions, and backprop step by step.

The transforms (`grad`, `hessian` …) record a function on fresh Values and leave every `.grad` alone. They give plain
numbers, unless the result depends on a Value that the transform did not make: an argument, a parameter that the
function uses, the argument of a transform around this one. Then they give Values, nested alike, that depend on it and
can be differentiated again; `no_grad()` gives plain numbers all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import reduce
from operator import add, index
from os import PathLike
from typing import Any, ClassVar, Literal, overload

from microgradnn.anomalies import refuse_nan_tangent
from microgradnn.context import current, recording
from microgradnn.functional import dot
from microgradnn.graph import topological_order
from microgradnn.notation import digits, factor, formula, names, written
from microgradnn.reading import number
from microgradnn.renewal import chose, mark_incomplete, outdated
from microgradnn.sweep import recorded_partials, sweep
from microgradnn.table import positive, where
from microgradnn.value import Value

# The leaves of the transforms inside the one at work.
_made: ContextVar[set[Value] | None] = ContextVar("made", default=None)


# ---- nested arguments ---------------------------------------------------------------------------------------


def leaves(tree: Any) -> list[Any]:
    """The numbers of a nested list, from left to right.

    >>> leaves([1, [2, 3]]), leaves(4)
    ([1, 2, 3], [4])
    """
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def like(tree: Any, values: Iterator[Any]) -> Any:
    """A nested list of the shape of `tree` with the next of `values` in each place.

    >>> like([1, [2, 3]], iter("abc"))
    ['a', ['b', 'c']]
    """
    if isinstance(tree, (list, tuple)):
        return _nested_like(tree, [like(branch, values) for branch in tree])
    return next(values)


def _nested_like(tree: Any, branches: Iterable[Any]) -> Any:
    """The branches in a list, a tuple or a named tuple, as those of `tree` are."""
    if hasattr(tree, "_make"):
        return tree._make(branches)
    return tuple(branches) if isinstance(tree, tuple) else list(branches)


def _copied(tree: Any) -> Any:
    """`tree` with lists, dicts and arrays of its own."""
    if isinstance(tree, (list, tuple)):
        return _nested_like(tree, map(_copied, tree))
    if type(tree) is dict:
        return {key: _copied(branch) for key, branch in tree.items()}
    return tree.copy() if type(tree).__module__ == "numpy" and hasattr(tree, "copy") else tree


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
    passed = [_copied(arg) for arg in args]  # what f does to its lists is its own affair
    made: set[Value] = set()
    token = _made.set(made)
    try:
        with recording():
            inputs = [like(args[position], map(_fresh, leaves(args[position]))) for position in positions]
            for position, fresh in zip(positions, inputs, strict=True):
                passed[position] = _copied(fresh)
            result = _copied(f(*passed))
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
    return grad(lambda x, v: dot(leaves(gradient(x)), leaves(v)))(x, v) if leaves(x) else _copied(x)


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


# ---- step by step -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One step of backprop: a forward gate, the seed, or one edge of the backward sweep.

    On a backward step: contribution = partial × adjoint, and after = before + contribution is the gradient of
    `operand` so far. Elsewhere the fields that do not apply are None.
    """

    kind: Literal["forward", "seed", "backward"]
    gate: Value
    operand: Value | None
    adjoint: float | None
    partial: float | None
    contribution: float | None
    before: float | None
    after: float | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.sentence)  # what IPython and Jupyter show


def out_of_date(root: Value) -> str:
    """Why the numbers of a graph do not fit its leaves, and the remedy; "" where they do.

    >>> x = Value(3.0, "x")
    >>> f = x * 2
    >>> x.data = 5.0
    >>> out_of_date(f)
    'out of date: x was changed; f.forward() computes it anew'
    """
    order = topological_order(root)
    gates = outdated(order)
    if not gates:
        return ""
    name_of = names(order, root)
    operands = dict.fromkeys(operand for gate in gates for operand in gate.operands if isinstance(operand, Value))
    changed = [name_of[id(leaf)] for leaf in operands if leaf.primitive is None and id(leaf) not in _cleared(gates)]
    if not changed:
        what = f"a gate before {name_of[id(gates[0])]} was computed anew"
    else:
        what = " or ".join(changed if len(changed) < 4 else [*changed[:2], "another leaf"]) + " was changed"
    return f"out of date: {what}; {name_of[id(root)]}.forward() computes it anew"


def _cleared(gates: Iterable[Value]) -> set[int]:
    """The leaves, by `id`, whose numbers still stand in the partials of a gate, as factors do in those of a product."""
    cleared = set()
    for gate in gates:
        assert gate.primitive is not None
        operands = gate.operands
        for partial, register in zip(gate.handed, gate.primitive.trace(len(operands)).results, strict=True):
            if isinstance(register, int) and 0 < register <= len(operands):
                operand = operands[register - 1]
                if isinstance(operand, Value) and partial == operand.data:
                    cleared.add(id(operand))
    return cleared


class Steps(Sequence[Step]):
    """The steps of one root, read-only: the forward gates, the seed, the edges of the backward sweep.

    `names` gives the name of each node by `id`; numbers have so many significant `digits`. In Jupyter it shows
    as a stepper; `save("f.html")` writes it.
    """

    save: ClassVar[Callable[[Steps, str | PathLike[str]], None]]  # drawing attaches it

    def __init__(self, root: Value, weights: Iterable[Value] | None = None, digits: int = 4) -> None:
        self.root, self.digits = root, digits
        self.order = topological_order(root)
        self.weights = self._chosen(weights)
        self.names = names(self.order, root)
        if complaint := out_of_date(root):
            raise ValueError(complaint)
        self._steps = [*self._forward(), *self._backward()]

    def _chosen(self, weights: Iterable[Value] | None) -> set[Value]:
        """The leaves that learn in the page: those given, else the parameters of modules."""
        leaves = {node for node in self.order if node.primitive is None}
        if weights is None:
            return {leaf for leaf in leaves if leaf.path == ""}
        chosen = list(weights)
        for weight in chosen:
            if not isinstance(weight, Value) or weight not in leaves:
                raise ValueError(f"weights are leaves of the circuit, got {weight!r:.60}")
        return set(chosen)

    def _forward(self) -> Iterator[Step]:
        for gate in self.order:
            if gate.primitive is not None:
                letters = written(gate.operands, self.names, self.digits)
                numbers = [digits(getattr(operand, "data", operand), self.digits) for operand in gate.operands]
                sentence = f"{self.names[id(gate)]} = {formula(gate.primitive, letters)}"
                sentence += f" = {formula(gate.primitive, numbers)} = {digits(gate.data, self.digits)}"
                yield Step("forward", gate, None, None, None, None, None, None, sentence)

    def _backward(self) -> Iterator[Step]:
        f = self.names[id(self.root)]
        totals = {id(self.root): 1.0}
        yield Step("seed", self.root, None, None, None, None, 0.0, 1.0, f"∂{f}/∂{f} = 1")
        for gate, adjoint in sweep(self.root):
            if id(gate) not in totals:
                continue
            for operand, partial, handed in zip(gate.operands, gate.partials, gate.handed, strict=True):
                if partial is None or not isinstance(operand, Value):
                    continue
                before = totals.get(id(operand), 0.0)
                contribution = 0.0 if handed is None else partial * adjoint
                after = before + contribution
                out, name = self.names[id(gate)], self.names[id(operand)]
                sentence = (
                    f"∂{f}/∂{name} += ∂{f}/∂{out} · ∂{out}/∂{name} = "
                    f"{factor(adjoint, self.digits)} × {factor(partial, self.digits)} = "
                    f"{digits(contribution, self.digits)}"
                )
                if handed is None:
                    sentence += ", not taken"
                else:
                    if id(operand) in totals:
                        sentence += f", together {digits(after, self.digits)}"
                    totals[id(operand)] = after
                yield Step("backward", gate, operand, adjoint, partial, contribution, before, after, sentence)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        return self._steps[index]

    def __len__(self) -> int:
        return len(self._steps)

    def complaint(self) -> str:
        """Why these steps no longer fit their circuit; "" where they do."""
        if said := out_of_date(self.root):
            return said
        if str(Steps(self.root, self.weights, self.digits)) == str(self):
            return ""
        return f"out of date: {self.names[id(self.root)]} was computed anew after these steps; steps(…) takes them anew"

    def __repr__(self) -> str:
        return f"<{len(self)} steps of {self.names[id(self.root)]}>"

    def __str__(self) -> str:
        return "\n".join(step.sentence for step in self)


def steps(root: Value, *, weights: Iterable[Value] | None = None) -> Steps:
    """Backprop from `root` step by step: each forward gate, the seed, then every edge of the backward sweep.

    In Jupyter and in the saved page every leaf can be changed, and the leaves among `weights`, those of modules unless
    given, learn by gradient descent. It starts from 0 and leaves every `.grad` alone (notes 000 and 002). An edge to an
    operand that a gate did not take is said to be "not taken": nothing is handed on along it. Raises ValueError where
    the graph is out of date, and for a weight that is no leaf of it.

    >>> x, y, z = Value(-2, "x"), Value(5, "y"), Value(-4, "z")
    >>> q = (x + y).named("q")
    >>> print(steps(q * z))
    q = x + y = (−2) + 5 = 3
    f = q × z = 3 × (−4) = −12
    ∂f/∂f = 1
    ∂f/∂q += ∂f/∂f · ∂f/∂q = 1 × (−4) = −4
    ∂f/∂z += ∂f/∂f · ∂f/∂z = 1 × 3 = 3
    ∂f/∂x += ∂f/∂q · ∂q/∂x = (−4) × 1 = −4
    ∂f/∂y += ∂f/∂q · ∂q/∂y = (−4) × 1 = −4
    """
    if not isinstance(root, Value):
        raise TypeError(f"steps needs the Value at the end of a circuit, got {type(root).__name__} {root!r:.60}")
    return Steps(root, weights)

"""A function called once on Values made for the call, and the derivatives of what it gave: what transforms are made of.

A result is told apart by what it depends on: Values that the call made, or others, which are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from microgradnn.context import current, recording
from microgradnn.graph import topological_order
from microgradnn.reading import is_sequence, number
from microgradnn.renewal import chose, mark_incomplete
from microgradnn.sweep import sweep
from microgradnn.table import positive, where
from microgradnn.trees import copied, like, mapped, spread
from microgradnn.value import Value

# The leaves of the transforms inside the one at work.
_made: ContextVar[set[Value] | None] = ContextVar("made", default=None)


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
class Call:
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
        """The result, as the caller should see it."""
        return like(self.result, map(self.shown, spread(self.result)))


def called(
    f: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any], positions: Sequence[int],
    directions: Sequence[Any] = (), has_aux: bool = False,
) -> Call:  # fmt: skip
    """Call `f` with fresh Values in place of the numbers in the arguments at these positions.

    Derivatives are Values where the result depends on one that was not made here, or where one of `directions` is one.
    With `has_aux` the function returns a pair, and what comes second holds Values where that depends on such a Value.
    """
    around = _made.get()
    passed = [copied(arg) for arg in args]  # what f does to its lists is its own affair
    made: set[Value] = set()
    token = _made.set(made)
    try:
        with recording():
            fresh = [[*map(_fresh, spread(args[position]))] for position in positions]
            inputs = [like(args[position], iter(own)) for position, own in zip(positions, fresh, strict=True)]
            for position, tree in zip(positions, inputs, strict=True):
                passed[position] = copied(tree)
            result, aux = f(*passed, **copied(keywords)), None
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
    if not gives_values(_foreign(spread(aux), made)):
        aux = mapped(lambda x: x.data if isinstance(x, Value) else x, aux)
    return Call(like(result, iter(outputs)), aux, inputs, flat, gives_values(foreign), next(iter(foreign), None))


def gives_values(foreign: Sequence[Value]) -> bool:
    """Whether a transform gives Values here and now: on these something depends, or a function is traced."""
    here = current()
    return here.record and (bool(foreign) or here.tracer is not None)


def _foreign(outputs: Sequence[Any], made: set[Value]) -> list[Value]:
    """The leaves on which outputs depend and that were not made by the transform."""
    reached = topological_order(*(output for output in outputs if isinstance(output, Value)))
    return [node for node in reached if node.primitive is None and node not in made]

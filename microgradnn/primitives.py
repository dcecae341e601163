"""The table of primitives: every gate once, and all that calculus knows about it.

An entry gives the forward function on floats, one partial derivative per operand and sample points; what
draws, records, differentiates, checks or compiles a gate reads it here. Partials are written with the
primitives themselves, so the same line serves numbers, recorded Values (higher orders) and symbols (source).

This module knows nothing of graphs: a primitive hands over to the first of its operands that can record.
"""

from __future__ import annotations

import keyword
import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from microgradnn.reading import number as number

_LARGEST = sys.float_info.max
ForwardError = (ArithmeticError, ValueError)  # what math and float raise where a function has no value


class _Nothing(float):
    """The constant 0 in a partial: products with it, its negative and choices of it are nothing as well.

    An operand whose partial comes down to it was not taken, so a sweep hands nothing on to it: what lies behind it
    may be infinite. A 0 that comes out of the numbers is a plain float, and 0 × ∞ is nan.
    """

    __slots__ = ()
    __mul__ = __rmul__ = lambda self, other: self
    __neg__ = __pos__ = lambda self: self
    __add__ = __radd__ = lambda self, other: self if other is self else other + 0.0
    __reduce__ = lambda self: "NOTHING"  # noqa: E731  there is but one, also among what was pickled


NOTHING = _Nothing(0.0)


class Primitive:
    """One gate of the table: a callable on numbers, Values and symbols, with its derivatives and its looks.

    Attributes: `name`; `forward` (floats to float); `arity` (None for a gate of any number of operands);
    `symbol`, `text` and `latex` (how it is drawn and written); `samples` (operand tuples for tests).
    """

    def __init__(
        self,
        name: str,
        forward: Callable[..., float],
        partials: tuple[Callable[..., Any] | None, ...],
        variadic: Callable[..., Sequence[Any]] | None,
        *,
        symbol: str | tuple[str, str, str] | None,
        text: str | None,
        latex: str | None,
        source: str | None,
        samples: Sequence[Any],
        limit: Callable[..., float] | None,
        array: str | Callable[..., Any] | None,
        array_partials: Callable[..., Sequence[Any]] | None,
        doc: str | None,
    ) -> None:
        self.name = name
        self.forward = forward
        self.arity = len(partials) if variadic is None else None
        self.symbol = symbol or name
        self.text = text
        self.latex = latex
        self.source = source
        self.array = array
        self.array_partials = array_partials
        stacked = variadic is not None and callable(array)  # then `array` takes xp, some operands, and the stack
        self.leading: int | None = array.__code__.co_argcount - 2 if stacked else None  # type: ignore[union-attr]
        self.samples = [point if isinstance(point, tuple) else (point,) for point in samples]
        self._partials = partials
        self._variadic = variadic
        self._limit = limit
        self._traces: dict[int, Trace] = {}
        self.quick: Callable[..., Any] = self.__call__  # the same, sooner where operands are Values: `value` sets it
        self.__doc__ = doc or f"The gate {name}."
        self.__name__ = name

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __call__(self, *operands: Any) -> Any:
        if self.arity is not None and len(operands) != self.arity:
            plural = "operand" if self.arity == 1 else "operands"
            raise TypeError(f"{self.name} takes {self.arity} {plural}, got {len(operands)}")
        for operand in operands:
            if hasattr(operand, "record_gate"):
                return operand.record_gate(self, operands)
        return self.evaluate([number(operand) for operand in operands])

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return lookup, (self.name,)

    def __deepcopy__(self, memo: object) -> Primitive:
        return self

    def evaluate(self, operands: Sequence[float]) -> float:
        """The forward value of plain floats; raises what Python raises, with the gate and operands named."""
        try:
            return number(self.forward(*operands))
        except ForwardError as error:
            raise self.refusal(operands, error) from None

    def limit(self, operands: Sequence[float]) -> float:
        """The forward value by IEEE 754: where `evaluate` raises, the limit (1/0 is inf) or nan."""
        try:
            out = self.forward(*operands)
            return out if out is NOTHING else number(out)
        except ForwardError:
            return math.nan if self._limit is None else self._limit(*operands)

    def refusal(self, operands: Sequence[Any], error: Exception) -> Exception:
        """The exception `error`, with a message that names the gate and its operands."""
        error.args = (f"{self.describe(operands)}: {error.args[-1] if error.args else 'no value'}",)
        return error

    def describe(self, operands: Sequence[Any]) -> str:
        """The call as a message shows it: `divide(a=1.0, b=0.0)`."""
        return f"{self.name}({', '.join(_shown(operand) for operand in operands)})"

    def trace(self, count: int | None = None) -> Trace:
        """The partials as straight-line code over the operands and the output, for `count` operands."""
        count = count if self.arity is None else self.arity
        assert count is not None
        if count not in self._traces:
            self._traces[count] = Trace(self, count)
        return self._traces[count]

    def partial_functions(self, out: Any, operands: Sequence[Any]) -> list[Any]:
        """The partials written in the table, applied to `out` and `operands`; None where there is none."""
        if self._variadic is not None:
            partials = list(self._variadic(out, *operands))
            if len(partials) != len(operands):
                raise TypeError(f"{self.name}: {len(partials)} partials for {len(operands)} operands")
            return partials
        partials = [None if partial is None else partial(out, *operands) for partial in self._partials]
        for place, (partial, found) in enumerate(zip(self._partials, partials, strict=True)):
            if partial is not None and found is None:
                raise TypeError(f"partial {place} of {self.name} gave None: did it forget to return its result?")
        return partials

    def partials(self, out: float, operands: Sequence[float]) -> list[float | None]:
        """The local derivatives ∂out/∂operand at plain floats, by IEEE 754: never raises for a number.

        >>> sqrt.partials(0.0, [0.0])
        [inf]
        """
        return self.trace(len(operands)).run(out, operands, Primitive.limit)

    def handed(self, out: float, operands: Sequence[Any]) -> list[float | None]:
        """The partials as a sweep uses them: None where nothing is handed on, to a number or to what was not taken.

        Operands with `data` are recorded, floats are constants.

        >>> relu.handed(0.0, [-2.0]), relu.partials(0.0, [-2.0])
        ([None], [0.0])
        """
        numbers = [operand if operand.__class__ is float else operand._data for operand in operands]
        marked = [
            NOTHING if operand.__class__ is float and operand == 0.0 else x
            for operand, x in zip(operands, numbers, strict=True)
        ]
        trace = self.trace(len(operands))
        partials: list[Any] | None = None
        if self._variadic is not None and not trace.chooses:
            with suppress(*ForwardError, TypeError):  # TypeError: a power that came out complex
                partials = [x if x is None else float(x) for x in self.partial_functions(out, numbers)]
        if partials is None:
            partials = trace.run(out, marked, Primitive.limit, NOTHING)
        return [
            None if operand.__class__ is float or partial is NOTHING else partial
            for operand, partial in zip(operands, partials, strict=True)
        ]


def _shown(operand: Any) -> str:
    name = getattr(operand, "name", None)
    value = getattr(operand, "data", operand)
    return f"{name}={value!r}" if name else repr(value)


class Symbol:
    """A stand-in for a number while the partials of one primitive are traced: it writes down what it meets."""

    def __init__(self, trace: Trace, register: int) -> None:
        self._trace = trace
        self._register = register

    def record_gate(self, gate: Primitive, operands: Sequence[Any]) -> Symbol:
        return self._trace.append(gate, operands)

    def __bool__(self) -> bool:
        raise TypeError(
            f"the partial of {self._trace.primitive.name} decides by a number, which would freeze the decision: "
            "use step, sign, where, maximum or minimum"
        )

    def __float__(self) -> float:
        raise TypeError(
            f"the partial of {self._trace.primitive.name} asks for a float: use the functions of microgradnn "
            "(microgradnn.sin, not math.sin)"
        )

    __lt__ = __le__ = __gt__ = __ge__ = lambda self, other: bool(self)
    __hash__ = None  # type: ignore[assignment]  # a symbol has no value to compare or hash by
    __eq__ = __ne__ = __lt__  # comparing is refused like any decision


class Trace:
    """The partials of a primitive as straight-line code: instruction i writes register 1 + operands + i.

    Register 0 is the output of the gate, the next ones are its operands. `results` holds, per operand,
    a register (an int), a constant (a float) or None where the operand takes no gradient.
    """

    def __init__(self, primitive: Primitive, count: int) -> None:
        self.primitive = primitive
        self.count = count
        self.instructions: list[tuple[Primitive, tuple[int | float, ...]]] = []
        symbols = [Symbol(self, register) for register in range(count + 1)]
        try:
            partials = primitive.partial_functions(symbols[0], symbols[1:])
        except TypeError as error:
            raise TypeError(f"the partials of {primitive.name} are called with (out, *operands): {error}") from error
        self.results = [None if partial is None else self._register(partial) for partial in partials]
        self.chooses = any(self.zeros(result) for result in self.results)  # some partial may come to nothing

    def append(self, gate: Primitive, operands: Sequence[Any]) -> Symbol:
        self.instructions.append((gate, tuple(self._register(operand) for operand in operands)))
        return Symbol(self, self.count + len(self.instructions))

    def _register(self, operand: Any) -> int | float:
        if not isinstance(operand, Symbol):
            return number(operand)
        if operand._trace is not self:
            raise TypeError(f"the partial of {self.primitive.name} uses a symbol of another trace")
        return operand._register

    def run(
        self, out: Any, operands: Sequence[Any], apply: Callable[[Primitive, list[Any]], Any], zero: float = 0.0
    ) -> list[Any]:
        """Evaluate the partials: `apply(primitive, operands)` is what an instruction means, `zero` the constant 0."""
        registers = [out, *operands]

        def read(place: int | float) -> Any:
            return registers[place] if isinstance(place, int) else zero if place == 0.0 and zero is NOTHING else place

        for gate, places in self.instructions:
            registers.append(apply(gate, [read(place) for place in places]))
        return [None if place is None else read(place) for place in self.results]

    def zeros(self, place: int | float | None) -> set[int | float]:
        """What may make `place` nothing: the constant 0.0, or the registers of operands, where they are constants."""
        if not isinstance(place, int):
            return {0.0} if place == 0.0 else set()
        if place <= self.count:
            return {place} if place else set()
        gate, places = self.instructions[place - self.count - 1]
        passed = {"where": places[1:], "multiply": places, "negative": places, "positive": places}.get(gate.name, ())
        return {zero for inner in passed for zero in self.zeros(inner)}


_table: dict[str, Primitive] = {}
BUILT_IN: set[str] = set()


def lookup(name: str) -> Primitive:
    """The primitive called `name`; KeyError names the known ones."""
    try:
        return _table[name]
    except KeyError:
        raise KeyError(f"no primitive is called {name!r}: define it first; known are {', '.join(_table)}") from None


def table() -> Iterator[Primitive]:
    """All primitives, in the order in which they were defined."""
    return iter(list(_table.values()))


def primitive(
    name: str,
    forward: Callable[..., float],
    *partials: Callable[..., Any] | None,
    variadic: Callable[..., Sequence[Any]] | None = None,
    symbol: str | tuple[str, str, str] | None = None,
    text: str | None = None,
    latex: str | None = None,
    source: str | None = None,
    samples: Sequence[Any] = (),
    limit: Callable[..., float] | None = None,
    array: str | Callable[..., Any] | None = None,
    array_partials: Callable[..., Sequence[Any]] | None = None,
    doc: str | None = None,
) -> Primitive:
    """Define a gate: one entry gives its value, derivatives of any order, drawing, LaTeX and check.

    `forward` maps floats to a float and may raise ValueError or ArithmeticError where it has no value.
    Each of `partials` is ∂out/∂operand as a function of `(out, *operands)`, written with the functions of
    microgradnn and without `if`; None marks an operand without gradient. A gate of any number of operands
    gives instead `variadic`, a function of `(out, *operands)` that returns all its partials.

    `symbol` is drawn in the gate (three of them: all operands recorded, left constant, right constant),
    `text` and `latex` are templates in `{0}`, `{1}`, `samples` the points at which tests check the entry,
    `limit` is the value where `forward` raises but a limit exists. `source` is `forward` as an expression of Python
    and math, for speed: it must give the same bits.

    `array` is `forward` on arrays, for compiled programs: the name of a function of NumPy, or a function of `(xp, *operands)`
    written with `xp.exp`, `xp.where` and their like; a gate of any number of operands gets them stacked, `xp.sum` goes
    along the stack. Without it, arrays are computed number by number. `array_partials`, a function of `(xp, out, *operands)`,
    gives partials that cost arrays less than those above.

    Raises TypeError or ValueError for an unusable entry and for a name that the package itself uses.

    >>> cube = primitive("cube", lambda x: x * x * x, lambda out, x: 3 * x * x, symbol="x³", samples=[-1.5, 2.0])
    >>> cube(2)
    8.0
    >>> from microgradnn import Value, grad
    >>> grad(cube)(2.0), grad(grad(cube))(2.0)
    (12.0, 12.0)
    """
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"a primitive's name must be a Python identifier, got {name!r}")
    if name in BUILT_IN:
        raise ValueError(f"the primitive {name!r} belongs to microgradnn: choose another name")
    if (variadic is None) == (not partials):
        raise TypeError(f"{name}: give one partial per operand, or variadic= for any number of operands")
    if not all(partial is None or callable(partial) for partial in (*partials, variadic)) or not callable(forward):
        raise TypeError(f"{name}: forward and partials must be functions")
    for template in (text, latex, source):
        try:
            (template or "").format(*["x"] * len(partials))
        except (IndexError, KeyError, ValueError):
            raise ValueError(
                f"{name}: the template {template!r} must write {{0}}, {{1}} for its operands and double other braces"
            ) from None
    if isinstance(symbol, tuple) and len(partials) != 2:
        raise ValueError(f"{name}: three symbols are for a gate of two operands, give one")
    _table[name] = Primitive(
        name, forward, partials, variadic,
        symbol=symbol, text=text, latex=latex, source=source, samples=samples, limit=limit,
        array=array, array_partials=array_partials, doc=doc,
    )  # fmt: skip
    return _table[name]


@contextmanager
def scratch_table() -> Iterator[None]:
    """Forget the primitives defined inside the block when it ends: for tests and demonstrations."""
    kept = dict(_table)
    try:
        yield
    finally:
        _table.clear()
        _table.update(kept)


# ---- forward functions that math does not have; each lets nan through -------------------------------------


def _power(x: float, y: float) -> float:
    out = x**y
    if isinstance(out, complex):
        raise ValueError("a negative base with a fractional exponent has no real power")
    return float(out)


def _power_limit(x: float, y: float) -> float:
    if x < 0 and y % 1 != 0:
        return math.nan
    return math.copysign(math.inf, x) if y % 2 == 1 else math.inf


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _softsign(x: float) -> float:
    return x / (1.0 + abs(x)) if abs(x) != math.inf else math.copysign(1.0, x)


def _sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else x if x != x else 0.0


def _extreme(choose: Callable[[Sequence[float]], float]) -> Callable[..., float]:
    return lambda *xs: math.nan if any(x != x for x in xs) else choose(xs)


def _logsumexp(*xs: float) -> float:
    peak = max(range(len(xs)), key=xs.__getitem__)
    m = xs[peak]
    if any(x != x for x in xs):
        return math.nan
    if math.isinf(m):
        return m
    return m + math.log1p(sum(math.exp(x - m) for i, x in enumerate(xs) if i != peak))


def _shift(x: float, m: float) -> float:
    return 0.0 if x == m else x - m


def _cross_entropy(index: float, *xs: float) -> float:
    own, peak = _select(index, *xs), _extreme(max)(*xs)
    if peak == -math.inf:  # nothing is possible
        return math.nan
    others = sum([math.exp(_shift(x, peak)) for place, x in enumerate(xs) if place != index])
    return _shift(peak, own) + math.log1p(others + math.expm1(_shift(own, peak)))


def _cross_entropy_partials(out: Any, index: Any, *xs: Any) -> list[Any]:
    """The softmax, but by the chosen operand minus what the others have: the 1 less there would cancel."""
    _share, _where, _equal, minus = _quickest((index, *xs), share, where, equal, negative)
    return [None] + [
        _where(_equal(index, float(place)), minus(_share(others, own)), _share(own, others))
        for place, (own, others) in enumerate(_exponentials(xs))
    ]


def softmax_weights(*xs: Any) -> list[Any]:
    """exp(xᵢ) / Σ exp(xⱼ), the partials of logsumexp."""
    (_share,) = _quickest(xs, share)
    return [_share(own, others) for own, others in _exponentials(xs)]


def _exponentials(xs: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Each exp(xᵢ) and the sum of the others, relative to the maximum: exact where exp(x - out) has lost digits."""
    _maximum, _exp, _shift = _quickest(xs, maximum, exp, shift)
    peak = _maximum(*xs)
    found = [_exp(_shift(x, peak)) for x in xs]
    return list(zip(found, _sums_of_others(found), strict=True))


def _sums_of_others(xs: list[Any]) -> list[Any]:
    """For each of `xs` the sum of the others, without a difference that could cancel: of pairs, then within them."""
    if len(xs) < 3:
        return [0.0] if len(xs) == 1 else xs[::-1]
    pairs = [xs[place : place + 2] for place in range(0, len(xs), 2)]
    found: list[Any] = []
    for pair, others in zip(pairs, _sums_of_others([x[0] + x[1] if len(x) == 2 else x[0] for x in pairs]), strict=True):
        found += [others + x for x in pair[::-1]] if len(pair) == 2 else [others]
    return found


def _quickest(operands: Sequence[Any], *gates: Primitive) -> list[Callable[..., Any]]:
    """What does the same as the gates, sooner: to floats alone, or to Values."""
    if set(map(type, operands)) == {float}:
        return [gate.forward for gate in gates]
    return [gate.quick for gate in gates]


def _tie_partials(out: Any, *xs: Any) -> list[Any]:
    ties = [equal(x, out) for x in xs]
    share = 1 / sum_(*ties)
    other = where(equal(out, out), 0.0, out)  # nan where one of them is nan
    return [where(tie, share, other) for tie in ties]


sum_of_products: Callable[[Sequence[float], Sequence[float]], float] = getattr(
    math, "sumprod", lambda w, x: sum(map(operator.mul, w, x))
)


def _dot(*operands: float) -> float:
    half = len(operands) // 2
    return sum_of_products(operands[:half], operands[half:-1]) + operands[-1]


def dot_partials(weights: Any, inputs: Any) -> tuple[Any, Any, float]:
    """The partials of Σ wᵢ xᵢ + b: xᵢ by wᵢ, wᵢ by xᵢ, and 1 by b."""
    return inputs, weights, 1.0


def _dot_partials(out: Any, *operands: Any) -> list[Any]:
    half = len(operands) // 2
    by_weights, by_inputs, by_bias = dot_partials(operands[:half], operands[half:-1])
    return [*by_weights, *by_inputs, by_bias]


def _finite(xp: Any, x: Any) -> Any:
    return xp.maximum(xp.minimum(x, _LARGEST), -_LARGEST)


def _below(xp: Any, xs: Any) -> Any:
    """The difference x − max of a stack, and 0 where both are the same infinity."""
    finite = _finite(xp, xs)
    return finite - xp.max(finite)


def _exponentials_of_arrays(xp: Any, xs: Any) -> tuple[Any, Any]:
    """exp(x − max) of a stack, and Σ exp(x − max) − 1, which keeps what is small against the 1."""
    below = _below(xp, xs)
    peaks = xp.sign(below) + 1.0
    return xp.exp(below), xp.sum(xp.exp(below) - peaks) + (xp.sum(peaks) - 1.0)


def _logsumexp_of_arrays(xp: Any, xs: Any) -> Any:
    return xp.max(xs) + xp.log1p(_exponentials_of_arrays(xp, xs)[1])


def _logsumexp_partials_of_arrays(xp: Any, out: Any, xs: Any) -> tuple[Any]:
    exponentials, excess = _exponentials_of_arrays(xp, xs)
    return (exponentials / (excess + 1.0),)


class _Choice:
    """What arrays need for cross_entropy: exponentials relative to the peak, of the chosen operand and of the others.

    Products with `chosen`, 0s and a 1, cost much less than `where`; what may be infinite is cut off in front of them.
    """

    def __init__(self, xp: Any, index: Any, xs: Any) -> None:
        below, finite = _below(xp, xs), _finite(xp, xs)
        self.chosen = xp.where(xp.equal(index, xp.places(xs)), 1.0, 0.0)
        own = xp.sum(self.chosen * finite)
        lower = own - xp.max(finite)
        kept = xp.greater(xp.minimum(own, lower), -_LARGEST)
        self.below = lower / xp.where(kept, 1.0, 0.0)  # −∞ where own or the peak was cut off, nan where all are −∞
        exponential = self.chosen * xp.exp(below)
        self.others = xp.exp(below) - exponential
        self.sum_of_others = xp.sum(self.others)
        self.excess = self.sum_of_others + (xp.sum(exponential) - 1.0)  # Σ exp(x − max) − 1


def _cross_entropy_of_arrays(xp: Any, index: Any, xs: Any) -> Any:
    choice = _Choice(xp, index, xs)
    return xp.log1p(choice.excess) - choice.below


def _cross_entropy_partials_of_arrays(xp: Any, out: Any, index: Any, xs: Any) -> tuple[None, Any]:
    choice = _Choice(xp, index, xs)
    return None, (choice.others - choice.chosen * choice.sum_of_others) / (choice.excess + 1.0)


def _select(index: float, *xs: float) -> float:
    if index % 1 or not 0 <= index < len(xs):
        raise ValueError(f"the index must be a whole number from 0 to {len(xs) - 1}")
    return xs[int(index)]


def _argmax(*xs: float) -> float:
    return float(max(range(len(xs)), key=lambda place: (xs[place] != xs[place], xs[place])))


def _clipped_log(x: float, lowest: float) -> float:
    return math.log(x if x < 0 or x > lowest or x != x else lowest)


# ---- the table --------------------------------------------------------------------------------------------
# Partials take (out, *operands). `power` replaces x = 0 by 1 in front of 0**-1 and log 0 by adding `equal`, which
# takes no gradient, so that higher derivatives stay right where the exponent alone is zero. Entries that earlier
# lines refer to carry their type for mypy.

# fmt: off
add      = primitive("add",      lambda x, y: x + y, lambda out, x, y: 1.0,   lambda out, x, y: 1.0,
                     symbol=("+", "+{}", "+{}"), text="{0} + {1}", latex="{0} + {1}", source="{0} + {1}",
                     samples=[(2.0, 3.0), (-1.5, 0.25)], array="add", doc="Sum of two numbers, x + y.")
subtract = primitive("subtract", lambda x, y: x - y, lambda out, x, y: 1.0,   lambda out, x, y: -1.0,
                     symbol=("−", "{}−x", "−{}"), text="{0} − {1}", latex="{0} - {1}", source="{0} - {1}",
                     samples=[(2.0, 3.0), (-1.5, 0.25)], array="subtract", doc="Difference of two numbers, x − y.")
multiply = primitive("multiply", lambda x, y: x * y, lambda out, x, y: y,     lambda out, x, y: x,
                     symbol=("×", "×{}", "×{}"), text="{0} × {1}", latex=r"{0} \cdot {1}", source="{0} * {1}",
                     samples=[(2.0, 3.0), (-1.5, 0.25)], array="multiply", doc="Product of two numbers, x · y.")
divide   = primitive("divide",   lambda x, y: x / y, lambda out, x, y: 1 / y, lambda out, x, y: -out / y,
                     symbol=("÷", "{}/x", "÷{}"), text="{0} / {1}", latex=r"\frac{{{0}}}{{{1}}}", source="{0} / {1}",
                     limit=lambda x, y: x * math.copysign(math.inf, y),
                     samples=[(2.0, 3.0), (-1.5, 0.25)], array="divide", doc="Quotient of two numbers, x / y.")
negative = primitive("negative", lambda x: -x,       lambda out, x: -1.0,
                     symbol="×−1", text="−{0}", latex="-{0}", source="-{0}", samples=[2.0, -1.5], array="negative", doc="Negation, −x.")
positive = primitive("positive", lambda x: x,        lambda out, x: 1.0,
                     symbol="+", text="+{0}", latex="+{0}", source="+{0}", samples=[2.0, -1.5], array="positive", doc="Identity, +x.")
power    = primitive("power", _power,
                     lambda out, x, y: y * (x + equal(x, 0.0) * equal(y, 0.0)) ** (y - 1),
                     lambda out, x, y: out * log(x + equal(x, 0.0)),
                     symbol=("xʸ", "{}^x", "x^{}"), text="{0} ** {1}", latex="{0}^{{{1}}}", limit=_power_limit,
                     source="pow({0}, {1})", samples=[(2.0, 3.0), (3.0, 0.0), (0.7, -1.3), (2.5, 0.5)], array="power", doc="Power, x to the y.")

exp   = primitive("exp",   math.exp,   lambda out, x: out,               limit=lambda x: math.inf, latex="e^{{{0}}}",
                  samples=[0.5, -2.0, 3.0], array="exp", doc="Exponential, eˣ.")
expm1 = primitive("expm1", math.expm1, lambda out, x: exp(x),            limit=lambda x: math.inf, symbol="eˣ−1",
                  samples=[0.5, -2.0, 1e-9], array="expm1", doc="eˣ − 1, accurate near 0.")
log: Primitive   = primitive("log",   math.log,   lambda out, x: 1 / x,             limit=lambda x: -math.inf if x == 0 else math.nan,
                  latex=r"\log({0})", samples=[0.5, 3.0], array="log", doc="Natural logarithm, ln x.")
log1p = primitive("log1p", math.log1p, lambda out, x: 1 / (1 + x),       limit=lambda x: -math.inf if x == -1 else math.nan,
                  symbol="log(1+x)", samples=[-0.5, 2.0, 1e-9], array="log1p", doc="ln(1 + x), accurate near 0.")
clipped_log = primitive("clipped_log", _clipped_log, lambda out, x, lowest: where(x - lowest, 1 / maximum(x, lowest), 0.0),
                  lambda out, x, lowest: where(x - lowest, 0.0, 1 / maximum(x, lowest)), limit=lambda x, lowest: -math.inf if x == 0 else math.nan, symbol="log",
                  samples=[(0.2, 0.7), (0.5, 1e-9)], array=lambda xp, x, lowest: xp.log(xp.where(xp.less(x, 0.0), x, xp.maximum(x, lowest))), doc="ln x, and ln of `lowest` for x between 0 and there.")
sqrt  = primitive("sqrt",  math.sqrt,  lambda out, x: 0.5 / (out + 0.0),         symbol="√", latex=r"\sqrt{{{0}}}",
                  samples=[0.5, 4.0], array="sqrt", doc="Square root, √x.")

sin   = primitive("sin",   math.sin,   lambda out, x: cos(x),            latex=r"\sin({0})", samples=[0.5, -2.0], array="sin", doc="Sine of x in radians.")
cos: Primitive   = primitive("cos",   math.cos,   lambda out, x: -sin(x),           latex=r"\cos({0})", samples=[0.5, -2.0], array="cos", doc="Cosine of x in radians.")
tan   = primitive("tan",   math.tan,   lambda out, x: 1 + out * out,     latex=r"\tan({0})", samples=[0.5, -2.0], array="tan", doc="Tangent of x in radians.")
asin  = primitive("asin",  math.asin,  lambda out, x: 1 / sqrt((1 - x) * (1 + x)),  latex=r"\arcsin({0})",
                  samples=[0.3, -0.8], array="arcsin", doc="Inverse sine, in radians.")
acos  = primitive("acos",  math.acos,  lambda out, x: -1 / sqrt((1 - x) * (1 + x)), latex=r"\arccos({0})",
                  samples=[0.3, -0.8], array="arccos", doc="Inverse cosine, in radians.")
atan  = primitive("atan",  math.atan,  lambda out, x: 1 / (1 + x * x),   latex=r"\arctan({0})", samples=[0.5, -2.0], array="arctan", doc="Inverse tangent, in radians.")
atan2 = primitive("atan2", math.atan2, lambda out, y, x: x / hypot(y, x) / hypot(y, x), lambda out, y, x: -y / hypot(y, x) / hypot(y, x),
                  samples=[(1.0, 2.0), (-0.5, -1.5), (2.0, 0.0)], array="arctan2", doc="Angle of the point (x, y), called as atan2(y, x), in radians.")
hypot: Primitive = primitive("hypot", math.hypot, lambda out, x, y: x / out,        lambda out, x, y: y / out,
                  samples=[(1.0, 2.0), (-3.0, 4.0)], array="hypot", doc="Length of the vector (x, y), √(x² + y²), without overflow.")
sinh  = primitive("sinh",  math.sinh,  lambda out, x: cosh(x),           limit=lambda x: math.copysign(math.inf, x), latex=r"\sinh({0})",
                  samples=[0.5, -2.0], array="sinh", doc="Hyperbolic sine.")
cosh: Primitive  = primitive("cosh",  math.cosh,  lambda out, x: sinh(x),           limit=lambda x: math.inf, latex=r"\cosh({0})",
                  samples=[0.5, -2.0], array="cosh", doc="Hyperbolic cosine.")
tanh  = primitive("tanh",  math.tanh,  lambda out, x: 4 * sigmoid(2 * x) * sigmoid(-2 * x), latex=r"\tanh({0})",
                  samples=[0.3, -2.0, 20.0, 800.0], array="tanh", array_partials=lambda xp, out, x: (1 - out * out,), doc="Hyperbolic tangent, an activation with values in (−1, 1).")
erf   = primitive("erf",   math.erf,   lambda out, x: 2 / math.sqrt(math.pi) * exp(-(x * x)), samples=[0.3, -1.0], array="erf", doc="Error function.")

sigmoid: Primitive    = primitive("sigmoid",    _sigmoid,  lambda out, x: out * sigmoid(-x), symbol="σ", latex=r"\sigma({0})",
                       source="(1.0 / (1.0 + exp(-{0})) if {0} >= 0.0 else exp({0}) / (1.0 + exp({0})))",
                       samples=[0.0, 1.0, -3.0, 40.0, -800.0], array=lambda xp, x: 1 / (1 + xp.exp(-x)), array_partials=lambda xp, out, x: (out * (out * xp.minimum(xp.exp(-x), _LARGEST)),), doc="Logistic function, σ(x) = 1 / (1 + e⁻ˣ).")
softplus   = primitive("softplus",   _softplus, lambda out, x: sigmoid(x), samples=[0.5, -2.0, 25.0, 800.0], array=lambda xp, x: xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))), doc="Smooth ReLU, ln(1 + eˣ).")
softsign   = primitive("softsign",   _softsign, lambda out, x: 1 / (1 + abs_(x)) / (1 + abs_(x)), samples=[0.5, -2.0], array=lambda xp, x: _finite(xp, x) / (1 + xp.abs(_finite(xp, x))), doc="x / (1 + |x|).")
relu       = primitive("relu",       lambda x: 0.0 if x <= 0 else x, lambda out, x: where(x, 1.0, 0.0), symbol="ReLU",
                       source="(0.0 if {0} <= 0.0 else {0})", samples=[1.5, -2.0], array=lambda xp, x: xp.maximum(x, 0.0), doc="Rectifier, max(0, x); its derivative at 0 is 0.")
leaky_relu = primitive("leaky_relu", lambda x, slope: slope * x if x <= 0 else x,
                       lambda out, x, slope: where(x, 1.0, slope), lambda out, x, slope: where(x, 0.0, x), symbol="leaky ReLU",
                       samples=[(1.5, 0.01), (-2.0, 0.1)], array=lambda xp, x, slope: xp.where(xp.greater(x, 0.0), x, slope * x), doc="x if x > 0, else slope · x; its derivative at 0 is the slope.")
elu        = primitive("elu",        lambda x, alpha: alpha * math.expm1(x) if x <= 0 else x,
                       lambda out, x, alpha: where(x, 1.0, alpha * exp(where(x, 0.0, x))),
                       lambda out, x, alpha: where(x, 0.0, expm1(where(x, 0.0, x))), symbol="ELU",
                       samples=[(1.5, 1.0), (-2.0, 0.7)], array=lambda xp, x, alpha: xp.where(xp.greater(x, 0.0), x, alpha * xp.expm1(x)), doc="x if x > 0, else alpha · (eˣ − 1).")
hardtanh   = primitive("hardtanh",   lambda x: -1.0 if x < -1 else 1.0 if x > 1 else x, lambda out, x: where(abs_(x) - 1, 0.0, 1.0),
                       samples=[0.5, -2.0, 3.0], array=lambda xp, x: xp.maximum(xp.minimum(x, 1.0), -1.0), doc="x cut off at −1 and 1; its derivative at ±1 is 1.")

abs_: Primitive  = primitive("abs",   abs,   lambda out, x: sign(x), symbol="|x|", text="|{0}|", latex=r"\left|{0}\right|", source="abs({0})",
                  samples=[1.5, -2.0], array="abs", doc="Absolute value, |x|; its derivative at 0 is 0.")
sign: Primitive  = primitive("sign",  _sign, lambda out, x: 0.0, samples=[1.5, -2.0], array="sign", doc="−1, 0 or 1 by the sign of x; its derivative is 0.")
step: Primitive  = primitive("step",  lambda x: 1.0 if x >= 0 else x if x != x else 0.0, lambda out, x: 0.0, samples=[1.5, -2.0],
                  array=lambda xp, x: xp.heaviside(x, 1.0), doc="1 if x ≥ 0, else 0; its derivative is 0.")
equal: Primitive = primitive("equal", lambda x, y: 1.0 if x == y else 0.0, None, None, symbol="=", text="[{0} = {1}]", latex="[{0} = {1}]",
                  source="(1.0 if {0} == {1} else 0.0)", samples=[(1.0, 1.0), (1.0, 2.0)], array=lambda xp, x, y: xp.where(xp.equal(x, y), 1.0, 0.0), doc="1 if x = y, else 0; without gradient.")
where: Primitive = primitive("where", lambda c, a, b: a if c > 0 else b, None, lambda out, c, a, b: where(c, 1.0, 0.0), lambda out, c, a, b: where(c, 0.0, 1.0),
                  source="({1} if {0} > 0.0 else {2})", samples=[(1.0, 2.0, 3.0), (-1.0, 2.0, 3.0)],
                  array=lambda xp, c, a, b: xp.where(xp.greater(c, 0.0), a, b), doc="a if c > 0, else b; the choice c takes no gradient.")
shift = primitive("shift", _shift, lambda out, x, m: 1.0, lambda out, x, m: -1.0, symbol="−",
                  samples=[(1.0, 3.0), (-2.0, 0.5)], array=lambda xp, x, m: xp.where(xp.equal(x, m), 0.0, x - m), doc="x − m, and 0 where both are the same infinity.")
share: Primitive = primitive("share", lambda x, y: x / (x + y), lambda out, x, y: share(y, x) / (x + y), lambda out, x, y: -out / (x + y), symbol="x/(x+y)",
                  text="{0} / ({0} + {1})", latex=r"\frac{{{0}}}{{{0} + {1}}}", source="{0} / ({0} + {1})", limit=lambda x, y: x * math.inf,
                  samples=[(2.0, 3.0), (1.0, 1e-20)], array=lambda xp, x, y: x / (x + y), doc="The part of x in the whole, x / (x + y); no derivative of it cancels where x or y is small.")

maximum: Primitive = primitive("maximum",   _extreme(max), variadic=_tie_partials, symbol="max", samples=[(1.0, 3.0), (2.0, -1.0, 0.5)],
                      array=lambda xp, xs: xp.max(xs), doc="Largest operand; operands that tie share the gradient equally.")
minimum   = primitive("minimum",   _extreme(min), variadic=_tie_partials, symbol="min", samples=[(1.0, 3.0), (2.0, -1.0, 0.5)],
                      array=lambda xp, xs: xp.min(xs), doc="Smallest operand; operands that tie share the gradient equally.")
sum_      = primitive("sum",       lambda *xs: sum(xs), variadic=lambda out, *xs: [1.0] * len(xs), symbol="Σ", samples=[(1.0, 2.5), (1.0, -2.0, 3.0)],
                      array=lambda xp, xs: xp.sum(xs), doc="Sum of the operands.")
dot       = primitive("dot",       _dot, variadic=_dot_partials, symbol="w·x+b", samples=[(2.0, -1.0, 3.0), (2.0, -3.0, -1.0, -2.0, -3.0)],
                      doc="Σ wᵢ xᵢ + b; the operands are the w, then the x, then b.")
select    = primitive("select",    _select, variadic=lambda out, index, *xs: [None, *(where(equal(index, place), 1.0, 0.0) for place in range(len(xs)))],
                      samples=[(1.0, 2.5, -1.0), (0.0, 3.0, 0.3, 1.0)], array=lambda xp, index, xs: xp.sum(xp.where(xp.equal(index, xp.places(xs)), xs, 0.0)), array_partials=lambda xp, out, index, xs: (None, xp.where(xp.equal(index, xp.places(xs)), 1.0, 0.0)), doc="Operand number `index` of those that follow it; the index takes no gradient.")
logsumexp = primitive("logsumexp", _logsumexp, variadic=lambda out, *xs: softmax_weights(*xs), symbol="ln Σ eˣ", samples=[(1.0, 2.5), (0.3, -2.0, 1.0), (800.0, 799.0)],
                      array=_logsumexp_of_arrays, array_partials=_logsumexp_partials_of_arrays, doc="ln Σ exp(xᵢ), without overflow.")
cross_entropy = primitive("cross_entropy", _cross_entropy, variadic=_cross_entropy_partials, symbol="−ln p", samples=[(1.0, 2.5, -1.0), (0.0, 3.0, 0.3, 1.0), (2.0, 0.5, 40.0, -0.5)],
                      array=_cross_entropy_of_arrays, array_partials=_cross_entropy_partials_of_arrays, doc="−ln softmax of operand number `index` of those that follow it; the index takes no gradient.")
argmax    = primitive("argmax", _argmax, variadic=lambda out, *xs: [None] * len(xs), samples=[(1.0, 3.0), (2.0, -1.0, 0.5)],
                      array=lambda xp, xs: xp.min(xp.where(xp.equal(xs, xp.max(xs)), xp.places(xs), xp.where(xp.equal(xs, xs), math.inf, xp.places(xs)))), doc="The place of the first operand that is the largest, or nan; without gradient.")
# fmt: on

BUILT_IN.update(_table)
LABELLED = (select, cross_entropy)  # gates whose first operand is the number of one of the others

# Which gate each of Python's operators records; a reflected operator swaps its operands.
OPERATORS = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv", "power": "pow"}
SIGNS = {"negative": "__neg__", "positive": "__pos__"}

for _name, _method in OPERATORS.items():
    setattr(Symbol, f"__{_method}__", lambda x, y, gate=_table[_name]: gate(x, y))
    setattr(Symbol, f"__r{_method}__", lambda y, x, gate=_table[_name]: gate(x, y))
for _name, _method in (*SIGNS.items(), ("abs", "__abs__")):
    setattr(Symbol, _method, lambda x, gate=_table[_name]: gate(x))

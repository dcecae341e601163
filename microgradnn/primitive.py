"""Adding a gate: one entry gives its value, its derivatives of any order, its drawing, its LaTeX and its check.

>>> import math
>>> from microgradnn import Value, grad, primitive, sigmoid
>>> swish = primitive(
...     "swish",
...     lambda x: x / (1 + math.exp(-x)),  # forward, on floats
...     lambda out, x: out + sigmoid(x) * (1 - out),  # ∂out/∂x, of gates, without `if`
...     samples=[-2.0, 0.5],
... )
>>> round(swish(0.5), 4), round(grad(swish)(0.5), 4), round(grad(grad(swish))(0.5), 4)
(0.3112, 0.74, 0.4412)

A partial, the local derivative by one operand, is a function of the output and the operands. A gate has one for each
operand, or None for an operand that takes no gradient. As partials are written with gates, they have derivatives
themselves, and so has the gate in every order. Write them so that they keep their digits: (1 - x) * (1 + x), not
1 - x * x. An `if` in one is refused; `where`, `step` and `maximum` choose.

Is it right?
------------

`check_gate` proves the rule over the domain of the gate, orders 1 to 3. In a property test it stands among others, and
what fails shrinks to the gate:

>>> from hypothesis import Phase, given, settings
>>> from microgradnn import check_gate, check_grads, scratch_table
>>> from microgradnn.checks.strategies import expressions
>>> def proven_in_circuits(gate):
...     @settings(max_examples=20, deadline=None, phases=set(Phase) - {Phase.explain})
...     @given(expressions(gates=[gate, "add", "multiply", "tanh"]))
...     def test(f):
...         check_grads(f, f.point)
...     test()
>>> check_gate(swish); proven_in_circuits(swish)
>>> with scratch_table():  # what is defined in here is forgotten afterwards
...     spoilt = primitive("spoilt", swish.forward, lambda out, x: out + sigmoid(x))
...     proven_in_circuits(spoilt)  # of all that fails it shows the simplest, spoilt(1.0)
Traceback (most recent call last):
AssertionError: the derivative by argument 0 = 1.0 is 1.46... by the rules and 0.92... in truth: ...

More that an entry may say
--------------------------

- `symbol="x³"`, `text`, `latex`: how the gate is drawn and written; else by its name.
- `array`: the same function on arrays, for `compile` and for pages that can be explored. Without it, arrays are
  computed number by number.
- `interval`: all its values over an interval, for `bounds`: see `microgradnn.intervals`.
- `source`: forward as an expression of Python and `math`; the engine in C has those gates of the table that have one.
- `limit`: what stands where forward raises, such as inf. `samples`: points at which checks begin.
- `variadic`: all partials at once, for a gate of any number of operands.

>>> from microgradnn import compile
>>> cube = primitive("cube", lambda x: x**3, lambda out, x: 3 * x * x,
...                  symbol="x³", array=lambda xp, x: x * x * x)
>>> program = compile(cube, example=(1.0,), wrt="inputs")
>>> program.grad([1.0, 2.0]).tolist()  # of the mean over two examples
[1.5, 6.0]

`gates()` has the entries of all gates, and `gate("tanh")` is one of them.

A gate for the package
----------------------

The gates of the package stand in `microgradnn/table.py`, each once, in the same lines; its preface says what they hold.
A gate there that has an `example` is public: the function, the method of `Value`, the command line, pictures, LaTeX,
compiled forms, the engine in C and tests follow from the entry. It wants `samples`, `doc`, `array`, `interval` where it
does not rise or fall throughout, and, where mpmath calls the function otherwise, `exact`. Then `python -m tests.stubs`
writes the `.pyi` files, by which editors and mypy know it, `python -m tests.gates_in_c` its lines in C, and the preface
of `microgradnn.functional` and the changelog get its name.

What this module knows
----------------------

What an entry of the table is: calculus, and nothing of graphs but `_data`, the number in a Value. A primitive hands
over to the first of its operands that can record. The same line of a partial serves numbers, recorded Values (higher
orders) and the registers of a `Trace`, which is the source of all compiled forms.
"""

from __future__ import annotations

import keyword
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from microgradnn.reading import number

ForwardError = (ArithmeticError, ValueError)  # what math and float raise where a function has no value


class _Nothing(float):
    """The constant 0 in a partial: products and choices of it, its negative and sums of it alone are nothing as well.

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
    """A gate: one entry gives its value, derivatives of any order, drawing, LaTeX, compiled forms and check.

    A gate of your own has a name, the function on floats and ∂out/∂operand for each operand; all else is optional.

    >>> from microgradnn import Value, grad, primitive
    >>> cube = primitive("cube", lambda x: x * x * x, lambda out, x: 3 * x * x, symbol="x³", samples=[-1.5, 2.0])
    >>> cube(2)
    8.0
    >>> grad(cube)(2.0), grad(grad(cube))(2.0)
    (12.0, 12.0)

    Calculus:

    - `name`: an identifier, which no gate of the package has
    - `forward`: maps floats to a float and may raise ValueError or ArithmeticError where it has no value
    - `partials`: each is ∂out/∂operand as a function of `(out, *operands)`, written with the functions of microgradnn
      and without `if`; None marks an operand without gradient. Names and defaults of the operands are those of the
      first
    - `variadic`: for a gate of any number of operands, in place of these: a function of `(out, *operands)` that returns
      all its partials
    - `limit`: the value where `forward` raises, and one exists: ±∞, else nan
    - `source`: `forward` as an expression of Python and math, for speed: it must give the same bits
    - `operator`, `neutral`: of gates of the package, the operator of Python, and the whole number on the left that
      makes no gate: `sum` begins with 0 + v, which is v itself where it is recorded and v is not 0

    Looks:

    - `symbol`: is drawn in the gate; three of them are for all operands recorded, left constant, right constant
    - `text`, `latex`: templates in `{0}`, `{1}`

    Arrays, for compiled programs; without `array` they are computed number by number:

    - `array`: `forward` on arrays: the name of a function of NumPy, or a function of `(xp, *operands)` written with
      what NumPy computes number by number, `xp.exp`, `xp.where` …; a gate of any number of operands gets them stacked,
      and `xp.sum`, `max`, `min` and `indices` go along the stack
    - `array_partials`: a function of `(xp, out, *operands)` that gives partials that cost arrays less than those above

    Intervals, for `bounds`; without `interval` a smooth gate is enclosed where its slopes prove that it rises or falls:

    - `interval`: gives all values over a box: `increasing()` or `decreasing()` of `microgradnn.intervals`, with the
      domain where the gate has one, or a function of Intervals, written with operators and functions of microgradnn
    - `interval_partials`: a function of `(out, *operands)` that gives tighter local derivatives over a box than the
      partials above, of Intervals

    Samples and words:

    - `samples`: points at which tests check the entry
    - `exact`: the function once more, as an expression of the operands in the words of mpmath, their second opinion
      where mpmath has no function of that name
    - `doc`: what it computes
    - `example`: a call with its result, `"cube(2.0) → 8.0"`

    Raises TypeError or ValueError for an unusable entry and for the name of a gate of the package.

    What an entry knows:

    >>> cube.partials(8.0, [2.0]), cube.describe([2.0]), cube.public, cube.is_method
    ([12.0], 'cube(2.0)', False, False)
    """

    repeatable = True  # whether it can compute its value again; an operation of the user's own cannot

    def __init__(
        self,
        name: str,
        forward: Callable[..., float],
        *partials: Callable[..., Any] | None,
        variadic: Callable[..., Sequence[Any]] | None = None,
        limit: Callable[..., float] | None = None,
        source: str | None = None,
        operator: str | None = None,
        neutral: int | None = None,
        symbol: str | tuple[str, str, str] | None = None,
        text: str | None = None,
        latex: str | None = None,
        array: str | Callable[..., Any] | None = None,
        array_partials: Callable[..., Sequence[Any]] | None = None,
        interval: Any = None,
        interval_partials: Callable[..., Sequence[Any]] | None = None,
        samples: Sequence[Any] = (),
        exact: str | None = None,
        doc: str | None = None,
        example: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"a primitive's name must be a Python identifier, got {name!r}")
        if name in BUILT_IN:
            raise ValueError(f"the primitive {name!r} belongs to microgradnn: choose another name")
        if (variadic is None) == (not partials):
            raise TypeError(f"{name}: give one partial per operand, or variadic= for any number of operands")
        if not all(partial is None or callable(partial) for partial in (*partials, variadic)) or not callable(forward):
            raise TypeError(f"{name}: forward and partials must be functions")
        if variadic is not None and callable(array) and not hasattr(array, "__code__"):
            raise TypeError(f"{name}: array must be a function by def or lambda, got {array!r:.60}")
        if not (interval is None or callable(interval) or hasattr(interval, "ends")):
            raise TypeError(f"{name}: interval must be increasing(), decreasing() or a function, got {interval!r:.60}")
        if example is not None and example.count(" → ") != 1:
            raise ValueError(f"{name}: an example reads 'call → result', got {example!r}")
        if (operator or neutral is not None) and BUILT_IN:
            raise ValueError(f"{name}: the operators of Python belong to gates of microgradnn")
        for template in (text, latex, source):
            try:
                (template or "").format(*["x"] * len(partials))
            except (IndexError, KeyError, ValueError):
                raise ValueError(
                    f"{name}: the template {template!r} must write {{0}}, {{1}} for its operands, of which a "
                    "gate of any number has none, and double other braces"
                ) from None
        if isinstance(symbol, tuple) and len(partials) != 2:
            raise ValueError(f"{name}: three symbols are for a gate of two operands, give one")
        self.name = self.__name__ = name
        self.forward = forward
        self.arity = len(partials) if variadic is None else None  # None for any number of operands
        self.source, self.operator, self.neutral = source, operator, neutral
        self.symbol, self.text, self.latex = symbol or name, text, latex
        self.array, self.array_partials = array, array_partials
        self.interval, self.interval_partials = interval, interval_partials
        stacked = variadic is not None and callable(array)  # then `array` takes xp, some operands, and the stack
        self.leading: int | None = array.__code__.co_argcount - 2 if stacked else None  # type: ignore[union-attr]
        self.samples = [point if isinstance(point, tuple) else (point,) for point in samples]
        self.exact, self.example = exact, example
        self.__doc__ = doc or f"The gate {name}."
        self._partials, self._variadic, self._limit = partials, variadic, limit
        self._traces: dict[int, Trace] = {}
        self.quick: Callable[..., Any] = self.__call__  # the same, sooner where operands are Values: `value` sets it
        _table[name] = self

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
        """The forward value of plain floats, `operands`; raises what Python raises, with the gate and operands named.

        >>> lookup("log").evaluate([0.0])
        Traceback (most recent call last):
        ValueError: log(0.0): ...
        """
        try:
            return number(self.forward(*operands))
        except ForwardError as error:
            raise self.refusal(operands, error) from None

    def limit(self, operands: Sequence[float]) -> float:
        """The forward value of `operands` by IEEE 754: where `evaluate` raises, the limit (1/0 is inf) or nan.

        >>> lookup("log").limit([0.0]), lookup("log").limit([-1.0])
        (-inf, nan)
        """
        try:
            out = self.forward(*operands)
            return out if out is NOTHING else number(out)
        except ForwardError:
            return math.nan if self._limit is None else self._limit(*operands)

    def refusal(self, operands: Sequence[Any], error: Exception) -> Exception:
        """The exception `error`, with a message that names the gate and its `operands`.

        >>> lookup("log").refusal([0.0], ValueError("math domain error"))
        ValueError('log(0.0): math domain error')
        """
        error.args = (f"{self.describe(operands)}: {error.args[-1] if error.args else 'no value'}",)
        return error

    def describe(self, operands: Sequence[Any]) -> str:
        """The call as a message shows it: `divide(a=1.0, b=0.0)`; of many `operands` the first ones."""
        shown = map(_shown, operands) if len(operands) <= 6 else [*map(_shown, operands[:4]), "…"]
        return f"{self.name}({', '.join(shown)})"

    def trace(self, count: int | None = None) -> Trace:
        """The partials as straight-line code over the operands and the output, for `count` operands.

        >>> lookup("tan").trace().lines, lookup("tan").trace().results
        ([(<primitive multiply>, (0, 0)), (<primitive add>, (1.0, 2))], [3])
        """
        count = count if self.arity is None else self.arity
        assert count is not None
        if count not in self._traces:
            self._traces[count] = Trace(self, count)
        return self._traces[count]

    @property
    def functions(self) -> list[Callable[..., Any]]:
        """The forward function and the partials.

        >>> len(lookup("multiply").functions)
        3
        """
        return [self.forward, *(f for f in (*self._partials, self._variadic) if f is not None)]

    @property
    def public(self) -> bool:
        """Whether the gate is a function of the package: an example shows how it is called."""
        return self.example is not None

    @property
    def is_method(self) -> bool:
        """Whether it is a method of Value as well: all operands but the first have defaults."""
        return self.public and self.arity is not None and None not in [*self.parameters().values()][1:]

    def parameters(self) -> dict[str, float | None]:
        """The names of the operands, each with its default or None; `*xs` stands for any number of them.

        >>> from microgradnn.primitive import lookup
        >>> lookup("leaky_relu").parameters(), lookup("select").parameters()
        ({'x': None, 'slope': 0.01}, {'index': None, '*xs': None})
        """
        function = self._variadic or next((partial for partial in self._partials if partial), self.forward)
        code, defaults = function.__code__, function.__defaults__ or ()
        names = list(code.co_varnames[: code.co_argcount])
        if function is not self.forward:
            names.remove("out")
        named: dict[str, float | None] = {
            **dict.fromkeys(names),
            **dict(zip(names[-len(defaults) :], defaults, strict=False)),
        }
        return named | ({f"*{code.co_varnames[code.co_argcount]}": None} if code.co_flags & 4 else {})

    def partials_of(self, out: Any, operands: Sequence[Any]) -> list[Any]:
        """The partials written in the table, applied to `out` and `operands`; None where there is none.

        >>> lookup("multiply").partials_of(6.0, [2.0, 3.0])
        [3.0, 2.0]
        """
        if self._variadic is not None:
            partials = list(self._variadic(out, *operands))
            if len(partials) != len(operands):
                raise TypeError(f"{self.name}: {len(partials)} partials for {len(operands)} operands")
            return partials
        partials = [None if partial is None else partial(out, *operands) for partial in self._partials]
        for index, (function, partial) in enumerate(zip(self._partials, partials, strict=True)):
            if function is not None and partial is None:
                raise TypeError(f"partial {index} of {self.name} gave None: did it forget to return its result?")
        return partials

    def partials(self, out: float, operands: Sequence[float]) -> list[float | None]:
        """The local derivatives ∂out/∂operand at plain floats, `out` and `operands`, by IEEE 754, which never raise.

        >>> from microgradnn.table import sqrt
        >>> sqrt.partials(0.0, [0.0])
        [inf]
        """
        return self.trace(len(operands)).run(out, operands, Primitive.limit)

    def handed(self, out: float, operands: Sequence[Any]) -> list[float | None]:
        """The partials as a sweep uses them: None where nothing is handed on, to a number or to what was not taken.

        `out` is the value of the gate; of the `operands` Values are recorded, floats are constants.

        >>> from microgradnn.table import relu
        >>> relu.handed(0.0, [-2.0]), relu.partials(0.0, [-2.0])
        ([None], [0.0])
        """
        numbers = [operand if operand.__class__ is float else operand._data for operand in operands]
        trace = self.trace(len(operands))
        partials: list[Any] | None = None
        if trace.chooses:
            numbers = [
                NOTHING if operand.__class__ is float and operand == 0.0 else x
                for operand, x in zip(operands, numbers, strict=True)
            ]
        elif self._variadic is not None:
            with suppress(*ForwardError, TypeError):  # TypeError: a power that came out complex
                partials = [x if x is None else float(x) for x in self.partials_of(out, numbers)]
        if partials is None:
            partials = trace.run(out, numbers, Primitive.limit, NOTHING)
        return [
            None if operand.__class__ is float or partial is NOTHING else partial
            for operand, partial in zip(operands, partials, strict=True)
        ]


def _shown(operand: Any) -> str:
    name = getattr(operand, "name", None)
    value = getattr(operand, "data", operand)
    return f"{name}={value!r}" if name else repr(value)


class Register:
    """A stand-in for a number while the partials of one primitive are traced: it writes down what it meets."""

    def __init__(self, trace: Trace, index: int) -> None:
        self._trace = trace
        self._index = index

    def record_gate(self, gate: Primitive, operands: Sequence[Any]) -> Register:
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
    __hash__ = None  # type: ignore[assignment]  # a register has no value to compare or hash by
    __eq__ = __ne__ = __lt__  # comparing is refused like any decision


Line = tuple[Primitive, tuple[int | float, ...]]  # a gate and its operands: an int is a register, a float a constant


def run_lines(
    lines: Iterable[Line], results: Iterable[Any], registers: list[Any], apply: Callable[..., Any], zero: float = 0.0
) -> list[Any]:
    """The results of straight-line code: `apply(primitive, operands)` is what a line means, `zero` the constant 0."""

    def read(operand: Any) -> Any:
        if isinstance(operand, int):
            return registers[operand]
        return zero if zero is NOTHING and operand == 0.0 else operand

    for gate, operands in lines:
        registers.append(apply(gate, [read(operand) for operand in operands]))
    return [read(result) for result in results]


class Trace:
    """The partials of a primitive as straight-line code: line i writes register 1 + count + i.

    Register 0 is the output of the gate, the next ones are its operands. `results` holds, per operand,
    a register (an int), a constant (a float) or None where the operand takes no gradient.
    """

    def __init__(self, primitive: Primitive, count: int) -> None:
        self.primitive = primitive
        self.count = count
        self.lines: list[Line] = []
        registers = [Register(self, index) for index in range(count + 1)]
        try:
            partials = primitive.partials_of(registers[0], registers[1:])
        except TypeError as error:
            raise TypeError(f"the partials of {primitive.name} are called with (out, *operands): {error}") from error
        self.results = [None if partial is None else self._register(partial) for partial in partials]
        self.chooses = any(self.zeros(result) for result in self.results)  # some partial may come to nothing

    def append(self, gate: Primitive, operands: Sequence[Any]) -> Register:
        self.lines.append((gate, tuple(self._register(operand) for operand in operands)))
        return Register(self, self.count + len(self.lines))

    def _register(self, operand: Any) -> int | float:
        if not isinstance(operand, Register):
            return number(operand)
        if operand._trace is not self:
            raise TypeError(f"the partial of {self.primitive.name} uses a register of another trace")
        return operand._index

    def run(self, out: Any, operands: Sequence[Any], apply: Callable[..., Any], zero: float = 0.0) -> list[Any]:
        """Evaluate the partials, see `run_lines`."""
        return run_lines(self.lines, self.results, [out, *operands], apply, zero)

    def zeros(self, operand: int | float | None) -> set[int | float]:
        """What may make a register nothing, see `_Nothing`: the constant 0.0, or the operands that are constants."""
        if not isinstance(operand, int):
            return {0.0} if operand == 0.0 else set()
        if operand <= self.count:
            return {operand} if operand else set()  # register 0 is the output
        gate, read = self.lines[operand - self.count - 1]
        passed = {"where": read[1:], "multiply": read, "add": read, "negative": read, "positive": read}.get(
            gate.name, ()
        )
        return {zero for inner in passed for zero in self.zeros(inner)}


primitive = Primitive  # to define a gate: `cube = primitive("cube", …)`
_table: dict[str, Primitive] = {}
BUILT_IN: set[str] = set()  # names that users cannot define, filled by `table`


def lookup(name: str) -> Primitive:
    """The primitive called `name`; KeyError names the known ones.

    >>> from microgradnn import gate
    >>> gate("tanh")(0.0), gate("tanh").partials(0.0, [0.0])
    (0.0, [1.0])
    """
    try:
        return _table[name]
    except KeyError:
        raise KeyError(f"no primitive is called {name!r}: define it first; known are {', '.join(_table)}") from None


def gates() -> Iterator[Primitive]:
    """All primitives, in the order in which they were defined.

    >>> from microgradnn import gates
    >>> [gate.name for gate in gates()][:4]
    ['add', 'subtract', 'multiply', 'divide']
    """
    return iter(list(_table.values()))


@contextmanager
def scratch_table() -> Iterator[None]:
    """Forget the primitives defined inside the block when it ends: for tests and demonstrations.

    >>> from microgradnn import gates, primitive, scratch_table
    >>> with scratch_table():
    ...     double = primitive("double", lambda x: 2 * x, lambda out, x: 2.0)
    >>> "double" in [gate.name for gate in gates()]
    False
    """
    kept = dict(_table)
    try:
        yield
    finally:
        _table.clear()
        _table.update(kept)

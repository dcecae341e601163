"""`Program`: what `compile` gives, to call, to look at, to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from microgradnn.compiler.anomalies import Watch
from microgradnn.compiler.arguments import along, arranged_like, array_of, check_labels, examples_in, labels_of
from microgradnn.compiler.grouping import group, spaces, straight_up_to
from microgradnn.compiler.ir import Array, ArrayProgram
from microgradnn.compiler.numpy_backend import NumPyBackend
from microgradnn.compiler.parameters import Parameters, refuse_while_tracing
from microgradnn.compiler.python_backend import PythonBackend
from microgradnn.compiler.results import Rolled
from microgradnn.compiler.sums import gather_sums
from microgradnn.compiler.tape import Tape
from microgradnn.context import Context, context

_NUMBERS = frozenset("?bBhHiIlLqQefd")  # what NumPy copies to double precision without a loss of kind


class Program:
    """A compiled function: call `value`, `grad` or `value_and_grad` with a batch, arrays with the examples first.

    `params` is the vector of parameters, the truth while training: `pull` reads the Values, `push` writes them, once
    for all programs that share it. The arithmetic is NumPy's: overflow gives inf and nan without a word, unless
    `detect_anomaly` is on, which names gate, line and example, also of a gradient that is nan. Programs can be pickled,
    and called from several threads at once.

    >>> from microgradnn import Value, compile
    >>> w = Value(2.0, "w")
    >>> program = compile(lambda x, y: (w * x - y) ** 2, [w], example=(0.0, 0.0))
    >>> program.value([1.0, 2.0], [1.0, 1.0]), program.params.tolist()
    (5.0, [2.0])
    >>> value, gradient = program.value_and_grad([1.0, 2.0], [1.0, 1.0])
    >>> program.params -= 0.1 * gradient
    >>> program.push()
    >>> round(w.data, 6), program.draw(), program.draw().svg()[:4]
    (1.3, <Program of 3 gates, 1 parameters, numpy>, '<svg')
    >>> len(program.rolled.groups), len(program.array_program.ops) > 0
    (3, True)
    >>> pure = program.to_jax()  # doctest: +SKIP
    """

    def __init__(
        self, tape: Tape, result: Any, aux: Any, parameters: Parameters, shapes: list[tuple[int, ...]],
        reduce: str | None, wrt: str, backend: str,
    ) -> None:  # fmt: skip
        self.reduce, self.wrt, self.backend = reduce, wrt, "numpy" if backend == "auto" else backend
        self._parameters, self._leaves = parameters, parameters.leaves
        self._shapes, self._result, self._aux = shapes, result, aux
        sizes = [int(np.prod(shape)) for shape in shapes]
        self._labels = labels_of(tape, len(self._leaves), sizes)
        self._tape, self._sizes = tape, sizes
        self.reached = np.frombuffer(tape.needed(tape.roots[:1]), dtype=bool, count=len(self._leaves))  # in use
        self.straight_up_to = 0  # so many examples run as straight-line Python: for more, arrays are quicker
        if backend == "auto":
            self.straight_up_to = straight_up_to(tape, len(self.rolled.groups))
        self._engine(1)

    def computes(self, tape: Tape, result: Any, aux: Any, shapes: list[tuple[int, ...]]) -> bool:
        """Whether it is the program of that `tape`, with these `shapes` of arguments, nested as `result` and `aux`.

        >>> from microgradnn import compile
        >>> program = compile(lambda x: x * x, example=(0.0,))
        >>> program.computes(program._tape, program._result, program._aux, program._shapes)
        True
        """
        nesting = repr((result, aux)) == repr((self._result, self._aux))  # which tells −0.0 from 0.0
        return nesting and shapes == self._shapes and tape.same_as(self._tape)

    # ---- what runs ----

    def _engine(self, count: int) -> Any:
        """What computes a batch of so many examples; it is built when it is first needed."""
        return self._straight_lines if count <= self.straight_up_to or self.backend == "python" else self._arrays

    @cached_property
    def _straight_lines(self) -> PythonBackend:
        return PythonBackend(self._tape, len(self._leaves), self._shapes, self.reduce, self.wrt)

    @cached_property
    def _arrays(self) -> Any:
        if self.backend == "jax":
            from microgradnn.compiler.jax_backend import JaxBackend

            return JaxBackend(self.rolled, self._shapes)
        return NumPyBackend(self.rolled, self._shapes)

    @cached_property
    def rolled(self) -> Rolled:
        """The groups of gates, from which array programs are made."""
        params = len(self._leaves)
        gathered = gather_sums(self._tape, params, split_root=self.reduce is not None)
        groups = group(gathered, spaces(gathered, params, self._sizes))
        return Rolled(groups, gathered.roots, params, self._sizes, self.reduce, self.wrt)

    @cached_property
    def array_program(self) -> ArrayProgram:
        """The program of arrays that gives the value and its gradient, before it is written for a library."""
        return self.rolled.program("value" if self.reduce is None else "gradient", ones=self.backend == "numpy")

    # ---- parameters ----

    @property
    def params(self) -> Array:
        """The vector of parameters, in the order of the `params` that were given."""
        refuse_while_tracing()
        return self._parameters.vector

    @params.setter
    def params(self, values: Any) -> None:
        self._parameters.assign(values)

    def pull(self) -> None:
        """Read the numbers of the Values into `params`.

        >>> from microgradnn import Value, compile
        >>> w = Value(2.0)
        >>> program = compile(lambda x: w * x, w, example=(0.0,))
        >>> w.data = 5.0
        >>> program.pull(); program.value([1.0])
        5.0
        >>> program.params -= 1.0
        >>> program.push(); w.data
        4.0
        """
        self._parameters.pull()

    def push(self) -> None:
        """Write `params` to the Values."""
        self._parameters.push()

    # ---- computing ----

    def value(self, *batch: Any) -> Any:
        """The mean or sum of f over the `batch`; with `reduce=None` what f returns, an array with the examples first.

        With `has_aux` (value, aux), as f returns them: what is in aux is an array with the examples first, too.
        """
        arrays, count = self._arguments(batch)
        watch, engine = self._watch(arrays), self._engine(count)
        value, observed = engine.value(self._parameters.vector, arrays, count)
        if self.reduce is None:
            return self._arranged(self._result, value)
        if watch is not None:
            watch.results(engine, value)
        return self._with_aux(value, observed)

    def grad(self, *batch: Any) -> Any:
        """The gradient of the value over `batch`: by the parameters, nested as they were given, by the inputs, or both.

        With `has_aux` (gradient, aux).

        >>> from microgradnn import Value, compile
        >>> params = {"slope": Value(2.0), "rest": [Value(1.0), Value(3.0)]}
        >>> program = compile(lambda x: params["slope"] * x + params["rest"][1], params, example=(0.0,))
        >>> program.grad([1.0, 2.0])
        {'slope': 1.5, 'rest': array([0., 1.])}
        """
        value, gradient = self.value_and_grad(*batch)
        return gradient if self._aux is None else (gradient, value[1])

    def value_and_grad(self, *batch: Any) -> tuple[Any, Any]:
        """The value over `batch` and its gradient; with `has_aux` ((value, aux), gradient)."""
        arrays, count = self._differentiated(batch)
        watch, engine = self._watch(arrays), self._engine(count)
        value, observed, *gradient = engine.value_and_gradient(self._parameters.vector, arrays, count)
        if watch is not None:
            watch.results(engine, value, (gradient[0], *gradient[1]))
        return self._with_aux(value, observed), self._by(*gradient)

    def grads(self, *batch: Any) -> Any:
        """The gradient of f at every example of `batch`, nested as `grad` gives it, the examples first; without 1/B.

        >>> from microgradnn import Value, compile
        >>> w = Value(2.0)
        >>> program = compile(lambda x: (w * x) ** 2, [w], example=(0.0,))
        >>> program.grads([1.0, 3.0]).tolist(), program.grad([1.0, 3.0]).tolist()
        ([[4.0], [36.0]], [20.0])
        """
        arrays, count = self._differentiated(batch)
        watch, engine = self._watch(arrays), self._engine(count)
        by_params, by_inputs = engine.grads(self._parameters.vector, arrays, count)
        if watch is not None:
            watch.results(engine, 0.0, (by_params, *by_inputs))
        return self._by(by_params, by_inputs)

    def hvp(self, v: Any, *batch: Any) -> Any:
        """The Hessian of the value over `batch` times `v`, which is nested like the gradient; the result is, too.

        (∇²value)·v = ∇⟨∇value, v⟩, two sweeps for all of it, without the matrix.

        Over arrays a 0, in v or on the way, that meets an infinite second derivative gives nan; eager code and
        straight-line Python hand nothing on there.

        >>> from microgradnn import Value, compile
        >>> w = [Value(2.0), Value(3.0)]
        >>> program = compile(lambda x: w[0] * w[1] * x, w, example=(0.0,))
        >>> program.hvp([1.0, 10.0], [1.0, 3.0]).tolist()
        [20.0, 2.0]
        """
        arrays, count = self._differentiated(batch)
        watch, engine, direction = self._watch(arrays), self._engine(count), self._direction(v, arrays)
        product = engine.hvp(self._parameters.vector, direction, arrays, count)
        if watch is not None:
            watch.product(engine, direction, product)
        return self._by(*product)

    def _direction(self, v: Any, arrays: Sequence[Array]) -> tuple[Array, list[Array]]:
        """What is nested as the gradient is, by the parameters and by each argument; errors call it v."""
        if self.wrt == "both" and not (isinstance(v, (tuple, list)) and len(v) == 2):
            raise ValueError(f"v must be a pair, by the parameters and by the inputs, got {v!r:.60}")
        by_params, by_inputs = v if self.wrt == "both" else (v, v)
        vector = np.zeros(len(self._leaves)) if self.wrt == "inputs" else self._parameters.vector_of(by_params)
        return vector, [] if self.wrt == "params" else along(by_inputs, arrays)

    def _differentiated(self, batch: Sequence[Any]) -> tuple[list[Array], int]:
        """What `_arguments` gives; ValueError for a program that has no gradient."""
        if self.reduce is None:
            raise ValueError("a program with reduce=None has no gradient: compile with reduce='mean' or 'sum'")
        return self._arguments(batch)

    def _by(self, by_params: Array, by_inputs: list[Array]) -> Any:
        """Derivatives by what `wrt` says, nested as the parameters and the arguments are."""
        if self.wrt == "params":
            return self._parameters.nested(by_params)
        inputs = by_inputs[0] if len(by_inputs) == 1 else tuple(by_inputs)
        return inputs if self.wrt == "inputs" else (self._parameters.nested(by_params), inputs)

    def _with_aux(self, value: float, observed: Array) -> Any:
        """The value, with what f returned beside it as f nests it."""
        return value if self._aux is None else (value, self._arranged(self._aux, observed))

    def _arranged(self, tree: Any, rows: Array) -> Any:
        """A row of numbers for each example, nested as f returned them; without examples the only row."""
        return arranged_like(tree, rows if self._shapes else rows[0])

    def _arguments(self, batch: Sequence[Any]) -> tuple[list[Array], int]:
        """The arguments of a call as arrays, and the number of examples in them."""
        refuse_while_tracing()  # this call would be frozen in another program
        arrays = [
            given if type(given) is np.ndarray and given.dtype.char in _NUMBERS else array_of(number, given)
            for number, given in enumerate(batch)
        ]
        count = examples_in(arrays, self._shapes)
        for number, indices, classes in self._labels:
            array = arrays[number]
            check_labels(number, array if array.ndim == 1 else array.reshape(count, -1)[:, indices], classes)
        return arrays, count

    def _watch(self, arrays: Sequence[Array]) -> Watch | None:
        """With `detect_anomaly`, refuse gates that give nan, and return what looks at the results."""
        here = context.get()
        if not (isinstance(here, Context) and here.detect_anomaly):
            return None
        watch = Watch(self._tape, self._leaves, self._parameters.vector, arrays)
        watch.values()
        return watch

    # ---- keeping and looking ----

    def explain(self, brief: bool = False) -> str:
        """What was recorded, what became of it pass by pass, the array program and the source; `brief`: the first two.

        >>> from microgradnn import Value, compile
        >>> w = Value(2.0)
        >>> program = compile(lambda x, y: (w * x - y) ** 2, [w], example=(0.0, 0.0))
        >>> print(program.explain(brief=True), end="")
        The mean over B examples and its gradient by 1 parameter, with NumPy
        <BLANKLINE>
        tracing   3 gates for one example of 2 numbers; constants folded, equal gates written once
        sums      3 lines: additions gathered into sums and dot products
        arrays    6 operations: 4 gates, 1 sum, 1 count; 3 once, 3 for every example
        reverse   5 operations: 4 gates, 1 sum; 2 once, 3 for every example
        """
        from microgradnn.compiler.report import explain

        program = lines = source = None
        if self.backend == "python" or self.straight_up_to:
            lines = self._straight_lines.source
        if self.backend != "python" and (self._shapes or not self.straight_up_to):  # without examples: one size
            program, source = self.array_program, self._arrays.source
        return explain(self._facts(), program, lines, source, brief)

    def draw(self) -> Any:
        """The program as a picture: a box for every operation, to look at in Jupyter or to save."""
        from microgradnn.compiler.diagram import picture
        from microgradnn.drawing import Drawing

        return Drawing(picture(self._facts(), self.array_program), repr(self))

    def _facts(self) -> Any:
        from microgradnn.compiler.flow import Facts

        gates, params = len(self._tape.lines), len(self._leaves)
        sums = 0 if self.backend == "python" else sum(np.size(group.members) for group in self.rolled.groups)
        return Facts(gates, sums, params, self._shapes, self.reduce, self.wrt, self.backend, self.straight_up_to)

    def to_jax(self) -> Callable[..., Any]:
        """A pure function of (params, *batch) that gives what `value` gives, for JAX to differentiate and spread.

        JAX can differentiate it by everything it is called with, whatever `wrt` says, in every order; the derivatives
        are those of the table of primitives. It needs JAX, in double precision. Bad shapes raise ValueError; a label
        that is no class gives nan, as nothing can be refused inside `jax.jit`.
        """
        from microgradnn.compiler.jax_backend import pure_function

        return pure_function(self.rolled, self._result, self._aux, self._shapes)

    def __repr__(self) -> str:
        few = f" for up to {self.straight_up_to:,} examples" if self._shapes else ""
        straight = f", straight-line Python{few}" if self.straight_up_to else ""
        gates, params = f"{len(self._tape.lines):,} gates", f"{len(self._leaves):,} parameters"
        return f"<Program of {gates}, {params}, {self.backend}{straight}>"

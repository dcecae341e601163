"""`Program`: what `compile` gives, to call, to look at, to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnn.compiler.arguments import (
    arranged_like,
    array_of,
    check_labels,
    labels_of,
    outputs_of,
    parameters_of,
    shape_of_argument,
)
from microgradnn.compiler.grouping import PARAMETERS, group, spaces
from microgradnn.compiler.instructions import Instructions
from microgradnn.compiler.layout import Array, Layout, lay_out
from microgradnn.compiler.lowering import lower
from microgradnn.compiler.numpy_backend import NumPyBackend
from microgradnn.compiler.python_backend import PythonBackend, by_limits
from microgradnn.compiler.sums import gather_sums
from microgradnn.compiler.tape import Tape
from microgradnn.compiler.tracing import collector_paused, trace
from microgradnn.modes import Mode, mode
from microgradnn.value import Value

_NUMBERS = frozenset("?bBhHiIlLqQefd")  # what NumPy copies to double precision without a loss of kind
_CHOICES = {
    "reduce": ("mean", "sum", None),
    "wrt": ("params", "inputs", "both"),
    "backend": ("numpy", "python", "jax"),
}


def build(
    f: Callable[..., Any], params: Any, example: Any, reduce: str | None = "mean", wrt: str = "params",
    backend: str = "numpy", observing: bool = False,
) -> Program:  # fmt: skip
    """What `compile` does. With `observing`, f returns its number and others, which `Program.step` gives as well."""
    for name, value in {"reduce": reduce, "wrt": wrt, "backend": backend}.items():
        if value not in _CHOICES[name]:
            known = ", ".join(map(repr, _CHOICES[name]))
            raise ValueError(f"{name} must be one of {known}, got {value!r:.60}")
    if not callable(f):
        raise TypeError(f"compile needs a function, got {type(f).__name__} {f!r:.60}")
    if not isinstance(example, (tuple, list)):
        raise TypeError(
            f"example must be the tuple of the arguments of one example, such as (x, y), got {example!r:.60}"
        )
    leaves, tree = parameters_of(params)
    example = [
        np.asarray(one) if hasattr(one, "__len__") and not isinstance(one, list | tuple) else one for one in example
    ]
    shapes = [shape_of_argument(place, argument) for place, argument in enumerate(example)]
    with collector_paused():
        tape, result = trace(f, leaves, example)
        result, observed = result if observing else (result, ())
        tape.roots = outputs_of(result)
        if reduce is not None and not isinstance(result, (int, float)):
            raise TypeError(
                f"f returns {len(tape.roots)} numbers: a program with a gradient has one, reduce=None gives them all"
            )
        if not tape.roots:
            raise TypeError(f"f must return a number or numbers, it returned an empty {type(result).__name__}")
        tape.roots += outputs_of(observed)
        return Program(tape, result, observed, tree, leaves, shapes, reduce, wrt, backend)


class Program:
    """A compiled function: call `value`, `grad` or `value_and_grad` with a batch, arrays with the examples first.

    `params` is the vector of parameters, the truth while training: `pull` reads the Values, `push` writes them. The
    arithmetic is NumPy's: overflow gives inf and nan without a word, unless `detect_anomaly` is on, which names the
    gate. Programs can be pickled, and called from several threads at once.
    """

    def __init__(
        self, tape: Tape, result: Any, observed: Any, tree: Any, leaves: list[Value], shapes: list[tuple[int, ...]],
        reduce: str | None, wrt: str, backend: str,
    ) -> None:  # fmt: skip
        self.reduce, self.wrt, self.backend = reduce, wrt, backend
        self._leaves, self._tree = leaves, tree
        self._shapes, self._result, self._observed = shapes, result, observed
        sizes = [int(np.prod(shape)) for shape in shapes]
        self._labels = labels_of(tape, len(leaves), sizes)
        self._tape = tape
        self.reached = np.frombuffer(tape.needed(tape.roots[:1]), dtype=bool, count=len(leaves))  # parameters in use
        gathered = gather_sums(tape, len(leaves), split_root=reduce is not None)
        self._lines = len(gathered.lines)
        kept = spaces(gathered, len(leaves), sizes)
        groups = group(gathered, kept)
        self.layout: Layout = lay_out(groups, kept, len(leaves), sizes, gathered.roots)
        wanted = [PARAMETERS] * (wrt != "inputs" and bool(leaves)) + [
            f"x{i}" for i in range(len(sizes)) if wrt != "params"
        ]
        self.instructions: Instructions = lower(self.layout, wanted if reduce is not None else [], reduce)
        self._engine: Any
        if backend == "python":
            self._engine = PythonBackend(tape, len(leaves), shapes, reduce, wrt)
        elif backend == "jax":
            from microgradnn.compiler.jax_backend import JaxBackend

            self._engine = JaxBackend(self.layout, self.instructions, shapes, reduce)
        else:
            self._engine = NumPyBackend(self.layout, self.instructions, shapes, reduce)
        self._params = np.zeros(len(leaves))
        self.pull()

    # ---- parameters ----

    @property
    def params(self) -> Array:
        """The vector of parameters, in the order of the `params` that were given."""
        return self._params

    @params.setter
    def params(self, values: Any) -> None:
        if values is self._params:
            return
        found = np.asarray(values)
        if found.dtype.kind not in "biuf":
            raise TypeError(f"params must be {len(self._params)} numbers, got {values!r:.60}")
        if found.shape != self._params.shape:
            raise ValueError(f"params must be {len(self._params)} numbers, got {found.dtype} of shape {found.shape}")
        self._params[:] = found

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
        self._params[:] = [leaf.data for leaf in self._leaves]

    def push(self) -> None:
        """Write `params` to the Values."""
        for leaf, value in zip(self._leaves, self._params.tolist(), strict=True):
            leaf.data = value

    # ---- computing ----

    def value(self, *batch: Any) -> Any:
        """The mean or sum of f over the batch; with `reduce=None` what f returns, an array with the examples first."""
        arrays, count = self._read(batch)
        self._watch(arrays, count)
        value = self._engine.value(self._params, arrays, count)
        if self.reduce is not None:
            return value
        return arranged_like(self._result, value if self._shapes else value[0])

    def grad(self, *batch: Any) -> Any:
        """The gradient of the value: by the parameters, nested as they were given, by the inputs, or both.

        >>> from microgradnn import Value, compile
        >>> params = {"slope": Value(2.0), "rest": [Value(1.0), Value(3.0)]}
        >>> program = compile(lambda x: params["slope"] * x + params["rest"][1], params, example=(0.0,))
        >>> program.grad([1.0, 2.0])
        {'slope': 1.5, 'rest': array([0., 1.])}
        """
        return self.value_and_grad(*batch)[1]

    def value_and_grad(self, *batch: Any) -> tuple[float, Any]:
        """The value and its gradient."""
        if self.reduce is None:
            raise ValueError("a program with reduce=None has no gradient: compile with reduce='mean' or 'sum'")
        arrays, count = self._read(batch)
        self._watch(arrays, count)
        value, gradient, by_inputs = self._engine.value_and_gradient(self._params, arrays, count)
        if self.wrt == "params":
            return value, self._nested(self._tree, gradient)
        inputs = by_inputs[0] if len(by_inputs) == 1 else tuple(by_inputs)
        return value, inputs if self.wrt == "inputs" else (self._nested(self._tree, gradient), inputs)

    def step(self, *batch: Any) -> tuple[float, Array, Any]:
        """For training: the value, its gradient by `params`, and what f observed, for each example."""
        arrays, count = self._read(batch)
        self._watch(arrays, count)
        value, gradient, _ = self._engine.value_and_gradient(self._params, arrays, count)
        return value, gradient, arranged_like(self._observed, self._engine.observed(count))

    def _read(self, batch: Sequence[Any]) -> tuple[list[Array], int]:
        """The arguments of a call as arrays, and the number of examples in them."""
        if len(batch) != len(self._shapes):
            wanted = "no batch" if not self._shapes else f"{len(self._shapes)} arrays"
            raise TypeError(f"the program takes {wanted}, as many as the example had arguments, got {len(batch)}")
        arrays: list[Array] = []
        count = 1 if not batch else -1
        for place, (given, shape) in enumerate(zip(batch, self._shapes, strict=True)):
            array = given if type(given) is np.ndarray and given.dtype.char in _NUMBERS else array_of(place, given)
            if array.shape[1:] != shape or array.ndim == 0:
                wanted_shape = f"({', '.join(['examples', *map(str, shape)])}{',' * (not shape)})"
                raise ValueError(f"argument {place} must have the shape {wanted_shape}, got {array.shape}")
            if count == -1:
                count = len(array)
                if count == 0:
                    raise ValueError(f"argument {place} is empty: a batch has one example or more")
            elif len(array) != count:
                raise ValueError(f"argument {place} has {len(array)} examples, the arguments before have {count}")
            arrays.append(array)
        for place, index, classes in self._labels:
            array = arrays[place]
            check_labels(place, array if array.ndim == 1 else array.reshape(count, -1)[:, index], classes)
        return arrays, count

    def _nested(self, tree: Any, vector: Array) -> Any:
        """The vector in the nesting of the parameters: lists of numbers as arrays."""
        if isinstance(tree, range):
            return vector if len(tree) == len(vector) else vector[tree.start : tree.stop]
        if isinstance(tree, int):
            return float(vector[tree])
        if isinstance(tree, dict):
            return {name: self._nested(one, vector) for name, one in tree.items()}
        found = [self._nested(one, vector) for one in tree]
        if (
            isinstance(tree, list)
            and found
            and all(isinstance(one, np.ndarray) and one.shape == found[0].shape for one in found)
        ):
            return np.array(found)
        if hasattr(tree, "_make"):  # a named tuple
            return tree._make(found)  # type: ignore[attr-defined]
        return tuple(found) if isinstance(tree, tuple) else found

    def _watch(self, arrays: Sequence[Array], count: int) -> None:
        """With `detect_anomaly`, go through the gates one by one and raise at the first that gives nan."""
        wanted = mode.get()
        if wanted.__class__ is Mode and wanted.detect_anomaly:
            rows = np.concatenate(
                [np.zeros((count, 0)), *(array.reshape(count, -1) for array in arrays)], axis=1
            ).tolist()
            for example, row in enumerate(rows):
                numbers = by_limits(self._tape, [*self._params.tolist(), *row])
                for register, (gate, places) in enumerate(self._tape.lines, self._tape.leaves):
                    if numbers[register] != numbers[register]:
                        operands = [numbers[place] if isinstance(place, int) else place for place in places]
                        path = self._tape.paths[register - self._tape.leaves]
                        module = f" of module {path}" if path else ""
                        raise FloatingPointError(f"{gate.describe(operands)}{module} is nan in example {example}")

    # ---- keeping and looking ----

    def explain(self) -> str:
        """What was recorded, what became of it pass by pass, and the source that runs."""
        from microgradnn.compiler.report import explain

        return explain(self)

    def draw(self) -> Any:
        """The program as a picture: a box for every step, to look at in Jupyter or to save."""
        from microgradnn.compiler.report import picture

        return picture(self)

    def to_jax(self) -> Callable[..., Any]:
        """A pure function of (params, *batch) that gives the value, for JAX to differentiate, compile and spread.

        `jax.grad` gives the gradient made from the table of primitives. It needs JAX, in double precision.
        """
        from microgradnn.compiler.jax_backend import JaxBackend

        if isinstance(self._engine, JaxBackend):
            return self._engine.pure()
        return JaxBackend(self.layout, self.instructions, self._shapes, self.reduce).pure()

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._params = np.array(self._params)  # what comes from a memory map cannot be written to

    def __repr__(self) -> str:
        return f"<Program of {len(self._tape.lines):,} gates, {len(self._params):,} parameters, {self.backend}>"

"""A batch as a graph: recorded, swept and forgotten; and where numbers run away in it.

Where they run away is at the first gate whose output, or whose part in the sweep, is not finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from microgradnn.anomalies import at_line
from microgradnn.context import detect_anomaly, no_grad, recording
from microgradnn.functional import dot
from microgradnn.graph import topological_order
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import check_buffer, data_of
from microgradnn.optim import Optimizer, clip_grad_norm
from microgradnn.reading import number, remedy
from microgradnn.sweep import sweep
from microgradnn.training.state import buffers_of
from microgradnn.value import Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Loss = Callable[[Any, Any], Any]
Penalty = Callable[[Module], Any]


class Data(NamedTuple):
    """Examples, their targets, and how much each counts, where they do not count alike."""

    X: Array
    y: Array
    weights: Array | None = None

    def at(self, rows: Any) -> Data:
        """Those of some rows, or that of one."""
        return Data(self.X[rows], self.y[rows], None if self.weights is None else self.weights[rows])

    @property
    def weight(self) -> float:
        """How much all of them count together."""
        return len(self.X) if self.weights is None else float(self.weights.sum())

    @property
    def shares(self) -> list[float] | None:
        """What each is of the whole, all 0 where nothing counts; None where they count alike."""
        return None if self.weights is None else (self.weights / (self.weight or 1.0)).tolist()


class Outcome(NamedTuple):
    """What came of a batch: its loss, the norm of the gradient by path of the module, the outputs as numbers."""

    loss: float
    norms: Mapping[str, float]
    outputs: list[Any]
    root: Any = None  # of the graph of the loss, where one was recorded


class Graphs:
    """Batches by recording and sweeping their graphs. The numbers are in the Values at any time."""

    ahead = False  # of the Values

    def __init__(self, model: Module, loss: Loss, penalty: Penalty | None, optimizer: Optimizer) -> None:
        self.model, self.loss, self.penalty, self.optimizer = model, loss, penalty, optimizer
        self.own_parameters = own_parameters_of(model)
        self.loss_depends = self.penalty_depends = False  # on parameters: to see it once is enough

    def forward(self, data: Data) -> tuple[Value, Any]:
        """The loss, penalty included, and the outputs."""
        with recording():  # whatever surrounds fit
            outputs = self.model(data.X.tolist())
            return self.total(outputs, data.y.tolist(), data.shares), outputs

    def total(self, outputs: Any, targets: Any, shares: Any = None) -> Value:
        """The loss, penalty included."""
        loss: Value = self.mean(outputs, targets, shares, self.check_loss)
        return loss if self.penalty is None else loss + self.check_penalty(self.penalty(self.model))

    def mean(self, outputs: Any, targets: Any, shares: Any, read: Callable[[Any], Any]) -> Any:
        """The loss without penalty; with shares Σ shareᵢ lossᵢ, where lossᵢ is what the loss is of example i alone."""
        if shares is None:
            return read(self.loss(outputs, targets))
        pairs = zip(outputs, targets, strict=True)
        return dot(shares, [read(self.loss([output], [target])) for output, target in pairs])

    def figure_of(self, outputs: Any, data: Data) -> float:
        """The same as a number, of outputs in evaluation."""
        name = "the loss in validation"
        return float(self.mean(outputs, data.y.tolist(), data.shares, lambda loss: figure(name, data_of(loss))))

    def check_loss(self, loss: Any, may_be_zero: bool = True) -> Value:
        """The loss; TypeError where none so far has depended on the parameters, but for a 0, as max(Value(0), …) is."""
        if isinstance(loss, Value):
            self.loss_depends = self.loss_depends or _depends(loss, self.optimizer.state)
            if self.loss_depends or (may_be_zero and _is_zero(loss)):
                return loss
        raise TypeError(
            f"the loss must be one number that depends on the parameters of {self.model!r} that the optimizer holds, "
            f"got {loss!r:.60}: compute it from the outputs with gates, without .data and outside of no_grad()"
        )

    def check_penalty(self, penalty: Any) -> Any:
        """The penalty; TypeError for one that nothing can be learned from, unless it is 0."""
        if isinstance(penalty, Value) and not self.penalty_depends:
            self.penalty_depends = _depends(penalty, {*self.optimizer.state, *self.model.parameters()})
        if _is_zero(penalty) or (isinstance(penalty, Value) and self.penalty_depends):
            return penalty
        raise TypeError(
            f"a penalty must be one number that depends on parameters of {self.model!r}, got {penalty!r:.60}: compute "
            "it from the Values, sum(p**2 for p in model.parameters()), without .data and outside of no_grad()"
        )

    # ---- The methods below this line are those of `Programs`, too; what each promises is said here. ----

    def sweep(self, data: Data) -> Outcome:
        """Forward and backward, with the penalty; ArithmeticError as gates raise it, other numbers finite or not."""
        root, outputs = self.forward(data)
        if not math.isfinite(root.data):
            return Outcome(root.data, {}, [], root)
        self.optimizer.zero_grad()
        for parameters in self.own_parameters.values():  # also what the optimizer leaves alone
            for parameter in parameters:
                parameter.grad = None
        root.backward()
        norms = {path: math.hypot(*(leaf.grad for leaf in own)) for path, own in self.own_parameters.items()}
        for module, name in buffers_of(self.model):
            check_buffer(f"{name} of {module!r}", getattr(module, name))  # its lists may have been changed in place
        return Outcome(root.data, norms, data_of(outputs), root)

    def clip(self, max_norm: float) -> None:
        """Scale the gradients of what the optimizer holds down to that norm; ValueError for what no factor mends."""
        clip_grad_norm([*self.optimizer.state], max_norm)

    def update(self) -> bool:
        """Move the parameters by the optimizer; whether they are finite then."""
        self.optimizer.step()
        return all(math.isfinite(parameter.data) for parameter in self.optimizer.state)

    def validate(self, data: Data) -> tuple[float, list[Any]]:
        """The loss without penalty and the outputs, of a model in evaluation."""
        with no_grad():
            outputs = self.model(data.X.tolist())
            return self.figure_of(outputs, data), data_of(outputs)

    def snapshot(self) -> Callable[[], None]:
        """What makes the parameters and the optimizer's memory again what they are now."""
        before = [(parameter, parameter.data, memory.copy()) for parameter, memory in self.optimizer.state.items()]

        def put_back() -> None:
            for parameter, weight, memory in before:
                parameter.data = weight
                self.optimizer.state[parameter].update(memory)

        return put_back

    def push(self, gradients: bool = False, memory: bool = False) -> None:
        """Have the parameters in the Values, before someone looks; gradients and the optimizer's memory where told."""

    def pull(self, memory: bool = False) -> None:
        """Take them from the Values, where someone may have changed them since they were pushed."""

    def record_anew(self) -> None:
        """Notice that model, loss and penalty may do something else than before; a graph is made anew every time."""


def figure(name: str, result: Any) -> float:
    """The number that a function of the user gave; TypeError says which one gave something else."""
    try:
        return number(result)
    except TypeError:
        raise TypeError(f"{name} must give one number, got {result!r:.60}: {remedy(result)}".rstrip(": ")) from None


def own_parameters_of(model: Module) -> dict[str, list[Value]]:
    """The parameters of each module that has some of its own, by path."""
    named = ((path or type(module).__name__, module.own_parameters()) for path, module in model.named_modules())
    return {path: parameters for path, parameters in named if parameters}


def _depends(result: Value, parameters: Container[Value]) -> bool:
    return any(node in parameters for node in topological_order(result))


def _is_zero(result: Any) -> bool:
    """Whether it is the number 0, also in a Value; while a function is traced, gates have no numbers."""
    if isinstance(result, Value):
        return getattr(result, "_data", None) == 0.0
    return bool(getattr(result, "shape", ()) == () and result == 0.0)


# ---- numbers that run away ------------------------------------------------------------------------------------------


def explained(outcome: Outcome, again: Any, where: str, growth: Callable[[float], str]) -> str:
    """Say what is not finite in a batch and why; with the line, where the loss was recorded `again` and `watched`."""
    root = outcome.root
    explain: Callable[[Value], tuple[str, Any]] = first_slope if math.isfinite(root.data) else first_gate
    why, cause = explain(root)
    if isinstance(again, Value) and explain(again)[0].startswith(why):
        why = explain(again)[0]
    if math.isfinite(root.data):
        path = next(path for path, norm in outcome.norms.items() if not math.isfinite(norm))
        return f"the gradient of {path} is not finite in {where}: {why}{growth(root.data) if cause else ''}"
    if math.isnan(cause) and isinstance(again, str):
        why = again
    elif math.isinf(cause) and root.data != -math.inf:
        why += growth(math.inf)
    return f"the loss is {root.data} in {where}: {why}"


def first_gate(root: Value) -> tuple[str, float]:
    """Name the first gate of a graph whose output is not finite, and give that output; 0 for a parameter."""
    node = next((node for node in topological_order(root) if not math.isfinite(node.data)), root)
    if node.primitive is None:
        return f"the parameter {node!r} is not finite", 0.0
    return f"the first gate that is not finite is {at_line(node, f' = {node.data}')}", node.data


def first_slope(root: Value) -> tuple[str, bool]:
    """Name the first gate at which the sweep is not finite; and whether numbers have grown too large there."""
    for node, adjoint in sweep(root):
        if not math.isfinite(adjoint):
            name = at_line(node) if node.primitive is not None else repr(node)
            return f"what arrives at {name} adds up to {adjoint}", True
        for partial in node.handed:
            if partial is not None and not math.isfinite(partial):
                return at_line(node, f" has the derivative {partial}"), False
            if partial is not None and not math.isfinite(partial * adjoint):
                return at_line(node, f" hands on {partial} × {adjoint}"), True
    return "its norm is too large for a float", True


def watched(work: Callable[[], Any]) -> Any:
    """What `work`, which is done a second time to explain it, gives while `detect_anomaly` notes lines.

    Where that raises, what it says; None where something else fails: nothing may hide what happened before.
    """
    try:
        with detect_anomaly():
            return work()
    except FloatingPointError as error:
        return str(error)
    except Exception:
        return None

"""The figures of a batch that tell what ails a network, and the thresholds beyond which they do.

Gates are seen by primitive and module, leaves by their place in the model. Nothing is known of layers: a unit is what
gates make of the parameters before them. The thresholds are far from the figures of networks that learn well, so that
a network of which nothing is said may still learn badly.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from microgradnn.context import module_and_neuron
from microgradnn.graph import topological_order
from microgradnn.nn.losses import LOSSES
from microgradnn.nn.module import Module
from microgradnn.nn.parameters import data_of
from microgradnn.notation import digits, few
from microgradnn.optim import Optimizer
from microgradnn.sweep import sweep
from microgradnn.training.graphs import Data, own_parameters_of
from microgradnn.trees import leaves
from microgradnn.value import Value

# "Measured" is of 210 small networks as He and Xavier start them, before and after 60 epochs of SGD or Adam.
# A unit is flat where its slope is below 6 % of its steepest, as that of tanh is beyond ±0.97 (Karpathy, makemore 3).
FLAT = 0.06
# Of a layer: half is what SageMaker's SaturatedActivation allows. CS231n sees 40 % dead where lr is too large; so many
# of a small layer can He's start leave dead by chance.
MOST = 0.5
# Of the examples: one of a layer that saturates is flat for three quarters; in classifiers that learn up to 70 % are
# (measured), of Xavier's start 4 %.
OFTEN = 0.75
# Of the examples: a single unit is ill where it is flat for nearly all. One that can die may do so by chance, too: it
# must be held there by a bias of more than twice what its inputs add to it, which no start gives.
STUCK, OUTWEIGHED = 0.95, 2.0
# Next to the last layer: starts keep the variance of gradients (Glorot and Bengio 2010; He et al. 2015); four layers of
# sigmoids hand on about 1/100 and still learn (Nielsen, chapter 5). Measured: 1/160 to 10.
VANISHING, EXPLODING = 1e-3, 1e3
# The root mean square of inputs and targets: 1 is best (LeCun et al. 1998, Efficient BackProp).
SMALLEST, LARGEST = 1e-3, 10.0
# ‖step‖ / ‖weights‖: about 1e-3 is best (CS231n). Measured: 6e-5 to 0.6.
SLOWEST, USUAL, FASTEST = 1e-6, 1e-3, 1.0

# Activations with their steepest slopes. Those with one flat side die, those with two saturate.
_DYING = dict.fromkeys(("relu", "maximum", "elu", "softplus", "silu", "gelu"), 1.0)
_SATURATING = {"tanh": 1.0, "hardtanh": 1.0, "softsign": 1.0, "sigmoid": 0.25}


@dataclass(frozen=True)
class Symptom:
    """Something wrong with a network; `str` is one sentence: where it is, what is seen, what to do.

    `illness` is its name, `where` the path of a module, the place of parameters, or X, y, outputs, loss. `figure` is
    what was measured and `threshold` where it begins to be wrong; `seen` says it in words, `remedy` what to do.

    >>> print(Symptom("unscaled inputs", "X[:, 2]", 300.0, 10.0, "the root mean square is 300", "divide it by 300"))
    X[:, 2]: the root mean square is 300; divide it by 300
    """

    illness: str
    where: str  # the path of a module, the place of parameters, or X, y, outputs, loss
    figure: float
    threshold: float
    seen: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.seen}; {self.remedy}"


class Batch:
    """A batch that has been recorded and swept; each method looks for one illness."""

    def __init__(self, model: Module, data: Data, outputs: list[Any], root: Value) -> None:
        self.model, self.data, self.outputs = model, data, outputs
        self.names = {leaf: name for name, leaf in model.named_parameters()}
        self.adjoints = dict(sweep(root))
        self.numbers: set[float] = set()  # that stand beside parameters
        self.biases: set[Value] = set()  # parameters that are added, whatever they are called
        self.logits: set[Any] = set()  # what the loss takes the softmax or the sigmoid of
        # By module: how many sums with parameters come before it and with it, and the norm of the adjoints at its own.
        self.depths: dict[str, int] = {}
        self.arriving: dict[str, float] = {}
        # By module and activation, by unit, for each example: is it flat, does its bias decide that, the bias.
        self.slopes: dict[tuple[str, str], dict[str, list[tuple[bool, bool, float]]]] = {}
        self._walk(root)

    def _walk(self, root: Value) -> None:
        """Note what each gate is part of; a unit is called after the first parameter before it."""
        outputs, units, depths = {*leaves(self.outputs)}, dict[Value, str](), dict[Value, int]()
        root_path = self.model._name or type(self.model).__name__
        for gate in topological_order(root):
            if gate.primitive is None:
                continue
            name, path = gate.primitive.name, f"{module_and_neuron(gate.path or '')[0]}."
            inner = [operand for operand in gate.operands if isinstance(operand, Value)]
            own = next((operand for operand in inner if operand in self.names), None)
            units[gate] = next((units[operand] for operand in inner if operand in units), "")
            depths[gate] = max((depths[operand] for operand in inner if operand in depths), default=0)
            if own is not None:
                units[gate] = self.names[own].rpartition("[")[0] if name == "dot" else self.names[own]
            if not path.startswith(f"{root_path}."):
                self.logits.update(inner if name in ("softplus", "cross_entropy") else ())
                continue
            module = path.removeprefix(f"{root_path}.").removesuffix(".") or type(self.model).__name__
            if own is not None:
                self.numbers.update(operand for operand in gate.operands if isinstance(operand, float))
                if name in ("dot", "add"):
                    added = gate.operands[-1:] if name == "dot" else inner
                    self.biases.update(x for x in added if isinstance(x, Value) and x in self.names)
                    depths[gate] += 1
                    self.depths.setdefault(module, depths[gate])
                    self.arriving[module] = math.hypot(self.arriving.get(module, 0.0), self.adjoints[gate])
            # An output that is sure of itself is not ill.
            steepest = _DYING.get(name) or (_SATURATING.get(name) if gate not in outputs else None)
            if steepest:
                flat = max(abs(slope or 0.0) for slope in gate.handed) < FLAT * steepest
                beside = (x for x in reversed(inner[0].operands) if isinstance(x, Value) and x in self.biases)
                bias = next((x.data for x in beside), 0.0)
                by_bias = abs(bias) > OUTWEIGHED * abs(inner[0].data - bias)
                self.slopes.setdefault((module, name), {}).setdefault(units[gate], []).append((flat, by_bias, bias))

    def inputs(self) -> Iterator[Symptom]:
        """Columns out of scale, unless the model scales them before they meet its parameters."""
        varying = {name: column for name, column in self._columns().items() if len({*column}) > 1 or len(column) == 1}
        return _out_of_scale("unscaled inputs", varying, "take (X - X.mean(0)) / X.std(0)")

    def _columns(self) -> dict[str, list[float]]:
        """The columns of X that meet parameters as they are."""
        columns = {f"X[:, {index}]": column for index, column in enumerate(self.data.X.T.tolist())}
        return {name: column for name, column in columns.items() if max(column, key=abs) in self.numbers}

    def targets(self, loss: Callable[[Any, Any], Any]) -> Iterator[Symptom]:
        """Quantities out of scale; probabilities where the loss takes logits."""
        targets, ends = leaves(self.data.y.tolist()), leaves(self.outputs)
        of_numbers = [LOSSES[name] for name in ("mse", "l1_loss", "huber", "smooth_l1_loss")]
        if loss in of_numbers or (loss not in LOSSES.values() and any(target % 1 for target in targets)):
            yield from _out_of_scale("labels", {"y": targets}, "take (y - y.mean()) / y.std()")
        sigmoids = all(isinstance(end, Value) and end.primitive and end.primitive.name == "sigmoid" for end in ends)
        rows = [leaves(row) for row in data_of(self.outputs)]
        softmax = len(rows[0]) > 1 and all(min(row) >= 0 and math.isclose(sum(row), 1) for row in rows)
        if self.logits.intersection(ends) and (sigmoids or softmax):
            largest = max(map(max, rows))
            seen = f"they are probabilities, up to {digits(largest, 3)} and never above 1, and the loss takes logits"
            remedy = f"leave out the last {'softmax' if softmax else 'sigmoid'}"
            yield Symptom("labels", "outputs", largest, 1.0, seen, remedy)

    def unreached(self) -> Iterator[Symptom]:
        """Parameters that the loss does not depend on."""
        for module, own in own_parameters_of(self.model).items():
            if names := [self.names[leaf] for leaf in own if leaf not in self.adjoints]:
                kept = len(own) - len(names)
                seen = f"the loss depends on {kept} of {len(own)} parameters and should on all, it misses {few(names)}"
                remedy = "compute the output with them, as Values without .data, or take them away"
                yield Symptom("unreached parameters", module, len(names), 0, seen, remedy)

    def units(self) -> Iterator[Symptom]:
        """Units that are flat: most of a layer, or single ones that are stuck there."""
        unscaled = any(_size(column) > LARGEST for column in self._columns().values())
        for (module, name), units in self.slopes.items():
            flat = {unit: sum(flat for flat, *_ in seen) / len(seen) for unit, seen in units.items()}
            if name in _DYING:
                kind, ill = "dead", [unit for unit in units if flat[unit] == 1]
                stuck = [unit for unit in ill if all(by_bias for _, by_bias, _ in units[unit])]
                if stuck:
                    remedy = "set their biases to 0, and take a smaller lr or leaky_relu"
                else:
                    biased = any(bias < 0 for unit in ill for *_, bias in units[unit])
                    remedy = f"{'set their biases to 0, ' if biased else ''}draw their weights anew or take leaky_relu"
            else:
                kind, remedy = "saturated", "start with smaller weights and biases"
                ill, stuck = ([unit for unit in units if flat[unit] > share] for share in (OFTEN, STUCK))
            if unscaled and not (kind == "dead" and stuck):
                remedy = "scale the inputs first"
            most = len(ill) > MOST * len(units)
            if ill := ill if most else stuck:
                share = sum(flat[unit] for unit in ill) / len(ill)
                of_layer = f": {100 * len(ill) / len(units):.0f} % of the units" if most else ""
                seen = (
                    f"{len(ill)} of {len(units)} {name} units {'is' if len(ill) == 1 else 'are'} {kind}, {few(ill)}, "
                    f"with a slope near 0 in {100 * share:.0f} % of {len(self.data.X)} examples{of_layer}, "
                    f"the limit is {100 * (MOST if most else STUCK):.0f} %"
                )
                figure, threshold = (len(ill) / len(units), MOST) if most else (share, STUCK)
                yield Symptom(f"{kind} units", module, figure, threshold, seen, remedy)

    def gradients(self) -> Iterator[Symptom]:
        """The modules at which least and most arrives, next to the last one; those side by side count as one."""
        # A last layer of zeros holds gradients up for one step only.
        held_up = any(not any(weight.data for weight in tensor) for tensor in self._weights().values())
        norms: dict[int, float] = {}
        for module, norm in self.arriving.items():
            norms[self.depths[module]] = math.hypot(norms.get(self.depths[module], 0.0), norm)
        last = max(norms, default=0)
        ratios = {depth: norm / norms[last] if norms[last] else 0.0 for depth, norm in norms.items()}
        relu = "relu, " if _DYING.keys().isdisjoint(name for _, name in self.slopes) else ""
        larger = f"start with larger weights, take {relu}BatchNorm or fewer layers"
        for illness, worst, limit, remedy in [
            ("vanishing gradients", min, VANISHING, larger),
            ("exploding gradients", max, EXPLODING, "start with smaller weights, take BatchNorm or fewer layers"),
        ]:
            depth = worst(ratios, key=ratios.__getitem__, default=0)
            ratio = ratios.get(depth, 1.0)
            if (ratio < limit < 1 and not (held_up and ratio == 0)) or ratio > limit > 1:
                seen = f"the gradient that arrives is {digits(ratio, 3)} times that at {self._at(last)}"
                yield Symptom(illness, self._at(depth), ratio, limit, f"{seen}, the limit is {digits(limit)}", remedy)

    def _at(self, depth: int) -> str:
        return few(module for module in self.depths if self.depths[module] == depth)

    def _weights(self) -> dict[str, list[Value]]:
        """The weights by tensor, such as 0.weight; no biases."""
        tensors: dict[str, list[Value]] = {}
        for leaf in self.model.weights():
            if leaf not in self.biases:
                tensors.setdefault(self.names[leaf].partition("[")[0], []).append(leaf)
        return tensors

    def alike(self) -> Iterator[Symptom]:
        """Rows of weights that are the same and get the same gradient, so that they stay the same."""
        rows = dict[str, list[Value]]()
        for leaf in leaves([*self._weights().values()]):
            if leaf in self.adjoints and "[" in self.names[leaf]:
                rows.setdefault(self.names[leaf].rpartition("[")[0], []).append(leaf)
        alike: dict[tuple[str, ...], list[str]] = {}
        for name, row in rows.items():
            key = tuple(f"{leaf.data} {self.adjoints[leaf] + 0.0:.9e}" for leaf in row)  # sums differ by rounding
            alike.setdefault(key, []).append(name)
        for names in alike.values():
            if len(names) > 1:
                seen = f"{len(names)} units have the same weights and gradients, so they stay alike, and no two may"
                yield Symptom("symmetric start", few(names), len(names), 1, seen, "draw their weights at random")

    def steps(self, optimizer: Optimizer) -> Iterator[Symptom]:
        """Weights that one step of a copy of the optimizer moves too little or too much."""
        try:
            copied = copy.deepcopy(optimizer)
        except TypeError as error:
            raise TypeError(f"diagnose steps with a copy of the optimizer, which cannot be copied: {error}") from None
        copies = dict(zip(optimizer.state, copied.state, strict=True))
        for leaf, copied_leaf in copies.items():
            copied_leaf.grad = self.adjoints.get(leaf)
        copied.step()
        for name, weights in self._weights().items():
            tensor = [leaf for leaf in weights if leaf in copies and self.adjoints.get(leaf)]
            norm = math.hypot(*(leaf.data for leaf in tensor))
            ratio = math.hypot(*(copies[leaf].data - leaf.data for leaf in tensor)) / norm if norm else USUAL
            if not SLOWEST <= ratio <= FASTEST:
                limit, remedy = (SLOWEST, "take a larger lr") if ratio < SLOWEST else (FASTEST, "take a smaller lr")
                seen = f"a step moves it by {digits(ratio, 3)} times its norm, {digits(USUAL)} is usual"
                yield Symptom(
                    "update-to-weight ratio", name, ratio, limit, f"{seen} and the limit {digits(limit)}", remedy
                )  # fmt: skip


def _out_of_scale(illness: str, columns: Mapping[str, list[float]], remedy: str) -> Iterator[Symptom]:
    """Columns whose root mean square is far from 1; numbers that are all 0 have no scale."""
    sizes = {name: _size(column) for name, column in columns.items()}
    large = {name: size for name, size in sizes.items() if size > LARGEST}
    small = {name: size for name, size in sizes.items() if 0 < size < SMALLEST}
    for outside, worst, limit, towards in [(large, max, LARGEST, "up to "), (small, min, SMALLEST, "down to ")]:
        if outside:
            size = worst(outside.values())
            seen = (
                f"the root mean square is {towards * (len(outside) > 1)}{digits(size, 3)}, the limit is {digits(limit)}"
            )
            yield Symptom(illness, few(outside), size, limit, seen, remedy)


def _size(column: list[float]) -> float:
    """The root mean square."""
    return math.hypot(*column) / math.sqrt(len(column))

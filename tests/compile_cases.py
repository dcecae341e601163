"""What `microgradnn.compile` is measured by: eager values and gradients with error bounds; functions of many shapes.

Eager code is the reference. How close an array program must come is not a matter of taste: every gate may round its
output, and what that does to the result is known to first order from the sweep itself.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.graph import topological_order
from microgradnn.sweep import sweep
from microgradnn.trees import leaves

ALLOWED = 1e-12  # of the condition-scaled bound
BACKENDS = ["numpy", "python", pytest.param("jax", marks=pytest.mark.jax)]
_ROUNDED_AT_ONE = {"logsumexp"}  # its partials may be written exp(x − out): good to 1, not to |∂|


# ---- the eager reference ----------------------------------------------------------------------------------------


def flat(tree: Any) -> list[Any]:
    """The numbers of nested lists, tuples, dicts and arrays, in order."""
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, np.ndarray):
        tree = tree.tolist()
    return [leaf for branch in tree for leaf in flat(branch)] if isinstance(tree, (list, tuple)) else [tree]


def as_values(tree: Any) -> Any:
    """Lists of fresh Values in the shape of `tree`."""
    if isinstance(tree, np.ndarray):
        tree = tree.tolist()
    return [as_values(one) for one in tree] if isinstance(tree, (list, tuple)) else Value(float(tree))


def size(node: Value) -> float:
    """How large the numbers are that a gate adds up: what rounding inside it is proportional to."""
    data = [abs(getattr(operand, "data", operand)) for operand in node.operands]
    match node.primitive.name:
        case "add" | "subtract" | "shift" | "sum":
            return sum(data)
        case "dot":
            half = len(data) // 2
            return sum(w * x for w, x in zip(data[:half], data[half:-1], strict=True)) + data[-1]
        case "logsumexp":
            return 1 + max(data) + abs(node.data)
    return abs(node.data)


def rounding(root: Any) -> float:
    """What relative errors of 1 at all gates do to `root`, to first order; 0 for a plain number."""
    if not isinstance(root, Value):
        return 0.0
    return sum(abs(adjoint) * size(node) for node, adjoint in sweep(root) if node.primitive is not None)


def absolute_sweep(root: Value) -> dict[Value, float]:
    """For every node the sum over all paths to the root of |∂|·…·|∂|: the size of what a sweep adds up."""
    sizes: dict[Value, float] = {root: 1.0}
    for node in reversed(topological_order(root)):
        for operand, partial in zip(node.operands, node.partials, strict=True):
            if partial is not None:
                scale = max(abs(partial), 1.0) if node.primitive.name in _ROUNDED_AT_ONE else abs(partial)
                sizes[operand] = sizes.get(operand, 0.0) + scale * sizes.get(node, 0.0)
    return sizes


@dataclass(frozen=True)
class Reference:
    """What eager code finds for one example: f, ∂f by parameters and by inputs, and the scale of error of each."""

    value: float
    value_scale: float
    gradient: np.ndarray  # by the parameters, flat
    gradient_scale: np.ndarray
    inputs: np.ndarray  # by the inputs, flat
    inputs_scale: np.ndarray


def eager(f: Callable[..., Any], params: Any, example: tuple[Any, ...]) -> Reference:
    """Record f for one example and differentiate it; the gradients are recorded too, for the bounds of their errors."""
    args = [as_values(one) for one in example]
    root = f(*args)
    wanted, inputs = flat(params), leaves(args)
    if not isinstance(root, Value):
        zeros = [np.zeros(len(wanted)), np.zeros(len(wanted)), np.zeros(len(inputs)), np.zeros(len(inputs))]
        return Reference(float(root), abs(root), *zeros)
    sizes = absolute_sweep(root)
    adjoints = {node: adjoint for node, adjoint in sweep(root, recorded=True) if node.primitive is None}
    found = []
    for group in (wanted, inputs):
        gradients = [adjoints.get(leaf, 0.0) for leaf in group]
        found.append(np.array([getattr(one, "data", one) for one in gradients], float))
        found.append(
            np.array([sizes.get(leaf, 0.0) + rounding(one) for leaf, one in zip(group, gradients, strict=True)], float)
        )
    return Reference(root.data, abs(root.data) + rounding(root), *found)


def well_conditioned(reference: Reference) -> bool:
    """Whether everything is finite and the error bounds still say something."""
    pairs = [
        (np.array([reference.value]), np.array([reference.value_scale])),
        (reference.gradient, reference.gradient_scale),
        (reference.inputs, reference.inputs_scale),
    ]
    return all(
        bool(np.isfinite(number).all() and np.isfinite(scale).all() and (scale <= 1e6 * (1 + abs(number))).all())
        for number, scale in pairs
    )


def _distance(gate: str, x: list[float], constant_exponent: bool) -> float:
    """How far the operands of a gate are from where it has a kink or jumps."""
    match gate:
        case "relu" | "leaky_relu" | "elu" | "abs" | "sign" | "step" | "where":
            return abs(x[0])
        case "hardtanh":
            return abs(abs(x[0]) - 1)
        case "equal" | "clipped_log":
            return abs(x[0] - x[1])
        case "maximum" | "minimum":
            first, *others = sorted(x, reverse=gate == "maximum")
            return min((abs(first - one) for one in others), default=math.inf)
        case "atan2":
            return abs(x[0]) if x[1] <= 0 else math.inf
        case "power":  # a negative base has powers at whole numbers only
            return abs(x[0]) if x[0] > 0 or constant_exponent else 0.0
    return math.inf


def smooth(root: Any) -> bool:
    """Whether every gate below `root` is clearly away from its kinks, rounding of its operands included."""
    if not isinstance(root, Value):
        return True
    for node in topological_order(root):
        if node.primitive is not None:
            operands = node.operands
            data = [getattr(operand, "data", operand) for operand in operands]
            distance = _distance(node.primitive.name, data, not isinstance(operands[-1], Value))
            if distance < math.inf and not distance > 1e-6 * (1 + sum(map(rounding, operands))):
                return False
    return True


# ---- a program against the reference ----------------------------------------------------------------------------


def tiled(examples: list[tuple[Any, ...]], count: int) -> tuple[np.ndarray, ...]:
    """A batch of `count` examples, which go round and round."""
    chosen = [examples[place % len(examples)] for place in range(count)]
    return tuple(np.array(column, float) for column in zip(*chosen, strict=True))


def assert_close(found: Any, expected: Any, scale: Any, what: str) -> None:
    """Equal to `ALLOWED` of the scale; the message says by how much it is not."""
    found, expected, scale = np.asarray(found, float), np.asarray(expected, float), np.asarray(scale, float)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    wrong = ~(abs(found - expected) <= ALLOWED * scale + 1e-300)
    assert not wrong.any(), (
        f"{what}: {found[wrong].tolist()} where eager has {expected[wrong].tolist()}, scale {scale[wrong].tolist()}"
    )


def assert_agrees(
    program: Any, references: list[Reference], examples: list[tuple[Any, ...]], count: int, reduce: str = "mean"
) -> None:
    """`program`, compiled with wrt="both", gives for a batch of `count` examples what eager code gives."""
    chosen = [references[place % len(references)] for place in range(count)]
    share = 1 / count if reduce == "mean" else 1.0
    batch = tiled(examples, count)
    value, (by_params, by_inputs) = program.value_and_grad(*batch)
    if len(batch) == 1:
        assert isinstance(by_inputs, np.ndarray)
        by_inputs = (by_inputs,)
    assert isinstance(value, float)
    assert [one.shape for one in by_inputs] == [one.shape for one in batch]
    rows = np.concatenate([one.reshape(count, -1) for one in by_inputs], axis=1)

    def total(name: str) -> Any:
        return np.sum([getattr(one, name) for one in chosen], axis=0) * share

    assert_close(value, total("value"), total("value_scale"), "value")
    assert_close(flat(by_params), total("gradient"), total("gradient_scale"), "gradient by params")
    for name in ("inputs", "inputs_scale"):
        assert len({len(getattr(one, name)) for one in chosen}) == 1
    assert_close(
        rows,
        np.array([one.inputs for one in chosen]) * share,
        np.array([one.inputs_scale for one in chosen]) * share,
        "gradient by inputs",
    )


# ---- functions of many shapes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A function with its parameters and a few examples."""

    f: Callable[..., Any]
    params: Any
    examples: list[tuple[Any, ...]]


CASES: dict[str, Callable[[], Case]] = {}


def case(make: Callable[[], Case]) -> Callable[[], Case]:
    """Add a case to the table, under the name of the function that makes it."""
    CASES[make.__name__] = make
    return make


def rng() -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(7)


def values(*shape: int) -> Any:
    """Parameters drawn at random, nested by `shape`."""
    return as_values(rng().uniform(-1, 1, shape))


def rows(count: int, *shape: int) -> Any:
    """`count` random examples of one shape, as lists."""
    return np.random.default_rng(11).uniform(-2, 2, (count, *shape)).tolist()


@case
def linear() -> Case:
    w, b = values(3), Value(0.25)
    return Case(
        lambda x, y: (mg.dot(w, x, b) - y) ** 2, [*w, b], [(x, y) for x, y in zip(rows(3, 3), rows(3), strict=True)]
    )


@case
def dense_relu_hinge() -> Case:
    model = nn.MLP(2, [3, 2, 1], rng=1)
    penalised = lambda x, y: nn.hinge(model(x), y) + nn.l2(model, 0.1)  # noqa: E731
    return Case(penalised, model.parameters(), [(x, y) for x, y in zip(rows(3, 2), [1.0, -1.0, 1.0], strict=True)])


@case
def dense_tanh_cross_entropy() -> Case:
    model = nn.MLP(2, [3, 3], activation="tanh", rng=1)
    return Case(
        lambda x, y: nn.cross_entropy(model(x), y),
        model.parameters(),
        [(x, y) for x, y in zip(rows(3, 2), [2, 0, 1], strict=True)],
    )


@case
def dense_unfused_multiclass_hinge() -> Case:
    model = nn.MLP(2, [3, 3], activation="sigmoid", rng=2, fused=False)
    return Case(
        lambda x, y: nn.multiclass_hinge(model(x), y),
        model.parameters(),
        [(x, y) for x, y in zip(rows(3, 2), [0, 2, 1], strict=True)],
    )


def columns_of(matrix, x):
    """A product of a matrix and a vector, without biases."""
    return [mg.sum([w * y for w, y in zip(row, x, strict=True)]) for row in matrix]


@case
def hidden_beside_inputs() -> Case:
    """A layer that reads what another one made and what it read; single numbers of it are chosen, too."""
    first, second = values(3, 2), values(2, 5)

    def f(x, i):
        hidden = [mg.tanh(y) for y in columns_of(first, x)]
        return mg.sum([mg.tanh(y) for y in columns_of(second, [*hidden, *x])]) + mg.take(hidden, i)

    return Case(f, [first, second], list(zip(rows(3, 2), [2, 0, 1], strict=True)))


@case
def two_inputs_side_by_side() -> Case:
    """One matrix reads both, another columns of the second, and single numbers of it are chosen."""
    wide, narrow = values(2, 8), values(3, 2)

    def f(x, y, i):
        both = mg.sum([mg.tanh(z) for z in columns_of(wide, [*x, *y[0], *y[1]])])
        columns = [mg.tanh(z) for column in zip(*y, strict=True) for z in columns_of(narrow, column)]
        return both + mg.sum(columns) + mg.take(list(y[1]), i)

    return Case(f, [wide, narrow], list(zip(rows(3, 2), rows(3, 2, 3), [2, 0, 1], strict=True)))


@case
def parameters_read_again_and_again() -> Case:
    """Beside one whose derivative is an input as it is."""
    w, u = Value(0.7), values(3)

    def f(x, y):
        return w * x + mg.sum([mg.tanh(u[k] * b) for k, b in zip([0, 1, 1, 2, 0], y, strict=True)])

    return Case(f, [w, u], list(zip(rows(3), rows(3, 5), strict=True)))


@case
def an_index_that_comes_to_a_constant() -> Case:
    """The place of the largest of numbers that are 0 in every example."""
    table = values(3)

    def f(x):
        nothing = mg.gate("equal")(x, 9.0) * 0.0
        return mg.take(table, mg.gate("argmax")(nothing, nothing)) * 2.0

    return Case(f, table, [(x,) for x in rows(3)])


@case
def soft_labels() -> Case:
    model = nn.Layer(2, 3, "linear", rng=3)
    targets = [[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.0, 0.25, 0.75]]
    return Case(
        lambda x, y: nn.cross_entropy(model(x), y),
        model.parameters(),
        [(x, y) for x, y in zip(rows(3, 2), targets, strict=True)],
    )


@case
def probabilities() -> Case:
    model = nn.Sequential(nn.Layer(2, 1, "sigmoid", rng=3))
    return Case(
        lambda x, y: nn.binary_cross_entropy(model(x), y),
        model.parameters(),
        list(zip(rows(3, 2), [0.0, 1.0, 0.3], strict=True)),
    )


@case
def one_logit() -> Case:
    model = nn.Neuron(2, "linear", rng=3)
    return Case(
        lambda x, y: nn.binary_cross_entropy(model(x), [y], from_logits=True),
        model.parameters(),
        list(zip(rows(3, 2), [0.0, 1.0, 0.3], strict=True)),
    )


@case
def convolution() -> Case:
    """A kernel of 2 × 2 over an image of 4 × 3, two channels out, ReLU, then a dense sum."""
    kernels, last = values(2, 2, 2), as_values(rng().uniform(-1, 1, (2, 3, 2)))

    def f(image):
        total = 0.0
        for kernel, weights in zip(kernels, last, strict=True):
            for i in range(3):
                for j in range(2):
                    window = [kernel[a][b] * image[i + a][j + b] for a in range(2) for b in range(2)]
                    total = total + weights[i][j] * mg.relu(mg.sum(window))
        return mg.tanh(total)

    return Case(f, [kernels, last], [(x,) for x in rows(3, 4, 3)])


@case
def convolution_of_dots() -> Case:
    kernel, bias = values(3), Value(0.1)

    def f(signal):
        return mg.mean([mg.softplus(mg.dot(kernel, signal[i : i + 3], bias)) for i in range(5)])

    return Case(f, [kernel, bias], [(x,) for x in rows(3, 7)])


@case
def recurrent() -> Case:
    """Elman's network over five steps: the same weights in each."""
    w, u, b = values(2, 2), as_values(rng().uniform(-1, 1, (2, 2))), values(2)

    def f(sequence, target):
        state = [0.0, 0.0]
        for x in sequence:
            state = [mg.tanh(mg.dot([*w[i], *u[i]], [*state, *x], b[i])) for i in range(2)]
        return (state[0] - target) ** 2 + state[1]

    return Case(f, {"w": w, "u": u, "b": b}, list(zip(rows(3, 5, 2), rows(3), strict=True)))


@case
def tied_transposed_weights() -> Case:
    """An autoencoder whose decoder is the transpose of its encoder."""
    w = values(2, 3)

    def f(x):
        code = [mg.tanh(mg.dot(row, x)) for row in w]
        decoded = [mg.dot(list(column), code) for column in zip(*w, strict=True)]
        return nn.mse(decoded, x)

    return Case(f, w, [(x,) for x in rows(3, 3)])


@case
def layer_used_twice() -> Case:
    layer, last = nn.Layer(2, 2, "tanh", rng=4), nn.Neuron(2, "linear", rng=5)
    return Case(
        lambda x: last(layer(layer(x)))[0] ** 2, [*layer.parameters(), *last.parameters()], [(x,) for x in rows(3, 2)]
    )


@case
def the_same_value_on_both_sides() -> Case:
    w = Value(0.7)
    return Case(lambda x: w * w * x + mg.dot([w, w], [x, w], w) + mg.maximum(w, w) / w + x * x, w, [(0.5,), (-1.5,)])


@case
def diamonds() -> Case:
    """Sharing on sharing: the number of paths doubles with every line."""
    w = Value(0.3)

    def f(x):
        for _ in range(12):
            x = 0.5 * x + mg.sin(x) * w * x
        return x

    return Case(f, w, [(0.5,), (-1.2,)])


@case
def alternating_signs() -> Case:
    w = values(4)
    return Case(
        lambda x: w[0] - x[0] - (x[1] - w[1]) - (-w[2] * x[2]) + (w[3] - 2.0) / 3.0, w, [(x,) for x in rows(3, 3)]
    )


@case
def uniform_alone() -> Case:
    """What no example has a part in."""
    w = values(3)
    return Case(lambda x: 0.5 * mg.dot(w, w) + mg.abs(w[0]), w, [(1.0,), (2.0,)])


@case
def constants_alone() -> Case:
    return Case(lambda x: mg.sin(Value(2.0)) * 3.0, [Value(1.0)], [(1.0,), (2.0,)])


@case
def a_plain_number() -> Case:
    return Case(lambda x: 3.5, [Value(1.0)], [(1.0,), (2.0,)])


@case
def an_input_alone() -> Case:
    return Case(lambda x, y: y, [Value(1.0)], [(1.0, 4.0), (2.0, 5.0)])


@case
def a_parameter_alone() -> Case:
    w = Value(1.5)
    return Case(lambda x: w, w, [(1.0,), (2.0,)])


@case
def no_parameters() -> Case:
    return Case(lambda x: mg.logsumexp(x) * mg.atan2(x[0], x[1]), [], [(x,) for x in rows(3, 2)])


@case
def unused_parameters_and_inputs() -> Case:
    w = values(3)
    return Case(lambda x, y, z: w[1] * x[1], w, list(zip(rows(3, 2), rows(3), rows(3, 2, 2), strict=True)))


@case
def nested_parameters() -> Case:
    params = {"weights": values(2, 2), "bias": Value(0.5), "more": [Value(-0.3), {"deep": [Value(0.9)]}]}

    def f(x):
        hidden = [mg.tanh(mg.dot(row, x, params["bias"])) for row in params["weights"]]
        return hidden[0] * params["more"][0] + hidden[1] * params["more"][1]["deep"][0]

    return Case(f, params, [(x,) for x in rows(3, 2)])


@case
def weights_and_masks_as_inputs() -> Case:
    model = nn.MLP(2, [2, 1], activation="softplus", rng=6)

    def f(x, y, weight, mask):
        masked = [one * keep for one, keep in zip(x, mask, strict=True)]
        return weight * nn.mse(model(masked), y)

    return Case(
        f, model.parameters(), list(zip(rows(3, 2), rows(3), [0.0, 1.0, 2.5], [[1, 0], [1, 1], [0, 0]], strict=True))
    )


@case
def where_and_maximum() -> Case:
    w = values(2)
    return Case(
        lambda x: (
            mg.where(x[0] - w[0], w[1] * x[1], mg.exp(w[0])) + mg.maximum(x[0] * w[1], x[1], 0.1) + mg.minimum(*x)
        ),
        w,
        [(x,) for x in rows(3, 2)],
    )


@case
def mixture() -> Case:
    """−ln p of a mixture of two normal distributions in one dimension."""
    means, scales, shares = values(2), as_values([0.2, -0.3]), as_values([0.1, 0.6])

    def f(x):
        norm = mg.logsumexp(shares)
        return -mg.logsumexp(
            [s - norm - a - 0.5 * ((x - m) * mg.exp(-a)) ** 2 for m, a, s in zip(means, scales, shares, strict=True)]
        )

    return Case(f, [means, scales, shares], [(x,) for x in rows(3)])


@case
def softmax_attention() -> Case:
    w = values(2, 2)

    def f(keys, query):
        scores = [mg.dot([mg.dot(row, query) for row in w], key) for key in keys]
        weights = mg.softmax(scores)
        return mg.sum([a * key[0] * key[1] for a, key in zip(weights, keys, strict=True)])

    return Case(f, w, list(zip(rows(3, 3, 2), rows(3, 2), strict=True)))


@case
def a_derivative_inside() -> Case:
    """A network that is to obey u'' = −u: the residual holds derivatives of the network."""
    w, a, b = values(2), as_values([0.5, -0.8]), as_values([0.1, 0.4])

    def u(x):
        return mg.sum([c * mg.tanh(k * x + d) for c, k, d in zip(w, a, b, strict=True)])

    return Case(lambda x: (mg.grad(mg.grad(u))(x) + u(x)) ** 2, [w, a, b], [(0.3,), (-0.7,)])


@case
def a_gradient_penalty_inside() -> Case:
    w = values(2)
    return Case(
        lambda x: mg.sum([g * g for g in mg.grad(lambda z: mg.sin(mg.dot(w, z)) * z[0])(x)]),
        w,
        [(x,) for x in rows(3, 2)],
    )


@case
def batch_norm_in_use() -> Case:
    norm = nn.BatchNorm(2)
    norm.running_mean, norm.running_var = [0.5, -0.25], [2.0, 0.5]
    model = nn.Sequential(nn.Layer(2, 2, "linear", rng=8), norm, nn.Layer(2, 1, "tanh", rng=9)).eval()
    return Case(lambda x, y: nn.mse(model(x), y), model.parameters(), list(zip(rows(3, 2), rows(3), strict=True)))


@case
def prelu_maxout_dropout_off() -> Case:
    model = nn.Sequential(
        nn.Maxout(2, 2, pieces=2, rng=1), nn.Dropout(0.5), nn.Layer(2, 2, "linear", rng=1), nn.PReLU(),
        nn.Layer(2, 1, "elu", rng=2),
    ).eval()  # fmt: skip
    return Case(lambda x: model(x), model.parameters(), [(x,) for x in rows(3, 2)])


@case
def rosenbrock() -> Case:
    x = values(6)

    def f():
        return mg.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])

    return Case(f, x, [()])


@case
def the_demo_of_micrograd() -> Case:
    """Its `loss()`, as its notebook has it: the data set is in the function."""
    model = nn.MLP(2, [3, 1], rng=3)
    inputs, labels = rows(5, 2), [1, -1, 1, 1, -1]

    def loss():
        scores = [model(list(map(Value, row))) for row in inputs]
        losses = [(1 + -y * score).relu() for y, score in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        return data_loss + 1e-4 * sum(p * p for p in model.parameters())

    return Case(loss, model.parameters(), [()])


@case
def a_whole_batch_through_a_model() -> Case:
    model = nn.MLP(2, [2, 3], activation="tanh", rng=3)
    return Case(
        lambda: nn.cross_entropy(model(rows(4, 2)), [0, 2, 1, 1]) + nn.l1(model, 0.01), model.parameters(), [()]
    )

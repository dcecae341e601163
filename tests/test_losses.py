"""Losses and penalties against PyTorch, NumPy and mpmath, to second order; extreme logits; what is refused."""

import math
from functools import cache, partial

import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies as st

import microgradnn as m
from microgradnn import Value, nn
from microgradnn.graph import topological_order
from microgradnn.nn.losses import LOSSES
from microgradnn.primitive import lookup
from microgradnn.trees import leaves

seeds, counts, widths = st.integers(0, 10**6), st.integers(1, 5), st.integers(2, 5)
reductions = st.sampled_from(["mean", "sum"])
all_reductions = st.sampled_from(["mean", "sum", "none"])


def value_and_gradient(loss, outputs):
    """The loss and its derivative by every output, as an array of the same shape."""
    leaves = [Value(one) for one in np.ravel(outputs)]
    places = iter(leaves)

    def nested(x):
        return [nested(one) for one in x] if isinstance(x, list) else next(places)

    found = loss(nested(np.asarray(outputs).tolist()))
    found.backward()
    return found.data, np.reshape([leaf.grad for leaf in leaves], np.shape(outputs))


def of_torch(loss, outputs):
    import torch

    tensor = torch.tensor(outputs, dtype=torch.float64, requires_grad=True)
    found = loss(tensor)
    found.backward()
    return found.item(), tensor.grad.numpy()


def same(found, expected, rtol=1e-12):
    return np.allclose(found[0], expected[0], rtol=rtol, atol=1e-13) and np.allclose(
        found[1], expected[1], rtol=rtol, atol=1e-13
    )


# ---- against PyTorch ---------------------------------------------------------------------------------------------


@pytest.mark.torch
@given(seeds, counts, st.integers(1, 4), reductions)
def test_mse_is_that_of_torch(seed, count, width, reduction):
    import torch

    rng = np.random.default_rng(seed)
    outputs, targets = rng.normal(size=(count, width)), rng.normal(size=(count, width))
    found = value_and_gradient(lambda y: nn.mse(y, targets, reduction=reduction), outputs)
    theirs = of_torch(lambda y: torch.nn.functional.mse_loss(y, torch.tensor(targets), reduction=reduction), outputs)
    assert same(found, theirs)


@pytest.mark.torch
@given(seeds, counts, reductions, st.booleans(), st.booleans())
def test_binary_cross_entropy_is_that_of_torch(seed, count, reduction, from_logits, soft):
    """From logits and from probabilities, for labels 0 and 1 and for targets between them."""
    import torch

    rng = np.random.default_rng(seed)
    outputs = rng.normal(0, 5, count) if from_logits else rng.uniform(0.001, 0.999, count)
    targets = rng.uniform(size=count) if soft else rng.integers(0, 2, count)
    functional = torch.nn.functional
    name = "binary_cross_entropy_with_logits" if from_logits else "binary_cross_entropy"
    found = value_and_gradient(lambda y: nn.binary_cross_entropy(y, targets, from_logits, reduction), outputs)
    target = torch.tensor(targets, dtype=torch.float64)
    assert same(found, of_torch(lambda y: getattr(functional, name)(y, target, reduction=reduction), outputs))


@pytest.mark.torch
@given(seeds, counts, widths, reductions, st.booleans())
def test_cross_entropy_is_that_of_torch(seed, count, classes, reduction, distributions):
    """For numbers of classes and for distributions over them."""
    import torch

    rng = np.random.default_rng(seed)
    outputs = rng.normal(0, 4, (count, classes))
    targets = rng.dirichlet(np.ones(classes), count) if distributions else rng.integers(0, classes, count)
    found = value_and_gradient(lambda y: nn.cross_entropy(y, targets, reduction), outputs)
    target = torch.tensor(targets)
    theirs = of_torch(lambda y: torch.nn.functional.cross_entropy(y, target, reduction=reduction), outputs)
    assert same(found, theirs, rtol=1e-11)


def in_one(losses):
    """Losses that are not reduced, each with another factor, in one number; one that is, itself."""
    if isinstance(losses, (float, Value)) or not getattr(losses, "shape", True):
        return losses
    flat = losses.reshape(-1) if hasattr(losses, "reshape") else leaves(losses)
    return sum((place + 1) * loss for place, loss in enumerate(flat))


def check_torch(ours, theirs, outputs, rtol=1e-12):
    """Value, shape and gradient are those of torch."""
    import torch

    found, expected = ours(outputs.tolist()), theirs(torch.tensor(outputs))
    assert np.shape(found) == tuple(expected.shape)
    assert np.allclose(found, expected.numpy(), rtol=rtol, atol=1e-13)
    assert same(
        value_and_gradient(lambda y: in_one(ours(y)), outputs), of_torch(lambda y: in_one(theirs(y)), outputs), rtol
    )


OF_NUMBERS = {  # ours and the setting that it has, torch's
    "mse": (nn.mse, None, "mse_loss"),
    "l1_loss": (nn.l1_loss, None, "l1_loss"),
    "huber": (nn.huber, "delta", "huber_loss"),
    "smooth_l1_loss": (nn.smooth_l1_loss, "beta", "smooth_l1_loss"),
}


@pytest.mark.torch
@pytest.mark.parametrize(("ours", "setting", "name"), OF_NUMBERS.values(), ids=OF_NUMBERS)
@given(seeds, counts, st.integers(1, 4), all_reductions, st.floats(0.1, 5.0))
def test_losses_of_numbers_are_those_of_torch(ours, setting, name, seed, count, width, reduction, number):
    """Errors on both sides of δ, and by the defaults."""
    import torch

    rng = np.random.default_rng(seed)
    outputs, targets = rng.normal(0, 3, (count, width)), rng.normal(0, 3, (count, width))
    theirs = getattr(torch.nn.functional, name)
    for settings_ in [{}, {setting: number}] if setting else [{}]:
        check_torch(
            lambda y, kind=settings_: ours(y, targets, reduction, **kind),
            lambda y, kind=settings_: theirs(y, torch.tensor(targets), reduction=reduction, **kind),
            outputs,
        )


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.torch
@given(seeds, counts, widths, st.sampled_from(["mean", "sum", "none", "batchmean"]), st.booleans(), st.booleans())
def test_kl_div_is_that_of_torch(seed, count, width, reduction, log_target, certain):
    import torch

    rng = np.random.default_rng(seed)
    outputs = np.log(rng.dirichlet(np.ones(width), count))
    targets = np.eye(width)[rng.integers(0, width, count)] if certain else rng.dirichlet(np.ones(width), count)
    targets = np.log(targets + 1e-9) if log_target else targets  # PyTorch has nan where ln 0 meets 0
    check_torch(
        lambda y: nn.kl_div(y, targets, reduction, log_target=log_target),
        lambda y: torch.nn.functional.kl_div(y, torch.tensor(targets), reduction=reduction, log_target=log_target),
        outputs,
    )


@pytest.mark.torch
@given(
    seeds, counts, widths, all_reductions, st.booleans(), st.booleans(), st.sampled_from([0.0, 0.1, 1.0]),
    st.sampled_from([None, -100, -1, 0]),
)  # fmt: skip
def test_weights_smoothing_and_ignored_labels_are_those_of_torch(
    seed, count, classes, reduction, weighted, distributions, smoothing, ignored
):
    """Of the cross-entropy, and of the negative log-likelihood, which smooths nothing and takes no distributions."""
    import torch

    rng = np.random.default_rng(seed)
    outputs = rng.normal(0, 4, (count, classes))
    weight = rng.uniform(0, 3, classes) if weighted else None
    targets = rng.dirichlet(np.ones(classes), count) if distributions else rng.integers(0, classes, count)
    if ignored is not None and not distributions:
        targets[rng.uniform(size=count) < 0.4] = ignored
        targets[0] = classes - 1  # one is left
    kind = {"weight": weight, "ignore_index": ignored}
    theirs = {"reduction": reduction, "weight": None if weight is None else torch.tensor(weight)}
    theirs["ignore_index"] = -100 if ignored is None else ignored
    target, functional = torch.tensor(targets), torch.nn.functional
    if not (distributions and ignored is not None and ignored >= 0):  # which torch refuses
        check_torch(
            lambda y: nn.cross_entropy(y, targets, reduction, label_smoothing=smoothing, **kind),
            lambda y: functional.cross_entropy(y, target, label_smoothing=smoothing, **theirs),
            outputs,
            1e-11,
        )
    if not distributions:
        logarithms = np.log(rng.dirichlet(np.ones(classes), count))
        check_torch(
            lambda y: nn.nll_loss(y, targets, reduction, **kind),
            lambda y: functional.nll_loss(y, target, **theirs),
            logarithms,
        )


SHAPES = [None, (), (3,), (4, 1), (4, 3)]


@pytest.mark.torch
@given(seeds, all_reductions, st.booleans(), st.sampled_from(SHAPES), st.sampled_from(SHAPES))
def test_weights_of_binary_cross_entropy_are_those_of_torch(seed, reduction, from_logits, weight, pos_weight):
    """Of any shape that is broadcast to that of the outputs; the weight of positives torch has for logits alone."""
    import torch

    rng = np.random.default_rng(seed)
    outputs = rng.normal(0, 3, (4, 3)) if from_logits else rng.uniform(0.01, 0.99, (4, 3))
    targets = rng.uniform(size=(4, 3)).round(1)
    shapes = {"weight": weight} | ({"pos_weight": pos_weight} if from_logits else {})
    weights = {name: rng.uniform(0, 3, shape) for name, shape in shapes.items() if shape is not None}
    name = "binary_cross_entropy_with_logits" if from_logits else "binary_cross_entropy"
    tensors = {name: torch.tensor(numbers) for name, numbers in weights.items()}
    check_torch(
        lambda y: nn.binary_cross_entropy(y, targets, from_logits, reduction, **weights),
        lambda y: getattr(torch.nn.functional, name)(y, torch.tensor(targets), reduction=reduction, **tensors),
        outputs,
    )


@pytest.mark.torch
@given(seeds, counts, widths)
def test_multiclass_hinge_is_that_of_torch_times_the_number_of_classes(seed, count, classes):
    """PyTorch divides the sum over the classes by their number; note 001 does not."""
    import torch

    rng = np.random.default_rng(seed)
    outputs, targets = rng.normal(0, 2, (count, classes)), rng.integers(0, classes, count)
    found = value_and_gradient(lambda y: nn.multiclass_hinge(y, targets), outputs)
    target = torch.tensor(targets)
    theirs = of_torch(lambda y: classes * torch.nn.functional.multi_margin_loss(y, target), outputs)
    assert same(found, theirs)


# ---- against NumPy -----------------------------------------------------------------------------------------------


@given(seeds, counts, reductions)
def test_hinge_is_its_formula(seed, count, reduction):
    """max(0, 1 − yŷ), with the derivative −y where it is above 0."""
    rng = np.random.default_rng(seed)
    outputs, targets = rng.normal(0, 2, count), rng.choice([-1, 1], count)
    margins = np.maximum(0, 1 - targets * outputs)
    size = count if reduction == "mean" else 1
    expected = margins.sum() / size, -targets * (margins > 0) / size
    assert same(value_and_gradient(lambda y: nn.hinge(y, targets, reduction), outputs), expected)


@given(seeds, counts, widths, reductions)
def test_multiclass_hinge_is_its_formula(seed, count, classes, reduction):
    """Σ over the other classes of max(0, sⱼ − s_y + 1)."""
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(0, 2, (count, classes)), rng.integers(0, classes, count)
    value, gradient = 0.0, np.zeros_like(scores)
    for row, label in enumerate(labels):
        for other in range(classes):
            margin = scores[row, other] - scores[row, label] + 1
            if other != label and margin > 0:
                value += margin
                gradient[row, other] += 1
                gradient[row, label] -= 1
    size = count if reduction == "mean" else 1
    found = value_and_gradient(lambda y: nn.multiclass_hinge(y, labels, reduction), scores)
    assert same(found, (value / size, gradient / size))


@given(seeds, counts, widths)
def test_gradients_of_the_cross_entropies_are_what_the_notes_derive(seed, count, classes):
    """Notes 003 and 004: ŷ − y, by the logits, for the sigmoid and for the softmax."""
    rng = np.random.default_rng(seed)
    z, labels = rng.normal(size=(count, classes)), rng.integers(0, classes, count)
    y = np.eye(classes)[labels]
    _, gradient = value_and_gradient(lambda out: nn.cross_entropy(out, labels, "sum"), z)
    assert np.allclose(gradient, np.exp(z) / np.exp(z).sum(1, keepdims=True) - y, rtol=1e-12, atol=1e-14)
    _, gradient = value_and_gradient(lambda out: nn.binary_cross_entropy(out, y, True, "sum"), z)
    assert np.allclose(gradient, 1 / (1 + np.exp(-z)) - y, rtol=1e-12, atol=1e-14)
    _, gradient = value_and_gradient(
        lambda out: nn.binary_cross_entropy([[m.sigmoid(one) for one in row] for row in out], y, reduction="sum"), z
    )
    assert np.allclose(gradient, 1 / (1 + np.exp(-z)) - y, rtol=1e-11, atol=1e-14)


# ---- extreme outputs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logit", "target", "loss", "slope"),
    [
        (1000.0, 1, 0.0, 0.0), (1000.0, 0, 1000.0, 1.0), (-1000.0, 1, 1000.0, -1.0), (-1000.0, 0, 0.0, 0.0),
        (1000.0, 0.25, 750.0, 0.75), (40.0, 1, math.exp(-40), -math.exp(-40)), (0.0, 0.5, math.log(2), 0.0),
    ],
)  # fmt: skip
def test_binary_cross_entropy_of_extreme_logits(logit, target, loss, slope):
    value, gradient = value_and_gradient(lambda y: nn.binary_cross_entropy(y, target, from_logits=True), logit)
    assert value == pytest.approx(loss, rel=1e-14, abs=1e-300)
    assert gradient == pytest.approx(slope, rel=1e-14, abs=1e-300)


@pytest.mark.parametrize(
    ("logits", "target", "loss", "slopes"),
    [
        ([1000.0, -1000.0], 0, 0.0, [0.0, 0.0]),
        ([1000.0, -1000.0], 1, 2000.0, [1.0, -1.0]),
        ([1000.0, 1000.0], 0, math.log(2), [-0.5, 0.5]),
        ([-1000.0, -1000.0, 0.0], 2, 0.0, [0.0, 0.0, 0.0]),
        ([1000.0, -1000.0], [0.5, 0.5], 1000.0, [0.5, -0.5]),
    ],
)
def test_cross_entropy_of_extreme_logits(logits, target, loss, slopes):
    value, gradient = value_and_gradient(lambda y: nn.cross_entropy(y, target), logits)
    assert value == pytest.approx(loss, rel=1e-14)
    assert gradient == pytest.approx(slopes, rel=1e-14)


@pytest.mark.parametrize(("probability", "target"), [(0.0, 1), (1.0, 0)])
def test_logarithms_of_probabilities_are_cut_off_at_minus_100(probability, target):
    value, gradient = value_and_gradient(lambda y: nn.binary_cross_entropy(y, target), probability)
    assert value == pytest.approx(100.0, rel=1e-14)
    assert math.isfinite(gradient)
    assert nn.binary_cross_entropy(1.0 - probability, target) == 0.0


@pytest.mark.torch
@pytest.mark.parametrize("probability", [0.0, 1e-50, 1e-20, 0.5, 1.0])
@pytest.mark.parametrize("target", [0, 1, 0.3])
def test_values_at_extreme_probabilities_are_those_of_torch(probability, target):
    import torch

    y = torch.tensor([probability], dtype=torch.float64)
    theirs = torch.nn.functional.binary_cross_entropy(y, torch.tensor([target], dtype=torch.float64)).item()
    assert nn.binary_cross_entropy(probability, target) == pytest.approx(theirs, rel=1e-12)


# ---- exact to second order, eager and compiled -------------------------------------------------------------------

INF, NAN = math.inf, math.nan
FROM_LOGITS = partial(nn.binary_cross_entropy, from_logits=True)
WAYS = ["eager", "numpy", "python", pytest.param("jax", marks=pytest.mark.jax)]


@cache
def programs(loss, outputs, target, way):
    """The loss as a function of so many outputs and of a target, one number (None) or several; and its Hessian."""
    example = [0.0] * outputs, 0.0 if target is None else [0.0] * target
    return (
        m.compile(loss, example=example, wrt="inputs", backend=way),
        m.compile(lambda y, t: m.hessian(loss)(y, t), example=example, reduce=None, backend=way),
    )


def to_second_order(loss, outputs, target, way):
    """Value, gradient and Hessian of a loss by its outputs; eager, the targets are constants, compiled, inputs."""
    if way == "eager":
        return *m.value_and_grad(loss)(outputs, target), m.hessian(loss)(outputs, target)
    batch = [outputs], [target]
    first, second = programs(loss, len(outputs), len(target) if isinstance(target, list) else None, way)
    value, (gradient, _) = first.value_and_grad(*batch)
    return value, gradient[0].tolist(), second.value(*batch)[0].tolist()


def same_to_second_order(found, expected, rtol):
    return all(np.allclose(ours, exact, rtol=rtol, atol=1e-300) for ours, exact in zip(found, expected, strict=True))


def by_mpmath(outputs, target):
    """The cross-entropy with 800 digits: y ln softmax is 0 where y is, softmax 0 where a class is masked."""
    with mpmath.workdps(800):
        weights = [mpmath.mpf(y) for y in (target if isinstance(target, list) else np.eye(len(outputs))[target])]
        exponentials = [mpmath.exp(mpmath.mpf(x)) for x in outputs]
        total, weight = mpmath.fsum(exponentials), mpmath.fsum(weights)
        shares = [one / total for one in exponentials]
        value = -mpmath.fsum(y * mpmath.log(p) for y, p in zip(weights, shares, strict=True) if y)
        gradient = [weight * p - y for y, p in zip(weights, shares, strict=True)]
        hessian = [[weight * (p * (p is q) - p * q) for q in shares] for p in shares]
        return float(value), [float(x) for x in gradient], [[float(x) for x in row] for row in hessian]


CONFIDENT_AND_SHIFTED = [
    ([37.4, 0.0], 0), ([37.4, 0.0], 1), ([1e15, 1e15 - 5], 0), ([1e15, 1e15 - 5], 1), ([0.0, -50.0, -60.0, -80.0], 0),
    ([0.0, -50.0, -60.0, -80.0], 3), ([-700.0, 0.0, 5.0], 0), ([1000.0, -1000.0], 1), ([0.0, 0.0, 0.0], 1), ([5.0], 0),
    ([0.0, -INF], 0), ([1.0, -INF, 2.0, -INF, 0.5], 2),
    ([37.4, 0.0], [1.0, 0.0]), ([37.4, 0.0], [0.0, 1.0]), ([40.0, 0.0, -30.0], [1 - 1e-10, 1e-10, 0.0]),
    ([1e15, 1e15 - 5, 1e15 - 7], [0.3, 0.3, 0.4]), ([0.0, 0.0, 0.0], [0.2, 0.3, 0.5]),
    ([0.0, -INF], [1.0, 0.0]), ([1.0, 2.0, 3.0, -INF, 5.0], [0.1, 0.2, 0.3, 0.0, 0.4]),
]  # fmt: skip


@pytest.mark.sampled(7)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("logits", "target"), CONFIDENT_AND_SHIFTED)
def test_cross_entropy_is_that_of_mpmath_to_second_order(logits, target, way):
    """Every digit, also where the loss is tiny, the logits are huge or classes are masked by −∞."""
    found = to_second_order(nn.cross_entropy, logits, target, way)
    assert same_to_second_order(found, by_mpmath(logits, target), 2e-15 if way == "eager" else 1e-14)


LIMITS = {
    "cross_entropy": (nn.cross_entropy, [
        ([INF, 0.0], 0, 0.0, [0.0, 0.0]), ([INF, 0.0], 1, INF, [1.0, -1.0]), ([0.0, -INF], 1, INF, [1.0, -1.0]),
        ([INF, 0.0], [1.0, 0.0], 0.0, [0.0, 0.0]), ([-INF, 0.0], [0.6, 0.4], INF, [-0.6, 0.6]),
        ([INF, -INF, 3.0], [0.5, 0.0, 0.5], INF, [0.5, 0.0, -0.5]), ([1e308, -1e308], 1, INF, [1.0, -1.0]),
    ]),
    "logits": (FROM_LOGITS, [
        ([-INF], [0.0], 0.0, [0.0]), ([INF], [1.0], 0.0, [0.0]), ([INF], [0.0], INF, [1.0]),
        ([-INF], [1.0], INF, [-1.0]), ([INF], [0.25], INF, [0.75]), ([-INF, INF], [0.0, 1.0], 0.0, [0.0, 0.0]),
    ]),
    "hinge": (nn.hinge, [
        ([INF], [1.0], 0.0, [0.0]), ([-INF], [1.0], INF, [-1.0]), ([INF, -INF], [-1.0, -1.0], INF, [0.5, 0.0]),
    ]),
    "huber": (nn.huber, [([INF], [0.0], INF, [1.0]), ([-INF, 9.0], [1.0, 1.0], INF, [-0.5, 0.5])]),
    "l1_loss": (nn.l1_loss, [([INF], [0.0], INF, [1.0]), ([-INF, 9.0], [1.0, 1.0], INF, [-0.5, 0.5])]),
    "kl_div": (partial(nn.kl_div, reduction="sum"), [
        ([-INF, 0.0], [0.0, 1.0], 0.0, [0.0, -1.0]), ([-INF, 0.0], [1.0, 0.0], INF, [-1.0, 0.0]),
    ]),
    "kl_div of logarithms": (partial(nn.kl_div, reduction="sum", log_target=True), [
        ([-INF, 0.0], [-INF, 0.0], 0.0, [0.0, -1.0]), ([0.0, 0.0], [-INF, 0.0], 0.0, [0.0, -1.0]),
        ([-INF, 0.0], [0.0, -INF], INF, [-1.0, 0.0]),
    ]),
    "multiclass_hinge": (nn.multiclass_hinge, [
        ([INF, 0.0, 1.0], 0, 0.0, [0.0, 0.0, 0.0]), ([INF, 0.0, 1.0], 1, INF, [1.0, -2.0, 1.0]),
        ([-INF, 0.0, 1.0], 0, INF, [-2.0, 1.0, 1.0]), ([-INF, 0.0, 1.0], 1, 2.0, [0.0, -1.0, 1.0]),
    ]),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("loss", "row"), [pytest.param(loss, row, id=name) for name, (loss, rows) in LIMITS.items() for row in rows]
)
def test_losses_of_infinite_outputs_are_their_limits(loss, row, way):
    """What is certain costs nothing, what is impossible and happens costs ∞, and no derivative is nan."""
    outputs, target, *expected = row
    value, gradient, hessian = to_second_order(loss, outputs, target, way)
    assert [value, gradient] == expected
    assert not np.any(hessian)


@pytest.mark.sampled(7)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("logit", [37.4, -37.4, 700.0, -700.0, 0.5, 1e15])
@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
def test_binary_cross_entropy_of_logits_is_that_of_mpmath_to_second_order(logit, target, way):
    with mpmath.workdps(800):
        z, y = mpmath.mpf(logit), mpmath.mpf(target)
        value = y * mpmath.log(1 + mpmath.exp(-z)) + (1 - y) * mpmath.log(1 + mpmath.exp(z))
        p = 1 / (1 + mpmath.exp(-z))
        exact = [float(value), [float(p - y)], [[float(p * (1 - p))]]]
    assert same_to_second_order(to_second_order(FROM_LOGITS, [logit], [target], way), exact, 1e-14)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("probability", "target"), [(0.0, 0.0), (1e-20, 0.0), (0.3, 0.0), (0.5, 0.3), (0.9, 0.0), (1.0, 1.0), (1e-20, 1.0)]
)
def test_binary_cross_entropy_of_probabilities_is_that_of_mpmath_to_second_order(probability, target, way):
    with mpmath.workdps(60):
        p, y = mpmath.mpf(probability), mpmath.mpf(target)
        terms = [(y, p, -1)] * (target > 0) + [(1 - y, 1 - p, 1)] * (target < 1)
        exact = [
            float(-mpmath.fsum(weight * mpmath.log(q) for weight, q, _ in terms)),
            [float(mpmath.fsum(sign * weight / q for weight, q, sign in terms))],
            [[float(mpmath.fsum(weight / q**2 for weight, q, _ in terms))]],
        ]
    assert same_to_second_order(to_second_order(nn.binary_cross_entropy, [probability], [target], way), exact, 1e-14)


@pytest.mark.parametrize("way", WAYS)
def test_hubers_loss_at_its_joints(way):
    """Where both branches meet the inner one counts, and at 0 the curvature is 1."""
    for error, value, slope in [(1.0, 0.5, 1.0), (-1.0, 0.5, -1.0), (0.0, 0.0, 0.0)]:
        assert to_second_order(nn.huber, [error], [0.0], way) == (value, [slope], [[1.0]])
    assert to_second_order(nn.huber, [3.0], [0.0], way) == (2.5, [1.0], [[0.0]])


@pytest.mark.parametrize("way", ["numpy", "python", pytest.param("jax", marks=pytest.mark.jax)])
@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss, partial(nn.cross_entropy, label_smoothing=0.1)])
def test_labels_are_weighed_and_ignored_in_a_program_as_well(loss, way):
    """A label that is neither a class nor ignored gives nan, as a program cannot refuse it any more."""
    outputs = [[-0.5, -1.0, -2.0], [-0.1, -3.0, -0.7]]
    for ignored in (-1, 1):
        weighed = partial(loss, weight=[0.5, 2.0, 1.0], ignore_index=ignored)
        program = m.compile(weighed, example=(outputs, [0.0] * 2), wrt="inputs", backend=way)
        for labels in ([0, 2], [2, ignored]):
            value, (gradient, _) = program.value_and_grad([outputs], [labels])
            assert value == pytest.approx(weighed(outputs, labels), rel=1e-14)
            expected = m.grad(lambda y, labels=labels: weighed(y, labels))(outputs)  # noqa: B023  called here
            assert gradient[0] == pytest.approx(np.array(expected), rel=1e-13)
        for label in (3, -2, 0.5):
            assert math.isnan(program.value([outputs], [[0, label]]))


def test_what_costs_nothing_is_a_value_as_well():
    """Of an output that is one, so that it can be added up, swept and trained on."""
    outputs = [[Value(-0.5), Value(-1.0)], [Value(-0.3), Value(-2.0)]]
    for losses in (
        nn.kl_div(outputs[0], [0.0, 1.0], "none"), nn.kl_div(outputs[0], [-INF, 0.0], "none", log_target=True),
        nn.cross_entropy(outputs, [-1, 0], "none", ignore_index=-1),
    ):  # fmt: skip
        assert [type(loss) for loss in losses] == [Value, Value]
        losses[0].backward()
        assert (losses[0].data, outputs[0][0].grad, outputs[0][0].swept) == (0.0, 0.0, True)


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.multiclass_hinge])
@pytest.mark.parametrize("way", WAYS)
def test_a_loss_of_nan_is_nan(loss, way):
    """Eager and compiled alike, whichever class it is."""
    for label in (0, 1):
        assert math.isnan(to_second_order(loss, [NAN, 0.0], label, way)[0])
    if loss is nn.cross_entropy:
        assert math.isnan(to_second_order(loss, [0.0, NAN], [1.0, 0.0], way)[0])
        assert math.isnan(to_second_order(loss, [-INF, -INF], 0, way)[0])  # nothing is possible


def test_the_derivative_by_a_distribution_is_the_loss_of_each_class():
    """Also where a class has the weight 0; and a class that is masked is not asked."""
    weights = [Value(0.5), Value(0.0), Value(0.5)]
    nn.cross_entropy([1.0, 2.0, 4.0], weights).backward()
    assert [y.grad for y in weights] == pytest.approx([nn.cross_entropy([1.0, 2.0, 4.0], place) for place in range(3)])
    weights = [Value(1.0), Value(0.0)]
    nn.cross_entropy([1.0, -INF], weights).backward()
    assert all(math.isfinite(y.grad) for y in weights)


@pytest.mark.parametrize("way", ["eager", "numpy"])
def test_softmax_and_logsumexp_keep_their_digits(way):
    """∂pᵢ/∂xⱼ = pᵢ (δᵢⱼ − pⱼ), where 1 − pᵢ would cancel; ln Σ eˣ, where it is tiny."""
    for xs in ([37.4, 0.0], [0.0, -50.0, -60.0], [0.0, 0.0, 0.0], [0.0, -INF, 0.0, 1.0], [5.0]):
        expected = by_mpmath(xs, 0)[2]
        functions = [lambda v: m.jacobian(m.softmax)(v), lambda v: m.hessian(m.logsumexp)(v)]
        if way != "eager":
            functions = [
                lambda v, f=f: m.compile(f, example=(v,), reduce=None, backend=way).value([v])[0] for f in functions
            ]
        for f in functions:
            assert np.asarray(f(xs)) == pytest.approx(np.array(expected), rel=1e-14, abs=1e-300)
    program = m.compile(m.logsumexp, example=([0.0, 0.0],), wrt="inputs", backend="numpy")
    assert program.value([[0.0, -37.4]]) == m.logsumexp(0.0, -37.4) == pytest.approx(math.exp(-37.4), rel=1e-14)
    assert program.grad([[INF, 0.0]]).tolist() == [[1.0, 0.0]]


def test_labels_and_outputs_that_a_program_computes():
    """A label may be the place of the largest of so many numbers, and of no more, or an input."""
    argmax, gate = lookup("argmax"), lookup("cross_entropy")
    program = m.compile(lambda x: gate(argmax(*x), *x), example=([0.0, 0.0, 0.0],), wrt="inputs")
    assert program.value([[1.0, 3.0, 2.0]]) == pytest.approx(nn.cross_entropy([1.0, 3.0, 2.0], 1), rel=1e-14)
    with pytest.raises(ValueError, match="a label chooses among 2 numbers"):
        m.compile(lambda x: gate(argmax(*x), *x[:2]), example=([0.0, 0.0, 0.0],), wrt="inputs")
    with pytest.raises(ValueError, match="a label chooses among 2 numbers"):
        m.compile(lambda x: gate(2.0, *x), example=([0.0, 0.0],), wrt="inputs")
    program = m.compile(nn.cross_entropy, example=([0.0, 0.0], 0.0), wrt="inputs")
    with pytest.raises(ValueError, match="whole numbers from 0 to 1, one of 2 classes"):
        program.value([[1.0, 2.0]], [2])


# ---- one example or a batch, shapes, reductions ------------------------------------------------------------------

# loss, outputs of three examples, their targets
EACH = {
    "mse": (nn.mse, [0.5, -1.0, 2.0], [1.0, 0.0, 2.5]),
    "mse of pairs": (nn.mse, [[0.5, 1.0], [-1.0, 0.3], [2.0, 1.0]], [[1.0, 0.0], [0.0, 0.5], [2.5, 1.0]]),
    "bce": (nn.binary_cross_entropy, [0.5, 0.1, 0.9], [1, 0, 0.5]),
    "bce of logits": (LOSSES["binary_cross_entropy_with_logits"], [0.5, -1.0, 2.0], [1, 0, 0.5]),
    "cross entropy": (nn.cross_entropy, [[0.5, 1.0], [-1.0, 0.3], [2.0, 1.0]], [1, 0, 1]),
    "of distributions": (
        nn.cross_entropy, [[0.5, 1.0], [-1.0, 0.3], [2.0, 1.0]], [[1, 0], [0.25, 0.75], [0.5, 0.5]],
    ),
    "l1": (nn.l1_loss, [0.5, -1.0, 2.0], [1.0, 0.0, 2.5]),
    "huber": (nn.huber, [0.5, -3.0, 2.0], [1.0, 0.0, 2.5]),
    "huber of delta": (partial(nn.huber, delta=0.7), [0.5, -3.0, 2.0], [1.0, 0.0, 2.9]),
    "smooth l1": (partial(nn.smooth_l1_loss, beta=2.0), [0.5, -3.0, 2.0], [1.0, 0.0, 2.5]),
    "kl": (nn.kl_div, [-0.5, -1.0, -2.0], [0.2, 0.0, 0.8]),
    "kl of logarithms": (partial(nn.kl_div, log_target=True), [-0.5, -1.0, -2.0], [-0.2, -3.0, -0.8]),
    "nll": (nn.nll_loss, [[-0.5, -1.0], [-2.0, -0.3], [-2.0, -1.0]], [1, 0, 1]),
    "smoothed": (partial(nn.cross_entropy, label_smoothing=0.2), [[0.5, 1.0], [-1.0, 0.3], [2.0, 1.0]], [1, 0, 1]),
    "hinge": (nn.hinge, [0.5, -0.7, 2.0], [1, -1, -1]),
    "multiclass hinge": (nn.multiclass_hinge, [[0.5, 1.0], [-1.0, 0.3], [2.0, 1.0]], [1, 0, 1]),
}  # fmt: skip
each = pytest.mark.parametrize(("loss", "outputs", "targets"), EACH.values(), ids=EACH)


def test_every_loss_is_among_these():
    tested = [loss for loss, _, _ in EACH.values()]
    assert all(any(getattr(one, "func", one) is loss for one in tested) for loss in LOSSES.values())


@pytest.mark.sampled(3)
@each
def test_a_batch_is_reduced_over_its_examples(loss, outputs, targets):
    """The mean or the sum of what the examples give; the mean unless told."""
    alone = [loss(output, target) for output, target in zip(outputs, targets, strict=True)]
    assert loss(outputs, targets) == pytest.approx(np.mean(alone), rel=1e-14)
    assert loss(outputs, targets, reduction="mean") == loss(outputs, targets)
    width = len(outputs[0]) if loss is nn.mse and isinstance(outputs[0], list) else 1  # mse divides by all numbers
    assert loss(outputs, targets, reduction="sum") == pytest.approx(width * np.sum(alone), rel=1e-14)
    separate = loss(outputs, targets, reduction="none")
    assert np.shape(separate) == (np.shape(outputs) if loss is nn.mse else (3,))
    assert np.mean(separate) == pytest.approx(loss(outputs, targets), rel=1e-14)
    assert type(loss(outputs, targets)) is float


@pytest.mark.sampled(3)
@each
def test_lists_tuples_arrays_and_values_are_the_same_to_a_loss(loss, outputs, targets):
    expected = loss(outputs, targets)
    assert loss(tuple(outputs), tuple(targets)) == expected
    assert loss(np.array(outputs), np.array(targets)) == expected
    assert value_and_gradient(lambda y: loss(y, np.array(targets)), outputs)[0] == expected
    assert value_and_gradient(lambda y: loss(y, targets), outputs)[0] == expected


@pytest.mark.parametrize("name", ["mse", "bce", "bce of logits", "hinge"])
def test_columns_and_rows_are_the_same_to_a_loss_of_numbers(name):
    """Outputs or targets of shape (n,) or (n, 1), as layers and MLPs give them."""
    loss, outputs, targets = EACH[name]
    column, labels = np.reshape(outputs, (-1, 1)), np.reshape(targets, (-1, 1))
    assert loss(column, targets) == loss(outputs, labels) == loss(column, labels) == loss(outputs, targets)


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_a_loss_of_a_class_of_weight_0_is_a_gate_that_hands_nothing_on(loss, reduction):
    """So that a batch of such labels is swept as any other, and `fit` does not take its loss for a mere number."""
    outputs = [Value(-0.5), Value(-INF)]
    for label, slope in [(0, -1.0), (1, 0.0)]:
        out = loss([outputs], [label], reduction, weight=[1.0, 0.0])
        (out if reduction == "sum" else out[0]).backward()
        assert outputs[label].grad == (0.0 if loss is nn.cross_entropy else slope)


def test_weights_in_a_row_are_those_of_a_column():
    outputs, labels, weight = [0.5, 0.1, 0.9], [1, 0, 1], [1.0, 2.0, 0.0]
    expected = nn.binary_cross_entropy(outputs, labels, weight=weight, pos_weight=weight)
    column = np.reshape(outputs, (-1, 1))
    assert nn.binary_cross_entropy(column, labels, weight=weight, pos_weight=weight) == expected


@pytest.mark.sampled(8)
@each
def test_second_derivatives_exist_and_are_right(loss, outputs, targets):
    flat = np.ravel(outputs).tolist()

    def f(v):
        it = iter(v)
        return loss([[next(it) for _ in row] if isinstance(row, list) else next(it) for row in outputs], targets)

    m.check_grads(f, (flat,), order=2)


def test_half_the_sum_of_squares_of_note_002():
    assert 0.5 * nn.mse([0.75136507, 0.772928465], [0.01, 0.99], "sum") == pytest.approx(0.298371109, abs=5e-10)


@pytest.mark.sampled(3)
@each
def test_the_gates_of_a_loss_do_not_depend_on_the_numbers(loss, outputs, targets):
    """No decision by a number is frozen into the graph, so it can be compiled."""

    def gates(factor):
        out = np.clip(np.array(outputs) * factor, 0.01, 0.99) if loss is nn.binary_cross_entropy else np.array(outputs)
        leaves = [Value(one) for one in out.ravel() * (1 if loss is nn.binary_cross_entropy else factor)]
        it = iter(leaves)
        y = [[next(it) for _ in row] if isinstance(row, list) else next(it) for row in outputs]
        return [node.primitive and node.primitive.name for node in topological_order(loss(y, targets))]

    assert gates(1.0) == gates(-5.0) == gates(100.0) == gates(0.0)


@each
def test_a_target_may_be_a_value(loss, outputs, targets):
    """Then it is part of the graph; a label is not checked, and takes no gradient."""
    wrapped = [[Value(one) for one in row] if isinstance(row, list) else Value(row) for row in targets]
    leaves = [Value(one) for one in np.ravel(outputs)]
    it = iter(leaves)
    y = [[next(it) for _ in row] if isinstance(row, list) else next(it) for row in outputs]
    found = loss(y, wrapped)
    found.backward()
    assert found.data == pytest.approx(loss(outputs, targets), rel=1e-14)


# ---- penalties ---------------------------------------------------------------------------------------------------


def some_model():
    return nn.Sequential(nn.MLP(2, [3, 2], rng=0), nn.Neuron(2, rng=1), nn.Maxout(1, 2, 2, rng=2))


def with_biases():
    model = some_model()
    for place, parameter in enumerate(model.parameters()):
        parameter.data += 0.1 * (place % 3 - 1)
    return model


def split(model):
    """Weights and biases, as arrays."""
    named = [(name, parameter.data) for name, parameter in model.named_parameters()]
    is_bias = [".bias[" in name or name.endswith(".b") for name, _ in named]
    data = np.array([one for _, one in named])
    return data, np.array(is_bias)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("strength", [0.0, 0.1, 3])
def test_penalties_are_their_formulas_and_leave_biases_out_unless_told(strength, biases):
    """λ Σ|w| with the slope λ·sign w; ½ λ Σw² with the slope λw (note 002)."""
    model = with_biases()
    data, is_bias = split(model)
    taken = np.ones_like(is_bias) if biases else ~is_bias
    assert 0 < is_bias.sum() < len(is_bias)
    for penalty, value, slope in [
        (nn.l1, strength * np.abs(data[taken]).sum(), strength * np.sign(data)),
        (nn.l2, 0.5 * strength * (data[taken] ** 2).sum(), strength * data),
    ]:
        model.zero_grad()
        found = penalty(model, strength, biases=biases)
        found.backward()
        assert found.data == pytest.approx(value, rel=1e-12)
        assert [one.grad for one in model.parameters()] == pytest.approx((slope * taken).tolist(), rel=1e-12)
        assert [one.swept for one in model.parameters()] == taken.tolist()


def test_l2_and_weight_decay_have_the_same_gradient():
    """½ λ‖w‖² in the loss is a weight decay of λ in plain descent (note 002)."""
    found = []
    for decay, penalty in ((0.3, 0.0), (0.0, 0.3)):
        model = nn.Neuron(3, activation="linear", rng=0)
        optimizer = m.optim.SGD([{"params": model.w, "weight_decay": decay}, {"params": [model.b]}], lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            (nn.mse(model([1.0, 2.0, -1.0]), [0.5]) + nn.l2(model, penalty)).backward()
            optimizer.step()
        found.append([one.data for one in model.parameters()])
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_a_shared_weight_is_penalised_once():
    layer = nn.Layer(2, 2, init=nn.init.constant(1.0))
    assert nn.l2(nn.Sequential(layer, layer), 1.0).data == 2.0
    assert nn.l1(nn.Sequential(layer, layer), 1.0).data == 4.0


@pytest.mark.torch
def test_l1_and_l2_are_those_of_torch():
    import torch

    model = with_biases()
    tensor = torch.tensor([one.data for one in model.parameters()], requires_grad=True, dtype=torch.float64)
    (0.1 * tensor.abs().sum() + 0.05 * tensor.pow(2).sum()).backward()
    (nn.l1(model, 0.1, biases=True) + nn.l2(model, 0.1, biases=True)).backward()
    assert [one.grad for one in model.parameters()] == pytest.approx(tensor.grad.tolist(), rel=1e-12)


# ---- what is refused ---------------------------------------------------------------------------------------------

CLASSES = "a label must be a whole number from 0 to 2, one of 3 classes, got"
THREE = [0.1, 0.2, 0.3]
REFUSED = {
    "a class too many": (lambda: nn.cross_entropy(THREE, 3), ValueError, f"{CLASSES} 3.0"),
    "a negative class": (lambda: nn.cross_entropy(THREE, -1), ValueError, f"{CLASSES} -1.0"),
    "half a class": (lambda: nn.cross_entropy([THREE, THREE], [0, 0.5]), ValueError, f"{CLASSES} 0.5"),
    "class nan": (lambda: nn.cross_entropy(THREE, math.nan), ValueError, f"{CLASSES} nan"),
    "class inf": (lambda: nn.cross_entropy(THREE, math.inf), ValueError, f"{CLASSES} inf"),
    "class text": (lambda: nn.cross_entropy(THREE, "cat"), TypeError, "expected a number or a Value, got str 'cat'"),
    "class None": (lambda: nn.cross_entropy(THREE, None), TypeError, "expected a number or a Value, got NoneType"),
    "labels too few": (lambda: nn.cross_entropy([THREE, THREE], [0]), ValueError, r"each of 2 examples, got \[0\]"),
    "labels too many": (lambda: nn.cross_entropy([THREE], [0, 1]), ValueError, r"each of 1 examples, got \[0, 1\]"),
    "one label for two": (lambda: nn.cross_entropy([THREE, THREE], 0), ValueError, "each of 2 examples, got 0"),
    "a column of labels": (
        lambda: nn.cross_entropy([THREE, THREE], [[0], [1]]), ValueError, "over 3 classes, got a list of 1",
    ),
    "a distribution too long": (lambda: nn.cross_entropy(THREE, [0.25] * 4), ValueError, "got a list of 4"),
    "negative parts": (lambda: nn.cross_entropy(THREE, [2.0, -1.0, 0.0]), ValueError, "add up to 1, got .2.0"),
    "whole negative parts": (lambda: nn.cross_entropy(THREE, [1, -1, 0]), ValueError, "add up to 1, got .1, -1"),
    "parts of 0.9": (lambda: nn.cross_entropy(THREE, [0.5, 0.4, 0.0]), ValueError, "add up to 1, got .0.5, 0.4"),
    "parts of 1.001": (lambda: nn.cross_entropy(THREE, [0.5, 0.5, 0.001]), ValueError, "add up to 1, got .0.5, 0.5"),
    "parts of 0": (lambda: nn.cross_entropy([THREE], [[0.0, 0.0, 0.0]]), ValueError, "add up to 1, got .0.0, 0.0"),
    "nan among parts": (lambda: nn.cross_entropy(THREE, [1.0, math.nan, 0.0]), ValueError, "add up to 1, got .1.0"),
    "hinge class": (lambda: nn.multiclass_hinge(THREE, 3), ValueError, f"{CLASSES} 3.0"),
    "hinge class nan": (lambda: nn.multiclass_hinge([THREE], [math.nan]), ValueError, f"{CLASSES} nan"),
    "hinge distribution": (
        lambda: nn.multiclass_hinge(THREE, [0.0, 0.5, 0.5]), ValueError, r"a label is the number of a class, got \[0",
    ),
    "hinge of 0": (lambda: nn.hinge([0.5, 1.0], [1, 0]), ValueError, r"of hinge are −1 and 1, got 0.0: take 2\*y - 1"),
    "hinge of a half": (lambda: nn.hinge(0.5, 0.5), ValueError, "the labels of hinge are −1 and 1, got 0.5"),
    "hinge of nan": (lambda: nn.hinge(0.5, math.nan), ValueError, "the labels of hinge are −1 and 1, got nan"),
    "a probability of 2": (lambda: nn.binary_cross_entropy(0.5, 2), ValueError, "from 0 to 1, got 2.0"),
    "a label of −1": (lambda: nn.binary_cross_entropy([0.5], [-1], True), ValueError, "from 0 to 1, got -1.0"),
    "a target of nan": (lambda: nn.binary_cross_entropy(0.5, math.nan), ValueError, "from 0 to 1, got nan"),
    "an output above 1": (lambda: nn.binary_cross_entropy(1.5, 1), ValueError, "output must be from 0 to 1, got 1.5"),
    "an output below 0": (
        lambda: nn.binary_cross_entropy([Value(-0.5)], [1]), ValueError, "got -0.5: .*with_logits takes others",
    ),
    "targets too few": (lambda: nn.mse([1.0, 2.0], [1.0]), ValueError, "got shapes \\(2,\\) and \\(\\)"),
    "targets too many": (lambda: nn.hinge([1.0], [1, 1]), ValueError, "got shapes \\(\\) and \\(2,\\)"),
    "−100 unasked": (
        lambda: nn.cross_entropy(THREE, -100), ValueError, f"{CLASSES} -100.0; .* leaves it out with ignore_index=-100",
    ),
    "all ignored": (
        lambda: nn.cross_entropy([THREE, THREE], [-1, -1], ignore_index=-1), ValueError, "every label is left out",
    ),
    "half ignored": (
        lambda: nn.cross_entropy(THREE, 0, ignore_index=0.5), TypeError, "ignore_index must be a whole .*, got 0.5",
    ),
    "another is ignored": (lambda: nn.nll_loss(THREE, -2, ignore_index=-1), ValueError, f"{CLASSES} -2.0"),
    "weights too few": (lambda: nn.cross_entropy(THREE, 0, weight=[1, 2]), ValueError, "each of 3 classes, got 2"),
    "a negative weight": (lambda: nn.nll_loss(THREE, 0, weight=[1, 2, -1]), ValueError, "finite numbers ≥ 0, .* -1"),
    "no label left": (
        lambda: nn.cross_entropy([THREE], [-1], ignore_index=-1), ValueError, "no mean: .* reduction='sum' gives 0",
    ),
    "one weight": (lambda: nn.cross_entropy(THREE, 0, weight=2.0), TypeError, "one for each class, got 2.0"),
    "weights by place": (lambda: nn.cross_entropy(THREE, 0, [1.0, 2.0]), ValueError, "weights go by name, weight="),
    "smoothing of 2": (lambda: nn.cross_entropy(THREE, 0, label_smoothing=2), ValueError, "label_smoothing .* 2"),
    "nll of a distribution": (lambda: nn.nll_loss(THREE, [0.0, 0.5, 0.5]), ValueError, "the number of a class, got"),
    "weights of another shape": (
        lambda: nn.binary_cross_entropy(THREE, [1, 0, 1], weight=[1, 2]), ValueError, r"weight must have .* \(3,\)",
    ),
    "pos_weight nan": (
        lambda: nn.binary_cross_entropy(THREE, [1, 0, 1], pos_weight=math.nan), ValueError, "pos_weight .* got nan",
    ),
    "δ of 0": (lambda: nn.huber(THREE, THREE, delta=0), ValueError, "delta must be a finite number > 0, got 0"),
    "β of 0": (lambda: nn.smooth_l1_loss(THREE, THREE, beta=0), ValueError, "beta must be a finite number > 0, got 0"),
    "no share": (lambda: nn.kl_div(THREE, [0.5, 0.6, -0.1]), ValueError, "got -0.1: log_target=True"),
    "a mean by batch": (lambda: nn.mse(1.0, 2.0, "batchmean"), ValueError, "'sum' or 'none', got 'batchmean'"),
    "nothing": (lambda: nn.mse([], []), ValueError, "got shapes \\(\\) and \\(\\)"),
    "no scores": (lambda: nn.cross_entropy([], []), ValueError, "at least one"),
    "text": (lambda: nn.mse("a", "b"), TypeError, "expected a number or a Value, got str 'a'"),
    "a target of None": (lambda: nn.mse([1.0], None), TypeError, "expected a number or a Value, got NoneType"),
    "λ negative": (lambda: nn.l1(some_model(), -0.1), ValueError, "strength must be a finite number ≥ 0, got -0.1"),
    "λ nan": (lambda: nn.l2(some_model(), math.nan), ValueError, "strength must be a finite number ≥ 0, got nan"),
    "λ text": (lambda: nn.l2(some_model(), "much"), TypeError, "strength must be .*, got 'much'"),
    "nothing to penalise": (lambda: nn.l2(nn.Dropout(), 0.1), ValueError, r"Dropout\(0.5\) has no weights to penalise"),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_distribution_may_be_rounded():
    for parts in ([0.1] * 10, np.float32([1 / 3] * 3), [1 / 3 + 1e-7] * 3):
        assert nn.cross_entropy([0.0] * len(parts), parts) == pytest.approx(math.log(len(parts)), rel=1e-6)


@pytest.mark.sampled(5)
@each
@pytest.mark.parametrize("reduction", ["Mean", None, 1])
def test_reductions_are_mean_sum_and_none(loss, outputs, targets, reduction):
    with pytest.raises(ValueError, match=f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}"):
        loss(outputs, targets, reduction=reduction)

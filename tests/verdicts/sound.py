"""Cases in which every rule is right: smooth, at kinks, jumps and edges of a domain, and where floats lose digits."""

from __future__ import annotations

from typing import Any

from microgradnn import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    cos,
    cosh,
    dot,
    elu,
    exp,
    exp2,
    floor,
    gelu,
    hardtanh,
    hypot,
    leaky_relu,
    log,
    log1p,
    log2,
    log10,
    logsumexp,
    maximum,
    mean,
    minimum,
    norm,
    relu,
    remainder,
    sigmoid,
    sign,
    silu,
    sin,
    sinc,
    sinh,
    softmax,
    softplus,
    softsign,
    sqrt,
    step,
    tan,
    tanh,
    where,
    xlogy,
)  # fmt: skip
from microgradnn.primitive import gates
from microgradnn.table import LABELLED, stop_gradient
from tests.verdicts.case import Case, worst
from tests.verdicts.functions import (
    arm,
    black_scholes,
    by_branch,
    cross_entropy_of_digits,
    horner,
    larger_root,
    layer,
    lennard_jones,
    network,
    newton_root,
    pendulum,
    planck,
    product,
    relu_network,
    rosenbrock,
    taylor_of_exp,
    tower,
    variance,
)  # fmt: skip

# ---- right -----------------------------------------------------------------------------------------------------------

_RIGHT: dict[str, list[tuple[Any, ...]]] = {
    "activations": [
        *[(f, (x,)) for f, xs in {
            tanh: (0.3, -6.0, 20.0), sigmoid: (0.0, -30.0, 40.0), softplus: (-3.0, 25.0), softsign: (-2.0, 1e3),
            gelu: (0.7, -4.0), silu: (-1.2, 30.0), relu: (-2.0, 1e-9), elu: (-0.5, 3.0), hardtanh: (0.5, -7.0),
        }.items() for x in xs],
        (lambda x: leaky_relu(x, 0.1), (-2.0,)), (lambda x: tanh(0.5 * x) * sigmoid(x), (1.3,)),
    ],
    "losses": [
        (lambda p, y: (p - y) ** 2, (0.7, 1.0)), (lambda z: softplus(z) - 0.3 * z, (2.5,)),
        (cross_entropy_of_digits, ([0.2, -1.0, 3.0],)), (lambda p: -0.2 * log(p) - 0.8 * log1p(-p), (0.3,)),
        (lambda z: logsumexp(z) - z[2], ([699.5, 700.0, 690.0],)),
        (lambda v: mean([x * x for x in v]), ([1.0, -2.0, 4.0],)),
        (lambda p, q: xlogy(p, p) - xlogy(p, q), (0.3, 0.6)), (lambda e: sqrt(1 + e * e) - 1, (0.4,)),
        (lambda z: maximum(0.0, 1 - z), (0.2,)), (lambda e: where(abs(e) - 1, abs(e) - 0.5, e * e / 2), (2.0,)),
    ],
    "physics": [
        (pendulum, (0.4, -1.0)), (lennard_jones, (1.1, 0.9, 1.0)), (black_scholes, (100.0, 95.0, 0.03, 0.2)),
        (planck, (2.8,)), (arm, (0.3, 0.9, 1.2, 0.8)), (lambda m, v: m / sqrt(1 - v * v), (2.0, 0.6)),
        (lambda t: exp(-0.2 * t) * cos(3 * t), (1.7,)), (lambda x, y: atan2(y, x), (-1.0, 0.5)),
        (lambda q, r: 8.99e9 * q * q / r**2, (1.6e-19, 5e-11)), (lambda t: 5.67e-8 * t**4, (300.0,)),
    ],
    "chains": [
        (tower, (0.8,)), (newton_root, (2.0,)), (lambda x: exp(sin(log(sqrt(x)))), (3.0,)),
        (lambda x: tanh(tanh(tanh(tanh(x)))), (0.9,)), (lambda x: atan(sinh(asinh(tan(x)))), (0.4,)),
        (lambda x: log(1 + exp(sin(x * x))), (1.3,)), (lambda x: acosh(1 + cosh(x)), (0.2,)),
        (lambda x: cbrt(x) + exp2(x) + log2(x) + log10(x), (2.5,)),
        (lambda x: asin(x) + acos(x) ** 2 + atanh(x), (0.3,)),
    ],
    "products and powers": [
        (product, ([1.5, -2.0, 3.0, 0.1],)), (horner, ([1.0, -3.0, 2.0, 5.0], 0.7)), (lambda x, y: x**y, (2.0, 3.5)),
        (lambda x, y: x**y, (2.0, 0.0)), (lambda x: x**-3, (-1.5,)), (lambda x: x**20, (1.1,)),
        (lambda x: 2.0**x, (5.0,)),
        (lambda x, y: x / y / y, (3.0, -0.2)), (lambda x: x**x, (1.7,)), (rosenbrock, ([-1.2, 1.0, 0.5],)),
    ],
    "near edges": [
        (lambda x: sqrt(x), (1e-9,)), (lambda x: log(x), (1e-12,)), (lambda x: asin(x), (0.999999,)), (relu, (-1e-12,)),
        (lambda x: acosh(x), (1.00001,)), (lambda x: 1 / x, (1e-9,)), (lambda x: abs(x) ** 1.5, (1e-10,)),
        (floor, (2.999999999,)), (lambda x: tan(x), (1.57,)), (lambda x: x % 1.0, (0.9999999,)),
        (by_branch, (1.0000001,)),
        (lambda x: log1p(x), (-0.99999,)), (lambda x, y: maximum(x, y), (1.0, 1.0 + 1e-12)), (cbrt, (-1e-12,)),
    ],
    "huge and tiny": [
        (lambda x: x * 1e-300, (1.0,)), (lambda x: x * 1e300, (-2.0,)), (lambda x: x * x, (1e150,)),
        (norm, (3e200, 4e200)),
        (lambda x: 1 / x, (-3e120,)), (lambda x, y: hypot(x, y), (3e200, 4e200)), (lambda x: exp(x), (700.0,)),
        (lambda x: exp(x), (-700.0,)), (lambda x: log(x), (1e300,)), (lambda x: sqrt(x), (1e-200,)),
        (lambda x, y: x + y, (1e12, 1e-12)), (lambda x, y: x * 1e12 + y, (1.0, 3.0)),
        (lambda x, y: x * y, (1e-150, 1e150)),
    ],
    "flat points": [
        (lambda x: x**2, (0.0,)), (lambda x: x**4, (0.0,)), (cos, (0.0,)), (lambda x: (x - 1) ** 3, (1.0,)),
        (cosh, (0.0,)),
        (lambda x: x * x * sin(x), (0.0,)), (sinc, (0.0,)), (lambda x, y: x * y, (0.0, 0.0)),
        (lambda x: exp(-x * x), (0.0,)),
        (lambda x: relu(x) ** 2 * x, (0.0,)), (lambda x: x * x * abs(x), (0.0,)),
    ],
    "stiff": [
        (lambda x: exp(-1000 * x), (0.01,)), (lambda x: tanh(1e6 * x), (1e-7,)), (lambda x: sin(1e4 * x), (0.1234,)),
        (lambda x: 1 / (1e-12 + x * x), (1e-6,)), (lambda x: sigmoid(1e5 * (x - 1)), (1.00001,)),
        (lambda x, y: 1e8 * (x - y) ** 2 + x, (1.0, 1.5)), (lambda x: exp(exp(x)), (2.0,)),
    ],
    "constants": [
        (lambda x: 3.0, (1.0,)), (lambda x: 0 * x + 2.0, (5.0,)), (lambda x, y: x + 0 * y, (1.0, 2.0)),
        (lambda x: step(x) * x, (2.0,)), (sign, (-3.0,)), (floor, (2.5,)), (lambda x, y: y * 2.0, (1.0, 2.0)),
    ],
    "cancelling": [
        (lambda x: sin(x) ** 2 + cos(x) ** 2, (0.5,)), (lambda x, y: x * y - y * x, (1.3, 2.4)),
        (lambda x: x - x, (3.0,)),
        (lambda x: 1e16 + x - 1e16, (1.0,)), (lambda x: (x + 1e8) - 1e8, (0.1,)), (lambda x: x / x, (3.0,)),
        (lambda x: log(exp(x)), (50.0,)), (lambda x: relu(x) - relu(-x), (2.0,)),
        (lambda x: exp(x) - exp(x) + x, (3.0,)),
    ],
    "vectors": [
        (lambda v: logsumexp(v), ([1.0, 2.0, 3.0],)), (lambda v: softmax(v)[0], ([0.3, -0.2, 1.0],)),
        (lambda w, x: dot(w, x), ([1.0, -2.0], [3.0, 0.5])), (lambda v: norm(v), ([1.0, -2.0, 2.0],)),
        (lambda v: maximum(v), ([1.0, 3.0, 2.0],)), (lambda v: minimum(v) * v[1], ([1.0, 3.0, 2.0],)),
        (variance, ([1.0, 2.5, -4.0],)), (lambda t: t[0][0] * t[0][1] + t[1], ([[1.0, 2.0], 3.0],)),
    ],
    "networks": [
        (network, ([[0.1, -0.4, 0.3], [0.7, 0.2, -0.5]], [0.6, -1.1], [1.0, 0.5])),
        (relu_network, ([[0.5, -0.3, 0.2], [-0.8, 0.4, 0.1]], [1.5, -0.7], [0.3, 0.9])),
        (layer, ([[0.2, -0.3, 0.1], [0.5, 0.4, -0.2]], [0.7, -1.2])),
    ],
}  # fmt: skip

# ---- kinks, jumps, edges, noise --------------------------------------------------------------------------------------

_OTHER: dict[str, list[tuple[Any, ...]]] = {
    "kinks": [
        (relu, (0.0,), "kink"), (lambda x: abs(x), (0.0,), "kink"), (lambda x: maximum(x, 1.0), (1.0,), "kink"),
        (lambda x, y: maximum(x, y), (2.0, 2.0), "kink"), (lambda x, y: minimum(x, y) + x, (2.0, 2.0), "kink"),
        (lambda x: leaky_relu(x, 0.1), (0.0,), "kink"), (lambda x: elu(x, 0.5), (0.0,), "kink"),
        (hardtanh, (1.0,), "kink"),
        (lambda x, y: relu(x) * y + y * y, (0.0, 3.0), "kink", "right"), (lambda x: abs(x - 3) * x, (3.0,), "kink"),
        (lambda x: exp(relu(x)), (0.0,), "kink"), (lambda v: norm(v), ([0.0, 0.0],), "kink"),
        (lambda x: relu(x) - 0.5 * relu(-x), (0.0,), "wrong"), (lambda x: relu(x) - relu(-x), (0.0,), "wrong"),
        (lambda x: abs(x) + x, (0.0,), "kink"), (lambda x: relu(x) * 0.0 + x, (0.0,), "right"),
        (elu, (0.0,), "right/kink"),
        (lambda x: relu(x) * x, (0.0,), "right/kink"),
        (lambda x, y: maximum(x, y) + minimum(x, y), (1.0, 1.0), "right"),
        (lambda x: maximum(x, x), (2.0,), "right"), (lambda x: abs(sin(x)), (0.0,), "kink"),
        (lambda x: where(x, 2 * x, -x), (0.0,), "kink"),
        (lambda x, y, z: maximum(x, y, z), (1.0, 1.0, 0.0), "kink", "kink", "right"),
    ],
    "jumps": [
        (step, (0.0,), "jump"), (floor, (2.0,), "jump"), (sign, (0.0,), "jump"), (lambda x: x % 1.0, (3.0,), "jump"),
        (lambda x: x * floor(x), (1.0,), "jump"), (lambda x, y: where(x, y, -y), (0.0, 2.0), "jump", "right"),
        (lambda x, y: remainder(x, y), (6.0, 2.0), "jump"), (lambda x: step(x - 1) * exp(x), (1.0,), "jump"),
    ],
    "edges": [
        (sqrt, (0.0,), "outside"), (log, (0.0,), "outside"), (asin, (1.0,), "outside"), (acos, (-1.0,), "outside"),
        (lambda x, y: x**y, (0.0, 1.5), "outside", "right"), (lambda x: x**0.5, (0.0,), "outside"),
        (acosh, (1.0,), "outside"),
        (lambda x: x**1.5, (0.0,), "outside"), (lambda x, y: sqrt(x) + y, (0.0, 2.0), "outside", "right"),
        (lambda x: sqrt(1 - x * x), (1.0,), "outside"), (lambda x: sqrt(x) * x, (0.0,), "outside"),
        (cbrt, (0.0,), "steep"),
        (lambda x: 1 / x, (0.0,), "outside"), (lambda x: log1p(x), (-1.0,), "outside"), (atanh, (1.0,), "outside"),
        (lambda x: xlogy(x, x), (0.0,), "outside"),
    ],
    "noise": [
        (lambda x: (1 - cos(x)) / x**2, (1e-9,), "noisy"), (lambda x: (exp(x) - 1 - x) / x**2, (1e-9,), "noisy"),
        (lambda x: sqrt(x + 1) - sqrt(x), (1e15,), "noisy"), (lambda x: tan(x) - sin(x), (1e-8,), "noisy"),
        (lambda x: sin(1e22 * x), (0.1,), "noisy"), (taylor_of_exp, (-25.0,), "noisy"),
        (variance, ([1e14, 1e14 + 1, 1e14 + 3],), "noisy"), (lambda x: (x - sin(x)) / x**3, (1e-7,), "noisy"),
        (larger_root, (1.0, 1e8, 1.0), "noisy", "noisy", "right"), (lambda x: (1 + x * x) ** 0.5 - x, (1e9,), "noisy"),
        (lambda x: log((1 + x) / (1 - x)) - 2 * x, (1e-7,), "noisy"), (lambda x: cosh(x) - sinh(x), (20.0,), "noisy"),
        (lambda x: sinh(x) / cosh(x), (20.0,), "noisy"),
        (lambda x: (tanh(x) - x) / x**3, (1e-7,), "noisy"), (lambda x: 1 / (1 - cos(x)) - 2 / x**2, (1e-5,), "noisy"),
        (lambda x, y: (exp(x) - 1) / x + y, (1e-12, 2.0), "noisy", "right"),
    ],
}  # fmt: skip


def _named(kind: str, f: Any, n: int) -> str:
    return f"{kind} {n}: {f.__name__ if f.__name__ != '<lambda>' else f'line {f.__code__.co_firstlineno}'}"


def _labels(labels: list[str]) -> tuple[Any, ...]:
    """The fields from `labels` to `second`; right/kink stands for a case that is right, with a kink at order 2."""
    first, second = zip(*[(label + "/" + label).split("/")[:2] for label in labels], strict=True)
    return first, (), (), None, worst(second)


SOUND = [Case(_named(kind, f, n), kind, f, args) for kind, rows in _RIGHT.items() for n, (f, args) in enumerate(rows)]
SOUND += [
    Case(f"{gate.name}{sample}", "the table", gate, sample)
    for gate in gates() if gate not in (*LABELLED, stop_gradient) for sample in gate.samples
    if (gate.name, sample) != ("equal", (1.0, 1.0))  # a jump
]  # fmt: skip
SOUND += [
    Case(_named(kind, f, n), kind, f, args, *_labels(labels))
    for kind, rows in _OTHER.items() for n, (f, args, *labels) in enumerate(rows)
]  # fmt: skip

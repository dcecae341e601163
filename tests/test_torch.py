"""PyTorch in float64 as a second opinion on values, gradients, Hessians, products and every gate that it has."""

import pytest

import microgradnn as m
from microgradnn import Value, grad, hessian, hvp, jacobian, jvp
from microgradnn.primitive import gates, lookup

pytestmark = pytest.mark.torch

# What torch calls otherwise, or takes as one tensor.
OTHERWISE = {
    "add": lambda t, x, y: x + y,
    "subtract": lambda t, x, y: x - y,
    "multiply": lambda t, x, y: x * y,
    "divide": lambda t, x, y: x / y,
    "power": lambda t, x, y: x**y,
    "softplus": lambda t, x: t.logaddexp(x, t.zeros_like(x)),
    "softsign": lambda t, x: t.nn.functional.softsign(x),
    "leaky_relu": lambda t, x, slope: t.where(x > 0, x, slope * x),
    "elu": lambda t, x, alpha: t.where(x > 0, x, alpha * t.expm1(x)),
    "hardtanh": lambda t, x: t.nn.functional.hardtanh(x),
    "step": lambda t, x: (x >= 0).double(),
    "equal": lambda t, x, y: (x == y).double(),
    "where": lambda t, c, a, b: t.where(c > 0, a, b),
    "shift": lambda t, x, m: x - m,
    "maximum": lambda t, *xs: t.amax(t.stack(xs), 0),
    "minimum": lambda t, *xs: t.amin(t.stack(xs), 0),
    "sum": lambda t, *xs: t.stack(xs).sum(),
    "dot": lambda t, *xs: t.stack(xs[: len(xs) // 2]) @ t.stack(xs[len(xs) // 2 : -1]) + xs[-1],
    "logsumexp": lambda t, *xs: t.logsumexp(t.stack(xs), 0),
    "erf": lambda t, x: t.special.erf(x),
    "clipped_log": lambda t, x, lowest: t.log(t.maximum(x, lowest)),
    "select": lambda t, index, *xs: xs[int(index)] + 0 * index,
    "cross_entropy": lambda t, index, *xs: t.nn.functional.cross_entropy(t.stack(xs), index.long()) + 0 * index,
    "argmax": lambda t, *xs: t.argmax(t.stack(xs)).double(),
    "share": lambda t, x, y: x / (x + y),
    "cbrt": lambda t, x: t.sign(x) * t.abs(x) ** (1 / 3),
    "stop_gradient": lambda t, x: x.detach() + 0 * x,
    "norm": lambda t, *xs: t.linalg.norm(t.stack(xs)),
}
POINTS = [
    pytest.param(gate, sample, id=f"{gate.name}{sample}")
    for gate in gates() for sample in gate.samples
    if gate.name != "sinc" or abs(sample[0]) > 0.1  # torch has lost the digits of its derivatives near 0
]  # fmt: skip


@pytest.fixture
def torch():
    import torch

    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(torch.float32)


def in_torch(torch, gate, xs):
    if gate.name in OTHERWISE:
        return OTHERWISE[gate.name](torch, *xs)
    for module in (torch, torch.nn.functional):
        if hasattr(module, gate.name):
            return getattr(module, gate.name)(*xs)
    assert gate.exact is not None, f"{gate.name} has no second opinion: give exact=, or write it here in torch's words"
    return None


@pytest.mark.parametrize(("gate", "sample"), POINTS)
def test_every_gate(torch, gate, sample):
    """To 1e-12; where torch has lost the digits itself (σ'(40) = 0 there) the difference is below 1e-15."""
    xs = [torch.tensor(x, requires_grad=True) for x in sample]
    out = in_torch(torch, gate, xs)
    if out is None:  # mpmath is asked, see test_properties
        return
    assert gate(*sample) == pytest.approx(out.item(), rel=1e-14, abs=1e-15)
    if out.requires_grad:
        out.backward()
    theirs = [0.0 if x.grad is None else x.grad.item() for x in xs]
    assert list(grad(gate, range(len(xs)))(*sample)) == pytest.approx(theirs, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("gate", "sample"), [point for point in POINTS if point.id != "power(3.0, 0.0)"])
def test_every_hessian(torch, gate, sample):
    if in_torch(torch, gate, list(map(torch.tensor, sample))) is None:
        return
    theirs = torch.autograd.functional.hessian(
        lambda *xs: in_torch(torch, gate, xs) + 0 * sum(xs), tuple(map(torch.tensor, sample))
    )
    ours = hessian(gate, range(len(sample)))(*sample)
    for our_row, their_row in zip(ours, theirs, strict=True):
        assert list(our_row) == pytest.approx([x.item() for x in their_row], rel=1e-11, abs=1e-14)


# One function, written for both: `m` is microgradnn or torch.


def network(m, v):
    h = [m.tanh(v[0] * v[1] + v[2]), m.exp(-v[1] * v[1]) * v[3], m.sigmoid(v[2] / (1 + v[0] ** 2))]
    return m.log(1 + m.exp(h[0] * h[1])) + h[2] * m.sin(h[0]) + h[1] ** 3


X, V = [0.7, -1.2, 0.4, 1.9], [1.0, -0.5, 0.25, 2.0]


def test_gradient_hessian_and_products(torch):
    def ours(v):
        return network(m, v)

    def theirs(v):
        return network(torch, v)

    x, v = torch.tensor(X), torch.tensor(V)
    functional = torch.autograd.functional
    assert ours(X) == pytest.approx(theirs(x).item(), rel=1e-14)
    assert grad(ours)(X) == pytest.approx(functional.jacobian(theirs, x).tolist(), rel=1e-12)
    their_hessian = functional.hessian(theirs, x).tolist()
    assert hessian(ours)(X) == [pytest.approx(row, rel=1e-11, abs=1e-13) for row in their_hessian]
    assert hvp(ours, X, V) == pytest.approx(functional.hvp(theirs, x, v)[1].tolist(), rel=1e-11)
    value, along = jvp(ours, (X,), (V,))
    their_value, their_along = torch.func.jvp(theirs, (x,), (v,))
    assert (value, along) == (pytest.approx(their_value.item()), pytest.approx(their_along.item(), rel=1e-12))


def test_jacobian_of_a_softmax_layer(torch):
    weights = [[0.2, -0.5, 1.0], [1.5, 0.3, -0.7]]

    def ours(x):
        return m.softmax([m.dot(row, x) for row in weights])

    theirs = torch.autograd.functional.jacobian(
        lambda x: torch.softmax(torch.tensor(weights) @ x, 0), torch.tensor(X[:3])
    )
    assert jacobian(ours)(X[:3]) == [pytest.approx(row, rel=1e-12) for row in theirs.tolist()]


def test_third_and_fourth_derivatives(torch):
    ours, x = lambda x: m.tanh(x) * m.exp(m.sin(x)), torch.tensor(0.3, requires_grad=True)
    theirs = torch.tanh(x) * torch.exp(torch.sin(x))
    for _ in range(4):
        (theirs,) = torch.autograd.grad(theirs, x, create_graph=True)
        ours = grad(ours)
        assert ours(0.3) == pytest.approx(theirs.item(), rel=1e-11)


def test_gradient_of_a_matrix_product(torch):
    """The gradients are dW = dD Xᵀ and dX = Wᵀ dD (note 000), with W 5 × 10 and X 10 × 3."""
    generator = torch.Generator().manual_seed(0)
    w, x, upstream = (torch.randn(shape, generator=generator) for shape in ((5, 10), (10, 3), (5, 3)))

    def f(w, x):
        columns = list(zip(*x, strict=True))
        product = [m.dot(row, column) for row in w for column in columns]
        return m.dot(product, upstream.flatten().tolist())

    dw, dx = grad(f, (0, 1))(w.tolist(), x.tolist())
    assert dw == [pytest.approx(row) for row in (upstream @ x.T).tolist()]
    assert dx == [pytest.approx(row) for row in (w.T @ upstream).tolist()]


def test_where_torch_is_wrong_we_are_right(torch):
    """The figures in the table of promises: torch loses σ'(40) and the symmetry of the Hessian of x**y at y = 0."""
    x = torch.tensor(40.0, requires_grad=True)
    torch.sigmoid(x).backward()
    assert x.grad.item() == 0.0
    (_, theirs), (theirs_too, _) = torch.autograd.functional.hessian(torch.pow, (torch.tensor(3.0), torch.tensor(0.0)))
    assert theirs != theirs_too
    assert grad(m.sigmoid)(40.0) == pytest.approx(4.248354255291589e-18, rel=1e-15)
    (_, mixed), (mixed_too, _) = hessian(lambda x, y: x**y, (0, 1))(3.0, 0.0)
    assert mixed == mixed_too == 1 / 3


def test_a_value_times_a_tensor_is_refused(torch):
    for product in (lambda: Value(2.0) * torch.ones(2), lambda: torch.ones(2) * Value(2.0)):
        with pytest.raises(TypeError):
            product()
    assert lookup("multiply")(Value(2.0), 3.0).data == 6.0

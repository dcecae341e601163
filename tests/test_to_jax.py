"""A program in the hands of JAX: differentiated by whatever it is called with, in every order, as the table says."""

import math

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.primitive import gates, primitive
from microgradnn.table import LABELLED
from tests.compile_cases import CASES, flat, tiled

pytestmark = pytest.mark.jax

INF, NAN = math.inf, math.nan


@pytest.fixture(autouse=True)
def double_precision():
    import jax

    with jax.enable_x64(True):
        yield jax


# ---- by everything it is called with ----------------------------------------------------------------------------


@pytest.mark.parametrize("wrt", ["params", "inputs", "both"])
def test_jax_differentiates_by_parameters_and_arguments_whatever_wrt_was(double_precision, wrt):
    case = CASES["dense_tanh_cross_entropy"]()
    batch = tiled(case.examples, 7)
    program = mg.compile(case.f, case.params, example=case.examples[0], wrt=wrt)
    value, (by_params, by_inputs) = mg.compile(
        case.f, case.params, example=case.examples[0], wrt="both"
    ).value_and_grad(*batch)
    both = double_precision.jit(double_precision.value_and_grad(program.to_jax(), tuple(range(1 + len(batch)))))
    found, gradients = both(program.params, *[np.asarray(one, float) for one in batch])
    assert float(found) == pytest.approx(value, rel=1e-12)
    assert np.asarray(gradients[0]) == pytest.approx(np.array(flat(by_params)), rel=1e-11, abs=1e-13)
    for ours, theirs in zip(by_inputs, gradients[1:], strict=True):
        assert np.asarray(theirs) == pytest.approx(ours, rel=1e-11, abs=1e-13)


def test_a_gradient_by_an_input_is_not_0_because_it_was_left_out(double_precision):
    w = Value(3.0)
    program = mg.compile(lambda x: w * x * x, w, example=(0.0,), reduce="sum")
    x = np.array([1.0, 2.0])
    assert double_precision.grad(program.to_jax(), argnums=1)(program.params, x).tolist() == [6.0, 12.0]


# ---- the derivatives of the table, in every order ---------------------------------------------------------------

_far = (-800.0, -40.0, 0.0, 1e-17, 40.0, 800.0)
POINTS = [  # of every gate: its samples, kinks, and far out where the second derivative has a value
    (gate, point)
    for gate in gates()
    for point in [
        *gate.samples,
        *([(x,) for x in _far] if gate.name in ("sigmoid", "tanh", "softplus", "relu", "abs", "elu", "sign") else []),
        *([(1.0,), (-1.0,)] if gate.name == "hardtanh" else []),
        *([(0.0, 0.1)] if gate.name in ("leaky_relu", "elu") else []),
        *([(2.0, 2.0), (1.0, 1.0, 1.0), (1.0, 3.0, 3.0)] if gate.name in ("maximum", "minimum") else []),
        *([(0.0, 2.0, 3.0)] if gate.name == "where" else []),
        *([(1.0, 1.0), (2.0, -1.0, 2.0), (-INF, 1.0), (700.0, 0.0)] if gate.name == "logsumexp" else []),
        *([(1.0, 2.0, 2.0, 0.5), (0.0, 40.0, 0.0), (0.0, 0.0, 40.0)] if gate.name == "cross_entropy" else []),
    ]
    if gate.name != "elu" or len(point) == 2
]


def columns(gate):
    """The points of a gate by the number of operands."""
    listed = [point for own, point in POINTS if own is gate]
    return [np.array([one for one in listed if len(one) == count]) for count in sorted({*map(len, listed)})]


@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_the_first_two_derivatives_of_every_gate_are_those_of_the_table(double_precision, gate):
    jax = double_precision
    for points in columns(gate):
        count = points.shape[1]
        program = mg.compile(lambda x: gate(*x), example=([1.0] * count,), reduce=None)
        f = program.to_jax()

        def alone(x, f=f):
            return f(np.zeros(0), x[None])[0]

        moving = [place for place in range(count) if not (gate in LABELLED and place == 0)]
        first = np.asarray(jax.jit(jax.vmap(jax.grad(alone)))(points))[:, moving]
        second = np.asarray(jax.jit(jax.vmap(jax.hessian(alone)))(points))[:, moving][:, :, moving]
        for x, gradient, matrix in zip(points.tolist(), first, second, strict=True):
            fixed = x[: count - len(moving)]  # the index of a selection
            at, argnums = x[len(fixed) :], tuple(range(len(moving)))

            def eager(*moved, fixed=fixed):
                return gate(*fixed, *moved)

            assert gradient == pytest.approx(mg.grad(eager, argnums)(*at), rel=1e-10, nan_ok=True), x
            wanted = np.array(mg.hessian(eager, argnums)(*at))
            assert matrix == pytest.approx(wanted, rel=1e-9, abs=1e-300, nan_ok=True), x


def test_kinks_have_the_derivatives_of_the_table_with_and_without_reduction(double_precision):
    jax = double_precision
    params = [Value(x) for x in (0.0, 0.0, 1.0, 2.0, 2.0, 0.0)]

    def f(x):
        a, b, c, d, e, g = params
        return mg.relu(a) + mg.abs(b) + mg.hardtanh(c) + mg.maximum(d, e) * x + mg.leaky_relu(g, 0.1)

    wanted = [0.0, 0.0, 1.0, 0.5, 0.5, 0.1]
    reduced = mg.compile(f, params, example=(1.0,))
    assert jax.jit(jax.grad(reduced.to_jax()))(reduced.params, np.ones(2)).tolist() == wanted
    each = mg.compile(f, params, example=(1.0,), reduce=None)
    for jacobian in (jax.jacrev, jax.jacfwd):
        assert jax.jit(jacobian(each.to_jax()))(each.params, np.ones(2)).tolist() == [wanted, wanted]


def test_what_the_constant_0_multiplies_gets_nothing(double_precision):
    program = mg.compile(lambda x: 0.0 * mg.sqrt(x) + x, example=(1.0,), reduce="sum")
    assert double_precision.grad(program.to_jax(), argnums=1)(program.params, np.zeros(2)).tolist() == [1.0, 1.0]


def test_what_is_added_to_0_and_large_constants_keep_their_derivatives(double_precision):
    """JAX would leave the 0 out, and −0.0 as it is; the generated source stands against that."""
    program = mg.compile(lambda x: (0.0 + x) + (x - 0.0) * 2 + (x + 1e300) * 1.0, example=(1.0,), reduce="sum")
    slope = double_precision.jit(double_precision.grad(program.to_jax(), argnums=1))
    assert slope(program.params, np.array([0.0, -0.0, 1.0])).tolist() == [4.0, 4.0, 4.0]


@pytest.mark.parametrize("name", ["dense_tanh_cross_entropy", "mixture", "where_and_maximum"])
def test_products_of_the_hessian_by_the_parameters_are_those_of_eager_code(double_precision, name):
    jax = double_precision
    case = CASES[name]()
    program = mg.compile(case.f, case.params, example=case.examples[0], reduce="sum")
    arrays = [np.asarray([one], float) for one in case.examples[0]]
    direction = np.random.default_rng(0).normal(size=len(program.params))
    f = program.to_jax()
    gradient = jax.grad(lambda p: f(p, *arrays))
    found = jax.jit(lambda p: jax.jvp(gradient, (p,), (direction,))[1])(program.params)
    leaves = flat(case.params)

    def gradient_at(params):
        for leaf, value in zip(leaves, params.tolist(), strict=True):
            leaf.data, leaf.grad = value, None
        case.f(*case.examples[0]).backward()
        return np.array([leaf.grad for leaf in leaves])

    h = 1e-5
    difference = (gradient_at(program.params + h * direction) - gradient_at(program.params - h * direction)) / (2 * h)
    assert np.asarray(found) == pytest.approx(difference, rel=1e-4, abs=1e-7)


def test_a_gate_of_ones_own_without_an_array_form_brings_its_derivatives(double_precision):
    jax = double_precision
    cube = primitive("own_cube", lambda x: x * x * x, lambda out, x: 3 * x * x)
    program = mg.compile(lambda x: cube(x), example=(1.0,), reduce=None)
    x = np.array([1.0, 2.0, -3.0])
    f = program.to_jax()
    alone = lambda one: f(np.zeros(0), one[None])[0]  # noqa: E731
    for derivative, wanted in [(jax.grad(alone), 3 * x**2), (jax.grad(jax.grad(alone)), 6 * x)]:
        assert np.asarray(jax.jit(jax.vmap(derivative))(x)) == pytest.approx(wanted)


# ---- JAX's transformations --------------------------------------------------------------------------------------


def test_jit_vmap_and_gradients_of_each_example(double_precision):
    jax = double_precision
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    program = mg.compile(lambda x, y: nn.mse(model(x), y), model.parameters(), example=([0.0, 0.0], 0.0))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=5)
    f = program.to_jax()
    each = jax.jit(jax.vmap(jax.grad(f), in_axes=(None, 0, 0)))(program.params, x[:, None], y[:, None])
    for place in range(5):
        assert np.asarray(each[place]) == pytest.approx(program.grad(x[place : place + 1], y[place : place + 1]))
    several = np.stack([program.params, program.params * 2, -program.params])
    values = jax.vmap(f, in_axes=(0, None, None))(several, x, y)
    for params, value in zip(several, values, strict=True):
        program.params[:] = params
        assert float(value) == pytest.approx(program.value(x, y), rel=1e-12)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "float32", "float64"])
def test_labels_of_every_dtype(double_precision, dtype):
    case = CASES["dense_tanh_cross_entropy"]()
    *inputs, labels = tiled(case.examples, 7)
    program = mg.compile(case.f, case.params, example=case.examples[0])
    labels = np.asarray(labels).astype(dtype)
    found, gradient = double_precision.jit(double_precision.value_and_grad(program.to_jax()))(
        program.params, *inputs, labels
    )
    value, wanted = program.value_and_grad(*inputs, labels)
    assert float(found) == pytest.approx(value, rel=1e-12)
    assert np.asarray(gradient) == pytest.approx(np.array(flat(wanted)), rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("label", [3, -1, 0.5, NAN])
def test_a_label_that_is_no_class_gives_nan(double_precision, label):
    """Its value was 0, as if the example were right for sure."""
    w = [Value(float(x)) for x in range(3)]
    program = mg.compile(lambda x, y: nn.cross_entropy([x * one for one in w], y), w, example=(1.0, 0), reduce="sum")
    both = double_precision.jit(double_precision.value_and_grad(program.to_jax()))
    value, gradient = both(program.params, np.ones(2), np.array([1, label]))
    assert math.isnan(value)
    assert np.isnan(gradient).all()


@pytest.mark.parametrize(
    "result", [lambda x: x[0], lambda x: [x[0], x[1] * 2], lambda x: (x[0], [x[1], [x[0], x[1]]]), lambda x: 3.0]
)
def test_without_a_reduction_it_gives_what_the_program_gives(double_precision, result):
    program = mg.compile(result, example=([1.0, 2.0],), reduce=None)
    x = np.arange(6.0).reshape(3, 2)
    theirs, ours = program.to_jax()(program.params, x), program.value(x)
    assert double_precision.tree.structure(theirs) == double_precision.tree.structure(ours)
    assert [one.tolist() for one in double_precision.tree.leaves(theirs)] == [
        one.tolist() for one in double_precision.tree.leaves(ours)
    ]
    alone = mg.compile(lambda: [2.0, 3.0], example=(), reduce=None)
    assert alone.to_jax()(np.zeros(0)).tolist() == alone.value().tolist() == [2.0, 3.0]


# ---- what is refused --------------------------------------------------------------------------------------------

REFUSED = {
    "too few parameters": (lambda f: f(np.ones(1), np.ones((3, 2)), np.ones(3)), "params must be 2 numbers.*(1,)"),
    "too many parameters": (lambda f: f(np.ones(3), np.ones((3, 2)), np.ones(3)), "params must be 2 numbers.*(3,)"),
    "a number too many": (lambda f: f(np.ones(2), np.ones((3, 3)), np.ones(3)), r"argument 0 .*\(examples, 2\).*3, 3"),
    "a number too few": (lambda f: f(np.ones(2), np.ones((3, 1)), np.ones(3)), r"argument 0 .*\(examples, 2\).*3, 1"),
    "one example": (lambda f: f(np.ones(2), np.ones(2), 1.0), r"argument 0 .*\(examples, 2\)"),
    "a column": (lambda f: f(np.ones(2), np.ones((3, 2)), np.ones((3, 1))), r"argument 1 .*\(examples,\).*3, 1"),
    "unequal counts": (lambda f: f(np.ones(2), np.ones((3, 2)), np.ones(2)), "argument 1 has 2 examples.*3"),
    "no examples": (lambda f: f(np.ones(2), np.ones((0, 2)), np.ones(0)), "argument 0 is empty"),
    "an argument too few": (lambda f: f(np.ones(2), np.ones((3, 2))), "takes 2 arrays.*got 1"),
    "complex numbers": (lambda f: f(np.ones(2), np.ones((3, 2)) * 1j, np.ones(3)), "argument 0 .*complex"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_arguments_are_refused_under_jit_too(double_precision, what):
    """JAX reads beyond an array's end in silence."""
    call, words = REFUSED[what]
    w, b = Value(1.0), Value(2.0)
    f = mg.compile(lambda x, y: w * x[0] + b * x[1] - y, [w, b], example=([1.0, 1.0], 1.0)).to_jax()
    for function in (f, double_precision.jit(f)):
        with pytest.raises((TypeError, ValueError), match=words):
            call(function)


def test_single_precision_is_refused_with_the_remedy(double_precision):
    program = mg.compile(lambda x: x * x, example=(1.0,))
    f = program.to_jax()
    with double_precision.enable_x64(False), pytest.raises(RuntimeError, match=r"enable_x64\(True\)"):
        f(program.params, np.ones(2))

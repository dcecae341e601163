"""The Python backend by itself: products with the Hessian, and the gradient of each example, beside eager code."""

import math
import pickle
import threading

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.checks.strategies import expressions, points
from microgradnn.compiler import python_backend
from microgradnn.compiler.arguments import outputs_of, read_example
from microgradnn.compiler.derivatives import times_hessian
from microgradnn.compiler.parameters import parameters_of
from microgradnn.compiler.python_backend import PythonBackend
from microgradnn.compiler.tape import Tape
from microgradnn.compiler.tracing import trace
from microgradnn.primitive import gates, lookup
from microgradnn.table import LABELLED

STEP = 0.37  # of the vectors that a Hessian is multiplied with


def backend(f, params, example, reduce="mean", wrt="both"):
    """What the front of `compile` hands to Python."""
    leaves, _ = parameters_of(params)
    example, shapes = read_example(example)
    tape, result = trace(f, leaves, example)
    tape.roots = outputs_of(result)
    return PythonBackend(tape, len(leaves), shapes, reduce, wrt)


def by_inputs(f, size):
    """The program of a function of a vector, differentiated by that."""
    return backend(lambda x: f(*x), [], ([0.5] * size,), wrt="inputs")


def product(program, point, vector):
    """H v of such a program at one point."""
    none, [found] = program.hvp(np.zeros(0), (np.zeros(0), [np.array([vector])]), [np.array([point])], 1)
    assert none.shape == (0,)
    return found[0].tolist()


def vector_of(size):
    return [STEP - n * STEP * STEP for n in range(size)]


def eager(f, point, vector):
    return mg.hvp(lambda x: f(*x) + 0.0 * x[0], list(point), list(vector))


# ---- second derivatives -----------------------------------------------------------------------------------------


@pytest.mark.sampled(7)
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_every_gate_at_its_samples(gate):
    program = None
    for sample in gate.samples:
        first = gate in LABELLED  # a label stays a number

        def f(*xs, label=sample[:first]):
            return gate(*label, *xs)

        xs = sample[first:]
        if program is None or gate.arity is None:
            program = by_inputs(f, len(xs))
        found = product(program, xs, vector_of(len(xs)))
        assert found == pytest.approx(eager(f, xs, vector_of(len(xs))), rel=1e-12, abs=1e-300), sample


@settings(max_examples=2 * settings().max_examples)
@given(expressions(variables=3, max_gates=6, smooth=False), points(3), points(3))
def test_random_graphs(expression, point, vector):
    try:
        expected = eager(expression, point, vector)
    except (ArithmeticError, ValueError):
        assume(False)
    found = product(by_inputs(expression, 3), point, vector)
    assume(all(map(math.isfinite, [*expected, *found])))
    scale = 1 + max(map(abs, expected))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6 * scale)


@given(expressions(variables=3, max_gates=6), points(3))
def test_a_hessian_is_symmetric(expression, vector):
    u, v, point = (1.0, -0.5, 2.0), vector, expression.point
    program = by_inputs(expression, 3)
    left, right = np.dot(u, product(program, point, v)), np.dot(v, product(program, point, u))
    assume(math.isfinite(left))
    sizes = [abs(a * b) for a, b in zip(u, product(program, point, v), strict=True)]
    sizes += [abs(a * b) for a, b in zip(v, product(program, point, u), strict=True)]
    assert left == pytest.approx(right, rel=1e-7, abs=1e-7 * sum(sizes) + 1e-200)


EDGES = {  # where sweeps hand nothing on, or hand on what is infinite
    "relu": (lambda x, y: mg.relu(x) * y, [0.0, 2.0]),
    "relu, squared": (lambda x, y: mg.relu(x) ** 2 * y, [0.0, 2.0]),
    "abs": (lambda x, y: mg.abs(x) * y, [0.0, 2.0]),
    "hardtanh": (lambda x, y: mg.hardtanh(x) * y, [1.0, 2.0]),
    "leaky_relu": (lambda x, y: mg.leaky_relu(x, y), [0.0, 0.3]),
    "elu": (lambda x, y: mg.elu(x, y), [800.0, 0.3]),
    "maximum of ties": (lambda x, y: mg.maximum(x, y) ** 2, [2.0, 2.0]),
    "minimum with itself": (lambda x, y: mg.minimum(x, x) * y, [2.0, 3.0]),
    "where not taken": (lambda x, y: mg.where(x, mg.sqrt(x), y * y), [0.0, 2.0]),
    "where taken": (lambda x, y: mg.where(y, mg.sqrt(x), y), [0.0, 2.0]),
    "behind what is not taken": (lambda x, y: mg.relu(-1.0 - mg.sqrt(x)) * y, [0.0, 2.0]),
    "sqrt": (lambda x, y: mg.sqrt(x) * y, [0.0, 2.0]),
    "a 0 of the numbers": (lambda x, y: mg.sqrt(x) * x * y, [0.0, 2.0]),
    "a constant 0": (lambda x, y: 0.0 * mg.sqrt(x) + y * y, [0.0, 2.0]),
    "power 0 of 0": (lambda x, y: x**y, [0.0, 0.0]),
    "power 2 of 0": (lambda x, y: x**2 * y, [0.0, 2.0]),
    "power 1 of 0": (lambda x, y: x**y, [0.0, 1.0]),
    "power of a negative number": (lambda x, y: x**3 * y, [-2.0, 2.0]),
    "a second derivative that overflows": (lambda x, y: y / x, [1e-150, 2.0]),
    "asin at 1": (lambda x, y: mg.asin(x) * y, [1.0, 2.0]),
    "logsumexp of -inf": (lambda x, y: mg.logsumexp(x, y), [0.0, -math.inf]),
    "nan": (lambda x, y: x * x * y, [math.nan, 1.0]),
    "nothing but numbers": (lambda x, y: 3.0 * x + y, [0.0, 1.0]),
    "norm of 0": (lambda x, y: mg.norm(x, y), [0.0, 0.0]),
    "a derivative inside": (lambda x, y: mg.grad(lambda z: mg.relu(z) * mg.sqrt(z) * y)(x), [0.0, 2.0]),
    "softmax": (lambda x, y: mg.softmax([x, y])[0] * y, [800.0, -800.0]),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("way", EDGES)
def test_edges_are_those_of_eager_code(way):
    f, point = EDGES[way]
    program = by_inputs(f, 2)
    for vector in ([1.0, 0.0], [0.0, 1.0], [0.5, -2.0], [0.0, 0.0]):
        expected = mg.hvp(lambda x: f(*x), list(map(float, point)), vector)
        assert product(program, point, vector) == pytest.approx(expected, rel=1e-13, abs=0, nan_ok=True), vector


@pytest.mark.parametrize(
    ("ours", "theirs", "point"),
    [
        (lambda x, y: mg.tanh(x * y) / y, lambda x, y: mpmath.tanh(x * y) / y, (0.7, -1.3)),
        (lambda x, y: x**y + mg.sin(y), lambda x, y: x**y + mpmath.sin(y), (1.7, 2.3)),
        (
            lambda x, y: mg.logsumexp(x, y, x * y),
            lambda x, y: mpmath.log(sum(map(mpmath.exp, (x, y, x * y)))),
            (0.4, 1.5),
        ),
        (lambda x, y: mg.atan2(x, y) * x, lambda x, y: mpmath.atan2(x, y) * x, (0.4, 1.5)),
        (lambda x, y: mg.log(1 + x * x) ** 3 * y, lambda x, y: mpmath.log(1 + x * x) ** 3 * y, (-0.6, 1.5)),
    ],
)
def test_hessians_are_those_of_mpmath(ours, theirs, point):
    program = by_inputs(ours, 2)
    found = [product(program, point, unit) for unit in ([1.0, 0.0], [0.0, 1.0])]
    with mpmath.workdps(40):
        expected = [
            [float(mpmath.diff(theirs, point, orders)) for orders in row]
            for row in (((2, 0), (1, 1)), ((1, 1), (0, 2)))
        ]
    assert np.array(found) == pytest.approx(np.array(expected), rel=1e-13)


# ---- batches ----------------------------------------------------------------------------------------------------

BATCH = [np.array([[0.3, -0.8], [1.1, 0.4], [-0.6, 0.9]]), np.array([0.5, -1.0, 2.0])]


def neuron(params):
    """A function of parameters w0, w1, b and of the arguments x, y, which mixes all of them."""
    *w, b = params
    return lambda x, y: (mg.tanh(mg.dot(w, x, b)) - y * y) ** 2 + 0.5 * w[0] * w[1]


def eager_of_batch(params, batch, reduce):
    """The value as a function of the parameters and all arguments, one behind the other."""
    xs, ys = batch
    count = len(ys)

    def value(numbers):
        f = neuron(numbers[:3])
        each = [f(numbers[3 + 2 * n : 5 + 2 * n], numbers[3 + 2 * count + n]) for n in range(count)]
        return mg.sum(each) * (1 / count if reduce == "mean" else 1.0)

    return value, [*params, *xs.ravel().tolist(), *ys.tolist()]


def flat(found):
    by_params, by_inputs = found
    return np.concatenate([by_params, *[part.ravel() for part in by_inputs]])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_the_hessian_is_that_of_the_mean_or_the_sum_with_its_mixed_blocks(reduce, count):
    params, batch = [Value(0.4), Value(-0.7), Value(0.2)], [array[:count] for array in BATCH]
    numbers = np.array([p.data for p in params])
    value, point = eager_of_batch(numbers.tolist(), batch, reduce)
    expected = np.array(mg.hessian(value)(point))
    given = [([0.5, 0.5], 0.5), neuron(params), params]
    programs = {wrt: backend(given[1], given[2], given[0], reduce, wrt) for wrt in ("params", "inputs", "both")}
    for column in np.eye(len(point)):
        v = column[:3], [column[3 : 3 + 2 * count].reshape(count, 2), column[3 + 2 * count :]]
        found = {wrt: program.hvp(numbers, v, batch, count) for wrt, program in programs.items()}
        assert [part.shape for part in found["both"][1]] == [part.shape for part in batch]
        assert flat(found["both"]) == pytest.approx(expected @ column, rel=1e-12, abs=1e-14)
        by_params, none = found["params"]
        assert none == []
        assert by_params == pytest.approx(expected[:3, :3] @ column[:3], rel=1e-12, abs=1e-14)
        zeros, _ = found["inputs"]
        assert zeros.tolist() == [0.0] * 3
        assert flat(found["inputs"])[3:] == pytest.approx(expected[3:, 3:] @ column[3:], rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_the_gradient_of_each_example_is_not_divided_by_their_number(reduce):
    params = [Value(0.4), Value(-0.7), Value(0.2)]
    numbers = np.array([p.data for p in params])
    programs = {
        wrt: backend(neuron(params), params, ([0.5, 0.5], 0.5), reduce, wrt) for wrt in ("params", "inputs", "both")
    }
    by_params, (by_x, by_y) = programs["both"].grads(numbers, BATCH, 3)
    assert (by_params.shape, by_x.shape, by_y.shape) == ((3, 3), (3, 2), (3,))
    for n, (x, y) in enumerate(zip(*[array.tolist() for array in BATCH], strict=True)):
        expected = mg.grad(lambda w, x, y: neuron(w)(x, y), argnums=(0, 1, 2))(numbers.tolist(), x, y)
        for found, one in zip((by_params[n], by_x[n], by_y[n]), expected, strict=True):
            assert found == pytest.approx(np.array(one), rel=1e-13)
    alone, none = programs["params"].grads(numbers, BATCH, 3)
    assert (alone.tolist(), none) == (by_params.tolist(), [])
    zeros, (other_x, other_y) = programs["inputs"].grads(numbers, BATCH, 3)
    assert (zeros.tolist(), other_x.tolist(), other_y.tolist()) == ([[0.0] * 3] * 3, by_x.tolist(), by_y.tolist())
    *_, gradient, (mean_x, _) = programs["both"].value_and_gradient(numbers, BATCH, 3)
    assert gradient == pytest.approx(by_params.mean(0) if reduce == "mean" else by_params.sum(0))
    assert mean_x == pytest.approx(by_x / 3 if reduce == "mean" else by_x)


def test_what_nothing_depends_on_has_products_of_0():
    for program in (
        backend(lambda x: 3.0, [Value(1.0)], (0.5,)),
        backend(lambda x: x, [Value(1.0)], (0.5,)),
        backend(lambda x: mg.step(x), [Value(1.0)], (0.5,)),
    ):
        by_params, [by_x] = program.hvp(np.ones(1), (np.ones(1), [np.ones(2)]), [np.ones(2)], 2)
        assert (by_params.tolist(), by_x.tolist()) == ([0.0], [0.0, 0.0])
    none, nothing = backend(lambda x: x * x, [], (0.5,), wrt="params").hvp(
        np.ones(0), (np.ones(0), []), [np.ones(2)], 2
    )
    assert (none.shape, nothing) == ((0,), [])


def test_what_is_observed_stays_out_of_it():
    w = Value(2.0)
    leaves, shapes = [w], [()]
    tape, (root, seen) = trace(lambda x: (w * w * x, w * 3), leaves, (1.0,))
    tape.roots = [root, seen]
    program = PythonBackend(tape, 1, shapes, "mean", "both")
    by_params, [by_x] = program.hvp(np.array([2.0]), (np.array([1.0]), [np.zeros(2)]), [np.array([1.0, 3.0])], 2)
    assert (by_params.tolist(), by_x.tolist()) == ([4.0], [2.0, 2.0])
    assert [part.tolist() for part in program.grads(np.array([2.0]), [np.array([1.0, 3.0])], 2)[1]] == [[4.0, 4.0]]


# ---- how it is kept ---------------------------------------------------------------------------------------------


def network(wrt="both"):
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    program = backend(lambda x, y: (model(x) - y) ** 2, model.parameters(), ([0.5, 0.5], 0.5), wrt=wrt)
    params = np.array([p.data for p in model.parameters()])
    v = np.linspace(-1, 1, len(params)), [np.linspace(-1, 1, 6).reshape(3, 2), np.linspace(0, 1, 3)]
    return program, params, v


def test_functions_are_written_when_they_are_first_asked_for():
    program, params, v = network()
    assert not {"_value", "_gradient", "_product"} & vars(program).keys()
    program.hvp(params, v, BATCH, 3)
    assert {"_value", "_gradient", "_product"} & vars(program).keys() == {"_product"}
    program.grads(params, BATCH, 3)
    assert "_value" not in vars(program)


@pytest.mark.parametrize("lines", [1, 7, 50])
def test_long_ones_are_compiled_in_parts(lines, monkeypatch):
    program, params, v = network()
    expected = flat(program.hvp(params, v, BATCH, 3)).tolist()
    monkeypatch.setattr(python_backend, "_LINES", lines)
    inparts, _, _ = network()
    assert flat(inparts.hvp(params, v, BATCH, 3)).tolist() == expected
    assert inparts._product.source.count("def run(") > 1


def test_it_can_be_pickled_and_called_from_threads():
    program, params, v = network()
    expected = flat(program.hvp(params, v, BATCH, 3)).tolist(), program.grads(params, BATCH, 3)[0].tolist()
    for twin in (pickle.loads(pickle.dumps(network()[0])), pickle.loads(pickle.dumps(program))):
        found = []

        def work(twin=twin, found=found):
            one = flat(twin.hvp(params, v, BATCH, 3)).tolist(), twin.grads(params, BATCH, 3)[0].tolist()
            found.append(one)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [expected] * 3


def test_the_source_names_parameters_inputs_and_the_vector():
    w = Value(2.0)
    program = backend(lambda x: mg.exp(w * x), w, (0.5,))
    assert program._product.source.startswith("def run(p0, x0, d0, d1):\n    v4 = p0 * x0\n")


def test_a_second_sweep_costs_no_more_lines_than_a_few_of_the_first():
    """The work of a product is a small multiple of that of the function: 2,000 gates as 1,000."""

    def lines(depth):
        tape = Tape(2)
        atom = 0
        for _ in range(depth):
            atom = tape.write(lookup("tanh"), (tape.write(lookup("multiply"), (atom, 1)),))
        tape.roots = [atom]
        return len(times_hessian(tape, 0, 2).lines)

    assert lines(1000) - lines(500) == 500 * (lines(3) - lines(2)) < 500 * 40


@pytest.mark.jax
def test_products_are_those_of_jax():
    import jax
    import jax.numpy as jnp

    program, params, v = network("params")

    def loss(w):
        def f(x, y):
            h = jnp.tanh(w[:6].reshape(3, 2) @ x + w[6:9])
            return (w[9:12] @ h + w[12] - y) ** 2

        return jax.vmap(f)(*map(jnp.asarray, BATCH)).mean()

    with jax.enable_x64(True):
        expected = jax.jvp(jax.grad(loss), (jnp.asarray(params),), (jnp.asarray(v[0]),))[1]
        each = jax.jvp(loss, (jnp.asarray(params),), (jnp.asarray(v[0]),))[1]
    assert program.hvp(params, v, BATCH, 3)[0] == pytest.approx(np.asarray(expected), rel=1e-10)
    assert program.grads(params, BATCH, 3)[0].mean(0) @ v[0] == pytest.approx(float(each), rel=1e-10)

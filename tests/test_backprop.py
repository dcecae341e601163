"""Derivatives of functions, and backprop step by step."""

import dataclasses
import math
from collections import UserDict, UserList, namedtuple
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, strategies as st

import microgradnn as m
from microgradnn import Value, check_grads, grad, hessian, hvp, jacobian, jvp, no_grad, steps, value_and_grad
from microgradnn.graph import topological_order
from microgradnn.trees import leaves, like, spread
from tests.test_trees import ARRAYS

# ---- against closed forms -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "derivatives"),
    [
        (lambda x: x**5, [32.0, 80.0, 160.0, 240.0, 240.0, 120.0]),
        (m.exp, [math.exp(2.0)] * 6),
        (m.sin, [math.sin(2.0 + k * math.pi / 2) for k in range(6)]),
        (m.log, [math.log(2.0), 1 / 2, -1 / 4, 1 / 4, -3 / 8, 3 / 4]),
        (lambda x: 1 / x, [1 / 2, -1 / 4, 1 / 4, -3 / 8, 3 / 4, -15 / 8]),
    ],
)
def test_any_order_against_the_closed_form(f, derivatives):
    for derivative in derivatives:
        assert f(2.0) == pytest.approx(derivative, rel=1e-12)
        f = grad(f)


def test_quadratic_form_gradient_hessian_products():
    a = [[2.0, -1.0, 0.5], [0.0, 3.0, 1.0], [4.0, 0.0, -2.0]]
    x, v = [1.0, -2.0, 3.0], [0.5, 1.0, -1.0]

    def f(x):
        return m.sum([x[i] * a[i][j] * x[j] for i in range(3) for j in range(3)])

    h = [[a[i][j] + a[j][i] for j in range(3)] for i in range(3)]
    gradient = [math.fsum(h[i][j] * x[j] for j in range(3)) for i in range(3)]
    assert value_and_grad(f)(x) == (f(x), gradient)
    assert hessian(f)(x) == h
    assert hvp(f, x, v) == [math.fsum(h[i][j] * v[j] for j in range(3)) for i in range(3)]
    assert jvp(f, (x,), (v,)) == (f(x), math.fsum(map(float.__mul__, gradient, v)))


def test_rosenbrock():
    def f(x):
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    assert grad(f)([-1.2, 1.0]) == pytest.approx([-215.6, -88.0])
    assert hessian(f)([-1.2, 1.0]) == [pytest.approx([1330.0, 480.0]), pytest.approx([480.0, 200.0])]


def test_example_expression_of_micrograd():
    """The figures printed in its README; the BurTorch paper's 104.125 and 680.286 are wrong."""

    def f(a, b):
        c = a + b
        d = a * b + b**3
        c = c + c + 1
        c = c + 1 + c + (-a)
        d = d + d * 2 + m.relu(b + a)
        d = d + 3 * d + m.relu(b - a)
        e = c - d
        g = e**2 / 2.0
        return g + 10.0 / (e**2)

    value, gradients = value_and_grad(f, (0, 1))(-4.0, 2.0)
    assert f"{value:.4f}" == "24.7041"
    assert [f"{g:.4f}" for g in gradients] == ["138.8338", "645.5773"]


# ---- transforms of transforms -------------------------------------------------------------------------------------


def test_perturbations_are_not_confused():
    """d/dx (x · d/dy (x + y)) is 1: the inner derivative must not take the outer variable for its own."""
    assert grad(lambda x: x * grad(lambda y: x + y)(3.0))(5.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(5.0) == 10.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(5.0) == 20.0
    assert jvp(lambda x: x * jvp(lambda y: x + y, (3.0,), (1.0,))[1], (5.0,), (1.0,)) == (5.0, 1.0)
    assert grad(lambda x: jvp(lambda y: x * y * y, (x,), (1.0,))[1])(5.0) == 20.0


def test_all_ways_to_a_second_derivative_agree():
    def f(v):
        return m.tanh(v[0] * v[1]) + m.logsumexp(v[0], v[1] * v[1]) / (1 + v[0] ** 2)

    x = [0.7, -1.3]
    expected = hessian(f)(x)
    columns = [[1.0, 0.0], [0.0, 1.0]]
    assert jacobian(grad(f))(x) == expected
    assert [hvp(f, x, column) for column in columns] == [pytest.approx(row, rel=1e-14) for row in expected]
    forward_over_reverse = [jvp(grad(f), (x,), (column,))[1] for column in columns]
    assert forward_over_reverse == [pytest.approx(row, rel=1e-14) for row in expected]
    reverse_over_forward = [grad(lambda v, c=column: jvp(f, (v,), (c,))[1])(x) for column in columns]
    assert reverse_over_forward == [pytest.approx(row, rel=1e-14) for row in expected]
    check_grads(f, (x,), order=3)


def test_transforms_inside_a_recorded_graph_can_be_swept():
    x = Value(2.0)
    y = grad(lambda v: v**3)(x) + x
    y.backward()
    assert (y.data, x.grad) == (14.0, 13.0)


def test_values_in_give_values_out_and_no_grad_stays_alone():
    x = Value(2.0)
    assert isinstance(grad(lambda v: v * v)(x), Value)
    assert x.grad == 0.0
    with no_grad():
        assert grad(grad(lambda v: v**3))(2.0) == 12.0
    w = Value(3.0)
    assert grad(lambda v: v * w)(2.0) == 3.0
    assert (w.grad, w.swept) == (0.0, False)


# ---- arguments ------------------------------------------------------------------------------------------------------


def volume(a, b, c):
    return a * b * c


@pytest.mark.parametrize(
    ("argnums", "gradient"),
    [(0, 12.0), (1, 8.0), (2, 6.0), (-1, 6.0), (-3, 12.0), ((0, 2), (12.0, 6.0)), ([1], (8.0,)), ((-1, 0), (6, 12))],
)
def test_argnums(argnums, gradient):
    assert grad(volume, argnums)(2.0, 3.0, 4.0) == gradient
    assert value_and_grad(volume, argnums)(2.0, 3.0, 4.0) == (24.0, gradient)
    assert jacobian(volume, argnums)(2.0, 3.0, 4.0) == gradient


@pytest.mark.parametrize("argnums", [3, -4, (0, 5), "0", 1.0, (0.0,)])
@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
def test_argnums_out_of_range_are_refused(transform, argnums):
    with pytest.raises((ValueError, TypeError), match="argnums"):
        transform(volume, argnums)(2.0, 3.0, 4.0)


def test_arguments_that_are_not_used_have_the_derivative_zero():
    assert grad(lambda x, y: x * 2, 1)(1.0, 2.0) == 0.0
    assert grad(lambda v: v[0])([1.0, 2.0]) == [1.0, 0.0]
    assert grad(lambda x: 3.0)(1.0) == 0.0
    assert grad(grad(lambda x: 3 * x))(1.0) == 0.0
    assert hessian(lambda v: v[0] ** 2)([1.0, 2.0]) == [[2.0, 0.0], [0.0, 0.0]]
    assert jacobian(lambda v: [1.0, v[0]])([1.0, 2.0]) == [[0.0, 0.0], [1.0, 0.0]]
    assert jvp(lambda x, y: [x, 7.0], (1.0, 2.0), (1.0, 1.0)) == ([1.0, 7.0], [1.0, 0.0])
    assert hvp(lambda v: 2 * v[0], [1.0, 2.0], [1.0, 1.0]) == [0.0, 0.0]
    assert grad(lambda x: x)(4.0) == 1.0


def test_results_mirror_nested_arguments():
    def f(tree):
        (a, (b, c)), d = tree
        return a * b + c * d

    assert grad(f)([[1.0, [2.0, 3.0]], 4.0]) == [[2.0, [1.0, 4.0]], 3.0]
    assert grad(f)(((1.0, [2, 3]), 4)) == ((2.0, [1.0, 4.0]), 3.0)
    assert leaves(hessian(f)([[1.0, [2.0, 3.0]], 4.0])) == [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0]
    assert like([[1, [2, 3]], 4], iter("abcd")) == [["a", ["b", "c"]], "d"]


def test_hessian_nests_as_jax_does():
    """Each number of the gradient is replaced by its own gradient, a tuple for several arguments."""

    def f(x, v):
        return x * x * v[0] * v[1]

    assert hessian(f)(2.0, [3.0, 5.0]) == 30.0
    assert hessian(f, 1)(2.0, [3.0, 5.0]) == [[0.0, 4.0], [4.0, 0.0]]
    assert hessian(f, (0, 1))(2.0, [3.0, 5.0]) == ((30.0, [20.0, 12.0]), [(20.0, [0.0, 4.0]), (12.0, [4.0, 0.0])])
    assert jacobian(lambda v: [[v[0] * v[1]], v[0]])([2.0, 3.0]) == [[[3.0, 2.0]], [1.0, 0.0]]


def test_grad_needs_one_number_back():
    with pytest.raises(TypeError, match="got 2: use jacobian"):
        grad(lambda v: [v[0], v[1]])([1.0, 2.0])
    with pytest.raises(TypeError, match="did a function forget to return"):
        grad(lambda v: None)(1.0)
    with pytest.raises(TypeError, match="expected a number"):
        grad(lambda v: v)("3")


def test_directions_must_be_nested_like_the_point():
    for call in (
        lambda: hvp(lambda v: v[0], [1.0, 2.0], [1.0]),
        lambda: jvp(lambda v: v[0], ([1.0, 2.0],), ([1.0],)),
        lambda: jvp(lambda x: x, (1.0,), (1.0, 2.0)),
        lambda: jvp(lambda x: x, (1.0,), ([1.0],)),
    ):
        with pytest.raises(ValueError, match="must be nested like"):
            call()


def test_jvp_takes_any_numbers_of_arguments_and_results():
    value, along = jvp(lambda x, v: [x * v[0], [v[1]]], (2.0, [3.0, 4.0]), (1.0, [0.5, 7.0]))
    assert (value, along) == ([6.0, [4.0]], [4.0, [7.0]])


# ---- steps ----------------------------------------------------------------------------------------------------------


def first_circuit():
    x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
    q = x + y
    q.name = "q"
    return q * z


def sigmoid_neuron(packed):
    w = [Value(2.0, "w0"), Value(-3.0, "w1"), Value(-3.0, "w2")]
    x = [Value(-1.0, "x0"), Value(-2.0, "x1")]
    z = w[0] * x[0] + w[1] * x[1] + w[2]
    return m.sigmoid(z) if packed else 1 / (1 + m.exp(-z))


FIRST = """
q = x + y = (−2) + 5 = 3
f = q × z = 3 × (−4) = −12
∂f/∂f = 1
∂f/∂q += ∂f/∂f · ∂f/∂q = 1 × (−4) = −4
∂f/∂z += ∂f/∂f · ∂f/∂z = 1 × 3 = 3
∂f/∂x += ∂f/∂q · ∂q/∂x = (−4) × 1 = −4
∂f/∂y += ∂f/∂q · ∂q/∂y = (−4) × 1 = −4
"""

NEURON = """
u1 = w0 × x0 = 2 × (−1) = −2
u2 = w1 × x1 = (−3) × (−2) = 6
u3 = u1 + u2 = (−2) + 6 = 4
u4 = u3 + w2 = 4 + (−3) = 1
u5 = −u4 = −1 = −1
u6 = exp(u5) = exp(−1) = 0.3679
u7 = 1 + u6 = 1 + 0.3679 = 1.368
f = 1 / u7 = 1 / 1.368 = 0.7311
∂f/∂f = 1
∂f/∂u7 += ∂f/∂f · ∂f/∂u7 = 1 × (−0.5344) = −0.5344
∂f/∂u6 += ∂f/∂u7 · ∂u7/∂u6 = (−0.5344) × 1 = −0.5344
∂f/∂u5 += ∂f/∂u6 · ∂u6/∂u5 = (−0.5344) × 0.3679 = −0.1966
∂f/∂u4 += ∂f/∂u5 · ∂u5/∂u4 = (−0.1966) × (−1) = 0.1966
∂f/∂u3 += ∂f/∂u4 · ∂u4/∂u3 = 0.1966 × 1 = 0.1966
∂f/∂w2 += ∂f/∂u4 · ∂u4/∂w2 = 0.1966 × 1 = 0.1966
"""

PACKED = """
u4 = u3 + w2 = 4 + (−3) = 1
f = sigmoid(u4) = sigmoid(1) = 0.7311
∂f/∂f = 1
∂f/∂u4 += ∂f/∂f · ∂f/∂u4 = 1 × 0.1966 = 0.1966
"""


def test_sentences_of_the_first_circuit():
    assert str(steps(first_circuit())) == FIRST.strip()


def test_sentences_of_the_sigmoid_neuron_gate_by_gate():
    assert str(steps(sigmoid_neuron(packed=False))).startswith(NEURON.strip())


def test_sentences_of_the_sigmoid_neuron_with_one_gate():
    assert PACKED.strip() in str(steps(sigmoid_neuron(packed=True)))


@pytest.mark.parametrize("packed", [False, True])
def test_gradients_of_the_sigmoid_neuron(packed):
    f = sigmoid_neuron(packed)
    last = {step.operand.name: step.after for step in steps(f) if step.kind == "backward"}
    right = {"w0": "-0.20", "w1": "-0.39", "w2": "0.20", "x0": "0.39", "x1": "-0.59"}
    assert {name: f"{last[name]:.2f}" for name in right} == right
    assert f"{f.data:.4f}" == "0.7311"


def test_moving_along_the_gradient_raises_the_first_circuit():
    """From −12 to −11.5924 with a step of 0.01 (note 000)."""

    def f(x, y, z):
        return (x + y) * z

    point = (-2.0, 5.0, -4.0)
    moved = [x + 0.01 * g for x, g in zip(point, grad(f, (0, 1, 2))(*point), strict=True)]
    assert f(*moved) == pytest.approx(-11.5924, abs=5e-5)


def test_steps_start_from_zero_and_leave_grad_alone():
    x = Value(3.0, "x")
    f = x * x
    f.backward()
    f.backward()
    seed, left, right = steps(f)[1:]
    assert (seed.kind, seed.gate is f, seed.before, seed.after) == ("seed", True, 0.0, 1.0)
    assert (left.before, left.contribution, left.after) == (0.0, 3.0, 3.0)
    assert (right.before, right.contribution, right.after) == (3.0, 3.0, 6.0)
    assert right.sentence == "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 3 = 3, together 6"
    assert (x.grad, f.grad) == (12.0, 1.0)


def test_a_second_contribution_is_added_also_where_the_first_was_nothing():
    x = Value(0.0, "x")
    assert [step.sentence for step in steps(x * x)[2:]] == [
        "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 0 = 0",
        "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 0 = 0, together 0",
    ]


def test_no_step_leads_on_from_a_gate_that_no_gradient_reaches():
    """The condition of `where` takes none, so its own operands get none through it."""
    c, x = Value(1.0, "c"), Value(2.0, "x")
    assert not any(step.operand is c for step in steps(m.where(m.exp(c) * 2, x, 0.0)))


def test_steps_are_a_read_only_sequence_of_frozen_steps():
    listed = steps(first_circuit())
    assert (len(listed), listed[-1], [*listed[:2]], listed[2] in listed) == (7, listed[6], [*listed][:2], True)
    with pytest.raises(TypeError):
        listed[0] = listed[1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        listed[0].sentence = ""
    assert [field.name for field in dataclasses.fields(listed[0])] == [
        "kind", "gate", "operand", "adjoint", "partial", "contribution", "before", "after", "sentence",
    ]  # fmt: skip


def test_each_edge_of_the_backward_sweep_is_one_step():
    x = Value(0.5)
    f = m.maximum(x, 1.0, x * x) * m.where(x, x, 2.0)
    backward = [step for step in steps(f) if step.kind == "backward"]
    assert all(step.contribution == step.partial * step.adjoint for step in backward)
    assert all(step.after == step.before + step.contribution for step in backward)
    f.backward()
    assert {id(step.operand): step.after for step in backward}[id(x)] == x.grad
    assert len(backward) == 2 + 2 + 1  # none from x * x, which maximum did not take


def test_steps_of_a_leaf_and_of_something_else():
    assert str(steps(Value(2.0))) == "∂f/∂f = 1"
    with pytest.raises(TypeError, match="steps needs the Value at the end of a circuit, got float"):
        steps(2.0)


def test_hvp_along_a_value_can_be_differentiated_again():
    v = Value(3.0)
    product = m.hvp(lambda x: x**3, 2.0, v)
    product.backward()
    assert (product.data, v.grad) == (36.0, 12.0)


def test_jvp_along_a_value_can_be_differentiated_again():
    v = Value(3.0)
    value, along = jvp(lambda x: x**3, (2.0,), (v,))
    along.backward()
    assert (getattr(value, "data", value), along.data, v.grad) == (8.0, 36.0, 12.0)


def test_the_hessian_of_no_arguments_times_nothing_is_nothing():
    assert hvp(lambda v: 3.0, [], []) == []


@pytest.mark.parametrize("tangents", [("a",), (1j,), (None,)])
def test_tangents_are_numbers(tangents):
    with pytest.raises(TypeError, match="expected a number"):
        m.jvp(lambda x: x, (1.0,), tangents)


def test_argnums_of_any_integer_type_and_of_no_other():
    assert m.grad(lambda x, y: x * y, np.int64(1))(2.0, 3.0) == 2.0
    for argnums in ("0", 1.0, None):
        with pytest.raises(TypeError, match="argnums is an int or a tuple"):
            m.grad(lambda x: x, argnums)(1.0)


# ---- transforms never see the caller's lists, and follow what a function captures -----------------------------------


def change(v):
    """A function of a list that is grown, emptied and changed on the way: v0² · v1 · 3."""
    v.append(3.0)
    v[0] = v[0] * v[0]
    product = v[0] * v[1] * v.pop()
    v.clear()
    return product


@pytest.mark.parametrize(
    ("derivative", "right"),
    [
        (lambda v: grad(change)(v), [72.0, 27.0]),
        (lambda v: value_and_grad(change)(v), (108.0, [72.0, 27.0])),
        (lambda v: jacobian(lambda v: [change(v)])(v), [[72.0, 27.0]]),
        (lambda v: hessian(change)(v), [[24.0, 18.0], [18.0, 0.0]]),
        (lambda v: hvp(change, v, [1.0, 1.0]), [42.0, 18.0]),
        (lambda v: jvp(change, (v,), ([1.0, 1.0],)), (108.0, 99.0)),
        (lambda v: grad(lambda x, v: x * change(v))(2.0, v), 108.0),
        (lambda v: grad(lambda rows: change(rows[0]) + rows[1][0])([v, [1.0]]), [[72.0, 27.0], [1.0]]),
    ],
)
def test_a_function_may_change_its_lists(derivative, right):
    v = [3.0, 4.0]
    assert derivative(v) == right
    assert v == [3.0, 4.0]


TRANSFORMS = {
    "grad": lambda f: grad(f)(3.0),
    "value_and_grad": lambda f: value_and_grad(f)(3.0)[1],
    "jacobian": lambda f: jacobian(lambda x: [f(x)])(3.0)[0],
    "hvp": lambda f: hvp(lambda x: f(x) * x, 3.0, 0.5),
    "jvp": lambda f: jvp(f, (3.0,), (1.0,))[1],
    "hessian": lambda f: hessian(lambda x: f(x) * x)(3.0),
    "grad of grad": lambda f: grad(grad(lambda x: f(x) * x))(3.0),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_derivative_depends_on_what_the_function_captures(name):
    """d/dx of x y² at y = 3 is 2 x y and so on: by x it is the same for every x."""
    x, transform = Value(2.0, "x"), TRANSFORMS[name]
    found = transform(lambda y: x * y * y)
    assert isinstance(found, Value)
    with no_grad():
        plain = transform(lambda y: x * y * y)
    assert (type(plain), plain) == (float, found.data)
    assert not x.swept
    (x + found).backward()
    assert x.grad == pytest.approx(1 + found.data / 2)
    assert type(transform(lambda y: 2.0 * y * y)) is float
    with no_grad():
        inner = transform(lambda y: Value(2.0) * y * y)
    assert type(inner) is float


def test_all_entries_are_values_where_one_depends_on_a_foreign_value():
    w = Value(2.0)
    gradient = grad(lambda v: w * v[0], argnums=0)([3.0, 4.0])
    assert [type(one) for one in gradient] == [Value, Value]
    assert [one.data for one in gradient] == [2.0, 0.0]
    rows = hessian(lambda v: w * v[0] + v[1])([3.0, 4.0])
    assert [[type(one) for one in row] for row in rows] == [[Value] * 2] * 2
    value, tangent = jvp(lambda x: [x, w], (3.0,), (1.0,))
    assert [type(one) for one in (*value, *tangent)] == [Value] * 4
    assert type(grad(lambda x: x * Value(2.0))(3.0)) is Value  # a leaf made inside is as foreign
    assert type(grad(lambda x: grad(lambda y: x * y * 2.0)(5.0))(3.0)) is float  # those of transforms are not
    assert type(grad(lambda x, y: x * x)(3.0, Value(2.0))) is float  # not reached


def test_transforms_of_captured_values_work_in_threads():
    x = Value(2.0)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda y: grad(lambda z: x * z * z)(y).data, [1.0, 2.0, 3.0, 4.0] * 5))
    assert found == [4.0, 8.0, 12.0, 16.0] * 5


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
@pytest.mark.parametrize(
    ("result", "said"),
    [(True, "returned bool True, which has no derivative"), (None, "forget to return"), ("3", "returned str '3'"),
     (np.bool_(True), "has no derivative")],
)  # fmt: skip
def test_a_result_without_a_derivative_is_refused_by_name(transform, result, said):
    with pytest.raises(TypeError, match=said):
        transform(lambda x: result)(3.0)
    with pytest.raises(TypeError, match=said):
        jvp(lambda x: result, (3.0,), (1.0,))
    with pytest.raises(TypeError, match="has no derivative"):
        transform(lambda x: x > 2)(3.0)


def test_the_call_of_pytorch_is_refused_with_the_right_one():
    x = Value(3.0)
    y = x * x
    for transform in (grad, value_and_grad, jacobian, hessian):
        with pytest.raises(TypeError, match=r"takes a function, got Value.*: write .*lambda"):
            transform(y, x)
    for call in (lambda: jvp(y, (x,), (1.0,)), lambda: hvp(y, x, 1.0)):
        with pytest.raises(TypeError, match="takes a function, got Value"):
            call()
    with pytest.raises(TypeError, match="takes a function, got float"):
        grad(2.0)


# ---- arguments are trees ------------------------------------------------------------------------------------------


def test_keyword_arguments_are_handed_on_and_not_differentiated():
    def f(x, *, scale, shift=0.0):
        return x * x * scale["by"] + shift

    assert grad(f)(3.0, scale={"by": 2.0}) == 12.0
    assert value_and_grad(f)(3.0, scale={"by": 2.0}, shift=1.0) == (19.0, 12.0)
    assert jacobian(f)(3.0, scale={"by": 2.0}) == 12.0
    assert hessian(f)(3.0, scale={"by": 2.0}) == 4.0
    assert hvp(f, 3.0, 0.5, scale={"by": 2.0}) == 2.0
    assert hvp(lambda v, *, y: v * v * y, 3.0, 0.5, y=4.0) == 4.0
    assert jvp(f, (3.0,), (0.5,), scale={"by": 2.0}) == (18.0, 6.0)
    w = Value(2.0)
    assert grad(f)(3.0, scale={"by": w}).data == 12.0
    with pytest.raises(ValueError, match=r"with 0 argument\(s\), and x by name: what is given by name is not differ"):
        grad(lambda x: x)(x=3.0)


def test_an_array_comes_as_one_of_values_and_the_gradient_as_one_of_floats():
    seen = []

    def f(x):
        seen.append((x.shape, x.dtype, {type(entry) for entry in x.ravel()}))
        return (x * x).sum()

    for array in (np.array([[1.0, 2.0, 3.0]]), np.array([[1, 2, 3]]), [[1, 2, 3]]):
        gradient = grad(f)(np.array(array))
        assert (gradient.dtype, gradient.tolist()) == (float, [[2.0, 4.0, 6.0]])
    assert seen == [((1, 3), np.dtype(object), {Value})] * 3
    empty = grad(lambda x: x.sum() + 1.0)(np.zeros((0, 2)))
    assert (empty.dtype, empty.shape) == (float, (0, 2))
    point = grad(lambda x: x * x)(np.array(3.0))
    assert (type(point), point.shape, point.item()) == (np.ndarray, (), 6.0)
    assert grad(lambda x: x * x)(np.float64(3.0)) == 6.0
    assert type(grad(lambda x: x * x)(np.float64(3.0))) is float


def test_an_array_with_values_among_its_entries_gives_values_that_depend_on_them():
    w = Value(2.0)
    gradient = grad(lambda x: x[0] * x[0] * x[1])(np.array([w, 3.0]))
    assert (gradient.dtype, [type(x) for x in gradient]) == (object, [Value, Value])
    gradient[0].backward()
    assert ([x.data for x in gradient], w.grad, w.data) == ([12.0, 4.0], 6.0, 2.0)
    jacobians = jacobian(lambda x: x * w)(np.array([1.0, 2.0]))
    assert (jacobians.dtype, jacobians.shape, jacobians[1, 1].data) == (object, (2, 2), 2.0)
    with no_grad():
        assert jacobian(lambda x: x * w)(np.array([1.0, 2.0])).dtype == float


def test_a_function_may_change_its_arrays_and_dicts():
    def f(p, *, given):
        p["w"][0] = p["w"][0] * p["w"][1]
        p["w"] *= 2.0
        given["v"][:] = 7.0
        p["new"] = given["v"].sum()
        return p["w"].sum() * p["new"]

    w, given = {"w": np.array([2.0, 3.0])}, {"v": np.ones(2)}
    assert grad(f)(w, given=given)["w"].tolist() == [84.0, 84.0]
    assert jvp(f, (w,), ({"w": [1.0, 0.0]},), given=given) == (252.0, 84.0)
    assert (list(w), w["w"].tolist(), given["v"].tolist()) == (["w"], [2.0, 3.0], [1.0, 1.0])


def test_aux_is_handed_back_with_numbers_where_the_transform_had_values():
    w = Value(2.0)

    def f(x):
        other = {"word": "text", "counts": np.array([1, 2]), "row": np.array([x, 1.0]), "none": None}
        return x * x, {"twice": x * 2, **other}

    gradient, aux = grad(f, has_aux=True)(3.0)
    assert (gradient, aux["twice"], aux["word"], aux["none"]) == (6.0, 6.0, "text", None)
    assert (aux["counts"].dtype, aux["row"].dtype, aux["row"].tolist()) == (int, float, [3.0, 1.0])
    assert value_and_grad(lambda x: (x * x, [x]), has_aux=True)(3.0) == ((9.0, [3.0]), 6.0)
    gradient, aux = grad(lambda x: (x * x, x * w), has_aux=True)(3.0)
    assert (gradient, type(aux), aux.data) == (6.0, Value, 6.0)  # it depends on w, the gradient does not
    with no_grad():
        assert grad(lambda x: (x * x, x * w), has_aux=True)(3.0) == (6.0, 6.0)

    def outer(y):
        gradient, aux = grad(lambda x: (x * x * y, x * y), has_aux=True)(3.0)
        return gradient * aux

    assert grad(outer)(2.0) == 72.0  # 6 y · 3 y
    for result in (3.0, [1.0, 2.0], (1.0, 2.0, 3.0)):
        with pytest.raises(TypeError, match=r"with has_aux=True a function returns \(result, anything else\), got"):
            grad(lambda x, result=result: result, has_aux=True)(3.0)


def test_vjp_is_the_cotangent_times_the_jacobian_and_calls_the_function_once():
    calls = []

    def f(x, p):
        calls.append(1)
        return {"sum": (x * p["w"]).sum(), "array": p["w"] * x[0]}

    x, p = np.array([2.0, -1.0]), {"b": 5.0, "w": np.array([0.5, 3.0])}
    value, pull = m.vjp(f, x, p)
    assert (value["sum"], value["array"].tolist()) == (-2.0, [1.0, 6.0])
    (by_x, by_p), again = pull({"array": [2.0, 3.0], "sum": 4.0}), pull({"sum": 0.0, "array": np.zeros(2)})
    assert (by_x.tolist(), by_p["b"], by_p["w"].tolist()) == ([12.0, 12.0], 0.0, [12.0, 2.0])
    assert (again[0].tolist(), again[1]["w"].tolist()) == ([0.0, 0.0], [0.0, 0.0])
    assert calls == [1]
    with pytest.raises(ValueError, match=r"the cotangent must be nested like the result: got 1\.0 for {'sum': -2.0"):
        pull(1.0)
    with pytest.raises(TypeError, match="expected a number"):
        m.vjp(lambda x: x, 2.0)[1]("1")
    with pytest.raises(TypeError, match=r"vjp takes a function, got Value.*: write vjp\(lambda x: …, x\)$"):
        m.vjp(Value(1.0), 2.0)
    assert m.vjp(lambda x: 3.0, 2.0)[1](1.0) == (0.0,)
    assert m.vjp(lambda x: [], 2.0)[1]([]) == (0.0,)
    assert m.vjp(lambda: 3.0)[1](1.0) == ()


def test_vjp_along_values_and_inside_transforms_can_be_differentiated_again():
    u, w = Value(2.0), Value(5.0)
    (along,) = m.vjp(lambda x: x**3, 2.0)[1](u)
    along.backward()
    assert (along.data, u.grad) == (24.0, 12.0)
    value, pull = m.vjp(lambda x: w * x, 2.0)
    assert (type(value), value.data, pull(3.0)[0].data) == (Value, 10.0, 15.0)
    with no_grad():
        assert pull(3.0) == (15.0,)
    assert grad(lambda x: m.vjp(lambda y: y**3, x)[1](2.0)[0])(2.0) == 24.0
    assert grad(lambda u: m.vjp(lambda y: y**3, 2.0)[1](u)[0])(2.0) == 12.0


def test_a_program_may_hold_transforms_of_trees_and_arrays():
    w = Value(2.0)

    def f(x):
        gradient = grad(lambda p: (p["x"] * p["x"] * p["w"]).sum())({"x": x, "w": w})
        (pulled,) = m.vjp(lambda x: x * x, x)[1](x)
        value, aux = value_and_grad(lambda x: (x @ x, x * 2.0), has_aux=True)(x)[0]
        return gradient["x"].sum() + gradient["w"] + pulled.sum() + value + aux.sum()

    program = m.compile(f, [w], example=(np.ones(2),))
    x = np.array([[0.5, -1.0]])

    def simplified(x):
        return 2 * w * (x[0] + x[1]) + 4 * (x[0] ** 2 + x[1] ** 2) + 2 * (x[0] + x[1])

    plain = m.compile(simplified, [w], example=(np.ones(2),))
    assert program.value(x) == pytest.approx(plain.value(x))
    assert program.grad(x) == pytest.approx(plain.grad(x))


def test_transforms_of_constants_in_a_program_are_constants():
    def f(x):
        gradient, aux = grad(lambda y: (y * y, [y * 2.0]), has_aux=True)(3.0)
        return (gradient + aux[0] + m.vjp(lambda y: y * y, 3.0)[1](0.5)[0]) * x

    assert m.compile(f, example=(1.0,)).value([2.0]) == 30.0


def test_the_jacobian_of_an_array_has_the_shape_of_the_result_and_then_that_of_the_argument():
    a, x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([[1.0], [2.0], [3.0]])
    assert jacobian(lambda x: a @ x)(x)[:, 0, :, 0].tolist() == a.tolist()
    by_tree = jacobian(lambda p: np.array([p[0] * p[1][0], p[1][1] * 2.0]))([2.0, np.array([3.0, 4.0])])
    assert [part.tolist() for part in by_tree] == [[3.0, 0.0], [[2.0, 0.0], [0.0, 2.0]]]


def test_what_is_no_argument_is_refused_with_what_to_give():
    class Rows(UserList):
        pass

    for argument, remedy in [
        ({1.0}, r"set \{1.0\}: give list\(\.\.\.\) of it"),
        (UserDict(a=1.0), r"UserDict .*: give dict\(\.\.\.\) of it"),
        (Rows([1.0]), r"Rows \[1.0\]: give list\(\.\.\.\) of it"),
        (of_another_library([1.0]), r"Tensor .*: give its \.detach\(\)\.tolist\(\), or numpy\.asarray of it"),
    ]:
        with pytest.raises(TypeError, match=rf"^an argument is a number, or numbers in lists, .*got {remedy}$"):
            grad(lambda x: x)([argument])
    for argument, remedy in [("1", "convert it"), (np.array([1j]), "two Values"), (np.array(["1"]), "convert it")]:
        with pytest.raises(TypeError, match=f"expected a number or a Value, got .*{remedy}"):
            grad(lambda x: x)(argument)


def of_another_library(numbers):
    class Tensor:
        shape = (len(numbers),)

        def __array__(self, *_, **__):
            return np.array(numbers)

        def __iter__(self):
            return iter(numbers)

        def detach(self):
            return self

        def tolist(self):
            return numbers

    return Tensor()


def test_a_branch_without_numbers_is_none():
    assert grad(lambda p: p["a"] ** 2)({"a": 3.0, "b": None, "c": [None]}) == {"a": 6.0, "b": None, "c": [None]}
    assert jacobian(lambda x: [x, None])(3.0) == [1.0, None]
    assert grad(lambda x, y: y)(None, 2.0) is None
    assert hvp(lambda v: v[0] ** 2, [3.0, None], [1.0, None]) == [2.0, None]


@given(ARRAYS, ARRAYS, st.floats(-2, 2))
def test_jacobians_by_trees_agree_with_products_forward_and_backward(a, b, c):
    """U · (J v) = (uᵀ J) · v, and both are what the Jacobian gives."""

    def f(p):
        return [p["a"] * p["c"], (p["b"] * p["b"] * p["c"], p["c"] ** 2), m.sin(p["c"])]

    p = {"c": c, "a": a, "b": b}
    direction = like(p, map(math.cos, range(len(spread(p)))))
    value, along = jvp(f, (p,), (direction,))
    cotangent = like(value, map(math.sin, range(1, 1 + len(spread(value)))))
    (pulled,) = m.vjp(f, p)[1](cotangent)
    forward = math.fsum(u * x for u, x in zip(spread(cotangent), spread(along), strict=True))
    backward = math.fsum(x * v for x, v in zip(spread(pulled), spread(direction), strict=True))
    assert forward == pytest.approx(backward, rel=1e-12, abs=1e-12)
    first = jacobian(f)(p)[0]
    assert np.shape(first["a"] if a.ndim else np.zeros(())) == a.shape * 2
    by_jacobian = sum(np.tensordot(first[key], direction[key], np.ndim(p[key])) for key in p) if a.ndim else along[0]
    np.testing.assert_allclose(by_jacobian, along[0], rtol=1e-12, atol=1e-12)


# ---- out of date --------------------------------------------------------------------------------------------------


def test_steps_of_a_graph_that_is_out_of_date_are_refused_with_the_remedy():
    f = first_circuit()
    x, _, z = (node for node in topological_order(f) if node.primitive is None)
    z.data = 3.0
    with pytest.raises(ValueError, match=r"^out of date: z was changed; f\.forward\(\) computes it anew$"):
        steps(f)
    assert str(steps(f.forward())[1]) == "f = q × z = 3 × 3 = 9"
    x.data = x.data  # the same number again is no change
    steps(f)
    x.data = 10.0
    with pytest.raises(ValueError, match="out of date: x or y was changed"):
        steps(f)


def test_a_change_that_only_partials_show_and_one_of_another_root_are_found():
    x, y = Value(0.0, "x"), Value(5.0, "y")
    f = x * y
    y.data = 7.0  # f is 0 as before, ∂f/∂x is not
    with pytest.raises(ValueError, match="out of date"):
        steps(f)
    q = y * y
    g = q.exp()
    y.data = 1.0
    q.forward()
    g.name = "g"
    with pytest.raises(ValueError, match=r"out of date: a gate before g was computed anew; g\.forward"):
        steps(g)
    assert steps(g.forward())[-1].after == pytest.approx(2 * math.e)


def test_edges_that_were_not_taken_are_said_to_be_so():
    x = Value(-2.0, "x")
    listed = steps(m.relu(m.exp(x) * -1.0))
    assert str(listed[-1]) == "∂f/∂u2 += ∂f/∂f · ∂f/∂u2 = 1 × 0 = 0, not taken"
    assert [step.kind for step in listed].count("backward") == 1


def test_the_leaf_that_was_changed_is_told_by_what_stands_in_the_partials():
    x, y = Value(3.0, "x"), Value(5.0, "y")
    f = x * y
    y.data = 7.0
    with pytest.raises(ValueError, match="out of date: y was changed"):
        steps(f)


def test_the_sign_of_a_zero_is_a_change():
    x = Value(0.0, "x")
    f = m.atan2(-x, -1.0)
    x.data = -0.0
    with pytest.raises(ValueError, match="out of date"):
        steps(f)
    assert f.forward().data == math.pi


def test_steps_that_were_taken_before_a_change_are_not_shown_beside_new_numbers(tmp_path):
    x, y = Value(3.0, "x"), Value(5.0, "y")
    f = x + y
    before = steps(f)
    assert "text/html" in before._repr_mimebundle_()
    x.data = 10.0
    assert "out of date: x or y was changed" in "".join(before._repr_mimebundle_().values())
    with pytest.raises(ValueError, match="out of date"):
        before.save(tmp_path / "f.html")
    f.forward()
    assert before._repr_mimebundle_() == {
        "text/plain": "out of date: f was computed anew after these steps; steps(…) takes them anew"
    }
    with pytest.raises(ValueError, match="computed anew after these steps"):
        before.save(tmp_path / "f.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "derivative",
    [
        lambda w: grad(lambda x: m.relu(w * x))(1.0),
        lambda w: m.where(1.0, grad(lambda x: m.where(w, w * x * x, 3 * x))(1.0), 0.0) ** 2,
        lambda w: jvp(lambda x: m.maximum(w * x, 0.5), (1.0,), (1.0,))[1],
        lambda w: hvp(lambda x: m.relu(w * x) ** 2, 1.0, 1.0),
    ],
)
def test_a_derivative_in_which_gates_chose_is_not_computed_anew(derivative):
    w = Value(-1.0)
    found = derivative(w)
    w.data = 2.0
    with pytest.raises(ValueError, match="Take the derivative anew"):
        found.forward()
    smooth = grad(lambda x: m.tanh(w * x))(1.0)
    w.data = 0.5
    assert smooth.forward().data == grad(lambda x: m.tanh(w * x))(1.0).data


Point = namedtuple("Point", "x y")


def test_dicts_named_tuples_and_arrays_are_copied_too():
    def f(x, given):
        given["a"].append(9.0)
        given["v"][0] = 5.0
        return x * given["a"][0]

    given = {"a": [2.0], "v": np.array([1.0])}
    assert grad(f)(3.0, given) == 2.0
    assert (given["a"], given["v"].tolist()) == ([2.0], [1.0])
    assert grad(lambda p: p.x * p.y)(Point(3.0, 4.0)) == Point(4.0, 3.0)
    assert type(jacobian(lambda x: Point(x, x * x))(3.0)) is Point


def test_nothing_moves_along_a_constant_0():
    assert jvp(lambda a, b: m.sqrt(a) + b, (0.0, 1.0), (0.0, 1.0)) == (1.0, 1.0)

    def f(v):
        return v[0] ** 1.5 + v[1] ** 2

    assert hvp(f, [0.0, 1.0], [0.0, 1.0]) == jvp(grad(f), ([0.0, 1.0],), ([0.0, 1.0],))[1] == [0.0, 2.0]


def test_a_zero_among_the_numbers_is_none_whether_derivatives_are_recorded_or_not():
    w = Value(1.0)

    def f(t):
        return m.sqrt(t) / math.inf

    assert math.isnan(grad(f)(0.0))
    assert math.isnan(grad(lambda t: f(t) + w)(0.0).data)


@pytest.mark.parametrize("result", [{1.0}, iter([1.0]), {"a": {1.0}}, np.array([{1.0}])])
def test_what_a_function_may_return_is_said(result):
    with pytest.raises(TypeError, match=r"<lambda> returned .*: it must return numbers, Values, or lists, dicts"):
        grad(lambda x: result)(3.0)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"a": 1.0}, "a dict of 'a': use jacobian"),
        ({}, "a dict of nothing"),
        (np.array([1.0]), r"an array of shape \(1,\): use jacobian, or add them up"),
        ([1.0, 2.0, 3.0], "3: use jacobian$"),
        ((1.0, 2.0), r"2: use jacobian, or has_aux=True for \(number, anything else\)"),
    ],
)
def test_a_gradient_is_of_one_number(result, said):
    for transform in (grad, value_and_grad):
        with pytest.raises(TypeError, match=f"^grad needs a function that returns one number, got {said}"):
            transform(lambda x: result)(3.0)


def test_the_words_of_a_refusal_are_a_call_of_the_transform():
    x = Value(3.0)
    with pytest.raises(TypeError, match=r"write hvp\(lambda x: …, x, v\)"):
        hvp(x * x, x, 1.0)
    with pytest.raises(TypeError, match=r"write jvp\(lambda x: …, \(x,\), \(v,\)\)"):
        jvp(x * x, (x,), (1.0,))
    with pytest.raises(TypeError, match="value_and_grad takes a function, got"):
        value_and_grad([x * x], [x])


@pytest.mark.parametrize("argnums", [(0, 0), (0, -3), (1, 2, 1)])
def test_an_argument_is_named_once(argnums):
    for transform in (grad, value_and_grad, jacobian, hessian):
        with pytest.raises(ValueError, match="names an argument twice"):
            transform(volume, argnums)(2.0, 3.0, 4.0)


def test_every_transform_hands_on_what_f_returns_beside_its_result():
    assert m.jacobian(lambda x: ([x, x**2], x + 1), has_aux=True)(3.0) == ([1.0, 6.0], 4.0)
    assert m.hessian(lambda x: (x**3, {"twice": 2 * x}), has_aux=True)(3.0) == (18.0, {"twice": 6.0})
    assert m.jvp(lambda x: (x**2, {"twice": 2 * x}), (3.0,), (2.0,), has_aux=True) == (9.0, 12.0, {"twice": 6.0})
    value, pull, aux = m.vjp(lambda x: (x**2, {"twice": 2 * x, "n": 3}), 3.0, has_aux=True)
    assert (value, pull(2.0), aux) == (9.0, (12.0,), {"twice": 6.0, "n": 3})

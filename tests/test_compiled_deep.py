"""Deep and narrow programs: the work of compiling grows with the depth alone, and a few examples take straight lines.

Straight lines and arrays are one program to the user: the same results, edges and errors, whichever runs.
"""

import cProfile
import math
import pickle
import pstats
import threading
from itertools import pairwise

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.compiler import program as programs, python_backend
from tests.compile_cases import CASES, assert_agrees, assert_close, eager, tiled

EXAMPLES = [([1.0, 0.2], 0.3), ([-0.5, 0.1], 0.0), ([2.0, -1.0], 1.0)]


def pendulum(steps):
    """A damped pendulum by Runge and Kutta's method, and how far it ends from the goal."""
    damping, stiffness = Value(0.2), Value(1.5)

    def rates(angle, speed):
        return speed, -damping * speed - stiffness * mg.sin(angle)

    def f(state, goal):
        angle, speed = state
        for _ in range(steps):
            a1, s1 = rates(angle, speed)
            a2, s2 = rates(angle + 0.025 * a1, speed + 0.025 * s1)
            a3, s3 = rates(angle + 0.025 * a2, speed + 0.025 * s2)
            a4, s4 = rates(angle + 0.05 * a3, speed + 0.05 * s3)
            angle = angle + 0.05 / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
            speed = speed + 0.05 / 6 * (s1 + 2 * s2 + 2 * s3 + s4)
        return (angle - goal) ** 2

    return f, [damping, stiffness]


def neurons(count):
    """A chain of neurons of one input, each with the same weight and bias."""
    w, b = Value(0.9), Value(0.1)

    def f(x):
        for _ in range(count):
            x = mg.tanh(w * x + b)
        return x

    return f, [w, b]


def narrow(**options):
    f, params = pendulum(4)
    return mg.compile(f, params, example=EXAMPLES[0], **options)


# ---- work -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_work_of_compiling_is_linear_in_depth():
    """Counted in calls of functions, for arrays and for straight lines."""

    def calls(depth):
        f, params = neurons(depth)
        watch = cProfile.Profile()
        with watch:
            program = mg.compile(f, params, example=(0.5,), wrt="both")
            assert program._engine(1) is not program._engine(1000)
        return pstats.Stats(watch).total_calls

    calls(40)  # what is only done once
    assert calls(80) < 2.1 * calls(40)


def test_views_are_no_variables_of_a_function_around():
    """Python compiles n of these in n² steps."""
    arrays = narrow()._engine(1000)
    arrays.value(np.ones(2), [np.ones((1, 2)), np.ones(1)], 1)
    [made] = vars(arrays._main._threads).values()
    assert made["value"].__code__.co_freevars == made["gradient"].__code__.co_freevars == ()


def test_python_does_no_work_for_arrays(monkeypatch):
    for name in ("gather_sums", "spaces", "group", "Rolled", "NumPyBackend"):
        monkeypatch.setattr(programs, name, None)
    program = narrow(backend="python")
    program.value_and_grad(*tiled(EXAMPLES, 100))
    assert "straight-line Python" in program.explain()


@pytest.mark.parametrize("lines", [1, 7, 500])
def test_what_is_long_is_compiled_in_parts(lines, monkeypatch):
    whole, batch = narrow(backend="python", wrt="both"), tiled(EXAMPLES, 3)
    monkeypatch.setattr(python_backend, "_LINES", lines)
    inparts = narrow(backend="python", wrt="both")
    assert inparts.explain().count("def run(") == -(-whole._engine(1).source.count(" = ") // lines)
    value, (by_params, by_inputs) = whole.value_and_grad(*batch)
    for program in (inparts, pickle.loads(pickle.dumps(inparts))):
        other, (others, other_inputs) = program.value_and_grad(*batch)
        assert (other, others.tolist()) == (value, by_params.tolist())
        assert all(map(np.array_equal, other_inputs, by_inputs))
        assert program.value(*batch) == whole.value(*batch)


# ---- which of the two runs --------------------------------------------------------------------------------------


def test_few_examples_take_straight_lines_and_many_take_arrays():
    program = narrow()
    limit = program.straight_up_to
    assert 3 < limit < 40
    python, numpy = program._engine(limit), program._engine(limit + 1)
    assert isinstance(python, python_backend.PythonBackend)
    assert isinstance(numpy, programs.NumPyBackend)
    f, params = pendulum(4)
    both, references = narrow(wrt="both"), [eager(f, params, example) for example in EXAMPLES]
    for count in (1, limit, limit + 1, 3 * limit):
        assert_agrees(both, references, EXAMPLES, count)


def test_without_examples_all_is_straight():
    f, params = neurons(60)
    program = mg.compile(lambda: f(0.5), params, example=())
    reference = eager(lambda: f(0.5), params, ())
    value, gradient = program.value_and_grad()
    assert_close(value, reference.value, reference.value_scale, "value")
    assert_close(gradient, reference.gradient, reference.gradient_scale, "gradient")
    assert repr(program) == "<Program of 180 gates, 2 parameters, numpy, straight-line Python>"
    assert "buffer" not in program.explain()


def wide():
    model = nn.MLP(2, [16, 16, 1], rng=0)
    yield mg.compile(lambda x, y: nn.hinge(model(x), y), model.parameters(), example=([0.0, 0.0], 1.0))
    model = nn.MLP(8, [16, 10], activation="tanh", rng=0)
    yield mg.compile(lambda x, y: nn.cross_entropy(model(x), y), model.parameters(), example=([0.0] * 8, 1))
    xs = [Value(0.5) for _ in range(100)]
    yield mg.compile(lambda: mg.sum([(b - a**2) ** 2 for a, b in pairwise(xs)]), xs, example=())
    w = [[Value(0.1) for _ in range(8)] for _ in range(8)]

    def recurrent(x):
        state = x
        for _ in range(60):
            state = [mg.tanh(mg.dot(row, state)) for row in w]
        return mg.sum(state)

    yield mg.compile(recurrent, w, example=([0.1] * 8,))


def test_layers_and_whole_data_sets_take_arrays_always():
    for program in wide():
        assert program.straight_up_to == 0
        assert "straight" not in repr(program) + program.explain()


# ---- one program to the user ------------------------------------------------------------------------------------


def test_the_text_says_what_runs():
    program = narrow()
    few = f"for up to {program.straight_up_to} examples"
    assert f"straight-line Python {few}" in repr(program)
    text = program.explain()
    assert f"straight-line Python {few}, NumPy for more" in text.splitlines()[0]
    python, numpy = program._engine(1).source.rstrip(), program._engine(1000).source.rstrip()
    assert text.endswith(f"\n\nThe source {few}\n\n{python}\n\nThe source for more\n\n{numpy}\n")
    assert f"{python.count(' = '):,} lines of straight-line Python" in text


def test_edges_are_silent_and_the_same_on_both_sides():
    w = Value(1.0)

    def f(x):
        total = x
        for _ in range(120):
            total = mg.tanh(total) + w * x
        return mg.log(x) + 1 / (x - 1) + mg.exp(1000 * x) + mg.sqrt(2 - x) + total

    program = mg.compile(f, w, example=(0.5,), wrt="both")
    edges = [0.0, 1.0, -1.0, 3.0, math.inf, -math.inf, math.nan]
    numpy, python = program._engine(1000), program._engine(1)
    assert numpy is not python
    for x in edges:
        few = python.value_and_gradient(np.ones(1), [np.array([x])], 1)
        many = numpy.value_and_gradient(np.ones(1), [np.array([x])], 1)
        for one, other in zip(few, many, strict=True):
            assert np.array_equal(one, other, equal_nan=True), x


def test_it_can_be_pickled_and_called_from_threads_with_batches_of_both_kinds():
    program = narrow()
    few, many = tiled(EXAMPLES, 2), tiled(EXAMPLES, 50)
    expected = [program.grad(*few).tolist(), program.grad(*many).tolist()]
    for twin in (pickle.loads(pickle.dumps(narrow())), pickle.loads(pickle.dumps(program))):
        found = []

        def work(twin=twin, found=found):
            found.extend([twin.grad(*few).tolist(), twin.grad(*many).tolist()] for _ in range(5))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [expected] * 15


def test_aux_comes_from_either():
    f, params = pendulum(4)
    both = mg.compile(lambda x, y: (f(x, y), (x[0] * 2, params[0] * 3)), params, example=EXAMPLES[0], has_aux=True)
    for count in (2, 50):
        (value, (twice, thrice)), gradient = both.value_and_grad(*tiled(EXAMPLES, count))
        expected, by_params = narrow().value_and_grad(*tiled(EXAMPLES, count))
        assert (value, gradient) == (pytest.approx(expected), pytest.approx(by_params))
        assert twice == pytest.approx(2 * tiled(EXAMPLES, count)[0][:, 0])
        assert thrice == pytest.approx(0.6)


def test_outputs_for_every_example_come_from_either():
    f, params = neurons(100)
    program = mg.compile(lambda x: [f(x), [x, 2.0]], params, example=(0.5,), reduce=None)
    batch = np.linspace(-1, 1, 50)
    for many, few in zip(program.value(batch), program.value(batch[:3]), strict=True):
        assert many[:3] == pytest.approx(few, rel=1e-12)


@pytest.mark.jax
def test_jax_takes_the_program_over_arrays():
    import jax

    with jax.enable_x64(True):
        program, batch = mg.compile(*neurons(60), example=(0.5,)), np.array([0.1, 0.2])
        assert program.straight_up_to
        assert jax.grad(program.to_jax())(program.params, batch) == pytest.approx(program.grad(batch), rel=1e-12)


@pytest.mark.slow
def test_the_cases_of_compile_take_arrays():
    """So that the contract of arrays is tested on them."""
    for make in CASES.values():
        case = make()
        assert mg.compile(case.f, case.params, example=case.examples[0]).straight_up_to == 0

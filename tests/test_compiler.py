"""The passes of the compiler, one by one: what each leaves, and that it keeps what the function computes."""

import itertools
import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.checks.strategies import expressions, points
from microgradnn.compiler.derivatives import differentiated
from microgradnn.compiler.evaluate import evaluate
from microgradnn.compiler.expand import Calls, expand
from microgradnn.compiler.grouping import UNIFORM, Group, Product, group, spaces
from microgradnn.compiler.ir import ArrayProgram, Var, Window, whole
from microgradnn.compiler.simplify import Writer
from microgradnn.compiler.sums import gather_sums
from microgradnn.compiler.tape import Tape
from microgradnn.compiler.tracing import trace
from microgradnn.primitive import Primitive, lookup, run_lines
from tests.array_programs import NumPyLibrary, check
from tests.compile_cases import CASES


def tape_of(f, params, *example, split_root=False):
    """What tracing and gathering sums leave of a function of one number."""
    tape, root = trace(f, params, example)
    tape.roots = [root]
    return tape, gather_sums(tape, len(params), split_root)


def steps_of(f, params, *example):
    """The groups, without a split of the root."""
    _, gathered = tape_of(f, params, *example)
    sizes = [int(np.size(one)) for one in example]
    kept = spaces(gathered, len(params), sizes)
    return group(gathered, kept)


def value(tape, numbers):
    return run_lines(tape.lines, tape.roots, list(numbers), Primitive.limit)


# ---- the tape ----------------------------------------------------------------------------------------------------


def test_equal_gates_are_written_once_and_a_register_is_no_constant():
    tape = Tape(2)
    total = tape.write(lookup("add"), (0, 1))
    assert tape.write(lookup("add"), (0, 1)) == total
    assert tape.write(lookup("add"), (0, 1.0)) != total
    assert tape.write(lookup("multiply"), (0, 0.0)) != tape.write(lookup("multiply"), (0, -0.0))


@pytest.mark.parametrize(
    ("gate", "places", "simplest"),
    [
        ("power", (0, 1.0), 0), ("positive", (0,), 0), ("maximum", (0,), 0),
        ("where", (1.0, 0, 1), 0), ("where", (-1.0, 0, 1), 1), ("select", (1.0, 0, 1), 1), ("add", (2.0, 3.0), 5.0),
        ("exp", (1000.0,), math.inf), ("log", (0.0,), -math.inf),
    ],
)  # fmt: skip
def test_what_needs_no_gate_is_not_written(gate, places, simplest):
    tape = Tape(2)
    assert tape.write(lookup(gate), places) == simplest
    assert tape.lines == []


def test_a_sum_of_one_is_added_to_0_which_makes_0_of_minus_0():
    tape = Tape(1)
    assert (
        tape.write(lookup("add"), (0.0, 0)) != tape.write(lookup("sum"), (0,)) == tape.write(lookup("logsumexp"), (0,))
    )
    assert tape.lines == [(lookup("add"), (0.0, 0)), (lookup("add"), (0, 0.0))]


def test_squares_are_products_and_dead_ends_are_not_needed():
    tape = Tape(1)
    square = tape.write(lookup("power"), (0, 2.0))
    tape.write(lookup("exp"), (square,))
    tape.roots = [square]
    assert tape.lines[0] == (lookup("multiply"), (0, 0))
    assert list(tape.needed()) == [1, 1, 0]


def test_what_only_dead_ends_read_is_not_needed():
    tape = Tape(2)
    dead = tape.write(lookup("exp"), (tape.write(lookup("sin"), (1,)),))
    tape.roots = [tape.write(lookup("multiply"), (0, 0)), 3.0]
    assert list(tape.needed()) == [1, 0, 0, 0, 1]
    assert list(tape.needed([dead])) == [0, 1, 1, 1, 0]


def test_nan_is_one_constant_however_it_came_about():
    tape = Tape(1)
    assert tape.write(lookup("multiply"), (0, math.inf - math.inf)) == tape.write(lookup("multiply"), (0, float("nan")))


# ---- sums --------------------------------------------------------------------------------------------------------


@given(expressions(variables=3, max_gates=10, smooth=False), points(3), st.booleans())
def test_gathering_sums_keeps_the_value(expression, point, split_root):
    w = Value(1.0)
    tape, gathered = tape_of(lambda x: expression(w, *x), [w], [1.0, 1.0], split_root=split_root)
    numbers = list(point)  # of all registers
    (before,) = run_lines(tape.lines, tape.roots, numbers, Primitive.limit)
    assume(math.isfinite(before) and all(map(math.isfinite, numbers)))
    scale = sum(map(abs, numbers))
    assert sum(value(gathered, point)) == pytest.approx(before, rel=1e-9, abs=1e-12 * scale)


def test_chains_of_products_become_dot_products_with_their_bias():
    w, b = [Value(1.0) for _ in range(3)], Value(0.0)
    _, tape = tape_of(lambda x: b + w[0] * x[0] + w[1] * x[1] + w[2] * x[2], [*w, b], [0.0] * 3)
    assert tape.lines == [(lookup("dot"), (0, 1, 2, 4, 5, 6, 3))]


def test_a_product_is_part_of_a_sum_unless_something_else_wants_it():
    def gathered(more):
        tape = Tape(4)
        products = [tape.write(lookup("multiply"), (w, w + 2)) for w in (0, 1)]
        tape.roots = [tape.write(lookup("add"), tuple(products)), *more(tape, products[0])]
        return [gate.name for gate, _ in gather_sums(tape, 2, False).lines]

    assert gathered(lambda tape, product: []) == ["dot"]
    assert gathered(lambda tape, product: [product]) == ["multiply", "multiply", "add"]
    assert gathered(lambda tape, product: [tape.write(lookup("exp"), (product,))])[:2] == ["multiply", "multiply"]
    assert gathered(lambda tape, product: tape.write(lookup("exp"), (product,)) and []) == ["dot"]  # a dead end


def test_what_is_the_same_for_all_examples_leaves_the_root():
    w = [Value(1.0), Value(2.0)]
    _, tape = tape_of(lambda x: mg.tanh(w[0] * x) + w[0] * w[0] + w[1] * w[1], w, 0.0, split_root=True)
    kept = spaces(tape, 2, [1])
    varying, uniform = tape.roots
    assert (kept[varying], kept[uniform]) == ("varying", UNIFORM)


# ---- groups ------------------------------------------------------------------------------------------------------


def products(steps):
    """Rows of weights, length and columns of inputs of every product of matrices."""
    return [(len(s.weights), len(s.weights[0]), len(s.inputs)) for s in steps if isinstance(s, Product)]


@pytest.mark.parametrize("fused", [True, False])
def test_a_layer_is_one_product(fused):
    model = nn.MLP(3, [4, 2], fused=fused, rng=0)
    steps = steps_of(lambda x: mg.logsumexp(model(x)), model.parameters(), [0.0] * 3)
    assert products(steps) == [(4, 3, 1), (2, 4, 1)]
    assert [step.gate.name for step in steps if isinstance(step, Group)] == ["relu", "logsumexp"]


def test_a_convolution_by_loops_is_one_product():
    kernels = [[Value(1.0 + i + j) for j in range(3)] for i in range(2)]
    params = [w for kernel in kernels for w in kernel]

    def f(x):
        return mg.sum([mg.relu(mg.dot(kernel, x[i : i + 3])) for kernel in kernels for i in range(6)])

    assert products(steps_of(f, params, [0.0] * 8)) == [(2, 3, 6)]


def test_a_batch_unrolled_in_python_is_found_again():
    model = nn.MLP(2, [5, 1], rng=0)
    data = np.random.default_rng(0).normal(size=(7, 2)).tolist()
    assert products(steps_of(lambda: mg.mean(model(data)), model.parameters()))[:2] == [(5, 2, 7), (1, 5, 7)]


def test_a_recurrent_layer_is_one_product_for_every_time():
    w = [[Value(0.1 * (i + j)) for j in range(2)] for i in range(2)]

    def f(x):
        h = [0.5, 0.5]
        for one in x:
            h = [mg.tanh(mg.dot(row, h) + one) for row in w]
        return h[0] + h[1]

    found = products(steps_of(f, [p for row in w for p in row], [0.0] * 4))
    assert found[-3:] == [(2, 2, 1)] * 3


# ---- arrays ------------------------------------------------------------------------------------------------------


def program_of(f, params=(), *example, ones=True, asked="gradient", wrt="both"):
    """The array program of a function."""
    return mg.compile(f, params, example=example, wrt=wrt if example else "params").rolled.program(asked, ones)


def case_of(name, asked="gradient"):
    case = CASES[name]()
    return program_of(case.f, case.params, *case.examples[0], asked=asked)


def kinds(program):
    """How many operations there are of each kind, gates by their names."""
    return Counter(op.detail[0].name if op.kind == "gate" else op.kind for op in program.ops)


def lines(program, count=1000):
    """The instructions of the NumPy source of the value and its gradient."""
    _, *functions = program._engine(count).source.split("def ")
    return [line for function in functions for line in function.splitlines() if line.startswith("    ")]


def test_products_stay_products_forward_and_backward():
    model = nn.MLP(3, [4, 2], activation="tanh", rng=0)
    forward = program_of(lambda x: mg.logsumexp(model(x)), model.parameters(), [0.0] * 3, asked="value")
    assert kinds(forward) == {"einsum": 2, "put": 2, "tanh": 1, "logsumexp": 1, "sum": 1, "count": 1, "divide": 1}
    both = program_of(lambda x: mg.logsumexp(model(x)), model.parameters(), [0.0] * 3)
    assert kinds(both)["einsum"] == 6  # two each for W and x


def test_weights_and_biases_lie_as_one_matrix_above_a_row_of_ones():
    program = case_of("dense_relu_hinge", "value")
    _, *found = [op for op in program.ops if op.kind == "einsum"]  # the first is of the penalty
    assert [op.operands[0].shape for op in found] == [(3, 3), (2, 4), (1, 3)]
    for op in found:
        weights, inputs = op.operands
        assert (weights.var, weights.place.is_contiguous) == (program.params, True)
        [joined] = [other for other in program.ops if other.out is inputs.var]
        assert (joined.kind, joined.operands[1]) == ("put", 1.0)
    assert sorted(program.order) == list(range(len(CASES["dense_relu_hinge"]().params)))
    assert "put" not in kinds(program_of(*linear_layer(), ones=False, asked="value"))
    assert kinds(program_of(*linear_layer(), ones=True, asked="value"))["put"] == 1


def linear_layer():
    model = nn.Layer(3, 2, "linear", rng=0)
    return lambda x: mg.sum(model(x)), model.parameters(), [0.0] * 3


WINDOWS = {  # what is read, and the kinds of operations for the value
    "neighbours": lambda x: mg.sum([mg.sin(a * b) for a, b in pairwise(x)]),
    "from behind": lambda x: mg.sum([mg.sin(a) for a in x[::-2]]),
    "an outer product": lambda x: mg.sum([mg.sin(a * b) for a in x[:4] for b in x[4:]]),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_what_is_evenly_spaced_is_read_in_place(name):
    program = program_of(WINDOWS[name], (), [0.1 * k for k in range(9)], asked="value")
    assert not {"take", "put"} & kinds(program).keys()
    assert kinds(program)["sin"] == 1


def test_what_is_not_is_taken_or_put_together_once():
    places = [0, 1, 3, 7, 2, 8]
    picked = lambda x, y: mg.logsumexp([mg.sin(x[k] * y[k]) for k in places])  # noqa: E731
    found = kinds(program_of(picked, (), [0.1] * 9, [0.2] * 9, asked="value"))
    assert (found["take"], found["sin"], found["put"]) == (3, 1, 0)  # of x, of y, and of the sines in their order
    found = kinds(program_of(picked, (), [0.1] * 9, [0.2] * 9))
    assert (found["take"], found["sin"], found["put"]) == (3, 1, 3)
    w = [Value(1.0), Value(2.0)]

    def joined(x):
        return mg.logsumexp([mg.sin(x[0]), mg.cos(x[1]), w[0], w[1], 0.5])

    program = program_of(joined, w, [0.1, 0.2], asked="value")
    assert (kinds(program)["put"], kinds(program)["logsumexp"], kinds(program)["take"]) == (1, 1, 0)


def test_what_is_scattered_over_many_variables_is_put_side_by_side_and_taken_at_once():
    def shifted(x):
        peaks = [mg.maximum(*x[: n + 2]) for n in range(5)]
        return mg.sum([mg.exp(x[k] - peak) for n, peak in enumerate(peaks) for k in range(n + 2)])

    program = program_of(shifted, (), [0.1 * k for k in range(6)], asked="value")
    assert (kinds(program)["put"], kinds(program)["take"], kinds(program)["maximum"]) == (1, 3, 5)


def test_few_columns_of_a_matrix_are_read_in_place_as_many_are():
    def sums(x):
        y = [mg.sin(one) for one in x]
        return mg.sum([mg.cos(mg.sum([y[6 * h + 2 * s + d] for s in range(3)])) for h in range(2) for d in range(2)])

    program = program_of(sums, (), [0.1 * k for k in range(12)], asked="value")
    assert not {"take", "put", "add"} & kinds(program).keys()


def test_overlapping_windows_take_a_few_instructions_however_many_there_are():
    kernel = [Value(0.1 * k) for k in range(3)]

    def convolution(windows):
        def f(x):
            return mg.sum([mg.tanh(mg.dot(kernel, x[i : i + 3])) for i in range(windows)])

        return mg.compile(f, kernel, example=([0.1] * (windows + 2),), wrt="both")

    assert len(lines(convolution(200))) == len(lines(convolution(20))) < 30


def test_numbers_that_are_read_over_and_over_take_a_few_instructions():
    w = [Value(0.5), Value(0.25)]

    def gathers(count):
        picks = np.random.default_rng(0).integers(0, 2, count).tolist()
        return mg.compile(
            lambda x: mg.sum([mg.tanh(w[k] * one) for k, one in zip(picks, x, strict=True)]),
            w,
            example=([0.1] * count,),
            wrt="both",
        )

    assert len(lines(gathers(1000))) == len(lines(gathers(100))) < 25
    batch = np.random.default_rng(1).normal(size=(3, 100))
    few, many = mg.compile(lambda x: mg.tanh(w[0] * x), w, example=(0.0,)), gathers(100)
    picks = np.random.default_rng(0).integers(0, 2, 100) == 0
    assert many.grad(batch)[0][0] == pytest.approx(sum(few.grad(column)[0] for column in batch[:, picks].T))


# ---- the writer --------------------------------------------------------------------------------------------------


def test_a_square_has_one_contribution():
    """∂x·x is 2x, not x + x."""
    for square in (lambda x: x * x, lambda x: x**2):
        gates = kinds(program_of(square, (), 0.5, wrt="inputs"))
        assert gates == {"multiply": 3, "sum": 1, "count": 1, "divide": 2}  # x · x, 2 · x and that times the adjoint
    squares = program_of(lambda: mg.sum([one * one for one in WEIGHTS]), WEIGHTS)
    assert kinds(squares) == {"einsum": 1, "multiply": 1}


WEIGHTS = [Value(0.1 * k) for k in range(5)]


@pytest.mark.sampled(29)
@pytest.mark.parametrize("asked", ["value", "gradient", "grads", "hvp"])
@pytest.mark.parametrize("name", CASES)
def test_there_is_no_dead_code_and_nothing_is_written_twice(name, asked):
    for program in (case_of(name, asked), expand(case_of(name, asked))):
        read = {out.var for out in program.outs if isinstance(out, Window)}
        for op in reversed(program.ops):
            assert op.out in read, op
            read.update(op.read)
        assert len({(op.kind, repr(op.detail), op.operands) for op in program.ops}) == len(program.ops)


EDGES = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0, 1e200, -1e-320, math.inf, -math.inf, math.nan]
GATES = {
    "multiply": 2, "add": 2, "subtract": 2, "divide": 2, "power": 2, "maximum": 2, "minimum": 2, "negative": 1,
    "positive": 1, "where": 3, "sum": 2, "relu": 1, "abs": 1,
}  # fmt: skip


def same_bits(a, b):
    """Equal to the bit; one nan is as good as another."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(
        np.signbit(a) | np.isnan(a), np.signbit(b) | np.isnan(b)
    )


def outcome(writer, params, outs):
    program = ArrayProgram(params, [], list(range(params.size)), writer.ops, outs)
    check(program)
    with np.errstate(all="ignore"):
        return [np.asarray(out) for out in evaluate(program, NumPyLibrary(1), np.array(EDGES), [])]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("gate", GATES)
def test_simpler_forms_of_gates_are_the_same_to_the_bit(gate):
    """For numbers known and unknown in every place, zeros of either sign, infinities and nan."""
    primitive, params = lookup(gate), Var((len(EDGES),), False, name="p")
    known = [[whole(params), *EDGES]] * GATES[gate]
    for operands in itertools.product(*known):
        if not any(isinstance(operand, Window) for operand in operands):
            continue
        for writer in (Writer(), Calls()):
            written = writer.gate(primitive, operands)
            [found] = outcome(writer, params, [writer.filled(written, params.shape)])
            with np.errstate(all="ignore"):
                columns = [np.array(EDGES) if isinstance(x, Window) else x for x in operands]
                expected = NumPyLibrary(1).gate(primitive, False, columns)
            assert same_bits(found.ravel(), expected), (writer, operands, found.ravel(), expected)


def test_sums_and_products_of_calls_are_the_same_to_the_bit():
    params = Var((len(EDGES),), False, name="p")
    for first, second in itertools.product(EDGES, EDGES):
        writer, x = Calls(), whole(params)
        product = writer.call("multiply", [first, writer.call("multiply", [second, x])])
        difference = writer.call("add", [first, writer.call("negative", [x])])
        added = writer.call("add", [writer.call("multiply", [second, x]), writer.call("negative", [x])])
        found = outcome(writer, params, [writer.filled(one, params.shape) for one in (product, difference, added)])
        with np.errstate(all="ignore"):
            p = np.array(EDGES)
            expected = [first * (second * p), first - p, second * p - p]
        for one, other in zip(found, expected, strict=True):
            assert same_bits(one.ravel(), other), (first, second)


def test_equal_operations_are_written_once_and_a_sum_with_0_stays():
    writer, x = Writer(), whole(Var((3,), True, name="x"))
    exp, add = lookup("exp"), lookup("add")
    assert writer.gate(exp, [x]) is writer.gate(exp, [x])
    assert writer.gate(add, [x, 0.0]) != x == writer.gate(add, [x, -0.0])
    assert writer.gate(lookup("multiply"), [1.0, x]) == x
    assert writer.constant(np.array([1.0, 2.0])) == writer.constant(np.array([1.0, 2.0]))
    assert writer.constant(np.array([0.0])) != writer.constant(np.array([-0.0]))


def test_constants_travel_together():
    writer, x = Calls(), whole(Var((3,), True, name="x"))
    operands = lambda window: writer.op_of(window).operands  # noqa: E731
    twice = writer.call("multiply", [2.0, x])
    assert operands(writer.call("multiply", [3.0, twice])) == (6.0, x)
    for first, second in [(1e200, 1e200), (0.1, 2.0), (2.0, 0.5), (3.0, 5.0), (1e308, 4.0)]:  # not to the bit
        inner = writer.call("multiply", [first, x])
        assert operands(writer.call("multiply", [second, inner])) == (second, inner)
    assert writer.op_of(writer.call("multiply", [-1.0, x])).detail == "negative"


def test_a_partial_shares_what_its_gate_has_computed():
    """The exponentials of logsumexp are found once, for the value and for the gradient."""
    calls = expand(program_of(lambda x: mg.logsumexp(x), (), [0.1, 0.2, 0.3], wrt="inputs"))
    assert [op.detail for op in calls.ops].count("exp") == 1


# ---- the derivative of a tape ------------------------------------------------------------------------------------


@given(expressions(variables=2, max_gates=6, smooth=False), points(2))
def test_the_derivative_of_a_tape_is_the_gradient(expression, point):
    tape, root = trace(lambda x: expression(*x), [], ([1.0, 1.0],))
    tape.roots = [root]
    try:
        by_eager = mg.grad(lambda x: expression(*x) + 0.0 * x[0])(point)
    except (ArithmeticError, ValueError):
        assume(False)
    _, *gradient = value(differentiated(tape, 0, 2), point)
    assume(all(map(math.isfinite, [*by_eager, *gradient])))
    assert gradient == pytest.approx(by_eager, rel=1e-6, abs=1e-6)

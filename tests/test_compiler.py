"""The passes of the compiler, one by one: what each leaves, and that it keeps what the function computes."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.checks.strategies import expressions, points
from microgradnn.compiler.derivatives import differentiated
from microgradnn.compiler.grouping import PARAMETERS, UNIFORM, Group, Product, group, spaces
from microgradnn.compiler.instructions import COUNT, INVERSE_COUNT, Temp, Writer
from microgradnn.compiler.layout import GRADIENT, Gather, MatrixProduct, View, lay_out
from microgradnn.compiler.lowering import lower
from microgradnn.compiler.sums import gather_sums
from microgradnn.compiler.tape import Tape
from microgradnn.compiler.tracing import trace
from microgradnn.primitive import Primitive, lookup, run_lines
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


@settings(max_examples=30)
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


# ---- layout ------------------------------------------------------------------------------------------------------


def laid_out(case):
    """The layout of a case of the contract, and what was lowered of it."""
    tape, root = trace(case.f, case.params, case.examples[0])
    tape.roots = [root]
    gathered = gather_sums(tape, len(case.params), True)
    sizes = [int(np.size(one)) for one in case.examples[0]]
    kept = spaces(gathered, len(case.params), sizes)
    layout = lay_out(group(gathered, kept), kept, len(case.params), sizes, gathered.roots)
    return layout, lower(layout, [PARAMETERS, *(f"x{i}" for i in range(len(sizes)))], "mean")


def flat_cases():
    """Those whose parameters are a flat list."""
    for name, make in CASES.items():
        case = make()
        flat = isinstance(case.params, list) and all(isinstance(one, Value) for one in case.params)
        if flat and all(np.ndim(one) < 3 for one in case.examples[0]):
            yield pytest.param(make, id=name)


@pytest.mark.parametrize("make", list(flat_cases()))
def test_every_row_is_written_once_before_it_is_read(make):
    layout, _ = laid_out(make())
    written = {space: np.zeros(size, dtype=bool) for space, size in layout.sizes.items()}
    for space in layout.sizes:
        if space == PARAMETERS or space.startswith("x"):
            written[space][:] = True
    for view in layout.ones:
        written[view.space][view.rows()] = True
    for step in layout.steps:
        if isinstance(step, Gather):
            for piece in step.pieces:
                assert piece.source not in written or written[piece.source][piece.rows].all()
        else:
            operands = [step.weights, step.biases, step.inputs] if isinstance(step, MatrixProduct) else step.operands
            for operand in operands:
                assert not isinstance(operand, View) or written[operand.space][operand.rows()].all()
        rows = step.out.rows()
        assert len(np.unique(rows)) == rows.size
        assert not written[step.out.space][rows].any()
        written[step.out.space][rows] = True
    assert all(rows.all() for rows in written.values())


def test_weights_and_biases_lie_as_one_matrix_above_a_row_of_ones():
    case = CASES["dense_relu_hinge"]()
    layout, _ = laid_out(case)
    found = [step for step in layout.steps if isinstance(step, MatrixProduct) and step.out.varying]
    assert found
    assert all(step.folded and step.biases is None for step in found)
    assert sorted(layout.order) == list(range(len(case.params)))


def test_a_view_knows_its_rows():
    assert View("params", 4, (2, 3), (3, 1)).rows().tolist() == [[4, 5, 6], [7, 8, 9]]
    assert View("params", 1, (3,), (0,)).rows().tolist() == [1, 1, 1]


# ---- lowering ----------------------------------------------------------------------------------------------------


def reads(instruction):
    """Rows of gradients that an instruction reads."""
    function, operands, out, _ = instruction
    for operand in operands if not function.startswith("put") else operands[1:2]:
        if isinstance(operand, View) and operand.space.startswith(GRADIENT):
            if function.startswith("put"):
                yield operand.space, operands[0].targets
            else:
                yield operand.space, operand.rows()
    if function.startswith("put") and "add" in function:
        yield out.space, operands[0].rows


def writes(instruction):
    function, operands, out, _ = instruction
    if isinstance(out, View) and out.space.startswith(GRADIENT):
        yield out.space, operands[0].rows if function.startswith("put") else out.rows()


@pytest.mark.parametrize("make", list(flat_cases()))
def test_adjoints_are_assigned_before_they_are_read_or_added_to(make):
    layout, program = laid_out(make())
    written = {GRADIENT + space: np.zeros(size, dtype=bool) for space, size in layout.sizes.items()}
    made = {COUNT, INVERSE_COUNT}
    for instruction in program.forward + program.backward:
        assert all(operand in made for operand in instruction.operands if isinstance(operand, Temp))
        for space, rows in reads(instruction):
            assert written[space][rows].all(), instruction
        for space, rows in writes(instruction):
            written[space][rows] = True
        if isinstance(instruction.out, Temp):
            made.add(instruction.out)
    for space, rows in program.unwritten.items():
        assert not written[GRADIENT + space][rows].any()


def test_equal_calls_are_written_once_but_not_over_gradients_that_grow():
    writer = Writer()
    x, adjoint = View("varying", 0, (3,), (1,)), View("d_varying", 0, (3,), (1,))
    assert writer.call("exp", [x]) is writer.call("exp", [x])
    assert writer.call("exp", [adjoint]) is not writer.call("exp", [adjoint])


def test_constants_travel_together():
    writer = Writer()
    x = View("varying", 0, (3,), (1,))
    twice = writer.call("multiply", [2.0, x])
    assert writer.call("multiply", [3.0, twice]).operands == (6.0, x)
    for first, second in [(1e200, 1e200), (0.1, 2.0), (2.0, 0.5), (3.0, 5.0), (1e308, 4.0)]:  # not to the bit
        inner = writer.call("multiply", [first, x])
        assert writer.call("multiply", [second, inner]).operands == (second, inner)
    assert writer.call("multiply", [-1.0, x]).function == "negative"


# ---- the derivative of a tape ------------------------------------------------------------------------------------


@settings(max_examples=30)
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

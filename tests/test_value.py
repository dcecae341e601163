"""What a Value promises: recording, sweeping, copying, refusing."""

import contextlib
import copy
import gc
import io
import itertools
import math
import operator
import pickle
import re
import statistics
import sys
import threading
import time
import weakref
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, anomalies, detect_anomaly, grad, hessian, no_grad, steps
from microgradnn.context import inside, recording
from microgradnn.graph import topological_order
from microgradnn.primitive import gates
from microgradnn.vectors import dots
from tests.test_drawing import printed_elsewhere

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


def gradients(root, *leaves):
    """The gradients that one more sweep adds."""
    before = [leaf.grad for leaf in leaves]
    root.backward()
    return [leaf.grad - old for leaf, old in zip(leaves, before, strict=True)]


# ---- recording and sweeping -----------------------------------------------------------------------------------


def test_x_times_x_has_two_edges_to_the_same_node():
    x = Value(3.0)
    y = x * x
    assert y.operands[0] is x
    assert y.operands[1] is x
    assert y.partials == (3.0, 3.0)
    assert gradients(y, x) == [6.0]


def test_operands_and_partials_of_leaf_gate_and_gate_with_constants():
    x = Value(2.0)
    assert (x.operands, x.partials, x.primitive) == ((), (), None)
    assert (x * 3).operands[1] == 3.0
    assert (3 * x).partials == (None, 3.0)
    assert m.maximum(1, x, 5).partials == (None, 0.0, None)
    assert m.where(1.0, x, x).partials == (None, 1.0, 0.0)
    assert m.where(x, 1.0, x).partials == (None, None, 0.0)


def test_structure_cannot_be_changed():
    x = Value(1.0)
    for attribute in ("operands", "partials", "primitive", "anything"):
        with pytest.raises(AttributeError):
            setattr(x + 1, attribute, ())


def test_changing_data_after_recording_changes_no_gradient():
    x, y = Value(2.0), Value(3.0)
    f = x * y + m.exp(x)
    x.data, y.data = 100.0, -100.0
    assert gradients(f, x, y) == [3.0 + math.exp(2.0), 2.0]


def test_backward_twice_doubles_leaves_and_never_mixes_stale_interior_gradients():
    """Micrograd gives 24 and then 72: its second sweep starts from what the first one left in the gates."""
    x = Value(2.0)
    q = x * x
    f = q * q * 0.75
    f.backward()
    assert (x.grad, q.grad) == (24.0, 6.0)
    f.backward()
    assert (x.grad, q.grad) == (48.0, 6.0)


def test_sweeps_from_two_roots_add_up_on_leaves_and_set_gates():
    x = Value(3.0)
    q = x * x
    (q * 2).backward()
    (q * 5).backward()
    assert (x.grad, q.grad) == (42.0, 5.0)


def test_backward_from_a_leaf_and_from_an_interior_node():
    x = Value(3.0)
    q = x * x
    f = q * 2
    q.backward()
    assert (f.grad, x.grad) == (0.0, 6.0)
    x.backward()
    assert x.grad == 7.0


def test_grad_reads_zero_and_blank_before_any_sweep_and_after_none_is_assigned():
    x = Value(3.0)
    assert (x.grad, x.swept) == (0.0, False)
    (x * 0.0).backward()
    assert (x.grad, x.swept) == (0.0, True)
    x.grad = None
    assert (x.grad, x.swept) == (0.0, False)


def test_nodes_reached_only_through_operands_without_gradient_get_zero():
    c, x = Value(1.0), Value(2.0)
    m.where(m.exp(c), x, 0.0).backward()
    assert (c.grad, c.swept, x.grad) == (0.0, True, 1.0)


def test_data_and_grad_of_a_leaf_can_be_assigned():
    x = Value(3.0)
    x.data, x.grad = 5, np.float32(0.5)
    assert repr(x) == "Value(data=5.0, grad=0.5)"
    (x * x).backward()
    assert x.grad == 10.5


def test_data_of_a_gate_cannot_be_assigned():
    with pytest.raises(AttributeError, match="data of a add gate follows from its operands"):
        (Value(1.0) + 1).data = 3.0


@pytest.mark.parametrize("bad", ["3", None, 1j, [1.0], np.array(1.0)])
def test_only_numbers_can_be_assigned(bad):
    x = Value(1.0)
    with pytest.raises(TypeError, match="expected a number"):
        x.data = bad
    if bad is not None:
        with pytest.raises(TypeError, match="expected a number"):
            x.grad = bad


def test_names_are_strings_and_show_in_the_repr():
    assert repr(Value(1.0, "x")) == "Value(data=1.0, grad=0.0)"
    with pytest.raises(TypeError, match="a name is a string, got int 3"):
        Value(1.0, 3)


def test_plus_and_minus_signs_and_abs():
    x = Value(-2.0)
    assert [(+x).data, (-x).data, abs(x).data, x.abs().data] == [-2.0, 2.0, 2.0, 2.0]
    assert gradients(+x - -x + abs(x), x) == [1.0]


@pytest.mark.parametrize("name", ["exp", "sin", "tanh", "sigmoid", "relu", "softplus", "erf", "sqrt", "log1p", "step"])
def test_methods_are_the_functions(name):
    x = Value(0.3)
    assert getattr(x, name)().data == getattr(m, name)(x).data == getattr(m, name)(0.3)


def test_methods_with_a_parameter():
    assert Value(-2.0).leaky_relu(0.5).data == -1.0
    assert Value(-2.0).elu(alpha=2.0).data == 2.0 * math.expm1(-2.0)


# ---- depth, memory, order ---------------------------------------------------------------------------------------


def deep(length):
    """A chain of `length` gates whose gradient by x is 1."""
    x = Value(0.5, "x")
    y = x
    for _ in range(length // 2):
        y = (y + 1.0) - 1.0
    return x, y


def live_a_life(length):
    """Build, sweep, copy, pickle and free a deep chain."""
    x, y = deep(length)
    assert gradients(y, x) == [1.0]
    x2, y2 = copy.deepcopy((x, y))
    y2.backward()
    assert x2.grad == 2.0
    x3, y3 = pickle.loads(pickle.dumps((x, y)))
    y3.backward()
    assert x3.grad == 2.0
    assert x.grad == 1.0
    ends = [weakref.ref(node) for node in (x, y, x2, y2, x3, y3)]
    del x, y, x2, y2, x3, y3
    assert [end() for end in ends] == [None] * 6


def test_a_chain_of_20_000_gates():
    live_a_life(20_000)


@pytest.mark.slow
def test_a_chain_of_1_000_000_gates():
    live_a_life(1_000_000)


def test_a_deep_chain_goes_through_the_transforms_and_steps():
    def f(x):
        for _ in range(5_000):
            x = x * 1.0
        return x * x

    assert grad(f)(3.0) == 6.0
    assert m.jvp(f, (3.0,), (1.0,)) == (9.0, 6.0)
    assert hessian(f)(3.0) == 2.0
    assert m.hvp(f, 3.0, 2.0) == 4.0
    assert len(steps(f(Value(3.0)))) == 2 * 5_001 + 2


def test_a_wide_gate_and_deep_sharing():
    x = Value(1.0)
    assert gradients(m.sum([x] * 10_000), x) == [10_000.0]
    y = x
    for _ in range(60):
        y = y + y
    assert gradients(y, x) == [2.0**60]
    assert copy.deepcopy(y).data == 2.0**60


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_memory_goes_when_the_last_name_goes():
    x = Value(2.0)
    y = m.tanh(x * x) + m.maximum(x, 1.0, 3.0)
    y.backward()
    inner, leaf = weakref.ref(y.operands[0]), weakref.ref(x)
    del y
    assert inner() is None
    del x
    assert leaf() is None


@pytest.mark.usefixtures("no_collector")
def test_no_reference_cycles():
    """Whatever a user does with a graph, the collector finds no Value to free afterwards."""

    def f(v):
        return m.logsumexp(v[0] * v[1], v[1] ** 2, m.dot(v, v))

    root = f([Value(1.0), Value(2.0)])
    root.backward()
    for action in (copy.deepcopy, copy.copy, pickle.dumps, steps, lambda root: str(steps(root))):
        action(root)
    hessian(f)([1.0, 2.0])
    m.hvp(f, [1.0, 2.0], [1.0, 0.0])
    m.jvp(f, ([1.0, 2.0],), ([1.0, 0.0],))
    m.check_grads(f, ([1.0, 2.0],))
    del root
    assert left_to_the_collector() == []
    cycle = [Value(1.0)]
    cycle.append(cycle)
    del cycle
    assert len(left_to_the_collector()) == 1


def left_to_the_collector():
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = [thing for thing in gc.garbage if isinstance(thing, Value)]
    gc.garbage.clear()
    return found


PROGRAM = """
from microgradnn import Value, softmax, tanh, hessian, logsumexp
xs = [Value(0.1 * i, f"x{i}") for i in range(20)]
y = logsumexp([tanh(a * b + c) for a in xs for b, c in zip(xs, softmax(xs))])
y.backward()
print([x.grad.hex() for x in xs], hessian(lambda v: tanh(v[0] * v[1]) / v[0])([0.3, 0.7]))
"""


def test_same_program_same_bits_whatever_the_hash_seed():
    with contextlib.redirect_stdout(io.StringIO()) as here:
        exec(PROGRAM, {})  # noqa: S102  a program of our own
    assert here.getvalue().count("0x") == 20
    assert printed_elsewhere(PROGRAM) == here.getvalue()


# ---- IEEE in derivatives, Python in forward ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "at", "derivatives"),
    [
        (m.sqrt, 0.0, (math.inf, -math.inf)), (lambda x: x**0.5, 0.0, (math.inf, -math.inf)),
        (lambda x: 1 / x, 1e-200, (-math.inf, math.inf)),
        (m.log, 5e-324, (math.inf, -math.inf)), (lambda x: x**1e300, 1.0, (1e300, math.inf)),
        (lambda x: m.exp(x * 1e300), 0.0, (1e300, math.inf)), (lambda x: x * 1e200 * 1e200, 1.0, (math.inf, 0.0)),
    ],
)  # fmt: skip
def test_derivatives_follow_ieee_and_never_raise(f, at, derivatives):
    x = Value(at)
    f(x).backward()
    assert x.grad == derivatives[0]
    assert grad(f)(at) == derivatives[0]
    assert grad(grad(f))(at) == derivatives[1]


def test_constants_in_derivatives_of_derivatives_follow_ieee_too():
    """(−2)ˣ at 3 is −8; its derivatives ask for ln(−2)."""
    x = Value(3.0)
    assert math.isnan(grad(lambda x: (-2.0) ** x)(x).data)
    assert math.isnan(grad(grad(lambda x: (-2.0) ** x))(3.0))


PYTHONS_OWN = [
    (lambda x: x / 0, ZeroDivisionError, r"divide\(x=1\.5, 0\.0\): .*division"),
    (lambda x: 1 / (x - x), ZeroDivisionError, r"divide\(1\.0, 0\.0\): .*division"),
    (lambda x: (x - x) ** -1, ZeroDivisionError, r"power\(0\.0, -1\.0\): .*"),
    (lambda x: (-x) ** 0.5, ValueError, r"power\(-1\.5, 0\.5\): a negative base"),
    (lambda x: x**1e9, OverflowError, r"power\(x=1\.5, 1000000000\.0\): .*"),
    (lambda x: m.log(-x), ValueError, r"log\(-1\.5\): .*"),
    (lambda x: m.sqrt(-x), ValueError, r"sqrt\(-1\.5\): .*"),
    (lambda x: m.asin(x), ValueError, r"asin\(x=1\.5\): .*"),
    (lambda x: m.exp(1000 * x), OverflowError, r"exp\(1500\.0\): math range error"),
    (lambda x: m.sinh(1000 * x), OverflowError, r"sinh\(1500\.0\): .*"),
]


@pytest.mark.parametrize(("f", "error", "message"), PYTHONS_OWN)
def test_forward_raises_what_python_raises_and_names_gate_and_operands(f, error, message):
    with pytest.raises(error, match=f"^{message}"):
        f(Value(1.5, "x"))


def test_overflow_of_arithmetic_is_inf_as_in_python():
    assert (Value(1e200) * Value(1e200)).data == math.inf
    assert (Value(1e308) + 1e308).data == math.inf


def test_math_functions_fail_instead_of_losing_the_gradient():
    for lost in (math.sin, float, int, math.floor, np.sin):
        with pytest.raises(TypeError):
            lost(Value(1.0))
    with pytest.raises(TypeError, match=r"microgradnn\.sin, not math\.sin"):
        math.sin(Value(1.0))


def test_detect_anomaly_names_gate_operands_and_source_line():
    a, b = Value(math.inf, "a"), Value(0.0, "b")
    with detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        a * b  # the line to be named
    message = str(caught.value)
    assert message.startswith("multiply(a=inf, b=0.0) is nan, recorded at ")
    assert __file__ in message
    assert message.endswith("a * b  # the line to be named")


@pytest.mark.parametrize("f", [lambda x: m.sin(x * 0), lambda x: m.dot([x], [0.0]), lambda x: m.mean(x, -x), m.relu])
def test_detect_anomaly_finds_the_first_nan_of_every_kind_of_gate(f):
    bad = math.nan if f is m.relu else math.inf
    assert math.isnan(f(Value(bad)).data)
    with detect_anomaly(), pytest.raises(FloatingPointError):
        f(Value(bad))
    with no_grad(), detect_anomaly(), pytest.raises(FloatingPointError):
        f(Value(bad))


# ---- modes and threads --------------------------------------------------------------------------------------------


def test_no_grad_records_nothing_and_ends_also_by_an_exception():
    x = Value(3.0)
    with no_grad():
        assert (x * x).operands == ()
        assert m.dot([x], [x]).primitive is None
        with recording():
            assert (x * x).operands == (x, x)
        assert (x * x).operands == ()
    with pytest.raises(ZeroDivisionError), no_grad():
        x / 0
    assert (x * x).operands == (x, x)


def test_gates_carry_the_path_of_the_module_at_work_also_where_nothing_is_recorded():
    """Which tells what a module computed from what it learns: under `no_grad` both are leaves."""
    x = Value(0.5)
    for context in (recording, no_grad):
        with context(), inside("net"), inside("0"):
            outs = [-x, x * 2, 2 - x, m.tanh(x), m.atan2(x, x), m.maximum(x, 1, x), m.dot([x, 1.0], [x, 2.0])]
            outs += [out for row in dots([[x, x]], [[1.0, 2.0], [x, x]], [x]) for out in row]
        assert [out.path for out in outs] == ["net.0"] * 9
        with context():
            assert (x * 2).path == (None if context is recording else "no_grad")


def in_threads(*actions):
    errors = []

    def guarded(action):
        try:
            action()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.fixture
def quick_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def switch_inside_backward():
    """Let other threads run after every single instruction of `backward`."""

    def pause(frame, event, arg):
        if frame.f_code.co_name == "backward":
            frame.f_trace_opcodes = True
            if event == "opcode":
                time.sleep(1e-6)
            return pause

    threading.settrace(pause)
    yield
    threading.settrace(None)


@pytest.mark.usefixtures("switch_inside_backward")
def test_concurrent_sweeps_that_share_a_leaf_lose_nothing():
    x = Value(1.0)

    def work():
        for _ in range(10):
            (x * 2.0 + x).backward()

    in_threads(*[work] * 4)
    assert x.grad == 4 * 10 * 3.0


def test_no_grad_is_per_context():
    x, barrier = Value(3.0), threading.Barrier(2, timeout=10)

    def silent():
        with no_grad():
            barrier.wait()
            assert (x * x).operands == ()
            barrier.wait()

    def recorded():
        barrier.wait()
        assert (x * x).operands == (x, x)
        barrier.wait()

    in_threads(silent, recorded)


@pytest.mark.usefixtures("quick_switches")
def test_threads_may_pickle_and_copy_at_once():
    x, y = deep(2_000)

    def work():
        for one in (copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))):
            x2, y2 = one((x, y))
            y2.backward()
            assert x2.grad == 1.0

    in_threads(*[work] * 4)


# ---- what is accepted and refused -----------------------------------------------------------------------------------

NUMBERS = [
    True,
    2,
    2.0,
    Fraction(2),
    np.float64(2),
    np.float32(2),
    np.float16(2),
    np.int64(2),
    np.uint8(2),
    np.bool_(1),
]
OTHERS = [1j, "1", b"1", None, {}, [1.0], (1.0,), np.array([1.0, 2.0]), np.array(1.0), object(), Decimal(1)]


@pytest.mark.parametrize("apply", OPERATORS)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_numbers_are_accepted_on_both_sides_of_every_operator(apply, number):
    x, as_float = Value(1.5), float(number)
    for result, expected in [
        (apply(x, number), apply(x, as_float)), (apply(number, x), apply(as_float, x)),
    ]:  # fmt: skip
        assert type(result) is Value
        assert (result.data, result.partials) == (expected.data, expected.partials)


@pytest.mark.parametrize("apply", OPERATORS)
@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
def test_everything_else_is_refused_on_both_sides_with_a_remedy(apply, other):
    for left, right in [(Value(1.5), other), (other, Value(1.5))]:
        with pytest.raises(TypeError, match=r"expected a number or a Value, got .*: \w+"):
            apply(left, right)


@pytest.mark.parametrize("other", OTHERS, ids=lambda other: type(other).__name__)
def test_a_leaf_and_the_functions_refuse_everything_else_too(other):
    with pytest.raises(TypeError, match="expected a number"):
        Value(other)
    with pytest.raises(TypeError, match="expected a number"):
        m.tanh(other)
    with pytest.raises(TypeError, match="expected a number"):
        m.atan2(Value(1.0), other)


def test_a_value_of_a_value_is_refused():
    with pytest.raises(TypeError, match="is already a Value"):
        Value(Value(1.0))


def float_of(x):
    return x.data if isinstance(x, Value) else float(x)


def test_comparisons_compare_by_value_and_hash_goes_by_identity():
    a, b = Value(2.0), Value(3.0)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        for left, right in itertools.product([a, b, 2.0, 3, np.float64(2)], repeat=2):
            assert compare(left, right) == compare(float_of(left), float_of(right))
    assert (bool(a), bool(Value(0.0)), bool(Value(math.nan))) == (True, False, True)
    assert len({a, b, Value(2.0), a}) == 3
    assert a != "2.0"


# ---- what loses a gradient is refused, what does not works --------------------------------------------------------


@pytest.mark.parametrize("wanted", [".3f", "10.2e", "+g", ">8", "08.3f", ".1%", "_", "n"])
def test_formatting_a_value_formats_its_number(wanted):
    x = Value(1234.5678)
    assert format(x, wanted) == format(1234.5678, wanted) == f"{x * 1.0:{wanted}}" == f"{{:{wanted}}}".format(x)
    assert x.grad == 0.0


def test_formatting_without_a_format_shows_the_value():
    x = Value(0.5)
    assert f"{x}" == f"{x!s}" == "{}".format(x) == str(x) == repr(x) == "Value(data=0.5, grad=0.0)"  # noqa: UP032
    with pytest.raises(ValueError, match="Unknown format code 'd' for object of type 'float'"):
        f"{x:d}"


NOT_A_FLOAT = r"not a float.*microgradnn\.sin, not math\.sin; microgradnn\.mean, not statistics\.mean.*\.data"
NOT_WHOLE = r"not a whole number.*round\(v\.data\)"
LOSSY = [
    *((f, NOT_A_FLOAT) for f in (math.sin, float, complex, "%.2f".__mod__)),
    *((lambda x, f=f: f([x, x]), NOT_A_FLOAT) for f in (math.fsum, statistics.mean, statistics.stdev)),
    (lambda x: np.asarray(x, dtype=float), NOT_A_FLOAT),
    *((f, NOT_WHOLE) for f in (int, round, math.floor, math.ceil, math.trunc, range, hex)),
    (lambda x: round(x, 2), NOT_WHOLE), (lambda x: [1, 2][x], NOT_WHOLE),
]  # fmt: skip


@pytest.mark.parametrize(("lossy", "advice"), LOSSY)
def test_what_would_lose_the_gradient_is_refused_with_a_remedy(lossy, advice):
    with pytest.raises(TypeError, match=f"^a Value is {advice}"):
        lossy(Value(0.5))


COMPUTE = [sum, np.sum, np.mean, math.prod, np.prod, max, np.max, lambda xy: np.dot(xy, [3.0, 4.0]), lambda xy: xy @ xy]


@pytest.mark.parametrize("f", COMPUTE)
def test_what_python_and_numpy_compute_with_operators_has_its_gradient(f):
    point, h = np.array([0.5, 2.0]), np.array([1e-6, 0.0])
    x, y = map(Value, point)
    f(np.array([x, y])).backward()
    assert x.grad == pytest.approx((f(point + h) - f(point - h)) / 2e-6, abs=1e-6)


def test_arrays_of_values_call_their_methods():
    x, y = Value(0.5), Value(2.0)
    assert [out.operands for out in np.exp(np.array([x, y]))] == [(x,), (y,)]
    assert np.asarray(x)[()] is x


NUMPY = {
    "exp": "microgradnn.exp", "log1p": "microgradnn.log1p", "arctan": "microgradnn.atan", "arcsin": "microgradnn.asin",
    "abs": "microgradnn.abs", "absolute": "microgradnn.abs", "sign": "microgradnn.sign", "negative": "-x",
    "isfinite": "the functions of microgradnn", "log2": "microgradnn.log2",
    "square": "the functions of microgradnn",
}  # fmt: skip
NUMPY_OF_TWO = {
    "maximum": "microgradnn.maximum", "minimum": "microgradnn.minimum", "arctan2": "microgradnn.atan2",
    "add": "x + y", "subtract": "x - y", "multiply": "x * y", "divide": "x / y", "power": "pow(x, y)",
    "hypot": "microgradnn.hypot", "equal": "the functions of microgradnn",
    "floor_divide": "the functions of microgradnn",
}  # fmt: skip


@pytest.mark.parametrize("name", NUMPY | NUMPY_OF_TWO)
def test_numpys_functions_name_ours(name):
    advice = (NUMPY | NUMPY_OF_TWO)[name]
    function, x = getattr(np, name), Value(0.5)
    message = f"numpy.{function.__name__} would lose the gradient of a Value: use {advice}, or .data for the bare"
    for operands in [(x,)] if name in NUMPY else [(x, 2.0), (2.0, x), (x, x)]:
        with pytest.raises(TypeError, match=re.escape(message)):
            function(*operands)
        if not advice.startswith("the "):
            found = eval(advice, dict(zip("xy", operands, strict=False)) | {"microgradnn": m})
            found = found(*operands) if callable(found) else found
            assert isinstance(found, Value)
            assert found.data == pytest.approx(function(*map(float_of, operands)))


def test_every_function_of_numpy_that_the_table_names_is_refused():
    refused = [gate for gate in gates() if isinstance(gate.array, str) and hasattr(np, gate.array)]
    assert len(refused) > 20
    for gate in refused:
        written = rf"microgradnn\.{gate.name}," if hasattr(m, gate.name) else r"(-x|\+x|x [-+*/%] y|pow\(x, y\)|the )"
        with pytest.raises(TypeError, match=rf"would lose the gradient of a Value: use {written}"):
            getattr(np, gate.array)(*[Value(0.5)] * gate.arity)


def test_in_place_operators_of_arrays_are_refused():
    array = np.ones(2)
    with pytest.raises(TypeError, match=r"use x \* y"):
        array *= Value(2.0)
    assert array.tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match=r"numpy\.matmul would lose"):
        array @ Value(2.0)


# ---- copies and pickles -----------------------------------------------------------------------------------------


class PythonPickler(pickle._Pickler):
    """The pickler in pure Python, as some libraries derive from it."""


def pickled_in_python(thing):
    file = io.BytesIO()
    PythonPickler(file).dump(thing)
    return pickle.loads(file.getvalue())


COPIES = [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing)), pickled_in_python]
COPIES += [lambda thing, p=p: pickle.loads(pickle.dumps(thing, protocol=p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("leaf_first", [True, False])
def test_values_copied_together_stay_shared(copied, leaf_first):
    x = Value(3.0, "x")
    with inside("net"):
        y = m.sin(x * x) + m.maximum(x, 1.0, x * 2)
    x.grad = 0.25
    x2, y2 = copied((x, y)) if leaf_first else reversed(copied((y, x)))
    assert topological_order(y2)[0] is x2
    assert (x2.name, x2.grad, y2.data, y2.partials) == ("x", 0.25, y.data, y.partials)
    assert [node.path for node in topological_order(y2)] == [None, *["net"] * 5]
    y2.backward()
    assert x.grad == 0.25
    y.backward()
    assert x2.grad == x.grad


@pytest.mark.parametrize("copied", COPIES)
def test_copies_inside_other_objects_stay_shared(copied):
    x = Value(3.0)
    net = {"weights": [x], "layers": {"out": x * x, "again": (x * x) * x}}
    twin = copied(net)
    twin["layers"]["again"].backward()
    assert twin["weights"][0].grad == 27.0
    assert twin["layers"]["out"].operands[0] is twin["weights"][0]


def test_deepcopy_through_a_memo_twice_gives_the_same_copy():
    x = Value(3.0)
    memo = {}
    first = copy.deepcopy(x * x, memo)
    assert copy.deepcopy(x, memo) is first.operands[0]


def test_a_memo_keeps_what_was_copied_alive_so_that_no_copy_stands_for_another():
    """Where a `__deepcopy__` calls that of a Value itself: the memo goes by `id`, and the dead hand theirs on."""
    memo = {}
    assert [Value(float(number)).__deepcopy__(memo).data for number in range(100)] == [*map(float, range(100))]
    y = Value(3.0) * 2
    end = weakref.ref(y)
    y.__deepcopy__(memo)
    del y
    assert end() is not None
    del memo
    assert end() is None


def test_one_pickler_keeps_sharing_over_several_dumps():
    x = Value(3.0)
    y = x * x
    file = io.BytesIO()
    pickler = pickle.Pickler(file)
    pickler.dump(x)
    pickler.dump(y)
    file.seek(0)
    unpickler = pickle.Unpickler(file)
    x2, y2 = unpickler.load(), unpickler.load()
    assert y2.operands[0] is x2


def test_a_pickler_that_lives_on_does_not_disturb_the_next_one():
    _, y = deep(5_000)
    first = pickle.Pickler(io.BytesIO())
    first.dump((y, y + 1))
    assert pickle.loads(pickle.dumps(y)).data == y.data
    first.dump(y + 2)
    assert pickle.loads(pickle.dumps(y)).data == y.data


def test_copy_is_a_new_node_on_the_same_operands():
    x = Value(3.0, "x")
    y = x * x
    twin = copy.copy(y)
    assert twin is not y
    assert twin.operands[0] is x
    assert gradients(twin, x) == [6.0]
    leaf = copy.copy(x)
    leaf.data = 5.0
    assert x.data == 3.0


def test_sqrt_of_negative_zero_has_an_infinite_slope_upwards():
    x = Value(-0.0)
    m.sqrt(x).backward()
    assert x.grad == math.inf


def test_the_source_line_is_that_of_the_caller_whatever_its_file_is_called(tmp_path, monkeypatch):
    (tmp_path / "microgradnn_demo.py").write_text("def product(a, b):\n    return a * b\n")
    monkeypatch.syspath_prepend(tmp_path)
    import microgradnn_demo

    with m.detect_anomaly(), pytest.raises(FloatingPointError, match=r"microgradnn_demo\.py, line 2: return a \* b"):
        microgradnn_demo.product(Value(math.inf), Value(0.0))


# ---- a graph computed anew ---------------------------------------------------------------------------------------


def every_kind(x, y, w):
    layer = dots([[w, y], [y, w]], [[x, 1.0], [y, x]], [Value(0.5), w])
    hidden = [m.tanh(one) for row in layer for one in row]
    return m.logsumexp(hidden) * m.maximum(x, y, 2.0) / (1 + w * w) - m.relu(x - 3) ** 2 + m.where(x, 0.0, y)


def test_forward_gives_what_recording_anew_gives_to_the_bit():
    leaves = [Value(v, n) for v, n in ((0.7, "x"), (-1.3, "y"), (0.4, "w"))]
    root = every_kind(*leaves)
    root.backward()
    kept = [leaf.grad for leaf in leaves]
    for leaf, data in zip(leaves, (-2.5, 4.0, 0.1), strict=True):
        leaf.data = data
    assert root.forward() is root
    anew = every_kind(*leaves)
    pairs = list(zip(topological_order(root), topological_order(anew), strict=True))
    assert all((a.data, a.handed, a.partials) == (b.data, b.handed, b.partials) for a, b in pairs)
    assert all(not node.swept for node in topological_order(root) if node.primitive is not None)
    assert [leaf.grad for leaf in leaves] == kept
    for leaf in leaves:
        leaf.grad = None
    assert gradients(root, *leaves) == gradients(anew, *leaves)


def test_forward_is_all_or_nothing_and_names_the_gate():
    x, y = Value(4.0, "x"), Value(2.0, "y")
    q = x * y
    f = m.sqrt(q) + m.log(x)
    f.backward()
    before = [(node.data, node.partials, node.grad) for node in topological_order(f)[2:]]
    x.data = -4.0
    with pytest.raises(ValueError, match=r"sqrt\(-8\.0\)"):
        f.forward()
    assert [(node.data, node.partials, node.grad) for node in topological_order(f)[2:]] == before


def test_forward_of_a_deep_graph_of_a_leaf_and_of_a_decision():
    x = Value(1.0)
    assert x.forward() is x
    deep = x
    for _ in range(20_000):
        deep = deep + 1.0
    x.data = 2.0
    assert deep.forward().data == 20_002.0
    y = x * 3 if x > 1 else x * 5
    x.data = 0.0
    assert y.forward().partials == (3.0, None)  # Python decided once


def test_forward_keeps_derivatives_that_exist_only_as_limits():
    x = Value(0.0)
    slope = grad(lambda x: m.sqrt(x))(x)
    assert slope.forward().data == math.inf
    x.data = 4.0
    assert slope.forward().data == 0.25


# ---- a nan that is born on the way back ---------------------------------------------------------------------------


def test_detect_anomaly_names_the_gate_where_a_gradient_becomes_nan():
    with detect_anomaly():
        x = Value(0.0, "x")
        root = m.sqrt(x * x)
        with pytest.raises(
            FloatingPointError, match=r"nan at multiply\(x=0.0, x=0.0\), recorded at .*test_value.py, .* = m"
        ):
            root.backward()
    assert not x.swept
    root.backward()  # unwatched it goes on
    assert math.isnan(x.grad)


def test_detect_anomaly_names_contributions_that_add_up_to_nan():
    with detect_anomaly():
        x = Value(0.0, "x")
        root = m.sqrt(x) - 2 * m.sqrt(x)
        with pytest.raises(FloatingPointError, match=r"sum of (-?inf from sqrt\(x=0.0\), recorded .*){2}"):
            root.backward()


@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: grad(f)(0.0), lambda f: m.value_and_grad(f)(0.0), lambda f: m.jacobian(f)(0.0),
        lambda f: hessian(f)(0.0), lambda f: m.hvp(f, 0.0, 1.0), lambda f: m.jvp(f, (0.0,), (1.0,)),
        lambda f: grad(f)(Value(0.0)),
    ],
)  # fmt: skip
def test_detect_anomaly_watches_the_transforms(derivative):
    with (
        detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"nan at (multiply|sqrt)\(.*recorded at .*test_value"),
    ):
        derivative(lambda x: m.sqrt(x * x))


def test_what_detect_anomaly_remembers_goes_with_the_gates():
    before = len(anomalies._lines)
    with detect_anomaly():
        x = Value(2.0)
        root = (x * x).exp()
        assert len(anomalies._lines) == before + 2
    del root
    assert len(anomalies._lines) == before


def test_backward_from_what_no_grad_computed_is_refused():
    """It remembers no operands, so nothing would be found; a leaf is its own derivative."""
    w = Value(3.0)
    with m.no_grad():
        loss = w * w
    with pytest.raises(ValueError, match=r"Value\(data=9.0, grad=0.0\) remembers no operands.*outside"):
        loss.backward()
    assert (w.grad, loss.grad) == (0.0, 0.0)
    w.backward()
    assert w.grad == 1.0

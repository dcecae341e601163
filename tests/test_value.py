"""What a Value promises: recording, depth and memory, what it accepts and refuses."""

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
import weakref
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, anomalies, detect_anomaly, hessian, no_grad, steps
from microgradnn.context import noting
from microgradnn.primitive import gates
from tests.test_drawing import printed_elsewhere
from tests.test_sweep import deep, gradients

OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]


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


def test_grad_reads_zero_and_blank_before_any_sweep_and_after_none_is_assigned():
    x = Value(3.0)
    assert (x.grad, x.swept) == (0.0, False)
    (x * 0.0).backward()
    assert (x.grad, x.swept) == (0.0, True)
    x.grad = None
    assert (x.grad, x.swept) == (0.0, False)


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
    assert repr(Value(1.0, "x")) == "Value(data=1.0, grad=0.0, name='x')"
    assert repr(Value(1.0)) == repr(Value(1.0, "")) == "Value(data=1.0, grad=0.0)"
    assert repr(Value(1.0, "it's")) == """Value(data=1.0, grad=0.0, name="it's")"""
    with pytest.raises(TypeError, match="a name is a string, got int 3"):
        Value(1.0, 3)


def test_named_sets_the_name_and_returns_the_value_itself():
    x = Value(2.0, "x")
    q = x * x
    assert q.named("q") is q
    assert (q.name, x.name, q.named(None).name) == ("q", "x", None)
    assert steps((x * 3).named("g") + 1)[0].sentence.startswith("g = x × 3")
    with pytest.raises(TypeError, match="a name is a string, got int 3"):
        q.named(3)
    assert m.grad(lambda x: (x * x).named("square") * x)(2.0) == 12.0


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


def test_a_chain_of_5_000_gates():
    live_a_life(5_000)


@pytest.mark.slow
def test_a_chain_of_1_000_000_gates():
    live_a_life(1_000_000)


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
    """Whatever a user does with a graph, every gate goes without the collector."""

    def f(v):
        return m.logsumexp(v[0] * v[1], v[1] ** 2, m.dot(v, v))

    def use():
        root = f([Value(1.0), Value(2.0)])
        root.backward()
        for action in (copy.deepcopy, copy.copy, pickle.dumps, steps, lambda root: str(steps(root))):
            action(root)
        hessian(f)([1.0, 2.0])
        m.hvp(f, [1.0, 2.0], [1.0, 0.0])
        m.jvp(f, ([1.0, 2.0],), ([1.0, 0.0],))
        m.check_grads(f, ([1.0, 2.0],))

    assert left_to_the_collector(use) == 0

    def make_a_cycle():
        cycle = [m.tanh(Value(1.0))]
        cycle.append(cycle)

    assert left_to_the_collector(make_a_cycle) == 1


def left_to_the_collector(use):
    """How many of the gates that `use` records are still there afterwards."""
    made = []
    with noting(made):
        use()
    gates = [weakref.ref(gate) for gate in made]
    made.clear()
    assert len(gates) > 0
    return sum(gate() is not None for gate in gates)


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


@pytest.mark.sampled(5)
@pytest.mark.parametrize("apply", OPERATORS)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_numbers_are_accepted_on_both_sides_of_every_operator(apply, number):
    x, as_float = Value(1.5), float(number)
    for result, expected in [
        (apply(x, number), apply(x, as_float)), (apply(number, x), apply(as_float, x)),
    ]:  # fmt: skip
        assert type(result) is Value
        assert (result.data, result.partials) == (expected.data, expected.partials)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("apply", OPERATORS)
@pytest.mark.parametrize(
    "other", [x for x in OTHERS if not isinstance(x, np.ndarray)], ids=lambda other: type(other).__name__
)
def test_everything_else_is_refused_on_both_sides_with_a_remedy(apply, other):
    for left, right in [(Value(1.5), other), (other, Value(1.5))]:
        with pytest.raises(TypeError, match=r"expected a number or a Value, got .*: \w+"):
            apply(left, right)


ARRAYS = [np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 2]), np.array(3.0), np.array([2.0, Value(3.0)]), np.ones(0)]


@pytest.mark.parametrize("apply", OPERATORS)
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_operators_with_an_array_work_entry_by_entry(apply, array):
    x = Value(1.5)
    for result, entries in [
        (apply(x, array), [apply(x, y) for y in array.ravel().tolist()]),
        (apply(array, x), [apply(y, x) for y in array.ravel().tolist()]),
    ]:
        assert np.shape(result) == array.shape
        found = np.ravel(np.array(result, dtype=object)).tolist()
        assert [type(y) for y in found] == [Value] * len(entries)
        assert [(y.data, y.partials) for y in found] == [(y.data, y.partials) for y in entries]


def test_comparisons_and_in_place_operators_of_an_array_of_values():
    x, array = Value(2.0), np.array([Value(1.0), Value(3.0)])
    assert ((array < x).tolist(), (x < array).tolist(), (x == array).tolist()) == (
        [True, False],
        [False, True],
        [False] * 2,
    )
    array *= x
    assert [y.data for y in array] == [2.0, 6.0]
    with pytest.raises(TypeError, match="expected a number"):
        x * np.array(["a"])
    with pytest.raises(TypeError, match=r"numpy\.sin would lose .* use microgradnn\.sin"):
        np.sin(x)
    assert np.sin(array)[0].primitive is m.gate("sin")  # which asks each entry


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


@pytest.mark.parametrize("f", [lambda x: x ^ 2, lambda x: 2 ^ x, lambda x: x ^ x, lambda x: (x + 1) ^ 2])
def test_a_power_with_the_sign_of_other_languages_is_refused_with_the_remedy(f):
    with pytest.raises(TypeError, match=r"^\^ is no power in Python: write x\*\*2$"):
        f(Value(0.5))


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
        written = rf"microgradnn\.{gate.name}," if gate.public else r"(-x|\+x|x [-+*/%] y|pow\(x, y\)|the )"
        with pytest.raises(TypeError, match=rf"would lose the gradient of a Value: use {written}"):
            getattr(np, gate.array)(*[Value(0.5)] * gate.arity)


def test_in_place_operators_of_arrays_are_refused():
    array = np.ones(2)
    with pytest.raises(TypeError, match=r"use x \* y"):
        array *= Value(2.0)
    assert array.tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match=r"numpy\.matmul would lose"):
        array @ Value(2.0)


def test_the_source_line_is_that_of_the_caller_whatever_its_file_is_called(tmp_path, monkeypatch):
    (tmp_path / "microgradnn_demo.py").write_text("def product(a, b):\n    return a * b\n")
    monkeypatch.syspath_prepend(tmp_path)
    import microgradnn_demo

    with m.detect_anomaly(), pytest.raises(FloatingPointError, match=r"microgradnn_demo\.py, line 2: return a \* b"):
        microgradnn_demo.product(Value(math.inf), Value(0.0))


def test_what_detect_anomaly_remembers_goes_with_the_gates():
    before = len(anomalies._lines)
    with detect_anomaly():
        x = Value(2.0)
        root = (x * x).exp()
        assert len(anomalies._lines) == before + 2
    del root
    assert len(anomalies._lines) == before


def test_backward_from_a_seed():
    x = Value(3.0)
    y = x * x
    y.backward(0.5)
    y.backward(seed=2)
    assert (x.grad, y.grad) == (15.0, 2.0)
    with pytest.raises(TypeError, match="expected a number or a Value"):
        y.backward([1.0])


@pytest.mark.parametrize(
    "name", ["abs", "arccos", "arcsin", "arcsinh", "arctan", "arctanh", "exp", "log1p", "sin", "sqrt", "tanh"]
)
def test_functions_of_numpy_work_on_arrays_of_values(name):
    data = np.array([0.25, 0.5])
    values = np.array([Value(x) for x in data])
    assert [v.data for v in getattr(np, name)(values)] == pytest.approx(getattr(np, name)(data).tolist(), rel=1e-15)

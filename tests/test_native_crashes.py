"""What ended the process or gave other bits under the engine in C: each case in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
BEFORE = """
import gc, math, weakref
from microgradnn import Value, logsumexp
from microgradnn.vectors import dots
"""


def printed(program):
    """What a process prints that runs the program; it must end well."""
    done = subprocess.run([sys.executable, "-c", BEFORE + program], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_callback_of_a_weak_reference_to_shared_weights_may_use_them_again():
    program = """
w, b, made = [Value(1.0), Value(2.0)], Value(0.0), []
def layer(*x):
    return dots([w], [[*x]], [b])[0][0]
y = layer(1.0, 2.0)
reference = weakref.ref(y._left[0], lambda _: made.append(layer(3.0, 4.0)))
del y
gc.collect()
made[0].backward()
print(made[0].data, [v.grad for v in w])
"""
    assert printed(program) == "11.0 [3.0, 4.0]\n"


@pytest.mark.sampled(5)
@pytest.mark.parametrize("emptied", ["rows", "biases", "batch", "rows[0]", "batch[0]"])
def test_lists_that_a_callback_of_the_collector_empties_while_a_layer_runs(emptied):
    program = f"""
for threshold in range(1, 60):
    rows = [[Value(float(i + j)) for i in range(3)] for j in range(4)]
    biases, batch = [Value(0.0) for _ in range(4)], [[1.0, 2.0, 3.0] for _ in range(20)]
    gc.callbacks.append(lambda *_: {emptied}.clear() if rows and batch else None)
    gc.set_threshold(threshold)
    try:
        dots(rows, batch, biases)
    except (IndexError, ValueError):
        pass
    gc.set_threshold(0)
    gc.callbacks.clear()
print("fine")
"""
    assert printed(program) == "fine\n"


def test_lists_that_an_example_empties_while_a_layer_runs():
    program = """
rows, biases = [[Value(float(j))] for j in range(3)], [Value(1.0) for _ in range(3)]
def example():
    biases.clear()
    rows.clear()
    yield 2.0
try:
    dots(rows, [example()], biases)
except ValueError:
    pass
print([y.data for y in dots([[Value(3.0)]], [iter([2.0])], [Value(1.0)])[0]])
"""
    assert printed(program) == "[7.0]\n"


def test_private_attributes_set_to_nonsense_do_not_end_the_process():
    program = """
def use(left, **fields):
    a, b = Value(1.5), Value(-2.0)
    [shared, other] = dots([[a, b], [b, a]], [[1.0, a]], [Value(0.0), Value(1.0)])[0]
    for y in (a, a * b, a.tanh(), logsumexp(a, b, 3.0), shared):
        z = y * other
        try:
            y._left = left
            for name, field in fields.items():
                setattr(y, name, field)
            z.backward()
        except Exception:  # whatever Python says of it
            pass
        (Value(2.0) * Value(3.0)).backward()
x = Value(1.0)
for left in (3.0, 7, (), (1.0,), (x,), (x, 1.0, x), [x], object()):
    use(left)
    for right in (None, 3.0, (), (1.0,), (1.0, 2.0, 3.0), ((1, "a"), 2, None)):
        use(left, _right=right)
        use(left, _left_partial=right)
        use(left, _right_partial=right)
print("fine")
"""
    assert printed(program) == "fine\n"


def test_the_class_of_functions_with_a_short_way_is_not_to_be_called():
    program = """
try:
    type(Value.tanh)()
except TypeError:
    print("TypeError")
"""
    assert printed(program) == "TypeError\n"


def test_gradients_that_overflow_on_the_way_are_those_of_sums_of_products():
    """From Python 3.12 on, two of three huge contributions cancel, or none do, as in `math.sumprod`."""
    program = """
from microgradnn.formulas import sum_of_products
for above in ([1e308, 1e308, -1e308], [1e308, 1e308], [1.0, 1e-17, -1.0], [1e308, 1.0, -1e308], [-1e200, 1e10]):
    for factor in (1.0, 10.0, 1e200, 1e-200):
        x, weight = Value(factor), Value(1.0)
        ys = [y for [y] in dots([[weight]], [[factor] for _ in above], [Value(0.0)])]
        total = Value(0.0)
        for y, adjoint in zip(ys, above):
            total = total + y * adjoint
        if math.isfinite(total.data):
            total.backward()
            expected = sum_of_products([factor] * len(above), above)
            assert repr(weight.grad) == repr(0.0 + expected), (above, factor, weight.grad, expected)
weight, b = Value(1e-300), Value(0.0)
[y], [z] = dots([[weight]], [[1e308], [1e308]], [b])
((y + z) * 1e2).backward()
print(weight.grad)
"""
    assert printed(program) == "inf\n"


def test_powers_with_a_modulus_and_rows_without_weights_are_refused_alike():
    program = """
for f in (lambda: pow(2, Value(2.0), 5), lambda: pow(Value(2.0), 2, 5), lambda: dots([[]], [[]], [Value(1.0)])):
    try:
        f()
    except (TypeError, IndexError) as error:
        print(error)
"""
    assert printed(program).splitlines() == [
        "unsupported operand type(s) for ** or pow(): 'int', 'Value', 'int'",
        "power() takes 2 positional arguments but 3 were given",
        "list index out of range",
    ]


def test_another_interpreter_of_the_process_leaves_the_first_one_alone():
    pytest.importorskip("_xxsubinterpreters")  # CPython up to 3.12
    program = """
import os, _xxsubinterpreters
os.environ.pop("MICROGRADNN_ENGINE", None)
other = _xxsubinterpreters.create(isolated=False)
_xxsubinterpreters.run_string(other, "from microgradnn import Value; x = Value(3.0); (x * x).backward(); print(x.grad)")
_xxsubinterpreters.destroy(other)
x = Value(2.0)
(x * x).relu().forward().backward()
print(repr(x), repr(x + 1))
"""
    assert printed(program) == "6.0\nValue(data=2.0, grad=4.0) Value(data=3.0, grad=0.0)\n"

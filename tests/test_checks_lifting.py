"""Laws of lifting: what people write runs on wide numbers, and a lift that loses digits is not believed."""

import array
import ast
import csv
import ctypes
import datetime
import decimal
import fractions
import functools
import io
import itertools
import json
import math
import operator
import pickle
import struct
import sys
import typing

import numpy as np
import pytest
from mpmath import mp

from microgradnn import Value
from microgradnn.checks.arguments import spread
from microgradnn.checks.arithmetic import notes
from microgradnn.checks.lifting import Unliftable, lift, verify
from microgradnn.checks.stand_ins import ALIASES, FUNCTIONS
from microgradnn.checks.wide import MP, Lost, Wide
from microgradnn.primitive import primitive, scratch_table
from microgradnn.trees import like
from tests.checks_functions import FUNCTIONS as WRITTEN

REFUSED = {"complex_numbers", "complex_exponential"}


def believed(f, args):
    """The lift of `f` where it is believed at `args`, or the reason why not."""
    try:
        lifted = lift(f)
        return verify(f, lifted, args) or lifted
    except Lost as loss:
        return str(loss)


def nested(tree, numbers):
    """Lists in place of arrays and tuples."""
    if isinstance(tree, dict):
        return {key: nested(branch, numbers) for key, branch in tree.items()}
    tree = tree.tolist() if hasattr(tree, "tolist") else tree
    return [nested(branch, numbers) for branch in tree] if isinstance(tree, (list, tuple)) else next(numbers)


def slope(f, point, n, step):
    """A difference of both sides by argument n."""
    above, below = ([x + sign * step if i == n else x for i, x in enumerate(point)] for sign in (1, -1))
    return (f(above) - f(below)) / (2 * step)


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.filterwarnings("ignore")
def test_functions_as_people_write_them_lift_and_have_the_slope_of_their_formula(name):
    f, args, formula = WRITTEN[name]
    lifted = believed(f, args)
    if name in REFUSED:
        assert isinstance(lifted, str)
        return
    assert not isinstance(lifted, str), lifted
    with mp.workdps(60):
        point = [float(x) for x in spread(args)]
        exact = [mp.mpf(x) for x in point]
        for n in range(len(point)):
            true = slope(lambda xs: formula(*nested(args, iter(xs))), exact, n, mp.mpf("1e-25"))
            value = lambda xs: spread(lifted(*like(args, iter(xs))))[0]  # noqa: E731
            found = Wide(slope(value, [*map(Wide, point)], n, Wide(1e-40))).number
            # Formulas write 1/3 or π where functions have floats, and a loop ends at its tolerance.
            assert abs(true - mp.mpf(found)) <= 1e-11 * max(1, abs(true)), (n, true, found)


def test_there_are_a_hundred_functions_and_nine_in_ten_lift():
    assert len(WRITTEN) >= 100
    assert len(REFUSED) <= len(WRITTEN) / 10


# ---- lossy lifts, made on purpose ------------------------------------------------------------------------------------

texts = {}
to_double = operator.methodcaller("__float__")


class Celsius(float):
    """A float with a method."""

    def fahrenheit(self):
        return self * 1.8 + 32


def swallowed(f, instead):
    """What `f` gives, or something else where it raises anything."""
    try:
        return f()
    except BaseException:
        return instead


def in_a_file(write, x):
    """What is written to a file, as a float."""
    file = io.StringIO()
    write(file, x)
    return float(file.getvalue())


def filled(x, kind):
    """An array of a kind of its own."""
    out = np.zeros(1, dtype=kind)
    out[0] = x
    return out[0]


LOSSES = {
    "json": lambda x: json.loads(json.dumps([x]))[0],
    "json of text": lambda x: json.loads(f"[{x!r}]")[0],
    "struct": lambda x: struct.unpack("d", struct.pack("d", x))[0],
    "%.17g": lambda x: float("%.17g".__mod__(x)),
    "f-string": lambda x: float(f"{x:.17g}"),
    "format": lambda x: float("{:.17e}".format(x)),  # noqa: UP032
    "str": lambda x: float(str(x)),
    "literal": lambda x: ast.literal_eval(repr(x)),
    "eval": lambda x: eval(str(x)),
    "print": lambda x: in_a_file(lambda file, x: print(x, file=file), x),
    "csv": lambda x: in_a_file(lambda file, x: csv.writer(file).writerow([x]), x),
    "cache by text": lambda x: texts.setdefault(f"{x}", x),
    "cache by rounding": lambda x: texts.setdefault(round(x, 12), x),
    "array.array": lambda x: array.array("d", [x])[0],
    "ctypes": lambda x: ctypes.c_double(x).value,
    "memoryview": lambda x: swallowed(lambda: operator.setitem(memoryview(bytearray(8)).cast("d"), 0, x), 0) or x,
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "hex": lambda x: float.fromhex(x.hex()),
    "ratio of ints": lambda x: operator.truediv(*x.as_integer_ratio()),
    "int": lambda x: int(x * 1e15) / 1e15,
    "round": lambda x: round(x, 15),
    "float32": lambda x: np.float32(x).item(),
    "astype": lambda x: np.array([x]).astype(np.float32)[0].item(),
    "dtype float32": lambda x: np.array([x], dtype="float32")[0].item(),
    "array of float32": lambda x: filled(x, np.float32).item(),
    "bytes": lambda x: np.frombuffer(np.array([x]).tobytes())[0].item(),
    "dtype d": lambda x: np.array([x], dtype="d")[0].item(),
    "random of NumPy": lambda x: np.random.default_rng(0).normal(x, 1.0),
    "fft": lambda x: abs(np.fft.fft([x, 1.0])[0]),
    "svd": lambda x: np.linalg.svd(np.array([[x]]))[1][0],
    "swallowed": lambda x: swallowed(lambda: struct.unpack("d", struct.pack("d", x))[0], 0.7),
    "swallowed with float": lambda x: swallowed(lambda: math.ldexp(to_double(x), 0), 0.7),
    "method of float": to_double,
    "sys.modules": lambda x: sys.modules["math"].sin(x),
    "timedelta": lambda x: datetime.timedelta(seconds=x).total_seconds(),
    "Decimal of text": lambda x: float(decimal.Decimal(str(x))),
    "denominator": lambda x: float(fractions.Fraction(x).limit_denominator(10**6)),
    "subclass of float": lambda x: Celsius(x).fahrenheit(),
    "complex": lambda x: complex(x, 1.0).real,
    "next float": lambda x: math.nextafter(x, 2.0),
}


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("rest", [lambda x: 0.0, lambda x: 1e10 * x * x], ids=["alone", "beside what is kept"])
@pytest.mark.filterwarnings("ignore")
def test_a_lift_that_loses_digits_is_never_believed(name, rest):
    lose = LOSSES[name]
    assert isinstance(believed(lambda x: lose(x) ** 2 + rest(x), (0.7,)), str)
    assert not notes.lost  # nothing is left for the next call


def test_a_loss_inside_a_gate_is_noticed_where_it_was_swallowed():
    with scratch_table():
        leaky = primitive("leaky", lambda x: struct.unpack("d", struct.pack("d", x))[0], lambda out, x: 1.0)
        with pytest.raises((Lost, struct.error)):
            lift(lambda x: leaky(x))(Wide(0.5))
        hexed = primitive("hexed", lambda x: float.fromhex(x.hex()), lambda out, x: 1.0)
        with pytest.raises(Lost):
            lift(lambda x: swallowed(lambda: hexed(x), 0.5))(Wide(0.5))


@pytest.mark.parametrize("f", [math.gcd, print, itertools.chain])
def test_what_is_not_written_in_python_is_refused(f):
    assert isinstance(believed(f, (3.0,)), str)


def test_an_iterator_that_has_begun_is_refused():
    begun = (n for n in range(3))
    with pytest.raises(Unliftable, match="generator"):
        lift(lambda x: x * sum(begun))(Wide(1.0))


# ---- what the user has stays as it is --------------------------------------------------------------------------------


class Counter:
    """An object with a state."""

    made: typing.ClassVar = []

    def __init__(self):
        self.calls, self.seen = 0, []
        self.me = self

    def __call__(self, x):
        self.me.calls += 1
        self.seen.append(x)
        Counter.made.append(x)
        return x * self.calls


calls = 0


def test_the_state_of_the_user_stays_untouched():
    counter, cache, total = Counter(), functools.lru_cache(lambda x: x * x), 0.0

    def f(x):
        nonlocal total
        global calls
        total += x
        calls += 1
        return counter(x) + cache(x)

    lifted = lift(f)
    assert [lifted(Wide(2.0)), lifted(Wide(2.0))] == [6, 8]
    assert (counter.calls, counter.seen, Counter.made, total, calls) == (0, [], [], 0.0, 0)
    assert cache.cache_info().misses == 0
    assert f(2.0) == 6.0


def test_what_is_shared_stays_shared_and_cycles_end():
    shared = [1.0]
    inside = {"a": shared, "b": shared}
    inside["self"] = inside

    def f(x):
        inside["a"][0] = x
        return inside["self"]["b"][0] * (1.0 if x < 0 else f(-x))

    assert lift(f)(Wide(2.0)) == -4
    assert shared == [1.0]


def test_a_cell_that_is_empty_is_filled_later():
    def outer(x):
        def inner():
            return later * x

        later = 3.0
        return inner()

    assert lift(outer)(Wide(2.0)) == 6

    def even(n, x):
        return x if n == 0 else odd(n - 1, x)

    def odd(n, x):
        return x + 1 if n == 0 else even(n - 1, x)

    assert lift(functools.partial(even, 3))(Wide(2.0)) == 3


def test_constants_stay_floats():
    assert lift(lambda x: x * math.sqrt(2.0))(Wide(1.0)) == math.sqrt(2.0)
    assert type(lift(lambda x: math.exp(1.0))(Wide(1.0))) is float
    assert lift(lambda x: x * math.pi)(Wide(1.0)) == math.pi


def test_values_become_wide_numbers():
    w = Value(0.5)
    assert lift(lambda x: (Value(x) * w).tanh().data)(Wide(1.0)) == Wide(MP.tanh(MP.mpf(0.5)))
    assert lift(lambda x: isinstance(x, Value) and isinstance(x, float))(Wide(1.0)) is True


# ---- the table -------------------------------------------------------------------------------------------------------

POINTS = [0.3, 0.9, 1.7, -0.4, 12.5]


@pytest.mark.parametrize("module", [math, np], ids=["math", "numpy"])
def test_every_name_of_the_table_does_what_the_function_of_floats_does(module):
    names = {name: ALIASES.get(name, name) for name in dir(module) if ALIASES.get(name, name) in FUNCTIONS}
    assert len(names) > 30
    for name, entry in names.items():
        real = getattr(module, name)
        lifted = lift(eval(f"lambda *xs: module.{name}(*xs)", {"module": module}))
        for xs in [(x,) for x in POINTS] + [(x, y) for x in POINTS for y in (0.5, 2.0)] + [(0.5, 2.0, 3.0)]:
            if entry in ("ldexp", "gamma", "lgamma") and len(xs) > 1:
                continue
            try:
                with np.errstate(all="ignore"):
                    expected = real(*xs)
            except TypeError:
                continue  # another number of arguments
            except ValueError:
                with pytest.raises(ValueError, match="domain"):
                    lifted(*map(Wide, xs))
                continue
            found = lifted(*map(Wide, xs))
            found = float(found.number) if isinstance(found, Wide) else found
            assert found == pytest.approx(expected, rel=1e-12, nan_ok=True), (name, xs)


def test_math_raises_and_numpy_gives_nan():
    with pytest.raises(ValueError, match="domain"):
        lift(lambda x: math.log(x))(Wide(-1.0))
    assert repr(lift(lambda x: np.log(x))(Wide(-1.0))) == "nan"
    assert lift(lambda x: np.log(x))(Wide(0.0)) == -math.inf


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: math.sqrt(x), 0.0), (lambda x: math.asin(x), 1.0), (lambda x: abs(x), 0.0), (abs, -2.0),
        (lambda x: math.sin(x), 1e13), (lambda x: math.floor(x) + x, 2.5), (lambda x: math.tanh(1e12 * x), 0.0),
        (lambda x: (1e16 + x) - 1e16, 3.0), (lambda x: math.exp(-x * x), 1e6),
        (lambda x: functools.reduce(lambda y, _: 3.99 * y * (1 - y), range(100), x), 0.3),
        (lambda x: (-2.0) ** 3 * x ** 2, -1.0),
    ],
)  # fmt: skip
def test_edges_kinks_noise_and_large_numbers_are_no_losses(f, x):
    assert not isinstance(believed(f, (x,)), str)


def test_a_lift_with_another_value_is_not_believed():
    assert "value" in verify(lambda x: x * x, lift(lambda x: x * x + 1e-6), (3.0,))
    assert "numbers" in verify(lambda x: [x], lift(lambda x: [x, x]), (3.0,))
    assert "KeyError" in verify(lambda x: x, lift(lambda x: {}["a"]), (3.0,))


def test_many_arguments_are_moved_along_random_directions():
    f = lambda xs: sum(x * x for x in xs)  # noqa: E731
    assert not isinstance(believed(f, ([0.1 * n for n in range(40)],)), str)
    g = lambda xs: f(xs) + json.loads(repr(xs[17]))  # noqa: E731
    assert "slope" in believed(g, ([0.1 * n for n in range(40)],))

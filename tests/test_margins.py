"""The margin: what stands beside each line of a user's function, as text, as HTML, in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import math
import sys
import threading
import warnings
from collections import defaultdict, namedtuple

import numpy
import pytest
from hypothesis import given, strategies as st

import microgradnn
from microgradnn import Value, detect_anomaly, exp, grad, log, margin, nn, no_grad, relu, steps, tanh
from microgradnn.margins import BARS, Row, bars, trend

Point = namedtuple("Point", "x y")


def at(seen, text):
    """The rows beside the line of source that begins so, by name."""
    [line] = [line for lines in seen.functions for line in lines if line.text.strip().startswith(text)]
    return {row.name: row for row in line.rows}


def neuron(w0, x0, w1, x1, w2):
    s = w0 * x0 + w1 * x1 + w2
    e = exp(-s)
    d = 1 + e
    return 1 / d


def test_a_neuron_line_by_line():
    seen = margin(neuron, 2.0, -1.0, -3.0, -2.0, -3.0)
    arguments = at(seen, "def neuron")
    gradients = grad(neuron, argnums=range(5))(2.0, -1.0, -3.0, -2.0, -3.0)
    assert [arguments[name].gradients for name in ("w0", "x0", "w1", "x1", "w2")] == [[g] for g in gradients]
    s = at(seen, "s =")["s"]
    assert (s.values, s.local) == ([1.0], {"w0": [-1.0], "x0": [2.0], "w1": [-2.0], "x1": [-3.0], "w2": [1.0]})
    assert at(seen, "e =")["e"].local == {"s": [-math.exp(-1.0)]}
    assert at(seen, "return")["return"].values == [1 / (1 + math.exp(-1.0))]
    assert seen.root.grad == 0.0


@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_upstream_times_local_is_the_gradient(point):
    """A chain of lines: what a line hands back is the gradient of the line before it."""

    def chain(x, y, z):
        a = x * y + z
        b = tanh(a) * a
        c = exp(b) + b
        return c * c

    seen = margin(chain, *point)
    rows = {name: row for text in ("def", "a =", "b =", "c =", "return") for name, row in at(seen, text).items()}
    for before, line in (("a", "b"), ("b", "c"), ("c", "return")):
        [upstream], [partial] = rows[line].gradients, rows[line].local[before]
        assert rows[before].gradients == pytest.approx([upstream * partial], rel=1e-12, abs=1e-300)


def descend(rate, x):
    for step in range(30):  # noqa: B007
        slope = 2 * (x - 3)
        x = x - rate * slope
    return x


def test_a_loop_shows_all_its_runs():
    seen = margin(descend, 0.1, 2.0)
    step = at(seen, "for step")["step"]
    assert (step.values, step.gradients, step.runs) == ([*range(30)], [], 30)
    x = at(seen, "x =")["x"]
    assert x.values == pytest.approx([3 - 0.8 ** (n + 1) for n in range(30)])
    assert x.gradients == pytest.approx([0.8 ** (29 - n) for n in range(30)])
    assert x.local["x"] == [1.0] * 30
    assert "x ×30" in repr(seen)


def loaded(folder, text):
    """The last function of a file that users lay out as they like."""
    path = folder / "of_a_user.py"
    path.write_text(text, encoding="utf-8")
    names = {name: getattr(microgradnn, name) for name in microgradnn.__all__}
    exec(compile(text, str(path), "exec"), names)  # noqa: S102
    return [*names.values()][-1]


FORWARD = '''
def forward(x, W, b):
    """Not a line that runs."""
    # nor this
    hidden = [tanh(sum(w * xi for w, xi in zip(row, x)) + bias)
              for row, bias in zip(W, b)]
    out = (sum(hidden)
           * 2.0)
    return out
'''


def test_statements_of_several_lines_and_comprehensions(tmp_path):
    seen = margin(loaded(tmp_path, FORWARD), [0.5, -1], [[0.1, 0.2], [0.3, -0.4]], [0.0, 0.1])
    rows = at(seen, "def forward")
    assert [rows[name].sizes for name in ("x", "W", "b")] == [{2}, {4}, {2}]
    assert len(rows["x"].gradients) == 2  # −1 is a number here, as 0.5 is a float
    assert at(seen, "hidden =")["hidden"].values == pytest.approx([math.tanh(-0.15), math.tanh(0.65)])
    assert at(seen, "out =")["out"].local == {"hidden[0]": [2.0], "hidden[1]": [2.0]}
    assert [row.label() for row in rows.values()] == ["x[2]", "W[4]", "b[2]"]
    assert all(line.ran for line in seen.functions[0])


def area(r):
    if r > 1:
        grown = r * r
    else:
        grown = 2 * r
        grown -= 1
    return math.pi * grown


def volume(radius, h):
    a = area(radius)
    v = a * h
    if v > 10:
        v = 10 + log(v - 9)
    elif v > 5:
        v = v * 2
    return v


def test_helpers_have_their_own_lines_and_untaken_ones_are_said_to_be():
    seen = margin(volume, 1.5, 2.0)
    assert [lines[0].text for lines in seen.functions] == ["def volume(radius, h):", "def area(r):"]
    assert at(seen, "a =")["a"].local == {"radius": [2 * math.pi * 1.5]}, "all that the helper did"
    assert at(seen, "grown = r * r")["grown"].local == {"r": [3.0]}
    missed = [line.text.strip() for lines in seen.functions for line in lines if not line.ran]
    assert missed == ["elif v > 5:", "v = v * 2", "grown = 2 * r", "grown -= 1"]
    assert repr(seen).count("not run") == 4


def test_recursion_methods_generators_and_inner_functions():
    def power(x, n):
        if n == 0:
            return 1.0
        rest = power(x, n - 1)
        return x * rest

    seen = margin(power, 0.5, 3)
    assert at(seen, "def power")["n"].values == [3, 2, 1, 0], "ints stay ints"
    assert at(seen, "return x")["return"].values == [0.5, 0.25, 0.125]
    assert at(seen, "return x")["return"].local["rest"] == [0.5, 0.5]  # the first rest is no Value

    def powers(x):
        for n in range(3):
            yield x**n
        yield x

    def total(x):
        def twice(y):
            return 2 * y

        return twice(sum(powers(x)))

    seen = margin(total, 3.0)
    assert at(seen, "yield x**n")["yield"].values == [1.0, 3.0, 9.0]
    assert at(seen, "yield x**n")["yield"].local["x"][-1] == 6.0
    assert [*at(seen, "yield x**n")] == ["yield"]
    assert at(seen, "def powers")["x"].runs == 1, "a generator that goes on is no new call"
    assert at(seen, "return 2")["return"].local == {"y": [2.0]}
    assert [lines[0].text for lines in seen.functions] == ["def total(x):", "def powers(x):"], "twice stands inside"
    assert at(seen, "return twice")["return"].local == {"x": [16.0]}


class Scale:
    def __init__(self, w):
        self.w = Value(w)

    def times(self, x):
        return self.w * x


class Model(nn.Module):
    def __init__(self):
        self.w = Value(2.0)

    def forward(self, x):
        self.last = self.w * x[0]
        return self.last**2


def test_modules_methods_partials_and_decorated_functions():
    seen = margin(Model(), [3.0])
    assert at(seen, "self.last")["self.last"].local == {"self.w": [3.0], "x[0]": [2.0]}
    assert at(seen, "return")["return"].local == {"self.last": [12.0]}
    for wrapped in (lambda f: f, functools.partial, functools.cache):
        seen = margin(wrapped(Scale(2.0).times), 3.0)
        assert at(seen, "return self.w")["return"].local == {"self.w": [3.0], "x": [2.0]}

    @no_grad()
    def still(x):
        y = x * 2
        return y

    assert at(margin(still, 3.0), "y =")["y"].gradients == [1.0]
    assert at(margin(still, 3.0), "y =")["y"].local == {}


EVERY = """
rate = Value(0.5)

def helper(x):
    return x * 7

def every(x, n):
    if n < 0: return x
    a = x * 2; b = a * 3
    for _ in range(n): a = a * x
    k = 0
    while k < 2: k += 1
    if (w := a + b) > 0 and n:
        c = w
    (e, *g), h = [x, x * 2, b], 3
    table = {}
    table["k"] = c * e
    parts = []
    parts.append(x * x)
    parts[0] += g[0]
    picked = next(iter(parts))
    counts = iter([0, 1])
    parts[next(counts)] = x * 5
    second = next(counts)
    for i in range(2):
        if (v := x + i) > 0: pass
    parts.append(helper(x))
    try:
        t = log(x - 10)
    except ValueError:
        t = log(x)
    typed: Value = t * rate
    return typed + picked + table["k"] + h
"""


def test_what_lines_can_bind(tmp_path):
    seen = margin(loaded(tmp_path, EVERY), 1.5, 3)
    assert at(seen, "a = x")["a"].values + at(seen, "a = x")["b"].values == [3.0, 9.0]
    loop = at(seen, "for _")
    assert (loop["_"].values, loop["a"].values) == ([0, 1, 2], [4.5, 6.75, 10.125])
    assert at(seen, "while")["k"].values == [1, 2]
    assert at(seen, "if (w")["w"].local == {"a": [1.0], "b": [1.0]}
    assert at(seen, "(e,")["g"].values == [3.0, 9.0]
    assert at(seen, 'table["k"]')["table['k']"].local == {"c": [1.5], "e": [19.125]}
    assert at(seen, "parts = []") == {}, "what was in it then"
    assert at(seen, "parts.append(x")["(parts.append…)"].local == {"x": [3.0]}
    assert at(seen, "parts[0]")["parts[0]"].local == {"parts[0]": [1.0], "g[0]": [1.0]}
    assert at(seen, "parts[next")["(parts[next(c…)"].values == [7.5], "the index is not computed twice"
    assert at(seen, "second")["second"].values == [1]
    assert [*at(seen, "for i in")] == ["i"], "what is bound inside is shown there"
    assert at(seen, "parts.append(helper")["(parts.append…)"].values == [10.5]
    assert at(seen, "t = log(x -") == {}, "it raised"
    assert at(seen, "t = log(x)")["t"].values == [math.log(1.5)]
    assert at(seen, "typed")["typed"].local == {"t": [0.5], "rate": [math.log(1.5)]}


def test_a_block_that_is_left_is_not_run_again():
    def blocks(x):
        with detect_anomaly(), open(__file__, encoding="utf-8") as text:
            y = x * len(text.readline())
        for n in ():
            y = y * n
        for n in [2, 3]:
            y = y * n
            if n == 2:
                continue
        return y

    seen = margin(blocks, 1.0)
    assert at(seen, "for n in [2")["n"].values == [2, 3]
    assert at(seen, "for n in ()") == {}
    assert [line.text.strip() for line in seen.functions[0] if not line.ran] == ["y = y * n"]


def test_a_lambda_is_shown_alone():
    seen = margin(lambda f: f * 3 + 1, f=2.0)
    [[line]] = seen.functions
    assert line.text == "lambda f: f * 3 + 1"
    assert [(row.name, row.values, row.local) for row in line.rows] == [
        ("f", [2.0], {}),
        ("return", [7.0], {"f": [3.0]}),
    ]


def test_values_named_tuples_dicts_and_defaults():
    w = Value(2.0, "w")

    def f(p, weights, scale=3, *more, flag=True, **rest):
        return p.x * p.y * w * weights["a"] * scale * more[0] * rest["k"]

    seen = margin(f, Point(1.0, 2.0), {"a": 4.0}, 3, 5.0, k=6.0)
    rows = at(seen, "def f")
    assert [*rows] == ["p", "weights", "scale", "more", "rest"], "a flag is no number"
    assert rows["p"].gradients == [2.0 * 2 * 4 * 3 * 5 * 6, 1.0 * 2 * 4 * 3 * 5 * 6]
    assert at(seen, "return")["return"].local["w"] == [1.0 * 2 * 4 * 3 * 5 * 6]
    assert (w.grad, w.data) == (0.0, 2.0)


def test_parameters_without_a_name_are_counted():
    def f(x):
        made = [Value(1.0) for _ in range(9)]
        return sum(w * x for w in made)

    row = at(margin(f, 2.0), "return")["return"]
    assert (row.local["x"], len(row.local)) == ([9.0], 10)
    assert row.derivatives()[-1] == "… 10 in all"

    def g(x):
        return x * sum([Value(1.0), Value(2.0)])

    row = at(margin(g, 2.0), "return")["return"]
    assert (row.local, row.derivatives()) == ({"x": [3.0]}, ["∂/∂x 3", "… 3 in all"])


def test_the_graph_is_that_of_a_plain_call():
    def f(x, y):
        return sum([x, y, x * y])

    seen = margin(f, 2.0, 3.0)
    plain = f(Value(2.0), Value(3.0))
    assert len(steps(seen.root).order) == len(steps(plain).order) == 5, "no gate 0 + x"


def test_what_is_not_handed_on_counts_as_0():
    def f(xs):
        total = 0
        for x in xs:
            h = relu(x * 1.0)
            total = total + h
        return total

    rows = at(margin(f, [-1.0, 2.0, -3.0]), "h =")
    assert (rows["h"].local, rows["h"].derivatives()) == ({"x": [0.0, 1.0, 0.0]}, ["∂/∂x 0 ▁█▁ 0"])


def test_a_derivative_of_some_runs_alone_is_said_to_be():
    def f(x, y):
        for n in range(3):
            x = x * (2 if n else y)
        return x

    row = at(margin(f, 3.0, 5.0), "x =")["x"]
    assert row.derivatives() == ["∂/∂x 5 █▁▁ 2", "∂/∂y 3 (1 of 3)"]


TWICE = Value(5.0, "w")


def test_names_on_the_line_come_before_those_that_values_carry():
    def helper(x):
        return x * TWICE

    def f(w):
        y = helper(w)
        return y

    row = at(margin(f, 2.0), "y =")["y"]
    assert (row.local, row.unnamed) == ({"w": [5.0]}, 1)


def test_one_value_under_two_names_has_both():
    def f(x):
        a = b = x * 2
        return a * b

    assert at(margin(f, 2.0), "return")["return"].local == {"(a=b)": [8.0]}


def test_numbers_are_those_of_their_time():
    def f(w):
        for _ in range(2):
            loss = (w - 3) ** 2
            loss.backward()
            w.data -= 0.1 * w.grad
            w.grad = 0.0
        return (w - 3) ** 2

    seen = margin(f, 1.0)
    assert at(seen, "def f")["w"].values == [1.0]
    assert at(seen, "loss =")["loss"].values == pytest.approx([4.0, 2.56])


def test_operands_are_named_as_they_stand_on_the_line():
    class Layer:
        def __init__(self):
            self.inner = Scale(2.0)

    def f(w, layer, i):
        y = w[i] * w[i + 1] * w[-1] + layer.inner.w
        return y

    row = at(margin(f, [1.0, 2.0, 3.0], Layer(), 0), "y =")["y"]
    assert row.local == {"w[i]": [6.0], "w[i + 1]": [3.0], "w[-1]": [2.0], "layer.inner.w": [1.0]}


def test_no_property_is_asked_and_no_entry_made():
    asked = []

    class Guarded:
        @property
        def w(self):
            asked.append(self)
            return self.inner

        @w.setter
        def w(self, value):
            self.inner = value

    def f(x):
        guarded, entries = Guarded(), defaultdict(float)
        guarded.w = x * 3
        entries[0], i = x * 2, 1
        entries[i - 1] += guarded.w
        y = x if entries else entries[7]
        assert y is x
        assert len(entries) == 1
        return entries[0]

    seen = margin(f, 2.0)
    assert len(asked) == 1
    assert at(seen, "entries[i")["entries[i - 1]"].local["entries[i - 1]"] == [1.0]


def test_return_from_within_with_and_try_stands_on_its_line():
    def f(x):
        with contextlib.nullcontext():
            return x * 2

    assert at(margin(f, 2.0), "return")["return"].local == {"x": [2.0]}
    assert at(margin(f, 2.0), "with") == {}

    def g(x):
        try:
            return x * 2
        finally:
            q = x * 3  # noqa: F841

    seen = margin(g, 2.0)
    assert [*at(seen, "return")] == ["return"]
    assert at(seen, "q =")["q"].local == {"x": [3.0]}


def test_what_waits_goes_on():
    async def double(x):
        return x * 2

    async def both(x):
        y = await double(x)
        return await double(y)

    def f(x):
        return asyncio.run(both(x))

    rows = {name: row for text in ("y =", "return await") for name, row in at(margin(f, 2.0), text).items()}
    assert {name: row.local for name, row in rows.items()} == {"y": {"x": [2.0]}, "return": {"y": [2.0]}}

    def told(x):
        got = yield x * 2
        got = got * (yield got * 3)
        yield got

    def g(x):
        talk = told(x)
        first = next(talk)
        return talk.send(first * 5) + talk.send(7.0)

    seen = margin(g, 2.0)
    assert at(seen, "got = yield")["yield"].local == {"x": [2.0]}
    assert at(seen, "got = yield")["got"].local == {}, "it was made elsewhere"
    assert at(seen, "got = got")["yield"].local == {"got": [3.0]}
    assert at(seen, "got = got")["got"].local == {"got": [7.0]}
    assert [*at(seen, "yield got")] == ["yield"]


def test_a_coroutine_is_refused_and_closed():
    async def f(x):
        return x * 2

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(TypeError, match=r"f returned coroutine .*: give margin a plain function"):
            margin(f, 2.0)
        gc.collect()
    assert heard == []


def test_of_two_lambdas_on_a_line_the_right_one_is_shown():
    pair = [lambda x: x * 2, lambda x: x * 3]
    assert [margin(f, 1.0).functions[0][0].text for f in pair] == ["lambda x: x * 2", "lambda x: x * 3"]


def test_all_kinds_of_arguments_stay_what_they_are(tmp_path):
    class Vector(list):
        def total(self):
            return sum(self)

    shared = [2.0]

    def f(v, config, a, b, rate=0.5, data=None):
        assert a is b
        for _ in range(config["steps"]):
            config["lr"] = config["lr"] * rate
        return v.total() * config["lr"] * a[0] * b[0]

    config = defaultdict(int, {"steps": 2, "lr": 0.1, "name": "sgd"})
    seen = margin(f, Vector([1.0, 2]), config, shared, shared, data=numpy.ones(3))
    assert seen.root.data == pytest.approx(3 * 0.025 * 4)
    assert at(seen, "def f")["rate"].gradients == pytest.approx([3 * 0.1 * 2 * 0.5 * 4])
    assert config == {"steps": 2, "lr": 0.1, "name": "sgd"}
    assert at(margin(lambda x: x * 2, numpy.float32(1.5)), "lambda")["x"].gradients == [2.0]


def test_odd_numbers_are_written():
    def f(x):
        large = 2**2000  # noqa: F841
        y = x * float("nan")
        ring = [1.0]
        ring.append(ring)
        y = y * len(ring)
        z: float  # noqa: F842
        return y

    seen = margin(f, numpy.float64(2.0))
    assert at(seen, "y = x")["y"].derivatives() == ["∂/∂x nan"]
    assert trend([math.nan]) == "nan"
    assert "not run" not in repr(seen)


def test_a_class_inside_ran_with_the_function():
    def f(x):
        class Local:
            factor = 3

            def times(self, y):
                return y * self.factor

        return Local().times(x)

    seen = margin(f, 2.0)
    assert "not run" not in repr(seen)
    assert at(seen, "return y")["return"].local == {"y": [3.0]}


def test_one_line_holds_a_whole_function(tmp_path):
    seen = margin(loaded(tmp_path, "def f(x): y = x * 2; z = y * 3; return z\n"), 2.0)
    assert [row.name for row in seen.functions[0][0].rows] == ["x", "y", "z", "return"]


def test_long_lists_keep_their_length_and_their_ends():
    def f(xs):
        total = 0
        for x in xs:
            total = total + x
        return total

    row = at(margin(f, [float(n) for n in range(200)]), "def f")["xs"]
    assert (row.label(), row.values[0], row.values[-1]) == ("xs[200]", 0.0, 199.0)


def test_a_debuggers_trace_function_is_given_back():
    calls = []

    def tracer(frame, event, arg):
        calls.append(event)

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        margin(neuron, 2.0, -1.0, -3.0, -2.0, -3.0)
        assert sys.gettrace() is tracer
        with pytest.raises(ZeroDivisionError):
            margin(lambda x: x / 0, 1.0)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_other_threads_are_not_noted():
    def f(x):
        made = []
        thread = threading.Thread(target=lambda: made.append(x * 2))
        thread.start()
        thread.join()
        return x + made[0]

    assert at(margin(f, 2.0), "return")["return"].gradients == [1.0]


def no_result(x):
    x * 2


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("f", "args", "kind", "words"),
    [
        (eval("lambda x: x"), (2.0,), ValueError, r"there is none in '<string>': define it in a file or in a cell"),
        (math.sin, (2.0,), TypeError, "written in Python, got builtin_function_or_method"),
        (3.0, (), TypeError, "written in Python, got float 3.0"),
        (no_result, (2.0,), TypeError, "no_result returned NoneType None: did it forget to return its result"),
        (lambda n: n * 2, (2,), TypeError, "returned int 4: it depends on no Value; ints stay ints, so write 2.0"),
        (lambda x: [x, x], (2.0,), TypeError, "returned list .*: it must return one number"),
        (neuron, (1.0,), TypeError, "neuron: missing a required argument: 'x0'"),
        (tanh, (1.0,), ValueError, r"tanh is written in microgradnn: .* def f\(x\): return tanh\(x\)"),
        (nn.MLP(2, [1]), ([1.0, 2.0],), ValueError, r"MLP is written in microgradnn: margin shows a function of yours"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(f, args, kind, words):
    with pytest.raises(kind, match=words):
        margin(f, *args)


def test_a_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "model_of_mine.py"
    path.write_text("def f(x):\n    return x * 2\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "model_of_mine", raising=False)
    import model_of_mine

    assert at(margin(model_of_mine.f, 2.0), "return")["return"].values == [4.0]
    path.write_text("import math\n\n\ndef f(x):\n    return x * 3\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"model_of_mine\.py was changed since f was loaded: load it again"):
        margin(model_of_mine.f, 2.0)


@given(st.lists(st.one_of(st.floats(), st.integers()), min_size=1, max_size=40))
def test_bars_are_drawn_for_all_numbers(numbers):
    drawn = bars(numbers)
    assert len(drawn) == min(len(numbers), 12)
    assert set(drawn) <= {*BARS, "?"}
    assert trend(numbers).split()


def test_bars_rise_and_fall_with_the_numbers():
    assert bars([1.0, 2.0, 3.0]) == "▁▅█"
    assert bars([-1e308, 1e308]) == "▁█"
    assert bars([1e-300, 0.0]) == "█▁"
    assert trend([0.5, 0.5, 0.5]) == "0.5"
    assert trend([12345, 7]) == "12345, 7"
    assert Row("x", runs=3, sizes={2}).label() == "x[2] ×3"


# ---- HTML ---------------------------------------------------------------------------------------------------------


def test_the_page_holds_what_the_text_holds(tmp_path):
    def volume_of(r):
        unused = r * 7  # noqa: F841  no part of the circuit
        return volume(r, 2.0)

    seen = margin(volume_of, 1.5)
    bundle = seen._repr_mimebundle_()
    assert bundle["text/plain"] == repr(seen)
    for word in ("def area(r):", "grown = r * r", "not run", "9.425", "0.1947", "<img", 'role="table"'):
        assert word in bundle["text/html"]
    seen.save(tmp_path / "m.html")
    page = (tmp_path / "m.html").read_text(encoding="utf-8")
    assert bundle["text/html"] in page
    assert "<h1>Gradients of volume_of</h1>" in page
    with pytest.raises(ValueError, match="html"):
        seen.save(tmp_path / "m.png")


def test_source_is_escaped():
    def f(x):
        return x * 2 if x < 3 and "<b>" else x

    page = margin(f, 2.0)._repr_mimebundle_()["text/html"]
    assert "x &lt; 3 and &quot;&lt;b&gt;&quot;" in page
    assert "<b>" not in page


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 700, 1300])
def test_a_line_and_its_gates_light_each_other_up(chromium, tmp_path, width):
    margin(volume, 1.5, 2.0).save(tmp_path / "m.html")
    page = chromium.new_page(viewport={"width": width, "height": 900})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"file://{tmp_path}/m.html")
    lit = "() => [...document.querySelectorAll('.lit')].map(part => part.dataset.line ?? part.id.split('-').pop())"
    row = page.locator("tr", has_text="v = a * h").first
    line = row.get_attribute("data-line")
    row.hover()
    shown = page.evaluate(lit)
    gate = next(part for part in shown if part.startswith("g"))
    assert sorted(shown) == sorted([line, gate, f"w{gate[1:]}"])
    page.locator(f"g[id$='-{gate}']").hover()
    assert line in page.evaluate(lit)
    page.locator("h1").hover()
    assert page.evaluate(lit) == []
    page.locator("tr[tabindex]").first.focus()
    assert len(page.evaluate(lit)) >= 3
    page.keyboard.press("Tab")
    assert line in page.evaluate(lit)
    page.locator("tr[tabindex]", has_text="v = 10").focus()
    lefts = "[...document.querySelectorAll('g.lit')].map(gate => gate.getBoundingClientRect().left)"
    page.wait_for_function(f"Math.min(...{lefts}) < innerWidth")  # the picture scrolls to them
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page does not scroll sideways"
    assert errors == []
    page.close()


def test_all_lines_of_a_statement_have_its_gates(tmp_path):
    [lines] = margin(loaded(tmp_path, FORWARD), [0.5, -1], [[0.1, 0.2], [0.3, -0.4]], [0.0, 0.1]).functions
    gates = {line.text.strip().split()[0]: line.gates for line in lines}
    assert gates["hidden"] == gates["for"] != []
    assert gates["out"] == gates["*"] != []
    assert gates["#"] == []


@pytest.mark.browser
def test_where_there_is_little_room_numbers_stand_below_the_source(chromium, tmp_path):
    margin(neuron, 2.0, -1.0, -3.0, -2.0, -3.0).save(tmp_path / "m.html")
    tops = {}
    for width in (390, 700, 1300):
        page = chromium.new_page(viewport={"width": width, "height": 900})
        page.goto(f"file://{tmp_path}/m.html")
        cells = [page.locator("tr", has_text="s = w0").locator(f".{kind}") for kind in ("source", "value", "local")]
        tops[width] = [cell.bounding_box()["y"] for cell in cells]
        page.close()
    assert len({*tops[1300]}) == 1
    source, value, local = tops[700]
    assert source == value < local
    source, value, local = tops[390]
    assert source < value < local

"""The engines are the same in everything that can be observed: bits, exceptions and messages, on random graphs.

Which engine runs is decided when microgradnn is imported, so each runs in processes of its own. The engines are those
that are built: where there is no extension, what is left is that Python gives the same in every process, whatever the
order of its hashes, and reads its own pickles.
"""

import copy
import difflib
import functools
import gc
import importlib.util
import itertools
import operator
import os
import pickle
import re
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from microgradnn import Value, context, gates, maximum, micrograd, nn, no_grad
from microgradnn.primitive import lookup
from tests.random_graphs import Broken, Kept

ROOT = Path(__file__).parents[1]
ENGINES = ["python", *["native"] * (importlib.util.find_spec("microgradnn.native._core") is not None)]
CHECK = "import microgradnn.native; assert microgradnn.native.engine == {engine!r}\n"


def run(engine, program, hashes=0):
    """What `program` prints where `engine` runs, and hashes are drawn anew by `hashes`."""
    settings = {"MICROGRADNN_ENGINE": engine, "PYTHONHASHSEED": str(hashes), "PYTHONFAULTHANDLER": "1"}
    words = [sys.executable, "-c", CHECK.format(engine=engine) + program]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **settings})
    assert ended.returncode == 0, f"{engine}: {ended.stdout[-1000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


def graphs(engine, what, *arguments, hashes=0, spoiled="pass"):
    """What `random_graphs` prints of random graphs where `engine` runs, in which `spoiled` goes wrong."""
    program = f"{spoiled}\nfrom tests.random_graphs import *; start({what}, *{arguments})"
    return run(engine, program, hashes)


@functools.cache
def reference():
    """The text of some graphs."""
    return graphs("python", "texts", 0, 40)


def difference(text, other):
    """The first graph in which two texts differ, and the lines that do; "" where none is."""
    both = [one.split("\ngraph ") for one in (text, other)]
    for graphs in itertools.zip_longest(*both, fillvalue=""):
        if graphs[0] != graphs[1]:
            lines = difflib.unified_diff(*[graph.splitlines() for graph in graphs], lineterm="", n=1)
            return "\n".join([f"graph {graphs[0].partition(chr(10))[0]}", *lines])
    return ""


@pytest.mark.one_engine
@pytest.mark.parametrize("engine", ENGINES)
def test_random_graphs_are_the_same(engine):
    assert difference(reference(), graphs(engine, "texts", 0, 40, hashes=1)) == ""


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES[-1:])
def test_ten_thousand_random_graphs_are_the_same(engine):
    for first in range(0, 10_000, 1000):
        texts = [graphs(name, "texts", 1, 1000, first, hashes=n) for n, name in enumerate(["python", engine])]
        assert difference(*texts) == ""


SPOILED = {
    "the last bit of a value": "import math, microgradnn as m; m.Value.tanh = lambda x: (y := m.tanh(x), setattr("
    "y, '_data', math.nextafter(y._data, 2)))[0]",
    "the sign of a zero": "import microgradnn as m; m.Value.__neg__ = lambda x: 0 - x",
    "a message": "from microgradnn.primitive import Primitive as P; old = P.describe; "
    "P.describe = lambda self, operands: old(self, operands).replace('=', ': ')",
    "a class of exception": "import microgradnn as m; old = m.Value.__truediv__; m.Value.__truediv__ = "
    "m.Value.__itruediv__ = lambda x, y: old(x, y) if y is not None and y != 0 else old(x, 'no number')",
    "an operand told twice as one": "import microgradnn as m; old = m.Value.__mul__; "
    "m.Value.__mul__ = lambda x, y: old(x, x._data) if x is y else old(x, y)",
    "a path": "import microgradnn.context as c; c.inside.__code__ = "
    "(lambda name: Switch(path=name)).__code__",
    "a gradient after the second sweep": "import microgradnn as m; old = m.Value.backward; "
    "m.Value.backward = lambda self, seed=1.0: (None if self._grad == 1.0 else old(self, seed))",
    "what a relu hands on": "import microgradnn as m; old = m.relu; "
    "m.relu = m.Value.relu = lambda x: (y := old(x), setattr(y, '_left_partial', 0.0) if y.operands else 0)[0]",
    "which Value is given back": "import microgradnn as m; old = m.Value.__radd__; "
    "m.Value.__radd__ = lambda x, y: old(x, float(y)) if y.__class__ is int and y == 0 else old(x, y)",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.one_engine
@pytest.mark.parametrize("fault", SPOILED)
def test_an_engine_that_differs_is_found_with_the_line_in_which_it_does(fault):
    found = difference(reference(), graphs("python", "texts", 0, 40, spoiled=SPOILED[fault]))
    assert re.search("^graph .*\n(.*\n)*[+]", found)


# ---- pickles ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.one_engine
@pytest.mark.parametrize("reader", ENGINES)
@pytest.mark.parametrize("writer", ENGINES)
def test_pickles_of_one_engine_are_read_by_the_other(writer, reader, tmp_path):
    written = graphs(writer, "written", str(tmp_path), 2, 60)
    assert all(word in written for word in ("vectors: 0", "vectors: 6", "micrograd.engine.Value", "'extra': 1.0"))
    assert difference(written, graphs(reader, "read", str(tmp_path), 2, 60, hashes=1)) == ""


@pytest.mark.slow
@pytest.mark.one_engine
def test_a_reader_of_pickles_that_loses_something_is_found(tmp_path):
    written = graphs("python", "written", str(tmp_path), 2, 20)
    spoiled = """if True:
    from microgradnn import copying
    def node_of(kind, ancestors, *fields):
        return complete(kind, ancestors, *fields[:3], None, *fields[4:])
    complete, copying.node_of = copying.node_of, node_of"""
    assert difference(written, graphs("python", "read", str(tmp_path), 2, 20, spoiled=spoiled))


# ---- memory -----------------------------------------------------------------------------------------------------

GROWTH = """
from microgradnn import Value, context, maximum, micrograd, nn, no_grad

network = nn.MLP(3, [8, 4, 1], rng=0)
class Own(Value): pass

def piece():
    # 100,000 gates: a deep chain of what is plain, an operand again and again, and what is not plain
    x, w, b = Value(0.5, "x"), Value(-1.5), Own(0.25)
    y = x
    for _ in range(19_000):
        y = (y * w + 0.5).tanh() - x * x
    y.backward()
    for _ in range(60):
        z = maximum(w * w, 2 ** x, b * 3) + b / 4
        with context.inside("net"):
            z = network([z, x, 0.0]) + network([x, x, z])
        z.backward()
        z.forward()
        try:
            w / (x - x)
        except ZeroDivisionError:
            pass

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

kept, pieces = [], {pieces}
for number in range(pieces):
    piece()
    {leak}
    if number == pieces // 4:  # by then the allocator has what it needs
        before = resident()
print((resident() - before) / (100_000 * (pieces - pieces // 4 - 1)))
"""


def growth(engine, pieces, leak="pass"):
    """By how many bytes a gate a process grows that records, sweeps and drops graphs of 100,000 gates each."""
    return float(run(engine, GROWTH.format(pieces=pieces, leak=leak)))


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_four_million_gates_leave_memory_flat(engine):
    assert growth(engine, 40) < 1


@pytest.mark.one_engine
@pytest.mark.slow
def test_eight_bytes_a_gate_are_found():
    assert growth("python", 40, leak="kept += [None] * 100_000") > 4


# ---- references: in this process, whichever engine runs in it ----------------------------------------------------

LEFT, RIGHT = Value(0.75), Value(0.5)
NUMBERS = [2.5, 3, True, 10**30, Fraction(1, 4), np.float64(0.25), Kept(0.5), micrograd.Value(0.5), LEFT, RIGHT]
NUMBERS += ["2", None, 1j, 10**400, (1.0,), Broken(1.0), np.array([1.0, 2.0])]
OPERATORS = [getattr(operator, f"{i}{gate.operator}") for gate in gates() if gate.arity == 2 and gate.operator
             for i in ("", "i")]  # fmt: skip


def path_of_square(x):
    with context.inside("net"):
        return (x * x).path


def shown(operand):
    return f"{type(operand).__module__} {operand!r:.40}"


CALLS = {
    **{f"{function.__name__}({shown(left)}, {shown(right)})": (function, left, right)
       for function in OPERATORS for x in NUMBERS for left, right in ((LEFT, x), (x, LEFT))},
    **{gate.name: (gate.quick, *[LEFT, RIGHT, LEFT][: gate.arity or 3]) for gate in gates()},
    **{f"{gate.name} of numbers": (gate, *[0.75, 0.5, 0.75][: gate.arity or 3]) for gate in gates()},
    **{f"{gate.name} of nothing": (gate.quick,) for gate in gates()},
    "leaf": (Value, 2.5), "no leaf": (Value, "2.5"), "named": (Value, 2.5, "x"), "badly named": (Value, 2.5, 3),
    "divided by 0": (operator.truediv, LEFT, 0.0), "default": (Value.leaky_relu, LEFT),
    "by name": (lambda x: x.leaky_relu(slope=0.1), LEFT), "by no name": (lambda x: x.leaky_relu(slop=0.1), LEFT),
    "two too many": (Value.tanh, LEFT, LEFT, RIGHT), "sum": (sum, [LEFT, RIGHT]), "itself": (operator.mul, LEFT, LEFT),
    "swept": (lambda x, y: (x * y - x).tanh().backward(), LEFT, RIGHT), "seeded": (LEFT.backward, 0.1),
    "swept in vain": (LEFT.backward, "1"), "three swept": (lambda x, y: maximum(x, y, x).backward(), LEFT, RIGHT),
    "read": (lambda x, y: [(z.data, z.grad, z.operands, z.partials, z.handed, z.path) for z in [x * y]], LEFT, RIGHT),
    "anew": (lambda x, y: (x * y).forward().backward(), LEFT, RIGHT), "copied": (copy.deepcopy, LEFT * RIGHT),
    "pickled": (lambda x: pickle.loads(pickle.dumps(x)), LEFT * RIGHT), "assigned": (setattr, LEFT, "data", 0.75),
    "assigned in vain": (setattr, LEFT, "data", "0.5"), "blank": (setattr, LEFT, "grad", None),
    "a layer": (lambda x: nn.Layer(2, 3, rng=0)([x, 0.5])[0].backward(), LEFT), "inside": (path_of_square, LEFT),
    "a layer in vain": (lambda x: nn.Layer(2, 3, rng=0)([x, "0.5"]), LEFT),
    "unrecorded": (no_grad()(operator.mul), LEFT, RIGHT), "shown": (repr, LEFT),
}  # fmt: skip


def left_behind(compute, *operands, times=200):
    """The objects whose references are not what they were before some calls; blocks of memory that are kept."""

    def call():
        for _ in range(times):
            with suppress(TypeError, ValueError, ArithmeticError, LookupError):
                compute(*operands)
        gc.collect()

    def counts():
        return [*map(sys.getrefcount, counted), sys.getallocatedblocks()]

    counted = [LEFT, RIGHT, Value, lookup("multiply"), *operands, None]
    call()
    before = counts()
    call()
    growth = map(operator.sub, counts(), before)  # a few come and go elsewhere: what a call leaves behind comes again
    return [x for x, more in zip([*counted, "memory"], growth, strict=True) if abs(more) >= times / 2]


@pytest.mark.sampled(11)
@pytest.mark.parametrize("name", CALLS)
def test_calls_leave_no_references_and_no_memory_behind(name):
    assert left_behind(*CALLS[name]) == []


def test_what_is_left_behind_is_found():
    kept = []
    assert any(x is LEFT for x in left_behind(kept.append, LEFT))
    assert None in left_behind(kept.append, None) or sys.version_info >= (3, 12)  # where None lives for ever
    counted = sys.getallocatedblocks() > 0  # not by the allocator under the sanitizers
    assert ("memory" in left_behind(lambda: kept.append(object()))) == counted


@pytest.mark.parametrize("number", [0.1234, 10**30, Fraction(1, 3)])
def test_a_gate_holds_a_value_once_for_each_place_and_a_float_as_it_is(number):
    x = Value(2.0)
    for compute, *operands in [
        (operator.mul, x, x), (operator.mul, x, number), (operator.mul, number, x), (operator.neg, x),
        (maximum, x, number, x), (maximum, number, 2.5, x),
    ]:  # fmt: skip
        before = sys.getrefcount(x), sys.getrefcount(number)
        gate = compute(*operands)
        assert sys.getrefcount(x) == before[0] + sum(operand is x for operand in operands)
        del gate
        assert (sys.getrefcount(x), sys.getrefcount(number)) == before

"""The laws of array programs: every pass leaves a program that is well-formed and means what it meant before.

`evaluate` is the reference: it reads the meaning of each kind of operation from the table, and is itself held to
differences and to eager code.
"""

import itertools
import operator
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.checks.strategies import expressions
from microgradnn.compiler.evaluate import evaluate
from microgradnn.compiler.expand import expand
from microgradnn.compiler.ir import ArrayProgram, Op, Place, Var, Window, contiguous, shape_of, whole
from microgradnn.compiler.numpy_backend import Compiled
from microgradnn.compiler.ops import KINDS, Kind
from microgradnn.compiler.reverse import derivatives
from microgradnn.compiler.simplify import Writer
from microgradnn.primitive import lookup
from microgradnn.sweep import sweep
from tests.array_programs import CALLS, GATES, NumPyLibrary, check
from tests.compile_cases import BACKENDS, CASES, as_values, assert_close, eager, flat, tiled

ASKED = ("value", "gradient", "grads", "hvp")
on_every_backend = pytest.mark.parametrize("backend", BACKENDS)


def compiled(case, **options):
    options = {"wrt": "both" if case.examples[0] else "params"} | options
    return mg.compile(case.f, case.params, example=case.examples[0], **options)


def batch_of(case, count):
    return tiled(case.examples, count) if case.examples[0] else ()


def directions(program, batch, seed=0):
    """A random vector by the parameters, flat, and by each argument."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=len(program.params)), [rng.normal(size=array.shape) for array in batch]


def columns(batch, count):
    return [np.asarray(array, float).reshape(count, -1).T for array in batch]


def evaluated(array_program, params, batch, count, along=None):
    """The results, with the examples last."""
    inputs = columns(batch, count)
    if along is not None:
        inputs += [along[0][array_program.order][:, None], *columns(along[1], count)]
    with np.errstate(all="ignore"):
        return evaluate(array_program, NumPyLibrary(count), np.asarray(params)[array_program.order], inputs)


def assert_same(found, expected, tolerance=1e-11):
    """Equal up to rounding where numbers of this size are added up; infinities and nan in the same places."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape
    finite = np.abs(expected[np.isfinite(expected)])
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * (1 + finite.max(initial=0.0)))


# ---- programs are well-formed ------------------------------------------------------------------------------------


@pytest.mark.sampled(13)
@pytest.mark.parametrize("name", CASES)
def test_every_pass_leaves_a_program_that_is_well_formed(name):
    program = compiled(CASES[name]())
    for asked, ones in itertools.product(ASKED, (True, False)):
        rolled = program.rolled.program(asked, ones)
        check(rolled, GATES)
        check(expand(rolled), CALLS)
        assert sorted(rolled.order) == list(range(len(program.params)))


def small():
    """Y = tanh(W x), where W is two rows of the four parameters, and its sum over the examples."""
    writer, p, x = Writer(), Var((4,), False, name="p"), Var((2,), True, name="x")
    product = writer.einsum(
        "ml", "ln", "mn", Window(p, contiguous(0, (2, 2))), Window(x, contiguous(0, (2, 1))), each=True
    )
    bent = writer.gate(lookup("tanh"), [product])
    total = writer.sum(bent, (0, 1), examples=True)
    return ArrayProgram(p, [x], [0, 1, 2, 3], writer.ops, [total, bent])


def with_op(number, **changes):
    """The small program with another operation in place of one."""

    def broken():
        program = small()
        op = program.ops[number]
        settings = {name: getattr(op, name) for name in ("kind", "operands", "out", "detail")}
        change = {name: value(program, op) for name, value in changes.items()}
        program.ops[number] = Op(**(settings | change))
        return program

    return broken


def reading(offset, shape, strides):
    """The tanh, of another window of what it reads."""
    place = Place(offset, shape, strides)
    return with_op(1, operands=lambda _, op: (Window(op.operands[0].var, place),))


def out_of_order():
    program = small()
    program.ops[:2] = program.ops[1::-1]
    return program


def written_twice():
    program = small()
    program.ops.insert(1, program.ops[0])
    return program


def with_outs(*outs):
    program = small()
    return ArrayProgram(program.params, program.inputs, program.order, program.ops, list(outs))


STRANGER = Var((2, 1), True, name="stranger")
BROKEN = {
    "a kind of another level": (
        with_op(1, kind=lambda *_: "call", detail=lambda *_: "tanh"), "op 1, call: .* no such kind"
    ),
    "an unknown kind": (with_op(1, kind=lambda *_: "nonsense"), "op 1, nonsense: .* no such kind"),
    "read before it is written": (out_of_order, "op 0, gate: .* is read before it is written"),
    "read and never written": (with_op(1, operands=lambda *_: (whole(STRANGER),)), "stranger.* is read before"),
    "written twice": (written_twice, "op 1, einsum: .* is written again"),
    "a parameter written": (with_op(1, out=lambda program, _: program.params), "op 1, gate: .* is written again"),
    "a constant written": (
        with_op(1, out=lambda *_: Var((2, 1), True, value=np.zeros((2, 1)))), "op 1, .* is a constant"
    ),
    "another shape": (with_op(1, out=lambda *_: Var((3, 1), True)), r"op 1, .* expected \(2, 1\), each=True"),
    "examples lost": (with_op(1, out=lambda *_: Var((2, 1), False)), r"op 1, .* expected \(2, 1\), each=True"),
    "examples invented": (with_op(2, out=lambda *_: Var((), True)), r"op 2, sum: .* expected \(\), each=False"),
    "a window past the end": (reading(0, (2, 1), (2, 0)), "op 1, gate: .* leaves"),
    "a window before the start": (reading(0, (2, 1), (-1, 0)), "op 1, gate: .* leaves"),
    "a window that starts after the end": (reading(2, (2, 1), (0, 0)), "op 1, gate: .* leaves"),
    "an operand that is no float": (with_op(1, operands=lambda *_: (1,)), "op 1, gate: .* 1 is no operand"),
    "a result that nothing wrote": (lambda: with_outs(whole(STRANGER)), "outs: stranger.* is read before"),
    "a result that is no operand": (lambda: with_outs(None), "outs: None is no operand"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_program_that_breaks_a_rule_is_refused(name):
    make, message = BROKEN[name]
    check(small(), GATES)
    with pytest.raises(AssertionError, match=message):
        check(make(), GATES)


# ---- passes keep the meaning -------------------------------------------------------------------------------------


@pytest.mark.sampled(13)
@pytest.mark.parametrize("name", CASES)
def test_gates_written_as_calls_mean_the_same(name):
    case = CASES[name]()
    program, batch = compiled(case), batch_of(case, 3)
    along, count = directions(program, batch), 3 if batch else 1
    for asked in ASKED:
        gates = program.rolled.program(asked, ones=True)
        more = along if asked == "hvp" else None
        found, expected = (evaluated(one, program.params, batch, count, more) for one in (expand(gates), gates))
        for one, other in zip(found, expected, strict=True):
            assert_same(*np.broadcast_arrays(one, other))


@pytest.mark.sampled(13)
@pytest.mark.parametrize("name", CASES)
def test_reverse_of_reverse_is_symmetric(name):
    """uᵀHv = vᵀHu, by the parameters and by the inputs."""
    case = CASES[name]()
    program, batch = compiled(case), batch_of(case, 3)
    count = 3 if batch else 1
    u, v = directions(program, batch, 1), directions(program, batch, 2)
    hu, hv = (program._engine(1000).hvp(program.params, one, batch, count) for one in (u, v))

    def dot(a, b):
        terms = [a[0] * b[0], *[x * y for x, y in zip(a[1], b[1], strict=True)]]
        return sum(map(np.sum, terms)), sum(np.abs(term).sum() for term in terms)

    (first, size), (second, other) = dot(u, hv), dot(v, hu)
    assert abs(first - second) <= 1e-11 * (size + other)


# ---- the pullback of every kind ----------------------------------------------------------------------------------


def window(var, offset, shape, strides):
    return Window(var, Place(offset, shape, strides))


def matrix(var, rows, columns, offset=0):
    return Window(var, contiguous(offset, (rows, columns)))


def places(writer, x):
    """Three places, 0 or 1, by what the inputs are."""
    return writer.gate(lookup("argmax"), [window(x, 0, (2, 3), (3, 1))], True)


OVERLAPPING = Place(0, (4, 3), (1, 1))
SAMPLES = {  # of 6 parameters p and 6 inputs x
    "gate": [
        lambda w, p, x: w.gate(lookup("multiply"), [whole(p), w.write("count", [])]),
        lambda w, p, x: w.gate(lookup("tanh"), [whole(x)]),
        lambda w, p, x: w.gate(lookup("multiply"), [whole(x), whole(x)]),
        lambda w, p, x: w.gate(lookup("divide"), [window(x, 0, (2, 3), (3, 1)), window(p, 0, (3,), (1,))]),
        lambda w, p, x: w.gate(lookup("multiply"), [window(p, 0, (6,), (0,)), whole(x)]),
        lambda w, p, x: w.gate(lookup("multiply"), [Window(x, OVERLAPPING), 3.0]),
        lambda w, p, x: w.gate(lookup("logsumexp"), [window(x, 0, (3, 2), (2, 1))], True),
        lambda w, p, x: w.gate(lookup("maximum"), [window(p, 0, (2, 3), (3, 1))], True),
        lambda w, p, x: w.gate(lookup("sum"), [window(x, k, (2,), (3,)) for k in range(3)]),
    ],
    "einsum": [
        lambda w, p, x: w.einsum("ml", "ln", "mn", matrix(p, 2, 3), matrix(x, 3, 2), each=True),
        lambda w, p, x: w.einsum("ml", "ln", "mn", matrix(p, 2, 2), window(x, 0, (2, 3), (1, 1)), each=True),
        lambda w, p, x: w.einsum("ml", "ln", "mn", matrix(x, 2, 3), matrix(x, 3, 2), each=True),
        lambda w, p, x: w.einsum("mn", "ln", "ml", matrix(x, 2, 3), matrix(x, 1, 3, 3), each=False),
        lambda w, p, x: w.einsum("l", "l", "", whole(p), whole(p), each=False),
        lambda w, p, x: w.einsum("l", "l", "", whole(p), window(p, 5, (6,), (-1,)), each=False),
    ],
    "sum": [
        lambda w, p, x: w.sum(whole(x), (), examples=True),
        lambda w, p, x: w.sum(window(x, 0, (2, 3), (3, 1)), (1,)),
        lambda w, p, x: w.sum(window(p, 0, (2, 3, 2), (3, 1, 0)), (0, 2)),
        lambda w, p, x: w.sum(Window(x, OVERLAPPING), (0,), examples=True),
        lambda w, p, x: w.sum(whole(p), (0,), examples=True),  # the same for all: times the count
    ],
    "take": [
        lambda w, p, x: w.take(whole(x), np.array([0, 1, 5, 1])),
        lambda w, p, x: w.take(whole(p), np.array([[3, 3, 0], [2, 5, 4]])),
    ],
    "put": [
        lambda w, p, x: w.put([whole(p)], [np.array([0, 2, 0, 2, 2, 5])], (6,)),
        lambda w, p, x: w.put([Window(x, OVERLAPPING)], [OVERLAPPING], (6,)),
        lambda w, p, x: w.put(
            [window(x, 0, (3,), (2,)), window(p, 1, (2,), (1,))], [Place(1, (3,), (1,)), np.array([7, 0])], (8,)
        ),
        lambda w, p, x: w.put(
            [whole(x), window(p, 0, (3,), (1,)), 2.0],
            [contiguous(0, (6,)), Place(1, (3,), (2,)), Place(4, (1,), (1,))],
            (6,),
        ),
    ],
    "gather": [
        lambda w, p, x: w.gate(lookup("select"), [w.constant(np.array([1.0, 2.0])), matrix(x, 3, 2)], True),
        lambda w, p, x: w.gather(places(w, x), matrix(p, 2, 3)),
        lambda w, p, x: w.gather(places(w, x), window(x, 0, (2, 3), (1, 2))),
        lambda w, p, x: w.gather(w.constant(np.array([0.0, 1.0, 0.0])), matrix(p, 2, 3)),
        lambda w, p, x: w.gather(w.read(places(w, x), Place(0, (), ())), whole(p)),
    ],
    "scatter": [
        lambda w, p, x: w.scatter(places(w, x), window(x, 1, (3,), (2,)), 2),
        lambda w, p, x: w.scatter(places(w, x), window(p, 1, (3,), (2,)), 2),
        lambda w, p, x: w.sum(w.scatter(places(w, x), window(p, 1, (3,), (2,)), 2), (), examples=True),
        lambda w, p, x: w.sum(w.scatter(places(w, x), window(x, 1, (3,), (2,)), 2), (), examples=True),
        lambda w, p, x: w.sum(w.scatter(w.constant(np.array([0.0, 1.0, 0.0])), window(x, 1, (3,), (2,)), 2), (), True),
    ],
}  # fmt: skip


def test_every_pullback_has_samples():
    assert SAMPLES.keys() == {kind for kind, row in KINDS.items() if row.pullback is not None}


def weighed(make):
    """A number: everything that a sample gives, times numbers of its own, and its derivatives by p and x."""
    writer, p, x = Writer(), Var((6,), False, name="p"), Var((6,), True, name="x")
    out = make(writer, p, x)
    weights = writer.constant(np.cos(np.arange(np.prod(out.shape))).reshape(out.shape))
    root = writer.gate(lookup("multiply"), [out, weights])
    root = writer.sum(root, range(len(root.shape)), examples=out.each)
    before = len(writer.ops)
    outs = [root, *derivatives(writer, root, [p, x])]
    return ArrayProgram(p, [x], list(range(6)), writer.ops, outs), writer.ops[:before]


def slopes(value, at):
    """∂value/∂at by central differences, number by number."""
    h, found = 1e-6, np.zeros_like(at)
    for place in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[place] += h
        down[place] -= h
        found[place] = (value(up) - value(down)) / (2 * h)
    return found


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("kind", "number"), [(kind, n) for kind, made in SAMPLES.items() for n in range(len(made))])
def test_a_pullback_is_the_derivative_of_the_meaning(kind, number):
    program, forward = weighed(SAMPLES[kind][number])
    check(program)
    assert kind in {op.kind for op in forward} | {op.detail for op in forward if op.kind == "call"}
    rng = np.random.default_rng(number)
    p, x = rng.uniform(0.5, 1.5, 6), rng.uniform(0.5, 1.5, (6, 3))
    only = ArrayProgram(program.params, program.inputs, program.order, program.ops, program.outs[:1])
    value = lambda p, x: evaluate(only, NumPyLibrary(3), p, [x])[0].item()  # noqa: E731
    _, by_p, by_x = evaluate(program, NumPyLibrary(3), p, [x])
    assert np.broadcast_to(by_p, (6, 1))[:, 0] == pytest.approx(slopes(lambda p: value(p, x), p), rel=1e-6, abs=1e-7)
    assert np.broadcast_to(by_x, (6, 3)) == pytest.approx(slopes(lambda x: value(p, x), x), rel=1e-6, abs=1e-7)
    big = expand(program)
    check(big, CALLS)
    for one, other in zip(evaluate(big, NumPyLibrary(3), p, [x]), [value(p, x), by_p, by_x], strict=True):
        assert_same(*np.broadcast_arrays(one, other))
    function = Compiled(program, 1)
    for _ in range(2):
        for one, other in zip(function.run(p, [x.T], 3), [value(p, x), by_p, by_x], strict=True):
            one = one if np.ndim(one) == np.ndim(other) else np.asarray(one)[..., None]
            assert_same(*np.broadcast_arrays(one, other))


def test_what_is_read_over_and_over_gets_as_many_contributions():
    writer, p = Writer(), Var((6,), False, name="p")
    root = writer.sum(writer.copied(window(p, 2, (5,), (0,))), (0,))
    program = ArrayProgram(p, [], list(range(6)), writer.ops, derivatives(writer, root, [p]))
    [by_p] = evaluate(program, NumPyLibrary(1), np.ones(6), [])
    assert by_p.ravel().tolist() == [0.0, 0.0, 5.0, 0.0, 0.0, 0.0]


# ---- NumPy is held to the meaning --------------------------------------------------------------------------------


def assert_numpy_computes_what_is_meant(program, batch, count):
    """All results of the NumPy backend, twice in a row on the same buffers."""
    engine, params = program._arrays, program.params
    along = directions(program, batch)
    reversed_ = program.wrt != "params"

    def meant(asked, each=False):
        rolled = program.rolled.program(asked, ones=True)
        outs = evaluated(rolled, params, batch, count, along if asked == "hvp" else None)
        value = float(np.squeeze(outs.pop(0))) if asked == "gradient" else None
        by_params = np.broadcast_to(outs.pop(0), (len(params), count if each else 1))[np.argsort(rolled.order)]
        by_inputs = [np.broadcast_to(out, (var.size, count)) for out, var in zip(outs, rolled.inputs, strict=False)]
        return value, by_params.T if each else by_params[:, 0], [one.T for one in by_inputs]

    value, *gradient = meant("gradient")
    expected = {"gradient": gradient, "grads": meant("grads", each=True)[1:], "hvp": meant("hvp")[1:]}
    for _ in range(2):
        assert_same(engine.value(params, batch, count)[0], value)
        again, _, *found = engine.value_and_gradient(params, batch, count)
        assert_same(again, value)
        for asked, (by_params, by_inputs) in {
            "gradient": found,
            "grads": engine.grads(params, batch, count),
            "hvp": engine.hvp(params, along, batch, count),
        }.items():
            assert_same(by_params, expected[asked][0])
            assert len(by_inputs) == len(batch) * reversed_
            for one, other, array in zip(by_inputs, expected[asked][1], batch, strict=reversed_):
                assert one.shape == array.shape
                assert_same(one.reshape(count, -1), other)


@pytest.mark.sampled(13)
@pytest.mark.parametrize("name", CASES)
def test_numpy_computes_what_is_meant(name):
    case = CASES[name]()
    program = compiled(case)
    for count in (1, 2, 7, 1000) if case.examples[0] else (1,):
        assert_numpy_computes_what_is_meant(program, batch_of(case, count), count)


@given(st.data())
def test_numpy_computes_what_is_meant_by_any_expression(data):
    expression = data.draw(expressions(variables=4, max_gates=10))
    point = np.array(expression.point)
    w = as_values(point[:2])
    program = mg.compile(lambda x: expression(*w, *x), w, example=(list(point[2:]),), wrt="both")
    for count in (1, 2, 7):
        batch = np.tile(point[2:], (count, 1)) * np.linspace(1.0, 1.0 + 1e-3, count)[:, None]
        assert_numpy_computes_what_is_meant(program, [batch], count)


TERMS = {  # read the same few parameters in ways whose adjoints are put together
    "taken": lambda w, x: mg.take(w, x[0]),
    "taken often": lambda w, x: mg.sum([mg.take(w, k) for k in (0, 1, 1, 2)]),
    "alone": lambda w, x: w[0],
    "two": lambda w, x: w[1] * w[2],
    "times an input": lambda w, x: w[1] * x[1],
    "dot": lambda w, x: mg.dot(w[1:], [x[1], x[1] * x[1]]),
    "normalised": lambda w, x: mg.logsumexp(w),
    "classified": lambda w, x: nn.cross_entropy(w, x[0]),
    "chosen": lambda w, x: mg.where(x[1], w[0], w[2]),
    "cancelled": lambda w, x: [u := mg.tanh(mg.dot([x[1], x[0]], [w[0], x[1]])), u + (1 - u)][-1],
    "cancelled in part": lambda w, x: [u := w[0] * x[1], w[1] * (u - u + 3.0)][-1],
}
SIGNS = {"+": operator.add, "-": operator.sub, "*": lambda a, b: a + 3.0 * b, "/": lambda a, b: a * b - b}


@settings(max_examples=2 * settings().max_examples)
@given(
    st.lists(st.tuples(st.sampled_from([*TERMS]), st.sampled_from("+-*/")), min_size=1, max_size=4),
    st.sampled_from(["mean", "sum"]),
)
@example([("taken", "+"), ("alone", "-")], "mean")
@example([("chosen", "+"), ("alone", "-")], "mean")
@example([("two", "+"), ("times an input", "+")], "sum")
def test_adjoints_of_the_same_parameters_are_put_together_in_any_order(terms, reduce):
    """One after the other calls give what eager code gives."""
    w = as_values([0.5, -1.5, 2.0])

    def loss(*x):
        total = 0.0
        for name, sign in terms:
            total = SIGNS[sign](total, TERMS[name](w, x))
        return total

    program = mg.compile(loss, w, example=(1, 0.5), reduce=reduce, backend="numpy", wrt="both")
    lines = mg.compile(loss, w, example=(1, 0.5), reduce=reduce, backend="python", wrt="both")
    rng = np.random.default_rng(0)
    for count in (1, 3):
        batch = [rng.integers(0, 3, count), rng.normal(size=count)]
        assert_numpy_computes_what_is_meant(program, batch, count)
        assert_same(program.grad(*batch)[0], lines.grad(*batch)[0])


def pieces(rows, names, size=4):
    """Some of 4 numbers each, or of one: what is put, and where among so many rows."""
    places = [
        st.integers(0, rows - size).map(lambda first: contiguous(first, (size,))),
        st.integers(0, rows - 1).map(lambda first: contiguous(first, ())),
        st.lists(st.integers(0, rows - 1), min_size=size, max_size=size).map(np.array),
    ]
    if rows > 2 * size - 2:
        places.append(st.integers(0, rows - 2 * size + 1).map(lambda first: Place(first, (size,), (2,))))
    return st.lists(st.tuples(st.sampled_from(names), st.one_of(places)), min_size=1)


PIECES = ["forward", "backward", "inputs", "params", "number", "count", "share"]


@settings(max_examples=10 * settings().max_examples)
@given(pieces(4, PIECES, size=2), pieces(8, [*PIECES, "put"]), st.booleans(), st.booleans())
@example([], [("inputs", contiguous(0, (4,))), ("params", np.array([5, 5, 6, 7]))], False, True)
def test_what_is_put_anywhere_is_there_whenever_it_was_known(inner, outer, kept, at_once):
    """Pieces are written in place where nobody sees it: of the forward pass, of the backward pass, of neither."""
    writer, p, x = Writer(), Var((4,), False, name="p"), Var((4,), True, name="x")
    forward = writer.gate(lookup("exp"), [whole(x)])
    root = writer.sum(forward, (0,), examples=True)
    count = writer.write("count", [])
    known = {
        "forward": forward, "backward": writer.gate(lookup("sin"), [whole(x)]), "inputs": whole(x), "params": whole(p),
        "number": 3.0, "count": count, "share": writer.gate(lookup("divide"), [1.0, count]),
    }  # fmt: skip

    def put(parts, rows):
        operands = []
        for name, place in parts:
            shape = place.shape
            operand = known[name]
            if isinstance(operand, Window) and shape_of(operand) != shape:
                operand = writer.read(operand, contiguous(0, shape)) if shape_of(operand) else operand
            operands.append(operand)
        return writer.put(operands, [place for _, place in parts], (rows,))

    known["put"] = put(inner, 4) if inner else None
    outs = [root, put(outer, 8), *[known["backward"]] * kept]
    program = ArrayProgram(p, [x], [0, 1, 2, 3], writer.ops, outs).without_dead_code()
    check(program, GATES)
    function, rng = Compiled(program, 0 if at_once else 1), np.random.default_rng(0)
    for _ in range(2):
        params, batch = rng.normal(size=4), rng.normal(size=(3, 4))
        expected = evaluated(program, params, [batch], 3)
        if not at_once:
            assert_same(function.run(params, [batch], 3, gradient=False)[0], expected[0][0])
        for one, other in zip(function.run(params, [batch], 3), expected, strict=True):
            one = one if np.ndim(one) == np.ndim(other) else np.asarray(one)[..., None]
            assert_same(*np.broadcast_arrays(one, other))


KINDS_OF_ARRAYS = {
    "every other example": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "by columns": np.asfortranarray,
    "not to be written": lambda a: np.broadcast_to(a, a.shape),
    "whole numbers": lambda a: a.astype(int),
    "single precision": lambda a: a.astype(np.float32),
}


@pytest.mark.sampled(11)
@pytest.mark.parametrize("kind", KINDS_OF_ARRAYS)
@pytest.mark.parametrize("name", ["dense_relu_hinge", "convolution", "softmax_attention", "recurrent"])
def test_any_array_of_numbers_will_do(name, kind):
    case = CASES[name]()
    program, batch = compiled(case), [np.round(array) for array in batch_of(case, 5)]
    given = [KINDS_OF_ARRAYS[kind](array) for array in batch]
    v = program.grad(*batch)
    for call in (program.value, program.grad, program.grads, lambda *xs: program.hvp(v, *xs)):
        assert flat(call(*given)) == flat(call(*batch))
        assert flat(call(*given)) == flat(call(*batch))  # what the first call was given is left alone
    for array, same in zip(given, batch, strict=True):
        assert np.array_equal(array, same)


# ---- grads and hvp beside eager code -----------------------------------------------------------------------------


def expected_hvp(case, count, along, reduce):
    """The Hessian of eager code times v, by the parameters and by the inputs, flat."""
    examples = [case.examples[k % len(case.examples)] for k in range(count)]
    args = [[as_values(one) for one in example] for example in examples]
    root = mg.sum([case.f(*example) for example in args]) / (count if reduce == "mean" else 1)
    by_params, by_inputs = along
    rows = [np.concatenate([array[k].ravel() for array in by_inputs]) for k in range(count)] if by_inputs else []
    leaves = [*flat(case.params), *[leaf for example in args for leaf in flat(example)]]
    v = dict(zip(leaves, [*by_params, *np.concatenate([*rows, []])], strict=True))
    slope = mg.sum([g * v[leaf] for leaf, g in sweep(root, recorded=True) if leaf in v] + [0.0])
    found = dict(sweep(slope)) if isinstance(slope, Value) else {}
    numbers = np.array([found.get(leaf, 0.0) for leaf in leaves], float)
    return numbers[: len(by_params)], numbers[len(by_params) :].reshape(count, -1)


COMPARED = [
    "linear", "dense_tanh_cross_entropy", "convolution_of_dots", "softmax_attention", "recurrent", "rosenbrock",
    "unused_parameters_and_inputs", "a_derivative_inside", "batch_norm_in_use", "prelu_maxout_dropout_off",
]  # fmt: skip


def choices(case, backend):
    """By what to differentiate: all there is at once with JAX, which takes seconds to compile each."""
    if not case.examples[0]:
        return ("params",)
    return ("both",) if backend == "jax" else ("params", "inputs", "both")


@pytest.mark.sampled(13)
@on_every_backend
@pytest.mark.parametrize("name", COMPARED)
def test_gradients_by_example_are_those_of_eager_code(name, backend):
    case = CASES[name]()
    count = 5 if case.examples[0] else 1
    references = [eager(case.f, case.params, case.examples[k % len(case.examples)]) for k in range(count)]
    chosen = lambda field: np.array([getattr(one, field) for one in references])  # noqa: E731
    for wrt in choices(case, backend):
        program = compiled(case, backend=backend, wrt=wrt)
        found = program.grads(*batch_of(case, count))
        by_params, by_inputs = found if wrt == "both" else (found, found)
        if wrt != "inputs":
            rows = [flat(nested(by_params, k)) for k in range(count)]
            assert_close(rows, chosen("gradient"), chosen("gradient_scale"), "by params")
        if wrt != "params":
            by_inputs = by_inputs if isinstance(by_inputs, tuple) else (by_inputs,)
            rows = np.concatenate([array.reshape(count, -1) for array in by_inputs], axis=1)
            assert_close(rows, chosen("inputs"), chosen("inputs_scale"), "by inputs")


def nested(tree, k):
    """The numbers of one example."""
    if isinstance(tree, dict):
        return {name: nested(branch, k) for name, branch in tree.items()}
    return [nested(branch, k) for branch in tree] if isinstance(tree, (list, tuple)) else tree[k]


@pytest.mark.sampled(13)
@on_every_backend
@pytest.mark.parametrize("name", COMPARED)
def test_hessian_vector_products_are_those_of_eager_code(name, backend):
    case = CASES[name]()
    count = 5 if case.examples[0] else 1
    batch = batch_of(case, count)
    for wrt in choices(case, backend):
        reduce = "sum" if wrt == "inputs" else "mean"
        program = compiled(case, backend=backend, wrt=wrt, reduce=reduce)
        by_params, by_inputs = directions(program, batch)
        along = (by_params * (wrt != "inputs"), [array * (wrt != "params") for array in by_inputs])
        v_params = program._parameters.nested(by_params)
        v_inputs = by_inputs[0] if len(by_inputs) == 1 else tuple(by_inputs)
        v = {"params": v_params, "inputs": v_inputs, "both": (v_params, v_inputs)}[wrt]
        found = program.hvp(v, *batch)
        params, inputs = expected_hvp(case, count, along, reduce)
        of_params, of_inputs = found if wrt == "both" else (found, found)
        if wrt != "inputs":
            assert_same(flat(of_params), params, 1e-10)
        if wrt != "params":
            of_inputs = of_inputs if isinstance(of_inputs, tuple) else (of_inputs,)
            rows = np.concatenate([array.reshape(count, -1) for array in of_inputs], axis=1)
            assert_same(rows, inputs, 1e-10)


def bent(backend="numpy", **options):
    params = {"slope": Value(2.0), "rest": [Value(1.0), Value(3.0)]}
    f = lambda x: mg.tanh(params["slope"] * x[0] + params["rest"][1] * x[1]) + params["rest"][0]  # noqa: E731
    return mg.compile(f, params, example=([0.0, 0.0],), backend=backend, **options)


@on_every_backend
def test_results_are_nested_as_the_parameters_are(backend):
    program, batch = bent(backend, wrt="both"), np.array([[0.1, 0.2], [0.3, -0.4], [0.0, 0.5]])
    by_params, by_inputs = program.grads(batch)
    assert by_params["slope"].shape == (3,)
    assert by_params["rest"].shape == (3, 2)
    assert by_params["rest"][:, 0].tolist() == [1.0] * 3
    assert by_inputs.shape == batch.shape
    mean, _ = program.grad(batch)
    assert by_params["slope"].mean() == pytest.approx(mean["slope"], rel=1e-12)
    of_params, of_inputs = program.hvp(({"slope": 1.0, "rest": [0.0, 1.0]}, np.zeros((3, 2))), batch)
    assert isinstance(of_params["slope"], float)
    assert (of_params["rest"].shape, of_inputs.shape) == ((2,), batch.shape)
    assert of_params["rest"][0] == 0.0


NESTED = "v must be nested as the parameters are: expected"
WRONG = {
    "another name": ("params", {"slope": 1.0, "others": [0.0, 1.0]}, f"{NESTED} a dict of 'slope', 'rest'"),
    "a flat list": ("params", [1.0, 0.0, 1.0], f"{NESTED} a dict of 'slope', 'rest'"),
    "too many": ("params", {"slope": 1.0, "rest": [0.0] * 3}, rf"{NESTED} numbers of shape \(2,\), got \(3,\)"),
    "text": ("params", {"slope": "a", "rest": [0.0, 1.0]}, f"{NESTED} a number"),
    "another shape": ("inputs", np.zeros((3, 2)), r"v must be shaped like argument 0, \(2, 2\), got \(3, 2\)"),
    "one example": ("inputs", np.zeros(2), r"v must be shaped like argument 0, \(2, 2\), got \(2,\)"),
    "text for an array": ("inputs", "abc", "argument 0 of v must be numbers"),
    "one part of both": ("both", np.zeros((2, 2)), "v must be a pair"),
}  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", WRONG)
def test_a_direction_that_does_not_fit_is_refused(kind):
    wrt, v, message = WRONG[kind]
    with pytest.raises((TypeError, ValueError), match=message):
        bent(wrt=wrt).hvp(v, np.zeros((2, 2)))


def test_a_direction_by_inputs_has_a_part_for_each_argument():
    program = mg.compile(lambda x, y: x * x * y, [], example=(0.0, 0.0), wrt="inputs")
    one = np.ones(2)
    assert [part.tolist() for part in program.hvp((one, one), one, one)] == [[2.0, 2.0], [1.0, 1.0]]
    for v in (1.0, (one,), one, [one] * 3):
        with pytest.raises(ValueError, match="v must hold 2 arrays, one for each argument"):
            program.hvp(v, one, one)


def test_a_direction_has_a_part_for_each_part_of_the_parameters():
    w = [[Value(1.0)], [Value(2.0), Value(3.0)]]
    program = mg.compile(lambda x: w[0][0] * w[1][0] * w[1][1] * x, w, example=(0.5,))
    assert [part.tolist() for part in program.hvp([[1.0], [0.0, 0.0]], [1.0])] == [[0.0], [3.0, 2.0]]
    for v in ([[1.0]], 1.0):
        with pytest.raises(ValueError, match=f"{NESTED} 2 parts, one for each part of the parameters"):
            program.hvp(v, [1.0])


def test_buffers_are_kept_for_the_last_few_batch_sizes_alone():
    w = Value(2.0)
    program = mg.compile(lambda x: w * x, w, example=(0.0,), backend="numpy")
    for count in (1, 2, 3, 4, 5, 6, 1):
        assert program.grad(np.arange(float(count))) == (count - 1) / 2
    assert list(vars(program._arrays._main._threads)) == [4, 5, 6, 1]


def test_without_reduction_there_is_nothing_to_differentiate():
    w = Value(1.0)
    program = mg.compile(lambda x: [w * x, x], w, example=(0.5,), reduce=None)
    for call in (lambda: program.grads([1.0]), lambda: program.hvp(1.0, [1.0])):
        with pytest.raises(ValueError, match=re.escape("reduce=None has no gradient: compile with reduce='mean'")):
            call()


# ---- size --------------------------------------------------------------------------------------------------------


def test_operations_and_instructions_grow_linearly_with_depth():
    """Counted: the third step of 5 neurons adds as many as the second."""

    def counts(depth):
        w, b = Value(0.9), Value(0.1)

        def f(x):
            for _ in range(depth):
                x = mg.tanh(w * x + b)
            return x

        program = mg.compile(f, [w, b], example=(0.5,), wrt="both")
        rolled = [program.rolled.program(asked, ones=True) for asked in ASKED]
        sources = [Compiled(one, 1).source for one in rolled]
        return np.array([*[len(one.ops) for one in rolled], *[source.count("\n") for source in sources]])

    first, second, third = map(counts, (5, 10, 15))
    assert (third - second <= 1.05 * (second - first)).all()  # views may differ in the rows that were free


def test_wide_sums_take_a_few_instructions():
    n = 5_000
    w = [Value(k % 7 - 3.0) for k in range(n)]
    program = mg.compile(lambda x: mg.sum([mg.sin(one) for one in w]) + x * x * mg.dot(w, w), w, example=(0.0,))
    x, v, p = np.array([0.5, 2.0]), np.cos(np.arange(n)), program.params
    value, gradient = program.value_and_grad(x)
    assert value == pytest.approx(np.sum(p**2) * np.mean(x**2) + np.sum(np.sin(p)), rel=1e-12)
    assert np.allclose(gradient, 2 * p * np.mean(x**2) + np.cos(p), rtol=1e-12, atol=1e-12)
    assert np.allclose(program.hvp(v, x), (2 * np.mean(x**2) - np.sin(p)) * v, rtol=1e-12, atol=1e-12)
    assert np.allclose(program.grads(x), np.outer(x**2, 2 * p) + np.cos(p), rtol=1e-12, atol=1e-12)
    engine = program._engine(1)
    assert all(made.source.count("\n    ") < 30 for made in (engine._main, engine._grads, engine._hvp))


@pytest.mark.sampled(13)
@pytest.mark.parametrize("name", CASES)
def test_the_source_is_the_same_however_often_it_is_made(name):
    """And in every process: no order is one of addresses."""
    program = compiled(CASES[name]())
    for asked in ASKED:
        first, second = (Compiled(program.rolled.program(asked, ones=True), 1).source for _ in range(2))
        assert first == second


# ---- a row more --------------------------------------------------------------------------------------------------


def test_another_kind_of_operation_is_another_row(monkeypatch):
    """Cumulative sums: check, evaluate, reverse, twice, and NumPy follow from the row alone."""

    def pull(reverse, op, adjoint, wanted):
        backwards = lambda y: Window(y.var, Place(n - 1, (n,), (-1,)))  # noqa: E731
        adjoint = reverse.writer.filled(reverse.writer.broadcast(adjoint, op.out.shape), op.out.shape)
        spread = reverse.writer.copied(adjoint)
        yield 0, backwards(reverse.writer.write("cumsum", [backwards(spread)]))

    row = Kind(
        shape=lambda xs, _: (xs[0].shape, xs[0].each),
        meaning=lambda library, _, x: library.cumsum(x, 0),
        numpy=lambda e, op: [f"cumsum({e.read(op, 0)}, 0, None, {e.out(op)})"],
        pullback=pull,
    )
    monkeypatch.setitem(KINDS, "cumsum", row)
    n, writer = 4, Writer()
    writer.cheap = False
    p, x, v = Var((n,), False, name="p"), Var((n,), True, name="x"), Var((n,), False, name="v")
    product = writer.gate(lookup("multiply"), [whole(p), whole(x)])
    bent = writer.gate(lookup("sin"), [writer.write("cumsum", [product])])
    root = writer.sum(bent, (0,), examples=True)
    gradient, _ = derivatives(writer, root, [p, x])
    slope = writer.sum(writer.gate(lookup("multiply"), [gradient, whole(v)]), (0,))
    program = ArrayProgram(p, [x, v], list(range(n)), writer.ops, [root, gradient, *derivatives(writer, slope, [p])])
    check(program, (*GATES, "cumsum"))
    with pytest.raises(AssertionError, match="no such kind"):
        check(program, GATES)
    rng = np.random.default_rng(0)
    numbers, batch, along = rng.normal(size=n), rng.normal(size=(3, n)), rng.normal(size=n)
    q, xs = as_values(numbers), batch.tolist()

    def eager_sum(weights):
        return mg.sum(
            [mg.sin(s) for one in xs for s in itertools.accumulate(a * b for a, b in zip(weights, one, strict=True))]
        )

    meant = evaluate(program, NumPyLibrary(3), numbers, [batch.T, along[:, None]])
    function = Compiled(program, 1)
    assert Counter(op.kind for op in program.ops)["cumsum"] >= 3
    assert "cumsum(" in function.source
    for found in (meant, function.run(numbers, [batch, along], 3)):
        value, by_p, product_with_v = (np.asarray(one, float).ravel() for one in found)
        assert value == pytest.approx(eager_sum(q).data, rel=1e-12)
        assert by_p == pytest.approx(mg.grad(eager_sum)(list(numbers)), rel=1e-12)
        assert product_with_v == pytest.approx(mg.hvp(eager_sum, list(numbers), list(along)), rel=1e-12)


def test_what_the_value_computes_is_not_wiped_by_a_gradient_that_holds_it():
    """The pieces overlap, so all is 0 first, in the second function, when tanh is known already."""
    params, writer = Var((6,), False, name="p"), Writer()
    held, *others = (
        writer.gate(lookup(gate), [Window(params, place)])
        for gate, place in (
            ("tanh", Place(0, (2,), (1,))),
            ("exp", Place(2, (3,), (1,))),
            ("sin", Place(3, (3,), (1,))),
        )
    )
    value = writer.sum(held, (0,))
    places = [Place(first, shape_of(operand), (1,)) for first, operand in zip((0, 2, 3), (held, *others), strict=True)]
    program = ArrayProgram(params, [], list(range(6)), writer.ops, [value, writer.put([held, *others], places, (6,))])
    at = np.arange(6.0) / 7
    compiled = Compiled(program, 1)
    for _ in range(2):
        found = [np.array(result) for result in compiled.run(at, [], 1)]
        for result, meant in zip(found, evaluate(program, NumPyLibrary(1), at, []), strict=True):
            assert result.tolist() == pytest.approx(meant[..., 0].tolist())


def test_over_arrays_a_direction_of_0_meets_an_infinite_slope():
    """What the docstring of `hvp` says: eager code hands nothing on there."""
    w = [Value(0.0), Value(2.0)]
    along = {
        backend: mg.compile(lambda: mg.sqrt(w[0]) + w[1] ** 2, w, example=(), backend=backend).hvp([0.0, 1.0])
        for backend in ("numpy", "python")
    }
    assert along["python"].tolist() == [0.0, 2.0]
    assert np.isnan(along["numpy"][0])
    assert along["numpy"][1] == 2.0

"""A program gives what the eager function gives, on every backend; it refuses what it cannot record, and keeps nothing.

How close "what the eager function gives" is, and the functions of many shapes, are in `compile_cases`.
"""

import bisect
import copy
import gc
import heapq
import inspect
import linecache
import math
import pickle
import random
import re
import statistics
import subprocess
import sys
import threading
import tracemalloc
import warnings
import weakref
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.checks.strategies import expressions, points
from microgradnn.nn.activations import ACTIVATIONS
from microgradnn.primitive import ForwardError, gates, primitive, scratch_table
from microgradnn.sweep import sweep
from microgradnn.table import LABELLED, select
from tests.compile_cases import (
    ALLOWED,
    BACKENDS,
    CASES,
    assert_agrees,
    assert_close,
    eager,
    flat,
    rows,
    smooth,
    tiled,
    values,
    well_conditioned,
)
from tests.test_table import CHOICES

INF, NAN = math.inf, math.nan
SIZES = [1, 2, 7, 1000]
backends = pytest.mark.parametrize("backend", BACKENDS)
quick = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def examples_for(backend, times):
    """Hypothesis settings; XLA takes its time over every program."""
    return settings(quick, max_examples=max(int(times * settings().max_examples) // (8 if backend == "jax" else 1), 5))


def compile_case(name, backend="numpy", **options):
    case = CASES[name]()
    options = {"wrt": "both" if case.examples[0] else "params"} | options
    return case, mg.compile(case.f, case.params, example=case.examples[0], backend=backend, **options)


def net(backend="numpy", **options):
    """A small network with a loss, compiled, and a batch for it."""
    case, program = compile_case("dense_tanh_cross_entropy", backend, **options)
    return program, tiled(case.examples, 7)


def same(one, other):
    """Bit for bit, whatever the nesting."""
    return [repr(float(x)) for x in flat(one)] == [repr(float(x)) for x in flat(other)]


def flat_results(tree):
    """All numbers of what a program returned."""
    return [float(x) for x in flat(tree)]


def near(one, other):
    """The same but for rounding, which may depend on where a buffer happens to lie."""
    return flat_results(one) == pytest.approx(flat_results(other), rel=1e-12, abs=1e-15)


# ---- program == eager: every primitive --------------------------------------------------------------------------

GATES = [
    pytest.param(gate, [one for one in gate.samples if len(one) == count], id=f"{gate.name}-{count}")
    for gate in gates()
    for count in sorted({len(sample) for sample in gate.samples})
]
ANY_PLACE = [gate for gate in GATES if gate.values[0] not in LABELLED]  # a label is an input or a constant
_gate_references = {}


def gate_references(gate, samples):
    """Eager values, gradients and their scales at the samples: the same for all backends."""
    key = gate.name, len(samples[0])
    if key not in _gate_references:
        _gate_references[key] = [eager(lambda x: gate(*x), [], (sample,)) for sample in samples]
    return _gate_references[key]


@pytest.mark.sampled(13)
@backends
@pytest.mark.parametrize(("gate", "samples"), GATES)
def test_every_gate_of_inputs(gate, samples, backend):
    examples = [(list(sample),) for sample in samples]
    program = mg.compile(lambda x: gate(*x), example=examples[0], wrt="both", backend=backend)
    for count in SIZES if backend != "jax" else [7]:  # XLA compiles anew for every size
        assert_agrees(program, gate_references(gate, samples), examples, count)


@pytest.mark.sampled(13)
@backends
@pytest.mark.parametrize(("gate", "samples"), ANY_PLACE)
def test_every_gate_of_parameters(gate, samples, backend):
    """With no input in sight, the gate is computed once for all examples."""
    params = [Value(x) for x in samples[0]]
    program = mg.compile(lambda x: gate(*params) * x, params, example=(1.0,), backend=backend)
    for sample, reference in zip(samples, gate_references(gate, samples), strict=True):
        program.params[:] = sample
        value, gradient = program.value_and_grad([3.0, 1.0])
        assert_close(value, 2 * reference.value, 2 * reference.value_scale, "value")
        assert_close(gradient, 2 * reference.inputs, 2 * reference.inputs_scale, "gradient")


@pytest.mark.sampled(13)
@backends
@pytest.mark.parametrize(("gate", "samples"), ANY_PLACE)
def test_every_gate_of_an_input_and_parameters_and_of_a_constant(gate, samples, backend):
    """Operands of all classes in every place: the first is the input, then the second, and so on."""
    sample = samples[-1]
    reference = gate_references(gate, samples)[-1]
    for place in range(len(sample)) if backend != "jax" else [len(sample) - 1]:
        params = [Value(x) for x in sample]
        operands = [*params[:place], None, *params[place + 1 :]]

        def f(x, operands=operands, place=place):
            with_input, with_constant = list(operands), list(operands)
            with_input[place], with_constant[place] = x, sample[place]
            constants = list(sample)
            constants[place] = x
            return gate(*with_input) + 2.0 * gate(*with_constant) + 4.0 * gate(*constants)

        program = mg.compile(f, params, example=(sample[place],), wrt="both", backend=backend)
        value, (by_params, by_input) = program.value_and_grad([sample[place]] * 2)
        by_hand = np.where(np.arange(len(sample)) == place, 0.0, 3 * reference.inputs)
        if len(sample) == 1:
            assert not np.any(by_params)
        assert_close(value, 7 * reference.value, 10 * reference.value_scale, "value")
        assert_close(by_params, by_hand, 3 * reference.inputs_scale, "by params")
        assert_close(by_input, [2.5 * reference.inputs[place]] * 2, [5 * reference.inputs_scale[place]] * 2, "by input")


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_a_gate_of_your_own(backend):
    cube = primitive("cube", lambda x: x * x * x, lambda out, x: 3 * x * x)
    w = Value(0.5)
    f = lambda x: cube(w * x) + cube(w)  # noqa: E731
    program = mg.compile(f, w, example=(1.5,), wrt="both", backend=backend)
    examples = [(1.5,), (-2.0,)]
    assert_agrees(program, [eager(f, w, one) for one in examples], examples, 7)


@backends
def test_a_gate_of_your_own_over_arrays(backend):
    """Operators, and functions of NumPy that write to no array, such as sinc."""
    with scratch_table():
        wave = primitive(
            "wave", lambda x: math.sin(math.pi * x) / (math.pi * x) + x**2,
            lambda out, x: mg.cos(math.pi * x) / x - mg.sin(math.pi * x) / (math.pi * x * x) + 2 * x,
            array=lambda xp, x: xp.sinc(x) + x**2.0,
        )  # fmt: skip
        program = mg.compile(lambda x: wave(x), example=(0.5,), wrt="both", backend=backend)
        examples = [(0.5,), (-1.25,)]
        assert_agrees(program, [eager(lambda x: wave(x), [], one) for one in examples], examples, 2)


@pytest.mark.parametrize("backend", ["numpy", pytest.param("jax", marks=pytest.mark.jax)])
def test_an_array_form_that_numpy_does_not_know_is_refused_with_the_remedy(backend):
    logistic = primitive("logistic", lambda x: 1 / (1 + math.exp(-x)), lambda out, x: out * (1 - out), array="expit")
    with pytest.raises(ValueError, match=r"logistic: NumPy has no function 'expit': write array= as a function of xp"):
        mg.compile(logistic, example=(0.5,), backend=backend).value(0.5)


# ---- program == eager: random expressions and networks ----------------------------------------------------------


def kept(f, params, candidates):
    """The examples at which f is defined, smooth and well conditioned, with their references."""
    found = []
    for example in candidates:
        try:
            reference = eager(f, params, example)
            if well_conditioned(reference) and smooth(f(*map(Value, example))):
                found.append((example, reference))
        except ForwardError:
            pass
    assume(found)
    return zip(*found, strict=True)


@backends
def test_random_expressions(backend):
    """In two inputs and a parameter: the same gates with operands of all classes, shared in all ways."""

    @examples_for(backend, 2)
    @given(expressions(variables=3, smooth=False), st.lists(points(2), min_size=3, max_size=3), points(1))
    def law(expression, candidates, parameter):
        w = Value(*parameter)

        def f(x, y):
            return expression(x, w, y)

        examples, references = map(list, kept(f, w, map(tuple, candidates)))
        program = mg.compile(f, w, example=examples[0], wrt="both", backend=backend)
        for count in (1, 2, 7):
            assert_agrees(program, references, examples, count)

    law()


@backends
def test_random_expressions_of_parameters_alone(backend):
    @examples_for(backend, 1)
    @given(expressions(smooth=False), points(2))
    def law(expression, point):
        params = [Value(x) for x in point]

        def f():
            return expression(*params)

        _, (reference,) = kept(f, params, [()])
        program = mg.compile(f, params, example=(), backend=backend)
        value, gradient = program.value_and_grad()
        assert_close(value, reference.value, reference.value_scale, "value")
        assert_close(gradient, reference.gradient, reference.gradient_scale, "gradient")

    law()


@st.composite
def networks(draw):
    """Modules in a row, as a recipe: kinds, sizes, activations, fused or not; then a loss."""
    nin = draw(st.integers(1, 3))
    seed, sizes, modules = draw(st.integers(0, 1000)), [nin], []
    for place in range(draw(st.integers(1, 3))):
        before, after = sizes[-1], draw(st.integers(1, 3))
        activation = draw(st.sampled_from([*ACTIVATIONS, "softmax"]))
        kind = draw(st.sampled_from(["layer", "layer", "unfused", "mlp", "maxout", "prelu", "dropout"]))
        if kind in ("layer", "unfused"):
            modules.append(nn.Layer(before, after, activation, rng=seed + place, fused=kind == "layer"))
        elif kind == "mlp":
            hidden = activation if activation in ACTIVATIONS else "tanh"
            modules.append(nn.MLP(before, [2, after], hidden, rng=seed + place))
        elif kind == "maxout":
            modules.append(nn.Maxout(before, after, pieces=draw(st.integers(1, 3)), rng=seed + place))
        else:
            modules.append(nn.PReLU() if kind == "prelu" else nn.Dropout(0.5))
            after = before
        sizes.append(after)
    model = nn.Sequential(*modules).eval()
    generator = np.random.default_rng(seed)
    for parameter in model.parameters():
        parameter.data = round(generator.uniform(-1, 1), 3)
    return (
        model,
        draw(st.sampled_from(["mse", "hinge", "cross_entropy"])),
        sizes[-1],
        generator.uniform(-2, 2, (3, nin)),
    )


@backends
def test_random_networks(backend):
    @examples_for(backend, 0.5)
    @given(networks())
    def law(network):
        model, loss, width, inputs = network
        if loss == "cross_entropy":
            f, targets = lambda x, y: nn.cross_entropy(outputs(model, x), y), [0, width - 1, 0]
        elif loss == "hinge":
            f, targets = lambda x, y: nn.hinge(mg.sum(outputs(model, x)), y), [1.0, -1.0, 1.0]
        else:
            f, targets = lambda x, y: mg.mean([(one - y) ** 2 for one in outputs(model, x)]), [0.5, -1.0, 2.0]
        params = model.parameters()
        found = []
        for x, y in zip(inputs.tolist(), targets, strict=True):
            reference = eager(f, params, (x, y))
            if well_conditioned(reference) and smooth(f([Value(one) for one in x], Value(y))):
                found.append(((x, y), reference))
        assume(found)
        examples, references = map(list, zip(*found, strict=True))
        program = mg.compile(f, params, example=examples[0], wrt="both", backend=backend)
        for count in (1, 2, 7):
            assert_agrees(program, references, examples, count)

    law()


def outputs(model, x):
    """What a model gives, always as a list."""
    out = model(x)
    return out if isinstance(out, list) else [out]


# ---- program == eager: functions of many shapes -----------------------------------------------------------------

_case_references = {}


@pytest.mark.sampled(13)
@backends
@pytest.mark.parametrize("name", CASES)
def test_functions_of_many_shapes(name, backend):
    case, program = compile_case(name, backend)
    if name not in _case_references:
        _case_references[name] = [eager(case.f, case.params, example) for example in case.examples]
    references = _case_references[name]
    assert all(map(well_conditioned, references)), "the case says nothing"
    if case.examples == [()]:
        value, gradient = program.value_and_grad()
        assert_close(value, references[0].value, references[0].value_scale, "value")
        assert_close(flat(gradient), references[0].gradient, references[0].gradient_scale, "gradient")
        return
    for count in SIZES:
        assert_agrees(program, references, case.examples, count)


@backends
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_reductions_are_the_mean_and_the_sum_of_f_literally(reduce, backend):
    """What no example has a part in, a penalty, is in the mean once and in the sum once for every example."""
    case, program = compile_case("dense_relu_hinge", backend, reduce=reduce)
    references = [eager(case.f, case.params, example) for example in case.examples]
    for count in (1, 7):
        assert_agrees(program, references, case.examples, count, reduce)


@backends
def test_no_reduction_gives_a_value_for_every_example(backend):
    case, program = compile_case("dense_relu_hinge", backend, reduce=None, wrt="params")
    references = [eager(case.f, case.params, example) for example in case.examples]
    for count in (1, 2, 7):
        chosen = [references[place % 3] for place in range(count)]
        found = program.value(*tiled(case.examples, count))
        assert_close(found, [one.value for one in chosen], [one.value_scale for one in chosen], "values")


OUTPUTS = {  # the function, and the shape that it gives for five examples of two numbers
    "a list": (lambda model, x: model(x), [(5, 3)]),
    "a nested list": (lambda model, x: [model(x), [one * 2 for one in model(x)]], [(5, 2, 3)]),
    "a list of one": (lambda model, x: [model(x)[0]], [(5, 1)]),
    "with constants": (lambda model, x: [model(x)[0], 2.0, x[1]], [(5, 3)]),
}


@pytest.mark.sampled(3)
@backends
@pytest.mark.parametrize("kind", OUTPUTS)
def test_several_outputs_without_a_reduction(kind, backend):
    f, [shape] = OUTPUTS[kind]
    model = nn.MLP(2, [3, 3], activation="tanh", rng=1)
    program = mg.compile(lambda x: f(model, x), model.parameters(), example=([1.0, 2.0],), reduce=None, backend=backend)
    found = np.asarray(program.value(rows(5, 2)))
    assert found.shape == shape
    expected = [[getattr(one, "data", one) for one in flat(f(model, x))] for x in rows(5, 2)]
    assert found.reshape(5, -1) == pytest.approx(np.array(expected), rel=1e-12, abs=1e-13)


# ---- wrt, and the shapes of what comes back ---------------------------------------------------------------------


@backends
def test_value_grad_and_value_and_grad_are_one(backend):
    for wrt in ("params", "inputs", "both"):
        program, batch = net(backend, wrt=wrt)
        value, gradient = program.value_and_grad(*batch)
        assert isinstance(value, float)
        assert program.value(*batch) == pytest.approx(value, rel=1e-14)
        assert flat_results(program.grad(*batch)) == pytest.approx(flat_results(gradient), rel=1e-12, abs=1e-15)


@backends
def test_wrt_params_inputs_and_both_agree(backend):
    (by_params, batch), (by_inputs, _), (both, _) = (net(backend, wrt=wrt) for wrt in ("params", "inputs", "both"))
    gradient, inputs = both.grad(*batch)
    assert by_params.grad(*batch) == pytest.approx(gradient, rel=1e-12, abs=1e-15)
    for one, other in zip(by_inputs.grad(*batch), inputs, strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-15)


@backends
def test_gradients_by_the_default_are_one_array_for_a_list_of_parameters(backend):
    program, batch = net(backend, wrt="params")
    gradient = program.grad(*batch)
    assert isinstance(gradient, np.ndarray)
    assert (gradient.dtype, gradient.shape) == (np.float64, program.params.shape)


@backends
def test_one_parameter_gives_a_float(backend):
    w = Value(2.0)
    gradient = mg.compile(lambda x: w * w * x, w, example=(1.0,), backend=backend).grad([1.0, 2.0])
    assert isinstance(gradient, float)
    assert gradient == 6.0


@backends
def test_gradients_are_nested_like_the_parameters(backend):
    w, b, c = values(2, 3), Value(0.5), values(2)
    params = {"w": w, "rest": [b, {"c": c}]}

    def f(x):
        return mg.dot([mg.dot(row, x, b) for row in w], c)

    gradient = mg.compile(f, params, example=([0.0] * 3,), backend=backend).grad(rows(4, 3))
    assert list(gradient) == ["w", "rest"]
    assert np.shape(gradient["w"]) == (2, 3)
    assert isinstance(gradient["rest"][0], float)
    assert np.shape(gradient["rest"][1]["c"]) == (2,)
    references = [eager(f, params, (x,)) for x in rows(4, 3)]
    assert flat(gradient) == pytest.approx(np.mean([one.gradient for one in references], axis=0), rel=1e-12)


@backends
def test_input_gradients_are_shaped_like_the_batch(backend):
    def f(x, image, y):
        return x * image[0][2] + image[1][0] ** 2 * y

    batch = [1.0, 2.0, 3.0, 4.0], np.arange(24.0).reshape(4, 2, 3), [1, 0, 2, 1]
    example = 1.0, [[1.0] * 3] * 2, 1
    program = mg.compile(f, example=example, wrt="inputs", reduce="sum", backend=backend)
    by_x, by_image, by_y = program.grad(*batch)
    assert type(program.grad(*batch)) is tuple
    assert by_x.tolist() == batch[1][:, 0, 2].tolist()
    assert (by_image.shape, by_image.dtype, by_y.dtype) == ((4, 2, 3), np.float64, np.float64)
    assert by_image[:, 0, 2].tolist() == batch[0]
    assert by_y.tolist() == (batch[1][:, 1, 0] ** 2).tolist()
    assert np.count_nonzero(by_image[:, :, 1]) == 0
    alone = mg.compile(lambda x: x[0] * x[1], example=([1.0, 2.0],), wrt="inputs", backend=backend)
    assert alone.grad([[3.0, 5.0], [1.0, 4.0]]).tolist() == [[2.5, 1.5], [2.0, 0.5]]


@backends
def test_without_parameters_there_is_nothing_to_learn(backend):
    program = mg.compile(lambda x: mg.sin(x), example=(1.0,), backend=backend)
    value, gradient = program.value_and_grad([0.5, 1.5])
    assert value == pytest.approx((math.sin(0.5) + math.sin(1.5)) / 2, rel=1e-14)
    assert (np.size(gradient), program.params.shape) == (0, (0,))


# ---- what a batch may look like ---------------------------------------------------------------------------------

BATCHES = {
    "nested lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x.tolist())) if x.ndim > 1 else tuple(x.tolist()),
    "a list of arrays": lambda x: list(x),
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every third column": lambda x: np.repeat(x, 3, axis=-1)[..., ::3] if x.ndim > 1 else np.repeat(x, 3)[::3],
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "reversed": lambda x: x[::-1].copy()[::-1],
    "Fortran order": lambda x: np.asfortranarray(x),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "read-only": lambda x: _read_only(x),
    "big-endian": lambda x: x.astype(">f8"),
    "unaligned": lambda x: _unaligned(x),
    "float32": lambda x: x.astype(np.float32),
    "float16": lambda x: x.astype(np.float16),
    "integers": lambda x: np.rint(x).astype(np.int64),
    "small integers": lambda x: np.rint(x).astype(np.int8),
    "booleans": lambda x: x > 0,
    "long double": lambda x: x.astype(np.longdouble),
    "objects that are numbers": lambda x: np.vectorize(Fraction, otypes=[object])(x),
}


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def _unaligned(x):
    raw = np.empty(x.nbytes + 1, np.uint8)
    view = raw[1:].view(np.float64).reshape(x.shape)
    view[...] = x
    return view


@pytest.mark.sampled(5)
@backends
@pytest.mark.parametrize("kind", BATCHES)
def test_batches_of_every_layout_and_dtype(kind, backend):
    """The numbers count, not how they lie in memory; float32 is computed with as float64. And nothing is changed."""
    w, b = values(3), Value(0.25)
    program = _layout_programs.get(backend) or mg.compile(
        lambda x, y: mg.tanh(mg.dot(w, x, b)) * y + x[1] * y,
        [*w, b], example=([0.0] * 3, 0.0), wrt="both", backend=backend,
    )  # fmt: skip
    _layout_programs[backend] = program
    for count in (1, 2, 7):
        x, y = (BATCHES[kind](np.array(one)) for one in (rows(count, 3), rows(count)))
        plain = [np.ascontiguousarray(np.asarray(one).astype(float)) for one in (x, y)]
        before = copy.deepcopy((x, y))
        found, expected = program.value_and_grad(x, y), program.value_and_grad(*plain)
        assert flat_results(found) == pytest.approx(flat_results(expected), rel=1e-14, abs=1e-16)
        assert same(before, (x, y))


_layout_programs = {}


@backends
def test_integer_labels_of_every_dtype(backend):
    program, (x, y) = net(backend)
    expected = program.value_and_grad(x, y)
    for dtype in (np.int64, np.int32, np.uint8, np.float32):
        assert flat_results(program.value_and_grad(x, y.astype(dtype))) == pytest.approx(
            flat_results(expected), rel=1e-14, abs=1e-16
        )
    assert flat_results(program.value_and_grad(x, y.astype(int).tolist())) == pytest.approx(
        flat_results(expected), rel=1e-14, abs=1e-16
    )


@pytest.mark.sampled(5)
@backends
@pytest.mark.parametrize("name", ["dense_tanh_cross_entropy", "dense_unfused_multiclass_hinge"])
@pytest.mark.parametrize("label", [3, -1, 0.5, 1.0000001, NAN, INF, 1e300])
def test_labels_that_are_no_class_are_refused(name, label, backend):
    key = name, backend
    if key not in _labelled:
        _labelled[key] = compile_case(name, backend)
    case, program = _labelled[key]
    x, y = tiled(case.examples, 7)
    y[4] = label
    for method in (program.value, program.grad, program.value_and_grad):
        with pytest.raises(ValueError, match=r"(?i)label|class|whole number|index"):
            method(x, y)
    assert math.isfinite(program.value(*tiled(case.examples, 7)))


_labelled = {}


def test_the_example_is_but_an_example():
    """Neither its numbers nor their types go into the program: ints, arrays and lists record the same."""
    w = values(2)
    batch = rows(5, 2), rows(5)
    found = [
        mg.compile(lambda x, y: mg.dot(w, x) * y + y**2, w, example=example, wrt="both").value_and_grad(*batch)
        for example in [
            ([1.0, 2.0], 0.5), ([1, 2], 3), (np.array([0.0, 0.0]), 0.0), ((1e300, 5.0), np.float32(1.0)),
            (np.array([True, False]), True), (np.array([NAN, INF]), -1.0), ([np.int8(1), 1.5], np.array(2.0)),
        ]
    ]  # fmt: skip
    assert all(near(one, found[0]) for one in found[1:])


# ---- numbers at the edges ---------------------------------------------------------------------------------------

KINKS = [  # function of inputs; where; the gradient there, by convention
    ("relu", mg.relu, [0.0], [0.0]),
    ("relu", mg.relu, [-0.0], [0.0]),
    ("abs", mg.abs, [0.0], [0.0]),
    ("sign", mg.sign, [0.0], [0.0]),
    ("step", mg.step, [0.0], [0.0]),
    ("leaky_relu", lambda x: mg.leaky_relu(x, 0.3), [0.0], [0.3]),
    ("leaky_relu with its slope", mg.leaky_relu, [0.0, 0.3], [0.3, 0.0]),
    ("elu", lambda x: mg.elu(x, 0.7), [0.0], [0.7]),
    ("hardtanh", mg.hardtanh, [1.0], [1.0]),
    ("hardtanh", mg.hardtanh, [-1.0], [1.0]),
    ("maximum", mg.maximum, [2.0, 2.0], [0.5, 0.5]),
    ("minimum", mg.minimum, [2.0, 2.0], [0.5, 0.5]),
    ("maximum of three", mg.maximum, [2.0, 1.0, 2.0], [0.5, 0.0, 0.5]),
    ("maximum of three ties", mg.maximum, [2.0, 2.0, 2.0], [1 / 3] * 3),
    ("maximum of zeros", mg.maximum, [0.0, -0.0], [0.5, 0.5]),
    ("maximum with itself", lambda x: mg.maximum(x, x), [2.0], [1.0]),
    ("maximum with a number", lambda x: mg.maximum(x, 0.0), [0.0], [0.5]),
    ("minimum with itself", lambda x: mg.minimum(x, x, x), [2.0], [1.0]),
    ("where at 0", mg.where, [0.0, 2.0, 3.0], [0.0, 0.0, 1.0]),
    ("where above 0", mg.where, [1e-300, 2.0, 3.0], [0.0, 1.0, 0.0]),
    ("where of itself", lambda x: mg.where(x, x * x, -x), [0.0], [-1.0]),
    ("power 0 of 0", lambda x, y: x**y, [0.0, 0.0], [0.0, 0.0]),
    ("power 1 of 0", lambda x, y: x**y, [0.0, 1.0], [1.0, 0.0]),
    ("square of 0", lambda x: x**2, [0.0], [0.0]),
    ("power 0, a number, of 0", lambda x: x**0.0, [0.0], [0.0]),
    ("power of 3 and 0", lambda x, y: x**y, [3.0, 0.0], [0.0, math.log(3)]),
    ("power of -2 and 3", lambda x, y: x**y, [-2.0, 3.0], [12.0, NAN]),
    ("2 to a negative power", lambda y: 2**y, [-1.0], [math.log(2) / 2]),
    ("cube of a negative number", lambda x: x**3, [-2.0], [12.0]),
    ("sqrt", mg.sqrt, [0.0], [INF]),
    ("power ½", lambda x: x**0.5, [0.0], [INF]),
    ("asin", mg.asin, [1.0], [INF]),
    ("acos", mg.acos, [1.0], [-INF]),
    ("atan2", mg.atan2, [0.0, 0.0], [NAN, NAN]),
    ("softsign", mg.softsign, [0.0], [1.0]),
    ("sigmoid far out", mg.sigmoid, [40.0], [math.exp(-40)]),
    ("sigmoid farther out", mg.sigmoid, [-700.0], [math.exp(-700)]),
    ("softplus far out", mg.softplus, [-40.0], [math.exp(-40)]),
    ("logsumexp of large numbers", mg.logsumexp, [1000.0, 1000.0], [0.5, 0.5]),
    ("logsumexp of numbers far apart", mg.logsumexp, [0.0, -700.0], [1.0, math.exp(-700)]),
    ("logsumexp of -inf", mg.logsumexp, [0.0, -INF], [1.0, 0.0]),
    ("expm1 far down", mg.expm1, [-700.0], [math.exp(-700)]),
]


@pytest.mark.sampled(5)
@backends
@pytest.mark.parametrize(("name", "f", "at", "gradient"), KINKS, ids=[f"{row[0]} at {row[2]}" for row in KINKS])
def test_conventions_at_kinks_and_edges(name, f, at, gradient, backend):
    """By inputs and by parameters, beside an example that is not at the edge."""
    with quietly():
        program = mg.compile(lambda x: f(*x), example=([0.25] * len(at),), wrt="inputs", reduce="sum", backend=backend)
        by_inputs = program.grad([at, [0.25] * len(at), at])
        params = [Value(x) for x in at]
        by_params = mg.compile(lambda: f(*params), params, example=(), backend=backend).grad()
    for found in (by_inputs[0], by_inputs[2], by_params):
        assert list(found) == pytest.approx(gradient, rel=1e-12, abs=1e-320 if 0 in gradient else 0, nan_ok=True)


@backends
def test_the_gradient_of_relu_at_0_in_a_network_is_0(backend):
    model = nn.MLP(2, [3, 1], rng=0)
    program = mg.compile(lambda x: model(x), model.parameters(), example=([0.0, 0.0],), backend=backend)
    gradient = program.grad([[0.0, 0.0]] * 3)
    assert not gradient[:-1].any()
    assert gradient[-1] == 1.0


@contextmanager
def quietly():
    """No warning, whatever the caller asked of NumPy."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -8.0, 3.0, 800.0, -800.0, 1e200, -1e200, 1e308, 5e-324, INF, -INF, NAN]


def edge_operands(gate, count):
    """Operands at the edges: all for a gate of one or two, some for one of more; an index stays a class."""
    if gate in LABELLED:
        return [(index, *[x, -x, 1.0, x][: count - 1]) for index in (0.0, 1.0) for x in EDGES]
    if count == 1:
        return [(x,) for x in EDGES]
    if count == 2:
        return [(x, y) for x in EDGES for y in EDGES]
    choose = random.Random(0)
    return [tuple(choose.choice(EDGES) for _ in range(count)) for _ in range(100)]


@pytest.mark.sampled(13)
@backends
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_values_at_the_edges_are_those_of_ieee_754_and_silent(gate, backend):
    """Where eager code raises, the program has the limit that the table names, or nan: no exception, no warning."""
    sample = gate.samples[0]
    operands = edge_operands(gate, len(sample))
    if backend == "jax":  # XLA takes numbers below the smallest normal one for 0
        operands = [one for one in operands if 5e-324 not in one]
    params = [Value(x) for x in sample]
    with quietly():
        program = mg.compile(lambda x: gate(*x), example=(sample,), reduce=None, backend=backend)
        chosen = gate in LABELLED  # by a label, which is an input
        uniform = None if chosen else mg.compile(lambda: gate(*params), params, example=(), backend=backend)
        for place, (operand, found) in enumerate(zip(operands, program.value(operands), strict=True)):
            expected = pytest.approx(gate.limit(operand), rel=1e-12, abs=1e-307, nan_ok=True)
            assert found == expected, operand
            if uniform and place % 16 == 0:
                uniform.params[:] = operand
                assert uniform.value() == expected, operand


FINITE = [0.0, -0.0, 1.0, -1.0, 0.5, -8.0, 3.0, 800.0, -800.0]


@pytest.mark.sampled(13)
@backends
@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_gradients_at_the_edges_are_those_of_the_table(gate, backend):
    """Partials by IEEE 754, infinite and nan ones too."""
    sample = gate.samples[0]
    operands = [
        one
        for one in edge_operands(gate, len(sample))
        if all(x in FINITE for x in one)
        and math.isfinite(gate.limit(one))
        and not (backend == "jax" and gate.name == "sqrt" and str(one[0]) == "-0.0")  # XLA leaves x + 0 out
    ]
    # See compile_cases; of circle_inversion's difference of squares XLA makes a fused multiply-add.
    absolute = 1e-15 if gate.name in ("logsumexp", "circle_inversion") else 1e-307
    with quietly():
        program = mg.compile(lambda x: gate(*x), example=(sample,), wrt="inputs", reduce="sum", backend=backend)
        found = program.grad(operands)
        for operand, one in zip(operands, found, strict=True):
            expected = [partial or 0.0 for partial in gate.partials(gate.limit(operand), operand)]
            assert list(one) == pytest.approx(expected, rel=1e-12, abs=absolute, nan_ok=True), operand


@pytest.mark.sampled(13)
@pytest.mark.parametrize(("gate", "sample"), CHOICES, ids=lambda value: getattr(value, "name", str(value)))
def test_straight_lines_hand_on_an_infinite_slope_where_eager_code_does(gate, sample):
    """√z at z = 0, added to an operand: in the program and its gradient, and in a gradient that it records."""
    for place in range(gate in LABELLED, len(sample)):  # a label is no such sum

        def h(z, place=place):
            return gate(*sample[:place], sample[place] + mg.sqrt(z), *sample[place + 1 :])

        for f in (h, mg.grad(h)):
            expected = mg.grad(f)(0.0)
            program = mg.compile(f, example=(0.5,), wrt="inputs", backend="python")
            value, slope = program.value_and_grad([0.0])
            assert np.array_equal([value, *slope], [f(0.0), expected], equal_nan=True)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: mg.where(x, x / 1e-320, 0.0),  # a slope that is infinite though Python does not raise
        lambda x: mg.where(x, mg.sqrt(x), 0.0) + mg.where(x, 1.0, 0.0),  # a number that looks like a partial
        lambda x: mg.where(x, mg.exp(mg.sin(mg.sqrt(x))), x) * mg.relu(-1.0 - mg.sqrt(x)),
        lambda x: mg.sqrt(x) * x,  # a 0 that comes out of the numbers
    ],
)
def test_straight_lines_tell_what_was_not_taken_from_a_number_that_is_0(f):
    for one in (f, mg.grad(f)):
        program = mg.compile(one, example=(0.5,), wrt="inputs", backend="python")
        for twin in (program, pickle.loads(pickle.dumps(program))):
            assert np.array_equal(twin.grad([0.0, 0.0]) * 2, [mg.grad(one)(0.0)] * 2, equal_nan=True)


NOT_TAKEN = {
    "where": lambda x: mg.where(x, mg.sqrt(mg.where(x, x, 1.0)), 0.0),  # the operand is chosen first
    "maximum": lambda x: mg.maximum(mg.sqrt(mg.where(x, x, 1.0)), 2.0),
    "a factor 0": lambda x: 0.0 * mg.sqrt(x),
    "an exponent 0": lambda x: mg.sqrt(x) ** 0,
}


@backends
@pytest.mark.parametrize("way", NOT_TAKEN)
def test_the_remedy_for_a_branch_that_is_not_taken_and_constants_of_0(way, backend):
    """What arrays promise: nothing behind a constant factor 0, and nothing where the operand was chosen first."""
    program = mg.compile(NOT_TAKEN[way], example=(0.5,), wrt="inputs", backend=backend)
    assert program.grad([0.0, 0.0]).tolist() == [0.0, 0.0]


def eager_slope(f, at):
    x = Value(at)
    f(x).backward()
    return x.grad


ZEROS_AMONG_THE_NUMBERS = {  # by a gate whose two operands are one, or one that chooses a constant
    "x - x": (lambda x, w: mg.sqrt(x - x), 3.0),
    "(x - x)²": (lambda x, w: mg.sqrt((x - x) ** 2), 3.0),
    "w·x - w·x": (lambda x, w: mg.sqrt(w * x - w * x), 3.0),
    "tanh(x) - tanh(x)": (lambda x, w: mg.sqrt(mg.tanh(x) - mg.tanh(x)), 0.3),
    "w - w": (lambda x, w: mg.sqrt(w - w) * x + mg.sqrt(x - x), 3.0),
    "∞ - ∞": (lambda x, w: w * INF * x - w * INF * x + x, 3.0),
    "where": (lambda x, w: mg.where(1.0, 0.0, x) * mg.sqrt(x) + x, 0.0),
    "select": (lambda x, w: select(1.0, x, 0.0) * mg.sqrt(x) + x, 0.0),
    "where that is subtracted": (lambda x, w: (mg.where(-1.0, x, 2.0) - 2.0) * mg.sqrt(x) + x, 0.0),
}


@pytest.mark.sampled(3)
@backends
@pytest.mark.parametrize("way", ZEROS_AMONG_THE_NUMBERS)
def test_a_zero_that_comes_out_of_the_numbers_is_no_constant_0(way, backend):
    f, at = ZEROS_AMONG_THE_NUMBERS[way]
    w = Value(2.0)
    assert math.isnan(eager_slope(lambda x: f(x, w), at))
    program = mg.compile(lambda x: f(x, w), w, example=(1.0,), wrt="inputs", backend=backend)
    assert np.isnan(program.grad([at, at])).all()
    if way in ("w - w", "w·x - w·x"):
        assert math.isnan(mg.compile(lambda x: f(x, w), w, example=(1.0,), backend=backend).grad([at]))


@backends
@pytest.mark.parametrize("f", [lambda x: x - x, lambda x: mg.where(1.0, 2.0, x), lambda x: x * x - x * x])
def test_edges_that_cancel_leave_a_slope_of_0(f, backend):
    assert mg.compile(f, example=(1.0,), wrt="inputs", backend=backend).grad([3.0, -2.0]).tolist() == [0.0, 0.0]


LOGITS = [
    [-INF, -INF, -INF], [-INF, -INF, 0.0], [INF, -INF, INF], [INF, 1.0, INF], [-INF, 1e308, -1e308], [NAN, 1.0, INF],
    [NAN, -INF, -INF], [-1e308, 1e308, 0.0], [INF, 1e200, 0.0], [-1e300, -INF, -1e300],
]  # fmt: skip


@pytest.mark.sampled(3)
@backends
@pytest.mark.parametrize(
    "f",
    [
        mg.logsumexp, lambda x: mg.exp(mg.logsumexp(x)), lambda x: mg.softmax(x)[0], lambda x: nn.cross_entropy(x, 0),
        lambda x: nn.cross_entropy(x, 1),
    ],
)  # fmt: skip
def test_logits_at_infinity_tie_as_in_eager_code(f, backend):
    """Ties share, also where all are −∞; nan stays nan."""
    program = mg.compile(f, example=(LOGITS[0],), wrt="inputs", reduce="sum", backend=backend)
    for row in LOGITS:
        try:
            x = [Value(one) for one in row]
            out = f(x)
        except OverflowError:  # exp of what arrays find infinite
            continue
        out.backward()
        value, slopes = program.value_and_grad([row])
        assert [value, *slopes[0]] == pytest.approx([out.data, *[one.grad for one in x]], nan_ok=True)


# ---- what XLA would join with what uses it ----------------------------------------------------------------------

JOINED = {
    "a / b / c": (lambda x, y: x / y / y, (1e300, 1e200)),
    "a / (b / c)": (lambda x, y: y / (x / y), (1e300, 1e200)),
    "a / b / c through a gate": (lambda x, y: mg.softsign(x) / y, (1e200, 1e200)),
    "the derivative of atan2, small": (mg.atan2, (1e-160, 1e-160)),
    "the derivative of atan2, large": (mg.atan2, (1e200, 1e200)),
    "exp(a) · exp(b)": (lambda x, y: mg.exp(x) * mg.exp(y) * mg.exp(y), (-700.0, 650.0)),
    "√(a · a)": (lambda x, y: mg.sqrt(x * x) + y, (1e200, 1.0)),
    "a² under a root": (lambda x, y: mg.sqrt(x**2) + y, (1e-170, 1.0)),
    "a power of a power": (lambda x, y: (x**y) ** (1 / y), (1e-200, 3.0)),
    "log of a power": (lambda x, y: mg.log(1e-300 + x**y), (1e-150, 3.0)),
}


@pytest.mark.jax
@pytest.mark.parametrize("way", JOINED)
def test_xla_joins_nothing_that_overflows_together(way):
    import jax

    f, point = JOINED[way]
    x = [Value(one) for one in point]
    out = f(*x)
    out.backward()
    expected = [out.data, *[one.grad for one in x]]
    batch = [np.array([one]) for one in point]
    program = mg.compile(f, example=point, wrt="inputs", backend="jax")
    value, slopes = program.value_and_grad(*batch)
    assert [value, *np.ravel(slopes)] == pytest.approx(expected, rel=1e-12, abs=1e-307, nan_ok=True)
    with jax.enable_x64(True):
        value, slopes = jax.jit(jax.value_and_grad(program.to_jax(), (1, 2)))(program.params, *batch)
        assert [float(value), *np.ravel(slopes)] == pytest.approx(expected, rel=1e-12, abs=1e-307, nan_ok=True)


@backends
def test_overflow_in_a_network_is_inf_and_nan_without_warnings(backend):
    w = values(2)
    program = mg.compile(
        lambda x: mg.exp(mg.dot(w, x)) - mg.exp(w[0] * x[0]) + mg.log(x[1]), w, example=([1.0, 1.0],), reduce=None,
        backend=backend,
    )  # fmt: skip
    program.params[:] = 1.0, 1.0
    with quietly():
        big, bigger, low, fine = program.value([[900.0, 1.0], [1.0, 900.0], [0.0, 0.0], [0.0, 1.0]])
    assert math.isnan(big)
    assert (bigger, low) == (INF, -INF)
    assert fine == pytest.approx(math.e - 1)


@backends
def test_an_example_without_a_finite_value_leaves_the_others_alone(backend):
    """Rows of a batch share matrix products, not numbers."""
    model = nn.MLP(2, [3, 2, 1], activation="tanh", rng=0)
    x = np.array(rows(5, 2))
    by_inputs = mg.compile(
        lambda x: model(x), model.parameters(), example=(x[0],), wrt="inputs", reduce="sum", backend=backend
    )
    values_ = mg.compile(lambda x: model(x), model.parameters(), example=(x[0],), reduce=None, backend=backend)
    spoiled = x.copy()
    spoiled[2] = NAN, INF
    others = [0, 1, 3, 4]
    with quietly():
        assert values_.value(spoiled)[others] == pytest.approx(values_.value(x)[others], rel=1e-14)
        assert by_inputs.grad(spoiled)[others] == pytest.approx(by_inputs.grad(x)[others], rel=1e-12)
        assert math.isnan(values_.value(spoiled)[2])


ANOMALIES = {
    "log": (lambda x: mg.log(x) * 2.0, -1.0),
    "sqrt": (lambda x: mg.sqrt(x) + 1.0, -1.0),
    "asin": (lambda x: mg.sin(mg.asin(x)), 2.0),
    "exp|subtract": (lambda x: mg.exp(x) - mg.exp(x * 0.999), 1e6),
    "multiply": (lambda x: 0.0 * (x / (x - 3.0)), 3.0),
    "power": (lambda x: x ** (1 / 3), -8.0),
}


@pytest.mark.sampled(3)
@backends
@pytest.mark.parametrize("gate", ANOMALIES)
def test_detect_anomaly_names_the_gate(gate, backend):
    f, at = ANOMALIES[gate]
    program = mg.compile(f, example=(0.5,), wrt="inputs", backend=backend)
    for method in (program.value, program.grad, program.value_and_grad):
        with quietly():
            method([0.5, at, 0.25])
        with mg.detect_anomaly(), pytest.raises(FloatingPointError, match=gate):
            method([0.5, at, 0.25])
        with mg.detect_anomaly():
            method([0.5, 0.25])


@backends
def test_detect_anomaly_finds_what_overflows_in_the_parameters(backend):
    w = Value(1.0, "w")
    program = mg.compile(lambda x: mg.log(w) * x, w, example=(1.0,), backend=backend)
    program.params[:] = -1.0
    with quietly():
        assert math.isnan(program.value([1.0]))
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match="log"):
        program.value([1.0])


# ---- what cannot be recorded is refused -------------------------------------------------------------------------

REMEDY = r"where|maximum|minimum|relu|microgradnn|mg\.|select|cross_entropy|record|input"
WAYS = {  # each a function of one traced number that lets its data decide, on the line on which it stands
    "if": lambda v: 1.0 if v > 0 else v,
    "if of the number itself": lambda v: v if v else 2.0,
    "not": lambda v: v * (not v),
    "and": lambda v: v and v * 2.0,
    "or": lambda v: v or 2.0,
    "bool": lambda v: v * bool(v),
    "any": lambda v: v * any([v]),
    "all": lambda v: v * all([v, v]),
    "filter": lambda v: v * len([*filter(None, [v])]),
    "max": lambda v: max(v, 0.0) * v,
    "max the other way": lambda v: v + max(0.0, v),
    "min": lambda v: min(v, 0.0) * v,
    "max of a list": lambda v: v * max([v, v * 2.0]),
    "sorted": lambda v: v * sorted([v, 0.3])[0],
    "in": lambda v: v * 2.0 if v in [1.0, 2.0] else v,
    "in the other way": lambda v: v * 2.0 if 1.0 in [v] else v,
    "index": lambda v: v * [5.0, 6.0, 1.0].index(v),
    "count": lambda v: v * [1.0, 2.0].count(v),
    "equal": lambda v: v * 2.0 if v == 1.0 else v,
    "not equal": lambda v: v * 2.0 if v != 1.0 else v,
    "less": lambda v: v * 2.0 if v < 1.0 else v,
    "less or equal": lambda v: v * 2.0 if v <= 1.0 else v,
    "greater or equal": lambda v: v * 2.0 if v >= 1.0 else v,
    "compared with itself": lambda v: v * 2.0 if v == v else v,
    "compared with a traced number": lambda v: v * 2.0 if v * 3.0 > v else v,
    "compared the other way": lambda v: v * 2.0 if 1.0 < v else v,  # noqa: SIM300
    "compared with a NumPy number": lambda v: v * 2.0 if np.float64(1.0) < v else v,
    "chained comparison": lambda v: v * 2.0 if -1.0 < v < 1.0 else v,
    "comparison used as a number": lambda v: v * (v > 0.0),
    "comparison added up": lambda v: v * sum([v > 0.0, v > 1.0]),
    "comparison as a condition of where": lambda v: mg.where(v > 0.0, v, -v),
    "comparison of lists": lambda v: v * 2.0 if [v] == [1.0] else v,
    "comparison of tuples": lambda v: v * 2.0 if (v, 1.0) < (0.5, 2.0) else v,
    "float": lambda v: v * float(v),
    "int": lambda v: v * int(v),
    "round": lambda v: v * round(v),
    "round to digits": lambda v: v * round(v, 2),
    "math.floor": lambda v: v * math.floor(v),
    "math.ceil": lambda v: v * math.ceil(v),
    "math.trunc": lambda v: v * math.trunc(v),
    "math.sin": lambda v: v * math.sin(v),
    "math.isnan": lambda v: 0.0 if math.isnan(v) else v,
    "math.fsum": lambda v: v * math.fsum([v, 1.0]),
    "list index": lambda v: v * [5.0, 6.0, 7.0][v],
    "range": lambda v: v * len(range(v)),
    "complex": lambda v: v * abs(complex(v)),
    "number format": lambda v: v * float(f"{v:.3f}"),
    "format": lambda v: v * float(format(v, ".3g")),
    "str.format": lambda v: v * float("{:e}".format(v)),  # noqa: UP032
    "percent format": lambda v: v * float("%.3f" % v),  # noqa: UP031
    "data": lambda v: v * v.data,
    "getattr": lambda v: v * getattr(v, "da" + "ta"),
    "np.float64": lambda v: v * np.float64(v),
    "np.exp": lambda v: v * np.exp(v),
    "np.array of floats": lambda v: v * np.array([v, v], float)[0],
}
ELSEWHERE = {  # the line that decides is in another library
    "argmax": lambda v: v * int(np.argmax(np.array([v, 0.3], object))),
    "a choice by weight": lambda v: v * random.Random(0).choices([1.0, 2.0], weights=[v, 1.0])[0],
    "the median": lambda v: v * statistics.median([v, 1.0, 2.0]),
    "bisection": lambda v: v * bisect.bisect([1.0, 2.0], v),
    "the smallest": lambda v: v * heapq.nsmallest(1, [v, 0.3, 2.0])[0],
}

_wp, _wq = Value(1.0, "p"), Value(-2.0, "q")
TRACED = {  # where the number comes from
    "an input": lambda x: x[0],
    "a result": lambda x: mg.tanh(x[0] * _wp + x[1]),
    "a parameter": lambda x: _wp,
    "a result of parameters": lambda x: _wp * _wq + 1.0,
    "a dot": lambda x: mg.dot([_wp, _wq], x),
    "a derivative": lambda x: mg.grad(lambda z: mg.sin(z) * _wp)(x[0]),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("way", WAYS)
def test_what_depends_on_data_is_refused_by_file_line_and_remedy(way):
    branch = WAYS[way]
    line = branch.__code__.co_firstlineno
    for source, trace in TRACED.items():
        try:
            mg.compile(lambda x, trace=trace: branch(trace(x)) + x[1], [_wp, _wq], example=([0.5, 1.0],))
        except TypeError as refusal:
            message = str(refusal)
        else:
            pytest.fail(f"{way} of {source} gave a program, specialised to its example")
        assert re.search(rf"test_compile\.py\D{{1,12}}{line}\b", message), f"{source}, line {line}: {message}"
        assert re.search(REMEDY, message), f"{source}: {message}"


@pytest.mark.parametrize("way", ELSEWHERE)
def test_what_depends_on_data_in_another_library_is_refused_too(way):
    for trace in TRACED.values():
        with pytest.raises(TypeError):
            mg.compile(lambda x, trace=trace: ELSEWHERE[way](trace(x)) + x[1], [_wp, _wq], example=([0.5, 1.0],))


def test_a_refusal_shows_the_line_of_a_branch_among_others():
    w = Value(1.0)

    def f(x):
        y = w * x
        while y > 3:  # this line
            y = y / 2
        return y

    lines, start = inspect.getsourcelines(f)
    place = start + next(i for i, line in enumerate(lines) if "this line" in line)
    with pytest.raises(TypeError, match=rf"test_compile\.py\D{{1,12}}{place}\b(.|\n)*while y > 3"):
        mg.compile(f, w, example=(1.0,))


def test_a_refusal_leaves_eager_code_as_it_was():
    """Values work as ever, in this thread and in others, after a refusal and after an error of the user's."""
    w = Value(1.0)

    def crash(x):
        raise KeyError("mine")

    for f, error in [(lambda x: w * x.data, TypeError), (crash, KeyError)]:
        with pytest.raises(error):
            mg.compile(f, w, example=(1.0,))
        assert (w.data, w > 0, bool(w), f"{w.data:.1f}", w == 1.0, sorted([w, 0.5])[0]) == (
            1.0,
            True,
            True,
            "1.0",
            True,
            0.5,
        )
        out = w * 3.0
        out.backward()
        assert (out.data, w.grad, out > 2) == (3.0, 3.0, True)
        w.grad = None


def test_other_threads_may_read_data_while_a_function_is_recorded():
    w, inside, read = Value(1.0), threading.Event(), threading.Event()
    found = []

    def reader():
        inside.wait(10)
        found.extend([w.data, w > 0, (w * 2).data])
        read.set()

    def f(x):
        inside.set()
        read.wait(10)
        return w * x

    thread = threading.Thread(target=reader)
    thread.start()
    mg.compile(f, w, example=(1.0,))
    thread.join(10)
    assert found == [1.0, True, 2.0]


SPECIALISED = {  # further ways to freeze data; refused, or right: never wrong
    "grad of a parameter": lambda x, w: w * x + w.grad,
    "partials": lambda x, w: x * (w * x).partials[0],
    "a copy": lambda x, w: copy.copy(w) * x,
    "a deep copy": lambda x, w: copy.deepcopy(w * x),
    "a pickled copy": lambda x, w: pickle.loads(pickle.dumps(w * x)),
    "a new leaf": lambda x, w: Value(w) * x,
    "no_grad": lambda x, w: w * _without_gradient(lambda: w * x),
    "steps": lambda x, w: x * mg.steps(w * x)[0].adjoint,
    "backward": lambda x, w: _backward(w * x, w),
    "assignment": lambda x, w: _assigned(w, x),
    "a local grad of numbers": lambda x, w: mg.grad(lambda z: z * z)(3.0) * w * x,
    "eval of repr": lambda x, w: x * w if "1.5" in repr(w) else x,
}


def _without_gradient(compute):
    with mg.no_grad():
        return compute()


def _backward(out, w):
    out.backward()
    return out * w.grad


def _assigned(w, x):
    w.data = 3.0
    return w * x


@pytest.mark.parametrize("way", SPECIALISED)
def test_a_program_is_right_or_refused(way):
    f = SPECIALISED[way]
    w = Value(1.5)
    program = None
    try:
        program = mg.compile(lambda x: f(x, w), w, example=(0.5,), wrt="both")
    except (TypeError, ValueError, AttributeError) as refusal:
        message = str(refusal)
    w.data, w.grad = 1.5, None
    if program is None:
        assert len(message) > 20
        return
    for parameter, x in [(1.5, 0.5), (-2.0, 3.0)]:
        program.params[:] = parameter
        value, (by_w, by_x) = program.value_and_grad([x])
        fresh, a = Value(parameter), Value(x)
        out = f(a, fresh)
        adjoints = {id(node): adjoint for node, adjoint in sweep(out)} if isinstance(out, Value) else {}
        expected = [getattr(out, "data", out), adjoints.get(id(fresh), 0.0), adjoints.get(id(a), 0.0)]
        assert [value, by_w, float(by_x[0])] == pytest.approx(expected)


def test_what_does_not_depend_on_data_is_recorded():
    """Python decides by what is known: indices, lengths, identity, signs of numbers; abs and powers are gates."""
    w = values(3)

    def f(x, y):
        total = 0.0
        for i, (a, b) in enumerate(zip(w, x, strict=True)):
            if i % 2 == 0 and a is not w[1] and len(x) == 3:
                total += abs(a * b)
            total -= +((-a) ** 2)
        return total / 2 + 3 * y - pow(y, 2) + sum(x, 0.5) + math.sin(2.0) + {id(w[0]): y}[id(w[0])]

    examples = list(zip(rows(3, 3), rows(3), strict=True))
    program = mg.compile(f, w, example=examples[0], wrt="both")
    assert_agrees(program, [eager(f, w, one) for one in examples], examples, 7)


def test_batch_norm_in_training_is_never_left_with_traced_statistics():
    norm = nn.BatchNorm(1)
    try:
        mg.compile(lambda: mg.sum([y[0] ** 2 for y in norm([[1.0], [2.0]])]), norm.parameters(), example=())
    except (TypeError, ValueError):
        norm = nn.BatchNorm(1)
    assert [type(one) for one in norm.running_mean + norm.running_var] == [float, float]


# ---- bad arguments ----------------------------------------------------------------------------------------------

_w, _u = Value(1.0, "w"), Value(2.0, "u")
_outside = _w * 2.0


def plain(x, y):
    return _w * x[0] * y + x[1]


def compiled(f=plain, params=_w, example=([1.0, 2.0], 1.0), **options):
    return mg.compile(f, params, example=example, **options)


EITHER = (TypeError, ValueError)
TWICE = "twice|once|again|more than|duplicate|same"
BAD_COMPILES = {  # what is wrong, the words that a message must have, the errors that will do
    "an unknown backend": (lambda: compiled(backend="torch"), "backend.*numpy.*python.*jax", ValueError),
    "a backend that is no name": (lambda: compiled(backend=3), "backend", EITHER),
    "an unknown reduction": (lambda: compiled(reduce="max"), "reduce.*mean.*sum", ValueError),
    "a reduction that is no name": (lambda: compiled(reduce=1), "reduce", EITHER),
    "an unknown wrt": (lambda: compiled(wrt="weights"), "wrt.*params.*inputs.*both", ValueError),
    "wrt nothing": (lambda: compiled(wrt=None), "wrt", EITHER),
    "no function": (lambda: compiled(3.0), "function|callable", TypeError),
    "the result of a function": (lambda: compiled(_outside), "function|callable", TypeError),
    "no example": (lambda: mg.compile(plain, _w), "example", TypeError),
    "an example that is a number": (lambda: compiled(lambda x: x, example=1.0), "example.*tuple", TypeError),
    "an example of text": (lambda: compiled(example=(["a", "b"], 1.0)), "number|text|str", TypeError),
    "an example of None": (lambda: compiled(example=([1.0, 2.0], None)), "number|None", TypeError),
    "an example of complex numbers": (lambda: compiled(example=([1j, 2.0], 1.0)), "complex|number", TypeError),
    "an example with too few arguments": (lambda: compiled(example=([1.0, 2.0],)), "argument|example", TypeError),
    "an example with too many arguments": (lambda: compiled(example=([1.0], 1.0, 2.0)), "argument|example", TypeError),
    "a ragged example": (lambda: compiled(lambda x: 1.0, example=([[1.0], [2.0, 3.0]],)), "example|rows|shape", EITHER),
    "a set as example": (lambda: compiled(lambda x: 1.0, example=({1.0},)), "number|list|set", TypeError),
    "a dict as example": (lambda: compiled(lambda x: 1.0, example=({"a": 1.0},)), "number|list|dict", TypeError),
    "parameters that are numbers": (lambda: compiled(params=[1.0, 2.0]), "Value|param", TypeError),
    "parameters that are an array": (lambda: compiled(params=np.ones(2)), "Value|param", TypeError),
    "parameters that are text": (lambda: compiled(params="w"), "Value|param", TypeError),
    "parameters that are None": (lambda: compiled(params=None), "Value|param", TypeError),
    "parameters with a gate": (lambda: compiled(params=[_w, _outside]), "leaf|gate|multiply|result", EITHER),
    "parameters twice": (lambda: compiled(params=[_w, _u, _w]), TWICE, ValueError),
    "parameters twice, nested": (lambda: compiled(params={"a": _w, "b": [_w]}), TWICE, ValueError),
    "a parameter that is not given": (lambda: compiled(lambda x, y: _w * _u), "param", EITHER),
    "a parameter that is not given, none given": (lambda: compiled(params=()), "param", EITHER),
    "a parameter that is the result": (lambda: compiled(lambda x, y: _u), "param", EITHER),
    "a gate made outside": (lambda: compiled(lambda x, y: x[0] * _outside), "outside|inside|param", EITHER),
    "f returns nothing": (lambda: compiled(lambda x, y: None), "return|result|None", TypeError),
    "f returns text": (lambda: compiled(lambda x, y: "a"), "return|result|number", TypeError),
    "f returns a complex number": (lambda: compiled(lambda x, y: 1j), "return|result|number|complex", TypeError),
    "f returns a dict": (lambda: compiled(lambda x, y: {"loss": _w * y}), "return|result|number|dict", TypeError),
    "f returns several": (lambda: compiled(lambda x, y: [_w * y, y]), "reduce|one number", EITHER),
    "f returns a pair": (lambda: compiled(lambda x, y: (_w * y, y)), "reduce|one number", EITHER),
    "f returns a list with None": (lambda: compiled(lambda x, y: [y, None], reduce=None), "number|None", TypeError),
    "f returns nothing at all": (lambda: compiled(lambda x, y: [], reduce=None), "return|number|empty", EITHER),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("what", BAD_COMPILES)
def test_bad_arguments_of_compile_are_refused(what):
    call, words, errors = BAD_COMPILES[what]
    with pytest.raises(errors, match=f"(?is){words}"):
        call()


def test_a_parameter_not_given_is_named():
    stray = Value(3.0, "stray")
    with pytest.raises(EITHER, match="stray"):
        compiled(lambda x, y: _w * stray * y)


SHAPE = r"shape|\(\w*,? ?2,?\)|numbers"
BAD_CALLS = {  # for a program of x of two numbers and y of one
    "too few arguments": (lambda call: call([[1.0, 2.0]]), "argument", TypeError),
    "no arguments": (lambda call: call(), "argument", TypeError),
    "too many arguments": (lambda call: call([[1.0, 2.0]], [1.0], [1.0]), "argument", TypeError),
    "rows too long": (lambda call: call([[1.0, 2.0, 3.0]] * 2, [1.0] * 2), SHAPE, ValueError),
    "rows too short": (lambda call: call([[1.0]] * 2, [1.0] * 2), SHAPE, ValueError),
    "no example axis": (lambda call: call([1.0, 2.0], 1.0), SHAPE, ValueError),
    "a column for numbers": (lambda call: call([[1.0, 2.0]] * 3, [[1.0]] * 3), SHAPE, ValueError),
    "a number for a batch": (lambda call: call(1.0, 1.0), SHAPE, ValueError),
    "an axis too many": (lambda call: call([[[1.0, 2.0]]], [1.0]), SHAPE, ValueError),
    "transposed": (lambda call: call(np.ones((2, 3)), np.ones(3)), SHAPE, ValueError),
    "unequal lengths": (lambda call: call([[1.0, 2.0]] * 3, [1.0] * 2), "3.*2|length|examples", ValueError),
    "one for all": (lambda call: call([[1.0, 2.0]] * 3, [1.0]), "3.*1|length|examples", ValueError),
    "an empty batch": (lambda call: call(np.ones((0, 2)), np.ones(0)), "empty|at least one|no example|0", ValueError),
    "empty lists": (lambda call: call([], []), "empty|at least one|no example|0|shape", ValueError),
    "ragged rows": (lambda call: call([[1.0, 2.0], [3.0]], [1.0, 1.0]), "number|rows|shape|length", EITHER),
    "text": (lambda call: call([["1", "2"]], [1.0]), "number|str|text|dtype", TypeError),
    "an array of text": (lambda call: call(np.array([["1", "2"]]), [1.0]), "number|str|text|dtype", TypeError),
    "bytes": (lambda call: call(np.array([[b"1", b"2"]]), [1.0]), "number|bytes|text|dtype", TypeError),
    "complex numbers": (lambda call: call(np.ones((1, 2), complex), [1.0]), "number|complex|dtype", TypeError),
    "objects": (lambda call: call(np.array([[object(), 1.0]]), [1.0]), "number|object|dtype", TypeError),
    "None": (lambda call: call(None, [1.0]), "number|None|dtype", TypeError),
    "None inside": (lambda call: call([[1.0, None]], [1.0]), "number|None|dtype|object", TypeError),
    "dates": (lambda call: call(np.zeros((1, 2), "datetime64[s]"), [1.0]), "number|date|dtype", TypeError),
    "Values": (lambda call: call([[Value(1.0), Value(2.0)]], [1.0]), "number|Value|data", TypeError),
    "a dict": (lambda call: call({"x": 1.0}, [1.0]), "number|dict|object|dtype", TypeError),
    "keywords": (lambda call: call(x=[[1.0, 2.0]], y=[1.0]), "keyword|argument", TypeError),
}  # fmt: skip


@pytest.mark.sampled(5)
@backends
@pytest.mark.parametrize("what", BAD_CALLS)
def test_bad_batches_are_refused(what, backend):
    """The message names what was expected; the program works as before."""
    program = _checked.setdefault(backend, None) or compiled(backend=backend)
    _checked[backend] = program
    call, words, errors = BAD_CALLS[what]
    for method in (program.value, program.grad, program.value_and_grad):
        with pytest.raises(errors, match=f"(?is){words}"):
            call(method)
    assert program.value([[1.0, 2.0]], [3.0]) == 5.0


_checked = {}


def test_a_message_about_a_batch_says_which_argument_and_both_shapes():
    with pytest.raises(ValueError, match=r"(?s)(?=.*\b3\b)(?=.*\b2\b)(?=.*(x|first|argument))"):
        compiled().value(np.ones((4, 3)), np.ones(4))


@backends
def test_a_program_of_a_whole_data_set_takes_no_batch(backend):
    program = mg.compile(lambda: _w * _w, _w, example=(), backend=backend)
    assert program.value() == 1.0
    with pytest.raises(TypeError, match=r"argument|batch"):
        program.value([1.0])


BAD_PARAMS = {
    "too many": (np.ones(3), "shape|3.*2|2.*3", ValueError),
    "a matrix": (np.ones((2, 1)), "shape", ValueError),
    "text": (["a", "b"], "number|text|str|dtype|convert", EITHER),
    "complex numbers": (np.ones(2, complex), "number|complex|dtype", TypeError),
    "None": (None, "number|None|shape", EITHER),
}


@pytest.mark.parametrize("what", BAD_PARAMS)
def test_bad_parameters_are_refused_when_assigned(what):
    program = compiled(lambda x, y: _w * x[0] + _u * y, [_w, _u])
    bad, words, errors = BAD_PARAMS[what]
    with pytest.raises(errors, match=f"(?is){words}"):
        program.params = bad
    assert program.params.tolist() == [1.0, 2.0]
    assert program.value([[1.0, 0.0]], [1.0]) == 3.0


# ---- parameters -------------------------------------------------------------------------------------------------


@backends
def test_params_are_the_truth_pull_reads_the_values_and_push_writes_them(backend):
    w, b = Value(2.0), Value(-1.0)
    program = mg.compile(lambda x: w * x + b, [w, b], example=(1.0,), backend=backend)
    assert (program.params.tolist(), program.params.dtype, program.params.shape) == ([2.0, -1.0], np.float64, (2,))
    w.data = 5.0
    assert program.value([1.0]) == 1.0
    program.pull()
    assert program.value([1.0]) == 4.0
    program.params -= np.array([1.0, 0.5])
    assert program.value([1.0]) == 2.5
    assert (w.data, b.data) == (5.0, -1.0)
    program.push()
    assert (w.data, b.data) == (4.0, -1.5)
    assert (type(w.data), type(b.data)) == (float, float)
    program.params[1] = 0.25
    assert program.value([1.0]) == 4.25
    program.params = [7.0, 1.0]
    assert program.value([1.0]) == 8.0


@backends
def test_a_training_loop_is_the_eager_one(backend):
    model, twin = (nn.MLP(2, [3, 1], activation="tanh", rng=0) for _ in range(2))
    x, y = rows(6, 2), [1.0, -1.0, 0.5, 0.0, 2.0, -0.5]
    program = mg.compile(lambda x, y: nn.mse(model(x), y), model.parameters(), example=(x[0], y[0]), backend=backend)
    for _ in range(10):
        program.params -= 0.1 * program.grad(x, y)
        loss = nn.mse(twin(x), y)
        twin.zero_grad()
        loss.backward()
        for parameter in twin.parameters():
            parameter.data -= 0.1 * parameter.grad
    program.push()
    found, expected = ([p.data for p in one.parameters()] for one in (model, twin))
    assert found == pytest.approx(expected, rel=1e-11, abs=1e-13)


def test_two_programs_of_the_same_parameters_do_not_disturb_each_other():
    w = Value(2.0)
    one, other = mg.compile(lambda x: w * x, w, example=(1.0,)), mg.compile(lambda x: w * w * x, w, example=(1.0,))
    one.params[:] = 3.0
    assert (one.value([1.0]), other.value([1.0]), w.data) == (3.0, 4.0, 2.0)
    one.push()
    other.pull()
    assert other.value([1.0]) == 9.0


def test_compiling_leaves_values_alone():
    w = Value(2.0, "mine")
    w.grad = 7.0
    mg.compile(lambda x: w * x, w, example=(1.0,)).value_and_grad([1.0])
    assert (w.data, w.grad, w.name, w.primitive, w.operands) == (2.0, 7.0, "mine", None, ())


# ---- programs as objects ----------------------------------------------------------------------------------------


@backends
def test_programs_can_be_pickled_and_copied(backend):
    """What is recorded travels, the function does not have to."""
    program, batch = net(backend)
    program.params[:] += 0.125
    expected = program.value_and_grad(*batch)
    for twin in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program)):
        assert near(twin.value_and_grad(*batch), expected)
        assert same(twin.params, program.params)
        twin.params[:] = 0.0
        twin.push()
        assert near(program.value_and_grad(*batch), expected)
        program.push()
        twin.pull()
        assert not twin.params.any()  # its Values are its own


def test_a_program_that_has_not_run_yet_can_be_pickled():
    program, batch = net()
    assert near(pickle.loads(pickle.dumps(program)).value_and_grad(*batch), program.value_and_grad(*batch))


@pytest.mark.slow
@backends
def test_a_pickled_program_works_in_another_process(backend, tmp_path):
    program, batch = net(backend)
    (tmp_path / "program.pickle").write_bytes(pickle.dumps((program, batch)))
    code = (
        "import pickle, sys\n"
        "program, batch = pickle.load(open(sys.argv[1], 'rb'))\n"
        "value, (by_params, _) = program.value_and_grad(*batch)\n"
        "print(repr([value, *by_params.tolist()]))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "program.pickle")], capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    value, (by_params, _) = program.value_and_grad(*batch)
    numbers = [float(one) for one in ran.stdout.strip("[]\n").split(", ")]
    assert numbers == pytest.approx([value, *by_params.tolist()], rel=1e-13, abs=1e-15)


@pytest.mark.slow
@backends
def test_many_threads_with_different_batches_at_once(backend):
    program, _ = net(backend)
    generator = np.random.default_rng(0)
    batches = [(generator.uniform(-2, 2, (n, 2)), generator.integers(0, 3, n)) for n in (1, 2, 7, 30, 7, 64, 3, 7)]
    expected = [program.value_and_grad(*batch) for batch in batches]
    wrong, start = [], threading.Barrier(len(batches))

    def work(place):
        try:
            start.wait()
            for turn in range(40):
                chosen = (place + turn * (place % 3)) % len(batches)
                if not near(program.value_and_grad(*batches[chosen]), expected[chosen]):
                    wrong.append(chosen)
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(batches))]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


def test_threads_may_compile_at_once():
    wrong = []

    def work(seed):
        model = nn.MLP(2, [3, 1], activation="tanh", rng=seed)
        for _ in range(5):
            program = mg.compile(lambda x: model(x), model.parameters(), example=([1.0, 2.0],))
            if program.value([[1.0, 2.0]]) != pytest.approx(model([1.0, 2.0]).data, rel=1e-12):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@backends
def test_a_program_holds_nothing_of_the_graph_but_its_parameters(backend):
    interior = []

    def build():
        model, example = nn.MLP(2, [3, 1], activation="tanh", rng=0), np.array([1.0, 2.0])

        def f(x):
            hidden = model(x)
            out = hidden * hidden
            interior.extend([weakref.ref(hidden), weakref.ref(out), weakref.ref(x[0])])
            return out

        program = mg.compile(f, model.parameters(), example=(example,), wrt="both", backend=backend)
        weights = [weakref.ref(one) for one in model.parameters()]
        return program, [weakref.ref(model), weakref.ref(example), weakref.ref(f)], weights

    program, witnesses, weights = build()
    program.value_and_grad([[1.0, 2.0]])
    gc.collect()
    assert len(interior) >= 3
    assert [one() for one in [*witnesses, *interior]] == [None] * len([*witnesses, *interior])
    assert all(one() is not None for one in weights)  # push writes to them
    del program
    gc.collect()
    assert all(one() is None for one in weights)


def test_results_of_earlier_calls_stay_as_they_are_and_belong_to_the_caller():
    for backend in ("numpy", "python"):
        program, (x, y) = net(backend)
        per_example, _ = net(backend, reduce=None, wrt="params")
        expected = program.value_and_grad(x, y)
        kept_results = copy.deepcopy(expected)
        values_ = per_example.value(x, y)
        kept_values = copy.deepcopy(values_)
        for other in (x + 1, x[:3], x[::-1], x * 100):
            program.value_and_grad(other, y[: len(other)])
            program.value(other, y[: len(other)])
            per_example.value(other, y[: len(other)])
        assert same(expected, kept_results)
        assert same(values_, kept_values)
        for array in (expected[1][0], *expected[1][1]):
            array[...] = NAN  # the caller's to write to
        assert near(program.value_and_grad(x, y), kept_results)


@backends
def test_batches_may_change_in_size_from_call_to_call(backend):
    program, _ = net(backend)
    generator = np.random.default_rng(0)
    batches = {n: (generator.uniform(-2, 2, (n, 2)), generator.integers(0, 3, n)) for n in (7, 1, 2, 1000, 64)}
    first = {n: program.value_and_grad(*batch) for n, batch in batches.items()}
    for n in (7, 1000, 7, 1, 64, 2, 1):
        assert near(program.value_and_grad(*batches[n]), first[n])


def grown(program, batches, calls):
    """By how many bytes memory grows over so many calls, after some to warm up."""
    count = len(batches)
    for place in range(300):
        program.value_and_grad(*batches[place % count])
    gc.collect()
    tracemalloc.start()
    try:
        program.value_and_grad(*batches[0])
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for place in range(calls):
            program.value_and_grad(*batches[place % count])
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def memory_program(backend):
    w = values(2)
    program = mg.compile(lambda x, y: (mg.tanh(mg.dot(w, x)) - y) ** 2, w, example=([1.0, 2.0], 1.0), backend=backend)
    return program, [(np.array(rows(n, 2)), np.array(rows(n))) for n in (1, 2, 3)]


@pytest.mark.sampled(2)
@backends
def test_memory_stays_flat(backend):
    assert grown(*memory_program(backend), calls=2_000) < 10_000


@backends
@pytest.mark.slow
def test_memory_stays_flat_over_many_calls(backend):
    calls = 100_000 if backend == "numpy" else 20_000  # the others take their time
    assert grown(*memory_program(backend), calls=calls) < 10_000


def test_compiling_again_and_again_leaves_nothing_behind():
    w = Value(1.0)

    def once(i):
        mg.compile(lambda x: w * x + float(i), w, example=(1.0,)).value([1.0])

    for i in range(20):
        once(i)
    gc.collect()
    before, lines = len(gc.get_objects()), len(linecache.cache)
    for i in range(50):
        once(i)
    gc.collect()
    assert len(gc.get_objects()) - before < 50
    assert len(linecache.cache) - lines < 10


# ---- looking at a program ---------------------------------------------------------------------------------------


def test_explain_tells_of_gates_operations_matrix_products_and_source():
    program, batch = net()
    program.value(*batch)
    text = program.explain()
    assert isinstance(text, str)
    for word in ("gate", "operation", "matrix product", "tanh", "def "):
        assert word in text.lower(), word


@backends
def test_explain_and_draw_for_every_backend(backend):
    program, _ = net(backend)
    assert ("def " in program.explain()) == (backend != "jax")  # which runs the array program itself
    assert "Results" in program.explain() or backend == "python"
    assert program.draw().svg().lstrip().startswith("<svg")


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_generated_source_is_known_to_tracebacks(backend):
    """What runs is what `explain` shows, line by line."""
    program, batch = net(backend)
    run = set()

    def watch(frame, event, argument):
        filename = frame.f_code.co_filename
        if event == "line" and filename.startswith("<microgradnn"):
            run.add(linecache.getline(filename, frame.f_lineno, frame.f_globals).strip())
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        program.value_and_grad(*batch)
    finally:
        sys.settrace(before)
    assert len(run) > 3
    assert all(run), run
    source = program.explain()
    assert sum(text in source for text in run) > 3


def test_a_program_has_a_short_repr():
    program, _ = net()
    assert "rogram" in repr(program)
    assert len(repr(program)) < 500


# ---- JAX --------------------------------------------------------------------------------------------------------


@pytest.mark.jax
@pytest.mark.parametrize(
    "name", ["dense_relu_hinge", "dense_tanh_cross_entropy", "recurrent", "where_and_maximum", "mixture"]
)
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_to_jax_is_a_pure_function_that_jax_differentiates(name, backend):
    import jax

    case, program = compile_case(name, backend)
    batch = tiled(case.examples, 7)
    value, (gradient, _) = program.value_and_grad(*batch)
    with jax.enable_x64(True):
        f = program.to_jax()
        found, by_params = jax.jit(jax.value_and_grad(f))(program.params, *batch)
        assert (found.shape, str(found.dtype)) == ((), "float64")
        assert float(found) == pytest.approx(value, rel=1e-12)
        assert np.asarray(by_params).tolist() == pytest.approx(
            [float(one) for one in flat(gradient)], rel=1e-11, abs=1e-13
        )
        moved = f(program.params + 1.0, *batch)
    program.params[:] += 1.0
    assert float(moved) == pytest.approx(program.value(*batch), rel=1e-12)


@pytest.mark.jax
def test_to_jax_has_the_gradients_of_our_table():
    """At kinks, where JAX's own functions have other conventions."""
    import jax

    params = [Value(x) for x in (0.0, 1.0, 2.0, 2.0)]
    program = mg.compile(
        lambda x: mg.abs(params[0]) + mg.hardtanh(params[1]) + mg.maximum(params[2], params[3]) * x,
        params, example=(1.0,),
    )  # fmt: skip
    with jax.enable_x64(True):
        assert jax.grad(program.to_jax())(program.params, np.ones(2)).tolist() == [0.0, 1.0, 0.5, 0.5]


@pytest.mark.jax
def test_jax_runs_in_float64_switched_on_locally():
    import jax
    import jax.numpy as jnp

    assert not jax.config.jax_enable_x64
    program, batch = net("jax")
    value, (by_params, by_inputs) = program.value_and_grad(*batch)
    assert {array.dtype for array in (by_params, *by_inputs)} == {np.dtype(float)}
    assert all(type(array) is np.ndarray for array in (by_params, *by_inputs))
    assert not jax.config.jax_enable_x64
    assert jnp.ones(1).dtype == jnp.float32
    assert value == pytest.approx(net()[0].value(*batch), rel=1e-13)


# ---- the tests can fail -----------------------------------------------------------------------------------------


class Spoiled:
    """A program whose gradients are wrong in one number."""

    def __init__(self, program, spoil):
        self.program, self.spoil = program, spoil

    def value_and_grad(self, *batch):
        value, (by_params, by_inputs) = self.program.value_and_grad(*batch)
        return self.spoil(value, by_params, by_inputs)


SPOILED = {
    "the value": lambda value, p, x: (value * (1 + 1e-10), (p, x)),
    "a parameter": lambda value, p, x: (value, (p + 1e-9 * (np.arange(len(p)) == 3), x)),
    "an input": lambda value, p, x: (value, (p, (x[0] + 1e-9, *x[1:]))),
    "the order": lambda value, p, x: (value, (p[::-1], x)),
    "the mean": lambda value, p, x: (value, (p * len(x[0]), x)),
}


@pytest.mark.parametrize("what", SPOILED)
def test_the_comparison_catches(what):
    case, program = compile_case("dense_tanh_cross_entropy")
    references = [eager(case.f, case.params, example) for example in case.examples]
    assert_agrees(program, references, case.examples, 7)
    with pytest.raises(AssertionError):
        assert_agrees(Spoiled(program, SPOILED[what]), references, case.examples, 7)


def test_every_primitive_is_compiled():
    assert {parameters.values[0] for parameters in GATES} == set(gates())
    assert ALLOWED == 1e-12


# ---- sharing: results that many gates use, in sums, products of matrices and windows ----------------------------


@st.composite
def shared(draw):
    """A function of three inputs and three parameters whose gates take what is there already, constants among it."""
    places = st.integers(0, 40)
    plan = draw(st.lists(st.tuples(st.integers(0, 6), places, places, st.integers(1, 4)), min_size=2, max_size=9))
    ends = draw(st.lists(places, min_size=1, max_size=3))

    def f(x, w):
        pool = [*x, *w, 1.0, 2.0, 0.5]
        for kind, i, j, size in plan:
            one, other = pool[i % len(pool)], pool[j % len(pool)]
            window = [pool[(i + k) % len(pool)] for k in range(size)]
            partners = [pool[(j + k) % len(pool)] for k in range(size)]
            pool.append(
                mg.sin(one) if kind == 0
                else mg.tanh(other) if kind == 1
                else one + other if kind == 2
                else one * other if kind == 3
                else mg.sum(window) if kind == 4
                else mg.dot(window, partners) if kind == 5
                else mg.dot(window, partners, one)
            )  # fmt: skip
        return mg.sum([pool[end % len(pool)] for end in [*ends, len(pool) - 1]]) + x[0] * w[0]

    return f


def assert_shared(f, point, weights, backend):
    w = [Value(0.25 * weight) for weight in weights]
    examples = [([0.25 * one for one in point],), ([0.5, -0.25, 1.0],)]
    program = mg.compile(lambda x: f(x, w), w, example=examples[0], wrt="both", backend=backend)
    assert_agrees(program, [eager(lambda x: f(x, w), w, one) for one in examples], examples, 2)


@pytest.mark.parametrize("backend", ["numpy", "python"])
@given(f=shared(), point=points(3), weights=points(3))
def test_results_that_are_shared_count_as_often_as_they_are_used(f, point, weights, backend):
    assert_shared(f, point, weights, backend)


@pytest.mark.jax
@settings(max_examples=20, deadline=None)
@given(f=shared(), point=points(3), weights=points(3))
def test_shared_results_on_jax(f, point, weights):
    """A few, as XLA takes its time."""
    assert_shared(f, point, weights, "jax")


@backends
def test_a_bias_is_told_from_a_constant_of_its_number(backend):
    """The parameter is register 2, and 2.0 is a term of the same sum."""
    w = [Value(0.5), Value(0.25), Value(0.125)]
    f = lambda x: mg.dot([w[2], 1.0], [1.0, 2.0], w[2]) * x + w[0]  # noqa: E731
    program = mg.compile(f, w, example=(0.5,), wrt="both", backend=backend)
    examples = [(0.5,), (-1.5,)]
    assert_agrees(program, [eager(f, w, one) for one in examples], examples, 2)


def _boundary():
    net = nn.MLP(1, [2, 1], activation="tanh", rng=0)
    return (lambda x: net([x]) * net([0.5]) + net([0.5])), net.parameters()


def _weighted(*factors):
    w = [Value(2.0), Value(3.0), Value(5.0)]
    return (lambda x: mg.dot([w[0] if one is None else one for one in factors], [*w, x][-len(factors) :])), w


@pytest.mark.sampled(3)
@backends
@pytest.mark.parametrize(
    ("f", "params"),
    [_boundary(), _weighted(1.0, None), _weighted(None, 1.0), _weighted(0.25, 0.25, 0.25, 0.25), _weighted(None, None)],
)
def test_constants_among_weights_and_inputs(f, params, backend):
    program = mg.compile(f, params, example=(0.5,), wrt="both", backend=backend)
    examples = [(0.5,), (-1.5,)]
    assert_agrees(program, [eager(f, params, one) for one in examples], examples, 2)


def test_long_sums_and_deep_chains():
    w = [Value(0.5) for _ in range(1200)]
    program = mg.compile(lambda x: mg.dot(w, x) + mg.sum(w), w, example=(np.ones(1200),), backend="python")
    assert program.grad(np.ones((1, 1200))) == pytest.approx(np.full(1200, 2.0))
    v = Value(0.9)

    def chain(x):
        for _ in range(1200):
            x = mg.sin(x * v)
        return x

    assert mg.compile(chain, v, example=(1.0,)).value([1.0]) == pytest.approx(chain(1.0).data)


def test_a_refusal_cannot_be_swallowed_and_sets_of_numbers_are_refused():
    def swallowed(x):
        try:
            return x if x > 0 else -x
        except TypeError:
            return 2 * x

    for f in (swallowed, lambda x: 2 * x if x in {1.0, 3.0} else x, lambda x: {1.0: x}.get(x, 2 * x)):
        with pytest.raises(TypeError, match=r"test_compile.*where"):
            mg.compile(f, example=(1.0,))
    w = Value(2.0)
    with pytest.raises(TypeError, match="where"):
        mg.compile(lambda x: x * w.grad, w, example=(1.0,))


def test_a_gate_with_an_operand_without_gradient_takes_the_same_number_twice():
    with scratch_table():
        gate = primitive("first_only", lambda a, b: a * b, lambda out, a, b: b, None)
        program = mg.compile(lambda x: gate(x, x), example=(3.0,), wrt="inputs")
        assert program.grad([3.0]).tolist() == [3.0]


def test_examples_and_parameters_may_be_any_sequence():
    w, b = Value(2.0), Value(1.0)
    program = mg.compile(lambda x: w * x[1] + b, (v for v in [w, b]), example=(range(3),))
    assert program.grad([[1, 2, 3]]).tolist() == [2.0, 1.0]


def test_a_function_of_no_inputs_gives_its_outputs_without_an_axis_of_examples():
    w = [Value(2.0), Value(3.0)]
    assert mg.compile(lambda: [w[0], 2 * w[1]], w, example=(), reduce=None).value().tolist() == [2.0, 6.0]


@backends
def test_a_count_of_examples_among_the_adjoints_is_no_whole_number(backend):
    """A parameter gets the number of examples as its first contribution, and a fraction as its second."""
    w = Value(0.5)

    def f(x):
        return mg.logsumexp([x[0], w, x[1]]) + (w - x[0])

    program = mg.compile(f, w, example=([0.5, 1.0],), wrt="both", backend=backend)
    examples = [([0.5, 1.0],), ([-0.3, 0.2],), ([0.7, -1.0],)]
    assert_agrees(program, [eager(f, w, one) for one in examples], examples, 3)

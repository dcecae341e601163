"""A nan in a program is named by gate, operands, module, line and example, also where it is born in the sweep."""

import inspect
import math
import pickle
import re

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, nn
from tests.compile_cases import BACKENDS, flat

INF, NAN = math.inf, math.nan
backends = pytest.mark.parametrize("backend", BACKENDS)


def line_of(f):
    """The line of `f` that is marked, or its only one."""
    lines, start = inspect.getsourcelines(f)
    return start + next((place for place, text in enumerate(lines) if "# here" in text), 0)


class Root(nn.Module):
    def forward(self, x):
        return [mg.sqrt(one * one) for one in x]


root = Root()
KINDS = {  # a function of an input and of a parameter w = 0, the input, and what must be said
    "a product with an infinite slope": (lambda x, w: mg.sqrt(w * w) + x, 1.0, r"multiply\(w=0\.0, w=0\.0\)"),
    "inside a module": (lambda x, w: root([w])[0] * x, 1.0, r"multiply\(w=0\.0, w=0\.0\) of module Root"),
    "a slope that is nan": (lambda x, w: (-2.0 - x) ** (w + 3.0), 0.0, r"power\(-2\.0, 3\.0\)"),
    "an infinite slope of 0": (lambda x, w: mg.sqrt(w) ** 2 * x, 1.0, r"sqrt\(w=0\.0\)"),
    "opposite infinities": (
        lambda x, w: mg.sqrt(w) - w**0.25 * x, 1.0, r"sum of -?inf from (sqrt|power)\(w=0\.0.* and -?inf from",
    ),
}  # fmt: skip


@pytest.mark.sampled(3)
@backends
@pytest.mark.parametrize("kind", KINDS)
def test_a_nan_that_is_born_in_the_sweep_is_named(kind, backend):
    f, x, words = KINDS[kind]
    w = Value(0.0, "w")
    program = mg.compile(lambda x: f(x, w), w, example=(1.0,), backend=backend)
    program = pickle.loads(pickle.dumps(program))
    assert math.isnan(program.grad([x]))
    place = rf"test_compiler_anomalies\.py, line {line_of(f)}: "
    for gradient in (program.grad, program.value_and_grad):
        with mg.detect_anomaly(), pytest.raises(FloatingPointError, match=words) as caught:
            gradient([x])
        if kind != "inside a module":
            assert re.search(place, str(caught.value)), str(caught.value)
        assert str(caught.value).endswith(", in example 0")
    with mg.detect_anomaly():
        assert program.value([x]) == program.value([x])


@backends
def test_the_example_is_named_whose_gradient_is_nan(backend):
    program = mg.compile(lambda x: mg.sqrt(x * x), example=(1.0,), wrt="inputs", backend=backend)
    assert np.isnan(program.grad([2.0, 0.0, -1.0])).tolist() == [False, True, False]
    with mg.detect_anomaly():
        with pytest.raises(FloatingPointError, match=r"nan at multiply\(0\.0, 0\.0\), .*in example 1$"):
            program.grad([2.0, 0.0, -1.0])
        assert program.grad([2.0, -1.0]).tolist() == [0.5, -0.5]


@backends
def test_a_nan_forward_is_named_by_its_line_and_module(backend):
    class Log(nn.Module):
        def forward(self, x):
            return [mg.log(one) for one in x]  # here

    model, w = nn.Sequential(Log()), Value(-1.0, "w")
    program = mg.compile(lambda x: model(w) * x, w, example=(1.0,), backend=backend)
    line = line_of(Log)
    with mg.detect_anomaly():
        for call in (program.value, program.grad, program.value_and_grad):
            with pytest.raises(FloatingPointError) as caught:
                call([1.0])
            named = rf"log\(w=-1\.0\) of module Sequential\.0 is nan in example 0, recorded at \S*, line {line}: "
            assert re.match(named, str(caught.value)), str(caught.value)


@backends
def test_infinities_that_cancel_over_the_examples_are_named(backend):
    w = Value(0.0, "w")
    program = mg.compile(lambda x: x * mg.sqrt(w * x * x), w, example=(1.0,), backend=backend)
    words = r"gradient of .*0\.0.* is nan, the sum of -inf in example 2 and inf in example 0"
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match=words):
        program.grad([0.5, 1.0, -1.0])
    program = mg.compile(lambda x: x / w, w, example=(1.0,), backend=backend)
    for call in (program.value, program.value_and_grad):
        words = "the value is nan, the sum of -inf in example 2 and inf in example 0"
        with mg.detect_anomaly(), pytest.raises(FloatingPointError, match=words):
            call([1.0, 2.0, -1.0])


@backends
def test_a_branch_that_was_not_taken(backend):
    """Python agrees with eager code; arrays may give nan, which is named with the remedy."""
    program = mg.compile(lambda x: mg.where(x, mg.sqrt(x), 0.0), example=(1.0,), wrt="inputs", backend=backend)
    if backend == "python":
        with mg.detect_anomaly():
            assert program.grad([0.0, 4.0]).tolist() == [0.0, 0.125]
    elif np.isnan(program.grad([0.0, 4.0])).any():
        with (
            mg.detect_anomaly(),
            pytest.raises(FloatingPointError, match=r"nan at sqrt\(0\.0\).* not taken in example 0.*Choose"),
        ):
            program.grad([0.0, 4.0])
    program = mg.compile(lambda x: mg.sqrt(mg.where(x, x, 1.0)), example=(1.0,), wrt="inputs", backend=backend)
    with mg.detect_anomaly():
        assert program.grad([0.0, 4.0]).tolist() == [0.0, 0.125]


@pytest.mark.parametrize("backend", ["numpy", "python"])
def test_a_step_of_training_is_watched(backend):
    w = Value(0.0, "w")
    program = mg.compile(lambda x: (mg.sqrt(w * w) + x, x), [w], example=(1.0,), backend=backend, has_aux=True)
    assert math.isnan(program.grad([1.0])[0][0])
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match=r"multiply\(w=0\.0, w=0\.0\)"):
        program.grad([1.0])
    program.params[:] = 2.0
    with mg.detect_anomaly():
        assert program.grad([1.0])[0].tolist() == [1.0]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("count", [2, 3, 12])
@pytest.mark.parametrize("gate", [mg.maximum, mg.minimum], ids=["maximum", "minimum"])
@backends
def test_the_gradient_of_maximum_at_nan_is_nan(gate, count, backend):
    """As in eager code, for parameters, inputs and both, whoever is nan."""
    w = [Value(float(one)) for one in range(count)]
    cases = [
        mg.compile(lambda: gate(*w), w, example=(), backend=backend),
        mg.compile(lambda x: gate(*x), example=([1.0] * count,), wrt="inputs", backend=backend),
    ]
    for program in cases:
        for place in (0, count - 1):
            point = np.arange(count, dtype=float)
            point[place] = NAN
            if len(program.params):
                program.params[:] = point
            found = program.grad(*([] if len(program.params) else [point[None]]))
            assert np.isnan(np.array(flat(found), float)).all()


@backends
def test_gradients_by_example_and_products_with_the_hessian_are_watched(backend):
    w = [Value(0.0, "w"), Value(2.0, "v")]
    program = mg.compile(lambda x: mg.sqrt(w[0] * w[0]) + x * w[1], w, example=(1.0,), backend=backend)
    calls = (lambda: program.grads([1.0, 2.0]), lambda: program.hvp([1.0, 1.0], [1.0, 2.0]))
    for call in calls:
        call()
        with mg.detect_anomaly(), pytest.raises(FloatingPointError, match=r"multiply\(w=0\.0, w=0\.0\)"):
            call()
    program.params[:] = 1.0
    with mg.detect_anomaly():
        assert [program.grads([1.0, 2.0]).tolist(), calls[1]().tolist()] == [[[1.0, 1.0], [1.0, 2.0]], [0.0, 0.0]]
        with pytest.raises(FloatingPointError, match="the Hessian times v is nan, because v is"):
            program.hvp([NAN, 1.0], [1.0, 2.0])


def test_an_infinite_second_derivative_is_told_apart_from_the_gradient():
    w = [Value(0.0, "w"), Value(2.0, "v")]
    program = mg.compile(lambda x: x * mg.where(w[0], 1.0, w[0] ** 1.5) * w[1], w, example=(1.0,), backend="numpy")
    assert program.grad([1.0]).tolist() == [0.0, 0.0]
    words = r"the Hessian times v is nan at Value\(data=0\.0.* in example 0, though the gradient is not: a second"
    with mg.detect_anomaly(), pytest.raises(FloatingPointError, match=words):
        program.hvp([0.0, 1.0], [1.0])

"""What f returns beside its value comes by example, and programs that learn the same Values share one vector."""

import copy
import math
import pickle
import warnings
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value
from microgradnn.compiler.parameters import Parameters
from microgradnn.primitive import Primitive
from microgradnn.renewal import outdated
from tests.compile_cases import BACKENDS

backends = pytest.mark.parametrize("backend", BACKENDS)
RNG = np.random.default_rng(14)


def model(slope=0.5, shift=-1.0):
    w, b = {"slope": [Value(slope), Value(2.0)], "shift": Value(shift)}, Value(3.0)
    return {"w": w, "b": b}


def loss_of(params):
    """A loss, and beside it: nested lists, a tuple in a dict, a constant, a parameter, an input, a gate on its own."""

    def loss(x, y):
        scores = [w * x[0] + params["w"]["shift"] for w in params["w"]["slope"]]
        value = (scores[0] - y) ** 2 + mg.sin(scores[1]) * params["b"]
        return value, {"scores": scores, "others": (3.0, params["b"], x[1], [[mg.exp(y)], [x[0] * x[1]]]), "none": []}

    return loss


def batch_of(count):
    return RNG.uniform(-1, 1, (count, 2)), RNG.uniform(-1, 1, count)


def compiled(params, **settings):
    return mg.compile(loss_of(params), params, example=([0.0, 0.0], 0.0), **settings)


def numbers(tree):
    """The nesting with floats for Values and lists for arrays."""
    if isinstance(tree, dict):
        return {name: numbers(branch) for name, branch in tree.items()}
    if hasattr(tree, "_make"):
        return tree._make(map(numbers, tree))
    if isinstance(tree, list | tuple):
        return type(tree)(map(numbers, tree))
    return tree.data if isinstance(tree, Value) else tree.tolist() if isinstance(tree, np.ndarray) else float(tree)


def of_example(aux, index):
    """What is in aux for one example, with lists for arrays."""
    if isinstance(aux, dict):
        return {name: of_example(branch, index) for name, branch in aux.items()}
    if isinstance(aux, list | tuple):
        return type(aux)(of_example(branch, index) for branch in aux)
    return aux[index].tolist()


def close(tree, other):
    """Whether two nestings are of the same kinds, with numbers that differ by rounding alone."""
    if isinstance(other, dict):
        return isinstance(tree, dict) and [*tree] == [*other] and all(close(tree[name], other[name]) for name in other)
    if isinstance(other, list | tuple):
        return type(tree) is type(other) and len(tree) == len(other) and all(map(close, tree, other))
    return math.isclose(tree, other, rel_tol=1e-12, abs_tol=1e-14)


# ---- has_aux ------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(5)
@backends
@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_aux_is_what_f_returns_for_each_example_and_changes_nothing_else(backend, reduce, count):
    params, (x, y) = model(), batch_of(count)
    loss = loss_of(params)
    program = compiled(params, reduce=reduce, backend=backend, has_aux=True)
    plain = mg.compile(
        lambda x, y: loss(x, y)[0], params, example=([0.0, 0.0], 0.0), reduce=reduce, backend=backend, wrt="params"
    )
    value, gradient = plain.value_and_grad(x, y)
    by_value, with_value = program.value(x, y)
    by_grad, with_grad = program.grad(x, y)
    (by_both, aux), gradients = program.value_and_grad(x, y)
    assert close([by_value, by_both], [value, value])
    assert close([numbers(by_grad), numbers(gradients)], [numbers(gradient)] * 2)
    for found in (with_value, with_grad, aux):
        for index in {0, count // 2, count - 1}:
            assert close(of_example(found, index), numbers(loss(x[index].tolist(), float(y[index]))[1]))
    assert aux["scores"].shape == (count, 2)
    assert aux["others"][3].shape == (count, 2, 1)


@backends
@pytest.mark.parametrize("wrt", ["inputs", "both"])
def test_aux_beside_gradients_by_inputs(backend, wrt):
    params, batch = model(), batch_of(3)
    loss = loss_of(params)
    settings = {"example": ([0.0, 0.0], 0.0), "wrt": wrt, "backend": backend}
    (value, aux), gradient = mg.compile(loss, params, has_aux=True, **settings).value_and_grad(*batch)
    expected = mg.compile(lambda x, y: loss(x, y)[0], params, **settings).value_and_grad(*batch)
    assert close(numbers([value, gradient]), numbers(list(expected)))
    assert aux["others"][2].tolist() == batch[0][:, 1].tolist()


@backends
def test_aux_of_a_whole_data_set_has_no_axis_of_examples(backend):
    w = Value(2.0)
    program = mg.compile(lambda: (w * w, [w * 3.0, (w, 1.0)]), [w], example=(), backend=backend, has_aux=True)
    (value, [three, (itself, one)]), [gradient] = program.value_and_grad()
    assert (value, gradient, three, itself, one) == (4.0, 4.0, 6.0, 2.0, 1.0)
    assert np.ndim(three) == 0


@backends
def test_aux_may_be_a_single_number_or_empty(backend):
    w = Value(2.0)
    program = mg.compile(lambda x: (w * x, x), w, example=(0.0,), backend=backend, has_aux=True)
    assert numbers(program.value_and_grad([1.0, 2.0])) == ((3.0, [1.0, 2.0]), 1.5)
    program = mg.compile(lambda x: (w * x, ()), w, example=(0.0,), backend=backend, has_aux=True)
    assert program.value([1.0, 2.0]) == (3.0, ())
    assert program.grad([1.0, 2.0]) == (1.5, ())


def test_what_only_aux_uses_is_not_reached_and_has_the_gradient_0():
    w, u = Value(2.0), Value(5.0)
    program = mg.compile(lambda x: (w * x, u * x), [w, u], example=(0.0,), has_aux=True)
    assert program.reached.tolist() == [True, False]
    gradient, aux = program.grad([1.0, 3.0])
    assert (gradient.tolist(), aux.tolist()) == ([2.0, 0.0], [5.0, 15.0])


def test_results_stay_when_the_program_is_called_again():
    w = Value(2.0)
    program = mg.compile(lambda x: (w * x, w * x), w, example=(0.0,), has_aux=True)
    _, aux = program.value([1.0, 2.0])
    program.value([7.0, 8.0])
    assert aux.tolist() == [2.0, 4.0]


@backends
def test_aux_comes_from_a_pickled_program(backend):
    params, batch = model(), batch_of(2)
    program = compiled(params, backend=backend, has_aux=True)
    assert numbers(pickle.loads(pickle.dumps(program)).value(*batch)) == numbers(program.value(*batch))


@backends
def test_numbers_in_dicts_are_outputs_without_reduction_too(backend):
    w = Value(2.0)
    program = mg.compile(lambda x: {"a": w * x, "b": [x, {"c": w}]}, w, example=(0.0,), reduce=None, backend=backend)
    assert numbers(program.value([1.0, 3.0])) == {"a": [2.0, 6.0], "b": [[1.0, 3.0], {"c": [2.0, 2.0]}]}


@pytest.mark.jax
def test_value_grad_and_both_are_arranged_as_jax_arranges_them():
    import jax
    import jax.numpy as jnp

    params, (x, y) = model(), batch_of(5)
    program = compiled(params, has_aux=True)
    start = {"w": {"slope": jnp.array([0.5, 2.0]), "shift": jnp.array(-1.0)}, "b": jnp.array(3.0)}

    def loss(params, x, y):
        scores = params["w"]["slope"][None] * x[:, :1] + params["w"]["shift"]
        value = (scores[:, 0] - y) ** 2 + jnp.sin(scores[:, 1]) * params["b"]
        alike = jnp.ones_like(y)
        others = (3.0 * alike, params["b"] * alike, x[:, 1], jnp.stack([jnp.exp(y), x[:, 0] * x[:, 1]], 1)[..., None])
        return value.mean(), {"scores": scores, "others": others, "none": []}

    with jax.enable_x64(True):
        start = jax.tree.map(lambda one: one.astype(float), start)
        theirs = [
            loss(start, x, y), jax.grad(loss, has_aux=True)(start, x, y),
            jax.value_and_grad(loss, has_aux=True)(start, x, y),
            jax.value_and_grad(program.to_jax(), has_aux=True)(program.params, x, y)[0],
        ]  # fmt: skip
        theirs = jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), theirs)
    ours = [program.value(x, y), program.grad(x, y), program.value_and_grad(x, y), program.value(x, y)]
    assert jax.tree.structure(numbers(ours)) == jax.tree.structure(theirs)
    assert jax.tree.leaves(numbers(ours)) == pytest.approx(jax.tree.leaves(theirs), rel=1e-12)


_w = Value(2.0)
REFUSED = {
    "without reduction": (lambda x: (_w * x, x), {"reduce": None}, r"has_aux=True.*reduce=None gives.*anyway"),
    "a number": (lambda x: _w * x, {}, r"pair \(value, aux\), it returned one number"),
    "a list of two": (lambda x: [_w * x, x], {}, r"pair \(value, aux\), it returned a list of 2"),
    "three": (lambda x: (_w * x, x, x), {}, r"pair \(value, aux\), it returned a tuple of 3"),
    "several values": (lambda x: ([_w * x, x], x), {}, r"returns a list of 2 numbers.*has one"),
    "text": (lambda x: (_w * x, "a"), {}, r"numbers in lists and dicts, got str 'a'"),
    "nothing": (lambda x: (_w * x, None), {}, r"got NoneType None"),
    "a flag": (lambda x: (_w * x, True), {}, r"got bool True"),
    "no flag": (lambda x: (_w * x, x), {"has_aux": "yes"}, r"has_aux must be one of False, True, got 'yes'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_pair_of_one_number_and_others_is_refused(what):
    f, settings, message = REFUSED[what]
    with pytest.raises((TypeError, ValueError), match=message):
        mg.compile(f, _w, example=(1.0,), **{"has_aux": True, **settings})


def test_a_pair_where_one_number_is_due_is_told_of_has_aux():
    with pytest.raises(TypeError, match=r"returns a tuple of 2 numbers.*reduce=None.*has_aux=True"):
        mg.compile(lambda x: (_w * x, x), _w, example=(1.0,))


# ---- one vector for several programs --------------------------------------------------------------------------------


def three(params, backend="numpy"):
    """Training with aux, outputs without reduction, and another loss; each shares with the one before."""
    training = compiled(params, has_aux=True, backend=backend)
    outputs = mg.compile(
        lambda x: [w * x for w in params["w"]["slope"]], training, example=(0.0,), reduce=None, backend=backend
    )
    other = mg.compile(lambda: params["b"] * params["b"], outputs, example=(), backend=backend)
    return training, outputs, other


@backends
def test_programs_that_share_see_the_same_parameters(backend):
    params = model()
    training, outputs, other = three(params, backend)
    assert training.params is outputs.params is other.params
    training.params -= 0.5
    assert outputs.value([2.0]).tolist() == [[0.0, 3.0]]
    assert numbers(other.grad()) == {"w": {"slope": [0.0, 0.0], "shift": 0.0}, "b": 5.0}  # nested as for the first
    other.params = [1.0, 2.0, 3.0, 4.0]
    assert training.params.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert params["b"].data == 3.0
    outputs.push()
    assert numbers(params) == {"w": {"slope": [1.0, 2.0], "shift": 3.0}, "b": 4.0}
    params["b"].data = 7.0
    training.pull()
    assert other.value() == 49.0


def test_a_program_begins_with_what_the_shared_vector_holds():
    params = model()
    training = compiled(params, has_aux=True)
    training.params[:] = 4.0
    other = mg.compile(lambda: params["b"] * 1.0, training, example=())
    assert (other.value(), params["b"].data) == (4.0, 3.0)


def test_programs_of_the_same_values_that_were_not_told_to_share_do_not():
    params = model()
    first, second = (compiled(params, has_aux=True) for _ in range(2))
    first.params[:] = 9.0
    assert second.params.tolist() == [0.5, 2.0, -1.0, 3.0]


def test_a_value_that_the_other_program_does_not_have_is_refused():
    training = compiled(model(), has_aux=True)
    with pytest.raises(ValueError, match="param"):
        mg.compile(lambda: _w * 2.0, training, example=())


COPIES = {
    "pickled": lambda programs: pickle.loads(pickle.dumps(programs)),
    "copied": copy.deepcopy,
    "from memory that cannot be written to": lambda programs: pickle.loads(
        pickle.dumps(programs, protocol=5, buffer_callback=(buffers := []).append),
        buffers=[bytes(buffer.raw()) for buffer in buffers],
    ),
}


@pytest.mark.parametrize("how", COPIES)
def test_programs_go_on_sharing_when_they_are_copied_together(how):
    params = model()
    programs = three(params)
    twins, values = COPIES[how]((programs, params))
    training, outputs, other = twins
    training.params[:] = [1.0, 2.0, 3.0, 4.0]
    assert training.params is outputs.params is other.params
    assert programs[0].params.tolist() == [0.5, 2.0, -1.0, 3.0]
    outputs.push()
    assert numbers(values) == {"w": {"slope": [1.0, 2.0], "shift": 3.0}, "b": 4.0}
    assert numbers(params) == numbers(model())


# ---- numbers to and fro ---------------------------------------------------------------------------------------------


def test_push_writes_every_number_to_the_bit_and_touches_nothing_else():
    odd = [0.0, -0.0, math.inf, math.nan, 5e-324, 1.7976931348623157e308]
    values = [Value(1.0, f"v{index}") for index in range(len(odd))]
    for value in values:
        value.grad = 2.0
    params = Parameters(values)
    params.vector[:] = odd
    params.push()
    assert [repr(value.data) for value in values] == [*map(repr, odd)]
    assert all(type(value.data) is float and value.grad == 2.0 for value in values)
    assert [value.name for value in values] == [f"v{index}" for index in range(len(odd))]
    params.vector[:] = 7.0
    params.pull()
    assert params.vector.tobytes() == np.array(odd).tobytes()


def test_after_push_a_graph_is_known_to_be_out_of_date_and_its_gradient_stays():
    w, x = Value(2.0), Value(5.0)
    product = w * x
    params = Parameters([w, x])
    params.vector[:] = 3.0
    params.push()
    assert outdated([w, x, product]) == [product]
    product.backward()
    assert (w.grad, x.grad) == (5.0, 2.0)
    assert product.forward().data == 9.0


@pytest.mark.parametrize("how", ["pull", "push"])
def test_numbers_do_not_go_to_and_fro_while_a_function_is_traced(how):
    w = Value(2.0)
    params = Parameters([w])

    def f(x):
        getattr(params, how)()
        return w * x

    with pytest.raises(TypeError, match="compile"):
        mg.compile(f, w, example=(1.0,))


def test_rows_are_nested_as_a_vector_is():
    params = Parameters({"a": [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]], "b": Value(5.0)})
    assert numbers(params.nested(params.vector)) == {"a": [[1.0, 2.0], [3.0, 4.0]], "b": 5.0}
    rows = params.nested(np.stack([params.vector, 10 * params.vector]))
    assert numbers(rows) == {"a": [[[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [30.0, 40.0]]], "b": [5.0, 50.0]}


INSIDE = {  # what is done with another program, and what to do instead
    "called": (lambda program, x: program.value([x]), "Call the function that this program was compiled from"),
    "called with numbers": (lambda program, x: program.grad([1.0])[0] * x, "Call the function that this program"),
    "pulled": (lambda program, x: program.pull(), "Compute with the Values themselves"),
    "pushed": (lambda program, x: program.push(), "Compute with the Values themselves"),
    "read": (lambda program, x: float(program.params[0]) * x, "Compute with the Values themselves"),
}


@pytest.mark.parametrize("how", INSIDE)
def test_a_program_inside_a_function_that_is_recorded_is_refused(how):
    act, remedy = INSIDE[how]
    w = Value(2.0)
    program = mg.compile(lambda x: w * x, [w], example=(1.0,))
    with pytest.raises(TypeError, match=remedy):
        mg.compile(lambda x: act(program, x), [w], example=(1.0,))


class Both(NamedTuple):
    """What a function returns beside its loss."""

    score: Any
    others: Any


@backends
def test_a_named_tuple_keeps_its_names(backend):
    w = Value(2.0)
    f = lambda x: Both(w * x, [x, 1.0])  # noqa: E731
    (_, aux), _ = mg.compile(
        lambda x: (w * x, f(x)), [w], example=(1.0,), backend=backend, has_aux=True
    ).value_and_grad([1.0, 3.0])
    outputs = mg.compile(f, [w], example=(1.0,), backend=backend, reduce=None).value([1.0, 3.0])
    for found in (aux, outputs):
        assert numbers(found) == Both([2.0, 6.0], [[1.0, 1.0], [3.0, 1.0]])
        assert found.score.tolist() == [2.0, 6.0]


@backends
def test_by_no_inputs_the_derivatives_are_empty(backend):
    program = mg.compile(lambda: Value(3.0) ** 2, example=(), wrt="inputs", backend=backend)
    assert (program.grad(), program.grads(), program.hvp(())) == ((), (), ())


def test_settings_of_a_strange_kind_are_named():
    for name, value in {"has_aux": np.array([1, 2]), "reduce": np.array([1]), "backend": ["numpy"], "wrt": {}}.items():
        with pytest.raises(ValueError, match=f"{name} must be one of"):
            mg.compile(lambda x: x, example=(1.0,), **{name: value})


def test_a_gate_in_python_sees_the_context_of_each_call_and_no_warnings():
    """Arithmetic of arrays runs in a context made once, which a gate of the user's must not be caught in."""
    scale = ContextVar("scale", default=1.0)
    gate = Primitive("scaled_by_context", lambda x: scale.get() * x, lambda out, x: 1.0)
    program = mg.compile(lambda x: gate(x) + x / (x - x), example=(1.0,), wrt="inputs", backend="numpy", reduce=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program.value([2.0])
    program = mg.compile(lambda x: gate(x), example=(1.0,), wrt="inputs", backend="numpy")
    found = [program.value([2.0])]
    token = scale.set(10.0)
    found.append(program.value([2.0]))
    scale.reset(token)
    assert found == [2.0, 20.0]

"""Array programs on JAX: what they give, and how windows are read and pieces put together without copies.

What an array program means is what `evaluate` makes of it with NumPy; what JAX makes of `to_jax` is a second reference.
"""

import pickle
import threading
from dataclasses import replace

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value
from microgradnn.compiler import jax_arrays
from microgradnn.compiler.evaluate import evaluate
from microgradnn.compiler.ir import Place, contiguous
from microgradnn.compiler.jax_backend import JaxBackend
from microgradnn.compiler.jax_library import JaxLibrary
from microgradnn.primitive import gates, primitive
from microgradnn.table import LABELLED
from tests.array_programs import NumPyLibrary
from tests.compile_cases import CASES, tiled

pytestmark = pytest.mark.jax


@pytest.fixture(autouse=True)
def double_precision():
    import jax

    with jax.enable_x64(True):
        yield jax


def backend_of(f, params, example, **options):
    """The JAX backend of a function, and its program for what else is needed."""
    program = mg.compile(f, params, example=example, **options)
    return JaxBackend(program.rolled, [np.shape(one) for one in example]), program


def by_numpy(backend, asked, params, arrays, count):
    """The results of an array program as NumPy evaluates it, in the shapes of what they are results of."""
    rolled = backend.rolled
    program = rolled.program(asked)
    leaves = [program.params, *program.inputs[: len(rolled.sizes)]]
    inputs = [np.asarray(one, float).reshape(len(one), -1).T for one in arrays]
    with np.errstate(all="ignore"):
        outs = evaluate(program, NumPyLibrary(count), np.asarray(params), inputs)
    results = []
    for out, leaf in zip(outs, leaves, strict=True):
        each = leaf.each or asked == "grads"
        rows = np.broadcast_to(out, (leaf.size, count if each else 1)).T
        results.append(rows if each else rows[0])
    return results


def flat_rows(arrays, count):
    return [one.reshape(count, -1) for one in arrays]


def direction_of(params, arrays):
    """A direction by the parameters and by the arguments, of which labels stay where they are."""
    draw = np.random.default_rng(0)
    return draw.normal(size=len(params)), [draw.normal(size=np.shape(one)) for one in arrays]


# ---- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_products_with_the_hessian_and_gradients_of_every_example(double_precision, name):
    """As NumPy evaluates the same programs, and as JAX differentiates `to_jax`."""
    jax, case = double_precision, CASES[name]()
    backend, program = backend_of(case.f, case.params, case.examples[0], wrt="both")
    arrays = tiled(case.examples, 3) if case.examples[0] else ()
    count, params, v = len(arrays[0]) if arrays else 1, program.params, direction_of(program.params, arrays)

    by_params, by_inputs = backend.grads(params, arrays, count)
    assert by_params.shape == (count, len(params))
    assert [one.shape for one in by_inputs] == [np.shape(one) for one in arrays]
    for found, wanted in zip(
        [by_params, *flat_rows(by_inputs, count)], by_numpy(backend, "grads", params, arrays, count), strict=True
    ):
        assert found == pytest.approx(wanted, rel=1e-11, abs=1e-12)

    by_params, by_inputs = backend.hvp(params, v, arrays, count)
    directions = [v[0][None], *v[1]]
    for found, wanted in zip(
        [by_params, *flat_rows(by_inputs, count)],
        by_numpy(backend, "hvp", params, [*arrays, *directions], count), strict=True,
    ):  # fmt: skip
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-11)

    gradient = jax.grad(program.to_jax(), tuple(range(1 + len(arrays))))
    _, along = jax.jit(lambda at, v: jax.jvp(gradient, at, v))((params, *arrays), (v[0], *v[1]))
    for found, wanted in zip([by_params, *by_inputs], along, strict=True):
        assert found == pytest.approx(np.asarray(wanted), rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("gate", list(gates()), ids=str)
def test_second_derivatives_of_every_gate(gate):
    for size in sorted({*map(len, gate.samples)}):
        points = np.array([one for one in gate.samples if len(one) == size])
        backend, _ = backend_of(lambda x: gate(*x), [], (points[0],), wrt="inputs", reduce="sum")
        _, [v] = direction_of([], [points])
        v[:, 0] *= gate not in LABELLED
        nothing = np.zeros(0)
        _, [found] = backend.hvp(nothing, (nothing, [v]), [points], len(points))
        moving = range(gate in LABELLED, size)
        for x, along, product in zip(points.tolist(), v, found, strict=True):
            fixed = x[: size - len(moving)]
            matrix = mg.hessian(lambda *xs, fixed=fixed: gate(*fixed, *xs), tuple(range(len(moving))))(*x[len(fixed) :])
            wanted = np.reshape(np.array(matrix, float), (len(moving), -1)) @ along[len(fixed) :]
            assert product[len(fixed) :] == pytest.approx(wanted, rel=1e-8, abs=1e-12), x


@pytest.mark.parametrize("wrt", ["params", "inputs", "both"])
def test_what_was_not_asked_for_is_0_or_left_out(wrt):
    w = [Value(2.0), Value(3.0)]
    backend, program = backend_of(lambda x, y: w[0] * x[0] * x[1] * y, w, ([1.0, 1.0], 1.0), wrt=wrt, reduce="sum")
    arrays = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0])
    value, _, *gradient = backend.value_and_gradient(program.params, arrays, 2)
    assert value == backend.value(program.params, arrays, 2)[0] == 244.0
    rows, by_inputs = backend.grads(program.params, arrays, 2)
    by_params = [[2.0, 0.0], [120.0, 0.0]] if wrt != "inputs" else [[0.0, 0.0], [0.0, 0.0]]
    expected = [[[4.0, 2.0], [80.0, 60.0]], [4.0, 24.0]] if wrt != "params" else []
    assert rows.tolist() == by_params
    assert gradient[0].tolist() == np.sum(by_params, axis=0).tolist()
    assert [one.tolist() for one in by_inputs] == [one.tolist() for one in gradient[1]] == expected
    v = np.array([1.0, 5.0]), [np.zeros((2, 2)), np.array([1.0, 0.0])]
    product, by_inputs = backend.hvp(program.params, v, arrays, 2)
    assert product.tolist() == {"params": [0.0, 0.0], "inputs": [0.0, 0.0], "both": [2.0, 0.0]}[wrt]
    found = {"params": [], "inputs": [4.0 * 0.0, 0.0], "both": [2.0, 12.0]}[wrt]
    assert [one.tolist() for one in by_inputs[1:]] == ([found] if found else [])


def test_outputs_constants_and_programs_without_examples():
    x = np.arange(6.0).reshape(3, 2)
    backend, _ = backend_of(lambda x: [x[1], 2.0, x[0] * x[1]], [], ([1.0, 1.0],), reduce=None)
    assert backend.value(np.zeros(0), [x], 3)[0].tolist() == [[1.0, 2.0, 0.0], [3.0, 2.0, 6.0], [5.0, 2.0, 20.0]]
    backend, _ = backend_of(lambda x: 3.0, [Value(1.0)], (1.0,), reduce="sum", wrt="both")
    value, _, by_params, [by_input] = backend.value_and_gradient(np.ones(1), [np.ones(4)], 4)
    assert (value, by_params.tolist(), by_input.tolist()) == (12.0, [0.0], [0.0] * 4)
    w = [Value(2.0), Value(3.0)]
    backend, _ = backend_of(lambda: w[0] * w[1], w, ())
    value, _, by_params, by_inputs = backend.value_and_gradient(np.array([2.0, 3.0]), [], 1)
    assert (value, by_params.tolist(), by_inputs) == (6.0, [3.0, 2.0], [])
    assert backend.hvp(np.array([2.0, 3.0]), (np.array([1.0, 0.0]), []), [], 1)[0].tolist() == [0.0, 1.0]


def test_what_is_observed_is_a_row_for_each_example_and_left_alone_by_the_gradient():
    w = Value(2.0)
    program = mg.compile(lambda x: w * x, w, example=(1.0,), reduce="sum")
    varying, *others = program.rolled.roots
    backend = JaxBackend(replace(program.rolled, roots=[varying, *others, varying, 7.0]), [()])
    value, observed, by_params, _ = backend.value_and_gradient(np.array([2.0]), [np.array([1.0, 3.0])], 2)
    assert (value, by_params.tolist()) == (8.0, [4.0])
    assert observed.tolist() == [[2.0, 7.0], [6.0, 7.0]]


@pytest.mark.parametrize("f", [lambda x: 1.0 / (x + 0.0), lambda x: 1.0 / (x - -0.0)])
def test_what_is_added_to_0_is_no_negative_zero(f):
    backend, _ = backend_of(f, [], (1.0,), reduce=None)
    assert backend.value(np.zeros(0), [np.array([-0.0, 0.0])], 2)[0].tolist() == [[np.inf], [np.inf]]


def test_a_gate_without_an_array_form_is_called_number_by_number(double_precision):
    cube = primitive("own_cube", lambda x: x * x * x, lambda out, x: 3 * x * x)
    backend, _ = backend_of(lambda x: cube(x), [], (1.0,), wrt="inputs", reduce="sum")
    x = np.array([1.0, 2.0, -3.0])
    with double_precision.enable_x64(False):  # the backend switches it on itself
        assert backend.value(np.zeros(0), [x], 3)[0] == -18.0
        assert backend.hvp(np.zeros(0), (np.zeros(0), [np.ones(3)]), [x], 3)[1][0] == pytest.approx(6 * x)


def test_backends_are_pickled_and_run_in_threads():
    case = CASES["dense_tanh_cross_entropy"]()
    backend, program = backend_of(case.f, case.params, case.examples[0])
    arrays = tiled(case.examples, 4)
    expected = backend.value_and_gradient(program.params, arrays, 4)[2]
    again = pickle.loads(pickle.dumps(backend))
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(again.value_and_gradient(program.params, arrays, 4)[2]))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.tolist() for one in found] == [expected.tolist()] * 2


# ---- windows and pieces ---------------------------------------------------------------------------------------------

PLACES = {
    "all": contiguous(0, (4, 6)),
    "a part in a shape": contiguous(3, (2, 5)),
    "one number": Place(7, (), ()),
    "one number often": Place(7, (2, 3), (0, 0)),
    "every third": Place(2, (5,), (3,)),
    "columns": Place(5, (4,), (6,)),
    "W of [W b]": Place(0, (4, 5), (6, 1)),
    "the last rows of [W b]": Place(6, (3, 5), (6, 1)),
    "without room behind": Place(4, (4, 2), (6, 1)),
    "wider apart than there is room": Place(2, (2, 3), (20, 1)),
    "transposed": Place(1, (5, 4), (1, 6)),
    "every other column": Place(1, (4, 3), (6, 2)),
    "rows often": Place(3, (2, 3, 4), (6, 0, 1)),
    "an axis of 1": Place(3, (1, 3, 1), (0, 2, 0)),
    "lines of lines of lines": Place(0, (2, 2, 2), (13, 5, 2)),
    "backwards": Place(20, (3, 2), (-3, 1)),
    "overlapping": Place(4, (6, 3), (1, 1)),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("wide", [1, 3])
def test_windows_are_the_numbers_at_a_place(name, wide):
    place = PLACES[name]
    flat = np.random.default_rng(0).normal(size=(max(24, place.rows().max() + 1), wide))
    found = np.asarray(JaxLibrary(wide).window(flat, place))
    assert found.tolist() == flat[place.rows()].tolist()


@pytest.mark.parametrize("name", ["all", "columns", "W of [W b]", "transposed", "every other column"])
def test_regular_windows_gather_nothing(double_precision, name):
    """XLA makes one loop of slices and of what uses them; what is gathered is read number by number."""
    operations = str(double_precision.make_jaxpr(lambda x: jax_arrays.window(x, PLACES[name]))(np.zeros((24, 2))))
    assert "gather" not in operations
    put = str(
        double_precision.make_jaxpr(lambda x: jax_arrays.put((24,), [PLACES[name]], [x]))(
            np.zeros((*PLACES[name].shape, 2))
        )
    )
    assert "scatter" not in put
    assert "gather" not in put


IRREGULAR = np.array([[3, 1], [4, 15]])
PIECES = {
    "[W b]": [PLACES["W of [W b]"], PLACES["columns"]],
    "one behind the other, with gaps": [contiguous(2, (3,)), contiguous(5, (2, 2)), contiguous(20, (2,))],
    "in another order": [contiguous(20, (2,)), contiguous(2, (3,))],
    "all and a part": [contiguous(0, (24,)), PLACES["every other column"]],
    "transposed": [PLACES["transposed"]],
    "often": [PLACES["rows often"], contiguous(0, (2,))],
    "overlapping": [PLACES["overlapping"]],
    "backwards": [PLACES["backwards"]],
    "irregular": [IRREGULAR, contiguous(20, (2,))],
    "irregular twice": [IRREGULAR, IRREGULAR + 1, IRREGULAR],
    "an axis of 1": [PLACES["an axis of 1"]],
    "many columns": [Place(column, (4,), (6,)) for column in range(6)],
    "many overlapping": [contiguous(first, (6,)) for first in range(6)],
    "without room behind": [PLACES["without room behind"]],
}


@pytest.mark.parametrize("name", PIECES)
def test_pieces_are_put_in_their_places_and_added_up(name):
    draw = np.random.default_rng(1)
    places = PIECES[name]
    pieces = [draw.normal(size=(*place.shape, [1, 3][number % 2])) for number, place in enumerate(places)]
    pieces[0] = 2.0 if len(pieces) > 2 else pieces[0]  # a number is everywhere the same
    found, wanted = (library.put((4, 6), places, pieces) for library in (JaxLibrary(3), NumPyLibrary(3)))
    assert np.asarray(found) == pytest.approx(wanted, rel=1e-14, abs=1e-15)
    assert (np.signbit(found) == np.signbit(wanted)).all()


@pytest.mark.parametrize(
    "places",
    [
        [contiguous(0, (2,)), contiguous(2, (2,))],
        [Place(0, (2,), (2,)), Place(1, (2,), (2,))],
        [np.array([3, 0]), np.array([1, 2])],
    ],
)
def test_a_negative_zero_stays_one_in_its_place_and_nan_stays_there(places):
    found = np.asarray(JaxLibrary(1).put((4,), places, [np.full((2, 1), -0.0), np.array([[np.nan], [np.inf]])]))[:, 0]
    rows = [place if isinstance(place, np.ndarray) else place.rows() for place in places]
    assert np.signbit(found[rows[0]]).all()
    assert (found[rows[0]] == 0.0).all()
    assert np.isnan(found[rows[1][0]])
    assert np.isinf(found[rows[1][1]])


@pytest.mark.parametrize(
    "letters",
    ["ml,lne->mne", "mne,lne->ml", "ml,mne->lne", "mne,lne->mle", "l,le->e", "l,l->", "lne,ml->mne", "ml,ln->mn"],
)
@pytest.mark.parametrize("size", [1, 3])
def test_products_over_letters_are_those_of_numpy(letters, size):
    sizes, draw = {"m": 2, "l": 4, "n": size, "e": 5}, np.random.default_rng(0)
    x, y = (draw.normal(size=[sizes[letter] for letter in term]) for term in letters.split("->")[0].split(","))
    assert np.asarray(jax_arrays.einsum(letters, x, y)) == pytest.approx(np.einsum(letters, x, y), rel=1e-13)


@pytest.mark.parametrize("letters", ["ml,lne->mne", "mne,lne->ml", "ml,mne->lne"])
def test_examples_and_columns_are_one_axis_of_a_product_of_two_matrices(double_precision, letters):
    sizes = {"m": 2, "l": 4, "n": 3, "e": 5}
    shapes = [[sizes[letter] for letter in term] for term in letters.split("->")[0].split(",")]
    jaxpr = double_precision.make_jaxpr(lambda x, y: jax_arrays.einsum(letters, x, y))(*map(np.zeros, shapes))
    [dot] = [one for one in jaxpr.eqns if one.primitive.name == "dot_general"] or [
        one
        for inner in jaxpr.eqns
        for one in getattr(inner.params.get("jaxpr"), "eqns", ())
        if one.primitive.name == "dot_general"
    ]
    assert [len(x.aval.shape) for x in dot.invars] == [2, 2]

"""JAX as a second opinion on transforms: the same functions of the same trees of numbers and arrays."""

from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import microgradnn as m
from microgradnn.trees import like, spread

pytestmark = pytest.mark.jax
Point = namedtuple("Point", "x y")


@pytest.fixture(autouse=True, scope="module")
def jax():
    import jax

    with jax.enable_x64(True):
        yield jax


def assert_same(ours, theirs, place="it"):
    """Both are nested alike, in containers and arrays of the same kind and shape, with equal numbers."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), place
        pairs = [(ours[key], theirs[key], key) for key in ours]
    elif isinstance(ours, list | tuple):
        assert (type(ours), len(ours)) == (type(theirs), len(theirs)), place
        pairs = [*zip(ours, theirs, range(len(ours)), strict=True)]
    else:
        assert (ours is None) == (theirs is None), place
        if ours is not None:
            assert np.shape(ours) == np.shape(theirs), place
            assert np.asarray(ours).dtype == float, place
            np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-12, atol=1e-12, err_msg=place)
        return
    for our, their, key in pairs:
        assert_same(our, their, f"{place}[{key!r}]")


def leaves_of(tree):
    """Numbers and arrays of a tree, dicts in the order of their keys, as JAX has it."""
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves_of(tree[key])]
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in leaves_of(branch)]
    return [] if tree is None else [tree]


TREES = {
    "a number": 1.0,
    "an array of no dimension": np.array(0.0),
    "lists and tuples": [1.0, (2.0, [], [3.0, None]), Point(4.0, [5.0])],
    "dicts": {"b": {"z": 1.0, "a": [2.0, 3.0]}, "a": 4.0, "c": None, "d": {}},
    "arrays": {"w": np.zeros((2, 3)), "b": [np.zeros(2), 0.0], "none": np.zeros((0, 2)), "a": (np.array(0.0),)},
}


def mixed(library, sine):
    """A number that depends on each number of a tree together with all others."""

    def f(tree):
        total = 1.0
        for n, leaf in enumerate(leaves_of(tree), 1):
            term = library.sum(leaf * leaf * 0.25 + leaf * n) if np.ndim(leaf) else sine(leaf * 1.0) * (n + 0.5)
            total = total * 0.5 + term * total * 0.1 + term
        return total

    return f


@pytest.mark.parametrize("name", TREES)
@settings(max_examples=5)
@given(data=st.data())
def test_derivatives_by_trees_are_those_of_jax(jax, name, data):
    count = len(spread(TREES[name]))
    draw = st.lists(st.floats(-2, 2), min_size=count, max_size=count)
    tree, direction = (like(TREES[name], iter(data.draw(draw))) for _ in range(2))
    ours = derivatives(m, mixed(np, m.sin))(tree, direction)
    assert_same(ours, jitted(jax, name)(tree, direction))


def derivatives(library, f):
    def of(tree, direction):
        value, pull = library.vjp(lambda tree: [f(tree), tree], tree)
        return (
            value, pull([2.0, direction]), library.value_and_grad(f)(tree), library.hessian(f)(tree),
            library.jacobian(library.grad(f))(tree), library.jvp(f, (tree,), (direction,)),
        )  # fmt: skip

    return of


def jitted(jax, name, kept={}):  # noqa: B006  compiled once for all examples
    return kept.setdefault(name, jax.jit(derivatives(jax, mixed(jax.numpy, jax.numpy.sin))))


FUNCTIONS = {  # of a vector of 3, a matrix of 2 × 3 and a number, with NumPy's and JAX's operators
    "matmul": lambda np, x, a, c: a @ x * c,
    "broadcasting": lambda np, x, a, c: (a + x) * c - x / (c * c + 1.0) + a[:, :1] ** 2 + 2.0**x,
    "reductions": lambda np, x, a, c: [a.sum(axis=0) * x, (a * c).mean(), np.sum(x) - np.sum(a, axis=1)],
    "outer and dot": lambda np, x, a, c: {"b": np.outer(x, x), "a": np.dot(a, x), "c": c},
    "normalised": lambda np, x, a, c: (x - x.mean()) / (np.sum((x - x.mean()) ** 2) + c * c),
    "functions": lambda np, x, a, c: (np.sin(x) * np.exp(a), np.tanh(a @ x) + np.log(x * x).sum() * np.sqrt(x * x)[0]),
    "slices": lambda np, x, a, c: [x[::-1] * c, a.T[1:], np.concatenate([x, a[0]]), a.reshape(3, 2), x[0]],
    "constants": lambda np, x, a, c: [np.ones((2, 3)) * x + c, np.zeros((0, 3)), np.array(2.0) * c],
}  # fmt: skip
ARGS = np.array([0.5, -1.0, 2.0]), np.array([[1.0, -0.5, 0.25], [0.0, 2.0, -1.5]]), 0.75


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_of_arrays_by_arrays_are_those_of_jax(jax, name):
    def all_of(library, numpy):
        def f(*args):
            return FUNCTIONS[name](numpy, *args)

        def squared(*args):
            return sum((leaf * leaf).sum() if np.ndim(leaf) else leaf * leaf for leaf in leaves_of(f(*args)))

        def of(*args):
            value, pull = library.vjp(f, *args)
            return (
                pull(value), library.jacobian(f, (0, -2, 2))(*args), library.jacobian(f, -1)(*args),
                library.jvp(f, args, args), library.grad(squared, (1, 0))(*args),
                library.hessian(squared, (2, 0))(*args),
            )  # fmt: skip

        return of

    assert_same(all_of(m, np)(*ARGS), jax.jit(all_of(jax, jax.numpy))(*ARGS))


def test_aux_keywords_and_gradients_of_gradients_are_those_of_jax(jax):
    def f(x, y, *, c, scale):
        value = ((x * x * c).sum() + y["a"] ** 2) * scale["by"]
        return value, {"half": value / 2, "x": x * 1.0, "none": None, "c": c}

    keywords = {"c": 0.5, "scale": {"by": 3.0}}

    def all_of(library):
        def outer(y):
            gradient, aux = library.grad(lambda x: (f(x, y, **keywords)[0] * y["a"], x * y["a"]), has_aux=True)(ARGS[0])
            return (gradient * gradient * aux).sum()

        return [
            [
                library.grad(f, argnums, has_aux=True)(ARGS[0], {"a": 1.5}, **keywords),
                library.value_and_grad(f, argnums, has_aux=True)(ARGS[0], {"a": 1.5}, **keywords),
            ]
            for argnums in (0, -1, (0, 1))
        ] + [library.grad(outer)({"a": 0.5}), library.hessian(outer)({"a": 0.5})]

    assert_same(all_of(m), all_of(jax))

"""Reading a table by the number of a Value: `take`, `nn.Embedding`, eager and compiled, beside PyTorch."""

import itertools
import math
import re

import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, nn, optim
from microgradnn.primitive import Primitive
from microgradnn.table import argmax, select

backends = pytest.mark.parametrize("backend", ["numpy", "python", pytest.param("jax", marks=pytest.mark.jax)])


def table(rows=4, columns=3):
    return [[Value(10.0 * row + column) for column in range(columns)] for row in range(rows)]


def numbers(tree):
    return [numbers(branch) for branch in tree] if isinstance(tree, list) else getattr(tree, "data", tree)


def gradients(tree):
    return [gradients(branch) for branch in tree] if isinstance(tree, list) else tree.grad


# ---- take ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [2, 2.0, np.int64(2), np.float32(2.0), Value(2.0)], ids=repr)
def test_a_table_of_any_depth_is_read_by_any_number(index):
    entries = table()
    deep = [entries, entries[::-1], [[5.0] * 3] * 4]
    assert m.take([0.0, 1.0, 7.0], index) == 7.0
    assert numbers(m.take(entries, index)) == [20.0, 21.0, 22.0]
    assert m.take(deep, index) == [[5.0] * 3] * 4
    for container in (tuple(map(tuple, entries)), np.array(entries, object), iter(entries)):
        assert numbers(m.take(container, index)) == [20.0, 21.0, 22.0]
    assert m.take(np.arange(12.0).reshape(4, 3), index) == [6.0, 7.0, 8.0]


def test_plain_numbers_in_plain_number_out():
    assert type(m.take([1, 2], 1)) is float
    assert m.take([Value(1.0), 2], 1).data == 2.0


def test_the_gradient_goes_to_what_was_taken_alone():
    entries, index = table(), Value(1.0)
    row = m.take(entries, index)
    (row[0] * row[2]).backward()
    assert gradients(entries) == [[0.0] * 3, [12.0, 0.0, 10.0], [0.0] * 3, [0.0] * 3]
    assert (index.grad, index.swept) == (0.0, True)
    for order in (1, 2):
        m.check_grads(lambda t: m.take(t, 1.0) ** 3 * m.take(t, 0.0), ([0.5, -2.0, 1.5],), order=order)


def test_what_was_not_taken_spoils_nothing():
    x = Value(0.0)
    m.take([m.sqrt(x), x * 3.0], 1).backward()  # the slope of the root is infinite
    assert x.grad == 3.0
    assert m.take([math.inf, math.nan, 1.0], Value(2.0)).data == 1.0


def test_select_hands_on_what_its_partials_say():
    """It has a quicker way of its own."""
    for index, (a, b) in itertools.product(
        [0.0, 1.0, 2.0, 3.0, math.nan], itertools.product([Value(5.0), 0.0], [7.0, Value(0.0)])
    ):
        for first in (index, Value(index)):
            operands = (first, a, Value(-1.0), b)
            assert select.handed(1.0, operands) == Primitive.handed(select, 1.0, operands)


REFUSED = {
    "past the end": ([1.0, 2.0], 2, ValueError, r"whole number from 0 to 1, got 2\.0: places count from 0"),
    "below": ([1.0, 2.0], -1, ValueError, r"whole number from 0 to 1, got -1\.0"),
    "a half": ([1.0, 2.0], Value(0.5, "i"), ValueError, r"select\(i=0\.5, 1\.0, 2\.0\).* from 0 to 1, got 0\.5"),
    "nan": ([1.0, 2.0], math.nan, ValueError, "from 0 to 1, got nan"),
    "infinite": ([1.0, 2.0], math.inf, ValueError, "from 0 to 1, got inf"),
    "a large table": ([*range(99)], 99, ValueError, r"select\(99\.0, 0\.0, 1\.0, 2\.0, …\): .* to 98, got 99\.0"),
    "indices": ([1.0, 2.0], [0, 1], TypeError, r"one place, got the index \[0, 1\]: write \[take\(table, i\) for i in"),
    "text as an index": ([1.0, 2.0], "1", TypeError, "got str '1'"),
    "nothing": ([], 0, ValueError, r"one place or more, got \[\]"),
    "rows of nothing": ([[], []], 0, ValueError, "one place or more"),
    "ragged": ([[1.0], [1.0, 2.0]], 0, ValueError, r"rows of one length: fill .*, got \[\[1\.0\], \[1\.0, 2\.0\]\]"),
    "mixed": ([1.0, [2.0]], 0, ValueError, "numbers alone, or rows of one length"),
    "a dict": ({0: 1.0}, 0, TypeError, r"got dict .*\.values\(\)"),
    "a set": ({1.0, 2.0}, 0, TypeError, r"got set .*list\("),
    "text": ("ab", 0, TypeError, "got str 'ab'"),
    "swapped": (0, [1.0, 2.0], TypeError, "got the index"),
    "the index first": (0, [1.0, 2.0], TypeError, r"got the index \[1\.0, 2\.0\]: the index comes last"),
    "a Value as a table": (Value(1.0), 0, TypeError, r"got Value .*the index comes last"),
    "text in it": (["a"], 0, TypeError, "got str 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused(kind):
    entries, index, error, message = REFUSED[kind]
    with pytest.raises(error, match=message):
        m.take(entries, index)


# ---- compiled -----------------------------------------------------------------------------------------------------


def flat(tree):
    return [x for branch in tree for x in flat(branch)] if isinstance(tree, list) else [tree]


@backends
@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_program_reads_a_table_as_eager_code_does(backend, count):
    entries, rng = table(), np.random.default_rng(count)
    bias = Value(0.5)

    def f(indices, x):
        first, second = (m.take(entries, index) for index in indices)
        return m.sum([m.tanh(a * x + bias) * b for a, b in zip(first, second, strict=True)]) + m.take(entries, 3)[0]

    indices, x = rng.integers(0, 3, (count, 2)), rng.normal(size=count)
    params = [*flat(entries), bias]
    program = m.compile(f, params, example=([0, 0], 1.0), wrt="both", backend=backend)
    total = m.mean([f(*one) for one in zip(indices.tolist(), x.tolist(), strict=True)])
    total.backward()
    value, (by_params, (by_indices, by_x)) = program.value_and_grad(indices, x)
    assert value == pytest.approx(total.data, rel=1e-13)
    assert by_params.tolist() == pytest.approx([param.grad for param in params], rel=1e-12, abs=1e-13)
    assert by_indices.tolist() == np.zeros((count, 2)).tolist()
    assert by_x.shape == (count,)


@backends
def test_labels_of_a_batch_are_checked(backend):
    entries = table()
    program = m.compile(lambda index: m.sum(m.take(entries, index)), flat(entries), example=(0,), backend=backend)
    assert program.value([3, 0]) == (93.0 + 3.0) / 2
    for wrong in ([3, 4], [0, -1], [0.0, 0.5], [math.nan, 1.0]):
        number = next(x for x in wrong if x not in (0, 1, 2, 3))
        with pytest.raises(ValueError, match=rf"argument 0 must be whole numbers from 0 to 3.*got {number} in example"):
            program.value(wrong)


def test_every_index_in_an_argument_is_checked():
    """Two tables of two places and one of four, beside a number that is no index."""
    two, four = [Value(1.0), Value(10.0)], table()
    f = lambda x: m.take(two, x[0]) + m.take(two, x[3]) + m.sum(m.take(four, x[2])) * x[1]  # noqa: E731
    program = m.compile(f, [two, four], example=([0, 0.5, 0, 0],), reduce=None)
    good = [1, 0.5, 3, 0]
    assert program.value([good, good]).tolist() == [f(good).data] * 2
    for column, wrong, last in ((0, 2, 1), (3, 2, 1), (2, 4, 3), (2, 0.5, 3), (3, -1, 1)):
        bad = [*good[:column], wrong, *good[column + 1 :]]
        with pytest.raises(ValueError, match=rf"argument 0 .* from 0 to {last},.* got {float(wrong)} in example 1"):
            program.value([good, bad])
    whole = m.compile(lambda x: m.take(two, x[0]) + m.take(two, x[1]), two, example=([0, 0],))
    with pytest.raises(ValueError, match=r"argument 0 .* from 0 to 1,.* got 2 in example 0"):
        whole.value(np.array([[0, 2], [0, 0]]))


@backends
def test_a_place_that_a_program_finds_is_an_index(backend):
    """The place of the largest, or what stands in a table of places, however often."""
    entries = [Value(1.0), Value(10.0), Value(100.0)]
    likeliest = m.compile(lambda x: m.take(entries, argmax(*x)), entries, example=([0.0] * 3,), backend=backend)
    assert likeliest.value([[1.0, 3.0, 2.0]]) == 10.0
    assert likeliest.grad([[1.0, 3.0, 2.0]]).tolist() == [0.0, 1.0, 0.0]
    following = [[1, 2], [2, 0], [0, 1]]  # a machine of three states and two letters

    def run(*letters):
        state = 0
        for letter in letters:
            state = m.take(m.take(following, state), letter)
        return m.take(entries, state)

    program = m.compile(run, entries, example=(0, 0, 0), reduce=None, backend=backend)
    words = np.array([*itertools.product([0, 1], repeat=3)])
    assert program.value(*words.T).tolist() == [run(*word).data for word in words.tolist()]


LABELS = {
    "a result": (lambda x, t: m.take(t, x + 1.0), "got the result of add"),
    "a parameter": (lambda x, t: m.take(t, t[0]), "got a parameter"),
    "a constant past the end": (lambda x, t: m.take(t, 2) * x, r"got 2\.0"),
    "an argmax of more": (lambda x, t: m.take(t, argmax(x, x, 1.0)), "got the result of argmax"),
    "places past the end": (lambda x, t: m.take(t, m.take([0, 2], x)), "got the result of select"),
    "halves": (lambda x, t: m.take(t, m.take([0, 0.5], x)), "got the result of select"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_an_index_that_may_be_no_place_is_refused_by_line(kind):
    f, got = LABELS[kind]
    entries = [Value(1.0), Value(2.0)]
    line = f.__code__.co_firstlineno
    with pytest.raises(ValueError, match=rf"test_gathers\.py, line {line}: .*{got}.* an input, an argmax, or a whole"):
        m.compile(lambda x: f(x, entries), entries, example=(0.0,))


@backends
@pytest.mark.parametrize("gate", [m.maximum, m.minimum])
def test_the_largest_of_one_is_itself(gate, backend):
    """Alone or in a list, of a number, a Value and a traced Value."""
    w = Value(-2.0)
    for call in (gate, lambda x: gate([x]), lambda x: gate((x,))):
        assert call(3.0) == 3.0
        out = call(w * 3.0) * w
        w.grad = None
        out.backward()
        assert (out.data, w.grad) == (12.0, -12.0)
        program = m.compile(lambda x, call=call: call(w * x) * call(w) + call(x), w, example=(1.0,), backend=backend)
        value, gradient = program.value_and_grad([3.0, 1.0])
        assert (value, gradient) == (2.0 * 4.0 + 2.0, pytest.approx(2 * -2.0 * 2.0))


# ---- Embedding ----------------------------------------------------------------------------------------------------


def test_an_index_a_list_and_a_batch():
    embedding = nn.Embedding(5, 2, rng=0)
    rows = embedding.state_dict()["weight"].tolist()
    assert numbers(embedding(3)) == numbers(embedding(3.0)) == numbers(embedding(np.int64(3))) == rows[3]
    assert numbers(embedding(Value(3.0))) == rows[3]
    assert numbers(embedding([3, 0])) == numbers(embedding(np.array([3, 0]))) == [rows[3], rows[0]]
    assert numbers(embedding([[3], [0]])) == [[rows[3]], [rows[0]]]
    for wrong in (5, [4, 5], [[0], [-1]], 0.5):
        with pytest.raises(ValueError, match="whole number from 0 to 4, got"):
            embedding(wrong)


def test_its_state_start_and_looks():
    embedding = nn.Embedding(400, 50, rng=0)
    weight = embedding.state_dict()["weight"]
    assert (repr(embedding), weight.shape, len(embedding.parameters())) == ("Embedding(400, 50)", (400, 50), 20_000)
    assert (abs(weight.mean()) < 0.02, abs(weight.std() - 1.0) < 0.02) == (True, True)
    again = nn.Embedding(400, 50, rng=0)
    assert (again.state_dict()["weight"] == weight).all()
    again = nn.Embedding(400, 50, init="constant")
    again.load_state_dict(embedding.state_dict())
    assert (again.state_dict()["weight"] == weight).all()
    assert embedding.eval().train().weights() == embedding.parameters()
    assert nn.Embedding(3, 2)([1])[0][0].operands[1].name == "weight[0][0]"
    for wrong in (0, 1.5, "3"):
        with pytest.raises((TypeError, ValueError), match="num must be"):
            nn.Embedding(wrong, 2)


def test_examples_share_the_gates_of_what_they_have_in_common_but_no_lists():
    embedding = nn.Embedding(5, 2, rng=0)
    (first,), (second,) = embedding([[3], [3.0]])
    assert first is not second
    assert [x is y for x, y in zip(first, second, strict=True)] == [True, True]


def network(seed=0):
    return nn.Sequential(
        nn.Embedding(6, 3, rng=seed), nn.Flatten(), nn.Layer(6, 4, activation="tanh", rng=1),
        nn.Layer(4, 6, activation="linear", rng=2),
    )  # fmt: skip


rng = np.random.default_rng(0)
X, y = rng.integers(0, 5, (20, 2)), rng.integers(0, 6, 20)  # the last row is never taken


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "decay"])
def test_training_compiled_gives_what_eager_training_gives(optimizer):
    """Rows that no batch takes move as well, by what the optimiser remembers and by weight decay, as in PyTorch."""
    losses, weights = [], []
    for compiled in (False, True):
        model = network()
        choice = optim.AdamW(model.parameters(), 0.05, weight_decay=0.1) if optimizer == "decay" else optimizer
        history = m.fit(
            model, "cross_entropy", X, y, choice, 3, batch_size=8, validation=(X, y), rng=3, progress=False,
            compiled=compiled,
        )  # fmt: skip
        losses.append(history.loss + history.validation_loss)
        weights.append([parameter.data for parameter in model.parameters()])
    assert losses[1] == pytest.approx(losses[0], rel=1e-10)
    assert weights[1] == pytest.approx(weights[0], rel=1e-9, abs=1e-12)


@pytest.mark.torch
def test_training_is_that_of_pytorch():
    import torch

    model = network()
    theirs = torch.nn.Sequential(
        torch.nn.Embedding(6, 3), torch.nn.Flatten(), torch.nn.Linear(6, 4), torch.nn.Tanh(), torch.nn.Linear(4, 6)
    ).double()
    names = {"3": "4"}  # the activation is a module of its own there
    state = {re.sub(r"^\d", lambda n: names.get(n[0], n[0]), key): array for key, array in model.state_dict().items()}
    theirs.load_state_dict({key: torch.tensor(array) for key, array in state.items()})
    loss = torch.nn.functional.cross_entropy(theirs(torch.tensor(X)), torch.tensor(y))
    loss.backward()
    ours = nn.cross_entropy(model(X), y)
    ours.backward()
    assert ours.data == pytest.approx(loss.item(), rel=1e-13)
    slopes = [slope for parameter in theirs.parameters() for slope in parameter.grad.ravel().tolist()]
    assert [parameter.grad for parameter in model.parameters()] == pytest.approx(slopes, rel=1e-10, abs=1e-14)
    assert {key: array.shape for key, array in state.items()} == {
        key: tuple(tensor.shape) for key, tensor in theirs.state_dict().items()
    }
    indices = [[1, 0], [2, 2]]
    assert np.array(numbers(model.layers[0](indices))) == pytest.approx(
        theirs[0](torch.tensor(indices)).detach().numpy()
    )
    optimizer = torch.optim.AdamW(theirs.parameters(), 0.05, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(theirs(torch.tensor(X)), torch.tensor(y)).backward()
        optimizer.step()
    choice = optim.AdamW(model.parameters(), 0.05, weight_decay=0.1)
    m.fit(model, "cross_entropy", X, y, choice, 3, progress=False, compiled=True)
    numbers_ = [number for parameter in theirs.parameters() for number in parameter.ravel().tolist()]
    assert [parameter.data for parameter in model.parameters()] == pytest.approx(numbers_, rel=1e-8, abs=1e-11)


@pytest.mark.jax
@pytest.mark.parametrize("wrong", [2, -1, 0.5, math.nan])
def test_in_the_hands_of_jax_what_is_at_no_place_is_nan(wrong):
    """Nothing can be refused inside jax.jit; other examples stay as they are."""
    import jax

    entries = [Value(1.0), Value(10.0)]
    pure = m.compile(lambda i: m.take(entries, i), entries, example=(0,), reduce=None).to_jax()
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(pure)(np.array([1.0, 10.0]), np.array([1.0, wrong, 0.0])))
    assert found[[0, 2]].tolist() == [10.0, 1.0]
    assert math.isnan(found[1])

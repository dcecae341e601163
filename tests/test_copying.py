"""Copies and pickles know what the originals know and share what they share, whatever the depth."""

import copy
import io
import pickle
import sys
import weakref

import pytest

import microgradnn as m
from microgradnn import Value, grad, where
from microgradnn.context import inside
from microgradnn.graph import topological_order
from tests.test_context import in_threads
from tests.test_sweep import deep, gradients


@pytest.fixture
def quick_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("quick_switches")
def test_threads_may_pickle_and_copy_at_once():
    x, y = deep(2_000)

    def work():
        for one in (copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))):
            x2, y2 = one((x, y))
            y2.backward()
            assert x2.grad == 1.0

    in_threads(*[work] * 4)


class PythonPickler(pickle._Pickler):
    """The pickler in pure Python, as some libraries derive from it."""


def pickled_in_python(thing):
    file = io.BytesIO()
    PythonPickler(file).dump(thing)
    return pickle.loads(file.getvalue())


COPIES = [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing)), pickled_in_python]


COPIES += [lambda thing, p=p: pickle.loads(pickle.dumps(thing, protocol=p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("leaf_first", [True, False])
def test_values_copied_together_stay_shared(copied, leaf_first):
    x = Value(3.0, "x")
    with inside("net"):
        y = m.sin(x * x) + m.maximum(x, 1.0, x * 2)
    x.grad = 0.25
    x2, y2 = copied((x, y)) if leaf_first else reversed(copied((y, x)))
    assert topological_order(y2)[0] is x2
    assert (x2.name, x2.grad, y2.data, y2.partials) == ("x", 0.25, y.data, y.partials)
    assert [node.path for node in topological_order(y2)] == [None, *["net"] * 5]
    y2.backward()
    assert x.grad == 0.25
    y.backward()
    assert x2.grad == x.grad


@pytest.mark.parametrize("copied", COPIES)
def test_copies_inside_other_objects_stay_shared(copied):
    x = Value(3.0)
    net = {"weights": [x], "layers": {"out": x * x, "again": (x * x) * x}}
    twin = copied(net)
    twin["layers"]["again"].backward()
    assert twin["weights"][0].grad == 27.0
    assert twin["layers"]["out"].operands[0] is twin["weights"][0]


def test_deepcopy_through_a_memo_twice_gives_the_same_copy():
    x = Value(3.0)
    memo = {}
    first = copy.deepcopy(x * x, memo)
    assert copy.deepcopy(x, memo) is first.operands[0]


def test_a_memo_keeps_what_was_copied_alive_so_that_no_copy_stands_for_another():
    """Where a `__deepcopy__` calls that of a Value itself: the memo goes by `id`, and the dead hand theirs on."""
    memo = {}
    assert [Value(float(number)).__deepcopy__(memo).data for number in range(100)] == [*map(float, range(100))]
    y = Value(3.0) * 2
    end = weakref.ref(y)
    y.__deepcopy__(memo)
    del y
    assert end() is not None
    del memo
    assert end() is None


def test_one_pickler_keeps_sharing_over_several_dumps():
    x = Value(3.0)
    y = x * x
    file = io.BytesIO()
    pickler = pickle.Pickler(file)
    pickler.dump(x)
    pickler.dump(y)
    file.seek(0)
    unpickler = pickle.Unpickler(file)
    x2, y2 = unpickler.load(), unpickler.load()
    assert y2.operands[0] is x2


def test_a_pickler_that_lives_on_does_not_disturb_the_next_one():
    _, y = deep(5_000)
    first = pickle.Pickler(io.BytesIO())
    first.dump((y, y + 1))
    assert pickle.loads(pickle.dumps(y)).data == y.data
    first.dump(y + 2)
    assert pickle.loads(pickle.dumps(y)).data == y.data


def test_copy_is_a_new_node_on_the_same_operands():
    x = Value(3.0, "x")
    y = x * x
    twin = copy.copy(y)
    assert twin is not y
    assert twin.operands[0] is x
    assert gradients(twin, x) == [6.0]
    leaf = copy.copy(x)
    leaf.data = 5.0
    assert x.data == 3.0


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_derivative_in_which_gates_chose_stays_one(copied):
    """What they did not take is not in its graph, so it cannot be computed anew."""
    x = Value(0.0)
    x, derivative = copied((x, grad(lambda t: where(x, t * t, 5 * t))(3.0)))
    x.data = 1.0
    with pytest.raises(ValueError, match="cannot compute this graph anew"):
        derivative.forward()

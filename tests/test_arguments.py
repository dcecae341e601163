"""Parameters in any container come back nested as they were given, or the container is refused by name."""

import itertools
import pickle
from collections import ChainMap, OrderedDict, UserDict, UserList, deque, namedtuple
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, nn, optim

Pair = namedtuple("Pair", "w b")


def flat(tree):
    if isinstance(tree, dict):
        return flat(list(tree.values()))
    return [x for one in tree for x in flat(one)] if isinstance(tree, list | tuple | np.ndarray) else [tree]


def listed(tree):
    """The same nesting with lists for arrays."""
    if isinstance(tree, dict):
        return {name: listed(one) for name, one in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(map(listed, tree)) if not hasattr(tree, "_make") else tree._make(map(listed, tree))
    return tree.tolist() if isinstance(tree, np.ndarray) else tree


def same(value):
    return value


CONTAINERS = {  # of three Values, and the gradient (1, 2, 3) nested alike
    "a generator": (lambda a, b, c: (v for v in (a, b, c)), [1.0, 2.0, 3.0]),
    "a generator in a dict": (lambda a, b, c: {"w": (v for v in (a, b)), "b": c}, {"w": [1.0, 2.0], "b": 3.0}),
    "generators in a generator": (
        lambda a, b, c: ((v for v in row) for row in ([a, b], [c])), [[1.0, 2.0], [3.0]],
    ),
    "a map": (lambda a, b, c: [map(same, [a]), [b, c]], [[1.0], [2.0, 3.0]]),
    "an iterator": (lambda a, b, c: (iter([a, b]), c), ([1.0, 2.0], 3.0)),
    "a chain": (lambda a, b, c: [itertools.chain([a], [b, c])], [[1.0, 2.0, 3.0]]),
    "a zip": (lambda a, b, c: [zip([a, b], strict=True), c], [[[1.0], [2.0]], 3.0]),
    "a reversed list": (lambda a, b, c: {"w": reversed([c, b, a])}, {"w": [1.0, 2.0, 3.0]}),
    "an enumeration's values": (lambda a, b, c: {"w": (v for _, v in enumerate([a, b, c]))}, {"w": [1.0, 2.0, 3.0]}),
    "dict views": (lambda a, b, c: [{"w": a, "v": b}.values(), {c: "name"}.keys()], [[1.0, 2.0], [3.0]]),
    "an array of objects": (lambda a, b, c: [np.array([a, b], object), c], [[1.0, 2.0], 3.0]),
    "a matrix of objects": (lambda a, b, c: np.array([[a], [b], [c]], object), [[1.0], [2.0], [3.0]]),
    "a deque": (lambda a, b, c: deque([a, b, c]), [1.0, 2.0, 3.0]),
    "a user's list": (lambda a, b, c: UserList([a, UserList([b, c])]), [1.0, [2.0, 3.0]]),
    "mappings": (
        lambda a, b, c: [OrderedDict(w=a), UserDict(w=b), MappingProxyType({"w": c}), ChainMap()],
        [{"w": 1.0}, {"w": 2.0}, {"w": 3.0}, {}],
    ),
    "a named tuple": (lambda a, b, c: Pair([a, b], c), Pair([1.0, 2.0], 3.0)),
    "a named tuple of Values": (lambda a, b, c: [Pair(a, b), c], [Pair(1.0, 2.0), 3.0]),
    "a tuple": (lambda a, b, c: (a, (b, c)), (1.0, [2.0, 3.0])),
    "the parameters of a module": (lambda a, b, c: _holding(a, b, c).parameters(), [1.0, 2.0, 3.0]),
    "the named parameters of a module": (
        lambda a, b, c: dict(_holding(a, b, c).named_parameters()), {"w[0]": 1.0, "w[1]": 2.0, "w[2]": 3.0},
    ),
}  # fmt: skip


def _holding(*values):
    class Holding(nn.Module):
        def __init__(self):
            self.w = list(values)

    return Holding()


@pytest.mark.sampled(5)
@pytest.mark.parametrize("kind", CONTAINERS)
def test_parameters_in_any_container_are_found_and_their_gradient_is_nested_alike(kind):
    make, wanted = CONTAINERS[kind]
    a, b, c = Value(5.0), Value(6.0), Value(7.0)
    program = mg.compile(lambda x: a * x + 2 * b * x + 3 * c * x, make(a, b, c), example=(0.0,))
    assert listed(program.grad([1.0])) == wanted
    assert program.params.tolist() == [5.0, 6.0, 7.0]
    assert listed(pickle.loads(pickle.dumps(program)).grad([1.0])) == wanted


@dataclass
class Weights:
    w: Value


REFUSED = {  # what is no container of parameters, and the words of the message
    "a set": (lambda v: {v}, "set of 1, which has no order: give a list"),
    "a frozenset in a dict": (lambda v: {"w": frozenset([v])}, "frozenset of 1, which has no order"),
    "a module": (lambda v: nn.MLP(1, [1]), r"MLP.*give its \.parameters\(\)"),
    "a list of modules": (lambda v: [nn.MLP(1, [1])], r"MLP.*give its \.parameters\(\)"),
    "modules in a row": (lambda v: nn.Sequential(nn.Layer(1, 1)), r"give its \.parameters\(\)"),
    "a dataclass": (lambda v: Weights(v), "Weights"),
    "a namespace": (lambda v: SimpleNamespace(w=v), "SimpleNamespace"),
    "an object with attributes": (lambda v: optim.SGD([v]), "SGD"),
    "an array of one object": (lambda v: np.array(v, object), "ndarray"),
    "a function": (lambda v: lambda: v, "function"),
    "None": (lambda v: None, "NoneType None"),
    "None in a list": (lambda v: [v, None], "NoneType None"),
    "text": (lambda v: [v, "w"], "str 'w'"),
    "a number in a generator": (lambda v: (one for one in (v, 1.0)), "float 1.0"),
    "a Value as key": (lambda v: {v: 1.0}, "float 1.0"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_parameters_in_order_is_refused_by_name(kind):
    make, words = REFUSED[kind]
    v = Value(1.0)
    with pytest.raises(TypeError, match=f"^params .*{words}"):
        mg.compile(lambda x: v * x, make(v), example=(1.0,))


def test_a_parameter_twice_is_named_with_both_places():
    v = Value(1.5)
    with pytest.raises(ValueError, match=r"1\.5.* twice, as number 0 and 2: list it once"):
        mg.compile(lambda x: v * x, [v, (Value(one) for one in [1.0]), {"again": iter([v])}], example=(1.0,))


@pytest.mark.parametrize("params", [(), [], {}, iter(())], ids=["tuple", "list", "dict", "iterator"])
def test_no_parameters_are_no_gradient_where_that_was_meant(params):
    value, gradient = mg.compile(lambda x: x * x, params, example=(1.0,)).value_and_grad([3.0])
    assert (value, flat(gradient)) == (9.0, [])

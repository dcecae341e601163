"""Trees of numbers: taken apart, put together again, compared."""

from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from hypothesis import given, strategies as st

from microgradnn import Value
from microgradnn.trees import array_of, copied, is_array, leaves, like, matched, spread, walked

Point = namedtuple("Point", "x y")
SHAPES = [(), (0,), (3,), (2, 2), (1, 0, 2)]
NUMBERS = st.floats(-2, 2) | st.integers(-2, 2)
ARRAYS = st.sampled_from(SHAPES).flatmap(
    lambda shape: st.lists(NUMBERS, min_size=4, max_size=4).map(
        lambda numbers: np.resize(np.array(numbers, float), shape)
    )
)
TREES = st.recursive(
    NUMBERS | ARRAYS | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.builds(Point, inner, inner)
        | st.dictionaries(st.sampled_from("cab"), inner, max_size=3)
    ),
    max_leaves=6,
)


def shape_of(tree):
    """Containers, keys in order, and shapes, without the numbers."""
    if isinstance(tree, dict):
        return type(tree), [(key, shape_of(branch)) for key, branch in tree.items()]
    if isinstance(tree, list | tuple):
        return type(tree), [shape_of(branch) for branch in tree]
    return None if tree is None else np.shape(tree)


@given(TREES)
def test_what_is_taken_apart_can_be_put_together_again(tree):
    numbers = spread(tree)
    again = like(tree, iter(numbers))
    assert shape_of(again) == shape_of(tree)
    assert spread(again) == numbers == matched(tree, tree)
    assert spread(copied(tree)) == numbers
    places = iter(range(len(numbers)))
    assert spread(like(tree, places)) == [*range(len(numbers))]
    assert next(places, None) is None


def test_branches_stand_in_the_order_in_which_they_were_given():
    tree = {"b": 1.0, "a": Point([2.0, None], np.array([[3.0], [4.0]])), "c": OrderedDict(z=5.0, y=6.0)}
    assert spread(tree) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    again = like(tree, iter("abcdef"))
    assert (again["a"].x, again["a"].y.tolist(), again["c"]) == (["b", None], [["c"], ["d"]], OrderedDict(z="e", y="f"))
    assert list(again) == ["b", "a", "c"]
    assert type(again["c"]) is OrderedDict
    assert like(defaultdict(list, a=1.0), iter([2.0]))["new"] == []


def test_a_copy_shares_no_container_with_the_tree():
    tree = {"list": [1.0], "array": np.array([1, 2]), "inner": {"a": (np.array([Value(3.0)]),)}}
    other = copied(tree)
    other["list"].append(2.0)
    other["array"][0] = 5
    other["inner"]["a"][0][0] = 4.0
    other["inner"]["b"] = 1.0
    assert (tree["list"], tree["array"].tolist(), list(tree["inner"])) == ([1.0], [1, 2], ["a"])
    assert isinstance(tree["inner"]["a"][0][0], Value)
    assert other["array"].dtype == int


def test_arrays_are_of_floats_or_of_objects():
    x = Value(1.0)
    assert array_of([1.0, 2.0], (2,)).dtype == array_of([], (0, 3)).dtype == float
    for entries in ([1.0, x], [1, 2], [[1.0], [2.0]]):
        array = array_of(entries, (2, 1))
        assert (array.dtype, array.shape, array[1, 0]) == (object, (2, 1), entries[1])
    assert [is_array(thing) for thing in (np.ones(1), np.float64(1), [1.0], x, None)] == [True] + [False] * 4
    assert spread(np.float64(2.0)) == [2.0]


def test_every_number_and_every_array_is_visited_once_and_none_is_no_number():
    visited = []
    array = np.ones(2)
    assert walked([1.0, {"a": None, "b": (array,)}], lambda leaf: visited.append(leaf) or 0) == [
        0,
        {"a": None, "b": (0,)},
    ]
    assert visited[0] == 1.0
    assert visited[1] is array


@pytest.mark.parametrize(
    ("tree", "pattern", "numbers"),
    [
        ({"b": 1.0, "a": 2.0}, {"a": 0.0, "b": 0.0}, [2.0, 1.0]),
        ([1.0, 2.0], np.zeros(2), [1.0, 2.0]),
        (np.array([[1.0], [2.0]]), [(0,), [0]], [1.0, 2.0]),
        (3.0, np.array(0.0), [3.0]),
        ([None, 1.0], (None, 0.0), [1.0]),
        ([1.0], [0.0, 0.0], None),
        ({"a": 1.0}, {"b": 0.0}, None),
        ({"a": 1.0}, [0.0], None),
        (1.0, [0.0], None),
        ([1.0], 0.0, None),
        (1.0, None, None),
        (np.zeros((2, 1)), np.zeros((1, 2)), None),
    ],
)
def test_trees_that_are_alike_are_matched_and_others_refused(tree, pattern, numbers):
    if numbers is None:
        with pytest.raises(ValueError):  # noqa: PT011  whoever asks says what of what
            matched(tree, pattern)
    else:
        assert matched(tree, pattern) == numbers


def test_leaves_are_those_of_lists_alone():
    assert leaves([1, (2, [3])]) == [1, 2, 3]
    inner = {"a": 1.0}
    assert leaves([inner, None]) == [inner, None]

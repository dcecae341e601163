"""Copies and pickles know what the originals know; sharing and depth are tested with `Value`."""

import copy
import pickle

import pytest

from microgradnn import Value, grad, where


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_derivative_in_which_gates_chose_stays_one(copied):
    """What they did not take is not in its graph, so it cannot be computed anew."""
    x = Value(0.0)
    x, derivative = copied((x, grad(lambda t: where(x, t * t, 5 * t))(3.0)))
    x.data = 1.0
    with pytest.raises(ValueError, match="cannot compute this graph anew"):
        derivative.forward()

"""Names that other packages have are answered by what to write here; other missing names by the nearest one."""

import copy
import pickle

import pytest

import microgradnn
from microgradnn import Value, nn, optim
from microgradnn.hints import HINTS
from microgradnn.micrograd import Value as RoomValue

OWNERS = {
    "micrograd": microgradnn.micrograd,
    "microgradnn": microgradnn,
    "nn": nn,
    "nn.init": nn.init,
    "nn.functional": nn.functional,
    "optim": optim,
    "Value": Value(2.0),
    "Module": nn.MLP(2, [1]),
}
HINTED = [(owner, name) for owner, hints in HINTS.items() for name in hints]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("owner", "name"), HINTED)
def test_a_hinted_name_is_missing_and_answered(owner, name):
    called = {"Module": "MLP"}.get(owner, owner)
    assert not hasattr(OWNERS[owner], name)
    with pytest.raises(AttributeError) as raised:
        getattr(OWNERS[owner], name)
    assert str(raised.value) == f"{called} has no {name}: {HINTS[owner][name]}"
    assert len(HINTS[owner][name]) < 150


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("owner", "name"), [hinted for hinted in HINTED if hinted[0] in ("microgradnn", "nn", "optim")]
)
def test_an_import_is_answered_alike(owner, name):
    package = owner if owner == "microgradnn" else f"microgradnn.{owner}"
    with pytest.raises(ImportError) as raised:
        exec(f"from {package} import {name}")  # noqa: S102
    assert str(raised.value) == f"{owner} has no {name}: {HINTS[owner][name]}"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: microgradnn.sofmax, "microgradnn has no sofmax: did you mean softmax?"),
        (lambda: microgradnn.qqqq, "microgradnn has no qqqq: dir(microgradnn) lists what it has"),
        (lambda: nn.sequential, "nn has no sequential: did you mean Sequential?"),
        (lambda: optim.adam, "optim has no adam: did you mean Adam?"),
        (lambda: nn.MLP(1, [1]).paramters, "MLP has no paramters: did you mean parameters?"),
        (lambda: setattr(Value(1.0), "label", "x"), "Value has no label: its name is v.name"),
        (lambda: Value(1.0).dta, "'Value' object has no attribute 'dta'"),  # to which Python adds the nearest name
    ],
)
def test_other_names_are_answered_by_the_nearest(ask, message):
    with pytest.raises(AttributeError) as raised:
        ask()
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("owner", "name", "values", "expected"),
    [
        ("microgradnn", "fmod", {"x": -7.0, "y": 3.0}, -1.0),
        ("microgradnn", "mod", {"x": -7.0, "y": 3.0}, 2.0),
        ("microgradnn", "clamp", {"x": 7.0, "low": -3.0, "high": 3.0}, 3.0),
        ("nn", "HingeEmbeddingLoss", {"distances": [2.0, 0.25, 2.0], "targets": [1, -1, -1]}, (2.0 + 0.75 + 0.0) / 3),
        ("nn", "SoftMarginLoss", {"outputs": [0.0, 0.0], "targets": [1, -1]}, 0.6931471805599453),
        ("nn", "PoissonNLLLoss", {"outputs": [0.0, 0.0], "targets": [1.0, 3.0]}, 1.0),
        ("nn", "CosineSimilarity", {"a": [3.0, 4.0], "b": [4.0, 3.0]}, 0.96),
    ],
)
def test_an_expression_computes_what_the_name_does(owner, name, values, expected):
    expression = HINTS[owner][name].partition(", or ")[0]
    assert eval(expression, vars(microgradnn) | values) == pytest.approx(expected)


def test_submodules_are_still_imported():
    from microgradnn import course, latex  # noqa: F401

    with pytest.raises(ImportError, match=r"^nn has no Lay: did you mean"):
        from microgradnn.nn import Lay  # noqa: F401


def test_hints_are_no_attributes():
    assert "item" not in dir(Value(1.0))
    assert {"relu", "data", "label"} - {*dir(Value(1.0))} == {"label"}
    assert "label" in dir(RoomValue(1.0))
    node = RoomValue(1.0)
    node.item, node.shape = 3, (1,)  # attributes of the user's on a node
    assert (node.item, node.shape, copy.deepcopy(node).item, pickle.loads(pickle.dumps(node)).item) == (3, (1,), 3, 3)
    assert not hasattr(RoomValue(1.0), "item")
    del node.item
    assert not hasattr(node, "item")
    with pytest.raises(AttributeError, match=r"Value has no shape: a Value is one number"):
        del Value(1.0).shape


def test_what_is_missing_in_a_property_of_a_module_is_named():
    class Halved(nn.Module):
        @property
        def rate(self):
            return self.full_rate / 2

    with pytest.raises(AttributeError, match=r"^Halved has no full_rate"):
        Halved().rate  # noqa: B018
    assert not hasattr(Halved(), "rate")


def test_modules_are_copied_and_pickled():
    model = nn.MLP(2, [1], rng=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.state_dict().keys() == model.state_dict().keys()

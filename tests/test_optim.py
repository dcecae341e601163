"""Optimisers against PyTorch, closed forms and note 001; vectors, schedules, clipping, states, what is refused."""

import copy
import inspect
import json
import math
import pickle
import random
import re
import subprocess
import sys
import warnings

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from microgradnn import Value, optim
from microgradnn.nn import Layer, Sequential
from microgradnn.optim import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Cosine,
    ExponentialDecay,
    InverseTimeDecay,
    Optimizer,
    RMSProp,
    StepDecay,
    clip_grad_norm,
)
from microgradnn.optim.absent import ABSENT
from microgradnn.settings import positive

INF, NAN = math.inf, math.nan

# name in torch.optim, class, settings of the optimiser, settings of a second group; None: no groups
CASES = [
    ("SGD", SGD, {"lr": 0.1}, None),
    ("SGD", SGD, {"lr": 0.1, "weight_decay": 0.3}, None),
    ("SGD", SGD, {"lr": 0.05, "momentum": 0.9}, None),
    ("SGD", SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}, {"lr": 0.01, "momentum": 0.5}),
    ("SGD", SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}, None),
    ("SGD", SGD, {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}, {"nesterov": False}),
    ("SGD", SGD, {"lr": 0.05, "momentum": 0.9}, {"momentum": 0.0}),
    ("Adagrad", AdaGrad, {}, None),
    ("Adagrad", AdaGrad, {"lr": 0.5, "weight_decay": 0.2}, None),
    ("Adagrad", AdaGrad, {"lr": 0.5, "eps": 1e-3}, {"lr": 0.1, "weight_decay": 0.1}),
    ("RMSprop", RMSProp, {}, None),
    ("RMSprop", RMSProp, {"lr": 0.05, "alpha": 0.9, "weight_decay": 0.1}, None),
    ("RMSprop", RMSProp, {"lr": 0.05, "eps": 1e-3}, {"alpha": 0.5, "eps": 1e-6}),
    ("Adam", Adam, {}, None),
    ("Adam", Adam, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-4}, None),
    ("Adam", Adam, {"lr": 0.1, "betas": (0.0, 0.5)}, None),
    ("Adam", Adam, {"lr": 0.1, "weight_decay": 0.2}, {"lr": 0.01, "betas": (0.8, 0.99)}),
    ("AdamW", AdamW, {}, None),
    ("AdamW", AdamW, {"lr": 0.1, "weight_decay": 0.5}, None),
    ("AdamW", AdamW, {"lr": 0.1, "weight_decay": 0.5}, {"lr": 0.01, "weight_decay": 0.0}),
]
EACH = [
    pytest.param(SGD, {"lr": 0.1}, id="SGD"),
    pytest.param(SGD, {"lr": 0.03, "momentum": 0.8}, id="momentum"),
    pytest.param(SGD, {"lr": 0.03, "momentum": 0.8, "nesterov": True}, id="nesterov"),
    pytest.param(AdaGrad, {"lr": 1.0}, id="AdaGrad"),
    pytest.param(RMSProp, {"lr": 0.01}, id="RMSProp"),
    pytest.param(Adam, {"lr": 0.1}, id="Adam"),
    pytest.param(AdamW, {"lr": 0.1, "weight_decay": 0.0}, id="AdamW"),
]
START = [1.0, -2.0, 0.5, 3.0, 1e-3]


def slope(weight, place, step):
    """The gradient of parameter `place`: of a bowl with a wobble; None where that step gives it no gradient."""
    if place == 1 and step % 3 == 0:
        return None
    return (place + 1) * 0.3 * (weight - 0.2 * place) + math.sin(step * (place + 1))


def grouped(params, second):
    return params if second is None else [{"params": params[:2]}, {"params": params[2:], **second}]


def walk(params, optimizer, steps):
    """Take the given steps on `slope`."""
    for step in steps:
        optimizer.zero_grad()
        for place, parameter in enumerate(params):
            parameter.grad = slope(parameter.data, place, step)
        optimizer.step()
    return [parameter.data for parameter in params]


def values(numbers=(1.0, 2.0)):
    return [Value(number) for number in numbers]


# ---- the rules ------------------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize(("name", "ours", "settings", "second"), CASES)
def test_a_hundred_steps_are_those_of_torch(name, ours, settings, second):
    import torch

    mine = values(START)
    optimizer = ours(grouped(mine, second), **settings)
    theirs = [torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in START]
    other = getattr(torch.optim, name)(grouped(theirs, second), **settings)
    for step in range(100):
        walk(mine, optimizer, [step])
        for place, tensor in enumerate(theirs):
            gradient = slope(tensor.item(), place, step)
            tensor.grad = None if gradient is None else torch.tensor(gradient, dtype=torch.float64)
        other.step()
        expected = [tensor.item() for tensor in theirs]
        assert [parameter.data for parameter in mine] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert max(abs(new - old) for new, old in zip(expected, START, strict=True)) > 0.01


@pytest.mark.torch
@pytest.mark.parametrize(("name", "ours"), [("Adagrad", AdaGrad), ("RMSprop", RMSProp), ("Adam", Adam)])
def test_the_edges_are_those_of_torch(name, ours):
    """With ε = 0 a gradient of 0 is 0/0; infinite gradients and huge ones give what IEEE 754 gives."""
    import torch

    for gradient in (0.0, 1e-200, 1e200, INF, NAN):
        weight, tensor = Value(1.0), torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
        weight.grad, tensor.grad = gradient, torch.tensor(gradient, dtype=torch.float64)
        ours([weight], lr=0.1, eps=0.0).step()
        getattr(torch.optim, name)([tensor], lr=0.1, eps=0.0).step()
        assert weight.data == pytest.approx(tensor.item(), nan_ok=True)


def first_steps(optimizer, weight, gradients):
    found = []
    for gradient in gradients:
        weight.grad = gradient
        optimizer.step()
        found.append(weight.data)
    return found


def test_descent_and_momentum_by_hand():
    for settings, expected in [
        ({}, [-0.5, -1.5]),
        ({"momentum": 0.5}, [-0.5, -1.75]),  # v = 1, then 2.5
        ({"momentum": 0.5, "nesterov": True}, [-0.75, -2.375]),  # g + μv = 1.5, then 3.25
        ({"weight_decay": 1.0}, [-0.5, -1.25]),  # g + w = 1, then 1.5
    ]:
        weight = Value(0.0)
        assert first_steps(SGD([weight], lr=0.5, **settings), weight, [1.0, 2.0]) == expected


def test_the_momentum_of_note_001_takes_the_same_path():
    """Note 001: v = μv − αg, then w + v."""
    weight, other, velocity = Value(3.0), 3.0, 0.0
    optimizer = SGD([weight], lr=0.1, momentum=0.9)
    for _ in range(20):
        weight.grad = 2 * weight.data
        optimizer.step()
        velocity = 0.9 * velocity - 0.1 * (2 * other)
        other += velocity
    assert weight.data == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize("gradient", [2.0, -0.003, 1e5])
@pytest.mark.parametrize("rule", [Adam, AdamW, AdaGrad])
def test_the_first_step_is_the_learning_rate_whatever_the_gradient(rule, gradient):
    weight = Value(0.0)
    (after,) = first_steps(rule([weight], lr=0.1), weight, [gradient])
    assert after == pytest.approx(-math.copysign(0.1, gradient), rel=1e-5)


def test_adam_of_note_001_has_no_bias_correction():
    """Its first step would be (1 − β₁) / √(1 − β₂) = 3.16 learning rates."""
    weight = Value(0.0)
    optimizer = Adam([weight], lr=0.1)
    first_steps(optimizer, weight, [7.0])
    record = optimizer.state[weight]
    assert record["mean"] / math.sqrt(record["mean_square"]) == pytest.approx(3.16, abs=0.005)
    assert weight.data == pytest.approx(-0.1)


def test_adagrad_and_rmsprop_by_hand():
    weight = Value(0.0)
    assert first_steps(AdaGrad([weight], lr=1.0, eps=1.0), weight, [3.0, 4.0]) == pytest.approx(
        [-3 / 4, -3 / 4 - 4 / 6]
    )
    weight = Value(0.0)
    steps = first_steps(RMSProp([weight], lr=1.0, alpha=0.75, eps=1.0), weight, [2.0, 2.0])
    assert steps == pytest.approx([-1.0, -1.0 - 2 / (math.sqrt(1.75) + 1)])


@pytest.mark.parametrize("rule", [Adam, AdamW])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_adam_is_its_formula_at_every_step(rule, decay):
    """The means as sums over all gradients so far: M̂ = (1 − β₁) Σ β₁ᵗ⁻ⁱ gᵢ / (1 − β₁ᵗ), V̂ alike (Kingma, Ba 2015)."""
    weight, rate, (beta1, beta2), eps, seen = Value(2.0), 0.1, (0.8, 0.95), 0.25, []
    optimizer = rule([weight], lr=rate, betas=(beta1, beta2), eps=eps, weight_decay=decay)
    for t, gradient in enumerate([1.0, -3.0, 0.5, 4.0, 0.0, -0.25], 1):
        before = weight.data
        seen.append(gradient + decay * before if rule is Adam else gradient)
        mean = sum((1 - beta1) * beta1 ** (t - i) * g for i, g in enumerate(seen, 1)) / (1 - beta1**t)
        square = sum((1 - beta2) * beta2 ** (t - i) * g * g for i, g in enumerate(seen, 1)) / (1 - beta2**t)
        shrunk = before if rule is Adam else before * (1 - rate * decay)
        (after,) = first_steps(optimizer, weight, [gradient])
        assert after == pytest.approx(shrunk - rate * mean / (math.sqrt(square) + eps), rel=1e-12)


def test_adagrad_of_note_001_has_its_epsilon_under_the_root():
    """√(Σg² + 1e-8) and √Σg² + ε agree but for tiny gradients."""
    for gradient, alike in [(1.0, True), (1e-6, False)]:
        weight = Value(0.0)
        (ours,) = first_steps(AdaGrad([weight], lr=0.1), weight, [gradient])
        theirs = -0.1 * gradient / math.sqrt(gradient**2 + 1e-8)
        assert (ours == pytest.approx(theirs, rel=1e-6)) is alike


def test_decay_of_adam_is_scaled_away_and_that_of_adamw_is_not():
    """On a gradient of 0, AdamW shrinks by 1 − αλ; Adam takes a whole learning rate however small λ is."""
    for rule, expected in [(AdamW, 2.0 * (1 - 0.1 * 0.01)), (Adam, 2.0 - 0.1)]:
        weight = Value(2.0)
        assert first_steps(rule([weight], lr=0.1, weight_decay=0.01), weight, [0.0]) == [pytest.approx(expected)]


@pytest.mark.parametrize(("rule", "settings"), EACH)
def test_a_bowl_is_descended(rule, settings):
    x, y = Value(2.0), Value(-1.0)
    optimizer = rule([x, y], **settings)
    for _ in range(600):
        optimizer.zero_grad()
        ((x - 1) ** 2 + 3 * (y + 2) ** 2).backward()
        optimizer.step()
    assert [x.data, y.data] == pytest.approx([1.0, -2.0], abs=0.02)


def test_too_large_a_learning_rate_overshoots_and_too_small_never_arrives():
    """Note 001, on w²: the weight is multiplied by 1 − 2α at every step."""
    for rate, factor in [(1.1, -1.2), (0.25, 0.5), (1e-4, 0.9998)]:
        weight = Value(1.0)
        optimizer = SGD([weight], lr=rate)
        for _ in range(20):
            optimizer.zero_grad()
            (weight * weight).backward()
            optimizer.step()
        assert weight.data == pytest.approx(factor**20)


# ---- parameters and groups ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "settings"), EACH)
def test_a_parameter_without_a_gradient_is_left_alone(rule, settings):
    """Also by momentum and weight decay, and it is not counted as a step."""
    reached, left = values()
    optimizer = rule([reached, left], **{**settings, "weight_decay": 0.5})
    reached.grad = 1.0
    optimizer.step()
    assert left.data == 2.0
    assert reached.data != 1.0
    assert set(optimizer.state[left].values()) == {0.0}


def test_zero_grad_makes_gradients_blank():
    params = values()
    (params[0] * params[1]).backward()
    SGD(params, lr=0.1).zero_grad()
    assert [parameter.swept for parameter in params] == [False, False]


def test_learning_rates_by_fan_in():
    """Note 001: the learning rate of a layer is scaled by 1/√fan_in."""
    layers = {4: values([0.0] * 4), 9: values([0.0] * 9)}
    optimizer = SGD([{"params": ws, "lr": 0.6 / math.sqrt(fan_in)} for fan_in, ws in layers.items()], lr=0.6)
    for weight in optimizer.state:
        weight.grad = 1.0
    optimizer.step()
    assert {weight.data for weight in layers[4]} == {-0.3}
    assert {round(weight.data, 12) for weight in layers[9]} == {-0.2}


def test_the_groups_given_are_copied_and_the_optimizers_own_are_live():
    mine = {"params": values(), "lr": 1.0}
    optimizer = SGD([mine], lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.5
    assert mine == {"params": mine["params"], "lr": 1.0}
    weight = mine["params"][0]
    weight.grad = 1.0
    optimizer.step()
    assert weight.data == 0.5


def test_params_may_be_any_ordered_iterable():
    params = values()
    for given in (params, tuple(params), iter(params), {0: params[0], 1: params[1]}.values()):
        assert list(map(id, SGD(given, lr=0.1).state)) == list(map(id, params))
    assert [len(group["params"]) for group in SGD(({"params": iter([w])} for w in params), 0.1).param_groups] == [1, 1]


def test_two_values_that_are_equal_are_two_parameters():
    one, other = Value(1.0), Value(1.0)
    one.grad, other.grad = 1.0, 2.0
    SGD([one, other], lr=1.0).step()
    assert (one.data, other.data) == (0.0, -1.0)


def test_an_optimizer_is_a_rule_and_nothing_less():
    with pytest.raises(TypeError, match="abstract"):
        Optimizer(values())


# ---- states ---------------------------------------------------------------------------------------------------


def continued(case):
    _, rule, settings, second = case
    params = values(START)
    optimizer = rule(grouped(params, second), **settings)
    walk(params, optimizer, range(10))
    return params, optimizer


@pytest.mark.sampled(5)
@pytest.mark.parametrize("case", CASES)
def test_a_saved_state_goes_on_to_the_bit(case):
    params, optimizer = continued(case)
    state = json.loads(json.dumps(optimizer.state_dict()))
    _, rule, settings, second = case
    others = values([parameter.data for parameter in params])
    other = rule(grouped(others, second), **{**settings, "lr": 123.0})
    other.load_state_dict(state)
    assert walk(others, other, range(10, 30)) == walk(params, optimizer, range(10, 30))
    assert other.state_dict() == optimizer.state_dict()


@pytest.mark.sampled(5)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_copies_and_pickles_go_on_to_the_bit(case, copied):
    pair = continued(case)
    others, other = copied(pair)
    assert walk(others, other, range(10, 30)) == walk(*pair, range(10, 30))


def test_a_state_is_a_snapshot():
    params, optimizer = continued(CASES[-1])
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    walk(params, optimizer, range(10, 12))
    assert state == before != optimizer.state_dict()
    optimizer.load_state_dict(state)
    walk(params, optimizer, range(10, 12))
    assert state == before


def changed(change):
    def apply(state):
        change(state)
        return state

    return apply


FOREIGN = {
    "nothing": lambda state: None,
    "a list": lambda state: [state],
    "of another optimizer": lambda state: SGD(values(), lr=0.1).state_dict(),
    "of its sibling": lambda state: AdamW(values()).state_dict(),
    "of more parameters": lambda state: Adam(values([1, 2, 3])).state_dict(),
    "of other groups": lambda state: Adam([{"params": [w]} for w in values()]).state_dict(),
    "no groups": changed(lambda state: state.pop("param_groups")),
    "groups of None": changed(lambda state: state.update(param_groups=None)),
    "an unknown key": changed(lambda state: state.update(extra=1)),
    "an unknown setting": changed(lambda state: state["param_groups"][0].update(rate=1)),
    "a missing setting": changed(lambda state: state["param_groups"][0].pop("lr")),
    "a setting out of range": changed(lambda state: state["param_groups"][0].update(lr=-1.0)),
    "a setting not finite": changed(lambda state: state["param_groups"][0].update(eps=NAN)),
    "a setting of no number": changed(lambda state: state["param_groups"][0].update(lr="fast")),
    "one beta": changed(lambda state: state["param_groups"][0].update(betas=[0.9])),
    "a missing memory": changed(lambda state: state["state"].pop("mean")),
    "an unknown memory": changed(lambda state: state["state"].update(velocity=[0.0, 0.0])),
    "a short memory": changed(lambda state: state["state"]["mean"].pop()),
    "a memory of text": changed(lambda state: state["state"].update(mean="ab")),
    "a memory of no numbers": changed(lambda state: state["state"].update(mean=[0.0, None])),
    "a number too large": changed(lambda state: state["state"].update(mean=[0.0, 10**400])),
    "negative squares": changed(lambda state: state["state"].update(mean_square=[1.0, -1.0])),
    "negative steps": changed(lambda state: state["state"].update(step=[-1.0, 1.0])),
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("spoil", FOREIGN.values(), ids=FOREIGN)
def test_a_state_that_does_not_fit_changes_nothing(spoil):
    params = values()
    optimizer = Adam(params, lr=0.1)
    walk(params, optimizer, range(3))
    before = optimizer.state_dict()
    with pytest.raises(ValueError, match="state"):
        optimizer.load_state_dict(spoil(optimizer.state_dict()))
    assert optimizer.state_dict() == before


def test_the_place_where_a_state_does_not_fit_is_named():
    for other, message in [
        (SGD(values(), lr=0.1), r"state\['optimizer'\] must be 'Adam', got str 'SGD'"),
        (Adam(values([1, 2, 3])), r"state\['state'\]\['step'\] must be a list of 2, got list of 3 \[0.0"),
        (Adam([{"params": [w]} for w in values()]), r"state\['param_groups'\] must be a list of 1, got list of 2"),
    ]:
        with pytest.raises(ValueError, match=message):
            Adam(values()).load_state_dict(other.state_dict())
    with pytest.raises(ValueError, match="state must be a dict with optimizer, state, param_groups, got dict"):
        Adam(values()).load_state_dict({"w": 1.0})


def test_a_nesterov_state_without_momentum_is_refused():
    optimizer = SGD(values(), lr=0.1, momentum=0.9, nesterov=True)
    state = optimizer.state_dict()
    state["param_groups"][0]["momentum"] = 0.0
    with pytest.raises(ValueError, match="nesterov=True of the state needs a momentum > 0"):
        optimizer.load_state_dict(state)


# ---- vectors --------------------------------------------------------------------------------------------------

FRACTIONS = {"alpha": [0.0, 0.5, 0.99], "betas": [(0.9, 0.999), (0.0, 0.5), (0.7, 0.0)], "eps": [1e-8, 1e-3, 0.0]}
RATES = {"lr": [0.1, 0.01, 1.0, 0.0, 3], "weight_decay": [0.0, 0.1, 0.7], "momentum": [0.9, 0.3], "nesterov": [False]}
ALL = {rule: rule(values()).param_groups[0].keys() - {"params"} for rule in (SGD, AdaGrad, RMSProp, Adam, AdamW)}


@st.composite
def optimised(draw):
    """A rule, settings for each of several groups, and the group of each of several parameters."""
    rule = draw(st.sampled_from([*ALL]))
    choices = {name: st.sampled_from(chosen) for name, chosen in (FRACTIONS | RATES).items() if name in ALL[rule]}
    if rule is SGD:
        still = st.fixed_dictionaries({**choices, "momentum": st.just(0.0)})
        moving = st.fixed_dictionaries({**choices, "nesterov": st.booleans()})
        wanted = still | moving
    else:
        wanted = st.fixed_dictionaries(choices)
    groups = draw(st.lists(wanted, min_size=1, max_size=3))
    owners = [*range(len(groups)), *draw(st.lists(st.integers(0, len(groups) - 1), max_size=5))]
    return rule, groups, owners


def built(rule, groups, owners):
    params = values([math.cos(3 * place) for place in range(len(owners))])
    members = [[w for w, owner in zip(params, owners, strict=True) if owner == place] for place in range(len(groups))]
    return params, rule([{"params": ws, **group} for ws, group in zip(members, groups, strict=True)])


def gradients(chance, edges, count):
    """Numbers of all sizes, here and there one of `edges`."""
    sizes = [chance.gauss(0, 1) * 10 ** chance.uniform(-9, 9) for _ in range(count)]
    return [chance.choice(edges) if edges and chance.random() < 0.02 else size for size in sizes]


def eager_step(params, optimizer, numbers):
    """A step with these gradients; None for a parameter that no sweep reaches."""
    for parameter, number in zip(params, numbers, strict=True):
        parameter.grad = number
    optimizer.step()


@hypothesis.given(
    optimised(), st.randoms(use_true_random=False), st.sampled_from([[], [0.0, -0.0], [1e200, INF, -INF, NAN, 0.0]])
)
@hypothesis.example((Adam, [{"eps": 0.0, "betas": (0.9, 0.0)}], [0, 0, 0]), random.Random(1), [0.0, -0.0])
@hypothesis.example((AdamW, [{}, {"lr": 0.5, "weight_decay": 0.0}], [0, 1, 0, 1]), random.Random(2), [])
@hypothesis.example((SGD, [{"momentum": 0.9, "nesterov": True, "weight_decay": 0.3}], [0, 0]), random.Random(3), [])
def test_steps_on_a_vector_are_eager_steps_to_the_bit(case, chance, edges):
    """Whatever stands in the vector, in any order; and eager steps go on from there as if there had been no vector."""
    params, optimizer = built(*case)
    others, other = built(*case)
    for _ in range(4):  # some parameters have made more steps than others
        numbers = [None if chance.random() < 0.2 else number for number in gradients(chance, (), len(params))]
        eager_step(params, optimizer, numbers)
        eager_step(others, other, numbers)

    order = [place for place in range(len(params)) if chance.random() < 0.9] + [None]  # None: a stranger
    if chance.random() < 0.7:
        chance.shuffle(order)
    reached = [chance.random() < 0.9 for _ in order]
    moving = [place for place, flag in zip(order, reached, strict=True) if flag and place is not None]
    listed = [Value(7.0) if place is None else params[place] for place in order]
    vector = np.array([parameter.data for parameter in listed])
    on_vector = optimizer.on_vector(listed, reached)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(15):
            for one in (optimizer, other):
                one.param_groups[0]["lr"] = 0.2 / (1 + step)  # as a schedule does
            numbers = gradients(chance, edges, len(order))
            of_place = dict(zip(order, numbers, strict=True))
            eager_step(others, other, [of_place[place] if place in moving else None for place in range(len(others))])
            on_vector.step(vector, np.array(numbers))
            expected = [7.0 if place is None else others[place].data for place in order]
            assert repr(vector.tolist()) == repr(expected)

    on_vector.push()
    assert repr(optimizer.state_dict()) == repr(other.state_dict())
    for parameter, number in zip(listed, vector.tolist(), strict=True):
        parameter.data = number
    numbers = gradients(chance, (), len(params))
    eager_step(params, optimizer, numbers)
    eager_step(others, other, numbers)
    assert repr([w.data for w in params]) == repr([w.data for w in others])


@pytest.mark.sampled(5)
@pytest.mark.parametrize("case", CASES)
def test_a_saved_state_goes_on_on_a_vector(case):
    """What `push` gave back is saved and loaded like any other."""
    params, optimizer = continued(case)
    _, rule, wanted, second = case
    others = values([parameter.data for parameter in params])
    other = rule(grouped(others, second), **wanted)
    other.load_state_dict(json.loads(json.dumps(optimizer.state_dict())))
    vectors = [np.array([w.data for w in params]) for _ in range(2)]
    runs = [optimizer.on_vector(params), other.on_vector(others)]
    for step in range(3):
        for run, vector in zip(runs, vectors, strict=True):
            run.step(vector, np.sin(vector + step))
            run.push()
    assert vectors[0].tolist() == vectors[1].tolist() != [w.data for w in params]
    assert json.dumps(optimizer.state_dict()) == json.dumps(other.state_dict())


@pytest.mark.parametrize(("rule", "wanted"), EACH)
def test_what_is_not_held_or_not_reached_is_left_alone(rule, wanted):
    """Also by weight decay and the count of steps; the Values themselves do not move."""
    held, unreached, absent = values([1.0, 2.0, 3.0])
    optimizer = rule([held, unreached, absent], **{**wanted, "weight_decay": 0.5})
    stranger = Value(4.0)
    on_vector = optimizer.on_vector([stranger, unreached, held], reached=np.array([True, False, True]))
    vector = np.array([4.0, 2.0, 1.0])
    on_vector.step(vector, np.ones(3))
    assert vector.tolist()[:2] == [4.0, 2.0]
    assert vector[2] != 1.0
    assert [w.data for w in (held, unreached, absent, stranger)] == [1.0, 2.0, 3.0, 4.0]
    before = optimizer.state_dict()
    on_vector.push()
    assert all({*optimizer.state[w].values()} == {0.0} for w in (unreached, absent))
    assert (optimizer.state_dict() != before) is (rule is not SGD or "momentum" in wanted)


@pytest.mark.parametrize(("rule", "wanted"), EACH)
def test_a_step_on_a_vector_can_be_undone(rule, wanted):
    params = values(START)
    on_vector, vector = rule(grouped(params, {"lr": 0.5}), **wanted).on_vector(params), np.array(START)
    on_vector.step(vector, np.sin(vector))
    before, memory = vector.copy(), on_vector.memory
    once = []
    for _ in range(2):
        for _ in range(3):
            on_vector.step(vector, np.cos(vector))
        once.append((vector.tolist(), repr(on_vector.memory)))
        vector[:], on_vector.memory = before, memory
    assert once[0] == once[1]
    assert once[0][0] != before.tolist()


def test_a_step_on_a_vector_that_fails_changes_nothing():
    class Tired(Adam):
        def update(self, gradient, state, settings):
            change = super().update(gradient, state, settings)
            if settings["lr"] == 0.5:
                raise KeyboardInterrupt
            return change

    params = values(START)
    on_vector, vector = Tired(grouped(params, {"lr": 0.5})).on_vector(params), np.array(START)
    before = repr(on_vector.memory)
    with pytest.raises(KeyboardInterrupt):
        on_vector.step(vector, np.ones(5))
    assert vector.tolist() == START
    assert repr(on_vector.memory) == before


def test_the_gradient_is_only_read():
    for rule, wanted in [case.values for case in EACH]:
        params = values(START)
        gradient = np.array(START)
        gradient.flags.writeable = False
        on_vector, vector = rule(params, **{**wanted, "weight_decay": 0.1}).on_vector(params), np.array(START)
        on_vector.step(vector, gradient)
        assert not any(np.shares_memory(gradient, part) for state in on_vector.memory for part in state.values())


def test_eager_steps_do_without_numpy():
    program = """
import sys
from microgradnn import Value, optim
for rule in optim.OPTIMIZERS.values():
    w = Value(1.0)
    for w.grad in (2.0, 0.0):
        rule([w], lr=0.1, weight_decay=0.1).step()
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# ---- schedules and clipping -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (StepDecay(5), lambda t: 0.5 ** (t // 5)),
        (StepDecay(every=3, factor=0.1), lambda t: 0.1 ** (t // 3)),
        (StepDecay(1, 1), lambda t: 1.0),
        (ExponentialDecay(0.2), lambda t: math.exp(-0.2 * t)),
        (ExponentialDecay(0), lambda t: 1.0),
        (InverseTimeDecay(4), lambda t: 4 / max(t, 4)),
        (InverseTimeDecay(0.5), lambda t: 0.5 / max(t, 0.5)),
        (Cosine(10), lambda t: math.cos(math.pi * t / 20) ** 2 if t < 10 else 0.0),
        (Cosine(1), lambda t: float(t == 0)),
    ],
    ids=lambda value: repr(value) if hasattr(value, "__dataclass_fields__") else "",
)
def test_schedules_are_their_formulas(schedule, formula):
    factors = [schedule(epoch) for epoch in range(25)]
    assert factors == pytest.approx([formula(t) for t in range(25)], rel=1e-12, abs=1e-15)
    assert factors[0] == 1.0
    assert factors == sorted(factors, reverse=True)
    assert all(type(factor) is float for factor in factors)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.torch
def test_schedules_are_those_of_torch():
    import torch

    pairs = [
        (StepDecay(3, 0.2), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.2)),
        (ExponentialDecay(0.3), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, math.exp(-0.3))),
        (Cosine(12), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12)),
    ]
    for schedule, theirs in pairs:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler = theirs(optimizer)
        for epoch in range(12):
            assert schedule(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
            optimizer.step()
            scheduler.step()


def with_gradients(gradients):
    params = values([0.0] * len(gradients))
    for parameter, gradient in zip(params, gradients, strict=True):
        parameter.grad = gradient
    return params


CLIPPED = [
    ([3.0, -4.0], 1.0), ([3.0, -4.0], 5.0), ([3.0, -4.0], 10.0), ([3.0, None, 4.0], 2.5), ([0.0, 0.0], 1.0),
    ([3.0], 0.0), ([1e-9, 1e-9], 1e-12), ([3.0, 4.0], INF),
]  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize(("gradients", "max_norm"), CLIPPED)
def test_clipping_is_that_of_torch(gradients, max_norm):
    import torch

    params = with_gradients(gradients)
    theirs = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in gradients]
    for tensor, gradient in zip(theirs, gradients, strict=True):
        tensor.grad = None if gradient is None else torch.tensor(gradient, dtype=torch.float64)
    norm = torch.nn.utils.clip_grad_norm_(theirs, max_norm).item()
    assert clip_grad_norm(params, max_norm) == pytest.approx(norm, rel=1e-12, nan_ok=True)
    for parameter, tensor in zip(params, theirs, strict=True):
        assert parameter.swept == (tensor.grad is not None)
        if parameter.swept:
            assert parameter.grad == pytest.approx(tensor.grad.item(), rel=1e-12, abs=0, nan_ok=True)


def test_clipping_by_hand():
    params = with_gradients([3.0, None, -4.0])
    assert clip_grad_norm(params, 1.0) == 5.0
    assert [parameter.grad for parameter in params] == pytest.approx([0.6, 0.0, -0.8], rel=1e-6)
    assert [parameter.swept for parameter in params] == [True, False, True]
    assert clip_grad_norm(params, 2.0) == pytest.approx(1.0, rel=1e-6)
    assert params[0].grad == pytest.approx(0.6, rel=1e-6)
    assert clip_grad_norm(values(), 1.0) == 0.0
    (tiny,) = with_gradients([1e-6])
    assert clip_grad_norm([tiny], 1e-6) == 1e-6
    assert tiny.grad == pytest.approx(5e-7, rel=1e-12), "the 1e-6 beside the norm, as PyTorch has it"
    assert clip_grad_norm(with_gradients([3e200, 4e200]), INF) == pytest.approx(5e200)
    params = with_gradients([3e307, 4e307])
    assert clip_grad_norm(params, 1e-300) == pytest.approx(5e307)
    assert [parameter.grad for parameter in params] == pytest.approx([6e-301, 8e-301], rel=1e-14, abs=0)


# ---- groups that come later, looks, PyTorch's names -------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize(("name", "ours"), [("SGD", SGD), ("Adagrad", AdaGrad), ("RMSprop", RMSProp), ("Adam", Adam)])
def test_a_group_that_comes_later_moves_as_in_torch(name, ours):
    import torch

    first, second = Value(0.5), Value(-2.0)
    tensors = [torch.tensor(w.data, dtype=torch.float64, requires_grad=True) for w in (first, second)]
    optimizer, theirs = ours([first], lr=0.1), getattr(torch.optim, name)([tensors[0]], lr=0.1)
    for step in range(6):
        if step == 2:
            optimizer.add_param_group({"params": [second], "lr": 0.02})
            theirs.add_param_group({"params": [tensors[1]], "lr": 0.02})
        optimizer.zero_grad(set_to_none=True)
        theirs.zero_grad(set_to_none=True)
        (first * first + 3 * second.sin()).backward()
        (tensors[0] ** 2 + 3 * torch.sin(tensors[1])).backward()
        optimizer.step()
        theirs.step()
        assert [first.data, second.data] == pytest.approx([x.item() for x in tensors], rel=1e-12)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.02]
    state = json.loads(json.dumps(optimizer.state_dict()))
    optimizer.load_state_dict(state)
    assert optimizer.state_dict() == state


def test_a_group_that_is_refused_changes_nothing():
    held = Value(0.0)
    optimizer = Adam([held])
    with pytest.raises(ValueError, match="is the same Value as"):
        optimizer.add_param_group({"params": [Value(1.0), held]})
    assert len(optimizer.param_groups) == len(optimizer.state) == 1


def test_gradients_are_made_blank_or_0():
    """A gradient of 0 is one: what the rule remembers moves the parameter on, as in PyTorch."""
    w = Value(1.0)
    optimizer = SGD([w], lr=1.0, momentum=0.5)
    for set_to_none, moved in [(True, False), (False, True)]:
        w.grad = 1.0
        optimizer.step()
        before = w.data
        optimizer.zero_grad(set_to_none)
        assert (w.swept, w.grad) == (not set_to_none, 0.0)
        optimizer.step()
        assert (w.data != before) == moved


def test_an_optimizer_shows_its_settings():
    adam = Adam([Value(0.0) for _ in range(1337)], lr=0.5)
    assert repr(adam) == "Adam(lr=0.5, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0; 1,337 parameters)"
    sgd = SGD([Value(0.0)], 0.1, 0.9)
    sgd.add_param_group({"params": values(), "lr": 0.01, "nesterov": True})
    assert repr(sgd).splitlines() == [
        "SGD(lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0; 1 parameter)",
        "SGD(lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.0; 2 parameters)",
    ]


def test_names_of_torch():
    assert (optim.Adagrad, optim.RMSprop, optim.clip_grad_norm_) == (AdaGrad, RMSProp, clip_grad_norm)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("setting", ABSENT)
def test_settings_that_only_torch_has_are_answered(setting):
    """By every rule that lacks them; a rule of the user's may have them."""
    for rule in (SGD, AdaGrad, RMSProp, Adam, AdamW):
        if setting in inspect.signature(rule).parameters:
            rule([Value(0.0)], **{"momentum": 0.9, setting: {"momentum": 0.9, "nesterov": True}[setting]})
        else:
            with pytest.raises(
                TypeError, match=rf"{rule.__name__} has no setting {setting}: {re.escape(ABSENT[setting])}"
            ):
                rule([Value(0.0)], **{setting: True})

    class Own(SGD):
        def __init__(self, params, **settings):
            super().__init__(params)
            self.own = settings

    assert Own([Value(0.0)], **{setting: 0.1}).own == {setting: 0.1}


@pytest.mark.torch
def test_what_only_torch_has_is_what_torch_has():
    import torch

    theirs = [torch.optim.SGD, torch.optim.Adagrad, torch.optim.RMSprop, torch.optim.Adam, torch.optim.AdamW]
    settings = {name for rule in theirs for name in inspect.signature(rule).parameters}
    ours = {name for rule in (SGD, AdaGrad, RMSProp, Adam, AdamW) for name in inspect.signature(rule).parameters}
    assert settings - ours == ABSENT.keys() - {"momentum", "nesterov"}


# ---- what is refused ------------------------------------------------------------------------------------------

ONE = Value(1.0)
REFUSED = {
    "no parameters": (lambda: SGD([], lr=0.1), ValueError, "params is empty"),
    "an empty generator": (lambda: Adam(iter(())), ValueError, "params is empty"),
    "one Value": (lambda: SGD(ONE, lr=0.1), TypeError, r"params must be a list of Values.*, got Value Value\(data=1.0"),
    "a number for params": (lambda: SGD(0.1, lr=0.1), TypeError, "params must be a list of Values.*got float 0.1"),
    "a set": (lambda: SGD({ONE}, lr=0.1), TypeError, "params must be a list .* got set"),
    "one Value to clip": (
        lambda: clip_grad_norm(ONE, 1.0), TypeError, r"params must be a list of Values, such as .*\(\), got Value",
    ),
    "one group": (lambda: SGD({"params": [ONE]}, lr=0.1), TypeError, "params must be a list .* or of groups"),
    "text": (lambda: SGD("w", lr=0.1), TypeError, "params must be a list .* got str 'w'"),
    "a float among them": (lambda: SGD([ONE, 2.0], lr=0.1), TypeError, r"params\[1\] must be a Value, got float 2.0"),
    "rows": (lambda: SGD([[ONE]], lr=0.1), TypeError, r"params\[0\] must be a Value, got list"),
    "a gate": (lambda: SGD([ONE * 2], lr=0.1), ValueError, r"params\[0\] must be a leaf, .* gate multiply"),
    "one twice": (lambda: SGD([ONE, ONE], lr=0.1), ValueError, r"params\[1\] is the same Value as params\[0\]"),
    "one in two groups": (
        lambda: SGD([{"params": [ONE]}, {"params": [ONE]}], lr=0.1), ValueError,
        r"params\[1\]\['params'\]\[0\] is the same Value as params\[0\]\['params'\]\[0\]",
    ),
    "an empty group": (lambda: SGD([{"params": []}], lr=0.1), ValueError, r"params\[0\]\['params'\] is empty"),
    "a group without params": (lambda: SGD([{"lr": 1}], lr=0.1), TypeError, r"params\[0\] must be a dict with"),
    "a Value among groups": (
        lambda: SGD([{"params": [Value(0.0)]}, ONE], lr=0.1), TypeError, r"params\[1\] must be a dict with 'params'",
    ),
    "a Value for a group's params": (
        lambda: SGD([{"params": ONE}], lr=0.1), TypeError, r"params\[0\]\['params'\] must be a list",
    ),
    "an unknown setting": (
        lambda: SGD([{"params": [ONE], "rate": 1}], lr=0.1), ValueError,
        r"params\[0\] has the unknown setting 'rate': known are lr, momentum, nesterov, weight_decay",
    ),
    "a group's learning rate": (
        lambda: SGD([{"params": [ONE], "lr": -1}], lr=0.1), ValueError,
        r"lr of params\[0\] must be a finite number ≥ 0, got -1",
    ),
    "nesterov alone": (lambda: SGD([ONE], 0.1, nesterov=True), ValueError, "nesterov=True needs a momentum > 0"),
    "nesterov alone in a group": (
        lambda: SGD([{"params": [ONE], "nesterov": True}], lr=0.1), ValueError,
        r"nesterov=True of params\[0\] needs a momentum",
    ),
    "a number for nesterov": (lambda: SGD([ONE], 0.1, 0.9, 0.01), ValueError, "nesterov must be True or False, got"),
    "one beta": (lambda: Adam([ONE], betas=(0.9,)), ValueError, r"betas must be two numbers in \[0, 1\), got \(0.9,\)"),
    "a number for betas": (lambda: Adam([ONE], betas=0.9), TypeError, "betas must be two numbers"),
    "text for betas": (lambda: Adam([ONE], betas=("a", 0)), TypeError, "betas must be two numbers"),
    "the second beta": (lambda: AdamW([ONE], betas=(0.9, 1.0)), ValueError, r"betas must .* got \(0.9, 1.0\)"),
    "beta is nan": (lambda: Adam([ONE], betas=(0.9, NAN)), ValueError, "betas must be"),
    "alpha above": (lambda: RMSProp([ONE], alpha=1.0), ValueError, r"alpha must be a number in \[0, 1\), got 1.0"),
    "alpha below": (lambda: RMSProp([ONE], alpha=-0.1), ValueError, "alpha must be"),
    "a learning rate too large for a float": (lambda: SGD([ONE], lr=10**400), ValueError, "lr must be a finite number"),
    "a Value for a learning rate": (lambda: SGD([ONE], lr=ONE), TypeError, "lr must be a finite number ≥ 0, got Value"),
    "text for a learning rate": (lambda: Adam([ONE], lr="fast"), TypeError, "lr must be .* got 'fast'"),
    "no epochs a step": (lambda: StepDecay(0), ValueError, "every must be a whole number ≥ 1, got 0"),
    "half an epoch a step": (lambda: StepDecay(0.5), TypeError, "every must be a whole number ≥ 1, got 0.5"),
    "a factor of 0": (lambda: StepDecay(1, 0.0), ValueError, r"factor must be a number in \(0, 1\], got 0.0"),
    "a factor above 1": (lambda: StepDecay(1, 1.5), ValueError, "factor must be"),
    "a negative k": (lambda: ExponentialDecay(-0.1), ValueError, "k must be a finite number ≥ 0, got -0.1"),
    "a k of inf": (lambda: ExponentialDecay(INF), ValueError, "k must be"),
    "a tau of 0": (lambda: InverseTimeDecay(0), ValueError, "tau must be a finite number > 0, got 0"),
    "no epochs": (lambda: Cosine(0), ValueError, "epochs must be a whole number ≥ 1, got 0"),
    "a negative epoch": (lambda: Cosine(3)(-1), ValueError, "epoch must be a finite number ≥ 0, got -1"),
    "an epoch of text": (lambda: StepDecay(3)("1"), TypeError, "epoch must be"),
    "a negative max_norm": (lambda: clip_grad_norm([ONE], -1.0), ValueError, "max_norm must be a number ≥ 0.*got -1.0"),
    "a max_norm of nan": (lambda: clip_grad_norm([ONE], NAN), ValueError, "max_norm must be"),
    "nothing to clip": (lambda: clip_grad_norm([], 1.0), ValueError, "params is empty"),
    "no parameters of a vector": (lambda: SGD([ONE]).on_vector([]), ValueError, "parameters is empty"),
    "a vector instead of its parameters": (
        lambda: SGD([ONE]).on_vector(np.ones(2)), TypeError, r"parameters\[0\] must be a Value, got float64",
    ),
    "one twice in a vector": (
        lambda: SGD([ONE]).on_vector([ONE, ONE]), ValueError, r"parameters\[1\] is the same Value as parameters\[0\]",
    ),
    "a flag too few": (
        lambda: SGD([ONE]).on_vector([ONE], reached=[]), ValueError,
        "reached must be 1 flags, one for each parameter, got 0",
    ),
    "a short gradient": (
        lambda: SGD([ONE]).on_vector(values()).step(np.ones(2), np.ones(1)), ValueError,
        r"must be float64 of shape \(2,\), got float64 of shape \(2,\) and float64 of shape \(1,\)",
    ),
    "a short vector": (
        lambda: SGD([ONE]).on_vector(values()).step(np.ones(1), np.ones(1)), ValueError, r"got float64 of shape \(1,\)",
    ),
    "whole numbers in a vector": (
        lambda: SGD([ONE]).on_vector([ONE]).step(np.ones(1, dtype=int), np.ones(1)), ValueError, "got int64 of shape",
    ),
    "a gradient of half the digits": (
        lambda: SGD([ONE]).on_vector([ONE]).step(np.ones(1), np.ones(1, dtype="f4")), ValueError, "and float32 of",
    ),
    "a group that is none": (lambda: SGD([ONE]).add_param_group([Value(0.0)]), TypeError, "group must be a dict with"),
    "a group of what is held": (
        lambda: SGD([Value(0.0), ONE]).add_param_group({"params": [ONE]}), ValueError,
        r"group\['params'\]\[0\] is the same Value as params\[0\]\['params'\]\[1\]",
    ),
    "a group of another rate": (
        lambda: SGD([ONE]).add_param_group({"params": [Value(0.0)], "lr": -1}), ValueError, "lr of group must be",
    ),
    "a model": (
        lambda: SGD(Sequential(Layer(1, 1))), TypeError, r"such as model.parameters\(\), .* got Sequential Sequential",
    ),
    "a setting of PyTorch by place": (lambda: AdaGrad([ONE], 0.1, 0.01), TypeError, "from 2 to 3 positional arguments"),
    "one to clip twice": (lambda: clip_grad_norm([ONE, ONE], 1.0), ValueError, "is the same Value as"),
    "groups to clip": (lambda: clip_grad_norm([{"params": [ONE]}], 1.0), TypeError, r"params\[0\] must be a Value"),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("call", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.sampled(5)
@pytest.mark.parametrize("bad", [-1e-3, INF, -INF, NAN])
@pytest.mark.parametrize(
    ("rule", "setting"),
    [(SGD, "momentum"), *((rule, "eps") for rule in (AdaGrad, RMSProp, Adam, AdamW))]
    + [(rule, setting) for rule in (SGD, AdaGrad, RMSProp, Adam, AdamW) for setting in ("lr", "weight_decay")],
)
def test_negative_and_not_finite_settings_are_refused(rule, setting, bad):
    with pytest.raises(ValueError, match=f"{setting} must be a finite number ≥ 0, got {bad}"):
        rule([ONE], **{"lr": 0.1, setting: bad})


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_clipping_refuses_what_no_factor_mends_and_touches_nothing(bad):
    a, b, c = Value(0.0), Value(0.0, "bias"), Value(0.0)
    a.grad, b.grad = 3.0, bad
    with pytest.raises(ValueError, match=rf"params\[1\] 'bias' has the gradient {bad}"):
        clip_grad_norm([a, b, c], 1.0)
    assert (a.grad, c.swept) == (3.0, False)
    b.grad = 1.7e308
    a.grad = 1.7e308
    with pytest.raises(ValueError, match="beyond what a float holds"):
        clip_grad_norm([a, b], 1.0)
    assert (a.grad, b.grad) == (1.7e308, 1.7e308)
    a.grad, b.grad = 3e200, 4e200
    assert clip_grad_norm([a, b], 5.0) == pytest.approx(5e200)
    assert (a.grad, b.grad) == (pytest.approx(3.0), pytest.approx(4.0))


def test_a_rule_of_ones_own_says_what_its_settings_may_be():
    class Shift(Optimizer):
        limits = Optimizer.limits | {"strength": positive}

        def update(self, gradient, state, settings):
            return -settings["strength"] * settings["sign"]

    x = Value(1.0)
    x.grad = 1.0
    Shift([x], strength=2, sign=1).step()
    assert x.data == -1.0
    moved = np.array([1.0])
    Shift([x], strength=2, sign=1).on_vector([x]).step(moved, np.array([1.0]))
    assert moved == -1.0
    with pytest.raises(ValueError, match=r"strength of params\[0\] must be a finite number > 0, got 0"):
        Shift([{"params": [x], "strength": 0}], strength=2, sign=1)


def test_settings_of_any_plain_kind_go_on_and_others_are_refused_by_name():
    class Still(Optimizer):
        def update(self, gradient, state, settings):
            return 0.0 * gradient

    settings = {"lr": 0.1, "clip": None, "mode": "slow", "sizes": (1, {"at": (2.0, None), 3: True})}
    optimizer = Still([Value(1.0)], **settings)
    optimizer.load_state_dict(optimizer.state_dict())
    assert optimizer.state_dict()["param_groups"] == [settings | {"params": [0], "sizes": [1, settings["sizes"][1]]}]
    with pytest.raises(ValueError, match=r"\['clip'\] must be None, got float 0.5"):
        optimizer.load_state_dict(Still([Value(1.0)], **settings | {"clip": 0.5}).state_dict())
    optimizer = Still([Value(1.0)], **settings | {"clip": len})
    with pytest.raises(ValueError, match=r"\['clip'\] must be a number that a float holds, got builtin_function"):
        optimizer.load_state_dict(optimizer.state_dict())

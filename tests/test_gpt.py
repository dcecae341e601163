"""The GPT of the benchmarks is the same in Values, compiled, in plain floats by hand, and in PyTorch; and it learns."""

from functools import partial

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import optim
from tests.benchmarks import gpt, gpt_by_hand, problems
from tests.benchmarks.peers import by_torch, gate_by_gate

CLOSE = {"rtol": 1e-10, "atol": 1e-14}  # of entries that cancel to 0, the second
STEPS = 3
SHORT = 3  # places of the documents here, for the sake of time: the longest of them has none to spare


def batch(*names):
    """Tokens, targets and weights, documents first."""
    return tuple(map(np.array, zip(*(gpt.encoded(name, SHORT) for name in names or ("ob", "u")), strict=True)))


def documents(arrays):
    """What one document is, one after the other."""
    return list(zip(*(part.tolist() for part in arrays), strict=True))


@pytest.fixture(scope="module")
def expected():
    """Losses, first gradient and last weights of some steps in plain floats."""
    weights, adam, losses, gradients = gpt.flat(gpt.start()), gpt_by_hand.Adam(4192), [], []
    for _ in range(STEPS):
        loss, gradient = gpt_by_hand.mean_by_hand(gpt_by_hand.shaped(weights), documents(batch()))
        losses.append(loss)
        gradients.append(gradient)
        weights = adam.moved(weights, gradient)
    return losses, gradients[0], weights


def check(expected, losses, gradient, weights):
    for found, right in zip((losses, gradient, weights), expected, strict=True):
        np.testing.assert_allclose(found, right, **CLOSE)


def test_it_has_the_parameters_and_documents_that_it_says():
    weights = gpt.flat(gpt.start())
    assert len(weights) == 4192
    assert gpt_by_hand.shaped(weights) == gpt.start() != gpt.start(seed=1)
    assert [value.data for value in gpt.flat(gpt.scalars(gpt.start()))] == weights
    assert len(set(gpt.NAMES)) == 32
    assert max(map(len, gpt.NAMES)) == len(gpt.NAMES[0]) == gpt.LENGTH - 1
    assert set("".join(gpt.NAMES)) <= set("abcdefghijklmnopqrstuvwxyz")
    assert gpt.encoded("ab", 4) == ([26, 0, 1, 26], [0, 1, 26, 26], [1 / 3, 1 / 3, 1 / 3, 0.0])
    assert [array.shape for array in gpt.batch(32)] == [(32, 12)] * 3
    assert gpt.batch(2)[0].dtype == np.int64  # read without a copy


def test_floats_by_hand_and_the_same_code_on_floats_agree():
    weights = gpt.start()
    for name in gpt.NAMES[:3]:
        loss, _ = gpt_by_hand.by_hand(weights, *gpt.encoded(name))
        assert gpt.loss(weights, *gpt.encoded(name)) == pytest.approx(loss, rel=1e-13)


def test_the_gradient_by_hand_is_that_of_differences():
    weights, document, rng = gpt.flat(gpt.start()), gpt.encoded("ob", SHORT), np.random.default_rng(0)

    def loss(numbers):
        return gpt_by_hand.by_hand(gpt_by_hand.shaped(numbers), *document)[0]

    gradient, h = gpt.flat(gpt_by_hand.by_hand(gpt.start(), *document)[1]), 1e-5
    for _ in range(5):
        direction = rng.normal(size=4192)
        ahead, behind = (loss((weights + sign * h * direction).tolist()) for sign in (1, -1))
        assert (ahead - behind) / (2 * h) == pytest.approx(direction @ gradient, rel=1e-5)


def test_padding_changes_neither_the_loss_nor_a_gradient():
    own, padded = (gpt_by_hand.by_hand(gpt.start(), *gpt.encoded("gala", length)) for length in (5, 9))
    assert own[0] == pytest.approx(padded[0], rel=1e-14)
    np.testing.assert_allclose(gpt.flat(own[1]), gpt.flat(padded[1]), **CLOSE)
    with_other = gpt.encoded("gala", 9)
    with_other[0][6] = 3  # past the end
    assert gpt_by_hand.by_hand(gpt.start(), *with_other)[0] == padded[0]


def test_a_place_sees_no_later_one():
    tokens, targets, _ = gpt.encoded("ob", SHORT)
    weights = [1.0, 1.0, 0.0]
    first = gpt.loss(gpt.start(), tokens, targets, weights)
    assert gpt.loss(gpt.start(), [*tokens[:2], 9], targets, weights) == first
    assert gpt.loss(gpt.start(), [tokens[0], 9, 9], targets, weights) != first


@pytest.mark.slow
def test_eager_values_train_as_plain_floats(expected):
    model = gpt.scalars(gpt.start())
    adam, losses, gradients = optim.Adam(gpt.flat(model), **gpt.ADAM), [], []
    for _ in range(STEPS):
        loss = mg.mean([gpt.loss(model, *document) for document in documents(batch())])
        adam.zero_grad()
        loss.backward()
        gradients.append([value.grad for value in adam.state])
        adam.step()
        losses.append(loss.data)
    check(expected, losses, gradients[0], [value.data for value in adam.state])


@pytest.mark.sampled(2)
@pytest.mark.parametrize("backend", ["numpy", "python", pytest.param("jax", marks=pytest.mark.jax)])
def test_programs_train_as_plain_floats(expected, backend):
    model = gpt.scalars(gpt.start())
    params, example = gpt.flat(model), documents(batch())[0]
    program = mg.compile(partial(gpt.loss, model), params, example=example, backend=backend)
    steps, losses, gradients = optim.Adam(params, **gpt.ADAM).on_vector(params), [], []
    for _ in range(STEPS):
        loss, gradient = program.value_and_grad(*batch())
        losses.append(loss)
        gradients.append(gradient.copy())
        steps.step(program.params, gradient)
    check(expected, losses, gradients[0], program.params)


@pytest.mark.torch
def test_pytorch_trains_as_plain_floats(expected):
    import torch

    params = [torch.tensor(table, dtype=torch.float64, requires_grad=True) for table in gpt.start().values()]
    adam, losses, gradients = torch.optim.Adam(params, **gpt.ADAM), [], []
    for _ in range(STEPS):
        adam.zero_grad()
        loss = gpt_by_hand.torch_loss(params, *map(torch.from_numpy, batch()))
        loss.backward()
        gradients.append(np.concatenate([param.grad.numpy().ravel() for param in params]))
        adam.step()
        losses.append(loss.item())
    check(expected, losses, gradients[0], np.concatenate([param.detach().numpy().ravel() for param in params]))


@pytest.mark.slow
def test_tokens_are_inputs_of_the_program():
    model = gpt.scalars(gpt.start())
    arrays = batch("ob", "u")
    program = mg.compile(partial(gpt.loss, model), gpt.flat(model), example=documents(arrays)[0], reduce=None)
    losses = [gpt.loss(gpt.start(), *document) for document in documents(arrays)]
    np.testing.assert_allclose(program.value(*arrays), losses, rtol=1e-13)
    arrays[0][1, 2] = 27
    with pytest.raises(ValueError, match="whole numbers from 0 to 26"):
        program.value(*arrays)


@pytest.mark.torch
def test_whole_steps_of_full_documents_agree_in_the_benchmark():
    ours, pytorch = problems.ours(partial(problems.our_gpt, 3), "numpy"), by_torch.MAKERS["GPT, 1"](False, 3)
    for step in (ours, pytorch):
        for _ in range(3):  # with Adam in each: the losses of the third agree only if both moved alike
            step.run()
    assert ours.outcome()[0] < 3.0
    np.testing.assert_allclose(problems.numbers(ours.outcome()), problems.numbers(pytorch.outcome()), **CLOSE)
    eager, by_hand = gate_by_gate.EAGER["GPT, 1"](1), gpt_by_hand.mean_by_hand(gpt.start(), documents(gpt.batch(1)))
    eager.run()
    np.testing.assert_allclose(problems.numbers(eager.outcome()), problems.numbers(by_hand), **CLOSE)


@pytest.mark.slow
def test_training_makes_the_loss_fall():
    step = problems.ours(partial(problems.our_gpt, 32), "numpy")
    losses = []
    for _ in range(60):
        step.run()
        losses.append(step.outcome()[0])
    assert losses[0] > np.log(27) > 2 * losses[-1]  # at first no better than a guess among 27 tokens

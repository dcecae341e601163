"""What once stopped programs that were written for other packages: each thing works now, or is answered."""

import math
import random

import numpy as np
import pytest

import microgradnn as m
from microgradnn import Value, fit, grad, nn, optim
from microgradnn.micrograd import MLP, Layer, Neuron, Value as RoomValue

ROWS, LABELS = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], [1, 1, 0, 0]


# ---- micrograd -----------------------------------------------------------------------------------------------------


def test_names_on_a_node():
    a, b = RoomValue(2.0, label="a"), RoomValue(-3.0, label="b")
    c = a * b
    assert (a.label, c._prev, c._op, c._children) == ("a", {a, b}, "*", (a, b))
    c.grad = 1.0
    c._backward()
    assert (a.grad, b.grad) == (-3.0, 2.0)


def test_a_neuron_and_a_layer_of_one_give_a_bare_value():
    for module in (Neuron(2), Layer(2, 1), MLP(2, [3, 1])):
        y = module([RoomValue(1.0), 2.0])
        y.backward()
        assert isinstance(y, RoomValue)


def test_the_memory_of_an_optimiser_on_a_parameter():
    p = RoomValue(1.0)
    p.m = p.v = 0.0
    p.color = "red"
    assert (p.m, p.v, p.color) == (0.0, 0.0, "red")


def test_seeds_of_python_make_a_run_repeatable():
    def weights():
        random.seed(1337)
        np.random.seed(1337)
        return [p.data for p in MLP(2, [16, 16, 1]).parameters()]

    assert weights() == weights()
    assert len({*weights()}) > 300


def test_pow_no_grad_truth_and_subclasses():
    class MyValue(RoomValue):
        def __init__(self, data, _children=(), _op="", label=""):
            super().__init__(data, _children, _op, label)

    with RoomValue.no_grad():
        assert RoomValue(3.0).pow(2).data == 9.0
    assert RoomValue(1) - 1
    assert (MyValue(2.0, label="x") * 3).data == 6.0


def test_a_sum_records_no_gate_for_its_start():
    vs = [Value(1.0), Value(2.0), Value(3.0)]
    assert sum(vs).operands[0].operands == (vs[0], vs[1])


# ---- compile -------------------------------------------------------------------------------------------------------


def test_a_loss_that_gives_the_accuracy_too():
    model = nn.MLP(2, [3, 1], rng=0)

    def loss(x, label):
        score = model(x)
        return (1 - label * score).relu(), m.step(label * score)

    program = m.compile(loss, model.parameters(), example=(ROWS[0], 1.0), has_aux=True)
    (value, right), gradient = program.value_and_grad(ROWS, [1, 1, -1, -1])
    assert (math.isfinite(value), right.shape, gradient.shape) == (True, (4,), (13,))


def test_what_a_program_cannot_ask_is_answered_by_its_cause():
    def shifted(xs):
        largest = max(xs)
        return m.sum([x - largest for x in xs])

    def read(token):
        rows = [Value(1.0), Value(2.0)]
        return rows[token]

    with pytest.raises(TypeError, match=r"max\(xs\).*maximum"):
        m.compile(shifted, wrt="inputs", example=([1.0, 2.0],))
    with pytest.raises(TypeError, match=r"rows\[token\].*take\(rows, token\)"):
        m.compile(read, wrt="inputs", example=(1.0,))


def test_a_table_is_read_by_a_token():
    table = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    program = m.compile(lambda token: m.dot(m.take(table, token), [1.0, 1.0]), table, example=(0,))
    assert program.value([0, 1, 1]) == (3 + 7 + 7) / 3
    assert m.maximum(Value(2.0)).data == 2.0


# ---- PyTorch -------------------------------------------------------------------------------------------------------

MODEL = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
GATES = "log2 log10 exp2 asinh acosh atanh hypot norm cbrt floor sinc xlogy gelu silu".split()  # noqa: SIM905
OPTIMIZER = optim.Adagrad(MODEL[0].parameters())


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Value(2.0).backward(0.5),
        lambda: (MODEL[0], MODEL[-1], len(MODEL), list(MODEL.named_modules()), list(MODEL.named_children())),
        lambda: MODEL.apply(lambda module: None),
        lambda: OPTIMIZER.add_param_group({"params": MODEL[2].parameters(), "lr": 0.1}),
        lambda: (nn.Tanh(), nn.Flatten(), nn.Embedding(3, 2), nn.CrossEntropyLoss(), nn.MSELoss()),
        lambda: (optim.RMSprop(MODEL.parameters()), optim.clip_grad_norm_(MODEL.parameters(), 1.0)),
        lambda: [getattr(m, name) for name in GATES],
        lambda: Value(5.0) % 3,
    ],
)
def test_what_pytorchs_users_write_works(ask):
    assert ask() is not NotImplemented


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda: Value(2.0).item(), "v.data is its number"),
        (lambda: Value(2.0).detach(), "stop_gradient"),
        (lambda: MODEL.requires_grad_(False), "give the optimizer what is to learn"),
        (lambda: optim.lr_scheduler, "StepDecay"),
        (lambda: m.degrees, r"180 / math\.pi"),
        (lambda: m.radians, r"math\.pi / 180"),
    ],
)
def test_what_pytorchs_users_write_is_answered(ask, answer):
    with pytest.raises(AttributeError, match=answer):
        ask()


def test_losses_and_their_settings():
    z, y = [[0.3, -0.2, 0.1], [1.0, 2.0, 3.0]], [0, 2]
    assert len(nn.cross_entropy(z, y, reduction="none")) == 2
    assert nn.cross_entropy(z, y, weight=[1.0, 1.0, 1.0]) == pytest.approx(nn.cross_entropy(z, y))
    assert nn.cross_entropy(z, y, label_smoothing=0.1) > nn.cross_entropy(z, y)
    assert nn.cross_entropy(z, [0, -100], ignore_index=-100) == nn.cross_entropy(z[0], 0)
    assert (nn.huber([3.0], [0.0]), nn.l1_loss([3.0], [0.0])) == (2.5, 3.0)
    assert nn.kl_div([[math.log(0.5)] * 2], [[0.5, 0.5]]) == pytest.approx(0.0, abs=1e-15)


# ---- JAX and autograd ----------------------------------------------------------------------------------------------


def test_transforms_take_arrays_dicts_keywords_and_aux():
    assert grad(lambda x: (x * x).sum())(np.array([2.0, 3.0])).tolist() == [4.0, 6.0]
    assert grad(lambda p, *, scale: scale * p["w"] * p["b"])({"w": 2.0, "b": 3.0}, scale=10) == {"w": 30.0, "b": 20.0}
    assert m.value_and_grad(lambda x: (x * x, {"twice": 2 * x}), has_aux=True)(3.0) == ((9.0, {"twice": 6.0}), 6.0)
    value, pull = m.vjp(lambda x: x * m.stop_gradient(x), 3.0)
    assert (value, pull(1.0)) == (9.0, (3.0,))
    assert grad(m.sinc)(0.0) == 0.0  # where(x, sin(x) / x, 1.0) has no value there


# ---- fit and scikit-learn ------------------------------------------------------------------------------------------


def test_fit_has_hooks_clipping_schedules_names_and_weights():
    seen = []
    history = fit(
        nn.MLP(2, [3, 1], rng=0), "mse", ROWS, LABELS, "adam", 3, 2, progress=False, metrics="mae", shuffle=False,
        clip=0.5, schedule=optim.Cosine(3), schedule_by="batch", sample_weight=[1, 2, 1, 0], class_weight={1: 2.0},
        on_batch=lambda model, update: seen.append(update.batch), on_epoch=lambda model, history: None,
    )  # fmt: skip
    assert (seen, len(history.metrics["mae"])) == ([0, 1] * 3, 3)


@pytest.mark.sklearn
def test_the_estimators_take_scikit_learns_settings():
    from sklearn.neural_network import MLPClassifier as Theirs

    from microgradnn.sklearn import MLPClassifier

    ours = MLPClassifier((4,), random_state=0, max_iter=5, tol=0).fit(ROWS, LABELS)
    theirs = Theirs((4,), random_state=0, max_iter=5, tol=0).fit(ROWS, LABELS)
    assert {*theirs.get_params()} <= {*ours.get_params()}
    assert {name for name in vars(theirs) if name.endswith("_")} - {*dir(ours)} == set()
    assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_)
    assert ours.predict_log_proba(ROWS) == pytest.approx(theirs.predict_log_proba(ROWS))

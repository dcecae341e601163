"""The room of micrograd: its names, its habits, own operations with their `_backward`, and the same bits as Value."""

import copy
import math
import pickle
import random
import threading
import time

import numpy as np
import pytest
from hypothesis import given, strategies as st

import microgradnn
from microgradnn import check_grads, compile, detect_anomaly, draw, fit, gates, grad, hvp, jvp, margin, no_grad, steps
from microgradnn.micrograd import MLP, Layer, Module, Neuron, Value, engine, nn

Plain = microgradnn.Value
numbers = st.floats(-3, 3).map(lambda x: round(x, 3))


def own(op, forward, slope):
    """An operation as micrograd's users write it."""

    def operation(x):
        out = Value(forward(x.data), (x,), op)

        def _backward():
            x.grad += slope(x.data, out.data) * out.grad

        out._backward = _backward
        return out

    return operation


tanh = own("tanh", math.tanh, lambda x, out: 1 - out**2)
exp = own("exp", math.exp, lambda x, out: out)


# ---- the same bits as the plain Value -------------------------------------------------------------------------------

PROGRAMS = {
    "readme": lambda kind, a, b: ((a * b + b**3) + (a + b).relu()) / (b * b + 1) + 10.0 / (a * a + 2) - (-a) + 3 - a,
    "sums": lambda kind, a, b: sum([a, b, a * b]) + kind(2.0) * a - 1.5 * b,
    "functions": lambda kind, a, b: (a.tanh() + (b * 0.3).exp() + (a * a + 1).log() + a.sigmoid()) * b.sin(),
    "top": lambda kind, a, b: (
        microgradnn.softplus(a) * microgradnn.maximum(a, b, kind(0.1)) + microgradnn.dot([a, b], [b, 2])
    ),
    "vectors": lambda kind, a, b: microgradnn.logsumexp([a, b]) + microgradnn.where(a, b, a * b),
}


@pytest.mark.parametrize("name", PROGRAMS)
@given(x=numbers, y=numbers)
def test_room_and_plain_value_give_the_same_bits(name, x, y):
    def run(kind):
        a, b = kind(x), kind(y)
        out = PROGRAMS[name](kind, a, b)
        out.backward()
        return out, a, b

    plain, room = run(Plain), run(Value)
    assert [(repr(v.data), repr(v.grad)) for v in plain] == [(repr(v.data), repr(v.grad)) for v in room]
    assert {type(v) for v in room} == {Value}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", [gate for gate in gates() if gate.public and gate.arity], ids=lambda gate: gate.name)
def test_every_gate_of_a_room_value_is_a_room_value(gate):
    for point in gate.samples[:2]:
        operands = [Value(x) for x in point]
        assert type(gate(*operands)) is Value
        if gate.is_method:
            assert type(getattr(operands[0], gate.name)(*operands[1:])) is Value
    assert type(gate(Plain(point[0]), *point[1:])) is Plain


def test_graphs_mix():
    a, b = Value(2.0, label="a"), Plain(3.0, "b")
    for out in (a * b, b * a, a + b, b - a, b / a, a**b):
        assert (type(out), out._prev) == (Value, {a, b})
    with no_grad():
        assert (type(a * b), type(a * 2)) == (Value, Value)
    (a * b + b).backward()
    assert (a.grad, b.grad) == (3.0, 3.0)


# ---- names and habits ----------------------------------------------------------------------------------------------


def test_names():
    a, b = Value(-4.0, label="a"), Value(2.0)
    b.label = "b"
    c = a * b
    c.label = "c"
    assert (c.label, c.name, a.label, Value(1).label) == ("c", "c", "a", "")
    assert (c._prev, c._children, c._op) == ({a, b}, (a, b), "*")
    assert [(v._op) for v in (a + b, a - b, a / b, b**2, b**a, b**0.5, a.relu(), a.tanh(), -a, a)] == [
        "+", "-", "/", "**2", "**", "**0.5", "ReLU", "tanh", "-", "",
    ]  # fmt: skip
    assert (b.pow(3).data, (a + 1)._prev, engine.Value, nn.MLP) == (8.0, {a}, Value, MLP)
    assert Value(2.0, (), "const")._op == "const"
    with Value.no_grad():
        assert (a * b)._prev == set()


def test_habits():
    assert Value(0.0)
    assert bool(Value(1) - 1)
    assert Value(1.0) != Value(1.0)
    a = Value(1.0)
    assert a == a
    assert Value(1.0) not in [a]
    assert a in [Value(1.0), a]
    p = Value(0.5)
    p.m, p.v = 0.25, [p]
    assert copy.deepcopy(p).m == pickle.loads(pickle.dumps(p)).m == 0.25
    twin = copy.deepcopy(p)
    assert twin.v[0] is twin


def test_backward_of_a_gate_called_by_hand():
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    d = c + a
    d.grad = 1.0
    for node in (d, c, a):
        node._backward()
    assert (a.grad, b.grad, c.grad) == (-3.0 + 1.0, 2.0, 1.0)


def topological(root):
    """As the lecture sorts."""
    order, visited = [], set()

    def build(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            order.append(v)

    build(root)
    return order


@given(x=numbers, y=numbers)
def test_a_sweep_by_hand_is_backward(x, y):
    a, b = Value(x), Value(y)
    out = exp(tanh(a * b + 1) * a) - 3 * a + 1 / (b * b + 1)
    out.backward()
    by_engine = a.grad, b.grad
    nodes = topological(out)
    for node in nodes:
        node.grad = 0.0
    out.grad = 1.0
    for node in reversed(nodes):
        node._backward()
    assert (a.grad, b.grad) == pytest.approx(by_engine, rel=1e-12, abs=1e-12)


# ---- operations of the user's own ----------------------------------------------------------------------------------


@given(x=numbers, w=numbers)
def test_own_operations_are_swept(x, w):
    a, b = Value(x), Plain(w)
    out = tanh(a * b + 1) * exp(a * 0.1)
    out.backward()
    c, d = Plain(x), Plain(w)
    (microgradnn.tanh(c * d + 1) * microgradnn.exp(c * 0.1)).backward()
    assert (a.grad, b.grad) == pytest.approx((c.grad, d.grad), rel=1e-12, abs=1e-12)


def test_own_operation_is_called_once_a_sweep_with_its_whole_gradient():
    seen = []
    x = Value(3.0)
    out = Value(9.0, (x, x), "square")

    def _backward():
        seen.append(out.grad)
        x.grad += 6.0 * out.grad

    out._backward = _backward
    root = out * 2 + out * 5
    root.backward()
    root.backward()
    assert (seen, x.grad, out.grad) == ([7.0, 7.0], 84.0, 7.0)
    assert out.partials == (6.0, None)


def test_own_operation_beside_its_operands():
    """What stands in `grad` of operands before is neither seen nor lost."""
    x, y = Value(2.0), Value(5.0)
    x.grad = 100.0
    out = Value(10.0, [x, y], "mul")

    def _backward():
        assert (x.grad, y.grad) == (0.0, 0.0)
        x.grad = y.data * out.grad  # without +=, as beginners write
        y.grad += x.data * out.grad

    out._backward = _backward
    (out + x).backward()
    assert (x.grad, y.grad, out._prev) == (106.0, 2.0, {x, y})


def test_threads_lose_no_contribution():
    x, rounds = Value(2.0), 10
    shared = x * 3

    def slow(x):
        out = Value(x.data, (x,), "slow")

        def _backward():
            time.sleep(1e-4)  # others get their turn
            x.grad += out.grad

        out._backward = _backward
        return out

    def sweep():
        for _ in range(rounds):
            (slow(shared) + shared * 2).backward()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert x.grad == 4 * rounds * 9


def test_what_a_closure_raises_leaves_the_gradients():
    x = Value(2.0)
    x.grad = 1.5
    out = Value(4.0, (x,), "bad")
    out._backward = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        out.backward()
    assert (x.grad, out.grad) == (1.5, 0.0)


def test_a_backward_takes_the_place_of_a_rule():
    x = Value(2.0)
    out = x * 3
    out._backward = lambda: setattr(x, "grad", x.grad + 100 * out.grad)
    (out + 1).backward()
    assert (x.grad, out._op) == (100.0, "*")


@pytest.mark.parametrize("op", ["power", "relu", "add", "negative", "**2"])
def test_an_own_operation_keeps_its_name(op):
    """Also where a gate of the table has that name, which micrograd writes otherwise, or other operands."""
    assert Value(4.0, (Value(2.0),), op)._op == op


def test_without_backward_nothing_is_handed_on():
    x = Value(2.0)
    out = Value(4.0, (x,), "silent")
    out.backward()
    assert (x.grad, out.partials, out._backward()) == (0.0, (None,), None)


def test_subclass_with_its_constructor_and_methods():
    class MyValue(Value):
        def __init__(self, data, _children=(), _op="", label=""):
            super().__init__(data, _children, _op, label)
            self._backward = lambda: None
            self.visits = 0

        def cube(self):
            out = MyValue(self.data**3, (self,), "cube")

            def _backward():
                self.grad += 3 * self.data**2 * out.grad

            out._backward = _backward
            return out

    x = MyValue(2.0, label="x")
    y = x.cube() * 2 + x
    y.backward()
    assert (x.grad, x.visits, y.data, x.cube()._op) == (25.0, 0, 18.0, "cube")


def test_subclass_that_adds_and_multiplies_in_its_own_way():
    class Counting(Value):
        def __add__(self, other):
            return (
                Counting(self.data + other.data, (self, other), "plus")
                if isinstance(other, Counting)
                else NotImplemented
            )

        def __mul__(self, other):
            return Counting(self.data * other, (self,), "times")

        def __pow__(self, k):
            return Counting(self.data**k, (self,), "power")

    a, b = Counting(6.0), Counting(2.0)
    assert [(v.data, v._op) for v in (a - b, -a, 3 * a, b + a)] == [
        (4.0, "plus"), (-6.0, "times"), (18.0, "times"), (8.0, "plus"),
    ]  # fmt: skip
    assert ((1 / b).data, (1 / b)._op) == (0.5, "times")
    assert ((np.float64(3.0) * a)._op, (3.0 * a)._op) == ("times", "times")


def test_operators_of_a_parent_stay_those_of_its_subclasses():
    class Adding:
        def __add__(self, other):
            return "added"

    class Mixed(Adding, Value):
        pass

    class Subtracting(Value):
        def __sub__(self, other):
            return "subtracted"

    class Both(Adding, Subtracting):
        pass

    assert (Mixed(2.0) - 1, 1 + Mixed(2.0), Both(2.0) - 1, Both(2.0) + 1) == (
        "added", "added", "subtracted", "added",
    )  # fmt: skip


def test_a_call_of_the_users_own_is_called(monkeypatch):
    class Doubling(Neuron):
        def __call__(self, x):
            return super().__call__(x) * 2

    layer, model = Layer(2, 2), MLP(2, [2, 1])
    plain = [y.data for y in layer([1.0, 2.0])]
    layer.neurons[0].__class__ = Doubling
    assert [y.data for y in layer([1.0, 2.0])] == [2 * plain[0], plain[1]]
    before = model([1.0, 2.0]).data
    assert model([1.0, 2.0]).data == before
    monkeypatch.setattr(
        Neuron, "__call__", lambda self, x: sum((w * y for w, y in zip(self.w, x, strict=True)), self.b)
    )
    hidden = [n([1.0, 2.0]) for n in model.layers[0].neurons]
    assert model([1.0, 2.0]).data == model.layers[1].neurons[0](hidden).data
    monkeypatch.setattr(Layer, "__call__", lambda self, x: [Value(len(x)), Value(5.0)])
    assert [y.data for y in model([1.0, 2.0])] == [2.0, 5.0]


def test_the_rule_that_a_backward_replaces_can_be_called_by_it():
    x, seen = Value(2.0), []
    y = x * x * 3
    rule = y._backward

    def logged():
        seen.append(y.grad)
        rule()

    y._backward = logged
    (y * 2).backward()
    assert (x.grad, seen) == (24.0, [2.0])


def test_a_backward_of_a_leaf_is_called_when_its_gradient_is_complete():
    x, y = Value(2.0), Value(3.0)
    x._backward = lambda: setattr(x, "grad", x.grad * 10)
    (x * y + x).backward()
    assert (x.grad, y.grad) == (40.0, 2.0)


def test_what_is_not_in_proportion_is_shown_as_it_was():
    x = Value(2.0, label="x")
    out = Value(2.0, (x,), "clip")
    out._backward = lambda: setattr(x, "grad", x.grad + max(-1.0, min(1.0, out.grad)))
    root = out * 5
    root.backward()
    assert (x.grad, out.partials) == (1.0, (0.2,))
    assert steps(root)[-1].contribution == 1.0


def test_operators_are_derived_from_what_a_subclass_has():
    class Negating(Value):
        def __neg__(self):
            return Negating(-self.data, (self,), "minus")

        def __add__(self, other):
            return Negating(self.data + other.data, (self, other), "plus")

    class Subtracting(Negating):
        def __sub__(self, other):
            return "own"

        def __add__(self, other):
            return Negating(0.0, (self, other), "sum")

    class Flipping(Value):
        def __neg__(self):
            return Flipping(5.0)

    a, b = Negating(3.0), Negating(1.0)
    assert [v._op for v in (a - b)._children] == ["", "minus"]
    assert Subtracting(3.0) - Subtracting(1.0) == "own"
    assert (Flipping(1.0) - Flipping(2.0)).data == 6.0
    assert (Flipping(4.0) * 2)._op == "*"


@pytest.mark.slow
@pytest.mark.parametrize("level", [0, 1, 2])
def test_networks_and_long_chains_are_drawn_at_every_level(level):
    net = MLP(2, [16, 16, 1])
    assert "<svg" in draw(net([1.0, 2.0]), level=level).svg()
    chain = Value(1.0)
    for _ in range(200):
        chain = tanh(chain * 0.9) + 0.1
    assert "<svg" in draw(chain).svg()


def test_parameters_are_what_each_part_gives():
    class Frozen(Neuron):
        def parameters(self):
            return []

    class Scaled(MLP):
        def __init__(self):
            super().__init__(2, [2, 1])
            self.scale = Value(1.0)

        def parameters(self):
            return [*super().parameters(), self.scale]

    layer, model = Layer(2, 2), Scaled()
    layer.neurons[0].__class__ = Frozen
    assert layer.parameters() == [*layer.neurons[1].w, layer.neurons[1].b]
    assert [p is model.scale for p in model.parameters()] == [False] * 9 + [True]
    model.layers[0].parameters = lambda: []
    assert len(model.parameters()) == 4


def test_a_parameter_made_while_a_module_runs_is_refused():
    class Lazy(Module):
        def forward(self, x):
            self.w = [Value(0.5) for _ in x]
            return [w * y for w, y in zip(self.w, x, strict=True)]

    with pytest.raises(TypeError, match="a Value that is made while a module runs would not learn"):
        Lazy()([1.0, 2.0])


def test_children_given_later():
    x = Value(2.0)
    out = Value(4.0)
    out._prev, out._op = {x}, "double"
    out._backward = lambda: setattr(x, "grad", x.grad + 2 * out.grad)
    out.backward()
    assert (x.grad, out._op) == (2.0, "double")


def test_monkey_patched_method(monkeypatch):
    monkeypatch.setattr(Value, "swish", own("swish", lambda x: x * 2, lambda x, out: 2.0), raising=False)
    x = Value(1.0)
    x.swish().backward()
    assert x.grad == 2.0


def test_own_operation_is_drawn_and_stepped_by_its_name(tmp_path):
    x = Value(0.5, label="x")
    out = tanh(x)
    assert ">tanh<" in draw(out).svg()
    assert [step.sentence for step in steps(out)][-1] == "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 0.7864 = 0.7864"
    assert "operatorname{tanh}" in microgradnn.to_latex(out)
    steps(out).save(tmp_path / "steps.html")
    assert "tanh is an operation of your own" in (tmp_path / "steps.html").read_text(encoding="utf-8")
    made = next(row for row in str(margin(tanh, x)).splitlines() if "out = Value" in row)
    assert made.endswith("0.4621        1")
    assert "0.7864" in str(microgradnn.explain(out, x))


@pytest.mark.parametrize(
    "ask",
    [
        lambda x, y: y.forward(),
        lambda x, y: grad(grad(tanh))(1.0),
        lambda x, y: hvp(tanh, 1.0, 1.0),
        lambda x, y: check_grads(tanh, (1.0,)),
        lambda x, y: microgradnn.report_grads(tanh, (1.0,)),
        lambda x, y: microgradnn.bounds(y, {x: (0.0, 1.0)}),
        lambda x, y: compile(lambda v: Value(1.0, (v,), "tanh"), wrt="inputs", example=(1.0,)),
        lambda x, y: copy.deepcopy(y),
        lambda x, y: copy.copy(y.operands[0]),
        lambda x, y: pickle.dumps(y),
    ],
)
def test_what_needs_a_rule_is_refused_by_name(ask):
    x = Value(0.5)
    with pytest.raises(TypeError, match=r"^tanh.* is an operation of your own"):
        ask(x, tanh(x) * 2)


def test_first_derivatives_go_through():
    assert grad(tanh)(1.0) == pytest.approx(1 - math.tanh(1) ** 2)
    assert jvp(tanh, (1.0,), (2.0,))[1] == pytest.approx(2 * (1 - math.tanh(1) ** 2))


def test_own_operations_heed_the_context():
    x = Value(2.0)
    with no_grad():
        out = tanh(x)
    assert out._prev == set()
    with pytest.raises(ValueError, match="computed inside no_grad"):
        out.backward()
    with detect_anomaly(), pytest.raises(FloatingPointError, match=r"cube\(2.0\) is nan, recorded at .*test_micrograd"):
        Value(math.nan, (x,), "cube")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Value(1.0, "x"), r"_children are the Values .* got 'x'; a name is Value\(data, label='x'\)"),
        (lambda: Value(1.0, Value(2.0), "+"), r"_children are the Values .* got Value\(data=2.0, grad=0.0\)"),
        (lambda: Value(1.0, (2.0,)), r"_children are the Values .* got \(2.0,\)"),
        (lambda: Value(1.0, label=3), "a name is a string, got int 3"),
        (lambda: setattr(Value(1.0) * 2, "_backward", None), "_backward is a function without arguments, got None"),
        (lambda: setattr(Value(1.0) * 2, "_prev", set()), r"was computed from its operands"),
        (lambda: setattr(Value(1.0) * 2, "_op", "+"), r"_op says what made"),
        (lambda: Neuron(0), "nin must be a whole number ≥ 1, got 0"),
        (lambda: Layer(2, 3, nonlin="yes"), "nonlin must be True or False, got 'yes'"),
    ],
)
def test_refusals(wrong, message):
    with pytest.raises((TypeError, ValueError, AttributeError), match=message):
        wrong()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_copies_share_what_an_attribute_leads_to(copied):
    x = Value(2.0)
    y = x * 3
    x.loss = y
    y2, x2 = copied((y, x))
    assert y2.operands[0] is x2
    assert x2.loss is y2
    assert x.loss is y


# ---- networks ------------------------------------------------------------------------------------------------------


def by_hand(model, x):
    """What micrograd computes, in plain numbers."""
    for layer in model.layers:
        sums = [sum((w.data * y for w, y in zip(n.w, x, strict=True)), n.b.data) for n in layer.neurons]
        x = [max(s, 0.0) if n.nonlin else s for n, s in zip(layer.neurons, sums, strict=True)]
    return x


def test_mlp_draws_from_pythons_random():
    random.seed(1337)
    model = MLP(2, [3, 1])
    random.seed(1337)
    drawn = [random.uniform(-1, 1) for _ in range(9)]
    weights = [p for layer in model.layers for n in layer.neurons for p in [*n.w, n.b]]
    assert all(p is q for p, q in zip(model.parameters(), weights, strict=True))
    assert [p.data for p in weights] == [*drawn[:2], 0.0, *drawn[2:4], 0.0, *drawn[4:6], 0.0, *drawn[6:], 0.0]


def test_outputs_are_bare_where_single():
    neuron, layer, model = Neuron(2), Layer(2, 3), MLP(2, [4, 1])
    x = [1.0, Value(-2.0)]
    assert [type(module(x)) for module in (neuron, Layer(2, 1), model)] == [Value] * 3
    assert [type(y) for y in layer(x)] == [Value] * 3
    assert model(x).data == pytest.approx(by_hand(model, [1.0, -2.0])[0])
    assert (str(Neuron(2, nonlin=False)), str(layer)) == (
        "LinearNeuron(2)", "Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]",
    )  # fmt: skip
    assert str(MLP(1, [1])) == "MLP of [Layer of [LinearNeuron(1)]]"
    layer.neurons[1].nonlin = False
    for neuron in layer.neurons:
        neuron.b.data = -9.0
    assert [y.data for y in layer(x)] == pytest.approx(by_hand(type("M", (), {"layers": [layer]}), [1.0, -2.0]))


def test_training_as_in_the_demo():
    random.seed(1)
    model = MLP(2, [8, 1])
    rows, y = [[random.gauss(s, 0.5), random.gauss(-s, 0.5)] for s in (1, -1) * 20], [1, -1] * 20
    for step in range(30):
        scores = list(map(model, [list(map(Value, row)) for row in rows]))
        losses = [(1 + -label * score).relu() for label, score in zip(y, scores, strict=True)]
        total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        accuracy = [(label > 0) == (score.data > 0) for label, score in zip(y, scores, strict=True)]
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * step / 30) * 0.1 * p.grad
    assert sum(accuracy) / len(accuracy) == 1.0


def test_the_room_trains_compiles_and_saves_as_other_modules(tmp_path):
    random.seed(2)
    model = MLP(2, [4, 1])
    rows, y = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]], [1.0, 1.0, 0.0, 0.0]
    first = fit(model, "mse", rows, y, "adam", 20, progress=False, compiled=True).loss
    assert first[-1] < first[0]
    program = compile(model, model.parameters(), example=(rows[0],), reduce=None)
    assert list(program.value(rows)) == pytest.approx([model(x).data for x in rows])
    model.save(tmp_path / "net.safetensors")
    other = MLP(2, [4, 1])
    other.load(tmp_path / "net.safetensors")
    assert [p.data for p in other.parameters()] == [p.data for p in model.parameters()]


def test_own_module():
    class Net(Module):
        def __init__(self):
            self.a, self.b = Layer(2, 3), Neuron(3, nonlin=False)

        def __call__(self, x):
            return tanh(self.b(self.a(x)))

        def parameters(self):
            return self.a.parameters() + self.b.parameters()

    net = Net()
    net([1.0, 2.0]).backward()
    assert any(p.grad for p in net.parameters())
    net.zero_grad()
    assert not any(p.grad for p in net.parameters())

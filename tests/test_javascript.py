"""JavaScript computes and writes what Python does: gates to the last bits, numbers and sentences to the letter."""

import json
import math
import operator
import random
import shutil
import struct
import subprocess
from importlib.resources import files

import pytest

import microgradnn as m
from microgradnn import Value, nn, optim, steps
from microgradnn.drawing.javascript import ScriptError, function, name_of
from microgradnn.drawing.live import gates_of, nodes_of
from microgradnn.drawing.page import recorded_steps
from microgradnn.notation import digits
from microgradnn.primitive import Primitive, gates, primitive

pytestmark = pytest.mark.node

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan, 5e-324, 1e300, -1e300, 1e-300, 750.0, -750.0]
LIVE = list(gates())
CLOSE = 4  # ulp
FARTHER = {  # a difference that nearly cancels, a cube root squared, two divisions by Math.hypot, products of these
    ("gelu", 0): 1e3, ("cbrt", 0): 10, ("atan2", 0): 20, ("atan2", 1): 20, ("atan", 0): 20, ("silu", 0): 20,
    ("direction_cosine", 0): 20, ("direction_cosine", 1): 20, ("circle_inversion", 0): 1e3,
    ("circle_inversion", 1): 20, ("power_slope", 0): 20,
    ("power_slope", 1): 20, ("power_log", 0): 20, ("power_log", 1): 20, ("power_log_squared", 0): 20,
    ("power_log_squared", 1): 20,
}  # fmt: skip


def run(script, given):
    """What `script`, a function of `given` in JavaScript, returns."""
    names = ("numbers", "circuit", "descent")
    texts = [files("microgradnn.drawing").joinpath(f"{name}.js").read_text(encoding="utf-8") for name in names]
    program = "\n".join(
        [*texts, script, "console.log(JSON.stringify(main(JSON.parse(require('fs').readFileSync(0)))))"]
    )
    done = subprocess.run(
        [shutil.which("node"), "-e", program], input=json.dumps(given), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said(x):
    """A number as text that both languages read."""
    return None if x is None else repr(x).replace("inf", "Infinity").replace("nan", "NaN")


def heard(text):
    return None if text is None else float(text.replace("Infinity", "inf").replace("NaN", "nan"))


def ulps(x, y):
    if x == y or (x != x and y != y):
        return 0.0
    return abs(x - y) / math.ulp(max(abs(x), abs(y))) if math.isfinite(x) and math.isfinite(y) else math.inf


def points(gate, count, draw):
    def anywhere():
        return draw.choice([draw.uniform(-3, 3), draw.gauss(0, 1) * 10.0 ** draw.randint(-6, 3)])

    drawn = [tuple(anywhere() for _ in range(count)) for _ in range(400)]
    special = [tuple(draw.choice(SPECIAL) for _ in range(count)) for _ in range(60)] if count > 1 else zip(SPECIAL)
    every = [*(sample for sample in gate.samples if len(sample) == count), *drawn, *special]
    if gate.name in ("select", "cross_entropy"):  # whose first operand is the index of one of the others
        every = [(float(draw.randrange(count - 1)), *point[1:]) for point in every]
    return every


@pytest.mark.parametrize("gate", LIVE, ids=str)
def test_a_gate_and_its_partials_are_those_of_python(gate):
    draw = random.Random(gate.name)
    for count in sorted({len(sample) for sample in gate.samples}):
        given = points(gate, count, draw)
        script = (
            "\n".join(["const gates = {", *function(gate, count), "};"])
            + f"""
            const said = (x) => (x === null ? null : Object.is(x, -0) ? "-0.0" : String(x));
            const main = (points) => points.map((point) => {{
              const xs = point.map(Number), gate = gates.{name_of(gate, count)}, out = gate.value(...xs);
              return [said(out), gate.partials(out, ...xs).map(said)];
            }});"""
        )
        for point, (out, partials) in zip(given, run(script, [list(map(said, x)) for x in given]), strict=True):
            expected = gate.limit(point)
            assert ulps(heard(out), expected) <= CLOSE, (point, out, expected)
            by_python = gate.trace(count).run(expected, list(point), Primitive.limit)
            for index, (ours, theirs) in enumerate(zip(partials, by_python, strict=True)):
                far = FARTHER.get((gate.name, index), CLOSE)
                assert ulps(heard(ours) or 0.0, theirs or 0.0) <= far, (point, index, ours, theirs)


def test_numbers_are_written_as_in_python():
    draw = random.Random(0)
    numbers = [draw.gauss(0, 1) * 10 ** draw.uniform(-12, 12) for _ in range(30_000)]
    numbers += [k / 2**n for k in range(1, 3000) for n in range(12)]  # among them ties of rounding
    numbers += [struct.unpack("d", struct.pack("Q", draw.getrandbits(64)))[0] for _ in range(30_000)]
    numbers += [0.00012345, 9999.5, 99995.0, 0.99995, 12345.0, 12355.0, 123450.0, *SPECIAL]
    written = run("const main = (all) => all.map((x) => digits(Number(x)));", list(map(said, numbers)))
    assert written == list(map(digits, numbers))


def neuron(a, b, c, d, e):
    return 1 / (1 + m.exp(-(a * b + c * d + e)))


def choices(a, b, c, d, e):
    return m.relu(a * b - c) * m.tanh(d) + m.maximum(a, b, e) ** 2 - m.where(c, d * 0, a / (1 + b * b)) + abs(e)


def of_many(a, b, c, d, e):
    return m.sum(a, b, c) * m.minimum(a * a, 1.0) - m.softplus(d) % 2.0 + m.logsumexp(a, e, 0.0) + 0.0 * b


@pytest.mark.parametrize("f", [neuron, choices, of_many])
def test_a_circuit_is_told_as_python_tells_it_after_any_change(f):
    draw = random.Random(1)
    walked = steps(f(*map(Value, [2.0, -1.0, -3.0, -2.0, -3.0], "abcde")))
    leaves = [number for number, node in enumerate(walked.order) if node.primitive is None]
    names = [walked.order[number].name for number in leaves]
    values = [[draw.choice([draw.uniform(-3, 3), 0.0, 1.0, -2.0]) for _ in names] for _ in range(40)]
    script = f"""
        {gates_of(walked)}
        const nodes = {json.dumps(nodes_of(walked))};
        const main = (values) => values.map((numbers) => {{
          const all = nodes.map((node) => node.value);
          {json.dumps(leaves)}.forEach((leaf, index) => {{ all[leaf] = numbers[index]; }});
          const state = computed(nodes, all);
          return told(nodes, state, swept(nodes, state).edges);
        }});"""
    for numbers, told in zip(values, run(script, values), strict=True):
        at = dict(zip(names, numbers, strict=True))
        anew = steps(f(*(Value(at[name], name) for name in "abcde")))
        assert told == recorded_steps(anew)


OUTSIDE = {  # of each gate that has a domain a point within it, and one without
    m.log: ((1.0,), (-1.0,)), m.log2: ((1.0,), (-1.0,)), m.log10: ((1.0,), (-1.0,)), m.log1p: ((1.0,), (-2.0,)),
    m.sqrt: ((1.0,), (-1.0,)), m.asin: ((0.5,), (2.0,)), m.acos: ((0.5,), (2.0,)), m.acosh: ((2.0,), (0.5,)),
    m.atanh: ((0.5,), (2.0,)), m.xlogy: ((1.0, 2.0), (1.0, -2.0)), operator.pow: ((8.0, 0.5), (-8.0, 0.5)),
    operator.mod: ((3.0, 2.0), (3.0, 0.0)), operator.sub: ((3.0, 2.0), (math.inf, math.inf)),
}  # fmt: skip


@pytest.mark.parametrize("f", OUTSIDE, ids=lambda f: f.__name__)
def test_a_gate_without_a_value_has_no_derivative_either(f):
    within, without = OUTSIDE[f]
    walked = steps(f(*map(Value, within)))
    script = f"""
        {gates_of(walked)}
        const nodes = {json.dumps(nodes_of(walked))};
        const main = (all) => all.map((xs) => {{
          const state = computed(nodes, xs.map(Number));
          return [...swept(nodes, state).gradients.slice(0, -1), state.values.at(-1)].map(String);
        }});"""
    finite, none, unknown = run(script, [list(map(said, xs)) for xs in (within, without, [math.nan] * len(within))])
    assert "NaN" not in finite
    assert {*none} == {"NaN"}
    assert unknown[-1] == "NaN"


def test_a_gate_of_your_own_with_a_form_for_arrays_is_live_and_one_without_says_why():
    lively = primitive("lively", lambda x: x * x, lambda out, x: 2 * x, array=lambda xp, x: x * x)
    assert "lively_1" in gates_of(steps(lively(Value(3.0))))
    wavy = primitive("wavy", math.sin, lambda out, x: m.cos(x), array=lambda xp, x: abs(-x) ** 2.0 % 3.0 + xp.exp(x))
    assert "remainder(" in gates_of(steps(wavy(Value(3.0))))
    strange = primitive("strange", math.sin, lambda out, x: m.cos(x), array=lambda xp, x: xp.sinc(x))
    with pytest.raises(ScriptError, match=r"the gate strange is not written in JavaScript: .* no function sinc"):
        gates_of(steps(strange(Value(3.0))))
    dull = primitive("dull", lambda x: math.sin(x), lambda out, x: m.cos(x))
    with pytest.raises(ScriptError, match="the gate dull has no form for arrays: give it array="):
        gates_of(steps(dull(Value(3.0))))


def learned(root, weights, step, count, rate):
    """The value of the root and the weights after `count` steps of descent.js."""
    walked = steps(root, weights=weights)
    numbers = [walked.order.index(weight) for weight in weights]
    script = f"""
        {gates_of(walked)}
        const nodes = {json.dumps(nodes_of(walked))}, weights = {numbers};
        const main = ([count, rate]) => {{
          const leaves = nodes.map((node) => node.value);
          for (let n = 0; n < count; n += 1) {step}(nodes, leaves, weights, rate);
          return [computed(nodes, leaves).values.at(-1), weights.map((leaf) => leaves[leaf])];
        }};"""
    return run(script, [count, rate])


def network_of_note_002():
    w = [Value(x, f"w{n}") for n, x in enumerate([0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55], 1)]
    h = [m.sigmoid(m.dot(row, [0.05, 0.10], 0.35)) for row in (w[:2], w[2:4])]
    o = [m.sigmoid(m.dot(row, h, 0.60)) for row in (w[4:6], w[6:])]
    return 0.5 * (o[0] - 0.01) ** 2 + 0.5 * (o[1] - 0.99) ** 2, w


def test_a_hundred_steps_downhill_are_those_of_sgd():
    root, weights = network_of_note_002()
    value, moved = learned(root, weights, "allAtOnce", 100, 0.5)
    optimizer = optim.SGD(weights, lr=0.5)
    for _ in range(100):
        optimizer.zero_grad()
        root.forward().backward()
        optimizer.step()
    assert moved == pytest.approx([weight.data for weight in weights], rel=1e-12)
    assert value == pytest.approx(root.forward().data, rel=1e-12)


@pytest.mark.parametrize(("step", "figure"), [("allAtOnce", 3.510188e-05), ("outputsFirst", 3.508479e-05)])
def test_the_network_of_note_002_learns_in_both_orders(step, figure):
    assert learned(*network_of_note_002(), step, 10_000, 0.5)[0] == pytest.approx(figure, rel=2e-7)


def test_parameters_of_modules_learn_unless_weights_are_given():
    model, x = nn.MLP(2, [2, 1], rng=0), Value(0.5)
    loss = (model([x, 1.0]) - 1.0) ** 2
    assert steps(loss).weights == set(model.parameters())
    assert steps(loss, weights=[x]).weights == {x}
    assert steps(x * 2).weights == set()
    with pytest.raises(ValueError, match=r"weights are leaves of the circuit, got Value\(data=3.0"):
        steps(loss, weights=[Value(3.0)])

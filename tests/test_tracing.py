"""A function is recorded twice: what differs is refused by line and remedy, what is the same is compiled."""

import copy
import functools
import gc
import inspect
import itertools
import math
import pickle
import random
import re
import statistics
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import Value, nn
from microgradnn.compiler import tracing
from microgradnn.compiler.parameters import Parameters
from microgradnn.compiler.tape import Tape
from microgradnn.compiler.tracing import trace
from tests.compile_cases import CASES

NAN = math.nan

w = Value(0.5, "w")
rng = np.random.default_rng(0)


def counter():
    count = itertools.count()

    def f(x):
        return w * x * next(count)  # here

    return f


def by_attribute():
    state = SimpleNamespace(calls=0)

    def f(x):
        state.calls += 1
        return w * x**state.calls  # here

    return f


def growing():
    factors = [w]

    def f(x):
        factors.append(x)
        return mg.dot(factors, [1.0] * len(factors))  # here

    return f


def turning():
    factors = [1.0, 2.0, 3.0]

    def f(x):
        factors.reverse()
        return w * x + factors[0] * x  # here

    return f


def spent(make):
    """An iterator of constants that the first call reads to its end."""
    constants = make([2.0, 3.0])

    def f(x):
        total = w * x
        for constant in constants:
            total = total + constant * x  # here
        return total

    return f


def next_of_an_iterator():
    constants = iter([2.0])

    def f(x):
        return w * x * next(constants)  # here

    return f


def failing():
    state = SimpleNamespace(calls=0)

    def f(x):
        state.calls += 1
        if state.calls == 2:
            raise ZeroDivisionError("mine")  # here
        return w * x

    return f


def longer():
    state = SimpleNamespace(calls=0)

    def f(x):  # here
        state.calls += 1
        return [w * x] * state.calls

    return f


def nested_otherwise():
    state = SimpleNamespace(calls=0)

    def f(x):  # here
        state.calls += 1
        return (w, x) if state.calls == 2 else [w, x]

    return f


def another_constant():
    constants = iter([0.0, -0.0])

    def f(x):  # here
        return [w * x, next(constants)]

    return f


def another_zero():
    constants = iter([0.0, -0.0])

    def f(x):
        return w * x + next(constants) * x  # here

    return f


def one_of_the_same_gates():
    """All gates have been recorded before: a choice among them is a choice all the same."""
    places = iter([0, 1])

    def f(x):
        a, b = w * x, w + x
        return mg.exp([a, b][next(places)]) + mg.exp(a) * mg.exp(b)  # here

    return f


def result_kept():
    kept = []

    def f(x):
        if not kept:
            kept.append(mg.exp(w))
        return kept[0] * x  # here

    return f


def input_kept():
    kept = []

    def f(x):
        kept.append(x)
        return kept[0] * w  # here

    return f


def parameter_made_by_the_first_call():
    made = []

    def f(x):
        if not made:
            made.append(Value(2.0))
        return w * x * made[0]  # here

    return f


def swallowed():
    def f(x):
        try:
            return w * x * random.random()  # here
        except TypeError:
            return w * x

    return f


def late():
    """Ten thousand gates, and the last one differs."""

    def f(x):
        total = x
        for _ in range(5000):
            total = total * w + x
        return total + time.perf_counter()  # here

    return f


def drawn_by_a_module():
    class Noisy(nn.Module):
        def forward(self, x):
            return [one + random.gauss() for one in x]  # here

    model = nn.Sequential(Noisy())
    return lambda x: w * model(x)


PARTING = {
    "random.random": lambda: lambda x: w * x + random.random(),
    "np.random": lambda: lambda x: w * x + rng.normal(),
    "a random choice": lambda: lambda x: w * x * random.choice(range(10**9)),
    "a mini-batch": lambda: lambda: mg.sum([(w * a - a) ** 2 for a in random.sample([*range(10**6)], 5)]),
    "a clock": lambda: lambda x: w * x + time.perf_counter(),
    "a fresh object": lambda: lambda x, kept=[]: w * x + (kept.append(object()) or id(kept[-1])),
    "a counter": counter,
    "a counter among the attributes": by_attribute,
    "a list that grows": growing,
    "a list that turns": turning,
    "a generator": lambda: spent(lambda listed: (one for one in listed)),
    "a map": lambda: spent(lambda listed: map(float, listed)),
    "a zip": lambda: spent(lambda listed: (a for a, _ in zip(listed, listed, strict=True))),
    "next": next_of_an_iterator,
    "an error": failing,
    "a longer list": longer,
    "another nesting": nested_otherwise,
    "another constant": another_constant,
    "another zero": another_zero,
    "one of the same gates": one_of_the_same_gates,
    "a result that is kept": result_kept,
    "an input that is kept": input_kept,
    "a parameter made by the first call": parameter_made_by_the_first_call,
    "swallowed": swallowed,
    "the last of many gates": late,
    "noise in a module": drawn_by_a_module,
}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("kind", PARTING)
def test_what_differs_when_the_function_is_called_again_is_refused_by_line_and_remedy(kind):
    make = PARTING[kind]
    f = make()
    lines, start = inspect.getsourcelines(f if f.__code__.co_firstlineno == make.__code__.co_firstlineno else make)
    line = start + next((place for place, text in enumerate(lines) if "# here" in text), 0)
    if kind in ("a generator", "a map", "a zip"):
        lines, start = inspect.getsourcelines(spent)
        line = start + next(place for place, text in enumerate(lines) if "# here" in text)
    example = (1.0,) if inspect.signature(f).parameters else ()
    with pytest.raises(TypeError) as caught:
        mg.compile(f, w, example=example, reduce=None)
    message = str(caught.value)
    assert re.match(rf"\S*test_tracing\.py, line {line}: ", message), message
    assert re.search(r"twice|call left behind", message), message
    assert re.search(r"as an argument", message), message


def test_the_message_shows_what_was_computed_by_either_call():
    numbers = iter([0.25, 0.75])
    with pytest.raises(TypeError, match=r"multiply\(multiply\(…\), 0\.75\) where the first computed .*, 0\.25\)"):
        mg.compile(lambda x: w * x * next(numbers), w, example=(1.0,))
    places = iter([0, 1])
    with pytest.raises(TypeError, match=r"multiply\(w, inputs\[1\]\) where the first computed .*inputs\[0\]\)"):
        mg.compile(lambda x: w * x[next(places)], w, example=([1.0, 1.0],))
    with pytest.raises(TypeError, match="second call raises ZeroDivisionError: mine"):
        mg.compile(failing(), w, example=(1.0,))
    with pytest.raises(TypeError, match=r"ends before multiply\(2\.0, inputs\[0\]\) is computed"):
        mg.compile(spent(iter), w, example=(1.0,))


RARE = {
    "random.random": lambda x: w * x if random.random() < 2 else x,
    "random.gauss": lambda x: w * x if random.gauss() < 100 else x,
    "np.random.rand": lambda x: w * x if np.random.rand() < 2 else x,
    "np.random.shuffle": lambda x: np.random.shuffle([1, 2]) or w * x,
}


@pytest.mark.parametrize("kind", RARE)
def test_what_draws_from_a_global_generator_is_refused_though_both_calls_agree(kind):
    f = RARE[kind]
    line = f.__code__.co_firstlineno
    with pytest.raises(TypeError, match=rf"test_tracing\.py, line {line}: .* draws random numbers.*as an argument"):
        mg.compile(f, w, example=(1.0,))


def test_what_draws_but_gives_the_same_whenever_it_is_called_is_compiled():
    """It seeds the generator, or drew once for all."""
    kept = []

    def seeded(x):
        random.seed(3)
        np.random.seed(3)
        return w * x * random.random() * np.random.rand()

    def drawn_once(x):
        if not kept:
            kept.append(random.random())
        return w * x * kept[0]

    states = random.getstate(), np.random.get_state()
    try:
        for f in (seeded, drawn_once):
            assert mg.compile(f, w, example=(1.0,)).value([2.0]) == f(2.0).data
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


NOT_NUMBERS = {
    "a view of a dict": (lambda x: {"loss": w * x}.values(), r"got dict_values .*: make a list of it first"),
    "a generator": (lambda x: (w * x for _ in range(2)), r"got generator .*: make a list of it first, list\(\.\.\.\)"),
    "a map": (lambda x: map(mg.sin, [x]), r"got map .*: make a list of it first"),
    "a bool": (lambda x: True, r"got bool True: it has no derivative, where"),
    "a bool of NumPy": (lambda x: [w * x, np.False_], r"got bool .*: it has no derivative, where"),
    "nothing": (lambda x: None, r"got NoneType None: did a function forget to return its result\?"),
    "text": (lambda x: "1", r"got str '1': convert it with float"),
}


@pytest.mark.parametrize("kind", NOT_NUMBERS)
def test_a_function_that_returns_no_numbers_is_told_what_to_return(kind):
    f, message = NOT_NUMBERS[kind]
    with pytest.raises(TypeError, match=f"returns a number, or numbers in lists and dicts, {message}"):
        mg.compile(f, w, example=(1.0,), reduce=None)


def test_what_is_the_same_when_the_function_is_called_again_is_compiled():
    def f(x):
        drawn = random.Random(3).random() + float(np.random.default_rng(3).random())
        local = [one * x for one in (a for a in [1.0, 2.0])]
        return [w * x * drawn, mg.sum(local) + NAN, -0.0, NAN, Value(NAN) * 2.0]

    program = mg.compile(f, w, example=(1.0,), reduce=None)
    wanted = f(2.0)
    assert repr(program.value([2.0])[0].tolist()) == repr([getattr(one, "data", one) for one in wanted])


def test_arguments_that_the_function_changes_are_given_anew():
    def f(x, rows):
        x.append(x.pop(0) * w)
        rows[0] = rows[0] * w
        return mg.sum(x) + mg.sum(rows)

    program = mg.compile(f, w, example=([1.0, 2.0], np.array([3.0, 4.0])))
    assert program.value([[1.0, 2.0]], [[3.0, 4.0]]) == 0.5 + 2.0 + 1.5 + 4.0


def test_a_function_is_called_twice_whatever_its_size():
    for gates in (1, 3000):
        calls = []

        def f(x, gates=gates, calls=calls):
            calls.append(len(calls))
            return functools.reduce(lambda total, _: total * w + x, range(gates), x)

        trace(f, [w], (1.0,))
        assert calls == [0, 1]


def test_errors_that_are_not_of_the_second_call_alone_come_as_they_are():
    def crash(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        mg.compile(crash, w, example=(1.0,))

    state = SimpleNamespace(calls=0)

    def interrupted(x):
        state.calls += 1
        if state.calls == 2:
            raise KeyboardInterrupt
        return w * x

    with pytest.raises(KeyboardInterrupt):
        mg.compile(interrupted, w, example=(1.0,))


# ---- what asks for a number: the remedy is for that cause ---------------------------------------------------------

TABLE, ROWS = [5.0, 6.0, 7.0], np.array([[1.0, 2.0], [3.0, 4.0]])
INNER = mg.compile(lambda x: w * x, w, example=(1.0,))


def accuracy_of_mine(outputs):
    return sum([1.0 if output > 0 else 0.0 for output in outputs])


def halved(x):
    while x > 1.0:
        x = x / 2.0
    return x


def in_two_lines(x):
    return TABLE[
        x
    ]  # fmt: skip


def caught_and_renamed(x):
    try:
        return TABLE[x]
    except TypeError:
        raise RuntimeError("mine") from None


LARGEST, COMPARED = r"Write microgradnn\.maximum", r"Choose with where\(c, a, b\)"
CAUSES = {  # what users write, the expression that asks, the remedy
    "an index": (lambda x: TABLE[x], r"TABLE\[x\]", r"Write take\(TABLE, x\): it reads a list"),
    "an index of a result": (lambda x: TABLE[x * 2.0], r"TABLE\[x \* 2\.0\]", r"take\(TABLE, x \* 2\.0\)"),
    "an index of an array": (lambda x: ROWS[x], r"ROWS\[x\]", r"take\(ROWS, x\)"),
    "an index in two lines": (in_two_lines, r"TABLE\[ x \]", r"take\(TABLE, x\)"),
    "an index, caught": (caught_and_renamed, r"TABLE\[x\]", r"take\(TABLE, x\)"),
    "a slice": (lambda x: mg.sum(TABLE[:x]), r"TABLE\[:x\]", r"take\(table, index\)"),
    "an index made whole": (lambda x: TABLE[int(x)], r"int\(x\)", r"a Value needs none, take\(table, index\)"),
    "a dict": (lambda x: {1.0: 2.0}[x], r"\{1\.0: 2\.0\}\[x\]", r"a list with take\(table, index\)"),
    ".data": (lambda x: w * x.data, r"x\.data", "Leave it out: a Value is computed with as it is; .* reduce=None"),
    ".grad": (lambda x: w * x.grad, r"x\.grad", r"value_and_grad gives gradients .* grad\(f\)\(x\)"),
    "backward": (lambda x: (w * x).backward(), r"\(w \* x\)\.backward\(\)", "value_and_grad gives gradients"),
    "max": (lambda x: max(x, 0.0), r"max\(x, 0\.0\)", LARGEST),
    "max of a list": (lambda x: max([x, w * x]), r"max\(\[x, w \* x\]\)", LARGEST),
    "max of NumPy": (lambda x: np.max([x, w]), r"np\.max\(\[x, w\]\)", LARGEST),
    "min": (lambda x: min(x, w), r"min\(x, w\)", r"Write microgradnn\.minimum"),
    "sorted": (lambda x: sorted([x, w])[0], r"sorted\(\[x, w\]\)", r"Sort pair by pair, with minimum\(a, b\)"),
    "if": (lambda x: x if x > 0 else w, "x > 0", COMPARED),
    "if of the number": (lambda x: w if x else 0.0, "w if x else 0.0|x", COMPARED),
    "and": (lambda x: x and w, "x and w", COMPARED),
    "a comparison by NumPy": (lambda x: w * (np.float64(1.0) < x), r"np\.float64\(1\.0\) < x", COMPARED),
    "while": (halved, r"x > 1\.0", "How often a loop runs is recorded"),
    "equal": (lambda x: w if x == 1.0 else x, r"x == 1\.0", r"where\(0\.5 - abs\(x - y\), a, b\)"),
    "in": (lambda x: w if x in TABLE else x, "x in TABLE", r"where\(0\.5 - abs\(x - y\), a, b\)"),
    "range": (lambda x: sum(w for _ in range(x)), r"range\(x\)", "How often a loop runs is recorded"),
    "int": (lambda x: w * int(x), r"int\(x\)", r"floor\(x\) rounds down"),
    "round": (lambda x: w * round(x), r"round\(x\)", r"Write floor\(x \+ 0\.5\)"),
    "float": (lambda x: w * float(x), r"float\(x\)", "Leave it out: a Value is computed with as it is"),
    "math": (lambda x: math.exp(x), r"math\.exp\(x\)", r"Write microgradnn\.exp in"),
    "NumPy": (lambda x: np.arctan(x), r"np\.arctan\(x\)", r"Write microgradnn\.atan in"),
    "an array of floats": (lambda x: np.array([x], float)[0], r"np\.array\(\[x\], float\)", "dtype=object"),
    "another function of math": (lambda x: math.erfc(x), r"math\.erfc\(x\)", "with the functions of microgradnn"),
    "a metric": (lambda x: mg.accuracy([x], [1]), r"mg\.accuracy\(\[x\], \[1\]\)", r"takes it as met.*reduce=None"),
    "a metric of one's own": (lambda x: accuracy_of_mine([w * x]), "output > 0", "fit takes it as metrics="),
    "argmax": (lambda x: w * np.argmax([x, w]), r"np\.argmax\(\[x, w\]\)", "a program with reduce=None"),
    "formatting": (lambda x: print(f"{x:.3f}"), r'f"\{x:\.3f\}"', "to print the number, return the Value"),
    "formatting by %": (lambda x: "%.3f" % x, '"%.3f" % x', "to print the number, return the Value"),  # noqa: UP031
    "a program": (lambda x: x * INNER.value([1.0]), r"INNER\.value\(\[1\.0\]\)", "Call the function that this"),
}  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("cause", CAUSES)
def test_the_remedy_is_for_the_cause(cause):
    f, expression, remedy = CAUSES[cause]
    with pytest.raises(TypeError) as caught:
        mg.compile(lambda x: f(x + 0.0) * w, w, example=(1.0,))
    pattern = rf"\S*test_tracing\.py, line \d+: .*: `({expression})` asks for the number of a Value while .*{remedy}"
    assert re.match(pattern, str(caught.value)), str(caught.value)


def test_a_refusal_without_source_names_file_and_line():
    module = {}
    exec(compile("f = lambda x: x if x > 0 else 0.0", "<typed>", "exec"), module)  # noqa: S102
    with pytest.raises(TypeError, match=rf"<typed>, line 1: this asks for the number .*{COMPARED}"):
        mg.compile(module["f"], w, example=(1.0,))


def test_the_line_is_that_of_the_user_where_a_library_asks():
    f = lambda x: w * statistics.median([x, 1.0, 2.0])  # noqa: E731
    line = f.__code__.co_firstlineno
    with pytest.raises(TypeError, match=rf"test_tracing\.py, line {line}: .*`statistics\.median\(.*pair by pair"):
        mg.compile(f, w, example=(1.0,))


# ---- what a function leaves behind ------------------------------------------------------------------------------


def leftover():
    kept = []

    def f(x):
        kept.append(mg.exp(w * x))
        return kept[-1]

    mg.compile(f, w, example=(1.0,))
    return kept[0]


LEFT = {
    "data": lambda left: left.data,
    "an operator": lambda left: left * 2.0,
    "the other way": lambda left: 2.0 - left,
    "another Value": lambda left: Value(1.0) + left,
    "a function": lambda left: mg.exp(left),
    "a comparison": lambda left: left > 0,
    "a gate of many": lambda left: mg.sum([left, left, 1.0]),
    "a layer": lambda left: nn.Layer(1, 1)([left]),
    "a copy": copy.deepcopy,
    "a pickle": pickle.dumps,
    "backward": lambda left: left.backward(),
}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", LEFT)
def test_what_a_function_left_behind_is_no_number(way):
    """It held nan, which went silently through all that was computed with it."""
    with pytest.raises(AttributeError, match=r"Traced\(\w+\) holds no number: compile .*outside"):
        LEFT[way](leftover())


def test_what_a_function_left_behind_is_refused_by_another_program():
    left = leftover()
    with pytest.raises(TypeError, match=r"test_tracing\.py, line \d+: .* uses .*exp.* left behind"):
        mg.compile(lambda x: left * x, [Value(1.0), w], example=(1.0,))


# ---- the line of each gate --------------------------------------------------------------------------------------


def test_every_line_of_a_tape_knows_the_line_of_the_user_that_wrote_it():
    layer = nn.Layer(2, 2, activation="tanh", rng=0)

    def helper(a):
        return mg.tanh(a) * 2.0  # helper

    def f(x):
        a = x[0] * w  # first
        b = helper(a)
        c = layer([a, b])  # layer
        return mg.sum([c[0], c[1], mg.grad(lambda z: z**3)(b)])  # last

    tape, _ = trace(f, [w, *layer.parameters()], ([1.0, 2.0],))
    texts = [tape.sources.text(line) for line in range(len(tape.lines))]
    marks = [re.search(r"# (\w+)$", text)[1] for text in texts]
    gates = [gate.name for gate, _ in tape.lines]
    assert gates[:7] == ["multiply", "tanh", "multiply", "dot", "dot", "tanh", "tanh"]
    assert marks == ["first", "helper", "helper", *["layer"] * 4] + ["last"] * (len(gates) - 7)
    _, start = inspect.getsourcelines(f)
    assert texts[0].startswith(f"{__file__}, line {start + 1}: ")
    assert [pickle.loads(pickle.dumps(tape)).sources.text(line) for line in range(len(texts))] == texts


def test_a_tape_without_a_tracer_has_no_sources():
    assert len(Tape(2).sources) == 0


# ---- derivatives inside -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "python", pytest.param("jax", marks=pytest.mark.jax)])
def test_a_penalty_on_a_gradient_is_differentiated_by_the_parameters_it_reaches(backend):
    """(3w/4 + b)² for the slope of w x³ + b x at ½; and the Hessian of w x³, and a direction, in the same function."""
    a, b = Value(2.0), Value(-0.5)

    def f(x):
        slope = mg.grad(lambda z: a * z**3 + b * z)(0.5)
        curvature = mg.hessian(lambda z: a * z**3)(x)
        _, along = mg.jvp(lambda z: a * z * z, (x,), (b,))
        return slope**2 + curvature + along

    value, gradient = mg.compile(f, [a, b], example=(1.0,), backend=backend).value_and_grad([3.0])
    assert value == pytest.approx(1.0 + 36.0 - 6.0)
    assert gradient.tolist() == pytest.approx([2 * 0.75 + 18.0 - 3.0, 2.0 + 12.0])


@pytest.mark.parametrize("compiled", [False, True])
def test_a_penalty_on_the_gradient_of_a_model_is_trained_eager_and_compiled(compiled):
    def trained(compiled):
        model = nn.MLP(1, [4, 1], activation="tanh", rng=0)
        penalty = lambda m: mg.grad(lambda x: m([x]))(0.5) ** 2  # noqa: E731
        history = mg.fit(
            model, "mse", [[-1.0], [0.5], [1.0]], [1.0, 0.0, 1.0], "sgd", 5, penalty=penalty, progress=False,
            compiled=compiled,
        )  # fmt: skip
        return history.loss + [one.data for one in model.parameters()]

    assert trained(compiled) == pytest.approx(trained(False), rel=1e-10)
    assert trained(compiled)[0] > trained(compiled)[4]


# ---- in training ------------------------------------------------------------------------------------------------


class Noise(nn.Module):
    def forward(self, x):
        return [one + random.gauss() for one in x]


DRAWN = {
    "a module": lambda: {"model": nn.Sequential(nn.Layer(1, 2, rng=0), Noise())},
    "the loss": lambda: {"loss": lambda outputs, targets: nn.mse(outputs, targets) * random.random()},
    "the penalty": lambda: {"penalty": lambda model: model.weights()[0] * random.random()},
}


@pytest.mark.parametrize("where", DRAWN)
def test_fit_refuses_to_compile_what_draws_and_leaves_the_model_alone(where):
    given = {"model": nn.MLP(1, [2, 1], rng=0), "loss": "mse", "penalty": None} | DRAWN[where]()
    before = [one.data for one in given["model"].parameters()]
    targets = [[1.0, 1.0], [0.0, 0.0]] if where == "a module" else [1.0, 0.0]
    with pytest.raises(TypeError, match=r"test_tracing\.py, line \d+: .*twice.*fit"):
        mg.fit(
            given["model"], given["loss"], [[-1.0], [0.5]], targets, "sgd", 2, penalty=given["penalty"],
            progress=False, compiled=True,
        )  # fmt: skip
    assert [one.data for one in given["model"].parameters()] == before


def test_recording_draws_no_masks():
    """The generator of dropout stands where it stood; masks are drawn for batches alone."""
    model = nn.Sequential(nn.Layer(1, 3, rng=0), nn.Dropout(0.5, rng=1), nn.Layer(3, 1, rng=2))
    fresh = nn.Dropout(0.5, rng=1)
    mg.fit(model, "mse", [[-1.0], [0.5]], [1.0, 0.0], "sgd", 1, progress=False, compiled=True)
    fresh.mask(2 * 3)
    [dropout] = [one for one in model.modules() if isinstance(one, nn.Dropout)]
    assert dropout.mask(5).tolist() == fresh.mask(5).tolist()


def test_a_program_that_is_called_inside_another_would_be_frozen():
    inner = mg.compile(lambda x: w * x, w, example=(1.0,))
    for call in (inner.value, inner.grad, inner.value_and_grad):
        with pytest.raises(TypeError, match="asks for the number of a Value while compile records the function"):
            mg.compile(lambda x, call=call: w * x + call([2.0]), w, example=(1.0,))


# ---- the tape in C ----------------------------------------------------------------------------------------------


def told(tape, result):
    """All that a tape knows, to the bit."""
    places = [tape.sources.place(line) for line in range(len(tape.lines))]
    return [*map(repr, tape.lines)], tape.paths, places, repr(result)


def both_ways(monkeypatch, f, params, example):
    """What is told of the tape that C helps to write, where it is built, and of the one that Python writes alone."""
    with_core = told(*trace(f, params, example))
    with monkeypatch.context() as patch:
        patch.setattr(tracing, "core", None)
        return with_core, told(*trace(f, params, example))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", CASES)
def test_c_and_python_write_the_same_tape(name, monkeypatch):
    case = CASES[name]()
    tapes = both_ways(monkeypatch, case.f, Parameters(case.params).leaves, case.examples[0])
    assert tapes[0] == tapes[1]


def of_all_kinds(x):
    """Constants that equal registers, zeros of both signs, nan, ints, numbers of NumPy, powers, Values made inside."""
    a = x[0] * 1.0 + 1 * x[1] - (-0.0) * x[0] + 0.0 * x[0] + NAN * x[1] + NAN * x[1]
    b = x[0] * w + w * x[0] + x[1] ** 2 + x[1] ** 1 + x[1] ** -1 + x[1] ** x[0] + 2**w + w**2
    c = np.float64(3.0) * x[0] + x[0] * np.float64(3.0) + Value(2.0) * x[1] + (True + x[0]) + 10**30 * x[0]
    a += x[0]
    return [-a + (+b), mg.tanh(c) * mg.sum([a, b, 1.0]), mg.grad(lambda z: mg.relu(z * w) * z)(x[0]), abs(a) / b]


def test_c_and_python_agree_about_what_is_not_plain(monkeypatch):
    tapes = both_ways(monkeypatch, of_all_kinds, [w], ([1.0, 2.0],))
    assert tapes[0] == tapes[1]
    assert "-0.0" in str(tapes[0])


def test_a_number_that_is_too_large_is_refused_as_by_python(monkeypatch):
    said = []
    for core in (tracing.core, None):
        monkeypatch.setattr(tracing, "core", core)
        with pytest.raises(Exception, match=r".") as caught:
            trace(lambda x: 10**400 * x, [], (1.0,))
        said.append(repr(caught.value))
    assert said[0] == said[1]


def test_what_is_traced_in_several_threads_or_inside_another_trace_is_told_apart(monkeypatch):
    def f(x):
        inner = trace(lambda y: y * w + 1.0, [w], (1.0,))
        kept.append(told(*inner))
        return mg.exp(x * w) + x * w

    kept = []
    wanted = told(*trace(lambda x: mg.exp(x * w) + x * w, [w], (1.0,)))
    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(lambda _: told(*trace(f, [w], (1.0,))), range(16))]
    assert [(one[0], one[3]) for one in found] == [(wanted[0], wanted[3])] * 16
    assert kept == [kept[0]] * 32


def test_nothing_that_was_traced_is_kept():
    class Kept(nn.Module):
        def forward(self, x):
            return mg.exp(x[0] * w)

    model = Kept()
    trace(lambda x, model=model: model([x]), [w], (1.0,))
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None

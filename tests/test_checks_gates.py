"""Every gate of the table is proven, and every way to spoil a rule is caught and named."""

import math
import re

import pytest

import microgradnn as m
from microgradnn import check_gate, gate, gates, primitive, scratch_table
from microgradnn.checks.gates import gate_of
from microgradnn.checks.proofs import prove
from microgradnn.table import stop_gradient


@pytest.fixture(autouse=True)
def _forget_gates():
    with scratch_table():
        yield


@pytest.mark.sampled(23)
@pytest.mark.parametrize(
    "entry", [entry for entry in gates() if entry is not stop_gradient], ids=lambda entry: entry.name
)
def test_every_gate_of_the_table_is_proven(entry):
    assert check_gate(entry) is None


def test_the_gate_whose_rule_is_no_slope_is_found():
    with pytest.raises(AssertionError, match=r"the rule of stop_gradient is wrong .* its partial 0 gives 0, it is 1"):
        check_gate("stop_gradient")


def test_gates_are_found_by_name():
    assert gate("tanh") in list(gates())
    with pytest.raises(KeyError, match="no primitive is called 'tahn'"):
        gate("tahn")


@pytest.mark.parametrize("given", ["atan", m.atan, gate("atan")])
def test_a_gate_is_given_by_name_as_a_function_or_as_a_primitive(given):
    assert gate_of(given) is gate("atan")
    assert check_gate(given) is None


@pytest.mark.parametrize(("given", "name"), [(m.softmax, "softmax"), (None, "None"), (abs, "abs"), (3, "3")])
def test_what_is_no_gate_is_refused(given, name):
    with pytest.raises(TypeError, match=f"^expected a gate, got {name}: give the name of a gate, a primitive or"):
        check_gate(given)


@pytest.mark.parametrize(
    ("name", "meant"), [("+", "add"), ("**", "power"), ("mul", "multiply"), ("pow", "power"), ("swishh", "swish")]
)
def test_an_unknown_name_is_answered_with_the_gate_that_is_meant(name, meant):
    primitive("swish", lambda x: x, lambda out, x: 1.0)
    with pytest.raises(KeyError, match=re.escape(f"no primitive is called {name!r}: did you mean {meant!r}?")):
        check_gate(name)


@pytest.mark.parametrize("name", ["softmax", "logistic_densities", ""])
def test_names_that_only_rules_know_are_no_answer(name):
    with pytest.raises(KeyError, match=rf"no primitive is called '{name}': list\(microgradnn.gates\(\)\)"):
        check_gate(name)


MUTANTS = {
    "factor": lambda p: lambda out, *xs: 1.000001 * p(out, *xs),
    "sign": lambda p: lambda out, *xs: -p(out, *xs),
    "offset": lambda p: lambda out, *xs: p(out, *xs) + 1e-9,
    "above 6": lambda p: lambda out, *xs: p(out, *xs) * m.where(xs[0] - 6, 2.0, 1.0),
    "below -2": lambda p: lambda out, *xs: p(out, *xs) + m.where(-2 - xs[0], 1.0, 0.0),
    "second order": lambda p: lambda out, *xs: p(out, *xs) + 0 * xs[0] + (xs[0] - m.gate("still")(xs[0])),
}
SMOOTH = ["exp", "sin", "tanh", "softplus", "multiply", "divide", "hypot", "atan2", "gelu", "asinh"]


@pytest.mark.sampled(7)
@pytest.mark.parametrize("mutation", MUTANTS)
@pytest.mark.parametrize("name", SMOOTH)
def test_every_mutant_of_a_rule_is_caught(name, mutation):
    primitive("still", lambda x: x, None)
    right = gate(name)
    _, *partials = right.functions
    partials[0] = MUTANTS[mutation](partials[0])
    with pytest.raises(AssertionError, match=r"^the rule of spoilt is wrong at spoilt\(.*its partial 0"):
        check_gate(primitive("spoilt", right.forward, *partials, samples=right.samples))


def test_a_partial_that_is_forgotten_or_swapped_is_caught():
    for partials in ([lambda out, x, y: 1.0, None], [lambda out, x, y: 2 * y, lambda out, x, y: 1.0]):
        with pytest.raises(AssertionError, match="the rule of spoilt is wrong"):
            check_gate(primitive("spoilt", lambda x, y: x + y * y, *partials))


@pytest.mark.parametrize("edge", [6.0, -0.4, 25.0])
def test_a_rule_that_is_wrong_in_one_region_is_found_at_the_constants_of_the_gate(edge):
    """No sample and no number tried lies there but for the constant in the forward function."""

    def forward(x):
        return x if x < edge else edge + 3 * (x - edge) if x < edge + 0.01 else edge + 0.03

    check_gate(primitive("right", forward, lambda out, x: m.where(x - edge, m.where(x - edge - 0.01, 0.0, 3.0), 1.0)))


def test_the_constants_of_closures_globals_and_helpers_are_seen():
    low, high = 20.0, 30.0

    def inside(x):
        return low < x < high

    def forward(x):
        return 3 * x * x if inside(x) else x * x

    with pytest.raises(AssertionError, match="the rule of spoilt is wrong"):
        check_gate(primitive("spoilt", forward, lambda out, x: 2 * x))


def test_gates_of_chance_and_at_zero_are_seen():
    calls = []
    with pytest.raises(ValueError, match=r"drawn\(1\.0\) gave 1\.0, then 2\.0: it draws by chance or keeps state"):
        check_gate(primitive("drawn", lambda x: calls.append(x) or x * len(calls), lambda out, x: 1.0, samples=[1.0]))
    with pytest.raises(AssertionError, match=r"the rule of spoilt is wrong at spoilt\(0\.0\)"):
        check_gate(primitive("spoilt", lambda x: x * x, lambda out, x: 2 * out / x))


def test_a_kink_passes_between_its_slopes_only():
    def slope(below, here, above):
        return lambda out, x: m.where(x, above, m.where(-x, below, here))

    check_gate(primitive("ramp", lambda x: max(x, 0.0), slope(0.0, 0.25, 1.0), samples=[0.0]))
    with pytest.raises(AssertionError, match=r"at spoilt\(0\.0\): its partial 0 gives 0, it is −1"):
        check_gate(primitive("spoilt", lambda x: -abs(x) - 2 * x, slope(-1.0, 0.0, -3.0), samples=[0.0]))


def test_a_gate_without_any_value_asks_for_samples():
    def nowhere(x):
        raise ValueError("nowhere")

    with pytest.raises(ValueError, match="lost has no value at any point tried: give it samples="):
        check_gate(primitive("lost", nowhere, lambda out, x: 1.0))


def test_a_forward_that_cannot_be_lifted_is_checked_by_floats():
    import json

    stored = primitive("stored", lambda x: json.loads(json.dumps(x * x)), lambda out, x: 2 * x)
    check_gate(stored)
    [proof] = prove(stored, [3.0], [0])
    assert (proof.verdict, bool(proof.lost)) == ("right", True)
    with pytest.raises(AssertionError, match="the rule of spoilt"):
        check_gate(primitive("spoilt", lambda x: json.loads(json.dumps(x * x)), lambda out, x: 2.001 * x))


def test_a_forward_that_loses_digits_is_not_believed():
    """On wide numbers its slope is 0: the rule is right all the same."""
    check_gate(primitive("text", lambda x: float(f"{x:.17g}") ** 2, lambda out, x: 2 * x))
    with pytest.raises(AssertionError, match="the rule of spoilt is wrong"):
        check_gate(primitive("spoilt", lambda x: float(f"{x:.17g}") ** 2, lambda out, x: 2.001 * x))


def test_many_operands_are_proven_in_groups():
    total = gate("sum")
    point = [float(n) for n in range(100)]
    assert {proof.verdict for proof in prove(total, point, range(100))} == {"right"}
    spoilt = primitive("spoilt", lambda *xs: sum(xs), variadic=lambda out, *xs: [1.0] * 97 + [1.001] * 3)
    assert [proof.operand for proof in prove(spoilt, point, range(100)) if proof.verdict == "wrong"] == [97, 98, 99]


def test_words_of_a_proof():
    wrong = primitive("wrong", math.sin, lambda out, x: m.sin(x))
    [proof] = prove(wrong, [0.0], [0])
    assert str(proof) == "its partial 0 gives 0, it is 1"
    second = primitive("second", lambda x: x**3, lambda out, x: 3 * x * x + (x - 2))
    [proof] = prove(second, [2.0], [0], order=2)
    assert proof.verdict == "wrong"
    assert str(proof).startswith("its partial 0, differentiated once more, gives")

"""The generated recorders say bit for bit what the table says."""

import inspect
import itertools
import operator

import pytest
from hypothesis import given, settings, strategies as st

import microgradnn
from microgradnn import Value
from microgradnn.primitive import gates, lookup, primitive
from microgradnn.recorders import recorder
from microgradnn.value import record

EDGES = [0.0, -0.0, 0.5, 1.0, -1.0, 1 / 3, 3.0, -8.0, 710.0, 1e200, 1e308, 5e-324, float("inf"), float("-inf")]
EDGES.append(float("nan"))
OPERATORS = {gate.name: getattr(operator, gate.operator) for gate in gates() if gate.operator and gate.arity == 2}
UNARY, BINARY = ([gate for gate in gates() if gate.arity == count] for count in (1, 2))


def outcome(compute, *operands):
    """What a gate gives, to the last bit: value and partials, or the exception with its message."""
    try:
        out = compute(*operands)
    except (ArithmeticError, ValueError) as error:
        return repr(error)
    return repr((out.data, out.partials))


def from_the_table(gate, *operands):
    data = [getattr(operand, "data", operand) for operand in operands]
    try:
        out = gate.evaluate(data)
    except (ArithmeticError, ValueError) as error:
        return repr(error)
    shown = [
        0.0 if partial is None and result is not None and isinstance(operand, Value) else partial
        for partial, result, operand in zip(
            gate.handed(out, operands), gate.trace(len(operands)).results, operands, strict=True
        )
    ]
    return repr((out, tuple(shown)))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", UNARY, ids=str)
def test_functions_of_one_operand_are_the_table_bit_for_bit(gate):
    for x in EDGES:
        expected = from_the_table(gate, Value(x))
        assert outcome(gate.quick, Value(x)) == expected, x
        if gate.operator:
            assert outcome(getattr(operator, gate.operator), Value(x)) == expected, x
        if gate.example:
            assert outcome(lambda x: getattr(x, gate.name)(), Value(x)) == expected, x
            assert outcome(getattr(microgradnn, gate.name), Value(x)) == expected, x
        assert outcome(gate, Value(x)) == expected, x


@pytest.mark.parametrize("gate", [gate for gate in gates() if gate.neutral is not None], ids=str)
@pytest.mark.parametrize("x", EDGES)
def test_the_number_that_changes_nothing_makes_no_gate_on_the_left(gate, x):
    combine, v = getattr(operator, gate.operator), Value(x)
    out = combine(gate.neutral, v)
    assert repr(out.data) == repr(combine(gate.neutral, x))
    assert (out is v) == (x != 0.0)  # 0 + −0.0 is 0.0
    assert combine(v, gate.neutral).operands == (v, gate.neutral)
    assert combine(float(gate.neutral), v).operands == (gate.neutral, v)
    with microgradnn.no_grad():
        assert combine(gate.neutral, v) is not v


def test_a_sum_of_gates_begins_with_the_first_of_them():
    x, y = Value(2.0), Value(-3.0)
    assert sum([x, y]).operands == (x, y)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("recorded", ["both", "left", "right"])
def test_operators_are_the_table_bit_for_bit(name, recorded):
    for x, y in itertools.product(EDGES, repeat=2):
        left = x if recorded == "right" else Value(x)
        right = y if recorded == "left" else Value(y)
        assert outcome(OPERATORS[name], left, right) == from_the_table(lookup(name), left, right), (x, y)


@settings(max_examples=3 * settings().max_examples)
@given(st.floats(), st.floats() | st.integers(-9, 9).map(float))
def test_recorders_are_the_table_bit_for_bit_at_any_floats(x, y):
    for name, apply in OPERATORS.items():
        for left, right in [(Value(x), Value(y)), (Value(x), y), (x, Value(y))]:
            assert outcome(apply, left, right) == from_the_table(lookup(name), left, right), name
    for gate in UNARY:
        assert outcome(gate.quick, Value(x)) == from_the_table(gate, Value(x)), gate
    for gate in BINARY:
        for left, right in [(Value(x), Value(y)), (Value(x), y)]:
            assert outcome(gate.quick, left, right) == from_the_table(gate, left, right), gate


@pytest.mark.parametrize("number", [2, True, 10**15])
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_take_integers_as_floats(name, number):
    apply, x = OPERATORS[name], Value(0.5)
    assert outcome(apply, x, number) == outcome(apply, x, float(number))
    assert outcome(apply, number, x) == outcome(apply, float(number), x)
    assert all(type(operand) in (float, Value) for operand in apply(x, number).operands)


def test_recording_by_hand_is_the_same_too():
    for gate in gates():
        for sample in gate.samples:
            operands = [Value(x) for x in sample]
            assert outcome(lambda *xs, gate=gate: record(gate, xs), *operands) == from_the_table(gate, *operands)


def test_source_of_a_recorder_can_be_read():
    divide = recorder(lookup("divide"), Value)
    assert inspect.getsource(divide).startswith("def divide(x, y):")
    assert inspect.getsource(microgradnn.tanh).startswith("def tanh(x):")
    with pytest.raises(ZeroDivisionError) as caught:
        divide(Value(1.0), 0.0)
    assert "return gate(x, y)" in str(caught.getrepr())


@pytest.mark.parametrize("name", ["node", "here", "x0", "t4", "pi", "Value"])
def test_an_operand_cannot_be_called_what_the_code_means_otherwise(name):
    gate = primitive("own", lambda x: x, eval(f"lambda out, {name}: 1.0"))
    with pytest.raises(ValueError, match="own: an operand cannot be called"):
        recorder(gate, Value)

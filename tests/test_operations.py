"""A public gate is one entry: function, method, operator, docstring and stub follow from it."""

import doctest

import pytest

import microgradnn
from microgradnn import Value, functional, operations
from microgradnn.primitive import gates
from tests.stubs import STUBS

PUBLIC = [gate for gate in gates() if gate.public]
PROMISED = """exp log expm1 log1p sqrt sin cos tan asin acos atan atan2 sinh cosh tanh erf sigmoid relu leaky_relu elu
    softplus softsign hardtanh abs sign step where maximum minimum sum logsumexp log2 log10 exp2 cbrt asinh acosh atanh
    hypot sinc xlogy gelu silu floor remainder norm"""


def test_the_gates_that_are_promised_are_public():
    assert {gate.name for gate in PUBLIC} >= set(PROMISED.split())
    assert operations.__all__ == [gate.name for gate in PUBLIC]


@pytest.mark.parametrize("path", STUBS, ids=lambda path: path.name)
def test_the_stubs_are_those_of_the_table(path):
    """Where they are not: python -m tests.stubs."""
    assert path.read_text(encoding="utf-8") == STUBS[path]()


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", PUBLIC, ids=str)
def test_a_public_gate_is_a_function_with_an_example_that_runs(gate):
    function = getattr(microgradnn, gate.name)
    assert function is getattr(functional, gate.name)
    assert str(gate.__doc__) in function.__doc__
    found = doctest.DocTestParser().get_doctest(function.__doc__, vars(microgradnn), gate.name, None, 0)
    assert found.examples
    assert doctest.DocTestRunner(verbose=False).run(found).failed == 0


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", PUBLIC, ids=str)
def test_it_records_and_is_a_method_where_one_operand_is_enough(gate):
    sample = gate.samples[0]
    function, operands = getattr(microgradnn, gate.name), [Value(x) for x in sample]
    out = function(*operands)
    assert (out.primitive, out.operands) == (gate, tuple(operands))
    if gate.arity is None:
        assert function(operands).operands == tuple(operands)
        with pytest.raises(ValueError, match=f"{gate.name} needs at least one number"):
            function([])
        return
    others = list(gate.parameters().values())[1:]
    assert hasattr(Value, gate.name) == gate.is_method == (None not in others)
    if gate.is_method:
        assert getattr(operands[0], gate.name)().data == function(sample[0]) == function(sample[0], *others)
        assert getattr(operands[0], gate.name)(*operands[1:]).data == out.data


def test_remainder_is_an_operator():
    x = Value(-5.5)
    assert ((x % 2).data, (7 % x).data) == (0.5, 7 % -5.5)
    (x % 2).backward()
    assert x.grad == 1.0

"""Laws of wide numbers: they compute as floats do, keep 160 digits, and refuse what would lose them."""

import copy
import math
import numbers
import operator
import pickle
import struct
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import microgradnn
from microgradnn.checks.arithmetic import notes
from microgradnn.checks.lifting import forward_of
from microgradnn.checks.wide import MP, Element, Lost, Wide
from microgradnn.primitive import gates, lookup, primitive, scratch_table

FLOATS = [0.0, 0.3, -0.3, 1.0, -1.0, 2.5, -2.5, 3.0, 1e10, -1e-10, math.inf, -math.inf, math.nan]
OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.floordiv, operator.pow, divmod,
]  # fmt: skip


def outcome(f, *xs):
    """What `f` gives, as floats, or the name of what it raises."""
    try:
        out = f(*xs)
    except (ValueError, ArithmeticError) as error:
        return type(error).__name__
    if isinstance(out, complex):
        return "ValueError"  # wide numbers have no complex powers
    return [float(x.number) if isinstance(x, Wide) else x for x in (out if isinstance(out, tuple) else (out,))]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("operate", OPERATORS, ids=lambda f: f.__name__)
def test_operators_do_what_those_of_floats_do(operate):
    for x in FLOATS:
        for y in FLOATS:
            expected = outcome(operate, x, y)
            if expected == "OverflowError" or (operate in (divmod, operator.mod, operator.floordiv) and abs(x) > 1e9):
                continue  # exponents of wide numbers have no bound, and large quotients are more exact
            if not isinstance(expected, str):
                expected = pytest.approx(expected, rel=1e-5, nan_ok=True)
            for pair in ((Wide(x), Wide(y)), (Wide(x), y), (x, Wide(y))):
                assert outcome(operate, *pair) == expected, (x, y)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_are_those_of_floats(compare):
    for x in FLOATS:
        for y in FLOATS:
            assert compare(Wide(x), y) is compare(x, Wide(y)) is compare(x, y)


@pytest.mark.parametrize("rounding", [int, round, math.floor, math.ceil, math.trunc, abs, bool, operator.neg])
def test_roundings_are_those_of_floats(rounding):
    for x in (*FLOATS, 0.5, 1.5, -0.5, 7.99):
        assert outcome(rounding, Wide(x)) == pytest.approx(outcome(rounding, x), nan_ok=True)
    assert round(Wide(2.675) + 1e-30, 2) == Wide(Fraction(267, 100)) + Fraction(1, 100) * (2.675 + 1e-30 > 2.675)


def test_digits_are_kept_where_floats_drop_them():
    x = Wide(0.1) + 1e-100
    assert (x - 0.1) * 1e100 == Wide(1e-100) * 1e100
    assert x + MP.mpf("1e-150") > x
    assert abs(Wide(Fraction(1, 3)) * 3 - 1) < Wide(1e-159)
    assert Fraction(*x.as_integer_ratio()) > Fraction(0.1)
    assert [Wide(x) for x in (mpmath.mpf(2), True, np.int64(3), np.float32(0.5))] == [2, 1, 3, 0.5]


def test_it_passes_for_a_float():
    x = Wide(0.5)
    assert isinstance(x, float)
    assert isinstance(x, numbers.Real)
    assert x.__class__ is float
    assert copy.copy(x) is copy.deepcopy(x) is x.data is x.item() is x.conjugate() is x
    assert (x.grad, x.is_integer(), repr(x), str(x), f"{x:.3f}") == (0.0, False, "0.5", "0.5", "0.500")
    match x:
        case float():
            pass
        case _:
            pytest.fail("no float")


@pytest.mark.parametrize(
    "lose",
    [
        float, complex, math.sin, lambda x: struct.pack("d", x), "%g".__mod__, lambda x: x.hex(), pickle.dumps,
        lambda x: np.array([x]).astype(float), np.float64, np.float32, lambda x: x.backward(),
    ],
)  # fmt: skip
def test_what_would_lose_digits_raises(lose):
    with pytest.raises((Lost, struct.error)):
        lose(Wide(0.5))
    notes.lost.clear()


def test_except_exception_does_not_swallow_a_loss():
    assert not issubclass(Lost, Exception)


def test_its_hash_is_not_that_of_the_float():
    assert hash(Wide(0.3)) == hash(Wide(0.3)) != hash(0.3)
    assert Wide(0.3) not in {0.3: "a number that the user has remembered"}
    assert Wide(0.3) in [0.3]


def test_towers_end():
    tower = forward_of(lookup("exp"))
    with pytest.raises(Lost, match="digits"):
        tower(tower(tower(Wide(5.0))))
    with pytest.raises(Lost, match="digits"):
        Wide(10.0) ** 10**9
    assert tower(Wide(-1e12)) > 0  # what is small costs nothing
    notes.lost.clear()


def test_elements_of_arrays_give_infinities_as_numpy_does():
    zero, one = Element(0.0), Element(1.0)
    assert (one / zero, -one / zero) == (math.inf, -math.inf)
    assert math.isnan(outcome(operator.truediv, zero, zero)[0])
    assert type(one * 2.0) is type(2.0 * one) is type(one + Wide(1.0)) is Element
    assert np.array([zero, one], object).sum() == 1.0


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", [*gates()], ids=lambda gate: gate.name)
def test_every_gate_runs_on_wide_numbers(gate):
    for sample in gate.samples:
        exact = gate(*map(Wide, sample))
        assert type(exact) is Wide
        assert float(exact.number) == pytest.approx(gate.evaluate([float(x) for x in sample]), rel=1e-14, abs=1e-300)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("gate", [gate for gate in gates() if gate.is_method], ids=lambda gate: gate.name)
def test_gates_are_methods_and_functions(gate):
    operands = [Wide(x) for x in gate.samples[0]]
    assert getattr(operands[0], gate.name)(*operands[1:]) == getattr(microgradnn, gate.name)(*operands)


def test_gates_refuse_as_they_do_for_floats_and_have_limits():
    with pytest.raises(ZeroDivisionError, match=r"divide\(1.0, 0.0\)"):
        lookup("divide")(Wide(1.0), Wide(0.0))
    with pytest.raises(ValueError, match=r"log\(-1.0\)"):
        microgradnn.log(Wide(-1.0))
    assert Wide(0.0).record_gate(lookup("log"), [Wide(0.0)], by_limit=True) == -math.inf
    assert math.isnan(outcome(lambda x: x.record_gate(lookup("log"), [x], by_limit=True), Wide(-1.0))[0])


def test_a_gate_of_the_user_lifts():
    def helper(x):
        return math.exp(-x * x)

    with scratch_table():
        bell = primitive("bell", lambda x: helper(x) * float(x), lambda out, x: out)
        x = Wide(0.5) + 1e-40
        assert bell(x) == Wide(x.number * MP.exp(-(x.number**2)))

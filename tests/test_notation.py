"""Numbers, names and gates are written in one way everywhere."""

import math

import pytest

from microgradnn import Value, leaky_relu, maximum, where
from microgradnn.graph import topological_order
from microgradnn.notation import digits, factor, formula, names, symbol
from microgradnn.primitive import gates, lookup


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (-12.0, "−12"), (0.731058, "0.7311"), (1e-12, "1e−12"), (-2.5e30, "−2.5e30"),
        (123456.0, "1.235e5"), (math.inf, "∞"), (-math.inf, "−∞"), (math.nan, "nan"), (1 / 3, "0.3333"),
    ],
)  # fmt: skip
def test_numbers_have_four_digits_and_a_true_minus(x, text):
    assert digits(x) == text
    assert factor(x) == (f"({text})" if text.startswith("−") else text)


def named(root):
    return list(names(topological_order(root), root).values())


def test_unnamed_nodes_are_counted_and_the_root_is_f():
    assert named((Value(1.0) + Value(2.0)) * Value(3.0)) == ["v1", "v2", "u1", "v3", "f"]


def test_names_in_use_are_skipped():
    assert named((Value(1.0, "u1") + 1) * Value(2.0, "f")) == ["u1", "u2", "f", "u3"]


def test_a_name_used_twice_gets_a_number():
    assert named(Value(1.0, "x") + Value(2.0, "x") * Value(3.0, "x_2")) == ["x", "x_3", "x_2", "u1", "f"]


def test_every_gate_can_be_written_as_text():
    for gate in gates():
        for sample in gate.samples:
            letters = list("abcdefgh"[: len(sample)])
            assert all(letter in formula(gate, letters) for letter in letters)


def test_operands_of_two_words_or_a_sign_stand_in_brackets():
    assert formula(lookup("multiply"), ["two words", "−3"]) == "(two words) × (−3)"
    assert formula(lookup("abs"), ["two words"]) == "|two words|"


def test_constant_operands_stand_in_the_symbol_of_the_gate():
    x = Value(2.0)
    shown = [symbol(gate) for gate in (x + 1, 1 - x, x - 1, 1 / x, x / 3, x**-2, 2**x, leaky_relu(x), maximum(x, 0))]
    assert shown == ["+1", "1−x", "−1", "1/x", "÷3", "x⁻²", "2^x", "leaky ReLU(x, 0.01)", "max(x, 0)"]
    assert symbol(where(1.0, x, 0.5)) == "where(1, x, 0.5)"
    assert symbol(maximum(x, 0, 1, 2)) == "max", "too many to be read in a circle"


def test_whole_exponents_are_raised():
    x = Value(1.0)
    assert [symbol(x**n) for n in (2, 3, 4567, 890, -1)] == ["x²", "x³", "x⁴⁵⁶⁷", "x⁸⁹⁰", "x⁻¹"]


def test_a_sign_does_not_follow_a_sign():
    x = Value(2.0)
    assert [symbol(gate) for gate in (x + -3, x - -3, (-2) ** x, x * -1, x**-1, -1 / x)] == [
        "+(−3)", "+3", "(−2)^x", "×−1", "x⁻¹", "−1/x",
    ]  # fmt: skip


def test_many_nodes_of_one_name_get_numbers_without_delay():
    root = sum(Value(1.0, "w") for _ in range(5_000)) + 0.0
    assert {"w", "w_2", "w_5000"} <= set(named(root))


def test_many_names_in_use_are_skipped():
    root = sum(Value(1.0, f"v{number}") for number in range(1, 3_000)) + Value(1.0)
    assert "v3000" in named(root)

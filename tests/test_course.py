"""Every question of the course accepts right answers as students write them, and says what helps of wrong ones.

The answers stand with the facts of the notebooks, `ANSWERS`: for each question the right ones, and the wrong ones with
a piece of the hint that each must get. All are expressions in Python, with the names of microgradnn, `math` and `np`.
"""

import math
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import microgradnn
from microgradnn import Value
from microgradnn.course import QUESTIONS, check
from microgradnn.course.answers import AnswerError, function_from, letter_from, number_from, numbers_from
from microgradnn.course.mistakes import fit
from microgradnn.course.questions import OPEN, Choice, Condition, Formula, Number, Numbers, derivatives, graph

FACTS = {
    path.stem[1:3]: import_module(f"tests.notebook_facts.{path.stem}")
    for path in sorted((Path(__file__).parent / "notebook_facts").glob("n*.py"))
}
NAMES = {name: getattr(microgradnn, name) for name in microgradnn.__all__} | {
    "math": math,
    "np": np,
    "Fraction": Fraction,
}
ANSWERED = {number: facts.ANSWERS for number, facts in FACTS.items()}
RIGHT = [(key, answer) for facts in ANSWERED.values() for key, (right, _) in facts.items() for answer in right]
WRONG = [(key, *pair) for facts in ANSWERED.values() for key, (_, wrong) in facts.items() for pair in wrong.items()]


def verdict(key, answer):
    given = getattr(FACTS[key[:2]], "GIVEN", {}).get(key, dict)()
    return QUESTIONS[key].verdict(eval(answer, NAMES), **given)


def test_every_question_has_right_and_wrong_answers_among_the_facts():
    asked = {key for answers in ANSWERED.values() for key in answers}
    assert asked == set(QUESTIONS)
    assert [
        key for answers in ANSWERED.values() for key, (right, wrong) in answers.items() if not (right and wrong)
    ] == []
    assert [key for number, answers in ANSWERED.items() for key in answers if key[:2] != number] == []


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_are_right(key, answer):
    assert verdict(key, answer) == f"Right! {QUESTIONS[key].why}"


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("key", "answer", "hint"), WRONG)
def test_wrong_answers_get_the_hint_that_helps(key, answer, hint):
    said = verdict(key, answer)
    assert said.startswith("Not yet: ")
    assert hint in said
    assert len(hint) > 5


@pytest.mark.sampled(5)
@pytest.mark.parametrize("key", QUESTIONS)
def test_no_answer_is_an_open_question_and_nonsense_is_no_mistake_of_the_checker(key):
    given = getattr(FACTS[key[:2]], "GIVEN", {}).get(key, dict)()
    for answer in (None, ..., "", (None, None)):
        assert QUESTIONS[key].verdict(answer, **given) == OPEN
    for answer in ({}, object(), print, 1j, b"x", float("nan"), lambda *_: 1 / 0, "import os", "__", True):
        assert QUESTIONS[key].verdict(answer, **given).startswith("Not yet: ")


@pytest.mark.sampled(5)
@pytest.mark.parametrize("key", QUESTIONS)
def test_a_mistake_that_a_question_knows_is_wrong_and_gets_its_own_hint(key):
    question = QUESTIONS[key]
    assert question.why.endswith(".")
    assert question.hint[-1] in ".?"
    slips = list(getattr(question, "slips", ()))
    if isinstance(question, Choice):
        slips = list(question.wrong.items())
    if isinstance(question, (Number, Numbers)):
        slips = [(slip() if callable(slip) else slip, hint) for slip, hint in slips]
    for slip, hint in slips:
        assert question.complaint(slip) == hint
    for name, slips_of in getattr(question, "slips_of", {}).items():
        truth = question.truth() if callable(question.truth) else question.truth
        for slip, hint in slips_of:
            answer = {**dict(zip(question.names, truth, strict=True)), name: slip() if callable(slip) else slip}
            assert hint in question.complaint(answer)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("key", [key for key, question in QUESTIONS.items() if isinstance(question, (Number, Numbers))])
def test_hints_do_not_tell_the_number(key):
    question = QUESTIONS[key]
    truth = question.truth() if callable(question.truth) else question.truth
    for x in [truth] if isinstance(question, Number) else truth:
        if len(f"{abs(x):.3g}") > 2:
            assert f"{abs(x):.3g}" not in question.hint


def test_check_prints_the_verdict_in_lines_and_knows_its_questions(capsys):
    assert check("01.1", (2, 5, 0)) is None
    check("01.1", (2, 2, 0))
    check("01.1", None)
    said = capsys.readouterr().out
    assert [said.count(word) for word in ("Right!", "Not yet:", "Open:")] == [1, 1, 1]
    assert max(map(len, said.splitlines())) <= 100
    with pytest.raises(KeyError, match=r"did you mean 01\.1"):
        check("1.1", 5)


# ---- how answers are written ----------------------------------------------------------------------------------------

HALVES = [
    0.5, Fraction(1, 2), Decimal("0.5"), Value(0.5), np.float32(0.5), np.array(0.5), np.array([0.5]), [0.5],
    (Value(0.5),), "0.5", ".5", " 1/2 ", "½", "0,5", "+0.5", "5e-1", "2**-1", "2^-1", "x = 0.5",
    "50 %", "50%", "'0.5'", "sigmoid(0)",
    "−(−0.5)", "1 ÷ 2", "exp(-ln(2))", "x: 0.5", "≈ 0.5", "[0.5]", "$0.5$", "2(1/4)", "0.5 units", "it is 0.5.",
    "about 1/2", "0.5, as speeds multiply", "-1 × minus 0.5", "half, 0.5",
]  # fmt: skip


@pytest.mark.sampled(5)
@pytest.mark.parametrize("answer", HALVES, ids=repr)
def test_a_number_is_read_in_every_form(answer):
    assert number_from(answer) == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize(
    "answer",
    [
        "x",
        "1 +",
        "__import__('os')",
        True,
        1j,
        [1, 2],
        np.ones(2),
        print,
        {},
        "half",
        math.nan,
        "0.5 or 1",
        "0.5x",
        "0.5 x",
        "1/x",
        "2 times 3",
        "0.5 (as 1/2)",
    ],
    ids=repr,
)
def test_what_is_no_number_is_refused_with_what_is_asked_for(answer):
    with pytest.raises(AnswerError):
        number_from(answer)


def test_a_decimal_comma_outside_quotes_and_a_name_inside_them_are_told():
    with pytest.raises(AnswerError, match=r"you gave 2; decimals have a point"):
        number_from((0, 2))
    with pytest.raises(AnswerError, match="without quotes"):
        number_from("delta * h")
    with pytest.raises(AnswerError, match=r"write lambda A, B: … without quotes"):
        function_from("A.T @ B", ["A", "B"])


PAIRS = [
    (1, "1/2"), [1.0, 0.5], np.array([1, 0.5]), [Value(1), Value(0.5)], {"a": 1, "b": 0.5}, {"b": 0.5, "a": 1},
    {"df/da": 1, "∂f/∂b": 0.5}, {Value(1, "a"): 1, Value(1, "b"): 0.5},
    {"da": 1, "db": 0.5}, "db = 0.5, da = 1", "∂f/∂b = ½; ∂f/∂a = 1", "{'b': 0.5, 'a': 1}", "df/da: 1 and df/db: 1/2",
    "1 and 0.5", "1 × 0.5", "1x0.5", "1×0.5", "1 by 0.5", "a: 1, b: 0.5", "a gets 1, b gets 0.5", "1, 0.5", "(1, 1/2)",
    "p = 1, q = 0.5", "1; 0,5", "1,0.5", "[1 0.5]",
]  # fmt: skip


@pytest.mark.parametrize("answer", PAIRS, ids=repr)
def test_several_numbers_are_read_in_every_form(answer):
    assert numbers_from(answer, ["df/da", "df/db"]) == [1.0, 0.5]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((1,), "you gave 1"),
        (3, "you gave one"),
        ({1, 2}, "a set has none"),
        ({"a": 1}, "b is missing"),
        ((1, None), "b is still open"),
        ({"A": 1}, "a and b are missing"),
    ],
)
def test_too_few_numbers_are_counted_and_named(answer, said):
    with pytest.raises(AnswerError, match=said):
        numbers_from(answer, ["a", "b"])


@pytest.mark.parametrize(
    "answer", ["b", "B", "(b)", "b)", "'b'", "b.", "rule b", "answer b", "b: a rise", "it rises", ["b"], 1e-5, 20]
)
def test_a_letter_is_read_in_every_form(answer):
    assert letter_from(answer, "abc", {"rises": "b", "1e-05": "b", "20": "b", "falls": "c"}) == "b"


@pytest.mark.parametrize("answer", ["a", "rule a", "answer a: it falls", "a, of course"])
def test_the_letter_a_is_told_from_the_word(answer):
    assert letter_from(answer, "abc", {}) == "a"


@pytest.mark.parametrize("answer", ["d", "a b", "b or c", "a decrease", 2, "it rises, then falls", "", print])
def test_what_is_not_one_letter_is_refused(answer):
    with pytest.raises(AnswerError, match="a, b, c"):
        letter_from(answer, "abc", {"rises": "b", "falls": "c"})


@pytest.mark.parametrize(
    "answer",
    [lambda x: x**2, lambda t, n=2: t**n, "x**2", "x^2", "lambda x: x*x", "f = x²", "x·x", "2x·x/2", "3 (x)*x/3"],
)
def test_a_function_is_read_in_every_form(answer):
    assert function_from(answer, ["x"])(3.0) == 9.0


def test_a_function_of_the_same_names_in_another_order_is_called_by_name():
    assert function_from(lambda y, x: x - 2 * y, ["x", "y"])(1.0, 3.0) == -5.0


def test_an_expression_that_cannot_be_read_may_be_written_as_a_function():
    with pytest.raises(AnswerError, match=r"cannot be read: .*lambda A, B: …"):
        function_from("A !! B", ["A", "B"])(1.0, 2.0)


@pytest.mark.parametrize("answer", [lambda: 1, lambda x, y: 1, 3, Value(2)])
def test_what_is_no_function_of_these_is_refused(answer):
    with pytest.raises(AnswerError, match="x"):
        function_from(answer, ["x"])


# ---- the hints of each kind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (0.1966, None), (0.197, None), ("0.20", None), (0.19, "round only at the end"), (-0.1966, "the sign"),
        (5.086, "one over it"), (0.3932, "factor of 2"), (1.966, "decimal point"), (0, "Think"), (7, "Think"),
        ("x", "cannot be read"),
    ],
)  # fmt: skip
def test_a_number_is_judged_to_its_digits(answer, said):
    question = Number(truth=derivatives("sigmoid(x)", x=1)["x"], digits=2, why="So.", hint="Think.")
    assert (said or "Right! So.") in question.verdict(answer)


def test_an_exact_number_wants_all_of_it():
    third = Number(truth=1 / 3, why="", hint="")
    assert third.complaint("1/3") is third.complaint(Fraction(1, 3)) is None
    assert 'perhaps as "1/3"' in third.complaint(0.333)
    assert [fit(x, 3.0, None) for x in (3, 3.0000001, 2.99)] == [True, False, False]


def test_a_number_that_is_almost_right_is_not_written_as_the_right_one():
    pair = Numbers(names=["a", "b"], truth=(2, 5), why="", hint="")
    assert "a = 2.0001 is not" in pair.complaint((2.0001, 5))


def test_several_numbers_say_which_are_right():
    question = Numbers(names=["a", "b", "c"], truth=(1, -2, 5), why="", hint="Think.", slips=[((1, 1, 1), "All one?")])
    assert question.complaint((1, 2, 5)) == "a and c are right; b = 2 is not: the size is right, the sign is not."
    assert question.complaint((-1, 2, -5)) == "the sizes are right, every sign is the wrong way round."
    assert question.complaint((5, 1, -2)) == "the numbers are right, their order is not: (a, b, c)."
    assert question.complaint((1, 1, 1)) == "All one?"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: -x * x, "sign"), (lambda x: x * x - 3, "same amount"), (lambda x: 7 * x * x, "same factor"),
        (lambda x: 1 / x**2, "one over it"), (lambda x: abs(x), "right at x = 1, but not at x = 2"),
        (lambda x: None, "return"), (lambda x: [x, x], "shape (2,)"), (lambda x: x.nothing, "AttributeError"),
        (lambda x: math.sqrt(-1), "it raised ValueError"),
        ("y + x", "there is no y in it, only x"), ("2*", "cannot be read"), (4, "a function is asked for"),
    ],
)  # fmt: skip
def test_a_formula_says_how_it_differs(answer, said):
    question = Formula(names=["x"], truth=lambda x: x * x, points=[(1.0,), (2.0,), (-1.5,)], why="", hint="Think.")
    assert said in question.verdict(answer)


def test_a_formula_of_gates_is_of_these_gates_and_has_their_slopes():
    question = Formula(
        names=["x"], truth=microgradnn.relu, points=[(-1.0,), (2.0,)], gates=["maximum"], why="", hint="Think."
    )
    assert question.complaint(lambda x: microgradnn.maximum(x, 0)) is None
    assert "yours has the gate relu" in question.complaint(lambda x: microgradnn.relu(x))
    assert "no such gate" in question.complaint(lambda x: x * 1)
    assert "its slope is not at x = 2" in question.complaint(lambda x: microgradnn.maximum(x.data, x * 0))


def test_a_condition_reads_a_circuit_and_takes_what_the_notebook_gives():
    wanted = Condition(
        read=graph, judge=lambda f, limit: None if f.data > limit else "Higher.", why="So.", hint="Think."
    )
    assert wanted.verdict(Value(2) * 3, limit=5) == "Right! So."
    assert wanted.verdict(Value(2) * 2, limit=5) == "Not yet: Higher."
    assert "at the end of a circuit" in wanted.verdict(6, limit=5)
    assert "one without gates" in wanted.verdict(Value(6), limit=5)

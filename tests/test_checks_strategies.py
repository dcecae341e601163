"""What is drawn is smooth where it is asked to be, reads as Python, and shrinks to the gate that is wrong."""

import math
from collections import Counter
from functools import partial
from itertools import product

import pytest
from hypothesis import Phase, find, given, settings

import microgradnn as m
from microgradnn import Value, check_grads, where
from microgradnn.checks import report_grads
from microgradnn.checks.expression import Expression
from microgradnn.checks.strategies import _alternatives, _mended, expressions, points, values_inside
from microgradnn.checks.wide import Wide
from microgradnn.primitive import BUILT_IN, ForwardError, gates, lookup, primitive
from microgradnn.table import LABELLED, stop_gradient

pytest_plugins = ["pytester"]
DRAWN = [gate for gate in gates() if gate.name in BUILT_IN and gate not in (*LABELLED, stop_gradient)]
generate = settings(phases=[Phase.generate])
search = settings(max_examples=300, phases=[Phase.generate, Phase.shrink])


def is_wrong(f, point):
    try:
        check_grads(f, point)
    except AssertionError:
        return True
    return False


# ---- an expression ---------------------------------------------------------------------------------------------------


def test_an_expression_reads_like_python():
    add, multiply, power, tanh, maximum = map(lookup, ["add", "multiply", "power", "tanh", "maximum"])
    lines = ((multiply, (0, 1)), (tanh, (2,)), (power, (2, -0.5)), (add, (3, 4)), (maximum, (5, 0, 1.0)))
    text = "check_grads(lambda x, y: maximum(tanh((u1 := x * y)) + (u1 ** (-0.5)), x, 1.0), (1.0, 7.0))"
    assert repr(Expression(lines, (1.0, 7.0))) == text
    for lines, text in [
        (((add, (0, 1.0)), (multiply, (1, 0)), (power, (2, 2.0))), "((x + 1.0) * x) ** 2.0"),
        (((lookup("negative"), (0,)), (power, (1, 2.0))), "(-x) ** 2.0"),
        (((lookup("remainder"), (0, 0)),), "x % x"),
        (((lookup("abs"), (0,)), (lookup("sum"), (1, 0))), 'gate("sum")(abs(x), x)'),
        (((lookup("share"), (0, 2.0)),), 'gate("share")(x, 2.0)'),
    ]:
        assert repr(Expression(lines, (0.5,))) == f"check_grads(lambda x: {text}, (0.5,))"
    assert repr(Expression(((add, (0, 3)),), (1.0, math.inf, math.nan, -0.0))) == (
        "check_grads(lambda x0, x1, x2, x3: x0 + x3, (1.0, float('inf'), float('nan'), -0.0))"
    )


def test_an_expression_runs_on_numbers_values_and_anything_else():
    square = Expression(((lookup("multiply"), (0, 0)), (lookup("sin"), (1,))), (1.0,))
    x = Value(2.0)
    assert (square(2.0), square(x).data, square(x).operands[0].operands) == (math.sin(4.0), math.sin(4.0), (x, x))
    assert square.run(["x"], lambda gate, operands: f"{gate.name}({', '.join(operands)})") == "sin(multiply(x, x))"


NAMES = {**{name: getattr(m, name) for name in m.__all__}, "gate": lookup}


def pasted(f, check):
    """What is printed of an expression, run as a user would, with another check in place of `check_grads`."""
    return eval(repr(f), {**NAMES, "check_grads": check})


@settings(max_examples=5 * settings().max_examples)
@given(expressions(variables=2, smooth=False))
def test_what_is_printed_can_be_pasted_and_run(f):
    def outcome(compute):
        try:
            return repr(compute())
        except ForwardError as error:
            return type(error).__name__

    def swept(function, point):
        xs = [Value(x) for x in point]
        root = function(*xs)
        root.backward()
        return root.data, [x.grad for x in xs]

    assert "\n" not in repr(f)
    assert outcome(lambda: pasted(f, swept)) == outcome(lambda: swept(f, f.point))


# ---- what is drawn ---------------------------------------------------------------------------------------------------


def test_right_rules_never_fail_over_most_of_the_table():
    drawn, lengths = set(), []

    @settings(generate, max_examples=25)
    @given(expressions())
    def law(f):
        drawn.update(gate for gate, _ in f.lines)
        lengths.append(len(f.lines))
        assert {finding.verdict for finding in report_grads(f, f.point)} == {"right"}

    law()
    assert len(drawn) > 0.2 * len(DRAWN)
    assert sum(length > 1 for length in lengths) > 10
    assert max(lengths) > 4


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize(("order", "count"), [(1, 600), (2, 100)])
def test_right_rules_never_fail_in_many_examples(order, count):
    @settings(generate, max_examples=count)
    @given(expressions())
    def law(f):
        check_grads(f, f.point, order)

    law()


def test_without_smooth_kinks_edges_and_points_outside_the_domain_come_too():
    verdicts = Counter()

    @settings(generate, max_examples=40)
    @given(expressions(variables=1, max_gates=2, gates=["floor", "hardtanh", "log"], smooth=False))
    def draw(f):
        try:
            verdicts.update(finding.verdict for finding in report_grads(f, f.point))
        except ForwardError:
            verdicts["no value"] += 1

    draw()
    assert {"right", "kink", "no value"} <= {*verdicts}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["relu", "abs", "floor", "maximum", "hardtanh", "sign", "equal"])
def test_smooth_points_lie_beside_every_kink_and_jump(name):
    """Both one-sided slopes agree, by differences that know nothing of the check."""

    @generate
    @given(expressions(max_gates=3, gates=[name, "add", "multiply"]))
    def law(f):
        h = 2.0**-30
        for n, x in enumerate(f.point):
            low, middle, high = (f(*f.point[:n], x + side * h, *f.point[n + 1 :]) for side in (-1, 0, 1))
            scale = max(1.0, abs(middle))
            assert abs((high - middle) - (middle - low)) / h <= 1e-4 * scale**2

    law()


@pytest.mark.parametrize(("constant", "other"), [(0.0, 1), (1.0, 0)])
def test_a_constant_is_no_register_where_their_numbers_are_equal(constant, other):
    lines = [(lookup("multiply"), (constant, other)), (lookup("log"), (1 - other,))]
    root, point = _mended(lines, (-3.0, -3.0), False)
    assert (root, point[1 - other], point[other]) == ([(lookup("log"), (1 - other,))], 1.0, -3.0)
    numbers = [(x, Wide(x)) for x in (3.0, 3.0, -3.0)]
    assert all(moved is numbers for _, moved in _alternatives((constant, 2), numbers, {0, 1}))


@pytest.mark.one_engine
@pytest.mark.slow
def test_expressions_cover_the_whole_table_with_sharing_and_constants():
    drawn, uses, constants = set(), [], []

    @settings(generate, max_examples=800)
    @given(expressions(smooth=False))
    def draw(expression):
        places = [place for _, places in expression.lines for place in places]
        drawn.update(gate for gate, _ in expression.lines)
        uses.append(max(map(places.count, range(2, 1 + len(expression.lines))), default=0))
        constants.append(any(isinstance(place, float) for place in places))

    draw()
    assert drawn == {*DRAWN}
    assert sum(use > 1 for use in uses) > 20
    assert sum(constants) > 100


def test_gates_by_name_function_or_primitive():
    tanh = lookup("tanh")
    for gate in ("tanh", m.tanh, tanh):
        assert find(expressions(1, gates=[gate]), lambda f: True, settings=search).lines == ((tanh, (0,)),)
    assert (
        find(expressions(2, gates=[m.sum, m.abs, "maximum"]), lambda f: len(f.lines) == 1, settings=search)
        .lines[0][0]
        .name
        == "sum"
    )


def test_gates_of_other_tests_stay_out():
    primitive("wrong", lambda x: x, lambda out, x: 2.0)

    @settings(generate, max_examples=30)
    @given(expressions(smooth=False))
    def law(f):
        assert all(gate.name in BUILT_IN for gate, _ in f.lines)

    law()


def test_what_is_no_gate_is_refused():
    with pytest.raises(TypeError, match="expected a gate, got softmax: give the name"):
        expressions(gates=[m.softmax])
    with pytest.raises(TypeError, match="expected a gate, got 3"):
        expressions(gates=[3])
    with pytest.raises(KeyError, match="no primitive is called 'swich'"):
        expressions(gates=["swich"])
    with pytest.raises(ValueError, match="need a gate to choose"):
        expressions(gates=[])
    for given_gates, shown in [(m.sin, "sin"), (lookup("sin"), "sin"), ("sin", "'sin'")]:
        with pytest.raises(TypeError, match=rf"^gates must be a list, got {shown}: write gates=\[{shown}\]$"):
            expressions(gates=given_gates)
    for name, count in product(["variables", "max_gates"], [0, -1, 2.5, None]):
        with pytest.raises(ValueError, match=f"needs {name}=1 or more, got {count}"):
            expressions(**{name: count})
    for strategy in (lambda: expressions(gates=["select"]), lambda: values_inside("cross_entropy")):
        with pytest.raises(ValueError, match="wants the number of one of its operands"):
            strategy()


def test_a_gate_that_runs_on_floats_only_is_kept_off_its_kinks_too():
    def forward(x):
        return float(f"{max(x, 1.0):.17g}")  # a text has lost its digits

    text = primitive("text", forward, lambda out, x: where(x - 1, 1.0, 0.0))

    @generate
    @given(expressions(variables=1, max_gates=2, gates=[text, "add"]))
    def law(f):
        check_grads(f, f.point)

    law()


# ---- points and operands ---------------------------------------------------------------------------------------------


def test_points_shrink_to_one_and_never_to_a_kink():
    assert find(points(3), lambda point: True, settings=search) == (1.0, 1.0, 1.0)
    assert find(points(1), lambda point: 0.0 < point[0] < 1.0, settings=search) == (0.5,)
    assert find(points(1), lambda point: point[0] > 1.0, settings=search) == (2.0,)
    assert find(points(1), lambda point: point[0] < 0.0, settings=search) == (-1.0,)
    assert find(points(1, edges=True), lambda point: math.isnan(point[0]), settings=search)


@pytest.mark.sampled(17)
@pytest.mark.parametrize("gate", DRAWN, ids=str)
def test_operands_inside_a_domain_have_values_on_both_sides(gate):
    @settings(generate, max_examples=20)
    @given(values_inside(gate))
    def law(operands):
        for n, x in enumerate(operands):
            for h in (-1e-8, 1e-8):
                assert math.isfinite(gate.evaluate([*operands[:n], x + h * abs(x), *operands[n + 1 :]]))

    law()


def test_operands_inside_a_narrow_domain_are_found_by_its_samples():
    def forward(x):
        return math.sqrt(x - 123.0) + math.sqrt(123.5 - x)

    narrow = primitive("narrow", forward, lambda out, x: 1.0, samples=[123.25])
    assert find(values_inside(narrow), lambda operands: True, settings=search) == (123.25,)
    with pytest.raises(ValueError, match="nowhere has no value at any operands tried: give it samples="):
        values_inside(primitive("nowhere", forward, lambda out, x: 1.0))


# ---- failures --------------------------------------------------------------------------------------------------------


def mutant(gate):
    """The gate with a rule that is wrong everywhere: each of its partials is larger by 1."""

    def wrong(partial):
        return 1.0 if partial is None else partial + 1.0

    if gate.arity is None:
        rule = {"variadic": lambda out, *xs: [wrong(partial) for partial in gate.partials_of(out, xs)]}
        return primitive(f"wrong_{gate.name}", gate.forward, samples=gate.samples, **rule)
    partials = [lambda out, *xs, n=n: wrong(gate.partials_of(out, xs)[n]) for n in range(gate.arity)]
    return primitive(f"wrong_{gate.name}", gate.forward, *partials, samples=gate.samples)


def assert_shrinks_to_the_gate(gate):
    wrong = mutant(gate)
    smallest = find(
        expressions(gates=["add", "multiply", "tanh", wrong]), lambda f: is_wrong(f, f.point), settings=search
    )
    assert [gate for gate, _ in smallest.lines] == [wrong], smallest
    assert {*smallest.point} <= {1.0, 0.5, 2.0}
    operands = find(values_inside(wrong), partial(is_wrong, wrong), settings=search)
    assert {*operands} <= {1.0, 0.5, 2.0}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["divide", "acosh", "dot"])
def test_a_planted_fault_shrinks_to_its_gate(name):
    assert_shrinks_to_the_gate(lookup(name))


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("gate", DRAWN[::3], ids=str)
def test_a_planted_fault_shrinks_to_its_gate_for_many_gates(gate):
    assert_shrinks_to_the_gate(gate)


@pytest.mark.slow
def test_a_rule_that_is_wrong_in_one_region_shrinks_to_a_point_there():
    relu6 = primitive("relu6", lambda x: min(max(x, 0.0), 6.0), lambda out, x: where(x, 1.0, 0.0))
    f = find(expressions(gates=[relu6, "add", "multiply"]), lambda f: is_wrong(f, f.point), settings=search)
    assert repr(f).startswith("check_grads(lambda x, y: relu6(x), (")
    assert f.point[0] in (7.0, 8.0)
    with pytest.raises(AssertionError, match=r"the rule of relu6\([78]\.0\)"):
        eval(repr(f), {"check_grads": check_grads, "relu6": relu6})


OWN_GATE = """
    import math
    from hypothesis import Phase, given, settings
    from microgradnn import check_grads, primitive, sigmoid
    from microgradnn.checks.strategies import expressions

    swish = primitive("swish", lambda x: x / (1 + math.exp(-x)), lambda out, x: sigmoid(x) + out * {slip}sigmoid(-x))

    def test_alone():
        check_grads(swish, (1.0,))

    @settings(phases=[Phase.generate, Phase.shrink], database=None, derandomize=True, deadline=None)
    @given(expressions(gates=[swish, "add", "multiply"], variables=2))
    def test_drawn(f):
        check_grads(f, f.point)
"""


@pytest.mark.one_engine
@pytest.mark.slow
def test_pytest_shows_one_sentence_and_no_source_of_ours(pytester):
    pytester.makepyfile(test_right=OWN_GATE.format(slip=""), test_wrong=OWN_GATE.format(slip="2 * "))
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=2)
    sentence = "the rule of swish(1.0) is wrong: its partial 0 gives 1.124, it is 0.9277, recorded at *, line {}: *"
    result.stdout.fnmatch_lines(
        [
            ">       check_grads(swish, (1.0,))",
            "E       AssertionError: the derivative by argument 0 = 1.0 is 1.1242* by the rules and 0.9276* in truth: "
            + sentence.format(9),
            ">       check_grads(f, f.point)",
            f"E       AssertionError: * {sentence.format(14)}",
            "E *f=check_grads(lambda x, y: swish(x), (1.0, 1.0)),",
        ]
    )
    for ours in ("raise_if_wrong", "__tracebackhide__", "/checks/", "strategies.py"):
        assert ours not in result.stdout.str()

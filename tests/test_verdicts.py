"""Labelled cases: right rules are called right, wrong ones wrong, and kinks, edges and noise are named."""

import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.verdicts import score
from tests.verdicts.case import Case, worst
from tests.verdicts.fresh import fresh
from tests.verdicts.labels import first_labels, second_label
from tests.verdicts.mutants import MUTATIONS, mutants
from tests.verdicts.planted import BY_HAND
from tests.verdicts.score import ALLOWED, by_number, counted, fault, faults, our_faults
from tests.verdicts.sound import SOUND

CASES = [*SOUND, *BY_HAND]


def of_categories(cases):
    """One test for each category, so that a failure shows all of its cases."""
    kinds = dict.fromkeys(case.kind for case in cases)
    return [pytest.param([case for case in cases if case.kind == kind], id=kind) for kind in kinds]


def without_faults(cases, order):
    found = [fault for case in cases for fault in our_faults(case, order)]
    assert not found, "\n".join(map(str, found))


# ---- the checker -----------------------------------------------------------------------------------------------------


@pytest.mark.sampled(5)
@pytest.mark.parametrize("cases", of_categories(CASES[::5]))
def test_verdicts_at_order_one(cases):
    without_faults(cases, 1)


@pytest.mark.sampled(5)
@pytest.mark.parametrize("cases", of_categories(CASES[::20]))
def test_verdicts_at_order_two(cases):
    without_faults(cases, 2)


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("cases", of_categories(CASES))
def test_every_verdict(cases, order):
    without_faults(cases, order)


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_mutants(order):
    without_faults([*mutants()][::order], order)


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_fresh_cases_of_today(order):
    seed = int(f"{datetime.date.today():%Y%m%d}")
    print(f"seed {seed}")
    found = [fault for case in fresh(seed, 400) for fault in our_faults(case, order)]
    undecided = [fault for fault in found if fault.kind == "undecided"]
    assert len(undecided) <= 1, "\n".join(map(str, undecided))
    assert found == undecided, "\n".join(map(str, found))


# ---- the labels ------------------------------------------------------------------------------------------------------


def test_there_are_cases_of_every_category():
    kinds = {case.kind for case in CASES}
    assert len(CASES) >= 300
    assert {"activations", "losses", "physics", "chains", "networks", "the table", "kinks", "jumps", "edges"} <= kinds
    assert {"noise", "relative", "region", "second order", "swapped", "absolute", "detached", "vanishing"} <= kinds
    assert len({(case.kind, case.name) for case in CASES}) == len(CASES)


def test_the_judge_shares_nothing_with_the_checks():
    files = {path.name: path.read_text(encoding="utf-8") for path in Path(score.__file__).parent.glob("*.py")}
    assert [name for name, source in files.items() if "from microgradnn.checks" in source] == ["score.py"]


def agrees(label, written):
    """Whether the judge's label is the written one: what is off for him is noisy or wrong by hand."""
    return label == written or (label == "off" and written in ALLOWED["off"])


@pytest.mark.sampled(5)
@pytest.mark.parametrize("cases", of_categories(CASES[::4]))
def test_the_judge_agrees_with_labels_written_by_hand(cases):
    assert [case.name for case in cases if not all(map(agrees, first_labels(case)[0], case.expected))] == []


@pytest.mark.one_engine
@pytest.mark.slow
@pytest.mark.parametrize("cases", of_categories(CASES))
def test_the_judge_agrees_at_order_two(cases):
    for case in cases:
        assert all(map(agrees, first_labels(case)[0], case.expected)), case.name
        assert agrees(second_label(case)[0], case.label(2)), case.name


@pytest.mark.slow
def test_a_factor_in_a_rule_is_named_and_the_judge_finds_its_size():
    """Here the error is known without the judge."""
    off = [
        case
        for case in mutants(rotate=8, every=3)
        if "off by" in case.kind and case.f.__name__ == "alone" and case.size
    ]
    assert len({case.kind for case in off}) >= 5
    for case in off:
        assert case.size == pytest.approx(float(case.kind.split()[-1]), rel=0.02)
    without_faults(off, 1)


@pytest.mark.slow
def test_fresh_cases_come_again_with_their_seed_and_are_of_all_sorts():
    first, again, other = ([case.name for case in fresh(seed, 5)] for seed in (20261127, 20261127, 20261128))
    assert first == again
    assert first != other
    assert {case.label(1) for case in fresh(20261127, 9)} >= {"right", "wrong"}


@pytest.mark.one_engine
@pytest.mark.slow
def test_mutants_are_wrong_but_where_they_look_elsewhere():
    wrong = dict.fromkeys(MUTATIONS, 0)
    for rotate in (0, 7):
        for case in mutants(rotate):
            wrong[case.kind.removeprefix("mutants: ")] += case.label(2) == "wrong"
    assert wrong.pop("wrong elsewhere") == 0
    assert min(wrong.values()) >= 2


# ---- counting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "verdict", "kind"),
    [
        ("right", "right", None), ("right", "wrong", "false alarm"), ("right", "noisy", "undecided"),
        ("right", "kink", "false alarm"), ("wrong", "right", "miss"), ("wrong", "kink", "miss"),
        ("wrong", "noisy", "undecided"), ("kink", "kink", None), ("kink", "wrong", "called wrong"),
        ("kink", "right", "not named"), ("jump", "outside", None), ("noisy", "wrong", "called wrong"),
    ],
)  # fmt: skip
def test_faults_have_names(label, verdict, kind):
    assert fault(label, verdict) == kind


def test_faults_of_a_case():
    case = Case("case", "kind", abs, ([1.0, 2.0], 3.0), ("wrong", "right", "kink"), guilty=("cube",), size=0.5)
    assert faults(case, 1, ["wrong", "right", "kink"], ["the gate cube"]) == []
    assert [one.kind for one in faults(case, 1, ["right", "wrong", "kink"], ["cube"])] == ["false alarm", "miss"]
    assert [one.kind for one in faults(case, 1, ["wrong", "right", "kink"], [])] == ["not named"]
    assert faults(case, 2, ["right", "kink", "wrong"], ["cube"]) == []
    assert [one.kind for one in faults(case, 1, ["wrong", "right", "kink"], ["cube", "sin"])] == ["innocent named"]
    missed = faults(case, 2, ["right", "kink"], ["cube"])
    assert counted(missed) == {"miss": 1, "gross miss": 1}
    assert "case at ([1.0, 2.0], 3.0), order 2: right, kink" in str(missed[0])


def test_findings_belong_to_their_number():
    places = [("argument 0[1]", "wrong"), ("argument 1", "kink"), ("argument 0[0]", "right"), ("argument 1", "right")]
    findings = [SimpleNamespace(place=place, verdict=verdict) for place, verdict in places]
    assert by_number(findings, ([1.0, 2.0], 3.0)) == ["right", "wrong", "kink"]
    with pytest.raises(AssertionError, match="no finding"):
        by_number(findings[:1], ([1.0, 2.0], 3.0))
    assert worst([]) == "right"

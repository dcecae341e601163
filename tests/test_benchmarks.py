"""The benchmarks measure what they say and compare what is equal; how fast things are is not tested."""

from __future__ import annotations

import gc
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable

import pytest

from microgradnn import Value
from microgradnn.drawing.page import LIVE
from microgradnn.graph import topological_order
from microgradnn.table import tanh
from tests.benchmarks import (
    checkers,
    checks,
    compile as compiled,
    eager,
    exact,
    gpt,
    gpt_by_hand,
    harness,
    networks,
    page,
    pendulum,
    problems,
    rolls,
)
from tests.benchmarks.__main__ import SUITES
from tests.benchmarks.peers import by_jax
from tests.verdicts.case import Case

pytestmark = pytest.mark.one_engine

PAGE = harness.PAGE.read_text(encoding="utf-8")


def test_phases_repeat_and_leave_the_collector_on() -> None:
    calls = []
    for collector in (True, False):

        def record(collector: bool = collector) -> str:
            assert gc.isenabled() is collector
            calls.append("record")
            return "graph"

        assert min(harness.phases(record, calls.append, 3, collector)) >= 0.0
        assert harness.whole(record, calls.append, 2, collector)[0] >= 0.0
        assert gc.isenabled()
    assert calls == ["record", "graph"] * 10


def test_medians_of_interleaved_runs() -> None:
    order = []
    figures = {"a": iter([(1.0, 10.0), (9.0, 30.0), (2.0, 20.0)]), "b": iter([(5.0,), (4.0,), (6.0,)])}

    def task(name: str) -> tuple[float, ...]:
        order.append(name)
        return next(figures[name])

    assert harness.medians({name: lambda name=name: task(name) for name in "ab"}, 3) == {"a": (2.0, 20.0), "b": (5.0,)}
    assert "".join(order) == "abbaab"


def test_memory_counts_what_is_held() -> None:
    recorded, swept = harness.memory(lambda: [bytearray(10**6)], lambda graph: graph.append(bytearray(5 * 10**6)))
    noise = 50_000  # what other threads of the process hold by then is counted, too
    assert 10**6 <= recorded <= 10**6 + noise
    assert 6 * 10**6 <= swept <= 6 * 10**6 + noise


def test_what_is_measured_is_printed_and_takes_the_place_of_its_section_alone(tmp_path, capsys) -> None:
    page = tmp_path / "README.md"
    page.write_text("# Page\n\n## one\n\n| old |\n\n## two\n\nstays\n", encoding="utf-8")
    harness.publish("one", ["| new × |", "", r"- \1 met"], page)
    assert capsys.readouterr().out == "| new × |\n\n- \\1 met\n"
    assert page.read_text(encoding="utf-8") == "# Page\n\n## one\n\n| new × |\n\n- \\1 met\n\n## two\n\nstays\n"
    harness.publish("two", ["newer"], page)
    assert page.read_text(encoding="utf-8").endswith("\n\n## two\n\nnewer\n")
    with pytest.raises(AssertionError, match="has no section three"):
        harness.publish("three", [], page)


def without_figures(lines: Iterable[str]) -> list[str]:
    """Titles, heads of columns and rows, and targets: all that does not change from one measurement to the next."""
    heads = [line for line in lines if line.startswith(("| |", "- ")) or line.endswith(":")]
    rows = [line.split("|")[1] for line in lines if line.startswith("|")]
    return [*rows, *(re.sub(r": [\d.,>–]+ .*", "", line) if line.startswith("- ") else line for line in heads)]


def lines_of(suite: str) -> list[str]:
    """What a suite would print if every figure were 1."""
    if suite == "eager":
        rows = [(row, collector) for row in [*eager.SIZES, *eager.SMALL] for collector in harness.COLLECTOR]
        figures = {(name, *row): (1.0, 1.0) for name in eager.ENGINES for row in [*rows, ("bytes",)]}
        return [eager.TITLE, *eager.table([*eager.ENGINES], figures), *eager.targets(figures)]
    if suite == "networks":
        peers = networks.WORKLOADS.items()
        ones = {(name, row, on): (1.0,) for row, names in peers for name in names for on in harness.COLLECTOR}
        return [networks.TITLE, *networks.table(networks.ENGINES, ones), *networks.targets(ones)]
    if suite == "page":
        figures = {key: (len(row.circuit().order), 1.0, 1.0, 1.0) for key, row in page.ROWS.items()}
        return [page.TITLE, *page.table(figures), *page.targets(figures)]
    if suite == "checks":
        rows = {
            order: [checks.OURS] + [
                f"{peer.name}, {which}" for peer in checkers.CHECKERS if max(order, 1) in peer.orders
                for which in ("defaults", f"best of {len(peer.settings)} settings")
            ]
            for order in checks.TITLE
        }  # fmt: skip
        figures = {order: dict.fromkeys(names, checks.Row(1, 1, 1, 1, 1, 1.0)) for order, names in rows.items()}
        tables = [line for order, title in checks.TITLE.items() for line in (title, *checks.table(figures[order]))]
        return [*tables, *checks.targets(figures, dict.fromkeys(checks.LIMITS, 1.0))]
    if suite == "exact":
        figures = {(count, name, by): 1.0 for count in exact.STEPS for name in exact.ENGINES for by in exact.RULES}
        return [exact.TITLE, *exact.table(figures)]
    cells = {(workload, peer): 1.0 for workload in compiled.WORKLOADS for peer in compiled.PEERS}
    del cells["README graph", compiled.IN_JAX], cells["GPT, 1", compiled.IN_JAX], cells["GPT, 32", compiled.IN_JAX]
    first = {cell: figure for cell, figure in cells.items() if cell[1] != compiled.MICROGRAD_OFF}
    large = {
        (kind, size): rolls.Roll(rolls.gates_of(kind, size), 1.0, 1)
        for kind, sizes in rolls.ROLLS.items()
        for size in sizes
    }
    deep = {(by, count): pendulum.Deep(1.0, 1.0) for by in pendulum.BACKENDS for count in pendulum.EXAMPLES}
    return [
        compiled.STEPS_TITLE, *compiled.table(cells), compiled.PREPARING_TITLE, *compiled.table(first),
        rolls.TITLE, *rolls.table(large), pendulum.TITLE, *pendulum.table(deep),
        *compiled.targets(cells), *rolls.targets(large), *pendulum.targets(deep),
    ]  # fmt: skip


@pytest.mark.parametrize("suite", SUITES)
def test_the_page_shows_what_the_suite_prints_today(suite) -> None:
    (section,) = re.findall(rf"^## {suite}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert without_figures(section.splitlines()) == without_figures(lines_of(suite))
    assert len(without_figures(lines_of(suite))) > 10


def test_work_may_recurse_deeply() -> None:
    code = "from tests.benchmarks.harness import on_one_core\n"  # in a process of its own: it pins itself to a core
    code += "def depth(n): return n and 1 + depth(n - 1)\nprint(on_one_core(depth, 50_000))\n"
    code += "try: on_one_core(divmod, 1, 0)\nexcept ZeroDivisionError: print('told')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert found.stdout == "50000\ntold\n"


@pytest.mark.slow
def test_each_engine_has_a_process_of_its_own_on_the_same_core() -> None:
    with harness.processes([harness.PYTHON, "another"]) as engines:
        assert len({os.getpid(), *(ask(os.getpid) for ask in engines.values())}) == 3
        assert engines[harness.PYTHON](harness.running) == "python"
        with pytest.raises(AssertionError, match="asked for the engine native, python runs"):
            engines[harness.PYTHON](harness.choose, "native")  # once it is imported, it is too late
        if hasattr(os, "sched_getaffinity"):
            first, second = (ask(os.sched_getaffinity, 0) for ask in engines.values())
            assert first == second
            assert len(first) == 1


@pytest.mark.parametrize(("engine", "there"), [("native", [*harness.OURS]), ("python", [harness.PYTHON])])
def test_a_native_engine_that_is_missing_is_left_out(engine, there, monkeypatch) -> None:
    monkeypatch.setattr(harness, "running", lambda: engine)
    assert harness.built([*harness.OURS, "micrograd"]) == [*there, "micrograd"]


def test_micrograds_expression_has_its_gradients() -> None:
    ours = eager.microgradnn_engine()
    recorded = ours.record(*eager.SMALL["README"])
    ours.backward(recorded)
    assert [round(gradient, 4) for gradient in ours.gradients(recorded)] == [138.8338, 645.5773]


@pytest.mark.parametrize("gates", [10, 200])
def test_w1_has_the_gates_it_says(gates) -> None:
    root, leaves = eager.microgradnn_engine().record(eager.w1(gates), eager.START)
    assert len(topological_order(root)) == gates + len(leaves)


def test_a_wrong_engine_is_caught() -> None:
    harness.check_equal({"right": [1.0, 2.0], "also": [1.0, 2.0 + 1e-9]}, 1e-9)
    with pytest.raises(AssertionError, match=r"wrong: 2\.1, not 2\.0, at 1"):
        harness.check_equal({"right": [1.0, 2.0], "wrong": [1.0, 2.1]}, 1e-7)
    with pytest.raises(AssertionError, match="wrong: 1 figures, not 2"):
        harness.check_equal({"right": [1.0, 2.0], "wrong": [1.0]}, 1e-7)


@pytest.mark.parametrize(
    ("ratio", "said"), [(254.4, "254"), (9.96, "10"), (9.94, "9.9"), (3.0, "3.0"), (0.94, "0.94"), (0.0193, "0.019")]
)
def test_ratios_have_two_digits_or_all_before_the_point(ratio, said) -> None:
    assert harness.times(ratio) == said


def test_table_and_targets() -> None:
    figures, names = {}, ["microgradnn", "its Python engine", "micrograd", "PyTorch scalars"]
    for factor, name in enumerate(names, 1):
        for row in [(size, collector) for size in eager.SIZES for collector in harness.COLLECTOR]:
            figures[name, *row] = (1e-7 * factor**4, 1.5e-7 * factor**4)
        figures |= {(name, small, "on"): (5e-6 * factor,) for small in eager.SMALL}
        figures[name, "bytes"] = (100.0, 110.0 * factor)
    lines = eager.table(names, figures)
    assert lines[0] == "| | microgradnn | its Python engine | micrograd | PyTorch scalars |"
    assert (
        "| 1,000 mixed gates, gc on, ns a gate | 100 + 150 | 1,600 + 2,400 (16 ×) | 8,100 + 12,150 (81 ×) | "
        "25,600 + 38,400 (256 ×) |" in lines
    )
    assert "| tiny graph, µs | 5.0 | 10.0 (2.0 ×) | 15.0 (3.0 ×) | 20.0 (4.0 ×) |" in lines
    assert {line.count("|") for line in lines} == {6}
    said = eager.targets(figures)
    assert [line.split()[-1] for line in said] == [
        *["met"] * 6,
        *["missed"] * 4,
        "met",
        "missed",
        *["met"] * 3,
        "missed",
    ]
    of_python = {key: figure for key, figure in figures.items() if key[0] != "microgradnn"}
    assert eager.targets(of_python) == [line for line in said if "its Python engine" in line]


@pytest.mark.torch
def test_all_engines_agree_and_the_suite_measures_every_row() -> None:
    names = harness.built(eager.ENGINES)
    with harness.processes(names) as engines:
        figures = eager.measure(engines, {10: (1, 2), 200: (2, 2)}, 1)
    assert all(figure >= 0.0 for found in figures.values() for figure in found)
    lines = eager.table(names, figures)
    assert len(lines) == 2 + 4 + 2 + 1
    assert {line.count("|") for line in lines} == {2 + len(names)}


def test_our_networks_step_from_the_shared_weights() -> None:
    model = networks.loaded([2, 3, 1], "tanh")
    assert model.state_dict()["2.weight"].tolist() == networks.weights([2, 3, 1])[1][0]
    ours = networks.gate_by_gate(networks.scalars(Value, [2, 3, 1]), Value.tanh, [0.3, -0.2])
    assert model([0.3, -0.2]).data == pytest.approx(ours[0].data, rel=1e-12)


def test_table_and_targets_of_networks() -> None:
    factors = dict(zip(networks.ENGINES, [1, 8, 100, 8, 300, 0.5], strict=True))
    figures = {
        (name, workload, collector): (0.01 * factors[name],)
        for workload, names in networks.WORKLOADS.items()
        for name in names
        for collector in harness.COLLECTOR
    }
    lines = networks.table(networks.ENGINES, figures)
    assert {line.count("|") for line in lines} == {8}
    assert "| one digit forward and backward, gc on, ms | 10.00 | 80.00 (8.0 ×) | 1,000.00 (100 ×) | – | " in lines[8]
    assert lines[-1].endswith("| 10.00 | 80.00 (8.0 ×) | – | – | – | 5.00 (0.5 ×) |")
    said = networks.targets(figures)
    assert [line.split()[-1] for line in said] == [
        *["met", "met", "missed", "met", "missed", "met", "met"],
        *["missed", "met", "missed", "missed", "met"],
    ]
    of_python = {key: figure for key, figure in figures.items() if key[0] != "microgradnn"}
    assert networks.targets(of_python) == [line for line in said if "its Python engine" in line]


@pytest.mark.slow
def test_slots_give_what_is_written_by_hand() -> None:
    step = networks.gpt_with_slots()
    for _ in range(2):  # the second one after a step of Adam
        step.run()
    document, weights, adam = gpt.encoded(gpt.NAMES[0]), gpt.start(), gpt_by_hand.Adam(4192)
    _, gradient = gpt_by_hand.by_hand(weights, *document)
    weights = gpt_by_hand.shaped(adam.moved(gpt.flat(weights), gpt.flat(gradient)))
    loss, gradient = gpt_by_hand.by_hand(weights, *document)
    harness.check_equal({"by hand": [loss, *gpt.flat(gradient)], "with slots": step.outcome()}, 1e-9)


@pytest.mark.torch
@pytest.mark.sklearn
def test_all_networks_agree_and_every_row_is_measured() -> None:
    names = harness.built(networks.ENGINES)
    with harness.processes(names) as engines:
        figures = networks.measure(engines, 1, dict.fromkeys(networks.STEPS, 1))
    assert all(seconds >= 0.0 for (seconds,) in figures.values())
    assert len(networks.table(names, figures)) == 2 + 12


SMALL = {"V1": 12, "V2, 64": 10, "V2, 1797": 300, "GMM": 8, "Rosenbrock": 7, "README graph": 9}  # 300: the other layout
GPT = {"GPT, 1": 1, "GPT, 32": 3}
HAND = [compiled.COURSE, compiled.TUNED]


@pytest.mark.slow
def test_one_thread_is_asked_for_before_numpy() -> None:
    code = "import os, sys\nfrom tests.benchmarks.harness import one_thread\none_thread()\n"
    code += "print(os.environ['OPENBLAS_NUM_THREADS'], 'eigen=false' in os.environ['XLA_FLAGS'])\n"
    code += "import numpy\ntry: one_thread()\nexcept AssertionError: print('too late')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert found.stdout == "1 True\ntoo late\n"


@pytest.mark.parametrize("workload", ["GMM", "Rosenbrock", "README graph"])
def test_numpy_by_hand_is_what_eager_gates_give(workload) -> None:
    makers = compiled.makers(workload, SMALL[workload])
    steps, seconds = compiled.prepared(workload, {name: makers[name] for name in [compiled.EAGER, *HAND]})
    assert list(steps) == [compiled.EAGER, *HAND]
    assert min(seconds.values()) > 0.0


def test_a_wrong_gradient_is_caught() -> None:
    makers = {
        "right": lambda: problems.stepping(lambda: (1.0, [2.0, [[3.0]]])),
        "absent": lambda: None,
        "wrong": lambda: problems.stepping(lambda: (1.0, [2.0, [[3.00001]]])),
    }
    with pytest.raises(AssertionError, match="V1, wrong: off by 3"):
        compiled.prepared("V1", makers)
    makers["wrong"] = lambda: problems.stepping(lambda: (1.0, [2.0]))
    with pytest.raises(AssertionError, match="V1, wrong: 2 figures, not 3"):
        compiled.prepared("V1", makers)
    del makers["wrong"]
    assert list(compiled.prepared("V1", makers)[0]) == ["right"]


def test_a_sample_sets_the_collector() -> None:
    seen = []
    for collector in (True, False):
        assert compiled.sample(lambda: seen.append(gc.isenabled()), 2, collector)[0] >= 0.0
        assert gc.isenabled()
    assert seen == [True, True, False, False]


@pytest.mark.parametrize(
    ("figure", "text"),
    [(104_013.2, "104,000"), (23.449, "23.4"), (1.0, "1.00"), (0.99999, "1.00"), (0.01234, "0.0123"), (0.0, "0")],
)
def test_three_significant_digits(figure, text) -> None:
    assert float(harness.digits3(figure).replace(",", "")) == float(text.replace(",", ""))


def test_table_and_targets_of_compile() -> None:
    figures = {(workload, compiled.OURS): 20.0 for workload in compiled.WORKLOADS}
    figures |= {("V1", compiled.TUNED): 19.0, ("V2, 64", compiled.TUNED): 17.0, ("V2, 1797", compiled.TUNED): 17.0}
    figures |= {("GPT, 1", compiled.TORCH): 130.0, ("GPT, 32", compiled.TORCH): 19.0}
    figures |= {
        ("V1", compiled.MICROGRAD_OFF): 104_013.0,
        ("GMM", compiled.JAX): 100.0,
        ("GMM", compiled.IN_JAX): 103.0,
    }
    lines = compiled.table(figures)
    assert lines[0] == "| | V1 | V2, 64 | V2, 1797 | GMM | Rosenbrock | README graph | GPT, 1 | GPT, 32 |"
    assert "| micrograd, gc off | 104,000 | – | – | – | – | – | – | – |" in lines
    assert lines[-1] == f"| {compiled.OURS} | {' | '.join(['20.0'] * 8)} |"
    assert {line.count("|") for line in lines} == {10}
    verdicts = [line.rpartition(", ")[2] for line in compiled.targets(figures)]
    assert verdicts == ["met", "met", "missed", "met", "met", "missed", "met within 5 % of noise"]


@pytest.mark.parametrize(
    ("kind", "size"), [("MLP", 4), ("MLP", 7), ("Rosenbrock", 2), ("Rosenbrock", 9), ("chain", 1), ("chain", 5)]
)
def test_rolled_graphs_have_the_gates_they_say(kind, size) -> None:
    function, params, example = rolls.large(kind, size)
    order = topological_order(function(*map(Value, example) if kind == "chain" else example))
    assert sum(bool(value.operands) for value in order) == rolls.gates_of(kind, size)
    assert {id(parameter) for parameter in params} <= set(map(id, order))
    largest = {kind: rolls.gates_of(kind, sizes[-1]) for kind, sizes in rolls.ROLLS.items()}
    assert all(900_000 <= largest[kind] <= 1_100_000 for kind in ("MLP", "Rosenbrock"))
    assert largest["chain"] == 99_999


def test_table_and_targets_of_rolls() -> None:
    found = {
        ("MLP", 15): rolls.Roll(962, 0.004, 1_000_000),
        ("MLP", 500): rolls.Roll(1_003_002, 4.0, 2_100_000_000),
        ("Rosenbrock", 144): rolls.Roll(1002, 0.002, 1_000_000),
        ("chain", 1000): rolls.Roll(3000, 14.0, 1_000_000),
    }
    lines = rolls.table(found)
    assert "| MLP(15, [15, 15, 1]) | 962 | 0.00400 | 4.16 | 1 |" in lines
    assert {line.count("|") for line in lines} == {6}
    assert [line.rpartition(", ")[2] for line in rolls.targets(found)] == ["missed", "met", "met"]
    found["chain", 1000] = rolls.Roll(3000, math.inf, 0)
    assert rolls.table(found)[-1] == "| chain of 1,000 tanh(ha + b) | 3,000 | > 60 | – | – |"
    assert rolls.targets(found)[-1].endswith("1 GB: 60 s were too few, missed")


@pytest.mark.slow
@pytest.mark.parametrize("kind", rolls.ROLLS)
def test_rolls_are_measured_in_a_process_of_their_own(kind) -> None:
    found = rolls.roll(kind, 5)
    assert found.gates == rolls.gates_of(kind, 5)
    assert found.seconds > 0.0
    assert 0 <= found.bytes < 1e9


@pytest.mark.slow
def test_what_takes_too_long_elsewhere_is_ended(monkeypatch) -> None:
    assert harness.elsewhere("print([1, 2.5])", 60) == [1, 2.5]
    assert harness.elsewhere("while True: pass", 0.2) is None
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        harness.elsewhere("1 / 0", 60)
    for module, measured in ((rolls, lambda: rolls.roll("chain", 2)), (pendulum, lambda: pendulum.deep("numpy", 1, 2))):
        monkeypatch.setattr(module, "LIMIT", 0.001)
        assert math.inf in measured()


def test_the_pendulum_swings_as_physics_says() -> None:
    fall = [pendulum.swing(4.0, 0.2, *pendulum.START, steps) for steps in (25, 50, 100, 200)]
    ratios = [(a - b) / (b - c) for a, b, c in zip(fall, fall[1:], fall[2:], strict=False)]
    assert ratios[-1] == pytest.approx(16, rel=0.1)  # a rule of fourth order: half the step, a 16th of the error
    rate = math.sqrt(4.0 - 0.1**2)  # a small swing: exp(−drag t / 2) cos(ωt), where the speed at first fits
    small = pendulum.swing(4.0, 0.2, 1e-5, -1e-6)
    assert small == pytest.approx(1e-5 * math.exp(-0.1 * pendulum.TIME) * math.cos(rate * pendulum.TIME), rel=1e-5)
    function, params = pendulum.problem()
    order = topological_order(function(*map(Value, pendulum.START)))
    assert f" {sum(bool(value.operands) for value in order):,} gates " in pendulum.TITLE
    assert set(params) <= set(order)


@pytest.mark.slow
def test_the_pendulum_is_compiled_by_every_backend_that_there_is() -> None:
    assert [pendulum.known(backend) for backend in ("numpy", "python", "nothing")] == [True, True, False]
    assert min(pendulum.deep("python", 2, 3)) > 0.0
    assert all(map(math.isnan, pendulum.deep("nothing", 1, 3)))


def test_table_and_targets_of_the_pendulum() -> None:
    figures = {(by, count): pendulum.Deep(1.4, 590.0) for by in pendulum.BACKENDS for count in pendulum.EXAMPLES}
    figures["jax", 64] = pendulum.Deep(math.inf, math.inf)
    lines = pendulum.table(figures)
    assert "| backend jax | 1.40 | 590 | > 60 | – |" in lines
    assert {line.count("|") for line in lines} == {6}
    for found, said in [
        (pendulum.Deep(1.4, 590.0), "1.40 s, 590 µs, met"),
        (pendulum.Deep(1.6, 590.0), "1.60 s, 590 µs, missed"),
        (pendulum.Deep(1.4, 610.0), "1.40 s, 610 µs, missed"),
        (pendulum.Deep(math.nan, math.nan), "– s, – µs, missed"),
    ]:
        assert pendulum.targets({**figures, ("auto", 1): found})[0].endswith(f": {said}")


@pytest.mark.torch
@pytest.mark.jax
@pytest.mark.sklearn
def test_all_steps_agree_and_every_cell_is_measured() -> None:
    slow = [compiled.TORCH_COMPILED]
    with by_jax.float64():
        figures, preparing = compiled.measure(SMALL | GPT, 1, slow)
    assert all(figure > 0.0 for figure in [*figures.values(), *preparing.values()])
    assert len(compiled.table(figures)) == 2 + len(compiled.PEERS) - len(slow)
    assert {(workload, compiled.OURS) for workload in SMALL | GPT} <= set(figures)


@pytest.mark.torch
@pytest.mark.sklearn
@pytest.mark.slow
@pytest.mark.parametrize("workload", SMALL)
def test_compiled_torch_agrees(workload) -> None:
    makers = compiled.makers(workload, SMALL[workload])
    steps, _ = compiled.prepared(workload, {name: makers[name] for name in [compiled.COURSE, compiled.TORCH_COMPILED]})
    assert compiled.COURSE in steps


def test_table_and_targets_of_the_page() -> None:
    figures = dict.fromkeys(page.ROWS, (13, 59.96, 4.0, 0.5)) | {"network": (179, 480.0, 1600.0, 0.5)}
    lines = page.table(figures)
    assert "| a change in a 2-16-1 network of single gates | 179 | 480 | 1,600.0 + 0.5 |" in lines
    assert {line.count("|") for line in lines} == {5}
    assert [line.rpartition(", ")[2] for line in page.targets(figures)] == ["met", "met", "missed"]
    assert len(page.ROWS["network"].circuit().order) == 179
    assert 280 < len(page.ROWS["largest"].circuit().order) <= LIVE


@pytest.mark.browser
def test_the_page_is_measured_only_where_it_shows_pythons_numbers(chromium) -> None:
    rows = {
        "neuron": page.ROWS["neuron"]._replace(argument=2),
        "all at once": page.ROWS["all at once"]._replace(title="a hundred steps", argument=[100, 0]),
    }
    with pytest.raises(AssertionError, match=r"After 100 steps E = 0\.0"):
        page.measure(chromium, rows, 1)
    del rows["all at once"]
    (figures,) = page.measure(chromium, rows, 1).values()
    assert figures[0] == 13
    assert min(figures) > 0.0


@pytest.mark.browser
def test_a_page_with_a_wrong_number_is_caught(chromium, tmp_path) -> None:
    page.neuron().save(tmp_path / "f.html")
    tab, circuit = chromium.new_page(), page.neuron()
    tab.goto((tmp_path / "f.html").as_uri())
    circuit.order[1].data += 0.01
    with pytest.raises(AssertionError, match=r"gradient"):
        page.check_equal(tab, circuit)
    tab.close()


@pytest.mark.browser
def test_a_change_ends_where_it_began_with_all_laid_out(chromium) -> None:
    tab = chromium.new_page()
    tab.set_content(
        "<main><p role=spinbutton tabindex=0 onkeydown='pressed += event.key[5]; this.textContent += event.key'>"
        "</p></main><script>var pressed = ''</script>"
    )
    tab.evaluate(page.CHANGE, 4)
    assert tab.evaluate("pressed") == "UDUD"
    tab.close()


def test_checkers_are_counted_by_the_same_rule() -> None:
    wrong = Case("wrong", "kind", abs, (1.0,), ("wrong",), size=0.5)
    right, kink = wrong._replace(labels=("right",)), wrong._replace(labels=("kink",))
    said = {
        (case.label(1), answer): checks.fault(case, 1, answer) for case in (wrong, right, kink) for answer in (0, 1)
    }
    assert {key: fault.kind for key, fault in said.items() if fault} == {
        ("wrong", 1): "miss", ("right", 0): "false alarm", ("kink", 0): "called wrong",
    }  # fmt: skip
    assert checks.fault(right, 1, None).kind == "undecided"
    lenient = checkers.Checker("lenient", ["always", "never"], lambda claim, order: [True, False])
    rows = checks.theirs(lenient, [right, right, wrong, kink], 1)
    assert [row[:5] for row in rows.values()] == [(0, 1, 1, 0, 0), (0, 1, 1, 0, 0)]


def test_table_and_targets_of_checks() -> None:
    mine, other = checks.Row(0, 0, 0, 0, 1, 2.0), checks.Row(3, 2, 1, 4, 0, 0.5)
    figures = {order: {checks.OURS: mine, "other": other} for order in checks.TITLE}
    lines = checks.table(figures[1])
    assert lines[-1] == "| other | 3 | 2 | 1 | 4 | 0 | 0.5 |"
    assert {line.count("|") for line in lines} == {8}
    verdicts = [line.rpartition(", ")[2] for line in checks.targets(figures, dict.fromkeys(checks.LIMITS, 0.06))]
    assert verdicts == [*["met"] * 3, "missed", *["met"] * 4, "missed", "met", "met", "missed"]


CLAIMS = [(lambda x, y: x * y + x, True), (lambda x, y: x.data * y + x, False)]


@pytest.mark.torch
@pytest.mark.jax
@pytest.mark.parametrize("checker", checkers.CHECKERS, ids=lambda checker: checker.name)
@pytest.mark.parametrize(("f", "right"), CLAIMS)
def test_every_checker_tells_a_right_claim_from_a_wrong_one(checker, f, right) -> None:
    for order in checker.orders:
        assert set(checkers.answers(checker, Case("case", "kind", f, (0.7, 1.3)), order)) == {right}


def test_exact_compares_two_rules_and_leaves_the_shipped_one() -> None:
    shipped = tanh.array_partials
    slopes = {by: exact.slope(rule, 20.0) for by, rule in exact.RULES.items()}
    assert slopes == {"1 − out²": 0.0, "exact": pytest.approx(4 * math.exp(-40), rel=1e-15)}
    with pytest.raises(ZeroDivisionError):
        exact.slope(lambda xp, out, x: 1 / 0, 20.0)
    assert tanh.array_partials is shipped is exact.RULES["exact"]


@pytest.mark.torch
@pytest.mark.jax
@pytest.mark.sklearn
def test_exact_steps_agree_and_every_cell_is_measured() -> None:
    with by_jax.float64():
        figures = exact.measure({10: 1}, 1)
    assert len(figures) == 2 * len(exact.ENGINES)
    assert min(figures.values()) > 0.0

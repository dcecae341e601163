"""The benchmarks measure what they say and compare what is equal; how fast things are is not tested."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from microgradnn import Value
from tests.benchmarks import eager, harness, networks

GRAPHS = [(eager.w1(10), eager.START), (eager.w1(200), eager.START), *(small[:2] for small in eager.SMALL.values())]


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
    recorded, swept = harness.memory(lambda: [bytearray(1000)], lambda graph: graph.append(bytearray(5000)))
    assert 1000 <= recorded <= 1500
    assert 6000 <= swept <= 7000


def test_work_may_recurse_deeply() -> None:
    code = "from tests.benchmarks.harness import on_one_core\n"  # in a process of its own: it pins itself to a core
    code += "def depth(n): return n and 1 + depth(n - 1)\non_one_core(lambda: print(depth(50_000)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60)
    assert found.stdout == "50000\n"


def test_micrograds_expression_has_its_gradients() -> None:
    gradients = eager.check_equal([eager.microgradnn_engine()], eager.readme, (-4.0, 2.0))
    assert [round(gradient, 4) for gradient in gradients] == [138.8338, 645.5773]


@pytest.mark.parametrize("gates", [10, 200])
def test_w1_has_the_gates_it_says(gates) -> None:
    from microgradnn.graph import topological_order

    root, leaves = eager.microgradnn_engine().record(eager.w1(gates), eager.START)
    assert len(topological_order(root)) == gates + len(leaves)


def test_a_wrong_engine_is_caught() -> None:
    right = eager.microgradnn_engine()
    wrong = right._replace(name="wrong", gradients=lambda recorded: [1.0, 2.0])
    with pytest.raises(AssertionError, match="wrong"):
        eager.check_equal([right, wrong], *GRAPHS[0])


def test_table_and_targets() -> None:
    figures = {}
    for factor, name in enumerate(["microgradnn", "micrograd", "PyTorch scalars"], 1):
        for gates, collector in [(1_000, "on"), (100_000, "on")]:
            figures[name, gates, collector] = (100.0 * factor**2, 150.0 * factor**2)
        figures |= {(name, small): (5.0 * factor,) for small in eager.SMALL}
        figures[name, "bytes"] = (130.0, 220.0)
    lines = eager.table(["microgradnn", "micrograd", "PyTorch scalars"], figures)
    assert lines[0] == "| | microgradnn | micrograd | PyTorch scalars |"
    assert "| W1, 1,000 gates, gc on, ns a gate | 100 + 150 | 400 + 600 (4.0 ×) | 900 + 1,350 (9.0 ×) |" in lines
    assert "| tiny graph, µs | 5.0 | 10.0 (2.0 ×) | 15.0 (3.0 ×) |" in lines
    assert {line.count("|") for line in lines} == {5}
    assert [line.split()[-1] for line in eager.targets(figures)] == ["met", "missed", "met", "met", "missed"]


@pytest.mark.torch
@pytest.mark.parametrize("place", range(len(GRAPHS)))
def test_all_engines_agree(place) -> None:
    graph, point = GRAPHS[place]
    eager.check_equal([engine() for engine in eager.ENGINES], graph, point)


@pytest.mark.torch
def test_the_suite_measures_every_row() -> None:
    engines = [engine() for engine in eager.ENGINES]
    figures = eager.measure(engines, {10: (1, 2), 50: (2, 2)}, 1)
    assert all(figure >= 0.0 for found in figures.values() for figure in found)
    lines = eager.table([engine.name for engine in engines], figures)
    assert len(lines) == 2 + 4 + 2 + 1
    assert {line.count("|") for line in lines} == {6}


def test_our_networks_step_from_the_shared_weights() -> None:
    model = networks.loaded([2, 3, 1], "tanh")
    assert model.state_dict()["2.weight"].tolist() == networks.weights([2, 3, 1])[1][0]
    ours = networks.gate_by_gate(networks.scalars(Value, [2, 3, 1]), Value.tanh, [0.3, -0.2])
    assert model([0.3, -0.2]).data == pytest.approx(ours[0].data, rel=1e-12)


def test_a_wrong_network_is_caught() -> None:
    right = networks.Step(lambda: None, lambda: [1.0, 2.0])
    with pytest.raises(AssertionError, match=r"wrong: 2\.1, not 2\.0, at 1"):
        networks.check_equal({"right": right, "wrong": right._replace(outcome=lambda: [1.0, 2.1])})
    with pytest.raises(AssertionError, match="wrong: 1 figures, not 2"):
        networks.check_equal({"right": right, "wrong": right._replace(outcome=lambda: [1.0])})


def test_table_and_targets_of_networks() -> None:
    figures = {
        (workload, name, collector): 10.0 * factor
        for workload in ("W2", "W3")
        for factor, name in [(1, "microgradnn"), (20, "micrograd"), (30, "PyTorch scalars")]
        for collector in ("on", "off")
    } | {("epoch", "microgradnn", "on"): 1000.0, ("epoch", "PyTorch tensors", "on"): 50.0}
    lines = networks.table(figures)
    assert {line.count("|") for line in lines} == {6}
    assert lines[2].endswith("gc on, ms | 10.00 | 200.00 (20 ×) | 300.00 (30 ×) | – |")
    assert lines[-1].endswith("| 1,000.00 | – | – | 50.00 (0.05 ×) |")
    assert [line.split()[-1] for line in networks.targets(figures)] == ["missed", "met", "met", "met"]


@pytest.mark.torch
@pytest.mark.sklearn
def test_all_networks_agree_and_every_row_is_measured() -> None:
    figures = networks.measure(1, {"W2": 1, "W3": 1}, images=64)
    assert all(figure >= 0.0 for figure in figures.values())
    assert len(networks.table(figures)) == 2 + 5

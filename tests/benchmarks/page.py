"""One change of a leaf in the explorable circuit, and note 002's net on its way downhill, in headless Chromium.

A change is a key pressed on a leaf. Its script computes, sweeps and rewrites the picture, the sentence and the chart;
then the browser is asked where the page ends, so that it lays all of it out. Painting is not counted. The clock is the
browser's own: processor time of the thread that runs the page. Before timing, the numbers in the picture are compared
with Python's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from microgradnn import Value, dot, exp, sigmoid, steps, tanh
from microgradnn.notation import digits
from microgradnn.stepping import Steps
from tests.benchmarks import networks
from tests.benchmarks.harness import machine, medians
from tests.browser import headless


def neuron() -> Steps:
    """The sigmoid neuron of note 000."""
    w0, x0, w1, x1, w2 = (
        Value(number, name) for number, name in [(2.0, "w0"), (-1.0, "x0"), (-3.0, "w1"), (-2.0, "x1"), (-3.0, "w2")]
    )
    return steps(1 / (1 + exp(-(w0 * x0 + w1 * x1 + w2))))


def perceptron(hidden: int) -> Steps:
    """A network 2-hidden-1 gate by gate: 11 nodes a hidden neuron."""
    x = [Value(0.5, "x0"), Value(-0.25, "x1")]
    return steps(networks.gate_by_gate(networks.scalars(Value, [2, hidden, 1]), tanh, x)[0])


def net_of_note_002() -> Steps:
    """The 2-2-2 network worked by hand, with its error."""
    weights = [Value(number, f"w{n}") for n, number in enumerate([0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55], 1)]
    pairs = [weights[n : n + 2] for n in range(0, 8, 2)]
    hidden = [sigmoid(dot(pair, [0.05, 0.1], 0.35)) for pair in pairs[:2]]
    o1, o2 = (sigmoid(dot(pair, hidden, 0.6)) for pair in pairs[2:])
    return steps(((o1 - 0.01) ** 2 / 2 + (o2 - 0.99) ** 2 / 2).named("E"), weights=weights)


# ---- what the browser does -----------------------------------------------------------------------------------------

CHANGE = """
(count) => {
  const leaf = document.querySelector("[role=spinbutton]");
  leaf.focus();
  for (let n = 0; n < count; n += 1) {
    leaf.dispatchEvent(new KeyboardEvent("keydown", { key: n % 2 ? "ArrowDown" : "ArrowUp", bubbles: true }));
    document.body.lastElementChild.getBoundingClientRect();
  }
}"""  # up and down again: it ends where it began
DOWNHILL = """
([count, order]) => {
  document.querySelector("[data-move=reset]").click();
  document.querySelector(".descent input").value = 0.5;
  document.querySelector(".descent select").selectedIndex = order;
  for (let n = 0; n < count; n += 100) {
    document.querySelector("[data-steps='100']").click();
    document.body.lastElementChild.getBoundingClientRect();
  }
}"""


class Row(NamedTuple):
    """A row of the table: its circuit, what the page is asked to do, and of what."""

    title: str
    circuit: Callable[[], Steps]
    script: str
    argument: Any


CHANGES = 20  # in a run
ROWS = {
    "neuron": Row("a change in the sigmoid neuron", neuron, CHANGE, CHANGES),
    "network": Row("a change in a 2-16-1 network of single gates", partial(perceptron, 16), CHANGE, CHANGES),
    "largest": Row("a change in a 2-26-1 network of single gates", partial(perceptron, 26), CHANGE, CHANGES),
    "all at once": Row("10,000 steps downhill, all at once", net_of_note_002, DOWNHILL, [10_000, 0]),
    "outputs first": Row("10,000 steps downhill, outputs first", net_of_note_002, DOWNHILL, [10_000, 1]),
}
ENDS = {"all at once": "3.510188e−5", "outputs first": "3.508479e−5"}  # E in true descent, and as note 002 has it


def check_equal(page: Any, circuit: Steps) -> None:
    """AssertionError where the page, after one change of the first leaf, shows another number than Python."""
    page.locator("[role=spinbutton]").first.press("ArrowUp")
    shown = page.eval_on_selector_all(
        "[role=spinbutton]",
        "all => all.map((leaf) => ['aria-label', 'aria-valuetext'].map((n) => leaf.getAttribute(n)))",
    )
    leaves = [node for node in circuit.order if node.primitive is None]
    leaves[0].data = float(page.locator("[role=spinbutton]").first.get_attribute("aria-valuenow"))
    circuit.root.forward()
    circuit.root.backward()
    expected = [[circuit.names[id(leaf)], f"{digits(leaf.data)}, gradient {digits(leaf.grad)}"] for leaf in leaves]
    assert sorted(shown) == sorted(expected), f"{shown}, not {expected}"


# ---- the suite -----------------------------------------------------------------------------------------------------

Figures = dict[str, tuple[float, ...]]  # nodes, kB of the page, ms of its script, ms of the layout


def measure(browser: Any, rows: dict[str, Row], runs: int) -> Figures:
    """What the table shows of these rows, each page in a tab of its own."""
    tasks, sizes = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for key, row in rows.items():
            path, walked = Path(folder, f"{key}.html"), row.circuit()
            walked.save(path)
            page = browser.new_page(viewport={"width": 1100, "height": 800})
            page.goto(path.as_uri())
            check_equal(page, walked)
            page.click("[data-move=reset]")
            clock = page.context.new_cdp_session(page)
            clock.send("Performance.enable", {"timeDomain": "threadTicks"})
            tasks[key], sizes[key] = partial(_timed, page, clock, row), (len(walked.order), path.stat().st_size / 1000)
            tasks[key]()  # once, before it counts
            if key in ENDS:
                words = page.inner_text(".words")
                assert words.startswith(f"After 10000 steps E = {ENDS[key]};"), words
        figures = medians(tasks, runs)
    return {key: (*sizes[key], *figures[key]) for key in rows}


def _timed(page: Any, clock: Any, row: Row) -> tuple[float, float]:
    """Milliseconds of the script, and of styles and layout: for one change, or for all steps downhill."""
    page.bring_to_front()
    before = _seconds(clock)
    page.evaluate(row.script, row.argument)
    count = row.argument if row.script == CHANGE else 1
    script, layout = (1000 * (after - start) / count for start, after in zip(before, _seconds(clock), strict=True))
    return script, layout


def _seconds(clock: Any) -> tuple[float, float]:
    metrics = {metric["name"]: metric["value"] for metric in clock.send("Performance.getMetrics")["metrics"]}
    return metrics["ScriptDuration"], metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]


def table(figures: Figures) -> list[str]:
    """The figures in Markdown."""
    lines = ["| | nodes | page, kB | script + layout, ms |", "| --- | --: | --: | --: |"]
    for key, (nodes, size, script, layout) in figures.items():
        lines.append(f"| {ROWS[key].title} | {nodes:.0f} | {size:.0f} | {script:,.1f} + {layout:.1f} |")
    return lines


def targets(figures: Figures) -> list[str]:
    """Each target, what was measured, and whether it is met."""
    size = figures["neuron"][1]
    lines = [f"- the neuron's page in at most 60 kB: {size:.1f} kB, {'met' if size <= 60 else 'missed'}"]
    for key, goal in [("neuron", 5), ("network", 16)]:
        nodes, _, *parts = figures[key]
        verdict = "met" if sum(parts) <= goal else "missed"
        lines.append(f"- a change in {nodes:.0f} nodes in at most {goal} ms: {sum(parts):.1f} ms, {verdict}")
    return lines


TITLE = "A change of a leaf in the explorable circuit, and training in the page, in milliseconds:"
RUNS = 15


def report() -> list[str]:
    """Measure: the lines of the section of this suite."""
    with headless() as browser:
        figures = measure(browser, ROWS, RUNS)
        chromium = browser.version
    how = (
        f"{machine('playwright')}, Chromium {chromium}, headless. Processor time in the page, from the key on a "
        f"leaf to the end of layout, painting left out; medians of {RUNS} interleaved runs of {CHANGES} changes. Steps "
        "downhill: the button 100 pressed a hundred times, each drawn. Before timing, the numbers in the page were "
        "compared with Python's."
    )
    return [TITLE, "", *table(figures), "", how, "", *targets(figures)]

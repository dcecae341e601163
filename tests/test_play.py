"""Play, where nothing is installed: Python in WebAssembly by node, and its page in headless Chromium."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
import types
import urllib.parse
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from microgradnn import Value, draw, steps
from microgradnn.answer import Answer
from microgradnn.drawing import layout
from microgradnn.drawing.circuit import FONT
from microgradnn.notation import digits
from tests.test_stepper import texts
from tests.test_without_numpy import NETWORKS, START, beside

ROOT = Path(__file__).parent.parent
PLAY = ROOT / ".site" / "play"

# ---- the layout by viz.js, without a browser ------------------------------------------------------------------------


@pytest.fixture
def in_a_browser(monkeypatch):
    """As if Python ran in a browser."""
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(shutil, "which", lambda name: None)


def give(monkeypatch, render):
    monkeypatch.setitem(sys.modules, "viz_js", types.SimpleNamespace(renderString=render))


def test_pictures_come_from_viz_js_in_a_font_whose_widths_it_knows(in_a_browser, monkeypatch):
    seen = []
    give(monkeypatch, lambda source, format: seen.append((source, format)) or f'<text font-family="{FONT[:11]}"/>')
    source = draw(Value(1.0, "x") * 2).digraph.source
    assert layout.render(source, "svg").decode() == f'<text font-family="{FONT}"/>'
    assert seen == [(source.replace(FONT, "DejaVu Sans"), "svg")]
    assert FONT in source


def test_what_cannot_be_drawn_in_a_browser_is_refused_with_the_remedy(in_a_browser, monkeypatch):
    with pytest.raises(RuntimeError, match=r"needs Graphviz: .*pyodide\.registerJsModule\(\"viz_js\", await instance"):
        draw(Value(1.0)).svg()
    give(monkeypatch, lambda source, format: 1 / 0)
    with pytest.raises(RuntimeError, match="Graphviz failed to draw the picture: division by zero"):
        draw(Value(1.0)).svg()
    for name in ("f.png", "f.pdf"):
        with pytest.raises(RuntimeError, match="writes neither png nor pdf: save the picture as svg"):
            draw(Value(1.0)).save(name)


def test_a_browser_is_asked_for_no_package_that_has_no_wheel_there():
    from packaging.requirements import Requirement  # which pytest brings

    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    there = {"sys_platform": "emscripten"}
    wanted = [each.name for each in map(Requirement, asked) if not each.marker or each.marker.evaluate(there)]
    assert sorted(wanted) == ["graphviz", "mpmath", "tqdm"]


# ---- the page as it is built ----------------------------------------------------------------------------------------


def resolved(package):
    """Where npm has put a package."""
    command = ["node", "-p", f"require.resolve('{package}')"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()


@pytest.fixture(scope="module")
def npm():
    """The folder where npm has installed."""
    return Path(resolved("pyodide")).parents[2]


@pytest.fixture(scope="module")
def built(npm, tmp_path_factory):
    out = tmp_path_factory.mktemp("play")
    here = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, str(PLAY / "build.py"), str(out), str(npm)], check=True, env=os.environ | here)
    return out


@contextmanager
def served(folder):
    """The address of a server of the files in `folder`."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


# ---- Python in WebAssembly, by node ---------------------------------------------------------------------------------

NODE = """
import { loadPyodide } from "FOLDER/pyodide/pyodide.mjs";
import { instance } from "FOLDER/viz.js";
import { readFileSync } from "node:fs";
const python = await loadPyodide(), results = [];
python.unpackArchive(new Uint8Array(readFileSync("FOLDER/packages.zip")), "zip", { extractDir: "/packages" });
python.runPython('import sys; sys.path.insert(0, "/packages")');
const run = (program) => {
  try {
    return python.runPython(`${program}\nresult`, { globals: python.toPy({ __name__: "program" }) });
  } catch (error) {
    return error.message;
  }
};
for (const [name, program] of JSON.parse(readFileSync(0))) {
  if (name === "with Graphviz") python.registerJsModule("viz_js", await instance());
  else results.push([name, run(program)]);
}
console.log(JSON.stringify(results));
"""
NEURON = """
import sys
from microgradnn import *
from microgradnn import bounds, nn, optim
w, x, b = Value(2.0, "w"), Value(-1.0, "x"), Value(3.0, "b")
f = tanh(w * x + b) ** 2
"""
PROGRAMS = {  # each leaves a text, which is the same here and there
    "steps": "result = str(steps(f))",
    "gradients": "f.backward(); result = f'{w.grad:.12g} {x.grad:.12g} {b.grad:.12g}'",
    "hessian": "result = repr(hessian(lambda x: x[0] ** 2 * x[1])([3.0, 2.0]))",
    "jacobian": "result = repr(jacobian(lambda x: [x[0] * x[1], x[0]])([3.0, 2.0]))",
    "bounds": "result = repr(bounds(w * x + b, {w: (1, 2)})[w])",
    "checks": "result = str(report_grads(lambda a, b: a * b + abs(a), (2.0, 0.5), 2))",
    "latex": "result = to_latex(f)",
    "a network of one's own": """
class Line(nn.Module):
    def __init__(self):
        self.w, self.b = Value(0.0), Value(0.0)
    def forward(self, x):
        return self.w * x[0] + self.b
line, optimizer = Line(), None
optimizer = optim.SGD(line.parameters(), lr=0.1)
for _ in range(200):
    loss = mean([(line([x]) - y) ** 2 for x, y in [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
result = f"{line.w.data:.4f} {line.b.data:.4f} {len(line.parameters())}" """,
    "micrograd": """
import random
from microgradnn.micrograd.nn import MLP
random.seed(0)
net = MLP(2, [3, 1])
out = net([1.0, -2.0])
out.backward()
result = f"{len(net.parameters())} {out.data:.6f} {max([p.grad for p in net.parameters()]):.6f}" """,
}
PICTURES = {  # there by viz.js, here by dot
    "a circuit": "result = draw(f).svg()",
    "downwards": "result = draw(f, direction='down').svg()",
    "ranges": "result = draw(f, ranges={'w': (1, 2)}).svg()",
    "layers, which paint": """
class Layer(nn.Module):
    def __init__(self):
        self.rows = [[Value(0.25 * (i - j)) for i in range(10)] for j in range(10)]
    def forward(self, x):
        return [tanh(dot(row, x)) for row in self.rows]
net = nn.Sequential(Layer(), Layer())
result = draw(mean(net([0.5] * 10))).svg()""",
}
REFUSED = {
    "no Graphviz": ("result = draw(f).svg()", "pyodide.registerJsModule"),
    "png": ("draw(f).save('f.png')", "save the picture as svg"),
    "training by fit": (
        "fit(nn.MLP(2, [1]), 'mse', [[0, 1]], [1], 'sgd', 3)",
        'fit needs NumPy: await micropip.install("numpy")',
    ),
}
NEED_NUMPY = [  # modules, some of whose examples do
    "backprop", "checks", "checks.diagnosis", "compiler*", "course", "hints", "nn.aliases", "nn.embedding",
    "nn.layers", "nn.losses", "nn.module", "optim.optimizer", "plots*", "primitive", "reading", "saving", "training*",
    "watching*",
]  # fmt: skip
SHOW_DRAWN = {"nn.effects", "nn.init"}  # what NumPy draws of a seed, or the shape of it
DOCTESTS = """
import doctest, importlib, json, pkgutil, sys, microgradnn
found = {}
for info in pkgutil.walk_packages(microgradnn.__path__, "microgradnn."):
    name, said = info.name.partition(".")[2], []
    try:
        module = importlib.import_module(info.name)
    except ImportError as error:
        found[name] = [0, str(error)]
        continue
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    for test in doctest.DocTestFinder().find(module):
        runner.run(test, out=said.append)
    found[name] = [runner.tries, "".join(said)]
found[""] = [0, "".join({"numpy", "safetensors", "pygraphviz"} & {*sys.modules})]
result = json.dumps(found)
"""


@pytest.fixture(scope="module")
def there(built, tmp_path_factory):
    """What the programs come to in WebAssembly, in one process."""
    program = tmp_path_factory.mktemp("node") / "programs.mjs"
    program.write_text(NODE.replace("FOLDER", str(built)), encoding="utf-8")
    refused = {name: source for name, (source, _) in REFUSED.items()}
    every = [("no Graphviz", refused.pop("no Graphviz")), ("with Graphviz", "")]
    every += [*PROGRAMS.items(), *PICTURES.items(), *refused.items()]
    every = [(name, NEURON + source) for name, source in every] + [("doctests", DOCTESTS)]
    every += [(name, START + source) for name, source in NETWORKS.items()]
    done = subprocess.run(["node", str(program)], input=json.dumps(every), capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def here(program):
    """What a program comes to in this Python."""
    names = {"__name__": "program"}
    exec(NEURON + program, names)  # noqa: S102  a program of this file
    return names["result"]


@pytest.mark.play
def test_the_examples_of_what_the_page_asks_python_for():
    command = [sys.executable, "-m", "doctest", str(PLAY / "play.py")]
    run = subprocess.run(command, env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{PLAY}"}, capture_output=True)
    assert (run.returncode, run.stdout) == (0, b"")


@pytest.mark.play
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_comes_to_the_same_in_webassembly(there, name):
    assert there[name] == here(PROGRAMS[name])


@pytest.mark.play
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_to_the_same_in_webassembly(there, name):
    assert there[name] == beside(NETWORKS[name])


@pytest.mark.play
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_says_the_same_in_webassembly(there, name):
    drawn = here(PICTURES[name])
    assert written(there[name]) == written(drawn)
    assert ids(there[name]) == ids(drawn)
    assert there[name].count(FONT) == 1


def written(svg):
    return sorted(re.findall("<text[^>]*>([^<]*)<", svg))


def ids(svg):
    return sorted(re.findall(' id="circuit-[0-9a-f]*-([^"]*)"', svg))


@pytest.mark.play
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_missing_in_webassembly_is_named_with_its_remedy(there, name):
    assert REFUSED[name][1] in there[name]


@pytest.mark.play
def test_the_examples_of_the_package_hold_in_webassembly_but_for_those_that_need_numpy(there):
    found = json.loads(there["doctests"])
    assert sum(tries for tries, _ in found.values()) > 400
    failed = {name: said for name, (_, said) in found.items() if said}
    needing = {name for name, said in failed.items() if "No module named 'numpy'" in said}
    rooms = {name: {room for room in NEED_NUMPY if fnmatch(name, room)} for name in needing}
    assert [name for name in needing if not rooms[name]] == []
    assert {*NEED_NUMPY} == set().union(*rooms.values())
    others = failed.keys() - needing
    elsewhere = {"checks.strategies", "extras", "sklearn"}  # hypothesis, an install, scikit-learn
    assert SHOW_DRAWN <= others <= SHOW_DRAWN | elsewhere


# ---- the page, in a browser -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(built):
    with served(built) as address:
        yield address


@pytest.fixture(scope="module")
def opened(chromium, site):
    """The page where Python has come; it fails where another host was asked for anything, or an error was logged."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    asked, errors, ours = [], [], (site, "data:", "blob:")
    context.route(re.compile(f"^(?!{'|'.join(ours)})"), lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: message.type in ("error", "warning") and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(site)
    page.wait_for_selector("html[data-ready]")
    yield page
    page.close()
    assert f"{site}pyodide/pyodide.asm.wasm" in asked  # so it hears the worker too
    assert [url for url in asked if not url.startswith(ours)] == []
    assert errors == []


def settle(page):
    page.wait_for_selector("#figure[aria-busy=false]")


def type_in(page, expression, numbers):
    """Type both fields; Enter draws at once."""
    page.fill("#expression", expression)
    page.fill("#numbers", numbers)
    page.press("#numbers", "Enter")
    settle(page)


def verdict(page):
    page.wait_for_selector("#verdict:not(.stale):not(:empty)")
    return page.inner_text("#verdict")


def said(page):
    return page.inner_text("#message")


def answer(expression, **numbers):
    return Answer(expression, {name: float(number) for name, number in numbers.items()})


def assert_drawn(page, root):
    """Every number in the picture is that of the engine."""
    order = steps(root).order
    assert sorted(texts(page, "value")) == sorted(digits(node.data) for node in order)
    assert sorted(texts(page, "gradient")) == sorted(digits(node.grad) for node in order)


def leaf(page, name):
    return page.locator(f'[role=spinbutton][aria-label="{name}"]')


@pytest.mark.play
@pytest.mark.parametrize(
    ("expression", "numbers"),
    [
        ("(x+y)*z", {"x": -2, "y": 5, "z": -4}), ("1/(1 + exp(-(w*x + b)))", {"w": 2, "x": -1, "b": 3}),
        ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}), ("maximum(x, y)**2", {"x": 1, "y": 1.5}),
        ("x", {"x": 2}),
    ],
)  # fmt: skip
def test_what_is_typed_is_drawn_with_the_numbers_of_the_engine(opened, expression, numbers):
    type_in(opened, expression, " ".join(f"{name}={number}" for name, number in numbers.items()))
    assert_drawn(opened, answer(expression, **numbers).root)
    assert said(opened) == ""
    assert verdict(opened) == "Check: every derivative is right."
    assert opened.locator("#f").is_visible() == ("=" not in expression)


@pytest.mark.play
def test_the_signs_that_the_page_writes_can_be_typed_and_a_pause_draws(opened):
    type_in(opened, "x*y", "x=1 y=1")
    opened.fill("#expression", "x × y − 2")
    opened.fill("#numbers", "x = −2, y = 3")
    opened.wait_for_function("location.hash.includes('%E2%88%922')")
    assert_drawn(opened, answer("x*y - 2", x=-2, y=3).root)


@pytest.mark.play
def test_of_two_circuits_that_are_typed_at_once_the_later_stays_and_learning_takes_nothing_from_it(opened):
    type_in(opened, "(w - y)**2", "w=1 y=9")
    opened.click("[data-steps=go]")
    typing = "field => { field.value = 'w=2 y=9'; field.dispatchEvent(new Event('input')); }"  # at once
    opened.locator("#numbers").evaluate(typing)
    opened.wait_for_timeout(100)  # the weight goes on learning meanwhile
    assert opened.input_value("#numbers") == "w=2 y=9"
    opened.press("#numbers", "Enter")
    type_in(opened, "(w - y)**3", "w=2 y=3")
    assert_drawn(opened, answer("(w - y)**3", w=2, y=3).root)


@pytest.mark.play
@pytest.mark.parametrize(
    ("expression", "numbers", "sentence", "field"),
    [
        ("tanh(x", "x=2", "Column 5: syntax error at '(x' ('(' was never closed).", "expression"),
        ("2x", "x=2", "Column 1: syntax error at '2x' (a product needs its *, as in 2*x).", "expression"),
        ("", "x=2", "The expression is empty.", "expression"),
        ("sigmod(x)", "x=2", "Column 1: there is no function sigmod: did you mean sigmoid or sign?", "expression"),
        ("1/(1+e**-x)", "x=1", "Column 6: there is no value for e: for eˣ write exp(x).", "expression"),
        ("g(x)", "x=2", "Column 1: there is no function g: those that are known stand below.", "expression"),
        ("1/x", "x=0", "Column 2: divide(1.0, x=0.0): division by zero.", "expression"),
        ("x*y", "x=2 y", "'y' is not a value: write NAME=NUMBER.", "numbers"),
        ("x*y", "x=2 y=two", "y=two: 'two' is not a number.", "numbers"),
        ("x*y", "x=2", "Column 3: there is no value for y: add y=NUMBER.", "numbers"),
        ("x", "x=2 y=3", "y has a value, but the expression does not use it.", "numbers"),
        ("+".join(["x"] * 301), "x=1", "The circuit has 301 nodes, and this page draws 300 at most", "expression"),
        ("x" + " " * 1000, "x=1", "The expression has 1001 characters, and this page reads 1000 at most", "expression"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_sentence_and_nothing_is_half_drawn(opened, expression, numbers, sentence, field):
    type_in(opened, "x*y", "x=2 y=3")
    before = opened.inner_html("#figure svg.microgradnn")
    type_in(opened, expression, numbers)
    assert said(opened).startswith(sentence)
    assert "?." not in said(opened)
    assert opened.locator("#message button").count() == (sentence.endswith((" does not use it.", "add y=NUMBER.")))
    assert opened.locator("[aria-invalid]").get_attribute("id") == field
    assert opened.inner_html("#figure svg.microgradnn") == before
    assert opened.locator("#work").evaluate("work => work.inert")
    type_in(opened, "x*y", "x=2 y=3")
    assert said(opened) == ""
    assert not opened.locator("#work").evaluate("work => work.inert")
    assert opened.locator("[aria-invalid]").count() == 0


@pytest.mark.play
def test_numbers_that_fit_are_at_hand(opened):
    type_in(opened, "x*y", "x=2.50 y=3")
    type_in(opened, "x + a*b", "x=2.50 y=3")
    opened.click("text=Take x=2.50 a=1 b=1")
    settle(opened)
    assert opened.input_value("#numbers") == "x=2.50 a=1 b=1"
    assert_drawn(opened, answer("x + a*b", x=2.5, a=1, b=1).root)


@pytest.mark.play
def test_a_kink_is_named(opened):
    type_in(opened, "abs(x)", "x=0")
    assert verdict(opened).startswith("Check: the derivative by x = 0.0 is at a kink: the slope is −1 on its left")
    type_in(opened, "sqrt(x)", "x=0")
    assert verdict(opened) == "Check: the derivative by x = 0.0 does not exist: f has no value on its left."
    assert opened.locator("#verdict.open").count() == 1
    type_in(opened, "a*relu(x) + abs(b)", "a=1 x=0 b=0")
    assert verdict(opened).endswith("the rules say 0.0 (and 1 more like it).")


@pytest.mark.play
def test_a_leaf_that_is_nudged_or_dragged_takes_numbers_verdict_and_link_along(opened):
    type_in(opened, "maximum(x*y, 0)", "x=1 y=0.20")
    leaf(opened, "x").focus()
    opened.keyboard.press("ArrowDown")
    assert_drawn(opened, answer("maximum(x*y, 0)", x=0.9, y=0.2).root)
    assert opened.input_value("#numbers") == "x=0.9 y=0.20"
    opened.keyboard.type("0")
    opened.keyboard.press("Enter")
    assert "at a kink" in verdict(opened)
    assert urllib.parse.parse_qs(opened.url.partition("#")[2])["with"] == ["x=0 y=0.20"]
    box = leaf(opened, "y").bounding_box()
    opened.mouse.move(box["x"] + 20, box["y"] + 8)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 60, box["y"] + 8, steps=4)
    opened.mouse.up()
    assert opened.input_value("#numbers") == "x=0 y=1.2"
    assert_drawn(opened, answer("maximum(x*y, 0)", x=0, y=1.2).root)


@pytest.mark.play
def test_the_circuit_is_stepped_through(opened):
    type_in(opened, "(x+y)*z", "x=-2 y=5 z=-4")
    walked = steps(answer("(x+y)*z", x=-2, y=5, z=-4).root)
    opened.click("button[data-move=first]")
    for step in walked:
        assert opened.inner_text(".words") == step.sentence
        opened.keyboard.press("ArrowRight")


@pytest.mark.play
def test_downhill_those_learn_that_are_named_like_weights_or_chosen(opened):
    expression, numbers = "(tanh(w*x + b) - y)**2", {"w": 2, "x": -1, "b": 3, "y": 0}
    type_in(opened, expression, "w=2 x=-1 b=3 y=0")
    boxes = opened.locator("#names input")
    assert boxes.evaluate_all("all => all.map(box => [box.value, box.checked])") == [
        ["w", True], ["x", False], ["b", True], ["y", False]
    ]  # fmt: skip
    opened.click("[data-steps='100']")
    assert opened.inner_text(".words").startswith("After 100 steps f = ")
    for _ in range(100):
        inputs = answer(expression, **numbers).inputs
        numbers |= {name: numbers[name] - 0.1 * inputs[name].grad for name in "wb"}
    shown = dict(word.split("=") for word in opened.input_value("#numbers").split())
    assert {name: float(text) for name, text in shown.items()} == pytest.approx(numbers, rel=1e-9)
    assert all(len(re.sub("[-.]|e.*", "", text).lstrip("0")) <= 10 for text in shown.values())
    type_in(opened, expression, "w=2 x=-1 b=3 y=0")  # from where there is a slope
    shown = {"w": "2", "x": "-1", "b": "3", "y": "0"}
    boxes.nth(0).uncheck()
    boxes.nth(2).uncheck()
    boxes.nth(1).check()
    settle(opened)
    opened.wait_for_function("document.querySelectorAll('[data-steps]').length === 3")
    opened.click("[data-steps='1']")
    now = dict(word.split("=") for word in opened.input_value("#numbers").split())
    assert [name for name in now if float(now[name]) != float(shown[name])] == ["x"]
    opened.wait_for_function("location.hash.includes('learn=x')")
    boxes.nth(1).uncheck()
    opened.wait_for_function("document.querySelectorAll('[data-steps]').length === 0")


@pytest.mark.play
def test_other_names_learn_by_what_they_are_called_again(opened):
    checked = "all => all.filter(box => box.checked).map(box => box.value)"
    boxes = opened.locator("#names input")
    opened.click("text=a narrow valley")
    opened.wait_for_function("document.querySelector('#names [value=x]:checked')")
    settle(opened)
    type_in(opened, "(1 - x)**2 + (y - x)**2", "y=1 x=-1")
    assert boxes.evaluate_all(checked) == ["y", "x"]
    type_in(opened, "(relu(w*x + b) - y)**2", "w=1 x=2 b=1 y=0")
    assert boxes.evaluate_all(checked) == ["w", "b"]
    boxes.nth(0).uncheck()
    boxes.nth(2).uncheck()
    opened.wait_for_function("location.hash.endsWith('learn=')")
    opened.evaluate("dispatchEvent(new Event('hashchange'))")  # as the link does elsewhere
    settle(opened)
    assert boxes.evaluate_all(checked) == []
    type_in(opened, "w*x", "w=1 x=2")
    assert "learn" not in opened.url


@pytest.mark.play
def test_link_and_verdict_are_those_of_the_circuit_that_is_drawn(opened):
    opened.fill("#expression", "sin(x)*y")
    opened.fill("#numbers", "x=2 y=3")
    opened.evaluate("""
        document.querySelector("#numbers").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
        document.querySelector("#expression").value = "2x+1"; // before Python answers
    """)
    opened.wait_for_function("document.querySelector('#message').textContent || location.hash.includes('with=x%3D2+y')")
    assert urllib.parse.parse_qs(opened.url.partition("#")[2])["f"] == ["sin(x)*y"]
    assert verdict(opened) == "Check: every derivative is right."
    with opened.expect_download() as download:
        opened.click("#svg")
    assert "sin" in Path(download.value.path()).read_text(encoding="utf-8")
    assert opened.locator("#figure").get_attribute("aria-busy") == "true"  # it is not that of the fields


@pytest.mark.play
def test_the_link_carries_the_circuit_and_files_keep_it(opened):
    type_in(opened, "(a*b + c)**2", "a=1 b=2 c=-3")
    leaf(opened, "c").focus()
    opened.keyboard.press("ArrowUp")
    opened.click("#copy")
    opened.wait_for_selector("text=The link is copied.")
    link = opened.evaluate("navigator.clipboard.readText()")
    root = answer("(a*b + c)**2", a=1, b=2, c=-2.9).root
    for button, ending in (("#svg", ".svg"), ("#html", ".html")):
        with opened.expect_download() as download:
            opened.click(button)
        assert download.value.suggested_filename == f"circuit{ending}"
        kept = Path(download.value.path()).read_text(encoding="utf-8")
        assert kept.startswith({".svg": "<svg ", ".html": "<!DOCTYPE html>"}[ending])
        if ending == ".svg":
            assert written(kept) == written(draw(root).svg())
    opened.goto("about:blank")
    opened.goto(link)
    assert opened.locator("#figure svg.microgradnn").is_hidden()  # which is the first circuit
    assert opened.input_value("#expression") == "(a*b + c)**2"
    assert opened.input_value("#numbers") == "a=1 b=2 c=-2.9"
    settle(opened)
    assert_drawn(opened, root)
    assert opened.locator("#names input:checked").count() == 1


@pytest.mark.play
def test_every_example_is_drawn_and_fits_a_phone(opened):
    hidden = "document.querySelector('#figure [data-steps]') === null"
    for example in opened.locator("nav a").all():
        wanted = urllib.parse.parse_qs(example.get_attribute("href")[1:])
        example.click()
        opened.wait_for_function("f => document.querySelector('#expression').value === f", arg=wanted["f"][0])
        settle(opened)
        numbers = {name: float(text) for name, text in (word.split("=") for word in wanted["with"][0].split())}
        opened.set_viewport_size({"width": 390, "height": 800})
        assert_drawn(opened, answer(wanted["f"][0], **numbers).root)
        assert verdict(opened) == "Check: every derivative is right."
        assert opened.evaluate("document.documentElement.scrollWidth") == 390
        learns = "learn" in wanted or any(name[0] in "wb" for name in numbers)
        assert opened.evaluate(hidden) is not learns
        opened.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.play
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_anybody(opened, scheme):
    """axe-core finds no violation, in a circuit and beside an error."""
    axe = resolved("axe-core")
    opened.emulate_media(color_scheme=scheme)
    opened.add_script_tag(path=axe)
    for numbers in ("w=2 x=-1 b=3 y=0", "w=2 x=-1"):
        type_in(opened, "(tanh(w*x + b) - y)**2", numbers)
        opened.wait_for_timeout(200)  # of fading in
        found = opened.evaluate("axe.run().then((results) => results.violations)")
        assert [(each["id"], [node["html"][:90] for node in each["nodes"]]) for each in found] == []


@pytest.mark.play
def test_the_first_circuit_needs_no_python_and_what_does_not_load_is_said(chromium, site):
    page = chromium.new_page()
    page.route("**/pyodide/**", lambda route: route.abort())
    page.goto(site)
    assert_drawn(page, answer("(tanh(w*x + b) - y)**2", w=2, x=-1, b=3, y=0).root)
    page.wait_for_selector("#message:not(:empty)")
    assert re.fullmatch(r"Python could not be loaded: .*\. Load the page anew\. ?", said(page))
    assert not page.locator("#loading").is_visible()
    page.close()

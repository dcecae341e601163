"""The stepper clicked through in headless Chromium: a saved page, and a real JupyterLab."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from microgradnn import Value, draw, steps
from tests.test_drawing import neuron, xyz


@pytest.fixture
def page(chromium, request):
    """An empty page; the test fails on any script error."""
    page = chromium.new_page(color_scheme=getattr(request, "param", "light"), viewport={"width": 1200, "height": 600})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert not errors


def texts(page, role):
    """The texts of one role on the wires that are not blank, in the order of the picture."""
    found = page.locator(f".microgradnn-live .wire .{role}").all_text_contents()
    return [text.strip() for text in found if text.strip()]


def highlighted(page):
    return [
        name.split("-", 2)[2] for name in page.eval_on_selector_all(".forward, .backward", "all => all.map(e => e.id)")
    ]


@pytest.mark.browser
def test_walking_through_the_circuit_of_note_000(page, tmp_path):
    walked = steps(xyz())
    walked.save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    sentence, following = page.locator(".words"), page.locator("button[data-move=next]")
    assert "Drag a number" in sentence.inner_text()
    assert not following.is_enabled()  # it opens at the end, all numbers in sight
    page.click("button[data-move=first]")
    shown = []
    for step in walked:
        assert sentence.inner_text() == step.sentence
        shown.append((len(texts(page, "value")), sorted(texts(page, "gradient"))))
        if following.is_enabled():
            following.click()
    assert shown == [
        (4, []), (5, []), (5, ["1"]), (5, ["1", "−4"]), (5, ["1", "3", "−4"]), (5, ["1", "3", "−4", "−4"]),
        (5, ["1", "3", "−4", "−4", "−4"]),
    ]  # fmt: skip
    assert not following.is_enabled()


@pytest.mark.browser
def test_keyboard_slider_and_live_region(page, tmp_path):
    steps(neuron()).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    page.keyboard.press("Tab")
    counts = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft"):
        page.keyboard.press(key)
        counts.append(page.inner_text(".count"))
    assert counts == ["1/21", "2/21", "3/21", "2/21", "21/21", "21/21", "1/21", "1/21"]
    page.click("button[data-move=last]")  # which is disabled now, and yet the keys go on
    page.keyboard.press("ArrowLeft")
    assert page.inner_text(".count") == "20/21"
    page.locator("input[type=range]").fill("11")
    assert page.inner_text(".words") == "∂f/∂u5 += ∂f/∂u6 · ∂u6/∂u5 = (−0.5344) × 0.3679 = −0.1966"
    assert page.get_attribute(".sentence", "aria-live") == "polite"
    assert page.get_attribute("input[type=range]", "aria-valuetext") == page.inner_text(".words")


@pytest.mark.browser
def test_gate_and_edge_are_highlighted_also_where_a_value_is_used_twice(page, tmp_path):
    x = Value(0.0, "x")
    steps(x * x).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    assert highlighted(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert sorted(highlighted(page)) == ["e1-0", "e1-1", "g1", "o1", "w1"]
    seen = []
    for _ in range(3):
        page.keyboard.press("ArrowRight")
        seen.append(sorted(highlighted(page)))
    assert seen == [["g1", "o1", "w1"], ["e1-0", "g1", "w0"], ["e1-1", "g1", "w0"]]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("page", "colour"), [("light", "rgb(0, 122, 90)"), ("dark", "rgb(86, 212, 160)")], indirect=["page"]
)
def test_the_colours_follow_the_theme(page, colour, tmp_path):
    f = xyz()
    draw(f).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    assert page.eval_on_selector(".microgradnn-live .value", "e => getComputedStyle(e).fill") == colour
    draw(f).save(tmp_path / "f.svg")
    page.goto((tmp_path / "f.svg").as_uri())
    assert page.eval_on_selector(".value", "e => getComputedStyle(e).fill") == colour


@pytest.mark.browser
def test_without_scripts_the_still_picture_remains(chromium, tmp_path):
    steps(xyz()).save(tmp_path / "f.html")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "f.html").as_uri())
    assert page.locator("img").bounding_box()["width"] > 200
    assert page.locator("button, input").count() == 0
    assert "f = -12.0" in page.locator("img").get_attribute("alt")
    context.close()


@pytest.mark.browser
def test_a_leaf_that_is_drawn_again_follows_its_first_place(page, tmp_path):
    x = Value(0.5, "x")
    steps(x * x * x * x * x * x).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    copies = page.locator(".copy-of-w0 .value")
    assert copies.all_text_contents() == ["0.5"] * 4
    page.locator(".leaf").focus()
    page.keyboard.press("ArrowUp")
    assert copies.all_text_contents() == ["0.6"] * 4


@pytest.mark.browser
@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("direction", ["right", "down"])
def test_print_hides_the_controls_and_cuts_nothing(page, direction, tmp_path):
    draw(neuron(), direction=direction).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    box = page.locator("svg.microgradnn").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 720
    assert box["height"] <= 950
    assert page.locator(".picture").bounding_box()["height"] >= box["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.eval_on_selector(".microgradnn-live .value", "e => getComputedStyle(e).fill") == "rgb(0, 122, 90)"
    assert page.eval_on_selector(".microgradnn-stepper", "e => getComputedStyle(e).color") == "rgb(0, 0, 0)"


# ---- JupyterLab --------------------------------------------------------------------------------------------

CELLS = [
    'from microgradnn import Value, steps\nx, y, z = Value(-2, "x"), Value(5, "y"), Value(-4, "z")\n'
    "f = (x + y) * z\nf.backward()\nf",
    "steps(f)",
]


@pytest.fixture(scope="module", params=["light", "dark"])
def jupyterlab(request, tmp_path_factory):
    """A JupyterLab of its own with one executed notebook that it has no reason to trust; yields address and theme."""
    import nbformat
    from nbclient import NotebookClient

    home = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, kernel_name="python3").execute()
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (home / "work").mkdir()
    nbformat.write(notebook, home / "work" / "circuit.ipynb")
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    theme = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[request.param]
    (settings / "themes.jupyterlab-settings").write_text(f'{{"theme": "{theme}"}}')
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTERLAB_SETTINGS_DIR": "settings"}
    places |= {"JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTER_RUNTIME_DIR": "runtime", "HOME": "."}
    with open(home / "log", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
             "--IdentityProvider.token=", f"--ServerApp.root_dir={home / 'work'}"],
            env={**os.environ, **{key: str(home / value) for key, value in places.items()}}, stdout=log, stderr=log,
        )  # fmt: skip
    for _ in range(200):
        try:  # it takes a port that is free, whoever else runs beside it, and writes down which
            [found] = (home / "runtime").glob("jpserver-*.json")
            address = json.loads(found.read_text(encoding="utf-8"))["url"]
            urllib.request.urlopen(f"{address}api", timeout=1)
            break
        except (ValueError, urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
    yield f"{address}lab/tree/circuit.ipynb", request.param
    server.terminate()
    server.wait(20)


@pytest.mark.lab
def test_in_jupyterlab(jupyterlab, page):
    address, theme = jupyterlab
    page.goto(address)
    # An untrusted notebook shows the still pictures and nothing that does not work.
    page.wait_for_function("document.querySelectorAll('.jp-OutputArea-output img').length >= 2", timeout=60_000)
    assert page.locator(".jp-OutputArea-output img").count() == 2
    assert page.locator(".microgradnn-live, .jp-OutputArea-output button, .jp-OutputArea-output input").count() == 0

    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]', timeout=60_000)
    live = page.locator(".jp-OutputArea-output .microgradnn-live")
    for _ in range(20):  # JupyterLab may call itself idle before its kernel listens
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        page.wait_for_timeout(3_000)
        for answer in page.locator(".jp-Dialog .jp-mod-accept").all():  # on a busy machine it asks for a kernel
            answer.click()
        if live.count():
            break
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".jp-OutputArea-output .controls", timeout=60_000)
    expected = [step.sentence for step in steps(xyz())]
    expected = [sentence.replace("q", "u1") for sentence in expected]
    words = page.locator(".words")
    assert "Drag a number" in words.inner_text()
    page.click("button[data-move=first]")
    assert words.inner_text() == expected[0]
    page.click("button[data-move=next]")  # by mouse
    assert words.inner_text() == expected[1]
    for key, place in [("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", 6), ("Home", 0)]:  # by keyboard
        page.keyboard.press(key)
        assert words.inner_text() == expected[place]
    colour = {"light": "rgb(0, 122, 90)", "dark": "rgb(86, 212, 160)"}[theme]
    assert page.eval_on_selector(".microgradnn-live .value", "e => getComputedStyle(e).fill") == colour
    assert page.locator(".jp-OutputArea-output .microgradnn-live svg.microgradnn").count() == 2
    assert_keys_stay_in_the_piece(page)


def state_of_the_notebook(page):
    """Its cells with their sources, which of them are selected, and whether keys edit or command."""
    return page.evaluate("""() => {
      const has = (cell) => (name) => cell.classList.contains(name), notebook = document.querySelector(".jp-Notebook");
      const cells = [...notebook.querySelectorAll(".jp-Cell")].map((cell) => [cell.className.match(/jp-\\w+Cell/)[0],
        cell.querySelector(".cm-content")?.innerText.trim(), ...["jp-mod-selected", "jp-mod-active"].map(has(cell))]);
      return [...cells, has(notebook)("jp-mod-editMode")];
    }""")


def assert_keys_stay_in_the_piece(page):
    """Keys that are commands to a notebook, pressed on a leaf, in its field, on the slider and on the piece itself."""
    commands = ["a", "b", "d", "d", "x", "c", "v", "z", "m", "y", "o", "j", "k", "1", "Shift+ArrowDown", "Shift+m"]
    leaf = page.locator("[role=spinbutton][aria-label=x]")
    leaf.locator(".value").click()
    before = state_of_the_notebook(page)
    assert len(before) >= 3
    for key in ["ArrowUp", "ArrowDown", "Enter", "Escape", "PageUp", "PageDown", *commands[:-3], "Shift+Enter"]:
        page.keyboard.press(key)
    assert page.locator(".field").count() == 0
    assert leaf.get_attribute("aria-valuenow") == "-2"
    for last in ("Escape", "Enter"):
        for key in ["2", "-", *commands, "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "Backspace"]:
            page.keyboard.press(key)
        assert page.locator(".field").count() == 1
        page.keyboard.press(last)
    assert "is not a number" in page.inner_text(".words")
    page.keyboard.type("2.5")
    page.keyboard.press("Enter")
    assert leaf.get_attribute("aria-valuenow") == "2.5"
    for part in (".controls input", "button[data-move=previous]", ".microgradnn-stepper:has(.controls)"):
        page.focus(part)
        for key in [*commands, "Enter", "Escape", "ArrowUp", "ArrowDown"]:
            page.keyboard.press(key)
    page.wait_for_timeout(500)
    assert state_of_the_notebook(page) == before

"""The explorable circuit in headless Chromium: every leaf changes by mouse, finger, keys and typing, all follows."""

import math
import re
import subprocess

import pytest

from microgradnn import Value, draw, exp, log, mean, relu, steps
from microgradnn.drawing.live import LIVE
from microgradnn.drawing.page import document, steps_piece
from microgradnn.notation import digits
from microgradnn.primitive import primitive
from microgradnn.stepping import Steps
from tests.test_drawing import neuron, xyz
from tests.test_stepper import page as page, texts

pytestmark = pytest.mark.browser


@pytest.fixture
def shown(page, tmp_path):
    """A page in the browser that shows these pieces."""

    def show(*roots):
        content = "\n".join(steps_piece(root if isinstance(root, Steps) else steps(root)) for root in roots)
        (tmp_path / "f.html").write_text(document("Steps", content), encoding="utf-8")
        page.goto((tmp_path / "f.html").as_uri())
        return page

    return show


def leaf(page, name):
    return page.locator(f'[role=spinbutton][aria-label="{name}"]')


def at(name, x):
    """The neuron of the notes, with one of its leaves at another number, swept."""
    f = neuron()
    {node.name: node for node in steps(f).order}[name].data = x
    f.forward()
    f.backward()
    return f


def assert_shows(page, f):
    """Every number in the picture, and of every leaf what a screen reader says, is that of `f`."""
    order = steps(f).order
    assert sorted(texts(page, "value")) == sorted(digits(node.data) for node in order)
    assert sorted(texts(page, "gradient")) == sorted(digits(node.grad) for node in order)
    for node in order:
        if node.primitive is None:
            said = leaf(page, node.name)
            assert said.get_attribute("aria-valuetext") == f"{digits(node.data)}, gradient {digits(node.grad)}"
            assert float(said.get_attribute("aria-valuenow")) == node.data


def test_keys_nudge_a_leaf_and_everything_follows(shown):
    page = shown(neuron())
    assert [each.get_attribute("aria-label") for each in page.locator("[role=spinbutton]").all()] == [
        "w0", "x0", "w1", "x1", "w2"
    ]  # fmt: skip
    leaf(page, "w0").focus()
    for key, x in [
        ("ArrowUp", 2.1),
        ("Shift+ArrowUp", 2.11),
        ("PageUp", 3.11),
        ("ArrowDown", 3.01),
        ("PageDown", 2.01),
    ]:
        page.keyboard.press(key)
        assert_shows(page, at("w0", x))
    assert page.inner_text(".count") == ""


def test_the_sentence_compares_the_change_with_what_the_gradient_foretold(shown):
    page = shown(neuron())
    leaf(page, "w0").focus()
    page.keyboard.type("3.5")
    page.keyboard.press("Enter")
    assert page.inner_text(".words") == (
        "w0 = 2 + 1.5: f changes by −0.3535; gradient × change = (−0.1966) × 1.5 = −0.2949"
    )
    assert page.locator(".chart svg").get_attribute("aria-label") == "f against w0, slope −0.235"
    leaf(page, "x0").focus()
    page.keyboard.press("ArrowDown")  # counted from where w0 stands now
    assert page.inner_text(".words").startswith("x0 = −1 − 0.1: f changes by ")


@pytest.mark.parametrize(
    ("typed", "result"),
    [("-2", -2.0), (".5", 0.5), ("1e-3", 1e-3), ("+4", 4.0), ("7\b", 2.0), ("1e400", "too large"),
     ("3x", "is not a number"), ("1,5", 1.5), ("-1e−3", -1e-3), ("--1", "is not a number"),
     ("0x10", "is not a number")],
)  # fmt: skip
def test_a_number_is_typed_over_a_leaf(typed, result, shown):
    page = shown(neuron())
    leaf(page, "w0").focus()
    for character in typed:
        page.keyboard.press("Backspace") if character == "\b" else page.keyboard.type(character)
    page.keyboard.press("Enter")
    assert page.locator(".field").count() == 0
    if isinstance(result, str):
        assert result in page.inner_text(".words")
    assert_shows(page, at("w0", result if isinstance(result, float) else 2.0))


def test_a_number_copied_from_the_picture_has_a_true_minus(shown):
    page = shown(neuron())
    leaf(page, "w0").dblclick()
    page.fill(".field", " −0.1966 ")
    page.keyboard.press("Enter")
    assert_shows(page, at("w0", -0.1966))


def test_a_number_that_outgrows_its_wire_is_squeezed_until_a_short_one_comes(shown):
    page = shown(xyz())
    label, wire = (leaf(page, "z").locator(part) for part in (".value", "polygon, path"))
    for typed, squeezed in [("-1.234e-100", True), ("-1.235e-100", True), ("2", False)]:
        leaf(page, "z").focus()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        assert (label.get_attribute("textLength") is not None) is squeezed
        text, line = (part.first.bounding_box() for part in (label, wire))
        assert text["x"] + text["width"] <= line["x"] + line["width"] + 6


def test_escape_leaves_a_leaf_as_it_was_and_the_keys_go_on(shown):
    page = shown(neuron())
    leaf(page, "w0").focus()
    page.keyboard.type("9")
    page.keyboard.press("Escape")
    assert_shows(page, at("w0", 2.0))
    page.keyboard.press("ArrowUp")
    assert_shows(page, at("w0", 2.1))


def test_a_leaf_is_dragged_by_mouse(shown):
    page = shown(neuron())
    box = leaf(page, "w0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=4)
    page.mouse.up()
    assert_shows(page, at("w0", 2.5))
    page.mouse.move(x + 60, y)  # let go
    assert_shows(page, at("w0", 2.5))


def test_a_leaf_is_dragged_by_a_finger_and_the_page_stays(chromium, tmp_path):
    context = chromium.new_context(has_touch=True, viewport={"width": 390, "height": 700})
    page = context.new_page()
    steps(neuron()).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    box = leaf(page, "w0").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger = context.new_cdp_session(page)
    for kind, to in [("touchStart", x), ("touchMove", x + 10), ("touchMove", x + 20), ("touchEnd", None)]:
        points = [] if to is None else [{"x": to, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert_shows(page, at("w0", 2.5))
    assert page.evaluate("document.querySelector('.picture').scrollLeft") == 0
    context.close()


def test_a_tap_opens_the_field_of_a_leaf(chromium, tmp_path):
    context = chromium.new_context(has_touch=True, viewport={"width": 390, "height": 700})
    page = context.new_page()
    steps(neuron()).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    leaf(page, "w0").tap()
    assert page.locator(".field").input_value() == "2"
    page.locator(".field").fill("2,5")
    page.keyboard.press("Enter")
    assert_shows(page, at("w0", 2.5))
    context.close()


def test_what_is_told_beside_the_drawing_is_not_of_other_numbers(shown):
    page = shown(neuron())
    tooltips = page.locator("svg.microgradnn title").all_text_contents()
    assert {"w0", "u1 = w0 × x0", "Circuit of f"} <= {*tooltips}
    assert not [text for text in tooltips if "∂" in text or re.fullmatch(r".* = −?[\d.]+", text)]
    assert page.locator("svg.microgradnn desc").text_content().endswith("the gradient below it")
    assert page.locator(".microgradnn-stepper").get_attribute("aria-label") == "Circuit of f"


def test_a_change_pauses_the_play_and_keeps_its_sentence(shown):
    page = shown(neuron())
    page.click("[data-move=play]")
    leaf(page, "w0").focus()
    page.keyboard.press("ArrowUp")
    assert page.locator(".playing").count() == 0
    page.wait_for_timeout(900)
    assert page.inner_text(".words").startswith("w0 = 2 + 0.1: f changes by")


def test_a_typed_number_is_compared_with_the_last_one(shown):
    page = shown(neuron())
    leaf(page, "w0").focus()
    for number in ("3", "4"):
        page.keyboard.type(number)
        page.keyboard.press("Enter")
    assert page.inner_text(".words").startswith("w0 = 3 + 1: f changes by")


def test_numbers_without_neighbours_are_typed(shown):
    page = shown(steps(Value(math.inf, "a") * Value(1e-5, "b")))
    leaf(page, "a").focus()
    page.keyboard.press("ArrowDown")
    assert page.inner_text(".words") == "a = ∞ has no neighbours: type a number"
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    assert page.inner_text(".words") == "a = 2"
    page.keyboard.press("ArrowUp")
    assert leaf(page, "a").get_attribute("aria-valuenow") == "2.1"
    leaf(page, "b").focus()
    page.keyboard.press("ArrowUp")
    assert leaf(page, "b").get_attribute("aria-valuenow") == "0.000011"


@pytest.mark.parametrize(
    ("root", "name", "typed", "back", "words"),
    [
        (lambda: log(Value(1.0, "x")), "x", "-1", "1", "log(−1) has no value: nan stands for it"),
        (lambda: log(Value(1.0, "x")), "x", "0", "1", "log(0) is beyond every float: −∞ stands for it"),
        (lambda: 1 / (Value(1.0, "x") - 3.0), "x", "3", "1", "1 / 0 is beyond every float: ∞ stands for it"),
        (lambda: Value(8.0, "x") ** 0.5, "x", "-8", "8", "(−8) ** 0.5 has no value: nan stands for it"),
        (neuron, "w0", "1000", "2", "exp(997) is beyond every float: ∞ stands for it"),
    ],
)
def test_the_sentence_names_the_gate_at_which_numbers_end(root, name, typed, back, words, shown):
    page = shown(root())
    leaf(page, name).focus()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    assert page.inner_text(".words") == f"{name} = {digits(float(typed))}: {words}"
    page.keyboard.type(back)
    page.keyboard.press("Enter")
    assert re.match(rf"{name} = \S+", page.inner_text(".words"))
    assert "nan" not in page.inner_text(".words")  # nothing was foretold there


def test_the_descent_starts_anew_where_a_leaf_is_changed(shown):
    w = Value(2.0, "w")
    page = shown(steps((w - 1.0) ** 2, weights=[w]))
    page.click("[data-steps='100']")
    leaf(page, "w").focus()
    page.keyboard.press("ArrowUp")
    page.click("[data-steps='1']")
    assert page.inner_text(".words").startswith("After 1 step f =")


def test_steps_follow_the_new_numbers_and_reset_brings_the_first_ones_back(shown):
    x = Value(2.0, "x")
    page = shown(relu(x) * 3)
    page.click("button[data-move=first]")
    leaf(page, "x").focus()
    page.keyboard.type("-1")
    page.keyboard.press("Enter")
    page.keyboard.press("Home")
    sentences = [step.sentence for step in steps(relu(Value(-1.0, "x")) * 3)]
    for sentence in sentences:
        assert page.inner_text(".words") == sentence
        page.keyboard.press("ArrowRight")
    assert sentences[-1].endswith("not taken")
    page.click("button[data-move=reset]")
    assert leaf(page, "x").get_attribute("aria-valuetext") == "2, gradient 3"
    assert "Drag a number" in page.inner_text(".words")


def test_a_click_on_a_gate_goes_to_its_step_forward_and_backward(shown):
    page = shown(xyz())
    page.click("button[data-move=first]")
    page.locator(".gate").nth(1).click()
    assert page.inner_text(".words") == "f = q × z = 3 × (−4) = −12"
    page.keyboard.press("End")
    page.locator(".gate").first.click()
    assert page.inner_text(".words") == "∂f/∂x += ∂f/∂q · ∂q/∂x = (−4) × 1 = −4"
    assert page.locator(".local").inner_html() == "×1"


def test_the_factor_of_a_step_keeps_apart_from_the_value_of_its_wire(shown):
    page = shown(neuron())
    for typed, raised in [("4", False), ("4.2", True), ("-1234.5678", True)]:
        leaf(page, "w0").focus()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        page.locator("input[type=range]").fill("12")
        assert page.inner_text(".words").startswith("∂f/∂u4")
        factor = page.locator(".local").bounding_box()
        values = [value.bounding_box() for value in page.locator(".wire .value").all()]
        row = [
            box
            for box in values
            if box["y"] < factor["y"] + factor["height"] and factor["y"] < box["y"] + box["height"]
        ]
        assert all(box["x"] + box["width"] + 4 < factor["x"] or factor["x"] + factor["width"] < box["x"] for box in row)
        wire = page.locator(".wire").filter(has_text="u4 =").locator(".value").bounding_box()
        assert (factor["y"] + factor["height"] <= wire["y"]) is raised


def test_play_walks_through_all_steps_and_stops(shown):
    page = shown(xyz())
    page.click("button[data-move=play]")
    page.wait_for_function("document.querySelector('.count').textContent === '7/7'", timeout=15_000)
    page.wait_for_function("!document.querySelector('.playing')")


IN_SIGHT = """() => {
    const box = (name) => document.querySelector(name).getBoundingClientRect();
    const frame = box(".picture"), gate = box(".gate:is(.forward, .backward)");
    return frame.left <= gate.left && gate.right <= frame.right && frame.top <= gate.top && gate.bottom <= frame.bottom;
}"""


def test_the_picture_follows_the_active_gate(page, tmp_path):
    f = Value(0.5, "x")
    for _ in range(40):
        f = exp(-f)
    page.set_viewport_size({"width": 700, "height": 500})
    steps(f).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    for number in ("79", "0"):  # the last gate, the first one
        page.locator("input[type=range]").fill(number)
        page.wait_for_function(IN_SIGHT)


def test_names_and_numbers_of_any_kind_leave_the_page_whole(shown):
    name = "<!--<script>&\"'</script>"
    page = shown(Value(2.0, name) * 3)
    assert page.locator("[role=spinbutton]").get_attribute("aria-label") == name
    page.locator("[role=spinbutton]").focus()
    page.keyboard.press("ArrowUp")
    assert page.locator(".chart svg").get_attribute("aria-label").startswith(f"f against {name}, ")


def test_a_long_descent_stays_responsive(shown):
    w = Value(2.0, "w")
    page = shown(steps((w - 1.0) ** 2, weights=[w]))
    page.fill(".descent input", "1e-6")
    page.evaluate("for (let n = 0; n < 1500; n += 1) document.querySelector('[data-steps=\"100\"]').click()")
    assert page.inner_text(".words").startswith("After 150000 steps")


def test_downhill_pauses_after_ten_thousand_steps(shown):
    w = Value(2.0, "w")
    page = shown(steps((w - 1.0) ** 2 + 1.0, weights=[w]))
    page.fill(".descent input", "1e-5")
    page.evaluate("for (let n = 0; n < 99; n += 1) document.querySelector('[data-steps=\"100\"]').click()")
    page.click("[data-steps=go]")
    page.wait_for_function("document.querySelector('[data-steps=go]').getAttribute('aria-pressed') === 'false'")
    f = 1 + (1 - 2e-5) ** 20_000
    assert page.inner_text(".words").startswith(f"After 10000 steps f = {digits(f, 7)};")
    page.click("[data-steps=go]")  # and goes on
    page.wait_for_function("!document.querySelector('.words').textContent.startsWith('After 10000 ')")


def test_two_pieces_on_one_page_keep_their_numbers(shown):
    page = shown(xyz(), neuron())
    leaf(page, "w0").focus()
    page.keyboard.press("PageUp")
    assert leaf(page, "x").get_attribute("aria-valuetext") == "−2, gradient −4"
    assert leaf(page, "w0").get_attribute("aria-valuenow") == "3"
    assert page.locator(".controls").count() == 2


def test_where_nothing_slopes_it_says_why_nothing_moves(shown):
    w = Value(-2.0, "w")
    page = shown(steps((w * 3.0).relu() + 1.0, weights=[w]))
    page.click("text=1 step")
    said = "After 1 step f = 1; |gradient| = 0: where nothing slopes, no step moves a weight"
    assert page.inner_text(".words") == said


def test_it_learns_in_the_page(shown):
    w, b = Value(2.0, "w"), Value(1.0, "b")
    page = shown(steps((w * 3.0 + b - 4.0) ** 2, weights=[w, b]))
    page.fill(".descent input", "0.01")
    page.keyboard.press("ArrowRight")  # moves in the field, not through the steps
    page.click("text=1 step")
    assert page.inner_text(".words") == "After 1 step f = 5.76; |gradient| = 15.18"
    assert page.locator(".chart svg").get_attribute("aria-label") == "f over 1 step"
    assert page.locator(".chart text").last.inner_html() == "1 step, log scale"
    assert leaf(page, "w").get_attribute("aria-valuetext") == "1.82, gradient 14.4"
    page.click(".descent >> text=100")
    assert page.inner_text(".words").startswith("After 101 steps f = ")
    assert page.locator(".chart svg").get_attribute("aria-label") == "f over 101 steps"
    page.fill(".descent input", "9")
    page.click(".descent >> text=100")
    assert "choose a smaller one" in page.inner_text(".words")
    page.fill(".descent input", "-1")
    page.click("text=1 step")
    assert page.inner_text(".words") == "the rate must be a number above 0, got “-1”"
    page.click("button[data-move=reset]")
    assert leaf(page, "w").get_attribute("aria-valuetext") == "2, gradient 18"
    page.fill(".descent input", "0.001")
    page.click("text=downhill")
    page.wait_for_function("Number(document.querySelector('[aria-label=w]').getAttribute('aria-valuenow')) < 1.9")
    page.click("text=downhill")
    assert page.get_attribute("text=downhill", "aria-pressed") == "false"


def test_the_chart_says_where_its_axis_ends_wherever_the_leaf_stands(shown):
    page = shown(neuron())
    leaf(page, "w0").focus()
    for typed, below in [("4.2", ["4.2", "−2.4", "6.4"]), ("-1234.5678", ["−1235", "−2471", "2475"])]:
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        ends = page.locator(".chart text[y='150']")
        assert ends.all_text_contents() == below
        here, low, high = (each.bounding_box() for each in ends.all())
        assert low["x"] + low["width"] < here["x"]
        assert here["x"] + here["width"] < high["x"]


def test_very_small_and_very_large_numbers_are_told_without_exponents_and_nan_not_at_all(shown):
    page = shown(Value(1e-7, "tiny") * Value(1.5e21, "large") * Value(float("nan"), "none"))
    assert leaf(page, "tiny").get_attribute("aria-valuenow") == "0.0000001"
    assert leaf(page, "large").get_attribute("aria-valuenow") == "1500000000000000000000"
    assert leaf(page, "none").get_attribute("aria-valuenow") is None
    assert leaf(page, "none").get_attribute("aria-valuetext") == "nan, gradient 1.5e14"


def test_what_the_page_cannot_compute_is_stepped_through_and_says_why(shown):
    page = shown(primitive("dull", lambda x: float(x), lambda out, x: 1.0 + 0 * x)(Value(3.0, "x")))
    assert page.locator("[role=spinbutton]").count() == 0
    assert "the gate dull has no form for arrays" in page.inner_text(".reason")
    page.keyboard.press("End")
    assert page.inner_text(".words") == "∂f/∂x += ∂f/∂f · ∂f/∂x = 1 × 1 = 1"


def test_a_large_circuit_is_stepped_through_as_it_is(shown):
    f = Value(0.5, "x")
    for _ in range(LIVE):
        f = -f
    assert f"more than {LIVE} nodes" in shown(f).inner_text(".reason")


@pytest.mark.node
@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_nothing_bars_anybody_from_a_page(page, tmp_path):
    """axe-core finds no violation: names, roles, contrast."""
    w = Value(2.0, "w")
    steps((w * 3.0 - 4.0) ** 2, weights=[w]).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    leaf(page, "w").focus()
    page.keyboard.press("ArrowUp")
    where = subprocess.run(
        ["node", "-p", "require.resolve('axe-core')"], capture_output=True, encoding="utf-8", check=True
    )
    page.add_script_tag(path=where.stdout.strip())
    for key in ("", "Home", "End"):
        if key:
            page.keyboard.press(key)
        found = page.evaluate("axe.run().then((results) => results.violations)")
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_steps_are_live_where_a_still_picture_would_fold_already():
    f = Value(0.5, "x")
    for _ in range(200):
        f = -f
    assert "explore(" in steps(f)._repr_mimebundle_()["text/html"]


# ---- on a phone ----


def downwards(page):
    """Of each piece on the page, whether its picture is higher than wide."""
    return page.eval_on_selector_all("svg.microgradnn", "all => all.map((svg) => svg.clientHeight > svg.clientWidth)")


def resized(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_in_a_narrow_window_it_runs_downwards_and_back_and_nothing_else_changes(shown):
    page = shown(neuron(), xyz())
    leaf(page, "w0").focus()
    page.keyboard.press("ArrowUp")
    said = page.locator(".words").first.inner_text()
    for width, down in [(1300, False), (390, True), (700, False), (390, True)]:
        resized(page, width)
        assert downwards(page) == [down, down]
        if down:  # all of it is in sight
            assert page.eval_on_selector_all(".picture", "all => all.every((e) => e.scrollWidth <= e.clientWidth)")
        assert page.locator(".words").first.inner_text() == said
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "w0"
        assert leaf(page, "w0").get_attribute("aria-valuenow") == "2.1"
    page.keyboard.press("ArrowDown")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    words, parts = page.locator(".words").first.inner_text(), ".forward, .backward, .local"
    active = page.eval_on_selector_all(parts, "all => all.map((part) => part.id || part.textContent)")
    assert len(active) == 4
    for width in (1300, 390):
        resized(page, width)
        assert page.locator(".words").first.inner_text() == words
        assert page.eval_on_selector_all(parts, "all => all.map((part) => part.id || part.textContent)") == active
        label, gate = (page.locator(part).bounding_box() for part in (".local", ".gate.backward"))
        assert abs(label["x"] - gate["x"]) + abs(label["y"] - gate["y"]) < 90  # it moved with its edge


def test_the_places_downwards_are_those_of_a_picture_that_was_laid_out_so(shown):
    page = shown(neuron())
    resized(page, 390)
    boxes = "all => all.map((part) => [part.tagName, ...Object.values(part.getBBox()).map(Math.round)].join())"
    boxes = boxes.replace("Object.values(part.getBBox())", "((box) => [box.x, box.y])(part.getBBox())")
    turned = page.eval_on_selector_all("svg.microgradnn :is(ellipse, path, polygon)", boxes)
    page.set_content(document("Steps", steps_piece(steps(neuron()), "down")))
    assert page.eval_on_selector_all("svg.microgradnn :is(ellipse, path, polygon)", boxes) == turned
    resized(page, 1300)
    assert downwards(page) == [True]  # as it was asked for


def test_what_fits_stays_as_it_is_and_what_would_be_wider_downwards_too(shown):
    page = shown(-Value(2.0, "x"), sum(Value(float(n), f"x{n}") for n in range(9)))
    resized(page, 390)
    assert page.locator("svg.microgradnn").count() == 2
    assert downwards(page)[0] is False
    assert '"names"' not in steps_piece(steps(mean([Value(1.0) for _ in range(12)])))


def test_on_paper_a_wide_circuit_runs_downwards(shown):
    page = shown(neuron())
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert downwards(page) == [True]
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert downwards(page) == [False]


def test_a_recorded_circuit_turns_too(shown):
    dull = primitive("dull", lambda x: float(x), lambda out, x: 1.0 + 0 * x)
    page = shown(dull(dull(dull(dull(dull(Value(3.0, "x")))))))
    resized(page, 390)
    assert downwards(page) == [True]
    assert page.inner_text(".words").startswith("u1 = ")


def test_the_active_gate_is_followed_downwards_too(page, tmp_path):
    f = Value(0.5, "x")
    for _ in range(20):
        f = exp(-f)
    page.set_viewport_size({"width": 390, "height": 700})
    steps(f).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    for number in ("39", "0"):  # the last gate, the first one
        page.locator("input[type=range]").fill(number)
        page.wait_for_function(IN_SIGHT)
        assert page.locator(".controls").bounding_box()["y"] < 700  # in sight


def test_digits_in_the_page(page, tmp_path):
    draw(neuron(), digits=6).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    assert "0.731059" in texts(page, "value")
    assert leaf(page, "w0").get_attribute("aria-valuetext") == "2, gradient −0.196612"
    page.keyboard.press("End")
    for step in reversed(Steps(neuron(), digits=6)):
        assert page.inner_text(".words") == step.sentence
        page.keyboard.press("ArrowLeft")


def test_the_page_of_a_neuron_is_small(tmp_path):
    steps(neuron()).save(tmp_path / "f.html")
    assert (tmp_path / "f.html").stat().st_size <= 66_000

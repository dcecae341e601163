"""The page of a folded graph in headless Chromium: neurons and boxes open as tables, the steps go by layer."""

import subprocess

import pytest

import microgradnn as mg
from microgradnn import Value, draw, steps
from tests.test_opened import network, one_example, opened, passes
from tests.test_stepper import page as page
from tests.test_summary import GRAPHS

pytestmark = pytest.mark.browser


@pytest.fixture
def shown(page, tmp_path):
    """A page in the browser that shows a folded graph."""

    def show(root, **choices):
        draw(root, **choices).save(tmp_path / "f.html")
        page.goto((tmp_path / "f.html").as_uri())
        return page

    return show


def part(page, name):
    return page.locator(f".node[id$=-{name}]")


def rows(page):
    """The texts of the cells of the table that is open."""
    return page.eval_on_selector_all(
        ".opened tbody tr", "all => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )


def visible(page, role):
    """By part of the picture, the numbers of a role that are to be seen."""
    return page.evaluate(
        """(role) => Object.fromEntries([...document.querySelectorAll(".node")].map((node) => [
            node.id.split("-").slice(2).join("-"),
            [...node.querySelectorAll(`text.${role}`)].filter((text) => getComputedStyle(text).visibility === "visible")
                .map((text) => text.textContent.trim()).filter(Boolean)]).filter(([, texts]) => texts.length))""",
        role,
    )


def test_a_neuron_opens_by_click_with_pythons_numbers_and_the_rest_dims(shown):
    f, _ = one_example()
    page = shown(f, level=1)
    assert part(page, "n2-5").get_attribute("aria-expanded") == "false"
    assert not page.locator(".opened").is_visible()
    part(page, "n2-5").click()
    table = opened(f)["n2-5"]
    assert rows(page) == table.rows
    heading, *notes = page.locator(".opened > p").all_inner_texts()
    assert heading.replace("✕", "").strip() == table.title
    assert notes == table.notes
    assert part(page, "n2-5").get_attribute("aria-expanded") == "true"
    lit = page.eval_on_selector_all(
        ".node.opener:not(.dim)", "all => all.map((node) => node.id.split('-').slice(2).join('-'))"
    )
    assert sorted(lit) == sorted([*(f"n1-{number}" for number in range(8)), "n2-5", "n3-0"])
    edges = page.eval_on_selector_all(".edge:not(.dim)", "all => all.length")
    assert edges == 8 + 1
    part(page, "n1-0").click()  # another takes its place
    assert rows(page) == opened(f)["n1-0"].rows
    part(page, "n1-0").click()
    assert not page.locator(".opened").is_visible()
    assert page.locator(".dim").count() == 0


def test_by_keyboard_it_opens_and_closes_and_the_focus_comes_back(shown):
    f, _ = one_example()
    page = shown(f, level=1)
    for key in ("Enter", "Space"):
        part(page, "n1-2").focus()
        page.keyboard.press(key)
        assert rows(page) == opened(f)["n1-2"].rows
        page.keyboard.press("ArrowLeft")  # steps go on beside it
        assert page.locator(".opened").is_visible()
        page.focus(".opened button")
        page.keyboard.press("Escape")
        assert not page.locator(".opened").is_visible()
        assert page.evaluate("document.activeElement.id.endsWith('-n1-2')")
    part(page, "n1-2").click()
    page.click("h1")
    assert not page.locator(".opened").is_visible()
    part(page, "n1-2").click()
    page.click(".opened button")
    assert not page.locator(".opened").is_visible()
    names = page.eval_on_selector_all("[role=button]", "all => all.map((each) => each.getAttribute('aria-label'))")
    assert len(names) == len(opened(f))
    assert names[0].startswith("MLP.0[0] ")


REACHED = """() => {
    const all = [...document.querySelectorAll(".opener")], todo = [all[0]], seen = new Set();
    while (todo.length) {
        const here = todo.pop();
        if (!all.includes(here) || seen.has(here)) continue;
        seen.add(here);
        for (const key of ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]) {
            here.focus();
            here.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
            todo.push(document.activeElement);
        }
    }
    return [seen.size, all.length, all.filter((each) => each.tabIndex === 0).length];
}"""


def test_the_picture_is_one_stop_of_the_tab_key_and_arrow_keys_move_in_it(shown):
    page = shown(one_example((12, 12, 1))[0], level=1)
    walked = []
    for key in ("Tab", *(f"Arrow{way}" for way in ["Left", "Down", "Down", "Up", "Right", *["Up"] * 4])):
        page.keyboard.press(key)
        walked.append(page.evaluate("document.activeElement.id.split('-').slice(2).join('-')"))
    assert walked == ["n1-0", "n1-0", "n1-1", "n1-2", "n1-1", "n2-1", "n2-0", "m2", "m2", "m2"]
    assert page.locator(".no-value").count() == 0, "the steps stay where they are"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('svg.microgradnn')") is None
    page.keyboard.press("ArrowLeft")
    assert page.locator(".no-gradient").count() > 0


@pytest.mark.parametrize("name", ["recurrent", "skip", "zoo", "there and back", "wide"])
def test_every_part_is_reached_by_arrow_keys(shown, name):
    page = shown(GRAPHS[name](), level=1)
    reached, parts, stops = page.evaluate(REACHED)
    assert (reached, stops) == (parts, 1)


def test_where_there_are_no_layers_nothing_speaks_of_layers(shown):
    h = Value(0.5, "h")
    for _ in range(100):
        h = mg.tanh(0.9 * h + 0.1)
    page = shown(h)
    assert "box by box" in page.inner_text(".legend")
    assert "layer" not in page.inner_text(".microgradnn-stepper")


def test_boxes_of_layers_and_of_gates_open_too(shown):
    f, _ = one_example()
    page = shown(f, level=2)
    for name, table in opened(f, 2).items():
        part(page, name).click()
        assert rows(page) == table.rows
        assert page.locator(".open").count() == 1


def test_a_row_of_a_matrix_opens_and_the_others_dim(shown):
    f, _ = one_example((12, 12, 1))
    page = shown(f, level=1)
    part(page, "n2-5").locator("polygon").last.click()
    assert rows(page) == opened(f)["n2-5"].rows
    faded = "all => all.map((path) => getComputedStyle(path).opacity)"
    assert set(page.eval_on_selector_all(".matrix[id$=-m2] > path", faded)) == {"0.15"}
    assert set(page.eval_on_selector_all(".matrix[id$=-m2] > .row path", faded)) == {"1"}
    assert page.locator(".row").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".row").count() == 0
    page.click("button[data-move=first]")
    hidden = "all => all.map((path) => getComputedStyle(path).visibility)"
    assert set(page.eval_on_selector_all(".matrix[id$=-m2] > path.value", hidden)) == {"hidden"}
    assert set(page.eval_on_selector_all(".matrix[id$=-m2] > path.positive", hidden)) == {"visible"}
    page.click("button[data-move=last]")
    assert set(page.eval_on_selector_all(".matrix[id$=-m2] > path", hidden)) == {"visible"}


def test_it_steps_by_layer_values_forward_then_gradients_backward(shown):
    f, _ = one_example()
    page = shown(f, level=1)
    assert "open as a table" in page.inner_text(".words")
    assert "layer by layer" in page.inner_text(".legend")
    assert "level=0" in page.inner_text(".legend")
    page.click("button[data-move=first]")
    walked = passes(f)
    for number, step in enumerate(walked.steps):
        assert page.inner_text(".words") == step["sentence"]
        values, gradients = visible(page, "value"), visible(page, "gradient")
        assert set(values) == {name for name, (known, _) in walked.known.items() if number >= known}
        assert set(gradients) == {name for name, (_, known) in walked.known.items() if number >= known}
        at_work = page.eval_on_selector_all(
            ":is(.forward, .backward):not([id$=-gate], [id$=-out])",
            "all => all.map((node) => node.id.split('-').slice(2).join('-'))",
        )
        assert sorted(at_work) == sorted(step["parts"])
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    assert page.inner_text(".count") == f"1/{len(walked.steps)}"
    assert set(visible(page, "value")) == {"n0-0", "n0-1", *(f"n1-{number}" for number in range(8))}
    assert visible(page, "gradient") == {}


def test_steps_of_a_graph_that_is_too_big_show_this_page_and_stay_a_sequence(page, tmp_path):
    f = network()
    walked = steps(f)
    assert "walkLayers(" in walked._repr_mimebundle_()["text/html"]
    assert len(walked) > 300
    assert walked[0].kind == "forward"
    assert str(walked).startswith(walked[0].sentence)


def test_without_scripts_the_still_picture_remains(chromium, tmp_path):
    draw(network(), level=1).save(tmp_path / "f.html")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "f.html").as_uri())
    assert page.locator("img").bounding_box()["width"] > 200
    assert page.locator("button, input, .opened").count() == 0
    context.close()


def test_on_a_phone_nothing_is_wider_than_the_page_and_on_paper_the_picture_is_whole(shown):
    page = shown(one_example()[0], level=1)
    page.set_viewport_size({"width": 390, "height": 800})
    part(page, "n1-2").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 720, "height": 1000})
    page.keyboard.press("+")
    page.emulate_media(media="print")
    box, frame = (page.locator(name).bounding_box() for name in ("svg.microgradnn", ".picture"))
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 720
    assert box["height"] <= frame["height"] <= 950
    assert not page.locator(".controls, .zoom, .by-layer, .opened button").locator("visible=true").count()
    assert page.locator(".opened table").is_visible()


@pytest.mark.node
@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("level", [1, 2])
def test_nothing_bars_anybody_from_a_page(shown, level):
    """axe-core finds no violation: names, roles, contrast."""
    page = shown(one_example()[0], level=level)
    where = subprocess.run(
        ["node", "-p", "require.resolve('axe-core')"], capture_output=True, encoding="utf-8", check=True
    )
    page.add_script_tag(path=where.stdout.strip())
    for name in (None, "n1-2" if level == 1 else "b1"):
        if name:
            part(page, name).click()
        # What is dimmed is not to be read now.
        checked = "axe.run({ exclude: [['.dim']] }).then((results) => results.violations)"
        violations = page.evaluate(checked)
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []

"""Pictures that are larger than their place: zoomed by wheel, fingers, buttons and keys, dragged by the mouse."""

import pytest

from microgradnn import Value, draw, exp, steps
from tests.test_drawing import neuron, xyz
from tests.test_opened import one_example
from tests.test_stepper import page as page

pytestmark = pytest.mark.browser


@pytest.fixture
def long(page, tmp_path):
    """The page of a circuit that is far wider than the window."""
    f = Value(0.5, "x")
    for _ in range(30):
        f = exp(-f)
    page.set_viewport_size({"width": 700, "height": 600})
    steps(f).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    page.locator(".zoom").wait_for()
    return page


def width(page):
    return page.locator("svg.microgradnn").bounding_box()["width"]


def place(page):
    return page.locator(".picture").bounding_box()


def scrolled(page):
    return page.eval_on_selector(".picture", "frame => [frame.scrollLeft, frame.scrollTop]")


def test_buttons_and_keys_zoom_and_fit(long):
    first = width(long)
    long.click("[aria-label='zoom in']")
    assert width(long) == pytest.approx(1.25 * first)
    long.click("[aria-label='zoom out']")
    assert width(long) == pytest.approx(first, rel=1e-4)
    long.locator(".microgradnn-stepper").focus()
    for key, factor in [("+", 1.25), ("-", 1.0), ("=", 1.25)]:
        long.keyboard.press(key)
        assert width(long) == pytest.approx(factor * first, rel=1e-4)
    long.keyboard.press("0")
    assert width(long) <= place(long)["width"]
    for _ in range(40):
        long.keyboard.press("+")
    natural = long.eval_on_selector("svg.microgradnn", "svg => parseFloat(svg.getAttribute('width')) * 4 / 3")
    assert width(long) == pytest.approx(4 * natural)


def test_keys_that_a_leaf_takes_do_not_zoom(long):
    first = width(long)
    long.locator(".leaf").focus()
    long.keyboard.press("+")
    assert long.locator(".field").count() == 1
    long.keyboard.type("0")
    long.keyboard.press("Escape")
    assert width(long) == first


def test_the_wheel_zooms_with_control_about_the_pointer_and_scrolls_without(long):
    first, frame = width(long), place(long)
    x, y = frame["x"] + 300, frame["y"] + 30
    long.mouse.move(x, y)
    long.mouse.wheel(200, 0)
    long.wait_for_function("document.querySelector('.picture').scrollLeft >= 200")
    assert width(long) == first
    under = (x - long.locator("svg.microgradnn").bounding_box()["x"]) / first
    long.keyboard.down("Control")
    long.mouse.wheel(0, -100)
    long.keyboard.up("Control")
    long.wait_for_function(f"document.querySelector('svg.microgradnn').clientWidth > {1.2 * first}")
    box = long.locator("svg.microgradnn").bounding_box()
    assert (x - box["x"]) / box["width"] == pytest.approx(under, abs=2 / first)


def test_the_mouse_drags_the_picture_but_a_leaf_for_its_value(long):
    frame, leaf = place(long), long.locator(".leaf")
    long.keyboard.press("End")
    assert scrolled(long)[0] == 0
    x, y = frame["x"] + 500, frame["y"] + 12
    long.mouse.move(x, y)
    long.mouse.down()
    long.mouse.move(x - 150, y, steps=4)
    long.mouse.up()
    assert scrolled(long)[0] == pytest.approx(150, abs=2)
    long.eval_on_selector(".picture", "frame => frame.scrollTo(0, 0)")
    box = leaf.bounding_box()
    long.mouse.move(box["x"] + 20, box["y"] + 10)
    long.mouse.down()
    long.mouse.move(box["x"] + 60, box["y"] + 10, steps=4)
    long.mouse.up()
    assert scrolled(long)[0] == 0
    assert leaf.get_attribute("aria-valuenow") == "1.5"


def test_a_drag_over_a_neuron_opens_nothing(page, tmp_path):
    draw(one_example()[0], level=1).save(tmp_path / "f.html")
    page.set_viewport_size({"width": 500, "height": 500})
    page.goto((tmp_path / "f.html").as_uri())
    box = page.locator(".neuron[id$=-n2-1]").bounding_box()
    x, y = box["x"] + 10, box["y"] + 5
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 100, y, steps=4)
    page.mouse.up()
    assert scrolled(page)[0] > 50
    assert not page.locator(".opened").is_visible()
    page.locator(".neuron[id$=-n2-1]").click()
    assert page.locator(".opened").is_visible()


def test_two_fingers_zoom(chromium, tmp_path):
    context = chromium.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    draw(one_example()[0], level=1).save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    page.locator(".zoom").wait_for()
    first, frame = width(page), place(page)
    x, y = frame["x"] + 150, frame["y"] + 200
    session = context.new_cdp_session(page)

    def touch(kind, *spread):
        points = [{"x": x + sign * far, "y": y, "id": number} for far in spread for number, sign in enumerate((-1, 1))]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 40)
    for far in (50, 60, 70, 80):
        touch("touchMove", far)
    touch("touchEnd")
    assert width(page) == pytest.approx(2 * first, rel=0.05)
    assert page.evaluate("visualViewport.scale") == 1
    context.close()


@pytest.mark.parametrize(
    "picture", [lambda: steps(xyz()), lambda: draw(xyz(), direction="down"), lambda: draw([xyz(), xyz()])]
)
def test_where_the_picture_fits_there_are_no_buttons(picture, page, tmp_path):
    page.set_viewport_size({"width": 1200, "height": 1100})
    picture().save(tmp_path / "f.html")
    page.goto((tmp_path / "f.html").as_uri())
    page.wait_for_timeout(100)
    before = width(page)
    assert not page.locator(".zoom").is_visible()
    page.keyboard.press("+")
    assert width(page) == before


def test_a_picture_that_turns_stands_as_it_was_laid_out(page, tmp_path):
    steps(neuron()).save(tmp_path / "f.html")
    page.set_viewport_size({"width": 700, "height": 700})
    page.goto((tmp_path / "f.html").as_uri())
    page.locator(".zoom").wait_for()
    page.click("[aria-label='zoom in']")
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function("document.querySelector('svg.microgradnn').style.width === ''")
    assert width(page) <= 390

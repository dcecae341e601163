"""Worksheets: the circuit unchanged, the right answers, none of them in a picture; filled in in headless Chromium."""

import math
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

from microgradnn import Value, draw, exp, log, nn, no_grad, relu, sqrt, steps, worksheet
from microgradnn.drawing.page import document
from microgradnn.graph import topological_order
from microgradnn.notation import digits
from tests.test_drawing import SVG, neuron, parsed, printed_elsewhere, xyz
from tests.test_stepper import page as page


def network():
    model = nn.MLP(2, [2, 1], activation="tanh", rng=0)
    return nn.mse(model([Value(1.0, "x0"), Value(-2.0, "x1")]), 1.0)


CIRCUITS = {"xyz": xyz, "neuron": neuron, "network": network}


def state(root):
    return [
        (id(node), node.data, node.grad, node.swept, node.name, node.operands, node.partials)
        for node in topological_order(root)
    ]


def answers(sheet):
    """What the key says, by "value of q"."""
    return dict(re.findall(r"^[A-Z]+  (.*) = (.*)$", str(sheet.key), re.MULTILINE))


def of(root):
    """All values of gates and all gradients of a circuit, as the picture names and writes them."""
    walked = steps(root)
    gradients = {id(root): 1.0} | {id(step.operand): step.after for step in walked if step.kind == "backward"}
    values = {f"value of {walked.names[id(node)]}": node.data for node in walked.order if node.primitive}
    slopes = {f"gradient of {walked.names[id(node)]}": gradients[id(node)] for node in walked.order}
    return {what: digits(number) for what, number in (values | slopes).items()}


# ---- the circuit ---------------------------------------------------------------------------------------------------


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", CIRCUITS)
@pytest.mark.parametrize("seed", [None, 0, 5])
def test_the_circuit_stays_as_it_was(name, seed):
    root = CIRCUITS[name]()
    for _ in range(2):  # not swept, then swept
        before = state(root)
        worksheet(root, 4, seed).svg()
        assert state(root) == before
        root.backward()


def test_the_answers_are_the_numbers_of_the_circuit_without_a_seed():
    assert answers(worksheet(xyz(), 6)) | {"gradient of f": "1"} == of(xyz())
    f = xyz()
    f.backward()
    f.backward()  # gradients count from 0 all the same
    assert answers(worksheet(f, ["x"])) == {"gradient of x": "−4"}


@pytest.mark.sampled(5)
@pytest.mark.parametrize("seed", range(12))
def test_the_answers_are_those_of_the_circuit_recorded_anew_with_the_leaves_that_are_shown(seed):
    sheet = worksheet(xyz(), 6, seed)
    wires, _, _ = parsed(sheet.svg())
    x, y, z = (Value(float(wires[name][0].replace("−", "-")), name) for name in "xyz")
    assert all(leaf.data in {*range(-6, 7)} - {0} for leaf in (x, y, z))
    assert answers(sheet).items() <= of((x + y).named("q") * z).items()
    assert len(sheet.key) == 6


@pytest.mark.slow
def test_seeds_give_other_numbers_and_other_blanks_and_the_same_seed_the_same_in_every_process():
    sheets = [worksheet(neuron(), 3, seed) for seed in range(20)]
    assert len({str(sheet.key) for sheet in sheets}) == 20
    assert len({tuple(answers(sheet)) for sheet in sheets}) > 15
    code = (
        "from microgradnn import worksheet\nfrom tests.test_drawing import neuron\n"
        "import sys; sys.stdout.reconfigure(encoding='utf-8')\n"
        "print(worksheet(neuron(), 3, 7).key); print(worksheet(neuron()).key)"
    )
    said = f"{worksheet(neuron(), 3, 7).key}\n{worksheet(neuron()).key}\n"
    assert printed_elsewhere(code) == said
    assert str(worksheet(xyz(), 3, 1).key) == KEY  # of every version of Python


KEY = "A  value of q = −3\nB  gradient of q = 6\nC  gradient of x = 6"


@pytest.mark.slow
def test_every_number_is_asked_for_as_often_as_any_other():
    counts = {}
    for seed in range(400):
        for what in answers(worksheet(xyz(), 2, seed)):
            counts[what] = counts.get(what, 0) + 1
    assert counts.keys() == of(xyz()).keys() - {"gradient of f"}
    expected = 400 * 2 / len(counts)
    assert all(abs(count - expected) < 4 * math.sqrt(expected) for count in counts.values()), counts


@pytest.mark.sampled(7)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "make",
    [
        lambda: log(Value(2.5, "x")) * sqrt(Value(4.0, "y")),
        lambda: relu(Value(2.0, "x") - 1) * 3,
        lambda: exp(Value(0.5, "x") * Value(20.0, "y")),
        lambda: Value(0.3, "p").asin() + Value(-0.2, "q").atanh(),
        network,
    ],
)
def test_varied_numbers_stay_in_the_domain_and_can_be_written_by_hand(make, seed):
    root = make()
    numbers = [float(text.replace("−", "-")) for text in answers(worksheet(root, len(of(root)) - 1, seed)).values()]
    assert all(1e-3 <= abs(number) < 1e4 for number in numbers if number)
    shown = parsed(worksheet(root, 1, seed).svg())[0]
    leaves = [shown[name][0] for name in shown if name in ("x", "y", "p", "q")]
    assert all(len(text.lstrip("−").replace(".", "").lstrip("0")) <= 2 for text in leaves)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("seed", range(8))
def test_no_more_numbers_are_0_than_before_and_where_small_numbers_do_not_fit_others_near_by_are_taken(seed):
    assert "0" not in answers(worksheet(relu(Value(2.0, "x") - 1) * 3, 4, seed)).values()
    wires, _, _ = parsed(worksheet(log(Value(120.0, "x") - 100), 1, seed).svg())
    assert 101 <= float(wires["x"][0]) <= 180


# ---- which numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blanks", "asked"),
    [
        (["q"], ["value of q", "gradient of q"]), (["x"], ["gradient of x"]), (("value of q",), ["value of q"]),
        (["x", "gradient of q", "q", "x"], ["value of q", "gradient of q", "gradient of x"]),
        (["f"], ["value of f", "gradient of f"]),
    ],
)  # fmt: skip
def test_a_name_asks_for_the_value_and_the_gradient_of_a_gate_and_the_gradient_of_a_leaf(blanks, asked):
    assert list(answers(worksheet(xyz(), blanks))) == asked


def test_parameters_are_asked_for_by_the_name_in_the_picture_or_the_whole_one():
    sheets = [worksheet(network(), [name]) for name in ("0.w₁₀", "0.weight[1][0]", "gradient of 0.weight[1][0]")]
    assert [list(answers(sheet)) for sheet in sheets] == [["gradient of 0.w₁₀"]] * 3


def test_the_key_reads_well_and_is_a_mapping():
    sheet = worksheet(xyz(), ["q", "x"])
    assert str(sheet.key) == repr(sheet.key) == "A  value of q = 3\nB  gradient of q = −4\nC  gradient of x = −4"
    assert dict(sheet.key) == {"A": "3", "B": "−4", "C": "−4"}
    assert repr(sheet) == "<worksheet of f: 3 blanks>"
    assert repr(worksheet(xyz(), 1, seed=2)) == "<worksheet of f, seed 2: 1 blank>"


def large():
    f = Value(0.5, "x")
    for _ in range(150):
        f = -f
    return f


def outdated():
    x = Value(3.0, "x")
    f = x * 2
    x.data = 5.0
    return f


@pytest.mark.parametrize(
    ("root", "arguments", "kind", "words"),
    [
        (lambda: 3.0, (), TypeError, "worksheet needs the Value at the end of a circuit, got float 3.0"),
        (lambda: [xyz()], (), TypeError, "worksheet needs the Value at the end of a circuit, got list"),
        (xyz, ("q",), TypeError, "blanks must be a whole number ≥ 1 or a list of names, got 'q'"),
        (xyz, (2.0,), TypeError, "blanks must be a whole number ≥ 1 or a list of names, got 2.0"),
        (xyz, (True,), TypeError, "blanks must be a whole number ≥ 1 or a list of names, got True"),
        (xyz, (0,), ValueError, "blanks must be a whole number ≥ 1 or a list of names, got 0"),
        (xyz, ([],), ValueError, "blanks is an empty list: name what is to be found"),
        (xyz, ([3],), TypeError, "blanks lists names, got int 3"),
        (xyz, (7,), ValueError, "blanks=7 are more than this circuit has numbers to find, 6: ask for fewer"),
        (lambda: Value(3.0, "x"), (1,), ValueError, "blanks=1 are more than this circuit has numbers to find, 0"),
        (xyz, (["r"],), ValueError, "blanks has 'r', no number to find .*: there are 'q', 'f', 'z' and 2 more"),
        (xyz, (["value of x"],), ValueError, "blanks has 'value of x', no number to find .*values of leaves are given"),
        (lambda: Value(1.0, "x") * Value(2.0, "x"), (["x"],), ValueError, "'x' is ambiguous, several nodes carry this"),
        (lambda: Value(0.0, "x") ** 0.5, (["x"],), ValueError, "the gradient of x is ∞, no number to write"),
        (xyz, (3, 1.5), TypeError, "seed must be a whole number ≥ 0 or None, got 1.5"),
        (xyz, (3, False), TypeError, "seed must be a whole number ≥ 0 or None, got False"),
        (xyz, (3, "7"), TypeError, "seed must be a whole number ≥ 0 or None, got '7'"),
        (xyz, (3, -1), ValueError, "seed must be a whole number ≥ 0 or None, got -1"),
        (large, (), ValueError, "a worksheet has room for 150 nodes, this circuit has 151: take a part of it"),
        (outdated, (), ValueError, r"out of date: x was changed; f.forward\(\) computes it anew"),
        (lambda: Value(2.0, "x") * 1e9, (1, 3), ValueError, "no other numbers between 0.001 and 10,000 were found"),
    ],
)  # fmt: skip
def test_what_is_no_worksheet_is_refused(root, arguments, kind, words):
    with pytest.raises(kind, match=words):
        worksheet(root(), *arguments)


def test_numbers_that_are_not_finite_are_not_asked_for():
    f = Value(0.0, "x") ** 0.5 + Value(2.0, "y")
    assert set(answers(worksheet(f, 4))) == {"value of u1", "value of f", "gradient of y", "gradient of u1"}


def test_what_was_computed_without_recording_is_a_leaf_like_others():
    with no_grad():
        c = (Value(2.0) * 3).named("c")
    assert answers(worksheet(c * Value(5.0, "x"), ["c", "f"])) == {
        "gradient of c": "5", "value of f": "30", "gradient of f": "1"
    }  # fmt: skip


# ---- pictures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CIRCUITS)
def test_no_answer_stands_in_the_picture(name):
    """Every number that can be asked for is; what is left in the SVG are the leaves' numbers and constants of gates."""
    root = CIRCUITS[name]()
    sheet = worksheet(root, [what.split(" of ")[1] for what in of(root)])
    _, _, svg = parsed(sheet.svg())
    texts = [text.text for text in svg.iter(f"{SVG}text") if text.get("class")]
    leaves = [digits(node.data) for node in topological_order(root) if node.primitive is None]
    assert sorted(texts) == sorted([*leaves, *sheet.key])
    words = " ".join(
        element.text for element in svg.iter() if element.tag in (f"{SVG}title", f"{SVG}desc") and element.text
    )
    numbers = set(re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e-?\d+)?(?![\w\]])", words))
    given = {repr(node.data) for node in topological_order(root) if node.primitive is None}
    assert {number for number in numbers if "." in number} <= given | {"1.0"}


@pytest.mark.parametrize("role", ["value", "gradient"])
def test_the_other_numbers_stand_where_they_do_in_the_picture_of_the_circuit(role):
    f = xyz()
    f.backward()
    pictures = worksheet(f, [f"{role} of q"]), draw(f)
    blanked, full = ({n.split(",")[0]: text for n, text in parsed(p.svg())[0].items()} for p in pictures)
    value, gradient = full["q"]
    assert blanked.pop("q") == (("A", gradient) if role == "value" else (value, "A"))
    assert blanked == {name: numbers for name, numbers in full.items() if name != "q"}


def test_it_is_saved_for_screens_and_for_paper(tmp_path):
    sheet = worksheet(neuron(), 3, seed=1)
    begins = {".html": b"<!DOCTYPE html>", ".svg": b"<svg", ".pdf": b"%PDF", ".png": b"\x89PNG"}
    for ending, begin in begins.items():
        sheet.save(tmp_path / f"w{ending}")
        assert (tmp_path / f"w{ending}").read_bytes().startswith(begin)
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png, \.pdf, \.dot, \.html"):
        sheet.save(tmp_path / "w.tex")
    assert ">four significant digits, seed 1<" in sheet.svg()


def test_jupyter_shows_the_page_with_the_still_picture_in_it():
    bundle = worksheet(xyz())._repr_mimebundle_()
    assert bundle["text/plain"] == "<worksheet of f: 3 blanks>"
    assert "fillIn(" in bundle["text/html"]
    assert "<img alt=" in bundle["text/html"]
    assert ET.fromstring(bundle["image/svg+xml"]).tag == f"{SVG}svg"


# ---- the page ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(page, tmp_path):
    """A page in the browser that shows these worksheets."""

    def show(*sheets):
        content = "\n".join(sheet._repr_mimebundle_()["text/html"] for sheet in sheets)
        (tmp_path / "w.html").write_text(document("Worksheet", content), encoding="utf-8")
        page.goto((tmp_path / "w.html").as_uri())
        return page

    return show


def test_what_comes_of_the_numbers_in_the_picture_is_right_too():
    """1/1.05 is 0.9524, also where 1.05 stands for 1.0498; and halfway goes up as well as to the even digit."""
    checked = 0
    for seed in range(12):
        sheet = worksheet(neuron(), 4, seed=seed)
        for blank in sheet._blanks:
            assert blank["answers"][0] == sheet.key[blank["letter"]]
            assert len(blank["answers"]) <= 3
            checked += len(blank["answers"]) > 1
    assert checked > 0
    [blank] = worksheet(1 / Value(1.0498, "x"), ["value of f"])._blanks
    assert blank["answers"] == ["0.9526", "0.9524"]
    [blank] = worksheet(Value(12.5, "x") ** 2, ["value of f"])._blanks
    assert blank["answers"] == ["156.2", "156.3"]
    [blank] = worksheet(Value(12.5, "x") ** 2, ["gradient of f"])._blanks
    assert blank["answers"] == ["1"]


def fill(page, what, text, number=0):
    """Type an answer, press Enter, and return what is said."""
    field = page.get_by_label(what, exact=True).nth(number)
    field.fill(text)
    field.press("Enter")
    return page.locator("li", has=page.get_by_label(what, exact=True)).nth(number).locator(".said").inner_text()


@pytest.fixture(scope="module")
def answering(chromium, tmp_path_factory):
    """What the page says of an answer to a number."""
    path = tmp_path_factory.mktemp("answering") / "w.html"
    page = chromium.new_page()
    pages = {}

    def say(number, text):
        if number not in pages:
            worksheet(Value(1.0, "x") * number, ["value of f"]).save(path)
            pages[number] = path.read_text(encoding="utf-8")
        page.set_content(pages[number])
        return fill(page, "value of f", text)

    yield say
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("number", "typed"),
    [
        (-0.19661193324148185, "-0.1966"), (-0.19661193324148185, "−0,1966"), (-0.19661193324148185, " –.1966 "),
        (-0.19661193324148185, "-0.19661193"), (-0.19661193324148185, "-1.966e-1"), (3.0, "3"), (3.0, "+3.000"),
        (12345.0, "12345"), (12345.0, "1.234e4"), (1.5e-12, "1,5e−12"), (0.0, "0"), (0.0, "-0,0"), (0.5, "0.50"),
    ],
)  # fmt: skip
def test_an_answer_as_the_picture_writes_it_is_right(number, typed, answering):
    assert answering(number, typed) == "✓ right"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("number", "typed", "said"),
    [
        (0.19661193324148185, "0.1955", "✗ first digits right: 0.19…; the next is not 5"),
        (0.19661193324148185, "0.5", "✗ the first digit is not 5"),
        (0.19661193324148185, "0.19", "✗ right so far: 0.19…; more digits follow"),
        (0.19661193324148185, "0.197", "✗ rounded to so few digits it is right: four digits are asked for"),
        (0.19661193324148185, "0.2", "✗ rounded to so few digits it is right: four digits are asked for"),
        (0.1966, "0.196499", "✗ in four digits that is 0.1965; first digits right: 0.196…; the next is not 5"),
        (0.19661193324148185, "-0.1966", "✗ the sign is not right"),
        (0.19661193324148185, "1.966", "✗ the decimal point is not in its place"),
        (0.19661193324148185, "0.021", "✗ the number has to be farther from 0"),
        (-0.19661193324148185, "-2", "✗ the number has to be nearer to 0"),
        (-0.019, "-0,018", "✗ first digits right: −0.01…; the next is not 8"),
        (12.0, "13", "✗ first digits right: 1…; the next is not 3"),
        (1234.0, "1200", "✗ first digits right: 12…; the next is not 0"),
        (-4.0, "0", "✗ the first digit is not 0"),
        (0.0, "-3", "✗ the first digit is not 3"),
        (3.0, "", "nothing is written here yet"),
        (3.0, "three", "“three” is not a number: write one like −2.5 or 1e−3"),
        (3.0, "0x3", "“0x3” is not a number: write one like −2.5 or 1e−3"),
        (3.0, "1e400", "“1e400” is not a number: write one like −2.5 or 1e−3"),
        (3.0, "6/2", "“6/2” is not a number: write one like −2.5 or 1e−3"),
        (3.0, "1,000.5", "“1,000.5” is not a number: write one like −2.5 or 1e−3"),
        (3.0, "<b>", "“<b>” is not a number: write one like −2.5 or 1e−3"),
        (3.0, "4" * 200, "✗ the number has to be nearer to 0"),
    ],
)  # fmt: skip
def test_of_a_wrong_answer_it_is_said_how_far_it_is_right(number, typed, said, answering):
    assert answering(number, typed) == said


@pytest.mark.browser
def test_right_answers_are_counted_and_stand_in_the_picture(shown):
    page = shown(worksheet(xyz(), ["q", "x"]))
    assert page.inner_text(".count") == "0 of 3 right"
    assert "in the source" in page.inner_text(".hint")
    fill(page, "value of q", "3")
    fill(page, "gradient of x", "-5")
    assert page.inner_text(".count") == "1 of 3 right"
    assert sorted(page.locator(".solution").all_text_contents()) == ["", "", "3 ✓"]
    assert page.get_by_label("value of q", exact=True).get_attribute("aria-invalid") == "false"
    assert page.get_by_label("gradient of x", exact=True).get_attribute("aria-invalid") == "true"
    fill(page, "value of q", "2")  # spoilt again
    assert page.inner_text(".count") == "0 of 3 right"
    assert page.locator(".solution").all_text_contents() == ["", "", ""]


@pytest.mark.browser
def test_it_is_filled_in_by_keyboard_alone(shown):
    page = shown(worksheet(xyz(), ["q", "x"]))
    keys = []
    page.expose_function("heard", lambda key: keys.append(key))
    page.evaluate("document.addEventListener('keydown', (event) => heard(event.key))")
    for text in ("3", "-4", "−4"):
        page.keyboard.press("Tab")
        assert page.locator(".asked").count() == 1  # the box in the picture
        page.keyboard.type(text)
    page.keyboard.press("Tab")
    assert page.inner_text(".count") == "3 of 3 right"
    assert page.locator(".asked").count() == 0
    page.get_by_label("value of q", exact=True).fill("")
    page.get_by_role("button", name="check").press("Enter")
    assert page.inner_text(".count") == "2 of 3 right"
    assert page.locator(".said").all_inner_texts() == ["nothing is written here yet", "✓ right", "✓ right"]
    assert keys == ["Tab"]  # the first, from outside: a notebook would take letters for commands


@pytest.mark.browser
def test_a_click_on_a_box_goes_to_its_line(shown):
    page = shown(worksheet(xyz(), ["value of q"]))
    page.locator(".box").click(position={"x": 5, "y": 10})  # on its letter
    assert page.evaluate("document.activeElement === document.querySelector('input')")


@pytest.mark.browser
def test_two_worksheets_on_one_page_do_not_disturb_each_other(shown):
    page = shown(worksheet(xyz(), ["q"]), worksheet(xyz(), ["q"]), worksheet(neuron(), 2))
    fill(page, "value of q", "3", number=1)
    assert page.locator(".count").all_inner_texts() == ["0 of 2 right", "1 of 2 right", "0 of 2 right"]
    pictures = page.locator("svg.microgradnn").all()
    assert ["3 ✓" in picture.text_content() for picture in pictures] == [False, True, False]


@pytest.mark.browser
def test_a_worksheet_and_a_stepper_on_one_page_look_as_each_does_alone(shown):
    looks = """[...document.querySelectorAll("button, input, .count, .controls")].map((each) => {
        const { width, height } = each.getBoundingClientRect(), { opacity, margin } = getComputedStyle(each);
        return [each.className, width, height, opacity, margin].join(" ");
    })"""
    pieces = worksheet(xyz()), steps(xyz())
    alone = [shown(each).evaluate(looks) for each in pieces]
    assert shown(*pieces).evaluate(looks) == alone[0] + alone[1]
    assert shown(*reversed(pieces)).evaluate(looks) == alone[1] + alone[0]


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1100])
@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_it_fits_a_phone_and_a_desk(page, width, shown):
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(reduced_motion="reduce")
    shown(worksheet(neuron(), 12))
    for field in page.locator("input").all():
        field.fill("nonsense of some length")
        field.press("Enter")
        box, frame = (page.locator(name).bounding_box() for name in (".asked", ".picture"))
        assert frame["x"] - 1 <= box["x"] <= frame["x"] + frame["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_print_shows_empty_boxes_and_lines(shown):
    page = shown(worksheet(xyz(), ["q", "x"]))
    fill(page, "value of q", "3")
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    assert not page.locator(".said").first.is_visible()
    assert not page.locator(".solution").first.is_visible()
    fields = page.locator("li input").evaluate_all(
        "all => all.map(getComputedStyle).map(e => [e.color, e.borderTopWidth])"
    )
    assert fields == [["rgba(0, 0, 0, 0)", "0px"]] * 3  # the right one looks like the others
    letters = page.locator("svg.microgradnn").get_by_text("A", exact=True)
    assert letters.is_visible()


@pytest.mark.browser
def test_without_scripts_the_still_picture_remains(chromium, tmp_path):
    worksheet(xyz(), ["q"]).save(tmp_path / "w.html")
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "w.html").as_uri())
    assert "To find: A, the value of q; B, the gradient of q" in page.locator("img").get_attribute("alt")
    assert page.locator("input").count() == 0
    context.close()


@pytest.mark.node
@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_nothing_bars_anybody_from_a_worksheet(page, tmp_path):
    """axe-core finds no violation: names, roles, contrast."""
    worksheet(xyz(), ["q", "x"]).save(tmp_path / "w.html")
    page.goto((tmp_path / "w.html").as_uri())
    fill(page, "value of q", "3")
    fill(page, "gradient of x", "5")
    where = subprocess.run(
        ["node", "-p", "require.resolve('axe-core')"], capture_output=True, encoding="utf-8", check=True
    )
    page.add_script_tag(path=where.stdout.strip())
    found = page.evaluate("axe.run().then((results) => results.violations)")
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []


@pytest.mark.browser
def test_on_a_phone_it_runs_downwards_and_answers_move_along(shown):
    page = shown(worksheet(neuron(), ["value of u1", "w0"]))
    fill(page, "value of u1", "-2")
    box = "document.querySelector('svg').getBoundingClientRect()"
    tall = f"{box}.height > {box}.width"
    assert not page.evaluate(tall)
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function(tall)
    same = "(name) => solution.getAttribute(name) === solution.previousElementSibling.getAttribute(name)"
    assert page.evaluate(f"[...document.querySelectorAll('.solution')].every((solution) => ['x', 'y'].every({same}))")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Circuits in LaTeX: what is printed is read back and computed, and once compiled by a small TeX."""

import math
import re
import subprocess

import pytest

import microgradnn as mg
from microgradnn import Value, draw, to_latex
from microgradnn.drawing.latex import LINE, READABLE
from microgradnn.drawing.symbols import Formula, partials, written
from microgradnn.latex import SERIES, latex_formula, latex_name, latex_number
from microgradnn.primitive import gates, lookup, primitive


def xyz():
    x, y, z = Value(-2, "x"), Value(5, "y"), Value(-4, "z")
    return (x + y).named("q") * z


def neuron(packed=False):
    w0, w1, w2, x0, x1 = (Value(v, n) for v, n in [(2, "w0"), (-3, "w1"), (-3, "w2"), (-1, "x0"), (-2, "x1")])
    z = w0 * x0 + w1 * x1 + w2
    return mg.sigmoid(z) if packed else 1 / (1 + mg.exp(-z))


def numbered(stem, *numbers):
    return [Value(number, f"{stem}{index}") for index, number in enumerate(numbers)]


def uncoloured(text):
    """Without the colours of results."""
    return re.sub(r"\{\\color\{\w+\}\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}\}", r"\1", text)


def line_of(root, name):
    """The right-hand side of ∂f/∂name."""
    text = uncoloured(to_latex(root)).replace(" \\\\\n&", "")
    return re.search(rf"\\partial {re.escape(name)}\}} &= (.*?)(?: \\\\)?$", text, re.MULTILINE)[1]


# ---- names, numbers, formulas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "latex"),
    [
        (-1.5e-12, r"-1.5 \cdot 10^{-12}"),
        (math.inf, r"\infty"),
        (-math.inf, r"-\infty"),
        (math.nan, r"\mathrm{nan}"),
        (2.0, "2"),
    ],
)
def test_numbers(x, latex):
    assert latex_number(x) == latex


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"), ("w12", "w_{12}"), ("w_01", "w_{01}"), ("w₀₁", "w_{01}"), ("alpha", r"\alpha"),
        ("sigma_1", r"\sigma_{1}"), ("σ1", r"\sigma_{1}"), ("theta0", r"\theta_{0}"), ("x_alpha", r"x_{\alpha}"),
        ("Omega", r"\Omega"), ("lambda", r"\lambda"), ("h_in", r"h_{\mathrm{in}}"), ("loss", r"\mathrm{loss}"),
        ("w_in_1", r"w_{\mathrm{in},1}"), ("a%b", r"\mathrm{a\%b}"), ("7", "7"), ("x_", r"\mathrm{x\_}"),
        ("_a", r"\mathrm{\_a}"), ("naïve", r"\text{naïve}"), ("0.w₀₁", "w^{(0)}_{01}"), ("x__2", "x_{2}"),
    ],
)  # fmt: skip
def test_names(name, latex):
    assert latex_name(name) == latex


WORDS = {gate.name: lambda *xs, gate=gate: gate.limit(xs) for gate in gates()} | {
    "sqrt": lambda x: x**0.5, "cbrt": math.cbrt, "abs": abs, "max": max, "min": min, "floor": math.floor,
    "sigma": lookup("sigmoid").forward, "GELU": lookup("gelu").forward, "SiLU": lookup("silu").forward,
    "ReLU": lookup("relu").forward, "arsinh": math.asinh, "arcosh": math.acosh, "artanh": math.atanh,
    "arcsin": math.asin, "arccos": math.acos, "arctan": math.atan, "equal": lambda x, y: float(x == y),
    "pi": math.pi, "infty": math.inf, "e": math.e,
} | {f"log{base}": lambda x, base=base: math.log(x, base) for base in (2, 10)}  # fmt: skip


def computed(text, **letters):
    """A formula of LaTeX as a reader computes it, by the precedence of its signs."""
    text = re.sub(r"([a-z]|\\log)_\{?(\d+)\}?", r"\1\2", text)
    for latex, python in [
        (r"\left|", "abs("), (r"\right|", ")"), (r"\left", ""), (r"\right", ""), (r"\lfloor", "floor("),
        (r"\rfloor", ")"), (r"\cdot", "*"), (r"\,", "*"), (r"\bmod", "%"), (r" \log", r" * \log"), ("* *", "*"),
        ("+ *", "+"), ("- *", "-"), (", *", ","), ("% *", "%"), (r"\_", "_"),
    ]:  # fmt: skip
        text = text.replace(latex, python)
    text = re.sub(r"\[([^][]*) = ([^][]*)\]", r"equal(\1, \2)", text)
    text = re.sub(r"\\operatorname\{(\w+)\}", r"\1", text)
    while "{" in text:
        before = text
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
        text = re.sub(r"\\sqrt\[3\]\{([^{}]*)\}", r"cbrt(\1)", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
        text = re.sub(r"\^\{([^{}]*)\}", r"**(\1)", text)
        assert text != before, text
    return eval(text.replace("\\", ""), {**WORDS, **letters})


# A label that is no number is no operand.
PLAIN = [
    gate for gate in gates() if (gate.latex or gate.name in SERIES) and gate.name not in ("cross_entropy", "argmax")
]


@pytest.mark.sampled(7)
@pytest.mark.parametrize("outer", PLAIN, ids=lambda gate: gate.name)
def test_brackets_stand_where_precedence_asks_for_them(outer):
    """A gate of gates, in each place, comes to its number when it is read as people read formulas."""
    letters = {"a": 0.3, "b": 0.7, "c": 0.45}
    for inner in PLAIN:
        count, inside = outer.arity or 3, inner.arity or 3
        for place in range(count):
            inner_value = inner.limit(list(letters.values())[:inside])
            values = [*letters.values()][:count]
            values[place] = inner_value
            shown = [*letters][:count]
            shown[place] = latex_formula(inner, [*letters][:inside])
            exact = outer.limit(values)
            if math.isfinite(exact) and outer.name not in ("floor", "equal") and inner_value > 0:
                text = latex_formula(outer, shown)
                assert computed(text, **letters) == pytest.approx(exact, rel=1e-9, abs=1e-12), text


def test_brackets_that_nothing_asks_for_are_left_out():
    def of(name, *operands):
        return latex_formula(lookup(name), operands)

    product, total = of("multiply", "x", "y"), of("add", "x", "y")
    assert of("multiply", product, "z") == r"x \cdot y \cdot z"
    assert of("add", product, total) == r"x \cdot y + x + y"
    assert of("divide", total, product) == r"\frac{x + y}{x \cdot y}"
    assert of("multiply", of("divide", "x", "y"), "z") == r"\frac{x}{y} \cdot z"
    assert of("sin", total) == r"\sin(x + y)"
    assert of("power", of("power", "x", "2"), "3") == "(x^{2})^{3}", "no double superscript"
    assert of("subtract", "x", total) == "x - (x + y)"
    assert of("multiply", latex_number(2e20), "x") == r"(2 \cdot 10^{20}) \cdot x"
    assert of("log", of("divide", "x", "y")) == r"\log\left(\frac{x}{y}\right)"


def test_gates_of_any_number_of_operands_are_written_out_where_they_are_few_else_as_a_sum():
    w, x = ([f"{letter}_{{{n}}}" for n in range(9)] for letter in "wx")
    dot = lookup("dot")
    assert latex_formula(dot, [*w[:2], *x[:2], "b"]) == r"w_{0} \cdot x_{0} + w_{1} \cdot x_{1} + b"
    assert latex_formula(dot, [*w, *x, "b"]) == r"\sum_{i} w_{i} x_{i} + b"
    assert latex_formula(dot, [*map(str, range(9)), *x, "-1"]) == (
        r"0 \cdot x_{0} + 1 \cdot x_{1} + \cdots + 8 \cdot x_{8} + (-1)"
    )
    assert latex_formula(lookup("logsumexp"), x) == r"\log\left(\sum_{i} e^{x_{i}}\right)"
    assert latex_formula(lookup("sum"), ["a", "-b"]) == "a + (-b)"
    assert latex_formula(lookup("maximum"), x) == r"\max(x_{0}, x_{1}, \cdots, x_{8})"
    assert latex_formula(lookup("cross_entropy"), ["1", "a", "b"]) == r"-\log \frac{e^{b}}{e^{a} + e^{b}}"


# ---- local derivatives ----------------------------------------------------------------------------------------------


def evaluated(formula):
    """A formula computed anew from its names."""
    if not isinstance(formula, Formula) or formula.gate is None:
        return getattr(formula, "number", formula)
    return formula.gate.limit([evaluated(operand) for operand in formula.operands])


def recorded(gate):
    """The gate at its samples, of Values, with each operand as a constant, and of one Value throughout."""
    for sample in gate.samples:
        leaves = numbered("x", *sample)
        yield gate(*leaves)
        for place in range(len(sample) if len(sample) > 1 else 0):
            yield gate(*(leaf.data if place == index else leaf for index, leaf in enumerate(leaves)))
        if gate.name not in ("select", "cross_entropy", "xlogy"):
            yield gate(*leaves[:1] * len(leaves))


@pytest.mark.sampled(7)
@pytest.mark.parametrize("gate", [*gates()], ids=lambda gate: gate.name)
def test_a_local_derivative_in_symbols_comes_to_the_number(gate):
    for out in recorded(gate):
        letters = {operand.name: operand.data for operand in out.operands if isinstance(operand, Value)}
        name_of = {id(operand): operand.name for operand in out.operands if isinstance(operand, Value)}
        for formula, number in zip(partials(out, {**name_of, id(out): "f"}), out.partials, strict=True):
            if number is None or math.isnan(number):  # of a constant
                continue
            assert evaluated(formula) == pytest.approx(number, rel=1e-9, abs=1e-15)
            text = written(formula)
            if len(text) < 3 * READABLE:  # longer ones are not written; numbers have four digits
                assert computed(text, f=out.data, **letters) == pytest.approx(number, rel=2e-3, abs=1e-12), text
            assert not re.search(r"--|- -|\+ -|(?<![\d.])1 \\cdot|\\cdot 1(?![\d.])", text)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("function", "latex"),
    [
        (lambda x: x**3, r"3 \cdot x^{2}"), (lambda x: x**2, r"2 \cdot x"), (mg.sigmoid, r"f \cdot (1 - f)"),
        (mg.tanh, "1 - f^{2}"), (mg.exp, "f"), (lambda x: 2 / x, r"-\frac{2}{x^{2}}"),
        (mg.sqrt, r"\frac{1}{2 \cdot f}"), (mg.log, r"\frac{1}{x}"), (mg.relu, "1"), (mg.atan, r"\frac{1}{1 + x^{2}}"),
        (mg.abs, r"\operatorname{sign}(x)"), (mg.erf, r"\frac{2}{\sqrt{\pi}} \cdot e^{-x^{2}}"),
        (lambda x: mg.logsumexp(x, x, x), r"\frac{e^{x}}{e^{x} + e^{x} + e^{x}}"),
        (lambda x: mg.elu(-x), "e^{u_{1}}"), (lambda x: mg.hypot(x, 3.0), r"\frac{x}{f}"),
        (lambda x: lookup("logistic_density")(x), r"-f \cdot \tanh(0.5 \cdot x)"),
    ],
)  # fmt: skip
def test_textbook_forms(function, latex):
    f = function(Value(0.5, "x"))
    symbolic = partials(f, mg.steps(f).names)
    assert (
        next(written(p) for p, operand in zip(symbolic, f.operands, strict=True) if isinstance(operand, Value)) == latex
    )


def test_a_gate_of_the_user_is_written_by_its_own_partial():
    cube = primitive("cube", lambda x: x * x * x, lambda out, x: 3 * x * x, latex="{0}^{{3}}")
    assert line_of(cube(Value(2.0, "x")), "x") == r"\frac{\partial f}{\partial f} \cdot 3 \cdot x^{2} = 1 \cdot 12 = 12"


def test_of_a_local_derivative_longer_than_a_line_the_number_is_named():
    f = mg.sinc(Value(0.1, "x"))
    assert line_of(f, "x").startswith(r"\frac{\partial f}{\partial f} \cdot (-0.3258) = 1 \cdot")
    many = mg.logsumexp(*numbered("x", *map(float, range(200))))
    assert line_of(many, "x_{0}").startswith(r"\frac{\partial f}{\partial f} \cdot (2.378 \cdot 10^{-87}) = 1")


# ---- equations ------------------------------------------------------------------------------------------------------


def test_both_circuits_of_the_notes():
    lines = uncoloured(to_latex(xyz())).splitlines()
    assert r"q &= x + y = (-2) + 5 = 3 \\" in lines
    assert r"\frac{\partial f}{\partial x} &= \frac{\partial f}{\partial q} = (-4) \cdot 1 = -4 \\" in lines
    text = uncoloured(to_latex(neuron()))
    assert r"f &= \frac{1}{u_{7}} = \frac{1}{1.368} = 0.7311" in text
    assert line_of(neuron(), "u_{7}") == (
        r"\frac{\partial f}{\partial f} \cdot \left(-\frac{1}{u_{7}^{2}}\right) = 1 \cdot (-0.5344) = -0.5344"
    )
    assert line_of(neuron(), "u_{4}") == r"-\frac{\partial f}{\partial u_{5}} = (-0.1966) \cdot (-1) = 0.1966"
    for name, gradient in [
        ("w_{0}", "-0.1966"), ("w_{1}", "-0.3932"), ("w_{2}", "0.1966"), ("x_{0}", "0.3932"), ("x_{1}", "-0.5898"),
    ]:  # fmt: skip
        assert line_of(neuron(), name).endswith(f"= {gradient}")


def test_a_sum_over_uses_in_symbols_then_in_numbers():
    x = Value(3.0, "x")
    slope = r"\frac{\partial f}{\partial f}"
    assert line_of(x * x, "x") == rf"{slope} \cdot x + {slope} \cdot x = 1 \cdot 3 + 1 \cdot 3 = 6"
    assert line_of(x - x, "x") == rf"{slope} - {slope} = 1 \cdot 1 + 1 \cdot (-1) = 0"


def test_there_is_a_line_where_the_last_term_arrives():
    """So that every line uses gradients of lines above it: ∂f/∂x needs ∂f/∂u₁."""
    x = Value(3.0, "x")
    lines = to_latex(x * (x * x)).splitlines()
    assert [line.split(" &=")[0] for line in lines if line.startswith(r"\frac")] == [
        r"\frac{\partial f}{\partial f}", r"\frac{\partial f}{\partial u_{1}}", r"\frac{\partial f}{\partial x}",
    ]  # fmt: skip
    assert line_of(x * (x * x), "x").endswith(r"= 1 \cdot 9 + 3 \cdot 3 + 3 \cdot 3 = 27")


def test_a_choice_hands_on_to_what_it_took():
    a, b = Value(1.0, "a"), Value(2.0, "b")
    assert line_of(mg.maximum(a, b), "b") == r"\frac{\partial f}{\partial f} = 1 \cdot 1 = 1"
    assert line_of(mg.maximum(a, b), "a") == r"\frac{\partial f}{\partial f} \cdot 0 = 1 \cdot 0 = 0"


def test_factors_that_are_products_stand_in_brackets():
    assert line_of(Value(3.0, "x") * 2e20, "x").endswith(r"1 \cdot (2 \cdot 10^{20}) = 2 \cdot 10^{20}")


def test_a_long_line_is_broken_before_its_equals_signs_and_a_long_sum_shortened():
    weights, inputs = numbered("w", 1.5, 2.5, 3.5), numbered("x", -1.25, -2.25, -3.25)
    text = to_latex(mg.dot(weights, inputs, Value(0.125, "bias")))
    assert max(map(len, uncoloured(text).splitlines())) < 2 * LINE
    assert "\n&= 1.5 \\cdot (-1.25) + 2.5 \\cdot" in text
    x = Value(2.0, "x")
    assert r" + \cdots + " in line_of(mg.sum([x] * 30), "x")


def test_parameters_have_their_short_names():
    f = mg.nn.MLP(1, [1, 1])([1.0])
    assert {r"w^{(0)}_{00}", r"b^{(2)}_{0}"} <= {*re.findall(r"[wb]\^\{\(\d\)\}_\{\d+\}", to_latex(f))}


def test_colours_are_names_in_latex_and_numbers_in_jupyter(tmp_path):
    equations = to_latex(xyz())
    assert r"= {\color{value}{3}}" in equations
    assert r"= {\color{gradient}{-4}}" in equations
    assert r"= {\color{#007a5a}{3}}" in equations._repr_latex_()
    assert r"= {\color{#b42318}{-4}}" in equations._repr_latex_()
    draw(xyz()).save(tmp_path / "f.tex")
    document = (tmp_path / "f.tex").read_text(encoding="utf-8")
    assert r"\definecolor{value}{RGB}{0,122,90}" in document
    assert equations in document


def test_slides_show_one_equation_after_the_other_and_jupyter_all():
    equations = to_latex(xyz(), pause=True)
    assert re.findall(r"\\uncover<(\d)->", equations) == [str(slide) for n in range(1, 8) for slide in (n, n)]
    assert "uncover" not in equations._repr_latex_()


# ---- compiled by TeX ------------------------------------------------------------------------------------------------


def compiled(folder, document):
    """The log of pdflatex, which must find no error, and the file that it made."""
    (folder / "f.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "f.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert run.returncode == 0, run.stdout[-2000:]
    assert not re.findall(r"(?m)^(?:!|Overfull|LaTeX Warning).*", run.stdout)
    return (folder / "f.pdf").read_bytes()


@pytest.mark.latex
def test_every_gate_in_every_place_and_the_circuits_of_the_notes_compile(tmp_path):
    shown = {gate: latex_formula(gate, ["x_{0}", r"\alpha", "-1"][: gate.arity or 3]) for gate in gates()}
    nested = [
        f"${latex_formula(gate, [text if n == place else '-2' for n in range(gate.arity or 3)])}$\n"
        for gate in gates()
        for place in range(gate.arity or 3)
        for text in shown.values()
    ]
    strange = [
        Value(1.0, name) for name in ("a%b", "x_", "_a", "naïve", "a b", "σ₁", "#$&", "{", "^", "~", "\\", "f_g_h")
    ]
    wide = numbered("z", *(n / 3 for n in range(6)))
    net = mg.nn.MLP(2, [3, 3])(numbered("x", 1.0, -2.0))
    circuits = [
        xyz(), neuron(), neuron(packed=True), mg.sum(strange), mg.nn.cross_entropy(net, 1),
        mg.logsumexp(*wide) * mg.norm(*wide), mg.nn.Neuron(16)([1 / (3 + n) for n in range(16)])[0],
        mg.sum([strange[0]] * 50) * strange[0], *(out for gate in gates() for out in recorded(gate)),
    ]  # fmt: skip
    draw(circuits[0]).save(tmp_path / "f.tex")
    head, _, _ = (tmp_path / "f.tex").read_text(encoding="utf-8").partition(r"\begin{align*}")
    rows = "\n".join(to_latex(root) for root in circuits)
    compiled(tmp_path, rf"{head}{rows}\raggedright {''.join(nested)}\end{{document}}")


def visible(page):
    """How many texts of a page stand on it: what is covered stands 20 m beside it."""
    beside, count = 0.0, 0
    for shift, text in re.findall(rb"1 0 0 1 (-?2000\.\d+) |(\]TJ)", page):
        beside += float(shift or 0)
        count += bool(text) and beside == 0
    return count


@pytest.mark.latex
def test_each_slide_of_beamer_has_one_equation_more(tmp_path):
    colours = r"\definecolor{value}{HTML}{007A5A}\definecolor{gradient}{HTML}{B42318}"
    frame = rf"\begin{{frame}}{to_latex(xyz(), pause=True)}\end{{frame}}"
    theme = r"\pdfcompresslevel=0\setbeamertemplate{navigation symbols}{}\hypersetup{draft}"
    pdf = compiled(tmp_path, rf"\documentclass{{beamer}}{theme}{colours}\begin{{document}}{frame}\end{{document}}")
    signs = [*filter(None, map(visible, re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)))]
    assert len(signs) == 7
    assert signs == sorted(set(signs))


@pytest.mark.latex
def test_the_neuron_of_the_notes_fits_a_frame_that_shrinks(tmp_path):
    colours = r"\definecolor{value}{HTML}{007A5A}\definecolor{gradient}{HTML}{B42318}"
    frame = rf"\begin{{frame}}[shrink]{to_latex(neuron(), pause=True)}\end{{frame}}"
    compiled(tmp_path, rf"\documentclass{{beamer}}{colours}\begin{{document}}{frame}\end{{document}}")

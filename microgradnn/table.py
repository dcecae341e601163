"""The table of primitives: every gate once, and all that is known of it.

Each entry stands in the same lines; `Primitive` says what each column may hold:

    name: Primitive = Primitive("name", forward on floats, ∂out/∂operand of (out, *operands) …, or variadic,
        limit, source, operator, neutral,
        symbol, text, latex: how it is drawn and written,
        array: the function of NumPy, or one of `xp`; array_partials: partials cheaper on arrays,
        interval: all its values over a box of numbers, by `intervals`; interval_partials: partials tighter there,
        samples; exact: the function in the words of mpmath; doc: what it computes; example, of a public gate)

A gate with an example is public: it is a function of the package, and a method of `Value` where all operands but the
first have defaults. The others serve operators, partials, losses and the compiler. What the table does not cover:
`softmax`, `mean` and the call of `dot` (`functional`); modules name activations themselves (`nn`).

The partials are slopes in all entries but one, `stop_gradient`, which is there to hand nothing on.

`interval` and what the partials give of intervals hold every number that the gate has in the box, its kinks, jumps and
the edges of its domain included.

`array_partials` are as exact: they cost less where a stack is at hand, or the exponential of an operand.

What tests hold of each entry: `forward` gives nan where an operand is nan, unless the gate does not look at it or
decides by it; `limit` has the sign that IEEE 754 gives, also at −0.0; `array` agrees with both everywhere, also at
absurd operands.

Partials are written with the gates themselves and without `if`. To 1e-12 they are right in orders 1 to 3, where the
operands' own rounding does not decide; not in third derivatives of what is made of x² + y² beyond 1e±100, which leave
the range of floats on the way, in those of norm by three different operands, nor in those of logsumexp and
cross_entropy of three and more where the largest tie.
Where y is 0, `power` replaces x = 0 by 1 in front of 0**-1, and of log 0 where y ≥ 0, so that it is a number there.
"""

from __future__ import annotations

import math

from microgradnn import array_forms, formulas
from microgradnn.array_forms import LARGEST
from microgradnn.intervals import INFINITY, decreasing, elementary, increasing, powers, several
from microgradnn.primitive import BUILT_IN, Primitive, Register, gates, lookup

_LN_2, _LN_10, _ROOT_2 = math.log(2), math.log(10), math.sqrt(2)

# fmt: off

# ---- arithmetic ------------------------------------------------------------------------------------------------------

add: Primitive = Primitive("add",
    lambda x, y: x + y, lambda out, x, y: 1.0, lambda out, x, y: 1.0, source="{0} + {1}", operator="add", neutral=0,
    symbol=("+", "+{}", "+{}"), text="{0} + {1}", latex="{0} + {1}",
    array="add",
    interval=lambda x, y: x + y,
    samples=[(2.0, 3.0), (-1.5, 0.25)], exact="x + y", doc="Sum of two numbers, x + y.")
subtract: Primitive = Primitive("subtract",
    lambda x, y: x - y, lambda out, x, y: 1.0, lambda out, x, y: -1.0, source="{0} - {1}", operator="sub",
    symbol=("−", "{}−x", "−{}"), text="{0} − {1}", latex="{0} - {1}",
    array="subtract",
    interval=lambda x, y: x - y,
    samples=[(2.0, 3.0), (-1.5, 0.25)], exact="x - y", doc="Difference of two numbers, x − y.")
multiply: Primitive = Primitive("multiply",
    lambda x, y: x * y, lambda out, x, y: y, lambda out, x, y: x, source="{0} * {1}", operator="mul",
    symbol=("×", "×{}", "×{}"), text="{0} × {1}", latex=r"{0} \cdot {1}",
    array="multiply",
    interval=lambda x, y: x * y,
    samples=[(2.0, 3.0), (-1.5, 0.25)], exact="x * y", doc="Product of two numbers, x · y.")
divide: Primitive = Primitive("divide",
    lambda x, y: x / y, lambda out, x, y: 1 / y, lambda out, x, y: -out / y,
    limit=lambda x, y: x * math.copysign(math.inf, y), source="{0} / {1}", operator="truediv",
    symbol=("÷", "{}/x", "÷{}"), text="{0} / {1}", latex=r"\frac{{{0}}}{{{1}}}",
    array="divide",
    interval=lambda x, y: x / y,
    samples=[(2.0, 3.0), (-1.5, 0.25)], exact="x / y", doc="Quotient of two numbers, x / y.")
power: Primitive = Primitive("power",
    formulas.power, lambda out, x, y: formulas.slope_of_power(x, y), lambda out, x, y: power_log(x, y),
    limit=formulas.power_limit, source="pow({0}, {1})", operator="pow",
    symbol=("xʸ", "{}^x", "x^{}"), text="{0} ** {1}", latex="{0}^{{{1}}}",
    array="power",
    interval=powers.power,
    samples=[(2.0, 3.0), (3.0, 0.0), (0.7, -1.3), (2.5, 0.5)],
    doc="Power, x to the y; its derivative by x is y x^(y − 1).")
remainder: Primitive = Primitive("remainder",
    lambda x, y: x % y, lambda out, x, y: 1.0, lambda out, x, y: -floor(x / y - out / y + 0.5), source="{0} % {1}",
    operator="mod",
    symbol=("%", "{}%x", "%{}"), text="{0} % {1}", latex=r"{0} \bmod {1}",
    array="remainder",
    interval=elementary.remainder, interval_partials=elementary.remainder_partials,
    samples=[(5.5, 2.0), (-5.5, 2.0), (5.5, -2.0)], exact="x - y * floor(x / y)",
    doc="Remainder of the division x / y, with the sign of y as in Python, x % y = x − y ⌊x / y⌋.",
    example="remainder(-5.5, 2.0) → 0.5")
negative: Primitive = Primitive("negative", lambda x: -x, lambda out, x: -1.0, source="-{0}", operator="neg",
    symbol="×−1", text="−{0}", latex="-{0}",
    array="negative",
    interval=lambda x: -x,
    samples=[2.0, -1.5], exact="-x", doc="Negation, −x.")
positive: Primitive = Primitive("positive", lambda x: x, lambda out, x: 1.0, source="+{0}", operator="pos",
    symbol="+", text="+{0}", latex="+{0}",
    array="positive",
    interval=lambda x: x,
    samples=[2.0, -1.5], exact="+x", doc="Identity, +x.")
abs_: Primitive = Primitive("abs", abs, lambda out, x: sign(x), source="abs({0})", operator="abs",
    symbol="|x|", text="|{0}|", latex=r"\left|{0}\right|",
    array="abs",
    interval=abs,
    samples=[1.5, -2.0], exact="x if x > 0 else -x",
    doc="Absolute value, |x|; its derivative at 0 is 0.", example="abs(-2.0) → 2.0")

# ---- exponentials, logarithms, roots ---------------------------------------------------------------------------------

exp: Primitive = Primitive("exp", math.exp, lambda out, x: out, limit=lambda x: math.inf,
    symbol="exp", latex="e^{{{0}}}",
    array="exp",
    interval=increasing(range=(0.0, INFINITY)),
    samples=[0.5, -2.0, 3.0], doc="Exponential, eˣ.", example="exp(0.0) → 1.0")
exp2: Primitive = Primitive("exp2", math.exp2, lambda out, x: _LN_2 * out, limit=lambda x: math.inf,
    symbol="2ˣ", latex="2^{{{0}}}",
    array="exp2",
    interval=increasing(range=(0.0, INFINITY)),
    samples=[0.5, -2.0, 3.0], exact="exp(x * log(2))", doc="Power of two, 2ˣ.", example="exp2(3.0) → 8.0")
expm1: Primitive = Primitive("expm1", math.expm1, lambda out, x: exp(x), limit=lambda x: math.inf,
    symbol="eˣ−1", latex="e^{{{0}}} - 1",
    array="expm1",
    interval=increasing(range=(-1.0, INFINITY)),
    samples=[0.5, -2.0, 1e-9], doc="eˣ − 1, accurate near 0.", example="expm1(1e-20) → 1e-20")
log: Primitive = Primitive("log", math.log, lambda out, x: 1 / x, limit=lambda x: -math.inf if x == 0 else math.nan,
    symbol="log", latex=r"\log({0})",
    array="log",
    interval=increasing(domain=(0.0, INFINITY)),
    samples=[0.5, 3.0], doc="Natural logarithm, ln x.", example="log(1.0) → 0.0")
log2: Primitive = Primitive("log2",
    math.log2, lambda out, x: 1 / x / _LN_2, limit=lambda x: -math.inf if x == 0 else math.nan,
    symbol="log₂", latex=r"\log_2({0})",
    array="log2",
    interval=increasing(domain=(0.0, INFINITY)),
    samples=[0.5, 3.0], exact="log(x) / log(2)", doc="Logarithm to base 2, log₂ x.", example="log2(8.0) → 3.0")
log10: Primitive = Primitive("log10",
    math.log10, lambda out, x: 1 / x / _LN_10, limit=lambda x: -math.inf if x == 0 else math.nan,
    symbol="log₁₀", latex=r"\log_{{10}}({0})",
    array="log10",
    interval=increasing(domain=(0.0, INFINITY)),
    samples=[0.5, 3.0], doc="Logarithm to base 10, log₁₀ x.", example="log10(1000.0) → 3.0")
log1p: Primitive = Primitive("log1p",
    math.log1p, lambda out, x: 1 / (1 + x), limit=lambda x: -math.inf if x == -1 else math.nan,
    symbol="log(1+x)", latex=r"\log(1 + {0})",
    array="log1p",
    interval=increasing(domain=(-1.0, INFINITY)),
    samples=[-0.5, 2.0, 1e-9], exact="log(1 + x)", doc="ln(1 + x), accurate near 0.", example="log1p(1e-20) → 1e-20")
clipped_log: Primitive = Primitive("clipped_log",
    formulas.clipped_log, lambda out, x, lowest: where(x - lowest, 1 / maximum(x, lowest), 0.0),
    lambda out, x, lowest: where(x - lowest, 0.0, 1 / maximum(x, lowest)),
    limit=lambda x, lowest: -math.inf if x == 0 else math.nan,
    symbol="log",
    array=lambda xp, x, lowest: xp.log(xp.where(xp.less(x, 0.0), x, xp.maximum(x, lowest))),
    interval=elementary.clipped_log,
    samples=[(0.2, 0.7), (0.5, 1e-9)], exact="log(max(x, lowest))",
    doc="ln x, and ln of `lowest` for x from 0 to there.")
xlogy: Primitive = Primitive("xlogy",
    formulas.xlogy, lambda out, x, y: log(where(equal(x, 0.0) * step(-y), 1.0, y)), lambda out, x, y: x / y,
    limit=lambda x, y: x * (-math.inf if y == 0 else math.nan),
    symbol="x·log y", text="{0} × log({1})", latex=r"{0} \log({1})",
    array=lambda xp, x, y: xp.where(xp.equal(x, 0.0), xp.where(xp.equal(y, y), 0.0, y), x * xp.log(y)),
    interval=elementary.xlogy,
    samples=[(2.0, 3.0), (-0.5, 0.25)], exact="x * log(y)",
    doc="x · ln y, and 0 at x = 0 for every y that is a number, where its derivative by x is ln y for y > 0, else 0.",
    example="xlogy(0.0, 0.0) → 0.0")
sqrt: Primitive = Primitive("sqrt", math.sqrt, lambda out, x: 0.5 / (out + 0.0),
    symbol="√", latex=r"\sqrt{{{0}}}",
    array="sqrt",
    interval=elementary.sqrt,
    samples=[0.5, 4.0], doc="Square root √x of x ≥ 0; its derivative at 0 is infinite.", example="sqrt(4.0) → 2.0")
cbrt: Primitive = Primitive("cbrt", math.cbrt, lambda out, x: 1 / (3 * out * out),
    symbol="∛", latex=r"\sqrt[3]{{{0}}}",
    array="cbrt",
    interval=increasing(),
    samples=[0.5, -8.0], exact="x ** (1 / mpf(3)) if x > 0 else -((-x) ** (1 / mpf(3)))",
    doc="Cube root, ∛x, also of negative numbers; its derivative at 0 is infinite.", example="cbrt(-8.0) → -2.0")
hypot: Primitive = Primitive("hypot",
    math.hypot, lambda out, x, y: direction_cosine(x, y), lambda out, x, y: direction_cosine(y, x),
    symbol="√(x²+y²)", latex=r"\sqrt{{{0}^{{2}} + {1}^{{2}}}}",
    array="hypot",
    interval=several.norm,
    samples=[(1.0, 2.0), (-3.0, 4.0)], exact="sqrt(x * x + y * y)",
    doc="Length of the vector (x, y), √(x² + y²), without overflow; its derivatives at (0, 0) are nan, see norm.",
    example="hypot(3.0, 4.0) → 5.0")

# ---- angles ----------------------------------------------------------------------------------------------------------

sin: Primitive = Primitive("sin", math.sin, lambda out, x: cos(x),
    symbol="sin", latex=r"\sin({0})",
    array="sin",
    interval=elementary.sin,
    samples=[0.5, -2.0], doc="Sine of x in radians.", example="sin(0.0) → 0.0")
cos: Primitive = Primitive("cos", math.cos, lambda out, x: -sin(x),
    symbol="cos", latex=r"\cos({0})",
    array="cos",
    interval=elementary.cos,
    samples=[0.5, -2.0], doc="Cosine of x in radians.", example="cos(0.0) → 1.0")
tan: Primitive = Primitive("tan", math.tan, lambda out, x: 1 + out * out,
    symbol="tan", latex=r"\tan({0})",
    array="tan",
    interval=elementary.tan,
    samples=[0.5, -2.0], doc="Tangent of x in radians.", example="tan(0.0) → 0.0")
asin: Primitive = Primitive("asin", math.asin, lambda out, x: 1 / sqrt(one_minus_square(x)),
    symbol="asin", latex=r"\arcsin({0})",
    array="arcsin",
    interval=increasing(domain=(-1.0, 1.0)),
    samples=[0.3, -0.8], doc="Inverse sine, in radians.", example="asin(0.0) → 0.0")
acos: Primitive = Primitive("acos", math.acos, lambda out, x: -1 / sqrt(one_minus_square(x)),
    symbol="acos", latex=r"\arccos({0})",
    array="arccos",
    interval=decreasing(domain=(-1.0, 1.0)),
    samples=[0.3, -0.8], doc="Inverse cosine, in radians.", example="acos(1.0) → 0.0")
atan: Primitive = Primitive("atan", math.atan, lambda out, x: circle_inversion(1.0, x),
    symbol="atan", latex=r"\arctan({0})",
    array="arctan",
    interval=increasing(),
    samples=[0.5, -2.0], doc="Inverse tangent, in radians.", example="atan(0.0) → 0.0")
atan2: Primitive = Primitive("atan2",
    math.atan2, lambda out, y, x: circle_inversion(x, y), lambda out, y, x: -circle_inversion(y, x),
    symbol="atan2",
    array="arctan2",
    interval=elementary.atan2,
    samples=[(1.0, 2.0), (-0.5, -1.5), (2.0, 0.0)],
    doc="Angle of the point (x, y), called as atan2(y, x), in radians between −π and π.",
    example="atan2(1.0, 0.0) → 1.5707963267948966")
sinc: Primitive = Primitive("sinc", formulas.sinc, lambda out, x: formulas.slope_of_sinc(x),
    symbol="sinc", latex=r"\operatorname{{sinc}}({0})",
    array=array_forms.sinc,
    interval=elementary.sinc, interval_partials=elementary.sinc_partials,
    samples=[0.5, -2.3, 0.3, 1e-3, 0.0], exact="sin(pi * x) / (pi * x) if x else +(1 + x)",
    doc="sin(πx) / (πx), and 1 at 0; its derivative is (cos(πx) − sinc(x)) / x, and 0 at 0. At ±∞ it has no value.",
    example="sinc(0.0) → 1.0")

# ---- hyperbolic functions --------------------------------------------------------------------------------------------

sinh: Primitive = Primitive("sinh", math.sinh, lambda out, x: cosh(x), limit=lambda x: math.copysign(math.inf, x),
    symbol="sinh", latex=r"\sinh({0})",
    array="sinh",
    interval=increasing(),
    samples=[0.5, -2.0], doc="Hyperbolic sine.", example="sinh(0.0) → 0.0")
cosh: Primitive = Primitive("cosh", math.cosh, lambda out, x: sinh(x), limit=lambda x: math.inf,
    symbol="cosh", latex=r"\cosh({0})",
    array="cosh",
    interval=increasing(even=True, range=(1.0, INFINITY)),
    samples=[0.5, -2.0], doc="Hyperbolic cosine.", example="cosh(0.0) → 1.0")
tanh: Primitive = Primitive("tanh", math.tanh, lambda out, x: 4 * logistic_density(2 * x),
    symbol="tanh", latex=r"\tanh({0})",
    array="tanh", array_partials=array_forms.tanh_partials,
    interval=increasing(range=(-1.0, 1.0)),
    samples=[0.3, -2.0, 20.0, 800.0],
    doc="Hyperbolic tangent, an activation with values in (−1, 1).", example="tanh(0.0) → 0.0")
asinh: Primitive = Primitive("asinh", math.asinh, lambda out, x: 1 / hypot(1.0, x),
    symbol="asinh", latex=r"\operatorname{{arsinh}}({0})",
    array="arcsinh",
    interval=increasing(),
    samples=[0.5, -2.0], doc="Inverse hyperbolic sine.", example="asinh(0.0) → 0.0")
acosh: Primitive = Primitive("acosh", math.acosh, lambda out, x: 1 / sqrt(x - 1) / sqrt(x + 1),
    symbol="acosh", latex=r"\operatorname{{arcosh}}({0})",
    array="arccosh",
    interval=increasing(domain=(1.0, INFINITY)),
    samples=[1.5, 4.0], doc="Inverse hyperbolic cosine of x ≥ 1; its derivative at 1 is infinite.",
    example="acosh(1.0) → 0.0")
atanh: Primitive = Primitive("atanh", math.atanh, lambda out, x: 1 / one_minus_square(x),
    limit=lambda x: math.copysign(math.inf, x) if abs(x) == 1 else math.nan,
    symbol="atanh", latex=r"\operatorname{{artanh}}({0})",
    array="arctanh",
    interval=increasing(domain=(-1.0, 1.0)),
    samples=[0.5, -0.8], doc="Inverse hyperbolic tangent of −1 < x < 1.", example="atanh(0.0) → 0.0")
erf: Primitive = Primitive("erf", math.erf, lambda out, x: 2 / math.sqrt(math.pi) * exp(-(x * x)),
    symbol="erf",
    array="erf",
    interval=increasing(range=(-1.0, 1.0)),
    samples=[0.3, -1.0], doc="Error function.", example="erf(0.0) → 0.0")
erfc: Primitive = Primitive("erfc", math.erfc, lambda out, x: -2 / math.sqrt(math.pi) * exp(-(x * x)),
    symbol="erfc",
    array="erfc",
    interval=decreasing(range=(0.0, 2.0)),
    samples=[0.3, -1.0], doc="1 − erf(x), accurate where that is small.")

# ---- activations -----------------------------------------------------------------------------------------------------

sigmoid: Primitive = Primitive("sigmoid", formulas.sigmoid, lambda out, x: logistic_density(x),
    source="(1.0 / (1.0 + exp(-{0})) if {0} >= 0.0 else exp({0}) / (1.0 + exp({0})))",
    symbol="σ", latex=r"\sigma({0})",
    array=lambda xp, x: 1 / (1 + xp.exp(-x)),
    array_partials=lambda xp, out, x: (out * (out * xp.minimum(xp.exp(-x), LARGEST)),),
    interval=increasing(range=(0.0, 1.0)),
    samples=[0.0, 1.0, -3.0, 40.0, -800.0], exact="1 / (1 + exp(-x))",
    doc="Logistic function, σ(x) = 1 / (1 + e⁻ˣ).", example="sigmoid(0.0) → 0.5")
softplus: Primitive = Primitive("softplus", formulas.softplus, lambda out, x: sigmoid(x),
    source="({0} if {0} >= 0.0 else 0.0) + log1p(exp(-abs({0})))",
    symbol="softplus",
    array=lambda xp, x: xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x))),
    interval=increasing(range=(0.0, INFINITY)),
    samples=[0.5, -2.0, 25.0, 800.0], exact="log(1 + exp(x))",
    doc="Smooth ReLU, ln(1 + eˣ).", example="softplus(100.0) → 100.0")
softsign: Primitive = Primitive("softsign", formulas.softsign, lambda out, x: 1 / (1 + abs_(x)) / (1 + abs_(x)),
    source="({0} / (1.0 + abs({0})) if abs({0}) != inf else 1.0 if {0} > 0.0 else -1.0)",
    symbol="softsign",
    array=lambda xp, x: array_forms.finite(xp, x) / (1 + xp.abs(array_forms.finite(xp, x))),
    interval=increasing(range=(-1.0, 1.0)),
    samples=[0.5, -2.0], exact="x / (1 + abs(x))", doc="x / (1 + |x|).", example="softsign(-1.0) → -0.5")
relu: Primitive = Primitive("relu",
    lambda x: 0.0 if x <= 0 else x, lambda out, x: where(x, 1.0, 0.0), source="(0.0 if {0} <= 0.0 else {0})",
    symbol="ReLU", latex=r"\operatorname{{ReLU}}({0})",
    array=lambda xp, x: xp.maximum(x, 0.0),
    interval=increasing(slack=0),
    samples=[1.5, -2.0], exact="x if x > 0 else 0 * x",
    doc="Rectifier, max(0, x); its derivative at 0 is 0.", example="relu(-2.0) → 0.0")
leaky_relu: Primitive = Primitive("leaky_relu",
    lambda x, slope: slope * x if x <= 0 else x, lambda out, x, slope=0.01: where(x, 1.0, slope),
    lambda out, x, slope: where(x, 0.0, x),
    source="({1} * {0} if {0} <= 0.0 else {0})",
    symbol="leaky ReLU",
    array=lambda xp, x, slope: xp.where(xp.greater(x, 0.0), x, slope * x),
    interval=elementary.leaky_relu,
    samples=[(1.5, 0.01), (-2.0, 0.1)], exact="x if x > 0 else slope * x",
    doc="x if x > 0, else slope · x; its derivative at 0 is the slope. A Value as slope is learned (note 000).",
    example="leaky_relu(-2.0, 0.5) → -1.0")
elu: Primitive = Primitive("elu", lambda x, alpha: alpha * math.expm1(x) if x <= 0 else x,
    lambda out, x, alpha=1.0: where(x, 1.0, alpha * exp(where(x, 0.0, x))),
    lambda out, x, alpha: where(x, 0.0, expm1(where(x, 0.0, x))),
    source="({1} * expm1({0}) if {0} <= 0.0 else {0})",
    symbol="ELU",
    array=lambda xp, x, alpha: xp.where(xp.greater(x, 0.0), x, alpha * xp.expm1(x)),
    interval=elementary.elu,
    samples=[(1.5, 1.0), (-2.0, 0.7)], exact="x if x > 0 else alpha * expm1(x)",
    doc="x if x > 0, else alpha · (eˣ − 1) (note 000).", example="elu(3.0) → 3.0")
gelu: Primitive = Primitive("gelu", lambda x: 0.5 * x * math.erfc(-x / _ROOT_2),
    lambda out, x: 0.5 * erfc(-x / _ROOT_2) + x * exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    source="0.5 * {0} * erfc(-{0} / 1.4142135623730951)",
    symbol="GELU", latex=r"\operatorname{{GELU}}({0})",
    array=lambda xp, x: 0.5 * x * xp.erfc(-x / _ROOT_2),
    interval=elementary.gelu,
    samples=[0.5, -2.0, 4.0], exact="x * erfc(-x / sqrt(mpf(2))) / 2",
    doc="x · Φ(x), with Φ the distribution function of the standard normal distribution and its density φ; at −∞ it is "
        "nan. Its derivative is Φ(x) + x · φ(x).",
    example="gelu(0.0) → 0.0")
silu: Primitive = Primitive("silu",
    lambda x: x * formulas.sigmoid(x), lambda out, x: sigmoid(x) + x * logistic_density(x),
    source="{0} * (1.0 / (1.0 + exp(-{0})) if {0} >= 0.0 else exp({0}) / (1.0 + exp({0})))",
    symbol="SiLU", latex=r"\operatorname{{SiLU}}({0})",
    array=lambda xp, x: x / (1 + xp.exp(-x)),
    interval=elementary.silu,
    samples=[0.5, -2.0, 40.0, -800.0], exact="x / (1 + exp(-x))",
    doc="x · σ(x), also called swish; at −∞ it is nan.", example="silu(0.0) → 0.0")
hardtanh: Primitive = Primitive("hardtanh",
    lambda x: -1.0 if x < -1 else 1.0 if x > 1 else x, lambda out, x: where(abs_(x) - 1, 0.0, 1.0),
    source="(-1.0 if {0} < -1.0 else 1.0 if {0} > 1.0 else {0})",
    symbol="hardtanh",
    array=lambda xp, x: xp.maximum(xp.minimum(x, 1.0), -1.0),
    interval=increasing(slack=0),
    samples=[0.5, -2.0, 3.0], exact="max(min(x, 1 + 0 * x), 0 * x - 1)",
    doc="x cut off at −1 and 1; its derivative at ±1 is 1.", example="hardtanh(2.0) → 1.0")

# ---- steps and choices -----------------------------------------------------------------------------------------------

sign: Primitive = Primitive("sign", formulas.sign, lambda out, x: 0.0,
    source="(1.0 if {0} > 0.0 else -1.0 if {0} < 0.0 else {0} if {0} != {0} else 0.0)",
    symbol="sign",
    array="sign",
    interval=increasing(slack=0),
    samples=[1.5, -2.0], doc="−1, 0 or 1 by the sign of x; its derivative is 0.", example="sign(-2.0) → -1.0")
step: Primitive = Primitive("step", lambda x: 1.0 if x >= 0 else x if x != x else 0.0, lambda out, x: 0.0,
    source="(1.0 if {0} >= 0.0 else {0} if {0} != {0} else 0.0)",
    symbol="step",
    array=lambda xp, x: xp.heaviside(x, 1.0),
    interval=increasing(slack=0),
    samples=[1.5, -2.0], exact="0 * x + (x >= 0)",
    doc="1 if x ≥ 0, else 0; its derivative is 0.", example="step(0.0) → 1.0")
floor: Primitive = Primitive("floor", formulas.floor, lambda out, x: 0.0,
    symbol="⌊x⌋", text="⌊{0}⌋", latex=r"\lfloor {0} \rfloor",
    array="floor",
    interval=increasing(slack=0),
    samples=[1.5, -2.5], doc="The largest whole number ≤ x; its derivative is 0.", example="floor(-2.5) → -3.0")
equal: Primitive = Primitive("equal",
    lambda x, y: 1.0 if x == y else 0.0, None, None, source="(1.0 if {0} == {1} else 0.0)",
    symbol="=", text="[{0} = {1}]", latex="[{0} = {1}]",
    array=lambda xp, x, y: xp.where(xp.equal(x, y), 1.0, 0.0),
    interval=elementary.equal,
    samples=[(1.0, 1.0), (1.0, 2.0)], exact="0 * x + (x == y)", doc="1 if x = y, else 0; without gradient.")
where: Primitive = Primitive("where", lambda c, a, b: a if c > 0 else b, None, lambda out, c, a, b: where(c, 1.0, 0.0),
    lambda out, c, a, b: where(c, 0.0, 1.0), source="({1} if {0} > 0.0 else {2})",
    symbol="where",
    array=lambda xp, c, a, b: xp.where(xp.greater(c, 0.0), a, b),
    interval=elementary.where,
    samples=[(1.0, 2.0, 3.0), (-1.0, 2.0, 3.0)], exact="a if c > 0 else b",
    doc="a if c > 0, else b; no gradient flows to c. Use it in place of an `if` on recorded numbers.",
    example="where(-1.0, 10.0, 20.0) → 20.0")
stop_gradient: Primitive = Primitive("stop_gradient", lambda x: x, None, source="+{0}",
    symbol="⊣",
    array=lambda xp, x: +x,
    interval=lambda x: x,
    samples=[2.0, -1.5], exact="+x", doc="The number x, through which no gradient flows.")
shift: Primitive = Primitive("shift", formulas.shift, lambda out, x, m: 1.0, lambda out, x, m: -1.0,
    source="(0.0 if {0} == {1} else {0} - {1})",
    symbol="−", latex="{0} - {1}",
    array=lambda xp, x, m: xp.where(xp.equal(x, m), 0.0, x - m),
    interval=lambda x, m: x - m,
    samples=[(1.0, 3.0), (-2.0, 0.5)], exact="x - m", doc="x − m, and 0 where both are the same infinity.")
share: Primitive = Primitive("share",
    lambda x, y: x / (x + y), lambda out, x, y: share(y, x) / (x + y), lambda out, x, y: -out / (x + y),
    limit=lambda x, y: x * math.inf, source="{0} / ({0} + {1})",
    symbol="x/(x+y)", text="{0} / ({0} + {1})", latex=r"\frac{{{0}}}{{{0} + {1}}}",
    array=lambda xp, x, y: x / (x + y),
    interval=elementary.share,
    samples=[(2.0, 3.0), (1.0, 1e-20)], exact="x / (x + y)",
    doc="The part of x in the whole, x / (x + y); no derivative of it cancels where x or y is small.")

# ---- what partials are made of, so that those of higher order neither cancel nor overflow ---------------------------

logistic_density: Primitive = Primitive("logistic_density",
    formulas.logistic_density, lambda out, x: -out * tanh(0.5 * x),
    source="exp(-abs({0})) / (1.0 + exp(-abs({0}))) ** 2",
    symbol="σ′", text="sigmoid({0}) × sigmoid(−{0})", latex=r"\sigma({0}) \, (1 - \sigma({0}))",
    array=array_forms.logistic_density,
    interval=decreasing(even=True, range=(0.0, INFINITY)),
    samples=[0.5, -2.0, 40.0, -600.0], exact="exp(-abs(x)) / (1 + exp(-abs(x))) ** 2",
    doc="Density of the logistic distribution, σ′(x) = σ(x) σ(−x); tanh′(x) is 4 σ′(2x).")
one_minus_square: Primitive = Primitive("one_minus_square",
    lambda x: (1.0 - x) * (1.0 + x), lambda out, x: -2 * x, source="(1.0 - {0}) * (1.0 + {0})",
    symbol="1−x²", text="1 − {0}²", latex="1 - {0}^{{2}}",
    array=lambda xp, x: (1.0 - x) * (1.0 + x),
    interval=elementary.one_minus_square,
    samples=[0.5, -0.999], exact="1 - x * x", doc="1 − x², exact near ±1.")
direction_cosine: Primitive = Primitive("direction_cosine",
    lambda x, y: x / math.hypot(x, y), lambda out, x, y: direction_cosine(y, x) / hypot(x, y) * direction_cosine(y, x),
    lambda out, x, y: -out / hypot(x, y) * direction_cosine(y, x),
    symbol="x/√(x²+y²)", text="{0} / √({0}² + {1}²)", latex=r"\frac{{{0}}}{{\sqrt{{{0}^{{2}} + {1}^{{2}}}}}}",
    array=lambda xp, x, y: x / xp.hypot(x, y),
    interval=elementary.direction_cosine,
    samples=[(1.0, 2.0), (-3.0, 4.0), (1e8, 1.0)], exact="x / sqrt(x * x + y * y)",
    doc="Cosine of the angle of the point (x, y), x / √(x² + y²), without overflow.")
circle_inversion: Primitive = Primitive("circle_inversion",
    formulas.circle_inversion, lambda out, x, y: circle_inversion(y, x) * circle_inversion(y, x) - out * out,
    lambda out, x, y: -2 * out * circle_inversion(y, x),
    symbol="x/(x²+y²)", text="{0} / ({0}² + {1}²)", latex=r"\frac{{{0}}}{{{0}^{{2}} + {1}^{{2}}}}",
    array=array_forms.inversion,
    interval=elementary.circle_inversion,
    samples=[(1.0, 2.0), (-3.0, 4.0), (1.0, 1e8)], exact="x / (x * x + y * y)",
    doc="First coordinate of the point (x, y) inverted in the unit circle, x / (x² + y²), without overflow.")
power_slope: Primitive = Primitive("power_slope",
    formulas.power_slope,
    lambda out, x, y: where((0.5 - abs_(y)) * abs_(x), (y - 1) * (out / x), y * power_slope(x, y - 1)),
    lambda out, x, y: power_mixed(x, y), limit=lambda x, y: y * formulas.power_limit(x, y - 1),
    source="{1} * pow({0}, {1} - 1)",
    symbol="yxʸ⁻¹", text="{1} × {0} ** ({1} − 1)", latex=r"{1} \cdot {0}^{{{1} - 1}}",
    array=array_forms.power_slope,
    interval=powers.power_slope,
    samples=[(2.0, 3.0), (0.7, -1.3), (2.5, 0.3)], exact="y * x ** (y - 1)",
    doc="∂(xʸ)/∂x = y xʸ⁻¹, and 0 at y = 0.")
power_log: Primitive = Primitive("power_log",
    formulas.power_log, lambda out, x, y: power_mixed(x, y), lambda out, x, y: power_log_squared(x, y),
    source="pow(abs({0}), {1}) * log({0})",
    symbol="xʸ·log x", text="{0} ** {1} × log({0})", latex=r"{0}^{{{1}}} \cdot \log({0})",
    array=array_forms.power_log,
    interval=powers.power_log,
    samples=[(2.0, 3.0), (0.7, -1.3), (2.5, 0.3)], exact="x ** y * log(x)",
    doc="∂(xʸ)/∂y = xʸ ln x, and 0 at x = 0 for y ≥ 0.")
power_log_squared: Primitive = Primitive("power_log_squared",
    formulas.power_log_squared, lambda out, x, y: power_log(x, y - 1) * (2 + y * formulas.log_above(x, y, 1)),
    lambda out, x, y: out * formulas.log_above(x, y, 0),
    symbol="xʸ·log² x", latex=r"{0}^{{{1}}} \cdot \log({0})^{{2}}",
    array=array_forms.power_log_squared,
    interval=powers.power_log_squared,
    samples=[(2.0, 3.0), (0.7, -1.3), (2.5, 0.3)], exact="x ** y * log(x) ** 2",
    doc="∂²(xʸ)/∂y² = xʸ ln² x, and 0 at x = 0 for y ≥ 0.")
power_mixed: Primitive = Primitive("power_mixed",
    formulas.power_mixed, lambda out, x, y: x ** (y - 2) * (2 * y - 1 + y * (y - 1) * formulas.log_above(x, y, 2)),
    lambda out, x, y: power_log(x, y - 1) * (2 + y * formulas.log_above(x, y, 1)),
    symbol="∂²xʸ", latex=r"{0}^{{{1} - 1}} \cdot (1 + {1} \cdot \log({0}))",
    array=array_forms.power_mixed,
    interval=powers.power_mixed,
    samples=[(2.0, 3.0), (0.7, -1.3), (2.5, 0.3)], exact="x ** (y - 1) * (1 + y * log(x))",
    doc="∂²(xʸ)/∂x∂y = xʸ⁻¹ (1 + y ln x), and 0 at x = 0 for y > 1.")

# ---- any number of operands ------------------------------------------------------------------------------------------

maximum: Primitive = Primitive("maximum", formulas.extreme(max), variadic=formulas.partials_of_ties,
    symbol="max",
    array=lambda xp, xs: xp.max(xs),
    interval=increasing(slack=0), interval_partials=several.maximum_partials,
    samples=[(1.0, 3.0), (2.0, -1.0, 0.5)], exact="max(xs)",
    doc="Largest operand; operands that tie share the gradient equally.", example="maximum(1.0, 3.0, 2.0) → 3.0")
minimum: Primitive = Primitive("minimum", formulas.extreme(min), variadic=formulas.partials_of_ties,
    symbol="min",
    array=lambda xp, xs: xp.min(xs),
    interval=increasing(slack=0), interval_partials=several.minimum_partials,
    samples=[(1.0, 3.0), (2.0, -1.0, 0.5)], exact="min(xs)",
    doc="Smallest operand; operands that tie share the gradient equally.", example="minimum(1.0, 3.0, 2.0) → 1.0")
sum_: Primitive = Primitive("sum", lambda *xs: sum(xs), variadic=lambda out, *xs: [1.0] * len(xs),
    symbol="Σ",
    array=lambda xp, xs: xp.sum(xs),
    interval=several.sum_,
    samples=[(1.0, 2.5), (1.0, -2.0, 3.0)], exact="sum(xs)",
    doc="Σ xᵢ as one gate; each of its derivatives is 1.", example="sum(1, 2, 3) → 6.0")
norm: Primitive = Primitive("norm",
    formulas.norm, variadic=formulas.partials_of_norm,
    symbol="‖x‖",
    array=array_forms.norm, array_partials=array_forms.norm_partials,
    interval=several.norm, interval_partials=several.norm_partials,
    samples=[(1.0, -2.0), (2.0, 3.0, -6.0)], exact="sqrt(sum(x * x for x in xs))",
    doc="Length of a vector, √Σ xᵢ², without overflow; its derivatives are xᵢ / norm, and 0 where all xᵢ are 0.",
    example="norm(2.0, 3.0, -6.0) → 7.0")
dot: Primitive = Primitive("dot", formulas.dot, variadic=formulas.partials_of_dot,
    symbol="w·x+b",
    array=None,
    interval=several.dot,
    samples=[(2.0, -1.0, 3.0), (2.0, -3.0, -1.0, -2.0, -3.0)],
    exact="sum(w * x for w, x in zip(operands, operands[len(operands) // 2 : -1])) + operands[-1]",
    doc="Σ wᵢ xᵢ + b; the operands are the w, then the x, then b.")
logsumexp: Primitive = Primitive("logsumexp",
    formulas.logsumexp, variadic=lambda out, *xs: formulas.partials_of_logsumexp(*xs),
    symbol="ln Σ eˣ",
    array=array_forms.logsumexp, array_partials=array_forms.logsumexp_partials,
    interval=several.logsumexp, interval_partials=several.logsumexp_partials,
    samples=[(1.0, 2.5), (0.3, -2.0, 1.0), (800.0, 799.0)],
    exact="log(sum(exp(x - max(xs)) for x in xs)) + max(xs)",
    doc="ln Σ exp(xᵢ) without overflow; its derivatives are softmax(xs), where operands that tie at an infinity "
        "share equally.",
    example="logsumexp(1000.0, 1000.0) → 1000.6931471805599")
select: Primitive = Primitive("select",
    formulas.select,
    variadic=lambda out, index, *xs: [None, *(where(equal(index, n), 1.0, 0.0) for n in range(len(xs)))],
    symbol="select",
    array=lambda xp, index, xs: xp.sum(xp.where(xp.equal(index, xp.indices(xs)), xs, 0.0)),
    array_partials=lambda xp, out, index, xs: (None, xp.where(xp.equal(index, xp.indices(xs)), 1.0, 0.0)),
    interval=several.select,
    samples=[(1.0, 2.5, -1.0), (0.0, 3.0, 0.3, 1.0)], exact="xs[int(index + 0.5)]",
    doc="Operand number `index` of those that follow it; the index takes no gradient.")
cross_entropy: Primitive = Primitive("cross_entropy",
    formulas.cross_entropy, variadic=formulas.partials_of_cross_entropy,
    symbol="−ln p",
    array=array_forms.cross_entropy, array_partials=array_forms.cross_entropy_partials,
    interval=several.cross_entropy,
    interval_partials=several.cross_entropy_partials,
    samples=[(1.0, 2.5, -1.0), (0.0, 3.0, 0.3, 1.0), (2.0, 0.5, 40.0, -0.5)],
    exact="log(sum(exp(x - xs[int(index + 0.5)]) for x in xs))",
    doc="−ln softmax of operand number `index` of those that follow it; the index takes no gradient.")
argmax: Primitive = Primitive("argmax", formulas.argmax, variadic=lambda out, *xs: [None] * len(xs),
    symbol="argmax",
    array=lambda xp, xs: xp.min(
        xp.where(xp.equal(xs, xp.max(xs)), xp.indices(xs), xp.where(xp.equal(xs, xs), math.inf, xp.indices(xs)))),
    interval=several.argmax,
    samples=[(1.0, 3.0), (2.0, -1.0, 0.5)], exact="0 * xs[0] + xs.index(max(xs))",
    doc="The place of the first operand that is nan, else of the first that is largest; without gradient.")
# fmt: on

select.handed = formulas.handed_by_select  # type: ignore[method-assign]  # sooner than by where and equal
BUILT_IN.update(gate.name for gate in gates())
LABELLED = (select, cross_entropy)  # gates whose first operand is the number of one of the others
OPERATORS = {gate.name: gate.operator for gate in gates() if gate.operator}  # special methods of Python

for _gate in map(lookup, OPERATORS):
    setattr(Register, f"__{_gate.operator}__", lambda *operands, gate=_gate: gate(*operands))
    setattr(Register, f"__r{_gate.operator}__", lambda y, x, gate=_gate: gate(x, y))

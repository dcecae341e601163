"""Trust: a derivative proven, or the guilty gate named; of functions, gates, claims, answers by hand and networks.

`check_grads` is for tests: it says nothing where all derivatives are right, and raises AssertionError where one is not.
`report_grads` gives the same as a report, which is true where nothing is wrong.

>>> from microgradnn import check_grads, exp, report_grads
>>> check_grads(lambda w, x: 1 / (1 + exp(-w * x)), (2.0, -1.0), order=2)
>>> print(report_grads(lambda w, x: 1 / (1 + exp(-w * x)), (2.0, -1.0)))
derivative by           exact         numeric     error   verdict   known by
─────────────   ─────────────   ─────────────   ───────   ───────   ────────
argument 0      -0.1049935854   -0.1049935854   1.4e-17   right     proof
argument 1       0.2099871708    0.2099871708   2.8e-17   right     proof

`exact` is what the rules of the gates give, `numeric` what is true. What is true does not come from the rules: the
function is run once more on numbers of 160 digits, where a difference quotient is as good as exact. So is every gate on
the way, which finds the guilty one:

>>> from microgradnn import primitive, scratch_table, tanh
>>> with scratch_table():  # in which a gate may be defined that is forgotten afterwards
...     wrong = primitive("wrong", lambda x: x * x, lambda out, x: x)
...     check_grads(lambda x: wrong(tanh(x)), (3.0,))
Traceback (most recent call last):
AssertionError: ... the rule of wrong(0.99505...) is wrong: its partial 0 gives 0.9951, it is 1.99...

A function that cannot run on such numbers is checked by differences of floats; the report says why, and `known by` says
"differences".

Five verdicts
-------------

- `right`: the rules give the true slope.
- `wrong`: they do not; a sentence names the gate and its line, or says that a path is missing, as when `.data` cuts it
  off.
- `kink`: the slopes on both sides differ, as those of relu at 0, and the rules give a number between them. That passes,
  and so does a jump, as that of step at 0, where one of them is infinite.
- `outside`: the function has no value on one side, as sqrt at 0. `check_grads` raises.
- `noisy`: the rules may be right, but rounding leaves too few digits to tell. `check_grads` raises, since nobody could
  use such a number; the sentence says which gate lost the digits. Rewrite the formula there, as sin(x / 2)² · 2 for
  1 - cos(x), or check at another point.

>>> from microgradnn import cos
>>> [finding] = report_grads(lambda x: (1 - cos(x)) / x**2, (1e-6,))
>>> finding.verdict, finding.message
('noisy', '...: 0 digits are left, others are lost at subtract(1.0, 0.9999999999995)...')

The gradient of another program
-------------------------------

`of=` is the function that claims to compute the gradient. It may be anything that takes floats, lists or NumPy arrays:

>>> import math
>>> length = lambda v: math.sqrt(v[0] ** 2 + v[1] ** 2)
>>> wrong = lambda v: [v[0] / length(v), 2 * v[1] / length(v)]
>>> check_grads(length, ([3.0, 4.0],), of=wrong)
Traceback (most recent call last):
AssertionError: the derivative by argument 0[1] = 4.0 was claimed to be 1.6, it is 0.8

So are backward rules of PyTorch checked, and those of JAX (`jax.custom_vjp`) in the same way::

    import torch
    from microgradnn import check_grads

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, gradient):
            return 3 * ctx.saved_tensors[0] ** 2 * gradient

    def claimed(x):
        x = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        Cube.apply(x).backward()
        return x.grad

    check_grads(lambda x: x**3, (2.0,), of=claimed)

Gates, and circuits drawn by chance
-----------------------------------

`check_gate` proves the rule of a gate, orders 1 to 3, over its domain. A property test puts it among others:
`expressions` draws a circuit and a point, `f.point`, and what fails shrinks to the guilty gate. It needs hypothesis.

>>> from hypothesis import given, settings
>>> from microgradnn import check_gate
>>> from microgradnn.checks.strategies import expressions
>>> check_gate("tanh")
>>> @settings(max_examples=10, deadline=None)
... @given(expressions(gates=["add", "multiply", "tanh"]))
... def test_gradients(f):
...     check_grads(f, f.point)
>>> test_gradients()

Answers found by hand
---------------------

`check_by_hand` compares answers in the digits given, and names the slip; `explain` writes a derivative as the sum over
its paths. The names are those of pictures; "x.data" is the value of x.

>>> from microgradnn import Value, check_by_hand, explain
>>> x, y, z = Value(-2.0, "x"), Value(5.0, "y"), Value(-4.0, "z")
>>> q = (x + y).named("q")
>>> check_by_hand(q * z, {"x": "-4", "q": "3"})
Traceback (most recent call last):
AssertionError: ∂f/∂q = 3 is wrong, it is −4: the factors are swapped; ∂f/∂q is the other...
>>> print(explain(q * z + x * x, "x"))
∂f/∂x = −8, 3 paths from f to x:
  ∂f/∂u1 · ∂u1/∂q · ∂q/∂x = 1 × (−4) × 1 = −4
  ∂f/∂u2 · ∂u2/∂x (1 of 2) = 1 × (−2) = −2
  ∂f/∂u2 · ∂u2/∂x (2 of 2) = 1 × (−2) = −2
  added up: −8

A network that does not learn
-----------------------------

`diagnose` takes the arguments of `fit` and lists symptoms: dead units, gradients that vanish, inputs out of scale, …

>>> from microgradnn import diagnose, nn
>>> model = nn.MLP(2, [4, 1], rng=0)
>>> model.layers[0].bias[2].data = -50.0
>>> X, y = [[-1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]], [1, 1, -1, -1]
>>> print(*diagnose(model, "hinge", X, y))
0: 1 of 4 relu units is dead, 0.weight[2], with a slope near 0 in 100 % of 4 examples...

Where a nan comes from is for `detect_anomaly()` to say, in a `with` block or as a decorator:

>>> from microgradnn import detect_anomaly
>>> with detect_anomaly():
...     y = Value(float("inf"), "big") * Value(0.0, "none")
Traceback (most recent call last):
FloatingPointError: ...

"""

from microgradnn.checks.by_hand import check_by_hand
from microgradnn.checks.diagnosis import diagnose
from microgradnn.checks.explain import explain
from microgradnn.checks.gates import check_gate
from microgradnn.checks.gradients import check_grads, numeric_grad, report_grads
from microgradnn.checks.verdicts import Finding, Report

__all__ = [
    "Finding", "Report", "check_by_hand", "check_gate", "check_grads", "diagnose", "explain", "numeric_grad",
    "report_grads",
]  # fmt: skip

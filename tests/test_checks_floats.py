"""Slopes by differences: the error of the estimate is honest, and kinks, jumps, edges and noise are named."""

import math
import struct

import pytest

from microgradnn.checks.floats import Slopes, slopes, verdict

INF = math.inf


def slopes_of(f, x):
    [result] = slopes(lambda t: [f(t)], x)
    return result


def float32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def staircase(f, digits):
    return lambda t: round(f(t), digits)


SMOOTH = [  # a function, its derivative, points
    (math.sin, math.cos, [0.7, -1.3, 0.0, 1e-9, 1e3]),
    (math.exp, math.exp, [0.7, -40.0, 300.0, 709.7]),
    (math.log, lambda t: 1 / t, [1e-300, 1e-12, 0.7, 1e300]),
    (math.sqrt, lambda t: 0.5 / math.sqrt(t), [1e-300, 1e-6, 2.0, 1e12]),
    (lambda t: 1 / t, lambda t: -1 / t**2, [1e-9, -1e-9, 0.3, -3e12]),
    (lambda t: t * t, lambda t: 2 * t, [0.0, 1e-100, 1e-9, -3.0, 1e100]),
    (lambda t: t**4, lambda t: 4 * t**3, [0.0, 1e-9, 2.0]),
    (lambda t: t**10, lambda t: 10 * t**9, [0.0, 1e-20, -1.5]),
    (lambda t: t * abs(t), lambda t: 2 * abs(t), [0.0, 1e-5, -1.0]),
    (lambda t: t**0.3, lambda t: 0.3 * t**-0.7, [1e-30, 1e-12, 2.0]),
    (lambda t: math.sin(1e6 * t), lambda t: 1e6 * math.cos(1e6 * t), [0.0, 0.3, 1.0, 17.0]),
    (lambda t: math.tanh(50 * t), lambda t: 50 / math.cosh(50 * t) ** 2, [0.0, 0.01, -0.1]),
    (lambda t: math.exp(300 * t), lambda t: 300 * math.exp(300 * t), [-0.5, 0.0, 1.0, 2.0]),
    (lambda t: math.hypot(t, 1e-10), lambda t: t / math.hypot(t, 1e-10), [0.0, 1e-11, -3e-9, 1.0]),
    (lambda t: math.log(1 - t), lambda t: -1 / (1 - t), [0.5, 1 - 2**-20, 1 - 2**-33]),
    (lambda t: 1 + math.exp(-math.erf(t) / math.expm1(t)), lambda t: 0.18254824309522708, [2.1192189376186906e-06]),
    (lambda t: 1e300 * t, lambda t: 1e300, [1.0, 0.0, -7.0]),
    (lambda t: 1e-300 * t, lambda t: 1e-300, [1.0, -7.0]),
    (lambda t: 5.0, lambda t: 0.0, [0.0, 1.0, -1e9]),
    (lambda t: math.sin(128 * math.pi * t), lambda t: 128 * math.pi * math.cos(128 * math.pi * t), [0.0, 0.5]),
    (lambda t: max(t, 0.0), lambda t: float(t > 0), [1e-9, -1e-9, 1e-30, -1.0]),
    (lambda t: float(t >= 0), lambda t: 0.0, [-1.0, 1.0]),
    (lambda t: 2 * t + 1 if t > 0 else 0.0, lambda t: 2 * float(t > 0), [-1e-7, -1.0, 1.0]),
]
NOISY = [
    (lambda t: 1e16 + t - 1e16, lambda t: 1.0, [0.5, 1.0, 3.3, 1e6]),
    (lambda t: 1e12 + t - 1e12, lambda t: 1.0, [0.0, 0.5, 3.3]),
    (lambda t: (1 + t) - 1, lambda t: 1.0, [0.0, 1e-12, 1e-9, 1e-3]),
    (lambda t: (1 - math.cos(t)) / t, lambda t: math.sin(t) / t - 0.5 * (math.sin(t / 2) / (t / 2)) ** 2, [1e-7, 1e-4]),
    (lambda t: math.log(math.cos(1e-12 * t)), lambda t: -1e-24 * t, [-1.5]),
    (lambda t: float32(math.sin(t)), math.cos, [0.7, -1.3, 2.5]),
    (lambda t: float32(math.exp(t)), math.exp, [0.7, -1.3, 2.5]),
    (lambda t: float32(math.cos(t)), lambda t: -math.sin(t), [-2.9e-6, 1.0]),
    (lambda t: float32(math.erf(t)), lambda t: 2 / math.sqrt(math.pi) * math.exp(-t * t), [4.6]),
    (staircase(math.sin, 10), math.cos, [0.3, 1.0]),
    (staircase(math.exp, 4), math.exp, [0.3, 1.0]),
    (lambda t: math.sin(t + 1e8), lambda t: math.cos(t + 1e8), [0.3, 1.0]),
    (lambda t: t**7 - 7 * t**6 + 21 * t**5 - 35 * t**4 + 35 * t**3 - 21 * t**2 + 7 * t - 1,
     lambda t: 7 * (t - 1) ** 6, [0.9, 1.001, 1.1, 2.0]),
]  # fmt: skip
SMOOTH_POINTS = [(f, x, slope(x)) for f, slope, points in SMOOTH for x in points]
NOISY_POINTS = [(f, x, slope(x)) for f, slope, points in NOISY for x in points]


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("f", "x", "slope"), SMOOTH_POINTS)
def test_a_right_derivative_is_right_and_a_wrong_one_wrong(f, x, slope):
    found = slopes_of(f, x)
    assert abs(found.across - slope) <= found.error + 4e-16 * abs(slope)
    assert verdict(slope, found, 1e-9)[0] == "right"
    for factor in (1.0, 1e-2, 1e-4, 1e-6):
        if slope and found.error < factor * abs(slope) / 4:
            assert verdict(slope * (1 + factor), found, 1e-9)[0] == "wrong"
    if not slope:
        assert verdict(1e-3, found, 1e-9)[0] == "wrong"


def test_estimates_are_tight_enough_for_errors_of_1e_6():
    loose = [(x, slope) for f, x, slope in SMOOTH_POINTS if slope and slopes_of(f, x).error > 2e-7 * abs(slope)]
    assert len(loose) <= 3, loose
    assert slopes_of(math.exp, 1.0).error < 1e-12
    assert slopes_of(math.sin, 0.7).error < 1e-13


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("f", "x", "slope"), NOISY_POINTS)
def test_noise_is_no_excuse_for_a_false_verdict(f, x, slope):
    found = slopes_of(f, x)
    assert abs(found.across - slope) <= found.error
    assert verdict(slope, found, 1e-9)[0] in ("right", "noisy")
    if found.error < abs(slope) / 1e3:
        assert verdict(slope * 1.01, found, 1e-9)[0] in ("wrong", "noisy")


def test_what_cannot_be_told_is_noisy():
    for f, x in ((lambda t: 1e16 + t - 1e16, 0.5), (staircase(math.exp, 2), 0.3), (lambda t: 1e20 + t, 1.0)):
        for claimed in (1.0, 2.0):
            assert verdict(claimed, slopes_of(f, x), 1e-9)[0] == "noisy"


@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    ("f", "x", "kind", "left", "right"),
    [
        (abs, 0.0, "kink", -1, 1),
        (lambda t: abs(t - 0.1), 0.1, "kink", -1, 1),
        (lambda t: t if t > 0 else 2 * math.expm1(t), 0.0, "kink", 2, 1),
        (lambda t: min(max(t, 0.0), 6.0), 6.0, "kink", 1, 0),
        (lambda t: min(t, 1e9), 1e9, "kink", 1, 0),
        (lambda t: 1e-9 * abs(t - 1) + t, 1.0, "kink", 1 - 1e-9, 1 + 1e-9),
        (lambda t: math.sqrt(abs(t)), 0.0, "kink", -INF, INF),
        (lambda t: max(t, 0.0) - max(-t, 0.0), 0.0, "smooth", 1, 1),
        (math.cbrt, 0.0, "smooth", INF, INF),
        (lambda t: math.cbrt(t - 1), 1.0, "smooth", INF, INF),
        (math.sqrt, 0.0, "edge", None, INF),
        (math.asin, 1.0, "edge", INF, None),
        (lambda t: t**1.5, 0.0, "edge", None, 0),
        (lambda t: t * math.log(t) if t else 0.0, 0.0, "edge", None, -INF),
        (lambda t: math.sin(t) if t <= 1 else math.nan, 1.0, "edge", math.cos(1), None),
        (lambda t: math.log(t) if t else -INF, 0.0, "edge", None, None),
        (lambda t: float(t >= 0), 0.0, "jump", INF, 0),
        (lambda t: float((t > 0) - (t < 0)), 0.0, "jump", INF, INF),
        (lambda t: 2 * t + 1 if t > 0 else 0.0, 0.0, "jump", 0, INF),
        (lambda t: math.sin(t) + 1e-6 * (t >= 1), 1.0, "jump", INF, math.cos(1)),
    ],
)
def test_kinks_jumps_and_edges_are_named_with_both_slopes(f, x, kind, left, right):
    found = slopes_of(f, x)
    assert found.kind == kind
    for estimate, slope in ((found.left, left), (found.right, right)):
        assert estimate == slope or abs(estimate - slope) <= found.error


@pytest.mark.parametrize(
    ("claimed", "found", "word"),
    [
        (0.3, Slopes(-1.0, 1.0, 0.0, 1e-14, "kink"), "kink"),
        (1.0, Slopes(-1.0, 1.0, 0.0, 1e-14, "kink"), "kink"),
        (1.000001, Slopes(-1.0, 1.0, 0.0, 1e-14, "kink"), "wrong"),
        (math.nan, Slopes(-1.0, 1.0, 0.0, 1e-14, "kink"), "wrong"),
        (INF, Slopes(None, INF, None, 0.0, "edge"), "outside"),
        (1.0, Slopes(None, None, None, INF, "edge"), "outside"),
        (0.0, Slopes(INF, 0.0, None, 0.0, "jump"), "kink"),
        (0.0, Slopes(INF, INF, None, 0.0, "jump"), "outside"),
        (INF, Slopes(INF, INF, INF, 0.0, "smooth"), "right"),
        (1.0, Slopes(INF, INF, INF, 0.0, "smooth"), "wrong"),
        (math.nan, Slopes(1.0, 1.0, 1.0, 1e-12, "smooth"), "wrong"),
        (1.0, Slopes(1.0, 1.0, 1.0, 1e-3, "noisy"), "noisy"),
        (1.1, Slopes(1.0, 1.0, 1.0, 1e-3, "noisy"), "noisy"),
        (0.0, Slopes(0.0, 0.0, 0.0, 1e-16, "smooth"), "right"),
        (INF, Slopes(math.nan, math.nan, math.nan, INF, "noisy", 1.0), "noisy"),
        (0.0, Slopes(math.nan, math.nan, math.nan, INF, "noisy", 1.0), "noisy"),
        (1e-17, Slopes(0.0, 0.0, 0.0, 1e-20, "smooth", 1.0), "right"),
    ],
)
def test_verdicts(claimed, found, word):
    assert verdict(claimed, found, 1e-9)[0] == word


def test_every_number_of_the_result_has_slopes_of_its_own():
    smooth, kink, edge, constant = slopes(lambda t: [t * t, abs(t), math.sqrt(t) if t >= 0 else math.nan, 1.0], 0.0)
    assert [smooth.kind, kink.kind, edge.kind, constant.kind] == ["smooth", "kink", "edge", "smooth"]


def test_a_complex_number_is_outside_the_domain():
    assert slopes_of(lambda t: t**0.5, 0.0).kind == "edge"


def test_what_f_raises_at_the_point_itself_is_raised():
    with pytest.raises(ValueError, match=r"math domain error|expected a positive input"):  # from Python 3.14 on
        slopes(lambda t: [math.log(t)], -1.0)


@pytest.mark.parametrize("x", [5e-324, 1e-310, -1e-300, 1e300, 1.7e308])
def test_arguments_at_the_ends_of_the_floats(x):
    assert verdict(2.0, slopes_of(lambda t: 2 * t, x), 1e-9)[0] in ("right", "noisy", "outside")
    assert verdict(1.0, slopes_of(abs, abs(x)), 1e-9)[0] in ("right", "noisy", "outside", "kink")


def test_some_hundred_evaluations_an_argument():
    evaluations = []
    slopes(lambda t: [evaluations.append(t) or math.sin(t)], 0.7)
    assert len(evaluations) <= 120

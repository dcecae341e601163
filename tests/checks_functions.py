"""A hundred functions as people write them, each with a point and its formula in the words of mpmath.

`FUNCTIONS` maps a name to (f, arguments, formula). The formula takes the arguments as mpmath numbers, nested alike with
lists for arrays, and is written without looking at how f is written: its derivative is the truth.
"""

import bisect
import cmath
import collections
import contextlib
import copy
import dataclasses
import decimal
import enum
import fractions
import functools
import heapq
import itertools
import math
import numbers
import operator
import random
import statistics
import typing
from abc import ABC, abstractmethod
from math import cos, exp as e_to_the, log, pi, sin, sqrt

import numpy as np
from mpmath import mp
from numpy.linalg import norm as length_of

import microgradnn
from microgradnn import Value, nn

FUNCTIONS = {}


def case(*args, formula):
    """Enter a function with its arguments and its formula."""

    def enter(f):
        assert f.__name__ not in FUNCTIONS, f.__name__
        FUNCTIONS[f.__name__] = f, args, formula
        return f

    return enter


# ---- activations ----------------------------------------------------------------------------------------------------


@case(0.7, formula=lambda x: x * mp.tanh(mp.log(1 + mp.exp(x))))
def mish(x):
    return x * math.tanh(math.log1p(math.exp(x)))


@case(-0.7, formula=lambda x: 1.0507009873554805 * 1.6732632423543772 * (mp.exp(x) - 1))
def selu(x, alpha=1.6732632423543772, scale=1.0507009873554805):
    return scale * (x if x > 0 else alpha * (math.exp(x) - 1))


@case(1.3, formula=lambda x: x / (1 + mp.exp(-mp.mpf(1.702) * x)))
def quick_gelu(x):
    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    return x * sigmoid(1.702 * x)


@case(0.4, formula=lambda x: x * (1 + mp.tanh(mp.sqrt(2 / mp.mpf(math.pi)) * (x + mp.mpf(0.044715) * x**3))) / 2)
def gelu_by_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@case(1.0, formula=lambda x: x * (x + 3) / 6)
def hard_swish(x):
    return x * min(max(0.0, x + 3), 6.0) / 6


def _relu(x):
    return x if x > 0 else 0.0


ACTIVATIONS = {"relu": _relu, "tanh": math.tanh, "sine": lambda x: math.sin(x), "square": lambda x: x**2}


@case(0.8, formula=lambda x: mp.tanh(x) + mp.sin(x) ** 2)
def helpers_in_a_dict(x):
    return ACTIVATIONS["tanh"](x) + ACTIVATIONS["square"](ACTIVATIONS["sine"](x)) + ACTIVATIONS["relu"](-x)


@case([0.2, -1.0, 3.0], formula=lambda z: mp.exp(z[0]) / sum(map(mp.exp, z)))
def first_of_softmax(z):
    highest = max(z)
    weights = [math.exp(v - highest) for v in z]
    return weights[0] / sum(weights)


@case(0.3, 0.9, formula=lambda x, beta: x / (1 + mp.exp(-beta * x)))
def swish_with_value_gates(x, beta):
    return x * microgradnn.sigmoid(beta * x)


# ---- losses ---------------------------------------------------------------------------------------------------------


@case([0.5, 2.0, -1.5], [0.0, 0.5, -1.0], formula=lambda p, t: sum(
    (a - b) ** 2 / 2 if abs(a - b) <= 1 else abs(a - b) - mp.mpf(1) / 2 for a, b in zip(p, t, strict=True)) / 3)
def huber(predictions, targets, delta=1.0):
    total = 0.0
    for p, t in zip(predictions, targets, strict=True):
        error = abs(p - t)
        total += 0.5 * error**2 if error <= delta else delta * (error - 0.5 * delta)
    return total / len(predictions)


@case(0.3, formula=lambda p: -((1 - p) ** 2) * mp.log(p))
def focal_loss(p, gamma=2):
    return -((1 - p) ** gamma) * math.log(p)


@case([0.2, 0.3, 0.5], [0.1, 0.6, 0.3], formula=lambda p, q: sum(a * mp.log(a / b) for a, b in zip(p, q, strict=True)))
def kullback_leibler(p, q):
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 0)


@case(np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0]), formula=lambda a, b: 1 - sum(
    x * y for x, y in zip(a, b, strict=True)) / mp.norm(a) / mp.norm(b))
def cosine_distance(a, b):
    return 1 - np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))


@case(0.4, -0.8, formula=lambda x, y: mp.log(mp.cosh(x - y)))
def log_cosh(x, y):
    d = x - y
    return abs(d) + math.log1p(math.exp(-2 * abs(d))) - math.log(2)


@case([1.0, 0.2], [0.3, 0.9], [-1.0, 2.0], formula=lambda a, p, n: (
    (a[0] - p[0]) ** 2 + (a[1] - p[1]) ** 2 - mp.sqrt((a[0] - n[0]) ** 2 + (a[1] - n[1]) ** 2) + 2))
def triplet(anchor, positive, negative, margin=2.0):
    return max(math.dist(anchor, positive) ** 2 - math.dist(anchor, negative) + margin, 0)


@case(1.5, 2.0, formula=lambda x, y: ((x - 1) ** 2 + (y - 3) ** 2) / 2)
def mse_of_the_package(x, y):
    return nn.mse([x, y], [1.0, 3.0])


@case([0.3, -1.2, 2.0], formula=lambda z: mp.log(sum(map(mp.exp, z))) - z[1])
def cross_entropy_of_the_package(z):
    return nn.cross_entropy(z, 1)


@case(np.array([[0.5, 1.0], [2.0, -0.3]]), formula=lambda z: -(
    z[0][1] - mp.log(mp.exp(z[0][0]) + mp.exp(z[0][1])) + z[1][0] - mp.log(mp.exp(z[1][0]) + mp.exp(z[1][1]))) / 2)
def cross_entropy_of_a_batch(logits, labels=(1, 0)):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_probabilities[np.arange(2), list(labels)].mean()


# ---- physics --------------------------------------------------------------------------------------------------------


@case(9.81, 1.2, formula=lambda g, length: 2 * mp.mpf(math.pi) * mp.sqrt(length / g))
def pendulum(g, length):
    return 2 * pi * sqrt(length / g)


@case(1.1, 0.9, 1.4, formula=lambda r, eps, sigma: 4 * eps * ((sigma / r) ** 12 - (sigma / r) ** 6))
def lennard_jones(r, eps, sigma):
    s6 = (sigma / r) ** 6
    return 4 * eps * (s6 * s6 - s6)


@case(0.8, 5000.0, formula=lambda um, t: 1 / (um**5 * (mp.exp(mp.mpf(14387.77) / (um * t)) - 1)))
def planck(micrometres, kelvin):
    return 1 / (micrometres**5 * math.expm1(14387.77 / (micrometres * kelvin)))


@case(0.6, formula=lambda v: 1 / mp.sqrt(1 - v**2))
def lorentz_factor(v):
    return 1.0 / math.sqrt(1.0 - v**2)


@case(2.0, 0.3, formula=lambda k, m: 10 * mp.cos(mp.sqrt(k / m) * 2))
def spring(k, m):
    from math import cos, sqrt

    omega = sqrt(k / m)
    return 10 * cos(omega * 2.0)


@case(30.0, 0.7, formula=lambda v, angle: v**2 * mp.sin(2 * angle) / mp.mpf(9.81))
def projectile(v, angle):
    g = 9.81
    return v**2 * np.sin(2 * angle) / g


@case(1.0, 0.1, formula=lambda x, v: _euler(x, v))
def ten_steps_of_euler(x, v, dt=0.1):
    for _ in range(10):
        x, v = x + dt * v, v - dt * (x + 0.2 * v * abs(v))
    return x


def _euler(x, v):
    h, k = mp.mpf(0.1), mp.mpf(0.2)
    for _ in range(10):
        x, v = x + h * v, v - h * (x + k * v * mp.sign(v) * v)
    return x


@case(1.0, formula=lambda y: _runge_kutta(y))
def runge_kutta(y):
    def rhs(t, y):
        return -y * math.sin(t) + math.cos(y)

    t, h = 0.0, 0.25
    while t < 1:
        k1 = rhs(t, y)
        k2 = rhs(t + h / 2, y + h / 2 * k1)
        k3 = rhs(t + h / 2, y + h / 2 * k2)
        k4 = rhs(t + h, y + h * k3)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
    return y


def _runge_kutta(y):
    def slope(t, y):
        return mp.cos(y) - y * mp.sin(t)

    h = mp.mpf(1) / 4
    for n in range(4):
        a = slope(n * h, y)
        b = slope(n * h + h / 2, y + h / 2 * a)
        c = slope(n * h + h / 2, y + h / 2 * b)
        d = slope(n * h + h, y + h * c)
        y = y + h * (a + 2 * b + 2 * c + d) / 6
    return y


@case(0.017, 1.4, formula=lambda t, n: mp.asin(n * mp.sin(t)))
def snell(theta, index):
    return math.asin(index * math.sin(theta))


@case(0.3, 4.0, formula=lambda m, e: e - _kepler(m, e / 10))
def kepler_by_newton(mean_anomaly, ten_e):
    e = ten_e / 10
    angle = mean_anomaly
    for _ in range(20):
        angle -= (angle - e * sin(angle) - mean_anomaly) / (1 - e * cos(angle))
    return ten_e - angle


def _kepler(mean, e):
    return mp.findroot(lambda angle: angle - e * mp.sin(angle) - mean, 0.5)


# ---- robotics and geometry -------------------------------------------------------------------------------------------


@case(0.3, 0.8, formula=lambda a, b: (mp.cos(a) + mp.cos(a + b) / 2) ** 2 + 2 * (mp.sin(a) + mp.sin(a + b) / 2))
def arm_of_two_links(a, b):
    def rotation(t):
        return np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])

    tip = rotation(a) @ np.array([1.0, 0.0]) + rotation(a) @ rotation(b) @ np.array([0.5, 0.0])
    return tip[0] ** 2 + 2 * tip[1]


@case(0.4, -0.3, 0.9, formula=lambda x, y, z: 2 * mp.atan2(mp.sqrt(x * x + y * y + z * z), 1))
def quaternion_angle(x, y, z):
    return 2 * math.atan2(math.hypot(x, y, z), 1.0)


@case(52.5, 13.4, 48.9, 2.35, formula=lambda a, b, c, d: 2 * 6371 * mp.asin(mp.sqrt(
    mp.sin(mp.radians(c - a) / 2) ** 2
    + mp.cos(mp.radians(a)) * mp.cos(mp.radians(c)) * mp.sin(mp.radians(d - b) / 2) ** 2)))
def haversine(lat1, lon1, lat2, lon2):
    lat1, lon1, lat2, lon2 = map(math.radians, (lat1, lon1, lat2, lon2))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(h))


class Point(typing.NamedTuple):
    """A point of the plane."""

    x: float
    y: float = 0.5

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    @property
    def angle(self):
        return math.atan2(self.y, self.x)


@case(1.0, 2.0, formula=lambda x, y: mp.atan2(y + 1, x + x))
def named_tuples(x, y):
    p = Point(x, y) + Point(x)
    return p._replace(y=p.y + 0.5).angle


@case([0.0, 0.0, 2.0, 0.5, 1.0, 3.0], formula=lambda c: abs(
    c[0] * (c[3] - c[5]) + c[2] * (c[5] - c[1]) + c[4] * (c[1] - c[3])) / 2)
def shoelace(c):
    points = list(zip(c[::2], c[1::2], strict=True))
    shifted = points[1:] + points[:1]
    return 0.5 * abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(points, shifted, strict=True)))


@dataclasses.dataclass
class PID:
    """A controller with a state."""

    kp: float
    ki: float
    total: float = 0.0
    log: list = dataclasses.field(default_factory=list)

    def step(self, error):
        self.total += error
        self.log.append(error)
        return self.kp * error + self.ki * self.total


@case(0.5, 0.1, formula=lambda kp, ki: (lambda e: kp * e + ki * (1 + e))(1 - (kp + ki)))
def controller(kp, ki):
    pid = PID(kp, ki)
    error = 1.0 - pid.step(1.0)
    return pid.step(error) * len(pid.log) / 2


# ---- statistics -----------------------------------------------------------------------------------------------------


@case(0.5, 1.5, formula=lambda mu, s: -mp.log(s) - (1 - mu) ** 2 / (2 * s**2) - mp.log(2 * mp.pi) / 2)
def normal_log_density(mu, sigma):
    return -math.log(sigma) - 0.5 * ((1.0 - mu) / sigma) ** 2 - 0.5 * math.log(2 * math.pi)


@case(2.5, 1.5, formula=lambda a, b: mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b) + (a - 1) * mp.log(0.3))
def beta_log_density(a, b):
    return math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + (a - 1) * math.log(0.3)


@case([1.0, 2.5, 4.0, 3.0], formula=lambda x: mp.sqrt(sum((a - sum(x) / 4) ** 2 for a in x) / 3) + sum(x) / 4)
def statistics_module(x):
    return statistics.stdev(x) + statistics.mean(x)


@case([3.0, 1.0, 2.0, 7.0], formula=lambda x: (x[2] + x[0]) / 2)
def median(x):
    return statistics.median(x)


@case([1.0, 2.0, 4.0], [2.0, 3.0, 3.5], formula=lambda x, y: (
    sum((a - sum(x) / 3) * (b - sum(y) / 3) for a, b in zip(x, y, strict=True))
    / mp.sqrt(sum((a - sum(x) / 3) ** 2 for a in x) * sum((b - sum(y) / 3) ** 2 for b in y))))
def pearson(x, y):
    mx, my = statistics.fmean(x), math.fsum(y) / len(y)
    cov = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return cov / math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))


@case(np.array([0.3, 1.2, -0.7, 2.0]), formula=lambda x: sum((a - sum(x) / 4) ** 4 for a in x) / 4 / (
    sum((a - sum(x) / 4) ** 2 for a in x) / 4) ** 2)
def kurtosis(x):
    centred = x - x.mean()
    return np.mean(centred**4) / np.var(x) ** 2


@case(0.7, formula=lambda x: mp.ncdf(x) - mp.npdf(x))
def normal_of_statistics(x):
    return 0.5 * math.erfc(-x / math.sqrt(2)) - math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@case([0.5, 1.5], formula=lambda rates: sum(
    y * mp.log(sum(rates)) - sum(rates) - mp.log(mp.factorial(y)) for y in (3, 1, 2)))
def poisson_likelihood(rates):
    total = 0
    for count in (3, 1, 2):
        rate = functools.reduce(operator.add, rates)
        total += count * math.log(rate) - rate - math.log(math.factorial(count))
    return total


# ---- finance --------------------------------------------------------------------------------------------------------


@case(100.0, 95.0, 0.25, formula=lambda s, k, v: (
    s * mp.ncdf((mp.log(s / k) + v**2 / 2) / v) - k * mp.ncdf((mp.log(s / k) - v**2 / 2) / v)))
def black_scholes(spot, strike, vol):
    def cdf(x):
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    d1 = (math.log(spot / strike) + 0.5 * vol**2) / vol
    return spot * cdf(d1) - strike * cdf(d1 - vol)


@case(0.05, formula=lambda r: sum(c / (1 + r) ** n for n, c in enumerate([-100, 30, 40, 50])))
def net_present_value(rate):
    return sum(cash / (1 + rate) ** year for year, cash in enumerate([-100, 30, 40, 50]))


@case(1000.0, 0.03, formula=lambda p, r: p * (1 + r / 12) ** 24)
def compound_interest(principal, rate):
    for _month in range(24):
        principal *= 1 + rate / 12
    return principal


@case(50000.0, formula=lambda income: mp.mpf(0.1) * 10000 + mp.mpf(0.2) * 30000 + mp.mpf(0.4) * (income - 40000))
def income_tax(income):
    brackets = [(0, 0.1), (10000, 0.2), (40000, 0.4)]
    tax = 0.0
    for (low, rate), high in zip(brackets, [*(b for b, _ in brackets[1:]), math.inf], strict=True):
        tax += rate * max(0, min(income, high) - low)
    return tax


@case(250000.0, 0.04, formula=lambda p, r: p * (r / 12) / (1 - (1 + r / 12) ** -360))
def mortgage(principal, rate, months=360):
    monthly = rate / 12
    return principal * monthly / (1 - (1 + monthly) ** -months)


# ---- linear algebra -------------------------------------------------------------------------------------------------


@case([[2.0, 1.0], [0.5, 3.0]], formula=lambda a: a[0][0] * a[1][1] - a[0][1] * a[1][0])
def determinant_by_recursion(a):
    if len(a) == 1:
        return a[0][0]
    minors = ([row[:n] + row[n + 1 :] for row in a[1:]] for n in range(len(a)))
    return sum((-1) ** n * a[0][n] * determinant_by_recursion(minor) for n, minor in enumerate(minors))


@case(np.array([[2.0, 1.0], [0.5, 3.0]]), np.array([1.0, -2.0]), formula=lambda a, b: (
    (b[0] * a[1][1] - b[1] * a[0][1]) / (a[0][0] * a[1][1] - a[0][1] * a[1][0])))
def solve(a, b):
    return np.linalg.solve(a, b)[0]


@case(np.array([[2.0, 1.0], [0.5, 3.0]]), formula=lambda a: mp.log(a[0][0] * a[1][1] - a[0][1] * a[1][0]) + (
    a[0][0] + a[1][1]) / (a[0][0] * a[1][1] - a[0][1] * a[1][0]))
def log_det_and_trace_of_inverse(a):
    return np.log(np.linalg.det(a)) + np.trace(np.linalg.inv(a))


@case(np.array([1.0, 2.0, -1.0]), formula=lambda x: mp.norm(x) + sum(map(abs, x)))
def norms(x):
    return length_of(x) + np.linalg.norm(x, ord=1)


@case(np.array([1.0, -0.5]), formula=lambda x: 3 * x[0] ** 2 + x[0] * x[1] + 2 * x[1] ** 2)
def quadratic_form(x):
    a = np.array([[3.0, 0.5], [0.5, 2.0]])
    return x.T @ a @ x


@case(2.0, 0.5, formula=lambda a, b: mp.sqrt(a) + mp.sqrt(4 - b**2 / a))
def cholesky_by_hand(a, b):
    matrix = [[a, b], [b, 4.0]]
    lower = [[0.0] * 2 for _ in range(2)]
    for i in range(2):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            lower[i][j] = math.sqrt(rest) if i == j else rest / lower[j][j]
    return lower[0][0] + lower[1][1]


@case(1.0, 2.0, formula=lambda a, b: (a + 2 * b) ** 2 + (3 * a + 4 * b) ** 2)
def einsum(a, b):
    v = np.array([a, b])
    w = np.einsum("ij,j->i", np.array([[1.0, 2.0], [3.0, 4.0]]), v)
    return np.einsum("i,i", w, w)


# ---- features of Python ---------------------------------------------------------------------------------------------


@case(2.0, formula=lambda x: x**2 + 1)
def match_on_types(x):
    match x:
        case int():
            return 0
        case float() as number if number > 1:
            return number**2 + 1
        case _:
            return x


@case(2.0, formula=lambda x: mp.sqrt(x) + 1)
def walrus(x):
    return (root := math.sqrt(x)) + (1 if root > 1 else 0)


class Shape(ABC):
    """Something with an area."""

    count = 0

    def __init__(self, size):
        self.size = size
        type(self).count += 1

    @abstractmethod
    def area(self):
        """How large it is."""

    def describe(self):
        return self.area() / 2


class Circle(Shape):
    """A round shape."""

    def area(self):
        return math.pi * self.size**2

    def describe(self):
        return super().describe() + math.log(self.size)


@case(1.5, formula=lambda r: mp.mpf(math.pi) * r**2 / 2 + mp.log(r))
def classes_with_super(r):
    return Circle(r).describe()


class Dual:
    """A number with operators of its own."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __mul__(self, other):
        return Dual(self.value * (other.value if isinstance(other, Dual) else other))

    __rmul__ = __mul__

    def __call__(self, f):
        return Dual(f(self.value))


@case(0.7, formula=lambda x: 3 * x * mp.sin(x))
def operators_and_slots(x):
    return (3 * Dual(x) * Dual(x)(math.sin)).value


class Temperature:
    """Degrees, by a property."""

    zero = 273.15

    def __init__(self, celsius):
        self._celsius = celsius

    @property
    def kelvin(self):
        return self._celsius + self.zero

    @kelvin.setter
    def kelvin(self, value):
        self._celsius = value - self.zero

    @classmethod
    def of_kelvin(cls, value):
        made = cls(0.0)
        made.kelvin = value
        return made

    @staticmethod
    def glow(k):
        return (k / 300) ** 4

    @functools.cached_property
    def log(self):
        return math.log(self.kelvin)


@case(20.0, formula=lambda c: ((c + mp.mpf(273.15)) / 300) ** 4 + mp.log(c + mp.mpf(273.15)))
def properties(c):
    t = Temperature.of_kelvin(Temperature(c).kelvin)
    return Temperature.glow(t.kelvin) + t.log


@functools.lru_cache(maxsize=None)
def _legendre(n, x):
    return 1.0 if n == 0 else x if n == 1 else ((2 * n - 1) * x * _legendre(n - 1, x) - (n - 1) * _legendre(n - 2, x)) / n


@case(0.3, formula=lambda x: mp.legendre(7, x))
def recursion_with_a_cache(x):
    return _legendre(7, x)


_memo = {}


@case(1.7, formula=lambda x: mp.exp(x) + mp.exp(2 * x))
def memo_by_hand(x):
    def remembered(v):
        if v not in _memo:
            _memo[v] = math.exp(v)
        return _memo[v]

    return remembered(x) + remembered(2 * x) + 0 * remembered(x)


def twice(f):
    """Apply a function twice."""

    @functools.wraps(f)
    def decorated(*args, **kwargs):
        return f(f(*args, **kwargs), **kwargs)

    return decorated


def scaled(factor):
    """Scale what a function gives."""

    def decorate(f):
        def inner(*args):
            inner.calls += 1
            return factor * f(*args)

        inner.calls = 0
        return inner

    return decorate


@twice
@scaled(0.5)
def _decorated(x):
    return math.cosh(x)


@case(0.9, formula=lambda x: mp.cosh(mp.cosh(x) / 2) / 2)
def decorators(x):
    return _decorated(x)


def _power(base, exponent):
    return base**exponent


cube = functools.partial(_power, exponent=3)


@case(1.3, formula=lambda x: x**3 + mp.mpf(2) ** x)
def partials(x):
    return cube(x) + functools.partial(_power, 2.0)(x)


@case(1.2, formula=lambda x: sum(x**n / mp.factorial(n) for n in range(8)))
def generators(x):
    def terms():
        term = 1.0
        for n in itertools.count(1):
            yield term
            term *= x / n

    return sum(itertools.islice(terms(), 8))


@case([3.0, -1.0, 2.0], formula=lambda x: x[1] + 2 * x[2] + 3 * x[0])
def sorting(x):
    ordered = sorted(x, key=lambda v: (v > 0, v))
    return sum(n * v for n, v in enumerate(ordered, 1))


@case([3.0, -1.0, 2.0], formula=lambda x: x[0] * x[1] + x[1] * x[2] + x[0] ** 2 + x[1] ** 2 + x[2] ** 2)
def itertools_and_reduce(x):
    neighbours = map(operator.mul, x, x[1:])
    return sum(neighbours) + functools.reduce(lambda total, v: total + v * v, x, 0)


@case(4.0, formula=lambda x: mp.log(x) + 5)
def try_and_except(x):
    def safe_log(v):
        try:
            return math.log(v)
        except ValueError:
            return 5.0
        finally:
            pass

    return safe_log(x) + safe_log(-x)


@case(0.0, formula=lambda x: x + 1)
def division_by_zero_caught(x):
    try:
        return x / (x - x)
    except ZeroDivisionError:
        return x + 1


class Operation(enum.Enum):
    """Names of operations."""

    ADD = "+"
    TIMES = "*"


@case(2.0, 3.0, formula=lambda x, y: x + y + x * y)
def dispatch_by_enum(x, y):
    table = {Operation.ADD: operator.add, Operation.TIMES: operator.mul}
    return sum(table[op](x, y) for op in Operation)


@case(2.0, 3.0, formula=lambda x, y: (x + y) * x - y / x)
def stack_machine(x, y):
    stack, names = [], {"x": x, "y": y}
    for token in "x y + x * y x / -".split():
        if token in names:
            stack.append(names[token])
        else:
            right, left = stack.pop(), stack.pop()
            stack.append({"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
                          "/": lambda a, b: a / b}[token](left, right))  # fmt: skip
    return stack.pop()


@case(1.0, 4.0, formula=lambda a, b: mp.agm(a, b))
def arithmetic_geometric_mean(a, b):
    while abs(a - b) > 1e-14:
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


class Node:
    """A linked list."""

    def __init__(self, value, rest=None):
        self.value, self.rest = value, rest

    def __iter__(self):
        node = self
        while node is not None:
            yield node.value
            node = node.rest


@case(1.0, 2.0, formula=lambda x, y: x * y * 3)
def linked_list(x, y):
    return math.prod(Node(x, Node(y, Node(3.0))))


@case(0.3, formula=lambda x: mp.sin(x) * mp.cos(x) + x)
def closures(x):
    total = 0.0

    def add(v):
        nonlocal total
        total += v

    for f in (lambda: math.sin(x) * math.cos(x), lambda: x):
        add(f())
    return total


@case({"w": 0.5, "b": [0.1, 0.2]}, formula=lambda p: mp.tanh(p["w"] + p["b"][0]) * p["b"][1])
def parameters_in_a_dict(p):
    w, (b0, b1) = p["w"], p["b"]
    return math.tanh(w + b0) * b1


counts = collections.Counter()
history = collections.deque(maxlen=3)


@case(0.4, formula=lambda x: mp.exp(x) * x)
def state_outside(x):
    counts["calls"] += 1
    history.append(x)
    return e_to_the(history[-1]) * x


@case(0.4, formula=lambda x: 2 * x * x + x)
def objects_copied(x):
    node = Node([x, 2 * x])
    other = copy.deepcopy(node)
    other.value[0] = 1.0
    return node.value[0] * other.value[1] + copy.copy(node).value[0]


@functools.singledispatch
def _size(thing):
    return 0.0


@_size.register(list)
def _(thing):
    return sum(map(_size, thing))


@_size.register(float)
def _(thing):
    return thing * thing


@case(1.0, 2.0, formula=lambda x, y: x * x + y * y)
def single_dispatch(x, y):
    return _size([x, [y]])


@contextlib.contextmanager
def _remember(box, value):
    box.append(value)
    try:
        yield box
    finally:
        box.pop()


@case(1.2, formula=lambda x: mp.sin(x) + x)
def context_managers(x):
    with _remember([], math.sin(x)) as box:
        return box[0] + x


@case(1.2, 0.4, formula=lambda x, y: x - 2 * y)
def checks_of_arguments(x, y):
    if not isinstance(x, numbers.Real) or not isinstance(y, (int, float)):
        raise TypeError("numbers, please")
    if type(x) is not float or math.isnan(x) or not math.isfinite(y):
        raise ValueError(f"bad number {x}")
    return x - 2 * float(y)


@case(7.3, formula=lambda x: x - 1)
def remainders_and_floors(x):
    quotient, rest = divmod(x, 2.0)
    return x % 3 + rest * 0 + 2 * math.floor(x / 2) + round(x) * 0 - 1 + int(quotient - 3) + (x // 7 - 1)


@case(0.25, formula=lambda x: x + mp.mpf(1) / 3 + x * x)
def fractions_of_numbers(x):
    return fractions.Fraction(x) + fractions.Fraction(1, 3) + fractions.Fraction(x) ** 2


@case(1.5, formula=lambda x: mp.mpf("0.1") * x + mp.sqrt(x))
def decimals(x):
    d = decimal.Decimal(x)
    return float(decimal.Decimal("0.1") * d + d.sqrt())


@case(0.5, 1.5, formula=lambda x, y: mp.sqrt((x * x - y * y) ** 2 + 4 * x * x * y * y))
def complex_numbers(x, y):
    return abs(complex(x, y) ** 2)


@case(0.7, formula=lambda x: mp.exp(-x) * mp.cos(2 * x))
def complex_exponential(x):
    return cmath.exp(x * (-1 + 2j)).real


@case([0.5, 2.5, 1.0], formula=lambda x: x[1] + x[2])
def largest_two(x):
    return sum(heapq.nlargest(2, x))


@case(0.6, formula=lambda x: (x - mp.mpf(0.5)) * 40 + 20)
def table_lookup(x):
    knots, values = [0.0, 0.5, 1.0], [10.0, 20.0, 40.0]
    n = bisect.bisect_right(knots, x) - 1
    share = (x - knots[n]) / (knots[n + 1] - knots[n])
    return values[n] + share * (values[n + 1] - values[n])


@case(0.8, formula=lambda x: x * mp.mpf(random.Random(3).random()))
def seeded_noise(x):
    return x * random.Random(3).random()


@case(2.0, formula=lambda x: mp.log(x) / mp.log(3) + mp.log(x, 2))
def logarithms(x):
    return log(x, 3) + math.log2(x)


@case(2.0, 0.5, formula=lambda a, b: a * mp.exp(b) / 2)
def class_made_inside(a, b):
    @dataclasses.dataclass(frozen=True)
    class Model:
        a: float
        b: float = math.pi

        def __post_init__(self):
            object.__setattr__(self, "half", self.a / 2)

        def __call__(self):
            return self.half * e_to_the(self.b)

    return Model(a, b=b)()


class Config:
    """Settings, some of them of the class."""

    rates: typing.ClassVar = {"fast": 2.0, "slow": 0.5}
    default = None

    def __getattr__(self, name):
        if name.startswith("rate_"):
            return self.rates[name[5:]]
        raise AttributeError(name)


Config.default = Config()


@case(1.1, formula=lambda x: 2 * x + x / 2)
def dynamic_attributes(x):
    return Config.default.rate_fast * x + getattr(Config.default, "rate_slow") * x  # noqa: B009


@case(1.1, formula=lambda x: mp.sin(x) ** 2)
def imports_inside(x):
    import importlib

    return importlib.import_module("math").sin(x) * __import__("math").sin(x)


@case(0.3, formula=lambda x: x + x**2 + x**3)
def keyword_arguments(x):
    def horner(*coefficients, at, **others):
        out = 0.0
        for c in reversed(coefficients):
            out = out * at + c
        return out + others.get("plus", 0)

    return horner(0, 1, 1, 1, at=x, plus=0.0)


# ---- NumPy ----------------------------------------------------------------------------------------------------------


@case(np.array([0.5, -1.0, 2.0]), formula=lambda x: sum(mp.exp(-a * a) for a in x) / 3 + max(x))
def numpy_functions(x):
    return np.mean(np.exp(-(x**2))) + np.max(x)


@case(np.array([0.5, -1.0, 2.0]), formula=lambda x: mp.mpf(0.5) + 0 * x[0] + mp.exp(x[1]) - 1 + x[2] + x[0] - 0.5)
def numpy_where(x):
    return np.where(x > 0, x, np.expm1(x)).sum()


@case(np.array([0.5, 1.0, 2.0]), formula=lambda x: sum(a * b for a, b in zip(x, x[1:], strict=False)) + 3 * x[2])
def filling_an_array(x):
    out = np.zeros(4)
    for n in range(2):
        out[n] = x[n] * x[n + 1]
    out[2:] += x[2] * np.array([1.0, 2.0])
    return out.sum()


@case(0.3, 2.0, formula=lambda a, b: sum((a * t + mp.sin(b * t) - t * t) ** 2 for t in (0, 0.25, 0.5, 0.75, 1)))
def least_squares(a, b):
    t = np.linspace(0, 1, 5)
    return np.sum((a * t + np.sin(b * t) - t**2) ** 2)


@case(0.3, formula=lambda x: 10 + 10 * x / mp.mpf(0.5) + mp.mpf(0.3) + 0 * x + (x - mp.mpf(0.3)))
def interpolation_and_clipping(x):
    return np.interp(x, [0.0, 0.5, 1.0], [10.0, 20.0, 40.0]) + np.clip(x, 0, 1)


@case(np.array([1.0, 3.0, 2.0]), formula=lambda x: sum((a - sum(x) / 3) ** 2 for a in x) / 3 + mp.sqrt(
    sum((a - sum(x) / 3) ** 2 for a in x) / 2))
def spread(x):
    return np.var(x) + x.std(ddof=1)


WEIGHTS = np.array([[0.2, -0.5], [0.7, 0.1], [-0.3, 0.9]])


class Network:
    """A network of two layers with weights in arrays."""

    def __init__(self):
        self.layers = [WEIGHTS, np.ones((1, 3))]

    def __call__(self, x):
        for w in self.layers:
            x = np.tanh(w @ x)
        return x


network = Network()


@case(0.4, -0.6, formula=lambda x, y: mp.tanh(sum(
    mp.tanh(mp.mpf(a) * x + mp.mpf(b) * y) for a, b in WEIGHTS.tolist())))
def network_of_arrays(x, y):
    return network(np.array([x, y]))[0]


@case(np.arange(1.0, 5.0), formula=lambda x: (x[0] * 1 + x[0] + x[1] + x[0] + x[1] + x[2] + sum(x)) + x[3] - x[2])
def cumulative(x):
    return np.cumsum(x).sum() + np.diff(x)[-1]


@case(np.array([0.0, 1.0]), formula=lambda x: 1 + mp.sin(x[1]) / x[1])
def where_with_a_hole(x):
    with np.errstate(all="ignore"):
        return np.where(x != 0, np.sin(x) / x, 1.0).sum()


@case(np.array([[1.0, 2.0], [3.0, 4.0]]), formula=lambda a: sum(
    (a[i][j] - a[i][0] / 2 - a[i][1] / 2) * (j + 1) for i in range(2) for j in range(2)))
def broadcasting(a):
    centred = a - a.mean(axis=1)[:, None]
    return (centred * np.array([1, 2])[np.newaxis, :]).reshape(-1).sum()


@case(np.array([1.0, 2.0, 3.0]), formula=lambda x: x[0] * 4 + x[1] * 10 + x[2] * 10 + x[0] * 0)
def convolution(x):
    return np.convolve(x, np.array([4.0, 6.0, 0.0])[:2], mode="valid")[0] + np.dot(x, [-2.0, 6.0, 10.0])


@case(0.5, formula=lambda x: x**2 + (2 * x) ** 2)
def vectorised(x):
    square = np.vectorize(lambda v: v * v if v > 0 else 0.0)
    return square(np.array([x, 2 * x, -x])).sum()


@case(np.array([2.0, 1.0, 3.0]), formula=lambda x: x[1] + 2 * x[0] + 3 * x[2] + x[2])
def sorted_arrays(x):
    return np.dot(np.sort(x), [1, 2, 3]) + x[np.argmax(x)]


@case(np.array([1.0, 2.0]), np.array([0.5, -1.0]), formula=lambda a, b: sum(
    (p + q) ** 2 for p in a for q in b) + a[0] * b[1] - a[1] * b[0])
def outer_products(a, b):
    table = np.add.outer(a, b)
    return np.square(table).sum() + (np.outer(a, b)[0, 1] - np.outer(a, b)[1, 0])


@case(1.5, formula=lambda x: mp.polyval([2, -1, 0, 3], x) + mp.quad(lambda t: t * x, [0, 1]))
def polynomials(x):
    t = np.linspace(0.0, 1.0, 11)
    return np.polyval([2.0, -1.0, 0.0, 3.0], x) + np.trapezoid(t * x, t)


# ---- loops to a tolerance, and the package's own numbers -----------------------------------------------------------


@case(2.0, formula=lambda a: mp.sqrt(a))
def newton_to_a_tolerance(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


weight = Value(0.5, "w")


@case(0.7, 0.2, formula=lambda x, b: mp.tanh(x / 2 + b) ** 2)
def captured_values(x, b):
    out = (weight * x + b).tanh() if isinstance(x, Value) else microgradnn.tanh(weight.data * x + b)
    return out * out


neuron = nn.MLP(2, [3, 1], activation="tanh", rng=0)


def _as_in_the_network(x, y):
    (first, bias), (second, last) = [
        ([[w.data for w in row] for row in layer.weight], [b.data for b in layer.bias]) for layer in neuron.layers
    ]
    hidden = [mp.tanh(mp.mpf(r[0]) * x + mp.mpf(r[1]) * y + b) for r, b in zip(first, bias, strict=True)]
    return sum(mp.mpf(w) * h for w, h in zip(second[0], hidden, strict=True)) + last[0]


@case(0.3, -0.8, formula=_as_in_the_network)
def network_of_the_package(x, y):
    return neuron([x, y]).data

"""Operations the engine lacks, written as functions, and each checked against a finite difference."""
import math
from microgradnn.micrograd.engine import Value


def tanh(v):
    out = Value(math.tanh(v.data), (v,), 'tanh')

    def _backward():
        v.grad += (1 - out.data**2) * out.grad
    out._backward = _backward
    return out


def exp(v):
    out = Value(math.exp(v.data), (v,), 'exp')

    def _backward():
        v.grad += out.data * out.grad
    out._backward = _backward
    return out


def log(v):
    out = Value(math.log(v.data), (v,), 'log')

    def _backward():
        v.grad += out.grad / v.data
    out._backward = _backward
    return out


def sin(v):
    out = Value(math.sin(v.data), (v,), 'sin')

    def _backward():
        v.grad += math.cos(v.data) * out.grad
    out._backward = _backward
    return out


def absolute(v):
    out = Value(abs(v.data), (v,), 'abs')

    def _backward():
        v.grad += (1 if v.data > 0 else -1) * out.grad
    out._backward = _backward
    return out


def sigmoid(v):
    s = 1 / (1 + math.exp(-v.data))
    out = Value(s, (v,), 'sigmoid')
    out._backward = lambda: setattr(v, 'grad', v.grad + s * (1 - s) * out.grad)
    return out


def maximum(a, b):
    """two parents; the gradient goes to the larger one"""
    out = Value(max(a.data, b.data), (a, b), 'max')

    def _backward():
        winner = a if a.data >= b.data else b
        winner.grad += out.grad
    out._backward = _backward
    return out


def matvec_sum(ws, xs):
    """a fused dot product: many parents in one node"""
    out = Value(sum(w.data * x.data for w, x in zip(ws, xs)), tuple(ws) + tuple(xs), 'dot')

    def _backward():
        for w, x in zip(ws, xs):
            w.grad += x.data * out.grad
            x.grad += w.data * out.grad
    out._backward = _backward
    return out


def check(name, fn, *point, h=1e-6):
    vs = [Value(p) for p in point]
    out = fn(*vs)
    out.backward()
    for i, v in enumerate(vs):
        up, down = list(point), list(point)
        up[i] += h
        down[i] -= h
        num = (fn(*map(Value, up)).data - fn(*map(Value, down)).data) / (2 * h)
        ok = abs(num - v.grad) < 1e-5 * max(1, abs(num))
        print(f"{name:10s} arg {i} value {out.data:12.6f} grad {v.grad:12.6f} {'ok' if ok else 'BAD'}")


check("tanh", tanh, 0.7)
check("exp", exp, -1.3)
check("log", log, 2.5)
check("sin", sin, 1.1)
check("abs", absolute, -0.4)
check("sigmoid", sigmoid, 0.25)
check("max", maximum, 0.5, -0.5)
check("mix", lambda a, b: tanh(a * b + sin(a)) / (1 + exp(-b)) + log(a**2 + 1) - 3 * absolute(b), 0.8, -1.7)
check("reuse", lambda a: exp(a) * exp(a) - a * exp(a) + sigmoid(a + a), 0.3)
check("softplus", lambda a: log(1 + exp(a)), -2.0)
check("dot", lambda a, b, c, d: tanh(matvec_sum([a, b], [c, d])), 0.1, 0.2, 0.3, -0.4)

# a node that sees itself twice
v = Value(1.5)
w = maximum(v, v) + matvec_sum([v], [v])
print(w._op, sorted(c._op for c in w._prev), len(maximum(v, v)._prev))
w.backward()
print(f"{w.data:.6f} {v.grad:.6f}")

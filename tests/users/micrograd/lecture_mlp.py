"""The lecture's engine with tanh, exp and labels, a tanh MLP on it, four examples, and the same neuron spelled two ways."""
import math
import random

from microgradnn.micrograd import Value, Module, Neuron, Layer, MLP


def unary(value, op, data, slope):
    out = Value(data, (value,), op)
    def _backward():
        value.grad += slope * out.grad
    out._backward = _backward
    return out


def exp(v):
    return unary(v, 'exp', math.exp(v.data), math.exp(v.data))


def tanh(v):
    return unary(v, 'tanh', math.tanh(v.data), 1 - math.tanh(v.data)**2)


def tanh_long(v):
    e = exp(2 * v)
    return (e - 1) / (e + 1)


for squash in (tanh, tanh_long):
    x1, x2, w1, w2, b = [Value(d, label=n) for d, n in [(2.0, 'x1'), (0.0, 'x2'), (-3.0, 'w1'), (1.0, 'w2'), (6.8813735870195432, 'b')]]
    n = x1 * w1 + x2 * w2 + b
    n.label = 'n'
    o = squash(n)
    o.label = 'o'
    o.backward()
    print(squash.__name__, f"{o.data:.6f}", {v.label: f"{v.grad:.6f}" for v in (x1, w1, x2, w2, b, n)})

random.seed(1337)


class Neuron:
    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1), label=f'w{i}') for i in range(nin)]
        self.b = Value(random.uniform(-1, 1), label='b')
    def __call__(self, x):
        return tanh(sum((wi * xi for wi, xi in zip(self.w, x)), self.b))


mlp = [[Neuron(nin) for _ in range(nout)] for nin, nout in [(3, 4), (4, 4), (4, 1)]]
params = [p for layer in mlp for n in layer for p in n.w + [n.b]]


def forward(x):
    for layer in mlp:
        x = [n(x) for n in layer]
    return x[0]


xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
ys = [1.0, -1.0, -1.0, 1.0]
for k in range(30):
    ypred = [forward(x) for x in xs]
    loss = sum((yout - ygt)**2 for ygt, yout in zip(ys, ypred))
    for p in params:
        p.grad = 0.0
    loss.backward()
    for p in params:
        p.data += -0.05 * p.grad
    if k % 5 == 0:
        print(k, f"{loss.data:.6f}", type(loss).__name__)
print(len(params), "parameters,", sum(p.label == 'b' for p in params), "of them biases, labels", [p.label for p in mlp[0][0].w])
print("predictions", [f"{y.data:.6f}" for y in ypred], f"{mlp[0][0].w[0].data:.6f} {mlp[0][0].w[0].grad:.6f}")
a = Value(3.0, label='a')
c = a + a
c.backward()
print(a, c._op, len(c._prev), repr(Value(1.5)))

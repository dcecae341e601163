"""Modules of one's own on top of Module, Neuron and Layer: residual blocks, a recurrent cell, gates, pruning."""
import math
import random
from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import Module, Neuron, Layer, MLP

random.seed(2024)


class Scale(Module):
    """one gain for all channels"""

    def __init__(self, start=1.0):
        self.gain = Value(start)

    def __call__(self, x):
        return [xi * self.gain for xi in x]

    def parameters(self):
        return [self.gain]


class Residual(Module):
    def __init__(self, n):
        self.f = Layer(n, n)
        self.scale = Scale(0.5)

    def __call__(self, x):
        return [a + b for a, b in zip(x, self.scale(self.f(x)))]

    def parameters(self):
        return self.f.parameters() + self.scale.parameters()

    def __repr__(self):
        return f"Residual({self.f})"


class Cell(Module):
    """h' = relu(Wx + Uh) with a linear read-out"""

    def __init__(self, nin, nh):
        self.nh = nh
        self.mix = Layer(nin + nh, nh)
        self.out = Neuron(nh, nonlin=False)

    def __call__(self, seq):
        h = [Value(0.0)] * self.nh
        for x in seq:
            h = self.mix([x] + h)
        return self.out(h)

    def parameters(self):
        return self.mix.parameters() + self.out.parameters()


class SignedNeuron(Neuron):
    """relu(a) - relu(-a)/4: a neuron with its own activation"""

    def __init__(self, nin, nonlin=True):
        super().__init__(nin, nonlin=nonlin)
        self.b.data = 0.1

    def __call__(self, x):
        a = sum((w * xi for w, xi in zip(self.w, x)), self.b)
        return a.relu() - (-a).relu() / 4 if self.nonlin else a


class Chain(Module):
    def __init__(self, *parts):
        self.parts = parts

    def __call__(self, x):
        for part in self.parts:
            x = part(x)
        return x

    def parameters(self):
        return [p for part in self.parts for p in part.parameters()]


head = Layer(4, 1, nonlin=False)
first = Layer(2, 4)
first.neurons = [SignedNeuron(2) for _ in range(4)]
net = Chain(first, Residual(4), Residual(4), head)
print(len(net.parameters()), net.parts[1], first)
rows = [([math.cos(t), math.sin(t)], math.cos(2 * t)) for t in [i * 0.5 for i in range(13)]]
for step in range(30):
    loss = sum((net(x) - y)**2 for x, y in rows) / len(rows)
    l1 = 0.001 * sum((p.relu() + (-p).relu() for p in net.parameters()))
    total = loss + l1
    net.zero_grad()
    total.backward()
    for p in net.parameters():
        p.data -= 0.05 * p.grad
    if step % 10 == 9:
        print(f"chain {step + 1} {loss.data:.6f} {l1.data:.6f}")
print("gains", [f"{part.scale.gain.data:.6f}" for part in net.parts[1:3]])

random.seed(5)
rnn = Cell(1, 4)
seqs = [([0.1, 0.4, 0.2], 0.7), ([0.5, 0.5, 0.5], 1.5), ([0.9, 0.0, 0.3], 1.2), ([0.2, 0.1, 0.0], 0.3)]
for step in range(40):
    loss = sum((rnn(s) - t)**2 for s, t in seqs)
    rnn.zero_grad()
    loss.backward()
    for p in rnn.parameters():
        p.data -= 0.02 * max(-1, min(1, p.grad))
print(f"rnn {loss.data:.6f}", [f"{rnn(s).data:.6f}" for s, _ in seqs], f"{rnn([0.3] * 5).data:.6f}")

mlp = MLP(2, [3, 2])
named = {f"layers.{i}.neurons.{j}.{k}": p
         for i, layer in enumerate(mlp.layers) for j, n in enumerate(layer.neurons)
         for k, p in [(f"w{m}", w) for m, w in enumerate(n.w)] + [("b", n.b)]}
print(list(named)[:4], len(named) == len(mlp.parameters()), all(p is q for p, q in zip(named.values(), mlp.parameters())))
print([n.nonlin for layer in mlp.layers for n in layer.neurons], mlp.layers[-1])
small = min(named, key=lambda k: abs(named[k].data) if "w" in k.split(".")[-1] else 9)
named[small].data = 0.0
print("pruned", small, [f"{o.data:.6f}" for o in mlp([1.0, -1.0])])
mlp.layers[1].neurons[0].nonlin = True
print(mlp, [f"{o.data:.6f}" for o in mlp([1.0, -1.0])], Module().parameters(), Module().zero_grad())

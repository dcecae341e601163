"""Hang new methods onto Value from outside, then fit a small tanh network and sort some values."""
import math
import random
from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import Module, Neuron, Layer, MLP


def tanh(self):
    x = self.data
    t = (math.exp(2 * x) - 1) / (math.exp(2 * x) + 1)
    out = Value(t, (self,), 'tanh')

    def _backward():
        self.grad += (1 - t**2) * out.grad
    out._backward = _backward
    return out


def exp(self):
    out = Value(math.exp(self.data), (self,), 'exp')

    def _backward():
        self.grad += out.data * out.grad
    out._backward = _backward
    return out


def leaky(self, slope=0.1):
    out = Value(self.data if self.data > 0 else slope * self.data, (self,), f'leaky{slope}')

    def _backward():
        self.grad += (1 if self.data > 0 else slope) * out.grad
    out._backward = _backward
    return out


Value.tanh = tanh
Value.exp = exp
Value.leaky = leaky
Value.__abs__ = lambda self: self if self.data >= 0 else -self
Value.__lt__ = lambda self, other: self.data < (other.data if isinstance(other, Value) else other)
Value.__gt__ = lambda self, other: self.data > (other.data if isinstance(other, Value) else other)
Value.__float__ = lambda self: float(self.data)
Value.item = property(lambda self: round(self.data, 6))

a, b = Value(0.5), Value(-2)
c = (a * b).tanh() + b.leaky() * a.exp() - abs(b) / 4
c.backward()
print(c.item, a.grad.__class__.__name__, f"{a.grad:.6f} {b.grad:.6f}")
print(b.leaky()._op, b.leaky(0.3)._op, f"{float(a):.6f}")
vals = [Value(3), Value(-1), Value(2.5)]
print([v.data for v in sorted(vals)], max(vals).data, min(vals).data, vals[0] > 1, vals[1] > vals[2])

# the neuron's activation too
old_call = Neuron.__call__


def neuron_tanh(self, x):
    act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
    return act.tanh() if self.nonlin else act


Neuron.__call__ = neuron_tanh
random.seed(42)
net = MLP(2, [5, 1])
data = [([0, 0], -1), ([0, 1], 1), ([1, 0], 1), ([1, 1], -1)]
for step in range(120):
    loss = sum((net(x).tanh() - t)**2 for x, t in data)
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data += -0.1 * p.grad
    if step % 30 == 0:
        print(step, f"{loss.data:.6f}")
print("xor", [f"{net(x).tanh().data:.6f}" for x, _ in data], f"{loss.data:.6f}")

# and put the first one back
Neuron.__call__ = old_call
print("relu again", f"{net([1, 0]).data:.6f}", net)
# a repr of one's own
Value.__repr__ = lambda self: f"<{self.data:.4f}|{self.grad:.4f}>"
print(net.layers[0].neurons[0].w, [Value(1)])
del Value.item
print(hasattr(Value, 'item'), hasattr(Value(1), 'tanh'), issubclass(Layer, Module))

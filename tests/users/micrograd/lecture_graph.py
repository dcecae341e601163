"""The value graph by hand: labels, a dot picture as text, _backward() called one by one, then a neuron."""
import math

from microgradnn.micrograd import Value, Module, Neuron, Layer, MLP


def tanh(v, label=''):
    t = math.tanh(v.data)
    out = Value(t, (v,), 'tanh', label=label)

    def _backward():
        v.grad += (1 - t**2) * out.grad
    out._backward = _backward
    return out


def trace(root):
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)
    build(root)
    return nodes, edges


def draw_dot(root):
    nodes, edges = trace(root)
    name = {n: n.label or '?' for n in nodes}
    lines = []
    for n in nodes:
        lines.append('"%s" [label="{ %s | data %.4f | grad %.4f }" shape=record]' % (name[n], n.label, n.data, n.grad))
        if n._op:
            lines.append('"%s%s" [label="%s"]' % (name[n], n._op, n._op))
            lines.append('"%s%s" -> "%s"' % (name[n], n._op, name[n]))
    for n1, n2 in edges:
        lines.append('"%s" -> "%s%s"' % (name[n1], name[n2], n2._op))
    return "digraph {\n  rankdir=LR\n  " + "\n  ".join(sorted(lines)) + "\n}"


a = Value(2.0, label='a')
b = Value(-3.0, label='b')
c = Value(10.0, label='c')
e = a * b; e.label = 'e'
d = e + c; d.label = 'd'
f = Value(-2.0, label='f')
L = d * f; L.label = 'L'
nodes, edges = trace(L)
print(len(nodes), "nodes,", len(edges), "edges")
print(sorted((n.label, n._op, n.data) for n in nodes))
print(sorted((p.label, q.label) for p, q in edges))

L.grad = 1.0
for v in (L, d, e):        # reverse topological order, by hand
    v._backward()
print({v.label: v.grad for v in (a, b, c, d, e, f, L)})
print(draw_dot(L))

# one step uphill on the leaves, and the forward pass again
for leaf in (a, b, c, f):
    leaf.data += 0.01 * leaf.grad
e = a * b
d = e + c
L = d * f
print(f"L after the step {L.data:.6f}")

# a neuron with two inputs
x1, x2 = Value(2.0, label='x1'), Value(0.0, label='x2')
w1, w2 = Value(-3.0, label='w1'), Value(1.0, label='w2')
bias = Value(6.8813735870195432, label='b')
x1w1 = x1 * w1; x1w1.label = 'x1*w1'
x2w2 = x2 * w2; x2w2.label = 'x2*w2'
s = x1w1 + x2w2; s.label = 's'
n = s + bias; n.label = 'n'
o = tanh(n, label='o')
o.grad = 1.0
for v in [o, n, bias, s, x2w2, x1w1, x1, w1, x2, w2]:
    v._backward()
for v in (o, n, s, x1w1, x2w2, x1, w1, x2, w2, bias):
    print(f"{v.label:6s} {v._op:4s} {v.data:10.6f} {v.grad:10.6f}")

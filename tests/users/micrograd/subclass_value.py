"""A subclass of Value with a label of its own and a few more methods; operators stay in the family."""
import math
from microgradnn.micrograd.engine import Value


class MyValue(Value):
    count = 0

    def __init__(self, data, _children=(), _op='', label=''):
        super().__init__(data, _children, _op)
        self.label = label
        MyValue.count += 1

    @classmethod
    def lift(cls, v):
        return v if isinstance(v, cls) else cls(v)

    def __add__(self, other):
        other = self.lift(other)
        out = MyValue(self.data + other.data, (self, other), '+')

        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward
        return out

    def __mul__(self, other):
        other = self.lift(other)
        out = MyValue(self.data * other.data, (self, other), '*')

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def __pow__(self, k):
        if isinstance(k, Value):          # a**b with both variable
            return (k * self.log()).exp()
        base = super().__pow__(k)         # a plain Value; wrap it
        out = MyValue(base.data, (self,), base._op)

        def _backward():
            self.grad += k * self.data**(k - 1) * out.grad
        out._backward = _backward
        return out

    def exp(self):
        out = MyValue(math.exp(self.data), (self,), 'exp')

        def _backward():
            self.grad += out.data * out.grad
        out._backward = _backward
        return out

    def log(self):
        out = MyValue(math.log(self.data), (self,), 'log')

        def _backward():
            self.grad += (1 / self.data) * out.grad
        out._backward = _backward
        return out

    def sigmoid(self):
        return 1 / (1 + (-self).exp())

    def __repr__(self):
        return f"MyValue({self.label or '_'}={self.data:.4f}, {self.grad:.4f})"


a = MyValue(1.5, label='a')
b = MyValue(0.8, label='b')
y = a**b + (a * b - 3).sigmoid() / a - 2 * b + 1
y.label = 'y'
y.backward()
print(y, a, b, type(y).__name__, isinstance(y, Value))
print(f"{y.data:.6f} {a.grad:.6f} {b.grad:.6f}")

# which operators stay MyValue and which fall back to the parent's
for name, v in [('neg', -a), ('sub', a - 1), ('rsub', 1 - a), ('div', a / 2), ('rdiv', 2 / a),
                ('radd', 1 + a), ('rmul', 3 * a), ('pow', a**2), ('relu', a.relu()), ('sum', sum([a, b]))]:
    print(f"{name:5s} {type(v).__name__:8s} {v._op:6s} {v.data:.6f}")

# plain and mine in one expression
p = Value(2.0)
mix = p * a.relu() + b.relu()
mix.backward()
print(type(mix).__name__, f"{mix.data:.6f} {p.grad:.6f} {a.grad:.6f} {b.grad:.6f}")

# a fit: logistic curve through four points
w, c = MyValue(0.0, label='w'), MyValue(0.0, label='c')
pts = [(-2, 0), (-1, 0), (0.5, 1), (2, 1)]
for step in range(50):
    nll = sum((-(s if t else 1 - s).log() for x, t in pts for s in [(w * x + c).sigmoid()]), MyValue(0))
    for q in (w, c):
        q.grad = 0
    nll.backward()
    for q in (w, c):
        q.data -= 0.2 * q.grad
print(f"nll {nll.data:.6f} w {w.data:.6f} c {c.data:.6f}")
seen, stack = [], [nll]
while stack:
    v = stack.pop()
    if v not in seen:
        seen.append(v)
        stack.extend(v._prev)
print("nodes", len(seen), "labelled", sorted(v.label for v in seen if v.label), "more than 1000:", MyValue.count > 1000)

"""Letters: a bigram table of Values trained by cross entropy, then a small MLP over two letters of context."""
import math
import random
from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import Module, Layer

WORDS = "anna emma mia noah liam ben eva leo nina olli".split()
chars = ["."] + sorted(set("".join(WORDS)))
stoi = {ch: i for i, ch in enumerate(chars)}
V = len(chars)
print(V, "letters", "".join(chars))


def vexp(v):
    out = Value(math.exp(v.data), (v,), 'exp')

    def _backward():
        v.grad += out.data * out.grad
    out._backward = _backward
    return out


def vlog(v):
    out = Value(math.log(v.data), (v,), 'log')

    def _backward():
        v.grad += out.grad / v.data
    out._backward = _backward
    return out


def softmax(logits):
    top = max(v.data for v in logits)
    es = [vexp(v - top) for v in logits]
    total = sum(es)
    return [e / total for e in es]


def cross_entropy(logits, target):
    return -vlog(softmax(logits)[target])


# --- bigram
pairs = [(stoi[p], stoi[q]) for w in WORDS for p, q in zip("." + w, w + ".")]
table = [[Value(0.0) for _ in range(V)] for _ in range(V)]
params = [p for row in table for p in row]
for step in range(15):
    loss = sum(cross_entropy(table[i], j) for i, j in pairs) / len(pairs)
    for p in params:
        p.grad = 0.0
    loss.backward()
    for p in params:
        p.data += -10.0 * p.grad
    if step % 7 == 0:
        print(f"bigram {step} {loss.data:.6f}")
probs = [p.data for p in softmax(table[stoi["a"]])]
print("after a:", [(chars[i], f"{p:.6f}") for i, p in enumerate(probs) if p > 0.08])


# --- MLP
class CharNet(Module):
    def __init__(self, emb=2, hidden=8):
        self.table = [[Value(random.gauss(0, 1)) for _ in range(emb)] for _ in range(V)]
        self.l1 = Layer(2 * emb, hidden)
        self.l2 = Layer(hidden, V, nonlin=False)

    def __call__(self, ctx):
        x = [e for i in ctx for e in self.table[i]]
        return self.l2(self.l1(x))

    def parameters(self):
        return [p for row in self.table for p in row] + self.l1.parameters() + self.l2.parameters()


random.seed(1337)
net = CharNet()
data = []
for w in WORDS:
    ctx = [0, 0]
    for ch in w + ".":
        data.append((list(ctx), stoi[ch]))
        ctx = ctx[1:] + [stoi[ch]]
print(len(data), "examples", len(net.parameters()), "parameters")
for step in range(12):
    batch = random.sample(data, 16)
    loss = sum(cross_entropy(net(ctx), t) for ctx, t in batch) / len(batch)
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= 0.3 * p.grad
    if step % 4 == 3:
        print(f"mlp {step} {loss.data:.6f}")
full = sum(cross_entropy(net(ctx), t).data for ctx, t in data) / len(data)
print(f"whole set {full:.6f}, |emb|^2 {sum(e.data**2 for row in net.table for e in row):.6f}")
for _ in range(3):
    ctx, word = [0, 0], ""
    while len(word) < 8:
        p = [q.data for q in softmax(net(ctx))]
        i = random.choices(range(V), weights=p)[0]
        if i == 0:
            break
        word += chars[i]
        ctx = ctx[1:] + [i]
    print("sample:", word)

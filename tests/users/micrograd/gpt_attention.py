"""A very small GPT out of scalars: embeddings, rmsnorm, causal attention with two heads, an MLP, Adam."""
import math
import random
from microgradnn.micrograd.engine import Value

random.seed(42)
TEXT = ["abca", "bcab", "cabc", "abcb"]
chars = sorted(set("".join(TEXT)))
BOS, V = len(chars), len(chars) + 1
n_embd, n_head, block = 4, 2, 5
head_dim = n_embd // n_head


def exp(v):
    out = Value(math.exp(v.data), (v,), 'exp')

    def _backward():
        v.grad += out.data * out.grad
    out._backward = _backward
    return out


def log(v):
    out = Value(math.log(v.data), (v,), 'log')

    def _backward():
        v.grad += (1 / v.data) * out.grad
    out._backward = _backward
    return out


matrix = lambda nout, nin, std=0.2: [[Value(random.gauss(0, std)) for _ in range(nin)] for _ in range(nout)]
sd = {"wte": matrix(V, n_embd), "wpe": matrix(block, n_embd), "head": matrix(V, n_embd)}
for name in ("wq", "wk", "wv", "wo"):
    sd[name] = matrix(n_embd, n_embd)
sd["up"], sd["down"] = matrix(2 * n_embd, n_embd), matrix(n_embd, 2 * n_embd)
params = [p for m in sd.values() for row in m for p in row]
print("num params", len(params))


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(row, x)) for row in w]


def softmax(logits):
    m = max(v.data for v in logits)
    es = [exp(v - m) for v in logits]
    total = sum(es)
    return [e / total for e in es]


def rmsnorm(x):
    ms = sum(xi * xi for xi in x) / len(x)
    scale = (ms + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def gpt(tok, pos, keys, values, record=None):
    x = rmsnorm([t + p for t, p in zip(sd["wte"][tok], sd["wpe"][pos])])
    residual, x = x, rmsnorm(x)
    q, k, v = linear(x, sd["wq"]), linear(x, sd["wk"]), linear(x, sd["wv"])
    keys.append(k)
    values.append(v)
    heads = []
    for h in range(n_head):
        s = slice(h * head_dim, (h + 1) * head_dim)
        scores = [sum(a * b for a, b in zip(q[s], kt[s])) / head_dim**0.5 for kt in keys]
        att = softmax(scores)
        if record is not None:
            record.append([a.data for a in att])
        heads += [sum(a * vt[s][j] for a, vt in zip(att, values)) for j in range(head_dim)]
    x = [a + b for a, b in zip(linear(heads, sd["wo"]), residual)]
    residual, x = x, rmsnorm(x)
    x = linear([xi.relu() ** 2 for xi in linear(x, sd["up"])], sd["down"])
    return linear([a + b for a, b in zip(x, residual)], sd["head"])


m = {p: 0.0 for p in params}
v2 = [0.0] * len(params)
for step in range(16):
    doc = TEXT[step % len(TEXT)]
    tokens = [BOS] + [chars.index(c) for c in doc] + [BOS]
    keys, values, losses = [], [], []
    for pos in range(min(block, len(tokens) - 1)):
        probs = softmax(gpt(tokens[pos], pos, keys, values))
        losses.append(-log(probs[tokens[pos + 1]]))
    loss = (1 / len(losses)) * sum(losses)
    loss.backward()
    lr = 0.05 * (1 - step / 16)
    for i, p in enumerate(params):
        m[p] = 0.9 * m[p] + 0.1 * p.grad
        v2[i] = 0.95 * v2[i] + 0.05 * p.grad**2
        p.data -= lr * (m[p] / (1 - 0.9**(step + 1))) / ((v2[i] / (1 - 0.95**(step + 1)))**0.5 + 1e-8)
        p.grad = 0
    print(f"step {step + 1:2d} loss {loss.data:.6f}")

keys, values, record, tok, out = [], [], [], BOS, ""
for pos in range(block):
    logits = gpt(tok, pos, keys, values, record)
    tok = max(range(V), key=lambda i: logits[i].data)
    if tok == BOS:
        break
    out += chars[tok]
print("greedy:", out)
print("last attention:", [[f"{a:.6f}" for a in row] for row in record[-2:]])

"""Optimisers that keep their memory on the parameters themselves: momentum, Nesterov, RMSprop, Adam."""
import math
import random
from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import MLP

DATA = [([i / 5, math.cos(i)], math.sin(i / 2) * 0.8) for i in range(-6, 7)]


def make():
    random.seed(7)
    return MLP(2, [6, 1])


def mse(model):
    errs = [(model(x) - t)**2 for x, t in DATA]
    return sum(errs) / len(errs)


def momentum(p, lr, step):
    p.v = 0.9 * p.v - lr * p.grad
    p.data += p.v


def nesterov(p, lr, step):
    prev = p.v
    p.v = 0.8 * p.v - lr * p.grad
    p.data += -0.8 * prev + 1.8 * p.v


def rmsprop(p, lr, step):
    p.v = 0.9 * p.v + 0.1 * p.grad**2
    p.data -= lr * p.grad / (p.v**0.5 + 1e-8)


def adam(p, lr, step, b1=0.9, b2=0.95):
    p.m = b1 * p.m + (1 - b1) * p.grad
    p.v = b2 * p.v + (1 - b2) * p.grad**2
    mhat = p.m / (1 - b1**(step + 1))
    vhat = p.v / (1 - b2**(step + 1))
    p.data -= lr * mhat / (math.sqrt(vhat) + 1e-8)


def run(name, update, lr, steps=40):
    model = make()
    for i, p in enumerate(model.parameters()):
        p.m = 0.0
        p.v = 0.0
        p.name = f"p{i}"
    curve = []
    for step in range(steps):
        loss = mse(model)
        for p in model.parameters():
            p.grad = 0
        loss.backward()
        lr_t = lr * (1 - step / steps)
        for p in model.parameters():
            update(p, lr_t, step)
        curve.append(loss.data)
    ps = model.parameters()
    big = max(ps, key=lambda p: abs(p.v))
    print(f"{name:9s} first {curve[0]:.6f} middle {curve[steps // 2]:.6f} last {curve[-1]:.6f}"
          f" |p| {sum(p.data**2 for p in ps):.6f} largest memory {big.name} {big.v:.6f}")
    return model


run("momentum", momentum, 0.05)
run("nesterov", nesterov, 0.05)
run("rmsprop", rmsprop, 0.02)
m = run("adam", adam, 0.05)

# memory kept beside the parameters, with the Value as the key of a dict
state = {p: {"g2": 0.0} for p in m.parameters()}
for step in range(5):
    loss = mse(m)
    m.zero_grad()
    loss.backward()
    norm = math.sqrt(sum(p.grad**2 for p in state))
    clip = min(1.0, 0.5 / norm)
    for p, s in state.items():
        s["g2"] += (clip * p.grad)**2
        p.data -= 0.01 * clip * p.grad / (math.sqrt(s["g2"]) + 1e-10)
print(f"adagrad on top {mse(m).data:.6f}", len(state), all(p in state for p in m.parameters()))

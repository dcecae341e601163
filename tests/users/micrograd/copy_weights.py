"""Weights moved about: snapshots, restoring the best, a slow target network, averaging, deep copies, json."""
import copy
import json
import random
from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import MLP

random.seed(99)
points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(24)]
data = [(list(p), 1.0 if p[0] * p[1] > 0 else -1.0) for p in points]


def loss_fn(net, rows=data):
    return sum((1 - y * net(x)).relu() for x, y in rows) / len(rows)


def snapshot(net):
    return [p.data for p in net.parameters()]


def restore(net, values):
    for p, v in zip(net.parameters(), values):
        p.data = v


def step(net, lr):
    loss = loss_fn(net)
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= lr * p.grad
    return loss.data


online, target = MLP(2, [6, 4, 1]), MLP(2, [6, 4, 1])
print("different at first:", f"{loss_fn(online).data:.6f} {loss_fn(target).data:.6f}")
for p, q in zip(target.parameters(), online.parameters()):
    p.data = q.data
print("the same now:", f"{loss_fn(online).data:.6f} {loss_fn(target).data:.6f}")

best, best_loss, tau = snapshot(online), float("inf"), 0.1
for k in range(40):
    l = step(online, 0.4 if k % 10 else 2.0)      # now and then a step that is too large
    for p, q in zip(target.parameters(), online.parameters()):
        p.data = (1 - tau) * p.data + tau * q.data
    now = loss_fn(online).data
    if now < best_loss:
        best, best_loss, best_k = snapshot(online), now, k
print(f"last {now:.6f} best {best_loss:.6f} at {best_k} target {loss_fn(target).data:.6f}")
restore(online, best)
print("restored:", f"{loss_fn(online).data:.6f}")

# deep copies are independent
twin = copy.deepcopy(online)
print("twin equal:", snapshot(twin) == snapshot(online), "shared:", any(p is q for p, q in zip(twin.parameters(), online.parameters())))
step(twin, 0.5)
print("twin moved:", snapshot(twin) != snapshot(online), "online still", f"{loss_fn(online).data:.6f}", "twin", f"{loss_fn(twin).data:.6f}")
print("gradients:", f"{sum(abs(p.grad) for p in twin.parameters()):.6f}")

# by layer and by neuron
donor = MLP(2, [6, 4, 1])
for ours, theirs in zip(donor.layers[:2], online.layers[:2]):
    for n, m in zip(ours.neurons, theirs.neurons):
        n.w = [Value(w.data) for w in m.w]
        n.b = Value(m.b.data)
print("head fresh:", f"{loss_fn(donor).data:.6f}", len(donor.parameters()))
donor.layers[-1] = online.layers[-1]              # and now truly share the head
print("head shared:", f"{loss_fn(donor).data:.6f}", donor.layers[-1].neurons[0].w[0] is online.layers[-1].neurons[0].w[0])
frozen = set(donor.layers[0].parameters())
before = snapshot(donor)
loss = loss_fn(donor)
donor.zero_grad()
loss.backward()
for p in donor.parameters():
    if p not in frozen:
        p.data -= 0.1 * p.grad
print("moved:", sum(a != b for a, b in zip(before, snapshot(donor))) <= len(before) - len(frozen), len(frozen))

# through json
text = json.dumps({"sizes": [2, 6, 4, 1], "values": best})
saved = json.loads(text)
again = MLP(saved["sizes"][0], saved["sizes"][1:])
restore(again, saved["values"])
print("from json:", f"{loss_fn(again).data:.6f}", snapshot(again) == best)
mean = [sum(t) / 3 for t in zip(snapshot(again), snapshot(twin), snapshot(target))]
restore(again, mean)
print("average of three:", f"{loss_fn(again).data:.6f}", f"{sum(mean):.6f}")

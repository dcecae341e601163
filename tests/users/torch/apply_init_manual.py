"""model.apply for the weights, then gradient descent by hand under no_grad; retained, summed and cleared gradients."""
import math
from itertools import groupby
from microgradnn import Value, nn, no_grad, norm
import microgradnn as mg
counter = [0]


def init_weights(m):
    """called for each module, children first"""
    if isinstance(m, nn.Linear):
        c = counter[0]
        m.load_state_dict({"weight": [[((i * 7 + j * 3 + c) % 11 - 5) / 8.0 for j in range(m.in_features)]
                                      for i in range(m.out_features)], "bias": [0.05] * m.out_features})
        counter[0] += 1


visited = []
model = nn.Sequential(nn.Linear(2, 6), nn.Sequential(nn.ReLU(), nn.Linear(6, 4)), nn.ReLU(), nn.Linear(4, 2))
returned = model.apply(init_weights)
model.apply(lambda m: visited.append(type(m).__name__) if type(m) is not nn.Activation else None)
print("visited", visited, "returns itself", returned is model, "linears", counter[0])
print("weights", [f"{v:.6f}" for row in model[0].weight for v in row])
print("nested", f"{model[1][1].state_dict()['weight'].sum():.6f}")

data = [([0.5, 1.0], [1.0, 0.0]), ([-1.0, 0.3], [0.0, 1.0]), ([1.5, -0.5], [0.5, 0.5]), ([0.0, 0.8], [1.0, 1.0])]
X = ([d[0] for d in data])
Y = ([d[1] for d in data])

# by hand, example after example, summing the gradients
lr = 0.05
for epoch in range(30):
    total = 0.0
    for p in model.parameters():
        p.grad = None
    for x, y in zip(X, Y):
        diff = [o - t for o, t in zip(model(x), y)]
        loss = sum(d * d for d in diff)
        loss.backward()                  # adds up
        total += loss.data
    with no_grad():
        for p in model.parameters():
            p.data -= lr * p.grad / len(X)
    if epoch % 10 == 0:
        print(f"epoch {epoch} {total:.6f}")
print(f"by hand {total:.6f}")

# the batch gives the same gradient as the sum over examples
model.zero_grad()
print("cleared", all(p.grad == 0 for p in model.parameters()))
for x, y in zip(X, Y):
    sum((o - t) ** 2 for o, t in zip(model(x), y)).backward()
one = [p.grad for p in model.parameters()]
model.zero_grad()
nn.MSELoss(reduction="sum")(model(X), Y).backward()
print("same gradients", all(math.isclose(a, p.grad, rel_tol=1e-5, abs_tol=1e-8) for a, p in zip(one, model.parameters())))
print("gradient norms", [f"{norm([p.grad for _, p in ps]):.6f}" for _, ps in groupby(model.named_parameters(), lambda np: np[0].split("[")[0])])

# under no_grad nothing is recorded
with no_grad():
    out = model(X)
try:
    out[0][0].backward()
except ValueError:
    print("ValueError without a graph")

# the usual fills
lin = nn.Linear(3, 2)
lin.load_state_dict({"weight": [[0.0] * 3] * 2, "bias": [1.0] * 2})
print([v.data for v in lin([1.0, 2.0, 3.0])], lin)
lin.load_state_dict({"weight": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]}, strict=False)
print([v.data for v in lin([1.0, 2.0, 3.0])])

# L1 and L2 penalties written out
model.zero_grad()
l2 = sum(p ** 2 for p in model.parameters())
l1 = sum(abs(p) for n, p in model.named_parameters() if "weight" in n)
loss = nn.MSELoss()(model(X), Y) + 1e-3 * l2 + 1e-3 * l1
loss.backward()
print("penalised", f"{loss.data:.6f} {l1.data:.6f} {l2.data:.6f} {model[3].bias[0].grad:.6f}")

# gradient of a gradient-free copy of a scalar function
a = Value(2.0)
b = Value(-1.5)
f = (a * b).exp() + mg.sin(a) / b + (a ** 3).log() - mg.sqrt(a) + mg.sigmoid(b) * mg.tanh(a)
f.backward()
print("scalar", f"{f.data:.6f} {a.grad:.6f} {b.grad:.6f}")

"""Early stopping with a copy of the best state, and state_dict/load_state_dict between models and optimisers."""
import copy
import math
from microgradnn import mean, nn, no_grad, optim


class Regressor(nn.Module):
    def __init__(self, hidden=10):
        super().__init__()
        self.l1 = nn.Linear(1, hidden)
        self.act = nn.Tanh()
        self.l2 = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.l2(self.act(self.l1(x)))


start = {
    "l1.weight": [[1.5 * math.cos(i)] for i in range(10)],
    "l1.bias": [math.sin(2.0 * i) for i in range(10)],
    "l2.weight": [[0.4 * math.cos(3.0 * i + 1) for i in range(10)]],
    "l2.bias": [0.0],
}
noise = [((i * 73) % 29 - 14) / 60 for i in range(24)]
xs = [-3 + 0.25 * i for i in range(24)]
ys = [math.sin(x) + n for x, n in zip(xs, noise)]
train_idx = [i for i in range(24) if i % 3]
val_idx = [i for i in range(24) if i % 3 == 0]
col = lambda v: [[t] for t in v]
Xt, Yt = col([xs[i] for i in train_idx]), col([ys[i] for i in train_idx])
Xv, Yv = col([xs[i] for i in val_idx]), col([ys[i] for i in val_idx])

model = Regressor()
print("keys", list(model.state_dict().keys()))
model.load_state_dict(start)
loss_fn = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.08)

best, best_epoch, patience, wait = float("inf"), -1, 12, 0
best_state = None
for epoch in range(300):
    model.train()
    optimizer.zero_grad()
    loss = loss_fn(model(Xt), Yt)
    loss.backward()
    optimizer.step()

    model.eval()
    with no_grad():
        val = loss_fn(model(Xv), Yv).data
    if val < best - 1e-5:
        best, best_epoch, wait = val, epoch, 0
        best_state = copy.deepcopy(model.state_dict())
    else:
        wait += 1
        if wait >= patience:
            print(f"stopped at {epoch}")
            break
    if epoch % 15 == 0:
        print(f"epoch {epoch:3d} train {loss.data:.6f} val {val:.6f}")
print(f"best {best:.6f} at {best_epoch}, now {val:.6f}")

model.load_state_dict(best_state)
print("restored", f"{loss_fn(model(Xv), Yv).data:.6f}")

# into another model; the two do not share memory
other = Regressor()
other.load_state_dict(model.state_dict())
same = other.parameters() == model.parameters()
other.l2.bias[0].data += 1.0
print("same", same, "then", f"{mean([a[0] - b[0] for a, b in zip(other(Xv), model(Xv))]):.6f}")

model.l2.bias[0].data = 0.125

# wrong keys, and how to let them through
partial = {k: v for k, v in best_state.items() if k.startswith("l1")}
try:
    other.load_state_dict(partial)
except ValueError as e:
    print("RuntimeError, missing named:", "l2.weight" in str(e))
other.load_state_dict({**partial, "l9.weight": [0.0]}, strict=False)

# an optimiser goes on where it left off
twin = copy.deepcopy(model)
opt1, opt2 = optim.Adam(model.parameters(), lr=0.05), optim.Adam(twin.parameters(), lr=0.9)
for _ in range(3):
    opt1.zero_grad(); loss_fn(model(Xt), Yt).backward(); opt1.step()
twin.load_state_dict(model.state_dict())
opt2.load_state_dict(opt1.state_dict())
for m, o in ((model, opt1), (twin, opt2)):
    o.zero_grad(); loss_fn(m(Xt), Yt).backward(); o.step()
print("continued", f"{loss_fn(model(Xt), Yt).data:.6f} {loss_fn(twin(Xt), Yt).data:.6f}", opt2.param_groups[0]["lr"])

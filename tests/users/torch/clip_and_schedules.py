"""Gradient clipping, and the learning rates that the schedulers give, in use and on their own."""
import math
from microgradnn import nn, optim
from microgradnn.optim import clip_grad_norm_


def build():
    net = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1))
    net.load_state_dict({"0.weight": [[(-1.0) ** i * (0.5 + 0.2 * i)] for i in range(8)],
                         "0.bias": [0.3 * i - 1.0 for i in range(8)],
                         "2.weight": [[0.25 * (i % 3) - 0.2 for i in range(8)]],
                         "2.bias": [0.1]})
    return net


X = ([[i / 4.0] for i in range(-8, 9)])
Y = ([[2 * abs(i / 4.0) - 1] for i in range(-8, 9)])
mse = nn.MSELoss()

# clipping on its own
net = build()
mse(net(X), Y).backward()
total = clip_grad_norm_(net.parameters(), max_norm=1.0)
after = math.sqrt(sum(p.grad ** 2 for p in net.parameters()))
print("norm", f"{total:.6f}", "after", f"{after:.6f}")
total = clip_grad_norm_(net.parameters(), 10.0)
print("again, not needed", f"{total:.6f}")
largest = max(abs(p.grad) for p in net.parameters())
for p in net.parameters():
    p.grad *= min(1, 0.2 / (largest + 1e-6))
print("max norm", f"{largest:.6f}", f"{max(abs(p.grad) for p in net.parameters()):.6f}")
net.zero_grad()
mse(net(X), Y).backward()
for p in net.parameters():
    p.grad = min(max(p.grad, -0.25), 0.25)
print("clipped values", f"{sum(p.grad for p in net.parameters()):.6f}",
      sum(abs(p.grad) == 0.25 for p in net.parameters()))

# the rates
linear = lambda start, n: lambda e: start + (1 - start) * min(e, n) / n
makers = {
    "step": optim.StepDecay(every=4, factor=0.5),
    "multistep": lambda e: 0.1 ** ((e >= 3) + (e >= 8)),
    "exponential": optim.StepDecay(every=1, factor=0.9),
    "cosine": lambda e: 0.02 + 0.98 * (1 + math.cos(math.pi * e / 10)) / 2,
    "lambda": lambda e: 1 / (1 + 0.3 * e),
    "linear": linear(0.2, 5),
    "constant": lambda e: 0.5 if e < 3 else 1.0,
    "polynomial": lambda e: (1 - min(e, 10) / 10) ** 2,
}
for name, sched in makers.items():
    net = build()
    opt = optim.SGD(net.parameters(), lr=0.05, momentum=0.5)
    opt.param_groups[0]["lr"] = 0.05 * sched(0)
    rates, norms = [], []
    for epoch in range(12):
        opt.zero_grad()
        loss = mse(net(X), Y)
        loss.backward()
        norms.append(clip_grad_norm_(net.parameters(), 1.5))
        opt.step()
        rates.append(opt.param_groups[0]["lr"])
        opt.param_groups[0]["lr"] = 0.05 * sched(epoch + 1)
    print(f"{name:12s} loss {loss:.6f} last {opt.param_groups[0]['lr']:.6f} norm {norms[-1]:.6f} rates",
          " ".join(f"{r:.6f}" for r in rates[::3]))

# plateau: the loss is handed over
net = build()
opt = optim.Adam(net.parameters(), lr=0.4)
best, bad = float("inf"), 0                 # ReduceLROnPlateau by hand
drops = []
for epoch in range(45):
    opt.zero_grad()
    loss = mse(net(X), Y)
    loss.backward()
    opt.step()
    before = opt.param_groups[0]["lr"]
    best, bad = (loss.data, 0) if loss.data < best * (1 - 1e-4) else (best, bad + 1)
    if bad > 3:
        opt.param_groups[0]["lr"], bad = max(before * 0.3, 0.02), 0
    if opt.param_groups[0]["lr"] < before:
        drops.append(epoch)
print("plateau drops at", drops, f"lr {opt.param_groups[0]['lr']:.8f} loss {loss:.6f}")

# two in a row
opt = optim.SGD(build().parameters(), lr=1.0)
sched = lambda e: linear(0.1, 4)(e) if e < 4 else 0.8 ** (e - 4)
seen = []
for e in range(8):
    opt.param_groups[0]["lr"] = sched(e)
    opt.step()
    seen.append(opt.param_groups[0]["lr"])
print("warm-up then decay", " ".join(f"{r:.6f}" for r in seen))

"""A line with outliers under MSE, L1 and Huber; layers with their own nn.Parameter; a buffer; an extra penalty."""
from microgradnn import Value, dot, nn, optim, where

xs = [i / 4 for i in range(-10, 11)]
ys = [1.5 * x - 0.5 + (8.0 if i in (3, 11, 17) else 0.0) + ((i * 5) % 7 - 3) / 20 for i, x in enumerate(xs)]
X = [[x] for x in xs]
Y = [[y] for y in ys]


class Line(nn.Module):
    buffers = ("calls",)

    def __init__(self):
        super().__init__()
        self.slope = Value(0.0)
        self.offset = Value(0.0)
        self.calls = 0.0

    def forward(self, x):
        self.calls += 1 / len(X)  # forward is called for each example
        return self.slope * x[0] + self.offset

    def __repr__(self):
        return f"Line(y = {self.slope.data:.3f} x + {self.offset.data:.3f})"


for name, loss_fn in [("mse", nn.MSELoss()), ("l1", nn.L1Loss()), ("huber", nn.HuberLoss(delta=0.5)),
                      ("huber sum", nn.HuberLoss(reduction="sum")), ("smooth", nn.SmoothL1Loss(beta=0.25))]:
    line = Line()
    opt = optim.SGD(line.parameters(), lr=0.1 if "sum" not in name else 0.005, momentum=0.5)
    for step in range(80):
        opt.zero_grad()
        loss = loss_fn(line(X), Y)
        loss.backward()
        opt.step()
    print(f"{name:9s} slope {line.slope.data:.6f} offset {line.offset.data:.6f} loss {loss.data:.6f} calls {line.calls:.0f}")
print(line, [n for n, _ in line.named_parameters()], list(line.state_dict()))


class PReluNet(nn.Module):
    """own activation with a learned slope, own linear layer with a gain"""

    class Gain(nn.Module):
        def __init__(self, nin, nout):
            super().__init__()
            self.weight = [[Value(((i * nin + j) * 5 % 8 - 3.5) / 4) for j in range(nin)] for i in range(nout)]
            self.gain = [Value(1.0) for _ in range(nout)]

        def forward(self, x):
            return [dot(w, x) * g for w, g in zip(self.weight, self.gain)]

    def __init__(self, hidden=5):
        super().__init__()
        self.a = self.Gain(1, hidden)
        self.bias = [Value(0.4 * i - 0.8) for i in range(hidden)]
        self.leak = Value(0.2)
        self.b = self.Gain(hidden, 1)

    def forward(self, x):
        h = [v + b for v, b in zip(self.a(x), self.bias)]
        h = [where(v > 0, v, self.leak * v) for v in h]
        return self.b(h)


net = PReluNet()
print(sorted(net.state_dict()), len(net.parameters()))
target = [[abs(x - 0.5) - 0.3 * x] for x in xs]
opt = optim.Adam(net.parameters(), lr=0.03)
for step in range(120):
    opt.zero_grad()
    fit = nn.functional.huber_loss(net(X), target, delta=1.0)
    penalty = 0.01 * sum((g - 1) ** 2 for n, g in net.named_parameters() if "gain" in n)
    (fit + penalty).backward()
    opt.step()
    if step % 40 == 0:
        print(f"step {step:3d} fit {fit.data:.6f} penalty {penalty.data:.6f} leak {net.leak.data:.6f}")
print(f"final {fit.data:.6f} leak {net.leak.data:.6f} gains", [f"{g:.6f}" for g in net.a.gain])
print("at -1, 0, 1:", [f"{net([[v]])[0][0]:.6f}" for v in (-1.0, 0.0, 1.0)])

"""Dropout and the two modes: off in eval, off with p=0, and what its masks look like in train."""
from microgradnn import Value, nn, no_grad, optim


def linear(nin, nout, salt):
    lin = nn.Linear(nin, nout)
    lin.load_state_dict({"weight": [[((i + 2 * j + salt) % 5 - 2) / 4 for j in range(nin)] for i in range(nout)],
                         "bias": [((i * salt) % 3) / 10 for i in range(nout)]})
    return lin


class Net(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.features = nn.Sequential(linear(2, 8, 1), nn.ReLU(), nn.Dropout(p))
        self.head = nn.Sequential(linear(8, 6, 2), nn.ReLU(), nn.Dropout(p), linear(6, 1, 3))

    def forward(self, x):
        return self.head(self.features(x))


X = ([[0.2 * i, 1 - 0.1 * i] for i in range(8)])
Y = ([[float(i % 2)] for i in range(8)])

# the flag travels through all modules
net = Net(0.5)
print("at first", net.training, net.head[2].training)
net.eval()
print("eval", net.training, net.features[2].training, sum(m.training for m in net.modules()))
net.train()
print("train", net.training, all(m.training for m in net.modules()), "of", sum(type(m) is not nn.Activation for m in net.modules()))
net.train(False)
print("train(False)", net.training)
net.head.train()
print("head only", net.training, net.features.training, net.head[2].training)

# in eval it is a plain net
net.eval()
a, b = net(X), net(X)
print("repeatable", a == b, [f"{v:.6f}" for v in a[:4]])
plain = Net(0.0)
print("p=0 in train is the same", plain.train()(X) == a)

# in train: zero or scaled, about half and half, and the mean is kept
drop = nn.Dropout(p=0.25)
ones = drop([1.0] * 4000)
kinds = sorted(set(round(v, 6) for v in ones))
print("values", kinds, "share kept in (0.70, 0.80):", 0.70 < sum(v > 0 for v in ones) / 4000 < 0.80)
drop.eval()
print("eval", drop([1.0] * 5) == [1] * 5, drop)
x = [Value(1.0) for _ in range(50)]
y = nn.Dropout(0.5)(x)
sum(y).backward()
print("gradient follows the mask", [v.grad for v in x] == y)
try:
    nn.Dropout(1.5)
except ValueError as e:
    print("ValueError")

# training with p=0 gives numbers; with p=0.5 the loss must still come down
for p in (0.0, 0.5):
    net = Net(p)
    opt = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    loss_fn = nn.BCEWithLogitsLoss()
    net.eval()
    with no_grad():
        start = loss_fn(net(X), Y).data
    net.train()
    for epoch in range(60):
        opt.zero_grad()
        loss_fn(net(X), Y).backward()
        opt.step()
    net.eval()
    with no_grad():
        end = loss_fn(net(X), Y).data
    print(f"p={p} start {start:.6f}", f"end {end:.6f}" if p == 0 else f"lower {end < start}")

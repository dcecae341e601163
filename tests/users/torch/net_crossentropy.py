"""Three classes in the plane, a Net class, weighted and smoothed cross entropy, Adam."""
import math
import microgradnn.nn as nn
import microgradnn.nn.functional as F
from microgradnn import no_grad
from microgradnn.optim import Adam


def spiral(per_class=10):
    xs, ys = [], []
    for c in range(3):
        for i in range(per_class if c else per_class // 2):    # class 0 is rare
            r = 0.15 + 0.085 * i
            t = 2.1 * c + 1.6 * r
            xs.append([r * math.cos(t), r * math.sin(t)])
            ys.append(c)
    return xs, ys


def seq(n, m, salt):
    return [[((i * 31 + j * 17 + salt * 7) % 23 - 11) / 12.0 for j in range(m)] for i in range(n)]


class Net(nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 3)
        for s, fc in enumerate([self.fc1, self.fc2, self.out]):
            fc.load_state_dict({"weight": [[0.7 * v for v in row] for row in seq(fc.out_features, fc.in_features, s)],
                                "bias": [0.0] * fc.out_features})

    def forward(self, x):
        x = F.tanh(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.out(x)


xs, ys = spiral()
X, y = xs, ys
counts = [ys.count(c) for c in range(3)]
weight = [len(ys) / (3 * n) for n in counts]
print("counts", counts, "weights", [f"{w:.6f}" for w in weight])

for name, criterion in [("plain", nn.CrossEntropyLoss()),
                        ("weighted", nn.CrossEntropyLoss(weight=weight)),
                        ("smoothed", nn.CrossEntropyLoss(label_smoothing=0.1)),
                        ("both", nn.CrossEntropyLoss(weight=weight, label_smoothing=0.05)),
                        ("sum", nn.CrossEntropyLoss(reduction="sum"))]:
    net = Net()
    opt = Adam(net.parameters(), lr=0.02)
    for epoch in range(60):
        logits = net(X)
        loss = criterion(logits, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if epoch == 0:
            first = loss.data
    with no_grad():
        logits = net(X)
        pred = [max(range(3), key=lambda c: row[c].data) for row in logits]
        acc = sum(p == c for p, c in zip(pred, y)) / len(y)
        probs = F.softmax(logits, dim=1)
    print(f"{name:9s} first {first:.6f} last {criterion(logits, y).data:.6f} acc {acc:.4f} "
          f"p(true) {sum(probs[i][c].data for i, c in enumerate(ys)) / len(ys):.6f}")

print(net)
print(list(net.state_dict()))
point = [[0.2, -0.4]]
print("probabilities", [f"{p:.6f}" for p in F.softmax(net(point), dim=1)[0]])
print("log", [f"{p:.6f}" for p in F.log_softmax(net(point), dim=-1)[0]])
print("per example", [f"{v:.6f}" for v in nn.CrossEntropyLoss(reduction="none")(net(X), y)[:4]])

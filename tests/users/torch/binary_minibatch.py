"""Two half circles, mini-batches, BCEWithLogitsLoss with RMSprop and Adagrad, accuracy and a threshold table."""
import math
import microgradnn.nn as nn
import microgradnn.optim as optim
from microgradnn import no_grad, sigmoid


def half_circles(n):
    points = []
    for i in range(n):
        t = math.pi * i / (n - 1)
        wob = 0.12 * math.sin(11 * i)
        points.append(([math.cos(t) + wob, math.sin(t) - wob], 0.0))
        points.append(([1 - math.cos(t) - wob, 0.5 - math.sin(t) + wob], 1.0))
    return points


points = half_circles(16)
order = [(i * 13) % len(points) for i in range(len(points))]      # a fixed shuffle
points = [points[i] for i in order]
train, test = points[:24], points[24:]


class Classifier(nn.Module):
    def __init__(self, hidden):
        super(Classifier, self).__init__()
        self.hidden = nn.Linear(2, hidden)
        self.relu = nn.ReLU()
        self.output = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.output(self.relu(self.hidden(x)))[0]


def load(model):
    w, v = [], []
    n = model.hidden.out_features
    for i in range(n):
        a = 2 * math.pi * i / n
        w.append([math.cos(a), math.sin(a)])
        v.append(0.3 if i % 2 else -0.3)
    model.load_state_dict(dict(zip(model.state_dict(), [w, [0.1] * n, [v], [0.0]])))


def tensors(rows):
    return [r[0] for r in rows], [r[1] for r in rows]


def accuracy(model, rows):
    model.eval()
    with no_grad():
        x, y = tensors(rows)
        pred = [sigmoid(o) >= 0.5 for o in model(x)]
    model.train()
    return sum(p == t for p, t in zip(pred, y)) / len(y)


def fit(make_opt, epochs=12, batch=6, criterion=nn.BCEWithLogitsLoss()):
    model = Classifier(8)
    load(model)
    opt = make_opt(model.parameters())
    history = []
    for epoch in range(epochs):
        running, seen = 0.0, 0
        for s in range(0, len(train), batch):
            xb, yb = tensors(train[s:s + batch])
            opt.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            opt.step()
            running += loss.data * len(xb)
            seen += len(xb)
        history.append(running / seen)
    return model, history


for name, make_opt in [("rmsprop", lambda p: optim.RMSprop(p, lr=0.02)),
                       ("adagrad", lambda p: optim.Adagrad(p, lr=0.2)),
                       ("sgd", lambda p: optim.SGD(p, lr=0.3, momentum=0.9, weight_decay=1e-3)),
                       ("adamw", lambda p: optim.AdamW(p, lr=0.05, weight_decay=0.1))]:
    model, history = fit(make_opt)
    print(f"{name:8s} first {history[0]:.6f} last {history[-1]:.6f} train {accuracy(model, train):.4f} test {accuracy(model, test):.4f}")

heavy = nn.BCEWithLogitsLoss(pos_weight=4.0)
model, history = fit(lambda p: optim.RMSprop(p, lr=0.02), criterion=heavy, batch=10)
print(f"pos_weight first {history[0]:.6f} last {history[-1]:.6f}")
x, y = tensors(test)
p = [sigmoid(o) for o in model(x)]
print("p", [f"{v:.6f}" for v in p])
for threshold in (0.3, 0.5, 0.7):
    tp = sum(v >= threshold and t == 1 for v, t in zip(p, y))
    fp = sum(v >= threshold and t == 0 for v, t in zip(p, y))
    print(threshold, "tp", tp, "fp", fp)

"""Moons with a max-margin loss: batches, L2 penalty, accuracy inside loss(), and a picture in text."""
import random
import numpy as np
from sklearn.datasets import make_moons
from microgradnn.micrograd.engine import Value
from microgradnn.micrograd.nn import MLP

np.random.seed(1337)
random.seed(1337)

X, y = make_moons(n_samples=40, noise=0.1)
y = y * 2 - 1  # labels -1 / +1

model = MLP(2, [8, 8, 1])
print(model)
print("number of parameters", len(model.parameters()))


def loss(batch_size=None):
    if batch_size is None:
        Xb, yb = X, y
    else:
        ri = np.random.permutation(X.shape[0])[:batch_size]
        Xb, yb = X[ri], y[ri]
    inputs = [list(map(Value, xrow)) for xrow in Xb]

    # forward
    scores = list(map(model, inputs))

    # hinge
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(yb, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    # L2
    alpha = 1e-4
    reg_loss = alpha * sum((p * p for p in model.parameters()))
    total_loss = data_loss + reg_loss

    accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(yb, scores)]
    return total_loss, sum(accuracy) / len(accuracy)


total_loss, acc = loss()
print(f"start: loss {total_loss.data:.6f}, accuracy {acc * 100:.2f}%")

for k in range(24):
    total_loss, acc = loss() if k < 18 else loss(batch_size=20)
    model.zero_grad()
    total_loss.backward()
    learning_rate = 1.0 - 0.9 * k / 24
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    if k % 5 == 0 or k == 23:
        print(f"step {k} loss {total_loss.data:.6f}, accuracy {acc * 100:.2f}%")

# the decision boundary on a coarse grid
h = 0.3
x_min, x_max = X[:, 0].min() - 0.5, X[:, 0].max() + 0.5
y_min, y_max = X[:, 1].min() - 0.5, X[:, 1].max() + 0.5
xx, yy = np.meshgrid(np.arange(x_min, x_max, h), np.arange(y_min, y_max, h))
Xmesh = np.c_[xx.ravel(), yy.ravel()]
scores = [model(list(map(Value, row))) for row in Xmesh]
Z = np.array([s.data > 0 for s in scores]).reshape(xx.shape)
for row in Z[::-1]:
    print("".join("#" if c else "." for c in row))
final, acc = loss()
print(f"final: loss {float(final.data):.6f}, accuracy {acc * 100:.2f}%")

"""Learning from chunks with partial_fit: classes told once, drift, a regressor too, and warm_start beside it."""
import warnings
import numpy as np
from sklearn.metrics import accuracy_score
from microgradnn.sklearn import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
rng = np.random.RandomState(8)


def chunk(n, shift=0.0):
    X = rng.normal(size=(n, 2))
    y = np.where(X[:, 0] + shift > X[:, 1] ** 2 - 0.5, "in", "out")
    y[X[:, 1] > 1.6] = "top"
    return X, y


# classifier
test_X, test_y = chunk(80)
clf = MLPClassifier(hidden_layer_sizes=(10,), learning_rate_init=0.03, random_state=0, batch_size=20)
scaler = StandardScaler()
for i in range(12):
    X, y = chunk(40)
    scaler.partial_fit(X)
    if i == 0:
        clf.partial_fit(scaler.transform(X), y, classes=["in", "out", "top"])
    else:
        clf.partial_fit(scaler.transform(X), y)
    if i % 3 == 2:
        acc = accuracy_score(test_y, clf.predict(scaler.transform(test_X)))
        print(f"chunk {i + 1:2d} loss {clf.loss_:.6f} test {acc:.4f} iter {clf.n_iter_} seen {clf.t_}")
print("classes", list(map(str, clf.classes_)), "curve length", len(clf.loss_curve_), [f"{v:.6f}" for v in clf.loss_curve_[-2:]])
proba = clf.predict_proba(scaler.transform(test_X[:2]))
print("proba", [[f"{v:.6f}" for v in row] for row in proba])
print("log proba agrees", bool(np.allclose(np.log(proba), clf.predict_log_proba(scaler.transform(test_X[:2])))))

# the world changes, the net follows
Xd, yd = chunk(80, shift=1.0)
before = clf.score(scaler.transform(Xd), yd)
for _ in range(10):
    X, y = chunk(40, shift=1.0)
    clf.partial_fit(scaler.transform(X), y)
print(f"after the drift {before:.4f} -> {clf.score(scaler.transform(Xd), yd):.4f}")

# a label never announced
try:
    clf.partial_fit(test_X[:2], ["in", "left"])
except ValueError as e:
    print("ValueError for a new label")

# sgd without shuffling over the same chunk = more epochs
X, y = test_X[:30], (test_X[:30, 0] > 0).astype(int)
one = MLPClassifier((4,), solver="sgd", learning_rate_init=0.1, shuffle=False, random_state=5, batch_size=30, max_iter=6)
one.fit(X, y)
many = MLPClassifier((4,), solver="sgd", learning_rate_init=0.1, shuffle=False, random_state=5, batch_size=30)
for _ in range(6):
    many.partial_fit(X, y, classes=[0, 1])
print("fit", f"{one.loss_:.6f}", "partial_fit", f"{many.loss_:.6f}",
      "same weights", all(np.allclose(a, b) for a, b in zip(one.coefs_, many.coefs_)))

# regressor
reg = MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", learning_rate_init=0.02, random_state=1)
for i in range(30):
    X = rng.uniform(-2, 2, size=(25, 1))
    reg.partial_fit(X, np.abs(X).ravel())
    if i % 10 == 9:
        print(f"regressor {i + 1} {reg.loss_:.6f}", " ".join(f"{v:.6f}" for v in reg.predict([[-1.0], [0.0], [1.0]])))

# lbfgs cannot
try:
    MLPClassifier(solver="lbfgs").partial_fit
    print("there")
except AttributeError:
    print("no partial_fit with lbfgs", hasattr(MLPClassifier(solver="lbfgs"), "partial_fit"))

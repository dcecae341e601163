"""Digits, shrunk to 4x4: a small net, the confusion, its first-layer weights as pictures in characters, saved by pickle."""
import pickle
import warnings
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import learning_curve, validation_curve
from microgradnn.sklearn import MLPClassifier

warnings.filterwarnings("ignore")

digits = load_digits(n_class=6)
images = digits.images[:240].reshape(240, 4, 2, 4, 2).mean(axis=(2, 4)) / 16.0     # 8x8 -> 4x4
X, y = images.reshape(240, 16), digits.target[:240]
X_train, y_train, X_test, y_test = X[:160], y[:160], X[160:], y[160:]
print(X.shape, np.bincount(y), f"{X.mean():.6f}")

mlp = MLPClassifier(hidden_layer_sizes=(12,), max_iter=25, alpha=1e-4, solver="sgd", random_state=1,
                    learning_rate_init=0.2, batch_size=40)
mlp.fit(X_train, y_train)
print(f"train {mlp.score(X_train, y_train):.6f} test {mlp.score(X_test, y_test):.6f} loss {mlp.loss_:.6f}")
print("curve", " ".join(f"{v:.6f}" for v in mlp.loss_curve_[::6]))
print(confusion_matrix(y_test, mlp.predict(X_test)))

# use global min / max so that all pictures share one scale
vmin, vmax = mlp.coefs_[0].min(), mlp.coefs_[0].max()
print("scale", f"{vmin:.6f} {vmax:.6f}", mlp.coefs_[0].shape, mlp.coefs_[1].shape)
shades = " .:-=+*#%@"
pictures = []
for coef in mlp.coefs_[0].T[:6]:
    level = ((coef.reshape(4, 4) - vmin) / (vmax - vmin) * 9.99).astype(int)
    pictures.append(["".join(shades[v] for v in row) for row in level])
for r in range(4):
    print("  ".join(p[r] for p in pictures))

# which hidden unit speaks for which digit
for digit in mlp.classes_[:3]:
    order = np.argsort(-mlp.coefs_[1][:, digit])[:3]
    print("digit", digit, "units", order, " ".join(f"{mlp.coefs_[1][u, digit]:.6f}" for u in order))

# forward by hand from coefs_ and intercepts_
hidden = np.maximum(X_test @ mlp.coefs_[0] + mlp.intercepts_[0], 0)
logits = hidden @ mlp.coefs_[1] + mlp.intercepts_[1]
e = np.exp(logits - logits.max(axis=1, keepdims=True))
print("by hand", bool(np.allclose(e / e.sum(axis=1, keepdims=True), mlp.predict_proba(X_test))), f"{hidden.mean():.6f}")

# least sure
p = mlp.predict_proba(X_test)
i = int(np.argmin(p.max(axis=1)))
print("least sure", i, "is", y_test[i], "said", mlp.predict(X_test[i:i + 1])[0], " ".join(f"{v:.6f}" for v in p[i]))

again = pickle.loads(pickle.dumps(mlp))
print("pickled", bool((again.predict_proba(X_test) == p).all()), again.get_params() == mlp.get_params())

small = MLPClassifier((8,), solver="lbfgs", max_iter=30, random_state=0, alpha=0.1)
sizes, train, test = learning_curve(small, X, y, train_sizes=[40, 80, 160], cv=3, shuffle=True, random_state=0)
for n, a, b in zip(sizes, train.mean(axis=1), test.mean(axis=1)):
    print(f"n {n} train {a:.6f} test {b:.6f}")
train, test = validation_curve(small, X, y, param_name="alpha", param_range=[1e-3, 1.0, 30.0], cv=3)
print("alpha", " ".join(f"{v:.6f}" for v in test.mean(axis=1)))

"""Regularisation on moons: lbfgs with growing alpha, weight sizes, a text picture of the boundary."""
import warnings
import numpy as np
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss
from sklearn.model_selection import train_test_split
from microgradnn.sklearn import MLPClassifier

warnings.filterwarnings("ignore", category=ConvergenceWarning)

X, y = make_moons(n_samples=90, noise=0.25, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=42, stratify=y)
print(X_train.shape, X_test.shape, np.bincount(y_train))

models = {}
for alpha in [1e-3, 1e-2, 1e-1, 1.0, 10.0]:
    clf = MLPClassifier(hidden_layer_sizes=(8,), solver="lbfgs", alpha=alpha, activation="tanh",
                        max_iter=40, random_state=1)
    clf.fit(X_train, y_train)
    models[alpha] = clf
    size = sum(float((w ** 2).sum()) for w in clf.coefs_)
    print(f"alpha {alpha:8g} train {clf.score(X_train, y_train):.4f} test {clf.score(X_test, y_test):.4f} "
          f"loss {clf.loss_:.6f} |w|^2 {size:.6f} iter {clf.n_iter_}")

best = max(models, key=lambda a: (models[a].score(X_test, y_test), a))
clf = models[best]
print("best alpha", best)
print(clf)
pred = clf.predict(X_test)
print("accuracy", f"{accuracy_score(y_test, pred):.6f}")
print(confusion_matrix(y_test, pred))
proba = clf.predict_proba(X_test)
print("log loss", f"{log_loss(y_test, proba):.6f}", proba.shape)
print("proba", np.array2string(proba[:3], precision=6, floatmode="fixed", suppress_small=True))
print("shapes", [w.shape for w in clf.coefs_], [b.shape for b in clf.intercepts_])
print("classes", clf.classes_, "outputs", clf.n_outputs_, "layers", clf.n_layers_, clf.out_activation_)

# the boundary
xx, yy = np.meshgrid(np.linspace(-1.5, 2.5, 33), np.linspace(1.4, -0.9, 11))
grid = np.c_[xx.ravel(), yy.ravel()]
for alpha in (1e-3, best):
    Z = models[alpha].predict(grid).reshape(xx.shape)
    print(f"alpha {alpha:g}: share of class 1 {Z.mean():.6f}")
    for row in Z:
        print("".join(".#"[c] for c in row))

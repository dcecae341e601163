"""MLPRegressor on a noisy sine: activations, solvers, alpha, two outputs, and sample weights."""
import warnings
import numpy as np
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from microgradnn.sklearn import MLPRegressor

warnings.filterwarnings("ignore")

rng = np.random.RandomState(3)
X = np.sort(rng.uniform(-3, 3, size=(50, 1)), axis=0)
y = np.sin(X).ravel() + 0.1 * rng.randn(50)
X_new = np.linspace(-3, 3, 7)[:, None]


def report(name, reg):
    pred = reg.predict(X)
    print(f"{name:22s} r2 {r2_score(y, pred):.6f} mse {mean_squared_error(y, pred):.6f} "
          f"mae {mean_absolute_error(y, pred):.6f} loss {reg.loss_:.6f} n_iter {reg.n_iter_}")


for activation in ["identity", "logistic", "tanh", "relu"]:
    reg = MLPRegressor(hidden_layer_sizes=(8,), activation=activation, solver="lbfgs", alpha=1e-3,
                       max_iter=50, random_state=0).fit(X, y)
    report(f"lbfgs {activation}", reg)

reg = MLPRegressor(hidden_layer_sizes=(8, 4), activation="tanh", solver="adam", learning_rate_init=0.02, max_iter=60,
                   batch_size=25, random_state=0).fit(X, y)
report("adam", reg)
reg = MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", solver="sgd", learning_rate_init=0.05, momentum=0.8, max_iter=60,
                   shuffle=False, batch_size=50, random_state=0).fit(X, y)
report("sgd, not shuffled", reg)
print("first and last of the curve", f"{reg.loss_curve_[0]:.6f} {reg.loss_curve_[-1]:.6f}")

for alpha in (0.0, 0.1, 1.0, 5.0):
    reg = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", solver="lbfgs", alpha=alpha, max_iter=30, random_state=2).fit(X, y)
    print(f"alpha {alpha:g}", " ".join(f"{v:.6f}" for v in reg.predict(X_new)), f"score {reg.score(X, y):.6f}")

# two targets at once
Y = np.c_[np.sin(X).ravel(), np.cos(X).ravel()]
reg = MLPRegressor(hidden_layer_sizes=(10,), activation="tanh", solver="lbfgs", max_iter=60, random_state=1).fit(X, Y)
print("two outputs", reg.predict(X_new).shape, f"{reg.score(X, Y):.6f}", reg.n_outputs_, reg.out_activation_)
print(np.array2string(reg.predict(X_new)[:3], precision=4, floatmode="fixed"))

# weights: the right half counts, the left hardly
weight = np.where(X.ravel() > 0, 1.0, 0.01)
reg = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", solver="lbfgs", max_iter=40, random_state=1)
reg.fit(X, y, sample_weight=weight)
right, left = X.ravel() > 0, X.ravel() <= 0
err = (reg.predict(X) - y) ** 2
print("weighted: right", f"{err[right].mean():.6f}", "left", f"{err[left].mean():.6f}",
      "score", f"{reg.score(X, y, sample_weight=weight):.6f}")
print("params", {k: v for k, v in reg.get_params().items() if k in ("activation", "alpha", "solver", "tol", "loss")})

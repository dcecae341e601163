"""The diabetes data: pipeline with scaler, target scaling, cross validation, comparison to ridge."""
import warnings
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from microgradnn.sklearn import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")

data = load_diabetes()
rows = np.arange(0, 442, 3)                      # every third patient
X, y = data.data[rows][:, [2, 3, 8]], data.target[rows]   # bmi, bp, s5
print(X.shape, np.array(data.feature_names)[[2, 3, 8]], f"mean target {y.mean():.6f}")

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)


def net(**kw):
    args = dict(hidden_layer_sizes=(6,), solver="lbfgs", max_iter=40, random_state=0, alpha=0.1)
    args.update(kw)
    return MLPRegressor(**args)


def wrapped(**kw):
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), net(**kw)), transformer=StandardScaler())


for name, model in [("ridge", make_pipeline(StandardScaler(), Ridge(1.0))),
                    ("mlp lbfgs", wrapped()),
                    ("mlp tanh", wrapped(activation="tanh", alpha=1.0)),
                    ("mlp adam", wrapped(solver="adam", learning_rate_init=0.02, max_iter=40, batch_size=32)),
                    ("mlp linear", wrapped(activation="identity", hidden_layer_sizes=(2,)))]:
    model.fit(X_train, y_train)
    print(f"{name:10s} train r2 {model.score(X_train, y_train):.6f} test r2 {model.score(X_test, y_test):.6f} "
          f"first {model.predict(X_test[:1])[0]:.6f}")

inner = model.regressor_.named_steps["mlpregressor"]
print("linear net is a line:", [w.shape for w in inner.coefs_])
print("its slopes", [f"{v:.6f}" for v in (inner.coefs_[0] @ inner.coefs_[1]).ravel()])

cv = KFold(4, shuffle=True, random_state=5)
for alpha in (0.1, 10.0):
    scores = cross_val_score(wrapped(alpha=alpha), X, y, cv=cv)
    print(f"cv alpha {alpha:g}", " ".join(f"{s:.6f}" for s in scores), f"mean {scores.mean():.6f}")
mae = -cross_val_score(wrapped(), X, y, cv=cv, scoring="neg_mean_absolute_error")
print(f"mean absolute error {mae.mean():.6f} +- {mae.std():.6f}")

# a partial dependence by hand: bmi moved, the others at their mean
model = wrapped(alpha=1.0).fit(X, y)
point = np.tile(X.mean(axis=0), (5, 1))
point[:, 0] = np.quantile(X[:, 0], [0.05, 0.25, 0.5, 0.75, 0.95])
print("bmi up:", " ".join(f"{v:.6f}" for v in model.predict(point)))

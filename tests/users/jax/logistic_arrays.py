"""Logistic regression and a tiny net on arrays: value_and_grad, aux, jit, vmap for gradients of each example."""
import microgradnn as jax
import numpy as np
from functools import partial

fmt = lambda a: " ".join(f"{v:.6f}" for v in np.asarray(a).ravel() + 0.0)

inputs = np.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39], [-0.4, 0.9, 0.2]])
targets = np.array([1.0, 1.0, 0.0, 1.0, 0.0])


def sigmoid(x):
    return 0.5 * (np.tanh(x / 2.0) + 1.0)


def predict(W, b, x):
    return sigmoid(np.dot(x, W) + b)


def loss(W, b, x=inputs, t=targets):
    p = predict(W, b, x)
    return -np.sum(t * np.log(p) + (1.0 - t) * np.log(1.0 - p))


W, b = np.array([0.1, -0.3, 0.2]), 0.05
print("loss", fmt(loss(W, b)))
print("dW", fmt(jax.grad(loss, argnums=0)(W, b)))
print("db", fmt(jax.grad(loss, 1)(W, b)))
W_grad, b_grad = jax.grad(loss, (0, 1))(W, b)
print("shapes", W_grad.shape, W_grad.dtype)

# against finite differences
eps = 1e-6
numeric = [(loss(W + eps * np.eye(3)[i], b) - loss(W - eps * np.eye(3)[i], b)) / (2 * eps) for i in range(3)]
print("numeric agrees", bool(np.allclose(numeric, W_grad, atol=1e-6)))

# each example's gradient, and their sum
one = lambda W, b, x, t: loss(W, b, x[None, :], np.array([t]))
each = np.stack([jax.grad(one)(W, b, x, t) for x, t in zip(inputs, targets)])
print("each", each.shape, fmt(each[3]), "sum agrees", bool(np.allclose(each.sum(0), W_grad)))
print("keywords", fmt(jax.grad(loss)(W, b, x=inputs[:2], t=targets[:2])))

# descent, with the accuracy as aux
def step(params, lr):
    def objective(p):
        prob = predict(p["W"], p["b"], inputs)
        nll = loss(p["W"], p["b"]) + 0.05 * np.sum(p["W"] ** 2)
        return nll, (np.mean((prob > 0.5) == (targets > 0.5)), prob)
    (value, (acc, prob)), grads = jax.value_and_grad(objective, has_aux=True)(params)
    return {k: params[k] - lr * grads[k] for k in params}, value, acc


params = {"W": W, "b": np.array(b)}
for k in range(30):
    params, value, acc = step(params, 0.2)
    if k % 10 == 0:
        print(f"step {k:2d} {float(value):.6f} acc {float(acc):.4f}")
print("W", fmt(params["W"]), "b", fmt(params["b"]), f"loss {float(value):.6f}")


# a small net: list of (W, b)
def mlp(layers, x, act=np.tanh):
    for w, c in layers[:-1]:
        x = act(x @ w + c)
    w, c = layers[-1]
    return (x @ w + c)[..., 0]


def mse(layers, x, y, act=np.tanh):
    return np.mean((mlp(layers, x, act=act) - y) ** 2)


grid = lambda n, m, s: np.array([[((i * 5 + j * 3 + s) % 7 - 3) / 4.0 for j in range(m)] for i in range(n)])
layers = [(grid(3, 4, 1), np.zeros(4)), (grid(4, 1, 2), np.zeros(1))]
g = jax.grad(mse)(layers, inputs, targets)
print("tree", type(g).__name__, [tuple(a.shape for a in pair) for pair in g])
print("first row", fmt(g[0][0][0]), "bias", fmt(g[1][1]))
print("with relu", fmt(jax.grad(partial(mse, act=lambda x: np.maximum(x, 0.0)))(layers, inputs, targets)[0][1]))
for k in range(40):
    value, g = jax.value_and_grad(mse)(layers, inputs, targets)
    layers = [(w - 0.2 * dw, c - 0.2 * dc) for (w, c), (dw, dc) in zip(layers, g)]
print("net", f"{float(value):.6f}", fmt(mlp(layers, inputs)))
print("input gradient", fmt(jax.grad(lambda x: mlp(layers, x))(inputs[0])))

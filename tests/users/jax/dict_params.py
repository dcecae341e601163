"""A network whose parameters live in dicts and lists: grads with the same shape of tree, SGD and Adam on them."""
import math
import microgradnn as jax
import microgradnn as jnp
from microgradnn import trees


def tree_map(f, tree, *rest):
    return trees.like(tree, (f(*xs) for xs in zip(trees.spread(tree), *(trees.matched(t, tree) for t in rest))))



def init(nin, nh):
    w = lambda k: 0.6 * math.sin(2.3 * k + 1.0)
    return {
        "hidden": [{"w": [w(i * nin + j) for j in range(nin)], "b": 0.1 * (i - 1)} for i in range(nh)],
        "out": {"w": [w(100 + i) for i in range(nh)], "b": 0.0},
    }


def predict(params, x):
    hs = [jnp.tanh(sum(w * xi for w, xi in zip(n["w"], x)) + n["b"]) for n in params["hidden"]]
    return sum(w * h for w, h in zip(params["out"]["w"], hs)) + params["out"]["b"]


def loss(params, data, l2=0.0):
    errs = [(predict(params, x) - t) ** 2 for x, t in data]
    size = sum(w ** 2 for w in params["out"]["w"])
    return sum(errs) / len(errs) + l2 * size


data = [((0.3 * i - 1.0, (i * i % 5) / 5.0), math.cos(i)) for i in range(8)]
params = init(2, 4)
value, grads = jax.value_and_grad(loss)(params, data)
print("loss", f"{float(value):.6f}")
print("keys", sorted(grads), sorted(grads["hidden"][0]), len(grads["hidden"]), len(grads["out"]["w"]))
print("out.w", " ".join(f"{float(g):.6f}" for g in grads["out"]["w"]), "out.b", f"{float(grads['out']['b']):.6f}")
print("hidden[2]", {k: [round(float(v), 6) for v in g] if isinstance(g, list) else round(float(g), 6)
                    for k, g in sorted(grads["hidden"][2].items())})

zero = lambda tree: tree_map(lambda p: 0.0, tree)
print("leaves", len(trees.spread(params)), "the same tree:", zero(params) == zero(grads))
norm = math.sqrt(sum(float(g) ** 2 for g in trees.spread(grads)))
print("norm", f"{norm:.6f}")

# plain descent
for step in range(20):
    value, grads = jax.value_and_grad(loss)(params, data, l2=0.001)
    params = tree_map(lambda p, g: p - 0.2 * g, params, grads)
    if step % 5 == 0:
        print(f"sgd {step:2d} {float(value):.6f}")
print("sgd", f"{float(loss(params, data)):.6f}")

# Adam with its memory in trees of the same kind
params = init(2, 4)
zeros = tree_map(lambda p: 0.0, params)
m, v = zeros, zeros
for t in range(1, 21):
    grads = jax.grad(loss)(params, data)
    m = tree_map(lambda a, g: 0.9 * a + 0.1 * g, m, grads)
    v = tree_map(lambda a, g: 0.999 * a + 0.001 * g * g, v, grads)
    params = tree_map(
        lambda p, a, b: p - 0.05 * (a / (1 - 0.9 ** t)) / ((b / (1 - 0.999 ** t)) ** 0.5 + 1e-8), params, m, v)
print("adam", f"{float(loss(params, data)):.6f}", f"out.b {float(params['out']['b']):.6f}")

# two trees, argnums, a tuple of a dict and a number
def two(p, q):
    return p["a"] * q["b"] + jnp.sin(p["a"] * p["c"][0]) - q["b"] / p["c"][1]


gp, gq = jax.grad(two, argnums=(0, 1))({"a": 1.0, "c": (0.5, 2.0)}, {"b": 3.0})
print("two", f"{float(gp['a']):.6f}", type(gp["c"]).__name__, [round(float(c), 6) for c in gp["c"]], f"{float(gq['b']):.6f}")
unused = jax.grad(lambda p: p["x"] ** 2)({"x": 3.0, "y": 7.0})
print("unused", float(unused["x"]), float(unused["y"]))

"""jvp and vjp: directional derivatives, pullbacks, Hessian-vector products, linearize."""
import numpy as np
import microgradnn as jax
import microgradnn as jnp

fmt = lambda vs: " ".join(f"{float(v) + 0.0:.6f}" for v in vs)


def f(x, y):
    return x * jnp.sin(y) + x / y


# forward: values and one direction
y, dy = jax.jvp(f, (1.3, 0.8), (1.0, 0.0))
print("jvp along x", fmt([y, dy]))
y, dy = jax.jvp(f, (1.3, 0.8), (0.5, -2.0))
gx, gy = jax.grad(f, (0, 1))(1.3, 0.8)
print("jvp mixed", fmt([dy, 0.5 * gx - 2.0 * gy]))


# backward: several outputs, pulled back with weights
def g(x, y):
    return x * y, jnp.exp(x) - y ** 2, x + 3.0


out, pull = jax.vjp(g, 0.4, 1.1)
print("vjp out", fmt(out))
for seed in [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (2.0, -1.0, 0.5)]:
    print("  pulled back", seed, fmt(pull(seed)))
out, tangents = jax.jvp(g, (0.4, 1.1), (1.0, 1.0))
print("jvp of three outputs", fmt(tangents))
# <w, Jv> == <J'w, v>
w, v = (0.3, -0.7, 1.9), (1.5, 0.25)
left = sum(a * b for a, b in zip(w, jax.jvp(g, (0.4, 1.1), v)[1]))
right = sum(a * b for a, b in zip(pull(w), v))
print("transposes", fmt([left, right]))


# aux through vjp
(val, aux), back = jax.vjp(lambda x: (x ** 2, {"twice": 2.0 * x}), 3.0)
print("aux", float(val), float(aux["twice"]), fmt(back((1.0, {"twice": 0.0}))))


# dicts in, dicts out
def model(p):
    h = jnp.tanh(p["w"] * 0.5 + p["b"])
    return {"h": h, "sq": h * h}


out, pull = jax.vjp(model, {"w": 1.2, "b": -0.3})
(gp,) = pull({"h": 1.0, "sq": -2.0})
print("dict", fmt([out["h"], out["sq"], gp["w"], gp["b"]]))
out, tan = jax.jvp(model, ({"w": 1.2, "b": -0.3},), ({"w": 1.0, "b": 0.0},))
print("dict forward", fmt([tan["h"], tan["sq"]]))


# arrays
def h(x):
    return np.array([x[0] * x[1], jnp.cos(x[2]), x[0] + x[1] * x[2]])


x = np.array([1.0, 2.0, 3.0])
out, pull = jax.vjp(h, x)
print("array vjp", fmt(pull(np.array([1.0, 1.0, 1.0]))[0]))
print("array jvp", fmt(jax.jvp(h, (x,), (np.array([0.0, 1.0, -1.0]),))[1]))
lin = lambda v: jax.jvp(h, (x,), (v,))[1]
print("linearize", fmt(lin(np.array([0.0, 1.0, -1.0]))), "twice as far", fmt(lin(np.array([0.0, 2.0, -2.0]))))


# Hessian times vector without the Hessian
def energy(x):
    return jnp.exp(x[0] * x[1]) + x[1] ** 2 * x[2] + jnp.sin(x[2])


vec = np.array([1.0, -0.5, 2.0])
fwd_over_rev = jax.jvp(jax.grad(energy), (x,), (vec,))[1]
rev_over_rev = jax.grad(lambda z: sum(a * b for a, b in zip(jax.grad(energy)(z), vec)))(x)
direct = jax.hessian(energy)(x) @ vec
print("hvp", fmt(fwd_over_rev), "|", fmt(rev_over_rev), "|", fmt(direct))

# second derivative in a direction, forward over forward
d1 = lambda t: jax.jvp(lambda s: f(1.3 + s, 0.8 - 2.0 * s), (t,), (1.0,))[1]
print("second along a line", fmt([d1(0.0), jax.jvp(d1, (0.0,), (1.0,))[1]]))

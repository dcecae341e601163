"""Jacobians and Hessians of small functions, forward and backward, and Newton's method with them."""
import microgradnn as jax
import microgradnn as jnp
import numpy as np



def show(name, a):
    a = np.asarray(a) + 0.0
    print(name, a.shape)
    for row in np.atleast_2d(a.reshape(-1, a.shape[-1]) if a.ndim else a):
        print("   ", " ".join(f"{v:11.6f}" for v in row))


def polar(p):
    r, t = p[0], p[1]
    return np.array([r * jnp.cos(t), r * jnp.sin(t), r * t])


def rosenbrock(p):
    return sum(100.0 * (p[i + 1] - p[i] ** 2) ** 2 + (1.0 - p[i]) ** 2 for i in range(2))


p = np.array([2.0, 0.5])
show("jacobian", jax.jacobian(polar)(p))
show("forward the same", jax.jacobian(polar)(p))
print("agree", bool(np.allclose(jax.jacobian(polar)(p), jax.jacobian(polar)(p))))
q = np.array([-1.2, 1.0, 0.5])
show("gradient", jax.grad(rosenbrock)(q))
show("hessian", jax.hessian(rosenbrock)(q))
H = np.asarray(jax.hessian(rosenbrock)(q))
print("symmetric", bool(np.allclose(H, H.T)), "eigenvalues", " ".join(f"{v:.6f}" for v in np.linalg.eigvalsh(H)))

# Newton
x = np.array([1.1, 1.2, 1.45])
for k in range(6):
    g, H = jax.grad(rosenbrock)(x), jax.hessian(rosenbrock)(x)
    x = x - np.linalg.solve(H, g)
    print("newton", k, f"{float(rosenbrock(x)):.6f}", " ".join(f"{float(v):.6f}" for v in x))


# scalar arguments, several of them
def f(a, b):
    return a ** 2 * b + jnp.exp(a * b)


(aa, ab), (ba, bb) = jax.hessian(f, argnums=(0, 1))(0.5, -1.5)
print("second derivatives", " ".join(f"{float(v):.6f}" for v in (aa, ab, ba, bb)))
print("mixed by grad of grad", f"{float(jax.grad(jax.grad(f, 0), 1)(0.5, -1.5)):.6f}")
print("jacobian of scalars", [round(float(v), 6) for v in jax.jacobian(f, argnums=(0, 1))(0.5, -1.5)])


# a system of two equations
def system(v):
    x, y = v[0], v[1]
    return np.array([x ** 2 + y ** 2 - 4.0, jnp.exp(x) + y - 1.0])


v = np.array([1.0, -1.7])
for _ in range(6):
    v = v - np.linalg.solve(jax.jacobian(system)(v), system(v))
print("solution", " ".join(f"{float(c):.6f}" for c in v))


# dicts: a Jacobian of a tree in and a tree out
def tree(d):
    return {"s": d["x"] + 2.0 * d["y"], "p": d["x"] * d["y"]}


J = jax.jacobian(tree)({"x": 3.0, "y": -2.0})
print({k: {n: float(J[k][n]) for n in sorted(J[k])} for k in sorted(J)})
show("matrix argument", jax.grad(lambda A: A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0])(np.array([[1.0, 2.0], [3.0, 4.0]])))
show("hessian of it", jax.hessian(lambda A: A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0])(np.array([[1.0, 2.0], [3.0, 4.0]])))
show("jacobian, third order", jax.jacobian(jax.hessian(lambda w: w[0] ** 3 * w[1]))(np.array([1.0, 2.0])))

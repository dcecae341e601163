"""stop_gradient and custom gradients: targets held still, straight-through rounding, clipped gradients."""
import math
import microgradnn as jax
import microgradnn as jnp

stop = lambda x: {k: stop(v) for k, v in x.items()} if isinstance(x, dict) else getattr(x, "data", x)
fmt = lambda *vs: " ".join(f"{float(v) + 0.0:.6f}" for v in vs)

print("x*stop(x)", fmt(jax.grad(lambda x: x * stop(x))(3.0)), "x*x", fmt(jax.grad(lambda x: x * x)(3.0)))
print("all stopped", fmt(jax.grad(lambda x: stop(x ** 2))(3.0)))
print("second order", fmt(jax.grad(jax.grad(lambda x: x ** 2 * stop(x)))(3.0)))
print("through jvp", fmt(*jax.jvp(lambda x: x + stop(2.0 * x), (1.5,), (1.0,))))

# a dict goes through whole
frozen = lambda p: stop(p)["a"] * p["b"]
g = jax.grad(frozen)({"a": 2.0, "b": 5.0})
print("dict", fmt(g["a"], g["b"]))


# temporal difference: the target is not differentiated
def value(theta, s):
    return theta[0] + theta[1] * s + theta[2] * s * s


def td_loss(theta, s, r, s2, hold):
    target = r + 0.9 * value(theta, s2)
    if hold:
        target = stop(target)
    return (target - value(theta, s)) ** 2


theta = [0.1, -0.1, 0.05]
for hold in (True, False):
    gr = jax.grad(td_loss)(theta, 1.0, 2.0, -1.0, hold)
    print("td", hold, fmt(*gr), "kw", fmt(*jax.grad(td_loss)(theta, 1.0, r=2.0, s2=-1.0, hold=hold)))
for step in range(60):
    s = ((step * 7) % 11) / 5.0 - 1.0
    gr = jax.grad(td_loss)(theta, s, s * s, 0.5 * s, True)
    theta = [t - 0.1 * g for t, g in zip(theta, gr)]
print("theta", fmt(*theta))


# straight-through
def ste_round(x):
    return x + stop(jnp.floor(x + 0.5) - x)


print("straight through", fmt(ste_round(2.7), jax.grad(lambda x: ste_round(x) ** 2)(2.7)), "plain", fmt(jax.grad(lambda x: jnp.floor(x + 0.5) ** 2)(2.7)))

# own gradients
log1pexp = jax.primitive("log1pexp", lambda x: math.log(1.0 + math.exp(x)), lambda out, x: 1.0 - 1.0 / (1.0 + jnp.exp(x)))
print("log1pexp", fmt(log1pexp(0.5), jax.grad(log1pexp)(0.5), jax.grad(log1pexp)(100.0)))

# the safe square root: both sides of where
safe = lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)
print("safe sqrt", fmt(jax.grad(safe)(4.0), jax.grad(safe)(0.0)))

# softmax with the maximum held still gives the same gradient
def nll(z, k, hold):
    m = jnp.maximum(jnp.maximum(z[0], z[1]), z[2])
    m = stop(m) if hold else m
    e = [jnp.exp(v - m) for v in z]
    return -jnp.log(e[k] / (e[0] + e[1] + e[2]))


a, b = [jax.grad(nll)([1.0, 3.0, -2.0], 2, h) for h in (True, False)]
print("softmax", fmt(*a), "same", all(abs(float(u - v)) < 1e-12 for u, v in zip(a, b)))

"""jax.grad on scalar functions: argnums, powers, higher orders, kwargs, value_and_grad, has_aux."""
import microgradnn as jax
import microgradnn as jnp



def show(name, *vals):
    print(f"{name:22s}", " ".join(f"{float(v):.6f}" for v in vals))


def f(x):
    return x ** 3 - 2.0 * x ** 2 + 5.0 / x - 1.0


show("f, f'", f(1.5), jax.grad(f)(1.5))
d = f
for k in range(1, 5):
    d = jax.grad(d)
    show(f"derivative {k}", d(1.5))


def g(x, y, z=2.0):
    return jnp.sin(x) * jnp.exp(-y) + z * x * y


show("argnums 0", jax.grad(g)(0.7, 1.2))
show("argnums 1", jax.grad(g, argnums=1)(0.7, 1.2))
show("argnums (0, 1)", *jax.grad(g, argnums=(0, 1))(0.7, 1.2))
show("all three", *jax.grad(g, argnums=(0, 1, 2))(0.7, 1.2, 3.0))
show("keyword passed on", *jax.grad(g, (0, 1))(0.7, 1.2, z=-1.0))
show("argnums -1", jax.grad(g, argnums=-1)(0.7, 1.2, 3.0))
print("tuple or not:", type(jax.grad(g, argnums=(0,))(0.7, 1.2)).__name__, isinstance(jax.grad(g)(0.7, 1.2), tuple))

value, slope = jax.value_and_grad(g)(0.7, 1.2)
show("value_and_grad", value, slope)
value, slopes = jax.value_and_grad(g, argnums=(1, 0))(0.7, 1.2)
show("value_and_grad (1, 0)", value, *slopes)


def with_aux(x, scale):
    h = jnp.tanh(x * scale)
    return h ** 2, {"hidden": h, "input": x}


grad, aux = jax.grad(with_aux, has_aux=True)(0.4, 2.0)
show("aux", grad, aux["hidden"], aux["input"])
(value, aux), grad = jax.value_and_grad(with_aux, argnums=1, has_aux=True)(0.4, 2.0)
show("aux with value", value, aux["hidden"], grad)

# elementary functions one by one at 0.6
for name in ["sin", "cos", "tan", "exp", "log", "tanh", "sinh", "cosh", "sqrt", "atan", "asin", "log1p", "expm1", "abs"]:
    fn = getattr(jnp, name)
    show(name, fn(0.6), jax.grad(fn)(0.6), jax.grad(jax.grad(fn))(0.6))
for name in ["relu", "sigmoid", "softplus", "silu", "elu"]:
    fn = getattr(jax.nn.functional, name)
    show(name, fn(-0.6), jax.grad(fn)(-0.6), fn(0.6), jax.grad(fn)(0.6))
show("maximum", *jax.grad(lambda a, b: jnp.maximum(a, b) * a, (0, 1))(2.0, 1.0))
show("where", jax.grad(lambda a: jnp.where(a > 1.0, a ** 2, -a))(0.5), jax.grad(lambda a: jnp.where(a > 1.0, a ** 2, -a))(1.5))
show("power of both", *jax.grad(lambda a, b: a ** b, (0, 1))(1.7, 2.3))
show("python if", *[jax.grad(lambda a: a * a if a > 0 else -3.0 * a)(v) for v in (2.0, -2.0)])


def newton(x, steps=6):
    for _ in range(steps):
        x = x - (f(x) - 4.0) / jax.grad(f)(x)
    return x


root = newton(0.6)
show("newton", root, f(root))


def loop(x):
    total, term = 0.0, 1.0
    for n in range(1, 12):
        term = term * x / n
        total += term
    return total


show("series of exp - 1", loop(0.9), jax.grad(loop)(0.9), jnp.exp(0.9) - 1)

"""Ordinary use, for the type checker alone: `mypy --strict` must find nothing wrong with it."""

from microgradnn import Value, check_grads, draw, exp, grad, primitive, steps, sum as total, tanh


def use() -> tuple[float, bool, list[float], Value]:
    x, y = Value(2.0, "x"), Value(-1.0)
    z: Value = -x + 1 - 2 * y / x**2 + 3 ** (x - 1) / 2 + abs(y)
    z = x.tanh() * tanh(x) + exp(z).sigmoid() + total([x, y])
    number: float = exp(1.0) + z.data + x.grad
    larger: bool = x > y
    z.backward()
    draw(z).save("z.svg")
    steps(z).save("z.html")
    gradient: list[float] = grad(lambda v: v[0] * v[1])([1.0, 2.0])
    check_grads(lambda v: v**2, (3.0,))
    square = primitive("square", lambda v: v * v, lambda out, v: 2 * v)
    return number, larger, gradient, square(z)
